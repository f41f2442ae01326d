/* lds_draw.c: forecasts and draws of a linear dynamical system. */
#include <math.h>
#include <string.h>

#include "models/lds/lds.h"

static const latL_Fitted *check(lua_State *L, const char *who, const char *const names[])
{
  lua_settop(L, 3);
  const latL_Fitted *f = latL_fitted(L, 1, &latL_lds_kind.base, who);
  latL_checkoptions(L, 3, who, names);
  return f;
}

/* Pushes a vector or matrix of the option's rows, `rows` x inputs of the model; NULL for none. */
static const double *check_inputs(lua_State *L, const latL_Fitted *f, const char *who,
                                  const char *name, size_t rows)
{
  size_t U = f->sizes[LAT_U];
  bool given = latL_getoption(L, 3, name) != LUA_TNIL;
  if (given != (U > 0))
    latL_error(L, who, given ? "%s: the model has no inputs" : "%s are missing: the model has %I",
               name, (lua_Integer)U);
  if (!given) return NULL;
  const latL_Matrix *value = latL_checkmatrix(L, lua_gettop(L), who, name);
  lat_matrix from = value->view;
  if (value->vector && rows == 1 && U > 1) from = lat_transpose(from);
  if (from.rows != rows || from.cols != U)
    latL_error(L, who, "%s is a %s, it should be %Ix%I", name, latL_shape(L, value),
               (lua_Integer)rows, (lua_Integer)U);
  lat_matrix to = latL_newmatrix(L, rows, U, LAT_FLOAT64)->view;
  lat_copy(&from, &to);
  lat_workspace *work = latL_workspace(L);
  latL_call(L, who, work, lat_check_finite(work, name, &to, false));
  return to.data;
}

/* ---- forecasts -------------------------------------------------------------------------------------- */

/* The sequence with h missing rows behind it; pushes what keeps it. */
static lat_lds_sequence extend(lua_State *L, const lat_lds_sequence *s, size_t h, size_t D,
                               size_t U, const double *future)
{
  size_t T = s->steps;
  double *Y = latL_newmatrix(L, T + h, D, LAT_FLOAT64)->view.data, *inputs = NULL;
  memcpy(Y, s->Y, T * D * sizeof *Y);
  for (size_t i = T * D; i < (T + h) * D; i++) Y[i] = NAN;
  if (U > 0) {
    inputs = latL_newmatrix(L, T + h, U, LAT_FLOAT64)->view.data;
    memcpy(inputs, s->U, T * U * sizeof *inputs);
    memcpy(inputs + T * U, future, h * U * sizeof *inputs);
  }
  return (lat_lds_sequence){.steps = T + h, .Y = Y, .U = inputs};
}

/* A field of the result: the last h of `from`, rows or matrices. */
static void keep_rows(lua_State *L, int result, const char *name, const double *from, size_t h,
                      size_t cols)
{
  double *to = latL_newmatrix(L, h, cols, LAT_FLOAT64)->view.data;
  memcpy(to, from, h * cols * sizeof *to);
  lua_setfield(L, result, name);
}

static void keep_matrices(lua_State *L, int result, const char *name, const double *from, size_t h,
                          size_t n)
{
  memcpy(latL_newmatrices(L, h, n, n, 0), from, h * n * n * sizeof *from);
  lua_setfield(L, result, name);
}

/* forecast(Y, h [, {inputs, future_inputs}]) -> {means, covariances, state_means,
 * state_covariances} */
