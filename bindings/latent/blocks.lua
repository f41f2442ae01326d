-- latent.blocks: linear dynamical systems from their parts: levels, trends, seasons, cycles, ARMA processes,
-- regressions and moving bodies. Each function gives the options of latent.lds; `sum` and `stack` put parts
-- together. In latent.lds's terms
--
--   z_t = A z_{t-1} + w,   w ~ N(0, Q),   y_t = C z_t + v,   v ~ N(0, R)
--
-- A part's start is exact: diffuse where nothing is known (trends), stationary where the process is.

local latent = require "latent"
local check = require "latent.check"
local matrix = latent.matrix

local blocks = {}

-- ---- checks ------------------------------------------------------------------

-- A finite number, >= 0 unless it may have any sign.
local function number(who, name, value, signed)
  if type(value) ~= "number" or value ~= value or math.abs(value) == math.huge or not signed and value < 0 then
    check.fail(who, "%s must be a finite number%s, got %s", name, signed and "" or " >= 0", check.show(value))
  end
  return value
end

-- The options that have numbers for defaults, checked; `known` are others.
local function read(who, options, defaults, known)
  known = known or {}
  for name in pairs(defaults) do known[name] = true end
  options = check.options(who, options, known)
  local o = {}
  for name, default in pairs(defaults) do
    local value = options[name]
    if value == nil then value = default end
    o[name] = number(who, name, value)
  end
  for name, value in pairs(options) do
    if o[name] == nil then o[name] = value end
  end
  return o
end

local function word(who, name, value, words)
  value = value or words[1]
  for _, known in ipairs(words) do
    if value == known then return value end
  end
  check.fail(who, '%s must be "%s", got %s', name, table.concat(words, '" or "'), check.show(value))
end

-- Numbers from a table or a vector, each finite.
local function numbers(who, name, list)
  local result = {}
  if type(list) == "userdata" then list = list:table() end
  if type(list) ~= "table" then check.fail(who, "%s must be a list of numbers, got %s", name, check.show(list)) end
  for i, value in ipairs(list) do result[i] = number(who, ("%s[%d]"):format(name, i), value, true) end
  return result
end

-- ---- matrices ------------------------------------------------------------------

local function block_diagonal(list)
  local rows, cols = 0, 0
  for _, A in ipairs(list) do rows, cols = rows + A.rows, cols + A.cols end
  local result, i, j = matrix.zeros(rows, cols), 0, 0
  for _, A in ipairs(list) do
    result:block(i + 1, i + A.rows, j + 1, j + A.cols):assign(A)
    i, j = i + A.rows, j + A.cols
  end
  return result
end

