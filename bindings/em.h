/* em.h: the one driver of all models that are fitted by EM.
 *
 * A model's userdata begins with latL_EmModel; its kind says what differs, and everything else is
 * here: sources of data, weights, restarts, steps, the observer, progress, time, Ctrl-C, the
 * record, online updates. A model's binding is
 *
 *   static void plan(lua_State *L, latL_Run *run)            the core's kind and the sizes
 *   {
 *     gmm *g = run->model;
 *     run->core = &lat_gmm_kind;
 *     run->context = &g->options;
 *     run->sizes[LAT_K] = g->components;                     sizes[LAT_D] is there
 *   }
 *   static lat_status start(lua_State *L, latL_Run *run)     the first parameters
 *   {
 *     const gmm *g = run->model;
 *     lat_matrix X = latL_sample(L, run);
 *     return lat_gmm_start(run->work, &g->options, &X, run->sample_weights, run->seed,
 *                          run->parameters);
 *   }
 *   static const latL_EmKind kind = {.base = {"gmm", "latent.GMM", lat_gmm_parameters, NULL},
 *                                    .plan = plan, .start = start};
 *   static int fit(lua_State *L) { return latL_fit(L, &kind, "gmm:fit"); }
 *
 * and likewise steps and partial_fit; the constructor calls latL_emoptions.
 *
 * While Lua code may look on (on_iteration, steps, data from a function), every iteration's
 * parameters are a matrix of their own, so that what was read before stays as it was. */
#ifndef LATENT_EM_H
#define LATENT_EM_H

#include "model.h"
#include "source.h"

typedef struct latL_EmModel {
  latL_Model base;
  lat_em_options options;
  size_t restarts;
  uint64_t seed;
  /* for partial_fit: the weight of the rows behind the statistics in LATL_STATE, and how many
   * updates there have been since the last fit */
  double seen;
  size_t updates;
} latL_EmModel;

/* The options of every model: names for its list, and reading them (at stack index `arg`). */
#define LATL_EM_OPTIONS "max_iterations", "tolerance", "restarts", "seed", "accelerate"
void latL_emoptions(lua_State *L, int arg, const char *who, latL_EmModel *model,
                    lua_Integer max_iterations, double tolerance, lua_Integer restarts);

typedef struct latL_Run latL_Run;

typedef struct latL_EmKind {
  latL_Kind base;
  bool missing;                   /* it knows missing entries */
  const char *const *fit_options; /* more options of fit and steps, or NULL; they are at 3 */
  void (*plan)(lua_State *L, latL_Run *run);
  lat_status (*start)(lua_State *L, latL_Run *run);
  /* After a complete iteration whose parameters the model has taken, and after a whole fit:
   * fields of the kind's own (labels, inertia). In `finish`, run->parameters and the record in
   * run->em are those of the best start, and no other memory of the core's. May be NULL. */
  void (*publish)(lua_State *L, latL_Run *run);
  void (*finish)(lua_State *L, latL_Run *run);
  /* Instead of the core's E-step: a pass over whatever is at 2. NULL but for users' models, which
   * are Lua's, and models of other data than rows, which take those in `plan`. */
  lat_status (*pass)(lua_State *L, latL_Run *run);
  bool own_data; /* other data than rows */
} latL_EmKind;

/* Where things lie on the stack while a run works, whoever called. */
enum { LATL_MODEL = 1, LATL_DATA, LATL_OPTIONS, LATL_RUN, LATL_BAR, LATL_TOP = LATL_BAR };

/* A fit under way; a userdata with these user values. */
enum {
  LATL_RUN_MODEL = 1,
  LATL_RUN_DATA,
  LATL_RUN_OPTIONS,
  LATL_RUN_WEIGHTS,
  LATL_RUN_WORK,
  LATL_RUN_SAMPLE,
  LATL_RUN_HISTORY,
  LATL_RUN_BEST, /* parameters and fields of the best start so far */
  LATL_RUN_BEST_FIELDS,
  LATL_RUN_OWN, /* the kind's, as it likes */
  LATL_RUN_VALUES = LATL_RUN_OWN
};

