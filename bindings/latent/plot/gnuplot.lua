-- gnuplot run on the script of a figure. Not exported.
--
-- The script, data included, goes to gnuplot's standard input, and never reaches a shell.

local script = require "latent.plot.script"

local allow = require("latent")._allow
local gnuplot = {}

-- Calls f with the name of a scratch file, which is safe in a shell: the file's contents, and what f returns; or
-- nil and a message.
local function with_scratch(f)
  allow "plot"
  local name = os.tmpname()
  if name:find("[^%w_/.]") then return nil, "plot: no usable name for a scratch file" end
  local ok, status = f(name)
  local file = io.open(name, "rb")
  local contents = file and file:read "a" or ""
  if file then file:close() end
  os.remove(name)
  return contents, ok, status
end

-- Runs gnuplot on a script; its text, or nil and a message. The shell's words are fixed but for
-- a name that os.tmpname made. `cat` drains the pipe when gnuplot is missing or gives up: writing
-- to a pipe that nobody reads would end the process. In a locale that isn't UTF-8, gnuplot would warn of
-- characters it can't convert, in the midst of the text.
function gnuplot.run(text)
  local output, ok, status = with_scratch(function(scratch)
    local command = "{ LC_ALL=C.UTF-8 gnuplot -d >%s 2>&1; s=$?; cat >/dev/null; exit $s; }"
    local pipe, message = io.popen(command:format(scratch), "w")
    if not pipe then return false, message end
    pipe:write(text)
    local done, _, code = pipe:close()
    return done, code
  end)
  if not output then return nil, ok end
  if ok then return output end
  if status == 127 then return nil, "plot: gnuplot is not installed (Debian: apt-get install gnuplot-nox)" end
  if type(status) == "string" then return nil, "plot: " .. status end
  return nil, "plot: gnuplot failed: " .. output:gsub("%s+", " "):sub(1, 300)
end

-- The bytes of the file that a terminal makes of a figure, or nil and a message.
function gnuplot.picture(fig, terminal)
  local picture, ok, message = with_scratch(function(scratch)
    return gnuplot.run(script(fig, terminal, scratch))
  end)
  if not picture or not ok then return nil, picture and message or ok end
  if picture == "" then return nil, "plot: gnuplot made no picture" end
  return picture
end

return gnuplot
