-- latent.batches: the rows of a matrix a few at a time, in random order.

local latent = require "latent"
local check = require "latent.check"
local matrix = latent.matrix

local OPTIONS = { seed = true, shuffle = "boolean", out = "userdata", dtype = "string", scale = "number",
  binarize = "string", labels = true }

local function checked(X, size, options)
  X = check.matrix("batches", "X", X, size)
  size = check.integer("batches", "size", size, 1)
  options = check.options("batches", options, OPTIONS)
  local out, scale = options.out, options.scale
  check.word("batches", "binarize", options.binarize, { "dynamic", "static", "threshold" })
  check.word("batches", "dtype", options.dtype, { "float32", "float64" })
  if scale and scale - scale ~= 0 then check.fail("batches", "scale must be finite, got %s", scale) end
  if out and not check.is_matrix(out) then check.fail("batches", "out must be a matrix, got %s", check.show(out)) end
  if out and (out.cols ~= X.cols or #out < math.min(size, #X)) then
    check.fail("batches", "out must be a matrix of %d columns and at least %d rows", X.cols, math.min(size, #X))
  end
  -- what a batch would overwrite is still to come
  for _, name in ipairs(out and { "X", "labels" } or {}) do
    local other = name == "X" and X or options.labels
    if check.is_matrix(other) and latent._shares(other, out) then
      check.fail("batches", "out shares memory with %s: a batch would overwrite rows that are to come", name)
    end
  end
  return X, size, options
end

return function(X, size, options)
  X, size, options = checked(X, size, options)
  local n, last = #X, 0
  local labels = options.labels
  if labels ~= nil then labels = check.count("batches", "labels", check.matrix("batches", "labels", labels), n) end
  local random = check.random("batches", options.seed)
  local order = options.shuffle ~= false and random:permutation(n)
  local dtype = options.dtype or X.dtype
  local plain = not (options.scale or options.binarize or options.out) and dtype == X.dtype
  return function()
    if last == n then return nil end
    local first = last + 1
    last = math.min(last + size, n)
    local rows = order and order:block(first, last) or matrix.range(first, last)
    local y = labels and labels:rows_at(rows)
    if plain then return order and X:rows_at(rows) or X:block(first, last), rows, y end
    local out = options.out and options.out:block(1, #rows) or dtype
    return check.call(latent._gather, X, rows, out, options.scale or 1, options.binarize, random), rows, y
  end
end
