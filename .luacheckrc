std = "lua54"
max_line_length = 120
files["spec"] = { std = "lua54+busted" }
files["spec/hosts"] = { read_globals = { "lighty", "core" } }
files["notebooks/kernel/session.lua"] = { globals = { "arg", "io.read" } }
files["bindings/latent/session.lua"] = { globals = { "coroutine.resume", "coroutine.wrap" } }
files["bindings/latent/command.lua"] = { globals = { "arg" } }
exclude_files = { "build" }
