-- Tables of text: reading, what goes wrong and where, writing; and the fuzz targets of all parsers.
local latent = require "latent"
local helper = require "helper"
local matrix = latent.matrix

local paths = {}

local function write(text, ending)
  local path = os.tmpname()
  paths[#paths + 1] = path
  os.remove(path)
  path = path .. (ending or ".csv")
  paths[#paths + 1] = path
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
  return path
end

local function contents(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "a"
  file:close()
  return text
end

local function read(text, options, ending)
  return assert(latent.read(write(text, ending), options))
end

-- The message must be PATH .. rest.
local function fails(rest, text, options)
  local path = write(text)
  local X, message = latent.read(path, options)
  assert.is_nil(X)
  assert.equal(path .. rest, message)
end

local nan = 0 / 0

after_each(function()
  for _, path in ipairs(paths) do os.remove(path) end
  paths = {}
end)

describe("reading CSV", function()
  it("takes quotes, line ends, marks, blank lines and blanks as RFC 4180 and its relatives have them", function()
    local expected = { { 1, 2 }, { 3, 4 } }
    for _, text in ipairs {
      "1,2\n3,4\n", "1,2\n3,4", "1,2\r\n3,4\r\n", "1,2\r3,4\r", "\xEF\xBB\xBF1,2\n3,4\n", "\n\n1,2\n\n  \n3,4\n\n",
      " 1 ,\t2\n3, 4 \n", '"1","2"\n"3", "4" \n', "1;2\n3;4\n", "1\t2\n3\t4\n", "1|2\n3|4\n",
      "1 2\n3   4\n", " 1 2 \n3 \t 4\n",
      "a,b\n1,2\n3,4\n", '"a\nb","c,d"\n1,2\n3,4\n', "  \na,b\n1,2\n3,4",
    } do
      assert.near_matrix(expected, read(text), 0)
    end
    assert.near_matrix(expected, read("1\t2\n3\t4\n", nil, ".tsv"), 0)
    assert.near_matrix(expected, read("1:2\n3:4\n", { delimiter = ":" }), 0)
    assert.near_matrix(expected, read("1 2\n3 4\n", nil, ".TXT"), 0)
    assert.near_matrix(expected, read("about\nthis: file\n1,2\n3,4\n", { skip = 2 }), 0)
    assert.near_matrix({ { 1 } }, read "1", 0)
  end)

  it("reads names, with quotes", function()
    local X, info = read '"first, ""one""", two ,\n1,2,3\n'
    assert.near_matrix({ { 1, 2, 3 } }, X, 0)
    assert.same({ 'first, "one"', "two", "" }, info.columns)
    assert.same(info.columns, X.names)
    assert.is_nil(info.note)
  end)

  it("tells a header from data", function()
    for text, rows in pairs {
      ["a,b\n1,2\n"] = 1, ["1,2\n3,4\n"] = 2, ["a,2\n1,2\n"] = 1, ["NA,2\n3,4\n"] = 2, [",b\n1,2\n"] = 1,
      ["5.1,3.5,setosa\n4.9,3,setosa\n"] = 2, ["name,x\nbob,1\n"] = 1,
    } do
      assert.equal(rows, read(text).rows)
    end
    assert.equal(1, read("1,2\n3,4\n", { header = true }).rows)
    local _, info = read("1,2\n3,4\n", { header = true })
    assert.same({ "1", "2" }, info.columns)
    _, info = read("a,1\nb,2\n", { header = false })
    assert.is_nil(info.columns)
    assert.same({ "a", "b" }, info.labels)
    assert.equal(2, read("x,1\ny,2\n", { header = "auto", labels = 1 }).rows)
  end)

  it("reads missing entries as NaN", function()
    assert.near_matrix({ { nan, 1 }, { nan, nan }, { nan, nan }, { nan, 2 } }, read "NA,1\nNaN,nan\nnull,?\n,2\n", 0)
    assert.near_matrix({ { 1, nan }, { 3, 4 } }, read("1,-999\n3,4\n", { missing = { "-999" } }), 0)
    assert.near_matrix({ { 1, nan }, { nan, 4 } }, read("1,-999\n.,4\n", { missing = { "-999", "." } }), 0)
    assert.near_matrix({ { 1, nan } }, read("1,x\n", { missing = "x" }), 0)
    assert.near_matrix({ { nan }, { 2 } }, read 'a\n""\n2\n', 0)
    assert.near_matrix({ { 1, nan }, { 2, nan } }, read "a,b\n1,\n2,NA\n", 0)
  end)

  it("reads numbers to the nearest double", function()
    -- hard cases of the literature: David Gay's, the PHP and Java hangs, halfway cases; strtod of glibc agrees
    local cases = {
      { "0.1", 0.1 }, { "+5", 5 }, { "-.5", -0.5 }, { "5.", 5 }, { "1E3", 1000 }, { "1e-3", 0.001 }, { "1e+3", 1000 },
      { "9007199254740993", 9007199254740992 }, { "9007199254740993.0000000000000000001", 9007199254740994 },
      { "2.2250738585072011e-308", 0x0.fffffffffffffp-1022 }, { "2.2250738585072012e-308", 0x1p-1022 },
      { "4.9406564584124654e-324", 5e-324 }, { "2.4703282292062327e-324", 0 }, { "2.4703282292062328e-324", 5e-324 },
      { "1.7976931348623157e308", 0x1.fffffffffffffp1023 }, { "1.7976931348623159e308", 1 / 0 },
      { "1e999999999999999999", 1 / 0 }, { "1e-999999999999999999", 0 }, { "0e999999999999", 0 },
      { "123456789012345678901234567890", 123456789012345678901234567890.0 }, { "8.533e22", 8.533e22 },
      { "inf", 1 / 0 }, { "-Infinity", -1 / 0 }, { "INF", 1 / 0 },
      { "0." .. ("0"):rep(400) .. "1e401", 1 }, { "1" .. ("0"):rep(400) .. "e-400", 1 },
      -- 1 + 2^-53 is halfway between two doubles: to even, and up when anything follows, however far
      { "1.00000000000000011102230246251565404236316680908203125", 1 },
      { "1.00000000000000011102230246251565404236316680908203125" .. ("0"):rep(900) .. "1", 1 + 2 ^ -52 },
    }
    local lines = {}
    for i, case in ipairs(cases) do lines[i] = case[1] end
    local X = read(table.concat(lines, "\n"))
    for i, case in ipairs(cases) do
      assert.equal(case[2], X(i, 1), case[1]:sub(1, 60))
    end
    assert.equal(-1 / 0, 1 / read("-0\n1\n")(1, 1))
  end)

  it("doesn't take for numbers what Lua or C would", function()
    for _, word in ipairs { "0x10", "1e", "1e+", "1_000", "1,5x", "--1", "1 2", ".", "+", "e5", "1d5",
      "infinit", "nan(1)" } do
      local _, info = read(('1;"%s"\n'):format(word), { delimiter = ";" })
      assert.same({ word }, info.labels)
    end
  end)

  it("doesn't depend on the locale", function()
    -- a German locale is made for a child process: setlocale here would outlive the test
    local folder = write ""
    os.remove(folder)
    os.execute(("mkdir %s && localedef -i de_DE -f UTF-8 %s/de_DE.UTF-8 2>/dev/null"):format(folder, folder))
    local script = write([[
      if not os.setlocale "de_DE.UTF-8" or string.format("%.1f", 0.5) ~= "0,5" then print "no locale" return end
      local latent = require "latent"
      local X = assert(latent.read(arg[1]))
      assert(X(1, 1) == 15/10 and X(1, 2) == 225e-302 and X(1, 3) == 1/10)
      assert(latent.write(arg[1], X))]], ".lua")
    local path = write "1.5,2.25e-300,0.1000000000000000055\n"
    local i = 0
    while arg[i - 1] do i = i - 1 end
    local child = io.popen(("LOCPATH=%s %s %s %s 2>&1"):format(folder, arg[i], script, path))
    local output = child:read "a"
    child:close()
    os.execute("rm -r " .. folder)
    if output == "no locale\n" then return pending "needs localedef and its sources" end
    assert.equal("", output)
    assert.equal("1.5,2.25e-300,0.1\n", contents(path))
  end)

  it("gives text columns as labels, classes and codes", function()
    local X, info = read "x,kind,y\n1,b,2\n3,a,4\n5,b,6\n"
    assert.near_matrix({ { 1, 2 }, { 3, 4 }, { 5, 6 } }, X, 0)
    assert.same({ 1, 2, 1 }, info.codes:table())
    assert.equal(info.codes, X.labels)
    info.codes = nil
    assert.is_string(info.source)
    assert.same({ columns = { "x", "y" }, labels = { "b", "a", "b" }, classes = { "b", "a" },
      text = { kind = { "b", "a", "b" } }, source = X.source,
      note = "column 2 (kind) is text, not in the matrix; it begins with 'b'" }, info)
    assert.same({ { "x", "y" }, info.classes, info.text }, { X.names, X.classes, X.text })
  end)

  it("keeps every text column, as it stands", function()
    local text = 'x,k,l\n1,?,"say ""hi"""\n2,b,7\n3,NA, c \n'
    local _, info = read(text)
    assert.same({ k = { "?", "b", "NA" }, l = { 'say "hi"', "7", "c" } }, info.text)
    assert.same(info.text.k, info.labels)
    _, info = read(text, { labels = "l" })
    assert.same(info.text.l, info.labels)
    _, info = read(text, { labels = 3 })
    assert.same({ 'say "hi"', "7", "c" }, info.classes)
    _, info = read("1,a\n2,b\n", { header = false })
    assert.same({ [2] = { "a", "b" } }, info.text)
  end)

  it("takes labels that are numbers", function()
    local X, info = read("a,class\n1,7\n2,3\n3,7\n", { labels = "class" })
    assert.near_matrix({ { 1 }, { 2 }, { 3 } }, X, 0)
    assert.same({ "7", "3" }, info.classes)
    assert.same({ 1, 2, 1 }, info.codes:table())
  end)

  it("picks columns, in the order given", function()
    local text = "a,b,c,d\n1,x,3,oops\n4,y,6,\n"
    local X, info = read(text, { columns = { "c", 1 } })
    assert.near_matrix({ { 3, 1 }, { 6, 4 } }, X, 0)
    assert.same({ "c", "a" }, info.columns)
    assert.is_nil(info.note)
    X, info = read(text, { columns = { "b", "a" }, labels = "b" })
    assert.near_matrix({ { 1 }, { 4 } }, X, 0)
    assert.same({ "x", "y" }, info.labels)
    -- what isn't asked for isn't parsed
    assert.near_matrix({ { 1 }, { 2 } }, read("a,b\n1,1\n2,no number\n", { columns = { "a" } }), 0)
  end)
end)

describe("CSV that can't be read", function()
  it("is told with line and column", function()
    fails(":3:2: 'abc' is not a number", "a,b\n1,2\n3,abc\n")
    fails(":5:1: 'x' is not a number", "a,b\n\n1,2\n\nx,4\n")
    fails(":6:2: 'x' is not a number", 'a,b\r\n"y","2"\r\n"z\r\nz",4\r\n\r\nw,x')
    fails(":3:1: '0x10' is not a number", "a\n1\n0x10\n")
    fails(":3:1: '" .. ("y"):rep(40) .. "...' is not a number", "a\n1\n" .. ("y"):rep(100))
    fails(":3:3: 3 fields where the first line has 2", "a,b\n1,2\n1,2,3\n")
    fails(":3:1: 1 fields where the first line has 2", "a,b\n1,2\n3\n")
    fails(":2:2: this quote is never closed", 'a,b\n1,"2\n3,4\n')
    fails(":2:1: text after a closing quote", 'a,b\n"1"x,2\n')
    fails(":2:1: a NUL byte: not a text file, or one in UTF-16", "a,b\n1\0,2\n")
    fails(":1:1: a NUL byte: not a text file, or one in UTF-16", "\xFF\xFEa\0,\0b\0\n\0")
  end)

  it("is told when there is nothing in it", function()
    fails(": the file is empty", "")
    fails(": no data", "\n \n\n")
    fails(": no data", "\xEF\xBB\xBF")
    fails(": no data", "1,2\n", { skip = 9 })
    fails(": only a header, no data", "a,b\n")
    fails(": only a header, no data", "1,2\n", { header = true })
    fails(": no column of numbers", "a,b\nx,y\n")
    fails(": no column of numbers", "a\n1\n2\n", { labels = "a" })
  end)

  it("is told when a column isn't there", function()
    fails(": no column 'hight', did you mean 'height'?", "height,x\n1,2\n", { columns = { "hight" } })
    fails(": no column 'y' (known: height, width)", "height,width\n1,2\n", { labels = "y" })
    local long, numbers = {}, {}
    for j = 1, 40 do long[j], numbers[j] = "column_" .. j, j end
    fails(": no column 'y' (known: " .. table.concat(long, ", ", 1, 15) .. ", ...)",
      table.concat(long, ",") .. "\n" .. table.concat(numbers, ",") .. "\n", { labels = "y" })
    fails(": no column 3, there are 2", "a,b\n1,2\n", { columns = { 3 } })
    fails(": no header that could name a column 'a'", "1,2\n", { columns = { "a" } })
  end)

  it("may have huge lines", function()
    fails(":1:1: a line of 1048577 fields, more than 1048576", (","):rep(1 << 20))
    assert.equal(100000, read(("1,"):rep(99999) .. "1").cols)
    local long = ("x"):rep(1 << 20)
    local _, info = read("1," .. long .. "\n")
    assert.equal(long, info.labels[1])
  end)

  it("raises at misuse", function()
    local path = write "a,b\n1,2\n"
    for message, options in pairs {
      ["unknown option 'seperator'"] = { seperator = "," },
      ["delimiter must be a string of one character"] = { delimiter = ",," },
      ["delimiter must not be a NUL character"] = { delimiter = "\0" },
      ["delimiter must not be a letter, a digit, a quote, a line end or one of + - ."] = { delimiter = "." },
      ["header must be true, false or \"auto\""] = { header = "yes" },
      ["skip must be an integer >= 0, got -1"] = { skip = -1 },
      ["missing must be a list of strings, got number"] = { missing = 3 },
      ["missing must be a list of strings, but element 1 is a number"] = { missing = { 3 } },
      ["columns must be a list of names or numbers, got string"] = { columns = "a" },
      ["columns must name columns by strings or integers, got boolean"] = { columns = { true } },
      ["columns names column 2 twice"] = { columns = { "b", 2 } },
      ["labels must name columns by strings or integers, got table"] = { labels = {} },
    } do
      helper.fails(message, latent.read, path, options)
    end
    -- and the state is usable afterwards
    assert.near_matrix({ { 1, 2 } }, assert(latent.read(path)), 0)
  end)
end)

describe("writing CSV", function()
  it("prints the shortest of 15, 16 and 17 digits that come back", function()
    local path = write ""
    assert(latent.write(path, matrix { { 0.1, 1 / 3, 2 / 3, 5e-324, 1e22, 123456, 1e15, -0.0, 1 / 0, -1 / 0 } }))
    -- C's %.15g, %.16g and %.17g
    assert.equal("0.1,0.3333333333333333,0.6666666666666666,4.94065645841247e-324,1e+22,123456,1e+15,-0,inf,-inf\n",
      contents(path))
    assert(latent.write(path, matrix({ { 0.1, 1 / 3, 16777216 } }):to "float32"))
    assert.equal("0.1,0.33333334,16777216\n", contents(path))
  end)

  it("brings every bit back", function()
    local path, values = write "", {}
    local state = 42
    for i = 1, 3000 do -- every kind of double: random bits, by an LCG of Knuth
      state = state * 6364136223846793005 + 1442695040888963407
      local x = string.unpack("<d", string.pack("<i8", state))
      values[i] = { x == x and x or i, i % 7 == 0 and nan or i / 7 }
    end
    local A = matrix(values)
    assert(latent.write(path, A))
    assert.near_matrix(A, assert(latent.read(path)), 0)
  end)

  it("writes names, delimiters and missing entries so that they read back", function()
    local A = matrix { { 1, nan }, { nan, 4 } }
    local names = { 'a "quoted", name', " two\nlines" }
    for _, options in ipairs {
      { columns = names }, { columns = names, delimiter = ";" }, { columns = names, missing = "" },
      { columns = names, delimiter = "\t", missing = "?" }, { columns = names, delimiter = " " },
    } do
      local path = write ""
      assert(latent.write(path, A, options))
      local B, info = assert(latent.read(path, { delimiter = options.delimiter }))
      assert.near_matrix(A, B, 0)
      assert.same(names, info.columns)
    end
    local path = write ""
    assert(latent.write(path, A, { columns = { "a", "b" } }))
    assert.equal("a,b\n1,NA\nNA,4\n", contents(path))
    -- nothing in a single column would be a blank line
    assert(latent.write(path, matrix { 1, nan }, { missing = "" }))
    assert.equal('1\n""\n', contents(path))
    assert.near_matrix({ { 1 }, { nan } }, assert(latent.read(path)), 0)
    local tsv = write("", ".tsv")
    assert(latent.write(tsv, A))
    assert.equal("1\tNA\nNA\t4\n", contents(tsv))
    assert.near_matrix(A, assert(latent.read(tsv)), 0)
  end)

  it("raises at misuse", function()
    local path, A = write "", matrix.eye(2)
    helper.fails("columns has 1 names for a 2x2 matrix", latent.write, path, A, { columns = { "a" } })
    helper.fails("missing must be a string, got number", latent.write, path, A, { missing = 0 })
    helper.fails("unknown option 'header'", latent.write, path, A, { header = true })
    helper.fails("delimiter must not be", latent.write, path, A, { delimiter = "e" })
  end)
end)

describe("the parsers", function()
  it("survive mutants of npy and idx files", function()
    local function npy(descr, fortran, shape, data)
      return "n\x93NUMPY\1\0" .. string.pack("<s2", ("{'descr': '%s', 'fortran_order': %s, 'shape': %s, }\n")
        :format(descr, fortran, shape)) .. data
    end
    helper.fuzz("fuzz_npy", {
      npy("<f8", "False", "(2, 3)", ("12345678"):rep(6)), npy(">f4", "True", "(2, 3)", ("1234"):rep(6)),
      npy("<i2", "True", "(2, 3, 4)", ("12"):rep(24)), npy("|b1", "False", "()", "1"),
      npy("<f2", "False", "(3,)", "123456"), "i\0\0\x08\x03\0\0\0\x02\0\0\0\x02\0\0\0\x0212345678",
    })
  end)

  it("survive mutants of CSV files", function()
    helper.fuzz("fuzz_csv", {
      '\0\0\0a,b,c\n1,2.5e3,"x"\n-3,NA,"y ""z"" \r\n,"\n', '\0\2\1\xEF\xBB\xBF1;2\r3; "4" \r\r\n',
      "\4\1\0 1.5 2\t3\n 4  5e-320 123456789012345678901234567890.5\n", '\0\0\0n\n"q\n, ""r"\n?\n',
      "\1\1\0inf,-nan,1e999\n0x10,.5,5.\n", "\0\3\0a;b\n1,5;x\n,5e-3;NA\n",
    })
  end)
end)
