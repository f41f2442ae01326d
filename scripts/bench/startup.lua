-- What loading the module adds to starting Lua: twenty processes a turn.
local function processes(code)
  return function()
    local command = ("%s -e '%s'"):format(arg[-1] or "lua5.4", code)
    return function()
      for _ = 1, 20 do assert(os.execute(command)) end
    end
  end
end

return {
  name = "startup_x20",
  sides = {
    { name = "latent", lua = processes 'require "latent"' },
    { name = "lua alone", lua = processes "" },
  },
  extra = 20 * 0.010,
}
