-- latent.help: pages for the REPL, from the one source of documentation (docs/).
--
--   latent.help()                     the modules
--   latent.help(latent.pca)           a function, a module, a class (of a matrix or a model)
--   latent.help "Matrix:exp"          a name, or its last part, or a topic
--   latent.help.text(x)               the same page as a string

local check = require "latent.check"

local help = {}

local WIDTH = 80

-- ---- names and what they stand for ------------------------------------------

local modules, entries -- the modules' lists, and every entry by name; read at the first question

-- "latent.pca" and "pca" are one name.
local function canonical(name) return (name:gsub("^latent%.", "")) end

-- The class, the separator and the member of "Matrix:exp"; only classes are capitalized.
local function split_member(name) return name:match("^(%u%w*)([:.])([%w_]+)$") end

local function load_entries()
  if entries then return end
  modules, entries = require "latent.docs.init", {}
  for _, module in ipairs(modules) do
    for _, entry in ipairs(module) do entries[canonical(entry.name)] = entry end
  end
end

-- Entries that a test accepts, in the order of the modules.
local function matching(accept)
  local found = {}
  for _, module in ipairs(modules) do
    for _, entry in ipairs(module) do
      if accept(entry) then found[#found + 1] = entry end
    end
  end
  return found
end

-- The metatable of a class of the C module, or the class table of a module in Lua.
local function find_class(class)
  local registered = debug and debug.getregistry()["latent." .. class]
  if registered then return registered, registered.methods or registered end
  local latent = require "latent"
  for _, module in ipairs(modules) do
    local functions = latent[module.name]
    local found = type(functions) == "table" and rawget(functions, class)
    if found then return found, found end
  end
end

-- The value that an entry's name stands for, or nil: a property and a topic have none.
function help.resolve(name, options)
  check.no_options("help.resolve", options)
  if type(name) ~= "string" then check.fail("help.resolve", "name must be a string, got %s", check.show(name)) end
  load_entries()
  local latent = require "latent"
  name = canonical(name)
  if name == "latent" then return latent end
  local class, separator, member = split_member(name)
  if class then
    local metatable, methods = find_class(class)
    if not metatable or separator == "." then return nil end
    if member:find("^__") then return rawget(metatable, member) end
    return methods[member]
  end
  if name:find("^%u") then return (find_class(name)) end
  local value = latent
  for part in name:gmatch("[^.]+") do
    value = type(value) == "table" and value[part] or nil
  end
  return value
end

-- The names that stand for a value, sorted.
local function names_of(value)
  local names = {}
  for name, entry in pairs(entries) do
    if not entry.topic and help.resolve(name) == value then names[#names + 1] = name end
  end
  table.sort(names)
  return names
end

-- ---- setting text -------------------------------------------------------------

local function length(s) return utf8.len(s) or #s end

-- Fills lines of at most `width` with the words of a paragraph.
local function fill(paragraph, width)
  local lines, line = {}, ""
  for word in paragraph:gmatch("%S+") do
    if line ~= "" and length(line) + 1 + length(word) > width then
      lines[#lines + 1], line = line, word
    else
      line = line == "" and word or line .. " " .. word
    end
  end
  lines[#lines + 1] = line
  return lines
end

-- Paragraphs are filled; a line that begins with spaces stands as it is, and an empty one stays.
local function flow(text, indent, out)
  local paragraph = {}
  local function finish()
    if #paragraph == 0 then return end
    for _, line in ipairs(fill(table.concat(paragraph, " "), WIDTH - #indent)) do
      out[#out + 1] = indent .. line
    end
    paragraph = {}
  end
  for line in (text:gsub("%s+$", "") .. "\n"):gmatch("(.-)\n") do
    if line == "" or line:find("^%s") then
      finish()
      out[#out + 1] = line:find("%S") and indent .. line or ""
    else
      paragraph[#paragraph + 1] = line
    end
  end
  finish()
end

-- Rows of cells under each other; the last cell is filled into what is left of the line.
local function columns(rows_of_cells, indent, out)
  local count, widths, left = #rows_of_cells[1], {}, #indent
  for c = 1, count - 1 do
    widths[c] = 0
    for _, row in ipairs(rows_of_cells) do
      if length(row[c]) <= 30 then widths[c] = math.max(widths[c], length(row[c])) end
    end
    left = left + widths[c] + 2
  end
  for _, row in ipairs(rows_of_cells) do
    local head = indent
    for c = 1, count - 1 do head = head .. row[c] .. (" "):rep(widths[c] - length(row[c])) .. "  " end
    local lines = fill(row[count], WIDTH - left)
    if length(head) > left then -- a cell too wide for its column: the text goes below
      out[#out + 1] = (head:gsub("%s+$", ""))
      head = (" "):rep(left)
    end
    for i, line in ipairs(lines) do
      out[#out + 1] = ((i == 1 and head or (" "):rep(left)) .. line):gsub("%s+$", "")
    end
  end
end

-- ---- pages ----------------------------------------------------------------------

local OPERATORS = {
  __add = "A + B", __sub = "A - B", __mul = "A * B", __div = "A / B", __mod = "A % B", __pow = "A ^ B",
  __unm = "-A", __idiv = "A // B", __eq = "A == B", __lt = "A < B", __le = "A <= B", __len = "#A",
  __call = "A(...)", __index = "A[i]", __newindex = "A[i] = x", __concat = "A .. B",
  __tostring = "tostring(A)", __pairs = "pairs(A)", __close = "local A <close>",
}

-- "zeros(rows [, cols [, options]])": what may be left out is in brackets.
local function signature(entry)
  local _, _, member = split_member(entry.name)
  if member and OPERATORS[member] and (member ~= "__call" or #(entry.args or {}) == 0) then return OPERATORS[member] end
  if not entry.args then return entry.name end
  local text, open = "", 0
  for i, arg in ipairs(entry.args) do
    local comma = i > 1 and ", " or ""
    if arg[2]:find("%?$") then
      text, open = text .. (i > 1 and " [" or "[") .. comma .. arg[1], open + 1
    else
      text = text .. comma .. arg[1]
    end
  end
  return (member == "__call" and "A" or entry.name) .. "(" .. text .. ("]"):rep(open) .. ")"
end

-- The entries that belong to a module, or a class: "matrix" has "matrix.zeros", "Matrix" has "Matrix:exp".
local function members(name)
  local pattern = "^" .. name:gsub("%p", "%%%0") .. "[:.]([%w_]+)$"
  return matching(function(entry)
    local top = name == "latent" and entry.name ~= name and canonical(entry.name):find "^%l[%w_]*$"
    return top or entry.name:find(pattern)
  end)
end

local function section(title, rows_of_cells, out)
  if #rows_of_cells == 0 then return end
  out[#out + 1] = ""
  out[#out + 1] = title
  columns(rows_of_cells, "  ", out)
end

local function strip(type_name) return (type_name:gsub("%?$", "")) end

local function page(entry)
  local out = {}
  local arguments, options, returns, types = {}, {}, {}, {}
  for i, value in ipairs(entry.args and entry.returns or {}) do types[i] = value[1] end
  local head = signature(entry) .. (#types > 0 and " -> " .. table.concat(types, ", ") or "")
  out[1] = length(head) <= WIDTH and head or signature(entry)
  flow(entry.summary, "  ", out)
  for i, arg in ipairs(entry.args or {}) do arguments[i] = { arg[1], strip(arg[2]), arg[3] } end
  for i, option in ipairs(entry.options or {}) do
    local default = option[3] ~= "" and " (" .. option[3] .. ")" or ""
    options[i] = { option[1], strip(option[2]), option[4] .. default }
  end
  for i, value in ipairs(entry.returns or {}) do returns[i] = { value[1], value[2] } end
  section("Arguments", arguments, out)
  section("Options (default)", options, out)
  section("Returns", returns, out)
  if entry.text then
    out[#out + 1] = ""
    flow(entry.text, "  ", out)
  end
  local groups = { ["."] = {}, [":"] = {}, operator = {} }
  for _, member in ipairs(members(entry.name)) do
    local _, separator, name = split_member(member.name)
    local group = name and name:find("^__") and "operator" or separator or "."
    local label = group == "operator" and signature(member) or member.name
    table.insert(groups[group], { label, member.summary })
  end
  section(entry.name:find("^%u") and "Properties" or "Functions", groups["."], out)
  section("Methods", groups[":"], out)
  section("Operators", groups.operator, out)
  if entry.example then
    out[#out + 1] = ""
    out[#out + 1] = "Example"
    for line in (entry.example .. "\n"):gmatch("(.-)\n") do out[#out + 1] = "  " .. line end
  end
  return table.concat(out, "\n")
end

-- ---- finding --------------------------------------------------------------------

local function last_part(name) return name:match("([%w_]+)$") or name end

local function list(title, found)
  local out, lines = { title }, {}
  for i, entry in ipairs(found) do lines[i] = { entry.name, entry.summary } end
  columns(lines, "  ", out)
  return table.concat(out, "\n")
end

local function overview()
  local found, out = {}, {}
  for i, module in ipairs(modules) do
    found[i] = { name = module.name, summary = (entries[module.name] or {}).summary or "" }
  end
  flow('Ask for more: latent.help(latent.matrix), latent.help "Matrix", latent.help "matrix.zeros", ' ..
    'latent.help "exp", or latent.help(x) for a value x.', "", out)
  return list("latent: latent variable models for Lua\n", found) .. "\n\n" .. table.concat(out, "\n")
end

local function plain(name) return (canonical(name):lower():gsub(":", ".")) end

-- Some string of an entry, its arguments' included, has the word.
local function mentions(value, word)
  if type(value) == "string" then return value:lower():find(word, 1, true) ~= nil end
  if type(value) ~= "table" then return false end
  for _, part in pairs(value) do
    if mentions(part, word) then return true end
  end
  return false
end

local function nothing_called(name)
  local wanted = plain(name)
  local mentioned = #wanted > 2 and matching(function(entry) return mentions(entry, wanted) end) or {}
  local parts = { ("Nothing is called '%s'."):format(name) }
  local limit, distance = math.max(1, #last_part(wanted) // 3), require("latent")._distance
  local near = matching(function(entry)
    local known = plain(entry.name)
    return math.min(distance(wanted, known), distance(last_part(wanted), last_part(known))) <= limit
  end)
  if #near > 0 then parts[#parts + 1] = list("Near it:", { table.unpack(near, 1, 8) }) end
  if #mentioned > 0 then parts[#parts + 1] = list("It is mentioned here:", { table.unpack(mentioned, 1, 12) }) end
  if #parts == 1 then parts[2] = "latent.help() lists the modules." end
  return table.concat(parts, "\n\n")
end

local function by_name(name)
  local entry = entries[canonical(name)]
  if entry then return page(entry) end
  local wanted = plain(name)
  local found = matching(function(e) return plain(e.name) == wanted end)
  if #found == 0 then found = matching(function(e) return last_part(plain(e.name)) == wanted end) end
  if #found == 1 then return page(found[1]) end
  if #found > 1 then return list(("Called '%s':"):format(name), found) end
  return nothing_called(name)
end

-- The entry of an object's class, or of a function, module or class; or nil.
local function of_value(x)
  local class = (check.class(x) or ""):match("^latent%.(%u%w*)$")
  if class and entries[class] then return entries[class] end
  local names = (type(x) == "function" or type(x) == "table") and names_of(x) or {}
  return entries[names[1]]
end

function help.entry(x, options)
  check.no_options("help.entry", options)
  load_entries()
  if type(x) == "string" then return entries[canonical(x)] end
  return of_value(x)
end

-- The page for x, as a string.
function help.text(...)
  load_entries()
  if select("#", ...) == 0 then return overview() end
  local x, options = ...
  check.no_options("latent.help", options)
  if type(x) == "string" then return by_name(x) end
  local entry = of_value(x)
  return entry and page(entry) or ("%s is not a part of latent."):format(check.show(x))
end

return setmetatable(help, { __call = function(_, ...) print(help.text(...)) end, __metatable = false })
