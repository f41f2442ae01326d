-- What the command `latent` does that lua5.4 doesn't; bindings/command/latent.sh calls it. Not exported.
--
--   lua5.4 -l latent command.lua help [NAME...]           a page of help; 1 where nothing is called so
--   lua5.4 -l latent command.lua usage                    how the command is called
--   lua5.4 -l latent command.lua version
--   lua5.4 -l latent command.lua repl [SCRIPT [ARG...]]   the prompt, after the script

local latent = require "latent"

local modes = {}

function modes.help(...)
  if select("#", ...) == 0 then
    print(latent.help.text())
    return true
  end
  local page, found = require "latent.help.find"(table.concat({ ... }, " "))
  local file = found and io.stdout or io.stderr
  file:write(page, "\n")
  return found
end

function modes.usage()
  print(latent.help.text "command")
  return true
end

function modes.version()
  print(("latent %s, %s"):format(latent.version, _VERSION))
  return true
end

-- As lua5.4 sets it: the script is number 0, and what was before it has negative numbers.
local function set_arguments(script)
  local given = {}
  for i, value in pairs(arg) do
    given[i - 2], arg[i] = value, nil
  end
  for i, value in pairs(script and given or { [0] = "latent" }) do arg[i] = value end
end

local function message_of(err)
  local meta = debug.getmetatable(err)
  if type(err) == "string" or type(meta) == "table" and meta.__tostring then
    return debug.traceback(tostring(err), 2)
  end
  return ("(error object is a %s value)"):format(type(err))
end

function modes.repl(script, ...)
  set_arguments(script)
  if script then
    local run, message = loadfile(script ~= "-" and script or nil)
    local ok = run ~= nil
    if run then ok, message = xpcall(run, message_of, ...) end
    if not ok then
      io.stderr:write("latent: ", message, "\n")
      return false
    end
  end
  require "latent.repl"()
  return true
end

local mode = ...
if not modes[mode] then error(("command: there is no '%s'"):format(mode)) end
if not modes[mode](select(2, ...)) then os.exit(false, true) end
