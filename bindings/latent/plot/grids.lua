-- Layers of matrices: the methods image, heatmap, hinton and contours of figures.

local check = require "latent.check"
local figure = require "latent.plot.figure"
local values = require "latent.plot.values"

local Figure = figure.Figure
local add, begin = figure.add, figure.begin

-- ---- images ---------------------------------------------------------------------------

-- The layer of a matrix whose first and last columns and rows have their centres at x and y.
local function shades(who, fig, rows, x, y, options)
  fig.palette = check.word(who, "palette", options.palette, values.PALETTES)
  fig.bar, fig.shades = values.bar(who, options.bar), values.range(who, "range", options.range)
  local dx = #rows[1] > 1 and (x[2] - x[1]) / (#rows[1] - 1) or 1
  local dy = #rows > 1 and (y[2] - y[1]) / (#rows - 1) or 1
  fig.xrange = fig.xrange or { x[1] - dx / 2, x[2] + dx / 2 }
  fig.yrange = fig.yrange or { y[1] - dy / 2, y[2] + dy / 2 }
  return add(fig, { kind = "image", rows = rows, image = { x = x[1], y = y[1], dx = dx, dy = dy } })
end

-- The range of an image whose row 1 is on top.
local function from_the_top(fig, rows) fig.yrange = fig.yrange or { #rows + 0.5, 0.5 } end

function Figure:image(A, options)
  local who = "figure:image"
  options = begin(who, self, options, { x = true, y = true, palette = "string", range = true, bar = true })
  local rows = values.rows_of(who, "A", A)
  local x, y = values.range(who, "x", options.x), values.range(who, "y", options.y)
  if (x == nil) ~= (y == nil) then check.fail(who, "x and y go together") end
  local given = { palette = options.palette or (x and "viridis" or "grey"), range = options.range, bar = options.bar }
  if not x then -- a picture: row 1 on top, square elements, no axes
    x, y = { 1, #rows[1] }, { 1, #rows }
    figure.as_picture(self)
    from_the_top(self, rows)
  end
  return shades(who, self, rows, x, y, given)
end

-- ---- heat maps -----------------------------------------------------------------------------

local MOST_VALUES = 400 -- elements with their numbers in them, unless told

-- Numbers are dark on bright shades and the reverse.
local function write_values(fig, rows, format, dark_is_high)
  local low, high = values.extremes(rows)
  if fig.shades then low, high = fig.shades[1], fig.shades[2] end
  for i, row in ipairs(rows) do
    for j, x in ipairs(row) do
      local share = high > low and (x - low) / (high - low) or 0.5
      if fig.palette == "diverging" then share = 1 - 2 * math.abs(share - 0.5) end -- dark at both ends
      local bright = dark_is_high and share < 0.5 or not dark_is_high and share > 0.5
      local color = bright and "#222222" or "#ffffff"
      if x == x then fig:label(j, i, format:format(x), { align = "center", color = color }) end
    end
  end
end

-- The option `format`: what string.format makes of a number with it.
local function format_of(who, format, rows)
  if format == nil then
    local whole = true
    for _, row in ipairs(rows) do
      for _, x in ipairs(row) do whole = whole and (x ~= x or x % 1 == 0) end
    end
    return whole and "%.0f" or "%.2f"
  end
  local ok = format:find "%%" and pcall(string.format, format, 1.5)
  if not ok then check.fail(who, "format must be one number's, as \"%%.2f\", got %s", check.show(format)) end
  return format
end

-- Names of the n rows or columns; without any their numbers, where there is space for all.
local function name_ticks(who, fig, axis, option, names, n)
  local ticks = axis .. "ticks"
  if names ~= nil then
    fig[ticks] = values.ticks(who, option, values.texts(who, option, names, n))
  elseif fig[ticks] == nil and n <= 30 then
    local numbered = {}
    for i = 1, n do numbered[i] = i end
    fig[ticks] = values.ticks(who, option, numbered)
  end
end

function Figure:heatmap(A, options)
  local who = "figure:heatmap"
  options = begin(who, self, options, { rows = true, columns = true, values = "boolean", format = "string",
    palette = "string", range = true, bar = true })
  local rows = values.rows_of(who, "A", A)
  local format = format_of(who, options.format, rows)
  local shown = options.values
  if shown == nil then shown = #rows * #rows[1] <= MOST_VALUES end
  local bar = options.bar
  if bar == nil then bar = not shown end
  from_the_top(self, rows)
  name_ticks(who, self, "x", "columns", options.columns, #rows[1])
  name_ticks(who, self, "y", "rows", options.rows, #rows)
  self.flush = true -- ticks and border close to the elements
  shades(who, self, rows, { 1, #rows[1] }, { 1, #rows },
    { palette = options.palette or "viridis", range = options.range, bar = bar })
  if shown then write_values(self, rows, format, self.palette == "ink") end
  self.layers[#self.layers].format = shown and format or nil
  return self
end

-- ---- Hinton diagrams ---------------------------------------------------------------------------

-- The names of the rows and columns of a diagram at that place; a figure that has none is without axes.
local function name_squares(who, fig, options, at, n, d)
  if options.rows == nil and options.columns == nil then return figure.as_picture(fig) end
  fig.axes, fig.flush = true, true
  for axis, names in pairs { x = options.columns or false, y = options.rows or false } do
    local first, count = axis == "x" and at[1] or at[2], axis == "x" and d or n
    local places = {}
    for i = 1, count do places[i] = first + i - 1 end
    local option = axis == "x" and "columns" or "rows"
    fig[axis .. "ticks"] = names and values.ticks(who, option, { at = places,
      labels = values.texts(who, option, names, count) })
  end
  figure.as_picture(fig)
end

-- A ground of grey, and on it squares by the square root of the magnitude.
function Figure:hinton(A, options)
  local who = "figure:hinton"
  options = begin(who, self, options, { largest = "number", at = true, rows = true, columns = true })
  local rows = values.rows_of(who, "A", A)
  local at = options.at and values.numbers(who, "at", options.at) or { 1, 1 }
  if #at ~= 2 then check.fail(who, "at must be { x, y }, got %d numbers", #at) end
  local low, high = values.extremes(rows)
  local largest = options.largest and check.number(who, "largest", options.largest) or math.max(-low, high)
  if largest <= 0 then largest = 1 end
  local n, d, squares = #rows, #rows[1], { {}, {} }
  for i, row in ipairs(rows) do
    for j, a in ipairs(row) do
      local half = 0.48 * math.min(1, math.sqrt(math.abs(a) / largest))
      local square = { at[1] + j - 1, at[2] + i - 1, half, half }
      if a ~= 0 and a == a then table.insert(squares[a > 0 and 1 or 2], square) end
    end
  end
  name_squares(who, self, options, at, n, d)
  local x, y = { at[1] - 0.7, at[1] + d - 0.3 }, { at[2] + n - 0.3, at[2] - 0.7 }
  local before = self.hintons
  if not self.xrange or before then -- wide enough for all of them
    self.xrange = before and { math.min(before.x[1], x[1]), math.max(before.x[2], x[2]) } or x
    self.yrange = before and { math.max(before.y[1], y[1]), math.min(before.y[2], y[2]) } or y
    self.hintons = { x = self.xrange, y = self.yrange }
  end
  local function boxes(list, color, mark) add(self, { kind = "boxes", rows = list, color = color, mark = mark }) end
  boxes({ { (x[1] + x[2]) / 2, (y[1] + y[2]) / 2, (d + 0.2) / 2, (n + 0.2) / 2 } }, "#9a9a9a")
  if #squares[1] > 0 then boxes(squares[1], "#ffffff", "+") end
  if #squares[2] > 0 then boxes(squares[2], "#000000", "-") end
  return self
end

-- ---- contours ---------------------------------------------------------------------------------

local DEVIATIONS = { 3, 2.5, 2, 1.5, 1, 0.5 } -- of the lines of a density: exp(-k^2/2) of its peak

-- A range of the option, or else that of the layers, with a margin.
local function span(who, fig, name, given)
  local range = values.range(who, name, given) or values.range(who, name, fig[name .. "range"])
  if range then return { math.min(range[1], range[2]), math.max(range[1], range[2]) } end
  local low, high = figure.extent(fig, name == "x" and 1 or 2)
  if not low or low == high then
    check.fail(who, "%s must be { low, high }: the figure has no data yet to take it from", name)
  end
  return { low - 0.2 * (high - low), high + 0.2 * (high - low) }
end

-- Values of a function of x and y.
local function of_function(who, f, x, y, size)
  local rows = {}
  for i = 1, size do
    rows[i] = {}
    for j = 1, size do
      local value = f(x[1] + (x[2] - x[1]) * (j - 1) / (size - 1), y[1] + (y[2] - y[1]) * (i - 1) / (size - 1))
      if type(value) ~= "number" then check.fail(who, "the function gave %s, not a number", check.show(value)) end
      rows[i][j] = value
    end
  end
  return rows
end

-- The density of a model.
local function of_model(model, x, y, size)
  local matrix = require("latent").matrix
  local places = matrix(size * size, 2, function(k, j)
    local range, step = j == 1 and x or y, j == 1 and (k - 1) % size or (k - 1) // size
    return range[1] + (range[2] - range[1]) * step / (size - 1)
  end)
  local log_p = type(model) == "table" and model:log_likelihood(places) -- those in Lua know the user's line
    or check.call(model.log_likelihood, model, places)
  return log_p:exp():reshape(size, size):table()
end

local function is_model(f)
  local ok, method = pcall(function() return f.log_likelihood end)
  return ok and type(method) == "function"
end

-- The grid, and where it is.
local function grid_of(who, fig, f, options)
  local size = check.integer(who, "size", options.size or 100, 2, 1000)
  if type(f) ~= "function" and not check.is_matrix(f) and not is_model(f) and type(f) ~= "table" then
    check.fail(who, "f must be a model with log_likelihood, a function of x and y, or a matrix, got %s", check.show(f))
  end
  if type(f) == "function" or is_model(f) then
    local x, y = span(who, fig, "x", options.x), span(who, fig, "y", options.y)
    return type(f) == "function" and of_function(who, f, x, y, size) or of_model(f, x, y, size), x, y
  end
  local rows = values.rows_of(who, "f", f)
  if #rows < 2 or #rows[1] < 2 then check.fail(who, "f must be at least 2x2, got %dx%d", #rows, #rows[1]) end
  return rows, values.range(who, "x", options.x) or { 1, #rows[1] }, values.range(who, "y", options.y) or { 1, #rows }
end

-- The heights of the lines, from low to high.
local function levels_of(who, levels, rows, is_density)
  local low, high = values.extremes(rows)
  if levels ~= nil and type(levels) ~= "number" then
    local list = values.numbers(who, "levels", levels)
    table.sort(list)
    return list
  end
  local list = {}
  if is_density and levels == nil then
    for i, k in ipairs(DEVIATIONS) do list[i] = high * math.exp(-k * k / 2) end
    return list
  end
  local n = check.integer(who, "levels", levels or 8, 1, 100)
  for i = 1, n do list[i] = low + (high - low) * i / (n + 1) end
  return list
end

-- A colour between those of a palette: darker lines are higher.
local function tint(share)
  local low, high = { 0x92, 0xc5, 0xde }, { 0x1b, 0x3f, 0x77 }
  local parts = {}
  for k = 1, 3 do parts[k] = math.floor(low[k] + share * (high[k] - low[k]) + 0.5) end
  return ("#%02x%02x%02x"):format(table.unpack(parts))
end

function Figure:contours(f, options)
  local who = "figure:contours"
  options = begin(who, self, options, { x = true, y = true, size = true, levels = true, color = true, label = "string",
    width = "number" })
  local rows, x, y = grid_of(who, self, f, options)
  local contour = require "latent.plot.contour"
  local levels = levels_of(who, options.levels, rows, is_model(f))
  local color, label = values.color(who, options.color), options.label
  local width = check.number(who, "width", options.width or 1.5)
  for k, level in ipairs(levels) do
    local points = {}
    for _, line in ipairs(contour(rows, level)) do
      for _, at in ipairs(line) do
        points[#points + 1] = { x[1] + (x[2] - x[1]) * (at[2] - 1) / (#rows[1] - 1),
          y[1] + (y[2] - y[1]) * (at[1] - 1) / (#rows - 1) }
      end
      points[#points + 1] = false -- a gap
    end
    if #points > 0 then
      add(self, { kind = "line", rows = points, width = width, label = label, level = level,
        color = color or tint(#levels > 1 and (k - 1) / (#levels - 1) or 1) })
      label = nil
    end
  end
  return self
end
