/* em.c: the loop around the core's EM iterations, for every model. */
#include "em.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void latL_emoptions(lua_State *L, int arg, const char *who, latL_EmModel *m,
                    lua_Integer max_iterations, double tolerance, lua_Integer restarts)
{
  const lua_Integer most = LUA_MAXINTEGER;
  m->options.max_iterations =
      (size_t)latL_optinteger(L, arg, who, "max_iterations", max_iterations, 1, most);
  m->options.tolerance = latL_optnumber(L, arg, who, "tolerance", tolerance, 0, HUGE_VAL);
  m->options.accelerate = latL_optboolean(L, arg, who, "accelerate", false);
  m->restarts = (size_t)latL_optinteger(L, arg, who, "restarts", restarts, 1, most);
  m->seed = (uint64_t)latL_optinteger(L, arg, who, "seed", 0, LUA_MININTEGER, most);
}

static const char RUN[] = "latent.run"; /* no class of the users' */
enum { DEEP = 40 };                     /* stack for the kinds' functions */

/* ---- what a run is given ---------------------------------------------------------------- */

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

bool latL_optfunction(lua_State *L, const char *who, const char *name)
{
  int type = latL_getoption(L, LATL_OPTIONS, name);
  if (type != LUA_TNIL && type != LUA_TFUNCTION)
    latL_error(L, who, "%s must be a function, got %s", name, luaL_typename(L, -1));
  lua_pop(L, 1);
  return type == LUA_TFUNCTION;
}

void latL_hold(lua_State *L, int value)
{
  lua_setiuservalue(L, LATL_RUN, value);
}

