-- Whatever takes long is heard from: how often the calling thread asks whether to go on is counted by
-- spec/embed/polls.c, which is the same on every machine, and an interrupt at any of these places ends the call
-- with the hook's error.
local helper = require "helper"

-- What is called, and how often at least it asks. A second of work has 20 times at least, with the sizes of
-- these times far more; the numbers are about half of what they were when this was written.
local CASES = [==[
local matrix, eigen = latent.matrix, latent.eigen
local function normal(n, m) return matrix.normal(n, m, latent.random(1)) end
local A, B, tall = normal(600, 600), normal(600, 600), normal(60000, 8)
local S, long = B * B:t() / 600 + matrix.eye(600), matrix.normal(2000000, latent.random(2))
local flags = matrix.random(4000, 30, latent.random(3)):gt(0.5)
local counts = (matrix.random(4000, 10, latent.random(4)) * 8):floor()
local images = matrix.random(3000, 200, latent.random(5), { dtype = "float32" })
local level = latent.lds(latent.blocks.local_linear_trend { noise_variance = 1 })
local series = matrix.normal(40000, 1, latent.random(6))
local rng, path = latent.random(7), os.tmpname()
for _, model in ipairs { "gan", "diffusion" } do -- the first fit of each asks more: it loads what it needs
  latent[model] { input_dim = 1, hidden = 1 }:fit({ 1, 2 }, { epochs = 1 })
end

return {
  permutation = { 60, function() rng:permutation(2000000) end },
  categorical = { 60, function() rng:categorical({ 1, 2, 3 }, 2000000) end },
  ["random numbers"] = { 60, function() matrix.normal(2000000, 1, rng) end },
  ["Poisson numbers"] = { 200, function() rng:poisson(20, 200000) end },
  ["beta numbers"] = { 200, function() rng:beta(2, 0.5, 200000) end },
  ["gamma numbers"] = { 200, function() rng:gamma(2, 200000) end },
  shuffle = { 60, function() long:shuffle(rng) end },
  sort = { 150, function() long:sort() end },
  median = { 80, function() long:median() end },
  cumsum = { 5, function() long:cumsum() end },
  ["element by element"] = { 20, function() return long + long end },
  sum = { 20, function() long:sum() end },
  copy = { 2, function() long:copy() end },
  ["copy of a transpose"] = { 4, function() normal(2000, 1000):t():copy() end },
  fill = { 2, function() matrix.ones(2000, 1000) end },
  ["rows at"] = { 15, function() tall:rows_at(matrix.range(1, 60000)) end },
  where = { 10, function() long:where(long:gt(0)) end },
  ["map by a C function"] = { 100, function() long:block(1, 200000):map(math.sin) end },
  product = { 3, function() return A * A end },
  ["long product"] = { 10, function() return long:reshape(20, 100000) * long:reshape(100000, 20) end },
  table = { 8, function() long:block(1, 200000):table() end },
  svd = { 400, function() A:svd() end },
  rank = { 300, function() A:rank() end },
  qr = { 30, function() A:qr() end },
  ["tall qr"] = { 4, function() tall:qr() end },
  inverse = { 20, function() A:inverse() end },
  pinv = { 400, function() A:pinv() end },
  solve = { 15, function() A:solve(A) end },
  ["symmetric solve"] = { 20, function() S:solve(B, { kind = "symmetric" }) end },
  ["least squares"] = { 300,
    function() (B:block(1, 600, 1, 300) * B:block(1, 300, 1, 500)):least_squares(B:col(1)) end },
  cholesky = { 5, function() S:cholesky() end },
  ["eigen.symmetric"] = { 100, function() eigen.symmetric(S) end },
  ["eigen.symmetric, values"] = { 15, function() eigen.symmetric(S, { vectors = false }) end },
  ["eigen.generalized"] = { 100, function() eigen.generalized(B + B:t(), S) end },
  ["eigen.general"] = { 40, function() eigen.general(B) end },
  ["eigen.svd"] = { 10, function() eigen.svd(A, { k = 5 }) end },
  pca = { 20, function() latent.pca { latent_dim = 3 }:fit(tall):transform(tall) end },
  kmeans = { 50, function() latent.kmeans { clusters = 5, restarts = 1 }:fit(tall) end },
  gmm = { 50, function() latent.gmm { components = 3, restarts = 1, max_iterations = 5 }:fit(tall) end },
  ["gmm:sample"] = { 40, function() latent.gmm { init = { weights = { 1 }, means = { { 0, 0 } },
    covariances = { matrix.eye(2) } } }:sample(100000) end },
  mixture = { 20,
    function() latent.mixture { components = 3, restarts = 1, max_iterations = 5 }:fit(flags):sample(9000) end },
  ["mixture of counts"] = { 20, function() latent.mixture { components = 2, family = "poisson", restarts = 1,
    max_iterations = 5 }:fit(counts):sample(9000) end },
  ["lds:smooth"] = { 20, function() level:smooth(series) end },
  ["lds:fit"] = { 40, function() latent.lds { latent_dim = 1, max_iterations = 2 }:fit(series) end },
  ["lds:forecast"] = { 10, function() level:forecast(series:block(1, 100), 40000) end },
  ["lds:sample"] = { 80, function() level:sample(40000) end },
  ["vae:step"] = { 60, function() latent.vae { input_dim = 200, latent_dim = 4, hidden = 200 }:step(images) end },
  ["nonlinear:step"] = { 30, function() latent.nonlinear { input_dim = 200, latent_dim = 2, likelihood = "gaussian",
    samples = 50 }:step(images) end },
  ["diffusion:fit"] = { 50, function() latent.diffusion { input_dim = 8, hidden = 32 }:fit(tall, { epochs = 1,
    batch = 6000 }) end },
  ["diffusion:sample"] = { 20, function() latent.diffusion { input_dim = 8, hidden = 32 }:sample(20000) end },
  ["diffusion:elbo"] = { 20,
    function() latent.diffusion { input_dim = 8, hidden = 32 }:elbo(tall:block(1, 20000)) end },
  ["gan:fit"] = { 95, function() latent.gan { input_dim = 8, hidden = 32 }:fit(tall, { epochs = 1,
    batch = 6000 }) end },
  ["gan:step"] = { 9, function() latent.gan { input_dim = 8 }:step(tall) end },
  ["gan:sample"] = { 95, function() latent.gan { input_dim = 8 }:sample(200000) end },
  ["metrics.energy_distance"] = { 400,
    function() latent.metrics.energy_distance(tall:block(1, 9000), tall:block(9001, 18000)) end },
  ["metrics.wasserstein"] = { 110,
    function() latent.metrics.wasserstein(tall:block(1, 900), tall:block(901, 1800), { p = 16 }) end },
  ["metrics.silhouette"] = { 100,
    function() latent.metrics.silhouette(tall:block(1, 9000), tall:block(1, 9000):col(1):gt(0)) end },
  unique = { 150, function() long:unique() end },
  covariance = { 10, function() tall:covariance() end },
  ["metrics.density_coverage"] = { 250,
    function() latent.metrics.density_coverage(tall:block(1, 4000), tall:block(4001, 8000)) end },
  write = { 30, function() assert(latent.write(path .. ".npy", tall)) end },
  ["write CSV"] = { 60, function() assert(latent.write(path .. ".csv", tall)) end },
  read = { 3, function() assert(latent.read(path .. ".npy")) end, after = "write" },
  ["write npz"] = { 30, function() assert(latent.write(path .. ".npz", { X = tall })) end },
  ["read npz"] = { 3, function() assert(latent.read(path .. ".npz")) end, after = "write npz" },
  ["write PNG"] = { 30, function() assert(latent.write(path .. ".png", tall, { range = { -3, 3 } })) end },
  ["read PNG"] = { 10, function() assert(latent.read(path .. ".png")) end, after = "write PNG" },
  ["read CSV"] = { 30, function() assert(latent.read(path .. ".csv")) end, after = "write CSV" },
}
]==]

