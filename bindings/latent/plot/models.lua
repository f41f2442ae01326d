-- model:plot(X [, options]): the picture of a fitted model that one expects, as a figure. Not exported;
-- bindings/model/methods.c makes a method of it.
--
-- A family's file in models/ has, for each of its kinds, a list of panels in their order:
--
--   { name = "scree", draw = function(c) return figure end, needs = "X" or "X classes", only = function(c), also = }
--
-- Those whose needs are met are drawn, unless `also` says that they are for who asks for them by name, or `only` that
-- the model or the data isn't of the kind.

local check = require "latent.check"
local context = require "latent.plot.context"

local FAMILY = { scaler = "projections", pca = "projections", ppca = "projections", bpca = "projections",
  fa = "projections", ica = "projections", kmeans = "mixtures", gmm = "mixtures", mppca = "mixtures",
  mixture = "mixtures", classifier = "mixtures", lds = "series", em = "series", nonlinear = "deep", vae = "deep",
  gan = "deep", flow = "deep", diffusion = "deep", flow_matching = "deep" }

local models = {}

-- What drawing a panel wants and hasn't, in words; nil when it can be drawn.
local function lacks(panel, c)
  for need in (panel.needs or ""):gmatch "%a+" do
    if c[need] == nil then return need end
  end
end

local function find(panels, name)
  for _, panel in ipairs(panels) do
    if panel.name == name then return panel end
  end
end

-- The panels that the option names, or else those that can be drawn.
local function chosen(c, panels)
  local list = {}
  for i, name in ipairs(c.options.panels or {}) do
    local panel = type(name) == "string" and find(panels, name)
    if not panel then
      local names = {}
      for k, known in ipairs(panels) do names[k] = known.name end
      check.fail(c.who, "panels[%d] must be one of %s, got %s", i, table.concat(names, ", "), check.show(name))
    end
    local need = lacks(panel, c)
    if need then check.fail(c.who, "%s must be given for the panel %q", need, name) end
    list[i] = panel
  end
  for _, panel in ipairs(c.options.panels and {} or panels) do
    if not panel.also and not lacks(panel, c) and (not panel.only or panel.only(c)) then list[#list + 1] = panel end
  end
  if #list == 0 then check.fail(c.who, "X must be given: the picture shows the model with its data") end
  return list
end

-- Of a kind of models; one without a family has what its methods give.
function models.panels(kind)
  local family = require("latent.plot.models." .. (FAMILY[kind] or "general"))
  return FAMILY[kind] and family[kind] or family
end

-- Of what data sets and files hand on behind X: labels are what classes says; what is known of X comes with it.
local function options_of(labels, options, last)
  if options == nil or check.is_about(options) then options = last end
  if not check.is_matrix(labels) then
    if labels == nil or check.is_about(labels) then return options end
    return labels
  end
  if options ~= nil and type(options) ~= "table" then return options end
  local all = { classes = labels }
  for name, value in pairs(options or {}) do all[name] = value end
  return all
end

function models.plot(model, X, ...)
  local kind = check.maker(check.class(model))
  local options = options_of(...)
  local c = context.new(kind, model, X, options)
  local panels = models.panels(kind)
  local list, figures = chosen(c, panels), {}
  c.count = #list
  for _, panel in ipairs(list) do
    local drawn = panel.draw(c)
    for _, one in ipairs(drawn.grid and drawn.grid.figures or { drawn }) do figures[#figures + 1] = one end
  end
  if #figures == 1 then
    figures[1].title = c.options.title or figures[1].title
    return figures[1]
  end
  local columns = c.kind == "lds" and 1 or #figures <= 3 and #figures or 2
  return c.figure({ title = c.options.title, width = false }):panels(figures, { columns = columns })
end

return models
