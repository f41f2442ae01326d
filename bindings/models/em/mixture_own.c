/* mixture_own.c: mixtures of a family that the user writes as Lua functions.
 *
 * log_density(parameters_k, X) gives a vector of N numbers, and fit(X, responsibilities_k) the
 * parameters that maximize sum_n r_n log p(x_n | parameters): any Lua value. The K x N
 * responsibilities are kept between the steps, because `fit` wants all rows at once. */
#include <math.h>
#include <string.h>

#include "em/kmeans/starts.h"
#include "model/query.h"
#include "models/em/mixture.h"

/* The run's own user value is a list: the joint matrix (K x N), a vector of log p(x) and one of
 * scratch (2N), and the present parameters. */
enum { JOINT = 1, LOG_SUM, SPARE, PRESENT };

/* The context of the core's model. */
typedef struct own {
  latL_Run *run;
  const uint32_t *labels; /* or NULL */
} own;

/* As MIXTURE_NEVER in the core. */
static const double NEVER = -1e300;

static void push_own(lua_State *L, lua_Integer i)
{
  lua_getiuservalue(L, LATL_RUN, LATL_RUN_OWN);
  lua_rawgeti(L, -1, i);
  lua_remove(L, -2);
}

static void set_own(lua_State *L, lua_Integer i)
{
  lua_getiuservalue(L, LATL_RUN, LATL_RUN_OWN);
  lua_insert(L, -2);
  lua_rawseti(L, -2, i);
  lua_pop(L, 1);
}

static double *own_data(lua_State *L, lua_Integer i)
{
  push_own(L, i);
  double *data = latL_tomatrix(L, -1)->view.data;
  lua_pop(L, 1); /* the run keeps it */
  return data;
}

/* Pushes one of the family's functions, of the model at 1 or the block there. */
static int push_function(lua_State *L, const char *name)
{
  latL_kept(L, 1, LATL_MIXTURE_FAMILY);
  int type = lua_getfield(L, -1, name);
  lua_remove(L, -2);
  return type;
}

/* ---- the E-step ------------------------------------------------------------------------------ */

/* Row k of joint := log w + log_density(the parameters on the top of the stack, X at 2), which are
 * popped. */
static void take_density(lua_State *L, const char *who, size_t k, size_t N, double log_weight,
                         double *row)
{
  push_function(L, "log_density");
  lua_insert(L, -2);
  lua_pushvalue(L, 2);
  lua_call(L, 2, 1);
  latL_workspace(L);
  lua_pushfstring(L, "log_density's result for component %I", (lua_Integer)k + 1);
  lua_insert(L, -2);
  lat_matrix v = latL_checkvector(L, lua_gettop(L), who, lua_tostring(L, -2));
  if (v.rows != N)
    latL_error(L, who, "%s has %I numbers, X has %I rows", lua_tostring(L, -2), (lua_Integer)v.rows,
               (lua_Integer)N);
  for (size_t i = 0; i < N; i++) {
    double density = lat_get(&v, i, 0);
    if (isnan(density) || density == HUGE_VAL)
      latL_error(L, who, "%s is %f in row %I; it must be a number below infinity",
                 lua_tostring(L, -2), density, (lua_Integer)i + 1);
    row[i] = density > NEVER ? log_weight + density : NEVER;
  }
  lua_pop(L, 2);
}

static double log_of(double weight)
{
  return weight > 0 ? log(weight) : NEVER;
}

static lat_status pass(lua_State *L, latL_Run *run)
{
  size_t K = run->sizes[LAT_K], N = run->rows.source.X.rows;
  const uint32_t *labels = ((const own *)run->context)->labels;
  double *joint = own_data(L, JOINT), *log_sum = own_data(L, LOG_SUM);
  LAT_TRY(lat_check(run->work));
  for (size_t k = 0; k < K; k++) {
    push_own(L, PRESENT);
    lua_rawgeti(L, -1, (lua_Integer)k + 1);
    take_density(L, run->who, k, N, log_of(run->parameters[k]), joint + k * N);
    lua_settop(L, LATL_TOP);
  }
  for (size_t j = 0; labels && j < K * N; j++)
    if (labels[j % N] > 0 && labels[j % N] != j / N + 1) joint[j] = NEVER;
  lat_responsibilities(K, N, joint, log_sum, own_data(L, SPARE));
  const double *weights = run->rows.source.weights;
  for (size_t i = 0; i < N; i++) {
    double weight = weights ? weights[i] : 1;
    if (weight > 0)
      run->em.statistics[0] += log_sum[i] < NEVER / 2 ? -INFINITY : weight * log_sum[i];
    run->em.statistics[1] += weight;
  }
  return LAT_OK;
}

