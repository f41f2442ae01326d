/* matrix.h: matrices in Lua, made, found among the arguments, and as results. */
#ifndef LATL_LUA_MATRIX_H
#define LATL_LUA_MATRIX_H

#include "lua/class.h"
#include "matrix/arithmetic.h"

#define LATL_MATRIX "latent.Matrix" /* the metatable's name */

/* ---- matrices ------------------------------------------------------------ */

/* A matrix in Lua. A fresh one carries its elements in its own userdata, however
 * large: so they are the host's allocator's, the collector feels them, frees them
 * without a finalizer, and a finalizer of the user's never sees them freed. A view's
 * user value keeps the owner of the elements alive. */
typedef struct latL_Matrix {
  lat_matrix view;
  bool vector;   /* one-dimensional: rows x 1, indexed by one number */
  bool readonly; /* a mapped file */
  /* Set by the owner of memory that isn't Lua's own once that has been given back; or NULL. */
  const bool *gone;
} latL_Matrix;

/* Push a fresh packed matrix or vector, elements not set. Raise when the size overflows
 * or there is no memory. */
latL_Matrix *latL_newmatrix(lua_State *L, size_t rows, size_t cols, lat_dtype dtype);
latL_Matrix *latL_newvector(lua_State *L, size_t n, lat_dtype dtype);
/* The same shape (and vector flag) as `like`. */
latL_Matrix *latL_newlike(lua_State *L, const latL_Matrix *like, lat_dtype dtype);
/* Pushes a copy of another dtype, or of the same; returns 1. */
int latL_pushconverted(lua_State *L, const char *who, const latL_Matrix *A, lat_dtype dtype);
/* Pushes a view of the memory of the matrix at `owner`. */
latL_Matrix *latL_newview(lua_State *L, int owner, lat_matrix view, bool vector);

/* Pushes a list of `count` of them, rows x cols each, one behind the other from `data` on. */
void latL_newviews(lua_State *L, int owner, double *data, size_t count, size_t rows, size_t cols);

/* The matrix at `arg`, or NULL. Raises when its memory has been given back. */
latL_Matrix *latL_tomatrix(lua_State *L, int arg);
/* Raises when the memory of the matrix has been given back: a finalizer may hold a matrix whose
 * owner was collected with it, and before it. */
void latL_checkmemory(lua_State *L, const latL_Matrix *A);
/* The matrix at `arg`; a table of numbers or of rows is converted in its place on
 * the stack. Else raises "who: NAME must be a matrix, got string". */
latL_Matrix *latL_checkmatrix(lua_State *L, int arg, const char *who, const char *name);
/* The same, float64, one-dimensional (an n x 1 or 1 x n matrix counts): a view of length n. */
lat_matrix latL_checkvector(lua_State *L, int arg, const char *who, const char *name);
/* The list at `arg` of numbers 1..n of rows or columns (`what`: "row"), negative from the end if
 * `from_end`: their places from 0, `count` of them, in memory that is pushed. */
size_t *latL_checkplaces(lua_State *L, int arg, const char *who, const char *what, size_t n,
                         bool from_end, size_t *count);
/* Raises when the matrix is read-only. */
void latL_checkwritable(lua_State *L, const latL_Matrix *A, const char *who, const char *name);

/* ---- results ----------------------------------------------------------------
 *
 * The option `out` of every function that has it. It is a matrix that can be written, of the
 * result's dtype, whose elements are in the same places as the result's: as many rows and
 * columns, where a vector of n and an n x 1 matrix are the same. Its strides may be any (no view
 * that Lua has repeats an element), and it may share memory with arguments, with the model's
 * parameters, or with another option: the result is the same. */

/* What `out` may share with matrices among the arguments without the function's noticing. */
typedef enum latL_Sharing {
  LATL_APART,       /* nothing: the function reads them while it writes */
  LATL_SAME_PLACES, /* all of a matrix: an element depends on those in its place (or its row) */
  LATL_ANY_PLACES   /* anything: the core sees to it, or reads none */
} latL_Sharing;

typedef struct latL_Result {
  lat_matrix view;   /* for the core to fill: rows x cols, of any strides */
  lat_matrix target; /* where that has to go yet; no data: it is there */
} latL_Result;

/* Pushes the result (below it, maybe, what holds the view's memory): the option `out` of the
 * table at `options` (0: none) once it has been checked, else a fresh matrix or vector. To be
 * called when all arguments are on the stack. */
latL_Result latL_result(lua_State *L, int options, const char *who, size_t rows, size_t cols,
                        bool vector, lat_dtype dtype, latL_Sharing sharing);
/* Where a result's `out` is: the option of the table at `options` (0: none), or of a function with
 * several results element `place` (from 1; 0: the option itself) of the list that it is, or itself
 * for the first. */
typedef struct latL_Out {
  int options, place;
} latL_Out;
bool latL_hasout(lua_State *L, latL_Out out);
latL_Result latL_resultof(lua_State *L, latL_Out out, const char *who, size_t rows, size_t cols,
                          bool vector, lat_dtype dtype, latL_Sharing sharing);
/* When the view has been filled. */
void latL_finish(lua_State *L, const char *who, const latL_Result *result);

/* "3x4" or "vector of 5", on the stack. */
const char *latL_sides(lua_State *L, const latL_Matrix *A);
/* "3x4 matrix", "vector of 5" for messages, in a ring of a few static-size pushes: pushes
 * the string on the stack and returns it. */
const char *latL_shape(lua_State *L, const latL_Matrix *A);

/* ---- what is known of the data ------------------------------------------------
 *
 * What reads files and data sets hands on further values behind the matrix: labels, a table of
 * information (of class latent.About, lua/options.h). The matrix carries names, labels, classes, text
 * and source as fields, and knows the values that it came with, so that fit(latent.datasets.iris())
 * takes them for what they are and not for options. All of it lies in a table of the registry by weak
 * keys: other matrices have no cost of it. */

/* The table at `about` becomes one of information, with which the matrix at `matrix` was read: its
 * fields columns (the matrix's names), codes (or else labels, a vector: its labels), classes, text and
 * source are the matrix's, too. */
void latL_setabout(lua_State *L, int matrix, int about);
bool latL_isdescribed(lua_State *L, int matrix);
/* Pushes the matrix's field `name`; false, and nothing, when matrices have no such field. */
bool latL_pushdescribed(lua_State *L, int matrix, const char *name);
/* The place, from 0, of the column whose name is the string at `arg`. Raises when the columns of the matrix at `matrix`
 * have no names, or others. */
size_t latL_columnnamed(lua_State *L, int matrix, int arg, const char *who);
/* Arguments from `data` on, the last ones of a call: removes from those behind it tables of
 * information, and what came with the matrix there. Raises as latL_checkread does. */
void latL_takedata(lua_State *L, int data, const char *who);

/* ---- operations --------------------------------------------------------------------------- */

/* Pushes the product of the number and the matrix at 1 and 2, in either order. */
int latL_scale(lua_State *L);

#endif
