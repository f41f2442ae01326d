-- scripts: the command line that all experiments share, and the gallery that shows them.

local helper = require "helper"
local lua = helper.interpreter
local folder

setup(function()
  folder = os.tmpname()
  os.remove(folder)
  assert(os.execute("mkdir " .. folder))
end)

teardown(function() os.execute("rm -r " .. folder) end)

local function lines_of(command)
  local pipe, lines = assert(io.popen(command)), {}
  for line in pipe:lines() do lines[#lines + 1] = line end
  pipe:close()
  return lines
end

local function contents(path)
  local file = assert(io.open(path))
  local text = file:read "a"
  file:close()
  return text
end

-- What a script says on both streams, and its exit code. It can write nowhere but in the spec's folder.
local function run(script, arguments)
  local path = folder .. "/said"
  local here = assert(os.getenv "PWD")
  local _, _, code = os.execute(("cd %s && %s %s %s >%s 2>&1"):format(folder, lua,
    script:find "^/" and script or here .. "/scripts/" .. script, arguments, path))
  return contents(path), code
end

-- The scripts that use experiment.lua: all but the tools.
local TOOLS = { experiment = true, gallery = true, structure = true, stubs = true }
local experiments = {}
for _, path in ipairs(lines_of "ls scripts/*.lua") do
  local name = path:match "([^/]*)%.lua$"
  if not TOOLS[name] then experiments[#experiments + 1] = name end
end

describe("scripts", function()
  it("answer --help with what they are and their options, and do nothing", function()
    assert.is_true(#experiments > 30)
    for _, name in ipairs(experiments) do
      local source = contents(("scripts/%s.lua"):format(name))
      local said, code = run(name .. ".lua", "--help")
      assert.are.equal(0, code, said)
      assert.are.equal(source:match "^%-%- ([^\n]*)\n", said:match "^([^\n]*)\n")
      for _, option in ipairs { "--seed N", "--output FOLDER", "--short", "--help" } do
        assert.is_truthy(said:find("\n  " .. option, 1, true), name .. " has no " .. option)
      end
      assert.is_nil(said:find("\n%-%-"), name)
      for line in said:gmatch "[^\n]+" do assert.is_true(utf8.len(line) <= 120, name .. ": " .. line) end
    end
    assert.are.same({ "said" }, lines_of("ls " .. folder))
  end)

  it("refuse unknown options and name the nearest", function()
    for _, name in ipairs(experiments) do
      local said, code = run(name .. ".lua", "--sed 3")
      assert.are.equal(2, code, said)
      assert.is_truthy(said:find(name .. ".lua: unknown option 'sed'; did you mean 'seed'?", 1, true), said)
    end
    assert.are.same({ "said" }, lines_of("ls " .. folder))
  end)

  it("say what they need where data are missing", function()
    for _, name in ipairs { "vae_mnist", "vae_fashion", "vae_iwae" } do
      local said, code = run(name .. ".lua", "--data nowhere --output out")
      assert.are.equal(1, code)
      assert.is_truthy(said:find("nowhere: no file train-images-idx3-ubyte or train-images-idx3-ubyte.gz; --help says "
        .. "which data it needs, and where they are", 1, true), said)
      assert.is_truthy(run(name .. ".lua", "--help"):find "\nData: ")
    end
  end)

  it("run in their short form, with pictures where they are told", function()
    local said, code = run("fa_loadings.lua", "--short --output=some/where")
    assert.are.equal(0, code, said)
    assert.is_truthy(said:find("  some/where/loadings.svg\n", 1, true), said)
    assert.are.same({ "loadings.png", "loadings.svg" }, lines_of(("ls %s/some/where"):format(folder)))
    said, code = run("fa_loadings.lua", "here")
    assert.are.equal(0, code, said)
    assert.are.same({ "loadings.png", "loadings.svg" }, lines_of(("ls %s/here"):format(folder)))
  end)
end)

describe("experiment.lua", function()
  local script

  -- A script of these options, that prints what it is given.
  local function probe(list)
    script = folder .. "/probe.lua"
    local file = assert(io.open(script, "w"))
    file:write(([[
-- A probe.
--
--   lua5.4 scripts/probe.lua [--help]
--
-- What it is for.

local options, save, printf, need = dofile "%s/scripts/experiment.lua" { %s }
local names = {}
for name in pairs(options) do names[#names + 1] = name end
table.sort(names)
for i, name in ipairs(names) do names[i] = name .. "=" .. tostring(options[name]) end
printf("%%s", table.concat(names, " "))
if options.fail then need(nil, "this is missing") end
]]):format(os.getenv "PWD", list))
    file:close()
  end

  it("reads options by their defaults' types, with short forms", function()
    probe [[ seed = 4, { "steps", 500, "training steps", short = 20 }, { "rate", 0.5, "of learning" },
      { "way", "up", "which", words = { "up", "down" } }, { "fail", false, "on purpose" } ]]
    assert.are.equal("fail=false output=build/probe rate=0.5 seed=4 short=false steps=500 way=up\n", run(script, ""))
    assert.are.equal("fail=false output=x rate=0.5 seed=4 short=true steps=20 way=up\n", run(script, "--short x"))
    assert.are.equal("fail=false output=y rate=2 seed=0 short=true steps=7 way=down\n",
      run(script, "--short --steps 7 --rate=2 --way down --seed 0 --output y"))
    local said, code = run(script, "--fail x")
    assert.are.equal("fail=true output=x rate=0.5 seed=4 short=false steps=500 way=up\nprobe.lua: this is missing\n",
      said)
    assert.are.equal(1, code)
  end)

  it("has help", function()
    assert.are.equal([[
A probe.

  lua5.4 scripts/probe.lua [--name value ...] [OUTPUT]

What it is for.

  --steps N         training steps (500)
  --rate X          of learning (0.5)
  --way up|down     which (up)
  --fail            on purpose
  --seed N          of all that is drawn at random (4)
  --output FOLDER   where pictures go (build/probe)
  --short           a quick look: --steps 20
  --help            this
]], (run(script, "--help")))
    assert.are.equal(run(script, "--help"), (run(script, "-h --steps x")))
  end)

  it("refuses what it can't read", function()
    local lists = "\n(--help lists what there is)\n"
    for arguments, message in pairs {
      ["--steps x"] = "steps must be an integer >= 1, got 'x'", ["--steps 0"] = "steps must be an integer >= 1, got 0",
      ["--steps 1.5"] = "steps must be an integer >= 1, got 1.5",
      ["--seed -1"] = "seed must be an integer >= 0, got -1",
      ["--rate nan"] = "rate must be a finite number >= 0, got 'nan'", ["--steps"] = "--steps needs a value",
      ["--way left"] = 'way must be "up" or "down", got \'left\'', ["a b"] = "'b' is one argument too many",
      ["--random_state 3"] = "unknown option 'random_state': it is called 'seed' here",
      ["--"] = "unknown option '-'; known are fail, help, output, rate, seed, short, steps, way",
      ["--stpes 3"] = "unknown option 'stpes'; did you mean 'steps'?",
    } do
      local said, code = run(script, arguments)
      assert.are.equal("probe.lua: " .. message .. lists, said)
      assert.are.equal(2, code)
    end
  end)

  it("says where seeds and short forms change nothing", function()
    probe [[ positional = { "output", "seed" } ]]
    local said = run(script, "--help")
    assert.is_truthy(said:find("[OUTPUT [SEED]]\n", 1, true))
    assert.is_truthy(said:find("  --seed N          changes nothing: nothing is drawn at random (0)\n", 1, true))
    assert.is_truthy(said:find("  --short           changes nothing: this takes seconds\n", 1, true))
    assert.are.equal("output=a seed=7 short=false\n", (run(script, "a 7")))
  end)
end)

describe("scripts/README.md", function()
  local list = dofile "scripts/gallery/list.lua"
  local listed = {}
  for _, group in ipairs(list) do
    for k = 2, #group do listed[#listed + 1] = group[k][1] end
  end

  it("has every experiment once", function()
    table.sort(listed)
    assert.are.same(experiments, listed)
    local page = contents "scripts/README.md"
    for _, name in ipairs(experiments) do
      assert.is_truthy(page:find(("[%s.lua](%s.lua)"):format(name, name), 1, true), name)
    end
  end)

  it("says what they say", function()
    assert.are.equal(dofile "scripts/gallery/page.lua"(list), contents "scripts/README.md")
  end)

  it("has a small picture of each, and of nothing else", function()
    local latent, sum, there = require "latent", 0, {}
    for _, path in ipairs(lines_of "ls scripts/pictures/gallery/*.png") do
      there[#there + 1] = path:match "([^/]*)%.png$"
      sum = sum + #contents(path)
      local X, about = latent.read(path)
      assert.are.equal(240, math.max(about.width, about.height), path)
      assert.is_true(X:std() > 1, path .. " is empty")
    end
    assert.are.same(experiments, there)
    assert.is_true(sum < 600000, sum)
  end)
end)

describe("scripts/gallery.lua", function()
  it("runs experiments in processes of their own, with digits where data are missing", function()
    local said, code = run("gallery.lua", "--short --only mnist --output shown")
    assert.are.equal(0, code, said)
    assert.is_truthy(said:find "^vae_mnist +[%d.]+ s  ok\n$", said)
    assert.is_truthy(contents(folder .. "/shown/vae_mnist.txt"):find("1400 images", 1, true))
    local X, labels, about = require("latent").datasets.mnist(folder .. "/shown/data", { part = "test" })
    assert.are.same({ 397, 64, 397, 8 }, { #X, X.cols, #labels, about.shape[1] })
    local digits, truth = require("latent").datasets.digits()
    assert.are.same(digits[1401]:table(), (X[1] * 16):map(function(x) return math.ceil(x - 1e-6) end):table())
    assert.are.equal(truth[1797], labels[397])
  end)

  it("fails with what an experiment said that has failed", function()
    assert(os.execute(("mkdir -p %s/wrong && touch %s/wrong/fa_loadings"):format(folder, folder)))
    local said, code = run("gallery.lua", "--only fa_loadings --output wrong")
    assert.are.equal(1, code)
    assert.is_truthy(said:find "^fa_loadings +[%d.]+ s  FAILED\n    mkdir: ", said)
    said, code = run("gallery.lua", "--only zzz --output wrong")
    assert.are.equal("there is none whose name has 'zzz' in it\n", said)
    assert.are.equal(1, code)
  end)
end)
