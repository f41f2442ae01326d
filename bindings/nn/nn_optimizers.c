/* nn_optimizers.c: optimizers, and schedules of their learning rates. */
#include "nn/nn.h"

#include <math.h>
#include <string.h>

typedef latL_Optimizer optimizer;

static optimizer *self(lua_State *L, const char *who)
{
  optimizer *o = luaL_testudata(L, 1, LATL_OPTIMIZER);
  if (!o) latL_error(L, who, "self must be an optimizer, got %s", luaL_typename(L, 1));
  if (o->gone) latL_failgone(L, who, "optimizer's memory");
  return o;
}

/* ---- making them ----------------------------------------------------------------------------------- */

static const struct {
  const char *name, *who;
  lat_optimizer_kind kind;
  double learning_rate;
  const char *options[10];
} kinds[] = {
    {"sgd",
     "nn.sgd",
     LAT_SGD,
     0.01,
     {"learning_rate", "momentum", "nesterov", "weight_decay", "parameters", "schedule", NULL}},
    {"adam",
     "nn.adam",
     LAT_ADAM,
     1e-3,
     {"learning_rate", "beta1", "beta2", "epsilon", "weight_decay", "parameters", "schedule",
      NULL}},
    {"adamw",
     "nn.adamw",
     LAT_ADAMW,
     1e-3,
     {"learning_rate", "beta1", "beta2", "epsilon", "weight_decay", "parameters", "schedule",
      NULL}},
    {"adamax",
     "nn.adamax",
     LAT_ADAMAX,
     2e-3,
     {"learning_rate", "beta1", "beta2", "epsilon", "weight_decay", "parameters", "schedule",
      NULL}},
    {"rmsprop",
     "nn.rmsprop",
     LAT_RMSPROP,
     0.01,
     {"learning_rate", "decay", "epsilon", "weight_decay", "parameters", "schedule", NULL}},
};

static double check_rate(lua_State *L, const char *who, double rate)
{
  if (!(rate > 0) || !isfinite(rate))
    latL_error(L, who, "learning_rate must be positive and finite, got %f", rate);
  return rate;
}

/* The option `parameters`, a string or a list of them, as prefixes in a userdata that is pushed. */
static const char **prefixes_option(lua_State *L, const char *who, size_t *count)
{
  int type = latL_getoption(L, 2, "parameters");
  *count = 0;
  if (type == LUA_TNIL) return NULL;
  if (type != LUA_TSTRING && type != LUA_TTABLE)
    latL_error(L, who, "parameters must be the beginning of names, or a list of such, got %s",
               luaL_typename(L, -1));
  *count = type == LUA_TSTRING ? 1 : lua_rawlen(L, -1);
  if (*count == 0) latL_error(L, who, "parameters is an empty list");
  const char **prefixes = lua_newuserdatauv(L, *count * sizeof *prefixes, 0);
  if (type == LUA_TSTRING) {
    prefixes[0] = lua_tostring(L, -2);
    return prefixes;
  }
  for (size_t i = 0; i < *count; i++) {
    if (lua_rawgeti(L, -2, (lua_Integer)i + 1) != LUA_TSTRING)
      latL_error(L, who, "element %I of parameters must be a string, got %s", (lua_Integer)i + 1,
                 luaL_typename(L, -1));
    prefixes[i] = lua_tostring(L, -1); /* the list keeps it */
    lua_pop(L, 1);
  }
  return prefixes;
}

/* nn.adam(store [, options]), ... Upvalue: the kind's number in the table above. */
static int make(lua_State *L)
{
  lua_Integer k = lua_tointeger(L, lua_upvalueindex(1));
  const char *who = kinds[k].who;
  lat_store *store = latL_checkstore(L, 1, who);
  lua_settop(L, 2);
  latL_checkoptions(L, 2, who, kinds[k].options);
  double rate = kinds[k].learning_rate;
  if (latL_getoption(L, 2, "learning_rate") != LUA_TNIL)
    rate = check_rate(L, who, latL_checknumber(L, -1, who, "learning_rate"));
  lua_pop(L, 1);
  size_t count;
  const char **prefixes = prefixes_option(L, who, &count);
  int schedule = latL_getoption(L, 2, "schedule");
  if (schedule != LUA_TNIL && schedule != LUA_TFUNCTION)
    latL_error(L, who, "schedule must be a function of the step, got %s", luaL_typename(L, -1));
  optimizer *o = lua_newuserdatauv(L, sizeof *o, 2);
  *o = (optimizer){.learning_rate = rate, .name = kinds[k].name};
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 1);
  lua_pushvalue(L, -2);
  lua_setiuservalue(L, -2, 2);
  luaL_setmetatable(L, LATL_OPTIMIZER);
  lat_workspace *work = latL_workspace(L);
  latL_call(L, who, work,
            lat_optimizer_init(work, &o->core, kinds[k].kind, store, prefixes, count));
  lat_optimizer *c = &o->core;
  double below = 1 - 1e-15;
  if (kinds[k].kind == LAT_SGD)
    c->beta1 = latL_optnumber(L, 2, who, "momentum", 0, 0, below);
  else if (kinds[k].kind == LAT_RMSPROP)
    c->beta2 = latL_optnumber(L, 2, who, "decay", 0.99, 0, below);
  else {
    c->beta1 = latL_optnumber(L, 2, who, "beta1", 0.9, 0, below);
    c->beta2 = latL_optnumber(L, 2, who, "beta2", 0.999, 0, below);
  }
  if (kinds[k].kind != LAT_SGD)
    c->epsilon = latL_optnumber(L, 2, who, "epsilon", c->epsilon, 1e-300, 1e30);
  else
    c->nesterov = latL_optboolean(L, 2, who, "nesterov", false);
  if (c->nesterov && c->beta1 == 0) latL_error(L, who, "nesterov needs a momentum > 0");
  c->weight_decay = latL_optnumber(L, 2, who, "weight_decay", c->weight_decay, 0, 1e30);
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

