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

  it("has every power, of pairs that cost 10^30 times as much as others", function()
    -- a shift's optimal coupling is the shift, for every p >= 1
    local X = matrix.normal(200, 2, 3)
    for _, p in ipairs { 1, 5, 12, 16, 32, 64 } do
      for _, scale in ipairs { 1, 1e100, 1e-200 } do
        assert.near(0.1 * math.sqrt(2), metrics.wasserstein(X * scale, (X + 0.1) * scale, { p = p }) / scale, 1e-12)
      end
    end
    for n = 2, 7 do
      local A, B = matrix.normal(n, 2, n) ^ 3, matrix.normal(n, 2, 100 + n) ^ 3
      local best = least(n, function(i, j) return distance(A, i, B, j) ^ 40 end)
      assert.near(best ^ (1 / 40), metrics.wasserstein(A, B, { p = 40 }), 1e-10)
    end
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

describe("metrics by neighbours", function()
  it("are precision, recall, density and coverage by their formulas", function()
    -- by NumPy 2.4.6 from the definitions; 40 and 33 rows
    local X, Y = waves()
    Y = Y:block(1, 33)
    for k, expected in pairs {
      { 0.121212121212121, 0.225, 0.151515151515152, 0.075 },
      [3] = { 0.272727272727273, 0.375, 0.181818181818182, 0.225 },
      [5] = { 0.393939393939394, 0.475, 0.224242424242424, 0.45 },
    } do
      local precision, recall = metrics.precision_recall(X, Y, { neighbours = k })
      local density, coverage = metrics.density_coverage(X, Y, { neighbours = k })
      assert.near_matrix(expected, { precision, recall, density, coverage }, 1e-14)
    end
    local precision, recall = metrics.precision_recall(X, Y)
    assert.near_matrix({ 0.272727272727273, 0.375 }, { precision, recall }, 1e-14)
    local density, coverage = metrics.density_coverage(X:to "float32", Y)
    assert.near_matrix({ 0.224242424242424, 0.45 }, { density, coverage }, 1e-14)
  end)

  it("don't depend on the unit of length", function()
    local X, Y, C = matrix.normal(60, 2, 1), matrix.normal(50, 2, 2), matrix.normal(4, 2, 3)
    local function all(s)
      local p, r = metrics.precision_recall(X * s, Y * s)
      local d, c = metrics.density_coverage(X * s, Y * s)
      local m, share = metrics.modes(X * s, C * s, { radius = 0.7 * s })
      return { p, r, d, c, m, share }
    end
    local expected = all(1)
    assert.is_true(expected[2] > 0.5 and expected[6] > 0.1 and expected[6] < 0.9)
    for _, e in ipairs { -700, -1000, 600, 1000 } do assert.same(expected, all(2.0 ^ e)) end
  end)

  it("see what a sample leaves out, and what it makes up", function()
    local function modes(seed, first, last, n) -- Gaussians far from each other, on a line
      local X = matrix.normal(n, 2, seed)
      for i = 1, n do X:set(i, 1, X(i, 1) + 100 * (first + i % (last - first + 1))) end
      return X
    end
    local data = modes(1, 1, 4, 2000)
    local density, coverage = metrics.density_coverage(data, modes(2, 1, 4, 2000))
    assert.near(1, density, 0.1)
    assert.near(1 - 2 ^ -5, coverage, 0.02) -- of equal distributions
    density, coverage = metrics.density_coverage(data, modes(2, 1, 2, 2000)) -- half of the modes
    assert.near(1, density, 0.1) -- all rows are like data
    assert.near(0.5, coverage, 0.02)
    density, coverage = metrics.density_coverage(data, modes(2, 1, 8, 4000)) -- and as many that aren't there
    assert.near(0.5, density, 0.05)
    assert.near(1 - 2 ^ -5, coverage, 0.02)
    local precision, recall = metrics.precision_recall(data, modes(2, 1, 8, 4000))
    assert.near(0.5, precision, 0.03)
    assert.is_true(recall > 0.95)
    precision, recall = metrics.precision_recall(data, modes(2, 1, 2, 2000))
    assert.is_true(precision > 0.95)
    assert.near(0.5, recall, 0.03)
  end)

  it("are the same for blocks of rows and in one, and for every number of threads", function()
    local X, Y, threads = matrix.normal(900, 3, 1), matrix.normal(1500, 3, 2), latent.threads()
    local function all()
      local p, r = metrics.precision_recall(X, Y)
      local d, c = metrics.density_coverage(X, Y)
      return { p, r, d, c }
    end
    latent.threads(1)
    local one = all()
    latent.threads(3)
    assert.same(one, all())
    latent.threads(threads)
    local hits = 0 -- coverage, row by row
    for i = 1, 60 do
      local own, closest = {}, math.huge
      for j = 1, #X do if j ~= i then own[#own + 1] = distance(X, i, X, j) end end
      table.sort(own)
      for j = 1, #Y do closest = math.min(closest, distance(X, i, Y, j)) end
      if closest < own[5] then hits = hits + 1 end
    end
    local _, part = metrics.density_coverage(X, Y)
    assert.near(part, hits / 60, 0.1)
  end)
end)

describe("metrics.modes", function()
  it("counts centres with a row and rows with a centre", function()
    local centers = matrix { { 0, 0 }, { 10, 0 }, { 0, 10 } }
    local X = matrix { { 0, 3 }, { 0, -3 }, { 10, 1 }, { 5, 5 }, { 0, 3.5 } }
    local covered, share = metrics.modes(X, centers, { radius = 3 })
    assert.equal(2, covered)
    assert.equal("integer", math.type(covered))
    assert.near(0.6, share, 1e-15)
    covered, share = metrics.modes(X, centers, { radius = 8 })
    assert.equal(2, covered) -- a row counts for its nearest centre: of ties the first
    assert.equal(1, share)
    covered, share = metrics.modes(matrix { 1, 2 }, matrix { 5 }, { radius = 1 })
    assert.same({ 0, 0 }, { covered, share })
  end)

  it("finds 98.9 percent of a ring of Gaussians within three deviations", function()
    local X = latent.datasets.eight_gaussians(20000, { seed = 1 })
    local centers = matrix(8, 2, function(k, j)
      return (j == 1 and math.cos or math.sin)(math.pi * (k - 1) / 4)
    end)
    local covered, share = metrics.modes(X, centers, { radius = 0.3 })
    assert.equal(8, covered)
    assert.near(1 - math.exp(-4.5), share, 0.003)
  end)

  it("names what is wrong", function()
    local X, C = matrix.normal(5, 2, 1), matrix.ones(2, 2)
    fails("metrics.modes: the option radius is missing", metrics.modes, X, C)
    fails("radius must be", metrics.modes, X, C, { radius = 0 })
    fails("metrics.modes: X has 2 columns, Y has 3", metrics.modes, X, matrix.ones(2, 3), { radius = 1 })
    fails("metrics.density_coverage: X has 5 rows: there must be more than 5", metrics.density_coverage, X, X)
    fails("metrics.precision_recall: Y has 2 rows: there must be more than 3", metrics.precision_recall, X, C)
    fails("neighbours must be", metrics.precision_recall, X, X, { neighbours = 0 })
    C:set(2, 1, 0 / 0)
    fails("Y has NaN at row 2, column 1", metrics.modes, X, C, { radius = 1 })
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
