-- What export/c.lua and export/lua.lua share: statements and expressions of a program (export/program.lua), written
-- by the rules of a target. Not exported.
--
-- A target has shift (what ints are more than from 0), real(text), atom(kind, text), and the texts of statements.

local check = require "latent.check"

local writer = {}

-- Adds `coefficient` times the atom to a sum { constant =, atoms, coefficients by atom }.
local function add(sum, atom, coefficient)
  if not sum[atom] then
    sum.atoms[#sum.atoms + 1] = atom
    sum[atom] = 0
  end
  sum[atom] = sum[atom] + coefficient
end

-- "k * 16 + i - 1" as a sum of atoms.
local function parse_int(text)
  local sum = { constant = 0, atoms = {} }
  text = text:gsub("%s+", "")
  local place, sign = 1, 1
  while place <= #text do
    local coefficient, atom = sign, nil
    repeat
      local number = text:match("^%d+", place)
      local word = number or text:match("^[%l_][%w_%.]*%b()", place) or text:match("^[%l_][%w_%.]*%b[]", place)
        or text:match("^[%l_][%w_%.]*", place)
      if not word then error("not a place: " .. text) end
      place = place + #word
      if number then
        coefficient = coefficient * tonumber(number)
      else
        if atom then error("a product of two ints: " .. text) end
        atom = word
      end
      local times = text:sub(place, place) == "*"
      if times then place = place + 1 end
    until not times
    if atom then add(sum, atom, coefficient) else sum.constant = sum.constant + coefficient end
    local operator = text:sub(place, place)
    if operator == "-" then sign = -1 elseif operator == "+" then sign = 1
    elseif operator ~= "" then error("not a place: " .. text) end
    place = place + 1
  end
  return sum
end

-- An atom as the target writes it: a counter, tri(i), an element of an int array.
local function atom_text(target, atom)
  local inner = atom:match "^tri(%b())$"
  if inner then return target.tri(writer.int(target, inner:sub(2, -2), target.shift)) end
  local name, place = atom:match "^([%w_%.]+)(%b[])$"
  if name then return target.field(name) .. "[" .. writer.int(target, place:sub(2, -2), target.shift) .. "]" end
  return target.field(atom)
end

-- An int of the program, as text; `more` is added to its value from 0.
function writer.int(target, text, more)
  local sum = parse_int(text)
  local constant, parts = sum.constant + (more or 0), {}
  for _, atom in ipairs(sum.atoms) do
    local coefficient = sum[atom]
    constant = constant - coefficient * target.shift
    local size = math.abs(coefficient)
    if size ~= 0 then
      local written = atom_text(target, atom) .. (size == 1 and "" or " * " .. size)
      local sign = coefficient < 0 and "- " or #parts > 0 and "+ " or ""
      parts[#parts + 1] = sign .. written
    end
  end
  if constant ~= 0 or #parts == 0 then
    local sign = #parts == 0 and "" or constant < 0 and "- " or "+ "
    parts[#parts + 1] = sign .. tostring(#parts == 0 and constant or math.abs(constant))
  end
  return table.concat(parts, " ")
end

-- An expression: places in brackets are ints, the rest the target's.
function writer.real(target, text)
  local places, count = {}, 0
  text = text:gsub("([%l_][%w_%.]*)(%b[])", function(name, place)
    count = count + 1
    places[count] = target.field(name) .. "[" .. writer.int(target, place:sub(2, -2), target.shift) .. "]"
    return "@" .. count .. "@"
  end)
  text = target.real(text)
  return (text:gsub("@(%d+)@", function(i) return places[tonumber(i)] end))
end

-- Patterns of statements, with what writes them: target[name](captures).
local statements = {
  { "^%-%-%s*(.*)$", "comment" },
  { "^real ([%l_%d]+) = (.+)$", "let" },
  { "^int ([%l_%d]+) = whole (.+)$", "whole" },
  { "^int ([%l_%d]+) = label ([%l_%d]+) from (-?%d+)$", "label" },
  { "^int ([%l_%d]+) = (.+)$", "let_int" },
  { "^return (.+)$", "give" },
  { "^(%l+) ([%l_%d]+)%[(%d+)%]$", "room" },
  { "^for ([%l_%d]+) < (.+)$", "count" },
  { "^for ([%l_%d]+) from (.+) to (.+)$", "range" },
  { "^down ([%l_%d]+) < (.+)$", "down" },
  { "^if (.+)$", "branch" },
  { "^else$", "otherwise" },
  { "^end$", "close" },
  { "^([%l_][%w_]*)(%b())$", "call" },
  { "^([%l_][%w_%.]*%[.+%]) = (.+)$", "set" },
  { "^([%l_][%w_%.]*) = (.+)$", "set" },
}

-- The ints of a function: names of counters, int variables and int arrays.
local function ints_of(f)
  local ints = {}
  for _, arg in ipairs(f.args) do ints[arg.name] = arg.int or arg.kind == "int" or nil end
  for _, line in ipairs(f.lines) do
    local name = line:match "^int ([%l_%d]+)" or line:match "^for ([%l_%d]+)" or line:match "^down ([%l_%d]+)"
    if name then ints[name] = true end
  end
  return ints
end

-- The lines of a function's body, indented by two spaces and more.
function writer.body(target, f)
  local lines, depth, ints = {}, 1, ints_of(f)
  target.begin(f, ints)
  for _, line in ipairs(f.lines) do
    local text
    for _, statement in ipairs(statements) do
      local captured = { line:match(statement[1]) }
      if captured[1] then
        local kind = statement[2]
        if kind == "close" or kind == "otherwise" then depth = depth - 1 end
        text = target[kind](table.unpack(captured))
        for piece in (text or ""):gmatch "[^\n]+" do lines[#lines + 1] = ("  "):rep(depth) .. piece end
        if kind == "count" or kind == "range" or kind == "down" or kind == "branch" or kind == "otherwise" then
          depth = depth + 1
        end
        break
      end
    end
    if not text then error(("%s: no statement: %s"):format(f.name, line)) end
  end
  return lines
end

-- Names in order.
function writer.sorted(t)
  return (check.names(t))
end

return writer
