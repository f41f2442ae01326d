-- The command `latent` of the build tree: scripts and options as lua5.4 has them, help, and the prompt, in a pipe and
-- on a terminal, which util-linux's `script` makes.
local helper = require "helper"
local latent = require "latent"

local build = os.getenv "LATENT_BUILD" or os.getenv "PWD" .. "/build"
local command = build .. "/bin/latent"
local folder

-- A command line in an empty folder; @ is the command.
local function run(line, input)
  local file = assert(io.open(folder .. "/input", "w"))
  file:write(input or "")
  file:close()
  return helper.run(("cd %s/empty && { %s ; } <../input")
    :format(folder, line:gsub("@", "'" .. command .. "'")))
end

setup(function()
  folder = os.tmpname()
  os.remove(folder)
  assert(os.execute(("mkdir -p %s/empty"):format(folder)))
end)

teardown(function() os.execute("rm -rf " .. folder) end)

describe("the command latent", function()
  if helper.sanitized() then return pending "lua5.4 itself is started, without sanitizers" end

  it("runs scripts with their arguments, and exits as lua5.4 does", function()
    assert(os.execute(("mkdir -p %s/empty && echo 'print(#arg, arg[0], ..., latent.version) os.exit(7)' "
      .. ">%s/empty/s.lua"):format(folder, folder)))
    assert.equal(("2\ts.lua\ta\t%s\n"):format(latent.version), (run("@ s.lua a 'b c' | sed 's/\tb c//'")))
    assert.equal("7\n", (run("@ s.lua >../out; echo $?")))
    assert.equal("1\n", (run("echo 'error \"no\"' >e.lua; @ e.lua 2>../err; echo $?")))
    assert.truthy(run "cat ../err":find("e.lua:1: no", 1, true))
    assert.equal("1\n", (run("@ nowhere.lua 2>../err; echo $?")))
    assert.truthy(run "cat ../err":find("cannot open nowhere.lua", 1, true))
    assert.equal("1\n", (run("@ -q 2>../err; echo $?")))
    assert.truthy(run "cat ../err":find("unrecognized option '-q'", 1, true))
  end)

  it("takes lua5.4's options, in any number", function()
    assert.equal("5\n", (run "@ -e 'x = 2' -e 'print(x + 3)'"))
    assert.equal("3\n", (run "@ '-eprint(3)'"))
    assert.equal("table\n", (run "@ -l latent -e 'print(type(latent.gmm and latent.matrix))'"))
    assert.equal("1\n", (run "@ -e 2>../err; echo $?"))
    assert.equal("a-b\n", (run "echo 'print(...)' >-s.lua; @ -- -s.lua a-b"))
    assert.equal("x y\n", (run "@ -W -e 'warn \"x y\"' 2>&1 | sed 's/Lua warning: //'"))
    assert.equal("nil\n", (run "LUA_INIT='y = 1' @ -E -e 'print(y)'"))
    assert.truthy(run "@ -v":find "^Lua 5.4")
  end)

  it("runs the standard input where that is no terminal, and for -", function()
    assert.equal("3\n", (run("@", "print(1 + 2)")))
    assert.equal("a\n", (run("@ - a", "print(...)")))
    assert.equal((run("lua5.4 2>/dev/null; echo $?", "error 'no'")), (run("@ 2>../err; echo $?", "error 'no'")))
    assert.truthy(run "cat ../err":find("stdin:1: no", 1, true))
    assert.equal("6\n", (run("@ - 2>../err; echo $?", "os.exit(6)")))
  end)

  it("tells versions, how it is called, and the pages of help", function()
    assert.equal(("latent %s, Lua 5.4\n"):format(latent.version), (run "@ --version"))
    assert.equal(latent.help.text "command" .. "\n", (run "@ --help"))
    assert.equal(latent.help.text "gmm" .. "\n", (run "@ help gmm"))
    assert.equal(latent.help.text() .. "\n", (run "@ help"))
    assert.equal(latent.help.text "missing data" .. "\n", (run "@ help missing data"))
    assert.equal("1\n", (run "@ help zzzzzzzz 2>../err; echo $?"))
    assert.truthy(run "cat ../err":find("Nothing is called 'zzzzzzzz'", 1, true))
  end)

  it("finds latent, and what is in the user's own paths", function()
    assert(os.execute(("mkdir -p %s/own && echo 'return 42' >%s/own/mine.lua"):format(folder, folder)))
    local print_mine = "@ -e 'print((require \"mine\"))'"
    assert.equal("42\n", (run(("LUA_PATH='%s/own/?.lua' LUA_CPATH= %s"):format(folder, print_mine))))
    assert.equal("42\n", (run(("LUA_PATH_5_4='%s/own/?.lua' %s"):format(folder, print_mine))))
  end)
end)

-- ---- the prompt, in a pipe --------------------------------------------------------------------------

