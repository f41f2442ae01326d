-- Where the key of a figure stands, as gnuplot's words: beside the axes; under them where names are long. Not exported.

local keys = {}

local MOST = 60 -- entries; the names of others are left out
local CHARACTER, LINE = 7.2, 18 -- dots, of the font of all pictures

-- Layers and lines across that the key names.
function keys.named(fig)
  local list, named = {}, {}
  for _, of in ipairs { fig.layers, fig.across } do
    for _, item in ipairs(of) do
      if item.label and item.label ~= "" and #list < MOST and fig.key ~= false then
        list[#list + 1] = item.label
        named[item] = true
      end
    end
  end
  return named, list
end

local function longest_of(list)
  local longest = 0
  for _, label in ipairs(list) do longest = math.max(longest, utf8.len(label) or #label) end
  return longest
end

-- How many columns of entries there are beside the axes; nil: they stand under them.
local function columns_beside(fig, labels)
  local columns = math.ceil(#labels / math.max(1, (fig.height - 80) // LINE))
  local fits = columns * (longest_of(labels) + 5) * CHARACTER <= 0.28 * fig.width
  return not fig.bar and fits and columns or nil
end

-- The dots that it takes beside the axes.
function keys.width(fig)
  local _, labels = keys.named(fig)
  local columns = #labels > 0 and columns_beside(fig, labels)
  return columns and columns * (longest_of(labels) + 7) * CHARACTER or 0
end

-- Whether it stands under the axes, close to what is written there.
function keys.is_below(fig)
  local _, labels = keys.named(fig)
  return #labels > 0 and not columns_beside(fig, labels)
end

function keys.words(fig, text)
  local _, labels = keys.named(fig)
  if #labels == 0 then return { "unset key" } end
  local longest = longest_of(labels)
  if text then
    local place = longest > 16 and "below left" or "outside right top"
    return { ("set key %s Left reverse samplen 1.2"):format(place) }
  end
  local columns = columns_beside(fig, labels)
  if columns then
    -- beside the axes, also where they are narrower than the picture
    return { ("set rmargin %d"):format(columns * (longest + 7)),
      ("set key at graph 1.02, graph 1 left top Left reverse samplen 1.2 spacing 1.1 maxcols %d"):format(columns) ..
        " textcolor rgb '#333333'" }
  end
  columns = math.max(1, math.min(#labels, math.floor(fig.width * 0.85 / (longest * CHARACTER + 45))))
  return { ("set key below center horizontal Left reverse samplen 1.2 maxcols %d textcolor rgb '#333333'"):format(
    columns) }
end

return keys
