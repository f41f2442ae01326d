-- latent.progress: a bar on standard error, drawn only where a terminal is.
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

local function draw(bar)
  local share = bar.total > 0 and math.min(bar.steps / bar.total, 1) or 1
  local elapsed = os.difftime(os.time(), bar.started)
  local left = share > 0 and share < 1 and elapsed >= 1 and " " .. clock(elapsed * (1 - share) // share) or ""
  local head = bar.label ~= "" and bar.label .. " " or ""
  local cells = math.max(math.min(bar.width - 30, 30), 5)
  local full = math.floor(share * cells)
  local line = cut(("%s%s%s %3d%%%s%s"):format(head, ("━"):rep(full), ("╌"):rep(cells - full),
    math.floor(share * 100), left, bar.text ~= "" and "  " .. bar.text or ""), bar.width - 1)
  if line == bar.line then return end
  bar.line = line
  bar.output:write("\r\27[K", line) -- from the line's start, cleared
  bar.output:flush()
end

function Bar:update(done, text, options)
  check.method("bar:update", Bar, self, options)
  self.steps = check.integer("bar:update", "done", done, 0)
  self.text = text and tostring(text):gsub("%c", " ") or ""
  if self.drawn then draw(self) end
  return self
end

function Bar:done(options)
  check.method("bar:done", Bar, self, options)
  if self.drawn then
    self.output:write "\n"
    self.output:flush()
  end
  self.drawn = false
end

function Bar.__close(bar) Bar.done(bar) end -- the error that the loop was left by may be a table

local function new_bar(who, total, options)
  options = check.options(who, options, { label = "string", output = true, width = "number" })
  local output = options.output
  local writes = type(output) == "table" and type(output.write) == "function" and type(output.flush) == "function"
  if output ~= nil and not (io.type(output) == "file" or writes) then
    check.fail(who, "output must be an open file, or a table with the methods write and flush, got %s",
      check.show(output))
  end
  local bar = setmetatable({ total = total, steps = 0, text = "", label = options.label or "",
    started = os.time(), output = options.output or io.stderr }, Bar)
  bar.width = options.width and check.integer(who, "width", options.width, 1)
    or io.type(bar.output) == "file" and require("latent").terminal(bar.output)
  bar.drawn = bar.width and true or false
  if bar.drawn then draw(bar) end
  return bar
end

function progress.bar(total, options)
  return new_bar("progress.bar", check.integer("progress.bar", "total", total, 0), options)
end

-- The bar is the loop's closing value, so leaving the loop ends its line.
local function count(_, n, options)
  local total = check.integer("latent.progress", "n", n, 0)
  local bar = new_bar("latent.progress", total, options)
  return function(_, i)
    bar:update(i)
    if i < total then return i + 1 end
  end, nil, 0, bar
end

return setmetatable(progress, { __call = count, __metatable = false })
