/* factor_fit.c: fits of models with linear-Gaussian latent variables by the data's moments. */
#include <math.h>
#include <string.h>

#include "factor.h"

void *latL_beginfactorfit(lua_State *L, const latL_Kind *kind, const char *who)
{
  static const char *const options[] = {"weights",  "missing",     "on_iteration",
                                        "progress", "max_seconds", NULL};
  lua_settop(L, LATL_OPTIONS);
  void *model = latL_checkmodel(L, kind, who);
  latL_checkoptions(L, LATL_OPTIONS, who, options);
  latL_optfunction(L, who, "on_iteration");
  latL_optboolean(L, LATL_OPTIONS, who, "progress", false);
  latL_optnumber(L, LATL_OPTIONS, who, "max_seconds", 0, 0, HUGE_VAL);
  return model;
}

int latL_endfactorfit(lua_State *L, const char *who)
{
  const latL_Model *m = lua_touserdata(L, LATL_MODEL);
  lua_settop(L, LATL_OPTIONS);
  lua_settop(L, LATL_TOP);
  lua_getfield(L, LATL_MODEL, "history");
  size_t iterations = lua_rawlen(L, -1);
  lua_rawgeti(L, -1, (lua_Integer)iterations);
  double objective = lua_tonumber(L, -1);
  lua_settop(L, LATL_TOP);
  latL_makebar(L, who, m->kind->name, iterations);
  latL_drawbar(L, iterations, objective);
  latL_observe(L, iterations, objective, 1);
  lua_settop(L, LATL_MODEL);
  return 1;
}

bool latL_hasgaps(lua_State *L, const char *who)
{
  if (!latL_optboolean(L, LATL_OPTIONS, who, "missing", false)) return false;
  if (lua_type(L, LATL_DATA) == LUA_TFUNCTION) return true;
  lat_matrix X = latL_checkmatrix(L, LATL_DATA, who, "X")->view;
  for (size_t i = 0; i < X.rows; i++)
    for (size_t j = 0; j < X.cols; j++)
      if (isnan(lat_get(&X, i, j))) return true;
  return false;
}

lat_moments latL_momentsof(lua_State *L, latL_Rows *rows, const char *who)
{
  lat_moments moments = {0};
  const double *weights;
  lat_matrix X;
  int top = lua_gettop(L);
  lua_pushnil(L); /* the moments' place */
  latL_rewind(rows);
  while (latL_nextrows(L, rows, LATL_DATA, who, &X, &weights)) {
    if (!moments.mean) {
      if (X.cols > LATL_EXACT_COLUMNS)
        latL_error(L, who, "beyond %d columns this fit needs method = \"em\"", LATL_EXACT_COLUMNS);
      latL_Matrix *memory = latL_newmatrix(L, 1, lat_moments_count(X.cols), LAT_FLOAT64);
      lat_fill(&memory->view, 0);
      moments = lat_moments_of(memory->view.data, X.cols);
      lua_replace(L, top + 1);
    }
    lat_workspace *work = latL_workspace(L);
    lat_mark mark = lat_workspace_mark(work);
    lat_status status = lat_moments_add(work, &moments, &X, weights);
    if (status != LAT_OK) latL_failrows(L, rows, who, work, mark, status, false);
    lat_workspace_release(work, mark);
    lua_settop(L, top + 1);
  }
  return moments;
}

void latL_keeprecord(lua_State *L, int fitted, const char *method, size_t iterations,
                     bool converged, const double *history)
{
  static const char *const zeros[] = {"drops", "refused", "largest_drop", NULL};
  for (size_t i = 0; zeros[i]; i++) {
    lua_pushinteger(L, 0);
    latL_record(L, fitted, zeros[i]);
  }
  lua_pushinteger(L, (lua_Integer)iterations);
  latL_record(L, fitted, "iterations");
  lua_pushboolean(L, converged);
  latL_record(L, fitted, "converged");
  lua_pushstring(L, method);
  latL_record(L, fitted, "method");
  lua_createtable(L, (int)iterations, 0);
  for (size_t i = 0; i < iterations; i++) {
    lua_pushnumber(L, history[i]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  latL_record(L, fitted, "history");
}

void latL_keepstatistics(lua_State *L, int fitted, const lat_factor_model *model, double objective,
                         double weight)
{
  latL_Fitted *f = lua_touserdata(L, fitted);
  size_t count = lat_factor_statistics_count(model->D, model->M, false);
  lat_factor_statistics(model, objective, latL_newstatistics(L, fitted, count));
  f->seen = weight;
}

void latL_finishfactors(lua_State *L, latL_Run *run, int fitted, latL_Turner *turn)
{
  latL_Fitted *f = lua_touserdata(L, fitted);
  size_t D = f->sizes[LAT_D], M = f->sizes[LAT_M];
  bool missing = f->statistics && f->count == lat_factor_statistics_count(D, M, true) &&
                 (run->missing || f->count != lat_factor_statistics_count(D, M, false));
  lat_workspace *work = latL_workspace(L);
  latL_call(L, run->who, work, turn(work, f, missing));
  lua_pushliteral(L, "em");
  latL_record(L, fitted, "method");
}
