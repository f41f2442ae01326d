-- What the pictures of models have in common: their options, the plane in which rows are drawn, points by class,
-- learning curves. Not exported.

local latent = require "latent"
local check = require "latent.check"
local plot = require "latent.plot" -- all layers of figures
local values = require "latent.plot.values"
local matrix = latent.matrix

local context = {}
context.__index = context

-- Of all models, and of some.
local OPTIONS = { panels = "table", title = "string", classes = true, labels = "table", names = true }
local SHAPE, GIVEN, SAMPLE = { shape = true }, { given = "table" }, { sample = "table" }
local MORE = {
  lds = { { steps = "number", level = "number", time = true }, GIVEN }, classifier = { GIVEN },
  pca = { SHAPE }, ppca = { SHAPE }, fa = { SHAPE }, ica = { SHAPE }, mixture = { SHAPE },
  nonlinear = { SHAPE, SAMPLE }, gan = { SHAPE, SAMPLE }, diffusion = { SHAPE, SAMPLE },
  vae = { SHAPE, SAMPLE, GIVEN }, flow = { SHAPE, SAMPLE, GIVEN }, flow_matching = { SHAPE, SAMPLE, GIVEN },
}

local function known(kind)
  local list = {}
  for name, value in pairs(OPTIONS) do list[name] = value end
  for _, more in ipairs(MORE[kind] or {}) do
    for name, value in pairs(more) do list[name] = value end
  end
  return list
end

-- A field that may not be there.
function context.field(object, name)
  local ok, value = pcall(function() return object[name] end)
  if ok then return value end
end
local field = context.field

-- How many columns the rows of a model have, or nil.
local function columns_of(model)
  local first = (field(model, "models") or {})[1] -- a classifier's
  if first then return columns_of(first) end
  for _, name in ipairs { "means", "centers", "mean", "W", "C" } do
    local value = field(model, name)
    if check.is_matrix(value) then return (name == "means" or name == "centers") and value.cols or #value end
  end
  return field(model, "input_dim")
end

