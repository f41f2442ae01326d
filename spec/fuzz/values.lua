-- values.lua: what random calls are made with. values.new(draw) gives a maker of values of the types that the
-- documentation names, and of wrong ones; draw is the source of chance: draw.below(n), draw.pick(list),
-- draw.chance(p). Everything follows from the seed.
local latent = require "latent"
local docs = require "latent.docs.init"
local matrix, nn = latent.matrix, latent.nn

local values = {}

local N, D = 40, 3 -- rows and columns of most data, so that calls come through

local NUMBERS = { 0, 1, -1, 2, 3, 5, 0.5, -0.5, 0.1, 1e-3, 1e-300, 1e300, 1e160, 1.5, 0 / 0, 1 / 0, -1 / 0, -0.0,
  math.maxinteger, math.mininteger, 2^53, 1e15, 100, 7 }
local INTEGERS = { 0, -1, -2, 7, 10, 40, 100, math.maxinteger, math.mininteger, 1 << 53, 1 << 62, 2.5, 0 / 0, 1 / 0 }
local NAMES = { "a", "b", "c", "weight", "net", "net.1.weight", "net.2.bias" }
local PATHS = { "a.npy", "b.npy", "c.csv", "d.tsv", "e.safetensors", "f.safetensors", "g.txt", "no/such.npy", "h.idx",
  "i.npy.gz", "j.csv.gz", "k.svg", "l.png", "", "m.unknown", "n.npz", "-ubyte", ".npy", "a\0b.npy" }

