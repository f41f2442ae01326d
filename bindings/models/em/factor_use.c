/* factor_use.c: what a fitted model with linear-Gaussian latent variables says of rows. */
#include "models/em/factor.h"

#include "model/density.h"

/* A call about rows: the model at 1, the rows at 2, options at `options`. */
typedef struct call {
  latL_Query q;
  lat_factor_model core;
  bool missing;
} call;

static const latL_FactorKind *kind_of(lua_State *L)
{
  return latL_verbkind(L);
}

/* The model at 1. Sets the top. */
static const char *check_model(lua_State *L, int top, lat_factor_model *core)
{
  const latL_FactorKind *kind = kind_of(L);
  lua_settop(L, top);
  *core = kind->view(latL_fitted(L, 1, kind->base, latL_verb(L)));
  return latL_verb(L);
}

static call begin(lua_State *L, int options, const char *const names[])
{
  call c = {0};
  const char *who = check_model(L, options, &c.core);
  c.q = latL_checkquery(L, 2, who, "X", c.core.D);
  latL_checkoptions(L, options, who, names);
  return c;
}

static const char *const missing_option[] = {"missing", NULL};

static call begin_missing(lua_State *L, int options, const char *const names[])
{
  call c = begin(L, options, names);
  c.missing = latL_optboolean(L, options, c.q.who, "missing", false);
  return c;
}

static lat_matrix new_rows(lua_State *L, const call *c, size_t cols)
{
  if (cols == 0) latL_error(L, c->q.who, "latent_dim is 0: there are no latent variables");
  return latL_queryrows(L, &c->q, cols);
}

static void apply(lua_State *L, const call *c, const lat_factor_images *images)
{
  lat_workspace *work = latL_workspace(L);
  latL_call(L, c->q.who, work, lat_factor_apply(work, &c->core, &c->q.X, c->missing, images));
}

/* ---- densities ------------------------------------------------------------------------------- */

/* log_likelihood(X [, {missing}]) -> vector */
static latL_Query log_likelihood(lua_State *L)
{
  call c = begin_missing(L, 3, missing_option);
  double *values = latL_querycolumn(L, &c.q);
  apply(L, &c, &(lat_factor_images){.log_likelihood = values});
  return c.q;
}

static size_t free_parameters(lua_State *L)
{
  const latL_FactorKind *kind = kind_of(L);
  lat_factor_model core;
  check_model(L, 1, &core);
  return kind->free_parameters(core.D, kind->rank ? kind->rank(&core) : core.M);
}

/* ---- the bound ------------------------------------------------------------------------------- */

/* Raises unless the matrix on the top is M x M (or a vector of 1, or a number, for M = 1). */
static void take_covariance(lua_State *L, const call *c, double *to)
{
  size_t M = c->core.M;
  if (M == 1 && lua_type(L, -1) == LUA_TNUMBER) {
    *to = lua_tonumber(L, -1);
    return;
  }
  const latL_Matrix *C = latL_checkmatrix(L, lua_gettop(L), c->q.who, "q's covariance");
  if (C->view.rows != M || C->view.cols != M)
    latL_error(L, c->q.who, "q's covariance is a %s, it should be %Ix%I", latL_shape(L, C),
               (lua_Integer)M, (lua_Integer)M);
  lat_matrix packed = lat_matrix_of(to, M, M);
  lat_copy(&C->view, &packed);
}

/* q = {means = N x M, covariance = M x M, or a list of N of them}, as posterior gives them. */
static void take_q(lua_State *L, const call *c, int q, lat_matrix *means, lat_factor_images *images)
{
  static const char *const names[] = {"means", "covariance", NULL};
  size_t M = c->core.M, N = c->q.X.rows;
  if (lua_type(L, q) != LUA_TTABLE)
    latL_error(L, c->q.who, "q must be a table {means=, covariance=}, got %s", luaL_typename(L, q));
  latL_checkfields(L, q, c->q.who, "q", names);
  lua_getfield(L, q, "means");
  const latL_Matrix *m = latL_checkmatrix(L, lua_gettop(L), c->q.who, "q.means");
  *means = latL_checkquery(L, lua_gettop(L), c->q.who, "q.means", M).X;
  if (means->rows != N || means->cols != M)
    latL_error(L, c->q.who, "q.means is a %s, it should be %Ix%I: a row for each of X",
               latL_shape(L, m), (lua_Integer)N, (lua_Integer)M);
  int type = lua_getfield(L, q, "covariance");
  int at = lua_gettop(L);
  bool list = type == LUA_TTABLE && lua_geti(L, at, 1) == LUA_TUSERDATA;
  lua_settop(L, at);
  images->q_shared = !list;
  double *to = latL_newmatrix(L, list ? N : 1, M * M, LAT_FLOAT64)->view.data;
  images->q_covariances = to;
  for (size_t i = 0; i < (list ? N : 1); i++) {
    if (list)
      lua_geti(L, at, (lua_Integer)i + 1);
    else
      lua_pushvalue(L, at);
    take_covariance(L, c, to + i * M * M);
    lua_settop(L, at + 1);
  }
  images->q_means = means;
}

/* elbo(X [, q [, {missing}]]) -> bound, KL */
static int elbo(lua_State *L)
{
  lat_matrix means;
  lat_factor_images images = {0};
  lua_settop(L, 4);
  call c = begin_missing(L, 4, missing_option);
  if (c.core.M == 0 && !lua_isnil(L, 3))
    latL_error(L, c.q.who, "latent_dim is 0: there are no latent variables, and no q");
  if (!lua_isnil(L, 3)) take_q(L, &c, 3, &means, &images);
  images.bound = latL_querycolumn(L, &c.q);
  images.kl = latL_querycolumn(L, &c.q);
  apply(L, &c, &images);
  return latL_querynumbers(L, &c.q, 2);
}

