-- model:export to C and Lua: every method of every model that has a program says what the library says of the same
-- rows, to 1e-12. The library's own numbers are checked against independent ones by the models' specs.
local latent = require "latent"
local export = require "export_helper"
local matrix = latent.matrix

-- EXPORT_ROWS=10000 is the long form.
local D, N = 4, tonumber(os.getenv "EXPORT_ROWS" or 300)
local rng = latent.random(3)
local X = rng:normal(N, D) * rng:normal(D, D) + rng:normal(N, 1) * matrix(1, D, 3)
local Z = rng:normal(40, 2)

local Y = export.with_gaps(X)

describe("exported models", function()
  teardown(export.clean)

  for _, covariance in ipairs { "full", "diag", "tied", "spherical", "tied_diag", "tied_spherical" } do
    it("say what a Gaussian mixture says: " .. covariance, function()
      local model = latent.gmm { components = 3, covariance = covariance }:fit(X)
      export.compare(model, Y, { log_likelihood = "number", predict = "label", responsibilities = 3, impute = D })
    end)
  end

  it("say so of 10,000 rows with missing entries, also from a file", function()
    local wide = rng:normal(10000, 8) * rng:normal(8, 8) + rng:uniform(10000, 1):gt(0.5) * matrix(1, 8, 5)
    local path = export.path ".safetensors"
    assert(latent.gmm { components = 4 }:fit(wide):save(path))
    export.compare(latent.load(path), export.with_gaps(wide), { log_likelihood = "number", responsibilities = 4 })
  end)

  it("say what K-means says", function()
    export.compare(latent.kmeans { clusters = 3 }:fit(X), X, { predict = "label", transform = 3 })
  end)

  it("say what mixtures of discrete columns say", function()
    local families = {
      bernoulli = rng:uniform(N, 5):gt(0.4),
      categorical = (rng:uniform(N, 5) * 3):map(function(x) return x // 1 end),
      poisson = (rng:uniform(N, 5) * 40):map(function(x) return x // 1 end), -- factorials on both sides of 16
    }
    for family, A in pairs(families) do
      local model = latent.mixture { family = family, components = 3 }:fit(A)
      local rows = export.with_gaps(A)
      export.compare(model, rows, { log_likelihood = "number", predict = "label", responsibilities = 3, impute = 5 })
    end
    local codes = families.categorical
    local one_hot = matrix(N, 6, function(i, j) return codes(i, (j - 1) // 3 + 1) == (j - 1) % 3 and 1 or 0 end)
    local model = latent.mixture { family = "categorical", groups = { 3, 3 }, components = 2 }:fit(one_hot)
    for i = 1, 60 do
      local first = i % 2 * 3
      for j = first + 1, first + 3 do one_hot:set(i, j, 0 / 0) end
    end
    export.compare(model, one_hot, { log_likelihood = "number", predict = "label", responsibilities = 2, impute = 6 })
  end)

  it("say that no component allows a row", function()
    local A = matrix { { 1, 0 }, { 1, 0 }, { 1, 1 } }
    local model = latent.mixture { components = 1 }:fit(A)
    export.compare(model, matrix { { 0, 0 }, { 1, 0 } }, { log_likelihood = "number" })
    assert.equal(-math.huge, model:log_likelihood { 0, 0 })
  end)

  it("project as PCA does, standardized and whitened", function()
    for _, options in ipairs { {}, { whiten = true }, { standardize = true, whiten = true } } do
      options.latent_dim = 2
      local model = latent.pca(options):fit(X)
      export.compare(model, { transform = X, reconstruct = X, inverse_transform = Z },
        { transform = 2, reconstruct = D, inverse_transform = D })
      local distortions, lua = {}, export.path ".lua"
      assert(model:export(lua))
      for i = 1, #X do distortions[i] = model:distortion { X[i]:table() } end
      export.same(matrix(distortions), export.lua(lua, "distortion", X, "number"))
    end
  end)

  it("say what factor models say", function()
    local models = { latent.ppca { latent_dim = 2 }, latent.bpca { latent_dim = 2 }, latent.fa { latent_dim = 2 },
      latent.fa { latent_dim = 2, rotation = "promax" } }
    for _, model in ipairs(models) do
      model:fit(X)
      export.compare(model, Y, { transform = 2, reconstruct = D, log_likelihood = "number" })
      export.compare(model, { impute = Y, inverse_transform = Z }, { impute = D, inverse_transform = D })
    end
    export.compare(latent.ppca { latent_dim = 0 }:fit(X), Y, { log_likelihood = "number" })
  end)

  it("say what ICA says, by the densities of each contrast", function()
    local sources = matrix.hstack { rng:uniform(N, 2), rng:normal(N, 2) ^ 3 } -- flat and peaked
    for _, contrast in ipairs { "logcosh", "exp", "cube" } do
      local model = latent.ica { contrast = contrast }:fit(sources * rng:normal(D, D))
      assert.is_true(model.flat:sum() > 0 and model.flat:sum() < D)
      export.compare(model, X, { transform = D, reconstruct = D, log_likelihood = "number", inverse_transform = D })
    end
    export.compare(latent.ica { latent_dim = 2 }:fit(X), X, { transform = 2, reconstruct = D })
  end)

  for _, noise in ipairs { "isotropic", "diagonal" } do
    it("say what mixtures of PCA say: " .. noise, function()
      for M = 0, 2 do
        local model = latent.mppca { components = 3, latent_dim = M, noise = noise, regularization = 1e-3 }:fit(X)
        local c = export.compare(model, Y, { log_likelihood = "number", responsibilities = 3, predict = "label",
          impute = D, transform = M > 0 and M or nil, reconstruct = M > 0 and D or nil })
        if M == 2 then
          local of_two = export.run_c(c, matrix.hstack { Z, matrix(40, 1, 2) }, D,
            "void NAME_inverse_transform(const double *, int, double *);",
            "NAME_inverse_transform(in, (int)in[2], out)")
          export.same(model:inverse_transform(Z, 2), of_two)
        end
      end
    end)
  end

  it("scale as a scaler does, also in front of other models", function()
    local scaler = latent.scaler():fit(X)
    export.compare(scaler, X, { transform = D, inverse_transform = D })
    local scaled = scaler:transform(X)
    local model = latent.ppca { latent_dim = 2 }:fit(scaled)
    local c, lua = export.path ".c", export.path ".lua"
    assert(model:export(c, { scaler = scaler }))
    assert(model:export(lua, { scaler = scaler }))
    local results = { log_likelihood = { "number", model:log_likelihood(scaled) },
      transform = { 2, model:transform(scaled) },
      reconstruct = { D, scaler:inverse_transform(model:reconstruct(scaled)) } }
    for method, expected in pairs(results) do
      export.same(expected[2], export.c(c, method, X, expected[1]))
      export.same(expected[2], export.lua(lua, method, X, expected[1]))
    end
  end)

  it("classify as a classifier of any of these does", function()
    local y = {}
    for i = 1, #X do y[i] = X(i, 1) > 0 and 3 or -7 end
    local kinds = {
      function() return latent.gmm { components = 2 } end,
      function(class) return class == 3 and latent.fa() or latent.mppca { regularization = 1e-3 } end,
    }
    for _, make in ipairs(kinds) do
      local model = latent.classifier(make):fit(X, y)
      export.compare(model, Y, { log_likelihood = "number", predict = "label", posteriors = 2, log_posteriors = 2 })
    end
  end)

  it("name classes that are strings in Lua, and number them in C", function()
    local y = {}
    for i = 1, #X do y[i] = X(i, 1) > 0 and "warm" or "a \"cold\" one */" end
    local model = latent.classifier(function() return latent.gmm() end):fit(X, y)
    local c, lua = export.path ".c", export.path ".lua"
    assert(model:export(c))
    assert(model:export(lua))
    local predicted, numbers, module = model:predict(X), export.c(c, "predict", X, "label"), dofile(lua)
    for i = 1, #X do
      assert.equal(predicted[i], module.predict(X[i]:table()))
      assert.equal(predicted[i], model.classes[numbers[i] // 1 | 0])
    end
  end)

  local activations = { "linear", "relu", "leaky_relu", "elu", "tanh", "sigmoid", "softplus", "silu", "gelu" }
  for _, activation in ipairs(activations) do
    it("encode and decode as nets do: " .. activation, function()
      local model = latent.vae { input_dim = D, latent_dim = 2, hidden = { 6, 5 }, activation = activation,
        likelihood = "gaussian", dtype = "float64", seed = 4 }
      export.compare(model, { transform = 3 * X, reconstruct = 3 * X, decode = 4 * Z, inverse_transform = Z },
        { transform = 2, reconstruct = D, decode = D, inverse_transform = D })
    end)
  end

  it("give the means of every likelihood", function()
    for _, likelihood in ipairs { "bernoulli", "continuous_bernoulli", "categorical" } do
      local model = latent.nonlinear { input_dim = D, latent_dim = 2, hidden = { 6 }, likelihood = likelihood,
        levels = likelihood == "categorical" and 3 or nil, dtype = "float64" }
      export.compare(model, matrix.vstack { 30 * Z, Z * 1e-3 }, { decode = D, inverse_transform = D })
    end
  end)

  it("encode with labels, and give variances", function()
    local model = latent.vae { input_dim = D, latent_dim = 2, hidden = 5, likelihood = "gaussian", dtype = "float64",
      classes = 3, lowest = -1 }
    local c, lua = export.path ".c", export.path ".lua"
    assert(model:export(c))
    assert(model:export(lua))
    local labels = matrix(#X, 1, function(i) return i % 3 - 1 end)
    local mean, variance = model:encode(X, { labels = labels:flatten() })
    export.same(matrix.hstack { mean, variance }, export.run_c(c, matrix.hstack { X, labels }, 4,
      "void NAME_encode(const double *, int, double *, double *);", "NAME_encode(in, (int)in[4], out, out + 2)"))
    local m, v = dofile(lua).encode(X[5]:table(), labels(5, 1))
    export.same(mean[5], matrix(m))
    export.same(variance[5], matrix(v))
  end)

  it("generate as a GAN does, by the average of its generator where there is one", function()
    for _, options in ipairs { {}, { ema = 0 }, { standardize = false, activation = "gelu" },
      { loss = "wasserstein" } } do
      options.input_dim, options.latent_dim, options.hidden, options.dtype = D, 2, { 6, 5 }, "float64"
      local model = latent.gan(options)
      export.compare(model, Z, { decode = D })
      for _ = 1, 20 do model:step(X) end
      export.compare(model, Z, { decode = D, inverse_transform = D })
    end
    local model, path = latent.gan { input_dim = D, latent_dim = 2, hidden = 5, classes = 2, lowest = 3,
      dtype = "float64" }, export.path ".lua"
    for i = 1, 9 do
      model:step(X, { labels = matrix(N, 1, function(n) return 3 + (n + i) % 2 end):flatten() })
    end
    assert(model:export(path))
    for label = 3, 4 do
      local expected = model:decode(Z, { labels = matrix(#Z, 1, label):flatten() })
      export.same(expected[7], matrix(dofile(path).decode(Z[7]:table(), label)))
    end
  end)

  local function compare_flow(columns, options)
    local rows = X:block(1, #X, 1, columns):copy()
    options.input_dim, options.dtype, options.learning_rate = columns, "float64", 0.02
    local model = latent.flow(options):fit(rows, { epochs = 4 })
    export.compare(model, matrix.vstack { rows, 3 * rows }, { log_likelihood = "number", transform = columns })
  end

  it("are the densities of flows, whatever they are about and of", function()
    -- an even number of masked maps leaves z in reverse order; RealNVP permutes the columns after every second one
    for _, case in ipairs { { "nsf", 4, 3 }, { "maf", 4, 2 }, { "realnvp", 2, 3 }, { "nsf", 1, 3 }, { "realnvp", 1, 3 },
      { "nsf", 2, 2, "uniform" }, { "realnvp", 4, 6 }, { "realnvp", 3, 4, "uniform" } } do
      compare_flow(case[2], { kind = case[1], layers = case[3], base = case[4], hidden = { 6, 6 } })
    end
    local untrained = latent.flow { input_dim = 2, layers = 1, bound = math.huge, kind = "maf", dtype = "float64" }
    export.compare(untrained, Z, { log_likelihood = "number", transform = 2 })
  end)

  it("are flows of layers of your own", function()
    local hidden, bins = { 6 }, 4
    for _, layers in ipairs { { "planar" }, { "radial" }, { "actnorm", "planar", "linear", "radial", "linear" },
      { { "spline", hidden = hidden, bins = bins, box = 2 }, "permute", { "affine", hidden = hidden }, "reverse",
        { "masked_affine", hidden = hidden, bound = 1e8 }, "permute", { "masked_spline", hidden = hidden } },
      { "reverse", "actnorm" } } do
      compare_flow(4, { layers = layers })
    end
    compare_flow(1, { layers = { "radial", "linear", "affine", "planar", "spline" } })
    -- permutations are of the seed, and come back from a file
    local model, path = latent.flow { input_dim = D, seed = 9, context_dim = 1, dtype = "float64",
      layers = { "actnorm", "permute", { "spline", hidden = 5 } } }, export.path ".safetensors"
    for i = 1, 20 do model:step(X, { context = X:col(1), learning_rate = 1e-3 * i }) end
    assert(model:save(path))
    local lua = export.path ".lua"
    assert(latent.load(path):export(lua))
    export.same(model:transform(X, { context = X:col(1) })[7], matrix(dofile(lua).transform(X[7]:table(), { X(7, 1) })))
  end)

  it("are conditional flows", function()
    local context = rng:normal(#X, 2)
    local model = latent.flow { input_dim = D, context_dim = 2, layers = 2, hidden = 8, dtype = "float64",
      learning_rate = 0.02 }:fit(X, { epochs = 3, context = context })
    local c, lua = export.path ".c", export.path ".lua"
    assert(model:export(c))
    assert(model:export(lua))
    local expected = model:log_likelihood(X, { context = context })
    export.same(expected, export.run_c(c, matrix.hstack { X, context }, 1,
      "double NAME_log_likelihood(const double *, const double *);", "out[0] = NAME_log_likelihood(in, in + 4)"))
    export.same(expected[3], dofile(lua).log_likelihood(X[3]:table(), context[3]:table()))
  end)

  it("filter as the tracker does, with and without inputs, in one half-step or two", function()
    local C = matrix { { 1, 0 }, { 1, 1 }, { 0.3, 2 } }
    for U = 0, 1 do
      local model = latent.lds { A = { { 1, 0.5 }, { 0, 0.9 } }, C = C, Q = { 0.1, 0.2 },
        R = { { 1, 0.2, 0 }, { 0.2, 2, 0.1 }, { 0, 0.1, 0.5 } }, initial_mean = { 1, 2 },
        initial_covariance = { { 3, 1 }, { 1, 2 } }, B = U > 0 and { { 1 }, { 2 } } or nil,
        D = U > 0 and { { 1 }, { 0 }, { -1 } } or nil }
      local rows = export.with_gaps(rng:normal(60, 3))
      local u = rng:normal(60, 1)
      local tracker, expected, c, lua = model:tracker(), {}, export.path ".c", export.path ".lua"
      assert(model:export(c))
      assert(model:export(lua))
      local module = dofile(lua)
      local state, found = module.init(), {}
      for t = 1, #rows do
        local y, input = rows[t], U > 0 and u[t] or nil
        if t % 5 == 0 then tracker:predict(input) end
        tracker:update(y, input)
        local mean, P = tracker.state, tracker.covariance
        expected[t] = { tracker.log_density, mean[1], mean[2], P(1, 1), P(1, 2), P(2, 2), tracker.log_likelihood }
        if t % 5 == 0 then module.predict(state, input and input:table()) end
        local value = module.update(state, y:table(), input and input:table())
        found[t] = { value, state.mean[1], state.mean[2], state.covariance[1], state.covariance[2], state.covariance[4],
          state.log_likelihood }
      end
      export.same(matrix(expected), matrix(found))
      local declaration = [[
        typedef struct { double mean[2], covariance[4], log_likelihood, steps, predicted; } NAME_state;
        void NAME_init(NAME_state *);
        void NAME_predict(NAME_state *MORE);
        double NAME_update(NAME_state *, const double *MORE);
        static NAME_state s;
        static int t;]]
      local call = [[if (t == 0) NAME_init(&s);
    if (++t % 5 == 0) NAME_predict(&s MORE);
    out[0] = NAME_update(&s, in MORE);
    out[1] = s.mean[0], out[2] = s.mean[1], out[3] = s.covariance[0], out[4] = s.covariance[1];
    out[5] = s.covariance[3], out[6] = s.log_likelihood]]
      local input = U > 0 and matrix.hstack { rows, u } or rows
      declaration = declaration:gsub("MORE", U > 0 and ", const double *" or "")
      export.same(matrix(expected), export.run_c(c, input, 7, declaration,
        (call:gsub("MORE", U > 0 and ", in + 3" or ""))))
    end
  end)

  it("filter from diffuse starts, exactly", function()
    local growth = { { 1, 1 }, { 0, 1 } }
    local cases = { { A = 1, C = 1, Q = 1, R = 1 }, { A = growth, C = { { 1, 0 } }, Q = { 1, 1 }, R = 0 },
      { A = growth, C = { { 1, 0 }, { 1, 1 } }, Q = { 1, 1 }, R = { { 1, 0.3 }, { 0.3, 2 } } },
      { A = growth, C = { { 1, 0 }, { 2, 0 } }, Q = { 1, 1 }, R = { { 1, 0.3 }, { 0.3, 2 } } },
      { A = { { 1, 0 }, { 0, 0.5 } }, C = { { 1, 1 } }, Q = { 1, 1 }, R = 1, initial = { "diffuse", "stationary" } },
      { A = { { 1, 1, 0.5 }, { 0, 1, 1 }, { 0, 0, 1 } }, C = { { 1, 0, 0 } }, Q = { 0.1, 0.1, 0.1 }, R = 0.5 } }
    for _, case in ipairs(cases) do
      local model, path = latent.lds(case), export.path ".lua"
      assert(model:export(path))
      local tracker, module = model:tracker(), dofile(path)
      local state, columns = module.init(), #model.R
      for t = 1, 40 do
        local y = rng:normal(columns)
        if t == 2 or t % 7 == 3 then y[1] = 0 / 0 end
        tracker:update(y)
        export.same(tracker.log_density, module.update(state, y:table()))
      end
      export.same(tracker.state, matrix(state.mean))
      export.same(tracker.covariance, matrix(state.covariance))
      export.same(tracker.log_likelihood, state.log_likelihood)
      for _, x in ipairs(state.diffuse) do assert.equal(0, x) end
    end
    -- y1 ~ N(0, k + 1), k without end, and y2 given it is N(y1, 1 + Q + R): the diffuse likelihood leaves -log(k)/2 out
    local path = export.path ".c"
    assert(latent.lds { A = 1, C = 1, Q = 2, R = 1 }:export(path))
    local found = export.run_c(path, matrix { { 5 }, { 7 } }, 1, [[
      typedef struct { double mean[1], covariance[1], diffuse[1], log_likelihood, steps, predicted; } NAME_state;
      void NAME_init(NAME_state *);
      double NAME_update(NAME_state *, const double *);
      static NAME_state s;
      static int t;]], "if (t++ == 0) NAME_init(&s);\n    out[0] = NAME_update(&s, in)")
    local half = math.log(2 * math.pi) / 2
    export.same(matrix { { -half }, { -half - (math.log(4) + 4 / 4) / 2 } }, found)
  end)

  it("keep the tracker's covariance one, however little noise there is", function()
    local start = { initial_mean = { 0, 0 }, initial_covariance = { { 1e3, 0 }, { 0, 1e3 } },
      A = { { 1, 1 }, { 0, 1 } }, Q = { { 1, 0.5 }, { 0.5, 2 } } }
    local rows = rng:normal(60, 2)
    for _, R in ipairs { { { 1e-10, 0 }, { 0, 1e-12 } }, { { 1e-12, 9e-13 }, { 9e-13, 1e-12 } },
      { { 0, 0 }, { 0, 0 } } } do
      start.C, start.R = { { 1, 0 }, { 1, 1 } }, R
      local model, path = latent.lds(start), export.path ".lua"
      assert(model:export(path))
      local tracker, module = model:tracker(), dofile(path)
      local state = module.init()
      for t = 1, #rows do
        tracker:update(rows[t])
        export.same(tracker.log_density, module.update(state, rows[t]:table()))
      end
      local P = tracker.covariance:flatten() -- to 1e-7 of its own size, which is that of R
      for k = 1, 4 do
        assert.is_true(math.abs(P[k] - state.covariance[k]) <= 1e-7 * math.abs(P[k]), ("%g, expected %g"):format(
          state.covariance[k], P[k]))
      end
    end
  end)

  it("takes what two outputs say of the same state", function()
    -- y1 = y2 = y: the mean of both weighted, of noise s, and their difference, of noise d, are independent
    local function log_normal(x, variance) return -0.5 * (math.log(2 * math.pi * variance) + x * x / variance) end
    for _, case in ipairs { { 1e-10, 1e-12, 0 }, { 1e-12, 1e-12, 9e-13 }, { 2, 3, 1 } } do
      local a, b, c = table.unpack(case)
      local path = export.path ".lua"
      assert(latent.lds { A = { { 1, 0 }, { 0, 1 } }, Q = { 1, 1 }, C = { { 1, 0 }, { 1, 0 } },
        R = { { a, c }, { c, b } }, initial_mean = { 0, 0 }, initial_covariance = { { 1e3, 0 }, { 0, 1e3 } } }
        :export(path))
      local module = dofile(path)
      local state, s, d = module.init(), (a * b - c * c) / (a + b - 2 * c), a + b - 2 * c
      export.same(log_normal(0.5, 1e3 + s) + log_normal(0, d), module.update(state, { 0.5, 0.5 }))
      export.same(1, state.covariance[1] / (1e3 * s / (1e3 + s)), 1e-10)
      export.same(0.5 * 1e3 / (1e3 + s), state.mean[1])
    end
  end)

  it("count both of two outputs that see the same sum of states with little noise", function()
    -- their sum and difference by sqrt(2) are independent, of variance 2 c'c + r and r
    local function log_normal(x, variance) return -0.5 * (math.log(2 * math.pi * variance) + x * x / variance) end
    local function exported(ending, r, options)
      local path = export.path(ending)
      assert(latent.lds { A = { { 1, 0 }, { 0, 1 } }, Q = 0, C = { { 1, 0.6 }, { 1, 0.6 } }, R = r,
        initial_mean = { 0, 0 }, initial_covariance = { { 1, 0 }, { 0, 1 } } }:export(path, options))
      local y, z = 0.75, 0.75 + 1.5 * math.sqrt(r)
      return path, { y, z }, log_normal((y + z) / math.sqrt(2), 2 * 1.36 + r) + log_normal((y - z) / math.sqrt(2), r)
    end
    for _, r in ipairs { 1e-10, 1e-13, 2e-14 } do
      local path, row, expected = exported(".lua", r)
      local module = dofile(path)
      export.same(expected, module.update(module.init(), row), 1e-2)
    end
    for _, r in ipairs { 1e-3, 1e-5, 5e-6 } do
      local path, row, expected = exported(".c", r, { precision = "float" })
      local found = export.run_c(path, matrix { row }, 1, [[
        typedef struct { float mean[2], covariance[4], log_likelihood, steps, predicted; } NAME_state;
        void NAME_init(NAME_state *);
        float NAME_update(NAME_state *, const float *);
        static NAME_state s;]], [[
      float row[2] = { (float)in[0], (float)in[1] };
      NAME_init(&s);
      out[0] = (double)NAME_update(&s, row) ]])
      assert.near(expected, found(1, 1), 0.05)
    end
  end)

  it("track in single precision with little noise", function()
    local model = latent.lds { A = { { 1, 1 }, { 0, 1 } }, C = { { 1, 0 } }, Q = { { 1, 0.5 }, { 0.5, 2 } },
      R = { 1e-5 }, initial_mean = { 0, 0 }, initial_covariance = { { 1e4, 0 }, { 0, 1e4 } } }
    local rows, path, tracker, expected = rng:normal(50, 1), export.path ".c", model:tracker(), {}
    assert(model:export(path, { precision = "float" }))
    for t = 1, #rows do
      tracker:update(rows[t])
      expected[t] = { tracker.covariance(1, 1), tracker.covariance(2, 2), tracker.state[2] }
    end
    local found = export.run_c(path, rows, 3, [[
      typedef struct { float mean[2], covariance[4], log_likelihood, steps, predicted; } NAME_state;
      void NAME_init(NAME_state *);
      float NAME_update(NAME_state *, const float *);
      static NAME_state s;
      static int t;]], [[
    float row = (float)in[0];
    if (t++ == 0) NAME_init(&s);
    NAME_update(&s, &row);
    out[0] = (double)s.covariance[0], out[1] = (double)s.covariance[3], out[2] = (double)s.mean[1] ]])
    for t = 1, #rows do
      for j = 1, 2 do -- variances are positive, and right to a few digits of a float's seven
        assert.is_true(math.abs(found(t, j) / expected[t][j] - 1) < 1e-3, ("step %d: %g, expected %g"):format(t,
          found(t, j), expected[t][j]))
      end
    end
    export.same(matrix(expected):col(3), found:col(3), 1e-3)
  end)

  it("are single precision where that is asked for", function()
    local model = latent.gmm { components = 2 }:fit(X)
    local c = export.path ".c"
    assert(model:export(c, { precision = "float" }))
    local found = export.run_c(c, X, 1, "float NAME_log_likelihood(const float *);", [[
      float row[4];
      for (int i = 0; i < 4; i++) row[i] = (float)in[i];
      out[0] = (double)NAME_log_likelihood(row)]])
    export.same(model:log_likelihood(X), found, 1e-5)
    assert.is_true(((found:flatten() - model:log_likelihood(X)):abs():max()) > 1e-12) -- they are floats indeed
  end)
end)
