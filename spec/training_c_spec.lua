-- Fits of models with nets in C (core/deep/common/training.h, by spec/embed/training.c): the same parameters as in Lua.
local latent = require "latent"
local helper = require "helper"

local N, HELD = 150, 40
local X = latent.random(7):normal(N, 3)
local held = latent.random(8):normal(HELD, 3)
local labels = {}
for i = 1, N do labels[i] = (i - 1) % 2 end

describe("fits of nets in C", function()
  local program
  setup(function() program = helper.program "training" end)

  local function run(how) return helper.run(program .. " " .. how) end

  -- What the program prints: the last epoch's loss, and two numbers of each parameter.
  local function check(model, how, converged)
    local text = run(how)
    local first, rest = text:match "([^\n]*)\n(.*)"
    local history = model.history
    assert.equal(("epochs %d loss %.17g converged %d"):format(#history, history[#history], converged and 1 or 0),
      first)
    local seen = 0
    for name, a, b in rest:gmatch "(%S+) (%S+) (%S+)\n" do
      local A = model:parameters()[name]
      assert.equal(("%.17g %.17g"):format(A[1][1] or A[1], A[#A][A.cols] or A[#A]), a .. " " .. b)
      seen = seen + 1
    end
    assert.is_true(seen > 3)
  end

  local function vae(more)
    local options = { input_dim = 3, latent_dim = 2, hidden = 8, likelihood = "gaussian", seed = 3 }
    for name, value in pairs(more or {}) do options[name] = value end
    return latent.vae(options)
  end

  it("make the parameters that Lua makes", function()
    check(vae():fit(X, { epochs = 3, batch = 64 }), "vae")
    local model = vae { classes = 2, lowest = 0 }
    check(model:fit(X, { epochs = 3, batch = 64, labels = labels, shuffle = false }), "conditional")
  end)

  it("continue where an earlier fit ended, and scale rows", function()
    local model = latent.nonlinear { input_dim = 3, latent_dim = 2, samples = 20, hidden = 8, seed = 3 }
    model:fit(X, { epochs = 2, batch = 50, scale = 0.5 })
    model:fit(X, { epochs = 1, batch = 50, scale = 0.5 })
    local history = model.history
    assert.equal(3, #history)
    local text = run "nonlinear"
    assert.equal(("epochs 1 loss %.17g converged 0"):format(history[3]), text:match "[^\n]*")
    for name, a in text:gmatch "\n(%S+) (%S+) %S+" do
      assert.equal(("%.17g"):format(model:parameters()[name][1][1] or model:parameters()[name][1]), a)
    end
  end)

  it("fit flows, which begin with all rows, and their contexts", function()
    local options = { input_dim = 3, kind = "realnvp", layers = 2, hidden = 8, seed = 3 }
    check(latent.flow(options):fit(X, { epochs = 2, batch = 64 }), "flow")
    options.context_dim = 1
    check(latent.flow(options):fit(X, { epochs = 2, batch = 64, context = X:block(1, N, 1, 1) }), "context")
  end)

  it("fit GANs, by patience for draws that are near the rows held out", function()
    local model = latent.gan { input_dim = 3, hidden = 8, classes = 2, seed = 3, learning_rate = 0.02 }
    local held_labels = { table.unpack(labels, 1, HELD) }
    model:fit(X, { epochs = 200, batch = 50, labels = labels, validation = { held, held_labels }, patience = 3 })
    assert.is_true(model.converged and #model.history < 200)
    check(model, "gan", true)
    local best = math.huge
    for _, distance in ipairs(model.validation_history) do best = math.min(best, distance) end
    assert.equal(("%.17g"):format(best), run("gan"):match "best (%S+)")
  end)

  it("fit conditional diffusions, with labels in a row", function()
    local model = latent.diffusion { input_dim = 3, timesteps = 30, hidden = 8, classes = 2, seed = 3,
      learning_rate = 0.02 }
    model:fit(X, { epochs = 200, batch = 50, labels = labels, patience = 3,
      validation = { held, { table.unpack(labels, 1, HELD) } } })
    assert.is_true(model.converged and #model.history < 200)
    check(model, "diffusion", true)
  end)

  it("end by patience, with the best parameters", function()
    local model = vae { learning_rate = 0.05 }
    model:fit(X, { epochs = 200, batch = 16, validation = held, patience = 2 })
    assert.is_true(model.converged and #model.history < 200)
    check(model, "patience", true)
  end)

  it("end when their time is over, or their observer says so", function()
    assert.equal("ended 1\n", run "time")
    local text = run "observer"
    assert.matches("^epochs 2 ", text)
    assert.matches("seen 2\n$", text)
  end)

  it("refuse a batch of no rows", function()
    local models = 0
    for line in run("empty"):gmatch "[^\n]+" do
      assert.matches("^[%l_]+ 1 the batch is empty$", line)
      models = models + 1
    end
    assert.equal(6, models)
  end)

  it("say what is wrong", function()
    local expected = {
      "1 there are no rows", "1 X has 2 columns, the model takes 3", "1 epochs and batch must be at least 1",
      "1 patience waits for a better loss of the rows of validation, which is missing", "1 scale must be finite",
      "1 there are 120 labels for 150 rows", "1 labels are for conditional models, which are made with classes",
      "1 there are 2 labels for 150 rows", "1 max_seconds must be a number >= 0, got -1", "1 a vae takes no source",
      "1 validation: X has 2 columns, the model takes 3",
    }
    local lines = {}
    for line in run("errors"):gmatch "[^\n]+" do lines[#lines + 1] = line end
    for i, text in ipairs(expected) do assert.equal(text, lines[i]) end
    assert.matches("to be binarized it must be a probability", lines[#lines])
  end)
end)
