/* run.h: what goes on between calls from Lua, or runs Lua code within one: fits, iterators,
 * training.
 *
 * A run is a userdata that begins with a latL_Turn. While a call of it works, the stack is as the
 * enumeration says; a guard there is closed however the call ends, so that a run whose call has
 * failed comes to its end. */
#ifndef LATL_MODEL_RUN_H
#define LATL_MODEL_RUN_H

#include "model/model.h"

enum { LATL_DEEP = 40 }; /* stack for the kinds' functions */

/* Where things lie on the stack while a run works, whoever called. */
enum {
  LATL_MODEL = 1,
  LATL_DATA,
  LATL_OPTIONS,
  LATL_RUN,
  LATL_GUARD,
  LATL_BAR,
  LATL_TOP = LATL_BAR
};

/* Any run's userdata begins with this, and its first user values are the model, the data, the
 * options, the guard, the workspace, and the block `last`. */
typedef struct latL_Turn {
  const char *who; /* "gmm:fit" */
  lat_workspace *work;
  bool busy; /* a call of it is under way */
  const latL_Fitted
      *last; /* the model's block as the run began, or the one it has published last */
  /* what becomes of the run when such a call fails: everything is as in a call */
  void (*failed)(lua_State *L, struct latL_Turn *turn);
} latL_Turn;

enum {
  LATL_RUN_MODEL = 1,
  LATL_RUN_DATA,
  LATL_RUN_OPTIONS,
  LATL_RUN_GUARD,
  LATL_RUN_WORK,
  LATL_RUN_LAST
};

/* The userdata at LATL_RUN becomes a run of the class `metatable` (NULL: of none): it keeps the
 * model, the data and the options, which are at their places on the stack, and has a workspace,
 * which is returned, and a guard. */
lat_workspace *latL_holdrun(lua_State *L, latL_Turn *turn, const char *who, const char *metatable,
                            void (*failed)(lua_State *L, latL_Turn *turn));
/* A run's first call begins, the stack being as above: the guard sees to it that `failed` is called
 * should the call not come to its end, and that memory is given back. */
void latL_beginturn(lua_State *L, latL_Turn *turn);
/* A later call has the run at `at`, whatever else it was called with: makes the stack as it was,
 * and begins. Raises when another call of the run is under way. */
void *latL_resume(lua_State *L, int at);
/* The call has come to its end. */
void latL_endturn(latL_Turn *turn);
/* Ends a call of a run: returns the model at 1. The guard and the bar are closed by the return, and
 * never by cutting the stack below them (see latL_callworkspace). */
int latL_returnmodel(lua_State *L);
/* What `steps` returns for the run: its iterator, and the run itself, to be closed. */
int latL_pushsteps(lua_State *L, lua_CFunction next);

/* Calls on_iteration{iteration=, objective=, model=, more=}, if the options have it, with the value
 * on the top for the field `more`. False when it says to stop. Leaves the top at LATL_TOP. */
bool latL_observe(lua_State *L, size_t iteration, double objective, const char *more);

/* Seconds between looks at a pass of a fit that shows its progress: an eye sees no more. */
#define LATL_LOOKS 0.1

/* Raises unless the option `progress` of the table is true, false or a function. */
void latL_checkprogress(lua_State *L, int options, const char *who);
/* Whether the option says that there is somebody who looks on, or, without the option, all calls
 * have one (latent.progress). */
bool latL_wantsbar(lua_State *L);
/* Puts latent.progress's bar into its place, if it is wanted, or what tells its function; it is
 * closed however the call ends. */
void latL_makebar(lua_State *L, const char *who, const char *label, size_t total);
/* There will be so many iterations, and not as many as it was made with. */
void latL_totalofbar(lua_State *L, size_t total);
/* Draws it: iterations that are done, and the share of the next one, which is negative where nobody
 * knows it. A `phase` is between iterations, and the share its own. The objective is NaN before
 * there is one. */
void latL_drawbar(lua_State *L, size_t done, double objective, const char *phase, double share);

/* The block on the top becomes the model's, and is popped. */
void latL_publishrun(lua_State *L, latL_Turn *turn);
/* Whether nobody else has published since the run did. */
bool latL_isours(lua_State *L, const latL_Turn *turn);
/* The list at a user value of the run: list[i] := x. Allocates nothing that a finalizer could see. */
void latL_note(lua_State *L, int value, size_t i, double x);

/* Makes the value on the top the run's user value `value`, and pops it. */
void latL_hold(lua_State *L, int value);
/* The call fails, but the run's memory is still there: it comes to its end here, not when the guard
 * is closed, which in a coroutine that has died may be never. */
void latL_giveup(lua_State *L);
/* Calls f(the value on the top), which is popped, for what has to be done although something has
 * failed: the user is told what failed first, and the hook that interrupts has its say afterwards.
 */
void latL_callquietly(lua_State *L, lua_CFunction f);

void latL_open_run(lua_State *L);

#endif
