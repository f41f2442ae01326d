-- The EM loop (spec/embed/em.c), its driver (spec/embed/em_lua.c: a model whose binding is a few lines), and
-- latent.em, users' own models.
local latent = require "latent"
local helper = require "helper"
local matrix = latent.matrix
local log = math.log

describe("the EM loop", function()
  local program
  lazy_setup(function() program = helper.program "em" end)

  local function facts(part)
    local output, ok = helper.run(("OPENBLAS_NUM_THREADS=1 %s %s"):format(program, part))
    assert.is_truthy(ok, output)
    return output
  end

  it("gives the same bits for every number of threads, and the same numbers for data in pieces", function()
    local lines = "1 threads 1\n2 threads 1\n5 threads 1\n"
    if not helper.threaded() then lines = lines:gsub("%d threads", "1 threads") end
    assert.equal(lines .. "iterations 20 done 1 converged 0\npieces 1\n", facts "threads")
  end)

  it("takes a weight of 2 as the row twice and of 0 as no row", function()
    assert.equal("weights 1 objective 1\n", facts "weights")
  end)

  -- Hasselblad 1969; the optimum as in Varadhan, Roland 2008: 0.3599, 1.256, 2.663, -1989.946
  it("reaches a published optimum, slowly", function()
    local output = facts "london 0 1e-13"
    assert.is_truthy(output:find("log-likelihood -1989.945860\nparameters 0.3599 1.256", 1, true), output)
    assert.is_truthy(output:find("converged 1 monotone 1 drops 0", 1, true), output)
    assert.is_true(tonumber(output:match "iterations (%d+)") > 1000, output)
  end)

  it("accelerated, reaches it in a tenth of the iterations and never goes down", function()
    local output = facts "london 1 1e-13"
    assert.is_truthy(output:find("log-likelihood -1989.945860\nparameters 0.3599 1.256", 1, true), output)
    assert.is_truthy(output:find("converged 1 monotone 1 drops 0", 1, true), output)
    local iterations, refused = output:match "iterations (%d+) refused (%d+)"
    assert.is_true(tonumber(iterations) < 200, output)
    assert.is_true(tonumber(refused) > 0, output) -- so the fall-back has been at work
  end)

  it("says what is wrong with data, weights and parameters, and goes on", function()
    assert.equal(table.concat({
      "invalid argument: X has NaN at row 2002, column 1",
      "invalid argument: X has an infinity at row 2002, column 1",
      "invalid argument: all weights are 0",
      "invalid argument: weight 4 is -1; weights are finite and >= 0",
      "invalid argument: weight 4 is nan; weights are finite and >= 0",
      "invalid argument: there is no data",
      "shapes don't fit: X has 2 columns, the model is of 1",
      "invalid argument: rate 1 is -1",
      "then iterations 1",
      "singular matrix: no",
      "kept 1", "",
    }, "\n"), facts "bad")
  end)

  it("records a drop", function() assert.equal("drops 1 large 1\n", facts "wrong") end)

  it("keeps the parameters when it is stopped", function()
    assert.equal("interrupted: cancelled\nkept 1 iterations 2\ngoes on 0\n", facts "stop")
  end)

  it("fits by small steps what a whole fit finds", function()
    assert.equal("stepwise 1 total 1.000\n", facts "stepwise")
  end)

  for _, accelerate in ipairs { "0", "1" } do
    it("reviews what a fit leaves by the pass of an iteration without its M-step: accelerate " .. accelerate, function()
      assert.equal("before 1\nfailed 1 1\nkept 1 1\nreviewed 1 1\nworst 1 1\nbetter 1 0 0 0 1\n",
        facts("review " .. accelerate))
    end)
  end
end)

