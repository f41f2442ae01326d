-- The notebook's Lua process (notebooks/kernel/session.lua), driven by frames as the kernel drives it; and, where a
-- Python with Jupyter is at hand (make kernel), the kernel itself under jupyter_kernel_test.
local helper = require "helper"

local lua = helper.interpreter
local folder

-- ---- a process and its frames ----------------------------------------------------------------------

local Child = {}
Child.__index = Child

-- Requests go to the shell's standard input, which becomes the process's descriptor 3; replies come by a fifo.
local function start()
  folder = os.tmpname()
  os.remove(folder)
  assert(os.execute(("mkdir %s && mkfifo %s/replies"):format(folder, folder)))
  local command = ("cd %s; echo $$ >pid; exec %s %s 3 4 3<&0 4>replies "
    .. "</dev/null >out 2>err"):format(folder, lua, os.getenv "PWD" .. "/notebooks/kernel/session.lua")
  local child = setmetatable({ count = 0 }, Child)
  child.requests = assert(io.popen(command, "w"))
  child.replies = assert(io.open(folder .. "/replies", "rb"))
  return child
end

local function contents(name)
  local file = assert(io.open(folder .. "/" .. name))
  local text = file:read "a"
  file:close()
  return text
end

function Child:send(...)
  local lengths = {}
  for i, part in ipairs { ... } do lengths[i] = #part end
  self.requests:write(table.concat(lengths, " "), "\n", ...)
  self.requests:flush()
end

