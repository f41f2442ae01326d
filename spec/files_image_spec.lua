-- Images: PNG files made here, byte by byte, after the W3C's Recommendation, in every kind, deflated by the gzip
-- program; what is refused; what is written, against Python's zlib and by a decoder that is a few lines of Python.
local latent = require "latent"
local helper = require "helper"
local matrix = latent.matrix

local function adler(bytes)
  local a, b = 1, 0
  for i = 1, #bytes do
    a = (a + bytes:byte(i)) % 65521
    b = (b + a) % 65521
  end
  return b << 16 | a
end

local function chunk(kind, data, crc)
  return string.pack(">I4", #data) .. kind .. data .. string.pack(">I4", crc or helper.crc(kind .. data))
end

local function zlib(bytes)
  return "\x78\x9c" .. helper.deflate(bytes) .. string.pack(">I4", adler(bytes))
end

local function paeth(a, b, c)
  local p, q, r = math.abs(b - c), math.abs(a - c), math.abs(a + b - 2 * c)
  return p <= q and p <= r and a or q <= r and b or c
end

-- A row of bytes less what filter guesses of it.
local function filtered(filter, row, above, back)
  local out = { filter }
  for k = 1, #row do
    local a, b, c = row[k - back] or 0, above[k] or 0, above[k - back] or 0
    if k <= back then a, c = 0, 0 end
    out[k + 1] = row[k] - ({ [0] = 0, a, b, (a + b) // 2, paeth(a, b, c) })[filter] & 255
  end
  return string.char(table.unpack(out))
end

local SAMPLES = { [0] = 1, [2] = 3, [3] = 1, [4] = 2, [6] = 4 }
local WHOLE = { { 0, 0, 1, 1 } }
local ADAM7 = { { 0, 0, 8, 8 }, { 4, 0, 8, 8 }, { 0, 4, 4, 8 }, { 2, 0, 4, 4 }, { 0, 2, 2, 4 }, { 1, 0, 2, 2 },
  { 0, 1, 1, 2 } }

-- The rows of an image, pixel(x, y, c) its samples, each with another filter.
local function rows_of(width, height, depth, samples, pixel, interlaced)
  local parts, back = {}, math.max(1, samples * depth // 8)
  for _, pass in ipairs(interlaced and ADAM7 or WHOLE) do
    local above = {}
    for y = pass[2], height - 1, pass[4] do
      local row, bits, count = {}, 0, 0
      for x = pass[1], width - 1, pass[3] do
        for c = 1, samples do
          bits, count = bits << depth | pixel(x, y, c), count + depth
          while count >= 8 do
            count = count - 8
            row[#row + 1] = bits >> count & 255
          end
          bits = bits & (1 << count) - 1
        end
      end
      if count > 0 then row[#row + 1] = bits << (8 - count) & 255 end
      if #row > 0 then parts[#parts + 1] = filtered(y % 5, row, above, back) end
      above = row
    end
  end
  return table.concat(parts)
end

local function png(width, height, depth, colour, raw, with)
  with = with or {}
  local data = with.data or zlib(raw)
  local header = string.pack(">I4I4BBBBB", width, height, depth, colour, 0, 0, with.interlaced and 1 or 0)
  return "\x89PNG\r\n\x1A\n" .. chunk("IHDR", header) .. (with.before or "") .. chunk("IDAT", data:sub(1, 5))
    .. chunk("IDAT", data:sub(6)) .. chunk("tEXt", "Comment\0none") .. chunk("IEND", "") .. "what follows"
end

local function read(bytes, options, ending) return latent.read(helper.file(bytes, ending or ".png"), options) end

local function fails(part, bytes, ending) helper.refuses(part, bytes, ending or ".png") end

describe("PNG images", function()
  after_each(helper.clean)

  it("are read in every kind: colours, depths, filters, interlaced or not", function()
    for colour, samples in pairs(SAMPLES) do
      for _, depth in ipairs(colour == 0 and { 1, 2, 4, 8, 16 } or colour == 3 and {} or { 8, 16 }) do
        for _, size in ipairs { { 13, 11 }, { 1, 1 }, { 3, 9 } } do
          local function pixel(x, y, c)
            return (x * 7919 + y * y * 31 + c * 101) * 2654435761 >> 7 & (1 << depth) - 1
          end
          for _, interlaced in ipairs { false, true } do
            local width, height = size[1], size[2]
            local X, info = assert(read(png(width, height, depth, colour,
              rows_of(width, height, depth, samples, pixel, interlaced), { interlaced = interlaced })))
            assert.same({ width, height, samples, depth == 16 and 65535 or 255 },
              { info.width, info.height, info.channels, info.white })
            local scale = depth < 8 and 255 // ((1 << depth) - 1) or 1
            assert.near_matrix(matrix(height, width * samples, function(i, j)
              return scale * pixel((j - 1) // samples, i - 1, (j - 1) % samples + 1)
            end), X, 0)
          end
        end
      end
    end
  end)

  it("with a palette are colours, with opacity where it has some", function()
    local palette = "\1\2\3\100\101\102\255\254\253"
    for _, depth in ipairs { 2, 4, 8 } do
      local raw = rows_of(5, 4, depth, 1, function(x, y) return (x + y) % 3 end)
      local X, info = assert(read(png(5, 4, depth, 3, raw, { before = chunk("PLTE", palette) })))
      assert.same({ 3, 4, 15 }, { info.channels, X.rows, X.cols })
      assert.same({ 1, 2, 3, 100, 101, 102, 255, 254, 253, 1, 2, 3, 100, 101, 102 }, X[1]:table())
      X, info = assert(read(png(5, 4, depth, 3, raw, { before = chunk("PLTE", palette) .. chunk("tRNS", "\7\8") })))
      assert.equal(4, info.channels)
      assert.same({ 1, 2, 3, 7, 100, 101, 102, 8, 255, 254, 253, 255 }, { table.unpack(X[1]:table(), 1, 12) })
    end
  end)

  it("may be read as grey, and as float32", function()
    local raw = rows_of(2, 1, 8, 3, function(x, _, c) return x == 0 and 10 * c or 255 end)
    local X, info = assert(read(png(2, 1, 8, 2, raw), { grey = true, dtype = "float32" }))
    assert.equal("float32", X.dtype)
    assert.near_matrix({ { 0.299 * 10 + 0.587 * 20 + 0.114 * 30, 255 } }, X, 1e-4)
    assert.equal(1, info.channels)
    raw = rows_of(2, 1, 8, 2, function(x, _, c) return 50 * c + x end)
    assert.near_matrix({ { 50, 51 } }, assert(read(png(2, 1, 8, 4, raw), { grey = true })), 0)
    helper.fails("grey must be true or false", read, png(2, 1, 8, 4, raw), { grey = 1 })
    helper.fails("unknown option 'gray'", read, png(2, 1, 8, 4, raw), { gray = true })
  end)

  it("that gnuplot draws are read", function()
    local path = helper.path ".png"
    local commands = ("set terminal pngcairo size 40,30; set output \"%s\"; plot x"):format(path)
    local _, ok = helper.run(("echo '%s' | gnuplot"):format(commands))
    if not ok then return pending "gnuplot has no pngcairo" end
    local X, info = assert(latent.read(path))
    assert.same({ 30, 40 * info.channels }, { X.rows, X.cols })
    assert.same({ 255, 255, 255 }, { X(1, 1), X(1, 2), X(30, 1) })
  end)

  it("are refused when truncated, anywhere, or changed, wherever", function()
    local whole = png(3, 2, 8, 0, rows_of(3, 2, 8, 1, function(x, y) return 40 * x + y end))
    local last = assert(whole:find("IEND", 1, true)) + 7
    for n = 0, last - 1 do
      local X, message = read(whole:sub(1, n))
      assert.is_nil(X)
      assert.is_string(message)
    end
    assert(read(whole:sub(1, last)))
    for i = 1, last do
      local X = read(whole:sub(1, i - 1) .. string.char(whole:byte(i) ~ 16) .. whole:sub(i + 1))
      assert.is_nil(X, i)
    end
  end)

  it("are refused for what they say", function()
    local function grey(x, y) return (x + y) % 2 end
    local raw = rows_of(3, 2, 8, 1, grey)
    fails("it doesn't begin with \\x89PNG", "")
    fails("it doesn't begin with \\x89PNG", "GIF89a")
    fails("it has no header", "\x89PNG\r\n\x1A\n" .. chunk("IEND", ""))
    fails("its size is none", png(0, 2, 8, 0, raw))
    fails("its size is none", png(1 << 31, 2, 8, 0, raw))
    for _, kind in ipairs { { 3, 0 }, { 4, 2 }, { 16, 3 }, { 8, 1 }, { 8, 5 }, { 8, 7 }, { 0, 0 }, { 32, 0 } } do
      fails("its samples are of no kind", png(3, 2, kind[1], kind[2], raw))
    end
    fails("it is shorter than its size", png((1 << 31) - 1, (1 << 31) - 1, 16, 6, raw))
    fails("it is shorter than its size", png(3, 3, 8, 0, raw))
    fails("more is in it than it announces", png(3, 1, 8, 0, raw))
    fails("a filter is unknown", png(1, 1, 8, 0, "\5\0"))
    fails("its palette is none", png(3, 2, 8, 3, raw))
    fails("its palette is none", png(3, 2, 8, 3, raw, { before = chunk("PLTE", "\1\2") }))
    fails("its palette is none", png(3, 2, 8, 3, raw, { before = chunk("PLTE", "\1\2\3") .. chunk("tRNS", "\1\2") }))
    fails("a colour isn't in its palette", png(3, 2, 8, 3, raw, { before = chunk("PLTE", "\1\2\3") }))
    fails("a chunk that matters is unknown", png(3, 2, 8, 0, raw, { before = chunk("ABCD", "") }))
    fails("a checksum is wrong", png(3, 2, 8, 0, raw, { before = chunk("abcd", "", 1) }))
    fails("it has no data", png(3, 2, 8, 0, raw, { data = "\x78\x9c" .. "\3" }))
    fails("its data are of an unknown kind", png(3, 2, 8, 0, raw, { data = "\x79" .. zlib(raw):sub(2) }))
    fails("its data's checksum is wrong", png(3, 2, 8, 0, raw, { data = zlib(raw):sub(1, -2) .. "\0" }))
    fails("its data's checksum is wrong", png(3, 2, 8, 0, raw, { data = zlib(raw):sub(1, -3) }))
  end)

  it("survive mutants, whose checksums are mended", function()
    local function noise(x, y, c) return x * y * c & 1 end
    helper.fuzz("fuzz_image", {
      png(5, 4, 1, 0, rows_of(5, 4, 1, 1, noise, true), { interlaced = true }),
      png(5, 4, 2, 3, rows_of(5, 4, 2, 1, noise), { before = chunk("PLTE", "123456") .. chunk("tRNS", "1") }),
      png(3, 4, 16, 6, rows_of(3, 4, 16, 4, noise)), "P5\n# image\n3 2\n255\n123456", "P6 1 2 300\n123456789012",
    })
  end)
end)

describe("PGM and PPM images", function()
  after_each(helper.clean)

  it("are read, with comments, and samples of two bytes", function()
    local X, info = assert(read("P5 # grey\n3\t2\n#\n255\n\0\1\2\253\254\255", nil, ".pgm"))
    assert.same({ { 0, 1, 2 }, { 253, 254, 255 } }, X:table())
    assert.same({ 3, 2, 1, 255, X.source }, { info.width, info.height, info.channels, info.white, info.source })
    -- what comes behind it are no options of a fit
    assert.equal(2, latent.pca():fit(read("P5 2 3 255 a..z.!", nil, ".pgm")).mean.rows)
    X, info = assert(read("P6\n1 2\n300\n\0\1\1\0\1\44\0\0\0\2\0\3and more", nil, ".ppm"))
    assert.same({ { 1, 256, 300 }, { 0, 2, 3 } }, X:table())
    assert.same({ 1, 2, 3, 300 }, { info.width, info.height, info.channels, info.white })
  end)

  it("are refused when they aren't sound", function()
    fails("it doesn't begin with P5 or P6", "", ".ppm")
    fails("it doesn't begin with P5 or P6", "PNG", ".pgm")
    fails("a P3 image can't be read, only P5 and P6", "P3\n1 1\n255\n1 2 3\n", ".ppm")
    for _, text in ipairs { "P5\n", "P5\n0 1\n255\n1", "P5\n1 1\n0\n1", "P5\n1 1\n65536\n11", "P5\n1 1\n255",
      "P5\n-1 1\n255\n1", "P5\n1 1234567890\n255\n1", "P5\n1 1 #255\n1" } do
      fails("bad header", text, ".pgm")
    end
    fails("truncated: 6 elements of 1 bytes are announced, 5 bytes are there", "P5\n3 2\n255\n12345", ".pgm")
    fails("truncated", "P6\n999999999 999999999\n65535\n12345", ".ppm")
  end)
end)

describe("a matrix as an image", function()
  after_each(helper.clean)

  local random = latent.random(1)

  it("comes back: bytes as bytes, in every number of channels and both depths", function()
    local X = matrix(37, 60, function() return random:integer(0, 255) end)
    X:set(1, 1, 255)
    for _, format in ipairs { "png", "pgm", "ppm" } do
      for channels = 1, format == "png" and 4 or 3, format == "png" and 1 or 2 do
        for _, bits in ipairs { 8, 16 } do
          local path = helper.path("." .. format)
          assert(latent.write(path, X, { channels = channels, bits = bits, range = { 0, 255 } }))
          local Y, info = assert(latent.read(path))
          assert.near_matrix(X * (bits == 16 and 257 or 1), Y, 0)
          assert.same({ channels, 60 // channels }, { info.channels, info.width })
        end
      end
    end
    local path = helper.path ".png"
    assert(latent.write(path, X:t()))
    assert.near_matrix(X:t(), assert(latent.read(path)), 0)
    assert(latent.write(path, X * 257, { bits = 16 }))
    assert.near_matrix(X * 257, assert(latent.read(path)), 0)
  end)

  it("is black at 0, and white at 1 or 255, or where its range says", function()
    local path = helper.path ".png"
    local function bytes(X, options)
      assert(latent.write(path, X, options))
      return assert(latent.read(path))[1]:table()
    end
    assert.same({ 0, 128, 255 }, bytes(matrix { { 0, 0.5, 1 } }))
    assert.same({ 0, 1, 2 }, bytes(matrix { { 0, 0.6, 2.4 } }))
    assert.same({ 0, 0, 128, 255, 255 }, bytes(matrix { { -9, -2, 0, 2, 1 / 0 } }, { range = { -2, 2 } }))
    assert.same({ 255, 0 }, bytes(matrix { { 0, 16 } }, { range = { 16, 0 } }))
    assert.same({ 0, 255 }, bytes(matrix { { 0.25, 0.75 } }, { range = { 0.25, 0.75 } }))
    assert.same({ 0 }, bytes(matrix { { 0 } }))
  end)

  -- Python's zlib for the stream, and the filters by the Recommendation's words.
  it("is what a decoder of a few lines of Python reads", function()
    local python = helper.python "zlib"
    if not python then return pending "python3 is not installed" end
    for case, X in ipairs {
      matrix(90, 200, function(i, j) return i + j >> 1 & 255 end), -- smooth
      matrix(90, 400, function() return random:integer(0, 255) end), -- noise, which is stored
      matrix(300, 500, function(i, j) return (i // 50 + j // 50) % 2 * 255 end), -- flat
      matrix(1, 1, function() return 7 end),
    } do
      local path = helper.path ".png"
      assert(latent.write(path, X, { range = { 0, 255 } }))
      local script = helper.file([=[
import struct, sys, zlib
b = open(sys.argv[1], "rb").read()
assert b[:8] == b"\x89PNG\r\n\x1a\n"
at, data, kinds = 8, b"", []
while at < len(b):
    n, kind = struct.unpack(">I4s", b[at:at + 8])
    body = b[at + 8:at + 8 + n]
    assert struct.unpack(">I", b[at + 8 + n:at + 12 + n])[0] == zlib.crc32(kind + body)
    kinds.append(kind)
    if kind == b"IHDR": width, height = struct.unpack(">II", body[:8]); assert body[8:] == b"\x08\0\0\0\0"
    if kind == b"IDAT": data += body
    at += 12 + n
assert kinds[0] == b"IHDR" and kinds[-1] == b"IEND"
raw, above, total = zlib.decompress(data), [0] * width, []
assert len(raw) == height * (width + 1)
for y in range(height):
    f, row = raw[y * (width + 1)], list(raw[y * (width + 1) + 1:(y + 1) * (width + 1)])
    for x in range(width):
        a, bb, c = (row[x - 1], above[x], above[x - 1]) if x else (0, above[x], 0)
        p = a + bb - c
        nearest = min((abs(p - a), 0, a), (abs(p - bb), 1, bb), (abs(p - c), 2, c))[2]
        row[x] = (row[x] + (0, a, bb, (a + bb) // 2, nearest)[f]) & 255
    total += row
    above = row
print(len(data), sum(v * (i % 1009 + 1) for i, v in enumerate(total)))
]=], ".py")
      local output = helper.run(("%s %s %s"):format(python, script, path))
      local expected, size = 0, X.rows * (X.cols + 1)
      for i = 1, X.rows do
        for j = 1, X.cols do expected = expected + X(i, j) * (((i - 1) * X.cols + j - 1) % 1009 + 1) end
      end
      local packed, sum = output:match "^(%d+) (%d+)\n$"
      assert.equal(expected, tonumber(sum), output)
      -- flat areas are nearly nothing, and noise is hardly longer than it is
      assert.is_true(tonumber(packed) <= ({ size / 10, size * 1.01, size / 50, 20 })[case], output)
    end
  end)

  it("raises at misuse, and keeps the old file", function()
    local path, X = helper.path ".png", matrix.eye(2)
    assert(latent.write(path, X))
    local before = helper.contents(path)
    for message, case in pairs {
      ["X has numbers from -1 to 3: range says which is black and which is white"] = { matrix { { -1, 3 } } },
      ["X has numbers from 0 to 256"] = { matrix { { 0, 256 } } },
      ["X has numbers from 0 to 65536"] = { matrix { { 0, 65536 } }, { bits = 16 } },
      ["X has NaN in row 2, column 1"] = { matrix { { 1, 1 }, { 0 / 0, 1 } }, { range = { 0, 1 } } },
      ["X has 2 columns, which aren't pixels of 3 channels"] = { X, { channels = 3 } },
      ["channels must be 1, 2, 3 or 4, got 5"] = { matrix.ones(1, 5), { channels = 5 } },
      ["bits must be 8 or 16, got 12"] = { X, { bits = 12 } },
      ["range must be a list of two different numbers"] = { X, { range = { 1, 1 } } },
      ["range must be a list of two different numbers, black"] = { X, { range = { 0, 1, 2 } } },
      ["range must be a list of two different numbers, black and"] = { X, { range = 255 } },
      ["range must be two different finite numbers"] = { X, { range = { 0, 1 / 0 } } },
      ["unknown option 'rnge'"] = { X, { rnge = { 0, 1 } } },
      ["X must be a matrix"] = { "x" },
    } do
      helper.fails(message, latent.write, path, table.unpack(case))
    end
    assert.equal(before, helper.contents(path))
    helper.fails("PGM and PPM have 1 or 3 channels, got 2", latent.write, helper.path ".ppm", X, { channels = 2 })
    assert.is_nil((latent.write("/nowhere/x.png", X)))
  end)
end)
