-- latent.nn: values, stores, nets, optimizers, steps. Gradients have a spec of their own (nn_gradients).
-- Numbers called PyTorch's were computed with PyTorch 2.13.0 in float64.
local latent = require "latent"
local helper = require "helper"
local nn, matrix, fails = latent.nn, latent.matrix, helper.fails

local function double() return nn.tape { dtype = "float64" } end

describe("values", function()
  it("are computed at once, and are matrices", function()
    local tape = double()
    local x = tape:input { { 1, -2 }, { 3, 4 } }
    assert.are.equal(2, x.rows)
    assert.are.equal(2, x.cols)
    assert.near_matrix({ { 1, 0 }, { 3, 4 } }, x:relu():matrix(), 0)
    assert.are.equal(6, x:sum():value())
    assert.are.equal(1.5, x:mean():value())
    assert.near_matrix({ { 4, 2 } }, x:sum(1):matrix(), 0)
    assert.near_matrix({ { -0.5 }, { 3.5 } }, x:mean(2):matrix(), 0)
    assert.near_matrix({ { 1 }, { 3 } }, x:columns(1):matrix(), 0)
    assert.near_matrix({ { -2 }, { 4 } }, x:columns(-1):matrix(), 0)
    assert.near_matrix({ { 3, 4 }, { 1, -2 }, { 3, 4 } }, x:gather({ 2, 1, 2 }):matrix(), 0)
    assert.near_matrix({ { 1, 3 }, { -2, 4 } }, x:t():matrix(), 0)
    assert.near_matrix({ { 1, -2, 1 }, { 3, 4, 3 } }, x:concat(x:columns(1)):matrix(), 0)
    assert.is_truthy(tostring(x):find "2x2" or tostring(x):find "%-2")
  end)

  it("have the operators of matrices", function()
    local tape = double()
    local A, B = matrix { { 1, 2 }, { 3, 4 } }, matrix { { 5, 6 }, { 7, 8 } }
    local a, b = tape:input(A), tape:input(B)
    assert.near_matrix(A * B, (a * b):matrix(), 0)
    assert.near_matrix(A % B, (a % b):matrix(), 0)
    assert.near_matrix(A / B, (a / b):matrix(), 1e-16)
    assert.near_matrix(A + B, (a + B):matrix(), 0)
    assert.near_matrix(A - B, (a - b):matrix(), 0)
    assert.near_matrix(A * -2, (-2 * a):matrix(), 0)
    assert.near_matrix({ { 0, -1 }, { -2, -3 } }, (1 - a):matrix(), 0)
    assert.near_matrix({ { 1, 1 / 2 }, { 1 / 3, 1 / 4 } }, (1 / a):matrix(), 1e-16)
    assert.near_matrix({ { 11, 22 }, { 13, 24 } }, (a + { { 10, 20 } }):matrix(), 0)
  end)

  it("agree with PyTorch's activations", function()
    local tape = double()
    local x = tape:input({ { -3, -0.5, 0, 0.5, 2 } }, { gradient = true })
    local expected = {
      gelu = { { -0.00404969409489031, -0.15426876936299344, 0, 0.34573123063700656, 1.9544997361036416 },
        { -0.01194564720418392, 0.13250487534383712, 0.5, 0.8674951246561629, 1.085231801078197 } },
      silu = { { -0.14227761953270035, -0.1887703343990727, 0, 0.3112296656009273, 1.7615941559557646 },
        { -0.08810410601516962, 0.2600388126973482, 0.5, 0.7399611873026519, 1.0907842487848955 } },
      softplus = { { 0.04858735157374206, 0.4740769841801067, 0.6931471805599453, 0.9740769841801067,
        2.1269280110429727 },
        { 0.04742587317756679, 0.37754066879814546, 0.5, 0.6224593312018546, 0.8807970779778824 } },
      elu = { { -0.950212931632136, -0.3934693402873666, 0, 0.5, 2 },
        { 0.049787068367863944, 0.6065306597126334, 1, 1, 1 } },
    }
    for name, numbers in pairs(expected) do
      local y = x[name](x)
      y:sum():backward()
      assert.near_matrix({ numbers[1] }, y:matrix(), 1e-15)
      assert.near_matrix({ numbers[2] }, x:gradient(), 1e-15)
    end
  end)

  it("keep NaN: no activation hides it", function()
    local tape = double()
    local x = tape:input { { 0 / 0 } }
    for f in ("relu leaky_relu elu tanh sigmoid softplus silu gelu abs square"):gmatch "%S+" do
      local y = x[f](x):value()
      assert.is_true(y ~= y, f)
    end
    local s = nn.parameters { dtype = "float64" }
    local y = nn.linear(s, "l", 1, 1, { activation = "relu" })(x):value()
    assert.is_true(y ~= y)
  end)

  it("don't overflow where the result doesn't", function()
    local tape = nn.tape()
    local x = tape:input { { 1000, 1001, 999 }, { -1000, -1001, -999 } }
    local expected = 1 + math.log(1 + math.exp(-1) + math.exp(-2))
    assert.near_matrix({ { 1000 + expected }, { -1000 + expected } }, x:log_sum_exp():matrix(), 1e-4)
    assert.near_matrix({ { 1000, 0 } }, tape:input({ { 1000, -1000 } }):softplus():matrix(), 0)
    local infinite = double():input({ { -1 / 0, -1 / 0 } }, { gradient = true })
    local y = infinite:log_sum_exp()
    assert.are.equal(-1 / 0, y:value())
    assert.near_matrix({ { math.log(3) } }, double():input({ { 0 }, { math.log(5) } }):log_mean_exp(2):matrix(), 1e-15)
  end)
end)

