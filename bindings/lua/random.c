/* random.c: the type latent.Random: generators of random numbers, their state, and the numbers and
 * matrices that they draw. */
#include "lua/random.h"

#include <math.h>
#include <time.h>
#if defined(__linux__)
#include <sys/random.h>
#endif

#include "lua/binding.h"
#include "matrix/random_matrix.h"

static const char default_key = 0; /* the registry's key of the state's own generator */

/* Pushes a new one. */
static lat_random *new_random(lua_State *L, lat_random value)
{
  lat_random *random = lua_newuserdatauv(L, sizeof *random, 0);
  *random = value;
  luaL_setmetatable(L, LATL_RANDOM);
  return random;
}

static void *self(lua_State *L, const char *who)
{
  lat_random *random = luaL_testudata(L, 1, LATL_RANDOM);
  if (!random) latL_failself(L, who, "latent.Random");
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
    latL_error(L, who, "seed must be an integer or a latent.Random, got %s", latL_typename(L, arg));
  arg = lua_absindex(L, arg);
  random = new_random(L, (lat_random){.seed = (uint64_t)latL_checkinteger(L, arg, who, "seed")});
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

/* latent.random([seed]). It is a table that is called, at 1: a function has no fields, and
 * latent.random.seed(1) could not be told what is meant. */
static int make(lua_State *L)
{
  static const char who[] = "latent.random";
  lua_settop(L, 3);
  lua_remove(L, 1);
  latL_nooptions(L, 2, who);
  lua_Integer seed = lua_isnil(L, 1) ? entropy(L) : latL_checkinteger(L, 1, who, "seed");
  new_random(L, (lat_random){.seed = (uint64_t)seed});
  return 1;
}

enum { MOST_SPLITS = 1 << 20 }; /* generators of one call: each is a value of Lua's */

static int split(lua_State *L, const latL_Function *f)
{
  lat_random *random = self(L, f->who);
  if (lua_isnil(L, 2)) {
    new_random(L, lat_random_split(random));
    return 1;
  }
  size_t k = latL_checksize(L, 2, f->who, "k");
  if (k > MOST_SPLITS)
    latL_error(L, f->who, "k must be at most %d, got %I", MOST_SPLITS, (lua_Integer)k);
  lua_newtable(L);
  lat_workspace *work = latL_workspace(L);
  for (size_t i = 1; i <= k; i++) {
    if (i % 4096 == 0) latL_ask(L, f->who, work);
    new_random(L, lat_random_split(random));
    lua_rawseti(L, -2, (lua_Integer)i);
  }
  return 1;
}

static int stream(lua_State *L, const latL_Function *f)
{
  lat_random *random = self(L, f->who);
  lua_Integer i = latL_checkinteger(L, 2, f->who, "i");
  new_random(L, (lat_random){.seed = random->seed, .stream = (uint64_t)i});
  return 1;
}

static int copy(lua_State *L, const latL_Function *f)
{
  new_random(L, *(const lat_random *)self(L, f->who));
  return 1;
}

/* ---- their state -------------------------------------------------------------------------- */

static int jump(lua_State *L, const latL_Function *f)
{
  lat_random *random = self(L, f->who);
  random->position += (uint64_t)latL_checkinteger(L, 2, f->who, "n");
  return latL_returnself(L);
}

static const latL_Field state_fields[] = {{"seed", LATL_UINT64, offsetof(lat_random, seed)},
                                          {"stream", LATL_UINT64, offsetof(lat_random, stream)},
                                          {"position", LATL_UINT64, offsetof(lat_random, position)},
                                          {.name = NULL}};

/* rng:state() -> { seed, stream, position }; rng:state(t) sets them */
static int state(lua_State *L, const latL_Function *f)
{
  lat_random *random = self(L, f->who);
  if (!latL_checkoptions(L, 2, f->who, LATL_NAMES("seed", "stream", "position"))) {
    lua_createtable(L, 0, 3);
    latL_setfields(L, state_fields, random);
    return 1;
  }
  uint64_t values[3] = {0};
  for (int i = 0; i < 3; i++) /* all are checked before one is set */
    if (latL_getoption(L, 2, state_fields[i].name) != LUA_TNIL || i == 0)
      values[i] = (uint64_t)latL_checkinteger(L, -1, f->who, state_fields[i].name);
  *random = (lat_random){values[0], values[1], values[2]};
  return latL_returnself(L);
}

/* ---- numbers and matrices --------------------------------------------------------- */

/* Pushes what n at `arg`, m after it and the options behind ask for: a matrix or a vector; false
 * for a single number. With the option `out`, the sizes and the dtype are its own when they
 * aren't given. */
static bool target(lua_State *L, int arg, const char *who, latL_Result *result)
{
  const int options = arg + 2;
  bool vector = lua_isnil(L, arg + 1);
  size_t rows = 0, cols = 1;
  lat_dtype dtype = LAT_FLOAT64;
  latL_getoption(L, options, "out");
  const latL_Matrix *out = latL_tomatrix(L, -1);
  bool given = !lua_isnil(L, -1);
  lua_pop(L, 1); /* the table keeps it */
  if (out) dtype = out->view.dtype;
  dtype = latL_optdtype(L, options, who, dtype);
  if (!lua_isnil(L, arg)) {
    rows = latL_checksize(L, arg, who, vector ? "n" : "rows");
    if (!vector) cols = latL_checksize(L, arg + 1, who, "cols");
  } else if (out) {
    rows = out->view.rows;
    cols = out->view.cols;
    vector = out->vector;
  } else if (!given) {
    return false;
  }
  *result = latL_result(L, options, who, rows, cols, vector, dtype, LATL_ANY_PLACES);
  return true;
}

/* The end of every drawing function, with n at `arg`: pushes a number or the filled matrix. */
static int draw(lua_State *L, const char *who, const lat_distribution *d, lat_random *random,
                int arg)
{
  latL_Result A;
  if (target(L, arg, who, &A)) {
    latL_run(L, who, lat_random_matrix, random, d, &A.view);
    return 1;
  }
  return latL_returnnumber(L, lat_random_number(random, d));
}

/* ---- distributions with options ---------------------------------------------------- */

/* What is given before the sizes, by kind: names, and where their numbers go. */
typedef struct latL_Shape {
  const char *name;
  size_t offset;
} latL_Shape;
#define SHAPE(name)                                                                                \
  {                                                                                                \
#name, offsetof(lat_distribution_options, name)                                                \
  }
static const latL_Shape shapes[][2] = {
    [LAT_GAMMA] = {SHAPE(shape)}, [LAT_BETA] = {SHAPE(a), SHAPE(b)}, [LAT_COUNTS] = {SHAPE(mean)}};

/* The distribution of f->kind: its `count` shapes from 2 on, and the options. */
static lat_distribution read_distribution(lua_State *L, int options, const latL_Function *f,
                                          int count)
{
  lat_distribution d;
  lat_distribution_options o;
  lat_options_default(lat_distribution_table, &o, sizeof o);
  for (int i = 0; i < count; i++) {
    const latL_Shape *shape = &shapes[f->kind][i];
    *(double *)((char *)&o + shape->offset) = latL_checknumber(L, 2 + i, f->who, shape->name);
  }
  latL_readfields(L, options, f->who, lat_distribution_table, &o);
  latL_run(L, f->who, lat_distribution_make, (lat_distribution_kind)f->kind, &o, &d);
  return d;
}

/* rng:uniform([n [, m]] [, options]) and its like; rng:gamma(shape [, n [, m]] [, options]). A
 * single count is an integer of Lua's. */
static int draw_numbers(lua_State *L, const latL_Function *f)
{
  lat_random *random = self(L, f->who);
  int options = f->arguments + 1, sizes = f->arguments - 1;
  lat_distribution d = read_distribution(L, options, f, sizes - 2);
  if (f->kind == LAT_COUNTS && lua_isnil(L, sizes) && !latL_hasoption(L, options, "out"))
    return latL_returninteger(L, (lua_Integer)lat_random_number(random, &d));
  return draw(L, f->who, &d, random, sizes);
}

/* rng:integer(low, high [, n [, m]] [, options]) */
static int draw_integers(lua_State *L, const latL_Function *f)
{
  static const lua_Integer exact = (lua_Integer)1 << 53; /* doubles hold integers up to here */
  lat_random *random = self(L, f->who);
  lua_Integer low = latL_checkinteger(L, 2, f->who, "low");
  lua_Integer high = latL_checkinteger(L, 3, f->who, "high");
  if (low > high) latL_error(L, f->who, "low must not exceed high, got %I and %I", low, high);
  uint64_t bound = (uint64_t)high - (uint64_t)low + 1;
  if (lua_isnil(L, 4) && !latL_hasoption(L, 6, "out")) { /* a Lua integer, of any size */
    uint64_t value = (uint64_t)low + lat_random_below(random, bound);
    return latL_returninteger(L, (lua_Integer)value);
  }
  if (low < -exact || high > exact)
    latL_error(L, f->who, "a matrix holds integers up to 2^53 exactly, the range is %I to %I", low,
               high);
  lat_distribution d = {.kind = LAT_INTEGERS, .base = (double)low, .scale = 1, .bound = bound};
  return draw(L, f->who, &d, random, 4);
}

/* matrix.random and matrix.normal: n [, m] [, rng or seed] [, options]. The generator goes to
 * the bottom of the stack, so that what is left has the methods' order. */
static int draw_matrix(lua_State *L, const latL_Function *f)
{
  latL_checksize(L, 1, f->who, "rows");
  int at = lua_isnoneornil(L, 2) || lua_type(L, 2) == LUA_TNUMBER ? 3 : 2;
  if (lua_isnoneornil(L, at) || lua_type(L, at) == LUA_TTABLE) {
    lua_pushnil(L);
  } else {
    lua_pushvalue(L, at);
    lua_remove(L, at);
  }
  lua_insert(L, 1);
  latL_placeoptions(L, 3, 2);
  if (latL_checkoptions(L, 4, f->who, f->options) && latL_getoption(L, 4, "seed") != LUA_TNIL) {
    if (!lua_isnil(L, 1))
      latL_error(L, f->who, "a generator and the option seed exclude each other");
    lua_replace(L, 1);
  }
  lua_settop(L, 4);
  lat_random *random = latL_checkrandom(L, 1, f->who);
  lat_distribution d = read_distribution(L, 4, f, 0);
  return draw(L, f->who, &d, random, 2);
}

static int categorical(lua_State *L, const latL_Function *f)
{
  lat_random *random = self(L, f->who);
  bool single = lua_isnil(L, 3);
  size_t n = single ? 1 : latL_checksize(L, 3, f->who, "n");
  lat_matrix weights = latL_checkvector(L, 2, f->who, "weights");
  double one, *out = single ? &one : latL_newvector(L, n, LAT_FLOAT64)->view.data;
  latL_run(L, f->who, lat_random_categories, random, &weights, n, out);
  if (single) lua_pushinteger(L, (lua_Integer)one);
  return 1;
}

static int permutation(lua_State *L, const latL_Function *f)
{
  lat_random *random = self(L, f->who);
  size_t n = latL_checksize(L, 2, f->who, "n");
  double *out = latL_newvector(L, n, LAT_FLOAT64)->view.data;
  latL_run(L, f->who, lat_random_order, random, n, out);
  return 1;
}

/* ---- metamethods ------------------------------------------------------------------------- */

static int tostring(lua_State *L, const latL_Function *f)
{
  const lat_random *random = self(L, f->who);
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

#define UNIFORM_OPTIONS "dtype", "out", "low", "high"
#define NORMAL_OPTIONS  "dtype", "out", "mean", "deviation"
#define SCALE_OPTIONS   "dtype", "out", "scale"
static const latL_Function methods[] = {
    {"rng:split", split, .arguments = 2},
    {"rng:stream", stream, .arguments = 2},
    {"rng:jump", jump, .arguments = 2},
    {"rng:state", state, .arguments = 2},
    {"rng:copy", copy, .arguments = 1},
    {"rng:__tostring", tostring, .arguments = 0},
    {"rng:__eq", equal, .arguments = 0},
    {"rng", fail_to_set, .name = "__newindex"},
    {"rng:uniform", draw_numbers, 3, 2, LATL_OPTIONS(UNIFORM_OPTIONS), .kind = LAT_UNIFORM},
    {"rng:normal", draw_numbers, 3, 2, LATL_OPTIONS(NORMAL_OPTIONS), .kind = LAT_NORMAL},
    {"rng:exponential", draw_numbers, 3, 2, LATL_OPTIONS(SCALE_OPTIONS), .kind = LAT_EXPONENTIAL},
    {"rng:gamma", draw_numbers, 4, 2, LATL_OPTIONS(SCALE_OPTIONS), .kind = LAT_GAMMA},
    {"rng:beta", draw_numbers, 5, 2, LATL_OPTIONS("dtype", "out"), .kind = LAT_BETA},
    {"rng:poisson", draw_numbers, 4, 2, LATL_OPTIONS("dtype", "out"), .kind = LAT_COUNTS},
    {"rng:integer", draw_integers, 5, 2, LATL_OPTIONS("dtype", "out")},
    {"rng:categorical", categorical, .arguments = 3},
    {"rng:permutation", permutation, .arguments = 2},
    LATL_END};
static const latL_Function of_matrices[] = {
    {"matrix.random", draw_matrix, LATL_OPTIONS("seed", UNIFORM_OPTIONS), .kind = LAT_UNIFORM},
    {"matrix.normal", draw_matrix, LATL_OPTIONS("seed", NORMAL_OPTIONS), .kind = LAT_NORMAL},
    LATL_END};

/* the stream's number is in rng:state(), as rng.stream is a method */
static const latL_Field fields[] = {{"seed", LATL_UINT64, offsetof(lat_random, seed)},
                                    {"position", LATL_UINT64, offsetof(lat_random, position)},
                                    {.name = NULL}};

static const latL_Class class = {LATL_RANDOM, "rng", methods, fields, self, NULL, NULL};

void latL_open_random(lua_State *L)
{
  latL_newclass(L, &class);
  lua_newtable(L);
  latL_setcall(L, make);
  lua_setfield(L, -2, "random");
  latL_addtomodule(L, "matrix", of_matrices);
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &default_key) == LUA_TNIL) {
    new_random(L, (lat_random){.seed = 0});
    lua_rawsetp(L, LUA_REGISTRYINDEX, &default_key);
  }
  lua_pop(L, 1);
}
