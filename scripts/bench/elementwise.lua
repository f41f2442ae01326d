-- exp, tanh and log of ten million numbers, into memory that is reused, and into fresh memory.
local cases = {}

for _, name in ipairs { "exp", "tanh", "log" } do
  for _, fresh in ipairs { false, true } do
    cases[#cases + 1] = {
      name = name .. (fresh and "_1e7_fresh" or "_1e7"),
      data = { "positive_1e7" },
      sides = {
        { name = "latent", lua = function(latent, x)
          local y = latent.matrix.zeros(#x)
          local options = { out = y }
          return function() y = fresh and x[name](x) or x[name](x, options) end,
            function() return { y:mean(), y[1], y[#y] } end
        end },
        { name = "NumPy", python = ([==[
import numpy as np
def setup(x):
    out = [np.zeros_like(x)]
    def work(): out[0] = np.%s(x%s)
    return work, lambda: [out[0].mean(), out[0][0], out[0][-1]]
]==]):format(name, fresh and "" or ", out=out[0]") },
      },
      agree = 1e-12,
      target = 1 / 1.5,
    }
  end
end

return cases
