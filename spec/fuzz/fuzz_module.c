/* Fuzz target: files as Lua sees them. The first byte chooses the ending, the rest is the file: latent.load for
 * models (which are then used), latent.read and latent.open for the others. Refusals are nil and a message,
 * or an error for what can't be a model; there are no others. */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "latent.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static const char script[] =
    "local latent = ...\n"
    "local X = latent.matrix.normal(5, 3, latent.random(1))\n"
    "local methods = { 'transform', 'predict', 'log_likelihood', 'reconstruct', 'score', 'sample' "
    "}\n"
    "return function(path)\n"
    "  local function check(ok, value, message)\n"
    "    if ok and value == nil then assert(type(message) == 'string' and message:find(path, 1, "
    "true)) end\n"
    "    if not ok then assert(type(value) == 'string' and not value:find 'attempt to ', value) "
    "end\n"
    "    return ok and value\n"
    "  end\n"
    "  if not path:find 'model' then\n"
    "    check(pcall(latent.read, path))\n"
    "    local A = check(pcall(latent.open, path))\n"
    "    if A then A:sum() end\n"
    "    return\n"
    "  end\n"
    "  local model = check(pcall(latent.load, path))\n"
    "  if not model then return end\n"
    "  tostring(model)\n"
    "  for _, name in ipairs(methods) do\n"
    "    local there, method = pcall(function() return model[name] end)\n"
    "    if there and method then check(pcall(method, model, name == 'sample' and 2 or X)) end\n"
    "  end\n"
    "end\n";

static const char *const endings[] = {
    "model.safetensors", "a.safetensors", "a.npy", "a.csv", "a.tsv", "a.idx",
    "a.npy.gz",          "a.csv.gz",      "a.npz", "a.png"};

static char folder[64], path[128];
static lua_State *state;

static void remove_all(void)
{
  lua_close(state);
  unlink(path);
  rmdir(folder);
}

static void begin(void)
{
  snprintf(folder, sizeof folder, "%s", "/tmp/latent-fuzz-XXXXXX");
  if (!mkdtemp(folder)) exit(2);
  lua_State *L = state = luaL_newstate();
  luaL_openlibs(L);
  if (luaL_loadstring(L, script) != LUA_OK) abort();
  luaL_requiref(L, "latent", luaopen_latent, 0);
  if (lua_pcall(L, 1, 1, 0) != LUA_OK) abort();
  atexit(remove_all);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
  if (!state) begin();
  if (size == 0) return 0;
  const char *name = endings[data[0] % (sizeof endings / sizeof *endings)];
  if (path[0]) unlink(path);
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE *file = fopen(path, "wb");
  if (!file || fwrite(data + 1, 1, size - 1, file) != size - 1 || fclose(file) != 0) exit(2);
  lua_pushvalue(state, 1);
  lua_pushstring(state, path);
  if (lua_pcall(state, 1, 0, 0) != LUA_OK) {
    fprintf(stderr, "%s\n", lua_tostring(state, -1));
    abort();
  }
  return 0;
}
