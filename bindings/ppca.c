/* ppca.c: latent.ppca, probabilistic PCA: making and fitting one. */
#include <math.h>
#include <string.h>

#include "em.h"
#include "factor.h"

typedef struct latL_Ppca {
  latL_EmModel em;
  size_t latent_dim;
  bool evidence; /* latent_dim = "mle": fit chooses */
  bool iterate;  /* method = "em" */
  bool limit;    /* noise_variance = 0 */
  lat_ppca_model core;
} latL_Ppca;

static const char *const methods_of_fit[] = {"closed_form", "em", NULL};

static const char SHIFT[] = "(shift)"; /* a kept field that isn't the user's */

static void plan(lua_State *L, latL_Run *run);
static lat_status start(lua_State *L, latL_Run *run);
static void finish(lua_State *L, latL_Run *run);

static const latL_EmKind kind = {
    .base = {"ppca", "latent.PPCA", lat_ppca_parameters, NULL, LATL_KNOWS_GAPS},
    .missing = true,
    .plan = plan,
    .start = start,
    .finish = finish};

/* noise_variance: 0, or nothing, which has it estimated */
static bool read_limit(lua_State *L)
{
  bool limit = latL_getoption(L, 1, "noise_variance") != LUA_TNIL;
  if (limit && latL_checknumber(L, -1, "ppca", "noise_variance") != 0)
    latL_error(L, "ppca",
               "noise_variance must be 0, the limit in which EM does PCA, or be left out");
  lua_pop(L, 1);
  return limit;
}

/* latent.ppca{latent_dim=, method=, noise_variance=, ...} */
static int new (lua_State *L)
{
  static const char *const names[] = {"latent_dim", "method", "noise_variance", LATL_EM_OPTIONS,
                                      NULL};
  lua_settop(L, 1);
  latL_checkoptions(L, 1, "ppca", names);
  latL_Ppca *p = latL_newmodel(L, &kind.base, sizeof *p);
  latL_emoptions(L, 1, "ppca", &p->em, 10000, 1e-13, 1);
  p->evidence = latL_asksevidence(L, 1);
  if (!p->evidence)
    p->latent_dim = (size_t)latL_optinteger(L, 1, "ppca", "latent_dim", 1, 0, 1 << 20);
  p->limit = read_limit(L);
  p->iterate = latL_optword(L, 1, "ppca", "method", methods_of_fit, p->limit) == 1;
  if (p->limit && !p->iterate)
    latL_error(L, "ppca",
               "noise_variance = 0 needs method = \"em\"; its closed form is latent.pca");
  if (p->evidence && p->iterate)
    latL_error(L, "ppca", "latent_dim = \"mle\" needs method = \"closed_form\"");
  return 1;
}

static lat_factor_model view(const latL_Model *m)
{
  return lat_ppca_of(m->flat, m->sizes[LAT_D], m->sizes[LAT_M]);
}

static const latL_FactorKind factors = {&kind.base, view, lat_ppca_free_parameters, NULL};

/* ---- EM ------------------------------------------------------------------------------------------ */

static double *make_shift(lua_State *L, latL_Ppca *p, size_t D)
{
  p->core.shift = latL_newvector(L, D, LAT_FLOAT64)->view.data;
  memset(p->core.shift, 0, D * sizeof *p->core.shift);
  latL_keep(L, LATL_MODEL, SHIFT);
  return p->core.shift;
}

static void plan(lua_State *L, latL_Run *run)
{
  latL_Ppca *p = run->model;
  run->core = p->limit ? &lat_ppca_limit_kind : &lat_ppca_kind;
  run->context = &p->core;
  run->sizes[LAT_M] = p->evidence ? p->em.base.sizes[LAT_M] : p->latent_dim;
  if (p->evidence && !p->em.base.flat)
    latL_error(L, run->who, "latent_dim = \"mle\" is chosen by fit, which comes first");
  if (p->core.shift) return;
  double *shift = make_shift(L, p, run->sizes[LAT_D]);
  /* parameters without statistics, from a file, say: their mean is near the data's */
  if (p->em.base.flat && p->em.base.sizes[LAT_D] == run->sizes[LAT_D])
    memcpy(shift, p->em.base.flat, run->sizes[LAT_D] * sizeof *shift);
}

static lat_status start(lua_State *L, latL_Run *run)
{
  latL_Ppca *p = run->model;
  lat_matrix X = latL_sample(L, run);
  p->em.seen = 0; /* old statistics are about the old shift */
  make_shift(L, p, run->sizes[LAT_D]);
  return lat_ppca_start(run->work, &X, run->sample_weights, run->missing, p->limit,
                        run->sizes[LAT_M], run->seed, &p->core, run->parameters);
}

