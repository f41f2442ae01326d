/* gmm_rows.c: what fitted mixtures of Gaussians of any form say of rows. */
#include <math.h>

#include "gmm.h"

/* The form is the first upvalue of every verb, the verb's name the second. */
static const latL_GmmForm *form_of(lua_State *L)
{
  return lua_touserdata(L, lua_upvalueindex(1));
}

latL_Gmm *latL_checkgmm(lua_State *L, int arg, const char *who)
{
  const latL_GmmForm *form = form_of(L);
  latL_Gmm *g = luaL_testudata(L, arg, form->metatable);
  if (!g)
    latL_error(L, who, "%s must be a %s, got %s", arg == 1 ? "self" : "other", form->name,
               luaL_typename(L, arg));
  if (!g->em.base.flat) latL_error(L, who, "the model is not fitted yet");
  return g;
}

latL_Gmm *latL_begingmm(lua_State *L, int top, const char **who)
{
  lua_settop(L, top);
  *who = lua_pushfstring(L, "%s:%s", form_of(L)->name, lua_tostring(L, lua_upvalueindex(2)));
  return latL_checkgmm(L, 1, *who);
}

latL_GmmCall latL_callgmm(lua_State *L, int options, const char *const names[])
{
  latL_GmmCall c = {0};
  c.g = latL_begingmm(L, options, &c.who);
  const latL_Matrix *X = latL_checkmatrix(L, 2, c.who, "X");
  latL_checkoptions(L, options, c.who, names);
  c.missing = latL_optboolean(L, options, c.who, "missing", false);
  c.D = c.g->em.base.sizes[LAT_D];
  c.K = c.g->em.base.sizes[LAT_K];
  c.one = X->vector && X->view.rows == c.D && c.D > 1;
  c.X = c.one ? lat_transpose(X->view) : X->view;
  return c;
}

static latL_GmmCall begin(lua_State *L, int options)
{
  static const char *const names[] = {"missing", NULL};
  return latL_callgmm(L, options, names);
}

lat_matrix latL_gmmrows(lua_State *L, const latL_GmmCall *c, size_t cols)
{
  return c->one ? lat_transpose(latL_newvector(L, cols, LAT_FLOAT64)->view)
                : latL_newmatrix(L, c->X.rows, cols, LAT_FLOAT64)->view;
}

double *latL_gmmcolumn(lua_State *L, const latL_GmmCall *c)
{
  return latL_newvector(L, c->X.rows, LAT_FLOAT64)->view.data;
}

static void apply(lua_State *L, const latL_GmmCall *c, const lat_gmm_images *images)
{
  lat_workspace *work = latL_workspace(L);
  latL_check(L, c->who, work, lat_workspace_mark(work),
             form_of(L)->apply(work, c->g, &c->X, c->missing, images));
}

/* responsibilities(X [, {missing}]) -> N x K; of one row a vector */
static int responsibilities(lua_State *L)
{
  latL_GmmCall c = begin(L, 3);
  lat_matrix to = latL_gmmrows(L, &c, c.K);
  apply(L, &c, &(lat_gmm_images){.responsibilities = &to});
  return 1;
}

/* predict(X [, {missing}]) -> vector of labels 1..K */
static int predict(lua_State *L)
{
  latL_GmmCall c = begin(L, 3);
  double *labels = latL_gmmcolumn(L, &c);
  apply(L, &c, &(lat_gmm_images){.labels = labels});
  return 1;
}

static int log_likelihood(lua_State *L)
{
  latL_GmmCall c = begin(L, 3);
  double *values = latL_gmmcolumn(L, &c);
  apply(L, &c, &(lat_gmm_images){.log_likelihood = values});
  return 1;
}

/* The sum over the rows, of which there are `rows`; and the free parameters. */
static double total(lua_State *L, double *rows, double *parameters)
{
  latL_GmmCall c = begin(L, 3);
  double *values = latL_gmmcolumn(L, &c), sum = 0;
  apply(L, &c, &(lat_gmm_images){.log_likelihood = values});
  for (size_t i = 0; i < c.X.rows; i++) sum += values[i];
  *rows = (double)c.X.rows;
  *parameters = (double)form_of(L)->free_parameters(c.g);
  return sum;
}

static int score(lua_State *L)
{
  double rows, parameters, sum = total(L, &rows, &parameters);
  lua_pushnumber(L, sum / rows);
  return 1;
}

/* -2 log L + 2 p */
static int aic(lua_State *L)
{
  double rows, parameters, sum = total(L, &rows, &parameters);
  lua_pushnumber(L, -2 * sum + 2 * parameters);
  return 1;
}

/* -2 log L + p log N */
static int bic(lua_State *L)
{
  double rows, parameters, sum = total(L, &rows, &parameters);
  lua_pushnumber(L, -2 * sum + log(rows) * parameters);
  return 1;
}

static int free_parameters(lua_State *L)
{
  const char *who;
  const latL_Gmm *g = latL_begingmm(L, 1, &who);
  lua_pushinteger(L, (lua_Integer)form_of(L)->free_parameters(g));
  return 1;
}

/* elbo(X [, q [, {missing}]]) -> bound, KL */
static int elbo(lua_State *L)
{
  latL_GmmCall c = begin(L, 4);
  const latL_Matrix *q = lua_isnil(L, 3) ? NULL : latL_checkmatrix(L, 3, c.who, "q");
  lat_gmm_images images = {.q = NULL};
  lat_matrix rows;
  if (q) {
    rows = c.one && q->vector ? lat_transpose(q->view) : q->view;
    if (rows.rows != c.X.rows || rows.cols != c.K)
      latL_error(L, c.who,
                 "q is a %s, it should be %Ix%I: a row for each of X, a column for each "
                 "component",
                 latL_shape(L, q), (lua_Integer)c.X.rows, (lua_Integer)c.K);
    images.q = &rows;
  }
  images.bound = latL_gmmcolumn(L, &c);
  images.kl = latL_gmmcolumn(L, &c);
  apply(L, &c, &images);
  return 2;
}

static const luaL_Reg verbs[] = {{"responsibilities", responsibilities},
                                 {"predict", predict},
                                 {"log_likelihood", log_likelihood},
                                 {"score", score},
                                 {"free_parameters", free_parameters},
                                 {"aic", aic},
                                 {"bic", bic},
                                 {"elbo", elbo},
                                 {NULL, NULL}};

void latL_addgmmverbs(lua_State *L, const latL_GmmForm *form, const luaL_Reg *own)
{
  const luaL_Reg *const lists[] = {verbs, own};
  luaL_getmetatable(L, form->metatable);
  lua_getfield(L, -1, "methods");
  for (int l = 0; l < 2; l++)
    for (const luaL_Reg *verb = lists[l]; verb->name; verb++) {
      lua_pushlightuserdata(L, (void *)(size_t)form);
      lua_pushstring(L, verb->name);
      lua_pushcclosure(L, verb->func, 2);
      lua_setfield(L, -2, verb->name);
    }
  lua_pop(L, 2);
}
