-- latent.diffusion: the forward process against its closed form, the reverse one and the bound against those of a
-- Gaussian, for which the best net is known, gradients by differences, samplers against each other, eight Gaussians,
-- classes, training that goes on exactly, and bad input.
local latent = require "latent"
local helper = require "helper"
local matrix, datasets = latent.matrix, latent.datasets
local fails = helper.fails

local function ring(n, seed) return (datasets.eight_gaussians(n, { seed = seed })) end

local function column(n, f) return matrix(n, 1, f):col(1) end

-- A_t of a schedule, as its paper has it.
local function kept(schedule, T, first, last)
  local A, a = { [0] = 1 }, 1
  local function g(u) return math.cos((u + 0.008) / 1.008 * math.pi / 2) ^ 2 end
  for t = 1, T do
    local along = T > 1 and (t - 1) / (T - 1) or 1
    local beta
    if schedule == "linear" then
      beta = first + (last - first) * along
    elseif schedule == "quadratic" then
      beta = (first ^ 0.5 + (last ^ 0.5 - first ^ 0.5) * along) ^ 2
    else
      beta = math.min(0.999, 1 - g(t / T) / g((t - 1) / T))
    end
    a = a * (1 - beta)
    A[t] = a
  end
  return A
end

-- For rows that are N(0, I) the best v is 0, whatever x_t is: x_0 and the noise are then uncorrelated with it. So a net
-- whose weights are 0 is that of this distribution. `residuals` are those of the posterior: 1 - A_t.
local function exact(options)
  local all = { input_dim = 2, dtype = "float64", prediction = "v", clamp = false, standardize = false, ema = 0,
    hidden = 4, timesteps = 20 }
  for name, value in pairs(options or {}) do all[name] = value end
  local model = latent.diffusion(all)
  for name, W in pairs(model:parameters()) do if name:find("^net") then W:fill(0) end end
  local A = kept(all.noise_schedule or "cosine", all.timesteps, all.beta_start, all.beta_end)
  local r = model:parameters()["data.residuals"]
  for t = 1, all.timesteps do
    r:set(1, t, 1 - A[t])
    r:set(2, t, 1)
  end
  return model, A
end

local function trained(options, X, steps, labels)
  local model = latent.diffusion(options)
  for _ = 1, steps or 30 do model:step(X, { labels = labels }) end
  return model
end