latL_Run *latL_newrun(lua_State *L, const latL_EmKind *kind, const char *who,
                      const char *const options[], const char *const more[])
{
  lua_settop(L, LATL_OPTIONS);
  luaL_checkstack(L, DEEP, who);
  latL_EmModel *m = latL_checkmodel(L, &kind->base, who, false);
  check_options(L, kind, who, options, more);
  latL_Run *run = lua_newuserdatauv(L, sizeof *run, LATL_RUN_VALUES);
  *run = (latL_Run){.kind = kind, .who = who, .model = m, .L = L};
  run->missing = latL_optboolean(L, LATL_OPTIONS, who, "missing", false);
  run->observed = latL_optfunction(L, who, "on_iteration");
  if (!kind->own_data && (!kind->pass || latL_tomatrix(L, LATL_DATA))) {
    latL_checkrows(L, &run->rows, LATL_DATA, LATL_OPTIONS, who);
    latL_hold(L, LATL_RUN_WEIGHTS);
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
  luaL_setmetatable(L, RUN);
  lua_settop(L, LATL_TOP);
  return run;
}

void *latL_resume(lua_State *L, int at)
{
  lua_pushvalue(L, at);
  lua_replace(L, 1);
  lua_settop(L, 1);
  luaL_checkstack(L, DEEP, NULL);
  for (int i = LATL_RUN_MODEL; i <= LATL_RUN_OPTIONS; i++) lua_getiuservalue(L, 1, i);
  lua_pushvalue(L, 1);
  lua_remove(L, 1);
  lua_getiuservalue(L, LATL_RUN, LATL_RUN_WORK);
  if (latL_workspacegone(L, -1)) latL_failgone(L, "steps", "loop's memory");
  lua_settop(L, LATL_TOP);
  latL_workspace(L);
  return lua_touserdata(L, LATL_RUN);
}

static latL_Run *resume(lua_State *L, int at)
{
  latL_Run *run = latL_resume(L, at);
  run->L = L;
  return run;
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
  size_t N = run->rows.X.rows;
  if (run->rows.function || run->rows.file)
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
  return to;
}

/* ---- failures ----------------------------------------------------------------------------------- */

/* Time that is up ends a fit as max_iterations does. */
bool latL_outoftime(lua_State *L, latL_Run *run, lat_status status)
{
  if (status == LAT_OK) return false;
  lat_workspace *work = run->work;
  run->over = run->stopped = true;
  if (status == LAT_CANCELLED && work->deadline > 0 && lat_clock() > work->deadline &&
      !work->poll(work->poll_state))
    return true;
  if (!run->feeding) latL_check(L, run->who, work, run->mark, status);
  latL_failrows(L, &run->rows, run->who, work, run->mark, status, run->missing);
  return true;
}

/* ---- the record ------------------------------------------------------------------------------------ */

static void keep_integer(lua_State *L, const char *name, size_t value)
{
  lua_pushinteger(L, (lua_Integer)value);
  latL_keep(L, LATL_MODEL, name);
}

/* The fields that every model has after a fit. */
static void keep_record(lua_State *L, const lat_em *em)
{
  keep_integer(L, "iterations", em->iterations);
  keep_integer(L, "drops", em->drops);
  lua_pushnumber(L, em->largest_drop);
  latL_keep(L, LATL_MODEL, "largest_drop");
  keep_integer(L, "refused", em->refused);
  lua_pushboolean(L, em->converged);
  latL_keep(L, LATL_MODEL, "converged");
  if (em->kind->singular) {
    lua_pushboolean(L, em->singular);
    latL_keep(L, LATL_MODEL, "singular");
  }
  lua_getiuservalue(L, LATL_RUN, LATL_RUN_HISTORY);
  latL_keep(L, LATL_MODEL, "history");
}

/* What the core says of the parameters as they are. The memory that is released on failure is the run's. */
static void finish_start(lua_State *L, latL_Run *run)
{
  lat_status status = lat_em_finish(&run->em);
  if (status != LAT_OK) latL_check(L, run->who, run->work, run->mark, status);
}

void latL_publishrun(lua_State *L, latL_Run *run)
{
  latL_EmModel *m = run->model;
  size_t bytes = run->em.count * sizeof(double);
  if (!run->in_place) {
    double *to = latL_newmatrix(L, 1, run->em.count ? run->em.count : 1, LAT_FLOAT64)->view.data;
    memcpy(to, run->parameters, bytes);
    latL_adopt(L, LATL_MODEL, run->em.sizes);
    run->in_place = !run->observed;
  } else {
    memcpy(m->base.flat, run->parameters, bytes);
  }
  finish_start(L, run);
  keep_record(L, &run->em);
  if (run->kind->publish) run->kind->publish(L, run);
}

/* ---- one start ---------------------------------------------------------------------------------------- */

static uint64_t seed_of(const latL_EmModel *m, size_t restart)
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
  lat_em_options options = ((latL_EmModel *)run->model)->options;
  options.missing = run->missing;
  return lat_em_init(&run->em, run->work, run->core, run->context, run->sizes, run->parameters,
                     &options);
}

/* Begins the start number run->restart. False when there is no time for it. */
static bool begin(lua_State *L, latL_Run *run)
{
  run->in_place = run->over = false;
  run->seed = seed_of(run->model, run->restart);
  lua_newtable(L);
  latL_hold(L, LATL_RUN_HISTORY);
  if (run->rows.function && run->restart == 0) latL_sample(L, run); /* tells the columns too */
  if (run->restart == 0) run->mark = lat_workspace_mark(run->work);
  lat_workspace_release(run->work, run->mark);
  lat_status status = latL_planrun(L, run);
  if (status == LAT_OK) status = run->kind->start(L, run);
  lua_settop(L, LATL_TOP);
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
  do { /* once more where the kind verifies that EM hasn't converged to a saddle */
    status = lat_em_begin(em);
    if (status == LAT_OK) status = run->kind->pass ? run->kind->pass(L, run) : pass(L, run);
    if (status == LAT_OK) status = lat_em_end(em);
  } while (status == LAT_OK && em->verifying);
  lua_settop(L, LATL_TOP);
  if (latL_outoftime(L, run, status)) return false;
  run->over = em->done;
  lua_getiuservalue(L, LATL_RUN, LATL_RUN_HISTORY);
  lua_pushnumber(L, em->objective);
  lua_rawseti(L, -2, (lua_Integer)em->iterations);
  lua_settop(L, LATL_TOP);
  /* later starts show only to who looks on, so that an interrupted fit keeps the best */
  if (run->restart == 0 || run->observed) latL_publishrun(L, run);
  return true;
}

