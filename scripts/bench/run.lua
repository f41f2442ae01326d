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
--   rounds    how often each side is timed, 7 when left out
--   agree     the greatest relative difference of those numbers between the sides
--   target    what the ratio of the others' seconds to ours should reach
--             (both: a side may have its own, and `target = false` is none)
--   extra     the most seconds ours may take beyond the second side, instead
--   measure, most   a function(build) that returns bytes, and how many they may be, instead
--
-- A side is a process (side.lua, side.py) that does the work once each time it is told to and
-- answers with the seconds of it. The sides take turns (A B A B ...), the first turn warms up, and
-- medians are compared: what else the machine does falls on all, and only the ratio is to be trusted.

local build, wanted = arg[1] or "build", { table.unpack(arg, 2) }
local bench = arg[0]:match("^(.*)/[^/]*$") or "."
local data = build .. "/bench"
local python = "build/peers/bin/python"
local lua = arg[-1] or "lua5.4"
local threads = os.getenv "THREADS" or "2"

local function exists(path)
  local file = io.open(path)
  if file then file:close() end
  return file ~= nil
end

local peers = exists(python)

local function shell(...)
  local words = { ... }
  for i, word in ipairs(words) do words[i] = "'" .. word:gsub("'", "'\\''") .. "'" end
  return table.concat(words, " ")
end

-- ---- a side is a process between two named pipes -------------------------------------

-- latent sets BLAS's threads itself, as it does for its users. Peers bring an OpenBLAS of their own, for
-- which a choice of kernels that was made for the system's isn't meant.
local LATENT, PEERS = "LATENT_NUM_THREADS=%s ", "env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE "
  .. "OPENBLAS_NUM_THREADS=%s OMP_NUM_THREADS=%s OMP_WAIT_POLICY=passive "

-- The numbers of the next line of an answer.
local function answer(process)
  local line = process.answer:read "l"
  if not line then error(("%s ended without an answer"):format(process.name), 0) end
  local numbers = {}
  for word in line:gmatch "%S+" do numbers[#numbers + 1] = tonumber(word) end
  return numbers
end

local function start(case, i)
  local side, inputs = case.sides[i], {}
  for k, name in ipairs(case.data or {}) do inputs[k] = ("%s/%s.npy"):format(data, name) end
  local command
  if side.python then
    local path = ("%s/%s.py"):format(data, case.name)
    local file = assert(io.open(path, "w"))
    file:write(side.python)
    file:close()
    command = shell(python, bench .. "/side.py", path, table.unpack(inputs))
  else
    command = shell(lua, bench .. "/side.lua", case.path, tostring(case.index), tostring(i), table.unpack(inputs))
  end
  local base = os.tmpname()
  os.remove(base)
  assert(os.execute(("mkfifo %s.in %s.out"):format(base, base)))
  local environment = side.python and PEERS:format(threads, threads) or LATENT:format(threads)
  os.execute(("%s%s <%s.in >%s.out &"):format(environment, command, base, base))
  local process = { name = side.name, times = {}, ask = io.open(base .. ".in", "w"), answer = io.open(base .. ".out") }
  os.remove(base .. ".in")
  os.remove(base .. ".out")
  local ready = process.answer:read "l"
  process.missing = ready and ready:match "^missing (.*)"
  if not ready then error(("%s ended without an answer"):format(process.name), 0) end
  return process
end

local function turn(process)
  process.ask:write "go\n"
  process.ask:flush()
  local seconds = answer(process)[1]
  process.result = answer(process)
  return seconds
end

local function stop(process)
  process.ask:close()
  process.answer:close()
end

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

local function duration(seconds)
  return seconds < 1 and ("%.2f ms"):format(1e3 * seconds) or ("%.3f s"):format(seconds)
end

local function row(name, value, notes) print(("%-22s %11s   %s"):format(name, value, table.concat(notes, "; "))) end

local function make_data(case)
  for _, name in ipairs(case.data or {}) do
    if not exists(("%s/%s.npy"):format(data, name)) then
      local command = shell(peers and python or "python3", bench .. "/data.py", data, name)
      if not os.execute(command) then error("its data can't be made without NumPy: make bench-deps", 0) end
    end
  end
end

local function compare(case)
  make_data(case)
  local processes, notes, missing = {}, {}, {}
  for i, side in ipairs(case.sides) do
    if peers or not side.python then
      local process = start(case, i)
      if process.missing then
        stop(process)
        missing[#missing + 1] = ("%s is left out: %s"):format(process.name, process.missing)
      else
        process.target = side.target == nil and case.target or side.target
        process.agree = side.agree or case.agree
        processes[#processes + 1] = process
      end
    end
  end
  for round = 0, case.rounds or 7 do
    for _, process in ipairs(processes) do
      local seconds = turn(process)
      if round > 0 then process.times[round] = seconds end
    end
  end
  local ours = processes[1]
  local seconds = median(ours.times)
  for i = 2, #processes do
    local other = processes[i]
    local theirs = median(other.times)
    notes[#notes + 1] = ("%s %s"):format(other.name, duration(theirs))
    if case.extra then
      notes[#notes + 1] = ("%s more, %s %s"):format(duration(seconds - theirs),
        seconds - theirs <= case.extra and "ok: at most" or "TOO MUCH, above", duration(case.extra))
    else
      local target = other.target
      local good = not target or theirs / seconds >= target
      notes[#notes + 1] = ("ratio %.2f%s"):format(theirs / seconds,
        target and (" (%s %.2f)"):format(good and "ok: at least" or "BELOW", target) or "")
    end
    if other.agree then
      local far = difference(ours.result, other.result)
      notes[#notes + 1] = ("results differ by %.0e%s"):format(far, far <= other.agree and "" or ": NOT THE SAME WORK")
    end
  end
  for _, process in ipairs(processes) do stop(process) end
  table.move(missing, 1, #missing, #notes + 1, notes)
  if not peers then notes[#notes + 1] = "peers are missing: make bench-deps" end
  row(case.name, duration(seconds), notes)
end

local function run(case)
  if not case.measure then return compare(case) end
  local bytes = case.measure(build)
  row(case.name, ("%.2f MB"):format(bytes / 1e6),
    { ("%s %.2f MB"):format(bytes <= case.most and "ok: at most" or "TOO MUCH, above", case.most / 1e6) })
end

-- ---- all of them ---------------------------------------------------------------------------

assert(os.execute("mkdir -p " .. shell(data)))
print(("%-22s %11s   %s threads each\n"):format("case", "latent", threads))
local list = io.popen(("ls %s/*.lua"):format(shell(bench)))
for path in list:lines() do
  local name = path:match "([^/]*)%.lua$"
  local cases = name ~= "run" and name ~= "side" and dofile(path) or {}
  if cases.sides or cases.measure then cases = { cases } end
  for index, case in ipairs(cases) do
    case.name, case.path, case.index = case.name or name, path, index
    local chosen = #wanted == 0
    for _, word in ipairs(wanted) do chosen = chosen or case.name:find(word, 1, true) ~= nil end
    if chosen then
      local ok, message = pcall(run, case)
      if not ok then row(case.name, "failed", { tostring(message) }) end
    end
  end
end
list:close()
