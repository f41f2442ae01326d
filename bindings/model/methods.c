/* methods.c: constructors and methods of all models that the core describes.
 *
 * One place where a vector is one row (query.h), where a width is compared, where `out` is checked
 * and workspace is taken. A method is a closure of its kind, its name for messages, and its row in
 * the core's table. */
#include "model/methods.h"

#include <math.h>
#include <string.h>

#include "lua/option_lists.h"
#include "model/fit.h"
#include "model/given.h"
#include "model/query.h"
#include "model/statistics.h"

static const lat_method *method_of(lua_State *L)
{
  return lua_touserdata(L, lua_upvalueindex(3));
}

/* ---- the constructor ------------------------------------------------------------------------- */

/* Raises: what the constructor was given at 1 is no table of options. */
static int fail_options(lua_State *L, const lat_model *core)
{
  static const char *const structure[] = {"clusters", "components", "latent_dim", "input_dim",
                                          NULL};
  const char *who = core->name, *got = latL_got(L, 1), *first = NULL;
  if (latL_tomatrix(L, 1))
    latL_error(L, who, "options must be a table, got %s; data are for fit: latent.%s():fit(X)", got,
               who);
  for (int i = 0; structure[i] && !first; i++)
    if (lat_option_find(core->options, structure[i])) first = structure[i];
  const char *value = lua_type(L, 1) == LUA_TNUMBER ? got : "...";
  if (!first) latL_error(L, who, "options must be a table, got %s", got);
  return latL_error(L, who, "options must be a table, got %s: latent.%s{ %s = %s }", got, who,
                    first, value);
}

/* __call of latent.NAME: latent.NAME{options}. The table itself is at 1. */
static int construct(lua_State *L)
{
  const latL_Kind *kind = latL_verbkind(L);
  const lat_model *core = kind->core;
  const char *who = core->name;
  lua_remove(L, 1);
  lua_settop(L, 1);
  if (!lua_isnil(L, 1) && lua_type(L, 1) != LUA_TTABLE) fail_options(L, core);
  size_t behind = core->nets ? sizeof(latL_Fitted) + core->nets->bytes : 0;
  latL_Model *m = latL_newmodel(L, kind, sizeof *m + core->options_size + behind);
  void *options = latL_optionsof(m);
  lat_model_defaults(core, options);
  latL_readtable(L, 1, who, core->options, NULL, options);
  latL_readlists(L, 1, who, core->options, options);
  if (kind->read) kind->read(L, 2, options);
  lua_settop(L, 2);
  latL_run(L, who, lat_model_check, core, options);
  if (kind->make) kind->make(L, 2);
  lua_settop(L, 2);
  return 1;
}

/* ---- a call ---------------------------------------------------------------------------------- */

enum { MOST_GIVEN = 4 };

typedef struct call {
  const lat_method *method;
  const char *who;
  const lat_fitted *f;
  const lat_model *core;
  int options; /* stack index of the option table */
  latL_Query q;
  lat_request request;
  lat_outputs outputs;
  latL_Result results[LAT_MOST_OUTPUTS]; /* of those that are rows */
  lat_matrix alike[LAT_MOST_OUTPUTS];    /* their views, of those that are like X */
  int places[LAT_MOST_OUTPUTS];          /* stack indices of all */
  double numbers[LAT_MOST_OUTPUTS];      /* those of all rows together */
  bool filled[LAT_MOST_OUTPUTS];         /* into memory of the caller's */
  size_t count;                          /* of outputs that are given */
  lat_matrix given[MOST_GIVEN];          /* matrices among the options */
} call;

const latL_Fitted *latL_beginmethod(lua_State *L, int top, int options, lat_request *request)
{
  const lat_method *method = method_of(L);
  const char *who = latL_verb(L);
  const lat_option *table = method->options ? method->options : lat_no_options;
  lat_options_default(table, request, sizeof *request);
  if (method->missing) request->missing = true;
  if (options)
    lua_settop(L, top);
  else
    latL_nooptions(L, top + 1, who), lua_settop(L, top);
  const latL_Fitted *f = latL_fitted(L, 1, latL_verbkind(L), who);
  if (lat_option_find(table, "missing") && !(f->model->nets))
    request->missing = latL_takesmissing(L, 1);
  bool out = lat_method_has_out(method);
  if (options) latL_readtable(L, options, who, table, out ? "out" : NULL, request);
  return f;
}

