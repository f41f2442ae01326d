-- Tapes of latent.nn: steps, their gradients and memory, what isn't finite, bad input, finalizers.
local latent = require "latent"
local helper = require "helper"
local nn, matrix, fails = latent.nn, latent.matrix, helper.fails

describe("a step", function()
  it("replaces gradients, or adds to them", function()
    local store = nn.parameters { dtype = "float64" }:add("w", 1, 2):add("idle", 1, 1)
    store:set("w", { { 3, -1 } })
    local tape = nn.tape(store)
    local function loss() return tape:parameter(store, "w"):square():sum() end
    loss():backward()
    assert.near_matrix({ { 6, -2 } }, store:gradient "w", 0)
    assert.near_matrix({ { 0 } }, store:gradient "idle", 0)
    loss():backward()
    assert.near_matrix({ { 6, -2 } }, store:gradient "w", 0)
    loss():backward { accumulate = true }
    assert.near_matrix({ { 12, -4 } }, store:gradient "w", 0)
    tape:reset()
    tape:parameter(store, "idle"):sum():backward()
    assert.near_matrix({ { 0, 0 } }, store:gradient "w", 0)
    assert.near_matrix({ { 1 } }, store:gradient "idle", 0)
    tape:parameter(store, "idle"):backward { accumulate = true } -- a loss that is a parameter itself
    assert.near_matrix({ { 2 } }, store:gradient "idle", 0)
    tape:parameter(store, "idle"):backward()
    assert.near_matrix({ { 1 } }, store:gradient "idle", 0)
  end)

  it("takes parameters of several stores", function()
    local a = nn.parameters { dtype = "float64" }:add("w", 1, 1):set("w", 2)
    local b = nn.parameters { dtype = "float64" }:add("w", 1, 1):set("w", 5)
    local tape = nn.tape(a)
    ;(tape:parameter(a, "w") % tape:parameter(b, "w")):sum():backward()
    assert.are.equal(5, a:gradient "w"(1, 1))
    assert.are.equal(2, b:gradient "w"(1, 1))
  end)

  it("forgets its values: one of an earlier step raises", function()
    local tape = nn.tape()
    local x = tape:input { { 1 } }
    tape:reset()
    fails("value:exp: the value belongs to an earlier step", x.exp, x)
    fails("belongs to an earlier step", function() return x + tape:input { { 1 } } end)
    fails("belongs to an earlier step", x.value, x)
    fails("belongs to an earlier step", function() return x.rows end)
    assert.are.equal("latent.Value (of an earlier step)", tostring(x))
    fails("belongs to another tape", function() return tape:input { { 1 } } + nn.tape():input { { 1 } } end)
  end)

  it("goes on after an error", function()
    local tape = nn.tape()
    local x = tape:input({ { 1, 2 } }, { gradient = true })
    fails("value + value: 1x2 and 1x3 don't fit each other", function() return x + { { 1, 2, 3 } } end)
    fails("don't fit as a matrix product (% is element by element)", function() return x * x end)
    x:square():sum():backward()
    assert.near_matrix({ { 2, 4 } }, x:gradient(), 0)
  end)

  it("takes no memory after the first one", function()
    local store = nn.parameters()
    local net = nn.mlp(store, "n", { 20, 50, 20 })
    local adam, tape = nn.adam(store), nn.tape(store)
    local X = matrix.random(64, 20, 1)
    local function step()
      tape:reset()
      tape:bernoulli_nll(net(tape:input(X)), X):mean():backward()
      adam:step()
    end
    step()
    step()
    local bytes = tape.bytes
    for _ = 1, 50 do step() end
    assert.are.equal(bytes, tape.bytes)
    collectgarbage()
    collectgarbage()
    local before = collectgarbage "count"
    for _ = 1, 300 do step() end
    collectgarbage()
    collectgarbage()
    assert.is_true(collectgarbage "count" - before < 20)
  end)

  it("gives the same bits with one and two threads", function()
    local function train(threads)
      local before = latent.threads()
      latent.threads(threads)
      local store = nn.parameters { seed = 4 }
      local encode = nn.mlp(store, "e", { 300, 257, 20 }, { activation = "tanh" })
      local decode = nn.mlp(store, "d", { 10, 257, 300 }, { activation = "gelu" })
      local adam, tape = nn.adam(store), nn.tape(store, { seed = 5 })
      local X, losses = matrix.random(301, 300, 6), {}
      for i = 1, 5 do
        tape:reset()
        local m, v = encode(tape:input(X)):split(10)
        local z = tape:reparameterize(m, v)
        local loss = (tape:bernoulli_nll(decode(z), X) + tape:kl_standard_normal(m, v)):mean()
        loss:backward()
        store:clip(1)
        adam:step()
        store:average(0.9)
        losses[i] = loss:value()
      end
      latent.threads(before)
      return store, losses
    end
    local one, losses1 = train(1)
    local two, losses2 = train(2)
    assert.are.same(losses1, losses2)
    for _, name in ipairs(one:names()) do
      assert.is_true(one:get(name) == two:get(name), name)
      assert.is_true(one:averaged(name) == two:averaged(name), name)
    end
  end)
end)

