/* em.c: the loop around the core's EM iterations, for every model. */
#include "model/em.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void latL_emoptions(lua_State *L, int arg, const char *who, latL_EmModel *m,
                    lua_Integer max_iterations, double tolerance, lua_Integer restarts)
{
  const lua_Integer most = LUA_MAXINTEGER;
  m->options.max_iterations =
      (size_t)latL_optinteger(L, arg, who, "max_iterations", max_iterations, 0, most);
  m->options.tolerance = latL_optnumber(L, arg, who, "tolerance", tolerance, 0, HUGE_VAL);
  m->options.accelerate = latL_optboolean(L, arg, who, "accelerate", false);
  m->restarts = (size_t)latL_optinteger(L, arg, who, "restarts", restarts, 1, most);
  m->seed = (uint64_t)latL_optinteger(L, arg, who, "seed", 0, LUA_MININTEGER, most);
}

static const char RUN[] = "latent.run"; /* no class of the users' */

/* ---- what a run is given --------------------------------------------------------------------- */

static void check_options(lua_State *L, const latL_EmKind *kind, const char *who,
                          const char *const options[], const char *const more[])
{
  const char *names[32] = {NULL};
  size_t n = 0;
  if (kind->missing) names[n++] = "missing";
  if (!kind->own_data) names[n++] = "weights";
  const char *const *lists[] = {options, more};
  for (int l = 0; l < 2; l++)
    for (const char *const *name = lists[l]; name && *name && n < 31; name++) names[n++] = *name;
  latL_checkoptions(L, LATL_OPTIONS, who, names);
}

static void fail(lua_State *L, latL_Turn *turn);

latL_Run *latL_newrun(lua_State *L, const latL_EmKind *kind, const char *who,
                      const char *const options[], const char *const more[], size_t columns)
{
  lua_settop(L, LATL_OPTIONS);
  luaL_checkstack(L, LATL_DEEP, who);
  const latL_EmModel *m = latL_checkmodel(L, &kind->base, who);
  check_options(L, kind, who, options, more);
  latL_Run *run = lua_newuserdatauv(L, sizeof *run, LATL_RUN_VALUES);
  *run = (latL_Run){.kind = kind, .who = who, .model = m, .L = L};
  run->missing = latL_optboolean(L, LATL_OPTIONS, who, "missing", false);
  run->observed = latL_optfunction(L, who, "on_iteration");
  if (!kind->own_data && (!kind->pass || latL_tomatrix(L, LATL_DATA))) {
    latL_checkrows(L, &run->rows, LATL_DATA, LATL_OPTIONS, who, columns);
    latL_hold(L, LATL_RUN_WEIGHTS);
    if (!run->rows.function)
      run->row_weight = latL_weight(run->rows.source.weights, run->rows.source.X.rows) /
                        (double)run->rows.source.X.rows;
  } else if (latL_getoption(L, LATL_OPTIONS, "weights") != LUA_TNIL) {
    latL_error(L, who, "weights are for a matrix");
  }
  lua_settop(L, LATL_RUN);
  run->observed |= run->rows.function || (kind->pass && !kind->own_data);
  for (int i = LATL_MODEL; i <= LATL_OPTIONS; i++) { /* the user values come in the same order */
    lua_pushvalue(L, i);
    latL_hold(L, i - LATL_MODEL + LATL_RUN_MODEL);
  }
  run->work = latL_newworkspace(L);
  latL_hold(L, LATL_RUN_WORK);
  run->last = latL_pushfitted(L, LATL_MODEL);
  latL_hold(L, LATL_RUN_LAST);
  run->turn = (latL_Turn){.who = who, .work = run->work, .failed = fail};
  luaL_setmetatable(L, RUN);
  latL_newguard(L);
  return run;
}

lat_matrix latL_sample(lua_State *L, latL_Run *run)
{
  if (!run->sample.data) {
    run->sample =
        latL_samplerows(L, &run->rows, LATL_DATA, run->who, run->missing, &run->sample_weights);
    latL_hold(L, LATL_RUN_SAMPLE);
  }
  return run->sample;
}

uint32_t *latL_optlabels(lua_State *L, latL_Run *run, size_t K)
{
  if (latL_getoption(L, LATL_OPTIONS, "labels") == LUA_TNIL) {
    lua_pop(L, 1);
    return NULL;
  }
  lat_matrix labels = latL_checkvector(L, lua_gettop(L), run->who, "labels");
  size_t N = run->rows.source.X.rows;
  if (run->rows.function || run->rows.source.mapped)
    latL_error(L, run->who, "labels are for a matrix in memory");
  if (labels.rows != N)
    latL_error(L, run->who, "there are %I labels for %I rows", (lua_Integer)labels.rows,
               (lua_Integer)N);
  uint32_t *to = lat_allocate(run->work, N, sizeof *to);
  if (!to) latL_error(L, run->who, "%s", run->work->message);
  for (size_t i = 0; i < N; i++) {
    double label = lat_get(&labels, i, 0);
    if (!(label >= 0 && label <= (double)K && label == floor(label)))
      latL_error(L, run->who, "label %I is %f; labels are integers from 0 (not known) to %I",
                 (lua_Integer)i + 1, label, (lua_Integer)K);
    to[i] = (uint32_t)label;
  }
  lua_pop(L, 1);
  run->labelled = true;
  return to;
}

