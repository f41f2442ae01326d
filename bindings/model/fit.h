/* fit.h: fits of models that the core describes (em/fit.h): sources of data, weights, steps, the
 * observer, progress, time, Ctrl-C, the record, online updates.
 *
 * A run owns all it works with, in a workspace of its own; the model is only read for its options.
 * What the run has come to is a block (model.h), which is complete before the model has it:
 *
 *   - while Lua code may look on (on_iteration, steps, data from a function), every iteration's
 *     parameters become such a block, so that what was read before stays as it was;
 *   - at the end, whatever ends the run (also an error in a callback or an interrupt, once an iteration
 *     is complete), the best start's canonical form becomes the model's; but a loop that is left, or a call that
 *     fails, leaves the model alone when another fit has published since.
 *
 * So fits of one model within each other, and iterators in turns, don't disturb each other. */
#ifndef LATL_MODEL_FIT_H
#define LATL_MODEL_FIT_H

#include "model/work.h"

/* Pushes a block with what the core has made, its report (not the history) unless NULL, and the
 * kind's own. */
void latL_pushmade(lua_State *L, int model, const lat_fitted *made, const lat_fit_report *report);

/* What the report says becomes fields of the block at `fitted`. */
void latL_recordreport(lua_State *L, int fitted, const lat_fit_report *report);

/* The methods fit, fit_for, steps and partial_fit, by name: closures of a kind, as in methods.c. */
lua_CFunction latL_fitfunction(const char *name);

/* Functions of a kind of the core's that reach Lua (those of models whose steps are the user's) find
 * in fit->user who called. The stack is as run.h says, and they may raise. */
typedef struct latL_Caller {
  lua_State *L;
  const char *who; /* "gmm:fit" */
  bool observed;   /* Lua code may look at the model between iterations; they may set it */
} latL_Caller;

/* Such functions raise and call Lua, which can't be done on the stack of a slice of time
 * (base/slice.h): f(context) is called where the call from Lua is, and its status given. */
lat_status latL_outside(lat_fit *fit, latL_Outside *f, void *context);

/* In such functions, and in `record` (model.h): pushes a table of start number `start` (from 0),
 * which is the kind's, to use as it likes, until the run is over. */
void latL_pushstart(lua_State *L, size_t start);
/* Pushes what read_units (model.h) has pushed. */
void latL_pushdata(lua_State *L);

#endif
