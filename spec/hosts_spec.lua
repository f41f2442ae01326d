-- Real hosts: servers and programs that have Lua within, started here on this machine's loopback and stopped again.
-- One that isn't installed is pending. HOST_REQUESTS=100000 is the long form of what servers are asked.
local latent = require "latent"
local helper = require "helper"

local REQUESTS = tonumber(os.getenv "HOST_REQUESTS" or 3000)
local FOLDER = (helper.run "pwd"):gsub("\n", "") .. "/spec/hosts"
local EMBED = "-isystem /usr/include/lua5.4"

local function missing(name)
  if helper.sanitized() then return name .. " is started without sanitizers" end
  if not select(2, helper.run("PATH=$PATH:/usr/sbin command -v " .. name)) then return name .. " is not installed" end
end

local rng = latent.random(7)
local X = rng:normal(200, 4) * rng:normal(4, 4) + rng:uniform(200, 1):gt(0.5) * latent.matrix(1, 4, 6)

local function fitted(ending)
  local model, path = latent.gmm { components = 3, seed = 1 }:fit(X), helper.path(ending)
  assert(ending == ".lua" and model:export(path) or model:save(path))
  return model, path
end

-- Paths /NAME?1,2,3,4 of all rows, to the last bit.
local function paths(name)
  local list = {}
  for i, row in ipairs(X:table()) do
    for j, number in ipairs(row) do row[j] = ("%.17g"):format(number) end
    list[i] = ("/%s?%s\n"):format(name, table.concat(row, ","))
  end
  return table.concat(list)
end

-- A server of this command, which reads HOST_PORT and HOST_MODEL; stop() it, in any case.
local function serve(command, model)
  local log = helper.path ".log"
  local server = { port = nil, pid = nil }
  function server.stop()
    if server.pid then os.execute(("kill %d; while kill -0 %d 2>/dev/null; do sleep 0.05; done")
      :format(server.pid, server.pid)) end
    server.pid = nil
    return helper.contents(log)
  end
  function server.resident()
    return tonumber(helper.contents(("/proc/%d/status"):format(server.pid)):match "VmRSS:%s*(%d+)")
  end
  for _ = 1, 10 do -- a port that is taken ends the server
    server.port = math.random(20000, 29999)
    server.pid = tonumber((helper.run(("PATH=$PATH:/usr/sbin HOST_FOLDER='%s' HOST_PORT=%d HOST_MODEL=%s exec %s >%s "
      .. "2>&1 & echo $!"):format(FOLDER, server.port, model, command, log))))
    local up = ("for i in {1..50}; do kill -0 %d 2>/dev/null || exit 1; "
      .. "(exec 3<>/dev/tcp/127.0.0.1/%d) 2>/dev/null && exit 0; sleep 0.1; done; exit 1")
      :format(server.pid, server.port)
    if os.execute(("bash -c '%s'"):format(up)) then return server end
    server.stop()
  end
  error("it doesn't start: " .. helper.contents(log))
end