function Child:receive()
  local parts = {}
  for length in (self.replies:read "l" or ""):gmatch "%d+" do
    parts[#parts + 1] = length == "0" and "" or self.replies:read(math.tointeger(length))
  end
  return parts
end

-- Runs a cell: the last frame, and those before it; on(frame) is called with each.
function Child:run(code, on)
  self.count = self.count + 1
  self:send("execute", code, tostring(self.count))
  local frames = {}
  while true do
    local frame = self:receive()
    if not frame[1] or frame[1] == "ok" or frame[1] == "error" then return frame, frames end
    frames[#frames + 1] = frame
    if on then on(frame) end
    if frame[1] ~= "result" and frame[1] ~= "input" then self:send "go" end
  end
end

function Child:close()
  self.requests:close()
  self.replies:close()
  os.execute("rm -r " .. folder)
end

-- A frame's data by MIME types.
local function bundle(frame)
  local data = {}
  for i = 3, #frame, 2 do data[frame[i]] = frame[i + 1] end
  return data
end

local child

-- The result of a cell as text; or an error.
local function value(code)
  local last, frames = child:run(code)
  assert.equal("ok", last[1], last[3])
  return frames[1] and bundle(frames[1])["text/plain"]
end

local function failure(code)
  local last = child:run(code)
  assert.equal("error", last[1])
  return last[3], last[4], last[2]
end

local function interrupt() os.execute(("kill -INT %d"):format(contents "pid")) end

describe("the notebook's process", function()
  setup(function() child = start() end)
  teardown(function() child:close() end)

  it("gives the value of an expression, and of the one that a cell ends with", function()
    assert.equal("3", value "1 + 2")
    assert.equal("5", value "= 2 + 3")
    assert.equal("7", value "-- a comment\nx = 6\nx + 1 -- another")
    assert.equal("1\tnil\tx", value "1, nil, 'x'")
    assert.equal("-6", value "-x")
    assert.equal("8", value "local y = 4; y * 2")
    assert.equal("4", value "for i = 1, 2 do x = i end\nreturn x * 2")
    assert.is_nil(value "x = 1")
    assert.is_nil(value "1 + 2;")
    assert.is_nil(value "local y = x\n- 1")
    assert.equal("1", value "f = function(...) return ... end\nf(\n  1\n)")
    assert.is_nil(value "")
    assert.is_nil(value "-- nothing")
  end)

  it("prints tables by what they hold", function()
    assert.equal('{ 1, { 2 }, a = "b", [true] = 3 }', value "{ 1, { 2 }, a = 'b', [true] = 3 }")
    assert.equal("{}", value "{}")
    assert.equal("shown", value "setmetatable({}, { __tostring = function() return 'shown' end })")
  end)

  it("keeps the locals of the top level, and functions share them", function()
    child:run "local n, step <const> = 1, 2\nlocal function up() n = n + step return n end"
    assert.equal("3", value "up()")
    assert.equal("3", value "n")
    child:run "n = 10"
    assert.equal("12", value "up()")
    assert.equal("2", value "step")
    child:run "do local inner = 1 end for i = 1, 2 do local inner = 2 end"
    assert.equal("nil", value "inner")
    child:run "local n = 'new'"
    assert.equal("new\t14", value "n, up()")
    assert.equal("true", value "_G.n == nil")
    child:run "local s = [[ local no = 1 ]] -- local no = 1\nlocal q = 'local no = \\'1'"
    assert.equal("nil\t local no = 1 ", value "no, s")
  end)

  it("keeps the locals that a cell had before its error", function()
    assert.is_truthy(failure "local before = 5\nerror 'stop'\nlocal after = 6")
    assert.equal("5\tnil", value "before, after")
  end)

  it("closes what is to be closed at the cell's end", function()
    assert.equal("closed", value [[
      local log
      do_close = setmetatable({}, { __close = function() log = "closed" end })
      local closing <close> = do_close
      return function() return log end]] and value "log")
  end)

  it("says where an error is", function()
    local message, trace, name = failure "local function inner()\n  error 'wrong'\nend\n\ninner()"
    assert.equal("Error", name)
    assert.is_truthy(message:find("^cell %d+:2: wrong$"))
    assert.is_truthy(trace:find("cell %d+:2 in upvalue 'inner'") or trace:find("cell %d+:2 in local 'inner'"))
    assert.is_truthy(trace:find("cell %d+:5"))
    assert.is_nil(trace:find("session", 1, true))
    message, trace, name = failure "x = = 1"
    assert.equal(message, trace)
    assert.equal("SyntaxError", name)
    assert.is_truthy(message:find("^cell %d+:1: "))
    assert.is_truthy(failure "error { code = 1 }":find("{ code = 1 }", 1, true))
    message = failure "latent = require 'latent'\nlatent.pca { latent = 2 }"
    assert.is_truthy(message:find("^cell %d+:2: pca: unknown option"), message)
    assert.is_truthy(failure "local function deep() return 1 + deep() end\ndeep()":find "stack overflow")
  end)

  it("writes what cells, C and other programs write", function()
    child:run "print 'printed'; io.write 'written\\n'; io.stderr:write 'complaint\\n'; os.execute 'echo from a shell'"
    assert.equal("printed\nwritten\nfrom a shell\n", contents "out")
    assert.equal("complaint\n", contents "err")
  end)

  it("is interrupted again and again, and keeps everything", function()
    child:run "local turns = 0"
    for turn = 1, 3 do
      local last = child:run("turns = turns + 1\nnotebook.display 'begins'\nwhile true do end", interrupt)
      assert.same({ "error", "Interrupted", "interrupted!" }, { table.unpack(last, 1, 3) })
      assert.equal(tostring(turn), value "turns")
    end
    interrupt() -- between cells
    assert.equal("3", value "turns")
  end)

  it("is interrupted in coroutines, and in calls that take long", function()
    for _, code in ipairs {
      "for x in coroutine.wrap(function() notebook.display 'begins' while true do end end) do end",
      "local c = coroutine.create(function() notebook.display 'begins' while true do end end)\n"
        .. "while true do coroutine.resume(c) end",
      "latent = require 'latent'; local X = latent.matrix.normal(5000, 8, latent.random(1))\n"
        .. "notebook.display 'begins'\nlatent.gmm { components = 4, tolerance = 0, max_iterations = 100000000 }:fit(X)",
    } do
      local last = child:run(code, interrupt)
      assert.equal("Interrupted", last[2], code)
    end
    assert.equal("6", value "coroutine.wrap(function(x) return 2 * coroutine.yield(x) end)(6)")
    assert.is_truthy(failure "coroutine.wrap(function() error 'inside' end)()":find "inside")
    assert.equal("false\tcannot resume dead coroutine",
      value "c = coroutine.create(print)\ncoroutine.resume(c)\ncoroutine.resume(c)")
  end)

  it("shows figures, matrices and models", function()
    child:run "latent = require 'latent'\nX = latent.datasets.iris()"
    local frames = select(2, child:run "latent.plot.figure { title = 'A & B' }:line({ 0, 1 }, { 0, 1 })")
    local data = bundle(frames[1])
    assert.is_truthy(data["image/svg+xml"]:find("<svg", 1, true))
    assert.equal('figure "A & B": layers 1', data["text/plain"])
    data = bundle(select(2, child:run "latent.matrix { { 1, 2 }, { 3, 0 / 0 } }")[1])
    assert.equal("<table><tr><td>1</td><td>2</td></tr><tr><td>3</td><td>NaN</td></tr></table>"
      .. "<small>2 × 2 float64</small>", data["text/html"])
    data = bundle(select(2, child:run "X")[1])
    assert.equal(11, select(2, data["text/html"]:gsub("<tr>", "")))
    data = bundle(select(2, child:run "latent.gmm { components = 2 }:fit((X))")[1])
    assert.is_truthy(data["text/html"]:find("<code>covariances</code></td><td>2 matrices, 4 × 4", 1, true))
    assert.is_truthy(data["text/html"]:find("<code>converged</code></td><td>true", 1, true))
    frames = select(2, child:run "setmetatable({}, { __mime = function() return { ['text/html'] = '<i>' } end })")
    assert.equal("<i>", bundle(frames[1])["text/html"])
    child:run "shown = { __mime = function() error 'no picture' end, __tostring = function() return 'x' end }"
    local text = value "setmetatable({}, shown)"
    assert.is_truthy(text:find "^x %(__mime: .*no picture%)$")
  end)

  it("shows at once, in the place of what was shown, and clears", function()
    local frames = select(2, child:run "local d = notebook.display(1)\nd:update(2, 3)\nnotebook.clear(true)")
    assert.same({ "display", "update", "clear" }, { frames[1][1], frames[2][1], frames[3][1] })
    assert.equal(frames[1][2], frames[2][2])
    assert.equal("2\t3", bundle(frames[2])["text/plain"])
    assert.equal("true", frames[3][2])
  end)

  it("draws a curve that grows", function()
    local last, frames = child:run [[
      local curve = notebook.curve { title = "EM", seconds = 3600 }
      latent.gmm { components = 2, init = "random" }:fit((X), { on_iteration = curve })
      model = latent.vae { input_dim = 4, latent_dim = 1, hidden = 4, likelihood = "gaussian" }
      losses = notebook.curve { seconds = 0 }
      model:fit((X), { epochs = 3, validation = (X), on_epoch = losses })]]
    assert.equal("ok", last[1], last[3])
    local kinds = {}
    for i, frame in ipairs(frames) do kinds[i] = frame[1] end
    -- a figure at the first point, and at the cell's end all of them; each epoch its own
    assert.same({ "display", "display", "update", "update", "update", "result" }, kinds)
    assert.is_truthy(bundle(frames[5])["image/svg+xml"]:find("<svg", 1, true))
    assert.is_truthy(bundle(frames[4])["image/svg+xml"]:find("validation", 1, true))
  end)

  it("asks for input", function()
    local function answer(frame) if frame[1] == "input" then child:send("input", "42") end end
    local last, frames = child:run("io.read('n') + 1", answer)
    assert.equal("ok", last[1])
    assert.equal("43", bundle(frames[2])["text/plain"])
    local function stop(frame) if frame[1] == "input" then child:send "input" end end
    frames = select(2, child:run("io.read()", stop))
    assert.equal("nil", bundle(frames[2])["text/plain"])
  end)

  it("completes variables, members and options", function()
    child:run "latent = require 'latent'\nmodel = latent.gmm { components = 2 }"
    child:run "local mine = { alpha = { beta = print } }"
    local function completions(before)
      child:send("complete", before)
      local frame = child:receive()
      return { table.unpack(frame, 3) }, before:sub(math.tointeger(frame[2]) + 1)
    end
    assert.same({ "mine" }, (completions "min"))
    assert.same({ "alpha" }, (completions "mine.al"))
    assert.same({ "beta" }, (completions "x = mine.alpha:be"))
    assert.same({ "while" }, (completions "whi"))
    assert.same({ "gmm", "gmm_select" }, (completions "latent.gm"))
    assert.same({ "predict" }, (completions "model:pred"))
    assert.same({ "means" }, (completions "model.me"))
    assert.same({ "components", "covariance" }, (completions "latent.gmm { co"))
    assert.same({ "weights" }, (completions "model:fit(X, { seed = '}', we"))
    assert.same({ "points" }, (completions "latent.plot.figure { title = 'a)' }:po"))
    assert.same({ "score" }, (completions "latent.gmm { components = 2 }:fit(X):sc"))
    local words, word = completions "latent.gmm { covariance = 'ti"
    assert.same({ "tied", "tied_diag", "tied_spherical" }, words)
    assert.equal("ti", word)
    assert.same({ "float32", "float64" }, (completions "latent.matrix{1, 2}:to('fl"))
    assert.same({ "float32" }, (completions "latent.matrix(2, 3, 0, { dtype = 'float3"))
    assert.same({ "viridis" }, (completions "latent.plot.images(X, { palette = 'vi"))
    assert.same({ "gmm", "gmm_select" }, (completions "latent.help 'gm"))
    assert.same({ "GMM:fit", "GMM:fit_for", "GMM:free_parameters" }, (completions "latent.help(\"GMM:f"))
    assert.same({}, (completions "print 'gm"))
    assert.same({}, (completions "nothing_there."))
  end)

  it("explains what the cursor is at", function()
    child:run "latent = require 'latent'\nlocal function own() end\nnumber = 42"
    local function page(before, after)
      child:send("inspect", before, after or "")
      return child:receive()[2]
    end
    local latent = require "latent"
    assert.equal(latent.help.text(latent.gmm), page("latent.gm", "m { }"))
    assert.equal(latent.help.text(latent.gmm), page("local model = latent.gmm { components = 2, "))
    assert.equal(latent.help.text "GMM:fit", page "latent.gmm {}:fit")
    assert.equal("number\n42", page "number")
    assert.is_truthy(page("ow", "n"):find("^function, cell %d+:2$"))
    assert.is_nil(page "nothing_there")
    local before = #contents "out"
    child:run "latent.gmm?"
    assert.equal(latent.help.text(latent.gmm) .. "\n", contents "out":sub(before + 1))
  end)

  it("knows whether a cell is complete", function()
    local function status(code)
      child:send("status", code)
      return { table.unpack(child:receive(), 2) }
    end
    assert.same({ "complete", "" }, status "x = 1")
    assert.same({ "complete", "" }, status "1 + 1")
    assert.same({ "incomplete", "  " }, status "for i = 1, 2 do")
    assert.same({ "incomplete", "    " }, status "f = function()\n  if x then")
    assert.same({ "incomplete", "" }, status "x = [[")
    assert.same({ "incomplete", "" }, status "1 +")
    assert.same({ "invalid", "" }, status "end")
    assert.same({ "invalid", "" }, status "print 'x")
  end)

  it("takes text of any bytes", function()
    assert.equal("3", value "#[[a\0b]]")
    assert.equal(("x"):rep(200000), value(("return '%s'"):format(("x"):rep(200000))))
  end)
end)

describe("a notebook's process", function()
  it("ends with the process that has started it, in a cell without end, too", function()
    local script = os.tmpname()
    local file = assert(io.open(script, "w"))
    file:write(([[
      cd "$(mktemp -d)" && mkfifo requests replies || exit
      cat replies >/dev/null &
      sh -c '"$1" "$2" 3 4 3<requests 4>replies & echo $! >child; wait' \
        sh '%s' '%s/notebooks/kernel/session.lua' >/dev/null 2>&1 &
      code='io.open("running", "w"):close() while true do end'
      printf '7 %%d 1\nexecute%%s1' ${#code} "$code" >requests
      for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do [ -e running ] || sleep 0.1; done
      kill -9 $!
      for i in 1 2 3 4 5 6 7 8 9 10; do
        case $(LD_PRELOAD= ps -o stat= -p $(cat child)) in Z*|'') echo ended; break;; esac # a zombie waits for its heir
        sleep 0.2
      done
      kill -9 $(cat child) 2>/dev/null
      rm -r "$PWD"
    ]]):format(lua, os.getenv "PWD"))
    file:close()
    local output = helper.run("sh " .. script)
    os.remove(script)
    assert.equal("ended\n", output)
  end)
end)

describe("the notebooks", function()
  it("are committed as a run from a clean state left them", function()
    local count = 0
    for path in helper.run("ls notebooks/*.ipynb"):gmatch "[^\n]+" do
      local file = assert(io.open(path))
      local text = file:read "a"
      file:close()
      count = count + 1
      assert.is_true(#text < 300000, path .. " is too large")
      assert.is_truthy(text:find('"name": "latent"', 1, true), path)
      assert.is_truthy(text:find('"image/svg+xml"', 1, true), path .. " has no picture")
      assert.is_nil(text:find('"output_type": "error"', 1, true), path .. " has an error")
      assert.is_nil(text:find('"execution_count": null', 1, true), path .. " has a cell that wasn't run")
      local last = 0
      for number in text:gmatch '\n   "execution_count": (%d+)' do
        assert.equal(last + 1, math.tointeger(number), path .. " wasn't run in its order")
        last = math.tointeger(number)
      end
      assert.is_true(last > 5, path)
    end
    assert.is_true(count >= 8)
  end)
end)

describe("the notebook's kernel", function()
  it("passes jupyter_kernel_test", function()
    local python = "build/jupyter/bin/python"
    local found = io.open "build/jupyter/share/jupyter/kernels/latent/kernel.json"
    if not found then return pending "there is no Jupyter: make kernel" end
    found:close()
    if helper.sanitized() then return pending "Python doesn't load the sanitizers' libraries" end
    local output, ok = helper.run(python .. " -W ignore notebooks/kernel/kernel_test.py")
    assert.is_truthy(ok, output)
    assert.is_truthy(output:find("\nOK", 1, true), output)
  end)
end)