/* A call whose option table is at `options`; 0: it has none, and takes `top` arguments. */
static call begin(lua_State *L, int top, int options)
{
  call c = {.method = method_of(L), .who = latL_verb(L), .options = options};
  c.f = latL_beginmethod(L, top, options, &c.request);
  c.core = c.f->model;
  return c;
}

static void check_rows(lua_State *L, call *c, const char *name, size_t D)
{
  if (D == 0) latL_error(L, c->who, "latent_dim is 0: there are no latent variables");
  c->q = latL_checkquery(L, 2, c->who, name, D);
  c->request.X = c->q.X;
}

/* One number for each of so many rows; a number is that of all. */
static lat_matrix check_numbers(lua_State *L, int arg, const char *who, const char *name,
                                size_t rows)
{
  if (lua_type(L, arg) == LUA_TNUMBER) {
    lat_matrix all = latL_newvector(L, rows, LAT_FLOAT64)->view;
    lat_fill(&all, lua_tonumber(L, arg));
    return all;
  }
  return latL_checkeach(L, arg, who, name, rows);
}

/* Options that are matrices, with a row for each of so many of X: pushes what keeps them. */
static void read_matrices(lua_State *L, call *c, size_t rows)
{
  size_t n = 0;
  for (const lat_option *o = c->method->options; o && o->name; o++) {
    if (o->type != LAT_GIVEN || o->offset == 0) continue;
    if (latL_getoption(L, c->options, o->name) == LUA_TNIL) continue;
    lat_matrix *to = &c->given[n++];
    if (o->least == LAT_END) {
      *to = check_numbers(L, lua_gettop(L), c->who, o->name, rows);
    } else {
      size_t width = c->f->sizes[(int)o->least];
      *to = latL_checkquery(L, lua_gettop(L), c->who, o->name, width).X;
      if (to->rows == 1 && o->least == LAT_U) { /* one context is that of all rows */
        to->rows = rows;
        to->row_stride = 0;
      }
      bool any = o->most > 0;                    /* a sample */
      if (to->rows != rows && width > 0 && !any) /* else the core says that it takes none */
        latL_error(L, c->who, "%s has %I rows, X has %I", o->name, (lua_Integer)to->rows,
                   (lua_Integer)rows);
    }
    *(const lat_matrix **)(void *)((char *)&c->request + o->offset) = to;
  }
}

/* The type of the rows that a method gives. */
static lat_dtype dtype_of(const call *c)
{
  return c->core->dtype ? c->core->dtype(c->f) : LAT_FLOAT64;
}

/* Whether the output is given at all. */
static bool is_asked(const call *c, const lat_output *o)
{
  return o->only_if == 0 || *((const bool *)(const void *)&c->request + (o->only_if - 1));
}

/* Where the memory of output i comes from. */
static latL_Out out_of(const call *c, size_t i)
{
  bool several = c->method->outputs[1].shape != 0;
  if (!lat_method_has_out(c->method)) return (latL_Out){0};
  return (latL_Out){c->options, several ? (int)i + 1 : 0};
}

/* Pushes memory for the outputs of rows. */
static void push_outputs(lua_State *L, call *c)
{
  char *outputs = (char *)&c->outputs;
  for (const lat_output *o = c->method->outputs; o->shape; o++) {
    if (!is_asked(c, o)) continue;
    size_t i = c->count++;
    latL_Out out = out_of(c, i);
    latL_Result *to = &c->results[i];
    c->filled[i] = latL_hasout(L, out);
    if (o->shape == LAT_GIVES_NUMBER) {
      *(double **)(void *)(outputs + o->field) = &c->numbers[i];
    } else if (o->shape == LAT_GIVES_ALIKE) {
      const latL_Matrix *X = latL_tomatrix(L, 2);
      *to = latL_resultof(L, out, c->who, X->view.rows, X->view.cols, X->vector, X->view.dtype,
                          LATL_SAME_PLACES);
      c->alike[i] = c->q.one ? lat_transpose(to->view) : to->view;
      *(const lat_matrix **)(void *)(outputs + o->field) = &c->alike[i];
    } else if (o->shape != LAT_GIVES_ROWS) {
      *to = latL_querycolumn(L, &c->q, out);
      *(double **)(void *)(outputs + o->field) = to->view.data;
    } else {
      size_t width = c->f->sizes[o->size];
      if (width == 0) latL_error(L, c->who, "latent_dim is 0: there are no latent variables");
      *to = latL_queryresult(L, &c->q, out, width, dtype_of(c), LATL_APART);
      *(const lat_matrix **)(void *)(outputs + o->field) = &to->view;
    }
    c->places[i] = lua_gettop(L);
  }
}

