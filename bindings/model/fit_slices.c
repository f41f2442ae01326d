/* fit_slices.c: the method fit_for: fits in slices of time, which the model keeps between them. */
#include "model/fit_run.h"

/* Pushes what tells the data at LATL_DATA from others: what keeps a matrix' memory, for a view may be
 * made anew for each call; else itself. */
static const latL_Matrix *push_identity(lua_State *L)
{
  int top = lua_gettop(L);
  const latL_Matrix *A = latL_tomatrix(L, LATL_DATA);
  if (A && lua_getiuservalue(L, LATL_DATA, 1) == LUA_TNIL) lua_pop(L, 1);
  if (lua_gettop(L) == top) lua_pushvalue(L, LATL_DATA);
  return A;
}

/* Keeps it where the model has its run, without keeping it alive; until there is a run, for which
 * a table becomes a matrix. */
static void note_identity(lua_State *L)
{
  lua_createtable(L, 1, 0);
  push_identity(L);
  lua_rawseti(L, -2, 1);
  lua_createtable(L, 0, 1);
  lua_pushliteral(L, "v");
  lua_setfield(L, -2, "__mode");
  lua_setmetatable(L, -2);
  lua_setiuservalue(L, LATL_MODEL, LATL_UNDER_WAY);
  lua_settop(L, LATL_OPTIONS);
}

static bool same_view(const lat_matrix *a, const lat_matrix *b)
{
  return a->data == b->data && a->rows == b->rows && a->cols == b->cols &&
         a->row_stride == b->row_stride && a->col_stride == b->col_stride && a->dtype == b->dtype;
}

/* Whether the run on the top is of the data at LATL_DATA, and the model is still its. */
static bool goes_on(lua_State *L, const latL_FitRun *r)
{
  int top = lua_gettop(L);
  const latL_Matrix *A = push_identity(L);
  lua_getiuservalue(L, top, FIT_IDENTITY);
  bool same = lua_rawgeti(L, -1, 1) != LUA_TNIL && lua_rawequal(L, -1, top + 1);
  lua_settop(L, top);
  return same && (!A || same_view(&A->view, &r->identity)) && !r->aborted &&
         latL_isours(L, &r->turn);
}

static bool end_sliced_iteration(lua_State *L, latL_FitRun *r)
{
  latL_publishiteration(L, r);
  if (!latL_observefit(L, r, r->fit.em.iterations, r->fit.em.objective)) lat_fit_stop(&r->fit);
  return lat_clock() < r->until;
}

/* A run that is over says so as long as it is the model's, and keeps no data for it. */
static int end_slice(lua_State *L, latL_FitRun *r, bool over)
{
  if (over) latL_concludefit(L, r);
  const int values[] = {LATL_RUN_DATA, LATL_RUN_OPTIONS, FIT_WEIGHTS, FIT_GIVEN, FIT_LABELS};
  for (size_t i = 0; over && i < sizeof values / sizeof *values; i++) {
    lua_pushnil(L);
    latL_hold(L, values[i]);
  }
  latL_endturn(&r->turn);
  lua_pushboolean(L, over);
  return 1;
}

static latL_FitRun *new_sliced_run(lua_State *L)
{
  note_identity(L);
  latL_FitRun *r = latL_newfitrun(L, 0);
  lua_getiuservalue(L, LATL_MODEL, LATL_UNDER_WAY);
  latL_hold(L, FIT_IDENTITY);
  const latL_Matrix *A = latL_tomatrix(L, LATL_DATA);
  if (A) r->identity = A->view;
  r->slices = r->caller.observed = true;
  r->iterated = end_sliced_iteration;
  r->rests = end_slice;
  lua_pushvalue(L, LATL_RUN);
  lua_setiuservalue(L, LATL_MODEL, LATL_UNDER_WAY);
  latL_beginturn(L, &r->turn);
  return r;
}

/* latL_fitfor(X, seconds [, {weights, missing, on_iteration}]) -> whether the fit is done */
int latL_fitfor(lua_State *L)
{
  const char *who = latL_verb(L);
  latL_checkmodel(L, latL_verbkind(L), who);
  double seconds = latL_checknumber(L, 3, who, "seconds");
  if (!(seconds >= 0)) latL_error(L, who, "seconds must be a number >= 0, got %f", seconds);
  lua_remove(L, 3);
  lat_request request;
  latL_beginfit(L, &request); /* those of a call that goes on are checked, too */
  double until = lat_clock() + seconds;
  lua_getiuservalue(L, LATL_MODEL, LATL_UNDER_WAY);
  latL_FitRun *r = luaL_testudata(L, -1, LATL_FIT);
  bool same = r && goes_on(L, r);
  if (same && r->ended) {
    lua_pushboolean(L, true);
    return 1;
  }
  if (same)
    latL_resume(L, lua_gettop(L));
  else
    r = new_sliced_run(L);
  r->until = until;
  return latL_workturn(L, LUA_OK, (lua_KContext)r);
}
