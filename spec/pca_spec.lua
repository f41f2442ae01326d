local latent = require "latent"
local helper = require "helper"
local matrix, fails = latent.matrix, helper.fails

-- N x D numbers without structure, but with columns of different scale.
local function data(n, d, scale)
  return matrix(n, d, function(i, j)
    return (scale or 1) / j * math.sin(12.9898 * i + 78.233 * j + 0.7 * i * j)
  end)
end

-- 1/N sum (x - m)(x - m)', in plain Lua.
local function covariance(X)
  local n, d, S = #X, X.cols, {}
  local mean = {}
  for j = 1, d do
    local sum = 0
    for i = 1, n do sum = sum + X(i, j) end
    mean[j] = sum / n
  end
  for a = 1, d do
    S[a] = {}
    for b = 1, d do
      local sum = 0
      for i = 1, n do sum = sum + (X(i, a) - mean[a]) * (X(i, b) - mean[b]) end
      S[a][b] = sum / n
    end
  end
  return matrix(S), mean
end

local function same_model(a, b, tolerance)
  assert.near_matrix(a.mean, b.mean, tolerance)
  assert.near_matrix(a.eigenvalues, b.eigenvalues, tolerance)
  assert.near_matrix(a.components, b.components, tolerance * 100)
  assert.near(a.total_variance, b.total_variance, tolerance)
end

