-- latent.split, latent.folds and latent.cross_validate.
local latent = require "latent"
local helper = require "helper"
local matrix, fails = latent.matrix, helper.fails

describe("folds", function()
  it("leave every row out once, in sizes that differ by one at most", function()
    local seen, count = {}, 0
    for train, test in latent.folds(23, 5, { seed = 1 }) do
      count = count + 1
      assert.equal(23, #train + #test)
      assert.is_true(#test == 4 or #test == 5)
      local tested = {}
      for i = 1, #test do
        assert.is_nil(seen[test[i]])
        seen[test[i]], tested[test[i]] = true, true
      end
      for i = 1, #train do assert.is_nil(tested[train[i]]) end
    end
    assert.equal(5, count)
    for i = 1, 23 do assert.is_true(seen[i]) end
  end)

  it("have their share of every class", function()
    local labels = {}
    for i = 1, 60 do labels[i] = i <= 40 and "a" or i <= 55 and "b" or "c" end
    for _, test in latent.folds(60, 5, { seed = 2, labels = labels }) do
      local counts = { a = 0, b = 0, c = 0 }
      for i = 1, #test do counts[labels[test[i] // 1 | 0]] = counts[labels[test[i] // 1 | 0]] + 1 end
      assert.same({ a = 8, b = 3, c = 1 }, counts)
    end
  end)

  it("are the same for the same seed", function()
    local function first(seed) return select(2, latent.folds(50, 7, { seed = seed })()) end
    assert.is_true(first(3) == first(3))
    assert.is_false(first(3) == first(4))
  end)

  it("say what is wrong", function()
    fails("folds: n must be an integer >= 2", latent.folds, 1, 2)
    fails("folds: k must be an integer >= 2, got 1", latent.folds, 5, 1)
    fails("folds: k is 6, and there are 5 rows", latent.folds, 5, 6)
    fails("folds: there are 3 labels for 5 rows", latent.folds, 5, 2, { labels = { 1, 2, 3 } })
    fails("labels must be a vector or a list", latent.folds, 5, 2, { labels = 3 })
    fails("unknown option 'label'", latent.folds, 5, 2, { label = {} })
  end)
end)

describe("split", function()
  local X, y = latent.datasets.iris()

  it("gives every row to one of two parts, in their order", function()
    for _, test in ipairs { 0.25, 0.01, 0.999, 1, 22 } do
      local rows, tested = latent.split(23, { test = test, seed = 1 })
      local expected = test == 0.25 and 6 or test == 0.01 and 1 or test == 0.999 and 22 or test
      assert.equal(expected, #tested)
      local all = matrix.hstack { rows:reshape(1, #rows), tested:reshape(1, #tested) }:flatten():sort()
      assert.is_true(all == matrix.range(1, 23))
      assert.is_true(rows == rows:sort() and tested == tested:sort())
    end
    assert.equal(38, #select(2, latent.split(X, { seed = 1 }))) -- a quarter of 150
  end)

  it("cuts matrices, vectors and lists alike", function()
    local names = {}
    for i = 1, 150 do names[i] = "flower " .. i end
    local X1, X2, y1, y2, n1, n2 = latent.split(X, y, names, { test = 50, seed = 3 })
    local r1, r2 = latent.split(150, { test = 50, seed = 3 })
    assert.is_true(X1 == X:rows_at(r1) and X2 == X:rows_at(r2) and y1 == y:rows_at(r1) and y2 == y:rows_at(r2))
    for i = 1, 100 do assert.equal(names[r1[i] // 1 | 0], n1[i]) end
    assert.equal(50, #n2)
    assert.equal(names[r2[7] // 1 | 0], n2[7])
    assert.is_false(X1 == latent.split(X, { test = 50, seed = 4 }))
  end)

  it("gives both parts their share of every class", function()
    local _, _, y1, y2 = latent.split(X, y, { test = 0.2, labels = y, seed = 1 })
    assert.near_matrix({ 40, 40, 40 }, select(2, y1:unique()), 0)
    assert.near_matrix({ 10, 10, 10 }, select(2, y2:unique()), 0)
    local labels = {}
    for i = 1, 40 do labels[i] = i <= 30 and "many" or "few" end
    for seed = 1, 5 do
      local few = 0
      local _, test = latent.split(labels, { labels = labels, test = 8, seed = seed })
      for _, label in ipairs(test) do few = few + (label == "few" and 1 or 0) end
      assert.equal(2, few)
    end
  end)

  it("draws every row as often as others", function()
    local counts, n = matrix.zeros(10), 2000
    for seed = 1, n do
      local _, test = latent.split(10, { test = 3, seed = seed })
      for i = 1, 3 do counts[test[i]] = counts[test[i]] + 1 end
    end
    -- binomial, of deviation sqrt(n 0.3 0.7)
    for i = 1, 10 do assert.near(0.3 * n, counts[i], 4 * math.sqrt(n * 0.21)) end
  end)

  it("leaves the last rows for the test, where order counts", function()
    local Y = latent.datasets.nile()
    local first, last = latent.split(Y, { test = 0.1, shuffle = false })
    assert.is_true(first == Y:block(1, 90) and last == Y:block(91, 100))
  end)

  it("says what is wrong", function()
    local function with(...)
      local arguments = table.pack(...)
      return function() latent.split(table.unpack(arguments, 1, arguments.n)) end
    end
    fails("split: X must be a matrix or a list, got nil", with(nil))
    fails("split: argument 2 must be a matrix, a list, or the options, got 3", with(X, 3))
    fails("split: X must be a matrix or a list, got a table", with { test = 1 })
    fails("split: there are 2 rows of argument 2 for 150 rows", with(X, { 1, 2 }))
    fails("split: unknown option 'tests'; did you mean 'test'?", with(X, { tests = 1 }))
    fails("split: test must be a share between 0 and 1, or a number of rows, got 1.0", with(X, { test = 1.0 }))
    fails("split: test must be a share", with(X, { test = 0 / 0 }))
    fails("split: test must be an integer >= 1, got 0", with(X, { test = 0 }))
    fails("split: test must be at most 149, got 150", with(X, { test = 150 }))
    fails("split: there are 1 labels for 150 rows", with(X, { labels = { 1 } }))
    fails("split: n must be an integer >= 2, got 1", with(1))
    fails("split: there must be two rows at least, got 1", with(matrix { { 1, 2 } }))
    fails("split: shuffle = false keeps the order", with(X, { shuffle = false, seed = 1 }))
    fails("split: seed must be an integer or a latent.Random, got 'a'", with(X, { seed = "a" }))
  end)
end)

describe("cross_validate", function()
  local X, y, info = latent.datasets.iris()
  local function ppca() return latent.ppca { latent_dim = 2 } end
  local function classifier() return latent.classifier(ppca) end

  it("is the mean score of folds that a model isn't fitted to", function()
    local mean, scores = latent.cross_validate(ppca, X, { folds = 4, seed = 2 })
    local sum, k = 0, 0
    for train, test in latent.folds(150, 4, { seed = 2 }) do
      k = k + 1
      local expected = ppca():fit(X:rows_at(train)):score(X:rows_at(test))
      assert.equal(expected, scores[k])
      sum = sum + expected
    end
    assert.equal(4, #scores)
    assert.near(sum / 4, mean, 1e-14)
    assert.equal(5, #select(2, latent.cross_validate(ppca, X, { seed = 2 })))
  end)

  it("finds how many latent variables data have", function()
    local Y = latent.datasets.low_rank(300, 8, 3, { noise = 0.3 })
    local best, best_dim = -math.huge, nil
    for dim = 1, 6 do
      local score = latent.cross_validate(function() return latent.ppca { latent_dim = dim } end, Y, { seed = 1 })
      if score > best then best, best_dim = score, dim end
    end
    assert.equal(3, best_dim)
  end)

  it("is a classifier's accuracy, with labels as an argument or an option, numbers or strings", function()
    local names = {}
    for i = 1, 150 do names[i] = info.classes[y[i] // 1 | 0] end
    local mean, scores = latent.cross_validate(classifier, X, y, { seed = 1, folds = 10 })
    assert.is_true(mean > 0.95 and mean < 1)
    assert.equal(10, #scores)
    local k = 0
    for train, test in latent.folds(150, 10, { seed = 1, labels = y }) do
      k = k + 1
      local c = classifier():fit(X:rows_at(train), y:rows_at(train))
      local predicted = c:predict(X:rows_at(test))
      assert.equal(latent.metrics.accuracy(y:rows_at(test), predicted), scores[k])
    end
    assert.same({ mean, scores }, { latent.cross_validate(classifier, X, names, { seed = 1, folds = 10 }) })
    assert.same({ mean, scores }, { latent.cross_validate(classifier, X, { labels = y, seed = 1, folds = 10 }) })
  end)

  it("uses labels of densities for the folds alone", function()
    local _, scores = latent.cross_validate(ppca, X, y, { folds = 3, seed = 5 })
    local k = 0
    for train, test in latent.folds(150, 3, { seed = 5, labels = y }) do
      k = k + 1
      assert.equal(ppca():fit(X:rows_at(train)):score(X:rows_at(test)), scores[k])
    end
  end)

  it("takes every model with a score, options of fit, and scores of the user's", function()
    local positive, counts = X + 1, X:floor()
    local small = { input_dim = 4, latent_dim = 2, hidden = 4, likelihood = "gaussian", seed = 1 }
    for name, options in pairs { kmeans = { clusters = 2, seed = 1 }, gmm = { components = 2, seed = 1 },
      fa = { latent_dim = 1 }, bpca = {}, mppca = { latent_dim = 1, seed = 1 }, ica = { seed = 1 }, lds = {} } do
      local mean = latent.cross_validate(function() return latent[name](options) end, positive, { folds = 2, seed = 1 })
      assert.is_true(mean == mean and mean < 0, name)
    end
    local poisson = latent.cross_validate(function() return latent.mixture { family = "poisson", seed = 1 } end, counts,
      { folds = 2, seed = 1 })
    assert.is_true(poisson < 0)
    for _, name in ipairs { "vae", "nonlinear" } do
      local bound = latent.cross_validate(function() return latent[name](small) end, X,
        { folds = 2, seed = 1, fit = { epochs = 1 } })
      assert.is_true(bound < 0)
    end
    local function error_of(model, test) return -(model:reconstruct(test) - test):square():mean() end
    local mean = latent.cross_validate(function() return latent.pca { latent_dim = 3 } end, X,
      { seed = 1, score = error_of })
    assert.is_true(mean < 0 and mean > -0.01) -- the least of four eigenvalues is 0.0238, of which a fourth a column
    local fitted = 0
    latent.cross_validate(ppca, X, { seed = 1, fit = function(model, train)
      fitted = fitted + #train
      model:fit(train)
    end })
    assert.equal(4 * 150, fitted)
  end)

  it("knows missing entries, and lists of sequences", function()
    local holes = X:copy()
    for i = 1, 150, 7 do holes:set(i, i % 4 + 1, 0 / 0) end
    local mean = latent.cross_validate(ppca, holes, { seed = 1, fit = { missing = true } })
    assert.near(latent.cross_validate(ppca, X, { seed = 1 }), mean, 0.3)
    local truth, sequences = latent.lds { A = 0.8, C = 1, Q = 1, R = 0.5 }, {}
    for i = 1, 6 do sequences[i] = truth:sample(40 + i, { seed = i }) end
    local function lds() return latent.lds { latent_dim = 1, max_iterations = 20 } end
    local score, scores = latent.cross_validate(lds, sequences, { folds = 3, seed = 1 })
    assert.equal(3, #scores)
    assert.near(truth:score(sequences), score, 0.1)
  end)

  it("is the same for the same seed", function()
    local function run(seed) return (latent.cross_validate(ppca, X, { seed = seed })) end
    assert.equal(run(1), run(1))
    assert.are_not.equal(run(1), run(2))
    assert.equal(run(7), run(latent.random(7)))
  end)

  it("says what is wrong", function()
    local function with(...)
      local arguments = table.pack(...)
      return function() latent.cross_validate(table.unpack(arguments, 1, arguments.n)) end
    end
    fails("cross_validate: make must be a function that makes a model, got a latent.GMM; write function()",
      with(latent.gmm(), X))
    fails("cross_validate: make must return a model, got 3", with(function() return 3 end, X))
    local one = ppca()
    fails("for fold 2 it returned that of fold 1", with(function() return one end, X))
    fails("cross_validate: a latent.PCA has no score; the option score can be a function(model, X, y)",
      with(function() return latent.pca() end, X))
    fails("cross_validate: a table has no fit", with(function() return {} end, X))
    fails("cross_validate: fold 1: out", with(function() error("out", 0) end, X))
    fails("cross_validate: X must be a matrix, got nil", with(ppca))
    fails("cross_validate: folds must be an integer >= 2, got 1", with(ppca, X, { folds = 1 }))
    fails("cross_validate: folds must be at most 150, got 151", with(ppca, X, { folds = 151 }))
    fails("cross_validate: unknown option 'fold'; did you mean 'folds'?", with(ppca, X, { fold = 3 }))
    fails("cross_validate: there are 3 labels for 150 rows", with(ppca, X, { 1, 2, 3 }))
    fails("cross_validate: labels must be a vector or a list of labels, got 3", with(ppca, X, 3))
    fails("cross_validate: labels are given twice", with(ppca, X, y, { labels = y }))
    fails("cross_validate: fit must be a table of options, or a function(model, X, y), got 3",
      with(ppca, X, { fit = 3 }))
    fails("cross_validate: score must be a function, got 3", with(ppca, X, { score = 3 }))
    fails("cross_validate: fold 1: score must be a number, got nan",
      with(ppca, X, { score = function() return 0 / 0 end }))
    fails("cross_validate: fold 1: ppca:fit: unknown option 'epochs'", with(ppca, X, { fit = { epochs = 3 } }))
  end)
end)
