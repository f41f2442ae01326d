/* ica.c: latent.ica, independent component analysis. Its fits are in ica_fit.c. */
#include "models/projection/ica.h"

#include <math.h>

#include "model/density.h"

const latL_Kind latL_icakind = {.name = "ica",
                                .metatable = "latent.ICA",
                                .parameters = lat_ica_parameters,
                                .refresh = NULL,
                                .gaps = LATL_GAPS_BY("fa")};
#define kind latL_icakind

static const char *const contrasts[] = {"logcosh", "exp", "cube", NULL};
const char *const latL_icaalgorithms[] = {"auto",         "fixed_point",        "deflation",
                                          "quasi_newton", "maximum_likelihood", NULL};

typedef latL_Ica ica;

static lat_ica core_of(const latL_Fitted *f)
{
  return lat_ica_of(f->flat, f->sizes[LAT_D], f->sizes[LAT_M]);
}

static const ica *model_of(const latL_Fitted *f)
{
  return (const ica *)latL_owner(f);
}

/* latent.ica [{latent_dim=, contrast=, algorithm=, init=, max_iterations=, tolerance=, seed=}] */
static int new (lua_State *L)
{
  static const char *const names[] = {"latent_dim",     "contrast",  "algorithm", "init",
                                      "max_iterations", "tolerance", "seed",      NULL};
  lua_settop(L, 1);
  latL_checkoptions(L, 1, "ica", names);
  ica *p = latL_newmodel(L, &kind, sizeof *p);
  lat_ica_options *o = &p->options;
  if (latL_getoption(L, 1, "latent_dim") != LUA_TNIL)
    o->latent_dim = latL_checksize(L, -1, "ica", "latent_dim");
  lua_pop(L, 1);
  o->contrast = (lat_ica_contrast)latL_optword(L, 1, "ica", "contrast", contrasts, LAT_ICA_LOGCOSH);
  o->algorithm =
      (lat_ica_algorithm)latL_optword(L, 1, "ica", "algorithm", latL_icaalgorithms, LAT_ICA_AUTO);
  o->max_iterations =
      (size_t)latL_optinteger(L, 1, "ica", "max_iterations", 200, 0, LUA_MAXINTEGER);
  o->tolerance = latL_optnumber(L, 1, "ica", "tolerance", 1e-8, 0, HUGE_VAL);
  o->seed = (uint64_t)latL_optinteger(L, 1, "ica", "seed", 0, LUA_MININTEGER, LUA_MAXINTEGER);
  if (latL_getoption(L, 1, "init") != LUA_TNIL) {
    const latL_Matrix *init = latL_checkmatrix(L, lua_gettop(L), "ica", "init");
    latL_Matrix *copy = latL_newlike(L, init, LAT_FLOAT64);
    lat_copy(&init->view, &copy->view);
    latL_keep(L, 2, LATL_ICA_INIT);
  }
  lua_settop(L, 2);
  return 1;
}

/* ---- what the model says of rows -------------------------------------------------- */

static const char *const out_option[] = {"out", NULL};

/* The data at argument 2, whose rows have `D` numbers, and the result, N x `cols`, which is pushed. */
static latL_Result data_and_result(lua_State *L, const char *who, const char *name, size_t D,
                                   size_t cols, lat_matrix *X)
{
  lua_settop(L, 3);
  latL_Query q = latL_checkquery(L, 2, who, name, D);
  latL_checkoptions(L, 3, who, out_option);
  *X = q.X;
  return latL_queryresult(L, &q, 3, cols, LAT_FLOAT64, LATL_APART);
}

static int transform(lua_State *L)
{
  const char *who = "ica:transform";
  lat_ica core = core_of(latL_fitted(L, 1, &kind, who));
  lat_matrix X;
  latL_Result S = data_and_result(L, who, "X", core.D, core.M, &X);
  lat_workspace *work = latL_workspace(L);
  latL_call(L, who, work, lat_ica_transform(work, &core, &X, &S.view));
  latL_finish(L, who, &S);
  return 1;
}

static int inverse_transform(lua_State *L)
{
  const char *who = "ica:inverse_transform";
  lat_ica core = core_of(latL_fitted(L, 1, &kind, who));
  lat_matrix S;
  latL_Result X = data_and_result(L, who, "S", core.M, core.D, &S);
  lat_workspace *work = latL_workspace(L);
  latL_call(L, who, work, lat_ica_inverse(work, &core, &S, &X.view));
  latL_finish(L, who, &X);
  return 1;
}

