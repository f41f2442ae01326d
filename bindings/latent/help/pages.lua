-- The pages of help: of an entry, of an option, of several things of one name, and the overview. Not exported.

local index = require "latent.help.index"
local setting = require "latent.help.setting"

local pages = {}

local OPERATORS = {
  __add = "A + B", __sub = "A - B", __mul = "A * B", __div = "A / B", __mod = "A % B", __pow = "A ^ B",
  __unm = "-A", __idiv = "A // B", __eq = "A == B", __lt = "A < B", __le = "A <= B", __len = "#A",
  __call = "A(...)", __index = "A[i]", __newindex = "A[i] = x", __concat = "A .. B",
  __tostring = "tostring(A)", __pairs = "pairs(A)", __close = "local A <close>",
}

-- "zeros(rows [, cols [, options]])": what may be left out is in brackets.
function pages.signature(entry)
  local _, _, member = index.split_member(entry.name)
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

-- What belongs to a module or a class, one line each.
local function members(name, out)
  local groups = { ["."] = {}, [":"] = {}, operator = {} }
  for _, member in ipairs(index.members(name)) do
    local _, separator, short = index.split_member(member.name)
    local group = short and short:find("^__") and "operator" or separator or "."
    local label = group == "operator" and pages.signature(member) or member.name
    table.insert(groups[group], { label, member.summary })
  end
  setting.section(name:find("^%u") and "Properties" or "Functions", groups["."], out)
  setting.section("Methods", groups[":"], out)
  setting.section("Operators", groups.operator, out)
end

local function default_of(row) return row[3] ~= "" and " (" .. row[3] .. ")" or "" end

-- The page of an entry; that of a function that makes a model has the model's methods, too.
function pages.entry(entry)
  local out = {}
  local arguments, options, returns, types = {}, {}, {}, {}
  for i, value in ipairs(entry.args and entry.returns or {}) do types[i] = value[1] end
  local head = pages.signature(entry) .. (#types > 0 and " -> " .. table.concat(types, ", ") or "")
  out[1] = setting.length(head) <= setting.WIDTH and head or pages.signature(entry)
  setting.flow(entry.summary, "  ", out)
  for i, arg in ipairs(entry.args or {}) do arguments[i] = { arg[1], index.strip(arg[2]), arg[3] } end
  for i, row in ipairs(entry.options or {}) do
    options[i] = { row[1], index.strip(row[2]), row[4] .. default_of(row) }
  end
  for i, value in ipairs(entry.returns or {}) do returns[i] = { value[1], value[2] } end
  setting.section("Arguments", arguments, out)
  setting.section("Options (default)", options, out)
  setting.section("Returns", returns, out)
  if entry.text then
    out[#out + 1] = ""
    setting.flow(entry.text, "  ", out)
  end
  members(index.made_by(entry) or entry.name, out)
  if entry.example then
    out[#out + 1] = ""
    out[#out + 1] = "Example"
    for line in (entry.example .. "\n"):gmatch("(.-)\n") do out[#out + 1] = "  " .. line end
  end
  return table.concat(out, "\n")
end

-- ---- options ----------------------------------------------------------------------------------------

local function option_rows(found)
  local rows = {}
  for i, pair in ipairs(found) do
    local entry, row = pair[1], pair[2]
    rows[i] = { entry.name, index.strip(row[2]), row[4] .. default_of(row) }
  end
  return rows
end

-- The page of one option of an entry, with what else has an option of that name.
function pages.option(entry, row)
  local out = { ("%s, an option of %s"):format(row[1], pages.signature(entry)) }
  setting.flow(row[4], "  ", out)
  local facts = { { "type", (index.strip(row[2])) } }
  if row[3] ~= "" then facts[#facts + 1] = { "default", row[3] } end
  if row.choices then facts[#facts + 1] = { "words", '"' .. table.concat(row.choices, '", "') .. '"' } end
  out[#out + 1] = ""
  setting.columns(facts, "  ", out)
  local others = {}
  for _, pair in ipairs(index.with_option(row[1])) do
    if pair[1] ~= entry then others[#others + 1] = pair end
  end
  setting.section("Also an option of (default)", option_rows(others), out)
  setting.section("More", { { ('latent.help "%s"'):format(entry.name), entry.summary } }, out)
  return table.concat(out, "\n")
end

-- Entries that are called so, and what has an option of the name.
function pages.several(name, called, with_option)
  local out = {}
  if #called > 0 then out[1] = setting.list(("Called '%s':"):format(name), called) end
  if #with_option > 0 then
    if #called > 0 then out[#out + 1] = "" end
    out[#out + 1] = ("'%s' is an option of (default):"):format(name)
    setting.columns(option_rows(with_option), "  ", out)
  end
  return table.concat(out, "\n")
end

-- ---- the overview -----------------------------------------------------------------------------------

-- A module's functions and classes that have no row of their own: "matrix.zeros, matrix.ones, Matrix".
local function others_of(module, shown)
  local names = {}
  for _, entry in ipairs(module) do
    local name = index.canonical(entry.name)
    if not entry.topic and not shown[entry] and not index.split_member(name) then names[#names + 1] = name end
  end
  return names
end

-- A row of the module itself, the names of what has none, and rows of what is latent.NAME.
local function module_rows(module, rows)
  local shown, top = {}, {}
  for _, entry in ipairs(module) do
    local name = index.canonical(entry.name)
    if name == module.name or not entry.topic and name:find "^%l[%w_]*$" then
      top[#top + 1], shown[entry] = entry, true
      local class = index.made_by(entry)
      if class then shown[index.entry(class) or 1] = true end -- stands in the function's line
    end
  end
  local names = others_of(module, shown)
  for i, entry in ipairs(top) do
    rows[#rows + 1] = { index.canonical(entry.name), entry.summary }
    if i == 1 and #names > 0 then rows[#rows + 1] = { "", table.concat(names, ", ") } end
  end
  return shown
end

function pages.overview()
  local out, topics = { "latent: latent variable models for Lua" }, {}
  for _, family in ipairs(index.modules().families) do
    local rows = {}
    for _, module in ipairs(family) do
      local shown = module_rows(module, rows)
      for _, entry in ipairs(module) do
        if entry.topic and not shown[entry] then topics[#topics + 1] = { entry.name, entry.summary } end
      end
    end
    setting.section(family.title, rows, out)
  end
  setting.section("Topics", topics, out)
  out[#out + 1] = ""
  setting.flow('Ask for more: latent.help "gmm" (a model with its methods), latent.help "gmm.covariance" (an option), '
    .. 'latent.help "restarts" (which models have it), latent.help "matrix.zeros", latent.help "exp", '
    .. "latent.help(x) for a value x.", "", out)
  return table.concat(out, "\n")
end

return pages
