-- The page that a name leads to: an entry, an option, a word of the field, or what is near. Not exported.
--
--   find(name)   -> the page, and whether anything is called so

local check = require "latent.check"
local index = require "latent.help.index"
local pages = require "latent.help.pages"
local setting = require "latent.help.setting"

local MOST_NEAR, MOST_MENTIONED = 8, 12

local function plain(name) return (index.canonical(name):lower():gsub(":", ".")) end

local function last_part(name) return name:match("([%w_]+)$") or name end

-- ---- X.Y: an option, a property or a method of X ----------------------------------------------------

-- What a name stands for, also as a model's maker with a class: "gmm" -> latent.gmm, and "GMM".
local function owner(name)
  local wanted = plain(name)
  local found = index.matching(function(e) return not e.topic and plain(e.name) == wanted end)
  local by_call = index.entry(wanted) or found[1]
  return by_call, by_call and index.made_by(by_call)
end

local function option_of(entry, name)
  for _, row in ipairs(entry and entry.options or {}) do
    if row[1]:lower() == name then return pages.option(entry, row) end
  end
end

local function part_of(name)
  local head, last = plain(name):match "^(.+)%.([%w_]+)$"
  if not head then return nil end
  local entry, class = owner(head)
  if not entry then -- "gmm.fit.weights"
    local model, method = head:match "^(.+)%.([%w_]+)$"
    class = model and select(2, owner(model))
    return class and option_of(index.entry(class .. ":" .. method), last)
  end
  local option = option_of(entry, last)
  if option or not class then return option end
  local member = index.entry(class .. ":" .. last) or index.entry(class .. "." .. last)
  if member then return pages.entry(member) end
  local own = {} -- an option of its methods
  for _, pair in ipairs(index.with_option(last)) do
    if index.split_member(pair[1].name) == class then own[#own + 1] = pair end
  end
  return #own > 0 and pages.several(last, {}, own) or nil
end

-- "gmm.tolerence": what a model has whose name is near.
local function near_part(name)
  local head, last = plain(name):match "^(.+)%.([%w_]+)$"
  local entry, class = owner(head or "")
  local names, rows = {}, {}
  for _, row in ipairs(entry and entry.options or {}) do
    names[#names + 1], rows[row[1]] = row[1], { ("%s.%s"):format(index.canonical(entry.name), row[1]), row[4] }
  end
  for _, member in ipairs(class and index.members(class) or {}) do
    local short = last_part(member.name)
    names[#names + 1], rows[short] = short, { member.name, member.summary }
  end
  local nearest = #names > 0 and require("latent")._nearest(last, names)
  if not nearest then return nil end
  return setting.list("Near it:", { { name = rows[nearest][1], summary = rows[nearest][2] } })
end

-- ---- words of options: "varimax" --------------------------------------------------------------------

local function as_choice(name)
  local found = {}
  for _, entry in ipairs(index.matching(function(e) return e.options ~= nil end)) do
    for _, row in ipairs(entry.options) do
      for _, word in ipairs(row.choices or {}) do
        if word:lower() == name:lower() then
          found[#found + 1] = { entry.name, row[1] .. ' = "' .. word .. '"', row[4] }
        end
      end
    end
  end
  if #found == 0 then return nil end
  local out = { ("'%s' is what an option may be:"):format(name) }
  setting.columns(found, "  ", out)
  return table.concat(out, "\n")
end

-- ---- words of the field -----------------------------------------------------------------------------

local function as_word(name)
  local row = index.word(name)
  if not row then return nil end
  local found = {}
  for i, target in ipairs(row[3]) do found[i] = assert(index.entry(target), target) end
  local out = {}
  setting.flow(("'%s': %s"):format(name, row[2]), "", out)
  return setting.list(table.concat(out, "\n"), found)
end

-- ---- names of other libraries' -------------------------------------------------------------------------

-- Entries that a text names, as latent.NAME, or that are called so in some class.
local function entries_of(written, member)
  local found, known = {}, {}
  local function add(entry)
    if entry and not known[entry] then found[#found + 1], known[entry] = entry, true end
  end
  for name in written:gmatch "latent%.([%w_.]+)" do add(index.entry(name)) end
  for _, entry in ipairs(member and index.matching(function(e)
    local _, _, short = index.split_member(e.name)
    return short == member
  end) or {}) do
    add(entry)
  end
  return found
end

-- Lines of what a name is here, and the entries that tell more.
local function translated(name)
  local foreign = require "latent.foreign"
  local lines, found, known = {}, {}, {}
  local function add(line, written, member)
    if not known[line] then lines[#lines + 1], known[line] = line, true end
    for _, entry in ipairs(entries_of(written, member)) do
      if not known[entry] then found[#found + 1], known[entry] = entry, true end
    end
  end
  for _, place in ipairs(check.names(foreign.modules)) do
    local key = index.key(foreign.modules[place], name)
    if key then add("  " .. foreign.modules[place][key], foreign.modules[place][key]) end
  end
  local key = index.key(foreign.members, (name:gsub("_$", "")))
  for _, ours in ipairs(key and foreign.members[key] or {}) do
    add(("  %s%s"):format(ours[2]:find "^[ (]" and "x" or "x:", ours[2]), "", ours[1])
  end
  return lines, found
end

local function as_foreign(name)
  local foreign = require "latent.foreign"
  local lines, found = translated(last_part(name))
  local out = {}
  if #lines > 0 then
    out[1] = setting.list(("'%s' of other libraries is here:\n%s\n\nRead:"):format(name, table.concat(lines, "\n")),
      { table.unpack(found, 1, MOST_NEAR) })
  end
  local option = index.key(foreign.options, name)
  for _, ours in ipairs(option and foreign.options[option] or {}) do
    local having = index.with_option(ours)
    if #having > 0 then
      out[#out + 1] = ("'%s' of other libraries is the option %s here."):format(name, ours)
      out[#out + 1] = pages.several(ours, {}, having)
    end
  end
  return #out > 0 and table.concat(out, "\n\n") or nil
end

-- ---- nothing is called so ---------------------------------------------------------------------------

-- Some string of an entry, its arguments' included, has the word.
local function mentions(value, word)
  if type(value) == "string" then return value:lower():find(word, 1, true) ~= nil end
  if type(value) ~= "table" then return false end
  for _, part in pairs(value) do
    if mentions(part, word) then return true end
  end
  return false
end

-- Entries that have all of the words.
local function mentioning(text)
  local words = {}
  for word in text:gmatch "%S+" do
    if #word > 2 then words[#words + 1] = word end
  end
  return #words > 0 and index.matching(function(entry)
    for _, word in ipairs(words) do
      if not mentions(entry, word) then return false end
    end
    return true
  end) or {}
end

local function nothing_called(name)
  local wanted = plain(name)
  local mentioned = mentioning(wanted)
  local parts = { ("Nothing is called %s."):format(check.show(name)), near_part(name) }
  local limit, distance = math.max(1, #last_part(wanted) // 3), require("latent")._distance
  local near = index.matching(function(entry)
    local known = plain(entry.name)
    return math.min(distance(wanted, known), distance(last_part(wanted), last_part(known))) <= limit
  end)
  if #near > 0 and #parts == 1 then parts[2] = setting.list("Near it:", { table.unpack(near, 1, MOST_NEAR) }) end
  if #mentioned > 0 then
    parts[#parts + 1] = setting.list("It is mentioned here:", { table.unpack(mentioned, 1, MOST_MENTIONED) })
  end
  if #parts == 1 then parts[2] = "latent.help() lists the models and functions." end
  return table.concat(parts, "\n\n")
end

return function(name)
  local entry = index.entry(name)
  if entry then return pages.entry(entry), true end
  local wanted = plain(name)
  local found = index.matching(function(e) return plain(e.name) == wanted end)
  if #found == 1 then -- an option before a method: gmm.covariance, GMM:covariance
    local dotted = found[1].name:find(":", 1, true) and not name:find(":", 1, true)
    return dotted and part_of(name) or pages.entry(found[1]), true
  end
  if #found == 0 then
    local part = part_of(name)
    if part then return part, true end
    found = index.matching(function(e) return last_part(plain(e.name)) == wanted end)
  end
  local options = index.with_option(wanted)
  if #found == 1 and #options == 0 then return pages.entry(found[1]), true end
  if #found + #options > 0 then return pages.several(name, found, options), true end
  local parts = { as_choice(name) or as_word(name) }
  parts[#parts + 1] = as_foreign(name)
  if #parts > 0 then return table.concat(parts, "\n\n"), true end
  return nothing_called(name), false
end
