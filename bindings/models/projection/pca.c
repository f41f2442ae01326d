/* pca.c: latent.pca, principal component analysis. */
#include <math.h>
#include <string.h>

#include "model/given.h"
#include "model/model.h"
#include "model/query.h"
#include "model/source.h"

static void refresh(lua_State *L, int model, const char *who);
static const latL_Kind kind = {.name = "pca",
                               .metatable = "latent.PCA",
                               .parameters = lat_pca_parameters,
                               .refresh = refresh,
                               .gaps = LATL_GAPS_BY("ppca")};

static const char *const solvers[] = {"auto", "covariance", "gram", "randomized", NULL};

typedef struct pca {
  latL_Model model;
  lat_pca_options options;
  bool whiten;
} pca;

static lat_pca core_of(const latL_Fitted *f)
{
  return lat_pca_of(f->flat, f->sizes[LAT_D], f->sizes[LAT_M]);
}

/* latent_dim: an integer, a share of the variance strictly between 0 and 1, or "mle" */
static void read_latent_dim(lua_State *L, lat_pca_options *options)
{
  options->evidence = latL_asksevidence(L, 1);
  if (latL_getoption(L, 1, "latent_dim") != LUA_TNIL && !options->evidence) {
    double x = latL_checknumber(L, -1, "pca", "latent_dim");
    if (x > 0 && x < 1)
      options->share = x;
    else if (x >= 1 && x == floor(x) && x < 1e15)
      options->latent_dim = (size_t)x;
    else
      latL_error(L, "pca",
                 "latent_dim must be an integer >= 1, or a share of the variance between 0 and 1, "
                 "or \"mle\", got %s",
                 luaL_tolstring(L, -1, NULL));
  }
  lua_pop(L, 1);
}

/* The option `init`, a table of parameters: the model, at 2, can be used without a fit. What is left
 * out is as if nothing were standardized, and no variance left beyond the components. */
static void give_parameters(lua_State *L)
{
  static const char *const names[] = {"mean",      "components",     "eigenvalues",
                                      "deviation", "total_variance", NULL};
  static const char *const optional[] = {"deviation", "explained_ratio", "total_variance", NULL};
  const size_t sizes[LAT_SIZES] = {0};
  lua_settop(L, 2);
  int type = latL_getoption(L, 1, "init");
  if (type == LUA_TNIL) {
    lua_settop(L, 2);
    return;
  }
  if (type != LUA_TTABLE)
    latL_error(L, "pca", "init must be a table of parameters, got %s", luaL_typename(L, 3));
  latL_checkoptions(L, 3, "pca", names);
  for (int i = 0; i < 3; i++, lua_settop(L, 3))
    if (latL_getoption(L, 3, names[i]) == LUA_TNIL)
      latL_error(L, "pca", "init is without %s", names[i]);
  lat_pca c = core_of(latL_pushgiven(L, 2, 3, "pca", sizes, optional));
  if (latL_getoption(L, 3, "deviation") == LUA_TNIL)
    for (size_t j = 0; j < c.D; j++) c.deviation[j] = 1;
  double sum = 0;
  for (size_t i = 0; i < c.M; i++) sum += c.eigenvalues[i];
  if (latL_getoption(L, 3, "total_variance") == LUA_TNIL) *c.total_variance = sum;
  for (size_t i = 0; i < c.M; i++)
    c.explained_ratio[i] = *c.total_variance > 0 ? c.eigenvalues[i] / *c.total_variance : 0;
  lua_settop(L, 4);
  latL_adoptgiven(L, 2, "pca");
  lua_settop(L, 2);
}

/* latent.pca [{latent_dim=, solver= whiten=, standardize=, tolerance=, seed=}] */
static int new (lua_State *L)
{
  static const char *const names[] = {"latent_dim", "solver", "whiten", "standardize",
                                      "tolerance",  "seed",   "init",   NULL};
  lua_settop(L, 1);
  latL_checkoptions(L, 1, "pca", names);
  pca *p = latL_newmodel(L, &kind, sizeof *p);
  read_latent_dim(L, &p->options);
  p->options.solver = (lat_pca_solver)latL_optword(L, 1, "pca", "solver", solvers, LAT_PCA_AUTO);
  p->options.standardize = latL_optboolean(L, 1, "pca", "standardize", false);
  p->options.tolerance = latL_optnumber(L, 1, "pca", "tolerance", 1e-9, 1e-14, 0.1);
  p->options.seed =
      (uint64_t)latL_optinteger(L, 1, "pca", "seed", 0, LUA_MININTEGER, LUA_MAXINTEGER);
  p->whiten = latL_optboolean(L, 1, "pca", "whiten", false);
  give_parameters(L);
  return 1;
}

