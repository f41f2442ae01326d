/* mixture.c: latent.mixture, mixtures whose columns are independent: making and fitting them. */
#include "models/em/mixture.h"

#include "model/given.h"

#include <math.h>
#include <string.h>

static const char *const families[] = {"bernoulli", "poisson", "categorical", NULL};
static const char *const words[] = {"random", "k-means", NULL};

static void plan(lua_State *L, latL_Run *run);
static lat_status start(lua_State *L, latL_Run *run);
static void finish(lua_State *L, latL_Run *run, int fitted);
static const char *const fit_options[] = {"labels", NULL};

/* One kind for each family: they differ in the table of parameters, which the core has. */
static const latL_EmKind *kind_of(int family)
{
#define KIND(table)                                                                                \
  {                                                                                                \
    .base = {.name = "mixture",                                                                    \
             .metatable = LATL_MIXTURE,                                                            \
             .parameters = table,                                                                  \
             .refresh = NULL,                                                                      \
             .gaps = LATL_KNOWS_GAPS},                                                             \
    .missing = true, .fit_options = fit_options, .plan = plan, .start = start, .finish = finish    \
  }
  static const latL_EmKind kinds[] = {KIND(lat_mixture_bernoulli), KIND(lat_mixture_poisson),
                                      KIND(lat_mixture_categorical)};
  return family == LATL_OWN ? &latL_mixture_own : &kinds[family];
}

/* ---- making one ------------------------------------------------------------------------------ */

/* The name of the parameters beside the weights. */
static const char *theta_name(int family)
{
  static const char *const names[] = {"means", "rates", "probabilities"};
  return names[family];
}

/* Keeps the option `name`, a number or a list of numbers >= least, as a vector of the field. */
static bool keep_list(lua_State *L, const char *name, const char *field, double least)
{
  int type = latL_getoption(L, 1, name);
  if (type == LUA_TNIL) {
    lua_pop(L, 1);
    return false;
  }
  if (type != LUA_TNUMBER && type != LUA_TTABLE && type != LUA_TUSERDATA)
    latL_error(L, "mixture", "%s must be an integer or a list of integers, got %s", name,
               luaL_typename(L, -1));
  if (type == LUA_TNUMBER) {
    lua_createtable(L, 1, 0);
    lua_insert(L, -2);
    lua_rawseti(L, -2, 1);
  }
  lat_matrix v = latL_checkvector(L, lua_gettop(L), "mixture", name);
  double *to = latL_newvector(L, v.rows, LAT_FLOAT64)->view.data;
  for (size_t i = 0; i < v.rows; i++) {
    to[i] = lat_get(&v, i, 0);
    if (!(to[i] >= least && to[i] <= 65536 && to[i] == floor(to[i])))
      latL_error(L, "mixture", "%s must be integers >= %d, got %f", name, (int)least, to[i]);
  }
  latL_keep(L, 2, field);
  lua_settop(L, 2);
  return true;
}

/* levels, lowest and groups say how categorical data is coded. */
static void read_codes(lua_State *L, const latL_Mixture *m)
{
  bool levels = keep_list(L, "levels", LATL_MIXTURE_LEVELS, 1);
  bool lowest = keep_list(L, "lowest", LATL_MIXTURE_LOWEST, 0);
  bool groups = keep_list(L, "groups", LATL_MIXTURE_GROUPS, 1);
  if ((levels || lowest || groups) && m->family != LAT_CATEGORICAL)
    latL_error(L, "mixture", "%s is for the family \"categorical\"",
               levels   ? "levels"
               : lowest ? "lowest"
                        : "groups");
  if (groups && (levels || lowest))
    latL_error(L, "mixture", "groups are for one-hot columns, levels and lowest for codes");
}