/* ---- the M-step ------------------------------------------------------------------------------ */

/* New parameters of the responsibilities in joint: a new list, so that what somebody has looked at
 * stays as it was. A component without rows keeps what it has. */
static void fit_components(lua_State *L, latL_Run *run, double *parameters)
{
  size_t K = run->sizes[LAT_K], N = run->rows.source.X.rows;
  const double *joint = own_data(L, JOINT), *weights = run->rows.source.weights;
  double total = 0, sum, *shares = lua_newuserdatauv(L, K * sizeof *shares, 0);
  lua_createtable(L, (int)K, 0);
  int list = lua_gettop(L);
  for (size_t k = 0; k < K; k++) {
    double *r = latL_newvector(L, N, LAT_FLOAT64)->view.data;
    sum = 0;
    for (size_t i = 0; i < N; i++) sum += r[i] = (weights ? weights[i] : 1) * joint[k * N + i];
    shares[k] = sum;
    total += sum;
    if (sum > 0) {
      push_function(L, "fit");
      lua_pushvalue(L, LATL_DATA);
      lua_pushvalue(L, -3);
      lua_call(L, 2, 1);
      latL_workspace(L);
      if (lua_isnil(L, -1))
        latL_error(L, run->who, "fit returned nothing for component %I", (lua_Integer)k + 1);
    } else {
      push_own(L, PRESENT);
      if (lua_istable(L, -1)) lua_rawgeti(L, -1, (lua_Integer)k + 1);
      if (lua_isnil(L, -1))
        latL_error(L, run->who, "component %I begins without rows", (lua_Integer)k + 1);
    }
    lua_rawseti(L, list, (lua_Integer)k + 1);
    lua_settop(L, list);
  }
  for (size_t k = 0; k < K; k++) parameters[k] = shares[k] / total; /* nothing can fail any more */
  set_own(L, PRESENT);
  lua_pop(L, 1);
}

static lat_status m_step(lat_em *em, const double *statistics, double *parameters)
{
  (void)statistics;
  latL_Run *run = ((const own *)em->model)->run;
  fit_components(run->L, run, parameters);
  return LAT_OK;
}

static size_t two(const lat_em *em)
{
  (void)em;
  return 2;
}

/* ---- a run ----------------------------------------------------------------------------------- */

static const lat_parameter own_parameters[] = {{"weights", {LAT_K}}, {NULL, {LAT_END}}};
static const lat_em_kind own_core = {
    .name = "mixture", .parameters = own_parameters, .statistics = two, .m_step = m_step};

static void plan(lua_State *L, latL_Run *run)
{
  const latL_Mixture *m = run->model;
  size_t K = m->components, N = run->rows.source.X.rows;
  run->core = &own_core;
  run->sizes[LAT_K] = K;
  latL_mixturerows(L, run);
  own *o = lat_allocate(run->work, 1, sizeof *o);
  if (!o) latL_error(L, run->who, "%s", run->work->message);
  *o = (own){run, latL_optlabels(L, run, K)};
  run->context = o;
  if (run->restart > 0) return;
  lua_createtable(L, PRESENT, 0);
  latL_newmatrix(L, K, N, LAT_FLOAT64);
  lua_rawseti(L, -2, JOINT);
  latL_newvector(L, N, LAT_FLOAT64);
  lua_rawseti(L, -2, LOG_SUM);
  latL_newvector(L, 2 * N, LAT_FLOAT64);
  lua_rawseti(L, -2, SPARE);
  lua_setiuservalue(L, LATL_RUN, LATL_RUN_OWN);
}

static lat_status find_clusters(latL_Run *run, const lat_matrix *X, size_t K, uint32_t *clusters)
{
  lat_mark mark = lat_workspace_mark(run->work);
  double *centers = lat_doubles(run->work, K * X->cols);
  if (!centers) return LAT_MEMORY;
  LAT_TRY(lat_start_clusters(run->work, X, run->rows.source.weights, K,
                             lat_start_way_of(run->restart), run->seed, centers, clusters));
  lat_workspace_release(run->work, mark);
  return LAT_OK;
}

