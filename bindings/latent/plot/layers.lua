-- Layers of points and lines: the methods points, line, step, band, ribbon, errorbars, vectors, ellipse, ellipses,
-- bars and histogram of figures.

local check = require "latent.check"
local figure = require "latent.plot.figure"
local values = require "latent.plot.values"

local Figure = figure.Figure
local add, begin, numbers = figure.add, figure.begin, values.numbers

-- ---- points ---------------------------------------------------------------------------

local MANY = 20000 -- points; so many are small squares, which are drawn three times as fast as discs

-- Smaller where there are many.
local function size_of(who, given, n)
  if given then return check.number(who, "size", given) end
  return n > MANY and 0.25 or math.max(0.35, math.min(1, 20 / math.sqrt(n + 1)))
end

local function symbol_of(symbol, n) return symbol == "circle" and n > MANY and "square" or symbol end

local function by_value(who, fig, rows, options, bar, style)
  local list = numbers(who, "values", options.values)
  values.same_length(who, "values", list, #rows, "x")
  for i, row in ipairs(rows) do row[3] = list[i] end
  fig.palette = check.word(who, "palette", options.palette or "viridis", values.PALETTES)
  fig.bar = bar
  style.shaded = true
  return add(fig, style)
end

function Figure:points(x, y, options)
  local who = "figure:points"
  options = begin(who, self, options, { classes = true, labels = "table", label = "string", size = "number",
    color = true, values = true, palette = "string", bar = true })
  local rows = values.side_by_side(who, { "x", "y" }, values.places(who, self, x), y)
  local size, bar = size_of(who, options.size, #rows), values.bar(who, options.bar, true)
  if options.values ~= nil and options.classes ~= nil then
    check.fail(who, "values and classes both say what colours are; give one of them")
  end
  local style = { kind = "points", rows = rows, size = size, label = options.label, mark = "o",
    symbol = symbol_of("circle", #rows) }
  if options.values ~= nil then return by_value(who, self, rows, options, bar, style) end
  if options.classes == nil then
    style.color = figure.color(who, self, options.color)
    return add(self, style)
  end
  for _, class in ipairs(values.classes(who, options.classes, options.labels, #rows)) do
    local own = {}
    for i, place in ipairs(class.rows) do own[i] = rows[place] end
    add(self, { kind = "points", rows = own, size = size, label = class.name, mark = class.mark,
      symbol = symbol_of(class.symbol, #rows), color = class.color })
  end
  return self
end

-- ---- lines ----------------------------------------------------------------------------

local LINE = { label = "string", color = true, width = "number", dash = "boolean" }

local function line(who, kind, fig, x, y, options)
  options = begin(who, fig, options, LINE)
  local rows = values.side_by_side(who, { "x", "y" }, values.places(who, fig, x), y)
  return add(fig, { kind = kind, rows = rows, label = options.label, dash = options.dash,
    width = check.number(who, "width", options.width or 2), color = figure.color(who, fig, options.color) })
end

function Figure:line(x, y, options) return line("figure:line", "line", self, x, y, options) end

function Figure:step(x, y, options) return line("figure:step", "step", self, x, y, options) end

local function band(who, fig, x, low, high, color, label)
  local rows = values.side_by_side(who, { "x", "low", "high" }, x, low, high)
  return add(fig, { kind = "band", rows = rows, color = color, label = label })
end

function Figure:band(x, low, high, options)
  local who = "figure:band"
  options = begin(who, self, options, { label = "string", color = true })
  return band(who, self, values.places(who, self, x), low, high, figure.color(who, self, options.color), options.label)
end

function Figure:ribbon(x, y, low, high, options)
  local who = "figure:ribbon"
  options = begin(who, self, options, LINE)
  x = values.places(who, self, x)
  local rows = values.side_by_side(who, { "x", "y" }, x, y)
  local color = figure.color(who, self, options.color)
  band(who, self, x, low, high, color)
  return add(self, { kind = "line", rows = rows, color = color, label = options.label, dash = options.dash,
    width = check.number(who, "width", options.width or 2) })
end

-- ---- error bars and arrows ---------------------------------------------------------------

-- What is below and above y: a number of each, or two.
local function around(who, errors, n)
  local list = values.as_table(errors)
  if type(list) ~= "table" then check.fail(who, "errors must be a vector or a matrix, got %s", check.show(errors)) end
  values.same_length(who, "errors", list, n, "x")
  local below, above = {}, {}
  for i, e in ipairs(list) do
    local pair = values.as_table(e)
    if type(pair) ~= "table" then pair = { e, e } elseif #pair == 1 then pair = { pair[1], pair[1] } end
    pair = numbers(who, ("errors[%d]"):format(i), pair)
    if #pair ~= 2 then check.fail(who, "errors[%d] must be a number or {below, above}, got %d", i, #pair) end
    if pair[1] < 0 or pair[2] < 0 then
      check.fail(who, "errors[%d] must be >= 0, got %g", i, math.min(pair[1], pair[2]))
    end
    below[i], above[i] = pair[1], pair[2]
  end
  return below, above
end

function Figure:errorbars(x, y, errors, options)
  local who = "figure:errorbars"
  options = begin(who, self, options, { label = "string", color = true, size = "number", width = "number" })
  local rows = values.side_by_side(who, { "x", "y" }, values.places(who, self, x), y)
  local below, above = around(who, errors, #rows)
  for i, row in ipairs(rows) do row[3], row[4] = row[2] - below[i], row[2] + above[i] end
  return add(self, { kind = "errors", rows = rows, label = options.label,
    color = figure.color(who, self, options.color), size = check.number(who, "size", options.size or 0.8),
    width = check.number(who, "width", options.width or 1.5) })
end

function Figure:vectors(x, y, dx, dy, options)
  local who = "figure:vectors"
  options = begin(who, self, options, { label = "string", color = true, width = "number" })
  local rows = values.side_by_side(who, { "x", "y", "dx", "dy" }, values.places(who, self, x), y, dx, dy)
  return add(self, { kind = "vectors", rows = rows, label = options.label,
    color = figure.color(who, self, options.color), width = check.number(who, "width", options.width or 1.5) })
end

-- ---- ellipses -----------------------------------------------------------------------------

-- The points m + k L (cos t, sin t), where L L' is the covariance, are those at k deviations.
local function outline(who, mean, covariance, k)
  local m, S = numbers(who, "mean", mean), values.rows_of(who, "covariance", covariance)
  if #m ~= 2 or #S ~= 2 or #S[1] ~= 2 then
    check.fail(who, "mean must have 2 entries and covariance be 2x2, got %d and %dx%d", #m, #S, #S[1])
  end
  local a, b, c = S[1][1], S[2][1], S[2][2]
  if not (a >= 0 and c >= 0 and b * b <= a * c * (1 + 1e-12)) then
    check.fail(who, "covariance must be positive semidefinite")
  end
  local l11 = math.sqrt(a)
  local l21 = a > 0 and b / l11 or 0
  local l22 = math.sqrt(math.max(0, c - l21 * l21))
  local rows, steps = {}, 96
  for i = 0, steps do
    local t = 2 * math.pi * i / steps
    rows[i + 1] = { m[1] + k * l11 * math.cos(t), m[2] + k * (l21 * math.cos(t) + l22 * math.sin(t)) }
  end
  return rows
end

local ELLIPSE = { deviations = "number", label = "string", color = true, width = "number" }

function Figure:ellipse(mean, covariance, options)
  local who = "figure:ellipse"
  options = begin(who, self, options, ELLIPSE)
  local k = check.number(who, "deviations", options.deviations or 2)
  return add(self, { kind = "line", rows = outline(who, mean, covariance, k), label = options.label,
    color = values.color(who, options.color, "#333333"), width = check.number(who, "width", options.width or 2) })
end

-- One ellipse a row of means; of a list of deviations one each.
function Figure:ellipses(means, covariances, options)
  local who = "figure:ellipses"
  options = begin(who, self, options, { deviations = true, label = "string", color = true, width = "number",
    classes = "boolean" })
  local centers, list = values.rows_of(who, "means", means), covariances
  if type(list) ~= "table" then
    check.fail(who, "covariances must be a list of 2x2 matrices, got %s", check.show(list))
  end
  values.same_length(who, "covariances", list, #centers, "means")
  local deviations = options.deviations or { 1, 2 }
  if type(deviations) == "number" then deviations = { deviations } end
  local width, label = check.number(who, "width", options.width or 2), options.label
  for i, center in ipairs(centers) do
    local color = options.classes and values.COLORS[(i - 1) % #values.COLORS + 1]
      or values.color(who, options.color, "#333333")
    for j, k in ipairs(numbers(who, "deviations", deviations)) do
      add(self, { kind = "line", rows = outline(who, center, list[i], check.number(who, "deviations", k)),
        label = label, color = color, width = width / j })
      label = nil
    end
  end
  return self
end

-- ---- bars -------------------------------------------------------------------------------------

-- How far apart the places of bars are: the least distance, 1 for a single one.
local function spacing(list)
  local sorted = { table.unpack(list) }
  table.sort(sorted)
  local least = math.huge
  for i = 2, #sorted do
    local d = sorted[i] - sorted[i - 1]
    if d > 0 then least = math.min(least, d) end
  end
  return least < math.huge and least or 1
end

-- Heights in columns: a list of N, or N rows of a number for each group.
local function heights_of(who, y, n)
  local list = values.as_table(y)
  if type(list) == "table" and type(values.as_table(list[1])) == "table" and #values.as_table(list[1]) > 1 then
    local rows, groups = values.rows_of(who, "y", y), {}
    values.same_length(who, "y", rows, n, "x")
    for i, row in ipairs(rows) do
      for g, value in ipairs(row) do
        groups[g] = groups[g] or {}
        groups[g][i] = value
      end
    end
    return groups
  end
  return { values.same_length(who, "y", numbers(who, "y", y), n, "x") }
end

local MOST_BARS = 10000

function Figure:bars(x, y, options)
  local who = "figure:bars"
  options = begin(who, self, options, { label = "string", labels = "table", color = true, width = "number" })
  local at = numbers(who, "x", values.places(who, self, x))
  local groups = heights_of(who, y, #at)
  if #at * #groups > MOST_BARS then
    check.fail(who, "%d bars, more than %d can't be told apart; histogram counts", #at * #groups, MOST_BARS)
  end
  local names = options.labels and values.texts(who, "labels", options.labels) or { options.label }
  if options.labels then values.same_length(who, "labels", names, #groups, "a row of y") end
  local share = check.number(who, "width", options.width or 0.8)
  local width = spacing(at) * share / #groups
  for g, heights in ipairs(groups) do
    local rows = {}
    for i, height in ipairs(heights) do rows[i] = { at[i] + (g - (#groups + 1) / 2) * width, height, width * 0.96 } end
    local color = #groups == 1 and options.color or nil
    add(self, { kind = "bars", rows = rows, label = names[g], color = figure.color(who, self, color) })
  end
  return self
end

-- ---- histograms -----------------------------------------------------------------------------------

local function finite(who, x)
  local list = {}
  for _, value in ipairs(numbers(who, "x", x)) do
    if values.is_finite(value) then list[#list + 1] = value end
  end
  if #list == 0 then check.fail(who, "x has no finite number") end
  table.sort(list)
  return list
end

-- The wider of Sturges' bins and those of Freedman and Diaconis, as NumPy's "auto" has them, at most 200.
local function count_bins(sorted)
  local n = #sorted
  local span = sorted[n] - sorted[1]
  local function quantile(q)
    local place = 1 + q * (n - 1)
    local i = math.floor(place)
    return sorted[i] + (place - i) * ((sorted[i + 1] or sorted[i]) - sorted[i])
  end
  local sturges = span / (math.log(n, 2) + 1)
  local width = 2 * (quantile(0.75) - quantile(0.25)) / n ^ (1 / 3)
  if width <= 0 or width > sturges then width = sturges end
  return math.max(1, math.min(200, width > 0 and math.ceil(span / width) or 1))
end

-- How many of the numbers are in each of equal bins from low to high, which is in the last one.
local function count(list, low, high, bins)
  local counts, inside = {}, 0
  for k = 1, bins do counts[k] = 0 end
  for _, x in ipairs(list) do
    if x >= low and x <= high then
      local k = math.min(bins, math.floor((x - low) / (high - low) * bins) + 1)
      counts[k], inside = counts[k] + 1, inside + 1
    end
  end
  return counts, inside
end

local function histogram_of(fig, list, o, color, label)
  local counts, inside = count(list, o.low, o.high, o.bins)
  local width, rows = (o.high - o.low) / o.bins, {}
  for k, n in ipairs(counts) do
    rows[k] = { o.low + (k - 0.5) * width, o.density and n / (math.max(1, inside) * width) or n, width }
  end
  return add(fig, { kind = "bars", rows = rows, color = color, label = label, clear = o.clear })
end

function Figure:histogram(x, options)
  local who = "figure:histogram"
  options = begin(who, self, options, { bins = true, range = true, density = "boolean", label = "string",
    color = true, classes = true, labels = "table" })
  local sorted = finite(who, x)
  local low, high = sorted[1], sorted[#sorted]
  if options.range ~= nil then
    local range = values.range(who, "range", options.range)
    low, high = math.min(range[1], range[2]), math.max(range[1], range[2])
  elseif low == high then
    low, high = low - 0.5, high + 0.5
  end
  local o = { low = low, high = high, density = options.density, clear = options.classes ~= nil,
    bins = options.bins and check.integer(who, "bins", options.bins, 1, MOST_BARS) or count_bins(sorted) }
  if self.ylabel == nil then self.ylabel = options.density and "density" or "count" end
  if options.classes == nil then
    return histogram_of(self, sorted, o, figure.color(who, self, options.color), options.label)
  end
  local list = numbers(who, "x", x)
  for _, class in ipairs(values.classes(who, options.classes, options.labels, #list)) do
    local own = {}
    for i, place in ipairs(class.rows) do own[i] = list[place] end
    histogram_of(self, own, o, class.color, class.name)
  end
  return self
end
