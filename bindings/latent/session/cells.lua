-- Cells of a notebook are one program in pieces: what a cell's top level declares local is a local of the later ones.
--
--   local session = cells.new()
--   session:compile(code, name)   -> a function, and whether its results are to be shown; or nil and the message
--   session:failed(level)         after an error: keeps the locals that the cell had come to; its level on the stack
--   session:variables()           the locals by name, as values
--   cells.status(code)            "complete", "incomplete" (and how many blocks are open) or "invalid"
--
-- A local of a cell lives on as an upvalue: the text
--
--   local x = 1; function get() return x end
--
-- gets a last statement keep(function() return x, get end), and a later cell is compiled as the inner function of
--
--   local keep, results, x, get; return function(...) CODE end
--
-- whose upvalues are then joined to those of the kept function (debug.upvaluejoin). So get and later cells share one
-- variable, as in a file. Which names are declared at the top level is read off the tokens. An expression at the end
-- becomes return results(EXPRESSION): were it a tail call, errors couldn't name its line.

local cells = {}

local KEEP, RESULTS = "__keep", "__results"
local OPENERS = { ["function"] = 1, ["do"] = 1, ["if"] = 1, ["repeat"] = 1, ["end"] = -1, ["until"] = -1 }

-- ---- tokens ------------------------------------------------------------------------------------

-- The last character of a string in quotes.
local function string_end(code, at)
  local quote, from = code:sub(at, at), at + 1
  while true do
    local stop = code:find("[\\\n" .. quote .. "]", from)
    if not stop then return #code end
    local c = code:sub(stop, stop)
    if c ~= "\\" then return stop end
    from = stop + (code:match("^\\z%s*()", stop) or stop + 2) - stop
  end
end

