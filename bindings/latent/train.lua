-- The training loop of the models with nets: fit, fit_for and steps. Not exported; bindings/models/deep/deep.c makes
-- methods of it.

local latent = require "latent"
local check = require "latent.check"

local train = {}

-- Of a step loop; and more of a whole fit. Labels, contexts and sources are for kinds of models whose fit has these
-- options.
local STEPS = { epochs = true, batch = true, learning_rate = true, binarize = "string", scale = "number",
  shuffle = "boolean" }
local FIT = { validation = true, patience = true, progress = true, on_epoch = "function",
  on_iteration = "function", max_seconds = "number", checkpoint = "string", keep = true }

-- A model's name in Lua: "vae".
local function name_of(model) return check.maker(check.class(model)) end

-- The rows X; a vector of as many numbers as the model has columns is one.
local function rows_of(model, who, X)
  X = check.matrix(who, "X", X)
  local one = type(X[1]) == "number" and #X == model.input_dim and #X > 1
  return one and X:reshape(1, #X) or X
end

-- validation = X, or { X, labels }, of models with contexts { X, context }: the core's options; a label may be that of
-- all rows.
local function add_validation(model, who, options)
  local given, second = options.validation, nil
  local first = type(given) == "table" and given[1]
  local pair = check.is_matrix(first) or type(first) == "table" and type(first[1]) == "table"
  if pair then given, second = first, given[2] end
  if not check.is_matrix(given) and not (type(given) == "table" and given[1]) then
    local share = type(given) == "number" and given > 0 and given < 1
    check.fail(who, "validation must be a matrix or {X, labels}, got %s%s", check.show(given), share
      and ("; latent.split(X, { test = %s }) gives rows to fit to, and such"):format(given) or "")
  end
  options.validation = rows_of(model, who, given)
  if type(second) == "number" then second = latent.matrix(#options.validation, 1, second) end
  local name = model:__takes "context" and "validation_context" or "validation_labels"
  options[name] = second ~= nil and check.matrix(who, "validation's labels", second) or nil
end

local function check_seconds(who, name, seconds)
  if type(seconds) ~= "number" then check.fail(who, "%s must be a number, got %s", name, check.show(seconds)) end
  if seconds ~= seconds or seconds < 0 then
    check.fail(who, "%s must be a number >= 0, got %s", name, check.show(seconds))
  end
end

local function checked(model, who, options, more)
  local known = {}
  for _, name in ipairs { "labels", "context", "source" } do known[name] = model:__takes(name) or nil end
  for name, kind in pairs(STEPS) do known[name] = kind end
  for name, kind in pairs(more) do known[name] = kind end
  local given = check.options(who, options, known)
  options = {} -- the user's table stays as it is
  for name, value in pairs(given) do options[name] = value end
  local rate = options.learning_rate
  if rate ~= nil and type(rate) ~= "function" and not (type(rate) == "number" and rate > 0 and rate < math.huge) then
    check.fail(who, "learning_rate must be a finite number > 0 or a function of the step, got %s", check.show(rate))
  end
  for _, name in ipairs { "context", "labels", "source" } do
    if options[name] ~= nil then options[name] = check.matrix(who, name, options[name]) end
  end
  if options.binarize then check.word(who, "binarize", options.binarize, { "dynamic", "static", "threshold" }) end
  if options.validation ~= nil then add_validation(model, who, options) end
  if options.progress ~= nil then latent.progress._check(who, options.progress) end
  if options.max_seconds then check_seconds(who, "max_seconds", options.max_seconds) end
  local keep = check.word(who, "keep", options.keep, { "last", "best" })
  if keep == "best" and options.validation == nil then
    check.fail(who, 'keep = "best" goes by the loss of the rows of validation, which is missing')
  end
  return {
    best_alone = keep == "best", -- in the file, too
    epochs = check.integer(who, "epochs", options.epochs or 10, 1),
    batch = check.integer(who, "batch", options.batch or 128, 1),
    patience = options.patience and check.integer(who, "patience", options.patience, 1),
    given = options,
  }
end

-- The batches of an epoch: order and draws are a stream of the model's seed, so that an epoch is the same
-- whether or not the model was saved and loaded before it.
local function batches(model, X, o, epoch)
  local g = o.given
  -- a copy of the rows is made anyway, so every batch may be the same memory
  o.out = o.out or latent.matrix.zeros(math.min(o.batch, #X), X.cols, { dtype = o.dtype })
  return latent.batches(X, o.batch, { seed = latent.random(model.seed):stream(epoch), shuffle = g.shuffle,
    labels = g.labels, scale = g.scale, binarize = g.binarize, dtype = o.dtype, out = o.out })
end

-- An iterator over steps: gives the batch's share of the epoch, then what model:step gives.
local function pass(model, X, o, epoch)
  local following, settings = batches(model, X, o, epoch), { source = o.given.source }
  local rate = o.given.learning_rate
  return function()
    local x, rows, y = following()
    if not x then return nil end
    settings.labels = y
    settings.context = o.given.context and o.given.context:rows_at(rows)
    settings.learning_rate = type(rate) == "function" and rate(model:__kept "iterations" or 0) or rate
    return #x, check.call(model.step, model, x, settings)
  end
end

local function epochs_of(model) return model:__kept "epochs" or 0 end

local function append(model, name, value)
  local list = model:__kept(name) or {}
  list[#list + 1] = value
  model:__keep(name, list)
end

-- The parameters as they are, and their averages where the model has them, in the matrices of `kept` (or fresh ones);
-- and back from there.
local function keep_parameters(model, kept)
  kept = kept or { {}, {} }
  for i, views in ipairs { model:parameters(), model:__averages() } do
    for name, view in pairs(views) do
      kept[i][name] = kept[i][name] and kept[i][name]:assign(view) or view:copy()
    end
  end
  return kept
end

local function put_back(model, kept)
  for i, views in ipairs { model:parameters(), model:__averages() } do
    for name, view in pairs(views) do view:assign(kept[i][name]) end
  end
end

-- What the lists of an epoch are called: model:step gives these, in this order. And what a bar says of them.
local LISTS = { "history", "reconstruction_history", "kl_history" }
local OF_TWO = { gan = { "history", "generator_history", "spread_history" } }
local function words(model, epoch, sums, rows)
  if not OF_TWO[name_of(model)] then return ("epoch %d  loss %.4g"):format(epoch, sums[1] / rows) end
  return ("epoch %d  critic %.4g  generator %.4g"):format(epoch, sums[1] / rows, sums[2] / rows)
end

local function run_epoch(model, X, o, epoch, bar)
  local rows, sums, stop = 0, {}, nil
  local function add(n, ...)
    if not n then return false end
    rows = rows + n
    for i, value in ipairs { ... } do sums[i] = (sums[i] or 0) + n * value end
    if o.given.on_iteration and o.given.on_iteration(model, model.iterations, ...) == false then stop = true end
    if bar then bar:update(o.done + rows, words(model, epoch, sums, rows), { objective = sums[1] / rows }) end
    stop = stop or o.deadline and latent.clock() > o.deadline
    if o.pause then o.pause() end
    return not stop
  end
  local following = pass(model, X, o, epoch)
  while add(following()) do end
  o.done = o.done + rows
  if rows < #X then return false end -- not a whole epoch: it doesn't count
  local lists = OF_TWO[name_of(model)] or LISTS
  for i, sum in ipairs(sums) do append(model, lists[i], sum / rows) end
  model:__keep("epochs", epochs_of(model) + 1) -- a callback may have fitted some, too
  return true, stop
end

-- The option checkpoint: the model in a file.
local function save(model, who, path)
  local ok, message = path == nil, nil
  if path then ok, message = check.call(model.save, model, path) end
  if not ok then check.fail(who, "checkpoint: %s", message) end
end

-- What fit is given, and its checks of the data.
local function prepared(model, who, X, options)
  local o = checked(model, who, options, FIT)
  X = rows_of(model, who, X)
  o.dtype = check.call(model.__begin, model, who, X, o.given)
  o.deadline = o.given.max_seconds and latent.clock() + o.given.max_seconds
  return X, o
end

local function run(model, who, X, o)
  local progress = o.given.progress
  if progress == nil and o.pause then progress = false end -- who cuts it sees how far it is
  local bar <close> = latent.progress._of(who, progress, o.epochs * #X, name_of(model))
  o.done = 0
  local best, since, kept = math.huge, 0, nil
  model:__keep("converged", false)
  for _ = 1, o.epochs do
    local epoch = epochs_of(model) + 1
    local whole, stopped = run_epoch(model, X, o, epoch, bar)
    if not whole then break end
    local loss
    if o.given.validation then
      loss = check.call(model.__validate, model, who, o.given)
      append(model, "validation_history", loss)
      if loss < best then best, since = loss, 0 else since = since + 1 end
      if (o.patience or o.best_alone) and since == 0 then kept = keep_parameters(model, kept) end
    end
    if since == 0 or not o.best_alone then save(model, who, o.given.checkpoint) end
    local history = model.history
    if o.given.on_epoch and o.given.on_epoch(model, epoch, history[#history], loss) == false then break end
    if stopped then break end -- in its last batch
    if o.patience and since >= o.patience then
      model:__keep("converged", true)
      break
    end
  end
  if kept and since > 0 then
    put_back(model, kept)
    if not o.best_alone then save(model, who, o.given.checkpoint) end
  end
  return model
end

function train.fit(model, X, options)
  local who = name_of(model) .. ":fit"
  return run(model, who, prepared(model, who, X, options))
end

-- ---- slices of time --------------------------------------------------------------

-- Fits in slices, by model: coroutines that pause between steps, `of` their data, or are done.
local under_way = setmetatable({}, { __mode = "k" })
local PAUSE = {}

local function begin(model, who, given, options)
  local X, o = prepared(model, who, given, options)
  local fit = { of = setmetatable({ given }, { __mode = "v" }) }
  function o.pause()
    if latent.clock() >= fit.till then coroutine.yield(PAUSE) end
  end
  fit.thread = coroutine.create(function() run(model, who, X, o) end)
  return fit
end

-- Whether it goes on with these data, and the model is as it has left it.
local function goes_on(fit, model, X)
  local before = fit and fit.of[1]
  if before == nil or fit.iterations ~= model:__kept "iterations" then return false end
  return rawequal(before, X) or check.is_matrix(X) and check.is_matrix(before) and model:__same(before, X)
end

-- Works on it until the time is over.
local function work(fit, who)
  local ran, said = coroutine.resume(fit.thread)
  if not ran then check.pass_on(said) end
  if said == PAUSE then return false end
  if coroutine.status(fit.thread) == "dead" then return true end
  coroutine.close(fit.thread)
  check.fail(who, "a function that is called in slices can't yield")
end

function train.fit_for(model, X, seconds, options)
  local who = name_of(model) .. ":fit_for"
  check_seconds(who, "seconds", seconds)
  checked(model, who, options, FIT) -- those of a call that goes on, too
  local fit = under_way[model]
  local status = fit and fit.thread and coroutine.status(fit.thread)
  if status == "running" or status == "normal" then
    check.fail(who, "the fit is in the middle of a slice, which has called this")
  end
  if not goes_on(fit, model, X) then fit = begin(model, who, X, options) end
  if fit.done then return true end
  fit.till = latent.clock() + seconds
  under_way[model], fit.iterations = fit, false -- which no model has: an error ends it
  fit.done = work(fit, who)
  if fit.done then fit.thread = nil end
  fit.iterations = model:__kept "iterations"
  return fit.done
end

-- ---- steps -----------------------------------------------------------------------

-- As many steps a turn as the budget has time for.
local function in_slices(step, budget)
  local over = false
  return function()
    if over then return nil end
    local till, last = latent.clock() + budget, table.pack(step())
    while last[1] and latent.clock() < till do
      local following = table.pack(step())
      over = following[1] == nil
      if over then break end
      last = following
    end
    return table.unpack(last, 1, last.n)
  end
end

function train.steps(model, X, options)
  local who = name_of(model) .. ":steps"
  local o = checked(model, who, options, { budget = "number" })
  X = rows_of(model, who, X)
  o.dtype = check.call(model.__begin, model, who, X, o.given)
  local following, i = nil, 0
  local ends = options and options.epochs and epochs_of(model) + o.epochs
  local step -- a step of this epoch, or else the first one of the next
  local function result(n, ...)
    if n then
      i = i + 1
      return i, ...
    end
    model:__keep("epochs", epochs_of(model) + 1)
    following = nil
    return step()
  end
  function step()
    if ends and epochs_of(model) >= ends then return nil end
    following = following or pass(model, X, o, epochs_of(model) + 1)
    return result(following())
  end
  local budget = o.given.budget or 0
  check_seconds(who, "budget", budget)
  return budget > 0 and in_slices(step, budget) or step
end

return train
