-- The method plot of all models. Their panels are those of latent/plot/models.

local X = { "X", "latent.Matrix|table?", "the rows of the data, which most panels need" }

local OPTIONS = {
  { "panels", "string[]", "see below", "which panels, by name" },
  { "title", "string", "none", "above the figure" },
  { "classes", "latent.Matrix|table", "X.labels", "the class of each row, which colours it" },
  { "labels", "table", "X.classes", "names of classes, labels[class]" },
  { "names", "string[]", "X.names, or x1, x2, ...", "names of X's columns" },
}
local SHAPE = { "shape", "integer[]|boolean", "a square from 8 x 8 on",
  "{ rows, columns } of images that rows are; false: they are none" }
local GIVEN = { "given", "table", "none", "options of the methods that take rows: { labels = } of a conditional model" }
local SAMPLE = { "sample", "table", "none", "options of the method sample: { labels =, seed = }" }
local MORE = {
  LDS = {
    { "steps", "integer", "a fifth of the rows", "how many rows ahead the forecast goes" },
    { "level", "number", "0.95", "the probability of its intervals" },
    { "time", "latent.Matrix|table", "1, 2, ...", 'where the rows are: numbers, or dates as "1961-05"' },
    { "given", "table", "none", "{ inputs =, future_inputs = } of a model with inputs" },
  },
  Classifier = { { "given", "table", "none", "options of predict" } },
  PCA = { SHAPE }, PPCA = { SHAPE }, FA = { SHAPE }, ICA = { SHAPE }, Mixture = { SHAPE },
  VAE = { SHAPE, GIVEN, SAMPLE }, Flow = { SHAPE, GIVEN, SAMPLE }, FlowMatching = { SHAPE, GIVEN, SAMPLE },
  GAN = { SHAPE, SAMPLE }, Diffusion = { SHAPE, SAMPLE }, Nonlinear = { SHAPE, SAMPLE },
}

local PLANE = "In more than two dimensions the plane is that of X's first two principal components."
local NETS = [[
  "samples"   draws among the rows; of images only draws, of a VAE the means
  "history"   the loss of each epoch
  "data"      the rows alone, on demand]]

