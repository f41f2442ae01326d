-- Sums of statistics in one fixed order, seen from a C host: spec/embed/ordered_sum.c prints facts.
local helper = require "helper"

describe("ordered sums", function()
  it("are the same bits for every number of threads, whatever pieces the rows come in", function()
    local output, ok = helper.run("OPENBLAS_NUM_THREADS=1 " .. helper.program "ordered_sum")
    assert.is_truthy(ok, output)
    assert.equal("whole 1\npieces 1\nchunks 1\ntree 1\nlarge 1\ngroups 1\ncut at chunks 1\ncut anywhere 1\n"
      .. "cancelled 1\nreleased 1\nagain 1\n", output)
  end)

  -- groups of four columns: four chunks of 4096 rows
  it("of moments are the same bits for rows at once and in pieces that are whole groups", function()
    local latent = require "latent"
    local X = latent.matrix.normal(50000, 4, 3) * latent.matrix { { 1, 2, 0, 1 }, { 0, 1, 3, 1 }, { 1, 0, 0, 2 },
      { 0, 1, 1, 0 } } + latent.matrix { 1e3, 0, -5, 1 }
    local function pieces(rows)
      local at = 0
      return function()
        if at >= #X then
          at = 0
          return nil
        end
        at = at + rows
        return X:block(at - rows + 1, math.min(at, #X))
      end
    end
    for name, make in pairs {
      pca = function() return latent.pca { latent_dim = 2, solver = "covariance" } end,
      scaler = function() return latent.scaler() end,
      ppca = function() return latent.ppca { latent_dim = 2 } end,
    } do
      local whole, groups, odd = make():fit(X), make():fit(pieces(16384)), make():fit(pieces(1000))
      for _, field in ipairs { "mean", "components", "eigenvalues", "deviation", "W", "noise_variance" } do
        if helper.has(whole, field) then
          assert.is_true(whole[field] == groups[field], name .. "." .. field)
          assert.near_matrix(whole[field], odd[field], 1e-10)
        end
      end
      if name ~= "ppca" then -- updates add to what is there, as one more piece
        local first, later = make():partial_fit(X:block(1, 16384)), make():partial_fit(X)
        first:partial_fit(X:block(16385, -1))
        assert.near_matrix(later.mean, first.mean, 1e-11)
      end
    end
  end)
end)
