-- What exported files need of the places they are for: interpreters of Lua, compilers, memory; and bad input. What a
-- machine has no interpreter or compiler for is pending.
local latent = require "latent"
local helper = require "helper"
local export = require "export_helper"
local matrix = latent.matrix

local X = latent.random(7):normal(60, 3)
X:set(1, 2, 0 / 0)
local full = latent.gmm { components = 2 }:fit(X:block(2, 60, 1, 3))

local function has(command) return os.execute("command -v " .. command .. " >/dev/null 2>&1") == true end

-- A model of each family, by name.
local function families()
  local rows = X:block(2, 60, 1, 3)
  local y = {}
  for i = 1, #rows do y[i] = i % 2 end
  return {
    gmm = full, kmeans = latent.kmeans { clusters = 2 }:fit(rows), pca = latent.pca { latent_dim = 2 }:fit(rows),
    fa = latent.fa():fit(rows), ica = latent.ica():fit(rows), mppca = latent.mppca { components = 2 }:fit(rows),
    poisson = latent.mixture { family = "poisson" }:fit((rows ^ 2):map(math.floor)), scaler = latent.scaler():fit(rows),
    lds = latent.lds { latent_dim = 2, max_iterations = 2 }:fit(rows),
    diffuse = latent.lds { A = { { 1, 1 }, { 0, 1 } }, C = { { 1, 0 }, { 0, 1 } }, Q = { 1, 1 },
      R = { { 2, 1 }, { 1, 2 } } },
    classifier = latent.classifier(function() return latent.ppca() end):fit(rows, y),
    vae = latent.vae { input_dim = 3, latent_dim = 2, hidden = 4, activation = "gelu" },
    gan = latent.gan { input_dim = 3, latent_dim = 2, hidden = 4 },
    nsf = latent.flow { input_dim = 3, layers = 2, hidden = 4 },
    maf = latent.flow { input_dim = 3, layers = 2, hidden = 4, kind = "maf" },
    realnvp = latent.flow { input_dim = 3, hidden = 4, kind = "realnvp" },
    own = latent.flow { input_dim = 3, layers = { "planar", "radial", "linear", "actnorm", "spline" }, hidden = 4 },
  }
end

