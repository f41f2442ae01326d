/* mppca_use.c: what a fitted mixture of PPCA says of rows, and of other mixtures. */
#include <math.h>

#include "mppca.h"

/* A call about rows: the mixture at 1, the rows at 2, options at `options`. */
typedef struct call {
  const char *who;
  const double *parameters;
  lat_mppca core;
  lat_matrix X;
  int options;
  bool missing, one; /* one: X was a vector, a single row */
} call;

static call begin_with(lua_State *L, const char *who, int options, const char *const names[])
{
  call c = {.who = who, .options = options};
  c.parameters = latL_checkmppca(L, 1, who, &c.core)->gmm.em.base.flat;
  lua_settop(L, options);
  const latL_Matrix *X = latL_checkmatrix(L, 2, who, "X");
  latL_checkoptions(L, options, who, names);
  c.one = X->vector && X->view.rows == c.core.gmm.D && c.core.gmm.D > 1;
  c.X = c.one ? lat_transpose(X->view) : X->view;
  return c;
}

static call begin(lua_State *L, const char *who, int options)
{
  static const char *const names[] = {"missing", NULL};
  call c = begin_with(L, who, options, names);
  c.missing = latL_optboolean(L, options, who, "missing", false);
  return c;
}

static void apply(lua_State *L, const call *c, const lat_mppca_images *images)
{
  lat_workspace *work = latL_workspace(L);
  latL_check(L, c->who, work, lat_workspace_mark(work),
             lat_mppca_apply(work, &c->core, c->parameters, &c->X, c->missing, images));
}

static double *new_column(lua_State *L, const call *c)
{
  return latL_newvector(L, c->X.rows, LAT_FLOAT64)->view.data;
}

/* A result of a row for each of X; or a vector when X is one row. */
static lat_matrix new_rows(lua_State *L, const call *c, size_t cols)
{
  return c->one ? lat_transpose(latL_newvector(L, cols, LAT_FLOAT64)->view)
                : latL_newmatrix(L, c->X.rows, cols, LAT_FLOAT64)->view;
}

static void check_latent(lua_State *L, const char *who, const lat_mppca *core)
{
  if (core->M == 0) latL_error(L, who, "latent_dim is 0: there are no latent variables");
}

/* ---- components and densities --------------------------------------------------------------------- */

/* responsibilities(X [, {missing}]) -> N x K; of one row a vector */
static int responsibilities(lua_State *L)
{
  call c = begin(L, "mppca:responsibilities", 3);
  lat_matrix to = new_rows(L, &c, c.core.gmm.K);
  apply(L, &c, &(lat_mppca_images){.responsibilities = &to});
  return 1;
}

/* predict(X [, {missing}]) -> vector of labels 1..K */
static int predict(lua_State *L)
{
  call c = begin(L, "mppca:predict", 3);
  double *labels = new_column(L, &c);
  apply(L, &c, &(lat_mppca_images){.labels = labels});
  return 1;
}

static int log_likelihood(lua_State *L)
{
  call c = begin(L, "mppca:log_likelihood", 3);
  double *values = new_column(L, &c);
  apply(L, &c, &(lat_mppca_images){.log_likelihood = values});
  return 1;
}

/* The sum over the rows, of which there are `rows`; and the free parameters. */
static double total(lua_State *L, const char *who, double *rows, double *parameters)
{
  call c = begin(L, who, 3);
  double *values = new_column(L, &c), sum = 0;
  apply(L, &c, &(lat_mppca_images){.log_likelihood = values});
  for (size_t i = 0; i < c.X.rows; i++) sum += values[i];
  *rows = (double)c.X.rows;
  *parameters = (double)lat_mppca_free_parameters(&c.core);
  return sum;
}

static int score(lua_State *L)
{
  double rows, parameters, sum = total(L, "mppca:score", &rows, &parameters);
  lua_pushnumber(L, sum / rows);
  return 1;
}

/* -2 log L + 2 p */
static int aic(lua_State *L)
{
  double rows, parameters, sum = total(L, "mppca:aic", &rows, &parameters);
  lua_pushnumber(L, -2 * sum + 2 * parameters);
  return 1;
}

/* -2 log L + p log N */
static int bic(lua_State *L)
{
  double rows, parameters, sum = total(L, "mppca:bic", &rows, &parameters);
  lua_pushnumber(L, -2 * sum + log(rows) * parameters);
  return 1;
}

static int free_parameters(lua_State *L)
{
  lat_mppca core;
  latL_checkmppca(L, 1, "mppca:free_parameters", &core);
  lua_pushinteger(L, (lua_Integer)lat_mppca_free_parameters(&core));
  return 1;
}

