/* mixture.c: latent.mixture, mixtures whose columns are independent: what the core's description
 * doesn't say. */
#include "models/em/mixture.h"

#include "model/given.h"
#include "model/methods.h"
#include "models/em/gmm.h"

/* ---- the constructor ------------------------------------------------------------------------- */

/* The option `name`, a number or a list of numbers, which the model keeps as the field. */
static void read_list(lua_State *L, int model, const char *name, const char *field,
                      lat_number_list *list)
{
  int type = latL_getoption(L, 1, name);
  if (type == LUA_TNIL) {
    lua_pop(L, 1);
    return;
  }
  if (type != LUA_TNUMBER && type != LUA_TTABLE && type != LUA_TUSERDATA)
    latL_error(L, "mixture", "%s must be an integer or a list of integers, got %s", name,
               latL_typename(L, -1));
  if (type == LUA_TNUMBER) {
    lua_createtable(L, 1, 0);
    lua_insert(L, -2);
    lua_rawseti(L, -2, 1);
  }
  lat_matrix v = latL_checkvector(L, lua_gettop(L), "mixture", name);
  lat_matrix to = latL_newvector(L, v.rows, LAT_FLOAT64)->view;
  lat_copy(&v, &to);
  *list = (lat_number_list){to.data, to.rows};
  latL_keep(L, model, field);
  lua_pop(L, 1);
}

/* How many columns `init`, if it is a table, has explicit probabilities for, as far as is known. */
static size_t count_columns(lua_State *L, const lat_mixture_options *o)
{
  size_t columns = 0;
  if (o->family == LAT_CATEGORICAL && latL_getoption(L, 1, "init") == LUA_TTABLE &&
      lua_getfield(L, -1, "probabilities") != LUA_TNIL)
    columns = lat_mixture_columns(
        o, latL_checkmatrix(L, lua_gettop(L), "mixture", "init.probabilities")->view.cols);
  lua_settop(L, 2);
  return columns;
}

static void read_given(lua_State *L, int model, lat_mixture_options *o)
{
  static const char *const names[] = {"means", "rates", "probabilities"};
  const size_t sizes[LAT_SIZES] = {[LAT_D] = count_columns(L, o)};
  latL_Fitted *given = latL_readgiven(L, model, names[o->family], sizes);
  if (!latL_takecomponents(L, model, given, "", &o->components, &o->fit)) return;
  lat_mixture_complete(o, given);
  latL_keepgiven(L, model);
}

static void read_options(lua_State *L, int model, void *options)
{
  lat_mixture_options *o = options;
  latL_readfamily(L, model, o);
  read_list(L, model, "levels", "(levels)", &o->levels);
  read_list(L, model, "lowest", "(lowest)", &o->lowest);
  read_list(L, model, "groups", "(groups)", &o->groups);
  latL_run(L, "mixture", lat_mixture_check, o);
  if (o->family != LAT_FUNCTIONS) {
    read_given(L, model, o);
  } else if (latL_getoption(L, 1, "init") == LUA_TTABLE) {
    latL_error(L, "mixture", "init for a family of functions must be \"k-means\" or \"random\"");
  }
}

/* ---- more methods ---------------------------------------------------------------------------- */

/* column(d): the probabilities of column d of a categorical mixture, K x levels: a view. */
static int column(lua_State *L)
{
  const char *who = latL_verb(L);
  lat_request request;
  const latL_Fitted *f = latL_beginmethod(L, 2, 0, &request);
  lat_mixture m = lat_mixture_of(f);
  size_t first = 0, levels = 0;
  if (!m.probabilities) latL_error(L, who, "the family is not \"categorical\"");
  size_t count = lat_mixture_column(&m, 0, &first, &levels);
  lat_mixture_column(&m, latL_checkindex(L, 2, who, "column", count), &first, &levels);
  lat_matrix all = lat_matrix_of((double *)m.probabilities, m.K, m.M);
  lua_getiuservalue(L, 1, LATL_PARAMETERS);
  latL_newview(L, lua_gettop(L), lat_block_of(all, 0, first, m.K, levels), false);
  return 1;
}

/* ---- the class ------------------------------------------------------------------------------- */

static const char *bound(lua_State *L, int model)
{
  const lat_mixture_options *o = latL_optionsof(lua_touserdata(L, model));
  return o->family == LAT_FUNCTIONS ? "its family is of Lua functions" : NULL;
}

static const luaL_Reg methods[] = {{"column", column}, {NULL, NULL}};
const latL_Kind latL_mixture_kind = {.name = "mixture",
                                     .metatable = "latent.Mixture",
                                     .gaps = LATL_KNOWS_GAPS,
                                     .core = &lat_mixture_model,
                                     .read = read_options,
                                     .record = latL_recordfamily,
                                     .prepare = latL_preparefamily,
                                     .draw = latL_drawfamily,
                                     .bound = bound,
                                     .methods = methods};