/* ---- failures -------------------------------------------------------------------------------- */

/* Time that is up ends a fit as max_iterations does. */
bool latL_outoftime(lua_State *L, latL_Run *run, lat_status status)
{
  if (status == LAT_OK) return false;
  lat_workspace *work = run->work;
  run->over = run->stopped = true;
  if (status == LAT_CANCELLED && work->deadline > 0 && lat_clock() > work->deadline &&
      !work->poll(work->poll_state))
    return true;
  char message[sizeof work->message];
  memcpy(message, work->message, sizeof message);
  bool feeding = run->feeding;
  latL_giveup(L);
  work = latL_workspace(L);
  memcpy(work->message, message, sizeof message);
  lat_mark mark = lat_workspace_mark(work);
  if (!feeding) latL_check(L, run->who, work, mark, status);
  latL_failrows(L, &run->rows, run->who, work, mark, status, run->missing);
  return true;
}

/* ---- the record ------------------------------------------------------------------------------ */

static void keep_integer(lua_State *L, int fitted, const char *name, size_t value)
{
  lua_pushinteger(L, (lua_Integer)value);
  latL_record(L, fitted, name);
}

/* The fields that every model has after a fit. */
static void keep_record(lua_State *L, const lat_em *em, int fitted)
{
  keep_integer(L, fitted, "iterations", em->iterations);
  keep_integer(L, fitted, "drops", em->decreases);
  lua_pushnumber(L, em->largest_decrease);
  latL_record(L, fitted, "largest_drop");
  keep_integer(L, fitted, "refused", em->rejected);
  lua_pushboolean(L, em->converged);
  latL_record(L, fitted, "converged");
  if (em->kind->singular) {
    lua_pushboolean(L, em->singular);
    latL_record(L, fitted, "singular");
  }
  lua_getiuservalue(L, LATL_RUN, LATL_RUN_HISTORY);
  latL_record(L, fitted, "history");
}

/* What the core says of the parameters as they are. */
static void finish_start(lua_State *L, latL_Run *run)
{
  if (lat_em_finish(&run->em) != LAT_OK) latL_error(L, run->who, "%s", run->work->message);
}

latL_Fitted *latL_pushrun(lua_State *L, latL_Run *run)
{
  latL_Fitted *f = latL_newfitted(L, LATL_MODEL, run->em.sizes);
  int fitted = lua_gettop(L);
  memcpy(f->flat, run->parameters, run->em.count * sizeof *f->flat);
  finish_start(L, run);
  keep_record(L, &run->em, fitted);
  if (run->kind->publish) run->kind->publish(L, run, fitted);
  lua_settop(L, fitted);
  return f;
}

void latL_notehistory(lua_State *L, latL_Run *run)
{
  lua_getiuservalue(L, LATL_RUN, LATL_RUN_HISTORY);
  lua_pushnumber(L, run->em.objective);
  lua_rawseti(L, -2, (lua_Integer)run->em.iterations);
  lua_pop(L, 1);
}

void latL_publishrun(lua_State *L, latL_Run *run)
{
  lua_pushvalue(L, -1);
  latL_hold(L, LATL_RUN_LAST);
  run->last = lua_touserdata(L, -1);
  latL_publish(L, LATL_MODEL);
}

bool latL_isours(lua_State *L, const latL_Run *run)
{
  bool same = latL_pushfitted(L, LATL_MODEL) == run->last;
  lua_pop(L, 1); /* only compared */
  return same;
}

/* ---- one start ------------------------------------------------------------------------------- */

uint64_t latL_seedof(const latL_EmModel *m, size_t restart)
{
  enum { STREAM = 0x656d }; /* of its own, so that no model's draws are the seeds */
  lat_random words = {m->seed, STREAM, restart};
  return restart == 0 ? m->seed : lat_random_word(&words);
}

lat_status latL_planrun(lua_State *L, latL_Run *run)
{
  memset(run->sizes, 0, sizeof run->sizes);
  run->sizes[LAT_D] = run->rows.columns;
  run->kind->plan(L, run);
  size_t count = lat_parameters_count(run->core->parameters, run->sizes);
  run->parameters = lat_doubles(run->work, count);
  if (!run->parameters) return LAT_MEMORY;
  lat_em_options options = ((const latL_EmModel *)run->model)->options;
  options.missing = run->missing;
  return lat_em_init(&run->em, run->work, run->core, run->context, run->sizes, run->parameters,
                     &options);
}

