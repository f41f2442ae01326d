-- A program (export/program.lua) as one file of Lua that runs alike in 5.1 to 5.4 and LuaJIT, and needs math only. Not
-- exported.
--
-- Constants, scratch and functions are fields of two tables, and become locals where they are used: a function of Lua
-- 5.1 has at most 60 names of outside and 200 of its own. Long lists are made by several functions, which may have at
-- most 2^16 constants each.

local writer = require "latent.export.writer"

local MATH = { exp = true, log = true, sqrt = true, abs = true, floor = true }
local LOG_2PI = "1.8378770664093454836"
local PIECE = 8192

-- What Lua's math lacks, for functions that ask.
local HELPERS = {
  -- near 0 by Lambert's continued fraction, as 1 - e has few digits there
  tanh = [[
local function tanh(x)
  if abs(x) < 0.25 then
    local s = x * x
    return x / (1 + s / (3 + s / (5 + s / (7 + s / (9 + s / 11)))))
  end
  local e = exp(-2 * abs(x))
  local y = (1 - e) / (1 + e)
  return x < 0 and -y or y
end
]],
  -- Abramowitz, Stegun, 7.1.5 and 7.1.14: the series, and a continued fraction for what is left of 1
  erf = [[
local function erf(x)
  local z = abs(x)
  local y
  if z < 2.5 then
    local term, n = z, 0
    y = z
    repeat
      n = n + 1
      term = -term * z * z / n
      y = y + term / (2 * n + 1)
    until abs(term) < 1e-18
    y = y * 1.1283791670955126
  else
    local f = z
    for n = 60, 1, -1 do f = z + n / 2 / f end
    y = 1 - exp(-z * z) / f * 0.56418958354775629
  end
  return x < 0 and -y or y
end
]],
}
local NEEDS = { tanh = { "exp", "abs" }, erf = { "exp", "abs" } }

local function number(x)
  if x == math.huge then return "huge" end
  if x == -math.huge then return "-huge" end
  for digits = 15, 17 do
    local text = ("%." .. digits .. "g"):format(x)
    if tonumber(text) == x then return text end
  end
end

