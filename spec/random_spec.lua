-- Random numbers: the generator against a second one in Lua, the distributions against their
-- closed forms. Seeds are fixed, so that a test passes always or never; the bounds are quantiles
-- that a right generator exceeds with a probability of 1e-4 for each test.
local latent = require "latent"
local helper = require "helper"
local matrix, fails = latent.matrix, helper.fails

-- ---- Philox 4x32-10 in Lua, from the paper (Salmon et al., SC 2011) -------------------------

local MASK = 0xffffffff

local function philox(c0, c1, c2, c3, k0, k1)
  for _ = 1, 10 do
    local p0, p1 = 0xd2511f53 * c0, 0xcd9e8d57 * c2
    c0, c1, c2, c3 = (p1 >> 32) ~ c1 ~ k0, p1 & MASK, (p0 >> 32) ~ c3 ~ k1, p0 & MASK
    k0, k1 = k0 + 0x9e3779b9 & MASK, k1 + 0xbb67ae85 & MASK
  end
  return c0, c1, c2, c3
end

-- The two words of a block.
local function block(seed, stream, number)
  local a, b, c, d = philox(number & MASK, number >> 32, stream & MASK, stream >> 32, seed & MASK, seed >> 32)
  return a | b << 32, c | d << 32
end

local function word(seed, stream, position)
  local even, odd = block(seed, stream, position >> 1)
  return position & 1 == 0 and even or odd
end

local STATES = {
  { 0, 0, 0 }, { 42, 0, 1 }, { -1, -1, 6 }, { math.mininteger, 5, (1 << 33) + 3 }, { 0x123456789abcdef, 77, -1 },
}

local function generator(state)
  return latent.random(0):state { seed = state[1], stream = state[2], position = state[3] }
end

describe("the generator", function()
  it("agrees with the known answers of Random123", function()
    -- Random123 1.14.0, tests/kat_vectors, philox4x32 10
    assert.are.same({ 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8 }, { philox(0, 0, 0, 0, 0, 0) })
    assert.are.same({ 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd },
      { philox(MASK, MASK, MASK, MASK, MASK, MASK) })
    assert.are.same({ 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1 },
      { philox(0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0) })
    -- all 64 bits of a word are an integer of the full range
    local rng = latent.random(0)
    assert.are.equal(0xe169c58d6627e8d5, rng:integer(math.mininteger, math.maxinteger) ~ math.mininteger)
    assert.are.equal(0x9b00dbd8bc57ac4c, rng:integer(math.mininteger, math.maxinteger) ~ math.mininteger)
  end)

  it("gives the words of Philox by seed, stream and position", function()
    for _, s in ipairs(STATES) do
      local rng = generator(s)
      for i = 0, 9 do
        local expected = word(s[1], s[2], s[3] + i)
        assert.are.equal(expected ~ math.mininteger, rng:integer(math.mininteger, math.maxinteger))
      end
    end
  end)

  it("makes uniform numbers of the upper 53 bits, and float32 ones of 24", function()
    for _, s in ipairs(STATES) do
      local u, narrow = generator(s):uniform(700), generator(s):uniform(700, { dtype = "float32" })
      for i = 1, 700 do
        local w = word(s[1], s[2], s[3] + i - 1)
        assert.are.equal((w >> 11) * 2.0 ^ -53, u[i])
        assert.are.equal((w >> 40) * 2.0 ^ -24, narrow[i])
      end
    end
  end)

  it("makes normals by Box and Muller, from the upper half of all blocks", function()
    for _, s in ipairs(STATES) do
      local z = generator(s):normal(100)
      for i = 1, 100 do
        local position = s[3] + i - 1
        local even, odd = block(s[1], s[2], (position >> 1) + math.mininteger)
        local radius = math.sqrt(-2 * math.log(((even >> 11) + 1) * 2.0 ^ -53))
        local fraction = (odd >> 11 & (1 << 51) - 1) * 2.0 ^ -51 - 0.5
        local angle = ((odd >> 62) + fraction) * math.pi / 2
        local expected = radius * (position & 1 == 0 and math.cos(angle) or math.sin(angle))
        assert.is_true(math.abs(z[i] - expected) < 1e-14)
      end
    end
  end)

  it("fills as single draws would, from any position, for any length", function()
    for start = 0, 1 do
      for _, n in ipairs { 1, 2, 3, 255, 256, 257, 258, 1001 } do
        local filled, single = latent.random(7):jump(start), latent.random(7):jump(start)
        for _, kind in ipairs { "uniform", "normal", "exponential" } do
          local v = filled[kind](filled, n)
          for i = 1, n do assert.are.equal(single[kind](single), v[i]) end
        end
        local gamma = filled:gamma(0.7, n)
        for i = 1, n do assert.are.equal(single:gamma(0.7), gamma[i]) end
        local beta, few, many = filled:beta(0.7, 2, n), filled:poisson(3, n), filled:poisson(30, n)
        for i = 1, n do assert.are.equal(single:beta(0.7, 2), beta[i]) end
        for i = 1, n do assert.are.equal(single:poisson(3), few[i]) end
        for i = 1, n do assert.are.equal(single:poisson(30), many[i]) end
        local integers = filled:integer(-3, 12, n)
        for i = 1, n do assert.are.equal(single:integer(-3, 12), integers[i]) end
        assert.are.equal(single, filled)
      end
    end
  end)

  it("gives the same bits for every number of threads", function()
    local before, results = latent.threads(), {}
    for threads = 1, 3 do
      latent.threads(threads)
      local rng = latent.random(3):jump(1)
      results[threads] = { rng:normal(200001), rng:uniform(200001), rng:normal(200001, { dtype = "float32" }), rng }
    end
    latent.threads(before)
    for threads = 2, 3 do
      for i, expected in ipairs(results[1]) do assert.is_true(results[threads][i] == expected) end
    end
  end)

  it("rounds float64 normals to float32 ones", function()
    assert.is_true(latent.random(5):normal(999):to "float32" == latent.random(5):normal(999, { dtype = "float32" }))
  end)
end)

