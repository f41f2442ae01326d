local latent = require "latent"
local helper = require "helper"
local matrix, fails = latent.matrix, helper.fails

-- N rows of q directions of deviations 3, 2.5, ... in D dimensions, and noise.
local function data(n, d, q, noise, seed)
  local random = latent.random(seed or 1)
  local Q = random:normal(d, d):qr()
  local Z = random:normal(n, q) % matrix(1, q, function(_, j) return 3.5 - j / 2 end)
  return Z * Q:block(1, d, 1, q):t() + random:normal(n, d) * noise + 1
end

local function with_gaps(X, share, seed)
  local uniform = matrix.random(X.rows, X.cols, latent.random(seed or 1))
  return matrix(X.rows, X.cols, function(i, j) return uniform(i, j) < share and 0 / 0 or X(i, j) end)
end

local function exact(options)
  options = options or {}
  options.method = "closed_form"
  return latent.bpca(options)
end

local function em(options)
  options = options or {}
  options.tolerance = options.tolerance or 1e-14
  options.max_iterations = options.max_iterations or 5000
  return latent.bpca(options)
end

local function last(model) return model.history[#model.history] end

local function chunks(X, rows)
  local first = 1
  return function()
    if first > #X then
      first = 1
      return nil
    end
    local from = first
    first = first + rows
    return X:block(from, math.min(from + rows - 1, #X), 1, X.cols)
  end
end

describe("bpca", function()
  local iris = assert(latent.datasets.iris())

  -- Numbers marked so are by a coordinate ascent in NumPy that knows no best directions, no closed form and no
  -- switching off: q(z), q(W), alpha and s2 in turns by their definitions, run until the bound stood still.
  it("finds the bound and the parameters that plain coordinate ascent does", function()
    local expected = {
      [2] = { -2.898965920515, 0.05227996032, { 0.964699948, 21.391624967 } },
      [3] = { -2.824843523276, 0.02622860291, { 0.958513793, 18.688165377, 79.371294662 } },
    } -- NumPy
    for M, numbers in pairs(expected) do
      for _, model in ipairs { exact { latent_dim = M }, em { latent_dim = M } } do
        model:fit(iris)
        assert.near(numbers[1], last(model), 1e-11)
        assert.near(numbers[2], model.noise_variance, 1e-8)
        for i = 1, M do assert.near(1, model.alpha[i] / numbers[3][i], 1e-5) end
        assert.equal(M, model.effective_dimension)
        assert.is_true(model.converged)
      end
    end
  end)

  it("does so with missing entries", function()
    local path, why = helper.data "sim/iris_mask10.csv"
    if not path then return pending(why) end
    local X = latent.read(path)
    local model = em { latent_dim = 2 }:fit(X, { missing = true })
    assert.near(-2.790510496302, last(model), 1e-10) -- NumPy, as above
    assert.near(0.05270369014, model.noise_variance, 1e-8)
    assert.near_matrix({ 0.974783568, 21.116294551 }, model.alpha, 1e-4)
    assert.near_matrix({ 5.848378895, 3.045843091, 3.742797185, 1.184426785 }, model.mean, 1e-5)
  end)

  it("finds three dimensions in ten", function()
    local path, why = helper.data "sim/subspace.csv"
    if not path then return pending(why) end
    local X = latent.read(path)
    -- the closed form by a search over s2 in SciPy
    local e, c = latent.bpca():fit(X), exact():fit(X)
    assert.near(-14.9960500898245, c.history[1], 1e-12)
    assert.near(0.252875903, c.noise_variance, 1e-8)
    assert.near_matrix({ 0.11653221, 0.30637445, 0.8685191 }, c.alpha:block(1, 3), 1e-7)
    for _, model in ipairs { e, c, em { accelerate = false }:fit(X) } do
      assert.equal(3, model.effective_dimension)
      assert.near(-14.9960500898, last(model), 1e-8)
      assert.equal(9, model.W.cols)
      assert.near_matrix(matrix.zeros(10, 6), model.W:block(1, 10, 4, 9), 0)
      assert.is_true(model.alpha:block(4, 9):min() > 1e12 and model.alpha:max() < math.huge)
      assert.equal(38, model:free_parameters())
    end
    assert.equal("em", e.method)
    assert.equal("closed_form", c.method)
    assert.is_true(e.iterations < 60)
    for _, share in ipairs { 0.1, 0.3, 0.5 } do
      local m = latent.bpca():fit(with_gaps(X, share), { missing = true })
      assert.equal(3, m.effective_dimension)
      assert.near(0.25, m.noise_variance, 0.02)
    end
  end)

  it("comes by iteration to the greatest bound", function()
    for _, X in ipairs {
      iris, data(300, 10, 3, 0.5), data(60, 8, 2, 2), data(60, 8, 2, 2, 17), data(25, 40, 3, 0.5),
      data(14, 100, 2, 0.5, 6), data(200, 6, 5, 0.01), data(50, 12, 1, 0.003), latent.random(3):normal(100, 7),
    } do
      local c, e = exact():fit(X), em():fit(X)
      assert.near(0, (c.history[1] - last(e)) / c.history[1], 1e-11)
      assert.equal(c.effective_dimension, e.effective_dimension)
      assert.near(1, e.noise_variance / c.noise_variance, 1e-5)
      assert.near_matrix(c.W, e.W, 1e-4)
      assert.near_matrix(c.W_covariance, e.W_covariance, 1e-4)
      assert.equal(0, e.drops)
    end
  end)

  -- With q(z) and q(W) of the closed form, term by term: E log p(x|z,W) - KL(q(z) || p(z)) - KL(q(W) || p(W)).
  it("has the bound that its definition gives", function()
    local X = data(40, 5, 2, 0.5)
    local m = exact { latent_dim = 3 }:fit(X)
    local N, D, M, s2, W, S = 40, 5, 3, m.noise_variance, m.W, m.W_covariance
    local K = W:t() * W + S * D + matrix.eye(M) * s2
    local V, Y = K:inverse() * s2, X - m.mean
    local Z = Y * W * K:inverse()
    local R, second = Y - Z * W:t(), Z:t() * Z + V * N -- sum of E[z z']
    local errors = (R % R):sum() + N * (V * W:t() * W):trace() + D * (S * second):trace()
    local bound = -0.5 * (N * D * math.log(2 * math.pi * s2) + errors / s2)
      - 0.5 * (second:trace() - N * M - N * V:logdet())
    local kl = -D * M - D * S:logdet()
    for i = 1, M do
      kl = kl + m.alpha[i] * (W:col(i):dot(W:col(i)) + D * S(i, i)) - D * math.log(m.alpha[i])
    end
    assert.near((bound - kl / 2) / N, m.history[1], 1e-10)
  end)

  it("is a maximum: no other parameters have a greater bound", function()
    local X = data(80, 6, 2, 0.7, 5)
    local best = exact():fit(X).history[1]
    for M = 0, 5 do assert.is_true(exact { latent_dim = M }:fit(X).history[1] <= best + 1e-13) end
    assert.near(best, exact { latent_dim = 2 }:fit(X).history[1], 1e-13)
    for i = 1, 30 do -- the iteration from anywhere else stays below
      for step, bound in em():steps(X + latent.random(i):normal(80, 6) * 0) do
        assert.is_true(bound <= best + 1e-12)
        if step == i then break end
      end
    end
  end)

  it("never lets the bound fall", function()
    local function check(model, X, options)
      model:fit(X, options)
      for i = 2, #model.history do
        assert.is_true(model.history[i] >= model.history[i - 1] - 1e-12 * math.abs(model.history[i]), i)
      end
      assert.equal(0, model.drops)
      assert.is_true(#model.history > 3)
    end
    local X = data(120, 9, 3, 0.6)
    for _, accelerate in ipairs { false, true } do
      check(em { accelerate = accelerate }, X)
      check(em { accelerate = accelerate }, data(15, 60, 2, 0.5))
      check(em { accelerate = accelerate }, with_gaps(X, 0.2), { missing = true })
      check(em { accelerate = accelerate }, with_gaps(data(20, 30, 2, 0.5), 0.2), { missing = true })
      check(em { accelerate = accelerate }, latent.random(2):normal(60, 8))
    end
  end)

  it("switches everything off where there is only noise", function()
    for _, size in ipairs { { 300, 10 }, { 50, 10 }, { 12, 40 } } do
      local X = latent.random(4):normal(size[1], size[2])
      for _, m in ipairs { exact(), latent.bpca(), latent.bpca { accelerate = false } } do
        m:fit(X)
        assert.equal(0, m.effective_dimension)
        local isotropic = latent.ppca { latent_dim = 0 }:fit(X)
        assert.near(isotropic.noise_variance, m.noise_variance, 1e-6)
        assert.near_matrix(isotropic:log_likelihood(X), m:log_likelihood(X), 1e-3)
        assert.near(isotropic:score(X), last(m), 1e-6)
        assert.equal(0, m:transform(X):abs():max())
        assert.equal(size[2] + 1, m:free_parameters())
      end
    end
  end)

  it("keeps what likelihood keeps when there is much data", function()
    local X = data(20000, 6, 2, 0.5)
    local b, p = exact():fit(X), latent.ppca { latent_dim = 2 }:fit(X)
    assert.near_matrix(p.W, b.W:block(1, 6, 1, 2), 1e-3)
    assert.near(p.noise_variance, b.noise_variance, 1e-3)
  end)

  it("turns and scales with the data", function()
    local X = data(70, 6, 2, 0.5)
    local Q = latent.random(9):normal(6, 6):qr()
    for _, make in ipairs { exact, em } do
      local a, b, c = make():fit(X), make():fit(X * Q), make():fit(X * 100 + 7)
      assert.near(last(a), last(b), 1e-10)
      assert.near_matrix((a.W * a.W:t()), Q * (b.W * b.W:t()) * Q:t(), 1e-5)
      assert.near_matrix(a.mean * Q, b.mean, 1e-9)
      assert.near(last(a) - 6 * math.log(100), last(c), 1e-9)
      assert.near_matrix(a.W * 100, c.W, 1e-3)
      assert.near(1, c.noise_variance / a.noise_variance / 1e4, 1e-6)
      assert.near_matrix(a.alpha:block(1, 2) * 1e-4, c.alpha:block(1, 2), 1e-8)
    end
  end)

  it("takes weights, chunks and files of any size", function()
    local X = data(90, 5, 2, 0.5)
    local weights, list = {}, {}
    for i = 1, 90 do
      weights[i] = i % 3
      for _ = 1, i % 3 do list[#list + 1] = i end
    end
    for _, make in ipairs { exact, em } do
      local a, b = make():fit(X, { weights = weights }), make():fit(X:rows_at(list))
      assert.near(last(b), last(a), 1e-11)
      assert.near_matrix(b.W, a.W, 1e-5)
      local whole, parts = make():fit(X), make():fit(chunks(X, 40))
      assert.near(last(whole), last(parts), 1e-12)
      assert.near_matrix(whole.W, parts.W, 1e-6)
      assert.equal(2, parts.effective_dimension)
    end
  end)

  it("with nothing missing is what it is with complete rows", function()
    local X = data(100, 6, 2, 0.5)
    local options = { max_iterations = 20, tolerance = 0, accelerate = false }
    local a, b = latent.bpca(options):fit(X), latent.bpca(options):fit(X, { missing = true })
    local gap = with_gaps(X, 0.2)
    local c = exact():fit(X, { missing = true })
    assert.equal("closed_form", c.method)
    assert.near_matrix(a.history, b.history, 1e-12)
    assert.near_matrix(a.W, b.W, 1e-11)
    assert.equal("em", exact():fit(gap, { missing = true }).method)
    fails("row 2, column 1", em().fit, em(), gap)
  end)

  it("takes rows without entries, and ignores constant columns when it counts", function()
    local X = matrix.vstack { data(60, 5, 2, 0.4), matrix(1, 5, 0 / 0) }
    local a, b = em():fit(X, { missing = true }), em():fit(X:block(1, 60, 1, 5), { missing = true })
    assert.near_matrix(b.W, a.W, 0.05)
    assert.equal(2, a.effective_dimension)
    local wide = matrix.hstack { data(60, 5, 2, 0.4), matrix(60, 2, 3) }
    for _, make in ipairs { exact, em } do
      local m = make():fit(wide)
      assert.equal(4, m.W.cols)
      assert.near_matrix({ 3, 3 }, m.mean:block(6, 7), 0)
    end
    local digits = latent.datasets.digits()
    local m = exact():fit(digits)
    assert.equal(60, m.W.cols) -- 61 pixels vary
    assert.near(last(em { tolerance = 1e-10 }:fit(digits)), last(m), 1e-4)
  end)

  it("gives the same bits for every number of threads", function()
    local X, threads = with_gaps(data(3000, 20, 3, 0.5), 0.1), latent.threads()
    local function run(n)
      latent.threads(n)
      local m = latent.bpca { max_iterations = 15, tolerance = 0 }:fit(X, { missing = true })
      return m.W, m.alpha, last(m)
    end
    local W, alpha, bound = run(1)
    local W2, alpha2, bound2 = run(2)
    latent.threads(threads)
    assert.is_true(W == W2 and alpha == alpha2 and bound == bound2)
  end)

  it("says of rows what a PPCA with its W does", function()
    local X = data(80, 6, 2, 0.5)
    local b = latent.bpca():fit(X)
    local C = b:covariance()
    assert.near_matrix(b.W * b.W:t() + matrix.eye(6) * b.noise_variance, C, 1e-14)
    local Y = X - b.mean
    local direct = (((Y * C:inverse()) % Y):sum(2) + (C:logdet() + 6 * math.log(2 * math.pi))) * -0.5
    assert.near_matrix(direct, b:log_likelihood(X), 1e-10)
    assert.near_matrix(Y * C:inverse() * b.W, b:transform(X), 1e-11)
    assert.equal(b.W.cols, b:transform(X).cols)
    local bound, kl = b:elbo(X)
    assert.near_matrix(b:log_likelihood(X), bound + kl, 1e-12)
    local gaps = with_gaps(X, 0.2)
    local filled, variance = b:impute(gaps, { variance = true })
    assert.equal(0, filled:isnan():sum())
    assert.is_true(variance:min() == 0 and variance:max() > 0)
    local drawn, Z = b:sample(20000, { seed = 1 })
    local D = drawn - drawn:mean(1)
    assert.near_matrix(C, D:t() * D / 20000, 0.35)
    assert.equal(b.W.cols, Z.cols)
    local p = b:free_parameters()
    assert.equal(6 + 6 * 2 + 1 - 1, p)
    local total = b:log_likelihood(X):sum()
    assert.near(-2 * total + 2 * p, b:aic(X), 1e-9)
    assert.near(-2 * total + math.log(80) * p, b:bic(X), 1e-9)
  end)

  it("steps, and can be left and stopped", function()
    local m, before = latent.bpca(), -math.huge
    for i, bound in m:steps(data(100, 8, 2, 0.5)) do
      assert.is_true(bound >= before)
      before = bound
      assert.is_number(m.effective_dimension)
      if i == 5 then break end
    end
    assert.equal(5, m.iterations)
    local seen = {}
    latent.bpca():fit(data(100, 8, 2, 0.5), { on_iteration = function(t)
      seen[#seen + 1] = t.model.effective_dimension
      return #seen < 4
    end })
    assert.same({ 7, 7, 7, 7 }, seen)
  end)

  it("is saved and loaded, unless what is in the file is no model", function()
    local path = os.tmpname()
    local X = data(80, 6, 2, 0.5)
    for _, options in ipairs { {}, { latent_dim = 3, method = "closed_form" } } do
      local m = latent.bpca(options):fit(X)
      assert(m:save(path))
      local l = assert(latent.load(path))
      assert.is_true(m.W == l.W and m.alpha == l.alpha and m.W_covariance == l.W_covariance)
      assert.is_true(m:transform(X) == l:transform(X))
      assert.equal(2, l.effective_dimension)
      assert.same(m.history, l.history)
      assert.is_true(l:fit(X).W == m:fit(X).W)
    end
    local file = assert(io.open(path, "rb"))
    local whole = file:read "a"
    file:close()
    local function changed(from, to)
      local bytes, count = whole:gsub((from:gsub("%p", "%%%0")), (to:gsub("%%", "%%%%")))
      assert.equal(1, count)
      file = assert(io.open(path, "wb"))
      file:write(bytes)
      file:close()
      return select(2, latent.load(path))
    end
    local m = latent.bpca { latent_dim = 3, method = "closed_form" }:fit(X)
    local function packed(x) return string.pack("<d", x) end
    assert.truthy(changed(packed(m.alpha[1]), packed(-1)):find("alpha or the variance of column 1", 1, true))
    assert.truthy(changed(packed(m.noise_variance), packed(0)):find("noise_variance is 0", 1, true))
    assert.truthy(changed(packed(m.alpha[1]), packed(0 / 0)):find("is NaN", 1, true))
    assert.truthy(changed('latent_dim\\":3', 'latent_dim\\":4'):find("which latent_dim doesn't fit", 1, true))
    os.remove(path)
  end)

  it("says what is wrong", function()
    local X = data(20, 4, 1, 0.5)
    local function fit(options, Y, more)
      return function() return latent.bpca(options):fit(Y or X, more) end
    end
    for _, method in ipairs { "closed_form", "em" } do
      fails("bpca:fit: latent_dim is 4 and X has 4 columns", fit { latent_dim = 4, method = method })
      fails("bpca:fit: the data has no variance outside of",
        fit({ method = method }, matrix(20, 3, function(i, j) return i * j + 0.1 end)))
      fails("bpca:fit: the data has no variance", fit({ method = method }, matrix(20, 3, 0.1)))
      fails("row 3, column 2", fit({ method = method },
        matrix(5, 3, function(i, j) return i == 3 and j == 2 and 0 / 0 or i * i + j end)))
      fails("row 1, column 1", fit({ method = method }, matrix { { math.huge, 1 }, { 1, 2 }, { 2, 5 } }))
      fails("X has 1 row", fit({ method = method }, matrix { { 1, 2, 3 } }))
      fails("all weights are 0", fit({ method = method }, matrix { { 1, 2 }, { 3, 5 } }, { weights = { 0, 0 } }))
    end
    local gap = X:copy()
    for i = 1, 20 do gap:set(i, 2, 0 / 0) end
    fails("column 2 of X is wholly missing", fit({}, gap, { missing = true }))
    fails("latent_dim must be an integer from 0", latent.bpca, { latent_dim = -1 })
    fails("unknown method 'vb' (known: closed_form, em)", latent.bpca, { method = "vb" })
    fails("unknown option 'seed'", latent.bpca, { seed = 1 })
    fails("not fitted", function() latent.bpca():transform(X) end)
    local m = latent.bpca():fit(X)
    fails("bpca:transform: X has 5 columns, the model was fitted on 4", m.transform, m, data(3, 5, 1, 1))
  end)
end)
