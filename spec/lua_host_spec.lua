-- latent_lua.h: a host's memory as matrices in Lua, Lua's matrices and models in C, and models of C in Lua;
-- spec/embed/lua_host.c is the host. Scripts run in a process of their own, which prints "ok".
local helper = require "helper"

local program

local function host(script)
  program = program or helper.program("lua_host", "-isystem /usr/include/lua5.4 -Ibindings")
  local path = helper.file([[
local latent = require "latent"
local matrix = latent.matrix
local function fails(part, f, ...)
  local ok, message = pcall(f, ...)
  assert(not ok, "no error was raised; expected: " .. part)
  assert(tostring(message):find(part, 1, true), message)
end
local function collect() collectgarbage() collectgarbage() end
local function released() return (select(2, host.counts())) end
]] .. script .. "\nprint 'ok'\n", ".lua")
  local output, ok = helper.run(program .. " " .. path)
  assert.equal("ok\n", output)
  assert.is_truthy(ok)
end

describe("memory of the host's", function()
  after_each(helper.clean)

  it("is a matrix that both write to, and is given back once, by the collector or when the state closes", function()
    host [[
      local X, v = host.push(3, 4), host.push(5, 1, "free", 2)
      assert(X.rows == 3 and X.cols == 4 and X(3, 4) == 12 and X:sum() == 78)
      assert(v[5] == 5 and v.cols == 1)
      X[2][1] = 100
      host.double(X)
      assert(X(2, 1) == 200 and X(1, 2) == 4)
      local row, turned = X:row(2), X:t():block(1, 2, 2, 3)
      X = nil
      collect()
      assert(released() == 0 and row[1] == 200 and turned(1, 1) == 200)
      row = nil
      collect()
      assert(released() == 0 and turned(2, 1) == 12)
      turned = nil
      collect()
      assert(released() == 1)
      assert(v[1] == 1) -- until the state closes
    ]]
  end)

  it("has any strides and either dtype", function()
    host [[
      local T = host.push_view "transposed"
      assert(T.rows == 4 and T.cols == 3 and T(2, 3) == 10)
      assert(host.push_view "upside_down" == matrix { { 9, 10, 11, 12 }, { 5, 6, 7, 8 }, { 1, 2, 3, 4 } })
      local F = host.push_view "float32"
      assert(F.dtype == "float32" and F(3, 4) == 5.5)
      assert(latent.pca { latent_dim = 1 }:fit(T).mean == matrix { 2.5, 6.5, 10.5 })
    ]]
  end)

  it("is refused where the view makes no matrix, and given back all the same", function()
    host [[
      local wrong = {
        data = "data is NULL", rows = "the view is 0x4; a matrix has at least one row and one column",
        dtype = "dtype is 7, neither LAT_FLOAT64 nor LAT_FLOAT32", flags = "flags is 64",
        vector = "a vector has one column, the view has 4", unaligned = "data isn't aligned to its elements of 8 bytes",
        large = "more than memory can address", huge = "more than memory can address",
        repeated = "rows interleave, or elements are there twice", interleaved = "by strides 3 and 1 rows interleave",
      }
      local count = 0
      for what, message in pairs(wrong) do
        fails("lat_lua_push_matrix: ", host.push_view, what)
        fails(message, host.push_view, what)
        count = count + 2
        assert(released() == count)
      end
    ]]
  end)

  it("may be read-only, and may have no release", function()
    host [[
      local X = host.push(2, 2, "free", 4)
      fails("can't be written", function() X[1][1] = 0 end)
      fails("can't be written", function() X:t():fill(0) end)
      fails("host.double: X is", host.double, X)
      assert(host.view(X) == 1 + 4 and X:sum() == 10)
      for _ = 1, 1000 do host.static_matrix()[1][1] = 7 end
      assert(host.static_matrix()(1, 1) == 7 and not host.take_back(matrix { 1 }))
    ]]
  end)

  it("may be taken back, and what Lua still has of it raises", function()
    host [[
      local X = host.push(3, 4)
      local row, gmm = X:row(1), latent.gmm()
      assert(host.take_back(X) and released() == 1)
      assert(not host.take_back(X) and not host.take_back(row) and not host.take_back(7) and not host.take_back(nil))
      local gone = "latent: the memory of this matrix has been given back: the application has taken it"
      fails(gone, function() return X:sum() end)
      fails(gone, function() return X[1] end)
      fails(gone, function() return X * 2 end)
      fails(gone, function() return row[1] end)
      fails(gone, function() return matrix.vstack { row, row } end)
      fails(gone, gmm.fit, gmm, X)
      fails(gone, host.halves, X)
      assert(host.view(X) == 0 and host.view(row) == 0)
      fails(gone, tostring, row)
      local Y = host.push(2, 2)
      assert(host.take_back(Y:t():row(1)))
      fails(gone, function() return Y:sum() end)
    ]]
  end)

  it("may be given back by what collects, fits and raises", function()
    host [[
      for i, how in ipairs { "collect", "fit", "raise" } do
        for _ = 1, 200 do host.push(10, 2, how) end
        collect()
        assert(released() == 200 * i, how)
      end
      assert(select(4, host.counts()) == 200 and again.iterations >= 1)
      fails("the release raises", host.take_back, host.push(1, 1, "raise"))
      fails("the release raises", host.push, 1, 1, "raise", 64) -- by the failure itself
      kept = { host.push(1, 1, "raise"), host.push(1, 1, "fit"), host.push(1, 1, "collect") } -- until the state closes
      setmetatable({}, { __gc = function() kept[1]:sum() end })
    ]]
  end)

  it("is of scripts that have errors, coroutines and finalizers", function()
    host [[
      local seen = 0
      for i = 1, 300 do
        local co = coroutine.wrap(function()
          local X = host.push(50, 3)
          setmetatable({}, { __gc = function()
            local ok, message = pcall(function() return X:sum() end)
            assert(ok and message == 11325 or message:find "has been given back", message)
            seen = seen + 1
          end })
          coroutine.yield(X:t())
          error "later"
        end)
        local T = co()
        if i % 3 == 0 then pcall(co) end
        assert(T:sum() == 11325)
      end
      collect()
      assert(released() == 300 and seen == 300)
    ]]
  end)

  -- 4000 buffers of 1 MB, which Lua's own accounts don't have
  it("is felt by the collector", function()
    host [[
      for _ = 1, 4000 do host.push(1024, 128) end
      local status = io.open "/proc/self/status":read "a"
      local peak = tonumber(status:match "VmHWM:%s*(%d+)") // 1024
      assert(peak < 700, peak)
    ]]
  end)
end)

