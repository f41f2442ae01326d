/* gmm_fit.c: what mixtures of Gaussians of any form have in common on their way to a fit. */
#include <math.h>
#include <string.h>

#include "em/kmeans/starts.h"
#include "model/given.h"
#include "models/em/gmm.h"

static const char *const words[] = {"k-means", "random", NULL};

static const char INIT[] =
    "(init)"; /* a kept field that isn't the user's: its name is no identifier */

/* What lies aside of a block: the record, the frame of coordinates (shift and scale, D each), and the
 * record's ridge and reseeded (K each). */
typedef struct aside {
  lat_gmm_record record;
  double numbers[];
} aside;

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
  lua_settop(L, 2);
  if (given) latL_madewith(L, 2, "components", given);
}

void latL_givegmm(lua_State *L, const latL_Gmm *g, const char *who, size_t M)
{
  static const char *const optional[] = {"weights", NULL};
  const size_t sizes[LAT_SIZES] = {[LAT_K] = g->core.K, [LAT_M] = M};
  if (g->start != LATL_START_GIVEN) return;
  latL_kept(L, 2, INIT);
  latL_Fitted *f = latL_pushgiven(L, 2, 3, who, sizes, optional);
  if (f) {
    latL_giveweights(L, who, 3, g->core.K, f->flat);
    latL_adoptgiven(L, 2, who);
  }
  lua_settop(L, 2);
}

/* shift and scale of a run that goes on: those of its block, or the parameters' own; and its record. */
static void go_on(lua_State *L, latL_Run *run, double *numbers, lat_gmm_record *record)
{
  const latL_Fitted *before = run->before;
  const latL_Gmm *g = run->model;
  const aside *from = before->aside;
  size_t D = before->sizes[LAT_D], K = before->sizes[LAT_K];
  if (from) {
    memcpy(numbers, from->numbers, 2 * (D + K) * sizeof *numbers);
    double *ridge = record->ridge, *reseeded = record->reseeded;
    *record = from->record;
    record->ridge = ridge;
    record->reseeded = reseeded;
    return;
  }
  lat_status status = g->form->frame(run->work, before, numbers, numbers + D);
  if (status != LAT_OK) latL_error(L, run->who, "%s", run->work->message);
}

lat_gmm latL_plangmm(lua_State *L, latL_Run *run)
{
  const latL_Gmm *g = run->model;
  const latL_Fitted *before = run->before;
  size_t K = g->core.K, D = run->sizes[LAT_D];
  double *numbers = lat_doubles(run->work, 2 * (D + K));
  lat_gmm_record *record = lat_allocate(run->work, 1, sizeof *record);
  if (!numbers || !record) latL_error(L, run->who, "%s", run->work->message);
  memset(numbers, 0, 2 * (D + K) * sizeof *numbers);
  *record = (lat_gmm_record){.ridge = numbers + 2 * D, .reseeded = numbers + 2 * D + K};
  if (before && before->sizes[LAT_D] == D && before->sizes[LAT_K] == K)
    go_on(L, run, numbers, record);
  lat_gmm core = g->core;
  core.D = D;
  core.seed = run->seed;
  core.running = run->online;
  core.shift = numbers;
  core.scale = numbers + D;
  core.record = record;
  core.labels = run->online ? NULL : latL_optlabels(L, run, K);
  return core;
}

static void forget_record(const lat_gmm *core)
{
  core->record->count = 0;
  memset(core->record->ridge, 0, 2 * core->K * sizeof(double));
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
  double *parameters = run->parameters, *means = lat_doubles(run->work, K * D);
  if (!means) return LAT_MEMORY;
  latL_kept(L, LATL_MODEL, INIT);
  int init = lua_gettop(L);
  lua_getfield(L, init, "means");
  latL_takegiven(L, run, "init.means", K, D, means);
  g->form->means(run, means);
  if (lua_getfield(L, init, "weights") != LUA_TNIL)
    latL_takegiven(L, run, "init.weights", K, 1, parameters);
  latL_takedistribution(L, run->who, "init.weights", K, parameters);
  lua_settop(L, init);
  g->form->given(L, run, init);
  lua_settop(L, init - 1);
  return LAT_OK;
}

lat_status latL_startgmm(lua_State *L, latL_Run *run)
{
  const latL_Gmm *g = run->model;
  const lat_gmm *core = run->context;
  lat_matrix X = latL_sample(L, run);
  if (X.rows < g->core.K)
    latL_error(L, run->who, "components is %I, but X has %I rows", (lua_Integer)g->core.K,
               (lua_Integer)X.rows);
  LAT_TRY(find_frame(run, &X));
  lat_status status = g->start == LATL_START_GIVEN ? take_init(L, run)
                      : core->labels               ? g->form->labels(run, &X, core->labels)
                                                   : find_start(run, X);
  forget_record(core);
  return status;
}

