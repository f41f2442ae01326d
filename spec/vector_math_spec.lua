-- The vector math of the core: spec/embed/ulp.c measures it against the C library's long double
-- functions, for the build that is tested and for builds with narrower vectors.
local helper = require "helper"

local BUILD, CC = os.getenv "LATENT_BUILD" or "build", os.getenv "CC" or "gcc"

local FUNCTIONS = { "exp", "log", "tanh", "sigmoid", "softplus", "normal_cdf", "sin", "cos" }
-- in ulp, where it isn't 2: the tail is a product of several factors
local LIMIT = { ["normal_cdf float64"] = 4, ["normal_cdf float32"] = 4 }
local TYPES = { "float64", "float32" }

-- As the Makefile compiles the core, and with the sanitizers that the build has.
local sanitizers = BUILD:match "sanitize%-([%w-]+)$"
local FLAGS = "-std=c11 -D_GNU_SOURCE -O3 -Icore -pthread -fno-math-errno -fno-trapping-math -ffp-contract=off" ..
  (sanitizers and " -fsanitize=" .. sanitizers:gsub("-", ",") or "")

local function run(command)
  local pipe = assert(io.popen(command .. " 2>&1"))
  local output = pipe:read "a"
  return pipe:close() and output, output
end

-- Compiles the program with `what` (an archive, or a source and its flags); its lines as a table
-- by function and type.
local function measure(name, what)
  local program = ("%s/ulp-%s"):format(BUILD, name)
  local compile = "%s %s -o '%s' spec/embed/ulp.c %s %s"
  assert(run(compile:format(CC, FLAGS, program, what, helper.libraries)))
  local output = assert(run(helper.started("'" .. program .. "'")))
  local results = {}
  for line in output:gmatch "[^\n]+" do
    local f, type, worst, where, specials, places, hash = line:match("^([%w_]+) (%w+) (%S+) (%S+) (%w+) (%w+) (%x+)$")
    assert(f, line)
    results[f .. " " .. type] =
      { worst = tonumber(worst), where = where, specials = specials, places = places, hash = hash }
  end
  return results
end

-- Whether programs compiled here and run here may have it.
local function cpu_has(flag)
  if helper.emulated then return false end
  local file = io.open "/proc/cpuinfo"
  local text = file and file:read "a" or ""
  if file then file:close() end
  return text:find("%f[%w_]" .. flag .. "%f[^%w_]") ~= nil
end

describe("vector math", function()
  local results

  setup(function() results = measure("dispatched", ("'%s/liblatent.a'"):format(BUILD)) end)

  local function each(test)
    for _, f in ipairs(FUNCTIONS) do
      for _, type in ipairs(TYPES) do test(results[f .. " " .. type], f .. " " .. type) end
    end
  end

  it("is right to less than its limit in ulp over the whole range", function()
    each(function(r, name)
      assert.is_true(r.worst < (LIMIT[name] or 2), ("%s: %g ulp at %s"):format(name, r.worst, r.where))
      -- what is measured is not the C library against itself
      assert.is_true(r.worst > 0.4, name .. ": suspiciously exact")
    end)
  end)

  it("gives NaN, infinities, signed zeros and saturated values as C does", function()
    each(function(r, name) assert.are.equal("yes", r.specials, name) end)
  end)

  it("gives a number the same bits at every place, in place or not", function()
    each(function(r, name) assert.are.equal("yes", r.places, name) end)
  end)

  -- Builds for other widths of vector, and for none, whose results must hash to the same.
  local function same_bits(variant, flags)
    local other = measure(variant, "-DLAT_NO_CLONES " .. flags .. " core/base/vector_math.c")
    each(function(r, name) assert.are.equal(r.hash, other[name].hash, name) end)
  end

  it("gives the same bits without vectors", function() same_bits("scalar", "-fno-tree-vectorize") end)

  it("gives the same bits with the vectors every processor has", function() same_bits("plain", "") end)

  it("gives the same bits with AVX2", function()
    if not cpu_has "avx2" or not cpu_has "fma" then return pending "this processor has no AVX2" end
    same_bits("v3", "-march=x86-64-v3")
  end)

  it("gives the same bits with AVX-512", function()
    if not cpu_has "avx512dq" or not cpu_has "avx512vl" then return pending "this processor has no AVX-512" end
    same_bits("v4", "-march=x86-64-v4")
  end)
end)
