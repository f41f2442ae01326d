-- gzip files: what the gzip program has written is read back, and what is damaged is refused.
local latent = require "latent"
local helper = require "helper"

local paths = {}

local function write(bytes, ending)
  local path = os.tmpname()
  os.remove(path)
  path = path .. ending
  paths[#paths + 1] = path
  local file = assert(io.open(path, "wb"))
  file:write(bytes)
  file:close()
  return path
end

-- The bytes as the gzip program compresses them.
local function gzip(bytes, level)
  local path = write(bytes, ".raw")
  local pipe = assert(io.popen(("gzip -n -%d -c %s"):format(level or 6, path)))
  local out = pipe:read "a"
  assert(pipe:close())
  return out
end

local function idx(rows, cols, data)
  return string.pack(">BBBBI4I4", 0, 0, 8, 2, rows, cols) .. data
end

local function expect(bytes, packed)
  local A = assert(latent.read(write(packed, "-ubyte.gz"), { dtype = "float32" }))
  assert.equal("float32", A.dtype)
  assert.equal(#bytes - 12, A.rows * A.cols)
  for _ = 1, 200 do
    local i = math.random(#bytes - 12)
    assert.equal(bytes:byte(12 + i), A((i - 1) // A.cols + 1, (i - 1) % A.cols + 1))
  end
end

local function fails(part, bytes)
  local A, message = latent.read(write(bytes, ".idx.gz"))
  assert.is_nil(A)
  assert.is_truthy(message:find(part, 1, true), message)
end

describe("gzip files", function()
  after_each(function()
    for _, path in ipairs(paths) do os.remove(path) end
    paths = {}
  end)

  it("are expanded: text, long runs, noise, all levels", function()
    local noise, text = {}, {}
    for i = 1, 200000 do
      noise[i] = string.char(math.random(0, 255))
      text[i] = string.char(97 + (i * i // 7) % 11, math.random(0, 3) == 0 and 32 or 101)
    end
    for _, data in ipairs { table.concat(noise), table.concat(text), ("\0"):rep(300000), "ab" } do
      local whole = idx(1, #data, data)
      for _, level in ipairs { 1, 6, 9 } do expect(whole, gzip(whole, level)) end
    end
  end)

  it("may have several members, and names and comments in their headers", function()
    local first, second = idx(2, 3, "abc"), "def"
    expect(first .. second, gzip(first) .. gzip(second))
    local plain = gzip(first .. second)
    local header = "\x1F\x8B\8\28" .. plain:sub(5, 10) .. string.pack("<s2zz", "extra", "name", "comment")
    expect(first .. second, header .. plain:sub(11))
  end)

  it("hold any format that latent.read knows", function()
    local A = assert(latent.read(write(gzip "a,b\n1,2\n3,4\n", ".csv.gz")))
    assert.same({ { 1, 2 }, { 3, 4 } }, A:table())
    local B, message = latent.read(write("x", ".gz"))
    assert.is_nil(B)
    assert.is_truthy(message:find("the file's ending must be .npy", 1, true), message)
    B, message = latent.open(write(gzip "x", ".npy.gz"))
    assert.is_nil(B)
    assert.is_truthy(message:find("ending must be .npy", 1, true), message)
  end)

  it("are refused when they are damaged, wherever that is", function()
    local whole = gzip(idx(20, 30, ("abcdefghi!"):rep(60)))
    for n = 0, #whole - 1 do fails("not a sound gzip file", whole:sub(1, n)) end
    -- the bits beyond the last code, at most 7, stand for nothing
    local flipped = 0
    for i = 11, #whole do
      for bit = 0, 7 do
        local bytes = whole:sub(1, i - 1) .. string.char(whole:byte(i) ~ 1 << bit) .. whole:sub(i + 1)
        flipped = flipped + (latent.read(write(bytes, ".idx.gz")) and 0 or 1)
        os.remove(table.remove(paths))
      end
    end
    assert.is_true(flipped >= 8 * (#whole - 10) - 7)
    fails("it doesn't begin as one", whole .. ("x"):rep(20))
    fails("it is too short", "")
  end)

  it("survive mutants", function()
    helper.fuzz("fuzz_gzip", { gzip(idx(4, 5, ("0123456789"):rep(2)), 1), gzip(("to be or not to be, "):rep(40), 9),
      gzip(idx(1, 3, "abc")) .. gzip "defghijkl" })
  end)
end)
