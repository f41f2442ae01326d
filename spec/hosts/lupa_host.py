"""A Python program with NumPy that embeds Lua by lupa: argument 1 is a model's file.

lupa's Lua is within its extension module, so that module's names must be global before latent.so is loaded: that is
what RTLD_GLOBAL does. Prints NumPy's and latent's log-likelihood of a row, and whether NumPy gives the same bits before
and after."""
import os
import sys

flags = sys.getdlopenflags()
sys.setdlopenflags(os.RTLD_NOW | os.RTLD_GLOBAL)
import lupa.lua54 as lupa  # noqa: E402

sys.setdlopenflags(flags)
import numpy  # noqa: E402

rows = numpy.random.default_rng(1).normal(size=(500, 4))
before = numpy.linalg.svd(rows)[1]

lua = lupa.LuaRuntime(unpack_returned_tuples=True)
load = lua.eval("""function(path)
  local latent = require "latent"
  latent.threads(2)
  local model = assert(latent.load(path))
  return model, function(list)
    local X = {}
    for row in python.iter(list) do
      local one = {}
      for number in python.iter(row) do one[#one + 1] = number end
      X[#X + 1] = one
    end
    return model:log_likelihood(X):table()
  end
end""")
model, log_likelihood = load(sys.argv[1])

result = numpy.array(list(log_likelihood(rows.tolist()).values()))
weights = numpy.array(list(model.weights.table(model.weights).values()))
means = numpy.array([list(row.values()) for row in model.means.table(model.means).values()])
expected = 0
for k, covariance in enumerate(model.covariances.values()):
    C = numpy.array([list(row.values()) for row in covariance.table(covariance).values()])
    y = rows - means[k]
    quadratic = (y * numpy.linalg.solve(C, y.T).T).sum(1)
    expected = expected + weights[k] * numpy.exp(-0.5 * quadratic) / numpy.sqrt(numpy.linalg.det(2 * numpy.pi * C))
print("Lua", lua.lua_version[0], lua.lua_version[1])
print("largest difference below 1e-11:", bool(abs(result - numpy.log(expected)).max() < 1e-11))
print("NumPy unchanged:", bool((numpy.linalg.svd(rows)[1] == before).all()))
