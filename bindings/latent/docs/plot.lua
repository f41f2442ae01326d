-- latent.plot: figures by gnuplot.

local COLOR = '"#rrggbb", a name ("red", "steelblue"), or 1 to 10 for a colour of the palette'
local LINE = {
  { "label", "string", "none", "the name in the key" },
  { "color", "string|integer", "the next", COLOR },
  { "width", "number", "2", "the line's width" },
  { "dash", "boolean", "false", "a dashed line" },
}
local ACROSS = {
  { "label", "string", "none", "the name in the key" },
  { "color", "string|integer", "dark grey", COLOR },
  { "width", "number", "1.5", "the line's width" },
  { "dash", "boolean", "true", "a dashed line" },
}
local IMAGES = {
  { "shape", "integer[]", "square", "{ rows, columns } of an image" },
  { "columns", "integer", "10", "images side by side" },
  { "titles", "string[]", "none", "above the images, one each" },
  { "rows", "string[]", "none", "on the left, one for each row of images" },
  { "title", "string", "none", "above all" },
  { "scale", "string", '"all"', '"all" shares one range of shades, "each" stretches every image to its own, ' ..
    '"symmetric" too, with 0 in the middle' },
  { "range", "number[]", "the data's", '{ low, high } of the shades with scale "all"' },
  { "palette", "string", '"grey"', '"grey" (high is white), "ink" (high is black), "viridis" or "diverging"' },
  { "zoom", "integer", "56 dots an image", "dots an element" },
}

local function picture(kind, name, begin)
  return {
    name = "Figure:" .. kind,
    summary = ("The figure as %s, the bytes of a file."):format(name),
    args = {},
    returns = {
      { "string?", "the picture, or nil when gnuplot is missing" },
      { "string?", "then the message" },
    },
    example = ('assert(latent.plot.figure():line({ 0, 1 }, { 0, 1 }):%s():find "%s")'):format(kind, begin),
  }
end

