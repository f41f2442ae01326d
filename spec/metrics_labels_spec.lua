-- latent.metrics of labels, clusters and matrices: scikit-learn's and SciPy's numbers, closed forms, invariances, bits,
-- bad input.
local latent = require "latent"
local helper = require "helper"
local matrix, metrics = latent.matrix, latent.metrics
local fails = helper.fails

-- Two sets of 40 labels, and points, that every language can make.
local a, b = {}, {}
for k = 1, 40 do
  a[k] = k % 3 > 0 and k * k % 4 or k % 5
  b[k] = k * 7 % 3 + (k > 20 and 1 or 0)
end
local Z = matrix(40, 2, function(k, j) return j == 1 and math.sin(1.3 * k) or math.cos(2.1 * k) end)
local W = matrix(40, 2, function(k, j) return j == 1 and 0.9 * math.sin(0.9 * k) + 1 or 0.5 * math.cos(1.7 * k) end)

-- Labels with other names.
local function renamed(labels, names)
  local list = {}
  for i, label in ipairs(labels) do list[i] = names[label + 1] end
  return list
end
local NAMES = { "red", true, 7.5, false, "" }

describe("metrics of labels", function()
  it("are scikit-learn's", function() -- 1.9.1
    assert.near(0.02997331143502361, metrics.adjusted_rand(a, b), 1e-14)
    for average, expected in pairs { arithmetic = 0.16513618361295215, geometric = 0.16514945786978164,
      min = 0.16725677266613825, max = 0.16306869372115157 } do
      assert.near(expected, metrics.normalized_mutual_information(a, b, { average = average }), 1e-14)
    end
    assert.near(0.16513618361295215, metrics.normalized_mutual_information(a, b), 1e-14)
    assert.near(0.175, metrics.accuracy(a, b), 1e-15)
    local counts, classes = metrics.confusion(a, b)
    assert.near_matrix({ { 1, 4, 8, 3, 0 }, { 1, 6, 6, 3, 0 }, { 1, 1, 0, 0, 0 }, { 2, 1, 0, 0, 0 },
      { 1, 2, 0, 0, 0 } }, counts, 0)
    assert.same({ 0, 1, 2, 3, 4 }, classes)
    local positive, scores = {}, {}
    for k = 1, 40 do
      positive[k] = k % 3 == 0
      scores[k] = math.floor(math.sin(k) * 4 + 0.5) / 4 -- with many ties
    end
    assert.near(0.5071225071225072, metrics.auc(positive, scores), 1e-15)
    assert.near(1 - 0.5071225071225072, metrics.auc(positive, scores, { positive = false }), 1e-15)
    assert.near(0.5071225071225072, metrics.auc(positive, matrix(scores)), 1e-15)
  end)

  it("take vectors and lists of any values, whatever their names", function()
    local names_a, names_b = renamed(a, NAMES), renamed(b, { "x", "y", "z", "w" })
    assert.equal(metrics.adjusted_rand(a, b), metrics.adjusted_rand(names_a, names_b))
    assert.equal(metrics.adjusted_rand(a, b), metrics.adjusted_rand(matrix(a), matrix(b):column()))
    assert.near(metrics.normalized_mutual_information(a, b), metrics.normalized_mutual_information(names_a, names_b),
      1e-15)
    assert.equal(metrics.accuracy(a, b), metrics.accuracy(matrix(a), b))
    assert.equal(1, metrics.accuracy(names_a, names_a))
    local counts, classes = metrics.confusion(names_a, names_a)
    assert.same({ false, true, 7.5, "", "red" }, classes)
    assert.equal(40, counts:trace())
    assert.near_matrix({ { 1, 0 }, { 1, 2 } }, metrics.confusion({ "y", "n", "y", "y" }, { "y", "n", "n", "y" }), 0)
    assert.near_matrix({ { 2, 1 }, { 0, 1 } }, (metrics.confusion({ "y", "n", "y", "y" }, { "y", "n", "n", "y" },
      { classes = { "y", "n" } })), 0)
  end)

  it("have their closed forms at the ends", function()
    for _, f in ipairs { metrics.adjusted_rand, metrics.normalized_mutual_information } do
      assert.equal(1, f({ 1, 1, 2, 2 }, { 5, 5, 7, 7 }))
      assert.equal(1, f({ 1, 1 }, { 3, 3 }))
      assert.equal(1, f({ 1, 2, 3 }, { 3, 1, 2 }))
      assert.equal(0, f({ 1, 1, 2, 2 }, { 1, 1, 1, 1 }))
    end
    assert.equal(0, metrics.normalized_mutual_information({ 1, 1, 2, 2 }, { 1, 2, 1, 2 }))
    -- no pair is together in both, of 6: -(2 * 2/6)/(2 - 2 * 2/6) = -1/2
    assert.near(-0.5, metrics.adjusted_rand({ 1, 1, 2, 2 }, { 1, 2, 1, 2 }), 1e-15)
    -- {1,1,1,2} and {1,1,2,2}: together 1, in a 3, in b 2, of 6: (1 - 1)/(2.5 - 1) = 0
    assert.equal(0, metrics.adjusted_rand({ 1, 1, 1, 2 }, { 1, 1, 2, 2 }))
    assert.equal(0.75, metrics.auc({ 0, 0, 1, 1 }, { 0.1, 0.4, 0.35, 0.8 }))
    assert.equal(0.5, metrics.auc({ 0, 1, 1 }, { 3, 3, 3 }))
    assert.equal(1, metrics.auc({ 1, 2, 2 }, { -math.huge, 3, math.huge }))
    assert.equal(0.5, metrics.auc({ "a", "b", "c" }, { 2, 1, 3 }, { positive = "a" }))
  end)

  it("are near 0 and 1/2 by chance, for many rows", function()
    local rng, n = latent.random(5), 100000
    local x, y = rng:integer(1, 5, n), rng:integer(1, 4, n)
    assert.near(0, metrics.adjusted_rand(x, y), 1e-3)
    assert.near(0, metrics.normalized_mutual_information(x, y), 1e-3)
    -- four standard errors: sqrt(1/(12 n1) + 1/(12 n0))
    assert.near(0.5, metrics.auc(x, rng:normal(n), { positive = 1 }), 4 * math.sqrt(1 / 12 * (5 / n + 5 / (4 * n))))
  end)

  it("say what is wrong", function()
    fails("metrics.accuracy: truth has 40 labels, predicted has 1", metrics.accuracy, a, { 1 })
    fails("metrics.accuracy: predicted must be a vector or a list of labels, got nil", metrics.accuracy, a)
    fails("metrics.accuracy: truth must be a vector or a list of labels, got 3", metrics.accuracy, 3, 4)
    fails("metrics.accuracy: label 2 of truth is NaN", metrics.accuracy, { 1, 0 / 0 }, { 1, 2 })
    fails("metrics.adjusted_rand: there are no labels", metrics.adjusted_rand, {}, {})
    fails("metrics.adjusted_rand: unknown option 'x'", metrics.adjusted_rand, a, b, { x = 1 })
    fails('average must be "arithmetic", "geometric", "min" or "max", got \'mean\'',
      metrics.normalized_mutual_information, a, b, { average = "mean" })
    fails("metrics.confusion: 3 is a label, and none of the classes", metrics.confusion, { 1, 2 }, { 1, 3 },
      { classes = { 1, 2 } })
    fails("metrics.auc: truth must have two classes, and all is 1", metrics.auc, { 1, 1 }, { 1, 2 })
    fails("metrics.auc: truth has 3 classes, the first is 1: say which one is positive", metrics.auc, { 1, 2, 3 },
      { 1, 2, 3 })
    fails("say which one is positive", metrics.auc, { "a", "b" }, { 1, 2 })
    fails("metrics.auc: positive is 'c', which no row is", metrics.auc, { "a", "b" }, { 1, 2 }, { positive = "c" })
    fails("metrics.auc: scores has NaN", metrics.auc, { 0, 1 }, { 1, 0 / 0 })
    fails("metrics.auc: there are 2 labels for 3 rows", metrics.auc, { 0, 1 }, { 1, 2, 3 })
  end)
end)

