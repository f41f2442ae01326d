-- model:plot: which panels a model has, and that what they show are the model's numbers.
local latent = require "latent"
local helper = require "helper"
local docs = require "latent.docs.init"
local models = require "latent.plot.models"
local matrix = latent.matrix
local fails, column = helper.fails, helper.column

local iris, species, about = latent.datasets.iris()
local carrying = iris
iris = matrix(iris:table()) -- without names and labels
local faithful = matrix((latent.datasets.faithful()):table())
local NAMES = { "setosa", "versicolor", "virginica" }

local function near(expected, got, tolerance)
  if type(expected) ~= "table" then expected = expected:table() end
  assert.equal(#expected, #got)
  for i, x in ipairs(expected) do assert.is_near(x, got[i], tolerance or 1e-9) end
end

local function titles(figure)
  local list = {}
  for i, panel in ipairs(figure.grid.figures) do list[i] = panel.title end
  return list
end

local function panel(model, name, X, options)
  local all = { panels = { name } }
  for key, value in pairs(options or {}) do all[key] = value end
  return model:plot(X, all)
end

describe("the panels of every model", function()
  it("are those that are documented", function()
    local seen = 0
    for _, module in ipairs(docs) do
      for _, entry in ipairs(module) do
        local class = entry.name:match "^(%u%w*):plot$"
        if class then
          local documented, real = {}, {}
          for name in entry.text:gmatch '\n  "(%w+)"' do documented[#documented + 1] = name end
          for i, one in ipairs(models.panels(require("latent.check").maker(class))) do real[i] = one.name end
          table.sort(documented)
          table.sort(real)
          assert.same(real, documented, class)
          seen = seen + 1
        end
      end
    end
    assert.equal(19, seen)
  end)

  it("are one figure, or several in one", function()
    local pca = latent.pca { latent_dim = 2 }:fit(iris)
    assert.same({ "Variance explained", "Rows in the plane of the components" }, titles(pca:plot(iris)))
    local one = pca:plot(iris, { panels = { "scatter" }, title = "Iris" })
    assert.equal("Iris", one.title)
    assert.is_truthy(one:svg():find("<text>Iris</text>", 1, true))
    assert.equal("Variance explained", pca:plot().title) -- the other one needs X
    local whole = pca:plot(iris, { title = "Iris" })
    assert.is_truthy(whole:svg() and whole:text())
  end)

  it("take labels behind X for its classes, and what is known of X for no options", function()
    local pca = latent.pca { latent_dim = 2 }:fit(iris)
    local wanted = pca:plot(iris, { classes = species, title = "t" }):text(60)
    assert.equal(wanted, pca:plot(iris, species, { title = "t" }):text(60))
    assert.equal(wanted, pca:plot(iris, species, nil, { title = "t" }):text(60))
    local labelled = pca:plot(carrying, { title = "t" }):text(60)
    assert.equal(labelled, pca:plot(carrying, species, about, { title = "t" }):text(60))
    assert.equal(labelled, pca:plot(carrying, about, { title = "t" }):text(60))
    local classifier = latent.classifier(function() return latent.ppca { latent_dim = 1 } end):fit(iris, species)
    assert.equal(classifier:plot(iris, { classes = species }):text(60), classifier:plot(iris, species):text(60))
    fails("pca:plot: options must be a table, got 3", pca.plot, pca, iris, 3)
    fails("pca:plot: options must be a table, got 3", pca.plot, pca, iris, species, 3)
  end)

  it("say what is missing or wrong", function()
    local pca, gmm = latent.pca { latent_dim = 2 }:fit(iris), latent.gmm():fit(iris)
    fails("pca:plot: the model is not fitted yet", latent.pca().plot, latent.pca(), iris)
    fails("gmm:plot: X must be given: the picture shows the model with its data", gmm.plot, gmm)
    fails('pca:plot: X must be given for the panel "scatter"', pca.plot, pca, nil, { panels = { "scatter" } })
    fails("pca:plot: panels[1] must be one of scree, scatter, components, got 'scre'", pca.plot, pca, iris,
      { panels = { "scre" } })
    fails("pca:plot: X has 2 columns, the model was fitted on 4", pca.plot, pca, faithful)
    fails("gmm:plot: classes has 2 entries, X has 150", gmm.plot, gmm, iris, { classes = { 1, 2 } })
    fails("gmm:plot: names has 1 entries, the data has 4", gmm.plot, gmm, iris, { names = { "a" } })
    fails("gmm:plot: unknown option 'colour'", gmm.plot, gmm, iris, { colour = 1 })
    fails("pca:plot: self must be a pca, got", pca.plot)
    fails("pca:plot: shape is 3x3, but a row has 4 numbers", pca.plot, pca, iris,
      { panels = { "components" }, shape = { 3, 3 } })
    local lds = latent.lds { latent_dim = 1, max_iterations = 2 }:fit(faithful)
    fails("lds:plot: steps must be an integer >= 1, got 0", lds.plot, lds, faithful, { steps = 0 })
    fails("lds:plot: time has 2 entries, X has 272", lds.plot, lds, faithful, { time = { 1, 2 } })
    fails("the model has no history", latent.gan { input_dim = 2, hidden = 4 }.plot,
      latent.gan { input_dim = 2, hidden = 4 }, faithful, { panels = { "history" } })
  end)
end)

describe("projections", function()
  it("show shares of the variance, and scores", function()
    local pca = latent.pca { latent_dim = 3 }:fit(iris)
    local scree = panel(pca, "scree")
    near(pca.explained_ratio, column(scree.layers[1].rows, 2))
    assert.is_near(pca.explained_ratio:sum(), scree.layers[2].rows[3][2], 1e-12)
    local scatter = panel(pca, "scatter", iris, { classes = species, labels = NAMES })
    local Z = pca:transform(iris)
    near(Z:col(1):block(1, 50), column(scatter.layers[1].rows, 1))
    assert.same(NAMES, { scatter.layers[1].label, scatter.layers[2].label, scatter.layers[3].label })
    assert.is_true(scatter.equal)
    local one = panel(latent.pca { latent_dim = 1 }:fit(iris), "scatter", iris) -- a histogram
    assert.equal("bars", one.layers[1].kind)
  end)

  it("show variances of PPCA: eigenvalues of the covariance (closed form)", function()
    local ppca = latent.ppca { latent_dim = 2 }:fit(iris)
    local fig = panel(ppca, "scree")
    near(latent.pca { latent_dim = 2 }:fit(iris).eigenvalues, column(fig.layers[1].rows, 2), 1e-8)
    assert.is_near(ppca.noise_variance, fig.across[1].at, 1e-12)
    local none = latent.ppca { latent_dim = 0 }:fit(iris)
    fails("ppca:plot: latent_dim is 0: there are no directions to show", none.plot, none)
  end)

  it("show loadings in standard deviations: with the uniquenesses each row's squares add up to 1", function()
    local fa = latent.fa { latent_dim = 2 }:fit(iris:block(1, -1, 1, 4))
    local L, u = panel(fa, "loadings").layers[1].rows, column(panel(fa, "uniquenesses").layers[1].rows, 2)
    for d = 1, 4 do assert.is_near(1, L[d][1] ^ 2 + L[d][2] ^ 2 + u[d], 1e-6) end
  end)

  it("show W of Bayesian PCA, and which directions are on", function()
    local bpca = latent.bpca():fit(iris)
    local fig = bpca:plot()
    assert.equal("boxes", fig.grid.figures[1].layers[1].kind)
    near(1 / bpca.alpha, column(fig.grid.figures[2].layers[1].rows, 2), 1e-9)
  end)

  it("show sources in their own scale, and their directions", function()
    local S = matrix(200, 2, function(t, j) return j == 1 and math.sin(t / 5) or (t % 20) / 10 - 1 end)
    local X = S * matrix { { 1, 0.5 }, { 0.3, 1 } }
    local ica = latent.ica { seed = 1 }:fit(X)
    local fig = panel(ica, "signals", X)
    assert.same({ "source 1", "source 2" }, fig.yticks.labels)
    local y, s = column(fig.layers[1].rows, 2), ica:transform(X):col(1)
    assert.is_near(0.85 * (s[7] - s[1]) / (s:max() - s:min()), y[7] - y[1], 1e-9)
    local arrows = panel(ica, "directions", X).layers[2].rows
    for i = 1, 2 do near({ ica.mixing(1, i) * 2, ica.mixing(2, i) * 2 }, { arrows[i][3], arrows[i][4] }) end
    assert.equal(3, #ica:plot(X).grid.figures)
  end)

  it("show columns before and after scaling", function()
    local scaler = latent.scaler():fit(iris)
    local rows = panel(scaler, "columns", iris, { names = about.columns }).layers[1].rows
    near(iris:mean(1), column(rows, 2))
    near(iris:mean(1) + iris:std(1), column(rows, 4), 1e-9)
    near(matrix.zeros(4), column(panel(scaler, "scaled", iris).layers[1].rows, 2), 1e-9)
  end)
end)

describe("mixtures", function()
  it("show rows by component, and ellipses", function()
    local gmm = latent.gmm { components = 2, seed = 1 }:fit(faithful)
    local fig, labels = gmm:plot(faithful, { names = { "eruption", "wait" } }), gmm:predict(faithful)
    assert.same({ "eruption", "wait" }, { fig.xlabel, fig.ylabel })
    assert.same({ "component 1", "component 2" }, { fig.layers[1].label, fig.layers[2].label })
    assert.equal(labels:eq(1):sum(), #fig.layers[1].rows)
    -- every point of the first curve is at one deviation of the first component
    local P, m = gmm.covariances[1]:inverse(), gmm.means[1]
    for _, row in ipairs(fig.layers[3].rows) do
      local d = matrix(row) - m
      assert.is_near(1, d:dot(P * d), 1e-9)
    end
  end)

  it("are by component also where X carries labels, which pictures of scores show", function()
    local gmm = latent.gmm { components = 2, seed = 1 }:fit(carrying)
    assert.equal("component 1", gmm:plot(carrying).layers[1].label)
    assert.equal("setosa", gmm:plot(carrying, { classes = species }).layers[1].label)
    local pca = latent.pca { latent_dim = 2 }:fit(carrying)
    local scatter = panel(pca, "scatter", carrying)
    assert.same(NAMES, { scatter.layers[1].label, scatter.layers[2].label, scatter.layers[3].label })
    local names = panel(latent.scaler():fit(carrying), "columns", carrying).xticks.labels
    assert.same(carrying.names, names)
  end)

  it("in more dimensions are seen in the plane of the principal components", function()
    local mppca = latent.mppca { components = 2, latent_dim = 1, seed = 1 }:fit(iris)
    local fig = mppca:plot(iris, { classes = species, labels = NAMES })
    local pca = latent.pca { latent_dim = 2 }:fit(iris)
    local U, m = pca.components, pca:transform(mppca.means)
    local C = U:t() * mppca:covariance(2) * U
    local rows = fig.layers[3 + 4].rows -- three classes, two curves a component: the second's at two deviations
    assert.equal(97, #rows)
    for _, row in ipairs(rows) do
      local d = matrix(row) - m[2]
      assert.is_near(4, d:dot(C:solve(d)), 1e-8)
    end
    assert.is_true(fig.equal)
  end)

  it("of a row or two are seen in the first two columns", function()
    local fig = latent.gmm():fit(iris):plot(iris:block(1, 1))
    assert.same({ { iris(1, 1), iris(1, 2) } }, fig.layers[1].rows)
    assert.equal("x2", fig.ylabel)
  end)

  it("draw rows with missing entries where the model knows them", function()
    local gaps = iris:copy()
    gaps:set(7, 2, 0 / 0)
    local gmm = latent.gmm { components = 2, seed = 1 }:fit(gaps, { missing = true })
    assert.is_truthy(gmm:plot(gaps):svg())
    local pca = latent.pca { latent_dim = 2 }:fit(iris)
    fails("X has NaN at row 7, column 2: latent.ppca knows missing entries", pca.plot, pca, gaps)
  end)

  it("of one column are a histogram and the density", function()
    local x = faithful:block(1, -1, 1, 1):copy()
    local gmm = latent.gmm { components = 2, seed = 1 }:fit(x)
    local fig = gmm:plot(x)
    assert.same({ "bars", "line" }, { fig.layers[1].kind, fig.layers[2].kind })
    local sum, rows = 0, fig.layers[2].rows
    for i = 2, #rows do sum = sum + (rows[i][1] - rows[i - 1][1]) * (rows[i][2] + rows[i - 1][2]) / 2 end
    assert.is_near(1, sum, 0.01)
    assert.is_truthy(gmm:plot(faithful:col(1)):svg()) -- a vector is the column
    assert.equal("x", latent.kmeans { clusters = 2 }:fit(x):plot(x).across[1].axis)
  end)

  it("show clusters and centres", function()
    local kmeans = latent.kmeans { clusters = 3, seed = 1 }:fit(faithful)
    local fig = kmeans:plot(faithful)
    near(kmeans.centers:col(1), column(fig.layers[4].rows, 1))
    near(kmeans.history, column(panel(kmeans, "history").layers[1].rows, 2))
  end)

  it("show the parameters of other families", function()
    local X = matrix(60, 2, function(i, j) return (i % 2) * 5 + j end)
    local poisson = latent.mixture { components = 2, family = "poisson", seed = 1 }:fit(X)
    local fig = poisson:plot(X, { names = { "a", "b" } })
    local rows = fig.grid.figures[1].layers[1].rows
    for d = 1, 2 do near(poisson.rates:col(d), rows[d]) end
    assert.same({ "a", "b" }, fig.grid.figures[1].yticks.labels)
    near(poisson.weights, column(fig.grid.figures[2].layers[1].rows, 2))
    local categorical = latent.mixture { components = 2, family = "categorical", seed = 1 }:fit(matrix {
      { 1, 2 }, { 2, 1 }, { 1, 1 }, { 2, 3 } })
    fig = panel(categorical, "components")
    assert.same({ "x1 = 1", "x1 = 2", "x2 = 1", "x2 = 2", "x2 = 3" }, fig.yticks.labels)
    local digits = latent.datasets.digits():gt(8)
    local bernoulli = latent.mixture { components = 3, seed = 1, max_iterations = 3 }:fit(digits)
    assert.is_truthy(panel(bernoulli, "components").layers[1].image)
  end)

  it("of a user's own family show rows by component", function()
    local family = { -- Gaussians of variance 1
      log_density = function(m, X) return (X:col(1) - m):square() * -0.5 - 0.5 * math.log(2 * math.pi) end,
      fit = function(X, r) return (X:col(1) % r):sum() / r:sum() end,
    }
    local X = matrix { { 0 }, { 0.5 }, { 9 }, { 9.5 }, { 10 } }
    local model = latent.mixture { components = 2, family = family, seed = 1 }:fit(X)
    local fig = model:plot(X).grid.figures
    assert.equal("Rows by component", fig[2].title)
    fails("the family is the user's own", model.plot, model, X, { panels = { "components" } })
  end)

  it("show a classifier's classes, borders, mistakes and confusion", function()
    local Z = iris:block(1, -1, 3, 4):copy()
    local classifier = latent.classifier(function() return latent.gmm() end):fit(Z, species)
    local fig = classifier:plot(Z, { classes = species, labels = NAMES }).grid.figures
    local counts = classifier:confusion(Z, species)
    for k = 1, 3 do near(counts[k], fig[2].layers[1].rows[k]) end
    assert.same(NAMES, fig[2].xticks.labels)
    local wrong, border
    for _, layer in ipairs(fig[1].layers) do
      if layer.label == "mistakes" then wrong = #layer.rows end
      if layer.level then border = layer.rows[1] end
    end
    assert.equal(150 - counts:trace(), wrong)
    -- on a border two classes are as likely
    local p = classifier:posteriors(matrix { border })[1]:sort()
    assert.is_near(p[3], p[2], 0.05)
    fails("classifier:plot: the model is not fitted yet", latent.classifier(print).plot, latent.classifier(print))
  end)
end)

describe("series", function()
  local nile = matrix((latent.datasets.nile()):table())
  local lds = latent.lds(latent.blocks.local_level { level_variance = 1469, noise_variance = 15099 })

  it("go on as the forecast says", function()
    local fig = lds:plot(nile, { steps = 10, level = 0.9, names = { "flow" } })
    local ahead = lds:forecast(nile, 10, { level = 0.9 })
    local band, mean = fig.layers[3].rows, fig.layers[4].rows
    near(ahead.lower:col(1), column(band, 2))
    near(ahead.upper:col(1), column(band, 3))
    near(ahead.means:col(1), column(mean, 2))
    assert.equal(101, mean[1][1])
    near(lds:smooth(nile).means:col(1), column(fig.layers[2].rows, 2))
    assert.equal("flow", fig.ylabel)
  end)

  it("may have dates", function()
    local years = {}
    for i = 1, 100 do years[i] = ("%d-01"):format(1870 + i) end
    local fig = lds:plot(nile, { time = years, steps = 5 })
    assert.is_true(fig.dates)
    assert.is_near(-99 * 365.25 * 86400, fig.layers[1].rows[1][1], 86400) -- 1871-01
    assert.is_truthy(fig:svg():find("<text>1900</text>", 1, true))
  end)

  it("of a list are the first", function()
    assert.equal(100, #lds:plot({ nile, nile:block(1, 50) }).layers[1].rows)
  end)

  it("of several columns are one panel each", function()
    local Y = matrix(40, 2, function(t, j) return math.sin(t / 3 + j) end)
    Y = Y + matrix.normal(40, 2, latent.random(1)) * 0.1
    local model = latent.lds { latent_dim = 2, max_iterations = 3 }:fit(Y)
    assert.equal(2, #model:plot(Y).grid.figures)
    assert.equal(4, #model:plot(Y, { panels = { "series", "states", "history" } }).grid.figures)
  end)
end)

describe("nets", function()
  local digits, labels = latent.datasets.digits()
  digits = (digits:block(1, 200) / 16):to "float32"
  labels = labels:block(1, 200)

  it("of images show latent means, images and the loss", function()
    local vae = latent.vae { input_dim = 64, latent_dim = 3, hidden = 16, seed = 1 }:fit(digits, { epochs = 2 })
    local fig = vae:plot(digits, { classes = labels }).grid.figures
    assert.equal(3, #fig)
    local kl = vae:kl_per_unit(digits)
    local best = kl:argmax() // 1 | 0
    assert.equal("z" .. best, fig[1].xlabel)
    assert.is_truthy(fig[2].layers[1].image)
    near(vae.history, column(fig[3].layers[1].rows, 2), 1e-12)
    assert.equal(2, #vae:plot().grid.figures) -- images and loss need no rows
  end)

  it("of other rows show draws among them", function()
    local X = matrix.normal(100, 2, latent.random(1))
    local flow = latent.flow { input_dim = 2, kind = "maf", layers = 2, hidden = 8, seed = 1 }:fit(X, { epochs = 2 })
    local fig = flow:plot(X, { sample = { seed = 3 } }).grid.figures
    assert.equal(3, #fig)
    near(flow:sample(100, { seed = 3 }):col(1), column(fig[2].layers[2].rows, 1))
    local gan = latent.gan { input_dim = 2, hidden = 4, seed = 1 }:fit(X, { epochs = 2 })
    fig = gan:plot(X).grid.figures
    assert.same({ "critic", "generator" }, { fig[2].layers[1].label, fig[2].layers[3].label })
    local nonlinear = latent.nonlinear { input_dim = 2, latent_dim = 1, hidden = 4, samples = 20, seed = 1 }
    assert.equal("g(z), -2.5 to 2.5", (function(layers) return layers[#layers].label end)(
      panel(nonlinear, "density", X).layers))
  end)
end)
