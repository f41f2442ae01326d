-- Every function and method takes the options that its documentation names, and no other.
local latent = require "latent"
local helper = require "helper"
local calls = require "calls"
local matrix = latent.matrix
local fails = helper.fails

-- All names that are an option somewhere, and one that is none.
local names, documented = { "nonsense" }, {}
calls.each(function(case)
  for name in pairs(case.options) do
    if not documented[name] then names[#names + 1], documented[name] = name, true end
  end
end)
table.sort(names)

-- Calls in silence.
local function quiet(f, ...)
  local print = _G.print
  _G.print = function() end
  local ok, message = pcall(f, ...)
  _G.print = print
  return ok, tostring(message)
end

-- Where an option goes with some files only, and is tried below.
local elsewhere = { ["latent.read"] = { dtype = true, names = true, grey = true },
  ["latent.write"] = { metadata = true, bits = true, channels = true, range = true } }

describe("options", function()
  teardown(calls.clean)

  calls.each(function(case)
    local last = case.entry.args and case.entry.args[#case.entry.args]
    if last and last[1] == "..." then return end -- a table more is an argument more

    it("are those that are documented: " .. case.name, function()
      local ok, message = quiet(case.call)
      assert.is_true(ok, message) -- the arguments are good
      for _, name in ipairs(names) do
        -- a value of a type that no option takes: who reads it complains of it
        ok, message = quiet(case.call, { [name] = coroutine.create(print) })
        local unknown = message:find(("unknown option '%s'"):format(name), 1, true)
          or name == "missing" and message:find("missing: this model does not know missing entries", 1, true)
        assert.is_false(ok, ("'%s' was not looked at"):format(name))
        if (elsewhere[case.name] or {})[name] then
          assert.is_truthy(message:find(name, 1, true), message)
        elseif case.options[name] then
          assert.is_falsy(unknown, ("'%s' is documented: %s"):format(name, message))
          assert.is_truthy(message:find(name, 1, true), ("'%s': the message doesn't name it: %s"):format(name, message))
        else
          assert.is_truthy(unknown, ("'%s' is not documented: %s"):format(name, message))
        end
      end
    end)
  end)

  it("that are one of some words are refused for another word, and for none of those", function()
    local told, wrong = 0, {}
    local function try(case, row, word)
      local ok, message = quiet(case.call, { [row[1]] = word })
      return ok, (message:gsub(word:gsub("%p", "%%%0"), "WORD"))
    end
    calls.each(function(case)
      for _, row in ipairs(case.entry.options or {}) do
        local taken, message = true, ""
        if row.choices then taken, message = try(case, row, "zebra") end
        if not taken and message:find("WORD", 1, true) then -- else it isn't looked at in this call
          told = told + 1
          for _, word in ipairs(row.choices) do
            local ok, other = try(case, row, word)
            if not ok and other == message then wrong[#wrong + 1] = ("%s %s: %s"):format(case.name, row[1], word) end
          end
        end
      end
    end)
    assert.equal("", table.concat(wrong, "\n"))
    assert.is_true(told > 60)
  end)

  it("of files depend on their format", function()
    local path = os.tmpname()
    latent.write(path .. ".npy", matrix.eye(2))
    fails("dtype must be", latent.read, path .. ".npy", { dtype = 1 })
    fails("metadata", latent.write, path .. ".safetensors", { a = matrix.eye(2) }, { metadata = 1 })
    os.remove(path)
    os.remove(path .. ".npy")
  end)

  it("that are unknown are told in alphabetical order, whatever else is there", function()
    for _ = 1, 20 do
      local options = {}
      for _, name in ipairs { "zebra", "lion", "ape", "tiger", "bear" } do options[name .. math.random(3)] = 1 end
      local first
      for name in pairs(options) do first = (not first or name < first) and name or first end
      fails(("unknown option '%s'"):format(first), latent.pca, options)
      fails(("unknown option '%s'"):format(first), latent.plot.figure, options)
    end
    fails("options have names, but the table has the key 1", latent.pca, { 5, zebra = 1 })
    fails("options have names, but the table has the key 2.5", latent.pca, { [2.5] = 5, [{}] = 1 })
    fails("options have names, but the table has a table for a key", latent.pca, { [{}] = 1, [print] = 2, z = 1 })
    fails("options have names, but the table has a function for a key", latent.plot.figure, { [{}] = 1, [print] = 2 })
    fails("datasets.circles: factor must be", latent.datasets.circles, 5, { factor = -1, noise = -1 })
  end)

  it("of a fit at one go are those of EM: what it found is shown once", function()
    local X = latent.datasets.iris()
    for _, model in ipairs { latent.ppca(), latent.bpca { method = "closed_form" }, latent.fa { latent_dim = 1 } } do
      local seen = {}
      model:fit(X, { max_seconds = 100, on_iteration = function(state) seen[#seen + 1] = state end })
      assert.are.equal(1, #seen)
      assert.are.equal(model, seen[1].model)
      assert.are.equal(model.iterations, seen[1].iteration)
      assert.are.equal(model.history[#model.history], seen[1].objective)
    end
    fails("ppca:fit: on_iteration must be a function, got number", function()
      latent.ppca():fit(X, { on_iteration = 1 })
    end)
  end)

  it("labels are for whole fits", function()
    local X = latent.datasets.iris()
    for _, model in ipairs { latent.gmm(), latent.mppca(), latent.mixture { family = "poisson" } } do
      fails("partial_fit: unknown option 'labels'", model.partial_fit, model, X:round(), { labels = "rubbish" })
    end
    fails("nonlinear:fit: unknown option 'labels'", function()
      latent.nonlinear { input_dim = 4, latent_dim = 1 }:fit(X, { labels = matrix.ones(150, 1) })
    end)
  end)

  it("gmm_select counts weights as rows", function()
    local X = latent.datasets.iris()
    local weights = matrix(150, 1, function(i) return i % 3 end):flatten()
    local list, rows = {}, weights:table()
    for i = 1, 150 do for _ = 1, rows[i] do list[#list + 1] = i end end
    local settings = { components = { 1, 2 }, covariance = "diag", seed = 1, tolerance = 1e-12 }
    local twice = latent.gmm_select(X:rows_at(list), settings)
    settings.weights = weights
    local weighted = latent.gmm_select(X, settings)
    for _, name in ipairs { "log_likelihood", "aic", "bic" } do
      assert.near(twice[1][name], weighted[1][name], 1e-7 * math.abs(twice[1][name]))
    end
    assert.are.equal(2, weighted.best.components)
    fails("gmm_select: unknown option 'componets'; did you mean 'components'?", latent.gmm_select, X, { componets = 1 })
  end)

  it("patience keeps the weights of the best epoch, and needs validation", function()
    local X = latent.datasets.digits() / 16
    local path = os.tmpname()
    local vae = latent.vae { input_dim = 64, latent_dim = 8, hidden = 128, seed = 2, learning_rate = 5e-3 }
    local held = X:block(61, 200)
    vae:fit(X:block(1, 60), { epochs = 300, batch = 20, validation = held, patience = 5, checkpoint = path })
    local least = math.huge
    for _, loss in ipairs(vae.validation_history) do least = math.min(least, loss) end
    assert.is_true(vae.converged)
    assert.is_true(least < vae.validation_history[#vae.validation_history])
    assert.near(least, -vae:elbo(held):mean(), 1e-9 * least)
    assert.near(least, -latent.load(path):elbo(held):mean(), 1e-9 * least)
    os.remove(path)
    fails("vae:fit: patience waits for a better loss of the rows of validation, which is missing", vae.fit, vae, X,
      { patience = 3 })
  end)

  it("keep has the best epoch's model in the checkpoint and at the end", function()
    local X = latent.datasets.digits() / 16
    local path, held, files = os.tmpname(), X:block(61, 200), 0
    local vae = latent.vae { input_dim = 64, latent_dim = 8, hidden = 128, seed = 2, learning_rate = 5e-3 }
    local before
    vae:fit(X:block(1, 60), { epochs = 60, batch = 20, validation = held, checkpoint = path, keep = "best",
      on_epoch = function()
        local file = assert(io.open(path, "rb"))
        local bytes = file:read "a"
        file:close()
        if bytes ~= before then before, files = bytes, files + 1 end
      end })
    local least, at, better = math.huge, nil, 0
    for epoch, loss in ipairs(vae.validation_history) do
      if loss < least then least, at, better = loss, epoch, better + 1 end
    end
    assert.is_true(at < 60 and #vae.history == 60)
    assert.are.equal(better, files)
    local saved = latent.load(path)
    assert.are.equal(at, saved.epochs)
    assert.are.equal(3 * at, saved.iterations)
    assert.near(least, -saved:elbo(held):mean(), 1e-9 * least)
    for name, weights in pairs(vae:parameters()) do assert.is_true(weights == saved:parameters()[name], name) end
    os.remove(path)
    fails('vae:fit: keep = "best" goes by the loss of the rows of validation', vae.fit, vae, X, { keep = "best" })
    fails('vae:fit: keep must be "last" or "best", got \'first\'', vae.fit, vae, X, { keep = "first" })
  end)

  it("init has weights that add up to 1: nothing is scaled but rounding", function()
    local X = latent.datasets.iris()
    for _, weights in ipairs { { 1, 2 }, { 0.3, 0.6 }, { 0.5, 0.500002 } } do
      local init = { means = X:block(1, 2), weights = weights }
      local message = ("init.weights must add up to 1, not to %.7g"):format(weights[1] + weights[2]):sub(1, 40)
      for _, name in ipairs { "gmm", "mppca" } do
        fails(message, function() latent[name] { init = init }:fit(X) end)
      end
      fails(message, function()
        latent.mixture { family = "poisson", components = 2, init = { rates = X:block(1, 2), weights = weights } }:fit(
          X:round())
      end)
    end
    fails("init.probabilities must add up to 1, not to", function()
      latent.mixture { family = "categorical", levels = 2, init = { probabilities = { { 0.5, 0.6 } } } }:fit {
        { 1 }, { 2 } }
    end)
    local model = latent.gmm { init = { means = X:block(1, 2), weights = { 1 / 3, 0.6666667 } }, max_iterations = 1 }
    assert.near(1, model:fit(X).weights:sum(), 1e-15)
  end)

  it("that mean something with others only say with which", function()
    for _, name in ipairs { "vae", "nonlinear" } do
      local function make(options)
        options.input_dim, options.latent_dim = 3, 1
        return latent[name](options)
      end
      for option, value in pairs { sigma = 2, variance = "fixed", variance_range = { 0.1, 1 } } do
        fails(name .. ": " .. option .. ' is for likelihood = "gaussian"', make,
          { likelihood = "bernoulli", [option] = value })
        make { likelihood = "gaussian", [option] = value }
      end
      fails('schedule_steps is for schedule = "cosine"', make, { schedule_steps = 10 })
    end
    fails('kmeans: batch is for algorithm = "minibatch"', latent.kmeans, { clusters = 2, batch = 10 })
    local ok, message = pcall(latent.pca, { solver = ("x"):rep(1000) })
    assert.is_false(ok)
    assert.is_truthy(message:find("unknown solver '(a long string)' (known: auto", 1, true), message)
  end)

  it("of a step of a tracker are those that it still uses", function()
    local tracker = latent.lds { A = 0.5, C = 1, Q = 1, R = 1 }:tracker()
    tracker:predict(nil, { A = { { 0.4 } } })
    fails("tracker:update: A belongs to this step's transition, which predict has made", tracker.update, tracker, 1,
      nil, { A = { { 0.4 } } })
    tracker:update(1, nil, { R = { { 2 } } })
    fails("tracker:predict: unknown option 'R'", tracker.predict, tracker, nil, { R = { { 2 } } })
  end)
end)
