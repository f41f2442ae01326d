/* gmm/sample.c: what a fitted mixture of Gaussians says of rows, and of other mixtures. */
#include <math.h>
#include <string.h>

#include "models/em/gmm.h"

static const latL_GmmForm *form_of(const latL_GmmCall *c)
{
  return ((const latL_Gmm *)c->f->model)->form;
}

/* impute(X) -> X with its missing entries at their conditional means */
static int impute(lua_State *L)
{
  static const char *const none[] = {NULL};
  latL_GmmCall c = latL_callgmm(L, 3, none);
  lat_matrix to = latL_queryrows(L, &c.q, c.D);
  lat_workspace *work = latL_workspace(L);
  latL_call(L, c.q.who, work,
            form_of(&c)->apply(work, c.f, &c.q.X, true, &(lat_gmm_images){.imputed = &to}));
  return 1;
}

/* sample(n [, {seed}]) -> rows, labels */
static int sample(lua_State *L)
{
  static const char *const names[] = {"seed", NULL};
  const char *who;
  const latL_Fitted *f = latL_begingmm(L, 3, &who);
  size_t n = latL_checksize(L, 2, who, "n");
  latL_checkoptions(L, 3, who, names);
  latL_getoption(L, 3, "seed");
  lat_random *random = latL_checkrandom(L, lua_gettop(L), who);
  lat_gmm core = latL_gmmof(f);
  lat_matrix X = latL_newmatrix(L, n, core.D, LAT_FLOAT64)->view;
  double *labels = latL_newvector(L, n, LAT_FLOAT64)->view.data;
  lat_workspace *work = latL_workspace(L);
  latL_call(L, who, work, lat_gmm_sample(work, &core, f->flat, random, &X, labels));
  return 2;
}

/* ---- conditionals -------------------------------------------------------------------------------- */

/* The columns at `arg`, ascending, from 0, in a userdata that is pushed. */
static size_t *check_columns(lua_State *L, int arg, const char *who, size_t D, size_t *count)
{
  lat_matrix v = latL_checkvector(L, arg, who, "columns");
  size_t *columns = lua_newuserdatauv(L, v.rows * sizeof *columns, 0);
  for (size_t i = 0; i < v.rows; i++) {
    lua_pushnumber(L, lat_get(&v, i, 0));
    columns[i] = latL_checkindex(L, lua_gettop(L), who, "column", D);
    lua_pop(L, 1);
    if (i > 0 && columns[i] <= columns[i - 1])
      latL_error(L, who, "columns must ascend, got %I after %I", (lua_Integer)columns[i] + 1,
                 (lua_Integer)columns[i - 1] + 1);
  }
  *count = v.rows;
  if (v.rows >= D) latL_error(L, who, "columns are all %I of the model's", (lua_Integer)D);
  return columns;
}

/* mean = sum_k r_k m_k, and the variances of the columns: E[C + m m'] - mean mean', diagonal. */
static void summarize(const lat_matrix *R, const double *means, const double *covariances, size_t M,
                      double *mean, double *variance)
{
  size_t N = R->rows, K = R->cols;
  for (size_t n = 0; n < N; n++)
    for (size_t j = 0; j < M; j++) {
      double sum = 0, spread = 0;
      for (size_t k = 0; k < K; k++) sum += lat_get(R, n, k) * means[(k * N + n) * M + j];
      for (size_t k = 0; k < K; k++) {
        double away = means[(k * N + n) * M + j] - sum;
        spread += lat_get(R, n, k) * (covariances[(k * M + j) * M + j] + away * away);
      }
      mean[n * M + j] = sum;
      variance[n * M + j] = spread;
    }
}

/* conditional(X, columns) -> {responsibilities, means, covariances, mean, variance} */
static int conditional(lua_State *L)
{
  const char *who;
  latL_nooptions(L, 4, latL_verb(L));
  const latL_Fitted *f = latL_begingmm(L, 3, &who);
  size_t D = f->sizes[LAT_D], K = f->sizes[LAT_K], count;
  latL_checkmatrix(L, 2, who, "X");
  const size_t *columns = check_columns(L, 3, who, D, &count);
  latL_Query q = latL_checkquery(L, 2, who, "X", count);
  size_t M = D - count, N = q.X.rows;
  int base = lua_gettop(L);
  lat_matrix R = latL_queryrows(L, &q, K);
  double *means = latL_newmatrix(L, K * N, M, LAT_FLOAT64)->view.data;
  double *covariances = latL_newmatrix(L, K * M, M, LAT_FLOAT64)->view.data;
  double *mean = latL_queryrows(L, &q, M).data;
  double *variance = latL_queryrows(L, &q, M).data;
  lat_workspace *work = latL_workspace(L);
  lat_mark mark = lat_workspace_mark(work);
  lat_gmm core;
  lat_status status = latL_gmmframe(work, f, &core);
  if (status == LAT_OK)
    status =
        lat_gmm_conditional(work, &core, f->flat, columns, count, &q.X, &R, means, covariances);
  latL_check(L, who, work, mark, status);
  summarize(&R, means, covariances, M, mean, variance);
  lua_createtable(L, 0, 5);
  static const char *const names[] = {"responsibilities", NULL, NULL, "mean", "variance"};
  for (int i = 0; i < 5; i++) {
    if (!names[i]) continue;
    lua_pushvalue(L, base + 1 + i);
    lua_setfield(L, -2, names[i]);
  }
  latL_queryviews(L, &q, base + 2, means, K, M);
  lua_setfield(L, -2, "means");
  latL_newviews(L, base + 3, covariances, K, M, M);
  lua_setfield(L, -2, "covariances");
  return 1;
}

/* ---- two mixtures ------------------------------------------------------------------------------------ */

/* align(other) -> permutation, distances: component i is now what was number permutation[i], the
 * one that belongs to component i of the other. */
static int align(lua_State *L)
{
  const char *who;
  latL_nooptions(L, 3, latL_verb(L));
  const latL_Fitted *f = latL_begingmm(L, 2, &who), *other = latL_checkgmm(L, 2, who);
  lat_gmm a = latL_gmmof(f), b = latL_gmmof(other);
  if (b.D != a.D || b.K != a.K || b.covariance != a.covariance)
    latL_error(L, who,
               "the other has %I components in %I dimensions, this one %I in %I, and the "
               "kind of covariance must be the same",
               (lua_Integer)b.K, (lua_Integer)b.D, (lua_Integer)a.K, (lua_Integer)a.D);
  double *costs = latL_newmatrix(L, a.K, a.K, LAT_FLOAT64)->view.data;
  lat_workspace *work = latL_workspace(L);
  latL_call(L, who, work, lat_gmm_distances(work, &a, other->flat, f->flat, costs));
  return latL_aligngmm(L, who, a.K, costs);
}

const luaL_Reg latL_gmm_uses[] = {{"impute", impute},
                                  {"sample", sample},
                                  {"conditional", conditional},
                                  {"align", align},
                                  {NULL, NULL}};
