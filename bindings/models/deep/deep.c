/* deep.c: what the models with nets have in common. */
#include "models/deep/deep.h"

#include <math.h>
#include <string.h>

#include "nn/nn.h"

static const char *const schedules[] = {"constant", "cosine", NULL};

/* ---- options ------------------------------------------------------------------------------- */

/* A finite number > 0. */
static double opt_positive(lua_State *L, int options, const char *who, const char *name,
                           double otherwise)
{
  double value = otherwise;
  if (latL_getoption(L, options, name) != LUA_TNIL) {
    value = latL_checknumber(L, lua_gettop(L), who, name);
    if (!(value > 0 && value < (double)INFINITY))
      latL_error(L, who, "%s must be a finite number > 0, got %f", name, value);
  }
  lua_pop(L, 1);
  return value;
}

lat_deep_options latL_deepoptions(lua_State *L, const char *who, latL_Deep *m)
{
  lat_deep_options o;
  o.activation =
      (lat_activation)latL_optword(L, 1, who, "activation", lat_activation_names, LAT_NN_RELU);
  o.init = (lat_init)latL_optword(L, 1, who, "init", latL_init_words, LAT_INIT_TORCH);
  o.optimizer =
      (lat_optimizer_kind)latL_optword(L, 1, who, "optimizer", lat_optimizer_names, LAT_ADAM);
  o.dtype = latL_optdtype(L, 1, who, LAT_FLOAT32);
  o.seed = latL_optseed(L, 1, who);
  m->seed = o.seed;
  m->learning_rate = opt_positive(L, 1, who, "learning_rate", 1e-3);
  m->clip = latL_optnumber(L, 1, who, "clip", 0, 0, (double)INFINITY);
  m->cosine = latL_optword(L, 1, who, "schedule", schedules, 0) == 1;
  m->schedule_steps = latL_optnumber(L, 1, who, "schedule_steps", 0, 0, 1e15);
  m->warm_up = latL_optnumber(L, 1, who, "warm_up", 0, 0, 1e15);
  static const char *const cosine[] = {"schedule_steps", NULL};
  latL_onlyfor(L, 1, who, cosine, m->cosine, "schedule = \"cosine\"");
  if (m->cosine && m->schedule_steps < 1)
    latL_error(L, who, "schedule = \"cosine\" needs schedule_steps, the steps until it ends");
  return o;
}

