/* fit_steps.c: the methods fit and steps of all models that the core describes; see fit.h. */
#include "model/fit.h"

#include <math.h>
#include <string.h>

#include "model/fit_run.h"

/* ---- fit ------------------------------------------------------------------------------------- */

static size_t most_iterations(lua_State *L)
{
  const lat_fit_options *o = latL_optionsof(lua_touserdata(L, LATL_MODEL));
  return o->max_iterations * (o->restarts ? o->restarts : 1);
}

/* A fit without iterations is one step, at whose end it shows what it has found. */
static void show_at_once(lua_State *L, const lat_fit_report *report)
{
  latL_totalofbar(L, report->iterations);
  latL_drawbar(L, report->iterations, report->objective, NULL, 0);
  lua_pushinteger(L, 1);
  latL_observe(L, report->iterations, report->objective, "restart");
}

/* What isn't an iteration: the rows that starts are made of, and starts; and what comes after. */
static const char *phase_of(const lat_fit *fit)
{
  switch (fit->pass) {
  case LAT_PASS_NONE:
    return "start";
  case LAT_PASS_SAMPLE:
    return "sample";
  case LAT_PASS_REVIEW:
    return "review";
  case LAT_PASS_LAST:
    return "last pass";
  default:
    return NULL;
  }
}

/* Draws what is done: iterations of all starts, and of the next one, or of what is between them,
 * this share; of a fit without iterations the share of all. */
static void draw(lua_State *L, const latL_FitRun *r, double objective, double share)
{
  const lat_fit_options *o = latL_optionsof(lua_touserdata(L, LATL_MODEL));
  size_t done = r->fit.start * o->max_iterations + r->fit.em.iterations;
  if (!r->shown)
    latL_drawbar(L, 0, NAN, NULL, share);
  else
    latL_drawbar(L, done, done > 0 ? objective : NAN, phase_of(&r->fit), fmax(share, 0));
}

static void look(lua_State *L, latL_Work *w)
{
  latL_FitRun *r = (latL_FitRun *)w;
  draw(L, r, r->objective, w->turn.work->progress.share);
  w->until = lat_clock() + LATL_LOOKS;
}

static bool end_iteration(lua_State *L, latL_Work *w)
{
  latL_FitRun *r = (latL_FitRun *)w;
  size_t done = r->fit.em.iterations;
  double objective = r->fit.em.objective;
  latL_publishiteration(L, r);
  if (!r->shown) latL_totalofbar(L, most_iterations(L));
  r->shown = true;
  draw(L, r, objective, 0);
  lat_status status = lat_fit_go_on(&r->fit, latL_observefit(L, r, done, objective));
  r->work.told = status != LAT_OK;
  if (status != LAT_OK) latL_raiserun(L, &r->work.turn, status);
  return r->work.looks || lat_clock() < r->work.until;
}

static int end_fit(lua_State *L, latL_Work *w, bool over)
{
  latL_FitRun *r = (latL_FitRun *)w;
  bool shown = r->fit.history == NULL;
  lat_fit_report report = r->fit.report;
  (void)over; /* the turn has no other end */
  latL_concludefit(L, r);
  if (!shown) show_at_once(L, &report);
  latL_endturn(&r->work.turn);
  return latL_returnmodel(L);
}

/* fit(X [, {weights, missing, on_iteration, progress, max_seconds}]) -> the model */
static int fit_model(lua_State *L)
{
  latL_FitRun *r = latL_newfitrun(L, 0);
  latL_forgetfit(L);
  if (latL_wantsbar(L)) r->work.looks = look;
  r->work.slices = r->work.looks || latL_mayyield(L, &r->work);
  r->work.until = r->work.looks ? lat_clock() + LATL_LOOKS : INFINITY;
  r->work.iterated = end_iteration;
  r->work.rests = end_fit;
  if (r->request.max_seconds > 0)
    r->work.turn.work->deadline = lat_clock() + r->request.max_seconds;
  latL_beginturn(L, &r->work.turn);
  r->shown = lat_fit_form(&r->fit) == LAT_FORM_EM; /* unless entries are missing */
  latL_makebar(L, r->work.turn.who, r->kind->name, r->shown ? most_iterations(L) : 1);
  return latL_workturn(L, LUA_OK, (lua_KContext)r);
}

