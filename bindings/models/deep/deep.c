/* deep.c: what the models with nets have in common. */
#include "models/deep/deep.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "deep/common/net_model.h"
#include "model/work.h"
#include "nn/nn.h"

/* ---- the nets -------------------------------------------------------------------------------- */

static lat_deep *deep_of(const latL_Fitted *f)
{
  return f->aside;
}

static void keep_integer(lua_State *L, int model, const char *name, lua_Integer value)
{
  lua_pushinteger(L, value);
  latL_keep(L, model, name);
}

void latL_makenets(lua_State *L, int model)
{
  const latL_Model *m = lua_touserdata(L, model);
  const lat_model *core = m->kind->core;
  const lat_net_kind *nets = core->nets;
  const void *o = latL_optionsof(m);
  latL_Fitted *f = latL_netsof(m);
  lua_getfield(L, LUA_REGISTRYINDEX, LATL_MOST); /* of a file that is being loaded */
  latL_run(L, core->name, lat_net_check_size, core, o, (size_t)lua_tointeger(L, -1));
  lua_pop(L, 1);
  *f = (latL_Fitted){.owner = m, .model = core, .options = o};
  f->sizes[LAT_D] = nets->input_dim(o);
  f->sizes[LAT_U] = nets->context_dim ? nets->context_dim(o) : 0;
  f->sizes[LAT_M] = nets->latent_dim(o);
  lat_workspace *work = latL_workspace(L);
  latL_call(L, core->name, work, nets->init(work, f + 1, o));
  f->aside = f + 1;
  const lat_store *store = &deep_of(f)->store;
  keep_integer(L, model, "input_dim", (lua_Integer)f->sizes[LAT_D]);
  keep_integer(L, model, "latent_dim", (lua_Integer)f->sizes[LAT_M]);
  if (nets->held_terms) keep_integer(L, model, "held_terms", (lua_Integer)nets->held_terms);
  keep_integer(L, model, "seed", (lua_Integer)latL_optseed(L, 1, core->name));
  lua_pushstring(L, latL_dtypename(store->dtype));
  latL_keep(L, model, "dtype");
  latL_weigh(L, 4 * store->size * lat_dtype_size(store->dtype));
}

/* Upvalue: the kind. */
static int gc(lua_State *L)
{
  const latL_Kind *kind = lua_touserdata(L, lua_upvalueindex(1));
  latL_Model *m = latL_garbage(L, kind->metatable);
  if (!m) return 0;
  latL_Fitted *f = latL_netsof(m);
  if (f->aside) kind->core->nets->done(f->aside);
  f->aside = NULL;
  m->gone = true;
  return 0;
}

/* "vae, 652824 parameters", and the lines of all models. */
static int tostring(lua_State *L)
{
  const latL_Kind *kind = lua_touserdata(L, lua_upvalueindex(1));
  const lat_deep *d = deep_of(latL_fitted(L, 1, kind, kind->name));
  lua_settop(L, 1);
  lua_pushfstring(L, "%s, %I parameters", kind->name,
                  (lua_Integer)(d->store.numbers - d->store.fixed));
  return latL_returnlines(L, lua_touserdata(L, 1));
}

static lat_checkpoint stored(void *model)
{
  return lat_deep_checkpoint(deep_of(latL_netsof(model)));
}

/* ---- methods --------------------------------------------------------------------------------- */

static const char GREY[] = "X has values between 0 and 1, which a Bernoulli likelihood takes for "
                           "means: losses are cross-entropies, no "
                           "likelihoods of X. likelihood = \"continuous_bernoulli\" has one; "
                           "binarize = \"dynamic\" makes 0 and 1 of X";

static void keep_note(lua_State *L, const char *text)
{
  bool had = latL_kept(L, 1, "note") != LUA_TNIL;
  lua_pop(L, 1);
  if (!had && !text) return;
  lua_pushstring(L, text);
  latL_keep(L, 1, "note");
}

int latL_step(lua_State *L)
{
  int results = latL_applymethod(L);
  const latL_Fitted *f = latL_netsof(lua_touserdata(L, 1));
  const lat_deep *d = deep_of(f);
  const lat_net_kind *nets = f->model->nets;
  keep_integer(L, 1, "iterations", (lua_Integer)d->optimizer.steps);
  keep_note(L, d->grey ? GREY : nets->note ? nets->note(d) : NULL);
  return results;
}

void latL_sayuntrained(lua_State *L, const char *who, const lat_fitted *f, lat_random *random,
                       const lat_matrix *X, const double *labels)
{
  (void)who, (void)random, (void)X, (void)labels;
  if (((const lat_deep *)f->aside)->optimizer.steps == 0)
    keep_note(L, "the model is untrained: its samples are those of nets as they began");
}

enum { GIVEN = 6 }; /* matrices that fits are given */

/* What the core's fit reads of the options at `index` of fit or steps; matrices go to `views`. */
static lat_training read_training(lua_State *L, int index, const char *who, lat_matrix views[GIVEN])
{
  lat_training t = lat_training_defaults();
  const struct {
    const char *name;
    const lat_matrix **to;
  } given[GIVEN] = {{"labels", &t.labels},
                    {"context", &t.context},
                    {"source", &t.source},
                    {"validation", &t.validation},
                    {"validation_labels", &t.validation_labels},
                    {"validation_context", &t.validation_context}};
  for (int i = 0; i < GIVEN; i++)
    if (latL_getoption(L, index, given[i].name) != LUA_TNIL) {
      views[i] = latL_checkmatrix(L, lua_gettop(L), who, given[i].name)->view;
      *given[i].to = &views[i];
    }
  if (latL_getoption(L, index, "scale") != LUA_TNIL) t.scale = lua_tonumber(L, -1);
  if (latL_getoption(L, index, "binarize") != LUA_TNIL) t.binarize = LAT_DYNAMIC; /* or another */
  if (latL_getoption(L, index, "patience") != LUA_TNIL) t.patience = (size_t)lua_tointeger(L, -1);
  return t;
}

