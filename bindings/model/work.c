/* work.c: turns of runs, and slices that the model keeps between calls; see work.h. */
#include "model/work.h"

#include <string.h>

#include "model/query.h"

const latL_Model *latL_beginfit(lua_State *L, lat_request *request)
{
  const lat_method *method = lua_touserdata(L, lua_upvalueindex(3));
  const char *who = latL_verb(L);
  lua_settop(L, LATL_OPTIONS);
  luaL_checkstack(L, LATL_DEEP, who);
  const latL_Model *m = latL_checkmodel(L, latL_verbkind(L), who);
  lat_options_default(method->options, request, sizeof *request);
  latL_pushfitted(L, 1);
  request->missing = latL_takesmissing(L, lua_gettop(L));
  lua_pop(L, 1);
  latL_readtable(L, LATL_OPTIONS, who, method->options, NULL, request);
  return m;
}

bool latL_mayyield(lua_State *L, const latL_Work *w)
{
  return w->rows.source.next && lua_isyieldable(L);
}

lat_status latL_dooutside(latL_Work *w, latL_Outside *f, void *context)
{
  if (!lat_in_slice(w->turn.work)) return f(context);
  w->outside = f;
  w->outside_context = context;
  w->answer = LAT_CANCELLED;
  LAT_TRY(lat_pause(w->turn.work));
  return w->answer;
}

void latL_raiserun(lua_State *L, const latL_Turn *turn, lat_status status)
{
  char message[sizeof turn->work->message];
  memcpy(message, turn->work->message, sizeof message);
  latL_giveup(L);
  lat_workspace *work = latL_rewatch(L);
  memcpy(work->message, message, sizeof message);
  latL_check(L, turn->who, work, lat_workspace_mark(work), status);
}

/* ---- turns: work until there is something to say --------------------------------------------- */

typedef enum outcome {
  RESTS,    /* the turn's time is over */
  ASKS,     /* the data's function is to be called */
  ITERATED, /* an iteration is complete */
  OVER
} outcome;

static void enter(lua_State *L, latL_Work *w)
{
  lua_settop(L, LATL_TOP);
  latL_readrows(L, &w->rows);
  if (w->enters) w->enters(L, w);
}

static outcome work_on(lua_State *L, latL_Work *w)
{
  lat_status status = LAT_OK;
  bool done = !w->slices;
  enter(L, w);
  if (done) status = w->task(w);
  while (!done) {
    double left = w->until - lat_clock();
    status = lat_slice(w->turn.work, left > 0 ? left : 0, w->task, w, &done);
    if (done) break;
    latL_Outside *outside = w->outside;
    w->outside = NULL;
    if (w->rows.wanted) return ASKS;
    if (!outside) return RESTS;
    w->answer = outside(w->outside_context);
    lua_settop(L, LATL_TOP);
    if (lat_clock() >= w->until) return RESTS;
  }
  lua_settop(L, LATL_TOP);
  if (w->passed) w->passed(L, w);
  w->told = status != LAT_OK; /* a failure of the core is one of all ranks */
  if (status != LAT_OK) latL_raiserun(L, &w->turn, status);
  return w->more ? ITERATED : OVER;
}

/* The data's function has returned. What it gave is kept from this turn to the next. */
static void take_piece(lua_State *L, latL_Work *w)
{
  latL_rewatch(L); /* the function may have had the hooks watched from elsewhere */
  latL_takepiece(L, &w->rows);
  int last = lua_gettop(L);
  lua_createtable(L, last - LATL_TOP, 0);
  for (int i = LATL_TOP + 1; i <= last; i++) {
    lua_pushvalue(L, i);
    lua_rawseti(L, -2, i - LATL_TOP);
  }
  latL_hold(L, LATL_WORK_PIECE);
  lua_settop(L, LATL_TOP);
}

