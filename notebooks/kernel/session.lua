-- The process in which the cells of a notebook run; latent_kernel.py starts it and talks to it.
--
--   lua5.4 session.lua IN OUT     numbers of two file descriptors
--
-- Standard output and error are the cells' own: print, io.write and what C writes. Requests come from IN and replies go
-- to OUT as frames, lists of strings: a line with their lengths in bytes, then the bytes.
--
--   request                        replies
--   execute CODE COUNT             result "", display ID, update ID, each with MIME types and data in turn; clear WAIT;
--                                  input PROMPT; at last ok, or error NAME MESSAGE TRACEBACK
--   go                             of Jupyter's, after display, update and clear: what the cell writes next comes after
--   input [TEXT]                   after input; without TEXT the input has ended
--   complete BEFORE                completions START NAME...      START: bytes before the word
--   inspect BEFORE AFTER           page [TEXT]                    without TEXT: nothing is known
--   status CODE                    status WORD INDENT             complete, incomplete, invalid
--
-- Cells see the table `notebook`:
--
--   picture = notebook.display(x)      shows x now, not at the end of the cell
--   picture:update(y)                  shows y in its place
--   notebook.clear()                   clears the cell's output; notebook.clear(true): when the next comes
--   notebook.curve { options of a figure }   a curve that grows: a callback for on_epoch and on_iteration

local cells = require "latent.session.cells"
local interrupt = require "latent.interrupt"
local sessions = require "latent.session"

interrupt.end_with_parent()

local requests = assert(io.open("/dev/fd/" .. arg[1], "rb"))
local replies = assert(io.open("/dev/fd/" .. arg[2], "wb"))
replies:setvbuf "full"
io.stdout:setvbuf "line"
arg = nil -- the cells' programs have no arguments

local session = sessions.new()

-- ---- frames ------------------------------------------------------------------------------------

