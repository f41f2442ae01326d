/* ica.c: latent.ica, independent component analysis: what the core's description doesn't say, and
 * its fits, whole and step by step. */
#include <math.h>

#include "model/fit.h"
#include "model/methods.h"

static const char RUN[] = "latent.ICA fit"; /* no class of the users' */

/* User values of a fit under way, behind those of any (work.h). */
enum { RUN_HISTORY = LATL_WORK_OWN, RUN_VALUES = RUN_HISTORY };

typedef struct run {
  latL_Work work;
  lat_request request;
  const lat_ica_options *options;
  bool begun, stopped; /* the core's search has; nobody wants more iterations of it */
  bool observed;       /* the model gets what each iteration has come to */
  double deadline;     /* of lat_clock(), before which another iteration may begin; 0: none */
  double *flat;        /* what the search has come to, as parameters */
  size_t iterations;   /* of steps: that the model has, and the last one's objective */
  double objective;
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
  latL_Work *w = (latL_Work *)turn;
  (void)L;
  w->aborted = w->ended = true;
  latL_tellranks(w->rows.source.comm, turn->work, &w->told);
}

/* ---- passes ---------------------------------------------------------------------------------- */

/* Whether any rank says so. */
static lat_status any(run *r, bool *says)
{
  lat_comm *comm = r->work.rows.source.comm;
  lat_workspace *work = r->work.turn.work;
  return comm ? lat_comm_settle(comm, work, lat_comm_any(comm, work, says)) : LAT_OK;
}

/* The search begins, and memory for what it comes to. */
static lat_status begin(run *r)
{
  lat_workspace *work = r->work.turn.work;
  LAT_TRY(latL_takerows(work, &r->work.rows));
  LAT_TRY(any(r, &r->observed));
  LAT_TRY(lat_ica_start(&r->fit, work, &r->work.rows.source, r->options));
  const size_t sizes[LAT_SIZES] = {[LAT_D] = r->fit.D, [LAT_M] = r->fit.M};
  r->flat = lat_doubles(work, lat_parameters_count(lat_ica_model.parameters(r->options), sizes));
  r->begun = r->flat != NULL;
  return r->begun ? LAT_OK : LAT_MEMORY;
}

/* Passes until an iteration of the fit itself, not of a start, is complete, or the fit is over. */
static lat_status iterate(void *context)
{
  run *r = context;
  lat_ica_search *fit = &r->fit;
  lat_source *rows = &r->work.rows.source;
  r->work.more = false;
  if (!r->begun) LAT_TRY(begin(r));
  for (bool first = fit->iterations == 0; !r->work.more && !fit->done; first = false) {
    size_t before = fit->iterations;
    r->stopped |= !first && r->deadline > 0 && lat_clock() >= r->deadline;
    LAT_TRY(any(r, &r->stopped));
    if (r->stopped) break;
    LAT_TRY(lat_ica_iterate(fit, rows));
    r->work.more = !fit->starting && fit->iterations > 0 && fit->iterations > before;
  }
  if (r->work.more && !r->observed) return LAT_OK;
  return lat_ica_conclude(fit, rows, r->flat);
}

/* Notes the iteration that is complete. */
static void passed(lua_State *L, latL_Work *w)
{
  const lat_ica_search *fit = &((run *)w)->fit;
  if (w->more) latL_note(L, RUN_HISTORY, fit->iterations, fit->objective);
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
  const lat_ica_search *fit = &r->fit;
  const lat_fitted made = {.model = &lat_ica_model,
                           .options = r->options,
                           .sizes = {[LAT_D] = fit->D, [LAT_M] = fit->M},
                           .flat = r->flat};
  lat_ica ica = lat_ica_of(&made);
  lat_ica_report report = lat_ica_report_of(fit, &ica);
  latL_pushmade(L, LATL_MODEL, &made, NULL);
  int fitted = lua_gettop(L);
  latL_recordfields(L, fitted, report_fields, &report);
  lua_pushstring(L, lat_ica_algorithms[report.algorithm]);
  latL_record(L, fitted, "algorithm");
  lua_getiuservalue(L, LATL_RUN, RUN_HISTORY);
  latL_record(L, fitted, "history");
  latL_recorddata(L, fitted, LATL_DATA, latL_rowsof(&r->work.rows));
  latL_publishrun(L, &r->work.turn);
  lua_settop(L, LATL_TOP);
}

/* The end of a run: its memory goes. */
static void end_run(latL_Work *w)
{
  w->ended = true;
  lat_workspace_done(w->turn.work);
}

static void conclude(lua_State *L, latL_Work *w)
{
  publish(L, (run *)w);
  end_run(w);
}

/* ---- methods --------------------------------------------------------------------------------- */

static latL_Work *new_run(lua_State *L)
{
  const char *who = latL_verb(L);
  lat_request request;
  const latL_Model *m = latL_beginfit(L, &request);
  run *r = lua_newuserdatauv(L, sizeof *r, RUN_VALUES);
  *r = (run){.request = request,
             .options = latL_optionsof(m),
             .work = {.task = iterate, .passed = passed, .concludes = conclude, .until = INFINITY}};
  latL_Work *w = &r->work;
  r->observed = latL_optfunction(L, LATL_OPTIONS, who, "on_iteration");
  lua_pop(L, 1);
  latL_checkprogress(L, LATL_OPTIONS, who);
  latL_checkrows(L, &w->rows, LATL_DATA, LATL_OPTIONS, who, 0);
  latL_hold(L, LATL_WORK_WEIGHTS);
  latL_hold(L, LATL_WORK_GIVEN);
  latL_holdrun(L, &w->turn, who, RUN, fail);
  lua_newtable(L);
  latL_hold(L, RUN_HISTORY);
  return w;
}

