-- latent.progress: bars on the terminal.

return {
  {
    name = "latent.progress",
    summary = "Counts to n while a bar on the terminal shows how far the loop is.",
    args = {
      { "n", "integer", "the last number" },
      { "options", "table?", "see options" },
    },
    options = {
      { "label", "string", '""', "what stands in front of the bar" },
      { "output", "file*", "io.stderr", "where the bar is drawn; also an object with write and flush" },
      { "width", "integer", "the terminal's", "columns; giving it draws the bar where no terminal is" },
    },
    returns = { { "fun(): integer", "for a generic for: 1 to n" } },
    text = [[
The bar is drawn on standard error, only when that is a terminal, and at most once for each step that
can be seen. Leaving the loop early, also by an error, ends its line.]],
    example = "for i in latent.progress(1000, { label = 'samples' }) do local _ = i * i end",
  },
  {
    name = "progress.bar",
    summary = "A progress bar for a loop of one's own.",
    args = {
      { "total", "integer", "the number of steps" },
      { "options", "table?", "see options" },
    },
    options = {
      { "label", "string", '""', "what stands in front of the bar" },
      { "output", "file*", "io.stderr", "where the bar is drawn; also an object with write and flush" },
      { "width", "integer", "the terminal's", "columns; giving it draws the bar where no terminal is" },
    },
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
      { "text", "string?", "what stands behind the bar, an objective for instance" },
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
