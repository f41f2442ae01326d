-- Every model on data of every size that a double can hold: a fit raises a sentence that says what to do, or
-- succeeds, and then all of its parameters and all that its methods give are finite numbers.
local latent = require "latent"
local helper = require "helper"
local matrix, fails = latent.matrix, helper.fails

local MAX, NAN = 0x1.fffffffffffffp1023, 0 / 0
local N, D = 40, 4

-- Two clusters along one factor; no two columns are alike.
local rng = latent.random(7)
local factor = rng:normal(N, 1)
local base = matrix(N, D, function(i, j)
  local centre = i % 2 == 0 and 2 or -2
  return 0.7 * factor(i, 1) * ({ 1, -0.8, 0.5, 1 })[j] + 0.5 * rng:normal() + centre * ({ 1, 0.5, -1, 0 })[j]
end)
local largest = base:abs():max()

-- All that multiplies by `scale`; MAX makes the largest number the largest there is.
local function times(scale)
  if scale == MAX then return base:map(function(x) return x / largest * MAX end) end
  return base:map(function(x) return x * scale end)
end
local function finite(x) return math.max(-MAX, math.min(MAX, x)) end

local variants = {
  all = times,
  one = function(scale)
    local Y = times(scale)
    return matrix(N, D, function(i, j) return j == 2 and Y(i, j) or base(i, j) end)
  end,
  offset = function(scale)
    if scale == MAX then return base:map(function(x) return MAX * (0.75 + 0.25 * x / largest) end) end
    return base:map(function(x) return scale * (x + 50) end)
  end,
  constant = function(scale)
    local Y = times(scale)
    return matrix(N, D, function(i, j) return j == 4 and scale or Y(i, j) end)
  end,
  mixed = function(scale)
    return matrix(N, D, function(i, j) return finite(base(i, j) * (j % 2 == 0 and scale or 1 / scale)) end)
  end,
}

local function holes(X)
  local Y = X:copy()
  for i = 1, N, 5 do Y:set(i, 1 + i % 4, NAN) end
  return Y
end

-- ---- what is looked at ----------------------------------------------------------------------------

local function is_finite(x) return x == x and x ~= math.huge and x ~= -math.huge end

-- The first number in a value that isn't finite, or nil.
local function odd(value)
  if type(value) == "number" then return not is_finite(value) and value or nil end
  if type(value) == "userdata" then
    local ok, plain = pcall(function() return value:table() end)
    return ok and odd(plain) or nil
  end
  if type(value) ~= "table" then return nil end
  for _, x in pairs(value) do
    local found = odd(x)
    if found then return found end
  end
end

local FIELDS = { "mean", "means", "weights", "covariances", "components", "eigenvalues", "explained_ratio",
  "total_variance", "deviation", "W", "noise_variance", "noise_variances", "alpha", "mixing", "unmixing", "kurtosis",
  "centers", "inertia", "objective", "gradient", "history", "uniquenesses", "log_evidence", "rates", "priors" }
local METHODS = { "transform", "reconstruct", "responsibilities", "predict", "posterior", "log_likelihood", "score",
  "elbo", "impute", "aic", "bic", "distortion" }

