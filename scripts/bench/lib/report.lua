-- What the benchmarks (../run.lua) print and write: a line a case, and the same as a line of JSON with the machine and
-- the versions of all that was compared, in BUILD/bench/results.jsonl.
local report = {}

function report.duration(seconds)
  return seconds < 1 and ("%.2f ms"):format(1e3 * seconds) or ("%.3f s"):format(seconds)
end

-- "gmm_full_d64_k8 BELOW   112.10 ms   ..."
function report.row(name, verdict, value, notes)
  print(("%-28s %11s   %s"):format(name .. (verdict and " " .. verdict or ""), value, table.concat(notes, "; ")))
end

local function output_of(command)
  local pipe = io.popen(command .. " 2>/dev/null")
  local text = pipe:read "a"
  pipe:close()
  return text
end

local PEERS = { "numpy", "scipy", "scikit-learn", "scikit-learn-intelex", "faiss-cpu", "statsmodels", "pykalman",
  "torch", "zuko", "torchcfm" }

-- What the machine is and what is compared, from the system and from the peers' own words.
function report.machine(bench)
  local machine = { processor = output_of("grep -m1 'model name' /proc/cpuinfo"):match ":%s*(.-)\n" or "unknown",
    processors = tonumber(output_of "nproc"), system = output_of("uname -sr"):match "[^\n]*",
    latent = require("latent").version, versions = {} }
  local listed = bench.peers and output_of(bench.python .. " -m pip list --format=freeze") or ""
  for _, name in ipairs(PEERS) do
    machine.versions[name] = ("\n" .. listed):match("\n" .. name:gsub("%-", "%%-") .. "==(%S+)")
  end
  return machine
end

local function json(value)
  if type(value) == "string" then
    return '"' .. value:gsub('[%c"\\]', function(c) return ("\\u%04x"):format(c:byte()) end) .. '"'
  elseif type(value) ~= "table" then
    return type(value) == "number" and ("%.6g"):format(value) or tostring(value)
  end
  local parts = {}
  if #value > 0 then
    for i, part in ipairs(value) do parts[i] = json(part) end
    return "[" .. table.concat(parts, ",") .. "]"
  end
  for name, part in pairs(value) do parts[#parts + 1] = json(name) .. ":" .. json(part) end
  table.sort(parts)
  return "{" .. table.concat(parts, ",") .. "}"
end

-- Appends the record of a case: its name, seconds, and those of its peers.
function report.record(bench, record)
  record.machine, record.date = bench.machine, os.date "!%Y-%m-%dT%H:%M:%SZ"
  local file = assert(io.open(bench.results, "a"))
  file:write(json(record), "\n")
  file:close()
end

return report
