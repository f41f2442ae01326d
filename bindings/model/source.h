/* source.h: where the rows of a fit come from.
 *
 * A matrix is one piece. A mapped file (latent.open) is walked in slices, whose pages are given
 * back behind it, so that a file larger than memory stays a file. A function gives a piece a call,
 * X or X, weights, and nil at the end of a pass; it is called again for each pass. All of them are
 * the core's lat_source, which calls the function, and through which an error may jump. */
#ifndef LATL_MODEL_SOURCE_H
#define LATL_MODEL_SOURCE_H

#include "lua/binding.h"

typedef struct latL_Rows {
  lat_source source;
  const char *who;
  int data;     /* where the function is */
  lua_State *L; /* who asks for pieces, and what is on the stack below their values */
  int top;
  /* In slices of time (base/slice.h) nothing of Lua's can be called: the function is to be called
   * by who called the slice, and the next slice has what it gave. */
  bool wanted;
  lat_matrix piece;
  const double *piece_weights;
  lat_matrix given; /* weights that latL_takeweights hasn't copied yet */
} latL_Rows;

/* The data at stack index `data` and the option `weights`, for matrices only, of which
 * latL_takeweights makes use. Pushes two values (or nil): what keeps the weights as they were given,
 * until then, and a vector of them, which must live as long as the rows are used. A vector of data
 * is one column; or one row, where a model that more rows are given to has D > 1 columns already
 * (else 0). */
void latL_checkrows(lua_State *L, latL_Rows *rows, int data, int options, const char *who,
                    size_t D);

/* Before the rows are used: copies and checks the weights. Calls nothing of Lua's, so that it can be
 * in slices. */
lat_status latL_takeweights(lat_workspace *work, latL_Rows *rows);

/* Raises unless the rows have as many columns as those `before` (0: there were none). */
void latL_checkcolumns(lua_State *L, latL_Rows *rows, const char *who, size_t before);

/* How many rows the data have, those of all ranks; 0 when that isn't known: of chunks. */
size_t latL_rowsof(const latL_Rows *rows);

/* latL_takeweights, as the beginning of a fit: what fails on one rank fails on all. */
lat_status latL_takerows(lat_workspace *work, latL_Rows *rows);

/* A call has failed by itself: other ranks, which wait for this one, learn of it, unless they have
 * been `told` so far, which is set. `comm` may be NULL. */
void latL_tellranks(lat_comm *comm, lat_workspace *work, bool *told);

/* Before calls of the core that read rows: pieces of functions are values on this stack, above what
 * is there now, until the next one is asked for. */
lat_source *latL_readrows(lua_State *L, latL_Rows *rows);

/* The function that is `wanted` has been called, and has left its two results above `top`: checks
 * them, and leaves there what must live until the next piece. */
void latL_takepiece(lua_State *L, latL_Rows *rows);

/* lua_call of a function of the user's, which can't yield: in a coroutine, where it could try,
 * the message says so. */
void latL_callback(lua_State *L, const char *who, int arguments, int results);

#endif
