-- Runs all experiments, each in a process and a folder of its own, and makes the gallery of them.
--
--   lua5.4 scripts/gallery.lua [--help]
--
-- Says how long each takes, and shows what those said that failed. Where data are missing that an experiment needs,
-- the digits that come with latent stand in. With --write, the pictures that gallery/list.lua names become the
-- thumbnails in scripts/pictures/gallery, and scripts/README.md is written.

local here = arg[0]:match "^.*/" or ""
local options, _, printf = dofile(here .. "experiment.lua") {
  { "only", "", "those whose name has this in it", value = "NAME" },
  { "write", false, "makes thumbnails and scripts/README.md" },
}
package.path = here .. "gallery/?.lua;" .. package.path

local latent = require "latent"
local list, page, stand_in, thumbnail = require "list", require "page", require "stand_in", require "thumbnail"

local function quoted(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

local function contents(path)
  local file <close> = assert(io.open(path))
  return file:read "a"
end

-- The folder of the data that an experiment needs, and whether digits stand in for them.
local digits
local function data_for(entry)
  local folder = (os.getenv "LATENT_DATA" or "data") .. "/" .. entry.data
  if latent.datasets.mnist(folder, { part = "test" }) then return folder, false end
  if not digits then
    digits = options.output .. "/data"
    assert(os.execute("mkdir -p " .. quoted(digits)))
    stand_in(digits)
  end
  return digits, true
end

-- The command that runs an experiment, its pictures going to the folder.
local function command_of(entry, folder)
  local words = { quoted(arg[-1]), quoted(here .. entry[1] .. ".lua"), "--output", quoted(folder) }
  local stands
  if entry.data then
    local data
    data, stands = data_for(entry)
    words[#words + 1] = "--data " .. quoted(data)
  end
  words[#words + 1] = options.short and "--short" or stands and entry.stand_in or ""
  return table.concat(words, " ")
end

local function run(entry)
  local folder = options.output .. "/" .. entry[1]
  local log, start = folder .. ".txt", latent.clock()
  local ok = os.execute(("%s >%s 2>&1"):format(command_of(entry, folder), quoted(log)))
  local picture = ("%s/%s.png"):format(folder, entry[2])
  local file = ok and io.open(picture)
  if file then file:close() end
  printf("%-26s %6.1f s  %s", entry[1], latent.clock() - start, file and "ok" or "FAILED")
  if not file then print((contents(log):gsub("[^\n]+", "    %0"))) end
  if file and options.write then assert(thumbnail(picture, here .. ("pictures/gallery/%s.png"):format(entry[1]))) end
  return file ~= nil
end

local all_ok, count = true, 0
for _, group in ipairs(list) do
  for k = 2, #group do
    if group[k][1]:find(options.only, 1, true) then
      count, all_ok = count + 1, run(group[k]) and all_ok
    end
  end
end
if options.write then
  local file = assert(io.open(here .. "README.md", "w"))
  file:write(page(list))
  assert(file:close())
  print(here .. "README.md")
end
if count == 0 then printf("there is none whose name has '%s' in it", options.only) end
os.exit(all_ok and count > 0)
