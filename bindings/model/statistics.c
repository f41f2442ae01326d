/* statistics.c: fits by sums over the rows; see statistics.h. */
#include "model/statistics.h"

#include <string.h>

#include "model/fit.h"
#include "model/source.h"

static const lat_statistics_kind *kind_of(const latL_Model *m)
{
  return m->kind->core->statistics;
}

/* ---- rows added up --------------------------------------------------------------------------- */

/* A fit under way; its block, without parameters, is at `fitted`. */
typedef struct gathering {
  const char *who;
  latL_Fitted *f;
  int fitted;
  bool missing;
} gathering;

static lat_status take(lua_State *L, void *context, lat_workspace *work, const lat_matrix *X,
                       const double *weights)
{
  const gathering *g = context;
  latL_Fitted *f = g->f;
  if (!f->statistics) {
    size_t count;
    LAT_TRY(kind_of(latL_owner(f))->count(work, f->options, X->cols, &count));
    memset(latL_newstatistics(L, g->fitted, count), 0, count * sizeof(double));
    f->sizes[LAT_D] = X->cols;
  }
  return kind_of(latL_owner(f))->add(work, f, X, weights, g->missing);
}

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

/* Pushes a block of the model at `model` with what the rows, as a whole, or, without them (NULL),
 * the statistics of `made` make of it. */
static void push_made(lua_State *L, int model, const char *who, lat_fitted made,
                      const lat_source *rows)
{
  const lat_statistics_kind *kind = made.model->statistics;
  lat_workspace *work = latL_newworkspace(L);
  int at = lua_gettop(L);
  lat_mark mark = lat_workspace_mark(work);
  lat_status status =
      rows ? kind->fit_whole(work, &rows->X, rows->weights, &made) : kind->solve(work, &made);
  if (status != LAT_OK) latL_check(L, who, work, mark, status);
  made.statistics = NULL; /* they are shared */
  latL_pushmade(L, model, &made, NULL);
  lat_workspace_done(work);
  lua_remove(L, at);
}

/* Pushes a block with the parameters of the statistics of the one at `from`, and these. */
static void push_solved(lua_State *L, int model, int from, const char *who)
{
  push_made(L, model, who, *(const latL_Fitted *)lua_touserdata(L, from), NULL);
  take_statistics(L, from, lua_gettop(L), false);
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
 * to which rows are added, or 0. */
static gathering begin(lua_State *L, latL_Rows *rows, size_t columns)
{
  lat_request request;
  latL_beginfit(L, &request);
  gathering g = {.who = latL_verb(L), .missing = request.missing};
  latL_checkrows(L, rows, 2, 3, g.who, columns);
  g.f = latL_newunfitted(L, 1);
  g.fitted = lua_gettop(L);
  return g;
}

/* fit(X [, options]) -> the model */
static int fit(lua_State *L)
{
  latL_Rows rows;
  gathering g = begin(L, &rows, 0);
  const latL_Model *m = lua_touserdata(L, 1);
  const lat_statistics_kind *kind = kind_of(m);
  if (kind->takes_whole && !rows.function && kind->takes_whole(latL_optionsof(m), &rows.source)) {
    g.f->sizes[LAT_D] = rows.source.X.cols;
    push_made(L, 1, g.who, *g.f, &rows.source);
  } else {
    latL_eachpiece(L, &rows, 2, g.who, g.missing, &g, take);
    push_solved(L, 1, g.fitted, g.who);
  }
  latL_publish(L, 1);
  lua_settop(L, 1);
  return 1;
}

/* Rows of a matrix in memory are added in one call of the core, with no Lua code in between: to the
 * same memory, if all or none are added and no parameters depend on it yet. */
static int partial_fit(lua_State *L)
{
  latL_Rows rows;
  gathering g = begin(L, &rows, latL_columnsbefore(L));
  const latL_Fitted *before = latL_pushfitted(L, 1);
  int at = lua_gettop(L);
  const lat_statistics_kind *kind = kind_of(latL_owner(g.f));
  if (before && before->statistics) {
    size_t D = before->sizes[LAT_D];
    bool same = kind->adds_all_or_nothing && kind->adds_all_or_nothing(D) && !latL_inpieces(&rows);
    latL_checkcolumns(L, &rows, g.who, D);
    take_statistics(L, at, g.fitted, !same);
  }
  lua_settop(L, g.fitted);
  latL_eachpiece(L, &rows, 2, g.who, g.missing, &g, take);
  if (!kind->adds_all_or_nothing) push_solved(L, 1, g.fitted, g.who);
  latL_publish(L, 1);
  lua_settop(L, 1);
  return 1;
}

lua_CFunction latL_statisticsfunction(const char *name)
{
  return strcmp(name, "fit") == 0 ? fit : partial_fit;
}
