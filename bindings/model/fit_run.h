/* fit_run.h: what the methods fit, fit_for, steps and partial_fit share: runs (work.h) of the core's
 * lat_fit, from what they are given to what the model gets. Not installed. */
#ifndef LATL_MODEL_FIT_RUN_H
#define LATL_MODEL_FIT_RUN_H

#include "model/fit.h"

#define LATL_FIT "latent.fit" /* the metatable of runs; no class of the users' */

/* User values of a run, behind those of any (work.h). */
enum {
  FIT_HISTORY = LATL_WORK_OWN, /* of the present start */
  FIT_BEST,                    /* the history of the best start */
  FIT_STARTS,                  /* a table for each start, which is the kind's */
  FIT_LABELS,                  /* what keeps labels as they were given */
  FIT_VALUES = FIT_LABELS
};

typedef struct latL_FitRun {
  latL_Work work;
  const latL_Kind *kind;
  latL_Units units; /* instead of rows, where the kind has others */
  lat_request request;
  lat_matrix labels; /* those that haven't been read yet */
  lat_fit fit;
  latL_Caller caller;
  size_t start; /* whose history is at FIT_HISTORY */
  bool quiet,
      updated; /* of partial_fit: the model gets updates at the end, not each; there was one */
  bool given;  /* the fit knows what is known of the data before the first pass */
  size_t iterations; /* complete ones, and the last one's objective */
  double objective;
  bool shown; /* there is a bar for iterations, if the options ask for one */
  /* A call has failed: what becomes of what there is; NULL: as far as whole iterations go, it was a
   * fit. */
  void (*give_up)(lua_State *L, struct latL_FitRun *r);
} latL_FitRun;

/* Checks model, data and options at 1, 2 and 3, and puts a run of them at 4. `columns` are those
 * that a model has already to which rows are added, or 0. */
latL_FitRun *latL_newfitrun(lua_State *L, size_t columns);

/* Weights and labels are copied and checked. In slices, as what follows. */
lat_status latL_takegiven(latL_FitRun *r);
/* What is known of the data before the first pass, these among it. */
lat_status latL_givedata(latL_FitRun *r);
/* For calls of the core that pass over the data: the stack is that of a call of the run. */
lat_source *latL_fitdata(lua_State *L, latL_FitRun *r);

/* Pushes a block of what the present start, or the updates, have come to. */
void latL_pushpresent(lua_State *L, latL_FitRun *r);
/* An iteration is complete. */
void latL_publishiteration(lua_State *L, latL_FitRun *r);
/* Calls on_iteration; false when it says to stop. */
bool latL_observefit(lua_State *L, const latL_FitRun *r, size_t done, double objective);

/* No more iterations: the best start's canonical form, and the kind's last pass. */
void latL_stopfit(lua_State *L, latL_FitRun *r);
/* The model gets the best of what the run has come to, if it has come to anything. */
void latL_concludefit(lua_State *L, latL_FitRun *r);
/* The run needs its memory no more, whoever holds it yet. */
void latL_releasefit(lua_State *L, latL_FitRun *r);
/* The method that has a file of its own. */
int latL_partialfit(lua_State *L);

#endif
