-- What users give to figures: numbers, dates, rows, ranges, colours, classes. Not exported.

local check = require "latent.check"
local colors = require "latent.plot.colors"
local dates = require "latent.plot.dates"

local values = {}

values.COLORS, values.color = colors.TEN, colors.read
values.SYMBOLS = { "circle", "triangle", "square", "cross", "diamond", "wedge", "plus" }
values.PALETTES = { "grey", "ink", "viridis", "diverging" }
values.MOST_DOTS = 32000 -- along a side: what the makers of PNG files take
values.MOST_CLASSES = 100 -- more can't be told apart; and each is a plot of gnuplot's

local COLORS, SYMBOLS = values.COLORS, values.SYMBOLS

function values.is_finite(x) return x - x == 0 end
local is_finite = values.is_finite

-- A matrix as nested lists, a vector as a list; tables are themselves.
function values.as_table(value) return check.is_matrix(value) and value:table() or value end
local as_table = values.as_table

-- A list of numbers from a vector, a list, or a matrix of one column.
function values.numbers(who, name, value)
  local list = as_table(value)
  if type(list) ~= "table" then check.fail(who, "%s must be a vector or a list, got %s", name, check.show(value)) end
  local out = {}
  for i, x in ipairs(list) do
    if type(x) == "table" and #x == 1 then x = x[1] end
    if type(x) ~= "number" and check.is_matrix(value) then
      check.fail(who, "%s must be a vector, got a matrix of %d columns; X:col(j) is one of them", name, value.cols)
    end
    if type(x) ~= "number" then check.fail(who, "%s[%d] must be a number, got %s", name, i, check.show(x)) end
    out[i] = x
  end
  return out
end
local numbers = values.numbers

function values.same_length(who, name, list, n, of)
  if #list ~= n then check.fail(who, "%s has %d entries, %s has %d", name, #list, of, n) end
  return list
end
local same_length = values.same_length

