/* comm.h: the class latent.Comm, the ranks of a job as Lua has them. */
#ifndef LATL_RANKS_COMM_H
#define LATL_RANKS_COMM_H

#include "comm/comm.h"
#include "lua/binding.h"

#define LATL_COMM "latent.Comm"

/* Pushes a comm whose core's part is set by the caller: zeros. It keeps the value at `keeps` (0:
 * none) as its user value. It is the process' that calls this, or latL_owncomm after a fork. */
lat_comm *latL_newcomm(lua_State *L, int keeps);
void latL_owncomm(lat_comm *comm);
/* That at `arg`; raises when it isn't one, when its job has ended, and in another process: two would
 * speak for one rank. */
lat_comm *latL_checkcomm(lua_State *L, int arg, const char *who, const char *name);
/* The option `comm`, or NULL. */
lat_comm *latL_optcomm(lua_State *L, int options, const char *who);
/* A message handler: the message with the traceback, which would be lost with the process. */
int latL_trace(lua_State *L);
/* Pushes the data of a rank without rows: a function that gives nothing. */
void latL_pushnorows(lua_State *L);
/* Pushes rows first, ..., first + rows - 1, from 0, of the matrix at `matrix`; without rows, data of
 * none: a function that gives nothing. */
void latL_pushshare(lua_State *L, int matrix, uint64_t first, uint64_t rows);

#endif
