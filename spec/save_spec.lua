-- Safetensors files, plain and with models: round trips, and everything that is refused. The files to
-- be refused are made here, byte by byte, after the format's description.
local latent = require "latent"
local helper = require "helper"
local matrix = latent.matrix

local paths = {}

local function temporary()
  local path = os.tmpname()
  os.remove(path)
  paths[#paths + 1] = path .. ".safetensors"
  return paths[#paths]
end

local function write(bytes)
  local path = temporary()
  local file = assert(io.open(path, "wb"))
  file:write(bytes)
  file:close()
  return path
end

local function contents(path)
  local file = assert(io.open(path, "rb"))
  local bytes = file:read "a"
  file:close()
  return bytes
end

-- A file of this header and data.
local function pack(header, data)
  return string.pack("<s8", header) .. (data or "")
end

-- Equal bit by bit, -0 included.
local function bits(A)
  local parts = {}
  for i = 1, A.rows do
    for j = 1, A.cols do parts[#parts + 1] = string.pack("<d", A(i, j)) end
  end
  return table.concat(parts)
end

local function fails(part, bytes, read)
  local path = write(bytes)
  local result, message = (read or latent.read)(path)
  assert.is_nil(result)
  assert.equal(path .. ": ", message:sub(1, #path + 2))
  assert.is_truthy(message:find(part, 1, true), ("'%s' should contain '%s'"):format(message, part))
end

local function clean()
  collectgarbage()
  for _, path in ipairs(paths) do os.remove(path) end
  paths = {}
end

local EIGHT = string.pack("<d", 1.5)
local ONE = '"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}'

describe("safetensors files", function()
  after_each(clean)

  it("hold matrices, vectors, views and both dtypes, with metadata", function()
    local path = temporary()
    local A = matrix { { 1, -0.0, 1 / 0 }, { 5e-324, 0 / 0, 1e300 } }
    local written = { A = A, t = A:t(), ["a \"b\" \\\n\u{e9}\u{1F600}"] = matrix { 1, 2, 3 },
      f = matrix({ { 0.5, 0.1 } }, { dtype = "float32" }), list = { { 1, 2 }, { 3, 4 } } }
    assert.is_true(latent.write(path, written, { metadata = { author = "J. \t\"D\"", [""] = "" } }))
    local tensors, metadata = latent.read(path)
    assert.same({ author = "J. \t\"D\"", [""] = "" }, metadata)
    for name, B in pairs(written) do
      if name ~= "list" then
        assert.equal(bits(B), bits(tensors[name]), name)
        assert.equal(B.dtype, tensors[name].dtype)
      end
    end
    assert.same({ { 1, 2 }, { 3, 4 } }, tensors.list:table())
    assert.same({ 1, 2, 3 }, tensors["a \"b\" \\\n\u{e9}\u{1F600}"]:table())
    local bytes, header = contents(path), string.unpack("<I8", contents(path))
    assert.equal(0, header % 8) -- so that elements are aligned
    assert.equal("{", bytes:sub(9, 9))
  end)

  it("are the same bytes for the same tensors, in the layout of the description", function()
    local path = temporary()
    assert(latent.write(path, { b = matrix { 2 }, a = matrix { 1.5 } }))
    local header = '{"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]},'
      .. '"b":{"dtype":"F64","shape":[1],"data_offsets":[8,16]}}'
    header = header .. (" "):rep(-#header % 8)
    assert.equal(pack(header, string.pack("<dd", 1.5, 2)), contents(path))
  end)

  it("may be empty", function()
    local path = temporary()
    assert(latent.write(path, {}))
    assert.same({}, (assert(latent.read(path))))
  end)

  local types = { I64 = "<i8", I32 = "<i4", I16 = "<i2", I8 = "<i1", F32 = "<f", F64 = "<d" }
  it("are read with every type, three axes as rows of the rest, none as one number", function()
    for dtype, format in pairs(types) do
      local data = {}
      for k = 1, 12 do data[k] = string.pack(format, k - 6) end
      data = table.concat(data)
      local size = string.packsize(format)
      local header = ('{"x": {"data_offsets": [%d, %d], "shape": [2, 3, 2], "dtype": "%s"},'
        .. '\n"y":{"dtype":"%s","shape":[],"data_offsets":[0,%d]}}  ')
        :format(size, 13 * size, dtype, dtype, size)
      local t = assert(latent.read(write(pack(header, string.pack(format, 7) .. data))))
      assert.same({ { -5, -4, -3, -2, -1, 0 }, { 1, 2, 3, 4, 5, 6 } }, t.x:table(), dtype)
      assert.same({ 7 }, t.y:table())
    end
  end)

  it("decode escapes and pairs of surrogates in names", function()
    local t = assert(latent.read(write(pack([[{"\u00e9\ud83d\ude00\/\n":{"dtype":"F64","shape":[1],]]
      .. [["data_offsets":[0,8]}}]], EIGHT))))
    assert.same({ 1.5 }, t["\u{e9}\u{1F600}/\n"]:table())
  end)

  it("keep the old file when the new one can't be written", function()
    local path = temporary()
    assert(latent.write(path, { a = matrix { 1 } }))
    local before = contents(path)
    helper.fails("UTF-8", latent.write, path, { ["\xff"] = matrix { 1 } })
    helper.fails("the format's own", latent.write, path, { __metadata__ = matrix { 1 } })
    assert.equal(before, contents(path))
    assert.is_nil((latent.write("/nowhere/x.safetensors", { a = matrix { 1 } })))
  end)

  it("raise at misuse", function()
    local path = temporary()
    helper.fails("X must be a table of matrices by name, got latent.Matrix", latent.write, path, matrix.eye(2))
    helper.fails("not by a number", latent.write, path, { matrix.eye(2) })
    helper.fails("a must be a matrix, got string", latent.write, path, { a = "x" })
    helper.fails("metadata must be strings", latent.write, path, {}, { metadata = { a = 1 } })
    helper.fails("unknown option 'meta'", latent.write, path, {}, { meta = {} })
  end)

  local function tensor(dtype, shape, offsets, more)
    return ('{"a":{"dtype":"%s","shape":%s,"data_offsets":%s%s}}'):format(dtype, shape, offsets, more or "")
  end

  it("are refused when truncated, anywhere", function()
    local whole = pack("{" .. ONE .. "}", EIGHT)
    assert(latent.read(write(whole)))
    for n = 0, #whole - 1 do
      local result, message = latent.read(write(whole:sub(1, n)))
      assert.is_nil(result)
      assert.is_string(message)
    end
    fails("the tensors end at byte 8 of 9", whole .. "x")
  end)

  it("are refused with a header of length 0 or huge", function()
    fails("doesn't begin with '{'", pack("", EIGHT))
    fails("doesn't begin with '{'", pack(" {" .. ONE .. "}", EIGHT))
    fails("truncated: the header has 100000000 bytes", string.pack("<I8", 100000000) .. "{}")
    fails("a header of 100000001 bytes", string.pack("<I8", 100000001) .. "{}")
    fails("a header of 18446744073709551615 bytes", ("\xff"):rep(8) .. "{}")
  end)

  it("are refused with overlapping, outside or gappy offsets", function()
    local two = '{' .. ONE .. ',"b":{"dtype":"F64","shape":[1],"data_offsets":[%d,%d]}}'
    fails("within the tensor", pack(two:format(4, 12), EIGHT .. "1234"))
    fails("within the tensor", pack(two:format(0, 8), EIGHT))
    fails("after a hole", pack(two:format(16, 24), EIGHT:rep(3)))
    fails("but there are 8 bytes", pack(two:format(8, 16), EIGHT))
    fails("but there are 8 bytes", pack(tensor("F64", "[1]", "[8,0]"), EIGHT))
    fails("after a hole", pack(tensor("F64", "[1]", "[8,16]"), EIGHT:rep(2)))
    fails("the tensors end at byte 0", pack("{}", EIGHT))
    fails("two data_offsets", pack(tensor("F64", "[1]", "[0]"), EIGHT))
    fails("two data_offsets", pack(tensor("F64", "[1]", "[0,8,8]"), EIGHT))
  end)

  it("are refused with types and shapes that don't fit the data", function()
    fails("its shape needs 16", pack(tensor("F64", "[2]", "[0,8]"), EIGHT))
    fails("its shape needs 4", pack(tensor("F32", "[1]", "[0,8]"), EIGHT))
    fails("overflows", pack(tensor("F64", "[4294967296,4294967296]", "[0,8]"), EIGHT))
    fails("overflows", pack(tensor("F64", "[2305843009213693952]", "[0,8]"), EIGHT))
    fails("more than 8 axes", pack(tensor("F64", "[1,1,1,1,1,1,1,1,1]", "[0,8]"), EIGHT))
    fails("dtype 'BF16', which can't be read", pack(tensor("BF16", "[4]", "[0,8]"), EIGHT))
    fails("expected a size", pack(tensor("F64", "[-1]", "[0,8]"), EIGHT))
    fails("expected a size", pack(tensor("F64", "[1.0]", "[0,8]"), EIGHT))
    fails("expected a size", pack(tensor("F64", "[9223372036854775808]", "[0,8]"), EIGHT))
    fails("expected a number", pack(tensor("F64", '["1"]', "[0,8]"), EIGHT))
    fails("expected a number", pack(tensor("F64", "[01]", "[0,8]"), EIGHT))
    fails("is empty", pack(tensor("F64", "[0]", "[0,0]")))
  end)

  it("are refused with names or keys that are twice there, missing or unknown", function()
    fails("'a' is there twice", pack("{" .. ONE .. "," .. ONE:gsub("0,8", "8,16") .. "}", EIGHT:rep(2)))
    fails("'a' is there twice", pack("{" .. ONE .. "," .. ONE:gsub('"a"', '"\\u0061"') .. "}", EIGHT))
    fails("'__metadata__' is there twice", pack('{"__metadata__":{},"__metadata__":{},' .. ONE .. "}", EIGHT))
    fails("the metadata has 'k' twice", pack('{"__metadata__":{"k":"1","k":"2"},' .. ONE .. "}", EIGHT))
    fails("expected a string", pack('{"__metadata__":{"k":1},' .. ONE .. "}", EIGHT))
    fails("a repeated key 'shape'", pack(tensor("F64", "[1]", "[0,8]", ',"shape":[1]'), EIGHT))
    fails("an unknown key 'order'", pack(tensor("F64", "[1]", "[0,8]", ',"order":1'), EIGHT))
    fails("has no data_offsets", pack('{"a":{"dtype":"F64","shape":[1]}}', EIGHT))
  end)

  it("are refused with what is no JSON or no UTF-8", function()
    for _, name in ipairs { "\xff", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82" } do
      fails("not UTF-8", pack("{" .. ONE:gsub('"a"', '"' .. name .. '"') .. "}", EIGHT))
    end
    for _, name in ipairs { "\\x", "\\ud800", "\\udc00", "\\ud800\\u0041", "\\u00g0", "\\u12" } do
      fails("a valid escape", pack('{"' .. name .. '":' .. ONE:sub(5) .. "}", EIGHT))
    end
    for _, header in ipairs { "{", "{}}", "{,}", '{"a"}', '{"a":}', "{" .. ONE .. ",}", '{"a\n":1}', "{a:1}",
      "{" .. ONE .. "} x", "{" .. ONE .. "}\0", '{"a":[]}', '{"a":null}', '{"a', '{"a\\' } do
      fails("bad JSON: expected", pack(header, EIGHT))
    end
  end)

  it("survive mutants", function()
    local model = [[{"__metadata__":{"format":"latent"},]]
      .. [["components":{"dtype":"F64","shape":[2,1],"data_offsets":[0,16]},]]
      .. [["mean":{"dtype":"F64","shape":[2],"data_offsets":[16,32]},"noise":{"dtype":"F64","shape":[],]]
      .. [["data_offsets":[32,40]}}]]
    local two, at = "{", 0
    for i = 1, 2 do
      for name, shape in pairs { components = "2,1", mean = "2", noise = "" } do
        local bytes = name == "noise" and 8 or 16
        two = two .. ('%s"%d.%s":{"dtype":"F64","shape":[%s],"data_offsets":[%d,%d]}'):format(at > 0 and "," or "", i,
          name, shape, at, at + bytes)
        at = at + bytes
      end
    end
    two = two .. "}"
    helper.fuzz("fuzz_safetensors", {
      pack(model, EIGHT:rep(5)), pack(two, EIGHT:rep(10)), pack("{" .. ONE .. "}", EIGHT),
      pack([[{"\u00e9\ud83d\ude00\n":{"dtype":"F16","shape":[1,2,2],"data_offsets":[0,8]}}  ]], EIGHT),
    })
  end)
end)

describe("saved models", function()
  after_each(clean)
  local X = latent.random(7):normal(40, 4)
  local Y = latent.random(8):normal(10, 4)

  local function round(model)
    local path = temporary()
    assert.is_true(model:save(path))
    return assert(latent.load(path)), path
  end

  it("transform to the same bits: pca", function()
    for _, options in ipairs { {}, { latent_dim = 2 }, { latent_dim = 3, whiten = true },
      { standardize = true, latent_dim = 0.8, tolerance = 1e-7, seed = math.mininteger } } do
      local model = latent.pca(options):fit(X)
      local loaded = round(model)
      assert.equal(bits(model:transform(Y)), bits(loaded:transform(Y)))
      assert.equal(bits(model:reconstruct(Y)), bits(loaded:reconstruct(Y)))
      assert.equal(tostring(model), tostring(loaded))
      assert.equal(model.total_variance, loaded.total_variance)
      assert.same({ model.iterations, model.converged, model.solver, model.history },
        { loaded.iterations, loaded.converged, loaded.solver, loaded.history })
      assert.equal("integer", math.type(loaded.iterations))
    end
  end)

  it("transform to the same bits: scaler", function()
    for _, options in ipairs { {}, { with_mean = false }, { with_deviation = false } } do
      local model = latent.scaler(options):fit(X)
      assert.equal(bits(model:transform(Y)), bits(round(model):transform(Y)))
    end
  end)

  it("keep their options: a new fit of the loaded model is the old model's", function()
    local options = { latent_dim = 2, standardize = true, whiten = true }
    local model = latent.pca(options):fit(X)
    options.latent_dim = 3 -- no business of the model's
    local loaded = round(model)
    assert.equal(bits(model:fit(Y):transform(X)), bits(loaded:fit(Y):transform(X)))
    assert.equal(2, loaded.components.cols)
  end)

  it("save to the same bytes again, also when loaded", function()
    local loaded, first = round(latent.pca { whiten = true, latent_dim = 2 }:fit(X))
    local _, second = round(loaded)
    assert.equal(contents(first), contents(second))
  end)

  it("bring rows of a partial_fit up to date first", function()
    local model = latent.pca { latent_dim = 2 }:partial_fit(X)
    assert.equal(bits(model:transform(Y)), bits(round(model):transform(Y)))
  end)

  it("are tensors for latent.read", function()
    local model, path = round(latent.pca { latent_dim = 2 }:fit(X))
    local tensors, metadata = latent.read(path)
    assert.equal(bits(model.components), bits(tensors.components))
    assert.same({ "latent", "1", "pca", '{"latent_dim":2}', '{"D":4,"M":2}' },
      { metadata.format, metadata.version, metadata.kind, metadata.options, metadata.sizes })
  end)

  it("raise or say why they can't be written", function()
    helper.fails("pca:save: the model is not fitted yet", latent.pca().save, latent.pca(), temporary())
    helper.fails("pca:save: path must be a string, got nil", function() latent.pca():fit(X):save() end)
    helper.fails("pca:save: self must be a pca", latent.pca().save, latent.scaler():fit(X), temporary())
    local ok, message = latent.scaler():fit(X):save "/nowhere/x"
    assert.is_nil(ok)
    assert.equal("/nowhere/x: ", message:sub(1, 12))
  end)

  -- A scaler of D = 2, with changes: metadata and tensors by name (false leaves one out).
  local function scaler(metadata, tensors)
    local m = { format = "latent", version = "1", kind = "scaler", options = "{}", sizes = '{"D":2}', record = "{}" }
    local t = { mean = matrix { 1, 2 }, deviation = matrix { 3, 4 } }
    for key, value in pairs(metadata or {}) do m[key] = value or nil end
    for key, value in pairs(tensors or {}) do t[key] = value or nil end
    local path = temporary()
    assert(latent.write(path, t, { metadata = m }))
    return contents(path)
  end
  local function refuses(part, metadata, tensors)
    fails(part, scaler(metadata, tensors), latent.load)
  end

  it("may be written by others", function()
    local model = assert(latent.load(write(scaler())))
    assert.same({ 0, 0.5 }, model:transform(matrix { { 1, 4 } }):row(1):table())
  end)

  it("are refused when another kind, version or format", function()
    refuses("no saved model", { format = "pt" })
    refuses("no saved model", { format = false })
    refuses("no saved model", { kind = false })
    refuses("version '2' is unknown", { version = "2" })
    refuses("kind 'help' is unknown", { kind = "help" })
    refuses("kind 'os.execute' is unknown", { kind = "os.execute" })
    fails("truncated", "abc", latent.load)
    local ok, message = latent.load "/nowhere/x"
    assert.is_nil(ok)
    assert.is_string(message)
    helper.fails("latent.load: path must be a string", latent.load, 3)
  end)

  it("are refused when options, sizes or record are wrong", function()
    refuses("the metadata has no 'options'", { options = false })
    refuses("'options' in the metadata is no JSON object", { options = "[]" })
    refuses("unknown option 'whiten'", { options = '{"whiten":true}' })
    refuses("with_mean must be true or false", { options = '{"with_mean":1}' })
    refuses("a key is there twice", { options = '{"with_mean":true,"with_mean":true}' })
    refuses("nested more than", { options = '{"with_mean":' .. ("["):rep(100000) .. "1" .. ("]"):rep(100000) .. "}" })
    refuses("expected nothing more", { options = "{}{}" })
    refuses("expected true", { options = '{"with_mean":tru}' })
    refuses("the metadata has no 'sizes'", { sizes = false })
    refuses("the size D must be an integer >= 1", { sizes = "{}" })
    refuses("the size D must be an integer >= 1", { sizes = '{"D":0}' })
    refuses("the size D must be an integer >= 1", { sizes = '{"D":2.0}' })
    refuses("the size D must be an integer >= 1", { sizes = '{"D":-2}' })
    refuses("no place for 'mean'", { record = '{"mean":1}' })
    refuses("no place for '(options)'", { record = '{"(options)":1}' })
    refuses("no place for 'history'", { record = '{"history":[[1]]}' })
  end)

  it("are refused when parameters are missing, too many or of the wrong shape", function()
    refuses("'deviation' is missing", nil, { deviation = false })
    refuses("'extra' is no parameter", nil, { extra = matrix { 1 } })
    refuses("'mean' is 2, the model's sizes make it 3", { sizes = '{"D":3}' })
    refuses("'deviation' is 3, the model's sizes make it 2", nil, { deviation = matrix { 1, 2, 3 } })
    refuses("'mean' is 2x1, the model's sizes make it 2", nil, { mean = matrix { { 1 }, { 2 } } })
    refuses("'mean' must have dtype F64", nil, { mean = matrix({ 1, 2 }, { dtype = "float32" }) })
    refuses("'mean' is 2, the model's sizes make it 9223372036854775807", { sizes = '{"D":9223372036854775807}' })
  end)

  it("are refused with NaN and infinity", function()
    refuses("element 2 of 'mean' is NaN", nil, { mean = matrix { 1, 0 / 0 } })
    refuses("element 1 of 'deviation' is infinite", nil, { deviation = matrix { -1 / 0, 1 } })
  end)

  it("of clusters and Gaussians come back, unless parameters and options disagree", function()
    local iris = latent.datasets.iris()
    local kmeans = latent.kmeans { clusters = 3 }:fit(iris)
    local gmm = latent.gmm { components = 3, covariance = "diag" }:fit(iris)
    local path = temporary()
    assert(kmeans:save(path))
    assert.equal(bits(kmeans:predict(iris)), bits(assert(latent.load(path)):predict(iris)))
    assert(gmm:save(path))
    assert.equal(bits(gmm:log_likelihood(iris)), bits(assert(latent.load(path)):log_likelihood(iris)))

    local file = assert(io.open(path, "rb"))
    local whole = file:read "a"
    file:close()
    local function load_changed(from, to)
      local bytes, count = whole:gsub(from, to)
      assert.equal(1, count)
      file = assert(io.open(path, "wb"))
      file:write(bytes)
      file:close()
      return select(2, latent.load(path))
    end
    local message = load_changed('components\\":3', 'components\\":2')
    assert.truthy(message:find("the parameters are of 3 components", 1, true), message)
    local first = string.pack("<d", gmm.weights[1]):gsub("%p", "%%%0")
    assert.truthy(load_changed(first, (string.pack("<d", -1):gsub("%%", "%%%%"))):find("no distribution", 1, true))
  end)

  -- The file of a model with `changes` to its tensors (by name; false leaves one out) and metadata.
  local function changed(model, tensors, metadata)
    local path = temporary()
    assert(model:save(path))
    local t, m = assert(latent.read(path))
    for name, value in pairs(tensors or {}) do t[name] = value or nil end
    for name, value in pairs(metadata or {}) do m[name] = value or nil end
    assert(latent.write(path, t, { metadata = m }))
    return contents(path)
  end

  it("come back: mixtures of every family", function()
    local counts = matrix(60, 3, function(i, j) return (i * j + i // 3) % 4 end)
    local bits_of = counts:gt(1)
    local onehot = matrix(60, 5, function(i, j) return (i % 2 == j - 1 or i % 3 == j - 3) and 1 or 0 end)
    for _, case in ipairs {
      { { family = "bernoulli", smoothing = 0.5 }, bits_of }, { { family = "poisson" }, counts },
      { { family = "categorical", levels = 4 }, counts }, { { family = "categorical", groups = { 2, 3 } }, onehot },
    } do
      case[1].components, case[1].restarts = 2, 1
      local model = latent.mixture(case[1]):fit(case[2])
      local loaded = round(model)
      assert.equal(bits(model:log_likelihood(case[2])), bits(loaded:log_likelihood(case[2])))
      assert.equal(bits(model:responsibilities(case[2])), bits(loaded:responsibilities(case[2])))
      assert.equal(bits(model:fit(case[2]):log_likelihood(case[2])),
        bits(loaded:fit(case[2]):log_likelihood(case[2])))
    end
  end)

  it("are refused: mixtures whose parameters are none", function()
    local counts = matrix(60, 2, function(i, j) return (i * j + i // 3) % 3 end)
    local b = latent.mixture { components = 2, restarts = 1 }:fit(counts:gt(0))
    fails("the parameters are wrong: latent.load: means[1,1] is 1.5",
      changed(b, { means = matrix { { 1.5, 0 }, { 0, 0 } } }), latent.load)
    fails("the weights are no distribution", changed(b, { weights = matrix { 0.5, 0.6 } }), latent.load)
    fails("the options say 3", changed(b, nil, { options = '{"components":3}' }), latent.load)
    fails("'rates' is missing", changed(b, nil, { options = '{"components":2,"family":"poisson"}' }), latent.load)
    local p = latent.mixture { components = 2, restarts = 1, family = "poisson" }:fit(counts)
    fails("rates[1,1] is -1", changed(p, { rates = matrix { { -1, 1 }, { 1, 1 } } }), latent.load)
    local c = latent.mixture { components = 2, restarts = 1, family = "categorical" }:fit(counts)
    fails("levels or lowest are no codes", changed(c, { levels = matrix { 1e300, 3 } }), latent.load)
    fails("levels or lowest are no codes", changed(c, { lowest = matrix { 0.5, 0 } }), latent.load)
    fails("levels don't add up to M", changed(c, { levels = matrix { 3, 2 } }), latent.load)
    fails("no groups of columns", changed(c, { lowest = matrix { -1, -1 } }), latent.load)
    fails("don't add up to 1", changed(c, { probabilities = matrix(2, 6, 0.3) }), latent.load)
    fails("element 1 of 'weights' is NaN", changed(b, { weights = matrix { 0 / 0, 1 } }), latent.load)
    local own = latent.mixture { components = 2, family = {
      log_density = function(mean, Z) return (Z:col(1) - mean) ^ 2 * -0.5 end,
      fit = function(Z, r) return Z:col(1):dot(r) / r:sum() end,
    } }:fit(X)
    helper.fails("the option 'family' can't be saved: it is, or holds, a function", own.save, own, temporary())
  end)

  it("come back: ica, unless unmixing undoes nothing", function()
    local model = latent.ica { seed = 2 }:fit(latent.random(3):uniform(300, 4))
    local loaded = round(model)
    assert.equal(bits(model:transform(Y)), bits(loaded:transform(Y)))
    assert.equal(bits(model:log_likelihood(Y)), bits(loaded:log_likelihood(Y)))
    assert.same({ model.algorithm, model.converged, model.identifiable, model.history },
      { loaded.algorithm, loaded.converged, loaded.identifiable, loaded.history })
    local init = latent.ica { init = { { 1, 0.5 }, { 0, 1 } } }:fit(latent.random(4):uniform(300, 2))
    assert.equal(bits(init.mixing), bits(round(init).mixing))
    fails("unmixing * mixing isn't the identity", changed(model, { mixing = matrix.ones(4, 4) }), latent.load)
    fails("which latent_dim = 2 doesn't fit", changed(model, nil, { options = '{"latent_dim":2}' }), latent.load)
    fails("'mixing' is 4x4, the model's sizes make it 4x3", changed(model, nil, { sizes = '{"D":4,"M":3}' }),
      latent.load)
  end)

  it("of one's own functions come back with these", function()
    local functions = {
      e_step = function(t, y)
        local hidden = y[1] * t.theta / (2 + t.theta)
        return { a = hidden + y[4], b = y[2] + y[3] },
          y[1] * math.log(2 + t.theta) + (y[2] + y[3]) * math.log(1 - t.theta) + y[4] * math.log(t.theta)
      end,
      m_step = function(s) return { theta = s.a / (s.a + s.b), sums = matrix { s.a, s.b } } end,
    }
    local counts = { 125, 18, 20, 34 }
    local model = latent.em { parameters = { theta = 0.5, sums = matrix { 1, 1 } }, e_step = functions.e_step,
      m_step = functions.m_step, tolerance = 1e-12 }
    helper.fails("em:save: the model is not fitted yet", model.save, model, temporary())
    model:fit(counts)
    local path = temporary()
    assert.is_true(model:save(path))
    local tensors, metadata = latent.read(path)
    assert.equal(model.parameters.theta, tensors.theta[1])
    assert.equal('{"tolerance":1e-12}', metadata.options)
    fails("its functions are not in the file: latent.load(path, { e_step =", contents(path), latent.load)
    local loaded = assert(latent.load(path, functions))
    assert.equal(model.parameters.theta, loaded.parameters.theta)
    assert.equal(bits(model.parameters.sums), bits(loaded.parameters.sums))
    assert.same(model.history, loaded.history)
    loaded:fit(counts) -- begins where the file's ended
    assert.is_true(loaded.iterations <= 3)
    assert.near(model.parameters.theta, loaded.parameters.theta, 1e-8)
    local function with(f) return function(p) return latent.load(p, f) end end
    fails("m_step must be a function, got nothing", contents(path), with { e_step = print })
    fails("unknown option 'n_step'", contents(path), with { e_step = print, n_step = print })
    fails("element 2 of 'sums' isn't finite", changed(model, { sums = matrix { 1, 0 / 0 } }), with(functions))
    helper.fails("functions must be a table, got number", latent.load, path, 3)
    assert(latent.pca():fit(X):save(path))
    helper.fails("is not one of Lua functions", latent.load, path, functions)
  end)

  describe("of classifiers", function()
    local labels = {}
    for i = 1, 40 do labels[i] = i % 3 == 0 and "c" or i % 2 == 0 and "a" or "b" end
    local function make(class)
      return class == "b" and latent.gmm { components = 1 } or latent.ppca { latent_dim = 2 }
    end

    it("come back with all their models", function()
      for _, options in ipairs { {}, { priors = "equal" }, { priors = { a = 1, b = 2, c = 1 } } } do
        local model = latent.classifier(make, options):fit(X, labels)
        local loaded, path = round(model)
        assert.equal(bits(model:posteriors(Y)), bits(loaded:posteriors(Y)))
        assert.same(model:predict(Y), loaded:predict(Y))
        assert.same(model.classes, loaded.classes)
        assert.equal(tostring(model), tostring(loaded))
        assert.equal(model:free_parameters(), loaded:free_parameters())
        local _, again = round(loaded)
        assert.equal(contents(path), contents(again))
        local tensors, metadata = latent.read(path)
        assert.equal(bits(model.models[3].W), bits(tensors["3.W"]))
        assert.same({ "classifier", "ppca", '{"components":1}' },
          { metadata.kind, metadata["1.kind"], metadata["2.options"] })
        helper.fails("a classifier from a file has no function to make models", loaded.fit, loaded, X, labels)
        assert.same(model:predict(Y), loaded:predict(Y))
      end
      local numbers = latent.classifier(make):fit(X, matrix.ones(40):assign(2))
      assert.equal(bits(numbers:predict(Y)), bits(round(numbers):predict(Y)))
    end)

    it("raise what can't be saved", function()
      local c = latent.classifier(make)
      helper.fails("classifier:save: the model is not fitted yet", c.save, c, temporary())
      local own = latent.classifier(function()
        local m = { log_likelihood = function(_, Z) return Z:sum(2) end }
        m.fit = function() return m end
        return m
      end):fit(X, labels)
      helper.fails("classifier:save: model 1 is a table", own.save, own, temporary())
      assert.is_nil((c:fit(X, labels):save "/nowhere/x"))
    end)

    it("are refused when anything is wrong", function()
      -- whose tensors have one or two axes, so that latent.read keeps their shapes
      local model = latent.classifier(function()
        return latent.gmm { components = 1, covariance = "diag" }
      end):fit(X, labels)
      local function rejects(part, tensors, metadata) fails(part, changed(model, tensors, metadata), latent.load) end
      local options = '{"classes":%s,"given":"estimated","priors":%s}'
      local priors = "[0.5,0.25,0.25]"
      rejects("'4.means' is no parameter", { ["4.means"] = matrix { 1 } })
      rejects("the model's '1.means' is missing", { ["1.means"] = false })
      rejects("element 2 of '2.means' is infinite", { ["2.means"] = matrix { { 1, 1 / 0, 1, 1 } } })
      rejects("'3.means' is 3x2", { ["3.means"] = matrix.ones(3, 2) })
      rejects("the weights are no distribution", { ["2.weights"] = matrix { 0.5 } })
      rejects("kind 'classifier' is unknown", nil, { ["1.kind"] = "classifier" })
      rejects("the metadata has no '2.sizes'", nil, { ["2.sizes"] = false })
      rejects("'3.record' in the metadata is no JSON object", nil, { ["3.record"] = "[]" })
      rejects("is no parameter of the model", nil, { ["3.kind"] = false })
      rejects("the options are wrong", nil, { ["1.kind"] = "em" })
      rejects("not a model for each class", nil, { options = options:format('["a","b"]', priors) })
      rejects("not a model for each class", nil, { options = "{}" })
      rejects("not a prior for each class", nil, { options = options:format('["a","b","c"]', "[1]") })
      rejects("the priors don't add up to 1", nil, { options = options:format('["a","b","c"]', "[1,1,1]") })
      rejects("a prior is no number", nil, { options = options:format('["a","b","c"]', '["1",0,0]') })
      rejects("the classes are not sorted", nil, { options = options:format('["a","c","b"]', priors) })
      rejects("a class is no number or string", nil, { options = options:format('["a",2,"b"]', priors) })
      local right = options:format('["a","b","c"]', priors)
      rejects("given as no one knows", nil, { options = right:gsub("estim", "") .. "" })
      rejects("an unknown option", nil, { options = right:gsub("{", '{"x":1,') .. "" })
      rejects("the metadata has no 'options'", nil, { options = false })
      local path = temporary()
      assert(latent.write(path, { ["1.mean"] = matrix { 1, 2 }, ["1.deviation"] = matrix { 1, 1 } }, { metadata = {
        format = "latent", version = "1", kind = "classifier", options = options:format('["a"]', "[1]"),
        ["1.kind"] = "scaler", ["1.options"] = "{}", ["1.sizes"] = '{"D":2}', ["1.record"] = "{}" } }))
      fails("a model has no log_likelihood", contents(path), latent.load)
    end)
  end)

  -- safetensors' own package is the judge.
  it("load in Python with the safetensors package, and its files here", function()
    local python = helper.python "safetensors.numpy"
    if not python then return pending "python3 has no safetensors and numpy" end
    local model = latent.pca { latent_dim = 2 }:fit(X)
    local path, back, script = temporary(), temporary(), temporary()
    assert(model:save(path))
    local file = assert(io.open(script, "w"))
    file:write [=[
import sys, json, numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file
with safe_open(sys.argv[1], framework="np") as f:
    t = {k: f.get_tensor(k) for k in f.keys()}
    m = f.metadata()
assert m["kind"] == "pca" and json.loads(m["options"]) == {"latent_dim": 2}, m
assert all(a.dtype == np.float64 for a in t.values())
X = np.arange(8.0).reshape(2, 4)
t["Z"] = (X - t["mean"]) @ t["components"]
t["h"] = np.array([[1, 2.5]], dtype=np.float16)
t["f"] = np.array([[[0.1, 2]], [[3, 4]]], dtype=np.float32)
save_file(t, sys.argv[2], metadata=m)
]=]
    file:close()
    local output, ok = helper.run(("%s %s %s %s"):format(python, script, path, back))
    assert.is_truthy(ok, output)
    local t, metadata = latent.read(back)
    assert.equal(select(2, latent.read(path)).record, metadata.record)
    assert.near_matrix(model:transform(matrix { { 0, 1, 2, 3 }, { 4, 5, 6, 7 } }), t.Z, 1e-14)
    assert.same({ { 1, 2.5 } }, t.h:table())
    assert.equal("float32", t.f.dtype)
    assert.same({ 2, 2 }, { t.f.rows, t.f.cols })
    assert.equal(bits(model.components), bits(t.components))
    -- a classifier is one file, with all its models
    local labels = {}
    for i = 1, 40 do labels[i] = i % 2 == 0 and "even" or "odd" end
    local c = latent.classifier(function() return latent.ppca { latent_dim = 2 } end):fit(X, labels)
    assert(c:save(path))
    file = assert(io.open(script, "w"))
    file:write [=[
import sys, json, numpy as np
from safetensors import safe_open
with safe_open(sys.argv[1], framework="np") as f:
    t = {k: f.get_tensor(k) for k in f.keys()}
    m = f.metadata()
assert m["kind"] == "classifier" and m["2.kind"] == "ppca", m
o = json.loads(m["options"])
assert o["classes"] == ["even", "odd"]
x, log_p = np.arange(4.0), []
for k in ("1.", "2."):
    C = t[k + "W"] @ t[k + "W"].T + t[k + "noise_variance"] * np.eye(4)
    d = x - t[k + "mean"]
    log_p.append(-0.5 * (d @ np.linalg.solve(C, d) + np.linalg.slogdet(2 * np.pi * C)[1]))
log_p = np.array(log_p) + np.log(o["priors"])
print(repr(float(np.logaddexp(*log_p))))
]=]
    file:close()
    output, ok = helper.run(("%s %s %s"):format(python, script, path))
    assert.is_truthy(ok, output)
    assert.near(c:log_likelihood({ { 0, 1, 2, 3 } })[1], tonumber(output), 1e-12)
  end)
end)
