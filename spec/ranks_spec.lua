-- Several ranks: what they tell each other, sums and fits over their rows (spec/embed/ranks.c, with threads as ranks),
-- and latent.fork. What is right is the same fit by one rank, bit by bit.
local latent = require "latent"
local helper = require "helper"
local matrix = latent.matrix

local fails = helper.fails

describe("ranks in the core", function()
  local program
  lazy_setup(function() program = helper.program "ranks" end)

  local function facts(part)
    local output, ok = helper.run(("%s %s"):format(program, part))
    assert.is_truthy(ok, output)
    return output
  end

  it("add up, broadcast and gather any number of bytes", function()
    assert.is_truthy(facts("talk"):find("1 ranks 1\n2 ranks 1\n3 ranks 1\n5 ranks 1\n8 ranks 1\n", 1, true))
  end)

  it("fail alike: at different calls, by one's failure, when one leaves or doesn't answer", function()
    local function all(message) return ("[%s]"):format(message):rep(3, " ") end
    local output = facts "talk"
    for _, line in ipairs {
      "differ: " .. all "rank 1 is at a question, rank 0 at a sum",
      "lengths: " .. all "rank 1 has 2 numbers, rank 0 has 3",
      "fails: " .. all "rank 2: it has 3 legs",
      "leaves: [rank 1 is gone: its function has returned] [ok] [rank 1 is gone: its function has returned]",
      "waits: [the ranks didn't answer within 0.05 seconds] [ok] [the ranks didn't answer within 0.05 seconds]",
    } do assert.is_truthy(output:find(line, 1, true), output) end
  end)

  it("add up rows in the tree of one process, wherever at borders of groups their parts begin", function()
    assert.equal("alike 1 same 1 near 1\n", facts "aligned")
    assert.equal("alike 1 same 0 near 1\n", facts "any")
  end)

  it("fit alike, for every number of them and of threads; differing options, time and NaN are all ranks'", function()
    local options = '[options differ: rank 1 has {"components":4}, rank 0 has {"components":3}]'
    local rank = "[rank 2: X has NaN at row 16457, column 2]"
    local lines = "1 ranks 1\n2 ranks 1\n3 ranks 1\n5 ranks 1\n8 ranks 1\n"
    assert.equal(lines .. lines .. "options: " .. options:rep(3, " ") .. "\nlate 1 some iterations 1\nNaN: "
      .. rank:rep(3, " ") .. "\n", facts "fits")
  end)

  it("never hang when one is lost, at whichever of its collectives", function()
    assert.equal("good 1 at many 1 then whole 1\n", facts "lose")
  end)
end)

-- A model of rows that several ranks share, and the bytes of its file.
local function fitted(p, make, data, options)
  return latent.fork(p, function(comm)
    local all = { comm = comm }
    for name, v in pairs(options or {}) do all[name] = matrix.is(v) and comm:share(v, data.cols) or v end
    return make():fit(comm:share(data), all)
  end)
end

local function bytes(model) return model:save_string() end

