-- One side of a case in Lua (run.lua): side.lua FILE INDEX SIDE INPUT.npy...
local latent = require "latent"

local cases = dofile(arg[1])
local case = cases.sides and cases or cases[tonumber(arg[2])]
local inputs = {}
for i = 4, #arg do inputs[i - 3] = assert(latent.read(arg[i])) end
local work, check = case.sides[tonumber(arg[3])].lua(latent, table.unpack(inputs))

io.stdout:setvbuf "line"
print "ready"
for _ in io.lines() do
  local start = latent.clock()
  work()
  print(("%.9f"):format(latent.clock() - start))
  local numbers = {}
  for i, x in ipairs(check and check() or {}) do numbers[i] = ("%.17g"):format(x) end
  print(table.concat(numbers, " "))
end
