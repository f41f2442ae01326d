-- What every model says of itself: summary, and the options it was made with. Entries of a class, for the module that
-- has the class.
return function(class)
  local plot
  for _, entry in ipairs(require "latent.docs.plot_models") do
    if entry.name == class .. ":plot" then plot = entry end
  end
  if not plot then return {} end
  local entries = { {
    name = class .. ":summary",
    summary = "What there is to know of the model, as a text.",
    args = {},
    returns = { { "string", "what print shows, and the parameters as tables" } },
    text = "Columns have the names that the matrix had which the model was fitted to. print(model) shows the first "
      .. "lines: sizes, options that aren't the default, and how the fit ended; pairs(model) goes through parameters "
      .. "and what the fit has left.",
    example = plot.example:gsub(":plot%(X.*%)$", ":summary()"),
  } }
  if class == "Classifier" then return entries end
  entries[2] = {
    name = class .. ".options",
    summary = "The options that the model was made with, a table of its own.",
    returns = { { "table", "those that were given, by name" } },
  }
  return entries
end
