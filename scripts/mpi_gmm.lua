-- One mixture of Gaussians, fitted by one process or by many: the same digits, to the last.
--
--   lua5.4 scripts/mpi_gmm.lua [--help]
--   mpirun -n 4 lua5.4 scripts/mpi_gmm.lua
--
-- Each process makes its own part of the rows, as a generator of random numbers can begin anywhere, and adds up the
-- statistics of these; sums of sums are all that goes from one to another. As they are added in one fixed tree, the
-- log-likelihood has the same bits for any number of processes and threads. By mpirun the processes may be on many
-- machines (latent.help "mpi"); without it the script is one process, or, with --processes, forks others.

local options, save, printf = dofile((arg[0]:match "^.*/" or "") .. "experiment.lua") {
  seed = 1,
  { "rows", 1000000, "rows in all", short = 100000 },
  { "components", 5, "of the mixture that is fitted" },
  { "iterations", 30, "of EM", short = 10 },
  { "processes", 1, "on this machine, where no launcher has started several" },
}

local latent = require "latent"
local matrix = latent.matrix

-- ---- a part of the data: five clusters in the plane ----------------------------------------------

local CENTERS = matrix { { -4, -2 }, { -2, 3 }, { 0, 0 }, { 3, 2.5 }, { 4, -3 } }

-- Rows first, ..., last; row i is made of the numbers 2 i - 1 and 2 i of one stream, and its cluster of another.
local function rows(first, last)
  local n = last - first + 1
  local noise = latent.random(options.seed):jump(2 * (first - 1)):normal(n, 2)
  local which = latent.random(options.seed):stream(1):jump(first - 1):uniform(n, { low = 1, high = 6 })
  return noise + CENTERS:rows_at(which:map(math.floor))
end

-- ---- the fit, on every rank --------------------------------------------------------------------

local function fit(comm)
  local first, last = comm:share(options.rows, 2)
  local X = first <= last and rows(first, last) or function() end
  local began, model = os.time(), latent.gmm { components = options.components, seed = options.seed,
    max_iterations = options.iterations, tolerance = 0 }
  local cpu = os.clock()
  model:fit(X, { comm = comm })
  cpu = comm:sum(os.clock() - cpu)
  local parts = comm:gather(math.max(0, last - first + 1))
  if comm.rank > 0 then return end
  printf("ranks             %d, with %s rows", comm.size, table.concat(parts, ", "))
  printf("iterations        %d, %.1f ms of processors' time each", model.iterations, 1000 * cpu / model.iterations)
  printf("log-likelihood    %.17g a row", model.history[#model.history])
  printf("it took           %d s", os.time() - began)
  return model
end

local model
if options.processes > 1 then
  model = latent.fork(options.processes, fit)
else
  model = latent.mpi.run(fit)
end
if not model then return end -- another rank

-- ---- what it has found --------------------------------------------------------------------------

print ""
print "weight     mean"
for k = 1, options.components do
  printf("%.4f   %7.4f %7.4f", model.weights[k], model.means[k][1], model.means[k][2])
end

local figure = latent.plot.figure { title = ("%d rows, of which 2000 are shown"):format(options.rows), equal = true,
  key = false, width = 480 }
local some = rows(1, math.min(2000, options.rows))
figure:points(some:col(1), some:col(2), { classes = model:predict(some), size = 0.4 })
figure:ellipses(model.means, model.covariances, { classes = true })
save("clusters", figure)