describe("pca", function()
  local iris = assert(latent.datasets.iris())

  it("finds the published eigenvalues of iris", function()
    -- scikit-learn's and R's explained variances have the divisor N - 1
    local pca = latent.pca():fit(iris)
    local published = matrix{4.228241706035, 0.242670747929, 0.078209500043, 0.023835092973} * (149 / 150)
    assert.near_matrix(published, pca.eigenvalues, 1e-11)
    assert.near(published:sum(), pca.total_variance, 1e-11)
    assert.near_matrix(pca.eigenvalues / pca.total_variance, pca.explained_ratio, 1e-15)
    -- scikit-learn 1.2.1, components_[0]
    assert.near_matrix({0.36138659, -0.08452251, 0.85667061, 0.3582892}, pca.components:col(1), 1e-8)
  end)

  it("gives the eigenvectors of the covariance, orthonormal, descending, with fixed signs", function()
    local X = data(60, 7)
    local S, mean = covariance(X)
    local pca = latent.pca():fit(X)
    local U = pca.components
    assert.near_matrix(mean, pca.mean, 1e-14)
    assert.near_matrix(S * U, U * matrix.diag(pca.eigenvalues), 1e-14)
    assert.near_matrix(matrix.eye(7), U:t() * U, 1e-14)
    assert.near(S:trace(), pca.total_variance, 1e-14)
    for i = 1, 7 do
      assert.is_true(i == 1 or pca.eigenvalues[i - 1] >= pca.eigenvalues[i])
      local column = U:col(i)
      assert.is_true(column[column:abs():argmax()] > 0)
    end
  end)

  it("maximizes variance: the components' variances are the eigenvalues, uncorrelated", function()
    local X = data(50, 6)
    local pca = latent.pca{ latent_dim = 3 }:fit(X)
    local S = covariance(pca:transform(X))
    assert.near_matrix(matrix.diag(pca.eigenvalues), S, 1e-14)
  end)

  it("minimizes error: the distortion is the sum of the discarded eigenvalues", function()
    local X = data(40, 6)
    local all = latent.pca():fit(X).eigenvalues
    for m = 1, 6 do
      local pca = latent.pca{ latent_dim = m }:fit(X)
      local discarded = 0
      for i = m + 1, 6 do discarded = discarded + all[i] end
      local R = X - pca:reconstruct(X)
      assert.near(discarded, R:dot(R) / #X, 1e-14)
      assert.near(discarded, pca:distortion(X), 1e-14)
      assert.near(discarded, pca.history[1], 1e-14)
    end
  end)

  it("inverse_transform undoes transform when nothing is discarded", function()
    local X = data(30, 5, 100)
    local pca = latent.pca():fit(X)
    assert.near_matrix(X, pca:inverse_transform(pca:transform(X)), 1e-12)
    assert.near_matrix(X, pca:reconstruct(X), 1e-12)
  end)

  it("takes a vector as one row", function()
    local pca = latent.pca{ latent_dim = 2 }:fit(iris)
    local Z = pca:transform(iris)
    assert.near_matrix(Z[7], pca:transform(iris[7]), 1e-13)
    assert.near_matrix(pca:reconstruct(iris)[7], pca:inverse_transform(Z[7]), 1e-13)
  end)

  it("whitens: mean 0, covariance I, and back", function()
    local X = data(80, 5) + 3
    local pca = latent.pca{ whiten = true }:fit(X)
    local Z = pca:transform(X)
    local S, mean = covariance(Z)
    assert.near_matrix(matrix.zeros(5), matrix(mean), 1e-13)
    assert.near_matrix(matrix.eye(5), S, 1e-12)
    assert.near_matrix(X, pca:inverse_transform(Z), 1e-12)
  end)

  it("whitening gives 0, not noise, in directions without variance", function()
    local X = data(30, 3)
    X = matrix.hstack{ X, X:col(1):column() * 2, X:col(2):column() } -- rank 3
    local pca = latent.pca{ whiten = true }:fit(X)
    local Z = pca:transform(X)
    assert.near_matrix(matrix.zeros(30, 2), Z:block(1, 30, 4, 5), 0)
    assert.near_matrix(X, pca:inverse_transform(Z), 1e-12)
  end)

  it("standardizes: the correlation matrix, whatever the columns' units", function()
    local X = data(50, 5)
    local pca = latent.pca{ standardize = true }:fit(X)
    local scaled = latent.scaler():fit(X):transform(X)
    local reference = latent.pca():fit(scaled)
    assert.near_matrix(reference.eigenvalues, pca.eigenvalues, 1e-13)
    assert.near_matrix(reference.components, pca.components, 1e-11)
    assert.near(5, pca.total_variance, 1e-12)
    local units = latent.pca{ standardize = true }:fit(X % matrix{1, 1000, 1e-3, 7, 2.5})
    assert.near_matrix(pca.eigenvalues, units.eigenvalues, 1e-12)
    assert.near_matrix(reference:transform(scaled), pca:transform(X), 1e-12)
    assert.near_matrix(X, pca:inverse_transform(pca:transform(X)), 1e-12)
  end)

  it("a constant column stays out of the way when standardizing", function()
    local X = matrix.hstack{ data(20, 3), matrix.ones(20, 1) * 1e6 }
    local pca = latent.pca{ standardize = true }:fit(X)
    assert.near(3, pca.total_variance, 1e-12)
    assert.near(0, pca.eigenvalues[4], 1e-12)
    assert.equal(1, pca.deviation[4])
  end)

  it("finds the published eigenvalues of the correlation matrix of iris", function()
    -- R: prcomp(iris[, 1:4], scale. = TRUE)$sdev^2
    local pca = latent.pca{ standardize = true }:fit(iris)
    assert.near_matrix({2.91849782, 0.91403047, 0.14675688, 0.02071484}, pca.eigenvalues, 1e-8)
  end)

  describe("solvers", function()
    it("agree on N < D, N = D and N > D", function()
      for _, shape in ipairs{ {12, 30}, {20, 20}, {45, 13} } do
        local X = data(shape[1], shape[2], 10) + 5
        local reference = latent.pca{ latent_dim = 4, solver = "covariance" }:fit(X)
        for _, solver in ipairs{ "gram", "randomized" } do
          local pca = latent.pca{ latent_dim = 4, solver = solver, tolerance = 1e-13 }:fit(X)
          assert.equal(solver, pca.solver)
          same_model(reference, pca, 1e-12)
        end
      end
    end)

    it("agree with weights and standardizing", function()
      local X, w = data(15, 40), {}
      for i = 1, 15 do w[i] = i % 4 end
      local reference = latent.pca{ latent_dim = 3, solver = "covariance", standardize = true }:fit(X, { weights = w })
      for _, solver in ipairs{ "gram", "randomized" } do
        local pca = latent.pca{ latent_dim = 3, solver = solver, standardize = true, tolerance = 1e-13 }
        same_model(reference, pca:fit(X, { weights = w }), 1e-11)
      end
    end)

    it("auto takes the Gram matrix for few rows, and a Krylov space when both sides are large", function()
      assert.equal("gram", latent.pca{ latent_dim = 3 }:fit(data(10, 100)).solver)
      assert.equal("covariance", latent.pca{ latent_dim = 3 }:fit(data(100, 10)).solver)
      local X = matrix.normal(700, 4, latent.random(1)) * matrix.normal(4, 700, latent.random(2))
      X = X + matrix.normal(700, 700, latent.random(3)) * 0.01
      local pca = latent.pca{ latent_dim = 4 }:fit(X)
      assert.equal("randomized", pca.solver)
      same_model(latent.pca{ latent_dim = 4, solver = "covariance" }:fit(X), pca, 1e-8)
    end)

    it("an exact solver takes over when the Krylov space doesn't converge", function()
      local X = matrix.normal(400, 300, latent.random(5)) -- a flat spectrum
      local pca = latent.pca{ latent_dim = 2, solver = "randomized", tolerance = 1e-14 }:fit(X)
      local reference = latent.pca{ latent_dim = 2, solver = "covariance" }:fit(X)
      assert.near_matrix(reference.eigenvalues, pca.eigenvalues, 1e-12)
    end)

    it("N < D keeps the components orthonormal to the last", function()
      local X = data(8, 50)
      local pca = latent.pca{ latent_dim = 8, solver = "gram" }:fit(X) -- the eighth has no variance
      assert.near_matrix(matrix.eye(8), pca.components:t() * pca.components, 1e-13)
      assert.near(0, pca.eigenvalues[8], 1e-14)
      assert.near(0, pca:distortion(X), 1e-13)
    end)
  end)

  it("keeps nine digits when the mean is a million deviations away", function()
    local X = data(5000, 6, 1)
    for _, rows in ipairs{ 600, 5000 } do
      local part = X:block(1, rows)
      local reference = latent.pca():fit(part)
      for _, offset in ipairs{ 1e3, 1e6 } do
        for _, solver in ipairs{ "covariance", "randomized", rows == 600 and "gram" or nil } do
          local pca = latent.pca{ latent_dim = 6, solver = solver, tolerance = 1e-13 }:fit(part + offset)
          for i = 1, 6 do assert.near(1, pca.eigenvalues[i] / reference.eigenvalues[i], 1e-9) end
        end
      end
    end
  end)

  it("survives an offset that differs from block to block", function()
    -- half of the rows lie 1e6 away: XX' about any one mean would lose the small directions
    local n = 3000
    local X = data(n, 4)
    for i = n / 2 + 1, n do X:set(i, 1, X(i, 1) + 1e6) end
    local S = covariance(X)
    local pca = latent.pca():fit(X)
    assert.near(1, pca.eigenvalues[1] / S(1, 1), 1e-9)
    local rest = latent.pca():fit(X:block(1, n, 2, 4))
    for i = 1, 2 do assert.near(1, pca.eigenvalues[i + 1] / rest.eigenvalues[i], 0.1) end
  end)

  it("chooses latent_dim by a share of the variance", function()
    local pca = latent.pca{ latent_dim = 0.95 }:fit(iris)
    assert.equal(2, pca.components.cols) -- 0.925 + 0.053
    assert.equal(1, latent.pca{ latent_dim = 0.5 }:fit(iris).components.cols)
    assert.equal(4, latent.pca{ latent_dim = 0.9999 }:fit(iris).components.cols)
  end)

  it("a weight of 2 is the row twice, a weight of 0 no row", function()
    local X = data(9, 4)
    local weights = {1, 2, 0, 1, 1, 2, 1, 0, 1}
    local rows = {}
    for i = 1, 9 do for _ = 1, weights[i] do rows[#rows + 1] = X[i] end end
    same_model(latent.pca():fit(matrix(rows)), latent.pca():fit(X, { weights = weights }), 1e-14)
  end)

  it("partial_fit and a function of chunks give the fit of all rows", function()
    local X = data(500, 6) + 10
    local whole = latent.pca{ latent_dim = 3 }:fit(X)
    local parts = latent.pca{ latent_dim = 3 }
    for first = 1, 500, 120 do parts:partial_fit(X:block(first, math.min(first + 119, 500))) end
    same_model(whole, parts, 1e-13)
    local first = 1
    local chunks = latent.pca{ latent_dim = 3 }:fit(function()
      if first > 500 then return nil end
      local chunk = X:block(first, math.min(first + 76, 500))
      first = first + 77
      return chunk
    end)
    same_model(whole, chunks, 1e-13)
  end)

  it("fits a mapped file, also one that is walked in slices", function()
    local path = os.tmpname() .. ".npy"
    for _, rows in ipairs{ 100, 90000 } do -- 40 kB and 36 MB
      local X = matrix.normal(rows, 50, latent.random(4))
      assert(latent.write(path, X))
      local mapped = assert(latent.open(path))
      same_model(latent.pca{ latent_dim = 3 }:fit(X), latent.pca{ latent_dim = 3 }:fit(mapped), 1e-12)
    end
    os.remove(path)
  end)

  it("is the same by the Gram matrix of few rows and thousands of columns, whose sum has many parts", function()
    local X = matrix.normal(40, 20000, latent.random(9))
    local gram = latent.pca{ latent_dim = 3, solver = "gram" }:fit(X)
    local centred = X - X:mean(1)
    assert.near_matrix(latent.eigen.symmetric(centred * centred:t() / 40, { k = 3 }), gram.eigenvalues, 1e-9)
  end)

  it("partial_fit beyond 4096 columns is exact for data of rank latent_dim", function()
    local rng = latent.random(3)
    local X = matrix.normal(60, 3, rng) * matrix.normal(3, 4200, rng) + 2
    local pca = latent.pca{ latent_dim = 3 }
    for first = 1, 60, 25 do pca:partial_fit(X:block(first, math.min(first + 24, 60))) end
    same_model(latent.pca{ latent_dim = 3, solver = "gram" }:fit(X), pca, 1e-8)
  end)

  it("takes float32 data and views of any layout", function()
    local X = data(30, 5)
    local reference = latent.pca{ latent_dim = 2 }:fit(X)
    same_model(reference, latent.pca{ latent_dim = 2 }:fit(X:t():copy():t()), 1e-14)
    local wide = matrix.zeros(60, 10)
    local strided = wide:t():block(1, 5, 1, 30):t()
    strided:assign(X)
    same_model(reference, latent.pca{ latent_dim = 2 }:fit(strided), 1e-14)
    same_model(reference, latent.pca{ latent_dim = 2 }:fit(X:to "float32"), 1e-6)
    assert.near_matrix(reference:transform(X), reference:transform(X:to "float32"), 1e-6)
  end)

  it("gives the same bits for 1 and 2 threads", function()
    local X = matrix.normal(3000, 20, latent.random(9))
    local wide = matrix.normal(40, 900, latent.random(9))
    local before, results = latent.threads(), {}
    for threads = 1, 2 do
      latent.threads(threads)
      local a, b = latent.pca{ latent_dim = 5 }:fit(X), latent.pca{ latent_dim = 5 }:fit(wide)
      local c = latent.pca{ latent_dim = 5, solver = "randomized" }:fit(X)
      results[threads] = { a.components, a.eigenvalues, a:transform(X), b.components, c.components }
    end
    latent.threads(before)
    for i, value in ipairs(results[1]) do assert.is_true(value == results[2][i]) end
  end)

  it("writes into out and returns it", function()
    local pca = latent.pca{ latent_dim = 2 }:fit(iris)
    local Z = matrix.zeros(150, 2)
    assert.equal(Z, pca:transform(iris, { out = Z }))
    assert.is_true(rawequal(Z, pca:transform(iris, { out = Z })))
    assert.near_matrix(pca:transform(iris), Z, 0)
    fails("out is a 150x2 matrix float64, the result is 150x4 float64", pca.reconstruct, pca, iris, { out = Z })
  end)

  it("data that don't vary have no variance to explain", function()
    local pca = latent.pca{ latent_dim = 2 }:fit(matrix.ones(5, 3))
    assert.near_matrix({0, 0}, pca.eigenvalues, 0)
    assert.near_matrix({0, 0}, pca.explained_ratio, 0)
    assert.near_matrix(matrix.eye(2), pca.components:t() * pca.components, 1e-15)
  end)

  it("has nothing before a fit, and says what it is", function()
    local pca = latent.pca{ latent_dim = 2 }
    fails("pca: components: the model is not fitted yet", function() return pca.components end)
    assert.equal("pca, not fitted\n  latent_dim = 2", tostring(pca))
    fails("pca:transform: the model is not fitted yet", pca.transform, pca, iris)
    pca:fit(iris)
    assert.is_true(tostring(pca):find("components 4x2", 1, true) ~= nil)
    assert.is_true(pca.converged)
    assert.equal(1, pca.iterations)
    fails("pca.nothing: there is no such field", function() return pca.nothing end)
  end)

  it("names what is wrong", function()
    local X = data(10, 3)
    fails("pca: unknown option 'latent_dims', did you mean 'latent_dim'?", latent.pca, { latent_dims = 2 })
    fails("pca: latent_dim must be an integer >= 1, or a share", latent.pca, { latent_dim = 0 })
    fails("pca: latent_dim must be an integer >= 1, or a share", latent.pca, { latent_dim = 2.5 })
    fails("pca: latent_dim must be an integer >= 1, or a share", latent.pca, { latent_dim = 0 / 0 })
    fails("pca: latent_dim must be a number, got 'two'", latent.pca, { latent_dim = "two" })
    fails("pca: unknown solver 'qr'", latent.pca, { solver = "qr" })
    fails("latent_dim is 4; 10 x 3 data have at most 3 components", function()
      latent.pca{ latent_dim = 4 }:fit(X)
    end)
    fails("a variance needs at least 2", function() latent.pca():fit(matrix.ones(1, 3)) end)
    fails("pca:fit: X must be a matrix, got nothing", function() latent.pca():fit() end)
    fails("pca:fit: X must be a matrix, got string", function() latent.pca():fit "data" end)
    local pca = latent.pca{ latent_dim = 2 }:fit(X)
    fails("X has 4 columns, the model was fitted on 3", pca.transform, pca, data(5, 4))
    fails("Z has 3 columns, the model has 2 components", pca.inverse_transform, pca, X)
    fails("there are 2 weights for 10 rows", pca.fit, pca, X, { weights = {1, 2} })
    fails("weight 3 is -1", pca.fit, pca, X, { weights = {1, 1, -1, 1, 1, 1, 1, 1, 1, 1} })
    fails("all weights are 0", pca.fit, pca, X, { weights = matrix.zeros(10) })
    fails("X has 4 columns, the data before had 3", function()
      latent.pca():partial_fit(X):partial_fit(data(5, 4))
    end)
    fails("self must be a pca", pca.fit, 3, X)
  end)

  it("refuses NaN and infinities with their place, and stays as it was", function()
    local X = data(3000, 5)
    local pca = latent.pca{ latent_dim = 2 }:fit(X)
    local before = pca.components:copy()
    for _, bad in ipairs{ 0 / 0, 1 / 0, -1 / 0 } do
      local Y = X:copy()
      Y:set(2777, 4, bad)
      local what = bad ~= bad and "NaN" or "an infinity"
      for _, solver in ipairs{ "covariance", "randomized" } do
        fails("X has " .. what .. " at row 2777, column 4", function()
          latent.pca{ latent_dim = 2, solver = solver }:fit(Y)
        end)
      end
      fails("X has " .. what .. " at row 78, column 4", function()
        latent.pca{ solver = "gram" }:fit(Y:block(2700, 2800))
      end)
      fails("X has " .. what .. " at row 2777, column 4", pca.fit, pca, Y)
      fails("X has " .. what .. " at row 2777, column 4", pca.transform, pca, Y)
    end
    assert.is_true(before == pca.components)
  end)

  it("an error in a function of chunks passes through and leaves the model as it was", function()
    local X = data(50, 4)
    local pca = latent.pca{ latent_dim = 2 }:fit(X)
    local before = pca.components:copy()
    local calls = 0
    fails("the disk is gone", function()
      pca:fit(function()
        calls = calls + 1
        if calls == 3 then error "the disk is gone" end
        return X * 7
      end)
    end)
    assert.is_true(before == pca.components)
    pca:partial_fit(X)
    assert.near_matrix(before, pca.components, 1e-12)
    fails("chunk 2 has 3 columns, those before it 4", function()
      local chunks = { X, data(5, 3) }
      pca:fit(function() return table.remove(chunks, 1) end)
    end)
    fails("the function gave no data", pca.fit, pca, function() end)
    fails("the function's result must be a matrix, got boolean", pca.fit, pca, function() return true end)
  end)
end)
