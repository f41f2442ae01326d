-- latent.datasets: data that comes with latent (data/README.md has sources and licences), and
-- generators of data whose truth is known.

local latent = require "latent"
local check = require "latent.check"
local matrix, allow = latent.matrix, latent._allow

local datasets = {}

-- ---- data in files ------------------------------------------------------------

-- The files lie beside this one; require gives a file its own path.
local _, path = ...
path = path or package.searchpath("latent.datasets", package.path) or ""
local folder = path:gsub("[^/\\]*$", "") .. "data/"

-- X, which carries all that is known of it (X.names, X.labels, ...), and behind it what is handed on: the labels, where
-- there are some, and more, of which a table has what is known.
local function handed(X, labels, more, truth)
  local fields = { codes = labels }
  for name, value in pairs(type(more) == "table" and more or {}) do fields[name] = value end
  if labels == nil then return latent._describe(X, fields, more, truth) end
  return latent._describe(X, fields, labels, more, truth)
end

local function read(name, options) return assert(latent.read(folder .. name, options)) end

function datasets.iris(options)
  check.no_options("datasets.iris", options)
  local X, info = read("iris.csv", { labels = "species" })
  return handed(X, info.codes,
    { columns = info.columns, classes = info.classes, source = "Anderson 1935, Fisher 1936 (R's iris)" })
end

function datasets.faithful(options)
  check.no_options("datasets.faithful", options)
  local X, info = read "faithful.csv"
  return handed(X, nil, { columns = info.columns, source = "Azzalini and Bowman 1990 (R's faithful)" })
end

function datasets.digits(options)
  check.no_options("datasets.digits", options)
  return handed(read "digits.npy", read "digits_labels.npy", {
    shape = { 8, 8 },
    source = "Alpaydin and Kaynak 1998, UCI Machine Learning Repository, CC BY 4.0",
  })
end

function datasets.nile(options)
  check.no_options("datasets.nile", options)
  local X = read "nile.csv"
  return handed(X:block(1, -1, 2, 2):copy(), nil,
    { columns = { "volume" }, time = X:col(1):copy(), source = "Cobb 1978 (R's Nile)" })
end

function datasets.air_passengers(options)
  check.no_options("datasets.air_passengers", options)
  local X = read "air_passengers.csv"
  return handed(X:block(1, -1, 3, 3):copy(), nil, {
    columns = { "passengers" },
    time = X:col(1) + (X:col(2) - 1) / 12,
    source = "Box and Jenkins 1976, series G (R's AirPassengers)",
  })
end

-- Beginnings of the file names of a part, as the folders have them.
local PARTS = { train = { "train" }, test = { "t10k", "test" }, valid = { "valid" } }
local WHO = "datasets.mnist"

-- The first of the files FOLDER/PART-KIND, compressed or not, that is there.
local function find(directory, part, kind)
  allow(WHO)
  for _, start in ipairs(PARTS[part]) do
    for _, ending in ipairs { "", ".gz" } do
      local name = ("%s/%s-%s%s"):format(directory, start, kind, ending)
      local file <close> = io.open(name, "rb")
      if file then return name end
    end
  end
  local first = ("%s-%s"):format(PARTS[part][1], kind)
  return nil, ("%s: no file %s or %s.gz"):format(directory, first, first)
end

