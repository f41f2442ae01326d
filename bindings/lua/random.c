/* random.c: the type latent.Random in Lua, and matrix.random and matrix.normal. */
#include <math.h>
#include <string.h>
#include <time.h>
#if defined(__linux__)
#include <sys/random.h>
#endif

#include "lua/binding.h"

static const char default_key = 0; /* the registry's key of the state's own generator */

static lat_random *new_random(lua_State *L, lat_random value)
{
  lat_random *random = lua_newuserdatauv(L, sizeof *random, 0);
  *random = value;
  luaL_setmetatable(L, LATL_RANDOM);
  return random;
}

static lat_random *self(lua_State *L, const char *who)
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
  random = new_random(L, (lat_random){.seed = (uint64_t)latL_checkinteger(L, arg, who, "seed")});
  lua_replace(L, arg);
  return random;
}

/* ---- distributions --------------------------------------------------------------- */

typedef enum kind { UNIFORM, NORMAL, EXPONENTIAL, GAMMA, INTEGER } kind;

/* A number is base + scale * (a standard draw); INTEGER: base + (0..bound-1). */
typedef struct distribution {
  kind kind;
  double base, scale;
  double shape;   /* GAMMA */
  uint64_t bound; /* INTEGER */
} distribution;

enum { BLOCK = 512 };

/* n standard uniform or normal numbers, side by side. */
static lat_status fill_packed(lat_workspace *work, kind which, lat_dtype dtype, lat_random *random,
                              size_t n, void *out)
{
  if (which == UNIFORM && dtype == LAT_FLOAT64)
    return lat_random_fill_uniform(work, random, n, out);
  if (which == UNIFORM) return lat_random_fill_uniform_float(work, random, n, out);
  if (dtype == LAT_FLOAT64) return lat_random_fill_normal(work, random, n, out);
  return lat_random_fill_normal_float(work, random, n, out);
}

/* n standard draws, n <= BLOCK, as a matrix of that dtype gets them. */
static void standard(const distribution *d, lat_random *random, lat_dtype dtype, size_t n,
                     double *out)
{
  if (d->kind == GAMMA) {
    for (size_t i = 0; i < n; i++) out[i] = lat_random_gamma(random, d->shape);
  } else if (d->kind == INTEGER) {
    for (size_t i = 0; i < n; i++) out[i] = (double)lat_random_below(random, d->bound);
  } else if (d->kind == EXPONENTIAL) { /* the numbers of lat_random_exponential */
    lat_random_fill_uniform(NULL, random, n, out);
    for (size_t i = 0; i < n; i++) out[i] = 1 - out[i];
    lat_log(n, out, out);
    for (size_t i = 0; i < n; i++) out[i] = 0 - out[i];
  } else if (dtype == LAT_FLOAT64) {
    fill_packed(NULL, d->kind, dtype, random, n, out);
  } else { /* not float64 numbers rounded, which could give 1 */
    float narrow[BLOCK];
    fill_packed(NULL, d->kind, dtype, random, n, narrow);
    for (size_t i = 0; i < n; i++) out[i] = (double)narrow[i];
  }
}

/* From standard numbers, side by side, to those of the distribution. */
static void affine(const distribution *d, lat_dtype dtype, size_t n, void *numbers)
{
  double *wide = numbers, base = d->base, scale = d->scale;
  float *narrow = numbers;
  if (dtype == LAT_FLOAT64)
    for (size_t i = 0; i < n; i++) wide[i] = base + scale * wide[i];
  else
    for (size_t i = 0; i < n; i++) narrow[i] = (float)(base + scale * (double)narrow[i]);
}

/* Fills any view, in row-major order. */
static lat_status fill(lat_workspace *work, const distribution *d, lat_random *random,
                       const lat_matrix *A)
{
  size_t n = A->rows * A->cols, i = 0, j = 0;
  if ((d->kind == UNIFORM || d->kind == NORMAL) && lat_is_packed(A)) {
    LAT_TRY(fill_packed(work, d->kind, A->dtype, random, n, A->data));
    size_t size = lat_dtype_size(A->dtype);
    for (size_t start = 0; (d->base != 0 || d->scale != 1) && start < n; start += LATL_ASK) {
      affine(d, A->dtype, n - start < LATL_ASK ? n - start : LATL_ASK,
             (char *)A->data + start * size);
      LAT_TRY(lat_check(work));
    }
    return LAT_OK;
  }
  for (size_t start = 0; start < n; start += BLOCK) {
    double draws[BLOCK];
    size_t m = n - start < BLOCK ? n - start : BLOCK;
    LAT_TRY(lat_check(work));
    standard(d, random, A->dtype, m, draws);
    for (size_t k = 0; k < m; k++) {
      lat_set(A, i, j, d->base + d->scale * draws[k]);
      if (++j == A->cols) i++, j = 0;
    }
  }
  return LAT_OK;
}

