-- EM for a linear dynamical system: 2,000 steps of 4 states and 2 outputs, 20 iterations from the same start, all
-- parameters. Peers are pykalman's EM, and an EM in NumPy whose smoother is statsmodels' compiled one.

local function latent_side(latent, Y, A, C, Q, R)
  local n, model = A.rows, nil
  return function()
    model = latent.lds { A = A, C = C, Q = Q, R = R, initial_mean = latent.matrix.zeros(n),
      initial_covariance = latent.matrix.eye(n), max_iterations = 20, tolerance = 0,
      estimate = { "A", "C", "Q", "R", "initial_mean", "initial_covariance" } }:fit(Y)
  end, function() return { model:log_likelihood(Y):sum() } end
end

local check = [[
import numpy as np
from statsmodels.tsa.statespace.kalman_smoother import KalmanSmoother

def smoother(Y, A, C, Q, R, mean, P):
    k = KalmanSmoother(k_endog=len(C), k_states=len(A))
    k.bind(Y)
    k["transition"], k["design"], k["state_cov"], k["obs_cov"], k["selection"] = A, C, Q, R, np.eye(len(A))
    k.initialize_known(mean, P)
    return k
]]

local numpy_em = check .. [[
def em(Y, A, C, Q, R, mean, P, iterations):
    T = len(Y)
    for _ in range(iterations):
        r = smoother(Y, A, C, Q, R, mean, P).smooth()
        m, V = r.smoothed_state.T, r.smoothed_state_cov.transpose(2, 0, 1)
        lag = r.smoothed_state_autocov.transpose(2, 0, 1)[:-1]
        E = V.sum(0) + m.T @ m
        first, last = V[0] + np.outer(m[0], m[0]), V[-1] + np.outer(m[-1], m[-1])
        L = lag.sum(0) + m[1:].T @ m[:-1]
        A = np.linalg.solve(E - last, L.T).T
        Q = (E - first - A @ L.T) / (T - 1)
        Q = (Q + Q.T) / 2
        YX = Y.T @ m
        C = np.linalg.solve(E, YX.T).T
        R = (Y.T @ Y - C @ YX.T) / T
        R = (R + R.T) / 2
        mean, P = m[0], V[0]
    return smoother(Y, A, C, Q, R, mean, P)

def setup(Y, A, C, Q, R):
    kept = []

    def work():
        kept[:] = [em(Y, A, C, Q, R, np.zeros(len(A)), np.eye(len(A)), 20)]

    return work, lambda: [kept[0].loglike()]
]]

local pykalman_em = check .. [[
from pykalman import KalmanFilter

def setup(Y, A, C, Q, R):
    kept = []

    def work():
        k = KalmanFilter(transition_matrices=A, observation_matrices=C, transition_covariance=Q,
                         observation_covariance=R, initial_state_mean=np.zeros(len(A)),
                         initial_state_covariance=np.eye(len(A)),
                         em_vars=["transition_matrices", "observation_matrices", "transition_covariance",
                                  "observation_covariance", "initial_state_mean", "initial_state_covariance"])
        kept[:] = [k.em(Y, n_iter=20)]

    def check():
        k = kept[0]
        return [smoother(Y, k.transition_matrices, k.observation_matrices, k.transition_covariance,
                         k.observation_covariance, k.initial_state_mean, k.initial_state_covariance).loglike()]

    return work, check
]]

local data = { "lds_em_Y", "lds_em_A_start", "lds_em_C_start", "lds_em_Q_start", "lds_em_R_start" }

return {
  { name = "lds_em_statsmodels", data = data, rounds = 5, agree = 1e-8, target = 8,
    sides = { { name = "latent", lua = latent_side }, { name = "NumPy on statsmodels", python = numpy_em } } },
  { name = "lds_em_pykalman", data = data, rounds = 1, agree = 1e-8, target = 50,
    sides = { { name = "latent", lua = latent_side }, { name = "pykalman", python = pykalman_em } } },
}
