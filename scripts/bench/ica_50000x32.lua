-- Independent components by the symmetric fixed point, to convergence: until rows of the unmixing matrix turn by about
-- 1e-6, which is what the relative gradient says, and 1e-12 in 1 - |cos|. What is compared is the kurtosis of the
-- sources, smallest first: their order and signs aren't the same. Whitening by svd is scikit-learn's default; by eigh,
-- as we do it, is what it offers for many rows.
local function sklearn(solver)
  return ([[
import warnings
import numpy as np
from sklearn.decomposition import FastICA
def setup(X):
    warnings.simplefilter("ignore")
    ica = FastICA(whiten_solver="SOLVER", max_iter=200, tol=1e-12, random_state=0)
    def check():
        S = ica.transform(X)
        return np.sort((S ** 4).mean(0) - 3)
    return lambda: ica.fit(X), check
]]):gsub("SOLVER", solver)
end

return {
  data = { "ica_50000x32" },
  sides = {
    { name = "latent", lua = function(latent, X)
      local ica
      return function()
        ica = latent.ica { algorithm = "fixed_point", max_iterations = 200, tolerance = 1e-6 }:fit(X)
      end, function() return ica.kurtosis:sort():table() end
    end },
    { name = "scikit-learn (svd)", python = sklearn "svd" },
    { name = "scikit-learn (eigh)", python = sklearn "eigh", target = false },
  },
  rounds = 5,
  agree = 1e-5,
  target = 6,
}
