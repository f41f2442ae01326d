/* fit_run.h: what the methods fit, fit_for, steps and partial_fit share: runs of the core's lat_fit,
 * from what they are given to what the model gets, and their turns. Not installed.
 *
 * A run is a userdata (run.h). In a turn it works until there is something to say: an iteration is
 * complete, the turn's time is over, or the run. In slices of time (base/slice.h) the core works on a
 * stack of its own, where nothing of Lua's is called; what it asks for meanwhile, rows of a function
 * of the user's above all, is asked by the turn, on the stack of the call from Lua, as a continuation,
 * so that this function may yield. */
#ifndef LATL_MODEL_FIT_RUN_H
#define LATL_MODEL_FIT_RUN_H

#include "model/fit.h"
#include "model/run.h"
#include "model/source.h"

#define LATL_FIT "latent.fit" /* the metatable of runs; no class of the users' */

/* User values of a run, behind those of any (run.h). */
enum {
  FIT_WEIGHTS = LATL_RUN_LAST + 1, /* or what keeps other data than rows */
  FIT_GIVEN,                       /* what keeps these as they were given, */
  FIT_LABELS,                      /* and labels */
  FIT_HISTORY,                     /* of the present start */
  FIT_BEST,                        /* the history of the best start */
  FIT_STARTS,                      /* a table for each start, which is the kind's */
  FIT_PIECE,                       /* what keeps a piece of data from a function, in slices */
  FIT_IDENTITY,                    /* of data that are fitted to in slices */
  FIT_VALUES = FIT_IDENTITY
};

typedef struct latL_FitRun {
  latL_Turn turn;
  const latL_Kind *kind;
  latL_Rows rows;
  latL_Units units; /* instead of rows, where the kind has others */
  lat_request request;
  lat_matrix labels; /* those that haven't been read yet */
  lat_fit fit;
  latL_Caller caller;
  size_t start; /* whose history is at FIT_HISTORY */
  bool ended;   /* the model has what came out */
  bool aborted; /* it ended by an error */
  bool quiet,
      updated; /* of partial_fit: the model gets updates at the end, not each; there was one */
  bool given;  /* the fit knows what is known of the data before the first pass */
  bool more;   /* what lat_fit_iterate said last */
  size_t iterations; /* complete ones, and the last one's objective */
  double objective;
  bool shown; /* there is a bar for iterations, if the options ask for one */
  /* in slices: until when this turn lasts (of lat_clock), and who wants to be called outside */
  bool slices;
  double until;
  latL_Outside *outside;
  void *outside_context;
  lat_status answer;
  lat_matrix identity; /* and the data that the run is of */
  /* The end of an iteration; false ends the turn. The end of a turn, after which, if over, there is
   * no other: its results. */
  bool (*iterated)(lua_State *L, struct latL_FitRun *r);
  int (*rests)(lua_State *L, struct latL_FitRun *r, bool over);
  /* Instead, when the turn's time is over, of a turn that goes on; or NULL. */
  void (*looks)(lua_State *L, struct latL_FitRun *r);
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
/* A turn, also as a continuation; context is the run. */
int latL_workturn(lua_State *L, int status, lua_KContext context);

/* Pushes a block of what the present start, or the updates, have come to. */
void latL_pushpresent(lua_State *L, latL_FitRun *r);
/* An iteration is complete. */
void latL_publishiteration(lua_State *L, latL_FitRun *r);
/* Calls on_iteration; false when it says to stop. */
bool latL_observefit(lua_State *L, const latL_FitRun *r, size_t done, double objective);

/* The run has failed: it comes to its end before the error is raised. */
void latL_raisefit(lua_State *L, const latL_FitRun *r, lat_status status);
/* No more iterations: the best start's canonical form, and the kind's last pass. */
void latL_stopfit(lua_State *L, latL_FitRun *r);
/* The model gets the best of what the run has come to, if it has come to anything. */
void latL_concludefit(lua_State *L, latL_FitRun *r);
/* The run needs its memory no more, whoever holds it yet. */
void latL_releasefit(lua_State *L, latL_FitRun *r);
/* Another fit of the model in slices is given up. */
void latL_forgetfit(lua_State *L);

/* The methods that have files of their own. */
int latL_fitfor(lua_State *L);
int latL_partialfit(lua_State *L);

#endif
