-- latent.progress: bars on the terminal.

local options = {
  { "label", "string", '""', "what stands in front of the bar" },
  { "output", "file*", "io.stderr", "where the bar is drawn; also an object with write and flush" },
  { "width", "integer", "the terminal's", "columns; giving it draws the bar where no terminal is" },
  { "on_update", "function", "none", "called instead of drawing, with a table" },
}

return {
  {
    name = "latent.progress",
    summary = "Counts to n while a bar on the terminal shows how far the loop is; or says who is to know of all that "
      .. "takes long.",
    args = {
      { "n", "integer", "the last number; or true, false or a function, see below" },
      { "options", "table?", "see options" },
    },
    options = options,
    returns = { { "fun(): integer", "for a generic for: 1 to n; or what was wanted before" } },
    overload = "fun(choice: boolean|function): boolean|function",
    text = [[
latent.progress(true) shows a bar on standard error, if that is a terminal, of all that takes longer than half a
second from now on: fits and their starts, passes over data, eigenvalues, files that are read and written, samples,
measures, folds. It goes away when it is at its end. latent.progress(f) tells a function of the same, for programs with
a window of their own, and latent.progress(false) ends it; at the prompt of the command `latent` it is true. The option
progress of fits, latent.read, eigen.largest, cross_validate and gmm_select says it of one call; a bar that a fit or a
loop is asked for so is there from its beginning, and stays. What takes long within a loop over latent.progress(n), or
with a bar of its own, moves that one bar. Of the processes of latent.fork the first one shows it.

The bar of a loop is drawn on standard error, only when that is a terminal, and at most once for each step that
can be seen. Leaving the loop early, also by an error, ends its line. From the second second on it says the time that is
left and the steps in a second.

A program with a window of its own gives on_update a function, as it does to the option progress of a fit. It is called
ten times a second at most, and at the end, with a table of

  label        what is being done: the model's name, or the function as it was called, "read" or "pca:transform"
  done, total  steps; of fits iterations, of nets rows in all epochs; of other calls rows or bytes, as unit says, or 1
  within       the share of the next step that is done: of an iteration over many rows, say
  share        of all of it, from 0 to 1; this and done, within, total are nil where nobody knows how many there will be
  seconds      so far; left: how many there will be at this rate, and rate: steps a second; nil while nobody can tell
  objective    the last one, or nil; text: what a bar says behind its percents

What the function raises ends what it is told of, which raises that; a fit keeps its last whole iteration. It can't
yield. While it runs nobody is told of anything. In the middle of a fit, of nets, or of a loop it may do what it likes,
also fit another model, or the same. Of other calls it is told from within: what computes raises then, as nothing may
change under their hands. Numbers, small matrices and the collector are there, and windows; finalizers wait, unless it
collects itself. Being told changes no bit of any result.]],
    example = "for i in latent.progress(1000, { label = 'samples' }) do local _ = i * i end",
  },
  {
    name = "progress.bar",
    summary = "A progress bar for a loop of one's own.",
    args = {
      { "total", "integer", "the number of steps" },
      { "options", "table?", "see options" },
    },
    options = options,
    returns = { { "latent.Bar", "the bar, at 0" } },
    example = [[
local bar <close> = latent.progress.bar(3, { label = "fit" })
for i = 1, 3 do bar:update(i, ("objective %.3f"):format(1 / i)) end]],
  },
  {
    name = "Bar",
    summary = "A progress bar; a to-be-closed variable ends its line.",
  },
  {
    name = "Bar:update",
    summary = "Moves the bar.",
    args = {
      { "done", "integer", "steps done so far" },
      { "text", "string|number?", "what stands behind the bar; a number is the objective" },
      { "options", "table?", "see options" },
    },
    options = {
      { "objective", "number", "the text, if a number", "for the function on_update" },
      { "within", "number", "0", "the share of the next step that is done" },
    },
    returns = { { "latent.Bar", "the bar" } },
  },
  {
    name = "Bar:done",
    summary = "Ends the bar's line; further updates are ignored.",
    args = {},
    returns = {},
  },
  {
    name = "Bar:__close",
    summary = "Does what done does.",
    args = {},
    returns = {},
  },
}
