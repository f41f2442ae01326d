/* ica.c: latent.ica, independent component analysis. */
#include <math.h>
#include <string.h>

#include "model.h"

static const latL_Kind kind = {"ica", "latent.ICA", lat_ica_parameters, NULL};

static const char *const contrasts[] = {"logcosh", "exp", "cube", NULL};
static const char *const algorithms[] = {"auto", "fixed_point", "deflation", "quasi_newton", NULL};

typedef struct ica {
  latL_Model model;
  lat_ica_options options; /* `init` is set for a fit only: the matrix is in LATL_STATE */
} ica;

static lat_ica core_of(const ica *p)
{
  return lat_ica_of(p->model.flat, p->model.sizes[LAT_D], p->model.sizes[LAT_M]);
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
      (lat_ica_algorithm)latL_optword(L, 1, "ica", "algorithm", algorithms, LAT_ICA_AUTO);
  o->max_iterations =
      (size_t)latL_optinteger(L, 1, "ica", "max_iterations", 200, 1, LUA_MAXINTEGER);
  o->tolerance = latL_optnumber(L, 1, "ica", "tolerance", 1e-8, 0, HUGE_VAL);
  o->seed = (uint64_t)latL_optinteger(L, 1, "ica", "seed", 0, LUA_MININTEGER, LUA_MAXINTEGER);
  if (latL_getoption(L, 1, "init") != LUA_TNIL) {
    const latL_Matrix *init = latL_checkmatrix(L, lua_gettop(L), "ica", "init");
    latL_Matrix *copy = latL_newlike(L, init, LAT_FLOAT64);
    lat_copy(&init->view, &copy->view);
    lua_setiuservalue(L, 2, LATL_STATE);
  }
  lua_settop(L, 2);
  return 1;
}

/* ---- fitting -------------------------------------------------------------------- */

static void keep_number(lua_State *L, const char *name, double value)
{
  lua_pushnumber(L, value);
  latL_keep(L, 1, name);
}

/* The parameters, and the fields that say how the fit went; the history is at `history`. */
static void publish(lua_State *L, lat_ica_fit *fit, int history)
{
  const char *who = "ica:fit";
  size_t sizes[LAT_SIZES] = {[LAT_D] = fit->D, [LAT_M] = fit->M};
  double *flat = latL_newparameters(L, &kind, sizes);
  lat_mark mark = lat_workspace_mark(fit->work);
  latL_check(L, who, fit->work, mark, lat_ica_end(fit, flat));
  latL_adopt(L, 1, sizes);
  lat_ica core = lat_ica_of(flat, fit->D, fit->M);
  lua_pushvalue(L, history);
  latL_keep(L, 1, "history");
  lua_pushinteger(L, (lua_Integer)fit->iterations);
  latL_keep(L, 1, "iterations");
  lua_pushboolean(L, fit->converged);
  latL_keep(L, 1, "converged");
  lua_pushstring(L, algorithms[fit->algorithm]);
  latL_keep(L, 1, "algorithm");
  lua_pushboolean(L, lat_ica_identifiable(core.kurtosis, fit->M, fit->N));
  latL_keep(L, 1, "identifiable");
  keep_number(L, "objective", fit->objective);
  keep_number(L, "gradient", fit->gradient);
  keep_number(L, "change", fit->change);
}

/* on_iteration{iteration=, objective=, gradient=}; false ends the fit. */
static bool observed(lua_State *L, const lat_ica_fit *fit)
{
  if (latL_getoption(L, 3, "on_iteration") == LUA_TNIL) {
    lua_pop(L, 1);
    return true;
  }
  lua_createtable(L, 0, 3);
  lua_pushinteger(L, (lua_Integer)fit->iterations);
  lua_setfield(L, -2, "iteration");
  lua_pushnumber(L, fit->objective);
  lua_setfield(L, -2, "objective");
  lua_pushnumber(L, fit->gradient);
  lua_setfield(L, -2, "gradient");
  lua_call(L, 1, 1);
  bool go_on = !lua_isboolean(L, -1) || lua_toboolean(L, -1);
  lua_pop(L, 1);
  return go_on;
}

