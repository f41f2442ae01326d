-- What fits of models with nets check before their first step, of each kind of model.
local latent = require "latent"
local helper = require "helper"
local matrix = latent.matrix
local fails = helper.fails

local X = latent.random(1):normal(60, 2)
local KINDS = { "diffusion", "flow", "flow_matching", "gan", "nonlinear", "vae" }
local CONDITIONAL = { "diffusion", "flow_matching", "gan", "vae" }

local function make(kind, more)
  local options = { input_dim = 2, hidden = 4, seed = 1 }
  if kind == "diffusion" then options.timesteps = 5 end
  if kind == "vae" or kind == "nonlinear" then options.latent_dim, options.likelihood = 1, "gaussian" end
  for name, value in pairs(more or {}) do options[name] = value end
  return latent[kind](options)
end

-- X with this number at row i, column j.
local function with(i, j, x)
  local Y = X:copy()
  Y:set(i, j, x)
  return Y
end

-- The fit is refused with this message, which begins with the method's name, and no step has been taken.
local function refused(message, model, rows, options)
  fails(message, model.fit, model, rows, options)
  assert.is_nil(model.iterations)
  assert.is_nil(model.history)
end

describe("fits of nets check before their first step", function()
  it("the rows of validation", function()
    for _, kind in ipairs(KINDS) do
      local function refuse(message, validation)
        refused(kind .. ":fit: validation: " .. message, make(kind), X, { validation = validation })
      end
      refuse("X has 5 columns, the model takes 2", matrix.zeros(3, 5))
      refuse(kind:find "[vn][ao][en]" and "X(3,2) is nan" or "X has NaN at row 3, column 2", with(3, 2, 0 / 0))
      refused(kind .. ":fit: validation must be a matrix or {X, labels}, got 3", make(kind), X, { validation = 3 })
    end
    for _, kind in ipairs(CONDITIONAL) do
      local model, labels = make(kind, { classes = 2 }), matrix(60, 1, 1)
      local function refuse(message, validation)
        refused(kind .. ":fit: validation: " .. message, model, X, { labels = labels, validation = validation })
      end
      refuse("there are 2 labels for 60 rows", { X, { 0, 1 } })
      refuse("label 1 is 7: with classes = 2", { X, 7 })
      refuse("the model is conditional: labels are missing", X)
      model:fit(X, { labels = labels, epochs = 1, validation = { X, 1 } }) -- a label for all
      assert.equal(1, #model.validation_history)
    end
    local tables = X:block(1, 9):table() -- as rows may be
    for _, validation in ipairs { tables, { tables }, { X:block(1, 9) } } do
      local model = make "vae":fit(X, { epochs = 1, validation = validation })
      assert.same(make "vae":fit(X, { epochs = 1, validation = X:block(1, 9) }).validation_history,
        model.validation_history)
    end
    refused("vae:fit: validation must be a matrix or {X, labels}, got a table", make "vae", X, { validation = {} })
    refused("nonlinear:fit: validation: a nonlinear takes no labels", make "nonlinear", X, { validation = { X, X } })
    refused("flow:fit: validation: the flow is conditional: the context is missing", make("flow", { context_dim = 2 }),
      X, { context = X, validation = X })
    refused("flow:fit: validation: the context has 2 rows, X has 60", make("flow", { context_dim = 2 }), X,
      { context = X, validation = { X, X:block(1, 2) } })
  end)

  it("labels, and name the row of X", function()
    local labels = {}
    for i = 1, #X do labels[i] = i % 2 end
    labels[47] = 2
    for _, kind in ipairs(CONDITIONAL) do
      refused(kind .. ":fit: label 47 is 2: with classes = 2 they are whole numbers from 0 to 1",
        make(kind, { classes = 2 }), X, { labels = labels, batch = 8 })
    end
  end)

  it("values that a likelihood doesn't take, also after scaling, and name the row of X", function()
    local function bernoulli() return make("vae", { likelihood = "bernoulli" }) end
    local grey = X:sigmoid()
    grey:set(42, 2, 3)
    refused('vae:fit: X(42,2) is 3: likelihood = "bernoulli" takes 0 to 1', bernoulli(), grey, { batch = 8 })
    refused('vae:fit: X(42,2) is 3: likelihood = "bernoulli" takes 0 to 1', bernoulli(), grey * 10,
      { batch = 8, scale = 0.1 })
    assert.equal(1, #bernoulli():fit(grey / 3, { epochs = 1 }).history)
    assert.equal(1, #bernoulli():fit(grey * 10, { epochs = 1, scale = 1 / 30 }).history)
    for _, kind in ipairs(KINDS) do
      refused(kind .. ":fit: X(42,2) is 3: to be binarized it must be a probability", make(kind), grey,
        { batch = 8, binarize = "dynamic" })
    end
  end)

  it("what binarize may be", function()
    refused('vae:fit: binarize must be "dynamic", "static" or "threshold", got \'no\'', make "vae", X,
      { binarize = "no" })
  end)

  it("max_seconds", function()
    for _, kind in ipairs(KINDS) do
      for _, seconds in ipairs { -1, -math.huge, 0 / 0 } do
        refused(kind .. ":fit: max_seconds must be a number >= 0, got ", make(kind), X, { max_seconds = seconds })
      end
      assert.equal(1, #make(kind):fit(X, { epochs = 1, max_seconds = math.huge }).history)
    end
  end)

  it("rows that are too far out for float32, in units of the data, which are known from an earlier fit", function()
    local far = with(33, 2, 1e39)
    for _, kind in ipairs { "diffusion", "flow", "flow_matching", "gan" } do
      local model = make(kind):fit(X, { epochs = 1 })
      local steps = model.iterations
      fails(kind .. ":fit: X(33,2) is 1e+39: nets of float32 overflow beyond 1e+32 deviations; those of "
        .. 'dtype = "float64" don\'t', model.fit, model, far, { batch = 8 })
      assert.equal(steps, model.iterations)
      -- without earlier units these rows' own serve
      assert.equal(1, #make(kind):fit(far, { epochs = 1 }).history)
    end
    for _, kind in ipairs { "nonlinear", "vae" } do
      refused(kind .. ":fit: X(33,2) is inf; data are finite numbers, in float32 below 3.4e38", make(kind), far)
    end
  end)
end)

describe("nets of float32 name what is too far out for them", function()
  local far, Z = with(33, 2, 1e39), matrix { { 0 }, { 1e39 } }
  local METHODS = {
    diffusion = { "elbo", "reverse" },
    flow_matching = { "log_likelihood", "score", "transform", "velocity" },
    gan = { "critic" },
  }

  it("rows of data, and those of float64 take them", function()
    for kind, methods in pairs(METHODS) do
      local model, wide = make(kind):fit(X, { epochs = 1 }), make(kind, { dtype = "float64" }):fit(X, { epochs = 1 })
      for _, name in ipairs(methods) do
        fails(("%s:%s: X(33,2) is 1e+39: nets of float32"):format(kind, name), model[name], model, far)
        local result = wide[name](wide, far)
        local numbers = type(result) == "number" and matrix { result } or result
        assert.equal(0, numbers:isnan():sum(), kind .. ":" .. name)
      end
    end
  end)

  it("latent variables", function()
    for _, kind in ipairs { "gan", "nonlinear", "vae" } do
      local model = make(kind, { latent_dim = 1 })
      for _, name in ipairs { "decode", "inverse_transform" } do
        local who = kind .. ":" .. name
        fails(who .. ": Z(2,1) is 1e+39: nets of float32 overflow beyond 1e+32; those of", model[name], model, Z)
        fails(who .. ": Z has NaN at row 1, column 1", model[name], model, matrix { { 0 / 0 }, { 1 } })
      end
    end
    local model = make "flow_matching":fit(X, { epochs = 1 })
    fails("flow_matching:inverse_transform: Z(1,2) is 1e+39", model.inverse_transform, model, matrix { { 0, 1e39 } })
  end)
end)
