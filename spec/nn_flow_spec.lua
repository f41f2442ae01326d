-- Invertible maps of latent.nn: their log |det J| against determinants of Jacobians by central differences,
-- their inverses far out, and densities that integrate to 1.
local latent = require "latent"
local nn, matrix = latent.nn, latent.matrix
require "spec.helper"

local MAPS = {
  { "affine", raw = function(D) return 2 * D end, options = { bound = 2 } },
  { "affine", raw = function() return 4 end, options = { columns = { 3, 1 } }, least = 3 },
  { "affine", raw = function(D) return 2 * D end },
  { "spline", raw = function(D) return 23 * D end, options = { box = 3 } },
  { "spline", raw = function() return 5 end, options = { bins = 2, columns = { 2 } }, least = 2 },
  { "linear", raw = function(D) return D end, square = true },
  { "planar", raw = function(D) return 2 * D + 1 end, one = true },
  { "radial", raw = function(D) return D + 2 end, one = true },
}

local function parameters(map, D, rows, seed)
  return matrix.normal(map.square and D or (map.one and 1 or rows), map.raw(D), seed)
end

-- The map's columns and its log |det J| for the rows of X.
local function apply(map, X, raw, inverse, dtype)
  local tape = nn.tape { dtype = dtype or "float64" }
  local options = { inverse = inverse }
  for name, value in pairs(map.options or {}) do options[name] = value end
  local Y = tape["flow_" .. map[1]](tape, tape:flow_state(X), raw, options):matrix()
  return Y:block(1, -1, 1, -2), Y:col(-1)
end

local function numeric_log_det(map, x, raw)
  local D, h = x.cols, 1e-5
  local J = matrix.zeros(D, D)
  for j = 1, D do
    local up, down = x:copy(), x:copy()
    up:set(1, j, x(1, j) + h)
    down:set(1, j, x(1, j) - h)
    local dy = (apply(map, up, raw) - apply(map, down, raw)) / (2 * h)
    for i = 1, D do J:set(i, j, dy(1, i)) end
  end
  return math.log(math.abs(J:det()))
end

