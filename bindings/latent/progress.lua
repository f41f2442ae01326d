-- latent.progress: a bar on standard error, drawn only where a terminal is, or a function that is told instead.
--
--   for i in latent.progress(1000, { label = "samples" }) do ... end
--
--   local bar <close> = latent.progress.bar(epochs, { label = "vae" })
--   bar:update(epoch, ("elbo %.2f"):format(elbo))
--
--   latent.progress(true)            of all that takes long, from now on; or a function; or false
--
-- A line is written only when what it shows has changed, so that a tight loop may update at will. What takes long
-- within a loop that has a bar moves that one: a step's share, not another bar.

local check = require "latent.check"

local progress = {}

-- ---- the bar -----------------------------------------------------------------

local Bar = check.new_class "latent.Bar"
progress.Bar = Bar

-- "1:02:03", "2:03"
local function clock(seconds)
  local h, m, s = seconds // 3600, seconds // 60 % 60, seconds % 60
  return h > 0 and ("%d:%02d:%02d"):format(h, m, s) or ("%d:%02d"):format(m, s)
end

-- The first columns of a text, never half a character.
local function cut(text, columns)
  if (utf8.len(text) or #text) <= columns then return text end
  local stop = utf8.len(text) and utf8.offset(text, columns + 1) or columns + 1
  return text:sub(1, stop - 1)
end

-- "0.25/s", "12.3/s", "4.56k/s", "4.56k rows/s"
local function per_second(rate, what)
  local of = what and " " .. what or ""
  for _, unit in ipairs { { 1e9, "G" }, { 1e6, "M" }, { 1e3, "k" } } do
    if rate >= unit[1] then return ("%.3g%s%s/s"):format(rate / unit[1], unit[2], of) end
  end
  return ("%.3g%s/s"):format(rate, of)
end

-- Steps done, and the share that is done of the next.
local function done_of(bar) return bar.steps + bar.within end

-- nil: nobody knows how many steps there will be.
local function share_of(bar)
  if bar.endless then return nil end
  return bar.total > 0 and math.min(done_of(bar) / bar.total, 1) or 1
end

-- Seconds so far, steps a second, and the seconds that are left; the latter nil while nobody can tell. The steps of a
-- call without a unit are nothing that could be counted, and neither is a single one.
local function pace(bar)
  local seconds, share = require("latent").clock() - bar.started, share_of(bar)
  if not share or done_of(bar) == 0 or seconds == 0 then return seconds end
  local rate = (bar.unit or not bar.of_call and bar.total > 1) and done_of(bar) / seconds or nil
  return seconds, rate, share > 0 and seconds * (1 - share) / share or nil
end

-- The time left and the rate, renewed once a second, so that they can be read.
local function pace_in_words(bar)
  local seconds, rate, left = pace(bar)
  if seconds // 1 ~= bar.second then
    bar.second = seconds // 1
    bar.left = left and " " .. clock(math.ceil(left)) or ""
    bar.rate = rate and " " .. per_second(rate, bar.unit) or ""
  end
  if seconds < 1 then return "" end
  return (share_of(bar) < 1 and bar.left or "") .. bar.rate
end

-- The text, and how far the step is that is being done.
local function said_of(bar)
  local within = bar.within > 0 and not bar.of_call
    and ("  %d: %.0f%%"):format(bar.steps + 1, 100 * bar.within) or ""
  return (bar.text ~= "" and "  " .. bar.text or "") .. within
end

local function bar_of(bar)
  local share = share_of(bar)
  if not share then return clock((require("latent").clock() - bar.started) // 1) end
  local cells = math.max(math.min(bar.width - 30, 30), 5)
  local full = math.floor(share * cells)
  return ("%s%s %3d%%%s"):format(("━"):rep(full), ("╌"):rep(cells - full), math.floor(share * 100), pace_in_words(bar))
end

local function draw(bar)
  local head = bar.label ~= "" and bar.label .. " " or ""
  local line = cut(head .. bar_of(bar) .. said_of(bar), bar.width - 1)
  if line == bar.line then return end
  bar.line = line
  bar.output:write("\r\27[K", line) -- from the line's start, cleared
  bar.output:flush()
end

local OFTEN = 0.1 -- seconds between calls of a function, which may have a window to draw
local AFTER = 0.5 -- seconds that pass before a bar is shown that nobody has asked for by name
local after, often = AFTER, OFTEN

local telling = false -- a function is told of something at the moment; what it calls tells it nothing
local Telling = { __metatable = false }

function Telling.__close(of, err)
  telling = of.before
  if err ~= nil then of.bar.live, of.bar.on_update = false, false end
end

-- Tells the function of a bar where it is, unless it was told so a moment ago.
local function tell(bar, ends)
  local seconds, rate, left = pace(bar)
  local same = bar.told_of == done_of(bar) and bar.told_steps == bar.steps and bar.told_text == bar.text
    and not bar.endless
  if bar.told and (same or not ends and seconds - bar.told < often) then return end
  bar.told, bar.told_of, bar.told_steps, bar.told_text = seconds, done_of(bar), bar.steps, bar.text
  local share = share_of(bar)
  local _ <close> = setmetatable({ bar = bar, before = telling }, Telling)
  telling = true
  bar.on_update { label = bar.label, done = share and bar.steps, within = share and bar.within,
    total = share and bar.total, share = share, unit = bar.unit or nil, seconds = seconds, rate = rate, left = left,
    text = bar.text, objective = bar.objective }
end

-- Those that are shown, the innermost last. One whose loop has died with its coroutine isn't kept for that.
local shown, depth = setmetatable({}, { __mode = "v" }), 0

local function innermost()
  while depth > 0 and not (shown[depth] and shown[depth].live) do depth = depth - 1 end
  return shown[depth]
end

local function show(bar)
  if not bar.live or bar.ambient and require("latent").clock() - bar.started < after then return end
  if bar.drawn then draw(bar) end
  if bar.on_update and not (telling and bar.ambient) then tell(bar) end
end

-- What is done within a step of the loop `bar` is this share of it.
local function move(bar, share)
  bar.within = math.max(bar.within, share)
  show(bar)
end

function Bar:update(done, text, options)
  options = check.method("bar:update", Bar, self, options, { objective = "number", within = "number" })
  self.steps = check.integer("bar:update", "done", done, 0)
  self.within = options.within and math.min(check.number("bar:update", "within", options.within), 1) or 0
  self.objective = options.objective or type(text) == "number" and text or nil
  if math.type(text) == "float" then text = ("%.6g"):format(text) end
  self.text = text and tostring(text):gsub("%c", " ") or ""
  if self.outer then move(self.outer, share_of(self)) end
  show(self)
  return self
end

-- The line of a bar that nobody has asked for by name is there only while it grows.
function Bar:done(options)
  check.method("bar:done", Bar, self, options)
  if not self.live then return end
  self.live = false
  if self.drawn and not self.ambient then
    self.output:write "\n"
  elseif self.drawn and self.line then
    self.output:write "\r\27[K"
  end
  if self.drawn then self.output:flush() end
  if self.on_update and (self.told or not self.ambient) and not (telling and self.ambient) then tell(self, true) end
end

function Bar.__close(bar) Bar.done(bar) end -- the error that the loop was left by may be a table

-- All fields of a bar, so that no missing one is looked for.
local function make_bar(fields)
  local bar = { steps = 0, within = 0, text = "", live = true, drawn = false, on_update = false, outer = false,
    ambient = false, loop = false, endless = false, of_call = false, unit = false, lost = false, line = false,
    second = false, told = false, told_of = false, told_steps = false, told_text = false,
    started = require("latent").clock() }
  for name, value in pairs(fields) do bar[name] = value end
  return setmetatable(bar, Bar)
end

-- Of `total` steps, which the caller of `who` knows by another name.
local function new_bar(who, name, total, options, ambient)
  total = check.integer(who, name, total, 0)
  options = check.options(who, options, { label = "string", output = true, width = "number",
    on_update = "function" })
  local output = options.output
  local writes = type(output) == "table" and type(output.write) == "function" and type(output.flush) == "function"
  if output ~= nil and not (io.type(output) == "file" or writes) then
    check.fail(who, "output must be an open file, or a table with the methods write and flush, got %s",
      check.show(output))
  end
  local bar = make_bar { total = total, label = options.label or "", output = options.output or io.stderr,
    on_update = options.on_update, ambient = ambient }
  if not bar.on_update then
    bar.width = options.width and check.integer(who, "width", options.width, 1)
      or io.type(bar.output) == "file" and require("latent").terminal(bar.output)
    bar.drawn = bar.width and true or false
  end
  if not (bar.drawn or bar.on_update) then return bar end
  innermost()
  depth = depth + 1
  shown[depth] = bar
  if bar.drawn then show(bar) end
  return bar
end

function progress.bar(total, options)
  local bar = new_bar("progress.bar", "total", total, options)
  bar.loop = true
  return bar
end

-- ---- all that takes long -------------------------------------------------------------------------

local wanted = false -- false, true, or the function that is told

function progress._check(who, choice)
  if choice ~= nil and type(choice) ~= "boolean" and type(choice) ~= "function" then
    check.fail(who, "progress must be true, false or a function, got %s", check.show(choice))
  end
end

-- The option progress of what takes long: a bar for true, a function that is told, nothing for false; nil is what is
-- wanted of all. Fits, whose steps aren't loops in Lua, are no `loop`: what is called within is no share of theirs.
function progress._of(who, choice, total, label, loop)
  progress._check(who, choice)
  local outer, ambient = innermost(), choice == nil
  if ambient and telling then return nil end
  if ambient and outer then
    return outer.loop and total > 0 and make_bar { total = total, label = label, outer = outer } or nil
  end
  if ambient then choice = wanted end
  if not choice then return nil end
  local bar = new_bar(who, "total", total, { label = label, on_update = choice ~= true and choice or nil }, ambient)
  bar.loop = loop or false
  return bar
end

local call = false -- the bar of a call of the core that takes long

local function begin_call(name, seconds)
  local label = (name or "latent"):gsub("^latent%.%l[^:]*:", ""):gsub("^latent%.%u[^:]*", check.maker)
  call = new_bar("latent.progress", "total", 1,
    { label = label, on_update = wanted ~= true and wanted or nil }, true)
  call.of_call, call.seconds, call.started = true, seconds, call.started - seconds
end

local function end_call()
  local bar = call
  call = false
  if not bar then return end
  if not bar.lost then bar.steps, bar.within, bar.endless = bar.total, 0, false end
  bar:done()
end

local ROUNDING = 1e-9 -- of shares, which are sums

-- Called from within a call of the core that takes long (bindings/lua/state.h): true if that was of interest. What
-- goes back has other parts than those that were counted, and nobody knows how many.
local function tell_of_call(name, share, total, unit, seconds)
  if not seconds then return end_call() end
  if telling then return false end
  local outer = innermost()
  if outer and outer ~= call then
    if outer.loop and share then move(outer, share) end
    return false
  end
  if call and (not call.live or seconds < call.seconds) then end_call() end -- it is another one
  if not call then begin_call(name, seconds) end
  if total and not call.unit then call.total, call.unit = total // 1 | 0, unit end
  call.seconds = seconds
  local done = share and share * call.total or done_of(call)
  call.lost = call.lost or done < done_of(call) - ROUNDING * call.total
  done = math.max(done, done_of(call))
  call.endless = call.lost or not share and done == 0
  call.steps, call.within = done // 1 | 0, done % 1
  show(call)
  return true
end

-- latent.progress(choice): of all that takes long in this state, from now on. Gives what was wanted before.
local function want(choice)
  local before = wanted
  if call then -- it was left by an error that nobody has told of
    call.on_update = false
    end_call()
  end
  wanted = choice
  local seen = choice and (choice ~= true or require("latent").terminal(io.stderr))
  require("latent")._tell(seen and tell_of_call or nil, after, often)
  return before
end

-- For specs, which have no time: other seconds from the next choice on, or without them these again.
function progress._patience(seconds_after, seconds_between)
  after, often = tonumber(seconds_after) or AFTER, tonumber(seconds_between) or OFTEN
end

-- The option progress of a call of the core: what is wanted until the value that it gives is closed; nil when that is
-- as before.
function progress._during(who, choice)
  progress._check(who, choice)
  if choice == nil then return nil end
  local before = want(choice)
  return setmetatable({}, { __close = function() want(before) end, __metatable = false })
end

-- The bar is the loop's closing value, so leaving the loop ends its line.
local function count(_, n, options)
  if type(n) == "boolean" or type(n) == "function" then
    check.no_options("latent.progress", options)
    return want(n)
  end
  if type(n) ~= "number" then
    check.fail("latent.progress", "n must be an integer >= 0, or true, false or a function, got %s", check.show(n))
  end
  local bar = new_bar("latent.progress", "n", n, options)
  bar.loop = true
  local total = bar.total
  return function(_, i)
    bar:update(i)
    if i < total then return i + 1 end
  end, nil, 0, bar
end

return setmetatable(progress, { __call = count, __metatable = false })