/* Makes results of the filled outputs, in order. */
static int return_outputs(lua_State *L, call *c)
{
  size_t i = 0;
  for (const lat_output *o = c->method->outputs; o->shape; o++) {
    if (!is_asked(c, o)) continue;
    int place = c->places[i];
    if (o->shape <= LAT_GIVES_ALIKE) latL_finish(L, c->who, &c->results[i]);
    if (o->shape == LAT_GIVES_NUMBER)
      lua_pushnumber(L, c->numbers[i]);
    else if (o->shape >= LAT_GIVES_MEAN)
      lua_pushnumber(L, lat_method_summary(c->f, (int)o->shape, &latL_tomatrix(L, place)->view));
    else
      lua_pushvalue(L, place);
    if (o->shape == LAT_GIVES_NUMBERS && !c->filled[i]) latL_querynumbers(L, &c->q, 1);
    if (o->shape == LAT_GIVES_LABELS && !c->filled[i]) latL_querylabels(L, &c->q);
    i++;
  }
  return (int)c->count;
}

/* What the kind has to say before the core is asked. */
static void prepare(lua_State *L, call *c)
{
  const latL_Kind *kind = latL_verbkind(L);
  if (kind->prepare) kind->prepare(L, c->who, c->method, c->f, &c->request);
}

static int apply(lua_State *L, call *c)
{
  read_matrices(L, c, c->q.X.rows);
  prepare(L, c);
  push_outputs(L, c);
  if (c->core->prepare) {
    lat_fitted f = *c->f;
    f.prepared = latL_prepare(L, 1, c->who, &c->request);
    latL_run(L, c->who, c->core->apply, &f, &c->request, &c->outputs);
  } else {
    latL_run(L, c->who, c->core->apply, c->f, &c->request, &c->outputs);
  }
  return return_outputs(L, c);
}

/* ---- methods --------------------------------------------------------------------------------- */

/* method(X [, options]) */
int latL_applymethod(lua_State *L)
{
  call c = begin(L, 3, 3);
  check_rows(L, &c, "X", c.f->sizes[LAT_D]);
  return apply(L, &c);
}

/* elbo(X [, q [, options]]) */
static int of_rows_and_q(lua_State *L)
{
  call c = begin(L, 4, 4);
  size_t K = c.f->sizes[LAT_K];
  lat_matrix q;
  check_rows(L, &c, "X", c.f->sizes[LAT_D]);
  if (!lua_isnil(L, 3)) {
    const latL_Matrix *given = latL_checkmatrix(L, 3, c.who, "q");
    q = latL_checkquery(L, 3, c.who, "q", K).X;
    if (q.rows != c.q.X.rows || q.cols != K)
      latL_error(L, c.who,
                 "q is a %s, it should be %Ix%I: a row for each of X, a column for each component",
                 latL_shape(L, given), (lua_Integer)c.q.X.rows, (lua_Integer)K);
    c.request.q = &q;
  }
  return apply(L, &c);
}

static int inverse(lua_State *L, call *c)
{
  latL_Result X = latL_queryresult(L, &c->q, (latL_Out){c->options, 0}, c->f->sizes[LAT_D],
                                   LAT_FLOAT64, LATL_APART);
  latL_run(L, c->who, c->core->inverse, c->f, &c->request, &X.view);
  latL_finish(L, c->who, &X);
  return 1;
}

/* method(Z [, options]) -> rows of X, or what the row says */
static int of_latent(lua_State *L)
{
  call c = begin(L, 3, 3);
  check_rows(L, &c, "Z", c.f->sizes[LAT_M]);
  return c.method->outputs[0].shape ? apply(L, &c) : inverse(L, &c);
}

/* method(Z, labels [, options]), where a number is the label of all rows */
static int of_latent_and_labels(lua_State *L)
{
  call c = begin(L, 4, 4);
  check_rows(L, &c, "Z", c.f->sizes[LAT_M]);
  lat_matrix labels = check_numbers(L, 3, c.who, "labels", c.q.X.rows);
  c.request.labels = &labels;
  return inverse(L, &c);
}

