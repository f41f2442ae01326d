/* nn_tape.c: tapes, and the operations that are their methods: leaves, likelihoods, divergences. */
#include "nn/nn.h"

#include <math.h>
#include <string.h>

/* ---- making one -------------------------------------------------------------------------------- */

/* nn.tape([store] [, options]) */
static int make(lua_State *L)
{
  static const char who[] = "nn.tape";
  static const char *const names[] = {"seed", "dtype", NULL};
  lat_store *store = luaL_testudata(L, 1, LATL_STORE);
  if (!store && lua_type(L, 1) == LUA_TTABLE && lua_isnone(L, 2)) {
    lua_pushnil(L);
    lua_insert(L, 1);
  } else if (!store && !lua_isnoneornil(L, 1)) {
    latL_checkstore(L, 1, who);
  }
  lua_settop(L, 2);
  latL_checkoptions(L, 2, who, names);
  lat_dtype dtype = latL_optdtype(L, 2, who, store ? store->dtype : LAT_FLOAT32);
  if (store && dtype != store->dtype)
    latL_error(L, who, "dtype must be the store's, which is %s",
               store->dtype == LAT_FLOAT64 ? "float64" : "float32");
  lua_Integer seed = latL_optinteger(L, 2, who, "seed", 0, LUA_MININTEGER, LUA_MAXINTEGER);
  latL_Tape *made = lua_newuserdatauv(L, sizeof *made, 1);
  lat_tape *tape = &made->core;
  made->gone = false;
  lat_tape_init(tape, dtype, (uint64_t)seed);
  tape->memory.allocator = latL_allocator(L);
  luaL_setmetatable(L, LATL_TAPE);
  lua_newtable(L);
  lua_setiuservalue(L, -2, 1);
  if (store) latL_keepstore(L, 3, 1);
  lat_tape_reset(tape);
  return 1;
}

static int collect(lua_State *L)
{
  latL_Tape *tape = latL_garbage(L, LATL_TAPE);
  if (!tape) return 0;
  lat_tape_done(&tape->core);
  tape->gone = true;
  return 0;
}

/* ---- steps --------------------------------------------------------------------------------------- */

static int reset(lua_State *L)
{
  latL_nooptions(L, 2, "tape:reset");
  lat_tape *tape = latL_checktape(L, 1, "tape:reset");
  size_t slab = tape->slab;
  lat_tape_reset(tape);
  if (tape->slab > slab) latL_weigh(L, tape->slab - slab);
  lua_settop(L, 1);
  return 1;
}

static int check(lua_State *L)
{
  latL_nooptions(L, 3, "tape:check");
  lat_tape *tape = latL_checktape(L, 1, "tape:check");
  if (lua_type(L, 2) != LUA_TBOOLEAN)
    latL_error(L, "tape:check", "on must be true or false, got %s", luaL_typename(L, 2));
  tape->check = lua_toboolean(L, 2);
  lua_settop(L, 1);
  return 1;
}

/* tape:state() -> { seed, step }; tape:state(t) sets them */
static int state(lua_State *L)
{
  latL_nooptions(L, 3, "tape:state");
  static const char who[] = "tape:state";
  static const char *const names[] = {"seed", "step", NULL};
  lat_tape *tape = latL_checktape(L, 1, who);
  if (latL_checkoptions(L, 2, who, names)) {
    lua_Integer seed =
        latL_optinteger(L, 2, who, "seed", (lua_Integer)tape->seed, LUA_MININTEGER, LUA_MAXINTEGER);
    lua_Integer step =
        latL_optinteger(L, 2, who, "step", (lua_Integer)tape->step, 0, LUA_MAXINTEGER);
    tape->seed = (uint64_t)seed;
    tape->step = (uint64_t)step;
    lua_settop(L, 1);
    return 1;
  }
  lua_createtable(L, 0, 2);
  lua_pushinteger(L, (lua_Integer)tape->seed);
  lua_setfield(L, -2, "seed");
  lua_pushinteger(L, (lua_Integer)tape->step);
  lua_setfield(L, -2, "step");
  return 1;
}

static int fields(lua_State *L)
{
  const lat_tape *tape = latL_checktape(L, 1, "tape");
  const char *name = lua_tostring(L, 2);
  if (strcmp(name, "dtype") == 0)
    lua_pushstring(L, tape->dtype == LAT_FLOAT64 ? "float64" : "float32");
  else if (strcmp(name, "step") == 0)
    lua_pushinteger(L, (lua_Integer)tape->step);
  else if (strcmp(name, "seed") == 0)
    lua_pushinteger(L, (lua_Integer)tape->seed);
  else if (strcmp(name, "values") == 0)
    lua_pushinteger(L, (lua_Integer)tape->count);
  else if (strcmp(name, "bytes") == 0)
    lua_pushinteger(L, (lua_Integer)(tape->slab > tape->used ? tape->slab : tape->used));
  else
    return 0;
  return 1;
}

