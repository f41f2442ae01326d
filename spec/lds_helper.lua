-- What the specs of linear dynamical systems share: random models, and everything as one normal distribution.
local latent = require "latent"
local helper = require "helper"
local assert = require "luassert"
local matrix = latent.matrix
local nan = 0 / 0

local nile = latent.datasets.nile():col(1)

local function numbers(seed)
  local k = 0
  return function()
    k = k + 1
    return math.sin(12.9898 * k + 78.233 * seed + 0.07 * k * k)
  end
end

local function random_matrix(rows, cols, scale, draw)
  return matrix(rows, cols, function() return scale * draw() end)
end

local function random_covariance(n, scale, draw)
  local root = random_matrix(n, n, 1, draw)
  return root * root:t() * scale + matrix.eye(n) * (0.1 * scale)
end

-- The options of a stable model of M states, D outputs and U inputs.
local function random_model(M, D, U, seed)
  local draw = numbers(seed)
  local model = { A = random_matrix(M, M, 0.9 / math.sqrt(M), draw) + matrix.eye(M) * 0.3,
    C = random_matrix(D, M, 1, draw), Q = random_covariance(M, 0.5, draw), R = random_covariance(D, 0.3, draw),
    initial_mean = matrix(M, 1, draw):col(1), initial_covariance = random_covariance(M, 1, draw) }
  if U > 0 then model.B, model.D = random_matrix(M, U, 1, draw), random_matrix(D, U, 1, draw) end
  return model
end

-- T x D numbers of which about one in three is missing, and in the fourth row all.
local function random_data(T, D, seed)
  local draw = numbers(seed)
  return matrix(T, D, function(i) return (draw() > 0.4 or i == 4) and nan or 3 * draw() end)
end

-- ---- everything as one multivariate normal -----------------------------------------------------

local function at(value, t) return type(value) == "table" and value[t] or value end

-- Means and covariances of z_1..z_T and y_1..y_T by the model's definition: z[t], zz[t][s], where a table for A, C,
-- Q or R has one matrix for each step.
local function moments(model, T, U)
  local z, zz = {}, {}
  for t = 1, T do
    zz[t] = {}
    local A = at(model.A, t)
    if t == 1 then
      z[1], zz[1][1] = model.initial_mean:copy(), model.initial_covariance
    else
      z[t] = A * z[t - 1]
      if U then z[t] = z[t] + model.B * U[t] end
      for s = 1, t - 1 do
        zz[t][s] = A * zz[t - 1][s]
        zz[s][t] = zz[t][s]:t()
      end
      zz[t][t] = A * zz[t - 1][t - 1] * A:t() + at(model.Q, t)
    end
  end
  return z, zz
end

