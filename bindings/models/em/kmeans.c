/* kmeans.c: latent.kmeans, K-means clustering. */
#include <math.h>
#include <string.h>

#include "model/em.h"
#include "model/given.h"
#include "model/query.h"

static const char *const inits[] = {"k-means++", "random", NULL};
static const char *const algorithms[] = {"auto", "lloyd", "hamerly", "minibatch", NULL};
enum { PLUS, RANDOM, GIVEN };
enum { MINIBATCH = LAT_KMEANS_HAMERLY + 1 };

/* Beyond this many rows they don't remember bounds, which would take more than 24 MB. */
enum { BOUNDED_ROWS = 3 << 20 };

typedef struct kmeans {
  latL_EmModel em;
  size_t clusters;
  int init; /* GIVEN: the field `init` has the centres */
  int algorithm;
  size_t batch;
} kmeans;

static const latL_EmKind kind; /* of fit and steps */

/* ---- the start ------------------------------------------------------------------------------- */

static void plan(lua_State *L, latL_Run *run)
{
  const kmeans *m = run->model;
  size_t N =
      run->rows.function || run->rows.source.X.rows > BOUNDED_ROWS ? 0 : run->rows.source.X.rows;
  lat_kmeans_algorithm algorithm =
      m->algorithm == MINIBATCH ? LAT_KMEANS_LLOYD : (lat_kmeans_algorithm)m->algorithm;
  lat_kmeans *core = lat_allocate(run->work, 1, sizeof *core);
  if (!core || lat_kmeans_init(core, run->work, N, run->sizes[LAT_D], m->clusters, algorithm))
    latL_error(L, run->who, "%s", run->work->message);
  run->core = &lat_kmeans_kind;
  run->context = core;
  run->sizes[LAT_K] = m->clusters;
}

static void given_centers(lua_State *L, latL_Run *run)
{
  size_t K = run->sizes[LAT_K], D = run->sizes[LAT_D];
  latL_kept(L, LATL_MODEL, "init");
  const lat_matrix *init = &latL_tomatrix(L, -1)->view;
  if (init->cols != D)
    latL_error(L, run->who, "init has %I columns, X has %I", (lua_Integer)init->cols,
               (lua_Integer)D);
  lat_matrix to = lat_matrix_of(run->parameters, K, D);
  lat_copy(init, &to);
  lua_pop(L, 1);
}

static lat_status start(lua_State *L, latL_Run *run)
{
  const kmeans *m = run->model;
  size_t K = run->sizes[LAT_K], D = run->sizes[LAT_D];
  lat_random random = {.seed = run->seed};
  if (m->init == GIVEN) {
    if (run->kind == &kind && !run->rows.function && run->rows.source.X.rows < K)
      return lat_fail(run->work, LAT_INVALID, "%zu clusters need at least as many rows, got %zu", K,
                      run->rows.source.X.rows);
    given_centers(L, run);
  } else {
    lat_matrix X = latL_sample(L, run);
    LAT_TRY((m->init == RANDOM ? lat_kmeans_random : lat_kmeans_plus)(
        run->work, &X, run->sample_weights, K, &random, run->parameters));
  }
  lat_kmeans_begin((lat_kmeans *)(size_t)run->context, D, K, run->parameters);
  return LAT_OK;
}

/* ---- what a fit leaves ----------------------------------------------------------------------- */

/* Labels, from 1, of the rows of X in `labels` (or NULL), slice by slice; adds to *J. */
static lat_status label(lat_workspace *work, const lat_matrix *X, const double *weights, size_t K,
                        const double *centers, double *labels, double *J)
{
  enum { SLICE = 1 << 16 };
  LAT_SCOPE(work);
  uint32_t *numbers = lat_allocate(work, SLICE, sizeof *numbers);
  if (!numbers) return LAT_MEMORY;
  for (size_t i = 0; i < X->rows; i += SLICE) {
    size_t n = X->rows - i < SLICE ? X->rows - i : SLICE;
    lat_matrix slice = lat_block_of(*X, i, 0, n, X->cols);
    double part;
    LAT_TRY(lat_kmeans_assign(work, &slice, weights ? weights + i : NULL, K, centers, numbers, NULL,
                              &part));
    for (size_t r = 0; labels && r < n; r++) labels[i + r] = (double)numbers[r] + 1;
    *J += part;
  }
  return LAT_OK;
}

/* Whether a run's own E-step can give the labels: it knows the bounds. Of several starts only the
 * last one's memory is there, and an acceleration may have a trial in mind. */
