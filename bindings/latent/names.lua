-- What is meant by a name that isn't there: of a field, a method, a function or an option. Loaded when such an error
-- is raised, by C (lua/errors.c) and by the parts in Lua (check.lua); not exported.
--
--   names.absent(what, name, ready)   the message for a name that `what` doesn't have: a class ("latent.GMM") or a
--                                     table of the module ("latent.matrix"); nil: it may be absent, of an object that
--                                     is ready (a model that is fitted)
--   names.result(t, name)             the message for a name that a table of results doesn't have; or nil
--   names.option(who, word, known)    the end of a message about an option that is no key of `known`; or nil
--   names.word(what, word, known)     the same of a word that the option `what` can't be
--
-- What there is comes from the documentation, other libraries' words from foreign.lua.

local check = require "latent.check"
local foreign = require "latent.foreign"
local index = require "latent.help.index"
local pages = require "latent.help.pages"

local names = {}

-- What fits leave of themselves, and models may be without: of any model, and of some.
local RECORD = { history = true, iterations = true, converged = true, drops = true, largest_drop = true, refused = true,
  method = true, missing = true }
local NETS = { epochs = true, validation_history = true, reconstruction_history = true, kl_history = true, note = true }
local MORE = { PCA = { solver = true, log_evidence = true }, PPCA = { log_evidence = true },
  ICA = { algorithm = true, identifiable = true }, EM = { parameters = true }, Mixture = { parameters = true },
  FA = { note = true, degrees_of_freedom = true, identifiable = true, rows = true, discrepancy = true },
  VAE = NETS, GAN = NETS, Flow = NETS, Diffusion = NETS, FlowMatching = NETS, Nonlinear = NETS }

-- ---- what there is ---------------------------------------------------------------------------

local classes = {} -- by class: member -> entry

local function members_of(class)
  if not classes[class] then
    local members = {}
    for _, entry in ipairs(index.members(class)) do members[entry.name:match "([%w_]+)$"] = entry end
    for _, names_of_record in ipairs { members.fit and RECORD or {}, MORE[class] or {} } do
      for name in pairs(names_of_record) do members[name] = members[name] or { name = class .. "." .. name } end
    end
    classes[class] = members
  end
  return classes[class]
end

-- The class of the models that latent.NAME makes, or nil; and its entry.
local function made_by(name)
  local entry = name and index.entry(name)
  return entry and index.made_by(entry), entry
end

-- ---- which of them was meant --------------------------------------------------------------------