/* fit(X [, {on_iteration, max_seconds}]) -> the model */
static int fit(lua_State *L)
{
  static const char *const names[] = {"on_iteration", "max_seconds", NULL};
  const char *who = "ica:fit";
  lua_settop(L, 3);
  ica *p = latL_checkmodel(L, &kind, who, false);
  lat_matrix X = latL_checkmatrix(L, 2, who, "X")->view;
  latL_checkoptions(L, 3, who, names);
  int type = latL_getoption(L, 3, "on_iteration");
  if (type != LUA_TNIL && type != LUA_TFUNCTION)
    latL_error(L, who, "on_iteration must be a function, got %s", lua_typename(L, type));
  double seconds = latL_optnumber(L, 3, who, "max_seconds", HUGE_VAL, 0, HUGE_VAL);
  double end = lat_clock() + seconds;
  lua_getiuservalue(L, 1, LATL_STATE);
  const latL_Matrix *init = latL_tomatrix(L, -1);
  lat_ica_options options = p->options;
  options.init = init ? &init->view : NULL;
  lua_newtable(L);
  int history = lua_gettop(L);
  lat_workspace *work = latL_newworkspace(L);
  lat_mark mark = lat_workspace_mark(work);
  lat_ica_fit run;
  lat_status status = lat_ica_begin(&run, work, &X, &options);
  while (status == LAT_OK && !run.done && (run.iterations == 0 || lat_clock() < end)) {
    status = lat_ica_step(&run);
    if (status != LAT_OK) break;
    lua_pushnumber(L, run.objective);
    lua_rawseti(L, history, (lua_Integer)run.iterations);
    if (!observed(L, &run)) break;
  }
  if (status != LAT_OK) latL_check(L, who, work, mark, status);
  publish(L, &run, history);
  lat_workspace_done(work);
  lua_settop(L, 1);
  return 1;
}

/* ---- what the model says of rows -------------------------------------------------- */

static const char *const out_option[] = {"out", NULL};

/* The data at argument 2, whose rows have `D` numbers, and the result, N x `cols`, which is
 * pushed. A vector of D numbers is one row of data, and gives a vector. */
static latL_Matrix *data_and_result(lua_State *L, const char *who, const char *name, size_t D,
                                    size_t cols, lat_matrix *X)
{
  lua_settop(L, 3);
  const latL_Matrix *A = latL_checkmatrix(L, 2, who, name);
  latL_checkoptions(L, 3, who, out_option);
  *X = A->view;
  if (!(A->vector && A->view.rows == D && D > 1))
    return latL_result(L, 3, who, X->rows, cols, false, LAT_FLOAT64);
  *X = lat_transpose(A->view);
  return latL_result(L, 3, who, cols, 1, true, LAT_FLOAT64);
}

/* The result as the core fills it: rows. */
static lat_matrix rows_of(const latL_Matrix *Z)
{
  return Z->vector ? lat_transpose(Z->view) : Z->view;
}

static int transform(lua_State *L)
{
  const char *who = "ica:transform";
  lat_ica core = core_of(latL_checkmodel(L, &kind, who, true));
  lat_matrix X, S = rows_of(data_and_result(L, who, "X", core.D, core.M, &X));
  lat_workspace *work = latL_workspace(L);
  latL_check(L, who, work, lat_workspace_mark(work), lat_ica_transform(work, &core, &X, &S));
  return 1;
}

static int inverse_transform(lua_State *L)
{
  const char *who = "ica:inverse_transform";
  lat_ica core = core_of(latL_checkmodel(L, &kind, who, true));
  lat_matrix S, X = rows_of(data_and_result(L, who, "S", core.M, core.D, &S));
  lat_workspace *work = latL_workspace(L);
  latL_check(L, who, work, lat_workspace_mark(work), lat_ica_inverse(work, &core, &S, &X));
  return 1;
}

