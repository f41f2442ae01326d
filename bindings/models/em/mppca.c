/* mppca.c: latent.mppca, mixtures of probabilistic PCA and of factor analysers: making and fitting
 * them. */
#include "models/em/mppca.h"

#include "model/given.h"

#include <math.h>
#include <string.h>

static const char *const noises[] = {"isotropic", "diagonal", NULL};

static void plan(lua_State *L, latL_Run *run);
static void finish(lua_State *L, latL_Run *run, int fitted);
static const latL_GmmForm form;
static const char *const fit_options[] = {"labels", NULL};

/* One kind for each noise: they differ in the shape of a parameter. */
#define KIND(table)                                                                                \
  {                                                                                                \
    .base = {"mppca", "latent.MPPCA", table, NULL, LATL_KNOWS_GAPS}, .missing = true,              \
    .fit_options = fit_options, .plan = plan, .start = latL_startgmm, .publish = latL_publishgmm,  \
    .finish = finish                                                                               \
  }
static const latL_EmKind kinds[] = {KIND(lat_mppca_isotropic), KIND(lat_mppca_diagonal)};

/* latent.mppca{components=, latent_dim=, noise=, init=, regularization=, ...} */
static int new (lua_State *L)
{
  static const char *const init_names[] = {"weights", "means", "W", "noise_variances", NULL};
  static const char *const names[] = {"components",     "latent_dim",    "noise", "init",
                                      "regularization", LATL_EM_OPTIONS, NULL};
  lua_settop(L, 1);
  latL_checkoptions(L, 1, "mppca", names);
  int noise = latL_optword(L, 1, "mppca", "noise", noises, 0);
  latL_Mppca *m = latL_newmodel(L, &kinds[noise].base, sizeof *m);
  latL_emoptions(L, 1, "mppca", &m->gmm.em, 1000, 1e-8, 1);
  m->latent_dim = (size_t)latL_optinteger(L, 1, "mppca", "latent_dim", 1, 0, 1 << 20);
  m->diagonal = noise == 1;
  m->gmm.core.regularization = latL_optnumber(L, 1, "mppca", "regularization", 0, 0, 1);
  m->gmm.one_scale = !m->diagonal;
  m->gmm.form = &form;
  latL_readinit(L, &m->gmm, "mppca", init_names);
  latL_givegmm(L, &m->gmm, "mppca", m->latent_dim ? m->latent_dim : LATL_NONE);
  return 1;
}

lat_mppca latL_mppcaof(const latL_Fitted *f)
{
  const latL_Mppca *m = (const latL_Mppca *)f->model;
  lat_mppca core = {.gmm = m->gmm.core, .M = f->sizes[LAT_M], .diagonal = m->diagonal};
  core.gmm.D = f->sizes[LAT_D];
  core.gmm.K = f->sizes[LAT_K];
  return core;
}

/* ---- a fit ---------------------------------------------------------------------------------------- */

static void plan(lua_State *L, latL_Run *run)
{
  const latL_Mppca *m = run->model;
  lat_mppca check = {.gmm = {.D = run->sizes[LAT_D]}, .M = m->latent_dim};
  lat_mppca *core = lat_allocate(run->work, 1, sizeof *core);
  if (!core || lat_mppca_check(run->work, &check) != LAT_OK)
    latL_error(L, run->who, "%s", run->work->message);
  *core = (lat_mppca){.gmm = latL_plangmm(L, run), .M = m->latent_dim, .diagonal = m->diagonal};
  run->core = lat_mppca_kind(core);
  run->context = core;
  run->sizes[LAT_K] = core->gmm.K;
  run->sizes[LAT_M] = m->latent_dim;
}

static lat_status from_labels(latL_Run *run, const lat_matrix *X, const uint32_t *labels)
{
  lat_matrix full = *X;
  LAT_TRY(latL_complete(run, &full));
  return lat_mppca_from_labels(run->work, run->context, &full, run->sample_weights, labels,
                               run->parameters);
}

static void from_means(latL_Run *run, const double *means)
{
  lat_mppca_start(run->context, means, run->parameters);
}