describe("maps of flows", function()
  for k, map in ipairs(MAPS) do
    local name = ("%s (%d)"):format(map[1], k)

    it(name .. " have the logarithm of their Jacobian's determinant", function()
      for D = map.least or 1, 5 do
        for seed = 1, 5 do
          local x, raw = matrix.normal(1, D, seed), parameters(map, D, 1, 40 + seed)
          local _, log_det = apply(map, x, raw)
          assert.near(numeric_log_det(map, x, raw), log_det[1], 1e-7)
        end
      end
    end)

    it(name .. " have an inverse, far out too", function()
      for _, scale in ipairs { 1, 30, 1000 } do
        for D = map.least or 1, 4 do
          local X, raw = scale * matrix.normal(400, D, 9), parameters(map, D, 400, 7)
          local Y, log_det = apply(map, X, raw)
          local back, negative = apply(map, Y, raw, true)
          assert.near_matrix(X, back, 1e-10 * scale)
          assert.near_matrix(log_det, -negative, 1e-9)
        end
      end
    end)
  end

  it("of single precision have inverses within its rounding", function()
    for _, map in ipairs(MAPS) do
      local X, raw = matrix.normal(500, 3, 9), 0.5 * parameters(map, 3, 500, 7)
      local back = apply(map, apply(map, X, raw, false, "float32"), raw, true, "float32")
      assert.near_matrix(X, back, 2e-5)
    end
  end)

  it("are the identity where their numbers are zero", function()
    local X = matrix.normal(20, 3, 1)
    for _, k in ipairs { 1, 3, 4, 6 } do
      local Y, log_det = apply(MAPS[k], X, 0 * parameters(MAPS[k], 3, 20, 1))
      assert.near_matrix(X, Y, 1e-14)
      assert.near_matrix(0 * log_det, log_det, 1e-14)
    end
  end)

  it("make densities that integrate to 1", function()
    local n, from = 401, 10
    local grid = matrix(n * n, 2, function(i, j)
      local at = j == 1 and (i - 1) // n or (i - 1) % n
      return -from + 2 * from * at / (n - 1)
    end)
    local cell = (2 * from / (n - 1)) ^ 2
    for _, base in ipairs { "normal", "uniform" } do
      local tape = nn.tape { dtype = "float64" }
      local h = tape:flow_state(base == "normal" and grid or 3 * grid)
      for seed = 1, 3 do
        for _, k in ipairs { 4, 6, 7, 8 } do
          local map = MAPS[k]
          h = tape["flow_" .. map[1]](tape, h, 0.2 * parameters(map, 2, 1, seed), map.options)
        end
      end
      local density = (-1 * tape:flow_nll(h, { base = base })):exp():sum():value()
      assert.near(1, density * cell * (base == "normal" and 1 or 9), 1e-3)
    end
  end)

  it("have bases whose densities are known", function()
    local tape = nn.tape { dtype = "float64" }
    local nll = tape:flow_nll({ { 1, 2, 0.25 }, { 0, 0, 0 } }):matrix()
    assert.near(math.log(2 * math.pi) + 2.5 - 0.25, nll(1, 1), 1e-14)
    assert.near(math.log(2 * math.pi), nll(2, 1), 1e-14)
    nll = tape:flow_nll({ { 0, 1, 0 } }, { base = "uniform" }):matrix()
    local s = 1 / (1 + math.exp(-1))
    assert.near(-math.log(0.25 * s * (1 - s)), nll(1, 1), 1e-14) -- the logistic density
  end)

  it("name what doesn't fit", function()
    local tape = nn.tape()
    local h = tape:flow_state(matrix.zeros(3, 2))
    assert.error_matches(function() tape:flow_affine(h, matrix.zeros(3, 3)) end,
      "for a state of 3x3 the map's parameters are 3 or 1 rows of 4, got 3x3")
    assert.error_matches(function() tape:flow_affine(h, matrix.zeros(3, 2), { columns = { 3 } }) end,
      "column 3 is none of 1..2")
    assert.error_matches(function() tape:flow_affine(h, matrix.zeros(3, 4), { columns = { 2, 2 } }) end,
      "column 2 can't be transformed twice")
    assert.error_matches(function() tape:flow_spline(h, matrix.zeros(1, 46), { bins = 1 }) end, "bins")
    assert.error_matches(function() tape:flow_spline(h, matrix.zeros(1, 46), { bins = 65 }) end, "bins")
    assert.error_matches(function() tape:flow_linear(h, matrix.zeros(3, 2)) end, "A is 2x2, got 3x2")
    assert.error_matches(function() tape:flow_planar(h, matrix.zeros(3, 5)) end, "raw is 1x5, got 3x5")
    assert.error_matches(function() tape:flow_nll(matrix.zeros(3, 1)) end, "a state has columns and then log |det J|",
      1, true)
    assert.error_matches(function() tape:flow_nll(h, { base = "gauss" }) end, "base")
    assert.error_matches(function() h:gather_columns { 4 } end, "column 4 is none of 1..3")
  end)

  it("have inverses through which no gradient flows", function()
    local tape = nn.tape { dtype = "float64" }
    local x = tape:input(matrix.normal(4, 2, 1), { gradient = true })
    local y = tape:flow_affine(tape:flow_state(x), matrix.normal(4, 4, 2), { inverse = true })
    assert.error_matches(function() y:sum():backward() end, "depends on no parameter")
  end)

  it("are the same bits for every number of threads", function()
    local before = latent.threads()
    local function run(threads)
      latent.threads(threads)
      local tape = nn.tape { seed = 1 }
      local x = tape:input(matrix.normal(3000, 6, 1), { gradient = true })
      local raw = tape:input(matrix.normal(3000, 46 * 3, 2), { gradient = true })
      local h = tape:flow_spline(tape:flow_state(x), raw, { columns = { 1, 2, 3, 4, 5, 6 } })
      h = tape:flow_affine(h, raw:columns(1, 12), { bound = 2 })
      tape:flow_nll(tape:flow_linear(h, matrix.normal(6, 6, 3))):mean():backward()
      return x:gradient(), raw:gradient()
    end
    local X1, R1 = run(1)
    local X2, R2 = run(2)
    latent.threads(before)
    assert.is_true(X1 == X2 and R1 == R2)
  end)
end)
