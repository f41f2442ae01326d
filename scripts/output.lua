-- output.lua: where the scripts' pictures go. Given a folder, which it makes, it returns
--
--   save(name, figure)   writes the figure there as SVG and PNG, and says where; ends the script when it can't
--   printf(format, ...)
--
--   local save, printf = dofile((arg[0]:match "^.*/" or "") .. "output.lua")(folder)

local function printf(format, ...) print(format:format(...)) end

return function(folder)
  assert(os.execute("mkdir -p '" .. folder:gsub("'", "'\\''") .. "'"))
  local function save(name, figure)
    for _, ending in ipairs { ".svg", ".png" } do
      local path, message = figure:save(folder .. "/" .. name .. ending)
      if not path then
        io.stderr:write(message, "\n")
        os.exit(1)
      end
      print("  " .. path)
    end
  end
  return save, printf
end
