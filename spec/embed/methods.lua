-- Calls every method of every model again and again in the host of limit.c, which counts bytes: after a full
-- collection there are as many as before. Prints what keeps memory, and what the documentation has that isn't
-- called here. The argument of limit.c's script is how often: a global, REPEAT.
-- luacheck: globals held REPEAT
local latent = require "latent"
local matrix = latent.matrix

local rng = latent.random(1)
local X = matrix.normal(12, 4, rng)
for i = 1, 12, 2 do X[i]:add(4, { out = X[i] }) end
local Y = X:copy()
Y[2][1] = 0 / 0
local B = X:gt(2)
local labels = matrix{ 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2 }
local path = os.tmpname()

-- Arguments of methods that many models have: lists of argument lists, the first of which succeeds.
local out = { { X, { out = matrix.zeros(12, 1) } }, { X, { out = matrix.zeros(12, 4) } } } -- where taken
local rows = { { X }, { X[1] }, out[1], out[2], { X:col(1) } }
local missing = { { X }, { X[1] }, out[1], out[2], { Y, { missing = true } }, { X:col(1) } }
local general = {
  fit = { { X }, { { "no" } } },
  partial_fit = { { X }, { 1 } },
  transform = rows, reconstruct = rows, responsibilities = missing, predict = rows, posterior = missing,
  log_likelihood = missing, score = missing, elbo = rows, distortion = rows,
  impute = { { Y }, { X:col(1) } },
  sample = { { 1 }, { 5 }, { -1 } },
  free_parameters = { {}, { 1, 2 } },
  align = function(model) return { { model }, { 1 } } end,
  aic = rows, bic = rows, covariance = { {} }, plot = { { X }, { X[1] }, { X, { panels = { "no" } } } },
  fit_for = { { X, 1e3 }, { X, 0 }, { X, -1 }, { { "no" }, 1 } }, summary = { {}, { { 1 } } },
  save_string = { {}, { { 1 } } },
  save = { { path }, { "/nowhere/at.all" } }, export = { { path .. ".c" }, { path .. ".lua" }, { "/nowhere/at.c" } },
}

local function latents(M) return { { matrix.zeros(4, M) }, { matrix.zeros(M) }, { matrix.zeros(4, M + 1) } } end

local function options(t)
  t.max_iterations = 3

  return t
end

