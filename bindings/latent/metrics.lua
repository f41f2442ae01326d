-- latent.metrics: how far apart samples, labels and matrices are. What takes all pairs of rows is the core's
-- (latent._metrics).

local latent = require "latent"
local check = require "latent.check"
local matrix = latent.matrix

local metrics = {}
for name, f in pairs(latent._metrics) do metrics[name] = f end

-- ---- labels: two ways to say which row is of which class --------------------------------------

-- Labels of the same rows by two sources, as lists.
local function both(who, first_name, first, second_name, second)
  local a, b = check.labels(who, first_name, first), check.labels(who, second_name, second)
  if #a ~= #b then check.fail(who, "%s has %d labels, %s has %d", first_name, #a, second_name, #b) end
  if #a == 0 then check.fail(who, "there are no labels") end
  return a, b
end

-- How many rows have label i of a and label j of b: cells (a list of { i, j, count }), and the sums of both.
local function contingency(a, b)
  local cells, by_pair, of_a, of_b = {}, {}, {}, {}
  for k, i in ipairs(a) do
    local j = b[k]
    local row = by_pair[i]
    if not row then
      row = {}
      by_pair[i] = row
    end
    local cell = row[j]
    if not cell then
      cell = { i, j, 0 }
      row[j], cells[#cells + 1] = cell, cell
    end
    cell[3] = cell[3] + 1
    of_a[i], of_b[j] = (of_a[i] or 0) + 1, (of_b[j] or 0) + 1
  end
  return cells, of_a, of_b
end

local function pairs_of(count) return count * (count - 1) / 2 end

-- Hubert and Arabie 1985.
function metrics.adjusted_rand(truth, predicted, options)
  local who = "metrics.adjusted_rand"
  check.no_options(who, options)
  local a, b = both(who, "truth", truth, "predicted", predicted)
  local cells, of_a, of_b = contingency(a, b)
  local together, in_a, in_b, all = 0, 0, 0, pairs_of(#a)
  for _, cell in ipairs(cells) do together = together + pairs_of(cell[3]) end
  for _, count in pairs(of_a) do in_a = in_a + pairs_of(count) end
  for _, count in pairs(of_b) do in_b = in_b + pairs_of(count) end
  if together == in_a and together == in_b then return 1.0 end -- the same partition
  local expected = in_a * in_b / all
  return (together - expected) / ((in_a + in_b) / 2 - expected)
end

-- The counts of a table in nats, in the order of their size, so that nothing depends on hashes.
local function entropy(counts, n)
  local list, sum = {}, 0
  for _, count in pairs(counts) do list[#list + 1] = count end
  table.sort(list)
  for _, count in ipairs(list) do sum = sum - count / n * math.log(count / n) end
  return sum
end

local MEANS = {
  arithmetic = function(a, b) return (a + b) / 2 end,
  geometric = function(a, b) return math.sqrt(a * b) end,
  min = math.min,
  max = math.max,
}

function metrics.normalized_mutual_information(truth, predicted, options)
  local who = "metrics.normalized_mutual_information"
  options = check.options(who, options, { average = true })
  local average = check.word(who, "average", options.average, { "arithmetic", "geometric", "min", "max" })
  local a, b = both(who, "truth", truth, "predicted", predicted)
  local cells, of_a, of_b = contingency(a, b)
  local n, shared = #a, 0
  for _, cell in ipairs(cells) do
    local count = cell[3]
    shared = shared + count / n * math.log(count / of_a[cell[1]] * (n / of_b[cell[2]]))
  end
  local in_a, in_b = entropy(of_a, n), entropy(of_b, n)
  if in_a == 0 and in_b == 0 then return 1.0 end -- one class, one cluster
  local between = MEANS[average](in_a, in_b)
  return between == 0 and 0.0 or math.max(0, math.min(1, shared / between))
end

function metrics.accuracy(truth, predicted, options)
  local who = "metrics.accuracy"
  check.no_options(who, options)
  local a, b = both(who, "truth", truth, "predicted", predicted)
  local right = 0
  for i, label in ipairs(a) do right = right + (label == b[i] and 1 or 0) end
  return right / #a
end

-- Numbers before strings before others, each in order.
local function before(a, b)
  if type(a) ~= type(b) then return type(a) < type(b) end
  if type(a) == "number" or type(a) == "string" then return a < b end
  return tostring(a) < tostring(b)
end

function metrics.confusion(truth, predicted, options)
  local who = "metrics.confusion"
  options = check.options(who, options, { classes = true })
  local a, b = both(who, "truth", truth, "predicted", predicted)
  local cells, of_a, of_b = contingency(a, b)
  local classes, place = {}, {}
  if options.classes ~= nil then
    classes = check.labels(who, "classes", options.classes)
  else
    for class in pairs(of_a) do classes[#classes + 1] = class end
    for class in pairs(of_b) do classes[#classes + 1] = not of_a[class] and class or nil end
    table.sort(classes, before)
  end
  for k, class in ipairs(classes) do place[class] = k end
  local counts = matrix.zeros(#classes, #classes)
  for _, cell in ipairs(cells) do
    local i, j = place[cell[1]], place[cell[2]]
    if not i or not j then
      check.fail(who, "%s is a label, and none of the classes", check.show(i and cell[2] or cell[1]))
    end
    counts:set(i, j, cell[3])
  end
  return counts, classes
end

-- The class that counts as positive: the given one, else the larger of two numbers, or true.
local function positive_of(who, classes, given)
  if given ~= nil then
    given = math.tointeger(given) or given
    for _, class in ipairs(classes) do
      if class == given then return given end
    end
    check.fail(who, "positive is %s, which no row is", check.show(given))
  end
  local a, b = classes[1], classes[2]
  if #classes == 2 and type(a) == "boolean" and type(b) == "boolean" then return true end
  if #classes == 2 and type(a) == "number" and type(b) == "number" then return math.max(a, b) end
  check.fail(who, "truth has %d classes, the first is %s: say which one is positive, { positive = ... }", #classes,
    check.show(a))
end

-- By the sum of the ranks of the positive rows (Mann and Whitney 1947); rows of the same score have their mean rank.
function metrics.auc(truth, scores, options)
  local who = "metrics.auc"
  options = check.options(who, options, { positive = true })
  scores = check.matrix(who, "scores", scores):flatten()
  local labels = check.count(who, "labels", check.labels(who, "truth", truth), #scores)
  local classes = check.group(labels)
  if #classes < 2 then check.fail(who, "truth must have two classes, and all is %s", check.show(classes[1])) end
  local positive = positive_of(who, classes, options.positive)
  local sorted, order = scores:sort()
  if sorted[#sorted] ~= sorted[#sorted] then check.fail(who, "scores has NaN") end
  sorted, order = sorted:table(), order:table()
  local ranks, count, first = 0, 0, 1
  for i = 1, #sorted do
    if sorted[i + 1] ~= sorted[i] then
      local of_these = 0
      for k = first, i do of_these = of_these + (labels[order[k] // 1 | 0] == positive and 1 or 0) end
      ranks, count, first = ranks + of_these * (first + i) / 2, count + of_these, i + 1
    end
  end
  return (ranks - count * (count + 1) / 2) / (count * (#sorted - count))
end

-- Labels as numbers for the core: a vector as it is, other labels by their order of appearance.
local function codes(who, labels, n)
  if check.is_matrix(labels) then return check.count(who, "labels", labels:flatten(), n) end
  labels = check.count(who, "labels", check.labels(who, "labels", labels), n)
  local number, list, count = {}, {}, 0
  for i, label in ipairs(labels) do
    if not number[label] then
      count = count + 1
      number[label] = count
    end
    list[i] = number[label]
  end
  return matrix(list)
end

function metrics.silhouette(X, labels, options)
  local who = "metrics.silhouette"
  check.no_options(who, options)
  X = check.matrix(who, "X", X)
  local values, mean = check.call(latent._metrics.silhouette, X, codes(who, labels, #X))
  return mean, values
end

-- ---- matrices ---------------------------------------------------------------------------------

-- Amari, Cichocki and Yang 1996, of P = U A; divided so that it is at most 1.
function metrics.amari_distance(unmixing, mixing, options)
  local who = "metrics.amari_distance"
  check.no_options(who, options)
  unmixing, mixing = check.matrix(who, "unmixing", unmixing), check.matrix(who, "mixing", mixing)
  if unmixing.cols ~= mixing.rows or unmixing.rows ~= mixing.cols then
    check.fail(who, "unmixing is %dx%d, mixing is %dx%d: their product must be square", unmixing.rows, unmixing.cols,
      mixing.rows, mixing.cols)
  end
  local P, total = unmixing * mixing, 0
  P = (type(P) == "number" and matrix { { P } } or P):abs() -- of two vectors of one
  local n = #P
  if P:isnan():any() or P:max() == math.huge then check.fail(who, "the product has NaN or infinities") end
  if n == 1 then return 0.0 end
  for i = 1, n do
    local row, column = P:row(i), P:col(i)
    if row:max() == 0 or column:max() == 0 then
      check.fail(who, "the product has only zeros in a row or column: a source is lost")
    end
    total = total + row:sum() / row:max() + column:sum() / column:max() - 2
  end
  return math.max(0, total / (2 * n * (n - 1)))
end

-- Gower 1975; the rotation by the SVD of Y'X (Schoenemann 1966).
function metrics.procrustes(X, Y, options)
  local who = "metrics.procrustes"
  options = check.options(who, options, { scaling = "boolean", reflection = "boolean" })
  X, Y = check.matrix(who, "X", X), check.matrix(who, "Y", Y)
  if #X ~= #Y or X.cols ~= Y.cols then
    check.fail(who, "X is %dx%d, Y is %dx%d: rows are pairs of points", #X, X.cols, #Y, Y.cols)
  end
  for name, A in pairs { X = X, Y = Y } do
    if not (A - A):eq(0):all() then check.fail(who, "%s has NaN or infinities", name) end
  end
  local center_x, center_y = X:mean(1), Y:mean(1)
  X, Y = X - center_x, Y - center_y
  local spread_x, spread_y = X:norm(), Y:norm()
  if spread_x == 0 or spread_y == 0 then
    check.fail(who, "all rows of %s are the same", spread_x == 0 and "X" or "Y")
  end
  X, Y = X / spread_x, Y / spread_y
  local U, s, V = (Y:t() * X):svd()
  if options.reflection == false and (U * V:t()):det() < 0 then
    U:col(#s):assign(-U:col(#s))
    s[#s] = -s[#s]
  end
  local rotation = U * V:t()
  local scale = options.scaling == false and 1 or s:sum() * spread_x / spread_y
  local moved = Y * rotation * (scale * spread_y)
  local disparity = ((moved - X * spread_x) / spread_x):square():sum()
  return disparity, moved + center_x,
    { rotation = rotation, scale = scale, offset = center_x - rotation:t() * center_y * scale }
end

return metrics
