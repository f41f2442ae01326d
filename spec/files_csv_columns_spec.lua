-- Tables of text as others write them: decimal commas, categories as codes, labels beside the numbers.
local latent = require "latent"
local helper = require "helper"
local matrix = latent.matrix

local function read(text, options)
  return assert(latent.read(helper.file(text, ".csv"), options))
end

local function written(X, options)
  local path = helper.path ".csv"
  assert(latent.write(path, X, options))
  return helper.contents(path), path
end

local nan = 0 / 0

after_each(helper.clean)

describe("a decimal comma", function()
  local comma = { decimal = "," }

  it("is read beside a delimiter that is found, never a comma", function()
    local expected = { { 1.5, -2000 }, { 0.25, 3 } }
    for _, text in ipairs {
      "1,5;-2e3\n,25;3\n", "a;b\n1,5;-2,0e3\n0,250;3,\n", "1,5\t-2000\n0,25\t3\n", "1,5 -2000\n0,25 3\n",
      "1,5|-2000\n0,25|3\n", '"1,5";"-2000"\n"0,25";3\n',
    } do
      assert.near_matrix(expected, read(text, comma), 0)
    end
    assert.near_matrix({ { 1.5 }, { 2.5 } }, read("x\n1,5\n2,5\n", comma), 0)
    local long = ("3"):rep(800)
    assert.near_matrix({ { tonumber("0." .. long) } }, read("0," .. long .. "\n", comma), 0)
  end)

  it("makes no number of one with a point", function()
    local X, message = latent.read(helper.file("a;b\n1,5;2\n1.5;3\n", ".csv"), comma)
    assert.is_nil(X)
    assert.is_truthy(message:find(":3:1: '1.5' is not a number", 1, true), message)
    local _, info = read("a;b\n1.000,5;2\n", comma)
    assert.same({ "1.000,5" }, info.labels)
  end)

  it("is written, with semicolons, so that it reads back", function()
    local X = matrix { { 1.5, -0.001 }, { nan, 1e300 } }
    local text, path = written(X, { decimal = ",", columns = { "a", "b" } })
    assert.equal("a;b\n1,5;-0,001\nNA;1e+300\n", text)
    assert.near_matrix(X, assert(latent.read(path, comma)), 0)
    assert.equal("1,5\t-0,001\nNA\t1e+300\n", (written(X, { decimal = ",", delimiter = "\t" })))
  end)

  it("raises at misuse", function()
    local path = helper.file("1\n", ".csv")
    helper.fails("decimal must be a string of one character", latent.read, path, { decimal = 1 })
    helper.fails("decimal must be '.' or ','", latent.read, path, { decimal = ";" })
    helper.fails("delimiter and decimal are both ','", latent.read, path, { decimal = ",", delimiter = "," })
    helper.fails("delimiter and decimal are both ','", latent.write, path, matrix { 1 },
      { decimal = ",", delimiter = "," })
  end)
end)

describe("categorical columns", function()
  local text = "id,colour,size,grade\n1,red,L,3\n2,blue,M,1\n3,NA,L,3\n4,red,S,?\n"

  it("are codes in the matrix, in the order of their first appearance, with NaN where one is missing", function()
    local X, info = read(text, { categorical = { "colour", 4 }, labels = "size" })
    assert.near_matrix({ { 1, 1, 1 }, { 2, 2, 2 }, { 3, nan, 1 }, { 4, 1, nan } }, X, 0)
    assert.same({ "id", "colour", "grade" }, info.columns)
    assert.same({ colour = { "red", "blue" }, grade = { "3", "1" } }, info.categories)
    assert.same({ "L", "M", "L", "S" }, info.labels)
    assert.same({ size = info.labels }, info.text)
    assert.is_nil(info.note)
    assert.same({ "id", "colour", "grade" }, X.names)
  end)

  it("are all that hold text, by true", function()
    local X, info = read(text, { categorical = true })
    assert.near_matrix({ { 1, 1, 1, 3 }, { 2, 2, 2, 1 }, { 3, nan, 1, 3 }, { 4, 1, 3, nan } }, X, 0)
    assert.same({ colour = { "red", "blue" }, size = { "L", "M", "S" } }, info.categories)
    assert.is_nil(info.labels)
    X, info = read(text, { categorical = true, labels = "colour" })
    assert.same({ 4, 3 }, { X.rows, X.cols })
    assert.same({ size = { "L", "M", "S" } }, info.categories)
    assert.same({ "red", "blue", "NA" }, info.classes)
    assert.near_matrix({ { 1 }, { 2 } }, read("1,a\n2,b\n", { categorical = false }), 0)
  end)

  it("stand where `columns` has them, or behind, and may be labels, too", function()
    local X, info = read(text, { columns = { "size", "id" }, categorical = { "size", "colour" } })
    assert.near_matrix({ { 1, 1, 1 }, { 2, 2, 2 }, { 1, 3, nan }, { 3, 4, 1 } }, X, 0)
    assert.same({ "size", "id", "colour" }, info.columns)
    X, info = read("x,b\ny,a\nx,a\n", { categorical = { 1, 2 }, labels = 2, header = false })
    assert.near_matrix({ { 1, 1 }, { 2, 2 }, { 1, 2 } }, X, 0)
    assert.same({ { "x", "y" }, { "b", "a" } }, info.categories)
    assert.same({ "b", "a", "a" }, info.labels)
  end)

  it("raise at misuse, and are told when they aren't there", function()
    local path = helper.file(text, ".csv")
    helper.fails("categorical must be true, or a list of names or numbers, got string", latent.read, path,
      { categorical = "colour" })
    helper.fails("categorical must name columns by strings or integers, got boolean", latent.read, path,
      { categorical = { true } })
    local X, message = latent.read(path, { categorical = { "color" } })
    assert.is_nil(X)
    assert.is_truthy(message:find("no column 'color', did you mean 'colour'?", 1, true), message)
  end)
end)

