-- Summaries of mixtures and clusters: a row a component. Not exported.
local layout = require "latent.summary.layout"

local mixtures = {}

local MOST = 8 -- columns of data that are shown

-- Columns of a K x D matrix by the data's names.
local function of_matrix(columns, model, X, prefix)
  local names = layout.names(model, X.cols)
  for j = 1, math.min(X.cols, MOST) do
    columns[#columns + 1] = { (prefix or "") .. names[j], function(k) return X(k, j) end }
  end
  return X.cols > MOST and ("  (of %d columns the first %d)"):format(X.cols, MOST) or nil
end

local function components(model, X, title, out)
  local columns = {}
  local weights = model.weights
  columns[1] = { "weight", function(k) return weights[k] end }
  local more = of_matrix(columns, model, X)
  layout.title(title, out)
  layout.columns(columns, #X, out)
  out[#out + 1] = more
end

function mixtures.kmeans(model, out)
  local centers = model.centers
  local counts = {}
  for _, label in ipairs(model.labels and model.labels:table() or {}) do counts[label] = (counts[label] or 0) + 1 end
  local columns = { { "rows", function(k) return counts[k] or 0 end } }
  layout.title("Centers", out)
  local more = of_matrix(columns, model, centers)
  layout.columns(columns, #centers, out)
  out[#out + 1] = more
  if model.inertia then out[#out + 1] = ("inertia %s"):format(layout.number(model.inertia)) end
end

-- The variance of column j in component k, of whatever form the covariances are.
local function variance(model)
  local C = model.covariances
  if type(C) == "number" then return function() return C end end
  if type(C) == "table" then return function(k, j) return C[k](j, j) end end
  if type(C[1]) == "number" then -- spherical, or one row of a common diagonal
    return function(k, j) return #C == #model.weights and C[k] or C[j] end
  end
  if #C == C.cols and #C ~= #model.weights then return function(_, j) return C(j, j) end end
  return function(k, j) return #C == #model.weights and C(k, j) or C(1, j) end
end

function mixtures.gmm(model, out)
  components(model, model.means, "Means", out)
  local K, D, at = #model.means, model.means.cols, variance(model)
  local names, columns = layout.names(model, D), {}
  for j = 1, math.min(D, MOST) do columns[j] = { names[j], function(k) return math.sqrt(at(k, j)) end } end
  layout.title("Standard deviations", out)
  layout.columns(columns, K, out)
end

function mixtures.mppca(model, out)
  components(model, model.means, "Means", out)
  local K, noise = #model.means, model.noise_variances
  layout.title("Components", out)
  layout.columns({
    { "noise variance", function(k) return type(noise[k]) == "number" and noise[k] or noise[k]:mean() end },
    { "variance of W z", function(k) return (model.W[k] % model.W[k]):sum() end },
  }, K, out)
end

function mixtures.mixture(model, out)
  local family = model.options.family or "bernoulli"
  if type(family) ~= "string" then return end
  local field = ({ bernoulli = "means", poisson = "rates", categorical = "probabilities" })[family]
  components(model, model[field], field:gsub("^%l", string.upper), out)
end

return mixtures
