-- A curve through a cloud of points: one latent variable behind a net, without an encoder.
--
--   lua5.4 scripts/nonlinear_manifold.lua [--help]
--
-- z ~ N(0, 1), x ~ N(g(z), sigma^2 I) in the plane. The likelihood p(x) = 1/K sum_k p(x | z_k) is an average over draws
-- from the prior, and the net g is trained on it as it stands. Ends in numbers against PPCA, whose curve is a line, and
-- in the picture of the manifold: data, the curve g(z), and the density that it gives the plane.

local options, save, printf = dofile((arg[0]:match "^.*/" or "") .. "experiment.lua") {
  seed = 1,
  { "epochs", 300, "passes over the data in training", short = 10 },
}

local latent = require "latent"
local matrix, plot = latent.matrix, latent.plot

-- Points along a spiral arm with noise of deviation 0.08.
local function spiral(n, seed)
  local random = latent.random(seed)
  local X = matrix.normal(n, 2, random) * 0.08
  for i = 1, n do
    local t = 0.5 + 4.2 * random:uniform()
    X:set(i, 1, X(i, 1) + 0.45 * t * math.cos(t))
    X:set(i, 2, X(i, 2) + 0.45 * t * math.sin(t))
  end
  return X
end
local X, test = spiral(1500, options.seed), spiral(500, options.seed + 1)

-- ---- numbers -----------------------------------------------------------------------------------

local t = latent.clock()
local model = latent.nonlinear { input_dim = 2, latent_dim = 1, hidden = { 64, 64 }, activation = "tanh",
  variance = "global", sigma = 0.5, samples = 300, learning_rate = 3e-3, seed = options.seed + 2,
  schedule = "cosine", schedule_steps = options.epochs * 15 }
model:fit(X, { epochs = options.epochs, batch = 100, progress = true })
local seconds = latent.clock() - t
local _, variance = model:decode({ { 0 } }, { variance = true })
local line = latent.ppca { latent_dim = 1 }:fit(X)
printf("log p(x), nats a point: %.3f (held out %.3f) after %d steps in %.1f s; PPCA's line %.3f (%.3f)", model:score(X),
  model:score(test), model.iterations, seconds, line:score(X), line:score(test))
printf("deviation of the noise: %.3f (true 0.080); effective draws of 10000: %.0f", math.sqrt(variance(1, 1)),
  select(2, model:log_likelihood(test)):mean())

-- ---- the manifold --------------------------------------------------------------------------------

-- The density over the plane, darkened where data may lie.
local side, low, high = 120, { -2.6, -2.4 }, { 1.6, 1.6 }
local places = matrix(side * side, 2, function(k, j)
  local i = j == 1 and (k - 1) % side or (k - 1) // side
  return low[j] + (high[j] - low[j]) * (i + 0.5) / side
end)
local density = model:log_likelihood(places, { samples = 3000 }):exp()
local shades = matrix(side, side, function(i, j) return density[(i - 1) * side + j] end)

local curve = model:decode(matrix.linspace(-2.5, 2.5, 400))
local ticks = model:decode { { -2 }, { -1 }, { 0 }, { 1 }, { 2 } }
local figure = plot.figure { title = "One latent variable in the plane: x = g(z) + noise", xlabel = "x1", ylabel = "x2",
  equal = true, width = 760, height = 560, xrange = { low[1], high[1] }, yrange = { low[2], high[2] } }
figure:points(X:col(1), X:col(2), { size = 0.4, color = 4, label = "data" })
figure:line(curve:col(1), curve:col(2), { color = 3, width = 3, label = "g(z)" })
figure:points(ticks:col(1), ticks:col(2), { size = 1.4, color = "#222222", label = "z = -2 ... 2" })
for k = 1, 5 do figure:label(ticks(k, 1) + 0.07, ticks(k, 2) + 0.12, tostring(k - 3), { align = "left" }) end
save("manifold", figure)

local half = { (high[1] - low[1]) / side / 2, (high[2] - low[2]) / side / 2 }
save("density", plot.figure { title = "p(x)", xlabel = "x1", ylabel = "x2", equal = true, width = 620, height = 560 }
  :image(shades, { palette = "ink", bar = "density", x = { low[1] + half[1], high[1] - half[1] },
    y = { low[2] + half[2], high[2] - half[2] } }))
