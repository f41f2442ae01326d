-- What mixtures say of a row once log p(k, x) is known, and what follows from responsibilities. Not exported.
--
-- A family gives log_joints(row, joints), and for missing entries what a component expects of them.

local program = require "latent.export.program"

local mixtures = {}

-- `joints` := probabilities of logarithms, which are K; the logarithm of their sum. Where none allows the row all are
-- as likely.
function mixtures.add_normalize(p)
  program.add(p, { name = "normalize", args = "out joints[K]", returns = "real", body = [[
    real largest = joints[0]
    for k < K
      if joints[k] > largest
        largest = joints[k]
      end
    end
    if largest == -INFINITY
      for k < K
        joints[k] = 1.0 / K
      end
      return largest
    end
    real sum = 0.0
    for k < K
      joints[k] = exp(joints[k] - largest)
      sum = sum + joints[k]
    end
    for k < K
      joints[k] = joints[k] / sum
    end
    return largest + log(sum)
  ]] })
end

-- log_likelihood, predict and responsibilities, and what they need.
function mixtures.add_methods(p, what)
  mixtures.add_normalize(p)
  program.add(p, { name = "best", args = "row[D]", returns = "int", body = [[
    real joints[K]
    log_joints(row, joints)
    int k = 0
    for j < K
      if joints[j] > joints[k]
        k = j
      end
    end
    return k
  ]] })
  program.add(p, { name = "log_likelihood", args = "row[D]", returns = "real", public = true,
    about = "log p(row), in nats" .. what .. ".", body = [[
    real joints[K]
    log_joints(row, joints)
    return normalize(joints)
  ]] })
  program.add(p, { name = "responsibilities", args = "row[D], out r[K]", public = true,
    about = ("r := p(k | row), %d probabilities."):format(p.sizes.K), body = [[
    log_joints(row, r)
    normalize(r)
  ]] })
  program.add(p, { name = "predict", args = "row[D]", returns = "int", public = true,
    about = ("The most probable component, 1 to %d."):format(p.sizes.K), body = [[
    int k = best(row)
    return k
  ]] })
end

-- impute, by the body of expect(row, k, weight, x), which adds to the missing entries of x what component k expects of
-- them, weighted.
function mixtures.add_impute(p, expect)
  program.add(p, { name = "expect", args = "row[D], int k, real weight, out x[D]", body = expect })
  program.add(p, { name = "impute", args = "row[D], out x[D]", public = true,
    about = "x := row with its missing entries (NaN) at their conditional means.", body = [[
    real r[K]
    log_joints(row, r)
    normalize(r)
    for i < D
      x[i] = row[i]
      if row[i] ~= row[i]
        x[i] = 0.0
      end
    end
    for k < K
      expect(row, k, r[k], x)
    end
  ]] })
end

-- That body for columns that are independent given the component: its means, an array of this name.
function mixtures.expect_means(means)
  return ([[
    for i < D
      if row[i] ~= row[i]
        x[i] = x[i] + weight * %s[k * D + i]
      end
    end
  ]]):format(means)
end

return mixtures
