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

-- What a function given as the option progress is told.
local function listener()
  local told = {}
  return told, function(p) told[#told + 1] = p end
end

describe("progress = function", function()
  it("of a bar is told at the first update, and how it ends", function()
    local told, listen = listener()
    local bar = latent.progress.bar(10, { label = "mine", on_update = listen })
    for i = 1, 10 do bar:update(i, -i / 2) end
    bar:done()
    bar:done()
    assert.are.equal(2, #told) -- ten updates take less than a tenth of a second
    local first, last = told[1], told[2]
    assert.are.same({ "mine", 1, 10, 0.1, "-0.5", -0.5 },
      { first.label, first.done, first.total, first.share, first.text, first.objective })
    assert.are.same({ 10, 1, -5, 0 }, { last.done, last.share, last.objective, last.left })
    assert.is_true(last.seconds > 0 and math.abs(last.rate - 10 / last.seconds) < 1e-6)
  end)

  it("of a bar is told of a share of a step", function()
    local told, listen = listener()
    local bar = latent.progress.bar(4, { on_update = listen }):update(1, "text", { within = 0.5, objective = 7 })
    assert.are.same({ 1, 0.5, 0.375, 7, "text" },
      { told[1].done, told[1].within, told[1].share, told[1].objective, told[1].text })
    assert.is_true(math.abs(told[1].left * told[1].rate - 2.5) < 1e-9)
    bar:update(1, "text", { within = 0.5, objective = 7 }):done()
    assert.are.equal(1, #told)
  end)

  it("of a fit counts iterations of all starts, and ends where the fit does", function()
    local X = latent.datasets.iris()
    for _, kind in ipairs { "gmm", "mppca", "kmeans" } do
      local told, listen = listener()
      local model = latent[kind] { max_iterations = 7, tolerance = 0, restarts = 3, seed = 1,
        [kind == "kmeans" and "clusters" or "components"] = 3,
        latent_dim = kind == "mppca" and 1 or nil }:fit(X, { progress = listen })
      assert.are.same({ kind, 21 }, { told[1].label, told[1].total })
      assert.is_true(told[#told].done <= 21 and told[#told].done >= 14, kind)
      assert.is_true(model.iterations <= 7)
    end
  end)

  it("of other fits, too", function()
    local X = latent.datasets.iris()
    for _, case in ipairs { { latent.ica {}, X }, { latent.lds { latent_dim = 1, max_iterations = 5 }, X },
      { latent.ppca { latent_dim = 1, method = "em" }, X }, { latent.fa { latent_dim = 1 }, X },
      { latent.mixture { components = 2, family = "poisson" }, X:map(math.floor) } } do
      local told, listen = listener()
      local model = case[1]:fit(case[2], { progress = listen })
      local last = told[#told]
      assert.is_true(last.done >= model.iterations, last.label)
      assert.is_number(last.objective)
    end
    local told, listen = listener()
    local vae = latent.vae { input_dim = 4, latent_dim = 1, likelihood = "gaussian", hidden = 4 }
    vae:fit(X, { epochs = 3, batch = 50, progress = listen })
    local last = told[#told]
    assert.are.same({ "vae", 450, 450 }, { last.label, last.done, last.total })
    assert.near(vae.history[3], last.objective, 1e-9)
  end)

  it("is told within an iteration over many rows, and leaves no trace in what comes out", function()
    local X = latent.datasets.blobs(100000, { dims = 16, components = 8, seed = 1 })
    local function fit(options)
      return latent.gmm { components = 16, max_iterations = 3, tolerance = 0, seed = 1 }:fit(X, options)
    end
    local told, listen = listener()
    local followed, plain = fit { progress = listen }, fit()
    assert.is_true(followed.means == plain.means and followed.weights == plain.weights)
    assert.are.same(plain.history, followed.history)
    local before = 0
    for _, p in ipairs(told) do
      assert.is_true(p.within >= 0 and p.within <= 1 and p.share >= before)
      before = p.share
    end
    assert.are.equal(3, told[#told].done)
  end)

  it("is told ten times a second how far a long iteration is", function()
    local X = latent.datasets.blobs(60000, { dims = 16, seed = 1 })
    local told, listen = listener()
    latent.gmm { components = 64, max_iterations = 1, tolerance = 0, seed = 1 }:fit(X, { progress = listen })
    local within = 0
    for _, p in ipairs(told) do within = within + (p.done == 0 and p.within > 0 and 1 or 0) end
    assert.is_true(#told <= 2 + told[#told].seconds / 0.1)
    assert.is_true(within > 0 or told[#told].seconds < 1, within) -- of what is over at once there is nothing to tell
  end)

  it("that raises ends the fit, and the model is as the last iteration left it", function()
    local X = latent.datasets.iris()
    local model = latent.gmm { components = 2 }
    local calls = 0
    helper.fails("stop here", model.fit, model, X, { progress = function()
      calls = calls + 1
      error "stop here"
    end })
    assert.are.equal(1, calls)
    assert.are.same({ 2, 4 }, { model.means.rows, model.means.cols })
  end)

  it("can be a function only", function()
    local X = latent.datasets.iris()
    for _, model in ipairs { latent.gmm { components = 2 }, latent.ica {}, latent.lds { latent_dim = 1 },
      latent.vae { input_dim = 4, latent_dim = 1 } } do
      helper.fails(":fit: progress must be true, false or a function, got 3", model.fit, model, X, { progress = 3 })
      helper.fails("progress must be true, false or a function, got 'yes'", model.fit, model, X, { progress = "yes" })
    end
    helper.fails("progress.bar: on_update must be a function, got 3", latent.progress.bar, 3, { on_update = 3 })
    helper.fails("bar:update: within must be a finite number >= 0, got -1", function()
      latent.progress.bar(3):update(1, "", { within = -1 })
    end)
  end)
end)

describe("a bar's pace", function()
  it("is the time left and the rate, from the second second on", function()
    local out = recorder()
    local bar = latent.progress.bar(1000, { output = out, width = 80 })
    bar.started = bar.started - 10 -- ten seconds ago
    bar:update(250, "x", { within = 0.5 })
    assert.is_truthy(out:all():find " 25%% 0:30 25/s  x  251: 50%%$", out:all())
    bar.started = bar.started - 7200
    bar:update(500)
    assert.is_truthy(out:all():find " 50%% 2:00:1%d 0%.0693/s$", out:all())
    bar:update(1000)
    assert.is_truthy(out:all():find "100%% 0%.0693/s$", out:all())
    bar = latent.progress.bar(10 ^ 9 // 1 | 0, { output = out, width = 80 })
    bar.started = bar.started - 100
    bar:update(45600000)
    assert.is_truthy(out:all():find " 4%% 34:53 456k/s$", out:all())
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
    local lua = helper.interpreter
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
