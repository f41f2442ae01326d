-- The class of figures: their options, layers, words and lines across, and figures as panels of another one.
--
-- A figure is a list of layers, drawn in order. A layer has rows of numbers, what is made of them (`kind`, which
-- script.lua knows how to say to gnuplot), colours and widths, and a label in the key or none. The methods that add
-- layers are in layers.lua, grids.lua and images.lua, output is in output.lua.

local check = require "latent.check"
local dates = require "latent.plot.dates"
local values = require "latent.plot.values"

local Figure = check.new_class "latent.Figure"

local OPTIONS = { title = "string", xlabel = "string", ylabel = "string", width = "number", height = "number",
  xrange = true, yrange = true, logx = "boolean", logy = "boolean", equal = "boolean", axes = "boolean",
  key = "boolean", xticks = true, yticks = true, dates = true }

local SIZE = { 640, 480 }

local figure = { Figure = Figure }

function figure.new(options)
  local who = "plot.figure"
  local fig = { layers = {}, labels = {}, across = {}, colors = 0 }
  for name, value in pairs(check.options(who, options, OPTIONS)) do fig[name] = value end
  fig.sized = fig.width ~= nil or fig.height ~= nil -- by the user
  fig.width = check.integer(who, "width", fig.width or SIZE[1], 50, values.MOST_DOTS)
  fig.height = check.integer(who, "height", fig.height or SIZE[2], 50, values.MOST_DOTS)
  for _, axis in ipairs { "x", "y" } do
    local range, ticks = axis .. "range", axis .. "ticks"
    fig[range] = values.range(who, range, fig[range])
    fig[ticks] = values.ticks(who, ticks, fig[ticks])
    if fig["log" .. axis] and fig[range] and math.min(fig[range][1], fig[range][2]) <= 0 then
      check.fail(who, "%s must be > 0 where %s is logarithmic, got {%g, %g}", range, axis, fig[range][1], fig[range][2])
    end
  end
  if fig.dates ~= nil and type(fig.dates) ~= "boolean" and not dates.is_format(fig.dates) then
    check.fail(who, 'dates must be true or a format as "%%Y-%%m", got %s', check.show(fig.dates))
  end
  return setmetatable(fig, Figure)
end

-- A method that adds to a figure begins.
function figure.begin(who, fig, options, known)
  options = check.method(who, Figure, fig, options, known)
  if fig.grid then check.fail(who, "the figure holds panels: add to one of those before they are put together") end
  return options
end

