-- latent.progress: a bar on standard error, drawn only where a terminal is, or a function that is told instead.
--
--   for i in latent.progress(1000, { label = "samples" }) do ... end
--
--   local bar <close> = latent.progress.bar(epochs, { label = "vae" })
--   bar:update(epoch, ("elbo %.2f"):format(elbo))
--
-- A line is written only when what it shows has changed, so that a tight loop may update at will.

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

-- "0.25/s", "12.3/s", "4.56k/s"
local function per_second(rate)
  for _, unit in ipairs { { 1e9, "G" }, { 1e6, "M" }, { 1e3, "k" } } do
    if rate >= unit[1] then return ("%.3g%s/s"):format(rate / unit[1], unit[2]) end
  end
  return ("%.3g/s"):format(rate)
end

-- Steps done, and the share that is done of the next.
local function done_of(bar) return bar.steps + bar.within end

local function share_of(bar) return bar.total > 0 and math.min(done_of(bar) / bar.total, 1) or 1 end

-- Seconds so far, steps a second, and the seconds that are left; the latter nil while nobody can tell.
local function pace(bar)
  local seconds, share = require("latent").clock() - bar.started, share_of(bar)
  local known = done_of(bar) > 0 and seconds > 0
  return seconds, known and done_of(bar) / seconds or nil, known and share > 0 and seconds * (1 - share) / share or nil
end

-- The time left and the rate, renewed once a second, so that they can be read.
local function pace_in_words(bar)
  local seconds, rate, left = pace(bar)
  if seconds // 1 ~= bar.second then
    bar.second = seconds // 1
    bar.left, bar.rate = left and " " .. clock(math.ceil(left)) or "", rate and " " .. per_second(rate) or ""
  end
  if seconds < 1 then return "" end
  return (share_of(bar) < 1 and bar.left or "") .. bar.rate
end

-- The text, and how far the step is that is being done.
local function said_of(bar)
  local within = bar.within > 0 and ("  %d: %.0f%%"):format(bar.steps + 1, 100 * bar.within) or ""
  return (bar.text ~= "" and "  " .. bar.text or "") .. within
end

local function draw(bar)
  local share = share_of(bar)
  local head = bar.label ~= "" and bar.label .. " " or ""
  local cells = math.max(math.min(bar.width - 30, 30), 5)
  local full = math.floor(share * cells)
  local line = cut(("%s%s%s %3d%%%s%s"):format(head, ("━"):rep(full), ("╌"):rep(cells - full),
    math.floor(share * 100), pace_in_words(bar), said_of(bar)), bar.width - 1)
  if line == bar.line then return end
  bar.line = line
  bar.output:write("\r\27[K", line) -- from the line's start, cleared
  bar.output:flush()
end

local OFTEN = 0.1 -- seconds between calls of a function, which may have a window to draw

-- Tells the function of a bar where it is, unless it was told so a moment ago.
local function tell(bar, ends)
  local seconds, rate, left = pace(bar)
  local same = bar.told_of == done_of(bar) and bar.told_text == bar.text
  if bar.told and (same or not ends and seconds - bar.told < OFTEN) then return end
  bar.told, bar.told_of, bar.told_text = seconds, done_of(bar), bar.text
  local f = bar.on_update
  bar.on_update = nil -- while it runs, and for good if it raises
  f { label = bar.label, done = bar.steps, within = bar.within, total = bar.total, share = share_of(bar),
    seconds = seconds, rate = rate, left = left, text = bar.text, objective = bar.objective }
  bar.on_update = f
end

function Bar:update(done, text, options)
  options = check.method("bar:update", Bar, self, options, { objective = "number", within = "number" })
  self.steps = check.integer("bar:update", "done", done, 0)
  self.within = options.within and math.min(check.number("bar:update", "within", options.within), 1) or 0
  self.objective = options.objective or type(text) == "number" and text or nil
  if math.type(text) == "float" then text = ("%.6g"):format(text) end
  self.text = text and tostring(text):gsub("%c", " ") or ""
  if self.drawn then draw(self) end
  if self.on_update then tell(self) end
  return self
end

function Bar:done(options)
  check.method("bar:done", Bar, self, options)
  if self.drawn then
    self.output:write "\n"
    self.output:flush()
  end
  if self.on_update then tell(self, true) end
  self.drawn, self.on_update = false, nil
end

function Bar.__close(bar) Bar.done(bar) end -- the error that the loop was left by may be a table

-- Of `total` steps, which the caller of `who` knows by another name.
local function new_bar(who, name, total, options)
  total = check.integer(who, name, total, 0)
  options = check.options(who, options, { label = "string", output = true, width = "number",
    on_update = "function" })
  local output = options.output
  local writes = type(output) == "table" and type(output.write) == "function" and type(output.flush) == "function"
  if output ~= nil and not (io.type(output) == "file" or writes) then
    check.fail(who, "output must be an open file, or a table with the methods write and flush, got %s",
      check.show(output))
  end
  local bar = setmetatable({ total = total, steps = 0, within = 0, text = "", label = options.label or "",
    started = require("latent").clock(), output = options.output or io.stderr, on_update = options.on_update }, Bar)
  if bar.on_update then return bar end
  bar.width = options.width and check.integer(who, "width", options.width, 1)
    or io.type(bar.output) == "file" and require("latent").terminal(bar.output)
  bar.drawn = bar.width and true or false
  if bar.drawn then draw(bar) end
  return bar
end

function progress.bar(total, options)
  return new_bar("progress.bar", "total", total, options)
end

-- The option progress of what takes long: nil for nothing, a bar for true, a function that is told.
function progress._of(who, choice, total, label)
  if not choice then return nil end
  if choice ~= true and type(choice) ~= "function" then
    check.fail(who, "progress must be true, false or a function, got %s", check.show(choice))
  end
  return new_bar(who, "total", total, { label = label, on_update = choice ~= true and choice or nil })
end

-- The bar is the loop's closing value, so leaving the loop ends its line.
local function count(_, n, options)
  local bar = new_bar("latent.progress", "n", n, options)
  local total = bar.total
  return function(_, i)
    bar:update(i)
    if i < total then return i + 1 end
  end, nil, 0, bar
end

return setmetatable(progress, { __call = count, __metatable = false })