static void take_given(lua_State *L, latL_Run *run, int init)
{
  const lat_mppca *core = run->context;
  size_t D = core->gmm.D, K = core->gmm.K, M = core->M;
  lat_mppca_view to = lat_mppca_of(core, run->parameters);
  if (lua_getfield(L, init, "W") == LUA_TNIL)
    lua_pop(L, 1);
  else if (M == 0)
    latL_error(L, run->who, "latent_dim is 0, so there is no init.W");
  else
    latL_takelist(L, run, "init.W", K, D, M, to.W);
  if (lua_getfield(L, init, "noise_variances") == LUA_TNIL)
    lua_pop(L, 1);
  else
    latL_takegiven(L, run, "init.noise_variances", K, core->diagonal ? D : 1, to.noise);
}

static lat_status frame(lat_workspace *work, const latL_Fitted *f, double *shift, double *scale)
{
  lat_mppca core = latL_mppcaof(f);
  return lat_mppca_own_frame(work, &core, f->flat, shift, scale);
}

static lat_status reorder(lat_workspace *work, latL_Fitted *f, const size_t *order)
{
  lat_mppca core = latL_mppcaof(f);
  return lat_mppca_reorder(work, &core, order, f->flat, f->statistics);
}

static lat_status apply(lat_workspace *work, const latL_Fitted *f, const lat_matrix *X,
                        bool missing, const lat_gmm_images *images)
{
  lat_mppca core = latL_mppcaof(f);
  return lat_mppca_apply(work, &core, f->flat, X, missing, &(lat_mppca_images){.mixture = *images});
}

static size_t free_parameters(const latL_Fitted *f)
{
  lat_mppca core = latL_mppcaof(f);
  return lat_mppca_free_parameters(&core);
}

static const latL_GmmForm form = {.name = "mppca",
                                  .metatable = "latent.MPPCA",
                                  .apply = apply,
                                  .free_parameters = free_parameters,
                                  .labels = from_labels,
                                  .means = from_means,
                                  .given = take_given,
                                  .frame = frame,
                                  .reorder = reorder};

/* W, which EM leaves in any rotation, and what partial_fit goes on from with it; then the order. */
static void finish(lua_State *L, latL_Run *run, int fitted)
{
  latL_Fitted *f = lua_touserdata(L, fitted);
  lat_mppca core = latL_mppcaof(f);
  lat_workspace *work = latL_workspace(L);
  latL_call(L, run->who, work, lat_mppca_canonical(work, &core, f->flat, f->statistics));
  latL_finishgmm(L, run, fitted);
}

/* ---- verbs ------------------------------------------------------------------------------------------ */

/* The kind of the mixture at argument 1, for the driver. */
static const latL_EmKind *kind_of(lua_State *L)
{
  const latL_Mppca *m = luaL_testudata(L, 1, "latent.MPPCA");
  return &kinds[m && m->diagonal]; /* the driver raises */
}

static int fit(lua_State *L)
{
  return latL_fit(L, kind_of(L), "mppca:fit");
}

static int steps(lua_State *L)
{
  return latL_steps(L, kind_of(L), "mppca:steps");
}

static int partial_fit(lua_State *L)
{
  return latL_partial_fit(L, kind_of(L), "mppca:partial_fit");
}

/* loaded(model): its parameters, from a file, go with each other and with its options. */
static int check_loaded(lua_State *L)
{
  const latL_Fitted *f = latL_fitted(L, 1, &kinds[0].base, "latent.load");
  const latL_Mppca *m = (const latL_Mppca *)f->model;
  lat_mppca core = latL_mppcaof(f);
  size_t D = core.gmm.D, K = core.gmm.K, M = core.M;
  latL_checkcomponents(L, f, m->gmm.core.K);
  if (M != m->latent_dim || M >= D)
    latL_error(L, "latent.load", "W is of %Ix%I matrices, which latent_dim = %I doesn't fit",
               (lua_Integer)D, (lua_Integer)M, (lua_Integer)m->latent_dim);
  const double *noise = lat_mppca_of(&core, f->flat).noise;
  for (size_t i = 0; i < K * (core.diagonal ? D : 1); i++)
    if (!(noise[i] > 0)) latL_error(L, "latent.load", "a noise variance is %f", noise[i]);
  return 0;
}

static const luaL_Reg methods[] = {
    {"fit", fit}, {"steps", steps}, {"partial_fit", partial_fit}, {NULL, NULL}};

void latL_open_mppca(lua_State *L)
{
  latL_newkind(L, &kinds[0].base, methods);
  latL_addgmmverbs(L, &form, latL_mppca_uses);
  latL_savable(L, "latent.MPPCA", check_loaded);
  lua_pushcfunction(L, new);
  lua_setfield(L, -2, "mppca");
}
