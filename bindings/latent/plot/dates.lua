-- Dates on an axis: seconds since 1970 in UTC, from the texts that users write. Not exported.

local dates = {}

-- Days from 1970-01-01 to a day of the Gregorian calendar (H. Hinnant, days_from_civil).
local function days(year, month, day)
  if month <= 2 then year = year - 1 end
  local era = year // 400
  local of_era = year - era * 400
  local of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
  return era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468
end

local LENGTHS = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 }

local function length(year, month)
  local leap = year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0)
  return month == 2 and leap and 29 or LENGTHS[month]
end

-- "1961-05", "1961-05-12", "1961-05-12 09:30", "1961-05-12T09:30:15" as seconds, or nil.
function dates.seconds(text)
  local year, month, rest = text:match "^(%d%d%d%d)%-(%d%d)(.*)$"
  if not year then return nil end
  local day, clock = 1, rest
  if rest ~= "" then
    day, clock = rest:match "^%-(%d%d)(.*)$"
    if not day then return nil end
  end
  local hour, minute, second = 0, 0, 0
  if clock ~= "" then
    hour, minute, second = clock:match "^[ T](%d%d):(%d%d)(.*)$"
    if not hour then return nil end
    second = second == "" and "0" or second:match "^:(%d%d%.?%d*)Z?$"
    if not second then return nil end
  end
  year, month, day = tonumber(year), tonumber(month), tonumber(day)
  hour, minute, second = tonumber(hour), tonumber(minute), tonumber(second)
  if month < 1 or month > 12 or day < 1 or day > length(year, month) or hour > 23 or minute > 59 or second >= 61 then
    return nil
  end
  return days(year, month, day) * 86400 + hour * 3600 + minute * 60 + second
end

-- All of a list, or nil.
function dates.read(list)
  local out = {}
  for i, text in ipairs(list) do
    out[i] = dates.seconds(text)
    if not out[i] then return nil end
  end
  return out
end

-- ---- ticks ------------------------------------------------------------------------

-- Distances of ticks: how many of what, about how many seconds one is, and how its ticks are written.
local STEPS = { { 1, "second", 1, "%H:%M:%S" }, { 5, "second", 1, "%H:%M:%S" }, { 15, "second", 1, "%H:%M:%S" },
  { 1, "minute", 60, "%H:%M" }, { 5, "minute", 60, "%H:%M" }, { 15, "minute", 60, "%H:%M" },
  { 1, "hour", 3600, "%d %b %H:%M" }, { 6, "hour", 3600, "%d %b %H:%M" }, { 1, "day", 86400, "%d %b" },
  { 7, "day", 86400, "%d %b" }, { 1, "month", 2.6e6, "%b %Y" }, { 3, "month", 2.6e6, "%b %Y" },
  { 6, "month", 2.6e6, "%b %Y" } }
for _, n in ipairs { 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000 } do
  STEPS[#STEPS + 1] = { n, "year", 3.15e7, "%Y" }
end

-- The k-th place of such ticks, from a place in the calendar.
local function place(step, from, k)
  local n, unit = step[1] * k, step[2]
  if unit == "year" then return days(from.year // step[1] * step[1] + n, 1, 1) * 86400 end
  if unit == "month" then
    local month = (from.month - 1) // step[1] * step[1] + n
    return days(from.year + month // 12, month % 12 + 1, 1) * 86400
  end
  return from.seconds // (step[1] * step[3]) * step[1] * step[3] + n * step[3]
end

-- Ticks from low to high, at most `most`: { at =, labels = }, written as `format`, if any, says.
function dates.ticks(low, high, most, format)
  local step = STEPS[#STEPS]
  for i = #STEPS, 1, -1 do
    if (high - low) / (STEPS[i][1] * STEPS[i][3]) > most - 1 then break end
    step = STEPS[i]
  end
  local from = os.date("!*t", math.floor(low))
  from.seconds = math.floor(low)
  local ticks = { at = {}, labels = {} }
  for k = 0, 2 * most do
    local at = place(step, from, k)
    if at >= low and at <= high then
      ticks.at[#ticks.at + 1] = at
      ticks.labels[#ticks.labels + 1] = os.date("!" .. (format or step[4]), math.floor(at))
    end
  end
  return ticks
end

-- Whether a text is a format of dates, as "%Y-%m".
function dates.is_format(text) return type(text) == "string" and (pcall(os.date, "!" .. text, 0)) end

return dates