/* ---- fitting -------------------------------------------------------------------- */

/* Pushes a block with these D and M and the parameters `flat`, which lie in the workspace, and the
 * fields that every model has after a fit; the objective is the distortion J. */
static void push_block(lua_State *L, int model, const double *flat, size_t D, size_t M,
                       const lat_pca_record *record)
{
  size_t sizes[LAT_SIZES] = {[LAT_D] = D, [LAT_M] = M};
  latL_Fitted *f = latL_newfitted(L, model, sizes);
  int fitted = lua_gettop(L);
  memcpy(f->flat, flat, lat_parameters_count(lat_pca_parameters, sizes) * sizeof *flat);
  lat_pca core = core_of(f);
  double distortion = *core.total_variance;
  for (size_t i = 0; i < core.M; i++) distortion -= core.eigenvalues[i];
  lua_pushinteger(L, (lua_Integer)record->iterations);
  latL_record(L, fitted, "iterations");
  lua_pushstring(L, solvers[record->solver]);
  latL_record(L, fitted, "solver");
  lua_pushboolean(L, 1);
  latL_record(L, fitted, "converged");
  lua_createtable(L, 1, 0);
  lua_pushnumber(L, distortion > 0 ? distortion : 0);
  lua_rawseti(L, -2, 1);
  latL_record(L, fitted, "history");
  if (record->log_evidence) latL_keepevidence(L, fitted, record->log_evidence, record->dimensions);
}

/* ---- rows added up ----------------------------------------------------------------- */

/* A block's statistics are moments, or, of many columns, an incremental decomposition, of D =
 * sizes[LAT_D] columns; without parameters, until somebody looks at them. */
static bool exact(size_t D)
{
  return D <= LATL_EXACT_COLUMNS;
}

/* A fit by pieces under way; its block is on the stack. */
typedef struct gathering {
  const pca *model;
  latL_Fitted *f;
  int fitted;
} gathering;

/* Makes the statistics for D columns. */
static void begin(lua_State *L, const gathering *g, size_t D)
{
  size_t M = g->model->options.latent_dim;
  if (!exact(D) && (M == 0 || M > D || g->model->options.standardize))
    latL_error(L, "pca:partial_fit",
               "beyond %d columns a fit by chunks needs latent_dim as an integer and can't "
               "standardize",
               LATL_EXACT_COLUMNS);
  size_t count = exact(D) ? lat_moments_count(D) : lat_incremental_count(D, M);
  memset(latL_newstatistics(L, g->fitted, count), 0, count * sizeof(double));
  g->f->sizes[LAT_D] = D;
}

static lat_status take(lua_State *L, void *context, lat_workspace *work, const lat_matrix *X,
                       const double *weights)
{
  const gathering *g = context;
  if (!g->f->statistics) begin(L, g, X->cols);
  size_t D = g->f->sizes[LAT_D];
  if (exact(D)) {
    lat_moments moments = lat_moments_of(g->f->statistics, D);
    return lat_moments_add(work, &moments, X, weights);
  }
  if (weights)
    return lat_fail(work, LAT_INVALID, "weights are for up to %d columns", LATL_EXACT_COLUMNS);
  lat_incremental state = lat_incremental_of(g->f->statistics, D, g->model->options.latent_dim);
  return lat_incremental_add(work, &state, X);
}

/* Pushes a block without parameters, whose statistics are those of `before`, or a copy; or none. */
static gathering gather(lua_State *L, int model, const latL_Fitted *before, int before_at,
                        bool copy)
{
  gathering g = {.model = lua_touserdata(L, model), .f = latL_newunfitted(L, model)};
  g.fitted = lua_gettop(L);
  if (!before || !before->statistics) return g;
  memcpy(g.f->sizes, before->sizes, sizeof g.f->sizes);
  if (copy) {
    memcpy(latL_newstatistics(L, g.fitted, before->count), before->statistics,
           before->count * sizeof(double));
    return g;
  }
  lua_getiuservalue(L, before_at, LATL_STATISTICS);
  lua_setiuservalue(L, g.fitted, LATL_STATISTICS);
  g.f->statistics = before->statistics;
  g.f->count = before->count;
  return g;
}

