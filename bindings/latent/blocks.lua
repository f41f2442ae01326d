-- latent.blocks: linear dynamical systems from their parts: levels, trends, seasons, cycles, ARMA processes,
-- regressions and moving bodies. Each function gives the options of latent.lds; `sum` and `stack` put parts
-- together. In latent.lds's terms
--
--   z_t = A z_{t-1} + w,   w ~ N(0, Q),   y_t = C z_t + v,   v ~ N(0, R)
--
-- A part's start is exact: diffuse where nothing is known (trends), stationary where the process is; or it is given.

local latent = require "latent"
local check = require "latent.check"
local matrix = latent.matrix

local blocks = {}

-- ---- checks ------------------------------------------------------------------

-- The options that have numbers for defaults, checked; `known` are others.
local function read(who, options, defaults, known)
  known = known or {}
  known.initial_mean, known.initial_covariance = true, true
  for name in pairs(defaults) do known[name] = true end
  options = check.options(who, options, known)
  local o = {}
  for name, value in pairs(options) do o[name] = value end
  for _, name in ipairs((check.names(defaults))) do
    if o[name] == nil then o[name] = defaults[name] end
    check.number(who, name, o[name])
  end
  return o
end

-- Numbers from a table or a vector, each finite.
local function numbers(who, name, list)
  if check.is_matrix(list) then list = list:table() end
  if type(list) ~= "table" then check.fail(who, "%s must be a list of numbers, got %s", name, check.show(list)) end
  local result = {}
  for i, value in ipairs(list) do result[i] = check.number(who, ("%s[%d]"):format(name, i), value, true) end
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