describe("what isn't finite", function()
  it("is named by its operation when it reaches the loss, and parameters stay", function()
    local store = nn.parameters():add("w", 1, 2)
    store:set("w", { { 1, -1 } })
    local adam, tape = nn.adam(store), nn.tape(store)
    local loss = tape:parameter(store, "w"):log():sum()
    fails("value:backward: the loss is not finite: the result of log is NaN at row 1, column 2", loss.backward, loss)
    assert.near_matrix({ { 1, -1 } }, store:get "w", 0)
    assert.are.equal(0, adam.steps)
  end)

  it("in a gradient stops the optimizer before anything changes", function()
    local store = nn.parameters { dtype = "float64" }:add("w", 1, 1):add("other", 1, 1):set("w", 1e-200)
    local adam, tape = nn.adam(store), nn.tape(store)
    -- the loss is 1e200, and its derivative 1e400
    local loss = (tape:parameter(store, "w") * 1e200 * 1e200 + tape:parameter(store, "other")):sum()
    loss:backward()
    fails("adam:step: the gradient of 'w' is infinite; the parameters are those of the last good step", adam.step, adam)
    assert.are.equal(1e-200, store:get "w"(1, 1))
    assert.are.equal(0, store:get "other"(1, 1))
    assert.are.equal(0, adam.steps)
  end)

  it("is found at once by tape:check, with the line", function()
    local tape = nn.tape():check(true)
    local x = tape:input { { 1, -1 } }
    local ok, message = pcall(function() return x:log() end)
    local line = debug.getinfo(1, "l").currentline - 1
    assert.is_false(ok)
    assert.are.equal(("spec/nn_tape_spec.lua:%d: value:log: the result of log (line %d) is NaN at row 1, column 2")
      :format(line, line), message)
    tape:check(false)
    x:log()
  end)

  it("in a gradient is found by tape:check, too", function()
    local tape = nn.tape { dtype = "float64" }:check(true)
    local x = tape:input({ { 1e-300 } }, { gradient = true })
    local y = (x * 1e200 * 1e200):sum()
    fails("the gradient of input", y.backward, y)
  end)
end)

