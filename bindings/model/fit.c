/* fit.c: runs of the core's fits by EM; see fit.h and fit_run.h. */
#include "model/fit_run.h"

#include <math.h>
#include <string.h>

#include "model/query.h"
#include "ranks/comm.h"

/* ---- what a run is given --------------------------------------------------------------------- */

/* The option `labels` of complete data: N integers from 0 (not known). For a matrix in memory only.
 */
static void read_labels(lua_State *L, latL_FitRun *r)
{
  int type = latL_getoption(L, LATL_OPTIONS, "labels");
  bool none = r->work.rows.source.comm && type == LUA_TFUNCTION; /* of a rank without rows */
  if (type != LUA_TNIL && !none) {
    if (r->work.rows.source.next || r->work.rows.source.mapped)
      latL_error(L, r->work.turn.who, "labels are for a matrix in memory");
    int at = lua_gettop(L);
    r->labels = latL_checkeach(L, at, r->work.turn.who, "labels", r->work.rows.source.X.rows);
    if (latL_tomatrix(L, at)->gone) { /* the file may be closed */
      const lat_matrix from = r->labels;
      r->labels = latL_newvector(L, from.rows, LAT_FLOAT64)->view;
      latL_copy(L, r->work.turn.who, &from, &r->labels);
    }
  }
  latL_hold(L, FIT_LABELS);
  lua_settop(L, LATL_TOP);
}

/* In the run's memory. */
static lat_status take_labels(latL_FitRun *r)
{
  lat_workspace *work = r->work.turn.work;
  const lat_matrix from = r->labels;
  if (!from.data) return LAT_OK;
  uint32_t *to = lat_allocate(work, from.rows, sizeof *to);
  if (!to) return LAT_MEMORY;
  for (size_t i = 0; i < from.rows; i++) {
    if (i % LAT_LOOK == 0) LAT_TRY(lat_check(work));
    double label = lat_get(&from, i, 0);
    if (!(label >= 0 && label <= UINT32_MAX && label == floor(label)))
      return lat_fail(work, LAT_INVALID,
                      "label %zu is %.14g; labels are integers from 0 (not known) up", i + 1,
                      label);
    to[i] = (uint32_t)label;
  }
  r->work.rows.source.labels = r->fit.labels = to;
  r->labels = (lat_matrix){0};
  return LAT_OK;
}

lat_status latL_takegiven(latL_FitRun *r)
{
  if (r->units.of) return LAT_OK;
  LAT_TRY(latL_takeweights(r->work.turn.work, &r->work.rows));
  return take_labels(r);
}

/* ---- the record ------------------------------------------------------------------------------ */

/* The fields that every model has after a fit. */
static const latL_Field report_fields[] = {
    {"iterations", LATL_SIZE, offsetof(lat_fit_report, iterations)},
    {"drops", LATL_SIZE, offsetof(lat_fit_report, decreases)},
    {"largest_drop", LATL_DOUBLE, offsetof(lat_fit_report, largest_decrease)},
    {"refused", LATL_SIZE, offsetof(lat_fit_report, rejected_steps)},
    {"converged", LATL_BOOLEAN, offsetof(lat_fit_report, converged)},
    {"method", LATL_STRING, offsetof(lat_fit_report, method)},
    {.name = NULL}};

void latL_recordreport(lua_State *L, int fitted, const lat_fit_report *report)
{
  latL_recordfields(L, fitted, report_fields, report);
}

void latL_pushmade(lua_State *L, int model, const lat_fitted *made, const lat_fit_report *report)
{
  const latL_Kind *kind = latL_owner(latL_pushcopy(L, model, made))->kind;
  int fitted = lua_gettop(L);
  if (report) latL_recordreport(L, fitted, report);
  if (kind->record) kind->record(L, fitted);
  lua_settop(L, fitted);
}

/* How many rows the whole of the data has; 0 when that isn't known: of chunks, and of updates. */
static size_t rows_of(lua_State *L, const latL_FitRun *r)
{
  const latL_Matrix *Y = r->units.of ? latL_tomatrix(L, LATL_DATA) : NULL;
  if (r->fit.online) return 0;
  return r->units.of ? (Y ? Y->view.rows : 0) : latL_rowsof(&r->work.rows);
}

/* The same with the history at that user value, and whether it is at a singularity. */
static void push_block(lua_State *L, const latL_FitRun *r, const lat_fitted *made,
                       const lat_fit_report *report, int history)
{
  latL_pushmade(L, LATL_MODEL, made, report);
  int fitted = lua_gettop(L);
  if (r->fit.core && r->fit.core->singular) {
    lua_pushboolean(L, report->singular);
    latL_record(L, fitted, "singular");
  }
  lua_getiuservalue(L, LATL_RUN, history);
  latL_record(L, fitted, "history");
  latL_recordmissing(L, fitted, r->request.missing);
  latL_recorddata(L, fitted, LATL_DATA, rows_of(L, r));
}