/* Where the options are, when the sizes n and m may stand at `arg` and `arg + 1`. */
static int options_at(lua_State *L, int arg)
{
  if (lua_type(L, arg) == LUA_TTABLE) return arg;
  return lua_type(L, arg + 1) == LUA_TTABLE ? arg + 1 : arg + 2;
}

/* Pushes what [n [, m]] [, options] ask for: a matrix or a vector; false for a single number. With
 * the option `out`, the sizes and the dtype are its own when they aren't given. */
static bool target(lua_State *L, int arg, int options, const char *who, latL_Result *result)
{
  bool vector = options <= arg + 1 || lua_isnoneornil(L, arg + 1);
  size_t rows = 0, cols = 1;
  lat_dtype dtype = LAT_FLOAT64;
  latL_getoption(L, options, "out");
  const latL_Matrix *out = latL_tomatrix(L, -1);
  bool given = !lua_isnil(L, -1);
  lua_pop(L, 1); /* the table keeps it */
  if (out) dtype = out->view.dtype;
  dtype = latL_optdtype(L, options, who, dtype);
  if (options != arg && !lua_isnoneornil(L, arg)) {
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

/* The end of every drawing function: pushes a number or the filled matrix. */
static int draw(lua_State *L, const char *who, const distribution *d, lat_random *random, int arg)
{
  latL_Result A;
  if (!target(L, arg, options_at(L, arg), who, &A)) {
    double x;
    standard(d, random, LAT_FLOAT64, 1, &x);
    x = d->base + d->scale * x;
    if (d->kind == INTEGER)
      lua_pushinteger(L, (lua_Integer)x);
    else
      lua_pushnumber(L, x);
    return 1;
  }
  lat_workspace *work = latL_workspace(L);
  latL_call(L, who, work, fill(work, d, random, &A.view));
  return 1;
}

/* The option names; methods, which have their generator already, leave out the first. */
static const char *const uniform_names[] = {"seed", "dtype", "out", "low", "high", NULL};
static const char *const normal_names[] = {"seed", "dtype", "out", "mean", "deviation", NULL};
static const char *const scale_names[] = {"dtype", "out", "scale", NULL};
static const char *const plain_names[] = {"dtype", "out", NULL};

static distribution uniform_options(lua_State *L, int options, const char *who)
{
  double low = latL_optnumber(L, options, who, "low", 0, -HUGE_VAL, HUGE_VAL);
  double high = latL_optnumber(L, options, who, "high", 1, -HUGE_VAL, HUGE_VAL);
  if (!(low < high) || !isfinite(high - low))
    latL_error(L, who, "low must be less than high, and both finite, got %f and %f", low, high);
  return (distribution){.kind = UNIFORM, .base = low, .scale = high - low};
}

static distribution normal_options(lua_State *L, int options, const char *who)
{
  double mean = latL_optnumber(L, options, who, "mean", 0, -HUGE_VAL, HUGE_VAL);
  double deviation = latL_optnumber(L, options, who, "deviation", 1, 0, HUGE_VAL);
  if (!isfinite(mean) || !isfinite(deviation))
    latL_error(L, who, "mean and deviation must be finite, got %f and %f", mean, deviation);
  return (distribution){.kind = NORMAL, .base = mean, .scale = deviation};
}

typedef distribution options_reader(lua_State *L, int options, const char *who);

static int draw_with(lua_State *L, const char *who, const char *const names[], options_reader *read)
{
  lat_random *random = self(L, who);
  int options = options_at(L, 2);
  latL_checkoptions(L, options, who, names);
  distribution d = read(L, options, who);
  return draw(L, who, &d, random, 2);
}

static int uniform(lua_State *L)
{
  return draw_with(L, "rng:uniform", uniform_names + 1, uniform_options);
}

static int normal(lua_State *L)
{
  return draw_with(L, "rng:normal", normal_names + 1, normal_options);
}

/* Gamma and exponential numbers have a scale. */
static int draw_scaled(lua_State *L, const char *who, distribution d, lat_random *random, int arg)
{
  int options = options_at(L, arg);
  latL_checkoptions(L, options, who, scale_names);
  d.scale = latL_optnumber(L, options, who, "scale", 1, 0, HUGE_VAL);
  if (!(d.scale > 0) || !isfinite(d.scale))
    latL_error(L, who, "scale must be positive and finite, got %f", d.scale);
  return draw(L, who, &d, random, arg);
}

static int exponential(lua_State *L)
{
  lat_random *random = self(L, "rng:exponential");
  return draw_scaled(L, "rng:exponential", (distribution){.kind = EXPONENTIAL}, random, 2);
}

static int draw_gamma(lua_State *L)
{
  static const char who[] = "rng:gamma";
  lat_random *random = self(L, who);
  double shape = latL_checknumber(L, 2, who, "shape");
  if (!(shape > 0) || !isfinite(shape))
    latL_error(L, who, "shape must be positive and finite, got %f", shape);
  return draw_scaled(L, who, (distribution){.kind = GAMMA, .shape = shape}, random, 3);
}

static int integer(lua_State *L)
{
  static const char who[] = "rng:integer";
  static const lua_Integer exact = (lua_Integer)1 << 53; /* doubles hold integers up to here */
  lat_random *random = self(L, who);
  lua_Integer low = latL_checkinteger(L, 2, who, "low");
  lua_Integer high = latL_checkinteger(L, 3, who, "high");
  if (low > high) latL_error(L, who, "low must not exceed high, got %I and %I", low, high);
  uint64_t bound = (uint64_t)high - (uint64_t)low + 1;
  int options = options_at(L, 4);
  latL_checkoptions(L, options, who, plain_names);
  if (lua_isnoneornil(L, 4)) { /* a Lua integer, of any size */
    uint64_t value = (uint64_t)low + lat_random_below(random, bound);
    lua_pushinteger(L, (lua_Integer)value);
    return 1;
  }
  if (low < -exact || high > exact)
    latL_error(L, who, "a matrix holds integers up to 2^53 exactly, the range is %I to %I", low,
               high);
  distribution d = {.kind = INTEGER, .base = (double)low, .scale = 1, .bound = bound};
  return draw(L, who, &d, random, 4);
}

/* ---- categories and permutations ----------------------------------------------------- */

/* Indices from 0 of the core to numbers from 1. */
static lat_status to_numbers(lat_workspace *work, size_t n, const size_t *from, double *to)
{
  for (size_t i = 0; i < n; i++) {
    to[i] = (double)(from[i] + 1);
    if (i % LATL_ASK == 0) LAT_TRY(lat_check(work));
  }
  return LAT_OK;
}

static lat_status categories(lat_workspace *work, lat_random *random, lat_matrix weights, size_t n,
                             double *out)
{
  size_t K = weights.rows;
  LAT_SCOPE(work);
  double *w = lat_doubles(work, K), *accept = lat_doubles(work, K);
  size_t *alias = lat_allocate(work, K, sizeof *alias);
  size_t *drawn = lat_allocate(work, n, sizeof *drawn);
  if (!w || !accept || !alias || !drawn) return LAT_MEMORY;
  bool any = false;
  for (size_t i = 0; i < K; i++) {
    w[i] = lat_get(&weights, i, 0);
    if (!(w[i] >= 0) || !isfinite(w[i]))
      return lat_fail(work, LAT_INVALID, "weight %zu must be finite and >= 0, got %g", i + 1, w[i]);
    any = any || w[i] > 0;
  }
  if (!any) return lat_fail(work, LAT_INVALID, "at least one of the weights must be positive");
  LAT_TRY(lat_random_categorical(work, random, K, w, n, drawn, alias, accept));
  return to_numbers(work, n, drawn, out);
}

static int categorical(lua_State *L)
{
  latL_nooptions(L, 4, "rng:categorical");
  static const char who[] = "rng:categorical";
  lat_random *random = self(L, who);
  bool single = lua_isnoneornil(L, 3);
  size_t n = single ? 1 : latL_checksize(L, 3, who, "n");
  lat_matrix weights = latL_checkvector(L, 2, who, "weights");
  double one, *out = single ? &one : latL_newvector(L, n, LAT_FLOAT64)->view.data;
  lat_workspace *work = latL_workspace(L);
  latL_call(L, who, work, categories(work, random, weights, n, out));
  if (single) lua_pushinteger(L, (lua_Integer)one);
  return 1;
}

static lat_status permute(lat_workspace *work, lat_random *random, size_t n, double *out)
{
  LAT_SCOPE(work);
  size_t *order = lat_allocate(work, n, sizeof *order);
  if (!order) return LAT_MEMORY;
  LAT_TRY(lat_random_permutation(work, random, n, order));
  return to_numbers(work, n, order, out);
}

static int permutation(lua_State *L)
{
  latL_nooptions(L, 3, "rng:permutation");
  static const char who[] = "rng:permutation";
  lat_random *random = self(L, who);
  size_t n = latL_checksize(L, 2, who, "n");
  double *out = latL_newvector(L, n, LAT_FLOAT64)->view.data;
  lat_workspace *work = latL_workspace(L);
  latL_call(L, who, work, permute(work, random, n, out));
  return 1;
}

/* ---- generators ------------------------------------------------------------------------ */

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

static int make(lua_State *L)
{
  latL_nooptions(L, 2, "latent.random");
  lua_Integer seed =
      lua_isnoneornil(L, 1) ? entropy(L) : latL_checkinteger(L, 1, "latent.random", "seed");
  new_random(L, (lat_random){.seed = (uint64_t)seed});
  return 1;
}

enum { MOST_SPLITS = 1 << 20 }; /* generators of one call: each is a value of Lua's */

static int split(lua_State *L)
{
  latL_nooptions(L, 3, "rng:split");
  lat_random *random = self(L, "rng:split");
  if (lua_isnoneornil(L, 2)) {
    new_random(L, lat_random_split(random));
    return 1;
  }
  size_t k = latL_checksize(L, 2, "rng:split", "k");
  if (k > MOST_SPLITS)
    latL_error(L, "rng:split", "k must be at most %d, got %I", MOST_SPLITS, (lua_Integer)k);
  lua_newtable(L);
  lat_workspace *work = latL_workspace(L);
  for (size_t i = 1; i <= k; i++) {
    if (i % 4096 == 0) latL_ask(L, "rng:split", work);
    new_random(L, lat_random_split(random));
    lua_rawseti(L, -2, (lua_Integer)i);
  }
  return 1;
}

static int stream(lua_State *L)
{
  latL_nooptions(L, 3, "rng:stream");
  lat_random *random = self(L, "rng:stream");
  lua_Integer i = latL_checkinteger(L, 2, "rng:stream", "i");
  new_random(L, (lat_random){.seed = random->seed, .stream = (uint64_t)i});
  return 1;
}

static int jump(lua_State *L)
{
  latL_nooptions(L, 3, "rng:jump");
  lat_random *random = self(L, "rng:jump");
  random->position += (uint64_t)latL_checkinteger(L, 2, "rng:jump", "n");
  lua_settop(L, 1);
  return 1;
}

static int copy(lua_State *L)
{
  latL_nooptions(L, 2, "rng:copy");
  new_random(L, *self(L, "rng:copy"));
  return 1;
}

static int state(lua_State *L)
{
  latL_nooptions(L, 3, "rng:state");
  static const char *const names[] = {"seed", "stream", "position", NULL};
  lat_random *random = self(L, "rng:state");
  uint64_t *fields[] = {&random->seed, &random->stream, &random->position}, values[3] = {0};
  if (latL_checkoptions(L, 2, "rng:state", names)) {
    for (int i = 0; i < 3; i++) /* all are checked before one is set */
      if (latL_getoption(L, 2, names[i]) != LUA_TNIL || i == 0)
        values[i] = (uint64_t)latL_checkinteger(L, -1, "rng:state", names[i]);
    for (int i = 0; i < 3; i++) *fields[i] = values[i];
    lua_settop(L, 1);
    return 1;
  }
  lua_createtable(L, 0, 3);
  for (int i = 0; i < 3; i++) {
    lua_pushinteger(L, (lua_Integer)*fields[i]);
    lua_setfield(L, -2, names[i]);
  }
  return 1;
}

/* ---- metamethods ------------------------------------------------------------------------- */

/* Methods (the upvalue), and the two properties. The stream's number is in rng:state(), as
 * rng.stream is a method. */
static int get_index(lua_State *L)
{
  lat_random *random = self(L, "rng");
  lua_pushvalue(L, 2);
  if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL || lua_type(L, 2) != LUA_TSTRING) return 1;
  const char *name = lua_tostring(L, 2);
  bool seed = strcmp(name, "seed") == 0;
  if (!seed && strcmp(name, "position") != 0) return 1; /* the nil */
  lua_pushinteger(L, (lua_Integer)(seed ? random->seed : random->position));
  return 1;
}

static int tostring(lua_State *L)
{
  const lat_random *random = self(L, "rng:__tostring");
  lua_pushfstring(L, "latent.Random (seed %I, stream %I, position %I)", (lua_Integer)random->seed,
                  (lua_Integer)random->stream, (lua_Integer)random->position);
  return 1;
}

static int refuse_field(lua_State *L)
{
  return latL_error(L, "rng", "%s can't be set (rng:state sets a whole state)", latL_got(L, 2));
}

static int equal(lua_State *L)
{
  const lat_random *a = luaL_testudata(L, 1, LATL_RANDOM), *b = luaL_testudata(L, 2, LATL_RANDOM);
  lua_pushboolean(L, a && b && a->seed == b->seed && a->stream == b->stream &&
                         a->position == b->position);
  return 1;
}

/* ---- matrix.random and matrix.normal ------------------------------------------------------ */

/* n [, m] [, rng or seed] [, options]. The generator goes to the bottom of the stack, so that what
 * is left has the methods' order. */
static int matrix_draw(lua_State *L, const char *who, const char *const names[],
                       options_reader *read)
{
  latL_checksize(L, 1, who, "rows");
  int at = lua_isnoneornil(L, 2) || lua_type(L, 2) == LUA_TNUMBER ? 3 : 2;
  if (lua_isnoneornil(L, at) || lua_type(L, at) == LUA_TTABLE) {
    lua_pushnil(L);
  } else {
    lua_pushvalue(L, at);
    lua_remove(L, at);
  }
  lua_insert(L, 1);
  int options = options_at(L, 2);
  if (latL_checkoptions(L, options, who, names) && latL_getoption(L, options, "seed") != LUA_TNIL) {
    if (!lua_isnil(L, 1)) latL_error(L, who, "a generator and the option seed exclude each other");
    lua_replace(L, 1);
  }
  lat_random *random = latL_checkrandom(L, 1, who);
  distribution d = read(L, options, who);
  return draw(L, who, &d, random, 2);
}

static int matrix_random(lua_State *L)
{
  return matrix_draw(L, "matrix.random", uniform_names, uniform_options);
}

static int matrix_normal(lua_State *L)
{
  return matrix_draw(L, "matrix.normal", normal_names, normal_options);
}

void latL_open_random(lua_State *L)
{
  /* clang-format off */
  static const luaL_Reg methods[] = {
    {"uniform", uniform}, {"normal", normal}, {"exponential", exponential}, {"gamma", draw_gamma},
    {"integer", integer}, {"categorical", categorical}, {"permutation", permutation},
    {"split", split}, {"stream", stream}, {"jump", jump}, {"state", state}, {"copy", copy},
    {NULL, NULL}
  };
  /* clang-format on */
  static const luaL_Reg operators[] = {
      {"__tostring", tostring}, {"__eq", equal}, {"__newindex", refuse_field}, {NULL, NULL}};
  static const luaL_Reg functions[] = {
      {"random", matrix_random}, {"normal", matrix_normal}, {NULL, NULL}};
  latL_newmetatable(L, LATL_RANDOM);
  luaL_newlib(L, methods);
  lua_pushvalue(L, -1);
  lua_setfield(L, -3, "methods");
  lua_pushcclosure(L, get_index, 1);
  lua_setfield(L, -2, "__index");
  luaL_setfuncs(L, operators, 0);
  lua_pop(L, 1);
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &default_key) == LUA_TNIL) {
    new_random(L, (lat_random){.seed = 0});
    lua_rawsetp(L, LUA_REGISTRYINDEX, &default_key);
  }
  lua_pop(L, 1);
  lua_getfield(L, -1, "matrix");
  luaL_setfuncs(L, functions, 0);
  lua_pop(L, 1);
  lua_pushcfunction(L, make);
  lua_setfield(L, -2, "random");
}
