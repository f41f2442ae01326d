-- The module as a whole: loading, memory, interrupts, hosts.
local latent = require "latent"
local helper = require "helper"

describe("latent", function()
  it("sets no global and opens again in the same state", function()
    local before = {}
    for name in pairs(_G) do before[name] = true end
    package.loaded.latent = nil
    local again = require "latent"
    for name in pairs(_G) do assert.is_true(before[name], name) end
    assert.is_true(again.matrix{1, 2} == latent.matrix{1, 2})
    assert.near_matrix({2, 4}, again.matrix{1, 2} + latent.matrix{1, 2}, 0)
    package.loaded.latent = latent
  end)

  it("knows its version", function()
    assert.truthy(latent.version:find "^%d+%.%d+%.%d+$")
    assert.equal("latent " .. latent.version, latent._VERSION)
  end)

  it("sets the number of threads", function()
    local before = latent.threads()
    local most = helper.threaded() and 2 or 1 -- of OpenBLAS's serial build there is one only
    assert.equal(most, latent.threads(2))
    assert.equal(most, latent.threads())
    helper.fails("latent.threads: n must be an integer >= 1, got 0", latent.threads, 0)
    helper.fails("got 'two'", latent.threads, "two")
    latent.threads(before)
  end)

  it("says which BLAS is there, whose serial build has one thread", function()
    local name = latent.blas()
    assert.is_truthy(name == "BLAS" or name == "BLIS" or name:find "^OpenBLAS")
    assert.equal(name ~= "OpenBLAS (serial)", helper.threaded())
    helper.fails("latent.blas: unknown option 'n'", latent.blas, { n = 1 })
  end)

  local function exported(library, kind)
    local output = helper.run(("nm %s --defined-only %s/%s"):format(kind or "-D", os.getenv "LATENT_BUILD", library))
    local names = {}
    for name in output:gmatch " [TDBRVWi] (%S+)" do names[#names + 1] = name end
    return names
  end

  it("tells another Lua than 5.4 that it is one", function()
    -- weak, or the loader of a Lua without them stops at their names: the manual's 8.3 has the list
    local strong = helper.run(("nm -D --undefined-only %s/latent.so"):format(os.getenv "LATENT_BUILD"))
    for _, name in ipairs{ "lua_newuserdatauv", "lua_getiuservalue", "lua_setiuservalue", "lua_toclose" } do
      assert.is_truthy(strong:find(" w " .. name, 1, true), name)
    end
    if not select(2, helper.run "command -v lua5.3") or helper.sanitized() or helper.emulated then return end
    local output = helper.run(([[LUA_CPATH='%s/?.so' lua5.3 -e 'print(pcall(require, "latent"))']])
      :format(os.getenv "LATENT_BUILD"))
    assert.equal("false\tlatent needs Lua 5.4, and this is Lua 5.3\n", output)
  end)

  it("exports only luaopen_latent", function() assert.same({ "luaopen_latent" }, exported "latent.so") end)

  it("exports of the C library only what begins with lat_", function()
    local names = exported "liblatent.so"
    assert.is_true(#names > 100)
    for _, name in ipairs(names) do assert.truthy(name:find "^lat_", name) end
  end)

  it("gives a static host no other names, bindings included", function()
    local names = exported("liblatent.a", "-g")
    assert.is_true(#names > 100)
    for _, name in ipairs(names) do
      name = name:gsub("^__odr_asan%.", "") -- of the address sanitizer, a mark of each
      assert.truthy(name:find "^lat_" or name:find "^latL_" or name == "luaopen_latent", name)
    end
  end)

  describe("memory", function()
    local peak = '\nlocal status = io.open "/proc/self/status":read "a"\nprint(status:match "VmHWM:%s*(%d+)" // 1024)'

    it("20,000 temporaries of 1 MB stay under 200 MB", function()
      local output = helper.lua([[
        local matrix = require("latent").matrix
        for i = 1, 20000 do local X = matrix.zeros(131072) end]] .. peak)
      assert.is_true(tonumber(output) < 200, output)
    end)

    it("large temporaries, outside of the collector's heap, stay bounded", function()
      local output = helper.lua([[
        local matrix = require("latent").matrix
        local keep = matrix.zeros(10000, 1000)
        for i = 1, 100 do local X = keep + i end]] .. peak)
      assert.is_true(tonumber(output) < 800, output)
    end)

    it("errors leave nothing behind", function()
      local output = helper.lua([[
        local latent = require "latent"
        local X = latent.matrix.ones(1000, 50)
        X:set(999, 50, 0/0)
        local function grow(n)
          for i = 1, n do
            assert(not pcall(function() latent.pca{ solver = "gram" }:fit(X) end))
            assert(not pcall(function() latent.pca():fit(function() error "no" end) end))
            assert(not pcall(function() return X:block(1, 3) + X end))
          end
          collectgarbage()
        end
        grow(200)
        local function resident() return tonumber(io.open "/proc/self/status":read "a":match "VmRSS:%s*(%d+)") end
        local before = resident()
        grow(1000)
        print(resident() - before)]])
      assert.is_true(tonumber(output) < 4096, output)
    end)
  end)

  describe("abuse", function()
    it("metamethods called with anything give errors", function()
      local matrix = latent.matrix
      for _, value in ipairs{ latent, matrix, matrix{1, 2}, latent.random(1), latent.pca(), latent.scaler() } do
        for _, metamethod in pairs(debug.getmetatable(value)) do
          if type(metamethod) == "function" then
            for _, arguments in ipairs{ {}, { value }, { 1, 2 }, { "x", "help" }, { {}, {} }, { io.stdout, 1, 2 } } do
              pcall(metamethod, table.unpack(arguments))
            end
          end
        end
      end
      assert.is_nil((debug.getmetatable(latent).__index("x", "help")))
    end)

    it("options are fields of the table itself", function()
      local made = setmetatable({}, { __index = function(_, name)
        return name == "out" and latent.matrix.zeros(3, 3) or nil
      end })
      assert.equal("number", type(latent.random(1):normal(made)))
    end)

    it("a function that eigen.largest calls may work in a coroutine", function()
      local X = latent.matrix.normal(200, 200, latent.random(1))
      local S = X * X:t()
      local function plain(V) return S * V end
      local values = latent.eigen.largest(function(V)
        local product = coroutine.wrap(plain)(V)
        collectgarbage()
        return product
      end, 3, { size = 200 })
      assert.near_matrix(latent.eigen.largest(plain, 3, { size = 200 }), values, 0)
    end)

    it("a finalizer that changes a list while it is stacked", function()
      local matrix = latent.matrix
      for _ = 1, 50 do
        local list = { matrix.ones(2, 2), { { 1, 2 } }, matrix.ones(2, 2) }
        setmetatable({}, { __gc = function() list[2] = matrix.ones(5000, 2) end })
        local ok, result = pcall(matrix.vstack, list)
        assert.is_true(not ok or #result == 5 or #result == 5004)
      end
    end)

    it("models that are fitted again while they are fitted", function()
      for _, make in ipairs{ latent.pca, latent.scaler } do
        local model, calls = make(), 0
        local X, other = latent.matrix.normal(10, 5, latent.random(1)), latent.matrix.normal(4, 3, latent.random(2))
        model:fit(function()
          calls = calls + 1
          if calls == 1 then
            model:partial_fit(other) -- which is a model of its own, until the fit is over
            assert.near_matrix(other:mean(1), model.mean, 1e-12)
          end
          return calls <= 3 and X or nil
        end)
        assert.near_matrix(X:mean(1), model.mean, 1e-12)
      end
    end)
  end)

  describe("interrupts", function()
    it("a hook, which is how Ctrl-C arrives, stops a long fit; all stays usable", function()
      local output, ok = helper.lua[[
        local latent = require "latent"
        local n, X = 0, latent.matrix.ones(4000, 300)
        local pca = latent.pca()
        local stopped = pcall(pca.fit, pca, function()
          n = n + 1
          if n == 3 then
            debug.sethook(function() debug.sethook() error "interrupted!" end, "", 1)
          end
          return X
        end)
        print(stopped, n)
        print(latent.pca{ latent_dim = 1 }:fit(X).total_variance)]]
      assert.is_truthy(ok, output)
      assert.equal("false\t3\n0.0\n", output)
    end)

    it("Ctrl-C in the REPL ends a running fit, and the session goes on", function()
      -- the fit runs for seconds in C; that the traceback names it shows that C gave way
      local output = helper.run(([[
        { echo 'latent = require "latent"; latent.threads(1)'
          echo 'X = latent.matrix.ones(20000, 3000, { dtype = "float32" })'
          echo 'print "begin"'
          echo 'latent.pca{ solver = "covariance" }:fit(X)'
          sleep 4
          echo 'print(6 * 7)'; } | LUA -i & pid=$!
        sleep 2; kill -INT $pid; wait $pid]]):gsub("LUA", helper.interpreter))
      assert.truthy(output:find("interrupted!", 1, true), output)
      assert.truthy(output:find("in method 'fit'", 1, true), output)
      assert.truthy(output:find("42", 1, true), output)
    end)
  end)

  describe("hosts", function()
    local flags = "-isystem /usr/include/lua5.4"

    it("latent.h is strict C11 and C++11 as well", function()
      local include = " -Wall -Wextra -Wpedantic -Werror -fsyntax-only -Icore core/latent.h"
      local output, ok = helper.run((os.getenv "CC" or "gcc") .. " -x c -std=c11" .. include)
      assert.is_truthy(ok, output)
      if select(2, helper.run "command -v g++") then
        output, ok = helper.run("g++ -x c++ -std=c++11" .. include)
        assert.is_truthy(ok, output)
      end
    end)

    it("a C program registers the module statically; states in several threads work at once", function()
      local program = helper.program("host", flags)
      local output, ok = helper.run(program)
      assert.is_truthy(ok, output)
      assert.equal("statically 3\nthreads 8\nwithout Lua files ok\nclosed\n", output)
    end)
  end)
end)
