-- A figure as a script for gnuplot. Not exported.
--
-- What the user wrote is in it only as numbers and as single-quoted strings, in which gnuplot expands nothing. How a
-- kind of layer is drawn is in styles.lua, and where the key stands in keys.lua.

local dates = require "latent.plot.dates"
local figure = require "latent.plot.figure"
local keys = require "latent.plot.keys"
local styles = require "latent.plot.styles"
local values = require "latent.plot.values"

local quote, number = styles.quote, styles.number

-- Colour maps by anchors, low to high. Viridis is sampled from matplotlib's (public domain, CC0).
local PALETTES = {
  grey = { "#000000", "#ffffff" },
  ink = { "#ffffff", "#000000" },
  viridis = { "#440154", "#46327e", "#365c8d", "#277f8e", "#1fa187", "#4ac16d", "#a0da39", "#fde725" },
  diverging = { "#2166ac", "#92c5de", "#f7f7f7", "#f4a582", "#b2182b" },
}

local function palette(name)
  local parts = {}
  for i, hex in ipairs(PALETTES[name]) do parts[i] = ("%d %s"):format(i - 1, quote(hex)) end
  return "set palette defined (" .. table.concat(parts, ", ") .. ")"
end

-- ---- data --------------------------------------------------------------------------

local BREAK = { line = true, step = true, band = true }

-- A row of a line that isn't finite is empty, and breaks the line.
local function is_gap(kind, row)
  if not row then return true end
  return BREAK[kind] and not (values.is_finite(row[1]) and values.is_finite(row[2]) and values.is_finite(row[3] or 0))
end

-- Numbers of a row, each so many times. Scatters have rows of two by the hundred thousand.
local function line_of(row, times, plain)
  local x, y = row[1], row[2]
  if plain and times == 1 and #row == 2 and x - x == 0 and y - y == 0 then return ("%.10g %.10g"):format(x, y) end
  local cells = {}
  for j, z in ipairs(row) do cells[j] = (number(z) .. " "):rep(times) end
  return table.concat(cells)
end

