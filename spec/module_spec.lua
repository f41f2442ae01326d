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
    assert.equal(2, latent.threads(2))
    assert.equal(2, latent.threads())
    helper.fails("latent.threads: n must be an integer >= 1, got 0", latent.threads, 0)
    helper.fails("got 'two'", latent.threads, "two")
    latent.threads(before)
  end)

  it("exports only luaopen_latent", function()
    local output = helper.run("nm -D --defined-only " .. os.getenv "LATENT_BUILD" .. "/latent.so")
    local names = {}
    for name in output:gmatch " [TDBRVWi] (%S+)" do names[#names + 1] = name end
    assert.same({ "luaopen_latent" }, names)
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
      local output = helper.run[[
        { echo 'latent = require "latent"; latent.threads(1)'
          echo 'X = latent.matrix.ones(20000, 3000, { dtype = "float32" })'
          echo 'print "begin"'
          echo 'latent.pca{ solver = "covariance" }:fit(X)'
          sleep 4
          echo 'print(6 * 7)'; } | lua5.4 -i & pid=$!
        sleep 2; kill -INT $pid; wait $pid]]
      assert.truthy(output:find("interrupted!", 1, true), output)
      assert.truthy(output:find("in method 'fit'", 1, true), output)
      assert.truthy(output:find("42", 1, true), output)
    end)
  end)

  describe("hosts", function()
    local flags = "-isystem /usr/include/lua5.4"

    it("a C program registers the module statically; states in several threads work at once", function()
      local program = helper.program("host", flags .. " -DHAS_LUA")
      local output, ok = helper.run(program)
      assert.is_truthy(ok, output)
      assert.equal("statically 3\nthreads 8\nwithout Lua files ok\nclosed\n", output)
    end)
  end)
end)
