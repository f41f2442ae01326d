/* gmm_use.c: what a fitted mixture of Gaussians says of rows, and of other mixtures. */
#include <math.h>
#include <string.h>

#include "gmm.h"

static const char *const missing_option[] = {"missing", NULL};

/* A call about rows: the mixture at 1, the rows at 2, options at 3. */
typedef struct call {
  const char *who;
  const latL_Gmm *g;
  lat_matrix X;
  bool missing, one; /* one: X was a vector, a single row */
  lat_gmm core;
  lat_workspace *work;
  lat_mark mark;
} call;

static call begin(lua_State *L, const char *who, int options)
{
  call c = {.who = who, .g = latL_checkgmm(L, 1, who)};
  lua_settop(L, options);
  const latL_Matrix *X = latL_checkmatrix(L, 2, who, "X");
  latL_checkoptions(L, options, who, missing_option);
  c.missing = latL_optboolean(L, options, who, "missing", false);
  c.core = c.g->core;
  c.core.D = c.g->em.base.sizes[LAT_D];
  c.core.K = c.g->em.base.sizes[LAT_K];
  c.core.running = false;
  c.one = X->vector && X->view.rows == c.core.D && c.core.D > 1;
  c.X = c.one ? lat_transpose(X->view) : X->view;
  return c;
}

/* The workspace, once all results are made; and the frame in which the fitted mixture computes. */
static lat_status enter(lua_State *L, call *c)
{
  size_t D = c->core.D;
  c->work = latL_workspace(L);
  c->mark = lat_workspace_mark(c->work);
  double *frame = lat_doubles(c->work, 2 * D);
  if (!frame) return LAT_MEMORY;
  c->core.shift = frame;
  c->core.scale = frame + D;
  return lat_gmm_own_frame(c->work, c->core.covariance, D, c->core.K, c->g->em.base.flat, frame,
                           frame + D);
}

static void apply(lua_State *L, call *c, const lat_gmm_images *images)
{
  lat_status status = enter(L, c);
  if (status == LAT_OK)
    status = lat_gmm_apply(c->work, &c->core, c->g->em.base.flat, &c->X, c->missing, images);
  latL_check(L, c->who, c->work, c->mark, status);
}

static double *new_column(lua_State *L, const call *c)
{
  return latL_newvector(L, c->X.rows, LAT_FLOAT64)->view.data;
}

/* responsibilities(X [, {missing}]) -> N x K; of one row a vector */
static int responsibilities(lua_State *L)
{
  call c = begin(L, "gmm:responsibilities", 3);
  latL_Matrix *R = c.one ? latL_newvector(L, c.core.K, LAT_FLOAT64)
                         : latL_newmatrix(L, c.X.rows, c.core.K, LAT_FLOAT64);
  lat_matrix to = c.one ? lat_transpose(R->view) : R->view;
  apply(L, &c, &(lat_gmm_images){.responsibilities = &to});
  return 1;
}

/* predict(X [, {missing}]) -> vector of labels 1..K */
static int predict(lua_State *L)
{
  call c = begin(L, "gmm:predict", 3);
  double *labels = new_column(L, &c);
  apply(L, &c, &(lat_gmm_images){.labels = labels});
  return 1;
}

static int log_likelihood(lua_State *L)
{
  call c = begin(L, "gmm:log_likelihood", 3);
  double *values = new_column(L, &c);
  apply(L, &c, &(lat_gmm_images){.log_likelihood = values});
  return 1;
}

/* The sum over the rows. */
static double total(lua_State *L, const char *who, size_t *rows)
{
  call c = begin(L, who, 3);
  const double *values = new_column(L, &c);
  apply(L, &c, &(lat_gmm_images){.log_likelihood = (double *)values});
  double sum = 0;
  for (size_t i = 0; i < c.X.rows; i++) sum += values[i];
  *rows = c.X.rows;
  return sum;
}

static int score(lua_State *L)
{
  size_t N;
  double sum = total(L, "gmm:score", &N);
  lua_pushnumber(L, sum / (double)N);
  return 1;
}

