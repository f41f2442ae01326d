-- Colours as users write them: "#rrggbb", the number of one of the ten, or a name, of CSS or one letter. Not exported.

local check = require "latent.check"

-- Ten colours that stay apart for colour-blind eyes: M. A. Petroff, Accessible color sequences for
-- data visualization (2021). Where there are as many classes or more, symbols differ as well.
local TEN = { "#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6", "#a96b59", "#e76300", "#b9ac70", "#717581",
  "#92dadd" }

-- The values of CSS (W3C, CSS Color Module Level 4), and the letters of MATLAB and matplotlib.
local NAMES = {
  black = "#000000", white = "#ffffff", red = "#ff0000", green = "#008000", blue = "#0000ff", yellow = "#ffff00",
  cyan = "#00ffff", magenta = "#ff00ff", orange = "#ffa500", purple = "#800080", brown = "#a52a2a", pink = "#ffc0cb",
  grey = "#808080", lightgrey = "#d3d3d3", darkgrey = "#a9a9a9", dimgrey = "#696969", silver = "#c0c0c0",
  navy = "#000080", teal = "#008080", olive = "#808000", maroon = "#800000", lime = "#00ff00", gold = "#ffd700",
  tomato = "#ff6347", coral = "#ff7f50", salmon = "#fa8072", crimson = "#dc143c", firebrick = "#b22222",
  darkred = "#8b0000", orangered = "#ff4500", darkorange = "#ff8c00", chocolate = "#d2691e", tan = "#d2b48c",
  khaki = "#f0e68c", darkgreen = "#006400", forestgreen = "#228b22", seagreen = "#2e8b57", lightgreen = "#90ee90",
  turquoise = "#40e0d0", steelblue = "#4682b4", royalblue = "#4169e1", dodgerblue = "#1e90ff", skyblue = "#87ceeb",
  lightblue = "#add8e6", darkblue = "#00008b", slateblue = "#6a5acd", indigo = "#4b0082", violet = "#ee82ee",
  orchid = "#da70d6", plum = "#dda0dd", lavender = "#e6e6fa", beige = "#f5f5dc",
  k = "#000000", w = "#ffffff", r = "#ff0000", g = "#008000", b = "#0000ff", y = "#ffff00", c = "#00ffff",
  m = "#ff00ff",
}

local colors = { TEN = TEN }

-- What is said of what is none.
local function hint(value)
  if check.is_matrix(value) or type(value) == "table" then
    return "; classes = labels gives each class a colour, values = numbers shades"
  end
  local near = type(value) == "string" and #value > 1 and #value <= 40
    and require("latent")._nearest(value:lower(), (check.names(NAMES)))
  return near and ("; did you mean '%s'?"):format(near) or ""
end

-- The colour as "#rrggbb"; nil is `otherwise`.
function colors.read(who, value, otherwise)
  if value == nil then return otherwise end
  if type(value) == "number" and TEN[value] then return TEN[value] end
  if type(value) == "string" then
    if value:find "^#%x%x%x%x%x%x$" then return value end
    local known = NAMES[(value:lower():gsub("[ _-]", ""):gsub("gray", "grey"))]
    if known then return known end
  end
  check.fail(who, 'color must be "#rrggbb", a name such as "red", or 1 to %d, got %s%s', #TEN, check.show(value),
    hint(value))
end

return colors
