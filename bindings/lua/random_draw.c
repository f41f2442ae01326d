/* random_draw.c: the random numbers of latent.Random, matrix.random and matrix.normal. */
#include <math.h>

#include "lua/binding.h"
#include "matrix/random_matrix.h"

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

static void check_positive(lua_State *L, const char *who, const char *name, double value)
{
  if (!(value > 0) || !isfinite(value))
    latL_error(L, who, "%s must be positive and finite, got %f", name, value);
}

static lat_distribution uniform_options(lua_State *L, int options, const char *who)
{
  double low = latL_optnumber(L, options, who, "low", 0, -HUGE_VAL, HUGE_VAL);
  double high = latL_optnumber(L, options, who, "high", 1, -HUGE_VAL, HUGE_VAL);
  if (!(low < high) || !isfinite(high - low))
    latL_error(L, who, "low must be less than high, and both finite, got %f and %f", low, high);
  return (lat_distribution){.kind = LAT_UNIFORM, .base = low, .scale = high - low};
}

static lat_distribution normal_options(lua_State *L, int options, const char *who)
{
  double mean = latL_optnumber(L, options, who, "mean", 0, -HUGE_VAL, HUGE_VAL);
  double deviation = latL_optnumber(L, options, who, "deviation", 1, 0, HUGE_VAL);
  if (!isfinite(mean) || !isfinite(deviation))
    latL_error(L, who, "mean and deviation must be finite, got %f and %f", mean, deviation);
  return (lat_distribution){.kind = LAT_NORMAL, .base = mean, .scale = deviation};
}

/* Exponential and gamma numbers have a scale. */
static lat_distribution read_options(lua_State *L, int options, const char *who,
                                     lat_distribution_kind which)
{
  if (which == LAT_UNIFORM) return uniform_options(L, options, who);
  if (which == LAT_NORMAL) return normal_options(L, options, who);
  lat_distribution d = {.kind = which};
  d.scale = latL_optnumber(L, options, who, "scale", 1, 0, HUGE_VAL);
  check_positive(L, who, "scale", d.scale);
  return d;
}

/* rng:uniform([n [, m]] [, options]) and its like; rng:gamma(shape [, n [, m]] [, options]) */
static int draw_numbers(lua_State *L, const latL_Function *f)
{
  lat_random *random = latL_selfrandom(L, f->who);
  double shape = 0;
  if (f->kind == LAT_GAMMA) {
    shape = latL_checknumber(L, 2, f->who, "shape");
    check_positive(L, f->who, "shape", shape);
  }
  lat_distribution d = read_options(L, f->arguments + 1, f->who, (lat_distribution_kind)f->kind);
  d.shape = shape;
  return draw(L, f->who, &d, random, f->arguments - 1);
}

/* rng:integer(low, high [, n [, m]] [, options]) */
static int draw_integers(lua_State *L, const latL_Function *f)
{
  static const lua_Integer exact = (lua_Integer)1 << 53; /* doubles hold integers up to here */
  lat_random *random = latL_selfrandom(L, f->who);
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
  lat_distribution d = read_options(L, 4, f->who, (lat_distribution_kind)f->kind);
  return draw(L, f->who, &d, random, 2);
}

static int categorical(lua_State *L, const latL_Function *f)
{
  lat_random *random = latL_selfrandom(L, f->who);
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
  lat_random *random = latL_selfrandom(L, f->who);
  size_t n = latL_checksize(L, 2, f->who, "n");
  double *out = latL_newvector(L, n, LAT_FLOAT64)->view.data;
  latL_run(L, f->who, lat_random_order, random, n, out);
  return 1;
}

#define UNIFORM_OPTIONS "dtype", "out", "low", "high"
#define NORMAL_OPTIONS  "dtype", "out", "mean", "deviation"
#define SCALE_OPTIONS   "dtype", "out", "scale"
static const latL_Function methods[] = {
    {"rng:uniform", draw_numbers, 3, 2, LATL_OPTIONS(UNIFORM_OPTIONS), .kind = LAT_UNIFORM},
    {"rng:normal", draw_numbers, 3, 2, LATL_OPTIONS(NORMAL_OPTIONS), .kind = LAT_NORMAL},
    {"rng:exponential", draw_numbers, 3, 2, LATL_OPTIONS(SCALE_OPTIONS), .kind = LAT_EXPONENTIAL},
    {"rng:gamma", draw_numbers, 4, 2, LATL_OPTIONS(SCALE_OPTIONS), .kind = LAT_GAMMA},
    {"rng:integer", draw_integers, 5, 2, LATL_OPTIONS("dtype", "out")},
    {"rng:categorical", categorical, .arguments = 3},
    {"rng:permutation", permutation, .arguments = 2},
    LATL_END};

static const latL_Function functions[] = {
    {"matrix.random", draw_matrix, LATL_OPTIONS("seed", UNIFORM_OPTIONS), .kind = LAT_UNIFORM},
    {"matrix.normal", draw_matrix, LATL_OPTIONS("seed", NORMAL_OPTIONS), .kind = LAT_NORMAL},
    LATL_END};

void latL_open_random_draw(lua_State *L)
{
  latL_addtoclass(L, LATL_RANDOM, methods);
  latL_addtomodule(L, "matrix", functions);
}