local factor = { inverse_transform = latents(1) }
local mixture = { conditional = { { { 1 }, { 1 } }, { { 9 }, { 1 } } }, covariance = { { 1 }, { 9 } } }
local models = {
  { "GMM", latent.gmm(options{ components = 2 }):fit(X), mixture },
  { "GMM", latent.gmm(options{ components = 2, covariance = "diag" }):fit(X),
    mixture },
  { "GMM", latent.gmm(options{ components = 2, covariance = "tied" }):fit(Y, { missing = true }),
    mixture },
  { "Mixture", latent.mixture(options{ components = 2, family = "categorical" }):fit(B),
    { fit_for = { { B, 1e3 }, { { "no" }, 1 } }, fit = { { B }, { X } }, partial_fit = { { B }, { X } },
      responsibilities = { { B }, { B[1] }, { X } },
      predict = { { B }, { X } }, log_likelihood = { { B }, { B[1] }, { X } }, score = { { B } },
      elbo = { { B }, { X } }, aic = { { B } }, bic = { { B } }, impute = { { B }, { X } },
      column = { { 1 }, { 9 } } } },
  { "KMeans", latent.kmeans(options{ clusters = 2 }):fit(X), {} },
  { "PCA", latent.pca{ latent_dim = 1 }:fit(X), factor },
  { "Scaler", latent.scaler():fit(X), { inverse_transform = { { X }, { X[1] }, { X:col(1) } } } },
  { "ICA", latent.ica(options{}):fit(X), { inverse_transform = latents(4) } },
  { "PPCA", latent.ppca(options{ latent_dim = 1 }):fit(X), factor },
  { "BPCA", latent.bpca(options{ latent_dim = 1 }):fit(X), factor },
  { "FA", latent.fa(options{ latent_dim = 1 }):fit(X),
    { inverse_transform = latents(1), test = { {}, { 1 } }, fit_covariance = { { X:t() * X, 12 }, { 1 } } } },
  { "MPPCA", latent.mppca(options{ components = 2, latent_dim = 1 }):fit(X),
    { inverse_transform = { { matrix.zeros(4, 1), matrix{ 1, 2, 1, 2 } }, { matrix.zeros(4, 2), { 1 } } },
      covariance = { { 1 }, { 9 } } } },
  { "LDS", latent.lds(options{ latent_dim = 1 }):fit(X),
    { filter = rows, smooth = rows, forecast = { { X, 2 }, { X, 0 } },
      innovations = rows, simulate = { { X, { draws = 2 } }, { 1 } }, tracker = { {} }, impute = { { Y } } } },
  { "VAE", latent.vae{ input_dim = 4, latent_dim = 2, hidden = { 4 } },
    { step = { { B }, { X } }, loss = { { B }, { X } }, encode = { { B }, { B[1] }, { X } },
      transform = { { B }, { X } }, plot = { { B }, { X } }, decode = latents(2), inverse_transform = latents(2),
      reconstruct = { { B }, { X } }, elbo = { { B }, { X } },
      log_likelihood = { { B }, { X } }, score = { { B }, { X } }, kl_per_unit = { { B }, { X } },
      active_units = { { B }, { X } }, traverse = { { { count = 3 } }, { { count = 0 } } },
      manifold = { { { size = 2 } }, { { size = 0 } } }, fit = { { B, { epochs = 1 } } },
      fit_for = { { B, 1e3, { epochs = 1 } }, { X, 1 }, { { "no" }, 1 } }, parameters = { {} }, gradients = { {} } } },
  { "Nonlinear", latent.nonlinear{ input_dim = 4, latent_dim = 1, hidden = { 4 }, samples = 4 },
    { step = { { B }, { { 1 } } }, loss = { { B } }, log_likelihood = { { B } }, score = { { B } },
      decode = latents(1), inverse_transform = latents(1), fit = { { B, { epochs = 1 } } },
      fit_for = { { B, 1e3, { epochs = 1 } }, { { "no" }, 1 } }, parameters = { {} }, gradients = { {} } } },
  { "Classifier", latent.classifier(function() return latent.gmm() end):fit(X, labels),
    { fit = { { X, labels }, { X } }, posteriors = rows, log_posteriors = rows, confusion = { { X, labels }, { X } },
      score = { { X, labels }, { X } } } },
}

local function bytes()
  collectgarbage()
  collectgarbage()
  return held()
end

-- Twice, to have what is made once; then as often as it is to be.
local function grows(f, times)
  f()
  f()
  local before = bytes()
  for _ = 1, times do f() end
  return bytes() - before
end

-- The documented methods of each class.
local documented = {}
for _, module in ipairs(require "latent.docs.init") do
  for _, entry in ipairs(module) do
    local class, name = entry.name:match "^([%w_]+):([%w_]+)$"
    if class then
      documented[class] = documented[class] or {}
      table.insert(documented[class], name)
    end
  end
end

local function check(label, f, list, times)
  for i, arguments in ipairs(list) do
    local ok, message = pcall(f, table.unpack(arguments))
    if i == 1 and not ok then print(("%s fails: %s"):format(label, message)) end
    local more = grows(function() pcall(f, table.unpack(arguments)) end, times)
    if more > 4096 then print(("%s keeps %d bytes of %d calls, arguments %d"):format(label, more, times, i)) end
  end
end

for _, entry in ipairs(models) do
  local class, model, own = table.unpack(entry)
  for _, name in ipairs(documented[class]) do
    local list, label = own[name] or general[name], class .. ":" .. name
    if name == "steps" then
      local function left(how)
        return function(A)
          pcall(function() for _ in model:steps(A) do if how then error(how) else break end end end)
        end
      end
      for _, how in ipairs{ false, "an error" } do check(label, left(how), own.fit or general.fit, REPEAT // 20) end
    elseif list then
      if type(list) == "function" then list = list(model) end
      local slow = class == "VAE" or class == "Nonlinear" or name:find "fit" or name:find "^save" or name == "plot"
        or name == "export" or name == "summary"
      check(label, function(...) return model[name](model, ...) end, list, slow and REPEAT // 20 or REPEAT)
    else
      print(label .. " is not called")
    end
  end
end
for _, ending in ipairs { "", ".c", ".lua" } do os.remove(path .. ending) end
