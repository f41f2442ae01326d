-- The prompt of the command `latent`: lines from a terminal or a pipe, run as the pieces of a session. Not exported.
--
--   repl()   until the end of the input
--
-- With lua-readline lines are edited, Tab completes and a history is kept (LATENT_HISTORY, or ~/.latent_history; empty:
-- none); without it lines are read as they come. Ctrl-C at the prompt drops what was typed, and in a piece it ends that
-- piece; all values stay.

local cells = require "latent.session.cells"
local interrupt = require "latent.interrupt"
local sessions = require "latent.session"

local KEPT, MOST = 1000, 2000 -- lines of history; cut to the first number when it has grown to the second

-- ---- the history, a file of lines ----------------------------------------------------------------------------

local History = {}
History.__index = History

local function history()
  local home = os.getenv "HOME"
  local path = os.getenv "LATENT_HISTORY" or home and home .. "/.latent_history"
  return setmetatable({ path = path ~= "" and path or nil }, History)
end

-- What is kept of it; a file that can't be read is an empty history.
function History:lines()
  local file, lines = self.path and io.open(self.path), {}
  if not file then return lines end
  for line in file:lines() do lines[#lines + 1] = line end
  file:close()
  if #lines > MOST then
    lines = { table.unpack(lines, #lines - KEPT + 1) }
    local written = io.open(self.path, "w")
    if written then written:write(table.concat(lines, "\n"), "\n"):close() end
  end
  self.last = lines[#lines]
  return lines
end

-- Each line at once, so that os.exit and a crash lose none; true where it isn't the one before.
function History:add(line)
  if not line:find "%S" or line == self.last then return false end
  self.last = line
  local file = self.path and io.open(self.path, "a")
  if file then
    file:write(line, "\n")
    file:close()
  end
  return true
end

-- ---- lines -------------------------------------------------------------------------------------------------------

-- A reader of lines: reader(prompt, before) -> a line; nil and "interrupted"; or nil at the end. `before` is what was
-- typed of the piece already.

local function plain_reader()
  io.stdin:setvbuf "no" -- what lies in a buffer can't be waited for
  return function(prompt)
    io.stdout:write(prompt):flush()
    if not interrupt.wait() then return nil, "interrupted" end
    return io.read "l"
  end
end

-- readline's words begin after blanks and quotes, the completions' after dots, too.
local function completer(readline, session, before)
  return function(line, from, to)
    readline.set_completion_append_character "" -- it is a blank again before each completion
    local text = before() .. line:sub(1, to)
    local asked = text:match "^%s*help%s+([%w_.:]*)$"
    local words, start = session:complete(asked and ('latent.help "%s'):format(asked) or text)
    local place = asked and to - #asked + 1 or start - #before()
    if place < from then return {} end
    local head = line:sub(from, place - 1)
    for i, word in ipairs(words) do words[i] = head .. word end
    return words
  end
end

local function readline_reader(readline, session)
  local kept, typed = history(), ""
  readline.set_options { histfile = "", auto_add = false } -- which forgets the library's own
  for _, line in ipairs(kept:lines()) do readline.add_history(line) end
  readline.set_readline_name "latent"
  readline.set_complete_function(completer(readline, session, function() return typed end))
  return function(prompt, before)
    local line, ended
    typed = before
    readline.handler_install(prompt, function(text)
      line, ended = text, true
      readline.handler_remove()
    end)
    while not ended do
      if not interrupt.wait() then
        readline.handler_remove()
        return nil, "interrupted"
      end
      readline.read_char()
    end
    if line and kept:add(line) then readline.add_history(line) end
    return line
  end
end

local function is_terminal() return require("latent").terminal(io.stdin) and require("latent").terminal(io.stdout) end

local function reader(session)
  local found, readline = pcall(require, "readline")
  if not is_terminal() then return plain_reader() end
  if found and type(readline) == "table" and readline.handler_install then return readline_reader(readline, session) end
  io.stdout:write "Without lua-readline (Debian: apt-get install lua-readline) Tab and the arrows do nothing.\n"
  return plain_reader()
end

-- ---- pieces --------------------------------------------------------------------------------------------------------

local function prompt_of(name, usual)
  local value = rawget(_G, name)
  return value == nil and usual or tostring(value)
end

-- A word by itself that no variable is called: exit and quit, help and what comes after it.
local function told(code, session)
  local word, rest = code:match "^%s*(%l+)%s*(.-)%s*$"
  local leaves = (word == "exit" or word == "quit") and rest == ""
  local asks = word == "help" and not rest:find "^[=(.:,{\"']"
  return (leaves or asks) and session:describe(word) == nil and word or nil, rest
end

-- The next piece of code: lines until it is complete, or nil at the end of the input.
local function next_piece(read, session)
  local code = ""
  while true do
    local first = code == ""
    local line, why = read(first and prompt_of("_PROMPT", "> ") or prompt_of("_PROMPT2", ">> "), code)
    if line then
      code = code .. line
      if sessions.question(code) or told(code, session) or cells.status(code) ~= "incomplete" then return code end
      code = code .. "\n"
    else
      io.stdout:write "\n"
      if not why then return not first and code or nil end
      code = ""
    end
  end
end

local function show(values)
  if not values then return end
  local texts = {}
  for i = 1, values.n do texts[i] = sessions.bundle(values[i])["text/plain"] end
  io.stdout:write(sessions.join(texts), "\n")
end

return function()
  local latent = require "latent"
  print(("latent %s, %s. help lists what there is, x? explains x; Ctrl-D ends."):format(latent.version,
    _VERSION))
  latent.progress(true)
  local session = sessions.new()
  local read = reader(session)
  while true do
    local code = next_piece(read, session)
    local word, rest = told(code or "exit", session)
    if not code or word == "exit" or word == "quit" then return end
    local asked = sessions.question(code)
    if word == "help" then
      print(rest == "" and latent.help.text() or latent.help.text(rest))
    elseif asked then
      print(session:answer(asked))
    else
      local ok, err = session:run(code, "=stdin", show)
      io.stdout:flush()
      if not ok then io.stderr:write(err.trace, "\n") end
    end
  end
end
