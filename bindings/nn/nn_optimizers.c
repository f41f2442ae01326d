/* nn_optimizers.c: optimizers, and schedules of their learning rates. */
#include "nn/nn.h"

#include <math.h>
#include <string.h>

typedef latL_Optimizer optimizer;

static void *self(lua_State *L, const char *who)
{
  optimizer *o = luaL_testudata(L, 1, LATL_OPTIMIZER);
  if (!o) latL_error(L, who, "self must be an optimizer, got %s", latL_typename(L, 1));
  if (o->gone) latL_failgone(L, who, "optimizer's memory");
  return o;
}

/* ---- making them ---------------------------------------------------------------------------- */

static double check_rate(lua_State *L, const char *who, double rate)
{
  if (!(rate > 0) || !isfinite(rate))
    latL_error(L, who, "learning_rate must be positive and finite, got %f", rate);
  return rate;
}

/* nn.adam(store [, options]), ... */
static int make(lua_State *L, const latL_Function *f)
{
  lat_optimizer_kind kind = (lat_optimizer_kind)f->kind;
  lat_store *store = latL_checkstore(L, 1, f->who);
  double rate = lat_optimizer_rates[kind];
  if (latL_getoption(L, 2, "learning_rate") != LUA_TNIL)
    rate = check_rate(L, f->who, latL_checknumber(L, -1, f->who, "learning_rate"));
  lua_pop(L, 1);
  size_t count;
  const char **prefixes = latL_optstrings(L, 2, f->who, "parameters",
                                          "the beginning of names, or a list of such", &count);
  if (prefixes && count == 0) latL_error(L, f->who, "parameters is an empty list");
  int schedule = latL_getoption(L, 2, "schedule");
  if (schedule != LUA_TNIL && schedule != LUA_TFUNCTION)
    latL_error(L, f->who, "schedule must be a function of the step, got %s", latL_typename(L, -1));
  optimizer *o = lua_newuserdatauv(L, sizeof *o, 2);
  *o = (optimizer){.learning_rate = rate, .name = lat_optimizer_names[kind]};
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 1);
  lua_pushvalue(L, -2);
  lua_setiuservalue(L, -2, 2);
  luaL_setmetatable(L, LATL_OPTIMIZER);
  latL_run(L, f->who, lat_optimizer_init, &o->core, kind, store, prefixes, count);
  latL_readfields(L, 2, f->who, lat_optimizer_tables[kind], &o->core);
  if (o->core.nesterov && o->core.beta1 == 0)
    latL_error(L, f->who, "nesterov needs a momentum > 0");
  latL_weigh(L, 2 * store->size * lat_dtype_size(store->dtype));
  return 1;
}

static int collect(lua_State *L)
{
  optimizer *o = latL_garbage(L, LATL_OPTIMIZER);
  if (!o) return 0;
  lat_optimizer_done(&o->core);
  o->gone = true;
  return 0;
}

/* ---- the step ------------------------------------------------------------------------------- */

/* The learning rate of the coming step. */
static double rate_of(lua_State *L, const optimizer *o, const char *who)
{
  if (lua_getiuservalue(L, 1, 2) != LUA_TFUNCTION) {
    lua_pop(L, 1);
    return o->learning_rate;
  }
  lua_pushinteger(L, (lua_Integer)o->core.steps);
  lua_call(L, 1, 1);
  double factor = lua_type(L, -1) == LUA_TNUMBER ? lua_tonumber(L, -1) : NAN;
  if (!(factor >= 0) || !isfinite(factor))
    latL_error(L, who, "the schedule must give a finite number >= 0, at step %I it gave %s",
               (lua_Integer)o->core.steps, latL_got(L, -1));
  lua_pop(L, 1);
  return o->learning_rate * factor;
}

static int step(lua_State *L, const latL_Function *f)
{
  optimizer *o = self(L, f->who);
  const char *who = lua_pushfstring(L, "%s:step", o->name);
  double rate = rate_of(L, o, who);
  latL_usestore(L, o->core.store, who);
  latL_run(L, who, lat_optimizer_step, &o->core, rate);
  return latL_returnself(L);
}

static int set_field(lua_State *L, const latL_Function *f)
{
  optimizer *o = self(L, f->who);
  const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "?";
  const char *who = lua_pushfstring(L, "%s.%s =", o->name, name);
  if (strcmp(name, "learning_rate") != 0) latL_error(L, who, "only learning_rate can be set");
  o->learning_rate = check_rate(L, who, latL_checknumber(L, 3, who, "learning_rate"));
  return 0;
}

