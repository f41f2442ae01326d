-- Maximizing a smooth function of a few numbers, of which only values can be had: BFGS (Nocedal, Wright, Numerical
-- Optimization, 2nd ed., algorithm 6.1) with differences for the gradient. Not exported.

local matrix = require("latent").matrix

local FIRST_STEP, LONGEST_STEP = 1.0, 4.0 -- in any coordinate
local DIFFERENCE = 6e-6 -- the third root of the rounding unit
local SUFFICIENT = 1e-4 -- of the increase that the gradient promises

-- Central differences; one-sided where the other side is outside of f's domain.
local function gradient(f, x, value)
  local g = x:copy()
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
local function updated(H, s, y)
  local rho, Hy = 1 / s:dot(y), H * y
  return H + s:outer(s) * (rho * rho * y:dot(Hy) + rho) - (Hy:outer(s) + s:outer(Hy)) * rho
end

local function largest(v) return v:abs():max() end

-- From x along d, shorter and shorter until f has risen enough: the new x and f(x), or nil.
local function search(f, x, value, d, slope)
  local length = math.min(1, LONGEST_STEP / largest(d))
  for _ = 1, 40 do
    local next_x = x + d * length
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
  x = matrix(x)
  local value, identity = f(x), matrix.eye(#x)
  local record = { iterations = 0, converged = false, history = { value } }
  if value == -math.huge then return x, value, record end
  local g = gradient(f, x, value)
  local H = identity * (FIRST_STEP / math.max(1e-300, largest(g)))
  local fresh = true -- H knows nothing of f
  while record.iterations < max_iterations do
    local d = H * g
    local slope = g:dot(d)
    if not fresh and slope / 2 <= tolerance * (1 + math.abs(value)) or largest(g) == 0 then
      record.converged = true
      break
    end
    local next_x, next_value = search(f, x, value, d, slope)
    if not next_x then
      if fresh then break end
      H, fresh = identity * (FIRST_STEP / largest(g)), true
    else
      local next_g = gradient(f, next_x, next_value)
      local s, y = next_x - x, g - next_g
      local curvature = s:dot(y)
      if curvature > 0 then
        if fresh then H = identity * (curvature / y:dot(y)) end
        H, fresh = updated(H, s, y), false
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