struct latL_Run {
  const latL_EmKind *kind;
  const char *who; /* "gmm:fit" */
  void *model;     /* the userdata */
  lua_State *L;    /* that runs it now */
  latL_Rows rows;

  /* plan gives: */
  const lat_em_kind *core;
  const void *context; /* lat_em's `model` */
  size_t sizes[LAT_SIZES];
  /* start is given these and fills the parameters; what it allocates in `work` lives until the
   * run (with restarts, this start) is over: */
  lat_workspace *work;
  uint64_t seed;
  double *parameters;
  const double *sample_weights;

  lat_em em;
  lat_em best; /* the record of the best start so far */
  lat_matrix sample;
  lat_mark mark;
  size_t restart; /* from 0 */
  bool missing;
  bool observed; /* Lua code may look at the model between iterations */
  bool in_place; /* nobody can have seen the model's parameters: they may be overwritten */
  bool over;     /* no more iterations of this start */
  bool feeding;  /* the core is at a piece of the data, so a failure may be the data's */
  bool stopped;  /* by on_iteration, or because time is up */
};

/* The option `labels` of complete data: N integers from 0 (not known) to K, copied into the run's
 * memory, or NULL. For a matrix in memory only. */
uint32_t *latL_optlabels(lua_State *L, latL_Run *run, size_t K);

/* The rows to start from (latL_samplerows); their weights are in run->sample_weights. */
lat_matrix latL_sample(lua_State *L, latL_Run *run);

/* fit(X [, {weights, missing, on_iteration, progress, max_seconds}]) -> the model */
int latL_fit(lua_State *L, const latL_EmKind *kind, const char *who);
/* steps(X [, {weights, missing}]) -> iterator of i, objective */
int latL_steps(lua_State *L, const latL_EmKind *kind, const char *who);
/* partial_fit(X [, {weights, missing, rate}]) -> the model */
int latL_partial_fit(lua_State *L, const latL_EmKind *kind, const char *who);

/* For kinds of runs that aren't EM too: user values 1 to 3 are the model, the data, the options. */

/* A later call has the run at `at`: makes the stack as it was, and watches the hooks from here. */
void *latL_resume(lua_State *L, int at);
/* What `steps` returns for the run: its iterator, and the run itself, to be closed. */
int latL_pushsteps(lua_State *L, lua_CFunction next);

/* Calls on_iteration{iteration=, objective=, restart=, model=}, if the options have it. False when it
 * says to stop. Leaves the top at LATL_TOP. */
bool latL_observe(lua_State *L, size_t iteration, double objective, size_t restart);
/* Raises unless the option is a function or nil; true for a function. */
bool latL_optfunction(lua_State *L, const char *who, const char *name);

/* Puts latent.progress's bar into its place, when the option `progress` says so; it is closed
 * however the call ends. Drawing it counts iterations. */
void latL_makebar(lua_State *L, const char *who, const char *label, size_t total);
void latL_drawbar(lua_State *L, size_t done, double objective);

/* ---- what em.c and em_online.c share ---- */

/* Checks model, data and options at 1, 2 and 3, and puts a run of them at 4. The options are
 * `missing` and `weights`, where the kind knows them, these, and `more` (or NULL). */
latL_Run *latL_newrun(lua_State *L, const latL_EmKind *kind, const char *who,
                      const char *const options[], const char *const more[]);
/* Makes the value on the top the run's user value `value`, and pops it. */
void latL_hold(lua_State *L, int value);
/* The kind's plan, memory for parameters of that size (unset), and lat_em_init. */
lat_status latL_planrun(lua_State *L, latL_Run *run);
/* True when time is up; false for LAT_OK; raises any other status. */
bool latL_outoftime(lua_State *L, latL_Run *run, lat_status status);
/* Gives the model the run's parameters and record. */
void latL_publishrun(lua_State *L, latL_Run *run);

void latL_open_em(lua_State *L);       /* em.c: before any model */
void latL_open_em_model(lua_State *L); /* em_model.c: latent.em */

#endif
