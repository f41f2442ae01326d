-- model:export, of all models.

-- Class, what is exported, and Lua that makes a fitted model.
local MODELS = {
  { "GMM", "log_likelihood, responsibilities, predict and impute; covariances as they are, by their Cholesky factors.",
    'latent.gmm{ covariance = "diag" }:fit(X)' },
  { "KMeans", "predict and transform.", "latent.kmeans{ clusters = 2 }:fit(X)" },
  { "Mixture", "log_likelihood, responsibilities, predict and impute. A family of your own "
    .. "can't be exported.", 'latent.mixture{ components = 2, family = "poisson" }:fit(X)' },
  { "PCA", "transform, inverse_transform, reconstruct and distortion, whitened and standardized as the model does.",
    "latent.pca{ latent_dim = 2 }:fit(X)" },
  { "Scaler", "transform and inverse_transform.", "latent.scaler():fit(X)" },
  { "PPCA", "log_likelihood, transform, inverse_transform, reconstruct and impute.",
    "latent.ppca{ latent_dim = 1 }:fit(X)" },
  { "BPCA", "log_likelihood, transform, inverse_transform, reconstruct and impute.", "latent.bpca():fit(X)" },
  { "FA", "log_likelihood, transform, inverse_transform, reconstruct and impute.",
    "latent.fa{ latent_dim = 1 }:fit((latent.datasets.iris()))" },
  { "ICA", "transform, inverse_transform, reconstruct and, for as many sources as columns, log_likelihood.",
    "latent.ica{ latent_dim = 2 }:fit(X)" },
  { "MPPCA", "log_likelihood, responsibilities, predict, impute, reconstruct, transform (which returns the component, "
    .. "too) and inverse_transform(z, component).", "latent.mppca{ latent_dim = 1 }:fit(X)" },
  { "LDS", "the tracker: init, predict and update of a struct NAME_state, which has mean, covariance, log_likelihood, "
    .. "steps and predicted; in Lua init returns a table of these. With a diffuse start there is diffuse: times "
    .. "infinity it is part of the covariance, until it is 0. Not of matrices that vary.",
    "latent.lds{ A = 0.9, C = 1, Q = 0.2, R = 1 }" },
  { "Classifier", "predict, posteriors, responsibilities, log_posteriors and log_likelihood. In C classes that are "
    .. "strings are numbers, in the order that the file's head gives.",
    "latent.classifier(function() return latent.gmm{ covariance = 'diag' } end):fit(X, { 1, 2, 1, 2, 1 })" },
  { "VAE", "encode (means and variances), transform, decode, inverse_transform and reconstruct; of a conditional "
    .. "model with the label as an argument before the results.",
    'latent.vae{ input_dim = 3, latent_dim = 2, hidden = 4, likelihood = "gaussian" }' },
  { "Flow", "log_likelihood and transform, of the kinds and of layers of your own; with a context this is an argument "
    .. "after the row. Not in ONNX.",
    'latent.flow{ input_dim = 3, kind = "maf", layers = 2, hidden = 4 }' },
  { "Nonlinear", "decode and inverse_transform.", "latent.nonlinear{ input_dim = 3, latent_dim = 1, hidden = 4 }" },
  { "GAN", "decode and inverse_transform, by the average generator; of a conditional model with the label as an "
    .. "argument before the result.", "latent.gan{ input_dim = 3, latent_dim = 2, hidden = 4 }" },
}
local NONE = {
  { "EM", [[
latent.em{ parameters = { m = 1 }, max_iterations = 3, e_step = function(p, x) return { s = x:sum(), n = #x }, p.m end,
  m_step = function(s) return { m = s.s / s.n } end }:fit(X)]] },
  { "Diffusion", "latent.diffusion{ input_dim = 3, timesteps = 5, hidden = 4 }" },
  { "FlowMatching", "latent.flow_matching{ input_dim = 3, hidden = 4 }" },
}

local entries = {
  {
    name = "export",
    topic = true,
    summary = "Fitted models as files of C, of Lua or of ONNX, which need no library.",
    text = [[
  model:export "engine.c"      one file of C99
  model:export "engine.lua"    one file of Lua, for 5.1 to 5.4 and LuaJIT
  model:export "engine.onnx"   a graph for ONNX runtimes

Each has the methods of one row, under their names. In C they are functions that begin with the file's name, and lists
are pointers to as many numbers as the file's head says:

  double engine_log_likelihood(const double *row);
  int    engine_predict(const double *row);                  1 to K
  void   engine_transform(const double *row, double *z);

There is no malloc, no state, and nothing but <math.h>, and that only where it is needed. In Lua the file returns a
table of functions:

  local engine = require "engine"
  engine.log_likelihood{ 0.3, 1.2 }    engine.transform({ 0.3, 1.2 })    engine.transform({ 0.3, 1.2 }, z)

They check the length of a row and need only math. Results are the library's, in double to 1e-12 relative to 1 and
their size. NaN marks a missing entry where the model knows them; what that takes is left out with missing = false,
which makes the file smaller.

ONNX has the methods as outputs of a graph whose input, "row", is N x D; those that take latent variables, whose input
is "z" (N x M), are asked for by name, { methods = { "inverse_transform" } }. Missing entries are as in C; for Gaussian
components with full or tied covariances, of D columns, they take some 20 D operators, which run where a batch has a
NaN. There are no trackers, the encoder's variances are an output "variance", and labels of conditional nets are an
input "label", N integers.

latent.scaler's scaling goes in front with { scaler = s }: rows are in the units of the data then, and so are results
that are rows.]],
  },
}

local function add(class, text, make, fails)
  entries[#entries + 1] = {
    name = class .. ":export",
    summary = fails and "Says why the model can't be a file of its own." or
      "The model as a file of C, of Lua or of ONNX, which needs no library.",
    args = {
      { "path", "string", "of the file, which ends in .c, .lua or .onnx; in C its name begins those of functions" },
      { "options", "table?", "see options" },
    },
    options = {
      { "precision", "string", '"double"', '"double" or "float": the numbers of C and ONNX' },
      { "missing", "boolean", "where the model knows them", "whether NaN marks a missing entry" },
      { "methods", "string[]", "all", "which of the methods, by name" },
      { "scaler", "latent.Scaler", "none", "standardizes rows first" },
    },
    returns = { { "boolean?", fails and "always nil" or "true; nil when the model can't be exported, or the file "
      .. "can't be written" }, { "string?", fails and "the reason" or "then, the message" } },
    text = fails and 'latent.help "export" lists the models that can.' or
      ("Has %s\n\nlatent.help \"export\" is about the files."):format(text),
    example = ("local model = %s\nlocal path = os.tmpname() .. '.c'\nprint(model:export(path))\nos.remove(path)")
      :format(make),
  }
end
for _, model in ipairs(MODELS) do add(model[1], model[2], model[3]) end
for _, model in ipairs(NONE) do add(model[1], nil, model[2], true) end
return entries
