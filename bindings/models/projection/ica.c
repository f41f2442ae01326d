/* ica.c: latent.ica, independent component analysis: what the core's description doesn't say, and
 * its fits, whole and step by step. */
#include "model/fit.h"
#include "model/methods.h"
#include "model/run.h"
#include "model/source.h"

static const char RUN[] = "latent.ICA fit"; /* no class of the users' */

/* User values of a fit under way, behind those of any (run.h). */
enum { RUN_WEIGHTS = LATL_RUN_LAST + 1, RUN_HISTORY, RUN_VALUES = RUN_HISTORY };

typedef struct run {
  latL_Turn turn;
  latL_Rows rows;
  lat_request request;
  bool over; /* of `steps`: no more of them */
  lat_ica_search fit;
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
  latL_optfunction(L, LATL_OPTIONS, who, "on_iteration");
  lua_pop(L, 1);
  latL_checkprogress(L, LATL_OPTIONS, who);
  latL_checkrows(L, &r->rows, LATL_DATA, LATL_OPTIONS, who, 0);
  latL_hold(L, RUN_WEIGHTS);
  latL_run(L, who, latL_takeweights, &r->rows);
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
  latL_note(L, RUN_HISTORY, fit->iterations, fit->objective);
  return true;
}

/* ---- what the model gets --------------------------------------------------------------------- */

static const latL_Field report_fields[] = {
    {"iterations", LATL_SIZE, offsetof(lat_ica_report, iterations)},
    {"converged", LATL_BOOLEAN, offsetof(lat_ica_report, converged)},
    {"identifiable", LATL_BOOLEAN, offsetof(lat_ica_report, identifiable)},
    {"objective", LATL_DOUBLE, offsetof(lat_ica_report, objective)},
    {"gradient", LATL_DOUBLE, offsetof(lat_ica_report, gradient)},
    {"change", LATL_DOUBLE, offsetof(lat_ica_report, change)},
    {.name = NULL}};

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
  latL_recordfields(L, fitted, report_fields, &report);
  lua_pushstring(L, lat_ica_algorithms[report.algorithm]);
  latL_record(L, fitted, "algorithm");
  lua_getiuservalue(L, LATL_RUN, RUN_HISTORY);
  latL_record(L, fitted, "history");
  latL_recorddata(L, fitted, LATL_DATA, r->rows.source.next ? 0 : r->rows.source.X.rows);
  latL_publishrun(L, &r->turn);
  lua_settop(L, LATL_TOP);
}

/* on_iteration{iteration=, objective=, gradient=, model=}; false ends the fit. */
static bool observe(lua_State *L, run *r)
{
  if (!latL_hasoption(L, LATL_OPTIONS, "on_iteration")) return true;
  publish(L, r);
  lua_pushnumber(L, r->fit.gradient);
  return latL_observe(L, r->fit.iterations, r->fit.objective, "gradient");
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
    latL_drawbar(L, r->fit.iterations, r->fit.objective, 0);
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

/* The last pass, which may find that it has converged, changes nothing once another has published. */
static int next_step(lua_State *L)
{
  run *r = latL_resume(L, lua_upvalueindex(1));
  bool complete = false;
  while (!r->over && !complete && !r->fit.done) complete = iterate(L, r);
  if (complete || (!r->over && r->fit.converged && latL_isours(L, &r->turn))) publish(L, r);
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
const latL_Kind latL_ica_kind = {.name = "ica",
                                 .metatable = "latent.ICA",
                                 .gaps = LATL_GAPS_BY("fa"),
                                 .core = &lat_ica_model,
                                 .read = read_options,
                                 .methods = methods};

void latL_open_ica_run(lua_State *L)
{
  latL_newclosed(L, RUN, close_run);
}
