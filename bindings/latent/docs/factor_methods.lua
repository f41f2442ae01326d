-- What PPCA, FA and their kin have in common: factor_methods(entries, class, words) adds the entries of fits and what
-- a fitted model says of rows. Of words, `fitted` is Lua that makes a fitted model p of one latent dimension, `X` the
-- name of its data there, and the rest formulas, whose defaults are PPCA's.
local slices = require "latent.docs.slices"
local data = { "X", "latent.Matrix|table|function",
  "N x D data; or a function that returns the next chunk of rows (and their weights), and nil at the end of a pass" }
local rows = { "X", "latent.Matrix|table", "N x D rows, or a vector of D numbers as one row" }
local options = { "options", "table?", "see options" }
local missing = { "missing", "NaN marks a missing entry: what is said is said given the others of its row" }

local weights = { "weights", "N numbers >= 0: a weight of 2 is the row twice" }
local gaps = { "missing", "NaN marks a missing entry" }

local isotropic = {
  X = "X",
  gap = "{0.5, 0/0, 1}",
  K = "W'W + s2 I",
  scores = "inv(W'W + s2 I) W'(x - mean)",
  bartlett = "inv(W'W) W'(x - mean)",
  covariance = "s2 inv(W'W + s2 I)",
  variance = "s2 (1 + w_j' inv(K) w_j)",
  model = "W W' + s2 I",
}

return function(entries, class, words)
  setmetatable(words, { __index = isotropic })
  local itself = { { "latent." .. class, "the model itself" } }
  local function example(code) return words.fitted .. code:gsub("X", words.X) end
  local methods = {
    {
      name = "fit",
      summary = words.finds,
      args = { data, options },
      options = {
        weights,
        { "missing", "NaN marks a missing entry; where there is one the method is EM" },
        { "on_iteration", "of EM: given {iteration, objective, restart, model}; false stops" },
        { "progress", "true: a bar on the terminal; or a function that is told (latent.progress)" },
        { "max_seconds", "stop EM after so long; 0 is never" },
      },
      returns = itself,
      text = words.fit,
      example = words.fit_example,
    },
    {
      name = "steps",
      summary = "Iterations of EM, one a turn.",
      args = { data, options },
      options = { weights, gaps, slices.budget },
      returns = { { "function", "an iterator of i, objective" } },
      text = "EM whatever the method. Leaving the loop keeps the model as it stands.",
      example = words.fitted .. ("for i, f in p:steps(%s) do if i == 3 then break end end"):format(words.X),
    },
    words.online and {
      name = "partial_fit",
      summary = "Takes more rows into the fit, by online EM.",
      args = { data, options },
      options = { weights, gaps,
        { "rate", "of the update, 0 to 1; 0 lets it fall with the number of rows seen" } },
      returns = itself,
      example = example "p:partial_fit(X)",
    } or nil,
  }
  local uses = {
    {
      name = "log_likelihood",
      summary = "log p(x) of each row, in nats.",
      args = { rows, options }, options = { missing },
      returns = { { "latent.Matrix|number", "a vector of N; a number for one row" } },
      text = ("By the M x M matrix %s. Of a row with missing entries it is the density of the others."):format(words.K),
      example = example "p:log_likelihood(X)",
    },
    {
      name = "elbo",
      summary = "The bound of each row for a Gaussian q(z), and KL(q || p(z|x)): together the log-likelihood.",
      args = { rows,
        { "q", "table?", "{means = N x M, covariance = M x M or a list of N}; without it the posterior itself" },
        options },
      options = { missing },
      returns = { { "latent.Matrix|number", "the bound, N; a number for one row" },
        { "latent.Matrix|number", "the divergence, N" } },
      example = example "p:elbo(X, { means = p:transform(X), covariance = {{0.5}} })",
    },
    {
      name = "transform",
      summary = ("The posterior means of the latent variables: %s."):format(words.scores),
      args = { rows, options },
      options = { missing, { "scores",
        ('"bartlett": fitted by least squares, without the prior, %s'):format(words.bartlett) } },
      returns = { { "latent.Matrix", "N x M, or a vector of M for one row" } },
      text = words.transform .. " What the entries of a row leave open is 0 in Bartlett's scores.",
      example = example "p:transform(X)",
    },
    {
      name = "posterior",
      summary = "Mean and covariance of p(z|x).",
      args = { rows, options }, options = { missing },
      returns = {
        { "latent.Matrix", "means, N x M; of one row a vector of M" },
        { "latent.Matrix|table",
          words.covariance .. ", M x M, for all rows; with missing a list of N, one for each; of one row that one" },
      },
      example = example "p:posterior(X)",
    },
    {
      name = "inverse_transform",
      summary = "The data of latent variables: x = W z + mean.",
      args = { { "Z", "latent.Matrix|table", "N x M, or a vector of M numbers as one row" } },
      returns = { { "latent.Matrix", "N x D, or a vector of D for one row" } },
      example = example "p:inverse_transform{ {0}, {1} }",
    },
    {
      name = "reconstruct",
      summary = "Rows rebuilt from their posterior means: inverse_transform(transform(X)).",
      args = { rows, options }, options = { missing },
      returns = { { "latent.Matrix", "N x D, or a vector of D for one row" } },
      example = example "p:reconstruct(X)",
    },
    {
      name = "impute",
      summary = "X with its missing entries (NaN) at their conditional means.",
      args = { rows, options },
      options = { { "variance", "also give the conditional variances" } },
      returns = {
        { "latent.Matrix", "N x D" },
        { "latent.Matrix?", ("with variance: %s where an entry is missing, else 0"):format(words.variance) },
      },
      example = example("p:impute(matrix{ " .. words.gap .. " }, { variance = true })"),
    },
    {
      name = "sample",
      summary = "Rows drawn from the model.",
      args = { { "n", "integer", "how many" }, options },
      options = { { "seed", "a seed or a generator; else the default generator" } },
      returns = { { "latent.Matrix", "n x D" }, { "latent.Matrix?", "the latent variables, n x M; nil for M = 0" } },
      example = example "p:sample(3, { seed = 1 })",
    },
    { name = "covariance", summary = words.model .. ", the model's covariance of the data.",
      returns = { { "latent.Matrix", "D x D" } }, example = example "p:covariance()" },
  }
  table.move(uses, 1, #uses, #methods + 1, methods)
  for i, entry in ipairs(methods) do
    if entry.name == "steps" then
      local make = ("latent.%s{ latent_dim = 1 }"):format(class:lower())
      entries[#entries + 1] = slices.entry(class, make, "X", data, { "weights", "missing", "on_iteration" })
    end
    entry.name = class .. ":" .. entry.name
    entries[#entries + 1] = methods[i]
  end
  return require "latent.docs.density_methods"(entries, class, { model = words.fitted .. "p", X = words.X,
    options = { missing }, free = words.free .. "; D are the mean, and rotations of W's columns make no other model" })
end