static bool labels_itself(const latL_Run *run)
{
  const kmeans *m = run->model;
  return run->context && lat_kmeans_labels(run->context) && m->em.restarts == 1 &&
         !m->em.options.accelerate && !run->rows.source.mapped && run->complete;
}

static lat_status label_run(latL_Run *run, const lat_matrix *X, const double *weights,
                            const double *centers, double *labels, double *J)
{
  lat_em *em = &run->em;
  run->work->deadline = 0; /* max_seconds is for the iterations */
  memcpy(em->parameters, centers, em->count * sizeof(double));
  LAT_TRY(lat_em_begin(em));
  LAT_TRY(lat_em_add(em, X, weights));
  lat_em_collect(em);
  const uint32_t *numbers = lat_kmeans_labels(run->context);
  for (size_t i = 0; i < X->rows; i++) labels[i] = (double)numbers[i] + 1;
  *J = em->statistics[0];
  return LAT_OK;
}

/* Who interrupts a fit doesn't wait for another pass over much data, nor is a function asked again
 * that has failed. */
static bool too_late(const latL_Run *run, const latL_Rows *rows)
{
  const double most = 1 << 24; /* products of numbers: some milliseconds */
  const kmeans *m = run->model;
  double products = (double)rows->source.X.rows * (double)rows->source.X.cols * (double)m->clusters;
  return run->aborted && (rows->function || products > most);
}

/* One more pass over the rows at `data`, for J and the labels (not of a function's rows) of the
 * final centres. */
static void label_rows(lua_State *L, latL_Run *run, latL_Rows *rows, int data, int fitted)
{
  const latL_Fitted *f = lua_touserdata(L, fitted);
  const double *weights;
  lat_matrix X;
  double J = 0, *labels = NULL;
  size_t done = 0;
  int top = lua_gettop(L);
  if (too_late(run, rows)) return;
  if (!rows->function) {
    labels = latL_newvector(L, rows->source.X.rows, LAT_FLOAT64)->view.data;
    latL_record(L, fitted, "labels");
  }
  latL_rewind(rows);
  while (latL_nextrows(L, rows, data, run->who, &X, &weights)) {
    if (rows == &run->rows && labels_itself(run)) {
      latL_check(L, run->who, run->work, run->mark,
                 label_run(run, &X, weights, f->flat, labels, &J));
    } else {
      lat_workspace *work = latL_workspace(L);
      latL_call(
          L, run->who, work,
          label(work, &X, weights, f->sizes[LAT_K], f->flat, labels ? labels + done : NULL, &J));
    }
    done += X.rows;
    lua_settop(L, top);
  }
  lua_pushnumber(L, J);
  latL_record(L, fitted, "inertia");
}

static void finish(lua_State *L, latL_Run *run, int fitted)
{
  label_rows(L, run, &run->rows, LATL_DATA, fitted);
}

static const latL_EmKind kind = {.base = {.name = "kmeans",
                                          .metatable = "latent.KMeans",
                                          .parameters = lat_kmeans_parameters,
                                          .refresh = NULL,
                                          .gaps = LATL_GAPS_BY("gmm")},
                                 .plan = plan,
                                 .start = start,
                                 .finish = finish};

/* Rows that come and go: no labels are kept. */
static const latL_EmKind online = {.base = {.name = "kmeans",
                                            .metatable = "latent.KMeans",
                                            .parameters = lat_kmeans_parameters,
                                            .refresh = NULL,
                                            .gaps = LATL_GAPS_BY("gmm")},
                                   .plan = plan,
                                   .start = start};

static int partial_fit(lua_State *L)
{
  return latL_partial_fit(L, &online, "kmeans:partial_fit");
}

/* ---- the constructor ------------------------------------------------------------------------- */

static void read_init(lua_State *L, kmeans *m)
{
  int type = latL_getoption(L, 1, "init");
  if (type == LUA_TNIL || type == LUA_TSTRING) {
    m->init = latL_optword(L, 1, "kmeans", "init", inits, PLUS);
    lua_pop(L, 1);
    return;
  }
  const lat_matrix *init =
      &latL_checkmatrix(L, lua_gettop(L), "kmeans", "init (if not a method's name)")->view;
  if (m->clusters == 0) m->clusters = init->rows;
  if (init->rows != m->clusters)
    latL_error(L, "kmeans", "init has %I rows for %I clusters", (lua_Integer)init->rows,
               (lua_Integer)m->clusters);
  lat_workspace *work = latL_workspace(L);
  latL_call(L, "kmeans", work, lat_check_finite(work, "init", init, false));
  latL_Matrix *copy = latL_newmatrix(L, init->rows, init->cols, LAT_FLOAT64);
  lat_copy(init, &copy->view);
  latL_keep(L, 2, "init");
  lua_pop(L, 1);
  m->init = GIVEN;
}