void latL_pushpresent(lua_State *L, latL_FitRun *r)
{
  lat_fitted made;
  lat_fit_report report;
  if ((r->fit.online ? lat_fit_updated : lat_fit_present)(&r->fit, &made, &report) != LAT_OK)
    latL_error(L, r->work.turn.who, "%s", r->work.turn.work->message);
  push_block(L, r, &made, &report, FIT_HISTORY);
}

/* ---- failures -------------------------------------------------------------------------------- */

void latL_pushstart(lua_State *L, size_t start)
{
  if (lua_getiuservalue(L, LATL_RUN, FIT_STARTS) != LUA_TTABLE) {
    lua_pop(L, 1);
    lua_newtable(L);
    lua_pushvalue(L, -1);
    latL_hold(L, FIT_STARTS);
  }
  if (lua_rawgeti(L, -1, (lua_Integer)start + 1) != LUA_TTABLE) {
    lua_pop(L, 1);
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_rawseti(L, -3, (lua_Integer)start + 1);
  }
  lua_remove(L, -2);
}

void latL_pushdata(lua_State *L)
{
  lua_getiuservalue(L, LATL_RUN, LATL_WORK_WEIGHTS);
}

void latL_releasefit(lua_State *L, latL_FitRun *r)
{
  const int values[] = {FIT_STARTS, FIT_LABELS};
  for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
    lua_pushnil(L);
    latL_hold(L, values[i]);
  }
  lat_workspace_done(r->work.turn.work);
}

/* ---- passes ---------------------------------------------------------------------------------- */

lat_source *latL_fitdata(lua_State *L, latL_FitRun *r)
{
  lua_settop(L, LATL_TOP);
  r->caller.L = L;
  return r->units.of ? NULL : latL_readrows(L, &r->work.rows);
}

static void enter(lua_State *L, latL_Work *w)
{
  ((latL_FitRun *)w)->caller.L = L;
}

/* After passes: keeps the histories of starts apart. */
static void keep_history(lua_State *L, latL_Work *w)
{
  latL_FitRun *r = (latL_FitRun *)w;
  const lat_fit *fit = &r->fit;
  const bool over = !w->more;
  lua_settop(L, LATL_TOP);
  if (!over && fit->start == r->start) return;
  if (fit->best.flat && fit->report.start == r->start) { /* it is the best so far */
    for (size_t i = 0; fit->history && i < fit->report.iterations; i++)
      latL_note(L, FIT_HISTORY, i + 1, fit->history[i]);
    if (!fit->history && fit->report.iterations > 0)
      latL_note(L, FIT_HISTORY, fit->report.iterations, fit->report.objective);
    lua_getiuservalue(L, LATL_RUN, FIT_HISTORY);
    latL_hold(L, FIT_BEST);
  }
  if (fit->start == r->start) return;
  r->start = fit->start;
  lua_newtable(L);
  latL_hold(L, FIT_HISTORY);
}

void latL_publishiteration(lua_State *L, latL_FitRun *r)
{
  const lat_em *em = &r->fit.em;
  r->iterations = em->iterations;
  r->objective = em->objective;
  if (r->caller.observed) latL_pushpresent(L, r);
  latL_note(L, FIT_HISTORY, em->iterations, em->objective); /* with what it belongs to, at once */
  if (r->caller.observed) latL_publishrun(L, &r->work.turn);
}

lat_status latL_givedata(latL_FitRun *r)
{
  const latL_Units *u = &r->units;
  lat_comm *comm = r->work.rows.source.comm;
  LAT_TRY(lat_comm_settle(comm, r->work.turn.work, latL_takegiven(r)));
  lat_status status = u->of ? lat_fit_units(&r->fit, u->of, u->count, u->columns)
                            : lat_fit_source(&r->fit, &r->work.rows.source);
  if (status != LAT_OK && !lat_fit_is_late(&r->fit, status)) return status;
  r->given = true;
  return LAT_OK;
}

/* Passes up to the end of the next iteration. */
static lat_status iterate(void *context)
{
  latL_FitRun *r = context;
  r->work.more = false;
  if (!r->given) LAT_TRY(latL_givedata(r));
  return lat_fit_iterate(&r->fit, r->units.of ? NULL : &r->work.rows.source, &r->work.more);
}