/* Pushes a block with the parameters of the statistics of the one at `from`, and these. */
static void push_parameters(lua_State *L, int model, int from, const char *who)
{
  const latL_Fitted *f = lua_touserdata(L, from);
  const pca *p = lua_touserdata(L, model);
  size_t D = f->sizes[LAT_D], M;
  lat_workspace *work = latL_newworkspace(L);
  int at = lua_gettop(L);
  lat_mark mark = lat_workspace_mark(work);
  lat_pca_record record = {.solver = LAT_PCA_COVARIANCE, .iterations = 1};
  double *flat;
  lat_status status;
  if (exact(D)) {
    lat_moments moments = lat_moments_of(f->statistics, D);
    status = lat_pca_from_moments(work, &moments, &p->options, &flat, &M, &record);
  } else {
    lat_incremental state = lat_incremental_of(f->statistics, D, p->options.latent_dim);
    status = lat_pca_from_incremental(work, &state, &flat, &M);
    record.solver = LAT_PCA_RANDOMIZED;
  }
  if (status != LAT_OK) latL_check(L, who, work, mark, status);
  push_block(L, model, flat, D, M, &record);
  lat_workspace_done(work);
  lua_remove(L, at);
  latL_Fitted *to = lua_touserdata(L, at);
  lua_getiuservalue(L, from, LATL_STATISTICS);
  lua_setiuservalue(L, at, LATL_STATISTICS);
  to->statistics = f->statistics;
  to->count = f->count;
}

/* Eigenvectors wait until somebody looks at them: chunks cost only their own share. When rows are added
 * meanwhile (by a finalizer), these are computed again. */
static void refresh(lua_State *L, int model, const char *who)
{
  int top = lua_gettop(L);
  for (;;) {
    const latL_Fitted *f = latL_pushfitted(L, model);
    if (!f || f->flat) break;
    push_parameters(L, model, top + 1, who);
    bool same = latL_pushfitted(L, model) == f;
    lua_settop(L, top + 2);
    if (same) latL_publish(L, model);
    lua_settop(L, top);
  }
  lua_settop(L, top);
}

/* ---- fits ------------------------------------------------------------------------------ */

static const pca *check_fit(lua_State *L, const char *who, latL_Rows *rows, size_t D)
{
  static const char *const names[] = {"weights", NULL};
  lua_settop(L, 3);
  const pca *p = latL_checkmodel(L, &kind, who);
  latL_checkoptions(L, 3, who, names);
  latL_checkrows(L, rows, 2, 3, who, D);
  return p;
}

static void fit_matrix(lua_State *L, const pca *p, const latL_Rows *rows)
{
  lat_workspace *work = latL_newworkspace(L);
  lat_mark mark = lat_workspace_mark(work);
  lat_pca_record record;
  double *flat;
  size_t M;
  lat_status status =
      lat_pca_fit(work, &rows->source.X, rows->source.weights, &p->options, &flat, &M, &record);
  if (status != LAT_OK) latL_check(L, "pca:fit", work, mark, status);
  push_block(L, 1, flat, rows->source.X.cols, M, &record);
  latL_publish(L, 1);
  lat_workspace_done(work);
}

/* Pieces are for the covariance; what asks for another solver, or is too wide, is taken whole. */
static bool by_pieces(const pca *p, const latL_Rows *rows)
{
  bool other = p->options.solver == LAT_PCA_GRAM || p->options.solver == LAT_PCA_RANDOMIZED;
  return rows->function || (latL_inpieces(rows) && !other && rows->columns <= LATL_EXACT_COLUMNS);
}