/* Centres that were given can be used without a fit. */
static void give_centers(lua_State *L)
{
  static const char *const optional[] = {"origin", NULL};
  lua_newtable(L);
  latL_kept(L, 2, "init");
  lua_setfield(L, -2, "centers");
  const size_t sizes[LAT_SIZES] = {0};
  latL_Fitted *f = latL_pushgiven(L, 2, 3, "kmeans", sizes, optional);
  size_t K = f->sizes[LAT_K], D = f->sizes[LAT_D];
  lat_kmeans_begin(&(lat_kmeans){NULL, NULL}, D, K, f->flat);
  latL_madewith(L, 2, "clusters", K);
  latL_adoptgiven(L, 2, "kmeans");
  lua_settop(L, 2);
}

/* latent.kmeans{clusters=, init= algorithm=, batch=, ...} */
static int new (lua_State *L)
{
  static const char *const names[] = {"clusters", "init",          "algorithm",
                                      "batch",    LATL_EM_OPTIONS, NULL};
  lua_settop(L, 1);
  if (!latL_checkoptions(L, 1, "kmeans", names))
    latL_error(L, "kmeans", "clusters is missing: latent.kmeans{ clusters = 3 }");
  kmeans *m = latL_newmodel(L, &kind.base, sizeof *m);
  m->clusters = (size_t)latL_optinteger(L, 1, "kmeans", "clusters", 0, 1, UINT32_MAX);
  read_init(L, m);
  if (m->clusters == 0)
    latL_error(L, "kmeans", "clusters is missing: latent.kmeans{ clusters = 3 }");
  m->algorithm = latL_optword(L, 1, "kmeans", "algorithm", algorithms, LAT_KMEANS_AUTO);
  static const char *const minibatches[] = {"batch", NULL};
  m->batch = (size_t)latL_optinteger(L, 1, "kmeans", "batch", 1024, 1, UINT32_MAX);
  latL_onlyfor(L, 1, "kmeans", minibatches, m->algorithm == MINIBATCH, "algorithm = \"minibatch\"");
  latL_emoptions(L, 1, "kmeans", &m->em, 300, 1e-9, 1);
  if (m->init == GIVEN) give_centers(L);
  return 1;
}

/* ---- mini-batches ---------------------------------------------------------------------------- */

/* A fit by mini-batches is a partial_fit whose data is a function: it gives rows drawn at random,
 * with their weights. */
typedef struct batches {
  const kmeans *model;
  const latL_Run *run;
  size_t size, given, most; /* rows a batch, batches */
  lat_random random;
  double average, least; /* of the objective, smoothed; and the least so far */
  double J;              /* of all rows, with the last centres */
  size_t since;          /* batches since then */
} batches;

/* upvalues of next_batch; the last is for what the fit makes */
enum { BATCH_X = 1, BATCH_WEIGHTS, BATCHES, BATCH_PLACES, BATCH_FITTED };

/* Whether the smoothed objective has not become less for PATIENCE batches. */
static bool settled(batches *b, double tolerance, size_t N)
{
  enum { PATIENCE = 10 };
  double share = fmin(1, 2 * (double)b->size / (double)N), objective = b->run->em.objective;
  b->average = b->given < 3 ? objective : b->average + share * (objective - b->average);
  b->since = b->given < 3 || b->average < b->least * (1 - tolerance) ? 0 : b->since + 1;
  b->least = b->given < 3 ? b->average : fmin(b->least, b->average);
  return b->since >= PATIENCE;
}

/* Upvalues: X, weights or nil, a batches, room for the places of a batch's rows, nil. The first
 * batch, which is what the start is made of, has at least three rows for each centre. */
