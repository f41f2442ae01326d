-- Prose of the documentation with its formulas set: w_k gets a subscript, x^2 an exponent, N x D a cross, W' a T; names
-- of what has an entry become links. Both Markdown and HTML take what comes out.
--
--   typeset(text, escape, link)   escape(text) makes plain text safe; link(name, shown) gives a link, or nil

local GREEK = { alpha = "α", beta = "β", gamma = "γ", delta = "δ", epsilon = "ε", eta = "η", theta = "θ",
  lambda = "λ", mu = "μ", nu = "ν", pi = "π", sigma = "σ", tau = "τ", phi = "φ", psi = "ψ", omega = "ω" }
local OPERATORS = { sum = "Σ", prod = "Π" }

-- What is set already is kept apart under a number between these bytes, which no text has.
local OPEN, CLOSE = "\1", "\2"

local function is_index(text) return #text <= 2 or text:find "^{.*}$" end

return function(text, escape, link)
  local kept = {}
  local function keep(html)
    kept[#kept + 1] = html
    return OPEN .. #kept .. CLOSE
  end
  local function inside(brackets) return escape((brackets:gsub("^{(.*)}$", "%1"))) end

  text = text:gsub('"[^"\n]*"', function(quoted) return keep(escape(quoted)) end) -- words, as they are typed
  text = text:gsub("[%a_][%w_]*[.:][%a_][%w_.:]*", function(name)
    local bare = name:gsub("[.:]+$", "")
    local linked = link(bare)
    return linked and keep(linked) .. name:sub(#bare + 1) or nil
  end)
  text = text:gsub("%f[%w_](%a+)_({[^}\n]*})", function(base, index)
    base = OPERATORS[base] or GREEK[base] or #base == 1 and base
    return base and keep(escape(base) .. "<sub>" .. inside(index) .. "</sub>") or nil
  end)
  text = text:gsub("%f[%w_](%a+)_(%w+)%f[^%w_]", function(base, index)
    base = OPERATORS[base] or GREEK[base] or #base == 1 and base
    return base and is_index(index) and keep(escape(base) .. "<sub>" .. inside(index) .. "</sub>") or nil
  end)
  text = text:gsub("%^({[^}\n]*})", function(power) return keep("<sup>" .. inside(power) .. "</sup>") end)
  text = text:gsub("%^(%-?%d+)", function(power) return keep("<sup>" .. escape(power:gsub("-", "−")) .. "</sup>") end)
  text = text:gsub("%^(%a)%f[^%w_]", function(power) return keep("<sup>" .. power .. "</sup>") end)
  text = text:gsub("%f[%w](%u)'%f[^%w']", function(matrix) return keep(matrix .. "<sup>T</sup>") end)
  for _ = 1, 2 do text = text:gsub("%f[%w]([%u%d]) x ([%u%d])%f[^%w]", "%1 × %2") end
  text = text:gsub("<=", "≤"):gsub(">=", "≥"):gsub("%->", "→"):gsub("%f[%w]sqrt%(", "√(")
  text = escape(text)
  return (text:gsub(OPEN .. "(%d+)" .. CLOSE, function(number) return kept[tonumber(number)] end))
end
