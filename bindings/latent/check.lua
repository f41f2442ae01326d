-- Checks that the parts in Lua share: messages, option tables, near names. Not exported.

local check = {}

-- Where these files are; nil when nobody can tell.
local function our_folder() return debug and debug.getinfo(1, "S").source:match("^(.-)[^/\\]*$") end

-- Whether the function at the level is in one of these files; also when nobody can tell.
local function is_ours(level)
  local folder = our_folder()
  return not folder or debug.getinfo(level + 1, "S").source:sub(1, #folder) == folder
end

-- How far up the stack the first function outside these files is: whoever made the mistake.
local function level_outside()
  local folder, level = our_folder(), 2
  while folder do
    local info = debug.getinfo(level, "S")
    if not info then return 1 end
    if info.what ~= "C" and info.source:sub(1, #folder) ~= folder then return level - 1 end
    level = level + 1
  end
  return 1
end

-- Raises "who: message", with the caller's line in front.
function check.fail(who, format, ...)
  error(who .. ": " .. format:format(...), level_outside())
end

-- Calls a function that is written in C; what it raises is raised in the user's line. In place of the function's name
-- the message has `who`, unless that is nil.
function check.call_for(who, f, ...)
  local function results(ok, first, ...)
    if ok then return first, ... end
    local text = type(first) == "string"
    if text and who then first = first:gsub("^[%w_]+[:.][%w_]+: ", function() return who .. ": " end) end
    error(first, text and level_outside() or 0)
  end
  return results(pcall(f, ...))
end

function check.call(f, ...) return check.call_for(nil, f, ...) end

-- Raises what a coroutine of these files has ended with, in the user's line.
function check.pass_on(message)
  local text = type(message) == "string"
  if text then message = message:gsub("^[^\n]-[/\\]latent[/\\][%w_]+%.lua:%d+: ", "") end
  error(message, text and not message:find "^[^\n]-:%d+: " and level_outside() or 0)
end

-- ---- classes: their metatables are protected, getmetatable gives the name ------------------------

-- A new class, whose objects have it as metatable. A name that isn't there raises, with the sentence that `absent` may
-- have for it; but not in these files, where a field that an object is without is nil.
function check.new_class(name, absent)
  local class = { __name = name, __metatable = name }
  class.__index = class
  local function missing(_, key)
    if type(key) ~= "string" or key:find "^_" or is_ours(2) then return nil end
    local sentence = absent and absent[key]
    local message = sentence and ("%s: %s: %s"):format(check.maker(name:match "%w+$"), key, sentence)
      or require("latent.names").absent(name, key, true)
    if message then error(message, level_outside()) end
  end
  return setmetatable(class, { __index = missing, __metatable = false })
end

-- x[name], or nil where that raises because there is no such name.
function check.field(x, name)
  local ok, value = pcall(function() return x[name] end)
  if ok then return value end
  local message = tostring(value)
  for _, known in ipairs { "attempt to index", ": there is no ", "not fitted yet" } do
    if message:find(known, 1, true) then return nil end
  end
  error(value, 0) -- no memory, an interrupt
end

-- The name of the class of x, of another library's too; or nil.
function check.class(x)
  if type(x) ~= "table" and type(x) ~= "userdata" then return nil end
  local meta = debug and debug.getmetatable(x) or getmetatable(x)
  local name = type(meta) == "table" and rawget(meta, "__name") or meta
  return type(name) == "string" and name or nil
end

-- The name of what makes a class's objects: "FlowMatching" is flow_matching, "VAE" is vae.
function check.maker(class) return (class:gsub("^latent%.", ""):gsub("(%l)(%u)", "%1_%2"):lower()) end

-- Whether a model, of whatever kind, has that method.
function check.callable(model, name)
  return (type(model) == "userdata" or type(model) == "table") and type(check.field(model, name)) == "function"
end

-- Raises unless self is an object of the class.
function check.self(who, class, self)
  if type(self) ~= "table" or getmetatable(self) ~= class.__name then
    check.fail(who, "self must be a %s, got %s%s", check.maker(class.__name:match "%w+$"), check.show(self),
      who:find ":" and ("; use a colon: %s(...)"):format(who) or "")
  end
  return self
end

-- A value as a message names it: a short string in quotes, a number, a type.
function check.show(value)
  if type(value) == "string" then return #value <= 40 and ("'%s'"):format(value) or "a long string" end
  if value ~= value then return "nan" end -- some C libraries print -nan
  if type(value) == "number" or type(value) == "boolean" or value == nil then return tostring(value) end
  return "a " .. (check.class(value) or type(value))
end

-- A user's function that makes models, for who calls it with what the model is for: latent.gmm itself takes options.
-- Nil for what is none.
function check.making(make)
  if type(make) == "function" then return make end
  local meta = type(make) == "table" and debug and debug.getmetatable(make)
  if type(meta) ~= "table" or not rawget(meta, "__call") then return nil end
  return function() return make() end
end

-- Whether it is what files and data sets hand on behind a matrix: no options, wherever it stands.
function check.is_about(x) return type(x) == "table" and require("latent")._is_about(x) end

function check.is_matrix(x) return require("latent").matrix.is(x) end

-- Raises when `message` stands behind x in the place of data: what a read gives that has failed, nil and why.
local function check_read(who, x, message)
  if x == nil and type(message) == "string" and message:find ": " then check.fail(who, "%s", message) end
end

-- A matrix, or a table that makes one; `following` is the argument behind it, if it's the first one.
function check.matrix(who, name, x, following)
  check_read(who, x, following)
  if type(x) == "table" then return require("latent").matrix(x) end
  if not check.is_matrix(x) then check.fail(who, "%s must be a matrix, got %s", name, check.show(x)) end
  return x
end

-- The generator of the option seed: one itself, or of an integer; of nothing the module's own.
function check.random(who, seed)
  if type(seed) == "userdata" and check.class(seed) == "latent.Random" then return seed end
  if seed ~= nil and not math.type(seed) then
    check.fail(who, "seed must be an integer or a latent.Random, got %s", check.show(seed))
  end
  return check.call(require("latent").random, seed)
end

-- The keys of a table that are strings, sorted, so that nothing depends on hashes; and a list of what the others are.
function check.names(t)
  local names, odd = {}, {}
  for key in pairs(t) do
    if type(key) == "string" then
      names[#names + 1] = key
    else
      odd[#odd + 1] = math.type(key) and ("the key " .. key) or ("a %s for a key"):format(type(key))
    end
  end
  table.sort(names)
  table.sort(odd)
  return names, odd
end

-- Raises: the option is none of the keys of `known`; names the nearest.
local function fail_unknown(who, word, known)
  local names = check.names(known)
  local nearest = require("latent")._nearest(word, names)
  local meant = require("latent.names").option(who, word, known)
  if #word > 40 then word = "(a long string)" end
  local hint = meant or nearest and ("; did you mean '%s'?"):format(nearest) or #names == 0 and ": there are none"
    or "; known are " .. table.concat(names, ", ")
  check.fail(who, "unknown option '%s'%s", word, hint)
end

-- An option table against { name = "type", or true for any }; nil is an empty one. Of several faults it is always the
-- same that is raised: keys that are no names, then names in alphabetical order.
function check.options(who, options, known)
  if options == nil or check.is_about(options) then return {} end
  if type(options) ~= "table" then check.fail(who, "options must be a table, got %s", check.show(options)) end
  local keys, odd = check.names(options)
  if odd[1] then check.fail(who, "options have names, but the table has %s", odd[1]) end
  for _, key in ipairs(keys) do
    local value, expected = options[key], known[key]
    if expected == nil then
      fail_unknown(who, key, known)
    elseif expected ~= true and type(value) ~= expected then
      check.fail(who, "%s must be a %s, got %s", key, expected, check.show(value))
    end
  end
  return options
end

-- A method begins: self is of the class, and the options are of these, or there are none (known = nil).
function check.method(who, class, self, options, known)
  check.self(who, class, self)
  if known then return check.options(who, options, known) end
  check.no_options(who, options)
end

-- For functions without options: a table where they would be raises as an unknown option does.
function check.no_options(who, options)
  if type(options) == "table" then check.options(who, options, {}) end
end

-- A whole number that is at least `least` and, where there is a bound, at most `most`.
function check.integer(who, name, value, least, most)
  local n = math.type(value) and math.tointeger(value)
  if not n or n < least then check.fail(who, "%s must be an integer >= %d, got %s", name, least, check.show(value)) end
  if most and n > most then check.fail(who, "%s must be at most %d, got %d", name, most, n) end
  return n
end

-- A finite number, >= 0 unless it may have any sign.
function check.number(who, name, value, signed)
  if type(value) ~= "number" or value - value ~= 0 or not signed and value < 0 then
    check.fail(who, "%s must be a finite number%s, got %s", name, signed and "" or " >= 0", check.show(value))
  end
  return value
end

-- One of a list of words; nil is the first of them.
function check.word(who, name, value, words)
  for _, word in ipairs(words) do
    if value == nil or value == word then return word end
  end
  local all = ('"%s"'):format(table.concat(words, '", "')):gsub('", "([^"]*)"$', '" or "%1"')
  check.fail(who, "%s must be %s, got %s", name, all, check.show(value))
end

-- Labels (or predictions) as a fresh list, whole numbers as integers: of a vector, or a list of any values but NaN.
function check.labels(who, name, labels)
  if check.is_matrix(labels) then
    labels = labels:flatten():table()
  elseif type(labels) ~= "table" or #labels == 0 and next(labels) ~= nil then
    check.fail(who, "%s must be a vector or a list of labels, got %s", name, check.show(labels))
  end
  local list = {}
  for i = 1, #labels do
    local label = labels[i]
    if label == nil or label ~= label then
      check.fail(who, "label %d of %s is %s", i, name, label == nil and "missing" or "NaN")
    end
    list[i] = math.tointeger(label) or label
  end
  return list
end

-- The rows of a matrix, or the elements of a list (of labels, of sequences), by their numbers, a vector.
function check.rows_at(data, rows)
  if check.is_matrix(data) then return data:rows_at(rows) end
  local list = {}
  for i = 1, #rows do list[i] = data[rows[i] // 1 | 0] end
  return list
end

-- The distinct labels of a list, as they come, and a list of the rows of each.
function check.group(labels)
  local classes, rows = {}, {}
  for i, label in ipairs(labels) do
    if not rows[label] then classes[#classes + 1], rows[label] = label, {} end
    table.insert(rows[label], i)
  end
  return classes, rows
end

-- The labels or weights (`what`), one for each of n rows.
function check.count(who, what, list, n)
  if #list ~= n then check.fail(who, "there are %d %s for %d rows", #list, what, n) end
  return list
end

return check
