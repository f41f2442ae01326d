-- model:export to ONNX: the files are sound by onnx's checker, and onnxruntime computes what the library says of the
-- same rows. Both are Python packages of `make export-deps`; without them these specs are pending.
local latent = require "latent"
local helper = require "helper"
local export = require "export_helper"
local matrix = latent.matrix

local python = helper.python "onnx, onnxruntime"
local test = python and it or pending

local D, N = 4, tonumber(os.getenv "EXPORT_ROWS" or 120) -- 10000 is the long form
local rng = latent.random(5)
local X = rng:normal(N, D) * rng:normal(D, D) + rng:normal(N, 1) * matrix(1, D, 3)
local Z = rng:normal(30, 2)

-- Argument: a folder, with lines "graph input outputs" in its file list; writes each output as numbers beside it.
local RUN = [[
import sys, numpy, onnx, onnxruntime
folder = sys.argv[1]
for line in open(folder + "/list"):
    graph, rows, result, columns, kind = line.split()
    onnx.checker.check_model(onnx.load(graph), full_check=True)
    session = onnxruntime.InferenceSession(graph)
    x = numpy.fromfile(rows).reshape(-1, int(columns)).astype(kind)
    given = {session.get_inputs()[0].name: x}
    if len(session.get_inputs()) > 1:  # labels are the last column
        given = {session.get_inputs()[0].name: x[:, :-1], "label": x[:, -1].astype("int64")}
    for output, value in zip(session.get_outputs(), session.run(None, given)):
        value.astype("float64").tofile(result + output.name)
]]

local queue = {}

-- Exports with options, for rows whose results by name are expected; they are run together (finish).
local function compare(model, rows, expected, options, tolerance)
  local path = export.path ".onnx"
  assert(model:export(path, options))
  local file = assert(io.open(path .. ".rows", "wb"))
  for _, x in ipairs(rows:flatten():table()) do file:write(("d"):pack(x)) end
  file:close()
  local kind = options and options.precision == "float" and "float32" or "float64"
  queue[#queue + 1] = { path = path, expected = expected, tolerance = tolerance,
    line = table.concat({ path, path .. ".rows", path .. ".", rows.cols, kind }, " ") .. "\n" }
end

-- Runs all graphs, and compares.
local function finish()
  local lines, list = {}, queue
  queue = {}
  for i, one in ipairs(list) do lines[i] = one.line end
  local folder = list[1].path:match "(.*)/"
  local file = assert(io.open(folder .. "/list", "w"))
  file:write(table.concat(lines))
  file:close()
  local output, ok = helper.run(python .. " " .. helper.file(RUN, ".py") .. " " .. folder)
  assert.is_true(ok, output)
  for _, one in ipairs(list) do
    for name, value in pairs(one.expected) do
      local bytes, numbers = helper.contents(one.path .. "." .. name), {}
      for place = 1, #bytes, 8 do numbers[#numbers + 1] = (("d"):unpack(bytes, place)) end
      export.same(value, matrix(numbers), one.tolerance)
    end
  end
end

-- What the library says by these methods; rows may have missing entries.
local function says(model, rows, ...)
  local values, gaps = {}, rows:isnan():sum() > 0
  for _, name in ipairs { ... } do
    values[name] = model[name](model, rows, gaps and name ~= "impute" and { missing = true } or nil)
  end
  return values
end

local MIXTURE = { "log_likelihood", "responsibilities", "predict" }
local GAPS = { "log_likelihood", "responsibilities", "predict", "impute" }

