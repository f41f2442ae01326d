-- latent.gan: losses and gradients against a tape in Lua and differences, both losses on eight Gaussians, collapse,
-- conditional models, the average generator, training that goes on exactly, and bad input.
local latent = require "latent"
local helper = require "helper"
local matrix, datasets, metrics, nn = latent.matrix, latent.datasets, latent.metrics, latent.nn
local fails = helper.fails

local CENTERS = matrix(8, 2, function(k, j) return (j == 1 and math.cos or math.sin)(math.pi * (k - 1) / 4) end)

local function ring(n, seed) return (datasets.eight_gaussians(n, { seed = seed })) end

-- Steps on fresh rows.
local function trained(options, steps, batch)
  local gan, rows = latent.gan(options), latent.random(options.seed or 0)
  for _ = 1, steps do gan:step(ring(batch or 256, rows)) end
  return gan
end

local function with(options, more)
  local all = {}
  for name, value in pairs(options) do all[name] = value end
  for name, value in pairs(more) do all[name] = value end
  return all
end

-- Every loss there is, small and in double.
local LOSSES = {
  { gamma = 0 }, { gamma = 2 }, { gamma = 0.5, spectral = true },
  { loss = "wasserstein", critic_steps = 1 }, { loss = "wasserstein", penalty = 10, critic_steps = 1 },
  { loss = "wasserstein", penalty = 0, spectral = true, critic_steps = 1 },
}
local SMALL = { input_dim = 3, latent_dim = 2, hidden = { 7, 6 }, dtype = "float64", seed = 3, optimizer = "sgd",
  learning_rate = 1e-9, standardize = false }

-- The model's nets, in a store of latent.nn with the same parameters.
local function nets_of(gan, o)
  local store = nn.parameters { dtype = "float64" }
  local settings = { activation = o.activation or "leaky_relu" }
  local generator = nn.mlp(store, "generator", { 2, 7, 6, 3 }, settings)
  local critic = nn.mlp(store, "critic", { 3, 6, 7, 1 }, with(settings, { spectral = o.spectral }))
  for name, value in pairs(gan:parameters()) do
    if name:find "^generator" or name:find "^critic" then store:set(name, value) end
  end
  return store, generator, critic
end

