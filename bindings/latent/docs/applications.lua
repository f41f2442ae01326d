-- The module and the C library inside of applications: a topic.

return {
  {
    name = "applications",
    topic = true,
    summary = "The module in an application that embeds Lua, and the C library in one that doesn't.",
    text = [[
The module links no liblua, sets no global, and may be opened in any number of Lua states, in any number of threads.
`require` finds it as usual; a host that is linked with liblatent.a opens it by

  int luaopen_latent(lua_State *L);
  luaL_requiref(L, "latent", luaopen_latent, 0);

The parts in Lua (help, plot, datasets, blocks, classifier and a few more) are looked for on `package.path` at their
first use; the rest works without them.

Work is spread over a pool of threads that sleeps when idle, makes itself anew after a fork, and does without where
a thread can't be made. latent.threads(n) or LATENT_NUM_THREADS says how many; OpenBLAS has one while a call into
latent lasts, and then the host's number again. Of glibc the loader picks the loops for the processor; with musl
(make CC=musl-gcc) they are plain x86-64.

C and C++ programs include latent.h, which opens with a tour, and link with `pkg-config --libs latent`; scripts/c
has a numbered program for each model and each task. One that scores row after row prepares the model once
(lat_gmm_prepare and its siblings); in Lua models do so by themselves, and with the option `out` a call allocates
nothing.

A program that has frames to draw gives a fit a slice of time at a time: model:fit_for(X, 0.002) says whether it is
done, and lat_fit_slice is the same in C; the result is the same bits.

A host and its scripts share memory and models by latent_lua.h, which needs no link: a buffer of the host's is a
matrix in Lua without a copy and is released when nobody has it, a matrix of Lua's is a view in C, and what one side
has fitted the other scores (scripts/c/18_lua_host.c, latent.help "hosts").

Code of others runs in a sandbox: latent.sandbox(), or in C, before the module is opened,

  lua_pushboolean(L, 1);
  lua_setfield(L, LUA_REGISTRYINDEX, "latent.sandbox");

withholds all that touches files or processes, for good; latent.load_string and model:save_string take and give
models without files. model:export ships a fitted model as one file of C99, Lua or ONNX that needs no library.]],
  },
}