/* ---- several starts -------------------------------------------------------------------------------------- */

/* Keeps the statistics, scaled to weight 1, for a partial_fit to go on from. */
static void keep_statistics(lua_State *L, latL_Run *run)
{
  latL_EmModel *m = run->model;
  const lat_em *em = &run->em;
  size_t count = em->kind->statistics(em);
  if (run->kind->pass) return; /* what its user made isn't kept */
  m->seen = em->statistics[1];
  lat_matrix to = latL_newmatrix(L, 1, count, LAT_FLOAT64)->view;
  for (size_t i = 0; i < count; i++) ((double *)to.data)[i] = em->statistics[i] / m->seen;
  /* those of an accelerated step that was refused are of no use */
  if (!isfinite(em->statistics[0])) m->seen = 0;
  lua_setiuservalue(L, LATL_MODEL, LATL_STATE);
}

/* Pushes a copy of the model's fields, which a later start may change. */
static void copy_fields(lua_State *L)
{
  lua_newtable(L);
  lua_getiuservalue(L, LATL_MODEL, LATL_KEPT);
  for (lua_pushnil(L); lua_next(L, -2);) {
    lua_pushvalue(L, -2);
    lua_insert(L, -2);
    lua_rawset(L, -5);
  }
  lua_pop(L, 1);
}

/* After one of several starts has ended: the objective of the parameters that it leaves. Those of a fit
 * that time or the user has ended are worth what their last iteration says at least. */
static void review(lua_State *L, latL_Run *run)
{
  lat_em *em = &run->em;
  if (run->stopped || em->iterations == 0 || ((latL_EmModel *)run->model)->restarts == 1) return;
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
  const lat_em *em = &run->em;
  if (em->iterations == 0 && run->restart > 0) return;
  finish_start(L, run);
  if (run->restart > 0 && !lat_em_better(em, &run->best)) return;
  latL_publishrun(L,
                  run); /* also when no iteration was complete: the start is better than nothing */
  if (em->iterations > 0) keep_statistics(L, run);
  run->best = *em;
  lua_getiuservalue(L, LATL_MODEL, LATL_PARAMETERS);
  latL_hold(L, LATL_RUN_BEST);
  copy_fields(L);
  latL_hold(L, LATL_RUN_BEST_FIELDS);
}

/* From here on only the record in run->em holds; its memory was a later start's, maybe. */
static void adopt_best(lua_State *L, latL_Run *run)
{
  lua_getiuservalue(L, LATL_RUN, LATL_RUN_BEST);
  latL_adopt(L, LATL_MODEL, run->best.sizes);
  lua_getiuservalue(L, LATL_RUN, LATL_RUN_BEST_FIELDS);
  lua_setiuservalue(L, LATL_MODEL, LATL_KEPT);
  run->em = run->best;
  run->parameters = ((latL_EmModel *)run->model)->base.flat;
}

/* ---- who looks on ------------------------------------------------------------------------------------------ */

bool latL_observe(lua_State *L, size_t iteration, double objective, size_t restart)
{
  bool go_on = true;
  if (latL_getoption(L, LATL_OPTIONS, "on_iteration") == LUA_TFUNCTION) {
    lua_createtable(L, 0, 4);
    lua_pushinteger(L, (lua_Integer)iteration);
    lua_setfield(L, -2, "iteration");
    lua_pushnumber(L, objective);
    lua_setfield(L, -2, "objective");
    lua_pushinteger(L, (lua_Integer)restart);
    lua_setfield(L, -2, "restart");
    lua_pushvalue(L, LATL_MODEL);
    lua_setfield(L, -2, "model");
    lua_call(L, 1, 1);
    latL_workspace(L);
    go_on = !lua_isboolean(L, -1) || lua_toboolean(L, -1);
  }
  lua_settop(L, LATL_TOP);
  return go_on;
}

