-- The data that comes with latent, the generators, and batches.
local latent = require "latent"
local helper = require "helper"
local matrix, datasets = latent.matrix, latent.datasets

local function mean(v)
  local sum = 0
  for i = 1, #v do sum = sum + v[i] end
  return sum / #v
end

describe("the data in the project", function()
  it("has Fisher's iris", function()
    local X, y, info = datasets.iris()
    assert.same({ 150, 4 }, { X.rows, X.cols })
    -- published means (R 4.2: colMeans(iris[, 1:4])), which the copy with two wrong rows at UCI misses
    for j, expected in ipairs { 5.843333, 3.057333, 3.758000, 1.199333 } do
      assert.is_near(expected, mean(X:col(j)), 1e-6)
    end
    assert.same({ "setosa", "versicolor", "virginica" }, info.classes)
    assert.same({ "sepal_length", "sepal_width", "petal_length", "petal_width" }, info.columns)
    for i = 1, 150 do assert.equal((i - 1) // 50 + 1, y[i]) end
  end)

  it("has names for classes where labels count them, and no others", function()
    for _, name in ipairs { "iris", "digits" } do
      local X = datasets[name]()
      local names = X.classes
      if names then assert.same({ 1, #names }, { X.labels:min(), X.labels:max() }, name) end
    end
    local X, y = datasets.digits()
    local figure = latent.pca { latent_dim = 2 }:fit(X):plot(X, { panels = { "scatter" } })
    for code = 0, 9 do -- each digit under its own name
      local points = figure.layers[code + 1]
      assert.equal(tostring(code), points.label)
      assert.equal(y:eq(code):sum(), #points.rows)
    end
  end)

  it("has Old Faithful", function()
    local X, info = datasets.faithful()
    assert.same({ 272, 2 }, { X.rows, X.cols })
    -- R 4.2: colMeans(faithful)
    assert.is_near(3.487783, mean(X:col(1)), 1e-6)
    assert.is_near(70.897059, mean(X:col(2)), 1e-6)
    assert.same({ "eruptions", "waiting" }, info.columns)
  end)

  it("has the flow of the Nile", function()
    local Y, info = datasets.nile()
    assert.same({ 100, 1 }, { Y.rows, Y.cols })
    -- R 4.2: sum(Nile), sum(Nile * seq_along(Nile)), range(Nile); Durbin and Koopman 2012, section 2.2
    assert.equal(91935, Y:sum())
    assert.equal(4416548, Y:col(1):dot(matrix.range(1, 100)))
    assert.same({ 456, 1370, 1120, 740 }, { Y:min(), Y:max(), Y(1, 1), Y(100, 1) })
    assert.same({ 100, 1871, 1970 }, { #info.time, info.time[1], info.time[100] })
    assert.same({ "volume" }, info.columns)
  end)

  it("has the airline passengers", function()
    local Y, info = datasets.air_passengers()
    assert.same({ 144, 1 }, { Y.rows, Y.cols })
    -- R 4.2: sum(AirPassengers), sum(AirPassengers * seq_along(AirPassengers)), range(AirPassengers)
    assert.equal(40363, Y:sum())
    assert.equal(3587478, Y:col(1):dot(matrix.range(1, 144)))
    assert.same({ 104, 622, 112, 432 }, { Y:min(), Y:max(), Y(1, 1), Y(144, 1) })
    assert.near_matrix({ 1949, 1949 + 1 / 12 }, { info.time[1], info.time[2] }, 1e-9)
    assert.is_near(1960 + 11 / 12, info.time[144], 1e-9)
  end)

  it("has the digits", function()
    local X, y, info = datasets.digits()
    assert.same({ 1797, 64, "float64" }, { X.rows, X.cols, X.dtype })
    assert.same({ 8, 8 }, info.shape)
    -- sums of scikit-learn's load_digits(): all pixels, and images a digit
    local sum, counts, least, most = 0, {}, math.huge, -math.huge
    for i = 1, X.rows do
      for j = 1, X.cols do
        local x = X(i, j)
        sum, least, most = sum + x, math.min(least, x), math.max(most, x)
      end
      counts[y[i] + 1] = (counts[y[i] + 1] or 0) + 1
    end
    assert.same({ 561718, 0, 16 }, { sum, least, most })
    assert.same({ 178, 182, 177, 183, 181, 182, 181, 179, 174, 180 }, counts)
  end)
end)

describe("a generator", function()
  it("gives the same at every call, and another set for another seed", function()
    for _, name in ipairs { "blobs", "two_moons", "moons", "eight_gaussians", "pinwheel", "circles", "swiss_roll",
      "linear_gaussian", "spiral", "lds", "hmm" } do
      local make = datasets[name]
      local X, Y, Z = make(20), make(20, { seed = 1 }), make(20, { seed = 2 })
      assert.near_matrix(X, Y, 0)
      assert.not_near_matrix(X, Z, 1e-3)
    end
  end)

  it("makes blobs about their centers", function()
    local X, y, centers = datasets.blobs(40, { components = 4, dims = 3, spread = 0 })
    local counts = { 0, 0, 0, 0 }
    for i = 1, 40 do
      assert.near_matrix(centers[y[i]]:table(), X[i], 1e-12)
      counts[y[i]] = counts[y[i]] + 1
    end
    assert.same({ 10, 10, 10, 10 }, counts)
  end)

  it("makes moons, circles and rolls that obey their equations", function()
    local X, y = datasets.two_moons(50, { noise = 0 })
    for i = 1, 50 do
      local cx, cy = table.unpack(y[i] == 1 and { 0, 0 } or { 1, 0.5 })
      assert.is_near(1, (X(i, 1) - cx) ^ 2 + (X(i, 2) - cy) ^ 2, 1e-12)
      assert.is_true((y[i] == 1) == (X(i, 2) >= cy))
    end
    X, y = datasets.circles(50, { noise = 0, factor = 0.25 })
    for i = 1, 50 do
      assert.is_near(y[i] == 1 and 1 or 0.0625, X(i, 1) ^ 2 + X(i, 2) ^ 2, 1e-12)
    end
    local Z
    X, Z = datasets.swiss_roll(50, { height = 3 })
    for i = 1, 50 do
      local t, h = Z(i, 1), Z(i, 2)
      assert.is_true(t >= 1.5 * math.pi and t <= 4.5 * math.pi and h >= 0 and h <= 3)
      assert.near_matrix({ t * math.cos(t), h, t * math.sin(t) }, X[i], 1e-12)
    end
  end)

  it("makes Gaussians on a circle and pinwheels that obey their equations", function()
    local X, y = datasets.eight_gaussians(80, { noise = 0, radius = 2 })
    for i = 1, 80 do
      local angle = math.pi * (y[i] - 1) / 4
      assert.near_matrix({ 2 * math.cos(angle), 2 * math.sin(angle) }, X[i], 1e-12)
    end
    X, y = datasets.pinwheel(60, { arms = 3, noise = 0 })
    for i = 1, 60 do
      local r = math.sqrt(X(i, 1) ^ 2 + X(i, 2) ^ 2)
      local angle = 2 * math.pi * (y[i] - 1) / 3 + 0.25 * math.exp(r)
      if r > 0.3 then assert.near_matrix({ r * math.cos(angle), r * math.sin(angle) }, X[i], 1e-9) end
    end
  end)

  it("standardizes by the distributions' own means and variances", function()
    for _, name in ipairs { "two_moons", "moons", "eight_gaussians", "pinwheel" } do
      local X, raw = datasets[name](40000, { standardize = true }), datasets[name](40000)
      assert.near_matrix({ 0, 0 }, X:mean(1), 0.02)
      assert.near_matrix({ 1, 1 }, X:var(1), 0.02)
      -- the same draws, shifted and scaled by numbers that don't depend on them
      local scale = (raw(2, 1) - raw(1, 1)) / (X(2, 1) - X(1, 1))
      local again, other = datasets[name](10, { standardize = true, seed = 5 }), datasets[name](10, { seed = 5 })
      assert.near((other(2, 1) - other(1, 1)) / (again(2, 1) - again(1, 1)), scale, 1e-9)
    end
    assert.has_error(function() datasets.moons(5, { standardize = 1 }) end)
    -- the moons' deviations for noise 0.06, by quadrature: 0.868 and 0.498
    local X, raw = datasets.moons(2, { noise = 0.06, standardize = true }), datasets.moons(2, { noise = 0.06 })
    assert.near(0.8681, (raw(1, 1) - raw(2, 1)) / (X(1, 1) - X(2, 1)), 1e-4)
    assert.near(0.4978, (raw(1, 2) - raw(2, 2)) / (X(1, 2) - X(2, 2)), 1e-4)
  end)

  it("makes Gaussian data of low rank with the covariance it tells", function()
    local X, truth = datasets.low_rank(5000, 4, 2, { noise = 0.5 })
    assert.near_matrix(truth.W * truth.W:t() + matrix.eye(4) * 0.25, truth.covariance, 1e-12)
    assert.equal(0.25, truth.noise_variance)
    -- the sample covariance differs by about sqrt(2/5000) of a variance; five times that is far out
    local C = X:t() * X / 5000
    for i = 1, 4 do
      for j = 1, 4 do
        local scale = math.sqrt(truth.covariance(i, i) * truth.covariance(j, j))
        assert.is_near(truth.covariance(i, j), C(i, j), 5 * math.sqrt(2 / 5000) * scale)
      end
    end
  end)

  it("makes linear Gaussian data with the mean and covariance it tells", function()
    local X, truth = datasets.linear_gaussian(40000, { dims = 4, latent_dim = 2, unequal = true, offset = 3 })
    assert.near_matrix(truth.mean, X:mean(1), 0.06)
    assert.is_true(truth.mean:abs():max() > 0.5)
    assert.near_matrix(truth.covariance, X:covariance(), 0.15)
    assert.near_matrix(truth.W * truth.W:t() + matrix.diag(truth.noise_variances), truth.covariance, 1e-14)
    local noise = X - truth.mean - truth.latent * truth.W:t()
    assert.near_matrix(truth.noise_variances, noise:var(1), 0.1)
    assert.is_true(truth.noise_variances:min() >= 0.25 and truth.noise_variances:max() <= 2.25)
    local _, equal = datasets.linear_gaussian(10, { noise = 2 })
    assert.near_matrix({ 4, 4, 4, 4, 4 }, equal.noise_variances, 0)
    assert.near_matrix({ 0, 0, 0, 0, 0 }, equal.mean, 0)
    -- low_rank has the numbers that it had before the two shared their draws: README and notebooks tell of them
    local L, low = datasets.low_rank(3, 2, 1, { noise = 0.5 })
    local rng = latent.random(1)
    local W, Z, E = rng:normal(2, 1), rng:normal(3, 1), rng:normal(3, 2)
    assert.near_matrix(Z * W:t() + E * 0.5, L, 0)
    assert.near_matrix(W, low.W, 0)
  end)

  it("makes spirals that obey their equation", function()
    local X, y, t = datasets.spiral(3000, { arms = 3, turns = 2, noise = 0, inner = 0.3 })
    for i = 1, 3000, 7 do
      local angle = 2 * math.pi * (2 * t[i] + (y[i] - 1) / 3)
      assert.near_matrix({ t[i] * math.cos(angle), t[i] * math.sin(angle) }, X[i], 1e-15)
    end
    assert.is_true(t:min() >= 0.3 and t:min() < 0.31 and t:max() <= 1 and t:max() > 0.999)
    assert.near((1 + 0.09) / 2, t:square():mean(), 0.01) -- t^2 is uniform
    local _, counts = y:unique()
    assert.near_matrix({ 1000, 1000, 1000 }, counts, 0)
    local N = datasets.spiral(5000, { noise = 0.1 }) - datasets.spiral(5000, { noise = 0 })
    assert.near_matrix({ 0.1, 0.1 }, N:std(1), 0.004)
  end)

  it("makes paths of linear dynamical systems, with the parameters they come from", function()
    local Y, Z, truth = datasets.lds(20000, { dims = 3, period = 12, damping = 0.9, state_noise = 0.5, noise = 0.2 })
    assert.near_matrix(truth.C * truth.initial_covariance * truth.C:t() + truth.R, Y:covariance(), 0.2)
    assert.near_matrix(truth.initial_covariance, Z:covariance(), 0.1)
    assert.near_matrix(truth.R, (Y - Z * truth.C:t()):covariance(), 2e-3)
    local steps = Z:block(2, 20000, 1, 2) - Z:block(1, 19999, 1, 2) * truth.A:t()
    assert.near_matrix(truth.Q, steps:covariance(), 0.01)
    -- the stationary covariance is that of A and Q
    assert.near_matrix(truth.initial_covariance,
      truth.A * truth.initial_covariance * truth.A:t() + truth.Q, 1e-14)
    local model = latent.lds(truth)
    assert.is_true((model:transform(Y) - Z):square():mean() < (model:filter(Y).means - Z):square():mean())
  end)

  it("makes paths of hidden Markov models, with the parameters they come from", function()
    local n = 20000
    local X, states, truth = datasets.hmm(n, { states = 4, dims = 3, stay = 0.8, spread = 0.5 })
    local moves = matrix.zeros(4, 4)
    for i = 2, n do moves:set(states[i - 1], states[i], moves(states[i - 1], states[i]) + 1) end
    assert.near_matrix(truth.transition, moves / moves:sum(2):column(), 0.02)
    assert.near_matrix({ 1, 1, 1, 1 }, truth.transition:sum(2), 1e-15)
    assert.near_matrix({ 0.25, 0.25, 0.25, 0.25 }, truth.initial, 0)
    local noise = X - truth.means:rows_at(states)
    assert.near_matrix(matrix.eye(3) * truth.variance, noise:covariance(), 0.01)
    assert.is_true(truth.means:abs():max() <= 10)
    assert.near_matrix({ { 1 } }, select(3, datasets.hmm(5, { states = 1 })).transition, 0)
    local counts = matrix.zeros(3)
    for seed = 1, 900 do
      local first = select(2, datasets.hmm(1, { seed = seed }))[1]
      counts[first] = counts[first] + 1
    end
    assert.near_matrix({ 300, 300, 300 }, counts, 4 * math.sqrt(200))
  end)

  it("checks its arguments", function()
    helper.fails("datasets.linear_gaussian: latent_dim must be at most dims = 5, got 6", datasets.linear_gaussian, 10,
      { latent_dim = 6 })
    helper.fails("datasets.spiral: inner must be less than 1", datasets.spiral, 10, { inner = 1 })
    helper.fails("datasets.spiral: arms must be an integer >= 1, got 0", datasets.spiral, 10, { arms = 0 })
    helper.fails("datasets.lds: damping must be less than 1, got 1", datasets.lds, 10, { damping = 1 })
    helper.fails("datasets.lds: period must be positive", datasets.lds, 10, { period = 0 })
    helper.fails("datasets.hmm: stay must be at most 1, got 1.5", datasets.hmm, 10, { stay = 1.5 })
    helper.fails("datasets.hmm: unknown option 'state'; did you mean 'states'?", datasets.hmm, 10, { state = 2 })
    helper.fails("datasets.blobs: n must be an integer >= 1, got 0", datasets.blobs, 0)
    helper.fails("datasets.blobs: unknown option 'clusters'", datasets.blobs, 5, { clusters = 3 })
    helper.fails("datasets.blobs: components must be an integer >= 1, got 2.5", datasets.blobs, 5, { components = 2.5 })
    helper.fails("datasets.circles: noise must be a finite number >= 0, got -1", datasets.circles, 5, { noise = -1 })
    helper.fails("datasets.low_rank: m must be at most d = 2, got 3", datasets.low_rank, 5, 2, 3)
  end)
end)

describe("datasets.mnist", function()
  it("reads folders of idx files", function()
    local path, why = helper.data "mnist/train-images-idx3-ubyte.gz"
    if not path then return pending(why) end
    local X, y, info = assert(datasets.mnist(path:match "^(.*)/"))
    assert.same({ 60000, 784, "float32" }, { X.rows, X.cols, X.dtype })
    assert.same({ 5, 0, 4, 1, 9 }, y:block(1, 5):table())
    assert.is_near(0.13066, X:mean(), 1e-5)
    assert.same({ 28, 28 }, info.shape)
  end)

  it("says what is missing", function()
    local X, message = datasets.mnist "nowhere"
    assert.is_nil(X)
    assert.equal("nowhere: no file train-images-idx3-ubyte or train-images-idx3-ubyte.gz", message)
    helper.fails('datasets.mnist: part must be "train", "test" or "valid"', datasets.mnist, "x", { part = "dev" })
    helper.fails("datasets.mnist: folder must be a string, got nil", datasets.mnist)
  end)
end)

describe("latent.batches", function()
  local X = matrix(10, 2, function(i, j) return 10 * i + j end)

  it("gives every row once, in blocks of which the last is short", function()
    local sizes, seen = {}, {}
    for x, rows in latent.batches(X, 4, { seed = 3 }) do
      sizes[#sizes + 1] = #x
      for i = 1, #x do
        assert.near_matrix(X[rows[i]]:table(), x[i], 0)
        assert.is_nil(seen[rows[i]])
        seen[rows[i]] = true
      end
    end
    assert.same({ 4, 4, 2 }, sizes)
    for i = 1, 10 do assert.is_true(seen[i]) end
  end)

  it("gives the same order for the same seed only", function()
    local function order(seed)
      local _, rows = latent.batches(X, 10, { seed = seed })()
      return rows:table()
    end
    assert.same(order(1), order(1))
    assert.not_same(order(1), order(2))
    local random = latent.random(1)
    assert.same(order(1), order(random))
    assert.not_same(order(1), order(random)) -- the generator went on
  end)

  it("gives views in order without shuffling", function()
    local firsts = {}
    for x, rows in latent.batches(X, 4, { shuffle = false }) do
      firsts[#firsts + 1] = rows[1]
      assert.equal(10 * rows[1] + 1, x(1, 1))
    end
    assert.same({ 1, 5, 9 }, firsts)
    local Y = matrix.zeros(3, 2)
    for y in latent.batches(Y, 2, { shuffle = false }) do y:fill(1) end
    assert.near_matrix({ { 1, 1 }, { 1, 1 }, { 1, 1 } }, Y, 0)
  end)

  it("takes vectors, and blocks larger than the data", function()
    local v = matrix { 1, 2, 3 }
    local count = 0
    for x in latent.batches(v, 100) do
      count = count + 1
      local values = x:table()
      table.sort(values)
      assert.same({ 1, 2, 3 }, values)
    end
    assert.equal(1, count)
  end)

  it("scales, converts, and fills a matrix that is given", function()
    local out = matrix.zeros(4, 2, { dtype = "float32" })
    local seen = 0
    for x, rows, y in latent.batches(X, 4, { seed = 3, scale = 0.5, out = out, labels = X:col(2) }) do
      assert.equal("float32", x.dtype)
      assert.equal(x(1, 1), out(1, 1))
      for i = 1, #x do
        assert.near_matrix({ 5 * rows[i] + 0.5, 5 * rows[i] + 1 }, x[i], 0)
        assert.equal(X(rows[i] // 1, 2), y[i])
        seen = seen + 1
      end
    end
    assert.equal(10, seen)
    for x in latent.batches(X:t(), 1, { dtype = "float32", shuffle = false }) do assert.equal("float32", x.dtype) end
    local x = latent.batches(matrix { 1, 2, 3 }, 2, { scale = 2, shuffle = false })()
    assert.near_matrix({ 2, 4 }, x, 0)
  end)

  it("binarizes: dynamic anew each time, static the same, threshold at a half", function()
    local G = matrix.random(200, 50, 5)
    local function pass(how, seed, order)
      local B = matrix.zeros(200, 50)
      for x, rows in latent.batches(G, 64, { seed = seed, binarize = how, shuffle = order }) do
        for i = 1, #x do
          for j = 1, 50 do B:set(rows[i] // 1, j, x(i, j)) end
        end
      end
      assert.equal(200 * 50, B:eq(0):sum() + B:eq(1):sum())
      return B
    end
    local random = latent.random(1)
    local first, second = pass("dynamic", random), pass("dynamic", random)
    assert.is_true((first - second):abs():sum() > 1000)
    -- 1 with probability x: the mean of (b - x), of 10000 draws with variance at most 1/4
    assert.is_true(math.abs((first - G):mean()) < 5 * 0.5 / 100)
    assert.is_true(math.abs((pass("static", 1) - G):mean()) < 5 * 0.5 / 100)
    assert.is_true(pass("static", 1) == pass("static", latent.random(1):stream(7)))
    assert.is_true(pass("static", 1) == pass("static", 1, false))
    assert.is_true(pass("static", 1) ~= pass("static", 2))
    assert.is_true(pass("threshold", 1) == G:ge(0.5))
    helper.fails("batches: X(3,2) is 2: to be binarized it must be a probability, 0 to 1", function()
      for _ in latent.batches({ { 0, 1 }, { 1, 1 }, { 0, 2 } }, 2, { shuffle = false, binarize = "dynamic" }) do end
    end)
    helper.fails("X(1,1) is nan", latent.batches({ { 0 / 0 } }, 1, { binarize = "threshold" }))
    helper.fails("X(1,1) is -0.5 after scaling", latent.batches({ { -1 } }, 1, { binarize = "threshold", scale = 0.5 }))
  end)

  it("checks its arguments", function()
    helper.fails('batches: binarize must be "dynamic"', latent.batches, X, 2, { binarize = "yes" })
    helper.fails("batches: there are 3 labels for 10 rows", latent.batches, X, 2, { labels = { 1, 2, 3 } })
    helper.fails('batches: dtype must be "float32" or "float64"', latent.batches, X, 2, { dtype = "uint8" })
    helper.fails("batches: out must be a matrix of 2 columns and at least 4", latent.batches, X, 4,
      { out = matrix.zeros(3, 2) })
    helper.fails("batches: scale must be finite", latent.batches, X, 4, { scale = 1 / 0 })
    helper.fails("batches: X must be a matrix, got nil", latent.batches)
    helper.fails("batches: size must be an integer >= 1, got 0", latent.batches, X, 0)
    helper.fails("batches: unknown option 'sed'; did you mean 'seed'?", latent.batches, X, 2, { sed = 1 })
  end)
end)
