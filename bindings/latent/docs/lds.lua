-- latent.lds.

local slices = require "latent.docs.slices"
local sequences = { "Y", "latent.Matrix|table",
  "T x D, a row for each step, NaN where missing; a vector is one output; or a list of sequences of any lengths" }
local sequence = { "Y", "latent.Matrix|table", "T x D, a row for each step, NaN where missing; or a list, for a list" }
local one = { "Y", "latent.Matrix|table", "T x D, a row for each step, NaN where missing" }
local options = { "options", "table?", "see options" }
local inputs = { "inputs", "u, T x U, of models with inputs; a list of them for a list" }
local seed = { "seed", "a seed or a generator; else the default generator" }
local missing = { "missing", "NaN always marks a missing entry" }
local made = "local m = latent.lds{ A = 0.9, C = 1, Q = 0.2, R = 1 }\nlocal y = matrix{ 1, 0.5, 0/0, 2 }\n"

return {
  {
    name = "latent.lds",
    summary = "Makes a linear dynamical system: z_t = A z_{t-1} + B u_t + w, y_t = C z_t + D u_t + v.",
    args = { options },
    options = {
      { "latent_dim", "M, the number of states; a given matrix decides it" },
      { "A", "M x M: the transition matrix" },
      { "B", "M x U: the inputs' effect on states" },
      { "C", "D x M: the observation matrix; a vector is a row" },
      { "D", "D x U: the inputs' effect on outputs" },
      { "Q", "M x M: covariance of w; a vector is its diagonal, a number the variance of all states" },
      { "R", "D x D: covariance of v, likewise" },
      { "initial_mean", "of z_1, M" },
      { "initial_covariance", "of z_1, M x M" },
      { "initial", '"known", "stationary", "diffuse", or a list of these, one for each state; "automatic": see below' },
      { "form", '"covariance", or "square_root": slower, with twice the digits for covariances' },
      { "estimate", 'names of what fit estimates: { "Q", "R" }' },
      { "structure", '{ Q = "full"/"diagonal"/"scalar", R = likewise }: of the estimates' },
      { "fixed", "{ A = mask, ... }, also of initial_mean: entries where it is not 0 keep their values" },
      { "restarts", "starts of EM, of which the best is kept" },
      { "max_iterations", "of EM" },
      { "tolerance", "of EM: stop when the objective changes by less, relatively" },
      { "accelerate", "longer steps for EM (SQUAREM), never a worse objective" },
      { "seed", "of the starts after the first" },
    },
    returns = { { "latent.LDS", "the model; ready for use without a fit when A, C, Q and R are given" } },
    text = [[
w ~ N(0, Q), v ~ N(0, R), and z_1 ~ N(initial_mean, initial_covariance) is the state of the first row; A, B and Q of
step t lead from t-1 to t. A, B, C, D, Q and R may vary: as a list of matrices, one for each step, or as a function
of t = 1, 2, ... Q and R may be singular.

The initial state is "known" (given, or estimated), "stationary" (the limit distribution under A and Q), or "diffuse"
(of infinite variance, treated exactly, not by a large number). The likelihood is then the diffuse one of Durbin and
Koopman, in which each observation has its 1/2 log 2 pi. "automatic"
is known, except when A, C, Q and R are given and nothing of the initial state is: then it is stationary if A is
stable, and diffuse otherwise.

Without `estimate`, fit estimates the matrices that aren't given, or all if all are given. A matrix that is given and
estimated is a starting value. With latent_dim alone the start comes from the data, by subspace identification.
States are then in an arbitrary basis: z -> S z makes the same model of A -> S A S^-1, C -> C S^-1, Q -> S Q S'. The
likelihood, forecasts, and the eigenvalues of A don't depend on it.

Of Q and R `fixed` can hold whole blocks, and zeros between them. A row of Q that is 0 also holds its rows of A and B:
EM can't change a transition without noise. With one sequence the estimated initial covariance tends to 0.]],
    example = "latent.lds{ A = { {1, 1}, {0, 1} }, C = { {1, 0} }, Q = {0.1, 0.01}, R = 1 }:filter{ {1}, {2}, {3.1} }",
  },
  {
    name = "LDS",
    summary = "A linear dynamical system, or Gaussian state-space model; latent.lds makes one.",
    text = [[
history is the log-likelihood per row in nats, one for each iteration; iterations, converged, drops and largest_drop
are the record of the fit.]],
  },
  {
    name = "LDS:fit",
    summary = "Estimates parameters by EM.",
    args = { sequences, options },
    options = {
      inputs,
      missing,
      { "on_iteration", "called with {iteration, objective, restart, model}; false stops" },
      { "progress", "true: a bar on the terminal; or a function that is told (latent.progress)" },
      { "max_seconds", "stop after the iteration in which they are over; 0: never" },
    },
    returns = { { "latent.LDS", "the model itself" } },
    text = [[
The E-step is the smoother, exact also with missing entries; the likelihood never decreases. Sequences are independent
of each other, and run in parallel. With a stationary initial state steps are halved where the first state's term
would make the likelihood fall. An unbounded likelihood (outputs that the states explain without noise) raises; so do
numbers that overflow. Outputs may be without noise when R is given and not estimated; entries that are
skipped at the start stay skipped.]],
    example = 'latent.lds{ A = 1, C = 1, initial = "diffuse" }:fit(matrix{ 1, 3, 0/0, 2, 5 })',
  },
  slices.entry("LDS", 'latent.lds{ max_iterations = 3 }', "X", sequences, { inputs, missing, "on_iteration" }),
  {
    name = "LDS:steps",
    summary = "Iterations of EM, one for each turn of the loop.",
    args = { sequences, options },
    options = { inputs, missing, slices.budget },
    returns = { { "function", "an iterator of i, objective" } },
    text = "Leaving the loop keeps the model as it stands.",
    example = "for i, f in latent.lds{ max_iterations = 3 }:steps(X) do print(i, f) end",
  },
  {
    name = "LDS:filter",
    summary = "The distribution of each state given the rows so far (Kalman's filter).",
    args = { sequence, options }, options = { inputs },
    returns = { { "table",
      "means (T x M), covariances (a list of T), predicted_means and predicted_covariances given the rows before, "
      .. "log_likelihood of all of Y, skipped: how many entries had no variance, diffuse: rows until no variance was "
      .. "infinite" } },
    text = [[
An infinite variance of a diffuse state is math.huge, and a covariance with another such state NaN. An update
subtracts G G' from the covariance, which stays symmetric; where that would cancel more than eight digits it is done
in Joseph's form, or entry by entry. An entry that has no variance given the previous rows and the previous entries of
its row (of two outputs without noise that see the same of the state, the second; an output without noise of a state
that is known) is skipped and adds nothing: when its noise is 0, given the other entries' noises, and the state's part
of its variance is less than 1e-13 of what it was before the update (1e-26 in the square-root form). Once the
covariance has converged (unchanged for 32 steps, up to rounding) it isn't computed again. A list of more than 256
covariances makes each when it is first read: for # [] ipairs pairs there is no difference, for next and rawlen there
is.]],
    example = made .. "print(m:filter(y).means)",
  },
  {
    name = "LDS:smooth",
    summary = "The distribution of each state given all rows (the smoother).",
    args = { sequence, options }, options = { inputs },
    returns = { { "table", "means (T x M), covariances (a list of T), lag_covariances (a list of Cov(z_t, z_{t-1}), 0 "
      .. "for t = 1), log_likelihood" } },
    text = [[
By the backward recursion of de Jong, and Durbin and Koopman, which divides only by variances of observations, so Q,
R and the initial covariance may be singular. Steps whose variances the later rows reduce to almost nothing, those
after a vague start, say, are done by orthogonal transformations, as all are in the square-root form.]],
    example = made .. "print(m:smooth(y).covariances[2])",
  },
  {
    name = "LDS:transform",
    summary = "The means of smooth.",
    args = { sequence, options }, options = { inputs },
    returns = { { "latent.Matrix", "T x M" } },
    example = made .. "m:transform(y)",
  },
  {
    name = "LDS:forecast",
    summary = "The distributions of the next h rows.",
    args = { one, { "h", "integer", "the number of rows" }, options },
    options = {
      inputs,
      { "future_inputs", "u of the next rows, h x U" },
      { "level", "also give the intervals in which entries of y are with this probability: 0.95" },
    },
    returns = { { "table", "means (h x D) and covariances (a list of h) of y; state_means (h x M) and "
      .. "state_covariances of z; with level: lower and upper (h x D)" } },
    text = [[
Matrices that vary must be given for T + h steps. Intervals are central, of each entry of y by itself (not of all rows
at once), noise included; that parameters are estimates isn't in them.]],
    example = made .. "local ahead = m:forecast(y, 3, { level = 0.95 })\nprint(ahead.means, ahead.lower, ahead.upper)",
  },
  {
    name = "LDS:log_likelihood",
    summary = "log p(y_t) of each row given those before it, in nats; their sum is that of Y.",
    args = { sequence, options }, options = { inputs },
    returns = { { "latent.Matrix", "a vector of T" } },
    text = "Of the observed entries; 0 for a row without any.",
    example = made .. "m:log_likelihood(y):sum()",
  },
  { name = "LDS:score", summary = "The mean of log_likelihood over all rows.", args = { sequences, options },
    options = { inputs }, returns = { { "number", "nats a row" } }, example = made .. "m:score(y)" },
  {
    name = "LDS:free_parameters",
    summary = "The number of free parameters.",
    returns = { { "integer", "entries that are estimated; M^2 less when states are in an arbitrary basis" } },
    example = made .. "m:free_parameters()",
  },
  { name = "LDS:aic", summary = "Akaike's criterion, -2 log L + 2 p; lower is better.", args = { sequences, options },
    options = { inputs }, returns = { { "number", "over all of Y" } }, example = made .. "m:aic(y)" },
  { name = "LDS:bic", summary = "Schwarz's criterion, -2 log L + p log of the number of rows; lower is better.",
    args = { sequences, options }, options = { inputs }, returns = { { "number", "over all of Y" } },
    example = made .. "m:bic(y)" },
  {
    name = "LDS:innovations",
    summary = "The innovations y_t - E[y_t | y_1..t-1]: errors of the predictions one step ahead.",
    args = { sequence, options }, options = { inputs },
    returns = { { "table", "innovations (T x D, NaN where y is missing), variances (T x D), covariances (a list of T), "
      .. "standardized (innovations divided by their deviations), log_likelihood (a vector)" } },
    text = "They are white noise if the model is right: their plot, or autocorrelation, shows where it isn't.",
    example = made .. "print(m:innovations(y).standardized)",
  },
  {
    name = "LDS:impute",
    summary = "Y with its missing entries (NaN) at their means given all others.",
    args = { sequence, options },
    options = { inputs, { "variance", "also give the variances (of one sequence)" } },
    returns = { { "latent.Matrix", "T x D" }, { "latent.Matrix?", "with variance: T x D, 0 for observed entries" } },
    example = made .. "m:impute(y)",
  },
  {
    name = "LDS:sample",
    summary = "A sequence drawn from the model.",
    args = { { "T", "integer", "the number of steps" }, options },
    options = { seed, { "inputs", "u, T x U, of models with inputs" } },
    returns = { { "latent.Matrix", "y, T x D" }, { "latent.Matrix", "z, T x M" } },
    text = "Diffuse states begin at 0.",
    example = made .. "m:sample(5, { seed = 1 })",
  },
  {
    name = "LDS:simulate",
    summary = "Draws of all states z_1..z_T given Y (a simulation smoother).",
    args = { one, options },
    options = { seed, { "draws", "the number of draws; the result is then a list" }, inputs },
    returns = { { "latent.Matrix|table", "T x M, or a list of them" } },
    text = "A draw of the model, corrected by the smoother (Durbin, Koopman, Biometrika 89, 2002).",
    example = made .. "m:simulate(y, { seed = 1 })",
  },
  { name = "LDS.A", summary = "The transition matrix (M x M).",
    returns = { { "latent.Matrix", "or what was given, if it varies" } } },
  { name = "LDS.B", summary = "The inputs' effect on states (M x U).",
    returns = { { "latent.Matrix?", "nil without inputs" } } },
  { name = "LDS.C", summary = "The observation matrix (D x M).",
    returns = { { "latent.Matrix", "or what was given, if it varies" } } },
  { name = "LDS.D", summary = "The inputs' effect on outputs (D x U).",
    returns = { { "latent.Matrix?", "nil without inputs" } } },
  { name = "LDS.Q", summary = "The covariance of the states' noise (M x M).",
    returns = { { "latent.Matrix", "or what was given, if it varies" } } },
  { name = "LDS.R", summary = "The covariance of the outputs' noise (D x D).",
    returns = { { "latent.Matrix", "or what was given, if it varies" } } },
  { name = "LDS.initial_mean", summary = "The mean of the first state (M).",
    returns = { { "latent.Matrix", "0 for stationary states" } } },
  { name = "LDS.initial_covariance", summary = "The covariance of the first state (M x M).",
    returns = { { "latent.Matrix", "rows of diffuse states are 0" } } },
}
