-- latent.classifier: classification by class-conditional densities.
--
-- Each class c has a model of its own, p(x | c), fitted to its rows; with the prior p(c) Bayes' theorem gives
--
--   p(c | x) = p(c) p(x | c) / p(x),   p(x) = sum_c p(c) p(x | c)
--
-- (Bishop, Pattern Recognition and Machine Learning, 1.5.4, 4.2). Any model with fit and log_likelihood serves.
-- All of it is done with logarithms, and sums by log-sum-exp.

local latent = require "latent"
local check = require "latent.check"
local matrix = latent.matrix

local UNFITTED = "the model is not fitted yet"
local Classifier = check.new_class("latent.Classifier", { classes = UNFITTED, priors = UNFITTED, models = UNFITTED })

-- ---- labels ----------------------------------------------------------------------

-- What stands behind X: the labels, or the table of information that came with X and has them; and the options.
local function behind(y, options)
  if check.is_about(y) then y = y.labels end
  if check.is_about(options) then options = nil end
  return y, options
end

-- Labels of n rows as a list of numbers or strings; whole numbers are integers.
local function labels_of(who, y, n)
  local labels = check.count(who, "labels", check.labels(who, "y", y), n)
  local kind = type(labels[1])
  for i, label in ipairs(labels) do
    if type(label) ~= kind or (kind ~= "number" and kind ~= "string") then
      check.fail(who, "label %d is %s; labels are all numbers or all strings", i, check.show(label))
    end
  end
  return labels
end

-- Places in `classes` as labels: a vector where these are numbers, else a list.
local function as_labels(classes, places)
  local labels = {}
  for i = 1, #places do labels[i] = classes[places[i] // 1 | 0] end
  return type(classes[1]) == "number" and matrix(labels) or labels
end

-- ---- checks -----------------------------------------------------------------------

-- What the last fit has made. A method goes by this alone: the models are the user's, and might fit the
-- classifier again while it works.
local function fitted(self, who)
  check.self(who, Classifier, self)
  if not rawget(self, "models") then check.fail(who, UNFITTED) end
  return { classes = self.classes, priors = self.priors, models = self.models }
end

-- Calls f, and says of its errors which class they are about.
local function for_class(who, class, f, ...)
  local ok, result = pcall(f, ...)
  if ok then return result end
  if type(result) ~= "string" then error(result, 0) end
  check.fail(who, "class %s: %s", check.show(class), result)
end

