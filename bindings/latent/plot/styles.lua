-- How a kind of layer is said to gnuplot, in pictures and in characters. Not exported.

local styles = {}

-- In single quotes only the quote itself is special, and doubling it isn't safe: gnuplot 5.4 takes
-- two doubled ones in a row for the end. So quotes and line ends are strings of their own, joined by dots.
function styles.quote(text)
  local parts = tostring(text):gsub("[^%C\n]", " "):gsub("'", "\0"):gsub("\n", [['."\n".']]):gsub("\0", [['."'".']])
  return parts:find("'", 1, true) and "('" .. parts .. "')" or "'" .. parts .. "'"
end
local quote = styles.quote

-- A locale may write a comma. Ten digits: dates are seconds.
function styles.number(x)
  if x - x ~= 0 then return "NaN" end
  return (("%.10g"):format(x):gsub(",", "."))
end
local number = styles.number

local POINT_TYPES = { circle = 7, triangle = 9, square = 5, cross = 2, diamond = 13, wedge = 11, plus = 1 }

local function point_words(layer, text)
  local mark = text and quote(layer.mark) or POINT_TYPES[layer.symbol]
  local color = layer.shaded and (text and "rgb 'black'" or "palette") or "rgb " .. quote(layer.color)
  return ("with points pt %s ps %s lc %s"):format(mark, number(text and 1 or layer.size), color)
end

local function line_words(layer)
  return ("lw %s lc rgb %s%s"):format(number(layer.width), quote(layer.color), layer.dash and " dt (12,8)" or "")
end

local draw = {}

function draw.image(name, layer, _, times)
  local m, half = layer.image, (times - 1) / (2 * times) -- the first of `times` small elements is half a one off
  return ("$%s matrix using (%s+$1*%s):(%s+$2*%s):3 with image"):format(name, number(m.x - half * m.dx),
    number(m.dx / times), number(m.y - half * m.dy), number(m.dy / times))
end

function draw.boxes(name, layer, text)
  if text then -- a ground has no mark
    return layer.mark and ("$%s using 1:2 with points pt %s"):format(name, quote(layer.mark)) or "NaN"
  end
  return ("$%s using 1:2:3:4 with boxxyerror fs solid 1 noborder lc rgb %s"):format(name, quote(layer.color))
end

function draw.bars(name, layer)
  return ("$%s using 1:2:3 with boxes fs %s noborder lc rgb %s"):format(name,
    layer.clear and "transparent solid 0.5" or "solid 0.9", quote(layer.color))
end

function draw.line(name, layer) return ("$%s using 1:2 with lines %s"):format(name, line_words(layer)) end

function draw.step(name, layer) return ("$%s using 1:2 with steps %s"):format(name, line_words(layer)) end

function draw.errors(name, layer, text)
  return ("$%s using 1:2:3:4 with yerrorbars pt %s ps %s lw %s lc rgb %s"):format(name, text and "'o'" or 7,
    number(text and 1 or layer.size), number(layer.width), quote(layer.color))
end

function draw.vectors(name, layer)
  return ("$%s using 1:2:3:4 with vectors filled head size graph 0.025,18 lw %s lc rgb %s"):format(name,
    number(layer.width), quote(layer.color))
end

function draw.band(name, layer, text)
  if text then -- a terminal has no shades
    return ("$%s using 1:2 with lines lc rgb %s notitle, $%s using 1:3 with lines lc rgb %s"):format(name,
      quote(layer.color), name, quote(layer.color))
  end
  return ("$%s using 1:2:3 with filledcurves fs transparent solid 0.2 noborder fc rgb %s"):format(name,
    quote(layer.color))
end

function draw.points(name, layer, text)
  return ("$%s using 1:2%s %s"):format(name, layer.shaded and not text and ":3" or "", point_words(layer, text))
end

-- What plots a layer, after "plot"; is_named: it is in the key.
function styles.layer(name, layer, is_named, text, times)
  local words = draw[layer.kind](name, layer, text, times)
  if not is_named then return words .. " notitle" end
  if text or layer.kind ~= "points" or layer.shaded then return words .. " title " .. quote(layer.label) end
  -- in the key a point is larger than in the picture
  return words .. (" notitle, NaN with points pt %d ps 1 lc rgb %s title %s"):format(POINT_TYPES[layer.symbol],
    quote(layer.color), quote(layer.label))
end

-- ---- lines across -----------------------------------------------------------------------

-- In front of bars, which would hide it, and behind all else.
function styles.across(line, in_front)
  local places = line.axis == "y" and "graph 0, first %s to graph 1, first %s"
    or "first %s, graph 0 to first %s, graph 1"
  return ("set arrow from %s nohead %s %s"):format(places:format(number(line.at), number(line.at)),
    in_front and "front" or "back", line_words(line))
end

function styles.across_key(line) return ("NaN with lines %s title %s"):format(line_words(line), quote(line.label)) end

return styles
