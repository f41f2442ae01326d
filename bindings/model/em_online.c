/* em_online.c: stepwise EM, one update a piece of data. */
#include <math.h>
#include <string.h>

#include "model/em.h"

/* The parameters and statistics that the run goes on from, or a start from the first rows. */
static lat_status begin_online(lua_State *L, latL_Run *run)
{
  const latL_Fitted *before = run->before;
  size_t count = run->core->statistics(&run->em);
  double *running = run->running = lat_doubles(run->work, count);
  if (!running) return LAT_MEMORY;
  memset(running, 0, count * sizeof *running);
  if (!before) {
    run->seed = latL_seedof(run->model, run->restart);
    return run->kind->start(L, run);
  }
  memcpy(run->parameters, before->flat, run->em.count * sizeof(double));
  if (before->count == count && before->seen > 0) {
    run->seen = before->seen;
    memcpy(running, before->statistics, count * sizeof *running);
  }
  return LAT_OK;
}

/* The first piece says how many columns there are, and is what a new model starts from. */
static lat_status plan_online(lua_State *L, latL_Run *run, const lat_matrix *X,
                              const double *weights)
{
  const latL_Fitted *before = run->before;
  LAT_TRY(lat_check_finite(run->work, "X", X, run->missing));
  run->sample = *X;
  run->sample_weights = weights;
  LAT_TRY(latL_planrun(L, run));
  if (before && memcmp(run->sizes, before->sizes, sizeof run->sizes) != 0)
    latL_error(L, run->who, "X has %I columns, the model was fitted on %I",
               (lua_Integer)run->sizes[LAT_D], (lua_Integer)before->sizes[LAT_D]);
  run->em.iterations = before ? before->updates : 0;
  lat_status status = begin_online(L, run);
  run->sample = (lat_matrix){0};
  return status;
}

/* (n + 2)^-0.6, where n counts in pieces that weigh as this one what the statistics have seen: a
 * ratio of weights, so that their scale changes nothing. */
static double rate_of(const latL_Run *run, double weight, double rate)
{
  if (run->seen == 0) return 1;
  return rate > 0 ? rate : pow(run->seen / weight + 2, -0.6);
}

/* Pushes what the updates have made, with the statistics. */
static void push_online(lua_State *L, latL_Run *run)
{
  size_t count = run->core->statistics(&run->em);
  latL_Fitted *f = latL_pushrun(L, run);
  f->updates = run->em.iterations;
  if (!run->complete) return; /* a failed update may have left its share in them */
  memcpy(latL_newstatistics(L, -1, count), run->running, count * sizeof *run->running);
  f->seen = run->seen;
}

/* Gives the block on the top a history of its own: the updates before this one. */
static void copy_history(lua_State *L, latL_Run *run)
{
  lua_createtable(L, (int)run->em.iterations, 0);
  lua_getiuservalue(L, LATL_RUN, LATL_RUN_HISTORY);
  for (lua_Integer i = 1; i < (lua_Integer)run->em.iterations; i++) {
    lua_rawgeti(L, -1, i);
    lua_rawseti(L, -3, i);
  }
  lua_pop(L, 1);
  lua_pushvalue(L, -1);
  latL_hold(L, LATL_RUN_HISTORY);
  latL_record(L, -2, "history");
}

/* The block on the top becomes the model's, and is popped. The table of its history is that of the
 * block before, unless another fit has come between. */
static void publish_online(lua_State *L, latL_Run *run)
{
  if (!latL_isours(L, run)) copy_history(L, run);
  latL_notehistory(L, run);
  latL_publishrun(L, run);
}

/* The model gets the updates as a kind's users see them. */
static void finish_online(lua_State *L, latL_Run *run)
{
  if (run->quiet) {
    push_online(L, run);
  } else {
    lua_getiuservalue(L, LATL_RUN, LATL_RUN_LAST);
    if (!run->kind->finish) { /* it has them, unless another fit has published since */
      latL_publish(L, LATL_MODEL);
      return;
    }
    latL_copyfitted(L, -1);
    lua_remove(L, -2);
  }
  int fitted = lua_gettop(L);
  if (run->kind->finish) run->kind->finish(L, run, fitted);
  lua_settop(L, fitted);
  publish_online(L, run);
  lua_settop(L, LATL_TOP);
}

/* Of several starts the model keeps the best that is complete. */
void latL_failonline(lua_State *L, latL_Run *run)
{
  if (run->updated && run->restart == 0) finish_online(L, run);
}

static void do_updates(lua_State *L, latL_Run *run, double rate)
{
  const double *weights;
  lat_matrix X;
  while (latL_nextrows(L, &run->rows, LATL_DATA, run->who, &X, &weights)) {
    run->feeding = true;
    lat_status status = run->running ? LAT_OK : plan_online(L, run, &X, weights);
    run->complete = false;
    if (status == LAT_OK) {
      double r = rate_of(run, latL_weight(weights, X.rows), rate);
      status = lat_em_step(&run->em, &X, weights, r, run->running);
    }
    latL_outoftime(L, run, status);
    run->feeding = false;
    run->complete = run->updated = true;
    run->seen += run->em.statistics[1];
    if (!run->quiet) {
      push_online(L, run);
      publish_online(L, run);
    } else if (run->rows.function) { /* the table is the run's alone */
      latL_notehistory(L, run);
    }
    lua_settop(L, LATL_TOP);
  }
}

latL_Run *latL_newonline(lua_State *L, const latL_EmKind *kind, const char *who,
                         const char *const options[], bool afresh)
{
  latL_Run *run = latL_newrun(L, kind, who, options, NULL, afresh ? 0 : latL_columnsbefore(L));
  run->online = run->observed = true;
  run->quiet = afresh || !latL_inpieces(&run->rows);
  if (!afresh) run->before = run->last;
  if (run->before && run->before->updates > 0) {
    lua_getiuservalue(L, LATL_RUN, LATL_RUN_LAST);
    latL_recorded(L, -1, "history");
  } else {
    lua_newtable(L);
  }
  latL_hold(L, LATL_RUN_HISTORY);
  lua_settop(L, LATL_TOP);
  return run;
}

int latL_runonline(lua_State *L, latL_Run *run, double rate)
{
  latL_beginturn(L, &run->turn);
  do_updates(L, run, rate);
  finish_online(L, run);
  run->ended = true;
  latL_endturn(&run->turn);
  lat_workspace_done(run->work);
  return latL_returnmodel(L);
}

int latL_partial_fit(lua_State *L, const latL_EmKind *kind, const char *who)
{
  static const char *const options[] = {"rate", NULL};
  latL_Run *run = latL_newonline(L, kind, who, options, false);
  double rate = latL_optnumber(L, LATL_OPTIONS, who, "rate", 0, 0, 1);
  return latL_runonline(L, run, rate);
}
