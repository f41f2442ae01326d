-- What can stand where a cursor is: names of variables, of fields and methods, and of options of latent's functions.
-- For notebooks and prompts; not exported.
--
--   complete(before, scope)       the text before the cursor -> words, sorted, and where the word begins in the text
--   complete.entry(text, scope)   an expression, or text that ends inside of a call -> its entry of the documentation
--   complete.value(text, scope)   "a.b:c" -> what it stands for, or nil
--
-- scope has the variables, by name. Nothing that the text says is run: values are looked up in variables and tables,
-- and what a call gives is read off the documentation.

local check = require "latent.check"
local help = require "latent.help"
local index = require "latent.help.index"

local complete = {}

local KEYWORDS = { "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if", "in",
  "local", "nil", "not", "or", "repeat", "return", "then", "true", "until", "while" }

-- ---- what an expression is: { value = }, or { class = "GMM" } -------------------------------------

local function class_of(value) return (check.class(value) or ""):match "^latent%.(%u%w*)$" end

-- t[name] of a table or an object, where that takes no call of a user's function.
local function member_of(t, name)
  if type(t) == "string" then return string[name] end
  if type(t) == "table" then
    local value = rawget(t, name)
    if value ~= nil then return value end
  end
  local meta = debug.getmetatable(t)
  local deeper = type(meta) == "table" and rawget(meta, "__index")
  if type(deeper) == "table" then return member_of(deeper, name) end
  if type(deeper) ~= "function" or debug.getinfo(deeper, "S").what ~= "C" then return nil end
  local ok, value = pcall(function() return t[name] end) -- latent's own
  return ok and value or nil
end

-- The bracket that is open where the text ends, and where.
local function unclosed(text)
  local depth = 0
  for at = #text, 1, -1 do
    local c = text:sub(at, at)
    if c:find "[%)%]}]" then depth = depth + 1 end
    if c:find "[%(%[{]" then
      if depth == 0 then return c, at end
      depth = depth - 1
    end
  end
end

-- Where the bracket was opened that the text ends with.
local function opening(text) return select(2, unclosed(text:sub(1, -2))) end