describe("latent.fork", function()
  -- 6 groups of 16384 rows, of which the last is short
  local X = latent.random(1):normal(5 * 16384 + 77, 3)
  for i = 1, X.rows do X[i][1 + i % 3] = X[i][1 + i % 3] + 5 end
  local counts = X:clamp(0, 9):map(math.floor)
  local weights = latent.random(2):uniform(X.rows)
  local gaps = X:copy()
  for i = 1, X.rows, 7 do gaps[i][1 + i % 3] = 0 / 0 end

  local models = {
    { "gmm", function() return latent.gmm { components = 3, max_iterations = 4, restarts = 2 } end, X },
    { "gmm with weights", function() return latent.gmm { components = 2, max_iterations = 3 } end, X,
      { weights = weights } },
    { "gmm with gaps", function() return latent.gmm { components = 2, max_iterations = 3, covariance = "diag" } end,
      gaps, { missing = true } },
    { "kmeans", function() return latent.kmeans { clusters = 3, max_iterations = 4, restarts = 2 } end, X },
    { "mixture", function() return latent.mixture { components = 2, family = "poisson", max_iterations = 4 } end,
      counts },
    { "gmm with labels", function() return latent.gmm { components = 3, max_iterations = 3 } end, X,
      { labels = matrix(X.rows, 1, function(i) return i % 7 > 2 and 0 or 1 + i % 3 end):flatten() } },
    { "mixture with labels", function()
      return latent.mixture { components = 3, family = "poisson", max_iterations = 3 }
    end, counts, { labels = matrix(X.rows, 1, function(i) return i % 7 > 2 and 0 or 1 + i % 3 end):flatten() } },
    { "mppca", function() return latent.mppca { components = 2, latent_dim = 1, max_iterations = 3 } end, X },
    { "ppca", function() return latent.ppca { latent_dim = 1 } end, X, { weights = weights } },
    { "ppca with gaps", function() return latent.ppca { latent_dim = 1, max_iterations = 3 } end, gaps,
      { missing = true } },
    { "bpca", function() return latent.bpca { max_iterations = 5 } end, X },
    { "fa", function() return latent.fa { latent_dim = 1 } end, X },
    { "pca", function() return latent.pca { latent_dim = 2 } end, X, { weights = weights } },
    { "ica", function() return latent.ica { max_iterations = 5 } end, X, { weights = weights } },
    { "scaler", latent.scaler, gaps, { missing = true } },
  }
  for _, case in ipairs(models) do
    it("fits " .. case[1] .. " to the same bits by any number of processes", function()
      local reference
      for _, p in ipairs { 1, 2, 3, 5, 8 } do
        local model = fitted(p, case[2], case[3], case[4])
        local file = bytes(model)
        reference = reference or file
        assert.is_true(file == reference, ("%d ranks"):format(p))
      end
    end)
  end

  it("fits as one process does to chunks, to the bit", function()
    local alone = latent.gmm { components = 3, max_iterations = 4 }
    local given = false
    alone:fit(function()
      given = not given
      return given and X or nil
    end)
    local model = fitted(3, function() return latent.gmm { components = 3, max_iterations = 4 } end, X)
    for _, name in ipairs { "weights", "means", "covariances", "history" } do
      assert.are.same(latent.matrix.is(alone[name]) and alone[name]:table() or alone[name],
        latent.matrix.is(model[name]) and model[name]:table() or model[name])
    end
    assert.are.equal(X.rows, latent.fork(2, function(comm)
      local pass, part = 0, comm:share(X)
      local y = latent.scaler():fit(function()
        pass = pass + 1
        return pass % 2 == 1 and part or nil
      end, { comm = comm })
      return y.mean == latent.scaler():fit(X).mean and X.rows
    end))
  end)

  it("fits a linear dynamical system to sequences as one process does, to the bit", function()
    local rng, sequences = latent.random(4), {}
    for i = 1, 9 do
      local Y, z = matrix.zeros(30 + i, 2), 0
      for t = 1, #Y do
        z = 0.9 * z + rng:normal()
        Y[t][1], Y[t][2] = z + 0.3 * rng:normal(), 0.3 * rng:normal() - z
      end
      sequences[i] = Y
    end
    sequences[4][3][1] = 0 / 0
    local function make() return latent.lds { latent_dim = 1, max_iterations = 6, restarts = 2 } end
    local alone = bytes(make():fit(sequences))
    for _, p in ipairs { 1, 2, 3, 5, 8 } do
      local model = latent.fork(p, function(comm)
        local own = {}
        for i = 1, 9 do
          if (i - 1) * p // 9 == comm.rank then own[#own + 1] = sequences[i] end
        end
        return make():fit(own, { comm = comm })
      end)
      assert.is_true(bytes(model) == alone, ("%d ranks"):format(p))
    end
    fails("lds:fit: rank 1: there is no observation", latent.fork, 2, function(comm)
      make():fit(comm.rank == 1 and { sequences[1] * 0 / 0 } or sequences, { comm = comm })
    end)
  end)

  it("near enough with other parts", function()
    local model = latent.fork(3, function(comm)
      local first = comm.rank * 20000 + 1
      local last = comm.rank == 2 and X.rows or first + 19999
      return latent.gmm { components = 3, max_iterations = 4 }:fit(X:block(first, last, 1, 3), { comm = comm })
    end)
    local alone = fitted(1, function() return latent.gmm { components = 3, max_iterations = 4 } end, X)
    assert.is_true((model.means - alone.means):abs():max() < 1e-9)
  end)

  it("gives each rank the labels of its own rows, and ranks without rows the model", function()
    local small = X:block(1, 100, 1, 3)
    local labels, centers = latent.fork(3, function(comm)
      local model = latent.kmeans { clusters = 3 }:fit(comm:share(small), { comm = comm })
      return comm:gather(model.labels), comm:gather(model.centers)
    end)
    local alone = latent.kmeans { clusters = 3 }:fit(small)
    assert.is_true(centers[1] == alone.centers and centers[2] == alone.centers and centers[3] == alone.centers)
    assert.is_true(labels[2] == alone.labels and labels[1] == nil and labels[3] == nil)
  end)

  it("stops for all ranks when one wants to", function()
    local iterations = latent.fork(3, function(comm)
      local model = latent.gmm { components = 2, max_iterations = 50, tolerance = 0 }
      model:fit(comm:share(X), { comm = comm, on_iteration = comm.rank == 1 and function(e)
        return e.iteration < 3
      end or nil })
      return comm:gather(model.iterations)
    end)
    assert.are.same({ 3, 3, 3 }, iterations)
    local ica = latent.fork(2, function(comm)
      local model = latent.ica { tolerance = 1e-300 }
      model:fit(comm:share(X), { comm = comm, on_iteration = comm.rank == 1 and function(e)
        return e.iteration < 2
      end or nil })
      return comm:gather(model.iterations)
    end)
    assert.are.same({ 2, 2 }, ica)
  end)

  it("tells what ranks have", function()
    local sum, mean, list, word = latent.fork(3, function(comm)
      assert(comm.size == 3 and tostring(comm) == ("latent.Comm (rank %d of 3)"):format(comm.rank))
      local all = comm:gather(comm.rank == 1 and matrix { { 1, 2 } } or comm.rank == 2 and "two" or true)
      comm:barrier()
      return comm:sum(matrix { comm.rank, 1 }), comm:mean(comm.rank), all,
        comm:broadcast(comm.rank == 2 and ("x"):rep(3e6) or nil, { root = 2 })
    end)
    assert.is_true(sum == matrix { 3, 3 })
    assert.are.equal(1, mean)
    assert.is_true(list[1] == true and list[2] == matrix { { 1, 2 } } and list[3] == "two")
    assert.are.equal(("x"):rep(3e6), word)
  end)

  it("tells matrices behind strings of any length, which sanitizers look at", function()
    local word, one, two = latent.fork(3, function(comm)
      local list = comm:gather(comm.rank == 0 and "odd" or matrix { comm.rank, 0.5 })
      return list[1], list[2], list[3]
    end)
    assert.is_true(word == "odd" and one == matrix { 1, 0.5 } and two == matrix { 2, 0.5 })
  end)

  it("takes the mean of equal numbers for that number", function()
    local one, vector = latent.fork(49, function(comm) return comm:mean(1), comm:mean(matrix { 1, 3 }) end)
    assert.is_true(one == 1 and vector == matrix { 1, 3 }) -- 49 * (1 / 49) < 1
  end)

  it("gives parts that cover all rows, in order, and begin where groups do", function()
    for _, D in ipairs { 1, 3, 64, 1000 } do
      for _, N in ipairs { 1, 1000, 123457, 10 ^ 7 } do
        for _, p in ipairs { 1, 2, 7 } do
          local parts = latent.fork(p, function(comm)
            local first, last = comm:share(N, D)
            return comm:gather(matrix { first, last })
          end)
          local at = 1
          for _, part in ipairs(parts) do
            assert.are.equal(at, part[1])
            at = part[2] + 1
          end
          assert.are.equal(N + 1, at)
        end
      end
    end
  end)

  it("maps a rank's part of a file", function()
    local path = os.tmpname() .. ".npy"
    latent.write(path, X)
    local model, rows = latent.fork(3, function(comm)
      local part = assert(latent.open(path, { rows = comm }))
      return latent.scaler():fit(part, { comm = comm }), comm:sum(part.rows)
    end)
    os.remove(path)
    assert.are.equal(X.rows, rows)
    assert.is_true(model.mean == latent.scaler():fit(X).mean)
  end)

  it("raises in the caller what a rank raised, and ends the others", function()
    fails("comm:barrier: rank 2 is gone: ", latent.fork, 3, function(comm)
      if comm.rank == 2 then error "no more" end
      comm:barrier()
    end)
    fails("no more", latent.fork, 3, function(comm)
      if comm.rank == 2 then error "no more" end
    end)
    fails("mine", latent.fork, 3, function(comm)
      if comm.rank == 0 then error "mine" end
      comm:barrier()
    end)
    fails("was ended by signal 9", latent.fork, 2, function(comm)
      if comm.rank == 1 then os.execute "kill -9 $PPID" end
      latent.kmeans { clusters = 2 }:fit(comm:share(X), { comm = comm })
    end)
  end)

  it("ends only itself where a rank ends its process, be its state closed or not", function()
    for _, close in ipairs { true, false } do
      local ok, err = pcall(latent.fork, 3, function(comm)
        comm:barrier()
        if comm.rank == 2 then os.exit(7, close) end
        if comm.rank == 1 then os.execute "sleep 0.2" end
      end)
      assert.is_false(ok)
      assert.is_truthy(err:find "^latent.fork: rank 2: process %d+ has ended with status 7$", err)
    end
    local within = latent.fork(2, function(comm)
      local ended = comm.rank == 0 and not pcall(latent.fork, 2, function(inner)
        inner:barrier()
        if inner.rank == 1 then os.exit(7, true) end
      end)
      return comm:gather(ended)
    end)
    assert.are.same({ true, false }, within)
  end)

  it("is of one process: what is forked within it can't speak for its rank", function()
    fails("the comm is that of the process that has forked this one", latent.fork, 2, function(comm)
      latent.fork(2, function(inner)
        if inner.rank == 1 then comm:barrier() end
      end)
      comm:barrier()
    end, { deadline = 20 })
  end)

  it("leaves other ranks their fit where one's progress raises after its end", function()
    for _, make in ipairs { latent.pca, latent.ppca } do
      local whole, sum = latent.fork(2, function(comm)
        local model = make { latent_dim = 1 }
        local function progress(p) if comm.rank == 1 and p.done == p.total then error "late" end end
        local ok = pcall(model.fit, model, comm:share(X), { comm = comm, progress = progress })
        return comm:gather(ok), comm:sum(1)
      end, { deadline = 10 })
      assert.are.same({ true, false }, whole)
      assert.are.equal(2, sum)
    end
  end)

  it("raises the same on all ranks", function()
    local function each(f)
      return latent.fork(3, function(comm)
        local _, message = pcall(f, comm)
        return comm:gather(tostring(message))
      end)
    end
    local function same(message, f)
      local list = each(f)
      for i = 1, 3 do assert.is_truthy(list[i]:find(message, 1, true), list[i]) end
    end
    local bad = X:copy()
    bad[50000][2] = 0 / 0
    same("gmm:fit: rank 1: X has NaN at row 17232, column 2", function(comm)
      latent.gmm():fit(comm:share(bad), { comm = comm })
    end)
    same("scaler:fit: rank 1: X has NaN at row 17232, column 2", function(comm)
      latent.scaler():fit(comm:share(bad), { comm = comm })
    end)
    same('pca:fit: options differ: rank 2 has {"latent_dim":2}, rank 0 has {"latent_dim":1}', function(comm)
      latent.pca { latent_dim = comm.rank == 2 and 2 or 1 }:fit(comm:share(X), { comm = comm })
    end)
    same("options differ: rank 1 has a model of the kind pca, rank 0 has a model of the kind scaler", function(comm)
      latent[comm.rank == 1 and "pca" or "scaler"]():fit(comm:share(X), { comm = comm })
    end)
    same("kmeans:fit: X has 2 columns on rank 1 and 3 on rank 0", function(comm)
      latent.kmeans { clusters = 2 }:fit(comm.rank == 1 and X:block(1, 9, 1, 2) or X, { comm = comm })
    end)
    same("no rank has any rows", function(comm) latent.kmeans { clusters = 2 }:fit(print, { comm = comm }) end)
    same("6 clusters need at least as many rows, got 4", function(comm)
      local rows = comm.rank < 2 and X:block(1, 2, 1, 3) or function() end
      latent.kmeans { clusters = 6 }:fit(rows, { comm = comm })
    end)
    same("need all rows at once", function(comm)
      latent.kmeans { clusters = 2, algorithm = "minibatch" }:fit(comm:share(X), { comm = comm })
    end)
    local list = each(function(comm)
      latent.gmm():fit(comm:share(X), { comm = comm, on_iteration = comm.rank == 1 and function() error "enough" end
        or nil })
    end)
    assert.is_truthy(list[2]:find("enough", 1, true), list[2])
    assert.is_truthy(list[1]:find("rank 1: its call has failed", 1, true), list[1])
    assert.are.equal(list[1], list[3])
  end)

  it("says what is wrong with its arguments", function()
    fails("latent.fork: n must be an integer >= 1, got 0", latent.fork, 0, print)
    fails("latent.fork: n must be at most 1024, got 2000", latent.fork, 2000, print)
    fails("latent.fork: f must be a function of a comm, got nothing", latent.fork, 2)
    fails("latent.fork: deadline", latent.fork, 2, print, { deadline = -1 })
    fails("a number, a string, a boolean or a matrix can be sent, not a table", latent.fork, 1, function(comm)
      comm:gather {}
    end)
    fails("comm:broadcast: root must be", latent.fork, 1, function(comm) comm:broadcast(1, { root = 1 }) end)
    fails("comm must be a latent.Comm, got string", latent.scaler().fit, latent.scaler(), X, { comm = "all" })
    local kept
    latent.fork(2, function(comm) kept = comm end)
    assert.is_truthy(tostring(kept):find("ended", 1, true))
    fails("comm:sum: the job of this comm has ended", function() kept:sum(1) end)
    fails("gmm:fit: the job of this comm has ended", function() latent.gmm():fit(X, { comm = kept }) end)
    fails("the ranks didn't answer within 0.05 seconds", latent.fork, 2, function(comm)
      if comm.rank == 0 then comm:barrier() end
      os.execute "sleep 0.3"
    end, { deadline = 0.05 })
  end)
end)
