-- The silhouette of 10,000 rows in ten columns and three clusters, from all pairs of rows.
return {
  data = { "blobs_10000x10" },
  rounds = 5,
  sides = {
    { name = "latent", lua = function(latent, X)
      local labels, mean = X:col(1):gt(0) + X:col(2):gt(0), nil
      return function() mean = latent.metrics.silhouette(X, labels) end, function() return { mean } end
    end },
    { name = "sklearn.metrics.silhouette_score", python = [[
from sklearn.metrics import silhouette_score
def setup(X):
    labels = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)
    out = []
    def work(): out[:] = [silhouette_score(X, labels)]
    return work, lambda: out
]] },
  },
  agree = 1e-10,
  target = 3,
}
