-- Variational autoencoders: gradients against differences, losses against PyTorch 2.13, bounds against closed
-- forms and probabilistic PCA.
local latent = require "latent"
local helper = require "helper"
local matrix = latent.matrix

local paths = {}

local function temporary()
  local path = os.tmpname()
  paths[#paths + 1] = path
  return path
end

local function contents(path)
  local file = assert(io.open(path, "rb"))
  local bytes = file:read "a"
  file:close()
  return bytes
end

-- Options with others on top.
local function with(options, more)
  local all = {}
  for key, value in pairs(options) do all[key] = value end
  for key, value in pairs(more or {}) do all[key] = value end
  return all
end

local function grey(n, D)
  return matrix(n, D, function(i, j) return (math.sin(1 + 2.1 * (i - 1) + j - 1) + 1) / 2 end)
end

-- x ~ N(b, W W' + s2 I) as a VAE without hidden layers, whose parameters are set.
local W, b, s2 = matrix { { 1.2, 0.3 }, { -0.4, 0.8 }, { 0.5, 0.5 }, { 0.1, -1 } }, matrix { 0.5, -1, 0, 2 }, 0.3
local function linear(options)
  local vae = latent.vae(with({ input_dim = 4, latent_dim = 2, hidden = {}, likelihood = "gaussian",
    sigma = math.sqrt(s2), dtype = "float64", seed = 3 }, options))
  local P = vae:parameters()
  P["decoder.1.weight"]:block(1, 2):fill(0)
  for i = 1, 4 do
    P["decoder.1.bias"]:set(1, i, b[i])
    for j = 1, 2 do P["decoder.1.weight"]:set(j, i, W(i, j)) end
  end
  return vae
end

-- log N(x; b, W W' + s2 I), a row each.
local function exact(X)
  local C = W * W:t() + matrix.eye(4) * s2
  local inverse, R = C:inverse(), X - b
  local squares = ((R * inverse) % R):sum(2)
  return (squares + (4 * math.log(2 * math.pi) + C:logdet())) * -0.5
end

describe("latent.vae", function()
  after_each(function()
    for _, path in ipairs(paths) do os.remove(path) end
    paths = {}
  end)

  describe("the loss", function()
    local cases = {
      { { hidden = 5, activation = "tanh" } },
      { { hidden = { 6, 5 }, activation = "relu", decoder_hidden = 3, beta = 2 } },
      { { hidden = 5, activation = "silu", samples = 4 } },
      { { hidden = 5, activation = "tanh", samples = 3, beta = 0.5, classes = 2 }, { labels = { 0, 1, 1, 0 } } },
      { { hidden = 5, activation = "elu", samples = 3, bound = "elbo", free_bits = 0.2 } },
      { { hidden = 5, likelihood = "continuous_bernoulli", classes = 3, lowest = 1 }, { labels = { 3, 1, 2, 2 } } },
      { { hidden = {}, likelihood = "gaussian" } },
      { { hidden = 4, likelihood = "gaussian", variance = "column", samples = 2, activation = "sigmoid" } },
      { { hidden = 4, likelihood = "gaussian", variance = "pixel", activation = "gelu" } },
      { { hidden = 4, likelihood = "gaussian", sigma = 0.3, activation = "leaky_relu" } },
      { { hidden = 4, likelihood = "categorical", levels = 3, activation = "softplus" } },
    }

    for k, case in ipairs(cases) do
      it("has the gradient of differences, case " .. k, function()
        local options, given = table.unpack(case)
        local X = options.levels and matrix(4, 7, function(i, j) return i * j % 3 end) or grey(4, 7)
        local vae = latent.vae(with({ input_dim = 7, latent_dim = 3, dtype = "float64", seed = k }, options))
        vae:loss(X, given)
        local gradients = {}
        for name, G in pairs(vae:gradients()) do gradients[name] = G:copy() end
        local h = 1e-5
        for name, P in pairs(vae:parameters()) do
          for i = 1, P.rows do
            for j = 1, P.cols do
              if (3 * i + j) % 4 == 0 or P.rows == 1 then
                local value = P(i, j)
                P:set(i, j, value + h)
                local above = vae:loss(X, given)
                P:set(i, j, value - h)
                local below = vae:loss(X, given)
                P:set(i, j, value)
                local slope, G = (above - below) / (2 * h), gradients[name](i, j)
                assert.is_near(slope, G, 1e-6 * math.max(1, math.abs(slope)), name)
              end
            end
          end
        end
      end)
    end

    -- Nets of sines: PyTorch 2.13 (binary_cross_entropy_with_logits, cross_entropy, distributions.Normal and
    -- ContinuousBernoulli), with the encoder's log-variances at -30, where no noise is left.
    local oracle = {
      { "bernoulli", "tanh", 30.271201587650, 3.948824520324 },
      { "continuous_bernoulli", "relu", 31.320080102301, 2.011855799352 },
      { "categorical", "silu", 35.764659683323, 11.062055240645, { levels = 3 } },
      { "gaussian", "gelu", 31.423052289705, 47.338679213398, { sigma = 0.7 } },
      { "gaussian", "softplus", 30.649224458661, 10.564916742912, { variance = "pixel" } },
    }
    for _, case in ipairs(oracle) do
      it("is PyTorch's: " .. case[1] .. ", " .. case[2], function()
        local X = grey(3, 5)
        if case[5] and case[5].levels then X = matrix(3, 5, function(i, j) return math.floor(X(i, j) * 2.999) end) end
        local vae = latent.vae(with({ input_dim = 5, latent_dim = 2, hidden = 4, dtype = "float64",
          likelihood = case[1], activation = case[2] }, case[5]))
        local P = vae:parameters()
        for net, s in pairs { encoder = 0.1, decoder = 0.2 } do
          for layer = 1, 2 do
            local weight, bias = P[("%s.%d.weight"):format(net, layer)], P[("%s.%d.bias"):format(net, layer)]
            for j = 1, weight.cols do
              for i = 1, weight.rows do
                weight:set(i, j, math.sin(s + layer - 1 + 1.3 * (i - 1) + 0.7 * (j - 1)))
              end
              bias:set(1, j, math.sin(s + layer - 0.5 + 0.7 * (j - 1)))
            end
          end
        end
        P["encoder.2.weight"]:block(1, 4, 3, 4):fill(0)
        P["encoder.2.bias"]:block(1, 1, 3, 4):fill(-50) -- held at -30
        local _, reconstruction, kl = vae:loss(X)
        assert.is_near(case[3], kl, 1e-9)
        -- deviations of exp(-15) are left
        assert.is_near(case[4], reconstruction, 3e-5)
      end)
    end

    it("is made of its parts, and beta rises in the warm-up", function()
      local X = grey(6, 7)
      local function parts(options)
        return latent.vae(with({ input_dim = 7, latent_dim = 3, hidden = 5, dtype = "float64" }, options)):loss(X)
      end
      local loss, reconstruction, kl = parts()
      assert.is_near(reconstruction + kl, loss, 1e-12)
      assert.is_near(reconstruction + 4 * kl, (parts { beta = 4 }), 1e-12)
      assert.is_near(reconstruction + kl / 10, (parts { kl_warm_up = 10 }), 1e-12)
      loss, reconstruction = parts { free_bits = 2 }
      assert.is_near(reconstruction + 3 * 2, loss, 1e-12)
      local vae = latent.vae { input_dim = 7, latent_dim = 3, hidden = 5, dtype = "float64", kl_warm_up = 2 }
      for _ = 1, 5 do vae:step(X) end
      loss, reconstruction, kl = vae:loss(X)
      assert.is_near(reconstruction + kl, loss, 1e-12)
    end)

    it("with one sample is the same for both bounds in the mean", function()
      local vae, X = linear(), linear():sample(50, { seed = 1 })
      local elbo = vae:elbo(X, { samples = 4000 }):mean()
      local iwae = vae:log_likelihood(X, { samples = 1 })
      for seed = 1, 400 do iwae = iwae + vae:log_likelihood(X, { samples = 1, seed = seed }) end
      assert.is_near(elbo, iwae:mean() / 401, 0.1)
    end)
  end)

  describe("on a linear model", function()
    it("has the exact bound, and bound + KL(q || p(z|x)) is the log-likelihood", function()
      local vae = linear()
      local X = linear():sample(20, { seed = 4 })
      local mean, variance = vae:encode(X)
      local bound, reconstruction, kl = vae:elbo(X, { samples = 20000 })
      -- the posterior: covariance S = (I + W'W/s2)^-1, mean S W'(x - b)/s2
      local S = (matrix.eye(2) + W:t() * W / s2):inverse()
      local centre = (X - b) * W * S / s2
      local inverse, likelihood = S:inverse(), exact(X)
      for i = 1, 20 do
        local m, v = mean[i], variance[i]
        local residual = X[i] - b - W * m
        local spread = 0
        for j = 1, 2 do spread = spread + v[j] * W:col(j):dot(W:col(j)) end
        local nll = 2 * math.log(2 * math.pi * s2) + (residual:dot(residual) + spread) / (2 * s2)
        local divergence = 0
        for j = 1, 2 do divergence = divergence + (v[j] + m[j] ^ 2 - 1 - math.log(v[j])) / 2 end
        assert.is_near(nll, reconstruction[i], 0.05 * (1 + spread / s2))
        assert.is_near(divergence, kl[i], 1e-9)
        assert.is_near(-reconstruction[i] - kl[i], bound[i], 1e-9)
        if i == 1 then -- more draws than a step of a tape has
          local _, many, same = vae:elbo(X:block(1, 1), { samples = 100000 })
          assert.is_near(nll, many[1], 0.02 * (1 + spread / s2))
          assert.is_near(divergence, same[1], 1e-9)
        end
        local d = m - centre[i]
        local gap = 0.5 * (inverse(1, 1) * v[1] + inverse(2, 2) * v[2] + d:dot(inverse * d) - 2
          + S:logdet() - math.log(v[1] * v[2]))
        assert.is_near(likelihood[i], -nll - divergence + gap, 1e-9)
      end
    end)

    it("has the bound of any q, which is the higher the nearer q is to the posterior", function()
      local vae, X = linear(), linear():sample(10, { seed = 5 })
      local mean, variance = vae:encode(X)
      local own, _, own_kl = vae:elbo(X, { samples = 20000 })
      local same, _, same_kl = vae:elbo(X, { means = mean, variances = variance, samples = 20000 })
      assert.is_true((own_kl - same_kl):abs():max() < 1e-9) -- (the noise is another)
      assert.is_near(own:mean(), same:mean(), 0.15)
      -- the best diagonal q has the posterior's means and the inverse of its precision's diagonal
      local precision = matrix.eye(2) + W:t() * W / s2
      local S = precision:inverse()
      local best = matrix(10, 2, function(_, j) return 1 / precision(j, j) end)
      local gap = 0.5 * (S:logdet() - math.log(best(1, 1) * best(1, 2))) -- KL(q || p(z|x))
      local centre = (X - b) * W * S / s2
      local bound, reconstruction, kl = vae:elbo(X, { means = centre, variances = best, samples = 20000 })
      for i = 1, 10 do
        local divergence = 0
        for j = 1, 2 do
          divergence = divergence + (best(1, j) + centre(i, j) ^ 2 - 1 - math.log(best(1, j))) / 2
        end
        assert.is_near(divergence, kl[i], 1e-9)
        assert.is_near(-reconstruction[i] - kl[i], bound[i], 1e-9)
      end
      assert.is_near(gap, (exact(X) - bound):mean(), 0.02)
      assert.is_true(bound:mean() > own:mean())
    end)

    it("estimates the exact log-likelihood, by importance sampling and from the prior", function()
      local vae, X = linear(), linear():sample(30, { seed = 4 })
      local truth = exact(X)
      local before = -math.huge
      for _, K in ipairs { 1, 5, 50, 5000 } do
        local estimate = vae:log_likelihood(X, { samples = K }):mean()
        assert.is_true(estimate > before)
        assert.is_true(estimate < truth:mean() + 0.1)
        before = estimate
      end
      local l, effective = vae:log_likelihood(X, { samples = 20000 })
      assert.is_near(truth:mean(), l:mean(), 0.05)
      assert.is_true(effective:min() >= 1 and effective:max() <= 20000)
      l, effective = vae:log_likelihood(X, { samples = 200000, method = "prior" })
      assert.is_true((l - truth):abs():max() < 0.2, (l - truth):abs():max())
      assert.is_near(truth:mean(), l:mean(), 0.02)
      assert.is_true(effective:min() > 50)
      assert.is_near(vae:score(X, { samples = 100 }), vae:log_likelihood(X, { samples = 100 }):mean(), 1e-9)
    end)

    it("has a bound that grows to PPCA's likelihood", function()
      local X = latent.datasets.low_rank(1000, 10, 3, { noise = 0.5 })
      local ppca = latent.ppca { latent_dim = 3 }:fit(X)
      local vae = latent.vae { input_dim = 10, latent_dim = 3, hidden = {}, likelihood = "gaussian", seed = 1,
        learning_rate = 0.01, schedule = "cosine", schedule_steps = 10000 }
      vae:fit(X, { epochs = 1000, batch = 100 })
      local bound = vae:elbo(X, { samples = 50 }):mean()
      assert.is_true(bound > ppca:score(X) - 0.05, ("%g against %g"):format(bound, ppca:score(X)))
      assert.is_true(bound < ppca:score(X) + 0.01)
      assert.is_near(ppca:score(X), vae:score(X, { samples = 200 }), 0.05)
      local _, variance = vae:decode(matrix.zeros(1, 3), { variance = true })
      assert.is_near(ppca.noise_variance, variance(1, 1), 0.03)
    end)
  end)

  describe("draws", function()
    it("have the likelihood's means and variances", function()
      for _, options in ipairs {
        { likelihood = "bernoulli" }, { likelihood = "continuous_bernoulli" },
        { likelihood = "categorical", levels = 4 }, { likelihood = "gaussian", variance = "pixel" },
        { likelihood = "gaussian", variance = "column", sigma = 0.2 }, { likelihood = "gaussian", sigma = 2 },
      } do
        local vae = latent.vae(with({ input_dim = 3, latent_dim = 1, hidden = 4, seed = 5, dtype = "float64" },
          options))
        for _, P in pairs(vae:parameters()) do P:fill(0) end -- every z gives the same distribution
        local P = vae:parameters()
        for j = 1, P["decoder.2.bias"].cols do P["decoder.2.bias"]:set(1, j, 2 * math.sin(j)) end
        local mean, variance = vae:decode(matrix.zeros(1, 1), { variance = true })
        local X, Z = vae:sample(40000, { seed = 2 })
        assert.same({ 40000, 1 }, { Z.rows, Z.cols })
        for j = 1, 3 do
          local deviation = math.sqrt(variance(1, j))
          assert.is_near(mean(1, j), X:col(j):mean(), 5 * deviation / 200)
          assert.is_near(1, X:col(j):var() / variance(1, j), 0.06)
        end
      end
    end)

    it("of a continuous Bernoulli have PyTorch's moments", function()
      local vae = latent.vae { input_dim = 5, latent_dim = 1, hidden = {}, dtype = "float64",
        likelihood = "continuous_bernoulli" }
      local P = vae:parameters()
      for j, l in ipairs { -3, -0.004, 0, 0.3, 8 } do P["decoder.1.bias"]:set(1, j, l) end
      local mean, variance = vae:decode({ { 0 } }, { variance = true })
      assert.near_matrix({ { 0.28093763684207734, 0.49966666675555627, 0.5, 0.5249625801767488, 0.875335575200846 } },
        mean, 1e-7)
      assert.near_matrix({ { 0.055970105609051336, 0.08333326666697989, 0.08333333333333333, 0.0829596684125935,
        0.015289312188442207 } }, variance, 1e-7)
    end)

    it("are the same for the same seed, and reconstruct is decode of transform", function()
      local X = latent.datasets.digits():block(1, 300) / 16
      local vae = latent.vae { input_dim = 64, latent_dim = 4, hidden = 32, seed = 1 }
      local A, B = vae:sample(20, { seed = 7 }), vae:sample(20, { seed = 7 })
      assert.is_true(A == B)
      assert.is_true(A ~= vae:sample(20, { seed = 8 }))
      assert.is_true(vae:reconstruct(X) == vae:inverse_transform(vae:transform(X)))
      local M, Z = vae:sample(5, { seed = 7, mean = true })
      assert.is_true(M == vae:decode(Z))
      assert.is_true((vae:encode(X)) == vae:transform(X))
      assert.same({ 64, 1 }, { vae:decode(Z[1]).rows, vae:decode(Z[1]).cols }) -- of one row a vector
    end)
  end)

  describe("training", function()
    local X = latent.datasets.digits() / 16

    it("learns digits: the bound rises, collapsed units are seen", function()
      local vae = latent.vae { input_dim = 64, latent_dim = 6, hidden = 64, seed = 1, learning_rate = 3e-3 }
      local first = vae:elbo(X):mean()
      assert.equal(vae, vae:fit(X, { epochs = 15, batch = 64 }))
      local bound, reconstruction, kl = vae:elbo(X)
      assert.is_true(bound:mean() > first + 15)
      assert.near_matrix(bound, -reconstruction - kl, 1e-9)
      assert.equal(15, #vae.history)
      assert.is_true(vae.history[15] < vae.history[1])
      assert.is_near(vae.history[15], vae.reconstruction_history[15] + vae.kl_history[15], 1e-4)
      assert.equal(15, vae.epochs)
      assert.equal(15 * 29, vae.iterations)
      assert.is_near(kl:mean(), vae:kl_per_unit(X):sum(), 1e-4)
      local active, variances = vae:active_units(X)
      assert.is_true(active >= 1 and active <= 6 and #variances == 6)
      local none = latent.vae { input_dim = 64, latent_dim = 6, hidden = 64, seed = 1, beta = 1000 }
      none:fit(X, { epochs = 3, batch = 64 })
      assert.equal(0, (none:active_units(X)))
      assert.is_truthy(vae.note:find("cross-entropies", 1, true))
      assert.is_truthy(vae.note:find("continuous_bernoulli", 1, true))
    end)

    it("says nothing of black and white images", function()
      local vae = latent.vae { input_dim = 64, latent_dim = 2, hidden = 16 }
      vae:fit(X, { epochs = 1, binarize = "dynamic" })
      assert.is_nil(vae.note)
    end)

    it("gives the same bits with one and two threads, and when it is run again", function()
      local threads = latent.threads()
      finally(function() latent.threads(threads) end)
      local function run(n)
        latent.threads(n)
        local vae = latent.vae { input_dim = 64, latent_dim = 8, hidden = { 300, 100 }, seed = 2, samples = 3 }
        vae:fit(X, { epochs = 2, batch = 200, binarize = "dynamic" })
        return vae, vae:elbo(X), vae:log_likelihood(X:block(1, 100), { samples = 30 }), vae:sample(500, { seed = 1 })
      end
      local one, bound, likelihood, sample = run(1)
      local two, bound2, likelihood2, sample2 = run(2)
      for name, P in pairs(one:parameters()) do assert.is_true(P == two:parameters()[name], name) end
      assert.is_true(bound == bound2)
      assert.is_true(likelihood == likelihood2)
      assert.is_true(sample == sample2)
    end)

    it("goes on from a file with the same bits", function()
      local options = { input_dim = 64, latent_dim = 4, hidden = { 40, 20 }, seed = 1, clip = 5, kl_warm_up = 20,
        optimizer = "adamax", learning_rate = 2e-3, schedule = "cosine", schedule_steps = 60, warm_up = 5 }
      local fit = { epochs = 2, binarize = "dynamic", batch = 100 }
      local whole = latent.vae(options):fit(X, with(fit, { epochs = 4 }))
      local half = latent.vae(options):fit(X, fit)
      local path = temporary()
      assert.is_true(half:save(path))
      local again = assert(latent.load(path))
      assert.equal(half.iterations, again.iterations)
      assert.same(half.history, again.history)
      assert.is_true((half:elbo(X:ge(0.5))) == (again:elbo(X:ge(0.5))))
      again:fit(X, fit)
      for name, P in pairs(whole:parameters()) do assert.is_true(P == again:parameters()[name], name) end
      assert.same(whole.history, again.history)
      assert.is_true(whole:save(path))
      local bytes = contents(path)
      assert.is_true(again:save(path))
      assert.is_true(bytes == contents(path))
    end)

    it("stops at the last batch of an epoch, too, which counts", function()
    local Y = matrix.random(20, 6, latent.random(1))
    for name, make in pairs { vae = latent.vae, nonlinear = latent.nonlinear } do
      local model = make { input_dim = 6, latent_dim = 2, hidden = 4, likelihood = "gaussian" }
      local calls = 0
      model:fit(Y, { epochs = 5, batch = 50, on_iteration = function() calls = calls + 1 return calls < 2 end })
      assert.same({ 2, 2 }, { model.iterations, model.epochs }, name)
      model:fit(Y, { epochs = 5, batch = 10, on_iteration = function() return model.iterations < 4 end })
      assert.same({ 4, 3 }, { model.iterations, model.epochs }, name)
      model:fit(Y, { epochs = 1000, batch = 50, max_seconds = 1e-9 })
      assert.same({ 5, 4 }, { model.iterations, model.epochs }, name)
      assert.equal(4, #model.history)
    end
  end)

  it("is the user's loop as well, and can be stopped", function()
      local vae = latent.vae { input_dim = 64, latent_dim = 4, hidden = 20, seed = 1 }
      for x in latent.batches(X, 128, { seed = 1 }) do
        local loss, reconstruction, kl = vae:step(x)
        assert.is_near(loss, reconstruction + kl, 1e-3)
      end
      assert.equal(15, vae.iterations)
      local turns = 0
      for i, loss in vae:steps(X, { batch = 500 }) do
        turns = turns + 1
        assert.equal(turns, i)
        assert.is_number(loss)
        if i == 6 then break end
      end
      assert.equal(21, vae.iterations)
      assert.equal(1, vae.epochs)
      local seen = {}
      vae:fit(X, { epochs = 5, on_epoch = function(model, epoch, loss, held)
        assert.equal(vae, model)
        seen[#seen + 1] = { epoch, loss, held }
        return epoch < 3
      end, validation = X:block(1, 100) })
      assert.equal(2, #seen)
      assert.equal(3, seen[2][1])
      assert.is_near(-vae:elbo(X:block(1, 100)):mean(), seen[2][3], 1e-12)
      assert.same(vae.validation_history[2], seen[2][3])
      vae:fit(X, { epochs = 5, on_iteration = function(_, i) return i < vae.iterations + 1 and i % 7 ~= 0 end })
      assert.equal(3, vae.epochs) -- an epoch that was cut short doesn't count
      local rates = {}
      vae:fit(X, { epochs = 1, learning_rate = function(step) rates[#rates + 1] = step return 1e-4 end })
      assert.equal(15, #rates)
    end)

    it("stops when held out rows get worse", function()
      local vae = latent.vae { input_dim = 64, latent_dim = 4, hidden = 200, seed = 1, learning_rate = 5e-3 }
      vae:fit(X:block(1, 60), { epochs = 300, batch = 20, validation = X:block(61, 300), patience = 5 })
      assert.is_true(vae.epochs < 300 and vae.converged)
      assert.is_false(vae:fit(X:block(1, 60), { epochs = 1 }).converged)
    end)

    it("takes labels", function()
      local _, labels = latent.datasets.digits()
      local vae = latent.vae { input_dim = 64, latent_dim = 2, hidden = 64, classes = 10, seed = 1,
        learning_rate = 3e-3 }
      vae:fit(X, { epochs = 15, labels = labels, batch = 64, validation = { X, labels } })
      local images = vae:sample(200, { labels = 0, seed = 1, mean = true })
      local zeros = X:rows_at((function()
        local rows = {}
        for i = 1, #labels do if labels[i] == 0 then rows[#rows + 1] = i end end
        return rows
      end)()):mean(1)
      local ones = X:mean(1)
      local centre = images:mean(1)
      assert.is_true((centre - zeros):norm() < (centre - ones):norm() / 2)
      local wrong = matrix(#labels, 1, function(i) return (labels[i] + 1) % 10 end):col(1)
      assert.is_true(vae:elbo(X, { labels = labels }):mean() > vae:elbo(X, { labels = wrong }):mean())
    end)

    it("takes no more memory after the first steps", function()
      local vae = latent.vae { input_dim = 64, latent_dim = 8, hidden = 128, seed = 1 }
      local x = X:block(1, 64)
      local function resident()
        local file = io.open "/proc/self/statm"
        if not file then return 0 end
        local _, pages = file:read("n", "n")
        file:close()
        return pages
      end
      for _ = 1, 50 do vae:step(x) end
      collectgarbage()
      local pages, lua = resident(), collectgarbage "count"
      for _ = 1, 3000 do vae:step(x) end
      collectgarbage()
      assert.is_true(resident() - pages < 64, resident() - pages)
      assert.is_true(collectgarbage "count" - lua < 64)
    end)

    it("reaches the well-known losses of MNIST in its first epoch", function()
      local path, why = helper.data "mnist/train-images-idx3-ubyte.gz"
      if not path then return pending(why) end
      local folder = path:match "^(.*)/"
      local vae = latent.vae { input_dim = 784, latent_dim = 20, hidden = 400, seed = 1 }
      vae:fit(assert(latent.datasets.mnist(folder)), { epochs = 1 })
      local loss = -vae:elbo((latent.datasets.mnist(folder, { part = "test" }))):mean()
      assert.is_near(127, loss, 3) -- PyTorch: 126.9
    end)
  end)

  describe("pictures", function()
    local X = latent.datasets.digits() / 16
    local vae = latent.vae { input_dim = 64, latent_dim = 2, hidden = 16, seed = 1 }:fit(X, { epochs = 1 })

    it("walk along units", function()
      local images, Z = vae:traverse { count = 5, width = 2 }
      assert.same({ 10, 64 }, { images.rows, images.cols })
      assert.near_matrix({ -2, -1, 0, 1, 2 }, Z:block(1, 5, 1, 1):col(1), 0)
      assert.near_matrix({ 0, 0, 0, 0, 0 }, Z:block(1, 5, 2, 2):col(1), 0)
      images, Z = vae:traverse { units = { 2 }, count = 3, z = { 0.5, 9 } }
      assert.near_matrix({ { 0.5, -2.5 }, { 0.5, 0 }, { 0.5, 2.5 } }, Z, 0)
      assert.equal(3, images.rows)
      helper.fails("vae:traverse: units are integers from 1 to latent_dim = 2, got 3", vae.traverse, vae,
        { units = { 3 } })
    end)

    it("show a plane", function()
      local images, Z = vae:manifold { size = 3 }
      assert.equal(9, images.rows)
      -- the quantiles of 1/6, 1/2, 5/6 (R's qnorm)
      local q = 0.96742157
      assert.near_matrix({ { -q, q }, { 0, q }, { q, q } }, Z:block(1, 3), 1e-6)
      helper.fails("the latent space must be a plane", function()
        latent.vae { input_dim = 3, latent_dim = 3 }:manifold()
      end)
    end)
  end)
end)

describe("a callback of a vae's fit", function()
  it("may step, fit, save and load", function()
    local X = (latent.datasets.digits():block(1, 60) / 16):to "float32"
    local vae = latent.vae { input_dim = 64, latent_dim = 2, hidden = 8, seed = 1 }
    local path, nested, steps = os.tmpname(), 0, 0
    vae:fit(X, { epochs = 3, batch = 20, on_iteration = function(model, i)
      steps = steps + 1
      if steps > 2 then return end
      model:step(X:block(1, 10))
      model:fit(X, { epochs = 1, batch = 30 })
      nested = nested + 1
      assert.is_true(model:save(path))
      local copy = assert(latent.load(path))
      assert.are.equal(model.iterations, copy.iterations)
      assert.is_true(i < model.iterations)
      collectgarbage()
    end })
    os.remove(path)
    assert.are.equal(9, steps)
    assert.are.equal(3 + nested, vae.epochs)
    assert.are.equal(vae.epochs, #vae.history)
    assert.are.equal(9 + nested * (1 + 2), vae.iterations)
  end)

  it("may yield: the loop is in Lua", function()
    local X = (latent.datasets.digits():block(1, 60) / 16):to "float32"
    local function make() return latent.vae { input_dim = 64, latent_dim = 2, hidden = 8, seed = 1 } end
    local whole, vae = make():fit(X, { epochs = 2, batch = 20 }), make()
    local turn = coroutine.wrap(function()
      vae:fit(X, { epochs = 2, batch = 20, on_epoch = function() coroutine.yield "epoch" end })
      return "end"
    end)
    assert.are.same({ "epoch", "epoch", "end" }, { turn(), turn(), turn() })
    assert.are.same(whole.history, vae.history)
  end)
end)
