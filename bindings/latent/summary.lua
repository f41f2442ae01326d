-- What models and tables of results say of themselves. Not exported: print(model), model:summary() and print(results)
-- come here from C.
--
--   summary.lines(model, kind, head)   the head and what there is to know of the fit, in a few lines
--   summary.summary(model)             that and the parameters as tables; a family's own are in summary/
--   summary.fields(t)                  a table of results: columns side by side, then what is one for all

local check = require "latent.check"
local layout = require "latent.summary.layout"

local FAMILY = { kmeans = "mixtures", gmm = "mixtures", mixture = "mixtures", mppca = "mixtures", pca = "components",
  ppca = "components", bpca = "components", fa = "components", ica = "components", scaler = "components",
  lds = "series", nonlinear = "nets", vae = "nets", flow = "nets", diffusion = "nets", flow_matching = "nets",
  gan = "nets" }

local summary = {}

-- A field of the model, or nil when it has none of the name.
local function field(model, name)
  local ok, value = pcall(function() return model[name] end)
  return ok and value or nil
end

-- ---- a few lines ---------------------------------------------------------------------------------

local function show(value)
  if type(value) == "string" then return ("%q"):format(value) end
  if type(value) ~= "table" and not check.is_matrix(value) then return tostring(value) end
  if check.is_matrix(value) then return ("a %s"):format(layout.shape(value)) end
  local parts, again = {}, 0
  for i, part in ipairs(value) do
    again = value[i - 1] == part and again + 1 or 1
    if again == 1 then parts[#parts + 1] = show(part) end
    if again > 1 then parts[#parts] = ("%d of %s"):format(again, show(part)) end
  end
  for _, name in ipairs((check.names(value))) do parts[#parts + 1] = ("%s = %s"):format(name, show(value[name])) end
  return "{ " .. table.concat(parts, ", ") .. " }"
end

-- "components = 3, seed = 1": the options that aren't the default, in the order of the core's table.
local function options_of(model, kind)
  local given, parts = field(model, "options") or {}, {}
  local described = require("latent").describe(kind)
  local known = {}
  for _, option in ipairs(described and described.options or {}) do
    local value = given[option.name]
    known[option.name] = true
    if value ~= nil and show(value) ~= option.default and tonumber(option.default) ~= value then
      parts[#parts + 1] = ("%s = %s"):format(option.name, show(value))
    end
  end
  for _, name in ipairs((check.names(given))) do
    if not known[name] then parts[#parts + 1] = ("%s = %s"):format(name, show(given[name])) end
  end
  return #parts > 0 and table.concat(parts, ", ") or nil
end

local function sizes_of(model)
  local parts = {}
  local first = field(model, "weights") or field(model, "centers")
  if first then parts[1] = ("K = %d"):format(#first) end
  local W = field(model, "W") or field(model, "components")
  if type(W) == "table" then W = W[1] end
  if check.is_matrix(W) and W.cols then parts[#parts + 1] = ("M = %d"):format(W.cols) end
  local mean = field(model, "mean")
  local means = field(model, "means") or field(model, "centers") or field(model, "rates")
  local D = check.is_matrix(mean) and #mean or check.is_matrix(means) and means.cols
  if D then parts[#parts + 1] = ("D = %d"):format(D) end
  local C = field(model, "C")
  if check.is_matrix(C) then parts[#parts + 1] = ("M = %d, D = %d"):format(C.cols, C.rows) end
  for _, size in ipairs { { "latent_dim", "M" }, { "input_dim", "D" } } do -- of nets
    local n = field(model, size[1])
    if n then parts[#parts + 1] = ("%s = %d"):format(size[2], n) end
  end
  local rows = field(model, "observations")
  if rows then parts[#parts + 1] = ("%d rows"):format(rows) end
  if field(model, "missing") then parts[#parts + 1] = "missing entries" end
  return #parts > 0 and table.concat(parts, ", ") or nil
end

local function fit_of(model, kind)
  local iterations, history, parts = field(model, "iterations"), field(model, "history"), {}
  if type(iterations) ~= "number" or type(history) ~= "table" or #history == 0 then return nil end
  if kind == "pca" then return nil end -- whose history is a residual
  local method = field(model, "method")
  if type(method) == "string" then parts[1] = method end
  local epochs = field(model, "epochs")
  if epochs then parts[#parts + 1] = ("%d epoch%s"):format(epochs, epochs == 1 and "" or "s") end
  parts[#parts + 1] = ("%d iteration%s"):format(iterations, iterations == 1 and "" or "s")
  local _, converged = pcall(function() return model.converged end)
  if type(converged) == "boolean" and (converged or not epochs) then
    parts[#parts + 1] = converged and "converged" or "not converged"
  end
  local last = history[#history]
  if type(last) == "number" then parts[#parts + 1] = ("objective %.6g"):format(last) end
  local events = field(model, "events")
  if type(events) == "table" and #events > 0 then parts[#parts + 1] = ("%d events"):format(#events) end
  if field(model, "singular") then parts[#parts + 1] = "at a singularity" end
  return table.concat(parts, ", ")
end

function summary.lines(model, kind, head)
  local out = { head }
  for _, line in ipairs { sizes_of(model) or false, options_of(model, kind) or false, fit_of(model, kind) or false,
    field(model, "note") or false } do
    if line then layout.wrap(line, "  ", out) end
  end
  return table.concat(out, "\n")
end

-- ---- all of it -------------------------------------------------------------------------------------

function summary.summary(model, options)
  local kind = check.maker(check.class(model) or "")
  check.no_options(kind .. ":summary", options)
  local out = { tostring(model) }
  local family = FAMILY[kind] and require("latent.summary." .. FAMILY[kind])
  local write = family and family[kind]
  if write then write(model, out) end
  return table.concat(out, "\n")
end

-- ---- tables of results -------------------------------------------------------------------------------

-- Columns of what has one row for each step or row: names with numbers, and matrices.
local function columns_of(t, names)
  local columns, n = {}, nil
  for _, name in ipairs(names) do
    local value = t[name]
    if check.is_matrix(value) and (n == nil or #value == n) and (value.cols == 1 or type(value[1]) ~= "number"
      and value.cols <= 6 or type(value[1]) == "number") then
      n = #value
      local is_vector = type(value[1]) == "number"
      for j = 1, is_vector and 1 or value.cols do
        local title = (is_vector or value.cols == 1) and name or ("%s %d"):format(name, j)
        columns[#columns + 1] = { title, function(i) return is_vector and value[i] or value(i, j) end }
      end
      names[name] = true
    end
  end
  return columns, n
end

local function plain(value)
  if check.is_matrix(value) then return layout.shape(value) end
  if type(value) == "number" then return layout.number(value) end
  if type(value) ~= "table" then return tostring(value) end
  if check.is_matrix(value[1]) then return ("%d of %s"):format(#value, layout.shape(value[1])) end
  local parts = {}
  for i = 1, math.min(#value, 20) do parts[i] = tostring(value[i]) end
  if #value > 20 then parts[21] = ("... (%d in all)"):format(#value) end
  for _, name in ipairs((check.names(value))) do parts[#parts + 1] = ("%s = %s"):format(name, plain(value[name])) end
  return table.concat(parts, ", ")
end

function summary.fields(t)
  local names, out = check.names(t), {}
  local columns, n = columns_of(t, names)
  if n and #columns > 0 then layout.columns(columns, n, out) end
  local width = 0
  for _, name in ipairs(names) do
    if not names[name] then width = math.max(width, #name) end
  end
  for _, name in ipairs(names) do
    if not names[name] then
      layout.wrap(plain(t[name]), (" "):rep(width + 2), out, name .. (" "):rep(width + 2 - #name))
    end
  end
  for i = 1, math.min(#t, 20) do out[#out + 1] = plain(t[i]) end
  return #out > 0 and table.concat(out, "\n") or "an empty table"
end

return summary
