-- Maximizing a smooth function of a few numbers, of which only values can be had: BFGS (Nocedal, Wright, Numerical
-- Optimization, 2nd ed., algorithm 6.1) with differences for the gradient. Not exported.

local FIRST_STEP, LONGEST_STEP = 1.0, 4.0 -- in any coordinate
local DIFFERENCE = 6e-6 -- the third root of the rounding unit
local SUFFICIENT = 1e-4 -- of the increase that the gradient promises

local function dot(a, b)
  local sum = 0
  for i = 1, #a do sum = sum + a[i] * b[i] end
  return sum
end

local function times(H, v)
  local result = {}
  for i = 1, #v do result[i] = dot(H[i], v) end
  return result
end

-- Central differences; one-sided where the other side is outside of f's domain.
local function gradient(f, x, value)
  local g = {}
  for i, at in ipairs(x) do
    local h = DIFFERENCE * math.max(1, math.abs(at))
    x[i] = at + h
    local above = f(x)
    x[i] = at - h
    local below = f(x)
    x[i] = at
    if above == -math.huge then above, h = value, h / 2 end
    if below == -math.huge then below, h = value, h / 2 end
    g[i] = (above - below) / (2 * h)
  end
  return g
end

-- The inverse Hessian of -f after a step s that has changed the gradient by -y.
local function update(H, s, y)
  local rho, Hy = 1 / dot(s, y), times(H, y)
  local scale = rho * rho * dot(y, Hy) + rho
  for i = 1, #s do
    for j = 1, #s do
      H[i][j] = H[i][j] + scale * s[i] * s[j] - rho * (Hy[i] * s[j] + s[i] * Hy[j])
    end
  end
end

local function scaled_identity(n, scale)
  local H = {}
  for i = 1, n do
    H[i] = {}
    for j = 1, n do H[i][j] = i == j and scale or 0 end
  end
  return H
end

local function largest(v)
  local most = 0
  for _, x in ipairs(v) do most = math.max(most, math.abs(x)) end
  return most
end

-- From x along d, shorter and shorter until f has risen enough: the new x and f(x), or nil.
local function search(f, x, value, d, slope)
  local length = math.min(1, LONGEST_STEP / largest(d))
  for _ = 1, 40 do
    local next_x = {}
    for i = 1, #x do next_x[i] = x[i] + length * d[i] end
    local next_value = f(next_x)
    if next_value >= value + SUFFICIENT * length * slope and next_value < math.huge then
      return next_x, next_value
    end
    length = length / 2
  end
end

-- The x where f is greatest, near the x given; f(x) is -math.huge outside of its domain. Stops when half of the
-- squared Newton step promises less than tolerance * (1 + |f|). Also returns f(x) and a record.
return function(f, x, max_iterations, tolerance)
  local value = f(x)
  local record = { iterations = 0, converged = false, history = { value } }
  if value == -math.huge then return x, value, record end
  local g = gradient(f, x, value)
  local H = scaled_identity(#x, FIRST_STEP / math.max(1e-300, largest(g)))
  local fresh = true -- H knows nothing of f
  while record.iterations < max_iterations do
    local d = times(H, g)
    local slope = dot(g, d)
    if not fresh and slope / 2 <= tolerance * (1 + math.abs(value)) or largest(g) == 0 then
      record.converged = true
      break
    end
    local next_x, next_value = search(f, x, value, d, slope)
    if not next_x then
      if fresh then break end
      H, fresh = scaled_identity(#x, FIRST_STEP / largest(g)), true
    else
      local next_g, s, y = gradient(f, next_x, next_value), {}, {}
      for i = 1, #x do s[i], y[i] = next_x[i] - x[i], g[i] - next_g[i] end
      local curvature = dot(s, y)
      if curvature > 0 then
        if fresh then H = scaled_identity(#x, curvature / dot(y, y)) end
        update(H, s, y)
        fresh = false
      end
      x, value, g = next_x, next_value, next_g
      record.iterations = record.iterations + 1
      record.history[#record.history + 1] = value
    end
  end
  -- a fresh H that finds nothing higher: there is nothing, as far as values can tell
  if not record.converged and record.iterations < max_iterations then
    record.converged = largest(g) <= 1e-6 * (1 + math.abs(value))
  end
  return x, value, record
end
