-- Memory: how much fits take, seen from outside, each in a process of its own on 154 MB of data; and that any
-- request for more may be refused.
local latent = require "latent"
local helper = require "helper"

local FITS = {
  "kmeans{ clusters = 8, max_iterations = 3 }",
  "gmm{ components = 8, max_iterations = 2 }",
  "gmm{ components = 8, covariance = 'tied', max_iterations = 2 }",
  "ppca{ latent_dim = 3 }",
}

describe("the memory of a fit", function()
  local path
  local start = [[
    local latent = require "latent"
    local function peak() return tonumber(io.open "/proc/self/status":read "a":match "VmHWM:%s*(%d+)") / 1024 end
  ]]

  lazy_setup(function()
    path = os.tmpname()
    local X = latent.matrix.normal(300000, 64, latent.random(1))
    for i = 1, X.rows, 3 do X:set(i, 1, X(i, 1) + 9) end
    assert(latent.write(path .. ".npy", X))
  end)
  lazy_teardown(function()
    os.remove(path)
    os.remove(path .. ".npy")
  end)

  for _, model in ipairs(FITS) do
    it("is at most 50 MB beyond the data in memory: " .. model, function()
      local output = helper.lua(start .. ([[
        local X = assert(latent.read "%s.npy"):copy()
        local before = peak()
        latent.%s:fit(X)
        print(peak() - before)]]):format(path, model), "LATENT_NUM_THREADS=2")
      assert.is_true(tonumber(output) < 50, output)
    end)

    it("is less than the data of a file: " .. model, function()
      local output = helper.lua(start .. ([[
        latent.%s:fit(assert(latent.open "%s.npy"))
        print(peak())]]):format(model, path), "LATENT_NUM_THREADS=2")
      assert.is_true(tonumber(output) < 150, output)
    end)
  end
end)

it("a VAE's bound by many draws takes the memory of one", function()
  local output = helper.lua([[
    local latent = require "latent"
    local function peak() return tonumber(io.open "/proc/self/status":read "a":match "VmHWM:%s*(%d+)") / 1024 end
    local X = latent.random(1):uniform(500, 100)
    local vae = latent.vae { input_dim = 100, latent_dim = 10, hidden = 200 }
    vae:elbo(X)
    local before = peak()
    vae:elbo(X, { samples = 200 })
    print(peak() - before)]], "LATENT_NUM_THREADS=1")
  assert.is_true(tonumber(output) < 10, output) -- 200 of them are 150
end)

