/* random.c: the type latent.Random: generators of random numbers, split, copied, their state. */
#include "lua/random.h"

#include <time.h>
#if defined(__linux__)
#include <sys/random.h>
#endif

#include "lua/modules.h"
#include "lua/options.h"
#include "lua/state.h"

static const char default_key = 0; /* the registry's key of the state's own generator */

lat_random *latL_newrandom(lua_State *L, lat_random value)
{
  lat_random *random = lua_newuserdatauv(L, sizeof *random, 0);
  *random = value;
  luaL_setmetatable(L, LATL_RANDOM);
  return random;
}

lat_random *latL_selfrandom(lua_State *L, const char *who)
{
  lat_random *random = luaL_testudata(L, 1, LATL_RANDOM);
  if (!random) latL_error(L, who, "self must be a latent.Random, got %s", luaL_typename(L, 1));
  return random;
}

lat_random *latL_checkrandom(lua_State *L, int arg, const char *who)
{
  lat_random *random = luaL_testudata(L, arg, LATL_RANDOM);
  if (random) return random;
  if (lua_isnoneornil(L, arg)) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &default_key);
    random = lua_touserdata(L, -1);
    lua_pop(L, 1); /* the registry keeps it */
    return random;
  }
  if (lua_type(L, arg) != LUA_TNUMBER)
    latL_error(L, who, "seed must be an integer or a latent.Random, got %s", luaL_typename(L, arg));
  arg = lua_absindex(L, arg);
  random =
      latL_newrandom(L, (lat_random){.seed = (uint64_t)latL_checkinteger(L, arg, who, "seed")});
  lua_replace(L, arg);
  return random;
}

/* ---- making them ------------------------------------------------------------------------ */

/* 63 bits from the operating system, so that a seed is never negative. */
static lua_Integer entropy(const void *somewhere)
{
  uint64_t seed = 0;
#if defined(__linux__)
  if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) == (ssize_t)sizeof seed)
    return (lua_Integer)(seed >> 1);
#endif
  struct timespec now;
  timespec_get(&now, TIME_UTC);
  lat_random mix = {.seed = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec,
                    .stream = (uint64_t)(uintptr_t)somewhere};
  return (lua_Integer)(lat_random_word(&mix) >> 1);
}

static int make(lua_State *L, const latL_Function *f)
{
  lua_Integer seed = lua_isnil(L, 1) ? entropy(L) : latL_checkinteger(L, 1, f->who, "seed");
  latL_newrandom(L, (lat_random){.seed = (uint64_t)seed});
  return 1;
}

enum { MOST_SPLITS = 1 << 20 }; /* generators of one call: each is a value of Lua's */

static int split(lua_State *L, const latL_Function *f)
{
  lat_random *random = latL_selfrandom(L, f->who);
  if (lua_isnil(L, 2)) {
    latL_newrandom(L, lat_random_split(random));
    return 1;
  }
  size_t k = latL_checksize(L, 2, f->who, "k");
  if (k > MOST_SPLITS)
    latL_error(L, f->who, "k must be at most %d, got %I", MOST_SPLITS, (lua_Integer)k);
  lua_newtable(L);
  lat_workspace *work = latL_workspace(L);
  for (size_t i = 1; i <= k; i++) {
    if (i % 4096 == 0) latL_ask(L, f->who, work);
    latL_newrandom(L, lat_random_split(random));
    lua_rawseti(L, -2, (lua_Integer)i);
  }
  return 1;
}

static int stream(lua_State *L, const latL_Function *f)
{
  lat_random *random = latL_selfrandom(L, f->who);
  lua_Integer i = latL_checkinteger(L, 2, f->who, "i");
  latL_newrandom(L, (lat_random){.seed = random->seed, .stream = (uint64_t)i});
  return 1;
}

static int copy(lua_State *L, const latL_Function *f)
{
  latL_newrandom(L, *latL_selfrandom(L, f->who));
  return 1;
}

/* ---- their state -------------------------------------------------------------------------- */

static int jump(lua_State *L, const latL_Function *f)
{
  lat_random *random = latL_selfrandom(L, f->who);
  random->position += (uint64_t)latL_checkinteger(L, 2, f->who, "n");
  return latL_returnself(L);
}

/* rng:state() -> { seed, stream, position }; rng:state(t) sets them */
static int state(lua_State *L, const latL_Function *f)
{
  lat_random *random = latL_selfrandom(L, f->who);
  static const char *const names[] = {"seed", "stream", "position", NULL};
  uint64_t *fields[] = {&random->seed, &random->stream, &random->position}, values[3] = {0};
  if (latL_checkoptions(L, 2, f->who, names)) {
    for (int i = 0; i < 3; i++) /* all are checked before one is set */
      if (latL_getoption(L, 2, names[i]) != LUA_TNIL || i == 0)
        values[i] = (uint64_t)latL_checkinteger(L, -1, f->who, names[i]);
    for (int i = 0; i < 3; i++) *fields[i] = values[i];
    return latL_returnself(L);
  }
  lua_createtable(L, 0, 3);
  for (int i = 0; i < 3; i++) {
    lua_pushinteger(L, (lua_Integer)*fields[i]);
    lua_setfield(L, -2, names[i]);
  }
  return 1;
}

/* ---- metamethods ------------------------------------------------------------------------- */

static int tostring(lua_State *L, const latL_Function *f)
{
  const lat_random *random = latL_selfrandom(L, f->who);
  lua_pushfstring(L, "latent.Random (seed %I, stream %I, position %I)", (lua_Integer)random->seed,
                  (lua_Integer)random->stream, (lua_Integer)random->position);
  return 1;
}

static int fail_to_set(lua_State *L, const latL_Function *f)
{
  return latL_error(L, f->who, "%s can't be set (rng:state sets a whole state)", latL_got(L, 2));
}

static int equal(lua_State *L, const latL_Function *f)
{
  (void)f;
  const lat_random *a = luaL_testudata(L, 1, LATL_RANDOM), *b = luaL_testudata(L, 2, LATL_RANDOM);
  return latL_returnboolean(L, a && b && a->seed == b->seed && a->stream == b->stream &&
                                   a->position == b->position);
}

static const void *checked_self(lua_State *L, const char *who)
{
  return latL_selfrandom(L, who);
}

static const latL_Function methods[] = {{"rng:split", split, .arguments = 2},
                                        {"rng:stream", stream, .arguments = 2},
                                        {"rng:jump", jump, .arguments = 2},
                                        {"rng:state", state, .arguments = 2},
                                        {"rng:copy", copy, .arguments = 1},
                                        {"rng:__tostring", tostring, .arguments = 0},
                                        {"rng:__eq", equal, .arguments = 0},
                                        {"rng", fail_to_set, .name = "__newindex"},
                                        LATL_END};

/* the stream's number is in rng:state(), as rng.stream is a method */
static const latL_Field fields[] = {{"seed", LATL_UINT64, offsetof(lat_random, seed)},
                                    {"position", LATL_UINT64, offsetof(lat_random, position)},
                                    {.name = NULL}};

static const latL_Class class = {LATL_RANDOM, "rng", methods, fields, checked_self, NULL, NULL};

static const latL_Function functions[] = {{"latent.random", make, .arguments = 1}, LATL_END};

void latL_open_random(lua_State *L)
{
  latL_newclass(L, &class);
  latL_addfunctions(L, functions);
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &default_key) == LUA_TNIL) {
    latL_newrandom(L, (lat_random){.seed = 0});
    lua_rawsetp(L, LUA_REGISTRYINDEX, &default_key);
  }
  lua_pop(L, 1);
}
