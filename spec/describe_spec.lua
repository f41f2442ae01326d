-- The core describes each model once: what the code takes, what the documentation says, and what the tables say is the
-- same, name by name, in types, defaults and bounds.
local helper = require "spec.helper"
local latent = require "latent"
local docs = require "latent.docs.init"

local fails = helper.fails

-- By name: the documentation's entries, whole and as they are written.
local maker = require("latent.check").maker
local entries = {}
for _, part in ipairs(docs) do
  for _, entry in ipairs(part) do entries[entry.name:gsub("^latent%.", "")] = entry end
end

-- Every kind of model that has a class: "gmm" -> "GMM".
local classes = {}
for key in pairs(debug.getregistry()) do
  local class = type(key) == "string" and key:match "^latent%.(%u%w*)$"
  local name = class and maker(class)
  if class and latent.describe(name) then classes[name] = class end
end

local function names_of(rows)
  local names = {}
  for i, row in ipairs(rows or {}) do names[i] = row.name or row[1] end
  table.sort(names)
  return table.concat(names, " ")
end

-- The rows of an entry that aren't the table's, or say nothing.
local function check_rows(entry, options)
  assert.equal(names_of(options), names_of(entry.options), entry.name)
  for i, row in ipairs(entry.options or {}) do
    assert.equal(options[i].name, row[1])
    assert.equal(options[i].type, row[2], entry.name)
    assert.equal(options[i].default, row[3], entry.name)
    assert.is_true(#row[4] > 0, entry.name .. " doesn't say what " .. row[1] .. " means")
  end
end

-- A value outside of what the table says, and the beginning of the message.
local function wrong(option)
  local kind = option.type:match "^%a+$" or option.least and option.type:match "^%a+"
  if option.choices then return "no such word", "unknown " .. option.name end
  if kind == "boolean" then return 1, option.name .. " must be true or false" end
  if kind == "integer" and option.least and option.least > 0 then
    return math.floor(option.least) - 1, option.name .. " must be an integer"
  elseif kind == "integer" then
    return 0.5, option.name .. " must be an integer"
  elseif kind == "number" then
    return option.least - 1, option.name .. " must be"
  end
end

it("some models are described", function() assert.is_truthy(classes.gmm and classes.mppca) end)

for name, class in pairs(classes) do
  describe("the description of " .. name, function()
    local model = latent.describe(name)

    it("has the options of the constructor, in code and documentation", function()
      check_rows(entries[name], model.options)
      for _, option in ipairs(model.options) do
        local value, message = wrong(option)
        if message then fails(message, latent[name], { [option.name] = value }) end
      end
      fails("unknown option 'zebra'", latent[name], { zebra = 1 })
    end)

    it("has the methods of the class, with the options of each", function()
      local methods = debug.getregistry()["latent." .. class].methods
      local listed = {}
      for _, method in ipairs(model.methods) do
        listed[method.name] = true
        local entry = entries[class .. ":" .. method.name]
        assert.is_function(methods[method.name], method.name)
        assert.is_truthy(entry, class .. ":" .. method.name .. " is not documented")
        check_rows(entry, method.options)
        if #method.gives > 0 then
          local given = #method.gives + (method.takes == "count" and 1 or 0)
          assert.equal(given, #entry.returns, entry.name)
        end
      end
      for method in pairs(methods) do
        local private = method:find "^__" -- for the parts in Lua
        -- in files, programs, pictures and texts the core has no part
        local of_all = ({ save = true, save_string = true, export = true, plot = true, summary = true })[method]
        if not of_all and not private then assert.is_true(listed[method], method .. " is in no table") end
      end
    end)

    it("says nothing twice: documentation has meanings only", function()
      local file = package.searchpath("latent.docs." .. name, package.path)
      for _, entry in ipairs(file and dofile(file) or {}) do
        local of_model = entry.name:gsub("^latent%.", "") == name or entry.name:find("^" .. class .. ":")
        for _, row in ipairs(of_model and entry.options or {}) do
          assert.equal(2, #row, entry.name .. ": " .. row[1])
        end
      end
    end)
  end)
end

it("an option of one method is not taken by another", function()
  local X = latent.matrix.normal(20, 2, latent.random(1))
  local gmm = latent.gmm{ components = 2 }
  fails("unknown option 'labels'", gmm.partial_fit, gmm, X, { labels = latent.matrix.ones(20, 1):col(1) })
  fails("unknown option 'rate'", gmm.fit, gmm, X, { rate = 1 })
end)

it("latent.describe takes names only", function()
  fails("latent.describe: name must be a string, got nothing", latent.describe)
  assert.is_nil(latent.describe "zebra")
  assert.is_nil(latent.describe "matrix")
end)
