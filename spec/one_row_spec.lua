-- A vector of D numbers is one row, for every model and method: where a matrix gives a row for each of its rows, a
-- vector gives a vector, and where it gives a number for each, a vector gives a number.
local latent = require "latent"
local helper = require "helper"
local matrix = latent.matrix
local fails = helper.fails

local iris, species = latent.datasets.iris()
local counts = iris:round()

-- A family of Lua functions for latent.mixture: independent exponential columns.
local own = {
  log_density = function(rates, X) return (X % rates):sum(2) * -1 + rates:log():sum() end,
  fit = function(X, weights) return (X * 0 + 1):t() * weights / (X:t() * weights + 1e-9) end,
}

local vae = latent.vae { input_dim = 4, latent_dim = 2, hidden = 8, likelihood = "gaussian", seed = 1 }
vae:fit(iris, { epochs = 1 })
local nonlinear = latent.nonlinear { input_dim = 4, latent_dim = 2, hidden = 8, samples = 20, seed = 1 }

-- name, the fitted model, its data, and what its methods give for a row: "number", "integer" or "vector" each
local models = {
  { "kmeans", latent.kmeans { clusters = 3 }:fit(iris), iris, predict = { "integer" }, transform = { "vector" } },
  { "pca", latent.pca { latent_dim = 2 }:fit(iris), iris, transform = { "vector" }, reconstruct = { "vector" },
    inverse_transform = { "vector", 2 } },
  { "ica", latent.ica():fit(iris), iris, transform = { "vector" }, reconstruct = { "vector" },
    inverse_transform = { "vector", 4 }, log_likelihood = { "number" } },
  { "scaler", latent.scaler():fit(iris), iris, transform = { "vector" }, inverse_transform = { "vector", 4 } },
  { "classifier", latent.classifier(function() return latent.ppca { latent_dim = 2 } end):fit(iris, species), iris,
    predict = { "integer" }, posteriors = { "vector" }, log_posteriors = { "vector" }, responsibilities = { "vector" },
    log_likelihood = { "number" } },
  { "vae", vae, iris, encode = { "vector", "vector" }, transform = { "vector" }, reconstruct = { "vector" },
    inverse_transform = { "vector", 2 }, decode = { "vector", 2 } },
  { "flow", latent.flow { input_dim = 4, hidden = 8 }:fit(iris, { epochs = 1 }), iris, transform = { "vector" },
    inverse_transform = { "vector", 4 }, log_likelihood = { "number" }, log_det = { "number" } },
  { "flow_matching", latent.flow_matching { input_dim = 4, hidden = 8 }:fit(iris, { epochs = 1 }), iris },
  { "diffusion", latent.diffusion { input_dim = 4, hidden = 8, timesteps = 5 }:fit(iris, { epochs = 1 }), iris },
  { "gan", latent.gan { input_dim = 4, latent_dim = 2, hidden = 8 }:fit(iris, { epochs = 1 }), iris,
    critic = { "number" }, inverse_transform = { "vector", 2 }, decode = { "vector", 2 } },
  { "nonlinear", nonlinear, iris, inverse_transform = { "vector", 2 }, decode = { "vector", 2 } },
}
for _, name in ipairs { "ppca", "bpca", "fa" } do
  models[#models + 1] = { name, latent[name] { latent_dim = 2 }:fit(iris), iris, transform = { "vector" },
    reconstruct = { "vector" }, impute = { "vector" }, inverse_transform = { "vector", 2 },
    log_likelihood = { "number" }, elbo = { "number", "number" } }
end
for _, covariance in ipairs { "full", "diag", "tied", "spherical", "tied_diag", "tied_spherical" } do
  models[#models + 1] = { "gmm", latent.gmm { components = 3, covariance = covariance }:fit(iris), iris,
    responsibilities = { "vector" }, predict = { "integer" }, log_likelihood = { "number" }, impute = { "vector" },
    elbo = { "number", "number" } }
end
models[#models + 1] = { "mppca", latent.mppca { components = 2, latent_dim = 2 }:fit(iris), iris,
  responsibilities = { "vector" }, predict = { "integer" }, log_likelihood = { "number" }, impute = { "vector" },
  elbo = { "number", "number" }, transform = { "vector", "integer" }, reconstruct = { "vector" } }
for _, family in ipairs { "poisson", own } do
  models[#models + 1] = { "mixture", latent.mixture { components = 2, family = family }:fit(counts), counts,
    responsibilities = { "vector" }, predict = { "integer" }, log_likelihood = { "number" },
    elbo = { "number", "number" }, impute = family == "poisson" and { "vector" } or nil }
end

local function is_vector(A) return matrix.is(A) and type(A[1]) == "number" end

