-- latent.folds: the rows of a data set in k parts, each of which is left out once.

local latent = require "latent"
local check = require "latent.check"
local shuffled = require "latent.shuffled"
local matrix = latent.matrix

return function(n, k, options)
  n, k = check.integer("folds", "n", n, 2), check.integer("folds", "k", k, 2)
  if k > n then check.fail("folds", "k is %d, and there are %d rows", k, n) end
  options = check.options("folds", options, { seed = true, labels = true })
  -- dealt out in turns, every fold gets its share of every class, and sizes differ by one at most
  local order = shuffled("folds", n, check.random("folds", options.seed), options.labels)
  local fold = 0
  return function()
    fold = fold + 1
    if fold > k then return nil end
    local train, test = {}, {}
    for place, row in ipairs(order) do
      local into = place % k + 1 == fold and test or train
      into[#into + 1] = row
    end
    table.sort(train)
    table.sort(test)
    return matrix(train), matrix(test)
  end
end