local function end_to_end(vectors)
  local result = {}
  for _, v in ipairs(vectors) do table.move(v:table(), 1, #v, #result + 1, result) end
  return matrix(result)
end

-- A with every element times I of n rows: the same for each of n dimensions, dimensions side by side.
local function for_each(A, n)
  return matrix(A.rows * n, A.cols * n, function(i, j)
    if (i - 1) % n ~= (j - 1) % n then return 0 end
    return A((i - 1) // n + 1, (j - 1) // n + 1)
  end)
end

-- P = A P A' + Q by doubling: the sum of A^k Q A'^k, twice as many terms a turn.
local function stationary(who, A, Q)
  local re, im = latent.eigen.general(A)
  local modulus = 0
  for i = 1, #re do modulus = math.max(modulus, math.sqrt(re[i] ^ 2 + im[i] ^ 2)) end
  if modulus >= 1 then
    check.fail(who, "the process is not stationary: a root of modulus %.6g is not below 1", modulus)
  end
  local P, power = Q:copy(), A
  for _ = 1, 64 do
    local step = power * P * power:t()
    P = P + step
    power = power * power
    if step:abs():max() <= 1e-17 * P:abs():max() then break end
  end
  return (P + P:t()) / 2
end

-- ---- a part ------------------------------------------------------------------------

-- What latent.lds takes. Without a covariance the start is diffuse.
local function part(A, C, Q, noise_variance, covariance)
  local n, p = A.rows, C.rows
  return {
    A = A, C = C, Q = Q, R = matrix.eye(p) * noise_variance,
    initial_mean = matrix.zeros(n),
    initial_covariance = covariance or matrix.zeros(n, n),
    diffuse = matrix(n, 1, covariance and 0 or 1):col(1),
  }
end

-- A diagonal matrix that isn't all of it: the first variances, then zeros.
local function diagonal(n, ...)
  local Q = matrix.zeros(n, n)
  for i, variance in ipairs { ... } do Q:set(i, i, variance) end
  return Q
end

function blocks.local_level(options)
  local o = read("blocks.local_level", options, { level_variance = 1, noise_variance = 0 })
  return part(matrix.eye(1), matrix.eye(1), diagonal(1, o.level_variance), o.noise_variance)
end

function blocks.local_linear_trend(options)
  local o = read("blocks.local_linear_trend", options,
    { level_variance = 0, slope_variance = 1, noise_variance = 0 })
  return part(matrix { { 1, 1 }, { 0, 1 } }, matrix { { 1, 0 } }, diagonal(2, o.level_variance, o.slope_variance),
    o.noise_variance)
end

-- ---- seasons -----------------------------------------------------------------------

-- s_t = -(s_{t-1} + ... + s_{t-period+1}) + w
local function dummies(period, variance)
  local n = period - 1
  local A = matrix(n, n, function(i, j) return i == 1 and -1 or i == j + 1 and 1 or 0 end)
  return A, matrix(1, n, function(_, j) return j == 1 and 1 or 0 end), diagonal(n, variance)
end

local function rotation(frequency)
  local c, s = math.cos(frequency), math.sin(frequency)
  return matrix { { c, s }, { -s, c } }
end

-- A turning pair for each harmonic; that of half the period (two time steps) has no second component.
local function harmonics(period, count, variance)
  local turns, C = {}, {}
  for k = 1, count do
    local single = 2 * k == period
    turns[k] = single and matrix { { -1 } } or rotation(2 * math.pi * k / period)
    C[#C + 1] = 1
    if not single then C[#C + 1] = 0 end
  end
  return block_diagonal(turns), matrix { C }, matrix.eye(#C) * variance
end

function blocks.seasonal(options)
  local who = "blocks.seasonal"
  local o = read(who, options, { variance = 1, noise_variance = 0 },
    { period = true, form = true, harmonics = true })
  local period = check.integer(who, "period", o.period, 2)
  local form = word(who, "form", o.form, { "dummy", "trigonometric" })
  if form == "dummy" then
    if o.harmonics then check.fail(who, 'harmonics are for form = "trigonometric"') end
    local A, C, Q = dummies(period, o.variance)
    return part(A, C, Q, o.noise_variance)
  end
  local most = period // 2
  local count = check.integer(who, "harmonics", o.harmonics or most, 1)
  if count > most then check.fail(who, "harmonics must be at most period / 2 = %d, got %d", most, count) end
  local A, C, Q = harmonics(period, count, o.variance)
  return part(A, C, Q, o.noise_variance)
end

function blocks.cycle(options)
  local who = "blocks.cycle"
  local o = read(who, options, { variance = 1, damping = 1, noise_variance = 0 }, { period = true })
  if not (number(who, "period", o.period) > 1) then check.fail(who, "period must be above 1, got %s", o.period) end
  if o.damping > 1 then check.fail(who, "damping must be at most 1, got %s", o.damping) end
  local covariance = o.damping < 1 and matrix.eye(2) * (o.variance / (1 - o.damping ^ 2)) or nil
  return part(rotation(2 * math.pi / o.period) * o.damping, matrix { { 1, 0 } }, matrix.eye(2) * o.variance,
    o.noise_variance, covariance)
end

-- ---- processes and regressions --------------------------------------------------------

-- Harvey's form: the first state is the process, the others what its past adds to its future.
function blocks.arma(options)
  local who = "blocks.arma"
  local o = read(who, options, { variance = 1, noise_variance = 0 }, { ar = true, ma = true })
  local ar, ma = numbers(who, "ar", o.ar or {}), numbers(who, "ma", o.ma or {})
  local n = math.max(#ar, #ma + 1)
  local A = matrix(n, n, function(i, j) return j == 1 and ar[i] or j == i + 1 and 1 or 0 end)
  local w = matrix(n, 1, function(i) return i == 1 and 1 or ma[i - 1] or 0 end)
  local Q = w * w:t() * o.variance
  local C = matrix(1, n, function(_, j) return j == 1 and 1 or 0 end)
  return part(A, C, Q, o.noise_variance, stationary(who, A, Q))
end

-- y_t = x_t' beta: C is another one at each time.
function blocks.regression(X, options)
  local who = "blocks.regression"
  if type(X) == "table" then X = matrix(X) end
  if type(X) ~= "userdata" then check.fail(who, "X must be a matrix, got %s", check.show(X)) end
  local o = read(who, options, { variance = 0, noise_variance = 0 })
  local k, C = X.cols, {}
  for t = 1, X.rows do C[t] = X:block(t, t):copy() end
  local block = part(matrix.eye(k), C[1], matrix.eye(k) * o.variance, o.noise_variance)
  block.C = C
  return block
end

-- ---- moving bodies ------------------------------------------------------------------------

-- Derivatives 0..order of a position whose next derivative is white noise of the given strength, over
-- a time dt: continuous noise (the integral of exp(F s) q exp(F' s)), or one impulse a step, that changes
-- the highest derivative of the state by N(0, variance), and the lower ones as if it came at once.
local function motion(order, dt, strength, form)
  local factorial = { [0] = 1, 1, 2, 6, 24 }
  local n = order + 1
  local A = matrix(n, n, function(i, j) return j >= i and dt ^ (j - i) / factorial[j - i] or 0 end)
  local Q = matrix(n, n, function(i, j)
    local a, b = n - i, n - j
    if form == "continuous" then return strength * dt ^ (a + b + 1) / ((a + b + 1) * factorial[a] * factorial[b]) end
    return strength * dt ^ (a + b) / (factorial[a] * factorial[b])
  end)
  return A, Q
end

local function body(who, options, order, strength)
  local defaults = { dt = 1, noise_variance = 1 }
  defaults[strength] = 1
  local o = read(who, options, defaults, { dims = true, form = true })
  local dims = check.integer(who, "dims", o.dims or 2, 1)
  local A, Q = motion(order, o.dt, o[strength], word(who, "form", o.form, { "continuous", "discrete" }))
  local C = matrix(1, order + 1, function(_, j) return j == 1 and 1 or 0 end)
  return part(for_each(A, dims), for_each(C, dims), for_each(Q, dims), o.noise_variance)
end

function blocks.constant_velocity(options)
  return body("blocks.constant_velocity", options, 1, "acceleration_variance")
end

function blocks.constant_acceleration(options)
  return body("blocks.constant_acceleration", options, 2, "jerk_variance")
end

-- ---- putting parts together -------------------------------------------------------------------

local FIELDS = { A = true, C = true, Q = true, R = true, initial_mean = true, initial_covariance = true,
  diffuse = true }

-- Each of the parts, checked, with a number of steps if one of its matrices varies.
local function parts_of(who, ...)
  local parts = { ... }
  if #parts == 0 then check.fail(who, "there must be at least one part") end
  for i, p in ipairs(parts) do
    if type(p) ~= "table" then check.fail(who, "part %d must be a table, got %s", i, check.show(p)) end
    for name in pairs(FIELDS) do
      if p[name] == nil then check.fail(who, "part %d has no %s; parts come from latent.blocks", i, name) end
    end
    for name in pairs(p) do
      if not FIELDS[name] then check.fail(who, "part %d has %s, which can't be put together", i, name) end
    end
  end
  return parts
end

-- join(list of the matrices `name` of the parts), at each step when one of them varies.
local function joined(who, parts, name, join)
  local steps
  for _, p in ipairs(parts) do
    if type(p[name]) == "table" then
      if steps and #p[name] ~= steps then
        check.fail(who, "%s varies over %d steps in one part and over %d in another", name, steps, #p[name])
      end
      steps = #p[name]
    end
  end
  local function at(t)
    local list = {}
    for i, p in ipairs(parts) do list[i] = type(p[name]) == "table" and p[name][t] or p[name] end
    return join(list)
  end
  if not steps then return at() end
  local result = {}
  for t = 1, steps do result[t] = at(t) end
  return result
end

local function total(who)
  return function(list)
    local sum = list[1]
    for i = 2, #list do
      if list[i].rows ~= sum.rows then
        check.fail(who, "parts have %d and %d observations", sum.rows, list[i].rows)
      end
      sum = sum + list[i]
    end
    return sum
  end
end

local function together(who, parts, join_C, join_R)
  return {
    R = joined(who, parts, "R", join_R), -- first: it checks how many observations there are
    A = joined(who, parts, "A", block_diagonal),
    C = joined(who, parts, "C", join_C),
    Q = joined(who, parts, "Q", block_diagonal),
    initial_mean = joined(who, parts, "initial_mean", end_to_end),
    initial_covariance = joined(who, parts, "initial_covariance", block_diagonal),
    diffuse = joined(who, parts, "diffuse", end_to_end),
  }
end

function blocks.sum(...)
  local who = "blocks.sum"
  return together(who, parts_of(who, ...), matrix.hstack, total(who))
end

function blocks.stack(...)
  return together("blocks.stack", parts_of("blocks.stack", ...), block_diagonal, block_diagonal)
end

return blocks