describe("latent.gan", function()
  for i, loss in ipairs(LOSSES) do
    for _, activation in ipairs { "leaky_relu", "tanh", "silu" } do
      local o = with(with(SMALL, loss), { activation = activation })

      it(("has the gradient of its losses, %d, by differences, %s"):format(i, activation), function()
        local gan, X, h = latent.gan(o), matrix.normal(9, 3, 5), 1e-6
        gan:step(X) -- so that its units are known
        gan:loss(X)
        local gradients = {}
        for name, G in pairs(gan:gradients()) do gradients[name] = G:copy() end
        for name, W in pairs(gan:parameters()) do
          local which = name:find "^critic" and 1 or name:find "^generator" and 2
          if which and not name:find "%.u$" then
            local seen = 0
            for e = 0, W.rows * W.cols - 1, math.max(1, W.rows * W.cols // 5) do
              local row, col = e // W.cols + 1, e % W.cols + 1
              local w = W(row, col)
              W:set(row, col, w + h)
              local up = select(which, gan:loss(X))
              W:set(row, col, w - h)
              local down = select(which, gan:loss(X))
              W:set(row, col, w)
              assert.is_near((up - down) / (2 * h), gradients[name](row, col), 1e-7, name)
              seen = seen + 1
            end
            assert.is_true(seen > 0)
          end
        end
      end)
    end
  end

  it("has the losses that its formulas say", function()
    -- without noise: a generator whose first weights are 0 makes one row, whatever z is
    for _, loss in ipairs(LOSSES) do
      local o = with(SMALL, loss)
      local gan, X = latent.gan(o), matrix.normal(11, 3, 5)
      gan:step(X)
      gan:parameters()["generator.1.weight"]:fill(0)
      local _, generator, critic = nets_of(gan, o)
      local tape = nn.tape(critic.store)
      local y = generator(tape:input(matrix.zeros(11, 2)))
      local real, fake = critic(tape:input(X)):matrix(), critic(y):matrix()
      local of_critic, of_generator = gan:loss(X)
      local function softplus(A) return A:map(function(a) return math.log(1 + math.exp(a)) end):mean() end
      if o.loss == "wasserstein" then
        assert.near(-fake:mean(), of_generator, 1e-12)
        if o.penalty == 0 then
          assert.near(fake:mean() - real:mean(), of_critic, 1e-12)
        else -- slopes are at random points: a mean of squares, at least
          assert.is_true(of_critic > fake:mean() - real:mean())
        end
      else
        local slopes = critic:input_gradient(tape:input(X)):square():sum(2):mean():value()
        assert.near(softplus(fake) + softplus(-real) + o.gamma / 2 * slopes, of_critic, 1e-12)
        assert.near(softplus(-fake), of_generator, 1e-12)
      end
      assert.near_matrix(real:col(1), gan:critic(X), 1e-12)
    end
  end)

  it("penalizes slopes that aren't 1", function()
    -- a linear critic has one slope, |w|, at all points between
    local gan = latent.gan(with(SMALL, { loss = "wasserstein", penalty = 10, critic_hidden = 1,
      activation = "linear", critic_steps = 1 }))
    local X = matrix.normal(11, 3, 5)
    gan:step(X)
    local p = gan:parameters()
    p["generator.1.weight"]:fill(0)
    local slope = (p["critic.1.weight"] * p["critic.2.weight"]):norm()
    local tape = nn.tape { dtype = "float64" }
    tape:input(X)
    local y = gan:decode(matrix.zeros(1, 2)) -- the average is of one step
    p["generator.1.weight"]:fill(0)
    local of_critic, of_generator = gan:loss(X)
    assert.near(-of_generator - gan:critic(X):mean() + 10 * (slope - 1) ^ 2, of_critic, 1e-9)
    assert.is_truthy(y)
  end)

  it("moves each net down its own loss only, and the critic critic_steps times", function()
    local o = with(SMALL, { gamma = 0, learning_rate = 0.1, critic_learning_rate = 0.3, ema = 0 })
    local X = matrix.normal(20, 3, 1)
    local gan = latent.gan(o)
    gan:loss(X)
    local before, gradients = {}, {}
    for name, W in pairs(gan:parameters()) do before[name] = W:copy() end
    for name, G in pairs(gan:gradients()) do gradients[name] = G:copy() end
    local of_critic = gan:loss(X)
    local critic_loss, generator_loss, spread = gan:step(X)
    assert.near(of_critic, critic_loss, 1e-12) -- the noise is the next step's
    assert.is_true(generator_loss > 0 and spread > 0)
    for name, W in pairs(gan:parameters()) do
      if name:find "^critic" then assert.near_matrix(before[name] - 0.3 * gradients[name], W, 1e-12) end
    end
    assert.equal(1, gan.iterations)
    -- with five updates the critic's loss is their mean, and falls
    local many = latent.gan(with(o, { critic_steps = 5 }))
    assert.is_true(many:step(X) < critic_loss)
    assert.equal(1, many.iterations)
  end)

  it("finds the eight modes of a ring, by the defaults", function()
    for seed = 1, 2 do
      local gan = trained({ input_dim = 2, seed = seed }, 1000)
      local covered, share = metrics.modes(gan:sample(2500, { seed = 1 }), CENTERS, { radius = 0.3 })
      assert.equal(8, covered)
      assert.is_true(share > 0.8, share)
      assert.is_nil(gan.note)
    end
  end)

  it("finds the eight modes of a ring by WGAN-GP, and with a spectral critic", function()
    for _, more in ipairs { { loss = "wasserstein" }, { spectral = true } } do
      local gan = trained(with({ input_dim = 2, seed = 1 }, more), 700)
      local covered, share = metrics.modes(gan:sample(2500, { seed = 1 }), CENTERS, { radius = 0.3 })
      assert.equal(8, covered)
      assert.is_true(share > 0.7, share)
    end
  end)

  it("keeps the spectral norms of its critic at 1", function()
    local gan = trained({ input_dim = 2, hidden = 24, spectral = true, seed = 1 }, 100)
    for name, W in pairs(gan:parameters()) do
      local layer = name:match "^(critic%.%d)%.weight$"
      if layer then
        local u = gan:parameters()[layer .. ".u"]
        local _, s = latent.eigen.svd(W:to "float64")
        assert.near(s[1], (W * u:t()):norm(), 0.02 * s[1]) -- by one iteration a step
      end
    end
  end)

  it("says that it has collapsed", function()
    -- a critic that sees nothing of the data teaches nothing
    local gan = latent.gan { input_dim = 2, hidden = 16, seed = 1, gamma = 0, critic_learning_rate = 1e-12 }
    local X = ring(128, 1)
    local p = gan:parameters()
    p["generator.1.weight"]:fill(0)
    for i = 1, 260 do
      local _, _, spread = gan:step(X, { learning_rate = 1e-9 })
      if i == 150 then assert.is_nil(gan.note) end -- it may still be learning
      assert.is_true(spread < 0.1)
    end
    assert.is_truthy(gan.note:find("collapsed", 1, true))
    p["generator.1.weight"]:assign(matrix.normal(8, 16, 1)) -- rows differ again
    for _ = 1, 400 do gan:step(X, { learning_rate = 1e-9 }) end
    assert.is_nil(gan.note)
  end)

  it("has the spread that distances of pairs say", function()
    local gan = latent.gan { input_dim = 2, hidden = 8, standardize = false, seed = 2, learning_rate = 1e-12 }
    local X, spread = 3 * matrix.normal(4000, 2, 1), nil
    for _ = 1, 60 do spread = select(3, gan:step(X)) end
    local Y = gan:sample(4000, { seed = 1 })
    local function mean(A) -- of |a - a'| over pairs of halves
      local D = A:block(1, 2000) - A:block(2001, 4000)
      return (D ^ 2):sum(2):sqrt():mean()
    end
    assert.near(mean(Y) / mean(X), spread, 0.05 * spread)
  end)

  it("draws from the average generator", function()
    local X = ring(256, 1)
    local gan = latent.gan { input_dim = 2, hidden = 16, seed = 1, ema = 0.9, dtype = "float64" }
    local last = latent.gan { input_dim = 2, hidden = 16, seed = 1, ema = 0, dtype = "float64" }
    local sums, Z = nil, matrix.normal(5, 8, 1)
    for n = 0, 4 do
      gan:step(X)
      last:step(X)
      -- as store.average has it: the first copies, then d = min(0.9, (1 + n)/(10 + n))
      local d, now = n == 0 and 0 or math.min(0.9, (1 + n) / (10 + n)), gan:parameters()
      sums = sums or {}
      for name, W in pairs(now) do sums[name] = (sums[name] or 0 * W) * d + W * (1 - d) end
    end
    local plain = latent.gan { input_dim = 2, hidden = 16, seed = 1, ema = 0, dtype = "float64" }
    plain:step(X)
    for name, W in pairs(plain:parameters()) do W:assign(sums[name]) end
    local units = gan:parameters()
    plain:parameters()["data.mean"]:assign(units["data.mean"])
    assert.near_matrix(plain:decode(Z), gan:decode(Z), 1e-12)
    assert.not_near_matrix(last:decode(Z), gan:decode(Z), 1e-6)
    assert.near_matrix(gan:decode(Z), gan:inverse_transform(Z), 0)
    local S, latent_rows = gan:sample(3000, { seed = 4 })
    assert.near_matrix(gan:decode(latent_rows), S, 1e-12)
    assert.near_matrix(S, (gan:sample(3000, { seed = 4 })), 0)
    assert.not_near_matrix(S, (gan:sample(3000, { seed = 5 })), 1e-3)
    assert.near_matrix(matrix.zeros(8), latent_rows:mean(1), 0.1)
    assert.near_matrix(matrix.ones(8), latent_rows:var(1), 0.15)
  end)

  it("is conditional", function()
    -- class c is N(4 c, 0.3^2), labels 5 and 6
    local n = 2000
    local labels = matrix(n, 1, function(i) return 5 + i % 2 end)
    local X = matrix.normal(n, 1, 1) * 0.3 + (labels - 5) * 4
    labels = labels:col(1)
    local gan = latent.gan { input_dim = 1, classes = 2, lowest = 5, hidden = 32, seed = 1, learning_rate = 2e-3 }
    gan:fit(X, { labels = labels, epochs = 40, batch = 250 })
    for class = 5, 6 do
      local S = gan:sample(2000, { seed = 1, labels = class })
      assert.near(4 * (class - 5), S:mean(), 0.4)
      assert.is_true(S:var() < 0.5)
    end
    local mixed = gan:sample(4, { seed = 1, labels = { 5, 6, 5, 6 } })
    assert.is_true(mixed(1, 1) < 2 and mixed(2, 1) > 2 and mixed(3, 1) < 2 and mixed(4, 1) > 2)
    assert.not_near_matrix(gan:critic({ { 1 } }, { labels = 5 }), gan:critic({ { 1 } }, { labels = 6 }), 1e-4)
    fails("label 2 is 7: with classes = 2 they are whole numbers from 5 to 6", gan.sample, gan, 2,
      { labels = { 5, 7 } })
    fails("the model is conditional: labels are missing", gan.sample, gan, 2)
    fails("the model is conditional: labels are missing", gan.step, gan, X)
  end)

  it("standardizes, also where columns are constant", function()
    local X = matrix.hstack { 1e-3 * matrix.normal(400, 1, 1) + 5, 1e5 * matrix.normal(400, 1, 2),
      matrix.ones(400, 1) * 7 }
    local gan = latent.gan { input_dim = 3, hidden = 32, seed = 1 }:fit(X, { epochs = 80, batch = 100 })
    local S = gan:sample(1000, { seed = 1 })
    assert.near(5, S:col(1):mean(), 1e-3)
    assert.near(7, S:col(3):mean(), 0.5)
    assert.is_true(S:col(2):std() > 2e4 and S:col(2):std() < 3e5)
    local own = latent.gan { input_dim = 3, standardize = false, hidden = 4 }
    own:step(X)
    assert.near_matrix({ { 1, 1, 1 } }, own:parameters()["data.deviation"], 0)
  end)

  it("goes on exactly from a file, and is the same for every number of threads", function()
    local path, before, X = os.tmpname(), latent.threads(), ring(700, 1)
    for _, more in ipairs { {}, { loss = "wasserstein", spectral = true } } do
      local function fit(threads, stop)
        latent.threads(threads)
        local gan = latent.gan(with({ input_dim = 2, hidden = 24, seed = 5, warm_up = 3 }, more))
        gan:fit(X, { epochs = stop and 1 or 2, batch = 300 })
        if stop then
          assert(gan:save(path))
          gan = assert(latent.load(path))
          gan:fit(X, { epochs = 1, batch = 300 })
        end
        return gan, gan:sample(50, { seed = 1 }), gan:critic(X)
      end
      local gan, draws, scores = fit(1)
      local again, their_draws, their_scores = fit(2, true)
      latent.threads(before)
      assert.is_true(draws == their_draws and scores == their_scores)
      for _, field in ipairs { "iterations", "epochs", "history", "generator_history", "spread_history" } do
        assert.same(gan[field], again[field])
      end
      for name, W in pairs(gan:parameters()) do assert.is_true(W == again:parameters()[name], name) end
    end
    os.remove(path)
  end)

  it("keeps both losses and the spread of each epoch, and the epoch nearest to the rows held out", function()
    local gan, held, told = latent.gan { input_dim = 2, hidden = 24, seed = 1 }, ring(300, 9), 0
    gan:fit(ring(600, 1), { epochs = 12, batch = 100, validation = held, patience = 4,
      on_epoch = function(_, _, critic, distance)
        told = told + 1
        assert.is_true(critic > 0 and distance > 0)
      end })
    local epochs = #gan.history
    assert.equal(epochs, told)
    for _, name in ipairs { "generator_history", "spread_history", "validation_history" } do
      assert.equal(epochs, #gan[name])
    end
    local best = math.huge
    for _, distance in ipairs(gan.validation_history) do best = math.min(best, distance) end
    if gan.converged then
      assert.near(best, metrics.energy_distance(held, (gan:sample(300, { seed = gan.seed }))), 1e-6)
    end
    assert.is_true(best < gan.validation_history[1])
    local i, critic, generator, spread
    for k, c, g, s in gan:steps(ring(600, 1)) do
      i, critic, generator, spread = k, c, g, s
      if k == 3 then break end
    end
    assert.equal(3, i)
    assert.is_true(critic > 0 and generator > 0 and spread > 0)
  end)

  it("keeps the parameters of the best epoch", function()
    local gan, held = latent.gan { input_dim = 2, hidden = 16, seed = 1, learning_rate = 3e-2 }, ring(200, 9)
    gan:fit(ring(300, 1), { epochs = 40, batch = 100, validation = held, patience = 3 })
    assert.is_true(gan.converged)
    local best = math.huge
    for _, distance in ipairs(gan.validation_history) do best = math.min(best, distance) end
    assert.near(best, metrics.energy_distance(held, (gan:sample(200, { seed = gan.seed }))), 1e-6)
  end)

  it("says that its samples are those of an untrained model", function()
    local gan = latent.gan { input_dim = 2 }
    gan:sample(3)
    assert.is_truthy(gan.note:find("untrained", 1, true))
    gan:step(ring(50, 1))
    assert.is_nil(gan.note)
  end)

  it("takes one column, one row, float64 and views", function()
    for _, D in ipairs { 1, 2, 5 } do
      local X = matrix.normal(D, 90, 1):t()
      local gan = latent.gan { input_dim = D, hidden = 8 }:fit(X, { epochs = 1 })
      local S, Z = gan:sample(7)
      assert.same({ 7, D, 7, 8 }, { S.rows, S.cols, Z.rows, Z.cols })
      gan:step(X:block(1, 1))
    end
    assert.equal(64, latent.gan { input_dim = 100 }.latent_dim)
    assert.equal(20, latent.gan { input_dim = 20 }.latent_dim)
  end)

  it("names what is wrong", function()
    local gan, X = latent.gan { input_dim = 2, hidden = 8 }, ring(20, 1)
    fails("gan: the option input_dim is missing", latent.gan)
    fails("gan: the option input_dim is missing", latent.gan, {})
    fails("unknown loss 'wassersten', did you mean 'wasserstein'?", latent.gan, { input_dim = 2, loss = "wassersten" })
    fails("critic_steps must be", latent.gan, { input_dim = 2, critic_steps = 0 })
    fails("gamma must be", latent.gan, { input_dim = 2, gamma = -1 })
    fails("penalty is for loss = \"wasserstein\"", latent.gan, { input_dim = 2, penalty = 1 })
    fails("gamma is for loss = \"non_saturating\"", latent.gan, { input_dim = 2, loss = "wasserstein", gamma = 1 })
    fails("has no bound without a penalty or spectral = true", latent.gan,
      { input_dim = 2, loss = "wasserstein", penalty = 0 })
    fails("ema must be from 0.0 to 0.999999999, got 1.0", latent.gan, { input_dim = 2, ema = 1 })
    fails("hidden must be a list of 1 to 8 widths", latent.gan,
      { input_dim = 2, hidden = { 1, 2, 3, 4, 5, 6, 7, 8, 9 } })
    fails("critic_hidden must be an integer", latent.gan, { input_dim = 2, critic_hidden = { 8, 0 } })
    fails("critic_hidden must be a list of 1 to 8 widths", latent.gan, { input_dim = 2, critic_hidden = {} })
    fails("latent_dim must be", latent.gan, { input_dim = 2, latent_dim = 0 })
    fails("beta1", latent.gan, { input_dim = 2, beta1 = 1 })
    fails("unknown option 'lambda'", latent.gan, { input_dim = 2, lambda = 1 })
    fails("gan:step: X has 3 columns, the model takes 2", gan.step, gan, matrix.zeros(4, 3))
    fails("gan:critic: X has 3 columns, the model takes 2", gan.critic, gan, matrix.zeros(4, 3))
    fails("gan:decode: Z has 3 columns, the model takes 8", gan.decode, gan, matrix.zeros(4, 3))
    local hole = X:copy()
    hole:set(7, 2, 0 / 0)
    for _, method in ipairs { "step", "fit", "loss", "critic" } do
      fails("X has NaN at row 7, column 2", gan[method], gan, hole)
    end
    fails("labels are for conditional models", gan.step, gan, X, { labels = 1 })
    fails("learning_rate must be", gan.step, gan, X, { learning_rate = 0 })
    fails("unknown option 'context'", gan.fit, gan, X, { context = X })
    fails("gan:fit: validation: X has 1 columns, the model takes 2", gan.fit, gan, X,
      { validation = matrix.zeros(3, 1) })
    gan:fit(X, { epochs = 1 }) -- and once there are units, a fit's errors still name the row of all rows
    fails("gan:fit: X has NaN at row 7, column 2", gan.fit, gan, hole, { batch = 2 })
  end)

  it("takes nothing of data with labels that are wrong", function()
    local gan, X = latent.gan { input_dim = 2, hidden = 8, classes = 2, lowest = 1 }, ring(20, 1)
    local labels = {}
    for i = 1, 20 do labels[i] = i == 20 and 3 or 1 end
    for _, method in ipairs { "step", "fit", "loss" } do
      fails("label 20 is 3: with classes = 2 they are whole numbers from 1 to 2", gan[method], gan, X,
        { labels = labels })
      fails("the model is conditional: labels are missing", gan[method], gan, X)
      fails("there are 2 labels for 20 rows", gan[method], gan, X, { labels = { 1, 2 } })
    end
    assert.near_matrix({ { 0, 0 } }, gan:parameters()["data.deviation"], 0)
    assert.equal(0, gan.iterations or 0)
    local options = { labels = { table.unpack(labels, 1, 19) }, epochs = 1 }
    gan:fit(X:block(1, 19), options)
    assert.equal("table", type(options.labels)) -- the caller's table stays as it was
  end)

  it("has the defaults of its optimizer: SGD without momentum", function()
    local X, ends = ring(40, 1), {}
    for i, beta1 in ipairs { false, 0, 0.5 } do
      local gan = latent.gan { input_dim = 2, hidden = 8, optimizer = "sgd", learning_rate = 0.1,
        beta1 = beta1 or nil, seed = 1 }
      for _ = 1, 3 do gan:step(X) end
      ends[i] = gan:critic(X)
    end
    assert.is_true(ends[1] == ends[2] and ends[1] ~= ends[3])
  end)

  it("refuses a step that isn't finite, and stays as it was", function()
    local gan, X = latent.gan { input_dim = 2, hidden = 8 }, ring(50, 1)
    gan:step(X)
    local b, scores = gan:parameters()["critic.2.bias"], gan:critic(X)
    local kept = b:copy()
    b:fill(1e38)
    assert.is_false(pcall(gan.step, gan, X))
    b:assign(kept)
    assert.near_matrix(scores, gan:critic(X), 0)
    assert.equal(1, gan.iterations)
  end)
end)
