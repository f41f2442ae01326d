/* statistics.c: fits by sums over the rows; see statistics.h. */
#include "model/statistics.h"

#include <math.h>
#include <string.h>

#include "model/fit.h"

/* Gives the block at `to` the statistics of the one at `from`: themselves, or a copy. */
static void take_statistics(lua_State *L, int from, int to, bool copy)
{
  const latL_Fitted *before = lua_touserdata(L, from);
  latL_Fitted *f = lua_touserdata(L, to);
  f->sizes[LAT_D] = before->sizes[LAT_D];
  if (copy) {
    memcpy(latL_newstatistics(L, to, before->count), before->statistics,
           before->count * sizeof(double));
    return;
  }
  lua_getiuservalue(L, from, LATL_STATISTICS);
  lua_setiuservalue(L, to, LATL_STATISTICS);
  f->statistics = before->statistics;
  f->count = before->count;
}

/* ---- parameters ------------------------------------------------------------------------------ */

/* Pushes a block with the parameters of the statistics of the one at `from`, and these. */
static void push_solved(lua_State *L, int model, int from, const char *who)
{
  lat_workspace *work = latL_newworkspace(L);
  int at = lua_gettop(L);
  lat_fitted made = *(const latL_Fitted *)lua_touserdata(L, from);
  lat_mark mark = lat_workspace_mark(work);
  lat_status status = made.model->statistics->solve(work, &made);
  if (status != LAT_OK) latL_check(L, who, work, mark, status);
  made.statistics = NULL; /* they are shared */
  latL_pushmade(L, model, &made, NULL);
  lat_workspace_done(work);
  lua_remove(L, at);
  take_statistics(L, from, at, false);
  latL_recordmissing(L, at, latL_takesmissing(L, from));
}

/* Chunks cost only their own share. When rows are added meanwhile (by a finalizer), parameters are
 * solved again. */
void latL_solvestatistics(lua_State *L, int model, const char *who)
{
  int top = lua_gettop(L);
  for (;;) {
    const latL_Fitted *f = latL_pushfitted(L, model);
    if (!f || f->flat) break;
    push_solved(L, model, top + 1, who);
    bool same = latL_pushfitted(L, model) == f;
    lua_settop(L, top + 2);
    if (same) latL_publish(L, model);
    lua_settop(L, top);
  }
  lua_settop(L, top);
}

/* ---- fits ------------------------------------------------------------------------------------ */

/* A fit under way, which is all of it: there are no iterations. */
typedef struct run {
  latL_Work work;
  lat_request request;
  const lat_model *core;
  const void *options;
  lat_fitted made;
} run;

static lat_status fit_all(void *context)
{
  run *r = context;
  lat_workspace *work = r->work.turn.work;
  r->work.more = false;
  LAT_TRY(latL_takerows(work, &r->work.rows));
  LAT_TRY(lat_statistics_fit(work, r->core, &r->work.rows.source, NULL, r->options, &r->made));
  return LAT_OK;
}

/* The call has failed: the model has what it had. After the end other ranks have theirs, too. */
static void fail(lua_State *L, latL_Turn *turn)
{
  latL_Work *w = (latL_Work *)turn;
  (void)L;
  w->aborted = true;
  if (!w->ended) latL_tellranks(w->rows.source.comm, turn->work, &w->told);
}

static void conclude(lua_State *L, latL_Work *w)
{
  const run *r = (const run *)w;
  w->ended = true;
  latL_pushmade(L, LATL_MODEL, &r->made, NULL);
  latL_recordmissing(L, -1, w->rows.source.missing);
  latL_recorddata(L, -1, LATL_DATA, latL_rowsof(&w->rows));
  latL_publishrun(L, &w->turn);
  lua_settop(L, LATL_TOP);
  lat_workspace_done(w->turn.work);
}

/* It is one step, of which this share is done; negative: nobody knows. */
static void look(lua_State *L, latL_Work *w)
{
  latL_drawbar(L, 0, NAN, NULL, w->turn.work->progress.share);
  w->until = lat_clock() + LATL_LOOKS;
}

static int end_fit(lua_State *L, latL_Work *w, bool over)
{
  (void)over; /* the turn has no other end */
  conclude(L, w);
  latL_drawbar(L, 1, NAN, NULL, 0);
  latL_endturn(&w->turn);
  return latL_returnmodel(L);
}

