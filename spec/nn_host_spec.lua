-- latent.nn from C, and when Lua's memory ends.
local helper = require "helper"

describe("nets in a C host", function()
  it("are trained as the headers say", function()
    local output, ok = helper.run(helper.program "nn")
    assert.is_truthy(ok, output)
    assert.are.equal([[
learns 1
constant memory 1
shapes don't fit: 2x3 and 3x2 don't fit each other
passed on 1
forgotten 1
invalid argument: the value belongs to an earlier step: tape:reset() has forgotten it
]], output)
  end)
end)

describe("latent.nn", function()
  it("survives that any of Lua's allocations fails: an error, a usable state, nothing lost", function()
    helper.starve [[
      local nn, path = latent.nn, os.tmpname()
      local ok, message = pcall(function()
        local store = nn.parameters { seed = 1 }
        local f = nn.mlp(store, "f", { 3, 4, 4 }, { activation = "gelu" })
        local g = nn.sequential { nn.linear(store, "g", 2, 3), "tanh" }
        store:add("free", 1, 3)
        local adam = nn.adam(store, { schedule = nn.warm_up(2, nn.cosine(5)), parameters = { "f", "g" } })
        local tape, X = nn.tape(store):check(true), latent.matrix.random(5, 3, 1)
        for _ = 1, 2 do
          tape:reset()
          local mean, log_variance = f(tape:input(X)):split(2)
          local logits = g(tape:reparameterize(mean, log_variance)) + tape:parameter(store, "free")
          local loss = (tape:bernoulli_nll(logits, X) + tape:kl_standard_normal(mean, log_variance)):mean()
          loss:backward()
          store:clip(1) store:average(0.9) adam:step()
          f:input_gradient(tape:input(X))
          tostring(loss) tostring(f) tostring(store) store:get "free" loss:value() store:names()
        end
        assert(store:save(path, { optimizer = adam, tape = tape, fields = { epoch = 1, list = { 1, 2 } } }))
        assert(store:load(path, { optimizer = adam, tape = tape }))
      end)
      os.remove(path)
      if not ok then error(message, 0) end]]
  end)
end)
