-- An image in characters: gnuplot's text has no shades. Two characters an element where there is space; elements that
-- don't fit are averaged. Not exported.

local values = require "latent.plot.values"

local RAMP = " .:-=+*#%@"

-- The mean of the finite elements of a block, or nil.
local function block_mean(rows, top, left, high, wide)
  local sum, n = 0, 0
  for i = top, math.min(top + high - 1, #rows) do
    for j = left, math.min(left + wide - 1, #rows[1]) do
      local x = rows[i][j]
      if values.is_finite(x) then sum, n = sum + x, n + 1 end
    end
  end
  return n > 0 and sum / n or nil
end

local shades = {}

function shades.image(rows, range, columns, dark_is_high)
  local low, high = values.extremes(rows)
  if range then low, high = range[1], range[2] end
  local wide = #rows[1] * 2 <= columns and 2 or 1
  local step = math.max(1, math.ceil(#rows[1] / columns))
  local lines = {}
  for top = 1, #rows, step * (3 - wide) do
    local cells = {}
    for left = 1, #rows[1], step do
      local mean = block_mean(rows, top, left, step * (3 - wide), step)
      local share = mean and high > low and math.max(0, math.min(1, (mean - low) / (high - low))) or 0
      if dark_is_high then share = 1 - share end
      local k = not mean and 1 or math.floor(share * (#RAMP - 1) + 0.5) + 1
      cells[#cells + 1] = RAMP:sub(k, k):rep(wide)
    end
    lines[#lines + 1] = table.concat(cells)
  end
  return table.concat(lines, "\n")
end

local function pad(text, width, left)
  local space = (" "):rep(width - (utf8.len(text) or #text))
  return left and text .. space or space .. text
end

-- The names that a figure's ticks have for 1..n.
local function names(ticks, n)
  local list = {}
  for i = 1, n do list[i] = tostring(i) end
  for i, at in ipairs(ticks and ticks.at or {}) do
    if list[at // 1 | 0] then list[at // 1 | 0] = ticks.labels[i] end
  end
  return list
end

-- A heat map with its numbers is a table of them; nil where it is too wide.
function shades.numbers(fig, layer, columns)
  local rows = layer.rows
  local across, down = names(fig.xticks, #rows[1]), names(fig.yticks, #rows)
  local cells, widths, first = {}, {}, 0
  for _, name in ipairs(down) do first = math.max(first, utf8.len(name) or #name) end
  for j, name in ipairs(across) do widths[j] = utf8.len(name) or #name end
  for i, row in ipairs(rows) do
    cells[i] = {}
    for j, x in ipairs(row) do
      cells[i][j] = x == x and layer.format:format(x) or ""
      widths[j] = math.max(widths[j], #cells[i][j])
    end
  end
  local function line(name, list)
    local parts = { pad(name, first, true) }
    for j, text in ipairs(list) do parts[#parts + 1] = pad(text, widths[j]) end
    return table.concat(parts, "  ")
  end
  local lines = { line("", across) }
  if (utf8.len(lines[1]) or #lines[1]) > columns then return nil end
  for i, name in ipairs(down) do lines[#lines + 1] = line(name, cells[i]) end
  return table.concat(lines, "\n")
end

return shades
