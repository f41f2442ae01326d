-- More columns: the covariance, and an eigensolver of 500 x 500.
return {
  data = { "pca_20000x500" },
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
  floor = { flops64 = 20000 * 500 * 501, bytes = 8 * 20000 * 500 }, -- of the covariance
  target = 1.3,
}
