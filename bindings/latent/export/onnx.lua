-- A program (export/program.lua) as a graph of ONNX: numbers are the program's constants, operators those of ONNX, for
-- N rows at once. Not exported.
--
-- What a kind of model can say is a list of methods (graphs/NAME.lua): name, input = "row" or "z", value = function(g,
-- x) that gives a value of the graph, columns of the result or nil for a number a row, whole = true for integers, data
-- = true for what is in the data's units.

local check = require "latent.check"
local graph = require "latent.export.graph"

local FILES = { gmm = "densities", mppca = "densities", mixture = "discrete", kmeans = "maps", pca = "maps",
  scaler = "maps", ica = "maps", ppca = "factors", bpca = "factors", fa = "factors", classifier = "classifier",
  vae = "nets", nonlinear = "nets", gan = "nets" }

local onnx = {}

-- The methods of a model, from its program; or nil and why there are none.
function onnx.methods(p, model, kind, options)
  if kind == "lds" then return nil, "a filter keeps a state, which a graph of ONNX doesn't" end
  if not FILES[kind] then return nil, ("a %s can't be a graph of ONNX; of C and Lua it can"):format(kind) end
  return require("latent.export.graphs." .. FILES[kind])(p, model, kind, options)
end

-- Those of the list that are wanted; by default all of rows, or, where there are none, of latent variables.
local function choose(who, list, wanted)
  local chosen, input, names = {}, nil, {}
  for _, m in ipairs(list) do
    names[m.name] = true
    if not wanted and m.input == "row" then input = "row" end
  end
  for _, name in ipairs((check.names(wanted or {}))) do
    if not names[name] then
      local known = {}
      for i, m in ipairs(list) do known[i] = m.name end
      check.fail(who, "methods has %s; of this model in ONNX there are %s", check.show(name), table.concat(known, ", "))
    end
  end
  input = input or not wanted and "z"
  for _, m in ipairs(list) do
    if wanted and wanted[m.name] or m.input == input then
      if chosen[1] and chosen[1].input ~= m.input then
        check.fail(who, "methods: %s takes a %s and %s a %s, but a graph has one input", chosen[1].name,
          chosen[1].input, m.name, m.input)
      end
      chosen[#chosen + 1] = m
    end
  end
  return chosen
end

-- The bytes of a graph of a model's program.
function onnx.bytes(who, p, about, name, model, kind, options)
  local list, message = onnx.methods(p, model, kind, options)
  if not list then return nil, message end
  local scaler = options.scaler
  local g = graph.new(name, options.precision == "float")
  local methods = choose(who, list, options.methods)
  g.missing, g.wanted = options.missing, {}
  for _, m in ipairs(methods) do g.wanted[m.name] = true end
  local takes_row = methods[1].input == "row"
  local x = g:input(methods[1].input, takes_row and p.sizes.D or p.sizes.M)
  if p.sizes.LABELS and FILES[kind] == "nets" then g.label = g:labels "label" end
  if scaler and takes_row then
    x = g:divide(g:subtract(x, g:constant(scaler.mean)), g:constant(scaler.deviation))
  end
  for _, m in ipairs(methods) do
    local value = m.value(g, x)
    if scaler and m.data then
      value = g:add(g:multiply(value, g:constant(scaler.deviation)), g:constant(scaler.mean))
    end
    g:output(m.name, value, m.columns, m.whole)
  end
  return g:bytes(about.what)
end

return onnx
