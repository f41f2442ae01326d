/* ica.c: latent.ica, independent component analysis: what the core's description doesn't say, and
 * its fits, whole and step by step. */
#include "model/fit.h"
#include "model/methods.h"
#include "model/run.h"
#include "model/source.h"

static const char RUN[] = "latent.ICA fit"; /* no class of the users' */

/* User values of a fit under way, behind those of any (run.h). */
enum {
  RUN_WEIGHTS = LATL_RUN_WORK + 1,
  RUN_HISTORY,
  RUN_LAST, /* the block that the run has published last */
  RUN_VALUES = RUN_LAST
};

typedef struct run {
  latL_Turn turn;
  latL_Rows rows;
  lat_request request;
  bool over; /* of `steps`: no more of them */
  lat_ica_search fit;
  const latL_Fitted *last;
} run;

/* The matrix `init`, which the model keeps. */
static void read_options(lua_State *L, int model, void *options)
{
  if (!latL_hasoption(L, 1, "init")) return;
  latL_getoption(L, 1, "init");
  const latL_Matrix *init = latL_checkmatrix(L, lua_gettop(L), "ica", "init");
  latL_Matrix *copy = latL_newlike(L, init, LAT_FLOAT64);
  lat_copy(&init->view, &copy->view);
  ((lat_ica_options *)options)->init = &copy->view;
  latL_keep(L, model, "(init)"); /* no field of the user's */
}

/* A call has failed: the model has what it had. */
static void fail(lua_State *L, latL_Turn *turn)
{
  (void)L;
  ((run *)turn)->over = true;
}

/* ---- passes ---------------------------------------------------------------------------------- */

static void check(lua_State *L, run *r, lat_status status)
{
  lat_workspace *work = r->turn.work;
  if (status != LAT_OK) latL_check(L, r->turn.who, work, lat_workspace_mark(work), status);
}

static run *begin(lua_State *L)
{
  const char *who = latL_verb(L);
  lat_request request;
  const latL_Model *m = latL_beginfit(L, &request);
  run *r = lua_newuserdatauv(L, sizeof *r, RUN_VALUES);
  *r = (run){.request = request};
  latL_optfunction(L, who, "on_iteration");
  latL_checkrows(L, &r->rows, LATL_DATA, LATL_OPTIONS, who, 0);
  latL_hold(L, RUN_WEIGHTS);
  lat_workspace *work = latL_holdrun(L, &r->turn, who, RUN, fail);
  const lat_ica_options *o = latL_optionsof(m);
  lua_newtable(L);
  latL_hold(L, RUN_HISTORY);
  latL_beginturn(L, &r->turn);
  latL_makebar(L, r->turn.who, "ica", o->max_iterations);
  check(L, r, lat_ica_start(&r->fit, work, latL_readrows(L, &r->rows), o));
  lua_settop(L, LATL_TOP);
  return r;
}

/* Passes until an iteration is complete, also one of a start, or the fit is over. True for an
 * iteration of the fit itself. */
static bool iterate(lua_State *L, run *r)
{
  lat_ica_search *fit = &r->fit;
  size_t before = fit->iterations;
  check(L, r, lat_ica_iterate(fit, latL_readrows(L, &r->rows)));
  lua_settop(L, LATL_TOP);
  if (fit->starting || fit->iterations == 0 || fit->iterations == before) return false;
  lua_getiuservalue(L, LATL_RUN, RUN_HISTORY);
  lua_pushnumber(L, fit->objective);
  lua_rawseti(L, -2, (lua_Integer)fit->iterations);
  lua_settop(L, LATL_TOP);
  return true;
}

/* ---- what the model gets --------------------------------------------------------------------- */

static void record(lua_State *L, int fitted, const lat_ica_report *report)
{
  const struct {
    const char *name;
    double value;
  } numbers[] = {
      {"objective", report->objective}, {"gradient", report->gradient}, {"change", report->change}};
  lua_pushinteger(L, (lua_Integer)report->iterations);
  latL_record(L, fitted, "iterations");
  lua_pushboolean(L, report->converged);
  latL_record(L, fitted, "converged");
  lua_pushstring(L, lat_ica_algorithms[report->algorithm]);
  latL_record(L, fitted, "algorithm");
  lua_pushboolean(L, report->identifiable);
  latL_record(L, fitted, "identifiable");
  for (int i = 0; i < 3; i++) {
    lua_pushnumber(L, numbers[i].value);
    latL_record(L, fitted, numbers[i].name);
  }
}

