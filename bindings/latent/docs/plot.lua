-- latent.plot: figures by gnuplot.

local COLOR = '"#rrggbb", or 1 to 10 for a colour of the palette'

return {
  {
    name = "plot",
    summary = "Pictures by gnuplot: SVG and PNG files, or text in a terminal.",
    text = [[
A figure is made with plot.figure or plot.images, gets its layers by methods that return the figure, and is then
saved or shown:

  local fig = latent.plot.figure{ title = "Waiting times" }
  fig:points(x, y, { classes = labels }):line(x, fitted)
  assert(fig:save "waiting.svg")

Numbers may come as vectors or as plain lists. Without gnuplot, save and text give nil and a message.]],
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
      { "key", "boolean", "true", "draw the key to labels and classes, on the right" },
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
    options = {
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
    },
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
    },
    returns = { { "latent.Figure", "the figure" } },
    text = [[
Classes take the palette's ten colours in ascending order; they stay apart for colour-blind eyes. Points with a
coordinate that isn't finite are not drawn.]],
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
    options = {
      { "label", "string", "none", "the name in the key" },
      { "color", "string|integer", "the next", COLOR },
      { "width", "number", "2", "the line's width" },
      { "dash", "boolean", "false", "a dashed line" },
    },
    returns = { { "latent.Figure", "the figure" } },
    example = 'latent.plot.figure{ logy = true }:line({ 1, 2, 3 }, { 1, 0.1, 0.01 }, { label = "error" })',
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
    name = "Figure:hinton",
    summary = "Adds a matrix as a Hinton diagram: squares whose areas are the entries' magnitudes.",
    args = {
      { "A", "latent.Matrix|table", "the matrix, row 1 on top" },
      { "options", "table?", "see options" },
    },
    options = {
      { "largest", "number", "A's", "the magnitude whose square fills its place; greater ones do, too" },
      { "at", "number[]", "{ 1, 1 }", "{ x, y } of the first entry, to put several matrices into one figure" },
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
      { "bar", "boolean", "false", "draw the scale of the shades" },
    },
    returns = { { "latent.Figure", "the figure" } },
    text = [[
Without x and y it is a picture: the first row on top, no axes. With them it is a function over the plane, under
other layers. Elements that are NaN are left blank.]],
    example = "latent.plot.figure():image{ { 0, 1 }, { 1, 0 } }",
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
    name = "Figure:save",
    summary = "Writes the figure to a file.",
    args = { { "path", "string", "a name that ends in .svg or .png" } },
    returns = {
      { "string?", "the path, or nil when the file can't be written or gnuplot is missing" },
      { "string?", "then the message" },
    },
    example = [[
local path = os.tmpname() .. ".svg"
latent.plot.figure():line({ 0, 1 }, { 0, 1 }):save(path)
os.remove(path)]],
  },
  {
    name = "Figure:svg",
    summary = "The figure as SVG.",
    args = {},
    returns = {
      { "string?", "the picture, or nil when gnuplot is missing" },
      { "string?", "then the message" },
    },
    example = 'assert(latent.plot.figure():line({ 0, 1 }, { 0, 1 }):svg():find "<svg")',
  },
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
