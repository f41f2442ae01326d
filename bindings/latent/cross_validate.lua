-- latent.cross_validate: how good a kind of model is on rows that it wasn't fitted to.

local latent = require "latent"
local check = require "latent.check"
local progress = require "latent.progress"

local WHO = "cross_validate"

-- Calls f, and says of its errors which fold they are of.
local function of_fold(fold, f, ...)
  local ok, result = pcall(f, ...)
  if ok then return result end
  if type(result) ~= "string" then error(result, 0) end
  check.fail(WHO, "fold %d: %s", fold, result)
end

-- What the data are: a matrix or what makes one, or a list of sequences.
local function data_of(X)
  if type(X) == "table" and check.is_matrix(X[1]) then return X end
  return check.matrix(WHO, "X", X)
end

-- The options, and the labels, which may be the third argument.
local function settings(third, options)
  if check.is_about(third) then third = third.labels end
  if options == nil and type(third) == "table" and third[1] == nil then third, options = nil, third end
  options = check.options(WHO, options, { folds = true, seed = true, labels = true, fit = true, score = "function",
    progress = true })
  if third ~= nil and options.labels ~= nil then
    check.fail(WHO, "labels are given twice, as an argument and as an option")
  end
  if options.fit ~= nil and type(options.fit) ~= "table" and type(options.fit) ~= "function" then
    check.fail(WHO, "fit must be a table of options, or a function(model, X, y), got %s", check.show(options.fit))
  end
  local labels = third == nil and options.labels or third
  if labels ~= nil and not check.is_matrix(labels) and type(labels) ~= "table" then
    check.fail(WHO, "labels must be a vector or a list of labels, got %s", check.show(labels))
  end
  return options, labels
end

-- A new model for a fold; `made` has those of other folds.
local function make_model(fold, make, options, made)
  local model = of_fold(fold, make, fold)
  if type(model) ~= "userdata" and type(model) ~= "table" then
    check.fail(WHO, "make must return a model, got %s", check.show(model))
  end
  if made[model] then
    check.fail(WHO, "make must make a new model each time, for fold %d it returned that of fold %d", fold, made[model])
  end
  made[model] = fold
  for _, name in ipairs { "fit", "score" } do
    if type(options[name]) ~= "function" and not check.callable(model, name) then
      check.fail(WHO, "%s has no %s; the option %s can be a function(model, X, y)", check.show(model), name, name)
    end
  end
  return model
end

-- The score of a fold's model on what it isn't fitted to. Models of the core's are densities, or clusters, and don't
-- learn from labels: of them labels say only which rows the folds share.
local function score(fold, model, options, data, labels, train, test)
  local X, y, fit = check.rows_at(data, train), labels and check.rows_at(labels, train), options.fit
  local supervised = labels and type(model) == "table"
  if type(fit) == "function" then
    of_fold(fold, fit, model, X, y)
  elseif supervised then
    of_fold(fold, model.fit, model, X, y, fit)
  else
    of_fold(fold, model.fit, model, X, fit)
  end
  X, y = check.rows_at(data, test), labels and check.rows_at(labels, test)
  local value
  if options.score or supervised then
    value = of_fold(fold, options.score or model.score, model, X, y)
  else
    value = of_fold(fold, model.score, model, X)
  end
  if type(value) ~= "number" or value ~= value then
    check.fail(WHO, "fold %d: score must be a number, got %s", fold, check.show(value))
  end
  return value
end

return function(make, X, third, options)
  local given = make
  make = check.making(given)
  if not make then
    check.fail(WHO, "make must be a function that makes a model, got %s; write function() return "
      .. "latent.gmm{ components = 2 } end, say", check.show(given))
  end
  X = data_of(X)
  local labels
  options, labels = settings(third, options)
  local k = check.integer(WHO, "folds", options.folds or 5, 2, #X)
  if labels then check.count(WHO, "labels", labels, #X) end
  local scores, total, made = {}, 0, {}
  local _ <close> = progress._during(WHO, options.progress)
  local bar <close> = progress._of(WHO, options.progress, k, "cross_validate", true)
  local random = check.random(WHO, options.seed)
  for train, test in check.call(latent.folds, #X, k, { seed = random, labels = labels }) do
    local fold = #scores + 1
    local model = make_model(fold, make, options, made)
    scores[fold] = score(fold, model, options, X, labels, train, test)
    total = total + scores[fold]
    if bar then bar:update(fold, total / fold) end
  end
  return total / k, scores
end