describe("labels", function()
  local X = matrix { { 1, 2 }, { 3, nan } }

  it("are written behind the numbers, and read back", function()
    local labels = { 'a "b", c', "" }
    local text, path = written(X, { names = { "x", "y" }, labels = labels, label = "class" })
    assert.equal('x,y,class\n1,2,"a ""b"", c"\n3,NA,""\n', text)
    local Y, info = assert(latent.read(path))
    assert.near_matrix(X, Y, 0)
    assert.same(labels, info.labels)
    assert.same({ "x", "y" }, info.columns)
    assert.same({ class = labels }, info.text)
    assert.equal("1,2,p\n3,NA,q\n", (written(X, { labels = { "p", "q" } })))
    assert.equal("x;y;label\n1;2;p\n3;NA;q\n", (written(X, { labels = { "p", "q" }, columns = { "x", "y" },
      decimal = "," })))
  end)

  it("are the first column in which a word comes twice, or else the first of text", function()
    local text = "name,age,city,kind\nAda,1,Bonn,a\nBob,2,Rome,b\nEve,3,Bonn,a\n"
    local function classes(options)
      local A, info = read(text, options)
      assert.same(info.classes, A.classes)
      assert.same(info.text[({ Ada = "name", Bonn = "city", a = "kind" })[info.labels[1]]], info.labels)
      return table.concat(info.classes, " ")
    end
    assert.equal("Bonn Rome", classes())
    assert.equal("Ada Bob Eve", classes { columns = { "age", "name" } })
    assert.equal("a b", classes { labels = "kind" })
    assert.equal("Ada Bob Eve", classes { labels = "name" })
    local A, info = read(text)
    assert.same({ "age" }, A.names)
    assert.same({ "Ada", "Bob", "Eve" }, info.text.name)
    assert.equal("Ada Bob", table.concat(select(2, read "Ada,1,x\nBob,2,y\n").classes, " ")) -- no word comes twice
  end)

  it("may be numbers: a list or a vector", function()
    for _, labels in ipairs { { 2, 1 }, { 2.0, 1.0 }, matrix { 2, 1 } } do
      local text, path = written(X, { columns = { "x", "y" }, labels = labels })
      assert.equal("x,y,label\n1,2,2\n3,NA,1\n", text)
      local Y, info = assert(latent.read(path, { labels = "label" }))
      assert.near_matrix(X, Y, 0)
      assert.same({ "2", "1" }, info.labels)
    end
  end)

  it("go around with a data set", function()
    local iris, codes, about = latent.datasets.iris()
    local _, path = written(iris, { names = about.columns, labels = codes, classes = about.classes, label = "species" })
    local Y, info = assert(latent.read(path))
    assert.near_matrix(iris, Y, 0)
    assert.near_matrix(codes, info.codes, 0)
    assert.same(about.classes, info.classes)
    assert.same(about.columns, info.columns)
    assert.equal("versicolor", info.text.species[60])
    -- what the matrix carries goes around, too
    local again, one = written(Y, { names = Y.names, labels = Y.labels, classes = Y.classes, label = "species" })
    assert.equal(helper.contents(path), again)
    assert.same(iris.names, latent.read(one).names)
  end)

  it("raise at misuse", function()
    local path = helper.path ".csv"
    for message, options in pairs {
      ["labels must be 2, one a row of X, got 3"] = { labels = { 1, 2, 3 } },
      ["labels must be 2, one a row of X, got 2x2 matrix"] = { labels = matrix.eye(2) },
      ["labels must be a list or a vector, got string"] = { labels = "a" },
      ["labels must be strings or numbers, but element 2 is a boolean"] = { labels = { "a", true } },
      ["labels must be strings or whole numbers: element 1 isn't"] = { labels = { 1.5, 2 } },
      ["labels must be numbers of the 1 classes, but element 2 is 2"] = { labels = { 1, 2 }, classes = { "a" } },
      ["classes are those of labels"] = { classes = { "a" } },
      ["label is the name of labels"] = { label = "class" },
      ["label must be a string"] = { labels = { 1, 2 }, label = 3 },
      ["names and columns are the same option"] = { names = { "a", "b" }, columns = { "a", "b" } },
      ["names has 1 names for a 2x2 matrix"] = { names = { "a" } },
    } do
      helper.fails(message, latent.write, path, X, options)
    end
    assert.is_nil((io.open(path)))
  end)
end)