static latL_Work *new_run(lua_State *L)
{
  lat_request request;
  const latL_Model *m = latL_beginfit(L, &request);
  run *r = lua_newuserdatauv(L, sizeof *r, LATL_WORK_OWN - 1);
  *r = (run){.request = request,
             .core = m->kind->core,
             .options = latL_optionsof(m),
             .work = {.task = fit_all, .concludes = conclude, .rests = end_fit}};
  latL_Work *w = &r->work;
  latL_checkprogress(L, LATL_OPTIONS, latL_verb(L));
  latL_checkrows(L, &w->rows, LATL_DATA, LATL_OPTIONS, latL_verb(L), 0);
  w->rows.source.missing = request.missing;
  latL_hold(L, LATL_WORK_WEIGHTS);
  latL_hold(L, LATL_WORK_GIVEN);
  latL_holdrun(L, &w->turn, latL_verb(L), NULL, fail);
  return w;
}

/* fit(X [, options]) -> the model */
static int fit(lua_State *L)
{
  latL_Work *w = new_run(L);
  latL_forgetfit(L);
  if (latL_wantsbar(L)) w->looks = look;
  w->slices = w->looks || latL_mayyield(L, w);
  w->until = w->looks ? lat_clock() + LATL_LOOKS : INFINITY;
  latL_beginturn(L, &w->turn);
  latL_makebar(L, w->turn.who, ((const run *)w)->core->name, 1);
  return latL_workturn(L, LUA_OK, (lua_KContext)w);
}

/* fit_for(X, seconds [, options]) -> whether the fit is done */
static int fit_for(lua_State *L)
{
  return latL_fitslices(L, new_run);
}

/* Of the model, the data and the options at 1, 2 and 3. `columns` are those that the model has already
 * to which rows are added. Returns a workspace of the call's own, which is at the top. */
static lat_workspace *begin(lua_State *L, latL_Rows *rows, size_t columns)
{
  lat_request request;
  latL_beginfit(L, &request);
  latL_forgetfit(L);
  latL_checkrows(L, rows, 2, 3, latL_verb(L), columns);
  latL_run(L, latL_verb(L), latL_takeweights, rows);
  rows->source.missing = request.missing;
  latL_optprogress(L, 3, latL_verb(L));
  return latL_callworkspace(L);
}

/* The model gets the block on the top. */
static int end(lua_State *L, lat_workspace *work)
{
  lat_workspace_done(work);
  latL_publish(L, 1);
  lua_pushvalue(L, 1); /* what is closed stays where it is (latL_callworkspace) */
  return 1;
}

/* Rows of a matrix in memory are added in one call of the core, with no Lua code in between: to the
 * same memory, if all or none are added and no parameters depend on it yet. */
static int partial_fit(lua_State *L)
{
  latL_Rows rows;
  const char *who = latL_verb(L);
  lat_workspace *work = begin(L, &rows, latL_columnsbefore(L));
  latL_Fitted *f = latL_newunfitted(L, 1);
  int at = lua_gettop(L);
  latL_recordmissing(L, at, rows.source.missing);
  const latL_Fitted *before = latL_pushfitted(L, 1);
  const lat_statistics_kind *kind = f->model->statistics;
  if (before && before->statistics) {
    size_t D = before->sizes[LAT_D];
    bool same = kind->adds_all_or_nothing && kind->adds_all_or_nothing(D) &&
                !lat_source_in_pieces(&rows.source);
    latL_checkcolumns(L, &rows, who, D);
    take_statistics(L, at + 1, at, !same);
  }
  lat_fitted sums = *f;
  lat_mark mark = lat_workspace_mark(work);
  lat_status status = lat_statistics_add(work, latL_readrows(L, &rows), &sums);
  if (status != LAT_OK) latL_check(L, who, work, mark, status);
  if (!f->statistics) { /* they lie in the workspace */
    f->sizes[LAT_D] = sums.sizes[LAT_D];
    memcpy(latL_newstatistics(L, at, sums.count), sums.statistics,
           sums.count * sizeof *sums.statistics);
  }
  lua_settop(L, at);
  if (!kind->adds_all_or_nothing) push_solved(L, 1, at, who);
  return end(L, work);
}

lua_CFunction latL_statisticsfunction(const char *name)
{
  if (strcmp(name, "fit") == 0) return fit;
  return strcmp(name, "fit_for") == 0 ? fit_for : partial_fit;
}
