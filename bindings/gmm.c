/* gmm.c: latent.gmm, mixtures of Gaussians: making and fitting them. */
#include "gmm.h"

#include <math.h>
#include <string.h>

static const char *const covariances[] = {"full", "diag", "tied", "spherical", NULL};
static const char *const words[] = {"k-means", "random", NULL};
enum { KMEANS, RANDOM, GIVEN };

/* Kept fields that aren't the user's: their names are no identifiers. */
static const char MEMORY[] = "(memory)", INIT[] = "(init)";

static void plan(lua_State *L, latL_Run *run);
static lat_status start(lua_State *L, latL_Run *run);
static void publish(lua_State *L, latL_Run *run);
static void finish(lua_State *L, latL_Run *run);
static const char *const fit_options[] = {"labels", NULL};

/* One kind for each covariance: they differ in the shape of a parameter. */
#define KIND(table)                                                                                \
  {                                                                                                \
    .base = {"gmm", "latent.GMM", table, NULL}, .missing = true, .fit_options = fit_options,       \
    .plan = plan, .start = start, .publish = publish, .finish = finish                             \
  }
static const latL_EmKind kinds[] = {KIND(lat_gmm_full), KIND(lat_gmm_diag), KIND(lat_gmm_tied),
                                    KIND(lat_gmm_spherical)};

/* ---- making one -------------------------------------------------------------------------------- */

/* init: a word, or a table of explicit parameters, which is kept with its values as matrices. */
static void read_init(lua_State *L, latL_Gmm *g)
{
  static const char *const names[] = {"weights", "means", "covariances", NULL};
  if (latL_getoption(L, 1, "init") != LUA_TTABLE) {
    lua_pop(L, 1);
    g->start = latL_optword(L, 1, "gmm", "init", words, KMEANS);
    return;
  }
  int init = lua_gettop(L);
  latL_checkoptions(L, init, "gmm", names);
  g->start = GIVEN;
  lua_newtable(L);
  if (lua_getfield(L, init, "means") == LUA_TNIL) latL_error(L, "gmm", "init is without means");
  g->core.K = latL_checkmatrix(L, -1, "gmm", "init.means")->view.rows;
  lua_setfield(L, init + 1, "means");
  if (lua_getfield(L, init, "weights") != LUA_TNIL) {
    lat_matrix w = latL_checkvector(L, lua_gettop(L), "gmm", "init.weights");
    if (w.rows != g->core.K)
      latL_error(L, "gmm", "init has %I weights for %I means", (lua_Integer)w.rows,
                 (lua_Integer)g->core.K);
  }
  lua_setfield(L, init + 1, "weights");
  lua_getfield(L, init, "covariances");
  lua_setfield(L, init + 1, "covariances");
  latL_keep(L, -3, INIT);
  lua_pop(L, 1);
}

/* latent.gmm{components=, covariance=, init=, regularization=, ...} */
static int new (lua_State *L)
{
  static const char *const names[] = {"components",     "covariance",    "init",
                                      "regularization", LATL_EM_OPTIONS, NULL};
  lua_settop(L, 1);
  latL_checkoptions(L, 1, "gmm", names);
  int covariance = latL_optword(L, 1, "gmm", "covariance", covariances, LAT_COVARIANCE_FULL);
  latL_Gmm *g = latL_newmodel(L, &kinds[covariance].base, sizeof *g);
  latL_emoptions(L, 1, "gmm", &g->em, 1000, 1e-8, 1);
  g->core.covariance = (lat_covariance)covariance;
  g->core.regularization = latL_optnumber(L, 1, "gmm", "regularization", 0, 0, 1);
  g->core.record = &g->record;
  read_init(L, g);
  size_t given = g->core.K;
  lua_Integer K =
      latL_optinteger(L, 1, "gmm", "components", given ? (lua_Integer)given : 1, 1, 1 << 20);
  if (given && given != (size_t)K)
    latL_error(L, "gmm", "components is %I, but init has %I means", K, (lua_Integer)given);
  g->core.K = (size_t)K;
  return 1;
}

latL_Gmm *latL_checkgmm(lua_State *L, int arg, const char *who)
{
  latL_Gmm *g = luaL_testudata(L, arg, "latent.GMM");
  if (!g)
    latL_error(L, who, "%s must be a gmm, got %s", arg == 1 ? "self" : "other",
               luaL_typename(L, arg));
  if (!g->em.base.flat) latL_error(L, who, "the model is not fitted yet");
  return g;
}

/* ---- a fit ---------------------------------------------------------------------------------------- */

/* The frame of coordinates and the record's arrays outlive a fit: partial_fit goes on with them. The
 * run holds them too, in case its model is fitted to other columns before it is over. */
