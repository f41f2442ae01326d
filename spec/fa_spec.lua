-- Factor analysis. Expected numbers are R 4.2.2's: factanal, varimax and promax with their tolerances at 1e-15, pchisq.
local latent = require "latent"
local helper = require "helper"
local matrix, fails, chunks, log_normal = latent.matrix, helper.fails, helper.chunks, helper.log_normal

-- R's ability.cov: covariances (divisor N - 1) of six tests taken by 112 people.
local ability = matrix{
  { 24.641, 5.991, 33.520, 6.023, 20.755, 29.701 },
  { 5.991, 6.700, 18.137, 1.782, 4.936, 7.204 },
  { 33.520, 18.137, 149.831, 19.424, 31.430, 50.753 },
  { 6.023, 1.782, 19.424, 12.711, 4.757, 9.075 },
  { 20.755, 4.936, 31.430, 4.757, 52.604, 66.762 },
  { 29.701, 7.204, 50.753, 9.075, 66.762, 135.292 },
}
local deviations = matrix(6, 1, function(i) return ability(i, i) ^ 0.5 end)

-- Numbers that two factors mostly explain.
local function data(n, d)
  return matrix(n, d, function(i, j)
    return math.sin(i * 0.7) * math.cos(j) + math.cos(i * 1.3) * math.sin(2 * j)
      + 0.2 * (1 + j % 3) * math.sin(i * i * j)
  end)
end

local function covariance(X)
  local Y = X - X:mean(1)
  return Y:t() * Y / #X
end

-- Loadings of variables with variance 1.
local function standardized(fa, sd) return fa.W / (sd * matrix.ones(1, fa.W.cols)) end

