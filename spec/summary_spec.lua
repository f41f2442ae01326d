-- What models and tables of results say of themselves: print, summary, pairs, options.
local latent = require "latent"
local helper = require "helper"
local matrix = latent.matrix

local X, species, about = latent.datasets.iris()

local function has(text, ...)
  for _, part in ipairs { ... } do
    assert.is_true(text:find(part, 1, true) ~= nil, ("%q isn't in\n%s"):format(part, text))
  end
end

describe("a model", function()
  it("prints sizes, options that aren't the default, and how its fit ended", function()
    local gmm = latent.gmm { components = 3, restarts = 2, covariance = "full" }:fit(X)
    local text = tostring(gmm)
    has(text, "gmm, fitted: weights 3, means 3x4, covariances 3x4x4", "K = 3, D = 4, 150 rows",
      "components = 3, restarts = 2", ("%d iterations, converged, objective %.6g"):format(gmm.iterations,
        gmm.history[#gmm.history]))
    assert.is_nil(text:find "covariance = ") -- the default
    assert.equal("gmm, not fitted\n  components = 2", tostring(latent.gmm { components = 2 }))
    has(tostring(latent.gmm { components = 2, max_iterations = 1 }:fit(X)), "1 iteration, not converged")
    has(tostring(latent.ppca { latent_dim = 1 }:fit(X:copy(), { missing = true })), "missing entries")
    has(tostring(latent.gmm { components = 2 }:fit(matrix.ones(30, 2))), "at a singularity")
  end)

  it("with nets prints sizes, options and epochs", function()
    local iris = latent.datasets.iris()
    local vae = latent.vae { input_dim = 4, latent_dim = 2, hidden = 8, likelihood = "gaussian" }
    local lines = "vae, 137 parameters\n  M = 2, D = 4\n"
      .. '  input_dim = 4, latent_dim = 2, hidden = 8, likelihood = "gaussian"'
    assert.equal(lines, tostring(vae))
    vae:fit(iris, { epochs = 2, batch = 50 })
    assert.equal(("%s\n  2 epochs, 6 iterations, objective %.6g"):format(lines, vae.history[2]), tostring(vae))
  end)

  it("of a time series prints its sizes, and a list of one word as that", function()
    local blocks = latent.blocks
    local text = tostring(latent.lds(blocks.seasonal { period = 4, variance = 1, noise_variance = 1 }))
    assert.is_truthy(text:find("\n  M = 3, D = 1\n", 1, true), text)
    assert.is_truthy(text:find('initial = { 3 of "diffuse" }', 1, true), text)
  end)

  it("gives the options it was made with, as a copy", function()
    local model = latent.gmm { components = 3, init = { means = { { 1 }, { 2 }, { 3 } } } }
    assert.equal(3, model.options.components)
    assert.equal(2, model.options.init.means[2][1])
    model.options.components = 7
    assert.equal(3, model.options.components)
    assert.same({}, latent.pca().options)
  end)

  it("is gone through by pairs: parameters and what the fit has left", function()
    local model, found = latent.gmm { components = 3 }:fit(X), {}
    for name, value in pairs(model) do found[name] = value end
    assert.is_true(found.means == model.means and found.weights == model.weights)
    assert.equal(3, #found.covariances)
    assert.equal(model.iterations, found.iterations)
    assert.same(model.history, found.history)
    assert.equal(150, found.observations)
    assert.same(about.columns, found.names)
    for name in pairs(found) do assert.is_truthy(name:find "^%l[%w_]*$", name) end
    assert.is_nil(next((function() local t = {} for k in pairs(latent.gmm()) do t[k] = true end return t end)()))
    local mean
    for name, value in pairs(latent.em { parameters = { m = 1 }, max_iterations = 2,
      e_step = function(p, x) return { s = x:sum(), n = #x * x.cols }, -(p.m - 1) ^ 2 end,
      m_step = function(s) return { m = s.s / s.n } end }:fit(X)) do
      if name == "parameters" then mean = value.m end
    end
    assert.near(X:mean(), mean, 1e-12)
  end)

  it("counts the rows of a whole fit, and none of updates, chunks and sequences", function()
    for _, make in ipairs { function() return latent.gmm() end, function() return latent.pca() end,
      function() return latent.ppca() end, function() return latent.kmeans { clusters = 2 } end } do
      local model = make():fit(X)
      assert.equal(150, model.observations)
      assert.is_nil(model:partial_fit(X[1]).observations)
      local given = false
      local chunks = make():fit(function()
        given = not given
        if given then return X end
      end)
      assert.is_nil(chunks.observations)
    end
    assert.equal(150, latent.gmm():fit(X:col(1)).observations)
    assert.equal(150, latent.ica { latent_dim = 2 }:fit(X).observations)
    assert.equal(100, latent.lds { latent_dim = 1, max_iterations = 1 }:fit((latent.datasets.nile())).observations)
    local nile = latent.datasets.nile()
    assert.is_nil(latent.lds { latent_dim = 1, max_iterations = 1 }:fit({ nile, nile }).observations)
  end)

  it("keeps names and rows in its file", function()
    local path = os.tmpname()
    assert(latent.fa { latent_dim = 1 }:fit(X):save(path))
    local loaded = assert(latent.load(path))
    os.remove(path)
    assert.same(about.columns, loaded.names)
    assert.equal(150, loaded.observations)
    has(loaded:summary(), "sepal_width", "150 rows")
  end)
end)

describe("print of a model", function()
  it("reads neither the documentation nor the descriptions", function()
    local output = helper.lua [[
      local latent = require "latent"
      local X = latent.datasets.iris()
      local models = { latent.gmm{ components = 2 }:fit(X), latent.pca():fit(X), latent.ppca():fit(X),
        latent.kmeans{ clusters = 2 }:fit(X), latent.gmm{}, latent.lds{ latent_dim = 1 },
        latent.vae{ input_dim = 4, latent_dim = 1, hidden = 3 }, latent.classifier(function() return latent.gmm() end) }
      latent.describe = function() error "described" end
      for _, model in ipairs(models) do tostring(model) end
      for name in pairs(package.loaded) do assert(not name:find "latent%.docs" and name ~= "latent.names", name) end
      print "ok"]]
    assert.equal("ok\n", output)
  end)

  it("raises what interrupts it", function()
    local output = helper.lua [[
      local latent = require "latent"
      local model = latent.gmm{ components = 2 }:fit(latent.datasets.iris())
      tostring(model)
      for at = 4, 140 do -- calls within print
        local calls = 0
        debug.sethook(function()
          calls = calls + 1
          if calls < at then return end
          debug.sethook()
          error("interrupted!", 0)
        end, "c")
        local ok, message = pcall(tostring, model)
        debug.sethook()
        assert(not ok and message:find "interrupted!", at)
      end
      print "ok"]]
    assert.equal("ok\n", output)
  end)
end)

describe("summary", function()
  it("of factor analysis is a table of standardized loadings", function()
    local fa = latent.fa { latent_dim = 1 }:fit(X)
    -- R 4.2: factanal(iris[, 1:4], 1): uniquenesses 0.240 0.822 0.005 0.069; loadings 0.872 -0.422 0.998 0.965;
    -- SS loadings 2.864, proportion 0.716; chi square 85.51 on 2 degrees of freedom, p 2.7e-19
    has(fa:summary(), "sepal_length   0.8716      0.2402", "sepal_width   -0.4221      0.8219", "petal_width    0.9647",
      "2.864  0.7159", "chi square 85.51 on 2 degrees of freedom, p = 2.7e-19")
  end)

  it("of principal components has variances, shares and directions", function()
    local pca = latent.pca { latent_dim = 2 }:fit(X)
    has(pca:summary(), "4.2   0.9246      0.9246", "0.9777", "petal_length", "PC2")
  end)

  it("of mixtures goes by component", function()
    for _, covariance in ipairs { "full", "tied", "diag", "spherical", "tied_diag", "tied_spherical" } do
      local gmm = latent.gmm { components = 2, covariance = covariance }:fit(X)
      local text, deviations = gmm:summary(), {}
      has(text, "Means", "Standard deviations", "sepal_length", ("%.4g"):format(gmm.weights[2]))
      local C = gmm:covariance(2)
      for j = 1, 4 do deviations[j] = ("%.4g"):format(math.sqrt(C(j, j))) end
      has(text, table.unpack(deviations))
    end
    has(latent.kmeans { clusters = 3, restarts = 5 }:fit(X):summary(), "Centers", "inertia 78.85", "rows")
    has(latent.mixture { components = 2, family = "poisson" }:fit(X:gt(2)):summary(), "Rates")
    has(latent.mppca { components = 2, latent_dim = 1 }:fit(X):summary(), "noise variance")
  end)

  it("is there for every model", function()
    local flow = latent.datasets.nile()
    has(latent.lds { latent_dim = 1, max_iterations = 3 }:fit(flow):summary(), "A, of z[t]", "R, the covariance of v")
    has(latent.vae { input_dim = 4, latent_dim = 2, hidden = 8 }:summary(), "encoder.1.weight", "4x8", "float32")
    has(latent.ica { latent_dim = 2 }:fit(X):summary(), "Mixing matrix", "sepal_length")
    has(latent.scaler():fit(X):summary(), "deviation", "petal_width")
    has(latent.bpca():fit(X):summary(), "alpha")
    has(latent.ppca { latent_dim = 1 }:fit(X):summary(), "Noise variance")
    has(latent.classifier(function() return latent.gmm() end):fit(X, species):summary(), "class 1, prior 0.3333",
      "Means")
    assert.equal("string", type(latent.ppca { latent_dim = 0 }:fit(X):summary()))
  end)
end)

describe("tables of results", function()
  it("print as tables", function()
    has(tostring(about), "columns  sepal_length, sepal_width", "Anderson")
    local lds = latent.lds { latent_dim = 1, max_iterations = 3 }:fit((latent.datasets.nile()))
    local forecast = lds:forecast((latent.datasets.nile()), 3, { level = 0.9 })
    has(tostring(forecast), "lower", "means", "upper", "covariances", "3 of 1x1 matrix",
      ("%.4g"):format(forecast.means[2][1] or forecast.means(2, 1)))
    has(tostring(latent.fa { latent_dim = 1 }:fit(X):test()), "statistic", "85.51", "p_value")
    has(tostring(lds:tracker():forecast(2)), "means")
    local itself = select(2, latent.datasets.faithful())
    itself.itself, itself.list = itself, { { 1, 2 }, { { { 3 } } } }
    has(tostring(itself), "columns  eruptions, waiting", "{...}", "list")
    local names = {}
    for name in pairs(forecast) do names[#names + 1] = name end
    assert.equal(6, #names) -- they are tables still
  end)
end)
