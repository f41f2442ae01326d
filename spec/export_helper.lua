-- Exported models, compiled or loaded, for the specs of model:export: what they say of rows, as matrices.
local latent = require "latent"
local helper = require "helper"
local assert = require "luassert"

local export = {}

local folder, count = nil, 0

-- A path in a folder of the specs' own, with a name that C takes.
function export.path(ending)
  if not folder then
    folder = os.tmpname()
    os.remove(folder)
    assert(os.execute("mkdir " .. folder))
  end
  count = count + 1
  return ("%s/m%d%s"):format(folder, count, ending or "")
end

function export.clean()
  if folder then os.execute("rm -rf " .. folder) end
  folder = nil
end

export.FLAGS = "-std=c99 -O1 -Wall -Wextra -Wpedantic -Wconversion -Wdouble-promotion -Wmissing-prototypes -Werror"

-- Compiles an exported file, once; what the compiler says must be nothing.
local compiled = {}
function export.compile(path, compiler, flags)
  local command = ("%s %s %s -c %s -o "):format(compiler or "gcc", export.FLAGS, flags or "", path)
  if compiled[command] then return compiled[command] end
  local object = export.path ".o"
  local output, ok = helper.run(command .. object)
  assert.is_true(ok, output)
  assert.equal("", output)
  compiled[command] = object
  return object
end

-- Numbers of a matrix or vector as bytes, and back.
local function bytes_of(X)
  local list = {}
  for i, x in ipairs(X:flatten():table()) do list[i] = ("d"):pack(x) end
  return table.concat(list)
end

