/* fa.c: latent.fa, factor analysis. */
#include <math.h>
#include <string.h>

#include "model/em.h"
#include "model/given.h"
#include "models/em/factor.h"

typedef struct latL_Fa {
  latL_EmModel em;
  size_t latent_dim;
  bool iterate; /* method = "em" */
  lat_rotation rotation;
  double least; /* uniqueness */
} latL_Fa;

static const char *const methods_of_fit[] = {"profile", "em", NULL};
static const char *const rotations[] = {"none", "varimax", "promax", NULL};

static void plan(lua_State *L, latL_Run *run);
static lat_status start(lua_State *L, latL_Run *run);
static void publish(lua_State *L, latL_Run *run, int fitted);
static void finish(lua_State *L, latL_Run *run, int fitted);

static const latL_EmKind kind = {.base = {.name = "fa",
                                          .metatable = "latent.FA",
                                          .parameters = lat_fa_parameters,
                                          .refresh = NULL,
                                          .gaps = LATL_KNOWS_GAPS},
                                 .missing = true,
                                 .plan = plan,
                                 .start = start,
                                 .publish = publish,
                                 .finish = finish};

/* latent.fa{latent_dim=, method=, rotation=, least_uniqueness=, ...} */
static int new (lua_State *L)
{
  static const char *const names_of_init[] = {"mean", "W", "noise_variances", "factor_correlations",
                                              NULL};
  static const char *const names[] = {"latent_dim", "method",        "rotation", "least_uniqueness",
                                      "init",       LATL_EM_OPTIONS, NULL};
  lua_settop(L, 1);
  latL_checkoptions(L, 1, "fa", names);
  latL_Fa *p = latL_newmodel(L, &kind.base, sizeof *p);
  latL_emoptions(L, 1, "fa", &p->em, 10000, 1e-12, 1);
  p->em.options.accelerate = latL_optboolean(L, 1, "fa", "accelerate", true);
  p->latent_dim = (size_t)latL_optinteger(L, 1, "fa", "latent_dim", 1, 0, 1 << 20);
  p->iterate = latL_optword(L, 1, "fa", "method", methods_of_fit, 0) == 1;
  p->rotation = (lat_rotation)latL_optword(L, 1, "fa", "rotation", rotations, 0);
  p->least = latL_optnumber(L, 1, "fa", "least_uniqueness", 0.005, 1e-8, 0.5);
  latL_givefactors(L, "fa", names_of_init, true, false, &p->latent_dim);
  return 1;
}

static lat_factor_model view(const latL_Fitted *f)
{
  return lat_fa_of(f->flat, f->sizes[LAT_D], f->sizes[LAT_M]);
}

static const latL_FactorKind factors = {&kind.base, view, lat_fa_free_parameters, NULL};

/* ---- fields ---------------------------------------------------------------------------------- */

/* What lies aside of a block: what the statistics are about, and the bounds of Psi, D numbers each.
 */
static lat_fa_model bounds_of(double *aside, size_t D)
{
  return (lat_fa_model){aside, aside + D};
}

static double *new_bounds(lua_State *L, int fitted, size_t D)
{
  return latL_newaside(L, fitted, 2 * D * sizeof(double));
}

/* For parameters alone, from a file: their mean and variances are near the data's. */
static lat_status guess_bounds(lat_workspace *work, const latL_Fitted *f, double *aside)
{
  const latL_Fa *p = (const latL_Fa *)latL_owner(f);
  lat_factor_model m = view(f);
  lat_fa_model core = bounds_of(aside, m.D);
  lat_mark mark = lat_workspace_mark(work);
  lat_matrix C = lat_matrix_new(work, m.D, m.D);
  if (!C.data) return LAT_MEMORY;
  LAT_TRY(lat_factor_covariance(work, &m, &C));
  for (size_t j = 0; j < m.D; j++) {
    core.shift[j] = m.mean[j];
    core.least[j] = p->least * lat_get(&C, j, j);
  }
  lat_workspace_release(work, mark);
  return LAT_OK;
}

/* uniquenesses, the columns whose noise is at its bound, and whether the covariance has as many
 * numbers as the model. */
