-- latent.lds as a program (export/program.lua): its tracker, the Kalman filter of one observation at a time. Not
-- exported.
--
-- An update takes the entries of y that are there. With G = P C', S = C G + R = L L' and e = y - C m:
--
--   V = inv(L) G',   w = inv(L) e,   m := m + V' w,   P := P - V' V,   log p = -(n log 2 pi + |w|^2)/2 - log|L|
--
-- V, L and w are made an entry of y after the other. An entry without a variance is left out.

local check = require "latent.check"
local program = require "latent.export.program"

local INIT = [[
  for i < M
    s.mean[i] = initial_mean[i]
  end
  for i < MM
    s.covariance[i] = initial_covariance[i]
  end
  s.log_likelihood = 0.0
  s.steps = 0.0
  s.predicted = 0.0
]]

local PREDICT = [[
  if s.steps > 0.0
    real mean[M]
    real product[MM]
    for i < M
      real sum = 0.0
      for j < M
        sum = sum + a[i * M + j] * s.mean[j]
      end
      when inputs
        for j < U
          sum = sum + b[i * U + j] * u[j]
        end
      done
      mean[i] = sum
      for j < M
        real t = 0.0
        for l < M
          t = t + a[i * M + l] * s.covariance[l * M + j]
        end
        product[i * M + j] = t
      end
    end
    for i < M
      s.mean[i] = mean[i]
      for j < i + 1
        real t = q[i * M + j]
        for l < M
          t = t + product[i * M + l] * a[j * M + l]
        end
        s.covariance[i * M + j] = t
        s.covariance[j * M + i] = t
      end
    end
  end
  s.steps = s.steps + 1.0
  s.predicted = 1.0
]]

local UPDATE = [[
  real v[DM]
  real root[T]
  real w[D]
  real value = 0.0
  int n = 0
  int r = 0
  if s.predicted < 0.5
    PREDICT
  end
  s.predicted = 0.0
  for i < D
    if row[i] == row[i]
      real e = row[i]
      for m < M
        e = e - c[i * M + m] * s.mean[m]
        real g = 0.0
        for l < M
          g = g + s.covariance[m * M + l] * c[i * M + l]
        end
        v[n * M + m] = g
      end
      when inputs
        for l < U
          e = e - d[i * U + l] * u[l]
        end
      done
      real variance = noise[i * D + i]
      for m < M
        variance = variance + c[i * M + m] * v[n * M + m]
      end
      real rest = variance
      int p = 0
      int k = 0
      for j < i
        if used[j] > 0.5
          real t = noise[i * D + j]
          for m < M
            t = t + c[j * M + m] * v[n * M + m]
          end
          for l < k
            t = t - root[r + l] * root[p + l]
          end
          t = t * root[p + k]
          root[r + k] = t
          rest = rest - t * t
          e = e - t * w[k]
          k = k + 1
          p = p + k
        end
      end
      if rest > SMALL * variance
        real scale = 1.0 / sqrt(rest)
        for m < M
          real t = v[n * M + m]
          for l < k
            t = t - root[r + l] * v[l * M + m]
          end
          v[n * M + m] = t * scale
        end
        root[r + k] = scale
        w[n] = e * scale
        value = value - 0.5 * (w[n] * w[n] + LOG_2PI) + log(scale)
        used[i] = 1.0
        n = n + 1
        r = r + n
      end
    end
  end
  for i < M
    for k < n
      s.mean[i] = s.mean[i] + w[k] * v[k * M + i]
    end
    for j < i + 1
      real t = s.covariance[i * M + j]
      for k < n
        t = t - v[k * M + i] * v[k * M + j]
      end
      s.covariance[i * M + j] = t
      s.covariance[j * M + i] = t
    end
  end
  s.log_likelihood = s.log_likelihood + value
  return value
]]

-- Names of the matrices, as messages say them, and of their constants.
local MATRICES = { A = "a", B = "b", C = "c", D = "d", Q = "q", R = "noise" }

local function add_methods(p, inputs)
  local more = inputs and ", u[U]" or ""
  program.add(p, { name = "init", args = "state s", public = true, makes = true, body = INIT,
    about = "Before the first step: the state of the model." })
  program.add(p, { name = "predict", args = "state s" .. more, public = true, body = PREDICT,
    about = "Goes to the next step, before its observation; the first step's is the initial state." })
  program.add(p, { name = "update", args = "state s, row[D]" .. more, returns = "real", public = true,
    about = "Takes in the next observation, going to its step unless predict has; NaN marks a missing entry. Returns "
      .. "log p(row | the rows before), in nats.",
    body = "real used[D]\nfor i < D\nused[i] = 0.0\nend\n"
      .. UPDATE:gsub("PREDICT", inputs and "predict(s, u)" or "predict(s)"):gsub("SMALL", "1.0e-13") })
end

return function(model, options)
  local M, D, B = #model.A, #model.R, check.field(model, "B")
  local U = B and B.cols or 0
  for _, name in ipairs { "A", "C", "Q", "R" } do
    if type(model[name]) == "table" then return nil, ("%s varies with time"):format(name) end
  end
  local initial = options.made_with.initial
  if initial == "diffuse" or type(initial) == "table" then
    return nil, ("the initial state is diffuse, of infinite variance: give the model an initial_mean and an "
      .. "initial_covariance")
  end
  local p = program.new({ M = M, D = D, U = U, MM = M * M, DM = D * M, T = D * (D + 1) // 2 }, { inputs = U > 0 })
  for name, array in pairs(MATRICES) do
    local matrix = check.field(model, name)
    if matrix then program.array(p, array, matrix) end
  end
  program.array(p, "initial_mean", model.initial_mean)
  program.array(p, "initial_covariance", model.initial_covariance)
  p.structs = { state = { { "mean", M, "of the state given the observations so far" },
    { "covariance", M * M, "row by row" }, { "log_likelihood", nil, "of all observations" },
    { "steps", nil, "so far" }, { "predicted", nil, "1: the observation of this step isn't taken in yet" } } }
  add_methods(p, U > 0)
  return p, { what = ("a Kalman filter, M = %d states, D = %d outputs%s"):format(M, D,
    U > 0 and (", U = %d inputs"):format(U) or "") }
end
