-- Slices of time: the core's (base/slice.h and lat_fit_slice, by spec/embed/slices.c, which prints facts), and what is
-- theirs alone in Lua. That every model's slices come to the bits of its fit is in runs_spec.lua.
local latent = require "latent"
local helper = require "helper"
local matrix = latent.matrix

local X = matrix.normal(3000, 4, latent.random(1))
for i = 1, 3000 do X[i][1] = X[i][1] + i % 3 * 5 end

describe("slices in C", function()
  it("give the bits of the whole, in any thread, after a fork, and when they are left", function()
    local output, ok = helper.run(helper.program "slices")
    assert.is_truthy(ok, output)
    assert.are.equal([[
NaN invalid argument 1: seconds must be a number >= 0, got nan
-1 invalid argument 1: seconds must be a number >= 0, got -1
within invalid argument 1: a slice can't begin within a slice
outside invalid argument: this is no slice
1 threads: many slices 1, the same bits 1, BLAS's threads are the host's 1, released 1
each in another thread: 1 1
3 threads: many slices 1, the same bits 1, BLAS's threads are the host's 1, released 1
each in another thread: 1 1
left: open 1 then 0, interrupted, released 1
and again: ok 1, rounds 5
forked: the child 0, the parent 1
abandoned: mappings stay 1
waiting: 4 iterations, slices for each piece of each pass 1
left: 1 iterations, open 0
what whole iterations came to: 1
ok
]], output)
  end)
end)

