/* fa.c: latent.fa, factor analysis: what the core's description doesn't say. */
#include <math.h>

#include "model/fit.h"
#include "models/em/factor.h"

static void read_options(lua_State *L, int model, void *options)
{
  lat_fa_options *o = options;
  latL_readfactors(L, model, &o->latent_dim, &o->fit);
}

/* ---- the record ------------------------------------------------------------------------------ */

/* The field note, where the factors are too many for the columns. */
static void note_factors(lua_State *L, int fitted, const lat_fa *fa, long long degrees)
{
  size_t most = fa->M;
  while (most > 0 && lat_fa_degrees_of(fa->D, most) < 0) most--;
  lua_pushfstring(
      L,
      "%I factors are too many for %I columns (%I degrees of freedom): the likelihood has a "
      "whole set of maxima, of which this is one; with %I at the most there is one",
      (lua_Integer)fa->M, (lua_Integer)fa->D, (lua_Integer)degrees, (lua_Integer)most);
  latL_record(L, fitted, "note");
}

/* Whether the covariance has as many numbers as the model; uniquenesses, and the columns whose
 * noise is at its bound; and what the test needs, when there is a likelihood to test against. */
static void record(lua_State *L, int fitted)
{
  lat_fa fa = lat_fa_of(lua_touserdata(L, fitted));
  long long degrees = lat_fa_degrees_of_freedom(&fa);
  lua_pushinteger(L, (lua_Integer)degrees);
  latL_record(L, fitted, "degrees_of_freedom");
  lua_pushboolean(L, degrees >= 0);
  latL_record(L, fitted, "identifiable");
  if (degrees < 0) note_factors(L, fitted, &fa, degrees);
  double *u = latL_newvector(L, fa.D, LAT_FLOAT64)->view.data;
  latL_run(L, "fa", lat_fa_uniquenesses, &fa, u);
  lua_newtable(L);
  for (size_t j = 0, n = 0; j < fa.D; j++) {
    if (!lat_fa_is_heywood(&fa, u[j])) continue;
    lua_pushinteger(L, (lua_Integer)j + 1);
    lua_rawseti(L, -2, (lua_Integer)++n);
  }
  latL_record(L, fitted, "heywood");
  latL_record(L, fitted, "uniquenesses");
  if (isnan(fa.rows)) return;
  lua_pushnumber(L, fa.rows);
  latL_record(L, fitted, "rows");
  if (!isfinite(fa.discrepancy)) return;
  lua_pushnumber(L, fa.discrepancy);
  latL_record(L, fitted, "discrepancy");
}

/* ---- a fit to a covariance ------------------------------------------------------------------- */

/* Pushes the option `mean`, D numbers, or zeros. */
static const double *take_mean(lua_State *L, const char *who, int options, size_t D)
{
  double *mean = latL_newvector(L, D, LAT_FLOAT64)->view.data;
  lat_matrix to = lat_vector_of(mean, D);
  lat_fill(&to, 0);
  if (latL_getoption(L, options, "mean") != LUA_TNIL) {
    lat_matrix from = latL_checkvector(L, lua_gettop(L), who, "mean");
    if (from.rows != D)
      latL_error(L, who, "mean has %I numbers, S %I columns", (lua_Integer)from.rows,
                 (lua_Integer)D);
    lat_copy(&from, &to);
    latL_run(L, who, lat_check_finite, "mean", &to, false);
  }
  lua_pop(L, 1);
  return mean;
}

/* fit_covariance(S, N [, {mean}]) -> the model */
static int fit_covariance(lua_State *L)
{
  const char *who = latL_verb(L);
  lua_settop(L, 4);
  latL_Model *m = latL_checkmodel(L, latL_verbkind(L), who);
  const latL_Matrix *given = latL_checkmatrix(L, 2, who, "S");
  double rows = latL_checknumber(L, 3, who, "N");
  size_t D = given->view.rows;
  if (given->view.cols != D)
    latL_error(L, who, "S is a %s, a covariance is square", latL_shape(L, given));
  if (!(rows >= 2 && isfinite(rows)))
    latL_error(L, who, "N must be the number of rows, at least 2, got %f", rows);
  latL_checkoptions(L, 4, who, LATL_NAMES("mean"));
  lat_matrix S = latL_newmatrix(L, D, D, LAT_FLOAT64)->view;
  lat_copy(&given->view, &S);
  const double *mean = take_mean(L, who, 4, D), *history;
  lat_fitted made;
  lat_fit_report report;
  lat_workspace *work = latL_callworkspace(L);
  lat_mark mark = lat_workspace_mark(work);
  lat_status status =
      lat_fa_fitted_to(work, &S, rows, mean, latL_optionsof(m), &made, &report, &history);
  if (status != LAT_OK) latL_check(L, who, work, mark, status); /* else what was made stays */
  latL_pushmade(L, 1, &made, &report);
  latL_recordlist(L, -1, "history", history, report.iterations);
  latL_publish(L, 1);
  lua_pushvalue(L, 1);
  return 1;
}

/* ---- the test -------------------------------------------------------------------------------- */

/* A number that the fit has recorded (also one from a file), or NaN. */
static double recorded_number(lua_State *L, const char *name)
{
  latL_recorded(L, 1, name);
  double value = lua_type(L, -1) == LUA_TNUMBER ? lua_tonumber(L, -1) : (double)NAN;
  lua_pop(L, 1);
  return value;
}

static const latL_Field test_fields[] = {
    {"statistic", LATL_DOUBLE, offsetof(lat_fa_test_result, statistic)},
    {"p_value", LATL_DOUBLE, offsetof(lat_fa_test_result, p_value)},
    {.name = NULL}};

/* test() -> {statistic, degrees_of_freedom, p_value} */
static int test(lua_State *L)
{
  lat_request none;
  lat_fa_test_result result;
  lat_fa fa = lat_fa_of(latL_beginmethod(L, 1, 0, &none));
  fa.rows = recorded_number(L, "rows");
  fa.discrepancy = recorded_number(L, "discrepancy");
  latL_run(L, latL_verb(L), lat_fa_test, &fa, &result);
  lua_createtable(L, 0, 3);
  luaL_setmetatable(L, LATL_RESULTS);
  latL_setfields(L, test_fields, &result);
  lua_pushinteger(L, (lua_Integer)result.degrees_of_freedom);
  lua_setfield(L, -2, "degrees_of_freedom");
  return 1;
}

/* ---- the class ------------------------------------------------------------------------------- */

static const luaL_Reg methods[] = {
    LATL_FACTOR_METHODS, {"fit_covariance", fit_covariance}, {"test", test}, {NULL, NULL}};
const latL_Kind latL_fa_kind = {.name = "fa",
                                .metatable = "latent.FA",
                                .gaps = LATL_KNOWS_GAPS,
                                .core = &lat_fa_model,
                                .read = read_options,
                                .record = record,
                                .complete = record,
                                .methods = methods};
