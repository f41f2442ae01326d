-- calls.lua: random calls of all that the module exports: its functions, the methods of its classes, their
-- metamethods by hand, what they return. The host is calls.c; arguments are SEED and COUNT. The same seed makes
-- the same calls. Something is wrong when the process dies, when a sanitizer speaks, when a call doesn't give way
-- at its deadline, when a message is Lua's instead of ours, when memory beside a view or a mapped file has changed,
-- or when a model can't be used any more. Then it says which call it was, and ends; with ALL in the environment it
-- goes on, and says every kind of fault once.
local seed, count = math.tointeger(tonumber((...))), math.tointeger(tonumber((select(2, ...))))
local folder = debug.getinfo(1, "S").source:match "^@(.-)[^/]*$"
package.path = folder .. "?.lua;" .. package.path

local host = host -- luacheck: ignore
local latent = require "latent"
local docs = require "latent.docs.init"
local values = require "values"
local matrix = latent.matrix

local DEADLINE = tonumber(os.getenv "DEADLINE") or host.sanitized and 0.3 or 0.1
local DEAF = tonumber(os.getenv "DEAF" or 5) -- seconds of processor time that a call may go on after its deadline
local DEEPEST = 3 -- calls in callbacks in calls

latent.threads(2)
io.stdout:setvbuf "no"
print = function() end -- luacheck: ignore

-- ---- chance: xorshift64* (Vigna 2016) --------------------------------------------------

local state = (seed * 0x9E3779B97F4A7C15) ~ 0x2545F4914F6CDD1D
if state == 0 then state = 1 end
local draw = {}

local function word()
  state = state ~ (state >> 12)
  state = state ~ (state << 25)
  state = state ~ (state >> 27)
  return (state * 0x2545F4914F6CDD1D) >> 11
end

