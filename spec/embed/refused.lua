-- refused.lua "short" | "all": any request for memory of any function, method, fit and reader is refused, by
-- spec/embed/memory.c: there is an error that says so, and the same objects go on. "short" refuses the first few of
-- each call and then ever fewer; "all" every one.
local how = ...
local latent = require "latent"
local matrix = latent.matrix
local refuse = refuse -- luacheck: ignore
package.path = (os.getenv "LATENT_SPEC" or "spec") .. "/?.lua;" .. package.path
local calls = require "calls"

local counts = { calls = 0, refusals = 0 }

-- The request to refuse after n: the next one, or one further off.
local function following(n) return how == "all" and n + 1 or n < 4 and n + 1 or n * 2 - n // 3 end

-- Refuses requests of f, one after the other, until it comes through.
local function starve(name, f)
  counts.calls = counts.calls + 1
  local n = 0
  while true do
    local made, ok, value, message = refuse(n, f)
    if made <= n then -- none was refused
      if not ok then error(name .. ": " .. tostring(value), 0) end
      return
    end
    counts.refusals = counts.refusals + 1
    local said = not ok and value or value == nil and message
    if not ok and not tostring(said):find "memory" then
      error(("%s, request %d: %s"):format(name, n, tostring(said)), 0)
    end
    n = following(n)
  end
end

-- ---- everything that is documented, once -----------------------------------------------------------

-- They make processes, ask the terminal, print, or can't be repeated (below, on a store of their own).
local AWAY = { ["Figure:save"] = true, ["Figure:text"] = true, ["Figure:show"] = true, ["latent.help"] = true,
  ["latent.progress"] = true, ["latent.threads"] = true, ["Store:add"] = true, ["nn.linear"] = true, ["nn.mlp"] = true }

calls.each(function(visit)
  if AWAY[visit.name] then return end
  pcall(visit.call, { ["no such option"] = true }) -- which makes the arguments, and fails
  if pcall(visit.call) then starve(visit.name, function() visit.call() end) end
end)

starve("nets", function()
  local nn = latent.nn
  local store = nn.parameters()
  store:add("a", 2, 3, { init = "he" })
  nn.linear(store, "b", 3, 2)
  nn.mlp(store, "c", { 3, 4, 2 })
  nn.tape(store)
end)

-- ---- every fit -------------------------------------------------------------------------------------

local X = matrix.normal(14, 3, latent.random(1))
local Y, B = X:copy(), X:gt(0)
Y[2][1], Y[5][3] = 0 / 0, 0 / 0
local few = { max_iterations = 2 }

local function with(options, more)
  local all = {}
  for _, list in ipairs{ options, more or {} } do
    for key, value in pairs(list) do all[key] = value end
  end
  return all
end

local FITS = {}
local function fit(name, options, data, how_to_fit)
  FITS[#FITS + 1] = { name = ("%s %d"):format(name, #FITS + 1), f = function()
    return latent[name](with(few, options)):fit(data, how_to_fit)
  end }
end
for _, covariance in ipairs{ "full", "diag", "tied", "spherical", "tied_diag", "tied_spherical" } do
  fit("gmm", { components = 2, covariance = covariance, restarts = 2 }, X)
  fit("gmm", { components = 2, covariance = covariance }, Y, { missing = true })
end
for _, algorithm in ipairs{ "lloyd", "hamerly", "minibatch" } do
  FITS[#FITS + 1] = { name = "kmeans " .. algorithm, optional = true, f = function()
    return latent.kmeans{ clusters = 2, algorithm = algorithm, max_iterations = 2 }:fit(X)
  end }
end
for _, method in ipairs{ "em", "closed_form" } do fit("ppca", { latent_dim = 1, method = method }, X) end
fit("ppca", { latent_dim = 1 }, Y, { missing = true })
fit("bpca", {}, X)
fit("bpca", {}, Y, { missing = true })
fit("fa", { latent_dim = 1 }, X)
fit("fa", { latent_dim = 1 }, Y, { missing = true })
fit("mppca", { components = 2, latent_dim = 1 }, X)
fit("mppca", { components = 2, latent_dim = 1 }, Y, { missing = true })
fit("ica", {}, X)
fit("ica", { algorithm = "maximum_likelihood" }, X)
fit("mixture", { components = 2 }, B)
fit("mixture", { components = 2, family = "poisson" }, B)
fit("mixture", { components = 2, family = "categorical", levels = 2 }, B + 1)
fit("lds", { latent_dim = 1 }, Y)
for _, solver in ipairs{ "covariance", "gram", "randomized" } do
  FITS[#FITS + 1] = { name = "pca " .. solver, f = function()
    return latent.pca{ solver = solver, latent_dim = 1 }:fit(X) end }
end
FITS[#FITS + 1] = { name = "classifier", f = function()
  return latent.classifier(function() return latent.ppca{ latent_dim = 1 } end)
    :fit(X, { 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2 })
end }
FITS[#FITS + 1] = { name = "a fit by chunks", f = function()
  local i = 0
  return latent.gmm(with(few, { components = 2 })):fit(function()
    i = (i + 1) % 3
    return i > 0 and X or nil
  end)
end }
FITS[#FITS + 1] = { name = "steps", f = function()
  for i in latent.gmm{ components = 2 }:steps(X) do if i == 2 then break end end
end }
for _, f in ipairs(FITS) do
  local ok = pcall(f.f)
  if ok or not f.optional then starve(f.name, f.f) end
end

-- ---- every reader ------------------------------------------------------------------------------------

local folder = os.tmpname()
os.remove(folder)
assert(os.execute("mkdir " .. folder))
local ok, message = pcall(function()
  local files = {}
  local function file(name, bytes)
    files[#files + 1] = ("%s/%s"):format(folder, name)
    local out = assert(io.open(files[#files], "wb"))
    out:write(bytes)
    out:close()
  end
  for _, ending in ipairs{ "npy", "csv", "tsv" } do
    files[#files + 1] = ("%s/a.%s"):format(folder, ending)
    assert(latent.write(files[#files], X))
  end
  files[#files + 1] = folder .. "/a.safetensors"
  assert(latent.write(files[#files], { one = X, two = X:col(1) }))
  file("a.idx", "\0\0\x08\x03\0\0\0\x02\0\0\0\x02\0\0\0\x0212345678")
  for _, name in ipairs{ "a.npy", "a.csv", "a.idx" } do
    assert(os.execute(("gzip -kn '%s/%s'"):format(folder, name)))
    files[#files + 1] = ("%s/%s.gz"):format(folder, name)
  end
  for _, path in ipairs(files) do
    starve("latent.read " .. path, function() return assert(latent.read(path)) end)
  end
  starve("latent.open", function() return assert(latent.open(folder .. "/a.npy")) end)
  local models = { latent.vae{ input_dim = 3, latent_dim = 1, hidden = {4} },
    latent.nonlinear{ input_dim = 3, latent_dim = 1, hidden = {4} } }
  for _, f in ipairs(FITS) do
    local made, model = pcall(f.f)
    if made and model then models[#models + 1] = model end
  end
  for i, model in ipairs(models) do
    local path = ("%s/%d.safetensors"):format(folder, i)
    starve(("save %d"):format(i), function() assert(model:save(path)) end)
    starve(("load %d"):format(i), function() return assert(latent.load(path)) end)
  end
end)
os.execute("rm -rf " .. folder)
calls.clean()
if not ok then error(message, 0) end
io.stderr:write(("%d calls, %d refused requests\n"):format(counts.calls, counts.refusals))
