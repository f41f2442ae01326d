/* source.h: where the rows of a fit come from.
 *
 * A matrix is one piece. A mapped file (latent.open) is walked in slices, whose pages are given
 * back behind it, so that a file larger than memory stays a file. A function gives a piece a call,
 * X or X, weights, and nil at the end of a pass; it is called again for each pass. */
#ifndef LATL_MODEL_SOURCE_H
#define LATL_MODEL_SOURCE_H

#include "lua/binding.h"

typedef struct latL_Rows {
  bool function;
  lat_source source;   /* its X and weights, unless it is a function, and whether X is mapped */
  size_t columns;      /* 0 until a function has said */
  size_t pieces, rows; /* given so far in this pass */
} latL_Rows;

/* The data at stack index `data` and the option `weights`, for matrices only. Pushes one value that
 * must live as long as the rows are used. A vector is one column; or one row, where a model that
 * more rows are given to has D > 1 columns already (else 0). */
void latL_checkrows(lua_State *L, latL_Rows *rows, int data, int options, const char *who,
                    size_t D);

/* Raises unless the rows have as many columns as those `before` (0: there were none). */
void latL_checkcolumns(lua_State *L, latL_Rows *rows, const char *who, size_t before);

/* lua_call of a function of the user's, which can't yield: in a coroutine, where it could try,
 * the message says so. */
void latL_callback(lua_State *L, const char *who, int arguments, int results);

/* Begins a pass. */
void latL_rewind(latL_Rows *rows);

/* The next piece; false at the end of a pass. It may push values, which must stay on the stack
 * while the piece is used. Raises for chunks of different widths and for a pass without data. */
bool latL_nextrows(lua_State *L, latL_Rows *rows, int data, const char *who, lat_matrix *X,
                   const double **weights);

/* One pass over the data at `data`, whose every piece is given to `take`. */
typedef lat_status latL_Take(lua_State *L, void *model, lat_workspace *work, const lat_matrix *X,
                             const double *weights);
void latL_eachpiece(lua_State *L, latL_Rows *rows, int data, const char *who, bool missing,
                    void *model, latL_Take *take);

/* Whether the rows come in pieces: from a function, or as slices of a large file. */
bool latL_inpieces(const latL_Rows *rows);

/* Raises the failure `status` of work on the piece given last, saying which it was. */
void latL_failrows(lua_State *L, const latL_Rows *rows, const char *who, lat_workspace *work,
                   lat_mark mark, lat_status status, bool missing);

#endif