function datasets.mnist(directory, options)
  if type(directory) ~= "string" then check.fail(WHO, "folder must be a string, got %s", check.show(directory)) end
  options = check.options(WHO, options, { part = "string", scale = "number" })
  local part, scale = check.word(WHO, "part", options.part, { "train", "test", "valid" }), options.scale or 1 / 255
  local name, message, X = find(directory, part, "images-idx3-ubyte")
  if name then X, message = latent.read(name, { dtype = "float32" }) end
  if not X then return nil, message end
  if scale ~= 1 then latent._gather(X, matrix.range(1, #X), X, scale) end
  local labels = find(directory, part, "labels-idx1-ubyte")
  if labels then
    labels, message = latent.read(labels)
    if not labels then return nil, message end
    if #labels ~= #X then return nil, ("%s: %d labels for %d images"):format(directory, #labels, #X) end
  end
  local side = math.tointeger(math.sqrt(X.cols))
  return handed(X, labels, { shape = side and { side, side }, source = name })
end

-- ---- generators ---------------------------------------------------------------

-- The number of rows, and options with defaults, checked to be finite numbers >= 0 (integers >= 1 where the
-- default is one), true or false. A set of data is the same at every call unless another seed asks for another one.
local function settings(who, n, options, defaults)
  check.integer(who, "n", n, 1)
  local known, given = { seed = true }, {}
  local names = check.names(defaults)
  for _, name in ipairs(names) do known[name] = type(defaults[name]) end
  options = check.options(who, options, known)
  for _, name in ipairs(names) do
    local value, default = options[name] or defaults[name], defaults[name]
    if math.type(default) == "integer" then check.integer(who, name, value, 1) end
    given[name] = type(default) == "number" and check.number(who, name, value) or value
  end
  given.random = check.random(who, options.seed or 1)
  return given
end

-- Classes 1..K in equal parts (up to one), in random order.
local function balanced(n, K, random)
  local order, labels = random:permutation(n), matrix.zeros(n)
  for i = 1, n do labels[i] = (order[i] - 1) // 1 % K + 1 end
  return labels
end

-- X with row i = f(label, u) plus noise, u uniform in [0,1).
local function curves(n, noise, random, f)
  local labels, u = balanced(n, 2, random), matrix.random(n, 1, random)
  local X = matrix.normal(n, 2, random) * noise
  for i = 1, n do
    local x, y = f(labels[i], u(i, 1))
    X:set(i, 1, X(i, 1) + x)
    X:set(i, 2, X(i, 2) + y)
  end
  return X, labels
end

function datasets.blobs(n, options)
  local o = settings("datasets.blobs", n, options, { components = 3, dims = 2, spread = 1.0, box = 10.0 })
  local centers = (matrix.random(o.components, o.dims, o.random) * 2 - 1) * o.box
  local labels = balanced(n, o.components, o.random)
  local X = matrix.normal(n, o.dims, o.random) * o.spread
  return handed(X + centers:rows_at(labels), labels, centers)
end

-- X in units of the distribution's own means and variances, when that is asked for: not of the sample's, so that
-- entropies are known.
local function standardized(X, o, means, variances)
  if not o.standardize then return X end
  for j = 1, X.cols do
    local mean, deviation = means[j], math.sqrt(variances[j])
    X:col(j):assign((X:col(j) - mean) / deviation)
  end
  return X
end

-- With c = cos(pi u) and s = sin(pi u): E[(c - 1/2)^2] = 3/4, E[(s - 1/4)^2] = 9/16 - 1/pi on either moon.
local function moons(who)
  return function(n, options)
    local o = settings(who, n, options, { noise = 0.1, standardize = false })
    local X, labels = curves(n, o.noise, o.random, function(label, u)
      local x, y = math.cos(math.pi * u), math.sin(math.pi * u)
      if label == 1 then return x, y end
      return 1 - x, 0.5 - y
    end)
    local noise = o.noise ^ 2
    return handed(standardized(X, o, { 0.5, 0.25 }, { 0.75 + noise, 9 / 16 - 1 / math.pi + noise }), labels)
  end
end

datasets.two_moons = moons "datasets.two_moons"
datasets.moons = moons "datasets.moons"

function datasets.eight_gaussians(n, options)
  local o = settings("datasets.eight_gaussians", n, options, { noise = 0.1, radius = 1.0, standardize = false })
  local labels, X = balanced(n, 8, o.random), matrix.normal(n, 2, o.random) * o.noise
  local centers = matrix(8, 2, function(k, j)
    local angle = math.pi * (k - 1) / 4
    return o.radius * (j == 1 and math.cos(angle) or math.sin(angle))
  end)
  local variance = o.radius ^ 2 / 2 + o.noise ^ 2
  return handed(standardized(X + centers:rows_at(labels), o, { 0, 0 }, { variance, variance }), labels)
end

-- Johnson, Duvenaud, Wiltschko, Datta and Adams 2016: arms that a rotation by rate exp(r) bends, r the distance
-- along the arm. |x|^2 doesn't know of rotations: its mean is 1 + radial^2 + noise^2, half of it an axis.
function datasets.pinwheel(n, options)
  local o = settings("datasets.pinwheel", n, options,
    { arms = 5, radial = 0.3, noise = 0.1, rate = 0.25, standardize = false })
  local labels, X = balanced(n, o.arms, o.random), matrix.normal(n, 2, o.random)
  for i = 1, n do
    local along, across = 1 + o.radial * X(i, 1), o.noise * X(i, 2)
    local angle = 2 * math.pi * (labels[i] - 1) / o.arms + o.rate * math.exp(along)
    X:set(i, 1, along * math.cos(angle) - across * math.sin(angle))
    X:set(i, 2, along * math.sin(angle) + across * math.cos(angle))
  end
  local variance = (1 + o.radial ^ 2 + o.noise ^ 2) / 2
  return handed(standardized(X, o, { 0, 0 }, { variance, variance }), labels)
end

function datasets.circles(n, options)
  local o = settings("datasets.circles", n, options, { noise = 0.05, factor = 0.5 })
  return handed(curves(n, o.noise, o.random, function(label, u)
    local radius = label == 1 and 1 or o.factor
    return radius * math.cos(2 * math.pi * u), radius * math.sin(2 * math.pi * u)
  end))
end

function datasets.swiss_roll(n, options)
  local o = settings("datasets.swiss_roll", n, options, { noise = 0.0, height = 21.0 })
  local u, latent_points = matrix.random(n, 2, o.random), matrix.zeros(n, 2)
  local X = matrix.normal(n, 3, o.random) * o.noise
  for i = 1, n do
    local angle, height = 1.5 * math.pi * (1 + 2 * u(i, 1)), o.height * u(i, 2)
    X:set(i, 1, X(i, 1) + angle * math.cos(angle))
    X:set(i, 2, X(i, 2) + height)
    X:set(i, 3, X(i, 3) + angle * math.sin(angle))
    latent_points:set(i, 1, angle)
    latent_points:set(i, 2, height)
  end
  return handed(X, nil, latent_points)
end

-- x = W z + noise, W and z of standard normal numbers; `noise` is the deviation of all columns, or a vector of them.
local function from_latent(n, d, m, noise, random)
  local W, Z = matrix.normal(d, m, random), matrix.normal(n, m, random)
  local E = matrix.normal(n, d, random)
  return Z * W:t() + (type(noise) == "number" and E * noise or E % noise), W, Z
end

function datasets.low_rank(n, d, m, options)
  local who = "datasets.low_rank"
  d, m = check.integer(who, "d", d, 1), check.integer(who, "m", m, 1)
  if m > d then check.fail(who, "m must be at most d = %d, got %d", d, m) end
  local o = settings(who, n, options, { noise = 1.0 })
  local X, W, Z = from_latent(n, d, m, o.noise, o.random)
  return handed(X, nil,
    { latent = Z, W = W, noise_variance = o.noise ^ 2, covariance = W * W:t() + matrix.eye(d) * o.noise ^ 2 })
end

function datasets.linear_gaussian(n, options)
  local who = "datasets.linear_gaussian"
  local o = settings(who, n, options, { dims = 5, latent_dim = 2, noise = 1.0, unequal = false, offset = 0.0 })
  if o.latent_dim > o.dims then
    check.fail(who, "latent_dim must be at most dims = %d, got %d", o.dims, o.latent_dim)
  end
  local noise = o.unequal and (matrix.random(o.dims, o.random) + 0.5) * o.noise or matrix(o.dims, 1, o.noise):flatten()
  local mean = matrix.normal(o.dims, o.random) * o.offset
  local X, W, Z = from_latent(n, o.dims, o.latent_dim, noise, o.random)
  local variances = noise:square()
  return handed(X + mean, nil, { latent = Z, W = W, mean = mean, noise_variances = variances,
    covariance = W * W:t() + matrix.diag(variances) })
end

-- Arms t (cos, sin)(2 pi turns t + an angle of the arm); t^2 is uniform, so that points lie nearly evenly along them.
function datasets.spiral(n, options)
  local who = "datasets.spiral"
  local o = settings(who, n, options, { arms = 2, turns = 1.5, noise = 0.02, inner = 0.1 })
  if o.inner >= 1 then check.fail(who, "inner must be less than 1, the outer radius, got %g", o.inner) end
  local labels, along = balanced(n, o.arms, o.random), matrix.random(n, o.random)
  along = (along * (1 - o.inner ^ 2) + o.inner ^ 2):sqrt()
  local X = matrix.normal(n, 2, o.random) * o.noise
  for i = 1, n do
    local t = along[i]
    local angle = 2 * math.pi * (o.turns * t + (labels[i] - 1) / o.arms)
    X:set(i, 1, X(i, 1) + t * math.cos(angle))
    X:set(i, 2, X(i, 2) + t * math.sin(angle))
  end
  return handed(X, labels, along)
end

-- ---- sequences --------------------------------------------------------------------------------

-- A state that turns and shrinks, driven by noise: its covariance is the same at all steps, Q/(1 - damping^2).
function datasets.lds(n, options)
  local who = "datasets.lds"
  local o = settings(who, n, options, { dims = 2, period = 20.0, damping = 0.95, state_noise = 0.3, noise = 0.3 })
  if o.damping >= 1 then check.fail(who, "damping must be less than 1, got %g", o.damping) end
  if o.period == 0 then check.fail(who, "period must be positive, got 0") end
  local c, s = math.cos(2 * math.pi / o.period), math.sin(2 * math.pi / o.period)
  local Q = matrix.eye(2) * o.state_noise ^ 2
  local truth = {
    A = matrix { { c, -s }, { s, c } } * o.damping,
    C = matrix.normal(o.dims, 2, o.random),
    Q = Q,
    R = matrix.eye(o.dims) * o.noise ^ 2,
    initial_mean = matrix.zeros(2),
    initial_covariance = Q / (1 - o.damping ^ 2),
  }
  local Y, Z = latent.lds(truth):sample(n, { seed = o.random })
  return handed(Y, nil, Z, truth)
end

function datasets.hmm(n, options)
  local who = "datasets.hmm"
  local o = settings(who, n, options, { states = 3, dims = 2, stay = 0.95, spread = 1.0, box = 10.0 })
  if o.stay > 1 then check.fail(who, "stay must be at most 1, got %g", o.stay) end
  local K = o.states
  local stay = K == 1 and 1 or o.stay
  local means = (matrix.random(K, o.dims, o.random) * 2 - 1) * o.box
  local labels, moves = matrix.zeros(n), matrix.random(n, o.random)
  local others = K > 1 and o.random:integer(1, K - 1, n)
  labels[1] = o.random:integer(1, K)
  for i = 2, n do
    -- from k to one of the K - 1 others: k + 1 .. k + K - 1, counted around
    labels[i] = moves[i] < stay and labels[i - 1] or (labels[i - 1] - 1 + others[i]) % K + 1
  end
  return handed(matrix.normal(n, o.dims, o.random) * o.spread + means:rows_at(labels), labels, {
    initial = matrix(K, 1, 1 / K):flatten(),
    transition = matrix(K, K, function(i, j) return i == j and stay or (1 - stay) / (K - 1) end),
    means = means,
    variance = o.spread ^ 2,
  })
end

return datasets
