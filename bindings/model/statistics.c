/* statistics.c: fits by sums over the rows; see statistics.h. */
#include "model/statistics.h"

#include <string.h>

#include "model/fit.h"
#include "model/source.h"

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

/* Of the model, the data and the options at 1, 2 and 3. `columns` are those that a model has already
 * to which rows are added, or 0. Returns a workspace of the call's own, which is at the top. */
static lat_workspace *begin(lua_State *L, latL_Rows *rows, size_t columns)
{
  lat_request request;
  latL_beginfit(L, &request);
  latL_checkrows(L, rows, 2, 3, latL_verb(L), columns);
  latL_run(L, latL_verb(L), latL_takeweights, rows);
  rows->source.missing = request.missing;
  return latL_newworkspace(L);
}

/* The model gets the block on the top. */
static int end(lua_State *L, lat_workspace *work)
{
  lat_workspace_done(work);
  latL_publish(L, 1);
  lua_settop(L, 1);
  return 1;
}

/* fit(X [, options]) -> the model */
static int fit(lua_State *L)
{
  latL_Rows rows;
  lat_fitted made;
  lat_workspace *work = begin(L, &rows, 0);
  const latL_Model *m = lua_touserdata(L, 1);
  lat_mark mark = lat_workspace_mark(work);
  lat_status status = lat_statistics_fit(work, m->kind->core, latL_readrows(L, &rows), NULL,
                                         latL_optionsof(m), &made);
  if (status != LAT_OK) latL_check(L, latL_verb(L), work, mark, status);
  latL_pushmade(L, 1, &made, NULL);
  latL_recordmissing(L, -1, rows.source.missing);
  latL_recorddata(L, -1, 2, rows.source.next ? 0 : rows.source.X.rows);
  return end(L, work);
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
  return strcmp(name, "fit") == 0 ? fit : partial_fit;
}
