-- What the resident memory of a process grows by in 2000 steps of a small net, after its first 100.
local script = [[
local latent = require "latent"
local nn = latent.nn
local store = nn.parameters()
local net = nn.mlp(store, "net", { 64, 128, 64 })
local adam, tape = nn.adam(store), nn.tape(store)
local X = latent.matrix.random(64, 64, 1)
local function resident()
  for line in io.lines "/proc/self/status" do
    local kilobytes = line:match "^VmRSS:%s*(%d+)"
    if kilobytes then return 1024 * kilobytes end
  end
end
local function train(steps)
  for _ = 1, steps do
    tape:reset()
    tape:bernoulli_nll(net(tape:input(X)), X):mean():backward()
    adam:step()
  end
end
train(100)
collectgarbage()
local before = resident()
train(2000)
print(resident() - before)
]]

return {
  measure = function()
    local path = os.tmpname()
    local file = assert(io.open(path, "w"))
    file:write(script)
    file:close()
    local pipe = assert(io.popen(("%s %s"):format(arg[-1] or "lua5.4", path)))
    local bytes = tonumber(pipe:read "l")
    pipe:close()
    os.remove(path)
    return math.tointeger(bytes)
  end,
  most = 500000,
}