local function array_text(name, array)
  local values, lines, pieces = array.values, {}, (#array.values + PIECE - 1) // PIECE
  for piece = 1, pieces do
    local first, last = (piece - 1) * PIECE + 1, math.min(piece * PIECE, #values)
    local line = " "
    lines[#lines + 1] = pieces == 1 and ("P.%s = {"):format(name) or "list = (function() return {"
    for i = first, last do
      local item = (array.int and ("%d"):format(values[i] + 1) or number(values[i])) .. (i < last and "," or "")
      if #line + #item + 1 > 118 then lines[#lines + 1], line = line, " " end
      line = line .. " " .. item
    end
    lines[#lines + 1] = line
    lines[#lines + 1] = pieces == 1 and "}" or "} end)()"
    if pieces > 1 then
      lines[#lines + 1] = piece == 1 and ("P.%s = list"):format(name)
        or ("for i = 1, #list do P.%s[i + %d] = list[i] end"):format(name, first - 1)
    end
  end
  return table.concat(lines, "\n"), pieces > 1
end

-- ---- statements -----------------------------------------------------------------------------------------

local function new_target()
  local t = { shift = 1, used = {}, rooms = {} }
  local ints, current = {}, nil

  function t.begin(f, its) current, ints = f, its end
  function t.tri(i) return (i:find " " and "((%s - 1) * (%s) / 2 + 1)" or "((%s - 1) * %s / 2 + 1)"):format(i, i) end
  function t.field(name) return name end

  function t.real(text)
    text = text:gsub("%f[%w_]LOG_2PI", LOG_2PI):gsub("%f[%w_]INFINITY", function()
      t.used.huge = true
      return "huge"
    end)
    for name in text:gmatch "%f[%w_]%l+" do
      if MATH[name] or HELPERS[name] then t.used[name] = true end
      for _, needed in ipairs(NEEDS[name] or {}) do t.used[needed] = true end
    end
    return text
  end

  function t.comment(text) return "-- " .. text end
  function t.let(name, text) return ("local %s = %s"):format(name, writer.real(t, text)) end
  function t.let_int(name, text) return ("local %s = %s"):format(name, writer.int(t, text, 1)) end
  function t.whole(name, text) return ("local %s = (%s) + 1"):format(name, writer.real(t, text)) end
  function t.label(name, label, lowest)
    return ("local %s = %s%s"):format(name, label, lowest == "1" and "" or (" - (%s) + 1"):format(lowest))
  end

  function t.room(_, name)
    local room = current.name .. "_" .. name
    t.rooms[#t.rooms + 1] = room
    return ("local %s = P.%s"):format(name, room)
  end

  function t.count(i, to) return ("for %s = 1, %s do"):format(i, writer.int(t, to)) end
  function t.range(i, from, to) return ("for %s = %s, %s do"):format(i, writer.int(t, from, 1), writer.int(t, to)) end
  function t.down(i, to) return ("for %s = %s, 1, -1 do"):format(i, writer.int(t, to)) end
  function t.branch(text) return ("if %s then"):format(writer.real(t, text)) end
  function t.otherwise() return "else" end
  function t.close() return "end" end
  function t.call(name, args) return name .. writer.real(t, args) end

  function t.give(text)
    return "return " .. (current.returns == "int" and writer.int(t, text, 1) or writer.real(t, text))
  end

  function t.set(name, text)
    local is_int = ints[name:match "^[%l_%d]+"] and not name:find "%."
    return ("%s = %s"):format(writer.real(t, name), is_int and writer.int(t, text, 1) or writer.real(t, text))
  end

  return t
end

-- ---- functions ------------------------------------------------------------------------------------------

-- Locals for the constants and functions that a body names.
local function locals_of(p, f, names)
  local found, lines = {}, {}
  for _, line in ipairs(f.lines) do
    for name in (line:match "^%-%-" and "" or line):gmatch "%f[%w_]%l[%w_]*" do
      if names[name] and name ~= f.name then found[name] = true end
    end
  end
  for _, name in ipairs(writer.sorted(found)) do
    lines[#lines + 1] = ("  local %s = %s.%s"):format(name, p.arrays[name] and "P" or "F", name)
  end
  return lines
end

local function arg_names(f)
  local names = {}
  for i, arg in ipairs(f.args) do names[i] = arg.name end
  return table.concat(names, ", ")
end

-- A public function: checks what it is given, makes what it returns.
local function public_text(p, f)
  local args, all, checks, outs = {}, {}, {}, {}
  for _, arg in ipairs(f.args) do
    if arg.out then
      checks[#checks + 1] = ("  %s = %s or {}"):format(arg.name, arg.name)
      outs[#outs + 1] = arg.name
    elseif arg.size then
      checks[#checks + 1] = ('  check("%s", "%s", %s, %d)'):format(f.name, arg.name, arg.name, arg.size)
    elseif arg.kind == "int" then
      local lowest = p.sizes.LOWEST or 1
      checks[#checks + 1] = ('  check_label("%s", "%s", %s, %d, %d)'):format(f.name, arg.name, arg.name, lowest,
        p.sizes.LABELS)
    elseif f.makes then
      checks[#checks + 1] = ("  local %s = {"):format(arg.name)
      for _, field in ipairs(p.structs[arg.kind]) do
        if field[2] then checks[#checks] = checks[#checks] .. (" %s = {},"):format(field[1]) end
      end
      checks[#checks] = checks[#checks] .. " }"
      outs[#outs + 1] = arg.name
    else
      checks[#checks + 1] = ('  check_struct("%s", %s)'):format(f.name, arg.name)
    end
    if not f.makes then args[#args + 1] = arg.name end
    all[#all + 1] = arg.name
  end
  local lines = { "-- " .. f.about, ("function M.%s(%s)"):format(f.name, table.concat(args, ", ")) }
  for _, line in ipairs(checks) do lines[#lines + 1] = line end
  local call = ("F.%s(%s)"):format(f.name, table.concat(all, ", "))
  if f.returns == "label" and p.classes then
    lines[#lines + 1] = ("  return P.classes[%s]"):format(call)
  elseif #outs == 0 then
    lines[#lines + 1] = "  return " .. call
  elseif f.returns then
    lines[#lines + 1] = "  local value = " .. call
    lines[#lines + 1] = ("  return %s, value"):format(table.concat(outs, ", "))
  else
    lines[#lines + 1] = "  " .. call
    lines[#lines + 1] = "  return " .. table.concat(outs, ", ")
  end
  lines[#lines + 1] = "end\n"
  return table.concat(lines, "\n")
end

-- Where a host gives nothing but math there is no type, and a missing error is an error, too.
local CHECK = [[
local function check(what, name, list, count)
  local kind = type and type(list) or "table"
  if kind ~= "table" and kind ~= "userdata" then
    error("@." .. what .. ": " .. name .. " must be a list of " .. count .. " numbers, got a " .. kind, 3)
  elseif #list ~= count then
    error("@." .. what .. ": " .. name .. " must have " .. count .. " numbers, got " .. #list, 3)
  end
end
]]
local CHECK_LABEL = [[
local function check_label(what, name, label, lowest, count)
  for k = 0, count - 1 do if label == lowest + k then return end end
  error("@." .. what .. ": " .. name .. " must be a whole number from " .. lowest .. " to " .. lowest + count - 1, 3)
end
]]
local CHECK_STRUCT = [[
local function check_struct(what, struct)
  if not struct or type and type(struct) ~= "table" then
    error("@." .. what .. ": the state must be what init has returned", 3)
  end
end
]]

local function head(prefix, about)
  local lines = { ("-- %s.lua: %s"):format(prefix, about.what), "--" }
  for _, note in ipairs(about.notes) do
    local line = "--"
    for word in note:gmatch "%S+" do
      if #line + #word + 1 > 118 then lines[#lines + 1], line = line, "--" end
      line = line .. " " .. word
    end
    lines[#lines + 1] = line
  end
  lines[#lines + 1] = "--"
  lines[#lines + 1] = ("--   local %s = require \"%s\""):format(prefix, prefix)
  lines[#lines + 1] = ("--   %s.%s"):format(prefix, about.use)
  lines[#lines + 1] = "--"
  lines[#lines + 1] = "-- Rows are lists of numbers. A list for the result may be given last; else it is a new one."
  lines[#lines + 1] = "-- Runs in Lua 5.1 to 5.4 and LuaJIT, and needs nothing else.\n"
  return table.concat(lines, "\n")
end

local function escape(text) return (text:gsub("%%", "%%%%")) end

-- The file's text; see c.lua.
return function(p, prefix, about)
  local t, names, code, public, asked = new_target(), {}, {}, {}, {}
  for name in pairs(p.arrays) do names[name] = true end
  for _, f in ipairs(p.functions) do names[f.name] = true end
  for _, f in ipairs(p.functions) do
    local lines = { ("function F.%s(%s)"):format(f.name, arg_names(f)) }
    for _, line in ipairs(locals_of(p, f, names)) do lines[#lines + 1] = line end
    for _, line in ipairs(writer.body(t, f)) do lines[#lines + 1] = line end
    lines[#lines + 1] = "end\n"
    code[#code + 1] = table.concat(lines, "\n")
    if f.public then
      public[#public + 1] = public_text(p, f)
      about.use = about.use or ("%s(%s)"):format(f.name, arg_names(f):gsub(", [%l_, ]*$", ""))
      for _, arg in ipairs(f.args) do
        asked.labels = asked.labels or arg.kind == "int"
        asked.struct = asked.struct or arg.kind == "state"
      end
    end
  end
  local arrays, long = {}, false
  for i, name in ipairs(writer.sorted(p.arrays)) do
    local several
    arrays[i], several = array_text(name, p.arrays[name])
    long = long or several
    if arrays[i]:find("huge", 1, true) then t.used.huge = true end
  end
  local texts, own, from = { head(prefix, about) }, {}, {}
  for _, name in ipairs(writer.sorted(t.used)) do
    if not HELPERS[name] then own[#own + 1], from[#from + 1] = name, "math." .. name end
  end
  if #own > 0 then
    texts[#texts + 1] = ("local %s = %s"):format(table.concat(own, ", "), table.concat(from, ", "))
  end
  for _, name in ipairs(writer.sorted(t.used)) do texts[#texts + 1] = HELPERS[name] end
  texts[#texts + 1] = "local M, F, P = {}, {}, {} -- the module; its functions, constants and scratch\n"
  if p.classes then
    local quoted = {}
    for i, class in ipairs(p.classes) do quoted[i] = ("%q"):format(class) end
    texts[#texts + 1] = ("P.classes = { %s }"):format(table.concat(quoted, ", "))
  end
  if long then texts[#texts + 1] = "local list" end
  for _, text in ipairs(arrays) do texts[#texts + 1] = text end
  for _, room in ipairs(t.rooms) do texts[#texts + 1] = ("P.%s = {}"):format(room) end
  texts[#texts + 1] = ""
  for _, text in ipairs(code) do texts[#texts + 1] = text end
  texts[#texts + 1] = CHECK:gsub("@", escape(prefix))
  if asked.labels then texts[#texts + 1] = CHECK_LABEL:gsub("@", escape(prefix)) end
  if asked.struct then texts[#texts + 1] = CHECK_STRUCT:gsub("@", escape(prefix)) end
  for _, text in ipairs(public) do texts[#texts + 1] = text end
  texts[#texts + 1] = "return M"
  return table.concat(texts, "\n") .. "\n"
end
