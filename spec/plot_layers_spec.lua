-- What the layers of figures hold: counts, places, outlines, contours, dates, panels; and what they say of bad input.
local latent = require "latent"
local helper = require "helper"
local plot = latent.plot
local matrix = latent.matrix
local fails, column = helper.fails, helper.column

local nan = 0 / 0

local function near(expected, got, tolerance)
  assert.equal(#expected, #got)
  for i, x in ipairs(expected) do assert.is_near(x, got[i], tolerance or 1e-9) end
end

-- How often something is in the SVG of a figure.
local function count(figure, what)
  return select(2, assert(figure:svg()):gsub(what, ""))
end

describe("points", function()
  it("have symbols as well as colours where there are ten classes or more", function()
    local x, names = {}, {}
    for i = 1, 16 do x[i], names[i] = i, "class " .. i end
    local few = plot.figure():points({ 1, 2 }, { 1, 2 }, { classes = { "a", "b" } })
    assert.same({ "circle", "circle" }, { few.layers[1].symbol, few.layers[2].symbol })
    local fig, looks = plot.figure():points(x, x, { classes = names }), {}
    for i, layer in ipairs(fig.layers) do
      assert.equal("class " .. i, layer.label) -- 9 before 10
      looks[layer.symbol .. layer.color] = true
    end
    local different = 0
    for _ in pairs(looks) do different = different + 1 end
    assert.equal(16, different)
  end)

  it("in characters have a letter of their own each, also where names begin alike", function()
    local fig = plot.figure():points({ 1, 2, 3, 4 }, { 1, 2, 3, 4 },
      { classes = { "versicolor", "virginica", "very", "versicolor" } })
    local marks = {}
    for i, layer in ipairs(fig.layers) do marks[i] = layer.mark end
    assert.same({ "e", "r", "i" }, marks) -- versicolor, very, virginica: the "v" says nothing
  end)

  it("are coloured by values, with a scale", function()
    local fig = plot.figure():points({ 1, 2, 3 }, { 1, 2, 3 }, { values = matrix { 5, 7, 9 } })
    assert.same({ 5, 7, 9 }, column(fig.layers[1].rows, 3))
    assert.is_true(fig.bar)
    assert.is_true(count(fig, "gnuplot_plot_1") >= 1)
    assert.is_truthy(fig:text())
    assert.equal(1, count(plot.figure():points({ 1, 2 }, { 1, 2 }, { values = { 1, 2 }, bar = "depth" }),
      "<text>depth</text>"))
    fails("figure:points: bar must be true, false or what the scale shows, got 3", fig.points, fig, { 1 }, { 1 },
      { values = { 1 }, bar = 3 })
    fails("figure:points: values has 1 entries, x has 2", fig.points, fig, { 1, 2 }, { 1, 2 }, { values = { 1 } })
    fails("figure:points: values and classes both say what colours are", fig.points, fig, { 1 }, { 1 },
      { values = { 1 }, classes = { 1 } })
    fails('figure:points: palette must be "grey", "ink", "viridis" or "diverging", got \'jet\'', fig.points, fig, { 1 },
      { 1 }, { values = { 1 }, palette = "jet" })
  end)

  it("in large numbers are small squares", function()
    local x = matrix.range(1, 20001)
    local fig = plot.figure():points(x, x, { classes = x:gt(100) })
    assert.same({ "square", 0.25, "square" }, { fig.layers[1].symbol, fig.layers[1].size, fig.layers[2].symbol })
    assert.equal("circle", plot.figure():points({ 1, 2 }, { 1, 2 }).layers[1].symbol)
    fails("figure:points: x must be a vector, got a matrix of 2 columns; X:col(j) is one of them", fig.points, fig,
      matrix.ones(2, 2), { 1, 2 })
  end)

  it("of too many classes are an error, and of none or one a picture", function()
    local x = matrix.range(1, 1e5)
    fails("figure:points: 100000 different classes can't be told apart (at most 100); values = colours by numbers",
      plot.figure().points, plot.figure(), x, x, { classes = x })
    assert.is_truthy(plot.figure():points({}, {}):svg())
    assert.is_truthy(plot.figure():points({ 1 }, { 2 }):svg())
    assert.is_truthy(plot.figure():points({ 1, nan, 1 / 0 }, { nan, 1, 2 }):svg())
  end)
end)

describe("lines", function()
  it("are broken by what isn't finite", function()
    local function pieces(y) return count(plot.figure { axes = false }:line({ 1, 2, 3, 4, 5 }, y), "M%d") end
    assert.equal(pieces { 1, 2, 3, 4, 5 } + 1, pieces { 1, 2, nan, 4, 5 })
    assert.equal(pieces { 1, 2, 3, 4, 5 } + 1, pieces { 1, 2, 1 / 0, 4, 5 })
  end)

  it("go in steps", function()
    local fig = plot.figure():step({ 1, 2 }, { 3, 4 }, { label = "held" })
    assert.equal("step", fig.layers[1].kind)
    assert.equal(1, count(fig, "<text>held</text>"))
  end)

  it("go across, and the axes reach them", function()
    local fig = plot.figure():points({ 1, 2 }, { 1, 2 }):hline(70, { label = "limit" }):vline { 40, 60 }
    assert.same({ 70, 40, 60 }, { fig.across[1].at, fig.across[2].at, fig.across[3].at })
    assert.equal(1, count(fig, "<text>limit</text>"))
    assert.is_true(count(fig, "<text>%s*70</text>") >= 1)
    fails("figure:hline: y must be a vector or a list, got true", fig.hline, fig, true)
    fails("figure:vline: x must be a finite number, got nan", fig.vline, fig, nan)
  end)

  it("lie in ribbons", function()
    local fig = plot.figure():ribbon({ 1, 2 }, { 3, 4 }, { 2, 2 }, { 4, 6 }, { label = "forecast" })
    assert.same({ "band", "line" }, { fig.layers[1].kind, fig.layers[2].kind })
    assert.equal(fig.layers[1].color, fig.layers[2].color)
    assert.equal(1, count(fig, "<text>forecast</text>"))
    fails("figure:ribbon: low has 1 entries, x has 2", fig.ribbon, fig, { 1, 2 }, { 3, 4 }, { 2 }, { 4, 6 })
  end)
end)

describe("error bars", function()
  it("are as long as they are said to be", function()
    local fig = plot.figure():errorbars({ 1, 2 }, { 10, 20 }, { 3, { 1, 4 } })
    assert.same({ { 1, 10, 7, 13 }, { 2, 20, 19, 24 } }, fig.layers[1].rows)
    assert.same(fig.layers[1].rows, plot.figure():errorbars({ 1, 2 }, { 10, 20 }, matrix { { 3, 3 }, { 1, 4 } })
      .layers[1].rows)
    assert.is_truthy(fig:svg() and fig:text())
    fails("figure:errorbars: errors[2] must be >= 0, got -1", fig.errorbars, fig, { 1, 2 }, { 1, 2 }, { 1, -1 })
    fails("figure:errorbars: errors has 1 entries, x has 2", fig.errorbars, fig, { 1, 2 }, { 1, 2 }, { 1 })
    fails("figure:errorbars: errors must be a vector or a matrix, got 1", fig.errorbars, fig, { 1 }, { 1 }, 1)
  end)
end)

describe("arrows", function()
  it("begin and go where they are said to", function()
    local fig = plot.figure():vectors({ 0, 1 }, { 0, 1 }, { 2, 3 }, { 4, 5 })
    assert.same({ { 0, 0, 2, 4 }, { 1, 1, 3, 5 } }, fig.layers[1].rows)
    assert.is_truthy(fig:svg())
    fails("figure:vectors: dy has 1 entries, x has 2", fig.vectors, fig, { 0, 1 }, { 0, 1 }, { 2, 3 }, { 4 })
  end)
end)

describe("ellipses", function()
  it("are one for each mean and deviation", function()
    local fig = plot.figure():ellipses({ { 0, 0 }, { 5, 5 } }, { { { 4, 0 }, { 0, 1 } }, matrix.eye(2) })
    assert.equal(4, #fig.layers)
    near({ 2, 0 }, fig.layers[1].rows[1]) -- at one and two deviations along x
    near({ 4, 0 }, fig.layers[2].rows[1])
    near({ 6, 5 }, fig.layers[3].rows[1])
    fails("figure:ellipses: covariances has 1 entries, means has 2", fig.ellipses, fig, { { 0, 0 }, { 1, 1 } },
      { matrix.eye(2) })
    fails("figure:ellipses: mean must have 2 entries and covariance be 2x2, got 3 and 3x3", fig.ellipses, fig,
      { { 0, 0, 0 } }, { matrix.eye(3) })
    fails("figure:ellipses: covariances must be a list of 2x2 matrices, got 3", fig.ellipses, fig, { { 0, 0 } }, 3)
  end)
end)

describe("bars", function()
  it("stand at places or names, groups side by side", function()
    local heights = { { 3, 4 }, { -1, 2 } }
    local fig = plot.figure():bars({ "one", "two" }, heights, { labels = { "a", "b" }, width = 0.5 })
    assert.same({ at = { 1, 2 }, labels = { "one", "two" } }, fig.xticks)
    near({ 0.875, 1.875 }, column(fig.layers[1].rows, 1))
    near({ 1.125, 2.125 }, column(fig.layers[2].rows, 1))
    assert.same({ 3, -1 }, column(fig.layers[1].rows, 2))
    assert.equal(1, count(fig, "<text>two</text>"))
    -- names that are there keep their places, others come after them
    assert.same({ 2, 3 }, column(fig:line({ "two", "three" }, { 1, 2 }).layers[3].rows, 1))
    assert.same({ "one", "two", "three" }, fig.xticks.labels)
    local zero = plot.figure():bars({ 1, 2 }, { 50, 60 })
    assert.is_truthy(count(zero, "<text>%s*0</text>") >= 1) -- they begin at 0
    assert.is_truthy(fig:text():find "one")
    fails("figure:bars: y has 1 entries, x has 2", fig.bars, fig, { 1, 2 }, { 1 })
    fails("figure:bars: labels has 1 entries, a row of y has 2", fig.bars, fig, { 1 }, { { 1, 2 } },
      { labels = { "a" } })
    fails("figure:bars: x[2] must be a string like x[1], got 2", fig.bars, fig, { "a", 2 }, { 1, 2 })
  end)
end)

describe("histograms", function()
  -- numpy.histogram(X, "auto") of NumPy 2.4.6
  local X = { 1, 1.5, 2, 2.2, 2.3, 2.7, 3.1, 3.3, 4, 4.4, 5.2, 7 }

  it("count as NumPy's do", function()
    local rows = plot.figure():histogram(X).layers[1].rows
    assert.same({ 3, 5, 2, 1, 1 }, column(rows, 2))
    near({ 1.6, 2.8, 4, 5.2, 6.4 }, column(rows, 1))
    local squares = {}
    for i = 1, 100 do squares[i] = i * i / 100 end
    assert.same({ 35, 15, 11, 9, 9, 7, 7, 7 }, column(plot.figure():histogram(squares).layers[1].rows, 2))
  end)

  it("leave out what isn't finite, and what is outside", function()
    assert.same({ 1, 2 }, column(plot.figure():histogram({ nan, 1, 2, 3, -1 / 0 }, { bins = 2 }).layers[1].rows, 2))
    local one = plot.figure():histogram(X, { bins = 1, range = { 2, 4 }, label = "middle" })
    assert.same({ 3, 7, 2 }, one.layers[1].rows[1])
    assert.equal("count", one.ylabel)
  end)

  it("have an area of 1 as densities, and one value has a bin", function()
    local rows = plot.figure():histogram(X, { density = true }).layers[1].rows
    local area = 0
    for _, row in ipairs(rows) do area = area + row[2] * row[3] end
    assert.is_near(1, area, 1e-12)
    assert.same({ { 3, 2, 1 } }, plot.figure():histogram { 3, 3 }.layers[1].rows)
  end)

  it("are one for each class, in the same bins", function()
    local fig = plot.figure():histogram({ 1, 2, 3, 4 }, { bins = 3, classes = { "a", "a", "b", "b" } })
    assert.same({ 1, 1, 0 }, column(fig.layers[1].rows, 2))
    assert.same({ 0, 0, 2 }, column(fig.layers[2].rows, 2))
  end)

  it("say what is wrong", function()
    local fig = plot.figure()
    fails("figure:histogram: x has no finite number", fig.histogram, fig, { nan })
    fails("figure:histogram: x has no finite number", fig.histogram, fig, {})
    fails("figure:histogram: bins must be an integer >= 1, got 0", fig.histogram, fig, { 1 }, { bins = 0 })
    fails("figure:histogram: x must be a vector or a list, got nil", fig.histogram, fig)
  end)
end)

describe("contours", function()
  it("are where the function has the height: a circle", function()
    local fig = plot.figure():contours(function(x, y) return x * x + y * y end,
      { x = { -2, 2 }, y = { -2, 2 }, levels = { 1 }, size = 200 })
    local rows, n = fig.layers[1].rows, 0
    for _, row in ipairs(rows) do
      if row then
        assert.is_near(1, row[1] ^ 2 + row[2] ^ 2, 2e-4) -- linear between places 0.02 apart
        n = n + 1
      end
    end
    assert.is_true(n > 300)
    assert.same(rows[1], rows[n]) -- closed, in one piece
    assert.is_false(rows[n + 1])
  end)

  it("are straight on a plane, and end at the border", function()
    local fig = plot.figure():contours(matrix { { 0, 1, 2 }, { 0, 1, 2 } }, { levels = { 0.5 } })
    local rows = fig.layers[1].rows
    assert.equal(3, #rows) -- two points and a gap
    near({ 1.5, 1.5 }, { rows[1][1], rows[2][1] })
  end)

  it("part at a saddle as its middle says, and have holes where there is no number", function()
    local function pieces(grid)
      local fig, n = plot.figure():contours(grid, { levels = { 0.5 } }), 0
      for _, row in ipairs(fig.layers[1] and fig.layers[1].rows or {}) do n = n + (row and 0 or 1) end
      return n, fig
    end
    -- corners 1 on one diagonal: around each a piece; their middle above: the others are cut off
    local n, fig = pieces { { 1, 0 }, { 0, 1 } }
    assert.equal(2, n)
    local low, low_fig = pieces { { 1, 0 }, { 0, 0.9 } }
    local high, high_fig = pieces { { 1, 0.1 }, { 0.1, 1 } }
    assert.same({ 2, 2 }, { low, high })
    -- the piece that begins on the left side ends at the top (around the corner at 1,1) or at the bottom
    local function ends(f)
      local a, b = f.layers[1].rows[1], f.layers[1].rows[2]
      return a[1] == 1 and b[2] or b[1] == 1 and a[2]
    end
    assert.equal(1, ends(low_fig))
    assert.equal(2, ends(high_fig))
    assert.is_truthy(fig)
    assert.equal(0, (pieces { { 1, nan }, { 0, 1 } }))
  end)

  it("of a density are at deviations", function()
    -- a standard normal in the plane: the line at exp(-k^2/2) of the peak is the circle of radius k; the grid's peak is
    -- at a place of the grid, the origin
    local X = matrix { { 1, 1 }, { 1, -1 }, { -1, 1 }, { -1, -1 } }
    local model = latent.gmm { components = 1 }:fit(X)
    local fig = plot.figure():contours(model, { x = { -4, 4 }, y = { -4, 4 }, size = 81 })
    assert.equal(6, #fig.layers)
    for i, k in ipairs { 3, 2.5, 2, 1.5, 1, 0.5 } do
      for _, row in ipairs(fig.layers[i].rows) do
        if row then assert.is_near(k, math.sqrt(row[1] ^ 2 + row[2] ^ 2), 0.02) end
      end
    end
    assert.is_truthy(plot.figure():points(X:col(1), X:col(2)):contours(model):svg())
  end)

  it("say what is wrong", function()
    local fig = plot.figure()
    fails("figure:contours: f must be a model with log_likelihood, a function of x and y, or a matrix, got 3",
      fig.contours, fig, 3)
    fails("figure:contours: x must be { low, high }: the figure has no data yet to take it from", fig.contours, fig,
      function() return 1 end)
    fails("figure:contours: the function gave nil, not a number", fig.contours, fig, function() end,
      { x = { 0, 1 }, y = { 0, 1 } })
    fails("figure:contours: f must be at least 2x2, got 1x2", fig.contours, fig, { { 1, 2 } })
    local model = latent.gmm():fit(matrix.normal(20, 3, latent.random(1)))
    fails("gmm:log_likelihood: X has 2 columns", fig.contours, fig, model, { x = { 0, 1 }, y = { 0, 1 } })
  end)

  it("of a classifier of other columns are refused in the user's line", function()
    local X, y = latent.datasets.iris()
    local classifier = latent.classifier(function() return latent.gmm {} end):fit(X, y)
    local _, message = pcall(plot.figure().contours, plot.figure(), classifier, { x = { 0, 1 }, y = { 0, 1 } })
    assert.equal(1, select(2, message:gsub("%.lua:%d+: ", "")))
  end)
end)

describe("heat maps", function()
  it("have names and numbers", function()
    local fig = plot.figure { title = "Counts" }:heatmap({ { 10, 1 }, { 0, 5 } }, { rows = { "no", "yes" },
      columns = { "said no", "said yes" } })
    assert.equal("10", fig.labels[1].text)
    local svg = fig:svg()
    assert.is_truthy(svg:find("<text>said yes</text>", 1, true) and svg:find("<text>10</text>", 1, true))
    assert.equal("Counts\n     said no  said yes\nno        10         1\nyes        0         5\n", fig:text())
    assert.is_nil(plot.figure():heatmap(matrix.ones(3, 15)):text(40):find "1.00") -- too wide: shades
    assert.equal("   1  2\n1     1\n", plot.figure():heatmap({ { nan, 1 } }):text())
    local large = plot.figure():heatmap(matrix.ones(30, 30))
    assert.equal(0, #large.labels)
    assert.is_true(large.bar)
  end)

  it("say what is wrong", function()
    local fig = plot.figure()
    fails("figure:heatmap: rows has 1 entries, the data has 2", fig.heatmap, fig, { { 1 }, { 2 } }, { rows = { "a" } })
    fails('figure:heatmap: format must be one number\'s, as "%.2f", got \'x\'', fig.heatmap, fig, { { 1 } },
      { format = "x" })
    fails("figure:heatmap: A must be a matrix, got nil", fig.heatmap, fig)
  end)
end)

describe("ticks", function()
  it("have names", function()
    local fig = plot.figure { xticks = { "A", "B" }, yticks = { at = { 0, 10 }, labels = { "low", "high" } } }
      :line({ 1, 2 }, { 0, 10 })
    for _, name in ipairs { "A", "B", "low", "high" } do assert.equal(1, count(fig, "<text>" .. name .. "</text>")) end
    assert.same({ at = { 5, 7 }, labels = { "5", "7" } }, plot.figure { xticks = { 5, 7 } }.xticks)
    assert.equal(0, count(plot.figure { xticks = false, yticks = false }:line({ 1, 2 }, { 1, 2 }), "<text>1"))
    fails("plot.figure: xticks must be a list of texts or places, { at =, labels = }, or false, got 3", plot.figure,
      { xticks = 3 })
    fails("plot.figure: xticks has 1 entries, the data has 2", plot.figure, { xticks = { at = { 1, 2 },
      labels = { "a" } } })
    local many = {}
    for i = 1, 1e5 do many[i] = "tick " .. i end
    fails("plot.figure: yticks has 100000 labels, more than 500 can't be read", plot.figure, { yticks = many })
  end)

  it("are dates", function()
    -- seconds by Python's datetime
    local fig = plot.figure():points({ "1961-05-12 09:30:15", "1900-02-28", "2000-02-29", "1949-01" }, { 1, 2, 3, 4 })
    assert.same({ -272644185, -2203977600, 951782400, -662688000 }, column(fig.layers[1].rows, 1))
    for _, year in ipairs { 1900, 1920, 1940, 1960, 1980, 2000 } do
      assert.is_true(count(fig, "<text>" .. year .. "</text>") <= 1)
    end
    assert.is_true(count(fig, "<text>19%d0</text>") >= 4)
    local months = plot.figure { dates = "%m/%Y" }:line({ "2024-01-05", "2024-03-30" }, { 1, 2 })
    assert.equal(1, count(months, "<text>03/2024</text>"))
    local hours = plot.figure():line({ "2024-01-05 10:00", "2024-01-05T12:00:30" }, { 1, 2 }):vline "2024-01-05 11:00"
    assert.is_true(count(hours, "<text>11:00</text>") + count(hours, "<text>05 Jan 11:00</text>") == 1)
    -- what isn't a date is a name
    assert.same({ 1, 2 }, column(plot.figure():points({ "2024-13-01", "2024-02-30" }, { 1, 2 }).layers[1].rows, 1))
    fails('plot.figure: dates must be true or a format as "%Y-%m", got \'%Q\'', plot.figure, { dates = "%Q" })
  end)
end)

describe("labels of axes", function()
  it("in characters stand under and above them, however long", function()
    local fig = plot.figure { title = "T", xlabel = "below", ylabel = "component 2 of the rows" }
    local text = fig:line({ 0, 1 }, { 0, 1 }):text(60, 15)
    assert.is_truthy(text:find "^ +T\n *component 2 of the rows\n.*below\n$")
    assert.is_truthy(plot.figure { ylabel = "y" }:line({ 0, 1 }, { 0, 1 }):text(60, 15):find "^ *y\n")
  end)
end)

describe("panels", function()
  it("stand side by side, as large as they are", function()
    local function part(name)
      return plot.figure { title = name, width = 200, height = 150 }:line({ 0, 1 }, { 0, 1 })
    end
    local fig = plot.figure { title = "Both" }:panels { part "left", part "right" }
    assert.same({ 400, 184 }, { fig.width, fig.height })
    assert.equal("figure \"Both\": panels 2", tostring(fig))
    for _, name in ipairs { "Both", "left", "right" } do assert.equal(1, count(fig, "<text>" .. name .. "</text>")) end
    local text = fig:text()
    assert.is_true(text:find "left" < text:find "right")
    local column_of = plot.figure():panels({ part "a", part "b", part "c" }, { columns = 1 })
    assert.same({ 200, 450 }, { column_of.width, column_of.height })
    assert.same({ 300, 300 }, (function()
      local sized = plot.figure { width = 300, height = 300 }:panels { part "a" }
      return { sized.width, sized.height }
    end)())
    local images = plot.figure():panels { plot.images(matrix.ones(2, 4)), part "x" }
    assert.is_truthy(images:svg())
  end)

  it("say what is wrong", function()
    local fig, one = plot.figure(), plot.figure():line({ 1, 2 }, { 1, 2 })
    fails("figure:panels: figures must be a list of figures, got an empty one", fig.panels, fig, {})
    fails("figure:panels: figures must be a list of figures, got a latent.Figure", fig.panels, fig, one)
    fails("figure:panels: panel 1 must be a figure, got 3", fig.panels, fig, { 3 })
    fails("figure:panels: panel 1 is the figure itself", fig.panels, fig, { fig })
    fails("figure:panels: the figure has layers of its own", one.panels, one, { fig })
    local full = plot.figure():panels { one }
    fails("figure:panels: panel 1 holds panels itself", fig.panels, fig, { full })
    fails("figure:line: the figure holds panels", full.line, full, { 1 }, { 1 })
  end)
end)

describe("a grid of images", function()
  it("fills a figure", function()
    local fig = plot.figure { title = "T" }:images({ { 0, 1, 1, 0 } }, { zoom = 10 })
    assert.equal(fig.width, plot.images({ { 0, 1, 1, 0 } }, { zoom = 10, title = "T" }).width)
    assert.equal(1, count(fig, "<text>T</text>"))
    fails("figure:images: a grid of images needs a figure without layers", fig.images, fig, { { 0, 1, 1, 0 } })
  end)
end)

describe("files", function()
  it("are PDF", function()
    local path = os.tmpname()
    os.remove(path)
    assert.equal(path .. ".pdf", plot.figure():line({ 0, 1 }, { 0, 1 }):save(path .. ".pdf"))
    local file = assert(io.open(path .. ".pdf", "rb"))
    local text = file:read "a"
    file:close()
    os.remove(path .. ".pdf")
    assert.equal("%PDF", text:sub(1, 4))
    -- 640 x 480 of 1/96 inch are 480 x 360 points
    assert.is_truthy(text:find "/MediaBox %[ 0 0 480 360 %]")
  end)
end)

describe("in notebooks", function()
  it("figures are SVG, and PNG where they have many points", function()
    local mime = require "latent.mime"
    local few = mime(plot.figure():points({ 1, 2 }, { 1, 2 }))
    assert.is_truthy(few["image/svg+xml"]:find("<svg", 1, true))
    local x = matrix.range(1, 10001)
    local many = mime(plot.figure():points(x, x))
    assert.is_nil(many["image/svg+xml"])
    assert.equal("\137PNG", many["image/png"]:sub(1, 4)) -- bytes: the kernel makes text of them
  end)
end)

describe("keys", function()
  it("stand beside the axes, and under them where names are long", function()
    local function width_of_axes(label)
      local svg = plot.figure():line({ 0, 1 }, { 0, 1 }, { label = label }):svg()
      local widest = 0
      for a, b in svg:gmatch "M([%d.]+),[%d.]+ L([%d.]+),[%d.]+" do widest = math.max(widest, math.abs(b - a)) end
      return widest
    end
    local alone = width_of_axes()
    assert.is_true(width_of_axes "short" < alone - 50)
    assert.is_near(alone, width_of_axes(("long "):rep(12)), 10)
  end)

  it("name 60 at most", function()
    local x, names = {}, {}
    for i = 1, 90 do x[i], names[i] = i, "class " .. i end
    local fig = plot.figure():points(x, x, { classes = names })
    assert.equal(60, count(fig, "<text>class %d+</text>"))
  end)
end)

describe("what pictures show", function()
  local script = require "latent.plot.script"

  -- How many of the dots of a PNG are darker than half, and all.
  local function dark(figure)
    local path = os.tmpname() .. ".png"
    assert(figure:save(path))
    local dots = assert(latent.read(path))
    os.remove(path)
    return dots:lt(128):sum() / (dots.rows * dots.cols)
  end

  it("is each element of an image, also of one row or column", function()
    local function column_of(a, b) return plot.figure { axes = false }:image({ { a }, { b } }, { range = { 0, 1 } }) end
    local black, half, white = dark(column_of(0, 0)), dark(column_of(0, 1)), dark(column_of(1, 1))
    assert.is_true(black > 0.2, black)
    assert.is_near(black / 2, half, 0.02)
    assert.is_near(0, white, 0.001)
    assert.is_near(dark(plot.figure { axes = false }:image { { 0, 1 } }), half, 0.15)
  end)

  it("is a line across, in front of bars, which have room where they have names, and a line at 0", function()
    local text = script(plot.figure():bars({ "a", "b" }, { 1, 2 }):hline(1), "pngcairo")
    assert.is_truthy(text:find("nohead front", 1, true))
    assert.is_truthy(text:find("set offsets graph 0.03, graph 0.03, 0, 0", 1, true))
    assert.is_nil(text:find("xzeroaxis", 1, true))
    assert.is_truthy(script(plot.figure():bars({ "a", "b" }, { 1, -2 }), "pngcairo"):find("set xzeroaxis", 1, true))
    assert.is_truthy(script(plot.figure():line({ 1, 2 }, { 1, 2 }):hline(1), "pngcairo"):find("nohead back", 1, true))
  end)

  it("is names of a Hinton diagram", function()
    local fig = plot.figure():hinton({ { 1, -1 } }, { rows = { "width" }, columns = { "first", "second" } })
    for _, name in ipairs { "width", "first", "second" } do
      assert.equal(1, count(fig, "<text>" .. name .. "</text>"))
    end
    fails("figure:hinton: rows has 2 entries, the data has 1", fig.hinton, plot.figure(), { { 1, -1 } },
      { rows = { "a", "b" } })
  end)

  it("is as high as what equal axes show, unless the user says", function()
    local function height(options, y)
      return tonumber(assert(plot.figure(options):points({ 0, 10 }, { 0, y }):svg()):match 'viewBox="0 0 %d+ (%d+)"')
    end
    assert.equal(480, height({}, 1))
    assert.equal(480, height({ equal = true }, 10))
    assert.is_true(height({ equal = true }, 3) < 340)
    assert.equal(240, height({ equal = true }, 0.1))
    assert.equal(400, height({ equal = true, height = 400 }, 0.1))
  end)
end)

describe("logarithmic axes", function()
  it("take ranges above 0", function()
    fails("plot.figure: xrange must be > 0 where x is logarithmic, got {0, 1}", plot.figure,
      { logx = true, xrange = { 0, 1 } })
    assert.is_truthy(plot.figure { logx = true, logy = true }:line({ 0, 1, 10 }, { 1, 0.1, -1 }):hline(0):svg())
  end)
end)

describe("colours", function()
  local function color(given) return plot.figure():points({ 1 }, { 2 }, { color = given }).layers[1].color end

  it("are those of CSS by their names, however these are written, and letters", function()
    -- the values are CSS Color Module Level 4's
    for given, wanted in pairs { red = "#ff0000", SteelBlue = "#4682b4", ["dark green"] = "#006400", grey = "#808080",
      gray = "#808080", ["light_gray"] = "#d3d3d3", k = "#000000", r = "#ff0000", ["#0a0B0c"] = "#0a0B0c" } do
      assert.equal(wanted, color(given), given)
    end
    assert.equal(color(1), color())
    assert.is_true(count(plot.figure():line({ 1, 2 }, { 1, 2 }, { color = "tomato" }), "#?[Ff][Ff]6347") >= 1
      or count(plot.figure():line({ 1, 2 }, { 1, 2 }, { color = "tomato" }), "255,%s*99,%s*71") >= 1)
  end)
end)
