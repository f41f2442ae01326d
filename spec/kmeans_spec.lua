local latent = require "latent"
local helper = require "helper"
local matrix, fails = latent.matrix, helper.fails

local iris = assert(latent.datasets.iris())

-- K clouds of n rows each in D dimensions, `spread` apart.
local function clouds(K, n, D, spread, seed)
  local rng = latent.random(seed or 1)
  local centers, X = matrix.normal(K, D, rng) * spread, matrix.normal(K * n, D, rng)
  for i = 1, K * n do
    for j = 1, D do X:set(i, j, X(i, j) + centers((i - 1) % K + 1, j)) end
  end
  return X
end

-- The first nearest centre of each row, and J, in plain Lua.
local function brute_force(X, centers)
  local x, c, labels, J = X:table(), centers:table(), {}, 0
  for i = 1, #x do
    local least = math.huge
    for k = 1, #c do
      local d = 0
      for j = 1, #c[k] do d = d + (x[i][j] - c[k][j]) ^ 2 end
      if d < least then least, labels[i] = d, k end
    end
    J = J + least
  end
  return labels, J
end

local function same_bits(a, b)
  assert.is_true(a.centers == b.centers)
  assert.is_true(a.labels == b.labels)
  assert.equal(a.inertia, b.inertia)
  assert.same(a.history, b.history)
end