return {
  {
    name = "plot",
    summary = "Pictures by gnuplot: SVG, PNG and PDF files, or text in a terminal.",
    text = [[
A figure is made with plot.figure or plot.images, gets its layers by methods that return the figure, and is then
saved or shown:

  local fig = latent.plot.figure{ title = "Waiting times" }
  fig:points(x, y, { classes = labels }):line(x, fitted)
  assert(fig:save "waiting.svg")

Numbers may come as vectors or as plain lists. Places on the x axis may also be dates ("1961-05", "1961-05-12",
"1961-05-12 09:30": the axis is one of dates then) or names, which stand at 1, 2, ... Every fitted model has a picture
of its own: model:plot(X). Without gnuplot, save and text give nil and a message.]],
  },
  {
    name = "plot.figure",
    summary = "An empty figure.",
    args = { { "options", "table?", "see options" } },
    options = {
      { "title", "string", "none", "above the figure" },
      { "xlabel", "string", "none", "below the x axis" },
      { "ylabel", "string", "none", "beside the y axis" },
      { "width", "integer", "640", "in dots (PNGs have two pixels a dot)" },
      { "height", "integer", "480", "likewise" },
      { "xrange", "number[]", "the data's", "{ low, high }; high first turns the axis round" },
      { "yrange", "number[]", "the data's", "likewise" },
      { "logx", "boolean", "false", "a logarithmic x axis" },
      { "logy", "boolean", "false", "a logarithmic y axis" },
      { "equal", "boolean", "false", "one unit is as long on both axes" },
      { "axes", "boolean", "true", "draw axes and grid" },
      { "key", "boolean", "true", "draw the key to labels and classes, on the right or, where names are long, below" },
      { "xticks", "table|boolean", "by the range", "names, which stand at 1, 2, ...; or places; or " ..
        "{ at = places, labels = names }; false: none" },
      { "yticks", "table|boolean", "by the range", "likewise" },
      { "dates", "boolean|string", "false", 'x is in seconds since 1970 (UTC), and its ticks are dates; or their ' ..
        'format, as "%Y-%m"' },
    },
    returns = { { "latent.Figure", "the figure" } },
    example = 'latent.plot.figure{ title = "A line" }:line({ 0, 1 }, { 0, 1 })',
  },
  {
    name = "plot.images",
    summary = "A grid of small images, such as the rows of a data matrix or the components of a model.",
    args = {
      { "X", "latent.Matrix|table", "one image a row, each row by row from its top" },
      { "options", "table?", "see options" },
    },
    options = IMAGES,
    returns = { { "latent.Figure", "the figure" } },
    example = "print(latent.plot.images({ { 0, 1, 1, 0 }, { 1, 0, 0, 1 } }):text())",
  },
  {
    name = "Figure",
    summary = "A picture: layers that are drawn in order when it is saved or shown.",
  },
  {
    name = "Figure:points",
    summary = "Adds points, of one colour or coloured by class.",
    args = {
      { "x", "latent.Matrix|number[]", "horizontal places" },
      { "y", "latent.Matrix|number[]", "vertical places" },
      { "options", "table?", "see options" },
    },
    options = {
      { "classes", "latent.Matrix|table", "none", "the class of each point: numbers or strings" },
      { "labels", "table", "the classes", "names of classes, labels[class]" },
      { "label", "string", "none", "the name in the key, where there are no classes" },
      { "size", "number", "by their number", "the points' size" },
      { "color", "string|integer", "the next", COLOR },
      { "values", "latent.Matrix|number[]", "none", "a number for each point, which its colour shows" },
      { "palette", "string", '"viridis"', 'of values: "grey", "ink", "viridis" or "diverging"' },
      { "bar", "boolean|string", "true", "draw the scale of values; or what it is called" },
    },
    returns = { { "latent.Figure", "the figure" } },
    text = [[
Classes take the palette's ten colours in ascending order; they stay apart for colour-blind eyes. Ten classes or more
have symbols of their own as well. In characters each class has a letter of its name that no other one has. Points with
a coordinate that isn't finite are not drawn.]],
    example = 'latent.plot.figure():points({ 1, 2, 3 }, { 1, 4, 9 }, { classes = { "a", "b", "a" } })',
  },
  {
    name = "Figure:line",
    summary = "Adds a line through points; one that isn't finite breaks it.",
    args = {
      { "x", "latent.Matrix|number[]", "horizontal places" },
      { "y", "latent.Matrix|number[]", "vertical places" },
      { "options", "table?", "see options" },
    },
    options = LINE,
    returns = { { "latent.Figure", "the figure" } },
    example = 'latent.plot.figure{ logy = true }:line({ 1, 2, 3 }, { 1, 0.1, 0.01 }, { label = "error" })',
  },
  {
    name = "Figure:step",
    summary = "Adds a line that goes in steps: each height holds until the next place.",
    args = {
      { "x", "latent.Matrix|number[]", "horizontal places" },
      { "y", "latent.Matrix|number[]", "heights" },
      { "options", "table?", "see options" },
    },
    options = LINE,
    returns = { { "latent.Figure", "the figure" } },
    example = "latent.plot.figure():step({ 1, 2, 4 }, { 3, 1, 2 })",
  },
  {
    name = "Figure:hline",
    summary = "Adds level lines across the axes.",
    args = {
      { "y", "number|number[]", "where they are" },
      { "options", "table?", "see options" },
    },
    options = ACROSS,
    returns = { { "latent.Figure", "the figure" } },
    example = 'latent.plot.figure():points({ 1, 2 }, { 3, 5 }):hline(4, { label = "the mean" })',
  },
  {
    name = "Figure:vline",
    summary = "Adds upright lines across the axes.",
    args = {
      { "x", "number|number[]|string", "where they are; dates on an axis of dates" },
      { "options", "table?", "see options" },
    },
    options = ACROSS,
    returns = { { "latent.Figure", "the figure" } },
    example = "latent.plot.figure():line({ 1, 2, 3 }, { 3, 5, 4 }):vline(2)",
  },
  {
    name = "Figure:band",
    summary = "Adds a shaded band between two lines.",
    args = {
      { "x", "latent.Matrix|number[]", "horizontal places" },
      { "low", "latent.Matrix|number[]", "the lower line" },
      { "high", "latent.Matrix|number[]", "the upper line" },
      { "options", "table?", "see options" },
    },
    options = {
      { "label", "string", "none", "the name in the key" },
      { "color", "string|integer", "the next", COLOR .. "; it is thinned" },
    },
    returns = { { "latent.Figure", "the figure" } },
    example = 'latent.plot.figure():band({ 1, 2, 3 }, { 0, 1, 1 }, { 1, 2, 3 }, { label = "90 %" })',
  },
  {
    name = "Figure:ribbon",
    summary = "Adds a line in a band: a forecast with its interval, a mean with its deviations.",
    args = {
      { "x", "latent.Matrix|number[]", "horizontal places" },
      { "y", "latent.Matrix|number[]", "the line" },
      { "low", "latent.Matrix|number[]", "the band's lower end" },
      { "high", "latent.Matrix|number[]", "its upper end" },
      { "options", "table?", "see options" },
    },
    options = LINE,
    returns = { { "latent.Figure", "the figure" } },
    example = 'latent.plot.figure():ribbon({ "1971-01", "1971-02" }, { 2, 3 }, { 1, 1 }, { 3, 5 })',
  },
  {
    name = "Figure:errorbars",
    summary = "Adds points with bars that say how far off they may be.",
    args = {
      { "x", "latent.Matrix|number[]", "horizontal places" },
      { "y", "latent.Matrix|number[]", "heights" },
      { "errors", "latent.Matrix|table", "a number >= 0 for each, or { below, above }" },
      { "options", "table?", "see options" },
    },
    options = {
      { "label", "string", "none", "the name in the key" },
      { "color", "string|integer", "the next", COLOR },
      { "size", "number", "0.8", "the points' size" },
      { "width", "number", "1.5", "the bars' width" },
    },
    returns = { { "latent.Figure", "the figure" } },
    example = "latent.plot.figure():errorbars({ 1, 2 }, { 3, 5 }, { 0.5, 0.25 })",
  },
  {
    name = "Figure:bars",
    summary = "Adds bars from 0 to heights.",
    args = {
      { "x", "latent.Matrix|number[]|string[]", "horizontal places, or names" },
      { "y", "latent.Matrix|table", "heights; of several groups, N rows of one for each, which stand side by side" },
      { "options", "table?", "see options" },
    },
    options = {
      { "label", "string", "none", "the name in the key" },
      { "labels", "string[]", "none", "the names of groups" },
      { "color", "string|integer", "the next", COLOR .. ", where there is one group" },
      { "width", "number", "0.8", "the share of the distance between places that bars take" },
    },
    returns = { { "latent.Figure", "the figure" } },
    example = 'latent.plot.figure():bars({ "a", "b" }, { { 3, 4 }, { 1, 2 } }, { labels = { "then", "now" } })',
  },
  {
    name = "Figure:histogram",
    summary = "Adds bars that count numbers in bins of equal width.",
    args = {
      { "x", "latent.Matrix|number[]", "the numbers; those that aren't finite are left out" },
      { "options", "table?", "see options" },
    },
    options = {
      { "bins", "integer", "by the data", "how many; by default the more of Sturges' and of Freedman and Diaconis'" },
      { "range", "number[]", "the data's", "{ low, high } of the bins; what is outside isn't counted" },
      { "density", "boolean", "false", "the bars' areas add up to 1, to compare with a density" },
      { "label", "string", "none", "the name in the key" },
      { "color", "string|integer", "the next", COLOR },
      { "classes", "latent.Matrix|table", "none", "the class of each number: one for each, in the same bins" },
      { "labels", "table", "the classes", "names of classes, labels[class]" },
    },
    returns = { { "latent.Figure", "the figure" } },
    example = "latent.plot.figure():histogram(latent.matrix.normal(1, 500):flatten(), { density = true })",
  },
  {
    name = "Figure:vectors",
    summary = "Adds arrows.",
    args = {
      { "x", "latent.Matrix|number[]", "where they begin" },
      { "y", "latent.Matrix|number[]", "likewise" },
      { "dx", "latent.Matrix|number[]", "how far they go" },
      { "dy", "latent.Matrix|number[]", "likewise" },
      { "options", "table?", "see options" },
    },
    options = {
      { "label", "string", "none", "the name in the key" },
      { "color", "string|integer", "the next", COLOR },
      { "width", "number", "1.5", "the lines' width" },
    },
    returns = { { "latent.Figure", "the figure" } },
    example = "latent.plot.figure{ equal = true }:vectors({ 0, 0 }, { 0, 0 }, { 1, -0.5 }, { 0.5, 1 })",
  },
  {
    name = "Figure:ellipse",
    summary = "Adds the curve at a number of standard deviations from the mean of a Gaussian in the plane.",
    args = {
      { "mean", "latent.Matrix|number[]", "2 numbers" },
      { "covariance", "latent.Matrix|table", "2 x 2, positive semidefinite" },
      { "options", "table?", "see options" },
    },
    options = {
      { "deviations", "number", "2", "the Mahalanobis distance of the curve" },
      { "label", "string", "none", "the name in the key" },
      { "color", "string|integer", "dark grey", COLOR },
      { "width", "number", "2", "the line's width" },
    },
    returns = { { "latent.Figure", "the figure" } },
    text = "The curve at k deviations holds 1 - exp(-k^2/2) of the distribution: 39%, 86% and 99% for 1, 2 and 3.",
    example = "latent.plot.figure{ equal = true }:ellipse({ 0, 0 }, { { 2, 1 }, { 1, 1 } })",
  },
  {
    name = "Figure:ellipses",
    summary = "Adds the ellipses of several Gaussians in the plane, as the components of a mixture.",
    args = {
      { "means", "latent.Matrix|table", "K x 2" },
      { "covariances", "latent.Matrix[]", "a list of K, 2 x 2 each" },
      { "options", "table?", "see options" },
    },
    options = {
      { "deviations", "number|number[]", "{ 1, 2 }", "Mahalanobis distances of the curves; later ones are thinner" },
      { "label", "string", "none", "the name in the key" },
      { "color", "string|integer", "dark grey", COLOR },
      { "width", "number", "2", "the first curve's width" },
      { "classes", "boolean", "false", "number k has the colour of class k" },
    },
    returns = { { "latent.Figure", "the figure" } },
    example = [[
local gmm = latent.gmm{ components = 2, seed = 1 }:fit((latent.datasets.faithful()))
latent.plot.figure():ellipses(gmm.means, gmm.covariances)]],
  },
  {
    name = "Figure:contours",
    summary = "Adds lines of equal height: of a model's density, a function, or a grid of numbers.",
    args = {
      { "f", "table|function|latent.Matrix", "a fitted model of two columns with log_likelihood; f(x, y); or a matrix, "
        .. "whose rows go along y and columns along x" },
      { "options", "table?", "see options" },
    },
    options = {
      { "x", "number[]", "the layers', and a margin", "{ low, high } of the grid; of a matrix 1 to its columns" },
      { "y", "number[]", "likewise", "likewise" },
      { "size", "integer", "100", "places of the grid along a side" },
      { "levels", "integer|number[]", "8", "how many lines, evenly between the least and the largest height, or their "
        .. "heights; of a model by default exp(-k^2/2) of the peak for k = 3, 2.5, ... 0.5" },
      { "color", "string|integer", "blues, dark is high", COLOR },
      { "label", "string", "none", "the name in the key" },
      { "width", "number", "1.5", "the lines' width" },
    },
    returns = { { "latent.Figure", "the figure" } },
    example = [[
local function f(x, y) return x * x + 2 * y * y end
latent.plot.figure{ equal = true }:contours(f, { x = { -1, 1 }, y = { -1, 1 } })]],
  },
  {
    name = "Figure:hinton",
    summary = "Adds a matrix as a Hinton diagram: squares whose areas are the entries' magnitudes.",
    args = {
      { "A", "latent.Matrix|table", "the matrix, row 1 on top" },
      { "options", "table?", "see options" },
    },
    options = {
      { "largest", "number", "A's", "the magnitude whose square fills its place; greater ones do, too" },
      { "at", "number[]", "{ 1, 1 }", "{ x, y } of the first entry, to put several matrices into one figure" },
      { "rows", "string[]", "none", "names of the rows" },
      { "columns", "string[]", "none", "names of the columns" },
    },
    returns = { { "latent.Figure", "the figure" } },
    text = "White is positive and black negative, on grey; 0 and NaN show nothing.",
    example = "latent.plot.figure():hinton{ { 1, -0.5 }, { 0.1, 0 } }",
  },
  {
    name = "Figure:image",
    summary = "Adds a matrix as an image, one rectangle an element.",
    args = {
      { "A", "latent.Matrix|table", "the matrix" },
      { "options", "table?", "see options" },
    },
    options = {
      { "x", "number[]", "none", "{ first, last }: where the centres of the first and last column are" },
      { "y", "number[]", "none", "likewise for the rows; x and y go together" },
      { "palette", "string", '"grey"', '"grey", "ink", "viridis" (the default with x and y) or "diverging"' },
      { "range", "number[]", "the data's", "{ low, high } of the shades" },
      { "bar", "boolean|string", "false", "draw the scale of the shades; or what it is called" },
    },
    returns = { { "latent.Figure", "the figure" } },
    text = [[
Without x and y it is a picture: the first row on top, no axes. With them it is a function over the plane, under
other layers. Elements that are NaN are left blank.]],
    example = "latent.plot.figure():image{ { 0, 1 }, { 1, 0 } }",
  },
  {
    name = "Figure:images",
    summary = "Fills a figure with a grid of small images, as plot.images does.",
    args = {
      { "X", "latent.Matrix|table", "one image a row, each row by row from its top" },
      { "options", "table?", "see options" },
    },
    options = IMAGES,
    returns = { { "latent.Figure", "the figure" } },
    text = "The figure takes the size of the grid. It must be without layers.",
    example = 'latent.plot.figure{ title = "Two" }:images({ { 0, 1, 1, 0 }, { 1, 0, 0, 1 } })',
  },
  {
    name = "Figure:heatmap",
    summary = "Adds a matrix as shades with the numbers in them: loadings, a confusion matrix, correlations.",
    args = {
      { "A", "latent.Matrix|table", "the matrix, row 1 on top" },
      { "options", "table?", "see options" },
    },
    options = {
      { "rows", "string[]", "their numbers", "names of rows" },
      { "columns", "string[]", "their numbers", "names of columns" },
      { "values", "boolean", "up to 400 entries", "write the numbers" },
      { "format", "string", '"%.2f", of whole numbers "%.0f"', "how" },
      { "palette", "string", '"viridis"', '"grey", "ink", "viridis" or "diverging"' },
      { "range", "number[]", "the data's", "{ low, high } of the shades" },
      { "bar", "boolean|string", "without numbers", "draw the scale of the shades; or what it is called" },
    },
    returns = { { "latent.Figure", "the figure" } },
    text = "Entries that are NaN are left blank. In characters it is a table of the numbers.",
    example = 'print(latent.plot.figure():heatmap({ { 9, 1 }, { 2, 8 } }, { rows = { "no", "yes" } }):text())',
  },
  {
    name = "Figure:label",
    summary = "Adds words at a place.",
    args = {
      { "x", "number", "horizontal place" },
      { "y", "number", "vertical place" },
      { "text", "string", "the words" },
      { "options", "table?", "see options" },
    },
    options = {
      { "align", "string", '"left"', '"left", "center" or "right" of the words is at the place' },
      { "color", "string|integer", "dark grey", COLOR },
    },
    returns = { { "latent.Figure", "the figure" } },
    example = 'latent.plot.figure():line({ 0, 1 }, { 0, 1 }):label(0.5, 0.5, "half way")',
  },
  {
    name = "Figure:panels",
    summary = "Puts figures side by side into this one.",
    args = {
      { "figures", "latent.Figure[]", "the panels, row by row" },
      { "options", "table?", "see options" },
    },
    options = { { "columns", "integer", "2", "panels side by side" } },
    returns = { { "latent.Figure", "the figure" } },
    text = [[
Each panel keeps its size, and the figure grows with them, unless it was given a width or height. The figure must be
without layers; afterwards layers are the panels'. In characters panels stand one under the other.]],
    example = [[
local left, right = latent.plot.figure():line({ 0, 1 }, { 0, 1 }), latent.plot.figure():line({ 0, 1 }, { 1, 0 })
latent.plot.figure{ title = "Up and down" }:panels{ left, right }]],
  },
  {
    name = "Figure:save",
    summary = "Writes the figure to a file.",
    args = { { "path", "string", "a name that ends in .svg, .png or .pdf" } },
    returns = {
      { "string?", "the path, or nil when the file can't be written or gnuplot is missing" },
      { "string?", "then the message" },
    },
    example = [[
local path = os.tmpname() .. ".svg"
latent.plot.figure():line({ 0, 1 }, { 0, 1 }):save(path)
os.remove(path)]],
  },
  picture("svg", "SVG", "<svg"),
  picture("png", "PNG", "PNG"),
  picture("pdf", "PDF", "%%PDF"),
  {
    name = "Figure:text",
    summary = "The figure in characters.",
    args = {
      { "columns", "integer?", "the width in characters, 79 when left out" },
      { "lines", "integer?", "the height, 0.3 of the width when left out" },
    },
    returns = {
      { "string?", "the picture, or nil when gnuplot is missing" },
      { "string?", "then the message" },
    },
    example = "print(latent.plot.figure():line({ 0, 1, 2 }, { 0, 1, 4 }):text(60))",
  },
  {
    name = "Figure:show",
    summary = "Prints the figure in characters, as wide as the terminal.",
    args = {},
    returns = {
      { "boolean?", "true, or nil when gnuplot is missing" },
      { "string?", "then the message" },
    },
  },
}
