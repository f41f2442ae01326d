/* nn_tape.c: tapes, and the operations that are their methods: leaves, likelihoods, divergences. */
#include "nn/nn.h"

#include <math.h>
#include <string.h>

/* ---- making one
 * -------------------------------------------------------------------------------- */

/* nn.tape([store] [, options]) */
static int make(lua_State *L, const latL_Function *f)
{
  lat_store *store = lua_isnil(L, 1) ? NULL : latL_checkstore(L, 1, f->who);
  lat_dtype dtype = latL_optdtype(L, 2, f->who, store ? store->dtype : LAT_FLOAT32);
  if (store && dtype != store->dtype)
    latL_error(L, f->who, "dtype must be the store's, which is %s", latL_dtypename(store->dtype));
  uint64_t seed = latL_optseed(L, 2, f->who);
  latL_Tape *made = lua_newuserdatauv(L, sizeof *made, 1);
  made->gone = false;
  lat_tape_init(&made->core, dtype, seed);
  made->core.memory.allocator = latL_allocator(L);
  luaL_setmetatable(L, LATL_TAPE);
  lua_newtable(L);
  lua_setiuservalue(L, -2, 1);
  if (store) latL_keepstore(L, 3, 1);
  lat_tape_reset(&made->core);
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

/* ---- steps
 * --------------------------------------------------------------------------------------- */

static int reset(lua_State *L, const latL_Function *f)
{
  lat_tape *tape = latL_checktape(L, 1, f->who);
  size_t slab = tape->slab;
  lat_tape_reset(tape);
  if (tape->slab > slab) latL_weigh(L, tape->slab - slab);
  return latL_returnself(L);
}

static int check(lua_State *L, const latL_Function *f)
{
  lat_tape *tape = latL_checktape(L, 1, f->who);
  if (lua_type(L, 2) != LUA_TBOOLEAN)
    latL_error(L, f->who, "on must be true or false, got %s", luaL_typename(L, 2));
  tape->check = lua_toboolean(L, 2);
  return latL_returnself(L);
}

/* tape:state() -> { seed, step }; tape:state(t) sets them */
static int state(lua_State *L, const latL_Function *f)
{
  static const char *const names[] = {"seed", "step", NULL};
  lat_tape *tape = latL_checktape(L, 1, f->who);
  if (latL_checkoptions(L, 2, f->who, names)) {
    lua_Integer seed = latL_optinteger(L, 2, f->who, "seed", (lua_Integer)tape->seed,
                                       LUA_MININTEGER, LUA_MAXINTEGER);
    tape->step = latL_optsize(L, 2, f->who, "step", tape->step, 0);
    tape->seed = (uint64_t)seed;
    return latL_returnself(L);
  }
  lua_createtable(L, 0, 2);
  lua_pushinteger(L, (lua_Integer)tape->seed);
  lua_setfield(L, -2, "seed");
  lua_pushinteger(L, (lua_Integer)tape->step);
  lua_setfield(L, -2, "step");
  return 1;
}

static int tostring(lua_State *L, const latL_Function *f)
{
  const lat_tape *tape = latL_checktape(L, 1, f->who);
  lua_pushfstring(L, "latent.Tape (step %I, %I values)", (lua_Integer)tape->step,
                  (lua_Integer)tape->count);
  return 1;
}

/* ---- leaves
 * --------------------------------------------------------------------------------------- */

static int input(lua_State *L, const latL_Function *f)
{
  lat_tape *tape = latL_checktape(L, 1, f->who);
  const latL_Matrix *X = latL_checkmatrix(L, 2, f->who, "X");
  bool gradient = latL_optboolean(L, 3, f->who, "gradient", false);
  latL_begin(L, tape);
  return latL_pushvalue(L, 1, f->who, lat_nn_input(tape, &X->view, gradient));
}

static int parameter(lua_State *L, const latL_Function *f)
{
  lat_tape *tape = latL_checktape(L, 1, f->who);
  lat_store *store = latL_checkstore(L, 2, f->who);
  size_t index = latL_checkparameter(L, 3, f->who, store);
  latL_keepstore(L, 1, 2);
  latL_begin(L, tape);
  return latL_pushvalue(L, 1, f->who, lat_nn_parameter(tape, store, index));
}

typedef lat_value of_shape(lat_tape *tape, size_t rows, size_t cols);

/* tape:normal(rows, cols), tape:uniform(rows, cols); tape:fill(rows, cols, number) */
static int leaf(lua_State *L, const latL_Function *f)
{
  lat_tape *tape = latL_checktape(L, 1, f->who);
  size_t rows = latL_checksize(L, 2, f->who, "rows"), cols = latL_checksize(L, 3, f->who, "cols");
  double number = f->operation ? 0 : latL_checknumber(L, 4, f->who, "number");
  latL_begin(L, tape);
  return latL_pushvalue(L, 1, f->who,
                        f->operation ? ((of_shape *)f->operation)(tape, rows, cols)
                                     : lat_nn_fill(tape, rows, cols, number));
}

/* ---- probability
 * ----------------------------------------------------------------------------------- */

typedef lat_value of_two(lat_tape *, lat_value, lat_value);
typedef lat_value of_three(lat_tape *, lat_value, lat_value, lat_value);
typedef lat_value of_four(lat_tape *, lat_value, lat_value, lat_value, lat_value);

/* What the arguments after the tape are called, by `kind`. */
enum { GAUSSIAN, LOGITS, DENSITY, TWO_GAUSSIANS, MIXTURE };
static const char *const names_of[][4] = {
    [GAUSSIAN] = {"mean", "log_variance"},
    [LOGITS] = {"logits", "x"},
    [DENSITY] = {"mean", "log_variance", "x"},
    [TWO_GAUSSIANS] = {"mean", "log_variance", "mean2", "log_variance2"},
    [MIXTURE] = {"logits", "means", "log_variances", "x"}};

/* The tape at 1, and an operation on the two to four values after it. */
static int of_values(lua_State *L, const latL_Function *f)
{
  lat_tape *tape = latL_checktape(L, 1, f->who);
  lat_value v[4], made;
  const int count = f->arguments - 1;
  latL_begin(L, tape);
  for (int i = 0; i < count; i++) v[i] = latL_tovalue(L, 2 + i, tape, f->who, names_of[f->kind][i]);
  if (count == 2)
    made = ((of_two *)f->operation)(tape, v[0], v[1]);
  else if (count == 3)
    made = ((of_three *)f->operation)(tape, v[0], v[1], v[2]);
  else
    made = ((of_four *)f->operation)(tape, v[0], v[1], v[2], v[3]);
  return latL_pushvalue(L, 1, f->who, made);
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

static int categorical_nll(lua_State *L, const latL_Function *f)
{
  lat_tape *tape = latL_checktape(L, 1, f->who);
  latL_begin(L, tape);
  lat_value logits = latL_tovalue(L, 2, tape, f->who, "logits");
  const lat_node *node = lat_tape_node(tape, logits);
  latL_checkstep(L, tape, f->who);
  size_t K = latL_optsize(L, 4, f->who, "categories", node->cols, 1);
  lat_value labels = labels_at(L, 3, tape, f->who, K);
  return latL_pushvalue(L, 1, f->who, lat_nn_categorical_nll(tape, logits, labels, K));
}

/* ---- the class
 * --------------------------------------------------------------------------------------- */

/* nn.operations() -> their names, as checks name them */
static int operations(lua_State *L, const latL_Function *f)
{
  latL_nooptions(L, 1, f->who);
  lua_createtable(L, LAT_OP_COUNT, 0);
  for (int i = 0; i < LAT_OP_COUNT; i++) {
    lua_pushstring(L, lat_op_names[i]);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

static const void *tape_at(lua_State *L, const char *who)
{
  return latL_checktape(L, 1, who);
}

/* tape.bytes */
static int more_fields(lua_State *L)
{
  const lat_tape *tape = latL_checktape(L, 1, "tape");
  if (strcmp(lua_tostring(L, 2), "bytes") != 0) return 0;
  return latL_returninteger(L, (lua_Integer)(tape->slab > tape->used ? tape->slab : tape->used));
}

#define OF_VALUES(who, arguments, names, function)                                                 \
  {                                                                                                \
    who, of_values, arguments, .kind = names, LATL_CORE(function)                                  \
  }

static const latL_Function methods[] = {
    {"tape:reset", reset, .arguments = 1},
    {"tape:check", check, .arguments = 2},
    {"tape:state", state, .arguments = 2},
    {"tape:input", input, 2, 0, LATL_OPTIONS("gradient")},
    {"tape:parameter", parameter, .arguments = 3},
    {"tape:normal", leaf, .arguments = 3, LATL_CORE(lat_nn_normal)},
    {"tape:uniform", leaf, .arguments = 3, LATL_CORE(lat_nn_uniform)},
    {"tape:fill", leaf, .arguments = 4},
    OF_VALUES("tape:reparameterize", 3, GAUSSIAN, lat_nn_reparameterize),
    OF_VALUES("tape:kl_standard_normal", 3, GAUSSIAN, lat_nn_kl_standard_normal),
    OF_VALUES("tape:kl_units", 3, GAUSSIAN, lat_nn_kl_units),
    OF_VALUES("tape:kl_normal", 5, TWO_GAUSSIANS, lat_nn_kl_normal),
    OF_VALUES("tape:bernoulli_nll", 3, LOGITS, lat_nn_bernoulli_nll),
    OF_VALUES("tape:continuous_bernoulli_nll", 3, LOGITS, lat_nn_continuous_bernoulli_nll),
    OF_VALUES("tape:gaussian_nll", 4, DENSITY, lat_nn_gaussian_nll),
    OF_VALUES("tape:gaussian_mixture_nll", 5, MIXTURE, lat_nn_gaussian_mixture_nll),
    {"tape:categorical_nll", categorical_nll, 3, 0, LATL_OPTIONS("categories")},
    {"tape:__tostring", tostring, .arguments = 0},
    LATL_END};
static const latL_Field fields[] = {{"dtype", LATL_DTYPE, offsetof(lat_tape, dtype)},
                                    {"seed", LATL_UINT64, offsetof(lat_tape, seed)},
                                    {"step", LATL_UINT64, offsetof(lat_tape, step)},
                                    {"values", LATL_SIZE, offsetof(lat_tape, count)},
                                    {.name = NULL}};
static const latL_Class class = {LATL_TAPE, "tape", methods, fields, tape_at, more_fields, collect};
static const latL_Function functions[] = {{"nn.tape", make, 1, 1, LATL_OPTIONS("seed", "dtype")},
                                          {"nn.operations", operations, .arguments = 0},
                                          LATL_END};

void latL_open_nn_tape(lua_State *L)
{
  latL_newclass(L, &class);
  latL_addtonn(L, functions);
}
