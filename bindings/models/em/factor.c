/* factor.c: models with linear-Gaussian latent variables in Lua: parameters that are given, and
 * methods about distributions of latent variables. */
#include "models/em/factor.h"

#include <string.h>

#include "model/given.h"
#include "model/query.h"

/* ---- given parameters ------------------------------------------------------------------------ */

/* The table at `init` has all parameters but those in `optional`, or that are empty. */
static void check_complete(lua_State *L, const latL_Model *m, int init, bool empty,
                           const char *optional)
{
  enum { MOST = 8 };
  const char *names[MOST + 1] = {NULL};
  const lat_parameter *p = latL_parametersof(m);
  for (size_t n = 0; p[n].name && n < MOST; n++) names[n] = p[n].name;
  latL_checkoptions(L, init, m->kind->name, names);
  for (; p->name; p++) {
    bool needed = strcmp(p->name, optional) != 0 && !(empty && p->shape[1] == LAT_M);
    if (latL_getoption(L, init, p->name) == LUA_TNIL && needed)
      latL_error(L, m->kind->name, "init is without %s", p->name);
    lua_pop(L, 1);
  }
}

void latL_readfactors(lua_State *L, int model, size_t *latent_dim, lat_fit_options *fit)
{
  static const char *const optional[] = {"factor_correlations", NULL};
  const latL_Model *m = lua_touserdata(L, model);
  const char *who = m->kind->name;
  int type = latL_getoption(L, 1, "init"), init = lua_gettop(L);
  if (type == LUA_TNIL) return;
  if (type != LUA_TTABLE)
    latL_error(L, who, "init must be a table of parameters, got %s", luaL_typename(L, init));
  bool chosen = *latent_dim > (size_t)LAT_MOST_PARTS; /* a word: a fit finds it */
  bool said = latL_getoption(L, 1, "latent_dim") != LUA_TNIL && !chosen;
  lua_pop(L, 1);
  check_complete(L, m, init, said && *latent_dim == 0, *optional);
  const size_t sizes[LAT_SIZES] = {[LAT_M] = !said ? 0 : *latent_dim ? *latent_dim : LATL_NONE};
  latL_Fitted *f = latL_pushgiven(L, model, init, who, sizes, optional);
  if (!f) latL_error(L, who, "init is without a mean");
  size_t D = f->sizes[LAT_D], M = f->sizes[LAT_M];
  if (M >= D)
    latL_error(L, who, "init.W is %Ix%I; there are fewer latent dimensions than columns",
               (lua_Integer)D, (lua_Integer)M);
  double *Phi = lat_parameter_at(latL_parametersof(m), f->sizes, f->flat, *optional);
  bool given = latL_getoption(L, init, *optional) != LUA_TNIL;
  lua_pop(L, 1);
  for (size_t i = 0; Phi && !given && i < M; i++) Phi[i * M + i] = 1;
  fit->given = f;
  if (!chosen) {
    *latent_dim = M;
    latL_madewith(L, model, "latent_dim", M);
  }
  latL_adoptgiven(L, model, who);
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
  lat_workspace *work = latL_workspace(L);
  latL_call(L, c->who, work, c->f->model->apply(work, c->f, &c->request, outputs));
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
  static const char *const names[] = {"means", "covariance", NULL};
  size_t M = c->f->sizes[LAT_M], N = c->q.X.rows;
  if (lua_type(L, q) != LUA_TTABLE)
    latL_error(L, c->who, "q must be a table {means=, covariance=}, got %s", luaL_typename(L, q));
  latL_checkfields(L, q, c->who, "q", names);
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
  lat_outputs outputs = {.bound = latL_querycolumn(L, &c.q)};
  outputs.kl = latL_querycolumn(L, &c.q);
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
