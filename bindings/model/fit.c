/* fit.c: fits, step by step, of all models that the core describes; see fit.h. */
#include "model/fit.h"

#include <math.h>
#include <string.h>

#include "base/slice.h"
#include "model/query.h"
#include "model/run.h"
#include "model/source.h"

static const char FIT[] = "latent.fit"; /* no class of the users' */

/* User values of a run, behind those of any (run.h). */
enum {
  FIT_WEIGHTS = LATL_RUN_LAST + 1, /* or what keeps other data than rows */
  FIT_HISTORY,                     /* of the present start */
  FIT_BEST,                        /* the history of the best start */
  FIT_STARTS,                      /* a table for each start, which is the kind's */
  FIT_PIECE,                       /* what keeps a piece of data from a function, in slices */
  FIT_IDENTITY,                    /* of data that are fitted to in slices */
  FIT_VALUES = FIT_IDENTITY
};

typedef struct run {
  latL_Turn turn;
  const latL_Kind *kind;
  latL_Rows rows;
  latL_Units units; /* instead of rows, where the kind has others */
  lat_request request;
  lat_fit fit;
  latL_Caller caller;
  size_t start; /* whose history is at FIT_HISTORY */
  bool ended;   /* the model has what came out */
  bool aborted; /* it ended by an error */
  bool quiet,
      updated; /* of partial_fit: the model gets updates at the end, not each; there was one */
  bool given;  /* the fit knows what is known of the data before the first pass */
  bool more;   /* what lat_fit_iterate said last */
  size_t iterations; /* complete ones, and the last one's objective */
  double objective;
  bool shown; /* there is a bar for iterations, if the options ask for one */
  /* in slices: until when this turn lasts (of lat_clock), and who wants to be called outside */
  bool slices;
  double until;
  latL_Outside *outside;
  void *outside_context;
  lat_status answer;
  lat_matrix identity; /* and the data that the run is of */
  /* The end of an iteration; false ends the turn. The end of a turn, after which, if over, there is
   * no other: its results. */
  bool (*iterated)(lua_State *L, struct run *r);
  int (*rests)(lua_State *L, struct run *r, bool over);
} run;

/* ---- what a run is given --------------------------------------------------------------------- */

/* The option `labels` of complete data: N integers from 0 (not known), in the run's memory, or
 * NULL. For a matrix in memory only. */
static const uint32_t *read_labels(lua_State *L, run *r)
{
  if (latL_getoption(L, LATL_OPTIONS, "labels") == LUA_TNIL) {
    lua_pop(L, 1);
    return NULL;
  }
  size_t N = r->rows.source.X.rows;
  if (r->rows.source.next || r->rows.source.mapped)
    latL_error(L, r->turn.who, "labels are for a matrix in memory");
  lat_matrix labels = latL_checkeach(L, lua_gettop(L), r->turn.who, "labels", N);
  uint32_t *to = lat_allocate(r->turn.work, N, sizeof *to);
  if (!to) latL_error(L, r->turn.who, "%s", r->turn.work->message);
  for (size_t i = 0; i < N; i++) {
    double label = lat_get(&labels, i, 0);
    if (!(label >= 0 && label <= UINT32_MAX && label == floor(label)))
      latL_error(L, r->turn.who, "label %I is %f; labels are integers from 0 (not known) up",
                 (lua_Integer)i + 1, label);
    to[i] = (uint32_t)label;
  }
  lua_pop(L, 1);
  return to;
}

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

static void fail(lua_State *L, latL_Turn *turn);

/* Checks model, data and options at 1, 2 and 3, and puts a run of them at 4. `columns` are those
 * that a model has already to which rows are added, or 0. */
