-- latent.classifier.
local latent = require "latent"
local helper = require "helper"
local matrix, fails = latent.matrix, helper.fails

local function ppca(M) return function() return latent.ppca { latent_dim = M } end end

describe("classifier", function()
  local X, y, info = latent.datasets.iris()
  local names = {}
  for i = 1, #y do names[i] = info.classes[y[i] // 1 | 0] end

  -- log p(c) + log N(x; mean_c, S_c), by the D x D formulas and covariances of each class with divisor N
  local function quadratic_discriminant(priors)
    local lines = {}
    for c = 1, 3 do
      local C = X:rows_at(matrix.range(50 * c - 49, 50 * c))
      local Y = C - C:mean(1)
      local S = Y:t() * Y / 50
      local R = X - C:mean(1)
      local quadratic = ((R * S:inverse()) % R):sum(2)
      lines[c] = (quadratic + (S:logdet() + 4 * math.log(2 * math.pi))) * -0.5 + math.log(priors[c])
    end
    return matrix.vstack(lines)
  end

  it("with full Gaussians is quadratic discriminant analysis", function()
    local c = latent.classifier(ppca(3)):fit(X, y)
    local log_p = quadratic_discriminant { 1 / 3, 1 / 3, 1 / 3 }
    local total = log_p:exp():sum(1):log()
    assert.near_matrix((log_p - total):t(), c:log_posteriors(X), 1e-8)
    assert.near_matrix((log_p - total):exp():t(), c:posteriors(X), 1e-9)
    assert.near_matrix(c:posteriors(X), c:responsibilities(X), 0)
    assert.near_matrix(total, c:log_likelihood(X), 1e-9)
    assert.near(total:mean(), c:score(X), 1e-11)
    assert.near_matrix(log_p:argmax(1), c:predict(X), 0)
    assert.equal(147 / 150, c:score(X, y)) -- scikit-learn 1.9.1: QuadraticDiscriminantAnalysis().fit(X, y).score(X, y)
    assert.near_matrix({ { 50, 0, 0 }, { 0, 48, 2 }, { 0, 1, 49 } }, c:confusion(X, y), 0)
  end)

  it("takes and gives labels that are numbers or strings", function()
    local c = latent.classifier(ppca(2)):fit(X, y)
    assert.same({ 1, 2, 3 }, c.classes)
    assert.equal("integer", math.type(c.classes[1]))
    local s = latent.classifier(ppca(2)):fit(X, names)
    assert.same({ "setosa", "versicolor", "virginica" }, s.classes)
    local predicted = c:predict(X)
    for i, name in ipairs(s:predict(X)) do assert.equal(s.classes[predicted[i] // 1 | 0], name) end
    assert.equal(c:score(X, y), s:score(X, names))
    local list = y:table()
    for i = 1, #list do list[i] = list[i] / 2 end -- 0.5, 1, 1.5
    local h = latent.classifier(ppca(2)):fit(X, list)
    assert.near_matrix(predicted / 2, h:predict(X), 0)
    assert.equal("classifier, fitted: 3 classes: 0.5, 1, 1.5", tostring(h))
    assert.equal(predicted[7] // 1 | 0, c:predict(X[7])) -- a vector is a row
    assert.equal("setosa", s:predict(X[7]))
    assert.equal(c:log_likelihood(X)[7], c:log_likelihood(X[7]))
    assert.equal(c:log_likelihood(X[7]), c:score(X[7]))
    assert.equal(1, s:score(X[7], "setosa"))
    assert.same(c:posteriors(X)[7]:table(), c:posteriors(X[7]):table())
    assert.same(c:log_posteriors(X)[7]:table(), c:log_posteriors(X[7]:table()):table())
    assert.equal(1, c:posteriors(X:block(7, 7, 1, 4)).rows) -- a matrix of one row isn't a vector
  end)

  it("estimates priors, or takes them", function()
    local rows = matrix.range(1, 120)
    local Y, labels = X:rows_at(rows), y:rows_at(rows)
    assert.near_matrix({ 50 / 120, 50 / 120, 20 / 120 }, latent.classifier(ppca(1)):fit(Y, labels).priors, 1e-15)
    local function priors(given, targets)
      return latent.classifier(ppca(1), { priors = given }):fit(Y, targets or labels)
    end
    assert.near_matrix({ 1 / 3, 1 / 3, 1 / 3 }, priors("equal").priors, 1e-15)
    assert.near_matrix({ 0.1, 0.2, 0.7 }, priors({ 1, 2, 7 }).priors, 1e-15)
    assert.near_matrix({ 0.1, 0.2, 0.7 }, priors(matrix { 1, 2, 7 }).priors, 1e-15)
    local some = table.move(names, 1, 120, 1, {})
    assert.near_matrix({ 0.1, 0.2, 0.7 }, priors({ virginica = 7, setosa = 1, versicolor = 2 }, some).priors, 1e-15)
    assert.near_matrix({ 0.1, 0.2, 0.7 }, priors({ 1, 2, 7 }, some).priors, 1e-15)
    assert.near_matrix({ 0.1, 0.2, 0.7 }, priors({ 1, 2, 7 }, labels - 1).priors, 1e-15) -- 0, 1 and 2
    assert.near_matrix({ 0.1, 0.2, 0.7 }, priors({ [0] = 1, [1] = 2, [2] = 7 }, labels - 1).priors, 1e-15)
    -- a prior moves log-odds by its logarithm
    local a, b = priors("equal"), priors { 1, 2, 7 }
    local function odds(c) return c:log_posteriors(X):col(3) - c:log_posteriors(X):col(1) end
    assert.near_matrix(odds(a) + math.log(7), odds(b), 1e-10)
    local none = priors { 0, 1, 1 }
    assert.equal(0, none:posteriors(X):col(1):max())
    assert.near_matrix(matrix.ones(150), none:posteriors(X):sum(2), 1e-12)
  end)

  it("makes a model for each class, by its name", function()
    local seen = {}
    local c = latent.classifier(function(class)
      seen[#seen + 1] = class
      return class == "setosa" and latent.gmm { components = 2, seed = 1 } or latent.ppca { latent_dim = 2 }
    end):fit(X, names)
    assert.same({ "setosa", "versicolor", "virginica" }, seen)
    assert.equal(2, c.models[1].means.rows)
    assert.equal(2, c.models[2].W.cols)
    assert.equal(c.models[1]:free_parameters() + 2 * 12 + 2, c:free_parameters())
    local rows = X:rows_at(matrix.range(1, 50))
    assert.near_matrix(c.models[1]:log_likelihood(rows),
      latent.gmm { components = 2, seed = 1 }:fit(rows):log_likelihood(rows), 1e-13)
  end)

  it("classifies with mixtures of discrete columns, too", function()
    local digits, labels = latent.datasets.digits()
    local on = digits:gt(8)
    local c = latent.classifier(function()
      return latent.mixture { components = 3, family = "bernoulli", smoothing = 0.5, restarts = 1 }
    end):fit(on, labels)
    assert.is_true(c:score(on, labels) > 0.93)
    assert.equal(0, c.classes[1])
  end)

  it("has log-odds of any size", function()
    local far = matrix { { 0, 0 }, { 1, 0 }, { 0, 1 }, { 1e5, 0 }, { 1e5, 1 }, { 1e5 + 1, 0 } }
    local c = latent.classifier(ppca(0)):fit(far, { 1, 1, 1, 2, 2, 2 })
    local log_p = c:log_posteriors(far)
    assert.equal(0, log_p:isnan():sum())
    assert.is_true(log_p(1, 2) < -1e9 and log_p(1, 2) > -math.huge)
    assert.near_matrix({ { 1, 0 }, { 0, 1 } }, c:posteriors(far:rows_at { 1, 4 }), 0)
  end)

  it("shares rows that no class has equally", function()
    local c = latent.classifier(function() return latent.mixture { family = "bernoulli" } end)
      :fit({ { 1, 1 }, { 1, 1 }, { 0, 0 } }, { 1, 1, 2 })
    assert.near_matrix({ { 0.5, 0.5 }, { 1, 0 } }, c:posteriors { { 1, 0 }, { 1, 1 } }, 0)
    assert.equal(-math.huge, c:log_likelihood({ { 1, 0 } })[1])
  end)

  it("passes weights and missing entries on to the models", function()
    local weights, list, labels = {}, {}, {}
    for i = 1, 150 do
      weights[i] = i % 3
      for _ = 1, i % 3 do list[#list + 1], labels[#labels + 1] = i, y[i] end
    end
    local a = latent.classifier(ppca(2)):fit(X, y, { weights = weights })
    local b = latent.classifier(ppca(2)):fit(X:rows_at(list), labels)
    assert.near_matrix(b.priors, a.priors, 1e-15)
    assert.near_matrix(b:log_likelihood(X), a:log_likelihood(X), 1e-9)
    local gaps = X:copy()
    for i = 1, 150 do gaps:set(i, i % 4 + 1, 0 / 0) end
    local c = latent.classifier(ppca(1)):fit(gaps, y, { missing = true })
    assert.near_matrix(c.models[2].W, latent.ppca():fit(gaps:block(51, 100), { missing = true }).W, 0)
    assert.is_true(c:score(gaps, y) > 0.9)
    fails("row 1, column 2", b.predict, b, gaps)
  end)

  it("classifies digits above 97 % in 10-fold cross-validation", function()
    local digits, labels = latent.datasets.digits()
    local right = 0
    for train, test in latent.folds(#digits, 10, { seed = 1, labels = labels }) do
      local c = latent.classifier(ppca(8)):fit(digits:rows_at(train), labels:rows_at(train))
      right = right + c:confusion(digits:rows_at(test), labels:rows_at(test)):trace()
    end
    assert.is_true(right / #digits > 0.98)
  end)

  it("draws samples of all classes", function()
    local c = latent.classifier(ppca(3), { priors = { 1, 2, 1 } }):fit(X, names)
    local drawn, labels = c:sample(4000, { seed = 3 })
    local counts, rows = {}, {}
    for i, label in ipairs(labels) do
      counts[label] = (counts[label] or 0) + 1
      if label == "versicolor" then rows[#rows + 1] = i end
    end
    assert.near(2000, counts.versicolor, 150)
    assert.near_matrix(c.models[2].mean, drawn:rows_at(rows):mean(1), 0.05)
    assert.is_true(drawn == c:sample(4000, { seed = 3 }))
  end)

  it("says what is wrong, and stays as it was", function()
    local c = latent.classifier(ppca(2))
    fails("classifier:predict: the model is not fitted yet", c.predict, c, X)
    fails("classifier:score: the model is not fitted yet", c.score, c, X, y)
    fails("classifier:posteriors: self must be a classifier", c.posteriors, 3, X)
    fails("classifier:predict: self must be a classifier", c.predict, 3, X)
    fails("there are 149 labels for 150 rows", c.fit, c, X, y:block(1, 149))
    fails("y must be a vector or a list of labels, got nil", c.fit, c, X)
    fails("X must be a matrix, got nil", c.fit, c)
    local mixed = table.move(names, 1, 150, 1, {})
    mixed[3] = 7
    fails("label 3 is 7; labels are all numbers or all strings", c.fit, c, X, mixed)
    fails("label 2 of y is NaN", c.fit, c, { { 1 }, { 2 } }, { 1, 0 / 0 })
    mixed[3] = "mutabilis"
    fails("class 'mutabilis': ppca:fit: X has 1 row", c.fit, c, X, mixed)
    assert.equal("classifier, not fitted", tostring(c))
    c:fit(X, names)
    local before = c.models[1]
    fails("class 'mutabilis'", c.fit, c, X, mixed)
    assert.equal(before, c.models[1])
    fails("class 'setosa': ppca:log_likelihood: X has 3 columns", c.predict, c, X:block(1, 150, 1, 3))
    fails("label 3 is 'mutabilis', which is no class", c.confusion, c, X, mixed)
    assert.near(c:score(X, names) - 1 / 150, c:score(X, mixed), 1e-14)
    fails("unknown option 'weight'", c.fit, c, X, names, { weight = {} })
    fails("there are 2 weights for 150 rows", c.fit, c, X, names, { weights = { 1, 2 } })

    fails("the first argument must be a function that makes a model, got a latent.PPCA", latent.classifier,
      latent.ppca())
    fails("unknown option 'prior'; did you mean 'priors'?", latent.classifier, ppca(1), { prior = "equal" })
    fails('priors must be "estimated", "equal" or numbers, got \'even\'', latent.classifier, ppca(1),
      { priors = "even" })
    local function with(make, options)
      return function() return latent.classifier(make, options):fit(X, y) end
    end
    fails("the function must return a model with fit and log_likelihood, for class 1 it returned nil",
      with(function() end))
    fails("for class 1 it returned a latent.PCA", with(function() return latent.pca() end))
    fails("class 1: oops", with(function() error("oops", 0) end))
    local one = latent.ppca()
    fails("for class 2 it returned that of class 1", with(function() return one end))
    fails("the prior of class 3 must be a finite number >= 0, got nil", with(ppca(1), { priors = { 1, 1 } }))
    fails("there are 4 priors for 3 classes", with(ppca(1), { priors = { 1, 1, 1, 1 } }))
    fails("all priors are 0", with(ppca(1), { priors = { 0, 0, 0 } }))
  end)
end)