void latL_makebar(lua_State *L, const char *who, const char *label, size_t total)
{
  if (!latL_optboolean(L, LATL_OPTIONS, who, "progress", false)) return;
  lua_getglobal(L, "require");
  lua_pushliteral(L, "latent.progress");
  lua_call(L, 1, 1);
  lua_getfield(L, -1, "bar");
  lua_pushinteger(L, (lua_Integer)total);
  lua_createtable(L, 0, 1);
  lua_pushstring(L, label);
  lua_setfield(L, -2, "label");
  lua_call(L, 2, 1);
  lua_replace(L, LATL_BAR);
  lua_settop(L, LATL_TOP);
  lua_toclose(L, LATL_BAR);
}

void latL_drawbar(lua_State *L, size_t done, double objective)
{
  if (lua_isnil(L, LATL_BAR)) return;
  lua_getfield(L, LATL_BAR, "update");
  lua_pushvalue(L, LATL_BAR);
  lua_pushinteger(L, (lua_Integer)done);
  char text[32];
  snprintf(text, sizeof text, "%.6g", objective);
  lua_pushstring(L, text);
  lua_call(L, 3, 0);
  latL_workspace(L);
}

/* ---- the verbs ---------------------------------------------------------------------- */

int latL_fit(lua_State *L, const latL_EmKind *kind, const char *who)
{
  static const char *const options[] = {"on_iteration", "progress", "max_seconds", NULL};
  latL_Run *run = latL_newrun(L, kind, who, options, kind->fit_options);
  latL_EmModel *m = run->model;
  double seconds = latL_optnumber(L, LATL_OPTIONS, who, "max_seconds", 0, 0, HUGE_VAL);
  if (seconds > 0) run->work->deadline = lat_clock() + seconds;
  latL_makebar(L, who, kind->base.name, m->options.max_iterations * m->restarts);
  m->updates = 0;
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
  adopt_best(L, run);
  if (kind->finish) kind->finish(L, run);
  lat_workspace_done(run->work);
  lua_settop(L, 1);
  return 1;
}

/* The loop has been left, or is over. */
static void finish_steps(lua_State *L, latL_Run *run)
{
  run->over = true;
  if (run->stopped || run->em.iterations == 0) return;
  run->stopped = true;
  keep_statistics(L, run);
  if (run->kind->finish) run->kind->finish(L, run);
  lat_workspace_done(run->work);
}

static int next_step(lua_State *L)
{
  latL_Run *run = resume(L, lua_upvalueindex(1));
  if (run->over || !iterate(L, run)) {
    finish_steps(L, run);
    return 0;
  }
  lua_pushinteger(L, (lua_Integer)run->em.iterations);
  lua_pushnumber(L, run->em.objective);
  return 2;
}

/* __close(run, error) */
static int close_run(lua_State *L)
{
  if (!luaL_testudata(L, 1, RUN)) latL_error(L, "steps", "__close is for the loop to call");
  bool failed = !lua_isnoneornil(L, 2);
  latL_Run *run = resume(L, 1);
  if (!failed) finish_steps(L, run);
  return 0;
}

int latL_steps(lua_State *L, const latL_EmKind *kind, const char *who)
{
  static const char *const options[] = {NULL};
  latL_Run *run = latL_newrun(L, kind, who, options, kind->fit_options);
  run->observed = true;
  ((latL_EmModel *)run->model)->updates = 0;
  begin(L, run);
  return latL_pushsteps(L, next_step);
}

void latL_open_em(lua_State *L)
{
  latL_newmetatable(L, RUN);
  lua_pushcfunction(L, close_run);
  lua_setfield(L, -2, "__close");
  lua_pop(L, 1);
}
