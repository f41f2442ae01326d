-- The reference from the documentation's one source (bindings/latent/docs): an index and a page for each family, in
-- FOLDER/docs/*.md and FOLDER/html/*.html, and FOLDER/man/latent.1.
--
--   lua5.4 scripts/reference/run.lua [FOLDER]      FOLDER is build when left out

package.path = (arg[0]:match "^.*/" or "") .. "?.lua;" .. package.path

local document = require "document"
local html = require "html"
local index = require "latent.help.index"
local man = require "man"
local markdown = require "markdown"

local folder = arg[1] or "build"

local function write(path, text)
  local file = assert(io.open(folder .. path, "w"))
  file:write(text)
  assert(file:close())
end

-- The page of each name: with latent. and without, and of members.
local function pages_of_names()
  local pages = {}
  for _, module in ipairs(index.modules()) do
    for _, entry in ipairs(module) do
      local canonical = index.canonical(entry.name)
      if canonical:find "[.:]" or canonical:find "^%u" then pages[canonical] = module.family.page end
      pages["latent." .. canonical] = module.family.page
      pages[entry.name] = module.family.page
    end
  end
  return pages
end

local quoted = "'" .. folder:gsub("'", "'\\''") .. "'"
assert(os.execute(("cd %s && rm -rf docs html man && mkdir docs html man"):format(quoted)))
local families, pages = document.families(), pages_of_names()
for _, page in ipairs { document.index(), table.unpack(families) } do
  write(("/docs/%s.md"):format(page.page), markdown(page, pages))
  write(("/html/%s.html"):format(page.page), html(page, pages, families))
end
write("/man/latent.1", man(index.entry "command", require("latent").version))
print(("%s/html/index.html"):format(folder))
