-- Hosts in C and C++ that embed Lua.

return {
  {
    name = "hosts",
    topic = true,
    summary = "Applications in C that embed Lua: their memory as matrices, models of scripts in C, and the reverse.",
    text = [[
How a host opens the module, and what it does about threads and forks, is in "applications".

latent_lua.h is for what hosts and scripts hand to each other. Its functions are inline and call the module of the state
by a table in the registry, so that there is nothing to link; a module of another version is refused with a message.

  cc host.c $(pkg-config --cflags latent lua5.4) $(pkg-config --libs lua5.4)

Matrices. The host's memory becomes a matrix without a copy, of any strides, float64 or float32:

  lat_matrix view = lat_lua_matrix(numbers, rows, cols);
  lat_lua_push_matrix(L, &view, 0, free, numbers);     free(numbers) once nobody in Lua has it, or at lua_close
  lat_lua_take_back(L, index);                         now; what scripts have kept of it raises when it is used

LAT_LUA_READONLY makes it read-only, LAT_LUA_VECTOR a vector. A matrix of Lua's is viewed in place, as long as Lua
reaches it; lat_lua_new_matrix makes one for the host to fill:

  lat_matrix X = lat_lua_check_matrix(L, 1, "score", "X", 0);   LAT_LUA_WRITE: it must be writable

Models. A model that a script has fitted is viewed by name, and what is viewed stays as it was when the script fits
the model again. A row takes no allocation with what lat_gmm_prepare has derived once:

  lat_fitted fitted = lat_lua_check_model(L, 1, "score", "model", "gmm");   pushes what keeps the view
  lat_gmm gmm = lat_gmm_of(&fitted);
  lat_gmm_apply(&work, &gmm, &request, &outputs);

A host without the C library calls fitted.model->apply, with lat_lua_workspace(L). What C has fitted goes to scripts by
a copy:

  lat_fitted fitted = lat_gmm_fitted(&gmm);
  lat_lua_push_model(L, &fitted, &report);

Models with nets, lat_vae_fitted(&vae), go with all that training goes on from, and linear dynamical systems by
lat_lds_fitted, unless their matrices vary. Models of Lua functions are Lua's alone.

Errors are Lua errors, as those of Lua's own interface: call these functions from C functions that Lua calls, or by
lua_pcall. The header says of each function who owns what, and for how long; scripts/c/18_lua_host.c is a whole host.]],
  },
}
