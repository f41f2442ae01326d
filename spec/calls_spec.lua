-- Random calls of everything that is exported: spec/fuzz/calls.lua. `make fuzz` goes on without end.
local helper = require "helper"

describe("random calls", function()
  it("neither crash, hang, nor harm what they aren't given", function()
    local program = helper.program("calls", "-isystem /usr/include/lua5.4 -Wl,-E", "spec/fuzz")
    for seed = 1, 4 do
      local folder = os.tmpname()
      os.remove(folder)
      local output, ok = helper.run(("mkdir %s && %s $PWD/spec/fuzz/calls.lua %d 1000 %s 2>&1 >/dev/null")
        :format(folder, program, seed, folder))
      helper.run("rm -rf " .. folder)
      assert.is_truthy(ok, output:sub(-4000))
      local through = output:match "(%d+) of 1000 calls came through"
      assert.is_true(tonumber(through) > 300, output:sub(-4000)) -- most wrong arguments would test the checks only
    end
  end)
end)
