/* factor_fit.c: fits of models with linear-Gaussian latent variables by the data's moments. */
#include <math.h>
#include <string.h>

#include "model/given.h"
#include "models/em/factor.h"

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
  return latL_returnmodel(L);
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

/* ---- given parameters ------------------------------------------------------------------------ */

void latL_givefactors(lua_State *L, const char *who, const char *const names[], bool optional,
                      bool chosen, size_t *latent_dim)
{
  lua_settop(L, 2);
  int type = latL_getoption(L, 1, "init");
  if (type == LUA_TNIL) {
    lua_settop(L, 2);
    return;
  }
  if (type != LUA_TTABLE)
    latL_error(L, who, "init must be a table of parameters, got %s", luaL_typename(L, 3));
  latL_checkoptions(L, 3, who, names);
  bool said = !chosen && latL_getoption(L, 1, "latent_dim") != LUA_TNIL;
  size_t last = 0;
  for (; names[last + 1]; last++)
    if (!(said && *latent_dim == 0) && latL_getoption(L, 3, names[last]) == LUA_TNIL)
      latL_error(L, who, "init is without %s", names[last]);
  const char *const left_out[] = {optional ? names[last] : NULL, NULL};
  const size_t sizes[LAT_SIZES] = {[LAT_M] = !said ? 0 : *latent_dim ? *latent_dim : LATL_NONE};
  lua_settop(L, 3);
  latL_Fitted *f = latL_pushgiven(L, 2, 3, who, sizes, left_out);
  if (!f) latL_error(L, who, "init is without %s", names[last]);
  size_t D = f->sizes[LAT_D], M = f->sizes[LAT_M];
  if (M >= D)
    latL_error(L, who, "init.W is %Ix%I; there are fewer latent dimensions than columns",
               (lua_Integer)D, (lua_Integer)M);
  if (optional && latL_getoption(L, 3, names[last]) == LUA_TNIL) {
    double *Phi =
        lat_parameter_at(latL_parametersof(latL_owner(f)), f->sizes, f->flat, names[last]);
    for (size_t i = 0; i < M; i++) Phi[i * M + i] = 1;
  }
  lua_settop(L, 4);
  if (!chosen) {
    *latent_dim = M;
    latL_madewith(L, 2, "latent_dim", M);
  }
  latL_adoptgiven(L, 2, who);
  lua_settop(L, 2);
}

lat_status latL_startgiven(lua_State *L, latL_Run *run)
{
  const latL_Fitted *f = latL_given(L, LATL_MODEL, run->who, run->sizes[LAT_D]);
  if (!f || f->sizes[LAT_M] != run->sizes[LAT_M]) return LAT_OK;
  size_t count = lat_parameters_count(run->core->parameters, run->sizes);
  memcpy(run->parameters, f->flat, count * sizeof *run->parameters);
  return LAT_OK;
}
