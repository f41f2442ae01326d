-- latent.help, and the rule that documentation and module don't drift apart.
local latent = require "latent"
local docs = require "latent.docs.init"
local help = latent.help

local function canonical(name) return (name:gsub("^latent%.", "")) end

local function each_entry(visit)
  for _, module in ipairs(docs) do
    for _, entry in ipairs(module) do visit(entry, module) end
  end
end

-- Everything a user can reach: functions of the module's tables, methods and operators of classes.
local OPERATORS = { "__add", "__sub", "__mul", "__div", "__mod", "__pow", "__unm", "__idiv", "__eq", "__lt",
  "__le", "__len", "__call", "__concat", "__close" }

local function exported()
  local names, seen = {}, {}
  local function class(name, metatable, methods)
    for key, value in pairs(methods) do
      if type(value) == "function" and not key:find("^__") then names[name .. ":" .. key] = value end
    end
    for _, key in ipairs(OPERATORS) do
      if rawget(metatable, key) then names[name .. ":" .. key] = metatable[key] end
    end
  end
  local function walk(value, path)
    if seen[value] then return end
    seen[value] = true
    for key, member in pairs(value) do
      local name = path and path .. "." .. key or key
      if type(key) ~= "string" or key:find("^_") then goto continue end
      if type(member) == "table" and key:find("^%u") then
        class(key, member, member)
      elseif type(member) == "table" then
        names[name] = member
        walk(member, name)
      elseif type(member) == "function" then
        names[name] = member
      end
      ::continue::
    end
  end
  local parts = { "blocks", "help", "plot", "progress", "datasets", "batches", "gmm_select", "classifier", "folds",
    "metrics", "split", "cross_validate" }
  for _, part in ipairs(parts) do local _ = latent[part] end
  walk(latent)
  for key, metatable in pairs(debug.getregistry()) do
    local name = type(key) == "string" and key:match("^latent%.(%u%w*)$")
    -- what has no methods (a workspace, say) is none of the users'
    if name and type(metatable) == "table" and metatable.methods then class(name, metatable, metatable.methods) end
  end
  return names
end

-- An object of each class of the C module, to look for properties: made here, or a model with the
-- options given here (or none), fitted.
local samples = {
  LDS = function()
    return latent.lds { A = 0.5, B = 1, C = 1, D = 1, Q = 1, R = 1, initial_covariance = 1, max_iterations = 2 }
      :fit(latent.matrix { 1, 3, 4, 2 }, { inputs = latent.matrix { 1, 0, 1, 1 } })
  end,
  Matrix = function() return latent.matrix.zeros(2, 3) end,
  Random = function() return latent.random(1) end,
  KMeans = { clusters = 2 },
  Mixture = { family = "bernoulli", components = 2 },
  EM = function() return require("calls").objects.EM() end,
  Tracker = function() return latent.lds(latent.blocks.local_level()):tracker() end,
  Nonlinear = { input_dim = 2, latent_dim = 1, samples = 10 },
  FlowMatching = { input_dim = 2, hidden = 4 },
  Flow = { input_dim = 2, kind = "realnvp", layers = 2, hidden = 4 },
  Diffusion = { input_dim = 2, hidden = 4 },
  GAN = { input_dim = 2, hidden = 4 },
  VAE = { input_dim = 2, latent_dim = 1, likelihood = "gaussian" },
  Classifier = function()
    local X = latent.matrix { { 1, 2 }, { 3, 5 }, { 4, 4 }, { 2, 1 } }
    return latent.classifier(function() return latent.ppca() end):fit(latent.matrix.vstack { X, X + 1 },
      { 1, 1, 1, 1, 2, 2, 2, 2 })
  end,
  Store = function() return latent.nn.parameters() end,
  Net = function() return latent.nn.linear(latent.nn.parameters(), "f", 2, 1) end,
  Optimizer = function()
    local store = latent.nn.parameters()
    latent.nn.linear(store, "f", 2, 1)
    return latent.nn.sgd(store)
  end,
  Comm = function() return latent.fork(1, function(comm) return comm end) end,
  Tape = function() return latent.nn.tape() end,
  Value = function() return latent.nn.tape():input { { 1 } } end,
}

local function sample(class)
  local how = samples[class] or {}
  if type(how) == "function" then return how() end
  local X = class == "Mixture" and latent.matrix { { 1, 0 }, { 0, 1 }, { 0, 0 } }
    or latent.matrix { { 1, 2 }, { 3, 5 }, { 4, 4 } }
  return latent[require("latent.check").maker(class)](how):fit(X)
end

