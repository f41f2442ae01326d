-- latent.metrics: closed forms, brute force, SciPy's numbers, invariances, bits, bad input.
local latent = require "latent"
local helper = require "helper"
local matrix, metrics = latent.matrix, latent.metrics
local fails = helper.fails

-- Two samples of 40 in the plane, which every language can make.
local function waves()
  local X = matrix(40, 2, function(k, j) return j == 1 and math.sin(1.3 * k) or math.cos(2.1 * k) end)
  local Y = matrix(40, 2, function(k, j) return j == 1 and math.sin(0.9 * k) + 1 or 0.5 * math.cos(1.7 * k) end)
  return X, Y
end

-- The least mean of cost(i, j) over all permutations.
local function least(n, cost)
  local order, best = {}, math.huge
  for i = 1, n do order[i] = i end
  local function try(k, sum)
    if k > n then best = math.min(best, sum) return end
    for i = k, n do
      order[k], order[i] = order[i], order[k]
      try(k + 1, sum + cost(k, order[k]))
      order[k], order[i] = order[i], order[k]
    end
  end
  try(1, 0)
  return best / n
end

local function distance(X, i, Y, j)
  local sum = 0
  for d = 1, X.cols do sum = sum + (X(i, d) - Y(j, d)) ^ 2 end
  return math.sqrt(sum)
end

