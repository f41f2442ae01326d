-- What a notebook shows of a value: texts by their MIME types. Not exported; the topic "notebooks" of latent.help has
-- the rule for values of a user's own.
--
--   mime(x)   x's metatable has __mime: what it gives; a matrix and a model of latent: also "text/html"
--
-- "text/plain" is always there.

local check = require "latent.check"
local index = require "latent.help.index"
local pages = require "latent.help.pages"

local MOST_ROWS, MOST_COLUMNS, EDGE = 20, 12, 5 -- of a matrix; of a larger one the first and last EDGE are shown
local MOST_ITEMS = 20 -- of a plain table

local function escape(text)
  return (text:gsub("[&<>]", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;" }))
end

-- ---- matrices --------------------------------------------------------------------------------

local function number(x)
  if x ~= x then return "NaN" end
  return ("%.5g"):format(x)
end

-- The places of 1..n that are shown; a gap is 0.
local function places(n, most)
  local list = {}
  for i = 1, n do
    if n <= most or i <= EDGE or i > n - EDGE then list[#list + 1] = i end
    if n > most and i == EDGE then list[#list + 1] = 0 end
  end
  return list
end

local function cells(tag, list, cell)
  local row = {}
  for k, place in ipairs(list) do
    row[k] = ("<%s>%s</%s>"):format(tag, place == 0 and "…" or cell(place), tag)
  end
  return "<tr>" .. table.concat(row) .. "</tr>"
end

-- A vector is a row, as it is printed where it fits.
local function matrix_table(X)
  local is_vector = #X > 0 and type(X[1]) == "number"
  local columns = is_vector and #X or X.cols
  local across, lines = places(columns, MOST_COLUMNS), {}
  for _, i in ipairs(is_vector and { 1 } or places(#X, MOST_ROWS)) do
    local function value(j) return number(is_vector and X[j] or X(i, j)) end
    lines[#lines + 1] = cells("td", across, i == 0 and function() return "…" end or value)
  end
  local shape = is_vector and "%d" or "%d × %d"
  return ("<table>%s</table><small>%s %s</small>"):format(table.concat(lines),
    shape:format(is_vector and columns or #X, columns), X.dtype)
end

-- ---- plain tables ------------------------------------------------------------------------------

-- The entries of a table, its list first, then names in order; what tables in it hold is left out.
local function inside(t, deep)
  local parts, names = {}, {}
  local function show(value)
    if type(value) == "string" then return ("%q"):format(value) end
    if type(value) == "table" and not check.class(value) and not (getmetatable(value) or {}).__tostring then
      return deep and inside(value, false) or "{…}"
    end
    return (tostring(value):gsub("^(%a+): 0x%x+$", "%1"):gsub("%s*\n%s*", "; "))
  end
  for key in pairs(t) do
    if not (math.type(key) == "integer" and key >= 1 and key <= #t) then names[#names + 1] = key end
  end
  table.sort(names, function(a, b) return tostring(a) < tostring(b) end)
  for i = 1, math.min(#t, MOST_ITEMS) do parts[i] = show(t[i]) end
  if #t > MOST_ITEMS then parts[#parts + 1] = ("… (%d in all)"):format(#t) end
  for i, key in ipairs(names) do
    if i > MOST_ITEMS then
      parts[#parts + 1] = ("… (%d names in all)"):format(#names)
      break
    end
    local name = type(key) == "string" and key:find "^[%a_][%w_]*$" and key or ("[%s]"):format(show(key))
    parts[#parts + 1] = name .. " = " .. show(t[key])
  end
  return "{" .. (#parts > 0 and " " .. table.concat(parts, ", ") .. " " or "") .. "}"
end

-- What a function, a module or a class of latent is; objects have a text of their own.
local function documented(x)
  if type(x) ~= "function" and type(x) ~= "table" or (check.class(x) or ""):find "^latent%.%u" then return nil end
  local entry = index.of_value(x)
  return entry and pages.signature(entry) .. "\n  " .. entry.summary
end

local function plain(x)
  local known = documented(x)
  if known then return known end
  local meta = debug.getmetatable(x)
  local own = type(meta) == "table" and (meta.__tostring or meta.__name and not check.is_about(x))
  if type(x) ~= "table" or own then return tostring(x) end
  return inside(x, true)
end

-- ---- models ----------------------------------------------------------------------------------

-- Small matrices in full, others by their shape; of a list of numbers how many and the last one.
local function field(value)
  if check.is_matrix(value) then
    local columns = value.cols or 1
    return #value * columns <= 64 and matrix_table(value) or ("%d × %d"):format(#value, columns)
  elseif type(value) == "table" then
    local last = value[#value]
    if check.is_matrix(last) then return ("%d matrices, %d × %d"):format(#value, #last, last.cols or 1) end
    return last and ("%d, the last %s"):format(#value, type(last) == "number" and number(last) or escape(plain(last)))
  end
  return escape(math.type(value) == "float" and number(value) or tostring(value))
end

-- The documented properties of a class.
local function properties(class)
  local list = {}
  for _, entry in ipairs(index.members(class)) do
    local name = entry.name:match "%.([%w_]+)$"
    if name then list[#list + 1] = { name, entry.summary } end
  end
  return list
end

local function object_table(x, class)
  local lines = {}
  for _, property in ipairs(properties(class)) do
    local known, value = pcall(function() return x[property[1]] end)
    local shown = known and value ~= nil and field(value)
    if shown then
      lines[#lines + 1] = ("<tr><td><code>%s</code></td><td>%s</td><td>%s</td></tr>"):format(property[1], shown,
        escape(property[2] or ""))
    end
  end
  if #lines == 0 then return nil end
  return ("<b>%s</b><table>%s</table>"):format(escape(tostring(x):match "^[^:\n]*"), table.concat(lines))
end

-- ---- any value -----------------------------------------------------------------------------------

local function mime(x)
  local bundle = {}
  local meta = debug.getmetatable(x)
  local own = type(meta) == "table" and rawget(meta, "__mime")
  local class = (check.class(x) or ""):match "^latent%.(%u%w*)$"
  if own then
    for kind, text in pairs(own(x)) do bundle[kind] = text end
  elseif check.is_matrix(x) and #x > 0 then
    bundle["text/html"] = matrix_table(x)
  elseif class then
    bundle["text/html"] = object_table(x, class)
  end
  bundle["text/plain"] = bundle["text/plain"] or plain(x)
  return bundle
end

return mime