describe("the documentation", function()
  it("has an entry for everything that is exported", function()
    local entries, missing = {}, {}
    each_entry(function(entry) entries[canonical(entry.name)] = true end)
    for name in pairs(exported()) do
      if not entries[name] then missing[#missing + 1] = name end
    end
    table.sort(missing)
    assert.are.equal("", table.concat(missing, " "))
  end)

  it("names only what exists, and each thing once", function()
    local wrong, seen = {}, {}
    each_entry(function(entry, module)
      local name = canonical(entry.name)
      if seen[name] then wrong[#wrong + 1] = name .. " (twice)" end
      seen[name] = true
      local class, property = name:match("^(%u%w*)%.([%w_]+)$")
      if entry.topic or name == module.name then return end -- a module may have functions only
      local found
      local optional = class and entry.returns and entry.returns[1][1]:find "%?$" -- of some models only
      if class then found = optional or sample(class)[property] else found = help.resolve(name) end
      if found == nil then wrong[#wrong + 1] = name end
    end)
    assert.are.equal("", table.concat(wrong, " "))
  end)

  local FIELDS = { name = "string", topic = "boolean", summary = "string", args = "table", options = "table",
    returns = "table", text = "string", example = "string",
    overload = "string" }

  local function check_rows(entry, field, cells)
    for i, row in ipairs(entry[field] or {}) do
      assert.are.equal(cells, #row, ("%s: %s %d"):format(entry.name, field, i))
      for _, cell in ipairs(row) do assert.is_string(cell, entry.name) end
    end
  end

  it("is well formed", function()
    each_entry(function(entry)
      for field, value in pairs(entry) do
        assert.are.equal(FIELDS[field], type(value), ("%s.%s"):format(entry.name, field))
      end
      assert.is_truthy(entry.summary and entry.summary:find("%.$"), entry.name .. ": the summary is one sentence")
      check_rows(entry, "args", 3)
      check_rows(entry, "options", 4)
      check_rows(entry, "returns", 2)
      for _, option in ipairs(entry.options or {}) do
        assert.is_truthy(option[1]:find "^%a[%w_]*$", entry.name .. ": a name of one option: " .. option[1])
        assert.is_truthy(option[2] ~= "", entry.name .. "." .. option[1] .. ": a type")
      end
      if entry.options then
        local last = entry.args and entry.args[#entry.args]
        assert.is_truthy(last and last[1]:find("options"), entry.name .. ": the last argument is options")
      end
      if type(help.resolve(entry.name)) == "function" then
        assert.is_truthy(entry.returns, entry.name .. ": returns")
      end
    end)
  end)

  it("has examples that run", function()
    local wrong, real = {}, print
    _G.print = function() end -- latent.help prints, too
    finally(function() _G.print = real end)
    each_entry(function(entry)
      if not entry.example then return end
      local A = latent.matrix { { 4, 1, 0 }, { 1, 3, 1 }, { 0, 1, 2 } }
      local X = latent.matrix { { 1, 2, 0 }, { 3, 5, 1 }, { 4, 4, 2 }, { 2, 6, 1 }, { 0, 1, 3 } }
      local names = setmetatable({ latent = latent, A = A, X = X }, {
        __index = function(_, name)
          if _G[name] ~= nil then return _G[name] end
          return latent[name]
        end,
      })
      local chunk, message = load(entry.example, "=" .. entry.name, "t", names)
      if not chunk then chunk, message = load("return " .. entry.example, "=" .. entry.name, "t", names) end
      local ok = chunk
      if chunk then ok, message = pcall(chunk) end
      if not ok then wrong[#wrong + 1] = ("%s: %s"):format(entry.name, message) end
    end)
    assert.are.equal("", table.concat(wrong, "\n"))
  end)
end)

describe("latent.help", function()
  it("prints one page and returns nothing", function()
    local printed, real = {}, print
    _G.print = function(text) printed[#printed + 1] = text end
    local count = select("#", latent.help "plot.figure")
    _G.print = real
    assert.are.equal(0, count)
    assert.are.same({ help.text "plot.figure" }, printed)
  end)

  it("shows signature, arguments, options with defaults, returns and example", function()
    local page = help.text(latent.plot.figure)
    assert.is_truthy(page:find("^plot%.figure%(%[options%]%) %-> latent%.Figure\n"))
    assert.is_truthy(page:find("width +integer +in dots .-%(640%)"))
    assert.is_truthy(page:find("Returns\n  latent%.Figure"))
    assert.is_truthy(page:find("Example\n  latent%.plot%.figure"))
  end)

  it("finds functions, modules, classes and objects", function()
    assert.are.equal(help.text "plot.images", help.text(latent.plot.images))
    assert.are.equal(help.text "plot", help.text(latent.plot))
    assert.are.equal(help.text "Figure:line", help.text(latent.plot.Figure.line))
    assert.are.equal(help.text "Figure", help.text(latent.plot.figure()))
    assert.are.equal(help.text "Figure", help.text(latent.plot.Figure))
    assert.are.equal(help.text "Matrix", help.text(latent.matrix.zeros(2, 2)))
  end)

  it("finds names by their parts, and in any case", function()
    assert.are.equal(help.text "Figure:ellipse", help.text "ellipse")
    assert.are.equal(help.text "Figure:ellipse", help.text "figure.ellipse")
    assert.are.equal(help.text "plot.images", help.text "latent.plot.images")
    local several = help.text "text"
    assert.is_truthy(several:find("help.text", 1, true) and several:find("Figure:text", 1, true))
  end)

  it("lists a class's methods, one line each", function()
    local page = help.text "Figure"
    assert.is_truthy(page:find("\nMethods\n"))
    assert.is_truthy(page:find("\n  Figure:save +Writes the figure to a file%.\n"))
  end)

  it("lists the modules when nothing is asked", function()
    local page = help.text()
    for _, module in ipairs(docs) do assert.is_truthy(page:find("\n  " .. module.name .. " +%u"), module.name) end
  end)

  it("lists every model and function by family when nothing is asked", function()
    local page, missing = help.text(), {}
    local at = 0
    for _, family in ipairs(docs.families) do
      local here = page:find("\n" .. family.title .. "\n", at + 1, true)
      assert.is_truthy(here, family.title)
      at = here
    end
    for name in pairs(exported()) do
      local class = name:match "^(%u%w*):"
      if not class and not page:find("%f[%w_.]" .. name:gsub("%.", "%%.") .. "%f[^%w_]") then
        missing[#missing + 1] = name
      end
    end
    assert.are.equal("", table.concat(missing, " "))
    assert.is_truthy(page:find("\n  gmm_select +Fits mixtures"))
    assert.is_nil(page:find("_nearest", 1, true))
  end)

  it("shows a model's methods and properties with what makes it", function()
    local page = help.text "gmm"
    for _, name in ipairs { "GMM:fit", "GMM:responsibilities", "GMM:bic", "GMM:save", "GMM.means", "GMM.events" } do
      assert.is_truthy(page:find("\n  " .. name:gsub("%.", "%%.") .. " +%u"), name)
    end
    assert.is_nil(help.text "gmm_select":find("\nMethods\n"))
  end)

  it("shows an option of a model: type, default, words, and what else has it", function()
    local page = help.text "gmm.covariance"
    assert.is_truthy(page:find("^covariance, an option of latent%.gmm%("))
    assert.is_truthy(page:find('default +"full"\n'))
    assert.is_truthy(page:find('words +"full", "diag", "tied", "spherical", "tied_diag", "tied_spherical"\n'))
    assert.is_truthy(page:find("latent.gmm_select", 1, true))
    assert.are.equal(page, help.text "latent.gmm.covariance")
    assert.are.equal(page, help.text "GMM.covariance")
    assert.is_truthy(help.text "gmm.fit.labels":find("^labels, an option of GMM:fit%("))
    assert.are.equal(help.text "gmm.fit.labels", help.text "GMM:fit.labels")
    assert.are.equal(help.text "GMM.means", help.text "gmm.means")
    assert.are.equal(help.text "LDS:filter", help.text "lds.filter")
  end)

  it("says which models have an option, and what is called so besides", function()
    local page = help.text "restarts"
    for _, row in ipairs(latent.describe "gmm".options) do
      assert.is_truthy(row.name ~= "restarts" or page:find("latent.gmm ", 1, true))
    end
    local having = 0
    for _, name in ipairs { "kmeans", "gmm", "mixture", "mppca", "ppca", "fa", "lds", "em" } do
      for _, row in ipairs(latent.describe(name) and latent.describe(name).options or {}) do
        if row.name == "restarts" then
          having = having + 1
          assert.is_truthy(page:find("\n  latent%." .. name .. " +integer"), name)
        end
      end
    end
    assert.is_true(having >= 6)
    assert.is_nil(page:find "latent%.pca")
    local weights = help.text "weights"
    assert.is_truthy(weights:find("Called 'weights':\n  GMM.weights", 1, true))
    assert.is_truthy(weights:find("'weights' is an option of", 1, true) and weights:find("KMeans:fit", 1, true))
  end)

  it("knows the words that options may be", function()
    assert.is_truthy(help.text "varimax":find('latent.fa  rotation = "varimax"', 1, true))
    assert.is_truthy(help.text "TIED_diag":find('covariance = "tied_diag"', 1, true))
  end)

  it("leads from words of the field and names of other libraries to what there is", function()
    for word, name in pairs { train_test_split = "latent.split", scatter = "Figure:points", ["t-SNE"] = "latent.pca",
      ["t_sne"] = "latent.pca", UMAP = "latent.vae", ["Kalman filter"] = "LDS:filter", StandardScaler = "latent.scaler",
      ["missing data"] = "PPCA:impute", read_csv = "latent.read", PyTorch = "nn.tape", DBSCAN = "latent.gmm" } do
      local page = help.text(word)
      assert.is_nil(page:find("Nothing is called", 1, true), word)
      assert.is_truthy(page:find("\n  " .. name:gsub("%.", "%%.") .. " +%u"), word)
    end
  end)

  it("translates names in code of other libraries", function()
    local foreign = require "latent.foreign"
    local page = help.text "fit_transform"
    assert.is_truthy(page:find("x:fit(X):transform(X)\n", 1, true) and page:find("PCA:transform", 1, true))
    page = help.text "n_components"
    assert.is_truthy(page:find("is the option components here", 1, true) and page:find("latent.gmm ", 1, true))
    assert.is_truthy(page:find("is the option latent_dim here", 1, true) and page:find("latent.pca ", 1, true))
    assert.is_truthy(help.text "n_iter_":find("x:iterations", 1, true))
    local wrong = {}
    for _, names in pairs { foreign.modules.latent, foreign.members, foreign.options } do
      for name in pairs(names) do
        if help.text(name):find("Nothing is called", 1, true) then wrong[#wrong + 1] = name end
      end
    end
    assert.are.equal("", table.concat(wrong, " "))
  end)

  it("has each word once, and leads to entries only", function()
    local seen, wrong = {}, {}
    local index = require "latent.help.index"
    for _, row in ipairs(require "latent.docs.words") do
      for word in row[1]:gmatch "[^,]+" do
        local letters = word:lower():gsub("[^%w+]", "")
        if seen[letters] then wrong[#wrong + 1] = word .. " (twice)" end
        seen[letters] = true
        if index.entry(word:gsub("^%s+", "")) then wrong[#wrong + 1] = word .. " (is an entry)" end
        if help.text((word:gsub("^%s+", ""))):find("Nothing is called", 1, true) then wrong[#wrong + 1] = word end
      end
      for _, target in ipairs(row[3]) do
        if not index.entry(target) then wrong[#wrong + 1] = target end
      end
    end
    assert.are.equal("", table.concat(wrong, "\n"))
  end)

  it("has topics", function()
    assert.is_truthy(help.text "conventions":find("divide by N"))
  end)

  it("suggests what is near an unknown name", function()
    assert.is_truthy(help.text "plot.figrue":find("Near it:\n  plot%.figure"))
    assert.is_truthy(help.text "elipse":find("Figure:ellipse", 1, true))
    assert.is_truthy(help.text "Mahalanobis":find("Nothing is called 'Mahalanobis'", 1, true))
    assert.is_truthy(help.text "zzzzzzzz":find("latent.help() lists the models", 1, true))
    assert.is_truthy(help.text "gmm.tolerence":find("Near it:\n  gmm.tolerance", 1, true))
    assert.is_truthy(help.text "pca.fitt":find("Near it:\n  PCA:fit", 1, true))
    assert.is_truthy(help.text "":find("Nothing is called ''", 1, true))
    assert.is_truthy(help.text(("x"):rep(1e6)):find("Nothing is called a long string", 1, true))
    assert.is_truthy(help.text "%b()[":find("Nothing is called '%b()['", 1, true))
  end)

  it("says so when a value is none of latent's", function()
    assert.is_truthy(help.text(print):find("is not a part of latent", 1, true))
    assert.is_truthy(help.text(nil):find("nil is not a part of latent", 1, true))
    assert.is_truthy(help.text(12):find("12 is not a part of latent", 1, true))
  end)

  it("fits 80 columns everywhere", function()
    each_entry(function(entry)
      for line in (help.text(entry.name) .. "\n"):gmatch("(.-)\n") do
        if not (entry.example or ""):find(line:gsub("^%s+", ""), 1, true)
          and not (entry.text or ""):find(line:gsub("^%s+", ""), 1, true) then
          assert.is_true(utf8.len(line) <= 80, ("%s: %s"):format(entry.name, line))
        end
      end
    end)
  end)
end)