static void keep_uniquenesses(lua_State *L, int fitted)
{
  const latL_Fitted *f = lua_touserdata(L, fitted);
  const latL_Fa *p = (const latL_Fa *)latL_owner(f);
  lat_factor_model m = view(f);
  lat_fa_model core = bounds_of(f->aside, m.D);
  long long degrees = lat_fa_degrees_of_freedom(m.D, m.M);
  lua_pushinteger(L, (lua_Integer)degrees);
  latL_record(L, fitted, "degrees_of_freedom");
  lua_pushboolean(L, degrees >= 0);
  latL_record(L, fitted, "identifiable");
  double *u = latL_newvector(L, m.D, LAT_FLOAT64)->view.data;
  lua_newtable(L);
  for (size_t j = 0, n = 0; j < m.D; j++) {
    u[j] = p->least * (m.noise_variances[j] / core.least[j]);
    if (u[j] > p->least * (1 + 1e-6)) continue;
    lua_pushinteger(L, (lua_Integer)j + 1);
    lua_rawseti(L, -2, (lua_Integer)++n);
  }
  latL_record(L, fitted, "heywood");
  latL_record(L, fitted, "uniquenesses");
}

/* What the test needs, when there is a likelihood to test against. */
static void keep_test(lua_State *L, int fitted, double rows, double discrepancy)
{
  lua_pushnumber(L, rows);
  latL_record(L, fitted, "rows");
  if (!isfinite(discrepancy)) return;
  lua_pushnumber(L, discrepancy);
  latL_record(L, fitted, "discrepancy");
}

/* ---- EM -------------------------------------------------------------------------------------- */

static void plan(lua_State *L, latL_Run *run)
{
  const latL_Fa *p = run->model;
  const latL_Fitted *before = run->before;
  size_t D = run->sizes[LAT_D];
  lat_fa_model *core = lat_allocate(run->work, 1, sizeof *core);
  double *aside = core ? lat_doubles(run->work, 2 * D) : NULL;
  if (!aside) latL_error(L, run->who, "%s", run->work->message);
  memset(aside, 0, 2 * D * sizeof *aside);
  if (before && before->sizes[LAT_D] == D) memcpy(aside, before->aside, 2 * D * sizeof *aside);
  *core = bounds_of(aside, D);
  run->core = &lat_fa_kind;
  run->context = core;
  run->sizes[LAT_M] = p->latent_dim;
}

/* EM works with uncorrelated factors, W L with Phi = L L', and with noise above its bounds. */
static lat_status start_given(lua_State *L, latL_Run *run)
{
  const latL_Fitted *f = latL_given(L, LATL_MODEL, run->who, run->sizes[LAT_D]);
  if (!f) return LAT_OK;
  size_t D = run->sizes[LAT_D], M = run->sizes[LAT_M];
  const lat_fa_model *core = run->context;
  LAT_TRY(latL_startgiven(L, run));
  double *W = run->parameters + D, *noise = W + D * M, *Phi = noise + D;
  for (size_t j = 0; j < D; j++) noise[j] = fmax(noise[j], core->least[j]);
  if (M == 0) return LAT_OK;
  lat_matrix w = lat_matrix_of(W, D, M), phi = lat_matrix_of(Phi, M, M);
  LAT_SCOPE(run->work);
  lat_matrix root = lat_matrix_new(run->work, M, M), turned = lat_matrix_new(run->work, D, M);
  if (!root.data || !turned.data) return LAT_MEMORY;
  LAT_TRY(lat_cholesky(run->work, &phi, &root));
  LAT_TRY(lat_product(run->work, 1, &w, &root, 0, &turned));
  lat_copy(&turned, &w);
  for (size_t i = 0; i < M * M; i++) Phi[i] = i % (M + 1) == 0;
  return LAT_OK;
}

static lat_status start(lua_State *L, latL_Run *run)
{
  const latL_Fa *p = run->model;
  lat_matrix X = latL_sample(L, run);
  lat_fa_options options = {.M = p->latent_dim, .least = p->least, .seed = run->seed};
  LAT_TRY(lat_fa_start(run->work, &X, run->sample_weights, run->missing, &options, run->restart > 0,
                       run->context, run->parameters));
  return start_given(L, run);
}

static void publish(lua_State *L, latL_Run *run, int fitted)
{
  const lat_fa_model *core = run->context;
  size_t D = run->sizes[LAT_D];
  memcpy(new_bounds(L, fitted, D), core->shift, 2 * D * sizeof(double)); /* they lie together */
  keep_uniquenesses(L, fitted);
}

static lat_status turn(lat_workspace *work, latL_Fitted *f, bool missing)
{
  const latL_Fa *p = (const latL_Fa *)latL_owner(f);
  return lat_fa_rotate(work, f->sizes[LAT_D], f->sizes[LAT_M], p->rotation, missing, f->flat,
                       f->statistics);
}

static void finish(lua_State *L, latL_Run *run, int fitted)
{
  latL_finishfactors(L, run, fitted, turn);
}

/* ---- by the profile of the likelihood -------------------------------------------------------- */

