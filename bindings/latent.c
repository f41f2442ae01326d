/* latent.c: luaopen_latent, which makes the module from its parts, and what plain Lua can't ask
 * the system for: threads, a terminal's width, a fine clock. */
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/blas_library.h"
#include "base/words.h"
#include "lua/binding.h"
#include "model/methods.h"
#include "models/lds/lds_tracker.h"
#include "nn/nn.h"

#define LATENT_SANDBOX "latent.sandbox" /* the registry's field for hosts: README.md */

/* The parts in Lua, required at their first use. */
static const char *const parts[] = {
    "help",       "blocks", "plot",    "progress", "datasets",       "batches", "gmm_select",
    "classifier", "folds",  "metrics", "split",    "cross_validate", NULL};

/* __index of a table of the module, whose name is the upvalue. */
static int index_table(lua_State *L)
{
  return latL_absent(L, lua_tostring(L, lua_upvalueindex(1)), true);
}

/* __call of one that is no function. */
static int call_table(lua_State *L)
{
  const char *name = lua_tostring(L, lua_upvalueindex(1));
  return latL_error(L, name, "it is a table of functions, latent.help(%s) lists them", name);
}

/* Names that the table on the top doesn't have raise, if nothing else finds them: latent.`name`. */
static void guard(lua_State *L, const char *name)
{
  if (!lua_istable(L, -1)) return;
  if (!lua_getmetatable(L, -1)) {
    lua_createtable(L, 0, 2);
    lua_pushboolean(L, false);
    lua_setfield(L, -2, "__metatable");
  }
  lua_pushliteral(L, "__index");
  if (lua_rawget(L, -2) == LUA_TNIL) {
    lua_pushfstring(L, "latent.%s", name);
    lua_pushcclosure(L, index_table, 1);
    lua_setfield(L, -3, "__index");
    lua_pushfstring(L, "latent.%s", name);
    lua_setfield(L, -3, LATL_TABLE); /* for messages: latent.matrix:zeros(2) */
    if (lua_getfield(L, -2, "__call") == LUA_TNIL) {
      lua_pushfstring(L, "latent.%s", name);
      lua_pushcclosure(L, call_table, 1);
      lua_setfield(L, -4, "__call");
    }
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  lua_setmetatable(L, -2);
}

static int lazy_part(lua_State *L)
{
  const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
  size_t i = 0;
  while (parts[i] && strcmp(parts[i], name) != 0) i++;
  if (!lua_istable(L, 1)) return 0;
  if (!parts[i]) return latL_absent(L, "latent", true);
  latL_allow(L, lua_pushfstring(L, "latent.%s", name));
  lua_getfield(L, LUA_REGISTRYINDEX, LATL_REQUIRE);
  lua_pushfstring(L, "latent.%s", name);
  lua_call(L, 1, 1);
  guard(L, name);
  lua_pushvalue(L, 2);
  lua_pushvalue(L, -2);
  lua_rawset(L, 1);
  return 1;
}

/* Of the parts in Lua, which the module on the top gets at once, with what they would get later: in
 * a sandbox no file of theirs is read any more, and nobody has changed what they keep of the module
 * for themselves. A part that isn't installed is none. */
static void load_parts(lua_State *L)
{
  static const char *const inner[] = {"latent.plot.gnuplot", "latent.export", NULL};
  int module = lua_gettop(L);
  for (size_t i = 0; parts[i]; i++) {
    lua_pushcfunction(L, lazy_part);
    lua_pushvalue(L, module);
    lua_pushstring(L, parts[i]);
    lua_pcall(L, 2, 0, 0);
    lua_settop(L, module);
  }
  for (size_t i = 0; inner[i]; i++) {
    lua_getfield(L, LUA_REGISTRYINDEX, LATL_REQUIRE);
    lua_pushstring(L, inner[i]);
    lua_pcall(L, 1, 0, 0);
    lua_settop(L, module);
  }
}

/* latent.sandbox() -> the module, of which nothing touches files or processes from now on */
static int sandbox(lua_State *L)
{
  latL_nooptions(L, 1, "latent.sandbox");
  if (!lua_isnoneornil(L, 1))
    return latL_error(L, "latent.sandbox", "it is called without arguments, got %s",
                      latL_got(L, 1));
  lua_settop(L, 0);
  lua_pushvalue(L, lua_upvalueindex(1));
  if (!latL_iswithheld(L)) load_parts(L);
  latL_withhold(L);
  return 1;
}

/* The host's flag, in the registry before the module is opened. The module on the top is what
 * `require` will give; the parts require it. */
static void heed_flag(lua_State *L)
{
  lua_getfield(L, LUA_REGISTRYINDEX, LATENT_SANDBOX);
  bool wanted = lua_toboolean(L, -1);
  lua_pop(L, 1);
  if (!wanted) return;
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  lua_pushvalue(L, -2);
  lua_setfield(L, -2, "latent");
  lua_pop(L, 1);
  load_parts(L);
  latL_withhold(L);
}

/* latent._allow(who): raises in a sandbox. For the parts in Lua. */
static int allow(lua_State *L, const latL_Function *f)
{
  latL_allow(L, latL_checkstring(L, 1, f->who, "who"));
  return 0;
}

/* latent.threads([n]) -> how many threads work from now on, for the whole process */
static int threads(lua_State *L, const latL_Function *f)
{
  if (!lua_isnil(L, 1)) latL_allow(L, f->who);
  if (!lua_isnil(L, 1)) lat_threads_set(latL_checksize(L, 1, f->who, "n"));
  return latL_returninteger(L, (lua_Integer)lat_threads());
}

/* latent.blas() -> the BLAS that is linked */
static int blas(lua_State *L, const latL_Function *f)
{
  latL_nooptions(L, 1, f->who);
  lua_pushstring(L, lat_blas_name());
  return 1;
}

/* terminal([file]): columns, or nil when the file isn't a terminal. */
static int terminal(lua_State *L, const latL_Function *f)
{
  FILE *file = stderr;
  if (!lua_isnil(L, 1)) {
    luaL_Stream *stream = luaL_testudata(L, 1, LUA_FILEHANDLE);
    if (!stream)
      return latL_error(L, f->who, "file must be an open file, got %s", latL_typename(L, 1));
    if (!stream->closef) return latL_error(L, f->who, "file is closed");
    file = stream->f;
  }
  struct winsize size = {0};
  int descriptor = fileno(file);
  if (!isatty(descriptor)) return 0;
  /* a serial line knows no size */
  if (ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) size.ws_col = 80;
  return latL_returninteger(L, size.ws_col);
}

/* clock(): seconds since some moment, of a clock that never goes back. */
static int wall_clock(lua_State *L, const latL_Function *f)
{
  latL_nooptions(L, 1, f->who);
  return latL_returnnumber(L, lat_clock());
}

/* latent._memory(): bytes that the machine has, for what would be larger than all of it. */
static int machine_memory(lua_State *L, const latL_Function *f)
{
  (void)f;
  return latL_returnnumber(L, (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE));
}

/* latent._nearest(word, words): the one of the list that is nearest, or nil; latent._distance(a,
 * b): the edit distance. For the parts in Lua, as their underscores say. */
static int nearest(lua_State *L, const latL_Function *f)
{
  size_t count;
  const char *word = latL_checkstring(L, 1, f->who, "word");
  lua_createtable(L, 0, 1);
  lua_pushvalue(L, 2);
  lua_setfield(L, -2, "words");
  const char **words = latL_optstrings(L, lua_gettop(L), f->who, "words", "strings", &count);
  lua_pushstring(L, words ? lat_nearest_word(word, words) : NULL);
  return 1;
}

static int distance(lua_State *L, const latL_Function *f)
{
  const char *a = latL_checkstring(L, 1, f->who, "a"), *b = latL_checkstring(L, 2, f->who, "b");
  return latL_returninteger(L, (lua_Integer)lat_word_distance(a, b));
}

/* latent._tell(f, after, every): the function that is told of calls that take longer than so many
 * seconds, and how often, or nil. For latent.progress. */
static int set_told(lua_State *L, const latL_Function *f)
{
  if (!lua_isnil(L, 1) && !lua_isfunction(L, 1))
    return latL_error(L, f->who, "f must be a function, got %s", latL_typename(L, 1));
  double after = latL_checknumber(L, 2, f->who, "after");
  double every = latL_checknumber(L, 3, f->who, "every");
  lua_settop(L, 1);
  latL_settold(L, after, every);
  return 0;
}

static const latL_Function functions[] = {{"latent.threads", threads, .arguments = 1},
                                          {"latent.blas", blas, .arguments = 0},
                                          {"latent.terminal", terminal, .arguments = 1},
                                          {"latent.clock", wall_clock, .arguments = 0},
                                          {"latent._allow", allow, .arguments = 0},
                                          {"latent._nearest", nearest, .arguments = 0},
                                          {"latent._distance", distance, .arguments = 2},
                                          {"latent._tell", set_told, .arguments = 3},
                                          {"latent._memory", machine_memory, .arguments = 0},
                                          LATL_END};

#define OPEN_MODEL(name)            latL_openmodel(L, &latL_##name##_kind);
#define OPEN_PART(name)             latL_open_##name(L);
#define OPEN_CLASS(name)            latL_newclass(L, &latL_##name##_class);
#define ADD_METHODS(name, of)       latL_addtoclass(L, of, latL_##name##_methods);
#define ADD_FUNCTIONS(name, module) latL_addtomodule(L, module, latL_##name##_functions);

void latL_open_models(lua_State *L)
{
  LATL_MODELS(OPEN_MODEL)
}

/* Lua 5.1, its JIT, 5.2 and 5.3: by what they have themselves. */
static int fail_older(lua_State *L)
{
  const char *version = "an older one";
  if (lua_getglobal) {
    lua_getglobal(L, "_VERSION");
    version = lua_tolstring(L, -1, NULL);
  }
  return luaL_error(L, "latent needs Lua 5.4, and this is %s", version ? version : "another one");
}

__attribute__((visibility("default"))) int luaopen_latent(lua_State *L)
{
  if (!lua_newuserdatauv) return fail_older(L);
  luaL_checkversion(L);
  lua_newtable(L);
  LATL_MODULES(OPEN_PART, OPEN_CLASS, ADD_METHODS, ADD_FUNCTIONS)
  for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) guard(L, lua_tostring(L, -2));
  latL_setremedy(L, latL_modelremedy);
  latL_addfunctions(L, functions);
  lua_pushliteral(L, LAT_VERSION);
  lua_setfield(L, -2, "version");
  lua_pushliteral(L, "latent " LAT_VERSION);
  lua_setfield(L, -2, "_VERSION");
  lua_createtable(L, 0, 2);
  lua_pushcfunction(L, lazy_part);
  lua_setfield(L, -2, "__index");
  lua_pushboolean(L, false);
  lua_setfield(L, -2, "__metatable");
  lua_setmetatable(L, -2);
  lua_pushvalue(L, -1);
  lua_pushcclosure(L, sandbox, 1);
  lua_setfield(L, -2, "sandbox");
  heed_flag(L);
  return 1;
}
