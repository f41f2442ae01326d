-- K-means on Old Faithful, step by step: the figure everyone knows.
--
--   lua5.4 scripts/kmeans_faithful.lua [--help]
--
-- 272 eruptions of a geyser, their length and the wait for the next one, standardized. Two centres
-- start in the wrong corners; rows go to the nearest centre (E), centres to the mean of their rows
-- (M), and the distortion J falls with every step (Bishop, Pattern Recognition and Machine Learning,
-- figures 9.1 and 9.2). Draws the first steps, and J.

local _, save = dofile((arg[0]:match "^.*/" or "") .. "experiment.lua") {}

local latent = require "latent"
local matrix, plot = latent.matrix, latent.plot

local eruptions = assert(latent.datasets.faithful())
local X = latent.scaler():fit(eruptions):transform(eruptions)
local start = matrix { { -1.5, 1 }, { 1.5, -1 } }

-- The rows in the colours of their nearest centres, the centres, and the line half way between them.
local function picture(title, centers)
  local distances = matrix(#X, 2, function(i, k) return (X[i] - centers[k]):norm() end)
  local figure = plot.figure { title = title, xlabel = "length of the eruption", ylabel = "wait for the next",
    equal = true, width = 480, height = 460, xrange = { -2.2, 2.2 }, yrange = { -2.2, 2.2 }, key = false }
  figure:points(X:col(1), X:col(2), { classes = distances:argmin(2) })
  local middle, way = (centers[1] + centers[2]) / 2, centers[2] - centers[1]
  local along = matrix.linspace(-4, 4, 401)
  figure:line(along * way[2] + middle[1], along * -way[1] + middle[2], { color = "#555555", width = 1 })
  return figure:points(centers:col(1), centers:col(2), { size = 1.8, color = "#000000" })
end

local model = latent.kmeans { init = start }
local figures, J = { { "start", picture("Start", start) } }, {}

print "iteration   J before the M-step   centres after it"
for i, objective in model:steps(X) do
  J[#J + 1] = objective * #X
  local centers = model.centers
  print(("%9d   %19.6f   (%7.4f, %7.4f)  (%7.4f, %7.4f)"):format(i, J[i], centers(1, 1), centers(1, 2),
    centers(2, 1), centers(2, 2)))
  if i <= 4 then figures[#figures + 1] = { "iteration_" .. i, picture("After iteration " .. i, centers) } end
end
print(("converged: %s, J = %.6f with clusters of %d and %d rows"):format(model.converged, model.inertia,
  model.labels:eq(1):sum(), model.labels:eq(2):sum()))

print "\npictures:"
for _, figure in ipairs(figures) do save("faithful_" .. figure[1], figure[2]) end
local steps = {}
for i = 1, #J do steps[i] = i end
save("faithful_J", plot.figure { title = "The distortion never rises", xlabel = "iteration", ylabel = "J", key = false }
  :line(steps, J):points(steps, J, { size = 1.5 }))
