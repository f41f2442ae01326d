local latent = require "latent"
local helper = require "helper"
local matrix, fails = latent.matrix, helper.fails
local nan = 0 / 0

local function data(n, d)
  return matrix(n, d, function(i, j) return j * math.sin(12.9898 * i + 78.233 * j) + 100 * j end)
end

describe("scaler", function()
  it("gives columns mean 0 and deviation 1 (divisor N), and takes them back", function()
    local X = data(50, 4)
    local scaler = latent.scaler():fit(X)
    assert.near_matrix(X:mean(1), scaler.mean, 1e-12)
    assert.near_matrix(X:std(1), scaler.deviation, 1e-13)
    local Z = scaler:transform(X)
    assert.near_matrix(matrix.zeros(4), Z:mean(1), 1e-13)
    assert.near_matrix(matrix.ones(4), Z:std(1), 1e-13)
    assert.near_matrix(X, scaler:inverse_transform(Z), 1e-12)
  end)

  it("by hand", function()
    local scaler = latent.scaler():fit{ {1, 2}, {3, 8} }
    assert.same({2, 5}, scaler.mean:table())
    assert.same({1, 3}, scaler.deviation:table())
    assert.same({ {-1, -1}, {1, 1} }, scaler:transform{ {1, 2}, {3, 8} }:table())
  end)

  it("does only one of the two when asked", function()
    local X = data(20, 3)
    local centred = latent.scaler{ with_deviation = false }:fit(X)
    assert.near_matrix(X - X:mean(1), centred:transform(X), 1e-12)
    local scaled = latent.scaler{ with_mean = false }:fit(X)
    assert.near_matrix(X / X:std(1), scaled:transform(X), 1e-10)
    assert.near_matrix(X, scaled:inverse_transform(scaled:transform(X)), 1e-12)
  end)

  it("leaves constant columns at 0, whatever their size", function()
    for _, value in ipairs{ 0, 3, 1 / 3, 1e6 / 7, -1e-12 } do
      local X = matrix.hstack{ data(1000, 1), matrix.ones(1000, 1) * value }
      local scaler = latent.scaler():fit(X)
      assert.equal(1, scaler.deviation[2])
      assert.near(0, scaler:transform(X):col(2):abs():max(), 1e-8 * math.max(1, math.abs(value)))
    end
  end)

  it("keeps its digits far from 0", function()
    local X = data(5000, 2)
    local reference = latent.scaler():fit(X)
    local far = latent.scaler():fit(X + 1e8)
    for j = 1, 2 do assert.near(1, far.deviation[j] / reference.deviation[j], 1e-7) end
  end)

  it("leaves missing entries out, and missing", function()
    local X = matrix{ {1, nan}, {2, 5}, {nan, 7}, {6, 9} }
    local scaler = latent.scaler():fit(X, { missing = true })
    assert.near_matrix({3, 7}, scaler.mean, 1e-14)
    assert.near_matrix({math.sqrt(14 / 3), math.sqrt(8 / 3)}, scaler.deviation, 1e-14)
    local Z = scaler:transform(X)
    assert.is_true(Z(1, 2) ~= Z(1, 2))
    assert.near(-2 / math.sqrt(14 / 3), Z(1, 1), 1e-14)
    fails("column 2 of X has no entries", scaler.fit, scaler, { {1, nan}, {2, nan} }, { missing = true })
    fails("scaler:fit: X has NaN at row 1, column 2", scaler.fit, scaler, X, { missing = false })
    fails("X has an infinity at row 2, column 1", scaler.fit, scaler, { {1}, {1 / 0} }, { missing = true })
    assert.near_matrix({3, 7}, scaler.mean, 1e-14)
  end)

  it("a weight of 2 is the row twice; chunks and functions are the whole", function()
    local X = data(600, 3)
    local whole = latent.scaler():fit(X)
    local parts = latent.scaler()
    for first = 1, 600, 250 do parts:partial_fit(X:block(first, math.min(first + 249, 600))) end
    local given = false
    local chunks = latent.scaler():fit(function()
      given = not given
      return given and X or nil
    end)
    for _, other in ipairs{ parts, chunks } do
      assert.near_matrix(whole.mean, other.mean, 1e-12)
      assert.near_matrix(whole.deviation, other.deviation, 1e-12)
    end
    local weighted = latent.scaler():fit({ {1}, {4}, {9} }, { weights = {2, 1, 0} })
    assert.near_matrix(latent.scaler():fit{ {1}, {1}, {4} }.deviation, weighted.deviation, 1e-15)
  end)

  it("takes float32 and any layout, and writes into out", function()
    local X = data(300, 5)
    local scaler = latent.scaler():fit(X:t():copy():t())
    assert.near_matrix(X:std(1), scaler.deviation, 1e-12)
    assert.equal("float32", scaler:transform(X:to "float32").dtype)
    local Z = X:copy()
    assert.is_true(rawequal(Z, scaler:transform(Z, { out = Z })))
    assert.near_matrix(scaler:transform(X), Z, 0)
  end)

  it("gives the same bits for 1 and 2 threads", function()
    local X, before, first = data(20000, 3), latent.threads(), nil
    for threads = 1, 2 do
      latent.threads(threads)
      local scaler = latent.scaler():fit(X)
      first = first or scaler
      assert.is_true(first.mean == scaler.mean and first.deviation == scaler.deviation)
      assert.is_true(first:transform(X) == scaler:transform(X))
    end
    latent.threads(before)
  end)

  it("a fit that fails leaves it as it was", function()
    local X = data(30, 2)
    local scaler = latent.scaler():fit(X)
    local before = scaler.mean:copy()
    local chunks = 0
    fails("gone", function()
      scaler:fit(function()
        chunks = chunks + 1
        if chunks == 2 then error "gone" end
        return X * 5
      end)
    end)
    assert.is_true(before == scaler.mean)
    scaler:partial_fit(X) -- begins anew: the failed fit's rows are not in it
    assert.near_matrix(before, scaler.mean, 1e-12)
  end)

  it("names what is wrong", function()
    local scaler = latent.scaler()
    fails("scaler: unknown option 'with_std'", latent.scaler, { with_std = true })
    fails("scaler: with_mean must be true or false, got 1", latent.scaler, { with_mean = 1 })
    fails("the model is not fitted yet", scaler.transform, scaler, data(2, 2))
    scaler:fit(data(5, 2))
    fails("X has 3 columns, the scaler was fitted on 2", scaler.transform, scaler, data(5, 3))
    fails("X has 3 columns, the data before had 2", scaler.partial_fit, scaler, data(5, 3))
    fails("scaler:fit: X must be a matrix, got nothing", scaler.fit, scaler)
    assert.is_true(tostring(scaler):find("scaler, fitted: mean 2, deviation 2", 1, true) ~= nil)
  end)
end)
