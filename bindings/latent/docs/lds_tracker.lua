-- latent.lds's tracker.

local options = { "options", "table?", "see options" }
local y = { "y", "latent.Matrix|number[]|number", "the D outputs of this step, NaN where missing; a number for D = 1" }
local u = { "u", "latent.Matrix|number[]|number|nil", "the U inputs of this step, for models with B or D" }
local step = {
  { "A", "latent.Matrix?", "nil", "M x M: in place of the model's, for this step" },
  { "B", "latent.Matrix?", "nil", "M x U" },
  { "C", "latent.Matrix?", "nil", "D x M" },
  { "D", "latent.Matrix?", "nil", "D x U" },
  { "Q", "latent.Matrix?", "nil", "M x M" },
  { "R", "latent.Matrix?", "nil", "D x D" },
}
local live = { "latent.Matrix", "the state: the same vector every time, which the next step overwrites" }
local itself = { { "latent.Tracker", "the tracker itself" } }
local made = "local t = latent.lds{ A = 1, C = 1, Q = 1, R = 2, initial_mean = {0}, initial_covariance = {{9}} }"
  .. ":tracker()\nt:update(1.5)\n"

return {
  {
    name = "LDS:tracker",
    summary = "Makes a filter for a host that sees one observation at a time.",
    args = { options },
    options = {
      { "steady_state", "the limits of gain and covariances from the first step on: fastest" },
      { "f", "f(z, u, t): the next state's mean, instead of A z" },
      { "h", "h(z, u, t): the observation's mean, instead of C z" },
      { "method", 'of nonlinear models: "extended" or "unscented"' },
      { "f_jacobian", "of f, M x M; else by differences. Extended only" },
      { "h_jacobian", "of h, D x M; else by differences. Extended only" },
      { "alpha", "unscented: the points' distance from the mean, relative to the deviation" },
      { "beta", "unscented: 2 suits Gaussians; from alpha^2 on covariances stay definite" },
      { "kappa", "unscented: above -M" },
    },
    returns = { { "latent.Tracker", "before the first step; a later fit of the model doesn't change it" } },
    text = [[
The tracker's steps are those of LDS:filter: after y_1..y_t its state and covariance are the filter's at t. A step
makes no garbage, and takes less than a microsecond for few states.

In the steady state the gain is that of the discrete algebraic Riccati equation, and a step costs O(M^2). After an
observation with missing entries, a step with matrices of its own, or a diffuse start, the tracker uses the exact
recursion until covariances have converged.

For nonlinear models z_t = f(z_{t-1}, u_t, t) + w, y_t = h(z_t, u_t, t) + v the model gives Q, R and the known
initial state (and A or C, where f or h is left out; else only their shapes matter). f and h get a vector that they
must not keep, and return a vector or a table. "extended" linearizes them at the mean; "unscented" evaluates them at
2M+1 points with the mean and covariance of the state, which needs no derivatives and includes curvature.

  local tracker = latent.lds{ A = matrix.eye(2), C = {{1, 0}}, Q = 0.01, R = 0.1, initial_mean = {1, 0},
    initial_covariance = matrix.eye(2) }:tracker{ method = "unscented",
    f = function(z) return { z[1] + 0.1 * z[2], z[2] - 0.981 * math.sin(z[1]) } end }]],
    example = made .. "print(t.state[1], t.covariance(1, 1))",
  },
  {
    name = "Tracker",
    summary = "A Kalman filter between two observations; LDS:tracker makes one.",
    text = [[
  for each frame: tracker:update{ x, y }  or, without an observation, tracker:predict()

The state can be read and set: tracker.state, tracker.covariance and tracker.time, or all at once by
snapshot and restore.]],
  },
  {
    name = "Tracker:update",
    summary = "The update by the next observation.",
    args = { y, u, options },
    options = step,
    returns = { live },
    text = [[
Goes to the next step first, unless predict has done that. A y that is all NaN is a step without an observation.
Entries of y without a variance are skipped, as lds:filter does. Raises when y has an infinity, or when numbers
overflow.]],
    example = made .. "t:update{ 2 };  t:update(0/0);  t:update(2.5)",
  },
  {
    name = "Tracker:predict",
    summary = "Goes to the next step: the state before its observation.",
    args = { u, options },
    options = { step[1], step[2], step[5] },
    returns = { live },
    text = [[
The first step's prediction is the initial state. An update afterwards is of this step, and uses its u as well;
another predict goes to the next step without an observation.]],
    example = made .. "print(t:predict()[1]);  t:update(2)",
  },
  {
    name = "Tracker:distance_to",
    summary = "The distance of an observation from its prediction, without an update.",
    args = { y, u, options },
    options = step,
    returns = {
      { "number", "its Mahalanobis distance, in standard deviations; its square is chi-squared with a degree of "
        .. "freedom for each entry" },
      { "number", "log p(y | the past), in nats" },
    },
    text = [[
For gating and data association. Goes to the next step, unless predict has done that; update is then of this step,
and predict leaves it without an observation.]],
    example = made .. "if t:distance_to(100) > 3 then t:predict() else t:update(100) end",
  },
  {
    name = "Tracker:forecast",
    summary = "The next h steps without observations, as LDS:forecast gives them; the tracker stays where it is.",
    args = { { "h", "integer", "the number of steps" }, options },
    options = {
      { "inputs", "latent.Matrix?", "nil", "h x U: of those steps, for models with B or D" },
      { "level", "number", "nil", "also give the intervals in which entries are with this probability" },
    },
    returns = {
      { "table", "means (h x D), covariances (a list of D x D): of observations; state_means, state_covariances; "
        .. "with level: lower and upper (h x D)" },
    },
    text = "Of linear models.",
    example = made .. "print(t:forecast(3).means)",
  },
  { name = "Tracker:reset", summary = "Goes back to before the first step.", returns = itself,
    example = made .. "t:reset()" },
  {
    name = "Tracker:snapshot",
    summary = "The tracker's state as numbers, for restore in this or another tracker of the model.",
    returns = { { "latent.Matrix", "a vector of numbers, which may be written to a file" } },
    example = made .. "local before = t:snapshot();  t:update(3);  t:restore(before)",
  },
  {
    name = "Tracker:restore",
    summary = "Returns to a snapshot.",
    args = { { "snapshot", "latent.Matrix|number[]", "of a tracker of the same model and options" } },
    returns = itself,
    text = "Raises, and changes nothing, for numbers that can't be a snapshot.",
    example = made .. "t:restore(t:snapshot())",
  },
  { name = "Tracker.state", summary = "E[z_t | y_1..y_t], a copy; can be set." },
  { name = "Tracker.covariance", summary = "Cov[z_t | y_1..y_t], a copy; can be set.",
    text = "While a state is diffuse its variance is infinite, and its covariances are NaN." },
  { name = "Tracker.time", summary = "The number t of the step, 0 before the first; can be set.",
    text = "It selects the matrices that vary with t, and is an argument of f and h." },
  { name = "Tracker.predicted", summary = "Whether there was no update by this step's observation yet." },
  { name = "Tracker.steady", summary = "Whether gain and covariances are those of the steady state." },
  { name = "Tracker.innovation", summary = "The last y minus what was expected; NaN where it was missing." },
  { name = "Tracker.innovation_covariance", summary = "The innovation's covariance, D x D; NaN where y was missing." },
  { name = "Tracker.distance", summary = "The last innovation's Mahalanobis distance, in standard deviations." },
  { name = "Tracker.log_density", summary = "log p(y_t | y_1..y_{t-1}) of the last y, in nats." },
  { name = "Tracker.log_likelihood", summary = "The sum of log_density over all steps; can be set." },
}
