-- The option `format`, for files of any name and for streams: what a pipe, standard input and a descriptor give.
local latent = require "latent"
local helper = require "helper"
local matrix = latent.matrix

after_each(helper.clean)

-- What the script prints, which reads from what the shell command gives it.
local function piped(command, script)
  local path = helper.file("local latent = require 'latent'\n" .. script)
  local interpreter = helper.interpreter
  return (helper.run(("%s | timeout 60 %s %s"):format(command, interpreter, path)))
end

describe("format", function()
  it("stands for the ending of a name, in reading, writing and opening", function()
    local X = matrix { { 1, 2 }, { 3, 4 } }
    for _, format in ipairs { "npy", ".npy", "CSV", "tsv", "txt" } do
      local path = helper.path ".data"
      assert(latent.write(path, X, { format = format }))
      assert.same(X:table(), assert(latent.read(path, { format = format })):table())
    end
    for _, format in ipairs { "npz", "safetensors" } do
      local path = helper.path()
      assert(latent.write(path, { X = X }, { format = format }))
      assert.same(X:table(), assert(latent.read(path, { format = format })).X:table())
    end
    local path = helper.path ".csv"
    assert(latent.write(path, X, { format = "npy" }))
    assert.equal("\x93NUMPY", helper.contents(path):sub(1, 6))
    assert.same(X:table(), assert(latent.open(path, { format = "npy" })):table())
    assert.same({ { 5 } }, latent.read(helper.file("\0\0\8\2\0\0\0\1\0\0\0\1\5"), { format = "idx" }):table())
  end)

  it("says whether a file is compressed, or leaves it to the name", function()
    local packed = helper.run(("gzip -nc %s"):format(helper.file("1,2\n", ".txt")))
    for _, case in ipairs { { ".csv.gz" }, { ".gz", "csv" }, { ".bin", "csv.gz" }, { ".csv", ".csv.GZ" } } do
      assert.same({ { 1, 2 } }, assert(latent.read(helper.file(packed, case[1]), { format = case[2] })):table())
    end
  end)

  it("raises where it is none", function()
    local path = helper.file("1\n", ".csv")
    helper.fails('format must be one of .npy, .npz', latent.read, path, { format = "xls" })
    helper.fails('got "xls"', latent.read, path, { format = "xls" })
    helper.fails('format must be one of .npy', latent.write, path, matrix { 1 }, { format = "idx" })
    helper.fails('format must be one of .npy', latent.write, path, matrix { 1 }, { format = "csv.gz" })
    helper.fails('format must be a string, got number', latent.read, path, { format = 1 })
    helper.fails("options must be a table, got 'csv'", latent.read, "-", "csv")
    helper.fails("options must be a table, got 'csv'", latent.write, path, matrix { 1 }, "csv")
    helper.fails("unknown option 'form'", latent.open, helper.path ".npy", { form = "npy" })
    local A, message = latent.open(path, { format = "csv" })
    assert.is_nil(A)
    assert.is_truthy(message:find("the file's ending must be .npy", 1, true), message)
    A, message = latent.read "data"
    assert.is_nil(A)
    assert.is_truthy(message:find("the option format says it for any name", 1, true), message)
  end)
end)

describe("a stream", function()
  it("is read to its end: standard input, by either name, whole or in pieces", function()
    for _, name in ipairs { "-", "/dev/stdin", "/dev/fd/0" } do
      assert.equal("6\n", piped("(printf '1,2\\n'; sleep 0.2; printf '3,0\\n')",
        ("print(latent.read('%s', { format = 'csv' }):sum() // 1 | 0)"):format(name)))
    end
    local path = helper.path ".npy"
    local X = matrix.normal(300, 100, latent.random(1))
    assert(latent.write(path, X))
    assert.equal(("%.17g\n"):format(X:sum()), piped(("cat %s"):format(path),
      "print(('%.17g'):format(latent.read('-', { format = 'npy' }):sum()))"))
    assert.equal("3\n", piped("printf '1,2\\n' | gzip -c",
      "print(latent.read('-', { format = 'csv.gz' }):sum() // 1 | 0)"))
    -- a file that is standard input
    assert.equal("7\n", piped(("true < /dev/null; cat %s"):format(helper.file "3,4\n"),
      "print(latent.read('-', { format = 'csv' }):sum() // 1 | 0)"))
  end)

  it("fails as files do, with its name", function()
    assert.equal("nil\t-: the file is empty\n", piped("true", "print(latent.read('-', { format = 'csv' }))"))
    assert.equal("nil\t-:2:1: 'x' is not a number\n", piped("printf '1\\nx\\n'",
      "print(latent.read('-', { format = 'csv' }))"))
    local A, message = latent.read "-"
    assert.is_nil(A)
    assert.is_truthy(message:find("-: the file's ending must be", 1, true), message)
    A, message = latent.read("/dev/fd/999", { format = "csv" })
    assert.is_nil(A)
    assert.equal("/dev/fd/999: No such file or directory", message)
    for _, name in ipairs { "-", "/dev/stdin" } do
      A, message = latent.write(name, matrix { 1 }, { format = "csv" })
      assert.is_nil(A)
      assert.equal(name .. ": only files are written, not streams", message)
    end
  end)

  it("can be interrupted while it is waited for", function()
    assert.equal("false\tinterrupted!\n", piped("sleep 3", [[
      local pid = io.open("/proc/self/stat"):read "n"
      io.popen(("sleep 0.3; kill -INT %d"):format(pid))
      print(pcall(latent.read, "-", { format = "csv" }))]]))
  end)
end)