describe("metrics.silhouette", function()
  it("is scikit-learn's", function() -- 1.9.1
    local mean, values = metrics.silhouette(Z, b)
    assert.near(-0.1051735707828529, mean, 1e-14)
    assert.near_matrix({ -0.38849920687006273, 0.1946390531603361, 0.3910655290214377, -0.4512047959838985,
      0.1444173660686991 }, values:block(1, 5), 1e-14)
    local X, y = latent.datasets.iris()
    assert.near(0.5034774406932961, (metrics.silhouette(X, y)), 1e-13)
  end)

  it("is (b - a)/max(a, b) by a plain double loop, for sizes around those of its blocks", function()
    local X = matrix.normal(700, 3, 1)
    local labels = matrix.zeros(700)
    labels:block(1, 100):fill(1)
    labels:block(1, 20):fill(2.5)
    labels[1] = -5
    local mean, values = metrics.silhouette(X, labels)
    assert.equal(0, values[1]) -- alone
    for _, i in ipairs { 2, 20, 21, 100, 101, 699, 700 } do
      local sums, counts = {}, {}
      for j = 1, 700 do
        local k = labels[j]
        sums[k] = (sums[k] or 0) + (X[i] - X[j]):norm()
        counts[k] = (counts[k] or 0) + 1
      end
      local own, other = sums[labels[i]] / (counts[labels[i]] - 1), math.huge
      for k, sum in pairs(sums) do if k ~= labels[i] then other = math.min(other, sum / counts[k]) end end
      assert.near((other - own) / math.max(own, other), values[i], 1e-13)
    end
    assert.near(values:mean(), mean, 1e-14)
  end)

  it("doesn't depend on names, order, place, unit, dtype, or the number of threads", function()
    local mean, values = metrics.silhouette(Z, b)
    local other, of_other = metrics.silhouette(Z, renamed(b, NAMES))
    assert.near(mean, other, 1e-15)
    assert.near_matrix(values, of_other, 1e-14)
    assert.near(mean, (metrics.silhouette(Z * 1e-170, b)), 1e-13)
    assert.near(mean, (metrics.silhouette(Z * 1e200, b)), 1e-13)
    assert.near(mean, (metrics.silhouette(Z:to "float32", matrix(b):to "float32")), 1e-6)
    assert.near(mean, (metrics.silhouette(Z:t():copy():t(), matrix(b):column())), 1e-15)
    local X, labels, before = matrix.normal(1100, 4, 1), latent.random(2):integer(1, 30, 1100), latent.threads()
    local results = {}
    for threads = 1, 3 do
      latent.threads(threads)
      results[threads] = { metrics.silhouette(X, labels) }
    end
    latent.threads(before)
    for threads = 2, 3 do
      assert.equal(results[1][1], results[threads][1])
      assert.is_true(results[1][2] == results[threads][2])
    end
    assert.near_matrix({ 0, 0, 0, 0 }, select(2, metrics.silhouette(matrix.ones(4, 2), { 1, 1, 2, 2 })), 0)
  end)

  it("finds the number of clusters", function()
    local X = latent.datasets.blobs(400, { components = 4, spread = 0.5, seed = 2 })
    local best, best_k = -2, nil
    for k = 2, 7 do
      local s = metrics.silhouette(X, latent.kmeans { clusters = k, seed = 1, restarts = 5 }:fit(X):predict(X))
      if s > best then best, best_k = s, k end
    end
    assert.equal(4, best_k)
  end)

  it("says what is wrong", function()
    fails("metrics.silhouette: there are 2 labels for 40 rows", metrics.silhouette, Z, { 1, 2 })
    fails("metrics.silhouette: all labels are the same", metrics.silhouette, Z, matrix.ones(40))
    fails("metrics.silhouette: labels has NaN at row 1", metrics.silhouette, Z, matrix.ones(40) * (0 / 0))
    fails("metrics.silhouette: labels must be a vector or a list of labels, got nil", metrics.silhouette, Z)
    fails("metrics.silhouette: X must be a matrix, got nil", metrics.silhouette)
    local hole = Z:copy()
    hole:set(3, 2, 0 / 0)
    fails("metrics.silhouette: X has NaN at row 3, column 2", metrics.silhouette, hole, b)
  end)
end)

