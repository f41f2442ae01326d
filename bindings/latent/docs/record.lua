-- What fits leave of themselves: the properties of models that are the same for all of a kind, for those that don't say
-- more of them themselves.

local FIT = {
  { "history", "number[]", "The objective of each iteration, a list." },
  { "iterations", "integer", "How many iterations the fit took." },
  { "converged", "boolean", "Whether the fit has converged; what that means, the class says." },
}
local DATA = {
  { "observations", "integer?", "How many rows it was fitted to; nil when they came in pieces." },
  { "names", "string[]?", "The names of the columns it was fitted to, if they had names." },
}
local EM = {
  { "drops", "integer", "How often the objective became worse by more than rounding." },
  { "largest_drop", "number", "The largest of these, relative to the objective." },
  { "refused", "integer", "How many accelerated steps were taken back." },
}
local NET = {
  { "input_dim", "integer", "D, how many columns the rows have." },
  { "latent_dim", "integer", "M, how many latent dimensions there are." },
  { "dtype", "string", 'The type of its weights: "float32" or "float64".' },
  { "seed", "integer", "The seed of its weights and of training." },
  { "epochs", "integer", "How many epochs the fits took in all." },
  { "validation_history", "number[]?", "The loss of rows held out in each epoch, of the last fit with validation." },
  { "note", "string?", "What to know about the samples, a sentence; nil when there is nothing." },
}
local OWN = {
  PCA = { { "solver", "string", "The solver that was used." },
    { "log_evidence", "number[]?", 'With latent_dim = "mle": the log evidence of each number of components.' } },
  PPCA = { { "method", "string", "How it was fitted." } },
  BPCA = { { "method", "string", "How it was fitted." } },
  FA = { { "method", "string", "How it was fitted." },
    { "degrees_of_freedom", "integer", "How many more numbers a covariance has than the model." },
    { "identifiable", "boolean", "Whether these are zero or more: else the factors mean nothing by themselves." },
    { "rows", "number", "How many rows it was fitted to, of fits without gaps; the test needs it." },
    { "discrepancy", "number", "Twice the log-likelihood a row that a Gaussian without structure has more." } },
  ICA = { { "algorithm", "string", "The algorithm that was at work last." },
    { "identifiable", "boolean", "Whether the sources can be told apart." },
    { "objective", "number", "The objective at the end." } },
  VAE = { { "reconstruction_history", "number[]", "The mean reconstruction loss of each epoch, in nats a row." },
    { "kl_history", "number[]", "The mean of KL(q(z|x) || p(z)) in each epoch, in nats a row." } },
}

-- Entries of a class that has the methods, by name.
return function(class, methods)
  local entries = {}
  local function add(rows)
    for _, row in ipairs(rows or {}) do
      entries[#entries + 1] = { name = class .. "." .. row[1], summary = row[3],
        returns = { { row[2], "nil before a fit" } } }
    end
  end
  if not methods.fit then return entries end
  if class ~= "Scaler" then add(FIT) end
  if not methods.step then add(DATA) end
  if methods.step then add(NET) elseif methods.steps and class ~= "ICA" then add(EM) end
  add(OWN[class])
  return entries
end
