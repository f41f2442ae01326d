-- latent.blocks.

local options = { "options", "table?", "see options" }
local noise = { "noise_variance", "number", "0", "of what is observed: R" }
local mean = { "initial_mean", "latent.Matrix|number[]?", "nil", "with a covariance: of the states at the first step" }
local covariance = { "initial_covariance", "latent.Matrix|number[][]?", "nil",
  "of the states at the first step, where they are known" }
local made = { { "table", "options for latent.lds: A, C, Q, R and initial" } }
local dt = { "dt", "number", "1", "time between two steps" }
local dims = { "dims", "integer", "2", "of the space: positions, and each of their derivatives" }
local form = { "form", "string", '"continuous"',
  '"continuous": white noise at all times; "discrete": the noise is constant during a step' }

return {
  {
    name = "blocks",
    summary = "Parts of linear dynamical systems, and how they are put together.",
    text = [[
Each function gives a table of options for latent.lds: A, C, Q, R and how it begins. blocks.sum observes the sum of
its parts, blocks.stack each of them; blocks.fit finds variances of maximum likelihood.

  local blocks = latent.blocks
  local model = latent.lds(blocks.sum(
    blocks.local_linear_trend{ slope_variance = 1e-5, noise_variance = 1e-4 },
    blocks.seasonal{ period = 12, variance = 1e-4 }))

Trends, seasons and regressions begin diffuse: nothing is known of them, and the likelihood is the exact diffuse
one. ARMA processes and damped cycles begin in their stationary state. With initial_covariance (and initial_mean)
a part begins as it is told. (Harvey, Forecasting, Structural Time Series Models and the Kalman Filter, 1989;
Durbin, Koopman, Time Series Analysis by State Space Methods, 2nd ed., 3.2.)]],
  },
  {
    name = "blocks.local_level",
    summary = "A random walk that is observed with noise.",
    args = { options },
    options = { { "level_variance", "number", "1", "of the level's steps" }, noise, mean, covariance },
    returns = made,
    text = "level_t = level_{t-1} + w_t, y_t = level_t + v_t. One state.",
    example = [[
local Y = latent.datasets.nile()
local model = latent.lds(latent.blocks.local_level{ level_variance = 1469.1, noise_variance = 15098.5 })
print(model:log_likelihood(Y))]],
  },
  {
    name = "blocks.local_linear_trend",
    summary = "A level that grows by a slope, both of which are random walks.",
    args = { options },
    options = {
      { "level_variance", "number", "0", "of the level's own steps; 0 makes the trend smooth" },
      { "slope_variance", "number", "1", "of the slope's steps" },
      noise, mean, covariance,
    },
    returns = made,
    text = [[
level_t = level_{t-1} + slope_{t-1} + w_t, slope_t = slope_{t-1} + x_t. Two states. Without a level_variance it is the
integrated random walk, whose smoothed level is a cubic spline.]],
    example = "latent.blocks.local_linear_trend{ slope_variance = 10, noise_variance = 15000 }",
  },
  {
    name = "blocks.seasonal",
    summary = "A pattern that repeats itself after a number of steps, and changes slowly.",
    args = { options },
    options = {
      { "period", "integer", "", "steps until it repeats itself: 12 for months; with at most 4096 states" },
      { "variance", "number", "1", "of its changes" },
      { "form", "string", '"dummy"', '"dummy" or "trigonometric"' },
      { "harmonics", "integer", "period // 2", "of the trigonometric form: how many; fewer are smoother" },
      noise, mean, covariance,
    },
    returns = made,
    text = [[
"dummy": a period sums to noise, s_t = -(s_{t-1} + ... + s_{t-period+1}) + w_t, with period - 1 states.
"trigonometric": a sum of cycles of period/1, period/2, ..., each with its noise; as many states with all harmonics.]],
    example = 'latent.blocks.seasonal{ period = 12, variance = 1e-4, form = "trigonometric", harmonics = 3 }',
  },
  {
    name = "blocks.cycle",
    summary = "A cycle whose amplitude and phase change slowly.",
    args = { options },
    options = {
      { "period", "number", "", "steps of one turn, above 1; not only integers" },
      { "damping", "number", "1", "what remains of the amplitude after a step: below 1 it is stationary" },
      { "variance", "number", "1", "of the noise of both states" },
      noise, mean, covariance,
    },
    returns = made,
    text = [[
(c, c*)_t = damping [cos f, sin f; -sin f, cos f] (c, c*)_{t-1} + noise, f = 2 pi / period, and c is observed.]],
    example = "latent.blocks.cycle{ period = 11, damping = 0.9, variance = 100 }",
  },
  {
    name = "blocks.arma",
    summary = "An autoregressive moving-average process.",
    args = { options },
    options = {
      { "ar", "number[]", "{}", "y_t = ar[1] y_{t-1} + ar[2] y_{t-2} + ... + e_t + ..." },
      { "ma", "number[]", "{}", "... + e_t + ma[1] e_{t-1} + ma[2] e_{t-2} + ..." },
      { "variance", "number", "1", "of e" },
      noise, mean, covariance,
    },
    returns = made,
    text = [[
In Harvey's form, of max(p, q+1) states: the first is the process, the others are what its past adds to its future.
The mean is 0: subtract it, or add a blocks.local_level{ level_variance = 0 }. It begins stationary, and it raises
when a root of the autoregression isn't below 1.]],
    example = "latent.blocks.arma{ ar = {0.5, 0.2}, ma = {0.3}, variance = 2 }",
  },
  {
    name = "blocks.regression",
    summary = "A linear regression on known variables: y_t = x_t' beta.",
    args = { { "X", "latent.Matrix|number[][]", "T x k: x_t by rows; further rows for a forecast" }, options },
    options = {
      { "variance", "number", "0", "of beta's steps: 0 keeps it constant" },
      noise, mean, covariance,
    },
    returns = made,
    text = "The states are beta, so smoothed ones are its estimates. C is a list, of x_t' at each step.",
    example = [[
local X = matrix(5, 2, function(i, j) return j == 1 and 1 or i end) -- a line
local model = latent.lds(latent.blocks.regression(X, { noise_variance = 1 }))
print(model:smooth{ 1.1, 1.9, 3.2, 3.9, 5.1 }.means[5])]],
  },
  {
    name = "blocks.constant_velocity",
    summary = "A body whose velocity is disturbed by white noise, and whose position is measured.",
    args = { options },
    options = {
      dims, dt,
      { "acceleration_variance", "number", "1",
        "continuous: how fast a velocity's variance grows; discrete: of the acceleration during a step" },
      form,
      { "noise_variance", "number", "1", "of a measured position" },
      mean, covariance,
    },
    returns = made,
    text = [[
States are the positions, then the velocities: x, y, vx, vy. In each dimension A = [1 dt; 0 1] and

  Q = q [dt^3/3 dt^2/2; dt^2/2 dt] (continuous)   or   q [dt^4/4 dt^3/2; dt^3/2 dt^2] (discrete)

(Bar-Shalom, Li, Kirubarajan, Estimation with Applications to Tracking and Navigation, 2001, 6.2, 6.3.) With steps
of different lengths give a tracker the A and Q of each: tracker:update(y, nil, { A = b.A, Q = b.Q }), b being the
block of that dt.]],
    example = [[
local tracker = latent.lds(latent.blocks.constant_velocity{ dt = 0.1, noise_variance = 0.04 }):tracker()
tracker:update{ 1, 2 }
tracker:update{ 1.1, 1.9 }
print(tracker.state)]],
  },
  {
    name = "blocks.constant_acceleration",
    summary = "A body whose acceleration is disturbed by white noise, and whose position is measured.",
    args = { options },
    options = {
      dims, dt,
      { "jerk_variance", "number", "1",
        "continuous: how fast an acceleration's variance grows; discrete: of the jerk during a step" },
      form,
      { "noise_variance", "number", "1", "of a measured position" },
      mean, covariance,
    },
    returns = made,
    text = "States are the positions, the velocities, then the accelerations: x, y, vx, vy, ax, ay.",
    example = "latent.blocks.constant_acceleration{ dims = 3, dt = 0.01, jerk_variance = 5 }",
  },
  {
    name = "blocks.sum",
    summary = "A system whose observation is the sum of its parts' observations.",
    args = { { "...", "table", "parts, made by latent.blocks, with as many observations each" } },
    returns = made,
    text = "States come one part after another; noises add up, so one part with a noise_variance is enough.",
    example = [[
local blocks = latent.blocks
blocks.sum(blocks.local_level{ noise_variance = 1 }, blocks.seasonal{ period = 4 }, blocks.arma{ ar = {0.5} })]],
  },
  {
    name = "blocks.stack",
    summary = "A system that observes each of its parts, one beside the other.",
    args = { { "...", "table", "parts, made by latent.blocks" } },
    returns = made,
    example = "latent.blocks.stack(latent.blocks.local_level(), latent.blocks.constant_velocity{ dims = 1 })",
  },
  {
    name = "blocks.fit",
    summary = "Finds the parameters of a model that make the data most likely, by a quasi-Newton method.",
    args = {
      { "build", "function", "given a table of parameters, makes the options of latent.lds" },
      { "start", "table", "names and numbers: the parameters to begin with" },
      { "Y", "latent.Matrix", "T x D, or a list of sequences" },
      options,
    },
    options = {
      { "signed", "string[]", "{}", "parameters of any sign; the others are positive, and go by their logarithms" },
      { "inputs", "latent.Matrix?", "nil", "T x U, for models with B or D" },
      { "max_iterations", "integer", "200", "of BFGS" },
      { "tolerance", "number", "1e-12", "stop when a step promises less, relative to the log-likelihood" },
    },
    returns = {
      { "latent.LDS", "the model with the parameters found" },
      { "table", "the parameters by their names" },
      { "table", "log_likelihood, iterations, converged, history (an iteration each)" },
    },
    text = [[
BFGS with differences for the gradient (Nocedal, Wright, Numerical Optimization, 2nd ed., 6.1) takes any parameters
on which a model depends smoothly: variances, but also coefficients of arma, periods, dampings, and the same
variance in several places. EM (model:fit) knows variances only, but takes many of them. A variance whose best
value is 0 comes out tiny.]],
    example = [[
local model, p = latent.blocks.fit(function(p)
  return latent.blocks.local_level{ level_variance = p.level, noise_variance = p.noise }
end, { level = 1000, noise = 10000 }, (latent.datasets.nile()))
print(p.level, p.noise) -- 1469.2, 15098.5]],
  },
}
