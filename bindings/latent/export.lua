-- model:export(path [, options]): a fitted model as a file of C, of Lua or of ONNX that needs no library. Not
-- exported; bindings/model/methods.c makes a method of it.
--
-- A model's family (families/NAME.lua) gives a program of what it computes (program.lua), from which c.lua and lua.lua
-- make text, and onnx.lua a graph.

local check = require "latent.check"
local latent = require "latent"
local allow, write_file = latent._allow, latent._write_file

local export = {}

-- Lines about the model and its origin, which files begin with.
local function notes_of(p, about, options)
  local notes = { ("Made by latent %s from a fitted model."):format(latent.version) }
  for _, note in ipairs(about.notes or {}) do notes[#notes + 1] = note end
  p.missing = options.missing
  if p.missing then notes[#notes + 1] = "NaN marks a missing entry of a row." end
  if p.scaled then notes[#notes + 1] = "Rows are standardized first: what is said is said of (row - mean)/deviation; "
    .. "results in the units of rows are given back in these." end
  return notes
end

-- Whether the model's class knows missing entries.
local function knows_missing(kind)
  local described = latent.describe(kind)
  return described ~= nil and described.missing
end

local function options_of(who, kind, options)
  local o = check.options(who, options, { precision = true, missing = "boolean", methods = "table", scaler = true })
  local given = { precision = check.word(who, "precision", o.precision, { "double", "float" }), scaler = o.scaler }
  if o.scaler ~= nil and check.class(o.scaler) ~= "latent.Scaler" then
    check.fail(who, "scaler must be a latent.Scaler, got %s", check.show(o.scaler))
  end
  if o.methods then
    given.methods = {}
    for i, name in ipairs(o.methods) do
      if type(name) ~= "string" then check.fail(who, "methods[%d] must be a name, got %s", i, check.show(name)) end
      given.methods[name] = true
    end
    if not next(given.methods) then check.fail(who, "methods must name at least one") end
  end
  given.missing = o.missing
  if given.missing == nil then given.missing = kind == "classifier" or knows_missing(kind) end
  return given
end

-- The name of a file's functions, from its path; and its ending.
local function name_of(who, path)
  if type(path) ~= "string" then check.fail(who, "path must be a string, got %s", check.show(path)) end
  local name, ending = path:match "([^/\\]*)%.(%w+)$"
  if ending ~= "c" and ending ~= "lua" and ending ~= "onnx" then
    check.fail(who, "path must end in .c, .lua or .onnx, got %s", check.show(path))
  end
  return name, ending
end

-- The words that C and Lua have for themselves.
local RESERVED = {}
for word in ([[auto break case char const continue default do double else enum extern float for goto if inline int long
  register restrict return short signed sizeof static struct switch typedef union unsigned void volatile while and
  elseif end false function in local nil not or repeat then true until]]):gmatch "%a+" do RESERVED[word] = true end

local function check_name(who, name)
  if not name:match "^[%a_][%w_]*$" or RESERVED[name] then
    check.fail(who, "functions are named after the file, and '%s' can't be a name of C: letters, digits and _, "
      .. "not beginning with a digit", #name <= 40 and name or name:sub(1, 40) .. "...")
  end
end

local FILES = { ppca = "factor_models", bpca = "factor_models", fa = "factor_models", vae = "nets",
  nonlinear = "nets", gan = "nets" }
for kind in ("gmm kmeans mixture pca ica mppca lds scaler classifier flow"):gmatch "%a+" do FILES[kind] = kind end

-- Why the others have none.
local WHY = {
  em = "its densities are functions in Lua",
  diffusion = "a draw takes many passes of its net", flow_matching = "a draw solves a differential equation by its net",
}

-- The program of a model, and what it is; or nil and why there is none.
function export.program(model, kind, options)
  if not FILES[kind] then
    return nil, ("a %s can't be exported: %s"):format(kind, WHY[kind] or "there is no method of single rows")
  end
  local given = {} -- of one model: those of a classifier have each their own
  for name, value in pairs(options) do given[name] = value end
  given.kind, given.made_with = kind, check.field(model, "(options)") or {}
  return require("latent.export.families." .. FILES[kind])(model, given)
end

-- Raises unless the program has all methods that are wanted.
local function check_methods(who, p, wanted)
  local names, list = {}, {}
  for _, f in ipairs(p.functions) do
    if f.public then names[f.name], list[#list + 1] = true, f.name end
  end
  for _, name in ipairs((check.names(wanted or {}))) do
    if not names[name] then
      check.fail(who, "methods has %s; of this model there are %s", check.show(name), table.concat(list, ", "))
    end
  end
end

-- What users have written into parameters may be none.
local function check_numbers(who, p)
  for _, name in ipairs((check.names(p.arrays))) do
    for i, x in ipairs(p.arrays[name].values) do
      if x ~= x then
        check.fail(who, "the model has parameters that are NaN: number %d of the file's %s would be", i, name)
      end
    end
  end
end

local function check_scaler(who, scaler, columns)
  local mean = scaler and check.field(scaler, "mean")
  if scaler and not mean then check.fail(who, "the scaler is not fitted yet") end
  if mean and #mean ~= columns then
    check.fail(who, "the scaler has %d columns, the model %d", #mean, columns)
  end
end

function export.export(model, path, options)
  local kind = check.maker(check.class(model))
  local who = kind .. ":export"
  allow(who)
  local name, ending = name_of(who, path)
  local given = options_of(who, kind, options)
  if ending == "c" then check_name(who, name) else name = name:gsub("[^%w_.-]", "_") end
  if ending == "lua" and given.precision == "float" then
    check.fail(who, "precision = 'float' is for C: numbers of Lua are doubles")
  end
  local p, about = export.program(model, kind, given)
  if not p then return nil, ("%s: %s"):format(who, about) end
  check_numbers(who, p)
  check_scaler(who, given.scaler, p.sizes.D)
  if ending == "onnx" then
    given.made_with = check.field(model, "(options)") or {}
    local bytes, message = require("latent.export.onnx").bytes(who, p, about, name, model, kind, given)
    if not bytes then return nil, ("%s: %s"):format(who, message) end
    return write_file(path, bytes)
  end
  if given.scaler then p = require("latent.export.families.scaler").before(p, given.scaler) end
  check_methods(who, p, given.methods)
  require("latent.export.program").prune(p, given.methods)
  about.notes = notes_of(p, about, given)
  if not given.methods then about.use = nil end
  return write_file(path, require("latent.export." .. ending)(p, name, about, given.precision == "float"))
end

return export
