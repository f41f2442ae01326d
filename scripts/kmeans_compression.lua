-- Compression by K-means: vector quantization of handwritten digits.
--
--   lua5.4 scripts/kmeans_compression.lua [--help]
--
-- Each 8 x 8 image of 16 shades (256 bits, if a pixel takes 4) is cut into its sixteen 2 x 2 blocks,
-- and each block is replaced by the nearest of K code vectors, the centres of K-means over all blocks:
-- log2 K bits a block, and the code book once (Bishop, Pattern Recognition and Machine Learning,
-- 9.1.1). With whole images as rows, the K code vectors are themselves pictures of digits. Prints what is
-- saved and lost, and draws the images.

local options, save = dofile((arg[0]:match "^.*/" or "") .. "experiment.lua") { seed = 1 }

local latent = require "latent"
local matrix, plot = latent.matrix, latent.plot

local X, digits = latent.datasets.digits()
local N = X.rows

-- Row 16 (n - 1) + b of the blocks is block b of image n; pixel (r, c) of 8 x 8 is column 8r + c + 1.
local function place(b, p)
  local r, c = 2 * ((b - 1) // 4) + (p - 1) // 2, 2 * ((b - 1) % 4) + (p - 1) % 2
  return 8 * r + c + 1
end
local blocks = matrix(16 * N, 4, function(i, p) return X((i - 1) // 16 + 1, place((i - 1) % 16 + 1, p)) end)

local function assemble(rows)
  local images = matrix.zeros(N, 64)
  for n = 1, N do
    for b = 1, 16 do
      for p = 1, 4 do images:set(n, place(b, p), rows(16 * (n - 1) + b, p)) end
    end
  end
  return images
end

local first = {}
for i = N, 1, -1 do first[digits[i] // 1 + 1] = i end
local bands, names = { X:rows_at(first) }, { "original" }

print "   K   bits a pixel   of the original   J a pixel   signal to noise"
local power = (X % X):sum()
local bits, errors = {}, {}
for _, K in ipairs { 2, 4, 8, 16, 32, 64, 256 } do
  local model = latent.kmeans { clusters = K, restarts = 2, seed = options.seed }:fit(blocks)
  local rate = math.log(K, 2) / 4 + K * 4 * 4 / (64 * N) -- and the book: K vectors of 4 pixels of 4 bits
  bits[#bits + 1], errors[#errors + 1] = rate, model.inertia / (64 * N)
  print(("%4d   %12.3f   %14.1f%%   %9.4f   %12.1f dB"):format(K, rate, 100 * rate / 4, errors[#errors],
    10 * math.log(power / model.inertia, 10)))
  if K == 2 or K == 8 or K == 64 then
    bands[#bands + 1] = assemble(model.centers:rows_at(model.labels:table())):rows_at(first)
    names[#names + 1] = "K = " .. K
  end
end

print "\npictures:"
save("compression", plot.images(matrix.vstack(bands), { rows = names, range = { 0, 16 }, palette = "ink",
  title = "Digits of 2 x 2 blocks, each one of K code vectors" }))
save("compression_rate", plot.figure { title = "Rate and distortion", xlabel = "bits a pixel",
  ylabel = "squared error a pixel", logy = true, key = false }:line(bits, errors):points(bits, errors, { size = 1.5 }))
local whole = latent.kmeans { clusters = 30, restarts = 5, seed = options.seed }:fit(X)
save("compression_book", plot.images(whole.centers, { range = { 0, 16 }, palette = "ink",
  title = "A code book of 30 whole images" }))