static void make_memory(lua_State *L, latL_Gmm *g, size_t D)
{
  size_t K = g->core.K;
  if (!g->core.shift || g->core.D != D) {
    double *memory = latL_newmatrix(L, 1, 2 * D + 2 * K, LAT_FLOAT64)->view.data;
    memset(memory, 0, (2 * D + 2 * K) * sizeof *memory);
    latL_keep(L, LATL_MODEL, MEMORY);
    g->core.D = D;
    g->core.shift = memory;
    g->core.scale = memory + D;
    g->record.ridge = memory + 2 * D;
    g->record.reseeded = g->record.ridge + K;
  }
  lua_getfield(L, LATL_MODEL, MEMORY);
  latL_hold(L, LATL_RUN_OWN);
}

static void plan(lua_State *L, latL_Run *run)
{
  latL_Gmm *g = run->model;
  make_memory(L, g, run->sizes[LAT_D]);
  lat_gmm *core = lat_allocate(run->work, 1, sizeof *core);
  if (!core) latL_error(L, run->who, "%s", run->work->message);
  *core = g->core;
  core->seed = run->seed;
  core->labels = core->running ? NULL : latL_optlabels(L, run, core->K);
  g->ranked = !core->labels && !core->running && g->start != GIVEN;
  run->core = lat_gmm_kind(core->covariance);
  run->context = core;
  run->sizes[LAT_K] = core->K;
}

static void forget_record(latL_Gmm *g)
{
  g->record.count = 0;
  memset(g->record.ridge, 0, 2 * g->core.K * sizeof(double));
}

/* Coordinates in which the data has mean 0 and deviation 1. */
static lat_status find_frame(latL_Run *run, const lat_matrix *X)
{
  const lat_gmm *core = run->context;
  size_t D = X->cols, count = lat_column_moments_count(D);
  double *memory = lat_doubles(run->work, count);
  if (!memory) return LAT_MEMORY;
  memset(memory, 0, count * sizeof *memory);
  lat_column_moments m = lat_column_moments_of(memory, D);
  LAT_TRY(lat_column_moments_add(run->work, &m, X, run->sample_weights, run->missing));
  for (size_t d = 0; d < D; d++) m.scatter[d] = m.weight[d] > 0 ? m.scatter[d] / m.weight[d] : 0;
  lat_gmm_frame(core->covariance, D, m.mean, m.scatter, (double *)core->shift,
                (double *)core->scale);
  return LAT_OK;
}

/* The parameters that labels make: one pass of the loop, in which densities aren't asked for. */
static lat_status from_labels(latL_Run *run, const lat_matrix *X, const uint32_t *labels)
{
  lat_gmm core = *(const lat_gmm *)run->context;
  core.labels = labels;
  core.labelled_only = true;
  lat_em em;
  lat_em_options options = {.max_iterations = 1, .missing = run->missing};
  memset(run->parameters, 0, run->em.count * sizeof(double));
  LAT_TRY(lat_em_init(&em, run->work, run->core, &core, run->sizes, run->parameters, &options));
  LAT_TRY(lat_em_begin(&em));
  LAT_TRY(lat_em_add(&em, X, run->sample_weights));
  return lat_em_end(&em);
}

/* X itself, or a copy with the means in the place of missing entries. */
static lat_status complete(latL_Run *run, lat_matrix *X)
{
  const lat_gmm *core = run->context;
  if (!run->missing) return LAT_OK;
  lat_matrix full = lat_matrix_new(run->work, X->rows, X->cols);
  if (!full.data) return LAT_MEMORY;
  lat_copy(X, &full);
  double *x = full.data;
  for (size_t i = 0; i < X->rows * X->cols; i++)
    if (isnan(x[i])) x[i] = core->shift[i % X->cols];
  *X = full;
  return LAT_OK;
}

static lat_status find_start(latL_Run *run, lat_matrix X)
{
  const latL_Gmm *g = run->model;
  size_t K = g->core.K;
  const double *weights = run->sample_weights;
  double *centers = lat_doubles(run->work, K * X.cols), J;
  uint32_t *labels = lat_allocate(run->work, X.rows, sizeof *labels);
  if (!centers || !labels) return LAT_MEMORY;
  LAT_TRY(complete(run, &X));
  if (g->start == RANDOM) {
    lat_random random = {.seed = run->seed};
    LAT_TRY(lat_kmeans_random(run->work, &X, weights, K, &random, centers));
    lat_gmm_start(run->context, centers, run->parameters);
    return LAT_OK;
  }
  lat_kmeans_options options = {.seed = run->seed, .em = {.max_iterations = 30, .tolerance = 1e-4}};
  LAT_TRY(lat_kmeans_fit(run->work, &X, weights, K, &options, centers, &J));
  LAT_TRY(lat_kmeans_assign(run->work, &X, weights, K, centers, labels, NULL, NULL));
  for (size_t i = 0; i < X.rows; i++) labels[i]++;
  return from_labels(run, &X, labels);
}

