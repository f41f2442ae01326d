-- The reference as documents without a form, which markdown.lua and html.lua write: a list of nodes a family.
--
--   document.families()      { page =, title =, nodes }
--   document.index()         the same of the index
--
--   { heading = text, level = 1..4, id = }    text and cells are prose; { code = text } is code
--   { prose = text, class = }                 one paragraph; class: whose fields model.X are
--   { lines = { ... } }                       lines that stand as they are
--   { columns = { heads }, rows = { { cells }, ... }, ids = { ... } }
--   { code = text }                           Lua

local index = require "latent.help.index"
local pages = require "latent.help.pages"
local setting = require "latent.help.setting"

local document = {}

local function code(text) return { code = text } end

-- Lines without the spaces that all of them begin with; they keep what they have beyond.
local function flush_left(lines)
  local least, out = math.huge, {}
  for _, line in ipairs(lines) do
    if line ~= "" then least = math.min(least, #line:match "^%s*") end
  end
  for i, line in ipairs(lines) do out[i] = line:sub(least + 1) end
  return out
end

local function add_text(nodes, text, class)
  for _, block in ipairs(setting.blocks(text)) do
    nodes[#nodes + 1] = type(block) == "table" and { lines = flush_left(block) } or { prose = block, class = class }
  end
end

local function add_table(nodes, columns, rows, class, ids)
  if #rows > 0 then nodes[#nodes + 1] = { columns = columns, rows = rows, class = class, ids = ids } end
end

local function add_tables(nodes, entry, class)
  local arguments, options, returns = {}, {}, {}
  for i, arg in ipairs(entry.args or {}) do arguments[i] = { code(arg[1]), code(index.words_type(arg)), arg[3] } end
  for i, row in ipairs(entry.options or {}) do
    options[i] = { code(row[1]), code(index.words_type(row)), row[3] ~= "" and code(row[3]) or "", row[4] }
  end
  for i, value in ipairs(entry.returns or {}) do returns[i] = { code(value[1]), value[2] } end
  add_table(nodes, { "argument", "type", "" }, arguments, class)
  add_table(nodes, { "option", "type", "default", "" }, options, class)
  add_table(nodes, { "returns", "" }, returns, class)
end

local function add_entry(nodes, entry, level)
  local class = index.split_member(entry.name) or index.made_by(entry) or entry.name:match "^%u%w*$"
  nodes[#nodes + 1] = { heading = entry.topic and entry.name or code(pages.signature(entry)), level = level,
    id = index.canonical(entry.name) }
  nodes[#nodes + 1] = { prose = entry.summary, class = class }
  add_tables(nodes, entry, class)
  if entry.text then add_text(nodes, entry.text, class) end
  if entry.example then nodes[#nodes + 1] = { code = entry.example } end
end

-- A property that a row of a table says all of.
local function is_row(entry)
  return entry.name:find "^%u%w*%." and not entry.args and not entry.text and not entry.example
end

local function add_properties(nodes, class)
  local rows, ids = {}, {}
  for _, entry in ipairs(index.members(class)) do
    if is_row(entry) then
      local value = entry.returns and entry.returns[1] or { "any", "" }
      rows[#rows + 1] = { code(entry.name:match "[%w_]+$"), code(value[1]), entry.summary, value[2] }
      ids[#ids + 1] = entry.name
    end
  end
  add_table(nodes, { "field", "type", "", "" }, rows, class, ids)
end

local function add_module(nodes, module)
  for _, entry in ipairs(module) do
    if not is_row(entry) then
      local is_class = entry.name:find "^%u%w*$"
      local level = (is_class or index.canonical(entry.name):find "^%l[%w_]*$") and 2 or 3
      add_entry(nodes, entry, level)
      if is_class then add_properties(nodes, entry.name) end
    end
  end
end

function document.families()
  local list = {}
  for i, family in ipairs(index.modules().families) do
    local nodes = { { heading = family.title, level = 1 } }
    for _, module in ipairs(family) do add_module(nodes, module) end
    list[i] = { page = family.page, title = family.title, nodes = nodes }
  end
  return list
end

-- Names that are called, by the alphabet.
local function add_names(nodes)
  local names, parts = {}, {}
  for _, entry in ipairs(index.matching(function() return true end)) do
    local _, _, member = index.split_member(entry.name)
    if not (member and member:find "^__") then names[#names + 1] = entry.name end
  end
  table.sort(names, function(a, b)
    local x, y = a:match("[%w_]+$"):lower(), b:match("[%w_]+$"):lower()
    if x ~= y then return x < y end
    return a < b
  end)
  for i, name in ipairs(names) do parts[i] = { code(name:match "[%w_]+$"), code(name), index.entry(name).summary } end
  nodes[#nodes + 1] = { heading = "All names", level = 2, id = "names" }
  add_table(nodes, { "name", "", "" }, parts)
end

function document.index()
  local nodes = { { heading = "latent, reference", level = 1 } }
  nodes[2] = { prose = index.entry("latent").summary }
  for _, family in ipairs(index.modules().families) do
    nodes[#nodes + 1] = { heading = family.title, level = 2, page = family.page }
    local rows = {}
    for _, module in ipairs(family) do
      for _, entry in ipairs(module) do
        if entry.name == module.name or index.canonical(entry.name):find "^%l[%w_]*$" then
          rows[#rows + 1] = { code(entry.name), entry.summary }
        end
      end
    end
    add_table(nodes, { "", "" }, rows)
  end
  add_names(nodes)
  return { page = "index", title = "latent, reference", nodes = nodes }
end

return document
