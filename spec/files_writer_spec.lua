-- How files are written, whatever their format: whole or not at all, on the disk before they get
-- their name, through links, and with nothing left behind.
local latent = require "latent"
local helper = require "helper"
local matrix = latent.matrix

local folder

local function path(name) return folder .. "/" .. name end

local function shell(...) return (helper.run(("cd '%s' && "):format(folder) .. string.format(...))) end

local function contents(name)
  local file = io.open(path(name), "rb")
  if not file then return nil end
  local bytes = file:read "a"
  file:close()
  return bytes
end

local function put(name, bytes)
  local file = assert(io.open(path(name), "wb"))
  file:write(bytes)
  file:close()
end

local function listing() return shell "ls -A" end

describe("a file that is written", function()
  before_each(function()
    folder = os.tmpname()
    os.remove(folder)
    assert(os.execute("mkdir " .. folder))
  end)
  after_each(function() os.execute("rm -rf " .. folder) end)

  it("is on the disk before it gets its name, and the name is then", function()
    local program = helper.program("writer", "-Wl,--wrap=fsync,--wrap=rename")
    assert.equal("fsync file\nrename\nfsync folder\n", shell("%s new.txt", program))
    assert.equal("whole", contents "new.txt")
  end)

  it("goes through a link, also where the link's file isn't there yet", function()
    put("there.csv", "old")
    shell "mkdir sub && ln -s there.csv a.csv && ln -s sub/made.csv b.csv && ln -s $PWD/b.csv c.csv"
    assert(latent.write(path "a.csv", matrix { 1, 2 }))
    assert(latent.write(path "c.csv", matrix { 3, 4 }))
    assert.equal("1\n2\n", contents "there.csv")
    assert.equal("3\n4\n", contents "sub/made.csv")
    assert.equal("there.csv\nsub/made.csv\n", shell "readlink a.csv; readlink b.csv")
    shell "ln -s nowhere/x.csv d.csv && ln -s e.csv e.csv"
    for name, message in pairs { ["d.csv"] = "No such file or directory", ["e.csv"] = "symbolic links" } do
      local ok, said = latent.write(path(name), matrix { 1 })
      assert.is_nil(ok)
      assert.is_truthy(said:find(message, 1, true), said)
    end
  end)

  it("takes away what killed processes left of it, and leaves what living ones write", function()
    local program = helper.program("writer", "-Wl,--wrap=fsync,--wrap=rename")
    put(".x.csv.latent-0.tmp", "half") -- of before a power failure, say
    put(".x.csv.latent-5.tmp", "half")
    put(".y.csv.latent-0.tmp", "half")
    local pipe = io.popen(("echo $$; exec %s %s wait"):format(program, path "x.csv"))
    local pid = pipe:read "l"
    assert.equal("ready", pipe:read "l")
    assert.equal(".x.csv.latent-0.tmp\n.y.csv.latent-0.tmp\n", listing())
    assert(latent.write(path "x.csv", matrix { 1 }))
    assert.equal(".x.csv.latent-0.tmp\n.y.csv.latent-0.tmp\nx.csv\n", listing())
    shell("kill -9 %s", pid)
    pipe:close()
    assert(latent.write(path "x.csv", matrix { 2 }))
    assert.equal(".y.csv.latent-0.tmp\nx.csv\n", listing())
    assert.equal("2\n", contents "x.csv")
  end)

  it("may have the longest name there is", function()
    local name = ("n"):rep(251) .. ".csv"
    assert(latent.write(path(name), matrix { 1 }))
    assert.equal(name .. "\n", listing())
  end)

  it("keeps the old one when writing fails, with nothing beside it", function()
    put("model.npy", "old")
    put("script.lua", "local latent = require 'latent'\n"
      .. "print(latent.write('model.npy', latent.matrix.ones(300, 300)))")
    local lua = helper.interpreter -- as on a full disk: no file may have more than 4 KB
    assert.equal("nil\tmodel.npy: File too large\n", shell("trap '' XFSZ; ulimit -f 8; %s script.lua", lua))
    assert.equal("old", contents "model.npy")
    assert.equal("model.npy\nscript.lua\n", listing())
  end)
end)

describe("a picture that can't be drawn", function()
  it("leaves the old one", function()
    folder = os.tmpname()
    os.remove(folder)
    assert(os.execute(("mkdir -p %s/bin && ln -s $(command -v sh) $(command -v cat) %s/bin"):format(folder, folder)))
    put("old.svg", "old")
    put("script.lua", ([[print(require("latent").plot.figure():line({ 1, 2 }, { 1, 2 }):save "%s")]])
      :format(path "old.svg"))
    local said = shell("L=$(command -v %s); PATH=%s/bin exec $L script.lua", helper.interpreter, folder)
    assert.is_truthy(said:find("^nil\tplot: gnuplot is not installed"), said)
    assert.equal("old", contents "old.svg")
    assert.equal("bin\nold.svg\nscript.lua\n", listing())
    os.execute("rm -rf " .. folder)
  end)
end)
