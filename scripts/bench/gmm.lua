-- Mixtures of Gaussians: five EM iterations from the same start (the first K rows as means, the
-- variances of the data), without a test of convergence, so that only iterations are compared.
local python = [[
import warnings
import numpy as np
from sklearn.mixture import GaussianMixture
warnings.filterwarnings("ignore")
K, COVARIANCE = %d, "%s"
def setup(X):
    v = X.var(0)
    D = X.shape[1]
    precisions = {"full": np.tile(np.diag(1 / v), (K, 1, 1)), "tied": np.diag(1 / v),
                  "diag": np.tile(1 / v, (K, 1)), "spherical": np.full(K, 1 / v.mean())}[COVARIANCE]
    gmm = GaussianMixture(K, covariance_type=COVARIANCE, tol=0, reg_covar=0, max_iter=5,
                          weights_init=np.full(K, 1 / K), means_init=X[:K], precisions_init=precisions,
                          init_params="random_from_data")
    return lambda: gmm.fit(X), lambda: gmm.means_.ravel()
]]

-- A density is a triangular product and its norm, or a scaled norm; statistics cost the same again. Of common
-- covariances the products are those of the rows, once.
local function flops(N, D, K, covariance)
  local pair = covariance == "full" and D * (D + 1) + 2 * D or 4 * D
  local tied = covariance == "tied" and N * D * (D + 1) or 0
  return 5 * (2 * N * K * pair + tied) + N * K * pair
end

local function case(N, D, K, covariance, target)
  return {
    name = ("gmm_%s_d%d_k%d"):format(covariance, D, K),
    data = { ("gmm_%dx%d"):format(N, D) },
    rounds = 5,
    sides = {
      { name = "latent", lua = function(latent, X)
        local gmm
        return function()
          gmm = latent.gmm { covariance = covariance, init = { means = X:block(1, K, 1, D):copy() }, tolerance = 0,
            max_iterations = 5 }:fit(X)
        end, function()
          local numbers = {}
          for k = 1, K do for d = 1, D do numbers[#numbers + 1] = gmm.means(k, d) end end
          return numbers
        end
      end },
      { name = "scikit-learn", python = python:format(K, covariance) },
    },
    agree = 1e-8,
    floor = { flops64 = flops(N, D, K, covariance) },
    target = target,
  }
end

return {
  case(100000, 16, 16, "full", 12),
  case(20000, 64, 8, "full", 8),
  case(100000, 2, 3, "full", 4),
  case(100000, 16, 16, "tied", 15),
  case(100000, 16, 16, "diag", 8),
  case(100000, 16, 16, "spherical", 8),
}
