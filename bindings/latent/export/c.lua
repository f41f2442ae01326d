-- A program (export/program.lua) as one C99 file. Not exported.

local writer = require "latent.export.writer"

local FUNCTIONS = { exp = "exp", log = "log", sqrt = "sqrt", abs = "fabs", tanh = "tanh", floor = "floor", erf = "erf" }
local LOG_2PI = 1.8378770664093454836

-- ---- numbers --------------------------------------------------------------------------------------------

-- The shortest decimal number that reads back as x, of this type; and whether that is finite.
local function number(x, float)
  local value = float and string.unpack("f", string.pack("f", x)) or x
  if value == math.huge then return float and "INFINITY" or "HUGE_VAL", false end
  if value == -math.huge then return float and "-INFINITY" or "-HUGE_VAL", false end
  for digits = float and 6 or 15, 17 do
    local text = ("%." .. digits .. "g"):format(value)
    local read = tonumber(text)
    if (float and string.unpack("f", string.pack("f", read)) or read) == value then
      if not text:find "[%.e]" then text = text .. ".0" end
      return text .. (float and "f" or ""), true
    end
  end
end

-- Places are small: a type of few bytes for their arrays.
local function int_type(values)
  local most = math.max(0, table.unpack(values))
  return most < 256 and "unsigned char" or most < 65536 and "unsigned short" or "int"
end