/* The parameters, and the fields that say how the fit went. */
static void publish(lua_State *L, run *r)
{
  lat_ica_search *fit = &r->fit;
  const size_t sizes[LAT_SIZES] = {[LAT_D] = fit->D, [LAT_M] = fit->M};
  latL_Fitted *f = latL_newfitted(L, LATL_MODEL, sizes);
  int fitted = lua_gettop(L);
  check(L, r, lat_ica_conclude(fit, latL_readrows(L, &r->rows), f->flat));
  lua_settop(L, fitted);
  lat_ica ica = lat_ica_of(f);
  lat_ica_report report = lat_ica_report_of(fit, &ica);
  record(L, fitted, &report);
  lua_getiuservalue(L, LATL_RUN, RUN_HISTORY);
  latL_record(L, fitted, "history");
  lua_pushvalue(L, fitted);
  latL_hold(L, RUN_LAST);
  r->last = f;
  latL_publish(L, LATL_MODEL);
  lua_settop(L, LATL_TOP);
}

/* on_iteration{iteration=, objective=, gradient=, model=}; false ends the fit. */
static bool observe(lua_State *L, run *r)
{
  if (!latL_hasoption(L, LATL_OPTIONS, "on_iteration")) return true;
  publish(L, r);
  latL_beginobserve(L, r->fit.iterations, r->fit.objective);
  lua_pushnumber(L, r->fit.gradient);
  lua_setfield(L, -2, "gradient");
  return latL_endobserve(L);
}

/* ---- methods --------------------------------------------------------------------------------- */

/* fit(X [, {weights, on_iteration, progress, max_seconds}]) -> the model */
static int fit(lua_State *L)
{
  double start = lat_clock();
  run *r = begin(L);
  double end = start + r->request.max_seconds;
  for (bool first = true; !r->fit.done && (first || lat_clock() < end); first = false) {
    if (!iterate(L, r)) continue;
    latL_drawbar(L, r->fit.iterations, r->fit.objective);
    if (!observe(L, r)) break;
  }
  publish(L, r);
  latL_endturn(&r->turn);
  lat_workspace_done(r->turn.work);
  return latL_returnmodel(L);
}

/* No more iterations. */
static void end_run(run *r)
{
  if (!r->over) lat_workspace_done(r->turn.work);
  r->over = true;
}

/* Whether nobody else has published since the run did: the last pass, which may find that it has
 * converged, changes nothing then. */
static bool is_ours(lua_State *L, const run *r)
{
  bool same = latL_pushfitted(L, LATL_MODEL) == r->last;
  lua_pop(L, 1); /* only compared */
  return same;
}

static int next_step(lua_State *L)
{
  run *r = latL_resume(L, lua_upvalueindex(1));
  bool complete = false;
  while (!r->over && !complete && !r->fit.done) complete = iterate(L, r);
  if (complete || (!r->over && r->fit.converged && is_ours(L, r))) publish(L, r);
  if (!complete) end_run(r);
  latL_endturn(&r->turn);
  if (!complete) return 0;
  lua_pushinteger(L, (lua_Integer)r->fit.iterations);
  lua_pushnumber(L, r->fit.objective);
  return 2;
}

/* __close(run): the loop has been left, or is over. */
static int close_run(lua_State *L)
{
  run *r = luaL_testudata(L, 1, RUN);
  if (!r) return latL_error(L, "ica:steps", "__close is for the loop to call");
  if (r->over) return 0;
  latL_resume(L, 1);
  end_run(r);
  latL_endturn(&r->turn);
  return 0;
}

/* steps(X [, {weights}]) -> iterator of i, objective */
static int steps(lua_State *L)
{
  run *r = begin(L);
  latL_endturn(&r->turn);
  return latL_pushsteps(L, next_step);
}

/* ---- the class ------------------------------------------------------------------------------- */

static const luaL_Reg methods[] = {{"fit", fit}, {"steps", steps}, {NULL, NULL}};
static const latL_Kind kind = {.name = "ica",
                               .metatable = "latent.ICA",
                               .gaps = LATL_GAPS_BY("fa"),
                               .core = &lat_ica_model,
                               .read = read_options,
                               .methods = methods};

void latL_open_ica(lua_State *L)
{
  latL_newclosed(L, RUN, close_run);
  latL_openmodel(L, &kind);
}