/* sample(n [, {seed}]) -> rows, and what they came from */
static int of_count(lua_State *L)
{
  call c = begin(L, 3, 3);
  char *outputs = (char *)&c.outputs;
  lat_matrix views[LAT_MOST_OUTPUTS];
  int results = 1;
  size_t n = latL_checksize(L, 2, c.who, "n");
  latL_getoption(L, 3, "seed");
  lat_random *random = latL_checkrandom(L, lua_gettop(L), c.who);
  read_matrices(L, &c, n);
  lat_matrix X = latL_newmatrix(L, n, c.f->sizes[LAT_D], dtype_of(&c))->view;
  for (const lat_output *o = c.method->outputs; o->shape; o++, results++) {
    size_t width = o->shape == LAT_GIVES_ROWS ? c.f->sizes[o->size] : 1;
    lat_matrix *view = &views[results - 1];
    *view = (lat_matrix){.rows = n};
    if (o->shape != LAT_GIVES_ROWS)
      *(double **)(void *)(outputs + o->field) = latL_newvector(L, n, LAT_FLOAT64)->view.data;
    else if (width == 0)
      lua_pushnil(L); /* no matrix is empty */
    else
      *view = latL_newmatrix(L, n, width, dtype_of(&c))->view;
    if (o->shape == LAT_GIVES_ROWS) *(const lat_matrix **)(void *)(outputs + o->field) = view;
  }
  lat_workspace *work = latL_workspace(L);
  latL_call(L, c.who, work,
            c.core->draw ? c.core->draw(work, c.f, &c.request, random, &X, &c.outputs)
                         : c.core->sample(work, c.f, random, &X, &c.outputs));
  const latL_Kind *kind = latL_verbkind(L);
  if (kind->draw) kind->draw(L, c.who, c.f, random, &X, c.outputs.labels);
  return results;
}

static int of_nothing(lua_State *L)
{
  call c = begin(L, 1, 0);
  prepare(L, &c);
  lua_pushinteger(L, (lua_Integer)c.core->free_parameters(c.f));
  return 1;
}

/* covariance() -> C (D x D); of a mixture covariance(k) */
static int of_component(lua_State *L)
{
  const latL_Kind *kind = latL_verbkind(L);
  bool mixture = kind->core->distances != NULL;
  call c = begin(L, mixture ? 2 : 1, 0);
  size_t k = mixture ? latL_checkindex(L, 2, c.who, "component", c.f->sizes[LAT_K]) : 0;
  size_t D = c.f->sizes[LAT_D];
  lat_matrix C = latL_newmatrix(L, D, D, LAT_FLOAT64)->view;
  latL_run(L, c.who, c.core->covariance, c.f, k, &C);
  return 1;
}

/* align(other) -> permutation, distances: component i is now what was number permutation[i], the
 * one that belongs to component i of the other. */
static int of_model(lua_State *L)
{
  call c = begin(L, 2, 0);
  const latL_Fitted *other = latL_fitted(L, 2, latL_verbkind(L), c.who);
  prepare(L, &c);
  size_t K = c.f->sizes[LAT_K];
  double *permutation = latL_newvector(L, K, LAT_FLOAT64)->view.data;
  double *distances = latL_newvector(L, K, LAT_FLOAT64)->view.data;
  int results = lua_gettop(L);
  lua_getiuservalue(L, 1, LATL_OF_MODEL);
  latL_Fitted *f = latL_copyfitted(L, 1);
  latL_run(L, c.who, lat_model_align, other, f, permutation, distances);
  const latL_Kind *kind = latL_owner(f)->kind;
  if (kind->record) kind->record(L, results + 2);
  latL_publish(L, results + 1);
  lua_settop(L, results);
  return 2;
}

/* ---- in Lua ---------------------------------------------------------------------------------- */

/* All that the function has given; it may have yielded. */
static int give_all(lua_State *L, int status, lua_KContext context)
{
  (void)status, (void)context;
  return lua_gettop(L);
}

int latL_calllua(lua_State *L, const char *module)
{
  const char *who = latL_verb(L);
  if (lua_gettop(L) == 0) lua_pushnil(L);
  lua_pushvalue(L, 1);
  lua_insert(L, 1); /* which gives its place to its block */
  latL_fitted(L, 1, latL_verbkind(L), who);
  lua_remove(L, 1);
  latL_pushpart(L, who, module);
  lua_getfield(L, -1, strchr(who, ':') + 1);
  lua_insert(L, 1);
  lua_pop(L, 1);
  lua_callk(L, lua_gettop(L) - 1, LUA_MULTRET, 0, give_all);
  return give_all(L, LUA_OK, 0);
}

/* plot([X [, options]]) -> a figure */
static int plot(lua_State *L)
{
  return latL_calllua(L, "latent.plot.models");
}

/* export(path [, options]) -> true, or nil and a message */
static int export_model(lua_State *L)
{
  return latL_calllua(L, "latent.export");
}

/* summary() -> a text */
static int summary(lua_State *L)
{
  return latL_calllua(L, "latent.summary");
}

