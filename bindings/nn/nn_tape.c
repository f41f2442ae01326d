/* nn_tape.c: tapes, and the operations that are their methods: leaves, likelihoods, divergences. */
#include "nn/nn.h"

#include <math.h>
#include <string.h>

/* ---- making one ----------------------------------------------------------------------------- */

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

/* ---- steps ---------------------------------------------------------------------------------- */

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
    latL_error(L, f->who, "on must be true or false, got %s", latL_typename(L, 2));
  tape->check = lua_toboolean(L, 2);
  return latL_returnself(L);
}

/* tape:state() -> { seed, step }; tape:state(t) sets them */
static int state(lua_State *L, const latL_Function *f)
{
  static const latL_Field of_state[] = {{"seed", LATL_UINT64, offsetof(lat_tape, seed)},
                                        {"step", LATL_UINT64, offsetof(lat_tape, step)},
                                        {.name = NULL}};
  lat_tape *tape = latL_checktape(L, 1, f->who);
  if (latL_checkoptions(L, 2, f->who, LATL_NAMES("seed", "step"))) {
    lua_Integer seed = latL_optinteger(L, 2, f->who, "seed", (lua_Integer)tape->seed,
                                       LUA_MININTEGER, LUA_MAXINTEGER);
    tape->step = latL_optsize(L, 2, f->who, "step", tape->step, 0);
    tape->seed = (uint64_t)seed;
    return latL_returnself(L);
  }
  lua_createtable(L, 0, 2);
  latL_setfields(L, of_state, tape);
  return 1;
}

static int tostring(lua_State *L, const latL_Function *f)
{
  const lat_tape *tape = latL_checktape(L, 1, f->who);
  lua_pushfstring(L, "latent.Tape (step %I, %I values)", (lua_Integer)tape->step,
                  (lua_Integer)tape->count);
  return 1;
}

/* ---- leaves --------------------------------------------------------------------------------- */

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

/* ---- the class ------------------------------------------------------------------------------ */

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

static void *tape_at(lua_State *L, const char *who)
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

static const latL_Function methods[] = {{"tape:reset", reset, .arguments = 1},
                                        {"tape:check", check, .arguments = 2},
                                        {"tape:state", state, .arguments = 2},
                                        {"tape:input", input, 2, 0, LATL_OPTIONS("gradient")},
                                        {"tape:parameter", parameter, .arguments = 3},
                                        {"tape:__tostring", tostring, .arguments = 0},
                                        LATL_END};
static const latL_Field fields[] = {{"dtype", LATL_DTYPE, offsetof(lat_tape, dtype)},
                                    {"seed", LATL_UINT64, offsetof(lat_tape, seed)},
                                    {"step", LATL_UINT64, offsetof(lat_tape, step)},
                                    {"values", LATL_SIZE, offsetof(lat_tape, count)},
                                    {.name = NULL}};
const latL_Class latL_nn_tape_class = {LATL_TAPE, "tape",      methods, fields,
                                       tape_at,   more_fields, collect};
const latL_Function latL_nn_tape_functions[] = {
    {"nn.tape", make, 1, 1, LATL_OPTIONS("seed", "dtype")},
    {"nn.operations", operations, .arguments = 0},
    LATL_END};