local function rows_from(bytes, columns)
  local list = {}
  for place = 1, #bytes - 7, 8 do list[#list + 1] = (("d"):unpack(bytes, place)) end
  return latent.matrix(list):reshape(#list // columns, columns)
end

-- A program of jobs: each reads rows of so many numbers and writes what a function says, of which there are others.
local JOB = [[
%s
static int job%d(void)
{
  double in[%d], out[%d];
  while (fread(in, sizeof in, 1, stdin) == 1) {
    %s;
    if (fwrite(out, sizeof out, 1, stdout) != 1) return 1;
  }
  return 0;
}
]]
local MAIN = [[
#include <stdio.h>
%s
int main(int argc, char **argv)
{
  static int (*const jobs[])(void) = {%s};
  return argc == 2 ? jobs[argv[1][0] - 'A']() : 1;
}
]]

-- What functions of the C file at `path` say, compiled with these further flags, a matrix a job { X =, outputs =,
-- declaration =, call = }, where `call` has in for a row of X and out for the outputs.
local function run_jobs(path, jobs, flags)
  local name = path:match "([^/]*)%.c$"
  local main, program = export.path ".c", export.path ".exe"
  local functions, names = {}, {}
  for i, job in ipairs(jobs) do
    functions[i] = JOB:format(job.declaration, i, job.X.cols or 1, job.outputs, job.call):gsub("NAME", name)
    names[i] = "job" .. i
  end
  local file = assert(io.open(main, "w"))
  file:write(MAIN:format(table.concat(functions, "\n"), table.concat(names, ", ")))
  file:close()
  local output, ok = helper.run(("gcc -std=c99 %s %s %s -lm -o %s"):format(flags or "", main,
    export.compile(path, nil, flags), program))
  assert.is_true(ok, output)
  local results = {}
  for i, job in ipairs(jobs) do
    local data, to = helper.file(bytes_of(job.X)), helper.path ".out"
    output, ok = helper.run(("%s %s <%s >%s"):format(program, string.char(64 + i), data, to))
    assert.is_true(ok, output)
    results[i] = rows_from(helper.contents(to), job.outputs)
  end
  return results
end

-- Raises unless functions of the C file at `path` stay within their arrays for all rows of X: methods = { name =
-- gives }.
function export.sanitized(path, X, methods)
  local jobs = {}
  for name, gives in pairs(methods) do jobs[#jobs + 1] = { name, gives } end
  for i, job in ipairs(jobs) do jobs[i] = export.job_of(job[1], X, job[2]) end
  run_jobs(path, jobs, "-g -fsanitize=address,undefined,float-cast-overflow -fno-sanitize-recover=all")
end

-- The same of one.
function export.run_c(path, X, outputs, declaration, call)
  return run_jobs(path, { { X = X, outputs = outputs, declaration = declaration, call = call } })[1]
end

-- The kinds of functions: { columns of the results, declaration, call }.
local KINDS = {
  number = function(m) return 1, "double NAME_" .. m .. "(const double *);", "out[0] = NAME_" .. m .. "(in)" end,
  label = function(m) return 1, "int NAME_" .. m .. "(const double *);", "out[0] = NAME_" .. m .. "(in)" end,
  list = function(m, n) return n, "void NAME_" .. m .. "(const double *, double *);", "NAME_" .. m .. "(in, out)" end,
}

-- Method m of the exported C file, of X's rows; `gives` is "number", "label" or a number of columns.
function export.job_of(m, X, gives)
  local outputs, declaration, call = KINDS[type(gives) == "number" and "list" or gives](m, gives)
  return { X = X, outputs = outputs, declaration = declaration, call = call }
end

function export.c(path, m, X, gives)
  local result = run_jobs(path, { export.job_of(m, X, gives) })[1]
  return type(gives) == "number" and result or result:flatten()
end

-- The same of the exported Lua file, in this interpreter.
function export.lua(path, m, X, gives)
  local module, rows = dofile(path), {}
  for i = 1, #X do
    local result = module[m](X[i]:table())
    rows[i] = type(gives) == "number" and result or { result }
  end
  local result = latent.matrix(rows)
  return type(gives) == "number" and result or result:flatten()
end

-- The same by another interpreter, whose results are read from what it prints.
local OTHER = [[
local module = assert(loadfile(%q))()
local rows = assert(loadfile(%q))()
for i = 1, #rows do
  local result = module[%q](rows[i])
  if type(result) ~= "table" then result = { result } end
  for j = 1, #result do io.write(("%%.17g "):format(result[j])) end
  io.write "\n"
end
]]
function export.other(interpreter, path, m, X)
  local lines = {}
  for i = 1, #X do
    local numbers = {}
    for j, x in ipairs(X[i]:table()) do numbers[j] = x ~= x and "0/0" or ("%.17g"):format(x) end
    lines[i] = "{" .. table.concat(numbers, ",") .. "},"
  end
  local rows = helper.file("return {" .. table.concat(lines, "\n") .. "}", ".lua")
  local output, ok = helper.run(interpreter .. " " .. helper.file(OTHER:format(path, rows, m), ".lua"))
  assert.is_true(ok, output)
  local list = {}
  for line in output:gmatch "[^\n]+" do
    local row = {}
    for word in line:gmatch "%S+" do row[#row + 1] = tonumber(word) or (word:find "nan" and 0 / 0) or
      (word:find "^%-" and -math.huge or math.huge) end
    list[#list + 1] = row
  end
  return latent.matrix(list)
end

-- A copy whose rows miss one entry, some two or three, and the first all; a quarter is complete.
function export.with_gaps(A)
  local Y, cols = A:copy(), A.cols
  for i = 1, #Y * 3 // 4 do
    Y:set(i, 1 + i % cols, 0 / 0)
    if i % 3 == 0 then Y:set(i, 1 + i // 3 % cols, 0 / 0) end
    if i % 7 == 0 then Y:set(i, 1 + i // 7 % cols, 0 / 0) end
  end
  for j = 1, cols do Y:set(1, j, 0 / 0) end
  return Y
end

-- Raises unless every entry is within 1e-12 of the library's, relative to 1 and its size; NaN where it has NaN.
function export.same(expected, actual, tolerance)
  if type(expected) == "number" then expected, actual = latent.matrix { expected }, latent.matrix { actual } end
  local a, b = expected:flatten(), actual:flatten()
  assert.equal(#a, #b)
  local worst, where = 0, 0
  for i = 1, #a do
    local x, y = a[i], b[i]
    local d = (x == y or (x ~= x and y ~= y)) and 0 or math.abs(x - y) / (1 + math.abs(x))
    if d > worst or d ~= d then worst, where = d == d and d or math.huge, i end
  end
  assert.is_true(worst <= (tolerance or 1e-12), ("entry %d: %.17g, expected %.17g"):format(where, b[math.max(where, 1)],
    a[math.max(where, 1)]))
end

-- Exports the model to C and Lua and compares each method with the library's of the rows: methods = { name = gives }.
-- Rows with missing entries are given in Y; `inputs` has rows of methods that take other ones.
function export.compare(model, X, methods, options)
  local c, lua, jobs, expected = export.path ".c", export.path ".lua", {}, {}
  assert(model:export(c, options))
  assert(model:export(lua, options))
  for name, gives in pairs(methods) do
    local input = type(X) == "table" and X[name] or X
    local gaps = name ~= "impute" and not name:find "^inverse" and input:isnan():sum() > 0
    local value = model[name](model, input, gaps and { missing = true } or nil)
    jobs[#jobs + 1] = export.job_of(name, input, gives)
    expected[#jobs] = value
    export.same(value, export.lua(lua, name, input, gives))
  end
  for i, result in ipairs(run_jobs(c, jobs)) do export.same(expected[i], result) end
  return c, lua
end

return export