describe("metrics.amari_distance", function()
  it("is 0 of one source, also as vectors of one", function()
    assert.equal(0, metrics.amari_distance(matrix { 2 }, matrix { 3 }))
    assert.equal(0, metrics.amari_distance({ { 2 } }, { { 3 } }))
  end)

  it("is 0 for a scaled permutation, 1 for a constant, and between", function()
    local I = matrix.eye(3)
    assert.equal(0, metrics.amari_distance(I, I))
    assert.equal(0, metrics.amari_distance({ { 0, -2, 0 }, { 0, 0, 1e-3 }, { 7, 0, 0 } }, I))
    assert.near(1, metrics.amari_distance(matrix.ones(3, 3), I), 1e-15)
    -- rows 1/2 + 1/3, columns 1/3 + 1/2 of {{2, 1}, {1, 3}}; divided by 2 * 2 * 1
    assert.near((1 / 2 + 1 / 3) * 2 / 4, metrics.amari_distance({ { 2, 1 }, { 1, 3 } }, matrix.eye(2)), 1e-15)
    assert.equal(0, metrics.amari_distance({ { 5 } }, { { 2 } }))
    local A = matrix.normal(4, 4, 1)
    assert.near(0, metrics.amari_distance(A:inverse(), A), 1e-13)
    assert.near(0, metrics.amari_distance(A:block(1, 4, 1, 2):pinv(), A:block(1, 4, 1, 2)), 1e-13)
  end)

  it("says what is wrong", function()
    fails("metrics.amari_distance: unmixing is 1x2, mixing is 1x2: their product must be square",
      metrics.amari_distance, { { 1, 2 } }, { { 1, 2 } })
    fails("a source is lost", metrics.amari_distance, { { 1, 0 }, { 0, 0 } }, matrix.eye(2))
    fails("has NaN or infinities", metrics.amari_distance, { { 0 / 0 } }, { { 1 } })
    fails("mixing must be a matrix, got nil", metrics.amari_distance, matrix.eye(2))
  end)
end)