static lat_status rebuild(lat_workspace *work, const lat_ica *core, const lat_matrix *X,
                          const lat_matrix *Y)
{
  LAT_SCOPE(work);
  lat_matrix S = lat_matrix_new(work, X->rows, core->M);
  if (!S.data) return LAT_MEMORY;
  LAT_TRY(lat_ica_transform(work, core, X, &S));
  return lat_ica_inverse(work, core, &S, Y);
}

static int reconstruct(lua_State *L)
{
  const char *who = "ica:reconstruct";
  lat_ica core = core_of(latL_fitted(L, 1, &kind, who));
  lat_matrix X;
  latL_Result Y = data_and_result(L, who, "X", core.D, core.D, &X);
  lat_workspace *work = latL_workspace(L);
  latL_call(L, who, work, rebuild(work, &core, &X, &Y.view));
  latL_finish(L, who, &Y);
  return 1;
}

/* log_likelihood(X) -> vector */
static latL_Query log_likelihood(lua_State *L)
{
  static const char *const none[] = {NULL};
  const char *who = latL_verb(L);
  lua_settop(L, 3);
  const latL_Fitted *f = latL_fitted(L, 1, &kind, who);
  lat_ica core = core_of(f);
  latL_Query q = latL_checkquery(L, 2, who, "X", core.D);
  latL_checkoptions(L, 3, who, none);
  lat_matrix values = lat_vector_of(latL_querycolumn(L, &q), q.X.rows);
  lat_workspace *work = latL_workspace(L);
  latL_call(L, who, work,
            lat_ica_log_likelihood(work, &core, model_of(f)->options.contrast, &q.X, &values));
  return q;
}

static size_t free_parameters(lua_State *L)
{
  lat_ica core = core_of(latL_fitted(L, 1, &kind, latL_verb(L)));
  return lat_ica_free_parameters(&core);
}

/* sample(n [, {seed}]) -> rows, sources */
static int sample(lua_State *L)
{
  static const char *const names[] = {"seed", NULL};
  const char *who = "ica:sample";
  lua_settop(L, 3);
  const latL_Fitted *f = latL_fitted(L, 1, &kind, who);
  lat_ica core = core_of(f);
  size_t n = latL_checksize(L, 2, who, "n");
  latL_checkoptions(L, 3, who, names);
  latL_getoption(L, 3, "seed");
  lat_random *random = latL_checkrandom(L, lua_gettop(L), who);
  lat_matrix X = latL_newmatrix(L, n, core.D, LAT_FLOAT64)->view;
  lat_matrix S = latL_newmatrix(L, n, core.M, LAT_FLOAT64)->view;
  lat_workspace *work = latL_workspace(L);
  latL_call(L, who, work,
            lat_ica_sample(work, &core, model_of(f)->options.contrast, random, &S, &X));
  return 2;
}

/* loaded(model): unmixing undoes mixing, and both have as many sources as the options say. */
static int check_loaded(lua_State *L)
{
  const latL_Fitted *f = latL_fitted(L, 1, &kind, "latent.load");
  lat_ica core = core_of(f);
  size_t asked = model_of(f)->options.latent_dim;
  if (core.M < 1 || core.M > core.D || (asked && asked != core.M))
    latL_error(L, "latent.load", "mixing is %Ix%I, which latent_dim = %I doesn't fit",
               (lua_Integer)core.D, (lua_Integer)core.M, (lua_Integer)asked);
  for (size_t i = 0; i < core.M; i++)
    if (core.flat[i] != 0 && core.flat[i] != 1)
      latL_error(L, "latent.load", "flat[%I] is %f, neither 0 nor 1", (lua_Integer)i + 1,
                 core.flat[i]);
  for (size_t i = 0; i < core.M; i++)
    for (size_t k = 0; k < core.M; k++) {
      double sum = 0;
      for (size_t j = 0; j < core.D; j++)
        sum += core.unmixing[i * core.D + j] * core.mixing[j * core.M + k];
      if (!(fabs(sum - (i == k)) < 1e-6))
        latL_error(L, "latent.load", "unmixing * mixing isn't the identity");
    }
  return 0;
}

static const luaL_Reg methods[] = {
    {"fit", latL_icafit},
    {"steps", latL_icasteps},
    {"transform", transform},
    {"inverse_transform", inverse_transform},
    {"reconstruct", reconstruct},
    {"sample", sample},
    {NULL, NULL},
};

void latL_open_ica(lua_State *L)
{
  latL_open_icafit(L);
  static const latL_Density density = {.log_likelihood = log_likelihood,
                                       .free_parameters = free_parameters};
  latL_newkind(L, &kind, methods);
  latL_adddensity(L, kind.metatable, kind.name, NULL, &density);
  latL_savable(L, "latent.ICA", check_loaded);
  lua_pushcfunction(L, new);
  lua_setfield(L, -2, "ica");
}