local RUN = [==[
local names, few = {}, {}
for name in pairs(cases) do names[#names + 1] = name end
table.sort(names, function(a, b) -- what reads comes after what writes
  local x, y = cases[a].after and 1 or 0, cases[b].after and 1 or 0
  if x ~= y then return x < y end
  return a < b
end)
for _, name in ipairs(names) do
  local least, f = table.unpack(cases[name])
  local asked = polls(f)
  if asked < least then few[#few + 1] = ("%s asked %d times, not %d"):format(name, asked, least) end
  for _, at in ipairs { 1, asked // 2 + 1, asked } do
    local again, ok, message = polls(f, at)
    if ok or not tostring(message):find("interrupted!", 1, true) then
      few[#few + 1] = ("%s went on after interrupt %d of %d: %s"):format(name, at, asked, message)
    elseif again > at + 8 + asked // 20 then -- k-means labels the rows once more, and listens
      few[#few + 1] = ("%s asked %d times more after interrupt %d"):format(name, again - at, at)
    end
  end
end
for _, ending in ipairs { "", ".npy", ".csv", ".npz", ".png" } do os.remove(path .. ending) end

local latent = require "latent"
local X = latent.matrix.normal(200, 3, latent.random(1))
local pca, gmm, flow = latent.pca { latent_dim = 2 }:fit(X), latent.gmm { components = 2 }:fit(X),
  latent.flow { input_dim = 3 }:fit(X, { epochs = 1 })
local large = latent.matrix.zeros(1000, 1000)
local t = large:t()
local next_step, steps = latent.gmm { components = 2, tolerance = 0, max_iterations = 1000 }:steps(X)
local slices = latent.kmeans { clusters = 2, tolerance = 0, max_iterations = 1e6 }
slices:fit_for(X, 1e-4)
for i, call in ipairs { { next_step, steps }, { slices.fit_for, slices, X, 1e-4 },
  { X.sum, X }, { large.exp, large }, { t.copy, t }, { latent.eigen.svd, X }, { pca.fit, pca, X },
  { pca.transform, pca, X }, { gmm.fit, gmm, X }, { gmm.partial_fit, gmm, X }, { gmm.log_likelihood, gmm, X },
  { flow.fit, flow, X, { epochs = 1 } }, { flow.step, flow, X }, { flow.score, flow, X } } do
  local ok, message = late(table.unpack(call))
  if ok or not tostring(message):find("interrupted!", 1, true) then
    few[#few + 1] = ("call %d missed an interrupt that came before it watched: %s"):format(i, message)
  end
end
assert(#few == 0, table.concat(few, "\n"))
]==]

describe("an interrupt", function()
  it("ends whatever takes long, at once", function()
    local program = helper.program("polls", "-isystem /usr/include/lua5.4 -Wl,--wrap=lat_check")
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    file:write("local latent = require 'latent'\nlocal path\nlocal cases = (function()\n",
      (CASES:gsub("local rng, path =", "local rng\nrng, path =")), "end)()\n", RUN)
    file:close()
    local output, ok = helper.run("LATENT_NUM_THREADS=1 " .. program .. " " .. path)
    os.remove(path)
    assert.is_truthy(ok, output)
    assert.equal("ok\n", output)
  end)
end)