/* ---- latent variables ------------------------------------------------------------------------ */

/* transform(X [, {missing, scores}]) -> posterior means, or fits without the prior */
static int transform(lua_State *L)
{
  static const char *const names[] = {"missing", "scores", NULL};
  static const char *const scores[] = {"regression", "bartlett", NULL};
  call c = begin_missing(L, 3, names);
  bool bartlett = latL_optword(L, 3, c.q.who, "scores", scores, 0) == 1;
  lat_matrix Z = new_rows(L, &c, c.core.M);
  apply(L, &c, &(lat_factor_images){.latent = &Z, .least_squares = bartlett});
  return 1;
}

/* posterior(X [, {missing}]) -> means, the covariance of all rows, or a list of them */
static int posterior(lua_State *L)
{
  call c = begin_missing(L, 3, missing_option);
  size_t M = c.core.M, N = c.q.X.rows;
  lat_matrix Z = new_rows(L, &c, M);
  lat_factor_images images = {.latent = &Z};
  lat_matrix C = latL_newmatrix(L, c.missing ? N * M : M, M, LAT_FLOAT64)->view;
  images.covariances = c.missing ? C.data : NULL;
  apply(L, &c, &images);
  if (!c.missing) {
    lat_workspace *work = latL_workspace(L);
    latL_call(L, c.q.who, work, lat_factor_posterior(work, &c.core, C.data));
    return 2;
  }
  if (c.q.one) return 2; /* the one matrix */
  int owner = lua_gettop(L);
  latL_newviews(L, owner, C.data, N, M, M);
  lua_remove(L, owner);
  return 2;
}

/* ---- data space ------------------------------------------------------------------------------ */

static int reconstruct(lua_State *L)
{
  call c = begin_missing(L, 3, missing_option);
  lat_matrix Y = new_rows(L, &c, c.core.D);
  apply(L, &c, &(lat_factor_images){.reconstruction = &Y});
  return 1;
}

/* impute(X [, {variance=true}]) -> X without gaps [, variances] */
static int impute(lua_State *L)
{
  static const char *const names[] = {"variance", NULL};
  call c = begin(L, 3, names);
  bool variance = latL_optboolean(L, 3, c.q.who, "variance", false);
  c.missing = true;
  lat_matrix Y = new_rows(L, &c, c.core.D), V;
  lat_factor_images images = {.imputed = &Y};
  if (variance) {
    V = new_rows(L, &c, c.core.D);
    images.variances = &V;
  }
  apply(L, &c, &images);
  return variance ? 2 : 1;
}

static int inverse_transform(lua_State *L)
{
  static const char *const none[] = {NULL};
  lat_factor_model core;
  const char *who = check_model(L, 3, &core);
  latL_Query q = latL_checkquery(L, 2, who, "Z", core.M);
  latL_checkoptions(L, 3, who, none);
  lat_matrix X = latL_queryrows(L, &q, core.D);
  lat_workspace *work = latL_workspace(L);
  latL_call(L, who, work, lat_factor_inverse(work, &core, &q.X, &X));
  return 1;
}

/* sample(n [, {seed}]) -> rows, latent variables */
static int sample(lua_State *L)
{
  static const char *const names[] = {"seed", NULL};
  lat_factor_model core;
  const char *who = check_model(L, 3, &core);
  size_t n = latL_checksize(L, 2, who, "n");
  latL_checkoptions(L, 3, who, names);
  latL_getoption(L, 3, "seed");
  lat_random *random = latL_checkrandom(L, lua_gettop(L), who);
  lat_matrix X = latL_newmatrix(L, n, core.D, LAT_FLOAT64)->view, Z = {.rows = n};
  if (core.M > 0)
    Z = latL_newmatrix(L, n, core.M, LAT_FLOAT64)->view;
  else
    lua_pushnil(L);
  lat_workspace *work = latL_workspace(L);
  latL_call(L, who, work, lat_factor_sample(work, &core, random, &X, &Z));
  return 2;
}

/* covariance() -> C */
static int covariance(lua_State *L)
{
  latL_nooptions(L, 2, latL_verb(L));
  lat_factor_model core;
  const char *who = check_model(L, 1, &core);
  lat_matrix C = latL_newmatrix(L, core.D, core.D, LAT_FLOAT64)->view;
  lat_workspace *work = latL_workspace(L);
  latL_call(L, who, work, lat_factor_covariance(work, &core, &C));
  return 1;
}

static const luaL_Reg verbs[] = {{"elbo", elbo},
                                 {"transform", transform},
                                 {"posterior", posterior},
                                 {"inverse_transform", inverse_transform},
                                 {"reconstruct", reconstruct},
                                 {"impute", impute},
                                 {"sample", sample},
                                 {"covariance", covariance},
                                 {NULL, NULL}};

void latL_addfactorverbs(lua_State *L, const latL_FactorKind *kind)
{
  static const latL_Density density = {.log_likelihood = log_likelihood,
                                       .free_parameters = free_parameters};
  const latL_Kind *base = kind->base;
  latL_addverbs(L, base->metatable, base->name, kind, verbs, NULL);
  latL_adddensity(L, base->metatable, base->name, kind, &density);
}
