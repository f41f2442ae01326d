-- The host's own BLAS: how many threads it has is the host's, whatever we do with it meanwhile.
local helper = require "helper"

-- Of everything something, with the bits of what comes out; sizes are beyond those from where OpenBLAS takes threads.
local SCRIPT = [[
  local latent = require "latent"
  local matrix, eigen = latent.matrix, latent.eigen
  latent.threads(2)
  local X = matrix.normal(400, 80, latent.random(1))
  local S, list = X:t() * X, {}
  local before = blas_threads()
  local function add(value)
    if matrix.is(value) then value = value:sum() end
    list[#list + 1] = ("%a"):format(value)
    if ALONE and blas_threads() ~= before then error("BLAS has " .. blas_threads() .. " threads") end
  end
  add(X * S) add(S:solve(X:t())) add(S:cholesky()) add(S:inverse()) add(X:svd()) add((X:qr())) add(S:logdet())
  add((eigen.symmetric(S))) add((eigen.general(S))) add((eigen.generalized(S, S + matrix.eye(80))))
  add((eigen.svd(X, { k = 3 })))
  for _, model in ipairs{ latent.pca(), latent.ica{ max_iterations = 5 },
    latent.gmm{ components = 2, max_iterations = 3 }, latent.ppca{ latent_dim = 20, method = "em", max_iterations = 3 },
    latent.fa{ latent_dim = 10, max_iterations = 3 }, latent.bpca{ latent_dim = 10, max_iterations = 3 },
    latent.mppca{ components = 2, latent_dim = 3, max_iterations = 3 } } do
    model:fit(X)
    add(pcall(function() return model.score end) and model:score(X) or model:reconstruct(X))
  end
  local Y = X:block(1, 60, 1, 20):copy()
  add(latent.lds{ latent_dim = 4, max_iterations = 3 }:fit(Y):score(Y))
  local vae = latent.vae{ input_dim = 80, latent_dim = 2, hidden = {64}, likelihood = "gaussian" }
  add((vae:step(X)))
  pcall(function() latent.gmm():fit(X * (0 / 0)) end)   -- failures and what is left halfway give it back, too
  pcall(function() matrix.zeros(80, 80):cholesky() end)
  pcall(function() latent.gmm():fit(X, { on_iteration = function() error "no" end }) end)
  for _ in latent.gmm{ components = 2 }:steps(X) do break end
  add(1)
  return table.concat(list, " ")]]

describe("the host's BLAS", function()
  local blas = require("latent").blas()
  if not blas:find "^OpenBLAS" or not helper.threaded() then
    return pending(blas .. " has no threads that a program could set")
  end
  local program, first

  local function run(threads, states, environment)
    local script = (states == 1 and "ALONE = true\n" or "") .. SCRIPT
    local output, ok = helper.run(("%s %s '%s' %d %d"):format(environment or "", program, script, threads, states))
    assert.is_truthy(ok, output)
    return output:match "^(.*)\n(%d+)\n$"
  end

  setup(function() program = helper.program("blas", "-isystem /usr/include/lua5.4") end)

  it("has its threads back after every call", function()
    local result, threads = run(3, 1)
    first = result
    assert.equal("3", threads)
  end)

  it("has them back when several states work at once, and has had no part in what they give", function()
    for _ = 1, 3 do
      local result, threads = run(3, 4)
      assert.equal(first, result)
      assert.equal("3", threads)
    end
    local result, threads = run(1, 1)
    assert.equal(first, result)
    assert.equal("1", threads)
  end)

  it("opening the module changes nothing", function()
    local output = helper.run(program .. [[ 'local t = blas_threads()
      require "latent"
      return ("%d %d"):format(t, blas_threads())' 2 1]])
    assert.equal("2 2\n2\n", output)
  end)
end)