static lat_status rebuild(lat_workspace *work, const lat_ica *core, const lat_matrix *X,
                          const lat_matrix *Y)
{
  lat_matrix S = lat_matrix_new(work, X->rows, core->M);
  if (!S.data) return LAT_MEMORY;
  LAT_TRY(lat_ica_transform(work, core, X, &S));
  return lat_ica_inverse(work, core, &S, Y);
}

static int reconstruct(lua_State *L)
{
  const char *who = "ica:reconstruct";
  lat_ica core = core_of(latL_checkmodel(L, &kind, who, true));
  lat_matrix X, Y = rows_of(data_and_result(L, who, "X", core.D, core.D, &X));
  lat_workspace *work = latL_workspace(L);
  latL_check(L, who, work, lat_workspace_mark(work), rebuild(work, &core, &X, &Y));
  return 1;
}

/* Pushes log p(x) of each row. */
static lat_matrix push_log_likelihood(lua_State *L, const char *who)
{
  const ica *p = latL_checkmodel(L, &kind, who, true);
  lat_ica core = core_of(p);
  lua_settop(L, 2);
  const latL_Matrix *A = latL_checkmatrix(L, 2, who, "X");
  lat_matrix X =
      A->vector && A->view.rows == core.D && core.D > 1 ? lat_transpose(A->view) : A->view;
  lat_matrix values = latL_newvector(L, X.rows, LAT_FLOAT64)->view;
  lat_workspace *work = latL_workspace(L);
  latL_check(L, who, work, lat_workspace_mark(work),
             lat_ica_log_likelihood(work, &core, p->options.contrast, &X, &values));
  return values;
}

static int log_likelihood(lua_State *L)
{
  push_log_likelihood(L, "ica:log_likelihood");
  return 1;
}

static int score(lua_State *L)
{
  lat_matrix values = push_log_likelihood(L, "ica:score");
  double sum = 0;
  for (size_t i = 0; i < values.rows; i++) sum += lat_get(&values, i, 0);
  lua_pushnumber(L, sum / (double)values.rows);
  return 1;
}

/* sample(n [, {seed}]) -> rows, sources */
static int sample(lua_State *L)
{
  static const char *const names[] = {"seed", NULL};
  const char *who = "ica:sample";
  lua_settop(L, 3);
  const ica *p = latL_checkmodel(L, &kind, who, true);
  lat_ica core = core_of(p);
  size_t n = latL_checksize(L, 2, who, "n");
  latL_checkoptions(L, 3, who, names);
  latL_getoption(L, 3, "seed");
  lat_random *random = latL_checkrandom(L, lua_gettop(L), who);
  lat_matrix X = latL_newmatrix(L, n, core.D, LAT_FLOAT64)->view;
  lat_matrix S = latL_newmatrix(L, n, core.M, LAT_FLOAT64)->view;
  lat_workspace *work = latL_workspace(L);
  latL_check(L, who, work, lat_workspace_mark(work),
             lat_ica_sample(work, &core, p->options.contrast, random, &S, &X));
  return 2;
}

/* loaded(model): unmixing undoes mixing, and both have as many sources as the options say. */
static int check_loaded(lua_State *L)
{
  const ica *p = latL_checkmodel(L, &kind, "latent.load", true);
  lat_ica core = core_of(p);
  size_t asked = p->options.latent_dim;
  if (core.M < 1 || core.M > core.D || (asked && asked != core.M))
    latL_error(L, "latent.load", "mixing is %Ix%I, which latent_dim = %I doesn't fit",
               (lua_Integer)core.D, (lua_Integer)core.M, (lua_Integer)asked);
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
    {"fit", fit},
    {"transform", transform},
    {"inverse_transform", inverse_transform},
    {"reconstruct", reconstruct},
    {"log_likelihood", log_likelihood},
    {"score", score},
    {"sample", sample},
    {NULL, NULL},
};

void latL_open_ica(lua_State *L)
{
  latL_newkind(L, &kind, methods);
  latL_savable(L, "latent.ICA", check_loaded);
  lua_pushcfunction(L, new);
  lua_setfield(L, -2, "ica");
}