describe("bad input", function()
  it("raises, naming the shapes", function()
    local store = nn.parameters()
    local net = nn.linear(store, "l", 3, 2)
    local tape = nn.tape(store)
    fails("net: x is 1x2, the weights are 3x2: 2 columns against 3 rows", net, tape:input { { 1, 2 } })
    fails("x must be a value of a tape", net, { { 1, 2, 3 } })
    fails("the mean is 1x2, the log-variance is 2x1", tape.reparameterize, tape, { { 1, 2 } }, { { 1 }, { 2 } })
    fails("the logits is 1x2, x is 1x1", tape.bernoulli_nll, tape, { { 1, 2 } }, { { 1 } })
    fails("a loss is one number, got a 1x3 value", function() tape:input({ { 1, 2, 3 } }):backward() end)
    fails("the loss depends on no parameter", function() tape:input({ { 1 } }):backward() end)
    fails("columns are no multiple of 2", function() tape:input({ { 1, 2, 3 } }):split(2) end)
    fails("last 4 is outside 1..3", function() tape:input({ { 1, 2, 3 } }):columns(1, 4) end)
    fails("row 3 is none of 1..1", function() tape:input({ { 1 } }):gather { 3 } end)
    fails("must be at most", function() tape:input({ { 1 } }):clamp(2, 1) end)
    fails("groups of 2 rows", function() tape:input({ { 1 }, { 2 }, { 3 } }):log_mean_exp(2) end)
    fails("dim must be 1 or 2", function() tape:input({ { 1 } }):sum(3) end)
    fails("it has none", function() tape:input({ { 1 } }):gradient() end)
    fails("memory", function() tape:input(matrix.ones(1000, 1000)):repeat_rows(1 << 40) end)
    fails("parameters are float64, the tape is float32", function()
      local wide = nn.parameters { dtype = "float64" }:add("w", 1, 1)
      tape:parameter(wide, "w")
    end)
    fails("dtype must be the store's", nn.tape, store, { dtype = "float64" })
    assert.are.equal(3, tape:input({ { 1, 2 } }):sum():value()) -- and the tape works still
  end)

  it("takes any view and type of matrix", function()
    local tape = nn.tape()
    local X = matrix.random(6, 4, 1)
    assert.near_matrix(X:t(), tape:input(X:t()):matrix(), 1e-7)
    assert.near_matrix(X:block(2, 5, 2, 3), tape:input(X:block(2, 5, 2, 3)):matrix(), 1e-7)
    assert.near_matrix(X, tape:input(X:to "float32"):matrix(), 1e-7)
    assert.are.equal("float32", tape:input(X):matrix().dtype)
    local out = matrix(6, 4, 0):to "float32"
    assert.are.equal(out, tape:input(X):matrix { out = out })
  end)
end)

describe("a finalizer", function()
  -- Runs f while every allocation may finalize something, which calls g.
  local function under(g, f)
    for _ = 1, 4 do setmetatable({}, { __gc = g }) end
    collectgarbage("setpause", 0)
    local results = table.pack(pcall(f))
    collectgarbage("setpause", 200)
    collectgarbage()
    return table.unpack(results, 1, results.n)
  end

  it("may add parameters to the store that is read or written", function()
    local store, count = nn.parameters { seed = 1 }, 0
    store:add("first", 2, 2)
    store:set("first", { { 1, 2 }, { 3, 4 } })
    local function grow()
      for _ = 1, 20 do
        count = count + 1
        store:add("more" .. count, 50, 50)
      end
    end
    for _ = 1, 5 do
      local ok, found = under(grow, function() return store:get "first" end)
      assert.is_true(ok, found)
      assert.are.same({ { 1, 2 }, { 3, 4 } }, found:table())
      assert.is_true((under(grow, function() store:set("first", { { 5, 6 }, { 7, 8 } }) end)))
      assert.are.same({ { 5, 6 }, { 7, 8 } }, store:get("first"):table())
      store:set("first", { { 1, 2 }, { 3, 4 } })
    end
    assert.is_true(count > 0)
  end)

  it("may begin another step of the tape that is read", function()
    local tape = nn.tape { dtype = "float64" }
    for _ = 1, 5 do
      tape:reset()
      local x = tape:input({ { 1, 2 }, { 3, 4 } }, { gradient = true })
      local y = (x % x):sum()
      y:backward()
      for _, read in ipairs { function() return x:matrix() end, function() return x:gradient() end,
        function() return tostring(x) end, function() return (x + x):matrix() end } do
        local ok, found = under(function()
          tape:reset()
          tape:input(latent.matrix.zeros(300, 300))
        end, read)
        assert.is_true(ok or tostring(found):find "step" ~= nil, tostring(found))
        tape:reset()
        x = tape:input({ { 1, 2 }, { 3, 4 } }, { gradient = true })
        y = (x % x):sum()
        y:backward()
      end
    end
  end)
end)