-- The last character of a token or comment at a place, and its kind.
local function token_end(code, at)
  local comment = code:match("^%-%-()", at)
  local level = code:match("^%[(=*)%[", comment or at)
  if level then
    local _, stop = code:find("]" .. level .. "]", comment or at, true)
    return stop or #code, comment and "comment" or "string"
  elseif comment then
    return (code:find("\n", at, true) or #code + 1) - 1, "comment"
  end
  local stop = code:match("^[%a_][%w_]*()", at)
  if stop then return stop - 1, "name" end
  stop = code:match("^%.?%d[%w_.]*()", at)
  if stop then return stop - 1, "number" end
  if code:find("^['\"]", at) then return string_end(code, at), "string" end
  return at, "other"
end

-- A list of { text, kind, at, stop, depth, line }: depth counts blocks and brackets that are open before the token,
-- and line is true where it begins one.
local function tokens(code)
  local list, depth, blocks, at, before = {}, 0, 0, 1, 0
  while true do
    at = code:find("%S", at)
    if not at then break end
    local stop, kind = token_end(code, at)
    if kind ~= "comment" then
      local text = code:sub(at, stop)
      local change = kind == "name" and OPENERS[text] or 0
      blocks = blocks + change
      if kind == "other" then
        change = text:find "[%(%[{]" and 1 or text:find "[%)%]}]" and -1 or 0
      end
      list[#list + 1] = { text = text, kind = kind, at = at, stop = stop, depth = depth,
        line = at == 1 or code:sub(before + 1, at):find("\n", 1, true) ~= nil }
      depth, before = depth + change, stop
    end
    at = stop + 1
  end
  return list, blocks
end

-- ---- statements at the top level ------------------------------------------------------------------

-- The names that are declared there; one that is to be closed ends with its cell.
local function declared(list)
  local names, known = {}, {}
  local function add(name)
    if not known[name] then names[#names + 1], known[name] = name, true end
  end
  for i, token in ipairs(list) do
    if token.text == "local" and token.depth == 0 then
      local k = i + 1
      if list[k] and list[k].text == "function" then
        add(list[k + 1].text)
      else
        repeat
          local name = list[k].text
          local attribute = list[k + 1] and list[k + 1].text == "<" and list[k + 2].text
          if attribute ~= "close" then add(name) end
          k = k + (attribute and 4 or 1)
          local more = list[k] and list[k].text == ","
          k = k + 1
        until not more
      end
    end
  end
  return names
end

-- A token that may begin an expression and can't go on with one from the line before.
local function begins_expression(token)
  return token.kind == "name" or token.kind == "number" or token.text == "#"
end

-- Where the last statement begins, if it is `return` or an expression, and whether it is an expression.
local function last_statement(code, list)
  for i = #list, 1, -1 do
    local token = list[i]
    if token.depth == 0 and token.text == "return" and token.kind == "name" then return token.at, false end
    local begins = token.line or i > 1 and list[i - 1].text == ";"
    if token.depth == 0 and begins and begins_expression(token) then
      local head, tail = code:sub(1, token.at - 1), code:sub(token.at)
      if load("return " .. tail) and load(head) and load(head .. "return " .. tail) then return token.at, true end
    end
  end
  if load("return " .. code) and #list > 0 then return 1, true end -- such as (1 + 2), -x
  return #code + 1, false
end

-- ---- variables ----------------------------------------------------------------------------------------

local Session = {}
Session.__index = Session

function cells.new() return setmetatable({ kept = {} }, Session) end

-- A variable is the n-th upvalue of a function.
local function new_variable(value) return { f = function() return value end, n = 1 } end

local function keep(session, names)
  return function(f)
    local place = {}
    for n = 1, 255 do
      local name = debug.getupvalue(f, n)
      if not name then break end
      place[name] = n
    end
    local values = table.pack(f())
    for i, name in ipairs(names) do -- a constant that the compiler has put in its place is no upvalue
      session.kept[name] = place[name] and { f = f, n = place[name] } or new_variable(values[i])
    end
  end
end

function Session:variables()
  local values = {}
  for name, variable in pairs(self.kept) do values[name] = select(2, debug.getupvalue(variable.f, variable.n)) end
  return values
end

-- The code of a cell as the inner function of one that declares the kept names it mentions.
local function wrapped(session, code, list, names)
  local outer, seen = { KEEP, RESULTS }, {}
  for _, token in ipairs(list) do
    if token.kind == "name" and session.kept[token.text] and not seen[token.text] then
      outer[#outer + 1], seen[token.text] = token.text, true
    end
  end
  local at, is_expression = last_statement(code, list)
  local last = #names > 0 and ("%s(function() return %s end) "):format(KEEP, table.concat(names, ", ")) or ""
  local head, tail = code:sub(1, at - 1), code:sub(at)
  if tail == "" then last = "\n" .. last end -- not into a comment
  if is_expression then
    local final = list[#list]
    if final.text == ";" then tail = code:sub(at, final.at - 1) end
    tail = ("return %s(%s\n)"):format(RESULTS, tail)
  end
  return ("local %s; return function(...) %s%s%s\nend"):format(table.concat(outer, ", "), head, last, tail)
end

local function pass(...) return ... end

-- As in the interactive interpreter, = is return. The message is that of the text as statements.
local function check(code, name)
  local bare, message = load(code, name, "t")
  local list, open = tokens(code)
  if bare or select(2, last_statement(code, list)) then return bare or pass, list, open end
  return nil, message, open
end

local function equals_sign(code) return (code:gsub("^%s*=", "return ")) end

function Session:compile(code, name)
  code = equals_sign(code)
  local bare, list = check(code, name)
  if not bare then return nil, list end
  local names, final = declared(list), list[#list]
  local make = load(wrapped(self, code, list, names), name, "t")
  local f = make and make() or bare -- not where a label is at the end: its locals aren't kept
  for n = 1, 255 do
    local upvalue = debug.getupvalue(f, n)
    if not upvalue then break end
    local variable = self.kept[upvalue]
    if upvalue == KEEP then
      debug.setupvalue(f, n, keep(self, names))
    elseif upvalue == RESULTS then
      debug.setupvalue(f, n, pass)
    elseif variable then
      debug.upvaluejoin(f, n, variable.f, variable.n)
    end
  end
  self.names = names
  return f, not (final and final.text == ";")
end

function Session:failed(level)
  local wanted = {}
  for _, name in ipairs(self.names or {}) do wanted[name] = true end
  for n = 1, 255 do
    local name, value = debug.getlocal(level + 1, n)
    if not name then break end
    if wanted[name] then self.kept[name] = new_variable(value) end
  end
end

-- ---- is it complete? --------------------------------------------------------------------------------------

function cells.status(code)
  code = equals_sign(code)
  local known, message, open = check(code, "=cell")
  if known then return "complete", 0 end
  local _, of_expression = load("return " .. code, "=cell", "t")
  message = message .. (of_expression or "")
  if message:find("near <eof>", 1, true) and not message:find("unfinished string", 1, true) then
    return "incomplete", math.max(open, 0)
  end
  return "invalid", 0
end

return cells
