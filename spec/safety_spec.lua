-- What a hostile or careless script may do with objects: their metatables, their metamethods called by hand,
-- finalizers that use what was collected with them. Each in a process of its own, for a crash is what's feared.
local latent = require "latent"
local helper = require "helper"

-- One object of each class, also of those that no one is to meet; `class` in the registry is "latent." .. its name.
local OBJECTS = [[
local latent = require "latent"
local nn, matrix = latent.nn, latent.matrix
local X = matrix.normal(40, 3, latent.random(1))
local path = os.tmpname() .. ".npy"
assert(latent.write(path, X))
local store = nn.parameters{ seed = 1 }
local net = nn.mlp(store, "net", { 3, 4, 2 }, { activation = "relu" })
local tape = nn.tape(store)
local objects = {
  X, X:t(), X:col(1), assert(latent.open(path)), latent.random(1), latent, (select(2, latent.datasets.faithful())),
  matrix, latent.progress, latent.progress.bar(3), latent.plot.figure(), latent.help, latent.classifier,
  latent.classifier(function() return latent.gmm() end), latent.gmm_select(X, { components = 1 }),
  latent.scaler():fit(X), latent.pca():fit(X), latent.ica():fit(X), latent.kmeans{ clusters = 2 }:fit(X),
  latent.gmm{ components = 2 }:fit(X), latent.mixture{ components = 2 }:fit(X:gt(0)),
  latent.mppca{ components = 2, latent_dim = 1 }:fit(X), latent.ppca{ latent_dim = 1 }:fit(X),
  latent.bpca():fit(X), latent.fa{ latent_dim = 1 }:fit(X), latent.gmm(), latent.lds{ latent_dim = 1 },
  latent.em{ parameters = { a = 0 }, e_step = function() end, m_step = function() end },
  latent.vae{ input_dim = 3, latent_dim = 1, hidden = {4} },
  latent.nonlinear{ input_dim = 3, latent_dim = 1, hidden = {4} },
  latent.flow{ input_dim = 3, layers = { "affine", "spline", "masked_affine", "linear", "planar", "radial" } },
  latent.gan{ input_dim = 3, hidden = 4, spectral = true },
  latent.diffusion{ input_dim = 3, timesteps = 4, hidden = 4 }, latent.flow_matching{ input_dim = 3, hidden = 4 },
  store, net, tape, nn.adam(store), net(tape:input(X)), latent.fork(1, function(comm) return comm end),
}
local big = matrix.zeros(3000, 3000)
local lds = latent.lds{ latent_dim = 1, max_iterations = 2 }:fit(X)
for _, object in ipairs{ lds, lds:tracker(), lds:smooth(matrix.normal(400, 3)).covariances,
  lds:smooth(X).covariances, lds:smooth(X) } do objects[#objects + 1] = object end
for _, make in ipairs{ latent.gmm, latent.ica, latent.mixture } do
  local next_step, _, _, run = make{ max_iterations = 5 }:steps(make == latent.mixture and X:gt(0) or X)
  next_step(nil)
  objects[#objects + 1] = run
end
objects[#objects + 1] = debug.getuservalue(big, 1)
for i = 1, #objects do -- what they keep: blocks, files, scratch, tables
  local object = objects[i]
  for n = 1, type(object) == "userdata" and 12 or 0 do
    local kept = debug.getuservalue(object, n)
    if type(kept) == "userdata" then objects[#objects + 1] = kept end
  end
end
]]

describe("objects", function()
  it("have protected metatables, of every class", function()
    local output, ok = helper.lua(OBJECTS .. [[
      local met, left = {}, {}
      for _, object in ipairs(objects) do
        local real, shown = debug.getmetatable(object), getmetatable(object)
        if real then
          assert(type(shown) ~= "table" and real.__metatable == shown, tostring(object))
          if real.__name then assert(shown == real.__name) met[shown] = true end
          if type(object) == "table" then assert(not pcall(setmetatable, object, {})) end
        end
      end
      for name, class in pairs(debug.getregistry()) do
        if type(name) == "string" and name:find "^latent%.%a+$" and type(class) == "table" and class.__name then
          assert(class.__metatable == name, name)
          if not met[name] then left[#left + 1] = name end
        end
      end
      os.remove(path)
      table.sort(left)
      print(table.concat(left, " "))]])
    assert.is_truthy(ok, output)
    -- none that the list above doesn't have, but for what hosts in C make (lua_host_spec.lua), and what is garbage from
    -- the start and tells of collections
    assert.equal("latent.HostMemory latent.sentinel\n", output)
  end)

  it("of which metamethods are called with anything give errors, and work afterwards", function()
    local output, ok = helper.lua(OBJECTS .. [[
      io.stdout:setvbuf "full"
      local others = { false, 1, -2.5, "a", "add", {}, { 1, 2 }, io.stdout, print, coroutine.create(print) }
      for _, object in ipairs(objects) do others[#others + 1] = object end
      local calls = 0
      local real_print, real_write = print, io.write
      print = function() end
      local function call(class, name, f, ...)
        calls = calls + 1
        local ok, message = pcall(f, ...)
        if not ok then
          message = tostring(message)
          assert(not message:find "attempt to" and not message:find "bad argument",
            ("%s.%s: %s"):format(class.__name or class, name, message))
        end
      end
      for _, object in ipairs(objects) do
        local metatable = debug.getmetatable(object)
        for name, f in pairs(metatable or {}) do
          if type(f) == "function" then
            call(metatable, name, f)
            for _, a in ipairs(others) do
              call(metatable, name, f, a)
              call(metatable, name, f, object, a)
              call(metatable, name, f, a, object)
              call(metatable, name, f, a, a, a)
            end
          end
        end
      end
      print = real_print
      local list = {}
      for _, object in ipairs(objects) do list[#list + 1] = tostring(object) end
      assert(X:sum() == X:sum() and big:sum() == 0)
      assert(net(tape:input(X)):mean():backward())
      os.remove(path)
      print(calls > 10000)]])
    assert.is_truthy(ok, output:sub(-2000))
    assert.equal("true\n", output:sub(-5))
  end)

  it("that finalizers use after they were collected themselves say so", function()
    local output, ok = helper.lua(OBJECTS .. [[
      objects = nil
      local log = {}
      local function leave()
        local t = setmetatable({}, { __gc = function(t)
          for name, f in pairs(t) do log[name] = select(2, pcall(f)) end
        end })
        -- made after t, so that theirs run before: the finalizers of a cycle come in the opposite order
        local store = nn.parameters{ seed = 1 }
        local net = nn.mlp(store, "n", { 3, 4, 2 })
        local tape = nn.tape(store)
        local adam, value = nn.adam(store), tape:input(X)
        local loss = net(value):mean()
        local vae = latent.vae{ input_dim = 3, latent_dim = 1, hidden = {4} }
        local weights = vae:parameters()["decoder.1.weight"]
        local steps = latent.gmm{ components = 2 }:steps(X)
        local ica_steps = latent.ica():steps(X)
        steps(nil)
        ica_steps(nil)
        local A, M = matrix.zeros(3000, 3000), assert(latent.open(path))
        local list = latent.lds{ A = 0.5, C = 1, Q = 1, R = 1, initial_mean = 0, initial_covariance = 1 }
          :smooth(matrix.ones(9e6, 1)).covariances
        t.net = function() net(value) end
        t.optimizer = function() adam:step() end
        t.store = function() store:get "n.1.weight" end
        t.value = function() value:value() end
        t.operator = function() return 2 * value end
        t.text = function() tostring(value) end
        t.loss = function() loss:backward() end
        t.tape = function() tape:input(X) end
        t.vae = function() vae:step(X) end
        t.model_text = function() tostring(vae) end
        t.weights = function() weights:sum() end
        t.steps = function() steps(nil) end
        t.ica_steps = function() ica_steps(nil) end
        t.file = function() M:sum() end
        t.file_row = function() return M[1][1] end
        -- what is in Lua's own memory is whole
        t.whole = function() return A:sum() + A(1, 1) + A:row(2):sum() + #list[7] end
      end
      leave()
      collectgarbage()
      collectgarbage()
      local n = 0
      for name, message in pairs(log) do
        n = n + 1
        assert(message == (name == "whole" and 1) or tostring(message):find "has been given back",
          name .. ": " .. tostring(message))
      end
      os.remove(path)
      print(n)]])
    assert.is_truthy(ok, output)
    assert.equal("16\n", output)
  end)

  it("that finalizers use while the state is closed give errors", function()
    local output, ok = helper.lua[[
      local t = setmetatable({}, { __gc = function(t) print(select(2, pcall(t.f))) end }) -- before latent is opened
      local latent = require "latent"
      t.f = function() latent.gmm():fit(latent.matrix.ones(5, 2)) end]]
    assert.is_truthy(ok, output)
    assert.is_truthy(output:find("the Lua state is being closed", 1, true), output)
  end)

  -- Lua 5.4.3 and 5.4.4: lua_settop goes on with the address of a stack that a closing has moved
  it("that are closed when a call ends may have Lua's stack moved", function()
    local output, ok = helper.lua([[
      local latent = require "latent"
      local X = latent.matrix{ { 1, 2 }, { 2, 3 }, { 4, 1 }, { 5, 6 }, { 2, 7 }, { 8, 1 } }
      local path, closed, closes = os.tmpname(), 0, {}
      for name, class in pairs(debug.getregistry()) do
        if tostring(name):find "^latent%." then closes[rawget(class, "__close") or 0] = true end
      end
      closes[debug.getmetatable(latent.progress.bar(1)).__close] = true
      local function deep(n) if n > 0 then deep(n - 1) return n end end
      -- In a coroutine, whose stack is small: each closing is preceded by one that needs a large one.
      local function moved(f, ...)
        local co = coroutine.create(f)
        debug.sethook(co, function()
          if closes[debug.getinfo(2, "f").func] then closed = closed + 1 deep(200) end
        end, "c")
        local ok, message = coroutine.resume(co, ...)
        assert(ok, message)
        return message
      end
      local models = {
        latent.kmeans{ clusters = 2 }, latent.kmeans{ clusters = 2, algorithm = "minibatch", batch = 3 },
        latent.gmm{ restarts = 2 }, latent.mppca{ components = 1, latent_dim = 1 },
        latent.mixture{ family = "poisson", components = 2 },
        latent.ppca{ latent_dim = 1 }, latent.ppca{ latent_dim = "mle" },
        latent.ppca{ latent_dim = 1, method = "em" }, latent.bpca(), latent.bpca{ method = "em" },
        latent.fa{ latent_dim = 1 }, latent.fa{ latent_dim = 1, method = "em" }, latent.ica(),
        latent.lds{ latent_dim = 1, max_iterations = 3 }, latent.pca{ latent_dim = 1 }, latent.scaler() }
      for _, model in ipairs(models) do
        local name = tostring(model):match "%w+"
        assert(moved(model.fit, model, X) == model, name)
        local function has(method) return (pcall(function() return model[method] end)) end
        if has "steps" then
          pcall(moved, model.fit, model, X, { progress = true }) -- mini-batches have none
          moved(function() for _ in model:steps(X) do end end)
          moved(function() for _ in model:steps(X) do break end end)
        end
        if has "partial_fit" then assert(moved(model.partial_fit, model, X) == model, name) end
        if model.save then assert(moved(model.save, model, path) == true, name) end
      end
      local one = latent.classifier(function() return latent.gmm() end):fit(X, { 1, 1, 1, 2, 2, 2 })
      assert(moved(one.save, one, path) == true)
      assert(#moved(latent.eigen.largest, X:t() * X, 1) == 1)
      local store = latent.nn.parameters{ seed = 1 }
      latent.nn.linear(store, "one", 2, 3)
      assert(moved(store.save, store, path) == true)
      os.remove(path)
      print(closed > 100)]], "MALLOC_PERTURB_=165")
    assert.is_truthy(ok, output)
    assert.equal("true\n", output)
  end)

  -- Each call runs a finalizer that calls the core in a coroutine, which the same call's collections free.
  it("are made and read while finalizers call the core in coroutines that die", function()
    local output, ok = helper.lua([[
      local latent = require "latent"
      local X, path = latent.matrix.zeros(60, 2), os.tmpname()
      for i = 1, 60 do X:set(i, 1, i % 7) X:set(i, 2, i % 5) end
      latent.gmm{ max_iterations = 3000, tolerance = 0 }:fit(X):save(path)
      latent.write(path .. ".csv", X)
      local died, class = 0, {}
      function class.__gc()
        coroutine.wrap(function() return X:t() * X end)()
        died = died + 1
      end
      local calls = {
        load = function() return assert(latent.load(path)) end,
        read = function() return assert(latent.read(path .. ".csv")) end,
        fit = function() return latent.gmm{ components = 2, max_iterations = 5 }:fit(X) end,
        batches = function() return latent.kmeans{ clusters = 2, algorithm = "minibatch", batch = 9 }:fit(X) end,
        eigen = function() return latent.eigen.largest(X:t() * X, 1) end,
        views = function() return #latent.gmm{ components = 5000, max_iterations = 0,
          init = { means = latent.matrix.ones(5000, 1) } }:fit(latent.matrix.ones(5000, 1)).covariances end,
      }
      collectgarbage("incremental", 10, 1000, 1)
      for name, call in pairs(calls) do
        for k = 1, name == "views" and 3 or 60 do
          collectgarbage()
          collectgarbage("setpause", k % 3 * 20)
          setmetatable({}, class)
          local fine, message = pcall(call)
          assert(fine, ("%s: %s"):format(name, message))
        end
      end
      os.remove(path)
      os.remove(path .. ".csv")
      print(died > 200)]], "MALLOC_PERTURB_=165")
    assert.is_truthy(ok, output)
    assert.equal("true\n", output)
  end)

  it("whose fit has died in a coroutine may be closed by a finalizer, after their memory", function()
    local output, ok = helper.lua([[
      local latent = require "latent"
      local X = latent.matrix.zeros(60, 2)
      for i = 1, 60 do X:set(i, 1, i % 7) X:set(i, 2, i % 5) end
      local closed = 0
      local function die(model, X, options)
        local t = setmetatable({}, { __gc = function(t)
          coroutine.close(t.co)
          closed = closed + 1
        end })
        t.co = coroutine.create(model.fit)
        assert(not coroutine.resume(t.co, model, X, options))
        local _ = X:sum() + (X:t() * X):sum() -- elsewhere than in that coroutine
      end
      for _, model in ipairs{
        latent.kmeans{ clusters = 2, tolerance = 0 },
        latent.gmm{ components = 2 }, latent.gmm{ components = 2, restarts = 2 },
        latent.mppca{ components = 2, latent_dim = 1 }, latent.mixture{ components = 2, family = "poisson" },
        latent.ppca{ latent_dim = 1, method = "em" }, latent.bpca{ method = "em" },
        latent.fa{ latent_dim = 1, method = "em" }, latent.ica(), latent.lds{ latent_dim = 1 } } do
        die(model, X, { on_iteration = function(s) if s.iteration == 2 then error "no more" end end })
        collectgarbage()
        collectgarbage()
        assert(tostring(model):find "fitted:" or tostring(model):find "ica", tostring(model))
      end
      print(closed)]], "MALLOC_PERTURB_=165")
    assert.is_truthy(ok, output)
    assert.equal("10\n", output)
  end)

  it("whose finalizers are called by hand stay whole", function()
    local A = latent.matrix.ones(30, 2)
    local following, _, _, run = latent.gmm():steps(A)
    for n = 1, 20 do
      local kept = debug.getuservalue(run, n)
      local class = type(kept) == "userdata" and debug.getmetatable(kept)
      if class and class.__gc then class.__gc(kept) end
    end
    assert.equal(1, (following()))
    local store = latent.nn.parameters{ seed = 1 }
    latent.nn.linear(store, "one", 2, 3)
    for _ = 1, 2 do debug.getmetatable(store).__gc(store) end
    assert.equal(2, #store:get "one.weight")
    helper.fails("one operand must be a value", debug.getmetatable(latent.nn.tape():input{ { 1 } }).__add, "a", A)
  end)
end)