/* From the mean and the covariance S (packed, D x D) of `rows` rows. */
static void fit_profile(lua_State *L, const latL_Fa *p, const char *who, size_t D,
                        const double *mean, double *S, double rows)
{
  enum { MOST = 10000 };
  size_t most = p->em.options.max_iterations < MOST ? p->em.options.max_iterations : MOST;
  lat_fa_options options = {.M = p->latent_dim,
                            .least = p->least,
                            .rotation = p->rotation,
                            .max_iterations = most,
                            .restarts = p->em.restarts,
                            .seed = p->em.seed};
  size_t sizes[LAT_SIZES] = {[LAT_D] = D, [LAT_M] = p->latent_dim};
  lat_fa_record record;
  lat_matrix covariance = lat_matrix_of(S, D, D);
  double *history = latL_newvector(L, most, LAT_FLOAT64)->view.data;
  latL_Fitted *f = latL_newfitted(L, LATL_MODEL, sizes);
  int fitted = lua_gettop(L);
  lat_fa_model core = bounds_of(new_bounds(L, fitted, D), D);
  lat_workspace *work = latL_workspace(L);
  latL_call(L, who, work,
            lat_fa_from_covariance(work, &covariance, mean, &options, f->flat, history, &record));
  lat_factor_model model = view(f);
  memcpy(core.shift, model.mean, D * sizeof *core.shift);
  for (size_t j = 0; j < D; j++) core.least[j] = p->least * S[j * D + j];
  latL_keeprecord(L, fitted, "profile", record.iterations, record.converged, history);
  keep_uniquenesses(L, fitted);
  keep_test(L, fitted, rows, record.discrepancy);
  latL_keepstatistics(L, fitted, &model, record.objective, rows);
  latL_publish(L, LATL_MODEL);
}

static int fit_moments(lua_State *L, const latL_Fa *p)
{
  const char *who = "fa:fit";
  latL_Rows rows;
  latL_checkrows(L, &rows, LATL_DATA, LATL_OPTIONS, who, 0);
  lat_moments moments = latL_momentsof(L, &rows, who);
  size_t D = moments.dimensions;
  if (rows.rows < 2) latL_error(L, who, "X has 1 row, and the covariance of one is 0");
  double *S = latL_newmatrix(L, D, D, LAT_FLOAT64)->view.data;
  lat_workspace *work = latL_workspace(L);
  latL_call(L, who, work, lat_check_spread_of_moments(work, LAT_SPREAD_EACH, &moments));
  lat_moments_covariance(&moments, S);
  fit_profile(L, p, who, D, moments.mean, S, *moments.weight);
  return latL_endfactorfit(L, who);
}

static int fit(lua_State *L)
{
  const latL_Fa *p = latL_beginfactorfit(L, &kind.base, "fa:fit");
  /* both methods begin alike */
  bool start = p->em.options.max_iterations == 0;
  if (p->iterate || start || latL_hasgaps(L, "fa:fit")) return latL_fit(L, &kind, "fa:fit");
  return fit_moments(L, p);
}

/* fit_covariance(S, N [, {mean}]) -> the model */
static int fit_covariance(lua_State *L)
{
  static const char *const names[] = {"mean", NULL};
  const char *who = "fa:fit_covariance";
  lua_settop(L, 4);
  const latL_Fa *p = latL_checkmodel(L, &kind.base, who);
  const latL_Matrix *given = latL_checkmatrix(L, 2, who, "S");
  double rows = latL_checknumber(L, 3, who, "N");
  size_t D = given->view.rows;
  if (given->view.cols != D)
    latL_error(L, who, "S is a %s, a covariance is square", latL_shape(L, given));
  if (!(rows >= 2 && isfinite(rows)))
    latL_error(L, who, "N must be the number of rows, at least 2, got %f", rows);
  latL_checkoptions(L, 4, who, names);
  double *S = latL_newmatrix(L, D, D, LAT_FLOAT64)->view.data;
  double *mean = latL_newvector(L, D, LAT_FLOAT64)->view.data;
  lat_matrix copy = lat_matrix_of(S, D, D), to = lat_vector_of(mean, D);
  lat_copy(&given->view, &copy);
  lat_fill(&to, 0);
  if (latL_getoption(L, 4, "mean") != LUA_TNIL) {
    lat_matrix from = latL_checkvector(L, lua_gettop(L), who, "mean");
    if (from.rows != D)
      latL_error(L, who, "mean has %I numbers, S %I columns", (lua_Integer)from.rows,
                 (lua_Integer)D);
    lat_copy(&from, &to);
    lat_workspace *work = latL_workspace(L);
    latL_call(L, who, work, lat_check_finite(work, "mean", &to, false));
  }
  fit_profile(L, p, who, D, mean, S, rows);
  lua_settop(L, 1);
  return 1;
}

static int steps(lua_State *L)
{
  return latL_steps(L, &kind, "fa:steps");
}

