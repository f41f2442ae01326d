-- latent.mpi: one script without a launcher, and as ranks of Open MPI and MPICH, where these are there.
local latent = require "latent"
local helper = require "helper"

local fails = helper.fails

describe("latent.mpi without a launcher", function()
  it("is rank 0 of 1", function()
    local model, sum, rank = latent.mpi.run(function(comm)
      assert(comm.size == 1)
      local X = comm:share(latent.random(1):normal(50, 2))
      return latent.gmm():fit(X, { comm = comm }), comm:sum(5), comm.rank
    end)
    assert.are.equal(5, sum)
    assert.are.equal(0, rank)
    assert.is_true(model.means == latent.gmm():fit(latent.random(1):normal(50, 2)).means)
  end)

  it("raises what the function raises, and can run again", function()
    fails("no more", latent.mpi.run, function() error "no more" end)
    assert.are.equal(1, latent.mpi.run(function(comm) return comm.size end))
  end)

  it("says what is wrong", function()
    fails("mpi.run: f must be a function of a comm, got nothing", latent.mpi.run)
    fails("mpi.run: a job is under way, and has its comm already", latent.mpi.run, function()
      latent.mpi.run(function() end)
    end)
    local kept
    latent.mpi.run(function(comm) kept = comm end)
    fails("comm:sum: the job of this comm has ended", function() kept:sum(1) end)
    local output, ok = helper.lua([[
      package.preload.latent_mpi = function() error "it is broken" end
      require("latent").mpi.run(print)]], "OMPI_COMM_WORLD_SIZE=4")
    assert.is_falsy(ok)
    assert.is_truthy(output:find("several ranks, but the module latent_mpi can't be loaded", 1, true), output)
  end)
end)

local SCRIPT = [[
local latent = require "latent"
local X = latent.random(1):normal(3 * 16384 + 77, 3)
for i = 1, X.rows do X[i][1 + i % 3] = X[i][1 + i % 3] + 5 end
local bytes, size = latent.mpi.run(function(comm)
  local model = latent.gmm{ components = 3, max_iterations = 3 }:fit(comm:share(X), { comm = comm })
  local all = comm:gather(model:save_string())
  for i = 2, #all do assert(all[i] == all[1]) end
  assert(comm:sum(comm.rank) == comm.size * (comm.size - 1) / 2)
  assert(comm:broadcast(comm.rank == 0 and ("x"):rep(3e6) or nil) == ("x"):rep(3e6))
  return comm.rank == 0 and all[1], comm.size
end)
if bytes then print(size, (bytes:gsub(".", function(c) return ("%02x"):format(c:byte()) end))) end
]]

local ENGINES = {
  { name = "Open MPI", cc = "mpicc.openmpi", run = "env OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 "
    .. "mpirun.openmpi --oversubscribe --mca mpi_yield_when_idle 1" },
  { name = "MPICH", cc = "mpicc.mpich", run = "mpirun.mpich" },
}

for _, engine in ipairs(ENGINES) do
  describe("latent.mpi with " .. engine.name, function()
    local build, there = os.getenv "LATENT_BUILD" or "build", nil
    local folder, script

    lazy_setup(function()
      there = select(2, helper.run("command -v " .. engine.cc))
      if not there then return end
      folder = ("%s/spec/%s"):format(build, engine.cc)
      local output, ok = helper.run(("mkdir -p %s && %s -std=c11 -D_GNU_SOURCE -O1 -fPIC -shared -Icore "
        .. "-isystem /usr/include/lua5.4 -o %s/latent_mpi.so bindings/mpi/latent_mpi.c")
        :format(folder, engine.cc, folder))
      assert.is_truthy(ok, output)
      script = os.tmpname()
      local file = assert(io.open(script, "w"))
      file:write(SCRIPT)
      file:close()
    end)
    lazy_teardown(function() if script then os.remove(script) end end)

    local function run(n, path)
      return helper.run(('LUA_CPATH="%s/?.so;$LUA_CPATH" timeout -k 5 60 %s -n %d %s %s'):format(folder,
        engine.run, n, helper.interpreter, path))
    end

    it("gives the same bits for any number of ranks", function()
      if not there then return pending(engine.cc .. " isn't there") end
      local reference
      for _, n in ipairs { 1, 2, 3 } do
        local output, ok = run(n, script)
        assert.is_truthy(ok, output)
        local size, bytes = output:match "^(%d+)%s(.*)$"
        assert.are.equal(n, tonumber(size))
        reference = reference or bytes
        assert.is_true(bytes == reference)
      end
    end)

    it("ends the job of all when one rank raises", function()
      if not there then return pending(engine.cc .. " isn't there") end
      local path = os.tmpname()
      local file = assert(io.open(path, "w"))
      file:write [[
        require "latent".mpi.run(function(comm)
          if comm.rank == 1 then error "one has failed" end
          comm:barrier()
        end)]]
      file:close()
      local output, ok = run(3, path)
      os.remove(path)
      assert.is_falsy(ok)
      assert.is_truthy(output:find "rank 1: .*one has failed.*stack traceback", output)
    end)

    it("gives up at the deadline", function()
      if not there then return pending(engine.cc .. " isn't there") end
      local path = os.tmpname()
      local file = assert(io.open(path, "w"))
      file:write [[
        require "latent".mpi.run(function(comm)
          if comm.rank == 1 then os.execute "sleep 20" end
          comm:barrier()
        end, { deadline = 0.5 })]]
      file:close()
      local began = os.time()
      local output, ok = run(2, path)
      os.remove(path)
      assert.is_falsy(ok)
      assert.is_truthy(output:find("comm:barrier: the ranks didn't answer within 0.5 seconds", 1, true), output)
      assert.is_true(os.time() - began < 15)
    end)
  end)
end
