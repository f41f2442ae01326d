-- The base of the core, seen from a C host: spec/embed/base.c prints facts.
local helper = require "helper"

describe("base", function()
  local program
  lazy_setup(function() program = helper.program "base" end)

  local function facts(part, environment)
    local output, ok = helper.run(("%s OPENBLAS_NUM_THREADS=1 %s %s"):format(environment or "", program, part))
    assert.is_truthy(ok, output)
    return output
  end

  it("runs every chunk once, with the same sums for every number of threads", function()
    assert.equal("1 thread 1\n2 threads 1\n7 threads 1\nnested 1\nchanging 1\nno chunks 1\n", facts "pool")
  end)

  it("parks its threads", function() assert.equal("idle 1\n", facts "idle") end)

  it("serves several callers at once", function() assert.equal("callers 1\n", facts "callers") end)

  it("works in a forked child, and inline where no thread can be made", function()
    if helper.emulated then return pending "QEMU's emulation of a process can't fork with threads" end
    assert.equal("fork 1\nparent 1\nno threads 1\n", facts "forks")
  end)

  it("keeps its threads off the caller's processor, within the process' own", function()
    if not helper.threaded() then return pending "OpenBLAS is its serial build, for which there are none" end
    assert.equal("away 1\nalone 1\n", facts "places")
  end)

  it("leaves signals to the host", function() assert.equal("signals 1\n", facts "signals") end)

  it("stops at a flag or a deadline", function()
    assert.equal("cancelled 1\nearly 1\nmessage cancelled\nlate 1\nmessage out of time\n", facts "cancelling")
  end)

  it("counts the shares of nested steps, for who looks on in poll", function()
    -- it is asked before each chunk, and after the last, when those that are being done aren't yet
    local two = "0 0 0.0625 0.125 0.1875 0.25 0.25 0.25 0.25 0.25 0.25 0.25 0.4375 0.625 0.8125 of 4\n"
    assert.equal(two .. "end 1 depth 0\n" .. "-1 -1 -1 -1 -1 -1 of 0\n" .. two, facts "counting")
  end)

  it("stops all threads for who looks on when it is due", function()
    assert.equal("status 0\nchunks 300 at work 0 looks 1\n", facts "alone")
  end)

  it("gives aligned scratch as a stack, keeps blocks, and refuses what can't be", function()
    local lines = facts "workspace"
    assert.equal(table.concat({
      "aligned 1", "stack 1", "kept 1", "overflow 1",
      "message 9223372036854775807 elements of 8 bytes are more than memory can address",
      "huge 1", "nothing 1", "fails 1", "message 3 against 4", "cut 255",
      "status ok", "status invalid argument", "status shapes don't fit", "status not enough memory",
      "status singular matrix", "status iteration failed", "status interrupted", "status file error",
      "status malformed file", "",
    }, "\n"), lines)
  end)

  it("takes the number of threads from the environment", function()
    if not helper.threaded() then return pending "OpenBLAS is its serial build, which has no threads" end
    local script = 'print(require "latent".threads())'
    assert.equal("3\n", (helper.lua(script, "LATENT_NUM_THREADS=3")))
    assert.equal("1\n", (helper.lua(script, "LATENT_NUM_THREADS=0")))
    assert.equal("1\n", (helper.lua(script, "LATENT_NUM_THREADS=nonsense")))
    assert.equal("256\n", (helper.lua(script, "LATENT_NUM_THREADS=99999")))
  end)
end)
