-- scripts/README.md from the list of experiments and from what each says of itself (--help).

local function read_help(name)
  local pipe = assert(io.popen(("'%s' scripts/%s.lua --help"):format(arg and arg[-1] or "lua5.4", name)))
  local paragraphs = {}
  for paragraph in (pipe:read "a" .. "\n"):gmatch "(.-)\n\n" do paragraphs[#paragraphs + 1] = paragraph end
  assert(pipe:close())
  paragraphs[#paragraphs] = paragraphs[#paragraphs]:gsub("\n*$", "")
  return paragraphs
end

-- One line of Markdown in a cell of a table; what would follow a colon doesn't.
local function cell(text) return (text:gsub("%s+", " "):gsub(":$", "."):gsub("[|*_<]", "\\%0")) end

-- The script's own options, those before --seed.
local function own_options(help)
  local names = {}
  for option in help[#help]:match "^(.-)%-%-seed":gmatch "%-%-%S+" do names[#names + 1] = ("`%s`"):format(option) end
  return #names > 0 and "<br>" .. table.concat(names, " ") or ""
end

local function data_of(help)
  for _, paragraph in ipairs(help) do
    if paragraph:find "^Data: " then return (paragraph:gsub("^Data: ", "")) end
  end
end

local HEAD = [[
# Experiments

One an idea of the field; each ends in numbers and a picture. From the top of the tree, after `make`:

    eval "$(make -s env)"
    lua5.4 scripts/digits.lua --help
    lua5.4 scripts/digits.lua --output build/digits

All have one command line. `--help` says what the experiment is and which options it has; options are `--name value`;
`--seed` is that of all that is drawn at random, `--output` the folder for pictures (`build/NAME` when left out; a
folder without a name is that, too), and `--short` makes a quick look of what takes long. Most take seconds, those that
train nets up to a minute; `four_approaches.lua` takes ten, `vae_iwae.lua` an hour. `make scripts` runs all of them in
their short form.

This page is made of what they say of themselves, by `make gallery`.
]]

local ROW = '| <img src="pictures/gallery/%s.png" width="240" alt=""> | **[%s.lua](%s.lua)**<br>%s<br>%s%s |'

return function(list)
  local out, data = { HEAD }, {}
  for _, group in ipairs(list) do
    out[#out + 1] = ("## %s\n\n| | |\n|---|---|"):format(group[1])
    for k = 2, #group do
      local name = group[k][1]
      local help = read_help(name)
      out[#out + 1] = ROW:format(name, name, name, cell(help[1]), cell(help[3]), own_options(help))
      if group[k].data then data[#data + 1] = { name, data_of(help) } end
    end
    out[#out + 1] = ""
  end
  out[#out + 1] = [[
## Data

Most use what comes with latent, or draw their own. Some need more, which isn't ours to give; the pictures here are of
the digits of 8 x 8 pixels that stand in for it, and that `make scripts` uses where it is missing.
]]
  for _, entry in ipairs(data) do
    out[#out + 1] = ("- [%s.lua](%s.lua): %s"):format(entry[1], entry[1], (entry[2]:gsub("\n", "\n  ")))
  end
  return table.concat(out, "\n") .. "\n"
end
