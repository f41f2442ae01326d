-- latent.progress: what a bar writes, and where it writes nothing.
local latent = require "latent"
local helper = require "helper"

-- Stands for a terminal: keeps what is written.
local function recorder()
  local out = { parts = {}, flushed = 0 }
  function out:write(...)
    for _, part in ipairs { ... } do self.parts[#self.parts + 1] = part end
    return self
  end
  function out:flush() self.flushed = self.flushed + 1 end
  function out:all() return table.concat(self.parts) end
  return out
end

describe("latent.progress", function()
  it("counts from 1 to n", function()
    local seen = {}
    for i in latent.progress(4) do seen[#seen + 1] = i end
    assert.are.same({ 1, 2, 3, 4 }, seen)
    for _ in latent.progress(0) do error "no turn was due" end
  end)

  it("draws the label, the share and the text", function()
    local out = recorder()
    local bar = latent.progress.bar(4, { label = "fit", output = out, width = 60 })
    bar:update(1, "elbo -3.5")
    assert.is_truthy(out:all():find("fit .*0%%.*\r\27%[Kfit .* 25%%  elbo %-3%.5$"))
    bar:update(4):done()
    assert.is_truthy(out:all():find("100%%\n$"))
    assert.is_true(out.flushed >= 3)
  end)

  it("writes only what can be seen to change", function()
    local out = recorder()
    local bar = latent.progress.bar(100000, { output = out, width = 80 })
    for i = 1, 100000 do bar:update(i) end
    local _, draws = out:all():gsub("\r", "")
    -- a percent each, a cell of the bar each, and a second more or less to go
    assert.is_true(draws <= 101 + 30 + 10, draws .. " draws")
  end)

  it("never fills the line", function()
    local out = recorder()
    local bar = latent.progress.bar(2, { output = out, width = 40, label = "λ" })
    bar:update(1, ("λ"):rep(100))
    for line in out:all():gmatch("\27%[K([^\r\n]*)") do assert.is_true(utf8.len(line) <= 39) end
  end)

  it("ends the line when the loop is left", function()
    local out = recorder()
    for i in latent.progress(10, { output = out, width = 60 }) do
      if i == 3 then break end
    end
    assert.is_truthy(out:all():find("20%%\n$"))
    out = recorder()
    pcall(function()
      for _ in latent.progress(10, { output = out, width = 60 }) do error "stop" end
    end)
    assert.is_truthy(out:all():find("\n$"))
  end)

  it("ignores updates after done, and a second done", function()
    local out = recorder()
    local bar = latent.progress.bar(2, { output = out, width = 60 })
    bar:done()
    local before = out:all()
    bar:update(2)
    bar:done()
    assert.are.equal(before, out:all())
  end)

  it("is silent where no terminal is", function()
    local file = assert(io.tmpfile())
    for _ in latent.progress(3, { output = file }) do end
    assert.are.equal(0, file:seek "end")
    file:close()
  end)

  it("raises for bad arguments", function()
    assert.has_error(function() latent.progress(-1) end, "latent.progress: n must be an integer >= 0, got -1")
    assert.has_error(function() latent.progress.bar "x" end, "progress.bar: total must be an integer >= 0, got 'x'")
    assert.has_error(function() latent.progress.bar(3, { lable = "x" }) end,
      "progress.bar: unknown option 'lable'; did you mean 'label'?")
    assert.has_error(function() latent.progress.bar(3):update(0.5) end,
      "bar:update: done must be an integer >= 0, got 0.5")
  end)
end)

describe("latent.terminal", function()
  it("is nil for a file", function()
    local file = assert(io.tmpfile())
    assert.is_nil(latent.terminal(file))
    file:close()
    assert.has_error(function() latent.terminal(file) end, "latent.terminal: file is closed")
    assert.has_error(function() latent.terminal(3) end, "latent.terminal: file must be an open file, got number")
  end)

  it("is the width of a pseudo-terminal, on which a bar is drawn", function()
    local lua = arg and arg[-1] or "lua5.4"
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    file:write [[
local latent = require "latent"
print("width " .. tostring(latent.terminal()))
for _ in latent.progress(2, { label = "here" }) do end]]
    file:close()
    -- util-linux's script runs a command on a terminal of its own; stty gives that one a width
    local pipe = io.popen(("script -qec 'stty cols 72; %s %s' /dev/null </dev/null 2>&1"):format(lua, path))
    local said = pipe:read "a"
    pipe:close()
    os.remove(path)
    if said:find "not found" or said:find "failed to create" then
      return pending "util-linux's script is not installed, or has no terminal to give"
    end
    assert.is_truthy(said:find("width 72", 1, true), said)
    assert.is_truthy(said:find("here .*100%%"), said)
  end)

  it("says what it can't write to", function()
    helper.fails("output must be an open file, or a table with the methods write and flush", latent.progress.bar, 5,
      { output = {} })
  end)
end)