-- Rows of the numbers in several lists, whose names say which they are: x, then others as long.
function values.side_by_side(who, names, ...)
  local rows, lists = {}, { ... }
  for j, name in ipairs(names) do
    local list = numbers(who, name, lists[j])
    same_length(who, name, list, j > 1 and #rows or #list, names[1])
    if j == 1 then
      for i, x in ipairs(list) do rows[i] = { x } end
    else
      for i, x in ipairs(list) do rows[i][j] = x end
    end
  end
  return rows
end

-- Places of names: those that the axis has, and new ones after them.
local function named_places(who, fig, list)
  local names, place = {}, {}
  for i, text in ipairs(fig.xticks and fig.xticks.labels or {}) do names[i], place[text] = text, fig.xticks.at[i] end
  local at, last, added = {}, #names > 0 and math.max(table.unpack(fig.xticks.at)) or 0, false
  for i, text in ipairs(list) do
    if not place[text] then
      last, added = math.floor(last) + 1, true
      names[#names + 1], place[text] = text, last
    end
    at[i] = place[text]
  end
  if added and fig.xticks ~= false then
    local places = {}
    for i, text in ipairs(names) do places[i] = place[text] end
    fig.xticks = values.ticks(who, "x", { at = places, labels = names })
  end
  return at
end

-- Places on the x axis of a figure: numbers as they are; strings that are all dates as seconds, and the axis is one
-- of dates then; other strings as 1, 2, ..., and they are its ticks.
function values.places(who, fig, value)
  local list = as_table(value)
  if type(list) ~= "table" or type(list[1]) ~= "string" then return value end
  for i, text in ipairs(list) do
    if type(text) ~= "string" then check.fail(who, "x[%d] must be a string like x[1], got %s", i, check.show(text)) end
  end
  local seconds = dates.read(list)
  if seconds then
    fig.dates = fig.dates or true
    return seconds
  end
  return named_places(who, fig, list)
end

-- A matrix as a list of rows of equal length.
function values.rows_of(who, name, value)
  local rows = as_table(value)
  if type(rows) ~= "table" or #rows == 0 or type(as_table(rows[1])) ~= "table" then
    check.fail(who, "%s must be a matrix, got %s", name, type(rows) == "table" and "a list" or check.show(value))
  end
  local out = {}
  for i = 1, #rows do
    local row = ("%s[%d]"):format(name, i)
    out[i] = numbers(who, row, rows[i])
    same_length(who, row, out[i], #out[1], name .. "[1]")
  end
  return out
end

function values.range(who, name, value)
  if value == nil then return nil end
  local list = numbers(who, name, value)
  if #list ~= 2 or list[1] == list[2] or not is_finite(list[1]) or not is_finite(list[2]) then
    check.fail(who, "%s must be two different finite numbers {low, high}", name)
  end
  return list
end

-- The option `bar`: whether there is a scale of the shades, or what it is called.
function values.bar(who, bar, otherwise)
  if bar == nil then return otherwise end
  if type(bar) ~= "boolean" and type(bar) ~= "string" then
    check.fail(who, "bar must be true, false or what the scale shows, got %s", check.show(bar))
  end
  return bar
end

-- The least and the largest finite number of rows; 0, 1 when there is none.
function values.extremes(rows)
  local low, high = math.huge, -math.huge
  for _, row in ipairs(rows) do
    for _, x in ipairs(row) do
      if is_finite(x) then low, high = math.min(low, x), math.max(high, x) end
    end
  end
  if low > high then return 0, 1 end
  return low, high
end

-- A list of texts, numbers among them as they are written.
function values.texts(who, name, value, n)
  local list = as_table(value)
  if type(list) ~= "table" then check.fail(who, "%s must be a list, got %s", name, check.show(value)) end
  local out = {}
  for i, x in ipairs(list) do
    if type(x) ~= "string" and type(x) ~= "number" then
      check.fail(who, "%s[%d] must be a string or a number, got %s", name, i, check.show(x))
    end
    out[i] = values.text(x)
  end
  if n then same_length(who, name, out, n, "the data") end
  return out
end

function values.text(x) return (tostring(x):gsub("%.0$", "")) end

local MOST_TICKS = 500

-- Ticks: texts at 1, 2, ...; numbers, which are the places; or { at = numbers, labels = texts }. false: none.
function values.ticks(who, name, value)
  if value == nil or value == false then return value end
  if type(value) ~= "table" and not check.is_matrix(value) then
    check.fail(who, "%s must be a list of texts or places, { at =, labels = }, or false, got %s", name,
      check.show(value))
  end
  local at, labels = nil, value
  if type(value) == "table" and (value.at ~= nil or value.labels ~= nil) then
    at, labels = numbers(who, name .. ".at", value.at), value.labels or value.at
  elseif type(as_table(value)[1]) == "number" then
    at = numbers(who, name, value)
  end
  labels = values.texts(who, name, labels, at and #at)
  if #labels > MOST_TICKS then
    check.fail(who, "%s has %d labels, more than %d can't be read", name, #labels, MOST_TICKS)
  end
  for i = 1, at and 0 or #labels do
    at = at or {}
    at[i] = i
  end
  return { at = at or {}, labels = labels }
end

-- ---- classes -----------------------------------------------------------------------

-- A text with its numbers filled up with zeros, so that "class 9" comes before "class 10".
local function natural(code)
  if type(code) == "number" then return code end
  return (code:gsub("%d+", function(digits) return ("0"):rep(12 - #digits) .. digits end))
end

-- The distinct codes, in order, and for each code its place.
local function distinct(codes)
  local list, place, by = check.group(codes), {}, {}
  for _, code in ipairs(list) do by[code] = natural(code) end
  table.sort(list, function(a, b)
    if type(a) ~= type(b) then return type(a) == "number" end
    if by[a] ~= by[b] then return by[a] < by[b] end
    return a < b
  end)
  for i, code in ipairs(list) do place[code] = i end
  return list, place
end

-- Letters and digits, one for each of the names and all different: of its own name where one is free.
local function marks(names)
  local taken, list = {}, {}
  local function take(candidates)
    for mark in candidates:gmatch "%w" do
      if not taken[mark] then
        taken[mark] = true
        return mark
      end
    end
  end
  local any = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
  -- names that differ in one place only are known by that: of "class 10" and "class 11" the 0 and the 1
  local alike = #names > 1 and names[1] or ""
  for _, name in ipairs(names) do
    while name:sub(1, #alike) ~= alike do alike = alike:sub(1, -2) end
  end
  for i, name in ipairs(names) do list[i] = take(name:sub(#alike + 1)) or take(name) or take(any) or "o" end
  return list
end

-- The class of each of n things as a list of numbers and strings.
function values.codes(who, codes, n, of)
  codes = as_table(codes)
  if type(codes) ~= "table" then check.fail(who, "classes must be a list or a vector, got %s", check.show(codes)) end
  same_length(who, "classes", codes, n, of)
  local flat = {}
  for i, code in ipairs(codes) do
    if type(code) == "table" and #code == 1 then code = code[1] end
    if type(code) ~= "number" and type(code) ~= "string" or code ~= code then
      check.fail(who, "class %d must be a number or a string, got %s", i, check.show(code))
    end
    flat[i] = code
  end
  return flat
end

-- The classes of n points: a list of { rows =, name =, color =, symbol =, mark = }, where rows has the places of its
-- points.
function values.classes(who, codes, labels, n)
  local flat = values.codes(who, codes, n, "x")
  local list, place = distinct(flat)
  if #list > values.MOST_CLASSES then
    check.fail(who, "%d different classes can't be told apart (at most %d); values = colours by numbers", #list,
      values.MOST_CLASSES)
  end
  local names, classes = {}, {}
  for i, code in ipairs(list) do names[i] = values.text(labels and labels[code] or code) end
  local letters = marks(names)
  for i, name in ipairs(names) do
    local symbol = #list >= #COLORS and (i - 1) % #SYMBOLS + 1 or 1
    classes[i] = { rows = {}, name = name, mark = letters[i], color = COLORS[(i - 1) % #COLORS + 1],
      symbol = SYMBOLS[symbol] }
  end
  for i, code in ipairs(flat) do
    local rows = classes[place[code]].rows
    rows[#rows + 1] = i
  end
  return classes
end

return values
