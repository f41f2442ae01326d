-- Many rows: the covariance, which reads the data once, is nearly all of the work.
return {
  data = { "pca_100000x256" },
  sides = {
    { name = "latent", lua = function(latent, X)
      local pca
      return function() pca = latent.pca { latent_dim = 20 }:fit(X) end,
        function() return pca.eigenvalues:table() end
    end },
    { name = "scikit-learn (covariance_eigh)", python = [[
from sklearn.decomposition import PCA
def setup(X):
    pca = PCA(20, svd_solver="covariance_eigh")
    return lambda: pca.fit(X), lambda: pca.explained_variance_ * (len(X) - 1) / len(X)
]] },
  },
  agree = 1e-9,
  floor = { flops64 = 100000 * 256 * 257, bytes = 8 * 100000 * 256 }, -- of the covariance
  target = 1.3,
}