lat_status latL_outside(lat_fit *fit, latL_Outside *f, void *context)
{
  latL_FitRun *r = (latL_FitRun *)(void *)((char *)fit - offsetof(latL_FitRun, fit));
  return latL_dooutside(&r->work, f, context);
}

/* ---- the end --------------------------------------------------------------------------------- */

void latL_concludefit(lua_State *L, latL_FitRun *r)
{
  r->work.ended = true;
  if (r->fit.best.flat) {
    lua_settop(L, LATL_TOP);
    push_block(L, r, &r->fit.best, &r->fit.report, FIT_BEST);
    latL_publishrun(L, &r->work.turn);
  }
  lua_settop(L, LATL_TOP);
  latL_releasefit(L, r);
}

/* Whoever interrupts a fit doesn't wait for another pass over much data, nor is a function asked
 * again that has failed, nor are other ranks. */
static bool too_late(const latL_FitRun *r)
{
  enum { MOST = 1 << 22 }; /* numbers */
  const lat_source *rows = &r->work.rows.source;
  if (r->fit.comm) return r->work.aborted;
  return r->work.aborted && !r->units.of && (rows->next || rows->X.rows > MOST / rows->X.cols);
}

void latL_stopfit(lua_State *L, latL_FitRun *r)
{
  bool more;
  lat_source *data = latL_fitdata(L, r);
  lat_fit_stop(&r->fit);
  lat_status status = too_late(r) ? lat_fit_begin(&r->fit) : lat_fit_iterate(&r->fit, data, &more);
  r->work.more = false;
  keep_history(L, &r->work);
  if (status != LAT_OK) latL_error(L, r->work.turn.who, "%s", r->work.turn.work->message);
}

/* A call of the run has failed: as far as whole iterations go, it was a fit. */
static void fail(lua_State *L, latL_Turn *turn)
{
  latL_FitRun *r = (latL_FitRun *)turn;
  if (r->work.ended) return;
  r->work.aborted = r->work.ended = true;
  lat_slice_leave(r->work.turn.work);
  r->work.turn.work->deadline = 0;
  latL_tellranks(r->fit.comm, r->work.turn.work, &r->work.told);
  if (latL_isours(L, &r->work.turn)) {
    if (r->give_up) {
      r->give_up(L, r);
    } else if (r->fit.em.iterations > 0 || r->fit.best.flat) {
      latL_stopfit(L, r);
      latL_concludefit(L, r);
    }
  }
  latL_releasefit(L, r);
}

/* ---- a run ------------------------------------------------------------------------------------ */

latL_FitRun *latL_newfitrun(lua_State *L, size_t columns)
{
  const latL_Kind *kind = latL_verbkind(L);
  const char *who = latL_verb(L);
  lat_request request;
  const latL_Model *m = latL_beginfit(L, &request);
  latL_FitRun *r = lua_newuserdatauv(L, sizeof *r, FIT_VALUES);
  *r = (latL_FitRun){.kind = kind,
                     .request = request,
                     .units.options = latL_optionsof(m),
                     .work = {.task = iterate, .enters = enter, .passed = keep_history}};
  latL_checkprogress(L, LATL_OPTIONS, who);
  r->caller = (latL_Caller){L, who, latL_optfunction(L, LATL_OPTIONS, who, "on_iteration")};
  if (kind->read_units) {
    kind->read_units(L, who, &r->units);
    latL_hold(L, LATL_WORK_WEIGHTS);
  } else {
    latL_checkrows(L, &r->work.rows, LATL_DATA, LATL_OPTIONS, who, columns);
    latL_hold(L, LATL_WORK_WEIGHTS);
    latL_hold(L, LATL_WORK_GIVEN);
  }
  r->caller.observed |= r->work.rows.source.next != NULL;
  lat_workspace *work = latL_holdrun(L, &r->work.turn, who, LATL_FIT, fail);
  lua_newtable(L);
  latL_hold(L, FIT_HISTORY);
  if (lat_fit_init(&r->fit, work, kind->core, r->units.options, request.missing) != LAT_OK)
    latL_error(L, who, "%s", work->message);
  r->fit.user = &r->caller;
  if (kind->read_units) r->fit.comm = latL_optcomm(L, LATL_OPTIONS, who);
  read_labels(L, r);
  const latL_Fitted *last = r->work.turn.last;
  if (last) memcpy(r->fit.sizes_before, last->sizes, sizeof last->sizes);
  return r;
}

bool latL_observefit(lua_State *L, const latL_FitRun *r, size_t done, double objective)
{
  lua_pushinteger(L, (lua_Integer)r->fit.start + 1);
  return latL_observe(L, done, objective, "restart");
}
