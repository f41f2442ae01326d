-- latent.ppca.

local data = { "X", "latent.Matrix|table|function",
  "N x D data; or a function that returns the next chunk of rows (and their weights), and nil at the end of a pass" }
local options = { "options", "table?", "see options" }
local missing = { "missing", "boolean", "false",
  "NaN marks a missing entry: what is said is said given the others of its row" }
local weights = { "weights", "latent.Matrix?", "nil", "N numbers >= 0: a weight of 2 is the row twice" }
local fitted = "local p = latent.ppca{ latent_dim = 1 }:fit(X)\n"

local entries = {
  {
    name = "latent.ppca",
    summary = "Makes a probabilistic PCA: x = W z + mean + noise; fit gives it data.",
    args = { options },
    options = {
      { "latent_dim", "integer", "1",
        "M, from 0 (the isotropic Gaussian) to D - 1 (the Gaussian with full covariance)" },
      { "method", "string", '"closed_form"', '"closed_form" or "em"; EM is also used when entries are missing' },
      { "noise_variance", "number?", "nil",
        "0: the limit without noise, in which EM finds the principal subspace; else it is estimated" },
      { "max_iterations", "integer", "10000", "of EM" },
      { "tolerance", "number", "1e-13", "of EM: stop when the objective changes by less, relatively" },
      { "restarts", "integer", "1", "starts of EM, of which the best is kept" },
      { "seed", "integer", "0", "of EM's start" },
      { "accelerate", "boolean", "false", "longer steps for EM (SQUAREM), never a worse objective" },
    },
    returns = { { "latent.PPCA", "the model" } },
    text = [[
z ~ N(0, I) has M dimensions and the noise the variance s2 in each of D, so x ~ N(mean, W W' + s2 I). With the
eigenvalues of the covariance (divisor N) the likelihood is greatest for

  s2 = mean of the D - M smallest,   W = U (Lambda - s2 I)^(1/2)

Only W W' matters to the model: of all rotations of W's columns this one is given, also by EM: orthogonal
columns, descending lengths, and the largest entry of each positive.

EM also lets z have any mean and covariance, which W and the mean then take over (PX-EM), so that its steps are few
however little noise there is. It knows missing entries (fit with missing = true): each row has a posterior given its
own observed entries, and the log-likelihood of what is observed never decreases.

With noise_variance = 0 the two steps of EM are least-squares fits of z to W and of W to z. A step costs O(NDM)
and never forms a covariance. The objective is then the mean squared error of the reconstruction.]],
    example = "latent.ppca{ latent_dim = 2 }:fit(X)",
  },
  {
    name = "PPCA",
    summary = "Probabilistic principal component analysis; latent.ppca makes one.",
    text = [[
history is the mean log-likelihood of a row in nats (of its observed entries), an iteration each; iterations,
converged, method, drops and largest_drop say how the fit went.]],
  },
  {
    name = "PPCA:fit",
    summary = "Finds the parameters of maximum likelihood.",
    args = { data, options },
    options = {
      weights,
      { "missing", "boolean", "false", "NaN marks a missing entry; where there is one the method is EM" },
      { "on_iteration", "function?", "nil", "of EM: given {iteration, objective, restart, model}; false stops" },
      { "progress", "boolean", "false", "a bar for EM" },
      { "max_seconds", "number", "0", "stop EM after so long; 0 is never" },
    },
    returns = { { "latent.PPCA", "the model itself" } },
    text = [[
A row may miss all of its entries: it has the prior for a posterior and adds 0 to the log-likelihood. A column that
is wholly missing raises. So does data without variance outside of M dimensions (M >= N - 1, or constant or
collinear columns): its s2 is 0 and its likelihood unbounded.]],
    example = "latent.ppca{ latent_dim = 1 }:fit(matrix{ {1, 2}, {2, 0/0}, {3, 5.9}, {4, 8} }, { missing = true })",
  },
  {
    name = "PPCA:steps",
    summary = "Iterations of EM, one a turn.",
    args = { data, options },
    options = { weights, missing },
    returns = { { "function", "an iterator of i, objective" } },
    text = "EM whatever the method. Leaving the loop keeps the model as it stands.",
    example = "for i, f in latent.ppca{ latent_dim = 1, max_iterations = 3 }:steps(X) do print(i, f) end",
  },
  {
    name = "PPCA:partial_fit",
    summary = "Takes more rows into the fit, by online EM.",
    args = { data, options },
    options = { weights, missing,
      { "rate", "number", "0", "of the update, 0 to 1; 0 lets it fall with the number of rows seen" } },
    returns = { { "latent.PPCA", "the model itself" } },
    example = fitted .. "p:partial_fit(X)",
  },
  { name = "PPCA.mean", summary = "The mean (D).", returns = { { "latent.Matrix", "nil before a fit" } } },
  { name = "PPCA.W", summary = "The loadings (D x M): orthogonal columns, longest first.",
    returns = { { "latent.Matrix?", "nil before a fit, and for latent_dim = 0" } } },
  { name = "PPCA.noise_variance", summary = "s2: the variance of the noise in each direction.",
    returns = { { "number", "nil before a fit" } } },
}

for _, entry in ipairs(require "latent.docs.factor_verbs"("PPCA", {
  fitted = fitted,
  X = "X",
  gap = "{0.5, 0/0, 1}",
  K = "W'W + s2 I",
  free = "D + D M + 1 - M(M-1)/2",
  scores = "inv(W'W + s2 I) W'(x - mean)",
  bartlett = "inv(W'W) W'(x - mean)",
  transform = "They are drawn towards 0 by the prior. For s2 = 0 they are PCA's, whitened.",
  covariance = "s2 inv(W'W + s2 I)",
  variance = "s2 (1 + w_j' inv(K) w_j)",
  model = "W W' + s2 I",
})) do
  entries[#entries + 1] = entry
end

return entries
