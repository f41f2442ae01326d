-- Nets of latent.nn and the stores of their parameters.
-- Numbers called PyTorch's were computed with PyTorch 2.13.0 in float64.
local latent = require "latent"
local helper = require "helper"
local nn, matrix, fails = latent.nn, latent.matrix, helper.fails

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

  it("of any width, and rows in any number, have the same formulas", function()
    -- rows of up to 64 columns go through vectors several at a time, a column's sum 256 rows at a time
    for _, dtype in ipairs { "float64", "float32" } do
      local near = dtype == "float64" and 1e-13 or 2e-5
      for _, n in ipairs { 1, 2, 3, 8, 63, 64, 65, 300 } do
        for _, rows in ipairs { 1, 2, 43, 700 } do
          local store = nn.parameters { dtype = dtype, seed = n }
          local layer = nn.linear(store, "l", 3, n, { activation = "tanh" })
          store:set("l.bias", matrix.normal(1, n, 4))
          local X, G = matrix.normal(rows, 3, 7):to(dtype), matrix.normal(rows, n, 8):to(dtype)
          local tape = nn.tape(store)
          local y = layer(tape:input(X))
          local loss = (y % tape:input(G)):sum()
          loss:backward()
          local function double(A) return A:to "float64" end
          local x, W, b = double(X), double(store:get "l.weight"), double(store:get "l.bias")
          local expected = (x * W + b:row(1)):tanh()
          assert.near_matrix(expected, double(y:matrix()), near)
          local d = double(G) % (expected ^ 2 * -1 + 1)
          assert.near_matrix(d:sum(1), double(store:gradient "l.bias"):row(1), near * math.sqrt(rows))
          assert.near_matrix(x:t() * d, double(store:gradient "l.weight"), near * math.sqrt(rows))
        end
      end
    end
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
