-- latent.classifier.

local rows = { "X", "latent.Matrix|table", "N x D rows" }
local labels = { "y", "latent.Matrix|table", "N labels, all numbers (a vector or a list) or all strings (a list)" }
local options = { "options", "table?", "see options; given to each model's log_likelihood as they are" }
local missing = { { "missing", "boolean", "false", "NaN marks a missing entry, for models that know them" } }
local fitted = [[
local function make() return latent.ppca{ latent_dim = 0 } end
local c = latent.classifier(make):fit(X, { 1, 2, 2, 1, 1 })
]]

return {
  {
    name = "latent.classifier",
    summary = "Makes a classifier of a density for each class; fit gives it data.",
    args = {
      { "make", "function", "make(class) returns a new model, of any kind that has fit and log_likelihood; "
        .. "or latent.gmm, latent.ppca, ... itself" },
      { "options", "table?", "see options" },
    },
    options = {
      { "priors", "string|table", '"estimated"',
        'p(c): "estimated" by the classes\' shares of the data, "equal", or numbers, by label or in the order of '
        .. "the classes (divided by their sum)" },
    },
    returns = { { "latent.Classifier", "the classifier" } },
    text = [[
Each class c has a model p(x|c) that is fitted to its rows alone. By Bayes' theorem

  p(c|x) = p(c) p(x|c) / p(x),   p(x) = sum over c of p(c) p(x|c)

All sums are log-sum-exp, so that densities of any size do. For a class of its own kind the function may look at its
argument:

  latent.classifier(function(class)
    return class == "normal" and latent.ppca{ latent_dim = 5 } or latent.gmm{ components = 3 }
  end)]],
    example = [[
local c = latent.classifier(function() return latent.ppca{ latent_dim = 0 } end)
c:fit(X, { "a", "b", "b", "a", "a" })
c:predict(X)]],
  },
  {
    name = "Classifier",
    summary = "A classifier by class-conditional densities; latent.classifier makes one.",
    text = "Labels that were numbers come back in a vector, strings in a list.",
  },
  {
    name = "Classifier:fit",
    summary = "Fits a new model to the rows of each class.",
    args = { rows, labels,
      { "options", "table?", "see options; all but weights are given to each model's fit as they are" } },
    options = {
      { "weights", "latent.Matrix?", "nil", "N numbers >= 0, for models that take them; the priors count them too" },
      { "missing", "boolean", "false", "NaN marks a missing entry, for models that know them" },
      { "on_iteration", "function?", "nil", "as for the models" },
      { "progress", "boolean|function?", "nil", "as for the models" },
      { "max_seconds", "number", "0", "as for the models, each" },
    },
    returns = { { "latent.Classifier", "the classifier itself" } },
    text = "What a model finds wrong with its rows is raised with the class it is about; the classifier is then as "
      .. "it was before.",
    example = fitted .. "print(c)",
  },
  {
    name = "Classifier:predict",
    summary = "The most probable class of each row, as the labels were given.",
    args = { rows, options }, options = missing,
    returns = { { "latent.Matrix|table|number|string",
      "N labels, the label alone for one row; of equally probable classes the first" } },
    example = fitted .. "c:predict(X)",
  },
  {
    name = "Classifier:posteriors",
    summary = "p(c|x) for each row and class.",
    args = { rows, options }, options = missing,
    returns = { { "latent.Matrix", "N x K, of one row a vector of K; a row that no class has is as likely of each" } },
    example = fitted .. "c:posteriors(X)",
  },
  { name = "Classifier:responsibilities", summary = "The same as posteriors.", args = { rows, options },
    options = missing,
    returns = { { "latent.Matrix", "N x K, or a vector of K" } }, example = fitted .. "c:responsibilities(X)" },
  {
    name = "Classifier:log_posteriors",
    summary = "log p(c|x) for each row and class; differences of columns are log-odds.",
    args = { rows, options }, options = missing,
    returns = { { "latent.Matrix", "N x K, or a vector of K; finite also where the posteriors round to 0 and 1" } },
    example = fitted .. "local log_p = c:log_posteriors(X)\nprint(log_p:col(2) - log_p:col(1)) -- log-odds",
  },
  {
    name = "Classifier:log_likelihood",
    summary = "log p(x) of each row under the mixture of the classes, in nats.",
    args = { rows, options }, options = missing,
    returns = { { "latent.Matrix|number", "a vector of N; a number for one row" } },
    example = fitted .. "c:log_likelihood(X)",
  },
  {
    name = "Classifier:score",
    summary = "The share of rows whose class is predicted; without labels the mean log-likelihood.",
    args = { rows, { "y", "latent.Matrix|table?", "N labels, or nil" }, options }, options = missing,
    returns = { { "number", "the accuracy, 0 to 1; or nats a row" } },
    example = fitted .. "c:score(X, { 1, 2, 2, 1, 1 })",
  },
  {
    name = "Classifier:confusion",
    summary = "How many rows of each class are predicted as each.",
    args = { rows, labels, options }, options = missing,
    returns = { { "latent.Matrix", "K x K: a row for each true class, a column for each predicted one" } },
    example = fitted .. "c:confusion(X, { 1, 2, 2, 1, 1 })",
  },
  {
    name = "Classifier:free_parameters",
    summary = "How many numbers the models are free to choose, and the priors when they are estimated.",
    returns = { { "integer", "the sum; the models must know theirs" } },
    example = fitted .. "c:free_parameters()",
  },
  {
    name = "Classifier:sample",
    summary = "Rows drawn from the mixture of the classes.",
    args = { { "n", "integer", "how many" }, { "options", "table?", "see options" } },
    options = { { "seed", "integer|latent.Random", "nil", "a seed or a generator; else the default generator" } },
    returns = { { "latent.Matrix", "n x D" }, { "latent.Matrix|table", "the n labels" } },
    example = fitted .. "c:sample(3, { seed = 1 })",
  },
  { name = "Classifier.classes", summary = "The labels, sorted: a list.",
    returns = { { "table", "nil before a fit" } } },
  { name = "Classifier.priors", summary = "p(c), in the order of the classes.",
    returns = { { "latent.Matrix", "nil before a fit" } } },
  { name = "Classifier.models", summary = "The fitted models, in the order of the classes: a list.",
    returns = { { "table", "nil before a fit" } } },
}
