-- Which programs with Lua within can have the module, and how.

return {
  {
    name = "host_programs",
    topic = true,
    summary = "Servers, games, Python and other programs with Lua within: which work, and what each needs.",
    text = [[
The module needs Lua 5.4 within the program, and finds lua_* there; how it behaves in all of them is in "applications".
What specs run (spec/hosts_spec.lua, make host-deps) on Debian:

  lua5.4, Prosody's interpreter    as it is
  lighttpd, mod_magnet             package lighttpd-modules-lua
  clingo, #script (lua)            package gringo; require within the script
  Python, lupa                     lupa.lua54, with RTLD_GLOBAL (below)
  C and C++                        linked with liblatent.a or by require: "hosts"
  a game                           a slice of a fit in each frame: fit_for and steps with a budget, "fitting"
  scripts of others                latent.sandbox, and a limit of memory by the state's allocator
  HAProxy (Lua 5.3)                the exported model: model:export "model.lua"; so any host with 5.1, 5.3 or LuaJIT

Another Lua than 5.4 is told so by a message. Redis has no require, and no files: there paste the exported model.

Finding it. LUA_PATH and LUA_CPATH in the program's environment, or where make install puts it, which Lua looks at
anyway. In a script that runs at each request set package.cpath once only: it would grow with every request. With
server.chroot the module and the libraries that it needs must be inside.

lighttpd runs a script at each request in one state that lives on, one in each worker. What is made once goes into
package.loaded; a row and an out make a request that allocates nothing:

  local host = package.loaded["host.model"]
  if not host then
    local latent = require "latent"
    local model = assert(latent.load "/srv/model.safetensors")
    host = { model = model, row = latent.matrix.zeros(1, 4), out = latent.matrix.zeros(1) }
    package.loaded["host.model"] = host
  end
  ... host.row:set(1, j, number) ...
  host.model:log_likelihood(host.row, { out = host.out })

A request that learns calls model:partial_fit(row, { rate = 0.01 }) before; workers learn each for themselves. A long
call blocks all connections of its worker. Measured with K = 3, D = 4, one connection, on one machine: a request
without latent takes 14 microseconds, one that scores 16, one that learns 25; 100,000 that score leave memory as it was.

Python. Lua is within lupa's extension module, and latent.so must find it:

  flags = sys.getdlopenflags()
  sys.setdlopenflags(os.RTLD_NOW | os.RTLD_GLOBAL)
  import lupa.lua54 as lupa
  sys.setdlopenflags(flags)                       # before NumPy: see below
  import numpy

With the flags still set NumPy's own OpenBLAS becomes global, too, and the two libraries' inner names mix: the next
factorization crashes. The same holds for any program that makes an OpenBLAS global besides. A plugin that is opened
without RTLD_GLOBAL and has liblua behind it: dlopen("liblua5.4.so.0", RTLD_NOW | RTLD_GLOBAL) first. A program with
Lua linked in statically exports its names: -Wl,-E.

OpenBLAS. Debian's builds have one name, libopenblas.so.0; alternatives or LD_LIBRARY_PATH choose, latent.blas() says:

  pthread        the one to have
  OpenMP         right, also from several threads; a program may fork before the first call only
  serial         not safe from several threads: latent.threads() stays 1, and a program with states in several threads
                 must let only one call at a time

BLIS and the reference library: make BLAS=blis, or BLAS=blas for the system's libblas and liblapack.
OPENBLAS_NUM_THREADS=1 saves the threads that OpenBLAS would make when it is loaded, which latent has no use for but in
large factorizations.

Sizes, stripped, x86-64: latent.so 3.3 MB, as is a program with all of Lua's module linked in; a C program that factors
a matrix and has nothing else 48 kB. OpenBLAS, for all processors, is 36 MB. A wholly static program needs libopenblas.a
and libgfortran.a (pkg-config --static --libs latent): with all of Lua and of the module it is 30 MB, the C program
26 MB, nearly all of it OpenBLAS for every processor.]],
  },
}