-- ---- distributions --------------------------------------------------------------------------

-- Kolmogorov and Smirnov: the largest distance between the draws' distribution and F, against the
-- 1 - 1e-4 quantile of its limit: 2.22525/sqrt(n) (SciPy 1.17.1, kstwobign.ppf).
local function agrees(draws, F)
  local x, n, distance = draws:table(), #draws, 0
  table.sort(x)
  for i = 1, n do
    local p = F(x[i])
    distance = math.max(distance, p - (i - 1) / n, i / n - p)
  end
  assert.is_true(distance < 2.22525 / math.sqrt(n), ("distance %g of %d draws"):format(distance, n))
  assert.is_true(distance > 1e-4) -- and not more even than chance allows
end

-- The normal distribution function by the series 1/2 + phi(x) (x + x^3/3 + x^5/15 + ...).
local function Phi(x)
  if x < -6 then return 0 elseif x > 6 then return 1 end
  local term, sum, k = x, x, 1
  while math.abs(term) > 1e-17 do
    k = k + 2
    term = term * x * x / k
    sum = sum + term
  end
  return 0.5 + sum * math.exp(-x * x / 2) / math.sqrt(2 * math.pi)
end

-- Regularized incomplete gamma functions, for halves and small integers.
local GAMMA = {
  [0.5] = function(x) return 2 * Phi(math.sqrt(2 * x)) - 1 end,
  [2.5] = function(x)
    local half = 2 * Phi(math.sqrt(2 * x)) - 1
    return half - math.exp(-x) * math.sqrt(x) * (1 + x / 1.5) * 2 / math.sqrt(math.pi)
  end,
  [1] = function(x) return 1 - math.exp(-x) end,
  [3] = function(x) return 1 - math.exp(-x) * (1 + x + x * x / 2) end,
}

-- Chi-squared of the counts of 1..K against equal or given shares, below its 1 - 1e-4 quantile
-- (SciPy 1.17.1, chi2.ppf) for K - 1 degrees of freedom.
local QUANTILE = { [3] = 18.4207, [5] = 23.5127, [6] = 25.7448, [7] = 27.8563, [8] = 29.8775, [9] = 31.8276,
  [10] = 33.7199 }