describe("slices", function()
  local function finish(model, data)
    while not model:fit_for(data, 0) do end
    return model
  end

  it("begin with the check of the data, which steps with a budget leaves to its turns", function()
    local bad = X:copy()
    bad[3000][4] = 0 / 0
    for _, model in ipairs { latent.gmm(), latent.kmeans { clusters = 2 }, latent.ppca { latent_dim = 1 } } do
      local step = model:steps(bad, { budget = 1e-9 })
      helper.fails("X has NaN at row 3000, column 4", function() while step() do end end)
      helper.fails("X has NaN at row 3000, column 4", finish, model, bad)
    end
  end)

  it("have the checks of weights and labels in them, too, and what precedes the first iteration", function()
    local weights, labels = matrix(3000, 1, 1):col(1), matrix(3000, 1, 1):col(1)
    weights[3000], labels[3000] = -1, 0.5
    for message, options in pairs { ["weight 3000 is -1; weights are finite and >= 0"] = { weights = weights },
      ["label 3000 is 0.5; labels are integers from 0 (not known) up"] = { labels = labels } } do
      local model = latent.gmm()
      helper.fails("gmm:fit: " .. message, model.fit, model, X, options)
      helper.fails("gmm:fit_for: " .. message, model.fit_for, model, X, 1, options)
      helper.fails("gmm:steps: " .. message, model.steps, model, X, options)
      options.budget = 1e-9
      local step = model:steps(X, options)
      helper.fails("gmm:steps: " .. message, function() while step() do end end)
    end
    -- pieces of at most 16384 steps, rows or blocks of them
    local N = 60000
    local rows = matrix.normal(N, 8, latent.random(1))
    local codes = rows:map(function(x) return math.min(4, math.floor(math.abs(x))) + 1 end)
    weights, labels = matrix(N, 1, 2):col(1), matrix(N, 1, function(i) return i % 4 end):col(1)
    local function slices(model, data, options)
      local n = 1
      while not model:fit_for(data, 0, options) do n = n + 1 end
      return n
    end
    local threads = latent.threads()
    latent.threads(1)
    local function start(make, options)
      options.max_iterations = 0
      return make(options)
    end
    assert.is_true(slices(start(latent.lds, { latent_dim = 2 }), rows) > 500)
    assert.is_true(slices(start(latent.mixture, { components = 3, family = "categorical" }), codes, { labels = labels })
      > 1000)
    assert.is_true(slices(start(latent.gmm, { components = 3 }), rows, { labels = labels }) > 200)
    assert.is_true(slices(start(latent.gmm, { components = 3, init = "random" }), rows, { weights = weights }) > 20)
    latent.threads(threads)
  end)

  it("come to the bits of fits of all kinds, also of those without iterations", function()
    local weights = matrix(3000, 1, function(i) return i % 3 + 0.5 end):col(1)
    local gaps = X:copy()
    gaps[7][2] = 0 / 0
    local cases = {
      { latent.pca, { latent_dim = 2 }, { "mean", "components", "eigenvalues" } },
      { latent.pca, { latent_dim = 2, standardize = true, solver = "randomized" }, { "components", "total_variance" } },
      { latent.pca, { latent_dim = 2, solver = "gram" }, { "components" }, X:block(1, 300, 1, -1) },
      { latent.scaler, {}, { "mean", "deviation" } },
      { latent.scaler, {}, { "mean", "deviation" }, gaps, { missing = true } },
      { latent.ica, { seed = 3 }, { "mixing", "history", "objective" } },
    }
    for _, case in ipairs(cases) do
      local make, options, fields, data, given = table.unpack(case)
      data = data or X
      for _, more in ipairs { {}, { weights = #data == 3000 and weights or nil } } do
        more.missing = given and given.missing
        local whole, model, slices = make(options):fit(data, more), make(options), 1
        while not model:fit_for(data, 0, more) do slices = slices + 1 end
        assert.is_true(slices > 1)
        for _, field in ipairs(fields) do
          local expected, got = whole[field], model[field]
          if field == "history" then assert.same(expected, got) else assert.is_true(expected == got, field) end
        end
        assert.is_true(model:fit_for(data, 0, more)) -- there is nothing left to do
        assert.is_false(model:fit_for(data:copy(), 0, more))
      end
    end
  end)

  it("of fits without iterations take functions that yield, and end with errors", function()
    for _, make in ipairs { latent.pca, latent.scaler, latent.ica } do
      local expected = make():fit(helper.chunks(X, 1000))
      for _, method in ipairs { "fit", "fit_for" } do
        local model, give, waits = make(), helper.chunks(X, 1000), 0
        local co = coroutine.wrap(function()
          local function waiting()
            coroutine.yield "waiting"
            return give()
          end
          if method == "fit" then return model:fit(waiting) end
          while not model:fit_for(waiting, 0) do end
          return model
        end)
        local result = co()
        while result == "waiting" do
          waits = waits + 1
          result = co()
        end
        assert.is_true(result == model and waits > 3 and expected.mean == model.mean)
      end
      local model = make()
      helper.fails("enough", finish, model, function() error "enough" end)
      helper.fails("fit_for: seconds must be a number >= 0, got -1", model.fit_for, model, X, -1)
      helper.fails("fit_for: X must be a matrix", model.fit_for, model, "rows", 1)
      helper.fails("fit_for: unknown option 'weight', did you mean 'weights'", model.fit_for, model, X, 1,
        { weight = 1 })
      helper.fails("fit_for: unknown option 'progress'", model.fit_for, model, X, 1, { progress = true })
      assert.is_false(helper.has(model, "mean"))
      assert.is_true(finish(model, X).mean == make():fit(X).mean)
      model:fit_for(X:copy(), 0)
      model:fit(X:block(1, 100, 1, -1)) -- gives up what is under way
      assert.is_true(model.mean == make():fit(X:block(1, 100, 1, -1)).mean)
    end
  end)

  it("cut long sequences, however many threads there are", function()
    local threads, sequences, counts = latent.threads(), {}, {}
    for i = 1, 3 do sequences[i] = matrix.normal(3000, 2, latent.random(i)) end
    local function make() return latent.lds { latent_dim = 1, max_iterations = 3, tolerance = 0 } end
    local expected = make():fit(sequences)
    for i = 1, 3 do
      latent.threads(i)
      local model = make()
      counts[i] = 1
      while not model:fit_for(sequences, 0) do counts[i] = counts[i] + 1 end
      assert.same(expected.history, model.history)
      assert.is_true(expected.A == model.A and expected.Q == model.Q)
    end
    latent.threads(threads)
    assert.is_true(counts[1] > 100)
    assert.same({ counts[1], counts[1], counts[1] }, counts)
  end)

  it("of nets are steps, and come to the bits of a fit", function()
    local rows = X:block(1, 200, 1, -1)
    local function net() return latent.vae { input_dim = 4, latent_dim = 1, hidden = 4, likelihood = "gaussian" } end
    local options = { epochs = 3, batch = 16, validation = X:block(201, 260, 1, -1), patience = 1 }
    local expected, model, slices = net():fit(rows, options), net(), 1
    while not model:fit_for(X:block(1, 200, 1, -1), 0, options) do slices = slices + 1 end
    assert.are.equal(expected.iterations + 1, slices)
    assert.is_true(expected:save_string() == model:save_string())
    assert.is_true(model:fit_for(rows, 0, options)) -- there is nothing left to do
    model:fit(rows, options)
    assert.is_false(model:fit_for(rows, 0, options))
    assert.is_true(net():fit_for(rows, 1 / 0, { epochs = 1 }))
    local last, turns = 0, 0
    for i, loss in net():steps(rows, { epochs = 3, batch = 16, budget = 1e-9 }) do
      assert.are.equal(last + 1, i)
      assert.are.equal("number", type(loss))
      last = i
    end
    for i in net():steps(rows, { epochs = 3, batch = 16, budget = 60 }) do last, turns = i, turns + 1 end
    assert.are.same({ 39, 1 }, { last, turns })
    model = net()
    for message, call in pairs {
      ["vae:fit_for: seconds must be a number, got nil"] = function() model:fit_for(rows) end,
      ["vae:fit_for: seconds must be a number >= 0, got -1"] = function() model:fit_for(rows, -1) end,
      ["vae:fit_for: seconds must be a number >= 0, got nan"] = function() model:fit_for(rows, 0 / 0) end,
      ["vae:fit_for: X has 2 columns, the model takes 4"] = function() model:fit_for(X:block(1, 9, 1, 2), 0) end,
      ["vae:steps: budget must be a number >= 0, got -1"] = function() model:steps(rows, { budget = -1 }) end,
      ["enough"] = function() model:fit_for(rows, 0, { on_iteration = function() error "enough" end }) end,
      ["a function that is called in slices can't yield"] = function()
        model:fit_for(rows, 0, { on_iteration = coroutine.yield })
      end,
      ["the fit is in the middle of a slice, which has called this"] = function()
        model:fit_for(rows, 0, { on_iteration = function() model:fit_for(rows, 0) end })
      end,
    } do helper.fails(message, call) end
    for _ = 1, 100 do net():fit_for(rows, 0) end -- given up
    model = net()
    helper.fails("in the first", model.fit_for, model, rows, 1, { on_iteration = function() error "in the first" end })
    assert.is_true(model:fit_for(rows, 1 / 0, { epochs = 10 })) -- begins anew
    model = net()
    finish(model, rows)
    assert.are.equal(10, #model.history)
  end)

  it("go on with views of the same rows that are made anew, and with tables and functions", function()
    local expected = latent.gmm { components = 2, max_iterations = 3 }:fit(X:block(1, 2000, 1, 2))
    local model = latent.gmm { components = 2, max_iterations = 3 }
    local slices = 1
    while not model:fit_for(X:block(1, 2000, 1, 2), 0) do
      slices = slices + 1
      collectgarbage()
    end
    assert.is_true(slices > 3 and expected.means == model.means)
    local rows = X:block(1, 50, 1, 2):table()
    assert.are.equal(3, finish(latent.gmm { components = 2, max_iterations = 3, tolerance = 0 }, rows).iterations)
    local whole = latent.gmm { components = 2, max_iterations = 3 }:fit(helper.chunks(X, 1000))
    local chunked = finish(latent.gmm { components = 2, max_iterations = 3 }, helper.chunks(X, 1000))
    assert.is_true(whole.means == chunked.means)
  end)

  it("begin anew with a view of other rows, and with the same rows after other calls", function()
    local model = latent.gmm { components = 2, max_iterations = 3 }
    assert.is_false(model:fit_for(X, 0))
    finish(model, X:block(1, 100, 1, -1))
    assert.is_true(model.means == latent.gmm { components = 2, max_iterations = 3 }:fit(X:block(1, 100, 1, -1)).means)
    model:partial_fit(X)
    assert.is_false(model:fit_for(X:block(1, 100, 1, -1), 0))
  end)

  it("are none the worse for numbers that change between them", function()
    local makers = {
      function() return latent.gmm { components = 3 } end, function() return latent.kmeans { clusters = 3 } end,
      function() return latent.mixture { components = 2, family = "categorical", levels = 4 } end,
      function() return latent.mixture { components = 2, family = "poisson" } end,
      function() return latent.mppca { components = 2, latent_dim = 1 } end,
      function() return latent.fa { latent_dim = 1 } end, function() return latent.bpca() end,
      function() return latent.lds { latent_dim = 1, max_iterations = 3 } end,
    }
    for _, make in ipairs(makers) do
      for _, value in ipairs { 0 / 0, 1e300, -1 / 0, 1000, -7.5 } do
        for after = 0, 30, 5 do
          local data = (X:block(1, 600, 1, -1):abs()):map(function(x) return math.min(math.floor(x), 4) + 1 end)
          local model = make()
          for _ = 0, after do
            local ran, done = pcall(model.fit_for, model, data, 0)
            if not ran or done then break end
          end
          data:fill(value)
          local ran, message = pcall(finish, model, data)
          assert.is_true(ran or message:find(":fit_for: ", 1, true) ~= nil, message)
        end
      end
    end
  end)

  it("are interrupted as fits are, and have what whole iterations came to", function()
    local model = latent.gmm { components = 3, tolerance = 0, max_iterations = 100000 }
    repeat model:fit_for(X, 0.001) until helper.has(model, "iterations") and model.iterations > 2
    local before = model.iterations
    local ran, message = pcall(function()
      local n = 0
      debug.sethook(function()
        n = n + 1
        if n > 20 then
          debug.sethook()
          error "enough"
        end
      end, "", 1)
      while true do model:fit_for(X, 0.001) end
    end)
    debug.sethook()
    assert.is_false(ran)
    assert.is_truthy(message:find "enough", message)
    assert.is_true(model.iterations >= before and model:score(X) > -100)
  end)

  it("end with their state, whatever is under way", function()
    local output, ok = helper.lua [[
      local late = setmetatable({}, { __gc = function(t) print(pcall(t.step)) print(pcall(t.fit_for)) end })
      local latent = require "latent"
      local X = latent.matrix.normal(3000, 4)
      local models = {}
      for i = 1, 20 do
        models[i] = latent.gmm { components = 3 }
        for _ = 1, i do models[i]:fit_for(X, 0) end
      end
      for _, make in ipairs { latent.pca, latent.scaler, latent.ica, function()
        return latent.vae { input_dim = 4, latent_dim = 1, hidden = 4, likelihood = "gaussian" }
      end } do
        for i = 1, 5 do
          models[#models + 1] = make()
          for _ = 1, i do models[#models]:fit_for(X, 0) end
        end
      end
      step = latent.kmeans { clusters = 3 }:steps(X, { budget = 1e-9 })
      step()
      last = coroutine.create(function() latent.gmm():fit(function() coroutine.yield() end) end)
      coroutine.resume(last)
      late.step, late.fit_for = step, function() models[1]:fit_for(X, 0) end]]
    assert.is_truthy(ok, output)
    assert.is_truthy(output:find("^false\t[^\n]+\nfalse\t[^\n]+\n$"), output)
  end)

  -- What goes on in slices is left, refitted, raised from, collected within and called from itself, in some order.
  it("stand whatever comes between them", function()
    local output, ok = helper.lua [[
      local latent = require "latent"
      local X = latent.matrix.normal(1500, 4, latent.random(1))
      local data = { X, X:block(1, 400, 1, 4), X:copy(), X:block(1, 1500, 1, 2) }
      local makers = {
        function() return latent.gmm { components = 3 } end, function() return latent.kmeans { clusters = 3 } end,
        function() return latent.pca { latent_dim = 2 } end, function() return latent.scaler() end, latent.ica,
        function() return latent.pca { latent_dim = 1, solver = "randomized" } end,
        function() return latent.fa { latent_dim = 1 } end,
        function() return latent.lds { latent_dim = 1, max_iterations = 2 } end,
        function() return latent.vae { input_dim = 4, latent_dim = 1, hidden = 4, likelihood = "gaussian" } end,
      }
      local state, pool = 1, {}
      local function draw(n)
        state = state * 1103515245 + 12345 & 0x7fffffff
        return (state >> 16) % n + 1
      end
      local function some_of(model) return pool[draw(8)] or model end
      local acts = {
        function(model, x)
          model:fit_for(x, 0, { on_iteration = function()
            if draw(3) == 1 then error "enough" end
            if draw(3) == 1 then collectgarbage() end
            pcall(some_of(model).fit_for, some_of(model), x, 0)
          end })
        end,
        function(model, x)
          local co = coroutine.create(function()
            model:fit_for(function() coroutine.yield() return x end, 0)
          end)
          for _ = 1, draw(3) do coroutine.resume(co) end
        end,
        function(model, x) for _ in model:steps(x, { budget = 1e-9 }) do if draw(4) == 1 then break end end end,
        function(model) model:partial_fit(data[2]) end,
        function(model, x) -- weights that nobody else has
          model:fit_for(x, 0, { weights = latent.matrix(#x, 1, 1):col(1) })
          collectgarbage()
        end,
      }
      local done = 0
      for i = 1, 1500 do
        local slot = draw(8)
        if not pool[slot] or draw(20) == 1 then pool[slot] = makers[draw(#makers)]() end
        local act, x = acts[draw(10)], data[draw(#data)]
        if act then pcall(act, pool[slot], x) end
        if pcall(pool[slot].fit_for, pool[slot], x, 0) then done = done + 1 end
      end
      print(done > 1000)]]
    assert.is_truthy(ok, output)
    assert.are.equal("true\n", output)
  end)

  it("that are abandoned leave nothing", function()
    local output, ok = helper.lua [[
      local latent = require "latent"
      local X = latent.matrix.normal(3000, 4)
      local function maps()
        local n = 0
        for _ in io.lines "/proc/self/maps" do n = n + 1 end
        return n
      end
      local function abandon(count)
        for _ = 1, count do
          local model = latent.gmm { components = 3 }
          model:fit_for(X, 0)
          local co = coroutine.wrap(function() latent.gmm():fit(function() coroutine.yield() end) end)
          co()
        end
        collectgarbage()
        collectgarbage()
        return maps(), collectgarbage "count"
      end
      abandon(1000) -- until allocators have what they keep, those of sanitizers too
      local before, kilobytes = abandon(1000)
      local after, more = abandon(1000)
      print(after - before < 10, more - kilobytes < 100)]]
    assert.is_truthy(ok, output)
    assert.are.equal("true\ttrue\n", output)
  end)
end)