describe("kmeans", function()
  it("finds the published optima of iris and Old Faithful", function()
    local function inertia(X, k) return latent.kmeans{ clusters = k, restarts = 10 }:fit(X).inertia end
    assert.near(78.8514414261, inertia(iris, 3), 1e-9)
    assert.near(152.34795176, inertia(iris, 2), 1e-8)
    assert.near(8901.76872095, inertia(assert(latent.datasets.faithful()), 2), 1e-8)
  end)

  it("goes the way of scikit-learn from the same start", function()
    -- scikit-learn 1.9.1: KMeans(6, init=X[:6], n_init=1, tol=0, algorithm="lloyd")
    local model = latent.kmeans{ init = iris:block(1, 6, 1, 4) }:fit(iris)
    assert.near(68.72671145192, model.inertia, 1e-9)
    assert.is_true(model.converged)
    local two = latent.kmeans{ init = iris:block(1, 6, 1, 4), max_iterations = 2, tolerance = 0 }:fit(iris)
    assert.near(108.94940150284775, two.inertia, 1e-9) -- max_iter=2
    local counts = {}
    for k = 1, 6 do counts[k] = model.labels:eq(k):sum() end
    assert.same({ 17, 13, 8, 61, 12, 39 }, counts)
  end)

  it("labels every row as brute force does", function()
    for _, dtype in ipairs{ "float64", "float32" } do
      for _, D in ipairs{ 1, 2, 3, 7, 8, 9, 33 } do
        local X = clouds(5, 40, D, 2, D):to(dtype)
        local model = latent.kmeans{ clusters = 5, seed = D, max_iterations = 4 }:fit(X)
        local labels, J = brute_force(X, model.centers)
        assert.same(labels, model.labels:table())
        assert.near(J, model.inertia, 1e-12 * J)
        assert.same(labels, model:predict(X):table())
        assert.near(-J / #X, model:score(X), 1e-12 * J)
      end
    end
  end)

  it("is exact where single precision sees no difference", function()
    -- rows between two centres which differ from the middle by a part in 10^12, far from 0, and
    -- with a third centre that is a billion times farther away
    local X, rng = matrix.zeros(200, 3), latent.random(5)
    for i = 1, 200 do
      X:set(i, 1, 1000 + 1e-9 * (rng:uniform() - 0.5))
      X:set(i, 2, rng:uniform())
    end
    local centers = matrix{ { 999, 0.5, 0 }, { 1001, 0.5, 0 }, { 1e9, 1e9, 1e9 } }
    local model = latent.kmeans{ init = centers, max_iterations = 1 }:fit(X)
    assert.same(brute_force(X, model.centers), model.labels:table())
    for _, scale in ipairs{ 1e-120, 1e-60, 1e-25, 1e25, 1e60, 1e120 } do
      local scaled = X * scale
      local m = latent.kmeans{ init = centers * scale, max_iterations = 2 }:fit(scaled)
      assert.same(brute_force(scaled, m.centers), m.labels:table())
    end
  end)

  it("is exact where products cancel", function()
    -- centres +-(1, ..., 1); rows a thousand long whose sum is a billion times smaller: its sign decides
    local D, rng = 24, latent.random(8)
    local ones = matrix(2, D, function(k) return 2 * k - 3 end)
    local model = latent.kmeans{ init = ones, max_iterations = 1 }:fit(ones)
    local Z = matrix(300, D, function() return 1000 * rng:normal() end)
    for i = 1, 300 do Z[i]:set(D, Z(i, D) - Z[i]:sum() + 1e-6 * rng:normal()) end
    assert.same(brute_force(Z, ones), model:predict(Z):table())
  end)

  it("gives ties to the first centre", function()
    local X = matrix{ { -1 }, { 0 }, { 1 }, { 0 } }
    local model = latent.kmeans{ init = matrix{ { 1 }, { -1 }, { 1 } }, max_iterations = 1 }:fit(X)
    -- both rows at 0, and 1, went to the first; -1 to the second; the third took the farthest, row 2
    assert.near_matrix({ { 1 / 3 }, { -1 }, { 0 } }, model.centers, 1e-15)
    assert.same({ 2, 3, 1, 3 }, model:predict(X):table())
    local same = latent.kmeans{ init = matrix{ { 5 }, { 5 } }, max_iterations = 1 }:fit(matrix{ { 5 }, { 5 } })
    assert.same({ 1, 1 }, same.labels:table())
  end)

  it("gives the same bits with and without bounds", function()
    local duplicates = clouds(4, 30, 3, 3)
    duplicates = matrix.vstack{ duplicates, duplicates, duplicates:block(1, 50, 1, 3) }
    local sets = {
      { clouds(8, 200, 5, 4), 8 }, { clouds(3, 300, 16, 0.3), 12 }, { duplicates, 9 },
      { matrix(600, 2, function(i, j) return j == 1 and i % 20 or i // 60 end), 10 }, -- a lattice, full of ties
      { clouds(8, 200, 5, 4) + 1e6, 8 },
    }
    for i, set in ipairs(sets) do
      local function fit(algorithm)
        return latent.kmeans{ clusters = set[2], seed = i, algorithm = algorithm, init = "random", tolerance = 0,
          max_iterations = 30 }:fit(set[1])
      end
      local lloyd = fit "lloyd"
      same_bits(lloyd, fit "hamerly")
      same_bits(lloyd, fit "auto")
      assert.same(brute_force(set[1], lloyd.centers), lloyd.labels:table())
    end
  end)

  it("gives the same bits for one thread and two", function()
    local X, threads, models = clouds(6, 3000, 8, 1), latent.threads(), {}
    for n = 1, 2 do
      latent.threads(n)
      models[n] = latent.kmeans{ clusters = 6, seed = 3, max_iterations = 15 }:fit(X)
    end
    latent.threads(threads)
    same_bits(models[1], models[2])
  end)

  it("never makes J larger, and converges when nothing changes", function()
    local X = clouds(10, 100, 4, 1)
    local model = latent.kmeans{ clusters = 10, seed = 2, tolerance = 1e-15 }:fit(X)
    assert.is_true(model.converged)
    assert.equal(0, model.drops)
    assert.equal(model.iterations, #model.history)
    for i = 2, model.iterations do assert.is_true(model.history[i] <= model.history[i - 1]) end
    assert.near(model.inertia / #X, model.history[model.iterations], 1e-14)
    -- centres are the means of their rows
    for k = 1, 10 do
      assert.near_matrix(X:where(model.labels:eq(k)):mean(1), model.centers[k], 1e-13)
    end
  end)

  it("loses no digits by going on from pass to pass", function()
    local far = matrix.zeros(900, 3)
    for i = 1, 900 do for j = 1, 3 do far:set(i, j, (i * j * j % 7) * 1e4 + 1e-3 * math.sin(i * i + j)) end end
    local sets = { { clouds(9, 100, 4, 1), 9 }, { clouds(9, 100, 3, 1) + 2.0 ^ 20, 12 }, { far, 20 }, { iris, 5 } }
    for _, set in ipairs(sets) do
      local X, K = set[1], set[2]
      local function fit(iterations)
        return latent.kmeans{ init = X:block(1, K, 1, X.cols), max_iterations = iterations, tolerance = 0 }:fit(X)
      end
      local all = fit(26)
      for n = 1, 25 do -- the last pass of a fit is whole, and J of iteration n + 1 that of n iterations' centres
        local short = fit(n)
        assert.near(short.inertia / #X, all.history[n + 1], 1e-11 * all.history[n + 1])
      end
      for k = 1, K do
        local own = X:where(all.labels:eq(k)):mean(1)
        assert.near_matrix(own, all.centers[k], 1e-14 * (own:abs():max() + X:std()))
      end
    end
  end)

  it("runs exactly max_iterations with tolerance = 0", function()
    local model = latent.kmeans{ clusters = 2, tolerance = 0, max_iterations = 25 }:fit(iris)
    assert.equal(25, model.iterations)
    assert.is_false(model.converged)
  end)

  it("counts a weight of 2 as the row twice, and 0 as none", function()
    local X = clouds(3, 20, 3, 2)
    local weights, rows = {}, {}
    for i = 1, 60 do
      weights[i] = i % 3
      for _ = 1, i % 3 do rows[#rows + 1] = i end
    end
    local init = X:block(1, 3, 1, 3)
    local weighted = latent.kmeans{ init = init }:fit(X, { weights = weights })
    local repeated = latent.kmeans{ init = init }:fit(X:rows_at(rows))
    assert.near_matrix(repeated.centers, weighted.centers, 1e-13)
    assert.near(repeated.inertia, weighted.inertia, 1e-12)
    assert.equal(60, #weighted.labels)
    -- rows without weight are never a start
    local only = {}
    for i = 1, 60 do only[i] = i <= 3 and 1 or 0 end
    for _, start in ipairs{ "random", "k-means++" } do
      local model = latent.kmeans{ clusters = 3, init = start }:fit(X, { weights = only })
      assert.near(0, model.inertia, 0)
    end
  end)

  it("moves empty clusters to the farthest rows, and doesn't call that converged", function()
    local X = matrix{ { 0 }, { 1 }, { 10 }, { 11 }, { 100 } }
    local far = matrix{ { 0.5 }, { 1e6 }, { 2e6 } }
    local model = latent.kmeans{ init = far, tolerance = 10 }
    model:fit(X)
    -- after the first iteration: 100 and 11 are centres; a tolerance of 10 alone would stop in the second
    assert.near_matrix({ { 0.5 }, { 100 }, { 10.5 } }, model.centers, 1e-12)
    assert.same({ 1, 1, 3, 3, 2 }, model.labels:table())
    assert.near(1, model.inertia, 1e-12)
  end)

  it("moves many empty clusters in several iterations", function()
    local X = matrix(100, 1, function(i) return i * i end)
    local init = matrix(40, 1, function(k) return k == 1 and 0 or 1e6 + k end)
    local model = latent.kmeans{ init = init, tolerance = 1e9 }:fit(X)
    assert.equal(3, model.iterations) -- 32 moves, 7 moves, none
    for k = 1, 40 do assert.is_true(model.centers(k, 1) <= 1e4) end
  end)

  it("lives with fewer distinct rows than clusters", function()
    local X = matrix{ { 1, 2 }, { 1, 2 }, { 3, 4 }, { 1, 2 }, { 3, 4 } } * 0.1 -- means of equal rows are rounded
    for _, init in ipairs{ "k-means++", "random", matrix{ { 0, 0 }, { 9, 9 }, { 9, 9 }, { 8, 8 } } } do
      local model = latent.kmeans{ clusters = 4, init = init, seed = 4 }:fit(X)
      assert.near(0, model.inertia, 1e-28)
      assert.is_true(model.converged)
      assert.is_true(model.centers == model.centers) -- no NaN
      assert.equal(model.labels[1], model.labels[4])
      assert.is_true(model.labels[1] ~= model.labels[3])
    end
    local equal = latent.kmeans{ clusters = 3 }:fit(matrix(7, 2, 4.5))
    assert.near_matrix(matrix(3, 2, 4.5), equal.centers, 0)
    assert.same({ 1, 1, 1, 1, 1, 1, 1 }, equal.labels:table())
  end)

  it("starts at different rows, the same for the same seed", function()
    local X = clouds(1, 50, 2, 0)
    for _, init in ipairs{ "k-means++", "random" } do
      local function start(clusters, seed)
        return latent.kmeans{ clusters = clusters, init = init, seed = seed, max_iterations = 1 }:fit(X)
      end
      assert.near(0, start(50, 1).inertia, 1e-28) -- every row is a centre
      assert.is_true(start(5, 1).centers == start(5, 1).centers)
      assert.is_false(start(5, 1).centers == start(5, 2).centers)
    end
  end)

  it("finds all of well separated clusters from k-means++", function()
    local X = clouds(30, 20, 6, 50)
    local model = latent.kmeans{ clusters = 30 }:fit(X)
    assert.is_true(model.inertia / #X < 8) -- about 6, D times the variance; a missed cloud costs thousands
  end)

  it("keeps its digits far from 0", function()
    local X = clouds(3, 100, 4, 5)
    local near = latent.kmeans{ init = X:block(1, 3, 1, 4) }:fit(X)
    local far = latent.kmeans{ init = X:block(1, 3, 1, 4) + 2.0 ^ 30 }:fit(X + 2.0 ^ 30)
    assert.same(near.labels:table(), far.labels:table())
    assert.near(near.inertia, far.inertia, 1e-5 * near.inertia) -- X itself is rounded to 1e-7
    assert.near_matrix(near.centers, far.centers - 2.0 ^ 30, 3e-7)
  end)

  it("takes views of any strides", function()
    local X = clouds(3, 50, 6, 2)
    local model = latent.kmeans{ clusters = 3, seed = 7 }
    local packed = model:fit(X)
    local centers, labels = packed.centers:copy(), packed.labels
    local other = latent.kmeans{ clusters = 3, seed = 7 }:fit(X:t():copy():t())
    assert.is_true(centers == other.centers)
    assert.is_true(labels == other.labels)
  end)

  it("steps: labels and J come when the loop is left", function()
    local model, count = latent.kmeans{ clusters = 3, seed = 1 }, 0
    local objective
    for i, J in model:steps(iris) do
      count = count + 1
      assert.equal(count, i)
      assert.is_nil(model.labels)
      objective = J
    end
    local fitted = latent.kmeans{ clusters = 3, seed = 1 }:fit(iris)
    assert.equal(fitted.history[fitted.iterations], objective)
    same_bits(fitted, model)
  end)

  it("learns from chunks", function()
    local X, at = clouds(4, 250, 3, 20), 0
    local function chunks()
      at = at + 1
      if at > 10 then at = 0 return nil end
      return X:block(100 * at - 99, 100 * at, 1, 3)
    end
    local init = X:block(1, 4, 1, 3)
    local whole, pieces = latent.kmeans{ init = init }:fit(X), latent.kmeans{ init = init }:fit(chunks)
    assert.near_matrix(whole.centers, pieces.centers, 1e-12)
    assert.near(whole.inertia, pieces.inertia, 1e-9)
    assert.is_nil(pieces.labels)
    local online = latent.kmeans{ init = init }
    for _ = 1, 5 do
      for i = 1, 901, 100 do online:partial_fit(X:block(i, i + 99, 1, 3)) end
    end
    assert.near_matrix(whole.centers, online.centers, 0.3)
    assert.equal(50, online.iterations)
  end)

  it("fits by mini-batches", function()
    local X = clouds(5, 2000, 4, 10)
    local options = { clusters = 5, algorithm = "minibatch", batch = 200, seed = 1 }
    local model, whole = latent.kmeans(options):fit(X), latent.kmeans{ clusters = 5 }:fit(X)
    assert.is_true(model.converged)
    assert.is_true(model.inertia < 1.02 * whole.inertia)
    local labels, J = brute_force(X, model.centers)
    assert.same(labels, model.labels:table())
    assert.near(J, model.inertia, 1e-9 * J)
    same_bits(model, latent.kmeans(options):fit(X))
    options.tolerance, options.max_iterations = 0, 7
    assert.equal(7, latent.kmeans(options):fit(X).iterations)
  end)

  it("steps through mini-batches, and tells of them", function()
    local X = clouds(5, 400, 4, 10)
    local options = { clusters = 5, algorithm = "minibatch", batch = 50, seed = 3, tolerance = 0, max_iterations = 12,
      restarts = 2 }
    local seen = {}
    latent.kmeans(options):fit(X, { on_iteration =
      function(t) seen[#seen + 1] = { t.restart, t.iteration, t.objective } end })
    assert.equal(24, #seen)
    assert.same({ 2, 12 }, { seen[24][1], seen[24][2] })
    local model, count = latent.kmeans(options), 0
    for i, objective in model:steps(X) do
      count = count + 1
      assert.same({ 1, i, objective }, seen[count]) -- of the first start, as for all models
      assert.is_nil(model.labels)
    end
    assert.equal(12, count)
    options.restarts = 1
    same_bits(latent.kmeans(options):fit(X), model)
    options.restarts = 2
    local early = latent.kmeans(options):fit(X, { on_iteration = function(t) return t.iteration < 4 end })
    assert.equal(4, early.iterations)
    local labels, J = brute_force(X, early.centers)
    assert.same(labels, early.labels:table())
    assert.near(J, early.inertia, 1e-9 * J)
  end)

  it("draws mini-batches from a mapped file, and not from a function", function()
    local X, path = clouds(3, 300, 2, 10), os.tmpname()
    latent.write(path .. ".npy", X)
    local options = { clusters = 3, algorithm = "minibatch", batch = 40, seed = 3 }
    local file = assert(latent.open(path .. ".npy"))
    same_bits(latent.kmeans(options):fit(X), latent.kmeans(options):fit(file))
    os.remove(path)
    os.remove(path .. ".npy")
    fails("X must be a matrix or a mapped file", function() latent.kmeans(options):fit(function() return X end) end)
  end)

  it("has no labels and no inertia when the last pass has failed", function()
    local X, calls = clouds(2, 50, 2, 9), 0
    local model = latent.kmeans{ clusters = 2, max_iterations = 2, tolerance = 0 }
    local function chunks() -- a sample, two iterations, the last pass: two calls each
      calls = calls + 1
      if calls == 7 then error "no more" end
      return calls % 2 == 1 and X or nil
    end
    fails("no more", function() model:fit(chunks) end)
    assert.equal(2, model.iterations)
    assert.is_nil(model.inertia)
    assert.is_nil(model.labels)
    assert.equal(100, #model:predict(X))
  end)

  it("transforms rows to distances", function()
    local model = latent.kmeans{ init = matrix{ { 0, 0 }, { 3, 4 } }, max_iterations = 1 }
    model:fit(matrix{ { 0, 0 }, { 3, 4 } })
    assert.near_matrix({ { 5, 0 }, { 0, 5 } }, model:transform{ { 3, 4 }, { 0, 0 } }, 0)
    assert.near_matrix({ 0, 5 }, model:transform{ 0, 0 }, 0)
    assert.equal(2, model:predict{ 3, 3 })
    local out = matrix.zeros(1, 2)
    assert.equal(out, model:transform({ { 3, 4 } }, { out = out }))
  end)

  it("refuses what can't be", function()
    fails("clusters is missing", latent.kmeans)
    fails("clusters is missing", latent.kmeans, {})
    fails("kmeans: clusters must be", latent.kmeans, { clusters = 0 })
    fails("kmeans: clusters must be", latent.kmeans, { clusters = 2.5 })
    fails("init has 3 rows for 2 clusters", latent.kmeans, { clusters = 2, init = matrix.eye(3) })
    fails("k-means++", latent.kmeans, { clusters = 2, init = "kmeans" })
    fails("init", latent.kmeans, { init = matrix{ { 0 / 0 } } })
    fails("clusters", latent.kmeans, { cluster = 2 })
    fails("the model is not fitted yet", latent.kmeans({ clusters = 2 }).predict, latent.kmeans{ clusters = 2 }, iris)

    local two = latent.kmeans{ clusters = 2 }
    for _, algorithm in ipairs{ "auto", "minibatch" } do
      fails("6 clusters need at least as many rows, got 5", function()
        latent.kmeans{ clusters = 6, algorithm = algorithm }:fit(matrix.random(5, 2))
      end)
    end
    fails("6 clusters need at least as many rows", function()
      latent.kmeans{ init = matrix.eye(6) }:fit(matrix.eye(6):block(1, 5, 1, 6))
    end)
    fails("X has 4 columns, init has 3", function() latent.kmeans{ init = matrix.eye(3) }:fit(iris) end)
    fails("X", two.fit, two, matrix{ { 1, 2 }, { 3, 0 / 0 }, { 1, 1 } })
    fails("X", two.fit, two, matrix{ { 1, 2 }, { 3, math.huge }, { 1, 1 } })
    fails("missing", two.fit, two, iris, { missing = true })
    fails("weight 2 is -1", two.fit, two, matrix.random(3, 2), { weights = { 1, -1, 1 } })
    fails("all weights are 0", two.fit, two, matrix.random(3, 2), { weights = { 0, 0, 0 } })
    fails("with a weight above 0, got 1", two.fit, two, matrix.random(3, 2), { weights = { 0, 1, 0 } })
    fails("2 weights for 3 rows", two.fit, two, matrix.random(3, 2), { weights = { 1, 1 } })
    two:fit(iris)
    fails("X has 3 columns, the model was fitted on 4", two.predict, two, matrix.random(3, 3))
    fails("X has 3 columns, the model was fitted on 4", two.partial_fit, two, matrix.random(3, 3))
    fails("X", two.predict, two, matrix(1, 4, 0 / 0))
    local widths, at = { 2, 3 }, 0
    fails("chunk 2 has 3 columns", two.fit, two, function()
      at = at + 1
      return widths[at] and matrix.random(10, widths[at])
    end)
  end)
end)
