-- latent.progress(choice): what is told of calls of the core that take long, and what who is told may do.
local latent = require "latent"
local helper = require "helper"
local matrix, progress = latent.matrix, latent.progress

local function random(n, m, seed) return matrix.normal(n, m, latent.random(seed or 1)) end

-- Calls f with a listener that is told at every look: what it was told, and f's results.
local function told_of(f)
  local told = {}
  latent._tell(function(name, share, total, unit, seconds)
    if seconds then
      told[#told + 1] = { name = name, share = share, total = total, unit = unit, seconds = seconds }
    else
      told.ended = (told.ended or 0) + 1
    end
    return true
  end, 0, 0)
  local results = table.pack(pcall(f))
  latent._tell(nil, 0, 0)
  assert(results[1], results[2])
  return told, table.unpack(results, 2, results.n)
end

-- What the public functions tell, without their patience.
local function listen(f)
  local told = {}
  progress._patience(0, 0)
  local before = progress(function(p) told[#told + 1] = p end)
  local ok, err = pcall(f)
  progress(before)
  progress._patience()
  assert(ok, err)
  return told
end

describe("a call that takes long", function()
  local big, path, packed, threads

  setup(function()
    threads = latent.threads() -- the one that counts then has all chunks
    latent.threads(1)
    big = random(20000, 20)
    path = os.tmpname() .. ".csv"
    latent.write(path, big:block(1, 4000, 1, 20))
    packed = path .. ".gz"
    assert(os.execute(("gzip -c %s >%s"):format(path, packed)))
  end)
  teardown(function()
    os.remove(path)
    os.remove(packed)
    latent.threads(threads)
  end)
  after_each(function() progress(false) end)

  local function size_of(name)
    local file = assert(io.open(name))
    local size = file:seek "end"
    file:close()
    return size
  end

  -- Each: what is called, its total and unit (nil: none), and looks, at least.
  local square = random(400, 400)
  local symmetric = square + square:t()
  local cases = {
    ["eigen.symmetric"] = { function() return (latent.eigen.symmetric(symmetric)) end, least = 20 },
    ["eigen.general"] = { function() return (latent.eigen.general(square)) end, least = 20 },
    ["matrix:svd"] = { function() return (square:svd()) end, least = 20 },
    ["matrix:qr"] = { function() return (square:qr()) end, least = 10 },
    ["matrix:inverse"] = { function() return square:inverse() end, least = 5 },
    ["matrix:cholesky"] = { function() return (square * square:t() + matrix.eye(400)):cholesky() end, least = 2 },
    ["a product"] = { function() return big * big:block(1, 2000, 1, 20):t() end, least = 5 },
    ["normal numbers"] = { function() return random(2000, 2000) end, least = 10 },
    ["pca:partial_fit"] = { function() return latent.pca():partial_fit(big).components end, least = 3 },
    ["scaler:partial_fit"] = { function() return latent.scaler():partial_fit(big).mean end, least = 3 },
    ["silhouettes"] = { function()
      return latent.metrics.silhouette(big:block(1, 4000, 1, 3), matrix(4000, 1, function(i) return i % 3 end))
    end, 4000, "rows", least = 5 },
    ["energy_distance"] = { function()
      return latent.metrics.energy_distance(big:block(1, 2000, 1, 3), big:block(2001, 5000, 1, 3))
    end, least = 10 },
    ["samples"] = { function()
      return (latent.gmm { components = 2, init = { means = { { 0, 0 }, { 1, 1 } },
        covariances = { matrix.eye(2), matrix.eye(2) } } }:sample(50000, { seed = 1 }))
    end, 50000, "rows", least = 20 },
    ["reading csv"] = { function() return (latent.read(path)) end, function() return size_of(path) end, "bytes",
      least = 5 },
    ["reading gzip"] = { function() return (latent.read(packed)) end, function() return size_of(packed) end, "bytes",
      least = 5 },
  }
  for name, case in pairs(cases) do
    it("says how far it is: " .. name, function()
      local expected = case[1]()
      local told, result = told_of(case[1])
      assert.is_true(expected == result) -- no bit is another
      local before, last, known = 0, nil, 0
      local name_of_last = told[#told].name
      for _, t in ipairs(told) do
        if t.share and t.name == name_of_last then
          assert.is_true(t.share >= 0 and t.share <= 1, t.share)
          known, last = known + 1, t
        end
      end
      assert.is_true(known >= case.least, known .. " looks")
      assert.is_true(last.share > 0.6, last.share)
      assert.is_true((told.ended or 0) >= 1)
      local total = type(case[2]) == "function" and case[2]() or case[2]
      if total then
        for _, t in ipairs(told) do
          if t.share and t.name == name_of_last then
            assert.are.same({ total, case[3] }, { t.total, t.unit })
            assert.is_true(t.share >= before)
            before = t.share
          end
        end
      end
    end)
  end

  it("goes back nowhere in one function, however deep its parts are", function()
    for _, f in ipairs { cases["eigen.symmetric"][1], cases["matrix:svd"][1], cases["matrix:qr"][1],
      cases["eigen.general"][1], cases["reading gzip"][1] } do
      local before = 0
      for _, t in ipairs(told_of(f)) do
        if t.share then
          assert.is_true(t.share >= before - 1e-12, ("%s after %s"):format(t.share, before))
          before = t.share
        end
      end
    end
  end)

  it("has the name by which it was called", function()
    local function names(f)
      local found = {}
      for _, t in ipairs(told_of(f)) do found[t.name or "nil"] = true end
      return found
    end
    assert.is_true(names(function() return latent.scaler():partial_fit(big) end)["latent.Scaler:partial_fit"])
    assert.is_true(names(function() return latent.eigen.symmetric(symmetric) end).symmetric)
    local told = listen(function() latent.scaler():partial_fit(big) end)
    assert.are.equal("scaler:partial_fit", told[1].label)
    told = listen(function() latent.matrix.normal(1000, 1000) end)
    assert.are.equal("normal", told[1].label)
  end)

  it("tells the table of latent.progress, up to the end", function()
    local told = listen(function() latent.read(path) end)
    local before = 0
    for _, p in ipairs(told) do
      assert.are.equal("read", p.label)
      if p.share then -- not while it is opened
        assert.are.same({ size_of(path), "bytes" }, { p.total, p.unit })
        assert.near(p.share, (p.done + p.within) / p.total, 1e-12)
        assert.is_true(p.share >= before and p.seconds >= 0 and math.type(p.done) == "integer")
        before = p.share
      end
    end
    assert.is_true(#told > 3)
    assert.are.same({ 1, size_of(path), 0 }, { told[#told].share, told[#told].done, told[#told].left })
  end)

  it("says nothing of a share that nobody knows", function()
    local told = listen(function() latent.eigen.largest(symmetric, 3) end)
    for i, p in ipairs(told) do
      if i < #told then assert.is_nil(p.share or p.done or p.within or p.total or p.left or p.rate, i) end
      assert.is_number(p.seconds)
    end
    assert.is_true(#told > 2)
    assert.are.equal(1, told[#told].share)
  end)

  it("tells nobody before half a second is over", function()
    local calls = 0
    progress(function() calls = calls + 1 end)
    latent.eigen.symmetric(symmetric:block(1, 50, 1, 50))
    latent.gmm { components = 2 }:fit(latent.datasets.iris())
    assert.are.equal(0, calls)
  end)

  it("gives what was wanted before, and takes nothing else", function()
    local f = function() end
    assert.is_false(progress(true))
    assert.is_true(progress(f))
    assert.are.equal(f, progress(false))
    assert.is_false(progress(false))
    helper.fails("latent.progress: n must be an integer >= 0, or true, false or a function, got 'yes'", progress, "yes")
    helper.fails("latent.progress: unknown option 'label'", progress, true, { label = "x" })
  end)
end)

describe("who is told", function()
  local X, A

  setup(function()
    X = random(20000, 20)
    A = random(300, 300)
    A = A + A:t()
  end)
  before_each(function() progress._patience(0, 0) end)
  after_each(function()
    progress(false)
    progress._patience()
  end)

  it("may raise, which ends the call, with what was raised", function()
    local object = setmetatable({}, { __tostring = function() return "an object" end })
    for _, value in ipairs { object, "a string", 17 } do
      local calls = 0
      progress(function()
        calls = calls + 1
        error(value, 0)
      end)
      for _, f in ipairs { function() latent.eigen.symmetric(A) end, function() latent.pca():fit(X) end,
        function() return A * A:t() end, function() latent.eigen.largest(A, 3) end } do
        local ok, err = pcall(f)
        assert.is_false(ok)
        assert.is_true(rawequal(value, err), tostring(err))
      end
      assert.are.equal(4, calls)
    end
    progress(false)
    assert.near(0, (A - A):norm(), 0) -- and all is well
    assert.are.equal(300, #latent.eigen.symmetric(A))
  end)

  it("is named by the line of an error in it", function()
    progress(function() error "stop" end)
    helper.fails("progress_calls_spec.lua:", latent.eigen.symmetric, A)
  end)

  it("may raise while a file is read", function()
    local path = os.tmpname() .. ".csv"
    latent.write(path, X)
    progress(function() error "enough" end)
    helper.fails("enough", latent.read, path)
    progress(false)
    assert.are.equal(20000, #latent.read(path))
    os.remove(path)
  end)

  it("may want no more in the middle of a call, or another in its place", function()
    local first, second = 0, 0
    local want = {
      function() progress(false) end,
      function() progress(function() second = second + 1 end) end,
    }
    for _, change in ipairs(want) do
      progress._patience(0, 0)
      progress(function() first = first + 1; change() end)
      local ok, err = pcall(random, 1000, 1000)
      progress._patience()
      assert.is_true(ok, err)
    end
    assert.are.equal(2, first)
    assert.is_true(second > 1)
    progress(false)
  end)

  it("can't yield", function()
    progress(function() coroutine.yield() end)
    local thread = coroutine.create(function() return latent.eigen.symmetric(A) end)
    local ok, err = coroutine.resume(thread)
    assert.is_false(ok)
    assert.is_truthy(err:find "attempt to yield", err)
    progress(false)
    assert.are.equal("dead", coroutine.status(thread))
  end)

  it("can't compute in the middle of a call, but read, write and collect", function()
    local B, seen, finalized = matrix.zeros(3, 3), 0, 0
    local file = os.tmpname() .. ".npy"
    latent.write(file, random(10, 10))
    local model = latent.gmm { components = 1 }
    local tape = latent.nn.tape(latent.nn.parameters {})
    progress(function()
      seen = seen + 1
      for _, f in ipairs { function() latent.eigen.symmetric(A) end, function() model:fit(X) end,
        function() latent.read(file) end, function() return A * A end, function() latent.write(file, B) end,
        function() return A:inverse() end, function() latent.random(1):normal(3, 3) end } do
        local ok, err = pcall(f)
        assert(not ok and tostring(err):find "can't call what computes", tostring(err))
      end
      pcall(tape.reset, tape)
      B[1][1] = B[1][1] + 1
      setmetatable({}, { __gc = function()
        finalized = finalized + 1
        latent.eigen.symmetric(A) -- is refused; Lua warns
      end })
      if seen == 3 then collectgarbage() end
    end)
    local expected = latent.eigen.symmetric(A)
    progress(false)
    assert.is_true(seen > 3)
    assert.are.equal(seen, B[1][1])
    assert.is_true(finalized >= 2)
    assert.is_true(expected == latent.eigen.symmetric(A))
    os.remove(file)
  end)

  it("runs no finalizers, unless it collects", function()
    local told, finalized = 0, 0
    progress(function()
      told = told + 1
      if told > 200 then return end
      setmetatable({}, { __gc = function() finalized = finalized + 1 end })
      local _ = ("x"):rep(1000000) .. told
      assert(finalized == 0)
    end)
    latent.eigen.symmetric(A)
    assert.is_true(told > 10)
    progress(false)
    collectgarbage()
    collectgarbage()
    assert.is_true(finalized > 10)
    assert.is_true(collectgarbage "isrunning")
  end)

  it("leaves a collector that is stopped alone", function()
    collectgarbage "stop"
    progress(function() end)
    latent.eigen.symmetric(A)
    local running = collectgarbage "isrunning"
    collectgarbage "restart"
    assert.is_false(running)
  end)

  it("may fit in the middle of a fit, also the same model, and is told nothing of that", function()
    local model, depth, deepest, fits = latent.gmm { components = 2, seed = 1 }, 0, 0, 0
    local iris = latent.datasets.iris()
    progress(function(p)
      depth = depth + 1
      deepest = math.max(deepest, depth)
      if p.label == "gmm" and fits < 3 then
        fits = fits + 1
        latent.gmm { components = 3, seed = 2 }:fit(iris)
        latent.eigen.symmetric(A)
        model:fit(iris)
      end
      depth = depth - 1
    end)
    model:fit(iris)
    progress(false)
    assert.are.same({ 3, 1 }, { fits, deepest })
    assert.is_true(model.means == latent.gmm { components = 2, seed = 1 }:fit(iris).means)
  end)

  it("is no obstacle to a hook", function()
    local thread = coroutine.running()
    progress(function()
      debug.sethook(thread, function()
        debug.sethook(thread)
        error "the hook's"
      end, "", 1)
    end)
    helper.fails("the hook's", function() return latent.eigen.symmetric(A) end)
    debug.sethook(thread)
  end)

  it("is told of a fit's start, of its iterations, and of closed forms", function()
    local labels = {}
    progress(function(p)
      labels[p.label] = math.max(labels[p.label] or 0, p.share or 0)
    end)
    latent.kmeans { clusters = 30, max_iterations = 2, tolerance = 0 }:fit(X)
    latent.ppca { latent_dim = 2 }:fit(X)
    latent.ica { latent_dim = 3, max_iterations = 2, tolerance = 0 }:fit(X)
    for _, solver in ipairs { "covariance", "gram", "randomized" } do
      labels.pca = 0
      latent.pca { latent_dim = 100, solver = solver }:fit(A)
      assert.are.equal(1, labels.pca, solver)
    end
    latent.scaler():fit(X)
    assert.are.same({ kmeans = 1, ppca = 1, ica = 1, pca = 1, scaler = 1 }, labels)
  end)

  it("hears of the first of several processes alone", function()
    if helper.emulated then return pending "QEMU's emulation of a process can't fork with threads" end
    local path, rank = os.tmpname(), 0
    progress(function()
      local file = assert(io.open(path, "a"))
      file:write(rank, "\n")
      file:close()
    end)
    latent.fork(2, function(comm)
      rank = comm.rank
      latent.eigen.symmetric(A)
      latent.gmm { components = 2 }:fit(latent.datasets.iris())
      latent.cross_validate(function() return latent.ppca { latent_dim = 1 } end, latent.datasets.iris())
    end)
    local told = {}
    for line in io.lines(path) do told[line] = true end
    os.remove(path)
    assert.are.same({ ["0"] = true }, told)
  end)

  it("hears nothing where progress = false", function()
    local calls = 0
    progress(function() calls = calls + 1 end)
    for _, model in ipairs { latent.gmm { components = 2, max_iterations = 2 }, latent.pca(), latent.scaler(),
      latent.ica { max_iterations = 2 } } do
      model:fit(X, { progress = false })
    end
    assert.are.equal(0, calls)
    latent.pca():fit(X)
    assert.is_true(calls > 0)
  end)
end)

describe("the option progress", function()
  local X
  setup(function() X = random(20000, 20) end)
  before_each(function() progress._patience(0, 0) end)
  after_each(function()
    progress(false)
    progress._patience()
  end)

  local function counter()
    local count = { calls = 0, labels = {} }
    return count, function(p)
      count.calls = count.calls + 1
      count.labels[p.label] = true
    end
  end

  it("is of one call: pca, scaler, read, largest", function()
    local path = os.tmpname() .. ".npy"
    latent.write(path, X)
    for label, f in pairs {
      pca = function(o) latent.pca():fit(X, o) end,
      ["pca:partial_fit"] = function(o) latent.pca():partial_fit(X, o) end,
      scaler = function(o) latent.scaler():fit(X, o) end,
      read = function(o) latent.read(path, o) end,
      largest = function(o) latent.eigen.largest(X:t() * X, 2, o) end,
    } do
      local count, f_told = counter()
      f { progress = f_told }
      assert.are.same({ [label] = true }, count.labels)
      local before = count.calls
      f {}
      assert.are.equal(before, count.calls)
      assert.is_false(progress(false)) -- nothing is wanted any more
      assert.has_error(function() f { progress = function() error("no", 0) end } end, "no")
      assert.is_false(progress(false))
      helper.fails("progress must be true, false or a function, got 3", f, { progress = 3 })
    end
    os.remove(path)
  end)

  it("counts folds and fits, whose own share is a step's", function()
    local told = {}
    local function tell(p) told[#told + 1] = p end
    local function make() return latent.gmm { components = 2, max_iterations = 3, tolerance = 0 } end
    latent.cross_validate(make, X, { folds = 3, progress = tell })
    local within, last = 0, told[#told]
    for i, p in ipairs(told) do
      assert.are.same({ "cross_validate", 3 }, { p.label, p.total })
      assert.is_true(i == 1 or p.share >= told[i - 1].share)
      if p.within > 0 then within = within + 1 end
    end
    assert.is_true(within >= 3)
    assert.are.equal(3, last.done)
    assert.is_number(last.objective)
    told = {}
    latent.gmm_select(X, { components = { 1, 2 }, covariance = { "full", "diag" }, max_iterations = 3,
      progress = tell })
    assert.are.same({ "gmm_select", 4, 4 }, { told[#told].label, told[#told].total, told[#told].done })
    helper.fails("progress must be true, false or a function", latent.gmm_select, X, { progress = "x" })
    helper.fails("progress must be true, false or a function", latent.cross_validate, make, X, { progress = "x" })
    assert.is_false(progress(false))
  end)

  it("that raises in a fold says which one, and leaves nothing behind", function()
    local function make() return latent.gmm { components = 2, max_iterations = 3, tolerance = 0 } end
    local ok, err = pcall(latent.cross_validate, make, X, { folds = 3, progress = function(p)
      if p.done == 1 then error("stop", 0) end
    end })
    assert.is_false(ok)
    assert.is_truthy(err:find "stop", err)
    local count, f = counter()
    progress(f)
    latent.pca():fit(X)
    assert.is_true(count.labels.pca)
  end)
end)

describe("a loop with a bar", function()
  before_each(function() progress._patience(0, 0) end)
  after_each(function()
    progress(false)
    progress._patience()
  end)

  it("moves with what takes long in its steps", function()
    local told, A = {}, random(300, 300)
    A = A + A:t()
    progress(true) -- nothing is drawn, as standard error is no terminal here; the loop's function is told
    progress(function() error "the loop has its own" end)
    local bar <close> = progress.bar(2, { on_update = function(p) told[#told + 1] = p end })
    for i = 1, 2 do
      latent.eigen.symmetric(A)
      latent.gmm { components = 2 }:fit(latent.datasets.iris())
      bar:update(i)
    end
    local within = 0
    for i, p in ipairs(told) do
      assert.is_true(i == 1 or p.share >= told[i - 1].share)
      if p.within > 0 and p.within < 1 then within = within + 1 end
    end
    assert.is_true(within > 10)
    assert.are.equal(2, told[#told].done)
  end)

  it("that was left in a dead coroutine stands in nobody's way", function()
    local calls = 0
    do
      local thread = coroutine.wrap(function()
        for _ in progress(3, { on_update = function() end }) do coroutine.yield() end
      end)
      thread()
    end
    collectgarbage()
    collectgarbage()
    progress(function() calls = calls + 1 end)
    latent.pca():fit(random(2000, 5))
    assert.is_true(calls > 0)
  end)
end)

describe("on a terminal", function()
  -- What a script writes there, and what through a pipe.
  local function run(code)
    local lua, path = helper.interpreter, os.tmpname()
    local file = assert(io.open(path, "w"))
    file:write(code)
    file:close()
    local pipe = io.popen(("script -qec 'stty cols 72; %s %s' /dev/null </dev/null 2>&1"):format(lua, path))
    local shown = pipe:read "a"
    pipe:close()
    pipe = io.popen(("%s %s 2>&1"):format(lua, path))
    local piped = pipe:read "a"
    pipe:close()
    os.remove(path)
    if shown:find "not found" or shown:find "failed to create" then return nil end
    return shown, piped
  end

  it("a bar is there while a call lasts, and a pipe gets nothing", function()
    local shown, piped = run [[
local latent = require "latent"
local iris = latent.datasets.iris()
latent.progress._patience(0, 0)
latent.progress(true)
local X = latent.matrix.normal(400, 400)
latent.eigen.symmetric(X + X:t())
latent.gmm { components = 2 }:fit(iris)
latent.gmm { components = 2, max_iterations = 3, tolerance = 0 }:fit(iris, { progress = true })
print "over"]]
    if not shown then return pending "util-linux's script is not installed, or has no terminal to give" end
    assert.is_truthy(shown:find "symmetric ━[^\r\n]*╌ +%d+%%", shown)
    assert.is_truthy(shown:find "\r\27%[K\r\27%[Kgmm", shown) -- it has gone before the next one comes
    -- and what is asked for stays
    assert.is_truthy(shown:find "\r\27%[Kgmm ━[^\r\n]*━ 100%%[^\n]*\r?\nover\r?\n$", shown)
    assert.is_truthy(piped:find "over\n$", piped)
    assert.is_nil(piped:find("\27", 1, true), piped)
  end)

  it("an error is on a line of its own", function()
    local shown = run [[
local latent = require "latent"
latent.progress._patience(0, 0)
latent.progress(true)
latent.eigen.largest(function() error("mine", 0) end, 3, { size = 500 })]]
    if not shown then return pending "util-linux's script is not installed, or has no terminal to give" end
    assert.is_truthy(shown:find "\r\27%[K[^\r\n]*mine", shown)
  end)
end)
