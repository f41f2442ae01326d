-- latent.lds as a program (export/program.lua): its tracker, the Kalman filter of one observation at a time. Not
-- exported.
--
-- An update takes the entries of y that are there one after the other (Koopman and Durbin, Journal of Time Series
-- Analysis 21, 2000). With R = L D L' and rows c of inv(L) C, an entry e of inv(L) y has the variance F = c' P c + D:
--
--   K = P c/F,   m := m + K (e - c' m),   P := (I - K c') P (I - K c')' + D K K',   log p = -(log 2 pi F + e^2/F)/2
--
-- which is Joseph's form: P stays a covariance, also in single precision and with little noise. A variance c' P c that
-- is only rounding says nothing of the state; an entry that has no other one is left out.

local latent = require "latent"
local check = require "latent.check"
local program = require "latent.export.program"

local INIT = [[
  for i < M
    s.mean[i] = initial_mean[i]
  end
  for i < MM
    s.covariance[i] = initial_covariance[i]
    when diffuse
      s.diffuse[i] = initial_diffuse[i]
    done
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
    when diffuse
      for i < M
        for j < M
          real t = 0.0
          for l < M
            t = t + a[i * M + l] * s.diffuse[l * M + j]
          end
          product[i * M + j] = t
        end
      end
      for i < M
        for j < M
          real t = 0.0
          for l < M
            t = t + product[i * M + l] * a[j * M + l]
          end
          s.diffuse[i * M + j] = t
        end
      end
    done
  end
  s.steps = s.steps + 1.0
  s.predicted = 1.0
]]

-- The entry's row of C, its noise and its error: of correlated noise without what entries before it say.
local WHITEN = [[
  for m < M
    rows[i * M + m] = c[i * M + m]
  end
  for j < i
    if row[j] == row[j]
      real t = noise[i * D + j]
      for k < j
        if row[k] == row[k]
          t = t - root[tri(i) + k] * root[tri(j) + k] * own[k]
        end
      end
      real part = 0.0
      if own[j] > 0.0
        part = t / own[j]
      end
      root[tri(i) + j] = part
      variance = variance - part * t
      e = e - part * errors[j]
      for m < M
        rows[i * M + m] = rows[i * M + m] - part * rows[j * M + m]
      end
    end
  end
  if variance < ROUNDING * noise[i * D + i]
    variance = 0.0
  end
  own[i] = variance
  errors[i] = e
]]

-- @f: c' P c, and @v: P c, of the matrix @P of the state; @m squared bounds the terms that @f is the rounded sum of.
local SPREAD = [[
  real @f = 0.0
  real @m = 0.0
  for m < M
    real t = 0.0
    for l < M
      t = t + s.@P[m * M + l] * ROWS[i * M + l]
    end
    @v[m] = t
    @f = @f + ROWS[i * M + m] * t
    if s.@P[m * M + m] > 0.0
      @m = @m + abs(ROWS[i * M + m]) * sqrt(s.@P[m * M + m])
    end
  end
]]
local function spread(names) return (SPREAD:gsub("@(%a)", names)) end

local VARIANCE = spread { P = "covariance", v = "g", f = "f", m = "most" } .. [[
  for m < M
    e = e - ROWS[i * M + m] * s.mean[m]
  end
  real least = ROUNDING * most * most
  if variance > NOISY * most * most
    least = NOISY * most * most
  end
  if f < least
    f = 0.0
  end
]]

-- With T = (I - K c') P = P - K g': P := T - (T c) K' + D K K'. Without noise what is left of a variance may be only
-- rounding of what it was before the step.
local JOSEPH = [[
  for m < M
    s.mean[m] = s.mean[m] + g[m] / f * e
    real t = 0.0
    for l < M
      product[m * M + l] = s.covariance[m * M + l] - g[m] / f * g[l]
      t = t + product[m * M + l] * ROWS[i * M + l]
    end
    h[m] = variance * g[m] / f - t
  end
  for m < M
    for l < m + 1
      real t = product[m * M + l] + h[m] * g[l] / f
      s.covariance[m * M + l] = t
      s.covariance[l * M + m] = t
    end
  end
  if variance == 0.0
    for m < M
      if s.covariance[m * M + m] < ROUNDING * before[m]
        for l < M
          s.covariance[m * M + l] = 0.0
          s.covariance[l * M + m] = 0.0
        end
      end
    end
  end
]]

-- What the entry says of states whose variance is infinite: their covariance is P + k P_inf, k without end, P_inf in
-- s.diffuse (Koopman and Durbin). With K = P_inf c/f_inf,
--
--   m := m + K e,   P := P - K g' - g K' + F K K',   P_inf := P_inf - f_inf K K',   log p = -(log 2 pi f_inf)/2
--
-- A row of P_inf that is only rounding of what it was is 0.
local REVEAL = spread { P = "diffuse", v = "h", f = "f_inf", m = "most_inf" } .. [[
  if f_inf > LOST * most_inf * most_inf
    value = value - 0.5 * (LOG_2PI + log(f_inf))
    for m < M
      real part = h[m] / f_inf
      s.mean[m] = s.mean[m] + part * e
      before[m] = s.diffuse[m * M + m]
      for l < M
        real t = s.covariance[m * M + l] - part * g[l] - g[m] * h[l] / f_inf
        s.covariance[m * M + l] = t + part * (h[l] / f_inf) * (f + variance)
        s.diffuse[m * M + l] = s.diffuse[m * M + l] - part * h[l]
      end
    end
    for m < M
      if s.diffuse[m * M + m] < LOST * before[m]
        for l < M
          s.diffuse[m * M + l] = 0.0
          s.diffuse[l * M + m] = 0.0
        end
      end
      before[m] = s.covariance[m * M + m]
    end
    f = 0.0
    variance = 0.0
  end
]]

local UPDATE = [[
  real before[M]
  real g[M]
  real h[M]
  real product[MM]
  when correlated
    real rows[DM]
    real own[D]
    real errors[D]
    real root[T]
  done
  real value = 0.0
  if s.predicted < 0.5
    PREDICT
  end
  s.predicted = 0.0
  for m < M
    before[m] = s.covariance[m * M + m]
  end
  for i < D
    if row[i] == row[i]
      real variance = NOISE
      real e = row[i]
      when inputs
        for l < U
          e = e - d[i * U + l] * u[l]
        end
      done
      WHITEN
      VARIANCE
      when diffuse
        REVEAL
      done
      real gain = f
      f = f + variance
      if f > 0.0
        value = value - 0.5 * (e * e / f + LOG_2PI + log(f))
        if gain > 0.0
          JOSEPH
        end
      end
    end
  end
  s.log_likelihood = s.log_likelihood + value
  return value
]]

-- Names of the matrices, as messages say them, and of their constants.
local MATRICES = { A = "a", B = "b", C = "c", D = "d", Q = "q", R = "noise" }

local function add_methods(p, inputs, float)
  local more, correlated = inputs and ", u[U]" or "", p.flags.correlated
  local parts = { PREDICT = inputs and "predict(s, u)" or "predict(s)", NOISE = correlated and "noise[i * D + i]"
    or "noise[i]", WHITEN = correlated and WHITEN or "", VARIANCE = VARIANCE, JOSEPH = JOSEPH,
    REVEAL = REVEAL, ROWS = correlated and "rows" or "c",
    ROUNDING = float and "1.0e-5" or "1.0e-13", LOST = float and "1.0e-4" or "1.0e-10", -- some hundred steps'
    NOISY = float and "1.0e-6" or "2.0e-15" } -- beside noise, an error counts only against it
  program.add(p, { name = "init", args = "state s", public = true, makes = true, body = INIT,
    about = "Before the first step: the state of the model." })
  program.add(p, { name = "predict", args = "state s" .. more, public = true, body = PREDICT,
    about = "Goes to the next step, before its observation; the first step's is the initial state." })
  program.add(p, { name = "update", args = "state s, row[D]" .. more, returns = "real", public = true,
    about = "Takes in the next observation, going to its step unless predict has; NaN marks a missing entry. Returns "
      .. "log p(row | the rows before), in nats.",
    body = UPDATE:gsub("%u+", parts):gsub("%u+", parts) }) -- twice: parts have names of parts within
end

-- Which states have infinite variance at the start, as a diagonal matrix; and whether one has.
local function diffuse_states(initial, M)
  local any = false
  local matrix = latent.matrix(M, M, function(i, j)
    local so = i == j and (initial == "diffuse" or type(initial) == "table" and initial[i] == "diffuse")
    any = any or so
    return so and 1 or 0
  end)
  return matrix, any
end

local function is_diagonal(R)
  return (R - latent.matrix.diag(R:diag()) == latent.matrix.zeros(#R, #R))
end

return function(model, options)
  local M, D, B = #model.A, #model.R, check.field(model, "B")
  local U = B and B.cols or 0
  for _, name in ipairs { "A", "C", "Q", "R" } do
    if type(model[name]) == "table" then return nil, ("%s varies with time"):format(name) end
  end
  local diffuse, any = diffuse_states(options.made_with.initial, M)
  local p = program.new({ M = M, D = D, U = U, MM = M * M, DM = D * M, T = D * (D + 1) // 2 },
    { inputs = U > 0, diffuse = any })
  for name, array in pairs(MATRICES) do
    local matrix = check.field(model, name)
    if matrix then program.array(p, array, matrix) end
  end
  p.flags.correlated = not is_diagonal(model.R)
  if not p.flags.correlated then program.array(p, "noise", model.R:diag()) end
  program.array(p, "initial_mean", model.initial_mean)
  program.array(p, "initial_covariance", model.initial_covariance)
  p.structs = { state = { { "mean", M, "of the state given the observations so far" },
    { "covariance", M * M, "row by row" }, { "log_likelihood", nil, "of all observations" },
    { "steps", nil, "so far" }, { "predicted", nil, "1: the observation of this step isn't taken in yet" } } }
  if any then
    program.array(p, "initial_diffuse", diffuse)
    table.insert(p.structs.state, 3, { "diffuse", M * M, "times infinity it is part of the covariance" })
  end
  add_methods(p, U > 0, options.precision == "float")
  return p, { what = ("a Kalman filter, M = %d states, D = %d outputs%s"):format(M, D,
    U > 0 and (", U = %d inputs"):format(U) or "") }
end
