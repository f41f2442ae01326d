-- Assertions for numbers in matrices and tables: near_matrix(expected, actual, tolerance).
local say = require "say"
local assert = require "luassert"

-- A matrix, vector, table or number as nested plain tables.
local function plain(value)
  if type(value) == "userdata" then return value:table() end
  return value
end

-- The largest difference, and where; nil and a sentence when the shapes differ.
local function difference(a, b, place)
  if type(a) ~= type(b) then
    return nil, ("%s: a %s against a %s"):format(place, type(a), type(b))
  elseif type(a) == "number" then
    if a == b or (a ~= a and b ~= b) then return 0, place end
    local d = math.abs(a - b)
    return d == d and d or math.huge, place
  elseif #a ~= #b then
    return nil, ("%s: %d elements against %d"):format(place, #a, #b)
  end
  local worst, where = 0, place
  for i = 1, #a do
    local d, w = difference(a[i], b[i], place .. "[" .. i .. "]")
    if not d then return nil, w end
    if d > worst then worst, where = d, w end
  end
  return worst, where
end

local function near_matrix(state, arguments)
  local expected, actual, tolerance = arguments[1], arguments[2], arguments[3] or 1e-12
  local d, where = difference(plain(expected), plain(actual), "")
  local message = d and ("largest difference %g at %s, tolerance %g"):format(d, where, tolerance) or where
  state.failure_message = message .. "\nexpected:\n" .. tostring(expected) .. "\nactual:\n" .. tostring(actual)
  return d ~= nil and d <= tolerance
end

say:set("assertion.near_matrix.positive", "Expected matrices to be near")
say:set("assertion.near_matrix.negative", "Expected matrices to differ")
assert:register("assertion", "near_matrix", near_matrix, "assertion.near_matrix.positive",
  "assertion.near_matrix.negative")

local helper = {}

-- Raises unless f(...) fails with a message that contains `part` (plain text).
function helper.fails(part, f, ...)
  local ok, message = pcall(f, ...)
  assert.is_false(ok, "no error was raised; expected: " .. part)
  assert.is_truthy(tostring(message):find(part, 1, true),
    ("the message was: %s\nit should contain: %s"):format(tostring(message), part))
end

-- Number j of each row.
function helper.column(rows, j)
  local list = {}
  for i, row in ipairs(rows) do list[i] = row[j] end
  return list
end

-- Whether an object has the method (or field) of this name; one that it hasn't raises.
function helper.has(object, name)
  local ok, value = pcall(function() return object[name] end)
  return ok and value ~= nil
end

-- X as a function that gives `rows` of its rows a call, pass after pass.
function helper.chunks(X, rows)
  local first = 1
  return function()
    if first > #X then
      first = 1
      return nil
    end
    local last = math.min(first + rows - 1, #X)
    local chunk = X:block(first, last, 1, X.cols)
    first = last + 1
    return chunk
  end
end

-- log N(x; mean, C) of each row, by the D x D inverse and determinant.
function helper.log_normal(X, mean, C)
  local Y, logdet = X - mean, C:logdet()
  local quadratic = ((Y * C:inverse()) % Y):sum(2)
  return (quadratic + (X.cols * math.log(2 * math.pi) + logdet)) * -0.5
end

-- ---- files that go away ----------------------------------------------------------------------

local temporary = {}

-- A path with this ending, where no file is.
function helper.path(ending)
  local path = os.tmpname()
  os.remove(path)
  temporary[#temporary + 1] = path .. (ending or "")
  return temporary[#temporary]
end

-- The path of a file of these bytes.
function helper.file(bytes, ending)
  local path = helper.path(ending)
  local file = assert(io.open(path, "wb"))
  file:write(bytes)
  file:close()
  return path
end

function helper.contents(path)
  local file = assert(io.open(path, "rb"))
  local bytes = file:read "a"
  file:close()
  return bytes
end

-- The CRC-32 of bytes, bit by bit (RFC 1952, section 8).
function helper.crc(bytes)
  local sum = 0xFFFFFFFF
  for i = 1, #bytes do
    sum = sum ~ bytes:byte(i)
    for _ = 1, 8 do sum = sum & 1 == 1 and sum >> 1 ~ 0xEDB88320 or sum >> 1 end
  end
  return ~sum & 0xFFFFFFFF
end

-- The deflate stream of bytes, which the gzip program has between 10 bytes and its last 8.
function helper.deflate(bytes)
  local pipe = assert(io.popen(("gzip -nc %s"):format(helper.file(bytes, ".raw"))))
  local packed = pipe:read "a"
  pipe:close()
  return packed:sub(11, -9)
end

-- Removes all of them: for after_each.
function helper.clean()
  collectgarbage()
  for _, path in ipairs(temporary) do os.remove(path) end
  temporary = {}
end

-- Raises unless latent.read refuses a file of these bytes with nil and "PATH: ...", in which `part` is.
function helper.refuses(part, bytes, ending, options)
  local path = helper.file(bytes, ending)
  local result, message = require("latent").read(path, options)
  assert.is_nil(result)
  assert.equal(path .. ": ", message:sub(1, #path + 2))
  assert.is_truthy(message:find(part, 1, true), ("'%s' should contain '%s'"):format(message, part))
end

local build = os.getenv "LATENT_BUILD" or "build"
local compiler = os.getenv "CC" or "gcc"

-- What a program is linked with besides liblatent.a.
helper.libraries = os.getenv "LATENT_LIBS" or "-lopenblas -llapacke -lm"

-- The interpreter that the specs run in.
helper.interpreter = os.getenv "LATENT_LUA" or arg and arg[-1] or "lua5.4"

-- What runs a program of another machine than this: scripts/portability.
local emulator = os.getenv "LATENT_EMULATOR"

helper.emulated = emulator ~= nil

-- The command that runs the program of this path.
function helper.started(path) return emulator and emulator .. " " .. path or path end

-- Whether OpenBLAS is a build that may be called by several threads, so that latent has more than one.
function helper.threaded()
  local latent = require "latent"
  local before = latent.threads()
  local threaded = latent.threads(2) == 2
  latent.threads(before)
  return threaded
end

-- Whether this is a build with sanitizers, whose library not every program can load.
function helper.sanitized() return build:find "sanitize" ~= nil end

-- Runs a shell command; its output and whether it succeeded.
function helper.run(command)
  local pipe = assert(io.popen("{ " .. command .. "; } 2>&1"))
  local output = pipe:read "a"
  -- the address sanitizer warns of memory that is refused on purpose, and of swapcontext, which slices tell it of
  output = output:gsub("==%d+==WARNING: [^\n]*\n", "")
  return output, (pipe:close())
end

-- Compiles the C program spec/embed/NAME.c (or of another folder) against the static library, and gives its path.
-- `flags` are added; with `lua` the program may embed Lua. The path is a word of the shell's, or the emulator's and it.
function helper.program(name, flags, folder)
  local path = ("%s/spec/%s"):format(build, name)
  local command = ("mkdir -p %s/spec && %s -std=c11 -D_GNU_SOURCE -g -O1 -pthread -Icore %s -o %s %s/%s.c "
    .. "%s/liblatent.a %s"):format(build, compiler, flags or "", path, folder or "spec/embed", name, build,
    helper.libraries)
  local output, ok = helper.run(command .. (flags and flags:find "lua" and " -llua5.4" or ""))
  assert.is_truthy(ok, output)
  return helper.started(path)
end

-- A Python that has these modules ("numpy, sklearn"): PYTHON or python3, or that of `make bench-deps`; else nil.
function helper.python(modules)
  for _, name in ipairs { os.getenv "PYTHON" or "python3", "build/peers/bin/python" } do
    if select(2, helper.run(("%s -W ignore -c 'import %s'"):format(name, modules))) then return name .. " -W ignore" end
  end
end

-- Runs a Lua script with `latent`, `matrix` and `eigen` again and again, each time refusing another request
-- for memory, also of the core's own (spec/embed/memory.c): there must be an error, a usable state, nothing lost.
function helper.starve(script)
  local program = helper.program("memory", "-isystem /usr/include/lua5.4 "
    .. "-Wl,--wrap=malloc,--wrap=realloc,--wrap=aligned_alloc")
  local path = os.tmpname()
  local file = assert(io.open(path, "w"))
  file:write("local latent = require 'latent'\nlocal matrix, eigen = latent.matrix, latent.eigen\n", script)
  file:close()
  local output, ok = helper.run(program .. " " .. path)
  os.remove(path)
  assert.is_truthy(ok, output)
  assert.equal("ok\n", output)
end

-- Runs a Lua script in the host of spec/embed/limit.c, whose allocator counts (held, peak, limit); it prints "ok".
function helper.host(script)
  local program = helper.program("limit", "-isystem /usr/include/lua5.4")
  local path = os.tmpname()
  local file = assert(io.open(path, "w"))
  file:write("local latent = require 'latent'\nlocal matrix, MB = latent.matrix, 1 << 20\n", script)
  file:close()
  local output, ok = helper.run(program .. " " .. path)
  os.remove(path)
  assert.equal("ok\n", output)
  assert.is_truthy(ok)
end

-- Runs a Lua script in a process of its own, with this process's paths; its output and success.
function helper.lua(script, environment)
  local path = os.tmpname()
  local file = assert(io.open(path, "w"))
  file:write(script)
  file:close()
  local output, ok = helper.run(("%s %s %s"):format(environment or "", helper.interpreter, path))
  os.remove(path)
  return output, ok
end

-- Flags of the sanitizers; none where the compiler has no library of theirs, or what it makes doesn't run.
local function sanitizers()
  local flags, program = "-fsanitize=address,undefined -fno-sanitize-recover=all", os.tmpname()
  local _, ok = helper.run(([[printf '#include <sanitizer/asan_interface.h>\nint main(void) { return 0; }' |
    %s -x c - %s -o %s && LD_PRELOAD= %s]]):format(compiler, flags, program, helper.started(program)))
  os.remove(program)
  return ok and flags or ""
end

-- Compiles a fuzz target with the sanitizers, from the sources of core/files and what they need, and
-- feeds it mutants of `seeds`, which are strings.
function helper.fuzz(target, seeds)
  local program, files = os.tmpname(), {}
  local output, ok = helper.run(("%s -std=c11 -D_GNU_SOURCE -DLAT_ANY_BLAS -Icore -g -O1 %s "
    .. "spec/fuzz/%s.c spec/fuzz/driver.c core/files/*.c core/base/workspace.c "
    .. "core/base/memory.c core/base/status.c core/base/blas.c core/base/blas_library.c core/base/progress.c "
    .. "core/base/parameters.c core/base/options.c core/base/words.c core/base/number.c "
    .. "core/matrix/matrix.c core/matrix/transpose.c -pthread %s -o %s"):format(compiler, sanitizers(), target,
    helper.libraries, program))
  assert.is_truthy(ok, output)
  for i, seed in ipairs(seeds) do
    files[i] = os.tmpname()
    local file = assert(io.open(files[i], "wb"))
    file:write(seed)
    file:close()
  end
  output, ok = helper.run(("LD_PRELOAD= %s 1 4000 %s"):format(helper.started(program), table.concat(files, " ")))
  os.remove(program)
  for _, path in ipairs(files) do os.remove(path) end
  assert.is_truthy(ok, output)
end

-- The path of a file in the folder of data sets that the environment's LATENT_DATA names (mnist/...,
-- small/oilflow.csv, ...); or nil and why, for `return pending(why)`, which shows the spec as skipped.
function helper.data(name)
  local path = (os.getenv "LATENT_DATA" or "data") .. "/" .. name
  local file = io.open(path)
  if not file then return nil, "there is no " .. path .. " (LATENT_DATA names the folder of data sets)" end
  file:close()
  return path
end

return helper
