-- PPCA with 20 % of the entries missing: 20 iterations of EM from a random start, and the observed log-likelihood.
-- The peer is exact EM in NumPy with each row's own M x M system, vectorized over all rows: what is the same for all is
-- a product of matrices, the systems are one batch for LAPACK. A loop over rows takes far longer.
return {
  data = { "ppca_missing" },
  rounds = 5,
  sides = {
    { name = "latent", lua = function(latent, X)
      local options, gaps = { latent_dim = 5, max_iterations = 20, tolerance = 0 }, { missing = true }
      -- once: where it has converged, whatever the start was
      local long = latent.ppca { latent_dim = 5, max_iterations = 150, tolerance = 0 }:fit(X, gaps)
      return function() latent.ppca(options):fit(X, gaps) end, function() return { long.history[150] } end
    end },
    { name = "NumPy EM by rows", python = [[
import numpy as np

def em(X, M, iterations):
    N, D = X.shape
    there = ~np.isnan(X)
    O = there.astype(float)
    Y = np.where(there, X, 0.0)
    counts = O.sum(0)
    mean = Y.sum(0) / counts
    s2 = (O * (Y - mean) ** 2).sum() / counts.sum() / 2
    W = np.random.default_rng(0).standard_normal((D, M)) * np.sqrt(s2 / M)
    observed = O.sum(1)
    for _ in range(iterations):
        d = O * (Y - mean)
        outer = (W[:, :, None] * W[:, None, :]).reshape(D, M * M)
        K = (O @ outer).reshape(N, M, M) + s2 * np.eye(M)
        z = np.linalg.solve(K, (d @ W)[:, :, None])[:, :, 0]
        V = s2 * np.linalg.inv(K)
        residual = O * (d - z @ W.T)
        objective = -0.5 * (observed.sum() * np.log(2 * np.pi) + ((observed - M) * np.log(s2)).sum()
                            + np.linalg.slogdet(K)[1].sum() + (residual ** 2).sum() / s2 + (z ** 2).sum()) / N
        z1 = np.column_stack([z, np.ones(N)])
        E = z1[:, :, None] * z1[:, None, :]
        E[:, :M, :M] += V
        A = (O.T @ E.reshape(N, -1)).reshape(D, M + 1, M + 1)
        B = Y.T @ z1
        w1 = np.linalg.solve(A, B[:, :, None])[:, :, 0]
        s2 = ((Y ** 2).sum() - (w1 * B).sum()) / counts.sum()
        W, mean = w1[:, :M], w1[:, M]
    return objective

def setup(X):
    converged = em(X, 5, 150)
    return lambda: em(X, 5, 20), lambda: [converged]
]] },
  },
  agree = 1e-9,
  target = 10,
}
