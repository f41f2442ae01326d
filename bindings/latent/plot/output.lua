-- What becomes of a figure: files, SVG for notebooks, characters for a terminal.

local check = require "latent.check"
local figure = require "latent.plot.figure"
local gnuplot = require "latent.plot.gnuplot"
local keys = require "latent.plot.keys"
local script = require "latent.plot.script"
local values = require "latent.plot.values"

local Figure = figure.Figure

-- PNGs have two dots a unit, for today's screens; PDFs are measured in inches, of 96 units.
local TERMINALS = {
  svg = { "svg size %d,%d font 'sans-serif,13' background rgb '#ffffff' noenhanced", 1 },
  png = { "pngcairo size %d,%d font 'sans-serif,10' fontscale 2 linewidth 2 pointscale 2 noenhanced", 2 },
  pdf = { "pdfcairo size %.4fin,%.4fin font 'sans-serif,10' noenhanced", 1 / 96 },
}

-- Of a figure with equal axes and no size of its own: as high as what it shows, so that there is no white above it.
local function height_of(fig)
  if fig.sized or not fig.equal or fig.grid or fig.logx or fig.logy then return fig.height end
  local left, right = figure.extent(fig, 1)
  local low, high = figure.extent(fig, 2)
  if fig.xrange or fig.yrange or not left or not low or left == right then return fig.height end
  local wide = fig.width - 80 - keys.width(fig)
  local needed = wide * (high - low) / (right - left) * 1.2 + 110 -- axes end at ticks; the title, and the words below
  return math.max(240, math.min(fig.height, needed // 1 | 0))
end

local function terminal_of(fig, kind)
  local words, scale = TERMINALS[kind][1], TERMINALS[kind][2]
  return words:format(scale * fig.width, scale * height_of(fig))
end

function Figure:save(path, options)
  local who = "figure:save"
  check.method(who, Figure, self, options)
  if type(path) ~= "string" or path:find("[%z\n]") then
    check.fail(who, "path must be a file name, got %s", check.show(path))
  end
  local kind = (path:match("%.(%w+)$") or ""):lower()
  if not TERMINALS[kind] then check.fail(who, "path must end in .svg, .png or .pdf, got '%s'", path) end
  -- gnuplot writes elsewhere: the file at `path` is replaced by a whole picture or not at all
  local picture, message = gnuplot.picture(self, terminal_of(self, kind))
  local ok = picture
  if picture then ok, message = require("latent")._write_file(path, picture) end
  if ok then return path end
  return nil, message
end

-- The bytes of the file, for hosts that have a place of their own for it.
for kind in pairs(TERMINALS) do
  Figure[kind] = function(self, options)
    check.method("figure:" .. kind, Figure, self, options)
    return gnuplot.picture(self, terminal_of(self, kind))
  end
end

local MOST_POINTS = 10000 -- of an SVG in a notebook: 100,000 would be 10 MB in it, and a PNG is 100 KB

local function count_points(fig)
  local n = 0
  for _, panel in ipairs(fig.grid and fig.grid.figures or { fig }) do
    for _, layer in ipairs(panel.layers) do n = n + (layer.kind == "points" and #layer.rows or 0) end
  end
  return n
end

-- In a notebook a figure is its picture, or else says why there is none.
function Figure.__mime(fig)
  check.method("__mime", Figure, fig)
  local large = count_points(fig) > MOST_POINTS
  local picture, message = gnuplot.picture(fig, terminal_of(fig, large and "png" or "svg"))
  if not picture then return { ["text/plain"] = message } end
  return { [large and "image/png" or "image/svg+xml"] = picture }
end

-- ---- characters -------------------------------------------------------------------------

local function in_characters(fig, columns, lines)
  local first = fig.layers[1]
  if first and first.image then
    local shades = require "latent.plot.shades"
    local text = first.format and shades.numbers(fig, first, columns)
      or shades.image(first.rows, fig.shades, columns, fig.palette == "ink")
    return (fig.title and fig.title .. "\n" or "") .. text .. "\n"
  end
  local text, message = gnuplot.run(script(fig, ("dumb size %d,%d noenhanced"):format(columns, lines)))
  if not text then return nil, message end
  return (text:gsub("[ \f]+%f[\n]", ""):gsub("^\n+", ""):gsub("%s+$", "") .. "\n")
end

-- Panels stand one under the other.
local function panels_in_characters(fig, columns, lines)
  local parts = { fig.title }
  for _, panel in ipairs(fig.grid.figures) do
    local text, message = in_characters(panel, columns, lines)
    if not text then return nil, message end
    parts[#parts + 1] = text
  end
  return table.concat(parts, "\n")
end

function Figure:text(columns, lines, options)
  local who = "figure:text"
  check.method(who, Figure, self, options)
  columns = check.integer(who, "columns", columns or 79, 20, values.MOST_DOTS)
  lines = check.integer(who, "lines", lines or math.max(5, columns * 3 // 10), 5, values.MOST_DOTS)
  return (self.grid and panels_in_characters or in_characters)(self, columns, lines)
end

function Figure:show(options)
  check.method("figure:show", Figure, self, options)
  local width = require("latent").terminal(io.stdout)
  local text, message = self:text(width and math.max(20, width - 1))
  if text then print((text:gsub("\n$", ""))) end
  if text then return true end
  return nil, message
end
