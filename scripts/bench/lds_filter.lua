-- Kalman's filter, and filter and smoother, over a whole sequence: 10,000 steps of 4 states and 2 outputs, and 2,000
-- steps of 20 and 10. The peer is statsmodels' compiled filter and smoother, also with its own
-- tolerance (1e-19), with which it stops updating covariances that have settled.

local function ours(method)
  return function(latent, Y, A, C, Q, R)
    local n, result = A.rows, nil
    local model = latent.lds { A = A, C = C, Q = Q, R = R, initial_mean = latent.matrix.zeros(n),
      initial_covariance = latent.matrix.eye(n) }
    return function() result = model[method](model, Y) end, function()
      local last = result.means[Y.rows]
      return { result.log_likelihood, last[1], last[n], result.covariances[Y.rows](1, 1) }
    end
  end
end

local function theirs(method, tolerance)
  return ([[
import numpy as np
from statsmodels.tsa.statespace.kalman_smoother import KalmanSmoother

def setup(Y, A, C, Q, R):
    n = len(A)
    k = KalmanSmoother(k_endog=len(C), k_states=n)
    k.tolerance = %s
    k.bind(Y)
    k["transition"], k["design"], k["state_cov"], k["obs_cov"], k["selection"] = A, C, Q, R, np.eye(n)
    k.initialize_known(np.zeros(n), np.eye(n))
    kept = []

    def work():
        kept[:] = (k.%s(),)

    def check():
        r, kind = kept[0], "%s"
        state, cov = getattr(r, kind + "_state"), getattr(r, kind + "_state_cov")
        return r.llf, state[0, -1], state[-1, -1], cov[0, 0, -1]

    return work, check
]]):format(tolerance, method, method == "filter" and "filtered" or "smoothed")
end

local function case(name, data, method, target)
  local inputs = {}
  for i, part in ipairs { "Y", "A", "C", "Q", "R" } do inputs[i] = data .. "_" .. part end
  return {
    name = name, data = inputs, agree = 1e-9, target = target,
    sides = {
      { name = "latent", lua = ours(method) },
      { name = "statsmodels", python = theirs(method, 0) },
      { name = "statsmodels, settling", python = theirs(method, 1e-19) },
    },
  }
end

return {
  case("lds_filter_4x2", "lds_4", "filter", 10),
  case("lds_smooth_4x2", "lds_4", "smooth", 10),
  case("lds_filter_20x10", "lds_20", "filter", 3),
  case("lds_smooth_20x10", "lds_20", "smooth", 3),
}
