-- seeds.lua FOLDER: files to begin with, for each fuzz target a folder of its own.
local latent = require "latent"
local folder = assert((...), "seeds.lua FOLDER")
local matrix = latent.matrix

local function contents(path)
  local file = assert(io.open(path, "rb"))
  local bytes = file:read "a"
  file:close()
  return bytes
end

local function put(target, name, bytes)
  local place = ("%s/%s"):format(folder, target)
  assert(os.execute(("mkdir -p '%s'"):format(place)))
  local file = assert(io.open(("%s/%s"):format(place, name), "wb"))
  file:write(bytes)
  file:close()
end

local X = matrix.normal(12, 3, latent.random(1))

-- The bytes of what `write(path)` writes.
local function written(ending, write)
  local path = ("%s/scratch%s"):format(folder, ending)
  assert(write(path))
  local bytes = contents(path)
  os.remove(path)
  return bytes
end

local function gzip(bytes)
  local path = folder .. "/scratch"
  local file = assert(io.open(path, "wb"))
  file:write(bytes)
  file:close()
  local pipe = assert(io.popen(("gzip -nc '%s'"):format(path)))
  local packed = pipe:read "a"
  pipe:close()
  os.remove(path)
  return packed
end

-- An npz file of one npy file that is deflated, as numpy.savez_compressed has it: what gzip has between its first 10
-- bytes and its last 8, which begin with the checksum.
local function deflated_npz(name, bytes)
  local packed = gzip(bytes)
  local head = string.pack("<I2I2I2I2I2c4I4I4I2I2", 20, 0, 8, 0, 33, packed:sub(-8, -5), #packed - 18, #bytes,
    #name + 4, 0)
  local entry = "PK\3\4" .. head .. name .. ".npy" .. packed:sub(11, -9)
  local directory = "PK\1\2\20\0" .. head .. ("\0"):rep(14) .. name .. ".npy"
  return entry .. directory .. "PK\5\6" .. string.pack("<I4I2I2I4I4I2", 0, 1, 1, #directory, #entry, 0)
end

assert(os.execute(("mkdir -p '%s'"):format(folder)))

-- ---- tables and arrays -----------------------------------------------------------

local csv = 'a,b,c\n1,2.5e3,"x"\n-3,NA,"y ""z"" \r\n,"\n'
local npy = {
  f8 = written(".npy", function(path) return latent.write(path, X) end),
  f4 = written(".npy", function(path) return latent.write(path, X:to "float32") end),
  v = written(".npy", function(path) return latent.write(path, X:col(1)) end),
}
local idx = "\0\0\x08\x03\0\0\0\x02\0\0\0\x02\0\0\0\x0212345678"
local tensors = written(".safetensors", function(path) return latent.write(path, { one = X, two = X:col(1) }) end)
local npz = written(".npz", function(path) return latent.write(path, { one = X, two = X:col(1) }) end)

for name, bytes in pairs(npy) do
  put("fuzz_npy", name, "n" .. bytes)
  put("fuzz_module", "npy-" .. name, "\2" .. bytes)
  put("fuzz_module", "npy-gz-" .. name, "\6" .. gzip(bytes))
  put("fuzz_gzip", name, gzip(bytes))
end
put("fuzz_npy", "idx", "i" .. idx)
put("fuzz_npz", "two", npz)
put("fuzz_npz", "deflated", deflated_npz("one", npy.f8))
put("fuzz_module", "npz", "\8" .. npz)
for channels, name in ipairs { "grey", "deep", "colours" } do
  local png = written(".png", function(path)
    return latent.write(path, X, { channels = channels == 2 and 1 or channels, bits = 8 * math.min(channels, 2),
      range = { -2, 2 } })
  end)
  put("fuzz_image", name, png)
  put("fuzz_module", "png-" .. name, "\9" .. png)
end
put("fuzz_image", "pgm", "P5\n# grey\n3 2\n255\n123456")
put("fuzz_image", "ppm", written(".ppm", function(path)
  return latent.write(path, X, { channels = 3, range = { 0, 1 } })
end))
put("fuzz_csv", "usual", "\0\0\0" .. csv)
put("fuzz_csv", "old", '\0\2\1\xEF\xBB\xBF1;2\r3; "4" \r\r\n')
put("fuzz_csv", "blanks", "\4\1\0 1.5 2\t3\n 4  5e-320 123456789012345678901234567890.5\n")
put("fuzz_csv", "decimal", "\0\3\0a;b\n1,5;x\n,5e-3;NA\n")
put("fuzz_csv", "special", "\1\1\0inf,-nan,1e999\n0x10,.5,5.\n")
put("fuzz_module", "csv", "\3" .. csv)
put("fuzz_module", "tsv", "\4" .. csv:gsub(",", "\t"))
put("fuzz_module", "idx", "\5" .. idx)
put("fuzz_module", "csv-gz", "\7" .. gzip(csv))
put("fuzz_module", "safetensors", "\1" .. tensors)
put("fuzz_gzip", "words", gzip(("to be or not to be, "):rep(40)))
put("fuzz_gzip", "two", gzip(idx) .. gzip(csv))
put("fuzz_safetensors", "two", tensors)

-- ---- JSON ---------------------------------------------------------------------------

for i, text in ipairs{
  '{"a":[1,-2.5e-3,true,false,null],"b":{"c":"\\u00e9\\ud83d\\ude00\\n\\\\"}}', "[[[[[[[[]]]]]]]]", '"x"', "1e999", "0",
  "-0.0e+0", "9223372036854775807", '{"a":1,"a":2}', " [ ] ", '{"\xc3\xa9":[{}]}',
} do put("fuzz_json", tostring(i), text) end

-- ---- models ------------------------------------------------------------------------

local B = X:gt(0)
local few = { max_iterations = 3 }
local models = {
  pca = latent.pca{ latent_dim = 2 }:fit(X), scaler = latent.scaler():fit(X), ica = latent.ica(few):fit(X),
  gmm = latent.gmm{ components = 2, max_iterations = 3 }:fit(X),
  tied = latent.gmm{ components = 2, max_iterations = 3, covariance = "tied" }:fit(X),
  kmeans = latent.kmeans{ clusters = 2 }:fit(X), ppca = latent.ppca{ latent_dim = 1 }:fit(X),
  bpca = latent.bpca(few):fit(X), fa = latent.fa{ latent_dim = 1, max_iterations = 3 }:fit(X),
  mppca = latent.mppca{ components = 2, latent_dim = 1, max_iterations = 3 }:fit(X),
  mixture = latent.mixture{ components = 2, max_iterations = 3 }:fit(B),
  lds = latent.lds{ latent_dim = 1, max_iterations = 3 }:fit(X),
  vae = latent.vae{ input_dim = 3, latent_dim = 1, hidden = {4} },
  flow = latent.flow{ input_dim = 3, layers = { { "spline", bins = 3, hidden = {4} }, "permute", "actnorm" } },
  diffusion = latent.diffusion{ input_dim = 3, timesteps = 4, hidden = {4}, time_features = 2 },
  gan = latent.gan{ input_dim = 3, hidden = {4} },
  flow_matching = latent.flow_matching{ input_dim = 3, hidden = {4}, time_features = 2 },
  nonlinear = latent.nonlinear{ input_dim = 3, latent_dim = 1, hidden = {4} },
  classifier = latent.classifier(function() return latent.gmm(few) end):fit(X, { 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2 }),
}
for name, model in pairs(models) do
  local bytes = written(".safetensors", function(path) return model:save(path) end)
  put("fuzz_module", "model-" .. name, "\0" .. bytes)
  put("fuzz_safetensors", name, bytes)
  put("fuzz_model", name, bytes)
end

local nn = latent.nn
local store = nn.parameters{ seed = 1 }
nn.mlp(store, "net", { 2, 3, 1 }, { activation = "tanh" })
local adam = nn.adam(store)
put("fuzz_checkpoint", "net", written(".safetensors", function(path) return store:save(path, { optimizer = adam }) end))
put("fuzz_checkpoint", "bare", written(".safetensors", function(path) return store:save(path) end))
