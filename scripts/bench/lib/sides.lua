-- The sides of a case (../run.lua): processes between two named pipes, which do their work once each time that they
-- are told to and answer with the seconds of it and with numbers that show what was done.
local sides = {}

-- latent sets BLAS's threads itself, as it does for its users. Peers bring an OpenBLAS of their own, for which a
-- choice of kernels that was made for the system's isn't meant, and whose threads go on spinning for 26 ms after a
-- call, into the next side's turn and their own, unless they are told to sleep after 2^4 ticks.
local LATENT, PEERS = "LATENT_NUM_THREADS=%s ", "env -u OPENBLAS_CORETYPE -u OPENBLAS_L2_SIZE "
  .. "OPENBLAS_NUM_THREADS=%s OMP_NUM_THREADS=%s OMP_WAIT_POLICY=passive OPENBLAS_THREAD_TIMEOUT=4 "

-- The numbers of the next line of an answer.
local function answer(process)
  local line = process.answer:read "l"
  if not line then error(("%s ended without an answer"):format(process.name), 0) end
  local numbers = {}
  for word in line:gmatch "%S+" do numbers[#numbers + 1] = tonumber(word) end
  return numbers
end

function sides.shell(...)
  local words = { ... }
  for i, word in ipairs(words) do words[i] = "'" .. word:gsub("'", "'\\''") .. "'" end
  return table.concat(words, " ")
end

local function command_of(bench, case, i)
  local side, inputs = case.sides[i], {}
  for k, name in ipairs(case.data or {}) do inputs[k] = ("%s/%s.npy"):format(bench.data, name) end
  if not side.python then
    return sides.shell(bench.lua, bench.folder .. "/side.lua", case.path, tostring(case.index), tostring(i),
      table.unpack(inputs))
  end
  local path = ("%s/%s.py"):format(bench.data, case.name)
  local file = assert(io.open(path, "w"))
  file:write(side.python)
  file:close()
  return sides.shell(bench.python, bench.folder .. "/side.py", path, table.unpack(inputs))
end

-- The process of the side, whose `missing` says which package it would need.
function sides.start(bench, case, i)
  local side, command = case.sides[i], command_of(bench, case, i)
  local base = os.tmpname()
  os.remove(base)
  assert(os.execute(("mkfifo %s.in %s.out"):format(base, base)))
  local environment = side.python and PEERS:format(bench.threads, bench.threads) or LATENT:format(bench.threads)
  os.execute(("%s%s <%s.in >%s.out &"):format(environment, command, base, base))
  local process = { name = side.name, times = {}, rested = {}, ask = io.open(base .. ".in", "w"),
    answer = io.open(base .. ".out") }
  os.remove(base .. ".in")
  os.remove(base .. ".out")
  local ready = process.answer:read "l"
  process.missing = ready and ready:match "^missing (.*)"
  if not ready then error(("%s ended without an answer"):format(process.name), 0) end
  return process
end

-- The seconds of its work, done once.
function sides.turn(process)
  process.ask:write "go\n"
  process.ask:flush()
  local seconds = answer(process)[1]
  process.result = answer(process)
  return seconds
end

function sides.stop(process)
  process.ask:close()
  process.answer:close()
end

return sides
