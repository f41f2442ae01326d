/* density.c: log_likelihood, score, free_parameters, aic and bic. */
#include "model/density.h"

#include <math.h>

/* Behind the upvalues of latL_addverbs. */
static const latL_Density *density_of(lua_State *L)
{
  return lua_touserdata(L, lua_upvalueindex(3));
}

static int log_likelihood(lua_State *L)
{
  latL_Query q = density_of(L)->log_likelihood(L);
  return latL_querynumbers(L, &q, 1);
}

/* The sum over the rows, of which there are `rows`. */
static double total(lua_State *L, double *rows)
{
  const latL_Density *density = density_of(L);
  if (density->total) return density->total(L, rows);
  density->log_likelihood(L);
  lat_matrix values = latL_tomatrix(L, -1)->view;
  double sum = 0;
  for (size_t i = 0; i < values.rows; i++) sum += lat_get(&values, i, 0);
  *rows = (double)values.rows;
  return sum;
}

static double count(lua_State *L)
{
  return (double)density_of(L)->free_parameters(L);
}

static int score(lua_State *L)
{
  double rows, sum = total(L, &rows);
  lua_pushnumber(L, sum / rows);
  return 1;
}

static int free_parameters(lua_State *L)
{
  latL_nooptions(L, 2, latL_verb(L));
  lua_pushinteger(L, (lua_Integer)density_of(L)->free_parameters(L));
  return 1;
}

/* -2 log L + 2 p */
static int aic(lua_State *L)
{
  double rows, sum = total(L, &rows);
  lua_pushnumber(L, -2 * sum + 2 * count(L));
  return 1;
}

/* -2 log L + p log N */
static int bic(lua_State *L)
{
  double rows, sum = total(L, &rows);
  lua_pushnumber(L, -2 * sum + log(rows) * count(L));
  return 1;
}

void latL_adddensity(lua_State *L, const char *metatable, const char *name, const void *kind,
                     const latL_Density *density)
{
  static const luaL_Reg of_rows[] = {{"log_likelihood", log_likelihood}, {NULL, NULL}};
  static const luaL_Reg verbs[] = {{"score", score},
                                   {"free_parameters", free_parameters},
                                   {"aic", aic},
                                   {"bic", bic},
                                   {NULL, NULL}};
  if (!density->total) latL_addverbs(L, metatable, name, kind, of_rows, density);
  latL_addverbs(L, metatable, name, kind, verbs, density);
}
