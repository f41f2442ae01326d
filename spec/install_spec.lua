-- make install and make uninstall: for folders with names that a shell would take apart, for packagers, and what
-- pkg-config says of it.
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
      "lib/liblatent.a", "lib/pkgconfig/latent.pc", "share/latent/from_sklearn.py", "bin/latent",
      "lib/lua/5.4/latent/interrupt.so", "share/doc/latent/index.html", "share/doc/latent/clusters.html",
      "share/man/man1/latent.1", "share/latent/stubs/latent.lua" } do
      assert.is_truthy(files:find("./" .. name .. "\n", 1, true), name)
    end
    if not helper.sanitized() then
      local line = "cd / && env -u LUA_PATH -u LUA_CPATH %s -e 'print(latent.matrix{1, 2}:sum())'"
      assert.equal("3.0\n", (helper.run(line:format(quoted(prefix .. "/bin/latent")))))
    end
    make "uninstall"
    assert.equal("./mine\n", helper.run(("cd %s && find . -type f"):format(quoted(prefix))))
    assert.equal("it's\n", helper.run(("ls %s | head -1"):format(folder)))
    os.execute("rm -rf " .. folder)
  end)

  local function install(folder, variables)
    local output, ok = helper.run(("env -u MAKEFLAGS -u MAKELEVEL make --no-print-directory BUILD='%s' %s install")
      :format(os.getenv "LATENT_BUILD" or "build", variables:gsub("@", folder)))
    assert.is_truthy(ok, output)
    return (helper.run(("cd %s && find . -type f"):format(folder)))
  end

  it("installs all where LIBDIR and PREFIX are given, and the module alone for LuaRocks", function()
    local folder = os.tmpname()
    os.remove(folder)
    local files = install(folder, "PREFIX=@ LIBDIR=@/lib/triplet/lua/5.4")
    for _, name in ipairs { "lib/triplet/lua/5.4/latent.so", "share/lua/5.4/latent/plot.lua", "lib/liblatent.a",
      "lib/liblatent.so.0", "lib/pkgconfig/latent.pc", "include/latent/latent.h",
      "include/latent/latent_lua.h" } do
      assert.is_truthy(files:find("./" .. name .. "\n", 1, true), name)
    end
    os.execute("rm -rf " .. folder)
    for _, variables in ipairs { "LIBDIR=@/one LUADIR=@/two", "INST_LIBDIR=@/one INST_LUADIR=@/two PREFIX=@" } do
      files = install(folder, variables)
      assert.is_truthy(files:find("./one/latent.so\n", 1, true) and files:find("./two/latent/plot.lua\n", 1, true))
      assert.is_nil(files:find "include" or files:find "liblatent")
      os.execute("rm -rf " .. folder)
    end
  end)

  -- From an empty folder, with the paths of a fresh session: `line`'s @ is the command.
  local function run_in_empty(folder, command, line)
    return (helper.run(("mkdir -p %s/empty && cd %s/empty && unset LUA_PATH LUA_CPATH && %s"):format(folder, folder,
      line:gsub("@", command))))
  end

  it("installs the command, which finds latent where it was told, where it was staged, moved and linked", function()
    if helper.sanitized() then return pending "lua5.4 itself is started, without sanitizers" end
    local folder = os.tmpname()
    os.remove(folder)
    install(folder, "DESTDIR=@ PREFIX=/usr LIBDIR=/usr/lib/triplet/lua/5.4")
    local where = [[@ -e 'print(package.searchpath("latent", package.cpath), (package.searchpath("latent.help",
      package.path)))']]
    local found = "%s/usr/lib/triplet/lua/5.4/latent.so\t%s/usr/share/lua/5.4/latent/help.lua\n"
    assert.equal(found:format(folder, folder),
      run_in_empty(folder, folder .. "/usr/bin/latent", where))
    assert(os.execute(("mv %s/usr %s/moved && mkdir %s/links && ln -s ../moved/bin/latent %s/links/l"):format(folder,
      folder, folder, folder)))
    assert.truthy(run_in_empty(folder, folder .. "/links/l", where):find("^" .. folder .. "/moved/lib/triplet"))
    assert.truthy(run_in_empty(folder, folder .. "/links/l", "echo 1+1 | @ -i"):find "\n> 2\n> \n$")
    os.execute("rm -rf " .. folder)
    install(folder, "PREFIX=@ LIBDIR=@/elsewhere/of/C LUADIR=@/elsewhere/of/Lua")
    assert.equal(("%s/elsewhere/of/C/latent.so\t%s/elsewhere/of/Lua/latent/help.lua\n"):format(folder, folder),
      run_in_empty(folder, folder .. "/bin/latent", where))
    assert.truthy(run_in_empty(folder, folder .. "/bin/latent", "@ help gmm"):find "^latent.gmm%(")
    os.execute("rm -rf " .. folder)
  end)

  it("tells pkg-config how a program is linked: with the shared library, the archive, and nothing shared at all",
    function()
      if not select(2, helper.run "command -v pkg-config") then return pending "pkg-config is not installed" end
      local compiler = os.getenv "CC" or "gcc"
      local folder = os.tmpname()
      os.remove(folder)
      install(folder, "PREFIX=@")
      local host = folder .. "/host"
      local file = assert(io.open(host .. ".c", "w"))
      file:write [[
        #include <stdio.h>
        #include "latent.h"
        int main(void)
        {
          double a[] = {4, 2, 2, 5}, l[4], values[2];
          lat_matrix A = lat_matrix_of(a, 2, 2), L = lat_matrix_of(l, 2, 2);
          lat_workspace work;
          lat_workspace_init(&work);
          if (lat_cholesky(&work, &A, &L) != LAT_OK || l[3] != 2) return 1;
          lat_matrix e = lat_vector_of(values, 2);
          if (lat_symmetric(&work, &A, LAT_EIGEN_AUTO, e, NULL) != LAT_OK) return 2;
          lat_workspace_done(&work);
          printf("%.3f", values[0]);
          return 0;
        }]]
      file:close()
      local function link(static, flags)
        local output, ok = helper.run(("%s %s.c $(PKG_CONFIG_PATH=%s/lib/pkgconfig pkg-config --cflags --libs %s "
          .. "latent) %s -o %s && LD_LIBRARY_PATH=%s/lib %s")
          :format(compiler, host, folder, static, flags, host, folder, host))
        assert.is_truthy(ok, output)
        assert.equal("6.562", output)
      end
      link("", "")
      assert(os.execute(("rm %s/lib/liblatent.so*"):format(folder)))
      link("--static", "")
      local archives = helper.run(compiler .. " -print-file-name=libopenblas.a && " .. compiler
        .. " -print-file-name=libgfortran.a")
      if not helper.sanitized() and select(2, archives:gsub("/", "")) > 0 and archives:find "/libopenblas"
        and archives:find "/libgfortran" then
        link("--static", "-static")
        assert.is_truthy(helper.run("file -L " .. host .. " 2>/dev/null || echo statically"):find "statically")
      end
      os.execute("rm -rf " .. folder)
    end)
end)
