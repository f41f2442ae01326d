-- latent.mixture as a program (export/program.lua): Bernoulli, Poisson and categorical columns. Not exported.
--
-- log p(k, x) = log w_k + sum_d log p(x_d | k), where missing entries are left out. Logarithms of probabilities are
-- kept; one of 0 is -infinity, and is left alone where it would be multiplied by 0. What no column can be (a fraction,
-- a code that isn't there) has the probability 0.

local check = require "latent.check"
local program = require "latent.export.program"
local mixtures = require "latent.export.families.mixtures"

local function logs(A)
  local list = A:flatten():table()
  for i, x in ipairs(list) do list[i] = math.log(x) end
  return list
end

-- ---- columns of numbers ---------------------------------------------------------------------------------

local BERNOULLI = [[
  for i < D
    if row[i] == 1.0
      value = value + log_ones[k * D + i]
    end
    if row[i] == 0.0
      value = value + log_zeros[k * D + i]
    end
    if row[i] == row[i] and row[i] ~= 0.0 and row[i] ~= 1.0
      value = -INFINITY
    end
  end
]]

-- By Stirling's series from 16 on, where its next term is below 1e-15.
local LOG_FACTORIAL = [[
  if x < 16.0
    real product = 1.0
    real i = 2.0
    int most = whole x
    for j from 1 to most
      product = product * i
      i = i + 1.0
    end
    return log(product)
  end
  real s = 1.0 / (x * x)
  real t = s * (-0.002777777777777778 + s * (0.0007936507936507937 + s * (-0.0005952380952380953 + s / 1188.0)))
  return (x + 0.5) * log(x) - x + 0.5 * LOG_2PI + (0.08333333333333333 + t) / x
]]
local COMMON = [[
  real common = 0.0
  for i < D
    if row[i] == row[i]
      if row[i] >= 0.0 and row[i] < INFINITY and floor(row[i]) == row[i]
        common = common - log_factorial(row[i])
      else
        common = -INFINITY
      end
    end
  end
]]
local POISSON = [[
  value = value + common
  if common > -INFINITY
    for i < D
      if row[i] == row[i]
        value = value - rates[k * D + i]
        if row[i] > 0.0
          value = value + row[i] * log_rates[k * D + i]
        end
      end
    end
  end
]]

-- ---- columns of codes -----------------------------------------------------------------------------------

local CODES = [[
  int first = k * M
  for i < D
    if row[i] == row[i]
      if row[i] >= lowest[i] and row[i] <= highest[i] and floor(row[i]) == row[i]
        int level = whole row[i] - lowest[i]
        value = value + log_probabilities[first + level]
      else
        value = -INFINITY
      end
    end
    first = first + levels[i]
  end
]]
local ONE_HOT = [[
  for i < D
    if row[i] == 1.0
      value = value + log_probabilities[k * D + i]
    end
    if row[i] == row[i] and row[i] ~= 0.0 and row[i] ~= 1.0
      value = -INFINITY
    end
  end
]]

-- ---- missing entries ------------------------------------------------------------------------------------

-- the most probable level
local IMPUTE_CODES = [[
  real r[K]
  log_joints(row, r)
  normalize(r)
  int first = 0
  for i < D
    x[i] = row[i]
    if row[i] ~= row[i]
      real most = -1.0
      real code = lowest[i]
      for l < levels[i]
        real sum = 0.0
        for k < K
          sum = sum + r[k] * exp(log_probabilities[k * M + first + l])
        end
        if sum > most
          most = sum
          x[i] = code
        end
        code = code + 1.0
      end
    end
    first = first + levels[i]
  end
]]

-- ---- the family -----------------------------------------------------------------------------------------

-- `body` adds log p(row | k) to `value`; `before` is what components share.
local function finish(p, model, body, options, what, before)
  program.array(p, "log_weights", logs(model.weights))
  program.add(p, { name = "log_joints", args = "row[D], out joints[K]", body = (before or "")
    .. "for k < K\nreal value = log_weights[k]\n" .. body .. "joints[k] = value\nend" })
  mixtures.add_methods(p, options.missing and "; missing entries (NaN) are left out" or "")
  return { what = ("a mixture of K = %d components, D = %d %s columns"):format(p.sizes.K, p.sizes.D, what) }
end

local families = {}

function families.bernoulli(model, sizes, options)
  local p = program.new(sizes)
  program.array(p, "log_ones", logs(model.means))
  program.array(p, "log_zeros", logs(1 - model.means))
  program.array(p, "means", model.means)
  local about = finish(p, model, BERNOULLI, options, "Bernoulli")
  if options.missing then mixtures.add_impute(p, mixtures.expect_means "means") end
  return p, about
end

function families.poisson(model, sizes, options)
  local p = program.new(sizes)
  program.array(p, "rates", model.rates)
  program.array(p, "log_rates", logs(model.rates))
  program.add(p, { name = "log_factorial", args = "real x", returns = "real", body = LOG_FACTORIAL })
  local about = finish(p, model, POISSON, options, "Poisson", COMMON)
  if options.missing then mixtures.add_impute(p, mixtures.expect_means "rates") end
  return p, about
end

function families.categorical(model, sizes, options)
  sizes.D, sizes.M = #model.levels, model.probabilities.cols
  local p = program.new(sizes)
  program.array(p, "log_probabilities", logs(model.probabilities))
  if model.lowest[1] < 0 then -- of one-hot columns means are probabilities
    local about = finish(p, model, ONE_HOT, options, "one-hot")
    program.array(p, "probabilities", model.probabilities)
    if options.missing then mixtures.add_impute(p, mixtures.expect_means "probabilities") end
    return p, about
  end
  program.array(p, "levels", model.levels, true)
  program.array(p, "lowest", model.lowest)
  local highest = {}
  for i = 1, #model.levels do highest[i] = model.lowest[i] + model.levels[i] - 1 end
  program.array(p, "highest", highest)
  local about = finish(p, model, CODES, options, "categorical")
  if options.missing then
    program.add(p, { name = "impute", args = "row[D], out x[D]", public = true, body = IMPUTE_CODES,
      about = "x := row with its missing entries (NaN) at their most probable codes." })
  end
  return p, about
end

return function(model, options)
  local family = options.made_with.family or "bernoulli"
  if not families[family] then
    return nil, "a mixture of your own family can't be exported: its densities are functions in Lua"
  end
  local theta = check.field(model, "means") or check.field(model, "rates") or model.probabilities
  return families[family](model, { K = #model.weights, D = theta.cols }, options)
end
