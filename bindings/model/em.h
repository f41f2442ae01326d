/* em.h: the one driver of all models that are fitted by EM.
 *
 * A model's userdata begins with latL_EmModel; its kind says what differs, and everything else is
 * here: sources of data, weights, restarts, steps, the observer, progress, time, Ctrl-C, the
 * record, online updates. A model's binding is
 *
 *   static void plan(lua_State *L, latL_Run *run)            the core's kind and the sizes
 *   {
 *     const gmm *g = run->model;
 *     lat_gmm *core = ...;                                   in run->work
 *     run->core = &lat_gmm_kind;
 *     run->context = core;
 *     run->sizes[LAT_K] = g->components;                     sizes[LAT_D] is there
 *   }
 *   static lat_status start(lua_State *L, latL_Run *run)     the first parameters
 *   {
 *     lat_matrix X = latL_sample(L, run);
 *     return lat_gmm_start(run->work, run->context, &X, run->sample_weights, run->seed,
 *                          run->parameters);
 *   }
 *   static const latL_EmKind kind = {.base = {"gmm", "latent.GMM", lat_gmm_parameters, NULL},
 *                                    .plan = plan, .start = start};
 *   static int fit(lua_State *L) { return latL_fit(L, &kind, "gmm:fit"); }
 *
 * and likewise steps and partial_fit; the constructor calls latL_emoptions.
 *
 * A run owns all it works with: what a kind needs besides (its context, a frame of coordinates,
 * labels) is a copy in the run's memory, and the model is only read for its options. What the run
 * has come to is a block (model.h), which publish and finish complete before the model has it:
 *
 *   - while Lua code may look on (on_iteration, steps, data from a function), every iteration's
 *     parameters become such a block, so that what was read before stays as it was;
 *   - at the end, whatever ends the run (also an error in a callback or an interrupt, once an iteration
 *     is complete), the best start's block goes through `finish` and becomes the model's; but a loop
 *     that is left, or a call that fails, leaves the model alone when another fit has published since.
 *
 * So fits of one model within each other, and iterators in turns, don't disturb each other. */
#ifndef LATL_MODEL_EM_H
#define LATL_MODEL_EM_H

#include "model/model.h"
#include "model/run.h"
#include "model/source.h"

typedef struct latL_EmModel {
  latL_Model base;
  lat_em_options options;
  size_t restarts;
  uint64_t seed;
} latL_EmModel;

/* The options of every model: names for its list, and reading them (at stack index `arg`). */
#define LATL_EM_OPTIONS "max_iterations", "tolerance", "restarts", "seed", "accelerate"
void latL_emoptions(lua_State *L, int arg, const char *who, latL_EmModel *model,
                    lua_Integer max_iterations, double tolerance, lua_Integer restarts);

/* The seed of start number `restart`, from 0: the model's own, and words made from it. */
uint64_t latL_seedof(const latL_EmModel *model, size_t restart);

typedef struct latL_Run latL_Run;

typedef struct latL_EmKind {
  latL_Kind base;
  bool missing;                   /* it knows missing entries */
  const char *const *fit_options; /* more options of fit and steps, or NULL; they are at 3 */
  void (*plan)(lua_State *L, latL_Run *run);
  lat_status (*start)(lua_State *L, latL_Run *run);
  /* Of the block at `fitted`, which has the run's parameters as they are: fields of the kind's own,
   * and what lies aside. And at the end of the run, when it has statistics too, if there are any:
   * another form (components in order, W turned), fields that cost a pass (labels, inertia). Then
   * run->em and the memory of run->work are those of the last start, which may be another. May be
   * NULL. */
  void (*publish)(lua_State *L, latL_Run *run, int fitted);
  void (*finish)(lua_State *L, latL_Run *run, int fitted);
  /* Instead of the core's E-step: a pass over whatever is at 2. NULL but for users' models, which
   * are Lua's, and models of other data than rows, which take those in `plan`. */
  lat_status (*pass)(lua_State *L, latL_Run *run);
  bool own_data; /* other data than rows */
} latL_EmKind;