static int next_batch(lua_State *L)
{
  const latL_Matrix *X = latL_tomatrix(L, lua_upvalueindex(BATCH_X));
  const latL_Matrix *weights = latL_tomatrix(L, lua_upvalueindex(BATCH_WEIGHTS));
  batches *b = lua_touserdata(L, lua_upvalueindex(BATCHES));
  size_t *places = lua_touserdata(L, lua_upvalueindex(BATCH_PLACES)), N = X->view.rows;
  const kmeans *m = b->model;
  double tolerance = m->em.options.tolerance;
  if (b->given == b->most || (b->given && tolerance > 0 && settled(b, tolerance, N))) return 0;
  size_t size = b->given || b->size > 3 * m->clusters ? b->size : 3 * m->clusters;
  for (size_t i = 0; i < size; i++) places[i] = (size_t)lat_random_below(&b->random, N);
  latL_Matrix *rows = latL_newmatrix(L, size, X->view.cols, X->view.dtype);
  lat_workspace *work = latL_workspace(L);
  latL_call(L, "kmeans:fit", work, lat_gather_rows(work, &X->view, places, &rows->view));
  b->given++;
  if (!weights) return 1;
  const lat_matrix drawn = latL_newvector(L, size, LAT_FLOAT64)->view;
  work = latL_workspace(L);
  latL_call(L, "kmeans:fit", work, lat_gather_rows(work, &weights->view, places, &drawn));
  return 2;
}

/* Labels of all the rows that batches were drawn from, by the last centres. */
static void finish_batches(lua_State *L, latL_Run *run, int fitted)
{
  latL_Rows rows;
  lua_getupvalue(L, LATL_DATA, BATCHES);
  batches *b = lua_touserdata(L, -1);
  lua_pushboolean(L, b->given < b->most);
  latL_record(L, fitted, "converged");
  lua_getupvalue(L, LATL_DATA, BATCH_X);
  int data = lua_gettop(L);
  latL_checkrows(L, &rows, data, 0, run->who, 0);
  lua_getupvalue(L, LATL_DATA, BATCH_WEIGHTS);
  if (!lua_isnil(L, -1)) rows.source.weights = latL_tomatrix(L, -1)->view.data; /* packed */
  label_rows(L, run, &rows, data, fitted);
  if (latL_recorded(L, fitted, "inertia") == LUA_TNUMBER) b->J = lua_tonumber(L, -1);
  lua_pushvalue(L, fitted);
  lua_setupvalue(L, LATL_DATA, BATCH_FITTED);
}

static const latL_EmKind minibatch = {.base = {.name = "kmeans",
                                               .metatable = "latent.KMeans",
                                               .parameters = lat_kmeans_parameters,
                                               .refresh = NULL,
                                               .gaps = LATL_GAPS_BY("gmm")},
                                      .plan = plan,
                                      .start = start,
                                      .finish = finish_batches};

/* fit_start(model, next_batch, start number) */
static int fit_start(lua_State *L)
{
  static const char *const none[] = {NULL};
  size_t restart = (size_t)lua_tointeger(L, 3);
  lua_settop(L, LATL_DATA);
  lua_getupvalue(L, LATL_DATA, BATCHES);
  batches *b = lua_touserdata(L, -1);
  lua_settop(L, LATL_DATA); /* next_batch has it */
  latL_Run *run = latL_newonline(L, &minibatch, "kmeans:fit", none, true);
  run->restart = restart;
  b->run = run; /* which calls the function */
  return latL_runonline(L, run, 0);
}

/* Pushes next_batch for that start; the data are at 2, the weights (or nil) at 4. */
static batches *push_batches(lua_State *L, const kmeans *m, size_t restart)
{
  size_t most = m->batch > 3 * m->clusters ? m->batch : 3 * m->clusters;
  lua_pushvalue(L, LATL_DATA);
  lua_pushvalue(L, LATL_OPTIONS + 1);
  batches *b = lua_newuserdatauv(L, sizeof *b, 0);
  *b = (batches){.model = m, .size = m->batch, .most = m->em.options.max_iterations, .J = INFINITY};
  b->random = (lat_random){.seed = latL_seedof(&m->em, restart), .stream = 0x6b6d};
  lua_newuserdatauv(L, most * sizeof(size_t), 0);
  lua_pushnil(L);
  lua_pushcclosure(L, next_batch, BATCH_FITTED);
  return b;
}

