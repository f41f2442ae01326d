/* factor.c: models with linear-Gaussian latent variables in Lua: parameters that are given, and
 * methods about distributions of latent variables. */
#include "models/em/factor.h"

#include <math.h>

#include "model/given.h"
#include "model/query.h"

/* ---- given parameters ------------------------------------------------------------------------ */

void latL_readfactors(lua_State *L, int model, size_t *latent_dim, lat_fit_options *fit)
{
  static const char *const optional[] = {"factor_correlations", NULL};
  const latL_Model *m = lua_touserdata(L, model);
  bool chosen = *latent_dim > (size_t)LAT_MOST_PARTS; /* a word: a fit finds it */
  bool said = latL_hasoption(L, 1, "latent_dim") && !chosen;
  const size_t sizes[LAT_SIZES] = {[LAT_M] = !said ? 0 : *latent_dim ? *latent_dim : LATL_NONE};
  latL_Fitted *f = latL_pushgiven(L, model, sizes, optional);
  if (!f) return;
  size_t D = f->sizes[LAT_D], M = f->sizes[LAT_M];
  if (M >= D)
    latL_error(L, m->kind->name, "init.W is %Ix%I; there are fewer latent dimensions than columns",
               (lua_Integer)D, (lua_Integer)M);
  double *Phi = lat_parameter_at(latL_parametersof(m), f->sizes, f->flat, *optional);
  bool none = Phi && M > 0 && isnan(*Phi);
  for (size_t i = 0; none && i < M * M; i++) Phi[i] = i % (M + 1) == 0;
  fit->given = f;
  if (!chosen) {
    *latent_dim = M;
    latL_madewith(L, model, "latent_dim", M);
  }
  latL_adoptgiven(L, model, m->kind->name);
}

/* ---- distributions of latent variables ------------------------------------------------------- */

/* A call about rows, whose options are at `options`. */
typedef struct call {
  const char *who;
  const latL_Fitted *f;
  latL_Query q;
  lat_request request;
} call;

static call begin(lua_State *L, int options)
{
  call c = {.who = latL_verb(L)};
  c.f = latL_beginmethod(L, options, options, &c.request);
  c.q = latL_checkquery(L, 2, c.who, "X", c.f->sizes[LAT_D]);
  c.request.X = c.q.X;
  return c;
}

static void apply(lua_State *L, const call *c, const lat_outputs *outputs)
{
  latL_run(L, c->who, c->f->model->apply, c->f, &c->request, outputs);
}

/* Raises unless the matrix on the top is M x M (or a vector of 1, or a number, for M = 1). */
static void take_covariance(lua_State *L, const call *c, double *to)
{
  size_t M = c->f->sizes[LAT_M];
  if (M == 1 && lua_type(L, -1) == LUA_TNUMBER) {
    *to = lua_tonumber(L, -1);
    return;
  }
  const latL_Matrix *C = latL_checkmatrix(L, lua_gettop(L), c->who, "q's covariance");
  if (C->view.rows != M || C->view.cols != M)
    latL_error(L, c->who, "q's covariance is a %s, it should be %Ix%I", latL_shape(L, C),
               (lua_Integer)M, (lua_Integer)M);
  lat_matrix packed = lat_matrix_of(to, M, M);
  lat_copy(&C->view, &packed);
}

/* q = {means = N x M, covariance = M x M, or a list of N of them}, as posterior gives them, at the
 * index q. */
static void take_q(lua_State *L, call *c, int q, lat_matrix *means)
{
  size_t M = c->f->sizes[LAT_M], N = c->q.X.rows;
  if (lua_type(L, q) != LUA_TTABLE)
    latL_error(L, c->who, "q must be a table {means=, covariance=}, got %s", latL_typename(L, q));
  latL_checkfields(L, q, c->who, "q", LATL_NAMES("means", "covariance"));
  lua_getfield(L, q, "means");
  const latL_Matrix *m = latL_checkmatrix(L, lua_gettop(L), c->who, "q.means");
  *means = latL_checkquery(L, lua_gettop(L), c->who, "q.means", M).X;
  if (means->rows != N || means->cols != M)
    latL_error(L, c->who, "q.means is a %s, it should be %Ix%I: a row for each of X",
               latL_shape(L, m), (lua_Integer)N, (lua_Integer)M);
  int type = lua_getfield(L, q, "covariance");
  int at = lua_gettop(L);
  bool list = type == LUA_TTABLE && lua_geti(L, at, 1) == LUA_TUSERDATA;
  lua_settop(L, at);
  size_t count = list ? N : 1;
  double *to = latL_newmatrix(L, count, M * M, LAT_FLOAT64)->view.data;
  for (size_t i = 0; i < count; i++) {
    if (list)
      lua_geti(L, at, (lua_Integer)i + 1);
    else
      lua_pushvalue(L, at);
    take_covariance(L, c, to + i * M * M);
    lua_settop(L, at + 1);
  }
  c->request.q_shared = !list;
  c->request.q_covariances = to;
  c->request.q_means = means;
}

/* elbo(X [, q [, {missing}]]) -> bound, KL */
int latL_factorelbo(lua_State *L)
{
  lat_matrix means;
  call c = begin(L, 4);
  bool given = !lua_isnil(L, 3);
  if (c.f->sizes[LAT_M] == 0 && given)
    latL_error(L, c.who, "latent_dim is 0: there are no latent variables, and no q");
  if (given) take_q(L, &c, 3, &means);
  lat_outputs outputs = {.bound = latL_querycolumn(L, &c.q, (latL_Out){0}).view.data};
  outputs.kl = latL_querycolumn(L, &c.q, (latL_Out){0}).view.data;
  apply(L, &c, &outputs);
  return latL_querynumbers(L, &c.q, 2);
}

/* posterior(X [, {missing}]) -> means, the covariance of all rows, or a list of them */
int latL_factorposterior(lua_State *L)
{
  call c = begin(L, 3);
  size_t M = c.f->sizes[LAT_M], N = c.q.X.rows;
  bool missing = c.request.missing;
  if (M == 0) latL_error(L, c.who, "latent_dim is 0: there are no latent variables");
  lat_matrix Z = latL_queryrows(L, &c.q, M);
  lat_matrix C = latL_newmatrix(L, missing ? N * M : M, M, LAT_FLOAT64)->view;
  apply(L, &c,
        &(lat_outputs){.latent = &Z,
                       .covariances = missing ? C.data : NULL,
                       .covariance = missing ? NULL : C.data});
  if (!missing || c.q.one) return 2; /* the one matrix */
  int owner = lua_gettop(L);
  latL_newviews(L, owner, C.data, N, M, M);
  lua_remove(L, owner);
  return 2;
}
