/* work.h: runs (run.h) that work in turns: from what the core is given to what the model gets.
 *
 * In a turn a run works until there is something to say: an iteration is complete, the turn's time is
 * over, or the run. In slices of time (base/slice.h) the core works on a stack of its own, where
 * nothing of Lua's is called; what it asks for meanwhile, rows of a function of the user's above all,
 * is asked by the turn, on the stack of the call from Lua, as a continuation, so that this function
 * may yield. */
#ifndef LATL_MODEL_WORK_H
#define LATL_MODEL_WORK_H

#include "base/slice.h"
#include "model/run.h"
#include "model/source.h"

/* User values of such a run, behind those of any; and where the kinds' own begin. */
enum {
  LATL_WORK_WEIGHTS = LATL_RUN_LAST + 1, /* or what keeps other data than rows */
  LATL_WORK_GIVEN,                       /* what keeps these as they were given */
  LATL_WORK_PIECE,                       /* what keeps a piece of data from a function, in slices */
  LATL_WORK_IDENTITY,                    /* of data that are fitted to in slices */
  LATL_WORK_OWN
};

/* What can't be done on a slice's stack: it raises, or calls Lua. */
typedef lat_status latL_Outside(void *context);

typedef struct latL_Work {
  latL_Turn turn;
  latL_Rows rows;
  /* Computes up to the end of the next iteration, and sets `more`; may fail. */
  lat_slice_task *task;
  bool more;    /* an iteration has ended; false: the run is over */
  bool ended;   /* the model has what came out */
  bool aborted; /* it ended by an error */
  bool told;    /* the other ranks know of that error */
  /* in slices: until when this turn lasts (of lat_clock), and who wants to be called outside */
  bool slices;
  double until;
  latL_Outside *outside;
  void *outside_context;
  lat_status answer;
  lat_matrix identity; /* and the data that the run is of */
  /* A part of a turn begins; the task has ended. NULL: nothing to be done. */
  void (*enters)(lua_State *L, struct latL_Work *w);
  void (*passed)(lua_State *L, struct latL_Work *w);
  /* The end of an iteration; false ends the turn. The end of a turn, after which, if over, there is
   * no other: its results. */
  bool (*iterated)(lua_State *L, struct latL_Work *w);
  int (*rests)(lua_State *L, struct latL_Work *w, bool over);
  /* Instead, when the turn's time is over, of a turn that goes on; or NULL. */
  void (*looks)(lua_State *L, struct latL_Work *w);
  /* The model gets what came out. */
  void (*concludes)(lua_State *L, struct latL_Work *w);
} latL_Work;

/* A method that fits begins: makes the stack model, data, options, and reads these. The model. */
const latL_Model *latL_beginfit(lua_State *L, lat_request *request);
/* Whether the data's function may yield: then the run has to be in slices. */
bool latL_mayyield(lua_State *L, const latL_Work *w);
/* f(context), on the stack where Lua can be called. */
lat_status latL_dooutside(latL_Work *w, latL_Outside *f, void *context);
/* A turn, also as a continuation; context is the run, which is at LATL_RUN. */
int latL_workturn(lua_State *L, int status, lua_KContext context);
/* The run has failed: it comes to its end before the error is raised. */
void latL_raiserun(lua_State *L, const latL_Turn *turn, lat_status status);

/* What a turn of steps gives: the iterations done and the last objective, or false before. */
int latL_pushiteration(lua_State *L, size_t iterations, double objective);

/* The method fit_for(X, seconds [, options]) -> whether the fit is done. `make` checks model, data
 * and options at 1, 2 and 3, and puts a run at 4. */
int latL_fitslices(lua_State *L, latL_Work *make(lua_State *L));
/* Whether views that may have been made anew are the same rows in memory. */
bool latL_sameview(const lat_matrix *a, const lat_matrix *b);
/* Another fit of the model in slices is given up. */
void latL_forgetfit(lua_State *L);

#endif