static int tostring(lua_State *L)
{
  const lat_tape *tape = latL_checktape(L, 1, "tape:__tostring");
  lua_pushfstring(L, "latent.Tape (step %I, %I values)", (lua_Integer)tape->step,
                  (lua_Integer)tape->count);
  return 1;
}

/* ---- leaves --------------------------------------------------------------------------------------- */

static int input(lua_State *L)
{
  static const char who[] = "tape:input";
  static const char *const names[] = {"gradient", NULL};
  lat_tape *tape = latL_checktape(L, 1, who);
  const latL_Matrix *X = latL_checkmatrix(L, 2, who, "X");
  latL_checkoptions(L, 3, who, names);
  bool gradient = latL_optboolean(L, 3, who, "gradient", false);
  latL_begin(L, tape);
  return latL_pushvalue(L, 1, who, lat_nn_input(tape, &X->view, gradient));
}

static int parameter(lua_State *L)
{
  latL_nooptions(L, 4, "tape:parameter");
  static const char who[] = "tape:parameter";
  lat_tape *tape = latL_checktape(L, 1, who);
  lat_store *store = latL_checkstore(L, 2, who);
  if (lua_type(L, 3) != LUA_TSTRING)
    latL_error(L, who, "name must be a string, got %s", luaL_typename(L, 3));
  size_t index = lat_store_find(store, lua_tostring(L, 3));
  if (index == SIZE_MAX) latL_error(L, who, "the store has no parameter '%s'", lua_tostring(L, 3));
  latL_keepstore(L, 1, 2);
  latL_begin(L, tape);
  return latL_pushvalue(L, 1, who, lat_nn_parameter(tape, store, index));
}

typedef lat_value noise(lat_tape *tape, size_t rows, size_t cols);

static int draw(lua_State *L, const char *who, noise *make_noise)
{
  latL_nooptions(L, 4, who);
  lat_tape *tape = latL_checktape(L, 1, who);
  size_t rows = latL_checksize(L, 2, who, "rows"), cols = latL_checksize(L, 3, who, "cols");
  latL_begin(L, tape);
  return latL_pushvalue(L, 1, who, make_noise(tape, rows, cols));
}

static int normal(lua_State *L)
{
  return draw(L, "tape:normal", lat_nn_normal);
}

static int uniform(lua_State *L)
{
  return draw(L, "tape:uniform", lat_nn_uniform);
}

static int fill(lua_State *L)
{
  latL_nooptions(L, 5, "tape:fill");
  static const char who[] = "tape:fill";
  lat_tape *tape = latL_checktape(L, 1, who);
  size_t rows = latL_checksize(L, 2, who, "rows"), cols = latL_checksize(L, 3, who, "cols");
  double number = latL_checknumber(L, 4, who, "number");
  latL_begin(L, tape);
  return latL_pushvalue(L, 1, who, lat_nn_fill(tape, rows, cols, number));
}

/* ---- probability ----------------------------------------------------------------------------------- */

/* The tape at 1, and the values after it: as many as there are names. */
static lat_tape *take(lua_State *L, const char *who, const char *const names[], lat_value values[])
{
  lat_tape *tape = latL_checktape(L, 1, who);
  int count = 0;
  while (names[count]) count++;
  latL_nooptions(L, 2 + count, who);
  latL_begin(L, tape);
  for (int i = 0; i < count; i++) values[i] = latL_tovalue(L, 2 + i, tape, who, names[i]);
  return tape;
}

typedef lat_value of_two(lat_tape *tape, lat_value a, lat_value b);

static int two(lua_State *L, const char *who, of_two *operation, const char *first,
               const char *second)
{
  const char *const names[] = {first, second, NULL};
  lat_value v[2];
  lat_tape *tape = take(L, who, names, v);
  return latL_pushvalue(L, 1, who, operation(tape, v[0], v[1]));
}

static int reparameterize(lua_State *L)
{
  return two(L, "tape:reparameterize", lat_nn_reparameterize, "mean", "log_variance");
}

static int kl_standard_normal(lua_State *L)
{
  return two(L, "tape:kl_standard_normal", lat_nn_kl_standard_normal, "mean", "log_variance");
}

static int kl_units(lua_State *L)
{
  return two(L, "tape:kl_units", lat_nn_kl_units, "mean", "log_variance");
}

static int bernoulli_nll(lua_State *L)
{
  return two(L, "tape:bernoulli_nll", lat_nn_bernoulli_nll, "logits", "x");
}