describe("the prompt", function()
  if helper.sanitized() then return pending "lua5.4 itself is started, without sanitizers" end

  -- What is written for lines of input, without the greeting.
  local function typed(lines, options)
    local text = run(("@ %s -i 2>&1"):format(options or ""), table.concat(lines, "\n") .. "\n")
    return (text:gsub("^latent [^\n]*\n", ""))
  end

  it("shows values as notebooks do, and nothing after a semicolon", function()
    assert.equal('> 3\n> "x"\tnil\n> \n', (typed { "1 + 2", "'x', nil" }):gsub("x\t", '"x"\t'))
    assert.equal("> { 1, 2, a = true }\n> \n", (typed { "{ 1, 2, a = true }" }))
    assert.equal("> > 7\n> \n", (typed { "x = 7", "= x" }))
    assert.equal("> > \n", (typed { "1 + 2;" }))
    assert.equal(("> %s\n> \n"):format(tostring(latent.matrix { { 1, 2 } })), (typed { "latent.matrix{{1,2}}" }))
  end)

  it("knows locals, and waits for the end of a statement", function()
    assert.equal("> > 5\n> \n", (typed { "local a = 4", "a + 1" }))
    assert.equal("> >> >> 1\n2\n> \n", (typed { "for i = 1, 2 do", "print(i)", "end" }))
    assert.equal("? ! ! 3\n? \n", (typed({ "x = {", "3 }", "", "x[1]" }, "-e '_PROMPT = [[? ]] _PROMPT2 = [[! ]]'"))
      :gsub("^%? ! %? %? 3", "? ! ! 3"))
  end)

  it("goes on after errors, with the place of each", function()
    local text = typed { "local x = 3", "error 'no'", "end", "x" }
    assert.truthy(text:find("stdin:1: no\n", 1, true), text)
    assert.truthy(text:find("<eof> expected near 'end'", 1, true), text)
    assert.truthy(text:find("> 3\n", 1, true), text)
    text = typed { "setmetatable({}, { __tostring = function() error 'bad' end })" }
    assert.truthy(text:find("bad", 1, true) and not text:find("command.lua", 1, true), text)
  end)

  it("explains values, methods, options and words", function()
    assert.truthy(typed { "latent.gmm?" }:find("latent.gmm([options]) -> latent.GMM\n", 1, true))
    assert.truthy(typed { "m = latent.gmm()", "?m.means" }:find("GMM.means\n", 1, true))
    assert.truthy(typed { "restarts?" }:find("is an option of", 1, true))
    assert.truthy(typed { "x = 3", "x?" }:find("number\n3\n", 1, true))
    assert.equal("> " .. latent.help.text() .. "\n> \n", (typed { "help" }))
    assert.equal("> " .. latent.help.text "gmm.covariance" .. "\n> \n", (typed { "help gmm.covariance" }))
    assert.equal("> " .. latent.help.text "missing data" .. "\n> \n", (typed { "help missing data" }))
    assert.equal("> > 3\n> \n", (typed { "help = 3", "help" }))
    assert.truthy(typed { "help 'x'" }:find("attempt to call a nil value (global 'help')", 1, true))
    assert.truthy(typed { "latent.gmm" }:find "^> latent%.gmm%(%[options%]%)\n  Makes a mixture")
    assert.truthy(typed { "latent" }:find "^> latent\n  Latent variable models")
    assert.truthy(typed { "latent.plot.figure()" }:find "^> figure")
  end)

  it("runs a script first, and ends with the input, by exit, quit and os.exit", function()
    assert(os.execute(("echo 'x = ... print(arg[0], arg[-1])' >%s/empty/i.lua"):format(folder)))
    local text = run("@ -i i.lua q 2>&1", "x, arg[1]\n")
    assert.truthy(text:find("^i.lua\trepl\nlatent [^\n]*\n> q\tq\n> \n$"), text)
    assert.equal("1\n", (run("@ -i nowhere.lua 2>../err; echo $?")))
    assert.truthy(run "cat ../err":find("cannot open nowhere.lua", 1, true))
    assert.equal("1\n", (run("echo 'error {}' >t.lua; @ -i t.lua 2>../err; echo $?")))
    assert.equal("latent: (error object is a table value)\n", (run "cat ../err"))
    assert.equal("> ", (typed { "exit", "print 'more'" }))
    assert.equal("> > 1\n> \n", (typed { "exit = 1", "exit" }))
    assert.equal("4\n", (run("@ -i >../out; echo $?", "os.exit(4)\n")))
  end)
end)

-- ---- the prompt, on a terminal ----------------------------------------------------------------------

local Terminal = {}
Terminal.__index = Terminal

-- The command on a terminal of `script`, which passes on what is written into a fifo. No shell may wait for it: dash
-- would hear Ctrl-C, too, and end with 130.
local function start(environment)
  assert(os.execute(("rm -f %s/keys && mkfifo %s/keys"):format(folder, folder)))
  local file = assert(io.open(folder .. "/start.sh", "w"))
  file:write(("cd %s/empty && %s TERM=dumb exec '%s'\n"):format(folder, environment, command))
  file:close()
  local self = setmetatable({ seen = "" }, Terminal)
  local command_line = "timeout 30 script -qec 'exec sh %s/start.sh' /dev/null <%s/keys"
  self.output = assert(io.popen(command_line:format(folder, folder)))
  self.keys = assert(io.open(folder .. "/keys", "w"))
  self.keys:setvbuf "no"
  return self
