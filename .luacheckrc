std = "lua54"
max_line_length = 120
files["spec"] = { std = "lua54+busted" }
files["notebooks/kernel/session.lua"] = { globals = { "arg", "io.read", "coroutine.resume", "coroutine.wrap" } }
exclude_files = { "build" }
