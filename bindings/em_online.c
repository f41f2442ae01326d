/* em_online.c: stepwise EM, one update a piece of data. */
#include <math.h>
#include <string.h>

#include "em.h"

/* The model's own parameters and statistics, or a start from the first rows. */
static lat_status begin_online(lua_State *L, latL_Run *run, double *running)
{
  latL_EmModel *m = run->model;
  if (!m->base.flat) {
    m->seen = 0;
    run->seed = m->seed;
    LAT_TRY(run->kind->start(L, run));
  } else {
    memcpy(run->parameters, m->base.flat, run->em.count * sizeof(double));
  }
  size_t count = run->core->statistics(&run->em);
  lua_getiuservalue(L, LATL_MODEL, LATL_STATE);
  const latL_Matrix *state = latL_tomatrix(L, -1);
  if (!state || state->view.cols != count) m->seen = 0;
  if (m->seen > 0)
    memcpy(running, state->view.data, count * sizeof *running);
  else
    memset(running, 0, count * sizeof *running);
  lua_pop(L, 1);
  return LAT_OK;
}

/* The first piece says how many columns there are, and is what a new model starts from. */
static lat_status plan_online(lua_State *L, latL_Run *run, const lat_matrix *X,
                              const double *weights, double **running)
{
  const latL_EmModel *m = run->model;
  LAT_TRY(lat_check_finite(run->work, "X", X, run->missing));
  run->sample = *X;
  run->sample_weights = weights;
  LAT_TRY(latL_planrun(L, run));
  if (m->base.flat && memcmp(run->sizes, m->base.sizes, sizeof run->sizes) != 0)
    latL_error(L, run->who, "X has %I columns, the model was fitted on %I",
               (lua_Integer)run->sizes[LAT_D], (lua_Integer)m->base.sizes[LAT_D]);
  *running = lat_doubles(run->work, run->core->statistics(&run->em));
  if (!*running) return LAT_MEMORY;
  run->em.iterations = m->updates;
  lat_status status = begin_online(L, run, *running);
  run->sample = (lat_matrix){0};
  return status;
}

/* n counts in pieces like this one what the statistics have seen. */
static double rate_of(const latL_EmModel *m, size_t rows, double rate)
{
  if (m->seen == 0) return 1;
  return rate > 0 ? rate : pow(m->seen / (double)rows + 2, -0.6);
}

static void keep_online(lua_State *L, latL_Run *run, const double *running)
{
  latL_EmModel *m = run->model;
  size_t count = run->core->statistics(&run->em);
  lua_getiuservalue(L, LATL_RUN, LATL_RUN_HISTORY);
  lua_pushnumber(L, run->em.objective);
  lua_rawseti(L, -2, (lua_Integer)run->em.iterations);
  memcpy(latL_newmatrix(L, 1, count, LAT_FLOAT64)->view.data, running, count * sizeof *running);
  lua_setiuservalue(L, LATL_MODEL, LATL_STATE);
  m->seen += run->em.statistics[1];
  m->updates = run->em.iterations;
  latL_publishrun(L, run);
}

int latL_partial_fit(lua_State *L, const latL_EmKind *kind, const char *who)
{
  static const char *const options[] = {"rate", NULL};
  latL_Run *run = latL_newrun(L, kind, who, options, NULL);
  latL_EmModel *m = run->model;
  double rate = latL_optnumber(L, LATL_OPTIONS, who, "rate", 0, 0, 1);
  double *running = NULL;
  const double *weights;
  lat_matrix X;
  run->observed = true;
  if (m->updates == 0)
    lua_newtable(L);
  else
    lua_getfield(L, LATL_MODEL, "history");
  latL_hold(L, LATL_RUN_HISTORY);
  while (latL_nextrows(L, &run->rows, LATL_DATA, who, &X, &weights)) {
    run->feeding = true;
    lat_status status = running ? LAT_OK : plan_online(L, run, &X, weights, &running);
    if (status == LAT_OK)
      status = lat_em_step(&run->em, &X, weights, rate_of(m, X.rows, rate), running);
    latL_outoftime(L, run, status);
    keep_online(L, run, running);
    lua_settop(L, LATL_TOP);
  }
  if (kind->finish) kind->finish(L, run);
  lat_workspace_done(run->work);
  lua_settop(L, 1);
  return 1;
}
