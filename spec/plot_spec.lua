-- latent.plot: what the files hold, and that nothing a user writes is a command.
local latent = require "latent"
local helper = require "helper"
local plot = latent.plot
local matrix = latent.matrix

local folder -- for what the specs write

local function in_folder(name) return folder .. "/" .. name end

local function read(path)
  local file = io.open(path, "rb")
  if not file then return nil end
  local text = file:read "a"
  file:close()
  return text
end

setup(function()
  folder = os.tmpname()
  os.remove(folder)
  assert(os.execute("mkdir " .. folder))
end)

teardown(function() os.execute("rm -r " .. folder) end)

local function squares()
  return plot.figure { title = "Squares", xlabel = "x", ylabel = "y" }:points({ 1, 2, 3 }, { 1, 4, 9 })
end

describe("a figure", function()
  it("is SVG, and says in a line what it is", function()
    assert.equal('figure "Squares": layers 1', tostring(squares()))
    local svg = squares():svg()
    assert.is_truthy(svg:find("^<%?xml") and svg:find("<text>Squares</text>", 1, true))
    helper.fails("figure:svg: unknown option 'width'", squares().svg, squares(), { width = 2 })
  end)

  it("is saved as SVG", function()
    local path = in_folder "squares.svg"
    assert.are.same({ path, n = 1 }, table.pack(squares():save(path)))
    assert.equal("\137PNG", squares():png():sub(1, 4))
    assert.equal("%PDF", squares():pdf():sub(1, 4))
    assert.is_truthy(squares():svg():find "<svg")
    local svg = read(path)
    assert.is_truthy(svg:find("<svg", 1, true) and svg:find("</svg>", 1, true))
    assert.is_truthy(svg:find("<text>Squares</text>", 1, true))
    local _, marks = svg:gsub("xlink:href='#gpPt6'", "")
    assert.is_true(marks >= 3)
  end)

  it("is saved as PNG, two pixels a dot", function()
    local path = in_folder "squares.PNG"
    assert.are.equal(path, plot.figure { width = 320, height = 200 }:line({ 0, 1 }, { 1, 0 }):save(path))
    local png = read(path)
    assert.are.equal("\137PNG\r\n\26\n", png:sub(1, 8))
    local width, height = (">I4I4"):unpack(png, 17)
    assert.are.same({ 640, 400 }, { width, height })
  end)

  it("is the same from vectors and from lists", function()
    local a, b = in_folder "a.svg", in_folder "b.svg"
    squares():save(a)
    plot.figure { title = "Squares", xlabel = "x", ylabel = "y" }
      :points(matrix { 1, 2, 3 }, matrix { { 1 }, { 4 }, { 9 } }):save(b)
    assert.are.equal(read(a), read(b))
  end)

  it("is text", function()
    local text = plot.figure { title = "Classes" }
      :points({ 0, 1, 0, 1 }, { 0, 0, 1, 1 }, { classes = { "b", "a", "a", "b" } }):text(60, 15)
    local _, lines = text:gsub("\n", "")
    assert.is_true(lines <= 15)
    for line in text:gmatch "[^\n]+" do assert.is_true(#line <= 60) end
    assert.is_truthy(text:find("Classes", 1, true))
    local _, as = text:gsub("a", "")
    assert.are.equal(5, as) -- two points, the key's mark and name, and one in the title
  end)

  it("is the same text in every locale", function()
    local script = [[io.write(require "latent".plot.figure { title = "T" }:points({ 0, 1 }, { 0, 1 }):text(40, 10))]]
    local plain, ok = helper.lua(script, "LC_ALL=C LANG=C")
    assert.is_truthy(ok, plain)
    assert.are.equal((helper.lua(script, "LC_ALL=C.UTF-8")), plain)
    assert.is_nil(plain:find "warning")
  end)

  it("may be empty, or hold nothing finite", function()
    assert.is_truthy(plot.figure():save(in_folder "empty.svg"))
    assert.is_truthy(plot.figure():line({ 1, 2 }, { 0 / 0, 1 / 0 }):save(in_folder "empty.svg"))
    assert.is_truthy(plot.figure { logx = true, logy = true }:line({}, {}):save(in_folder "empty.svg"))
    assert.is_truthy(plot.figure():image { { 0 / 0, 0 / 0 } }:save(in_folder "empty.svg"))
  end)

  it("names the classes by labels, in ascending order", function()
    local path = in_folder "labels.svg"
    plot.figure():points({ 1, 2, 3 }, { 1, 2, 3 }, { classes = matrix { 2, 1, 2 }, labels = { "one", "two" } })
      :save(path)
    local svg = read(path)
    assert.is_true(svg:find("<text>one</text>", 1, true) < svg:find("<text>two</text>", 1, true))
  end)

  it("shades a band, and draws its borders where there are no shades", function()
    local fig = plot.figure():band({ 1, 2, 3 }, { 0, 0, 1 }, { 2, 3, 4 }, { label = "interval", color = "#bd1f01" })
    fig:save(in_folder "band.svg")
    local svg = read(in_folder "band.svg")
    assert.is_truthy(svg:find("<text>interval</text>", 1, true))
    assert.is_truthy(svg:find("fill-opacity", 1, true) and svg:lower():find("189, *31, *1"))
    assert.is_truthy(plot.figure():band({ 1, 2, 3 }, { 0, 0, 1 }, { 2, 3, 4 }):text():find "%*")
  end)

  it("draws an ellipse at its deviations", function()
    -- the points (x, y) of the curve satisfy (p - m)' S^-1 (p - m) = k^2; S^-1 by hand
    local fig = plot.figure():ellipse({ 1, -2 }, { { 2, 1 }, { 1, 3 } }, { deviations = 1.5 })
    local rows = fig.layers[1].rows
    assert.is_true(#rows > 50)
    for _, p in ipairs(rows) do
      local x, y = p[1] - 1, p[2] + 2
      assert.is_near(2.25, (3 * x * x - 2 * x * y + 2 * y * y) / 5, 1e-12)
    end
    assert.are.same({ { 0, 5 }, { 0, -5 } }, (function()
      local line = plot.figure():ellipse({ 0, 0 }, { { 0, 0 }, { 0, 6.25 } }).layers[1].rows -- a segment
      return { { line[1][1], line[25][2] }, { line[49][1], line[73][2] } }
    end)())
  end)
end)

describe("a Hinton diagram", function()
  it("has squares of the entries' magnitudes, white for positive ones and black for negative", function()
    local fig = plot.figure():hinton(matrix { { 4, -1, 0 }, { 0 / 0, 2, -4 } })
    assert.are.equal(3, #fig.layers) -- ground, white, black
    local white, black = fig.layers[2].rows, fig.layers[3].rows
    assert.are.same({ { 1, 1, 0.48, 0.48 }, { 2, 2, 0.48 * math.sqrt(0.5), 0.48 * math.sqrt(0.5) } }, white)
    assert.are.same({ { 2, 1, 0.24, 0.24 }, { 3, 2, 0.48, 0.48 } }, black)
    assert.are.same({ { 2, 1.5, 1.6, 1.1 } }, fig.layers[1].rows)
    local path = in_folder "hinton.svg"
    assert.are.equal(path, fig:save(path))
    local svg = read(path)
    for _, color in ipairs { "154, 154, 154", "255, 255, 255", "  0,   0,   0" } do
      assert.is_truthy(svg:find("rgb%( *" .. color:gsub(" +", " *")), color)
    end
    local text = fig:text(40, 12)
    assert.is_truthy(text:find("+", 1, true) and text:find("-", 1, true))
  end)

  it("stands beside others, with their scale", function()
    local fig = plot.figure():hinton({ { 1 } }, { largest = 4 }):hinton({ { -9, 4 } }, { largest = 4, at = { 3, 1 } })
    assert.are.same({ { 1, 1, 0.24, 0.24 } }, fig.layers[2].rows)
    assert.are.same({ { 4, 1, 0.48, 0.48 } }, fig.layers[4].rows)
    assert.are.same({ { 3, 1, 0.48, 0.48 } }, fig.layers[5].rows)
    assert.is_near(0.3, fig.xrange[1], 1e-12)
    assert.is_near(4.7, fig.xrange[2], 1e-12)
    assert.are.same({ 1, 2 }, plot.figure { xrange = { 1, 2 } }:hinton({ { 0 } }).xrange)
  end)

  it("says what is wrong", function()
    assert.has_error(function() plot.figure():hinton { 1, 2 } end)
    assert.has_error(function() plot.figure():hinton({ { 1 } }, { at = { 1 } }) end)
    assert.has_error(function() plot.figure():hinton({ { 1 } }, { size = 1 }) end)
  end)
end)

local BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

describe("images", function()
  it("are embedded, small ones enlarged so that no viewer blurs them", function()
    local path = in_folder "image.svg"
    plot.figure():image(matrix { { 0, 1, 2 }, { 2, 3, 4 } }):save(path)
    local data = read(path):match "<image [^>]*data:image/png;base64,([%w+/]*)"
    -- the PNG's header: 8 bytes of signature, 8 of the first chunk's head, then width and height
    local bits = 0
    local bytes = {}
    for i = 1, 32 do
      local letter = data:sub(i, i)
      bits = bits << 6 | BASE64:find(letter, 1, true) - 1
      if i % 4 == 0 then
        bytes[#bytes + 1] = (">I3"):pack(bits)
        bits = 0
      end
    end
    local width, height = (">I4I4"):unpack(table.concat(bytes), 17)
    assert.are.same({ 3 * 8, 2 * 8 }, { width, height })
  end)

  it("have row 1 on top, in text too", function()
    assert.are.equal("    @@@@\n@@@@    \n", plot.figure():image { { 0, 0, 1, 1 }, { 1, 1, 0, 0 } }:text())
    assert.are.equal("@@@@    \n    @@@@\n",
      plot.figure():image({ { 0, 0, 1, 1 }, { 1, 1, 0, 0 } }, { palette = "ink" }):text())
  end)

  it("are set in a grid with gaps", function()
    local X = { { 1, 1, 1, 1 }, { 1, 1, 1, 1 }, { 1, 1, 1, 0 } }
    assert.are.equal("@@@@  @@@@\n@@@@  @@@@\n\n@@@@\n@@\n",
      (plot.images(X, { columns = 2 }):text():gsub(" +\n", "\n")))
  end)

  it("share a range or are stretched one by one", function()
    local X = { { 0, 1, 2, 4 }, { 0, 10, 20, 40 } }
    local function corners(options)
      local rows = plot.images(X, options).layers[1].rows
      return { rows[1][1], rows[2][2], rows[1][4], rows[2][5] }
    end
    assert.are.same({ 0, 4, 0, 40 }, corners())
    assert.are.same({ 0, 1, 0, 1 }, corners { scale = "each" })
    assert.are.same({ 0.5, 1, 0.5, 1 }, corners { scale = "symmetric" })
  end)

  it("need a shape that fits", function()
    assert.has_error(function() plot.images { { 1, 2, 3 } } end,
      "plot.images: shape must be given: 3 numbers are no square")
    assert.has_error(function() plot.images({ { 1, 2, 3 } }, { shape = { 2, 2 } }) end,
      "plot.images: shape is 2x2, but an image has 3 numbers")
    assert.is_truthy(plot.images({ { 1, 2, 3 } }, { shape = { 1, 3 }, titles = { "t" }, rows = { "r" }, title = "T" })
      :save(in_folder "strip.svg"))
  end)
end)

describe("what a user writes", function()
  it("is text and never a command", function()
    local trap = in_folder "trap"
    local nasty = "`touch TRAP` $(touch TRAP) \"; system('touch TRAP') # ' ''.system(\"touch TRAP\").'' ''' \\ \n" ..
      "!touch TRAP\nEND_OF_DATA\n\r\0'"
    nasty = nasty:gsub("TRAP", trap)
    local fig = plot.figure { title = nasty, xlabel = nasty, ylabel = nasty }
      :points({ 1, 2 }, { 1, 2 }, { classes = { nasty, "b" }, labels = { b = nasty } })
      :line({ 1, 2 }, { 2, 1 }, { label = nasty }):label(1, 1, nasty)
    assert.is_truthy(fig:save(in_folder "nasty.svg"))
    assert.is_truthy(fig:text())
    assert.is_nil(read(trap))
    assert.is_truthy(read(in_folder "nasty.svg"):find("system('touch", 1, true))
  end)

  it("is a file name, even one that begins with a bar", function()
    local trap = in_folder "trap"
    local path, message = squares():save("|touch " .. trap .. ";.svg")
    assert.is_nil(path)
    assert.is_truthy(message:find("No such file or directory", 1, true))
    assert.is_nil(read(trap))
    local quoted = in_folder "it's `a` \"file\".svg"
    assert.are.equal(quoted, squares():save(quoted))
    assert.is_truthy(read(quoted):find("</svg>", 1, true))
  end)
end)

describe("trouble", function()
  it("with files is nil and a message", function()
    local path, message = squares():save(in_folder "no/such/folder.svg")
    assert.is_nil(path)
    assert.is_truthy(message:find("No such file or directory", 1, true))
  end)

  it("without gnuplot is nil and a message, however much there is to plot", function()
    local bin = in_folder "bin"
    assert(os.execute(("mkdir %s && ln -s $(command -v sh) $(command -v cat) %s"):format(bin, bin)))
    local path = in_folder "script.lua"
    local file = assert(io.open(path, "w"))
    file:write [[
local x = {}
for i = 1, 100000 do x[i] = i end
print(require("latent").plot.figure():line(x, x):save(arg[1]))]]
    file:close()
    local lua = helper.interpreter
    local pipe = io.popen(("L=$(command -v %s); PATH=%s exec $L %s %s"):format(lua, bin, path, in_folder "x.svg"))
    local said = pipe:read "a"
    pipe:close()
    assert.is_truthy(said:find("^nil\tplot: gnuplot is not installed"), said)
    assert.is_nil(read(in_folder "x.svg"))
  end)

  it("with arguments raises, and says where and what", function()
    local fig = plot.figure()
    local function fails(message, f, ...)
      local ok, got = pcall(f, ...)
      assert.is_false(ok)
      assert.are.equal(message, (got:gsub("^[^:]*:%d+: ", "")))
    end
    fails("plot.figure: unknown option 'titel'; did you mean 'title'?", plot.figure, { titel = "x" })
    fails("plot.figure: title must be a string, got 3", plot.figure, { title = 3 })
    fails("plot.figure: width must be an integer >= 50, got 0", plot.figure, { width = 0 })
    fails("plot.figure: xrange must be two different finite numbers {low, high}", plot.figure, { xrange = { 1, 1 } })
    fails("figure:points: y has 1 entries, x has 2", fig.points, fig, { 1, 2 }, { 1 })
    fails("figure:points: x must be a vector or a list, got 'a'", fig.points, fig, "a", { 1 })
    fails("figure:points: y[2] must be a number, got 'b'", fig.points, fig, { 1, 2 }, { 1, "b" })
    fails("figure:points: classes has 1 entries, x has 2", fig.points, fig, { 1, 2 }, { 1, 2 }, { classes = { 1 } })
    fails('figure:line: color must be "#rrggbb", a name such as "red", or 1 to 10, got \'rot\'', fig.line,
      fig, { 1 }, { 1 }, { color = "rot" })
    fails("figure:band: high has 1 entries, x has 2", fig.band, fig, { 1, 2 }, { 1, 2 }, { 1 })
    fails("figure:ellipse: covariance must be positive semidefinite", fig.ellipse, fig, { 0, 0 },
      { { 1, 2 }, { 2, 1 } })
    fails("figure:image: A must be a matrix, got a list", fig.image, fig, { 1, 2 })
    fails("figure:image: A[2] has 1 entries, A[1] has 2", fig.image, fig, { { 1, 2 }, { 1 } })
    fails("figure:save: path must end in .svg, .png or .pdf, got 'x.gif'", fig.save, fig, "x.gif")
    local ok, message = pcall(function() fig:line({ 1 }, {}) end)
    assert.is_false(ok)
    assert.is_truthy(message:find("^spec/plot_spec%.lua:%d+: figure:line: y has 0 entries, x has 1"))
  end)
end)