/* ---- the class ------------------------------------------------------------------------------- */

/* loaded(model): parameters from a file, or given, go with each other and with the options. */
static int check_loaded(lua_State *L)
{
  const latL_Kind *kind = latL_verbkind(L);
  const latL_Fitted *f = latL_fitted(L, 1, kind, "latent.load");
  lat_workspace *work = latL_workspace(L);
  if (f->model->check_fitted) latL_call(L, "latent.load", work, f->model->check_fitted(work, f));
  if (kind->complete) kind->complete(L, 1); /* nobody else has it yet */
  return 0;
}

static lua_CFunction own_method(const latL_Kind *kind, const char *name)
{
  const luaL_Reg *own = kind->methods;
  while (own && own->name && strcmp(own->name, name) != 0) own++;
  return own && own->name ? own->func : NULL;
}

static lua_CFunction function_of(lua_State *L, const latL_Kind *kind, const lat_method *method)
{
  static const lua_CFunction generic[] = {
      [LAT_TAKES_ROWS] = latL_applymethod, [LAT_TAKES_ROWS_AND_Q] = of_rows_and_q,
      [LAT_TAKES_LATENT] = of_latent,      [LAT_TAKES_LATENT_AND_LABELS] = of_latent_and_labels,
      [LAT_TAKES_COUNT] = of_count,        [LAT_TAKES_COMPONENT] = of_component,
      [LAT_TAKES_MODEL] = of_model,        [LAT_TAKES_NOTHING] = of_nothing};
  bool data = method->argument == LAT_TAKES_DATA || method->argument == LAT_TAKES_DATA_AND_SECONDS;
  lua_CFunction own = own_method(kind, method->name);
  if (own) return own;
  if (data && kind->core->fit) return latL_fitfunction(method->name);
  if (data && kind->core->statistics) return latL_statisticsfunction(method->name);
  if (data || method->argument == LAT_TAKES_OTHER)
    luaL_error(L, "%s:%s has no function", kind->name, method->name);
  return generic[method->argument];
}

/* __index of latent.NAME, of which only calls make sense: latent.NAME:fit(X) makes none. */
static int index_constructor(lua_State *L)
{
  const latL_Kind *kind = latL_verbkind(L);
  lua_pushfstring(L, "latent.%s", kind->name);
  lua_replace(L, 1);
  return latL_absent(L, lua_tostring(L, 1), true);
}

static int newindex_constructor(lua_State *L)
{
  const latL_Kind *kind = latL_verbkind(L);
  return latL_error(L, kind->name, "%s can't be set: options are given to latent.%s{ ... }",
                    latL_got(L, 2), kind->name);
}

static int tostring_constructor(lua_State *L)
{
  const latL_Kind *kind = latL_verbkind(L);
  lua_pushfstring(L, "latent.%s: makes a model, as latent.%s{ ... }", kind->name, kind->name);
  return 1;
}

/* Pushes what latent.NAME is: a table that is called. */
static void push_constructor(lua_State *L, const latL_Kind *kind)
{
  static const luaL_Reg meta[] = {{"__call", construct},
                                  {"__index", index_constructor},
                                  {"__newindex", newindex_constructor},
                                  {"__tostring", tostring_constructor},
                                  {NULL, NULL}};
  lua_newtable(L);
  lua_newtable(L);
  lua_pushlightuserdata(L, (void *)(size_t)kind);
  luaL_setfuncs(L, meta, 1);
  lua_pushboolean(L, false);
  lua_setfield(L, -2, "__metatable");
  lua_setmetatable(L, -2);
}

void latL_openmodel(lua_State *L, const latL_Kind *kind)
{
  static const luaL_Reg loaded[] = {{"loaded", check_loaded}, {NULL, NULL}};
  static const luaL_Reg all[] = {
      {"plot", plot}, {"summary", summary}, {"export", export_model}, {NULL, NULL}};
  latL_newkind(L, kind);
  latL_addverbs(L, kind->metatable, kind->name, kind, all, NULL);
  for (const lat_method *m = kind->core->methods; m->name; m++) {
    const luaL_Reg one[] = {{m->name, function_of(L, kind, m)}, {NULL, NULL}};
    latL_addverbs(L, kind->metatable, kind->name, kind, one, m);
  }
  luaL_getmetatable(L, kind->metatable);
  lua_pushlightuserdata(L, (void *)(size_t)kind);
  luaL_setfuncs(L, loaded, 1);
  lua_pop(L, 1);
  push_constructor(L, kind);
  lua_setfield(L, -2, kind->name);
}
