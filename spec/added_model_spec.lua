-- What CONTRIBUTING.md says of a new model: the one in spec/added_model is built into a module of its own, from its
-- files and one line each in two lists, and is a model as others are.
local helper = require "spec.helper"

local build = os.getenv "LATENT_BUILD" or "build"
local SCRIPT = [[
local latent = require "latent"
local path = os.tmpname()
-- counts of 400 draws: 30 %% zeros for sure, and rates of 2 and 5
local random, rows = latent.random(3), {}
local function count(rate)
  local k, p, limit = 0, random:uniform(), math.exp(-rate)
  while p > limit do k, p = k + 1, p * random:uniform() end
  return k
end
for i = 1, 400 do
  rows[i] = { random:uniform() < 0.3 and 0 or count(2), random:uniform() < 0.3 and 0 or count(5) }
end
local X = latent.matrix(rows)
local zip = latent.zip():fit(X)
assert(zip.converged and #zip.history == zip.iterations)
for i = 2, #zip.history do assert(zip.history[i] >= zip.history[i - 1] - 1e-12) end
-- the likelihood equations (Lambert 1992): the mean of what isn't 0 is l / (1 - exp(-l)), and the share of zeros is
-- z + (1 - z) exp(-l)
for d = 1, 2 do
  local column, l, z = X:col(d), zip.rates[d], zip.zeros[d]
  local zeros = column:eq(0):sum()
  assert(math.abs(column:sum() / (400 - zeros) - l / (1 - math.exp(-l))) < 1e-6)
  assert(math.abs(zeros / 400 - z - (1 - z) * math.exp(-l)) < 1e-6)
end
assert(zip:free_parameters() == 4)
assert(math.abs(zip:score(X) - zip:log_likelihood(X):mean()) < 1e-14)
assert(math.type(zip:log_likelihood{ 0, 3 }) == "float" and zip:bic(X) > 0)
local picture = zip:plot(X) -- without panels of its own: what there is to show
assert(picture.title == "Learning" and #picture.layers[1].rows == zip.iterations)
assert(zip:save(path) == true)
assert(latent.load(path):log_likelihood(X) == zip:log_likelihood(X))
os.remove(path)
local function fails(part, f, ...)
  local ok, message = pcall(f, ...)
  assert(not ok and message:find(part, 1, true), message)
end
fails("row 2, column 1", zip.fit, zip, { {1}, {0.5} })
fails("X has 3 columns", zip.score, zip, { {1, 2, 3} })
fails("did you mean 'tolerance'?", latent.zip, { tolerence = 1 })
fails("restarts must be an integer >= 1, got 0", latent.zip, { restarts = 0 })
fails("latent.mixture knows missing entries", zip.fit, zip, { {1}, {0/0} })
local options = latent.describe("zip").options
assert(#options == 5 and options[1].name == "restarts" and options[1].default == "1")
print("ok")
]]

-- The list in the file at `from`, with one more line, as the file at `to`.
local function extend(from, to, pattern, with)
  local file = assert(io.open(from))
  local text, count = file:read("a"):gsub(pattern, with, 1)
  file:close()
  assert.equal(1, count, from)
  file = assert(io.open(to, "w"))
  file:write(text)
  file:close()
end

it("a new model is its folder in the core, a short binding, its meanings, and a line each in two lists", function()
  local folder = os.tmpname()
  os.remove(folder)
  local core, bindings = folder .. "/core/em/zip", folder .. "/bindings"
  local output, made = helper.run(("mkdir -p %s %s/lua %s/build && cp spec/added_model/zip.* %s"):format(core,
    bindings, folder, core))
  assert.is_truthy(made, output)
  extend("core/latent.h", folder .. "/core/latent.h", '#include "em/mppca/mppca.h"\n', '%0#include "em/zip/zip.h"\n')
  extend("bindings/lua/modules.h", bindings .. "/lua/modules.h", "model%(kmeans%)", "model(zip) %0")
  local flags = ("-std=c11 -D_GNU_SOURCE -fPIC -O1 -Wall -Wextra -Werror -I%s/core -Icore -I%s -Ibindings "
    .. "-isystem /usr/include/lua5.4"):format(folder, bindings)
  local compiler = os.getenv "CC" or "gcc"
  local commands = {
    ("%s %s -c %s/zip.c -o %s/build/zip_core.o"):format(compiler, flags, core, folder),
    ("%s %s -c spec/added_model/binding.c -o %s/build/zip.o"):format(compiler, flags, folder),
    ("%s %s -fvisibility=hidden -c bindings/latent.c -o %s/build/latent.o"):format(compiler, flags, folder),
    -- the archive's own latent.o stays out, as what it defines is there already
    ("%s -shared -o %s/build/latent.so %s/build/*.o %s/liblatent.a -pthread %s"):format(compiler, folder, folder,
      build, helper.libraries),
  }
  for _, command in ipairs(commands) do
    local said, ok = helper.run(command)
    assert.is_truthy(ok, said)
  end
  output = helper.lua(("package.cpath = %q .. package.cpath\n"):format(folder .. "/build/?.so;") .. SCRIPT)
  os.execute("rm -r " .. folder)
  assert.equal("ok\n", output)
end)

it("its documentation has a meaning for all that its tables name", function()
  local said = {}
  for _, entry in ipairs(dofile "spec/added_model/docs.lua") do said[entry.name] = entry.options or true end
  for _, name in ipairs { "restarts", "max_iterations", "tolerance", "accelerate", "seed" } do
    local found = false
    for _, row in ipairs(said["latent.zip"]) do found = found or row[1] == name end
    assert.is_true(found, name)
  end
  for _, method in ipairs { "fit", "log_likelihood", "score", "aic", "bic", "free_parameters" } do
    assert.is_truthy(said["Zip:" .. method], method)
  end
end)
