-- What a VAE is not given, and files that are no VAE's.
local latent = require "latent"
local helper = require "helper"
local matrix = latent.matrix

local function make(options)
  local all = { input_dim = 4, latent_dim = 2, hidden = 3 }
  for key, value in pairs(options or {}) do all[key] = value end
  return latent.vae(all)
end

local X = matrix { { 0, 1, 0, 1 }, { 1, 1, 0, 0 }, { 0, 0.5, 1, 1 } }

describe("latent.vae refuses", function()
  it("options that make no sense", function()
    helper.fails("vae: the option input_dim is missing", latent.vae)
    helper.fails("vae: the option input_dim is missing", latent.vae, { latent_dim = 2 })
    helper.fails("vae: the option latent_dim is missing", latent.vae, { input_dim = 2 })
    helper.fails("vae: unknown option 'latentdim', did you mean 'latent_dim'?", latent.vae, { latentdim = 2 })
    helper.fails("vae: input_dim must be an integer from 1", make, { input_dim = 0 })
    helper.fails("vae: latent_dim must be an integer", make, { latent_dim = 1.5 })
    helper.fails("vae: hidden", make, { hidden = { 10, 0 } })
    helper.fails("vae: hidden", make, { hidden = "wide" })
    local deep = {}
    for k = 1, 20 do deep[k] = 1 end
    helper.fails("vae: hidden must be a list of 0 to 15 widths, got at least 16", make, { hidden = deep })
    helper.fails("unknown activation 'rulu', did you mean 'relu'?", make, { activation = "rulu" })
    helper.fails("unknown likelihood 'bernouli', did you mean 'bernoulli'?", make, { likelihood = "bernouli" })
    for _, rate in ipairs { 0, -1, math.huge, 0 / 0 } do
      helper.fails("vae: learning_rate must be a finite number > 0", make, { learning_rate = rate })
      local vae, options = make(), { learning_rate = rate }
      helper.fails("vae:step: learning_rate must be a finite number > 0", vae.step, vae, X, options)
      helper.fails("vae:fit: learning_rate must be a finite number > 0", vae.fit, vae, X, options)
    end
    helper.fails("vae: beta must be from 0", make, { beta = -1 })
    helper.fails("vae: samples must be an integer", make, { samples = 0 })
    helper.fails("vae: likelihood = \"categorical\" needs levels", make, { likelihood = "categorical" })
    helper.fails("vae: levels are the categorical likelihood's, not the bernoulli one's", make, { levels = 4 })
    helper.fails("vae: sigma must be a finite number > 0, got 0", make, { likelihood = "gaussian", sigma = 0 })
    helper.fails("vae: variance_range must be {least, most}", make, { variance_range = { 1, 0.5 } })
    helper.fails("vae: schedule = \"cosine\" needs schedule_steps", make, { schedule = "cosine" })
    helper.fails("vae: free_bits change a KL", make, { free_bits = 1, samples = 5 })
    helper.fails("beta1 and beta2 must be less than 1", make, { beta1 = 1 })
    helper.fails("too many", make, { input_dim = 1 << 24, hidden = 1 << 20 })
  end)

  it("data of another shape, or outside of what the likelihood is about", function()
    local vae = make()
    helper.fails("vae:step: X has 3 columns, the model takes 4", vae.step, vae, matrix.zeros(2, 3))
    helper.fails("vae:elbo: X has 5 columns, the model takes 4", vae.elbo, vae, matrix.zeros(2, 5))
    helper.fails("vae:decode: Z has 3 columns, the model takes 2", vae.decode, vae, matrix.zeros(2, 3))
    helper.fails("vae:step: X must be a matrix, got nothing", vae.step, vae)
    helper.fails("vae:step: self must be a vae", vae.step, {}, X)
    helper.fails('vae:step: X(2,3) is 12: likelihood = "bernoulli" takes 0 to 1; scale the data, or take "gaussian"',
      vae.step, vae, { { 0, 1, 0, 1 }, { 1, 1, 12, 0 } })
    local ok, message = pcall(function() vae:fit({ { 0, 0, 0, 7 } }) end)
    assert.is_false(ok)
    assert.matches("vae_misuse_spec%.lua:%d+: vae:fit: X%(1,4%) is 7", message)
    local far = make { likelihood = "gaussian", sigma = 1e-3 }:log_likelihood({ { 1e30, 0, 0, 0 } }, { samples = 10 })
    assert.are.equal(-math.huge, far[1])
    local zeros = matrix.zeros(3, 2)
    helper.fails("vae:elbo: means and variances of q belong together: variances are missing", vae.elbo, vae,
      matrix.zeros(3, 4), { means = zeros })
    helper.fails("vae:elbo: variances(1,1) is 0.0; they are finite and > 0", vae.elbo, vae, matrix.zeros(3, 4),
      { means = zeros, variances = zeros })
    helper.fails("vae:elbo: means has 3 rows, X has 2", vae.elbo, vae, matrix.zeros(2, 4),
      { means = zeros, variances = zeros + 1 })
    helper.fails("vae:elbo: X(1,1) is -0.25", vae.elbo, vae, { { -0.25, 0, 0, 0 } })
    helper.fails("vae:log_likelihood: X(1,4) is nan", vae.log_likelihood, vae, { { 0, 0, 0, 0 / 0 } })
    helper.fails("vae:fit: X has an infinity at row 1, column 4", vae.fit, vae, { { 0, 0, 0, 1 / 0 } }, { epochs = 1 })
    local gaussian = make { likelihood = "gaussian" }
    helper.fails("vae:step: X(1,2) is nan", gaussian.step, gaussian, { { -7, 0 / 0, 0, 0 } })
    gaussian:step { { -7, 1e9, 0, 0 } }
    local levels = make { likelihood = "categorical", levels = 3 }
    levels:step { { 0, 1, 2, 0 } }
    helper.fails('X(1,2) is 0.5: likelihood = "categorical" with levels = 3 takes whole numbers from 0 to 2',
      levels.step, levels, { { 0, 0.5, 2, 0 } })
    helper.fails("X(1,1) is 3", levels.step, levels, { { 3, 0, 2, 0 } })
    helper.fails("X(1,1) is -1", levels.elbo, levels, { { -1, 0, 2, 0 } })
    local continuous = make { likelihood = "continuous_bernoulli" }
    helper.fails("X(1,1) is 1.5: likelihood = \"continuous_bernoulli\" takes 0 to 1", continuous.step, continuous,
      { { 1.5, 0, 1, 0 } })
  end)

  it("labels that are missing, out of range, or not asked for", function()
    local vae = make { classes = 3 }
    helper.fails("vae:step: the model is conditional: labels are missing", vae.step, vae, X)
    helper.fails("vae:step: label 2 is 3", vae.step, vae, X, { labels = { 0, 3, 1 } })
    helper.fails("with classes = 3 they are whole numbers from 0 to 2", vae.step, vae, X, { labels = { 0, 1, -1 } })
    helper.fails("vae:encode: label 3 is 0.5", vae.encode, vae, X, { labels = { 0, 1, 0.5 } })
    helper.fails("vae:step: there are 2 labels for 3 rows", vae.step, vae, X, { labels = { 0, 1 } })
    helper.fails("vae:sample: the model is conditional", vae.sample, vae, 3)
    helper.fails("method = \"prior\" shares its draws", vae.log_likelihood, vae, X, { labels = 1, method = "prior" })
    helper.fails("vae:step: labels are for conditional models", make().step, make(), X, { labels = { 0, 1, 1 } })
    vae:step(X, { labels = 2 }) -- one for all
    local one = make { classes = 2, lowest = 1 }
    helper.fails("from 1 to 2", one.step, one, X, { labels = { 0, 1, 1 } })
  end)

  it("losses that aren't finite, and keeps the parameters of the last good step", function()
    local vae = make { likelihood = "gaussian", sigma = 1 }
    for _ = 1, 3 do vae:step(X) end
    local before = {}
    for name, P in pairs(vae:parameters()) do before[name] = P:copy() end
    helper.fails("vae:step: the loss is not finite: the result of ", vae.step, vae, { { 1e30, 0, 0, 0 } })
    for name, P in pairs(vae:parameters()) do assert.is_true(P == before[name], name) end
    assert.equal(3, vae.iterations)
    vae:step(X)
    local wild = make { likelihood = "gaussian", optimizer = "sgd", learning_rate = 1e30 }
    local ok, message = pcall(function() for _ = 1, 50 do wild:step(X) end end)
    assert.is_false(ok)
    assert.is_truthy(message:find "not finite" or message:find "gradient of", message)
    for name, P in pairs(wild:parameters()) do assert.equal(P.rows * P.cols, (P - P):eq(0):sum(), name) end
  end)

  it("loops that are asked for nothing", function()
    local vae = make()
    helper.fails("vae:fit: epochs must be an integer >= 1, got 0", vae.fit, vae, X, { epochs = 0 })
    helper.fails("vae:fit: batch must be an integer >= 1", vae.fit, vae, X, { batch = 0 })
    helper.fails("vae:fit: unknown option 'epoch'; did you mean 'epochs'?", vae.fit, vae, X, { epoch = 3 })
    helper.fails("vae:fit: X must be a matrix, got nil", vae.fit, vae)
    helper.fails("vae:fit: validation must be a matrix or {X, labels}", vae.fit, vae, X, { validation = 3 })
    helper.fails("vae:sample: n must be", vae.sample, vae, 0)
    helper.fails("vae:log_likelihood: samples must be an integer", vae.log_likelihood, vae, X, { samples = 0 })
    helper.fails("unknown method 'priour', did you mean 'prior'?", vae.log_likelihood, vae, X, { method = "priour" })
    helper.fails("callback", vae.fit, vae, X, { on_epoch = function() error "callback" end })
  end)
end)