int latL_workturn(lua_State *L, int status, lua_KContext context)
{
  latL_Work *w = (latL_Work *)context;
  if (w->enters) w->enters(L, w);
  if (status == LUA_YIELD) latL_watch(L, w->turn.work); /* hooks may be others by now */
  for (;;) {
    if (w->rows.wanted) take_piece(L, w);
    switch (work_on(L, w)) {
    case ASKS:
      lua_pushvalue(L, LATL_DATA);
      lua_callk(L, 0, 2, context, latL_workturn);
      break;
    case ITERATED:
      if (!w->iterated(L, w)) return w->rests(L, w, false);
      break;
    case RESTS:
      if (!w->looks) return w->rests(L, w, false);
      w->looks(L, w);
      break;
    default:
      return w->rests(L, w, true);
    }
  }
}

int latL_pushiteration(lua_State *L, size_t iterations, double objective)
{
  lua_pushinteger(L, (lua_Integer)iterations);
  if (iterations > 0)
    lua_pushnumber(L, objective);
  else
    lua_pushboolean(L, false);
  return 2;
}

/* ---- slices that a model keeps between calls ------------------------------------------------- */

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

bool latL_sameview(const lat_matrix *a, const lat_matrix *b)
{
  return a->data == b->data && a->rows == b->rows && a->cols == b->cols &&
         a->row_stride == b->row_stride && a->col_stride == b->col_stride && a->dtype == b->dtype;
}

/* Whether the run on the top is of the data at LATL_DATA, and the model is still its. */
static bool goes_on(lua_State *L, const latL_Work *w)
{
  int top = lua_gettop(L);
  const latL_Matrix *A = push_identity(L);
  lua_getiuservalue(L, top, LATL_WORK_IDENTITY);
  bool same = lua_rawgeti(L, -1, 1) != LUA_TNIL && lua_rawequal(L, -1, top + 1);
  lua_settop(L, top);
  return same && (!A || latL_sameview(&A->view, &w->identity)) && !w->aborted &&
         latL_isours(L, &w->turn);
}

/* A run that is over says so as long as it is the model's, and keeps no data for it. */
static int end_slice(lua_State *L, latL_Work *w, bool over)
{
  const int values[] = {LATL_RUN_DATA, LATL_RUN_OPTIONS, LATL_WORK_WEIGHTS, LATL_WORK_GIVEN};
  if (over) w->concludes(L, w);
  for (size_t i = 0; over && i < sizeof values / sizeof *values; i++) {
    lua_pushnil(L);
    latL_hold(L, values[i]);
  }
  latL_endturn(&w->turn);
  lua_pushboolean(L, over);
  return 1;
}

static latL_Work *new_run(lua_State *L, latL_Work *make(lua_State *L))
{
  note_identity(L);
  latL_Work *w = make(L);
  lua_getiuservalue(L, LATL_MODEL, LATL_UNDER_WAY);
  latL_hold(L, LATL_WORK_IDENTITY);
  const latL_Matrix *A = latL_tomatrix(L, LATL_DATA);
  if (A) w->identity = A->view;
  w->slices = true;
  w->rests = end_slice;
  lua_pushvalue(L, LATL_RUN);
  lua_setiuservalue(L, LATL_MODEL, LATL_UNDER_WAY);
  latL_beginturn(L, &w->turn);
  return w;
}

int latL_fitslices(lua_State *L, latL_Work *make(lua_State *L))
{
  const char *who = latL_verb(L);
  latL_checkmodel(L, latL_verbkind(L), who);
  double seconds = latL_checknumber(L, 3, who, "seconds");
  if (!(seconds >= 0)) latL_error(L, who, "seconds must be a number >= 0, got %f", seconds);
  lua_remove(L, 3);
  lat_request request;
  latL_beginfit(L, &request); /* those of a call that goes on are checked, too */
  double until = lat_clock() + seconds;
  bool there = lua_getiuservalue(L, LATL_MODEL, LATL_UNDER_WAY) == LUA_TUSERDATA;
  latL_Work *w = there ? lua_touserdata(L, -1) : NULL;
  bool same = w && goes_on(L, w);
  if (same && w->ended) {
    lua_pushboolean(L, true);
    return 1;
  }
  if (same)
    latL_resume(L, lua_gettop(L));
  else
    w = new_run(L, make);
  w->until = until;
  return latL_workturn(L, LUA_OK, (lua_KContext)w);
}

void latL_forgetfit(lua_State *L)
{
  lua_pushnil(L);
  lua_setiuservalue(L, LATL_MODEL, LATL_UNDER_WAY);
}
