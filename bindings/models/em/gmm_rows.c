/* e_step_rows.c: what fitted mixtures of Gaussians of any form say of rows. */
#include "model/density.h"
#include "models/em/gmm.h"

static const latL_GmmForm *form_of(lua_State *L)
{
  return latL_verbkind(L);
}

const latL_Fitted *latL_checkgmm(lua_State *L, int arg, const char *who)
{
  const latL_GmmForm *form = form_of(L);
  return latL_fitted(L, arg, &(latL_Kind){.name = form->name, .metatable = form->metatable}, who);
}

const latL_Fitted *latL_begingmm(lua_State *L, int top, const char **who)
{
  lua_settop(L, top);
  *who = latL_verb(L);
  return latL_checkgmm(L, 1, *who);
}

latL_GmmCall latL_callgmm(lua_State *L, int options, const char *const names[])
{
  latL_GmmCall c = {0};
  const char *who;
  c.f = latL_begingmm(L, options, &who);
  c.D = c.f->sizes[LAT_D];
  c.K = c.f->sizes[LAT_K];
  c.q = latL_checkquery(L, 2, who, "X", c.D);
  latL_checkoptions(L, options, who, names);
  c.missing = latL_optboolean(L, options, who, "missing", false);
  return c;
}

static latL_GmmCall begin(lua_State *L, int options)
{
  static const char *const names[] = {"missing", NULL};
  return latL_callgmm(L, options, names);
}

static void apply(lua_State *L, const latL_GmmCall *c, const lat_gmm_images *images)
{
  lat_workspace *work = latL_workspace(L);
  latL_call(L, c->q.who, work, form_of(L)->apply(work, c->f, &c->q.X, c->missing, images));
}

/* responsibilities(X [, {missing}]) -> N x K; of one row a vector */
static int responsibilities(lua_State *L)
{
  latL_GmmCall c = begin(L, 3);
  lat_matrix to = latL_queryrows(L, &c.q, c.K);
  apply(L, &c, &(lat_gmm_images){.responsibilities = &to});
  return 1;
}

/* predict(X [, {missing}]) -> vector of labels 1..K */
static int predict(lua_State *L)
{
  latL_GmmCall c = begin(L, 3);
  double *labels = latL_querycolumn(L, &c.q);
  apply(L, &c, &(lat_gmm_images){.labels = labels});
  return latL_querylabels(L, &c.q);
}

/* log_likelihood(X [, {missing}]) -> vector */
static latL_Query log_likelihood(lua_State *L)
{
  latL_GmmCall c = begin(L, 3);
  double *values = latL_querycolumn(L, &c.q);
  apply(L, &c, &(lat_gmm_images){.log_likelihood = values});
  return c.q;
}

static size_t free_parameters(lua_State *L)
{
  const char *who;
  return form_of(L)->free_parameters(latL_begingmm(L, 1, &who));
}

/* elbo(X [, q [, {missing}]]) -> bound, KL */
static int elbo(lua_State *L)
{
  latL_GmmCall c = begin(L, 4);
  const latL_Matrix *q = lua_isnil(L, 3) ? NULL : latL_checkmatrix(L, 3, c.q.who, "q");
  lat_gmm_images images = {.q = NULL};
  lat_matrix rows;
  if (q) {
    rows = latL_checkquery(L, 3, c.q.who, "q", c.K).X;
    if (rows.rows != c.q.X.rows || rows.cols != c.K)
      latL_error(L, c.q.who,
                 "q is a %s, it should be %Ix%I: a row for each of X, a column for each "
                 "component",
                 latL_shape(L, q), (lua_Integer)c.q.X.rows, (lua_Integer)c.K);
    images.q = &rows;
  }
  images.bound = latL_querycolumn(L, &c.q);
  images.kl = latL_querycolumn(L, &c.q);
  apply(L, &c, &images);
  return latL_querynumbers(L, &c.q, 2);
}

static const luaL_Reg verbs[] = {
    {"responsibilities", responsibilities}, {"predict", predict}, {"elbo", elbo}, {NULL, NULL}};

void latL_addgmmverbs(lua_State *L, const latL_GmmForm *form, const luaL_Reg *own)
{
  static const latL_Density density = {.log_likelihood = log_likelihood,
                                       .free_parameters = free_parameters};
  latL_addverbs(L, form->metatable, form->name, form, verbs, NULL);
  latL_addverbs(L, form->metatable, form->name, form, own, NULL);
  latL_adddensity(L, form->metatable, form->name, form, &density);
}
