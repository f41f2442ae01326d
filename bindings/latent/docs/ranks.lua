-- latent.fork and the class Comm: one fit by several processes.

local value = { "A", "any", "a number, a string, a boolean, nil or a matrix" }

return {
  {
    name = "ranks",
    topic = true,
    summary = "One fit by several processes, each of which has a part of the rows.",
    text = [[
A job is one script that runs as several processes, its ranks, number 0 to size - 1. What they tell each other goes
through a latent.Comm:

  local model = latent.fork(4, function(comm)
    local X = comm:share(assert(latent.open "rows.npy"))
    return latent.gmm{ components = 16, seed = 1 }:fit(X, { comm = comm })
  end)

forks three further processes on this machine, and gives what the function returns in rank 0. latent.mpi does the same
for processes on many machines.

fit(X, { comm = comm }) is one fit of the rows of all ranks: each adds up the statistics of its own, they exchange
sums, and each does the same M-step, so that afterwards every rank has the same model, to the bit. kmeans, gmm,
mixture (of named families), mppca, ppca, bpca, fa, pca, ica and scaler know it; so does lds, of whose sequences each
rank has some, at least one, and which gives the same bits whichever rank has which, in order. X is a rank's rows: a
matrix, a file, or a function that gives chunks, which is asked for one more pass to count its rows; a rank without rows
gives a function that gives nothing. weights, missing entries, restarts and on_iteration are as for one process:
weights and labels are those of the rank's rows, as are the labels of kmeans, while objectives, history and everything
else are of all.
A fit by several ranks starts as one of rows in pieces does (see fitting): of a sample of up to 32 MB, spread
evenly over all rows. All ranks give the same options, but for the callbacks; where they differ, the message says in
what. A fit is over for all ranks when on_iteration of any says so, or the max_seconds of any are over.

The same bits, whatever the number of ranks and of threads, come of parts that begin at the borders of the groups in
which rows are added: comm:share and latent.open(path, { rows = comm }) give such parts. Small data may leave ranks
without rows, as groups have 1024 rows at least, and 16384 with four columns. Other parts differ in the last bits.

What goes wrong on one rank goes wrong on all: each raises the same message, which names the rank. A rank that is gone
is an error on the others, too, and ends the job. Not for several ranks: latent.em, nets, kmeans by
mini-batches, mixtures of families of your own, pca and ica of more than 4096 columns, solver = "gram" and "randomized",
steps, fit_for and partial_fit.]],
  },
  {
    name = "latent.fork",
    summary = "Runs a function in several processes of this machine at once.",
    args = {
      { "n", "integer", "how many, this one included" },
      { "f", "function", "called in each with its latent.Comm" },
      { "options", "table?", "see options" },
    },
    options = {
      { "deadline", "number", "0", "seconds that a rank waits for the others before it gives up; 0: any time" },
    },
    returns = { { "any", "what f returns in rank 0, which is this process" } },
    text = [[
The others are forked: they have all that was there before, without a copy in memory until somebody writes to it, and
end where f returns; what they print comes out, what they change is lost. Each has its part of the threads
(latent.threads). An error in f of any rank ends the job: it is raised here, with the number of the rank, and the other
processes end. Other threads of a host aren't there in the others. See ranks.]],
    example = [[
local sum = latent.fork(2, function(comm) return comm:sum(comm.rank + 1) end)
assert(sum == 3)]],
  },
  {
    name = "Comm",
    summary = "The ranks of a job, and what they tell each other.",
    text = [[
Methods but share are collectives: each rank calls them, in the same order; they return once all have. When ranks are
at different ones, all raise. Once its job has ended, a comm raises; that of latent.fork(1, f) never does, being
alone. See ranks.]],
    example = "latent.fork(2, function(comm) assert(comm.size == 2) end)",
  },
  { name = "Comm.rank", summary = "The number of this rank, from 0, an integer." },
  { name = "Comm.size", summary = "How many ranks there are, an integer." },
  {
    name = "Comm:sum",
    summary = "The sum over the ranks, on each of them.",
    args = { { "A", "number|latent.Matrix", "of the same shape on every rank" } },
    returns = { { "number|latent.Matrix", "the sum" } },
    text = "The same bits on all ranks; sums of other numbers of ranks may differ in the last ones.",
    example = "local total = latent.fork(3, function(comm) return comm:sum(matrix.ones(2, 2)) end)",
  },
  {
    name = "Comm:mean",
    summary = "The mean over the ranks, on each of them.",
    args = { { "A", "number|latent.Matrix", "of the same shape on every rank" } },
    returns = { { "number|latent.Matrix", "the sum, divided by the number of ranks" } },
    example = "local mean = latent.fork(3, function(comm) return comm:mean(comm.rank) end)",
  },
  {
    name = "Comm:broadcast",
    summary = "What one rank has, on all of them.",
    args = { value, { "options", "table?", "see options" } },
    options = { { "root", "integer", "0", "the rank whose A it is; the others' doesn't matter" } },
    returns = { { "any", "that A" } },
    example = [[
local all = latent.fork(2, function(comm)
  local seed = comm:broadcast(comm.rank == 0 and os.time() or nil)
  return comm:gather(seed)
end)
assert(all[1] == all[2])]],
  },
  {
    name = "Comm:gather",
    summary = "What every rank has, on all of them.",
    args = { value },
    returns = { { "table", "a list: what rank 0 gave is its first" } },
    text = "Matrices may have other shapes on each rank; matrix.vstack joins them.",
    example = "local list = latent.fork(2, function(comm) return comm:gather(comm.rank * 10) end)",
  },
  {
    name = "Comm:barrier",
    summary = "Returns once every rank has called it.",
    args = {},
    returns = {},
    example = "latent.fork(2, function(comm) comm:barrier() end)",
  },
  {
    name = "Comm:share",
    summary = "This rank's part of rows that all ranks have, or know of.",
    args = {
      { "N", "integer|latent.Matrix", "how many rows there are; or a matrix, or what goes with its rows" },
      { "D", "integer?", "the columns of the data, which decide where parts may begin; of a matrix: its own" },
    },
    returns = {
      { "any", "of a matrix: a view of the rows, or, without any, a function that gives nothing, for fit; of a number: "
        .. "the first row" },
      { "integer?", "the last row, one less than the first where there are none" },
    },
    text = "No collective. Parts are as equal as may be that begin where fits have the same bits: see ranks.",
    example = [[
latent.fork(2, function(comm)
  local first, last = comm:share(1e6, 16)
  local Y = matrix.zeros(100, 3)
  local part, weights = comm:share(Y), comm:share(matrix.ones(100, 1), 3)
end)]],
  },
  { name = "Comm:__tostring", summary = "The rank and the number of ranks.", args = {}, returns = {
    { "string", '"latent.Comm (rank 0 of 4)"' } } },
}
