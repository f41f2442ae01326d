-- What models that are fitted in slices of time say of it: the entry of fit_for, and the option of steps. Not a module
-- of the documentation.

local slices = {
  budget = { "budget", "a turn is a slice of about so many seconds, and gives the iterations done (0 while the start "
    .. "is made) and the last objective or false; 0: a turn is an iteration" },
}

local meanings = {
  weights = "N numbers >= 0",
  missing = "NaN marks a missing entry",
  labels = "N integers: components of rows, or 0",
  on_iteration = "as of fit",
}

-- The entry "CLASS:fit_for"; data is its argument; of `options` those that aren't names of the above are rows. `make`
-- is Lua that makes a model, and X that makes its data; nil: there is no example.
function slices.entry(class, make, X, data, options)
  local rows = {}
  for i, option in ipairs(options) do rows[i] = meanings[option] and { option, meanings[option] } or option end
  return {
    name = class .. ":fit_for",
    summary = "Works on a fit for a while, and goes on with it when it is called again.",
    args = { data, { "seconds", "number", "how long; 0: the least piece of work there is" },
      { "options", "table?", "see options; those of the fit's first call count" } },
    options = rows,
    returns = { { "boolean", "whether the fit is done: the model is then as fit leaves it, to the bit" } },
    text = "See fitting, \"Slices of time\".",
    example = make and ("local model, Y = %s, %s\nwhile not model:fit_for(Y, 0.002) do end"):format(make, X),
  }
end

return slices
