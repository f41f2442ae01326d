-- latent.flow: densities that integrate to 1, exact inverses, the change of variables against Jacobians by
-- differences, known entropies, conditional flows, training that goes on exactly, and bad input.
local latent = require "latent"
local helper = require "helper"
local matrix, datasets = latent.matrix, latent.datasets
local fails = helper.fails

-- Every layer there is, in two lists.
local MANY = { { "spline", bins = 5, hidden = { 12 } }, "permute", { "masked_affine", hidden = 12 }, "actnorm",
  "linear", "planar", { "affine", hidden = { 8, 8 }, bound = 1 }, { "affine", hidden = 8 }, "radial", "reverse",
  { "masked_spline", bins = 4, hidden = 12 } }

local function moons(n, seed) return (datasets.moons(n, { noise = 0.06, standardize = true, seed = seed })) end

-- A flow whose nets aren't at their beginning, where couplings are the identity.
local function trained(options, X, steps, context)
  local flow = latent.flow(options)
  for _ = 1, steps or 30 do flow:step(X, { context = context, learning_rate = 1e-2 }) end
  return flow
end

-- The sum of p over a grid of [-half, half]^2 or [-half, half], times the cell.
local function integral(flow, D, half, n, context)
  local cell = 2 * half / n
  local grid = matrix(n ^ D // 1 | 0, D, function(i, j)
    return -half + cell * ((j == 1 and (i - 1) % n or (i - 1) // n) + 0.5)
  end)
  return flow:log_likelihood(grid, { context = context }):exp():sum() * cell ^ D
end

-- log |det| of the Jacobian at x by central differences of transform.
local function numeric_log_det(flow, x, context)
  local D, h = x.cols, 1e-5
  local J = matrix.zeros(D, D)
  for j = 1, D do
    local up, down = x:copy(), x:copy()
    up:set(1, j, x(1, j) + h)
    down:set(1, j, x(1, j) - h)
    local dz = (flow:transform(up, { context = context }) - flow:transform(down, { context = context })) / (2 * h)
    for i = 1, D do J:set(i, j, dz(1, i)) end
  end
  return math.log(math.abs(J:det()))
end

describe("latent.flow", function()
  local KINDS = { { kind = "nsf" }, { kind = "maf" }, { kind = "realnvp" }, { layers = MANY },
    { kind = "nsf", base = "uniform" } }
  local function with(options, more)
    local all = {}
    for name, value in pairs(options) do all[name] = value end
    for name, value in pairs(more) do all[name] = value end
    return all
  end

  for i, kind in ipairs(KINDS) do
    local name = ("%s (%d)"):format(kind.kind or "of all layers", i)

    it(name .. " has the determinant of its Jacobian, for every number of columns", function()
      for D = 1, 5 do
        local X = 3 * matrix.normal(64, D, D) + 1
        local flow = trained(with(kind, { input_dim = D, dtype = "float64", seed = D, hidden = 12 }), X)
        for row = 1, 3 do
          local x = X:block(row, row)
          assert.near(numeric_log_det(flow, x), flow:log_det(x)[1], 1e-5)
        end
      end
    end)

    it(name .. " is the change of variables", function()
      local X = 2 * matrix.normal(50, 3, 1)
      local flow = trained(with(kind, { input_dim = 3, dtype = "float64", hidden = 12 }), X)
      local Z = flow:transform(X)
      local base = kind.base == "uniform" and matrix.zeros(50)
        or (Z ^ 2):sum(2) * -0.5 - 1.5 * math.log(2 * math.pi)
      assert.near_matrix(base + flow:log_det(X), flow:log_likelihood(X), 1e-9)
    end)

    it(name .. " comes back, far out in the tails too", function()
      for D = 1, 4 do
        local X = matrix.normal(500, D, 7)
        for dtype, tolerance in pairs { float64 = 1e-10, float32 = 1e-10 } do
          local flow = trained(with(kind, { input_dim = D, dtype = dtype, hidden = 12 }), X)
          -- near 1 a uniform z has no digits left for what is far out
          for _, far in ipairs(kind.base == "uniform" and { 1 } or { 1, 10, 100 }) do
            local back = flow:inverse_transform(flow:transform(far * X))
            assert.near_matrix(far * X, back, tolerance * far)
          end
        end
      end
    end)

    it(name .. " comes back from 100,000 rows at ten deviations", function()
      local uniform = kind.base == "uniform" -- near 1 its z has few digits left
      local X = (uniform and 1 or 10) * matrix.normal(100000, 2, 8)
      local flow = trained(with(kind, { input_dim = 2, hidden = 12 }), moons(500, 1), 100)
      assert.near(0, (flow:inverse_transform(flow:transform(X)) - X):abs():max(), uniform and 1e-8 or 1e-10)
    end)

    it(name .. " is in its file, with and without a context", function()
      local path = os.tmpname()
      for D = 1, 3 do
        for C = 0, 2 do
          local X, context = matrix.normal(30, D, 1), C > 0 and matrix.normal(30, C, 2) or nil
          local flow = latent.flow(with(kind, { input_dim = D, context_dim = C, hidden = 5 * D, seed = D }))
          for _ = 1, 2 do -- untrained, when the file has nothing but the parameters, and after a step
            assert(flow:save(path))
            local again = assert(latent.load(path))
            assert.equal(flow:free_parameters(), again:free_parameters())
            assert.is_true(flow:log_likelihood(X, { context = context }) ==
              again:log_likelihood(X, { context = context }))
            assert.equal(flow:step(X, { context = context }), again:step(X, { context = context }))
          end
        end
      end
      os.remove(path)
    end)

    it(name .. " integrates to 1", function()
      local flow = trained(with(kind, { input_dim = 2, hidden = 16 }), moons(256, 1), 60)
      assert.near(1, integral(flow, 2, 12, 1200), 5e-3)
      flow = trained(with(kind, { input_dim = 1, hidden = 16 }), moons(256, 1):block(1, -1, 1, 1), 60)
      assert.near(1, integral(flow, 1, 40, 20000), 1e-3)
    end)

    it(name .. " draws rows whose latent variables are those told", function()
      local X = moons(256, 1)
      local flow = trained(with(kind, { input_dim = 2, dtype = "float64", hidden = 16 }), X)
      local S, Z = flow:sample(500, { seed = 3 })
      assert.near_matrix(S, flow:inverse_transform(Z), 1e-9)
      assert.near_matrix(S, (flow:sample(500, { seed = 3 })), 0)
      assert.not_near_matrix(S, (flow:sample(500, { seed = 4 })), 1e-3)
      if kind.base == "uniform" then
        assert.is_true(Z:min() > 0 and Z:max() < 1)
        assert.near_matrix({ 0.5, 0.5 }, Z:mean(1), 0.06)
      else
        assert.near_matrix({ 0, 0 }, Z:mean(1), 0.2)
      end
    end)
  end

  it("has each column see those before it only, whatever is written to its weights", function()
    local flow = latent.flow { input_dim = 4, hidden = 16, layers = { "masked_spline" }, standardize = false,
      dtype = "float64" }
    for _, W in pairs(flow:parameters()) do
      if W.rows > 1 then W:assign(matrix.normal(W.rows, W.cols, 3)) end -- those of the mask, too
    end
    local x = matrix { { 0.3, -0.2, 0.5, 0.1 } }
    local z = flow:transform(x)
    for j = 1, 4 do
      local moved = x:copy()
      moved:set(1, j, x(1, j) + 0.1)
      local dz = flow:transform(moved) - z
      for i = 1, 4 do assert.is_true((dz(1, i) ~= 0) == (i >= j), ("z%d by x%d"):format(i, j)) end
    end
    assert.near_matrix(x, flow:inverse_transform(z), 1e-9)
  end)

  it("orders columns as its layers say", function()
    local x = matrix { { 1, 2, 3 } }
    local function z(...)
      return latent.flow { input_dim = 3, standardize = false, layers = { ..., "actnorm" } }:transform(x)
    end
    assert.near_matrix({ { 3, 2, 1 } }, z "reverse", 0)
    local permuted = z "permute"
    assert.not_near_matrix(x, permuted, 0.5)
    assert.near(6, permuted:sum(), 0)
  end)

  it("has couplings take turns, whatever lies between", function()
    -- the first one transforms columns 2 and 3 by column 1, the second one column 1 by 2 and 3; what lies between is
    -- the identity, as it begins
    local depends = { { true, true, true }, { true, true, false }, { true, false, true } }
    local x = matrix { { 0.3, -0.2, 0.5 } }
    for _, between in ipairs { "actnorm", "linear", "masked_affine" } do
      local flow = latent.flow { input_dim = 3, hidden = 8, layers = { "affine", between, "spline" }, dtype = "float64",
        standardize = false }
      for name, W in pairs(flow:parameters()) do
        if name:find "^layer[13].*weight" then W:assign(matrix.normal(W.rows, W.cols, 3)) end
      end
      local z = flow:transform(x)
      for j = 1, 3 do
        local moved = x:copy()
        moved:set(1, j, x(1, j) + 1e-3)
        local dz = flow:transform(moved) - z
        for i = 1, 3 do assert.equal(depends[i][j], dz(1, i) ~= 0, ("%s: z%d by x%d"):format(between, i, j)) end
      end
    end
  end)

  it("has as many parameters as PyTorch's, and as the masks of zuko's leave", function()
    -- 8 nets 1-64-64-2; zuko 1.6.0 counts 22,026 and 23,060 with the columns that no net sees: 64 weights a net
    assert.equal(35344, latent.flow({ input_dim = 2, kind = "realnvp" }):free_parameters())
    assert.equal(22026 - 3 * 64, latent.flow({ input_dim = 2, kind = "nsf" }):free_parameters())
    assert.equal(23060 - 5 * 64, latent.flow({ input_dim = 2, kind = "maf" }):free_parameters())
    assert.equal('flow, 35344 parameters\n  M = 2, D = 2\n  input_dim = 2, kind = "realnvp"',
      tostring(latent.flow { input_dim = 2, kind = "realnvp" }))
  end)

  it("reaches the entropy of two moons", function()
    -- 1.320 nats by quadrature; PyTorch's RealNVP of these layers has 1.330 after 5,000 steps of 256 rows, and 1.467
    -- after 1,000; zuko 1.6.0's NSF of these layers has 1.336 after 2,000
    local function run(options, steps)
      options.input_dim, options.clip, options.schedule, options.schedule_steps = 2, 5, "cosine", steps
      local flow, rows = latent.flow(options), latent.random(1)
      for _ = 1, steps do flow:step(moons(256, rows)) end
      return -flow:score(moons(20000, 99)), flow
    end
    local nll, flow = run({ kind = "nsf", learning_rate = 2e-3 }, 1000)
    assert.is_true(nll > 1.31 and nll < 1.345, nll)
    assert.near(1, integral(flow, 2, 4, 300), 2e-3)
    nll = run({ kind = "realnvp", learning_rate = 3e-3 }, 1000)
    assert.is_true(nll > 1.31 and nll < 1.40, nll)
  end)

  it("reaches the entropy of eight Gaussians", function()
    local flow = latent.flow { input_dim = 2, kind = "nsf", learning_rate = 3e-3, clip = 5, schedule = "cosine",
      schedule_steps = 2000 }
    local rows = latent.random(2)
    for _ = 1, 2000 do flow:step((datasets.eight_gaussians(256, { seed = rows }))) end
    assert.near(0.312, -flow:score((datasets.eight_gaussians(20000, { seed = 3 }))), 0.05)
  end)

  it("is conditional", function()
    -- x ~ N(3 c, 0.5^2): -log p is log(0.5) + 0.5 log(2 pi e) = 0.726 nats at its least
    local C = matrix.random(4000, 1, 1) * 2 - 1
    local X = 3 * C + 0.5 * matrix.normal(4000, 1, 2)
    for _, kind in ipairs { "nsf", "realnvp" } do
      local flow = latent.flow { input_dim = 1, context_dim = 1, kind = kind, layers = 2, hidden = 24,
        learning_rate = 1e-2, schedule = "cosine", schedule_steps = 480 }
      flow:fit(X, { context = C, epochs = 30, batch = 256, validation = { X, C } })
      assert.near(0.726, -flow:score(X, { context = C }), 0.05)
      assert.near(flow.validation_history[30], -flow:score(X, { context = C }), 1e-6)
      for _, c in ipairs { -0.5, 0.5 } do
        local S = flow:sample(4000, { context = { c }, seed = 1 })
        assert.near(3 * c, S:mean(), 0.1)
        assert.near(1, integral(flow, 1, 15, 3000, { c }), 1e-3)
      end
      assert.near_matrix(X, flow:inverse_transform(flow:transform(X, { context = C }), { context = C }), 1e-9)
    end
    -- the context reaches every column of a masked layer, the first one too
    local flow = trained({ input_dim = 2, context_dim = 1, hidden = 8, layers = { "masked_affine" } },
      matrix.hstack { C, C }:block(1, 200), 100, C:block(1, 200))
    local zero, one = flow:transform(matrix.zeros(1, 2), { context = { 0 } }),
      flow:transform(matrix.zeros(1, 2), { context = { 1 } })
    for j = 1, 2 do assert.is_true(math.abs(zero(1, j) - one(1, j)) > 0.1) end
  end)

  it("standardizes by the data, as part of the map", function()
    local X = matrix.normal(500, 2, 1) % matrix { { 1e-3, 1e4 } } + matrix { { 5, -2e6 } }
    local flow = latent.flow { input_dim = 2, kind = "maf", hidden = 8 }:fit(X, { epochs = 30 })
    -- the entropy of the Gaussian that it is: log(1e-3) + log(1e4) + log(2 pi e)
    assert.near(math.log(10) + math.log(2 * math.pi) + 1, -flow:score(X), 0.1)
    assert.near_matrix(X, flow:inverse_transform(flow:transform(X)), 1e-8)
    local own = latent.flow { input_dim = 2, standardize = false, kind = "maf", hidden = 8 }
    own:step(X / 1e4)
    assert.near_matrix({ { 0, 0 } }, own:parameters()["data.mean"], 0)
    assert.near_matrix({ { 1, 1 } }, own:parameters()["data.deviation"], 0)
  end)

  it("sees deviations beside a mean that is a billion times as large", function()
    local X = moons(500, 1)
    local near = latent.flow { input_dim = 2, hidden = 16, seed = 2 }:fit(X, { epochs = 20 })
    local far = latent.flow { input_dim = 2, hidden = 16, seed = 2 }:fit(X + 1e9, { epochs = 20 })
    assert.near(near:score(X), far:score(X + 1e9), 1e-4)
    assert.near_matrix(1e9 + X, far:inverse_transform(far:transform(X + 1e9)), 1e-6)
  end)

  it("has the units of all rows of a fit, or of the first 4,096 or so of steps", function()
    local quiet = matrix.zeros(6000)
    for i = 7, 6000, 170 do quiet[i] = 3 end -- few batches have such a row
    local X = matrix.normal(6000, 2, 1) % matrix { { 2, 0.03 } } + matrix.hstack { matrix.ones(6000), quiet }
    local function of(flow, rows)
      local seen, P = X:block(1, rows), flow:parameters()
      assert.near_matrix(seen:mean(1), (P["data.mean"] + P["data.rest"])[1], 1e-12)
      assert.near_matrix(seen:var(1):sqrt(), P["data.deviation"][1], 1e-12)
    end
    local flow = latent.flow { input_dim = 2, hidden = 4, dtype = "float64" }
    local first, steps = matrix.zeros(1, 2), 0
    for x in latent.batches(X, 100, { shuffle = false }) do
      flow:step(x)
      steps = steps + 1
      if steps == 1 then first = flow:parameters()["data.deviation"]:copy() end
      if steps == 1 or steps == 10 or steps == 41 then of(flow, 100 * steps) end
    end
    of(flow, 4100)
    assert.is_true(math.abs(first(1, 2) / flow:parameters()["data.deviation"](1, 2) - 1) > 1e-3)
    of(latent.flow({ input_dim = 2, hidden = 4, dtype = "float64" }):fit(X, { epochs = 1 }), 6000)
  end)

  it("begins actnorm layers as the data need", function()
    local X = matrix.normal(2000, 2, 1) % matrix { { 3, 0.2 } } + matrix { { 5, -1 } }
    local flow = latent.flow { input_dim = 2, layers = { "actnorm" }, standardize = false, optimizer = "sgd",
      learning_rate = 1e-12 }
    flow:step(X)
    local Z = flow:transform(X)
    assert.near_matrix({ 0, 0 }, Z:mean(1), 1e-4)
    assert.near_matrix({ 1, 1 }, Z:var(1), 1e-3)
  end)

  it("goes on exactly from a file, and is the same for every number of threads", function()
    local path, before = os.tmpname(), latent.threads()
    local function fit(threads, stop)
      latent.threads(threads)
      local flow = latent.flow { input_dim = 2, layers = MANY, seed = 5, learning_rate = 2e-3, warm_up = 3 }
      if stop then
        flow:fit(moons(700, 1), { epochs = 1, batch = 300 })
        assert(flow:save(path))
        flow = assert(latent.load(path))
        flow:fit(moons(700, 1), { epochs = 1, batch = 300 })
      else
        flow:fit(moons(700, 1), { epochs = 2, batch = 300 })
      end
      return flow, flow:log_likelihood(moons(50, 2))
    end
    local flow, whole = fit(1)
    local again, parts = fit(2, true)
    latent.threads(before)
    os.remove(path)
    assert.is_true(whole == parts)
    assert.same({ flow.iterations, flow.epochs, flow.history }, { again.iterations, again.epochs, again.history })
    assert.equal(flow:free_parameters(), again:free_parameters())
  end)

  it("keeps the parameters of the best epoch", function()
    local flow = latent.flow { input_dim = 2, hidden = 32, learning_rate = 2e-2, seed = 1 }
    local held = moons(300, 4)
    flow:fit(moons(100, 1), { epochs = 60, batch = 50, validation = held, patience = 5 })
    assert.is_true(flow.converged)
    local best = math.huge
    for _, loss in ipairs(flow.validation_history) do best = math.min(best, loss) end
    assert.near(best, -flow:score(held), 1e-5)
  end)

  it("has the density of a map of one's own", function()
    -- x = (sinh(z1), z2 + z1^2): z = (asinh(x1), x2 - z1^2), with the Jacobian 1/sqrt(1 + x1^2)
    local function z(X)
      local first = X:col(1):map(function(x) return math.log(x + math.sqrt(x * x + 1)) end)
      return matrix.hstack { first, X:col(2) - first ^ 2 }
    end
    local function log_det(X) return (X:col(1) ^ 2 + 1):log() * -0.5 end
    local function log_density(X) -- as latent.help "latent.flow" has it
      local Z = z(X)
      return (Z ^ 2):sum(2) * -0.5 - Z.cols / 2 * math.log(2 * math.pi) + log_det(X)
    end
    local n, half = 500, 60
    local grid = matrix(n * n, 2, function(i, j)
      local at = (j == 1 and (i - 1) % n or (i - 1) // n) + 0.5
      return j == 1 and -half + 2 * half * at / n or -8 + 30 * at / n
    end)
    assert.near(1, log_density(grid):exp():sum() * (2 * half / n) * (30 / n), 5e-3)
    local flow = trained({ input_dim = 2, dtype = "float64", hidden = 8 }, moons(100, 1))
    z, log_det = function(X) return flow:transform(X) end, function(X) return flow:log_det(X) end
    assert.near_matrix(flow:log_likelihood(grid), log_density(grid), 1e-8)
  end)

  it("has the density 0 where numbers overflow", function()
    local far = matrix { { 1e30, -1e30 }, { 1e300, 0 }, { 0, -1e300 } }
    for _, kind in ipairs(KINDS) do
      local flow = trained(with(kind, { input_dim = 2, hidden = 8 }), moons(100, 1), 5)
      for i = 1, 3 do assert.is_true(flow:log_likelihood(far[i]) < -1e20, kind.kind) end
    end
  end)

  it("says that its samples are those of an untrained model", function()
    local flow = latent.flow { input_dim = 2 }
    flow:sample(3)
    assert.is_truthy(flow.note:find("untrained", 1, true))
    flow:step(moons(50, 1))
    assert.is_nil(flow.note)
    flow:sample(3)
    assert.is_nil(flow.note)
  end)

  it("names what is wrong", function()
    local flow, X = latent.flow { input_dim = 2, hidden = 8 }, moons(20, 1)
    local constant = matrix.hstack { X:col(1), matrix.ones(20) * 3 }
    fails("flow:fit: column 2 of X is constant (3): its density has no bound", flow.fit, flow, constant)
    fails("flow:step: column 2 of X is constant (3)", flow.step, flow, constant)
    fails("flow:step: X has 3 columns, the model takes 2", flow.step, flow, matrix.zeros(4, 3))
    local hole = X:copy()
    hole:set(7, 2, 0 / 0)
    for _, method in ipairs { "step", "fit", "log_likelihood", "transform", "loss" } do
      fails("X has NaN at row 7, column 2", flow[method], flow, hole)
    end
    fails("a context is for flows that are made with context_dim", flow.step, flow, X, { context = matrix.ones(20, 1) })
    fails("unknown option 'labels'", flow.step, flow, X, { labels = { 1 } })
    local conditional = latent.flow { input_dim = 2, context_dim = 3, hidden = 8 }
    fails("the flow is conditional: the context is missing", conditional.step, conditional, X)
    fails("context has 5 rows, X has 20", conditional.step, conditional, X, { context = matrix.ones(5, 3) })
    fails("the context is 20x2, for 20 rows it must be 20x3", conditional.step, conditional, X,
      { context = matrix.ones(20, 2) })
    fails("the context has 5 rows, X has 20", conditional.fit, conditional, X, { context = matrix.ones(5, 3) })
    fails("log p of row 2 is NaN: its context or a parameter is too large", conditional.log_likelihood, conditional,
      X:block(1, 2), { context = { { 0, 0, 0 }, { 0, 1e300, 0 } } })
    local uniform = latent.flow { input_dim = 2, base = "uniform", hidden = 8 }
    fails("Z(1,2) is 1: of a uniform base it is within (0, 1)", uniform.inverse_transform, uniform, { { 0.5, 1 } })
    fails("flow: the option input_dim is missing", latent.flow)
    fails("flow: the option input_dim is missing", latent.flow, {})
    fails("layer 2 (masked_affine): a hidden width of 4 is too narrow to tell 8 columns apart: it must be at least 7",
      latent.flow, { input_dim = 8, layers = { "affine", { "masked_affine", hidden = { 16, 4 } } } })
    fails("layer 1: unknown kind 'splin', did you mean 'spline'?", latent.flow, { input_dim = 2, layers = { "splin" } })
    fails("layer 1 (spline): bins must be", latent.flow, { input_dim = 2, layers = { { "spline", bins = 1 } } })
    fails("layer 1 (affine): bins is for splines", latent.flow, { input_dim = 2, layers = { { "affine", bins = 4 } } })
    for kind, unused in pairs { nsf = { "bound" }, maf = { "bins", "box" }, realnvp = { "bins", "box" } } do
      for _, name in ipairs(unused) do
        local of = name == "bound" and "affine layers" or "splines"
        fails(("flow: %s is for %s, of which kind = \"%s\" has none"):format(name, of, kind), latent.flow,
          { input_dim = 2, kind = kind, [name] = 3 })
      end
    end
    fails("flow: bins is for splines, and none of the layers is one", latent.flow,
      { input_dim = 2, layers = { "affine", "permute" }, bins = 8 })
    fails("flow: hidden is for couplings and masked layers, and none of the layers is one", latent.flow,
      { input_dim = 2, layers = { "planar", "planar" }, hidden = 8 })
    -- of several layers one is enough
    local mixed = { input_dim = 2, layers = { "affine", "spline" }, hidden = 8, bins = 4, box = 3, bound = 1 }
    assert.equal("flow", tostring(latent.flow(mixed)):match "%a+")
    fails("unknown option 'bims', did you mean 'bins'?", latent.flow,
      { input_dim = 2, layers = { { "spline", bims = 4 } } })
    fails("got a table that is neither a list nor has names only", latent.flow,
      { input_dim = 2, layers = { "spline", bins = 4 } })
    fails("layer 2: it must be its kind, or {kind, option = value, ...}", latent.flow,
      { input_dim = 2, layers = { "affine", { "spline", kind = "affine" } } })
    fails("layer 1: it must be its kind, or {kind", latent.flow, { input_dim = 2, layers = { { "spline", 8 } } })
    fails("none of the layers has parameters", latent.flow, { input_dim = 2, layers = { "permute" } })
    fails("layers are instead of a kind", latent.flow, { input_dim = 2, kind = "maf", layers = { "affine" } })
  end)

  it("refuses a step that isn't finite, and stays as it was", function()
    local flow = latent.flow { input_dim = 2, kind = "maf", layers = 1, hidden = 8, bound = math.huge }
    flow:step(moons(50, 1))
    local before = flow:log_likelihood(moons(10, 2))
    local b = flow:parameters()["layer1.2.bias"]
    local kept = b:copy()
    b:fill(1e30)
    assert.is_false(pcall(flow.step, flow, moons(50, 1)))
    b:assign(kept)
    assert.near_matrix(before, flow:log_likelihood(moons(10, 2)), 0)
  end)
end)