/* ---- fit_for --------------------------------------------------------------------------------- */

static bool end_sliced_iteration(lua_State *L, latL_Work *w)
{
  latL_FitRun *r = (latL_FitRun *)w;
  latL_publishiteration(L, r);
  if (!latL_observefit(L, r, r->fit.em.iterations, r->fit.em.objective)) lat_fit_stop(&r->fit);
  return lat_clock() < w->until;
}

static void conclude(lua_State *L, latL_Work *w)
{
  latL_concludefit(L, (latL_FitRun *)w);
}

static latL_Work *new_sliced_run(lua_State *L)
{
  latL_FitRun *r = latL_newfitrun(L, 0);
  r->caller.observed = true;
  r->work.iterated = end_sliced_iteration;
  r->work.concludes = conclude;
  return &r->work;
}

/* fit_for(X, seconds [, {weights, missing, on_iteration}]) -> whether the fit is done */
static int fit_for(lua_State *L)
{
  return latL_fitslices(L, new_sliced_run);
}

/* ---- steps ----------------------------------------------------------------------------------- */

/* The loop has been left, or is over. */
static void finish_steps(lua_State *L, latL_FitRun *r)
{
  if (r->work.ended) return;
  r->work.ended = true;
  lat_slice_leave(r->work.turn.work);
  if (r->fit.em.state && latL_isours(L, &r->work.turn)) {
    latL_stopfit(L, r);
    latL_concludefit(L, r);
  }
  latL_releasefit(L, r);
}

/* With a budget a turn is a slice. */
static bool end_step(lua_State *L, latL_Work *w)
{
  latL_FitRun *r = (latL_FitRun *)w;
  latL_publishiteration(L, r);
  return r->request.budget > 0 && lat_clock() < r->work.until;
}

static int end_steps(lua_State *L, latL_Work *w, bool over)
{
  latL_FitRun *r = (latL_FitRun *)w;
  if (over) finish_steps(L, r);
  latL_endturn(&r->work.turn);
  if (over && !(r->request.budget > 0)) return 0;
  return latL_pushiteration(L, r->iterations, r->objective);
}

static int next_step(lua_State *L)
{
  latL_FitRun *r = latL_resume(L, lua_upvalueindex(1));
  if (r->work.ended) {
    latL_endturn(&r->work.turn);
    return 0;
  }
  double budget = r->request.budget;
  r->work.slices = budget > 0 || latL_mayyield(L, &r->work) || lat_slice_open(r->work.turn.work);
  r->work.until = budget > 0 ? lat_clock() + budget : INFINITY;
  return latL_workturn(L, LUA_OK, (lua_KContext)r);
}

/* The run at 1 */
static int leave_steps(lua_State *L)
{
  latL_FitRun *r = latL_resume(L, 1);
  finish_steps(L, r);
  latL_endturn(&r->work.turn);
  return 0;
}

/* __close(run, error) */
static int close_run(lua_State *L)
{
  const latL_FitRun *r = luaL_testudata(L, 1, LATL_FIT);
  if (!r) return latL_error(L, "steps", "__close is for the loop to call");
  bool failed = !lua_isnoneornil(L, 2);
  if (r->work.ended) return 0;
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
  latL_FitRun *r = latL_newfitrun(L, 0);
  latL_forgetfit(L);
  r->caller.observed = r->fit.by_em = true;
  r->fit.starts = 1; /* turns count the iterations of one */
  r->work.iterated = end_step;
  r->work.rests = end_steps;
  latL_beginturn(L, &r->work.turn);
  latL_fitdata(L, r);
  if (!(r->request.budget > 0)) { /* else even that is in slices */
    lat_status status = latL_givedata(r);
    if (status != LAT_OK) latL_raiserun(L, &r->work.turn, status);
  }
  latL_endturn(&r->work.turn);
  return latL_pushsteps(L, next_step);
}

/* ---- the class ------------------------------------------------------------------------------- */

lua_CFunction latL_fitfunction(const char *name)
{
  if (strcmp(name, "fit") == 0) return fit_model;
  if (strcmp(name, "fit_for") == 0) return fit_for;
  return strcmp(name, "steps") == 0 ? steps : latL_partialfit;
}

void latL_open_fit(lua_State *L)
{
  latL_newclosed(L, LATL_FIT, close_run);
}