/* ---- the end ------------------------------------------------------------------------------------ */

/* model.events: a list of {iteration=, component=, what=}. */
static void keep_events(lua_State *L, int fitted, const lat_gmm_record *record)
{
  static const char *const what[] = {"regularized", "reseeded"};
  lua_createtable(L, (int)record->count, 0);
  for (size_t i = 0; i < record->count; i++) {
    const struct lat_gmm_event *event = &record->events[i];
    lua_createtable(L, 0, 3);
    lua_pushinteger(L, (lua_Integer)event->iteration);
    lua_setfield(L, -2, "iteration");
    lua_pushinteger(L, (lua_Integer)event->component);
    lua_setfield(L, -2, "component");
    lua_pushstring(L, what[event->what]);
    lua_setfield(L, -2, "what");
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  latL_record(L, fitted, "events");
}

void latL_publishgmm(lua_State *L, latL_Run *run, int fitted)
{
  const lat_gmm *core = run->context;
  size_t count = 2 * (core->D + core->K);
  aside *to = latL_newaside(L, fitted, sizeof *to + count * sizeof *to->numbers);
  to->record = *core->record;
  memcpy(to->numbers, core->shift,
         count * sizeof *to->numbers); /* they lie together: latL_plangmm */
  to->record.ridge = to->record.reseeded = NULL;
  keep_events(L, fitted, &to->record);
}

/* Puts the components of the block at `fitted`, which nobody has yet, in this order (new i is old
 * order[i], from 0): parameters, statistics, and what the record says of them. */
static void put_in_order(lua_State *L, int fitted, const char *who, const size_t *order)
{
  latL_Fitted *f = lua_touserdata(L, fitted);
  const latL_Gmm *g = (const latL_Gmm *)f->model;
  size_t D = f->sizes[LAT_D], K = f->sizes[LAT_K];
  const aside *from = f->aside;
  lua_getiuservalue(L, fitted, LATL_ASIDE); /* the old one, which other blocks may have */
  size_t *place = lua_newuserdatauv(L, K * sizeof *place, 0);
  for (size_t i = 0; i < K; i++) place[order[i]] = i + 1;
  if (from) {
    aside *to = latL_newaside(L, fitted, sizeof *to + 2 * (D + K) * sizeof *to->numbers);
    memcpy(to, from, sizeof *to + 2 * D * sizeof *to->numbers);
    for (size_t i = 0; i < K; i++) {
      to->numbers[2 * D + i] = from->numbers[2 * D + order[i]];
      to->numbers[2 * D + K + i] = from->numbers[2 * D + K + order[i]];
    }
    for (size_t i = 0; i < to->record.count; i++)
      to->record.events[i].component = place[from->record.events[i].component - 1];
    keep_events(L, fitted, &to->record);
  }
  lat_workspace *work = latL_workspace(L);
  latL_call(L, who, work, g->form->reorder(work, f, order));
  lua_pop(L, 2);
}

int latL_aligngmm(lua_State *L, const char *who, size_t K, const double *costs)
{
  size_t *order = latL_matchcomponents(L, who, K, costs);
  int results = lua_gettop(L) - 1;
  lua_getiuservalue(L, 1, LATL_OF_MODEL);
  latL_copyfitted(L, 1);
  put_in_order(L, results + 3, who, order);
  latL_publish(L, results + 2);
  lua_settop(L, results);
  return 2;
}

/* Statistics about the means at some time aren't those that partial_fit goes on from. Components are
 * put in order, unless somebody has said which is which. */
void latL_finishgmm(lua_State *L, latL_Run *run, int fitted)
{
  latL_Fitted *f = lua_touserdata(L, fitted);
  const latL_Gmm *g = run->model;
  if (run->online) return;
  if (((const aside *)f->aside)->record.centred) latL_dropstatistics(L, fitted);
  if (g->start == LATL_START_GIVEN || run->labelled) return;
  lat_gmm core = {.D = f->sizes[LAT_D], .K = f->sizes[LAT_K]};
  size_t *order = lua_newuserdatauv(L, core.K * sizeof *order, 0);
  lat_gmm_rank(&core, f->flat, order);
  put_in_order(L, fitted, run->who, order);
}
