-- The choice of the dimension by its evidence, latent_dim = "mle". Expected numbers are scikit-learn 1.9.1's
-- _assess_dimension of the same spectrum (divisor N), which is Minka's equation 77, and PCA(n_components="mle").
local latent = require "latent"
local helper = require "helper"
local matrix, fails = latent.matrix, helper.fails

-- N rows whose covariance is diag(values).
local function with_spectrum(values, N)
  return matrix(N, #values, function(i, j)
    if (i + 1) // 2 ~= j then return 0 end
    return (i % 2 == 0 and 1 or -1) * math.sqrt(values[j] * N / 2)
  end)
end

local function chosen(X, options, more)
  options = options or {}
  options.latent_dim = "mle"
  return latent.pca(options):fit(X, more)
end

local wine_covariance = { -4042.430218283, -2049.141396357, -1622.849973019, -1085.871052938, -901.2957850043,
  -647.0542689169, -562.9466879514, -522.5076723542, -477.3922088356, -437.1578503547, -417.8476216043,
  -405.0296064239 }
local wine_correlation = { 222.9235428598, 344.659559131, 400.9455593605, 421.2617458367, 450.6367357249, 468.354330417,
  488.3655190327, 489.2177365742, 488.4001703687, 487.7774885336, 489.6586924762, 490.3021536144 }

