-- What errors say: the remedy for NaN; never Lua's own words, and the same ones in every run.
local latent = require "latent"
local helper = require "helper"
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
        if model[method] then fails(knows, model[method], model, gap) end
      end
      model = make():fit(iris)
      for _, method in ipairs { "transform", "posterior", "reconstruct", "responsibilities", "predict",
        "log_likelihood", "score", "aic", "bic", "elbo" } do
        if model[method] then fails(knows, model[method], model, gap) end
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
        if model[method] then fails(remedy, model[method], model, gap) end
      end
      local model = latent[name](options):fit(iris)
      for _, method in ipairs { "transform", "reconstruct", "predict", "log_likelihood", "score", "distortion" } do
        if model[method] then fails(remedy, model[method], model, gap) end
      end
      fails(("missing: this model does not know missing entries; latent.%s knows"):format(other), model.fit, model,
        iris, { missing = false })
    end
    local remedy = "X(3,2) is nan; data are finite numbers: latent.mppca knows missing entries"
    for _, name in ipairs { "vae", "nonlinear" } do
      local model = latent[name] { input_dim = 4, latent_dim = 1, hidden = 4, likelihood = "gaussian" }
      for _, method in ipairs { "step", "loss", "log_likelihood", "transform", "elbo" } do
        if model[method] then fails(remedy, model[method], model, gap) end
      end
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
