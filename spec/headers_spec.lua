-- What is installed for C and C++: the headers that latent.h includes, each of which can be included alone, and the
-- tour at its top, whose code is a program.
local helper = require "helper"

local build = os.getenv "LATENT_BUILD" or "build"
local compiler = os.getenv "CC" or "gcc"
local LINK = ("-Icore %s/liblatent.a -pthread %s"):format(build, helper.libraries)
local cplusplus = os.getenv "CXX" or "g++"
local has_cplusplus = select(2, helper.run(cplusplus .. " --version"))

local function compile(command, source, ending)
  local path = os.tmpname()
  local file = assert(io.open(path .. ending, "w"))
  file:write(source)
  file:close()
  local output, ok = helper.run(("%s -Wall -Wextra -Wpedantic -Werror -o %s %s%s %s")
    :format(command, path, path, ending, LINK))
  os.remove(path .. ending)
  assert.is_truthy(ok, output)
  return path
end

local function run(program)
  local output, ok = helper.run(helper.started(program))
  os.remove(program)
  assert.is_truthy(ok, output)
  return output
end

describe("the headers", function()
  local headers = {}
  for name in helper.run "env -u MAKEFLAGS -u MAKELEVEL make -s headers":gmatch "core/(%S+)" do
    headers[#headers + 1] = name
  end

  it("are those that a host needs", function()
    local list = " " .. table.concat(headers, " ") .. " "
    for _, name in ipairs { "latent.h", "base/workspace.h", "matrix/matrix.h", "em/gmm/gmm.h", "modeling/save.h" } do
      assert.is_truthy(list:find(" " .. name .. " ", 1, true), name)
    end
    assert.is_nil(list:find "internal")
    assert.is_nil(list:find "template")
  end)

  local function each(command)
    local wrong = {}
    local function try(path)
      local output = helper.run(("%s -Wall -Wextra -Wpedantic -Werror -fsyntax-only -Icore "
        .. "-isystem /usr/include/lua5.4 %s")
        :format(command, path))
      if output ~= "" then wrong[#wrong + 1] = output end
    end
    for _, name in ipairs(headers) do try("core/" .. name) end
    try "bindings/latent_lua.h"
    assert.equal("", table.concat(wrong))
  end

  it("compile alone in C11", function() each(compiler .. " -std=c11 -x c") end)

  it("compile alone in C++17", function()
    if not has_cplusplus then return pending(cplusplus .. " is not installed") end
    each(cplusplus .. " -std=c++17 -x c++")
  end)

  it("need no library of hosts of Lua that call none of its functions", function()
    local path = helper.file([[
      #include "latent_lua.h"
      int push(lua_State *L, double *numbers)
      {
        lat_matrix X = lat_lua_matrix(numbers, 1, 1);
        lat_lua_push_matrix(L, &X, 0, NULL, NULL);
        lat_fitted f = lat_lua_check_model(L, 1, "push", "model", NULL);
        lat_request request = {.X = X};
        lat_outputs outputs = {.labels = numbers};
        lat_workspace *work = lat_lua_workspace(L);
        lat_lua_raise(L, "push", work, f.model->apply(work, &f, &request, &outputs));
        return lat_lua_to_matrix(L, 1, &X) != 0;
      }]], ".c")
    local output, ok = helper.run(("%s -std=c11 -Werror -Icore -Ibindings -isystem /usr/include/lua5.4 -c -o %s.o %s "
      .. "&& nm -u %s.o"):format(compiler, path, path, path))
    os.remove(path .. ".o")
    helper.clean()
    assert.is_truthy(ok, output)
    for name in output:gmatch "U (%S+)" do
      assert.is_truthy(name:find "^luaL?_" or name == "memcmp" or name:find "^__", name)
    end
  end)

  it("give C++ programs C's linkage", function()
    if not has_cplusplus or helper.sanitized() then return pending "needs a C++ compiler, and no sanitizer" end
    assert.equal("components must be an integer from 1 to 1048576, got 0\n", run(compile(cplusplus .. " -std=c++17", [[
      #include <cstdio>
      #include "latent.h"
      int main()
      {
        lat_workspace work;
        lat_workspace_init(&work);
        lat_gmm_options options = lat_gmm_defaults();
        options.components = 0;
        if (lat_gmm_check(&work, &options) != LAT_OK) std::puts(work.message);
        lat_workspace_done(&work);
      }]], ".cpp")))
  end)

  it("say their version as text and as numbers, which the library has, too", function()
    local program = compile(compiler .. " -std=c11", [[
      #include <stdio.h>
      #include "latent.h"
      #if LAT_VERSION_NUMBER != LAT_VERSION_MAJOR * 1000000 + LAT_VERSION_MINOR * 1000 + LAT_VERSION_PATCH
      #error "the numbers don't agree"
      #endif
      int main(void)
      {
        printf("%s %s %d.%d.%d %d\n", lat_version(), LAT_VERSION, LAT_VERSION_MAJOR, LAT_VERSION_MINOR,
               LAT_VERSION_PATCH, lat_version_number() == LAT_VERSION_NUMBER);
      }]], ".c")
    local version = require("latent").version
    assert.equal(("%s %s %s 1\n"):format(version, version, version), run(program))
  end)

  it("and the shared library's name agree on the number of the interface", function()
    local abi = helper.contents "core/base/version.h":match "#define LAT_ABI (%d+)"
    local output = helper.run(("readelf -d %s/liblatent.so"):format(build))
    assert.equal("liblatent.so." .. abi, output:match "SONAME.-%[(.-)%]")
  end)

  -- The lines of latent.h's first comment that are indented by more than a command's.
  it("have a tour whose code runs", function()
    local code, lines = {}, 0
    for line in io.lines "core/latent.h" do
      lines = lines + 1
      if line == "#ifndef LATENT_H" then break end
      local indented = line:match "^ %*     (.*)$"
      if indented or line == " *" then code[#code + 1] = indented or "" end
    end
    assert.is_true(lines <= 130 and #code >= 60)
    assert.equal([[
converged 1, the means are 8 apart
row 1 is of component 2, row 200 of component 1
the same from a file: 1
invalid argument: components must be an integer from 1 to 1048576, got 0
bytes held: 0
]], run(compile(compiler .. " -std=c11", table.concat(code, "\n"), ".c")))
  end)
end)
