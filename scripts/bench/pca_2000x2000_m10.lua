-- Square: few components of many. The peer's default is randomized, so its eigenvalues are approximate.
return {
  data = { "pca_2000x2000" },
  sides = {
    { name = "latent", lua = function(latent, X)
      local pca
      return function() pca = latent.pca { latent_dim = 10 }:fit(X) end,
        function() return pca.eigenvalues:table() end
    end },
    { name = "scikit-learn (default)", python = [[
from sklearn.decomposition import PCA
def setup(X):
    pca = PCA(10, random_state=0)
    return lambda: pca.fit(X), lambda: pca.explained_variance_ * (len(X) - 1) / len(X)
]] },
  },
  agree = 1e-2,
  target = 2,
}
