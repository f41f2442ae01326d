-- The benchmarks: latent and its peers side by side.
--
--   make bench [CASE=pca]      or      lua5.4 scripts/bench/run.lua BUILD [WORD...]
--
-- A case is a file beside this one, or an element of the list that one returns:
--
--   name      what it is called, when the file's name doesn't do
--   data      the inputs, by their names in data.py; they are passed to every setup
--   sides     { { name =, lua = or python = }, ... }: ours first. `lua` is a function(latent, inputs...)
--             and `python` the text of a function setup(inputs...); both return what is timed, and
--             what gives, untimed, numbers that show what was done
--   rounds    how often each side is timed, 7 when left out; then thrice after 0.3 s in which nobody works, which is
--             how a user's single fit begins
--   agree     the greatest relative difference of those numbers between the sides
--   target    what the ratio of the others' seconds to ours should reach
--             (both: a side may have its own, and `target = false` is none)
--   floor     { flops64 =, flops32 =, bytes = } that the work can't do without: its least seconds follow from what
--             `make limits` has measured, and are printed beside the case's own
--   extra     the most seconds ours may take beyond the second side, instead
--   measure, most   a function(build) that returns bytes, and how many they may be, instead
--
-- A side is a process (side.lua, side.py) that does the work once each time it is told to and
-- answers with the seconds of it. The sides take turns (A B A B ...), the first turn warms up, and
-- medians are compared: what else the machine does falls on all, and only the ratio is to be trusted. A case that
-- misses its target says BELOW after its name; one that could not run makes the program fail.

local build, wanted = arg[1] or "build", { table.unpack(arg, 2) }
local folder = arg[0]:match("^(.*)/[^/]*$") or "."
package.path = folder .. "/?.lua;" .. package.path
local sides, report = require "lib.sides", require "lib.report"
local shell, duration = sides.shell, report.duration

local IDLE, IDLE_ROUNDS = 0.3, 3

local function exists(path)
  local file = io.open(path)
  if file then file:close() end
  return file ~= nil
end

local bench = { folder = folder, data = build .. "/bench", python = "build/peers/bin/python", lua = arg[-1] or "lua5.4",
  threads = os.getenv "THREADS" or "2", results = build .. "/bench/results.jsonl" }
bench.peers = exists(bench.python)

-- ---- a case ------------------------------------------------------------------------------

