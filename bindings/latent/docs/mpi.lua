-- latent.mpi: a job of several ranks on one or many machines.

return {
  {
    name = "mpi",
    summary = "One script as several ranks, on one or many machines, by MPI.",
    text = [[
  -- fit.lua
  local latent = require "latent"
  latent.mpi.run(function(comm)
    local X = assert(latent.open("rows.npy", { rows = comm }))
    local model = latent.gmm{ components = 16, seed = 1 }:fit(X, { comm = comm })
    if comm.rank == 0 then model:save "gmm.safetensors" end
  end)

  lua5.4 fit.lua                                   one process: rank 0 of 1, without MPI
  mpirun -n 4 lua5.4 fit.lua                       four on this machine
  mpirun -n 8 --host a:2,b:2,c:2,d:2 -x LUA_PATH -x LUA_CPATH lua5.4 fit.lua
                                                   two on each of four hosts (Open MPI)
  mpiexec -n 8 -hosts a,b,c,d lua5.4 fit.lua       the same by MPICH
  srun -n 8 --mpi=pmix lua5.4 fit.lua              within a job of Slurm

The model is the same bits each time (see ranks, also for what a rank is given and what fits do). One rank a host with
all its threads sends the least; LATENT_NUM_THREADS sets how many a rank has, which otherwise are the processors that
the launcher binds it to. Processors of different kinds may round differently.

MPI is the system's: `make mpi` builds the module latent_mpi with mpicc (Debian: libopenmpi-dev and openmpi-bin, or
mpich; make mpi MPICC=mpicc.mpich). Open MPI and MPICH aren't the same at run time: launch by the one it was built
with. Open MPI needs --oversubscribe for more ranks than processors, and then --mca mpi_yield_when_idle 1.

When a rank is lost, or doesn't answer within the deadline, the others raise, and the job ends. scripts/mpi_gmm.lua is a
script for one process or many, whose data each rank makes for itself.]],
    example = "local sum = latent.mpi.run(function(comm) return comm:sum(1) end)",
  },
  {
    name = "mpi.run",
    summary = "Runs a function as the ranks of the job that this process belongs to.",
    args = {
      { "f", "function", "called with the job's latent.Comm" },
      { "options", "table?", "see options" },
    },
    options = {
      { "deadline", "number", "600", "seconds that a rank waits for the others before it gives up; 0: any time" },
    },
    returns = { { "any", "what f returns, on each rank" } },
    text = [[
In a process that no launcher has started there is one rank, MPI isn't needed, and an error in f is raised as it is.
Of several ranks the one whose f raises writes the error with its traceback, and ends the job of all. MPI is
initialized (MPI_THREAD_FUNNELED) unless the host has done that, and finalized once all ranks have come to the end of
f, after which a process can't begin again. Ctrl-C is heard while a rank waits, which takes no processor's time.]],
    example = [[
latent.mpi.run(function(comm)
  local X = comm:share(matrix.ones(100, 3))
  latent.scaler():fit(X, { comm = comm })
end)]],
  },
}
