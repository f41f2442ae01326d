-- latent.gmm_select: which number of components, and which kind of covariance?
--
-- Fits a mixture of Gaussians for every pair of a range and reports all of them. The likelihood
-- alone always prefers more parameters; BIC (Schwarz 1978) and AIC (Akaike 1974) charge for them.

local KINDS = { "full", "diag", "tied", "spherical", "tied_diag", "tied_spherical" }
local CRITERIA = { bic = true, aic = true }

local function fail(format, ...) error("gmm_select: " .. format:format(...), 3) end

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

-- latent.gmm_select(X [, {components=, covariance=, criterion=, weights=, missing=, ...}])
return function(X, options)
  local latent = require "latent"
  local model_options, result = {}, {}
  setmetatable(result, { __tostring = function() return text_of(result) end, __metatable = false })
  for name, value in pairs(options or {}) do model_options[name] = value end
  local counts = list_of(model_options.components, { 1, 2, 3, 4, 5, 6 })
  local kinds = list_of(model_options.covariance, KINDS)
  local criterion = model_options.criterion or "bic"
  if not CRITERIA[criterion] then fail('criterion must be "bic" or "aic", got %s', tostring(criterion)) end
  local missing = model_options.missing
  model_options.criterion, model_options.missing = nil, nil
  for _, covariance in ipairs(kinds) do
    for _, components in ipairs(counts) do
      model_options.components, model_options.covariance = components, covariance
      local model = latent.gmm(model_options):fit(X, { missing = missing })
      local total = model:log_likelihood(X, { missing = missing }):sum()
      local row = { model = model, components = components, covariance = covariance, log_likelihood = total,
        parameters = model:free_parameters(), converged = model.converged, singular = model.singular,
        aic = model:aic(X, { missing = missing }), bic = model:bic(X, { missing = missing }) }
      result[#result + 1] = row
      if not result.best or better(row, result.best, criterion) then result.best = row end
    end
  end
  if not result.best then fail "components and covariance must not be empty lists" end
  return result
end