local function data_block(name, layer, times)
  local lines, plain = { ("$%s << END_OF_DATA"):format(name) }, not ("%.1f"):format(0.5):find(",", 1, true)
  for _, row in ipairs(layer.rows) do
    local line = is_gap(layer.kind, row) and "" or line_of(row, times, plain)
    for _ = 1, times do lines[#lines + 1] = line end
  end
  lines[#lines + 1] = "END_OF_DATA"
  return table.concat(lines, "\n")
end

-- Viewers of SVG blur an image that they enlarge, which hides what its elements are; so small ones
-- are enlarged here: how many times each element is repeated. Of a single row or column gnuplot knows no size.
local function repeats(layer, terminal)
  if not layer.image then return 1 end
  local least = (#layer.rows == 1 or #layer.rows[1] == 1) and 2 or 1
  if not terminal:find "^svg" then return least end
  return math.max(least, math.min(8, math.floor(math.sqrt(4e5 / (#layer.rows * #layer.rows[1])))))
end

-- ---- settings -------------------------------------------------------------------------

-- Without a point to draw, axes have no range of their own.
local function is_empty(fig)
  for _, layer in ipairs(fig.layers) do
    if layer.image then return false end
  end
  return not (figure.extent(fig, 1) and figure.extent(fig, 2))
end

-- What an axis must reach beyond the data: 0 under bars, and the lines across.
local function reached(fig, axis)
  local low, high = math.huge, -math.huge
  local function reach(x) low, high = math.min(low, x), math.max(high, x) end
  for _, layer in ipairs(fig.layers) do
    if axis == "y" and layer.kind == "bars" and not fig.logy then reach(0) end
  end
  for _, line in ipairs(fig.across) do
    if line.axis == axis and not (fig["log" .. axis] and line.at <= 0) then reach(line.at) end
  end
  return low, high
end

local function range_words(fig, axis, empty)
  local range = fig[axis .. "range"]
  if range then return ("set %srange [%s:%s]"):format(axis, number(range[1]), number(range[2])) end
  local low, high = reached(fig, axis)
  if empty then
    low, high = math.min(low, 0.1), math.max(high, 1)
    return ("set %srange [%s:%s]"):format(axis, number(low), number(high))
  end
  if low > high then return nil end
  return ("set %srange [*<%s:%s<*]"):format(axis, number(low), number(high))
end

-- Ticks that are named, or none. Names that would touch each other are turned.
local function tick_words(fig, axis, text, ticks)
  if ticks == false then return ("unset %stics"):format(axis) end
  local parts, characters = {}, 0
  for i, at in ipairs(ticks.at) do
    parts[i] = quote(ticks.labels[i]) .. " " .. number(at)
    characters = characters + (utf8.len(ticks.labels[i]) or #ticks.labels[i]) + 1.5
  end
  local turned = axis == "x" and not text and characters * 7.5 > fig.width - 110
  return ("set %stics %s%s (%s)"):format(axis, fig.flush and "scale 0 " or "",
    turned and "rotate by 40 right" or "norotate", table.concat(parts, ", "))
end

-- The ticks of an axis of dates.
local function date_ticks(fig)
  local low, high = figure.extent(fig, 1)
  if fig.xrange then low, high = math.min(table.unpack(fig.xrange)), math.max(table.unpack(fig.xrange)) end
  if not low or high - low > 1e12 then return nil end -- none, or nothing that a calendar has
  local format = type(fig.dates) == "string" and fig.dates or nil
  return dates.ticks(low, high, math.max(2, (fig.width - 110) // 75), format)
end

local function axes_words(fig, text, out)
  local function set(...) out[#out + 1] = string.format(...) end
  if fig.axes == false then
    set "unset border"
    set "unset tics"
  else
    set(fig.flush and "set border 0" or "set border 3 lc rgb '#777777'")
    if not text and not fig.flush then set "set grid lt 1 lw 0.5 lc rgb '#e6e6e6'" end
    for _, axis in ipairs { "x", "y" } do
      local ticks = fig[axis .. "ticks"]
      if ticks == nil and fig.dates and axis == "x" then ticks = date_ticks(fig) end
      if ticks ~= nil then out[#out + 1] = tick_words(fig, axis, text, ticks) end
    end
  end
  local empty = is_empty(fig)
  for _, axis in ipairs { "x", "y" } do
    local label = fig[axis .. "label"]
    if label and text and axis == "y" then -- beside the axis there is no place for words: above it
      out[#out + 1] = ("set label %s at graph 0, graph 1 left offset -4,1"):format(quote(label))
    elseif label then
      local apart = axis == "x" and not text and keys.is_below(fig) and "\n" or "" -- a line above the key
      set("set %slabel %s textcolor rgb '#333333'", axis, quote(label .. apart))
    end
    if fig["log" .. axis] then set("set logscale %s\nset format %s '%%g'", axis, axis) end
    out[#out + 1] = range_words(fig, axis, empty)
  end
end

-- Margins of a grid of images, shares of the figure, in the place that the figure has on the page.
local function margin_words(m, place)
  local x, y, w, h = 0, 0, 1, 1
  if place then x, y, w, h = place.x, place.y, place.w, place.h end
  return ("set margins screen %s, screen %s, screen %s, screen %s"):format(number(x + w * m[1]), number(x + w * m[2]),
    number(y + h * m[3]), number(y + h * m[4]))
end

local function has(fig, kind)
  for _, layer in ipairs(fig.layers) do
    if layer.kind == kind then return true end
  end
  return false
end

-- Room beside what the border of the axes would cut, or touch; bars stand on theirs.
local function offsets(fig)
  local ends = has(fig, "errors") or has(fig, "vectors") or has(fig, "points") and (fig.dates or fig.xticks)
  if has(fig, "bars") then return fig.xticks and "graph 0.03, graph 0.03, 0, 0" end
  return ends and "graph 0.03, graph 0.03, graph 0.03, graph 0.03"
end

-- Bars that hang below 0 have its line.
local function hangs(fig)
  for _, layer in ipairs(fig.layers) do
    for _, row in ipairs(layer.kind == "bars" and layer.rows or {}) do
      if row[2] < 0 then return true end
    end
  end
  return false
end

local function settings(fig, text, place)
  local out = {
    "set encoding utf8",
    "set datafile missing 'NaN'",
    "set tics nomirror out scale 0.4 textcolor rgb '#333333'",
    "set samples 2", -- there are no functions to sample
    "set style fill solid 1 noborder",
  }
  local function set(...) out[#out + 1] = string.format(...) end
  axes_words(fig, text, out)
  local under_title = text and fig.ylabel and "\n" or "" -- the line for the label
  local title = (fig.title or "") .. under_title
  if title ~= "" then set("set title %s textcolor rgb '#111111'", quote(title)) end
  if not (fig.logx or fig.logy) then
    if text then set "set offsets graph 0.03, graph 0.03, graph 0.06, graph 0.06" end
    local room = not text and offsets(fig)
    if room then set("set offsets %s", room) end
  end
  if hangs(fig) then set "set xzeroaxis lt 1 lc rgb '#777777'" end
  if fig.equal and not text then set "set size ratio -1" end
  if fig.palette then out[#out + 1] = palette(fig.palette) end
  if fig.shades then set("set cbrange [%s:%s]", number(fig.shades[1]), number(fig.shades[2])) end
  set(fig.bar and not text and "set colorbox" or "unset colorbox")
  if type(fig.bar) == "string" then set("set cblabel %s textcolor rgb '#333333'", quote(fig.bar)) end
  if fig.margins and not text then out[#out + 1] = margin_words(fig.margins, place) end
  table.move(keys.words(fig, text), 1, 9, #out + 1, out)
  return out
end

-- ---- one figure, and several ---------------------------------------------------------------

local function label_words(l)
  return ("set label %s at %s,%s %s front textcolor rgb %s"):format(quote(l.text), number(l.x), number(l.y), l.align,
    quote(l.color))
end

-- Adds to the script what draws one figure, whose blocks of data have names that begin with `name`.
local function draw(out, fig, terminal, name, place)
  local text = terminal:find("^dumb") ~= nil
  table.move(settings(fig, text, place), 1, 99, #out + 1, out)
  for _, label in ipairs(fig.labels) do out[#out + 1] = label_words(label) end
  local plots, named = {}, keys.named(fig)
  for i, layer in ipairs(fig.layers) do
    local times, block = repeats(layer, terminal), name .. i
    out[#out + 1] = data_block(block, layer, times)
    plots[#plots + 1] = styles.layer(block, layer, named[layer], text, times)
  end
  for _, line in ipairs(fig.across) do
    out[#out + 1] = styles.across(line, has(fig, "bars"))
    if named[line] then plots[#plots + 1] = styles.across_key(line) end
  end
  out[#out + 1] = "plot " .. (#plots > 0 and table.concat(plots, ", \\\n  ") or "NaN notitle")
end

-- Where each panel is, in shares of the page; the grid's columns and rows have the sizes of the widest and highest.
local function draw_panels(out, fig, terminal)
  local grid, wide, high = fig.grid, 0, 0
  for _, w in ipairs(grid.widths) do wide = wide + w end
  for _, h in ipairs(grid.heights) do high = high + h end
  local under = fig.title and 1 - 34 / fig.height or 1
  out[#out + 1] = "set multiplot"
  if fig.title then
    out[#out + 1] = ("set label 1 %s at screen 0.5, screen %s center textcolor rgb '#111111'"):format(
      quote(fig.title), number(1 - 18 / fig.height))
  end
  local top = 0 -- of the row
  for k, panel in ipairs(grid.figures) do
    local column, row = (k - 1) % grid.columns + 1, (k - 1) // grid.columns + 1
    local spare = (grid.heights[row] - panel.height) / 2
    if column == 1 and row > 1 then top = top + grid.heights[row - 1] end
    local left = 0
    for c = 1, column - 1 do left = left + grid.widths[c] end
    local place = { x = left / wide, w = panel.width / wide, h = panel.height / high * under }
    place.y = (1 - (top + spare + panel.height) / high) * under
    if k > 1 then out[#out + 1] = "reset" end
    out[#out + 1] = ("set origin %s,%s\nset size %s,%s"):format(number(place.x), number(place.y), number(place.w),
      number(place.h))
    draw(out, panel, terminal, ("p%d_d"):format(k), place)
  end
  out[#out + 1] = "unset multiplot"
end

-- The terminal's words end in "noenhanced": _ and ^ in titles are themselves.
return function(fig, terminal, path)
  local out = { "set terminal " .. terminal }
  if path then out[#out + 1] = "set output " .. quote(path) end
  if fig.grid then draw_panels(out, fig, terminal) else draw(out, fig, terminal, "d") end
  out[#out + 1] = "unset output\n"
  return table.concat(out, "\n")
end
