/* gmm_fit.c: what mixtures of Gaussians of any form have in common on their way to a fit. */
#include <math.h>
#include <string.h>

#include "em/starts.h"
#include "gmm.h"

static const char *const words[] = {"k-means", "random", NULL};

/* Kept fields that aren't the user's: their names are no identifiers. */
static const char MEMORY[] = "(memory)", INIT[] = "(init)";

/* ---- options and memory -------------------------------------------------------------------------------------- */

/* init: a word, or a table of explicit parameters, which is kept with its values as matrices. */
static void read_start(lua_State *L, latL_Gmm *g, const char *who, const char *const names[])
{
  if (latL_getoption(L, 1, "init") != LUA_TTABLE) {
    lua_pop(L, 1);
    g->start = latL_optword(L, 1, who, "init", words, LATL_START_KMEANS);
    return;
  }
  int init = lua_gettop(L);
  latL_checkoptions(L, init, who, names);
  g->start = LATL_START_GIVEN;
  lua_newtable(L);
  if (lua_getfield(L, init, "means") == LUA_TNIL) latL_error(L, who, "init is without means");
  g->core.K = latL_checkmatrix(L, -1, who, "init.means")->view.rows;
  lua_setfield(L, init + 1, "means");
  if (lua_getfield(L, init, "weights") != LUA_TNIL) {
    lat_matrix w = latL_checkvector(L, lua_gettop(L), who, "init.weights");
    if (w.rows != g->core.K)
      latL_error(L, who, "init has %I weights for %I means", (lua_Integer)w.rows,
                 (lua_Integer)g->core.K);
  }
  lua_setfield(L, init + 1, "weights");
  for (; *names; names++) {
    if (strcmp(*names, "means") == 0 || strcmp(*names, "weights") == 0) continue;
    lua_getfield(L, init, *names);
    lua_setfield(L, init + 1, *names);
  }
  latL_keep(L, -3, INIT);
  lua_pop(L, 1);
}

void latL_readinit(lua_State *L, latL_Gmm *g, const char *who, const char *const names[])
{
  read_start(L, g, who, names);
  size_t given = g->core.K;
  lua_Integer K =
      latL_optinteger(L, 1, who, "components", given ? (lua_Integer)given : 1, 1, 1 << 20);
  if (given && given != (size_t)K)
    latL_error(L, who, "components is %I, but init has %I means", K, (lua_Integer)given);
  g->core.K = (size_t)K;
}

/* The run holds them too, in case its model is fitted to other columns before it is over. */
void latL_gmmmemory(lua_State *L, latL_Run *run)
{
  latL_Gmm *g = run->model;
  size_t K = g->core.K, D = run->sizes[LAT_D];
  if (!g->core.shift || g->core.D != D) {
    double *memory = latL_newmatrix(L, 1, 2 * D + 2 * K, LAT_FLOAT64)->view.data;
    memset(memory, 0, (2 * D + 2 * K) * sizeof *memory);
    latL_keep(L, LATL_MODEL, MEMORY);
    g->core.D = D;
    g->core.shift = memory;
    g->core.scale = memory + D;
    g->record.ridge = memory + 2 * D;
    g->record.reseeded = g->record.ridge + K;
    /* parameters from a file, to which rows are to be added, know where these lie */
    if (g->em.base.flat && g->em.base.sizes[LAT_D] == D) {
      lat_status status = g->form->frame(run->work, g, memory, memory + D);
      if (status != LAT_OK) latL_error(L, run->who, "%s", run->work->message);
    }
  }
  lua_getfield(L, LATL_MODEL, MEMORY);
  latL_hold(L, LATL_RUN_OWN);
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
  bool one_scale = ((const latL_Gmm *)run->model)->one_scale;
  size_t D = X->cols, count = lat_column_moments_count(D);
  double *memory = lat_doubles(run->work, count);
  if (!memory) return LAT_MEMORY;
  memset(memory, 0, count * sizeof *memory);
  lat_column_moments m = lat_column_moments_of(memory, D);
  LAT_TRY(lat_column_moments_add(run->work, &m, X, run->sample_weights, run->missing));
  double *variance = lat_doubles(run->work, 2 * D), *deviation = variance + D;
  if (!variance) return LAT_MEMORY;
  for (size_t d = 0; d < D; d++) {
    variance[d] = lat_column_variance(&m, d);
    deviation[d] = lat_column_deviation(&m, d);
  }
  LAT_TRY(lat_check_spread(run->work, LAT_SPREAD_EACH, D, m.mean, deviation));
  lat_gmm_frame(one_scale ? LAT_COVARIANCE_SPHERICAL : core->covariance, D, m.mean, variance,
                (double *)core->shift, (double *)core->scale);
  return LAT_OK;
}

lat_status latL_complete(latL_Run *run, lat_matrix *X)
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

/* ---- starts ------------------------------------------------------------------------------------ */

static lat_status find_start(latL_Run *run, lat_matrix X)
{
  const latL_Gmm *g = run->model;
  size_t K = g->core.K;
  lat_start_way way =
      g->start == LATL_START_RANDOM ? LAT_START_ROWS : lat_start_way_of(run->restart);
  double *centers = lat_doubles(run->work, K * X.cols);
  uint32_t *labels = lat_allocate(run->work, X.rows, sizeof *labels);
  if (!centers || !labels) return LAT_MEMORY;
  LAT_TRY(latL_complete(run, &X));
  LAT_TRY(
      lat_start_clusters(run->work, &X, run->sample_weights, K, way, run->seed, centers, labels));
  if (way != LAT_START_ROWS) return g->form->labels(run, &X, labels);
  g->form->means(run, centers);
  return LAT_OK;
}