static run *new_run(lua_State *L, size_t columns)
{
  const latL_Kind *kind = latL_verbkind(L);
  const char *who = latL_verb(L);
  lat_request request;
  const latL_Model *m = latL_beginfit(L, &request);
  run *r = lua_newuserdatauv(L, sizeof *r, FIT_VALUES);
  *r = (run){.kind = kind, .request = request, .units.options = latL_optionsof(m)};
  r->caller = (latL_Caller){L, who, latL_optfunction(L, LATL_OPTIONS, who, "on_iteration")};
  if (kind->read_units)
    kind->read_units(L, who, &r->units);
  else
    latL_checkrows(L, &r->rows, LATL_DATA, LATL_OPTIONS, who, columns);
  latL_hold(L, FIT_WEIGHTS);
  r->caller.observed |= r->rows.source.next != NULL;
  lat_workspace *work = latL_holdrun(L, &r->turn, who, FIT, fail);
  lua_newtable(L);
  latL_hold(L, FIT_HISTORY);
  if (lat_fit_init(&r->fit, work, kind->core, r->units.options, request.missing) != LAT_OK)
    latL_error(L, who, "%s", work->message);
  r->fit.user = &r->caller;
  r->rows.source.labels = r->fit.labels = read_labels(L, r);
  if (r->turn.last) memcpy(r->fit.sizes_before, r->turn.last->sizes, sizeof r->turn.last->sizes);
  return r;
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

void latL_pushmade(lua_State *L, int model, const lat_fitted *made, const lat_fit_report *report)
{
  const latL_Kind *kind = latL_owner(latL_pushcopy(L, model, made))->kind;
  int fitted = lua_gettop(L);
  if (report) latL_recordfields(L, fitted, report_fields, report);
  if (kind->record) kind->record(L, fitted);
  lua_settop(L, fitted);
}

/* The same with the history at that user value, and whether it is at a singularity. */
static void push_block(lua_State *L, const run *r, const lat_fitted *made,
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
  latL_recorddata(L, fitted, LATL_DATA);
}

/* Pushes one of what the present start, or the updates, have come to. */
static void push_present(lua_State *L, run *r)
{
  lat_fitted made;
  lat_fit_report report;
  if ((r->fit.online ? lat_fit_updated : lat_fit_present)(&r->fit, &made, &report) != LAT_OK)
    latL_error(L, r->turn.who, "%s", r->turn.work->message);
  push_block(L, r, &made, &report, FIT_HISTORY);
}

/* ---- failures -------------------------------------------------------------------------------- */

/* The run has failed: it comes to its end before the error is raised. */
static void raise(lua_State *L, const run *r, lat_status status)
{
  char message[sizeof r->turn.work->message];
  memcpy(message, r->turn.work->message, sizeof message);
  latL_giveup(L);
  lat_workspace *work = latL_workspace(L);
  memcpy(work->message, message, sizeof message);
  latL_check(L, r->turn.who, work, lat_workspace_mark(work), status);
}

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
  lua_getiuservalue(L, LATL_RUN, FIT_WEIGHTS);
}

/* The run needs its memory no more, whoever holds it yet. */
static void release(lua_State *L, run *r)
{
  lua_pushnil(L);
  latL_hold(L, FIT_STARTS);
  lat_workspace_done(r->turn.work);
}

/* ---- passes ---------------------------------------------------------------------------------- */

/* For calls of the core that pass over the data: the stack is that of a call of the run. */
static lat_source *data_of(lua_State *L, run *r)
{
  lua_settop(L, LATL_TOP);
  r->caller.L = L;
  return r->units.of ? NULL : latL_readrows(L, &r->rows);
}