-- The same numbers as vectors and matrices: means and covariance of all states (T M), of all observed entries, and
-- between both; and those entries.
local function joint(model, Y, U)
  local T, D, M = Y.rows, Y.cols, model.initial_mean.rows
  local z, zz = moments(model, T, U)
  local entries, values = {}, {}
  for t = 1, T do
    for i = 1, D do
      if Y(t, i) == Y(t, i) then
        entries[#entries + 1], values[#values + 1] = { t, i }, Y(t, i)
      end
    end
  end
  local C = {} -- rows of the C of each step
  for t = 1, T do C[t] = at(model.C, t) end
  local n = #entries
  local mean = matrix(n, 1, function(k)
    local t, i = entries[k][1], entries[k][2]
    return C[t]:row(i):dot(z[t]) + (U and model.D:row(i):dot(U[t]) or 0)
  end):col(1)
  local yy = matrix(n, n, function(k, l)
    local t, i, s, j = entries[k][1], entries[k][2], entries[l][1], entries[l][2]
    return C[t]:row(i):dot(zz[t][s] * C[s]:row(j)) + (t == s and at(model.R, t)(i, j) or 0)
  end)
  local zy = matrix(T * M, n, function(r, l)
    local t, m, s, j = (r - 1) // M + 1, (r - 1) % M + 1, entries[l][1], entries[l][2]
    return zz[t][s]:row(m):dot(C[s]:row(j))
  end)
  return { z = z, zz = zz, mean = mean, yy = yy, zy = zy, y = matrix(values):copy(), M = M, T = T }
end

-- log-likelihood, means (T x M), covariances and lag-one covariances of z given the observed entries.
local function condition(j)
  local v = j.y - j.mean
  local inverse = j.yy:inverse()
  local log_likelihood = -0.5 * (v:dot(inverse * v) + j.yy:logdet() + #v * math.log(2 * math.pi))
  local gain = j.zy * inverse
  local move = gain * v
  local means = matrix(j.T, j.M, function(t, m) return j.z[t][m] + move[(t - 1) * j.M + m] end)
  local less = gain * j.zy:t()
  local function block(t, s)
    local M = j.M
    return j.zz[t][s] - less:block((t - 1) * M + 1, t * M, (s - 1) * M + 1, s * M)
  end
  local covariances, lags = {}, { matrix.zeros(j.M, j.M) }
  for t = 1, j.T do
    covariances[t] = block(t, t)
    if t > 1 then lags[t] = block(t, t - 1) end
  end
  return { log_likelihood = log_likelihood, means = means, covariances = covariances, lag_covariances = lags }
end

local function near_lists(expected, actual, tolerance)
  assert.equal(#expected, #actual)
  for t = 1, #expected do assert.near_matrix(expected[t], actual[t], tolerance) end
end

local function check_against_joint(model, Y, U, tolerance)
  local expected = condition(joint(model, Y, U))
  local options = {}
  for name, value in pairs(model) do options[name] = value end
  for _, form in ipairs{ "covariance", "square_root" } do
    options.form = form
    local lds = latent.lds(options)
    local inputs = { inputs = U }
    local smoothed, filtered = lds:smooth(Y, inputs), lds:filter(Y, inputs)
    assert.near(expected.log_likelihood, smoothed.log_likelihood, tolerance)
    assert.near(expected.log_likelihood, filtered.log_likelihood, tolerance)
    assert.near_matrix(expected.means, smoothed.means, tolerance)
    near_lists(expected.covariances, smoothed.covariances, tolerance)
    near_lists(expected.lag_covariances, smoothed.lag_covariances, tolerance)
    -- the filter's last step is given all of Y, and its others given less
    local T = Y.rows
    assert.near_matrix(expected.means[T], filtered.means[T], tolerance)
    assert.near_matrix(expected.covariances[T], filtered.covariances[T], tolerance)
    local half = math.max(1, T // 2)
    local part = condition(joint(model, Y:block(1, half, 1, Y.cols), U))
    assert.near_matrix(part.means[half], filtered.means[half], tolerance)
    assert.near_matrix(part.covariances[half], filtered.covariances[half], tolerance)
  end
end

local function simulated(name)
  local path, why = helper.data("sim/" .. name .. ".csv")
  if not path then return nil, why end
  return (latent.read(path))
end

local function simulated_model(options)
  local model = { A = { { 0.9, 0.1 }, { -0.1, 0.8 } }, C = { { 1, 0 }, { 0, 1 }, { 0.5, 0.5 } }, Q = 0.2, R = 0.3,
    initial_mean = { 0, 0 }, initial_covariance = 1 }
  for name, value in pairs(options or {}) do model[name] = value end
  return latent.lds(model)
end

return {
  nile = nile,
  numbers = numbers,
  random_matrix = random_matrix,
  random_covariance = random_covariance,
  random_model = random_model,
  random_data = random_data,
  moments = moments,
  joint = joint,
  condition = condition,
  near_lists = near_lists,
  check_against_joint = check_against_joint,
  simulated = simulated,
  simulated_model = simulated_model,
}