describe("likelihoods and divergences", function()
  it("agree with PyTorch's", function()
    local tape = double()
    local mean, v, mean2, v2 = { { 1, -2 } }, { { 0.3, -1 } }, { { 0, 0.5 } }, { { -0.2, 0.7 } }
    assert.near_matrix({ { 0.8976643357538487 }, { 1.0064088680781682 } },
      tape:bernoulli_nll({ { -3, 0.5, 40 }, { 0, -200, 1 } }, { { 0, 0.25, 1 }, { 0.5, 0, 1 } }):matrix(), 1e-14)
    -- PyTorch expands its normalizer to second order near 1/2, so 1e-6 here
    assert.near_matrix({ { -2.419066226563832 }, { -3.4544073793355605 } },
      tape:continuous_bernoulli_nll({ { -3, 0.5, 4 }, { 1e-3, -20, 1 } }, { { 0, 0.25, 1 }, { 0.5, 0, 1 } }):matrix(),
      1e-6)
    assert.near_matrix(2.708869124373723, tape:kl_standard_normal(mean, v):value(), 1e-14)
    assert.near_matrix(2.708869124373723, tape:kl_units(mean, v):sum():value(), 1e-14)
    assert.near_matrix(2.6782328508046715, tape:kl_normal(mean, v, mean2, v2):value(), 1e-14)
    assert.near_matrix(2.708869124373723, tape:kl_normal(mean, v, 0, 0):value(), 1e-14)
    assert.near_matrix(10.35291689068472, tape:gaussian_nll(mean, v, mean2):value(), 1e-13)
    assert.near_matrix(3.653641320344727, tape:gaussian_mixture_nll({ { 0.3, -1 } }, { { 1, -2 }, { 0, 0.5 } },
      { { 0.3, -1 }, { -0.2, 0.7 } }, { { 0.2, 0.4 } }):value(), 1e-14)
    assert.near_matrix({ { 2.4076059644443806 }, { 0.009174484591734727 } },
      tape:categorical_nll({ { 1, 2, 3 }, { 0, -1, 5 } }, { 1, 3 }):matrix(), 1e-14)
  end)

  it("of the continuous Bernoulli distribution integrate to 1, also beside 0", function()
    local tape = double()
    for _, l in ipairs { -30, -3, -0.31, -0.29, -1e-3, 0, 1e-9, 0.2999, 0.3001, 2, 30 } do
      local n, sum = 2000, 0 -- Simpson's rule
      local nll = tape:continuous_bernoulli_nll(matrix(n + 1, 1, l), matrix.linspace(0, 1, n + 1):column()):matrix()
      for i = 1, n + 1 do
        local weight = (i == 1 or i == n + 1) and 1 or i % 2 == 0 and 4 or 2
        sum = sum + weight * math.exp(-nll(i, 1)) / (3 * n)
      end
      assert.is_true(math.abs(sum - 1) < 1e-9, ("logit %g: %.12g"):format(l, sum))
    end
  end)

  it("take groups of categories", function()
    local tape = double()
    local logits = matrix.normal(4, 6, 5)
    local labels = matrix { { 1, 3 }, { 2, 2 }, { 3, 1 }, { 1, 1 } }
    local left = tape:categorical_nll(logits:block(1, 4, 1, 3), labels:block(1, 4, 1, 1))
    local right = tape:categorical_nll(logits:block(1, 4, 4, 6), labels:block(1, 4, 2, 2))
    local both = tape:categorical_nll(logits, labels, { categories = 3 })
    assert.near_matrix((left + right):matrix(), both:matrix(), 1e-14)
  end)

  it("refuse data and labels outside of their range, and say where", function()
    local tape = nn.tape()
    local l = tape:input(matrix.zeros(2, 3))
    fails("x has 1.5 at row 2, column 1; it must be between 0 and 1", tape.bernoulli_nll, tape, l,
      { { 0, 0, 0 }, { 1.5, 0, 0 } })
    fails("x has NaN at row 1", tape.continuous_bernoulli_nll, tape, l, { { 0 / 0, 0, 0 }, { 1, 0, 0 } })
    fails("tape:categorical_nll: label 4.0 in row 2 is none of 1..3", tape.categorical_nll, tape, l, { 1, 4 })
    fails("label 0.0 in row 1", tape.categorical_nll, tape, l, { 0, 1 })
    fails("label 1.5", tape.categorical_nll, tape, l, { 1.5, 1 })
    fails("the labels are 3x1, for these logits they must be 2x1", tape.categorical_nll, tape, l, { 1, 1, 1 })
    fails("no multiple of 2", tape.categorical_nll, tape, l, { 1, 1 }, { categories = 2 })
  end)

  it("draw noise that depends on seed, step and place only", function()
    local function draws(seed, step)
      local tape = nn.tape { seed = seed }
      tape:state { step = step }
      local zero = tape:input(matrix.zeros(200, 30))
      local z = tape:reparameterize(zero, zero)
      return z:matrix(), tape:reparameterize(zero, zero):matrix()
    end
    local a, b = draws(1, 5)
    assert.is_false(a == b)
    assert.is_true(a == (draws(1, 5)))
    assert.is_false(a == (draws(1, 6)))
    assert.is_false(a == (draws(2, 5)))
    assert.is_true(math.abs(a:mean()) < 0.05 and math.abs(a:var() - 1) < 0.05)
    local tape = nn.tape { seed = 1 }
    assert.is_false(tape:normal(2, 2):matrix() == tape:normal(2, 2):matrix())
    local u = tape:uniform(100, 100):matrix()
    assert.is_true(u:min() >= 0 and u:max() < 1 and math.abs(u:mean() - 0.5) < 0.01)
  end)
end)

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