/* elbo(X [, q [, {missing}]]) -> bound, KL */
static int elbo(lua_State *L)
{
  const char *who = "mppca:elbo";
  lua_settop(L, 4);
  const latL_Matrix *q = lua_isnil(L, 3) ? NULL : latL_checkmatrix(L, 3, who, "q");
  call c = begin(L, who, 4);
  lat_mppca_images images = {0};
  lat_matrix rows;
  if (q) {
    rows = c.one && q->vector ? lat_transpose(q->view) : q->view;
    if (rows.rows != c.X.rows || rows.cols != c.core.gmm.K)
      latL_error(L, who,
                 "q is a %s, it should be %Ix%I: a row for each of X, a column for each "
                 "component",
                 latL_shape(L, q), (lua_Integer)c.X.rows, (lua_Integer)c.core.gmm.K);
    images.q = &rows;
  }
  images.bound = new_column(L, &c);
  images.kl = new_column(L, &c);
  apply(L, &c, &images);
  return 2;
}

/* ---- latent variables ------------------------------------------------------------------------------- */

/* A call with the option `component`, 1..K, or 0 for each row's most probable. */
static call begin_component(lua_State *L, const char *who, size_t *component)
{
  static const char *const names[] = {"missing", "component", NULL};
  call c = begin_with(L, who, 3, names);
  c.missing = latL_optboolean(L, 3, who, "missing", false);
  *component = (size_t)latL_optinteger(L, 3, who, "component", 0, 1, (lua_Integer)c.core.gmm.K);
  return c;
}

/* transform(X [, {component, missing}]) -> Z, labels */
static int transform(lua_State *L)
{
  size_t component;
  call c = begin_component(L, "mppca:transform", &component);
  check_latent(L, c.who, &c.core);
  lat_matrix Z = new_rows(L, &c, c.core.M);
  double *labels = new_column(L, &c);
  apply(L, &c, &(lat_mppca_images){.latent = &Z, .component = component, .labels = labels});
  for (size_t i = 0; component && i < c.X.rows; i++) labels[i] = (double)component;
  return 2;
}

/* reconstruct(X [, {component, missing}]) -> W_k z + m_k */
static int reconstruct(lua_State *L)
{
  size_t component;
  call c = begin_component(L, "mppca:reconstruct", &component);
  lat_matrix Y = new_rows(L, &c, c.core.gmm.D);
  apply(L, &c, &(lat_mppca_images){.reconstruction = &Y, .component = component});
  return 1;
}

