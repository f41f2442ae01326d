-- Summaries of projections and factor models: loadings with the columns' names. Not exported.
local layout = require "latent.summary.layout"

local components = {}

local MOST = 8 -- components that are shown

local function numbered(prefix) return function(j) return ("%s%d"):format(prefix, j) end end

-- A D x M matrix of loadings, and further columns beside it.
local function loadings(model, W, prefix, more, out)
  local names, columns = layout.names(model, #W), {}
  for i = 1, math.min(W.cols, MOST) do columns[i] = { prefix .. i, function(j) return W(j, i) end } end
  for _, column in ipairs(more) do columns[#columns + 1] = column end
  layout.columns(columns, #W, out, function(j) return names[j] end)
  if W.cols > MOST then out[#out + 1] = ("  (of %d components the first %d)"):format(W.cols, MOST) end
end

-- Sums of squares, shares of the total variance, and the shares added up, as columns.
local function shares(values, total)
  local sum, added = 0, {}
  for i = 1, #values do
    sum = sum + values[i]
    added[i] = sum
  end
  return { { "variance", function(i) return values[i] end },
    { "share", function(i) return values[i] / total end }, { "cumulative", function(i) return added[i] / total end } }
end

function components.pca(model, out)
  layout.title("Components", out)
  layout.columns(shares(model.eigenvalues, model.total_variance), #model.eigenvalues, out, numbered "PC")
  layout.title("Directions", out)
  loadings(model, model.components, "PC", {}, out)
end

-- Of x = W z + mean + noise: standardized loadings, by the deviations that the model gives the columns.
-- Phi: the correlations of z, or nil.
local function factors(model, noise, prefix, Phi, out)
  local W = layout.fields(model).W
  if not W then return end -- no latent variables
  local D, M = #W, W.cols
  local C = Phi and W * Phi * W:t() or W * W:t()
  local S, unique, squares, total = W:copy(), {}, {}, 0
  for j = 1, D do
    local variance = C(j, j) + noise(j)
    unique[j] = noise(j) / variance
    S[j]:assign(S[j] / math.sqrt(variance))
    total = total + 1
  end
  for i = 1, M do squares[i] = (S:col(i) % S:col(i)):sum() end
  layout.title("Standardized loadings", out)
  loadings(model, S, prefix, { { "uniqueness", function(j) return unique[j] end } }, out)
  layout.title("SS loadings", out)
  layout.columns(shares(squares, total), M, out, numbered(prefix))
end

local function shared_noise(model) return function() return model.noise_variance end end

function components.ppca(model, out)
  factors(model, shared_noise(model), "z", nil, out)
  layout.title(("Noise variance %s"):format(layout.number(model.noise_variance)), out)
end

function components.bpca(model, out)
  factors(model, shared_noise(model), "z", nil, out)
  layout.title("Precisions of the columns of W", out)
  layout.columns({ { "alpha", function(i) return model.alpha[i] end } }, #model.alpha, out, numbered "z")
  layout.title(("Noise variance %s"):format(layout.number(model.noise_variance)), out)
end

function components.fa(model, out)
  local fields = layout.fields(model)
  local Phi, noise = fields.factor_correlations, fields.noise_variances
  factors(model, function(j) return noise[j] end, "Factor", Phi, out)
  if Phi and #Phi > 1 and (Phi - require("latent").matrix.eye(#Phi)):abs():max() > 0 then
    layout.title("Factor correlations", out)
    layout.matrix(Phi, numbered "Factor", numbered "Factor", out)
  end
  local discrepancy = fields.discrepancy or 0 / 0
  if fields.rows and discrepancy < math.huge and fields.degrees_of_freedom > 0 then -- else there is no test
    local test = model:test()
    layout.title(("Test that %d factor%s suffice%s: chi square %s on %d degrees of freedom, p = %.3g"):format(
      model.W.cols, model.W.cols == 1 and "" or "s", model.W.cols == 1 and "s" or "",
      layout.number(test.statistic), test.degrees_of_freedom, test.p_value), out)
  end
end

function components.ica(model, out)
  layout.title("Mixing matrix", out)
  loadings(model, model.mixing, "s", {}, out)
end

function components.scaler(model, out)
  local names = layout.names(model, #model.mean)
  layout.title("Columns", out)
  layout.columns({ { "mean", function(j) return model.mean[j] end },
    { "deviation", function(j) return model.deviation[j] end } }, #model.mean, out, function(j) return names[j] end)
end

return components