-- The text with the insides of its strings blanked, so that no bracket in them counts.
local function without_strings(text)
  return (text:gsub("(['\"])([^\n]-)%1", function(quote, inside) return quote .. ("_"):rep(#inside) .. quote end))
end

-- The part of a text that is the operand it ends with: names, dots and calls.
local function operand(text)
  local at = #text
  while at > 0 do
    local c = text:sub(at, at)
    if c:find "[%)}%]]" then
      local open = opening(text:sub(1, at))
      if not open then break end
      at = open - 1
      local before = text:sub(1, at):match "()%s+$" -- latent.gmm { ... }
      if before and text:sub(before - 1, before - 1):find "[%w_]" then at = before - 1 end
    elseif c:find "[%w_.:]" then
      at = at - 1
    else
      break
    end
  end
  return text:sub(at + 1)
end

local subject

-- The entry of "latent.gmm", "model:fit", "latent.gmm { ... }:fit".
local function entry_of(text, scope)
  local base, separator, member = text:match "^(.-)%s*([.:])%s*([%a_][%w_]*)$"
  local of = base and subject(base, scope)
  local class = of and (of.class or class_of(of.value))
  if class then return help.entry(class .. separator .. member) end
  local value = subject(text, scope)
  if value and value.value ~= nil then return help.entry(value.value) end
end

-- What the call gives that the text ends with.
local function result(text, scope)
  local at = opening(text)
  local callee = at and text:sub(1, at - 1):gsub("%s+$", "")
  if not callee or callee == "" then return nil end
  if callee:find "[%)}]$" then return result(callee, scope) end -- f(x){...}
  local entry = entry_of(operand(callee), scope)
  local given = entry and entry.returns and entry.returns[1]
  local class = given and given[1]:match "^latent%.(%u%w*)%??$"
  return class and { class = class }
end

function subject(text, scope)
  text = text:gsub("^%s+", ""):gsub("%s+$", "")
  if text:find "[%)}]$" then return result(text, scope) end
  local base, separator, member = text:match "^(.-)%s*([.:])%s*([%a_][%w_]*)$"
  if not base then
    local value = scope[text]
    return value ~= nil and { value = value } or nil
  end
  local of = subject(base, scope)
  if not of then return nil end
  if of.value ~= nil then
    local value = member_of(of.value, member)
    if value ~= nil then return { value = value } end
  end
  local class = of.class or class_of(of.value)
  local entry = class and help.entry(class .. separator .. member)
  local given = entry and entry.returns and entry.returns[1]
  class = given and given[1]:match "^latent%.(%u%w*)%??$"
  return class and not entry.args and { class = class } or nil
end

-- ---- members ------------------------------------------------------------------------------------------

local function add_documented(words, class, separator)
  local pattern = class and "^" .. class .. "%" .. separator .. "([%a][%w_]*)$" or "^latent%.([%a][%w_]*)$"
  for _, module in ipairs(require "latent.docs.init") do
    if not class then words[module.name] = true end
    for _, entry in ipairs(module) do
      local name = entry.name:match(pattern)
      if name and not entry.topic then words[name] = true end
    end
  end
end

-- Of tables, and of the tables behind them; after a colon functions only.
local function add_members(words, value, separator, depth)
  if type(value) == "table" then
    for key, member in next, value do
      if type(key) == "string" and key:find "^[%a_][%w_]*$" and (separator == "." or type(member) == "function") then
        words[key] = true
      end
    end
  end
  local meta = debug.getmetatable(value)
  local deeper = type(meta) == "table" and rawget(meta, "__index")
  if type(deeper) == "table" and depth < 10 then add_members(words, deeper, separator, depth + 1) end
end

local function members(of, separator)
  local words = {}
  local class = of.class or class_of(of.value)
  if class then add_documented(words, class, separator) end
  if of.value == nil then return words end
  if of.value == require "latent" then add_documented(words, nil, separator) end
  add_members(words, of.value, separator, 1)
  return words
end

-- ---- options --------------------------------------------------------------------------------------------

-- The call that the end of a text stands inside of; and whether it is in a table that is given to it.
local function enclosing_call(text, scope)
  local bracket, at = unclosed(text)
  if not bracket then return nil end
  local in_table, before = bracket == "{", text:sub(1, at - 1)
  if in_table then
    local outer, outer_at = unclosed(before)
    if outer == "(" and before:sub(outer_at + 1):find "^%s*$" or before:find ",%s*$" and outer == "(" then
      before = before:sub(1, outer_at - 1)
    end
  end
  return entry_of(operand((before:gsub("%s+$", ""))), scope), in_table
end

local function add_options(words, before, scope)
  local entry, in_table = enclosing_call(before, scope)
  if not entry or not in_table or not before:find "[{,;]%s*$" then return false end
  for _, option in ipairs(entry.options or {}) do words[option[1]] = true end
  return next(words) ~= nil
end

local function add_words(words, list)
  for _, word in ipairs(list or {}) do words[word] = true end
  return words
end

-- The words that an option may be: covariance = "fu
local function choices(before, scope)
  local head, option = before:match "^(.*[{,;%s])([%a_][%w_]*)%s*=%s*$"
  local entry, words = head and enclosing_call(head, scope), {}
  for _, row in ipairs(entry and entry.options or {}) do
    if row[1] == option then add_words(words, row.choices) end
  end
  return words
end

-- What the first argument of a call may be: X:to("fl, and of latent.help all names.
local function first_argument(before, scope)
  local callee = before:gsub("%s*%(?%s*$", "")
  local entry = callee ~= "" and entry_of(operand(callee), scope)
  local first = entry and entry.args and entry.args[1]
  if not first then return {} end
  if entry.name ~= "latent.help" and entry.name ~= "help.text" then return add_words({}, first.choices) end
  local words = {}
  for _, known in ipairs(index.matching(function() return true end)) do words[index.canonical(known.name)] = true end
  return words
end

-- ---- the three questions ----------------------------------------------------------------------------------

local function sorted(words, prefix)
  local list = {}
  for word in pairs(words) do
    if word:sub(1, #prefix) == prefix and (prefix ~= "" or not word:find "^_") then list[#list + 1] = word end
  end
  table.sort(list)
  return list
end

local function candidates(before, scope)
  local quoted, partial = before:match "^(.*)['\"]([%w_.:+-]*)$"
  if quoted and select(2, quoted:gsub("['\"]", "")) % 2 == 0 then
    local text = without_strings(quoted)
    local words = choices(text, scope)
    return next(words) and words or first_argument(text, scope), partial
  end
  local text = without_strings(before)
  local head, word = text:match "^(.-)([%a_]?[%w_]*)$"
  local base, separator = head:match "^(.-)%s*([.:])$"
  if base and not base:find "[.:]$" then
    local of = subject(operand(base), scope)
    return of and members(of, separator) or {}, word
  end
  local words = {}
  if add_options(words, head, scope) then return words, word end
  for _, name in ipairs(KEYWORDS) do words[name] = true end
  for name in pairs(scope) do
    if type(name) == "string" and name:find "^[%a_][%w_]*$" then words[name] = true end
  end
  return words, word
end

function complete.entry(text, scope)
  text = without_strings(text)
  local expression = operand(text)
  local entry = expression ~= "" and entry_of(expression, scope)
  if entry then return entry end
  local called = enclosing_call(text, scope)
  return called
end

function complete.value(text, scope)
  local of = subject(operand(without_strings(text)), scope)
  return of and of.value
end

return setmetatable(complete, {
  __call = function(_, before, scope)
    local words, word = candidates(before, scope)
    return sorted(words, word), #before - #word + 1
  end,
})
