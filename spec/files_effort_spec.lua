-- Small files and small numbers that ask for much work: it stays in proportion to what is in the file, and
-- counts that nobody can mean are refused at once. Times are of the processor, with room for sanitizers.
local latent = require "latent"
local helper = require "helper"

local path

local function put(ending, bytes)
  path = os.tmpname()
  os.remove(path)
  path = path .. ending
  local file = assert(io.open(path, "wb"))
  file:write(bytes)
  file:close()
  return path
end

-- f's results, once it has taken less than so many seconds.
local function within(seconds, f, ...)
  local start = os.clock()
  local results = table.pack(f(...))
  local taken = os.clock() - start
  assert.is_true(taken < seconds, ("%.3f s, not %g"):format(taken, seconds))
  return table.unpack(results, 1, results.n)
end

-- Bits to bytes, the first one lowest (RFC 1951, 3.1.1).
local function packed(bits)
  local bytes = {}
  for i = 1, #bits, 8 do
    local byte = 0
    for k = 0, 7 do byte = byte | (bits:byte(i + k) or 48) - 48 << k end
    bytes[#bytes + 1] = string.char(byte)
  end
  return table.concat(bytes)
end

-- A number's lowest n bits.
local function low(value, n)
  local out = {}
  for k = 0, n - 1 do out[k + 1] = value >> k & 1 end
  return table.concat(out)
end

local HEAD = "\x1F\x8B\8\0\0\0\0\0\0\3"

-- gzip of "1\n": blocks that hold nothing, then one of fixed codes (48 + the byte, the highest bit first).
local function gzip_of(empty, count)
  return HEAD .. packed(empty:rep(count) .. "110" .. "01100001" .. "00111010" .. "0000000")
    .. string.pack("<I4I4", helper.crc "1\n", 2)
end

describe("a small file", function()
  after_each(function() os.remove(path) end)

  it("of empty compressed blocks is read at once", function()
    local fixed = "010" .. "0000000"
    -- a block with codes of its own: one for the end, one for distances, said by two lengths of lengths
    local lengths = { [18] = 1, [1] = 1 }
    local own = "001" .. low(0, 5) .. low(0, 5) .. low(14, 4)
    for _, symbol in ipairs { 16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1 } do
      own = own .. low(lengths[symbol] or 0, 3)
    end
    own = own .. "1" .. low(138 - 11, 7) .. "1" .. low(118 - 11, 7) .. "0" .. "0" .. "0"
    for _, empty in ipairs { fixed, own } do
      local bytes = gzip_of(empty, 800000 // #empty)
      assert.equal(1, within(1, latent.read, put(".csv.gz", bytes))(1, 1))
      os.remove(path)
    end
    local pipe = io.popen "printf '1\\n' | gzip -n -c; printf '' | gzip -n -c"
    local members = pipe:read "a"
    pipe:close()
    local one, none = members:sub(1, -21), members:sub(-20)
    assert.equal(1, within(1, latent.read, put(".csv.gz", one .. none:rep(50000)))(1, 1))
  end)

  it("may be told to skip more lines than any file has", function()
    local X, message = within(1, latent.read, put(".csv", "1,2\n3,4\n"), { skip = math.maxinteger })
    assert.is_nil(X)
    assert.is_truthy(message:find("no data", 1, true), message)
  end)

  it("of thousands of tensors is linear work", function()
    local n, metadata = 20000, { kind = "classifier", format = "latent", version = "1", options = "{}" }
    for i = 1, n do metadata[i .. ".kind"] = "pca" end
    put(".safetensors", "")
    assert(latent.write(path, {}, { metadata = metadata }))
    local model, message = within(1, latent.load, path)
    assert.is_nil(model)
    assert.is_string(message)

    local store = latent.nn.parameters()
    for i = 1, 6000 do latent.nn.linear(store, "net" .. i, 1, 1) end
    assert(store:save(path))
    assert(within(1.5, store.load, store, path))
  end)
end)

describe("a count that nobody can mean", function()
  it("is refused at once", function()
    local huge = math.maxinteger
    local blocks, plot = latent.blocks, latent.plot
    helper.fails("a part has at most 4096 states", blocks.seasonal, { period = 100000 })
    helper.fails("a part has at most 4096 states", blocks.seasonal, { period = huge })
    helper.fails("a part has at most 4096 states", blocks.seasonal,
      { period = huge, form = "trigonometric", harmonics = 1 << 40 })
    helper.fails("at most 4096", blocks.constant_velocity, { dims = huge })
    assert.equal(4, blocks.seasonal { period = 365, form = "trigonometric", harmonics = 2 }.A.rows)
    local vae = latent.vae { input_dim = 2, latent_dim = 2, likelihood = "gaussian" }
    helper.fails("size must be at most 1000", vae.manifold, vae, { size = huge })
    helper.fails("count must be at most 1000", vae.traverse, vae, { count = huge })
    local images = latent.matrix { { 1, 2, 3, 4 } }
    helper.fails("columns must be at most", plot.images, images, { columns = huge })
    helper.fails("zoom must be at most", plot.images, images, { zoom = huge })
    helper.fails("more than can be drawn", plot.images, images, { columns = 32000 })
    helper.fails("width must be at most", plot.figure, { width = huge })
    helper.fails("k must be at most 1048576", latent.random(1).split, latent.random(1), huge)
  end)

  it("is no memory, or an error, wherever it makes something", function()
    local huge, matrix, random = 1 << 50, latent.matrix, latent.random(1)
    local X = matrix.normal(20, 2, random)
    local gmm = latent.gmm { components = 2 }:fit(X)
    local lds = latent.lds(latent.blocks.local_level())
    for name, f in pairs {
      zeros = function() return matrix.zeros(huge) end,
      eye = function() return matrix.eye(huge) end,
      linspace = function() return matrix.linspace(0, 1, huge) end,
      range = function() return matrix.range(1, huge) end,
      normal = function() return matrix.normal(huge, 2, random) end,
      permutation = function() return random:permutation(huge) end,
      categorical = function() return random:categorical({ 1, 2 }, huge) end,
      blobs = function() return latent.datasets.blobs(huge) end,
      folds = function() return latent.folds(huge, 3) end,
      split = function() return latent.split(huge) end,
      ["split in order"] = function() return latent.split(huge, { shuffle = false }) end,
      sample = function() return gmm:sample(huge) end,
      clusters = function() return latent.kmeans { clusters = huge }:fit(X) end,
      components = function() return latent.gmm { components = huge }:fit(X) end,
      latent_dim = function() return latent.ppca { latent_dim = huge }:fit(X) end,
      forecast = function() return lds:forecast(X:col(1), huge) end,
      lds_sample = function() return lds:sample(huge) end,
    } do
      local ok, message = within(1, pcall, f)
      assert.is_false(ok, name)
      assert.is_string(message)
    end
  end)
end)
