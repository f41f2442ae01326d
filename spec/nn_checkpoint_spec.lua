-- Checkpoints of latent.nn: files of stores, optimizers, tapes and generators.
local latent = require "latent"
local helper = require "helper"
local nn, matrix, fails = latent.nn, latent.matrix, helper.fails

describe("checkpoints", function()
  local path
  before_each(function() path = os.tmpname() end)
  after_each(function() os.remove(path) end)

  local X, Y = matrix.normal(40, 5, 2), matrix.normal(40, 3, 3)

  local function make(sizes, seed)
    local t = { store = nn.parameters { seed = seed }, rng = latent.random(9) }
    t.net = nn.mlp(t.store, "n", sizes or { 5, 7, 3 })
    t.adam, t.tape = nn.adam(t.store), nn.tape(t.store, { seed = 5 })
    return t
  end

  local function train(t, steps)
    for _ = 1, steps do
      t.tape:reset()
      local rows = t.rng:integer(1, 40, 10)
      local x = t.tape:input(X:rows_at(rows)) + t.tape:normal(10, 5) * 0.1
      ;(t.net(x) - Y:rows_at(rows)):square():sum(2):mean():backward()
      t.adam:step()
      t.store:average(0.9)
    end
  end

  local function parts(t) return { optimizer = t.adam, tape = t.tape, random = t.rng } end

  it("go on as if training had not stopped, bit for bit", function()
    local straight, first, second = make(), make(), make(nil, 77)
    train(straight, 30)
    train(first, 17)
    local options = parts(first)
    options.fields = { epoch = 3, name = "run", list = { 1, 2.5 } }
    assert.is_true(first.store:save(path, options))
    train(first, 1) -- whatever comes after
    second.rng = latent.random(1)
    assert.are.same({ epoch = 3, name = "run", list = { 1, 2.5 } }, second.store:load(path, parts(second)))
    assert.are.equal(17, second.adam.steps)
    train(second, 13)
    for _, name in ipairs(straight.store:names()) do
      assert.is_true(straight.store:get(name) == second.store:get(name), name)
      assert.is_true(straight.store:averaged(name) == second.store:averaged(name), name)
    end
  end)

  it("are safetensors files that others read", function()
    local t = make()
    train(t, 2)
    assert(t.store:save(path, parts(t)))
    os.rename(path, path .. ".safetensors")
    local tensors, metadata = latent.read(path .. ".safetensors")
    os.remove(path .. ".safetensors")
    assert.near_matrix(t.store:get "n.2.weight", tensors["n.2.weight"], 0)
    assert.are.equal("latent.nn", metadata.format)
    assert.are.equal("adam 2", metadata.optimizer1)
    assert.is_truthy(tensors["second1:n.1.bias"])
  end)

  it("of another architecture are refused, and say what is wrong", function()
    local t = make()
    train(t, 2)
    assert(t.store:save(path))
    local function refused(part, store, options)
      local before = store:get(store:names()[1])
      local fields, message = store:load(path, options)
      assert.is_nil(fields)
      assert.is_truthy(message:find(part, 1, true), message)
      assert.is_true(before == store:get(store:names()[1]))
    end
    refused("'n.1.weight' is 5x7 in the file, 5x8 in the store", make({ 5, 8, 3 }).store)
    refused("it also has 'n.2.bias', 'n.2.weight'", make({ 5, 7 }).store)
    refused("it lacks 'n.3.weight', 'n.3.bias'", make({ 5, 7, 3, 3 }).store)
    local other = make()
    refused("the metadata has no 'optimizer1'", other.store, { optimizer = other.adam })
    refused("the metadata has no 'tape'", other.store, { tape = other.tape })
    refused("the metadata has no 'random'", other.store, { random = other.rng })
    local wide = nn.parameters { dtype = "float64" }
    nn.mlp(wide, "n", { 5, 7, 3 })
    refused("must have dtype F64", wide)
    assert(t.store:save(path, { optimizer = t.adam }))
    refused("optimizer1 in the file is 'adam 2', not sgd", other.store, { optimizer = nn.sgd(other.store) })
    t.store:set("n.1.bias", 0 / 0)
    assert(t.store:save(path))
    refused("'n.1.bias' has a NaN or an infinity", other.store)
  end)

  it("that are missing, truncated or damaged give nil and a message, and change nothing", function()
    local t = make()
    train(t, 1)
    assert(t.store:save(path, parts(t)))
    local file = assert(io.open(path, "rb"))
    local bytes = file:read "a"
    file:close()
    local fresh = make(nil, 12)
    local before = fresh.store:get "n.1.weight"
    local function try(text)
      local f = assert(io.open(path, "wb"))
      f:write(text)
      f:close()
      local fields, message = fresh.store:load(path, parts(fresh))
      if fields == nil then
        assert.is_string(message)
        assert.is_true(before == fresh.store:get "n.1.weight")
        assert.are.equal(0, fresh.adam.steps)
      end
      return fields
    end
    assert.is_nil((fresh.store:load(path .. "/none")))
    for _, length in ipairs { 0, 5, 8, 100, #bytes // 2, #bytes - 1 } do assert.is_nil(try(bytes:sub(1, length))) end
    local rng, header = latent.random(3), string.unpack("<I8", bytes)
    for _ = 1, 300 do -- a byte of the header changed: refused, or (within a text of ours) read
      local at = rng:integer(9, 8 + header)
      if try(bytes:sub(1, at - 1) .. string.char(rng:integer(0, 255)) .. bytes:sub(at + 1)) then
        fresh = make(nil, 12)
      end
    end
    assert.is_table(try(bytes))
  end)

  it("refuse what they can't hold", function()
    local t = make()
    fails("store:save: path must be a string", t.store.save, t.store)
    fails("fields can't be saved: there is a function", t.store.save, t.store, path, { fields = { f = print } })
    fails("another store", t.store.save, t.store, path, { optimizer = make().adam })
    fails("random must be a latent.Random", t.store.save, t.store, path, { random = 3 })
    fails("the store has no parameters", nn.parameters().save, nn.parameters(), path)
    local ok, message = t.store:save("/nonexistent/folder/file")
    assert.is_nil(ok)
    assert.is_string(message)
  end)
end)