describe("matrices of Lua's", function()
  after_each(helper.clean)

  it("are views in C", function()
    host [[
      local X = matrix { { 1, 2, 3 }, { 4, 5, 6 } }
      local function view(x) return table.concat({ host.view(x) }, " ") end
      assert(view(X) == "1 2 3 0 21.0")
      assert(view(X:t()) == "1 3 2 0 21.0")
      assert(view(X:row(2)) == "3 3 1 0 15.0")
      assert(view(X:to "float32") == "1 2 3 1 21.0")
      for _, value in ipairs { 1, "x", {}, print, latent.gmm(), latent.random(1), io.stdout } do
        assert(view(value) == "0", tostring(value))
      end
      host.double(X:col(1))
      assert(X == matrix { { 2, 2, 3 }, { 8, 5, 6 } })
      assert(host.halves(X) == X / 2 and host.halves { 2, 4 } == matrix { { 1 }, { 2 } })
      fails("host.halves: X must be a matrix, got nothing", host.halves)
      fails("host.halves: X must be a matrix, got string", host.halves, "x")
      fails("host.double: X must be a matrix, got table", host.double, { 1, 2 })
      assert(host.new(2, 3).rows == 2 and host.new(4, 1, 2)[4])
      fails("at least one row", host.new, 0, 3)
      fails("a vector has one column, not 3", host.new, 2, 3, 2)
    ]]
  end)
end)