-- The words that the documentation has in quotes: of options and of arguments.
local function words_of(docs_)
  local words, seen = { "", "nonsense", ("x"):rep(3000), "a\0b", "\xff\xfe", "%s%n", "1e3" }, {}
  for _, module in ipairs(docs_) do
    for _, entry in ipairs(module) do
      for _, list in ipairs{ entry.args or {}, entry.options or {} } do
        for _, item in ipairs(list) do
          for word in table.concat(item, " "):gmatch '"([%w_%-+.]+)"' do
            if not seen[word] then
              seen[word] = true
              words[#words + 1] = word
            end
          end
        end
      end
    end
  end
  return words
end

local WORDS = words_of(docs)

-- The words of one option.
local function own_words(item)
  local list = {}
  for word in table.concat(item, " "):gmatch '"([%w_%-+.]+)"' do list[#list + 1] = word end
  return list
end

function values.new(draw)
  local below, pick, chance = draw.below, draw.pick, draw.chance
  local v = { pool = {}, frames = {}, callables = {} }

  function v.number()
    return chance(0.6) and pick{ 1, 2, 0.5, 0.1, 3, 1e-3 } or pick(NUMBERS)
  end

  function v.integer()
    return chance(0.85) and 1 + below(5) or pick(INTEGERS)
  end

  function v.string() return chance(0.5) and pick(WORDS) or pick(NAMES) end

  function v.path() return pick(PATHS) end

  -- ---- matrices ----------------------------------------------------------------

  local fills = {
    normal = function(n, m, dtype) return matrix.normal(n, m, below(1000), { dtype = dtype }) end,
    binary = function(n, m, dtype) return matrix.normal(n, m, below(1000)):gt(0):to(dtype) end,
    counts = function(n, m, dtype) return matrix(n, m, function() return below(5) end):to(dtype) end,
    labels = function(n, m, dtype) return matrix(n, m, function() return 1 + below(2) end):to(dtype) end,
    constant = function(n, m, dtype) return matrix(n, m, v.number()):to(dtype) end,
    positive = function(n, m, dtype) return (matrix.normal(n, m, below(1000)):abs() + 0.1):to(dtype) end,
    holes = function(n, m, dtype)
      local X = matrix.normal(n, m, below(1000))
      for _ = 1, 3 do X:set(1 + below(n), 1 + below(m), chance(0.8) and 0 / 0 or v.number()) end
      return X:to(dtype)
    end,
    extreme = function(n, m, dtype)
      return (matrix.normal(n, m, below(1000)) * pick{ 1e150, 1e300, 1e-160, 1e-300, 1e30, 1e-30 }):to(dtype)
    end,
    same_columns = function(n, m, dtype)
      local X = matrix.normal(n, m, below(1000))
      for j = 2, m do X:col(j):assign(X:col(1)) end
      return X:to(dtype)
    end,
    definite = function(n, m, dtype)
      local A = matrix.normal(n, n, below(1000))
      return n == m and (A * A:t() + matrix.eye(n)):to(dtype) or A:block(1, n, 1, math.min(m, n)):copy():to(dtype)
    end,
  }
  local kinds = { "normal", "normal", "normal", "normal", "binary", "counts", "labels", "constant", "positive", "holes",
    "extreme", "same_columns", "definite" }

  -- A view of n x m inside of a larger matrix, whose border must stay as it is.
  local function framed(X)
    local n, m = X.rows, X.cols
    local turned = chance(0.3)
    local B = matrix(turned and m + 4 or n + 4, turned and n + 4 or m + 4, 777):to(X.dtype)
    local view = (turned and B:t() or B):block(3, n + 2, 3, m + 2)
    view:assign(X.cols == 1 and type(X[1]) == "number" and X:column() or X)
    v.frames[1 + below(6)] = { B = B, n = B.rows, m = B.cols }
    return type(X[1]) == "number" and view:col(1) or view
  end

  -- nil, or where a frame has changed.
  function v.broken_frame()
    for _, f in pairs(v.frames) do
      for i = 1, f.n do
        local inside = i > 2 and i < f.n - 1
        for j = 1, f.m do
          if (not inside or j < 3 or j > f.m - 2) and f.B(i, j) ~= 777 then
            return ("element (%d, %d) beside a view of %dx%d is %s"):format(i, j, f.n - 4, f.m - 4, f.B(i, j))
          end
        end
      end
    end
  end

  local function view_of(X)
    local way = below(9)
    if way == 0 then return X:t() end
    if way == 1 then return type(X[1]) ~= "number" and X:col(1 + below(X.cols)) or X end
    if way == 2 then return type(X[1]) ~= "number" and X[1 + below(X.rows)] or X end
    if way == 3 and X.rows > 2 then return X:block(2, X.rows - 1) end
    if way == 4 and type(X[1]) ~= "number" and X.cols > 1 then return X:block(1, X.rows, 2, X.cols) end
    if way == 5 then return X:t():copy():t() end
    return framed(X)
  end

  function v.shape()
    if chance(0.55) then return N, D end
    return pick{ 1, 2, 3, 5, 12, N, 2, 3 }, pick{ 1, 2, 3, 5, 2, 3, 1, 8 }
  end

  function v.fresh_matrix(n, m)
    if not n then n, m = v.shape() end
    local X = fills[pick(kinds)](n, m, chance(0.8) and "float64" or "float32")
    if m == 1 and chance(0.7) then X = X:col(1):copy() end
    return chance(0.3) and view_of(X) or X
  end

  function v.matrix()
    local list = v.pool.Matrix
    if list and chance(0.6) then return pick(list) end
    return v.fresh_matrix()
  end

  function v.vector()
    return v.fresh_matrix(pick{ N, N, N, D, D, 1, 2, 5 }, 1)
  end

  -- ---- tables, functions ---------------------------------------------------------

  function v.list()
    local list = {}
    for i = 1, pick{ 0, 1, 2, 2, D, D, D, 5, N } do list[i] = chance(0.9) and v.number() or v.anything() end
    return list
  end

  function v.rows()
    if chance(0.2) then return { v.anything(), v.anything() } end
    local rows = v.fresh_matrix(pick{ 1, 2, 5, 12 }, D):table()
    if chance(0.1) then rows[#rows + 1] = pick{ {}, "row", { 1 }, false } end
    return rows
  end

  local function plausible(...)
    local first = ...
    if matrix.is(first) then return pick{ first, first, first:copy(), first:sum(), first.rows, first * 2 } end
    if type(first) == "number" then return v.number() end
    return v.anything()
  end

  -- What a function that the library calls may do.
  function v.callback()
    local left, reckless = 1 + below(30), chance(0.3)
    return function(...)
      left = left - 1
      if left < 0 then
        left = 3
        return nil
      end
      local what = below(reckless and 12 or 40)
      if what == 0 then error "callback raises" end
      if what == 1 then error({ token = true }) end
      if what == 2 then coroutine.yield(1) end
      if what == 3 then collectgarbage() end
      if what == 4 then v.nested() end
      if what == 5 then v.refit() end
      if what == 6 and v.pool.Matrix then pcall(function() pick(v.pool.Matrix):fill(v.number()) end) end
      if what == 7 then return false end
      if what == 8 then return v.anything(), v.anything() end
      if what == 9 then return v.fresh_matrix(N, D) end
      return plausible(...)
    end
  end

  -- A function that gives data in chunks, pass after pass; not always the same.
  function v.chunks()
    local X, pieces, i = v.fresh_matrix(12, D), 1 + below(4), 0
    local unruly = chance(0.3)
    return function()
      i = i + 1
      if unruly and chance(0.1) then return v.callback()(X) end
      if i > pieces then
        i = 0
        return nil
      end
      if unruly and chance(0.1) then v.refit() end
      return X, chance(0.1) and v.vector() or nil
    end
  end

  -- ---- by type ---------------------------------------------------------------------

  function v.object(class)
    local list = v.pool[class]
    return list and #list > 0 and pick(list) or nil
  end

  local makers = {
    ["latent.Matrix"] = function() return v.matrix() end,
    number = v.number, integer = v.integer, string = v.string,
    boolean = function() return chance(0.5) end,
    ["function"] = function() return chance(0.4) and v.chunks() or v.callback() end,
    ["number[]"] = v.list, ["integer[]"] = v.list, ["number[][]"] = v.rows,
    ["nil"] = function() return nil end,
    ["string[]"] = function() return { pick(NAMES), pick(NAMES), pick(NAMES) } end,
    ["file*"] = function() return io.tmpfile() end,
    ["latent.Matrix[]"] = function() return { v.matrix(), v.matrix() } end,
  }

  local function item_value(item)
    local kind, name = item[2] or "any", item[1]
    if name == "path" or name == "directory" or name == "checkpoint" then return v.path() end
    if name == "out" then return v.out() end
    if name == "weights" and chance(0.7) then return fills.positive(N, 1, "float64"):col(1) end
    if name == "labels" and chance(0.7) then return fills.labels(N, 1, "float64"):col(1) end
    kind = kind:gsub("%?$", ""):gsub("^%((.*)%)$", "%1"):gsub("fun%(.*", "function")
    local alternatives = {}
    for one in kind:gmatch "[^|]+" do alternatives[#alternatives + 1] = one end
    local one = #alternatives > 0 and pick(alternatives) or "any"
    if one == "string" then
      local own = own_words(item)
      if #own > 0 and chance(0.85) then return pick(own) end
    end
    if makers[one] then return makers[one]() end
    if one == "table" then
      if name == "init" or chance(0.2) then return v.guess_table() end
      return chance(0.5) and v.rows() or v.list()
    end
    local class = one:match "^latent%.(%u%w*)$"
    if class then return v.object(class) end
    return v.anything()
  end

  -- A place for results: of any shape, a view in a frame, the data itself or a part of it.
  function v.out()
    local way = below(6)
    if way == 0 and v.last_data then return v.last_data end
    if way == 1 and v.last_data then return view_of(v.last_data) end
    local m = pick{ 1, 1, 2, 3, 3, 5 }
    local X = fills.normal(pick{ N, N, N, D, 12 }, m, chance(0.85) and "float64" or "float32")
    if m == 1 and chance(0.6) then X = X:col(1) end
    return chance(0.7) and framed(X) or X
  end

  -- A place for a result like X: a view in a frame, or memory of its own.
  function v.place_like(X)
    local vector = X.cols == 1 and type(X[1]) == "number"
    local Y = matrix(X.rows, X.cols, 0.5):to(X.dtype)
    if vector then Y = Y:col(1) end
    return chance(0.8) and framed(Y) or Y
  end

  -- A table with the names of parameters.
  function v.guess_table()
    local t = {}
    for _, name in ipairs{ "means", "covariances", "weights", "centers", "mean", "W", "A", "C", "Q", "R",
      "parameters" } do
      if chance(0.3) then t[name] = chance(0.8) and v.fresh_matrix(pick{ 2, D }, D) or v.anything() end
    end
    return t
  end

  function v.anything()
    local way = below(14)
    if way == 0 then return nil end
    if way == 1 then return chance(0.5) end
    if way == 2 then return v.number() end
    if way == 3 then return v.integer() end
    if way == 4 then return v.string() end
    if way == 5 then return v.list() end
    if way == 6 then return v.callback() end
    if way == 7 then
      return pick{ io.stdout, print, coroutine.create(print), {}, setmetatable({}, { __index = {} }) }
    end
    if way == 8 then return v.vector() end
    if way == 9 then return v.path() end
    local class = pick(v.classes)
    return way < 12 and v.object(class) or v.matrix()
  end

  -- Arguments by an entry of the documentation (or none): a list with its length n.
  function v.arguments(entry)
    local list, n = {}, 0
    local wild = chance(0.25)
    for _, item in ipairs(entry and entry.args or {}) do
      if chance(0.1) and item[2] and item[2]:find "%?$" and item[1] ~= "options" then break end
      n = n + 1
      local value
      if wild and chance(0.4) then
        value = v.anything()
      elseif item[1] == "options" or (item[2] or ""):find "^table" and entry.options then
        value = v.options(entry)
      else
        value = item_value(item)
      end
      if n == 1 and matrix.is(value) then v.last_data = value end
      list[n] = value
    end
    if not entry or wild and chance(0.3) then
      for _ = 1, below(3) do
        n = n + 1
        list[n] = v.anything()
      end
    end
    if wild and chance(0.2) and n > 0 then n = below(n) end
    list.n = n
    return list
  end

  -- Options that take long are small here; the deadline stops what is long all the same.
  local SMALL = { max_iterations = 5, epochs = 2, samples = 8, restarts = 2, latent_dim = 2, components = 3,
    clusters = 3, input_dim = D, hidden = 4, batch = 16, states = 2, size = 3, k = 2 }

  function v.options(entry)
    if chance(0.15) then return nil end
    local t, share = {}, pick{ 0.1, 0.3, 0.6 }
    for _, item in ipairs(entry.options or {}) do
      local small = SMALL[item[1]]
      if small and chance(0.8) then
        t[item[1]] = item[1] == "hidden" and { small } or 1 + below(small)
        if item[1] == "input_dim" then t.input_dim = D end
      elseif chance(share) then
        t[item[1]] = chance(0.93) and item_value(item) or v.anything()
      end
    end
    if chance(0.03) then t[pick{ "nonsense", "seeds", "otu", 1, true }] = v.anything() end
    return t
  end

  -- ---- the first objects --------------------------------------------------------------

  function v.keep(value, class)
    local list = v.pool[class] or {}
    v.pool[class] = list
    if #list < 8 then list[#list + 1] = value else list[1 + below(8)] = value end
  end

  local function start()
    for _ = 1, 6 do v.keep(v.fresh_matrix(), "Matrix") end
    v.keep(fills.definite(D, D, "float64"), "Matrix")
    v.keep(fills.normal(N, D, "float64"), "Matrix")
    assert(latent.write("a.npy", fills.normal(N, D, "float64")))
    assert(latent.write("b.npy", fills.binary(N, D, "float32")))
    assert(latent.write("c.csv", fills.normal(5, D, "float64")))
    assert(latent.write("e.safetensors", { one = fills.normal(5, D, "float64") }))
    v.mapped = assert(latent.open "a.npy")
    v.mapped_sum = v.mapped:sum()
    v.keep(v.mapped, "Matrix")
    v.keep(latent.random(below(100)), "Random")
    local store = nn.parameters{ seed = 1, dtype = chance(0.5) and "float64" or nil }
    local net = nn.mlp(store, "net", { D, 4, 2 }, { activation = "tanh" })
    local tape = nn.tape(store)
    local x = tape:input(fills.normal(5, D, "float64"))
    v.keep(store, "Store") v.keep(net, "Net") v.keep(tape, "Tape") v.keep(x, "Value") v.keep(net(x), "Value")
    v.keep(net(x):mean(), "Value")
    v.keep(nn.adam(store), "Optimizer")
  end

  v.start = start
  v.fills = fills
  v.rows_of_data, v.columns_of_data = N, D
  return v
end

return values
