local helper = require "helper"

-- The kernels under the models' inner loops, which Lua doesn't see: spec/embed/tile.c multiplies
-- matrices of all kinds of sizes and compares with sums by definition, and looks at what lies beside.
describe("products in the cache", function()
  for _, level in ipairs { { 4, "AVX-512" }, { 3, "AVX2" }, { 0, "BLAS" } } do
    it("are right, with " .. level[2], function()
      local program = helper.program("tile", "-fPIC -DLAT_TILE_LEVEL=" .. level[1])
      local pipe = assert(io.popen(program))
      local cases, worst = pipe:read("n", "n")
      assert.is_true(pipe:close())
      if cases == 0 then return pending "this processor doesn't have it" end
      assert.equal(level[1] > 0 and 12152 or 11648, cases) -- of the least of a column there is no BLAS
      assert.is_true(worst < 1, "the largest error is " .. worst .. " times its bound")
    end)
  end
end)
