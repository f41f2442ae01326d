-- What errors say: the remedy for NaN; never Lua's own words, and the same ones in every run.
local latent = require "latent"
local helper = require "helper"
local calls = require "calls"
local fails = helper.fails

local iris = latent.datasets.iris()

describe("a NaN in the data", function()
  local gap = iris:copy()
  gap[3][2] = 0 / 0
  local knows = "X has NaN at row 3, column 2: missing = true makes it a missing entry"

  it("is told with missing = true where the model knows that", function()
    for _, make in ipairs {
      function() return latent.gmm { components = 2 } end, function() return latent.mppca { components = 2 } end,
      function() return latent.ppca() end, function() return latent.ppca { method = "em" } end,
      function() return latent.bpca() end, function() return latent.bpca { method = "closed_form" } end,
      function() return latent.fa() end, function() return latent.fa { method = "em" } end,
    } do
      local model = make()
      for _, method in ipairs { "fit", "steps", "partial_fit" } do
        if helper.has(model, method) then fails(knows, model[method], model, gap) end
      end
      model = make():fit(iris)
      for _, method in ipairs { "transform", "posterior", "reconstruct", "responsibilities", "predict",
        "log_likelihood", "score", "aic", "bic", "elbo" } do
        if helper.has(model, method) then fails(knows, model[method], model, gap) end
      end
      assert.is_truthy(model:log_likelihood(gap, { missing = true }))
      fails("X has NaN at row 1, column 2: missing = true", model.log_likelihood, model, gap[3])
      fails("chunk 2: X has NaN at row 1, column 2: missing = true", model.fit, model, helper.chunks(gap, 2))
    end
    fails(knows, latent.scaler().fit, latent.scaler(), gap)
    local counts = gap:round()
    local mixture = latent.mixture { family = "poisson" }
    fails(knows, mixture.fit, mixture, counts)
    mixture:fit(iris:round())
    for _, method in ipairs { "predict", "responsibilities", "log_likelihood", "score", "elbo" } do
      fails(knows, mixture[method], mixture, counts)
    end
  end)

  it("is told with a model that does where it doesn't", function()
    for name, other in pairs { pca = "ppca", ica = "fa", kmeans = "gmm" } do
      local remedy = ("X has NaN at row 3, column 2: latent.%s knows missing entries"):format(other)
      local options = { clusters = name == "kmeans" and 2 or nil }
      for _, method in ipairs { "fit", "partial_fit", "steps" } do
        local model = latent[name](options)
        if helper.has(model, method) then fails(remedy, model[method], model, gap) end
      end
      local model = latent[name](options):fit(iris)
      for _, method in ipairs { "transform", "reconstruct", "predict", "log_likelihood", "score", "distortion" } do
        if helper.has(model, method) then fails(remedy, model[method], model, gap) end
      end
      fails(("missing: this model does not know missing entries; latent.%s knows"):format(other), model.fit, model,
        iris, { missing = false })
    end
    local remedy = "X(3,2) is nan; data are finite numbers: latent.mppca knows missing entries"
    for _, name in ipairs { "vae", "nonlinear" } do
      local model = latent[name] { input_dim = 4, latent_dim = 1, hidden = 4, likelihood = "gaussian" }
      for _, method in ipairs { "step", "loss", "log_likelihood", "transform", "elbo" } do
        if helper.has(model, method) then fails(remedy, model[method], model, gap) end
      end
    end
  end)

  it("is one of the rows that the fit of a net was given, not of a batch", function()
    for _, name in ipairs { "vae", "nonlinear" } do
      local model = latent[name] { input_dim = 4, latent_dim = 1, hidden = 4, likelihood = "gaussian" }
      fails(name .. ":fit: X has NaN at row 3, column 2: latent.mppca knows missing entries", model.fit, model, gap)
    end
  end)

  it("is taken by every method of a model that was fitted with missing = true, also after save and load", function()
    local path = os.tmpname()
    local methods = { "transform", "posterior", "reconstruct", "responsibilities", "predict", "log_likelihood", "score",
      "aic", "bic", "elbo", "impute", "partial_fit" }
    for name, options in pairs { gmm = { components = 2 }, mppca = { components = 2, latent_dim = 1 }, ppca = {},
      bpca = {}, fa = { latent_dim = 1 }, mixture = { family = "poisson" }, scaler = {} } do
      local data = name == "mixture" and gap:round() or gap
      local model = latent[name](options):fit(data, { missing = true })
      assert.is_true(model.missing)
      local told = helper.has(model, "log_likelihood") and model:log_likelihood(data, { missing = true })
      model:save(path)
      for _, one in ipairs { model, (latent.load(path)) } do
        for _, method in ipairs(methods) do
          if helper.has(one, method) then
            local ok, message = pcall(one[method], one, data)
            assert.is_true(ok, ("%s:%s: %s"):format(name, method, message))
            if method == "log_likelihood" then assert.are.equal(told, one:log_likelihood(data)) end
          end
        end
        one:fit(data)
        if helper.has(one, "log_likelihood") then fails(knows, one.log_likelihood, one, data, { missing = false }) end
        fails(knows, one.fit, one, data, { missing = false })
      end
      model:fit(iris:round(), { missing = false })
      assert.is_nil(model.missing)
      fails(knows, model.fit, model, data)
    end
    os.remove(path)
  end)

  it("was counted as missing by partial_fit, and so by what follows", function()
    for _, name in ipairs { "scaler", "gmm", "ppca" } do
      local model = latent[name] { components = name == "gmm" and 2 or nil }
      model:partial_fit(gap, { missing = true }):partial_fit(gap)
      assert.is_true(model.missing)
      if helper.has(model, "score") then assert.are.equal(model:score(gap, { missing = true }), model:score(gap)) end
    end
  end)

  it("is none of an infinity, nor of other arguments", function()
    local far = iris:copy()
    far[3][2] = math.huge
    for _, name in ipairs { "gmm", "pca" } do
      local ok, message = pcall(latent[name]().fit, latent[name](), far)
      assert.is_false(ok)
      assert.is_truthy(message:find("X has an infinity at row 3, column 2$"), message)
    end
    local pca = latent.pca():fit(iris)
    local ok, message = pcall(pca.inverse_transform, pca, gap)
    assert.is_false(ok)
    assert.is_truthy(message:find("Z has NaN at row 3, column 2$"), message)
  end)
end)