end

-- What comes until a text has.
function Terminal:await(text)
  local seen = ""
  while not seen:find(text, 1, true) do
    local c = self.output:read(1)
    assert(c, "the terminal was closed before " .. text .. ": " .. seen)
    seen = seen .. c
  end
  return seen
end

function Terminal:type(keys, text)
  self.keys:write(keys)
  return self:await(text)
end

-- Ctrl-D reaches readline only when it is waiting; a line comes through at any time.
function Terminal:finish(keys)
  self.keys:write(keys or "exit\n")
  self.output:read "a"
  self.keys:close()
  local _, _, code = self.output:close()
  return code
end

local has_script = select(2, helper.run "command -v script")
local has_readline = select(2, helper.run [[lua5.4 -e 'assert(require "readline".handler_install)' 2>&1]])

-- Both ways the same: an interrupt, again and again, of a loop, a coroutine, a fit, and of what is being typed.
local function interrupts(terminal)
  terminal:await "> "
  terminal:type("local x = 41\n", "> ")
  for _, code in ipairs { "while true do end", "while true do end",
    "coroutine.wrap(function() while true do end end)()",
    "latent.gmm{components=9, tolerance=0, max_iterations=1e9}:fit(latent.random(1):normal(20000, 9))" } do
    terminal:type("print 'be' " .. code .. "\n", "\nbe")
    os.execute "sleep 0.3"
    assert.truthy(terminal:type("\3", "> "):find "interrupted!", code)
  end
  terminal:type("for i = 1, 2 do\n", ">> ")
  terminal:type("\3", "> ")
  terminal:type("half typed", "half typed")
  terminal:type("\3", "> ")
  assert.truthy(terminal:type("x + 1\n", "42\r\n> "))
  assert.truthy(terminal:type("io.read()\n", "\n"))
  assert.truthy(terminal:type("input\n", "input\r\n> "))
end

describe("the prompt on a terminal", function()
  if helper.sanitized() then return pending "lua5.4 itself is started, without sanitizers" end
  if not has_script then return pending "script (util-linux) is not installed" end

  it("ends a piece at each Ctrl-C and keeps everything, without lua-readline", function()
    local terminal = start "LUA_PATH='/none/?.lua' LUA_CPATH='/none/?.so'"
    assert.truthy(terminal:await "Tab":find("lua-readline", 1, true))
    interrupts(terminal)
    local code = terminal:finish "\4"
    assert.equal(0, code)
  end)

  it("does the same with lua-readline, and completes, edits and keeps a history", function()
    if not has_readline then return pending "lua-readline is not installed" end
    local history = folder .. "/history"
    local terminal = start("LATENT_HISTORY=" .. history)
    interrupts(terminal)
    terminal:type("\nmodel = latent.gmm{ comp\t", "components")
    terminal:type(" = 2, covariance = 'sph\t", "spherical'") -- readline closes what it completes
    terminal:type(" }\n", "> ")
    assert.truthy(terminal:type("model:fre\t", "free_parameters"))
    terminal:type("\3", "> ")
    terminal:type("help gmm_s\t\n", "gmm_select")
    terminal:await "\n> "
    terminal:type("latent.datasets.ir\t()\n", "150x4")
    terminal:await "> "
    terminal:type("yx = 1\1\4yy\5\n", "> ") -- Ctrl-A, Ctrl-D, two letters, Ctrl-E
    terminal:type("yyx\n", "1\r\n> ")
    local code = terminal:finish()
    assert.equal(0, code)
    local file = assert(io.open(history))
    local kept = file:read "a"
    file:close()
    assert.truthy(kept:find("^local x = 41\n"), kept)
    assert.truthy(kept:find("\nmodel = latent.gmm{ components = 2, covariance = 'spherical' }\n", 1, true), kept)
    assert.equal(1, select(2, kept:gsub("print 'be' while true", "")))
    assert.is_nil(kept:find("half typed", 1, true))
    terminal = start("LATENT_HISTORY=" .. history)
    terminal:await "> "
    terminal:type("\16\16\16\n", " = 1") -- Ctrl-P: exit, the line before it, and one more
    terminal:type("yyx + 1\n", "2\r\n> ")
    terminal:finish()
  end)

  it("cuts a long history, and does without one", function()
    if not has_readline then return pending "lua-readline is not installed" end
    local history = folder .. "/long"
    assert(os.execute(("seq 2500 >%s"):format(history)))
    local terminal = start("LATENT_HISTORY=" .. history)
    terminal:await "> "
    terminal:finish()
    assert.equal("1001 1501\n", (helper.run(("echo $(wc -l <%s) $(head -1 %s)"):format(history, history))))
    terminal = start("LATENT_HISTORY= HOME=" .. folder)
    terminal:await "> "
    terminal:type("1 + 2\n", "3\r\n> ")
    os.execute "sleep 0.3"
    assert.equal(0, terminal:finish "\4")
    assert.equal("", (helper.run(("ls -A %s | grep history$ | grep -v '^history$'"):format(folder))))
  end)
end)