/* init: a word, or a table of explicit parameters, which is kept with its values as matrices. */
static size_t read_init(lua_State *L, latL_Mixture *m)
{
  int type = latL_getoption(L, 1, "init");
  if (type != LUA_TTABLE) {
    lua_pop(L, 1);
    m->start = latL_optword(L, 1, "mixture", "init", words,
                            m->family == LATL_OWN ? LATL_START_KMEANS : LATL_START_RANDOM);
    m->mixed = type == LUA_TNIL || m->start == LATL_START_KMEANS;
    return 0;
  }
  if (m->family == LATL_OWN)
    latL_error(L, "mixture", "init for a family of functions must be \"k-means\" or \"random\"");
  const char *theta = theta_name(m->family), *const names[] = {"weights", theta, NULL};
  int init = lua_gettop(L);
  latL_checkoptions(L, init, "mixture", names);
  m->start = LATL_START_GIVEN;
  lua_newtable(L);
  if (lua_getfield(L, init, theta) == LUA_TNIL)
    latL_error(L, "mixture", "init is without %s", theta);
  lua_pushfstring(L, "init.%s", theta);
  lua_insert(L, -2);
  size_t K = latL_checkmatrix(L, -1, "mixture", lua_tostring(L, -2))->view.rows;
  lua_setfield(L, init + 1, theta);
  lua_settop(L, init + 1);
  if (lua_getfield(L, init, "weights") != LUA_TNIL) {
    lat_matrix w = latL_checkvector(L, lua_gettop(L), "mixture", "init.weights");
    if (w.rows != K)
      latL_error(L, "mixture", "init has %I weights for %I components", (lua_Integer)w.rows,
                 (lua_Integer)K);
  }
  lua_setfield(L, init + 1, "weights");
  latL_keep(L, 2, LATL_MIXTURE_INIT);
  lua_settop(L, 2);
  return K;
}

