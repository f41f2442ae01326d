-- Graphs of ONNX: nodes, constants, inputs and outputs, and their bytes. Not exported.
--
-- A value is known by its name. Numbers are doubles or floats throughout; rows come first, N of them, which the graph
-- doesn't fix. The fields' numbers are those of onnx.proto3 (IR version 8, operators of version 17).

local pb = require "latent.export.protobuf"

local FLOAT, INT64, DOUBLE = 1, 7, 11
local ATTRIBUTE_INT, ATTRIBUTE_INTS = 2, 7

local Graph = {}
Graph.__index = Graph

local graph = {}

function graph.new(name, float)
  return setmetatable({ name = name, kind = float and FLOAT or DOUBLE, format = float and "<f" or "<d", nodes = {},
    constants = {}, inputs = {}, outputs = {}, count = 0, made = {} }, Graph)
end

-- ---- values -----------------------------------------------------------------------------------------------

local function new_name(g)
  g.count = g.count + 1
  return "v" .. g.count
end

local function attribute(name, value)
  if type(value) == "table" then
    return pb.message { { 1, "bytes", name }, { 8, "ints", value }, { 20, "int", ATTRIBUTE_INTS } }
  end
  return pb.message { { 1, "bytes", name }, { 3, "int", value }, { 20, "int", ATTRIBUTE_INT } }
end

-- A node's value: g:node("Add", { a, b }, { axis = 1 }); `as` names it.
function Graph:node(operator, inputs, attributes, as)
  local name, fields = as or new_name(self), {}
  for _, input in ipairs(inputs) do fields[#fields + 1] = { 1, "bytes", input } end
  fields[#fields + 1] = { 2, "bytes", name }
  fields[#fields + 1] = { 3, "bytes", "of_" .. name }
  fields[#fields + 1] = { 4, "bytes", operator }
  local names = {}
  for key in pairs(attributes or {}) do names[#names + 1] = key end
  table.sort(names)
  for _, key in ipairs(names) do fields[#fields + 1] = { 5, "bytes", attribute(key, attributes[key]) } end
  self.nodes[#self.nodes + 1] = pb.message(fields)
  return name
end

local function tensor(name, kind, dims, bytes)
  return pb.message { #dims > 0 and { 1, "ints", dims }, { 2, "int", kind }, { 8, "bytes", name },
    { 9, "bytes", bytes } }
end

-- A constant: a number, or a list of them with dimensions.
function Graph:constant(values, dims)
  if type(values) == "number" then values, dims = { values }, {} end
  if type(values) == "userdata" then values = values:flatten():table() end
  local bytes, name = {}, new_name(self)
  for i, x in ipairs(values) do bytes[i] = self.format:pack(x) end
  self.constants[#self.constants + 1] = tensor(name, self.kind, dims or { #values }, table.concat(bytes))
  return name
end

-- A constant of whole numbers, for operators that take places and sizes.
function Graph:places(values)
  local key = table.concat(values, ",")
  if not self.made[key] then
    local bytes, name = {}, new_name(self)
    for i, n in ipairs(values) do bytes[i] = ("<i8"):pack(n) end
    self.constants[#self.constants + 1] = tensor(name, INT64, { #values }, table.concat(bytes))
    self.made[key] = name
  end
  return self.made[key]
end

-- One place, which takes an axis away.
function Graph:place(n)
  local name = new_name(self)
  self.constants[#self.constants + 1] = tensor(name, INT64, {}, ("<i8"):pack(n))
  return name
end

-- ---- arithmetic ---------------------------------------------------------------------------------------------

for method, operator in pairs { add = "Add", subtract = "Sub", multiply = "Mul", divide = "Div", product = "MatMul" } do
  Graph[method] = function(g, a, b)
    return g:node(operator, { type(a) == "number" and g:constant(a) or a, type(b) == "number" and g:constant(b) or b })
  end
end

function Graph:sum(a, axis) return self:node("ReduceSum", { a, self:places { axis } }, { keepdims = 0 }) end
function Graph:square(a) return self:node("Mul", { a, a }) end
function Graph:unsqueeze(a, axis) return self:node("Unsqueeze", { a, self:places { axis } }) end

-- Columns of rows, from number `first` (of 0) to below `last`.
function Graph:columns_of(a, first, last)
  return self:node("Slice", { a, self:places { first }, self:places { last }, self:places { 1 } })
end

-- ---- the ends -----------------------------------------------------------------------------------------------

-- Of rows: the number of columns, or nil for a number a row.
local function value_info(name, kind, columns)
  local dims = { { 1, "bytes", pb.message { { 2, "bytes", "N" } } } }
  if columns then dims[2] = { 1, "bytes", pb.message { { 1, "int", columns } } } end
  local tensor_type = pb.message { { 1, "int", kind }, { 2, "bytes", pb.message(dims) } }
  return pb.message { { 1, "bytes", name }, { 2, "bytes", pb.message { { 1, "bytes", tensor_type } } } }
end

function Graph:input(name, columns)
  self.inputs[#self.inputs + 1] = value_info(name, self.kind, columns)
  return name
end

-- The value as an output of this name; `whole`: it is of integers.
function Graph:output(name, value, columns, whole)
  self:node("Identity", { value }, nil, name)
  self.outputs[#self.outputs + 1] = value_info(name, whole and INT64 or self.kind, columns)
end

-- The file's bytes; `about`, a sentence or more.
function Graph:bytes(about)
  local fields = {}
  for _, node in ipairs(self.nodes) do fields[#fields + 1] = { 1, "bytes", node } end
  fields[#fields + 1] = { 2, "bytes", self.name }
  for _, constant in ipairs(self.constants) do fields[#fields + 1] = { 5, "bytes", constant } end
  fields[#fields + 1] = { 10, "bytes", about }
  for _, input in ipairs(self.inputs) do fields[#fields + 1] = { 11, "bytes", input } end
  for _, output in ipairs(self.outputs) do fields[#fields + 1] = { 12, "bytes", output } end
  return pb.message { { 1, "int", 8 }, { 2, "bytes", "latent" }, { 3, "bytes", require("latent").version },
    { 7, "bytes", pb.message(fields) }, { 8, "bytes", pb.message { { 1, "bytes", "" }, { 2, "int", 17 } } } }
end

return graph