static int tostring(lua_State *L, const latL_Function *f)
{
  const optimizer *o = self(L, f->who);
  lua_pushfstring(L, "latent.Optimizer (%s, learning rate %f, %I steps)", o->name, o->learning_rate,
                  (lua_Integer)o->core.steps);
  return 1;
}

/* ---- schedules ------------------------------------------------------------------------------ */

/* Upvalues: steps, the factor at the end. */
static int cosine_at(lua_State *L)
{
  double step = latL_checknumber(L, 1, "nn.cosine's schedule", "step");
  return latL_returnnumber(L, lat_schedule_cosine(step, lua_tonumber(L, lua_upvalueindex(1)),
                                                  lua_tonumber(L, lua_upvalueindex(2))));
}

static int cosine(lua_State *L, const latL_Function *f)
{
  lua_pushnumber(L, (double)latL_checksize(L, 1, f->who, "steps"));
  lua_pushnumber(L, latL_optnumber(L, 2, f->who, "final", 0, 0, 1));
  lua_pushcclosure(L, cosine_at, 2);
  return 1;
}

static int constant_at(lua_State *L)
{
  (void)latL_checknumber(L, 1, "nn.constant's schedule", "step");
  lua_pushvalue(L, lua_upvalueindex(1));
  return 1;
}

static int constant(lua_State *L, const latL_Function *f)
{
  double factor = lua_isnil(L, 1) ? 1 : latL_checknumber(L, 1, f->who, "factor");
  if (!(factor >= 0) || !isfinite(factor))
    latL_error(L, f->who, "factor must be finite and >= 0, got %f", factor);
  lua_pushnumber(L, factor);
  lua_pushcclosure(L, constant_at, 1);
  return 1;
}

/* Upvalues: steps, the schedule after them (or nil). Its first step is the one after the last of
 * the warm-up. */
static int warm_up_at(lua_State *L)
{
  double at = latL_checknumber(L, 1, "nn.warm_up's schedule", "step"),
         steps = lua_tonumber(L, lua_upvalueindex(1));
  if (at < steps || lua_isnil(L, lua_upvalueindex(2))) {
    return latL_returnnumber(L, lat_schedule_warm_up(at, steps));
  }
  lua_pushvalue(L, lua_upvalueindex(2));
  lua_pushnumber(L, at - steps);
  lua_call(L, 1, 1);
  return 1;
}

static int warm_up(lua_State *L, const latL_Function *f)
{
  size_t steps = latL_checksize(L, 1, f->who, "steps");
  if (!lua_isnil(L, 2) && lua_type(L, 2) != LUA_TFUNCTION)
    latL_error(L, f->who, "schedule must be a function of the step, got %s", latL_typename(L, 2));
  lua_pushnumber(L, (double)steps);
  lua_pushvalue(L, 2);
  lua_pushcclosure(L, warm_up_at, 2);
  return 1;
}

/* ---- the class ------------------------------------------------------------------------------ */

static const latL_Function methods[] = {{"optimizer:step", step, .arguments = 1},
                                        {"optimizer", set_field, .name = "__newindex"},
                                        {"optimizer:__tostring", tostring, .arguments = 0},
                                        LATL_END};
static const latL_Field fields[] = {
    {"learning_rate", LATL_DOUBLE, offsetof(latL_Optimizer, learning_rate)},
    {"steps", LATL_UINT64, offsetof(latL_Optimizer, core.steps)},
    {"name", LATL_STRING, offsetof(latL_Optimizer, name)},
    {.name = NULL}};
const latL_Class latL_nn_optimizers_class = {LATL_OPTIMIZER, "optimizer", methods, fields,
                                             self,           NULL,        collect};

#define OF_ALL "learning_rate", "weight_decay", "parameters", "schedule"
/* clang-format off */
#define OF_ADAM "beta1", "beta2", "epsilon", OF_ALL
#define ADAM(who, which) {who, make, 1, 0, LATL_OPTIONS(OF_ADAM), .kind = which}
/* clang-format on */

const latL_Function latL_nn_optimizers_functions[] = {
    {"nn.sgd", make, 1, 0, LATL_OPTIONS("momentum", "nesterov", OF_ALL), .kind = LAT_SGD},
    ADAM("nn.adam", LAT_ADAM),
    ADAM("nn.adamw", LAT_ADAMW),
    ADAM("nn.adamax", LAT_ADAMAX),
    {"nn.rmsprop", make, 1, 0, LATL_OPTIONS("decay", "epsilon", OF_ALL), .kind = LAT_RMSPROP},
    {"nn.constant", constant, .arguments = 1},
    {"nn.cosine", cosine, 1, 0, LATL_OPTIONS("final")},
    {"nn.warm_up", warm_up, .arguments = 2},
    LATL_END};