static int read_family(lua_State *L)
{
  static const char *const names[] = {"log_density", "fit", "sample", "free_parameters", NULL};
  if (latL_getoption(L, 1, "family") != LUA_TTABLE) {
    lua_pop(L, 1);
    return latL_optword(L, 1, "mixture", "family", families, LAT_BERNOULLI);
  }
  int family = lua_gettop(L);
  latL_checkoptions(L, family, "mixture", names);
  for (int i = 0; i < 3; i++) {
    int type = lua_getfield(L, family, names[i]);
    if (type != LUA_TFUNCTION && (i < 2 || type != LUA_TNIL))
      latL_error(L, "mixture", "family.%s must be a function, got %s", names[i],
                 luaL_typename(L, -1));
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  return LATL_OWN;
}

/* Of columns of codes, D numbers: the levels and the lowest code; false when the options don't
 * tell. One number for all columns is for as many as the probabilities have room for. */
static bool give_levels(lua_State *L, size_t M)
{
  size_t D = 0;
  latL_kept(L, 2, LATL_MIXTURE_GROUPS);
  const latL_Matrix *groups = latL_tomatrix(L, -1);
  latL_kept(L, 2, LATL_MIXTURE_LEVELS);
  const latL_Matrix *levels = latL_tomatrix(L, -1);
  latL_kept(L, 2, LATL_MIXTURE_LOWEST);
  const latL_Matrix *lowest = latL_tomatrix(L, -1);
  if (groups)
    D = M;
  else if (levels && lowest)
    D = levels->view.rows > 1   ? levels->view.rows
        : lowest->view.rows > 1 ? lowest->view.rows
                                : M / (size_t)lat_get(&levels->view, 0, 0);
  if (D == 0) return false;
  double *l = latL_newvector(L, D, LAT_FLOAT64)->view.data;
  double *low = latL_newvector(L, D, LAT_FLOAT64)->view.data;
  for (size_t d = 0, g = 0, next = 0; d < D; d++) {
    l[d] = levels ? lat_get(&levels->view, levels->view.rows == 1 ? 0 : d, 0) : 0;
    low[d] =
        lowest ? lat_get(&lowest->view, lowest->view.rows == 1 ? 0 : d % lowest->view.rows, 0) : -1;
    if (groups && d == next && g < groups->view.rows) {
      l[d] = lat_get(&groups->view, g++, 0);
      next = d + (size_t)l[d];
    }
  }
  lua_setfield(L, 3, "lowest");
  lua_setfield(L, 3, "levels");
  return true;
}

/* When `init` gives all parameters, the model at 2 can be used. */
static void give_parameters(lua_State *L, const latL_Mixture *m)
{
  static const char *const optional[] = {"weights", NULL};
  const size_t sizes[LAT_SIZES] = {[LAT_K] = m->components};
  const char *theta = theta_name(m->family);
  latL_madewith(L, 2, "components", m->components);
  lua_newtable(L);
  latL_kept(L, 2, LATL_MIXTURE_INIT);
  lua_getfield(L, 4, "weights");
  lua_setfield(L, 3, "weights");
  lua_getfield(L, 4, theta);
  size_t M = latL_tomatrix(L, -1)->view.cols;
  lua_setfield(L, 3, theta);
  lua_settop(L, 3);
  if (m->family != LAT_CATEGORICAL || give_levels(L, M)) {
    lua_settop(L, 3);
    latL_Fitted *f = latL_pushgiven(L, 2, 3, "mixture", sizes, optional);
    latL_giveweights(L, "mixture", 3, m->components, f->flat);
    latL_adoptgiven(L, 2, "mixture");
  }
  lua_settop(L, 2);
}

/* latent.mixture{components=, family= smoothing=, levels=, lowest=, groups=, init=, ...} */
static int new (lua_State *L)
{
  static const char *const names[] = {"components", "family", "smoothing",     "levels", "lowest",
                                      "groups",     "init",   LATL_EM_OPTIONS, NULL};
  lua_settop(L, 1);
  latL_checkoptions(L, 1, "mixture", names);
  int family = read_family(L);
  latL_Mixture *m = latL_newmodel(L, &kind_of(family)->base, sizeof *m);
  m->family = family;
  latL_emoptions(L, 1, "mixture", &m->em, 1000, 1e-8, 5);
  m->smoothing = latL_optnumber(L, 1, "mixture", "smoothing", 0, 0, 1e9);
  if (family == LATL_OWN) {
    if (m->smoothing > 0 || m->em.options.accelerate)
      latL_error(L, "mixture", "%s is not for a family of functions",
                 m->smoothing > 0 ? "smoothing" : "accelerate");
    latL_getoption(L, 1, "family");
    latL_keep(L, 2, LATL_MIXTURE_FAMILY);
  }
  read_codes(L, m);
  size_t given = read_init(L, m);
  lua_Integer K =
      latL_optinteger(L, 1, "mixture", "components", given ? (lua_Integer)given : 1, 1, 1 << 20);
  if (given && given != (size_t)K)
    latL_error(L, "mixture", "components is %I, but init has %I", K, (lua_Integer)given);
  m->components = (size_t)K;
  lua_settop(L, 2);
  if (given) give_parameters(L, m);
  return 1;
}

/* ---- structure ------------------------------------------------------------------------------- */

const latL_Fitted *latL_checkmixture(lua_State *L, int arg, const char *who)
{
  return latL_fitted(L, arg, &kind_of(LAT_BERNOULLI)->base, who);
}

lat_mixture latL_mixtureof(const latL_Fitted *f)
{
  const latL_Mixture *m = (const latL_Mixture *)latL_owner(f);
  lat_mixture core = {.family = (lat_family)m->family, .D = f->sizes[LAT_D], .K = f->sizes[LAT_K]};
  core.M = m->family == LAT_CATEGORICAL ? f->sizes[LAT_M] : core.D;
  core.levels = f->flat + core.K;
  core.lowest = core.levels + core.D;
  core.smoothing = m->smoothing;
  return core;
}

/* Fills `to` (D) with the kept list `field`; one number is for all columns. NaN without. */
static bool given_list(lua_State *L, latL_Run *run, const char *field, const char *name, double *to)
{
  size_t D = run->sizes[LAT_D];
  latL_kept(L, LATL_MODEL, field);
  const latL_Matrix *list = latL_tomatrix(L, -1);
  if (list && list->view.rows != 1 && list->view.rows != D)
    latL_error(L, run->who, "%s has %I numbers for %I columns", name, (lua_Integer)list->view.rows,
               (lua_Integer)D);
  for (size_t d = 0; d < D; d++)
    to[d] = list ? lat_get(&list->view, list->view.rows == 1 ? 0 : d, 0) : NAN;
  lua_pop(L, 1);
  return list != NULL;
}

/* One-hot columns: the sizes of the groups, which add up to D. */
static bool given_groups(lua_State *L, latL_Run *run, double *levels, double *lowest)
{
  size_t D = run->sizes[LAT_D], d = 0;
  latL_kept(L, LATL_MODEL, LATL_MIXTURE_GROUPS);
  const latL_Matrix *groups = latL_tomatrix(L, -1);
  lua_pop(L, 1); /* the model keeps it */
  if (!groups) return false;
  memset(levels, 0, D * sizeof *levels);
  for (size_t g = 0; g < groups->view.rows; g++) {
    double size = lat_get(&groups->view, g, 0);
    if (d < D) levels[d] = size;
    d += (size_t)size;
  }
  if (d != D)
    latL_error(L, run->who, "groups add up to %I columns, X has %I", (lua_Integer)d,
               (lua_Integer)D);
  for (size_t i = 0; i < D; i++) lowest[i] = -1;
  return true;
}

/* How the columns are coded: what the model was fitted with, or was told, or the data shows. */
static void find_levels(lua_State *L, latL_Run *run, lat_mixture *core)
{
  const latL_Fitted *before = run->before;
  size_t D = run->sizes[LAT_D];
  double *levels = lat_doubles(run->work, 2 * D);
  if (!levels) latL_error(L, run->who, "%s", run->work->message);
  double *lowest = levels + D;
  core->levels = levels;
  core->lowest = lowest;
  if (before && before->sizes[LAT_D] == D) {
    memcpy(levels, latL_mixtureof(before).levels, 2 * D * sizeof *levels);
  } else if (!given_groups(L, run, levels, lowest)) {
    bool given = given_list(L, run, LATL_MIXTURE_LEVELS, "levels", levels);
    given &= given_list(L, run, LATL_MIXTURE_LOWEST, "lowest", lowest);
    if (!given) {
      lat_matrix X = latL_sample(L, run);
      lat_mark mark = lat_workspace_mark(run->work);
      latL_check(L, run->who, run->work, mark,
                 lat_mixture_levels(run->work, &X, run->missing, levels, lowest));
    }
  }
  core->M = 0;
  for (size_t d = 0; d < D; d++) core->M += (size_t)levels[d];
}

/* ---- a fit ----------------------------------------------------------------------------------- */

/* Once for all starts: a matrix in memory half of whose rows are repetitions becomes one without,
 * whose rows weigh as much, if that takes less than 32 MB. The run's own user value keeps it. */
static void compress(lua_State *L, latL_Run *run, const lat_mixture *core)
{
  lat_mark mark = lat_workspace_mark(run->work);
  lat_matrix *X = &run->rows.source.X;
  size_t count = 0, *places = NULL, most = ((size_t)4 << 20) / (X->cols + 4);
  double *totals = NULL;
  if (most > X->rows / 2) most = X->rows / 2;
  lat_status status = lat_mixture_check(run->work, core, X, run->missing);
  if (status == LAT_OK)
    status = lat_distinct_rows(run->work, X, run->rows.source.weights, X->rows / 2, &count, &places,
                               &totals);
  if (status != LAT_OK) latL_check(L, run->who, run->work, mark, status);
  if (count > 0) {
    lat_matrix rows = latL_newmatrix(L, count + 1, X->cols, LAT_FLOAT64)->view;
    lat_matrix weights = latL_newvector(L, count, LAT_FLOAT64)->view;
    rows.rows = count;
    status = lat_gather_rows(run->work, X, places, &rows);
    if (status != LAT_OK) latL_check(L, run->who, run->work, mark, status);
    memcpy(weights.data, totals, count * sizeof *totals);
    lua_createtable(L, 2, 0);
    lua_insert(L, -3);
    lua_rawseti(L, -3, 2);
    lua_rawseti(L, -2, 1);
    lua_setiuservalue(L, LATL_RUN, LATL_RUN_OWN);
    run->rows.source.X = rows;
    run->rows.source.weights = weights.data;
    run->sample = (lat_matrix){0};
  }
  lat_workspace_release(run->work, mark);
}

void latL_mixturerows(lua_State *L, const latL_Run *run)
{
  const latL_Mixture *m = run->model;
  if (!run->rows.function && run->rows.source.X.rows < m->components && !run->online)
    latL_error(L, run->who, "components is %I, but X has %I rows", (lua_Integer)m->components,
               (lua_Integer)run->rows.source.X.rows);
}

static void plan(lua_State *L, latL_Run *run)
{
  const latL_Mixture *m = run->model;
  lat_mixture *core = lat_allocate(run->work, 1, sizeof *core);
  if (!core) latL_error(L, run->who, "%s", run->work->message);
  *core = (lat_mixture){.family = (lat_family)m->family,
                        .D = run->sizes[LAT_D],
                        .K = m->components,
                        .M = run->sizes[LAT_D],
                        .smoothing = m->smoothing,
                        .row = run->row_weight,
                        .seen = run->online ? &run->seen : NULL};
  run->core = lat_mixture_kind(core->family);
  run->context = core;
  run->sizes[LAT_K] = m->components;
  if (run->restart == 0) latL_mixturerows(L, run);
  if (m->family == LAT_CATEGORICAL) {
    find_levels(L, run, core);
    run->sizes[LAT_M] = core->M;
  }
  if (run->online) return;
  core->labels = latL_optlabels(L, run, m->components);
  if (run->restart == 0 && !run->rows.function && !run->rows.source.mapped && !core->labels)
    compress(L, run, core);
}

/* Copies explicit parameters `name` to rows x cols numbers at `to`; false without. */
static bool take_given(lua_State *L, latL_Run *run, const char *name, size_t rows, size_t cols,
                       double *to)
{
  latL_kept(L, LATL_MODEL, LATL_MIXTURE_INIT);
  lua_getfield(L, -1, name);
  const latL_Matrix *A = latL_tomatrix(L, -1);
  if (A && (A->view.rows * A->view.cols != rows * cols || (A->view.cols != cols && cols > 1)))
    latL_error(L, run->who, "init.%s is a %s, it should be %Ix%I", name, latL_shape(L, A),
               (lua_Integer)rows, (lua_Integer)cols);
  for (size_t i = 0; A && i < rows * cols; i++)
    to[i] = A->view.cols == cols ? lat_get(&A->view, i / cols, i % cols) : lat_get(&A->view, 0, i);
  lua_pop(L, 2);
  return A != NULL;
}

/* Whether start number run->restart is by K-means: it finds maxima that random starts miss, and
 * they others. */
static bool by_kmeans(const latL_Run *run, const lat_mixture *core, const lat_matrix *X)
{
  const latL_Mixture *m = run->model;
  bool first = m->start == LATL_START_KMEANS;
  return (m->mixed && run->restart % 2 ? !first : first) && !core->labels && X->rows >= core->K;
}

static lat_status start(lua_State *L, latL_Run *run)
{
  const latL_Mixture *m = run->model;
  const lat_mixture *core = run->context;
  lat_matrix X = latL_sample(L, run);
  lat_random random = {.seed = run->seed, .stream = 0x6d78};
  lat_status (*method)(lat_workspace *, const lat_mixture *, const lat_matrix *, const double *,
                       bool, lat_random *, double *) =
      by_kmeans(run, core, &X) ? lat_mixture_start_kmeans : lat_mixture_start;
  LAT_TRY(method(run->work, core, &X, run->sample_weights, run->missing, &random, run->parameters));
  if (m->start != LATL_START_GIVEN) return LAT_OK;
  double *theta =
      lat_parameter_at(run->core->parameters, run->sizes, run->parameters, theta_name(m->family));
  take_given(L, run, theta_name(m->family), core->K, core->M, theta);
  for (size_t k = 0; m->family == LAT_CATEGORICAL && k < core->K; k++)
    for (size_t d = 0; d < core->D; theta += (size_t)core->levels[d++])
      if (core->levels[d] > 0)
        latL_takedistribution(L, run->who, "init.probabilities", (size_t)core->levels[d], theta);
  if (take_given(L, run, "weights", core->K, 1, run->parameters))
    latL_takedistribution(L, run->who, "init.weights", core->K, run->parameters);
  return LAT_OK;
}

void latL_reordermixture(lua_State *L, int fitted, const char *who, const size_t *order)
{
  latL_Fitted *f = lua_touserdata(L, fitted);
  lat_mixture core = latL_mixtureof(f);
  lat_workspace *work = latL_workspace(L);
  latL_call(L, who, work, lat_mixture_reorder(work, &core, order, f->flat, f->statistics));
}

/* Components are put in order, unless somebody has said which is which. */
static void finish(lua_State *L, latL_Run *run, int fitted)
{
  const latL_Mixture *m = run->model;
  if (run->online || m->start == LATL_START_GIVEN || run->labelled) return;
  const latL_Fitted *f = lua_touserdata(L, fitted);
  lat_mixture core = latL_mixtureof(f);
  size_t *order = lua_newuserdatauv(L, core.K * sizeof *order, 0);
  lat_mixture_rank(&core, f->flat, order);
  latL_reordermixture(L, fitted, run->who, order);
}

/* ---- verbs ----------------------------------------------------------------------------------- */

/* The kind of the mixture at argument 1, for the driver. */
static const latL_EmKind *prepared(lua_State *L, const char *who)
{
  const latL_Mixture *m = luaL_testudata(L, 1, LATL_MIXTURE);
  if (!m) return kind_of(LAT_BERNOULLI); /* the driver raises */
  if (m->family == LATL_OWN) latL_checkmatrix(L, LATL_DATA, who, "X (for a family of functions)");
  return kind_of(m->family);
}

static int fit(lua_State *L)
{
  return latL_fit(L, prepared(L, "mixture:fit"), "mixture:fit");
}

static int steps(lua_State *L)
{
  return latL_steps(L, prepared(L, "mixture:steps"), "mixture:steps");
}

static int partial_fit(lua_State *L)
{
  const latL_EmKind *kind = prepared(L, "mixture:partial_fit");
  if (kind == &latL_mixture_own)
    latL_error(L, "mixture:partial_fit", "a family of functions needs all rows at once: use fit");
  return latL_partial_fit(L, kind, "mixture:partial_fit");
}

/* ---- from a file ----------------------------------------------------------------------------- */

static void wrong(lua_State *L, const char *what)
{
  latL_error(L, "latent.load", "%s", what);
}

/* Levels make up the M columns of the probabilities, as codes or as one-hot columns, and those of
 * a column add up to 1. */
static void check_levels(lua_State *L, const lat_mixture *core, const double *probabilities)
{
  size_t count = 0;
  bool codes = core->lowest[0] >= 0;
  for (size_t d = 0; d < core->D; d++) {
    double levels = core->levels[d], lowest = core->lowest[d];
    bool whole = levels == floor(levels) && lowest == floor(lowest) && lowest <= 65536;
    if (!(whole && levels >= codes && levels <= (double)core->M &&
          (codes ? lowest >= 0 : lowest == -1)))
      wrong(L, "levels or lowest are no codes");
    if (!codes && (d < count) != (levels == 0)) wrong(L, "levels are no groups of columns");
    count += (size_t)levels;
  }
  if (count != core->M || (!codes && core->M != core->D)) wrong(L, "levels don't add up to M");
  for (size_t k = 0; k < core->K; k++)
    for (size_t d = 0; d < core->D; d++) {
      double total = 0;
      size_t levels = (size_t)core->levels[d];
      for (size_t i = 0; i < levels; i++) total += *probabilities++;
      if (levels && !(fabs(total - 1) < 1e-6))
        wrong(L, "the probabilities of a column don't add up to 1");
    }
}

/* loaded(model) */
static int check_loaded(lua_State *L)
{
  const latL_Fitted *f = latL_checkmixture(L, 1, "latent.load");
  const latL_Mixture *m = (const latL_Mixture *)latL_owner(f);
  latL_checkcomponents(L, f, m->components);
  lat_mixture core = latL_mixtureof(f);
  const double *theta =
      lat_parameter_at(m->em.base.kind->parameters, f->sizes, f->flat, theta_name(m->family));
  for (size_t i = 0; i < core.K * core.M; i++)
    if (!(theta[i] >= 0 && (theta[i] <= 1 || m->family == LAT_POISSON)))
      latL_error(L, "latent.load", "%s[%I,%I] is %f; %s", theta_name(m->family),
                 (lua_Integer)(i / core.M) + 1, (lua_Integer)(i % core.M) + 1, theta[i],
                 m->family == LAT_POISSON ? "rates are not below 0"
                                          : "probabilities are between 0 and 1");
  if (m->family == LAT_CATEGORICAL) check_levels(L, &core, theta);
  return 0;
}

static const luaL_Reg methods[] = {
    {"fit", fit}, {"steps", steps}, {"partial_fit", partial_fit}, {NULL, NULL}};

void latL_open_mixture(lua_State *L)
{
  latL_newkind(L, &kind_of(LAT_BERNOULLI)->base, methods);
  latL_addmixtureuses(L);
  latL_savable(L, LATL_MIXTURE, check_loaded);
  lua_pushcfunction(L, new);
  lua_setfield(L, -2, "mixture");
}
