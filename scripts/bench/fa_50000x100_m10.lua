-- Factor analysis to convergence, and the log-likelihood of a row that it ends with. The peer's EM takes an SVD of all
-- rows an iteration and stops by its own rule; the case has factors so strong that it needs few of them.
return {
  data = { "factors_50000x100" },
  rounds = 1,
  sides = {
    { name = "latent", lua = function(latent, X)
      local fa
      return function() fa = latent.fa{ latent_dim = 10 }:fit(X) end, function() return { fa.history[#fa.history] } end
    end },
    { name = "scikit-learn", python = [[
from sklearn.decomposition import FactorAnalysis

def setup(X):
    fa = FactorAnalysis(n_components=10)
    return lambda: fa.fit(X), lambda: [fa.loglike_[-1] / len(X)]
]] },
  },
  agree = 1e-8,
  floor = { flops64 = 50000 * 100 * 101, bytes = 8 * 50000 * 100 }, -- of the covariance
  target = 100,
}
