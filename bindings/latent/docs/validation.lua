-- latent.split, latent.folds and latent.cross_validate.

local seed = { "seed", "integer|latent.Random", "nil",
  "of the random order: a seed or a generator; else the default one" }

return {
  {
    name = "latent.split",
    summary = "Cuts data in two at random: rows to fit to, and rows to try the model on.",
    args = {
      { "X", "latent.Matrix|table|integer", "N rows, or a list of N; or N itself, for the numbers of the rows" },
      { "y", "latent.Matrix|table?", "labels, and whatever else has N rows or elements: any number of arguments" },
      { "options", "table?", "see options" },
    },
    options = {
      { "test", "number", "0.25", "the share of the rows to try on, or (2 or 30, say) their number" },
      seed,
      { "labels", "latent.Matrix|table?", "nil", "N labels: both parts get their share of every class" },
      { "shuffle", "boolean", "true", "false: the last rows are the test's, as of time series" },
    },
    returns = {
      { "latent.Matrix|table", "the rows of X to fit to; of N, their numbers, a vector" },
      { "latent.Matrix|table", "the rows to try on" },
      { "latent.Matrix|table?", "those of y to fit to; then those to try on, and so for each argument" },
    },
    text = "Rows of both parts are in the order that they had.",
    example = [[
local X, y = latent.datasets.iris()
local X_train, X_test, y_train, y_test = latent.split(X, y, { test = 0.2, labels = y, seed = 1 })
print(#X_train, #X_test, #y_train, #y_test)   -- 120 30 120 30]],
  },
  {
    name = "latent.folds",
    summary = "Cuts n rows into k folds for cross-validation: each is the test set once.",
    args = {
      { "n", "integer", "rows" },
      { "k", "integer", "folds, 2 to n; n leaves one row out at a time" },
      { "options", "table?", "see options" },
    },
    options = {
      seed,
      { "labels", "latent.Matrix|table?", "nil", "n labels: every fold gets its share of every class" },
    },
    returns = { { "function", "an iterator of train, test: vectors of row numbers, for X:rows_at" } },
    text = "The folds' sizes differ by one at most.",
    example = [[
local total = 0
for train, test in latent.folds(#X, 2, { seed = 1 }) do
  local p = latent.ppca{ latent_dim = 0 }:fit(X:rows_at(train))
  total = total + p:log_likelihood(X:rows_at(test)):sum()
end]],
  },
  {
    name = "latent.cross_validate",
    summary = "The score of a kind of model on rows that it wasn't fitted to, of k folds in turn.",
    args = {
      { "make", "function", "makes a new model, not fitted; it is given the number of the fold" },
      { "X", "latent.Matrix|table", "N x D rows, or a list of sequences" },
      { "y", "latent.Matrix|table?", "N labels, for models that learn from them, as classifiers do" },
      { "options", "table?", "see options; may take the place of y" },
    },
    options = {
      { "folds", "integer", "5", "how many; N leaves one row out at a time" },
      seed,
      { "labels", "latent.Matrix|table?", "nil", "the labels, if they aren't an argument" },
      { "fit", "table|function?", "nil",
        "options of fit, { missing = true } or { epochs = 20 }; or what fits instead: function(model, X, y)" },
      { "score", "function?", "nil", "function(model, X, y), a number; else model:score, which every model has" },
      { "progress", "boolean|function?", "nil",
        "true: a bar of the folds; or a function that is told (latent.progress)" },
    },
    returns = { { "number", "the mean of the scores" }, { "table", "the score of each fold, a list" } },
    text = [[
model:fit(X, fit) and model:score(X) are called: the log-likelihood a row, in nats, of densities. A classifier, or a
model of the user's that is a table, is given labels: model:fit(X, y, fit) and model:score(X, y), which is a
classifier's accuracy. With labels every fold gets its share of every class. Higher scores are better; compare kinds of
model with the same seed, which makes the same folds.]],
    example = [[
local function make() return latent.ppca{ latent_dim = 1 } end
local mean, scores = latent.cross_validate(make, latent.datasets.iris(), { folds = 10, seed = 1 })
print(mean, #scores)]],
  },
}