static void draw(lua_State *L, const latL_Work *w, double share)
{
  const lat_ica_search *fit = &((const run *)w)->fit;
  bool any = fit->iterations > 0;
  latL_drawbar(L, fit->iterations, any ? fit->objective : NAN, any ? NULL : "start",
               fmax(share, 0));
}

static void look(lua_State *L, latL_Work *w)
{
  draw(L, w, w->turn.work->progress.share);
  w->until = lat_clock() + LATL_LOOKS;
}

/* on_iteration{iteration=, objective=, gradient=, model=}; false ends the fit. */
static bool end_iteration(lua_State *L, latL_Work *w)
{
  run *r = (run *)w;
  draw(L, w, 0);
  if (r->observed) {
    publish(L, r);
    lua_pushnumber(L, r->fit.gradient);
    r->stopped = !latL_observe(L, r->fit.iterations, r->fit.objective, "gradient");
  }
  return w->looks || lat_clock() < w->until;
}

static int end_fit(lua_State *L, latL_Work *w, bool over)
{
  (void)over; /* the turn has no other end */
  conclude(L, w);
  latL_endturn(&w->turn);
  return latL_returnmodel(L);
}

/* fit(X [, {weights, on_iteration, progress, max_seconds, comm}]) -> the model */
static int fit(lua_State *L)
{
  double start = lat_clock();
  latL_Work *w = new_run(L);
  run *r = (run *)w;
  latL_forgetfit(L);
  if (latL_wantsbar(L)) w->looks = look;
  w->slices = w->looks || latL_mayyield(L, w);
  if (w->looks) w->until = lat_clock() + LATL_LOOKS;
  w->iterated = end_iteration;
  w->rests = end_fit;
  r->deadline = start + r->request.max_seconds;
  latL_beginturn(L, &w->turn);
  latL_makebar(L, w->turn.who, "ica", r->options->max_iterations);
  return latL_workturn(L, LUA_OK, (lua_KContext)w);
}

static latL_Work *new_sliced_run(lua_State *L)
{
  latL_Work *w = new_run(L);
  w->iterated = end_iteration;
  return w;
}

/* fit_for(X, seconds [, {weights, on_iteration}]) -> whether the fit is done */
static int fit_for(lua_State *L)
{
  return latL_fitslices(L, new_sliced_run);
}

/* With a budget a turn is a slice. */
static bool end_step(lua_State *L, latL_Work *w)
{
  run *r = (run *)w;
  publish(L, r);
  r->iterations = r->fit.iterations;
  r->objective = r->fit.objective;
  return r->request.budget > 0 && lat_clock() < w->until;
}

/* The last pass, which may find that it has converged, changes nothing once another has published. */
static int end_steps(lua_State *L, latL_Work *w, bool over)
{
  const run *r = (run *)w;
  if (over && r->fit.converged && latL_isours(L, &w->turn)) publish(L, (run *)w);
  if (over) end_run(w);
  latL_endturn(&w->turn);
  if (over && !(r->request.budget > 0)) return 0;
  return latL_pushiteration(L, r->iterations, r->objective);
}

static int next_step(lua_State *L)
{
  latL_Work *w = latL_resume(L, lua_upvalueindex(1));
  double budget = ((const run *)w)->request.budget;
  if (w->ended) {
    latL_endturn(&w->turn);
    return 0;
  }
  w->slices = budget > 0 || latL_mayyield(L, w) || lat_slice_open(w->turn.work);
  w->until = budget > 0 ? lat_clock() + budget : INFINITY;
  return latL_workturn(L, LUA_OK, (lua_KContext)w);
}

/* __close(run): the loop has been left, or is over. */
static int close_run(lua_State *L)
{
  const latL_Work *w = luaL_testudata(L, 1, RUN);
  if (!w) return latL_error(L, "ica:steps", "__close is for the loop to call");
  if (w->ended) return 0;
  latL_Work *left = latL_resume(L, 1);
  end_run(left);
  latL_endturn(&left->turn);
  return 0;
}

/* steps(X [, {weights, budget}]) -> iterator of i, objective */
static int steps(lua_State *L)
{
  latL_Work *w = new_run(L);
  run *r = (run *)w;
  latL_forgetfit(L);
  r->observed = true;
  w->iterated = end_step;
  w->rests = end_steps;
  latL_beginturn(L, &w->turn);
  if (!(r->request.budget > 0) && !latL_mayyield(L, w)) { /* else even that is in slices */
    lua_settop(L, LATL_TOP);
    latL_readrows(L, &w->rows);
    lat_status status = begin(r);
    lua_settop(L, LATL_TOP);
    if (status != LAT_OK) latL_raiserun(L, &w->turn, status);
  }
  latL_endturn(&w->turn);
  return latL_pushsteps(L, next_step);
}

/* ---- the class ------------------------------------------------------------------------------- */

static const luaL_Reg methods[] = {
    {"fit", fit}, {"fit_for", fit_for}, {"steps", steps}, {NULL, NULL}};
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