local function median(list)
  local sorted = table.move(list, 1, #list, 1, {})
  table.sort(sorted)
  local middle = #sorted // 2
  return #sorted % 2 == 1 and sorted[middle + 1] or (sorted[middle] + sorted[middle + 1]) / 2
end

-- The greatest difference of two lists of numbers, relative to the largest of them.
local function difference(a, b)
  local scale, most = 0, #a == #b and 0 or math.huge
  for i = 1, math.min(#a, #b) do
    scale = math.max(scale, math.abs(a[i]), math.abs(b[i]))
    most = math.max(most, math.abs(a[i] - b[i]))
  end
  return scale > 0 and most / scale or most
end

local function make_data(case)
  for _, name in ipairs(case.data or {}) do
    if not exists(("%s/%s.npy"):format(bench.data, name)) then
      local command = shell(bench.peers and bench.python or "python3", folder .. "/data.py", bench.data, name)
      if not os.execute(command) then error("its data can't be made without NumPy: make bench-deps", 0) end
    end
  end
end

-- The processes of the sides that can run, ours first; what the others lack goes into `missing`.
local function start_all(case, missing)
  local processes = {}
  for i, side in ipairs(case.sides) do
    if bench.peers or not side.python then
      local process = sides.start(bench, case, i)
      if process.missing then
        sides.stop(process)
        missing[#missing + 1] = ("%s is left out: %s"):format(process.name, process.missing)
      else
        process.target = side.target == nil and case.target or side.target
        process.agree = side.agree or case.agree
        processes[#processes + 1] = process
      end
    end
  end
  return processes
end

local function time_all(case, processes)
  for round = 0, case.rounds or 7 do
    for _, process in ipairs(processes) do
      local seconds = sides.turn(process)
      if round > 0 then process.times[round] = seconds end
    end
  end
  for round = 1, case.extra and 0 or IDLE_ROUNDS do
    for _, process in ipairs(processes) do
      os.execute(("sleep %g"):format(IDLE))
      process.rested[round] = sides.turn(process)
    end
  end
  for _, process in ipairs(processes) do
    process.seconds = median(process.times)
    process.after_idle = #process.rested > 0 and median(process.rested) or nil
  end
end

-- The least seconds of the work on this machine, or nil where nothing is known.
local function floor_of(case)
  local limits = case.floor and bench.limits and bench.limits[math.min(tonumber(bench.threads), #bench.limits)]
  if not limits then return nil end
  local arithmetic = (case.floor.flops64 or 0) / limits.flops64 + (case.floor.flops32 or 0) / limits.flops32
  return math.max(arithmetic, (case.floor.bytes or 0) / limits.bytes)
end

-- What a case says of a peer, and whether it misses something.
local function compare_with(case, ours, other)
  local notes, ratio = { ("%s %s"):format(other.name, duration(other.seconds)) }, other.seconds / ours.seconds
  local good
  if case.extra then
    local more = ours.seconds - other.seconds
    good = more <= case.extra
    notes[2] = ("%s more, %s %s"):format(duration(more), good and "ok: at most" or "above", duration(case.extra))
  else
    good = not other.target or ratio >= other.target
    notes[2] = ("ratio %.2f%s"):format(ratio, other.target and (" (at least %.2f)"):format(other.target) or "")
    if other.after_idle then notes[3] = ("after idling %.2f"):format(other.after_idle / ours.after_idle) end
  end
  if other.agree then
    local far = difference(ours.result, other.result)
    if far > other.agree then good = false end
    notes[#notes + 1] = ("results differ by %.0e%s"):format(far, far <= other.agree and "" or ": NOT THE SAME WORK")
  end
  return table.concat(notes, ", "), good,
    { name = other.name, seconds = other.seconds, after_idle = other.after_idle, ratio = ratio,
      target = other.target or nil }
end

local function compare(case)
  make_data(case)
  local missing, notes, peers, good = {}, {}, {}, true
  local processes = start_all(case, missing)
  time_all(case, processes)
  local ours, floor = processes[1], floor_of(case)
  if floor then notes[1] = ("floor %s"):format(duration(floor)) end
  if ours.after_idle then notes[#notes + 1] = ("after idling %s"):format(duration(ours.after_idle)) end
  for i = 2, #processes do
    local fine
    notes[#notes + 1], fine, peers[i - 1] = compare_with(case, ours, processes[i])
    good = good and fine
  end
  for _, process in ipairs(processes) do sides.stop(process) end
  table.move(missing, 1, #missing, #notes + 1, notes)
  if not bench.peers then notes[#notes + 1] = "peers are missing: make bench-deps" end
  report.row(case.name, not good and "BELOW", duration(ours.seconds), notes)
  report.record(bench, { case = case.name, seconds = ours.seconds, after_idle = ours.after_idle, floor = floor,
    peers = peers, below = not good })
end

local function run(case)
  if not case.measure then return compare(case) end
  local bytes = case.measure(build)
  local good = bytes <= case.most
  report.row(case.name, not good and "ABOVE", ("%.2f MB"):format(bytes / 1e6),
    { ("at most %.2f MB"):format(case.most / 1e6) })
  report.record(bench, { case = case.name, bytes = bytes, below = not good })
end

-- ---- all of them ---------------------------------------------------------------------------

assert(os.execute("mkdir -p " .. shell(bench.data)))
bench.limits = exists(bench.data .. "/limits.lua") and dofile(bench.data .. "/limits.lua") or nil
bench.machine = report.machine(bench)
print(("%-28s %11s   %s threads each\n"):format("case", "latent", bench.threads))
local list, failed = io.popen(("ls %s/*.lua"):format(shell(folder))), false
for path in list:lines() do
  local name = path:match "([^/]*)%.lua$"
  local cases = name ~= "run" and name ~= "side" and name ~= "table" and dofile(path) or {}
  if cases.sides or cases.measure then cases = { cases } end
  for index, case in ipairs(cases) do
    case.name, case.path, case.index = case.name or name, path, index
    local chosen = #wanted == 0
    for _, word in ipairs(wanted) do chosen = chosen or case.name:find(word, 1, true) ~= nil end
    if chosen then
      local ok, message = pcall(run, case)
      if not ok then
        failed = true
        report.row(case.name, "FAILED", "", { tostring(message) })
      end
    end
  end
end
list:close()
if failed then os.exit(1) end
