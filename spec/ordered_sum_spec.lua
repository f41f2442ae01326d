-- Sums of statistics in one fixed order, seen from a C host: spec/embed/ordered_sum.c prints facts.
local helper = require "helper"

describe("ordered sums", function()
  it("are the same bits for every number of threads, whatever pieces the rows come in", function()
    local output, ok = helper.run("OPENBLAS_NUM_THREADS=1 " .. helper.program "ordered_sum")
    assert.is_truthy(ok, output)
    assert.equal("whole 1\npieces 1\nchunks 1\ntree 1\nlarge 1\ncancelled 1\nreleased 1\nagain 1\n", output)
  end)
end)
