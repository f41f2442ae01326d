-- Fitting by EM, and latent.em: a user's own model.

local slices = require "latent.docs.slices"
local data = { "X", "any", "what e_step understands: a matrix, a file of latent.open, a function that returns the next "
  .. "chunk (of any type) and nil at the end of a pass, or any other value, which is passed on as it is" }
local options = { "options", "table?", "see options" }
local weights = { "weights", "for a matrix: a number >= 0 a row, which e_step gets third" }
local missing = { "missing", "let NaN in a matrix pass; without it, it raises" }

return {
  {
    name = "fitting",
    topic = true,
    summary = "What all models that are fitted by EM have in common.",
    text = [[
An iteration is an E-step over the data and an M-step, and its objective (the mean log-likelihood a row; for k-means
the error) is that of the parameters it began with. Constructors take

  max_iterations   stop after as many; 0 leaves the start as it is
  tolerance        or when the objective changes by less than this times itself; 0: never
  restarts, seed   several starts, of which the best is kept; each has a seed made from this one. The first is the
                   same whatever restarts is. A fit that has ended at a singularity (`singular`, models that know
                   them) is worse than any that hasn't; else the objective decides, that of the parameters which
                   the start leaves: one more pass over the data finds it
  accelerate       SQUAREM: longer steps, which are taken back where the objective would be worse

A model whose constructor is given all parameters (gmm{ init = { weights =, means =, covariances = } }, and likewise
mixture, mppca, ppca, fa; pca, which has no start; kmeans with centres) can be used without a fit: iterations is 0
and history empty. A fit by EM begins with them.

fit(X, { ... }) takes

  weights          a number >= 0 a row: 2 is the row twice, 0 is no row
  missing          true: NaN is a missing entry, for models that know them. The model then takes them in all its
                   methods without being told again, also after save and load, until missing = false
  on_iteration     function{ iteration, objective, restart, model }; false ends the fit
  progress         true: a bar, on a terminal's standard error; or a function that is told
  max_seconds      ends the fit; the model then has the last complete iteration

and returns the model, which has history (the objectives), iterations, converged, drops (how often the objective
became worse by more than rounding), largest_drop (relative) and refused (accelerated steps that were taken back); all
of the start that was kept.

  for i, objective in model:steps(X) do ... end

does an iteration a turn; leaving the loop keeps the model as it stands. The iterator may be called by hand, with any
arguments, from any coroutine, and gives nil at its end; its own data or callbacks can't call it.

partial_fit(X) takes one more piece of data that doesn't come again (stepwise EM): statistics s become
(1 - r) s + r s(X) with r = (n + 2)^-0.6, where n counts in pieces of this weight what has been seen, a fit included;
the option rate sets r. The scale of weights changes nothing. history is then of the updates, an objective each: of the
last 1000 at least, and of 2000 at most.

X is a matrix; or a file, latent.open "x.npy", which may be larger than memory; or a function that returns the next
chunk (or chunk, weights), and nil at the end of a pass: it is called again for each. What a model starts from is then
a pass's rows spread evenly, up to 32 MB of them.

The parameters change only when an iteration is complete: an error, Ctrl-C or a failing callback leaves a whole
model, in the same form as a fit that has come to its end (components in order, axes turned; of interrupted k-means
with much data the labels are left out). A fit that fails before leaves the model as it was.

A model may be used and fitted again, to whatever data, by its own callbacks, by functions that give its data, between
the turns of its loops, and by finalizers: each fit has memory of its own, and the model has the result that was last
complete. A loop that is left, or a fit that fails, doesn't take the place of what another fit has made since.
A function that gives data to fit, fit_for or steps may yield, in a coroutine, as may the body of a loop over steps;
other callbacks, and the chunks of latent.em, can't.

Slices of time, for a program that has frames to draw or requests to answer:

  while not model:fit_for(X, 0.002) do draw_a_frame() end
  for i, objective in model:steps(X, { budget = 0.002 }) do draw_a_frame() end

A slice ends between two chunks of rows, also within an iteration, a start, a restart or the check of X; it is longer
than asked for by one chunk at most, a fraction of a millisecond for 1e5 x 16 numbers and 16 components. The result is
the same bits as without slices. What isn't cut: a function of yours, a factorization of a D x D matrix (of N x N for
the Gram matrix of pca), and tables that become matrices. In slices the sequences of lds have no threads.

fit_for goes on with the fit of the same X (the same memory, or the same value that isn't a matrix) until it is done,
and from then on says so at once; the model has every iteration meanwhile. Another X begins anew, as does the call after
an error, and after fit, partial_fit or anything else has changed the model. Numbers of X that change between slices
make no error, and a result that is of neither. A fit that is given up is dropped with its memory.

Results are the same bits for every number of threads.]],
  },
  {
    name = "latent.em",
    summary = "EM for a model of your own, written as two Lua functions.",
    args = { options },
    options = {
      { "parameters", "name = number or matrix: where to start; or a function of a seed "
        .. "that returns such a table, for restarts" },
      { "e_step", "e_step(parameters, X, weights) returns statistics, a table of numbers and "
        .. "matrices, and the objective of X" },
      { "m_step", "m_step(statistics, parameters) returns the new parameters" },
      { "feasible", "feasible(parameters) says whether accelerated steps may try these" },
      { "descends", "the objective is an error, and not a log-likelihood" },
      { "max_iterations", "see fitting" },
      { "tolerance", "see fitting" },
      { "restarts", "see fitting" },
      { "seed", "see fitting" },
      { "accelerate", "see fitting" },
    },
    returns = { { "latent.EM", "the model" } },
    text = [[
EM maximizes a likelihood with hidden variables: the E-step finds what is to be expected of them under the present
parameters, as statistics, and the M-step finds the parameters that fit these best. When the data come in pieces, the
statistics and objectives of the pieces are added, so the E-step must return sums, not means. The objective isn't
divided by anything here: the history has it as e_step returned it. drops ought to be 0; if it isn't, a step is wrong.

Blood groups: gene frequencies p (A), q (B) and r (O) from counts of phenotypes. Of the people with group A, some have
genes AA and some AO, which nobody sees.

  local abo = latent.em{
    parameters = { p = 0.3, q = 0.2, r = 0.5 },
    e_step = function(t, n)
      local AA, BB = n.A * t.p / (t.p + 2 * t.r), n.B * t.q / (t.q + 2 * t.r)
      return { p = n.A + AA + n.AB, q = n.B + BB + n.AB, r = n.A - AA + n.B - BB + 2 * n.O },
        n.A * math.log(t.p * (t.p + 2 * t.r)) + n.B * math.log(t.q * (t.q + 2 * t.r))
        + n.AB * math.log(2 * t.p * t.q) + n.O * math.log(t.r ^ 2)
    end,
    m_step = function(s)
      local n = s.p + s.q + s.r
      return { p = s.p / n, q = s.q / n, r = s.r / n }
    end,
  }
  abo:fit{ A = 186, B = 38, AB = 13, O = 284 }     -- abo.parameters.p is 0.2136]],
    example = [[
latent.em{
  parameters = { theta = 0.5 }, -- Rao's linkage data: cells (2+t)/4, (1-t)/4, (1-t)/4, t/4
  e_step = function(t, y)
    local hidden = y[1] * t.theta / (2 + t.theta)
    return { a = hidden + y[4], b = y[2] + y[3] },
      y[1] * math.log(2 + t.theta) + (y[2] + y[3]) * math.log(1 - t.theta) + y[4] * math.log(t.theta)
  end,
  m_step = function(s) return { theta = s.a / (s.a + s.b) } end,
}:fit{ 125, 18, 20, 34 }]],
  },
  {
    name = "EM",
    summary = "A model of the user's own; latent.em makes one.",
    text = "parameters is the table of the present ones; the record is that of every fit: see fitting.",
  },
  { name = "EM.parameters", summary = "The present parameters, as m_step returned them.",
    returns = { { "table", "by the user's names" } } },
  {
    name = "EM:fit",
    summary = "Fits the model.",
    args = { data, options },
    options = {
      weights, missing,
      { "on_iteration", "function{ iteration, objective, restart, model }; false ends the fit" },
      { "progress", "true: a bar on the terminal; or a function that is told (latent.progress)" },
      { "max_seconds", "end the fit then, with the last complete iteration" },
    },
    returns = { { "latent.EM", "the model itself" } },
    text = "An error in one of the functions passes through; the model keeps its last complete iteration.",
  },
  slices.entry("EM", nil, nil, data, { "weights", "missing", "on_iteration" }),
  {
    name = "EM:steps",
    summary = "The fit as a loop: each turn does one iteration.",
    args = { data, options },
    options = { weights, missing, slices.budget },
    returns = { { "function", "an iterator of i, objective" } },
  },
}
