-- The README's table of speeds, from what `make bench` has written last of each case: table.lua RESULTS.jsonl README.md
--
-- The README's lines between the marks <!-- bench --> and <!-- /bench --> are replaced. A case that has not been run is
-- left out, and said.
local path, readme = arg[1], arg[2]

local CASES = {
  { "gmm_full_d16_k16", "Gaussian mixture, full, 100,000 x 16, 16 components" },
  { "gmm_diag_d16_k16", "the same, diagonal" },
  { "kmeans_fit_overlapping", "k-means with its start" },
  { "pca_100000x256_m20", "PCA, 100,000 x 256" },
  { "fa_50000x100_m10", "factor analysis, 50,000 x 100, to convergence" },
  { "ppca_missing", "PPCA with missing entries" },
  { "lds_smooth_4x2", "Kalman smoother" },
  { "vae_784_400_20", "VAE 784-400-20, training" },
  { "flow_nsf_steps", "spline flow, training" },
  { "diffusion_steps", "diffusion, training" },
  { "startup_x20", "start: `require` on top of the interpreter" },
  { "installed_size", "installed, all of it" },
}

-- A record's text has no nested quotes, so fields can be taken by name.
local function number(text, name) return tonumber(text:match('"' .. name .. '":([%d.e+-]+)')) end

local last, machine = {}, "?"
for line in io.lines(path) do
  local name = line:match '"case":"([^"]*)"'
  last[name], machine = line, line:match '"processor":"([^"]*)"' or machine
end

-- The peer that needs the least time: its name and the ratio.
local function best_peer(line)
  local name, least, ratio
  for peer in (line:match '"peers":(%b[])' or ""):gmatch "%b{}" do
    local seconds = number(peer, "seconds")
    if not least or seconds < least then
      name, least, ratio = peer:match '"name":"([^"]*)"', seconds, number(peer, "ratio")
    end
  end
  return name, least, ratio
end

local function duration(seconds)
  return seconds < 1 and ("%.3g ms"):format(1e3 * seconds) or ("%.3g s"):format(seconds)
end

local function row(case)
  local line = last[case[1]]
  if not line then
    io.stderr:write(case[1], " has not been run\n")
    return nil
  end
  local bytes, seconds = number(line, "bytes"), number(line:gsub('"peers":%b[]', ""), "seconds")
  if bytes then return ("| %s | %.1f MB | | |"):format(case[2], bytes / 1e6) end
  local name, theirs, ratio = best_peer(line)
  if case[1]:find "^startup" then
    return ("| %s | %s | | |"):format(case[2], duration((seconds - theirs) / 20))
  end
  if not name then return ("| %s | %s | | |"):format(case[2], duration(seconds)) end
  return ("| %s | %s | %s: %s | %.3g |"):format(case[2], duration(seconds), name, duration(theirs), ratio)
end

local out = { ("| two threads of %s | latent | its fastest peer | ratio |"):format(machine:gsub("%s+", " ")),
  "|---|---|---|---|" }
for _, case in ipairs(CASES) do out[#out + 1] = row(case) end

local file = assert(io.open(readme))
local text = file:read "a"
file:close()
local replaced, count = text:gsub("(<!%-%- bench %-%->\n).-(<!%-%- /bench %-%->)", function(first, behind)
  return first .. table.concat(out, "\n") .. "\n" .. behind
end)
assert(count == 1, readme .. " has no marks <!-- bench --> and <!-- /bench -->")
file = assert(io.open(readme, "w"))
file:write(replaced)
file:close()