static int continuous_bernoulli_nll(lua_State *L)
{
  return two(L, "tape:continuous_bernoulli_nll", lat_nn_continuous_bernoulli_nll, "logits", "x");
}

static int kl_normal(lua_State *L)
{
  static const char who[] = "tape:kl_normal";
  static const char *const names[] = {"mean", "log_variance", "mean2", "log_variance2", NULL};
  lat_value v[4];
  lat_tape *tape = take(L, who, names, v);
  return latL_pushvalue(L, 1, who, lat_nn_kl_normal(tape, v[0], v[1], v[2], v[3]));
}

/* Labels 1..K at `arg`, as values from 0. */
static lat_value labels_at(lua_State *L, int arg, lat_tape *tape, const char *who, size_t K)
{
  const latL_Matrix *labels = latL_checkmatrix(L, arg, who, "labels");
  for (size_t i = 0; i < labels->view.rows; i++) {
    for (size_t j = 0; j < labels->view.cols; j++) {
      double label = lat_get(&labels->view, i, j);
      if (label >= 1 && label <= (double)K && label == floor(label)) continue;
      latL_error(L, who, "label %f in row %I is none of 1..%I", label, (lua_Integer)i + 1,
                 (lua_Integer)K);
    }
  }
  lat_value value = lat_nn_input(tape, &labels->view, false);
  return lat_nn_affine(tape, value, 1, -1);
}

static int categorical_nll(lua_State *L)
{
  static const char who[] = "tape:categorical_nll";
  static const char *const names[] = {"categories", NULL};
  lat_tape *tape = latL_checktape(L, 1, who);
  latL_checkoptions(L, 4, who, names);
  latL_begin(L, tape);
  lat_value logits = latL_tovalue(L, 2, tape, who, "logits");
  const lat_node *node = lat_tape_node(tape, logits);
  latL_checkstep(L, tape, who);
  size_t K =
      (size_t)latL_optinteger(L, 4, who, "categories", (lua_Integer)node->cols, 1, LUA_MAXINTEGER);
  lat_value labels = labels_at(L, 3, tape, who, K);
  return latL_pushvalue(L, 1, who, lat_nn_categorical_nll(tape, logits, labels, K));
}

static int gaussian_nll(lua_State *L)
{
  static const char who[] = "tape:gaussian_nll";
  static const char *const names[] = {"mean", "log_variance", "x", NULL};
  lat_value v[3];
  lat_tape *tape = take(L, who, names, v);
  return latL_pushvalue(L, 1, who, lat_nn_gaussian_nll(tape, v[0], v[1], v[2]));
}

static int gaussian_mixture_nll(lua_State *L)
{
  static const char who[] = "tape:gaussian_mixture_nll";
  static const char *const names[] = {"logits", "means", "log_variances", "x", NULL};
  lat_value v[4];
  lat_tape *tape = take(L, who, names, v);
  return latL_pushvalue(L, 1, who, lat_nn_gaussian_mixture_nll(tape, v[0], v[1], v[2], v[3]));
}

/* nn.operations() -> their names, as checks name them */
static int operations(lua_State *L)
{
  latL_nooptions(L, 1, "nn.operations");
  lua_createtable(L, LAT_OP_COUNT, 0);
  for (int i = 0; i < LAT_OP_COUNT; i++) {
    lua_pushstring(L, lat_op_names[i]);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

void latL_open_nn_tape(lua_State *L)
{
  /* clang-format off */
  static const luaL_Reg methods[] = {
    {"reset", reset}, {"check", check}, {"state", state},
    {"input", input}, {"parameter", parameter}, {"normal", normal}, {"uniform", uniform},
    {"fill", fill}, {"reparameterize", reparameterize},
    {"kl_standard_normal", kl_standard_normal}, {"kl_units", kl_units}, {"kl_normal", kl_normal},
    {"bernoulli_nll", bernoulli_nll}, {"continuous_bernoulli_nll", continuous_bernoulli_nll},
    {"categorical_nll", categorical_nll}, {"gaussian_nll", gaussian_nll},
    {"gaussian_mixture_nll", gaussian_mixture_nll}, {NULL, NULL}
  };
  /* clang-format on */
  latL_newclass(L, LATL_TAPE, methods, fields, collect);
  luaL_getmetatable(L, LATL_TAPE);
  lua_pushcfunction(L, tostring);
  lua_setfield(L, -2, "__tostring");
  lua_pop(L, 1);
  lua_pushcfunction(L, make);
  lua_setfield(L, -2, "tape");
  lua_pushcfunction(L, operations);
  lua_setfield(L, -2, "operations");
}
