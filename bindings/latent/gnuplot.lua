-- A figure of plot.lua as a gnuplot script, and gnuplot run on it. Not exported.
--
-- The script, data included, goes to gnuplot's standard input. What the user wrote is in it only as
-- numbers and as single-quoted strings, in which gnuplot expands nothing, and never reaches a shell.

local gnuplot = {}

-- Colour maps by anchors, low to high. Viridis is sampled from matplotlib's (public domain, CC0).
gnuplot.palettes = {
  grey = { "#000000", "#ffffff" },
  ink = { "#ffffff", "#000000" },
  viridis = { "#440154", "#46327e", "#365c8d", "#277f8e", "#1fa187", "#4ac16d", "#a0da39", "#fde725" },
  diverging = { "#2166ac", "#92c5de", "#f7f7f7", "#f4a582", "#b2182b" },
}

-- ---- gnuplot's language ----------------------------------------------------------------

-- In single quotes only the quote itself is special, and doubling it isn't safe: gnuplot 5.4 takes
-- two doubled ones in a row for the end. So quotes and line ends are strings of their own, joined by dots.
local function quote(text)
  local parts = tostring(text):gsub("[^%C\n]", " "):gsub("'", "\0"):gsub("\n", [['."\n".']]):gsub("\0", [['."'".']])
  return parts:find("'", 1, true) and "('" .. parts .. "')" or "'" .. parts .. "'"
end

-- A locale may write a comma.
local function number(x) return x - x == 0 and (("%.9g"):format(x):gsub(",", ".")) or "NaN" end

local function data_block(name, rows, times)
  local lines = { ("$%s << END_OF_DATA"):format(name) }
  for _, row in ipairs(rows) do
    local cells = {}
    for j, x in ipairs(row) do cells[j] = (number(x) .. " "):rep(times) end
    local line = table.concat(cells)
    for _ = 1, times do lines[#lines + 1] = line end
  end
  lines[#lines + 1] = "END_OF_DATA"
  return table.concat(lines, "\n")
end

-- Viewers of SVG blur an image that they enlarge, which hides what its elements are; so small ones
-- are enlarged here: how many times each element is repeated.
local function repeats(layer, terminal)
  if not layer.plots[1].image or not terminal:find "^svg" then return 1 end
  return math.max(1, math.min(8, math.floor(math.sqrt(4e5 / (#layer.rows * #layer.rows[1])))))
end

local function palette(name)
  local parts = {}
  for i, hex in ipairs(gnuplot.palettes[name]) do parts[i] = ("%d %s"):format(i - 1, quote(hex)) end
  return "set palette defined (" .. table.concat(parts, ", ") .. ")"
end

-- ---- a figure as a script -----------------------------------------------------------------

-- Points of a class are those whose third column is its number; other rows become undefined.
local function plot_words(name, p, text, times)
  local words
  if p.image then
    local m, half = p.image, (times - 1) / (2 * times) -- the first of `times` small elements is half a one off
    words = ("$%s matrix using (%s+$1*%s):(%s+$2*%s):3 with image"):format(name, number(m.x - half * m.dx),
      number(m.dx / times), number(m.y - half * m.dy), number(m.dy / times))
  elseif p.boxes and text then -- a ground has no mark
    words = p.boxes.mark and ("$%s using 1:2 with points pt %s"):format(name, quote(p.boxes.mark)) or "NaN"
  elseif p.boxes then
    words = ("$%s using 1:2:3:4 with boxxyerror fs solid 1 noborder lc rgb %s"):format(name, quote(p.boxes.color))
  elseif p.line then
    words = ("$%s using 1:2 with lines lw %s lc rgb %s%s"):format(name, number(p.line.width), quote(p.line.color),
      p.line.dash and " dt (12,8)" or "")
  elseif p.band and text then -- a terminal has no shades
    words = ("$%s using 1:2 with lines lc rgb %s notitle, $%s using 1:3 with lines lc rgb %s"):format(name,
      quote(p.band), name, quote(p.band))
  elseif p.band then
    words = ("$%s using 1:2:3 with filledcurves fs transparent solid 0.2 noborder fc rgb %s"):format(name,
      quote(p.band))
  else
    local mark = text and quote(p.points.mark) or "7"
    words = ("$%s using 1:%s with points pt %s ps %s lc rgb %s"):format(name,
      p.class and ("($3==%d?$2:NaN)"):format(p.class) or "2", mark, number(text and 1 or p.points.size),
      quote(p.points.color))
  end
  if not p.label then return words .. " notitle" end
  if text or not p.points then return words .. " title " .. quote(p.label) end
  -- in the key a point is larger than in the picture
  return words .. (" notitle, NaN with points pt 7 ps 1 lc rgb %s title %s"):format(quote(p.points.color),
    quote(p.label))
end

local function label_words(l)
  return ("set label %s at %s,%s %s front textcolor rgb %s"):format(quote(l.text), number(l.x), number(l.y), l.align,
    quote(l.color))
end

-- Without a point to draw, axes have no range of their own.
local function is_empty(fig)
  for _, layer in ipairs(fig.layers) do
    for _, row in ipairs(layer.rows) do
      if layer.plots[1].image or row[1] - row[1] + row[2] - row[2] == 0 then return false end
    end
  end
  return true
end

local function longest_label(fig)
  local longest = 0
  for _, layer in ipairs(fig.layers) do
    for _, p in ipairs(layer.plots) do longest = math.max(longest, utf8.len(p.label or "") or #p.label) end
  end
  return longest
end

local function settings(fig, text)
  local out = {
    "set encoding utf8",
    "set datafile missing 'NaN'",
    "set tics nomirror out scale 0.4 textcolor rgb '#333333'",
    "set samples 2", -- there are no functions to sample
  }
  local function set(...) out[#out + 1] = string.format(...) end
  if fig.axes == false then
    set "unset border"
    set "unset tics"
  else
    set "set border 3 lc rgb '#777777'"
    if not text then set "set grid lt 1 lw 0.5 lc rgb '#e6e6e6'" end
  end
  if fig.title then set("set title %s textcolor rgb '#111111'", quote(fig.title)) end
  local empty = is_empty(fig) and { 0.1, 1 }
  for _, axis in ipairs { "x", "y" } do
    local label, range = fig[axis .. "label"], fig[axis .. "range"] or empty
    if label then set("set %slabel %s textcolor rgb '#333333'", axis, quote(label)) end
    if range then set("set %srange [%s:%s]", axis, number(range[1]), number(range[2])) end
    if fig["log" .. axis] then set("set logscale %s", axis) end
  end
  if text and not (fig.logx or fig.logy) then set "set offsets graph 0.03, graph 0.03, graph 0.06, graph 0.06" end
  if fig.equal and not text then set "set size ratio -1" end
  if fig.palette then set("%s", palette(fig.palette)) end
  if fig.shades then set("set cbrange [%s:%s]", number(fig.shades[1]), number(fig.shades[2])) end
  set(fig.bar and "set colorbox" or "unset colorbox")
  if fig.margins and not text then
    local m = fig.margins -- shares of the picture: left, right, bottom, top
    set("set margins screen %s, screen %s, screen %s, screen %s", number(m[1]), number(m[2]), number(m[3]),
      number(m[4]))
  end
  local longest = longest_label(fig)
  if fig.key == false or longest == 0 then
    set "unset key"
  elseif text or fig.bar then
    set "set key outside right top Left reverse samplen 1.2"
  else -- beside the axes, also where they are narrower than the picture
    set("set rmargin %d", longest + 7)
    set "set key at graph 1.02, graph 1 left top Left reverse samplen 1.2 spacing 1.1 textcolor rgb '#333333'"
  end
  return out
end

-- The terminal's words end in "noenhanced": _ and ^ in titles are themselves.
function gnuplot.script(fig, terminal, path)
  local text = terminal:find("^dumb") ~= nil
  local out = { "set terminal " .. terminal }
  if path then out[#out + 1] = "set output " .. quote(path) end
  table.move(settings(fig, text), 1, 99, #out + 1, out)
  for _, label in ipairs(fig.labels) do out[#out + 1] = label_words(label) end
  local plots = {}
  for i, layer in ipairs(fig.layers) do
    local times = repeats(layer, terminal)
    out[#out + 1] = data_block("d" .. i, layer.rows, times)
    for _, p in ipairs(layer.plots) do plots[#plots + 1] = plot_words("d" .. i, p, text, times) end
  end
  out[#out + 1] = "plot " .. (#plots > 0 and table.concat(plots, ", \\\n  ") or "NaN notitle")
  out[#out + 1] = "unset output\n"
  return table.concat(out, "\n")
end

-- Calls f with the name of a scratch file, which is safe in a shell: the file's contents, and what f returns; or
-- nil and a message.
local function with_scratch(f)
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
    return gnuplot.run(gnuplot.script(fig, terminal, scratch))
  end)
  if not picture or not ok then return nil, picture and message or ok end
  if picture == "" then return nil, "plot: gnuplot made no picture" end
  return picture
end

return gnuplot
