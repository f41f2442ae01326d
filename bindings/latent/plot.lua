-- latent.plot: pictures by gnuplot, as SVG and PNG files or as text in a terminal.
--
--   local fig = latent.plot.figure{ title = "Old Faithful", xlabel = "eruption (min)" }
--   fig:points(x, y, { classes = labels }):ellipse(mean, covariance)
--   assert(fig:save "faithful.svg")
--
-- A figure is a list of layers, drawn in order; gnuplot.lua makes it a script and runs it, when
-- the figure is saved or shown and not before.

local check = require "latent.check"
local gnuplot = require "latent.gnuplot"

local plot = {}

-- Ten colours that stay apart for colour-blind eyes: M. A. Petroff, Accessible color sequences for
-- data visualization (2021).
local COLORS = { "#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6", "#a96b59", "#e76300", "#b9ac70",
  "#717581", "#92dadd" }

-- ---- values ------------------------------------------------------------------------

-- A matrix as nested lists, a vector as a list; tables are themselves.
local function as_table(value) return check.is_matrix(value) and value:table() or value end

-- A list of numbers from a vector, a list, or a matrix of one column.
local function numbers(who, name, value)
  local list = as_table(value)
  if type(list) ~= "table" then check.fail(who, "%s must be a vector or a list, got %s", name, check.show(value)) end
  local out = {}
  for i, x in ipairs(list) do
    if type(x) == "table" and #x == 1 then x = x[1] end
    if type(x) ~= "number" then check.fail(who, "%s[%d] must be a number, got %s", name, i, check.show(x)) end
    out[i] = x
  end
  return out
end

local function same_length(who, name, list, n, of)
  if #list ~= n then check.fail(who, "%s has %d entries, %s has %d", name, #list, of, n) end
  return list
end