/* Copies a matrix of the init table to `to`; `field` is what is on the top of the stack. */
static void take_given(lua_State *L, latL_Run *run, const char *field, size_t rows, size_t cols,
                       double *to)
{
  const latL_Matrix *A = latL_checkmatrix(L, lua_gettop(L), run->who, field);
  bool row = A->vector && A->view.rows == cols && rows == 1;
  if (!row && (A->view.rows != rows || A->view.cols != cols))
    latL_error(L, run->who, "%s is a %s, it should be %Ix%I", field, latL_shape(L, A),
               (lua_Integer)rows, (lua_Integer)cols);
  lat_matrix from = row ? lat_transpose(A->view) : A->view, packed = lat_matrix_of(to, rows, cols);
  lat_copy(&from, &packed);
  latL_check(L, run->who, run->work, lat_workspace_mark(run->work),
             lat_check_finite(run->work, field, &packed, false));
  lua_pop(L, 1);
}

static void given_covariances(lua_State *L, latL_Run *run, double *to)
{
  const latL_Gmm *g = run->model;
  size_t D = run->sizes[LAT_D], K = g->core.K;
  switch (g->core.covariance) {
  case LAT_COVARIANCE_FULL:
    for (size_t k = 0; k < K; k++) {
      lua_pushfstring(L, "init.covariances[%I]", (lua_Integer)k + 1);
      if (lua_type(L, -2) != LUA_TTABLE || lua_geti(L, -2, (lua_Integer)k + 1) == LUA_TNIL)
        latL_error(L, run->who, "init.covariances must be a list of %I matrices", (lua_Integer)K);
      take_given(L, run, lua_tostring(L, -2), D, D, to + k * D * D);
      lua_pop(L, 1);
    }
    lua_pop(L, 1);
    return;
  case LAT_COVARIANCE_DIAG:
    take_given(L, run, "init.covariances", K, D, to);
    return;
  case LAT_COVARIANCE_TIED:
    take_given(L, run, "init.covariances", D, D, to);
    return;
  default:
    take_given(L, run, "init.covariances", K, 1, to);
  }
}

/* Explicit parameters; those left out are equal weights, and the data's variances. */
static lat_status take_init(lua_State *L, latL_Run *run)
{
  const latL_Gmm *g = run->model;
  size_t D = run->sizes[LAT_D], K = g->core.K;
  double *parameters = run->parameters, *means = lat_doubles(run->work, K * D), total = 0;
  if (!means) return LAT_MEMORY;
  lua_getfield(L, LATL_MODEL, INIT);
  int init = lua_gettop(L);
  lua_getfield(L, init, "means");
  take_given(L, run, "init.means", K, D, means);
  lat_gmm_start(run->context, means, parameters);
  if (lua_getfield(L, init, "weights") != LUA_TNIL)
    take_given(L, run, "init.weights", K, 1, parameters);
  for (size_t k = 0; k < K; k++) total += parameters[k] >= 0 ? parameters[k] : NAN;
  if (!(total > 0)) latL_error(L, run->who, "init.weights must be >= 0, and not all 0");
  for (size_t k = 0; k < K; k++) parameters[k] /= total;
  lua_settop(L, init);
  if (lua_getfield(L, init, "covariances") != LUA_TNIL)
    given_covariances(L, run, parameters + K + K * D);
  lua_settop(L, init - 1);
  return LAT_OK;
}

static lat_status start(lua_State *L, latL_Run *run)
{
  latL_Gmm *g = run->model;
  const uint32_t *labels = ((const lat_gmm *)run->context)->labels;
  lat_matrix X = latL_sample(L, run);
  if (X.rows < g->core.K)
    latL_error(L, run->who, "components is %I, but X has %I rows", (lua_Integer)g->core.K,
               (lua_Integer)X.rows);
  if (run->restart == 0) {
    g->em.seen = 0; /* old statistics are in an old frame */
    g->record.centred = false;
    LAT_TRY(find_frame(run, &X));
  }
  forget_record(g);
  lat_status status = g->start == GIVEN ? take_init(L, run)
                      : labels          ? from_labels(run, &X, labels)
                                        : find_start(run, X);
  forget_record(g);
  return status;
}