local function evenly(labels, K, shares)
  local counts, n, chi = {}, #labels, 0
  for k = 1, K do counts[k] = 0 end
  for i = 1, n do counts[labels[i]] = counts[labels[i]] + 1 end
  for k = 1, K do
    local expected = n * (shares and shares[k] or 1 / K)
    chi = chi + (counts[k] - expected) ^ 2 / expected
  end
  assert.is_true(chi < QUANTILE[K], "chi-squared " .. chi)
  return counts
end

describe("distributions", function()
  local N = 100000

  it("uniform", function()
    agrees(latent.random(11):uniform(N), function(x) return x end)
    agrees(latent.random(12):uniform(N, { dtype = "float32" }), function(x) return x end)
    agrees(latent.random(13):uniform(N, { low = -3, high = 5 }), function(x) return (x + 3) / 8 end)
  end)

  it("normal", function()
    agrees(latent.random(14):normal(N), Phi)
    agrees(latent.random(15):normal(N, { mean = 3, deviation = 2 }), function(x) return Phi((x - 3) / 2) end)
  end)

  it("has the moments of the normal distribution", function()
    local n = 1000000
    local z = latent.random(16):normal(n)
    local z2 = z % z
    -- standard errors of the first four moments: sqrt(1, 2, 15, 96)/sqrt(n), four of them allowed
    assert.is_true(math.abs(z:mean()) < 4 / 1000)
    assert.is_true(math.abs(z2:mean() - 1) < 4 * math.sqrt(2) / 1000)
    assert.is_true(math.abs((z2 % z):mean()) < 4 * math.sqrt(15) / 1000)
    assert.is_true(math.abs((z2 % z2):mean() - 3) < 4 * math.sqrt(96) / 1000)
    -- the largest of a million is near 4.75; beyond 6.5 with a probability of 1e-4
    assert.is_true(z:max() > 4 and z:max() < 6.5 and z:min() < -4 and z:min() > -6.5)
  end)

  it("draws normals and uniform numbers in turn that have nothing to do with each other", function()
    local rng, n, sums = latent.random(17), 20000, { 0, 0, 0, 0 }
    for _ = 1, n do
      local z, angle = rng:normal(), 2 * math.pi * rng:uniform()
      sums[1] = sums[1] + z * math.cos(angle)
      sums[2] = sums[2] + z * math.sin(angle)
      sums[3] = sums[3] + z * z * math.cos(2 * angle)
      sums[4] = sums[4] + z * z * math.cos(angle)
    end
    for i, variance in ipairs { 0.5, 0.5, 1.5, 1.5 } do
      assert.is_true(math.abs(sums[i]) < 4 * math.sqrt(variance * n))
    end
  end)

  it("has pairs without correlation, at several distances", function()
    local n = N
    local z = latent.random(18):normal(n + 7)
    for _, lag in ipairs { 1, 2, 3, 7 } do
      local sum = 0
      for i = 1, n do sum = sum + z[i] * z[i + lag] end
      assert.is_true(math.abs(sum) < 4 * math.sqrt(n))
    end
  end)

  it("exponential", function()
    agrees(latent.random(19):exponential(N), GAMMA[1])
    agrees(latent.random(20):exponential(N, { scale = 4 }), function(x) return 1 - math.exp(-x / 4) end)
  end)

  it("gamma, with shapes on both sides of 1", function()
    for shape, F in pairs(GAMMA) do agrees(latent.random(21):gamma(shape, N), F) end
    agrees(latent.random(22):gamma(3, N, { scale = 0.25 }), function(x) return GAMMA[3](x * 4) end)
  end)

  it("gamma of extreme shapes ends, and is finite", function()
    local rng = latent.random(23)
    for _, shape in ipairs { 5e-324, 1e-300, 1e-3, 1e10, 1e300 } do
      local x = rng:gamma(shape)
      assert.is_true(x >= 0 and x < math.huge)
    end
    assert.is_true(math.abs(rng:gamma(1e12) / 1e12 - 1) < 1e-5)
  end)

  it("beta, with shapes on both sides of 1", function()
    local function of(a, b, F) agrees(latent.random(61):beta(a, b, N), F) end
    of(1, 4, function(x) return 1 - (1 - x) ^ 4 end)
    of(0.2, 1, function(x) return x ^ 0.2 end)
    of(1, 0.3, function(x) return 1 - (1 - x) ^ 0.3 end)
    of(0.5, 0.5, function(x) return 2 / math.pi * math.asin(math.sqrt(x)) end)
    of(2, 3, function(x) return 6 * x ^ 2 - 8 * x ^ 3 + 3 * x ^ 4 end)
    -- I_x(2, 1/2) = 1 - sqrt(1 - x) (1 + x/2)
    of(2, 0.5, function(x) return 1 - math.sqrt(1 - x) * (1 + x / 2) end)
  end)

  -- Beta(a, b) with mean m has the variance m (1 - m)/(a + b + 1); for small a and b it is nearly 1 or 0.
  it("beta of extreme shapes", function()
    for _, shapes in ipairs { { 5e-324, 5e-324 }, { 1e-310, 3e-310 }, { 1e-300, 1e-299 }, { 1e-3, 2e-3 } } do
      local a, b = shapes[1], shapes[2]
      local x, share = latent.random(62):beta(a, b, N), 1 / (1 + b / a)
      assert.is_true(math.abs(x:mean() - share) < 4 * math.sqrt(share * (1 - share) / N))
      assert.is_true(x:min() >= 0 and x:max() <= 1)
    end
    for _, shapes in ipairs { { 1e10, 3e10 }, { 1e6, 2 }, { 3, 1e8 } } do
      local a, b = shapes[1], shapes[2]
      local x, mean = latent.random(63):beta(a, b, N), a / (a + b)
      local variance = mean * (b / (a + b)) / (a + b + 1)
      assert.is_true(math.abs(x:mean() - mean) < 4 * math.sqrt(variance / N))
      assert.near(1, x:var() / variance, 0.05)
    end
    assert.near(1 / 2.7, latent.random(64):beta(1e308, 1.7e308), 1e-12)
  end)

  -- The counts in ten cells of nearly equal probability, found from the mode outwards by the ratios mean/k.
  it("counts of Poisson, by chi-squared", function()
    for _, mean in ipairs { 2.5, 6, 9.99, 10, 12.3, 37, 400, 12345.6 } do
      local mode, far = math.floor(mean), math.ceil(12 * math.sqrt(mean) + 40)
      local from, to, log_p, total, p = math.max(0, mode - far), mode + far, 0, 0, {}
      for k = 1, mode do log_p = log_p + math.log(mean / k) end
      p[mode] = math.exp(log_p - mean)
      for k = mode - 1, from, -1 do p[k] = p[k + 1] * (k + 1) / mean end
      for k = mode + 1, to do p[k] = p[k - 1] * mean / k end
      local cells, shares = {}, {}
      for k = from, to do
        cells[k] = math.min(10, 1 + math.floor(total * 10))
        total = total + p[k]
        shares[cells[k]] = (shares[cells[k]] or 0) + p[k]
      end
      assert.near(1, total, 1e-9)
      local draws = latent.random(65):poisson(mean, N):table()
      local labels = {}
      for i, k in ipairs(draws) do labels[i] = cells[k // 1 | 0] end
      local used, number, of_used = {}, {}, {}
      for cell = 1, 10 do
        if shares[cell] then
          used[#used + 1], number[cell] = cell, #used + 1
          of_used[#used] = shares[cell]
        end
      end
      for i, cell in ipairs(labels) do labels[i] = number[cell] end
      evenly(labels, #used, of_used)
    end
  end)

  it("counts of Poisson with tiny and huge means", function()
    assert.equal(0, latent.random(1):poisson(0, 1000):max())
    assert.equal(0, latent.random(1):poisson(1e-300, 1000):max())
    local rare = latent.random(66):poisson(1e-3, N * 10) -- 1000 ones, and half a two
    assert.is_true(math.abs(rare:sum() - N / 100) < 4 * math.sqrt(N / 100) and rare:max() <= 2)
    for _, mean in ipairs { 1e9, 1e12, 2 ^ 52 } do -- the normal distribution, but for mean^-1/2
      local z = (latent.random(67):poisson(mean, N) - mean) / math.sqrt(mean)
      agrees(z, Phi)
    end
    assert.equal("integer", math.type(latent.random(1):poisson(2 ^ 52)))
  end)

  it("integers", function()
    local dice = latent.random(24):integer(1, 6, N)
    evenly(dice, 6)
    assert.are.equal(-5, latent.random(1):integer(-5, -5))
    -- 2^64 words on 3*2^61 numbers: without rejection, numbers of one rest by 3 come too rarely
    local rng, rests = latent.random(25), {}
    for i = 1, 30000 do rests[i] = rng:integer(0, 3 * (1 << 61) - 1) % 3 + 1 end
    evenly(rests, 3)
  end)

  it("categories", function()
    local weights = { 1, 0, 5, 0.5, 3.5 }
    local shares = { 0.1, 1e-300, 0.5, 0.05, 0.35 }
    local counts = evenly(latent.random(26):categorical(weights, N), 5, shares)
    assert.are.equal(0, counts[2])
    assert.are.equal(3, latent.random(1):categorical { 0, 0, 2 })
    evenly(latent.random(27):categorical(matrix.ones(10), N), 10)
    evenly(latent.random(28):categorical({ 1e308, 1e308, 1e308 }, N), 3)
    evenly(latent.random(29):categorical({ 5e-324, 5e-324, 5e-324 }, N), 3)
    -- a strided vector, and float32
    local W = matrix { { 1, 9 }, { 2, 9 }, { 1, 9 } }
    evenly(latent.random(30):categorical(W:col(1), N), 3, { 0.25, 0.5, 0.25 })
    evenly(latent.random(30):categorical(W:col(1):to "float32", N), 3, { 0.25, 0.5, 0.25 })
  end)

  it("categories one at a time are those of a vector", function()
    local one, many = latent.random(31), latent.random(31)
    local labels = many:categorical({ 1, 2, 3 }, 50)
    for i = 1, 50 do assert.are.equal(labels[i], one:categorical { 1, 2, 3 }) end
  end)

  it("permutations", function()
    local order = latent.random(32):permutation(1000):table()
    assert.are_not.equal(1, order[1] + order[2] - order[3]) -- not the identity
    table.sort(order)
    for i = 1, 1000 do assert.are.equal(i, order[i]) end
    assert.are.same({ 1 }, latent.random(1):permutation(1):table())
    local rng, kinds, seen, count = latent.random(33), {}, {}, 0
    for i = 1, 12000 do
      local name = table.concat(rng:permutation(3):to "float64":table(), " ")
      if not seen[name] then
        count = count + 1
        seen[name] = count
      end
      kinds[i] = seen[name]
    end
    assert.are.equal(6, count)
    evenly(kinds, 6)
  end)
end)

-- ---- generators as objects -------------------------------------------------------------------

describe("generators", function()
  it("start at position 0 of stream 0 of their seed", function()
    local rng = latent.random(-9)
    assert.are.same({ seed = -9, stream = 0, position = 0 }, rng:state())
    assert.are.equal(-9, rng.seed)
    rng:uniform(10)
    assert.are.equal(10, rng.position)
    fails("random.nothing: there is no such field", function() return rng.nothing end)
    assert.are.equal("latent.Random (seed -9, stream 0, position 10)", tostring(rng))
  end)

  it("without a seed differ, and tell their seed", function()
    local a, b = latent.random(), latent.random()
    assert.are_not.equal(a.seed, b.seed)
    assert.is_true(a.seed >= 0 and math.type(a.seed) == "integer")
    assert.are.equal(latent.random(a.seed):uniform(), a:uniform())
  end)

  it("are saved and restored in the middle, also between the two normals of a pair", function()
    local rng = latent.random(1):stream(2)
    rng:normal(3)
    local saved = rng:state()
    local expected = { rng:normal(), rng:uniform(), rng:gamma(0.3), rng:integer(1, 1000) }
    assert.are.equal(rng, rng:state(rng:state()))
    rng:state(saved)
    assert.are.same(expected, { rng:normal(), rng:uniform(), rng:gamma(0.3), rng:integer(1, 1000) })
    local other = latent.random(99):state(saved)
    assert.are.equal(expected[1], other:normal())
    assert.are.same({ seed = 4, stream = 0, position = 0 }, other:state({ seed = 4 }):state())
  end)

  it("are copied and compared by state", function()
    local a = latent.random(5)
    local b = a:copy()
    assert.is_true(a == b)
    a:uniform()
    assert.is_false(a == b)
    assert.are.equal(a:jump(-1), b)
    assert.are_not.equal(latent.random(5), latent.random(6))
    assert.are_not.equal(latent.random(5), latent.random(5):stream(1))
  end)

  it("jump over words", function()
    local v = latent.random(8):uniform(100)
    assert.are.equal(v[78], latent.random(8):jump(77):uniform())
  end)

  it("have streams without a relation", function()
    local n, base = 20000, latent.random(40)
    local streams = { base:stream(0), base:stream(1), base:stream(2), base:stream(-1), latent.random(41) }
    for i, rng in ipairs(streams) do streams[i] = rng:normal(n) end
    for i = 1, #streams do
      for j = i + 1, #streams do assert.is_true(math.abs(streams[i]:dot(streams[j])) < 4 * math.sqrt(n)) end
    end
    assert.are.equal(base:copy(), base:stream(0))
  end)

  it("split into independent ones", function()
    local n, rng = 20000, latent.random(50)
    local child, more = rng:split(), rng:split(3)
    assert.are.equal(3, #more)
    assert.are.equal(8, rng.position)
    assert.are.equal(0, child.position)
    local all = { rng, child, more[1], more[2], more[3], child:split() }
    for i, r in ipairs(all) do all[i] = r:normal(n) end
    for i = 1, #all do
      for j = i + 1, #all do assert.is_true(math.abs(all[i]:dot(all[j])) < 4 * math.sqrt(n)) end
    end
    assert.are.equal(latent.random(50):split(), child:state { seed = child.seed, stream = child:state().stream })
  end)

  it("fill any view by rows, and only that", function()
    local expected = latent.random(60):normal(4, 3)
    local A = matrix.zeros(3, 4)
    assert.are.equal(A:t():sum(), 0)
    latent.random(60):normal(4, 3, { out = A:t() })
    assert.is_true(A:t():copy() == expected)
    local B = matrix.zeros(6, 5)
    latent.random(60):normal { out = B:block(2, 5, 2, 4) }
    assert.is_true(B:block(2, 5, 2, 4):copy() == expected)
    assert.near(expected:sum(), B:sum(), 1e-12)
    local narrow = matrix.zeros(4, 3, { dtype = "float32" })
    assert.are.equal("float32", latent.random(60):normal({ out = narrow }).dtype)
    assert.is_true(narrow == expected:to "float32")
  end)

  it("give numbers, vectors and matrices", function()
    local rng = latent.random(1)
    for _, kind in ipairs { "uniform", "normal", "exponential" } do
      assert.are.equal("float", math.type(rng[kind](rng)))
      assert.are.equal(3, #rng[kind](rng, 3):table())
      local A = rng[kind](rng, 3, 1, { dtype = "float32" })
      assert.are.same({ 3, 1, "float32" }, { A.rows, A.cols, A.dtype })
      assert.are.equal(1, #A[1])
    end
    assert.are.equal("integer", math.type(rng:integer(1, 6)))
    assert.are.equal("integer", math.type(rng:categorical { 1, 2 }))
    assert.are.equal(2, rng:integer(1, 6, 3, 2).cols)
    assert.are.equal(2, rng:gamma(1, 3, 2).cols)
    assert.are.equal("float", math.type(rng:beta(1, 2)))
    assert.are.equal("integer", math.type(rng:poisson(4)))
    local counts = rng:poisson(4, 3, 2, { dtype = "float32" })
    assert.are.same({ 3, 2, "float32" }, { counts.rows, counts.cols, counts.dtype })
    local u = rng:uniform { low = 5, high = 6 }
    assert.is_true(math.type(u) == "float" and u >= 5 and u < 6)
    local U = rng:uniform(20, 3, { low = 5, high = 6 })
    assert.is_true(U.cols == 3 and U:min() >= 5 and U:max() < 6)
  end)

  it("never round a float32 uniform number up to 1", function()
    assert.is_true(latent.random(2):uniform(2000000, { dtype = "float32" }):max() < 1)
  end)
end)

describe("matrix.random and matrix.normal", function()
  it("take a generator, a seed, or the option seed", function()
    local expected = latent.random(42):uniform(3, 4)
    assert.is_true(matrix.random(3, 4, 42) == expected)
    assert.is_true(matrix.random(3, 4, latent.random(42)) == expected)
    assert.is_true(matrix.random(3, 4, { seed = 42 }) == expected)
    assert.is_true(matrix.random(3, 4, { seed = latent.random(42) }) == expected)
    assert.is_true(matrix.random(12, latent.random(42)) == expected:flatten())
    assert.is_true(matrix.random(12, nil, 42) == expected:flatten())
    assert.is_true(matrix.normal(3, 4, 42) == latent.random(42):normal(3, 4))
    assert.is_true(matrix.normal(3, { seed = 42, mean = 1, dtype = "float32" })
      == latent.random(42):normal(3, { mean = 1, dtype = "float32" }))
    local rng = latent.random(42)
    assert.is_false(matrix.random(3, 4, rng) == matrix.random(3, 4, rng))
  end)

  it("fill out, within the borders", function()
    local A = matrix.zeros(3, 2)
    matrix.random(3, 2, 7, { low = 5, high = 6, out = A })
    assert.is_true(A:min() >= 5 and A:max() < 6)
  end)

  it("use the module's own generator otherwise, which begins alike in each state", function()
    assert.is_false(matrix.random(2, 2) == matrix.random(2, 2))
    local first = 0
    while arg[first - 1] do first = first - 1 end
    local script = [[io.write((string.format('%.17g', require 'latent'.matrix.random(1)[1])))]]
    local pipe = assert(io.popen(("%s -e %q"):format(arg[first], script)))
    local text = pipe:read "a"
    pipe:close()
    assert.are.equal(latent.random(0):uniform(), tonumber(text))
  end)
end)

describe("errors", function()
  local rng = latent.random(1)

  it("seeds", function()
    fails("latent.random: seed must be an integer, got 1.5", latent.random, 1.5)
    fails("latent.random: seed must be an integer, got 'x'", latent.random, "x")
    fails("matrix.random: seed must be an integer or a latent.Random, got string", matrix.random, 2, 2, "x")
    fails("matrix.normal: seed must be an integer, got 0.5", matrix.normal, 2, 2, { seed = 0.5 })
    fails("exclude each other", matrix.random, 2, 2, rng, { seed = 1 })
    fails("rng:stream: i must be an integer", rng.stream, rng)
    fails("rng:jump: n must be an integer", rng.jump, rng, "far")
    fails("rng:split: k must be an integer >= 1, got 0", rng.split, rng, 0)
  end)

  it("states", function()
    local before = rng:state()
    fails("rng:state: seed must be an integer, got nothing", rng.state, rng, {})
    fails("rng:state: position must be an integer, got 'x'", rng.state, rng, { seed = 3, position = "x" })
    fails("did you mean 'stream'", rng.state, rng, { seed = 3, steam = 1 })
    assert.are.same(before, rng:state())
    fails("self must be a latent.Random", rng.uniform)
    fails("self must be a latent.Random", rng.uniform, matrix.zeros(2))
  end)

  it("sizes", function()
    fails("rng:uniform: n must be an integer >= 1, got 0", rng.uniform, rng, 0)
    fails("rng:normal: rows must be an integer >= 1, got -1", rng.normal, rng, -1, 2)
    fails("rng:normal: cols must be an integer >= 1, got 2.5", rng.normal, rng, 1, 2.5)
    fails("rng:permutation: n must be an integer >= 1, got 0", rng.permutation, rng, 0)
    fails("rng:categorical: n must be an integer >= 1, got 0", rng.categorical, rng, { 1 }, 0)
    fails("matrix.random: rows must be an integer >= 1, got nothing", matrix.random)
    fails("more than memory can address", rng.uniform, rng, 1 << 40, 1 << 40)
    fails("more than memory can address", rng.permutation, rng, 1 << 61)
  end)

  it("options", function()
    fails("unknown option 'hihg', did you mean 'high'?", rng.uniform, rng, 2, { hihg = 1 })
    fails("unknown option 'seed'", rng.uniform, rng, 2, { seed = 1 })
    fails("options must be a table", rng.uniform, rng, 2, 2, 2)
    fails("low must be less than high", rng.uniform, rng, { low = 1, high = 1 })
    fails("low must be less than high", rng.uniform, rng, { low = -1.7e308, high = 1.7e308 })
    fails("rng:uniform: low must be", rng.uniform, rng, { low = 0 / 0 })
    fails("rng:normal: deviation must be at least 0", rng.normal, rng, { deviation = -1 })
    fails("must be finite", rng.normal, rng, { mean = math.huge })
    fails("rng:exponential: scale must be positive and finite", rng.exponential, rng, { scale = 0 })
    fails("out must be a matrix, got number", rng.uniform, rng, { out = 3 })
    fails("out is a 2x2 matrix", rng.uniform, rng, 3, 3, { out = matrix.zeros(2, 2) })
    fails("the result is 2x2 float32", rng.uniform, rng, { out = matrix.zeros(2, 2), dtype = "float32" })
  end)

  it("parameters", function()
    fails("rng:gamma: shape must be positive and finite, got 0", rng.gamma, rng, 0)
    fails("rng:gamma: shape must be positive and finite", rng.gamma, rng, -1)
    fails("rng:gamma: shape must be positive and finite", rng.gamma, rng, 0 / 0)
    fails("rng:gamma: shape must be positive and finite", rng.gamma, rng, math.huge)
    fails("rng:gamma: shape must be a number, got nothing", rng.gamma, rng)
    fails("rng:beta: b must be positive and finite, got -2", rng.beta, rng, 1, -2)
    fails("rng:beta: b must be a number, got nothing", rng.beta, rng, 1)
    fails("rng:poisson: mean must be 0 to 2^52, got -1", rng.poisson, rng, -1)
    fails("rng:poisson: mean must be 0 to 2^52, got", rng.poisson, rng, 0 / 0)
    fails("rng:poisson: mean must be 0 to 2^52, got inf", rng.poisson, rng, math.huge, 3)
    fails("rng:poisson: mean must be a number, got nothing", rng.poisson, rng)
    fails("unknown option 'scale'", rng.poisson, rng, 1, { scale = 2 })
    fails("rng:integer: low must not exceed high, got 3 and 1", rng.integer, rng, 3, 1)
    fails("rng:integer: high must be an integer, got 2.5", rng.integer, rng, 1, 2.5)
    fails("integers up to 2^53", rng.integer, rng, 0, 1 << 54, 3)
    fails("rng:categorical: weight 2 must be finite and >= 0, got -1", rng.categorical, rng, { 1, -1 })
    fails("rng:categorical: weight 1 must be finite and >= 0", rng.categorical, rng, { 0 / 0, 1 })
    fails("rng:categorical: weight 2 must be finite and >= 0, got inf", rng.categorical, rng, { 1, math.huge })
    fails("at least one of the weights must be positive", rng.categorical, rng, { 0, 0 })
    fails("weights must be a vector, got a 2x2 matrix", rng.categorical, rng, matrix.ones(2, 2))
    fails("weights is an empty table", rng.categorical, rng, {})
  end)
end)
