-- npy and idx files: read, mapped and written. The files are made here, byte by byte, after NumPy
-- Enhancement Proposal 1; that NumPy's own files read the same was checked with NumPy 2.4.
local latent = require "latent"
local helper = require "helper"
local matrix = latent.matrix

local paths = {}

-- A fresh path with this ending; the file goes away after the test.
local function temporary(ending)
  local path = os.tmpname()
  os.remove(path)
  paths[#paths + 1] = path .. ending
  return path .. ending
end

local function write(bytes, ending)
  local path = temporary(ending or ".npy")
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

-- An npy file: the header's text as given, version 1.0 unless told.
local function npy(header, data, version)
  version = version or 1
  return "\x93NUMPY" .. string.char(version, 0) .. string.pack(version == 1 and "<s2" or "<s4", header) .. data
end

local function dictionary(descr, fortran, shape)
  return ("{'descr': '%s', 'fortran_order': %s, 'shape': %s, }\n"):format(descr, fortran and "True" or "False", shape)
end

-- Elements by string.pack's format for one of them.
local function pack(format, values)
  local parts = {}
  for i, value in ipairs(values) do parts[i] = string.pack(format, value) end
  return table.concat(parts)
end

local function fails(part, bytes, ending)
  local path = write(bytes, ending)
  local A, message = latent.read(path)
  assert.is_nil(A)
  assert.equal(path .. ": ", message:sub(1, #path + 2))
  assert.is_truthy(message:find(part, 1, true), ("'%s' should contain '%s'"):format(message, part))
end

-- Equal bit by bit, -0 and NaN included.
local function bits(A)
  local parts = {}
  for i = 1, A.rows do
    for j = 1, A.cols do parts[#parts + 1] = string.pack("<d", A(i, j)) end
  end
  return table.concat(parts)
end

-- The Lua that runs this.
local function interpreter()
  local i = 0
  while arg[i - 1] do i = i - 1 end
  return arg[i]
end

describe("npy files", function()
  after_each(function()
    collectgarbage()
    for _, path in ipairs(paths) do os.remove(path) end
    paths = {}
  end)

  local types = {
    { "f8", "d", { 0.1, -2.5, 1e300, 5e-324, 1 / 0, -0.0 } },
    { "f4", "f", { 0.5, -2.5, 2 ^ 100, 2 ^ -149, 1 / 0, -0.0 } },
    { "i1", "i1", { 0, 1, -1, 127, -128, 5 } },
    { "i2", "i2", { 0, 1, -1, 32767, -32768, 5 } },
    { "i4", "i4", { 0, 1, -1, 2147483647, -2147483648, 5 } },
    { "i8", "i8", { 0, 1, -1, 2 ^ 53 | 0, -(2 ^ 53) | 0, math.mininteger } },
    { "u1", "I1", { 0, 1, 2, 128, 255, 5 } },
    { "u2", "I2", { 0, 1, 2, 32768, 65535, 5 } },
    { "u4", "I4", { 0, 1, 2, 2147483648, 4294967295, 5 } },
    { "b1", "I1", { 0, 1, 1, 0, 1, 0 } },
  }
  for _, type in ipairs(types) do
    local descr, format, values = table.unpack(type)
    for _, order in ipairs { "<", ">" } do
      it(("read %s%s in C and Fortran order"):format(order, descr), function()
        local data = pack(order .. format, values)
        local A = assert(latent.read(write(npy(dictionary(order .. descr, false, "(2, 3)"), data))))
        local F = assert(latent.read(write(npy(dictionary(order .. descr, true, "(3, 2)"), data))))
        assert.same({ 2, 3, 3, 2 }, { A.rows, A.cols, F.rows, F.cols })
        assert.equal(descr == "f4" and "float32" or "float64", A.dtype)
        for i = 1, 2 do
          for j = 1, 3 do
            assert.equal(values[3 * i - 3 + j], A(i, j))
            assert.equal(values[3 * i - 3 + j], F(j, i))
          end
        end
        assert.equal(bits(A), bits(F:t()))
      end)
    end
  end

  it("read u8 beyond 2^63", function()
    local v = assert(latent.read(write(npy(dictionary("<u8", false, "(2,)"), string.pack("<i8i8", -1, 3)))))
    assert.same({ 2.0 ^ 64, 3 }, v:table())
  end)

  it("read half precision", function()
    -- IEEE 754-2008: 1, the smallest subnormal, the largest, 1/3 rounded, infinity, -2
    local data = pack("<I2", { 0x3C00, 0x0001, 0x7BFF, 0x3555, 0x7C00, 0xC000 })
    local v = assert(latent.read(write(npy(dictionary("<f2", false, "(6,)"), data))))
    assert.same({ 1, 2 ^ -24, 65504, 0.333251953125, 1 / 0, -2 }, v:table())
  end)

  it("keep axes: none, one, two, and more joined as NumPy's reshape does", function()
    local data = {}
    for k = 0, 23 do data[k + 1] = k end
    data = pack("<i2", data)
    local scalar = assert(latent.read(write(npy(dictionary("<i2", false, "()"), data))))
    assert.same({ 0 }, scalar:table())
    local vector = assert(latent.read(write(npy(dictionary("<i2", false, "(24,)"), data))))
    assert.equal(23, vector[24])
    local C = assert(latent.read(write(npy(dictionary("<i2", false, "(2, 3, 4)"), data))))
    assert.same({ 2, 12, 0, 12, 13, 23 }, { C.rows, C.cols, C(1, 1), C(2, 1), C(2, 2), C(2, 12) })
    -- NumPy: arange(24).reshape(2, 3, 4, order="F").reshape(2, -1)
    local F = assert(latent.read(write(npy(dictionary("<i2", true, "(2, 3, 4)"), data))))
    assert.near_matrix({ { 0, 6, 12, 18, 2, 8, 14, 20, 4, 10, 16, 22 }, { 1, 7, 13, 19, 3, 9, 15, 21, 5, 11, 17, 23 } },
      F, 0)
  end)

  it("read versions 2.0 and 3.0, and headers as Python may write them", function()
    local data = string.pack("<dd", 1.5, 2.5)
    for _, header in ipairs {
      "{'shape':(2L,),'descr':'<f8','fortran_order':False}",
      '  { "fortran_order" : False , "shape" : ( 2 , ) , "descr" : "<f8" , }  \n',
      "{\n'descr':\t'f8', 'shape': (2,), 'fortran_order': False}",
    } do
      for version = 1, 3 do
        assert.same({ 1.5, 2.5 }, assert(latent.read(write(npy(header, data, version)))):table())
      end
    end
  end)

  it("fail when they are cut short, at every byte", function()
    local whole = npy(dictionary("<f4", false, "(2, 2)"), string.pack("<ffff", 1, 2, 3, 4))
    assert.is_truthy(latent.read(write(whole)))
    local path = write(whole)
    for n = 0, #whole - 1 do
      local file = assert(io.open(path, "wb"))
      file:write(whole:sub(1, n))
      file:close()
      local A, message = latent.read(path)
      assert.is_nil(A)
      assert.is_truthy(message:find(n < 6 and "not an npy file" or "truncated", 1, true), message)
      assert.is_nil((latent.open(path)))
    end
  end)

  it("ignore bytes after the array, as NumPy does", function()
    assert.same({ 7 }, assert(latent.read(write(npy(dictionary("|u1", false, "(1,)"), "\7more")))):table())
  end)

  it("fail at a header that lies about its size, before any memory is taken", function()
    local before = collectgarbage "count"
    for _, shape in ipairs { "(25000000,)", "(1000000000000000,)", "(4294967296, 3)" } do
      fails("truncated: ", npy(dictionary("<f8", false, shape), ("x"):rep(64)))
    end
    assert.is_true(collectgarbage "count" - before < 1000)
    fails("overflows", npy(dictionary("<f8", false, "(4294967296, 4294967296)"), ""))
    fails("overflows", npy(dictionary("<f8", false, "(99999999999999999999999,)"), ""))
    fails("more than 1 MB", npy("{" .. (" "):rep(1 << 20), "", 2))
    fails("truncated within the npy header", "\x93NUMPY\2\0\0\0\1\0" .. "{}")
  end)

  it("fail at dtypes that are no numbers, and name them", function()
    for _, descr in ipairs { "<c16", "|O", "|S5", "<U7", "<M8[ns]", "|V8", "<f16", "<i3", "", "<" } do
      fails(("dtype '%s' can't be read"):format(descr), npy(dictionary(descr, false, "(1,)"), ("\0"):rep(64)))
    end
    fails("structured", npy("{'descr': [('x', '<f8')], 'fortran_order': False, 'shape': (1,)}", ("\0"):rep(64)))
  end)

  it("fail at headers that are no such dictionary", function()
    local good = "'descr': '<f8', 'fortran_order': False, 'shape': (1,)"
    for header, part in pairs {
      [""] = "expected '{'",
      ["{" .. good] = "expected ',' or '}'",
      ["{" .. good .. "} x"] = "expected nothing more",
      ["{" .. good .. ", 'more': 1}"] = "unknown key 'more'",
      ["{" .. good .. ", 'descr': '<f8'}"] = "repeated key 'descr'",
      ["{'descr': '<f8', 'shape': (1,)}"] = "no 'fortran_order'",
      ["{'descr': '<f8', 'fortran_order': 0, 'shape': (1,)}"] = "expected True or False",
      ["{'descr': '<f8', 'fortran_order': False, 'shape': (1)}"] = "expected ','",
      ["{'descr': '<f8', 'fortran_order': False, 'shape': (-1,)}"] = "negative size",
      ["{'descr': '<f8', 'fortran_order': False, 'shape': (1 2)}"] = "expected ',' or ')'",
      ["{'descr': '<f8', 'fortran_order': False, 'shape': [1]}"] = "expected the shape's '('",
      ["{'descr': '<f\\x38', 'fortran_order': False, 'shape': (1,)}"] = "without escapes",
      ["{'descr: <f8, 'fortran_order': False, 'shape': (1,)}"] = "unknown key",
      ["{'descr': '<f8}"] = "closing quote",
      ["{'descr': '<f8', 'fortran_order': False, 'shape': (" .. ("1,"):rep(65) .. ")}"] = "more than 64 axes",
      ["{'descr': '<f8', 'fortran_order': False, 'shape': (0, 3)}"] = "the array is empty (axis 1 has size 0)",
    } do
      fails(part, npy(header, ("\0"):rep(64)))
    end
    fails("npy version 4.0 is unknown", npy("{" .. good .. "}", ("\0"):rep(64), 4))
    fails("not an npy file", "a,b\n1,2\n")
  end)
end)

describe("latent.write to npy", function()
  it("writes what NumPy writes, byte by byte", function()
    local path = temporary ".npy"
    assert.is_true(latent.write(path, matrix { { 1, 2, 3 }, { 4, 5, 6 } }))
    -- np.save of the same array, NumPy 2.4
    local header = "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }"
    local expected = "\x93NUMPY\1\0\x76\0" .. header .. (" "):rep(117 - #header) .. "\n" ..
      string.pack("<dddddd", 1, 2, 3, 4, 5, 6)
    assert.equal(expected, contents(path))
  end)

  it("brings every bit back, in both dtypes", function()
    local path = temporary ".npy"
    local A = matrix { { 0 / 0, -0.0, 5e-324 }, { 1 / 0, -1 / 0, 0.1 } }
    for _, dtype in ipairs { "float64", "float32" } do
      local B = A:to(dtype)
      assert.is_true(latent.write(path, B))
      local C = assert(latent.read(path))
      assert.equal(dtype, C.dtype)
      assert.equal(bits(B), bits(C))
    end
  end)

  it("takes any view, and keeps vectors vectors", function()
    local path, A = temporary ".npy", matrix { { 1, 2, 3 }, { 4, 5, 6 } }
    assert(latent.write(path, A:t()))
    assert.near_matrix({ { 1, 4 }, { 2, 5 }, { 3, 6 } }, assert(latent.read(path)), 0)
    assert(latent.write(path, A:col(2)))
    assert.same({ 2, 5 }, assert(latent.read(path)):table())
    assert(latent.write(path, A:block(1, 2, 2, 3)))
    assert.near_matrix({ { 2, 3 }, { 5, 6 } }, assert(latent.read(path)), 0)
    assert(latent.write(path, { 1, 2 }))
    assert.same({ 1, 2 }, assert(latent.read(path)):table())
  end)

  it("fails with the path and the system's reason, and leaves no file behind", function()
    local ok, message = latent.write("/no/such/folder/x.npy", matrix.eye(2))
    assert.is_nil(ok)
    assert.equal("/no/such/folder/x.npy: No such file or directory", message)
    assert.equal("~/x.npy: No such file or directory (~ is the shell's: write the folder)",
      select(2, latent.write("~/x.npy", latent.matrix { 1 })))
    local folder = os.tmpname()
    os.remove(folder)
    folder = folder .. ".npy"
    paths[#paths + 1] = folder
    assert(os.execute("mkdir " .. folder))
    ok, message = latent.write(folder, matrix.eye(2))
    assert.is_nil(ok)
    assert.equal(folder .. ": Is a directory", message)
    assert.equal("", (io.popen("ls -A " .. folder):read "a"))
  end)

  it("leaves the old file when the disk is full", function()
    -- a limit on file sizes stands in for the disk; the signal it sends is ignored
    local path = temporary ".npy"
    assert(latent.write(path, matrix { 1, 2, 3 }))
    local before = contents(path)
    local script = ([[trap "" XFSZ; ulimit -f 8; exec %s -e 'local latent = require "latent"
      local ok, message = latent.write("%s", latent.matrix.ones(1000, 100)) print(message)' 2>&1]])
      :format(interpreter(), path)
    local shell = io.popen("sh -c '" .. script:gsub("'", "'\\''") .. "'")
    local output = shell:read "a"
    shell:close()
    assert.equal(path .. ": File too large\n", output)
    assert.equal(before, contents(path))
  end)
end)

describe("latent.open", function()
  it("is a view of the file that can't be written", function()
    local path = temporary ".npy"
    local A = matrix { { 1, 2, 3 }, { 4, 5, 6 } }
    assert(latent.write(path, A))
    local M = assert(latent.open(path))
    assert.near_matrix(A, M, 0)
    helper.fails("is a mapped file and can't be written", M.set, M, 1, 1, 9)
    local row = M[2]
    M = nil -- luacheck: ignore
    collectgarbage()
    collectgarbage()
    assert.same({ 4, 5, 6 }, row:table())
    helper.fails("is a mapped file", function() row[1] = 0 end)
    local copy = row:copy()
    copy[1] = 0
    assert.same({ 0, 5, 6 }, copy:table())
  end)

  it("maps float32, vectors and Fortran order too", function()
    local data = string.pack("<ffffff", 1, 2, 3, 4, 5, 6)
    for pad = 0, 7 do -- at most offsets the elements lie askew and are copied
      local header = dictionary("<f4", true, "(3, 2)") .. (" "):rep(pad)
      local F = assert(latent.open(write(npy(header, data))))
      assert.near_matrix({ { 1, 4 }, { 2, 5 }, { 3, 6 } }, F, 0)
      assert.equal("float32", F.dtype)
      helper.fails("is a mapped file", F.fill, F, 0)
    end
    local n = assert(latent.open(write(npy(dictionary("<f4", true, "(1, 3, 2)"), data))))
    assert.near_matrix({ { 1, 4, 2, 5, 3, 6 } }, n, 0)
  end)

  it("refuses what needs conversion, and says what to do", function()
    for _, descr in ipairs { ">f8", "<i8", "|u1", "<f2" } do
      local path = write(npy(dictionary(descr, false, "(1,)"), ("\0"):rep(8)))
      local M, message = latent.open(path)
      assert.is_nil(M)
      assert.is_truthy(message:find("latent.read converts them", 1, true), message)
    end
    local M, message = latent.open "iris.csv"
    assert.is_nil(M)
    assert.is_truthy(message:find("latent.read reads others", 1, true))
  end)

  it("gives mappings back, also of files that fail", function()
    local path, bad = temporary ".npy", write(npy("{}", ""))
    assert(latent.write(path, matrix.ones(3)))
    local maps = io.open "/proc/self/maps"
    if not maps then return pending "needs /proc/self/maps" end
    maps:close()
    for _ = 1, 300 do
      latent.open(path)
      latent.open(bad)
      latent.read(bad)
    end
    collectgarbage()
    for line in io.lines "/proc/self/maps" do
      assert.is_nil(line:find(path, 1, true))
      assert.is_nil(line:find(bad, 1, true))
    end
  end)
end)

describe("latent.read and latent.write", function()
  it("fail for what is no file, without waiting", function()
    local fifo = temporary ".npy"
    assert(os.execute("mkfifo " .. fifo))
    for path, reason in pairs {
      ["/no/such/file.npy"] = "No such file or directory",
      ["~/file.npy"] = "No such file or directory (~ is the shell's: write the folder)",
      ["https://example.org/x.npy"] = "No such file or directory (files only, nothing is fetched)",
      [fifo] = "Not a regular file",
    } do
      for _, f in ipairs { latent.read, latent.open } do
        local A, message = f(path)
        assert.is_nil(A)
        assert.equal(path .. ": " .. reason, message)
      end
    end
    local ok, message = latent.write(fifo, matrix.ones(2))
    assert.is_nil(ok)
    assert.equal(fifo .. ": Not a regular file", message)
  end)

  it("name the endings they know", function()
    for _, path in ipairs { "x.xyz", "x", "", "npy" } do
      local A, message = latent.read(path)
      assert.is_nil(A)
      assert.is_truthy(message:find(".npy, .npz, .csv, .tsv, .txt, .safetensors, .png, .pgm, .ppm, .idx", 1, true),
        message)
      A, message = latent.write(path, matrix.ones(2))
      assert.is_nil(A)
      assert.is_truthy(message:find(".npy, .npz, .csv, .tsv, .txt, .safetensors, .png, .pgm or .ppm", 1, true), message)
    end
  end)

  it("raise at misuse", function()
    helper.fails("latent.read: path must be a string, got nothing", latent.read)
    helper.fails("latent.read: path must be a string, got number", latent.read, 3)
    helper.fails("latent.open: path must be a string, got table", latent.open, {})
    helper.fails("latent.read: path holds a NUL character", latent.read, "a\0.npy")
    helper.fails("latent.write: X must be a matrix, got nothing", latent.write, "x.npy")
    helper.fails("latent.write: X must be a matrix, got string", latent.write, "x.npy", "y")
    local path = temporary ".npy"
    assert(latent.write(path, matrix.ones(2)))
    helper.fails("unknown option 'header'", latent.read, path, { header = true })
    helper.fails("unknown option 'missing'", latent.write, path, matrix.ones(2), { missing = "" })
    helper.fails("options must be a table, got 3", latent.read, path, 3)
  end)
end)

describe("idx files", function()
  local function idx(code, sizes, data)
    return string.pack(">BBBB", 0, 0, code, #sizes) .. pack(">I4", sizes) .. data
  end

  it("are read with every element type", function()
    for code, type in pairs {
      [0x08] = { "I1", { 0, 128, 255, 1 } }, [0x09] = { "i1", { 0, -128, 127, 1 } },
      [0x0B] = { "i2", { 0, -32768, 32767, 1 } }, [0x0C] = { "i4", { 0, -2147483648, 2147483647, 1 } },
      [0x0D] = { "f", { 0.5, -1, 2, 1 } }, [0x0E] = { "d", { 0.1, -1, 2, 1 } },
    } do
      local format, values = table.unpack(type)
      local path = write(idx(code, { 4 }, pack(">" .. format, values)), ".idx")
      assert.same(values, assert(latent.read(path)):table())
    end
  end)

  it("join images into rows, as magic 2051 has them", function()
    local A = assert(latent.read(write("\0\0\8\3" .. pack(">I4", { 2, 2, 2 }) .. "\1\2\3\4\5\6\7\8", "-idx3-ubyte")))
    assert.near_matrix({ { 1, 2, 3, 4 }, { 5, 6, 7, 8 } }, A, 0)
  end)

  it("fail when they lie or end early", function()
    local whole = idx(8, { 2, 3 }, "abcdef")
    for n = 0, #whole - 1 do fails(n < 4 and "not an idx file" or "truncated", whole:sub(1, n), ".idx") end
    fails("idx element type 7 is unknown", idx(7, { 1 }, "a"), ".idx")
    fails("truncated: ", idx(8, { 0xFFFFFFFF }, "a"), ".idx")
    fails("overflows", idx(8, { 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF }, "a"), ".idx")
    fails("axis 2 has size 0", idx(8, { 1, 0 }, "a"), ".idx")
  end)
end)
