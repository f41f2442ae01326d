-- What `make install` puts where Lua looks: the module and the parts in Lua, with the data sets.
return {
  name = "installed_size",
  measure = function(build)
    local root = build .. "/bench/installed"
    assert(os.execute(("make --silent install PREFIX=/usr DESTDIR='%s' >/dev/null"):format(root)))
    local pipe = io.popen(("du -sb '%s/usr/lib/lua' '%s/usr/share/lua'"):format(root, root))
    local bytes = 0
    for line in pipe:lines() do bytes = bytes + tonumber(line:match "^%d+") end
    pipe:close()
    return bytes
  end,
  most = 4e6,
}
