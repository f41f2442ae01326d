-- latent.sandbox() and the registry's flag: what touches files or processes raises, from whatever place it is called.
-- Models as strings, which stay. Each state is a process of its own, for nothing undoes a sandbox.
local helper = require "helper"

-- All that touches files or processes, by the name that its message says: FILE is one that is there.
local TRIES = [[
  local latent = require "latent"
  local matrix, nn = latent.matrix, latent.nn
  local X = matrix { { 1, 2, 0 }, { 3, 5, 1 }, { 4, 4, 2 }, { 2, 6, 1 }, { 0, 1, 3 }, { 1, 4, 0 }, { 5, 2, 2 } }
  local store = nn.parameters()
  nn.linear(store, "f", 3, 2)
  local vae = latent.vae { input_dim = 3, latent_dim = 1, hidden = 4, likelihood = "gaussian" }
  local function make() return latent.gmm { components = 1 } end
  local classifier = latent.classifier(make):fit(X, { 1, 1, 1, 2, 2, 2, 2 })
  local figure = latent.plot.figure():points(X:col(1), X:col(2))
  local pca, own = latent.pca():fit(X), latent.em {
    parameters = { m = 1 }, max_iterations = 2,
    e_step = function(p, rows) return { s = rows:sum() }, -p.m end,
    m_step = function(s, p) return { m = p.m + 1 } end,
  }:fit(X)
  local models = { pca = pca, gmm = make():fit(X), kmeans = latent.kmeans { clusters = 2 }:fit(X),
    lds = latent.lds { latent_dim = 1, max_iterations = 2 }:fit(X), vae = vae, em = own, classifier = classifier }
  local tries = {
    { "latent.read", latent.read, FILE }, { "latent.open", latent.open, FILE },
    { "latent.write", latent.write, FILE, X },
    { "latent.load", latent.load, FILE }, { "latent._write_file", latent._write_file, FILE, "x" },
    { "latent.read", latent.read, "-" }, { "latent.read", latent.read, 7 },
    { "store:save", store.save, store, FILE }, { "store:load", store.load, store, FILE },
    { "vae:save", vae.fit, vae, X, { epochs = 1, checkpoint = FILE } },
    { "classifier:save", latent._save_group, FILE, "classifier", {}, {} },
    { "datasets.mnist", latent.datasets.mnist, "/tmp" }, { "latent.read", latent.datasets.iris },
    { "plot", figure.save, figure, FILE .. ".svg" }, { "plot", figure.text, figure },
    { "plot", require("latent.plot.gnuplot").run, "system 'true'" },
    { "plot", require("latent.plot.gnuplot").picture, figure, "svg" },
    { "latent.threads", latent.threads, 1 },
    { "pca:export", pca.export, pca, FILE .. ".c" },
    { "classifier:export", classifier.export, classifier, FILE .. ".c" },
    { "pca:export", require("latent.export").export, pca, FILE .. ".c" },
  }
  for name, model in pairs(models) do tries[#tries + 1] = { name .. ":save", model.save, model, FILE } end
  -- what they are reached by besides: upvalues, and the class of a model
  local fetched = latent.read
  tries[#tries + 1] = { "latent.read", function() return fetched(FILE) end }
  tries[#tries + 1] = { "latent.read", function()
    return coroutine.wrap(function() fetched(FILE) end)()
  end }
  local function withheld()
    for i, try in ipairs(tries) do
      local ran, message = pcall(table.unpack(try, 2))
      local wanted = try[1] .. ": withheld by the sandbox"
      assert(not ran and tostring(message):find(wanted, 1, true), i .. " " .. wanted .. ": " .. tostring(message))
    end
    return #tries
  end
]]

local function run(code, ...)
  local path = helper.file("nothing")
  local output, ok = helper.lua(("local FILE = %q\n"):format(path) .. TRIES .. code, ...)
  assert.is_truthy(ok, output)
  assert.are.equal("nothing", helper.contents(path))
  return output
end

describe("sandbox", function()
  after_each(helper.clean)

  it("withholds files and processes, from functions that were fetched before, too", function()
    local output = run [[
      assert(latent.sandbox() == latent and latent.sandbox() == latent)
      print(withheld() > 25, latent.threads() > 0)]]
    assert.are.equal("true\ttrue\n", output)
  end)

  it("isn't undone by what code can change", function()
    local output = run [[
      latent.sandbox()
      latent._allow = function() end
      package.loaded.latent = setmetatable({ _allow = function() end }, { __index = latent })
      for _, name in ipairs { "io", "os" } do _G[name] = setmetatable({}, { __index = package.loaded[name] }) end
      pcall(rawset, getmetatable(latent) or {}, "__index", print)
      collectgarbage()
      print(withheld() > 25)
      local registry = debug.getregistry() -- not even with the registry, where hosts have their flag
      registry["latent.sandbox"] = false
      latent.sandbox()
      print(withheld() > 25)]]
    assert.are.equal("true\ntrue\n", output)
  end)

  it("leaves parts that weren't there withheld, and has the others at once", function()
    local output = run [[
      package.loaded["latent.blocks"] = nil
      package.preload["latent.blocks"] = function() error "not installed" end
      latent.sandbox()
      package.preload["latent.blocks"] = function() return {} end
      print((select(2, pcall(function() return latent.blocks end)):gsub("^.-:%d+: ", "")))
      require = nil
      print(latent.folds and latent.metrics and true)]]
    assert.are.equal("latent.blocks: withheld by the sandbox\ntrue\n", output)
  end)

  it("begins at open by the registry's flag", function()
    local output = run("print(withheld() > 25)", [[LUA_INIT="debug.getregistry()['latent.sandbox'] = true"]])
    assert.are.equal("true\n", output)
  end)

  it("serves code in an environment that has nothing but the module", function()
    local output = run [[
      local code = [=[
        local X = latent.random(1):normal(60, 3)
        local g = latent.gmm { components = 2, seed = 1 }:fit(X)
        local vae = latent.vae { input_dim = 3, latent_dim = 1, hidden = 4, likelihood = "gaussian" }
        local train, test = latent.split(X)
        return #g:summary() > 100, #vae:fit(X, { epochs = 1 }).history, #train + #test,
          #latent.help.text "split" > 100, g:plot(X) ~= nil]=]
      latent.sandbox()
      local env = { latent = latent }
      print(pcall(assert(load(code, "=code", "t", env))))
      print(pcall(assert(load("return latent.pca():fit(latent.matrix.eye(2)).means", "=code", "t", env))))
      print(pcall(assert(load("return latent.read 'a.npy'", "=code", "t", env))))]]
    assert.are.equal("true\ttrue\t1\t60\ttrue\ttrue\n"
      .. "false\tcode:1: pca.means: there is no such field or method: it is model.mean\n"
      .. "false\tcode:1: latent.read: withheld by the sandbox\n", output)
  end)

  it("is called without arguments", function()
    local latent = require "latent"
    helper.fails("latent.sandbox: it is called without arguments, got 1", latent.sandbox, 1)
    helper.fails("latent.sandbox: it is called without arguments, got 'on'", latent.sandbox, "on")
    helper.fails("latent.sandbox: unknown option 'files'", latent.sandbox, { files = false })
  end)

  -- Hosts take globals from the code of others once the module is there: each part is used for the first time then.
  it("needs no globals of what has been opened, sandbox or not", function()
    local code = [=[
      local latent = require "latent"
      %s
      local print, pcall, pairs, globals = print, pcall, pairs, _G
      for name in pairs(globals) do globals[name] = nil end
      local X = latent.random(1):normal(60, 3)
      local function gmm() return latent.gmm { components = 2, seed = 1 }:fit(X) end
      local function net() return latent.vae { input_dim = 3, latent_dim = 1, hidden = 4, likelihood = "gaussian" } end
      local labels = latent.matrix(60, 1, function(i) return i %% 2 + 1 end):col(1)
      local tries = {
        gmm = function() return #gmm():summary() > 100 and gmm():plot(X) end,
        select = function() return latent.gmm_select(X, { components = { 1, 2 } }) end,
        vae = function() return net():fit(X, { epochs = 1 }) and net():plot(X) end,
        split = function() return latent.split(X) end,
        folds = function() return latent.folds(60, 3) end,
        cross = function() return latent.cross_validate(function() return latent.gmm() end, X) end,
        help = function() return latent.help.text "split" and latent.help.text(latent.gmm) end,
        classifier = function()
          return latent.classifier(function() return latent.gmm() end):fit(X, labels):predict(X)
        end,
        metrics = function() return latent.metrics.adjusted_rand({ 1, 2, 2 }, { 1, 2, 1 }) end,
        batches = function() return latent.batches(X, 10)() end,
        progress = function() return gmm():fit(X, { progress = function() end }) end,
        datasets = function() return latent.datasets.moons(10) end,
        string = function() return latent.load_string(gmm():save_string()) end,
        em = function()
          return latent.em { parameters = { m = 1 }, max_iterations = 2, e_step = function() return { s = 1 }, 0 end,
            m_step = function(_, p) return p end }:fit(X):summary()
        end,
        field = function() return not pcall(function() return gmm().mean end) end,
      }
      for name, try in pairs(tries) do
        local ran, result = pcall(try)
        if not ran or not result then print(name, result) end
      end
      print "all"]=]
    for _, line in ipairs { "", "latent.sandbox()" } do
      local output, ok = helper.lua(code:format(line))
      assert.is_truthy(ok, output)
      assert.are.equal("all\n", output)
    end
  end)

  it("hears of another print, and of none", function()
    local output = helper.lua [[
      local latent, original = require "latent", print
      local said = {}
      print = function(text) said[#said + 1] = text end
      latent.help "split"
      original(#said, #said[1] > 100)
      print = nil
      latent.help "split"]]
    assert.are.equal("1\ttrue\n" .. require("latent").help.text "split" .. "\n", output)
  end)

  it("keeps what touches none of these", function()
    local output = run [[
      latent.sandbox()
      local again = latent.load_string(pca:save_string())
      print(again:transform(X) == pca:transform(X))
      local g = latent.gmm { components = 2, seed = 1 }
      print(g:fit(X):score(X) == latent.gmm { components = 2, seed = 1 }:fit(X):score(X))
      print(#latent.help.text "gmm" > 100, latent.lds and latent.blocks and true)]]
    assert.are.equal("true\ntrue\ntrue\ttrue\n", output)
  end)
end)

describe("models as strings", function()
  after_each(helper.clean)
  local latent = require "latent"
  local X = latent.matrix { { 1, 2, 0 }, { 3, 5, 1 }, { 4, 4, 2 }, { 2, 6, 1 }, { 0, 1, 3 }, { 1, 4, 0 }, { 5, 2, 2 } }
  local own = { e_step = function(p, rows) return { s = rows:sum() }, -p.m end,
    m_step = function(_, p) return { m = p.m + 1 } end }
  local models = {
    latent.pca():fit(X), latent.gmm { components = 2 }:fit(X), latent.lds { latent_dim = 1, max_iterations = 2 }:fit(X),
    latent.vae { input_dim = 3, latent_dim = 1, hidden = 4, likelihood = "gaussian" }:fit(X, { epochs = 1 }),
    latent.classifier(function() return latent.gmm { components = 1 } end):fit(X, { 1, 1, 1, 2, 2, 2, 2 }),
    latent.em { parameters = { m = 1 }, max_iterations = 2, e_step = own.e_step, m_step = own.m_step }:fit(X),
  }

  it("are the bytes of the file, and load as it does", function()
    for i, model in ipairs(models) do
      local path = helper.path ".safetensors"
      assert(model:save(path))
      local bytes = model:save_string()
      assert.are.equal(helper.contents(path), bytes)
      local again = assert(latent.load_string(bytes, i == 6 and own or nil))
      assert.are.equal(bytes, again:save_string())
    end
  end)

  it("are checked as files are", function()
    local bytes = models[2]:save_string()
    for _, bad in ipairs { "", "x", bytes:sub(1, 7), bytes:sub(1, 100), bytes:sub(1, -2), bytes .. "x",
      bytes:gsub('"version":"1"', '"version":"2"'), bytes:gsub('"kind":"gmm"', '"kind":"ggg"'),
      (("\255"):rep(8) .. bytes:sub(9)) } do
      local path = helper.file(bad, ".safetensors")
      local model, message = latent.load_string(bad)
      local _, expected = latent.load(path)
      assert.is_nil(model)
      assert.are.equal(expected:gsub("^" .. path:gsub("%p", "%%%0"), "bytes"), message)
    end
    assert.is_truthy(select(2, latent.load_string((bytes:gsub('"version":"1"', '"version":"2"'))))
      :find("version '2' is unknown", 1, true))
  end)

  it("say what is wrong with arguments", function()
    helper.fails("latent.load_string: bytes must be a string, got nothing", latent.load_string)
    helper.fails("latent.load_string: bytes must be a string, got latent.Matrix", latent.load_string, X)
    helper.fails("latent.load_string: functions must be a table, got number", latent.load_string, "x", 1)
    helper.fails("gmm:save_string: the model is not fitted yet", function() latent.gmm():save_string() end)
    helper.fails("gmm:save_string: unknown option", function() models[2]:save_string { x = 1 } end)
  end)
end)