-- Class, summary, panels, and Lua that makes a fitted model.
local MODELS = {
  { "Scaler", "Means and deviations of the columns.", [[
  "columns"   mean and one deviation of each column
  "scaled"    mean and range of each column of X, scaled]], "latent.scaler():fit(X)" },
  { "PCA", "Scree and scatter.", [[
  "scree"       each component's share of the variance, and their sum
  "scatter"     rows along the first two components
  "components"  the directions' entries, or images; on demand]], "latent.pca{ latent_dim = 2 }:fit(X)" },
  { "PPCA", "Variances and scatter.", [[
  "scree"    variances along W's directions, and the noise
  "scatter"  posterior means of the latent variables
  "W"        its entries, or images; on demand
  "history"  the objective of each iteration, on demand]], "latent.ppca{ latent_dim = 1 }:fit(X)" },
  { "BPCA", "The Hinton diagram of W, and which directions are on.", [[
  "hinton"     W; white is positive
  "relevance"  1/alpha: the variance of each direction's weights
  "scatter"    posterior means of the latent variables, on demand
  "history"    the objective of each iteration, on demand]], "latent.bpca():fit(X)" },
  { "FA", "Loadings and uniquenesses.", [[
  "loadings"      in standard deviations of the columns
  "uniquenesses"  the share of each column's variance that is its own noise
  "scatter"       scores of the rows, on demand
  "history"       the objective of each iteration, on demand]],
    "X = (latent.datasets.iris())\nlatent.fa{ latent_dim = 1 }:fit(X)" },
  { "ICA", "Unmixed signals, and how they are mixed.", [[
  "signals"     the sources, each in its own scale
  "directions"  of data in the plane: the columns of the mixing matrix as arrows
  "mixing"      the mixing matrix
  "data"        the columns of X as observed, on demand
  "history"     the objective of each iteration, on demand]], "latent.ica():fit(X)" },
  { "KMeans", "Rows by cluster, and the centres.", [[
  "clusters"  rows by cluster (or by the option classes), and the centres
  "history"   J of each iteration, on demand
]] .. PLANE, "latent.kmeans{ clusters = 2 }:fit(X)" },
  { "GMM", "Rows by component, and ellipses.", [[
  "components"  rows by component (or by the option classes), ellipses at one and two deviations; of one column
                histogram and density
  "density"     rows in the plane, and lines of equal density, on demand
  "weights"     of the components, on demand
  "history"     the objective of each iteration, on demand
]] .. PLANE, "latent.gmm{ components = 1 }:fit(X)" },
  { "MPPCA", "Rows by component, and ellipses.", [[
  "components"  rows by component (or by the option classes), ellipses at one and two deviations; of one column
                histogram and density
  "density"     rows in the plane, and lines of equal density, on demand
  "weights"     of the components, on demand
  "history"     the objective of each iteration, on demand
]] .. PLANE, "latent.mppca{ latent_dim = 1 }:fit(X)" },
  { "Mixture", "The components' means, rates or probabilities, and weights.", [[
  "components"  a column a component, or images; not of a family of the user's own
  "weights"     of the components
  "classes"     rows by component; on demand, or of a family of the user's own
  "history"     the objective of each iteration, on demand]],
    'latent.mixture{ components = 2, family = "poisson" }:fit(X)' },
  { "LDS", "The series and its forecast.", [[
  "series"   each column as observed and smoothed, and the forecast with its intervals
  "states"   smoothed states with two deviations, on demand
  "history"  the objective of each iteration, on demand]], "latent.lds{ latent_dim = 1, max_iterations = 3 }:fit(X)" },
  { "EM", "The learning curve.", [[
  "history"  the objective of each iteration]], [[
latent.em{ parameters = { m = 1 }, max_iterations = 3, e_step = function(p, x) return { s = x:sum(), n = #x }, p.m end,
  m_step = function(s) return { m = s.s / s.n } end }:fit(X)]] },
  { "Classifier", "Rows as they are classified.", [[
  "classes"    rows by the predicted class, mistakes, and of two columns the borders
  "confusion"  counts of true and predicted classes, where classes are given
]] .. PLANE, 'latent.classifier(function() return latent.gmm{ covariance = "diag" } end):fit(X, { 1, 2, 1, 2, 1 })' },
  { "Nonlinear", "Density, draws and the learning curve.", [[
  "density"   of two columns: lines of equal density, and the curve g(z) of one latent variable
]] .. NETS, "latent.nonlinear{ input_dim = 3, latent_dim = 1, hidden = 4 }" },
  { "VAE", "Latent scatter, sample grid and the learning curve.", [[
  "latent"    means of the two latent units that say most about x
]] .. NETS, 'latent.vae{ input_dim = 3, latent_dim = 2, hidden = 4, likelihood = "gaussian" }' },
  { "Flow", "Density, draws and the learning curve.", [[
  "density"   of two columns: rows, and lines of equal density
  "latent"    the rows, brought to the Gaussian; on demand
]] .. NETS, 'latent.flow{ input_dim = 3, kind = "maf", layers = 2, hidden = 4 }' },
  { "Diffusion", "Draws and the learning curve.", NETS,
    "latent.diffusion{ input_dim = 3, timesteps = 5, hidden = 4 }" },
  { "FlowMatching", "Draws and the learning curve.", [[
  "latent"    the rows, brought to the source; on demand
]] .. NETS, "latent.flow_matching{ input_dim = 3, hidden = 4 }" },
  { "GAN", "Draws and the learning curves.", NETS, "latent.gan{ input_dim = 3, latent_dim = 2, hidden = 4 }" },
}

local entries = {}
for i, model in ipairs(MODELS) do
  local class, summary, panels, make = table.unpack(model)
  local options = table.move(OPTIONS, 1, #OPTIONS, 1, {})
  table.move(MORE[class] or {}, 1, #(MORE[class] or {}), #options + 1, options)
  entries[i] = {
    name = class .. ":plot",
    summary = "The picture of the model: " .. summary:sub(1, 1):lower() .. summary:sub(2),
    args = { X, { "options", "table?", "see options" } },
    options = options,
    returns = { { "latent.Figure", "the figure" } },
    text = "Panels, drawn where they can be, or those that the option names:\n\n" .. panels
      .. "\n\nLabels behind X, as data sets and files give them, are the option classes: plot(latent.datasets.iris()).",
    example = ("%s:plot(X)"):format(make),
  }
end
return entries
