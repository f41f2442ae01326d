-- Every function of the core leaves a workspace as it found it, unless its comment says that it keeps something
-- (core/base/workspace.h). Here the sources are read: a public function that allocates, itself or in what it calls,
-- has a LAT_SCOPE, or a comment with "Keeps".

-- The functions of the .c files, and the same by file and name, and the public ones by name.
local function read_functions()
  local functions, own, public = {}, {}, {}
  local files = io.popen("find core -name '*.c' | sort")
  for path in files:lines() do
    own[path] = {}
    local signature, body = "", nil
    for line in io.lines(path) do
      if body and line == "}" then
        local name = signature:match("([%w_]+)%s*%(")
        local f = { name = name, path = path, body = table.concat(body, "\n"), static = signature:find("^static") }
        functions[#functions + 1] = f
        own[path][name] = f
        if not f.static then public[name] = f end
        body = nil
      elseif body then
        body[#body + 1] = line
      elseif line == "{" then
        body = {}
      elseif line:find("^%a") then
        signature = line
      end
    end
  end
  files:close()
  return functions, own, public
end

-- What makes f keep memory: the name of an allocating function that it calls without a scope, or nil.
local function allocates(f, own, public)
  if f.body:find("LAT_SCOPE(", 1, true) then return nil end
  local body = f.body:gsub("lat_allocate%(&tape%->memory", "") -- which is the tape's
  for name in body:gmatch("([%a_][%w_]*)%s*%(") do
    local called = own[f.path][name] or public[name]
    if name == "lat_allocate" or called and called ~= f and called.keeps then return name end
  end
end

-- The comments before the declarations of the headers.
local function read_comments()
  local comments = {}
  local files = io.popen("find core/*/ -name '*.h' | grep -v workspace.h | sort")
  for path in files:lines() do
    local comment = ""
    for line in io.lines(path) do
      local name = line:match("^[%a][%w_ ]-[ *](lat_[%w_]+)%(")
      if line:find("^/%*") then comment = "" end
      if line:find("^ ?/?%*") then comment = comment .. line .. "\n" end
      if name then
        comments[name] = comment
        comment = ""
      end
    end
  end
  files:close()
  return comments
end

describe("the workspace", function()
  local functions, own, public, comments

  setup(function()
    functions, own, public = read_functions()
    comments = read_comments()
    assert(#functions > 1000, "the sources were not found")
    local found
    repeat
      found = 0
      for _, f in ipairs(functions) do
        if not f.keeps then
          f.keeps = allocates(f, own, public)
          if f.keeps then found = found + 1 end
        end
      end
    until found == 0
  end)

  it("is left as it was by every public function that doesn't say that it keeps something", function()
    local wrong = {}
    for _, f in ipairs(functions) do
      local comment = comments[f.name] or ""
      if f.keeps and not f.static and not comment:find("[Kk]eeps") and not f.path:find("/workspace.c") then
        wrong[#wrong + 1] = ("%s: %s calls %s"):format(f.path, f.name, f.keeps)
      end
    end
    assert.equal("", table.concat(wrong, "\n"))
  end)

  it("is kept by no function whose comment says so in vain", function()
    local wrong = {}
    for name, comment in pairs(comments) do
      local f = public[name]
      if f and comment:find("Keeps ", 1, true) and not f.keeps then wrong[#wrong + 1] = name end
    end
    assert.equal("", table.concat(wrong, " "))
  end)
end)