/* Responsibilities to begin with: nine tenths for the label or the cluster, or at random. */
static lat_status start(lua_State *L, latL_Run *run)
{
  const latL_Mixture *m = run->model;
  lat_matrix X = latL_sample(L, run); /* checked; the rows themselves */
  size_t K = run->sizes[LAT_K], N = run->rows.source.X.rows;
  const uint32_t *labels = ((const own *)run->context)->labels;
  double *joint = own_data(L, JOINT);
  lat_random random = {.seed = run->seed, .stream = 0x6d78};
  uint32_t *clusters = lat_allocate(run->work, N, sizeof *clusters);
  if (!clusters) return LAT_MEMORY;
  bool clustered = m->start == LATL_START_KMEANS && !run->missing && !labels &&
                   lat_start_way_of(run->restart) != LAT_START_ROWS;
  if (clustered) LAT_TRY(find_clusters(run, &X, K, clusters));
  for (size_t i = 0; i < N; i++) {
    uint32_t home = clustered ? clusters[i] : labels ? labels[i] : 0;
    if (home == 0) home = 1 + (uint32_t)lat_random_below(&random, K);
    bool known = labels && labels[i] > 0;
    for (size_t k = 0; k < K; k++)
      joint[k * N + i] = (known ? 0 : 0.1 / (double)K) + (k + 1 == home ? known ? 1 : 0.9 : 0);
  }
  lua_settop(L, LATL_TOP);
  lua_pushnil(L);
  set_own(L, PRESENT);
  fit_components(L, run, run->parameters);
  return LAT_OK;
}

/* model.parameters = the list */
static void publish(lua_State *L, latL_Run *run, int fitted)
{
  (void)run;
  push_own(L, PRESENT);
  latL_record(L, fitted, "parameters");
}

static const char *const fit_options[] = {"labels", NULL};
const latL_EmKind latL_mixture_own = {.base = {.name = "mixture",
                                               .metatable = LATL_MIXTURE,
                                               .parameters = own_parameters,
                                               .refresh = NULL,
                                               .gaps = LATL_KNOWS_GAPS},
                                      .missing = true,
                                      .fit_options = fit_options,
                                      .plan = plan,
                                      .start = start,
                                      .publish = publish,
                                      .pass = pass};

/* ---- a fitted mixture ------------------------------------------------------------------------ */

/* Pushes the joint matrix (K x N) of the rows at 2. */
static double *push_joint(lua_State *L, const char *who, size_t N)
{
  const latL_Fitted *f = lua_touserdata(L, 1);
  size_t K = f->sizes[LAT_K];
  double *joint = latL_newmatrix(L, K, N, LAT_FLOAT64)->view.data;
  latL_recorded(L, 1, "parameters");
  int list = lua_gettop(L);
  for (size_t k = 0; k < K; k++) {
    lua_rawgeti(L, list, (lua_Integer)k + 1);
    take_density(L, who, k, N, log_of(f->flat[k]), joint + k * N);
    lua_settop(L, list);
  }
  lua_pop(L, 1);
  return joint;
}

static void push_responsibilities(lua_State *L, size_t N, size_t K, const double *joint)
{
  lat_matrix r = latL_newmatrix(L, N, K, LAT_FLOAT64)->view;
  for (size_t i = 0; i < N; i++)
    for (size_t k = 0; k < K; k++) lat_set(&r, i, k, joint[k * N + i]);
}

static void push_labels(lua_State *L, size_t N, size_t K, const double *joint)
{
  double *labels = latL_newvector(L, N, LAT_FLOAT64)->view.data;
  for (size_t i = 0; i < N; i++) {
    size_t best = 0;
    for (size_t k = 1; k < K; k++)
      if (joint[k * N + i] > joint[best * N + i]) best = k;
    labels[i] = (double)best + 1;
  }
}

/* Pushes the bound and KL for q (N x K at 3), or without for the responsibilities. */
static void push_elbo(lua_State *L, const char *who, size_t N, size_t K, double *joint)
{
  bool given = !lua_isnil(L, 3);
  lat_matrix q = given ? latL_checkquery(L, 3, who, "q", K).X : (lat_matrix){0};
  if (given && (q.rows != N || q.cols != K))
    latL_error(L, who,
               "q is a %s, it should be %Ix%I: a row for each of X, a column for each component",
               latL_shape(L, latL_tomatrix(L, 3)), (lua_Integer)N, (lua_Integer)K);
  double *r = latL_newmatrix(L, K, N, LAT_FLOAT64)->view.data;
  double *log_sum = latL_newvector(L, 3 * N, LAT_FLOAT64)->view.data;
  double *bound = latL_newvector(L, N, LAT_FLOAT64)->view.data;
  double *kl = latL_newvector(L, N, LAT_FLOAT64)->view.data;
  memcpy(r, joint, K * N * sizeof *r);
  lat_responsibilities(K, N, r, log_sum, log_sum + N);
  for (size_t i = 0; given && i < N; i++)
    for (size_t k = 0; k < K; k++) r[k * N + i] = lat_get(&q, i, k);
  lat_elbo(K, N, joint, log_sum, r, bound, kl);
}

