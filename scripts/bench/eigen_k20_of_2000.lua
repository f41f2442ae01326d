-- The 20 largest eigenvalues, with vectors, of a dense symmetric matrix, against all of them.
return {
  data = { "symmetric_2000" },
  rounds = 5,
  sides = {
    { name = "latent", lua = function(latent, A)
      local values
      return function() values = latent.eigen.symmetric(A, { k = 20 }) end,
        function() return values:table() end
    end },
    { name = "scipy.linalg.eigh (all)", python = [[
from scipy.linalg import eigh
def setup(A):
    out = []
    def work(): out[:] = eigh(A)
    return work, lambda: out[0][::-1][:20]
]] },
  },
  agree = 1e-12,
  target = 1.5,
}
