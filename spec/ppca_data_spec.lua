-- PPCA on classical data sets. Complete: the closed form from NumPy's eigenvalues of the covariance with divisor N.
-- With missing entries: the observed-data log-likelihood by the D x D covariances of each row's own entries, maximized
-- by SciPy's L-BFGS-B with its analytical gradient (largest entry at the end below 2e-5), from several random starts
-- that came to the same (NumPy 2, SciPy 1).
local latent = require "latent"
local helper = require "helper"
local matrix = latent.matrix

local gaps = { missing = true }

local function read(name, columns)
  local path, why = helper.data(name)
  if not path then return nil, why end
  local X = latent.read(path)
  return columns and X:block(1, #X, 1, columns) or X
end

describe("ppca on complete data", function()
  local expected = {
    { "small/tobamovirus.csv", 18, {
      { -1400.096577221, 3.089799214274 }, { -1245.932486241, 1.626908850734 }, { -1197.230123084, 1.239142914330 },
    } },
    { "small/oilflow.csv", 12, {
      { -6386.007113935, 0.144417946795 }, { -4732.616756591, 0.088569015749 }, { -3255.998363343, 0.053951732048 },
    } },
  }
  for _, case in ipairs(expected) do
    it("of " .. case[1], function()
      local X, why = read(case[1], case[2])
      if not X then return pending(why) end
      for M, numbers in ipairs(case[3]) do
        for _, method in ipairs { "closed_form", "em" } do
          local p = latent.ppca { latent_dim = M, method = method }:fit(X)
          assert.near(numbers[1], p:log_likelihood(X):sum(), 1e-6)
          assert.near(numbers[2], p.noise_variance, 1e-6)
          assert.near(-2 * numbers[1] + math.log(#X) * (X.cols + X.cols * M + 1 - M * (M - 1) / 2), p:bic(X), 1e-5)
        end
      end
    end)
  end
end)

describe("ppca with missing entries, as it is by default,", function()
  local function check(X, M, total, noise)
    local p = latent.ppca { latent_dim = M }:fit(X, gaps)
    assert.is_true(p.converged)
    assert.equal(0, p.drops)
    assert.near(total, p:log_likelihood(X, gaps):sum(), 1e-6)
    assert.near(noise, p.noise_variance, 1e-6)
  end

  for name, cases in pairs {
    ["sim/iris_mask10.csv"] = { { -443.969902251, 0.11637967816 }, { -389.043842650, 0.05071459282 },
      { -370.129322653, 0.02344810856 } },
    ["sim/iris_mask30.csv"] = { { -375.307461733, 0.12244870001 }, { -349.338549775, 0.05119828618 } },
    ["sim/oil_mask20.csv"] = { [2] = { -1928.200416886, 0.08541093358 }, [3] = { -1393.473082644, 0.05113728950 } },
  } do
    it("is at the maximum of " .. name, function()
      local X, why = read(name)
      if not X then return pending(why) end
      for M, numbers in pairs(cases) do check(X, M, numbers[1], numbers[2]) end
    end)
  end

  it("is at the maximum of the Tobamovirus data with a fifth of it hidden", function()
    local X, why = read "small/tobamovirus.csv"
    if not X then return pending(why) end
    local hidden = matrix(38, 18, function(i, j)
      return (i * 37 + j * 101 + i * j // 3) % 5 == 0 and 0 / 0 or X(i, j)
    end)
    assert.near(0.21198830409, hidden:isnan():mean(), 1e-10)
    check(hidden, 2, -965.368891013, 1.439340293)
    -- and the projection is nearly that of the complete data, as Tipping and Bishop (1999, figure 2) found
    local whole, part = latent.ppca { latent_dim = 2 }:fit(X), latent.ppca { latent_dim = 2 }:fit(hidden, gaps)
    local Z, Y = whole:transform(X), part:transform(hidden, gaps)
    for k = 1, 2 do
      local a, b = Z:col(k), Y:col(k)
      assert.is_true(math.abs(a:dot(b)) > 0.9 * a:norm() * b:norm())
    end
  end)
end)

describe("ppca beside mixtures of Gaussians", function()
  local function halves(X)
    local odd, even = {}, {}
    for i = 1, #X do table.insert(i % 2 == 1 and odd or even, i) end
    return X:rows_at(odd), X:rows_at(even)
  end

  it("is the spherical Gaussian for M = 0 and the full one for M = D - 1, on any rows", function()
    local train, test = halves((latent.datasets.iris()))
    for M, covariance in pairs { [0] = "spherical", [3] = "full" } do
      local p = latent.ppca { latent_dim = M }:fit(train)
      local g = latent.gmm { components = 1, covariance = covariance, regularization = 0 }:fit(train)
      assert.near_matrix(g:log_likelihood(test), p:log_likelihood(test), 1e-8)
      assert.equal(g:free_parameters(), p:free_parameters())
      assert.near(g:bic(test), p:bic(test), 1e-6)
    end
  end)

  it("is compared by the likelihood of held-out rows", function()
    local digits, labels = latent.datasets.digits()
    local threes = {}
    for i = 1, #digits do if labels[i] == 3 then threes[#threes + 1] = i end end
    local train, test = halves(digits:rows_at(threes)) -- 92 and 91 rows of 64 columns
    local scores = {}
    for _, M in ipairs { 0, 2, 12 } do scores[M] = latent.ppca { latent_dim = M }:fit(train):score(test) end
    assert.is_true(scores[0] < scores[2] and scores[2] < scores[12])
    -- 3 spherical Gaussians have more parameters than the two directions, and predict less
    local g = latent.gmm { components = 3, covariance = "spherical", seed = 1, restarts = 5 }:fit(train)
    local p = latent.ppca { latent_dim = 2 }:fit(train)
    assert.is_true(g:free_parameters() > p:free_parameters())
    assert.is_true(g:score(test) < scores[2])
  end)
end)

describe("ppca in many dimensions", function()
  it("never makes a matrix of D x D", function()
    local D = 60000 -- whose square would be 29 GB
    local X = latent.random(1):normal(12, D) + latent.random(2):normal(12, 1) * latent.random(3):normal(1, D)
    local p = latent.ppca { latent_dim = 2 }:fit(X)
    -- log N(x; mean, C) for C = W W' + s2 I by its eigenvalues: |w_i|^2 + s2, and s2
    local U, s2 = p.W:copy(), p.noise_variance
    local quadratic, logdet = matrix.zeros(12), (D - 2) * math.log(s2)
    local Y = X - p.mean
    local rest = (Y % Y):sum(2)
    for k = 1, 2 do
      local length = U:col(k):dot(U:col(k))
      local along = (Y * U:col(k)) ^ 2 / length
      quadratic = quadratic + along / (length + s2)
      rest = rest - along
      logdet = logdet + math.log(length + s2)
    end
    local expected = (quadratic + rest / s2 + (logdet + D * math.log(2 * math.pi))) * -0.5
    assert.near_matrix(expected / D, p:log_likelihood(X) / D, 1e-10)
    assert.equal(2, p:posterior(X).cols)
    local gap = X:copy()
    gap:block(3, 3, 1, D // 2):fill(0 / 0)
    assert.equal(0, p:impute(gap):isnan():sum())
  end)
end)