int latL_ownapply(lua_State *L, const char *who, bool missing, int what)
{
  const latL_Fitted *f = lua_touserdata(L, 1);
  const lat_matrix X = latL_checkmatrix(L, 2, who, "X")->view;
  size_t K = f->sizes[LAT_K], N = X.rows;
  lat_workspace *work = latL_workspace(L);
  latL_call(L, who, work, lat_check_finite(work, "X", &X, missing));
  double *joint = push_joint(L, who, N);
  if (what == LATL_ELBO) {
    push_elbo(L, who, N, K, joint);
    return 2;
  }
  double *spare = latL_newvector(L, 2 * N, LAT_FLOAT64)->view.data;
  double *log_sum = latL_newvector(L, N, LAT_FLOAT64)->view.data;
  lat_responsibilities(K, N, joint, log_sum, spare);
  for (size_t i = 0; i < N; i++)
    if (log_sum[i] < NEVER / 2) log_sum[i] = -INFINITY;
  if (what == LATL_RESPONSIBILITIES) push_responsibilities(L, N, K, joint);
  if (what == LATL_PREDICT) push_labels(L, N, K, joint);
  return 1;
}

int latL_ownsample(lua_State *L, const char *who, size_t n, lat_random *random)
{
  const latL_Fitted *f = lua_touserdata(L, 1);
  size_t K = f->sizes[LAT_K], D = f->sizes[LAT_D];
  if (push_function(L, "sample") == LUA_TNIL)
    latL_error(L, who, "the family has no function sample(parameters, n, seed)");
  lat_matrix X = latL_newmatrix(L, n, D, LAT_FLOAT64)->view;
  double *labels = latL_newvector(L, n, LAT_FLOAT64)->view.data;
  size_t *drawn = lua_newuserdatauv(L, (n + K) * sizeof *drawn, 0);
  double *accept = lua_newuserdatauv(L, K * sizeof *accept, 0);
  latL_recorded(L, 1, "parameters");
  int list = lua_gettop(L), function = list - 5;
  lat_workspace *work = latL_workspace(L);
  latL_call(L, who, work,
            lat_random_categorical(work, random, K, f->flat, n, drawn, drawn + n, accept));
  for (size_t k = 0; k < K; k++) {
    size_t count = 0, next = 0;
    for (size_t i = 0; i < n; i++) count += drawn[i] == k;
    if (count == 0) continue;
    lua_pushvalue(L, function);
    lua_rawgeti(L, list, (lua_Integer)k + 1);
    lua_pushinteger(L, (lua_Integer)count);
    lua_pushinteger(L, (lua_Integer)(lat_random_word(random) >> 1));
    lua_call(L, 3, 1);
    lat_matrix rows = latL_checkmatrix(L, lua_gettop(L), who, "sample's result")->view;
    if (rows.rows != count || rows.cols != D)
      latL_error(L, who, "sample's result is %Ix%I, it should be %Ix%I", (lua_Integer)rows.rows,
                 (lua_Integer)rows.cols, (lua_Integer)count, (lua_Integer)D);
    for (size_t i = 0; i < n; i++) {
      if (drawn[i] != k) continue;
      lat_matrix from = lat_block_of(rows, next++, 0, 1, D), to = lat_block_of(X, i, 0, 1, D);
      lat_copy(&from, &to);
      labels[i] = (double)k + 1;
    }
    lua_settop(L, list);
  }
  lua_settop(L, function + 2);
  return 2;
}

lua_Integer latL_ownfree(lua_State *L, const char *who)
{
  push_function(L, "free_parameters");
  if (!lua_isinteger(L, -1) || lua_tointeger(L, -1) < 0)
    latL_error(L, who, "the family must say its free_parameters, an integer >= 0, of a component");
  lua_Integer each = lua_tointeger(L, -1);
  lua_pop(L, 1);
  return each;
}
