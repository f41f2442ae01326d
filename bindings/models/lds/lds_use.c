/* lds_use.c: what a linear dynamical system says of a sequence. */
#include <math.h>
#include <string.h>

#include "models/lds/lds.h"

/* A call about one sequence: the model at 1, Y at 2, options at `options`. */
typedef struct call {
  const char *who;
  lat_lds core;
  lat_lds_sequence s;
  size_t M, D, T;
} call;

static const char *const inputs_option[] = {"inputs", NULL};

/* The model, for sequences as long as that of Y and `more` steps behind it. */
static call begin(lua_State *L, const char *who, int options, const char *const names[])
{
  call c = {.who = who};
  lua_settop(L, options);
  const latL_Fitted *f = latL_fitted(L, 1, &latL_lds_kind.base, who);
  latL_checkoptions(L, options, who, names);
  const size_t *sizes = f->sizes;
  if (latL_issequences(L, 2)) latL_error(L, who, "Y must be one matrix, got a list");
  c.s = latL_ldsdata(L, f, 2, options, who)->of[0];
  c.M = sizes[LAT_M];
  c.D = sizes[LAT_D];
  c.T = c.s.steps;
  latL_ldsfor(L, who, c.T, &c.core);
  return c;
}

/* Copies the fields of the table at `from` into the one on the top. */
static void copy_fields(lua_State *L, int from)
{
  int to = lua_gettop(L);
  for (lua_pushnil(L); lua_next(L, from);) {
    lua_pushvalue(L, -2);
    lua_insert(L, -2);
    lua_rawset(L, to);
  }
}

/* Lists of sequences give lists of results, of the model as it is now: calls `verb` for each. False for a
 * single one. */
static bool each(lua_State *L, lua_CFunction verb, const char *who)
{
  lua_settop(L, 3);
  latL_fitted(L, 1, &latL_lds_kind.base, who);
  if (!latL_issequences(L, 2)) return false;
  size_t n = latL_lengthoflist(L, 2);
  lua_createtable(L, (int)n, 0);
  bool driven = latL_getoption(L, 3, "inputs") == LUA_TTABLE;
  if (driven && latL_lengthoflist(L, 5) != n)
    latL_error(L, who, "inputs must be a list of %I matrices, one for each sequence",
               (lua_Integer)n);
  for (size_t i = 1; i <= n; i++) {
    lua_pushcfunction(L, verb);
    lua_pushvalue(L, 1);
    lua_geti(L, 2, (lua_Integer)i);
    lua_newtable(L);
    if (lua_istable(L, 3)) copy_fields(L, 3);
    if (driven) {
      lua_geti(L, 5, (lua_Integer)i);
      lua_setfield(L, -2, "inputs");
    }
    lua_call(L, 3, 1);
    lua_rawseti(L, 4, (lua_Integer)i);
  }
  lua_settop(L, 4);
  return true;
}

/* ---- results --------------------------------------------------------------------------------------- */

/* A field of the result at `result`: rows x cols, or a list of them. */
static double *new_matrix(lua_State *L, int result, const char *name, size_t rows, size_t cols)
{
  double *data = latL_newmatrix(L, rows, cols, LAT_FLOAT64)->view.data;
  lua_setfield(L, result, name);
  return data;
}

static double *new_vector(lua_State *L, int result, const char *name, size_t n)
{
  double *data = latL_newvector(L, n, LAT_FLOAT64)->view.data;
  lua_setfield(L, result, name);
  return data;
}

static double *new_matrices(lua_State *L, int result, const char *name, size_t n, size_t rows,
                            size_t cols)
{
  double *data = latL_newmatrices(L, n, rows, cols, 0);
  lua_setfield(L, result, name);
  return data;
}

/* A field of covariances whose slots are at `slots`. */
static double *new_covariances(lua_State *L, int result, const char *name, const call *c, int slots)
{
  double *data = latL_newmatrices(L, c->T, c->M, c->M, slots);
  lua_setfield(L, result, name);
  return data;
}

static void run_filter(lua_State *L, const call *c, lat_lds_filtered *to)
{
  lat_workspace *work = latL_workspace(L);
  latL_call(L, c->who, work, lat_lds_filter(work, &c->core, &c->s, to));
}

static void run_smoother(lua_State *L, const call *c, lat_lds_smoothed *to)
{
  lat_workspace *work = latL_workspace(L);
  latL_call(L, c->who, work, lat_lds_smooth(work, &c->core, &c->s, to));
}

/* ---- states ------------------------------------------------------------------------------------------ */

/* filter(Y [, {inputs}]) -> {means, covariances, predicted_means, predicted_covariances,
 * log_likelihood, skipped, diffuse} */
