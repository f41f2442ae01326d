/* ica_fit.c: fits of latent.ica, whole and step by step. */
#include <math.h>

#include "models/projection/ica.h"

#define RUN "latent.ICA fit"

/* A fit under way; a userdata with these user values. The stack is as in em.h. */
enum {
  RUN_WEIGHTS = LATL_RUN_WORK + 1,
  RUN_INIT,
  RUN_HISTORY,
  RUN_LAST, /* the block that the run has published last */
  RUN_VALUES = RUN_LAST
};

typedef struct run {
  latL_Turn turn;
  const char *who;
  latL_Rows rows;
  bool pieces; /* which are read in every pass */
  bool over;   /* of `steps`: no more of them */
  lat_workspace *work;
  lat_mark mark;
  lat_ica_options options;
  lat_ica_fit fit;
  const latL_Fitted *last;
} run;

static void hold(lua_State *L, int value)
{
  lua_setiuservalue(L, LATL_RUN, value);
}

/* A call has failed: the model has what it had. */
static void fail(lua_State *L, latL_Turn *turn)
{
  (void)L;
  ((run *)turn)->over = true;
}

static run *new_run(lua_State *L, const char *who, const char *const names[])
{
  lua_settop(L, LATL_OPTIONS);
  luaL_checkstack(L, 20, who);
  const latL_Ica *p = latL_checkmodel(L, &latL_icakind, who);
  latL_checkoptions(L, LATL_OPTIONS, who, names);
  latL_optfunction(L, who, "on_iteration");
  run *r = lua_newuserdatauv(L, sizeof *r, RUN_VALUES);
  *r = (run){.who = who, .options = p->options};
  latL_checkrows(L, &r->rows, LATL_DATA, LATL_OPTIONS, who, 0);
  hold(L, RUN_WEIGHTS);
  lua_settop(L, LATL_RUN);
  for (int i = LATL_MODEL; i <= LATL_OPTIONS; i++) { /* the user values come in the same order */
    lua_pushvalue(L, i);
    hold(L, i);
  }
  lua_newtable(L);
  hold(L, RUN_HISTORY);
  r->work = latL_newworkspace(L);
  hold(L, LATL_RUN_WORK);
  latL_kept(L, LATL_MODEL, LATL_ICA_INIT);
  const latL_Matrix *init = latL_tomatrix(L, -1);
  r->options.init = init ? &init->view : NULL;
  hold(L, RUN_INIT);
  r->turn = (latL_Turn){.who = who, .work = r->work, .failed = fail};
  luaL_setmetatable(L, RUN);
  latL_newguard(L);
  return r;
}

static void check(lua_State *L, run *r, lat_status status)
{
  if (status != LAT_OK) latL_check(L, r->who, r->work, r->mark, status);
}

/* ---- passes --------------------------------------------------------------------------- */

/* All pieces into the moments (when the fit hasn't begun) or the pass under way. */
static lat_moments each_piece(lua_State *L, run *r, bool moments)
{
  lat_moments sums = {0};
  lat_matrix X;
  const double *weights;
  latL_rewind(&r->rows);
  while (latL_nextrows(L, &r->rows, LATL_DATA, r->who, &X, &weights)) {
    lat_status status = LAT_OK;
    if (moments && !sums.mean) {
      size_t count = lat_moments_count(X.cols);
      if (X.cols > LATL_EXACT_COLUMNS)
        latL_error(L, r->who, "data in pieces have at most %d columns here, got %I",
                   LATL_EXACT_COLUMNS, (lua_Integer)X.cols);
      double *memory = lat_doubles(r->work, count);
      if (!memory) check(L, r, LAT_MEMORY);
      for (size_t i = 0; i < count; i++) memory[i] = 0;
      sums = lat_moments_of(memory, X.cols);
    }
    status =
        moments ? lat_moments_add(r->work, &sums, &X, weights) : lat_ica_add(&r->fit, &X, weights);
    if (status != LAT_OK) latL_failrows(L, &r->rows, r->who, r->work, r->mark, status, false);
    lua_settop(L, LATL_TOP);
  }
  return sums;
}

static void begin(lua_State *L, run *r)
{
  r->mark = lat_workspace_mark(r->work);
  r->pieces =
      r->rows.function || (latL_inpieces(&r->rows) && r->rows.columns <= LATL_EXACT_COLUMNS);
  if (r->pieces) {
    lat_moments moments = each_piece(L, r, true);
    check(L, r, lat_ica_begin_pieces(&r->fit, r->work, &moments, &r->options));
  } else {
    check(L, r,
          lat_ica_begin(&r->fit, r->work, &r->rows.source.X, r->rows.source.weights, &r->options));
  }
}

static void pass_in_pieces(lua_State *L, run *r, bool conclude)
{
  check(L, r, lat_ica_open(&r->fit, conclude));
  each_piece(L, r, false);
  check(L, r, lat_ica_close(&r->fit));
}

/* Passes until an iteration is complete, also one of a start, or the fit is over. True for an iteration
 * of the fit itself. */