size_t latL_opthidden(lua_State *L, const char *who, const char *name, size_t otherwise,
                      size_t *widths, size_t most)
{
  int type = latL_getoption(L, 1, name);
  size_t count = 1;
  widths[0] = otherwise;
  if (type == LUA_TTABLE) {
    count = lua_rawlen(L, -1);
    if (count > most)
      latL_error(L, who, "%s has %I layers, at most %I are possible", name, (lua_Integer)count,
                 (lua_Integer)most);
  }
  for (size_t k = 0; type != LUA_TNIL && k < count; k++) {
    if (type == LUA_TTABLE)
      lua_rawgeti(L, -1, (lua_Integer)k + 1);
    else
      lua_pushvalue(L, -1);
    widths[k] = latL_checksize(L, lua_gettop(L), who, name);
    if (widths[k] > 1 << 24)
      latL_error(L, who, "%s: a layer of %I is too wide", name, (lua_Integer)widths[k]);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  return count;
}

/* variance_range = {least, most} */
static void read_range(lua_State *L, const char *who, lat_likelihood *l)
{
  if (latL_getoption(L, 1, "variance_range") != LUA_TNIL) {
    double ends[2] = {0, 0};
    for (int k = 0; k < 2 && lua_type(L, -1) == LUA_TTABLE; k++) {
      lua_rawgeti(L, -1, k + 1);
      ends[k] = lua_tonumber(L, -1);
      lua_pop(L, 1);
    }
    if (!(ends[0] > 0 && ends[1] > ends[0] && ends[1] < (double)INFINITY))
      latL_error(L, who, "variance_range must be {least, most} with 0 < least < most");
    l->least = ends[0];
    l->most = ends[1];
  }
  lua_pop(L, 1);
}

size_t latL_requiredsize(lua_State *L, const char *who, const char *name, lua_Integer most)
{
  if (latL_getoption(L, 1, name) == LUA_TNIL) latL_error(L, who, "the option %s is missing", name);
  lua_pop(L, 1);
  return (size_t)latL_optinteger(L, 1, who, name, 1, 1, most);
}

lat_likelihood latL_optlikelihood(lua_State *L, const char *who, size_t D,
                                  lat_likelihood_kind otherwise)
{
  lat_likelihood l = {.D = D, .least = 1e-6, .most = 1e6, .sigma = 1};
  l.kind = (lat_likelihood_kind)latL_optword(L, 1, who, "likelihood", lat_likelihood_names,
                                             (int)otherwise);
  bool sigma = latL_getoption(L, 1, "sigma") != LUA_TNIL;
  l.variance = (lat_variance_kind)latL_optword(L, 1, who, "variance", lat_variance_names,
                                               sigma ? LAT_VARIANCE_FIXED : LAT_VARIANCE_GLOBAL);
  l.sigma = opt_positive(L, 1, who, "sigma", 1);
  l.levels = (size_t)latL_optinteger(L, 1, who, "levels", 2, 2, 1 << 16);
  read_range(L, who, &l);
  lua_pop(L, 1);
  static const char *const gaussian[] = {"sigma", "variance", "variance_range", NULL};
  latL_onlyfor(L, 1, who, gaussian, l.kind == LAT_P_GAUSSIAN, "likelihood = \"gaussian\"");
  bool levels = latL_getoption(L, 1, "levels") != LUA_TNIL;
  if (levels != (l.kind == LAT_P_CATEGORICAL))
    latL_error(L, who,
               levels ? "levels are the categorical likelihood's, not the %s one's"
                      : "likelihood = \"%s\" needs levels, how many values a column has",
               lat_likelihood_names[l.kind]);
  lua_pop(L, 1);
  return l;
}

double latL_rate(lua_State *L, int options, const char *who, const latL_Deep *m)
{
  double rate = opt_positive(L, options, who, "learning_rate", m->learning_rate);
  double step = (double)m->core->optimizer.steps;
  if (m->cosine) rate *= lat_schedule_cosine(step, m->schedule_steps, 0);
  if (m->warm_up > 0) rate *= lat_schedule_warm_up(step, m->warm_up);
  return rate;
}

/* ---- data ------------------------------------------------------------------------------------- */

latL_Query latL_checkdata(lua_State *L, int arg, const char *who, const char *name, size_t columns)
{
  latL_Query q = latL_checkquery(L, arg, who, name, columns);
  if (q.X.cols != columns)
    latL_error(L, who, "%s has %I columns, the model takes %I", name, (lua_Integer)q.X.cols,
               (lua_Integer)columns);
  return q;
}

const size_t *latL_optclasslabels(lua_State *L, int arg, const char *who, size_t rows,
                                  size_t classes, lua_Integer lowest)
{
  if (lua_isnoneornil(L, arg)) {
    if (classes) latL_error(L, who, "the model is conditional: labels are missing");
    lua_pushnil(L);
    return NULL;
  }
  if (!classes)
    latL_error(L, who, "labels are for conditional models, which are made with classes");
  arg = lua_absindex(L, arg);
  bool one = lua_type(L, arg) == LUA_TNUMBER;
  lat_matrix y = {0};
  if (!one) y = latL_checkvector(L, arg, who, "labels");
  if (!one && y.rows != rows)
    latL_error(L, who, "there are %I labels for %I rows", (lua_Integer)y.rows, (lua_Integer)rows);
  size_t *labels = lua_newuserdatauv(L, rows * sizeof *labels, 0);
  for (size_t i = 0; i < rows; i++) {
    double label = one ? lua_tonumber(L, arg) : lat_get(&y, i, 0), from = label - (double)lowest;
    if (!(from >= 0 && from < (double)classes && from == floor(from)))
      latL_error(L, who, "label %I is %f: with classes = %I they are whole numbers from %I to %I",
                 (lua_Integer)i + 1, label, (lua_Integer)classes, lowest,
                 lowest + (lua_Integer)classes - 1);
    labels[i] = (size_t)from;
  }
  return labels;
}

/* ---- steps --------------------------------------------------------------------------------------- */

static const char GREY[] = "X has values between 0 and 1, which a Bernoulli likelihood takes for "
                           "means: losses are cross-entropies, no "
                           "likelihoods of X. likelihood = \"continuous_bernoulli\" has one; "
                           "binarize = \"dynamic\" makes 0 and 1 of X";

void latL_stepped(lua_State *L, const latL_Deep *m, bool grey)
{
  lua_getiuservalue(L, 1, LATL_KEPT);
  lua_pushinteger(L, (lua_Integer)m->core->optimizer.steps);
  lua_setfield(L, -2, "iterations");
  if (grey) {
    lua_pushstring(L, GREY);
    lua_setfield(L, -2, "note");
  }
  lua_pop(L, 1);
}

/* ---- methods that all have ------------------------------------------------------------------------- */

latL_Deep *latL_checkdeep(lua_State *L, const char *verb, const char **who)
{
  const latL_Kind *kind = lua_touserdata(L, lua_upvalueindex(1));
  *who = lua_pushfstring(L, "%s:%s", kind->name, verb);
  return latL_checkmodel(L, kind, *who);
}

static latL_Deep *self(lua_State *L, const char *verb)
{
  const char *who;
  latL_Deep *m = latL_checkdeep(L, verb, &who);
  latL_nooptions(L, 2, who);
  lua_pop(L, 1);
  return m;
}

static int push_named(lua_State *L, const latL_Deep *m, void *flat)
{
  const lat_store *store = &m->core->store;
  lua_newtable(L);
  for (size_t i = 0; i < store->count; i++) {
    latL_newview(L, 1, lat_store_view(store, flat, i), false)->gone = &m->base.gone;
    lua_setfield(L, -2, store->items[i].name);
  }
  return 1;
}

/* parameters() -> { ["encoder.1.weight"] = matrix, ... }, views */
static int parameters(lua_State *L)
{
  const latL_Deep *m = self(L, "parameters");
  return push_named(L, m, m->core->store.values);
}

/* gradients() -> the same of the last gradient */
static int gradients(lua_State *L)
{
  const latL_Deep *m = self(L, "gradients");
  return push_named(L, m, m->core->store.gradients);
}

static int free_parameters(lua_State *L)
{
  lua_pushinteger(L, (lua_Integer)self(L, "free_parameters")->core->store.numbers);
  return 1;
}

static int gc(lua_State *L)
{
  latL_Deep *m =
      latL_garbage(L, ((const latL_Kind *)lua_touserdata(L, lua_upvalueindex(1)))->metatable);
  if (!m) return 0;
  if (m->core) m->done(m);
  m->core = NULL;
  m->base.gone = true;
  return 0;
}

/* "vae, 652824 parameters, 4690 iterations" */
static int tostring(lua_State *L)
{
  const latL_Deep *m = self(L, "tostring");
  lua_pushfstring(L, "%s, %I parameters, %I iterations", m->base.kind->name,
                  (lua_Integer)m->core->store.numbers, (lua_Integer)m->core->optimizer.steps);
  return 1;
}

/* _keep(name, value): for the methods in Lua: model.name = value */
static int keep(lua_State *L)
{
  self(L, "_keep");
  lua_settop(L, 3);
  latL_keep(L, 1, luaL_checkstring(L, 2));
  return 0;
}

/* ---- files ------------------------------------------------------------------------------------------- */

static lat_checkpoint stored(void *model)
{
  lat_deep *core = ((latL_Deep *)model)->core;
  return (lat_checkpoint){
      .store = &core->store, .optimizers = {&core->optimizer}, .count = 1, .tape = &core->tape};
}

/* What a file that is being loaded can't hold isn't made: a stranger's options could say anything. */
void latL_checkwidths(lua_State *L, const char *who, const size_t *widths, size_t count,
                      size_t inputs, size_t outputs, double *numbers)
{
  double before = (double)inputs;
  for (size_t k = 0; k <= count; k++) {
    double next = (double)(k < count ? widths[k] : outputs);
    *numbers += (before + 1) * next;
    before = next;
  }
  lua_getfield(L, LUA_REGISTRYINDEX, LATL_MOST);
  double most = lua_isnil(L, -1) ? 1e11 : lua_tonumber(L, -1) / 4;
  lua_pop(L, 1);
  if (*numbers > most)
    latL_error(L, who, "the nets would have %f parameters, which is too many", *numbers);
}

/* ---- making them ------------------------------------------------------------------------------------- */

void latL_deepmade(lua_State *L, const char *who, latL_Deep *m, lat_deep *core,
                   void (*done)(void *))
{
  m->core = core;
  m->done = done;
  lat_optimizer *o = &core->optimizer;
  o->beta1 = latL_optnumber(L, 1, who, "beta1", o->beta1, 0, 1);
  o->beta2 = latL_optnumber(L, 1, who, "beta2", o->beta2, 0, 1);
  if (o->beta1 >= 1 || o->beta2 >= 1) latL_error(L, who, "beta1 and beta2 must be less than 1");
  o->epsilon = opt_positive(L, 1, who, "epsilon", o->epsilon);
  o->weight_decay = latL_optnumber(L, 1, who, "weight_decay", o->weight_decay, 0, 1e9);
  lua_getiuservalue(L, -1, LATL_KEPT);
  lua_pushinteger(L, (lua_Integer)m->likelihood->D);
  lua_setfield(L, -2, "input_dim");
  lua_pushinteger(L, (lua_Integer)m->latent_dim);
  lua_setfield(L, -2, "latent_dim");
  lua_pushinteger(L, (lua_Integer)m->seed);
  lua_setfield(L, -2, "seed");
  lua_pushstring(L, core->store.dtype == LAT_FLOAT64 ? "float64" : "float32");
  lua_setfield(L, -2, "dtype");
  lua_pop(L, 1);
  size_t bytes = 4 * core->store.size * lat_dtype_size(core->store.dtype);
  lua_gc(L, LUA_GCSTEP, (int)(bytes >> 10 < 1 << 20 ? bytes >> 10 : 1 << 20));
}

/* Calls the function of the module latent.MODULE; upvalues: MODULE, its name, the kind. */
static int in_lua(lua_State *L)
{
  const latL_Kind *kind = lua_touserdata(L, lua_upvalueindex(3));
  const char *who = lua_pushfstring(L, "%s:%s", kind->name, lua_tostring(L, lua_upvalueindex(2)));
  latL_checkmodel(L, kind, who);
  lua_pop(L, 1);
  lua_getglobal(L, "require");
  lua_pushfstring(L, "latent.%s", lua_tostring(L, lua_upvalueindex(1)));
  lua_call(L, 1, 1);
  lua_getfield(L, -1, lua_tostring(L, lua_upvalueindex(2)));
  lua_insert(L, 1);
  lua_pop(L, 1);
  lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
  return lua_gettop(L);
}

void latL_newdeepkind(lua_State *L, const latL_Kind *kind, const luaL_Reg *methods,
                      const char *module, const char *const more[])
{
  static const luaL_Reg all[] = {{"parameters", parameters},
                                 {"gradients", gradients},
                                 {"free_parameters", free_parameters},
                                 {"__keep", keep},
                                 {NULL, NULL}};
  latL_newkind(L, kind, methods);
  luaL_getmetatable(L, kind->metatable);
  lua_getfield(L, -1, "methods");
  lua_pushlightuserdata(L, (void *)(size_t)kind);
  luaL_setfuncs(L, all, 1);
  lua_pushlightuserdata(L, (void *)(size_t)kind);
  luaL_setfuncs(L, latL_decoder_uses, 1);
  for (; *more; more++) {
    lua_pushstring(L, module);
    lua_pushstring(L, *more);
    lua_pushlightuserdata(L, (void *)(size_t)kind);
    lua_pushcclosure(L, in_lua, 3);
    lua_setfield(L, -2, *more);
  }
  lua_pop(L, 1);
  lua_pushlightuserdata(L, (void *)(size_t)kind);
  lua_pushcclosure(L, tostring, 1);
  lua_setfield(L, -2, "__tostring");
  lua_pushlightuserdata(L, (void *)(size_t)kind);
  lua_pushcclosure(L, gc, 1);
  lua_setfield(L, -2, "__gc");
  static latL_Stored *const pointer = stored;
  lua_pushlightuserdata(L, (void *)(size_t)&pointer);
  lua_setfield(L, -2, LATL_STORED);
  lua_pop(L, 1);
}
