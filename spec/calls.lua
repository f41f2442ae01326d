-- Everything that is documented and can be called, with arguments that are right: for specs that walk over all of it.
local latent = require "latent"
local docs = require "latent.docs.init"
local matrix, nn = latent.matrix, latent.nn

local X = matrix { { 1, 2, 0 }, { 3, 5, 1 }, { 4, 4, 2 }, { 2, 6, 1 }, { 0, 1, 3 }, { 1, 4, 0 }, { 5, 2, 2 },
  { 2, 3, 1 } }
local S = matrix { { 4, 1, 0 }, { 1, 3, 1 }, { 0, 1, 2 } }

local folder = os.tmpname()
local function path() return folder .. ".safetensors" end

local function store()
  local s = nn.parameters { dtype = "float64" }
  nn.linear(s, "f", 3, 2)
  return s
end

local function tape() return nn.tape(store()) end
local function value() return tape():input(X) end

local function classifier()
  return latent.classifier(function() return latent.ppca { latent_dim = 1 } end):fit(matrix.vstack { X, X + 1 },
    matrix.vstack { matrix.ones(8, 1), matrix.ones(8, 1) + 1 }:flatten())
end

-- An object of each class.
local objects = {
  Matrix = function() return S:copy() end,
  Random = function() return latent.random(1) end,
  Comm = function() return latent.fork(1, function(comm) return comm end) end,
  PCA = function() return latent.pca { latent_dim = 2 }:fit(X) end,
  Scaler = function() return latent.scaler():fit(X) end,
  PPCA = function() return latent.ppca { latent_dim = 2 }:fit(X) end,
  BPCA = function() return latent.bpca { latent_dim = 2 }:fit(X) end,
  FA = function() return latent.fa { latent_dim = 1 }:fit(X) end,
  ICA = function() return latent.ica():fit(X) end,
  KMeans = function() return latent.kmeans { clusters = 2 }:fit(X) end,
  GMM = function() return latent.gmm { regularization = 1e-3 }:fit(X) end,
  MPPCA = function() return latent.mppca { latent_dim = 1, regularization = 1e-3 }:fit(X) end,
  Mixture = function() return latent.mixture { family = "categorical", levels = 7 }:fit(X) end,
  LDS = function()
    return latent.lds { A = 0.5, B = 1, C = { { 1 }, { 1 }, { 1 } }, D = { { 1 }, { 0 }, { 0 } }, Q = 1, R = 1,
      initial_covariance = 1, max_iterations = 3 }
  end,
  EM = function()
    return latent.em { parameters = { m = 1 }, max_iterations = 2,
      e_step = function(p, x) return { s = x:sum(), n = #x }, -(p.m - 1) ^ 2 end,
      m_step = function(s) return { m = s.s / s.n } end }:fit(X)
  end,
  Tracker = function() return latent.lds { A = 0.5, B = 1, C = 1, D = 0, Q = 1, R = 1 }:tracker() end,
  Classifier = classifier,
  Nonlinear = function()
    return latent.nonlinear { input_dim = 3, latent_dim = 2, hidden = 4, samples = 5, seed = 1 }
  end,
  VAE = function()
    return latent.vae { input_dim = 3, latent_dim = 2, hidden = 4, likelihood = "gaussian", seed = 1, classes = 2 }
  end,
  Flow = function()
    return latent.flow { input_dim = 3, context_dim = 1, kind = "maf", layers = 2, hidden = 4, seed = 1 }
  end,
  Diffusion = function()
    return latent.diffusion { input_dim = 3, classes = 2, timesteps = 5, hidden = 4, seed = 1 }
  end,
  FlowMatching = function()
    return latent.flow_matching { input_dim = 3, classes = 2, hidden = 4, seed = 1 }
  end,
  GAN = function() return latent.gan { input_dim = 3, latent_dim = 2, hidden = 4, seed = 1, classes = 2 } end,
  Store = function()
    local s = store():average(0.9)
    local t = nn.tape(s)
    t:parameter(s, "f.weight"):sum():backward()
    return s
  end,
  Net = function() return nn.linear(nn.parameters { dtype = "float64" }, "f", 3, 2) end,
  Optimizer = function()
    local s = store()
    local t = nn.tape(s)
    t:parameter(s, "f.weight"):sum():backward()
    return nn.sgd(s)
  end,
  Tape = tape,
  Value = function()
    local s = store()
    return nn.tape(s):parameter(s, "f.weight"):sum()
  end,
  Figure = function() return latent.plot.figure():line({ 1, 2 }, { 1, 2 }) end,
  Bar = function()
    local silent = { write = function() end, flush = function() end }
    return latent.progress.bar(3, { output = silent })
  end,
}

-- Arguments by their name; a function makes one.
local arguments = {
  A = function() return S:copy() end, B = function() return S:copy() end, S = function() return S:copy() end,
  X = function() return X:copy() end, Y = function() return X:copy() end, Z = function() return X:block(1, 8, 1, 2) end,
  a = 1, b = 2, n = 8, k = 2, m = 1, d = 3, h = 2, i = 1, j = 1, p = 0.5, q = nil, T = 4, N = 8,
  r1 = 1, r2 = 2, c1 = 1, c2 = 2, x = 1, y = { 1, 2, 2, 1, 1, 1, 2, 2 }, rows = 3, cols = 3, dim = 1, step = 1,
  f = function() return function(x) return x end end, kind = "fro", list = { 1, 2 }, value = 1, dtype = "float64",
  low = 1, high = 2, shape = 1, weights = { 1, 2 }, seed = 1, columns = { 1 }, column = 1, labels = function()
    return matrix { 1, 1, 1, 1, 1, 1, 1, 1 }
  end,
  mask = function() return S:gt(1) end, random = function() return latent.random(1) end, tolerance = 1e-9,
  rng = function() return latent.random(1) end, file = function() return io.stdout end, v = { 1, 2, 3 },
  state = nil, path = path, folder = function() return folder end, size = 4, mean = { 1, 2 }, text = "a",
  covariance = { { 1, 0 }, { 0, 1 } }, total = 3, done = 1, lines = 10, store = store, name = "f.weight",
  inputs = 3, outputs = 2, sizes = { 3, 2 }, parts = function()
    return { nn.linear(nn.parameters(), "f", 3, 2) }
  end,
  factor = 1, steps = 5, schedule = function() return nn.constant(1) end, norm = 1, decay = 0.5, other = nil,
  number = 1, on = false, make = function() return function() return latent.ppca { latent_dim = 1 } end end,
  build = function()
    return function(p) return latent.blocks.local_level { level_variance = p.a, noise_variance = 1 } end
  end,
  start = { a = 1 }, snapshot = nil, u = 0, functions = nil, logits = function() return matrix.ones(2, 3) end,
  truth = { 1, 2, 2, 1 }, predicted = { 1, 2, 1, 1 }, scores = { 0.1, 0.9, 0.4, 0.2 },
  unmixing = function() return S:inverse() end, mixing = function() return S:copy() end,
  times = 2, seconds = 1, first = 1, last = 1, most = 2, least = 1,
  log_variance = function() return matrix.ones(2, 3) end,
  log_variance2 = function() return matrix.ones(2, 3) end, mean2 = function() return matrix.ones(2, 3) end,
}

local tape_matrices = { mean = true, x = true }
local function ones() return matrix.ones(2, 3) end

-- Where a name means something else.
local special = {
  ["matrix"] = { rows = 2, cols = 2, value = 0 },
  ["matrix.is"] = { x = 1 },
  ["matrix.vstack"] = { list = { { 1, 2 } } }, ["matrix.hstack"] = { list = { { 1, 2 } } },
  ["Matrix:set"] = { value = 1 }, ["Matrix:reshape"] = { rows = 9, cols = 1 },
  ["Matrix:column"] = "vector", ["Matrix:outer"] = "vector", ["Matrix:clamp"] = { low = 0, high = 1 },
  ["Random:gamma"] = { n = 2, m = 2 }, ["Random:integer"] = { n = 2, m = 2 },
  ["Random:uniform"] = { n = 2, m = 2 }, ["Random:normal"] = { n = 2, m = 2 },
  ["Random:beta"] = { n = 2, m = 2 }, ["Random:poisson"] = { mean = 3, n = 2, m = 2 },
  ["Random:exponential"] = { n = 2, m = 2 },
  ["latent.fork"] = { n = 1 }, ["Comm:sum"] = { A = 1 }, ["Comm:share"] = { N = 8, D = 3 },
  ["Random:__eq"] = { other = function() return latent.random(2) end },
  ["FA:fit_covariance"] = { N = 20 },
  ["Scaler:inverse_transform"] = { Z = function() return X:copy() end },
  ["FA:inverse_transform"] = { Z = function() return matrix.ones(2, 1) end },
  ["MPPCA:inverse_transform"] = { Z = function() return matrix.ones(2, 1) end, labels = 1 },
  ["MPPCA:covariance"] = { k = 1 }, ["GMM:covariance"] = { k = 1 },
  ["GMM:align"] = { other = objects.GMM }, ["MPPCA:align"] = { other = objects.MPPCA },
  ["Mixture:align"] = { other = objects.Mixture },
  ["GMM:conditional"] = { X = { { 1 }, { 2 } } },
  ["ICA:inverse_transform"] = { S = function() return X:copy() end },
  ["Store:assign"] = { other = store }, ["Store:set"] = { value = 1 }, ["Store:add"] = { name = "new" },
  ["Tracker:update"] = { y = 1 }, ["Tracker:distance_to"] = { y = 1 },
  ["Tracker:restore"] = { snapshot = function() return objects.Tracker():snapshot() end },
  ["Classifier:fit"] = {}, ["Classifier:score"] = {}, ["Classifier:confusion"] = {},
  ["blocks.fit"] = { Y = function() return X:col(1) end },
  ["blocks.sum"] = "blocks", ["blocks.stack"] = "blocks",
  ["nn.linear"] = { name = "g", store = function() return nn.parameters() end },
  ["nn.mlp"] = { name = "g", store = function() return nn.parameters() end },
  ["Net:__call"] = { x = value }, ["Net:frozen"] = { x = value },
  ["Net:input_gradient"] = { x = false, v = false },
  ["Tape:categorical_nll"] = { labels = { 1, 2 } },
  ["Tape:gaussian_mixture_nll"] = { logits = { { 1, 1 } }, means = { { 1 }, { 2 } }, log_variances = { { 0 }, { 0 } },
    x = { { 1 }, { 2 } } },
  ["Tape:flow_state"] = { x = ones }, ["Tape:flow_nll"] = { state = ones },
  ["Tape:flow_affine"] = { state = ones, raw = { { 1, 1, 1, 1 } } },
  ["Tape:flow_spline"] = { state = ones, raw = function() return matrix.ones(1, 46) end },
  ["Tape:flow_linear"] = { state = ones, raw = { { 1, 1 }, { 1, 1 } } },
  ["Tape:flow_planar"] = { state = ones, raw = { { 1, 1, 1, 1, 1 } } },
  ["Tape:flow_radial"] = { state = ones, raw = { { 1, 1, 1, 1 } } },
  ["Flow:inverse_transform"] = { Z = function() return X:copy() end },
  ["FlowMatching:inverse_transform"] = { Z = function() return X:copy() end },
  ["Value:product"] = { other = function() return matrix { { 1 } } end },
  ["Value:concat"] = { other = function() return matrix { { 1 } } end },
  ["Value:activate"] = { name = "relu" }, ["Value:slope"] = { name = "relu" },
  ["Value:spectral"] = { u = function() return matrix { { 1 } } end }, ["Value:gather"] = { rows = { 1 } },
  ["Value:split"] = { size = 1 }, ["Value:log_mean_exp"] = { size = 1 },
  ["latent.write"] = { path = function() return folder .. ".csv" end },
  ["latent.read"] = { path = function()
    latent.write(folder .. ".csv", X)
    return folder .. ".csv"
  end },
  ["latent.open"] = { path = function()
    latent.write(folder .. ".npy", X)
    return folder .. ".npy"
  end },
  ["latent.load_string"] = { bytes = function() return objects.PCA():save_string() end },
  ["latent.load"] = { path = function()
    objects.PCA():save(path())
    return path()
  end },
  ["Store:load"] = { path = function()
    objects.Store():save(path())
    return path()
  end },
  ["metrics.silhouette"] = { labels = { 1, 2, 2, 1, 1, 1, 2, 2 } },
  ["latent.folds"] = { n = 8, k = 2 },
  ["Figure:points"] = { x = { 1, 2 }, y = { 1, 2 } }, ["Figure:line"] = { x = { 1, 2 }, y = { 1, 2 } },
  ["Figure:band"] = { x = { 1, 2 }, low = { 1, 2 }, high = { 2, 3 } },
  ["Figure:step"] = { x = { 1, 2 }, y = { 1, 2 } }, ["Figure:hline"] = { y = 1 },
  ["Figure:ribbon"] = { x = { 1, 2 }, y = { 1, 2 }, low = { 1, 2 }, high = { 2, 3 } },
  ["Figure:errorbars"] = { x = { 1, 2 }, y = { 1, 2 }, errors = { 1, 1 } },
  ["Figure:bars"] = { x = { 1, 2 }, y = { 1, 2 } }, ["Figure:histogram"] = { x = { 1, 2 } },
  ["Figure:vectors"] = { x = { 1, 2 }, y = { 1, 2 }, dx = { 1, 2 }, dy = { 1, 2 } },
  ["Figure:ellipses"] = { means = { { 1, 2 } }, covariances = { { { 1, 0 }, { 0, 1 } } } },
  ["Figure:contours"] = { f = function() return matrix { { 1, 2 }, { 3, 4 } } end },
  ["Figure:images"] = { X = function() return matrix.ones(2, 4) end },
  ["Figure:panels"] = { figures = function() return { latent.plot.figure() } end },
  ["Figure:label"] = { x = 1, y = 1 }, ["Figure:save"] = { path = function() return folder .. ".svg" end },
  ["Figure:text"] = { columns = 40 },
  ["plot.images"] = { X = function() return matrix.ones(2, 4) end },
  ["help.resolve"] = { name = "matrix" }, ["latent.help"] = { x = "matrix" }, ["help.text"] = { x = "matrix" },
  ["eigen.largest"] = { k = 1 }, ["Matrix:rank"] = {},
  ["latent.threads"] = { n = function() return latent.threads() end },
  ["datasets.low_rank"] = { n = 8, d = 3, m = 1 },
  ["blocks.regression"] = {},
}

for name in pairs(objects) do
  special[name .. ":export"] = { path = function() return folder .. ".lua" end }
end

-- Options that must be there.
local required = {
  ["latent.kmeans"] = { clusters = 2 },
  ["latent.em"] = { parameters = { m = 1 }, e_step = print, m_step = print },
  ["latent.nonlinear"] = { input_dim = 3, latent_dim = 2 }, ["latent.vae"] = { input_dim = 3, latent_dim = 2 },
  ["latent.flow"] = { input_dim = 3 }, ["latent.gan"] = { input_dim = 3 },
  ["latent.diffusion"] = { input_dim = 3 }, ["latent.flow_matching"] = { input_dim = 3 },
  ["metrics.modes"] = { radius = 1 },
  ["blocks.seasonal"] = { period = 4 }, ["blocks.cycle"] = { period = 4 },
  ["VAE:traverse"] = { labels = 1 }, ["VAE:manifold"] = { labels = 1 }, ["latent.nn"] = {},
}
for _, method in ipairs { "step", "loss", "encode", "transform", "decode", "inverse_transform", "reconstruct", "sample",
  "elbo", "log_likelihood", "score", "kl_per_unit", "active_units", "fit", "fit_for", "steps" } do
  required["VAE:" .. method] = { labels = { 0, 1, 0, 1, 0, 1, 0, 1 } }
end
for _, method in ipairs { "step", "loss", "transform", "log_det", "inverse_transform", "sample", "log_likelihood",
  "score", "aic", "bic" } do
  required["Flow:" .. method] = { context = { 1 } }
end
for _, method in ipairs { "step", "loss", "critic", "decode", "inverse_transform", "sample", "fit", "fit_for",
  "steps" } do
  required["GAN:" .. method] = { labels = { 0, 1, 0, 1, 0, 1, 0, 1 } }
end
for _, method in ipairs { "step", "loss", "fit", "fit_for", "steps" } do
  required["Diffusion:" .. method] = { labels = { 0, 1, 0, 1, 0, 1, 0, 1 } }
end
for _, method in ipairs { "step", "loss", "fit", "fit_for", "steps" } do
  required["FlowMatching:" .. method] = { labels = { 0, 1, 0, 1, 0, 1, 0, 1 } }
end
for _, method in ipairs { "fit", "fit_for", "steps" } do
  required["Flow:" .. method] = { context = { 1, 2, 3, 4, 5, 6, 7, 8 } }
end
for _, method in ipairs { "filter", "smooth", "transform", "log_likelihood", "score", "aic", "bic", "innovations",
  "impute", "simulate", "fit", "fit_for", "steps", "forecast" } do
  required["LDS:" .. method] = { inputs = { 1, 1, 1, 1, 1, 1, 1, 1 } }
end
required["LDS:plot"] = { steps = 2, given = { inputs = { 1, 1, 1, 1, 1, 1, 1, 1 }, future_inputs = { 1, 2 } } }
required["VAE:plot"] = { given = { labels = { 0, 1, 0, 1, 0, 1, 0, 1 } }, sample = { labels = 1 } }
for _, class in ipairs { "GAN", "Diffusion", "FlowMatching" } do
  required[class .. ":plot"] = { sample = { labels = 1 } }
end
required["FlowMatching:plot"].given = { labels = { 0, 1, 0, 1, 0, 1, 0, 1 } }
required["Flow:plot"] = { given = { context = { 1 } }, sample = { context = { 1 } } }
required["LDS:forecast"].future_inputs, required["LDS:sample"] = { 1, 2 }, { inputs = { 1, 2, 3, 4 } }
required["Tracker:forecast"] = { inputs = { 1, 2 } }

-- The options that must be there, and these.
local function with_required(name, options)
  if type(options) ~= "table" and not (options == nil and required[name]) then return options end
  local all = {}
  for key, v in pairs(required[name] or {}) do all[key] = v end
  for key, v in pairs(options or {}) do all[key] = v end
  return all
end

local function make(v)
  if type(v) == "function" then return v() end
  return v
end

local function canonical(name) return (name:gsub("^latent%.", "")) end

-- The arguments of an entry (without the options), a fresh set.
local function arguments_of(entry, object)
  local given = special[entry.name]
  local list, count = {}, 0
  if entry.name == "Matrix:outer" then return { { 1, 2 } }, 1 end
  if given == "blocks" then return { latent.blocks.local_level(), latent.blocks.local_level() }, 2 end
  for _, arg in ipairs(entry.args or {}) do
    local name = arg[1]
    if not name:find "^options" then
      count = count + 1
      local v
      if type(given) == "table" then v = given[name] end
      if v == nil then
        if entry.name:find "^Tape:" and tape_matrices[name] then v = ones else v = arguments[name] end
      end
      list[count] = make(v)
    end
  end
  if entry.name == "Value:gradient" then
    local t = tape()
    object = t:input(X, { gradient = true })
    object:sum():backward()
  elseif entry.name == "Tape:parameter" then
    local s = store()
    list = { s, "f.weight" }
  elseif entry.name == "Net:input_gradient" then
    object = nn.linear(nn.parameters(), "f", 3, 1)
    list, count = { nn.tape():input(X, { gradient = true }) }, 2
  end
  return list, count, object
end

local function object_of(class, entry)
  if special[entry.name] == "vector" then return matrix { 1, 2 } end
  if entry.name == "Figure:images" or entry.name == "Figure:panels" then return latent.plot.figure() end
  if entry.name == "Store:add" then return nn.parameters() end
  if entry.name == "FA:test" then -- which three columns leave nothing for
    return latent.fa { latent_dim = 1 }:fit(matrix.hstack { X, X:square(), X:exp() }:block(1, 8, 1, 5))
  end
  return objects[class]()
end

-- Visits every entry that can be called: visit{ name=, entry=, options= (documented names), call= }, where
-- call(options, change) calls it with good arguments, options at their place; change(list) may spoil arguments.
local function each(visit)
  for _, module in ipairs(docs) do
    for _, entry in ipairs(module) do
      local class, method = entry.name:match "^(%u%w*):([%w_]+)$"
      local f = not class and latent.help.resolve(canonical(entry.name))
      local final = entry.name == "latent.sandbox" -- nothing undoes it
      if (entry.args or method) and not final and not entry.topic and not (method or ""):find "^__" then
        local names = {}
        for _, option in ipairs(entry.options or {}) do
          for name in option[1]:gmatch "[%w_]+" do names[name] = true end
        end
        local object, list, count -- made anew after a call that succeeded: it may have changed them
        visit { name = entry.name, entry = entry, options = names, class = class, method = method,
          call = function(options, change)
            if not list or change then
              object = class and object_of(class, entry)
              local other
              list, count, other = arguments_of(entry, object)
              object = other or object
            end
            local given = table.pack(table.unpack(list, 1, count))
            given[count + 1] = with_required(entry.name, options)
            if change then change(given) end
            local results
            if class then
              results = table.pack(object[method](object, table.unpack(given, 1, count + 1)))
            else
              results = table.pack(f(table.unpack(given, 1, count + 1)))
            end
            list = nil
            return table.unpack(results, 1, results.n)
          end }
      end
    end
  end
end

local function clean()
  for _, ending in ipairs { "", ".csv", ".npy", ".safetensors", ".svg" } do os.remove(folder .. ending) end
end

return { each = each, clean = clean, objects = objects, make = make }
