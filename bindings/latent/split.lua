-- latent.split: data in two parts, to fit a model to one and try it on the other.

local latent = require "latent"
local check = require "latent.check"
local shuffled = require "latent.shuffled"
local matrix = latent.matrix

local WHO = "split"

-- What is split: matrices and lists, as many as there are before the options; and these.
local function arguments(...)
  local given, count = { ... }, select("#", ...)
  while count > 0 and given[count] == nil do count = count - 1 end
  local options = given[count]
  if type(options) == "table" and options[1] == nil then
    count = count - 1
  else
    options = nil
  end
  for i = 1, count do
    if not check.is_matrix(given[i]) and type(given[i]) ~= "table" then
      check.fail(WHO, "argument %d must be a matrix, a list, or the options, got %s%s", i, check.show(given[i]),
        type(given[i]) == "number" and (": { test = %s }"):format(given[i]) or "")
    end
    check.count(WHO, i == 1 and "rows" or ("rows of argument %d"):format(i), given[i], #given[1])
  end
  return given, count, options
end

-- How many of n rows are for the test: a share, or a whole number of them.
local function test_rows(test, n)
  test = test == nil and 0.25 or test
  if math.type(test) == "integer" then return check.integer(WHO, "test", test, 1, n - 1) end
  if type(test) ~= "number" or not (test > 0 and test < 1) then
    check.fail(WHO, "test must be a share between 0 and 1, or a number of rows, got %s", check.show(test))
  end
  return math.max(1, math.min(n - 1, math.floor(test * n + 0.5)))
end

-- The rows of both parts, ascending: those of the test lie at equal distances in a random order, or are the last.
local function parts(n, test, options)
  if options.shuffle == false then
    if options.labels or options.seed then
      check.fail(WHO, "shuffle = false keeps the order of the rows: it has no seed and no labels")
    end
    return matrix.range(1, n - test), matrix.range(n - test + 1, n)
  end
  local order = shuffled(WHO, n, check.random(WHO, options.seed), options.labels)
  local train, tried = {}, {}
  for place, row in ipairs(order) do
    table.insert(place * test // n > (place - 1) * test // n and tried or train, row)
  end
  table.sort(train)
  table.sort(tried)
  return matrix(train), matrix(tried)
end

return function(first, ...)
  local given, count, options = {}, 0, (...)
  local n = type(first) == "number" and check.integer(WHO, "n", first, 2)
  if not n then
    given, count, options = arguments(first, ...)
    if count == 0 then check.fail(WHO, "X must be a matrix or a list, got %s", check.show(first)) end
    n = #given[1]
    if n < 2 then check.fail(WHO, "there must be two rows at least, got %d", n) end
  end
  options = check.options(WHO, options, { test = true, seed = true, labels = true, shuffle = "boolean" })
  local train, test = parts(n, test_rows(options.test, n), options)
  if count == 0 then return train, test end
  local results = {}
  for i = 1, count do
    results[2 * i - 1], results[2 * i] = check.rows_at(given[i], train), check.rows_at(given[i], test)
  end
  return table.unpack(results, 1, 2 * count)
end
