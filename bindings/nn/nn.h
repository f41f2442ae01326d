/* nn.h: what the files of latent.nn share. Not installed.
 *
 * Who keeps whom: a net and an optimizer have their store as user value 1; a value has its tape;
 * a tape has a table of the stores whose parameters it has met. */
#ifndef LATL_NN_NN_H
#define LATL_NN_NN_H

#include "lua/binding.h"

#define LATL_STORE     "latent.Store"
#define LATL_TAPE      "latent.Tape"
#define LATL_VALUE     "latent.Value"
#define LATL_NET       "latent.Net"
#define LATL_OPTIMIZER "latent.Optimizer"

/* What the core's have in a userdata; `gone` once their finalizers have run. */
typedef struct latL_Store {
  lat_store core;
  bool gone;
} latL_Store;

typedef struct latL_Tape {
  lat_tape core;
  bool gone;
} latL_Tape;

typedef struct latL_Value {
  lat_value handle;
  lat_tape *tape;
} latL_Value;

lat_store *latL_checkstore(lua_State *L, int arg, const char *who);
/* Raises when a store that latent.nn made, or a tape or one of the stores on it, is gone. */
void latL_usestore(lua_State *L, const lat_store *store, const char *who);
lat_tape *latL_checktape(lua_State *L, int arg, const char *who);
latL_Value *latL_checkvalue(lua_State *L, int arg, const char *who, const char *name);

/* The number of the store's parameter whose name is at `arg`. */
size_t latL_checkparameter(lua_State *L, int arg, const char *who, const lat_store *store);

/* An optimizer in Lua. User values: the store, the schedule (a function or nil). */
typedef struct latL_Optimizer {
  lat_optimizer core;
  double learning_rate;
  bool gone;
  const char *name; /* "adam" */
} latL_Optimizer;

/* The handle of what is at `arg`: a value of this tape, or a matrix or a table of numbers, which is
 * copied onto it; a number is 1 x 1. */
lat_value latL_tovalue(lua_State *L, int arg, lat_tape *tape, const char *who, const char *name);

/* Has the tape at stack index `tape` keep the store at `store` alive. */
void latL_keepstore(lua_State *L, int tape, int store);

/* To be called before an operation: the line of the caller, for messages of tape:check. */
void latL_begin(lua_State *L, lat_tape *tape);

/* Pushes the value of an operation on the tape at stack index `tape`; raises when it has failed. */
int latL_pushvalue(lua_State *L, int tape, const char *who, lat_value handle);

/* Raises the failure of the tape, if there is one, and forgets it. */
void latL_checkstep(lua_State *L, lat_tape *tape, const char *who);

/* Pushes a fresh matrix for the elements of A, or the option `out` at `options`. They are copied
 * once A has been asked for again: a finalizer may have moved a store's memory, or begun another
 * step of the tape. */
latL_Result latL_copyresult(lua_State *L, int options, const char *who, lat_matrix A);

/* Tells the collector of memory that it doesn't see. */
void latL_weigh(lua_State *L, size_t bytes);

/* The activation whose name is at `arg`; what the argument is called, for messages. */
lat_activation latL_checkactivation(lua_State *L, int arg, const char *who, const char *name);

#endif