local SCRIPTS = {
  ["matrices and files"] = [[
local path = os.tmpname()
local ok, message = pcall(function()
  local X = matrix.normal(20, 3, latent.random(1))
  local y = matrix{ {1, 2}, {3, 4} } * matrix{1, 2} + 1
  local s = tostring(X) .. tostring(y)
  local sorted, order = X:sort(1, { descending = true })
  local S = X:t() * X
  S:solve(matrix.ones(3)) X:svd() X:qr() X:mean(1) X:median() X:where(X:gt(0), 0) X:rows_at{1, 2} X:shuffle()
  eigen.symmetric(S) eigen.general(S) eigen.svd(X, { k = 2 })
  eigen.largest(function(V) return S * V end, 1, { size = 3 })
  local pca = latent.pca{ latent_dim = 2 }:fit(X)
  pca:reconstruct(X) tostring(pca) local _ = pca.components
  local n = 0
  pca:fit(function() n = n + 1 if n < 3 then return X end end)
  latent.scaler():fit(X):transform(X)
  local rng = latent.random(2)
  rng:normal(3, 4) rng:permutation(5) rng:categorical({1, 2}, 3) rng:split(2) rng:state()
  assert(latent.write(path .. ".npy", X)) assert(latent.read(path .. ".npy"))
  local Y = assert(latent.open(path .. ".npy"))
  Y = Y + 1
  assert(latent.write(path .. ".csv", X, { columns = {"a", "b", "c"} }))
  local Z, info = latent.read(path .. ".csv", { labels = "c", categorical = { "b" } })
  assert(latent.write(path .. ".csv", X, { labels = X:argmax(2), decimal = "," }))
  assert(latent.write(path .. ".npz", { X = X, y = y })) assert(latent.read(path .. ".npz"))
  assert(latent.write(path .. ".png", X, { channels = 3, range = { -1, 1 } }))
  assert(latent.read(path .. ".png", { grey = true }))
  matrix.vstack{ X, X }
end)
for _, ending in ipairs{ "", ".npy", ".csv", ".npz", ".png" } do os.remove(path .. ending) end
if not ok then error(message, 0) end]],

  ["mixtures"] = [[
local X = matrix.normal(12, 3, latent.random(1))
local Y, B = X:copy(), X:gt(0)
Y[2][1] = 0 / 0
local gmm = latent.gmm{ components = 2, max_iterations = 2 }:fit(Y, { missing = true })
gmm:impute(Y) gmm:elbo(X) gmm:sample(2) gmm:align(gmm) gmm:conditional({ {1} }, {1}) gmm:partial_fit(X)
latent.kmeans{ clusters = 2, restarts = 2, max_iterations = 2 }:fit(X):transform(X)
latent.mixture{ components = 2, restarts = 1, max_iterations = 2 }:fit(B):predict(B)
latent.em{
  parameters = { mean = 0 }, max_iterations = 2,
  e_step = function(_, x) return { n = x.rows, sum = x:sum() }, 0 end,
  m_step = function(s) return { mean = s.sum / s.n } end,
}:fit(X)
local labels = matrix{1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2}
latent.classifier(function() return latent.gmm() end):fit(X, labels):predict(X)]],

  ["continuous latent variables"] = [[
local X = matrix.normal(12, 3, latent.random(1))
local Y = X:copy()
Y[2][1] = 0 / 0
for _, name in ipairs{ "ppca", "fa", "bpca", "mppca" } do
  local model = latent[name]{ latent_dim = 1, max_iterations = 2 }:fit(Y, { missing = true })
  model:transform(X) model:impute(Y)
end
latent.ica{ max_iterations = 2 }:fit(X):transform(X)
local lds = latent.lds{ latent_dim = 1, max_iterations = 2 }:fit(X)
lds:smooth(Y) lds:forecast(X, 2) lds:tracker():update{1, 2, 3}]],

  ["measures"] = [[
local X, labels = latent.datasets.blobs(12, { components = 2, dims = 3 })
local metrics, random = latent.metrics, latent.random(1)
metrics.silhouette(X, labels) metrics.energy_distance(X, X + 1) metrics.wasserstein(X, X + 1)
metrics.adjusted_rand(labels, labels) metrics.confusion(labels, labels) metrics.auc(labels, X:col(1))
metrics.normalized_mutual_information(labels, labels) metrics.procrustes(X, X + 1)
metrics.amari_distance(matrix.eye(2), matrix.eye(2))
X:unique() X:covariance() X:correlation() X:cols_at{3, 1}:rows_at{2, 5}
latent.split(X, labels, { labels = labels, seed = 1 })
latent.cross_validate(function() return latent.ppca{ latent_dim = 1 } end, X, labels, { folds = 2, seed = 1 })
random:poisson(20, 5) random:beta(0.5, 2, 5)
latent.datasets.spiral(5) latent.datasets.hmm(5) latent.datasets.lds(5) latent.datasets.linear_gaussian(5)]],

  ["nets"] = [[
local B = matrix.normal(12, 3, latent.random(1)):gt(0):to "float32"
local vae = latent.vae{ input_dim = 3, latent_dim = 1, hidden = {4} }
vae:step(B) vae:elbo(B) vae:transform(B) vae:sample(2)
latent.nonlinear{ input_dim = 3, latent_dim = 1, hidden = {4}, samples = 4 }:step(B)
local nn = latent.nn
local store = nn.parameters{ seed = 1 }
local net = nn.mlp(store, "net", { 3, 4, 2 }, { activation = "relu" })
local adam, tape = nn.adam(store), nn.tape(store)
local h = net(tape:input(B))
tape:kl_standard_normal(h, h):mean():backward()
adam:step()]],
}

describe("every request for memory of every function, fit and reader", function()
  it("may be refused (a few of each here, all of them by `make refused`)", function()
    local program = helper.program("memory", "-isystem /usr/include/lua5.4 "
      .. "-Wl,--wrap=malloc,--wrap=realloc,--wrap=aligned_alloc")
    local output, ok = helper.run(program .. " spec/embed/refused.lua short")
    assert.is_truthy(ok, output)
    local requests = output:match ", (%d+) refused requests\nok\n$"
    assert.is_true(tonumber(requests) > 4000, output)
  end)
end)

describe("any request for memory may be refused: an error, a usable state, nothing lost:", function()
  for name, script in pairs(SCRIPTS) do
    it(name, function() helper.starve(script) end)
  end
end)

