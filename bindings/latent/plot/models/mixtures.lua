-- Pictures of kmeans, gmm, mppca, mixture and classifier. Not exported.

local latent = require "latent"
local check = require "latent.check"
local context = require "latent.plot.context"
local matrix = latent.matrix

local function predicted(c)
  if not c.predictions then c.predictions = c:ask("predict", c.X, c.given) end
  return c.predictions
end

local function history(c) return c:history() end

-- ---- one column ---------------------------------------------------------------------------

-- A histogram by component, and the density over it.
local function on_a_line(c, title)
  local x, model = c.X:col(1), c.model
  local fig = c.figure { title = title, xlabel = c.names[1] }
  fig:histogram(x, { density = true, color = 4 })
  if c.kind == "kmeans" then return fig:vline(model.centers:flatten(), { label = "centers" }) end
  local low, high = fig.layers[1].rows[1][1], fig.layers[1].rows[#fig.layers[1].rows][1]
  local margin = 0.15 * (high - low)
  local grid = matrix.linspace(low - margin, high + margin, 400)
  local log_p = c:ask("log_likelihood", grid:reshape(400, 1))
  fig:line(grid, log_p:exp(), { label = "density", color = 3 })
  local r = c:ask("responsibilities", grid:reshape(400, 1))
  for k = 1, r.cols <= 12 and r.cols or 0 do
    local label = k == 1 and "components" or nil
    fig:line(grid, log_p:exp() % r:col(k), { width = 1, color = 9, dash = true, label = label })
  end
  return fig
end

-- ---- a plane ----------------------------------------------------------------------------------

-- Rows by the classes that the option gives, or else by what the model says of them: "component 2".
local function rows_by_class(c, fig, word)
  if c.told then return c:data_points(fig, c.classes, c.labels) end
  local names, labels = {}, predicted(c)
  for k = 1, labels:max() // 1 | 0 do names[k] = ("%s %d"):format(word, k) end
  return c:data_points(fig, labels, names)
end

local function clusters(c)
  if c.X.cols == 1 then return on_a_line(c, "Clusters") end
  local fig, plane = c:plane_figure(("%d clusters"):format(#c.model.centers)), c:plane()
  rows_by_class(c, fig, "cluster")
  local centers = plane.project(c.model.centers)
  return fig:points(centers:col(1), centers:col(2), { label = "centers", color = "#111111", size = 1.6 })
end

-- The parts of components in a plane: m -> U'(m - mean), S -> U'SU.
local function gaussians(c)
  local plane, model, list = c:plane(), c.model, {}
  for k = 1, #model.means do
    list[k] = plane.directions:t() * c:ask("covariance", k) * plane.directions
  end
  return plane.project(model.means), list
end

local function components(c)
  local title = ("%d components, at one and two deviations"):format(#c.model.means)
  if c.X.cols == 1 then return on_a_line(c, "Density") end
  local fig = c:plane_figure(title)
  rows_by_class(c, fig, "component")
  local means, covariances = gaussians(c)
  fig:ellipses(means, covariances, { color = "#222222" })
  return fig:points(means:col(1), means:col(2), { color = "#222222", size = 0.9 })
end

local function density(c)
  return c:data_points(c:plane_figure "Density", nil, nil, { color = 4 }):contours(c.model)
end

-- ---- mixtures of other families -------------------------------------------------------------------

local MOST_COLUMNS = 40

-- A matrix with a row each component, and names of its columns.
local function table_of(c)
  local field, model = context.field, c.model
  local M = field(model, "means") or field(model, "rates") or field(model, "probabilities")
  if not M then return nil end
  if not field(model, "levels") then return M, c:names_for(M.cols) end
  local names, columns = {}, c:names_for(#model.levels)
  for d = 1, #model.levels do
    for level = 1, model.levels[d] // 1 | 0 do
      local value = field(model, "lowest") and model.lowest[d] + level - 1 or level
      names[#names + 1] = ("%s = %g"):format(columns[d], value)
    end
  end
  return M, names
end

local function families(c)
  local M, names = table_of(c)
  if not M then check.fail(c.who, "the family is the user's own; the panel \"components\" knows those of latent") end
  local shape = not context.field(c.model, "levels") and c:image_shape(M.cols)
  if shape then
    local columns = math.ceil(math.sqrt(#M))
    return c.figure({ width = false }):images(M, { shape = shape, palette = "ink", columns = columns,
      zoom = math.max(1, 360 // (columns * (math.max(shape[1], shape[2]) + 1))), title = "Means of the components" })
  end
  local few = M.cols <= MOST_COLUMNS
  local fig = c.figure { title = "Components", xlabel = "component", width = math.max(420, 60 * math.min(#M, 20) + 180),
    height = math.max(320, 22 * math.min(M.cols, 60) + 90) }
  return fig:heatmap(M:t():copy(), { rows = few and names or nil, palette = "ink" })
end

local function mixing_weights(c)
  local weights = c.model.weights
  local n = #weights
  return c.figure { title = "Weights of the components", xlabel = "component", ylabel = "weight",
    xrange = { 0.4, n + 0.6 }, xticks = n <= 10 and matrix.range(1, n) or nil }:bars(matrix.range(1, n), weights)
end

local function classes(c)
  if c.X.cols > 1 then return rows_by_class(c, c:plane_figure "Rows by component", "component") end
  return c.figure { title = "Rows by component", xlabel = c.names[1] }:histogram(c.X:col(1), { classes = predicted(c) })
end

-- ---- classifiers --------------------------------------------------------------------------------------

-- The borders between classes of two columns: where the place of the predicted class changes.
local function borders(c, fig)
  local size, x, y = 200, {}, {}
  x[1], x[2] = c.X:col(1):min(), c.X:col(1):max()
  y[1], y[2] = c.X:col(2):min(), c.X:col(2):max()
  for _, r in ipairs { x, y } do
    local margin = 0.08 * (r[2] - r[1])
    r[1], r[2] = r[1] - margin, r[2] + margin
  end
  if x[1] == x[2] or y[1] == y[2] then return fig end
  local grid = matrix(size * size, 2, function(k, j)
    local r, step = j == 1 and x or y, j == 1 and (k - 1) % size or (k - 1) // size
    return r[1] + (r[2] - r[1]) * step / (size - 1)
  end)
  local posteriors = c:ask("posteriors", grid)
  for k = 1, #c.model.classes do -- above the largest of the others
    local own = posteriors:col(k)
    local others = posteriors:copy()
    others:col(k):fill(-1)
    fig:contours((own - others:max(2)):reshape(size, size), { x = x, y = y, levels = { 0 }, color = "#333333",
      width = 1.2 })
  end
  return fig
end

local function said(c)
  local fig = c.X.cols > 1 and c:plane_figure "Classes as predicted"
  if not fig then
    return c.figure { title = "Classes as predicted", xlabel = c.names[1] }:histogram(c.X:col(1),
      { classes = predicted(c), labels = c.labels })
  end
  c:data_points(fig, predicted(c), c.labels)
  if c.X.cols == 2 then borders(c, fig) end
  if c.classes == nil then return fig end
  local labels, wrong = predicted(c), {}
  for i = 1, #c.X do
    if c.classes[i] ~= labels[i] then wrong[#wrong + 1] = i end
  end
  if #wrong > 0 then
    local Z = c:plane().project(c.X:rows_at(wrong))
    fig:points(Z:col(1), Z:col(2), { label = "mistakes", color = "#111111", size = 0.5 })
  end
  return fig
end

local function confusion(c)
  local counts = c:ask("confusion", c.X, c.classes)
  local names = {}
  for k, class in ipairs(c.model.classes) do names[k] = tostring(c.labels and c.labels[class] or class) end
  return c.figure { title = "Confusion", xlabel = "predicted", ylabel = "true" }
    :heatmap(counts, { rows = names, columns = names, palette = "ink" })
end

local gaussian_panels = {
  { name = "components", draw = components, needs = "X" },
  { name = "density", draw = density, needs = "X", also = true },
  { name = "weights", draw = mixing_weights, also = true },
  { name = "history", draw = history, also = true },
}

return {
  kmeans = {
    { name = "clusters", draw = clusters, needs = "X" },
    { name = "history", draw = history, also = true },
  },
  gmm = gaussian_panels,
  mppca = gaussian_panels,
  mixture = {
    { name = "components", draw = families, only = function(c) return table_of(c) ~= nil end },
    { name = "weights", draw = mixing_weights },
    { name = "classes", draw = classes, needs = "X", only = function(c) return table_of(c) == nil end },
    { name = "history", draw = history, also = true },
  },
  classifier = {
    { name = "classes", draw = said, needs = "X" },
    { name = "confusion", draw = confusion, needs = "X classes" },
  },
}
