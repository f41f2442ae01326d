/* mppca/sample.c: what only mixtures of PPCA say: latent variables, and more. */
#include "models/em/mppca.h"

static void apply(lua_State *L, const latL_GmmCall *c, const lat_mppca_images *images)
{
  lat_mppca core = latL_mppcaof(c->f);
  lat_workspace *work = latL_workspace(L);
  latL_call(L, c->q.who, work,
            lat_mppca_apply(work, &core, c->f->flat, &c->q.X, c->missing, images));
}

/* A verb that isn't about rows begins: the core's view of the mixture at 1, and its parameters. */
static const double *begin(lua_State *L, int top, const char **who, lat_mppca *core)
{
  const latL_Fitted *f = latL_begingmm(L, top, who);
  *core = latL_mppcaof(f);
  return f->flat;
}

static size_t check_latent(lua_State *L, const char *who, size_t M)
{
  if (M == 0) latL_error(L, who, "latent_dim is 0: there are no latent variables");
  return M;
}

/* ---- latent variables ------------------------------------------------------------------------------- */

/* A call with the option `component`, 1..K, or 0 for each row's most probable. */
static latL_GmmCall begin_component(lua_State *L, size_t *component)
{
  static const char *const names[] = {"missing", "component", NULL};
  latL_GmmCall c = latL_callgmm(L, 3, names);
  *component = (size_t)latL_optinteger(L, 3, c.q.who, "component", 0, 1, (lua_Integer)c.K);
  return c;
}

/* transform(X [, {component, missing}]) -> Z, labels */
static int transform(lua_State *L)
{
  size_t component;
  latL_GmmCall c = begin_component(L, &component);
  lat_matrix Z = latL_queryrows(L, &c.q, check_latent(L, c.q.who, c.f->sizes[LAT_M]));
  double *labels = latL_querycolumn(L, &c.q);
  apply(L, &c, &(lat_mppca_images){.mixture.labels = labels, .latent = &Z, .component = component});
  for (size_t i = 0; component && i < c.q.X.rows; i++) labels[i] = (double)component;
  latL_querylabels(L, &c.q);
  return 2;
}

/* reconstruct(X [, {component, missing}]) -> W_k z + m_k */
static int reconstruct(lua_State *L)
{
  size_t component;
  latL_GmmCall c = begin_component(L, &component);
  lat_matrix Y = latL_queryrows(L, &c.q, c.D);
  apply(L, &c, &(lat_mppca_images){.reconstruction = &Y, .component = component});
  return 1;
}

/* posterior(X [, {missing}]) -> {responsibilities, means, covariances} */
static int posterior(lua_State *L)
{
  static const char *const names[] = {"missing", NULL};
  latL_GmmCall c = latL_callgmm(L, 3, names);
  lat_mppca core = latL_mppcaof(c.f);
  size_t K = c.K, M = check_latent(L, c.q.who, c.f->sizes[LAT_M]), N = c.q.X.rows,
         each = c.missing ? N : 1;
  lat_matrix R = latL_queryrows(L, &c.q, K);
  lat_matrix Z = latL_newmatrix(L, K * N, M, LAT_FLOAT64)->view;
  lat_matrix V = latL_newmatrix(L, K * each * M, M, LAT_FLOAT64)->view;
  int at = lua_gettop(L) - 2;
  apply(L, &c,
        &(lat_mppca_images){.mixture.responsibilities = &R,
                            .all_latent = Z.data,
                            .covariances = c.missing ? V.data : NULL});
  lat_workspace *work = latL_workspace(L);
  for (size_t k = 0; !c.missing && k < K; k++)
    latL_call(
        L, c.q.who, work,
        lat_mppca_posterior_covariance(work, &core, c.f->flat, k, (double *)V.data + k * M * M));
  lua_createtable(L, 0, 3);
  lua_pushvalue(L, at);
  lua_setfield(L, -2, "responsibilities");
  latL_queryviews(L, &c.q, at + 1, Z.data, K, M);
  lua_setfield(L, -2, "means");
  if (c.q.one || !c.missing) {
    latL_newviews(L, at + 2, V.data, K, M, M);
  } else {
    lua_createtable(L, (int)K, 0);
    for (size_t k = 0; k < K; k++) {
      latL_newviews(L, at + 2, (double *)V.data + k * N * M * M, N, M, M);
      lua_rawseti(L, -2, (lua_Integer)k + 1);
    }
  }
  lua_setfield(L, -2, "covariances");
  return 1;
}