-- Row i of the answers for all rows.
local function row_of(answer, i) return answer[i] end

describe("one row", function()
  for _, case in ipairs(models) do
    local name, model, X = case[1], case[2], case[3]
    local methods = {}
    for method in pairs(case) do
      if type(method) == "string" then methods[#methods + 1] = method end
    end
    table.sort(methods)
    for _, method in ipairs(methods) do
      it(("as a vector: %s:%s"):format(name, method), function()
        local kinds, A = { table.unpack(case[method]) }, X
        if type(kinds[2]) == "number" then A = matrix.normal(10, table.remove(kinds), latent.random(1)) end
        local all = { model[method](model, A) }
        for _, i in ipairs { 1, 7, 10 } do
          -- a view, a strided view, a table
          for _, row in ipairs { A[i], A:t():copy():col(i), A[i]:table() } do
            local given = { model[method](model, row) }
            assert.are.equal(#all, #given)
            for k, kind in ipairs(kinds) do
              local expected = row_of(all[k], i)
              if kind == "vector" then
                assert.is_true(is_vector(given[k]), ("result %d is no vector"):format(k))
                assert.near_matrix(expected, given[k], 1e-10)
              else
                assert.are.equal(kind == "integer" and "integer" or "float", math.type(given[k]))
                assert.near(expected, given[k], 1e-9 * (1 + math.abs(expected)))
              end
            end
          end
          -- a matrix of one row stays a matrix
          local of_matrix = model[method](model, A:block(i, i, 1, A.cols))
          assert.are.equal(1, of_matrix and #of_matrix)
        end
        fails("is a vector of 3, but a row has", model[method], model, { 1, 2, 3 })
      end)
    end
  end

  it("has estimates of a number by VAEs and nonlinear models", function()
    for _, model in ipairs { vae, nonlinear } do
      local all, effective = model:log_likelihood(iris, { samples = 50, seed = 3 })
      local l, e = model:log_likelihood(iris[1], { samples = 50, seed = 3 })
      assert.near(all[1], l, 1e-4 * math.abs(all[1]))
      assert.near(effective[1], e, 1e-3)
      assert.are.equal(l, model:score(iris[1], { samples = 50, seed = 3 }))
    end
    local bound, reconstruction, kl = vae:elbo(iris[1], { seed = 1 })
    assert.near(bound, -reconstruction - kl, 1e-12)
    assert.near(select(3, vae:elbo(iris))[1], kl, 1e-4)
    local mean, variance = vae:decode(matrix { 0.5, 1 }, { variance = true })
    assert.is_true(is_vector(mean) and is_vector(variance))
    local means, variances = vae:encode(iris[1])
    bound = vae:elbo(iris[1], { samples = 20000 })
    assert.near(bound, (vae:elbo(iris[1], { means = means, variances = variances, samples = 20000 })), 0.05)
  end)

  it("scores as that row", function()
    for _, name in ipairs { "gmm", "ppca", "ica" } do
      local model = latent[name]():fit(iris)
      assert.are.equal(model:log_likelihood(iris[5]), model:score(iris[5]))
    end
  end)

  it("has a posterior of a vector and a covariance, also where entries are missing", function()
    local row = iris[3]:copy()
    row[2] = 0 / 0
    for _, name in ipairs { "ppca", "bpca", "fa" } do
      local model = latent[name] { latent_dim = 2 }:fit(iris)
      local mean, covariance = model:posterior(iris[3])
      assert.near_matrix(model:transform(iris)[3], mean, 1e-12)
      assert.same({ 2, 2 }, { covariance.rows, covariance.cols })
      local means, covariances = model:posterior(row:reshape(1, 4), { missing = true })
      mean, covariance = model:posterior(row, { missing = true })
      assert.is_true(is_vector(mean))
      assert.near_matrix(means[1], mean, 1e-12)
      assert.near_matrix(covariances[1], covariance, 1e-12)
      local bound, kl = model:elbo(iris[3], { means = mean, covariance = covariance })
      assert.near(model:log_likelihood(iris[3]), bound + kl, 1e-9)
      local filled, variance = model:impute(row, { variance = true })
      assert.is_true(is_vector(filled) and is_vector(variance))
    end
  end)

  it("has everything a mixture of PPCA knows", function()
    local model = latent.mppca { components = 2, latent_dim = 2 }:fit(iris)
    local all, p = model:posterior(iris), model:posterior(iris[3])
    assert.near_matrix(all.responsibilities[3], p.responsibilities, 1e-10)
    for k = 1, 2 do
      assert.is_true(is_vector(p.means[k]))
      assert.near_matrix(all.means[k][3], p.means[k], 1e-10)
      assert.near_matrix(all.covariances[k], p.covariances[k], 1e-12)
    end
    local row = iris[3]:copy()
    row[2] = 0 / 0
    local gaps = model:posterior(row:reshape(1, 4), { missing = true })
    p = model:posterior(row, { missing = true })
    assert.near_matrix(gaps.covariances[2][1], p.covariances[2], 1e-12)
    assert.near_matrix(gaps.means[2][1], p.means[2], 1e-12)
    assert.is_true(is_vector(model:inverse_transform({ 1, 2 }, 1)))
    assert.is_true(is_vector(select(2, model:impute(row, { variance = true }))))
  end)

  it("has conditionals in vectors", function()
    local model = latent.gmm { components = 2 }:fit(iris)
    local all = model:conditional(iris:block(1, 5, 1, 2), { 1, 2 })
    local one = model:conditional(iris[2]:block(1, 2), { 1, 2 })
    for _, name in ipairs { "responsibilities", "mean", "variance" } do
      assert.is_true(is_vector(one[name]))
      assert.near_matrix(all[name][2], one[name], 1e-12)
    end
    assert.near_matrix(all.means[2][2], one.means[2], 1e-12)
    assert.near_matrix(all.covariances[2], one.covariances[2], 1e-12)
    assert.is_true(model:conditional({ 5, 6 }, { 1 }).mean == model:conditional({ { 5 }, { 6 } }, { 1 }).mean)
  end)

  it("takes q as a vector, too", function()
    local model = latent.gmm { components = 3 }:fit(iris)
    local r = model:responsibilities(iris[1])
    local bound, kl = model:elbo(iris[1], r)
    assert.near(model:log_likelihood(iris[1]), bound + kl, 1e-10)
    assert.near(0, kl, 1e-10)
  end)

  it("of a model with one column is an element: a vector is that column, of one element as well", function()
    local x = iris:col(3)
    local column = x:column()
    for _, model in ipairs { latent.gmm { components = 2 }:fit(x), latent.kmeans { clusters = 2 }:fit(x),
      latent.mixture { components = 2, family = "poisson" }:fit(x:round()) } do
      for _, v in ipairs { x:round(), x:round():block(1, 1) } do
        assert.is_true(is_vector(model:predict(v)))
        assert.is_true(model:predict(v) == model:predict(v:column()))
      end
    end
    local pca = latent.pca():fit(x)
    assert.is_true(pca:transform(x) == pca:transform(column))
    assert.same({ 150, 1 }, { pca:transform(x).rows, pca:transform(x).cols })
    local scaler = latent.scaler():fit(x)
    assert.is_true(scaler:transform(x) == scaler:transform(column):flatten())
    assert.are.equal(1, #latent.gmm():fit(x):log_likelihood(matrix { 3 }))
  end)

  it("of a linear dynamical system is a sequence of one step", function()
    local lds = latent.lds { A = 0.5, C = { { 1 }, { 2 } }, Q = 1, R = matrix.eye(2) }
    assert.near_matrix(lds:transform { { 1, 2 } }, lds:transform { 1, 2 }, 0)
    fails("Y is a vector of 3, but a row has 2 numbers", lds.filter, lds, { 1, 2, 3 })
  end)
end)

describe("one row more", function()
  it("is a vector for a model that has columns", function()
    local options = { kmeans = { clusters = 3 } }
    for _, name in ipairs { "kmeans", "pca", "scaler", "gmm", "mppca", "ppca", "fa" } do
      local a, b = latent[name](options[name]), latent[name](options[name])
      a:partial_fit(iris:block(1, 100)):partial_fit(iris:block(101, 101)):partial_fit(iris:block(102, 102))
      b:partial_fit(iris:block(1, 100)):partial_fit(iris[101]):partial_fit(iris[102]:table(), { weights = { 1 } })
      local field = name == "kmeans" and "centers" or name == "gmm" and "means" or name == "mppca" and "means" or "mean"
      assert.near_matrix(a[field], b[field], 0)
      fails("X is a vector of 3, but a row has 4 numbers", b.partial_fit, b, { 1, 2, 3 })
      fails("there are 2 weights for 1 rows", b.partial_fit, b, iris[1], { weights = { 1, 2 } })
      local i = 100
      local c = latent[name](options[name]):partial_fit(iris:block(1, 100))
      c:partial_fit(function()
        i = i + 1
        if i <= 102 then return iris[i] end
      end)
      assert.near_matrix(a[field], c[field], 0)
    end
  end)

  it("is one column where there are none yet", function()
    assert.are.equal(1, #latent.scaler():partial_fit { 1, 2, 3 }.mean)
    assert.are.equal(1, #latent.gmm():fit(iris:col(1)).means[1])
  end)
end)