describe("files of a VAE", function()
  local path = os.tmpname()
  teardown(function() os.remove(path) end)

  local function contents()
    local file = assert(io.open(path, "rb"))
    local bytes = file:read "a"
    file:close()
    return bytes
  end

  local function fails(part, bytes)
    local file = assert(io.open(path, "wb"))
    file:write(bytes)
    file:close()
    local model, message = latent.load(path)
    assert.is_nil(model)
    assert.is_truthy(message:find(part, 1, true), message)
  end

  -- The bytes with another header, padded as it was.
  local function edited(bytes, from, to)
    local length = string.unpack("<I8", bytes)
    local header = bytes:sub(9, 8 + length):gsub(" +$", "")
    local first, last = header:find(from, 1, true)
    assert.is_truthy(first, header)
    header = header:sub(1, first - 1) .. to .. header:sub(last + 1)
    header = header .. (" "):rep(-#header % 8)
    return string.pack("<s8", header) .. bytes:sub(9 + length)
  end

  it("are refused when they are cut short, changed, or of another architecture", function()
    local vae = make { seed = 1 }
    vae:step(X)
    assert(vae:save(path))
    local whole = contents()
    assert.equal("userdata", type(latent.load(path)))
    local function hidden(value) return edited(whole, '\\"hidden\\":3', '\\"hidden\\":' .. value) end
    for _, n in ipairs { 0, 7, 8, 100, #whole // 2, #whole - 1 } do fails("", whole:sub(1, n)) end
    fails("'encoder.1.weight' is 4x3 in the file, 4x5 in the store", hidden "5")
    fails("too many", hidden "16000000")
    fails("too many", edited(whole, '\\"input_dim\\":4', '\\"input_dim\\":16000000'))
    fails("the options are wrong: vae: unknown option", edited(whole, '\\"hidden\\":3', '\\"hiden\\":3'))
    fails("'encoder.2.weight' is 3x4 in the file, 3x3 in the store", hidden '[3,3]')
    fails("optimizer1 in the file is 'adam 1', not sgd", hidden '3,\\"optimizer\\":\\"sgd\\"')
    fails("a checkpoint of latent.nn alone", edited(whole, '"kind":"vae"', '"kind":"pca"'))
    -- a NaN among the parameters
    local length = string.unpack("<I8", whole)
    fails("has a NaN or an infinity", whole:sub(1, 8 + length) .. string.pack("<f", 0 / 0) .. whole:sub(13 + length))
    local ok, message = vae:save "/nowhere/at/all.safetensors"
    assert.is_nil(ok)
    assert.is_truthy(message:find "No such file")
  end)

  it("leave what is there as it was when they can't be read", function()
    assert(make():save(path))
    local model = assert(latent.load(path))
    assert.is_nil((latent.load "/nowhere"))
    assert.equal(0, model.iterations)
  end)

  it("survive mutation: a model or a message, never a crash", function()
    local vae = make { seed = 1 }
    vae:step(X)
    assert(vae:save(path))
    local whole, random = contents(), latent.random(3)
    local header = string.unpack("<I8", whole) + 8
    local loaded = 0
    for _ = 1, 400 do
      local at = random:integer(1, header)
      local byte = random:integer(0, 255)
      local file = assert(io.open(path, "wb"))
      file:write(whole:sub(1, at - 1), string.char(byte), whole:sub(at + 1))
      file:close()
      local model, message = latent.load(path)
      if model then
        loaded = loaded + 1
        model:elbo(X)
      else
        assert.is_string(message)
      end
    end
    assert.is_true(loaded < 200)
  end)
end)

describe("a host without memory", function()
  it("is given an error by nets, and nothing is lost", function()
    helper.starve [[
      local path = os.tmpname()
      local ok, message = pcall(function()
        local vae = latent.vae { input_dim = 4, latent_dim = 2, hidden = 3, classes = 2, samples = 2 }
        local X = { { 0, 1, 0, 1 }, { 1, 1, 0, 0.5 } }
        vae:step(X, { labels = { 0, 1 } })
        vae:elbo(X, { labels = 1 }) vae:log_likelihood(X, { labels = 1, samples = 3 }) vae:sample(2, { labels = 1 })
        assert(vae:save(path))
        assert(latent.load(path)):reconstruct(X, { labels = 1 })
        local model = latent.nonlinear { input_dim = 4, latent_dim = 1, hidden = 2, samples = 3 }
        model:step(X) model:log_likelihood(X, { samples = 5 }) model:decode { { 1 } }
      end)
      os.remove(path)
      if not ok then error(message, 0) end]]
  end)
end)