static int filter(lua_State *L)
{
  if (each(L, filter, "lds:filter")) return 1;
  call c = begin(L, "lds:filter", 3, inputs_option);
  size_t *slots = latL_newslots(L, c.T);
  int at = slots ? lua_gettop(L) : 0;
  lua_createtable(L, 0, 7);
  int result = lua_gettop(L);
  lat_lds_filtered to = {.means = new_matrix(L, result, "means", c.T, c.M),
                         .covariances = new_covariances(L, result, "covariances", &c, at),
                         .predicted_means = new_matrix(L, result, "predicted_means", c.T, c.M),
                         .predicted_covariances =
                             new_covariances(L, result, "predicted_covariances", &c, at),
                         .slots = slots};
  run_filter(L, &c, &to);
  lua_pushnumber(L, to.log_likelihood);
  lua_setfield(L, result, "log_likelihood");
  lua_pushinteger(L, (lua_Integer)to.skipped);
  lua_setfield(L, result, "skipped");
  lua_pushinteger(L, (lua_Integer)(to.diffuse > c.T ? c.T : to.diffuse));
  lua_setfield(L, result, "diffuse");
  return 1;
}

/* smooth(Y [, {inputs}]) -> {means, covariances, lag_covariances, log_likelihood} */
static int smooth(lua_State *L)
{
  if (each(L, smooth, "lds:smooth")) return 1;
  call c = begin(L, "lds:smooth", 3, inputs_option);
  lua_createtable(L, 0, 4);
  int result = lua_gettop(L);
  lat_lds_smoothed to = {.means = new_matrix(L, result, "means", c.T, c.M),
                         .covariances = new_matrices(L, result, "covariances", c.T, c.M, c.M),
                         .lag_covariances =
                             new_matrices(L, result, "lag_covariances", c.T, c.M, c.M)};
  run_smoother(L, &c, &to);
  lua_pushnumber(L, to.log_likelihood);
  lua_setfield(L, result, "log_likelihood");
  return 1;
}

/* transform(Y [, {inputs}]) -> smoothed means */
static int transform(lua_State *L)
{
  if (each(L, transform, "lds:transform")) return 1;
  call c = begin(L, "lds:transform", 3, inputs_option);
  lat_lds_smoothed to = {.means = latL_newmatrix(L, c.T, c.M, LAT_FLOAT64)->view.data};
  run_smoother(L, &c, &to);
  return 1;
}

/* ---- densities ----------------------------------------------------------------------------------------- */

/* log_likelihood(Y [, {inputs}]) -> vector: log p(y_t | those before) */
static int log_likelihood(lua_State *L)
{
  if (each(L, log_likelihood, "lds:log_likelihood")) return 1;
  call c = begin(L, "lds:log_likelihood", 3, inputs_option);
  lat_lds_filtered to = {.log_densities = latL_newvector(L, c.T, LAT_FLOAT64)->view.data};
  run_filter(L, &c, &to);
  return 1;
}

/* The sum over all rows of Y, one sequence or a list, of which there are `rows`. */
static double total(lua_State *L, double *rows)
{
  const char *who = latL_verb(L);
  lua_settop(L, 3);
  const latL_Fitted *f = latL_fitted(L, 1, &latL_lds_kind.base, who);
  latL_checkoptions(L, 3, who, inputs_option);
  const latL_Sequences *s = latL_ldsdata(L, f, 2, 3, who);
  size_t longest = 0;
  for (size_t i = 0; i < s->count; i++)
    if (s->of[i].steps > longest) longest = s->of[i].steps;
  call c = {.who = who};
  latL_ldsfor(L, who, longest, &c.core);
  double sum = 0;
  for (size_t i = 0; i < s->count; i++) {
    lat_lds_filtered to = {0};
    c.s = s->of[i];
    run_filter(L, &c, &to);
    sum += to.log_likelihood;
  }
  *rows = (double)s->rows;
  return sum;
}

