-- latent.flow_matching: the loss against its definition and its gradients against differences, couplings against the
-- optimal assignment, solvers' orders, densities with a closed form and ones that integrate to 1, classes, training
-- that goes on exactly, the same bits for every number of threads, and bad input.
local latent = require "latent"
local helper = require "helper"
local matrix, datasets, metrics = latent.matrix, latent.datasets, latent.metrics
local fails = helper.fails

local function moons(n, seed) return (datasets.moons(n, { noise = 0.06, standardize = true, seed = seed })) end

-- A model with v(x, t) = x M + c, by a net without hidden activations, in the data's own units.
local function linear(M, c, options)
  local D = #M
  local all = { input_dim = D, hidden = D, activation = "linear", dtype = "float64", standardize = false, ema = 0 }
  for name, value in pairs(options or {}) do all[name] = value end
  local model = latent.flow_matching(all)
  local p = model:parameters()
  p["net.1.weight"]:fill(0)
  p["net.1.weight"]:block(1, D):assign(matrix.eye(D))
  p["net.1.bias"]:fill(0)
  p["net.2.weight"]:assign(matrix(M))
  p["net.2.bias"]:assign(matrix { c })
  return model
end

-- exp(M) by its series.
local function exponential(M)
  local sum, term = matrix.eye(#M), matrix.eye(#M)
  for k = 1, 30 do
    term = term * M / k
    sum = sum + term
  end
  return sum
end

-- A small net that has been trained, whose velocity is no special one.
local function trained(options, steps, X, more)
  local all = { input_dim = 2, hidden = { 16, 16 }, seed = 3, ema = 0, learning_rate = 1e-2 }
  for name, value in pairs(options or {}) do all[name] = value end
  local model = latent.flow_matching(all)
  X = X or moons(256, 1)
  for _ = 1, steps or 60 do model:step(X, more) end
  return model
end

describe("latent.flow_matching", function()
  describe("training", function()
    it("has gradients that are differences of the loss", function()
      for _, activation in ipairs { "silu", "tanh" } do
        local labels = matrix(20, 1, function(i) return i % 3 end):col(1)
        local model = latent.flow_matching { input_dim = 2, hidden = { 5, 4 }, classes = 3, sigma = 0.2,
          dtype = "float64", activation = activation, coupling = "ot", time_features = 6 }
        local X, how, h = moons(20, 1), { labels = labels, seed = 5 }, 1e-6
        model:step(X, { labels = labels })
        model:loss(X, how)
        local gradients = {}
        for name, g in pairs(model:gradients()) do gradients[name] = g:copy() end
        for name, p in pairs(model:parameters()) do
          for i = 1, name:find "^net" and p.rows or 0 do
            for j = 1, p.cols do
              local kept = p(i, j)
              p:set(i, j, kept + h)
              local up = model:loss(X, how)
              p:set(i, j, kept - h)
              local down = model:loss(X, how)
              p:set(i, j, kept)
              assert.near((up - down) / (2 * h), gradients[name](i, j), 1e-6, name)
            end
          end
        end
      end
    end)

    it("has the loss E|v - (x1 - x0)|^2", function()
      -- v = 0: the loss is E|x1 - x0|^2 = |x1|^2 + D in the mean
      local model = linear({ { 0, 0 }, { 0, 0 } }, { 0, 0 })
      local X = 3 * matrix.ones(50000, 2)
      assert.near(2 * 9 + 2, model:loss(X), 0.1)
      -- v = c = E[x1 - x0] for constant rows: what is left is the variance of x0, also with noise on the path
      assert.near(2, linear({ { 0, 0 }, { 0, 0 } }, { 3, 3 }, { sigma = 0.5 }):loss(X), 0.05)
      -- v = x: E|x_t - (x1 - x0)|^2 at x1 = 0 is D E[(1-t+1)^2] + D sigma^2 = 2 (7/3 + 1/4)
      assert.near(2 * (7 / 3 + 0.25), linear({ { 1, 0 }, { 0, 1 } }, { 0, 0 }, { sigma = 0.5 }):loss(0 * X), 0.1)
    end)

    it("pairs a batch by optimal transport, of each class by itself", function()
      -- v = 0: the loss is the mean of |x1 - x0|^2 over the pairs, W2^2 of the two sets
      local zero = { { 0, 0 }, { 0, 0 } }
      local source, X = matrix.normal(60, 2, 1), 2 * matrix.normal(60, 2, 2) + 1
      local ot = linear(zero, { 0, 0 }, { coupling = "ot" })
      assert.near(metrics.wasserstein(source, X) ^ 2, ot:loss(X, { source = source }), 1e-9)
      assert.is_true(linear(zero, { 0, 0 }):loss(X, { source = source }) > 1.5 * ot:loss(X, { source = source }))
      -- two classes far from each other: pairs within classes don't know of the other one's place
      local labels = matrix(60, 1, function(i) return i % 2 end):col(1)
      local far = X + labels:outer(matrix { 100, 0 })
      local both = linear(zero, { 0, 0 }, { coupling = "ot", classes = 2, drop_labels = 0 })
      local plain = linear(zero, { 0, 0 }, { coupling = "ot" })
      assert.is_true(both:loss(far, { source = source, labels = labels }) > plain:loss(far, { source = source }))
    end)

    it("reaches the entropy of two moons", function()
      -- 1.320 nats by quadrature; after 10,000 steps it is 1.37
      local model, rows = latent.flow_matching { input_dim = 2, learning_rate = 3e-3, schedule = "cosine",
        schedule_steps = 2000 }, latent.random(1)
      for _ = 1, 2000 do model:step(moons(256, rows)) end
      local nll = -model:score(moons(2000, 99), { tolerance = 1e-4 })
      assert.is_true(nll > 1.31 and nll < 1.7, nll)
    end)

    it("carries eight Gaussians to two moons", function()
      -- W2^2 of two samples of 1,000 moons is about 0.015 here, in units of deviations
      local function gaussians(n, seed) return 2 * (datasets.eight_gaussians(n, { seed = seed })) end
      local model, rows = latent.flow_matching { input_dim = 2, hidden = { 48, 48 }, coupling = "ot",
        learning_rate = 5e-3, ema = 0.99 }, latent.random(1)
      local source = gaussians(4000, 2)
      model:fit(moons(4000, rows), { epochs = 30, batch = 200, source = source })
      local data, again = moons(1000, 5), moons(1000, 6)
      local base = metrics.wasserstein(data, again) ^ 2
      local S, Z = model:sample(1000, { from = source, seed = 1 })
      assert.is_true(metrics.wasserstein(S, data) ^ 2 < base + 0.1)
      assert.is_true(metrics.energy_distance(Z, source) < 0.01)
      -- paths are nearly straight: one step of Euler's is near
      local one = model:sample(1000, { from = source, seed = 1, solver = "euler", steps = 1 })
      assert.is_true(metrics.wasserstein(one, data) ^ 2 < base + 0.15)
      assert.near_matrix(S, model:inverse_transform(Z), 1e-5)
      assert.near_matrix(Z, model:transform(S, { tolerance = 1e-9 }), 1e-2)
    end)

    it("goes on exactly from a file, and is the same for every number of threads", function()
      local path, before = os.tmpname(), latent.threads()
      local labels = matrix(700, 1, function(i) return i % 2 end):col(1)
      local function fit(threads, stop)
        latent.threads(threads)
        local model = latent.flow_matching { input_dim = 2, hidden = { 16, 16 }, coupling = "ot", classes = 2, seed = 5,
          sigma = 0.05, warm_up = 3 }
        local how = { epochs = stop and 1 or 2, batch = 300, labels = labels }
        model:fit(moons(700, 1), how)
        if stop then
          assert(model:save(path))
          model = assert(latent.load(path))
          model:fit(moons(700, 1), how)
        end
        local some = moons(600, 2)
        return model, model:log_likelihood(some), model:sample(600, { seed = 1, labels = 1, guidance = 1 }),
          model:log_likelihood(some, { trace = "hutchinson", seed = 3 })
      end
      local one = table.pack(fit(1))
      local two = table.pack(fit(2, true))
      latent.threads(before)
      os.remove(path)
      for i = 2, 4 do assert.is_true(one[i] == two[i], i) end
      assert.same({ one[1].iterations, one[1].epochs, one[1].history },
        { two[1].iterations, two[1].epochs, two[1].history })
      assert.equal(one[1]:free_parameters(), two[1]:free_parameters())
    end)

    it("keeps the parameters of the best epoch", function()
      local model = latent.flow_matching { input_dim = 2, hidden = 64, learning_rate = 2e-2, ema = 0 }
      local held = moons(50, 4)
      model:fit(moons(20, 1), { epochs = 300, batch = 20, validation = held, patience = 20 })
      assert.is_true(model.converged)
      local best = math.huge
      for _, loss in ipairs(model.validation_history) do best = math.min(best, loss) end
      assert.near(best, model:loss(held), 1e-6)
    end)

    it("averages its weights", function()
      local model = trained({ ema = 0.9 }, 5)
      local averaged, raw = model:velocity(moons(5, 1)), model:velocity(moons(5, 1), { raw = true })
      assert.not_near_matrix(averaged, raw, 1e-6)
      local plain = trained({ ema = 0 }, 5)
      assert.near_matrix(raw, plain:velocity(moons(5, 1)), 0)
    end)
  end)

  describe("the flow", function()
    local M = matrix { { 0.3, -0.8 }, { 0.5, -0.4 } }

    it("is the solution of a linear equation", function()
      -- x(1) = x0 exp(M) + c (exp(M) - I) M^-1
      local c = matrix { { 0.2, -0.1 } }
      local model, P = linear({ { 0.3, -0.8 }, { 0.5, -0.4 } }, { 0.2, -0.1 }), exponential(M)
      local Z = matrix.normal(40, 2, 1)
      local X = Z * P + matrix.ones(40, 1) * (c * (P - matrix.eye(2)) * M:inverse())
      assert.near_matrix(X, model:inverse_transform(Z, { tolerance = 1e-11 }), 1e-9)
      assert.near_matrix(Z, model:transform(X, { tolerance = 1e-11 }), 1e-9)
      -- N(mean, P'P): log p(x) = log N(z; 0, I) - tr M
      local expected = (Z ^ 2):sum(2) * -0.5 - math.log(2 * math.pi) - M:trace()
      assert.near_matrix(expected, model:log_likelihood(X, { tolerance = 1e-11 }), 1e-9)
      -- a linear map's trace doesn't depend on x, so Hutchinson's estimate is r'M r of each row's r
      local many = model:log_likelihood(X, { trace = "hutchinson", probes = 4000 })
      assert.near_matrix(expected, many, 0.08)
      assert.near_matrix(many, model:log_likelihood(X, { trace = "hutchinson", probes = 4000 }), 0)
      assert.not_near_matrix(many, model:log_likelihood(X, { trace = "hutchinson", probes = 4000, seed = 1 }), 1e-4)
    end)

    it("is solved to the orders of the solvers", function()
      local model, P = linear({ { 0.3, -0.8 }, { 0.5, -0.4 } }, { 0, 0 }), exponential(M)
      local Z = matrix.normal(30, 2, 1)
      local function far(solver, steps)
        return (model:inverse_transform(Z, { solver = solver, steps = steps }) - Z * P):abs():max()
      end
      for solver, order in pairs { euler = 1, midpoint = 2 } do
        assert.near(order, math.log(far(solver, 40) / far(solver, 80)) / math.log(2), 0.05, solver)
      end
      -- v = x0 for one Euler step of a constant field: exact
      local constant = linear({ { 0, 0 }, { 0, 0 } }, { 2, -1 })
      local moved = constant:inverse_transform(Z, { solver = "euler", steps = 1 })
      assert.near_matrix(Z + matrix { { 2, -1 } }, moved, 1e-12)
    end)

    it("has errors that follow the tolerance, on a net", function()
      local model = trained { dtype = "float64" }
      local Z, last = matrix.normal(50, 2, 1), math.huge
      local exact = model:inverse_transform(Z, { tolerance = 1e-12 })
      for _, tolerance in ipairs { 1e-3, 1e-5, 1e-7, 1e-9 } do
        local error = (model:inverse_transform(Z, { tolerance = tolerance }) - exact):abs():max()
        assert.is_true(error < last / 10 and error < 300 * tolerance, error / tolerance)
        last = error
      end
      -- the same of a fixed step
      local function far(solver, steps)
        return (model:inverse_transform(Z, { solver = solver, steps = steps }) - exact):abs():max()
      end
      assert.near(1, math.log(far("euler", 400) / far("euler", 800)) / math.log(2), 0.1)
      assert.near(2, math.log(far("midpoint", 400) / far("midpoint", 800)) / math.log(2), 0.1)
    end)

    it("comes back, and a row's result is its own", function()
      local model = trained()
      local X = 2 * matrix.normal(500, 2, 7)
      assert.near_matrix(X, model:inverse_transform(model:transform(X, { tolerance = 1e-10 }), { tolerance = 1e-10 }),
        1e-6)
      -- whatever rows are with it
      local all = model:transform(X, { tolerance = 1e-8 })
      for _, i in ipairs { 1, 300, 500 } do
        assert.near_matrix(all[i], model:transform(X[i], { tolerance = 1e-8 }), 1e-12)
      end
    end)

    it("has the velocity of its paths, in the data's units", function()
      local X = moons(300, 1) % matrix { { 20, 0.5 } } + matrix { { 7, -3 } }
      local model = trained({ dtype = "float64" }, 60, X)
      local Z = matrix.normal(10, 2, 1)
      local x = model:inverse_transform(Z, { solver = "euler", steps = 1 })
      local mean, deviation = model:parameters()["data.mean"], model:parameters()["data.deviation"]
      local start = Z % deviation + mean
      assert.near_matrix(x - start, model:velocity(start, { time = 0 }), 1e-9)
      assert.not_near_matrix(model:velocity(start, { time = 0 }), model:velocity(start, { time = 0.5 }), 1e-3)
    end)

    it("has a density that integrates to 1", function()
      local n, half = 120, 6
      local cell = 2 * half / n
      local grid = matrix(n * n, 2, function(i, j)
        return -half + cell * ((j == 1 and (i - 1) % n or (i - 1) // n) + 0.5)
      end)
      for _, activation in ipairs { "silu", "tanh", "gelu" } do
        local model = trained({ activation = activation }, 100)
        assert.near(1, model:log_likelihood(grid, { tolerance = 1e-4 }):exp():sum() * cell ^ 2, 5e-3, activation)
      end
      -- in units of the data: the density of scaled rows is that of the others, divided
      local X = moons(256, 1)
      local exact = { dtype = "float64" }
      local plain, scaled = trained(exact, 20, X), trained(exact, 20, X % matrix { { 100, 0.01 } })
      assert.near_matrix(plain:log_likelihood(X), scaled:log_likelihood(X % matrix { { 100, 0.01 } }), 1e-6)
    end)

    it("has Hutchinson's estimate without bias", function()
      local model = trained({ dtype = "float64" }, 100)
      local X = moons(50, 3)
      local exact, sum = model:log_likelihood(X), matrix.zeros(50)
      for seed = 1, 20 do
        sum = sum + model:log_likelihood(X, { trace = "hutchinson", probes = 20, seed = seed }) / 20
      end
      assert.near(exact:mean(), sum:mean(), 0.03)
      assert.near_matrix(exact, sum, 0.3)
      -- exact up to 16 columns unless told
      local wide = trained({ input_dim = 17, hidden = 8 }, 2, matrix.normal(64, 17, 1))
      local W = matrix.normal(3, 17, 2)
      assert.near_matrix(wide:log_likelihood(W), wide:log_likelihood(W, { trace = "hutchinson", probes = 8 }), 0)
      assert.not_near_matrix(wide:log_likelihood(W), wide:log_likelihood(W, { trace = "exact" }), 1e-9)
    end)
  end)

  it("is conditional, and guided", function()
    -- class k at x = 4 k, deviation 0.5: -log p is log(0.5) + 0.5 log(2 pi e) = 0.726 nats at its least
    local labels = matrix(1500, 1, function(i) return 1 + i % 3 end):col(1)
    local X = (labels * 4 + matrix.normal(1500, 1, 1):col(1) * 0.5):reshape(1500, 1)
    for _, coupling in ipairs { "independent", "ot" } do
      local model = latent.flow_matching { input_dim = 1, classes = 3, lowest = 1, hidden = { 64, 64, 64 },
        coupling = coupling, learning_rate = 5e-3, schedule = "cosine", schedule_steps = 1440, ema = 0.99,
        drop_labels = 0.3 }
      model:fit(X, { labels = labels, epochs = 120, batch = 125, validation = { X, labels } })
      assert.equal(120, #model.validation_history)
      assert.near(0.726, -model:score(X, { labels = labels }), 0.05)
      for k = 1, 3 do
        local S = model:sample(500, { labels = k, seed = k })
        assert.near(4 * k, S:mean(), 0.2)
        assert.near(0.5, S:std(), 0.1)
      end
      -- of all classes together: three modes, log 3 nats more, and 2.61 as one Gaussian with the moments of all
      local all = -model:score(X)
      assert.is_true(all > 0.726 + math.log(3) - 0.05 and all < 2.5, all)
      local S = model:sample(600, { seed = 9 })
      for k = 1, 3 do assert.near(200, ((S - 4 * k):abs():lt(2)):sum(), 60) end
      -- guidance -1 is that of no class, and 0 the class's
      local Z = matrix.normal(20, 1, 5)
      assert.near_matrix(model:inverse_transform(Z), model:inverse_transform(Z, { labels = 2, guidance = -1 }), 1e-4)
      assert.near_matrix(model:inverse_transform(Z, { labels = 2 }),
        model:inverse_transform(Z, { labels = 2, guidance = 0 }), 0)
      local v, none = model:velocity(Z, { time = 0.5, labels = 2 }), model:velocity(Z, { time = 0.5 })
      assert.near_matrix(none + 3 * (v - none), model:velocity(Z, { time = 0.5, labels = 2, guidance = 2 }), 1e-4)
    end
  end)

  it("takes float64 rows, one column, and files", function()
    local path = os.tmpname()
    local model = latent.flow_matching { input_dim = 1, hidden = 8, dtype = "float64" }
    model:fit(matrix.normal(100, 1, 1), { epochs = 2 })
    assert(model:save(path))
    local again = assert(latent.load(path))
    local X = matrix.normal(20, 1, 2)
    assert.is_true(model:log_likelihood(X) == again:log_likelihood(X))
    assert.is_true(model:sample(5, { seed = 1 }) == again:sample(5, { seed = 1 }))
    os.remove(path)
    assert.equal("number", type(trained({}, 1):log_likelihood { 0.5, 1 }))
  end)

  it("says that its samples are those of an untrained model", function()
    local model = latent.flow_matching { input_dim = 2, hidden = 8 }
    assert.equal(3, #model:sample(3))
    assert.is_truthy(model.note:find("untrained", 1, true))
    model:step(moons(50, 1))
    assert.is_nil(model.note)
  end)

  it("names what is wrong", function()
    local function make(options)
      return function()
        options.input_dim = options.input_dim or 2
        return latent.flow_matching(options)
      end
    end
    fails("flow_matching: the option input_dim is missing", latent.flow_matching, {})
    fails("sigma must be", make { sigma = -1 })
    fails("unknown coupling 'optimal' (known: independent, ot)", make { coupling = "optimal" })
    fails("unknown solver 'rk4'", make { solver = "rk4" })
    fails("steps must be", make { steps = 0 })
    fails("tolerance must be", make { tolerance = 0 })
    fails("ema must be less than 1", make { ema = 1 })
    local model, X = latent.flow_matching { input_dim = 2, hidden = 8 }, moons(20, 1)
    local constant = matrix.hstack { X:col(1), matrix.ones(20) * 3 }
    fails("flow_matching:fit: column 2 of X is constant (3)", model.fit, model, constant)
    fails("flow_matching:step: column 2 of X is constant (3)", model.step, model, constant)
    fails("flow_matching:step: X has 3 columns, the model takes 2", model.step, model, matrix.zeros(4, 3))
    local hole = X:copy()
    hole:set(7, 2, 0 / 0)
    for _, method in ipairs { "step", "fit", "log_likelihood", "transform", "loss", "velocity" } do
      fails("X has NaN at row 7, column 2", model[method], model, hole)
    end
    fails("the source has NaN at row 7, column 2", model.step, model, X, { source = hole })
    fails("labels are for conditional models", model.step, model, X, { labels = matrix.ones(20) })
    model:step(X)
    fails("the model has been trained with the source N(0, I), not with rows of one", model.step, model, X,
      { source = X })
    fails("the source N(0, I), not with rows of one", model.sample, model, 3, { from = X })
    fails("time must be", model.velocity, model, X, { time = 2 })
    local classes = latent.flow_matching { input_dim = 2, classes = 3, hidden = 8 }
    fails("the model is conditional: labels are missing", classes.step, classes, X)
    fails("label 1 is 3: with classes = 3 they are whole numbers from 0 to 2", classes.step, classes, X,
      { labels = matrix.ones(20) * 3 })
    fails("guidance must be", classes.sample, classes, 3, { labels = 1, guidance = -2 })
    fails("guidance is towards a class: labels are missing", classes.sample, classes, 3, { guidance = 1 })
    local told = latent.flow_matching { input_dim = 2, classes = 3, hidden = 8, drop_labels = 0 }
    fails("labels are missing: with drop_labels = 0", told.sample, told, 3)
    fails("guidance is for models that are made with drop_labels > 0", told.velocity, told, X,
      { labels = 1, guidance = 1 })
    local other = latent.flow_matching { input_dim = 2, hidden = 8 }
    other:fit(X, { source = X, epochs = 1 })
    fails("the model has been trained with rows of a source: the source is missing", other.step, other, X)
    fails("draws begin from rows of one, which is missing", other.sample, other, 3)
    fails("the model has been trained with rows of a source, whose density isn't known", other.score, other, X)
    fails("source has", other.step, other, X, { source = matrix.ones(5, 3) })
    local stiff = linear({ { 1e9, 0 }, { 0, 1e9 } }, { 0, 0 })
    fails("the velocity isn't finite, or jumps, near t = ", stiff.inverse_transform, stiff, X)
    for _, solver in ipairs { "euler", "midpoint" } do
      fails("the velocity isn't finite, or 50 steps of " .. solver .. " are too few", stiff.inverse_transform, stiff, X,
        { solver = solver, steps = 50 })
    end
  end)

  it("takes nothing of data with labels that are wrong", function()
    local model, X = latent.flow_matching { input_dim = 2, hidden = 8, classes = 2 }, matrix.normal(20, 2, 1)
    for _, method in ipairs { "step", "fit" } do
      fails("the model is conditional: labels are missing", model[method], model, X)
      fails("there are 2 labels for 20 rows", model[method], model, X, { labels = { 1, 0 } })
    end
    assert.near_matrix({ { 0, 0 } }, model:parameters()["data.deviation"], 0)
  end)
end)