describe("fa", function()
  it("finds R's uniquenesses, statistics and p-values", function()
    local one = latent.fa{ latent_dim = 1 }:fit_covariance(ability, 112)
    assert.near_matrix({ 0.534598919974, 0.852578997909, 0.748185646828, 0.910127807655, 0.231716109718,
      0.279741115617 }, one.uniquenesses, 1e-8)
    local test = one:test()
    assert.near(75.1795913005, test.statistic, 1e-8)
    assert.equal(9, test.degrees_of_freedom)
    assert.near(1.45638456547e-12, test.p_value, 1e-20)
    assert.is_true(one.converged)
    assert.is_true(one.iterations < 12)
    assert.equal("ml", one.method)
    assert.equal(0, #one.heywood)

    local two = latent.fa{ latent_dim = 2 }:fit_covariance(ability, 112)
    assert.near_matrix({ 0.4552241723341, 0.5893321648254, 0.2181795602289, 0.7694214448218, 0.0524517563729,
      0.3335883353162 }, two.uniquenesses, 1e-8)
    test = two:test()
    assert.near(6.10661649875, test.statistic, 1e-9)
    assert.equal(4, test.degrees_of_freedom)
    assert.near(0.19132631561, test.p_value, 1e-10)
    assert.near_matrix({ { 0.647526357847, 0.3542392465285 }, { 0.347431575985, 0.5384785356265 },
      { 0.471081605206, 0.7482663703434 }, { 0.253020567756, 0.4081165828096 }, { 0.964058494797, -0.1346828208831 },
      { 0.815401018925, -0.0391515478719 } }, standardized(two, deviations), 1e-6)
    for j = 1, 6 do assert.near(ability(j, j), two:covariance()(j, j), 1e-7) end
  end)

  it("turns loadings as R's varimax and promax do", function()
    local varimax = latent.fa{ latent_dim = 2, rotation = "varimax" }:fit_covariance(ability, 112)
    -- R has them in the same order
    assert.near_matrix({ { 0.501137653598, 0.541882717969 }, { 0.158013773797, 0.621047084054 },
      { 0.208476412113, 0.859277618319 }, { 0.109994964365, 0.467418079118 }, { 0.956801760298, 0.179105095188 },
      { 0.785471819611, 0.222363859387 } }, standardized(varimax, deviations), 1e-6)
    assert.near_matrix(matrix.eye(2), varimax.factor_correlations, 0)
    local promax = latent.fa{ latent_dim = 2, rotation = "promax" }:fit_covariance(ability, 112)
    assert.near_matrix({ { 0.3645389029135417, 0.4700705275524020 }, { -0.0574963694823835, 0.6710823693290876 },
      { -0.0911397264475732, 0.9317327246097773 }, { -0.0534688816385411, 0.5079148760530692 },
      { 1.0236859181313054, -0.0961139422918965 }, { 0.8115248564156002, 0.0085883655867718 } },
      standardized(promax, deviations), 1e-6)
    assert.near_matrix({ { 1, 0.557078768868723 }, { 0.557078768868723, 1 } }, promax.factor_correlations, 1e-7)
    local plain = latent.fa{ latent_dim = 2 }:fit_covariance(ability, 112)
    for _, turned in ipairs{ varimax, promax } do
      assert.near_matrix(plain:covariance(), turned:covariance(), 1e-11)
      assert.near_matrix(plain.noise_variances, turned.noise_variances, 1e-12)
    end
    -- one factor has no other direction
    assert.near_matrix(latent.fa():fit_covariance(ability, 112).W,
      latent.fa{ rotation = "promax" }:fit_covariance(ability, 112).W, 1e-14)
  end)

  it("agrees with R on 24 tests and on 8 measures of the body", function()
    local function correlations(name, n)
      local path, why = helper.data(name)
      if not path then return nil, why end
      local rows = {}
      for line in io.lines(path) do
        local row = {}
        for word in line:gmatch "[^,]+" do row[#row + 1] = tonumber(word) end
        if #row == n then rows[#rows + 1] = row end
      end
      return matrix(rows)
    end
    local harman74, why = correlations("small/harman74_cor.csv", 24)
    if not harman74 then return pending(why) end
    for M, expected in ipairs{ { 622.9065234046, 2.281354456651e-33 }, { 420.2351921364, 2.006470047665e-13 },
      { 295.5912505484, 5.121867353227e-05 }, { 226.6838447232, 0.0223955907964 }, { 186.8203069468, 0.128326366116 },
      { 157.3178198117, 0.265365793656 } } do
      local test = latent.fa{ latent_dim = M }:fit_covariance(harman74, 145):test()
      assert.near(expected[1], test.statistic, 1e-8)
      assert.near(expected[2], test.p_value, 1e-9 * expected[2])
    end
    assert.same({ 3 }, latent.fa{ latent_dim = 6 }:fit_covariance(harman74, 145).heywood)
    local four = latent.fa{ latent_dim = 4, rotation = "varimax" }:fit_covariance(harman74, 145)
    assert.near_matrix({ 0.160245140412580, 0.689336795343203, 0.186896264399903, 0.160441621478500 }, four.W[1], 1e-5)
    assert.near_matrix({ 0.369789404565846, 0.157513924872694, 0.496372223435109, 0.303799764696980 }, four.W[24], 1e-5)
    local harman23 = correlations("small/harman23_cor.csv", 8)
    for M, statistic in ipairs{ 611.441203338, 75.73753999513, 22.8090300381, 4.629740926862 } do
      assert.near(statistic, latent.fa{ latent_dim = M }:fit_covariance(harman23, 305):test().statistic, 1e-8)
    end
  end)

  it("agrees with R on wine, and bounds and reports Heywood cases", function()
    local path, why = helper.data "small/wine.csv"
    if not path then return pending(why) end
    local wine = latent.read(path, { header = true }):block(1, 178, 1, 13)
    for M, discrepancy in ipairs{ 3.292944704886, 1.640369060773, 0.9335533847126 } do
      assert.near(discrepancy, latent.fa{ latent_dim = M }:fit(wine).discrepancy, 1e-8)
    end
    assert.near(-19.533946960, latent.fa{ latent_dim = 2 }:fit(wine):score(wine), 1e-9) -- scikit-learn 1.2.1, too
    path = helper.data "small/factanal_example.csv"
    local example = latent.read(path, { header = true })
    local two = latent.fa{ latent_dim = 2 }:fit(example)
    assert.same({ 1, 5 }, two.heywood)
    assert.near(1.80302595866, two.discrepancy, 1e-10)
    assert.near_matrix({ 0.005, 0.1138340023401, 0.6418751966675, 0.7419113249046, 0.005, 0.09670525356722 },
      two.uniquenesses, 1e-7)
    local other = latent.fa{ latent_dim = 2, least_uniqueness = 0.1 }:fit(example)
    assert.near(0.1, other.uniquenesses[1], 1e-14)
    assert.is_true(other.discrepancy > two.discrepancy)
  end)

  it("agrees with scikit-learn 1.9.1 and R on simulated factors, scores included", function()
    local path, why = helper.data "sim/factors.csv"
    if not path then return pending(why) end
    local X = latent.read(path, { header = true })
    local fa = latent.fa{ latent_dim = 2 }:fit(X)
    assert.near(-12.217503702068637, fa:score(X), 1e-10)
    assert.near_matrix({ 0.08958511, 0.14390621, 0.42144339, 0.93953169, 0.86080415, 1.52154741, 2.16884428,
      2.43451792 }, fa.noise_variances, 1e-5)
    assert.near(12.1200998192, fa:test().statistic, 1e-9)
    assert.near(0.517821128527, fa:test().p_value, 1e-11)
    -- R standardizes with N - 1
    local first = X:block(1, 2, 1, 8)
    assert.near_matrix({ { -0.371799862876, -1.274412352194 }, { -1.407850479291, 0.363131718485 } },
      fa:transform(first), 1e-5)
    assert.near_matrix({ { -0.387210844683, -1.511640390833 }, { -1.466205417769, 0.430727599203 } },
      fa:transform(first, { scores = "bartlett" }), 1e-5)
  end)

  it("has a zero gradient at the fit", function()
    local X = data(150, 6)
    local S, fa = covariance(X), latent.fa{ latent_dim = 2 }:fit(X)
    local function objective(W, noise) -- of a row, up to a constant
      local C = W * W:t() + matrix.diag(noise)
      return -0.5 * (C:logdet() + (C:solve(S)):trace())
    end
    local h = 1e-5
    for j = 1, 6 do
      for m = 1, 2 do
        local unit = matrix(6, 2, function(a, b) return a == j and b == m and h or 0 end)
        local up, down = objective(fa.W + unit, fa.noise_variances), objective(fa.W - unit, fa.noise_variances)
        assert.near(0, (up - down) / (2 * h), 1e-6)
      end
      local step = 1e-4 * fa.noise_variances[j]
      local unit = matrix.eye(6)[j] * step
      local slope = (objective(fa.W, fa.noise_variances + unit) - objective(fa.W, fa.noise_variances - unit)) / 2e-4
      local bounded = fa.uniquenesses[j] < 0.00501
      if bounded then assert.is_true(slope < 1e-7) else assert.near(0, slope, 1e-6) end
    end
  end)

  it("is the model of the columns in other units", function()
    local X, units = data(90, 5), { 1e3, 1, 1e-4, 7, 0.3 }
    local D = matrix.diag(matrix(units))
    for _, options in ipairs{ {}, { rotation = "varimax" }, { rotation = "promax" },
      { method = "em", tolerance = 0, max_iterations = 200, accelerate = false } } do
      options.latent_dim = 2
      local a, b = latent.fa(options):fit(X), latent.fa(options):fit(X * D + 5)
      assert.near_matrix(a.W, D:inverse() * b.W, 1e-8)
      assert.near_matrix(a.noise_variances, (D:inverse() ^ 2) * b.noise_variances, 1e-8)
      assert.near_matrix(a.uniquenesses, b.uniquenesses, 1e-8)
      assert.near_matrix(a.factor_correlations, b.factor_correlations, 1e-8)
      assert.near_matrix(a:transform(X), b:transform(X * D + 5), 1e-8)
      assert.near(a:score(X) - D:logdet(), b:score(X * D + 5), 1e-9)
    end
  end)

  it("by EM never goes down and arrives at the same maximum", function()
    local X = data(200, 6)
    for M = 0, 3 do
      local fa = latent.fa{ latent_dim = M }:fit(X)
      local em = latent.fa{ latent_dim = M, method = "em", tolerance = 1e-14 }:fit(X)
      assert.equal("em", em.method)
      assert.near(fa:score(X), em:score(X), 1e-8)
      assert.near_matrix(fa:covariance(), em:covariance(), 1e-3)
      local options = { latent_dim = M, method = "em", accelerate = false, max_iterations = 100 }
      local history = latent.fa(options):fit(X).history
      for i = 2, #history do assert.is_true(history[i] >= history[i - 1] - 1e-13, i) end
    end
    local fa = latent.fa{ latent_dim = 2 }:fit(X)
    local em = latent.fa{ latent_dim = 2, method = "em", max_iterations = 1 }:fit(X)
    assert.is_true(em.history[1] < fa.history[#fa.history] - 1e-4) -- and doesn't start there
  end)

  -- Covariances of a chain: they are the same from the last column to the first, and so is the saddle.
  local function chain(D, r) return matrix(D, D, function(i, j) return r ^ math.abs(i - j) end) end

  -- 100 rows that have exactly the covariance R.
  local function rows_of(R)
    local X = matrix.normal(100, R.rows, latent.random(1))
    X = X - X:mean(1)
    return X * (X:t() * X / 100):cholesky():t():inverse() * R:cholesky():t()
  end

  it("leaves the saddles of symmetric data", function()
    -- SciPy 1.17: the best of 30 random starts of BFGS and Nelder-Mead over W and log psi is
    -- -5.477564869122515, at psi = 0.85290242, 0.60916054, 0.5538224, 0.82610655 or its mirror image; the
    -- symmetric stationary point has -5.4775659
    local R = chain(4, 0.4)
    local models = { latent.fa():fit_covariance(R, 100) }
    for _, accelerate in ipairs{ true, false } do
      models[#models + 1] = latent.fa{ method = "em", accelerate = accelerate }:fit(rows_of(R))
    end
    for _, fa in ipairs(models) do
      assert.is_true(fa.converged)
      assert.near(-5.477564869122515, fa.history[#fa.history], 1e-10)
      local psi = fa.uniquenesses:table()
      if psi[1] < psi[4] then psi = { psi[4], psi[3], psi[2], psi[1] } end
      assert.near_matrix({ 0.85290242, 0.60916054, 0.5538224, 0.82610655 }, psi, 1e-5)
    end
    -- longer chains: no random start finds more than the first
    for D = 5, 7 do
      for M = 1, 2 do
        for _, r in ipairs{ 0.3, 0.6 } do
          local one = latent.fa{ latent_dim = M }:fit_covariance(chain(D, r), 100)
          local best = latent.fa{ latent_dim = M, restarts = 20, seed = 4 }:fit_covariance(chain(D, r), 100)
          assert.near(best.history[#best.history], one.history[#one.history], 1e-9)
        end
      end
    end
  end)

  it("leaves them with missing entries and weights, too", function()
    local rows, D = {}, 4
    for _, row in ipairs(rows_of(chain(D, 0.4)):table()) do
      local mirror = {}
      for j = 1, D do mirror[D + 1 - j] = row[j] end
      local gap = 1 + #rows // 2 % 7
      if gap <= D then
        row[gap], mirror[D + 1 - gap] = 0 / 0, 0 / 0
      end
      rows[#rows + 1], rows[#rows + 2] = row, mirror
    end
    local X = matrix(rows)
    local weights = matrix(#X, 1, function(i) return 1 + (i - 1) // 2 % 2 end):col(1)
    for _, more in ipairs{ { missing = true }, { missing = true, weights = weights } } do
      local one = latent.fa():fit(X, more)
      assert.is_true(one.converged)
      assert.equal(0, one.drops)
      assert.is_true(math.abs(one.uniquenesses[1] - one.uniquenesses[4]) > 1e-3) -- not the saddle
      local best = latent.fa{ restarts = 10, seed = 2 }:fit(X, more)
      assert.near(best.history[#best.history], one.history[#one.history], 1e-9)
    end
  end)

  it("never goes down by the profile of the likelihood either, whose objective is the log-likelihood", function()
    local X = data(200, 6)
    local fa = latent.fa{ latent_dim = 2 }:fit(X)
    for i = 2, #fa.history do assert.is_true(fa.history[i] >= fa.history[i - 1] - 1e-13) end
    assert.near(fa:score(X), fa.history[#fa.history], 1e-11)
    assert.equal(#fa.history, fa.iterations)
    local some = latent.fa{ latent_dim = 2, max_iterations = 2 }:fit(X)
    assert.equal(2, some.iterations)
    assert.is_false(some.converged)
    local best = latent.fa{ latent_dim = 2, restarts = 5, seed = 3 }:fit(X)
    assert.is_true(best:score(X) >= fa:score(X) - 1e-12)
  end)

  it("has W'inv(Psi)W diagonal and descending, and its largest loadings positive", function()
    local fa = latent.fa{ latent_dim = 3 }:fit(data(200, 7))
    local G = fa.W:t() * matrix.diag(fa.noise_variances):inverse() * fa.W
    for a = 1, 3 do
      for b = 1, 3 do
        if a ~= b then assert.near(0, G(a, b), 1e-8) end
      end
      if a > 1 then assert.is_true(G(a, a) < G(a - 1, a - 1)) end
    end
  end)

  it("computes density, posterior and scores as the D x D formulas do, also with oblique factors", function()
    local X, new = data(80, 6), data(9, 6) * 2 + 0.5
    for _, rotation in ipairs{ "none", "varimax", "promax" } do
      local fa = latent.fa{ latent_dim = 2, rotation = rotation }:fit(X)
      local Phi, Psi = fa.factor_correlations, matrix.diag(fa.noise_variances)
      local C = fa:covariance()
      assert.near_matrix(fa.W * Phi * fa.W:t() + Psi, C, 1e-13)
      assert.near_matrix(log_normal(new, fa.mean, C), fa:log_likelihood(new), 1e-9)
      local G = C:inverse() * fa.W * Phi -- z and x are jointly Gaussian with covariance W Phi
      local means, V = fa:posterior(new)
      assert.near_matrix((new - fa.mean) * G, means, 1e-9)
      assert.near_matrix(means, fa:transform(new), 0)
      assert.near_matrix(Phi - Phi * fa.W:t() * G, V, 1e-11)
      local weighted = Psi:inverse() * fa.W
      assert.near_matrix((new - fa.mean) * weighted * (fa.W:t() * weighted):inverse(),
        fa:transform(new, { scores = "bartlett" }), 1e-9)
      assert.near_matrix(means * fa.W:t() + fa.mean, fa:reconstruct(new), 1e-11)
      assert.near_matrix(fa:reconstruct(new), fa:inverse_transform(means), 1e-11)
      assert.near_matrix(fa:transform(new[2]), means[2], 0)
      -- the bound, term by term
      local bound, kl = fa:elbo(new, { means = means, covariance = V })
      assert.near(0, kl:max(), 1e-10)
      assert.near_matrix(fa:log_likelihood(new), bound, 1e-9)
      local m, Q = means * 0.5 + 0.3, matrix{ { 0.5, 0.1 }, { 0.1, 0.2 } }
      bound, kl = fa:elbo(new, { means = m, covariance = Q })
      local R, log2pi = new - fa.mean - m * fa.W:t(), math.log(2 * math.pi)
      local direct = ((R * Psi:inverse() % R):sum(2) + (fa.W:t() * weighted * Q):trace()) * -0.5
        - 6 / 2 * log2pi - Psi:logdet() / 2
        + ((m * Phi:inverse() % m):sum(2) + (Phi:inverse() * Q):trace()) * -0.5 - log2pi - Phi:logdet() / 2
        + (Q:logdet() / 2 + log2pi + 1)
      assert.near_matrix(direct, bound, 1e-8)
      assert.is_true(kl:min() > 0)
    end
  end)

  it("counts free parameters, the mean's D among them", function()
    local X = data(80, 6)
    local fa = latent.fa{ latent_dim = 2 }:fit(X)
    assert.equal(6 + 6 * 2 + 6 - 1, fa:free_parameters())
    assert.near(-2 * 80 * fa:score(X) + 46, fa:aic(X), 1e-9)
    assert.near(-2 * 80 * fa:score(X) + 23 * math.log(80), fa:bic(X), 1e-9)
  end)

  it("draws samples that have its mean and covariances", function()
    for _, rotation in ipairs{ "none", "promax" } do
      local fa = latent.fa{ latent_dim = 2, rotation = rotation }:fit(data(100, 5) + 3)
      local X, Z = fa:sample(40000, { seed = 5 })
      assert.near_matrix(fa.mean, X:mean(1), 0.03)
      assert.near_matrix(fa:covariance(), covariance(X), 0.03)
      assert.near_matrix(fa.factor_correlations, covariance(Z), 0.03)
      local noise = covariance(X - fa:inverse_transform(Z))
      for j = 1, 5 do assert.near(fa.noise_variances[j], noise(j, j), 0.02 * fa.noise_variances[j]) end
    end
  end)

  it("is the same from rows, chunks, weights and a covariance", function()
    local X = data(90, 5)
    local fa = latent.fa{ latent_dim = 2 }:fit(X)
    local parts = latent.fa{ latent_dim = 2 }:fit(chunks(X, 40))
    assert.near_matrix(fa.W, parts.W, 1e-9)
    assert.equal(90, parts.rows)
    local from = latent.fa{ latent_dim = 2 }:fit_covariance(covariance(X), 90, { mean = X:mean(1) })
    assert.near_matrix(fa.W, from.W, 1e-8)
    assert.near_matrix(fa.mean, from.mean, 1e-15)
    assert.near(fa:test().statistic, from:test().statistic, 1e-8)
    local weights, list = {}, {}
    for i = 1, 90 do
      weights[i] = i % 3
      for _ = 1, i % 3 do list[#list + 1] = i end
    end
    for _, method in ipairs{ "ml", "em" } do
      local options = { latent_dim = 2, method = method, max_iterations = 40, tolerance = 0 }
      local a = latent.fa(options):fit(X, { weights = weights })
      local b = latent.fa(options):fit(X:rows_at(list))
      assert.near_matrix(b.W, a.W, 1e-8)
      assert.near_matrix(b.noise_variances, a.noise_variances, 1e-9)
    end
    local path = os.tmpname() .. ".npy"
    latent.write(path, X)
    assert.near_matrix(fa.W, latent.fa{ latent_dim = 2 }:fit(latent.open(path)).W, 1e-12)
    os.remove(path)
  end)

  it("keeps its digits far from the origin", function()
    local X = data(90, 5)
    assert.near_matrix(latent.fa{ latent_dim = 2 }:fit(X).noise_variances,
      latent.fa{ latent_dim = 2 }:fit(X + 1e6).noise_variances, 1e-7)
  end)

  it("gives the same bits for every number of threads", function()
    local X, threads = data(3000, 30), latent.threads()
    local function run(n)
      latent.threads(n)
      local fa = latent.fa{ latent_dim = 3, rotation = "varimax" }:fit(X)
      local em = latent.fa{ latent_dim = 3, method = "em", max_iterations = 5 }:fit(X)
      return fa.W, em.W, fa:log_likelihood(X)
    end
    local W, E, ll = run(1)
    local W2, E2, ll2 = run(2)
    latent.threads(threads)
    assert.is_true(W == W2)
    assert.is_true(E == E2)
    assert.is_true(ll == ll2)
  end)

  it("goes on with partial_fit from where a fit has left it, and steps through EM", function()
    local X = data(200, 6)
    for _, rotation in ipairs{ "none", "varimax", "promax" } do
      for _, method in ipairs{ "ml", "em" } do
        local fa = latent.fa{ latent_dim = 2, method = method, rotation = rotation }:fit(X)
        local W, noise = fa.W:copy(), fa.noise_variances:copy()
        for _ = 1, 3 do fa:partial_fit(X) end -- the same data: a fixed point
        assert.near_matrix(W, fa.W, 1e-4)
        assert.near_matrix(noise, fa.noise_variances, 1e-4)
        fails("can be tested", fa.test, fa)
      end
    end
    local online, truth = latent.fa{ latent_dim = 2 }, latent.fa{ latent_dim = 2 }:fit(X)
    for _ = 1, 100 do online:partial_fit(chunks(X, 50)) end
    assert.near(truth:score(X), online:score(X), 0.02)
    local fa, last = latent.fa{ latent_dim = 2 }, -math.huge
    for i, objective in fa:steps(X) do
      assert.is_true(objective >= last - 1e-12)
      last = objective
      if i == 20 then break end
    end
    assert.equal(20, fa.iterations)
    assert.is_true(fa:score(X) >= last - 1e-12)
  end)

  it("leaves the start of a covariance without iterations; profile is another name of ml", function()
    local left = latent.fa{ max_iterations = 0 }:fit_covariance(ability, 112)
    assert.equal(0, left.iterations)
    assert.equal(0, #left.history)
    assert.is_false(left.converged)
    local inverse = (ability / deviations / deviations:t()):inverse() -- Joreskog 1967: (1 - M/2D) / diag(inv(R))
    for j = 1, 6 do assert.near((1 - 1 / 12) / inverse(j, j), left.uniquenesses[j], 1e-12) end
    local X = data(50, 5)
    local old, new = latent.fa{ method = "profile" }:fit(X), latent.fa{ method = "ml" }:fit(X)
    assert.equal("ml", old.method)
    assert.is_true(old.W == new.W)
  end)

  it("says how probable a larger chi-square is", function()
    -- two columns with the correlation r and no factors: one degree of freedom
    local function p_value(x, n, d)
      local r = 0.5
      local fa = latent.fa{ latent_dim = 0 }
      local R = matrix(d, d, function(i, j) return i == j and 1 or (i <= 2 and j <= 2) and r or 0 end)
      local rows = x / -math.log(1 - r * r) + 1 + (2 * d + 5) / 6
      local test = fa:fit_covariance(R, n or rows):test()
      assert.near(x, test.statistic, 1e-10 * x)
      return test.p_value
    end
    for _, case in ipairs{ { 0.5, 4.79500122186953e-01 }, { 3.84, 5.00435212487052e-02 }, { 30, 4.32046305782750e-08 },
      { 200, 2.08848758376254e-45 }, { 1400, 2.10101451626413e-306 } } do
      assert.near(case[2], p_value(case[1], nil, 2), 3e-13 * case[2])
    end
    for _, case in ipairs{ { 1, 8.01251956901201e-01 }, { 3, 3.91625176271089e-01 }, { 9, 2.92908865348882e-02 },
      { 500, 4.77167203191276e-108 } } do
      assert.near(case[2], p_value(case[1], nil, 3), 3e-13 * case[2])
    end
    for _, x in ipairs{ 0.7, 6, 20, 90 } do -- six degrees: exp(-x/2) (1 + x/2 + (x/2)^2/2)
      local h = x / 2
      assert.near(1, p_value(x, nil, 4) / (math.exp(-h) * (1 + h + h * h / 2)), 1e-12)
    end
  end)

  it("takes collinear columns and fewer rows than columns, whose noise ends at its bound", function()
    local X = matrix.hstack{ data(60, 4), data(60, 4):block(1, 60, 1, 1) * 2 }
    local fa = latent.fa{ latent_dim = 2 }:fit(X)
    assert.is_true(fa:score(X) == fa:score(X))
    assert.same({ 1, 5 }, { fa.heywood[1], fa.heywood[#fa.heywood] })
    assert.near(fa:score(X), fa.history[#fa.history], 1e-9)
    fails("fa:test: the covariance is singular", function() latent.fa():fit(X):test() end)
    local wide = data(8, 20)
    fa = latent.fa{ latent_dim = 2 }:fit(wide)
    local em = latent.fa{ latent_dim = 2, method = "em" }:fit(wide)
    assert.near(fa:score(wide), fa.history[#fa.history], 1e-9)
    assert.near(fa:score(wide), em:score(wide), 1e-6)
  end)

  it("needs few steps whatever the data", function()
    local rng = latent.random(11)
    for _ = 1, 60 do
      local D, N = 2 + rng:integer(0, 10), 3 + rng:integer(0, 50)
      local M = math.min(D - 1, rng:integer(0, 4))
      local X = matrix.normal(N, math.max(M, 1), rng) * matrix.normal(math.max(M, 1), D, rng) + matrix.normal(N, D, rng)
      local fa = latent.fa{ latent_dim = M }:fit(X)
      assert.is_true(fa.converged)
      assert.is_true(fa.iterations < 60)
      assert.near(fa:score(X), fa.history[fa.iterations], 1e-8 * (1 + math.abs(fa:score(X))))
    end
  end)

  it("finds one of many maxima where there are more parameters than covariances", function()
    local iris = assert(latent.datasets.iris())
    local fa = latent.fa{ latent_dim = 3 }:fit(iris)
    assert.is_true(fa.converged)
    local full = log_normal(iris, iris:mean(1), covariance(iris)):mean()
    assert.near(full, fa:score(iris), 1e-6)
    assert.near_matrix(covariance(iris), fa:covariance(), 1e-4)
    assert.equal(-3, fa.degrees_of_freedom)
    assert.is_false(fa.identifiable)
    local note = "3 factors are too many for 4 columns (-3 degrees of freedom)"
    assert.is_truthy(fa.note:find(note, 1, true) and tostring(fa):find(note, 1, true), fa.note)
    assert.is_truthy(fa.note:find("with 1 at the most there is one", 1, true))
    assert.is_nil(latent.fa{ latent_dim = 1 }:fit(iris).note)
    local em = latent.fa{ latent_dim = 3, method = "em" }:fit(iris)
    assert.equal(-3, em.degrees_of_freedom)
    assert.is_false(em.identifiable)
    for M, degrees in ipairs{ 2, -1 } do
      fa = latent.fa{ latent_dim = M }:fit(iris)
      assert.equal(degrees, fa.degrees_of_freedom)
      assert.equal(degrees >= 0, fa.identifiable)
    end
    fa = latent.fa{ latent_dim = 1 }:fit_covariance(covariance(iris):block(1, 3, 1, 3), 150)
    assert.equal(0, fa.degrees_of_freedom) -- as many numbers as the model: that is enough
    assert.is_true(fa.identifiable)
    fa = latent.fa{ latent_dim = 3 }:fit(iris)
    fails("fa:test: 3 factors of 4 columns leave -3 degrees of freedom", fa.test, fa)
  end)

  it("says what is wrong", function()
    local X = data(20, 4)
    local function fit(options, Y, more)
      return function() return latent.fa(options):fit(Y or X, more) end
    end
    for _, method in ipairs{ "ml", "em" } do
      fails("fa:fit: latent_dim is 4 and X has 4 columns", fit{ latent_dim = 4, method = method })
      fails("column 2 of X is constant",
        fit({ method = method }, matrix(20, 3, function(i, j) return j == 2 and 0.1 or math.sin(i * j) end)))
      fails("row 3, column 2", fit({ method = method },
        matrix(5, 3, function(i, j) return i == 3 and j == 2 and 0 / 0 or i * i + j end)))
      fails("row 1, column 1", fit({ method = method }, matrix{ { math.huge, 1 }, { 1, 2 }, { 2, 5 } }))
    end
    fails("fa:fit: X has 1 row", fit({ latent_dim = 1 }, matrix{ { 1, 2, 3 } }))
    fails("column 1 of X is constant", fit({ latent_dim = 1, method = "em" }, matrix{ { 1, 2, 3 } }))
    fails("latent_dim must be an integer from 0", latent.fa, { latent_dim = -1 })
    fails("least_uniqueness", latent.fa, { least_uniqueness = 0 })
    fails("unknown method 'minres' (known: ml, em, profile)", latent.fa, { method = "minres" })
    fails("unknown rotation 'oblimin' (known: none, varimax, promax)", latent.fa, { rotation = "oblimin" })
    fails("not fitted", function() latent.fa():transform(X) end)
    local function from(S, n, more) return function() latent.fa():fit_covariance(S, n, more) end end
    fails("fa:fit_covariance: S is a 2x3 matrix, a covariance is square", from(data(2, 3), 10))
    fails("N must be the number of rows, at least 2", from(ability, 1))
    fails("isn't positive semidefinite", from(matrix{ { 1, 0.9, 0 }, { 0.9, 1, 0.9 }, { 0, 0.9, 1 } }, 10))
    fails("the covariance", from(matrix{ { 1, 0.9, 0 }, { 0.8, 1, 0 }, { 0, 0, 1 } }, 10))
    fails("column 3 of X is constant", from(matrix{ { 1, 0, 0 }, { 0, 1, 0 }, { 0, 0, 0 } }, 10))
    fails("mean has 2 numbers, S 6 columns", from(ability, 112, { mean = { 1, 2 } }))
    local fa = latent.fa{ latent_dim = 2 }:fit(X)
    fails("fa:transform: X has 5 columns, the model was fitted on 4", fa.transform, fa, data(3, 5))
    fails("fa:log_likelihood: self must be a fa", fa.log_likelihood, latent.ppca():fit(X), X)
    fails("only a fit by method = \"ml\"", function() latent.fa{ method = "em" }:fit(data(50, 5)):test() end)
  end)

  it("is saved and loaded", function()
    local path, X = os.tmpname(), data(60, 6)
    for _, rotation in ipairs{ "none", "promax" } do
      local fa = latent.fa{ latent_dim = 2, rotation = rotation }:fit(X)
      assert(fa:save(path))
      local other = assert(latent.load(path))
      for _, name in ipairs{ "mean", "W", "noise_variances", "factor_correlations" } do
        assert.is_true(fa[name] == other[name], name)
      end
      assert.near_matrix(fa.uniquenesses, other.uniquenesses, 1e-4)
      assert.same(fa.heywood, other.heywood)
      assert.equal(fa:test().statistic, other:test().statistic)
      assert.is_true(fa:transform(X) == other:transform(X))
      other:partial_fit(X)
      assert.near_matrix(fa:covariance(), other:covariance(), 0.05)
      -- parameters that don't go together
      local file = assert(io.open(path, "rb"))
      local bytes = file:read "a"
      file:close()
      local from = #bytes - 8 * 6 -- somewhere among the last tensors
      for _, value in ipairs{ -1, 3 } do
        for at = from - 8 * 4, from + 40, 8 do
          file = assert(io.open(path, "wb"))
          file:write(bytes:sub(1, at), string.pack("<d", value), bytes:sub(at + 9))
          file:close()
          local ok, model = pcall(latent.load, path)
          assert.is_true(ok)
          if model then assert.is_true(model:score(X) == model:score(X)) end
        end
      end
    end
    os.remove(path)
  end)
end)