-- ---- wrong arguments --------------------------------------------------------------------

-- Values of every type; of numbers, those that are easily forgotten.
local WRONG = {
  { "true", function() return true end }, { "-1", function() return -1 end }, { "0.5", function() return 0.5 end },
  { "1e300", function() return 1e300 end }, { "nan", function() return 0 / 0 end },
  { "a string", function() return "rubbish" end }, { "a string with a zero", function() return "a\0b" end },
  { "{}", function() return {} end }, { "{{}}", function() return { {} } end },
  { "a list of strings", function() return { "a", "b" } end }, { "{a=1}", function() return { a = 1 } end },
  { "a function", function() return function() end end }, { "a thread", function() return coroutine.create(print) end },
  { "a file", function() return io.stderr end },
  { "a matrix", function() return latent.matrix { { 1, 2 }, { 3, 4 } } end },
  { "a vector", function() return latent.matrix { 1, 2, 3 } end },
  { "a matrix of NaN", function() return latent.matrix { { 0 / 0, 1, 2 } } end },
  { "a generator", function() return latent.random(1) end }, { "a model", function() return latent.pca() end },
  { "a net's value", function() return latent.nn.tape():input { { 1 } } end },
}

-- What Lua says itself, and what differs from run to run.
local OWN = { "bad argument", "attempt to", "integer representation", "0x%x%x%x%x", "stack overflow", "bad 'for'",
  "invalid value", "initial value" }

-- The message without the place it is raised at.
local function sentence(message) return (message:gsub("^[^ ]-:%d+: ", "")) end

