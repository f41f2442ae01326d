-- README.md says what is true: its Lua runs and prints what it shows, its commands exist.
local helper = require "helper"
local function read(path)
  local file = assert(io.open(path))
  local text = file:read "a"
  file:close()
  return text
end

local readme = read "README.md"

local function blocks(language)
  local found = {}
  for text in readme:gmatch("\n```" .. language .. "\n(.-)```") do found[#found + 1] = text end
  return found
end

-- What Lua prints for some code, as a script or typed into its prompt, in a folder of its own.
local function run(code, interactive)
  local folder = os.tmpname()
  os.remove(folder)
  assert(os.execute("mkdir " .. folder))
  local file = assert(io.open(folder .. "/code.lua", "w"))
  file:write(code)
  file:close()
  local lua = helper.interpreter
  local pipe = io.popen(("cd %s && %s %s 2>&1"):format(folder, lua, interactive and "-i <code.lua" or "code.lua"))
  local said = pipe:read "a"
  pipe:close()
  os.execute("rm -r " .. folder)
  return said
end

describe("README.md", function()
  it("opens with ten lines that print what it shows", function()
    local code, shown = blocks "lua" [1], blocks "text" [1]
    local _, lines = code:gsub("\n", "")
    assert.is_true(lines <= 10)
    assert.are.equal(shown, run(code))
  end)

  it("opens with lines that can be pasted into a REPL", function()
    local said = run(blocks "lua" [1], true)
    for line in blocks "text" [1]:gmatch "[^\n]+" do
      assert.is_truthy(said:find(line, 1, true), said)
    end
    assert.is_nil(said:find("stdin:", 1, true), said) -- an error would name it
  end)

  it("has a tour that runs", function()
    local all = table.concat(blocks "lua", "\n")
    local said = run(all .. "\nprint 'the end'")
    assert.is_truthy(said:find("the end\n$"), said)
  end)

  it("has commands that make knows", function()
    local commands = blocks "sh" [1]
    assert.are.equal("make deps demo\nmake deps test\n", commands)
    for target in commands:gsub("make", ""):gmatch "%a+" do
      assert.is_truthy(read "Makefile":find("\n" .. target .. ":", 1, true), target)
    end
  end)

  it("names files and pictures that exist", function()
    for path in readme:gmatch "%]%(([^)]+)%)" do
      if not path:find "^https?:" then assert.is_truthy(io.open(path), path) end
    end
    for path in readme:gmatch "`([%w_/.]+/[%w_.]*)`" do
      if not path:find "^build" then assert.is_truthy(os.execute("ls -d " .. path .. " bindings/" .. path ..
        " core/" .. path .. " scripts/" .. path .. " 2>/dev/null | grep -q ."), path) end
    end
  end)
end)