static int fit_batches(lua_State *L)
{
  static const char *const names[] = {"weights", NULL};
  enum { BEST = LATL_OPTIONS + 2 }; /* what the best start so far has made */
  const char *who = "kmeans:fit";
  lat_em best = {.kind = &lat_kmeans_kind}, trial = best;
  lua_settop(L, LATL_OPTIONS);
  const kmeans *m = latL_checkmodel(L, &kind.base, who);
  const lat_matrix *X = &latL_checkmatrix(L, LATL_DATA, who, "X (with mini-batches)")->view;
  latL_checkoptions(L, LATL_OPTIONS, who, names);
  if (X->rows < m->clusters)
    latL_error(L, who, "%I clusters need at least as many rows, got %I", (lua_Integer)m->clusters,
               (lua_Integer)X->rows);
  if (!latL_optweights(L, LATL_OPTIONS, who, X->rows)) lua_settop(L, LATL_OPTIONS + 1);
  for (size_t restart = 0; restart < m->em.restarts; restart++) {
    lua_settop(L, BEST);
    const batches *b = push_batches(L, m, restart);
    lua_pushcfunction(L, fit_start);
    lua_pushvalue(L, LATL_MODEL);
    lua_pushvalue(L, BEST + 1);
    lua_pushinteger(L, (lua_Integer)restart);
    lua_call(L, 3, 0);
    trial.reached = b->J;
    if (restart == 0 || lat_em_better(&trial, &best)) {
      best = trial;
      lua_getupvalue(L, BEST + 1, BATCH_FITTED);
      lua_replace(L, BEST);
    }
    lua_pushvalue(L, BEST); /* instead of this start's */
    latL_publish(L, LATL_MODEL);
  }
  lua_settop(L, LATL_MODEL);
  return 1;
}

/* ---- the verbs ------------------------------------------------------------------------------- */

static int fit(lua_State *L)
{
  const kmeans *m = luaL_testudata(L, 1, kind.base.metatable);
  bool batched = m && m->algorithm == MINIBATCH && m->em.options.max_iterations > 0;
  return batched ? fit_batches(L) : latL_fit(L, &kind, "kmeans:fit");
}

static int steps(lua_State *L)
{
  return latL_steps(L, &kind, "kmeans:steps");
}

/* The data at 2 of a fitted model, and options of these names at 3. */
static const latL_Fitted *check_data(lua_State *L, const char *who, const char *const names[],
                                     latL_Query *q)
{
  lua_settop(L, 3);
  const latL_Fitted *f = latL_fitted(L, 1, &kind.base, who);
  size_t D = f->sizes[LAT_D];
  *q = latL_checkquery(L, 2, who, "X", D);
  if (q->X.cols != D)
    latL_error(L, who, "X has %I columns, the model was fitted on %I", (lua_Integer)q->X.cols,
               (lua_Integer)D);
  latL_checkoptions(L, 3, who, names);
  return f;
}

static const char *const no_options[] = {NULL};

static int predict(lua_State *L)
{
  const char *who = "kmeans:predict";
  latL_Query q;
  double J = 0;
  const latL_Fitted *f = check_data(L, who, no_options, &q);
  double *labels = latL_querycolumn(L, &q);
  lat_workspace *work = latL_workspace(L);
  latL_call(L, who, work, label(work, &q.X, NULL, f->sizes[LAT_K], f->flat, labels, &J));
  return latL_querylabels(L, &q);
}

static int transform(lua_State *L)
{
  static const char *const names[] = {"out", NULL};
  const char *who = "kmeans:transform";
  latL_Query q;
  const latL_Fitted *f = check_data(L, who, names, &q);
  size_t K = f->sizes[LAT_K];
  latL_Result Z = latL_queryresult(L, &q, 3, K, LAT_FLOAT64, LATL_APART);
  lat_workspace *work = latL_workspace(L);
  latL_call(L, who, work, lat_kmeans_distances(work, &q.X, K, f->flat, &Z.view));
  latL_finish(L, who, &Z);
  return 1;
}

/* Minus the mean squared distance: higher is better. */
static int score(lua_State *L)
{
  const char *who = "kmeans:score";
  latL_Query q;
  double J = 0;
  const latL_Fitted *f = check_data(L, who, no_options, &q);
  lat_workspace *work = latL_workspace(L);
  latL_call(L, who, work, label(work, &q.X, NULL, f->sizes[LAT_K], f->flat, NULL, &J));
  lua_pushnumber(L, -J / (double)q.X.rows);
  return 1;
}

static const luaL_Reg methods[] = {
    {"fit", fit},         {"steps", steps},         {"partial_fit", partial_fit},
    {"predict", predict}, {"transform", transform}, {"score", score},
    {NULL, NULL},
};

static int loaded(lua_State *L)
{
  const latL_Fitted *f = latL_fitted(L, 1, &kind.base, "latent.load");
  latL_checkcomponents(L, f, ((const kmeans *)latL_owner(f))->clusters);
  return 0;
}

void latL_open_kmeans(lua_State *L)
{
  latL_newkind(L, &kind.base, methods);
  latL_savable(L, kind.base.metatable, loaded);
  lua_pushcfunction(L, new);
  lua_setfield(L, -2, "kmeans");
}