describe("hosts", function()
  local client
  lazy_setup(function() client = helper.program "requests" end)
  after_each(helper.clean)

  -- n requests of these paths in turn: the numbers that each got last.
  local function ask(server, lines, n)
    local output, ok = helper.run(("%s %d %d <%s 2>/dev/null || %s %d 1 <%s"):format(client, server.port, n,
      helper.file(lines), client, server.port, helper.file(lines)))
    assert.is_truthy(ok, output)
    local numbers = {}
    for number in output:gmatch "[^\n]+" do numbers[#numbers + 1] = assert(tonumber(number), output) end
    return latent.matrix(numbers)
  end

  local function closing(server, body)
    local ok, message = xpcall(body, debug.traceback)
    local log = server.stop()
    assert.is_true(ok, tostring(message) .. "\n" .. log)
    return log
  end

  describe("lighttpd's mod_magnet", function()
    local lighttpd = "lighttpd -D -f spec/hosts/lighttpd.conf"
    local absent = missing "lighttpd"
    local try = ("PATH=$PATH:/usr/sbin HOST_PORT=1 HOST_FOLDER='%s' lighttpd -tt -f spec/hosts/lighttpd.conf")
      :format(FOLDER)
    if not absent and helper.run(try):find "mod_magnet" then -- it can't load the module
      absent = "lighttpd has no mod_magnet"
    end
    if absent then return pending(absent) end

    it("scores each request with a saved model, in memory that stays flat", function()
      local model, path = fitted ".safetensors"
      local server = serve(lighttpd, path)
      local log = closing(server, function()
        local lines, expected = paths "score", model:log_likelihood(X)
        assert.is_true(ask(server, lines, 1000) == expected)
        local before = server.resident()
        assert.is_true(ask(server, lines, REQUESTS) == expected)
        assert.is_true(server.resident() - before < 1024, ("%d kB more"):format(server.resident() - before))
      end)
      assert.is_nil(log:find "error" or log:find "latent", log)
    end)

    it("answers many connections at once", function()
      if missing "wrk" then return pending(missing "wrk") end
      local _, path = fitted ".safetensors"
      local server = serve(lighttpd, path)
      local log = closing(server, function()
        local output, ok = helper.run(("wrk -t1 -c32 -d1s 'http://127.0.0.1:%d/score?1,2,3,4'"):format(server.port))
        assert.is_truthy(ok, output)
        assert.is_true(tonumber(output:match "(%d+) requests in") > 32, output)
        assert.is_nil(output:find "Non%-2xx" or output:find "Socket errors", output)
      end)
      assert.is_nil(log:find "latent", log)
    end)

    it("learns a row a request", function()
      local _, path = fitted ".safetensors"
      local server, model = serve(lighttpd, path), assert(latent.load(path))
      closing(server, function()
        local expected, out = latent.matrix.zeros(#X), latent.matrix.zeros(1)
        for i = 1, #X do
          local row = X:block(i, i)
          model:partial_fit(row, { rate = 0.01 }):log_likelihood(row, { out = out })
          expected[i] = out[1]
        end
        assert.is_true(ask(server, paths "learn", #X) == expected)
        local before = server.resident()
        ask(server, paths "learn", REQUESTS)
        assert.is_true(server.resident() - before < 1024, ("%d kB more"):format(server.resident() - before))
      end)
    end)

    it("answers with an error to what is no row, and goes on", function()
      local model, path = fitted ".safetensors"
      local server = serve(lighttpd, path)
      closing(server, function()
        local output, ok = helper.run(("echo '/score?1,2,3,4,5' | %s %d 1"):format(client, server.port))
        assert.is_falsy(ok)
        assert.is_truthy(output:find("request 0: HTTP/1.1 500", 1, true), output)
        assert.is_true(ask(server, paths "score", #X) == model:log_likelihood(X))
      end)
    end)
  end)

  describe("HAProxy", function()
    local absent = missing "haproxy"
    if absent then return pending(absent) end

    it("scores with the exported model, in its Lua 5.3", function()
      local model, path = fitted ".lua"
      local server = serve("haproxy -db -f spec/hosts/haproxy.cfg", path)
      closing(server, function()
        local expected = model:log_likelihood(X)
        ask(server, paths "score", 1000)
        local before = server.resident()
        assert.near_matrix(expected, ask(server, paths "score", REQUESTS), 1e-11)
        assert.is_true(server.resident() - before < 4096, ("%d kB more"):format(server.resident() - before))
      end)
    end)
  end)

  it("clingo: terms are predictions", function()
    local absent = missing "clingo"
    if absent then return pending(absent) end
    local rows = rng:normal(200, 2)
    for i = 1, #rows do rows[i] = rows[i] + (i % 2 == 0 and 4 or -4) end
    local path = helper.path ".safetensors"
    assert(latent.gmm { components = 2, seed = 1 }:fit(rows):save(path))
    local output = helper.run(("HOST_MODEL=%s clingo spec/hosts/label.lp"):format(path))
    local pairs_found = {}
    for pair in output:gmatch "together(%b())" do pairs_found[#pairs_found + 1] = pair end
    table.sort(pairs_found)
    assert.same({ "(1,3)", "(2,4)" }, pairs_found, output)
  end)

  it("lupa: Python, with NumPy and its own OpenBLAS beside", function()
    if helper.sanitized() then return pending "Python is started without sanitizers" end
    local python = helper.python "numpy, lupa.lua54"
    if not python then return pending "lupa is not installed (make host-deps)" end
    local _, path = fitted ".safetensors"
    assert.equal("Lua 5 4\nlargest difference below 1e-11: True\nNumPy unchanged: True\n",
      (helper.run(("%s spec/hosts/lupa_host.py %s"):format(python, path))))
  end)

  it("a game: a slice of a fit in each frame, and the state closed within one", function()
    assert.equal("frames 1\nsame 1\nleft 1\nclosed\n", (helper.run(helper.program("loop", EMBED))))
  end)

  it("a server that forks its workers when all is warm: threads and BLAS work in each", function()
    if latent.blas() == "OpenBLAS (OpenMP)" then return pending "OpenMP's threads don't survive a fork" end
    local _, path = fitted ".safetensors"
    local output = helper.run(("%s %s 4"):format(helper.program("prefork", EMBED), path))
    assert.is_truthy(output:find "^parent %-?0x%x.-\nsame 4\n$", output)
  end)
end)