-- The key of `known` that is the word in other letters, or near to it; or nil. Operators are nobody's slip.
local function nearest(word, known)
  local public, names_of = {}, {}
  for _, name in ipairs((check.names(known))) do
    if not name:find "^_" then public[name], names_of[#names_of + 1] = true, name end
  end
  return index.key(public, word) or require("latent")._nearest(word:gsub("_$", ""), names_of)
end

local function short(name) return #name <= 40 and name or "(a long name)" end

-- Objects that are no models: what a line of Lua calls them.
local OBJECTS = { Matrix = "A", Figure = "figure", Random = "rng", Value = "value", Tape = "tape", Store = "store",
  Tracker = "tracker" }

-- How an object is called in messages: A is a matrix, as in the documentation.
local function label_of(class) return class == "Matrix" and "A" or check.maker(class) end

-- How a class has what other libraries call so: "it is ..."; or nil.
local function theirs_of(class, name)
  local known, plain = members_of(class), name:gsub("_$", "")
  local key = index.key(foreign.members, plain)
  for _, ours in ipairs(key and foreign.members[key] or {}) do
    local member = known[ours[1]]
    if member then
      local separator = ours[2]:find "^[ (]" and "" or ours[2]:find "^[%w_]+[({]" and ":" or "."
      local object = OBJECTS[class] or "model"
      local rest = OBJECTS[class] and ours[2]:gsub("%f[%w]A%f[%W]", object) or ours[2]
      return ("it is %s%s%s"):format(object, separator, rest)
    end
  end
  for _, own in ipairs { foreign.classes[class] or {}, known.fit and foreign.classes.Model or {} } do
    key = index.key(own, plain)
    if key then return "it is " .. own[key] end
  end
end

-- A method or field as it is written: "A:mean([dim])".
local function written(class, entry)
  return (pages.signature(entry):gsub("^%u%w*", OBJECTS[class] or "model"))
end

-- What makes objects of the class, when the name is one of its options, or another library's for one: "it is an
-- option: ..."; or nil.
local function option_of(class, name)
  local maker = index.entry(class == "Figure" and "plot.figure" or check.maker(class))
  local wanted = { name, table.unpack(foreign.options[name] or {}) }
  for _, row in ipairs(maker and maker.options or {}) do
    for _, word in ipairs(wanted) do
      if row[1] == word and members_of(class).options then return "it is an option: model.options." .. word end
      if row[1] == word then return ("it is an option: latent.%s{ %s = ... }"):format(maker.name, word) end
    end
  end
end

local MOST = 5 -- models that a message names

-- The models that have a method or field of the name, as makers: "latent.ppca, latent.fa".
local function models_with(name)
  local makers = {}
  for _, entry in ipairs(index.matching(function(e) return index.made_by(e) ~= nil end)) do
    local members = members_of(index.made_by(entry))
    if members.fit and members[name] then makers[#makers + 1] = "latent." .. index.canonical(entry.name) end
  end
  if #makers > MOST then makers[MOST + 1] = "..." end
  return #makers > 0 and table.concat(makers, ", ", 1, math.min(#makers, MOST + 1)) or nil
end

local function of_class(class, name, ready)
  local known, label = members_of(class), label_of(class)
  if known[name] then
    if ready then return nil end
    return ("%s: %s: the model is not fitted yet"):format(label, name)
  end
  local message = ("%s.%s: there is no such field or method"):format(label, short(name))
  local meant = theirs_of(class, name) or option_of(class, name)
  if meant then return ("%s: %s"):format(message, meant) end
  local maker = class == "Matrix" and made_by(name) and index.entry(name)
  if maker then -- X:pca(2)
    return ("%s: it is latent.%s:fit(A)"):format(message, pages.signature(maker):gsub("^latent%.", ""))
  end
  local near = nearest(name, known)
  if near then return ("%s, did you mean '%s'?"):format(message, near) end
  local others = known.fit and models_with((name:gsub("_$", "")))
  if others then return ("%s; models that have it: %s"):format(message, others) end
  return ('%s; latent.help "%s" lists them'):format(message, class)
end

-- The names of a table of the module, with those that are loaded at their first use.
local function contents(what)
  local latent, known = require "latent", {}
  local part = what:match "(%w+)$"
  local module = what == "latent" and latent or latent[part]
  for name in next, module do
    if type(name) == "string" and not name:find "^_" then known[name] = true end
  end
  for _, entry in ipairs(index.members(part)) do
    if entry.args then known[entry.name:match "([%w_]+)$"] = true end
  end
  return known
end

-- What there is to say of a word of the field, and what to read; or nil.
local function of_field(word)
  local row, targets = index.word(word), {}
  for i, target in ipairs(row and row[3] or {}) do
    local entry = index.entry(target)
    targets[i] = entry.args and not target:find "^%u" and "latent." .. index.canonical(target) or target
  end
  return row and ("%s %s"):format(row[2], table.concat(targets, ", "))
end

-- How matrices or models have it: "it is A:covariance()"; or nil.
local function of_objects(name)
  local meant = theirs_of("Matrix", name)
  if meant then return meant end
  local member = members_of("Matrix")[name]
  if member then return "it is " .. written("Matrix", member) end
  local models = models_with(name)
  return models and ("models have it: model:%s, of %s"):format(name, models)
end

-- Where a name of the module itself is in one of its tables: "it is latent.metrics.accuracy(truth, predicted)"; or nil.
-- What others call parts of time series is better said by words.lua: there is more than one block to an ARIMA.
local TABLES = { "matrix", "eigen", "metrics", "datasets", "plot", "nn" }

local function of_tables(name)
  for _, part in ipairs(TABLES) do
    local entry = index.entry(part .. "." .. name)
    if entry and entry.args then return "it is latent." .. pages.signature(entry) end
  end
  if members_of("Matrix")[name] then return nil end
  for _, part in ipairs(TABLES) do
    local theirs = foreign.modules["latent." .. part] or {}
    local key = index.key(theirs, name)
    if key then return "it is " .. theirs[key] end
  end
end

-- Of what latent.NAME makes: latent.gmm.predict; or nil.
local function of_maker(what, name, message)
  local class, entry = made_by(what:match "^latent%.(.*)$")
  local member = class and members_of(class)[name]
  if member and OBJECTS[class] then return ("%s: it is %s"):format(message, written(class, member)) end
  if member then
    local first = entry.args[1]
    local call = first and first[1] ~= "options" and "(" .. first[1] .. ")" or "{ ... }"
    return ("%s.%s: %s makes a model, which has it: %s%s:%s(...)"):format(what, name, what, what, call, name)
  end
end

local function of_module(what, name)
  local message = ("%s.%s: there is no such function"):format(what, short(name))
  local known, theirs = contents(what), foreign.modules[what] or {}
  local key = index.key(theirs, name)
  if key then return ("%s: it is %s"):format(message, theirs[key]) end
  local made = of_maker(what, name, message)
  if made then return made end
  local meant = not index.key(known, name)
    and (what == "latent" and (of_tables(name) or of_objects(name)) or of_field(name))
  if meant then return ("%s: %s"):format(message, meant) end
  local near = nearest(name, known)
  if near then return ("%s, did you mean %s.%s?"):format(message, what, near) end
  local class = made_by(what:match "^latent%.(.*)$")
  meant = class and theirs_of(class, name)
  if meant then return ("%s: %s"):format(message, meant) end
  return ("%s; latent.help(%s) lists them"):format(message, what)
end

function names.absent(what, name, ready)
  local class = what:match "^latent%.(%u%w*)$"
  if class then return of_class(class, name, ready) end
  return of_module(what, name)
end

-- Of a table of results, or of what is known of data: what isn't in it may be absent, but for a slip of the pen and
-- another library's name of what is.
function names.result(t, name)
  local meant = nearest(name, t)
  for _, ours in ipairs(foreign.results[name] or {}) do meant = rawget(t, ours) ~= nil and ours or meant end
  return meant and ("%s: there is no such field, did you mean '%s'?"):format(short(name), meant)
end

-- ---- options -----------------------------------------------------------------------------------------

local function has_option(entry, word)
  for _, option in ipairs(entry and entry.options or {}) do
    if option[1] == word then return true end
  end
  return false
end

-- Where else the option is, of the same models: "it belongs to ..."; or nil.
local function elsewhere(who, word)
  local maker, method = who:match "^([%w_]+):?([%w_]*)$"
  local class = maker and made_by(maker)
  if not class then return nil end
  if method ~= "" and has_option(index.entry(maker), word) then
    return ("belongs to the constructor: latent.%s{ %s = ... }"):format(maker, word)
  end
  local members = members_of(class)
  if method == "" and members.fit and has_option(members.fit, word) then
    return ("belongs to fit: model:fit(X, { %s = ... })"):format(word)
  end
  local list = check.names(members)
  for _, name in ipairs(list) do
    if name ~= method and members[name].args and has_option(members[name], word) then
      return ("belongs to model:%s"):format(name)
    end
  end
  return nil
end

-- The argument of the function that the word is, or that another library calls so; or nil.
local function argument_of(who, word)
  local name = who:gsub("^A:", "Matrix:")
  local entry = index.entry(name)
  for _, argument in ipairs(entry and entry.args or {}) do
    local ours = argument[1]
    if ours == word or ours == foreign.arguments[word] then
      return (": it is the argument %s: %s(%s)"):format(ours, who, ours)
    end
  end
end

function names.option(who, word, known)
  local theirs = foreign.options[word]
  for _, ours in ipairs(theirs or {}) do
    if known[ours] ~= nil then return (": it is called '%s' here"):format(ours) end
  end
  local near = nearest(word, known)
  if near and require("latent")._distance(near, word) == 1 then return nil end -- a letter too many, or too few
  local place = elsewhere(who, word)
  if place then return ": it " .. place end
  for _, ours in ipairs(theirs or {}) do
    place = elsewhere(who, ours)
    if place then return (": it is called '%s' here, and %s"):format(ours, place) end
  end
  return argument_of(who, word) or not near and foreign.remarks[word] and ": " .. foreign.remarks[word] or nil
end

function names.word(what, word, known)
  for _, name in ipairs((check.names(known))) do
    if index.letters(name) == index.letters(word) then return (", did you mean '%s'?"):format(name) end
  end
  local ours = (foreign.words[what] or {})[index.letters(word)]
  for meant in (ours or ""):gmatch "'([%w_-]+)'" do
    if not known[meant] then return nil end -- of another function's option of that name
  end
  return ours and (": it is %s"):format(ours)
end

return names
