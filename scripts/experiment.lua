-- experiment.lua: what all experiments share: their command line, the help of it, and where their pictures go.
--
--   local options, save, printf, need = dofile((arg[0]:match "^.*/" or "") .. "experiment.lua") {
--     seed = 1,                                               -- left out where nothing is drawn at random
--     { "steps", 5000, "training steps", short = 300 },       -- --steps N: options.steps; 300 with --short
--     { "binarize", "none", "how", words = { "none", "dynamic" } },
--     { "data", "data/mnist", "holds the data", value = "FOLDER" },
--     positional = { "output" },                              -- what arguments without a name are, in this order
--   }
--
-- An option's type is its default's: a whole number >= least (1), a number >= 0, a word, or a flag (false). All scripts
-- have --seed, --output, --short and --help. The help is the script's first comment and this list of options.
--
--   options              the values by name, also of seed, output and short
--   save(name, figure)   writes the figure to the output folder as SVG and PNG, and says where
--   printf(format, ...)
--   need(value, ...)     its arguments; when value is nil, what stands behind it is the message that ends the script

local name = arg[0]:match "([^/]*)%.lua$" or arg[0]

-- Ends the script: 1 where something is wrong, 2 where the command line is.
local function quit(code, message)
  io.stderr:write(name, ".lua: ", message, "\n")
  if code == 2 then io.stderr:write("(--help lists what there is)\n") end
  os.exit(code)
end

-- ---- the options --------------------------------------------------------------------------------

-- The script's own options, then those of all.
local function all_options(list)
  local all = table.move(list, 1, #list, 1, {})
  all[#all + 1] = list.seed and { "seed", list.seed, "of all that is drawn at random", least = 0 }
    or { "seed", 0, "changes nothing: nothing is drawn at random", least = 0 }
  all[#all + 1] = { "output", "build/" .. name, "where pictures go", value = "FOLDER" }
  return all
end

local function value_name(option)
  if option[2] == false then return "" end
  return option.value or option.words and table.concat(option.words, "|") or math.type(option[2]) == "integer" and "N"
    or type(option[2]) == "number" and "X" or "TEXT"
end

-- What --short changes, in words.
local function shorter(all)
  local parts = {}
  for _, option in ipairs(all) do
    if option.short then parts[#parts + 1] = ("--%s %s"):format(option[1], option.short) end
  end
  return #parts > 0 and "a quick look: " .. table.concat(parts, " ") or "changes nothing: this takes seconds"
end

-- ---- help ---------------------------------------------------------------------------------------

-- The paragraphs of the script's first comment, without the one that says how it is called.
local function head()
  local paragraphs, lines = {}, {}
  for line in io.lines(arg[0]) do
    local text = line:match "^%-%- ?(.*)$"
    if text and text ~= "" then
      lines[#lines + 1] = text
    else
      local paragraph = table.concat(lines, "\n")
      if paragraph ~= "" and not paragraph:find "^ +.*lua5%.4 scripts/" then paragraphs[#paragraphs + 1] = paragraph end
      lines = {}
      if not text then break end
    end
  end
  return paragraphs
end

local function help(all, positional)
  local paragraphs, rows, width = head(), {}, 0
  for _, option in ipairs(all) do
    rows[#rows + 1] = { ("--%s %s"):format(option[1], value_name(option)),
      option[2] and ("%s (%s)"):format(option[3], option[2]) or option[3] }
  end
  rows[#rows + 1] = { "--short", shorter(all) }
  rows[#rows + 1] = { "--help", "this" }
  for _, row in ipairs(rows) do width = math.max(width, #row[1]) end
  for i, row in ipairs(rows) do rows[i] = ("  %-" .. width .. "s   %s"):format(row[1], row[2]) end
  table.insert(paragraphs, 2, ("  lua5.4 scripts/%s.lua [--name value ...] [%s]"):format(name,
    table.concat(positional, " ["):upper() .. ("]"):rep(#positional - 1)))
  paragraphs[#paragraphs + 1] = table.concat(rows, "\n")
  return table.concat(paragraphs, "\n\n")
end

-- ---- the command line -----------------------------------------------------------------------------

-- What was given: texts by name, true for flags, and false where a value is missing.
local function parse(all, positional)
  local flags, given, i, place = { short = true, help = true }, {}, 1, 0
  for _, option in ipairs(all) do flags[option[1]] = option[2] == false or nil end
  while arg[i] do
    local option, value = arg[i]:match "^%-%-?([^=]+)=?(.*)$"
    if not option then
      place = place + 1
      if not positional[place] then quit(2, ("'%s' is one argument too many"):format(arg[i])) end
      given[positional[place]] = arg[i]
    else
      option = option == "h" and "help" or option:gsub("(%w)%-", "%1_")
      if not flags[option] and not arg[i]:find "=" then
        i = i + 1
        value = arg[i]
      end
      given[option] = flags[option] or value or false
    end
    i = i + 1
  end
  return given
end

-- The text as a value of the option's type.
local function convert(check, option, text)
  local who, default = name, option[2]
  if default == false then return true end
  if option.words then return check.word(who, option[1], text, option.words) end
  if type(default) ~= "number" then return text end
  local number = tonumber(text) or text
  if math.type(default) == "float" then return check.number(who, option[1], number) end
  return check.integer(who, option[1], number, option.least or 1)
end

local function values(all, given)
  local check = require "latent.check"
  local known, options = { short = true, help = true }, { short = given.short or false }
  for _, option in ipairs(all) do known[option[1]] = true end
  check.options(name, given, known)
  for _, option in ipairs(all) do
    local text = given[option[1]]
    if text == false then check.fail(name, "--%s needs a value", option[1]) end
    local default = given.short and option.short or option[2]
    if text == nil then
      options[option[1]] = default
    else
      options[option[1]] = convert(check, option, text)
    end
  end
  return options
end

-- ---- results --------------------------------------------------------------------------------------

local function needer(options)
  local hint = options.data and "; --help says which data it needs, and where they are" or ""
  return function(value, message, ...)
    if value == nil then quit(1, message .. hint) end
    return value, message, ...
  end
end

local function saver(folder)
  return function(picture, figure)
    for _, ending in ipairs { ".svg", ".png" } do
      local path, message = figure:save(folder .. "/" .. picture .. ending)
      if not path then quit(1, message) end
      print("  " .. path)
    end
  end
end

return function(list)
  local all, positional = all_options(list), list.positional or { "output" }
  local given = parse(all, positional)
  if given.help then
    print(help(all, positional))
    os.exit(0)
  end
  local ok, options = pcall(values, all, given)
  if not ok then quit(2, (tostring(options):gsub("^.-:%d+: ", ""):gsub("^[%w_]+: ", ""))) end
  io.stdout:setvbuf "line" -- in a pipe, too, a row of a table comes when it is ready
  if not os.execute("mkdir -p '" .. options.output:gsub("'", "'\\''") .. "'") then os.exit(1) end
  return options, saver(options.output), function(format, ...) print(format:format(...)) end, needer(options)
end
