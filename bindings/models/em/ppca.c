/* ppca.c: latent.ppca, probabilistic PCA: making and fitting one. */
#include <math.h>
#include <string.h>

#include "model/em.h"
#include "models/em/factor.h"

typedef struct latL_Ppca {
  latL_EmModel em;
  size_t latent_dim;
  bool evidence; /* latent_dim = "mle": fit chooses */
  bool iterate;  /* method = "em" */
  bool limit;    /* noise_variance = 0 */
} latL_Ppca;

static const char *const methods_of_fit[] = {"closed_form", "em", NULL};

static void plan(lua_State *L, latL_Run *run);
static lat_status start(lua_State *L, latL_Run *run);
static void publish(lua_State *L, latL_Run *run, int fitted);
static void finish(lua_State *L, latL_Run *run, int fitted);

static const latL_EmKind kind = {.base = {.name = "ppca",
                                          .metatable = "latent.PPCA",
                                          .parameters = lat_ppca_parameters,
                                          .refresh = NULL,
                                          .gaps = LATL_KNOWS_GAPS},
                                 .missing = true,
                                 .plan = plan,
                                 .start = start,
                                 .publish = publish,
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
  static const char *const names_of_init[] = {"mean", "W", "noise_variance", NULL};
  static const char *const names[] = {"latent_dim", "method",        "noise_variance",
                                      "init",       LATL_EM_OPTIONS, NULL};
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
  latL_givefactors(L, "ppca", names_of_init, false, p->evidence, &p->latent_dim);
  return 1;
}

static lat_factor_model view(const latL_Fitted *f)
{
  return lat_ppca_of(f->flat, f->sizes[LAT_D], f->sizes[LAT_M]);
}

static const latL_FactorKind factors = {&kind.base, view, lat_ppca_free_parameters, NULL};

/* ---- EM -------------------------------------------------------------------------------------- */

/* What lies aside of a block is the shift, D numbers. Parameters without one (from a file, say, or
 * of the closed form) have statistics about their mean, or none. */
static void plan(lua_State *L, latL_Run *run)
{
  const latL_Ppca *p = run->model;
  const latL_Fitted *before = run->before;
  size_t D = run->sizes[LAT_D];
  lat_ppca_model *core = lat_allocate(run->work, 1, sizeof *core);
  double *shift = core ? lat_doubles(run->work, D) : NULL;
  if (!shift) latL_error(L, run->who, "%s", run->work->message);
  memset(shift, 0, D * sizeof *shift);
  if (before && before->sizes[LAT_D] == D)
    memcpy(shift, before->aside ? before->aside : view(before).mean, D * sizeof *shift);
  core->shift = shift;
  run->core = p->limit ? &lat_ppca_limit_kind : &lat_ppca_kind;
  run->context = core;
  run->sizes[LAT_M] = p->latent_dim;
  if (!p->evidence) return;
  if (!run->last)
    latL_error(L, run->who, "latent_dim = \"mle\" is chosen by fit, which comes first");
  run->sizes[LAT_M] = run->last->sizes[LAT_M];
}

static lat_status start(lua_State *L, latL_Run *run)
{
  const latL_Ppca *p = run->model;
  lat_matrix X = latL_sample(L, run);
  LAT_TRY(lat_ppca_start(run->work, &X, run->sample_weights, run->missing, p->limit,
                         run->sizes[LAT_M], run->seed, run->context, run->parameters));
  return latL_startgiven(L, run);
}

static void publish(lua_State *L, latL_Run *run, int fitted)
{
  const lat_ppca_model *core = run->context;
  size_t bytes = run->sizes[LAT_D] * sizeof(double);
  memcpy(latL_newaside(L, fitted, bytes), core->shift, bytes);
}

static lat_status turn(lat_workspace *work, latL_Fitted *f, bool missing)
{
  const latL_Ppca *p = (const latL_Ppca *)latL_owner(f);
  return lat_ppca_canonical(work, f->sizes[LAT_D], f->sizes[LAT_M], missing, p->limit, f->flat,
                            f->statistics);
}

static void finish(lua_State *L, latL_Run *run, int fitted)
{
  latL_finishfactors(L, run, fitted, turn);
}

/* ---- the closed form ------------------------------------------------------------------------- */

static int fit_closed_form(lua_State *L, const latL_Ppca *p)
{
  const char *who = "ppca:fit";
  latL_Rows rows;
  latL_checkrows(L, &rows, LATL_DATA, LATL_OPTIONS, who, 0);
  lat_workspace *work = latL_newworkspace(L);
  lat_moments moments = {0};
  /* a small matrix, or a wide one, is taken whole */
  bool pieces =
      rows.function || p->evidence || (latL_inpieces(&rows) && rows.columns <= LATL_EXACT_COLUMNS);
  if (pieces) moments = latL_momentsof(L, &rows, who);
  double objective,
      weight = pieces ? *moments.weight : latL_weight(rows.source.weights, rows.source.X.rows);
  double *log_evidence = NULL;
  size_t M = p->latent_dim, count = 0;
  latL_watch(L, work);
  lat_mark mark = lat_workspace_mark(work);
  if (p->evidence) { /* the M with the largest */
    lat_status status = lat_ppca_choose(work, &moments, &M, &log_evidence, &count);
    if (status != LAT_OK) latL_check(L, who, work, mark, status);
  }
  size_t sizes[LAT_SIZES] = {[LAT_D] = rows.columns, [LAT_M] = M};
  latL_Fitted *f = latL_newfitted(L, LATL_MODEL, sizes);
  int fitted = lua_gettop(L);
  if (log_evidence) latL_keepevidence(L, fitted, log_evidence, count);
  latL_watch(L, work);
  latL_check(L, who, work, mark,
             pieces
                 ? lat_ppca_from_moments(work, &moments, M, f->flat, &objective)
                 : lat_ppca_fit(work, &rows.source.X, rows.source.weights, M, f->flat, &objective));
  latL_keeprecord(L, fitted, "closed_form", 1, true, &objective);
  lat_factor_model core = view(f);
  latL_keepstatistics(L, fitted, &core, objective, weight);
  latL_publish(L, LATL_MODEL);
  lat_workspace_done(work);
  return latL_endfactorfit(L, who);
}

/* ---- verbs ----------------------------------------------------------------------------------- */

static int fit(lua_State *L)
{
  const latL_Ppca *p = latL_beginfactorfit(L, &kind.base, "ppca:fit");
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
  const latL_Fitted *f = latL_fitted(L, 1, &kind.base, "latent.load");
  const latL_Ppca *p = (const latL_Ppca *)latL_owner(f);
  lat_factor_model core = view(f);
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