/* model.events: a list of {iteration=, component=, what=}. */
static void publish(lua_State *L, latL_Run *run)
{
  static const char *const what[] = {"regularized", "reseeded"};
  const latL_Gmm *g = run->model;
  lua_createtable(L, (int)g->record.count, 0);
  for (size_t i = 0; i < g->record.count; i++) {
    const struct lat_gmm_event *event = &g->record.events[i];
    lua_createtable(L, 0, 3);
    lua_pushinteger(L, (lua_Integer)event->iteration);
    lua_setfield(L, -2, "iteration");
    lua_pushinteger(L, (lua_Integer)event->component);
    lua_setfield(L, -2, "component");
    lua_pushstring(L, what[event->what]);
    lua_setfield(L, -2, "what");
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  latL_keep(L, LATL_MODEL, "events");
}

/* The mixture as its parameters are, whatever has been begun since. */
static lat_gmm fitted(const latL_Gmm *g)
{
  lat_gmm core = g->core;
  core.D = g->em.base.sizes[LAT_D];
  core.K = g->em.base.sizes[LAT_K];
  return core;
}

void latL_reordergmm(lua_State *L, const char *who, const size_t *order)
{
  latL_Gmm *g = lua_touserdata(L, 1);
  lat_gmm core = fitted(g);
  size_t sizes[LAT_SIZES], K = core.K;
  memcpy(sizes, g->em.base.sizes, sizeof sizes);
  const double *old = g->em.base.flat;
  double *fresh = latL_newparameters(L, g->em.base.kind, sizes);
  memcpy(fresh, old, lat_parameters_count(g->em.base.kind->parameters, sizes) * sizeof *fresh);
  lua_getiuservalue(L, 1, LATL_STATE);
  const latL_Matrix *state = latL_tomatrix(L, -1);
  size_t count = lat_gmm_kind(core.covariance)->statistics(&(lat_em){.model = &core});
  bool belongs = state && state->view.cols == count;
  lat_workspace *work = latL_workspace(L);
  latL_check(L, who, work, lat_workspace_mark(work),
             lat_gmm_reorder(work, &core, g->em.base.kind->parameters, sizes, order, fresh,
                             belongs ? state->view.data : NULL));
  lua_pop(L, 1);
  latL_adopt(L, 1, sizes);
  lua_getiuservalue(L, 1, LATL_KEPT);
  lua_getfield(L, -1, "events");
  for (lua_Integer i = 1; lua_istable(L, -1) && lua_geti(L, -1, i) == LUA_TTABLE; i++) {
    lua_getfield(L, -1, "component");
    size_t was = (size_t)lua_tointeger(L, -1) - 1, now = 0;
    while (now + 1 < K && order[now] != was) now++;
    lua_pushinteger(L, (lua_Integer)now + 1);
    lua_setfield(L, -3, "component");
    lua_pop(L, 2);
  }
}

static void finish(lua_State *L, latL_Run *run)
{
  latL_Gmm *g = run->model;
  if (g->record.centred && !g->core.running) g->em.seen = 0;
  if (!g->ranked) return;
  int top = lua_gettop(L);
  lat_gmm core = fitted(g);
  size_t *order = lua_newuserdatauv(L, core.K * sizeof *order, 0);
  lat_gmm_rank(&core, g->em.base.flat, order);
  latL_reordergmm(L, run->who, order);
  lua_settop(L, top);
}

/* ---- verbs ------------------------------------------------------------------------------------------ */

/* The kind of the mixture at argument 1, for the driver. */
static const latL_EmKind *kind_of(lua_State *L, bool running)
{
  latL_Gmm *g = luaL_testudata(L, 1, "latent.GMM");
  if (!g) return &kinds[0]; /* the driver raises */
  g->core.running = running;
  return &kinds[g->core.covariance];
}

static int fit(lua_State *L)
{
  return latL_fit(L, kind_of(L, false), "gmm:fit");
}

static int steps(lua_State *L)
{
  return latL_steps(L, kind_of(L, false), "gmm:steps");
}

static int partial_fit(lua_State *L)
{
  return latL_partial_fit(L, kind_of(L, true), "gmm:partial_fit");
}

static const luaL_Reg methods[] = {
    {"fit", fit}, {"steps", steps}, {"partial_fit", partial_fit}, {NULL, NULL}};

static int loaded(lua_State *L)
{
  const latL_Gmm *g = lua_touserdata(L, 1);
  latL_checkcomponents(L, &g->em.base, g->core.K);
  return 0;
}

void latL_open_gmm(lua_State *L)
{
  latL_newkind(L, &kinds[0].base, methods);
  latL_addmethods(L, "latent.GMM", latL_gmm_uses);
  latL_savable(L, "latent.GMM", loaded);
  lua_pushcfunction(L, new);
  lua_setfield(L, -2, "gmm");
}
