/* gmm.c: latent.gmm, mixtures of Gaussians: what the core's description doesn't say. */
#include "models/em/gmm.h"

#include "model/given.h"
#include "model/methods.h"
#include "model/query.h"

/* ---- the constructor ------------------------------------------------------------------------- */

bool latL_takecomponents(lua_State *L, int model, const latL_Fitted *given, const char *what,
                         size_t *components, lat_fit_options *fit)
{
  fit->given = given;
  if (!given) return false;
  size_t K = given->sizes[LAT_K];
  if (latL_hasoption(L, 1, "components") && K != *components)
    latL_error(L, latL_owner(given)->kind->name, "components is %I, but init has %I%s",
               (lua_Integer)*components, (lua_Integer)K, what);
  *components = K;
  latL_madewith(L, model, "components", K);
  return true;
}

void latL_readcomponents(lua_State *L, int model, size_t *components, lat_fit_options *fit,
                         const size_t sizes[LAT_SIZES])
{
  const latL_Fitted *given = latL_readgiven(L, model, "means", sizes);
  if (latL_takecomponents(L, model, given, " means", components, fit)) latL_keepgiven(L, model);
}

static void read_options(lua_State *L, int model, void *options)
{
  lat_gmm_options *o = options;
  latL_readcomponents(L, model, &o->components, &o->fit, (const size_t[LAT_SIZES]){0});
}

/* ---- the record ------------------------------------------------------------------------------ */

void latL_recordevents(lua_State *L, int fitted)
{
  static const char *const what[] = {"regularized", "reseeded"};
  static const latL_Field fields[] = {{"iteration", LATL_SIZE, offsetof(lat_gmm_event, iteration)},
                                      {"component", LATL_SIZE, offsetof(lat_gmm_event, component)},
                                      {.name = NULL}};
  size_t count;
  const lat_gmm_event *events = lat_gmm_events(lua_touserdata(L, fitted), &count);
  lua_createtable(L, (int)count, 0);
  for (size_t i = 0; i < count; i++) {
    lua_createtable(L, 0, 3);
    latL_setfields(L, fields, &events[i]);
    lua_pushstring(L, what[events[i].what]);
    lua_setfield(L, -2, "what");
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  latL_record(L, fitted, "events");
}

/* ---- conditionals ---------------------------------------------------------------------------- */

/* The columns at `arg`, ascending, from 0, in a userdata that is pushed. */
static size_t *check_columns(lua_State *L, int arg, const char *who, size_t D, size_t *count)
{
  lat_matrix v = latL_checkvector(L, arg, who, "columns");
  size_t *columns = lua_newuserdatauv(L, v.rows * sizeof *columns, 0);
  for (size_t i = 0; i < v.rows; i++) {
    lua_pushnumber(L, lat_get(&v, i, 0));
    columns[i] = latL_checkindex(L, lua_gettop(L), who, "column", D);
    lua_pop(L, 1);
    if (i > 0 && columns[i] <= columns[i - 1])
      latL_error(L, who, "columns must ascend, got %I after %I", (lua_Integer)columns[i] + 1,
                 (lua_Integer)columns[i - 1] + 1);
  }
  *count = v.rows;
  if (v.rows >= D) latL_error(L, who, "columns are all %I of the model's", (lua_Integer)D);
  return columns;
}

/* conditional(X, columns) -> {responsibilities, means, covariances, mean, variance} */
static int conditional(lua_State *L)
{
  const char *who = latL_verb(L);
  lat_request request;
  const latL_Fitted *f = latL_beginmethod(L, 3, 0, &request);
  size_t D = f->sizes[LAT_D], K = f->sizes[LAT_K], count;
  latL_checkmatrix(L, 2, who, "X");
  const size_t *columns = check_columns(L, 3, who, D, &count);
  latL_Query q = latL_checkquery(L, 2, who, "X", count);
  size_t M = D - count, N = q.X.rows;
  lua_createtable(L, 0, 5);
  int table = lua_gettop(L);
  lat_matrix R = latL_queryrows(L, &q, K);
  lua_setfield(L, table, "responsibilities");
  lat_gmm_conditionals to = {.responsibilities = &R, .mean = latL_queryrows(L, &q, M).data};
  lua_setfield(L, table, "mean");
  to.variance = latL_queryrows(L, &q, M).data;
  lua_setfield(L, table, "variance");
  to.means = latL_newmatrix(L, K * N, M, LAT_FLOAT64)->view.data;
  latL_queryviews(L, &q, table + 1, to.means, K, M);
  lua_setfield(L, table, "means");
  to.covariances = latL_newmatrix(L, K * M, M, LAT_FLOAT64)->view.data;
  latL_newviews(L, table + 2, to.covariances, K, M, M);
  lua_setfield(L, table, "covariances");
  lat_gmm gmm = lat_gmm_of(f);
  latL_run(L, who, lat_gmm_conditional, &gmm, columns, count, &q.X, &to);
  lua_settop(L, table);
  return 1;
}

/* ---- the class ------------------------------------------------------------------------------- */

static const luaL_Reg methods[] = {{"conditional", conditional}, {NULL, NULL}};
const latL_Kind latL_gmm_kind = {.name = "gmm",
                                 .metatable = "latent.GMM",
                                 .gaps = LATL_KNOWS_GAPS,
                                 .core = &lat_gmm_model,
                                 .read = read_options,
                                 .record = latL_recordevents,
                                 .methods = methods};
