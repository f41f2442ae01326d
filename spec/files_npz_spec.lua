-- npz files: archives made here byte by byte, after PKWARE's APPNOTE.TXT 6.3.10, deflated by the gzip program;
-- what is refused; what is written. spec/interchange_spec.lua has NumPy itself.
local latent = require "latent"
local helper = require "helper"
local matrix = latent.matrix

local temporary, contents = helper.path, helper.contents

local function write(bytes) return helper.file(bytes, ".npz") end

local function npy(descr, shape, data)
  return "\x93NUMPY\1\0" .. string.pack("<s2",
    ("{'descr': '%s', 'fortran_order': False, 'shape': %s, }\n"):format(descr, shape)) .. data
end

-- An archive of these entries, each { name, bytes, deflated =, and what is to be wrong: flags, method, size, packed,
-- crc, place, long = sizes and place in 64 bits }; `with`: parts, count, size, place, comment, long.
local function zip(entries, with)
  local parts, directory, place = {}, {}, 0
  with = with or {}
  for i, e in ipairs(entries) do
    local crc, data = helper.crc(e[2]), e.deflated and helper.deflate(e[2]) or e[2]
    local size, n, at = e.size or #e[2], e.packed or #data, e.place or place
    local method = e.method or (e.deflated and 8 or 0)
    local common = string.pack("<I2I2I2I2I2I4", 20, e.flags or 0, method, 0, 33, e.crc or crc)
    local sizes, extra, where = string.pack("<I4I4", n, size), "", string.pack("<I4", at)
    if e.long then
      sizes, where = ("\xff"):rep(8), ("\xff"):rep(4)
      extra = "\x99\x99\1\0x" .. string.pack("<I2I2I8I8I8", 1, 24, size, n, at)
    end
    parts[i] = "PK\3\4" .. common .. sizes .. string.pack("<I2I2", #e[1], 3) .. e[1] .. "\0\0\0" .. data
    directory[i] = "PK\1\2\20\0" .. common .. sizes .. string.pack("<I2I2I2I2I2I4", #e[1], #extra, 0, 0, 0, 0) .. where
      .. e[1] .. extra
    place = place + #parts[i]
  end
  local body, list = table.concat(parts), table.concat(directory)
  local count, size, at = with.count or #entries, with.size or #list, with.place or #body
  local last = with.long and "" or string.pack("<I2I2I2I2I4I4", with.parts or 0, 0, count, count, size, at)
  local long = ""
  if with.long then
    long = "PK\6\6" .. string.pack("<I8I2I2I4I4I8I8I8I8", 44, 45, 45, 0, 0, count, count, size, at) .. "PK\6\7"
      .. string.pack("<I4I8I4", 0, with.record or #body + #list, 1)
    last = string.pack("<I2I2I2I2I4I4", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF)
  end
  return body .. list .. long .. "PK\5\6" .. last .. string.pack("<s2", with.comment or "")
end

local A = npy("<f8", "(2, 2)", string.pack("<dddd", 1, 2, 3, 4))
local B = npy("<i2", "(3,)", string.pack("<i2i2i2", -1, 0, 500))

local function fails(part, bytes, options) helper.refuses(part, bytes, ".npz", options) end

describe("npz files", function()
  after_each(helper.clean)

  it("are tables of matrices: stored and deflated, with sizes in 32 and 64 bits, and a comment", function()
    for _, bytes in ipairs {
      zip { { "A.npy", A }, { "B.npy", B } },
      zip { { "A.npy", A, deflated = true }, { "B.npy", B, deflated = true } },
      zip({ { "A.npy", A, deflated = true, long = true }, { "B.npy", B, long = true } }, { long = true }),
      zip({ { "B.npy", B }, { "folder/", "" }, { "note.txt", "no array" }, { "A.npy", A } },
        { comment = "PK\5\6 about" }),
    } do
      local t = assert(latent.read(write(bytes)))
      assert.same({ { 1, 2 }, { 3, 4 } }, t.A:table())
      assert.same({ -1, 0, 500 }, t.B:table())
      assert.is_nil(next(t, next(t, (next(t)))))
    end
  end)

  it("give those that are asked for, also beside what can't be read", function()
    local text = npy("|O", "(1,)", ("x\0\0\0"):rep(3))
    local bytes = zip { { "A.npy", A }, { "words.npy", text } }
    fails("'words': dtype '|O' can't be read", bytes)
    local t = assert(latent.read(write(bytes), { names = "A" }))
    assert.same({ { 1, 2 }, { 3, 4 } }, t.A:table())
    assert.is_nil(t.words)
    fails("no matrix 'C' in it", bytes, { names = { "A", "C" } })
    helper.fails("unknown option 'dtype'", latent.read, write(bytes), { dtype = "float32" })
    helper.fails("names must be a list of strings", latent.read, write(bytes), { names = 1 })
    local path = temporary ".safetensors"
    assert(latent.write(path, { a = matrix { 1 }, b = matrix { 2 } }))
    assert.same({ 2 }, assert(latent.read(path, { names = { "b" } })).b:table())
    assert.is_nil((latent.read(path, { names = "c" })))
  end)

  it("come back as they were written, vectors, views, float32 and any name", function()
    local path = temporary ".npz"
    local X = matrix { { 1, -0.0, 1 / 0 }, { 5e-324, 2, 1e300 } }
    local written = { X = X, t = X:t(), ["\u{e9} b/\n"] = matrix { 1, 2, 3 },
      f = matrix({ { 0.5, 0.1 } }, { dtype = "float32" }), list = { { 1, 2 }, { 3, 4 } }, [""] = matrix { 7 } }
    assert.is_true(latent.write(path, written))
    local read = assert(latent.read(path))
    for name, M in pairs(written) do
      if name == "list" then M = matrix(M) end
      assert.same(M:table(), read[name]:table())
      assert.equal(M.dtype, read[name].dtype)
    end
    local first = contents(path)
    assert(latent.write(path, written))
    assert.equal(first, contents(path))
    assert.equal("", (helper.run(("python3 -m zipfile -t %s >/dev/null 2>&1 || command -v python3"):format(path))))
  end)

  it("hold lists of strings beside matrices", function()
    local words = { "setosa", "", "\u{e9}\u{1F600}", "a b" }
    local path = temporary ".npz"
    assert(latent.write(path, { X = matrix { { 1 }, { 2 }, { 3 }, { 4 } }, words = words, one = { "x" } }))
    local t = assert(latent.read(path))
    assert.same(words, t.words)
    assert.same({ "x" }, t.one)
    assert.same({ { 1 }, { 2 }, { 3 }, { 4 } }, t.X:table())
    local function read(descr, shape, data) return latent.read(write(zip { { "w.npy", npy(descr, shape, data) } })) end
    assert.same({ "ab", "c" }, read("|S3", "(2,)", "ab\0c\0\0").w)
    assert.same({ "\u{e9}!" }, read(">U2", "()", "\0\0\0\xe9\0\0\0!").w)
    -- no characters: a surrogate, and beyond the last one
    assert.same({ "\u{FFFD}", "\u{FFFD}" }, read("<U1", "(2,)", "\0\xd8\0\0" .. "\0\0\x11\0").w)
    for part, case in pairs {
      ["texts of no length"] = { "<U0", "(2,)", "" }, ["more than one axis"] = { "<U1", "(1, 1)", "x\0\0\0" },
      ["texts of no length can't be read"] = { "<U1234567890", "(1,)", "" },
      ["truncated"] = { "<U2", "(1,)", "x\0\0\0" },
    } do
      fails(part, zip { { "w.npy", npy(table.unpack(case)) } })
    end
    helper.fails("dtype '<U1' can't be read", function()
      assert(latent.read(helper.file(npy("<U1", "(1,)", "x\0\0\0"), ".npy")))
    end)
    helper.fails("w must be a matrix or a list of strings, but element 2 is a", latent.write, path, { w = { "a", 1 } })
    helper.fails("text 2 of 'w' is not UTF-8", latent.write, path, { w = { "a", "\xff" } })
    helper.fails("w must be", latent.write, temporary ".safetensors", { w = { "a" } })
  end)

  it("are written with sizes and places of 64 bits where they need them", function()
    local path = temporary ".npz"
    local program = helper.program("npz64")
    local output, ok = helper.run(program .. " " .. path)
    assert.is_truthy(ok, output)
    local bytes = contents(path)
    assert.is_truthy(bytes:find("PK\6\6", 1, true) and bytes:find("PK\6\7", 1, true))
    local t = assert(latent.read(path))
    assert.equal(59 * 60 / 2, t.large:sum())
    assert.same({ 0, 1, 2, 3 }, t.small:table())
    assert.equal("", (helper.run(("python3 -m zipfile -t %s >/dev/null 2>&1 || command -v python3"):format(path))))
  end)

  it("raise at misuse, and keep the old file", function()
    local path = temporary ".npz"
    assert(latent.write(path, { a = matrix { 1 } }))
    local before = contents(path)
    helper.fails("for .npz X must be a table of matrices by name", latent.write, path, matrix.eye(2))
    helper.fails("for .npz X must have a matrix at least", latent.write, path, {})
    helper.fails("not by a number", latent.write, path, { matrix.eye(2) })
    helper.fails("a must be a matrix, got string", latent.write, path, { a = "x" })
    helper.fails("UTF-8", latent.write, path, { ["\xff"] = matrix { 1 } })
    helper.fails("unknown option 'metadata'", latent.write, path, { a = matrix { 1 } }, { metadata = {} })
    helper.fails("has 65532 bytes, more than 65531", latent.write, path, { [("n"):rep(65532)] = matrix { 1 } })
    assert.equal(before, contents(path))
    assert.is_nil((latent.write("/nowhere/x.npz", { a = matrix { 1 } })))
  end)

  it("are refused when truncated, anywhere, or damaged where it matters", function()
    local whole = zip { { "A.npy", A, deflated = true }, { "B.npy", B } }
    for n = 0, #whole - 1 do
      local path = write(whole:sub(1, n))
      local result, message = latent.read(path)
      assert.is_nil(result)
      assert.is_string(message)
      os.remove(path)
    end
    -- one bit of the elements, wherever
    local place = whole:find("\x93NUMPY", 1, true)
    for i = place, place + #B - 1 do
      fails("its checksum is wrong", whole:sub(1, i - 1) .. string.char(whole:byte(i) ~ 4) .. whole:sub(i + 1))
    end
  end)

  it("are refused when their directory isn't true", function()
    local entry = { "A.npy", A }
    local function with(field, value, deflated)
      return zip { { "A.npy", A, [field] = value, deflated = deflated } }
    end
    fails("it doesn't end as a zip archive does", "")
    fails("it doesn't end as a zip archive does", A)
    fails("no arrays in it", zip {})
    fails("no arrays in it", zip { { "a.txt", "x" } })
    fails("'A' is there twice", zip { entry, entry })
    fails("its checksum is wrong", with("crc", 1))
    fails("an entry is encrypted", with("flags", 1))
    fails("compression 12 of zip files can't be read", with("method", 12))
    fails("can't have the size that it announces", with("size", #A - 1))
    fails("can't have the size that it announces", with("size", 1 << 31, true))
    fails("shorter than it announces", with("size", #A + 1, true))
    fails("more is in it than it announces", with("size", #A - 1, true))
    fails("an entry is longer than the file", with("packed", 1 << 30))
    fails("an entry isn't where it should be", with("place", 5))
    fails("an entry isn't where it should be", with("place", 1 << 31))
    local large = npy("<f8", "(500,)", ("\0"):rep(4000))
    local shared = { { "A.npy", large } }
    for k = 1, 4 do shared[k + 1] = { k .. ".npy", "", size = #large, packed = #large, place = 0 } end
    fails("its entries share bytes", zip(shared))
    fails("can't have the size that it announces", with("size", 0xFFFFFFFF)) -- of 64 bits, but there are none
    local cut = zip({ { "A.npy", A, long = true } }):gsub("\1\0\24\0", "\1\0\16\0")
    fails("a size of 64 bits isn't there", cut)
    fails("it is one of several parts", zip({ entry }, { parts = 1 }))
    for field, value in pairs { count = 5, place = 1 << 30, size = 1 << 30 } do
      fails("its directory isn't where it should be", zip({ entry }, { [field] = value }))
    end
    fails("its directory is cut off", zip({ entry }, { size = 46 }))
    fails("its record of 64 bits isn't there", zip({ entry }, { long = true, record = 1 << 40 }))
    fails("its directory isn't where it should be", zip({ entry }, { long = true, count = 1 << 40 }))
    fails("'A': not an npy file", zip { { "A.npy", "nothing" } })
    fails("'A': truncated", zip { { "A.npy", A:sub(1, -2) } })
  end)

  it("survive mutants", function()
    helper.fuzz("fuzz_npz", { zip { { "A.npy", A, deflated = true }, { "B.npy", B } },
      zip({ { "A.npy", A, long = true } }, { long = true }) })
  end)
end)