describe("calls", function()
  it("of every method of every model leave no memory, however often, and also when they fail", function()
    helper.host("REPEAT = 1000 dofile 'spec/embed/methods.lua' print 'ok'")
  end)

  it("from C leave the workspace as it was, also when they fail", function()
    local output, ok = helper.run(helper.program "scratch")
    assert.equal("ok\n", output)
    assert.is_truthy(ok)
  end)
end)

-- What a loop over `steps` of these leaves, when it is left by an error and the collector is stopped.
local LOOPS = { "gmm{ components = 3 }", "kmeans{ clusters = 3 }", "ppca{ method = 'em', latent_dim = 2 }",
  "fa{ latent_dim = 2 }", "mppca{ components = 2, latent_dim = 2 }", "ica{ latent_dim = 4 }", "bpca{ method = 'em' }" }

describe("a host's allocator", function()
  it("gives matrices, scratch and nets, and has all back", function()
    helper.host [[
      local function settle() collectgarbage() collectgarbage() peak() return held() end
      local before = settle()
      local X = matrix.normal(400000, 10, latent.random(1))
      assert(held() - before >= 32e6)
      X:median()
      assert(peak() - before >= 64e6, "the copy that is sorted")
      before = settle()
      local vae = latent.vae{ input_dim = 100, latent_dim = 5, hidden = { 500 } }
      vae:step(matrix.zeros(64, 100))
      assert(held() - before >= 4 * 4 * 100 * 500 * 2, "values, gradients, and two moments")
      vae:log_likelihood(matrix.zeros(64, 100), { samples = 10 })
      vae = nil
      X = nil
      assert(settle() < before)
      print "ok"]]
  end)

  it("may refuse: an error, and the state goes on", function()
    helper.host [[
      local X = matrix.normal(200000, 10, latent.random(1)) -- 16 MB
      local half = X:block(1, 100000, 1, 10)
      collectgarbage() collectgarbage()
      limit(held() + 60 * MB)
      for _ = 1, 3 do
        local ok, message = pcall(matrix.zeros, 1000000, 10)
        assert(not ok and message:find "not enough memory for a matrix of 76", message)
        ok, message = pcall(half.svd, half)
        assert(ok, message)
      end
      limit(held() + 8 * MB)
      local ok, message = pcall(X.svd, X)
      assert(not ok and message:find "memory", message)
      limit(held() + 60 * MB)
      for _ = 1, 100 do local _ = X + 1 end -- 1.6 GB of garbage
      collectgarbage "stop" -- when it must be, garbage is collected also then, as it is for Lua's own requests
      for _ = 1, 100 do local _ = X + 1 end
      for _ = 1, 20 do half:svd() end
      limit()
      print "ok"]]
  end)

  it("has back what is kept for the next call when there is none", function()
    helper.host [[
      local X = matrix.normal(200000, 10, latent.random(1)) -- 16 MB
      X:median()
      collectgarbage()
      assert(held() > 32e6)
      collectgarbage()
      assert(held() < 20e6)
      print "ok"]]
  end)

  it("feels garbage that Lua's collector wouldn't hurry for", function()
    helper.host [[
      collectgarbage "incremental"
      local X = matrix.zeros(25000000, 2) -- 400 MB that stay
      for _ = 1, 4000 do matrix.zeros(25000) end -- 800 MB
      assert(peak() < 1000e6, peak())
      local model = latent.gmm{ components = 2 }
      local Y = matrix.normal(3000, 40, latent.random(1))
      for _ = 1, 1000 do model:steps(Y)() end -- loops that nobody closes
      assert(peak() < 1000e6, peak())
      assert(X.rows > 0)
      print "ok"]]
  end)

  for _, model in ipairs(LOOPS) do
    it("has back the scratch of loops that are left by an error: " .. model, function()
      helper.host(([[
        local X = matrix.normal(3000, 20, latent.random(1))
        collectgarbage "stop"
        local function leave(call) assert(not pcall(call)) end
        local function loop()
          local model = latent.%s
          leave(function() for _ in model:steps(X) do error "left" end end)
          leave(function() model:fit(X, { on_iteration = function() error "left" end }) end)
        end
        local function scratch() return held() - collectgarbage "count" * 1024 end -- Lua's own is garbage, for now
        loop()
        local before = scratch()
        for _ = 1, 200 do loop() end
        assert(scratch() - before < 4096, scratch() - before)
        print "ok"]]):format(model))
    end)
  end
end)