-- What of a fitted model isn't finite, as a list of names.
local function look(model, X)
  local found = {}
  local function note(name, ...)
    for _, value in ipairs{ ... } do
      local x = odd(value)
      if x then found[#found + 1] = name .. ": " .. tostring(x) end
    end
  end
  for _, name in ipairs(FIELDS) do
    local ok, value = pcall(function() return model[name] end)
    if ok and type(value) ~= "function" then note(name, value) end
  end
  local function call(name, f)
    local results = table.pack(pcall(f))
    if not results[1] then -- as they say for data of ordinary sizes, too, or that squares overflow
      local message = tostring(results[2])
      assert.is_truthy(message:find "no density" or message:find "overflow" or message:find "X has NaN"
        or message:find "self must be" or message:find "can be tested", name .. ": " .. message)
      return
    end
    note(name, table.unpack(results, 2, results.n))
  end
  local function has(name)
    local ok, value = pcall(function() return model[name] end)
    return ok and type(value) == "function"
  end
  for _, name in ipairs(METHODS) do
    if has(name) then call(name, function() return model[name](model, X) end) end
  end
  if has "sample" then call("sample", function() return model:sample(5, { seed = 1 }) end) end
  if has "inverse_transform" and has "transform" then
    call("inverse_transform", function() return model:inverse_transform(model:transform(X)) end)
  end
  return found
end

-- ---- the models -----------------------------------------------------------------------------------

-- NAME = function(X) -> the fitted model, and what to ask it about, unless X
local models = {}
local function add(name, make, options, more)
  models[name] = function(X)
    local Y = more and more.missing and holes(X) or X
    return make(options):fit(Y, more), Y
  end
end
local few, gaps = 30, { missing = true }
add("scaler", latent.scaler)
models["scaler, missing"] = function(X)
  return latent.scaler():fit(holes(X), gaps), X
end
for name, options in pairs{ [""] = {}, [" mle"] = { latent_dim = "mle" },
  [" whiten"] = { latent_dim = 2, whiten = true }, [" krylov"] = { latent_dim = 2, solver = "randomized" } } do
  add("pca" .. name, latent.pca, options)
  local standardized = {}
  for key, value in pairs(options) do standardized[key] = value end
  standardized.standardize = true
  add("pca standardize" .. name, latent.pca, standardized)
end
for _, standardize in ipairs{ false, true } do
  models["pca gram " .. tostring(standardize)] = function(X)
    local some = X:block(1, 3, 1, D)
    return latent.pca{ solver = "gram", standardize = standardize }:fit(some), some
  end
end
add("ppca", latent.ppca, { latent_dim = 2 })
add("ppca em", latent.ppca, { latent_dim = 2, method = "em", max_iterations = few })
add("ppca missing", latent.ppca, { latent_dim = 1, max_iterations = few }, gaps)
add("ppca limit", latent.ppca, { latent_dim = 2, method = "em", noise_variance = 0, max_iterations = few })
add("bpca", latent.bpca, { latent_dim = 2 })
add("bpca missing", latent.bpca, { latent_dim = 2, max_iterations = few }, gaps)
add("fa", latent.fa, {})
add("fa promax", latent.fa, { rotation = "promax" })
add("fa em", latent.fa, { method = "em", max_iterations = few })
add("fa missing", latent.fa, { max_iterations = few }, gaps)
for _, noise in ipairs{ "isotropic", "diagonal" } do
  add("mppca " .. noise, latent.mppca, { components = 2, latent_dim = 1, noise = noise, max_iterations = few })
  add("mppca missing " .. noise, latent.mppca, { components = 2, latent_dim = 1, noise = noise, max_iterations = few },
    gaps)
end
add("ica", latent.ica, { max_iterations = few })
add("ica, fewer", latent.ica, { latent_dim = 2, contrast = "exp", max_iterations = few })
add("ica ml", latent.ica, { algorithm = "maximum_likelihood", max_iterations = few })
add("kmeans", latent.kmeans, { clusters = 2 })
add("kmeans random", latent.kmeans, { clusters = 3, init = "random" })
for _, covariance in ipairs{ "full", "diag", "tied", "spherical", "tied_diag", "tied_spherical" } do
  add("gmm " .. covariance, latent.gmm, { components = 2, covariance = covariance, max_iterations = few })
  add("gmm missing " .. covariance, latent.gmm, { components = 2, covariance = covariance, max_iterations = few }, gaps)
end
models.poisson = function(X)
  local counts = X:abs():map(math.floor)
  return latent.mixture{ components = 2, family = "poisson", max_iterations = few }:fit(counts), counts
end
models.classifier = function(X)
  local labels = matrix(N, 1, function(i) return i % 2 end):col(1)
  return latent.classifier(function() return latent.gmm{ components = 1 } end):fit(X, labels), X
end
for _, name in ipairs{ "nonlinear", "vae" } do
  models[name] = function(X)
    local model = latent[name]{ input_dim = D, latent_dim = 2, hidden = 4, seed = 1,
      likelihood = name == "vae" and "gaussian" or nil }
    model:fit(X, { epochs = 1 })
    return model, X
  end
end

local scales = { 1e-320, 1e-300, 1e-200, 1e-154, 1e-150, 1e-100, 1, 1e100, 1e147, 1e150, 1e153, 1e160, 1e200, 1e300,
  MAX }
local float32 = { 1e-40, 1e-20, 1, 1e10, 1e18, 1e20, 1e37, 3e38, 1e39, 1e300 }

-- What errors of fits say; no other sentence helps whoever reads it.
local SENTENCES = { "numbers of column %d of X are about", "numbers of column %d of X vary by about",
  "column %d of X is constant", "no variance outside of", "vary in %d directions", "takes counts", "finite numbers",
  "the loss is not finite", "the gradient of", "is not positive definite", "isn't positive definite" }

describe("data of any size", function()
  for name, fit in pairs(models) do
    it("gives finite numbers or a sentence: " .. name, function()
      for variant, make in pairs(variants) do
        for _, scale in ipairs((name == "vae" or name == "nonlinear") and float32 or scales) do
          local where = ("%s, %s, %g"):format(name, variant, scale)
          local ok, model, Y = pcall(fit, make(scale))
          if ok then
            local found = look(model, Y)
            assert.equal(0, #found, where .. ": " .. table.concat(found, ", "))
          else
            local known = false
            for _, sentence in ipairs(SENTENCES) do known = known or tostring(model):find(sentence) end
            assert.is_truthy(known, where .. ": " .. tostring(model))
          end
        end
      end
    end)
  end

  it("of ordinary sizes raises nowhere", function()
    for name, fit in pairs(models) do
      if name ~= "poisson" then assert(pcall(fit, base)) end
    end
  end)

  -- Powers of two are exact: the same bits must come out.
  local powers = { -1000, -980, -700, -510, -490, 0, 490, 520, 700, 980, 1000 }

  it("is standardized all the same", function()
    local Z = latent.scaler():fit(base):transform(base)
    local pca = latent.pca{ standardize = true }:fit(base)
    local ica = latent.ica():fit(base)
    for _, power in ipairs(powers) do
      local X = base:map(function(x) return x * 2.0 ^ power end)
      local scaler = latent.scaler():fit(X)
      assert.is_true(scaler:transform(X) == Z, power)
      assert.near_matrix(base, scaler:inverse_transform(Z):map(function(x) return x * 2.0 ^ -power end), 1e-14)
      assert.is_true(latent.scaler():fit(helper.chunks(X, 7)):transform(X) ==
        latent.scaler():fit(helper.chunks(base, 7)):transform(base), power)
      local missing = latent.scaler():fit(holes(X), gaps)
      assert.is_true(missing:transform(X) == latent.scaler():fit(holes(base), gaps):transform(base))
      if math.abs(power) <= 980 then
        for _, solver in ipairs{ "auto", "randomized" } do
          local other = latent.pca{ standardize = true, solver = solver }:fit(X)
          assert.near_matrix(pca.components, other.components, 1e-12)
          assert.near_matrix(pca.eigenvalues, other.eigenvalues, 1e-12)
          assert.near_matrix(pca:transform(base), other:transform(X), 1e-12)
        end
        assert.near_matrix(ica:transform(base), latent.ica():fit(X):transform(X), 1e-9)
        local chunks = latent.ica():fit(helper.chunks(X, 7))
        assert.near_matrix(latent.ica():fit(helper.chunks(base, 7)):transform(base), chunks:transform(X), 1e-9)
      end
    end
    for _, scale in ipairs{ 1e160, 1e300, MAX, 1e-160, 1e-300 } do
      local X = times(scale)
      assert.near_matrix(Z, latent.scaler():fit(X):transform(X), 1e-13)
    end
    -- subnormal numbers have few digits
    assert.near_matrix(Z, latent.scaler():fit(times(1e-318)):transform(times(1e-318)), 1e-2)
  end)

  it("with a large constant column is as without it", function()
    local three, X = base:block(1, N, 1, 3), base:copy()
    for _, value in ipairs{ 0.1, 1e100, 1e200, 1e300 } do
      X:col(4):fill(value)
      for _, solver in ipairs{ "auto", "randomized" } do
        local a = latent.pca{ latent_dim = 2, standardize = true, solver = solver }:fit(three)
        local b = latent.pca{ latent_dim = 2, standardize = true, solver = solver }:fit(X)
        assert.near_matrix(a.eigenvalues, b.eigenvalues, 1e-11)
        assert.equal(1, b.deviation[4])
        assert.near_matrix(a:transform(three), b:transform(X), 1e-10)
      end
    end
  end)

  it("may change from piece to piece", function()
    local huge, tiny, zero = times(1e200), times(1e-200), matrix.zeros(N, D)
    local function same(...)
      local parts, all = latent.scaler(), { ... }
      for _, X in ipairs(all) do parts:partial_fit(X) end
      local whole = latent.scaler():fit(matrix.vstack(all))
      for j = 1, D do
        assert.near(1, parts.deviation[j] / whole.deviation[j], 1e-12)
        assert.near(parts.mean[j] / whole.deviation[j], whole.mean[j] / whole.deviation[j], 1e-12)
      end
      local a, b = latent.pca{ standardize = true }, latent.pca{ standardize = true }:fit(matrix.vstack(all))
      for _, X in ipairs(all) do a:partial_fit(X) end
      assert.near_matrix(b.eigenvalues, a.eigenvalues, 1e-11)
      for j = 1, D do assert.near(1, a.deviation[j] / b.deviation[j], 1e-12) end
    end
    same(tiny, base)
    same(base, tiny, huge)
    same(huge, base)
    same(zero, tiny)
    same(tiny, zero)
    same(huge, huge * 0.5)
    same(matrix(N, D, 1e-200), tiny)
  end)

  it("gives clusters and mixtures of the same shape up to 2^490", function()
    for _, power in ipairs{ -480, 480 } do
      local X = base:map(function(x) return x * 2.0 ^ power end)
      local function back(A) return A:map(function(x) return x * 2.0 ^ -power end) end
      local options = { components = 2, seed = 3 }
      assert.near_matrix(latent.gmm(options):fit(base).means, back(latent.gmm(options):fit(X).means), 1e-9)
      assert.near_matrix(latent.gmm(options):fit(base):responsibilities(base),
        latent.gmm(options):fit(X):responsibilities(X), 1e-9)
      local plain = latent.kmeans{ clusters = 2 }:fit(base)
      assert.near_matrix(plain.centers, back(latent.kmeans{ clusters = 2 }:fit(X).centers), 1e-12)
      local fa = latent.fa():fit(X)
      assert.near_matrix(latent.fa():fit(base).uniquenesses, fa.uniquenesses, 1e-10)
      assert.near_matrix(latent.ppca():fit(base).W, back(latent.ppca():fit(X).W), 1e-12)
    end
  end)

  it("raises what to do", function()
    local function fit(make, options, X, more) return function() make(options):fit(X, more) end end
    local large, small = times(1e160), times(1e-160)
    for _, make in ipairs{ latent.pca, latent.ppca, latent.fa, latent.bpca } do
      fails("numbers of column 1 of X are about 2.", fit(make, { latent_dim = 1 }, large))
      fails("overflow: divide them by their size, as latent.scaler does", fit(make, { latent_dim = 1 }, large))
      fails("underflow: divide them by their size, as latent.scaler does", fit(make, { latent_dim = 1 }, small))
    end
    fails("kmeans:fit: numbers of column 1 of X are about", fit(latent.kmeans, { clusters = 2 }, large))
    fails("kmeans:fit: numbers of column 3 of X vary by about", fit(latent.kmeans, { clusters = 2 }, times(1e-200)))
    fails("gmm:fit: numbers of column 1 of X are about", fit(latent.gmm, { components = 2 }, large))
    fails("pca:fit: numbers of column 1 of X vary by about", fit(latent.pca, { standardize = true }, times(1e-305)))
    fails("ica:fit: numbers of column 1 of X are about", fit(latent.ica, {}, times(1e305)))
    fails("numbers of column 2 of X vary by about", fit(latent.fa, {}, variants.one(1e-160)))
    fails("X(1,1) is -inf; data are finite numbers, in float32 below 3.4e38", function()
      latent.vae{ input_dim = D, latent_dim = 1, hidden = 2, likelihood = "gaussian" }:fit(base:abs() * -1e39)
    end)
    fails("the sum of the weights overflows", fit(latent.scaler, {}, base, { weights = matrix.ones(N) * 1e308 }))
  end)

  it("far from a model is improbable, and belongs nowhere", function()
    local far = matrix{ { 0.1, 0.2, 0.3, 0.4 }, { 0, 1e160, 0, 0 }, { 1e200, 0, -1e200, 0 } }
    local models_of = { latent.mppca{ components = 2, latent_dim = 1 }:fit(base) }
    for _, covariance in ipairs{ "full", "diag", "tied" } do
      models_of[#models_of + 1] = latent.gmm{ components = 2, covariance = covariance }:fit(base)
    end
    for _, model in ipairs(models_of) do
      local log_likelihood = model:log_likelihood(far)
      assert.is_true(is_finite(log_likelihood[1]))
      local posterior = { "predict", "responsibilities" }
      for i = 2, 3 do
        if log_likelihood[i] == -math.huge then
          for _, verb in ipairs(posterior) do
            fails("row 1 of X is so far from all components that squares of its distances overflow", model[verb], model,
              far:block(i, i, 1, D))
          end
        else -- components with the same covariance can still be told apart
          assert.is_true(is_finite(log_likelihood[i]))
          assert.near(1, model:responsibilities(far:block(i, i, 1, D)):sum(), 1e-12)
        end
      end
      local all = matrix.vstack{ far:block(1, 1, 1, D), matrix(1, D, MAX) }
      assert.equal(-math.huge, model:log_likelihood(all)[2])
      fails("row 2 of X is so far", model.responsibilities, model, all)
      fails("row 2 of X is so far", model.predict, model, all)
    end
    for _, model in ipairs{ latent.ppca():fit(base), latent.fa():fit(base), latent.ica():fit(base) } do
      local corner = matrix(1, D, function(_, j) return j % 2 == 0 and MAX or -MAX end)
      assert.equal(-math.huge, model:log_likelihood(corner)[1])
    end
    fails("squares of distances overflow", function() latent.kmeans{ clusters = 2 }:fit(base):predict(far) end)
  end)
end)
