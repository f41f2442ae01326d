-- ICA by maximum likelihood, without the constraint that the sources be uncorrelated.
local latent = require "latent"
local helper = require "helper"
local matrix, fails = latent.matrix, helper.fails

local CONTRASTS = { "logcosh", "exp", "cube" }
local A = matrix{ { 1, 1, 1 }, { 0.5, 2, 1 }, { 1.5, 1, 2 } }

local function likelihood(options)
  options = options or {}
  options.algorithm = "maximum_likelihood"
  return latent.ica(options)
end

-- Quantiles in the order of multiples of irrational numbers, each source by its own f(u), -1/2 <= u < 1/2.
local function quantiles(n, f)
  local steps = { 0.6180339887498949, 0.4142135623730951, 0.7320508075688772 }
  return matrix(n, 3, function(i, j) return f((i * steps[j]) % 1 - 0.5, j) end)
end
local function sign(u) return u < 0 and -1 or 1 end
local function laplace(u) return -sign(u) * math.log(1 - 2 * math.abs(u) + 1e-3) end

-- N x 3: a peaked, a flat and a two-humped source of variance 1, from a seed.
local function sources(n, seed)
  local rng = latent.random(seed)
  return matrix(n, 3, function(_, j)
    if j == 1 then return (rng:uniform() < 0.5 and -1 or 1) * rng:exponential() / math.sqrt(2) end
    if j == 2 then return math.sqrt(3) * (2 * rng:uniform() - 1) end
    return ((rng:uniform() < 0.5 and -2 or 2) + rng:normal()) / math.sqrt(5)
  end)
end

-- The logarithms of the sources' densities, but for constants, by contrast and flat.
local log_density = {
  logcosh = { [0] = function(s) return -math.log(math.exp(math.pi / 2 * s) + math.exp(-math.pi / 2 * s)) end,
    function(s) return -s * s + math.log(math.exp(math.sqrt(2) * s) + math.exp(-math.sqrt(2) * s)) end },
  exp = { [0] = function(s)
    local u = 0.8377288772009266 * s
    return -u * u / 2 + math.exp(-u * u / 2)
  end, function(s)
    local u = 1.1877824429068062 * s
    return -u * u / 2 - math.exp(-u * u / 2)
  end },
  cube = { [0] = function(s) return -math.log(math.exp(math.pi / 2 * s) + math.exp(-math.pi / 2 * s)) end,
    function(s) return -(0.8221789586624586 * s) ^ 4 / 4 end },
}

-- The mean log-likelihood of a row with the unmixing matrix U, but for a constant.
local function objective(X, mean, U, contrast, flat)
  local S, sum = (X - mean) * U:t(), U:logdet()
  for i = 1, U.rows do
    sum = sum + S:col(i):map(log_density[contrast][math.tointeger(flat[i])]):mean()
  end
  return sum
end

