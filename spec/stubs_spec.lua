-- scripts/stubs.lua: what an editor's language server reads, compared with the core's tables and with what objects
-- have.
local latent = require "latent"
local helper = require "helper"
local index = require "latent.help.index"
local calls = require "calls"

local folder, stubs
local classes, options = {}, {} -- fields of "latent.GMM" and of "latent.gmm.options": name -> type

local function read_fields()
  local class
  for line in stubs:gmatch "[^\n]+" do
    class = line:match "^%-%-%-@class ([%w_.]+)" or class
    local name, rest = line:match "^%-%-%-@field ([%w_]+)%?? (.*)$"
    if name then
      local kind = class:find "%.options$" and options or classes
      kind[class] = kind[class] or {}
      assert.is_nil(kind[class][name], class .. " has the field " .. name .. " twice")
      kind[class][name] = rest
    elseif line:find "^%-%-%-@class" then
      local kind = class:find "%.options$" and options or classes
      assert.is_nil(kind[class], class .. " is there twice")
      kind[class] = {}
    end
  end
end

setup(function()
  folder = os.tmpname()
  os.remove(folder)
  local lua = helper.interpreter
  assert(os.execute(("mkdir %s && %s scripts/stubs.lua %s >%s/log 2>&1"):format(folder, lua, folder, folder)))
  local file = assert(io.open(folder .. "/latent.lua"))
  stubs = file:read "a"
  file:close()
  read_fields()
end)

teardown(function() os.execute("rm -r " .. folder) end)

local function has(line) assert.is_truthy(("\n" .. stubs):find("\n" .. line .. "\n", 1, true), line) end

describe("the stubs", function()
  it("are Lua that loads, with every function in its place", function()
    local made = assert(load(stubs))()
    for _, entry in ipairs(index.matching(function(e) return e.args and not e.topic end)) do
      local name = index.canonical(entry.name)
      if not index.split_member(name) then
        local value = made
        for part in name:gmatch "[^.]+" do value = value[part] end
        assert.is_truthy(value, name)
      end
    end
    assert.is_function(made.plot.figure)
    assert.is_table(made.progress)
  end)

  it("type arguments, options, results and classes", function()
    has "---@meta latent"
    has "---@class latent.Figure"
    has "---@field logy? boolean a logarithmic y axis (false)"
    has "---@param options? latent.plot.figure.options see options"
    has "---@return latent.Figure # the figure"
    has "function Figure:ellipse(mean, covariance, options) end"
    has "---@overload fun(n: integer, options?: latent.progress.options): fun(): integer"
    has "---@overload fun(choice: boolean|function): boolean|function"
    for line in stubs:gmatch "[^\n]+" do
      if line:find "^%-%-%-@field" then assert.is_truthy(line:find "^%-%-%-@field %a[%w_]*%?? [^ ]", line) end
      if line:find "^%-%-%-@param" then assert.is_truthy(line:find "^%-%-%-@param [%a.][%w_.]*%?? [^ ]", line) end
    end
  end)

  it("name classes only that there are", function()
    local known, wrong = {}, {}
    for name in stubs:gmatch "%-%-%-@class ([%w_.]+)" do known[name] = true end
    for line in stubs:gmatch "[^\n]+" do
      local types = line:match "^%-%-%-@param [%w_.]+%?? (%S+)" or line:match "^%-%-%-@field [%w_]+%?? (%S+)"
        or line:match "^%-%-%-@return (%S+)"
      for name in (types or ""):gmatch "latent%.[%w_.]+" do
        if not known[name] then wrong[#wrong + 1] = line end
      end
    end
    assert.equal("", table.concat(wrong, "\n"))
  end)

  it("have the words of every enumeration as literal types, from the core's tables", function()
    local compared = 0
    local function compare(class, rows)
      for _, row in ipairs(rows) do
        local where = class .. "." .. row.name
        local written, expected = (options[class] or {})[row.name], row.type:gsub("%?$", "")
        assert.is_truthy(written, where .. " is missing")
        if row.choices then
          local others = ("|" .. expected):gsub("|string", "", 1) -- the words stand in its place, and come first
          expected = ('"%s"%s'):format(table.concat(row.choices, '"|"'), others)
          compared = compared + 1
        end
        if row.choices or not expected:find "string" then
          assert.equal(expected .. " ", written:sub(1, #expected + 1), where)
        end
      end
    end
    for class in pairs(calls.objects) do
      local name = require("latent.check").maker(class)
      local model = latent.describe(name)
      if model then
        compare("latent." .. name .. ".options", model.options)
        for _, method in ipairs(model.methods) do
          if #method.options > 0 then compare(("latent.%s.%s.options"):format(class, method.name), method.options) end
        end
      end
    end
    assert.is_true(compared > 30)
  end)

  it("have literal types also where Lua and C read options of their own", function()
    for field, words in pairs { ["latent.gmm_select.options criterion"] = '"bic"|"aic" ',
      ["latent.nn.mlp.options last"] = '"linear"|"relu"|"leaky_relu"|"elu"|"tanh"|"sigmoid"|"softplus"|"silu"|"gelu" ',
      ["latent.Matrix.solve.options kind"] = '"general"|"symmetric"|"positive"|"upper"|"lower" ',
      ["latent.batches.options binarize"] = '"dynamic"|"static"|"threshold" ',
      ["latent.pca.options latent_dim"] = '"mle"|integer|number ' } do
      local class, name = field:match "^(%S+) (%S+)$"
      assert.equal(words, options[class][name]:sub(1, #words), field)
    end
    has '---@param dtype "float64"|"float32" "float64" or "float32"'
  end)

  it("have a field for every parameter of a model, and for all that a fit leaves", function()
    local X = latent.random(1):normal(30, 2)
    local kinds = { KMeans = { clusters = 2 }, Nonlinear = { input_dim = 2, latent_dim = 1, samples = 5 },
      FlowMatching = { input_dim = 2, hidden = 4 }, Flow = { input_dim = 2, hidden = 4 },
      GAN = { input_dim = 2, hidden = 4 }, Diffusion = { input_dim = 2, hidden = 4 },
      VAE = { input_dim = 2, latent_dim = 1, likelihood = "gaussian" },
      LDS = { latent_dim = 1, max_iterations = 2 } }
    local record = { "history", "iterations", "converged", "drops", "largest_drop", "refused", "method", "solver",
      "algorithm", "epochs", "validation_history", "reconstruction_history", "kl_history", "generator_history",
      "spread_history", "input_dim", "dtype", "seed", "events", "singular", "inertia", "labels", "degrees_of_freedom",
      "identifiable", "discrepancy", "log_evidence", "objective" }
    local fields = 0
    for class, make in pairs(calls.objects) do
      local name = require("latent.check").maker(class)
      local model = latent.describe(name)
      local fitted = model and make() or {}
      if model and (kinds[class] or class == "GMM") then
        local nets = index.entry(class .. ":step") ~= nil
        fitted = latent[name](kinds[class] or {}):fit(X, nets and { epochs = 1, validation = X } or nil)
      end
      for _, parameter in ipairs(model and class ~= "EM" and model.parameters or {}) do
        assert.is_truthy(classes["latent." .. class][parameter.name], class .. "." .. parameter.name)
        fields = fields + 1
      end
      for _, property in ipairs(model and record or {}) do
        local found, value = pcall(function() return fitted[property] end)
        if found and value ~= nil and type(value) ~= "function" then
          assert.is_truthy(classes["latent." .. class][property], class .. "." .. property)
          fields = fields + 1
        end
      end
    end
    assert.is_true(fields > 100)
  end)
end)
