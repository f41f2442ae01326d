-- latent.folds: the rows of a data set in k parts, each of which is left out once.

local latent = require "latent"
local check = require "latent.check"
local matrix = latent.matrix

-- The rows 1..n in an order in which each class, in random order itself, comes after the other; dealt
-- out to the folds in turns, every fold gets its share of every class, and sizes differ by one at most.
local function by_class(labels, n, random)
  local who = "folds"
  if check.is_matrix(labels) then labels = labels:flatten():table() end
  if type(labels) ~= "table" then check.fail(who, "labels must be a vector or a list, got %s", check.show(labels)) end
  check.count(who, "labels", labels, n)
  local order, shuffled, result = random:permutation(n):table(), {}, {}
  for k, i in ipairs(order) do
    shuffled[k] = labels[i // 1 | 0]
    if shuffled[k] ~= shuffled[k] then check.fail(who, "label %d is NaN", i // 1 | 0) end
  end
  local classes, places = check.group(shuffled)
  for _, class in ipairs(classes) do
    for _, k in ipairs(places[class]) do result[#result + 1] = order[k] end
  end
  return result
end

return function(n, k, options)
  n, k = check.integer("folds", "n", n, 2), check.integer("folds", "k", k, 2)
  if k > n then check.fail("folds", "k is %d, and there are %d rows", k, n) end
  options = check.options("folds", options, { seed = true, labels = true })
  local random = check.random("folds", options.seed)
  local order = options.labels and by_class(options.labels, n, random) or random:permutation(n):table()
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
