/* fit_online.c: the method partial_fit: online updates. */
#include "model/fit_run.h"

/* Hosts learn for months, so that the history is of the last updates: so many at least, and twice as
 * many at most, from where on half of them go. */
enum { KEPT = 1000 };

/* How many are there after so many updates. */
static lua_Integer kept(size_t updates)
{
  size_t n = updates <= 2 * KEPT ? updates : KEPT + 1 + (updates - 2 * KEPT - 1) % KEPT;
  return (lua_Integer)n;
}

static void note_update(lua_State *L, const latL_FitRun *r)
{
  size_t updates = r->fit.em.iterations;
  lua_Integer place = kept(updates);
  if (updates > 2 * KEPT && place == KEPT + 1) {
    lua_getiuservalue(L, LATL_RUN, FIT_HISTORY);
    for (lua_Integer i = 1; i <= KEPT; i++) {
      lua_rawgeti(L, -1, KEPT + i);
      lua_rawseti(L, -2, i);
      lua_pushnil(L);
      lua_rawseti(L, -2, KEPT + i);
    }
    lua_pop(L, 1);
  }
  latL_note(L, FIT_HISTORY, (size_t)place, r->fit.em.objective);
}

/* Gives the block on the top a history of its own: the updates before this one. */
static void copy_history(lua_State *L, const latL_FitRun *r)
{
  lua_Integer n = kept(r->fit.em.iterations - 1);
  lua_createtable(L, (int)n, 0);
  lua_getiuservalue(L, LATL_RUN, FIT_HISTORY);
  for (lua_Integer i = 1; i <= n; i++) {
    lua_rawgeti(L, -1, i);
    lua_rawseti(L, -3, i);
  }
  lua_pop(L, 1);
  lua_pushvalue(L, -1);
  latL_hold(L, FIT_HISTORY);
  latL_record(L, -2, "history");
}

/* The block on the top becomes the model's, and is popped. The table of its history is that of the
 * block before, unless another fit has come between. */
static void publish_online(lua_State *L, latL_FitRun *r)
{
  if (!latL_isours(L, &r->work.turn)) copy_history(L, r);
  note_update(L, r);
  latL_publishrun(L, &r->work.turn);
}

/* The model gets the updates as users see them. */
static void finish_online(lua_State *L, latL_FitRun *r)
{
  const lat_fit_kind *kind = r->fit.kind;
  if (!r->quiet && !kind->finish) { /* it has them, unless another fit has published since */
    lua_getiuservalue(L, LATL_RUN, LATL_RUN_LAST);
    latL_publish(L, LATL_MODEL);
    return;
  }
  latL_pushpresent(L, r);
  lat_workspace *work = r->work.turn.work;
  lat_mark mark = lat_workspace_mark(work);
  lat_status status = kind->finish ? kind->finish(&r->fit, lua_touserdata(L, -1)) : LAT_OK;
  /* A failure gives the run's memory back, so its guard finds nothing to do. */
  r->work.ended = true;
  if (status != LAT_OK) latL_check(L, r->work.turn.who, work, mark, status);
  publish_online(L, r);
  lua_settop(L, LATL_TOP);
}

/* The call has failed: what its updates have come to stays. */
static void give_up(lua_State *L, latL_FitRun *r)
{
  if (r->updated) finish_online(L, r);
}

static void update_all(lua_State *L, latL_FitRun *r)
{
  lat_workspace *work = r->work.turn.work;
  lat_source *data = latL_fitdata(L, r);
  const double *weights;
  lat_matrix X;
  lat_status given = latL_takegiven(r);
  if (given != LAT_OK) latL_raiserun(L, &r->work.turn, given);
  lat_source_rewind(data);
  for (;;) {
    lat_status status = lat_source_next(data, work, &X, &weights);
    if (status == LAT_OK && X.rows == 0) return;
    if (status == LAT_OK) {
      status = lat_fit_update(&r->fit, &X, weights, r->request.rate);
      if (status != LAT_OK) status = lat_source_failure(data, work, status, r->fit.missing);
    }
    if (status != LAT_OK) latL_raiserun(L, &r->work.turn, status);
    r->updated = true;
    if (r->quiet) continue;
    latL_pushpresent(L, r);
    publish_online(L, r);
  }
}

/* latL_partialfit(X [, {weights, missing, rate}]) -> the model */
int latL_partialfit(lua_State *L)
{
  latL_FitRun *r = latL_newfitrun(L, latL_columnsbefore(L));
  latL_forgetfit(L);
  r->fit.online = r->caller.observed = true;
  r->give_up = give_up;
  r->quiet = !lat_source_in_pieces(&r->work.rows.source);
  r->fit.before = r->work.turn.last;
  if (r->work.turn.last && r->work.turn.last->updates > 0) {
    lua_getiuservalue(L, LATL_RUN, LATL_RUN_LAST);
    latL_recorded(L, -1, "history");
    latL_hold(L, FIT_HISTORY);
    lua_settop(L, LATL_TOP);
  }
  latL_beginturn(L, &r->work.turn);
  update_all(L, r);
  finish_online(L, r);
  r->work.ended = true;
  latL_endturn(&r->work.turn);
  latL_releasefit(L, r);
  return latL_returnmodel(L);
}
