-- latent.gmm_select: which number of components, and which kind of covariance?
--
-- Fits a mixture of Gaussians for every pair of a range and reports all of them. The likelihood
-- alone always prefers more parameters; BIC (Schwarz 1978) and AIC (Akaike 1974) charge for them.

local KINDS = { "full", "diag", "tied", "spherical", "tied_diag", "tied_spherical" }
local check = require "latent.check"
local progress = require "latent.progress"

local WHO = "gmm_select"
-- Options of the models, of their fits, and all, with those of the choice.
local MODEL = { "init", "regularization", "restarts", "max_iterations", "tolerance", "accelerate", "seed" }
local FIT = { "weights", "missing" }
local OPTIONS = { components = true, covariance = true, criterion = "string", weights = true, missing = "boolean",
  progress = true }
for _, name in ipairs(MODEL) do OPTIONS[name] = true end

-- A number, a list of numbers, or nil, as a list.
local function list_of(value, otherwise)
  if value == nil then return otherwise end
  return type(value) == "table" and value or { value }
end

-- The likelihood of a fit that has ended at a singularity grows without bound and says nothing of the data.
local function better(row, best, criterion)
  if row.singular ~= best.singular then return best.singular end
  return row[criterion] < best[criterion]
end

-- What the table prints as: one line a fit, the best one marked.
local function text_of(result)
  local lines = { ("%10s  %-14s %15s %6s %15s %15s"):format("components", "covariance", "log-likelihood",
    "p", "AIC", "BIC") }
  for _, row in ipairs(result) do
    lines[#lines + 1] = ("%10d  %-14s %15.4f %6d %15.4f %15.4f%s%s"):format(row.components, row.covariance,
      row.log_likelihood, row.parameters, row.aic, row.bic, row == result.best and "  *" or "",
      row.singular and "  singular" or "")
  end
  return table.concat(lines, "\n")
end

-- The options of the list `names`, of these.
local function only(options, names)
  local chosen = {}
  for _, name in ipairs(names) do chosen[name] = options[name] end
  return chosen
end

-- latent.gmm_select(X [, {components=, covariance=, criterion=, weights=, missing=, ...}])
return function(X, options, about)
  if check.is_matrix(options) and check.is_about(about) then options = nil end -- labels, of a data set
  local latent = require "latent"
  X = check.matrix(WHO, "X", X, options)
  options = check.options(WHO, options, OPTIONS)
  local criterion = check.word(WHO, "criterion", options.criterion, { "bic", "aic" })
  local of_model, of_fit, missing = only(options, MODEL), only(options, FIT), { missing = options.missing }
  local weights = options.weights ~= nil and check.matrix(WHO, "weights", options.weights):flatten() or nil
  local rows = weights and weights:sum() or #X -- a weight of 2 is the row twice
  local kinds, sizes = list_of(options.covariance, KINDS), list_of(options.components, { 1, 2, 3, 4, 5, 6 })
  local _ <close> = progress._during(WHO, options.progress)
  local bar <close> = progress._of(WHO, options.progress, #kinds * #sizes, WHO, true)
  local result = {}
  setmetatable(result, { __tostring = function() return text_of(result) end, __metatable = false })
  for _, covariance in ipairs(kinds) do
    for _, components in ipairs(sizes) do
      of_model.components, of_model.covariance = components, covariance
      local model = check.call(latent.gmm, of_model)
      check.call(model.fit, model, X, of_fit)
      local values = model:log_likelihood(X, missing)
      local total, p = weights and (values % weights):sum() or values:sum(), model:free_parameters()
      local row = { model = model, components = components, covariance = covariance, log_likelihood = total,
        parameters = p, converged = model.converged, singular = model.singular,
        aic = -2 * total + 2 * p, bic = -2 * total + p * math.log(rows) }
      result[#result + 1] = row
      if not result.best or better(row, result.best, criterion) then result.best = row end
      if bar then bar:update(#result, ("%s %.6g"):format(criterion, result.best[criterion])) end
    end
  end
  if not result.best then check.fail(WHO, "components and covariance must not be empty lists") end
  return result
end