describe("models of Lua's", function()
  after_each(helper.clean)

  it("say the same bits in C", function()
    host [[
      local X = latent.datasets.iris()
      local counts = matrix { { 0, 1 }, { 1, 0 }, { 0, 2 }, { 7, 1 }, { 9, 0 }, { 8, 2 } }
      local function same(model, rows, what, method)
        local mine = host.score(model, rows, what)
        assert(model[method or what](model, rows) == mine, tostring(model))
      end
      for _, form in ipairs { "full", "diag", "tied", "spherical", "tied_diag", "tied_spherical" } do
        same(latent.gmm { components = 2, covariance = form }:fit(X), X, "log_likelihood")
      end
      same(latent.kmeans { clusters = 3 }:fit(X), X, "distances", "transform")
      same(latent.mppca { components = 2, latent_dim = 1 }:fit(X), X, "log_likelihood")
      same(latent.mixture { components = 2, family = "poisson" }:fit(counts), counts, "log_likelihood")
      for _, name in ipairs { "ppca", "bpca", "fa" } do
        same(latent[name] { latent_dim = 1 }:fit(X), X, "log_likelihood")
      end
      same(latent.pca { latent_dim = 2 }:fit(X), X, "latent", "transform")
      same(latent.ica { latent_dim = 2 }:fit(X), X, "latent", "transform")
      same(latent.scaler():fit(X), X, "standardized", "transform")
      same(latent.flow { input_dim = 4, hidden = 4, dtype = "float64" }:fit(X, { epochs = 1 }), X, "log_likelihood")
    ]]
  end)

  it("are kept as they were by what keeps a view", function()
    host [[
      local X = latent.datasets.iris()
      local gmm = latent.gmm { components = 2 }:fit(X)
      local before = gmm:log_likelihood(X)
      host.keep(gmm)
      gmm:fit(X * 2)
      collect()
      assert(host.score_kept(X, "log_likelihood") == before and gmm:log_likelihood(X) ~= before)
      gmm = nil
      collect()
      for i = 1, 50 do latent.gmm { components = 2 }:fit(X * i) end
      assert(host.score_kept(X, "log_likelihood") == before)
    ]]
  end)

  it("are told apart", function()
    host [[
      local X = latent.datasets.iris()
      local gmm, pca = latent.gmm():fit(X), latent.pca { latent_dim = 1 }:fit(X)
      assert(host.is_model(gmm) and host.is_model(gmm, "gmm") and not host.is_model(gmm, "pca"))
      for _, value in ipairs { 1, "gmm", {}, X, latent.gmm(), print, latent.gmm } do
        assert(not host.is_model(value), tostring(value))
      end
      fails("host.score: model must be a gmm, got pca", host.score, pca, X, "labels", "gmm")
      fails("host.score: model must be a gmm, got latent.Matrix", host.score, X, X, "labels", "gmm")
      fails("host.score: model must be a model, got nothing", host.score, nil, X, "labels")
      fails("host.score: model can't be used in C: it is not fitted yet", host.score, latent.gmm(), X, "labels")
      fails("host.score: X has 3 columns", host.score, gmm, X:block(1, 10, 1, 3), "log_likelihood")
    ]]
  end)

  it("of functions, and that vary, say that C can't use them", function()
    host [[
      local own = latent.em { parameters = { mean = 1 },
        e_step = function(p, x) return { sum = x[1], n = 1 }, -p.mean end,
        m_step = function(s) return { mean = s.sum / s.n } end, max_iterations = 2 }:fit { 3 }
      fails("model can't be used in C: its e_step and m_step are Lua functions", host.score, own, { { 1 } }, "labels")
      local family = { log_density = function(rate, X) return X:col(1) * -rate + math.log(rate) end,
        fit = function(X, r) return r:sum() / (X:col(1) % r):sum() end }
      local mixture = latent.mixture { components = 1, family = family }:fit(matrix { { 1 }, { 2 } })
      fails("its family is of Lua functions", host.score, mixture, { { 1 } }, "labels")
      local Y = latent.datasets.nile()
      assert(host.is_model(latent.lds { latent_dim = 1, max_iterations = 1 }:fit(Y)))
      local varies = latent.lds { A = { 1 }, C = function() return { { 1 } } end, Q = { { 1 } }, R = { { 1 } },
        initial_mean = { 0 }, initial_covariance = { { 1 } } }
      assert(varies:log_likelihood(Y) and not host.is_model(varies))
      fails("its matrices vary with t", host.score, varies, Y, "labels")
    ]]
  end)
end)