local function send(...)
  interrupt.hold(true)
  io.stdout:flush() -- what was written before comes before
  local lengths = {}
  for i = 1, select("#", ...) do lengths[i] = ("%d"):format(#select(i, ...)) end
  replies:write(table.concat(lengths, " "), "\n", ...)
  replies:flush()
  interrupt.hold(false)
end

-- The next request, or nil when there will be none.
local function receive()
  interrupt.hold(true)
  local line, parts = requests:read "l", {}
  for length in (line or ""):gmatch "%d+" do
    length = math.tointeger(length)
    parts[#parts + 1] = length == 0 and "" or requests:read(length)
  end
  interrupt.hold(false)
  return table.unpack(parts)
end

-- ---- values ------------------------------------------------------------------------------------

local function escape(text) return (text:gsub("[&<>]", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;" })) end

-- Several values as one.
local function joined(values)
  if values.n == 1 then return sessions.bundle(values[1]) end
  local texts, htmls, rich = {}, {}, false
  for i = 1, values.n do
    local bundle = sessions.bundle(values[i])
    texts[i] = bundle["text/plain"]
    rich = rich or bundle["text/html"] or bundle["image/svg+xml"]
    htmls[i] = bundle["text/html"] or bundle["image/svg+xml"] or "<pre>" .. escape(texts[i]) .. "</pre>"
  end
  return { ["text/plain"] = sessions.join(texts), ["text/html"] = rich and table.concat(htmls, "\n") or nil }
end

local function send_bundle(kind, id, bundle)
  local parts = {}
  for name, data in pairs(bundle) do
    parts[#parts + 1] = name
    parts[#parts + 1] = data
  end
  send(kind, id, table.unpack(parts))
end

-- ---- what cells may ask for ----------------------------------------------------------------------

local notebook, Shown = {}, {}
Shown.__index = Shown
Shown.__name = "notebook.Shown"
local shown = 0
local waiting = {} -- curves with points that aren't drawn yet

function notebook.display(...)
  shown = shown + 1
  local handle = setmetatable({ id = ("%d"):format(shown) }, Shown)
  send_bundle("display", handle.id, joined(table.pack(...)))
  receive()
  return handle
end

function Shown:update(...)
  send_bundle("update", self.id, joined(table.pack(...)))
  receive()
  return self
end

function notebook.clear(wait)
  send("clear", wait and "true" or "false")
  receive()
end

-- ---- curves that grow ------------------------------------------------------------------------------

local function draw(curve)
  local latent = require "latent"
  local figure = latent.plot.figure(curve.options)
  for k, name in ipairs(curve.names) do
    if #curve[k].x > 0 then figure:line(curve[k].x, curve[k].y, { label = #curve[2].x > 0 and name or nil }) end
  end
  if curve.handle then curve.handle:update(figure) else curve.handle = notebook.display(figure) end
  curve.drawn, waiting[curve] = latent.clock(), nil
end

-- Of EM: { iteration =, objective = }. Of training: the model, the number of the epoch or step, the loss, and where
-- there are validation rows, their loss. Or plain numbers: x, y, and another y.
local function extend(curve, first, x, y, other)
  if type(first) == "table" and first.objective then
    x, y, other = first.iteration, first.objective, nil
  elseif type(first) == "number" then
    x, y, other = first, x, y
  end
  for k, value in ipairs { y, other } do
    table.insert(curve[k].x, x)
    table.insert(curve[k].y, value)
  end
  waiting[curve] = true
  if not curve.drawn or require("latent").clock() - curve.drawn > curve.seconds then draw(curve) end
end

-- names: of the two lines; seconds: between two drawings, 0.5.
function notebook.curve(options)
  local figure = { xlabel = "iteration", ylabel = "objective", width = 560, height = 300 }
  for name, value in pairs(options or {}) do figure[name] = value end
  local curve = { options = figure, names = figure.names or { "training", "validation" },
    seconds = figure.seconds or 0.5, { x = {}, y = {} }, { x = {}, y = {} } }
  figure.names, figure.seconds = nil, nil
  return function(...) extend(curve, ...) end
end

local function draw_waiting()
  for curve in pairs(waiting) do draw(curve) end
end

-- ---- standard input is the notebook's --------------------------------------------------------------

local own_read = io.read

function io.read(format, ...)
  if io.input() ~= io.stdin then return own_read(format, ...) end
  send("input", "")
  local _, text = receive()
  if not text then return nil end
  format = type(format) == "string" and format:gsub("^%*", "") or format
  if format == "n" then return tonumber(text) end
  return format == "L" and text .. "\n" or text
end

-- ---- the requests ------------------------------------------------------------------------------------

local function fail(err)
  if type(err) ~= "table" then err = { name = "Error", message = tostring(err), trace = tostring(err) } end
  send("error", err.name, err.message, err.trace)
end

local answer = {}

function answer.execute(code, count)
  local asked = sessions.question(code)
  if asked then
    print(session:answer(asked))
    return send "ok"
  end
  local ok, err = session:run(code, ("=cell %s"):format(count), function(values)
    draw_waiting()
    if values then send_bundle("result", "", joined(values)) end
  end)
  if not ok then pcall(draw_waiting) end
  waiting = {}
  if ok then return send "ok" end
  fail(err)
end

function answer.complete(before)
  local words, start = session:complete(before)
  send("completions", ("%d"):format(start - 1), table.unpack(words))
end

function answer.inspect(before, after)
  local text = session:describe(before .. after:match "^[%w_]*")
  if text then send("page", text) else send "page" end
end

function answer.status(code)
  local word, open = cells.status(code)
  send("status", word, ("  "):rep(open))
end

_G.notebook = notebook

local function serve(kind, ...)
  if not kind then return false end
  local known = answer[kind]
  if known then
    local ok, err = pcall(known, ...)
    if not ok then fail(err) end
  end
  return true
end

while serve(receive()) do end
os.exit(true, false)
