-- What diffusions do in Lua: the chain of states of the reverse process, for pictures of it. Not exported;
-- bindings/models/deep/deep.c makes a method of it.

local latent = require "latent"
local check = require "latent.check"

local use = {}

-- The times of `at`, from the latest to the earliest, without those above `from`; or ten, evenly spaced down to 0.
local function times_of(who, at, from)
  local times = {}
  if at == nil then
    for k = 10, 0, -1 do times[#times + 1] = (from * k + 5) // 10 end
  elseif type(at) ~= "table" then
    check.fail(who, "at must be a list of times, got %s", check.show(at))
  else
    for i, t in ipairs(at) do times[i] = check.integer(who, "at", t, 0, from) end
    table.sort(times, function(a, b) return a > b end)
  end
  local distinct = {}
  for _, t in ipairs(times) do if t ~= distinct[#distinct] then distinct[#distinct + 1] = t end end
  return distinct
end

-- Raises where the states are more than all of the machine's memory: systems promise more than they have, and end a
-- process that uses it.
local function check_size(who, states, n, D)
  local bytes, most = 8.0 * states * n * D, latent._memory()
  if bytes <= most then return end
  check.fail(who, "%d states of %d rows are %.0f GB, this machine has %.0f GB: take fewer rows, or times in `at`",
    states, n, bytes / 2^30, most / 2^30)
end

-- denoise(n or X [, options]) -> states, times: rows at each time of the process, which begins with noise or with X.
function use.denoise(model, X, options)
  local who = "diffusion:denoise"
  options = check.options(who, options, { at = true, from = true, seed = true, method = true, steps = true, eta = true,
    labels = true, guidance = true, raw = true, to = true })
  local T, given = model.timesteps, {}
  for name, value in pairs(options) do given[name] = value end
  given.at, given.to, given.from, given.seed = nil, nil, nil, options.seed or 0
  if options.seed ~= nil and not math.tointeger(options.seed) then
    check.fail(who, "seed must be an integer, got %s", check.show(options.seed))
  end
  local from = check.integer(who, "from", options.from or T, 0, T)
  local to = check.integer(who, "to", options.to or 0, 0, from)
  local shown = times_of(who, options.at, from)
  if type(X) == "number" then
    local n = check.integer(who, "n", X, 1)
    if from ~= T then check.fail(who, "noise is at time %d: from is for rows X", T) end
    check_size(who, #shown, n, model.input_dim)
    given.to = T
    X = check.call_for(who, model.sample, model, n, given)
  else
    X = check.matrix(who, "X", X)
  end
  local states, times, t = {}, {}, from
  for _, s in ipairs(shown) do
    s = math.max(s, to)
    if s < t then
      given.from, given.to = t, s
      X, t = check.call_for(who, model.reverse, model, X, given), s
    end
    if times[#times] ~= s then states[#states + 1], times[#times + 1] = X, s end
  end
  return states, times
end

return use