/* Entries of parameter i that a fit chooses. */
static double count_free(const latL_Lds *m, const size_t sizes[LAT_SIZES], const bool estimate[],
                         int i)
{
  size_t n = sizes[lat_lds_parameters[i].shape[0]];
  size_t count = lat_parameter_count(lat_lds_parameters + i, sizes);
  const bool *fixed = m->core.fixed[i];
  lat_lds_structure shape = i == LAT_LDS_Q   ? m->core.Q_structure
                            : i == LAT_LDS_R ? m->core.R_structure
                                             : LAT_LDS_FULL;
  bool covariance = i == LAT_LDS_Q || i == LAT_LDS_R || i == LAT_LDS_COVARIANCE;
  double free = 0;
  if (!estimate[i]) return 0;
  if (shape == LAT_LDS_SCALAR) return 1;
  for (size_t k = 0; k < count; k++) {
    size_t row = k / (count / n), col = k % (count / n);
    if (covariance && col > row) continue;
    if (shape == LAT_LDS_DIAGONAL && col != row) continue;
    if (i >= LAT_LDS_MEAN && m->core.diffuse &&
        (m->core.diffuse[row] || (covariance && m->core.diffuse[col])))
      continue;
    free += !(fixed && fixed[k]);
  }
  return free;
}

/* Of a model whose states may be in any basis the choice of it makes no other model: M^2 less. */
static size_t free_parameters(lua_State *L)
{
  const latL_Fitted *f = latL_fitted(L, 1, &latL_lds_kind.base, latL_verb(L));
  const latL_Lds *m = latL_ldsof(f);
  bool estimate[LAT_LDS_PARAMETERS];
  static const int basis[] = {LAT_LDS_A, LAT_LDS_C, LAT_LDS_Q};
  size_t M = f->sizes[LAT_M];
  double sum = 0;
  bool any = m->core.Q_structure == LAT_LDS_FULL;
  latL_ldsestimates(m, f->sizes[LAT_U], estimate);
  for (int i = 0; i < LAT_LDS_PARAMETERS; i++) sum += count_free(m, f->sizes, estimate, i);
  for (size_t k = 0; k < 3; k++) any &= estimate[basis[k]] && !m->core.fixed[basis[k]];
  if (f->sizes[LAT_U] > 0) any &= estimate[LAT_LDS_B] && !m->core.fixed[LAT_LDS_B];
  if (!m->core.stationary)
    for (size_t i = 0; i < M; i++) any &= m->core.diffuse ? m->core.diffuse[i] : true;
  if (!m->core.stationary && !m->core.diffuse)
    any &= estimate[LAT_LDS_MEAN] && estimate[LAT_LDS_COVARIANCE] && !m->core.fixed[LAT_LDS_MEAN];
  return (size_t)(any ? sum - (double)(M * M) : sum);
}

const latL_Density latL_lds_density = {.free_parameters = free_parameters, .total = total};

/* ---- observations ------------------------------------------------------------------------------------------- */

/* innovations(Y [, {inputs}]) -> {innovations, variances, covariances, standardized} */
static int innovations(lua_State *L)
{
  if (each(L, innovations, "lds:innovations")) return 1;
  call c = begin(L, "lds:innovations", 3, inputs_option);
  lua_createtable(L, 0, 4);
  int result = lua_gettop(L);
  double *variances = new_matrix(L, result, "variances", c.T, c.D);
  double *standardized = new_matrix(L, result, "standardized", c.T, c.D);
  lat_lds_filtered to = {.innovations = new_matrix(L, result, "innovations", c.T, c.D),
                         .innovation_covariances =
                             new_matrices(L, result, "covariances", c.T, c.D, c.D),
                         .log_densities = new_vector(L, result, "log_likelihood", c.T)};
  run_filter(L, &c, &to);
  for (size_t t = 0; t < c.T; t++)
    for (size_t i = 0; i < c.D; i++) {
      double variance = to.innovation_covariances[(t * c.D + i) * c.D + i];
      variances[t * c.D + i] = variance;
      standardized[t * c.D + i] = to.innovations[t * c.D + i] / sqrt(variance);
    }
  return 1;
}

/* impute(Y [, {inputs, variance}]) -> Y without gaps [, variances] */
static int impute(lua_State *L)
{
  static const char *const names[] = {"inputs", "variance", NULL};
  if (each(L, impute, "lds:impute")) return 1;
  call c = begin(L, "lds:impute", 3, names);
  bool variance = latL_optboolean(L, 3, c.who, "variance", false);
  double *to = latL_newmatrix(L, c.T, c.D, LAT_FLOAT64)->view.data, *variances = NULL;
  if (variance) variances = latL_newmatrix(L, c.T, c.D, LAT_FLOAT64)->view.data;
  lat_workspace *work = latL_workspace(L);
  latL_call(L, c.who, work, lat_lds_impute(work, &c.core, &c.s, to, variances));
  return variance ? 2 : 1;
}

const luaL_Reg latL_lds_uses[] = {{"filter", filter},
                                  {"smooth", smooth},
                                  {"transform", transform},
                                  {"log_likelihood", log_likelihood},
                                  {"innovations", innovations},
                                  {"impute", impute},
                                  {NULL, NULL}};