local function judge(wrong, what, ok, message)
  if ok then return end
  local own = type(message) ~= "string" or not sentence(message):find "^[%w_.:%[%]()=' ]+: "
  for _, part in ipairs(OWN) do own = own or sentence(message):find(part) end
  if own then wrong[#wrong + 1] = what .. ": " .. tostring(message) end
end

local function quiet(f, ...)
  local print = _G.print
  _G.print = function() end
  local results = table.pack(pcall(f, ...))
  _G.print = print
  return table.unpack(results, 1, results.n)
end

describe("wrong arguments", function()
  teardown(calls.clean)

  -- users' own functions get what they get; and how many threads there are stays
  local left_out = { ["EM:fit"] = true, ["EM:fit_for"] = true, ["EM:steps"] = true, ["latent.threads"] = true }
  -- a large number is one that takes long
  local long = { restarts = true, max_iterations = true, epochs = true, samples = true }

  calls.each(function(case)
    if left_out[case.name] then return end
    it("are told in our own words: " .. case.name, function()
      local wrong = {}
      for i, arg in ipairs(case.entry.args or {}) do
        for _, value in ipairs(WRONG) do
          if not arg[1]:find "^options" and not (arg[1] == "path" and type(value[2]()) == "string") then
            judge(wrong, ("%s as %s"):format(value[1], arg[1]), quiet(case.call, nil, function(list)
              list[i] = value[2]()
            end))
          end
        end
      end
      for name in pairs(case.options) do
        for _, value in ipairs(WRONG) do
          local takes_long = long[name] and value[1] == "1e300"
          local is_path = name == "checkpoint" and type(value[2]()) == "string"
          if not takes_long and not is_path then
            judge(wrong, ("%s = %s"):format(name, value[1]), quiet(case.call, { [name] = value[2]() }))
          end
        end
      end
      if case.class then
        local method = calls.objects[case.class]()[case.method]
        for _, value in ipairs(WRONG) do
          if case.class ~= "Matrix" then
            judge(wrong, "self as " .. value[1], quiet(method, value[2](), iris))
          end
        end
        judge(wrong, "no self", quiet(method))
      end
      assert.are.equal("", table.concat(wrong, "\n"))
    end)
  end)

  it("within options are, too", function()
    local wrong = {}
    for _, value in ipairs(WRONG) do
      local function try(name, options, fits)
        local what = ("%s with %s"):format(name, value[1])
        local ok, model = quiet(latent[name], options)
        judge(wrong, what, ok, model)
        if ok and fits then judge(wrong, what .. ", fit", quiet(model.fit, model, iris)) end
      end
      local v = value[2]
      for _, name in ipairs { "gmm", "mppca" } do
        try(name, { init = v() }, true)
        for _, field in ipairs { "means", "weights", "covariances", "W", "noise_variances" } do
          local init = { means = iris:block(1, 2) }
          init[field] = v()
          try(name, { init = init, components = 2 }, true)
        end
      end
      try("mixture", { family = v() }, true)
      try("mixture", { family = { log_density = v(), fit = v() } }, true)
      try("kmeans", { init = v() }, true)
      for _, field in ipairs { "A", "C", "Q", "R", "initial", "estimate", "structure", "fixed" } do
        try("lds", { [field] = v(), latent_dim = 1 }, true)
        try("lds", { A = 0.5, C = 1, Q = 1, R = 1, [field] = v() })
      end
      try("lds", { structure = { Q = v() }, A = 1 })
      try("lds", { fixed = { A = v() }, A = 1 })
      try("lds", { estimate = { v() }, A = 1 })
      try("vae", { input_dim = 4, latent_dim = 2, hidden = { v() } })
      try("vae", { input_dim = 4, latent_dim = 2, variance_range = { v(), v() } })
    end
    assert.are.equal("", table.concat(wrong, "\n"))
  end)

  it("are the same in every run", function()
    local t, u = {}, {}
    for k = 1, 20 do t["b" .. k], u["a" .. k] = -1, "x" end
    for _ = 1, 5 do
      fails("start.b1 must be above 0", latent.blocks.fit, print, t, { 1 })
      fails("start.a1 must be a finite number", latent.blocks.fit, print, u, { 1 })
      fails("latent.write: a1 must be a matrix", latent.write, "x.safetensors", u)
    end
    fails("start must be a table of names and numbers, but has a table for a key", latent.blocks.fit, print,
      { [{}] = 1, a = 1 }, { 1 })
    local em = latent.em { parameters = { m = 1 }, e_step = function(p) return { z = p.m, y = 1 }, 1 end,
      m_step = function() return { m = 1, q = 2, p = 3, x = 4 } end }
    fails("m_step returned 'p', which is no parameter", em.fit, em, iris)
    assert.is_falsy(latent.help.text({}):find "0x")
  end)

  it("of methods in Lua and of nested values are, too", function()
    fails("vae:fit: self must be a vae, got latent.Matrix; use a colon: vae:fit(...)",
      latent.vae { input_dim = 1, latent_dim = 1 }.fit, iris, iris)
    fails("blocks.arma: ma must be a list of numbers, got a FILE*", latent.blocks.arma, { ma = io.stderr })
    fails("batches: seed must be an integer or a latent.Random, got a latent.Matrix", latent.batches, iris, 5,
      { seed = iris })
    local vae = latent.vae { input_dim = 4, latent_dim = 1, hidden = 2, likelihood = "gaussian" }
    fails("vae:fit: checkpoint: ", vae.fit, vae, iris, { epochs = 1, checkpoint = "/nowhere/at/all" })
  end)

  it("include fields that can't be set", function()
    fails("pca: 'mean' can't be set", function() latent.pca().mean = 1 end)
    fails("rng: 'seed' can't be set", function() latent.random(1).seed = 1 end)
    fails("latent.Store: 'x' can't be set", function() latent.nn.parameters().x = 1 end)
  end)
end)
