/* run.c: calls of a run: something that goes on between calls from Lua, or runs Lua code within
 * one. */
#include "model/run.h"

#include <math.h>
#include <stdio.h>

#include "model/source.h"

static const char GUARD[] = "latent.guard"; /* no class of the users' */

/* ---- calls of a run -------------------------------------------------------------------------- */

lat_workspace *latL_holdrun(lua_State *L, latL_Turn *turn, const char *who, const char *metatable,
                            void (*failed)(lua_State *L, latL_Turn *turn))
{
  lua_settop(L, LATL_RUN);
  for (int i = LATL_MODEL; i <= LATL_OPTIONS; i++) { /* the user values come in the same order */
    lua_pushvalue(L, i);
    latL_hold(L, i - LATL_MODEL + LATL_RUN_MODEL);
  }
  lat_workspace *work = latL_newworkspace(L);
  latL_hold(L, LATL_RUN_WORK);
  *turn = (latL_Turn){.who = who, .work = work, .failed = failed};
  turn->last = latL_pushfitted(L, LATL_MODEL);
  latL_hold(L, LATL_RUN_LAST);
  if (metatable) luaL_setmetatable(L, metatable);
  lua_newuserdatauv(L, 0, 1); /* the guard */
  lua_pushvalue(L, LATL_RUN);
  lua_setiuservalue(L, LATL_GUARD, 1);
  luaL_setmetatable(L, GUARD);
  lua_pushvalue(L, LATL_GUARD);
  latL_hold(L, LATL_RUN_GUARD);
  lua_settop(L, LATL_TOP);
  return work;
}

/* Makes the stack of the run at `at`, and nothing else. */
static latL_Turn *restore(lua_State *L, int at)
{
  lua_pushvalue(L, at);
  lua_insert(L, 1);
  lua_settop(L, 1);
  luaL_checkstack(L, LATL_DEEP, NULL);
  for (int i = LATL_RUN_MODEL; i <= LATL_RUN_OPTIONS; i++) lua_getiuservalue(L, 1, i);
  lua_pushvalue(L, 1);
  lua_getiuservalue(L, 1, LATL_RUN_GUARD);
  lua_remove(L, 1);
  lua_settop(L, LATL_TOP);
  return lua_touserdata(L, LATL_RUN);
}

/* Whether the collector has taken the workspace of the run at LATL_RUN. */
static bool memory_gone(lua_State *L)
{
  lua_getiuservalue(L, LATL_RUN, LATL_RUN_WORK);
  bool gone = latL_workspacegone(L, -1);
  lua_pop(L, 1);
  return gone;
}

void *latL_resume(lua_State *L, int at)
{
  latL_Turn *turn = restore(L, at);
  if (memory_gone(L)) latL_failgone(L, turn->who, "loop's memory");
  if (turn->busy)
    latL_error(L, turn->who, "the fit is in the middle of a turn, which has called this");
  latL_beginturn(L, turn);
  return turn;
}

void latL_endturn(latL_Turn *turn)
{
  turn->busy = false;
}

int latL_returnmodel(lua_State *L)
{
  lua_pushvalue(L, LATL_MODEL);
  return 1;
}

int latL_pushsteps(lua_State *L, lua_CFunction next)
{
  lua_pushvalue(L, LATL_RUN);
  lua_pushcclosure(L, next, 1);
  lua_pushnil(L);
  lua_pushnil(L);
  lua_pushvalue(L, LATL_RUN);
  return 4;
}

static void watch_turn(lua_State *L, const latL_Turn *turn)
{
  latL_rewatch(L);
  latL_watch(L, turn->work);
}

/* The run at 1. A finalizer may be what closes the coroutine that its call has died in, and the
 * collector may have taken its memory before. */
static int fail_turn(lua_State *L)
{
  latL_Turn *turn = restore(L, 1);
  if (memory_gone(L)) return 0;
  watch_turn(L, turn);
  turn->failed(L, turn);
  return 0;
}

void latL_callquietly(lua_State *L, lua_CFunction f)
{
  latL_Hook hook = latL_silence(L);
  lua_pushcfunction(L, f);
  lua_insert(L, -2);
  if (lua_pcall(L, 1, 0, 0) != LUA_OK) lua_pop(L, 1);
  latL_unsilence(L, hook);
}

/* A hook that is there already, a signal's perhaps, has its say; one that raises ends the run as what
 * raises within it does. What comes later is seen by what watches. */
void latL_beginturn(lua_State *L, latL_Turn *turn)
{
  watch_turn(L, turn);
  lua_toclose(L, LATL_GUARD);
  turn->busy = true;
  if (!lua_gethook(L)) return;
  lua_pushcfunction(L, latL_hear);
  if (lua_pcall(L, 0, 0, 0) != LUA_OK) {
    lua_pushvalue(L, LATL_RUN);
    latL_callquietly(L, fail_turn);
    lua_error(L);
  }
  watch_turn(L, turn);
}

/* __close(guard): a call is over, or has failed. */
static int close_guard(lua_State *L)
{
  if (!luaL_testudata(L, 1, GUARD)) return latL_error(L, "steps", "__close is for calls to call");
  lua_settop(L, 1);
  lua_getiuservalue(L, 1, 1);
  latL_Turn *turn = lua_touserdata(L, 2);
  if (!turn->busy) return 0;
  lua_pushvalue(L, 2);
  latL_callquietly(L, fail_turn);
  turn->busy = false;
  lat_workspace_done(turn->work);
  return 0;
}