static lat_status turn(lat_workspace *work, const void *model, bool missing, double *parameters,
                       double *statistics)
{
  const latL_Ppca *p = model;
  const size_t *sizes = p->em.base.sizes;
  return lat_ppca_canonical(work, sizes[LAT_D], sizes[LAT_M], missing, p->limit, parameters,
                            statistics);
}

static void finish(lua_State *L, latL_Run *run)
{
  latL_finishfactors(L, run, turn);
}

/* ---- the closed form ---------------------------------------------------------------------------- */

/* The M with the largest evidence; the field log_evidence. */
static size_t choose(lua_State *L, const char *who, const lat_moments *moments)
{
  double *log_evidence;
  size_t M, count;
  lat_workspace *work = latL_workspace(L);
  lat_mark mark = lat_workspace_mark(work);
  latL_check(L, who, work, mark, lat_ppca_choose(work, moments, &M, &log_evidence, &count));
  latL_keepevidence(L, log_evidence, count);
  lat_workspace_release(work, mark);
  return M;
}

static int fit_closed_form(lua_State *L, latL_Ppca *p)
{
  const char *who = "ppca:fit";
  latL_Rows rows;
  latL_checkrows(L, &rows, LATL_DATA, LATL_OPTIONS, who);
  lat_workspace *work = latL_newworkspace(L);
  lat_moments moments = {0};
  /* a small matrix, or a wide one, is taken whole */
  bool pieces =
      rows.function || p->evidence || (latL_inpieces(&rows) && rows.columns <= LATL_EXACT_COLUMNS);
  if (pieces) moments = latL_momentsof(L, &rows, who);
  size_t M = p->evidence ? choose(L, who, &moments) : p->latent_dim;
  size_t sizes[LAT_SIZES] = {[LAT_D] = rows.columns, [LAT_M] = M};
  double objective, weight = pieces ? *moments.weight : (double)rows.X.rows;
  for (size_t i = 0; !pieces && rows.weights && i < rows.X.rows; i++)
    weight += rows.weights[i] - 1; /* from N to the sum of weights */
  double *parameters = latL_newparameters(L, &kind.base, sizes);
  latL_workspace(L);
  latL_call(L, who, work,
            pieces ? lat_ppca_from_moments(work, &moments, M, parameters, &objective)
                   : lat_ppca_fit(work, &rows.X, rows.weights, M, parameters, &objective));
  latL_adopt(L, LATL_MODEL, sizes);
  latL_keeprecord(L, "closed_form", 1, true, &objective);
  lat_factor_model core = view(&p->em.base);
  latL_keepstatistics(L, &p->em, &core, objective, weight, make_shift(L, p, core.D));
  lat_workspace_done(work);
  return latL_endfactorfit(L, who);
}

/* ---- verbs ------------------------------------------------------------------------------------------ */

static int fit(lua_State *L)
{
  latL_Ppca *p = latL_beginfactorfit(L, &kind.base, "ppca:fit");
  bool gaps = !p->iterate && latL_hasgaps(L, "ppca:fit");
  if (gaps && p->evidence)
    latL_error(L, "ppca:fit",
               "latent_dim = \"mle\" is for data without missing entries: it takes "
               "the eigenvalues of their covariance");
  if (p->iterate || gaps) return latL_fit(L, &kind, "ppca:fit");
  return fit_closed_form(L, p);
}

static int steps(lua_State *L)
{
  return latL_steps(L, &kind, "ppca:steps");
}

static int partial_fit(lua_State *L)
{
  return latL_partial_fit(L, &kind, "ppca:partial_fit");
}

/* loaded(model): its parameters, from a file, go with its options. */
static int check_loaded(lua_State *L)
{
  const latL_Ppca *p = latL_checkmodel(L, &kind.base, "latent.load", true);
  lat_factor_model core = view(&p->em.base);
  if ((!p->evidence && core.M != p->latent_dim) || core.M >= core.D)
    latL_error(L, "latent.load", "W is %Ix%I, which latent_dim = %I doesn't fit",
               (lua_Integer)core.D, (lua_Integer)core.M, (lua_Integer)p->latent_dim);
  if (p->limit ? *core.noise_variances != 0 : !(*core.noise_variances > 0))
    latL_error(L, "latent.load", "noise_variance is %f", *core.noise_variances);
  return 0;
}

static const luaL_Reg methods[] = {
    {"fit", fit}, {"steps", steps}, {"partial_fit", partial_fit}, {NULL, NULL}};

void latL_open_ppca(lua_State *L)
{
  latL_newkind(L, &kind.base, methods);
  latL_addfactorverbs(L, &factors);
  latL_savable(L, "latent.PPCA", check_loaded);
  lua_pushcfunction(L, new);
  lua_setfield(L, -2, "ppca");
}
