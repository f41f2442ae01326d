-- The option `out` of every function that has it: any strides, memory shared with arguments, files.
local latent = require "latent"
local helper = require "helper"
local matrix = latent.matrix
local fails = helper.fails

local function data(rows, cols, seed) return matrix.normal(rows, cols, latent.random(seed)) end

-- Places of rows x cols (no cols: a vector) within a larger matrix full of 99, which comes with them.
local function places(rows, cols, dtype)
  local function room() return matrix(3 * rows + 3, 3 * (cols or rows) + 3, 99, { dtype = dtype }) end
  local a, b, c = room(), room(), room()
  if not cols then
    return {
      { a:col(2):block(2, rows + 1), a }, -- strided
      { b[2]:block(2, rows + 1), b },
      { c:block(2, rows + 1, 3, 3), c }, -- an n x 1 matrix is a vector of n
    }
  end
  local wide = matrix(3 * cols + 3, 3 * rows + 3, 99, { dtype = dtype })
  local list = {
    { a:block(2, rows + 1, 3, cols + 2), a },
    { wide:block(2, cols + 1, 3, rows + 2):t(), wide }, -- a transpose
  }
  if cols == 1 then list[3] = { c:col(3):block(2, rows + 1), c } end -- and a vector of n is n x 1
  return list
end

-- What isn't 99 in `all`: how many elements.
local function written(all) return all:ne(99):sum() end

local X = data(7, 3, 1)
local one = data(7, 1, 2)
local square = data(7, 7, 3)