local function array_text(name, array, real, float)
  local texts = {}
  for i, value in ipairs(array.values) do
    texts[i] = array.int and ("%d"):format(value) or (number(value, float))
  end
  local kind = array.int and int_type(array.values) or real
  local lines, line = { ("static const %s %s[%d] = {"):format(kind, name, #texts) }, "   "
  for i, text in ipairs(texts) do
    local item = text .. (i < #texts and "," or "")
    if #line + #item + 1 > 100 then lines[#lines + 1], line = line, "   " end
    line = line .. " " .. item
  end
  lines[#lines + 1] = line .. "};"
  return table.concat(lines, "\n")
end

-- ---- statements -----------------------------------------------------------------------------------------

local function new_target(p, prefix, float)
  local t = { shift = 0 }
  local public, ints, current = {}, {}, nil
  for _, f in ipairs(p.functions) do if f.public then public[f.name] = prefix .. "_" .. f.name end end

  function t.begin(f, its) current, ints = f, its end

  function t.tri(i) return (i:find " " and "(%s) * (%s + 1) / 2" or "%s * (%s + 1) / 2"):format(i, i) end

  function t.field(name)
    local object, rest = name:match "^([%l_%d]+)%.(.+)$"
    return object and object .. "->" .. rest or name
  end

  function t.real(text)
    text = text:gsub("%f[%w_][%l_][%w_%.]*", function(name)
      if FUNCTIONS[name] then
        t.math = true
        return FUNCTIONS[name] .. (float and "f" or "")
      end
      return name == "and" and "&&" or name == "or" and "||" or name == "not" and "!" or public[name] or t.field(name)
    end)
    text = text:gsub("~=", "!="):gsub("%f[%w_]LOG_2PI", (number(LOG_2PI, float)))
    if text:find "INFINITY" then t.math = true end
    if not float then text = text:gsub("INFINITY", "HUGE_VAL") end -- the other is a float
    if float then text = text:gsub("%f[%w_@](%d+%.%d+[e%d%-]*)%f[^%w_]", "%1f") end
    return text
  end

  function t.comment(text) return "/* " .. text .. " */" end
  function t.let(name, text) return ("%s %s = %s;"):format(t.kind, name, writer.real(t, text)) end
  function t.let_int(name, text) return ("int %s = %s;"):format(name, writer.int(t, text)) end
  function t.whole(name, text) return ("int %s = (int)(%s);"):format(name, writer.real(t, text)) end
  function t.label(name, label, lowest) return ("int %s = %s - (%s);"):format(name, label, lowest) end
  function t.room(kind, name, size) return ("%s %s[%s];"):format(kind == "int" and "int" or t.kind, name, size) end
  function t.count(i, to) return ("for (int %s = 0; %s < %s; %s++) {"):format(i, i, writer.int(t, to), i) end

  function t.range(i, from, to)
    return ("for (int %s = %s; %s < %s; %s++) {"):format(i, writer.int(t, from), i, writer.int(t, to), i)
  end

  function t.down(i, to) return ("for (int %s = %s; %s >= 0; %s--) {"):format(i, writer.int(t, to, -1), i, i) end
  function t.branch(text) return ("if (%s) {"):format(writer.real(t, text)) end
  function t.otherwise() return "} else {" end
  function t.close() return "}" end
  function t.call(name, args) return ("%s%s;"):format(public[name] or name, writer.real(t, args)) end

  function t.give(text)
    if current.returns == "label" then return ("return (int)%s;"):format(writer.real(t, text)) end
    if current.returns ~= "int" then return ("return %s;"):format(writer.real(t, text)) end
    return ("return %s;"):format(writer.int(t, text, current.public and 1 or 0))
  end

  -- x = x + y, where y is no sum itself, is x += y
  function t.set(name, text)
    local is_int = ints[name:match "^[%l_%d]+"] and not name:find "%."
    local to, from = writer.real(t, name), is_int and writer.int(t, text) or writer.real(t, text)
    local operator, rest = "", nil
    if from:sub(1, #to) == to then operator, rest = from:sub(#to + 1):match "^ ([-+*]) (.+)$" end
    if rest == "1" and is_int and operator == "+" then return to .. "++;" end
    if rest and not rest:gsub("%b()", ""):gsub("%b[]", ""):find " [-+] " then
      return ("%s %s= %s;"):format(to, operator, rest)
    end
    return ("%s = %s;"):format(to, from)
  end

  t.kind = float and "float" or "double"
  return t
end

-- ---- functions ------------------------------------------------------------------------------------------

local function signature(f, prefix, real)
  local args = {}
  for i, arg in ipairs(f.args) do
    if arg.size then
      args[i] = ("%s%s *%s"):format(arg.out and "" or "const ", arg.int and "int" or real, arg.name)
    elseif arg.kind == "int" or arg.kind == "real" then
      args[i] = ("%s %s"):format(arg.kind == "int" and "int" or real, arg.name)
    else
      args[i] = ("%s_%s *%s"):format(prefix, arg.kind, arg.name)
    end
  end
  local returns = (f.returns == "int" or f.returns == "label") and "int" or f.returns == "real" and real or "void"
  local text = ("%s%s %s%s("):format(f.public and "" or "static ", returns, f.public and prefix .. "_" or "", f.name)
  local list = table.concat(args, ", ")
  if #text + #list < 98 then return text .. list .. ")" end
  return text .. list:gsub(", ([^,]*, [^,]*)$", ",\n    %1", 1) .. ")"
end

-- A sentence in lines of a comment.
local function wrap(text, indent)
  local lines, line = {}, indent
  for word in text:gmatch "%S+" do
    if #line + #word + 1 > 98 and #line > #indent then lines[#lines + 1], line = line, indent end
    line = line .. (line == indent and "" or " ") .. word
  end
  lines[#lines + 1] = line
  return table.concat(lines, "\n")
end

local function head(p, prefix, about, real)
  local lines = { ("/* %s.c: %s"):format(prefix, about.what), " *" }
  for _, note in ipairs(about.notes) do lines[#lines + 1] = wrap(note, " * ") end
  lines[#lines + 1] = " *"
  for _, f in ipairs(p.functions) do
    if f.public then
      lines[#lines + 1] = " *   " .. signature(f, prefix, real):gsub("\n", "\n * ") .. ";"
      lines[#lines + 1] = wrap(f.about, " *     ")
    end
  end
  lines[#lines + 1] = " *"
  lines[#lines + 1] = wrap(("Numbers are of type %s. No function allocates memory or keeps anything between calls; "
    .. "local arrays take at most %d bytes of stack. Compile as C99: cc -std=c99 -O2 -c %s.c%s%s"):format(real,
    about.stack, prefix, about.math and ", and link with -lm" or "",
    p.missing and "; not with -ffast-math, which knows no NaN." or "."), " * ")
  lines[#lines] = lines[#lines] .. " */"
  return table.concat(lines, "\n")
end

local function structs_of(p, prefix, real)
  local texts = {}
  for _, name in ipairs(writer.sorted(p.structs or {})) do
    local lines = { "typedef struct {" }
    for _, field in ipairs(p.structs[name]) do
      lines[#lines + 1] = ("  %s %s%s; /* %s */"):format(real, field[1],
        field[2] and ("[%d]"):format(field[2]) or "", field[3])
    end
    lines[#lines + 1] = ("} %s_%s;\n"):format(prefix, name)
    texts[#texts + 1] = table.concat(lines, "\n")
  end
  return texts
end

-- The arguments that a function has for its kind only.
local function unused(f)
  local text, names = " " .. table.concat(f.lines, "\n") .. " ", {}
  for _, arg in ipairs(f.args) do
    if not text:find("%f[%w_]" .. arg.name .. "%f[^%w_]") then names[#names + 1] = arg.name end
  end
  return names
end

-- Bytes of local arrays: those of all functions, as if each called the next.
local function stack_of(p, bytes)
  local sum = 0
  for _, f in ipairs(p.functions) do
    for _, line in ipairs(f.lines) do
      local size = line:match "^%l+ [%l_%d]+%[(%d+)%]$"
      if size and not line:find "^return" then sum = sum + size * bytes end
    end
  end
  return sum
end

-- The file's text. `about` has what (a line about the model) and notes (a list of sentences).
return function(p, prefix, about, float)
  local real = float and "float" or "double"
  local t = new_target(p, prefix, float)
  local code, arrays = {}, {}
  for _, f in ipairs(p.functions) do
    local lines = { signature(f, prefix, real), "{" }
    for _, name in ipairs(unused(f)) do lines[#lines + 1] = ("  (void)%s;"):format(name) end
    for _, line in ipairs(writer.body(t, f)) do lines[#lines + 1] = line end
    lines[#lines + 1] = "}\n"
    code[#code + 1] = table.concat(lines, "\n")
  end
  for i, name in ipairs(writer.sorted(p.arrays)) do
    arrays[i] = array_text(name, p.arrays[name], real, float)
    if arrays[i]:find "INFINITY" or arrays[i]:find "HUGE_VAL" then t.math = true end
  end
  about.stack, about.math = stack_of(p, float and 4 or 8), t.math
  local texts = { head(p, prefix, about, real) }
  if t.math then texts[#texts + 1] = "#include <math.h>\n" end
  for _, text in ipairs(structs_of(p, prefix, real)) do texts[#texts + 1] = text end
  local prototypes = {}
  for _, f in ipairs(p.functions) do
    if f.public then prototypes[#prototypes + 1] = signature(f, prefix, real) .. ";" end
  end
  texts[#texts + 1] = table.concat(prototypes, "\n") .. "\n"
  for _, text in ipairs(arrays) do texts[#texts + 1] = text end
  texts[#texts + 1] = ""
  for _, text in ipairs(code) do texts[#texts + 1] = text end
  return (table.concat(texts, "\n"):gsub("\n+$", "\n"))
end
