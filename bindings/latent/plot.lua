-- latent.plot: pictures by gnuplot, as SVG, PNG and PDF files or as text in a terminal.
--
--   local fig = latent.plot.figure{ title = "Old Faithful", xlabel = "eruption (min)" }
--   fig:points(x, y, { classes = labels }):ellipse(mean, covariance)
--   assert(fig:save "faithful.svg")
--
-- A figure is a list of layers, drawn in order; plot/script.lua makes it a script and plot/gnuplot.lua runs it, when
-- the figure is saved or shown and not before. The pictures of models (model:plot) are in plot/models.lua.

local figure = require "latent.plot.figure"
require "latent.plot.layers"
require "latent.plot.grids"
local images = require "latent.plot.images"
require "latent.plot.output"

return { Figure = figure.Figure, figure = figure.new, images = images }
