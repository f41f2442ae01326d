rockspec_format = "3.0"
package = "latent"
version = "scm-1"
source = { url = "git+file://." }
description = {
  summary = "Latent variable models, by EM and deep, on matrices in C and OpenBLAS",
  detailed = [[
A C11 library for latent variable models, and a Lua 5.4 module over it. Needs OpenBLAS and LAPACKE with
their headers (Debian: libopenblas-dev liblapacke-dev).]],
  license = "MIT",
  labels = { "math", "statistics", "machine-learning", "matrix" },
}
dependencies = { "lua >= 5.4, < 5.5" }
test_dependencies = { "busted" }
build = {
  type = "make",
  build_target = "all",
  build_variables = {
    CFLAGS = "$(CFLAGS) -O3",
    LIBFLAG = "$(LIBFLAG)",
    LUA_INCDIR = "$(LUA_INCDIR)",
  },
  install_variables = {
    INST_LIBDIR = "$(LIBDIR)",
    INST_LUADIR = "$(LUADIR)",
  },
}
test = { type = "command", command = "make test" }
