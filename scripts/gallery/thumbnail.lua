-- A picture made small: each pixel is the mean of those that it covers.

local latent = require "latent"
local matrix = latent.matrix

local MOST = 240 -- pixels, of the longer side
local SHADES = 16 -- of each colour: fewer are smaller files

-- n x m: row i has the shares that the n new pixels take of m old ones.
local function shares(n, m)
  local A, step = matrix.zeros(n, m), m / n
  for i = 1, n do
    local from, to = (i - 1) * step, i * step
    for j = math.floor(from) + 1, math.min(math.ceil(to), m) do
      A:set(i, j, (math.min(to, j) - math.max(from, j - 1)) / step)
    end
  end
  return A
end

-- Writes the PNG at `path` small, to another path; nil and a message where that fails.
return function(path, to)
  local X, about = latent.read(path, { format = "png" })
  if not X then return nil, about end
  local scale = math.min(1, MOST / math.max(about.width, about.height))
  local width, height = math.floor(about.width * scale + 0.5), math.floor(about.height * scale + 0.5)
  local rows, columns = shares(height, about.height), shares(width, about.width):t()
  local colours, all = {}, X:reshape(about.height * about.width, about.channels)
  for k = 1, math.min(about.channels, 3) do
    local small = rows * all:col(k):copy():reshape(about.height, about.width) * columns
    colours[k] = small:reshape(width * height, 1)
  end
  if #colours == 3 and colours[1] == colours[2] and colours[2] == colours[3] then colours = { colours[1] } end -- grey
  local white = about.white / (SHADES - 1)
  local Y = matrix.hstack(colours):map(function(x) return math.floor(x / white + 0.5) / (SHADES - 1) end)
  return latent.write(to, Y:reshape(height, width * #colours), { format = "png", channels = #colours })
end