static int fit(lua_State *L)
{
  latL_Rows rows;
  const pca *p = check_fit(L, "pca:fit", &rows, 0);
  if (by_pieces(p, &rows)) {
    gathering g = gather(L, 1, NULL, 0, false);
    latL_eachpiece(L, &rows, 2, "pca:fit", false, &g, take);
    push_parameters(L, 1, g.fitted, "pca:fit");
    latL_publish(L, 1);
  } else {
    fit_matrix(L, p, &rows);
  }
  lua_settop(L, 1);
  return 1;
}

/* Moments of a matrix in memory are added in one call of the core, all or none, with no Lua code in
 * between: to the same memory, which is large. */
static int partial_fit(lua_State *L)
{
  latL_Rows rows;
  check_fit(L, "pca:partial_fit", &rows, latL_columnsbefore(L));
  const latL_Fitted *before = latL_pushfitted(L, 1);
  int at = lua_gettop(L);
  size_t D = before && before->statistics ? before->sizes[LAT_D] : 0;
  latL_checkcolumns(L, &rows, "pca:partial_fit", D);
  gathering g = gather(L, 1, before, at, latL_inpieces(&rows) || !exact(D));
  latL_eachpiece(L, &rows, 2, "pca:partial_fit", false, &g, take);
  latL_publish(L, 1);
  lua_settop(L, 1);
  return 1;
}

/* ---- what the model says of rows -------------------------------------------------- */

static const char *const out_option[] = {"out", NULL};

typedef enum image { TRANSFORM, RECONSTRUCT, INVERSE_TRANSFORM } image;

static int apply(lua_State *L, const char *who, image what)
{
  const latL_Fitted *f = latL_fitted(L, 1, &kind, who);
  bool whiten = ((const pca *)latL_owner(f))->whiten;
  lat_pca core = core_of(f);
  size_t from = what == INVERSE_TRANSFORM ? core.M : core.D;
  size_t to = what == TRANSFORM ? core.M : core.D;
  lua_settop(L, 3);
  latL_Query q = latL_checkquery(L, 2, who, what == INVERSE_TRANSFORM ? "Z" : "X", from);
  latL_checkoptions(L, 3, who, out_option);
  latL_Result Y = latL_queryresult(L, &q, 3, to, LAT_FLOAT64, LATL_APART);
  lat_pca_outputs outputs = {.latent = what == TRANSFORM ? &Y.view : NULL,
                             .reconstruction = what == RECONSTRUCT ? &Y.view : NULL};
  lat_workspace *work = latL_workspace(L);
  latL_call(L, who, work,
            what == INVERSE_TRANSFORM ? lat_pca_inverse(work, &core, whiten, &q.X, &Y.view)
                                      : lat_pca_apply(work, &core, whiten, &q.X, &outputs));
  latL_finish(L, who, &Y);
  return 1;
}

static int transform(lua_State *L)
{
  return apply(L, "pca:transform", TRANSFORM);
}

static int reconstruct(lua_State *L)
{
  return apply(L, "pca:reconstruct", RECONSTRUCT);
}

static int inverse_transform(lua_State *L)
{
  return apply(L, "pca:inverse_transform", INVERSE_TRANSFORM);
}

/* J = 1/N sum |x - x~|^2 */
static int distortion(lua_State *L)
{
  latL_nooptions(L, 3, "pca:distortion");
  lua_settop(L, 2);
  const latL_Fitted *f = latL_fitted(L, 1, &kind, "pca:distortion");
  bool whiten = ((const pca *)latL_owner(f))->whiten;
  lat_pca core = core_of(f);
  lat_matrix X = latL_checkquery(L, 2, "pca:distortion", "X", core.D).X;
  double J = 0;
  lat_workspace *work = latL_workspace(L);
  lat_pca_outputs outputs = {.distortion = &J};
  latL_call(L, "pca:distortion", work, lat_pca_apply(work, &core, whiten, &X, &outputs));
  lua_pushnumber(L, J);
  return 1;
}

static const luaL_Reg methods[] = {
    {"fit", fit},
    {"partial_fit", partial_fit},
    {"transform", transform},
    {"inverse_transform", inverse_transform},
    {"reconstruct", reconstruct},
    {"distortion", distortion},
    {NULL, NULL},
};

void latL_open_pca(lua_State *L)
{
  latL_newkind(L, &kind, methods);
  latL_savable(L, kind.metatable, latL_soundasread);
  lua_pushcfunction(L, new);
  lua_setfield(L, -2, "pca");
}