void latL_hold(lua_State *L, int value)
{
  lua_setiuservalue(L, LATL_RUN, value);
}

void latL_publishrun(lua_State *L, latL_Turn *turn)
{
  lua_pushvalue(L, -1);
  latL_hold(L, LATL_RUN_LAST);
  turn->last = lua_touserdata(L, -1);
  latL_publish(L, LATL_MODEL);
}

bool latL_isours(lua_State *L, const latL_Turn *turn)
{
  bool same = latL_pushfitted(L, LATL_MODEL) == turn->last;
  lua_pop(L, 1); /* only compared */
  return same;
}

void latL_note(lua_State *L, int value, size_t i, double x)
{
  lua_getiuservalue(L, LATL_RUN, value);
  lua_pushnumber(L, x);
  lua_rawseti(L, -2, (lua_Integer)i);
  lua_pop(L, 1);
}

void latL_giveup(lua_State *L)
{
  lua_pushvalue(L, LATL_RUN);
  latL_callquietly(L, fail_turn);
  lua_settop(L, LATL_TOP);
}

/* ---- who looks on ---------------------------------------------------------------------------- */

bool latL_observe(lua_State *L, size_t iteration, double objective, const char *more)
{
  bool go_on = true;
  int value = lua_gettop(L);
  if (latL_getoption(L, LATL_OPTIONS, "on_iteration") == LUA_TFUNCTION) {
    lua_createtable(L, 0, 4);
    lua_pushinteger(L, (lua_Integer)iteration);
    lua_setfield(L, -2, "iteration");
    lua_pushnumber(L, objective);
    lua_setfield(L, -2, "objective");
    lua_pushvalue(L, LATL_MODEL);
    lua_setfield(L, -2, "model");
    lua_pushvalue(L, value);
    lua_setfield(L, -2, more);
    latL_callback(L, ((const latL_Turn *)lua_touserdata(L, LATL_RUN))->who, 1, 1);
    go_on = !lua_isboolean(L, -1) || lua_toboolean(L, -1);
  }
  lua_settop(L, LATL_TOP);
  return go_on;
}

void latL_checkprogress(lua_State *L, int options, const char *who)
{
  int type = latL_getoption(L, options, "progress");
  if (type != LUA_TNIL && type != LUA_TBOOLEAN && type != LUA_TFUNCTION)
    latL_error(L, who, "progress must be true, false or a function, got %s", latL_got(L, -1));
  lua_pop(L, 1);
}

bool latL_wantsbar(lua_State *L)
{
  int type = latL_getoption(L, LATL_OPTIONS, "progress");
  bool wanted = type == LUA_TNIL ? latL_istold(L) : lua_toboolean(L, -1);
  lua_pop(L, 1);
  return wanted;
}

void latL_makebar(lua_State *L, const char *who, const char *label, size_t total)
{
  lua_settop(L, LATL_TOP);
  if (!latL_wantsbar(L)) return;
  latL_getoption(L, LATL_OPTIONS, "progress");
  latL_pushpart(L, who, "latent.progress");
  lua_getfield(L, -1, "_of");
  lua_pushstring(L, who);
  lua_pushvalue(L, LATL_TOP + 1);
  lua_pushinteger(L, (lua_Integer)total);
  lua_pushstring(L, label);
  lua_call(L, 4, 1);
  lua_replace(L, LATL_BAR);
  lua_settop(L, LATL_TOP);
  lua_toclose(L, LATL_BAR);
}

void latL_totalofbar(lua_State *L, size_t total)
{
  if (lua_isnil(L, LATL_BAR)) return;
  lua_pushinteger(L, (lua_Integer)total);
  lua_setfield(L, LATL_BAR, "total");
}

/* What the bar says: the objective, or the phase and how far it is. */
static void push_said(lua_State *L, double objective, const char *phase, double share)
{
  if (!phase && !isnan(objective))
    lua_pushnumber(L, objective);
  else if (phase && share > 0)
    lua_pushfstring(L, "%s %d%%", phase, (int)(100 * share));
  else
    lua_pushstring(L, phase);
}

void latL_drawbar(lua_State *L, size_t done, double objective, const char *phase, double share)
{
  if (lua_isnil(L, LATL_BAR)) return;
  lua_pushboolean(L, !phase && share < 0);
  lua_setfield(L, LATL_BAR, "endless");
  lua_getfield(L, LATL_BAR, "update");
  lua_pushvalue(L, LATL_BAR);
  lua_pushinteger(L, (lua_Integer)done);
  push_said(L, objective, phase, share);
  lua_createtable(L, 0, 2);
  lua_pushnumber(L, phase ? 0 : fmin(fmax(share, 0), 1));
  lua_setfield(L, -2, "within");
  if (!isnan(objective)) lua_pushnumber(L, objective), lua_setfield(L, -2, "objective");
  lua_call(L, 4, 0);
  latL_rewatch(L);
}

void latL_open_run(lua_State *L)
{
  latL_newclosed(L, GUARD, close_guard);
}