describe("ica by maximum likelihood", function()
  -- python-picard 0.8.2: K, W, Y = picard(X.T, ortho=False, extended=extended, tol=1e-12, max_iter=2000,
  -- random_state=0); rows of W K / c in our order and with our signs. Its outputs are our u = c s: peaked ones with
  -- the density ~ sech(u), c = pi/2 (extended=False), flat ones with ~ phi(u) cosh(u), c = sqrt(2) (extended=True).
  it("finds Picard's unmixing matrices", function()
    local peaked = quantiles(800, laplace)
    local flat = quantiles(800, function(u, j) return j == 3 and sign(u) + u or u end)
    for S, expected in pairs{
      [peaked] = { { 0.3082754554389, 0.3854178437915, -0.331684682399 },
        { -1.9566784941539, 0.3847728183279, 1.158516671548 },
        { 2.1674388890074, -0.7351196628452, -0.7013857866944 } },
      [flat] = { { -2.1599290993535, 0.4370852287426, 1.2969559164728 },
        { 1.7470002764148, 1.7871237425772, -1.7705848385538 },
        { 10.6615688828441, -3.5507106391979, -3.5559832419018 } },
    } do
      local X = S * A:t()
      for _, options in ipairs{ {}, { seed = 3 }, { init = matrix(expected) + 0.1 } } do
        options.tolerance = 1e-11
        local ica = likelihood(options):fit(X)
        assert.is_true(ica.converged)
        assert.equal("maximum_likelihood", ica.algorithm)
        assert.near_matrix(expected, ica.unmixing, 1e-9)
        assert.near_matrix(S == flat and { 1, 1, 1 } or { 0, 0, 0 }, ica.flat, 0)
      end
    end
  end)

  it("ends where the likelihood's gradient vanishes, with the better density of each source", function()
    local X = sources(700, 2) * A:t() + matrix{ 3, -2, 1 }
    for _, contrast in ipairs(CONTRASTS) do
      local ica = likelihood{ contrast = contrast }:fit(X)
      assert.is_true(ica.converged and ica.gradient < 1e-8)
      local U, h = ica.unmixing, 1e-6
      local constant = ica:score(X) - objective(X, ica.mean, U, contrast, ica.flat)
      local some = X:block(1, 50, 1, 3) * 2 -- the formula is that of log_likelihood
      assert.near(constant, ica:score(some) - objective(some, ica.mean, U, contrast, ica.flat), 1e-11)
      for i = 1, 3 do
        for j = 1, 3 do
          local E = matrix(3, 3, function(a, b) return a == i and b == j and h or 0 end)
          local up = objective(X, ica.mean, U + E, contrast, ica.flat)
          local down = objective(X, ica.mean, U - E, contrast, ica.flat)
          assert.near(0, (up - down) / (2 * h), 1e-7 / math.abs(ica.mixing(j, i)) + 1e-7)
        end
      end
      assert.near(ica.objective, ica:score(X), 1e-11)
      assert.equal(ica.objective, ica.history[#ica.history])
      assert.equal(ica.iterations, #ica.history)
      for i = 2, #ica.history do assert.is_true(ica.history[i] >= ica.history[i - 1] - 1e-12) end
    end
  end)

  it("is at least as likely as the whitened solution", function()
    for seed = 1, 12 do
      local rng = latent.random(seed)
      local D = 2 + seed % 4
      local S = matrix(150, D, function(_, j)
        local kind = (j + seed) % 4
        if kind == 0 then return rng:exponential() end
        if kind == 1 then return rng:uniform() end
        if kind == 2 then return rng:normal() end -- of which there may be several: any direction will do
        return rng:normal() ^ 3
      end)
      local X = S * rng:normal(D, D)
      for _, contrast in ipairs(CONTRASTS) do
        local whitened = latent.ica{ contrast = contrast, max_iterations = 1000 }:fit(X)
        local ica = likelihood{ contrast = contrast, max_iterations = 1000 }:fit(X)
        assert.is_true(ica.converged, seed .. " " .. contrast)
        assert.is_true(ica:score(X) >= whitened:score(X) - 1e-9,
          ("%d %s: %.6f, %.6f"):format(seed, contrast, ica:score(X), whitened:score(X)))
        -- from the whitened solution it goes up without exception
        local from = likelihood{ contrast = contrast, init = whitened.unmixing, max_iterations = 1000 }:fit(X)
        assert.is_true(from:score(X) >= whitened:score(X) - 1e-12)
      end
    end
  end)

  it("gives sources in order, with fixed signs, and undoes what it does", function()
    local X = sources(700, 3) * A:t() + matrix{ 10, -20, 30 }
    local ica = likelihood():fit(X)
    local Y = ica:transform(X)
    assert.near_matrix({ 0, 0, 0 }, Y:mean(1), 1e-12)
    assert.near_matrix(matrix.eye(3), ica.unmixing * ica.mixing, 1e-12)
    assert.near_matrix(X, ica:inverse_transform(Y), 1e-11)
    local C = Y:t() * Y / #X
    assert.is_true(math.abs(C(1, 2)) > 1e-4) -- they aren't uncorrelated
    local before = math.huge
    for i = 1, 3 do
      local column = ica.mixing:col(i)
      local explained = column:norm() * C(i, i) ^ 0.5
      assert.is_true(explained <= before)
      assert.is_true(column[column:abs():argmax()] > 0)
      before = explained
      assert.near((Y:col(i) ^ 4):mean() / C(i, i) ^ 2 - 3, ica.kurtosis[i], 1e-11)
      assert.near(1, C(i, i), 0.15)
    end
  end)

  it("doesn't depend on the units of columns, nor on an offset", function()
    local X = sources(500, 4) * A:t()
    local units = matrix.diag{ 1e-6, 1, 1e7 }
    local plain = likelihood{ tolerance = 1e-11 }:fit(X)
    local scaled = likelihood{ tolerance = 1e-11 }:fit(X * units + matrix{ 0, 1e3, 1e9 })
    assert.near(plain.objective - units:logdet(), scaled.objective, 1e-9)
    local a, b = plain:transform(X), scaled:transform(X * units + matrix{ 0, 1e3, 1e9 })
    local C = (a:t() * b / #X):abs()
    for i = 1, 3 do assert.near((a:col(i) ^ 2):mean(), C:row(i):max(), 1e-6) end
    assert.near_matrix((a ^ 2):mean(1):sort(), (b ^ 2):mean(1):sort(), 1e-6)
  end)

  it("counts weights, and takes chunks, files and fewer sources", function()
    local X = sources(900, 5) * A:t()
    local weights, rows = matrix(900, 1, function(i) return i % 3 end):col(1), {}
    for i = 1, 900 do for _ = 1, i % 3 do rows[#rows + 1] = i end end
    for _, contrast in ipairs(CONTRASTS) do
      local options = { contrast = contrast, tolerance = 1e-11 }
      local twice = likelihood(options):fit(X:rows_at(rows))
      local weighted = likelihood(options):fit(X, { weights = weights })
      assert.near_matrix(twice.unmixing, weighted.unmixing, 1e-8)
      assert.near_matrix(twice.kurtosis, weighted.kurtosis, 1e-8)
      assert.near(twice.objective, weighted.objective, 1e-10)
      local whole, pieces = likelihood(options):fit(X), likelihood(options):fit(helper.chunks(X, 200))
      assert.near_matrix(whole.unmixing, pieces.unmixing, 1e-8)
      assert.near_matrix(whole.kurtosis, pieces.kurtosis, 1e-8)
      assert.equal(whole.iterations, pieces.iterations)
    end
    local path = os.tmpname()
    assert(latent.write(path .. ".npy", X))
    assert.is_true(likelihood():fit(X).unmixing == likelihood():fit(latent.open(path .. ".npy")).unmixing)
    os.remove(path)
    os.remove(path .. ".npy")
    local B = matrix{ { 1, 2, 0 }, { 0, 1, 1 }, { 3, 0, 1 }, { 1, 1, 1 }, { 2, 0, -1 } }
    local narrow = likelihood():fit(sources(900, 5) * B:t())
    assert.same({ 5, 3 }, { narrow.mixing.rows, narrow.mixing.cols })
    assert.is_true(narrow.converged)
    assert.near_matrix(sources(900, 5) * B:t(), narrow:reconstruct(sources(900, 5) * B:t()), 1e-10)
    -- the same sources as in their own three dimensions
    local own = likelihood():fit(sources(900, 5))
    assert.near_matrix(own.kurtosis:sort(), narrow.kurtosis:sort(), 1e-6)
  end)

  it("gives the same bits for every number of threads", function()
    local before = latent.threads()
    finally(function() latent.threads(before) end)
    local X, results = sources(9001, 10) * A:t(), {}
    for _, n in ipairs{ 1, 2, 3 } do
      latent.threads(n)
      results[n] = likelihood():fit(X)
    end
    assert.is_true(results[1].unmixing == results[2].unmixing and results[1].unmixing == results[3].unmixing)
    assert.same(results[1].history, results[2].history)
  end)

  it("goes step by step, can be stopped, and makes all iterations with tolerance 0", function()
    local X = sources(2000, 7) * A:t()
    local whole, model, objectives = likelihood():fit(X), likelihood(), {}
    for i, value in model:steps(X) do
      assert.equal(i, model.iterations)
      assert.near_matrix(matrix.eye(3), model.unmixing * model.mixing, 1e-12)
      assert.near(value, model.objective, 0)
      objectives[i] = value
    end
    assert.same(whole.history, objectives)
    assert.is_true(whole.unmixing == model.unmixing)
    assert.is_true(model.converged)
    local seen = {}
    local ica = likelihood{ tolerance = 0 }:fit(X, { on_iteration = function(at)
      seen[at.iteration] = at.objective
      return at.iteration < 3
    end })
    assert.same(seen, ica.history)
    assert.equal(3, ica.iterations)
    assert.equal(25, likelihood{ tolerance = 0, max_iterations = 25 }:fit(X).iterations)
    local short = likelihood():fit(X, { max_seconds = 0 }) -- still in its start
    assert.equal("fixed_point", short.algorithm)
    assert.is_false(short.converged)
    assert.same({}, short.history)
    assert.near_matrix(matrix.eye(3), short.unmixing * short.mixing, 1e-12)
    local one = likelihood():fit(X:block(1, 2000, 1, 1))
    assert.is_true(one.converged)
    assert.equal(one.iterations, #one.history)
    assert.is_true(one:score(X:block(1, 2000, 1, 1)) >= latent.ica():fit(X:block(1, 2000, 1, 1)):score(
      X:block(1, 2000, 1, 1)))
  end)

  it("is a density: samples have its entropy, a file brings it back", function()
    local X = sources(2000, 16) * A:t()
    local path = os.tmpname()
    for _, contrast in ipairs(CONTRASTS) do
      local ica = likelihood{ contrast = contrast }:fit(X)
      local one, two = ica:sample(40000, { seed = 5 }), (ica:sample(40000, { seed = 6 }))
      assert.near(ica:score(one), ica:score(two), 0.05)
      assert.equal(12, ica:free_parameters())
      assert(ica:save(path))
      local other = assert(latent.load(path))
      assert.is_true(ica:log_likelihood(X) == other:log_likelihood(X))
      assert.is_true(ica.flat == other.flat)
      assert.equal(ica:aic(X), other:aic(X))
    end
    os.remove(path)
  end)

  it("refuses what it can't work with", function()
    local X = sources(50, 18)
    fails("ica:fit: init is singular: it unmixes fewer than 3 sources", function()
      likelihood{ init = matrix.ones(3, 3) }:fit(X)
    end)
    fails("unknown algorithm 'maximum_likelyhood', did you mean 'maximum_likelihood'?", function()
      latent.ica{ algorithm = "maximum_likelyhood" }
    end)
    fails("X doesn't vary", function() likelihood():fit(matrix(10, 3, 4)) end)
    -- Gaussian data don't fail
    local gaussian = likelihood{ max_iterations = 500 }:fit(latent.random(7):normal(1000, 4))
    assert.is_false(gaussian.identifiable)
    assert.is_true(gaussian.objective == gaussian.objective)
  end)
end)
