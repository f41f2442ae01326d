-- Optimizers of latent.nn and schedules of their learning rates.
-- Numbers called PyTorch's were computed with PyTorch 2.13.0 in float64.
local latent = require "latent"
local helper = require "helper"
local nn, fails = latent.nn, helper.fails

describe("optimizers", function()
  -- five steps on w^4/4 from (1, -2, 3)
  local function run(name, options, steps)
    local store = nn.parameters { dtype = "float64" }:add("w", 1, 3)
    store:set("w", { { 1, -2, 3 } })
    local optimizer, tape = nn[name](store, options), nn.tape(store)
    for _ = 1, steps or 5 do
      tape:reset()
      ;(tape:parameter(store, "w"):square():square():sum() / 4):backward()
      optimizer:step()
    end
    return store:get "w", optimizer
  end

  it("go where PyTorch's go", function()
    for _, case in ipairs {
      { "sgd", { learning_rate = 0.01 }, 0.952829896236585, -1.67732758993228, 2.12160038191102 },
      { "sgd", { learning_rate = 0.01, momentum = 0.9 }, 0.877176118005385, -1.17348738840974, 0.748839762943534 },
      { "sgd", { learning_rate = 0.01, momentum = 0.9, nesterov = true, weight_decay = 0.1 }, 0.835416533367431,
        -1.06274366841966, 0.697777998554572 },
      { "adam", { learning_rate = 0.1 }, 0.533922382303641, -1.51196636220827, 2.50674183542725 },
      { "adam", { learning_rate = 0.1, beta1 = 0.5, beta2 = 0.9, epsilon = 1e-3, weight_decay = 0.1 },
        0.575141503790412, -1.53627871083398, 2.52330330854646 },
      { "adamw", { learning_rate = 0.1, weight_decay = 0.1 }, 0.499304625601164, -1.42723662471851, 2.37240565743949 },
      { "adamax", { learning_rate = 0.1 }, 0.619210374339137, -1.56843828181446, 2.54777821125806 },
      { "rmsprop", { learning_rate = 0.1, decay = 0.9 }, 0.433821774557775, -1.22353987241141, 2.13158959731794 },
    } do
      assert.near_matrix({ { case[3], case[4], case[5] } }, (run(case[1], case[2])), 1e-13)
    end
  end)

  it("move only the parameters that they are given", function()
    local store = nn.parameters { dtype = "float64" }:add("a.x", 1, 1):add("b.x", 1, 1):add("a.y", 1, 1)
    local tape = nn.tape(store)
    local loss = tape:parameter(store, "a.x") + tape:parameter(store, "b.x") + tape:parameter(store, "a.y")
    loss:sum():backward()
    nn.sgd(store, { parameters = "a.", learning_rate = 1 }):step()
    assert.are.same({ -1, 0, -1 }, { store:get "a.x"(1, 1), store:get "b.x"(1, 1), store:get "a.y"(1, 1) })
    nn.sgd(store, { parameters = { "b.x", "a.y" }, learning_rate = 1 }):step()
    assert.are.same({ -1, -1, -2 }, { store:get "a.x"(1, 1), store:get "b.x"(1, 1), store:get "a.y"(1, 1) })
    fails("no parameter's name begins with 'c'", nn.sgd, store, { parameters = { "a", "c" } })
  end)

  it("follow a schedule of the step", function()
    local seen = {}
    local function schedule(step)
      seen[#seen + 1] = step
      return 0.5
    end
    local half = run("sgd", { learning_rate = 0.02, schedule = schedule })
    assert.are.same({ 0, 1, 2, 3, 4 }, seen)
    assert.near_matrix((run("sgd", { learning_rate = 0.01 })), half, 1e-16)
    assert.near_matrix({ { 1, -2, 3 } }, (run("adam", { schedule = nn.constant(0) })), 0)
    fails("the schedule must give a finite number >= 0, at step 0 it gave -1", run, "sgd",
      { schedule = function() return -1 end })
  end)

  it("refuse learning rates that can't be", function()
    local store = nn.parameters():add("w", 1, 1)
    for _, rate in ipairs { 0, -1, 1 / 0, 0 / 0 } do
      fails("learning_rate", nn.adam, store, { learning_rate = rate })
    end
    local adam = nn.adam(store)
    fails("must be positive and finite", function() adam.learning_rate = 0 end)
    fails("must be a number", function() adam.learning_rate = "fast" end)
    adam.learning_rate = 0.5
    assert.are.equal(0.5, adam.learning_rate)
    fails("only learning_rate can be set", function() adam.steps = 3 end)
    fails("did you mean 'learning_rate'", nn.adam, store, { learningrate = 1 })
    fails("unknown option 'momentum'", nn.adam, store, { momentum = 0.9 })
    fails("nesterov needs a momentum", nn.sgd, store, { nesterov = true })
    fails("beta1", nn.adam, store, { beta1 = 1 })
    fails("the store has no parameters yet", nn.adam, nn.parameters())
  end)

  it("clip by the norm of all gradients", function()
    local store = nn.parameters { dtype = "float64" }:add("a", 1, 2):add("b", 1, 1)
    local tape = nn.tape(store)
    local function backward()
      tape:reset()
      ;((tape:parameter(store, "a") % { { 3, 0 } }):sum() + (tape:parameter(store, "b") * 4):sum()):backward()
    end
    backward()
    assert.are.equal(5, store:clip(10))
    assert.near_matrix({ { 3, 0 } }, store:gradient "a", 0)
    assert.are.equal(5, store:clip(1))
    assert.near_matrix({ { 0.6, 0 } }, store:gradient "a", 1e-15)
    assert.near_matrix({ { 0.8 } }, store:gradient "b", 1e-15)
    fails("norm must be positive", store.clip, store, 0)
  end)

  it("have averages of the parameters", function()
    local store = nn.parameters { dtype = "float64" }:add("w", 1, 1)
    local expected
    for n = 0, 30 do
      store:set("w", n * n)
      store:average(0.7)
      local d = n == 0 and 0 or math.min(0.7, (1 + n) / (10 + n))
      expected = d * (expected or 0) + (1 - d) * n * n
      assert.near_matrix({ { expected } }, store:averaged "w", 1e-12)
    end
    store:swap()
    assert.near_matrix({ { expected } }, store:get "w", 1e-12)
    assert.are.equal(900, store:averaged "w"(1, 1))
    store:swap()
    assert.are.equal(900, store:get "w"(1, 1))
    fails("there are no averages", nn.parameters().swap, nn.parameters())
  end)
end)

describe("schedules", function()
  it("are functions of the step", function()
    local cosine = nn.cosine(100, { final = 0.2 })
    assert.are.equal(1, cosine(0))
    assert.near_matrix(0.6, cosine(50), 1e-15)
    assert.near_matrix(0.2, cosine(100), 1e-15)
    assert.near_matrix(0.2, cosine(1000), 1e-15)
    local warm = nn.warm_up(4, nn.cosine(10))
    assert.are.same({ 0.25, 0.5, 0.75, 1, 1 }, { warm(0), warm(1), warm(2), warm(3), warm(4) })
    assert.near_matrix(0.5, warm(9), 1e-15)
    assert.are.equal(1, nn.warm_up(4)(100))
    assert.are.equal(0.5, nn.constant(0.5)(3))
    fails("steps must be an integer >= 1", nn.cosine, 0)
    fails("final", nn.cosine, 10, { final = 2 })
    fails("schedule must be a function", nn.warm_up, 3, 4)
  end)
end)
