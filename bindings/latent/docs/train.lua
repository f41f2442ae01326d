-- What the models with nets share: entries for a class, made with `made`, an example's beginning.

return function(class, made, about)
  local variable = made:match "^local (%w+)"
  local function example(text) return made .. text:gsub("MODEL", variable) end
  local steps = {
    { "batch", "rows in a batch" },
    { "binarize", '"dynamic", "static" or "threshold", as for latent.batches' },
    { "scale", "what the data are multiplied by: 1/255 for bytes" },
    { "shuffle", "false keeps the rows' order" },
    { "learning_rate", "a number, or a function of the number of steps so far" },
  }
  local labels = { "labels", "of conditional models, one a row" }
  if about.labels then steps[#steps + 1] = labels end
  if about.source then steps[#steps + 1] = { "source", "rows that starts are drawn from, M x D; N(0, I) without" } end
  if about.context then steps[#steps + 1] = { "context", "of conditional flows, N x C" } end
  local parameter = about.parameter or "decoder.1.weight"
  local with_epochs = { { "epochs", "passes over the rows, from where the model stands" },
    table.unpack(steps) }
  for _, option in ipairs {
    { "validation", "X, or {X, " .. (about.context and "context" or "labels")
      .. "}: rows whose loss is measured each epoch (" .. about.held .. ")" },
    { "patience", "epochs without a better validation loss after which fit stops; the model keeps "
      .. "the weights of the best epoch" },
    { "on_epoch", "f(model, epoch, loss, validation loss): false stops" },
    { "on_iteration", "f(model, iteration, loss, ...): false stops" },
    { "max_seconds", "the time after which fit stops" },
    { "checkpoint", "a file that the model is saved to after each epoch" },
    { "keep", '"last" or "best": only an epoch with a better validation loss is saved, and the model ends with the '
      .. "weights of the best, as with patience" },
    { "progress", "true: a bar on the terminal; or a function that is told (latent.progress)" },
  } do
    with_epochs[#with_epochs + 1] = option
  end
  local sliced = {}
  for i, option in ipairs(with_epochs) do sliced[i] = { option[1], "as of fit" } end
  local without = { { "epochs", "passes after which it ends" },
    { "budget", "a turn is as many steps as that many seconds have time for, one at least, and gives what the last one "
      .. "gives; 0: a turn is a step" }, table.unpack(steps) }
  local data = { "X", "latent.Matrix|table", "N x D rows" }
  local views = ("matrices by name, such as %s (inputs x outputs) and its .bias; views"):format(parameter)
  return {
    {
      name = class .. ":fit",
      summary = "Trains by epochs: every row once in each, in random order, a batch a step.",
      args = { data, { "options", "table?", "see options" } },
      options = with_epochs,
      returns = { { "latent." .. class, "the model itself" } },
      text = [[
It goes on from where the model stands, so two fits of one epoch are a fit of two, also with a file in between. The
mean loss of each epoch is added to history. An epoch that is cut short keeps its steps, but doesn't count.

Rows, labels and validation are checked before the first step, so that a message names the row of X.

With patience the parameters at the end, however the fit ends, are those after the epoch with the least validation loss
of this fit (the optimizer's moments stay the last ones), and a checkpoint has them too. With keep = "best" they are so
without patience, and the checkpoint is the model as it was then, moments and all, whatever ends the program.]],
      example = example "MODEL:fit(X, { epochs = 2, batch = 2 })",
    },
    {
      name = class .. ":fit_for",
      summary = "Works on a fit for a while, and goes on with it when it is called again.",
      args = { data, { "seconds", "number", "how long; a step at least" },
        { "options", "table?", "see options; those of the fit's first call count" } },
      options = sliced,
      returns = { { "boolean", "whether the fit is done: the model is then as fit leaves it, to the bit" } },
      text = [[
A slice ends between two steps: it is longer than asked for by a step at most, and a smaller batch makes shorter ones.
The checks of the data, and what validation has at an epoch's end, aren't cut. See fitting, "Slices of time".]],
      example = example "while not MODEL:fit_for(X, 0.002, { epochs = 2, batch = 2 }) do end",
    },
    {
      name = class .. ":steps",
      summary = "An iterator over steps, epoch after epoch; leaving the loop keeps the model as it stands.",
      args = { data, { "options", "table?", "see options" } },
      options = without,
      returns = { { "function", "gives the number of the step, and " .. about.gives } },
      example = example "for i, loss in MODEL:steps(X) do if i == 3 then break end end",
    },
    {
      name = class .. ":parameters",
      summary = "The nets' parameters by name.",
      args = {},
      returns = { { "table", views .. ", so writing to them changes the model" } },
      example = example(('return MODEL:parameters()["%s"]'):format(parameter)),
    },
    {
      name = class .. ":gradients",
      summary = "The gradients that the last step or loss has left, by name.",
      args = {},
      returns = { { "table", views } },
      example = example(('return MODEL:gradients()["%s"]'):format(parameter)),
    },
    {
      name = class .. ":free_parameters",
      summary = "How many numbers the nets have.",
      args = {},
      returns = { { "integer", "the number" } },
      example = example "return MODEL:free_parameters()",
    },
    {
      name = class .. ":save",
      summary = "Saves the model with all that training goes on from, for latent.load.",
      args = { { "path", "string", "of the file; its usual ending is .safetensors" } },
      returns = { { "boolean?", "true; nil when the file can't be written" }, { "string?", "then, the message" } },
      text = [[
Parameters and the optimizer's moments are tensors of their names (latent.nn's checkpoints are the same); options,
record, the steps and the place in the stream of noise are metadata. Training after a load gives the same
bits as without.]],
      example = example "MODEL:save(os.tmpname())",
    },
    {
      name = class .. ":save_string",
      summary = "The bytes of the file that save writes, for latent.load_string.",
      args = {},
      returns = { { "string", "the bytes" } },
      example = example "return #MODEL:save_string()",
    },
  }
end
