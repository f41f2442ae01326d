-- The documentation's one source. Each file beside this one is a room: a list of entries
-- (a module, a function, a class, a method, a property or a topic), which latent.help prints,
-- and from which scripts/stubs.lua makes the stubs for editors and the reference pages.
--
--   name      "matrix" a module, "matrix.zeros" a function, "Matrix" a class, "Matrix:exp" a
--             method, "Matrix:__mul" an operator, "Matrix.rows" a property; what is called
--             latent.NAME is NAME or latent.NAME
--   topic     true: a page about an idea, which no value stands for
--   summary   one sentence
--   args      { { name, type, meaning }, ... }; a type ends in ? when it may be left out
--   options   { { name, type, default, meaning }, ... }: the fields of the argument `options`
--   returns   { { type, meaning }, ... }
--   text      more, where there is more to say; lines that begin with spaces are kept
--   example   Lua that runs, with every room as a local of its name
--
-- This file gives the rooms in the order of the overview, each { name =, entries... }.

local rooms = { "latent", "plot", "progress" }

local docs = {}
for i, name in ipairs(rooms) do
  local room = require("latent.docs." .. name)
  room.name = name
  docs[i] = room
end
return docs
