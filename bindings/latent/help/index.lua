-- The entries of the documentation by their names, and what they stand for: for the pages of help, the editor's stubs
-- and the reference. Not exported.

local check = require "latent.check"

local index = {}

local entries -- every entry by name; read at the first question

-- "latent.pca" and "pca" are one name.
function index.canonical(name) return (name:gsub("^latent%.", "")) end

-- The class, the separator and the member of "Matrix:exp"; only classes are capitalized.
function index.split_member(name) return name:match("^(%u%w*)([:.])([%w_]+)$") end

-- A type without the mark of what may be left out, and whether it was there.
function index.strip(type_name)
  local bare, optional = type_name:gsub("%?$", "")
  return bare, optional > 0
end

-- The modules, a list, each a list of entries; its field families is a list of lists of them.
function index.modules() return require "latent.docs.init" end

local function load_entries()
  if entries then return entries end
  entries = {}
  for _, module in ipairs(index.modules()) do
    for _, entry in ipairs(module) do entries[index.canonical(entry.name)] = entry end
  end
  return entries
end

-- The entry that has exactly this name.
function index.entry(name) return load_entries()[index.canonical(name)] end

-- Entries that a test accepts, in the order of the modules.
function index.matching(accept)
  local found = {}
  for _, module in ipairs(index.modules()) do
    for _, entry in ipairs(module) do
      if accept(entry) then found[#found + 1] = entry end
    end
  end
  return found
end

-- The entries that belong to a module, or a class: "matrix" has "matrix.zeros", "Matrix" has "Matrix:exp".
function index.members(name)
  local pattern = "^" .. name:gsub("%p", "%%%0") .. "[:.]([%w_]+)$"
  return index.matching(function(entry)
    local top = name == "latent" and entry.name ~= name and index.canonical(entry.name):find "^%l[%w_]*$"
    return top or entry.name:find(pattern)
  end)
end

-- The class whose objects a function makes, by its name: of "latent.gmm" it is "GMM".
function index.made_by(entry)
  local given = entry.args and entry.returns and entry.returns[1]
  local class = given and given[1]:match "^latent%.(%u%w*)$"
  return class and check.maker(class) == index.canonical(entry.name) and class or nil
end

-- What has an option of the name: a list of { entry, row }, in the order of the modules.
function index.with_option(name)
  local found = {}
  for _, entry in ipairs(index.matching(function(e) return e.options ~= nil end)) do
    for _, row in ipairs(entry.options) do
      if row[1] == name then found[#found + 1] = { entry, row } end
    end
  end
  return found
end

-- ---- words that aren't names here -------------------------------------------------------------------

-- "t-SNE", "t_sne" and "tSNE" are one word.
function index.letters(word) return (word:lower():gsub("[^%w+]", "")) end

-- A key of the table that is the word, or has its letters; several have them: the first by the alphabet.
function index.key(t, word)
  if t[word] ~= nil then return word end
  for _, key in ipairs(check.names(t)) do
    if index.letters(key) == index.letters(word) then return key end
  end
end

-- The row of docs/words.lua that has a word of the field, or nil.
function index.word(word)
  local wanted = index.letters(word)
  for _, row in ipairs(require "latent.docs.words") do
    for one in row[1]:gmatch "[^,]+" do
      if index.letters(one) == wanted then return row end
    end
  end
end

-- The type of an option or an argument, with the words that it may be, in quotes: '"full"|"diag"'; what else it may be
-- comes last.
function index.words_type(row)
  local bare = index.strip(row[2])
  if not row.choices then return bare end
  local parts = {}
  for i, word in ipairs(row.choices) do parts[i] = ('"%s"'):format(word) end
  for part in bare:gmatch "[^|]+" do
    if part ~= "string" then parts[#parts + 1] = part end
  end
  return table.concat(parts, "|")
end

-- ---- values -----------------------------------------------------------------------------------------

local absent = setmetatable({}, { __mode = "k" }) -- of each table, names that it hasn't: it answers them at length

-- t[name], or nil where there is none.
local function field(t, name)
  if type(t) ~= "table" or absent[t] and absent[t][name] then return nil end
  local value = check.field(t, name)
  if value == nil then
    absent[t] = absent[t] or {}
    absent[t][name] = true
  end
  return value
end

-- The metatable of a class of the C module, or the class table of a module in Lua.
local function find_class(class)
  local registered = debug and debug.getregistry()["latent." .. class]
  if registered then return registered, registered.methods or registered end
  local latent = require "latent"
  for _, module in ipairs(index.modules()) do
    local functions = field(latent, module.name)
    local found = type(functions) == "table" and rawget(functions, class)
    if found then return found, found end
  end
end

-- The value that an entry's name stands for, or nil: a property and a topic have none.
function index.resolve(name)
  local latent = require "latent"
  name = index.canonical(name)
  if name == "latent" then return latent end
  local class, separator, member = index.split_member(name)
  if class then
    local metatable, methods = find_class(class)
    if not metatable or separator == "." then return nil end
    if member:find("^__") then return rawget(metatable, member) end
    return rawget(methods, member)
  end
  if name:find("^%u") then return (find_class(name)) end
  local value = latent
  for part in name:gmatch("[^.]+") do value = field(value, part) end
  return value
end

-- The entry of a function, module or class, or of an object's class; or nil.
function index.of_value(x)
  local class = (check.class(x) or ""):match("^latent%.(%u%w*)$")
  if class and index.entry(class) then return index.entry(class) end
  if type(x) ~= "function" and type(x) ~= "table" then return nil end
  local names = {}
  for name, entry in pairs(load_entries()) do
    if not entry.topic and index.resolve(name) == x then names[#names + 1] = name end
  end
  table.sort(names) -- of several the first
  return entries[names[1]]
end

return index
