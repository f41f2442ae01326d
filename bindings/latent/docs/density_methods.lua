-- What every model with a density says of its log_likelihood: density_methods(entries, class, words) adds the entries
-- of score, free_parameters, aic and bic. Of words, `model` is Lua that makes a fitted model, `X` the name of its
-- data there, `free` says what free_parameters counts and `options` what the methods take.
local rows = { "X", "latent.Matrix|table", "N x D rows, or a vector of D numbers as one row" }

return function(entries, class, words)
  local args = { rows, words.options and { "options", "table?", "see options" } }
  local function add(method, data, summary, ...)
    entries[#entries + 1] = {
      name = class .. ":" .. method,
      summary = summary,
      args = data and args or nil,
      options = data and words.options or nil,
      returns = { { ... } },
      example = ("%s:%s(%s)"):format(words.model, method, data and words.X or ""),
    }
  end
  add("score", true, "The mean of log_likelihood.", "number", "nats a row")
  add("free_parameters", false, "How many numbers the model is free to choose.", "integer", words.free)
  add("aic", true, "Akaike's criterion, -2 log L + 2 p; lower is better.", "number", "over all rows of X")
  add("bic", true, "Schwarz's criterion, -2 log L + p log N; lower is better.", "number", "over all rows of X")
  return entries
end