/* Begins the start number run->restart. False when there is no time for it. */
static bool begin(lua_State *L, latL_Run *run)
{
  run->over = run->complete = false;
  run->em = (lat_em){0}; /* of the start before, whose memory goes */
  run->seed = latL_seedof(run->model, run->restart);
  lua_newtable(L);
  latL_hold(L, LATL_RUN_HISTORY);
  if (run->rows.function && run->restart == 0) latL_sample(L, run); /* tells the columns too */
  if (run->restart == 0) run->mark = lat_workspace_mark(run->work);
  lat_workspace_release(run->work, run->mark);
  lat_status status = latL_planrun(L, run);
  if (status == LAT_OK) status = run->kind->start(L, run);
  lua_settop(L, LATL_TOP);
  run->over = ((const latL_EmModel *)run->model)->options.max_iterations == 0;
  bool late = latL_outoftime(L, run, status);
  if (late && run->restart == 0)
    latL_error(L, run->who, "max_seconds are over before the start is");
  return !late;
}

static lat_status pass(lua_State *L, latL_Run *run)
{
  lat_matrix X;
  const double *weights;
  latL_rewind(&run->rows);
  while (latL_nextrows(L, &run->rows, LATL_DATA, run->who, &X, &weights)) {
    run->feeding = true;
    LAT_TRY(lat_em_add(&run->em, &X, weights));
    run->feeding = false;
    lua_settop(L, LATL_TOP);
  }
  return LAT_OK;
}

/* One iteration. False when it didn't come to its end. */
static bool iterate(lua_State *L, latL_Run *run)
{
  lat_em *em = &run->em;
  lat_status status = LAT_OK;
  run->complete = false;
  do { /* once more where the kind verifies that EM hasn't converged to a saddle */
    status = lat_em_begin(em);
    if (status == LAT_OK) status = run->kind->pass ? run->kind->pass(L, run) : pass(L, run);
    if (status == LAT_OK) status = lat_em_end(em);
  } while (status == LAT_OK && em->verifying);
  lua_settop(L, LATL_TOP);
  if (latL_outoftime(L, run, status)) return false;
  run->over = em->done;
  run->complete = true;
  if (run->observed) latL_pushrun(L, run);
  latL_notehistory(L, run); /* with what it belongs to, at once */
  if (run->observed) latL_publishrun(L, run);
  return true;
}

/* ---- several starts -------------------------------------------------------------------------- */

/* Gives the block on the top the statistics, scaled to weight 1, for a partial_fit to go on from.
 */
static void keep_statistics(lua_State *L, latL_Run *run)
{
  const lat_em *em = &run->em;
  size_t count = em->kind->statistics(em);
  if (run->kind->pass) return; /* what its user made isn't kept */
  /* those of an accelerated step that was refused are of no use */
  if (!run->complete || !isfinite(em->statistics[0])) return;
  latL_Fitted *f = lua_touserdata(L, -1);
  double *to = latL_newstatistics(L, -1, count);
  f->seen = em->statistics[1];
  for (size_t i = 0; i < count; i++) to[i] = em->statistics[i] / f->seen;
}

/* After one of several starts has ended: the objective of the parameters that it leaves. Those of a
 * fit that time or the user has ended are worth what their last iteration says at least. */
static void review(lua_State *L, latL_Run *run)
{
  lat_em *em = &run->em;
  if (run->stopped || em->iterations == 0 || ((const latL_EmModel *)run->model)->restarts == 1)
    return;
  lat_status status = lat_em_review(em);
  if (status == LAT_OK) status = run->kind->pass ? run->kind->pass(L, run) : pass(L, run);
  lua_settop(L, LATL_TOP);
  lat_em_reviewed(em, status);
  if (status == LAT_SINGULAR || status == LAT_DIVERGED)
    run->feeding = false; /* parameters without a likelihood: the worst there are */
  else
    latL_outoftime(L, run, status);
}

/* Is it the best? */
static void compare(lua_State *L, latL_Run *run)
{
  const lat_em *em = &run->em, *best = &run->best;
  bool first = best->kind == NULL;
  if (em->iterations == 0 && !first) return;
  lat_em_settle(&run->em);
  finish_start(L, run);
  if (!first && !lat_em_better(em, best)) return;
  latL_pushrun(L, run); /* also when no iteration was complete: the start is better than nothing */
  if (em->iterations > 0) {
    keep_statistics(L, run);
    latL_notehistory(L, run);
  }
  run->best = *em;
  latL_hold(L, LATL_RUN_BEST);
}

