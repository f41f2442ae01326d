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
    summary = "Counts to n while a bar on the terminal shows how far the loop is.",
    args = {
      { "n", "integer", "the last number" },
      { "options", "table?", "see options" },
    },
    options = options,
    returns = { { "fun(): integer", "for a generic for: 1 to n" } },
    text = [[
The bar is drawn on standard error, only when that is a terminal, and at most once for each step that
can be seen. Leaving the loop early, also by an error, ends its line. From the second second on it says the time that is
left and the steps in a second.

A program with a window of its own gives on_update a function, as it does to the option progress of a fit. It is called
ten times a second at most, and at the end, with a table of

  label        what is being done: the model's name
  done, total  steps; of fits iterations, of nets rows in all epochs
  within       the share of the next iteration, of EM over many rows, that is done
  share        of all of it, from 0 to 1
  seconds      so far; left: how many there will be at this rate, and rate: steps a second; nil while nobody can tell
  objective    the last one, or nil; text: what a bar says behind its percents]],
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