describe("metrics.procrustes", function()
  it("is SciPy's", function() -- 1.17.1, spatial.procrustes
    assert.near(0.9970935788919967, (metrics.procrustes(Z, W)), 1e-13)
  end)

  it("finds a rotation, a scale and an offset", function()
    local Q = matrix.normal(3, 3, 2):qr()
    local X = matrix.normal(20, 3, 1)
    local Y = X * Q * 0.4 + matrix { 1, -5, 1e3 }
    local disparity, moved, how = metrics.procrustes(X, Y)
    assert.near(0, disparity, 1e-20)
    assert.near_matrix(X, moved, 1e-10)
    assert.near_matrix(Q:t(), how.rotation, 1e-10)
    assert.near(2.5, how.scale, 1e-11)
    assert.near_matrix(Y * how.rotation * how.scale + how.offset, moved, 1e-9)
  end)

  it("doesn't scale, or doesn't reflect, if it isn't to", function()
    local X = matrix { { 1, 0 }, { -1, 0 }, { 0, 2 }, { 0, -2 } }
    local disparity, _, how = metrics.procrustes(X, X * 3, { scaling = false })
    assert.near(4, disparity, 1e-13) -- |2 X|^2/|X|^2
    assert.equal(1, how.scale)
    local S = matrix { { 0, 0 }, { 4, 0 }, { 4, 1 }, { 1, 3 } } -- no axis of symmetry
    local mirrored = S * matrix { { -1, 0 }, { 0, 1 } }
    assert.near(0, (metrics.procrustes(S, mirrored)), 1e-25)
    local turned, _, by = metrics.procrustes(S, mirrored, { reflection = false })
    assert.near(1, by.rotation:det(), 1e-14)
    -- the best angle of all, tried one by one
    local least, C, M = math.huge, S - S:mean(1), mirrored - mirrored:mean(1)
    for angle = 0, 2 * math.pi, 1e-3 do
      local c, s = math.cos(angle), math.sin(angle)
      local R = M * matrix { { c, s }, { -s, c } }
      local along = (R % C):sum() / (R % R):sum()
      least = math.min(least, (C - R * along):square():sum() / (C % C):sum())
    end
    assert.near(least, turned, 1e-5)
  end)

  it("says what is wrong", function()
    fails("metrics.procrustes: X is 40x2, Y is 2x40: rows are pairs of points", metrics.procrustes, Z, Z:t())
    fails("metrics.procrustes: all rows of X are the same", metrics.procrustes, Z * 0, Z)
    fails("metrics.procrustes: unknown option 'scale'", metrics.procrustes, Z, Z, { scale = 1 })
    fails("metrics.procrustes: Y has NaN or infinities", metrics.procrustes, Z, Z * (0 / 0))
  end)
end)
