-- latent.vae's methods that are better said in Lua. Not exported; bindings/models/deep/vae.c makes methods of it.

local latent = require "latent"
local check = require "latent.check"
local matrix = latent.matrix

local MOST = 1000 -- images along a side: more are a mistake, and would be decoded for hours

local vae = {}

-- Means and variances of q(z|x) in float64, N x M, also of one row.
local function encode(model, X, labels)
  local function rows(A) return (type(A[1]) == "number" and A:reshape(1, #A) or A):to "float64" end
  local mean, variance = check.call(model.encode, model, X, { labels = labels })
  return rows(mean), rows(variance)
end

-- KL(q(z_j|x) || p(z_j)) = (v + m^2 - 1 - log v)/2, averaged over the rows of X, for each latent unit.
function vae.kl_per_unit(model, X, options)
  options = check.options("vae:kl_per_unit", options, { labels = true })
  local m, v = encode(model, X, options.labels)
  return ((v + m % m - 1 - v:log()) * 0.5):mean(1)
end

-- The units whose mean moves with x: Var_x(E[z_j|x]) above a threshold (Burda, Grosse and Salakhutdinov 2016).
function vae.active_units(model, X, options)
  options = check.options("vae:active_units", options, { threshold = "number", labels = true })
  local variances = encode(model, X, options.labels):var(1)
  return math.tointeger(variances:gt(options.threshold or 0.01):sum()), variances
end

-- For each latent unit a row of images: the decoded mean while the unit goes from -width to width, the others
-- staying at z (the origin, unless told).
function vae.traverse(model, options)
  local who = "vae:traverse"
  options = check.options(who, options, { units = "table", count = true, width = "number", z = true, labels = true })
  local M = model.latent_dim
  local count = check.integer(who, "count", options.count or 9, 2, MOST)
  local width, units = options.width or 2.5, options.units or matrix.range(1, M):table()
  local z = options.z == nil and matrix.zeros(M) or check.matrix(who, "z", options.z):flatten()
  if #z ~= M then check.fail(who, "z has %d elements, the model has latent_dim = %d", #z, M) end
  if #units > MOST then check.fail(who, "units must be at most %d, got %d", MOST, #units) end
  local Z = matrix.zeros(#units * count, M)
  for k, unit in ipairs(units) do
    if not (math.type(unit) and unit % 1 == 0 and unit >= 1 and unit <= M) then
      check.fail(who, "units are integers from 1 to latent_dim = %d, got %s", M, check.show(unit))
    end
    for c = 1, count do
      local row = (k - 1) * count + c
      Z[row] = z
      Z:set(row, unit, -width + 2 * width * (c - 1) / (count - 1))
    end
  end
  return model:decode(Z, { labels = options.labels }), Z
end

-- The inverse of the normal distribution function, by bisection: a handful of places for a picture need no more.
local function normal_quantile(p)
  local function cdf(x) -- Abramowitz and Stegun 26.2.17, error below 7.5e-8
    local t = 1 / (1 + 0.2316419 * math.abs(x))
    local tail = math.exp(-x * x / 2) / math.sqrt(2 * math.pi)
      * t * (0.319381530 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
    return x > 0 and 1 - tail or tail
  end
  local low, high = -8, 8
  for _ = 1, 60 do
    local middle = (low + high) / 2
    if cdf(middle) < p then low = middle else high = middle end
  end
  return (low + high) / 2
end

-- The decoded means over a grid of a latent plane, whose places are the normal distribution's quantiles; from the
-- top left, row by row.
function vae.manifold(model, options)
  local who = "vae:manifold"
  options = check.options(who, options, { size = true, labels = true })
  if model.latent_dim ~= 2 then
    check.fail(who, "the latent space must be a plane, but latent_dim is %d (traverse walks along units)",
      model.latent_dim)
  end
  local n = check.integer(who, "size", options.size or 15, 2, MOST)
  local places = {}
  for i = 1, n do places[i] = normal_quantile((i - 0.5) / n) end
  local Z = matrix(n * n, 2, function(k, j)
    local i = (k - 1) // n + 1
    return j == 1 and places[(k - 1) % n + 1] or places[n + 1 - i]
  end)
  return model:decode(Z, { labels = options.labels }), Z
end

return vae
