-- The summary of a model with nets: its parameters by layer. Not exported.
local layout = require "latent.summary.layout"

local function nets(model, out)
  local parameters = model:parameters()
  local names = {}
  for name in pairs(parameters) do names[#names + 1] = name end
  table.sort(names)
  layout.title("Parameters", out)
  layout.columns({
    { "shape", function(i) return ("%dx%d"):format(parameters[names[i]].rows, parameters[names[i]].cols) end },
    { "numbers", function(i) return parameters[names[i]].rows * parameters[names[i]].cols end },
  }, #names, out, function(i) return names[i] end)
  out[#out + 1] = ("  %d numbers in all, %s"):format(model:free_parameters(), model.dtype)
end

return { nonlinear = nets, vae = nets, flow = nets, diffusion = nets, flow_matching = nets, gan = nets }
