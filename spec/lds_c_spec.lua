-- Linear dynamical systems in C (spec/embed/lds.c): files from Lua and back, fits, and what can't be done.
local latent = require "latent"
local helper = require "helper"
local lds_helper = require "lds_helper"
local matrix = latent.matrix

local folder, program

local function path(name) return folder .. "/" .. name end

local function run(...) return helper.run(program .. " " .. table.concat({ ... }, " ")) end

local function write(name, Y)
  local lines = { ("%d %d"):format(Y.rows, Y.cols) }
  for t = 1, Y.rows do
    for d = 1, Y.cols do lines[#lines + 1] = Y(t, d) ~= Y(t, d) and "nan" or ("%a"):format(Y(t, d)) end
  end
  local file = assert(io.open(path(name), "w"))
  file:write(table.concat(lines, "\n"), "\n")
  file:close()
end

-- The densities of all rows, as the program prints them.
local function densities(model, Y)
  local lines = {}
  for t, value in ipairs(model:log_likelihood(Y):table()) do lines[t] = ("%a\n"):format(value) end
  return table.concat(lines)
end

describe("linear dynamical systems in C", function()
  setup(function()
    folder = os.tmpname()
    os.remove(folder)
    assert(os.execute("mkdir " .. folder))
    program = helper.program "lds"
  end)
  teardown(function() os.execute("rm -rf " .. folder) end)

  local Y = lds_helper.random_data(30, 2, 3)

  it("read what Lua writes, and write what Lua reads", function()
    write("Y", Y)
    local all = lds_helper.random_model(2, 2, 0, 5)
    local function with(more)
      local options = {}
      for k, v in pairs(all) do options[k] = v end
      for k, v in pairs(more) do options[k] = v end
      return latent.lds(options)
    end
    local unsaid = { A = all.A, C = all.C, Q = all.Q, R = all.R }
    local models = { with {}, with { initial = "diffuse" }, with { initial = { "known", "diffuse" } },
      with { initial = "known", form = "square_root" }, with { initial = "stationary" }, latent.lds(unsaid),
      latent.lds { A = matrix.eye(2), C = all.C, Q = all.Q, R = all.R },
      with { initial = { "diffuse", "diffuse" }, form = "square_root" }, with { initial = "automatic" },
      latent.lds { latent_dim = 2, max_iterations = 3, structure = { Q = "diagonal" } }:fit(Y),
      latent.lds { latent_dim = 1, C = { { 1 }, { 1 } }, initial = "diffuse", max_iterations = 2 }:fit(Y) }
    for i, model in ipairs(models) do
      local expected = densities(model, Y)
      assert(model:save(path "lua.safetensors"))
      local output, ok = run("score", path "lua.safetensors", path "Y")
      assert.is_truthy(ok, output)
      assert.equal(expected, output, i)
      output, ok = run("again", path "lua.safetensors", path "c.safetensors")
      assert.is_truthy(ok, output)
      assert.equal(expected, densities(assert(latent.load(path "c.safetensors")), Y), i)
    end
  end)

  it("don't take the first matrix of a list for all", function()
    local options = lds_helper.random_model(2, 2, 0, 5)
    for _, list in ipairs { { options.A, options.A }, { { { 1, 0 }, { 0, 1 } }, { { 1, 0 }, { 0, 1 } } } } do
      options.A = list
      assert(latent.lds(options):save(path "list.safetensors"))
      local output, ok = run("score", path "list.safetensors", path "Y")
      assert.is_falsy(ok)
      assert.equal("A varies with t, and can't be read here\n", output)
    end
  end)

  it("are fitted as in Lua, by one call or step by step", function()
    local flow = latent.datasets.nile()
    write("nile", flow)
    local output, ok = run("fit", path "nile")
    assert.is_truthy(ok, output)
    local nile = flow:col(1)
    local lds = latent.lds { A = 1, C = 1, max_iterations = 20, restarts = 2 }:fit { nile, nile }
    local line = ("%a %a %d\n"):format(lds.Q(1, 1), lds.R(1, 1), lds.iterations)
    assert.equal(line .. line .. "40 iterations, 2 reviews\n", output)
  end)

  it("say what is wrong", function()
    local output, ok = run("fail", path "never")
    assert.is_truthy(ok, output)
    assert.equal([[
1 1 0, 500 iterations
invalid argument: latent_dim must be an integer from 1 to 65536, got 0
invalid argument: A varies with t, and so can't be estimated
invalid argument: fixed holds entries of C, which isn't given
invalid argument: initial: states are all stationary or none of them, but for diffuse ones
invalid argument: there are no sequences
invalid argument: C is neither given nor estimated
invalid argument: the model has 1 inputs, and none are given
invalid argument: A varies with t, and can't be saved
invalid argument: unknown form 'square', did you mean 'square_root'?
invalid argument: unknown initial 'difuse', did you mean 'diffuse'?
]], output)
    assert.is_nil(io.open(path "never"))
  end)
end)
