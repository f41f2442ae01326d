-- Stubs for the Lua language server, FOLDER/latent.lua, from the documentation's one source (bindings/latent/docs).
--
--   lua5.4 scripts/stubs.lua [FOLDER]      FOLDER, which is there, is build/stubs when left out
--
-- An option table is a class of its own, latent.gmm.options; what is one of some words has them as its type.

local index = require "latent.help.index"
local canonical, split_member, strip = index.canonical, index.split_member, index.strip

-- One line for a comment of the stubs.
local function one_line(text) return (text:gsub("%s+", " ")) end

-- ---- stubs -------------------------------------------------------------------------

-- Metamethods that the language server knows as operators.
local OPERATORS = { __add = "add", __sub = "sub", __mul = "mul", __div = "div", __mod = "mod", __pow = "pow",
  __idiv = "idiv", __unm = "unm", __len = "len", __call = "call", __concat = "concat" }

-- "latent.matrix.zeros.options", the class of an option table.
local function options_class(entry) return "latent." .. canonical(entry.name):gsub(":", ".") .. ".options" end

local function argument_type(entry, arg)
  local bare = index.words_type(arg)
  if arg[1] == "options" and entry.options then
    bare = bare:gsub("table", options_class(entry), 1)
  end
  return bare
end

local function return_types(entry)
  local types = {}
  for i, value in ipairs(entry.returns or {}) do types[i] = value[1] end
  return table.concat(types, ", ")
end

-- "fun(rows: integer, cols?: integer): latent.Matrix", for what is called but is no function.
local function fun_type(entry)
  local arguments = {}
  for i, arg in ipairs(entry.args) do
    local _, optional = strip(arg[2])
    arguments[i] = ("%s%s: %s"):format(arg[1], optional and arg[1] ~= "..." and "?" or "", argument_type(entry, arg))
  end
  local returns = return_types(entry)
  return ("fun(%s)%s"):format(table.concat(arguments, ", "), returns ~= "" and ": " .. returns or "")
end

local function stub_options(entry, out)
  if not entry.options then return end
  out[#out + 1] = "---@class " .. options_class(entry)
  for _, option in ipairs(entry.options) do
    local default = option[3] ~= "" and (" (%s)"):format(option[3]) or ""
    out[#out + 1] = ("---@field %s? %s %s%s"):format(option[1], index.words_type(option), one_line(option[4]), default)
  end
  out[#out + 1] = ""
end

local function stub_comment(entry, out)
  for line in (entry.summary .. (entry.text and "\n\n" .. entry.text or "") .. "\n"):gmatch("(.-)\n") do
    out[#out + 1] = "---" .. line
  end
end

local function stub_function(entry, place, out)
  stub_options(entry, out)
  stub_comment(entry, out)
  local names = {}
  for i, arg in ipairs(entry.args or {}) do
    local _, optional = strip(arg[2])
    names[i] = arg[1]
    out[#out + 1] = ("---@param %s%s %s %s"):format(arg[1], optional and arg[1] ~= "..." and "?" or "",
      argument_type(entry, arg), one_line(arg[3]))
  end
  for _, value in ipairs(entry.returns or {}) do
    local one, more = value[1]:gsub("%.%.%.$", "") -- as many as there are
    out[#out + 1] = ("---@return %s%s # %s"):format(one, more > 0 and " ..." or "", one_line(value[2]))
  end
  out[#out + 1] = ("function %s(%s) end"):format(place, table.concat(names, ", "))
  out[#out + 1] = ""
end

-- A class: its properties and operators in the head, then its methods.
local function stub_class(class, members, out)
  for _, member in ipairs(members) do
    local _, _, name = split_member(member.name)
    if OPERATORS[name] then stub_options(member, out) end
  end
  stub_comment(class, out)
  out[#out + 1] = "---@class latent." .. class.name
  for _, member in ipairs(members) do
    local _, separator, name = split_member(member.name)
    local value = member.returns and member.returns[1]
    if separator == "." then
      out[#out + 1] = ("---@field %s %s %s"):format(name, value and value[1] or "any", one_line(member.summary))
    elseif OPERATORS[name] == "call" then
      out[#out + 1] = "---@overload " .. fun_type(member)
    elseif OPERATORS[name] and value then
      local other = member.args and member.args[1]
      out[#out + 1] = ("---@operator %s%s: %s"):format(OPERATORS[name],
        other and OPERATORS[name] ~= "unm" and OPERATORS[name] ~= "len" and "(" .. strip(other[2]) .. ")" or "",
        value[1])
    end
  end
  out[#out + 1] = ("local %s = {}"):format(class.name)
  out[#out + 1] = ""
  for _, member in ipairs(members) do
    local _, separator, name = split_member(member.name)
    if separator == ":" and not name:find("^__") then stub_function(member, class.name .. ":" .. name, out) end
  end
end

local function stubs()
  local entries, by_name, members = {}, {}, {}
  for _, module in ipairs(index.modules()) do
    for _, entry in ipairs(module) do
      if not entry.topic then entries[#entries + 1], by_name[canonical(entry.name)] = entry, entry end
    end
  end
  local is_table = { latent = true } -- names with something below them
  for _, entry in ipairs(entries) do
    local class = split_member(entry.name)
    if class then
      members[class] = members[class] or {}
      table.insert(members[class], entry)
    else
      local parent = canonical(entry.name):match("^(.*)%.[%w_]+$")
      if parent then is_table[parent] = true end
    end
  end
  local out = { "---@meta latent", "", "-- Made by scripts/stubs.lua from the documentation; not to be edited.", "",
    "---@class latent", "local latent = {}", "" }
  local classes, done = {}, {}
  local function open_table(name)
    if done[name] or name == "latent" then return end
    done[name] = true
    local entry = by_name[name]
    if entry then
      stub_options(entry, out)
      stub_comment(entry, out)
    end
    out[#out + 1] = "---@class latent." .. name
    if entry and entry.args then out[#out + 1] = "---@overload " .. fun_type(entry) end
    if entry and entry.overload then out[#out + 1] = "---@overload " .. entry.overload end
    out[#out + 1] = ("latent.%s = {}"):format(name)
    out[#out + 1] = ""
  end
  for _, entry in ipairs(entries) do
    local name = canonical(entry.name)
    if not split_member(name) and not name:find("^%u") and name ~= "latent" then
      local parent = name:match("^(.*)%.[%w_]+$")
      if parent then open_table(parent) end
      if is_table[name] then
        open_table(name)
      elseif entry.args then
        stub_function(entry, "latent." .. name, out)
      else
        stub_comment(entry, out)
        out[#out + 1] = "---@type " .. (return_types(entry) ~= "" and return_types(entry) or "any")
        out[#out + 1] = ("latent.%s = nil"):format(name)
        out[#out + 1] = ""
      end
    elseif name:find("^%u%w*$") then
      classes[#classes + 1] = entry
    end
  end
  for _, class in ipairs(classes) do
    out[#out + 1] = "do"
    stub_class(class, members[class.name] or {}, out)
    out[#out + 1] = "end"
    out[#out + 1] = ""
  end
  out[#out + 1] = "return latent"
  return out
end

local path = (arg and arg[1] or "build/stubs") .. "/latent.lua"
local file = assert(io.open(path, "w"))
file:write(table.concat(stubs(), "\n"), "\n")
assert(file:close())
print(path)
