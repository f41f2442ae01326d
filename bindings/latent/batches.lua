-- latent.batches: the rows of a matrix a few at a time, in random order.

local latent = require "latent"
local check = require "latent.check"
local matrix = latent.matrix

return function(X, size, options)
  if type(X) ~= "userdata" and type(X) ~= "table" then
    check.fail("batches", "X must be a matrix, got %s", check.show(X))
  end
  if type(X) == "table" then X = matrix(X) end
  size = check.integer("batches", "size", size, 1)
  options = check.options("batches", options, { seed = true, shuffle = "boolean" })
  local n, last = #X, 0
  local random = type(options.seed) == "userdata" and options.seed or latent.random(options.seed)
  local order = options.shuffle ~= false and random:permutation(n)
  return function()
    if last == n then return nil end
    local first = last + 1
    last = math.min(last + size, n)
    if not order then return X:block(first, last), matrix.range(first, last) end
    local rows = order:block(first, last)
    return X:rows_at(rows), rows
  end
end
