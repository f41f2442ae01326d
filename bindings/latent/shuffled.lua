-- Rows in random order, for latent.folds and latent.split. Not exported.

local check = require "latent.check"

-- The numbers 1..n in random order; with labels class after class (in the order of their first rows), each in random
-- order: then whoever takes rows at equal distances takes each class's share of them.
return function(who, n, random, labels)
  local order = random:permutation(n):table()
  for k, i in ipairs(order) do order[k] = i // 1 | 0 end
  if labels == nil then return order end
  labels = check.count(who, "labels", check.labels(who, "labels", labels), n)
  local shuffled, result = {}, {}
  for k, i in ipairs(order) do shuffled[k] = labels[i] end
  local classes, places = check.group(shuffled)
  for _, class in ipairs(classes) do
    for _, k in ipairs(places[class]) do result[#result + 1] = order[k] end
  end
  return result
end
