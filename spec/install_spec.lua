-- make install and make uninstall, for folders with names that a shell would take apart.
local helper = require "helper"

describe("make", function()
  it("installs where it was told, and uninstalls from there only", function()
    local folder = os.tmpname()
    os.remove(folder)
    local prefix = folder .. "/it's a\\ $place & 'more'"
    local function quoted(text) return "'" .. text:gsub("'", "'\\''") .. "'" end
    local function make(target)
      -- make reads $ itself, so it is doubled for it
      local output, ok = helper.run(("env -u MAKEFLAGS -u MAKELEVEL make --no-print-directory BUILD=%s PREFIX=%s %s")
        :format(quoted(os.getenv "LATENT_BUILD" or "build"), quoted((prefix:gsub("%$", "$$"))), target))
      assert.is_truthy(ok, output)
    end
    assert(os.execute(("mkdir -p %s && touch %s %s"):format(quoted(prefix), quoted(folder .. "/it's"),
      quoted(prefix .. "/mine"))))
    make "install"
    local files = helper.run(("cd %s && find . -type f"):format(quoted(prefix)))
    for _, name in ipairs { "lib/lua/5.4/latent.so", "share/lua/5.4/latent/plot.lua", "include/latent/latent.h",
      "lib/liblatent.a", "lib/pkgconfig/latent.pc" } do
      assert.is_truthy(files:find("./" .. name .. "\n", 1, true), name)
    end
    make "uninstall"
    assert.equal("./mine\n", helper.run(("cd %s && find . -type f"):format(quoted(prefix))))
    assert.equal("it's\n", helper.run(("ls %s | head -1"):format(folder)))
    os.execute("rm -rf " .. folder)
  end)
end)