-- name, f(A, options) -> result, A; and whether f takes A for itself (so that `out` may be A's memory)
local function cases()
  local list = {}
  local function add(name, f, A) list[#list + 1] = { name = name, f = f, A = A } end
  for _, method in ipairs { "exp", "abs", "cumsum" } do
    add("A:" .. method, function(A, o) return A[method](A, o) end, X)
  end
  add("A:cumsum(2)", function(A, o) return A:cumsum(2, o) end, X)
  add("A:add", function(A, o) return A:add(A[1], o) end, X)
  add("A:clamp", function(A, o) return A:clamp(-0.5, 0.5, o) end, X)
  add("A:where", function(A, o) return A:where(A:gt(0), A:mean(1), o) end, X)
  add("A:map", function(A, o) return A:map(function(x, i, j) return x * i + j end, o) end, X)
  for _, method in ipairs { "sum", "mean", "var", "std", "min", "max", "argmin", "argmax", "any", "all", "product",
    "median" } do
    for dim = 1, 2 do add(("A:%s(%d)"):format(method, dim), function(A, o) return A[method](A, dim, o) end, square) end
  end
  add("A:quantile", function(A, o) return A:quantile(0.3, 1, o) end, square)
  add("A:matmul", function(A, o) return A:matmul(A:t(), o) end, square)
  add("A:matmul(v)", function(A, o) return A:matmul(A:col(2), o) end, square)
  add("A:outer", function(A, o) return A:col(1):outer(A[2], o) end, square)
  add("scaler:transform", function(A, o) return latent.scaler():fit(X):transform(A, o) end, X)
  add("scaler:inverse_transform", function(A, o) return latent.scaler():fit(X):inverse_transform(A, o) end, X)
  add("scaler of a row", function(A, o) return latent.scaler():fit(X):transform(A[2], o) end, X)
  add("kmeans:transform", function(A, o) return latent.kmeans { clusters = 3 }:fit(X):transform(A, o) end, X)
  add("kmeans of a row", function(A, o) return latent.kmeans { clusters = 3 }:fit(X):transform(A[2], o) end, X)
  for _, M in ipairs { 1, 2 } do
    for _, name in ipairs { "pca", "ica" } do
      local model = latent[name] { latent_dim = M }:fit(X)
      local Z = model:transform(X)
      local label = ("%s of %d:"):format(name, M)
      add(label .. "transform", function(A, o) return model:transform(A, o) end, X)
      add(label .. "reconstruct", function(A, o) return model:reconstruct(A, o) end, X)
      add(label .. "inverse_transform", function(A, o) return model:inverse_transform(A, o) end, Z)
      add(label .. "transform of a row", function(A, o) return model:transform(A[2], o) end, X)
      add(label .. "reconstruct of a row", function(A, o) return model:reconstruct(A[2], o) end, X)
    end
  end
  for _, name in ipairs { "pca", "ica" } do
    local model = latent[name]():fit(one)
    for _, method in ipairs { "transform", "reconstruct", "inverse_transform" } do
      add(("%s:%s of one column"):format(name, method), function(A, o) return model[method](model, A, o) end, one)
      add(("%s:%s of a vector"):format(name, method), function(A, o)
        return model[method](model, A:col(1), o)
      end, one)
    end
  end
  local models = { latent.gmm { components = 2 }, latent.gmm { components = 2, covariance = "diag" },
    latent.mppca { components = 2 }, latent.ppca { latent_dim = 2 }, latent.fa {}, latent.kmeans { clusters = 2 } }
  for i, model in ipairs(models) do
    model:fit(X)
    local known = {}
    for _, method in ipairs(latent.describe(({ "gmm", "gmm", "mppca", "ppca", "fa", "kmeans" })[i]).methods) do
      known[method.name] = true
    end
    for _, method in ipairs { "log_likelihood", "predict", "responsibilities", "transform", "reconstruct", "impute" } do
      if known[method] then
        add(("%s %d:%s"):format(model, i, method), function(A, o) return model[method](model, A, o) end, X)
      end
    end
  end
  local store = latent.nn.parameters { dtype = "float64" }:add("w", 4, 3, { init = "he" })
  add("store:get", function(_, o) return store:get("w", o) end, X)
  local tape = latent.nn.tape(latent.nn.parameters { dtype = "float64" })
  add("value:matrix", function(A, o) return tape:input(A):matrix(o) end, X)
  return list
end

local function is_vector(A) return type(A[1]) == "number" end

describe("out", function()
  for _, case in ipairs(cases()) do
    it("takes any strides, and nothing else is touched: " .. case.name, function()
      local expected = case.f(case.A:copy())
      for i, place in ipairs(places(expected.rows, not is_vector(expected) and expected.cols or nil,
        expected.dtype)) do
        local out, all = place[1], place[2]
        local A = case.A:copy()
        assert.are.equal(out, case.f(A, { out = out }))
        assert.is_true((expected:flatten() == out:flatten()), "place " .. i)
        assert.are.equal(expected.rows * expected.cols, written(all))
        assert.is_true(A == case.A)
      end
    end)

    it("may be memory of an argument: " .. case.name, function()
      local A, expected = case.A, case.f(case.A)
      local rows, cols = expected.rows, expected.cols
      -- the argument is a block of `room`, and `out` every block of room of the result's shape
      local height, width = math.max(A.rows, rows) + 2, math.max(A.cols, cols) + 2
      for r = 1, height - rows + 1 do
        for c = 1, width - cols + 1 do
          for _, turned in ipairs { false, true } do
            local room = matrix.zeros(height, width)
            local argument = room:block(2, A.rows + 1, 2, A.cols + 1)
            argument:assign(A)
            local out
            if turned and height >= c + rows - 1 and r + cols - 1 <= height and c + rows - 1 <= width then
              out = room:block(r, r + cols - 1, c, c + rows - 1):t()
            else
              out = room:block(r, r + rows - 1, c, c + cols - 1)
            end
            expected = case.f(argument)
            case.f(argument, { out = out })
            assert.is_true(expected:flatten() == out:flatten(),
              ("at %d, %d%s"):format(r, c, turned and " turned" or ""))
          end
        end
      end
    end)
  end

  it("may be the model's own parameters", function()
    local p = latent.pca():fit(X)
    local expected = p:reconstruct(X:block(1, 3))
    assert.is_true(expected == p:reconstruct(X:block(1, 3), { out = p.components }))
    local k = latent.kmeans { clusters = 3 }:fit(X)
    expected = k:transform(X:block(1, 3))
    assert.is_true(expected == k:transform(X:block(1, 3), { out = k.centers }))
    local s = latent.scaler():fit(X)
    expected = s:transform(X[2])
    assert.is_true(expected == s:transform(X[2], { out = s.deviation }))
  end)

  it("is filled by random numbers in any place", function()
    for _, draw in ipairs { "uniform", "normal", "exponential" } do
      local expected = latent.random(5)[draw](latent.random(5), 4, 3)
      for _, place in ipairs(places(4, 3)) do
        latent.random(5)[draw](latent.random(5), { out = place[1] })
        assert.near_matrix(expected, place[1], 1e-15)
        assert.are.equal(12, written(place[2]))
      end
    end
    local v = matrix.zeros(5)
    assert.are.equal(v, latent.random(1):integer(1, 6, 5, { out = v }))
    local gamma = latent.random(2):gamma(2.5, 5)
    for _, place in ipairs(places(5)) do
      latent.random(2):gamma(2.5, 5, { out = place[1] })
      assert.near_matrix(gamma, place[1]:flatten(), 0)
    end
  end)

  it("of batches is no memory of the data or the labels", function()
    local A = data(8, 3, 4)
    fails("batches: out shares memory with X", latent.batches, A, 4, { out = A:block(3, 6) })
    local room = matrix.zeros(8, 4)
    fails("batches: out shares memory with labels", latent.batches, A, 4,
      { out = room:block(1, 4, 1, 3), labels = room:col(2) })
    for _, place in ipairs(places(4, 3)) do
      local sum = matrix.zeros(3)
      for x in latent.batches(A, 4, { seed = 1, out = place[1] }) do sum = sum + x:sum(1) end
      assert.near_matrix(A:sum(1), sum, 1e-14)
      assert.are.equal(12, written(place[2]))
    end
  end)

  it("has the result's shape and dtype, and can be written", function()
    local path = os.tmpname() .. ".npy"
    latent.write(path, X)
    local file = assert(latent.open(path))
    local p = latent.pca { latent_dim = 3 }:fit(X)
    fails("pca:reconstruct: out is a mapped file", p.reconstruct, p, X, { out = file })
    fails("A:exp: out is a mapped file", X.exp, X, { out = file:t():t() })
    fails("A:sum: out is a mapped file", X.sum, X, 1, { out = file[1] })
    fails("batches: out is a mapped file", function()
      for _ in latent.batches(X:copy(), 7, { out = file }) do end
    end)
    os.remove(path)
    fails("pca:transform: out is a 3x7 matrix float64, the result is 7x3 float64", p.transform, p, X,
      { out = matrix.zeros(3, 7) })
    fails("the result is 3x1 float64", p.transform, p, X[1], { out = matrix.zeros(1, 3) })
    fails("the result is 7x3 float64", p.transform, p, X, { out = matrix.zeros(7, 3):to "float32" })
    fails("out must be a matrix, got table", p.transform, p, X, { out = {} })
  end)

  it("is a list where there are several results", function()
    local model = latent.gmm { components = 2 }:fit(X)
    local bound, divergence = model:elbo(X)
    local b, d = matrix.zeros(7, 3), matrix.zeros(7)
    local first, second = model:elbo(X, nil, { out = { b:col(2), d } })
    assert.is_true(first == bound and b:col(2) == bound and rawequal(second, d) and d == divergence)
    first, second = model:elbo(X, nil, { out = { [2] = d } })
    assert.is_true(first == bound and rawequal(second, d))
    first, second = model:elbo(X, nil, { out = d })
    assert.is_true(rawequal(first, d) and d == bound and second == divergence)
    fails("out is a vector of 7 float64, the result is 1x1 float64", model.elbo, model, X[1], nil, { out = { d } })
  end)

  it("holds what would be a number, of one row, and allocates nothing", function()
    local model, row = latent.gmm { components = 2 }:fit(X), X[2]:copy()
    for _, method in ipairs { "log_likelihood", "predict", "responsibilities" } do
      local expected = model[method](model, X)
      local options = { out = matrix.zeros(method == "responsibilities" and 2 or 1) }
      local out = model[method](model, row, options)
      assert.is_true(rawequal(out, options.out))
      assert.equal(method == "responsibilities" and expected(2, 1) or expected[2], out[1])
      collectgarbage()
      collectgarbage "stop"
      local before = collectgarbage "count"
      for _ = 1, 100 do model[method](model, row, options) end
      local bytes = (collectgarbage "count" - before) * 1024 / 100
      collectgarbage "restart"
      assert.is_true(bytes < 8, ("%s: %g bytes a call"):format(method, bytes))
    end
  end)

  it("isn't for what is one number of all rows", function()
    local model = latent.gmm { components = 2 }:fit(X)
    fails("unknown option 'out'", model.score, model, X, { out = matrix.zeros(1) })
    local classes = latent.classifier(function() return latent.gmm() end):fit(X, { 1, 1, 1, 2, 2, 2, 2 })
    fails("unknown option 'out'", classes.predict, classes, X, { out = matrix.zeros(7) })
  end)
end)
