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

-- What is timed, and what it has come to.
local function timed(latent, X, means, noise, M, missing)
  local W, s, model = {}, {}, nil
  for k = 1, means.rows do
    W[k] = latent.matrix(X.cols, M, function(i, j) return i == j and math.sqrt(noise) or 0 end)
    s[k] = noise
  end
  local options = { latent_dim = M, init = { means = means, W = W, noise_variances = s }, tolerance = 0,
    max_iterations = 10 }
  return function() model = latent.mppca(options):fit(X, { missing = missing }) end,
    function() return { model.history[10], table.unpack(model.noise_variances:table()) } end
end

local function case(N, D, K, M)
  return {
    name = ("mppca_d%d_k%d_m%d"):format(D, K, M),
    data = { ("mppca_%dx%d"):format(N, D) },
    rounds = 5,
    sides = {
      { name = "latent", lua = function(latent, X)
        return timed(latent, X, X:block(1, K, 1, D):copy(), X:var(1):mean() / 2, M, false)
      end },
      { name = "NumPy EM", python = python:format(K, M, D <= 100 and "True" or "False") },
    },
    agree = 1e-8,
    target = 5,
  }
end

-- With 20 % of the entries missing. The peer is exact too, by component for all rows at once: batches of M x M systems,
-- and products for the scatter of conditional means and covariances.
local missing = [=[
import numpy as np
K, M = 8, 4

def em(X, iterations):
    N, D = X.shape
    there = ~np.isnan(X)
    O = there.astype(float)
    Y = np.where(there, X, 0.0)
    observed = O.sum(1)
    overall = Y.sum(0) / O.sum(0)
    s2 = np.full(K, ((O * (Y - overall) ** 2).sum(0) / O.sum(0)).mean() / 2)
    means, weights = np.where(there, X, overall)[:K], np.full(K, 1 / K)
    W = np.tile(np.eye(D)[:, :M] * np.sqrt(s2[0]), (K, 1, 1))
    for _ in range(iterations):
        joint, Z, L = np.empty((K, N)), [], []
        for k in range(K):
            d = O * (Y - means[k])
            outer = (W[k][:, :, None] * W[k][:, None, :]).reshape(D, M * M)
            C = (O @ outer).reshape(N, M, M) + s2[k] * np.eye(M)
            z = np.linalg.solve(C, (d @ W[k])[:, :, None])[:, :, 0]
            residual = O * (d - z @ W[k].T)
            joint[k] = np.log(weights[k]) - 0.5 * (observed * np.log(2 * np.pi) + (observed - M) * np.log(s2[k])
                       + np.linalg.slogdet(C)[1] + (residual ** 2).sum(1) / s2[k] + (z ** 2).sum(1))
            Z.append(z)
            L.append(np.linalg.cholesky(s2[k] * np.linalg.inv(C)))
        top = joint.max(0)
        joint = np.exp(joint - top)
        total = joint.sum(0)
        joint /= total
        objective = (top + np.log(total)).mean()
        counts = joint.sum(1)
        weights = counts / N
        for k in range(K):
            root = np.sqrt(joint[k] / counts[k])
            x = np.where(there, Y, means[k] + Z[k] @ W[k].T)
            means[k] = (root ** 2) @ x
            x = (x - means[k]) * root[:, None]
            U = ((1 - O) * root[:, None])[:, :, None] * (W[k] @ L[k])
            U = U.transpose(1, 0, 2).reshape(D, N * M)
            S = x.T @ x + U @ U.T + np.diag(s2[k] * (root ** 2) @ (1 - O))
            values, vectors = np.linalg.eigh(S)
            s2[k] = values[:D - M].mean()
            W[k] = vectors[:, D - M:] * np.sqrt(values[D - M:] - s2[k])
    return objective, s2

def setup(X):
    result = []
    def run():
        result[:] = [em(X, 10)]
    return run, lambda: [result[0][0], *result[0][1]]
]=]

return {
  case(50000, 32, 8, 4),
  case(10000, 256, 8, 8),
  {
    name = "mppca_missing",
    data = { "mppca_missing" },
    rounds = 5,
    sides = {
      { name = "latent", lua = function(latent, X)
        local there = X:isnan() * -1 + 1
        local Y = X:where(there, 0)
        local mean = Y:sum(1) / there:sum(1)
        local squares = ((Y - mean) % there) ^ 2
        local noise = (squares:sum(1) / there:sum(1)):mean() / 2
        local means = X:block(1, 8, 1, 32):copy()
        for k = 1, 8 do
          for j = 1, 32 do if there(k, j) == 0 then means[k][j] = mean[j] end end
        end
        return timed(latent, X, means, noise, 4, true)
      end },
      { name = "NumPy EM", python = missing },
    },
    agree = 1e-8,
    target = 5,
  },
}
