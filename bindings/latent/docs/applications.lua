-- The module and the C library inside of applications: a topic, which says once what hosts and host_programs rest on.

return {
  {
    name = "applications",
    topic = true,
    summary = "The module in an application that embeds Lua, and the C library in one that doesn't.",
    text = [[
What holds in all of them. Of an application in C that embeds Lua, "hosts" says how it shares matrices and models with
its scripts; "host_programs" which servers, games and other programs with Lua within can have the module, and what each
needs.

The module links no liblua, sets no global, keeps all in the Lua state, and may be opened in any number of states, in
any number of threads; one state is one thread's at a time. `require` finds it as usual; a host that is linked with
liblatent.a opens it by

  int luaopen_latent(lua_State *L);
  luaL_requiref(L, "latent", luaopen_latent, 0);

The parts in Lua (help, plot, datasets, blocks, classifier and a few more) are looked for on `package.path` at their
first use; the rest works without them.

Threads. Work is spread over a pool that is the process's, sleeps when idle, and does without where a thread can't be
made (a limit of processes). latent.threads(n) or LATENT_NUM_THREADS says how many; of several calls at once one has the
pool, the others work in their own thread. There are no signal handlers, and workers block all signals. OpenBLAS has one
thread while a call into latent lasts, and then the host's number again. Of glibc the loader picks the loops for the
processor; with musl (make CC=musl-gcc) they are plain x86-64.

Fork. The pool makes itself anew in a child, also where the parent's was busy: a server may load and fit first and fork
then, and children share the parent's pages.

C and C++ programs include latent.h, which opens with a tour, and link with `pkg-config --libs latent`; scripts/c
has a numbered program for each model and each task. One that scores row after row prepares the model once
(lat_gmm_prepare and its siblings); in Lua models do so by themselves, and with the option `out` a call allocates
nothing.

A program that has frames to draw gives a fit a slice of time at a time: model:fit_for(X, 0.002) says whether it is
done, and lat_fit_slice is the same in C; the result is the same bits.

Code of others runs in a sandbox: latent.sandbox(), or in C, before the module is opened,

  lua_pushboolean(L, 1);
  lua_setfield(L, LUA_REGISTRYINDEX, "latent.sandbox");

withholds all that touches files or processes, for good; latent.load_string and model:save_string take and give
models without files. model:export ships a fitted model as one file of C99, Lua or ONNX that needs no library.]],
  },
}
