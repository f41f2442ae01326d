-- Lines of equal height through a grid of numbers: marching squares, with linear interpolation along edges and the
-- mean of the four corners to decide saddles (Lorensen, Cline 1987, in the plane). Not exported.

-- Where the line crosses the cells: each segment joins two edges. Corners 1..4 are (i,j), (i,j+1), (i+1,j+1), (i+1,j);
-- edge 1 is between corners 1 and 2, ... 4 between 4 and 1. By the bits of the corners that are above.
local SEGMENTS = {
  [0] = {}, { 4, 1 }, { 1, 2 }, { 4, 2 }, { 2, 3 }, false, { 1, 3 }, { 4, 3 }, { 3, 4 }, { 3, 1 }, false, { 3, 2 },
  { 2, 4 }, { 2, 1 }, { 1, 4 }, {},
}
local SADDLES = { [5] = { { 4, 1, 2, 3 }, { 4, 3, 2, 1 } }, [10] = { { 1, 2, 3, 4 }, { 1, 4, 3, 2 } } }

-- The segments of one cell; nothing where a corner is no number.
local function cell(a, b, c, d, level)
  if not (a - a == 0 and b - b == 0 and c - c == 0 and d - d == 0) then return {} end
  local bits = (a > level and 1 or 0) + (b > level and 2 or 0) + (c > level and 4 or 0) + (d > level and 8 or 0)
  if SEGMENTS[bits] then return SEGMENTS[bits] end
  local above = (a + b + c + d) / 4 > level
  return SADDLES[bits][above and 2 or 1]
end

-- Edges by a number each: that from (i, j) to (i, j + 1) is 2 (i n + j), that to (i + 1, j) is the next one.
local function edges_of(i, j, n)
  return { 2 * (i * n + j), 2 * (i * n + j + 1) + 1, 2 * ((i + 1) * n + j), 2 * (i * n + j) + 1 }
end

-- For each edge that the line crosses, the edges it goes on to: two, or one at a border.
local function links(grid, level)
  local n, next_to, order = #grid[1] + 1, {}, {}
  local function link(from, to)
    if not next_to[from] then
      next_to[from] = {}
      order[#order + 1] = from
    end
    table.insert(next_to[from], to)
  end
  for i = 1, #grid - 1 do
    local top, bottom = grid[i], grid[i + 1]
    for j = 1, #top - 1 do
      local segments = cell(top[j], top[j + 1], bottom[j + 1], bottom[j], level)
      local edges = segments[1] and edges_of(i, j, n)
      for s = 1, #segments, 2 do
        link(edges[segments[s]], edges[segments[s + 1]])
        link(edges[segments[s + 1]], edges[segments[s]])
      end
    end
  end
  return next_to, order, n
end

-- Where the line crosses an edge, as (row, column).
local function crossing(grid, edge, n, level)
  local place = edge // 2
  local i, j = place // n, place % n
  local p, q = grid[i][j], edge % 2 == 0 and grid[i][j + 1] or grid[i + 1] and grid[i + 1][j]
  local t = (level - p) / (q - p)
  if edge % 2 == 0 then return i, j + t end
  return i + t, j
end

-- The lines at a level: lists of { row, column }, closed ones with their first point last.
return function(grid, level)
  local next_to, order, n = links(grid, level)
  local lines, used = {}, {}
  local function follow(edge)
    local line = {}
    repeat
      used[edge] = true
      line[#line + 1] = { crossing(grid, edge, n, level) }
      local following
      for _, other in ipairs(next_to[edge]) do
        if not used[other] then following = other end
      end
      edge = following
    until not edge
    return line
  end
  for _, edge in ipairs(order) do -- from the border first: closed lines have no end to begin at
    if #next_to[edge] == 1 and not used[edge] then lines[#lines + 1] = follow(edge) end
  end
  for _, edge in ipairs(order) do
    if not used[edge] then
      local line = follow(edge)
      line[#line + 1] = line[1]
      lines[#lines + 1] = line
    end
  end
  return lines
end