/* The run needs its memory no more, whoever holds it yet. */
static void release(lua_State *L, latL_Run *run)
{
  lua_pushnil(L);
  latL_hold(L, LATL_RUN_SAMPLE);
  lua_pushnil(L);
  latL_hold(L, LATL_RUN_OWN);
  run->sample = (lat_matrix){0};
  lat_workspace_done(run->work);
}

/* The model gets the best of what the run has come to, if it has come to anything. */
static void conclude(lua_State *L, latL_Run *run)
{
  run->ended = run->over = true;
  lua_getiuservalue(L, LATL_RUN, LATL_RUN_BEST);
  int fitted = lua_gettop(L);
  if (!lua_isnil(L, fitted)) {
    if (run->kind->finish) run->kind->finish(L, run, fitted);
    lua_settop(L, fitted);
    latL_publishrun(L, run);
  }
  lua_settop(L, LATL_TOP);
  release(L, run);
}

/* A call of the run has failed: as far as whole iterations go, it was a fit. */
static void fail(lua_State *L, latL_Turn *turn)
{
  latL_Run *run = (latL_Run *)turn;
  run->L = L;
  if (run->ended) return;
  run->aborted = run->ended = run->over = true;
  run->work->deadline = 0;
  if (latL_isours(L, run)) {
    if (!run->online && run->em.iterations > 0) compare(L, run);
    if (run->online)
      latL_failonline(L, run);
    else
      conclude(L, run);
  }
  release(L, run);
}

/* ---- the verbs ------------------------------------------------------------------------------- */

int latL_fit(lua_State *L, const latL_EmKind *kind, const char *who)
{
  static const char *const options[] = {"on_iteration", "progress", "max_seconds", NULL};
  latL_Run *run = latL_newrun(L, kind, who, options, kind->fit_options, 0);
  const latL_EmModel *m = run->model;
  double seconds = latL_optnumber(L, LATL_OPTIONS, who, "max_seconds", 0, 0, HUGE_VAL);
  if (seconds > 0) run->work->deadline = lat_clock() + seconds;
  latL_beginturn(L, &run->turn);
  latL_makebar(L, who, kind->base.name, m->options.max_iterations * m->restarts);
  for (; run->restart < m->restarts && !run->stopped; run->restart++) {
    if (!begin(L, run)) break;
    while (!run->over) {
      if (!iterate(L, run)) break;
      latL_drawbar(L, run->restart * m->options.max_iterations + run->em.iterations,
                   run->em.objective);
      if (!latL_observe(L, run->em.iterations, run->em.objective, run->restart + 1))
        run->over = run->stopped = true;
    }
    review(L, run);
    compare(L, run);
  }
  conclude(L, run);
  latL_endturn(&run->turn);
  return latL_returnmodel(L);
}

/* The loop has been left, or is over. */
static void finish_steps(lua_State *L, latL_Run *run)
{
  if (run->ended) return;
  run->ended = run->over = true;
  bool start = ((const latL_EmModel *)run->model)->options.max_iterations == 0;
  if ((run->em.iterations > 0 || start) && latL_isours(L, run)) {
    compare(L, run);
    conclude(L, run);
  }
  release(L, run);
}

static int next_step(lua_State *L)
{
  latL_Run *run = latL_resume(L, lua_upvalueindex(1));
  run->L = L;
  bool more = !run->over && iterate(L, run);
  if (!more) finish_steps(L, run);
  latL_endturn(&run->turn);
  if (!more) return 0;
  lua_pushinteger(L, (lua_Integer)run->em.iterations);
  lua_pushnumber(L, run->em.objective);
  return 2;
}

/* The run at 1 */
static int leave_steps(lua_State *L)
{
  latL_Run *run = latL_resume(L, 1);
  run->L = L;
  finish_steps(L, run);
  latL_endturn(&run->turn);
  return 0;
}

/* __close(run, error) */
static int close_run(lua_State *L)
{
  if (!luaL_testudata(L, 1, RUN)) latL_error(L, "steps", "__close is for the loop to call");
  bool failed = !lua_isnoneornil(L, 2);
  const latL_Run *run = luaL_testudata(L, 1, RUN);
  if (run->ended) return 0;
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

int latL_steps(lua_State *L, const latL_EmKind *kind, const char *who)
{
  static const char *const options[] = {NULL};
  latL_Run *run = latL_newrun(L, kind, who, options, kind->fit_options, 0);
  run->observed = true;
  latL_beginturn(L, &run->turn);
  begin(L, run);
  latL_endturn(&run->turn);
  return latL_pushsteps(L, next_step);
}

void latL_open_em(lua_State *L)
{
  latL_newclosed(L, RUN, close_run);
  latL_open_run(L);
}