-- A with every element times I of n rows: the same for each of n dimensions, dimensions side by side.
local function for_each(A, n)
  return matrix(A.rows * n, A.cols * n, function(i, j)
    return (i - j) % n == 0 and A((i - 1) // n + 1, (j - 1) // n + 1) or 0
  end)
end

-- A value as a matrix of that shape; a vector is one column, a number one element.
local function shaped(who, name, value, rows, cols)
  if type(value) == "number" then value = { value } end
  local X = type(value) == "table" and matrix(value) or value
  if not check.is_matrix(X) or X.rows ~= rows or X.cols ~= cols then
    check.fail(who, "%s must be a %dx%d matrix, got %s", name, rows, cols,
      check.is_matrix(X) and ("one of %dx%d"):format(X.rows, X.cols) or check.show(X))
  end
  return X
end

local function check_stable(who, A)
  local re, im = latent.eigen.general(A)
  local modulus = (re:square() + im:square()):sqrt():max()
  if modulus >= 1 - 1e-12 then
    check.fail(who, "the process is not stationary: a root has the modulus %.6g, which should be below 1", modulus)
  end
end

local function stationary_covariance(p)
  return latent.lds { A = p.A, C = p.C, Q = p.Q, R = p.R, initial = "stationary" }.initial_covariance
end

-- ---- a part ------------------------------------------------------------------------

local MOST_STATES = 4096 -- a filter takes their cube at each step, and their covariance 128 MB

local function check_states(who, n)
  if n <= MOST_STATES then return end
  check.fail(who, "a part has at most %d states, and this one would have %d", MOST_STATES, n)
end

-- What latent.lds takes, for the options o: observed with o.noise_variance, begun with what o says or `initial`.
local function part(who, o, A, C, Q, initial)
  local n, first = A.rows, type(C) == "table" and C[1] or C
  local result = { A = A, C = C, Q = Q, R = matrix.eye(first.rows) * o.noise_variance, initial = {} }
  local mean, covariance = o.initial_mean, o.initial_covariance
  if mean and not covariance then check.fail(who, "initial_mean needs an initial_covariance") end
  for i = 1, n do result.initial[i] = covariance and "known" or initial or "diffuse" end
  if covariance then
    result.initial_mean = shaped(who, "initial_mean", mean or matrix.zeros(n), n, 1)
    result.initial_covariance = shaped(who, "initial_covariance", covariance, n, n)
  end
  return result
end

-- A diagonal matrix that isn't all of it: the first variances, then zeros.
local function diagonal(n, ...)
  local variances = { ... }
  return matrix(n, n, function(i, j) return i == j and variances[i] or 0 end)
end

-- 1 x n: the first of n states is observed.
local function first_of(n) return matrix(1, n, function(_, j) return j == 1 and 1 or 0 end) end

function blocks.local_level(options)
  local o = read("blocks.local_level", options, { level_variance = 1, noise_variance = 0 })
  return part("blocks.local_level", o, matrix.eye(1), matrix.eye(1), diagonal(1, o.level_variance))
end

function blocks.local_linear_trend(options)
  local who = "blocks.local_linear_trend"
  local o = read(who, options, { level_variance = 0, slope_variance = 1, noise_variance = 0 })
  return part(who, o, matrix { { 1, 1 }, { 0, 1 } }, first_of(2),
    diagonal(2, o.level_variance, o.slope_variance))
end

-- ---- seasons -----------------------------------------------------------------------

-- s_t = -(s_{t-1} + ... + s_{t-period+1}) + w
local function dummies(period, variance)
  local n = period - 1
  local A = matrix(n, n, function(i, j) return i == 1 and -1 or i == j + 1 and 1 or 0 end)
  return A, first_of(n), diagonal(n, variance)
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
  local form = check.word(who, "form", o.form, { "dummy", "trigonometric" })
  if form == "dummy" then
    if o.harmonics then check.fail(who, 'harmonics are for form = "trigonometric"') end
    check_states(who, period - 1)
    return part(who, o, dummies(period, o.variance))
  end
  local most = period // 2
  local count = check.integer(who, "harmonics", o.harmonics or most, 1)
  if count > most then check.fail(who, "harmonics must be at most period / 2 = %d, got %d", most, count) end
  check_states(who, 2 * count == period and period - 1 or 2 * count)
  return part(who, o, harmonics(period, count, o.variance))
end

function blocks.cycle(options)
  local who = "blocks.cycle"
  local o = read(who, options, { variance = 1, damping = 1, noise_variance = 0 }, { period = true })
  if check.number(who, "period", o.period) <= 1 then check.fail(who, "period must be above 1, got %s", o.period) end
  if o.damping > 1 then check.fail(who, "damping must be at most 1, got %s", o.damping) end
  return part(who, o, rotation(2 * math.pi / o.period) * o.damping, first_of(2), matrix.eye(2) * o.variance,
    o.damping < 1 and "stationary" or "diffuse")
end

-- ---- processes and regressions --------------------------------------------------------

-- Harvey's form: the first state is the process, the others what its past adds to its future.
function blocks.arma(options)
  local who = "blocks.arma"
  local o = read(who, options, { variance = 1, noise_variance = 0 }, { ar = true, ma = true })
  local ar, ma = numbers(who, "ar", o.ar or {}), numbers(who, "ma", o.ma or {})
  local n = math.max(#ar, #ma + 1)
  check_states(who, n)
  local A = matrix(n, n, function(i, j) return j == 1 and ar[i] or j == i + 1 and 1 or 0 end)
  local w = matrix(n, 1, function(i) return i == 1 and 1 or ma[i - 1] or 0 end)
  local Q = w * w:t() * o.variance
  check_stable(who, A)
  return part(who, o, A, first_of(n), Q, "stationary")
end

-- y_t = x_t' beta: C is another one at each time.
function blocks.regression(X, options)
  local who = "blocks.regression"
  X = check.matrix(who, "X", X)
  local o = read(who, options, { variance = 0, noise_variance = 0 })
  local k, C = X.cols, {}
  for t = 1, X.rows do C[t] = X:block(t, t):copy() end
  return part(who, o, matrix.eye(k), C, matrix.eye(k) * o.variance)
end

-- ---- moving bodies ------------------------------------------------------------------------

-- Derivatives 0..order of a position whose next derivative is white noise of the given strength over a time dt: at
-- all times, so that Q is the integral of exp(F s) q exp(F' s), or constant during each step, so that it
-- moves them by dt^k/k! each.
local function motion(order, dt, strength, form)
  local factorial = { [0] = 1, 1, 2, 6, 24 }
  local n = order + 1
  local A = matrix(n, n, function(i, j) return j >= i and dt ^ (j - i) / factorial[j - i] or 0 end)
  local Q = matrix(n, n, function(i, j)
    local a, b = n - i, n - j
    if form == "continuous" then return strength * dt ^ (a + b + 1) / ((a + b + 1) * factorial[a] * factorial[b]) end
    return strength * dt ^ (a + b + 2) / (factorial[a + 1] * factorial[b + 1])
  end)
  return A, Q
end

local function body(who, options, order, strength)
  local defaults = { dt = 1, noise_variance = 1 }
  defaults[strength] = 1
  local o = read(who, options, defaults, { dims = true, form = true })
  local dims = check.integer(who, "dims", o.dims or 2, 1, MOST_STATES)
  check_states(who, dims * (order + 1))
  local A, Q = motion(order, o.dt, o[strength], check.word(who, "form", o.form, { "continuous", "discrete" }))
  return part(who, o, for_each(A, dims), for_each(first_of(order + 1), dims), for_each(Q, dims))
end

-- The order of the derivative that is disturbed, and the option that says how much.
for name, of in pairs { velocity = { 1, "acceleration_variance" }, acceleration = { 2, "jerk_variance" } } do
  name = "constant_" .. name
  blocks[name] = function(options) return body("blocks." .. name, options, of[1], of[2]) end
end

-- ---- putting parts together -------------------------------------------------------------------

-- The fields of a part; true: it can't be without.
local FIELDS = { A = true, C = true, Q = true, R = true, initial = true, initial_mean = false,
  initial_covariance = false }

local function parts_of(who, ...)
  local parts = { ... }
  if #parts == 0 then check.fail(who, "there must be at least one part") end
  for i, p in ipairs(parts) do
    if type(p) ~= "table" then check.fail(who, "part %d must be a table, got %s", i, check.show(p)) end
    for _, name in ipairs((check.names(FIELDS))) do
      if FIELDS[name] and p[name] == nil then
        check.fail(who, "part %d has no %s; parts are made by latent.blocks", i, name)
      end
    end
    local names, odd = check.names(p)
    for k = #names, 1, -1 do
      if FIELDS[names[k]] == nil then table.insert(odd, 1, names[k]) end
    end
    if odd[1] then check.fail(who, "part %d has %s, which can't be put together", i, odd[1]) end
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

local function total(list)
  local sum = list[1]
  for i = 2, #list do
    if list[i].rows ~= sum.rows then
      check.fail("blocks.sum", "parts have %d and %d observations", sum.rows, list[i].rows)
    end
    sum = sum + list[i]
  end
  return sum
end

-- The initial states, one after another. Where one is known, stationary ones become known, too: latent.lds has both
-- only apart.
local function begin(result, parts)
  local known = false
  for _, p in ipairs(parts) do known = known or p.initial_covariance ~= nil end
  local initial, means, covariances = {}, {}, {}
  for i, p in ipairs(parts) do
    local n, stationary = #p.initial, p.initial[1] == "stationary"
    for k = 1, n do initial[#initial + 1] = known and stationary and "known" or p.initial[k] end
    means[i] = (p.initial_mean or matrix.zeros(n)):reshape(n, 1)
    covariances[i] = p.initial_covariance or known and stationary and stationary_covariance(p)
      or matrix.zeros(n, n)
  end
  result.initial = initial
  if known then
    result.initial_mean, result.initial_covariance = matrix.vstack(means):flatten(), block_diagonal(covariances)
  end
  return result
end

local function together(who, join_C, join_R, ...)
  local parts = parts_of(who, ...)
  return begin({
    R = joined(who, parts, "R", join_R), -- first: it checks how many observations there are
    A = joined(who, parts, "A", block_diagonal),
    C = joined(who, parts, "C", join_C),
    Q = joined(who, parts, "Q", block_diagonal),
  }, parts)
end

function blocks.sum(...) return together("blocks.sum", matrix.hstack, total, ...) end

function blocks.stack(...) return together("blocks.stack", block_diagonal, block_diagonal, ...) end

-- ---- maximum likelihood -------------------------------------------------------------------------

-- Names in a fixed order, and which of the numbers may have any sign.
local function read_start(who, start, options)
  if type(start) ~= "table" or next(start) == nil then
    check.fail(who, "start must be a table of names and numbers, got %s", check.show(start))
  end
  local names, odd = check.names(start)
  if odd[1] then check.fail(who, "start must be a table of names and numbers, but has %s", odd[1]) end
  local signed = {}
  for _, name in ipairs(options.signed or {}) do
    if start[name] == nil then check.fail(who, "signed: start has no number %s", check.show(name)) end
    signed[name] = true
  end
  for _, name in ipairs(names) do
    local value = start[name]
    if check.number(who, "start." .. name, value, true) <= 0 and not signed[name] then
      check.fail(who, "start.%s must be above 0 (or named in the option signed), got %s", name, value)
    end
  end
  return names, signed
end

-- Outside of their domain parameters make no model, and so have no likelihood; other errors are the user's.
local function tolerable(message)
  return type(message) == "string" and (message:find("stationary", 1, true) or message:find("positive", 1, true)
    or message:find("numbers overflow", 1, true))
end

function blocks.fit(build, start, Y, options)
  local who = "blocks.fit"
  if type(build) ~= "function" then check.fail(who, "build must be a function, got %s", check.show(build)) end
  options = check.options(who, options, { signed = "table", max_iterations = true, tolerance = "number",
    inputs = true })
  local most = check.integer(who, "max_iterations", options.max_iterations or 200, 1)
  local tolerance = check.number(who, "tolerance", options.tolerance or 1e-12)
  local names, signed = read_start(who, start, options)
  local function parameters_of(x)
    local p = {}
    for i, name in ipairs(names) do p[name] = signed[name] and x[i] or math.exp(x[i]) end
    return p
  end
  local sequence = { inputs = options.inputs }
  -- The log-likelihood, and how many entries have no variance and so count nothing.
  local function value_of(x)
    local filtered, sum, skipped = latent.lds(build(parameters_of(x))):filter(Y, sequence), 0, 0
    for _, f in ipairs(filtered.means and { filtered } or filtered) do
      sum, skipped = sum + f.log_likelihood, skipped + f.skipped
    end
    return sum, skipped
  end
  local x = {}
  for i, name in ipairs(names) do x[i] = signed[name] and start[name] or math.log(start[name]) end
  local _, usual = value_of(x) -- what raises here is nothing to be stepped around
  local best, value, record = require "latent.maximize" (function(at)
    local ok, result, skipped = pcall(value_of, at)
    -- fewer entries make another likelihood
    if ok then return result == result and skipped <= usual and result or -math.huge end
    if not tolerable(result) then error(result, 0) end
    return -math.huge
  end, x, most, tolerance)
  record.log_likelihood = value
  local parameters = parameters_of(best)
  return latent.lds(build(parameters)), parameters, record
end

return blocks