describe("latent_dim = \"mle\"", function()
  local iris = assert(latent.datasets.iris())

  it("has scikit-learn's evidences, and chooses as it does", function()
    local rng = latent.random(5)
    local planes = rng:normal(100, 3) * rng:normal(3, 8) * 2 + rng:normal(100, 8)
    for _, case in ipairs{
      { iris, false, 3, { 366.0404279564, 422.9420732925, 442.4251800715 } },
      { iris, true, 3, { 137.1784668133, 275.913972443, 331.9219936548 } },
      { planes, false, 3, { -816.2808307365, -645.0694264293, -532.5575541599, -535.8146922153, -538.1853345055,
        -540.2798148832, -542.6392618203 } },
      { planes, true, 6, { 95.81693899332, 272.4582926742, 410.8570282042, 420.4492403934, 427.5540471744,
        432.351701282, 430.1157607995 } },
      { with_spectrum({ 9, 4, 1, 0.5, 0.4, 0.3 }, 50), false, 3, { -95.6397957265, -56.44124207503, -54.81242371439,
        -57.3009416006, -59.43429824836 } },
      { with_spectrum({ 5, 4.9, 4.8, 4.7, 0.1 }, 20), false, 4, { -66.85242045762, -66.04894719565, -65.07970401237,
        -45.72578137692 } },
      { with_spectrum({ 100, 1e-3, 1e-3 * 0.999 }, 1000), false, 1, { 4584.021063864, 4584.020688614 } },
    } do
      local pca = chosen(case[1], { standardize = case[2] })
      assert.equal(case[3], pca.components.cols)
      assert.equal(case[3], #pca.eigenvalues)
      assert.near_matrix(case[4], pca.log_evidence, 1e-9)
      if not case[2] then
        local ppca = latent.ppca{ latent_dim = "mle" }:fit(case[1])
        assert.equal(case[3], ppca.W.cols)
        assert.near_matrix(case[4], ppca.log_evidence, 1e-9)
        assert.near_matrix(latent.ppca{ latent_dim = case[3] }:fit(case[1]).W, ppca.W, 1e-12)
        assert.equal(latent.ppca{ latent_dim = case[3] }:fit(case[1]):bic(case[1]), ppca:bic(case[1]))
      end
    end
  end)

  it("does on wine", function()
    local path, why = helper.data "small/wine.csv"
    if not path then return pending(why) end
    local wine = latent.read(path, { header = true }):block(1, 178, 1, 13)
    local pca = chosen(wine)
    assert.equal(12, pca.components.cols)
    assert.near_matrix(wine_covariance, pca.log_evidence, 1e-9)
    pca = chosen(wine, { standardize = true })
    assert.equal(12, pca.components.cols)
    assert.near_matrix(wine_correlation, pca.log_evidence, 1e-9)
  end)

  it("changes all evidences by the same factor in other units", function()
    local a, b = chosen(iris), chosen(iris * 1000 + 7)
    for M = 1, 3 do
      assert.near(a.log_evidence[M] - 150 * 4 * math.log(1000), b.log_evidence[M], 1e-6)
    end
    for _, scale in ipairs{ 1e-140, 1e140 } do
      local c = chosen(iris * scale)
      assert.equal(3, c.components.cols)
      assert.near(a.log_evidence[2] - a.log_evidence[1], c.log_evidence[2] - c.log_evidence[1], 1e-6)
    end
  end)

  it("is the same from chunks, weights and every solver", function()
    local X = latent.random(3):normal(200, 2) * matrix{ { 3, 1, 0, 2, 1 }, { 0, 2, 1, -1, 1 } }
      + latent.random(4):normal(200, 5) * 0.5
    local whole = chosen(X)
    assert.equal(2, whole.components.cols)
    local pieces = chosen(helper.chunks(X, 64))
    assert.near_matrix(whole.log_evidence, pieces.log_evidence, 1e-8)
    local part = latent.pca{ latent_dim = "mle" }:partial_fit(X:block(1, 90, 1, 5)):partial_fit(X:block(91, 200, 1, 5))
    assert.near_matrix(whole.components, part.components, 1e-10)
    assert.near_matrix(whole.log_evidence, part.log_evidence, 1e-8)
    for _, solver in ipairs{ "gram", "randomized", "covariance" } do
      assert.near_matrix(whole.log_evidence, chosen(X, { solver = solver }).log_evidence, 1e-7)
    end
    assert.near_matrix(chosen(matrix.vstack{ X, X }).log_evidence,
      chosen(X, {}, { weights = matrix.ones(200) * 2 }).log_evidence, 1e-8)
    local ppca = latent.ppca{ latent_dim = "mle" }
    assert.near_matrix(whole.log_evidence, ppca:fit(helper.chunks(X, 64)).log_evidence, 1e-8)
    assert.near_matrix(chosen(matrix.vstack{ X, X }).log_evidence,
      ppca:fit(X, { weights = matrix.ones(200) * 2 }).log_evidence, 1e-8)
  end)

  it("knows what to do with equal eigenvalues", function()
    local N = 40
    local function gamma_term(D, M) -- log of 1/2 Gamma((D-M+1)/2) pi^(-(D-M+1)/2), for small integers
      local gammas = { math.sqrt(math.pi), 1, math.sqrt(math.pi) / 2 } -- of 1/2, 1, 3/2
      return math.log(gammas[D - M + 1] / 2) - (D - M + 1) / 2 * math.log(math.pi)
    end
    -- two directions that can be turned: half the circle, and 1/sqrt(2 pi N) of the two variances each
    local round = chosen(with_spectrum({ 1, 1 }, N))
    assert.near(gamma_term(2, 1) + math.log(2 * math.pi) - math.log(2 / math.pi) / 2 - math.log(N) / 2,
      round.log_evidence[1], 1e-10)
    local ball = chosen(with_spectrum({ 1, 1, 1 }, N))
    assert.equal(1, ball.components.cols) -- none is better than another: the least
    assert.near(gamma_term(3, 1) + 1.5 * math.log(2 * math.pi) - math.log(2 / math.pi) - math.log(N) / 2,
      ball.log_evidence[1], 1e-10)
    -- equal ones within the kept and within the others are clearly apart
    local two = chosen(with_spectrum({ 9, 9, 1, 1, 1 }, N))
    assert.equal(2, two.components.cols)
    for M = 1, 4 do assert.is_true(math.abs(two.log_evidence[M]) < 1e3) end
  end)

  it("leaves out directions without variance", function()
    local flat = matrix.hstack{ iris, iris:col(1) + iris:col(2), matrix(150, 1, 3) }
    local pca = chosen(flat)
    assert.equal(3, #pca.log_evidence)
    assert.is_true(pca.components.cols <= 3)
    -- they are those of the four directions
    local turned = latent.pca():fit(flat)
    local own = chosen(turned:transform(flat):block(1, 150, 1, 4))
    assert.near_matrix(own.log_evidence, pca.log_evidence, 1e-8)
    assert.equal(own.components.cols, pca.components.cols)
    local line = chosen(matrix(20, 3, function(i, j) return i * j end))
    assert.equal(1, line.components.cols)
    assert.same({}, line.log_evidence)
    assert.equal(1, chosen(matrix(20, 1, function(i) return i end)).components.cols)
    assert.equal(1, chosen(matrix(20, 3, 2)).components.cols)
    fails("no variance outside of 1 dimensions", function()
      latent.ppca{ latent_dim = "mle" }:fit(matrix(20, 3, function(i, j) return i * j end))
    end)
  end)

  it("is saved and loaded, and gone on with", function()
    local path = os.tmpname()
    for _, model in ipairs{ chosen(iris), latent.ppca{ latent_dim = "mle" }:fit(iris) } do
      assert(model:save(path))
      local other = assert(latent.load(path))
      assert.same(model.log_evidence, other.log_evidence)
      assert.is_true(model:transform(iris) == other:transform(iris))
      other:fit(iris:block(1, 50, 1, 4)) -- and chooses anew
      assert.not_same(model.log_evidence, other.log_evidence)
    end
    os.remove(path)
    local ppca = latent.ppca{ latent_dim = "mle" }:fit(iris)
    local before = ppca:score(iris)
    for _ = 1, 3 do ppca:partial_fit(iris) end
    assert.near(before, ppca:score(iris), 1e-4)
    for i in ppca:steps(iris) do
      assert.equal(3, ppca.W.cols)
      if i == 3 then break end
    end
  end)

  it("says what is wrong", function()
    local wide = latent.random(1):normal(5, 8)
    for _, make in ipairs{ latent.pca, latent.ppca } do
      for _, X in ipairs{ wide, wide:block(1, 5, 1, 5), helper.chunks(wide, 2) } do
        fails("takes more rows than columns: X has 5 rows and", function() make{ latent_dim = "mle" }:fit(X) end)
      end
    end
    fails("latent_dim must be a number, got 'mel'", latent.pca, { latent_dim = "mel" })
    fails("latent_dim", latent.ppca, { latent_dim = "mel" })
    for _, options in ipairs{ { method = "em" }, { method = "em", noise_variance = 0 } } do
      options.latent_dim = "mle"
      fails("ppca: latent_dim = \"mle\" needs method = \"closed_form\"", latent.ppca, options)
    end
    local holes = iris:copy()
    holes[3][2] = 0 / 0
    fails("latent_dim = \"mle\" is for data without missing entries", function()
      latent.ppca{ latent_dim = "mle" }:fit(holes, { missing = true })
    end)
    fails("row 3, column 2", function() latent.ppca{ latent_dim = "mle" }:fit(holes) end)
    fails("latent_dim = \"mle\" is chosen by fit, which comes first", function()
      latent.ppca{ latent_dim = "mle" }:steps(iris)() -- its first turn
    end)
    fails("latent_dim = \"mle\" is chosen by fit", function() latent.ppca{ latent_dim = "mle" }:partial_fit(iris) end)
  end)
end)