-- Adds a layer; returns the figure.
function figure.add(fig, layer)
  fig.layers[#fig.layers + 1] = layer
  return fig
end

function figure.next_color(fig)
  fig.colors = fig.colors % #values.COLORS + 1
  return values.COLORS[fig.colors]
end

-- The option `color`, or the next one.
function figure.color(who, fig, given) return values.color(who, given) or figure.next_color(fig) end

-- Without axes and with square elements, unless the figure says otherwise.
function figure.as_picture(fig)
  if fig.axes == nil then fig.axes = false end
  if fig.equal == nil then fig.equal = true end
end

-- The least and the largest place of all points that can be drawn along an axis (1: x, 2: y), or nil.
function figure.extent(fig, axis)
  local low, high = math.huge, -math.huge
  for _, layer in ipairs(fig.layers) do
    local last = layer.kind == "band" and axis == 2 and 3 or axis
    for _, row in ipairs(layer.image and {} or layer.rows) do
      local finite = row and values.is_finite(row[1]) and values.is_finite(row[2]) and values.is_finite(row[last])
        and not (fig.logx and row[1] <= 0) and not (fig.logy and row[2] <= 0)
      for j = axis, finite and last or 0 do low, high = math.min(low, row[j]), math.max(high, row[j]) end
    end
  end
  if low <= high then return low, high end
end

-- ---- words, and lines across --------------------------------------------------------

function Figure:label(x, y, text, options)
  local who = "figure:label"
  options = figure.begin(who, self, options, { align = "string", color = true })
  local at = values.same_length(who, "x, y", values.numbers(who, "x, y", { x, y }), 2, "a point")
  if type(text) ~= "string" and type(text) ~= "number" then
    check.fail(who, "text must be a string or a number, got %s", check.show(text))
  end
  local align = check.word(who, "align", options.align, { "left", "center", "right" })
  self.labels[#self.labels + 1] = { x = at[1], y = at[2], text = values.text(text), align = align,
    color = values.color(who, options.color, "#333333") }
  return self
end

local function line_across(who, fig, axis, at, options)
  options = figure.begin(who, fig, options, { label = "string", color = true, width = "number", dash = "boolean" })
  local list = type(at) == "number" and { at } or type(at) == "string" and { at } or values.as_table(at)
  list = values.numbers(who, axis, axis == "x" and values.places(who, fig, list) or list)
  for i, place in ipairs(list) do
    check.number(who, axis, place, true)
    fig.across[#fig.across + 1] = { axis = axis, at = place, label = i == 1 and options.label or nil,
      width = check.number(who, "width", options.width or 1.5), dash = options.dash ~= false,
      color = values.color(who, options.color, "#555555") }
  end
  return fig
end

function Figure:hline(y, options) return line_across("figure:hline", self, "y", y, options) end

function Figure:vline(x, options) return line_across("figure:vline", self, "x", x, options) end

-- ---- panels -------------------------------------------------------------------------

local MOST_PANELS = 100

-- The widths of columns or the heights of rows: the largest of what stands there.
local function largest(panels, side, of)
  local list = {}
  for k, panel in ipairs(panels) do
    local place = of(k)
    list[place] = math.max(list[place] or 0, panel[side])
  end
  return list
end

local function sum(list)
  local total = 0
  for _, x in ipairs(list) do total = total + x end
  return total
end

function Figure:panels(figures, options)
  local who = "figure:panels"
  options = figure.begin(who, self, options, { columns = "number" })
  if type(figures) ~= "table" or #figures == 0 or check.class(figures) then
    check.fail(who, "figures must be a list of figures, got %s", check.class(figures) and check.show(figures)
      or type(figures) == "table" and "an empty one" or check.show(figures))
  end
  if #figures > MOST_PANELS then check.fail(who, "there are %d panels, at most %d fit", #figures, MOST_PANELS) end
  if #self.layers > 0 or #self.across > 0 then
    check.fail(who, "the figure has layers of its own; panels need a figure without")
  end
  for k, panel in ipairs(figures) do
    if getmetatable(panel) ~= Figure.__name then
      check.fail(who, "panel %d must be a figure, got %s", k, check.show(panel))
    end
    if panel == self then check.fail(who, "panel %d is the figure itself", k) end
    if panel.grid then check.fail(who, "panel %d holds panels itself", k) end
  end
  local columns = check.integer(who, "columns", options.columns or math.min(#figures, 2), 1, MOST_PANELS)
  local widths = largest(figures, "width", function(k) return (k - 1) % columns + 1 end)
  local heights = largest(figures, "height", function(k) return (k - 1) // columns + 1 end)
  local grid = { figures = { table.unpack(figures) }, columns = columns, widths = widths, heights = heights }
  if not self.sized then
    self.width = math.min(values.MOST_DOTS, sum(widths))
    self.height = math.min(values.MOST_DOTS, sum(heights) + (self.title and 34 or 0))
  end
  self.grid = grid -- at the end: a figure with panels takes no others
  return self
end

function Figure.__tostring(fig)
  check.method("tostring", Figure, fig)
  local title = fig.title and (" %q"):format(fig.title) or ""
  if fig.grid then return ("figure%s: panels %d"):format(title, #fig.grid.figures) end
  return ("figure%s: layers %d"):format(title, #fig.layers)
end

return figure