static double free_count(lua_State *L)
{
  const latL_Gmm *g = lua_touserdata(L, 1);
  lat_gmm core = g->core;
  core.D = g->em.base.sizes[LAT_D];
  return (double)lat_gmm_free_parameters(&core);
}

static int free_parameters(lua_State *L)
{
  latL_checkgmm(L, 1, "gmm:free_parameters");
  lua_pushinteger(L, (lua_Integer)free_count(L));
  return 1;
}

/* -2 log L + 2 p */
static int aic(lua_State *L)
{
  size_t N;
  double sum = total(L, "gmm:aic", &N);
  lua_pushnumber(L, -2 * sum + 2 * free_count(L));
  return 1;
}

/* -2 log L + p log N */
static int bic(lua_State *L)
{
  size_t N;
  double sum = total(L, "gmm:bic", &N);
  lua_pushnumber(L, -2 * sum + log((double)N) * free_count(L));
  return 1;
}

/* elbo(X [, q [, {missing}]]) -> bound, KL */
static int elbo(lua_State *L)
{
  const char *who = "gmm:elbo";
  lua_settop(L, 4);
  const latL_Matrix *q = lua_isnil(L, 3) ? NULL : latL_checkmatrix(L, 3, who, "q");
  call c = begin(L, who, 4);
  lat_gmm_images images = {.q = NULL};
  lat_matrix rows;
  if (q) {
    rows = c.one && q->vector ? lat_transpose(q->view) : q->view;
    if (rows.rows != c.X.rows || rows.cols != c.core.K)
      latL_error(L, who,
                 "q is a %s, it should be %Ix%I: a row for each of X, a column for each "
                 "component",
                 latL_shape(L, q), (lua_Integer)c.X.rows, (lua_Integer)c.core.K);
    images.q = &rows;
  }
  images.bound = new_column(L, &c);
  images.kl = new_column(L, &c);
  apply(L, &c, &images);
  return 2;
}

/* impute(X) -> X with its missing entries at their conditional means */
static int impute(lua_State *L)
{
  const char *who = "gmm:impute";
  lua_settop(L, 2);
  call c = begin(L, who, 3);
  c.missing = true;
  latL_Matrix *Y = c.one ? latL_newvector(L, c.core.D, LAT_FLOAT64)
                         : latL_newmatrix(L, c.X.rows, c.X.cols, LAT_FLOAT64);
  lat_matrix to = c.one ? lat_transpose(Y->view) : Y->view;
  apply(L, &c, &(lat_gmm_images){.imputed = &to});
  return 1;
}