describe("models as graphs of ONNX", function()
  teardown(export.clean)

  test("are Gaussian mixtures", function()
    for _, covariance in ipairs { "full", "diag", "tied", "spherical", "tied_diag", "tied_spherical" } do
      local model = latent.gmm { components = 3, covariance = covariance }:fit(X)
      compare(model, X, says(model, X, table.unpack(MIXTURE)))
    end
    finish()
  end)

  test("are K-means and projections", function()
    local kmeans = latent.kmeans { clusters = 3 }:fit(X)
    compare(kmeans, X, says(kmeans, X, "predict", "transform"))
    for _, model in ipairs { latent.pca { latent_dim = 2, whiten = true, standardize = true },
      latent.ppca { latent_dim = 2 }, latent.fa { latent_dim = 2, rotation = "promax" },
      latent.ica { latent_dim = 2 } } do
      model:fit(X)
      compare(model, X, says(model, X, "transform", "reconstruct"))
      compare(model, Z, says(model, Z, "inverse_transform"), { methods = { "inverse_transform" } })
    end
    for _, model in ipairs { latent.bpca(), latent.ppca { latent_dim = 0 }, latent.ica(),
      latent.ica { contrast = "exp" }, latent.ica { contrast = "cube" } } do
      model:fit(X)
      compare(model, X, says(model, X, "log_likelihood"))
    end
    local scaler = latent.scaler():fit(X)
    compare(scaler, X, says(scaler, X, "transform"))
    finish()
  end)

  test("are mixtures of factor models", function()
    for _, noise in ipairs { "isotropic", "diagonal" } do
      for M = 0, 2, 2 do
        local model = latent.mppca { components = 3, latent_dim = M, noise = noise, regularization = 1e-3 }:fit(X)
        compare(model, X, says(model, X, table.unpack(MIXTURE)))
      end
    end
    finish()
  end)

  test("are mixtures of discrete columns", function()
    local codes = (rng:uniform(N, 4) * 3):map(function(x) return x // 1 end)
    local one_hot = matrix(N, 6, function(i, j) return codes(i, (j - 1) // 3 + 1) == (j - 1) % 3 and 1 or 0 end)
    for _, case in ipairs { { rng:uniform(N, 5):gt(0.4), "bernoulli" }, { codes, "categorical" },
      { (rng:uniform(N, 4) * 40):map(function(x) return x // 1 end), "poisson" },
      { one_hot, "categorical", { 3, 3 } } } do
      local model = latent.mixture { components = 2, family = case[2], groups = case[3] }:fit(case[1])
      compare(model, case[1], says(model, case[1], table.unpack(MIXTURE)))
    end
    local never = latent.mixture { components = 1 }:fit { { 1, 0 }, { 1, 1 } }
    compare(never, matrix { { 0, 0 } }, { log_likelihood = matrix { -math.huge } })
    finish()
  end)

  test("are classifiers, also with a scaler in front", function()
    local scaler, y = latent.scaler():fit(X), {}
    for i = 1, #X do y[i] = X(i, 1) > 0 and 3 or 8 end
    local rows = scaler:transform(X)
    local model = latent.classifier(function(class)
      return class == 3 and latent.gmm { components = 2 } or latent.fa()
    end):fit(rows, y)
    compare(model, X, says(model, rows, "log_likelihood", "posteriors", "log_posteriors", "predict"),
      { scaler = scaler })
    local pca = latent.pca { latent_dim = 2 }:fit(rows)
    compare(pca, X, { reconstruct = scaler:inverse_transform(pca:reconstruct(rows)) }, { scaler = scaler })
    finish()
  end)

  test("are nets of every activation and likelihood", function()
    local activations = { "linear", "relu", "leaky_relu", "elu", "tanh", "sigmoid", "softplus", "silu", "gelu" }
    for _, activation in ipairs(activations) do
      local float = activation == "gelu" -- Erf is for floats
      local model = latent.vae { input_dim = D, latent_dim = 2, hidden = { 6, 5 }, activation = activation,
        likelihood = "gaussian", dtype = "float64", seed = 4 }
      local _, variance = model:encode(X)
      local values = says(model, X, "transform", "reconstruct")
      values.variance = variance
      compare(model, X, values, float and { precision = "float" } or nil, float and 1e-5 or nil)
    end
    for _, likelihood in ipairs { "bernoulli", "continuous_bernoulli", "categorical" } do
      local model = latent.nonlinear { input_dim = D, latent_dim = 2, hidden = { 6 }, likelihood = likelihood,
        levels = likelihood == "categorical" and 3 or nil, dtype = "float64" }
      compare(model, 9 * Z, says(model, 9 * Z, "decode"))
    end
    finish()
  end)

  test("are conditional nets, whose labels are another input", function()
    local function classes_of(A) return matrix(#A, 1, function(i) return i % 3 - 1 end) end
    local function keyed(A) return { labels = classes_of(A):flatten() } end
    local model = latent.vae { input_dim = D, latent_dim = 2, hidden = { 6, 5 }, likelihood = "gaussian",
      dtype = "float64", classes = 3, lowest = -1 }
    compare(model, matrix.hstack { X, classes_of(X) }, { transform = model:transform(X, keyed(X)),
      reconstruct = model:reconstruct(X, keyed(X)) })
    local z = matrix.hstack { Z, classes_of(Z) }
    compare(model, z, { decode = model:decode(Z, keyed(Z)) }, { methods = { "decode" } })
    local gan = latent.gan { input_dim = D, latent_dim = 2, hidden = 5, classes = 3, lowest = -1, dtype = "float64" }
    compare(gan, z, { decode = gan:decode(Z, keyed(Z)) })
    finish()
  end)

  test("are generators of GANs", function()
    local model = latent.gan { input_dim = D, latent_dim = 2, hidden = { 6, 5 }, dtype = "float64" }
    for _ = 1, 20 do model:step(X) end
    compare(model, Z, says(model, Z, "decode", "inverse_transform"))
    finish()
  end)

  test("take missing entries where the model knows them", function()
    local Y = export.with_gaps(X)
    for _, covariance in ipairs { "full", "diag", "tied", "spherical", "tied_diag", "tied_spherical" } do
      local model = latent.gmm { components = 3, covariance = covariance }:fit(X)
      compare(model, Y, says(model, Y, table.unpack(GAPS)))
      compare(model, X, says(model, X, table.unpack(GAPS))) -- the same graph where no entry is missing
    end
    for _, noise in ipairs { "isotropic", "diagonal" } do
      for M = 0, 2 do
        local model = latent.mppca { components = 3, latent_dim = M, noise = noise, regularization = 1e-3 }:fit(X)
        compare(model, Y, says(model, Y, table.unpack(GAPS)))
      end
    end
    for _, model in ipairs { latent.ppca { latent_dim = 2 }, latent.bpca { latent_dim = 2 },
      latent.fa { latent_dim = 2, rotation = "promax" } } do
      model:fit(X)
      compare(model, Y, says(model, Y, "log_likelihood", "transform", "reconstruct", "impute"))
      compare(model, X, says(model, X, "log_likelihood", "transform", "reconstruct", "impute"))
    end
    local isotropic = latent.ppca { latent_dim = 0 }:fit(X)
    compare(isotropic, Y, says(isotropic, Y, "log_likelihood"))
    local codes = (rng:uniform(N, 4) * 3):map(function(x) return x // 1 + 1 end)
    local one_hot = matrix(N, 6, function(i, j) return codes(i, (j - 1) // 3 + 1) - 1 == (j - 1) % 3 and 1 or 0 end)
    for _, case in ipairs { { rng:uniform(N, 5):gt(0.4), "bernoulli" }, { codes, "categorical" },
      { (rng:uniform(N, 4) * 40):map(function(x) return x // 1 end), "poisson" },
      { one_hot, "categorical", { 3, 3 } } } do
      local rows = export.with_gaps(case[1])
      if case[3] then -- a column of codes is there or not
        rows = one_hot:copy()
        for i = 1, N // 2 do
          for j = 1, 3 do rows:set(i, i % 2 * 3 + j, 0 / 0) end
        end
      end
      local model = latent.mixture { components = 2, family = case[2], groups = case[3] }:fit(case[1])
      compare(model, rows, says(model, rows, table.unpack(GAPS)))
    end
    local scaler, y = latent.scaler():fit(X), {}
    for i = 1, #X do y[i] = X(i, 1) > 0 and 3 or 8 end
    local standard, gaps = scaler:transform(X), (Y - scaler.mean) / scaler.deviation
    local model = latent.classifier(function(class)
      return class == 3 and latent.gmm { components = 2 } or latent.fa()
    end):fit(standard, y)
    compare(model, Y, says(model, gaps, "log_likelihood", "posteriors", "predict"), { scaler = scaler })
    local tied = latent.gmm { components = 2, covariance = "tied" }:fit(standard)
    compare(tied, Y, { impute = tied:impute(gaps) % (matrix.ones(#X, 1) * matrix.vstack { scaler.deviation })
      + scaler.mean }, { scaler = scaler })
    finish()
  end)

  test("leave missing entries out where that is asked for", function()
    local model, all, few = latent.gmm { components = 2 }:fit(X), export.path ".onnx", export.path ".onnx"
    assert(model:export(all))
    assert(model:export(few, { missing = false }))
    assert.is_true(#helper.contents(few) < #helper.contents(all) / 2)
    compare(model, X, says(model, X, table.unpack(MIXTURE)), { missing = false })
    finish()
  end)

  test("are of floats where that is asked for", function()
    local model = latent.gmm { components = 2 }:fit(X)
    compare(model, X, says(model, X, "log_likelihood"), { precision = "float" }, 1e-4)
    finish()
  end)

  it("say what they can't be", function()
    local function why(part, model, options)
      local ok, message = model:export(export.path ".onnx", options)
      assert.is_nil(ok)
      assert.is_truthy(message:find(part, 1, true), message)
    end
    why("flow:export: a flow can't be a graph of ONNX", latent.flow { input_dim = 2, hidden = { 4 } })
    why("lds:export: a filter keeps a state", latent.lds { A = 0.5, C = 1, Q = 1, R = 1 })
    why("Erf, which ONNX runtimes have for floats only",
      latent.vae { input_dim = 2, latent_dim = 1, hidden = 3, activation = "gelu" })
    local pca = latent.pca { latent_dim = 1 }:fit(X)
    helper.fails("methods: transform takes a row and inverse_transform a z, but a graph has one input", pca.export, pca,
      "a.onnx", { methods = { "inverse_transform", "transform" } })
    helper.fails("methods has 'impute'; of this model in ONNX there are transform", pca.export, pca, "a.onnx",
      { methods = { "impute" } })
    local two = latent.scaler():fit { { 1, 2 }, { 3, 5 } }
    helper.fails("the scaler has 2 columns, the model 4", pca.export, pca, "a.onnx", { scaler = two })
  end)
end)