/* After passes: keeps the histories of starts apart. */
static void keep_history(lua_State *L, run *r, bool over)
{
  const lat_fit *fit = &r->fit;
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

/* An iteration is complete. */
static void publish_iteration(lua_State *L, run *r)
{
  const lat_em *em = &r->fit.em;
  r->iterations = em->iterations;
  r->objective = em->objective;
  if (r->caller.observed) push_present(L, r);
  latL_note(L, FIT_HISTORY, em->iterations, em->objective); /* with what it belongs to, at once */
  if (r->caller.observed) latL_publishrun(L, &r->turn);
}

/* What is known of the data before the first pass. */
static lat_status give_data(run *r)
{
  const latL_Units *u = &r->units;
  lat_status status = u->of ? lat_fit_units(&r->fit, u->of, u->count, u->columns)
                            : lat_fit_source(&r->fit, &r->rows.source);
  if (status != LAT_OK && !lat_fit_is_late(&r->fit, status)) return status;
  r->given = true;
  return LAT_OK;
}

/* Passes up to the end of the next iteration. */
static lat_status iterate(void *context)
{
  run *r = context;
  r->more = false;
  if (!r->given) LAT_TRY(give_data(r));
  return lat_fit_iterate(&r->fit, r->units.of ? NULL : &r->rows.source, &r->more);
}

lat_status latL_outside(lat_fit *fit, latL_Outside *f, void *context)
{
  run *r = (run *)(void *)((char *)fit - offsetof(run, fit));
  if (!lat_in_slice(fit->work)) return f(context);
  r->outside = f;
  r->outside_context = context;
  r->answer = LAT_CANCELLED;
  LAT_TRY(lat_pause(fit->work));
  return r->answer;
}

/* ---- turns: work until there is something to say --------------------------------------------- */

typedef enum outcome {
  RESTS,    /* the turn's time is over */
  ASKS,     /* the data's function is to be called */
  ITERATED, /* an iteration is complete */
  OVER
} outcome;

static outcome work_on(lua_State *L, run *r)
{
  lat_status status = LAT_OK;
  bool done = !r->slices;
  data_of(L, r);
  if (done) status = iterate(r);
  while (!done) {
    double left = r->until - lat_clock();
    status = lat_slice(r->turn.work, left > 0 ? left : 0, iterate, r, &done);
    if (done) break;
    latL_Outside *outside = r->outside;
    r->outside = NULL;
    if (r->rows.wanted) return ASKS;
    if (!outside) return RESTS;
    r->answer = outside(r->outside_context);
    lua_settop(L, LATL_TOP);
    if (lat_clock() >= r->until) return RESTS;
  }
  keep_history(L, r, !r->more);
  if (status != LAT_OK) raise(L, r, status);
  return r->more ? ITERATED : OVER;
}

/* The data's function has returned. What it gave is kept from this turn to the next. */
static void take_piece(lua_State *L, run *r)
{
  latL_workspace(L); /* the function may have had the hooks watched from elsewhere */
  latL_takepiece(L, &r->rows);
  int last = lua_gettop(L);
  lua_createtable(L, last - LATL_TOP, 0);
  for (int i = LATL_TOP + 1; i <= last; i++) {
    lua_pushvalue(L, i);
    lua_rawseti(L, -2, i - LATL_TOP);
  }
  latL_hold(L, FIT_PIECE);
  lua_settop(L, LATL_TOP);
}

/* A turn, also as a continuation: the data's function may yield. */
static int work_turn(lua_State *L, int status, lua_KContext context)
{
  run *r = (run *)context; /* it is at LATL_RUN */
  r->caller.L = L;
  if (status == LUA_YIELD) latL_watch(L, r->turn.work); /* hooks may be others by now */
  for (;;) {
    if (r->rows.wanted) take_piece(L, r);
    switch (work_on(L, r)) {
    case ASKS:
      lua_pushvalue(L, LATL_DATA);
      lua_callk(L, 0, 2, context, work_turn);
      break;
    case ITERATED:
      if (!r->iterated(L, r)) return r->rests(L, r, false);
      break;
    case RESTS:
      return r->rests(L, r, false);
    default:
      return r->rests(L, r, true);
    }
  }
}

/* ---- the end --------------------------------------------------------------------------------- */

/* The model gets the best of what the run has come to, if it has come to anything. */
static void conclude(lua_State *L, run *r)
{
  r->ended = true;
  if (r->fit.best.flat) {
    lua_settop(L, LATL_TOP);
    push_block(L, r, &r->fit.best, &r->fit.report, FIT_BEST);
    latL_publishrun(L, &r->turn);
  }
  lua_settop(L, LATL_TOP);
  release(L, r);
}

/* Whoever interrupts a fit doesn't wait for another pass over much data, nor is a function asked
 * again that has failed. */
static bool too_late(const run *r)
{
  enum { MOST = 1 << 22 }; /* numbers */
  const lat_source *rows = &r->rows.source;
  return r->aborted && !r->units.of && (rows->next || rows->X.rows > MOST / rows->X.cols);
}

/* No more iterations: the best start's canonical form, and the kind's last pass. */
static void stop(lua_State *L, run *r)
{
  bool more;
  lat_source *data = data_of(L, r);
  lat_fit_stop(&r->fit);
  lat_status status = too_late(r) ? lat_fit_begin(&r->fit) : lat_fit_iterate(&r->fit, data, &more);
  keep_history(L, r, true);
  if (status != LAT_OK) latL_error(L, r->turn.who, "%s", r->turn.work->message);
}

static void finish_online(lua_State *L, run *r);

/* A call of the run has failed: as far as whole iterations go, it was a fit. */
static void fail(lua_State *L, latL_Turn *turn)
{
  run *r = (run *)turn;
  if (r->ended) return;
  r->aborted = r->ended = true;
  lat_slice_leave(r->turn.work);
  r->turn.work->deadline = 0;
  if (latL_isours(L, &r->turn)) {
    if (r->fit.online) {
      if (r->updated) finish_online(L, r);
    } else if (r->fit.em.iterations > 0 || r->fit.best.flat) {
      stop(L, r);
      conclude(L, r);
    }
  }
  release(L, r);
}

/* ---- fit and steps --------------------------------------------------------------------------- */

static void make_bar(lua_State *L, const run *r, const lat_fit_options *o)
{
  latL_makebar(L, r->turn.who, r->kind->name, o->max_iterations * (o->restarts ? o->restarts : 1));
}

/* A fit without iterations shows once what it has found, for there is nothing to be stopped. */
static void show_at_once(lua_State *L, const run *r, const lat_fit_report *report)
{
  latL_makebar(L, r->turn.who, r->kind->name, report->iterations);
  latL_drawbar(L, report->iterations, report->objective);
  lua_pushinteger(L, 1);
  latL_observe(L, report->iterations, report->objective, "restart");
}

/* Another fit of the model in slices is given up. */
static void forget_under_way(lua_State *L)
{
  lua_pushnil(L);
  lua_setiuservalue(L, LATL_MODEL, LATL_UNDER_WAY);
}

static bool observe(lua_State *L, const run *r, size_t done, double objective)
{
  lua_pushinteger(L, (lua_Integer)r->fit.start + 1);
  return latL_observe(L, done, objective, "restart");
}

static bool end_iteration(lua_State *L, run *r)
{
  const lat_fit_options *o = latL_optionsof(lua_touserdata(L, LATL_MODEL));
  size_t done = r->fit.em.iterations;
  double objective = r->fit.em.objective;
  publish_iteration(L, r);
  if (!r->shown) make_bar(L, r, o);
  r->shown = true;
  latL_drawbar(L, r->fit.start * o->max_iterations + done, objective);
  if (!observe(L, r, done, objective)) lat_fit_stop(&r->fit);
  return lat_clock() < r->until;
}

static int end_fit(lua_State *L, run *r, bool over)
{
  bool shown = r->fit.history == NULL;
  lat_fit_report report = r->fit.report;
  (void)over; /* the turn has no other end */
  conclude(L, r);
  if (!shown) show_at_once(L, r, &report);
  latL_endturn(&r->turn);
  return latL_returnmodel(L);
}

/* What is called in slices can be left for as long as the data's function likes to yield. */
static bool may_yield(lua_State *L, const run *r)
{
  return r->rows.source.next && lua_isyieldable(L);
}

/* fit(X [, {weights, missing, on_iteration, progress, max_seconds}]) -> the model */
static int fit_model(lua_State *L)
{
  run *r = new_run(L, 0);
  forget_under_way(L);
  r->slices = may_yield(L, r);
  r->until = INFINITY;
  r->iterated = end_iteration;
  r->rests = end_fit;
  if (r->request.max_seconds > 0) r->turn.work->deadline = lat_clock() + r->request.max_seconds;
  latL_beginturn(L, &r->turn);
  r->shown = lat_fit_form(&r->fit) == LAT_FORM_EM; /* unless entries are missing */
  if (r->shown) make_bar(L, r, latL_optionsof(lua_touserdata(L, LATL_MODEL)));
  return work_turn(L, LUA_OK, (lua_KContext)r);
}

/* ---- fits in slices of time ------------------------------------------------------------------ */

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
static bool goes_on(lua_State *L, const run *r)
{
  int top = lua_gettop(L);
  const latL_Matrix *A = push_identity(L);
  lua_getiuservalue(L, top, FIT_IDENTITY);
  bool same = lua_rawgeti(L, -1, 1) != LUA_TNIL && lua_rawequal(L, -1, top + 1);
  lua_settop(L, top);
  return same && (!A || same_view(&A->view, &r->identity)) && !r->aborted &&
         latL_isours(L, &r->turn);
}

static bool end_sliced_iteration(lua_State *L, run *r)
{
  publish_iteration(L, r);
  if (!observe(L, r, r->fit.em.iterations, r->fit.em.objective)) lat_fit_stop(&r->fit);
  return lat_clock() < r->until;
}

/* A run that is over says so as long as it is the model's, and keeps no data for it. */
static int end_slice(lua_State *L, run *r, bool over)
{
  if (over) conclude(L, r);
  for (int value = LATL_RUN_DATA; over && value <= LATL_RUN_OPTIONS; value++) {
    lua_pushnil(L);
    latL_hold(L, value);
  }
  lua_pushnil(L);
  if (over) latL_hold(L, FIT_WEIGHTS);
  latL_endturn(&r->turn);
  lua_pushboolean(L, over);
  return 1;
}

static run *new_sliced_run(lua_State *L)
{
  note_identity(L);
  run *r = new_run(L, 0);
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

/* fit_for(X, seconds [, {weights, missing, on_iteration}]) -> whether the fit is done */
static int fit_for(lua_State *L)
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
  run *r = luaL_testudata(L, -1, FIT);
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
  return work_turn(L, LUA_OK, (lua_KContext)r);
}

/* ---- steps ----------------------------------------------------------------------------------- */

/* The loop has been left, or is over. */
static void finish_steps(lua_State *L, run *r)
{
  if (r->ended) return;
  r->ended = true;
  lat_slice_leave(r->turn.work);
  if (r->fit.em.state && latL_isours(L, &r->turn)) {
    stop(L, r);
    conclude(L, r);
  }
  release(L, r);
}

/* With a budget a turn is a slice. */
static bool end_step(lua_State *L, run *r)
{
  publish_iteration(L, r);
  return r->request.budget > 0 && lat_clock() < r->until;
}

static int end_steps(lua_State *L, run *r, bool over)
{
  if (over) finish_steps(L, r);
  latL_endturn(&r->turn);
  if (over && !(r->request.budget > 0)) return 0;
  lua_pushinteger(L, (lua_Integer)r->iterations);
  if (r->iterations > 0)
    lua_pushnumber(L, r->objective);
  else
    lua_pushboolean(L, false);
  return 2;
}

static int next_step(lua_State *L)
{
  run *r = latL_resume(L, lua_upvalueindex(1));
  if (r->ended) {
    latL_endturn(&r->turn);
    return 0;
  }
  double budget = r->request.budget;
  r->slices = budget > 0 || may_yield(L, r) || lat_slice_open(r->turn.work);
  r->until = budget > 0 ? lat_clock() + budget : INFINITY;
  return work_turn(L, LUA_OK, (lua_KContext)r);
}

/* The run at 1 */
static int leave_steps(lua_State *L)
{
  run *r = latL_resume(L, 1);
  finish_steps(L, r);
  latL_endturn(&r->turn);
  return 0;
}

/* __close(run, error) */
static int close_run(lua_State *L)
{
  const run *r = luaL_testudata(L, 1, FIT);
  if (!r) return latL_error(L, "steps", "__close is for the loop to call");
  bool failed = !lua_isnoneornil(L, 2);
  if (r->ended) return 0;
  lua_settop(L, 1);
  if (failed) {
    latL_callquietly(L, leave_steps);
    return 0;
  }
  lua_pushcfunction(L, leave_steps);
  lua_insert(L, 1);
  lua_call(L, 1, 0);
  return 0;
}

/* steps(X [, {weights, missing, budget}]) -> iterator of i, objective */
static int steps(lua_State *L)
{
  run *r = new_run(L, 0);
  forget_under_way(L);
  r->caller.observed = r->fit.by_em = true;
  r->fit.starts = 1; /* turns count the iterations of one */
  r->iterated = end_step;
  r->rests = end_steps;
  latL_beginturn(L, &r->turn);
  data_of(L, r);
  if (!(r->request.budget > 0)) { /* else even that is in slices */
    lat_status status = give_data(r);
    if (status != LAT_OK) raise(L, r, status);
  }
  latL_endturn(&r->turn);
  return latL_pushsteps(L, next_step);
}

/* ---- online updates -------------------------------------------------------------------------- */

/* Gives the block on the top a history of its own: the updates before this one. */
static void copy_history(lua_State *L, const run *r)
{
  lua_Integer n = (lua_Integer)r->fit.em.iterations;
  lua_createtable(L, (int)n, 0);
  lua_getiuservalue(L, LATL_RUN, FIT_HISTORY);
  for (lua_Integer i = 1; i < n; i++) {
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
static void publish_online(lua_State *L, run *r)
{
  if (!latL_isours(L, &r->turn)) copy_history(L, r);
  latL_note(L, FIT_HISTORY, r->fit.em.iterations, r->fit.em.objective);
  latL_publishrun(L, &r->turn);
}

/* The model gets the updates as users see them. */
static void finish_online(lua_State *L, run *r)
{
  const lat_fit_kind *kind = r->fit.kind;
  if (!r->quiet && !kind->finish) { /* it has them, unless another fit has published since */
    lua_getiuservalue(L, LATL_RUN, LATL_RUN_LAST);
    latL_publish(L, LATL_MODEL);
    return;
  }
  push_present(L, r);
  lat_workspace *work = r->turn.work;
  lat_mark mark = lat_workspace_mark(work);
  lat_status status = kind->finish ? kind->finish(&r->fit, lua_touserdata(L, -1)) : LAT_OK;
  r->ended = true; /* a failure gives the run's memory back, so its guard finds nothing to do */
  if (status != LAT_OK) latL_check(L, r->turn.who, work, mark, status);
  publish_online(L, r);
  lua_settop(L, LATL_TOP);
}

static void update_all(lua_State *L, run *r)
{
  lat_workspace *work = r->turn.work;
  lat_source *data = data_of(L, r);
  const double *weights;
  lat_matrix X;
  lat_source_rewind(data);
  for (;;) {
    lat_status status = lat_source_next(data, work, &X, &weights);
    if (status == LAT_OK && X.rows == 0) return;
    if (status == LAT_OK) {
      status = lat_fit_update(&r->fit, &X, weights, r->request.rate);
      if (status != LAT_OK) status = lat_source_failure(data, work, status, r->fit.missing);
    }
    if (status != LAT_OK) raise(L, r, status);
    r->updated = true;
    if (r->quiet) continue;
    push_present(L, r);
    publish_online(L, r);
  }
}

/* partial_fit(X [, {weights, missing, rate}]) -> the model */
static int partial_fit(lua_State *L)
{
  run *r = new_run(L, latL_columnsbefore(L));
  forget_under_way(L);
  r->fit.online = r->caller.observed = true;
  r->quiet = !lat_source_in_pieces(&r->rows.source);
  r->fit.before = r->turn.last;
  if (r->turn.last && r->turn.last->updates > 0) {
    lua_getiuservalue(L, LATL_RUN, LATL_RUN_LAST);
    latL_recorded(L, -1, "history");
    latL_hold(L, FIT_HISTORY);
    lua_settop(L, LATL_TOP);
  }
  latL_beginturn(L, &r->turn);
  update_all(L, r);
  finish_online(L, r);
  r->ended = true;
  latL_endturn(&r->turn);
  release(L, r);
  return latL_returnmodel(L);
}

/* ---- the class ------------------------------------------------------------------------------- */

lua_CFunction latL_fitfunction(const char *name)
{
  if (strcmp(name, "fit") == 0) return fit_model;
  if (strcmp(name, "fit_for") == 0) return fit_for;
  return strcmp(name, "steps") == 0 ? steps : partial_fit;
}

void latL_open_fit(lua_State *L)
{
  latL_newclosed(L, FIT, close_run);
}
