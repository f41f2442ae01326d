-- The documentation's one source. Each file beside this one is a module: a list of entries
-- (a module, a function, a class, a method, a property or a topic), which latent.help prints,
-- and from which scripts/stubs.lua makes the stubs for editors and the reference pages.
--
--   name      "matrix" a module, "matrix.zeros" a function, "Matrix" a class, "Matrix:exp" a
--             method, "Matrix:__mul" an operator, "Matrix.rows" a property; what is called
--             latent.NAME is NAME or latent.NAME
--   topic     true: a page about an idea, which no value stands for
--   summary   one sentence
--   args      { { name, type, meaning }, ... }; a type ends in ? when it may be left out
--   options   { { name, type, default, meaning }, ... }: the fields of the argument `options`; of models that the core
--             describes (latent.describe) { { name, meaning }, ... }, and types and defaults are the core's
--   returns   { { type, meaning }, ... }
--   overload  the other way in which it is called, as a type for editors: "fun(x: boolean): boolean"
--   text      more, where there is more to say; lines that begin with spaces are kept
--   example   Lua that runs, with every module as a local of its name, A a 3 x 3 positive definite
--             matrix and X one of 5 x 3
--
-- An option or argument that is one of some words gets them as `choices` in its row: from the core's table, or else the
-- words that its default and its meaning have in quotes.
--
-- This file gives the families in the order of the overview, each with its modules, { name, more files... }: a family
-- is a page of the reference (its `page` is the file's name).

local check = require "latent.check"

local families = {
  { page = "latent", title = "The module, and what holds everywhere",
    { "latent", "tour", "command", "applications", "hosts", "host_programs" } },
  { page = "matrices", title = "Matrices and linear algebra",
    { "matrix", "matrix_print", "matrix_arithmetic", "matrix_reduce", "matrix_linear" }, { "random" }, { "eigen" } },
  { page = "components", title = "Components and factors", { "pca", "ppca", "bpca", "fa" }, { "ica" } },
  { page = "clusters", title = "Clusters and mixtures, and EM",
    { "kmeans" }, { "gmm", "mppca" }, { "mixture" }, { "em" } },
  { page = "series", title = "Time series", { "lds", "lds_tracker" }, { "blocks" } },
  { page = "classifiers", title = "Classifiers and validation", { "classifier", "validation" } },
  { page = "deep", title = "Deep generative models",
    { "nonlinear" }, { "vae" }, { "flow" }, { "diffusion" }, { "flow_matching" }, { "gan" } },
  { page = "nets", title = "Nets and gradients", { "nn", "nn_tape" } },
  { page = "data", title = "Data, files and measures",
    { "files" }, { "ranks" }, { "mpi" }, { "save" }, { "export" }, { "interchange" }, { "datasets" }, { "metrics" } },
  { page = "pictures", title = "Pictures and progress", { "plot", "plot_models" }, { "progress" } },
}

-- The core's list of the options of an entry, "latent.gmm" or "GMM:fit"; nil when it has none.
local function described(name)
  local class, method = name:match "^(%w+):([%w_]+)$"
  local model = require("latent").describe(check.maker(class or name))
  if not model or not method then return model and model.options end
  for _, row in ipairs(model.methods) do
    if row.name == method then return row.options end
  end
end

local function out_meaning(entry)
  local several = #(entry.returns or {}) > 1
  return several and "a matrix to fill instead of a fresh one, of the first result, or a list for several of them"
    or "a matrix to fill instead of a fresh one; a vector also where one row gives a number"
end

local COMM = "the ranks that fit together, each of which has a part of the rows: see ranks"

-- An entry's options in full, in the core's order; those that the core doesn't know come last, for a spec to find.
-- `out` and `comm` mean the same everywhere, and entries needn't say so.
local function complete(entry)
  local meanings, rows = { out = out_meaning(entry), comm = COMM }, {}
  for _, row in ipairs(entry.options or {}) do meanings[row[1]] = row[2] end
  for i, option in ipairs(described(entry.name) or {}) do
    rows[i] = { option.name, option.type, option.default, meanings[option.name] or "", choices = option.choices }
    meanings[option.name] = nil
  end
  for _, row in ipairs(entry.options or {}) do
    if meanings[row[1]] then rows[#rows + 1] = { row[1], "unknown", "unknown", row[2] } end
  end
  return rows
end

-- The entry with the core's options, if the core describes it; one that has only `out` gets the argument, too.
local function with_options(entry)
  local listed = entry.options and entry.options[1]
  if listed and #listed ~= 2 or not listed and not entry.name:find ":" then return end
  local rows = complete(entry)
  if not listed and (#rows ~= 1 or rows[1][1] ~= "out") then return end
  entry.options = rows
  for _, arg in ipairs(entry.args or {}) do
    if arg[1] == "options" then return end
  end
  entry.args[#entry.args + 1] = { "options", "table?", "see below" }
end

-- The words that a thing of a type may be, by the text about it: two at least, or one beside other types.
local function quoted_words(type_name, text)
  local words, known = {}, {}
  for word in text:gmatch '"(%a[%w_+-]*)"' do
    if not known[word] then words[#words + 1], known[word] = word, true end
  end
  local is_word = ("|" .. type_name:gsub("%?$", "") .. "|"):find("|string|", 1, true)
  return is_word and #words >= (type_name:find("|", 1, true) and 1 or 2) and words or nil
end

local function find_words(entry)
  for _, row in ipairs(entry.options or {}) do
    row.choices = row.choices or quoted_words(row[2], row[3] .. " " .. row[4])
  end
  for _, row in ipairs(entry.args or {}) do row.choices = quoted_words(row[2], row[3]) end
end

-- What fits leave of models, where a module's entries don't say it: after all that they have of the class.
local function add_records(module)
  local known, classes = {}, {}
  for _, entry in ipairs(module) do
    known[entry.name] = true
    if entry.name:find "^%u%w*$" then classes[#classes + 1] = entry.name end
  end
  for _, class in ipairs(classes) do
    local model, methods = require("latent").describe(check.maker(class)), {}
    for _, method in ipairs(model and model.methods or {}) do methods[method.name] = true end
    for _, file in ipairs { "record", "summary" } do
      for _, entry in ipairs(require("latent.docs." .. file)(class, methods)) do
        if not known[entry.name] then module[#module + 1] = entry end
      end
    end
  end
end

-- A module's entries, of all of its files; nil when none of them is there.
local function read(files, family)
  local module = { name = files[1], family = family }
  for _, file in ipairs(files) do
    if package.searchpath("latent.docs." .. file, package.path) then
      for _, entry in ipairs(require("latent.docs." .. file)) do
        with_options(entry)
        find_words(entry)
        module[#module + 1] = entry
      end
    end
  end
  add_records(module)
  return #module > 0 and module or nil
end

-- A list of all modules; and the families, each a list of its modules with page and title.
local docs = { families = {} }
for i, listed in ipairs(families) do
  local family = { page = listed.page, title = listed.title }
  for _, files in ipairs(listed) do
    local module = read(files, family)
    family[#family + 1], docs[#docs + 1] = module, module
  end
  docs.families[i] = family
end
return docs
