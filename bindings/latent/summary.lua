-- What models and tables of results say of themselves. Not exported: print(model), model:summary() and print(results)
-- come here from C.
--
--   summary.lines(model, kind, head, changed)   the head and what there is to know of the fit, in a few lines;
--                                      `changed`: the names of the options that aren't the default, or nil
--   summary.summary(model)             that and the parameters as tables; a family's own are in summary/
--   summary.fields(t)                  a table of results: columns side by side, then what is one for all

local check = require "latent.check"
local layout = require "latent.summary.layout"

local FAMILY = { kmeans = "mixtures", gmm = "mixtures", mixture = "mixtures", mppca = "mixtures", pca = "components",
  ppca = "components", bpca = "components", fa = "components", ica = "components", scaler = "components",
  lds = "series", nonlinear = "nets", vae = "nets", flow = "nets", diffusion = "nets", flow_matching = "nets",
  gan = "nets" }

local MOST_COLUMNS, MOST_ITEMS = 6, 20 -- of a matrix that is shown as columns; of a list

local summary = {}

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

-- "components = 3, seed = 1", in the order of the core's table; of a kind without one all that were given.
local function options_of(model, changed)
  local given, parts = model.options, {}
  for i, name in ipairs(changed or (check.names(given))) do parts[i] = ("%s = %s"):format(name, show(given[name])) end
  return #parts > 0 and table.concat(parts, ", ") or nil
end

-- `fields` are those that pairs goes through: asking a model for one that it hasn't would raise.
local function sizes_of(fields)
  local parts = {}
  local first = fields.weights or fields.centers
  if first then parts[1] = ("K = %d"):format(#first) end
  local W = fields.W or fields.components
  if type(W) == "table" then W = W[1] end
  if check.is_matrix(W) and W.cols then parts[#parts + 1] = ("M = %d"):format(W.cols) end
  local mean = fields.mean
  local means = fields.means or fields.centers or fields.rates
  local D = check.is_matrix(mean) and #mean or check.is_matrix(means) and means.cols
  if D then parts[#parts + 1] = ("D = %d"):format(D) end
  local C = fields.C
  if check.is_matrix(C) then parts[#parts + 1] = ("M = %d, D = %d"):format(C.cols, C.rows) end
  for _, size in ipairs { { "latent_dim", "M" }, { "input_dim", "D" } } do -- of nets
    local n = fields[size[1]]
    if n then parts[#parts + 1] = ("%s = %d"):format(size[2], n) end
  end
  local rows = fields.observations
  if rows then parts[#parts + 1] = ("%d rows"):format(rows) end
  if fields.missing then parts[#parts + 1] = "missing entries" end
  return #parts > 0 and table.concat(parts, ", ") or nil
end

local function fit_of(fields, kind)
  local iterations, history, parts = fields.iterations, fields.history, {}
  if type(iterations) ~= "number" or type(history) ~= "table" or #history == 0 then return nil end
  if kind == "pca" then return nil end -- whose history is a residual
  local method = fields.method
  if type(method) == "string" then parts[1] = method end
  local epochs = fields.epochs
  if epochs then parts[#parts + 1] = ("%d epoch%s"):format(epochs, epochs == 1 and "" or "s") end
  parts[#parts + 1] = ("%d iteration%s"):format(iterations, iterations == 1 and "" or "s")
  local converged = fields.converged
  if type(converged) == "boolean" and (converged or not epochs) then
    parts[#parts + 1] = converged and "converged" or "not converged"
  end
  local last = history[#history]
  if type(last) == "number" then parts[#parts + 1] = ("objective %.6g"):format(last) end
  local events = fields.events
  if type(events) == "table" and #events > 0 then parts[#parts + 1] = ("%d events"):format(#events) end
  if fields.singular then parts[#parts + 1] = "at a singularity" end
  return table.concat(parts, ", ")
end

function summary.lines(model, kind, head, changed)
  local out, fields = { head }, layout.fields(model)
  for _, line in ipairs { sizes_of(fields) or false, options_of(model, changed) or false, fit_of(fields, kind) or false,
    fields.note or false } do
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

-- Columns of what has one row for each step or row, { title, function(i) }; how many rows; the names that they show.
local function columns_of(t, names)
  local columns, shown, n = {}, {}, nil
  for _, name in ipairs(names) do
    local value = t[name]
    local is_vector = check.is_matrix(value) and type(value[1]) == "number"
    local fits = is_vector or check.is_matrix(value) and value.cols <= MOST_COLUMNS
    if fits and (n == nil or #value == n) then
      n, shown[name] = #value, true
      for j = 1, is_vector and 1 or value.cols do
        local title = (is_vector or value.cols == 1) and name or ("%s %d"):format(name, j)
        columns[#columns + 1] = { title, function(i) return is_vector and value[i] or value(i, j) end }
      end
    end
  end
  return columns, n, shown
end

-- A value in a line; tables in tables down to so many levels, for one may hold itself.
local function plain(value, levels)
  if check.is_matrix(value) then return layout.shape(value) end
  if type(value) == "number" then return layout.number(value) end
  if type(value) ~= "table" then return tostring(value) end
  if check.is_matrix(value[1]) then return ("%d of %s"):format(#value, layout.shape(value[1])) end
  if levels == 0 then return "{...}" end
  local parts = {}
  for i = 1, math.min(#value, MOST_ITEMS) do parts[i] = plain(value[i], levels - 1) end
  if #value > MOST_ITEMS then parts[MOST_ITEMS + 1] = ("... (%d in all)"):format(#value) end
  for _, name in ipairs((check.names(value))) do
    parts[#parts + 1] = ("%s = %s"):format(name, plain(value[name], levels - 1))
  end
  return table.concat(parts, ", ")
end

function summary.fields(t)
  local names, out, width = check.names(t), {}, 0
  local columns, n, shown = columns_of(t, names)
  if #columns > 0 then layout.columns(columns, n, out) end
  for _, name in ipairs(names) do
    if not shown[name] then width = math.max(width, #name) end
  end
  for _, name in ipairs(names) do
    if not shown[name] then
      layout.wrap(plain(t[name], 2), (" "):rep(width + 2), out, name .. (" "):rep(width + 2 - #name))
    end
  end
  for i = 1, math.min(#t, MOST_ITEMS) do out[#out + 1] = plain(t[i], 2) end
  return #out > 0 and table.concat(out, "\n") or "an empty table"
end

return summary