describe("products", function()
  it("are right for sizes that are cut up, and for every transpose", function()
    local tape = nn.tape()
    for _, s in ipairs { { 130, 1100, 70 }, { 1, 2050, 33 }, { 700, 40, 16 }, { 25, 64, 200 }, { 3000, 17, 5 } } do
      local A, B = matrix.normal(s[1], s[2], 1):to "float32", matrix.normal(s[2], s[3], 2):to "float32"
      local expected = A:to "float64" * B:to "float64"
      for _, left in ipairs { false, true } do
        for _, right in ipairs { false, true } do
          tape:reset()
          local a, b = tape:input(left and A:t() or A), tape:input(right and B:t() or B)
          local y = a:product(b, { left_transposed = left, right_transposed = right })
          -- each sum is of s[2] products: errors of some ulp of their root mean square
          assert.near_matrix(expected, y:matrix(), 1e-6 * s[2] ^ 0.5 * 5)
        end
      end
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
    assert.are.equal(("spec/nn_spec.lua:%d: value:log: the result of log (line %d) is NaN at row 1, column 2")
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

describe("nets", function()
  it("are what their formula says", function()
    local store = nn.parameters { dtype = "float64", seed = 2 }
    local net = nn.mlp(store, "f", { 3, 4, 2 }, { activation = "tanh", last = "sigmoid" })
    assert.are.same({ "f.1.weight", "f.1.bias", "f.2.weight", "f.2.bias" }, store:names())
    assert.are.same(store:names(), net:parameters())
    assert.are.equal(3 * 4 + 4 + 4 * 2 + 2, store.count)
    store:set("f.1.bias", { 0.1, -0.2, 0.3, 0 })
    local X = matrix.normal(5, 3, 7)
    local h = (X * store:get "f.1.weight" + store:get "f.1.bias":row(1)):tanh()
    local y = (h * store:get "f.2.weight" + store:get "f.2.bias":row(1)):sigmoid()
    assert.near_matrix(y, net(nn.tape(store):input(X)):matrix(), 1e-15)
    assert.are.equal("latent.Net (3 -> 4 tanh -> 2 sigmoid)", tostring(net))
    assert.are.equal(3, net.inputs)
    assert.are.equal(2, net.outputs)
  end)

  it("of several parts do one after the other", function()
    local store = nn.parameters { dtype = "float64" }
    local a, b = nn.linear(store, "a", 3, 4), nn.linear(store, "b", 4, 2, { activation = "relu" })
    local net = nn.sequential { a, "tanh", b }
    local x = nn.tape(store):input(matrix.normal(5, 3, 7))
    assert.near_matrix(b(a(x):tanh()):matrix(), net(x):matrix(), 0)
    fails("part 2 takes 3 columns, the part before gives 4", nn.sequential, { a, a })
    fails("at least one net", nn.sequential, { "relu" })
    fails("did you mean 'relu'", nn.sequential, { a, "rellu" })
    fails("in another store", nn.sequential, { a, nn.linear(nn.parameters(), "c", 4, 1) })
  end)

  it("begin with the deviations that their initialization says", function()
    local n, m = 400, 300
    local function weights(init, gain)
      local store = nn.parameters { seed = 3 }
      nn.linear(store, "l", n, m, { init = init, gain = gain })
      return store:get "l.weight":to "float64", store:get "l.bias":to "float64"
    end
    local expected = { he = 2 / n, glorot = 2 / (n + m), lecun = 1 / n, torch = 1 / (3 * n) }
    for init, variance in pairs(expected) do
      local W, b = weights(init)
      assert.is_true(math.abs(W:var() / variance - 1) < 0.02, init)
      assert.is_true(math.abs(W:mean()) < 4 * math.sqrt(variance / (n * m)), init)
      assert.is_true((b:abs():max() == 0) == (init ~= "torch"), init)
    end
    assert.are.equal(0, (weights "zero"):abs():max())
    assert.is_true((weights "torch") == (weights()))
    local store = nn.parameters()
    nn.mlp(store, "m", { n, m, n }, { init = "auto" })
    assert.is_true(math.abs(store:get "m.1.weight":to "float64":var() * n / 2 - 1) < 0.02) -- he, for relu
    assert.is_true(math.abs(store:get "m.2.weight":to "float64":var() * (n + m) / 2 - 1) < 0.02) -- glorot
    assert.is_true(math.abs((weights("he", 3)):var() * n / 18 - 1) < 0.02)
    local Q = weights "orthogonal"
    assert.near_matrix(matrix.eye(m), Q:t() * Q, 1e-5)
    assert.is_true((weights "he") == (weights "he"))
  end)

  it("have input gradients whose penalties differentiate as PyTorch's double backward does", function()
    local X = { { 1, 2 }, { -0.5, 0.3 }, { 0.7, -1.5 } }
    local expected = { -- the penalty, and its gradients for W1, b1, W2 and X
      leaky_relu = { 0.9350992146976531, { 1.414837989252201, -2.0386877231825924, 0.2306604119031021,
        0.32939385819251527, -0.3236584818934217, 0.07670698648778625 }, { 0, 0, 0 },
        { 1.0368128528186158, -0.970795089307283, 0.8152518665295077 }, { 0, 0, 0, 0, 0, 0 } },
      tanh = { 1.3357449734436786, { 1.0859207637797512, -1.1030245393532006, -0.441800354464321, 0.15593924964188122,
        2.0007326081290864, -0.7885004161193199 }, { -0.29626313664182324, -0.4613973802134783, 0.2642933056075984 },
        { 0.6193345972927126, -1.405930679924753, 1.7317683376883852 },
        { -2.0620550265940025, 0.6617110981467412, 2.8112271047208512, -1.1496192185002392, 0.09268034498091458,
          -0.13177954427768754 } },
      softplus = { 0.5650115243134979, { 0.9324818079347501, -0.9450954935083307, 0.5194560469169469,
        0.18683819105595678, 0.3040846640981082, 0.26725801180406555 },
        { 0.12027902614514226, 0.606336796087338, 0.23427040762999038 },
        { 0.6028423766167625, -0.5635896252594206, 1.71537902896719 },
        { -0.01469832737477178, 0.026775614650171253, -0.002178864629103744, 0.06847013220484884, -0.060779275750910675,
          0.04294503277533035 } },
      gelu = { 0.4804000597967457, { 0.7365896106373385, -0.8787012741438508, 0.26390568697255856, 0.23614034018981017,
        1.1566473664418166, 0.4545016189601204 }, { 0.2304760557715579, 1.2494452412865733, 0.3193553531466137 },
        { 0.664083798960552, -0.48830585339851856, 0.623271105854978 },
        { -0.23308847598325272, 0.022445768226911605, -0.2833966595559255, 0.36568836139701744, 0.02098862843121145,
          -0.006373248669028718 } },
    }
    for activation, numbers in pairs(expected) do
      local store = nn.parameters { dtype = "float64" }
      local net = nn.mlp(store, "f", { 2, 3, 1 }, { activation = activation })
      store:set("f.1.weight", { { 0.5, -1, 2 }, { 1, 0.3, -0.7 } })
      store:set("f.1.bias", { 0.1, -0.2, 0.3 })
      store:set("f.2.weight", { { 1 }, { -2 }, { 0.5 } })
      local tape = nn.tape(store)
      local x = tape:input(X, { gradient = true })
      local g = net:input_gradient(x)
      local penalty = ((g:square():sum(2) + 1e-12):sqrt() - 1):square():mean()
      penalty:backward()
      assert.near_matrix(numbers[1], penalty:value(), 1e-14)
      assert.near_matrix(numbers[2], store:gradient "f.1.weight":flatten(), 1e-13)
      assert.near_matrix(numbers[3], store:gradient "f.1.bias":flatten(), 1e-13)
      assert.near_matrix(numbers[4], store:gradient "f.2.weight":flatten(), 1e-13)
      if activation ~= "leaky_relu" then -- of it x gets no gradient at all
        assert.near_matrix(numbers[5], x:gradient():flatten(), 1e-12)
      end
    end
  end)

  -- The mean of (|dy/dx| - 1)^2, by input gradients, as a function of all parameters.
  local function penalty_of(net, X)
    local tape = nn.tape(net.store)
    local g = net:input_gradient(tape:input(X))
    return ((g:square():sum(2) + 1e-12):sqrt() - 1):square():mean()
  end

  it("have penalties on input gradients whose gradients agree with differences, for every activation", function()
    for _, f in ipairs { "linear", "relu", "leaky_relu", "elu", "tanh", "sigmoid", "softplus", "silu", "gelu" } do
      for _, spectral in ipairs { false, true } do
        local store = nn.parameters { dtype = "float64", seed = 4 }
        local last = f == "relu" and "linear" or f -- of relus two may be 0 for all rows
        local net = nn.mlp(store, "f", { 3, 6, 5, 2 }, { activation = f, last = last, spectral = spectral, gain = 2 })
        local X, h, seen = matrix.normal(7, 3, 8), 1e-5, 0
        penalty_of(net, X):backward()
        for _, name in ipairs(store:names()) do
          local W, G = store:get(name), store:gradient(name)
          if name:find "%.u$" then
            assert.are.equal(0, G:abs():max())
          else
            for i = 1, W.rows do
              for j = 1, W.cols, 2 do
                local w = W(i, j)
                store:set(name, W:set(i, j, w + h))
                local up = penalty_of(net, X):value()
                store:set(name, W:set(i, j, w - h))
                local down = penalty_of(net, X):value()
                store:set(name, W:set(i, j, w))
                assert.is_near((up - down) / (2 * h), G(i, j), 2e-7, f .. " " .. name)
                seen = math.max(seen, math.abs(G(i, j)))
              end
            end
          end
        end
        assert.is_true(seen > 1e-2, f)
      end
    end
  end)

  it("are the same frozen, with the same gradient of what they take and none of their own", function()
    local store, other = nn.parameters { dtype = "float64" }, nn.parameters { dtype = "float64" }
    local net = nn.mlp(store, "d", { 4, 6, 1 }, { activation = "gelu", spectral = true })
    local g = nn.linear(other, "g", 2, 4)
    local Z = matrix.normal(5, 2, 3)
    local tape = nn.tape(store)
    local z = tape:input(Z, { gradient = true })
    net(g(z)):mean():backward()
    local whole, of_z = other:gradient "g.weight", z:gradient()
    assert.is_true(store:gradient "d.1.weight":abs():max() > 0)
    tape:reset()
    z = tape:input(Z, { gradient = true })
    local y = net:frozen(g(z))
    local value = y:mean()
    value:backward()
    assert.near_matrix(whole, other:gradient "g.weight", 0)
    assert.near_matrix(of_z, z:gradient(), 0)
    assert.near_matrix(net(g(z)):matrix(), y:matrix(), 0)
    tape:reset()
    fails("depends on no parameter", function() net:frozen(tape:input(matrix.ones(1, 4))):mean():backward() end)
  end)

  it("divide weights by their largest singular value, as the SVD has it", function()
    for _, sizes in ipairs { { 6, 4 }, { 4, 6 }, { 1, 5 }, { 5, 1 }, { 40, 35 } } do
      for dtype, tolerance in pairs { float64 = 1e-12, float32 = 2e-6 } do
        local store = nn.parameters { dtype = dtype, seed = 7 }
        local net = nn.linear(store, "l", sizes[1], sizes[2], { spectral = true, init = "he", bias = false })
        assert.are.same({ "l.weight", "l.u" }, net:parameters())
        assert.is_near(1, store:get "l.u":norm(), tolerance)
        local sigma
        for _ = 1, 300 do sigma = net:power_iteration() end
        local W = store:get "l.weight":to "float64"
        local U, s = latent.eigen.svd(W:t())
        assert.are.equal(1, #sigma)
        assert.is_near(s[1], sigma[1], tolerance * s[1])
        local u = store:get "l.u":to "float64"
        assert.is_near(1, math.abs((u * U:block(1, -1, 1, 1))(1, 1)), tolerance) -- the singular vector itself
        local given = nn.tape(store):input(matrix.eye(sizes[1]))
        assert.near_matrix(W / s[1], net(given):matrix():to "float64", 4 * tolerance)
      end
    end
  end)

  it("have the gradients of spectral normalization that PyTorch 2.13's has, through a penalty", function()
    local store = nn.parameters { dtype = "float64" }
    local net = nn.mlp(store, "f", { 2, 3, 1 }, { activation = "tanh", spectral = true })
    store:set("f.1.weight", { { 0.5, -1, 2 }, { 1, 0.3, -0.7 } }):set("f.1.bias", { 0.1, -0.2, 0.3 })
    store:set("f.2.weight", { { 1 }, { -2 }, { 0.5 } }):set("f.2.bias", 0)
    for _ = 1, 400 do net:power_iteration() end
    local x = nn.tape(store):input { { 1, 2 }, { -0.5, 0.25 }, { 0.3, -1 } }
    local loss = (net:input_gradient(x):square():sum(2):sqrt() - 1):square():mean() + net(x):mean()
    loss:backward()
    assert.is_near(0.5991953372117105, loss:value(), 1e-13)
    assert.near_matrix({ -0.10280310792358419, 0.11300746860447057, 0.11000857061289035, 0.008524646272870756,
      -0.16316662943440788, 0.02168968014580902 }, store:gradient "f.1.weight":flatten(), 1e-12)
    assert.near_matrix({ 0.32537357917305537, -0.9397711011745806, 0.2380264123917751 },
      store:gradient "f.1.bias":flatten(), 1e-12)
    assert.near_matrix({ 0.05220119533164379, 0.00366441316295929, -0.08974473801145044 },
      store:gradient "f.2.weight":flatten(), 1e-12)
  end)

  it("take a step of the power iteration as its formula has it, and keep u apart from training", function()
    local store = nn.parameters { dtype = "float64" }
    local net = nn.linear(store, "l", 3, 2, { spectral = true })
    store:set("l.weight", { { 1, 2 }, { -1, 0.5 }, { 0, 3 } })
    store:set("l.u", { { 0.6, 0.8 } })
    local W, u = store:get "l.weight", store:get "l.u"
    local v = W * u:t()
    v = v / v:norm()
    local next_u = v:t() * W
    next_u = next_u / next_u:norm()
    local sigma = net:power_iteration()
    assert.near_matrix(next_u, store:get "l.u", 1e-15)
    assert.is_near((W * next_u:t()):norm(), sigma[1], 1e-14)
    local adam = nn.adam(store, { weight_decay = 0.5 })
    net(nn.tape(store):input(matrix.ones(2, 3))):mean():backward()
    adam:step()
    assert.near_matrix(next_u, store:get "l.u", 1e-15)
    store:set("l.weight", 0) -- then nothing is known about u, and the layer is 0
    sigma = net:power_iteration()
    assert.are.equal(0, sigma[1])
    assert.near_matrix(next_u, store:get "l.u", 1e-15)
    store:set("l.bias", 0)
    assert.are.equal(0, net(nn.tape(store):input(matrix.ones(2, 3))):matrix():abs():max())
    fails("u is 1x3, for weights of 3x2 it must be 1x2", function()
      nn.tape(store):input(W):spectral(matrix.ones(1, 3))
    end)
  end)

  it("have input gradients that are the gradients of what they give", function()
    local store = nn.parameters { dtype = "float64" }
    local net = nn.sequential { nn.mlp(store, "f", { 4, 6, 3 }, { activation = "silu", last = "elu" }), "sigmoid" }
    local tape = nn.tape(store)
    local x, v = tape:input(matrix.normal(5, 4, 1), { gradient = true }), matrix.normal(5, 3, 2)
    ;(net(x) % v):sum():backward()
    local expected = x:gradient()
    assert.near_matrix(expected, net:input_gradient(x, v):matrix(), 1e-15)
  end)
end)

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

describe("stores", function()
  it("give and take parameters by name", function()
    local store = nn.parameters { seed = 1 }
    nn.linear(store, "l", 2, 3)
    local W = matrix { { 1, 2, 3 }, { 4, 5, 6 } }
    store:set("l.weight", W)
    assert.near_matrix(W, store:get "l.weight", 0)
    local copy = store:get "l.weight"
    copy:fill(0)
    assert.near_matrix(W, store:get "l.weight", 0)
    local other = nn.parameters()
    nn.linear(other, "m", 2, 3)
    assert.near_matrix(W, other:assign(store):get "m.weight", 0)
    fails("other shapes", store.assign, store, nn.parameters())
    fails("no parameter 'x'", store.get, store, "x")
    fails("'l.weight' is 2x3, the value is a 1x3 matrix", store.set, store, "l.weight", { { 1, 2, 3 } })
  end)

  it("are sealed by their first use", function()
    local store = nn.parameters()
    local net = nn.linear(store, "a", 1, 1)
    net(nn.tape(store):input { { 1 } })
    fails("'b.weight' comes too late", nn.linear, store, "b", 1, 1)
    fails("comes too late", store.add, store, "c", 1, 1)
  end)

  it("refuse names and shapes that can't be", function()
    local store = nn.parameters()
    nn.linear(store, "a", 2, 2)
    fails("has a parameter 'a.weight' already", nn.linear, store, "a", 2, 2)
    fails("no ':'", store.add, store, "a:b", 1, 1)
    fails("1 to 95 letters, got 0", store.add, store, "", 1, 1)
    fails("letters", store.add, store, ("x"):rep(200), 1, 1)
    fails("can't be", store.add, store, "huge", 1 << 40, 1 << 40)
    fails("not enough memory", store.add, store, "large", 1 << 20, 1 << 30)
    fails("sizes must be a list of 2 to 1000 integers, got 1", nn.mlp, store, "m", { 3 })
    fails("every size must be an integer >= 1, got 0", nn.mlp, store, "m", { 3, 0 })
    fails("nn.mlp: store must be what nn.parameters makes, got string", nn.mlp, "store", "m", { 1, 2 })
    fails("activation must be one of", nn.mlp, store, "m", { 1, 2 }, { activation = 3 })
    assert.are.same({ "a.weight", "a.bias" }, store:names())
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
    fails("row 3.0 is none of 1..1", function() tape:input({ { 1 } }):gather { 3 } end)
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

describe("checkpoints", function()
  local path
  before_each(function() path = os.tmpname() end)
  after_each(function() os.remove(path) end)

  local X, Y = matrix.normal(40, 5, 2), matrix.normal(40, 3, 3)

  local function make(sizes, seed)
    local t = { store = nn.parameters { seed = seed }, rng = latent.random(9) }
    t.net = nn.mlp(t.store, "n", sizes or { 5, 7, 3 })
    t.adam, t.tape = nn.adam(t.store), nn.tape(t.store, { seed = 5 })
    return t
  end

  local function train(t, steps)
    for _ = 1, steps do
      t.tape:reset()
      local rows = t.rng:integer(1, 40, 10)
      local x = t.tape:input(X:rows_at(rows)) + t.tape:normal(10, 5) * 0.1
      ;(t.net(x) - Y:rows_at(rows)):square():sum(2):mean():backward()
      t.adam:step()
      t.store:average(0.9)
    end
  end

  local function parts(t) return { optimizer = t.adam, tape = t.tape, random = t.rng } end

  it("go on as if training had not stopped, bit for bit", function()
    local straight, first, second = make(), make(), make(nil, 77)
    train(straight, 30)
    train(first, 17)
    local options = parts(first)
    options.fields = { epoch = 3, name = "run", list = { 1, 2.5 } }
    assert.is_true(first.store:save(path, options))
    train(first, 1) -- whatever comes after
    second.rng = latent.random(1)
    assert.are.same({ epoch = 3, name = "run", list = { 1, 2.5 } }, second.store:load(path, parts(second)))
    assert.are.equal(17, second.adam.steps)
    train(second, 13)
    for _, name in ipairs(straight.store:names()) do
      assert.is_true(straight.store:get(name) == second.store:get(name), name)
      assert.is_true(straight.store:averaged(name) == second.store:averaged(name), name)
    end
  end)

  it("are safetensors files that others read", function()
    local t = make()
    train(t, 2)
    assert(t.store:save(path, parts(t)))
    os.rename(path, path .. ".safetensors")
    local tensors, metadata = latent.read(path .. ".safetensors")
    os.remove(path .. ".safetensors")
    assert.near_matrix(t.store:get "n.2.weight", tensors["n.2.weight"], 0)
    assert.are.equal("latent.nn", metadata.format)
    assert.are.equal("adam 2", metadata.optimizer1)
    assert.is_truthy(tensors["second1:n.1.bias"])
  end)

  it("of another architecture are refused, and say what is wrong", function()
    local t = make()
    train(t, 2)
    assert(t.store:save(path))
    local function refused(part, store, options)
      local before = store:get(store:names()[1])
      local fields, message = store:load(path, options)
      assert.is_nil(fields)
      assert.is_truthy(message:find(part, 1, true), message)
      assert.is_true(before == store:get(store:names()[1]))
    end
    refused("'n.1.weight' is 5x7 in the file, 5x8 in the store", make({ 5, 8, 3 }).store)
    refused("it also has 'n.2.bias', 'n.2.weight'", make({ 5, 7 }).store)
    refused("it lacks 'n.3.weight', 'n.3.bias'", make({ 5, 7, 3, 3 }).store)
    local other = make()
    refused("the metadata has no 'optimizer1'", other.store, { optimizer = other.adam })
    refused("the metadata has no 'tape'", other.store, { tape = other.tape })
    refused("the metadata has no 'random'", other.store, { random = other.rng })
    local wide = nn.parameters { dtype = "float64" }
    nn.mlp(wide, "n", { 5, 7, 3 })
    refused("must have dtype F64", wide)
    assert(t.store:save(path, { optimizer = t.adam }))
    refused("optimizer1 in the file is 'adam 2', not sgd", other.store, { optimizer = nn.sgd(other.store) })
    t.store:set("n.1.bias", 0 / 0)
    assert(t.store:save(path))
    refused("'n.1.bias' has a NaN or an infinity", other.store)
  end)

  it("that are missing, truncated or damaged give nil and a message, and change nothing", function()
    local t = make()
    train(t, 1)
    assert(t.store:save(path, parts(t)))
    local file = assert(io.open(path, "rb"))
    local bytes = file:read "a"
    file:close()
    local fresh = make(nil, 12)
    local before = fresh.store:get "n.1.weight"
    local function try(text)
      local f = assert(io.open(path, "wb"))
      f:write(text)
      f:close()
      local fields, message = fresh.store:load(path, parts(fresh))
      if fields == nil then
        assert.is_string(message)
        assert.is_true(before == fresh.store:get "n.1.weight")
        assert.are.equal(0, fresh.adam.steps)
      end
      return fields
    end
    assert.is_nil((fresh.store:load(path .. "/none")))
    for _, length in ipairs { 0, 5, 8, 100, #bytes // 2, #bytes - 1 } do assert.is_nil(try(bytes:sub(1, length))) end
    local rng, header = latent.random(3), string.unpack("<I8", bytes)
    for _ = 1, 300 do -- a byte of the header changed: refused, or (within a text of ours) read
      local at = rng:integer(9, 8 + header)
      if try(bytes:sub(1, at - 1) .. string.char(rng:integer(0, 255)) .. bytes:sub(at + 1)) then
        fresh = make(nil, 12)
      end
    end
    assert.is_table(try(bytes))
  end)

  it("refuse what they can't hold", function()
    local t = make()
    fails("store:save: path must be a string", t.store.save, t.store)
    fails("fields can't be saved: there is a function", t.store.save, t.store, path, { fields = { f = print } })
    fails("another store", t.store.save, t.store, path, { optimizer = make().adam })
    fails("random must be a latent.Random", t.store.save, t.store, path, { random = 3 })
    fails("the store has no parameters", nn.parameters().save, nn.parameters(), path)
    local ok, message = t.store:save("/nonexistent/folder/file")
    assert.is_nil(ok)
    assert.is_string(message)
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
