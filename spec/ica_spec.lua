local latent = require "latent"
local helper = require "helper"
local matrix, fails = latent.matrix, helper.fails

-- Three signals that take turns, and what three microphones hear.
local A = matrix{ { 1, 1, 1 }, { 0.5, 2, 1 }, { 1.5, 1, 2 } }
local function signals(n)
  return matrix(n, 3, function(i, j)
    local t = 8 * i / n
    if j == 1 then return math.sin(2 * t) end
    if j == 2 then return math.sin(3 * t) > 0 and 1 or -1 end
    return 2 * (t % 1) - 1
  end)
end

-- N x 3: a peaked, a flat and a two-humped source of variance 1, from a seed.
local function sources(n, seed)
  local rng = latent.random(seed)
  local S = matrix.zeros(n, 3)
  for i = 1, n do
    S[i][1] = (rng:uniform() < 0.5 and -1 or 1) * rng:exponential() / math.sqrt(2)
    S[i][2] = math.sqrt(3) * (2 * rng:uniform() - 1)
    S[i][3] = ((rng:uniform() < 0.5 and -2 or 2) + rng:normal()) / math.sqrt(5)
  end
  return S
end

-- Amari's distance of U A from a scaled permutation: 0 is perfect, at most 1.
local function amari(ica, mixing)
  local P, total = (ica.unmixing * mixing):abs(), 0
  for i = 1, #P do
    total = total + P:row(i):sum() / P:row(i):max() + P:col(i):sum() / P:col(i):max() - 2
  end
  return total / (2 * #P * (#P - 1))
end

local ALGORITHMS = { "auto", "fixed_point", "deflation", "quasi_newton" }
local CONTRASTS = { "logcosh", "exp", "cube" }

-- E[g(y) z'] and so on need g: the contrasts' derivatives, in plain Lua.
local g = {
  logcosh = function(y) return (math.exp(2 * y) - 1) / (math.exp(2 * y) + 1) end,
  exp = function(y) return y * math.exp(-y * y / 2) end,
  cube = function(y) return y ^ 3 end,
}

describe("ica", function()
  it("separates three known sources, with every contrast and algorithm", function()
    local X = sources(5000, 1) * A:t()
    for _, contrast in ipairs(CONTRASTS) do
      for _, algorithm in ipairs(ALGORITHMS) do
        local ica = latent.ica{ contrast = contrast, algorithm = algorithm }:fit(X)
        assert.is_true(ica.converged, contrast .. " " .. algorithm)
        assert.is_true(amari(ica, A) < 0.05, ("%s %s: %g"):format(contrast, algorithm, amari(ica, A)))
        assert.is_true(ica.gradient < 1e-8 and ica.identifiable)
        assert.are.equal(ica.iterations, #ica.history)
      end
    end
  end)

  -- scikit-learn 1.9.1: FastICA(fun=, max_iter=2000, tol=1e-16, w_init=np.eye(3)).fit(X), whose whitening_
  -- is the first unmixing matrix then; components_, its rows in our order and with our signs.
  local first = matrix{
    { 0.004823633540896955, 0.007165835962327601, 0.006198463568647143 },
    { 0.004873185377704984, -0.024040409627100766, 0.02400000738385038 },
    { 0.1925087563417475, -0.05131327059717892, -0.09048842636642583 },
  } * math.sqrt(1000)
  local published = {
    logcosh = { { 0.303761461775, 0.5579107129, -0.415754486458 }, { -4.024290573217, 0.784484240237, 2.485688145902 },
      { 4.56283365916, -1.528287392053, -1.565592303131 } },
    exp = { { 0.307014626249, 0.557071171382, -0.417361269235 }, { -4.022431292097, 0.784154414714, 2.484911711919 },
      { 4.564255159841, -1.528762834241, -1.566397129153 } },
    cube = { { 0.25105265855, 0.572410290401, -0.391519287052 }, { -4.061568312567, 0.79329726606, 2.500174429606 },
      { 4.532909887643, -1.518343882841, -1.548682369216 } },
  }

  it("finds scikit-learn's fixed points from the same start", function()
    local X = signals(1000) * A:t()
    for _, contrast in ipairs(CONTRASTS) do
      for _, algorithm in ipairs{ "fixed_point", "auto", "quasi_newton" } do
        local ica = latent.ica{ contrast = contrast, algorithm = algorithm, init = first, tolerance = 1e-12,
          max_iterations = 1000 }:fit(X)
        assert.near_matrix(published[contrast], ica.unmixing, 1e-6)
      end
    end
  end)

  it("finds scikit-learn's sources one after the other", function()
    -- as above, algorithm="deflation"
    local ica = latent.ica{ algorithm = "deflation", init = first }:fit(signals(1000) * A:t())
    assert.near_matrix({ { 0.500529841039, 0.500529840962, -0.500529840953 },
      { -4.321041302681, 0.896996482093, 2.579215441975 }, { 4.264353243255, -1.485668007624, -1.37829394307 } },
      ica.unmixing, 1e-6)
  end)

  it("ends where the relative gradient vanishes", function()
    local X = sources(400, 2) * A:t()
    for _, contrast in ipairs(CONTRASTS) do
      local ica = latent.ica{ contrast = contrast }:fit(X)
      local Y = ica:transform(X)
      local P = Y:map(g[contrast]):t() * Y / #X -- E[g(y_i) y_j]
      for i = 1, 3 do
        for j = 1, i - 1 do
          -- c_i P_ij = c_j P_ji with signs c: the magnitudes agree
          assert.near(math.abs(P(i, j)), math.abs(P(j, i)), 1e-8)
        end
      end
    end
  end)

  it("gives sources of variance 1, uncorrelated, in order, with fixed signs", function()
    local X = sources(700, 3) * A:t() + matrix{ 10, -20, 30 }
    for _, algorithm in ipairs(ALGORITHMS) do
      local ica = latent.ica{ algorithm = algorithm }:fit(X)
      local Y = ica:transform(X)
      assert.near_matrix({ 0, 0, 0 }, Y:mean(1), 1e-12)
      assert.near_matrix(matrix.eye(3), Y:t() * Y / #X, 1e-12)
      assert.near_matrix(matrix.eye(3), ica.unmixing * ica.mixing, 1e-12)
      assert.near_matrix(X:mean(1), ica.mean, 1e-12)
      local before = math.huge
      for i = 1, 3 do
        local column = ica.mixing:col(i)
        assert.is_true(column:norm() <= before)
        assert.is_true(column[column:abs():argmax()] > 0)
        before = column:norm()
      end
      assert.near_matrix((Y ^ 4):mean(1) - 3, ica.kurtosis, 1e-12)
    end
  end)

  it("doesn't depend on the units of columns, nor on an offset", function()
    local X = sources(500, 4) * A:t()
    local units = matrix.diag{ 1e-6, 1, 1e7 }
    local plain, scaled = latent.ica():fit(X), latent.ica():fit(X * units + matrix{ 0, 1e3, 1e9 })
    local a, b = plain:transform(X), scaled:transform(X * units + matrix{ 0, 1e3, 1e9 })
    -- the order follows the explained variance, which the units change: compare as sets
    local C = (a:t() * b / #X):abs()
    for i = 1, 3 do assert.near(1, C:row(i):max(), 1e-6) end
  end)

  it("finds fewer sources than dimensions", function()
    local S = sources(1000, 5)
    local B = matrix{ { 1, 2, 0 }, { 0, 1, 1 }, { 3, 0, 1 }, { 1, 1, 1 }, { 2, 0, -1 } }
    local X = S * B:t() + matrix{ 1, 2, 3, 4, 5 }
    local ica = latent.ica{ latent_dim = 3 }:fit(X)
    assert.are.same({ 5, 3, 3, 5 }, { ica.mixing.rows, ica.mixing.cols, ica.unmixing.rows, ica.unmixing.cols })
    assert.near_matrix(X, ica:reconstruct(X), 1e-10)
    assert.near_matrix(X, ica:inverse_transform(ica:transform(X)), 1e-10)
    assert.is_true(amari(ica, B) < 0.1)
    local two = latent.ica{ latent_dim = 2 }:fit(X)
    -- the data are reduced to their principal plane before
    assert.near_matrix(latent.pca{ latent_dim = 2 }:fit(X):reconstruct(X), two:reconstruct(X), 1e-10)
  end)

  it("leaves out directions without variance", function()
    local S = sources(300, 6)
    local X = matrix.hstack{ S, S:col(1) + S:col(2), matrix(300, 1, 7) }
    local ica = latent.ica():fit(X)
    assert.are.equal(3, #ica.kurtosis)
    assert.near_matrix(X, ica:reconstruct(X), 1e-10)
    fails("latent_dim is 4; the data vary in 3 directions of their 5 only", function()
      latent.ica{ latent_dim = 4 }:fit(X)
    end)
  end)

  it("lets the quasi-Newton method take over from a fixed point that gets nowhere", function()
    local X = latent.random(1):normal(1000, 20)
    local options = { seed = 1, max_iterations = 400 }
    options.algorithm = "fixed_point"
    local alone = latent.ica(options):fit(X)
    assert.is_false(alone.converged)
    assert.are.equal(400, alone.iterations)
    options.algorithm = "auto"
    local ica = latent.ica(options):fit(X)
    assert.is_true(ica.converged)
    assert.are.equal("quasi_newton", ica.algorithm)
    assert.is_true(ica.gradient < 1e-8 and alone.gradient > 1e-3)
  end)

  it("raises the objective with every quasi-Newton step", function()
    local ica = latent.ica{ algorithm = "quasi_newton" }:fit(latent.random(3):exponential(500, 6))
    assert.is_true(#ica.history > 3)
    for i = 2, #ica.history do assert.is_true(ica.history[i] >= ica.history[i - 1] - 1e-12) end
    assert.are.equal(ica.objective, ica.history[#ica.history])
  end)

  it("says that Gaussian sources can't be identified, and doesn't fail", function()
    for _, contrast in ipairs(CONTRASTS) do
      local ica = latent.ica{ contrast = contrast }:fit(latent.random(7):normal(1000, 4))
      assert.is_false(ica.identifiable)
    end
    local S = sources(1000, 8)
    local noise = latent.random(9):normal(1000, 2)
    -- one Gaussian source is allowed, two aren't
    assert.is_true(latent.ica():fit(matrix.hstack{ S, noise:block(1, 1000, 1, 1) }).identifiable)
    assert.is_false(latent.ica():fit(matrix.hstack{ S, noise }).identifiable)
  end)

  it("gives the same bits for every number of threads, and the same for the same seed", function()
    local before = latent.threads()
    finally(function() latent.threads(before) end)
    local X = sources(9001, 10) * A:t()
    for _, contrast in ipairs(CONTRASTS) do
      for _, algorithm in ipairs(ALGORITHMS) do
        local results = {}
        for _, n in ipairs{ 1, 2, 3 } do
          latent.threads(n)
          results[n] = latent.ica{ contrast = contrast, algorithm = algorithm, seed = 4 }:fit(X)
        end
        assert.is_true(results[1].unmixing == results[2].unmixing and results[1].unmixing == results[3].unmixing)
        assert.is_true(results[1].kurtosis == results[2].kurtosis)
        assert.are.same(results[1].history, results[2].history)
      end
    end
  end)

  it("ends in double precision, whatever the first iterations were in", function()
    local X = sources(16384, 5) -- so many numbers that these are in single precision
    for _, algorithm in ipairs{ "auto", "fixed_point" } do
      local ica = latent.ica{ algorithm = algorithm, tolerance = 1e-12, max_iterations = 500 }:fit(X)
      assert.is_true(ica.converged)
      local again = latent.ica{ algorithm = algorithm, init = ica.unmixing, tolerance = 1e-12 }:fit(X) -- all in double
      assert.near_matrix(again.unmixing, ica.unmixing, 1e-11)
      assert.near(again.objective, ica.objective, 1e-14)
      local coarse = latent.ica{ algorithm = algorithm, tolerance = 1e-3 }:fit(X)
      assert.is_true(coarse.converged and coarse.gradient < 1e-3)
      local short = latent.ica{ algorithm = algorithm, tolerance = 0, max_iterations = 30 }:fit(X)
      assert.is_true(short.gradient < 1e-14)
    end
  end)

  it("makes all iterations with tolerance 0", function()
    local X = sources(200, 11)
    for _, algorithm in ipairs{ "fixed_point", "quasi_newton", "auto" } do
      local ica = latent.ica{ algorithm = algorithm, tolerance = 0, max_iterations = 40 }:fit(X)
      assert.are.equal(40, ica.iterations)
      assert.is_false(ica.converged)
    end
  end)

  it("shows its iterations, and can be stopped", function()
    local seen = {}
    local ica = latent.ica{ tolerance = 0 }:fit(sources(200, 12), { on_iteration = function(at)
      seen[at.iteration] = at.objective
      return at.iteration < 3
    end })
    assert.are.same(seen, ica.history)
    assert.are.equal(3, ica.iterations)
    assert.are.equal(1, latent.ica():fit(sources(200, 12), { max_seconds = 0 }).iterations)
  end)

  it("takes views, tables, float32 and vectors", function()
    local X = sources(300, 13) * A:t()
    local expected = latent.ica():fit(X).unmixing
    local wide = matrix.hstack{ matrix.zeros(300, 2), X, matrix.zeros(300, 1) }
    assert.near_matrix(expected, latent.ica():fit(wide:block(1, 300, 3, 5)).unmixing, 1e-12)
    assert.near_matrix(expected, latent.ica():fit(X:t():copy():t()).unmixing, 1e-12)
    assert.near_matrix(expected, latent.ica():fit(X:table()).unmixing, 1e-12)
    local ica = latent.ica():fit(X:to "float32")
    assert.near_matrix(expected, ica.unmixing, 1e-4)
    assert.near_matrix(ica:transform(X)[1], ica:transform(X[1]), 1e-14)
    assert.near(ica:log_likelihood(X)[1], ica:log_likelihood(X[1]), 1e-13)
    local out = matrix.zeros(300, 3)
    assert.are.equal(out, ica:transform(X, { out = out }))
    -- one column has nothing to be turned
    local one = latent.ica():fit(X:block(1, 300, 1, 1))
    assert.is_true(one.converged)
    assert.near(X:col(1):std(), one.mixing(1, 1), 1e-12)
  end)

  describe("as a density", function()
    -- A model whose one source has the kurtosis of the data; p(x) is p(s) |U|.
    local function one(contrast, flat)
      local S = sources(400, 14)
      return latent.ica{ contrast = contrast }:fit(S:block(1, 400, flat and 2 or 1, flat and 2 or 1) * 2.5)
    end

    it("integrates to 1, with the mean and variance of the data", function()
      for _, contrast in ipairs(CONTRASTS) do
        for _, flat in ipairs{ false, true } do
          local ica = one(contrast, flat)
          local U, m = ica.unmixing(1, 1), ica.mean[1]
          local n, width = 20001, 40 / U -- the trapezoidal rule: smooth functions with all their tails
          local x = matrix.linspace(m - width, m + width, n)
          local p = ica:log_likelihood(matrix(n, 1, function(i) return x[i] end)):exp() * (2 * width / (n - 1))
          local c = (x - m) * U
          assert.near(1, p:sum(), 1e-10)
          assert.near(0, p:dot(c), 1e-10)
          assert.near(1, p:dot(c % c), 1e-9)
        end
      end
    end)

    it("is log|det U| + sum log p(s), for logcosh of hyperbolic secants", function()
      local X = latent.random(15):exponential(500, 2) * matrix{ { 2, 1 }, { 0, 1 } }
      local ica = latent.ica():fit(X)
      assert.is_true(ica.kurtosis:min() > 0)
      local S, sum = ica:transform(X), 0
      for i = 1, 500 do
        local value = ica.unmixing:logdet()
        for j = 1, 2 do value = value - math.log(math.exp(math.pi / 2 * S(i, j)) + math.exp(-math.pi / 2 * S(i, j))) end
        if i % 100 == 0 then assert.near(value, ica:log_likelihood(X)[i], 1e-12) end
        sum = sum + value
      end
      assert.near(sum / 500, ica:score(X), 1e-12)
    end)

    it("draws samples that have the model's moments", function()
      for _, contrast in ipairs(CONTRASTS) do
        local ica = latent.ica{ contrast = contrast }:fit(sources(2000, 16) * A:t())
        local X, S = ica:sample(40000, { seed = 5 })
        assert.near_matrix(ica:inverse_transform(S), X, 1e-12)
        assert.is_true(X == ica:sample(40000, { seed = 5 }))
        -- deviations of a mean of 40000: 0.005, of a covariance at most 0.011
        assert.near_matrix({ 0, 0, 0 }, S:mean(1), 0.025)
        assert.near_matrix(matrix.eye(3), S:t() * S / 40000, 0.06)
        -- the mean log-likelihood of the samples is minus the entropy; the data's own distribution is another
        local again = ica:sample(40000, { seed = 6 })
        assert.near(ica:score(X), ica:score(again), 0.05)
        for j = 1, 3 do
          local k = (S:col(j) ^ 4):mean() - 3
          assert.is_true(k * ica.kurtosis[j] > 0, ("%s: source %d has kurtosis %g"):format(contrast, j, k))
        end
      end
    end)

    it("has 12 free parameters for 3 sources of 3 columns, and criteria that count them", function()
      local X = sources(300, 18) * A:t()
      local ica, narrow = latent.ica():fit(X), latent.ica{ latent_dim = 2 }:fit(X)
      assert.equal(12, ica:free_parameters())
      assert.equal(9, narrow:free_parameters())
      local L = ica:log_likelihood(X):sum()
      assert.near(-2 * L + 24, ica:aic(X), 1e-9)
      assert.near(-2 * L + 12 * math.log(300), ica:bic(X), 1e-9)
      fails("ica:bic: the model has 2 sources for 3 columns", narrow.bic, narrow, X)
      fails("ica:free_parameters: the model is not fitted yet", narrow.free_parameters, latent.ica())
      for _, method in ipairs{ "log_likelihood", "score", "aic", "bic" } do
        fails("ica:" .. method
          .. ": missing: this model does not know missing entries; latent.fa knows missing entries",
          ica[method], ica, X, { missing = true })
        fails("ica:" .. method .. ": X has 2 columns", ica[method], ica, X:block(1, 300, 1, 2))
      end
      -- a classifier counts those of its models
      local labels = latent.matrix(300, 1, function(i) return i % 2 end)
      assert.equal(25, latent.classifier(function() return latent.ica() end):fit(X, labels):free_parameters())
    end)

    it("needs as many sources as dimensions", function()
      local X = sources(100, 17)
      fails("ica:log_likelihood: the model has 2 sources for 3 columns", function()
        latent.ica{ latent_dim = 2 }:fit(X):log_likelihood(X)
      end)
      local rows, S = latent.ica{ latent_dim = 2 }:fit(X):sample(4)
      assert.are.same({ 4, 3, 4, 2 }, { rows.rows, rows.cols, S.rows, S.cols })
    end)
  end)

  it("counts a row of weight 2 twice and of weight 0 not at all", function()
    local X = sources(900, 5) * A:t()
    local weights, rows = matrix(900, 1, function(i) return i % 3 end):col(1), {}
    for i = 1, 900 do for _ = 1, i % 3 do rows[#rows + 1] = i end end
    local Y = X:copy()
    for i = 3, 900, 3 do Y:row(i):fill(1e200) end -- nobody looks at these
    for _, contrast in ipairs(CONTRASTS) do
      for _, algorithm in ipairs(ALGORITHMS) do
        local options = { contrast = contrast, algorithm = algorithm, tolerance = 1e-11 }
        local twice = latent.ica(options):fit(X:rows_at(rows))
        local weighted = latent.ica(options):fit(X, { weights = weights })
        assert.near_matrix(twice.unmixing, weighted.unmixing, 1e-8)
        assert.near_matrix(twice.kurtosis, weighted.kurtosis, 1e-8)
        assert.near(twice.history[3], weighted.history[3], 1e-8)
        assert.equal(twice.identifiable, weighted.identifiable)
      end
    end
    fails("all weights are 0", function() latent.ica():fit(X, { weights = matrix.zeros(900) }) end)
    fails("weight 1 is -1", function() latent.ica():fit(X, { weights = matrix.ones(900) * -1 }) end)
  end)

  it("takes data in chunks, with weights or without, and files", function()
    local X = sources(3000, 6) * A:t()
    local weights = matrix(3000, 1, function(i) return i % 4 end):col(1)
    local function chunks(n, weighted)
      local at = 0
      return function()
        local from, to = at + 1, math.min(at + n, 3000)
        at = to
        if from > 3000 then at = 0 return nil end
        return X:block(from, to, 1, 3), weighted and weights:block(from, to) or nil
      end
    end
    for _, algorithm in ipairs(ALGORITHMS) do
      local options = { algorithm = algorithm, tolerance = 1e-11 }
      local whole = latent.ica(options):fit(X)
      local pieces = latent.ica(options):fit(chunks(700))
      assert.equal(whole.iterations, pieces.iterations)
      assert.near_matrix(whole.unmixing, pieces.unmixing, 1e-8)
      assert.near_matrix(latent.ica(options):fit(X, { weights = weights }).mixing,
        latent.ica(options):fit(chunks(999, true)).mixing, 1e-8)
    end
    local path = os.tmpname()
    assert(latent.write(path .. ".npy", X))
    assert.same(latent.ica():fit(X).unmixing:table(), latent.ica():fit(latent.open(path .. ".npy")).unmixing:table())
    os.remove(path)
    os.remove(path .. ".npy")
    local calls = 0
    fails("chunk 1: X has NaN at row 7, column 2", function()
      latent.ica():fit(function()
        calls = calls + 1
        if calls % 2 == 0 then return nil end
        local Y = X:copy()
        if calls > 4 then Y[7][2] = 0 / 0 end
        return Y
      end)
    end)
    fails("the function gave no data", function() latent.ica():fit(function() return nil end) end)
  end)

  it("goes step by step, and keeps what was reached when the loop is left or its body raises", function()
    local X = sources(2000, 7) * A:t()
    for _, algorithm in ipairs { "fixed_point", "deflation", "quasi_newton" } do
      local whole = latent.ica{ algorithm = algorithm, tolerance = 1e-10 }:fit(X)
      local model, objectives = latent.ica{ algorithm = algorithm, tolerance = 1e-10 }, {}
      for i, objective in model:steps(X) do
        assert.equal(i, model.iterations)
        assert.near_matrix(matrix.eye(3), model.unmixing * model.mixing, 1e-12)
        objectives[i] = objective
      end
      assert.same(whole.history, objectives)
      assert.same(whole.unmixing:table(), model.unmixing:table())
      assert.is_true(model.converged)
    end
    local model = latent.ica()
    for i in model:steps(X) do if i == 2 then break end end
    assert.equal(2, model.iterations)
    local ok, message = pcall(function()
      model:fit(X, { on_iteration = function(state)
        assert.equal(state.iteration, state.model.iterations)
        if state.iteration == 4 then error "enough" end
      end })
    end)
    assert.is_false(ok)
    assert.is_truthy(message:find "enough")
    assert.equal(4, model.iterations)
    assert.equal(2000, model:transform(X).rows)
  end)

  for _, name in ipairs { "ica_mixed", "ica_super" } do
    it("separates the sources of " .. name, function()
      local path, why = helper.data("sim/" .. name .. ".csv")
      if not path then return pending(why) end
      local X, mixing = latent.read(path), latent.read((path:gsub("%.csv$", "_A.csv")))
      for _, contrast in ipairs(CONTRASTS) do
        local ica = latent.ica{ contrast = contrast }:fit(X)
        assert.is_true(ica.converged and ica.identifiable)
        assert.is_true(amari(ica, mixing) < 0.05, ("%s: %g"):format(contrast, amari(ica, mixing)))
      end
    end)
  end

  it("refuses what it can't work with", function()
    local X = sources(50, 18)
    local function with(options) return function() latent.ica(options):fit(X) end end
    fails("unknown contrast 'logcos', did you mean 'logcosh'?", with{ contrast = "logcos" })
    fails("unknown algorithm 'fixedpoint', did you mean 'fixed_point'?", with{ algorithm = "fixedpoint" })
    fails("unknown option 'components'", with{ components = 2 })
    fails("latent_dim must be an integer >= 1, got 0", with{ latent_dim = 0 })
    fails("latent_dim is 4; 50 x 3 data have at most 3 components", with{ latent_dim = 4 })
    fails("max_iterations must be an integer >= 0, got -1", with{ max_iterations = -1 })
    fails("tolerance must be at least 0", with{ tolerance = -1 })
    fails("ica:fit: init is 2 x 2; the unmixing matrix of 3 sources and 3 columns is 3 x 3",
      with{ init = matrix.eye(2) })
    fails("init has NaN at row 1, column 1", with{ init = matrix.eye(3) * (0 / 0) })
    fails("ica:fit: X has 1 row", function() latent.ica():fit(matrix{ { 1, 2 } }) end)
    fails("X doesn't vary: all rows are equal", function() latent.ica():fit(matrix(10, 3, 4)) end)
    fails("X must be a matrix, got nothing", function() latent.ica():fit() end)
    local broken = X:copy()
    broken[7][2] = 0 / 0
    fails("row 7", function() latent.ica():fit(broken) end)
    fails("on_iteration must be a function, got number", function() latent.ica():fit(X, { on_iteration = 1 }) end)
    fails("the model is not fitted yet", function() latent.ica():transform(X) end)
    local ica = latent.ica{ latent_dim = 2 }:fit(X)
    fails("ica:transform: X has 2 columns, the model was fitted on 3", function() ica:transform(matrix.eye(2)) end)
    fails("ica:inverse_transform: S has 4 columns, the model has 2 sources", function()
      ica:inverse_transform(matrix.zeros(5, 4))
    end)
    fails("row 7", function() ica:transform(broken) end)
    fails("n must be an integer >= 1, got 0", function() ica:sample(0) end)
  end)
end)