-- p(c) of the option `priors`, for these classes: a vector that adds up to 1.
local function given_priors(priors, classes)
  local who, values, total = "classifier:fit", {}, 0
  if priors == "equal" then return matrix(#classes, 1, 1 / #classes):flatten() end
  if check.is_matrix(priors) then priors = priors:table() end
  local by_label = true -- which a list is, too, where the labels are 1..K
  for _, class in ipairs(classes) do by_label = by_label and priors[class] ~= nil end
  local list = not by_label and #priors == #classes
  for i, class in ipairs(classes) do
    values[i] = check.number(who, "the prior of class " .. check.show(class), priors[list and i or class])
    total = total + values[i]
  end
  local count = 0
  for _ in pairs(priors) do count = count + 1 end
  if count ~= #classes then check.fail(who, "there are %d priors for %d classes", count, #classes) end
  if total <= 0 then check.fail(who, "all priors are 0") end
  return matrix(values) / total
end

-- ---- fitting -----------------------------------------------------------------------

-- A model for the class, by the user's function; `made` has those of other classes.
local function make_model(self, class, made)
  local who = "classifier:fit"
  local model = for_class(who, class, self.make, class)
  if not (check.callable(model, "fit") and check.callable(model, "log_likelihood")) then
    check.fail(who, "the function must return a model with fit and log_likelihood, for class %s it returned %s",
      check.show(class), check.show(model))
  end
  if made[model] then
    check.fail(who, "the function must make a new model for every class, for class %s it returned that of class %s",
      check.show(class), check.show(made[model]))
  end
  made[model] = class
  return model
end

function Classifier:fit(X, y, options)
  local who = "classifier:fit"
  check.self(who, Classifier, self)
  X = check.matrix(who, "X", X, y)
  y, options = behind(y, options)
  local classes, rows = check.group(labels_of(who, y, #X))
  table.sort(classes)
  if options ~= nil and type(options) ~= "table" then
    check.fail(who, "options must be a table, got %s", check.show(options))
  end
  local given, weights = {}, options and options.weights
  for name, value in pairs(options or {}) do given[name] = value end
  if given.comm ~= nil then check.fail(who, "unknown option 'comm': one process fits all classes") end
  if weights ~= nil then weights = check.count(who, "weights", check.matrix(who, "weights", weights):flatten(), #X) end
  local models, made, totals = {}, {}, {}
  for i, class in ipairs(classes) do
    local model = make_model(self, class, made)
    given.weights = weights and weights:rows_at(rows[class])
    totals[i] = weights and given.weights:sum() or #rows[class]
    for_class(who, class, model.fit, model, X:rows_at(rows[class]), next(given) and given or nil)
    models[i] = model
  end
  local priors = self.given_priors ~= "estimated" and given_priors(self.given_priors, classes)
    or matrix(totals) / matrix(totals):sum()
  self.classes, self.priors, self.models = classes, priors, models
  return self
end

-- ---- densities ------------------------------------------------------------------------

-- log p(c) + log p(x | c), K x N; whether X was a vector, a single row, of which models give a number; and the classes.
local function joint(self, who, X, options)
  if type(options) == "table" and options.out ~= nil then
    check.fail(who, "unknown option 'out': results are put together from those of the classes' models")
  end
  local now = fitted(self, who)
  if check.is_about(options) then options = nil end
  local lines, one = {}, false
  for k, model in ipairs(now.models) do
    local line = for_class(who, now.classes[k], model.log_likelihood, model, X, options)
    if type(line) == "number" then line, one = matrix { line }, true end
    if not check.is_matrix(line) or line:isnan():sum() > 0 then
      check.fail(who, "class %s: log_likelihood gave %s", check.show(now.classes[k]),
        check.is_matrix(line) and "NaN" or check.show(line))
    end
    lines[k] = line + math.log(now.priors[k])
  end
  return matrix.vstack(lines), one, now.classes
end

-- log of the sum over the classes, a vector of N; -infinity where no class has the row.
local function log_sum(log_p)
  local largest = log_p:max(1)
  largest = largest:where(largest:gt(-math.huge), 0)
  return (log_p - largest):exp():sum(1):log() + largest
end

-- log p(c | x), N x K, of a single row a vector; a row that no class has is as likely of each.
local function log_posteriors(self, who, X, options)
  local log_p, one, classes = joint(self, who, X, options)
  local total = log_sum(log_p)
  log_p = (log_p - total):where(total:ne(-math.huge), -math.log(#classes))
  return one and log_p:flatten() or log_p:t():copy()
end

function Classifier:log_posteriors(X, options)
  return log_posteriors(self, "classifier:log_posteriors", X, options)
end

for _, name in ipairs { "posteriors", "responsibilities" } do
  Classifier[name] = function(self, X, options)
    return log_posteriors(self, "classifier:" .. name, X, options):exp()
  end
end

function Classifier:predict(X, options)
  local log_p, one, classes = joint(self, "classifier:predict", X, options)
  local labels = as_labels(classes, log_p:argmax(1))
  if not one then return labels end
  return math.tointeger(labels[1]) or labels[1]
end

function Classifier:log_likelihood(X, options)
  local log_p, one = joint(self, "classifier:log_likelihood", X, options)
  local values = log_sum(log_p)
  return one and values[1] or values
end

-- ---- judging ---------------------------------------------------------------------------

-- The labels and the predictions, both as lists; and the classes.
local function compare(self, who, X, y, options)
  fitted(self, who)
  X = check.matrix(who, "X", X, y)
  local log_p, one, classes = joint(self, who, X, options)
  if one and type(y) ~= "table" and not check.is_matrix(y) then y = { y } end
  local truth, places, predicted = labels_of(who, y, one and 1 or #X), log_p:argmax(1), {}
  for i = 1, #places do predicted[i] = classes[places[i] // 1 | 0] end
  return truth, predicted, classes
end

function Classifier:score(X, y, options)
  local who = "classifier:score"
  y, options = behind(y, options)
  if y == nil then return log_sum((joint(self, who, X, options))):mean() end
  local truth, predicted = compare(self, who, X, y, options)
  return latent.metrics.accuracy(truth, predicted)
end

function Classifier:confusion(X, y, options)
  local who = "classifier:confusion"
  y, options = behind(y, options)
  local truth, predicted, classes = compare(self, who, X, y, options)
  local known = {}
  for _, class in ipairs(classes) do known[class] = true end
  for i, label in ipairs(truth) do
    if not known[label] then check.fail(who, "label %d is %s, which is no class", i, check.show(label)) end
  end
  return (latent.metrics.confusion(truth, predicted, { classes = classes }))
end

function Classifier:free_parameters(options)
  check.no_options("classifier:free_parameters", options)
  local now = fitted(self, "classifier:free_parameters")
  local count = self.given_priors == "estimated" and #now.classes - 1 or 0
  for k, model in ipairs(now.models) do
    count = count + for_class("classifier:free_parameters", now.classes[k], model.free_parameters, model)
  end
  return count
end

-- ---- drawing ------------------------------------------------------------------------------

function Classifier:sample(n, options)
  local who = "classifier:sample"
  local now = fitted(self, who)
  n = check.integer(who, "n", n, 1)
  options = check.options(who, options, { seed = true })
  local random = check.random(who, options.seed)
  local places = random:categorical(now.priors, n)
  local _, rows = check.group(places:table())
  local X
  for k, model in ipairs(now.models) do
    if rows[k] then
      local drawn = for_class(who, now.classes[k], model.sample, model, #rows[k], { seed = random })
      X = X or matrix.zeros(n, drawn.cols)
      for i, row in ipairs(rows[k]) do X[row]:assign(drawn[i]) end
    end
  end
  return X, as_labels(now.classes, places)
end

-- ---- pictures and programs -------------------------------------------------------------------------------

function Classifier:plot(...)
  fitted(self, "classifier:plot")
  return require("latent.plot.models").plot(self, ...)
end

function Classifier:export(path, options)
  fitted(self, "classifier:export")
  return require("latent.export").export(self, path, options)
end

-- What print shows, and the summary of each class's model.
function Classifier:summary(options)
  local now = fitted(self, "classifier:summary")
  check.no_options("classifier:summary", options)
  local out = { tostring(self) }
  for k, class in ipairs(now.classes) do
    local model = now.models[k]
    local text = check.class(model) and check.class(model):find "^latent%." and model:summary() or tostring(model)
    out[#out + 1] = ("\nclass %s, prior %.4g: %s"):format(check.show(class), now.priors[k], text)
  end
  return table.concat(out, "\n")
end

-- ---- files --------------------------------------------------------------------------------

-- write is the function of the module that does.
local function save(model, who, write, path, options)
  check.no_options(who, options)
  local now = fitted(model, who)
  local priors, given = now.priors:table(), model.given_priors
  if type(given) ~= "string" then given = priors end
  return write(path, "classifier", { classes = now.classes, priors = priors, given = given }, now.models)
end

function Classifier:save(path, options) return save(self, "classifier:save", latent._save_group, path, options) end

function Classifier:save_string(options)
  return save(self, "classifier:save_string", latent._save_group_string, nil, options)
end

-- For latent.load: a classifier of what `save` has put into a file. What is wrong raises.
local function restore(options, models)
  local classes, priors, given = options.classes, options.priors, options.given
  local count, names = #models, { classes = true, priors = true, given = true }
  for name in pairs(options) do assert(names[name], "an unknown option") end
  assert(count > 0 and type(classes) == "table" and #classes == count, "there is not a model for each class")
  assert(type(priors) == "table" and #priors == count, "there is not a prior for each class")
  local total = 0
  for k, class in ipairs(classes) do
    assert(type(class) == type(classes[1]) and (type(class) == "number" or type(class) == "string"),
      "a class is no number or string")
    assert(k == 1 or classes[k - 1] < class, "the classes are not sorted")
    assert(type(priors[k]) == "number" and priors[k] >= 0, "a prior is no number >= 0")
    assert(check.callable(models[k], "log_likelihood"), "a model has no log_likelihood")
    total = total + priors[k]
  end
  assert(math.abs(total - 1) < 1e-6, "the priors don't add up to 1")
  if type(given) == "table" then given = matrix(priors) end
  assert(given == "estimated" or given == "equal" or check.is_matrix(given), "priors were given as no one knows")
  local function make() error("a classifier from a file has no function to make models", 0) end
  return setmetatable({ make = make, given_priors = given, classes = classes, priors = matrix(priors),
    models = models }, Classifier)
end

-- ---- making -------------------------------------------------------------------------------

function Classifier:__tostring()
  check.self("classifier:__tostring", Classifier, self)
  if not rawget(self, "models") then return "classifier, not fitted" end
  return ("classifier, fitted: %d classes: %s"):format(#self.classes, table.concat(self.classes, ", "))
end

local function new(_, make, options)
  local who = "classifier"
  local making = check.making(make)
  if not making then
    check.fail(who, "the first argument must be a function that makes a model, got %s", check.show(make))
  end
  local priors = check.options(who, options, { priors = true }).priors or "estimated"
  if priors ~= "estimated" and priors ~= "equal" and type(priors) ~= "table" and not check.is_matrix(priors) then
    check.fail(who, 'priors must be "estimated", "equal" or numbers, got %s', check.show(priors))
  end
  return setmetatable({ make = making, given_priors = priors }, Classifier)
end

return setmetatable({ Classifier = Classifier, _restore = restore }, { __call = new, __metatable = false })
