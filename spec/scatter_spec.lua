-- Scatters of centred rows (core/matrix/scatter.c), against products of matrices: widths around those of a vector, of a
-- panel and of several, numbers of rows around those of a block and of a chunk.
local latent = require "latent"
local helper = require "helper"
local matrix = latent.matrix

-- S = U diag(eigenvalues) U', of all components
local function covariance(X, options)
  local pca = latent.pca { latent_dim = math.min(X.cols, #X), solver = "covariance" }:fit(X, options)
  local U = pca.components
  return U * matrix.diag(pca.eigenvalues) * U:t()
end

describe("scatters", function()
  it("are the products of centred rows, for all widths", function()
    local random = latent.random(3)
    for _, D in ipairs { 1, 2, 7, 8, 9, 15, 16, 17, 23, 24, 25, 31, 33, 47, 48, 49, 72, 73, 100, 127 } do
      for _, N in ipairs { 95, 96, 97, 300, 1000 } do
        local X = matrix.normal(N, D, random) + 3
        local Y = X - X:mean(1)
        local S = N > D and covariance(X) or nil
        if S then assert.near_matrix(Y:t() * Y / N, S, 1e-12 * D) end
      end
    end
  end)

  it("weigh rows, and are the same bits in any number of threads", function()
    local threads = latent.threads()
    finally(function() latent.threads(threads) end)
    local X, w = matrix.normal(3000, 29, latent.random(1)) + 100, matrix.random(3000, 1, latent.random(2)):col(1)
    local weighted = covariance(X, { weights = w })
    local mean = (w:outer(matrix.ones(29)) % X):sum(1) / w:sum()
    local Y = X - mean
    assert.near_matrix((w:outer(matrix.ones(29)) % Y):t() * Y / w:sum(), weighted, 1e-11)
    for _, n in ipairs { 1, 2, 3 } do
      latent.threads(n)
      assert.is_true(covariance(X, { weights = w }) == weighted)
    end
  end)

  it("keep digits of data far from 0, and read views of any stride", function()
    local X = matrix.normal(500, 20, latent.random(4))
    local S = covariance(X)
    assert.near_matrix(S, covariance(X + 1e7), 1e-6)
    local wide = matrix.zeros(500, 40)
    wide:block(1, -1, 11, 30):assign(X)
    assert.is_true(covariance(wide:block(1, -1, 11, 30)) == S)
    assert.near_matrix(S, covariance(X:t():copy():t()), 1e-13)
    assert.near_matrix(S, covariance(X:to "float32"), 1e-6)
    helper.fails("row 3, column 5", covariance, (function()
      local Z = X:copy()
      Z:set(3, 5, 0 / 0)
      return Z
    end)())
  end)
end)
