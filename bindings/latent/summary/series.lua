-- The summary of a linear dynamical system: its blocks. Not exported.
local layout = require "latent.summary.layout"

local series = {}

local BLOCKS = {
  { "A", "A, of z[t] = A z[t-1] + B u + w" }, { "B", "B, of the inputs u" }, { "C", "C, of y[t] = C z[t] + D u + v" },
  { "D", "D, of the inputs u" }, { "Q", "Q, the covariance of w" }, { "R", "R, the covariance of v" },
  { "initial_mean", "The mean of z[1]" }, { "initial_covariance", "The covariance of z[1]" },
}

function series.lds(model, out)
  for _, block in ipairs(BLOCKS) do
    local X = model[block[1]]
    if X then
      layout.title(block[2], out)
      if type(X) == "table" or type(X) == "function" then
        out[#out + 1] = "  changes with t"
      else
        for line in tostring(X):gmatch "[^\n]+" do out[#out + 1] = "  " .. line end
      end
    end
  end
end

return series