describe("metrics.energy_distance", function()
  it("is 2 E|x - y| - E|x - x'| - E|y - y'|", function()
    assert.near(4.5, metrics.energy_distance(matrix { 0, 1 }, matrix { 3 }), 1e-14)
    -- distances 3, 4, 5 and 5: 2 (3 + 5)/2 - 0 - 2 * 4/4
    assert.near(6, metrics.energy_distance(matrix { { 0, 0 } }, matrix { { 3, 0 }, { 3, 4 } }), 1e-14)
    assert.equal(0, metrics.energy_distance(matrix { { 1, 2 } }, matrix { { 1, 2 } }))
  end)

  it("is SciPy's", function()
    local X, Y = waves()
    assert.near(0.666152971011545, metrics.energy_distance(X, Y), 1e-13) -- the formula by NumPy 2.4.6
    local x, y = matrix(8, 1, function(k) return math.sin(k) end),
      matrix(13, 1, function(k) return math.cos(0.7 * k) + 0.5 end)
    assert.near(0.121769488558124, metrics.energy_distance(x, y), 1e-14) -- scipy.stats 1.17.1: its square
    assert.near(0.121769488558124, metrics.energy_distance(x:col(1), y:col(1)), 1e-14)
  end)

  it("is the same by a plain double loop, for sizes around those of its blocks", function()
    for _, size in ipairs { { 1, 1 }, { 31, 33 }, { 65, 511 }, { 40, 514 } } do
      local X, Y = matrix.normal(size[1], 3, 1), matrix.normal(size[2], 3, 2) + 0.3
      local function mean(A, B)
        local sum = 0
        for i = 1, #A do for j = 1, #B do sum = sum + distance(A, i, B, j) end end
        return sum / (#A * #B)
      end
      assert.near(2 * mean(X, Y) - mean(X, X) - mean(Y, Y), metrics.energy_distance(X, Y), 1e-13)
    end
  end)

  it("is the same bits for every number of threads", function()
    local X, Y, before = matrix.normal(700, 4, 1), matrix.normal(900, 4, 2), latent.threads()
    latent.threads(1)
    local one = metrics.energy_distance(X, Y)
    latent.threads(2)
    assert.equal(one, metrics.energy_distance(X, Y))
    latent.threads(before)
  end)

  it("doesn't overflow, and knows what is near", function()
    local X, Y = waves()
    for _, scale in ipairs { 2.0 ^ 1000, 2.0 ^ -1000 } do
      assert.near(0.666152971011545, metrics.energy_distance(X * scale, Y * scale) / scale, 1e-13)
      assert.near(1.08679625941396, metrics.wasserstein(X * scale, Y * scale) / scale, 1e-13)
    end
    local far = matrix { 1e9 + 0.25, 1e9 } -- products of such numbers have no digits left for 0.25
    assert.near(0.25, metrics.energy_distance(far:block(1, 1), far:block(2, 2)) / 2, 1e-9)
  end)
end)

describe("metrics.wasserstein", function()
  it("is that of sorted numbers in one column", function()
    local x, y = matrix { 3, 1, 2, 9 }, matrix { 0, 7, 4, 2 } -- 1-0, 2-2, 3-4, 9-7
    assert.near(math.sqrt((1 + 0 + 1 + 4) / 4), metrics.wasserstein(x, y), 1e-14)
    assert.near((1 + 0 + 1 + 2) / 4, metrics.wasserstein(x, y, { p = 1 }), 1e-14)
    assert.near(((1 + 0 + 1 + 8) / 4) ^ (1 / 3), metrics.wasserstein(x, y, { p = 3 }), 1e-14)
    -- by assignment, too: a second column of zeros
    local function plane(v) return matrix.hstack { v:reshape(#v, 1), matrix.zeros(#v, 1) } end
    for _, n in ipairs { 1, 2, 17, 300 } do
      local a, b = matrix.normal(n, 1, n):col(1), (matrix.normal(n, 1, n + 1) * 3):col(1)
      for _, p in ipairs { 1, 2, 2.5 } do
        local expected = ((a:sort() - b:sort()):abs() ^ p):mean() ^ (1 / p)
        assert.near(expected, metrics.wasserstein(a, b, { p = p }), 1e-12)
        assert.near(expected, metrics.wasserstein(plane(a), plane(b), { p = p }), 1e-12)
      end
    end
  end)

  it("takes other sizes in one column", function()
    assert.near(math.sqrt(4 / 3), metrics.wasserstein(matrix { 1, 2, 3 }, matrix { 2, 4 }), 1e-14)
    local x, y = matrix(8, 1, function(k) return math.sin(k) end),
      matrix(13, 1, function(k) return math.cos(0.7 * k) + 0.5 end)
    assert.near(0.309980519338384, metrics.wasserstein(x, y, { p = 1 }), 1e-14) -- scipy.stats 1.17.1
    assert.near(0, metrics.wasserstein(x, matrix.vstack { x, x, x }), 1e-15)
  end)

  it("is the least over all permutations", function()
    for n = 1, 7 do
      local X, Y = matrix.normal(n, 2, n), matrix.normal(n, 2, 100 + n)
      for _, p in ipairs { 1, 2, 4 } do
        local best = least(n, function(i, j) return distance(X, i, Y, j) ^ p end)
        assert.near(best ^ (1 / p), metrics.wasserstein(X, Y, { p = p }), 1e-12)
      end
    end
  end)

  it("is SciPy's assignment", function() -- linear_sum_assignment of SciPy 1.17.1
    local X, Y = waves()
    for p, expected in ipairs { 1.06780011940026, 1.08679625941396, 1.09645408803188 } do
      assert.near(expected, metrics.wasserstein(X, Y, { p = p }), 1e-13)
    end
  end)

  it("is the length of a shift, and 0 in any order", function()
    local X = matrix.normal(400, 3, 1)
    assert.near(math.sqrt(3) * 0.5, metrics.wasserstein(X, X + 0.5), 1e-12)
    assert.near(math.sqrt(3) * 1e-9, metrics.wasserstein(X, X + 1e-9), 1e-15)
    assert.equal(0, metrics.wasserstein(X, X:rows_at(latent.random(2):permutation(400))))
    assert.equal(0, metrics.wasserstein(matrix.ones(50, 2), matrix.ones(50, 2)))
  end)

  it("has many optimal assignments of points on a lattice", function()
    -- every point moves by (1, 0), or the same sum of squares goes through others
    local X = matrix(225, 2, function(k, j) return j == 1 and (k - 1) % 15 or (k - 1) // 15 end)
    local Y = X + matrix { { 1, 0 } }
    assert.near(1, metrics.wasserstein(X, Y), 1e-12)
    assert.near(1, metrics.wasserstein(X, Y, { p = 1 }), 1e-12)
  end)

  it("takes float32 and views", function()
    local X, Y = waves()
    assert.near(1.08679625941396, metrics.wasserstein(X:to "float32", Y:to "float32"), 1e-6)
    assert.near(metrics.wasserstein(X, Y), metrics.wasserstein(X:t():copy():t(), Y), 1e-14)
  end)
end)

describe("latent.metrics", function()
  it("names what is wrong", function()
    local X, Y = waves()
    for _, name in ipairs { "energy_distance", "wasserstein" } do
      fails(("metrics.%s: X has 2 columns, Y has 1"):format(name), metrics[name], X, Y:block(1, -1, 1, 1))
      fails(("metrics.%s: Y must be a matrix, got number"):format(name), metrics[name], X, 3)
      local hole = Y:copy()
      hole:set(3, 2, 0 / 0)
      fails(("metrics.%s: Y has NaN at row 3, column 2"):format(name), metrics[name], X, hole)
    end
    fails("X has 40 rows, Y has 39: in several columns the exact distance is for samples of the same size",
      metrics.wasserstein, X, Y:block(1, 39))
    fails("p must be", metrics.wasserstein, X, Y, { p = 0.5 })
    fails("unknown option 'q'", metrics.wasserstein, X, Y, { q = 1 })
  end)
end)