describe("the driver of EM models", function()
  local program

  lazy_setup(function()
    program = helper.program("em_lua", "-Ibindings $(pkg-config --cflags lua5.4) -DUSES_lua")
  end)

  local PRELUDE = [[
    local latent = require "latent"
    local matrix = latent.matrix
    local N = 20000
    local rng = latent.random(3)
    local X = matrix(N, 1, function(i) return math.floor(rng:exponential() * (i % 3 == 0 and 10 or 2)) end)
    local function chunks(rows, weights)
      local k = 0
      return function()
        k = k + rows
        if k > N then k = 0 return nil end
        return X:block(k - rows + 1, k, 1, 1), weights and weights:block(k - rows + 1, k)
      end
    end
    local function state(m)
      return ("%.17g %.17g %.17g %d %s %.17g"):format(m.weights[1], m.rates[1], m.rates[2], m.iterations, m.converged,
        m.history[#m.history])
    end
    local function near(a, b, tolerance)
      return math.abs(a.weights[1] - b.weights[1]) < tolerance and math.abs(a.rates[1] - b.rates[1]) < tolerance
        and math.abs(a.rates[2] - b.rates[2]) < tolerance
    end
    local poisson = latent.poisson
  ]]

  -- Runs a script in the host; what it prints.
  local function run(script)
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    file:write(PRELUDE, script)
    file:close()
    local output, ok = helper.run(program .. " " .. path)
    os.remove(path)
    assert.is_truthy(ok, output)
    return output
  end

  it("gives the same bits for 1 and 2 threads", function()
    assert.equal("true\n", run [[
      latent.threads(1)
      local a = state(poisson{}:fit(X))
      latent.threads(2)
      print(a == state(poisson{}:fit(X)))]])
  end)

  it("runs exactly max_iterations with tolerance 0, and else until the change is small", function()
    assert.equal("7 false 7\ntrue true true\n", run [[
      local m = poisson{ tolerance = 0, max_iterations = 7 }:fit(X)
      print(m.iterations, m.converged, #m.history)
      m = poisson{ tolerance = 1e-6 }:fit(X)
      local h = m.history
      print(m.converged, math.abs(h[#h] - h[#h - 1]) < 1e-6 * math.abs(h[#h]),
        math.abs(h[#h - 1] - h[#h - 2]) >= 1e-6 * math.abs(h[#h - 1]))]]:gsub("\t", " "))
  end)

  it("fits a function's chunks and a file as it fits a matrix", function()
    assert.equal("true\ttrue\ttrue\n", run [[
      local m = poisson{}:fit(X)
      local c = poisson{}:fit(chunks(1000))
      local path = os.tmpname()
      assert(latent.write(path .. ".npy", X))
      local f = poisson{}:fit(latent.open(path .. ".npy"))
      os.remove(path) os.remove(path .. ".npy")
      print(near(m, c, 1e-10), m.iterations == c.iterations, state(m) == state(f))]])
  end)

  it("takes a file larger than what it may keep in memory, at once and in strides", function()
    assert.equal("true\ttrue\n", run [[
      local wide = matrix(150000, 64, 1) -- 77 MB
      for i = 1, wide.rows do wide:set(i, 1, i % 7 + (i % 3 == 0 and 9 or 0)) end
      local path = os.tmpname()
      assert(latent.write(path .. ".npy", wide))
      local m = poisson{ max_iterations = 3, tolerance = 0 }:fit(wide)
      wide = nil
      collectgarbage()
      local function resident() return tonumber(io.open "/proc/self/statm":read "a":match "^%d+ (%d+)") * 4096 end
      local before, most = resident(), 0
      local f = poisson{ max_iterations = 3, tolerance = 0 }:fit(latent.open(path .. ".npy"),
        { on_iteration = function() most = math.max(most, resident()) end })
      os.remove(path) os.remove(path .. ".npy")
      print(near(m, f, 1e-3), most - before < 70e6)]])
  end)

  it("weights rows of matrices and of chunks", function()
    assert.equal("true\ttrue\n", run [[
      local w = matrix(N, 1, function(i) return i % 3 end):col(1)
      local rows = {}
      for i = 1, N do for _ = 1, i % 3 do rows[#rows + 1] = i end end
      local options = { max_iterations = 10, tolerance = 0 }
      local m = poisson(options):fit(X, { weights = w })
      print(near(m, poisson(options):fit(X:rows_at(rows)), 1e-10),
        near(m, poisson(options):fit(chunks(1000, w)), 1e-10))]])
  end)

  it("steps one iteration a turn, and keeps what was read of the model before", function()
    assert.equal("true\ttrue\ttrue\ttrue\n", run [[
      local m, rates, objectives = poisson{}, {}, {}
      for i, objective in m:steps(X) do
        rates[i], objectives[i] = m.rates, objective
        if i == 5 then break end
      end
      local whole = poisson{ max_iterations = 5, tolerance = 0 }:fit(X)
      print(state(m):gsub("true", "false") == state(whole), objectives[5] == whole.history[5], rates[1] ~= rates[5],
        m.rates == rates[5])]])
  end)

  it("observes, stops at false, and lets errors through with the last complete iteration kept", function()
    assert.equal("1 2 3\n3 false 3\nfalse true 4\n", (run [[
      local m, seen = poisson{ tolerance = 0 }, {}
      m:fit(X, { on_iteration = function(info)
        seen[#seen + 1] = info.iteration
        assert(info.model == m and info.objective == m.history[info.iteration] and info.restart == 1)
        return info.iteration < 3
      end })
      print(table.concat(seen, " "))
      print(m.iterations, m.converged, #m.history)
      local mine = {}
      local ok, message = pcall(m.fit, m, X, { on_iteration = function(i)
        if i.iteration == 4 then error(mine) end
      end })
      print(ok, message == mine, m.iterations)]]:gsub("\t", " ")))
  end)

  it("keeps the best of several starts, whoever looks on", function()
    assert.equal("true\ttrue\ttrue\n", run [[
      local best, count = -math.huge, 0
      local options = { restarts = 4, max_iterations = 3, tolerance = 0, components = 3, seed = 5 }
      local a, b = poisson(options), poisson(options)
      a:fit(X, { on_iteration = function(i)
        count = count + 1
        if i.iteration == 3 then best = math.max(best, i.objective) end
      end })
      b:fit(X)
      print(count == 12, a.history[3] == best, state(a) == state(b))]])
  end)

  it("ends at max_seconds, which starts by another model's fit leave alone", function()
    local X = latent.random(5):normal(600, 3)
    for _, make in ipairs { latent.gmm, latent.mppca } do
      local m = make { components = 3, tolerance = 0, max_iterations = 1000000000 }:fit(X, { max_seconds = 0.3 })
      assert.is_true(m.iterations > 0 and not m.converged)
    end
  end)

  it("ends at max_seconds with what it has", function()
    assert.equal("false\ttrue\n", run [[
      local m = poisson{ tolerance = 0, max_iterations = 10000000 }:fit(X, { max_seconds = 0.1 })
      print(m.converged, m.iterations == #m.history and m.iterations < 10000000)]])
  end)

  it("has the history of the last updates by partial_fit, which a host may call for ever", function()
    local rows = matrix.normal(50, 2, latent.random(1))
    local model, all = latent.gmm { components = 2, seed = 1 }, {}
    model:partial_fit(rows)
    all[1] = model.history[1]
    for i = 2, 4100 do
      model:partial_fit(rows:block(i % 50 + 1, i % 50 + 1))
      local history = model.history
      all[i] = history[#history]
      assert.equal(i <= 2000 and i or 1001 + (i - 2001) % 1000, #history)
      assert.equal(all[i - #history + 1], history[1])
    end
    assert.equal(4100, model.iterations)
    assert.same(table.move(all, 4100 - #model.history + 1, 4100, 1, {}), model.history)
  end)

  it("goes on with new data by partial_fit", function()
    assert.equal("true\ttrue\t20\ttrue\t21\n", run [[
      local m, whole = poisson{}, poisson{}:fit(X)
      for k = 1, N, 1000 do m:partial_fit(X:block(k, k + 999, 1, 1)) end
      local once = poisson{}:partial_fit(chunks(1000))
      local before = whole.rates[1]
      local updates = m.iterations
      m:partial_fit(X:block(1, 1000, 1, 1))
      whole:partial_fit(X:block(1, 1000, 1, 1)) -- one piece against twenty: it moves, but not far
      print(near(once, poisson{}:fit(X), 1), whole.rates[1] ~= before and math.abs(whole.rates[1] - before) < 0.2,
        updates, once.iterations == 20, m.iterations)]])
  end)

  it("says what is wrong, and keeps the model", function()
    assert.equal(table.concat({
      "poisson:fit: X has NaN at row 7777, column 1",
      "poisson:fit: chunk 8: X has NaN at row 777, column 1",
      "poisson:fit: missing: this model does not know missing entries",
      "poisson:fit: there are 2 weights for 20000 rows",
      "poisson:fit: weight 2 is -1; weights are finite and >= 0",
      "poisson:fit: all weights are 0",
      "poisson:fit: on_iteration must be a function, got number",
      "poisson:fit: a function gives weights with its chunks: return X, weights",
      "poisson:fit: the function gave no data",
      "poisson:fit: the function's result must be a matrix, got number",
      "poisson:fit: chunk 2 has 2 columns, those before it 1",
      "poisson:fit: X must be a matrix, got nothing",
      "poisson:fit: unknown option 'weight', did you mean 'weights'?",
      "poisson:fit: components is 2, X has 1 rows",
      "poisson:partial_fit: X has 2 columns, the model was fitted on 1",
      "poisson: tolerance must be at least 0.0, got -1.0",
      "true", "",
    }, "\n"), (run [[
      local m = poisson{}:fit(X)
      local before = state(m)
      local function fails(method, ...)
        local ok, message = pcall(m[method], m, ...)
        print(ok or (message:gsub("^.-: ", "", message:find "^[^ ]+:%d+: " and 1 or 0)))
      end
      local bad = X:copy()
      bad:set(7777, 1, 0 / 0)
      fails("fit", bad)
      X, bad = bad, X
      fails("fit", chunks(1000))
      X = bad
      fails("fit", X, { missing = true })
      fails("fit", X, { weights = { 1, 2 } })
      fails("fit", { { 1 }, { 2 } }, { weights = { 1, -1 } })
      fails("fit", { { 1 }, { 2 } }, { weights = { 0, 0 } })
      fails("fit", X, { on_iteration = 3 })
      fails("fit", chunks(1000), { weights = { 1, 2 } })
      fails("fit", function() end)
      fails("fit", function() return 1 end)
      local n = 0
      fails("fit", function() n = n + 1 return matrix.ones(3, n) end)
      fails("fit")
      fails("fit", X, { weight = {} })
      n = 0
      fails("fit", function() n = n + 1 return n == 1 and matrix { { 1 } } or nil end)
      fails("partial_fit", { { 1, 2 } })
      print((select(2, pcall(poisson, { tolerance = -1 }))))
      print(before == state(m))]]))
  end)
end)

describe("latent.em", function()
  local counts = { 125, 18, 20, 34 }
  local theta = (15 + math.sqrt(53809)) / 394 -- the root of 197 t^2 - 15 t - 68 = 0 (Rao 1965)

  local function linkage(options)
    local model = {
      parameters = { theta = 0.5 },
      e_step = function(p, y)
        local t = p.theta
        return { a = y[1] * t / (2 + t) + y[4], b = y[2] + y[3] },
          y[1] * log(2 + t) + (y[2] + y[3]) * log(1 - t) + y[4] * log(t)
      end,
      m_step = function(s) return { theta = s.a / (s.a + s.b) } end,
    }
    for name, value in pairs(options or {}) do model[name] = value end
    return latent.em(model)
  end

  it("solves Rao's linkage problem", function()
    local m = linkage { tolerance = 0, max_iterations = 30 }
    assert.equal(m, m:fit(counts))
    assert.near(theta, m.parameters.theta, 1e-14)
    assert.equal(30, m.iterations)
    assert.equal(30, #m.history)
    assert.is_false(m.converged)
    assert.equal(0, m.drops)
    -- Dempster, Laird, Rubin 1977, table: 0.5, 0.608247423, 0.624321051, 0.626488879, 0.626777323
    local path = {}
    for i in m:steps(counts) do
      path[i] = m.parameters.theta
      if i == 4 then break end
    end
    assert.near_matrix({ 0.608247423, 0.624321051, 0.626488879, 0.626777323 }, path, 1e-9)
    assert.equal(4, m.iterations)
  end)

  -- Clarke's patients, as in Lange, Numerical Analysis for Statisticians: 0.2136, 0.0501, 0.7363
  it("finds blood groups' gene frequencies, plain and accelerated", function()
    for _, accelerate in ipairs { false, true } do
      local abo = latent.em {
        parameters = { p = 0.3, q = 0.2, r = 0.5 }, accelerate = accelerate, tolerance = 1e-14,
        e_step = function(t, n)
          local AA, BB = n.A * t.p / (t.p + 2 * t.r), n.B * t.q / (t.q + 2 * t.r)
          return { p = n.A + AA + n.AB, q = n.B + BB + n.AB, r = n.A - AA + n.B - BB + 2 * n.O },
            n.A * log(t.p * (t.p + 2 * t.r)) + n.B * log(t.q * (t.q + 2 * t.r)) + n.AB * log(2 * t.p * t.q)
            + 2 * n.O * log(t.r)
        end,
        m_step = function(s)
          local n = s.p + s.q + s.r
          return { p = s.p / n, q = s.q / n, r = s.r / n }
        end,
      }
      abo:fit { A = 186, B = 38, AB = 13, O = 284 }
      local t = abo.parameters
      assert.near_matrix({ 0.2136, 0.0501, 0.7363 }, { t.p, t.q, t.r }, 5e-5)
      assert.is_true(abo.converged)
      assert.equal(0, abo.drops)
    end
  end)

  -- A mixture of two exponentials on a matrix, in matrix operations.
  local rng = latent.random(3)
  local X = matrix(2000, 1, function(i) return (i % 4 == 0 and 10 or 1) * rng:exponential() end)

  local function exponentials(options)
    local model = {
      parameters = { weights = { 0.5, 0.5 }, means = { 0.5, 5 } },
      e_step = function(p, x, w)
        local a = (x / -p.means[1]):exp() * (p.weights[1] / p.means[1])
        local b = (x / -p.means[2]):exp() * (p.weights[2] / p.means[2])
        local r = a / (a + b)
        local one = r * 0 + 1
        if w then w = matrix(x.rows, 1, function(i) return w[i] end) else w = one end
        local n1, n2 = (w % r):sum(), (w % (one - r)):sum()
        return { n = matrix { n1, n2 }, x = { (w % r % x):sum(), (w % (one - r) % x):sum() } },
          (w % (a + b):log()):sum()
      end,
      m_step = function(s) return { weights = s.n / s.n:sum(), means = s.x / s.n } end,
    }
    for name, value in pairs(options or {}) do model[name] = value end
    return latent.em(model)
  end

  it("adds statistics over chunks, files and weights", function()
    local options = { tolerance = 0, max_iterations = 10 }
    local m = exponentials(options):fit(X)
    -- the weighted mean of a mixture of exponentials is the sample mean, after any M-step
    assert.near(X:sum() / X.rows, m.parameters.weights:dot(m.parameters.means), 1e-12)
    local k = 0
    local c = exponentials(options):fit(function()
      k = k + 500
      if k > X.rows then k = 0 return nil end
      return X:block(k - 499, k, 1, 1)
    end)
    assert.near_matrix(m.parameters.means, c.parameters.means, 1e-10)
    assert.near(m.history[10], c.history[10], 1e-8)
    local rows, w = {}, {}
    for i = 1, X.rows do
      w[i] = i % 3
      for _ = 1, w[i] do rows[#rows + 1] = i end
    end
    local weighted = exponentials(options):fit(X, { weights = w })
    assert.near_matrix(exponentials(options):fit(X:rows_at(rows)).parameters.means, weighted.parameters.means, 1e-10)
  end)

  it("is faster when accelerated, at the same optimum", function()
    local plain = exponentials { tolerance = 1e-13 }:fit(X)
    local fast = exponentials { tolerance = 1e-13, accelerate = true }:fit(X)
    assert.near_matrix(plain.parameters.means, fast.parameters.means, 1e-3)
    assert.is_true(fast.iterations < plain.iterations / 2, fast.iterations .. " of " .. plain.iterations)
    for i = 2, fast.iterations do assert.is_true(fast.history[i] >= fast.history[i - 1] - 1e-9) end
  end)

  it("doesn't try what isn't feasible", function()
    local asked = 0
    local m = exponentials { accelerate = true, tolerance = 0, max_iterations = 20, feasible = function(p)
      assert(p.means.rows == 2)
      asked = asked + 1
      return false
    end }:fit(X)
    assert.is_true(asked > 0)
    assert.equal(asked, m.refused)
    assert.equal(exponentials { tolerance = 0, max_iterations = 20 }:fit(X).history[20], m.history[20])
  end)

  it("reports a wrong M-step and doesn't hide it", function()
    local m = linkage { tolerance = 0, max_iterations = 10, m_step = function(_, p) return { theta = p.theta / 2 } end }
    m:fit(counts)
    assert.equal(9, m.drops)
    assert.is_true(m.largest_drop > 0.01)
    local history = m.history
    assert.is_true(history[10] < history[1])
  end)

  it("minimizes with descends", function()
    local m = latent.em {
      parameters = { mean = 10 }, descends = true, tolerance = 1e-12,
      e_step = function(p, x) return { sum = x:sum(), n = x.rows }, ((x - p.mean) ^ 2):sum() end,
      m_step = function(s) return { mean = s.sum / s.n } end,
    }:fit(matrix { 1, 2, 6 })
    assert.equal(3, m.parameters.mean)
    assert.equal(0, m.drops)
    assert.same({ 161, 14, 14 }, m.history)
  end)

  it("starts several times from a function of the seed", function()
    local seeds = {}
    local m = linkage { restarts = 3, seed = 9, max_iterations = 1, tolerance = 0, parameters = function(seed)
      seeds[#seeds + 1] = seed
      return { theta = #seeds == 2 and 0.62 or 0.1 }
    end }
    m:fit(counts)
    assert.equal(3, #seeds)
    assert.equal(9, seeds[1])
    assert.is_true(seeds[2] ~= seeds[3])
    assert.near(0.6268, m.parameters.theta, 1e-3) -- the second start's
  end)

  it("lets errors through, and the model keeps its last complete iteration", function()
    local mine, fail = {}, false
    local m = linkage { tolerance = 0, max_iterations = 5, m_step = function(s)
      if fail then error(mine) end
      return { theta = s.a / (s.a + s.b) }
    end }
    m:fit(counts)
    local before = m.parameters.theta
    fail = true
    local ok, message = pcall(m.fit, m, counts)
    assert.is_false(ok)
    assert.equal(mine, message)
    assert.equal(before, m.parameters.theta)
    assert.equal(5, m.iterations)
    fail = false
    local i = 0
    ok, message = pcall(function()
      for _ in m:steps(counts) do
        i = i + 1
        fail = i == 2
      end
    end)
    assert.is_false(ok)
    assert.equal(mine, message)
    assert.equal(2, m.iterations)
    assert.near(0.624321051, m.parameters.theta, 1e-9)
  end)

  it("says what is wrong", function()
    local function fails(part, options, X_, fit)
      helper.fails(part, function() linkage(options):fit(X_ or counts, fit) end)
    end
    fails("em: e_step must be a function, got number", { e_step = 3 })
    helper.fails("em: e_step must be a function, got nothing", latent.em, {})
    fails("em: parameters must be a table or a function, got string", { parameters = "x" })
    fails("em: unknown option 'estep', did you mean 'e_step'?", { estep = 1 })
    fails("em:fit: parameters is an empty table", { parameters = {} })
    fails("em:fit: parameters 'theta' must be a number or a matrix, got string", { parameters = { theta = "x" } })
    fails("em:fit: parameters must have names as keys, not a number", { parameters = { 1 } })
    fails("em:fit: e_step must return statistics and the objective, a number; got nil",
      { e_step = function() return {} end })
    fails("em:fit: e_step's statistics must be a table, got nil", { e_step = function() return nil, 1 end })
    fails("em:fit: m_step's parameters must be a table, got nil", { m_step = function() end })
    fails("em:fit: m_step returned no 'theta'", { m_step = function() return {} end })
    fails("em:fit: m_step returned 'phi', which is no parameter",
      { m_step = function() return { theta = 1, phi = 2 } end })
    fails("em:fit: m_step returned a vector of 2 as 'theta', which began as a number",
      { m_step = function() return { theta = { 1, 2 } } end })
    fails("em:fit: m_step returned NaN in iteration 1", { m_step = function() return { theta = 0 / 0 } end })
    fails("em:fit: the objective is NaN in iteration 1", { e_step = function() return {}, 0 / 0 end })
    fails("em:fit: X has NaN at row 2, column 1", {}, matrix { { 1 }, { 0 / 0 } })
    fails("em:fit: weights are for a matrix", {}, counts, { weights = { 1, 2, 3, 4 } })
    helper.fails("em:fit: the function gave no data", function() linkage():fit(function() end) end)
  end)

  it("is interrupted within an iteration, also between the core's calls", function()
    local script = [[
      local latent = require "latent"
      local X = latent.matrix.ones(300, 300)
      local m = latent.em{ parameters = { a = 1 }, tolerance = 0, max_iterations = 1000000000,
        e_step = function(p, x) return { s = x:sum() }, -p.a end,
        m_step = function(_, p) return { a = p.a * 0.999999 } end }
      io.stdout:write("ready\n")
      io.stdout:flush()
      local ok, message = pcall(m.fit, m, X)
      print(ok, message:match "interrupted", #m.history == m.iterations, m.parameters.a < 1)
      print(m:fit(X, { max_seconds = 0.05 }).converged)]]
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    file:write(script)
    file:close()
    local output = helper.run(("%s %s & p=$!; sleep 0.7; kill -INT $p; wait $p"):format(
      helper.interpreter, path))
    os.remove(path)
    assert.equal("ready\nfalse\tinterrupted\ttrue\ttrue\nfalse\n", output)
  end)
end)
