-- A grid of small images, such as the rows of a data matrix or the components of a model: figure:images, which
-- plot.images calls on a fresh figure.

local check = require "latent.check"
local figure = require "latent.plot.figure"
local values = require "latent.plot.values"

local OPTIONS = { shape = "table", columns = "number", titles = "table", rows = "table", title = "string",
  scale = "string", palette = "string", range = true, zoom = "number" }

local TITLES = 20 -- dots that a line of titles takes
local MOST_CELLS = 2 ^ 25 -- of an image, all in all: each is a line of gnuplot's

-- Each image to 0..1 by its own extremes, or by a symmetric range, which keeps 0 in the middle.
local function rescale(image, how)
  local low, high = values.extremes { image }
  if how == "symmetric" then low, high = -math.max(-low, high), math.max(-low, high) end
  local out = {}
  for i, x in ipairs(image) do out[i] = high > low and (x - low) / (high - low) or 0.5 end
  return out
end

-- All the images as one matrix; between them, NaN, which is not drawn.
local function mosaic(images, o)
  local h, w, columns = o.h, o.w, o.columns
  local grid = {}
  for r = 1, o.bands * (h + o.gap_y) - o.gap_y do
    grid[r] = {}
    for c = 1, columns * (w + o.gap) - o.gap do grid[r][c] = 0 / 0 end
  end
  for k, image in ipairs(images) do
    local top, left = (k - 1) // columns * (h + o.gap_y), (k - 1) % columns * (w + o.gap)
    for i = 1, h do
      for j = 1, w do grid[top + i][left + j] = image[(i - 1) * w + j] end
    end
  end
  return grid
end

-- Sizes in elements of the grid, and `zoom` dots an element; the images, scaled.
local function layout(who, images, options)
  local size = #images[1]
  local side = math.tointeger(math.sqrt(size))
  local shape = options.shape or (side and { side, side })
  if not shape then check.fail(who, "shape must be given: %d numbers are no square", size) end
  local o = { h = check.integer(who, "shape[1]", shape[1], 1), w = check.integer(who, "shape[2]", shape[2], 1) }
  if o.h * o.w ~= size then check.fail(who, "shape is %dx%d, but an image has %d numbers", o.h, o.w, size) end
  o.columns = check.integer(who, "columns", options.columns or math.min(10, #images), 1, values.MOST_DOTS)
  o.bands = (#images + o.columns - 1) // o.columns
  o.zoom = check.integer(who, "zoom", options.zoom or math.max(1, 56 // math.max(o.h, o.w)), 1, values.MOST_DOTS)
  o.gap = math.max(1, 6 // o.zoom)
  o.gap_y = options.titles and math.max(o.gap, (TITLES + o.zoom - 1) // o.zoom) or o.gap
  local wide, long = o.columns * (o.w + o.gap) * o.zoom, o.bands * (o.h + o.gap_y) * o.zoom
  if math.max(wide, long) > values.MOST_DOTS or (wide // o.zoom) * (long // o.zoom) > MOST_CELLS then
    check.fail(who, "the images side by side would be %d by %d dots, more than can be drawn", wide, long)
  end
  return o
end

-- The names beside and above the images, and the title over them.
local function name(fig, options, o, across)
  for k, text in ipairs(options.titles or {}) do
    fig:label((k - 1) % o.columns * (o.w + o.gap) + o.w / 2 + 0.5,
      (k - 1) // o.columns * (o.h + o.gap_y) - 8 / o.zoom, text, { align = "center" })
  end
  for k, text in ipairs(options.rows or {}) do
    if k > o.bands then break end
    fig:label(-8 / o.zoom, (k - 1) * (o.h + o.gap_y) + o.h / 2 + 0.5, text, { align = "right" })
  end
  if options.title then
    fig:label(across / 2, -(14 + (options.titles and TITLES or 0)) / o.zoom, options.title, { align = "center" })
  end
end

-- Fills a figure with the images.
local function fill(who, fig, X, options)
  options = check.options(who, options, OPTIONS)
  local images = values.rows_of(who, "X", X)
  local o = layout(who, images, options)
  local scale = check.word(who, "scale", options.scale, { "all", "each", "symmetric" })
  for i, image in ipairs(images) do images[i] = scale ~= "all" and rescale(image, scale) or image end
  local low, high = values.extremes(images)
  local range = values.range(who, "range", options.range) or { low, high > low and high or low + 1 }
  local grid, longest = mosaic(images, o), 0
  for _, text in ipairs(options.rows or {}) do longest = math.max(longest, utf8.len(tostring(text)) or 0) end
  local left = 10 + (longest > 0 and longest * 8 + 8 or 0)
  local top = 10 + (options.titles and TITLES or 0) + (options.title and 24 or 0)
  fig.width, fig.height, fig.key = left + #grid[1] * o.zoom + 10, top + #grid * o.zoom + 10, false
  fig.margins = { left / fig.width, 1 - 10 / fig.width, 10 / fig.height, 1 - top / fig.height }
  fig.equal = false -- the margins are made to measure
  fig:image(grid, { palette = options.palette, range = range })
  name(fig, options, o, #grid[1])
  return fig
end

function figure.Figure:images(X, options)
  local who = "figure:images"
  figure.begin(who, self, options, OPTIONS)
  if #self.layers > 0 or #self.labels > 0 then check.fail(who, "a grid of images needs a figure without layers") end
  local given = { title = self.title }
  for key, value in pairs(options or {}) do given[key] = value end
  self.title, self.xrange, self.yrange = nil, nil, nil -- the title stands over the grid, as its options say
  return fill(who, self, X, given)
end

return function(X, options) return fill("plot.images", figure.new(), X, options) end