static int forecast(lua_State *L)
{
  static const char *const names[] = {"inputs", "future_inputs", NULL};
  const char *who = "lds:forecast";
  lua_settop(L, 4);
  lua_pushvalue(L, 3); /* the options to 3, as everywhere */
  lua_pushvalue(L, 4);
  lua_replace(L, 3);
  lua_replace(L, 4);
  size_t h = latL_checksize(L, 4, who, "h");
  const latL_Fitted *f = latL_fitted(L, 1, &latL_lds_kind.base, who);
  latL_checkoptions(L, 3, who, names);
  const size_t *sizes = f->sizes;
  size_t M = sizes[LAT_M], D = sizes[LAT_D], U = sizes[LAT_U];
  if (latL_issequences(L, 2)) latL_error(L, who, "Y must be one matrix, got a list");
  lat_lds_sequence s = latL_ldsdata(L, f, 2, 3, who)->of[0];
  const double *future = check_inputs(L, f, who, "future_inputs", h);
  size_t T = s.steps;
  lat_lds_sequence longer = extend(L, &s, h, D, U, future);
  lat_lds core;
  latL_ldsfor(L, who, T + h, &core);
  lat_lds_filtered all = {.means = latL_newmatrix(L, T + h, M, LAT_FLOAT64)->view.data,
                          .covariances = latL_newmatrix(L, T + h, M * M, LAT_FLOAT64)->view.data,
                          .innovation_covariances =
                              latL_newmatrix(L, T + h, D * D, LAT_FLOAT64)->view.data};
  lat_workspace *work = latL_workspace(L);
  latL_call(L, who, work, lat_lds_filter(work, &core, &longer, &all));
  lua_createtable(L, 0, 4);
  int result = lua_gettop(L);
  double *means = latL_newmatrix(L, h, D, LAT_FLOAT64)->view.data;
  lua_setfield(L, result, "means");
  memset(means, 0, h * D * sizeof *means);
  for (size_t t = T; t < T + h; t++) {
    lat_lds_add_input(D, lat_lds_at(core.C, t), M, all.means + t * M, means + (t - T) * D);
    if (U) lat_lds_add_input(D, lat_lds_at(core.D, t), U, longer.U + t * U, means + (t - T) * D);
  }
  keep_matrices(L, result, "covariances", all.innovation_covariances + T * D * D, h, D);
  keep_rows(L, result, "state_means", all.means + T * M, h, M);
  keep_matrices(L, result, "state_covariances", all.covariances + T * M * M, h, M);
  return 1;
}

/* ---- draws ---------------------------------------------------------------------------------------------- */

/* sample(T [, {seed, inputs}]) -> Y, Z */
static int sample(lua_State *L)
{
  static const char *const names[] = {"seed", "inputs", NULL};
  const char *who = "lds:sample";
  const latL_Fitted *f = check(L, who, names);
  size_t T = latL_checksize(L, 2, who, "T");
  const double *U = check_inputs(L, f, who, "inputs", T);
  latL_getoption(L, 3, "seed");
  lat_random *random = latL_checkrandom(L, lua_gettop(L), who);
  lat_lds core;
  latL_ldsfor(L, who, T, &core);
  double *Y = latL_newmatrix(L, T, core.outputs, LAT_FLOAT64)->view.data;
  double *Z = latL_newmatrix(L, T, core.states, LAT_FLOAT64)->view.data;
  lat_workspace *work = latL_workspace(L);
  latL_call(L, who, work, lat_lds_sample(work, &core, random, T, U, Y, Z));
  return 2;
}

/* simulate(Y [, {seed, draws, inputs}]) -> Z, or a list of them */
static int simulate(lua_State *L)
{
  static const char *const names[] = {"seed", "draws", "inputs", NULL};
  const char *who = "lds:simulate";
  const latL_Fitted *f = check(L, who, names);
  if (latL_issequences(L, 2)) latL_error(L, who, "Y must be one matrix, got a list");
  lua_Integer draws = latL_optinteger(L, 3, who, "draws", 0, 1, 1 << 24);
  lat_lds_sequence s = latL_ldsdata(L, f, 2, 3, who)->of[0];
  latL_getoption(L, 3, "seed");
  lat_random *random = latL_checkrandom(L, lua_gettop(L), who);
  lat_lds core;
  latL_ldsfor(L, who, s.steps, &core);
  double *Z = draws ? latL_newmatrices(L, (size_t)draws, s.steps, core.states, 0)
                    : latL_newmatrix(L, s.steps, core.states, LAT_FLOAT64)->view.data;
  lat_workspace *work = latL_workspace(L);
  latL_call(L, who, work, lat_lds_simulate(work, &core, &s, random, draws ? (size_t)draws : 1, Z));
  return 1;
}

const luaL_Reg latL_lds_draws[] = {
    {"forecast", forecast}, {"sample", sample}, {"simulate", simulate}, {NULL, NULL}};