describe("models of C's", function()
  after_each(helper.clean)

  it("are models as if Lua had fitted them", function()
    host [[
      local X = latent.datasets.iris()
      local counts = matrix { { 0, 1 }, { 1, 0 }, { 0, 2 }, { 7, 1 }, { 9, 0 }, { 8, 2 } }
      local function same(name, rows, method, options)
        local list = {}
        for key, value in pairs(options) do list[#list + 1], list[#list + 2] = key, value end
        local theirs, mine = host.fit(name, rows, table.unpack(list)), latent[name](options):fit(rows)
        assert(getmetatable(theirs) == getmetatable(mine))
        assert(theirs[method](theirs, rows) == mine[method](mine, rows), name)
        assert(theirs.iterations == mine.iterations and theirs.converged == mine.converged, name)
        local path = os.tmpname()
        assert(theirs:save(path))
        assert(latent.load(path)[method](theirs, rows) == theirs[method](theirs, rows))
        os.remove(path)
        assert(theirs:fit(rows)[method](theirs, rows) == mine[method](mine, rows), name) -- by the same options
      end
      same("gmm", X, "log_likelihood", { components = 2, covariance = "diag", seed = 3 })
      same("kmeans", X, "predict", { clusters = 3, seed = 1 })
      same("mixture", counts, "log_likelihood", { components = 2, family = "poisson" })
      same("mppca", X, "log_likelihood", { components = 2, latent_dim = 1 })
      same("ppca", X, "log_likelihood", { latent_dim = 2 })
      same("bpca", X, "log_likelihood", { latent_dim = 2 })
      same("fa", X, "log_likelihood", { latent_dim = 1 })
      assert(host.project("pca", X):transform(X) == latent.pca { latent_dim = 2 }:fit(X):transform(X))
      assert(host.project("scaler", X):transform(X) == latent.scaler():fit(X):transform(X))
    ]]
  end)

  it("are nets and linear dynamical systems, too, and what Lua has fitted is viewed and pushed again", function()
    host [[
      local X = latent.datasets.iris()
      local options = { input_dim = 4, latent_dim = 2, likelihood = "gaussian" }
      local training = { epochs = 2, batch = 32 }
      local theirs, mine = host.net(X), latent.vae(options):fit(X, training)
      assert(getmetatable(theirs) == getmetatable(mine) and theirs.iterations == mine.iterations)
      assert(theirs:transform(X) == mine:transform(X))
      for _ = 1, 3 do assert(theirs:step(X) == mine:step(X)) end -- with its optimizer and its noise
      assert(theirs:transform(X) == mine:transform(X))
      assert(latent.load_string(theirs:save_string()):transform(X) == theirs:transform(X))
      local Y = latent.datasets.nile()
      for _, form in ipairs { "covariance", "square_root" } do
        for _, initial in ipairs { "known", "diffuse" } do
          local given = { latent_dim = 1, max_iterations = 3, form = form, initial = initial }
          local theirs, mine = host.system(Y, form == "square_root", initial == "diffuse"), latent.lds(given):fit(Y)
          assert(theirs:log_likelihood(Y) == mine:log_likelihood(Y) and theirs.iterations == mine.iterations)
          assert(theirs:forecast(Y, 3).means == mine:forecast(Y, 3).means)
          assert(latent.load_string(theirs:save_string()):log_likelihood(Y) == mine:log_likelihood(Y))
          local copy = host.again(mine)
          assert(copy ~= mine and copy:log_likelihood(Y) == mine:log_likelihood(Y))
          mine:fit(Y * 2)
          assert(copy:log_likelihood(Y) == theirs:log_likelihood(Y))
        end
      end
      local one = { input_dim = 4, latent_dim = 2 }
      local nets = { mine, latent.flow { input_dim = 4 }, latent.gan(one), latent.diffusion { input_dim = 4 },
        latent.flow_matching { input_dim = 4 },
        latent.nonlinear { input_dim = 4, latent_dim = 2, hidden = 5, likelihood = "gaussian" } }
      for _, net in ipairs(nets) do
        net:fit(X, { epochs = 1 })
        local copy = host.again(net)
        assert(copy:sample(5, { seed = 1 }) == net:sample(5, { seed = 1 }), tostring(net))
        net:fit(X, { epochs = 1 })
        copy:fit(X, { epochs = 1 }) -- another order: epochs are counted by Lua
        assert(copy.iterations == net.iterations)
      end
      fails("its e_step and m_step are Lua functions", host.again, latent.em { parameters = { m = 1 },
        e_step = function(p) return { s = 1 }, -p.m end, m_step = function(s, p) return p end }:fit { 3 })
    ]]
  end)

  it("are refused where they make no model", function()
    host [[
      local wrong = {
        nan = "lat_lua_push_model: means has NaN at row 1, column 2", weights = "weights",
        options = "components must be an integer from 1", sizes = "sizes of 0", nothing = "has no parameters yet",
        unknown = "lat_lua_push_model: the module has no model 'deep thought'",
        vae = "the model has no nets yet",
      }
      for what, message in pairs(wrong) do fails(message, host.push_wrong, what) end
      fails("gmm:predict: ", function() return host.push_wrong "variance":predict { { -2 } } end)
      assert(host.push_wrong "none":predict { { -2 }, { 2 } } == matrix { 1, 2 })
    ]]
  end)
end)

describe("a host", function()
  after_each(helper.clean)

  it("is told when the module is another version, or isn't there", function()
    host [[
      local version = latent.version
      assert(host.in_state("return select(2, pcall(host.push, 1, 1))", true)
        == 'latent_lua.h: latent isn\'t loaded in this Lua state: require "latent" first')
      local message = "latent_lua.h: this program was compiled for latent " .. version
        .. " (interface 0), the module is latent 9.8.7 (interface %d): compile it with the module's headers"
      for _, case in ipairs { "1, 'same'", "0, 'others'", "0, 'fewer'", "-1, 'same'" } do
        assert(host.in_state("host.as_version(" .. case .. ") return select(2, pcall(host.view, 1))")
          == message:format(tonumber(case:match "^[-%d]+")))
      end
      assert(host.in_state("host.as_version(0, 'same') return tostring(host.view(1))") == "0")
    ]]
  end)

  it("may have a copy of the C library beside the module's", function()
    assert.equal("the module's model in this program: 500 of 500\n"
      .. "this program's model in the module: 500 of 500\n",
      helper.run(helper.program("lua_link", "-isystem /usr/include/lua5.4 -Ibindings")))
  end)

  it("may have several states, with the module's own name or none", function()
    host [[
      local script = "local latent = require 'latent' local X = host.push(20, 2) package.loaded.latent = nil "
        .. "return tostring(host.fit('gmm', X):predict(X):sum()) .. ' ' .. tostring(host.view(X))"
      for _ = 1, 20 do
        local X = host.push(4, 4)
        assert(host.in_state(script) == "20.0 1" and X:sum() == 136)
      end
      assert(released() >= 20)
    ]]
  end)

  it("gets errors of memory and not a leak", function()
    host [[
      for _ = 1, 2000 do
        local X = host.push(8, 2)
        host.halves(X)
        host.is_model(X)
        host.fit("kmeans", X, "clusters", 1)
      end
      collect()
      assert(released() >= 1999)
    ]]
  end)
end)
