-- Learning a dynamical system from what it shows, by EM.
--
--   lua5.4 scripts/lds_learning.lua [--help]
--
-- Two hidden states turn and fade; five outputs are noisy mixtures of them. EM, which begins with what the data suggest
-- (subspace identification), finds a system that explains the data as well. Hidden axes may be turned and
-- stretched at will, so A itself can't be compared, but its eigenvalues can: how fast the states turn and fade.

local options, save, printf = dofile((arg[0]:match "^.*/" or "") .. "experiment.lua") { seed = 2 }

local latent = require "latent"
local matrix, plot = latent.matrix, latent.plot

-- ---- the truth ------------------------------------------------------------------------------------------

local random = latent.random(options.seed)
local modulus, angle = 0.97, 0.3
local truth = latent.lds {
  A = matrix { { math.cos(angle), -math.sin(angle) }, { math.sin(angle), math.cos(angle) } } * modulus,
  C = matrix.normal(5, 2, random), Q = matrix.eye(2) * 0.1, R = matrix.eye(5) * 1.5,
  initial_mean = { 2, 0 }, initial_covariance = matrix.eye(2),
}
local Y, Z = truth:sample(800, { seed = options.seed + 1 })

-- The positive one of a pair of eigenvalues, as modulus and angle.
local function turning(A)
  local re, im = latent.eigen.general(A)
  return math.sqrt(re[1] ^ 2 + im[1] ^ 2), math.atan(math.abs(im[1]), re[1]), re, im
end

-- ---- EM, from a poor start to see it climb, and from its own -----------------------------------------------

local poor = { A = matrix.eye(2) * 0.5, C = matrix.normal(5, 2, random), Q = matrix.eye(2), R = matrix.eye(5),
  initial_mean = { 0, 0 }, initial_covariance = matrix.eye(2), max_iterations = 150, tolerance = 0,
  estimate = { "A", "C", "Q", "R" } }
local climbing, trail = latent.lds(poor), {}
local history = {}
for i, objective in climbing:steps(Y) do
  history[i] = objective
  local _, _, re, im = turning(climbing.A)
  trail[i] = { re[1], math.abs(im[1]) }
end
local model = latent.lds { latent_dim = 2, max_iterations = 150, tolerance = 1e-10 }:fit(Y)
for i = 2, #history do assert(history[i] >= history[i - 1] - 1e-9 * math.abs(history[i])) end

print "                 log-likelihood      eigenvalues of A"
local function row(name, m)
  local r, a = turning(m.A)
  printf("%-15s  %12.3f        %.4f exp(+- %.4f i)", name, m:log_likelihood(Y):sum(), r, a)
end
row("the truth", truth)
row("from a poor start", climbing)
row("from its own", model)

-- Hidden states, up to a linear map: how much of the true ones a regression on the smoothed ones explains.
local states = model:smooth(Y).means
local map = states:least_squares(Z)
local rest = Z - states * map
printf("\n%.1f %% of the hidden states' variance is found again; a step ahead, outputs are off by %.3f (truth: %.3f)",
  100 * (1 - rest:var() / Z:var()), math.sqrt(model:innovations(Y).innovations:square():mean()),
  math.sqrt(truth:innovations(Y).innovations:square():mean()))

-- ---- pictures --------------------------------------------------------------------------------------------------

local figure = plot.figure { title = "EM never goes down", xlabel = "iteration",
  ylabel = "log-likelihood a step (nats)", logx = true, yrange = { -10, -8.6 } }
figure:line(matrix.range(1, #history), history, { label = "EM from a poor start", color = 1 })
figure:hline(truth:score(Y), { label = "the true system" })
save("likelihood", figure)

local circle_x, circle_y, x, y = {}, {}, {}, {}
for i = 0, 100 do
  circle_x[i + 1], circle_y[i + 1] = math.cos(math.pi * i / 100), math.sin(math.pi * i / 100)
end
for i, place in ipairs(trail) do x[i], y[i] = place[1], place[2] end
local r, a = turning(model.A)
figure = plot.figure { title = "An eigenvalue of A, from iteration to iteration", equal = true, xlabel = "real part",
  ylabel = "imaginary part", xrange = { 0, 1.1 }, yrange = { -0.05, 0.75 }, width = 720 }
figure:line(circle_x, circle_y, { color = 4, width = 1, label = "unit circle" })
figure:line(x, y, { color = 1, width = 1 })
figure:points(x, y, { color = 1, size = 0.5, label = "EM" })
figure:points({ modulus * math.cos(angle) }, { modulus * math.sin(angle) }, { color = 3, size = 1.6, label = "truth" })
figure:points({ r * math.cos(a) }, { r * math.sin(a) }, { color = 2, size = 0.9, label = "from its own start" })
save("eigenvalue", figure)
