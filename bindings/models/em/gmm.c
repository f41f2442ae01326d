/* gmm.c: latent.gmm, mixtures of Gaussians: making and fitting them. */
#include "models/em/gmm.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "matrix/linear/lapack.h"

/* In the order of lat_covariance. */
static const char *const covariances[] = {"full",      "diag",           "tied", "spherical",
                                          "tied_diag", "tied_spherical", NULL};
static void plan(lua_State *L, latL_Run *run);
static const latL_GmmForm form;
static const char *const fit_options[] = {"labels", NULL};

/* One kind for each covariance: they differ in the shape of a parameter. */
#define KIND(table)                                                                                \
  {                                                                                                \
    .base = {"gmm", "latent.GMM", table, NULL, LATL_KNOWS_GAPS}, .missing = true,                  \
    .fit_options = fit_options, .plan = plan, .start = latL_startgmm, .publish = latL_publishgmm,  \
    .finish = latL_finishgmm                                                                       \
  }
static const latL_EmKind kinds[] = {KIND(lat_gmm_full),      KIND(lat_gmm_diag),
                                    KIND(lat_gmm_tied),      KIND(lat_gmm_spherical),
                                    KIND(lat_gmm_tied_diag), KIND(lat_gmm_tied_spherical)};

/* ---- making one -------------------------------------------------------------------------------- */

/* latent.gmm{components=, covariance=, init=, regularization=, ...} */
static int new (lua_State *L)
{
  static const char *const init_names[] = {"weights", "means", "covariances", NULL};
  static const char *const names[] = {"components",     "covariance",    "init",
                                      "regularization", LATL_EM_OPTIONS, NULL};
  lua_settop(L, 1);
  latL_checkoptions(L, 1, "gmm", names);
  int covariance = latL_optword(L, 1, "gmm", "covariance", covariances, LAT_COVARIANCE_FULL);
  latL_Gmm *g = latL_newmodel(L, &kinds[covariance].base, sizeof *g);
  latL_emoptions(L, 1, "gmm", &g->em, 1000, 1e-8, 1);
  g->core.covariance = (lat_covariance)covariance;
  g->core.regularization = latL_optnumber(L, 1, "gmm", "regularization", 0, 0, 1);
  g->form = &form;
  latL_readinit(L, g, "gmm", init_names);
  latL_givegmm(L, g, "gmm", 0);
  return 1;
}

/* ---- a fit ---------------------------------------------------------------------------------------- */

static void plan(lua_State *L, latL_Run *run)
{
  lat_gmm *core = lat_allocate(run->work, 1, sizeof *core);
  if (!core) latL_error(L, run->who, "%s", run->work->message);
  *core = latL_plangmm(L, run);
  run->core = lat_gmm_kind(core->covariance);
  run->context = core;
  run->sizes[LAT_K] = core->K;
}

/* The parameters that labels make: one pass of the loop, in which densities aren't asked for. It has
 * the memory that the run is going to use. */
static lat_status from_labels(latL_Run *run, const lat_matrix *X, const uint32_t *labels)
{
  lat_gmm core = *(const lat_gmm *)run->context;
  core.labels = labels;
  core.labelled_only = true;
  lat_em em = run->em;
  em.model = &core;
  em.options = (lat_em_options){.max_iterations = 1, .missing = run->missing};
  memset(run->parameters, 0, run->em.count * sizeof(double));
  LAT_TRY(lat_em_begin(&em));
  LAT_TRY(lat_em_add(&em, X, run->sample_weights));
  return lat_em_end(&em);
}

static void from_means(latL_Run *run, const double *means)
{
  lat_gmm_start(run->context, means, run->parameters);
}

/* Raises unless each of `count` D x D matrices is symmetric. */
static void check_symmetric(lua_State *L, latL_Run *run, const char *what, size_t count, double *S)
{
  size_t D = run->sizes[LAT_D];
  for (size_t k = 0; k < count; k++) {
    char name[64];
    if (count > 1) snprintf(name, sizeof name, "%s[%zu]", what, k + 1);
    lat_matrix view = lat_matrix_of(S + k * D * D, D, D);
    if (lat_check_symmetric(run->work, count > 1 ? name : what, &view) != LAT_OK)
      latL_error(L, run->who, "%s", run->work->message);
  }
}

/* Pops a number. */
static void take_number(lua_State *L, latL_Run *run, const char *field, double *to)
{
  if (lua_type(L, -1) != LUA_TNUMBER)
    latL_error(L, run->who, "%s must be a number, got %s", field, luaL_typename(L, -1));
  *to = lua_tonumber(L, -1);
  if (!isfinite(*to)) latL_error(L, run->who, "%s must be finite, got %f", field, *to);
  lua_pop(L, 1);
}

