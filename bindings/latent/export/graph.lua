-- Graphs of ONNX: nodes, constants, inputs and outputs, and their bytes. Not exported.
--
-- A value is known by its name. Numbers are doubles or floats throughout; rows come first, N of them, which the graph
-- doesn't fix. The fields' numbers are those of onnx.proto3 (IR version 8, operators of version 17).

local pb = require "latent.export.protobuf"

local FLOAT, INT64, DOUBLE = 1, 7, 11
local ATTRIBUTE_INT, ATTRIBUTE_GRAPH, ATTRIBUTE_INTS = 2, 5, 7

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
  if type(value) == "string" then -- the bytes of a graph
    return pb.message { { 1, "bytes", name }, { 6, "bytes", value }, { 20, "int", ATTRIBUTE_GRAPH } }
  elseif type(value) == "table" then
    return pb.message { { 1, "bytes", name }, { 8, "ints", value }, { 20, "int", ATTRIBUTE_INTS } }
  end
  return pb.message { { 1, "bytes", name }, { 3, "int", value }, { 20, "int", ATTRIBUTE_INT } }
end

-- A node's value: g:node("Add", { a, b }, { axis = 1 }); `as` names it, or is a list of the names of several.
function Graph:node(operator, inputs, attributes, as)
  local values, fields = type(as) == "table" and as or { as or new_name(self) }, {}
  local name = values[1]
  for _, input in ipairs(inputs) do fields[#fields + 1] = { 1, "bytes", input } end
  for _, value in ipairs(values) do fields[#fields + 1] = { 2, "bytes", value } end
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

-- From places `first` (of 0) to below `last` of axes, which are lists.
function Graph:slice(a, first, last, axes)
  return self:node("Slice", { a, self:places(first), self:places(last), self:places(axes) })
end

-- Columns of rows.
function Graph:columns_of(a, first, last) return self:slice(a, { first }, { last }, { 1 }) end

-- ---- missing entries ----------------------------------------------------------------------------------------

-- Where the entries of a row are NaN, as booleans; and where not, as numbers 1 and 0.
function Graph:missing_of(row)
  local key = "missing of " .. row
  if not self.made[key] then
    local nan = self:node("IsNaN", { row })
    self.made[key] = { nan, self:node("Cast", { self:node("Not", { nan }) }, { to = self.kind }) }
  end
  return table.unpack(self.made[key])
end

-- `a` with `instead` where the row's entries are missing.
function Graph:filled(a, row, instead)
  local nan = self:missing_of(row)
  return self:node("Where", { nan, type(instead) == "number" and self:constant(instead) or instead, a })
end

-- Whether any entry is missing.
function Graph:any_missing(row)
  local _, present = self:missing_of(row)
  local count = self:node("ReduceSum", { self:subtract(1, present) }, { keepdims = 0 })
  return self:node("Greater", { count, self:constant(0) })
end

-- The values that yes() gives where the condition holds, else those of no(), as many. Nodes that these make are in a
-- graph of their own: nothing else may use them.
function Graph:choose(condition, yes, no)
  local outer, branches, count = self.nodes, {}, nil
  for i, f in ipairs { yes, no } do
    self.nodes = {}
    local values, fields = { f() }, {}
    count = #values
    for k, value in ipairs(values) do values[k] = self:node("Identity", { value }) end
    for _, node in ipairs(self.nodes) do fields[#fields + 1] = { 1, "bytes", node } end
    fields[#fields + 1] = { 2, "bytes", new_name(self) }
    for _, value in ipairs(values) do
      local kind = pb.message { { 1, "bytes", pb.message { { 1, "int", self.kind } } } }
      fields[#fields + 1] = { 12, "bytes", pb.message { { 1, "bytes", value }, { 2, "bytes", kind } } }
    end
    branches[i] = pb.message(fields)
  end
  self.nodes = outer
  local names = {}
  for k = 1, count do names[k] = new_name(self) end
  self:node("If", { condition }, { then_branch = branches[1], else_branch = branches[2] }, names)
  return table.unpack(names)
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

-- An input of an integer a row.
function Graph:labels(name)
  self.inputs[#self.inputs + 1] = value_info(name, INT64)
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
