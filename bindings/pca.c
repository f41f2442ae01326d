/* pca.c: latent.pca, principal component analysis. */
#include <math.h>
#include <string.h>

#include "model.h"
#include "query.h"
#include "source.h"

static void refresh(lua_State *L, const char *who);
static const latL_Kind kind = {"pca", "latent.PCA", lat_pca_parameters, refresh,
                               LATL_GAPS_BY("ppca")};

static const char *const solvers[] = {"auto", "covariance", "gram", "randomized", NULL};

typedef struct pca {
  latL_Model model;
  lat_pca_options options;
  bool whiten;
  bool stale;      /* rows have been added since the parameters were computed */
  bool unfinished; /* a fit by chunks was left by an error: its state is not to be used */
  size_t D;        /* columns of the state; 0 before there is any */
  double *state;   /* moments or an incremental decomposition, in user value LATL_STATE */
} pca;

static lat_pca core_of(const pca *p)
{
  return lat_pca_of(p->model.flat, p->model.sizes[LAT_D], p->model.sizes[LAT_M]);
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

/* latent.pca [{latent_dim=, solver=, whiten=, standardize=, tolerance=, seed=}] */
static int new (lua_State *L)
{
  static const char *const names[] = {"latent_dim", "solver", "whiten", "standardize",
                                      "tolerance",  "seed",   NULL};
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
  return 1;
}

/* ---- fitting -------------------------------------------------------------------- */

/* Makes the D and M of `flat`, which lies in the workspace, the model's parameters. */
static void adopt(lua_State *L, const double *flat, size_t D, size_t M)
{
  size_t sizes[LAT_SIZES] = {[LAT_D] = D, [LAT_M] = M};
  double *to = latL_newparameters(L, &kind, sizes);
  memcpy(to, flat, lat_parameters_count(lat_pca_parameters, sizes) * sizeof *to);
  latL_adopt(L, 1, sizes);
}

/* The fields that every model has after a fit; the objective is the distortion J. */
static void keep_record(lua_State *L, const pca *p, const lat_pca_record *record)
{
  lat_pca core = core_of(p);
  double distortion = *core.total_variance;
  for (size_t i = 0; i < core.M; i++) distortion -= core.eigenvalues[i];
  lua_pushinteger(L, (lua_Integer)record->iterations);
  latL_keep(L, 1, "iterations");
  lua_pushstring(L, solvers[record->solver]);
  latL_keep(L, 1, "solver");
  lua_pushboolean(L, 1);
  latL_keep(L, 1, "converged");
  lua_createtable(L, 1, 0);
  lua_pushnumber(L, distortion > 0 ? distortion : 0);
  lua_rawseti(L, -2, 1);
  latL_keep(L, 1, "history");
  if (record->log_evidence) latL_keepevidence(L, record->log_evidence, record->dimensions);
}

static bool exact(const pca *p)
{
  return p->D <= LATL_EXACT_COLUMNS;
}

/* Makes the state for D columns. */
static void begin(lua_State *L, pca *p, size_t D)
{
  size_t M = p->options.latent_dim;
  if (D > LATL_EXACT_COLUMNS && (M == 0 || M > D || p->options.standardize))
    latL_error(L, "pca:partial_fit",
               "beyond %d columns a fit by chunks needs latent_dim as an integer and can't "
               "standardize",
               LATL_EXACT_COLUMNS);
  size_t count = D <= LATL_EXACT_COLUMNS ? lat_moments_count(D) : lat_incremental_count(D, M);
  latL_Matrix *state = latL_newmatrix(L, 1, count, LAT_FLOAT64);
  lat_fill(&state->view, 0);
  lua_setiuservalue(L, 1, LATL_STATE);
  p->state = state->view.data;
  p->D = D;
}

static lat_status take(lua_State *L, void *model, lat_workspace *work, const lat_matrix *X,
                       const double *weights)
{
  pca *p = model;
  if (p->D == 0) begin(L, p, X->cols);
  p->stale = true;
  if (exact(p)) {
    lat_moments moments = lat_moments_of(p->state, p->D);
    return lat_moments_add(work, &moments, X, weights);
  }
  if (weights)
    return lat_fail(work, LAT_INVALID, "weights are for up to %d columns", LATL_EXACT_COLUMNS);
  lat_incremental state = lat_incremental_of(p->state, p->D, p->options.latent_dim);
  return lat_incremental_add(work, &state, X);
}

/* Eigenvectors wait until somebody looks at them: chunks cost only their own share. */
static void refresh(lua_State *L, const char *who)
{
  pca *p = lua_touserdata(L, 1);
  if (!p->stale || p->unfinished) return;
  lat_workspace *work = latL_newworkspace(L);
  lat_mark mark = lat_workspace_mark(work);
  lat_pca_record record = {.solver = LAT_PCA_COVARIANCE, .iterations = 1};
  double *flat;
  size_t M;
  lat_status status;
  if (exact(p)) {
    lat_moments moments = lat_moments_of(p->state, p->D);
    status = lat_pca_from_moments(work, &moments, &p->options, &flat, &M, &record);
  } else {
    lat_incremental state = lat_incremental_of(p->state, p->D, p->options.latent_dim);
    status = lat_pca_from_incremental(work, &state, &flat, &M);
    record.solver = LAT_PCA_RANDOMIZED;
  }
  if (status == LAT_OK) {
    adopt(L, flat, p->D, M);
    keep_record(L, p, &record);
    p->stale = false;
  }
  latL_check(L, who, work, mark, status);
  lat_workspace_done(work);
  lua_pop(L, 1);
}

static pca *check_fit(lua_State *L, const char *who, latL_Rows *rows)
{
  static const char *const names[] = {"weights", NULL};
  lua_settop(L, 3);
  pca *p = latL_checkmodel(L, &kind, who, false);
  latL_checkoptions(L, 3, who, names);
  latL_checkrows(L, rows, 2, 3, who);
  return p;
}

static void fit_matrix(lua_State *L, pca *p, const latL_Rows *rows)
{
  lat_workspace *work = latL_newworkspace(L);
  lat_mark mark = lat_workspace_mark(work);
  lat_pca_record record;
  double *flat;
  size_t M;
  lat_status status = lat_pca_fit(work, &rows->X, rows->weights, &p->options, &flat, &M, &record);
  if (status == LAT_OK) {
    adopt(L, flat, rows->X.cols, M);
    keep_record(L, p, &record);
  }
  latL_check(L, "pca:fit", work, mark, status);
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
  pca *p = check_fit(L, "pca:fit", &rows);
  p->D = 0;
  p->stale = false;
  if (by_pieces(p, &rows)) {
    p->unfinished = true;
    latL_eachpiece(L, &rows, 2, "pca:fit", false, p, take);
    p->unfinished = false;
    refresh(L, "pca:fit");
  } else {
    fit_matrix(L, p, &rows);
  }
  lua_settop(L, 1);
  return 1;
}

static int partial_fit(lua_State *L)
{
  latL_Rows rows;
  pca *p = check_fit(L, "pca:partial_fit", &rows);
  if (p->unfinished) p->D = 0;
  p->unfinished = false;
  latL_checkcolumns(L, &rows, "pca:partial_fit", p->D);
  latL_eachpiece(L, &rows, 2, "pca:partial_fit", false, p, take);
  lua_settop(L, 1);
  return 1;
}

/* ---- what the model says of rows -------------------------------------------------- */

static const char *const out_option[] = {"out", NULL};

typedef enum image { TRANSFORM, RECONSTRUCT, INVERSE_TRANSFORM } image;

static int apply(lua_State *L, const char *who, image what)
{
  const pca *p = latL_checkmodel(L, &kind, who, true);
  lat_pca core = core_of(p);
  size_t from = what == INVERSE_TRANSFORM ? core.M : core.D;
  size_t to = what == TRANSFORM ? core.M : core.D;
  lua_settop(L, 3);
  latL_Query q = latL_checkquery(L, 2, who, what == INVERSE_TRANSFORM ? "Z" : "X", from);
  latL_checkoptions(L, 3, who, out_option);
  latL_Result Y = latL_queryresult(L, &q, 3, to, LAT_FLOAT64, LATL_APART);
  lat_pca_images images = {.latent = what == TRANSFORM ? &Y.view : NULL,
                           .reconstruction = what == RECONSTRUCT ? &Y.view : NULL};
  lat_workspace *work = latL_workspace(L);
  latL_call(L, who, work,
            what == INVERSE_TRANSFORM ? lat_pca_inverse(work, &core, p->whiten, &q.X, &Y.view)
                                      : lat_pca_apply(work, &core, p->whiten, &q.X, &images));
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
  const pca *p = latL_checkmodel(L, &kind, "pca:distortion", true);
  lat_pca core = core_of(p);
  lat_matrix X = latL_checkquery(L, 2, "pca:distortion", "X", core.D).X;
  double J = 0;
  lat_workspace *work = latL_workspace(L);
  lat_pca_images images = {.distortion = &J};
  latL_call(L, "pca:distortion", work, lat_pca_apply(work, &core, p->whiten, &X, &images));
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