/* Pushes a list of `count` views, rows x cols each, of the memory of the matrix at `owner`. */
static void push_list(lua_State *L, int owner, double *data, size_t count, size_t rows, size_t cols)
{
  lua_createtable(L, (int)count, 0);
  for (size_t i = 0; i < count; i++) {
    latL_newview(L, owner, lat_matrix_of(data + i * rows * cols, rows, cols), false);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
}

/* posterior(X [, {missing}]) -> {responsibilities, means, covariances} */
static int posterior(lua_State *L)
{
  call c = begin(L, "mppca:posterior", 3);
  check_latent(L, c.who, &c.core);
  size_t K = c.core.gmm.K, M = c.core.M, N = c.X.rows, each = c.missing ? N : 1;
  lat_matrix R = latL_newmatrix(L, N, K, LAT_FLOAT64)->view;
  lat_matrix Z = latL_newmatrix(L, K * N, M, LAT_FLOAT64)->view;
  lat_matrix V = latL_newmatrix(L, K * each * M, M, LAT_FLOAT64)->view;
  int at = lua_gettop(L) - 2;
  apply(L, &c,
        &(lat_mppca_images){.responsibilities = &R,
                            .all_latent = Z.data,
                            .covariances = c.missing ? V.data : NULL});
  lat_workspace *work = latL_workspace(L);
  lat_mark mark = lat_workspace_mark(work);
  for (size_t k = 0; !c.missing && k < K; k++)
    latL_check(L, c.who, work, mark,
               lat_mppca_posterior_covariance(work, &c.core, c.parameters, k,
                                              (double *)V.data + k * M * M));
  lua_createtable(L, 0, 3);
  lua_pushvalue(L, at);
  lua_setfield(L, -2, "responsibilities");
  push_list(L, at + 1, Z.data, K, N, M);
  lua_setfield(L, -2, "means");
  if (!c.missing) {
    push_list(L, at + 2, V.data, K, M, M);
  } else {
    lua_createtable(L, (int)K, 0);
    for (size_t k = 0; k < K; k++) {
      push_list(L, at + 2, (double *)V.data + k * N * M * M, N, M, M);
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
  const char *who = "mppca:inverse_transform";
  lat_mppca core;
  lua_settop(L, 3);
  const double *parameters = latL_checkmppca(L, 1, who, &core)->gmm.em.base.flat;
  check_latent(L, who, &core);
  const latL_Matrix *Z = latL_checkmatrix(L, 2, who, "Z");
  bool one = Z->vector && Z->view.rows == core.M && core.M > 1;
  lat_matrix from = one ? lat_transpose(Z->view) : Z->view;
  lat_matrix labels = take_labels(L, who, from.rows);
  lat_matrix X = one ? lat_transpose(latL_newvector(L, core.gmm.D, LAT_FLOAT64)->view)
                     : latL_newmatrix(L, from.rows, core.gmm.D, LAT_FLOAT64)->view;
  lat_workspace *work = latL_workspace(L);
  latL_check(L, who, work, lat_workspace_mark(work),
             lat_mppca_inverse(work, &core, parameters, &from, &labels, &X));
  return 1;
}

/* ---- data space --------------------------------------------------------------------------------------- */

/* impute(X [, {variance}]) -> X without gaps [, variances] */
static int impute(lua_State *L)
{
  static const char *const names[] = {"variance", NULL};
  call c = begin_with(L, "mppca:impute", 3, names);
  bool variance = latL_optboolean(L, 3, c.who, "variance", false);
  c.missing = true;
  lat_matrix Y = new_rows(L, &c, c.core.gmm.D), V;
  lat_mppca_images images = {.imputed = &Y};
  if (variance) {
    V = new_rows(L, &c, c.core.gmm.D);
    images.variances = &V;
  }
  apply(L, &c, &images);
  return variance ? 2 : 1;
}

/* sample(n [, {seed}]) -> rows, labels, latent variables */
static int sample(lua_State *L)
{
  static const char *const names[] = {"seed", NULL};
  const char *who = "mppca:sample";
  lat_mppca core;
  lua_settop(L, 3);
  const double *parameters = latL_checkmppca(L, 1, who, &core)->gmm.em.base.flat;
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
  latL_check(L, who, work, lat_workspace_mark(work),
             lat_mppca_sample(work, &core, parameters, random, &X, labels, &Z));
  return 3;
}

/* covariance(k) -> W_k W_k' + Psi_k */
static int covariance(lua_State *L)
{
  const char *who = "mppca:covariance";
  lat_mppca core;
  lua_settop(L, 2);
  const double *parameters = latL_checkmppca(L, 1, who, &core)->gmm.em.base.flat;
  size_t k = latL_checkindex(L, 2, who, "component", core.gmm.K);
  double *C = latL_newmatrix(L, core.gmm.D, core.gmm.D, LAT_FLOAT64)->view.data;
  lat_mppca_covariance(&core, parameters, k, C);
  return 1;
}

/* align(other) -> permutation, distances */
static int align(lua_State *L)
{
  lua_settop(L, 2);
  lat_mppca a, b;
  const double *own = latL_checkmppca(L, 1, "mppca:align", &a)->gmm.em.base.flat;
  const double *other = latL_checkmppca(L, 2, "mppca:align", &b)->gmm.em.base.flat;
  if (a.gmm.D != b.gmm.D || a.gmm.K != b.gmm.K)
    latL_error(L, "mppca:align", "the other has %I components in %I dimensions, this one %I in %I",
               (lua_Integer)b.gmm.K, (lua_Integer)b.gmm.D, (lua_Integer)a.gmm.K,
               (lua_Integer)a.gmm.D);
  size_t K = a.gmm.K;
  double *costs = latL_newmatrix(L, K, K, LAT_FLOAT64)->view.data;
  lat_workspace *work = latL_workspace(L);
  latL_check(L, "mppca:align", work, lat_workspace_mark(work),
             lat_mppca_distances(work, &b, other, &a, own, costs));
  return latL_aligngmm(L, "mppca:align", K, costs);
}

const luaL_Reg latL_mppca_uses[] = {{"responsibilities", responsibilities},
                                    {"predict", predict},
                                    {"log_likelihood", log_likelihood},
                                    {"score", score},
                                    {"aic", aic},
                                    {"bic", bic},
                                    {"free_parameters", free_parameters},
                                    {"elbo", elbo},
                                    {"transform", transform},
                                    {"reconstruct", reconstruct},
                                    {"posterior", posterior},
                                    {"inverse_transform", inverse_transform},
                                    {"impute", impute},
                                    {"sample", sample},
                                    {"covariance", covariance},
                                    {"align", align},
                                    {NULL, NULL}};
