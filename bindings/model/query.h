/* query.h: what a fitted model is asked about, and the shape of its answers.
 *
 * Rows of D numbers, in an N x D matrix. A vector has one meaning everywhere: for a model of D > 1
 * columns it is one row, and must have D elements; for a model of one column it is that column, a
 * row for each element (also when there is one element only). Where a matrix gives a row, a vector
 * of one row gives a vector; where a matrix gives one number for each row, it gives a number. */
#ifndef LATL_MODEL_QUERY_H
#define LATL_MODEL_QUERY_H

#include "lua/binding.h"

typedef struct latL_Query {
  const char *who;
  lat_matrix X; /* N x D; whether a matrix has D columns is for the core to say */
  bool one;     /* it was a vector, a single row */
} latL_Query;

/* The rows at `arg` of a model with D columns; `name` for messages. */
latL_Query latL_checkquery(lua_State *L, int arg, const char *who, const char *name, size_t D);

/* The vector at `arg`, a number for each of N rows. */
lat_matrix latL_checkeach(lua_State *L, int arg, const char *who, const char *name, size_t N);

/* Pushes a result with a row of `cols` for each of X, into `out` where it is given; latL_finish ends
 * it. The view is N x cols. */
latL_Result latL_queryresult(lua_State *L, const latL_Query *q, latL_Out out, size_t cols,
                             lat_dtype dtype, latL_Sharing sharing);
/* The same, float64 and fresh. */
lat_matrix latL_queryrows(lua_State *L, const latL_Query *q, size_t cols);

/* Pushes a result with one number for each row, a vector, likewise; the view is packed. Of fresh ones
 * latL_querynumbers then makes numbers of the `count` vectors on the top when there is one row, and
 * latL_querylabels an integer of the one on the top. They return how many values that are. */
latL_Result latL_querycolumn(lua_State *L, const latL_Query *q, latL_Out out);
int latL_querynumbers(lua_State *L, const latL_Query *q, int count);
int latL_querylabels(lua_State *L, const latL_Query *q);

/* Pushes a list of `count` views of the memory of the matrix at `owner`, N x cols each, one behind
 * the other from `data` on; of one row vectors. */
void latL_queryviews(lua_State *L, const latL_Query *q, int owner, double *data, size_t count,
                     size_t cols);

#endif
