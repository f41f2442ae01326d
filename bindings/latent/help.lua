-- latent.help: pages for the REPL, from the one source of documentation (docs/).
--
--   latent.help()                     models and functions, by family
--   latent.help(latent.pca)           a function, a module, a class (of a matrix or a model)
--   latent.help "Matrix:exp"          a name, or its last part, or a topic
--   latent.help "gmm.covariance"      an option or a property of a model
--   latent.help "restarts"            an option: what has it
--   latent.help "t-SNE"               a word of the field, a name of another library's: what there is here
--   latent.help.text(x)               the same page as a string

local check = require "latent.check"
local index = require "latent.help.index"
local pages = require "latent.help.pages"
local find = require "latent.help.find"

local help = {}

function help.resolve(name, options)
  check.no_options("help.resolve", options)
  if type(name) ~= "string" then check.fail("help.resolve", "name must be a string, got %s", check.show(name)) end
  return index.resolve(name)
end

function help.entry(x, options)
  check.no_options("help.entry", options)
  if type(x) == "string" then return index.entry(x) end
  return index.of_value(x)
end

-- The page for x, as a string.
function help.text(...)
  if select("#", ...) == 0 then return pages.overview() end
  local x, options = ...
  check.no_options("latent.help", options)
  if type(x) == "string" then return (find(x)) end
  local entry = index.of_value(x)
  return entry and pages.entry(entry) or ("%s is not a part of latent."):format(check.show(x))
end

return setmetatable(help, { __call = function(_, ...) print(help.text(...)) end, __metatable = false })
