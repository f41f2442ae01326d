-- Mixtures of PPCA: ten EM iterations from the same start: the first K rows as means, equal weights, and of each
-- component the first M columns of the unit matrix as W, and noise. The peer is vectorized NumPy, by component:
-- densities through M x M matrices; up to 100 columns the M-step is PPCA's closed form on the components' scatter,
-- beyond the same step for z as ours, so that the results can be compared.
local python = [=[
import numpy as np
K, M, CLOSED = %d, %d, %s

def em(X, iterations):
    N, D = X.shape
    means, weights, s2 = X[:K].copy(), np.full(K, 1 / K), np.full(K, X.var(0).mean() / 2)
    W = np.tile(np.eye(D)[:, :M] * np.sqrt(s2[0]), (K, 1, 1))
    for _ in range(iterations):
        joint = np.empty((K, N))
        G = []
        for k in range(K):
            C = W[k].T @ W[k] + s2[k] * np.eye(M)
            d = X - means[k]
            p = d @ W[k]
            z = np.linalg.solve(C, p.T).T
            quadratic = (np.einsum("nd,nd->n", d, d) - np.einsum("nm,nm->n", p, z)) / s2[k]
            joint[k] = np.log(weights[k]) - 0.5 * (D * np.log(2 * np.pi) + (D - M) * np.log(s2[k])
                                                   + np.linalg.slogdet(C)[1] + quadratic)
            G.append(np.linalg.solve(C, W[k].T).T)
        top = joint.max(0)
        joint = np.exp(joint - top)
        total = joint.sum(0)
        joint /= total
        objective = (top + np.log(total)).mean()
        counts = joint.sum(1)
        weights = counts / N
        means = (joint @ X) / counts[:, None]
        for k in range(K):
            d = (X - means[k]) * np.sqrt(joint[k] / counts[k])[:, None]
            if CLOSED:
                values, vectors = np.linalg.eigh(d.T @ d)
                s2[k] = values[:D - M].mean()
                W[k] = vectors[:, D - M:] * np.sqrt(values[D - M:] - s2[k])
            else:
                SB = d.T @ (d @ G[k])
                V = s2[k] * np.linalg.inv(W[k].T @ W[k] + s2[k] * np.eye(M))
                L = np.linalg.cholesky(V + G[k].T @ SB)
                W[k] = np.linalg.solve(L, SB.T).T
                s2[k] = (np.einsum("nd,nd->", d, d) - (W[k] ** 2).sum()) / D
    return objective, s2

def setup(X):
    result = []
    def run():
        result[:] = [em(X, 10)]
    return run, lambda: [result[0][0], *result[0][1]]
]=]

local function case(N, D, K, M)
  return {
    name = ("mppca_d%d_k%d_m%d"):format(D, K, M),
    data = { ("mppca_%dx%d"):format(N, D) },
    rounds = 5,
    sides = {
      { name = "latent", lua = function(latent, X)
        local noise = X:var(1):mean() / 2
        local W, s = {}, {}
        for k = 1, K do
          W[k] = latent.matrix(D, M, function(i, j) return i == j and math.sqrt(noise) or 0 end)
          s[k] = noise
        end
        local init = { means = X:block(1, K, 1, D):copy(), W = W, noise_variances = s }
        local model
        return function()
          model = latent.mppca { latent_dim = M, init = init, tolerance = 0, max_iterations = 10 }:fit(X)
        end, function() return { model.history[10], table.unpack(model.noise_variances:table()) } end
      end },
      { name = "NumPy EM", python = python:format(K, M, D <= 100 and "True" or "False") },
    },
    agree = 1e-8,
    target = 5,
  }
end

return { case(50000, 32, 8, 4), case(10000, 256, 8, 8) }
