-- The module itself: what is called latent.NAME and belongs to no module of it.

return {
  {
    name = "latent",
    summary = "Latent variable models, on matrices and eigensolvers in C.",
    text = [[
Require it into a local; no global is set:

  local latent = require "latent"

Rows of data are observations, indices begin at 1 and ranges include both ends, negative indices count
from the end. Positional data comes first, then one table of options; an unknown option raises an error
that names the nearest known one. Misuse raises; a file that can't be read gives nil and a message.]],
  },
  {
    name = "latent.help",
    summary = "Prints the page about a function, a module, a value, a name or a topic.",
    args = {
      { "x", "any?", "a function or module of latent, a matrix or model, or a name; without it all, by family" },
    },
    returns = {},
    text = [[
A name may be whole ("Matrix:exp") or a last part ("exp"); an option or property of a model ("gmm.covariance") or of a
method ("gmm.fit.labels"); an option by itself ("restarts": which models have it) or a word that one may be ("varimax");
or a word of the field or of another library ("t-SNE", "train_test_split"): what there is here. For an unknown one the
nearest are named.]],
    example = 'latent.help "matrix.zeros"',
  },
  {
    name = "help.text",
    summary = "The page that latent.help would print.",
    args = { { "x", "any?", "as for latent.help" } },
    returns = { { "string", "lines of at most 80 columns" } },
    example = 'assert(latent.help.text(latent.help):find "Prints the page")',
  },
  {
    name = "help.resolve",
    summary = "The value that a documented name stands for.",
    args = { { "name", "string", 'such as "matrix.zeros" or "Matrix:exp"' } },
    returns = { { "any", "a function, module or class; nil for a property, a topic and an unknown name" } },
    example = 'assert(latent.help.resolve "latent.help" == latent.help)',
  },
  {
    name = "help.entry",
    summary = "What the documentation has about a name or a value, as a table.",
    args = { { "x", "any", "a whole name, or as for latent.help" } },
    returns = { { "table?", "its name, summary, args, options, returns, text and example; nil when there is none" } },
    example = 'assert(latent.help.entry(latent.pca).name == "latent.pca")',
  },
  {
    name = "latent.terminal",
    summary = "The width of a terminal.",
    args = { { "file", "file*?", "an open file; io.stderr when left out" } },
    returns = { { "integer?", "columns (80 when the terminal doesn't know), or nil when the file is no terminal" } },
    example = "local width = latent.terminal(io.stdout) or 80",
  },
  {
    name = "latent.clock",
    summary = "Seconds of a clock that never goes back, to time things with.",
    args = {},
    returns = { { "number", "seconds since some moment; a difference of two is elapsed time" } },
    text = "os.clock counts the processor time of all threads, which is another thing.",
    example = "local t = latent.clock(); local seconds = latent.clock() - t",
  },
  {
    name = "latent.threads",
    summary = "How many threads work, for the whole process; sets it when given.",
    args = { { "n", "integer?", "the number from now on, 1 to 256" } },
    returns = { { "integer", "the number" } },
    text = [[
At first it is the environment's LATENT_NUM_THREADS, else the processors that the process may use. Results are
the same bits for every number. With OpenBLAS's serial build, which isn't safe from several threads, it stays 1.
While latent works BLAS has one thread, and all of these for a few large factorizations; after each call the host's
number is what it was.]],
    example = "latent.threads(latent.threads())",
  },
  {
    name = "latent.blas",
    summary = "Which BLAS does the linear algebra.",
    args = {},
    returns = { { "string", '"OpenBLAS", "OpenBLAS (serial)", "OpenBLAS (OpenMP)", "BLIS", or "BLAS": any other' } },
    text = [[
Of OpenBLAS it is the build that the loader found: they have one name, and LD_LIBRARY_PATH or the system's
alternatives choose. latent.help "host_programs" says what becomes of each.]],
    example = "print(latent.blas(), latent.threads())",
  },
  {
    name = "latent.sandbox",
    summary = "Withholds all that touches files or processes, in this Lua state and from now on.",
    args = {},
    returns = { { "any", "the module" } },
    text = [[
For hosts that run code of others: read, write, open, load, models' and stores' save and load, checkpoints, export, data
sets (which are files), whatever runs gnuplot, and setting the number of threads raise
"latent.read: withheld by the sandbox", also by functions that were fetched before. load_string and save_string stay,
as do matrices and files that are open already, help, and a bar of progress on standard error. The parts in Lua are
loaded at once; what isn't installed then is withheld, too.

It is kept where Lua doesn't reach, and can't be undone; a second call does nothing. A host in C sets it before the
module is opened: the registry's field "latent.sandbox" := true. What the host's own libraries offer (io, os, require,
debug) is the host's to withhold: by an environment of its own for the code, load(code, name, "t", { latent = latent }),
or by taking them out of the globals. Latent's parts keep Lua's libraries as they were when the module was opened, and
only print is what the globals have; the methods of strings are what all code shares. Time and memory are the host's to
limit, too: by an allocator, and by a hook, which ends calls into latent.]],
  },
  {
    name = "latent.describe",
    summary = "What a model is, from the core's own tables: options, methods, bounds.",
    args = { { "name", "string", 'a kind of model, such as "gmm"' } },
    returns = { { "table?", "nil when there is no description of that name" } },
    text = [[
{ name=, missing= (it knows missing entries), options=, parameters=, methods= }. An option is { name=, type=, default= }
(texts), and least= and most=, or choices=, a list of words. A parameter (of a model with the default options; nets have
none) is { name=, shape= }, a list of sizes: {} is a number, { "K", "D" } a matrix. A method is { name=, takes=, gives=,
options= }: takes is "rows", "data", "latent", "count", "model", "nothing" or "other"; gives a list of { shape=,
size= }, where a shape of "rows" has as many numbers a row as the model has columns ("D"), components ("K") or latent
dimensions ("M").]],
    example = 'assert(latent.describe("gmm").options[1].name == "components")',
  },
  {
    name = "latent.version",
    summary = "The version as a string, such as \"0.1.0\".",
    returns = { { "string", "the version" } },
  },
  {
    name = "conventions",
    topic = true,
    summary = "What holds everywhere: 1/N, descending order, signs, units.",
    text = [[
Covariances and variances of models divide by N, as maximum likelihood does; other tools divide by N - 1.
Eigenvalues and singular values descend. The sign of an eigenvector is fixed: its entry of largest magnitude
is positive. Log-likelihoods are in nats. Results are the same bits for every number of threads.]],
  },
  {
    name = "rows",
    topic = true,
    summary = "What a vector means where a model takes rows, and what it gives then.",
    text = [[
A fitted model takes N rows of D numbers, an N x D matrix. A vector has one meaning in all of its methods:

  D > 1   one row, of D numbers. Where a matrix gives a row for each of its rows (transform, responsibilities,
          reconstruct, impute, posterior means), a vector gives a vector; where a matrix gives a vector with one number
          for each (predict, log_likelihood, both results of elbo), it gives a number.
  D = 1   the one column, a row for each element, also when it has a single element.

Data that a model is fitted to is a matrix; a vector is one column, as everywhere else (values of nets, too). Rows that
partial_fit adds to a model may be a vector of D numbers, one row. Sequences are rows, one a step, and one row is a
sequence of one step.]],
  },
  {
    name = "notebooks",
    topic = true,
    summary = "How a value is shown in a notebook, and how one of your own can be.",
    text = [[
`make kernel` installs a Jupyter kernel for Lua 5.4. A cell that ends in an expression shows its value: figures as
pictures, matrices and models as tables, other values as print would. A value whose metatable has the function __mime is
shown by what it gives, a table of texts by their MIME types:

  setmetatable(x, { __mime = function(self) return { ["text/html"] = "<b>x</b>" } end })

"text/plain" is tostring's when it isn't given; "image/png" is the file's bytes. A semicolon at the end of a cell shows
nothing. What cells declare local at their top level is known in later ones, x? is latent.help(x), and an interrupt ends
the cell and keeps everything. Cells have the table `notebook`:

  local shown = notebook.display(x)     shows x at once
  shown:update(y)                       y in its place
  notebook.clear()                      clears what the cell has shown
  model:fit(X, { on_epoch = notebook.curve { title = "Loss" } })

The last is a curve that grows with the calls of on_epoch or on_iteration; its options are a figure's, seconds (between
two drawings, 0.5) and names (of the lines).]],
  },
  {
    name = "out",
    topic = true,
    summary = "The option of functions that fill: where the result goes.",
    text = [[
out is a matrix with the result's dtype and with the same elements in the same places: as many rows and columns, where
a vector of n and an n x 1 matrix are the same, both ways. The function gives out itself. It may be a view of any kind
(a column, a block, a transpose), and share memory with what the function reads: the result is the same, by way of a
copy where it must be. A mapped file can't be written.]],
  },
}