/* ---- the step ---------------------------------------------------------------------------------------- */

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

static int step(lua_State *L)
{
  latL_nooptions(L, 2, "optimizer:step");
  const char *who = "optimizer:step";
  optimizer *o = self(L, who);
  who = lua_pushfstring(L, "%s:step", o->name);
  double rate = rate_of(L, o, who);
  latL_usestore(L, o->core.store, who);
  lat_workspace *work = latL_workspace(L);
  latL_call(L, who, work, lat_optimizer_step(work, &o->core, rate));
  lua_settop(L, 1);
  return 1;
}

static int fields(lua_State *L)
{
  const optimizer *o = self(L, "optimizer");
  const char *name = lua_tostring(L, 2);
  if (strcmp(name, "learning_rate") == 0)
    lua_pushnumber(L, o->learning_rate);
  else if (strcmp(name, "steps") == 0)
    lua_pushinteger(L, (lua_Integer)o->core.steps);
  else if (strcmp(name, "name") == 0)
    lua_pushstring(L, o->name);
  else
    return 0;
  return 1;
}

static int set_field(lua_State *L)
{
  optimizer *o = self(L, "optimizer");
  const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "?";
  const char *who = lua_pushfstring(L, "%s.%s =", o->name, name);
  if (strcmp(name, "learning_rate") != 0) latL_error(L, who, "only learning_rate can be set");
  o->learning_rate = check_rate(L, who, latL_checknumber(L, 3, who, "learning_rate"));
  return 0;
}

static int tostring(lua_State *L)
{
  const optimizer *o = self(L, "optimizer:__tostring");
  lua_pushfstring(L, "latent.Optimizer (%s, learning rate %f, %I steps)", o->name, o->learning_rate,
                  (lua_Integer)o->core.steps);
  return 1;
}

/* ---- schedules ----------------------------------------------------------------------------------------- */

/* Upvalues: steps, the factor at the end. */
static int cosine_at(lua_State *L)
{
  double step = latL_checknumber(L, 1, "nn.cosine's schedule", "step");
  lua_pushnumber(L, lat_schedule_cosine(step, lua_tonumber(L, lua_upvalueindex(1)),
                                        lua_tonumber(L, lua_upvalueindex(2))));
  return 1;
}

static int cosine(lua_State *L)
{
  static const char who[] = "nn.cosine";
  static const char *const names[] = {"final", NULL};
  size_t steps = latL_checksize(L, 1, who, "steps");
  latL_checkoptions(L, 2, who, names);
  double final = latL_optnumber(L, 2, who, "final", 0, 0, 1);
  lua_pushnumber(L, (double)steps);
  lua_pushnumber(L, final);
  lua_pushcclosure(L, cosine_at, 2);
  return 1;
}

static int constant_at(lua_State *L)
{
  (void)latL_checknumber(L, 1, "nn.constant's schedule", "step");
  lua_pushvalue(L, lua_upvalueindex(1));
  return 1;
}

static int constant(lua_State *L)
{
  latL_nooptions(L, 2, "nn.constant");
  double factor = lua_isnoneornil(L, 1) ? 1 : latL_checknumber(L, 1, "nn.constant", "factor");
  if (!(factor >= 0) || !isfinite(factor))
    latL_error(L, "nn.constant", "factor must be finite and >= 0, got %f", factor);
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
    lua_pushnumber(L, lat_schedule_warm_up(at, steps));
    return 1;
  }
  lua_pushvalue(L, lua_upvalueindex(2));
  lua_pushnumber(L, at - steps);
  lua_call(L, 1, 1);
  return 1;
}

static int warm_up(lua_State *L)
{
  latL_nooptions(L, 3, "nn.warm_up");
  static const char who[] = "nn.warm_up";
  size_t steps = latL_checksize(L, 1, who, "steps");
  if (!lua_isnoneornil(L, 2) && lua_type(L, 2) != LUA_TFUNCTION)
    latL_error(L, who, "schedule must be a function of the step, got %s", luaL_typename(L, 2));
  lua_settop(L, 2);
  lua_pushnumber(L, (double)steps);
  lua_insert(L, 2);
  lua_pushcclosure(L, warm_up_at, 2);
  return 1;
}

void latL_open_nn_optimizers(lua_State *L)
{
  static const luaL_Reg methods[] = {{"step", step}, {NULL, NULL}};
  static const luaL_Reg operators[] = {
      {"__newindex", set_field}, {"__tostring", tostring}, {NULL, NULL}};
  static const luaL_Reg functions[] = {
      {"constant", constant}, {"cosine", cosine}, {"warm_up", warm_up}, {NULL, NULL}};
  latL_newclass(L, LATL_OPTIMIZER, methods, fields, collect);
  luaL_getmetatable(L, LATL_OPTIMIZER);
  luaL_setfuncs(L, operators, 0);
  lua_pop(L, 1);
  luaL_setfuncs(L, functions, 0);
  for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
    lua_pushinteger(L, (lua_Integer)k);
    lua_pushcclosure(L, make, 1);
    lua_setfield(L, -2, kinds[k].name);
  }
}