/* sample(n [, {seed}]) -> rows, labels */
static int sample(lua_State *L)
{
  static const char *const names[] = {"seed", NULL};
  const char *who = "gmm:sample";
  lua_settop(L, 3);
  const latL_Gmm *g = latL_checkgmm(L, 1, who);
  size_t n = latL_checksize(L, 2, who, "n");
  latL_checkoptions(L, 3, who, names);
  latL_getoption(L, 3, "seed");
  lat_random *random = latL_checkrandom(L, lua_gettop(L), who);
  lat_gmm core = g->core;
  core.D = g->em.base.sizes[LAT_D];
  lat_matrix X = latL_newmatrix(L, n, core.D, LAT_FLOAT64)->view;
  double *labels = latL_newvector(L, n, LAT_FLOAT64)->view.data;
  lat_workspace *work = latL_workspace(L);
  latL_check(L, who, work, lat_workspace_mark(work),
             lat_gmm_sample(work, &core, g->em.base.flat, random, &X, labels));
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
    columns[i] = latL_checkindex(L, lua_gettop(L), who, "a column", D);
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

/* Pushes a list of K views, rows x cols, of the memory of the matrix at `owner`. */
static void push_list(lua_State *L, int owner, double *data, size_t K, size_t rows, size_t cols)
{
  lua_createtable(L, (int)K, 0);
  for (size_t k = 0; k < K; k++) {
    latL_newview(L, owner, lat_matrix_of(data + k * rows * cols, rows, cols), false);
    lua_rawseti(L, -2, (lua_Integer)k + 1);
  }
}

/* conditional(X, columns) -> {responsibilities, means, covariances, mean, variance} */
static int conditional(lua_State *L)
{
  const char *who = "gmm:conditional";
  const latL_Gmm *g = latL_checkgmm(L, 1, who);
  size_t D = g->em.base.sizes[LAT_D], K = g->em.base.sizes[LAT_K], count;
  lua_settop(L, 3);
  const latL_Matrix *A = latL_checkmatrix(L, 2, who, "X");
  const size_t *columns = check_columns(L, 3, who, D, &count);
  size_t M = D - count;
  call c = {.who = who, .g = g, .core = g->core, .X = A->view};
  if (A->vector && A->view.rows == count && count > 1) c.X = lat_transpose(A->view);
  c.core.D = D;
  size_t N = c.X.rows;
  int base = lua_gettop(L);
  latL_Matrix *R = latL_newmatrix(L, N, K, LAT_FLOAT64);
  double *means = latL_newmatrix(L, K * N, M, LAT_FLOAT64)->view.data;
  double *covariances = latL_newmatrix(L, K * M, M, LAT_FLOAT64)->view.data;
  double *mean = latL_newmatrix(L, N, M, LAT_FLOAT64)->view.data;
  double *variance = latL_newmatrix(L, N, M, LAT_FLOAT64)->view.data;
  lat_status status = enter(L, &c);
  if (status == LAT_OK)
    status = lat_gmm_conditional(c.work, &c.core, g->em.base.flat, columns, count, &c.X, &R->view,
                                 means, covariances);
  latL_check(L, who, c.work, c.mark, status);
  summarize(&R->view, means, covariances, M, mean, variance);
  lua_createtable(L, 0, 5);
  static const char *const names[] = {"responsibilities", NULL, NULL, "mean", "variance"};
  for (int i = 0; i < 5; i++) {
    if (!names[i]) continue;
    lua_pushvalue(L, base + 1 + i);
    lua_setfield(L, -2, names[i]);
  }
  push_list(L, base + 2, means, K, N, M);
  lua_setfield(L, -2, "means");
  push_list(L, base + 3, covariances, K, M, M);
  lua_setfield(L, -2, "covariances");
  return 1;
}

/* ---- two mixtures ------------------------------------------------------------------------------------ */

/* align(other) -> permutation, distances: component i is now what was number permutation[i], the
 * one that belongs to component i of the other. */
static int align(lua_State *L)
{
  const char *who = "gmm:align";
  lua_settop(L, 2);
  const latL_Gmm *a = latL_checkgmm(L, 1, who), *b = latL_checkgmm(L, 2, who);
  size_t D = a->em.base.sizes[LAT_D], K = a->em.base.sizes[LAT_K];
  if (b->em.base.sizes[LAT_D] != D || b->em.base.sizes[LAT_K] != K ||
      b->core.covariance != a->core.covariance)
    latL_error(L, who,
               "the other has %I components in %I dimensions, this one %I in %I, and the "
               "kind of covariance must be the same",
               (lua_Integer)b->em.base.sizes[LAT_K], (lua_Integer)b->em.base.sizes[LAT_D],
               (lua_Integer)K, (lua_Integer)D);
  double *costs = latL_newmatrix(L, K, K, LAT_FLOAT64)->view.data;
  lat_gmm core = a->core;
  core.D = D;
  lat_workspace *work = latL_workspace(L);
  latL_check(L, who, work, lat_workspace_mark(work),
             lat_gmm_distances(work, &core, b->em.base.flat, a->em.base.flat, costs));
  return latL_aligngmm(L, who, K, costs);
}

const luaL_Reg latL_gmm_uses[] = {
    {"responsibilities", responsibilities},
    {"predict", predict},
    {"log_likelihood", log_likelihood},
    {"score", score},
    {"free_parameters", free_parameters},
    {"aic", aic},
    {"bic", bic},
    {"elbo", elbo},
    {"impute", impute},
    {"sample", sample},
    {"conditional", conditional},
    {"align", align},
    {NULL, NULL},
};