/* The method that a hidden one is for. */
static const char *who_of(lua_State *L)
{
  return lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : latL_verb(L);
}

/* __begin(who, X, options): what a fit begins with; the type of its batches. */
static int begin(lua_State *L)
{
  lua_settop(L, 4);
  const latL_Fitted *f = latL_fitted(L, 1, latL_verbkind(L), latL_verb(L));
  const char *who = who_of(L);
  const lat_matrix X = latL_checkmatrix(L, 3, who, "X")->view;
  lat_matrix views[GIVEN];
  const lat_training t = read_training(L, 4, who, views);
  lat_dtype dtype;
  latL_run(L, who, lat_train_begin, f->model, f->aside, f->options, &X, &t, &dtype);
  lua_pushstring(L, latL_dtypename(dtype));
  return 1;
}

/* __takes(name): whether fit has this option. */
static int takes(lua_State *L)
{
  const latL_Fitted *f = latL_fitted(L, 1, latL_verbkind(L), latL_verb(L));
  lua_pushboolean(L, lat_train_takes(f->model, latL_checkstring(L, 2, latL_verb(L), "name")));
  return 1;
}

/* __same(a, b): whether both matrices are the same rows in memory, as views that are made anew. */
static int same(lua_State *L)
{
  const latL_Matrix *a = latL_checkmatrix(L, 2, latL_verb(L), "a");
  const latL_Matrix *b = latL_checkmatrix(L, 3, latL_verb(L), "b");
  lua_pushboolean(L, latL_sameview(&a->view, &b->view));
  return 1;
}

/* __validate(who, options): the loss of the rows of validation. */
static int validate(lua_State *L)
{
  lua_settop(L, 3);
  const latL_Fitted *f = latL_fitted(L, 1, latL_verbkind(L), latL_verb(L));
  const char *who = who_of(L);
  lat_matrix views[GIVEN];
  const lat_training t = read_training(L, 3, who, views);
  double loss;
  latL_run(L, who, lat_train_validate, f->model, f->aside, f->options, &t, &loss);
  lua_pushnumber(L, loss);
  return 1;
}

static const lat_deep *check_self(lua_State *L)
{
  const latL_Fitted *f = latL_fitted(L, 1, latL_verbkind(L), latL_verb(L));
  latL_nooptions(L, 2, latL_verb(L));
  return deep_of(f);
}

int latL_parameters(lua_State *L)
{
  const lat_store *store = &check_self(L)->store;
  const latL_Model *m = lua_touserdata(L, 1);
  void *flat = strstr(latL_verb(L), ":gradients") ? store->gradients : store->values;
  if (strstr(latL_verb(L), ":__averages")) flat = store->average; /* of steps; there may be none */
  lua_newtable(L);
  for (size_t i = 0; flat && i < store->count; i++) {
    latL_newview(L, 1, lat_store_view(store, flat, i), false)->gone = &m->gone;
    lua_setfield(L, -2, store->items[i].name);
  }
  return 1;
}

/* __keep(name, value): for the methods in Lua: model.name = value */
static int keep(lua_State *L)
{
  check_self(L);
  lua_settop(L, 3);
  latL_keep(L, 1, luaL_checkstring(L, 2));
  return 0;
}

/* __kept(name): model.name where it is there; a name that isn't would be looked for in the
 * documentation, at its first use for 30 ms. */
static int kept(lua_State *L)
{
  check_self(L);
  latL_kept(L, 1, latL_checkstring(L, 2, latL_verb(L), "name"));
  return 1;
}

int latL_train(lua_State *L)
{
  return latL_calllua(L, "latent.train");
}

int latL_use(lua_State *L)
{
  const latL_Kind *kind = latL_verbkind(L);
  char module[40];
  snprintf(module, sizeof module, "latent.%s_use", kind->name);
  return latL_calllua(L, module);
}

/* ---- the class ------------------------------------------------------------------------------- */

void latL_opennets(lua_State *L, const latL_Kind *kind)
{
  static const luaL_Reg hidden[] = {{"__keep", keep},   {"__kept", kept},
                                    {"__begin", begin}, {"__validate", validate},
                                    {"__takes", takes}, {"__averages", latL_parameters},
                                    {"__same", same},   {NULL, NULL}};
  static const luaL_Reg meta[] = {{"__gc", gc}, {"__tostring", tostring}, {NULL, NULL}};
  static latL_Stored *const pointer = stored;
  latL_openmodel(L, kind);
  latL_addverbs(L, kind->metatable, kind->name, kind, hidden, NULL);
  luaL_getmetatable(L, kind->metatable);
  lua_pushlightuserdata(L, (void *)(size_t)kind);
  luaL_setfuncs(L, meta, 1);
  lua_pushlightuserdata(L, (void *)(size_t)&pointer);
  lua_setfield(L, -2, LATL_STORED);
  lua_pushnil(L); /* its parameters are no table of the core's */
  lua_setfield(L, -2, "loaded");
  lua_pop(L, 1);
}