static int partial_fit(lua_State *L)
{
  return latL_partial_fit(L, &kind, "fa:partial_fit");
}

/* ---- the test -------------------------------------------------------------------------------- */

/* A number that the fit has recorded, or NaN. */
static double recorded_number(lua_State *L, const char *name)
{
  latL_recorded(L, 1, name);
  double value = lua_type(L, -1) == LUA_TNUMBER ? lua_tonumber(L, -1) : NAN;
  lua_pop(L, 1);
  return value;
}

/* test() -> {statistic, degrees_of_freedom, p_value} */
static int test(lua_State *L)
{
  const char *who = "fa:test";
  latL_nooptions(L, 2, who);
  lua_settop(L, 1);
  const latL_Fitted *fitted = latL_fitted(L, 1, &kind.base, who);
  size_t D = fitted->sizes[LAT_D], M = fitted->sizes[LAT_M];
  double rows = recorded_number(L, "rows"), f = recorded_number(L, "discrepancy");
  long long degrees = lat_fa_degrees_of_freedom(D, M);
  if (degrees <= 0)
    latL_error(L, who, "%I factors of %I columns leave %I degrees of freedom: nothing to test",
               (lua_Integer)M, (lua_Integer)D, (lua_Integer)degrees);
  if (isnan(rows))
    latL_error(L, who, "only a fit by method = \"profile\", without gaps, can be tested");
  if (isnan(f))
    latL_error(L, who,
               "the covariance is singular: the Gaussian it is tested against has no "
               "likelihood");
  double statistic = lat_fa_statistic(rows, D, M, f);
  lua_createtable(L, 0, 3);
  lua_pushnumber(L, statistic);
  lua_setfield(L, -2, "statistic");
  lua_pushinteger(L, (lua_Integer)degrees);
  lua_setfield(L, -2, "degrees_of_freedom");
  lua_pushnumber(L, lat_chi_square_upper((double)degrees, fmax(statistic, 0)));
  lua_setfield(L, -2, "p_value");
  return 1;
}

/* ---- from a file ----------------------------------------------------------------------------- */

/* Phi has a diagonal of ones, and all that is positive definite. */
static bool are_correlations(size_t M, const double *Phi)
{
  for (size_t i = 0; i < M; i++)
    for (size_t j = 0; j < M; j++)
      if (fabs(Phi[i * M + j] - Phi[j * M + i]) > 1e-9 ||
          (i == j && fabs(Phi[i * M + i] - 1) > 1e-9))
        return false;
  return true;
}

/* loaded(model): its parameters, from a file, go with its options and each other. */
static int check_loaded(lua_State *L)
{
  const char *who = "latent.load";
  const latL_Fitted *f = latL_fitted(L, 1, &kind.base, who);
  const latL_Fa *p = (const latL_Fa *)latL_owner(f);
  lat_factor_model m = view(f);
  if (m.M != p->latent_dim || m.M >= m.D)
    latL_error(L, who, "W is %Ix%I, which latent_dim = %I doesn't fit", (lua_Integer)m.D,
               (lua_Integer)m.M, (lua_Integer)p->latent_dim);
  for (size_t j = 0; j < m.D; j++)
    if (!(m.noise_variances[j] > 0))
      latL_error(L, who, "noise_variances[%I] is %f", (lua_Integer)j + 1, m.noise_variances[j]);
  lat_workspace *work = latL_workspace(L);
  lat_mark mark = lat_workspace_mark(work);
  if (m.correlations) {
    lat_matrix Phi = lat_matrix_of((double *)m.correlations, m.M, m.M);
    lat_matrix root = lat_matrix_new(work, m.M, m.M);
    lat_status status = root.data ? LAT_OK : LAT_MEMORY;
    if (status == LAT_OK && are_correlations(m.M, m.correlations))
      status = lat_cholesky(work, &Phi, &root);
    else if (status == LAT_OK)
      status = lat_fail(work, LAT_INVALID, "factor_correlations are none");
    latL_check(L, who, work, mark, status);
  }
  double *aside = new_bounds(L, 1, m.D); /* nobody else has a model that is being loaded */
  latL_call(L, who, work, guess_bounds(work, f, aside));
  keep_uniquenesses(L, 1);
  return 0;
}

static const luaL_Reg methods[] = {{"fit", fit},     {"fit_covariance", fit_covariance},
                                   {"steps", steps}, {"partial_fit", partial_fit},
                                   {"test", test},   {NULL, NULL}};

void latL_open_fa(lua_State *L)
{
  latL_newkind(L, &kind.base, methods);
  latL_addfactorverbs(L, &factors);
  latL_savable(L, "latent.FA", check_loaded);
  lua_pushcfunction(L, new);
  lua_setfield(L, -2, "fa");
}
