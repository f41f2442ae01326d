-- A session: pieces of code that are run one after another, at a prompt or as the cells of a notebook. Not exported.
--
--   local session = sessions.new()
--   session:run(code, name, finish)   runs it and calls finish(values), a packed list, or finish(nil) where they aren't
--                                     to be shown; true, or nil and the failure { name =, message =, trace = }
--   session:describe(text)            the page of help about the expression that a text ends with, or nil
--   session:complete(before)          words that may end the text, and where the word begins
--   sessions.question(code)           "x" of x? and ?x
--   sessions.bundle(x)                texts by MIME types; one that can't be made says why
--   sessions.join(texts)              of several values: side by side as print sets them, or below each other
--
-- SIGINT ends a piece and keeps everything. What a piece declares local is known in the later ones (session/cells.lua).

local cells = require "latent.session.cells"
local complete = require "latent.complete"
local interrupt = require "latent.interrupt"
local mime = require "latent.mime"

local MOST_LEVELS, SHOWN_LEVELS = 500, 20 -- of the stack: an endless recursion has 200,000

local sessions, Session = {}, {}
Session.__index = Session

function sessions.new() return setmetatable({ cells = cells.new() }, Session) end

-- ---- values ----------------------------------------------------------------------------------------------

function sessions.bundle(x)
  local ok, bundle = pcall(mime, x)
  return ok and bundle or { ["text/plain"] = ("%s (__mime: %s)"):format(tostring(x), tostring(bundle)) }
end

function sessions.join(texts)
  local text = table.concat(texts, "\t")
  return text:find "\n" and table.concat(texts, "\n") or text
end

-- ---- coroutines, which an interrupt shall reach ------------------------------------------------------

local resume, close, status = coroutine.resume, coroutine.close, coroutine.status
local current -- the coroutine that runs, nil in the main one

local function leave(before, ...)
  current = before
  interrupt.enter(before)
  return ...
end

function coroutine.resume(thread, ...)
  if type(thread) ~= "thread" then return resume(thread, ...) end
  local before = current
  current = thread
  interrupt.enter(thread)
  return leave(before, resume(thread, ...))
end

local function results(thread, ok, ...)
  if ok then return ... end
  if status(thread) == "dead" then close(thread) end
  error((...), 0)
end

function coroutine.wrap(f)
  local thread = coroutine.create(f)
  return function(...) return results(thread, coroutine.resume(thread, ...)) end
end

-- ---- running ---------------------------------------------------------------------------------------------

-- The traceback down to the piece f, whose locals are kept, or to what runs it and shows its values.
local function trace(session, message, f, run)
  local lines = { message }
  for level = 3, MOST_LEVELS do -- above are this function and the handler
    local info = debug.getinfo(level, "Slnf")
    if not info or info.func == run then break end
    local place = info.currentline > 0 and ("%s:%d"):format(info.short_src, info.currentline) or "[C]"
    if info.func == f then
      lines[#lines + 1] = "  " .. place
      session.cells:failed(level)
      break
    end
    if level < SHOWN_LEVELS then
      lines[#lines + 1] = ("  %s%s"):format(place, info.name and (" in %s '%s'"):format(info.namewhat ~= "" and
        info.namewhat or "function", info.name) or "")
    elseif level == SHOWN_LEVELS then
      lines[#lines + 1] = "  ..."
    end
  end
  return table.concat(lines, "\n")
end

local function failure(session, f, run)
  return function(err)
    interrupt.listen(false)
    local meta = debug.getmetatable(err)
    local message = type(err) == "string" and err or type(meta) == "table" and meta.__tostring and tostring(err)
      or ("an error that is a %s: %s"):format(type(err), sessions.bundle(err)["text/plain"])
    local name = message:find("interrupted!", 1, true) and "Interrupted" or "Error"
    return { name = name, message = message, trace = trace(session, message, f, run) }
  end
end

-- What an interrupt finds outside of the piece is a text.
local function as_failure(err)
  if type(err) == "table" then return err end
  return { name = "Error", message = tostring(err), trace = tostring(err) }
end

function Session:run(code, name, finish)
  local f, shows = self.cells:compile(code, name)
  if not f then return nil, { name = "SyntaxError", message = shows, trace = shows } end
  current = nil
  local function run()
    interrupt.listen(true)
    local values = table.pack(f())
    finish(shows and values.n > 0 and values or nil)
    interrupt.listen(false)
  end
  local ok, err = xpcall(run, failure(self, f, run))
  interrupt.listen(false)
  if ok then return true end
  return nil, as_failure(err)
end

-- ---- help ------------------------------------------------------------------------------------------------

function sessions.question(code)
  return code:match "^%s*%?+%s*([%w_.:]+)%s*$" or code:match "^%s*([%w_.:]+)%s*%?+%s*$"
end

-- The variables of the pieces, and globals behind them.
local function scope(session)
  local names = session.cells:variables()
  return setmetatable(names, { __index = _G, __pairs = function()
    local all = {}
    for name, value in pairs(_G) do all[name] = value end
    for name, value in next, names do all[name] = value end
    return next, all
  end })
end

function Session:complete(before) return complete(before, scope(self)) end

function Session:describe(text)
  local entry = complete.entry(text, scope(self))
  if entry then return require("latent.help").text(entry.name) end
  local value = complete.value(text, scope(self))
  if value == nil then return nil end
  local info = type(value) == "function" and debug.getinfo(value, "S")
  if info and info.what ~= "C" then return ("function, %s:%d"):format(info.short_src, info.linedefined) end
  return type(value) .. "\n" .. sessions.bundle(value)["text/plain"]
end

-- The answer to x?, always a text; what is no value may be a name of the documentation.
function Session:answer(asked)
  local text = self:describe(asked)
  return text or (require "latent.help.find"(asked))
end

return sessions