void latL_takegiven(lua_State *L, latL_Run *run, const char *field, size_t rows, size_t cols,
                    double *to)
{
  const latL_Matrix *A = latL_checkmatrix(L, lua_gettop(L), run->who, field);
  bool row = A->vector && A->view.rows == cols && rows == 1;
  if (!row && (A->view.rows != rows || A->view.cols != cols))
    latL_error(L, run->who, "%s is a %s, it should be %Ix%I", field, latL_shape(L, A),
               (lua_Integer)rows, (lua_Integer)cols);
  lat_matrix from = row ? lat_transpose(A->view) : A->view, packed = lat_matrix_of(to, rows, cols);
  lat_copy(&from, &packed);
  latL_call(L, run->who, run->work, lat_check_finite(run->work, field, &packed, false));
  lua_pop(L, 1);
}

void latL_takelist(lua_State *L, latL_Run *run, const char *field, size_t K, size_t rows,
                   size_t cols, double *to)
{
  for (size_t k = 0; k < K; k++) {
    lua_pushfstring(L, "%s[%I]", field, (lua_Integer)k + 1);
    if (lua_type(L, -2) != LUA_TTABLE || lua_geti(L, -2, (lua_Integer)k + 1) == LUA_TNIL)
      latL_error(L, run->who, "%s must be a list of %I matrices", field, (lua_Integer)K);
    latL_takegiven(L, run, lua_tostring(L, -2), rows, cols, to + k * rows * cols);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

/* Explicit parameters; those left out are equal weights, and what the form makes of means. */
static lat_status take_init(lua_State *L, latL_Run *run)
{
  const latL_Gmm *g = run->model;
  size_t D = run->sizes[LAT_D], K = g->core.K;
  double *parameters = run->parameters, *means = lat_doubles(run->work, K * D), total = 0;
  if (!means) return LAT_MEMORY;
  lua_getfield(L, LATL_MODEL, INIT);
  int init = lua_gettop(L);
  lua_getfield(L, init, "means");
  latL_takegiven(L, run, "init.means", K, D, means);
  g->form->means(run, means);
  if (lua_getfield(L, init, "weights") != LUA_TNIL)
    latL_takegiven(L, run, "init.weights", K, 1, parameters);
  for (size_t k = 0; k < K; k++) total += parameters[k] >= 0 ? parameters[k] : NAN;
  if (!(total > 0)) latL_error(L, run->who, "init.weights must be >= 0, and not all 0");
  for (size_t k = 0; k < K; k++) parameters[k] /= total;
  lua_settop(L, init);
  g->form->given(L, run, init);
  lua_settop(L, init - 1);
  return LAT_OK;
}

lat_status latL_startgmm(lua_State *L, latL_Run *run)
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
  lat_status status = g->start == LATL_START_GIVEN ? take_init(L, run)
                      : labels                     ? g->form->labels(run, &X, labels)
                                                   : find_start(run, X);
  forget_record(g);
  return status;
}

/* ---- the end ------------------------------------------------------------------------------------ */

/* model.events: a list of {iteration=, component=, what=}. */
void latL_publishgmm(lua_State *L, latL_Run *run)
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

/* Gives the mixture at argument 1 new parameters: the old ones in this order of components (new i
 * is old order[i], from 0). What partial_fit goes on from changes with them. */
static void put_in_order(lua_State *L, const char *who, const size_t *order)
{
  latL_Gmm *g = lua_touserdata(L, 1);
  size_t sizes[LAT_SIZES], K = g->em.base.sizes[LAT_K];
  memcpy(sizes, g->em.base.sizes, sizeof sizes);
  const double *old = g->em.base.flat;
  double *fresh = latL_newparameters(L, g->em.base.kind, sizes);
  memcpy(fresh, old, lat_parameters_count(g->em.base.kind->parameters, sizes) * sizeof *fresh);
  lua_getiuservalue(L, 1, LATL_STATE);
  const latL_Matrix *state = latL_tomatrix(L, -1);
  lat_workspace *work = latL_workspace(L);
  latL_call(L, who, work, g->form->reorder(work, g, order, fresh, state ? &state->view : NULL));
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

int latL_aligngmm(lua_State *L, const char *who, size_t K, const double *costs)
{
  size_t *order = latL_matchcomponents(L, who, K, costs);
  int results = lua_gettop(L) - 1;
  put_in_order(L, who, order);
  lua_settop(L, results);
  return 2;
}

void latL_finishgmm(lua_State *L, latL_Run *run)
{
  latL_Gmm *g = run->model;
  if (g->record.centred && !g->core.running) g->em.seen = 0;
  if (!g->ranked) return;
  int top = lua_gettop(L);
  lat_gmm core = {.D = g->em.base.sizes[LAT_D], .K = g->em.base.sizes[LAT_K]};
  size_t *order = lua_newuserdatauv(L, core.K * sizeof *order, 0);
  lat_gmm_rank(&core, g->em.base.flat, order);
  put_in_order(L, run->who, order);
  lua_settop(L, top);
}