describe("exported files", function()
  teardown(export.clean)

  for _, interpreter in ipairs { "lua5.1", "lua5.2", "lua5.3", "luajit" } do
    local test = has(interpreter) and it or pending
    test("are the same in " .. interpreter, function()
      local path = export.path ".lua"
      assert(full:export(path))
      export.same(full:log_likelihood(X, { missing = true }),
        export.other(interpreter, path, "log_likelihood", X))
      export.same(full:impute(X), export.other(interpreter, path, "impute", X))
      export.same(full:predict(X, { missing = true }), export.other(interpreter, path, "predict", X))
      for name, model in pairs(families()) do
        assert(model:export(path), name)
        local output, ok = helper.run(("%s -e 'assert(type(dofile(\"%s\")) == \"table\")'"):format(interpreter, path))
        assert.is_true(ok, output)
      end
    end)

    test("hold more numbers than a function of " .. interpreter .. " may", function()
      local net = latent.vae { input_dim = 700, latent_dim = 2, hidden = 400, dtype = "float64" }
      local path, B = export.path ".lua", latent.random(1):uniform(2, 700):gt(0.5)
      assert(net:export(path, { methods = { "transform" } }))
      export.same(net:transform(B), export.other(interpreter, path, "transform", B))
    end)
  end

  it("need math and nothing else of Lua", function()
    for name, model in pairs(families()) do
      local path = export.path ".lua"
      assert(model:export(path))
      local few = { math = math, type = type, error = error }
      local module = assert(loadfile(path, "t", few), name)()
      for method, f in pairs(module) do
        if method ~= "init" then helper.fails("must be", f, "no row") end
      end
    end
  end)

  -- Of the compiler, its flags, and what runs the program.
  local compilers = {
    { "clang", "" }, { "aarch64-linux-gnu-gcc", "" }, { "riscv64-linux-gnu-gcc", "" },
    { "arm-none-eabi-gcc", "-mcpu=cortex-m4 -mthumb" },
    { "arm-none-eabi-gcc", "-mcpu=cortex-m4 -mthumb -mfloat-abi=hard -mfpu=fpv4-sp-d16" },
    { "gcc", "-O3 -Wshadow -Wcast-qual" },
  }
  for _, c in ipairs(compilers) do
    local compiler, flags = c[1], c[2]
    local test = has(compiler) and it or pending
    test(("compile without a warning by %s %s"):format(compiler, flags), function()
      for _, model in pairs(families()) do
        for _, precision in ipairs { "double", "float" } do
          local path = export.path ".c"
          assert(model:export(path, { precision = precision }))
          export.compile(path, compiler, flags)
        end
      end
    end)
  end

  local zig = helper.python "ziglang, wasmtime"
  local wasm = zig and it or pending
  wasm("run as Wasm", function()
    local path = export.path ".c"
    assert(full:export(path))
    local name = path:match "(m%d+)%.c"
    local script = helper.file(([[
import struct, subprocess, sys, wasmtime
path, name = sys.argv[1:]
subprocess.run([sys.executable, "-m", "ziglang", "cc", "-target", "wasm32-wasi", "-O2", %s, "-mexec-model=reactor",
  "-Wl,--export=" + name + "_log_likelihood", "-Wl,--export=malloc", "-o", path + ".wasm", path], check=True)
engine = wasmtime.Engine()
store, linker = wasmtime.Store(engine), wasmtime.Linker(engine)
linker.define_wasi()
store.set_wasi(wasmtime.WasiConfig())
exports = linker.instantiate(store, wasmtime.Module.from_file(engine, path + ".wasm")).exports(store)
at = exports["malloc"](store, 24)
for row in [(0.5, float("nan"), 1), (1, 2, 3)]:
    exports["memory"].write(store, struct.pack("<3d", *row), at)
    print("%%.17g" %% exports[name + "_log_likelihood"](store, at))
]]):format('"' .. export.FLAGS:gsub(" ", '", "') .. '"'), ".py")
    local output, ok = helper.run(("%s %s %s %s"):format(zig, script, path, name))
    assert.is_true(ok, output)
    local list = {}
    for word in output:gmatch "%S+" do list[#list + 1] = tonumber(word) end
    export.same(full:log_likelihood({ { 0.5, 0 / 0, 1 }, { 1, 2, 3 } }, { missing = true }), matrix(list))
  end)

  local arm = has "arm-none-eabi-gcc" and has "arm-none-eabi-size" and it or pending
  arm("of a mixture of 4 components and 8 columns take at most 2 kB of a Cortex-M4", function()
    local path = export.path ".c"
    assert(latent.gmm { components = 4 }:fit(latent.random(1):normal(500, 8)):export(path, { precision = "float" }))
    local object = export.compile(path, "arm-none-eabi-gcc", "-Os -mcpu=cortex-m4 -mthumb")
    local sizes = helper.run("arm-none-eabi-size -A " .. object)
    local bytes = 0
    for name, size in sizes:gmatch "%.(%S+)%s+(%d+)" do
      if name:find "^text" or name:find "^rodata" or name:find "^data" then bytes = bytes + size end
    end
    assert.is_true(bytes > 500 and bytes <= 2048, sizes)
  end)

  it("stay within their arrays whatever rows hold", function()
    if helper.sanitized() then return pending "compiled with sanitizers of their own" end
    local values = { 0 / 0, math.huge, -math.huge, -1, 0, 0.5, 1, 2, 7, 255, 1e9, -1e300, 1e300 }
    local rows = {}
    for i = 1, 3 * #values do
      rows[i] = {}
      for j = 1, 3 do rows[i][j] = values[1 + (i * j + j * j) % #values] end
    end
    local methods = { log_likelihood = "number", predict = "label", responsibilities = 2, impute = 3, transform = 2,
      reconstruct = 3 }
    local all, codes = families(), latent.random(2):uniform(60, 3)
    all.bernoulli = latent.mixture { components = 2 }:fit(codes:gt(0.5))
    all.categorical = latent.mixture { components = 2, family = "categorical" }:fit((codes * 3):map(math.floor))
    all.lds, all.diffuse, all.scaler, all.gan = nil, nil, nil, nil -- two have a state, two no such methods
    for name, model in pairs(all) do
      local path, has_method = export.path ".c", {}
      assert(model:export(path))
      local text = helper.contents(path)
      for method, gives in pairs(methods) do
        local result = text:match("\n%l+ m%d+_" .. method .. "%(const double %*row[^\n]*%);")
        if result then has_method[method] = method == "transform" and model:transform(codes).cols or gives end
      end
      assert.is_truthy(next(has_method), name)
      export.sanitized(path, matrix(rows), has_method)
    end
  end)

  it("say that what no column can be is impossible", function()
    local codes = latent.random(2):uniform(60, 2)
    local counts = (codes * 3):map(math.floor)
    for family, data in pairs { bernoulli = codes:gt(0.5), categorical = counts, poisson = counts } do
      local c, lua = export.path ".c", export.path ".lua"
      local model = latent.mixture { components = 2, family = family }:fit(data)
      assert(model:export(c))
      assert(model:export(lua))
      for _, bad in ipairs { -1, 0.5, -1e300, math.huge } do
        local expected = matrix { -math.huge }
        export.same(expected, export.c(c, "log_likelihood", matrix { { bad, 1 } }, "number"))
        export.same(expected, export.lua(lua, "log_likelihood", matrix { { bad, 1 } }, "number"))
      end
    end
    local mppca, path = latent.mppca { components = 2, latent_dim = 1 }:fit(X:block(2, 60, 1, 3)), export.path ".c"
    assert(mppca:export(path))
    local none = export.run_c(path, matrix { { 1 } }, 3, "void NAME_inverse_transform(const double *, int, double *);",
      "NAME_inverse_transform(in, 7, out)")
    assert.equal(3, none:isnan():sum())
  end)

  it("need no other header than math.h, and that only where it is needed", function()
    local includes = { scaler = 0, pca = 0, gmm = 1 }
    for name, model in pairs(families()) do
      local path = export.path ".c"
      assert(model:export(path))
      local _, count = helper.contents(path):gsub("#include <math%.h>", "")
      local _, all = helper.contents(path):gsub("#include", "")
      assert.equal(count, all, name)
      if includes[name] then assert.equal(includes[name], count, name) end
      assert.is_nil(helper.contents(path):find "alloc%(")
    end
  end)

  it("have what is asked for, and no more", function()
    local all, one = export.path ".c", export.path ".c"
    assert(full:export(all))
    assert(full:export(one, { methods = { "log_likelihood" }, missing = false }))
    local text = helper.contents(one)
    assert.is_true(#text < #helper.contents(all) * 0.6)
    assert.is_nil(text:find "predict")
    assert.is_truthy(text:find "double m%d+_log_likelihood%(const double %*row%)")
    local whole = X:block(2, 60, 1, 3)
    export.same(full:log_likelihood(whole), export.c(one, "log_likelihood", whole, "number"))
    local y = export.c(one, "log_likelihood", X:block(1, 1, 1, 3), "number")
    assert.is_true(y[1] ~= y[1])
  end)

  it("are equal for equal models", function()
    local a, b = export.path ".lua", export.path ".lua"
    assert(full:export(a))
    assert(full:export(b))
    assert.equal(helper.contents(a), (helper.contents(b):gsub(b:match "(m%d+)%.lua", a:match "(m%d+)%.lua")))
  end)
end)

describe("model:export refuses", function()
  teardown(export.clean)

  it("paths that it can't write to, which is a message", function()
    local ok, message = full:export "/nowhere/at/all.c"
    assert.is_nil(ok)
    assert.is_truthy(message:find("/nowhere/at/all.c", 1, true))
  end)

  it("other endings and names that are none in C", function()
    helper.fails("gmm:export: path must end in .c", full.export, full, "model.cpp")
    helper.fails("gmm:export: path must end in .c", full.export, full, "model")
    helper.fails("gmm:export: path must be a string, got nil", full.export, full)
    helper.fails("'2nd' can't be a name of C", full.export, full, "/tmp/2nd.c")
    helper.fails("'my-model' can't be a name of C", full.export, full, "my-model.c")
    helper.fails("'while' can't be a name of C", full.export, full, "while.c")
    helper.fails("'' can't be a name of C", full.export, full, "/tmp/.c")
  end)

  it("models that are not fitted", function()
    helper.fails("gmm:export: the model is not fitted yet", latent.gmm().export, latent.gmm(), "a.c")
    local classifier = latent.classifier(function() return latent.gmm() end)
    helper.fails("classifier:export: the model is not fitted yet", classifier.export, classifier, "a.c")
  end)

  it("models that can't be programs, which is a message that says why", function()
    local function why(part, model)
      local ok, message = model:export(export.path ".c")
      assert.is_nil(ok)
      assert.is_truthy(message:find(part, 1, true), message)
    end
    local own = { log_density = function(p, A) return -((A:col(1) - p) ^ 2) end, fit = function() return 0 end }
    local mixture = latent.mixture { family = own, components = 1 }:fit(X:block(2, 9, 1, 3))
    why("mixture:export: a mixture of your own family", mixture)
    why("lds:export: A varies with time", latent.lds { A = { matrix { { 1 } }, matrix { { 2 } } }, C = 1, Q = 1, R = 1,
      initial_mean = 0, initial_covariance = 1 })
    why("flow_matching:export: a flow_matching can't be exported: a draw solves a differential equation",
      latent.flow_matching { input_dim = 2, hidden = 4 })
    why("diffusion:export: a diffusion can't be exported: a draw takes many passes",
      latent.diffusion { input_dim = 2, hidden = 4 })
    local y = {}
    for i = 1, 59 do y[i] = i % 2 end
    local none = latent.classifier(function() return latent.ica { latent_dim = 2 } end)
    why("class 0: a ica has no log_likelihood", none:fit(X:block(2, 60, 1, 3), y))
    why("a noise variance is 0", latent.ppca { latent_dim = 1, noise_variance = 0 }:fit(X:block(2, 60, 1, 3)))
  end)

  it("options that it doesn't know", function()
    helper.fails("gmm:export: precision must be \"double\" or \"float\", got 'half'", full.export, full, "a.c",
      { precision = "half" })
    helper.fails("precision = 'float' is for C", full.export, full, "a.lua", { precision = "float" })
    helper.fails("unknown option 'precison'; did you mean 'precision'?", full.export, full, "a.c", { precison = "x" })
    helper.fails("methods has 'transform'; of this model there are log_likelihood", full.export, full, "a.c",
      { methods = { "transform" } })
    helper.fails("methods must name at least one", full.export, full, "a.c", { methods = {} })
    helper.fails("methods[1] must be a name, got 3", full.export, full, "a.c", { methods = { 3 } })
    helper.fails("scaler must be a latent.Scaler, got 1", full.export, full, "a.c", { scaler = 1 })
    helper.fails("the scaler is not fitted yet", full.export, full, "a.c", { scaler = latent.scaler() })
    local two = latent.scaler():fit { { 1, 2 }, { 3, 5 } }
    helper.fails("the scaler has 2 columns, the model 3", full.export, full, "a.c", { scaler = two })
  end)

  it("parameters that users have made NaN", function()
    for _, ending in ipairs { ".c", ".lua", ".onnx" } do
      local model, path = latent.kmeans { clusters = 2 }:fit(X:block(2, 60, 1, 3)), export.path(ending)
      model.centers[2][1] = 0 / 0
      helper.fails("kmeans:export: the model has parameters that are NaN: number 4 of the file's centers", model.export,
        model, path)
      assert.is_nil((io.open(path)))
    end
  end)

  it("rows of another width, in files of Lua", function()
    local path = export.path ".lua"
    local name = path:match "(m%d+)%.lua"
    assert(full:export(path))
    local module = dofile(path)
    helper.fails(name .. ".log_likelihood: row must have 3 numbers, got 2", module.log_likelihood, { 1, 2 })
    helper.fails(name .. ".predict: row must be a list of 3 numbers, got a nil", module.predict)
    helper.fails(name .. ".impute: row must be a list of 3 numbers, got a string", module.impute, "123")
    local m = latent.mppca { components = 2 }:fit(X:block(2, 60, 1, 3))
    assert(m:export(path))
    helper.fails(".inverse_transform: component must be a whole number from 1 to 2", dofile(path).inverse_transform,
      { 1 }, 3)
    assert(latent.lds { A = 1, C = 1, Q = 1, R = 1, initial_mean = 0, initial_covariance = 1 }:export(path))
    helper.fails(".update: the state must be what init has returned", dofile(path).update, nil, { 1 })
  end)
end)