static void take_given(lua_State *L, latL_Run *run, int init)
{
  static const char what[] = "init.covariances";
  const latL_Gmm *g = run->model;
  size_t D = run->sizes[LAT_D], K = g->core.K;
  double *to = run->parameters + K + K * D;
  if (lua_getfield(L, init, "covariances") == LUA_TNIL) return;
  switch (g->core.covariance) {
  case LAT_COVARIANCE_FULL:
    latL_takelist(L, run, what, K, D, D, to);
    check_symmetric(L, run, what, K, to);
    return;
  case LAT_COVARIANCE_DIAG:
    latL_takegiven(L, run, what, K, D, to);
    return;
  case LAT_COVARIANCE_TIED:
    latL_takegiven(L, run, what, D, D, to);
    check_symmetric(L, run, what, 1, to);
    return;
  case LAT_COVARIANCE_TIED_DIAG:
    latL_takegiven(L, run, what, 1, D, to);
    return;
  case LAT_COVARIANCE_TIED_SPHERICAL:
    take_number(L, run, what, to);
    return;
  default:
    latL_takegiven(L, run, what, K, 1, to);
  }
}

lat_gmm latL_gmmof(const latL_Fitted *f)
{
  lat_gmm core = ((const latL_Gmm *)f->model)->core;
  core.D = f->sizes[LAT_D];
  core.K = f->sizes[LAT_K];
  return core;
}

static lat_status reorder(lat_workspace *work, latL_Fitted *f, const size_t *order)
{
  lat_gmm core = latL_gmmof(f);
  return lat_gmm_reorder(work, &core, f->model->kind->parameters, f->sizes, order, f->flat,
                         f->statistics);
}

static lat_status frame(lat_workspace *work, const latL_Fitted *f, double *shift, double *scale)
{
  lat_gmm core = latL_gmmof(f);
  return lat_gmm_own_frame(work, core.covariance, core.D, core.K, f->flat, shift, scale);
}

lat_status latL_gmmframe(lat_workspace *work, const latL_Fitted *f, lat_gmm *core)
{
  *core = latL_gmmof(f);
  double *own = lat_doubles(work, 2 * core->D);
  if (!own) return LAT_MEMORY;
  core->shift = own;
  core->scale = own + core->D;
  return frame(work, f, own, own + core->D);
}

static lat_status apply(lat_workspace *work, const latL_Fitted *f, const lat_matrix *X,
                        bool missing, const lat_gmm_images *images)
{
  lat_gmm core;
  LAT_SCOPE(work);
  LAT_TRY(latL_gmmframe(work, f, &core));
  return lat_gmm_apply(work, &core, f->flat, X, missing, images);
}

static size_t free_parameters(const latL_Fitted *f)
{
  lat_gmm core = latL_gmmof(f);
  return lat_gmm_free_parameters(&core);
}

static const latL_GmmForm form = {.name = "gmm",
                                  .metatable = "latent.GMM",
                                  .apply = apply,
                                  .free_parameters = free_parameters,
                                  .labels = from_labels,
                                  .means = from_means,
                                  .given = take_given,
                                  .frame = frame,
                                  .reorder = reorder};

/* ---- verbs ------------------------------------------------------------------------------------------ */

/* The kind of the mixture at argument 1, for the driver. */
static const latL_EmKind *kind_of(lua_State *L)
{
  const latL_Gmm *g = luaL_testudata(L, 1, "latent.GMM");
  return &kinds[g ? g->core.covariance : 0]; /* the driver raises */
}

static int fit(lua_State *L)
{
  return latL_fit(L, kind_of(L), "gmm:fit");
}

static int steps(lua_State *L)
{
  return latL_steps(L, kind_of(L), "gmm:steps");
}

static int partial_fit(lua_State *L)
{
  return latL_partial_fit(L, kind_of(L), "gmm:partial_fit");
}

static const luaL_Reg methods[] = {
    {"fit", fit}, {"steps", steps}, {"partial_fit", partial_fit}, {NULL, NULL}};

static int loaded(lua_State *L)
{
  const char *who = "latent.load";
  const latL_Fitted *f = latL_fitted(L, 1, &kinds[0].base, who);
  const lat_gmm core = latL_gmmof(f);
  size_t K = core.K, D = core.D;
  latL_checkcomponents(L, f, ((const latL_Gmm *)f->model)->core.K);
  size_t count =
      core.covariance == LAT_COVARIANCE_FULL ? K : core.covariance == LAT_COVARIANCE_TIED;
  for (size_t k = 0; k < count; k++) {
    lat_matrix S = lat_matrix_of(f->flat + K + K * D + k * D * D, D, D);
    lat_workspace *work = latL_workspace(L);
    char name[40] = "covariances";
    if (core.covariance == LAT_COVARIANCE_FULL)
      snprintf(name, sizeof name, "covariances[%zu]", k + 1);
    latL_call(L, who, work, lat_check_symmetric(work, name, &S));
  }
  return 0;
}

void latL_open_gmm(lua_State *L)
{
  latL_newkind(L, &kinds[0].base, methods);
  latL_addgmmverbs(L, &form, latL_gmm_uses);
  latL_savable(L, "latent.GMM", loaded);
  lua_pushcfunction(L, new);
  lua_setfield(L, -2, "gmm");
}
