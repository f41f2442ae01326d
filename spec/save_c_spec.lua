-- Models as files from C (core/modeling/save.h, by spec/embed/save.c), and from C to Lua and back.
local latent = require "latent"
local helper = require "helper"
local matrix = latent.matrix

local X = latent.random(5):normal(60, 3)
local folder, program

local function path(name) return folder .. "/" .. name .. (name:find "%." and "" or ".safetensors") end

local function run(...)
  local words = { ... }
  for i, word in ipairs(words) do words[i] = "'" .. word .. "'" end
  return helper.run(program .. " " .. table.concat(words, " "))
end

-- The model's scores of X, or other rows, as the program prints them.
local function scores(model, rows)
  local lines = {}
  local method
  for _, name in ipairs { "critic", "elbo", "log_likelihood" } do
    method = helper.has(model, name) and model[name] or method
  end
  for i, value in ipairs(method(model, rows or X):table()) do lines[i] = ("%a\n"):format(value) end
  return table.concat(lines)
end

local function contents(name)
  local file = assert(io.open(path(name), "rb"))
  local bytes = file:read "a"
  file:close()
  return bytes
end

-- Parameters and shapes; C keeps no record of rows and iterations.
local function head(model) return tostring(model):match "[^\n]*" end

describe("models as files in C", function()
  setup(function()
    folder = os.tmpname()
    os.remove(folder)
    assert(os.execute("mkdir " .. folder))
    program = helper.program "save"
    assert(latent.write(path "X.npy", X))
  end)
  teardown(function() os.execute("rm -rf " .. folder) end)

  local function models()
    local list = {}
    for _, covariance in ipairs { "full", "diag", "tied", "spherical", "tied_diag", "tied_spherical" } do
      list[#list + 1] = latent.gmm { components = 2, covariance = covariance, seed = math.mininteger }
    end
    list[#list + 1] = latent.gmm()
    list[#list + 1] = latent.gmm { init = { means = { { -1, 0, 0 }, { 1, 0, 0 } } }, max_iterations = 2.0 }
    list[#list + 1] = latent.gmm { components = 2, max_iterations = math.maxinteger, tolerance = math.huge }
    list[#list + 1] = latent.mppca { components = 2, latent_dim = 1, noise = "diagonal", restarts = 2 }
    list[#list + 1] = latent.mppca { components = 2, latent_dim = 0, init = "random" }
    for _, options in ipairs { {}, { latent_dim = "mle" }, { latent_dim = 2, method = "em", seed = 3 } } do
      list[#list + 1] = latent.ppca(options)
    end
    for _, options in ipairs { {}, { latent_dim = "all", method = "closed_form" }, { latent_dim = 1 } } do
      list[#list + 1] = latent.bpca(options)
    end
    list[#list + 1] = latent.fa { rotation = "promax", least_uniqueness = 0.01 }
    list[#list + 1] = latent.fa { latent_dim = 2, method = "em", rotation = "promax" }
    return list
  end

  it("from Lua score the same bits, and come back to Lua", function()
    for _, model in ipairs(models()) do
      local kind = tostring(model):match "%w+"
      model:fit(X)
      assert(model:save(path "lua"))
      local expected = scores(model)
      local output, ok = run("score", kind, path "lua", path "X.npy")
      assert.is_truthy(ok, output)
      assert.equal(expected, output)
      output, ok = run("again", kind, path "lua", path "c")
      assert.is_truthy(ok, output)
      local loaded = assert(latent.load(path "c"))
      assert.equal(expected, scores(loaded))
      assert.equal(model:free_parameters(), loaded:free_parameters())
      -- the same bytes from then on, and the same fit as of the options that the file has
      output, ok = run("again", kind, path "c", path "d")
      assert.is_truthy(ok, output)
      assert.equal(contents "c", contents "d")
      if not contents "lua":find '\\"means\\"' then assert.equal(scores(model:fit(X)), scores(loaded:fit(X))) end
    end
  end)

  it("give each output by itself as with the others", function()
    -- how many: of rows, of rows with missing entries, of latent variables
    local counts = { gmm = "5 6 0", mixture = "5 6 0", mppca = "7 9 0", kmeans = "3 0 0", ppca = "7 8 0",
      bpca = "7 8 0", fa = "7 8 0", pca = "3 0 0", scaler = "2 0 0", ica = "3 0 0", vae = "11 0 2", nonlinear = "3 0 2",
      flow = "4 0 1", flow_matching = "4 0 1", diffusion = "6 0 0", gan = "3 0 1" }
    local list = { latent.kmeans { clusters = 2 }, latent.mixture { components = 2, seed = 1 },
      latent.pca { latent_dim = 2 }, latent.scaler(), latent.ica { seed = 3 },
      latent.vae { input_dim = 3, latent_dim = 1, hidden = 4, likelihood = "gaussian" },
      latent.diffusion { input_dim = 3, timesteps = 4, hidden = 4 },
      latent.flow { input_dim = 3, hidden = 4 }, latent.flow_matching { input_dim = 3, hidden = 4 },
      latent.gan { input_dim = 3, latent_dim = 2, hidden = 4 },
      latent.nonlinear { input_dim = 3, latent_dim = 1, hidden = 4, samples = 5 } }
    table.move(models(), 1, #models(), #list + 1, list)
    for _, model in ipairs(list) do
      local kind = head(model):match "[%w_]+"
      local rows = kind == "mixture" and X:gt(0):to "float64" or X
      model:fit(rows, helper.has(model, "step") and { epochs = 1 } or nil)
      assert(model:save(path "alone"))
      assert(latent.write(path "rows.npy", rows))
      assert.equal(counts[kind] .. "\n", (run("alone", kind, path "alone", path "rows.npy")), kind)
    end
  end)

  -- Parameters and methods of the model, as text; those that draw or want more than rows aside.
  local function answers(model)
    local list = { head(model) }
    for _, name in ipairs { "transform", "predict", "log_likelihood", "reconstruct", "responsibilities", "smooth" } do
      local ok, result = pcall(function() return model[name](model, X) end)
      if ok and type(result) == "table" then result = result.means end
      list[#list + 1] = name
      list[#list + 1] = ok and result:map(function(x) return x end):table() or tostring(result)
    end
    return list
  end

  it("of other kinds come back from C as they were", function()
    local U = latent.random(6):uniform(200, 3)
    for _, case in ipairs {
      { latent.kmeans { clusters = 2 } }, { latent.kmeans { init = { { 0, 0, 0 }, { 1, 1, 1 } } } },
      { latent.kmeans { clusters = 3, algorithm = "minibatch", seed = 5 } },
      { latent.pca() }, { latent.pca { latent_dim = 2, whiten = true, standardize = true } },
      { latent.pca { latent_dim = 0.8, tolerance = 1e-7 } }, { latent.pca { latent_dim = "mle" } },
      { latent.scaler() }, { latent.scaler { with_mean = false } }, { latent.scaler { with_deviation = false } },
      { latent.ica { seed = 3, contrast = "cube" }, U }, { latent.ica { latent_dim = 2 }, U },
      { latent.ica { init = matrix.eye(3) }, U },
      { latent.ppca { latent_dim = 1 } }, { latent.ppca { latent_dim = 2, method = "em", seed = 4 } },
      { latent.ppca { latent_dim = "mle" } }, { latent.bpca() }, { latent.bpca { latent_dim = 1 } },
      { latent.fa { latent_dim = 1 } }, { latent.fa { latent_dim = 1, method = "em", rotation = "varimax" } },
      { latent.ppca { noise_variance = 0 } }, { latent.ppca { latent_dim = "mle" } }, { latent.bpca() },
      { latent.fa { latent_dim = 2, rotation = "promax" } },
      { latent.lds { latent_dim = 2, max_iterations = 5 } },
      { latent.lds { A = { { 1 } }, C = matrix.ones(3, 1), Q = { { 0.1 } }, R = matrix.eye(3), max_iterations = 3,
        estimate = { "R", "Q" }, initial_mean = { 0.5 }, initial_covariance = { { 2 } } } },
    } do
      local model = case[1]
      local kind = tostring(model):match "%w+"
      model:fit(case[2] or X)
      assert(model:save(path "lua"))
      local output, ok = run("again", kind, path "lua", path "c")
      assert.is_truthy(ok, output)
      assert.same(answers(model), answers(assert(latent.load(path "c"))))
      assert.equal("ok, after refusals\n", run("memory", kind, path "lua"))
      assert.equal("some loaded\n", run("mutants", kind, path "lua", "2000"))
    end
  end)

  -- Models with nets, small, with options of every type.
  local function nets()
    local list = {}
    for _, options in ipairs {
      {}, { hidden = { 8, 5 }, samples = 3, seed = -3, beta = 0.5, dtype = "float64" },
      { hidden = {}, decoder_hidden = 6, likelihood = "gaussian", variance_range = { 0.01, 4 } },
      { likelihood = "gaussian", sigma = 0.5, optimizer = "sgd", weight_decay = 0.1, schedule = "cosine",
        schedule_steps = 10, kl_warm_up = 3, clip = 1, hidden = { 7 } },
    } do
      options.input_dim, options.latent_dim = 3, 2
      options.hidden = options.hidden or 4
      options.likelihood = options.likelihood or "gaussian"
      list[#list + 1] = latent.vae(options)
    end
    list[#list + 1] = latent.nonlinear { input_dim = 3, latent_dim = 1, hidden = { 5, 4 }, samples = 20, seed = 9 }
    list[#list + 1] = latent.nonlinear { input_dim = 3, latent_dim = 2, hidden = 6, optimizer = "rmsprop" }
    list[#list + 1] = latent.diffusion { input_dim = 3, hidden = { 8, 5 }, timesteps = 7, noise_schedule = "linear",
      beta_end = 0.5, prediction = "epsilon", variance = "posterior", time_features = 4, seed = 3 }
    list[#list + 1] = latent.diffusion { input_dim = 3, hidden = 4, timesteps = 200, ema = 0, dtype = "float64" }
    list[#list + 1] = latent.flow_matching { input_dim = 3, hidden = { 8, 5 }, coupling = "ot", sigma = 0.1, steps = 7,
      solver = "midpoint", time_features = 6, seed = 3 }
    list[#list + 1] = latent.flow_matching { input_dim = 3, hidden = 4, ema = 0, dtype = "float64", tolerance = 1e-3 }
    list[#list + 1] = latent.gan { input_dim = 3, hidden = { 8, 5 }, latent_dim = 2, seed = 3 }
    list[#list + 1] = latent.gan { input_dim = 3, hidden = 4, critic_hidden = 6, loss = "wasserstein", spectral = true,
      ema = 0, dtype = "float64", critic_steps = 2 }
    for _, options in ipairs {
      { hidden = 8 }, { kind = "maf", layers = 2, hidden = { 6, 6 }, optimizer = "sgd" },
      { kind = "realnvp", optimizer = "sgd", bound = math.huge }, { standardize = false, base = "normal", bins = 4 },
      { layers = { { "spline", bins = 5, hidden = { 12 }, box = 3 }, "permute", { "masked_affine", hidden = 12 },
        "actnorm", "linear", { kind = "affine", bound = 1 }, "planar", "radial", "reverse" } },
    } do
      options.input_dim = 3
      list[#list + 1] = latent.flow(options)
    end
    return list
  end

  it("of mixtures of independent columns, of every family", function()
    local random = latent.random(8)
    local bits, counts = random:uniform(50, 4):map(function(x) return x < 0.4 and 1 or 0 end),
      random:uniform(50, 4):map(function(x) return math.floor(6 * x * x) end)
    local codes = random:uniform(50, 2):map(function(x) return 1 + math.floor(3 * x) end)
    local hot = matrix.zeros(50, 5) -- the first column's three levels, and whether the second's is above 1
    for i = 1, 50 do
      hot[i][codes[i][1]] = 1
      hot[i][codes[i][2] > 1 and 5 or 4] = 1
    end
    for _, case in ipairs {
      { { components = 2 }, bits }, { { components = 2, smoothing = 0.5, init = "k-means" }, bits },
      { { components = 2, family = "poisson", restarts = 2 }, counts },
      { { components = 2, family = "categorical" }, codes },
      { { components = 2, family = "categorical", levels = 4, lowest = { 0, 1 }, smoothing = 1 }, codes },
      { { components = 2, family = "categorical", groups = { 3, 2 }, smoothing = 1 }, hot },
    } do
      local model, data = latent.mixture(case[1]):fit(case[2]), case[2]
      assert(latent.write(path "data.npy", data))
      assert(model:save(path "lua"))
      local expected = scores(model, data)
      assert.equal(expected, (run("score", "mixture", path "lua", path "data.npy")))
      for _, how in ipairs { "again", "typed" } do
        local output, ok = run(how, "mixture", path "lua", path "c")
        assert.is_truthy(ok, output)
        local loaded = assert(latent.load(path "c"))
        assert.equal(expected, scores(loaded, data))
        assert.equal(head(model), head(loaded))
        assert.equal(model:free_parameters(), loaded:free_parameters())
      end
      assert.equal("ok, after refusals\n", run("memory", "mixture", path "lua"))
      assert.equal("some loaded\n", run("mutants", "mixture", path "lua", "5000"))
    end
  end)

  it("with nets score the same bits, go on from the same state, and come back to Lua", function()
    for i, model in ipairs(nets()) do
      local kind = head(model):match "[%w_]+"
      for _ = 1, 3 do model:step(X) end
      assert(model:save(path "lua"))
      local expected = scores(model)
      assert.equal(expected, (run("score", kind, path "lua", path "X.npy")), kind .. i)
      local output, ok = run("again", kind, path "lua", path "c")
      assert.is_truthy(ok, output)
      local loaded = assert(latent.load(path "c"))
      assert.equal(expected, scores(loaded))
      assert.equal(head(model), head(loaded))
      output, ok = run("typed", kind, path "c", path "d")
      assert.is_truthy(ok, output)
      assert.equal(contents "c", contents "d")
      assert.equal(model:step(X), loaded:step(X))
      assert.equal(scores(model), scores(loaded))
      assert.equal("ok, after refusals\n", run("memory", kind, path "lua"))
      assert.equal("some loaded\n", run("mutants", kind, path "lua", "1000"))
    end
  end)

  it("with nets are refused in the words of what is wrong", function()
    local paths, expected = {}, {}
    local function case(message, options, metadata, tensors)
      local name = "net" .. #paths
      assert(latent.vae({ input_dim = 3, latent_dim = 1, hidden = 2 }):save(path(name)))
      local t, m = assert(latent.read(path(name)))
      if options then m.options = options end
      for key, value in pairs(metadata or {}) do m[key] = value or nil end
      for key, value in pairs(tensors or {}) do t[key] = value or nil end
      assert(latent.write(path(name), t, { metadata = m }))
      paths[#paths + 1], expected[#expected + 1] = path(name), "malformed file: " .. message .. "\n"
    end
    local plain = '{"hidden":2,"input_dim":3,"latent_dim":1%s}'
    case("no saved model with nets", nil, { format = "latent" })
    case("no saved model with nets", nil, { format = false })
    case("the metadata has no 'kind'", nil, { kind = false })
    case("the model is of the kind 'flow', not 'vae'", nil, { kind = "flow" })
    case("the metadata has no 'options'", nil, { options = false })
    case("the options are wrong: the option input_dim is missing", "{}")
    case("the options are wrong: hidden must be an integer or a list of integers", '{"hidden":"2"}')
    case("the options are wrong: hidden must be an integer or a list of integers", '{"hidden":[[2]]}')
    case("the options are wrong: hidden must be an integer or a list of integers", '{"hidden":{"a":2}}')
    case("the options are wrong: hidden must be an integer or a list of integers", '{"hidden":2.5}')
    case("the options are wrong: hidden must be an integer from 1 to 16777216, got 0", '{"hidden":[3,0]}')
    case("the options are wrong: hidden must be an integer, got 2.5", '{"hidden":[2.5]}')
    case("the options are wrong: hidden must be a list of 0 to 15 widths, got at least 16",
      '{"hidden":[' .. ("1,"):rep(99) .. '1]}')
    case("bad JSON: expected ',' or ']' at byte 14", '{"hidden":[1 2]}')
    case("the options are wrong: variance_range must be a list of two numbers",
      plain:format ',"likelihood":"gaussian","variance_range":1')
    case("the options are wrong: variance_range must be {least, most} with 0 < least < most",
      plain:format ',"likelihood":"gaussian","variance_range":[1]')
    case("the options are wrong: variance_range must be a finite number > 0, got inf",
      plain:format ',"likelihood":"gaussian","variance_range":[2,1e999]')
    case("the options are wrong: lowest must be an integer from -1073741824 to 1073741824, got 1e+100",
      plain:format ',"lowest":1e100')
    case("the options are wrong: the nets would have 176000005 parameters, which is too many",
      '{"hidden":16000000,"input_dim":3,"latent_dim":1}')
    case("'encoder.1.weight' is 3x2 in the file, 3x5 in the store", '{"hidden":5,"input_dim":3,"latent_dim":1}')
    case("the file is of other parameters; it lacks 'encoder.1.bias'", nil, nil, { ["encoder.1.bias"] = false })
    case("'encoder.2.bias' has a NaN or an infinity", nil, nil,
      { ["encoder.2.bias"] = matrix({ { 0 / 0, 1 } }):to "float32" })
    local lines = {}
    for line in run("wrong", "vae", table.unpack(paths)):gmatch "[^\n]*\n" do lines[#lines + 1] = line end
    assert.same(expected, lines)
    assert(latent.gmm({ components = 2 }):fit(X):save(path "gmm"))
    assert.equal("malformed file: no saved model with nets\n", (run("wrong", "vae", path "gmm")))
  end)

  it("of flows are refused in the words of what is wrong with a layer", function()
    local paths, expected = {}, {}
    local function case(message, layers)
      local name = "flow" .. #paths
      assert(latent.flow({ input_dim = 2, layers = { "affine" } }):save(path(name)))
      local t, m = assert(latent.read(path(name)))
      m.options = '{"input_dim":2,"layers":' .. layers .. "}"
      assert(latent.write(path(name), t, { metadata = m }))
      paths[#paths + 1], expected[#expected + 1] = path(name), "malformed file: " .. message .. "\n"
    end
    local options = "the options are wrong: "
    case(options .. "layers must be an integer or a list", '"affine"')
    case(options .. "layers must be a list of 1 to 64 layers, got 0", "[]")
    case(options .. "layers must be a list of 1 to 64 layers, got at least 65",
      "[" .. ('"affine",'):rep(64) .. '"affine"]')
    case(options .. "layers must be an integer from 1 to 32, got 1000", "1000")
    case(options .. "layer 2: it must be a kind, or a table with one", '["affine",3]')
    case(options .. "layer 1: its kind is missing", '[{"bins":3}]')
    case(options .. "layer 1: kind must be a string", '[{"kind":3}]')
    case(options .. "layer 1: unknown kind 'afine', did you mean 'affine'?", '[{"kind":"afine"}]')
    case(options .. "layer 1 (spline): bins must be an integer from 2 to 64, got 1", '[{"bins":1,"kind":"spline"}]')
    case(options .. "layer 1 (spline): unknown option 'bims', did you mean 'bins'?", '[{"bims":1,"kind":"spline"}]')
    case(options .. "layer 1 (affine): bins is for splines", '[{"bins":4,"kind":"affine"}]')
    case(options .. "layer 1 (permute): hidden is for couplings and masked layers", '[{"hidden":4,"kind":"permute"}]')
    case("bad JSON: a key is there twice", '[{"kind":"affine","kind":"spline"}]')
    local lines = {}
    for line in run("wrong", "flow", table.unpack(paths)):gmatch "[^\n]*\n" do lines[#lines + 1] = line end
    assert.same(expected, lines)
  end)

  it("keep options of every type", function()
    local output, ok = run("made", path "made", path "X.npy")
    assert.is_truthy(ok, output)
    local flags, lines = output:match "^([^\n]*)\n(.*)$"
    assert.equal("1 1 1 1 1 1", flags)
    local loaded = assert(latent.load(path "made"))
    assert.equal(scores(loaded), lines)
    local _, metadata = latent.read(path "made")
    assert.same({ "latent", "1", "gmm", '{"D":3,"K":2}', "{}" }, { metadata.format, metadata.version, metadata.kind,
      metadata.sizes, metadata.record })
    assert.equal('{"accelerate":true,"components":2,"covariance":"tied_diag","init":"random",'
      .. '"max_iterations":9223372036854775807,"regularization":0.3333333333333333,"restarts":3,'
      .. '"seed":-81985529216486895,"tolerance":1e999}', metadata.options)
    -- whose own words for these are the same
    assert(latent.gmm { components = 2, seed = -81985529216486895 }:fit(X):save(path "lua"))
    assert.truthy(select(2, latent.read(path "lua")).options:find('"seed":-81985529216486895', 1, true))
  end)

  -- The file of a mixture with changes to its metadata and tensors (by name; false leaves one out).
  local function changed(name, metadata, tensors)
    assert(latent.gmm { components = 2, covariance = "diag" }:fit(X):save(path(name)))
    local t, m = assert(latent.read(path(name)))
    for key, value in pairs(metadata or {}) do m[key] = value or nil end
    for key, value in pairs(tensors or {}) do t[key] = value or nil end
    assert(latent.write(path(name), t, { metadata = m }))
  end

  it("are refused in the words of what is wrong", function()
    local options = '{"components":2,"covariance":"diag"%s}'
    local function of(more) return { options = options:format(more) } end
    local cases = {
      { "no saved model, but another safetensors file", { format = "latent.nn" } },
      { "no saved model, but another safetensors file", { kind = false } },
      { "version '2' is unknown (1 is read)", { version = "2" } },
      { "the model is of the kind 'pca', not 'gmm'", { kind = "pca" } },
      { "the metadata has no 'options'", { options = false } },
      { "'options' in the metadata is no JSON object", { options = "[]" } },
      { "bad JSON: expected ',' or '}' at byte 36", of "x" },
      { "bad JSON: a key is there twice", of ',"components":2' },
      { "bad JSON: nested more than 16 deep", of(',"init":' .. ("["):rep(100)) },
      { "the options are wrong: unknown option 'componants', did you mean 'components'?", of ',"componants":2' },
      { "the options are wrong: unknown option 'compo?'", of ',"compo\\u0000":2' },
      { "the options are wrong: unknown option 'e_step'", of ',"e_step":2' },
      { "the options are wrong: components must be an integer from 1 to 1048576, got 0",
        { options = '{"components":0}' } },
      { "the options are wrong: components must be an integer from 1 to 1048576, got -1",
        { options = '{"components":-1}' } },
      { "the options are wrong: components must be an integer, got 1.5", { options = '{"components":1.5}' } },
      { "the options are wrong: components must be an integer", { options = '{"components":"2"}' } },
      { "the options are wrong: components must be an integer", { options = '{"components":null}' } },
      { "the options are wrong: seed must be an integer of 64 bits, got 9.223372036854776e+18",
        of ',"seed":9223372036854775808' },
      { "the options are wrong: seed must be an integer, got 0.5", of ',"seed":0.5' },
      { "the options are wrong: max_iterations must be an integer of 64 bits, got inf", of ',"max_iterations":1e999' },
      { "the options are wrong: tolerance must be at least 0, got -1e-300", of ',"tolerance":-1e-300' },
      { "the options are wrong: tolerance must be a number", of ',"tolerance":null' },
      { "the options are wrong: regularization must be from 0 to 1, got 2", of ',"regularization":2' },
      { "the options are wrong: accelerate must be true or false", of ',"accelerate":1' },
      { "the options are wrong: unknown init 'k-maens', did you mean 'k-means'?", of ',"init":"k-maens"' },
      { "the options are wrong: unknown init 'random?', did you mean 'random'?", of ',"init":"random\\u0000"' },
      { "the metadata has no 'record'", { record = false } },
      { "'record' in the metadata is no JSON object", { record = "1" } },
      { "bad JSON: expected true at byte 6", { record = '{"a":tru}' } },
      { "the metadata has no 'sizes'", { sizes = false } },
      { "the size K must be an integer >= 1", { sizes = '{"D":3}' } },
      { "the size D must be an integer >= 1", { sizes = '{"D":0,"K":2}' } },
      { "the size D must be an integer >= 1", { sizes = '{"D":3.0,"K":2}' } },
      { "the size K must be an integer >= 1", { sizes = '{"D":3,"K":"2"}' } },
      { "bad JSON: a key is there twice", { sizes = '{"D":3,"D":3,"K":2}' } },
      { "bad JSON: expected nothing more at byte 15", { sizes = '{"D":3,"K":2} {}' } },
      { "'weights' is 2, the model's sizes make it 9223372036854775807",
        { sizes = '{"D":3,"K":9223372036854775807}' } },
      { "the model's 'covariances' is missing", nil, { covariances = false } },
      { "'extra' is no parameter of the model", nil, { extra = matrix { 1 } } },
      { "'means' must have dtype F64", nil, { means = matrix.zeros(2, 3):to "float32" } },
      { "element 2 of 'means' is NaN", nil, { means = matrix { { 1, 0 / 0, 1 }, { 1, 1, 1 } } } },
      { "the parameters are wrong: the weights are no distribution", nil, { weights = matrix { 0.5, 0.6 } } },
      { "the parameters are wrong: the parameters are of 2 components, the options say 3",
        { options = '{"components":3,"covariance":"diag"}' } },
    }
    local paths, expected = {}, {}
    for i, case in ipairs(cases) do
      changed("wrong" .. i, case[2], case[3])
      paths[i], expected[i] = path("wrong" .. i), "malformed file: " .. case[1] .. "\n"
    end
    local output = run("wrong", "gmm", table.unpack(paths))
    local i = 0
    for line in output:gmatch "[^\n]*\n" do
      i = i + 1
      assert.equal(expected[i], line)
    end
    assert.equal(#cases, i)
    assert.truthy(run("wrong", "gmm", path "nowhere"):find("No such file", 1, true))
    -- and what the table doesn't read is passed over
    changed("right", { options = '{"components":2,"covariance":"diag","init":{"means":[[1,2],["\\n"]]},"seed":3.0}',
      sizes = ' {"Z": [{}], "K" :2, "M":"none", "D":3}', record = '{"a":[1,{"b":null}]}' })
    assert.truthy(select(2, run("score", "gmm", path "right", path "X.npy")))
  end)

  it("have options that are set by name, with all of an integer's bits", function()
    for _, case in ipairs {
      { "components", "12", "12 0 0 1000 0" }, { "components", "1e1", "10 0 0 1000 0" },
      { "covariance", "tied", "1 2 0 1000 0" }, { "regularization", "1e-3", "1 0 0.001 1000 0" },
      { "max_iterations", "9223372036854775807", "1 0 0 9223372036854775807 0" },
      { "seed", "-1", "1 0 0 1000 18446744073709551615" },
      { "seed", "18446744073709551615", "1 0 0 1000 18446744073709551615" },
      { "seed", "9007199254740993", "1 0 0 1000 9007199254740993" },
      { "seed", "18446744073709551616",
        "invalid argument: seed must be an integer of 64 bits, got 1.844674407370955e+19" },
      { "seed", "1e300", "invalid argument: seed must be an integer of 64 bits, got 1e+300" },
      { "seed", "x", "invalid argument: seed must be an integer, got 'x'" },
      { "max_iterations", "1e19", "invalid argument: max_iterations must be an integer of 64 bits, got 1e+19" },
      { "max_iterations", "nan", "invalid argument: max_iterations must be an integer, got nan" },
      { "max_iterations", "-1", "invalid argument: max_iterations must be an integer >= 0, got -1" },
    } do assert.equal(case[3] .. "\n", (run("set", case[1], case[2]))) end
  end)

  it("have options whose numbers are the same in every locale", function()
    local made = ("localedef -i de_DE -f UTF-8 %s/de_DE.UTF-8 2>/dev/null"):format(folder)
    if not os.execute(made) then return pending "needs localedef and its sources" end
    local german = ("LOCPATH=%s LC_ALL=de_DE.UTF-8 %s set regularization "):format(folder, program)
    assert.equal("1 0 0,5 1000 0\n", (helper.run(german .. "0.5"))) -- the host prints a comma
    assert.equal("1 0 0,001 1000 0\n", (helper.run(german .. "1e-3")))
    assert.equal("invalid argument: regularization must be a number, got '0,5'\n", (helper.run(german .. "0,5")))
    assert.equal("invalid argument: regularization must be a number, got ' 1'\n", (run("set", "regularization", " 1")))
    assert.equal("invalid argument: regularization must be a number, got '0x1p-1'\n",
      (run("set", "regularization", "0x1p-1")))
  end)

  it("have options that are lists, of which each has one form in files", function()
    local flow, vae = { "flow", "input_dim", "2" }, { "vae", "input_dim", "8", "latent_dim", "2" }
    local net = { "nonlinear", "input_dim", "3", "latent_dim", "1" }
    local function case(of, options, expected)
      local words = { "options", table.unpack(of) }
      table.move(options, 1, #options, #words + 1, words)
      assert.equal(expected .. "\n", (run(table.unpack(words))))
    end
    case(vae, { "hidden", "400" }, '{"input_dim":8,"latent_dim":2}') -- the default
    case(vae, { "hidden", "40,20", "decoder_hidden", "7", "lowest", "-1" },
      '{"decoder_hidden":7,"hidden":[40,20],"input_dim":8,"latent_dim":2,"lowest":-1}')
    case(vae, { "hidden", "", "decoder_hidden", "" }, '{"decoder_hidden":[],"hidden":[],"input_dim":8,"latent_dim":2}')
    case(net, { "hidden", "5, 4", "variance_range", "0.5,2" },
      '{"hidden":[5,4],"input_dim":3,"latent_dim":1,"variance_range":[0.5,2.0]}')
    case(flow, { "layers", "3", "hidden", "8,8" }, '{"hidden":[8,8],"input_dim":2,"layers":3}')
    case(flow, { "layers", "3", "layers", "spline, permute,affine" },
      '{"input_dim":2,"layers":[{"kind":"spline"},{"kind":"permute"},{"kind":"affine"}]}')
    case(flow, { "layers", "affine", "layers", "4" }, '{"input_dim":2,"layers":4}')
    local function wrong(of, options, message) case(of, options, "invalid argument: " .. message) end
    wrong(vae, { "hidden", "3,0" }, "hidden must be an integer from 1 to 16777216, got 0")
    wrong(vae, { "hidden", "3,,4" }, "hidden must be an integer, got ''")
    wrong(vae, { "hidden", ("1,"):rep(15) .. "1" }, "hidden must be a list of 0 to 15 widths, got at least 16")
    wrong(vae, { "lowest", "1e10" }, "lowest must be an integer from -1073741824 to 1073741824, got 10000000000")
    wrong(net, { "variance_range", "2" }, "variance_range must be {least, most} with 0 < least < most")
    wrong(net, { "variance_range", "2,1" }, "variance_range must be {least, most} with 0 < least < most")
    wrong(net, { "variance_range", "1,2,3" }, "variance_range must be {least, most} with 0 < least < most")
    wrong(flow, { "hidden", "" }, "hidden must be a list of 1 to 8 widths, got 0")
    wrong(flow, { "layers", "" }, "layers must be a list of 1 to 64 layers, got 0")
    wrong(flow, { "layers", "33" }, "layers must be an integer from 1 to 32, got 33")
    wrong(flow, { "layers", "affine,splin" }, "layer 2: unknown kind 'splin', did you mean 'spline'?")
    wrong(flow, { "layers", "permute,reverse" }, "none of the layers has parameters to be learned")
  end)

  it("survive mutants, and memory that ends anywhere", function()
    for _, model in ipairs { latent.gmm { components = 2, seed = 7, init = { means = { { 1, 0, 0 }, { 0, 1, 2 } } } },
      latent.mppca { components = 2, latent_dim = 1 } } do
      local kind = head(model):match "[%w_]+"
      assert(model:fit(X):save(path "lua"))
      assert.equal("some loaded\n", run("mutants", kind, path "lua", "20000"))
      assert.equal("ok, after refusals\n", run("memory", kind, path "lua"))
    end
  end)
end)