function draw.below(n) return word() % n end
function draw.chance(p) return word() < p * 2^53 end
function draw.pick(list) return list[1 + draw.below(#list)] end

local below, chance, pick = draw.below, draw.chance, draw.pick
local v = values.new(draw)

-- ---- what there is to call ---------------------------------------------------------------

local function sorted_keys(t)
  local keys = {}
  for key in pairs(t) do
    if type(key) == "string" then keys[#keys + 1] = key end
  end
  table.sort(keys)
  return keys
end

local entries = {}
for _, module in ipairs(docs) do
  for _, entry in ipairs(module) do entries[entry.name] = entry end
end

-- Lists by class, or by table of the module, so that each has its turn: { { name, f, entry, class }, ... }
local groups, by_name = {}, {}

local function group(name)
  if not by_name[name] then
    by_name[name] = { name = name }
    groups[#groups + 1] = by_name[name]
  end
  return by_name[name]
end

local function has_out(entry)
  for _, item in ipairs(entry and entry.options or {}) do
    if item[1] == "out" then return true end
  end
end

local function add(list, name, f, class)
  if name == "sandbox" or name == "fork" then return end -- what nothing undoes; and more processes
  list[#list + 1] = { name = name, f = f, entry = entries[name] or entries["latent." .. name], class = class,
    has_out = has_out(entries[name] or entries["latent." .. name]),
    -- for the module itself: any message will do
    private = name:find "[.:]_%a" or name:find "^_" or name:find "__keep" }
end

local function add_class(name, metatable, methods)
  local list = group(name)
  for _, key in ipairs(sorted_keys(methods)) do
    if type(methods[key]) == "function" and not key:find "^__" then
      add(list, name .. ":" .. key, methods[key], name)
      if name == "Figure" and (key == "save" or key == "text" or key == "show") then list[#list].rare = true end
    end
  end
  for _, key in ipairs(sorted_keys(metatable)) do
    if type(metatable[key]) == "function" then add(list, name .. ":" .. key, metatable[key], name) end
  end
end

local seen = {}
local function walk(t, path)
  if seen[t] then return end
  seen[t] = true
  local list = group(path or "latent")
  for _, key in ipairs(sorted_keys(t)) do
    local member, name = t[key], path and path .. "." .. key or key
    if type(member) == "table" and key:find "^%u" then
      add_class(key, member, member)
    elseif type(member) == "table" then
      walk(member, name)
      local metatable = debug.getmetatable(member)
      if metatable and metatable.__call then add(list, name, metatable.__call) end
    elseif type(member) == "function" then
      add(list, name, member)
    end
  end
end

for _, part in ipairs{ "blocks", "help", "plot", "progress", "datasets", "batches", "gmm_select", "classifier",
  "folds", "metrics", "split", "cross_validate" } do
  local _ = latent[part]
end
walk(latent)
walk(latent.nn, "nn")
v.classes = {}
for _, key in ipairs(sorted_keys(debug.getregistry())) do
  local name, metatable = key:match "^latent%.(%a+)$", debug.getregistry()[key]
  if name and type(metatable) == "table" and metatable.__metatable then
    add_class(name, metatable, type(metatable.methods) == "table" and metatable.methods or {})
  end
end
for name in pairs(by_name) do
  if name:find "^%u" then v.classes[#v.classes + 1] = name end
end
table.sort(v.classes)
table.sort(groups, function(a, b) return a.name < b.name end)
for i = #groups, 1, -1 do
  if #groups[i] == 0 then table.remove(groups, i) end
end

-- ---- objects -----------------------------------------------------------------------------

local function class_of(x)
  local metatable = debug.getmetatable(x)
  local name = type(x) ~= "string" and metatable and rawget(metatable, "__name")
  return name and name:match "^latent%.(%a+)$"
end

local function keep(x)
  local class = class_of(x)
  if class == "Matrix" and (x.rows > 500 or x.cols > 500) then return end
  if class then
    v.keep(x, class)
  elseif type(x) == "function" then
    local list = v.callables
    list[#list < 8 and #list + 1 or 1 + below(8)] = x
  elseif type(x) == "table" and #x <= 3 then
    for _, y in ipairs(x) do
      if class_of(y) then keep(y) end
    end
  end
end

local function own_em()
  return latent.em{
    parameters = { mean = 0 }, max_iterations = 4,
    e_step = function(_, X) return { n = X.rows, sum = X:sum() }, 0 end,
    m_step = function(s) return { mean = s.sum / s.n } end,
  }
end

local function start()
  v.start()
  local X, B = v.fills.normal(v.rows_of_data, v.columns_of_data, "float64"),
    v.fills.binary(v.rows_of_data, v.columns_of_data, "float64")
  local few = { max_iterations = 3 }
  local makers = {
    latent.scaler, function() return latent.pca{ latent_dim = 1 + below(3) } end,
    function() return latent.ica{ max_iterations = 3, latent_dim = 1 + below(3) } end, own_em,
    function() return latent.kmeans{ clusters = 2, max_iterations = 3 } end,
    function()
      return latent.gmm{ components = 2, max_iterations = 3, covariance = pick{ "full", "diag", "tied", "spherical" } }
    end,
    function() return latent.mppca{ components = 2, latent_dim = 1, max_iterations = 3 } end,
    function() return latent.ppca{ latent_dim = 1, max_iterations = 3, method = pick{ "em", "closed_form" } } end,
    function() return latent.bpca(few) end,
    function() return latent.fa{ latent_dim = 1, max_iterations = 3 } end,
    function() return latent.lds{ latent_dim = 1, max_iterations = 3 } end,
  }
  for _, make in ipairs(makers) do
    keep(make())
    keep(make():fit(X))
  end
  keep(latent.mixture{ components = 2, max_iterations = 3 }:fit(B))
  keep(latent.mixture{ components = 2 })
  keep(latent.vae{ input_dim = 3, latent_dim = 1, hidden = {4} })
  keep(latent.flow{ input_dim = 3, kind = "maf", layers = 2, hidden = 4 })
  keep(latent.diffusion{ input_dim = 3, timesteps = 4, hidden = {4} })
  keep(latent.flow_matching{ input_dim = 3, hidden = {4} })
  keep(latent.gan{ input_dim = 3, hidden = {4} })
  keep(latent.nonlinear{ input_dim = 3, latent_dim = 1, hidden = {4}, samples = 4 })
  keep(v.object "LDS":fit(X):tracker())
  keep(latent.plot.figure())
  keep(latent.progress.bar(3))
  keep(latent.classifier(function() return latent.gmm(few) end)
    :fit(X, v.fills.labels(v.rows_of_data, 1, "float64"):col(1)))
end

-- ---- what is said of a call ------------------------------------------------------------------

local function show(x)
  local class = class_of(x)
  if class == "Matrix" then
    return ("%dx%d %s%s"):format(x.rows, x.cols, x.dtype, type(x[1]) == "number" and " vector" or "")
  end
  if type(x) == "string" then return ("%q"):format(#x < 40 and x or x:sub(1, 40) .. "...") end
  if type(x) == "table" and not class then
    local parts = {}
    for i = 1, math.min(#x, 3) do parts[#parts + 1] = type(x[i]) == "table" and "{}" or show(x[i]) end
    for _, key in ipairs(sorted_keys(x)) do
      parts[#parts + 1] = key .. " = " .. (type(x[key]) == "table" and "{}" or show(x[key]))
    end
    return "{" .. table.concat(parts, ", ") .. (#x > 3 and ", ... " .. #x or "") .. "}"
  end
  return class or (type(x) == "number" and tostring(x)) or tostring(x):gsub(": 0x.*", "")
end

local depth, trail, number = 0, {}, 0

local function describe(name, list)
  local parts = {}
  for i = 1, list.n do
    local ok, text = pcall(show, list[i])
    parts[i] = ok and text or "?"
  end
  return name .. "(" .. table.concat(parts, ", ") .. ")"
end

local function note(text)
  trail[depth] = text
  host.note(("call %d of SEED=%d:\n  %s\n"):format(number, seed, table.concat(trail, "\n  in it: ", 1, depth)))
end

local said = {}

local function wrong(what)
  if os.getenv "ALL" then
    local kind = (trail[depth] or ""):match "^[^(]*" .. what:gsub("%d+", "0"):gsub("'.-'", "''")
    if not said[kind] then io.stderr:write(what, "\n    ", trail[depth] or "", "\n") end
    said[kind] = true
    return
  end
  error(("%s\ncall %d of SEED=%d:\n  %s"):format(what, number, seed, table.concat(trail, "\n  in it: ", 1, depth)), 0)
end

-- ---- calls -------------------------------------------------------------------------------------

local LUAS = { "attempt to %a+ a ", "attempt to compare", "attempt to concatenate", "attempt to perform",
  "bad argument",
  "has no integer representation", "stack traceback", "invalid option", "invalid format" }

local function ours(message)
  if type(message) == "table" and message.token then return true end
  if type(message) ~= "string" or message == "" then return false end
  if message:sub(1, #folder) == folder then return true end -- a function of these files was called with something else
  for _, pattern in ipairs(LUAS) do
    if message:find(pattern) then return false end
  end
  return true
end

-- f(...) in a coroutine, resumed when it yields, or left.
local function in_coroutine(f, ...)
  local thread = coroutine.create(f)
  local results = table.pack(coroutine.resume(thread, ...))
  for _ = 1, 20 do
    if coroutine.status(thread) ~= "suspended" then break end
    results = table.pack(coroutine.resume(thread, v.anything()))
  end
  if coroutine.status(thread) == "suspended" and chance(0.5) then coroutine.close(thread) end
  if not results[1] then error(results[2], 0) end
  return table.unpack(results, 2, results.n)
end

-- { ok, results or message }
local function run(f, list)
  local arguments, wrapped = list, chance(0.15)
  if wrapped then arguments = table.pack(f, table.unpack(list, 1, list.n)) end
  if wrapped then f = in_coroutine end
  if depth > 1 then return table.pack(pcall(f, table.unpack(arguments, 1, arguments.n))) end
  local seconds = chance(0.3) and DEADLINE * (1 + below(100)) / 200 or DEADLINE -- some are interrupted early
  v.told = chance(0.2) and v.callback() -- from within the call, at every look
  if v.told then latent.progress(v.told) end
  local results = table.pack(host.call(seconds, f, table.unpack(arguments, 1, arguments.n)))
  if v.told then latent.progress(false) end
  if results[1] > DEAF then wrong(("it went on for %.1f s after its deadline"):format(results[1])) end
  return table.pack(table.unpack(results, 2, results.n))
end

-- A model stays one, whatever was done to it.
local function check_model(x)
  local ok, message = pcall(tostring, x)
  if not ok and not ours(message) then wrong("afterwards tostring gives " .. tostring(message)) end
  for _, field in ipairs{ "history", "means", "components", "W", "iterations" } do
    ok, message = pcall(function() return x[field] end)
    if not ok and not ours(message) then wrong("afterwards ." .. field .. " gives " .. tostring(message)) end
  end
end

local function call(target, list)
  depth = depth + 1
  note(describe(target.name, list))
  local results = run(target.f, list)
  local ok, message = results[1], results[2]
  if not ok and not ours(message) and not target.private then
    wrong("the message is " .. (type(message) == "string" and message or "no string: " .. tostring(message)))
  end
  v.result = ok and results[2]
  for i = 2, ok and math.min(results.n, 4) or 1 do
    if results[i] ~= nil then keep(results[i]) end
  end
  if target.class and class_of(list[1]) then check_model(list[1]) end
  depth = depth - 1
  return ok
end

-- Whether two results are the same, NaN included.
local function same(a, b)
  if a.rows ~= b.rows or a.cols ~= b.cols or a.dtype ~= b.dtype then return false end
  return a:eq(b):sum() + (a:isnan() % b:isnan()):sum() == a.rows * a.cols
end

-- What a call gives, it gives with `out` as well: into a matrix of that shape, wherever its elements lie.
local function with_out(target, list)
  local at
  for i, item in ipairs(target.entry.args or {}) do
    if item[1] == "options" then at = i + (target.class and 1 or 0) end
  end
  if not at then return end
  local options = type(list[at]) == "table" and list[at] or {}
  if options.out ~= nil or options.beta ~= nil then return end -- the data may have changed with it
  for i = 1, list.n do
    if type(list[i]) == "function" then return end -- which may do something else now
  end
  list[at], list.n = options, math.max(list.n, at)
  local plain = v.result
  if not matrix.is(plain) then return end
  local held = plain:copy()
  options.out = v.place_like(plain)
  v.result = nil
  local ok = call(target, list)
  depth = 1
  local random = target.class == "Random" or target.name:find "sample" or target.name:find "random"
    or target.name:find "normal" or target.name:find "shuffle"
  if ok and matrix.is(v.result) and not random and not same(held, v.result) then
    wrong "with out it gives something else"
  end
end

local function random_call()
  if #v.callables > 0 and chance(0.05) then
    return call({ name = "a result", f = pick(v.callables) }, v.arguments())
  end
  local target = pick(pick(groups))
  if target.rare and not chance(0.02) then return true end
  local arguments = v.arguments(target.entry)
  if target.class then
    local self = not chance(0.04) and v.object(target.class) or v.anything()
    table.insert(arguments, 1, self)
    arguments.n = arguments.n + 1
    if self == nil then arguments[1] = nil end
  end
  if target.name == "threads" then arguments = { n = 1, 1 + below(3) } end
  v.result = nil
  local ok = call(target, arguments)
  if ok and depth == 0 and target.has_out and not v.told and chance(0.5) then with_out(target, arguments) end
  return ok
end

function v.nested()
  if depth < DEEPEST then random_call() end
end

local FITTED = { "GMM", "PCA", "PPCA", "BPCA", "FA", "MPPCA", "KMeans", "ICA", "Mixture", "Scaler", "LDS", "EM" }

function v.refit()
  if depth >= DEEPEST then return end
  local class = pick(FITTED)
  local name = chance(0.7) and "fit" or "partial_fit"
  local model = v.object(class)
  local ok, method = pcall(function() return model[name] end)
  if ok and method then
    local X = v.fresh_matrix(v.rows_of_data, chance(0.8) and v.columns_of_data or 2)
    call({ name = class .. ":" .. name, f = method, class = class }, { n = 2, model, X })
  end
end

-- An object whose finalizer makes a call, with what it holds.
local function leave_garbage()
  local held = { v.object(pick(v.classes)), v.object(pick(v.classes)) }
  setmetatable({}, { __gc = function()
    if depth >= DEEPEST then return end
    local list = pick(groups)
    local target = pick(list)
    if target.rare then return end
    local ok, message = pcall(call, target, { n = 2, held[1], held[2] })
    if not ok then v.finalizer_failed = message end
  end })
end

-- ---- all of them ---------------------------------------------------------------------------------

local X = matrix.normal(50, 2, latent.random(7))
local function canary()
  return latent.gmm{ components = 2, max_iterations = 5, seed = 1 }:fit(X):log_likelihood(X):sum()
end
local expected = canary()

latent.progress._patience(0, 0)
start()
local came_through = 0
for i = 1, count do
  number, depth = i, 0
  if chance(0.03) then leave_garbage() end
  if random_call() then came_through = came_through + 1 end
  if v.finalizer_failed then error(v.finalizer_failed, 0) end
  local broken = v.broken_frame()
  depth = 1
  if broken then
    v.frames = {}
    wrong(broken)
  end
  if i % 100 == 0 or i == count then
    if v.mapped:sum() ~= v.mapped_sum then wrong "the mapped file has changed" end
    if canary() ~= expected then wrong "a fit gives other numbers than in the beginning" end
    collectgarbage()
  end
end
host.note(("at the end of SEED=%d\n"):format(seed))
io.stderr:write(("%d of %d calls came through\n"):format(came_through, count))
