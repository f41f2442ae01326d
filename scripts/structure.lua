-- Fails where the code's structure breaks its rules (CONTRIBUTING.md):
--
--   1. an include or a call points down: to the same folder, or to one that stands below it in LAYERS
--   2. no two modules (a .c file and its header) use each other, directly or through others
--   3. no folder of core has more than 20 .c files, none of bindings more than 15
--   4. a .c file of core opens with a comment that begins with its name and says what it computes, and
--      comments of core end within 100 columns
--
-- lua scripts/structure.lua   from the top of the tree; prints what is wrong, and exits with 1

-- Each folder may use those before it; folders on one line don't know each other. A folder stands for
-- those in it that aren't named.
local LAYERS = {
  { "core/base" }, { "core/comm" }, { "core/matrix" }, { "core/eigen", "core/files" }, { "core/modeling" },
  { "core/projection", "core/nn" },
  { "core/em" }, { "core/em/common" }, { "core/em/kmeans" },
  { "core/em/gmm", "core/em/mixture", "core/em/factor", "core/em/lds" }, { "core/em/mppca" },
  { "core/deep/common" }, { "core/deep/nonlinear", "core/deep/vae", "core/deep" },
  { "core" },
  { "bindings/lua" }, { "bindings/ranks" }, { "bindings/data" }, { "bindings/model" }, { "bindings/nn" },
  { "bindings/models/projection", "bindings/models/em", "bindings/models/lds", "bindings/models/deep",
    "bindings/models" },
  { "bindings" }, { "bindings/host" },
}
local MOST = { core = 20, bindings = 15 }


local wrong = {}
local function fault(format, ...) wrong[#wrong + 1] = format:format(...) end

local function read(path)
  local file = assert(io.open(path))
  local text = file:read "a"
  file:close()
  return text
end

local function list(command)
  local pipe, lines = assert(io.popen(command)), {}
  for line in pipe:lines() do lines[#lines + 1] = line end
  pipe:close()
  return lines
end

local rank = {}
for i, folders in ipairs(LAYERS) do
  for _, folder in ipairs(folders) do rank[folder] = i end
end

-- The layer of a folder: its own, or that of the nearest folder around it.
local function layer(folder)
  while not rank[folder] do
    folder = folder:match "^(.*)/[^/]*$"
    if not folder then return nil end
  end
  return rank[folder], folder
end

local files = list "find core bindings -name '*.[ch]' | sort"
local exists, text, module_of = {}, {}, {}
for _, path in ipairs(files) do
  exists[path] = true
  -- comments and strings use no names
  local code = read(path):gsub("/%*.-%*/", " "):gsub('(#include )"([^"\n]*)"', "%1<%2>"):gsub('"[^"\n]*"', '""')
  text[path] = code
  module_of[path] = path:gsub("%.[ch]$", "")
end

local function folder_of(path) return path:match "^(.*)/" end

-- ---- who uses whom ----------------------------------------------------------------------------

local uses = {} -- module -> module -> the name or header that ties them
local function tie(from, to, what)
  local a, b = module_of[from], module_of[to]
  if a == b then return end
  uses[a] = uses[a] or {}
  uses[a][b] = uses[a][b] or what
end

local definitions, twice = {}, {}
for _, path in ipairs(files) do
  if path:find "%.c$" then
    -- a definition begins a line, and its first brace does, too
    for head in ("\n" .. text[path]):gmatch "\n([%a_][^\n;{}=]*%b())%s*\n{" do
      local name = not head:find "^static" and head:match "(lat[L_][%w_]*)%s*%("
      if name then
        twice[name] = definitions[name] ~= nil
        definitions[name] = path
      end
    end
  end
end

for _, path in ipairs(files) do
  for header in text[path]:gmatch "#include <([^>\n]+)>" do
    for _, place in ipairs { "core/" .. header, "bindings/" .. header, folder_of(path) .. "/" .. header } do
      if exists[place] then
        local from, to = folder_of(path), folder_of(place)
        local mine, theirs = layer(from), layer(to)
        if not mine then fault("%s: the folder stands in no layer", path) end
        if theirs and mine and place ~= "core/latent.h" and (theirs > mine
          or theirs == mine and select(2, layer(from)) ~= select(2, layer(to))) then
          fault("%s includes %s, which stands above it", path, place)
        end
        if path:find "%.h$" and place:find "%.h$" then tie(path, place, header) end
        break
      end
    end
  end
  if path:find "%.c$" then
    for name in text[path]:gmatch "lat[L_][%w_]*" do
      local place = definitions[name]
      if place and not twice[name] and place ~= path then tie(path, place, name) end
    end
  end
end

-- ---- circles: strongly connected components (Tarjan, SIAM Journal on Computing 1, 1972) -------------

local index, low, stack, on, count = {}, {}, {}, {}, 0

local function report(component)
  table.sort(component)
  local inside, ties = {}, {}
  for _, name in ipairs(component) do inside[name] = true end
  for _, name in ipairs(component) do
    for other, what in pairs(uses[name] or {}) do
      if inside[other] then ties[#ties + 1] = ("  %s uses %s (%s)"):format(name, other, what) end
    end
  end
  table.sort(ties)
  fault("a circle of %d modules:\n%s", #component, table.concat(ties, "\n"))
end

local function visit(name)
  count = count + 1
  index[name], low[name] = count, count
  stack[#stack + 1], on[name] = name, true
  local next_ones = {}
  for other in pairs(uses[name] or {}) do next_ones[#next_ones + 1] = other end
  table.sort(next_ones)
  for _, other in ipairs(next_ones) do
    if not index[other] then
      visit(other)
      low[name] = math.min(low[name], low[other])
    elseif on[other] then
      low[name] = math.min(low[name], index[other])
    end
  end
  if low[name] ~= index[name] then return end
  local component = {}
  repeat
    local last = table.remove(stack)
    on[last] = false
    component[#component + 1] = last
  until last == name
  if #component > 1 then report(component) end
end

for _, path in ipairs(files) do
  if not index[module_of[path]] then visit(module_of[path]) end
end

-- ---- folders ------------------------------------------------------------------------------------

local sizes = {}
for _, path in ipairs(files) do
  if path:find "%.c$" then sizes[folder_of(path)] = (sizes[folder_of(path)] or 0) + 1 end
end
for folder, size in pairs(sizes) do
  local most = MOST[folder:match "^%a+"]
  if size > most then fault("%s has %d .c files, more than %d", folder, size, most) end
end

-- ---- comments -------------------------------------------------------------------------------------

for _, path in ipairs(files) do
  if path:find "^core/" then
    local code = read(path)
    local name = path:match "[^/]*$"
    if name:find "%.c$" and not (code:match "^/%* ([^\n]*)" or ""):find(name, 1, true) then
      fault("%s doesn't open with a comment that says what it computes", path)
    end
    local number = 0
    for line in code:gmatch "([^\n]*)\n" do
      number = number + 1
      if #line > 100 and not line:find "\\$" then fault("%s:%d has more than 100 columns", path, number) end
    end
  end
end

table.sort(wrong)
for _, line in ipairs(wrong) do print(line) end
os.exit(#wrong == 0)
