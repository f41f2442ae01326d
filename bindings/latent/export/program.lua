-- Programs that compute what a model says of one row: constants and functions, in a small language from which
-- export/c.lua makes C and export/lua.lua makes Lua. Not exported.
--
-- A program is { arrays = { name = numbers }, functions = { list } }; a function is
--
--   { name =, args = "row[D], int k, out z[M]", returns = "real" / "int" / nil, body =, public = true / nil, about = }
--
-- A body has a statement a line:
--
--   real s = x[i]      int p = k * T      real z[M]      int at[D]      declarations
--   for i < D   for i from a to b   down i < M   if c   else   end      i is a counter, from 0 (a) to below D (b)
--   s = s + z[i]       f(x, k, z)         return s       -- a comment
--   int l = whole x    int k = label l                                  of a real; of a label, which counts from 1
--   when flag   otherwise   done                                        lines that are there when the flag is set
--
-- Everything is counted from 0, and stays so in C; in Lua all that is an `int` is one more, so that it counts from 1
-- there. Ints are sums of counters with factors, tri(i) = i(i+1)/2 and elements of int arrays; they are places in
-- arrays, arguments and labels, and are compared with each other only. Names in capitals are sizes, which become
-- numbers; LOG_2PI and INFINITY are what they say.

local program = {}

-- ---- making ---------------------------------------------------------------------------------------------

-- The lines of a text that its flags leave, with sizes as numbers.
local function lines_of(text, sizes, flags)
  local lines, open = {}, {}
  for line in text:gmatch "[^\n]+" do
    line = line:match "^%s*(.-)%s*$"
    local flag = line:match "^when ([%w_]+)$"
    if flag then
      open[#open + 1] = flags[flag] and true or false
    elseif line == "otherwise" then
      open[#open] = not open[#open]
    elseif line == "done" then
      open[#open] = nil
    elseif line ~= "" then
      local skipped = 0
      for _, kept in ipairs(open) do skipped = skipped + (kept and 0 or 1) end
      if skipped == 0 then
        lines[#lines + 1] = line:match "^%-%-" and line
          or line:gsub("%f[%w_]%u[%u%d_]*%f[^%w_]", function(name) return sizes[name] and tostring(sizes[name]) end)
      end
    end
  end
  return lines
end

-- An empty program: `sizes` of its dimensions by name, `flags` of what it does.
function program.new(sizes, flags)
  return { arrays = {}, functions = {}, sizes = sizes, flags = flags or {} }
end

-- Adds constants: a list of numbers, or a matrix.
function program.array(p, name, values, int)
  if type(values) == "userdata" then values = values:flatten():table() end
  p.arrays[name] = { values = values, int = int }
end

-- Adds a function, whose fields are above.
function program.add(p, f)
  local args = {}
  for text in f.args:gmatch "[^,]+" do
    local kind, name, size = text:match "^%s*(%l*)%s*%f[%l]([%l_%d]+)%[([%w_]+)%]%s*$"
    if name then
      args[#args + 1] = { name = name, size = p.sizes[size] or tonumber(size), out = kind == "out",
        int = kind == "int" }
    else
      kind, name = text:match "^%s*(%l+)%s+([%l_%d]+)%s*$"
      args[#args + 1] = { name = name, kind = kind }
    end
  end
  p.functions[#p.functions + 1] = { name = f.name, args = args, returns = f.returns, public = f.public,
    makes = f.makes, about = f.about, lines = lines_of(f.body, p.sizes, p.flags) }
end

function program.find(p, name)
  for _, f in ipairs(p.functions) do if f.name == name then return f end end
end

-- ---- parts of others ------------------------------------------------------------------------------------

local function rename(line, names)
  if line:match "^%-%-" then return line end
  return (line:gsub("%f[%w_]%l[%w_]*", names))
end

-- Adds all of another program, whose names get `suffix`, and none of which is public.
function program.include(p, other, suffix)
  local names = {}
  for name in pairs(other.arrays) do names[name] = name .. suffix end
  for _, f in ipairs(other.functions) do names[f.name] = f.name .. suffix end
  for name, array in pairs(other.arrays) do p.arrays[names[name]] = array end
  for _, f in ipairs(other.functions) do
    local lines = {}
    for i, line in ipairs(f.lines) do lines[i] = rename(line, names) end
    p.functions[#p.functions + 1] = { name = names[f.name], args = f.args, returns = f.returns, lines = lines }
  end
  for name, struct in pairs(other.structs or {}) do p.structs = p.structs or {}; p.structs[name] = struct end
end

-- Leaves what the public functions need; `wanted`: a set of these, or nil for all.
function program.prune(p, wanted)
  local by_name, needed = {}, {}
  for _, f in ipairs(p.functions) do by_name[f.name] = f end
  local function need(name)
    if needed[name] then return end
    if not by_name[name] and not p.arrays[name] then return end
    needed[name] = true
    for _, line in ipairs(by_name[name] and by_name[name].lines or {}) do
      for word in (line:match "^%-%-" and "" or line):gmatch "%f[%w_]%l[%w_]*" do need(word) end
    end
  end
  for _, f in ipairs(p.functions) do
    f.public = f.public and (not wanted or wanted[f.name]) or nil
    if f.public then need(f.name) end
  end
  local functions = {}
  for _, f in ipairs(p.functions) do if needed[f.name] then functions[#functions + 1] = f end end
  p.functions = functions
  for name in pairs(p.arrays) do if not needed[name] then p.arrays[name] = nil end end
  return p
end

return program