-- Rows as a matrix of float64: of a list of sequences the first; a vector is a row, or else a column.
local function rows_of(who, kind, model, X)
  if kind == "lds" and type(X) == "table" and check.is_matrix(X[1]) then X = X[1] end
  X = check.matrix(who, "X", X)
  local D = columns_of(model)
  if type(X[1]) == "number" then X = X:reshape(D == #X and 1 or #X, D == #X and #X or 1) end
  if D and X.cols ~= D then check.fail(who, "X has %d columns, the model was fitted on %d", X.cols, D) end
  return X:to "float64"
end

-- The option `shape`: { rows, columns }, false, or nil.
local function shape_of(who, shape)
  if shape == nil or shape == false then return shape end
  local list = values.as_table(shape)
  if type(list) ~= "table" or #list ~= 2 then
    check.fail(who, "shape must be { rows, columns } or false, got %s", check.show(shape))
  end
  return { check.integer(who, "shape[1]", list[1], 1), check.integer(who, "shape[2]", list[2], 1) }
end

-- Names of the columns: the option, or what X carries, or x1, x2, ...
local function names_of(who, given, X, D)
  if given ~= nil then return values.texts(who, "names", given, D) end
  local carried = X and field(X, "names")
  if type(carried) == "table" and #carried == D then return values.texts(who, "names", carried, D) end
  local list = {}
  for j = 1, D do list[j] = D == 1 and "x" or "x" .. j end
  return list
end

function context.new(kind, model, X, options)
  local who = kind .. ":plot"
  options = check.options(who, options, known(kind))
  local c = { model = model, kind = kind, who = who, options = options, classes = options.classes,
    labels = options.labels, given = options.given, shape = shape_of(who, options.shape), count = 1,
    told = options.classes ~= nil }
  if X ~= nil then
    c.X = rows_of(who, kind, model, X)
    c.classes = c.classes or field(X, "labels")
    c.labels = c.labels or field(X, "classes")
    c.names = names_of(who, options.names, X, c.X.cols)
    if c.classes ~= nil then c.classes = values.codes(who, c.classes, #c.X, "X") end
  end
  c.figure = function(o) return context.figure(c, o) end
  return setmetatable(c, context)
end

-- What a method of the model gives. Those in C don't know the user's line; those in Lua do.
function context:ask(method, ...)
  if type(self.model) == "table" then return self.model[method](self.model, ...) end
  return check.call(self.model[method], self.model, ...)
end

-- A fresh figure, smaller where there are several; width = false: as figures are.
function context.figure(c, o)
  o = o or {}
  if o.width == false then
    o.width = nil
  elseif o.width == nil and c.count > 1 then
    o.width, o.height = 520, o.height or 420
  end
  return plot.figure(o)
end

-- Names of the columns of something with D of them, also where there is no X.
function context:names_for(D)
  if self.names and #self.names == D then return self.names end
  return names_of(self.who, self.options.names, nil, D)
end

-- Height and width of images that rows are: the option, what X carries, or a square from 8 x 8 on; or nil.
function context:image_shape(D)
  local shape = self.shape
  if shape == false then return nil end
  if shape and shape[1] * shape[2] ~= D then
    check.fail(self.who, "shape is %dx%d, but a row has %d numbers", shape[1], shape[2], D)
  end
  if shape then return shape end
  local side = math.tointeger(math.sqrt(D))
  return side and side >= 8 and { side, side } or nil
end

-- A function that gives two coordinates of rows: the columns themselves (of a row or two the first two), or the plane
-- of X's first two principal components; what its axes are called; and, for covariances, the directions of that plane.
function context:plane()
  if self.flat then return self.flat end
  local D = self.X.cols
  if D == 2 or #self.X < 3 then
    local directions = matrix.eye(D):block(1, D, 1, 2):copy()
    self.flat = { project = function(A) return A * directions end, xlabel = self.names[1], ylabel = self.names[2],
      directions = directions }
    return self.flat
  end
  local X = self.X
  if X:isnan():sum() > 0 and field(self.model, "impute") then X = self:ask("impute", X) end
  self.complete = X
  local pca = check.call(latent.pca { latent_dim = 2 }.fit, latent.pca { latent_dim = 2 }, X)
  local share = pca.explained_ratio
  self.flat = { project = function(A) return check.call(pca.transform, pca, A) end, equal = true,
    xlabel = ("component 1 of X (%.0f %%)"):format(100 * share[1]),
    ylabel = ("component 2 of X (%.0f %%)"):format(100 * share[2]), directions = pca.components }
  return self.flat
end

-- A figure of that plane.
function context:plane_figure(title)
  local plane = self:plane()
  return self.figure { title = title, xlabel = plane.xlabel, ylabel = plane.ylabel, equal = plane.equal }
end

-- Adds rows of coordinates as points, by class where there are classes.
function context.points(fig, Z, classes, labels, options)
  local o = { classes = classes, labels = classes ~= nil and labels or nil }
  for name, value in pairs(options or {}) do o[name] = value end
  return fig:points(Z:col(1), Z:col(2), o)
end

-- The rows of X in the plane.
function context:data_points(fig, classes, labels, options)
  local plane = self:plane()
  return context.points(fig, plane.project(self.complete or self.X), classes, labels, options)
end

local MOST_DRAWS = 1000

-- How many draws are shown among the rows.
function context:draws_wanted() return math.min(MOST_DRAWS, math.max(100, #self.X)) end

-- The rows, and draws from the model among them.
function context:draws_among(Y)
  if Y.cols == 1 then
    local of = matrix.vstack { matrix.ones(#self.X, 1), matrix.ones(#Y, 1) * 2 }:flatten()
    return self.figure { title = "Rows, and draws from the model", xlabel = self.names[1] }
      :histogram(matrix.vstack { self.X, Y }:flatten(), { density = true, classes = of, labels = { "rows", "draws" } })
  end
  local fig = self:plane_figure "Rows, and draws from the model"
  self:data_points(fig, nil, nil, { label = "rows", color = 4 })
  return context.points(fig, self:plane().project(Y), nil, nil, { label = "draws", color = 3 })
end

-- The rows in two dimensions of a latent space, or a histogram of a single one.
function context:latent_scatter(Z, o)
  if Z.cols == 1 then
    return self.figure { title = o.title, xlabel = o.names[1] }:histogram(Z:col(1),
      { classes = self.classes, labels = self.classes ~= nil and self.labels or nil })
  end
  local fig = self.figure { title = o.title, xlabel = o.names[1], ylabel = o.names[2], equal = true }
  return context.points(fig, Z, self.classes, self.labels)
end

-- ---- learning curves -----------------------------------------------------------------------

-- The objective of each iteration or epoch, and that of other rows.
function context:history(names)
  local fig = self.figure { title = "Learning", xlabel = field(self.model, "epochs") and "epoch" or "iteration",
    ylabel = names and "loss" or "objective" }
  local curves, few = {}, 10
  for _, row in ipairs(names or { { "history" } }) do
    local list = field(self.model, row[1])
    if list and #list > 0 then curves[#curves + 1] = { list = list, label = row[2] } end
  end
  for _, curve in ipairs(curves) do
    local list, x = curve.list, matrix.range(1, #curve.list):table()
    if #x <= few then fig.xticks = values.ticks(self.who, "xticks", x) end
    fig:line(x, list, { label = #curves > 1 and curve.label or nil }) -- a single one needs no key
    if #x < 60 then fig:points(x, list, { color = (fig.colors - 1) % #values.COLORS + 1, size = 0.6 }) end
  end
  if #curves == 0 then check.fail(self.who, "the model has no history: it wasn't fitted in iterations here") end
  return fig
end

-- Whether there is one.
function context:has_history()
  local list = field(self.model, "history")
  return type(list) == "table" and #list > 1
end

return context