/* The labels at 3, a vector, or a number for all rows. */
static lat_matrix take_labels(lua_State *L, const char *who, size_t rows)
{
  if (lua_type(L, 3) == LUA_TNUMBER) {
    double label = lua_tonumber(L, 3);
    lat_matrix all = latL_newvector(L, rows, LAT_FLOAT64)->view;
    lat_fill(&all, label);
    return all;
  }
  lat_matrix labels = latL_checkvector(L, 3, who, "labels");
  if (labels.rows != rows)
    latL_error(L, who, "there are %I labels for %I rows", (lua_Integer)labels.rows,
               (lua_Integer)rows);
  return labels;
}

/* inverse_transform(Z, labels) -> W_k z + m_k */
static int inverse_transform(lua_State *L)
{
  const char *who;
  latL_nooptions(L, 4, latL_verb(L));
  lat_mppca core;
  const double *parameters = begin(L, 3, &who, &core);
  check_latent(L, who, core.M);
  latL_Query q = latL_checkquery(L, 2, who, "Z", core.M);
  lat_matrix labels = take_labels(L, who, q.X.rows);
  lat_matrix X = latL_queryrows(L, &q, core.gmm.D);
  lat_workspace *work = latL_workspace(L);
  latL_call(L, who, work, lat_mppca_inverse(work, &core, parameters, &q.X, &labels, &X));
  return 1;
}

/* ---- data space --------------------------------------------------------------------------------------- */

/* impute(X [, {variance}]) -> X without gaps [, variances] */
static int impute(lua_State *L)
{
  static const char *const names[] = {"variance", NULL};
  latL_GmmCall c = latL_callgmm(L, 3, names);
  bool variance = latL_optboolean(L, 3, c.q.who, "variance", false);
  c.missing = true;
  lat_matrix Y = latL_queryrows(L, &c.q, c.D), V;
  lat_mppca_images images = {.mixture.imputed = &Y};
  if (variance) {
    V = latL_queryrows(L, &c.q, c.D);
    images.variances = &V;
  }
  apply(L, &c, &images);
  return variance ? 2 : 1;
}

/* sample(n [, {seed}]) -> rows, labels, latent variables */
static int sample(lua_State *L)
{
  static const char *const names[] = {"seed", NULL};
  const char *who;
  lat_mppca core;
  const double *parameters = begin(L, 3, &who, &core);
  size_t n = latL_checksize(L, 2, who, "n");
  latL_checkoptions(L, 3, who, names);
  latL_getoption(L, 3, "seed");
  lat_random *random = latL_checkrandom(L, lua_gettop(L), who);
  lat_matrix X = latL_newmatrix(L, n, core.gmm.D, LAT_FLOAT64)->view, Z = {.rows = n};
  double *labels = latL_newvector(L, n, LAT_FLOAT64)->view.data;
  if (core.M > 0)
    Z = latL_newmatrix(L, n, core.M, LAT_FLOAT64)->view;
  else
    lua_pushnil(L);
  lat_workspace *work = latL_workspace(L);
  latL_call(L, who, work, lat_mppca_sample(work, &core, parameters, random, &X, labels, &Z));
  return 3;
}

/* covariance(k) -> W_k W_k' + Psi_k */
static int covariance(lua_State *L)
{
  const char *who;
  latL_nooptions(L, 3, latL_verb(L));
  lat_mppca core;
  const double *parameters = begin(L, 2, &who, &core);
  size_t k = latL_checkindex(L, 2, who, "component", core.gmm.K);
  double *C = latL_newmatrix(L, core.gmm.D, core.gmm.D, LAT_FLOAT64)->view.data;
  lat_mppca_covariance(&core, parameters, k, C);
  return 1;
}

/* align(other) -> permutation, distances */
static int align(lua_State *L)
{
  const char *who;
  latL_nooptions(L, 3, latL_verb(L));
  lat_mppca a;
  const double *own = begin(L, 2, &who, &a);
  const latL_Fitted *other = latL_checkgmm(L, 2, who);
  lat_mppca b = latL_mppcaof(other);
  if (a.gmm.D != b.gmm.D || a.gmm.K != b.gmm.K)
    latL_error(L, who, "the other has %I components in %I dimensions, this one %I in %I",
               (lua_Integer)b.gmm.K, (lua_Integer)b.gmm.D, (lua_Integer)a.gmm.K,
               (lua_Integer)a.gmm.D);
  size_t K = a.gmm.K;
  double *costs = latL_newmatrix(L, K, K, LAT_FLOAT64)->view.data;
  lat_workspace *work = latL_workspace(L);
  latL_call(L, who, work, lat_mppca_distances(work, &b, other->flat, &a, own, costs));
  return latL_aligngmm(L, who, K, costs);
}

const luaL_Reg latL_mppca_uses[] = {{"transform", transform},
                                    {"reconstruct", reconstruct},
                                    {"posterior", posterior},
                                    {"inverse_transform", inverse_transform},
                                    {"impute", impute},
                                    {"sample", sample},
                                    {"covariance", covariance},
                                    {"align", align},
                                    {NULL, NULL}};