describe("latent.diffusion", function()
  it("adds noise as q(x_t | x_0) says", function()
    local X = matrix.ones(20000, 2) % matrix { { 3, -1 } }
    for _, how in ipairs { { "cosine" }, { "linear", 1e-3, 0.2 }, { "quadratic", 1e-3, 0.2 },
      { "linear", 0.01, 2 / 3 } } do
      local model = latent.diffusion { input_dim = 2, timesteps = 30, noise_schedule = how[1], beta_start = how[2],
        beta_end = how[3], hidden = 4 }
      local A = kept(how[1], 30, how[2], how[3])
      for _, t in ipairs { 1, 7, 29, 30 } do
        local Y = model:diffuse(X, { t = t, seed = t })
        assert.near_matrix({ 3 * A[t] ^ 0.5, -A[t] ^ 0.5 }, Y:mean(1), 4 * ((1 - A[t]) / 20000) ^ 0.5)
        for j = 1, 2 do assert.near(1, Y:var(1)[j] / (1 - A[t]), 0.05) end
      end
      assert.near_matrix(X, model:diffuse(X), 1e-12)
    end
    -- by default the linear schedule leaves the same noise for any number of steps, T = 1 too
    for _, T in ipairs { 1, 10, 1000 } do
      local Y = latent.diffusion { input_dim = 2, timesteps = T, noise_schedule = "linear", hidden = 4 }
        :diffuse(1000 * X, { t = T })
      assert.is_true(Y:abs():max() < 120, T)
    end
  end)

  it("has units of its own for the data", function()
    local X = matrix.normal(4000, 2, 1) % matrix { { 0.01, 200 } } + matrix { { 5, -3000 } }
    local model = latent.diffusion { input_dim = 2, hidden = 4, timesteps = 10 }:fit(X, { epochs = 1 })
    local Y = model:diffuse(X, { t = 10 }) -- noise in these units
    assert.near_matrix({ 5, -3000 }, Y:mean(1), 15)
    assert.near(0.01, Y:var(1)[1] ^ 0.5, 1e-3)
    assert.near(200, Y:var(1)[2] ^ 0.5, 15)
    -- of steps alone, those of their rows
    model = latent.diffusion { input_dim = 2, hidden = 4, timesteps = 10 }
    for i = 1, 20 do model:step(X:block(50 * i - 49, 50 * i)) end
    local seen = X:block(1, 1000)
    assert.near_matrix(seen:mean(1), (model:parameters()["data.mean"] + model:parameters()["data.rest"])[1], 1e-3)
    assert.near_matrix({ 1, 1 }, seen:var(1) ^ 0.5 / model:parameters()["data.deviation"][1]:to "float64", 1e-4)
  end)

  it("has the gradient of its loss", function()
    for _, prediction in ipairs { "epsilon", "x0", "v" } do
      local model = latent.diffusion { input_dim = 3, classes = 2, hidden = { 6, 5 }, dtype = "float64", timesteps = 7,
        prediction = prediction, activation = "tanh", time_features = 4, seed = 3 }
      local X, labels = matrix.normal(150, 3, 1), column(150, function(i) return i % 2 end)
      model:step(X, { labels = labels })
      model:loss(X, { labels = labels })
      local checked, gradients = 0, {}
      for name, G in pairs(model:gradients()) do gradients[name] = G:copy() end
      for name, W in pairs(model:parameters()) do
        local G = name:find "^net" and gradients[name]
        for i = 1, G and W.rows or 0, 2 do
          local h, w = 1e-5, W(i, 1)
          W:set(i, 1, w + h)
          local up = model:loss(X, { labels = labels })
          W:set(i, 1, w - h)
          local down = model:loss(X, { labels = labels })
          W:set(i, 1, w)
          assert.near((up - down) / (2 * h), G(i, 1), 1e-8)
          checked = checked + 1
        end
      end
      assert.is_true(checked >= 12, checked)
    end
  end)

  it("has the loss of the best net for a Gaussian", function()
    -- E|v|^2 = 2; of the noise E|e - 0|^2 = 2; both with a net that says 0
    for _, prediction in ipairs { "v", "epsilon", "x0" } do
      local model = exact { prediction = prediction }
      local sum = 0
      for _ = 1, 20 do sum = sum + model:loss(matrix.normal(1000, 2, _)) end
      assert.near(2, sum / 20, 0.06)
    end
  end)

  it("reverses exactly what is Gaussian: moments, and a bound that is the entropy", function()
    local X = matrix.normal(4000, 2, 5)
    local entropy = math.log(2 * math.pi) + 1 -- of N(0, I) in two dimensions, in nats
    for _, how in ipairs { { variance = "beta" }, { variance = "optimal" },
      { variance = "beta", noise_schedule = "linear", beta_start = 0.01, beta_end = 0.6 } } do
      local model = exact(how)
      local S = model:sample(40000, { seed = 2 })
      assert.near_matrix({ 0, 0 }, S:mean(1), 0.02)
      assert.near_matrix({ 1, 1 }, S:var(1), 0.03)
      assert.near(3, (S ^ 4):mean() / (S ^ 2):mean() ^ 2, 0.1)
      -- every row's bound is its log-likelihood
      local bound, first, rest = model:elbo(X, { samples = 20, seed = 1 })
      assert.near(entropy, -bound:mean(), 0.05)
      assert.near_matrix(bound, -first - rest, 1e-12)
      local log_p = (X ^ 2):sum(2) * -0.5 - math.log(2 * math.pi)
      assert.near(0, (bound - log_p):mean(), 0.02)
      -- drawn terms estimate the same
      assert.near(entropy, -model:elbo(X, { terms = 5, samples = 20, seed = 3 }):mean(), 0.1)
    end
    -- with the variance of q(x_s | x_t, x_0), D/2 (b/v - 1 - log(b/v)) more, v = beta_t, for each t > 1
    local model, A = exact { variance = "posterior" }
    local gap, narrower = 0, 1
    for t = 2, 20 do
      local ratio = (1 - A[t - 1]) / (1 - A[t]) -- b/beta
      gap = gap + (1 / ratio - 1 + math.log(ratio))
    end
    assert.near(entropy + gap, -model:elbo(X, { samples = 20 }):mean(), 0.1)
    for t = 20, 1, -1 do -- and rows are drawn too near each other: each step's variance is a linear map of the last
      local a, b = A[t] / A[t - 1], (1 - A[t - 1]) / (1 - A[t]) * (1 - A[t] / A[t - 1])
      narrower = a * narrower + b
    end
    assert.near_matrix({ narrower, narrower }, model:sample(40000, { seed = 2 }):var(1), 0.03)
  end)

  it("has DDIM's closed form for a Gaussian, and no noise", function()
    local model, A = exact()
    local X, Z = model:sample(10, { method = "ddim", seed = 1 })
    local factor = 1
    for t = 20, 1, -1 do factor = factor * ((A[t - 1] * A[t]) ^ 0.5 + ((1 - A[t - 1]) * (1 - A[t])) ^ 0.5) end
    assert.near_matrix(factor * Z, X, 1e-9)
    -- five steps, at 20, 16, 12, 8, 4
    X, Z = model:sample(10, { method = "ddim", steps = 5, seed = 1 })
    factor = 1
    for t = 20, 4, -4 do factor = factor * ((A[t - 4] * A[t]) ^ 0.5 + ((1 - A[t - 4]) * (1 - A[t])) ^ 0.5) end
    assert.near_matrix(factor * Z, X, 1e-9)
  end)

  it("samples alike by DDIM with eta = 1 and all steps, and ancestrally, by each variance", function()
    for _, variance in ipairs { "optimal", "posterior", "beta" } do
      for _, prediction in ipairs { "epsilon", "x0", "v" } do
        local model = trained({ input_dim = 2, timesteps = 30, prediction = prediction, variance = variance,
          hidden = 16, dtype = "float64" }, ring(200, 1))
        local ancestral, Z = model:sample(100, { seed = 3 })
        local ddim, same = model:sample(100, { seed = 3, method = "ddim", eta = 1, steps = 30 })
        assert.near_matrix(ancestral, ddim, 1e-9)
        assert.near_matrix(Z, same, 0)
        assert.not_near_matrix(ancestral, (model:sample(100, { seed = 3, method = "ddim" })), 1e-2)
        assert.not_near_matrix(ancestral, (model:sample(100, { seed = 4 })), 1e-2)
      end
    end
  end)

  it("denoises step by step as it samples", function()
    local model = trained({ input_dim = 2, timesteps = 24, hidden = 16 }, ring(200, 1))
    for _, how in ipairs { {}, { method = "ddim", eta = 0.5 }, { method = "ddim", steps = 6 } } do
      how.seed = 7
      local S = model:sample(50, how)
      how.at = { 0, 8, 24, 16 }
      local states, times = model:denoise(50, how)
      assert.same({ 24, 16, 8, 0 }, times)
      assert.near_matrix(S, states[4], 1e-5)
      assert.near(1, states[1]:var() / ring(5000, 2):var(), 0.4) -- noise in the data's units
    end
    local states, times = model:denoise(5, { seed = 1 })
    assert.equal(11, #states)
    assert.same({ 24, 0 }, { times[1], times[11] })
    -- from given rows
    local X = ring(50, 3)
    states, times = model:denoise(model:diffuse(X, { t = 4 }), { from = 4, at = { 4, 2, 0 } })
    assert.same({ 4, 2, 0 }, times)
    assert.is_true((states[3] - X):abs():max() < (states[1] - X):abs():max() + 0.5)
    assert.near_matrix(states[3], model:reverse(states[2], { from = 2 }), 1e-5)
    assert.near_matrix(states[3], (model:denoise(states[2], { from = 2, at = { 0 } }))[1], 1e-5)
  end)

  it("finds all eight Gaussians, and its bound is above their entropy", function()
    -- three deviations hold 98.9 % of a Gaussian in the plane; the entropy is log 8 + log(2 pi e 0.01) = 0.312 nats
    local steps, rows = 1500, latent.random(1)
    local model = latent.diffusion { input_dim = 2, learning_rate = 3e-3, schedule = "cosine", schedule_steps = steps,
      seed = 1 }
    for _ = 1, steps do model:step(ring(256, rows)) end
    for _, how in ipairs { {}, { method = "ddim", steps = 20 } } do
      how.seed = 1
      local S, near, modes = model:sample(2000, how), 0, {}
      for i = 1, #S do
        local k = math.floor(math.atan(S(i, 2), S(i, 1)) / (math.pi / 4) + 0.5) % 8
        local dx, dy = S(i, 1) - math.cos(k * math.pi / 4), S(i, 2) - math.sin(k * math.pi / 4)
        if dx * dx + dy * dy < 0.09 then near, modes[k] = near + 1, (modes[k] or 0) + 1 end
      end
      assert.is_true(near / #S > 0.9, near / #S)
      for k = 0, 7 do assert.is_true((modes[k] or 0) > 150, k) end
    end
    local bound = model:elbo(ring(4000, 9))
    assert.is_true(-bound:mean() > 0.312 and -bound:mean() < 0.55, -bound:mean())
    assert.near(-bound:mean(), -model:elbo(ring(4000, 9), { terms = 10 }):mean(), 0.1)
  end)

  it("comes near the entropy of a Gaussian by training, in one dimension and in several", function()
    for _, D in ipairs { 1, 4 } do
      local steps, rows = 600, latent.random(1)
      local model = latent.diffusion { input_dim = D, hidden = 32, timesteps = 50, learning_rate = 3e-3, ema = 0.99,
        schedule = "cosine", schedule_steps = steps }
      for _ = 1, steps do model:step(3 * matrix.normal(256, D, rows) + 1) end
      local X = 3 * matrix.normal(2000, D, 5) + 1
      local entropy = D * (math.log(3) + 0.5 * math.log(2 * math.pi * math.exp(1)))
      local bound = -model:elbo(X, { samples = 2 }):mean()
      assert.is_true(bound > entropy - 0.06 * D and bound < entropy + 0.12 * D, bound - entropy)
      local S = model:sample(4000, { seed = 1 })
      for j = 1, D do
        assert.near(1, S:mean(1)[j], 0.4)
        assert.near(3, S:var(1)[j] ^ 0.5, 0.3)
      end
    end
  end)

  it("is conditional, with guidance", function()
    -- classes 3 and 4 are N(-2, 1) and N(2, 1)
    local steps, rows, n = 800, latent.random(1), 256
    local model = latent.diffusion { input_dim = 1, classes = 2, lowest = 3, hidden = 48, timesteps = 40, seed = 2,
      learning_rate = 3e-3, schedule = "cosine", schedule_steps = steps, drop_labels = 0.2, clamp = false }
    local labels = column(n, function(i) return 3 + i % 2 end)
    local centers = matrix(n, 1, function(i) return i % 2 == 0 and -2 or 2 end)
    local function draw(seed) return matrix.normal(n, 1, seed) + centers end
    for _ = 1, steps do model:step(draw(rows), { labels = labels }) end
    local function mean(how)
      how.seed = 1
      return (model:sample(4000, how)):mean()
    end
    assert.near(-2, mean { labels = 3 }, 0.25)
    assert.near(2, mean { labels = 4 }, 0.25)
    assert.near(0, mean {}, 0.35)
    assert.near(0, mean { labels = 4, guidance = -1 }, 0.35)
    assert.is_true(mean { labels = 4, guidance = 2 } > mean { labels = 4 } + 0.1)
    assert.is_true(mean { labels = 4, guidance = 2, method = "ddim", steps = 10 } > 2)
    -- each class is more probable to itself: log 2 nats less the overlap
    local X = draw(77)
    local own, any = model:elbo(X, { labels = labels, samples = 4 }):mean(), model:elbo(X, { samples = 4 }):mean()
    local other = model:elbo(X, { labels = column(n, function(i) return 4 - i % 2 end), samples = 4 }):mean()
    assert.is_true(own > any + 0.3 and any > other + 0.3)
    assert.near(-1.419, own, 0.3)
    model:fit(X, { labels = labels, epochs = 1, validation = { X, labels } })
    assert.equal(1, #model.validation_history)
    local fresh = trained({ input_dim = 1, classes = 2, drop_labels = 0, hidden = 4 }, X, 1,
      column(n, function(i) return i % 2 end))
    fails("labels are missing: with drop_labels = 0", fresh.sample, fresh, 3)
    fails("guidance is for models that are made with drop_labels > 0", fresh.sample, fresh, 3,
      { labels = 0, guidance = 1 })
    fails("guidance is towards a class: labels are missing", model.sample, model, 3, { guidance = 1 })
    fails("label 1 is 5: with classes = 2 they are whole numbers from 3 to 4", model.sample, model, 3, { labels = 5 })
    fails("label 2 is 0", model.step, model, matrix { { 1 }, { 2 } }, { labels = { 3, 0 } })
    fails("the model is conditional: labels are missing", model.step, model, X)
  end)

  it("uses averages of its weights, which soon forget the first steps", function()
    local X = ring(256, 1)
    local model = latent.diffusion { input_dim = 2, hidden = 8, ema = 0.9, timesteps = 10 }
    local name, average = "net.2.weight", nil
    for n = 0, 19 do
      model:step(X)
      local W, d = model:parameters()[name]:to "float64", n == 0 and 0 or math.min(0.9, (1 + n) / (10 + n))
      average = average and d * average + (1 - d) * W or W
    end
    local uses = model:sample(20, { seed = 1 })
    assert.not_near_matrix((model:sample(20, { seed = 1, raw = true })), uses, 1e-4)
    for other, W in pairs(model:parameters()) do
      if other == name then W:assign(average:to "float32") end
    end
    -- with that net alone averaged, and the other weights too, the raw model is the averaged one
    for other, view in pairs(model:__averages()) do
      if other:find "^net" then model:parameters()[other]:assign(view) end
    end
    assert.near_matrix(average, model:parameters()[name], 1e-6)
    assert.near_matrix((model:sample(20, { seed = 1, raw = true })), uses, 1e-6)
  end)

  it("keeps the residuals of each time, and the range of the data", function()
    local model = latent.diffusion { input_dim = 2, hidden = 4, timesteps = 5, prediction = "x0", clamp = false,
      standardize = false, optimizer = "sgd", learning_rate = 1e-12, ema = 0 }
    for name, W in pairs(model:parameters()) do if name:find("^net") then W:fill(0) end end
    local X = matrix.ones(1000, 2) % matrix(1000, 2, function(i) return i % 2 == 0 and 2 or -1 end)
    model:step(X)
    local r = model:parameters()["data.residuals"]
    for t = 1, 5 do -- X is 0, so they are the means of |x_0|^2/2, of 200 rows each
      assert.near(2.5, r(1, t), 0.02)
      assert.near(200, r(2, t), 0)
    end
    assert.near_matrix({ { -1, -1 }, { 2, 2 } }, model:parameters()["data.range"], 0)
    model:step(2 * X)
    assert.near_matrix({ { -2, -2 }, { 4, 4 } }, model:parameters()["data.range"], 0)
    assert.near(2.5 + (10 - 2.5) / 2, r(1, 3), 0.2)
  end)

  it("goes on exactly from a file, and is the same for every number of threads", function()
    local path, before = os.tmpname(), latent.threads()
    local X = ring(700, 1)
    local function fit(threads, stop)
      latent.threads(threads)
      local model = latent.diffusion { input_dim = 2, hidden = 24, seed = 5, timesteps = 12, warm_up = 3 }
      if stop then
        model:fit(X, { epochs = 1, batch = 300 })
        assert(model:save(path))
        model = assert(latent.load(path))
        model:fit(X, { epochs = 1, batch = 300 })
        assert(model:save(path))
        model = assert(latent.load(path))
      else
        model:fit(X, { epochs = 2, batch = 300 })
      end
      return model, (model:sample(1500, { seed = 1 })), model:elbo(X), model:elbo(X, { terms = 3 }),
        (model:sample(1500, { seed = 1, method = "ddim", steps = 4, raw = true }))
    end
    local whole = { fit(1) }
    local parts = { fit(2, true) }
    latent.threads(before)
    os.remove(path)
    for i = 2, 5 do assert.is_true(whole[i] == parts[i], i) end
    local model, again = whole[1], parts[1]
    assert.same({ model.iterations, model.epochs, model.history }, { again.iterations, again.epochs, again.history })
    assert.equal(model:free_parameters(), again:free_parameters())
    assert.equal((2 + 32 + 1) * 24 + 25 * 2, model:free_parameters())
  end)

  it("keeps the parameters of the best epoch, and their averages", function()
    local model = latent.diffusion { input_dim = 2, hidden = 32, learning_rate = 3e-2, seed = 1, timesteps = 20,
      ema = 0.5 }
    local held = ring(300, 4)
    model:fit(ring(60, 1), { epochs = 40, batch = 30, validation = held, patience = 4 })
    assert.is_true(model.converged)
    local best = math.huge
    for _, loss in ipairs(model.validation_history) do best = math.min(best, loss) end
    assert.near(best, -model:elbo(held, { terms = model.held_terms }):mean(), 1e-5)
  end)

  it("says that its samples are those of an untrained model", function()
    local model = latent.diffusion { input_dim = 2, hidden = 8 }
    assert.is_true(model:sample(3):abs():max() < 1e3)
    assert.is_truthy(model.note:find("untrained", 1, true))
    model:step(ring(50, 1))
    assert.is_nil(model.note)
    model:sample(3)
    assert.is_nil(model.note)
  end)

  it("keeps x_0 within the data's range, if asked", function()
    local X = matrix.random(300, 1, 1)
    local function most(clamp)
      local model = trained({ input_dim = 1, hidden = 8, clamp = clamp, noise_schedule = "cosine",
        prediction = "epsilon" }, X, 3)
      return (model:sample(500, { method = "ddim", steps = 5, seed = 1 }):abs():max())
    end
    assert.is_true(most(true) <= X:max() + 1e-6)
    assert.is_true(most(false) > 2)
  end)

  it("names what is wrong", function()
    local model, X = latent.diffusion { input_dim = 2, hidden = 8, timesteps = 10 }, ring(20, 1)
    local constant = matrix.hstack { X:col(1), matrix.ones(20) * 3 }
    fails("diffusion:fit: column 2 of X is constant (3)", model.fit, model, constant)
    fails("diffusion:step: column 2 of X is constant (3)", model.step, model, constant)
    fails("diffusion:step: X has 3 columns, the model takes 2", model.step, model, matrix.zeros(4, 3))
    local hole = X:copy()
    hole:set(7, 2, 0 / 0)
    for _, method in ipairs { "step", "fit", "loss", "elbo", "diffuse", "reverse" } do
      fails("X has NaN at row 7, column 2", model[method], model, hole)
    end
    fails("labels are for conditional models", model.step, model, X, { labels = 1 })
    fails("labels are for conditional models", model.sample, model, 3, { labels = 1 })
    fails("unknown option 'context'", model.fit, model, X, { context = X })
    fails("there are timesteps = 10 steps, got 11", model.sample, model, 3, { steps = 11 })
    fails("times are from 0 to timesteps = 10, got 11", model.diffuse, model, X, { t = 11 })
    fails("times are from 0 to timesteps = 10, got 12", model.reverse, model, X, { from = 12 })
    fails("the reverse process goes down: from time 3 to 5", model.reverse, model, X, { from = 3, to = 5 })
    fails("eta is for method = \"ddim\"", model.sample, model, 3, { eta = 0.5 })
    fails("diffusion:denoise: at must be at most 10, got 11", model.denoise, model, 3, { at = { 11 } })
    fails("diffusion:denoise: noise is at time 10", model.denoise, model, 3, { from = 4 })
    fails("diffusion:denoise: X must be a matrix, got 'x'", model.denoise, model, "x")
    fails("diffusion:denoise: n must be an integer >= 1, got 0", model.denoise, model, 0)
    fails("diffusion:denoise: n must be an integer >= 1, got 2.5", model.denoise, model, 2.5)
    fails("diffusion:denoise: 11 states of 1000000000000 rows are 163913 GB", model.denoise, model, 10^12)
    fails("diffusion:denoise: there are timesteps = 10 steps, got 11", model.denoise, model, 3, { steps = 11 })
    fails("diffusion:denoise: labels are for conditional models", model.denoise, model, X, { labels = 1 })
    fails("diffusion:denoise: X has NaN at row 7, column 2", model.denoise, model, hole)
    fails("unknown method 'euler'", model.sample, model, 3, { method = "euler" })
    fails("the option input_dim is missing", latent.diffusion)
    fails("timesteps must be an integer", latent.diffusion, { input_dim = 2, timesteps = 0 })
    for _, beta in ipairs { 0, 1, -0.1, 1.5 } do
      fails("beta_end must be from 1e-12 to 0.999999", latent.diffusion,
        { input_dim = 2, noise_schedule = "linear", beta_end = beta })
      fails("beta_start must be from", latent.diffusion,
        { input_dim = 2, noise_schedule = "quadratic", beta_start = beta })
    end
    fails("beta_start and beta_end are for noise_schedule", latent.diffusion, { input_dim = 2, beta_start = 0.1 })
    fails("unknown noise_schedule 'cosin', did you mean 'cosine'?", latent.diffusion,
      { input_dim = 2, noise_schedule = "cosin" })
    fails("hidden must be a list of 1 to 8 widths", latent.diffusion, { input_dim = 2, hidden = {} })
  end)

  it("takes nothing of data with labels that are wrong, and names the row of all rows", function()
    local model, X = latent.diffusion { input_dim = 2, hidden = 8, timesteps = 5, classes = 2 }, ring(20, 1)
    local labels, hole = {}, X:copy()
    for i = 1, 20 do labels[i] = i == 20 and 2 or 1 end
    hole:set(7, 2, 0 / 0)
    for _, method in ipairs { "step", "fit", "loss" } do
      fails("label 20 is 2: with classes = 2 they are whole numbers from 0 to 1", model[method], model, X,
        { labels = labels })
      fails("the model is conditional: labels are missing", model[method], model, X)
      fails("there are 2 labels for 20 rows", model[method], model, X, { labels = { 1, 0 } })
    end
    assert.near_matrix({ { 0, 0 } }, model:parameters()["data.deviation"], 0)
    labels[20] = 0
    model:fit(X, { labels = labels, epochs = 1 })
    fails("diffusion:fit: X has NaN at row 7, column 2", model.fit, model, hole, { labels = labels, batch = 2 })
  end)

  it("refuses schedules after which nothing of the data is left", function()
    local lost = "the signal is lost before the last of 1000 timesteps"
    for _, schedule in ipairs { "linear", "quadratic" } do
      fails(lost, latent.diffusion,
        { input_dim = 2, timesteps = 1000, noise_schedule = schedule, beta_start = 0.1, beta_end = 0.2 })
    end
    -- and what is near to it is finite: 0.001^9 = 1e-27
    for _, prediction in ipairs { "epsilon", "x0", "v" } do
      local model = latent.diffusion { input_dim = 2, timesteps = 9, noise_schedule = "linear", beta_start = 0.999,
        beta_end = 0.999, prediction = prediction, hidden = 8, clamp = prediction ~= "x0" }
      model:fit(ring(50, 1), { epochs = 1 })
      for _, how in ipairs { { method = "ddim" }, { method = "ddim", eta = 1, steps = 3 }, {} } do
        assert.equal(0, model:sample(100, how):isnan():sum())
      end
      assert.is_true(math.abs(model:elbo(ring(20, 2)):mean()) < math.huge)
    end
    -- the schedules of every length that are there without options aren't lost
    for _, schedule in ipairs { "linear", "quadratic", "cosine" } do
      for _, T in ipairs { 1, 2, 15, 20, 25, 100, 5000 } do
        latent.diffusion { input_dim = 1, hidden = 1, timesteps = T, noise_schedule = schedule }
      end
    end
  end)

  it("refuses a step that isn't finite, and stays as it was", function()
    local model = trained({ input_dim = 2, hidden = 8, timesteps = 10 }, ring(50, 1), 2)
    local before, steps = model:sample(10, { seed = 2 }), model.iterations
    local b = model:parameters()["net.2.bias"]
    local kept_b = b:copy()
    b:fill(1e30)
    assert.is_false(pcall(model.step, model, ring(50, 1)))
    b:assign(kept_b)
    assert.near_matrix(before, (model:sample(10, { seed = 2 })), 0)
    assert.equal(steps, model.iterations)
  end)
end)