static bool iterate(lua_State *L, run *r)
{
  size_t before = r->fit.iterations;
  if (!r->pieces) check(L, r, lat_ica_step(&r->fit));
  while (r->pieces && !r->fit.done && r->fit.iterations == before) pass_in_pieces(L, r, false);
  size_t now = r->fit.iterations;
  if (r->fit.starting || now == 0 || now == before) return false;
  lua_getiuservalue(L, LATL_RUN, RUN_HISTORY);
  lua_pushnumber(L, r->fit.objective);
  lua_rawseti(L, -2, (lua_Integer)r->fit.iterations);
  lua_settop(L, LATL_TOP);
  return true;
}

/* ---- what the model gets --------------------------------------------------------------- */

static void keep_number(lua_State *L, int fitted, const char *name, double value)
{
  lua_pushnumber(L, value);
  latL_record(L, fitted, name);
}

/* The parameters, and the fields that say how the fit went. */
static void publish(lua_State *L, run *r)
{
  lat_ica_fit *fit = &r->fit;
  size_t sizes[LAT_SIZES] = {[LAT_D] = fit->D, [LAT_M] = fit->M};
  if (r->pieces) pass_in_pieces(L, r, true);
  latL_Fitted *f = latL_newfitted(L, LATL_MODEL, sizes);
  int fitted = lua_gettop(L);
  check(L, r, r->pieces ? lat_ica_write(fit, f->flat) : lat_ica_end(fit, f->flat));
  lat_ica core = lat_ica_of(f->flat, fit->D, fit->M);
  lua_getiuservalue(L, LATL_RUN, RUN_HISTORY);
  latL_record(L, fitted, "history");
  lua_pushinteger(L, fit->starting ? 0 : (lua_Integer)fit->iterations);
  latL_record(L, fitted, "iterations");
  lua_pushboolean(L, fit->converged);
  latL_record(L, fitted, "converged");
  lua_pushstring(L, latL_icaalgorithms[fit->algorithm]);
  latL_record(L, fitted, "algorithm");
  lua_pushboolean(L, lat_ica_identifiable(core.kurtosis, fit->M, fit->weight));
  latL_record(L, fitted, "identifiable");
  keep_number(L, fitted, "objective", fit->objective);
  keep_number(L, fitted, "gradient", fit->gradient);
  keep_number(L, fitted, "change", fit->change);
  lua_pushvalue(L, fitted);
  hold(L, RUN_LAST);
  r->last = f;
  latL_publish(L, LATL_MODEL);
  lua_settop(L, LATL_TOP);
}

/* on_iteration{iteration=, objective=, gradient=, model=}; false ends the fit. */
static bool observed(lua_State *L, run *r)
{
  if (latL_getoption(L, LATL_OPTIONS, "on_iteration") == LUA_TNIL) {
    lua_settop(L, LATL_TOP);
    return true;
  }
  publish(L, r);
  lua_settop(L, LATL_TOP);
  latL_getoption(L, LATL_OPTIONS, "on_iteration");
  lua_createtable(L, 0, 4);
  lua_pushinteger(L, (lua_Integer)r->fit.iterations);
  lua_setfield(L, -2, "iteration");
  lua_pushnumber(L, r->fit.objective);
  lua_setfield(L, -2, "objective");
  lua_pushnumber(L, r->fit.gradient);
  lua_setfield(L, -2, "gradient");
  lua_pushvalue(L, LATL_MODEL);
  lua_setfield(L, -2, "model");
  lua_call(L, 1, 1);
  latL_workspace(L);
  bool go_on = !lua_isboolean(L, -1) || lua_toboolean(L, -1);
  lua_settop(L, LATL_TOP);
  return go_on;
}

/* ---- verbs ------------------------------------------------------------------------------- */

/* fit(X [, {weights, on_iteration, progress, max_seconds}]) -> the model */
int latL_icafit(lua_State *L)
{
  static const char *const names[] = {"weights", "on_iteration", "progress", "max_seconds", NULL};
  const char *who = "ica:fit";
  run *r = new_run(L, who, names);
  double seconds = latL_optnumber(L, LATL_OPTIONS, who, "max_seconds", HUGE_VAL, 0, HUGE_VAL);
  double end = lat_clock() + seconds;
  latL_beginturn(L, &r->turn);
  latL_makebar(L, who, "ica", r->options.max_iterations);
  begin(L, r);
  for (bool first = true; !r->fit.done && (first || lat_clock() < end); first = false) {
    if (!iterate(L, r)) continue;
    latL_drawbar(L, r->fit.iterations, r->fit.objective);
    if (!observed(L, r)) break;
  }
  publish(L, r);
  latL_endturn(&r->turn);
  lat_workspace_done(r->work);
  return latL_returnmodel(L);
}

/* No more iterations. */
static void end_run(run *r)
{
  if (!r->over) lat_workspace_done(r->work);
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
int latL_icasteps(lua_State *L)
{
  static const char *const names[] = {"weights", NULL};
  run *r = new_run(L, "ica:steps", names);
  latL_beginturn(L, &r->turn);
  begin(L, r);
  latL_endturn(&r->turn);
  return latL_pushsteps(L, next_step);
}

void latL_open_icafit(lua_State *L)
{
  latL_newmetatable(L, RUN);
  lua_pushcfunction(L, close_run);
  lua_setfield(L, -2, "__close");
  lua_pop(L, 1);
}