/* A fit under way; a userdata with these user values. */
enum {
  LATL_RUN_WEIGHTS = LATL_RUN_WORK + 1,
  LATL_RUN_SAMPLE,
  LATL_RUN_HISTORY,
  LATL_RUN_LAST, /* the model's block as the run began, or the one it has published last */
  LATL_RUN_BEST, /* the block of the best start so far */
  LATL_RUN_OWN,  /* the kind's, as it likes */
  LATL_RUN_VALUES = LATL_RUN_OWN
};

struct latL_Run {
  latL_Turn turn;
  const latL_EmKind *kind;
  const char *who;   /* "gmm:fit" */
  const void *model; /* the userdata */
  lua_State *L;      /* that runs it now */
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
  lat_em best; /* the record of the best start so far; its kind is NULL when there is none */
  lat_matrix sample;
  lat_mark mark;
  size_t restart; /* from 0 */
  bool missing;
  bool observed;           /* Lua code may look at the model between iterations */
  bool complete;           /* the statistics are those of a whole iteration, and the parameters' */
  bool over;               /* no more iterations of this start */
  bool feeding;            /* the core is at a piece of the data, so a failure may be the data's */
  bool stopped;            /* by on_iteration, or because time is up */
  bool ended;              /* the model has what came out */
  bool aborted;            /* it ended by an error */
  bool labelled;           /* latL_optlabels has found some */
  double row_weight;       /* of the rows of a matrix, on average */
  const latL_Fitted *last; /* see LATL_RUN_LAST */

  /* of partial_fit: */
  bool online;
  bool quiet;                /* the model gets the updates at the end, not each */
  bool updated;              /* there was one */
  const latL_Fitted *before; /* the block that it goes on from, or NULL */
  double *running, seen;     /* statistics, and the weight of the rows behind them */
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
/* The same in two parts, for data that is a function of ours. `afresh`: the model's updates so far
 * don't count, and it gets the new ones all at once. */
latL_Run *latL_newonline(lua_State *L, const latL_EmKind *kind, const char *who,
                         const char *const options[], bool afresh);
int latL_runonline(lua_State *L, latL_Run *run, double rate);

/* ---- what em.c and em_online.c share --------------------------------------------------------- */

/* Checks model, data and options at 1, 2 and 3, and puts a run of them at 4. The options are
 * `missing` and `weights`, where the kind knows them, these, and `more` (or NULL); `columns` are
 * those that a model has already to which rows are added, or 0. */
latL_Run *latL_newrun(lua_State *L, const latL_EmKind *kind, const char *who,
                      const char *const options[], const char *const more[], size_t columns);
/* The kind's plan, memory for parameters of that size (unset), and lat_em_init. */
lat_status latL_planrun(lua_State *L, latL_Run *run);
/* True when time is up; false for LAT_OK; raises any other status. */
bool latL_outoftime(lua_State *L, latL_Run *run, lat_status status);
/* Pushes a block with the run's parameters, the record, and what the kind adds. */
latL_Fitted *latL_pushrun(lua_State *L, latL_Run *run);
/* Notes the objective of the last complete iteration in the history. Allocates nothing that a
 * finalizer could see. */
void latL_notehistory(lua_State *L, latL_Run *run);
/* partial_fit has failed (em_online.c): what it has published becomes finished. */
void latL_failonline(lua_State *L, latL_Run *run);
/* The block on the top becomes the model's, and is popped. */
void latL_publishrun(lua_State *L, latL_Run *run);
/* Whether nobody else has published since the run did. */
bool latL_isours(lua_State *L, const latL_Run *run);

void latL_open_em(lua_State *L);       /* em.c: before any model */
void latL_open_em_model(lua_State *L); /* em_model.c: latent.em */

#endif
