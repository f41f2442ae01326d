-- Data for the experiments that need some where they are missing: the handwritten digits that come with latent, in
-- MNIST's format (http://yann.lecun.com/exdb/mnist: big-endian sizes, then bytes).

local latent = require "latent"

local function write(path, magic, sizes, bytes)
  local file = assert(io.open(path, "wb"))
  file:write(string.pack(">I4" .. ("I4"):rep(#sizes), magic, table.unpack(sizes)), table.concat(bytes))
  assert(file:close())
end

-- Writes the four files to a folder that is there.
return function(folder)
  local X, labels = latent.datasets.digits()
  for part, ends in pairs { train = { 1, 1400 }, t10k = { 1401, #X } } do
    local pixels, names = {}, {}
    for i = ends[1], ends[2] do
      names[#names + 1] = string.char(labels[i] // 1 | 0)
      for j = 1, X.cols do pixels[#pixels + 1] = string.char(X(i, j) * 255 // 16 | 0) end
    end
    local count = ends[2] - ends[1] + 1
    write(("%s/%s-images-idx3-ubyte"):format(folder, part), 0x803, { count, 8, 8 }, pixels)
    write(("%s/%s-labels-idx1-ubyte"):format(folder, part), 0x801, { count }, names)
  end
end
