-- Pictures of lds and of em. Not exported.

local check = require "latent.check"
local context = require "latent.plot.context"
local dates = require "latent.plot.dates"
local values = require "latent.plot.values"

local MOST_SERIES = 6

-- Places of the N rows and of h more, which go on as the last ones did; and whether they are dates.
local function times(c, N, h)
  local given, list = c.options.time, {}
  if given == nil then given = c.X and context.field(c.X, "time") end
  local seconds
  if given == nil then
    for i = 1, N do list[i] = i end
  else
    local texts = values.as_table(given)
    seconds = type(texts) == "table" and type(texts[1]) == "string" and dates.read(texts)
    list = values.same_length(c.who, "time", seconds or values.numbers(c.who, "time", given), N, "X")
  end
  local all, step = { table.unpack(list, 1, N) }, N > 1 and (list[N] - list[1]) / (N - 1) or 1
  for i = 1, h do all[N + i] = list[N] + i * step end
  return all, seconds and true or nil
end

-- The options of filter, smooth and forecast.
local function inputs_of(c, future)
  local given = c.given or {}
  return { inputs = given.inputs, future_inputs = future and given.future_inputs or nil,
    level = future and c.level or nil }
end

-- What is expected of y at each row, given all of them; nil where C changes with time or inputs go into y.
local function smoothed(c)
  local C, D = context.field(c.model, "C"), context.field(c.model, "D")
  if type(C) == "table" or not C or D then return nil end
  local Z = c:ask("smooth", c.X, inputs_of(c)).means
  return Z * C:t()
end

local function series(c)
  local N, D = #c.X, c.X.cols
  local h = check.integer(c.who, "steps", c.options.steps or math.max(1, math.min(100, N // 5)), 1)
  c.level = c.options.level or 0.95
  local t, is_date = times(c, N, h)
  local ahead = c:ask("forecast", c.X, h, inputs_of(c, true))
  local mean, figures = smoothed(c), {}
  local past, future = { table.unpack(t, 1, N) }, { table.unpack(t, N + 1) }
  for j = 1, math.min(D, MOST_SERIES) do
    local fig = c.figure { title = j == 1 and ("Observed, and a forecast of %d rows"):format(h) or nil, width = 760,
      height = D == 1 and 420 or 300, xlabel = not is_date and (c.options.time and "time" or "row") or nil,
      ylabel = c.names[j], dates = is_date }
    fig:points(past, c.X:col(j), { color = 4, size = 0.5, label = "observed" })
    if mean then fig:line(past, mean:col(j), { color = 9, width = 1.5, label = "smoothed" }) end
    fig:ribbon(future, ahead.means:col(j), ahead.lower:col(j), ahead.upper:col(j),
      { color = 1, label = ("forecast, %g %%"):format(100 * c.level) })
    figures[j] = fig
  end
  return #figures == 1 and figures[1] or c.figure({ width = false }):panels(figures, { columns = 1 })
end

-- Smoothed states with two deviations.
local function states(c)
  local s = c:ask("smooth", c.X, inputs_of(c))
  local t, is_date = times(c, #c.X, 0)
  local fig = c.figure { title = "Smoothed states, with two deviations", width = 760, height = 420, dates = is_date,
    xlabel = not is_date and "row" or nil, ylabel = "state" }
  for j = 1, math.min(s.means.cols, MOST_SERIES) do
    local low, high = {}, {}
    for i = 1, #c.X do
      local deviation = 2 * math.sqrt(math.max(0, s.covariances[i](j, j)))
      low[i], high[i] = s.means(i, j) - deviation, s.means(i, j) + deviation
    end
    fig:ribbon(t, s.means:col(j), low, high, { label = ("state %d"):format(j) })
  end
  return fig
end

local function history(c) return c:history() end

return {
  lds = {
    { name = "series", draw = series, needs = "X" },
    { name = "states", draw = states, needs = "X", also = true },
    { name = "history", draw = history, also = true },
  },
  em = { { name = "history", draw = history } },
}