-- Rows of the numbers in several lists, whose names say which they are: x, then others as long.
local function side_by_side(who, names, ...)
  local rows, lists = {}, { ... }
  for j, name in ipairs(names) do
    local list = numbers(who, name, lists[j])
    for i, x in ipairs(same_length(who, name, list, j > 1 and #rows or #list, names[1])) do
      rows[i] = rows[i] or {}
      rows[i][j] = x
    end
  end
  return rows
end

-- A matrix as a list of rows of equal length.
local function rows_of(who, name, value)
  local rows = as_table(value)
  if type(rows) ~= "table" or #rows == 0 or type(as_table(rows[1])) ~= "table" then
    check.fail(who, "%s must be a matrix, got %s", name, type(rows) == "table" and "a list" or check.show(value))
  end
  local out = {}
  for i = 1, #rows do
    local row = ("%s[%d]"):format(name, i)
    out[i] = numbers(who, row, rows[i])
    same_length(who, row, out[i], #out[1], name .. "[1]")
  end
  return out
end

local function range(who, name, value)
  if value == nil then return nil end
  local list = numbers(who, name, value)
  if #list ~= 2 or list[1] == list[2] or list[1] - list[1] ~= 0 or list[2] - list[2] ~= 0 then
    check.fail(who, "%s must be two different finite numbers {low, high}", name)
  end
  return list
end

local function color(who, value, otherwise)
  if value == nil then return otherwise end
  if type(value) == "number" and COLORS[value] then return COLORS[value] end
  if type(value) ~= "string" or not value:find("^#%x%x%x%x%x%x$") then
    check.fail(who, "color must be \"#rrggbb\" or 1 to %d, got %s", #COLORS, check.show(value))
  end
  return value
end

-- The least and the largest finite number of rows; 0, 1 when there is none.
local function extremes(rows)
  local low, high = math.huge, -math.huge
  for _, row in ipairs(rows) do
    for _, x in ipairs(row) do
      if x - x == 0 then low, high = math.min(low, x), math.max(high, x) end
    end
  end
  if low > high then return 0, 1 end
  return low, high
end

-- ---- figures --------------------------------------------------------------------------

local Figure = check.new_class "latent.Figure"
plot.Figure = Figure

local FIGURE = { title = "string", xlabel = "string", ylabel = "string", width = "number", height = "number",
  xrange = true, yrange = true, logx = "boolean", logy = "boolean", equal = "boolean", axes = "boolean",
  key = "boolean" }

local MOST_DOTS = 32000 -- along a side: what the makers of PNG files take
local MOST_CELLS = 2 ^ 25 -- of an image, all in all: each is a line of gnuplot's

function plot.figure(options)
  local who = "plot.figure"
  local fig = { layers = {}, labels = {}, colors = 0 }
  for name, value in pairs(check.options(who, options, FIGURE)) do fig[name] = value end
  fig.width = check.integer(who, "width", fig.width or 640, 50, MOST_DOTS)
  fig.height = check.integer(who, "height", fig.height or 480, 50, MOST_DOTS)
  fig.xrange, fig.yrange = range(who, "xrange", fig.xrange), range(who, "yrange", fig.yrange)
  return setmetatable(fig, Figure)
end

-- Without axes and with square elements, unless the figure says otherwise.
local function as_picture(fig)
  if fig.axes == nil then fig.axes = false end
  if fig.equal == nil then fig.equal = true end
end

-- A layer is data, and the plots of it: gnuplot's words after `plot $data`, and a label or nil.
local function add(fig, rows, plots)
  fig.layers[#fig.layers + 1] = { rows = rows, plots = plots }
  return fig
end

local function next_color(fig)
  fig.colors = fig.colors % #COLORS + 1
  return COLORS[fig.colors]
end

-- The distinct codes, in order, and for each code its place.
local function distinct(codes)
  local list, place = check.group(codes), {}
  table.sort(list, function(a, b)
    if type(a) == type(b) then return a < b end
    return type(a) == "number"
  end)
  for i, code in ipairs(list) do place[code] = i end
  return list, place
end

function Figure:points(x, y, options)
  local who = "figure:points"
  options = check.method(who, Figure, self, options,
    { classes = true, labels = "table", label = "string", size = "number", color = true })
  local rows = side_by_side(who, { "x", "y" }, x, y)
  local size = options.size or math.max(0.35, math.min(1, 20 / math.sqrt(#rows + 1)))
  if not options.classes then
    local style = { size = size, color = color(who, options.color) or next_color(self), mark = "o" }
    return add(self, rows, { { points = style, label = options.label } })
  end
  local codes = as_table(options.classes)
  if type(codes) ~= "table" then check.fail(who, "classes must be a list or a vector, got %s", check.show(codes)) end
  same_length(who, "classes", codes, #rows, "x")
  for i, code in ipairs(codes) do
    if type(code) ~= "number" and type(code) ~= "string" then
      check.fail(who, "class %d must be a number or a string, got %s", i, check.show(code))
    end
  end
  local list, place = distinct(codes)
  for i, row in ipairs(rows) do row[3] = place[codes[i]] end
  local plots = {}
  for i, code in ipairs(list) do
    local name = tostring(options.labels and options.labels[code] or code):gsub("%.0$", "")
    plots[i] = { class = i, label = name,
      points = { size = size, color = COLORS[(i - 1) % #COLORS + 1], mark = name:match("[%w]") or "o" } }
  end
  return add(self, rows, plots)
end

function Figure:line(x, y, options)
  local who = "figure:line"
  options = check.method(who, Figure, self, options,
    { label = "string", color = true, width = "number", dash = "boolean" })
  local style = { width = options.width or 2, dash = options.dash,
    color = color(who, options.color) or next_color(self) }
  return add(self, side_by_side(who, { "x", "y" }, x, y), { { label = options.label, line = style } })
end

function Figure:band(x, low, high, options)
  local who = "figure:band"
  options = check.method(who, Figure, self, options, { label = "string", color = true })
  local rows = side_by_side(who, { "x", "low", "high" }, x, low, high)
  return add(self, rows, { { label = options.label, band = color(who, options.color) or next_color(self) } })
end

-- The points m + k L (cos t, sin t), where L L' is the covariance, are those at k deviations.
function Figure:ellipse(mean, covariance, options)
  local who = "figure:ellipse"
  options = check.method(who, Figure, self, options,
    { deviations = "number", label = "string", color = true, width = "number" })
  local m, S = numbers(who, "mean", mean), rows_of(who, "covariance", covariance)
  if #m ~= 2 or #S ~= 2 or #S[1] ~= 2 then
    check.fail(who, "mean must have 2 entries and covariance be 2x2, got %d and %dx%d", #m, #S, #S[1])
  end
  local a, b, c = S[1][1], S[2][1], S[2][2]
  if not (a >= 0 and c >= 0 and b * b <= a * c * (1 + 1e-12)) then
    check.fail(who, "covariance must be positive semidefinite")
  end
  local k = options.deviations or 2
  local l11 = math.sqrt(a)
  local l21 = a > 0 and b / l11 or 0
  local l22 = math.sqrt(math.max(0, c - l21 * l21))
  local x, y, steps = {}, {}, 96
  for i = 0, steps do
    local t = 2 * math.pi * i / steps
    x[i + 1] = m[1] + k * l11 * math.cos(t)
    y[i + 1] = m[2] + k * (l21 * math.cos(t) + l22 * math.sin(t))
  end
  return self:line(x, y, { label = options.label, color = options.color or "#333333", width = options.width })
end

function Figure:image(A, options)
  local who = "figure:image"
  options = check.method(who, Figure, self, options,
    { x = true, y = true, palette = "string", range = true, bar = "boolean" })
  local name = options.palette or (options.x and "viridis" or "grey")
  check.word(who, "palette", name, { "grey", "ink", "viridis", "diverging" })
  local rows = rows_of(who, "A", A)
  local x, y = range(who, "x", options.x), range(who, "y", options.y)
  if (x == nil) ~= (y == nil) then check.fail(who, "x and y go together") end
  self.palette, self.bar = name, options.bar
  self.shades = range(who, "range", options.range)
  if not x then -- a picture: row 1 on top, square elements, no axes
    x, y = { 1, #rows[1] }, { 1, #rows }
    as_picture(self)
    self.yrange = self.yrange or { #rows + 0.5, 0.5 }
  end
  local dx = #rows[1] > 1 and (x[2] - x[1]) / (#rows[1] - 1) or 1
  local dy = #rows > 1 and (y[2] - y[1]) / (#rows - 1) or 1
  self.xrange = self.xrange or { x[1] - dx / 2, x[2] + dx / 2 }
  self.yrange = self.yrange or { y[1] - dy / 2, y[2] + dy / 2 }
  return add(self, rows, { { image = { x = x[1], y = y[1], dx = dx, dy = dy } } })
end

-- A ground of grey, and on it squares by the square root of the magnitude.
function Figure:hinton(A, options)
  local who = "figure:hinton"
  options = check.method(who, Figure, self, options, { largest = "number", at = true })
  local rows = rows_of(who, "A", A)
  local at = options.at and numbers(who, "at", options.at) or { 1, 1 }
  if #at ~= 2 then check.fail(who, "at must be { x, y }, got %d numbers", #at) end
  local low, high = extremes(rows)
  local largest = options.largest or math.max(-low, high)
  if largest <= 0 then largest = 1 end
  local n, d, squares = #rows, #rows[1], { {}, {} }
  for i, row in ipairs(rows) do
    for j, a in ipairs(row) do
      local half = 0.48 * math.min(1, math.sqrt(math.abs(a) / largest))
      local square = { at[1] + j - 1, at[2] + i - 1, half, half }
      if a ~= 0 and a == a then table.insert(squares[a > 0 and 1 or 2], square) end
    end
  end
  as_picture(self)
  local x, y = { at[1] - 0.7, at[1] + d - 0.3 }, { at[2] + n - 0.3, at[2] - 0.7 }
  local before = self.hintons
  if not self.xrange or before then -- wide enough for all of them
    self.xrange = before and { math.min(before.x[1], x[1]), math.max(before.x[2], x[2]) } or x
    self.yrange = before and { math.max(before.y[1], y[1]), math.min(before.y[2], y[2]) } or y
    self.hintons = { x = self.xrange, y = self.yrange }
  end
  add(self, { { (x[1] + x[2]) / 2, (y[1] + y[2]) / 2, (d + 0.2) / 2, (n + 0.2) / 2 } },
    { { boxes = { color = "#9a9a9a" } } })
  for k, style in ipairs { { color = "#ffffff", mark = "+" }, { color = "#000000", mark = "-" } } do
    if #squares[k] > 0 then add(self, squares[k], { { boxes = style } }) end
  end
  return self
end

function Figure:label(x, y, text, options)
  local who = "figure:label"
  options = check.method(who, Figure, self, options, { align = "string", color = true })
  local at = same_length(who, "x, y", numbers(who, "x, y", { x, y }), 2, "a point")
  local align = check.word(who, "align", options.align, { "left", "center", "right" })
  self.labels[#self.labels + 1] = { x = at[1], y = at[2], text = text, align = align,
    color = color(who, options.color, "#333333") }
  return self
end

-- ---- output ---------------------------------------------------------------------------

-- PNGs have two dots a unit, for today's screens.
local TERMINALS = {
  svg = "svg size %d,%d font 'sans-serif,13' background rgb '#ffffff' noenhanced",
  png = "pngcairo size %d,%d font 'sans-serif,10' fontscale 2 linewidth 2 pointscale 2 noenhanced",
}

function Figure:save(path, options)
  local who = "figure:save"
  check.method(who, Figure, self, options)
  if type(path) ~= "string" or path:find("[%z\n]") then
    check.fail(who, "path must be a file name, got %s", check.show(path))
  end
  local kind = (path:match("%.(%w+)$") or ""):lower()
  if not TERMINALS[kind] then check.fail(who, "path must end in .svg or .png, got '%s'", path) end
  local scale = kind == "png" and 2 or 1
  local terminal = TERMINALS[kind]:format(scale * self.width, scale * self.height)
  -- gnuplot writes elsewhere: the file at `path` is replaced by a whole picture or not at all
  local picture, message = gnuplot.picture(self, terminal)
  local ok = picture
  if picture then ok, message = require("latent")._write_file(path, picture) end
  return ok and path or nil, message
end

function Figure:svg(options)
  check.method("figure:svg", Figure, self, options)
  return gnuplot.picture(self, TERMINALS.svg:format(self.width, self.height))
end

-- In a notebook a figure is its picture, or else says why there is none.
function Figure.__mime(figure)
  check.method("__mime", Figure, figure)
  local picture, message = figure:svg()
  if not picture then return { ["text/plain"] = message } end
  return { ["image/svg+xml"] = picture }
end

function Figure.__tostring(figure)
  check.method("tostring", Figure, figure)
  return ("figure%s: layers %d"):format(figure.title and (" %q"):format(figure.title) or "", #figure.layers)
end

-- gnuplot's text has no shades, so an image is set in characters here, two to an element where
-- there is space; elements that don't fit are averaged.
local function shaded(rows, shades, columns, dark_is_high)
  local ramp = " .:-=+*#%@"
  local low, high = extremes(rows)
  if shades then low, high = shades[1], shades[2] end
  local wide = #rows[1] * 2 <= columns and 2 or 1
  local step = math.max(1, math.ceil(#rows[1] / columns))
  local lines = {}
  for top = 1, #rows, step * (3 - wide) do
    local cells = {}
    for left = 1, #rows[1], step do
      local sum, n = 0, 0
      for i = top, math.min(top + step * (3 - wide) - 1, #rows) do
        for j = left, math.min(left + step - 1, #rows[1]) do
          local x = rows[i][j]
          if x - x == 0 then sum, n = sum + x, n + 1 end
        end
      end
      local share = n > 0 and high > low and math.max(0, math.min(1, (sum / n - low) / (high - low))) or 0
      if dark_is_high then share = 1 - share end
      local k = n == 0 and 1 or math.floor(share * (#ramp - 1) + 0.5) + 1
      cells[#cells + 1] = ramp:sub(k, k):rep(wide)
    end
    lines[#lines + 1] = table.concat(cells)
  end
  return table.concat(lines, "\n")
end

function Figure:text(columns, lines, options)
  local who = "figure:text"
  check.method(who, Figure, self, options)
  columns = check.integer(who, "columns", columns or 79, 20, MOST_DOTS)
  lines = check.integer(who, "lines", lines or math.max(5, columns * 3 // 10), 5, MOST_DOTS)
  local first = self.layers[1]
  if first and first.plots[1].image then
    local picture = shaded(first.rows, self.shades, columns, self.palette == "ink")
    return (self.title and self.title .. "\n" or "") .. picture .. "\n"
  end
  local text, message = gnuplot.run(gnuplot.script(self, ("dumb size %d,%d noenhanced"):format(columns, lines)))
  if not text then return nil, message end
  return (text:gsub("[ \f]+%f[\n]", ""):gsub("^\n+", ""):gsub("%s+$", "") .. "\n")
end

function Figure:show(options)
  check.method("figure:show", Figure, self, options)
  local width = require("latent").terminal(io.stdout)
  local text, message = self:text(width and math.max(20, width - 1))
  if text then print((text:gsub("\n$", ""))) end
  return text and true, message
end

-- ---- many small images -----------------------------------------------------------------------

local IMAGES = { shape = "table", columns = "number", titles = "table", rows = "table", title = "string",
  scale = "string", palette = "string", range = true, zoom = "number" }

-- Each image to 0..1 by its own extremes, or by a symmetric range, which keeps 0 in the middle.
local function rescale(image, how)
  local low, high = extremes { image }
  if how == "symmetric" then low, high = -math.max(-low, high), math.max(-low, high) end
  local out = {}
  for i, x in ipairs(image) do out[i] = high > low and (x - low) / (high - low) or 0.5 end
  return out
end

-- All the images as one matrix; between them, NaN, which is not drawn.
local function mosaic(images, h, w, columns, gap_x, gap_y)
  local grid, bands = {}, (#images + columns - 1) // columns
  for r = 1, bands * (h + gap_y) - gap_y do
    grid[r] = {}
    for c = 1, columns * (w + gap_x) - gap_x do grid[r][c] = 0 / 0 end
  end
  for k, image in ipairs(images) do
    local top, left = (k - 1) // columns * (h + gap_y), (k - 1) % columns * (w + gap_x)
    for i = 1, h do
      for j = 1, w do grid[top + i][left + j] = image[(i - 1) * w + j] end
    end
  end
  return grid, bands
end

function plot.images(X, options)
  local who = "plot.images"
  options = check.options(who, options, IMAGES)
  local images = rows_of(who, "X", X)
  local size = #images[1]
  local side = math.tointeger(math.sqrt(size))
  local shape = options.shape or (side and { side, side })
  if not shape then check.fail(who, "shape must be given: %d numbers are no square", size) end
  local h, w = check.integer(who, "shape[1]", shape[1], 1), check.integer(who, "shape[2]", shape[2], 1)
  if h * w ~= size then check.fail(who, "shape is %dx%d, but an image has %d numbers", h, w, size) end
  local columns = check.integer(who, "columns", options.columns or math.min(10, #images), 1, MOST_DOTS)
  local scale = check.word(who, "scale", options.scale, { "all", "each", "symmetric" })
  for i, image in ipairs(images) do images[i] = scale ~= "all" and rescale(image, scale) or image end
  -- Sizes in elements of the grid, then in dots: `zoom` dots an element.
  local zoom = check.integer(who, "zoom", options.zoom or math.max(1, 56 // math.max(h, w)), 1, MOST_DOTS)
  local gap = math.max(1, 6 // zoom)
  local gap_y = options.titles and math.max(gap, (18 + zoom - 1) // zoom) or gap
  local wide = columns * (w + gap) * zoom
  local long = (#images + columns - 1) // columns * (h + gap_y) * zoom
  if math.max(wide, long) > MOST_DOTS or (wide // zoom) * (long // zoom) > MOST_CELLS then
    check.fail(who, "the images side by side would be %d by %d dots, more than can be drawn", wide, long)
  end
  local low, high = extremes(images)
  local shades = range(who, "range", options.range) or { low, high > low and high or low + 1 }
  local grid, bands = mosaic(images, h, w, columns, gap, gap_y)
  local longest = 0
  for _, name in ipairs(options.rows or {}) do longest = math.max(longest, utf8.len(tostring(name)) or 0) end
  local left = 10 + (longest > 0 and longest * 8 + 8 or 0)
  local top = 10 + (options.titles and 16 or 0) + (options.title and 24 or 0)
  local fig = plot.figure { width = left + #grid[1] * zoom + 10, height = top + #grid * zoom + 10, key = false }
  fig.margins = { left / fig.width, 1 - 10 / fig.width, 10 / fig.height, 1 - top / fig.height }
  fig.equal = false -- the margins are made to measure
  fig:image(grid, { palette = options.palette, range = shades })
  for k, name in ipairs(options.titles or {}) do
    fig:label((k - 1) % columns * (w + gap) + w / 2 + 0.5, (k - 1) // columns * (h + gap_y) - 6 / zoom, name,
      { align = "center" })
  end
  for k, name in ipairs(options.rows or {}) do
    if k > bands then break end
    fig:label(-8 / zoom, (k - 1) * (h + gap_y) + h / 2 + 0.5, name, { align = "right" })
  end
  if options.title then
    fig:label(#grid[1] / 2, -(10 + (options.titles and 16 or 0)) / zoom, options.title, { align = "center" })
  end
  return fig
end

return plot
