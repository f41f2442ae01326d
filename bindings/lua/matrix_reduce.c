/* matrix_reduce.c: reductions, sorting, choosing rows and stacking of latent.Matrix. */
#include <math.h>

#include "lua/binding.h"
#include "matrix/arithmetic.h"
#include "matrix/order.h"
#include "matrix/random_matrix.h"
#include "matrix/reduce.h"

/* ---- dimensions and results -------------------------------------------------------- */

/* The dimension at `arg`: 1, 2 or, when there is none, `otherwise`. A vector has only
 * dimension 1, which is all of it. */
static int check_dim(lua_State *L, int arg, const char *who, const latL_Matrix *A, int otherwise)
{
  if (lua_isnoneornil(L, arg)) return A->vector && otherwise ? 1 : otherwise;
  const lua_Integer dim = latL_checkinteger(L, arg, who, "dim");
  if (A->vector && dim != 1) latL_error(L, who, "dim must be 1 for a vector, got %I", dim);
  if (dim != 1 && dim != 2)
    latL_error(L, who, "dim must be 1 (over the rows) or 2 (over the columns), got %I", dim);
  return (int)dim;
}

/* ---- reductions -------------------------------------------------------------------- */

/* Places count from 0 in the core, and from 1 in Lua. */
static void count_from_one(lua_State *L, const char *who, const lat_matrix *places)
{
  double one = 1;
  const lat_matrix ones = {&one, places->rows, places->cols, 0, 0, LAT_FLOAT64};
  latL_run(L, who, lat_binary, LAT_ADD, places, &ones, places);
}

/* One number, one truth, or the places of a minimum. */
static int push_whole(lua_State *L, int kind, const latL_Matrix *A, double value)
{
  const bool place = kind == LAT_ARGMIN || kind == LAT_ARGMAX;
  if (kind == LAT_ANY || kind == LAT_ALL) {
    lua_pushboolean(L, value != 0);
  } else if (!place) {
    lua_pushnumber(L, value);
  } else {
    const lua_Integer at = (lua_Integer)value, cols = (lua_Integer)A->view.cols;
    lua_pushinteger(L, at / cols + 1);
    if (A->vector) return 1;
    lua_pushinteger(L, at % cols + 1);
    return 2;
  }
  return 1;
}

/* A quantile counts as one more kind of reduction. */
enum { QUANTILE = LAT_REDUCTIONS };

static lat_status compute(lat_workspace *work, int kind, const lat_matrix *A, int dim,
                          double parameter, const lat_matrix *out)
{
  if (kind == QUANTILE) return lat_quantile(work, A, dim, parameter, out);
  return lat_reduce(work, (lat_reduction)kind, A, dim, parameter, out);
}

/* A:sum([dim [, options]]) and its like, the `kind` says which; A:quantile(p [, dim]) */
static int reduce(lua_State *L, const latL_Function *f)
{
  const bool place = f->kind == LAT_ARGMIN || f->kind == LAT_ARGMAX;
  const int options = f->arguments + 1;
  double parameter = latL_optnumber(L, options, f->who, "correction", 0, 0, INFINITY);
  if (f->kind == QUANTILE) parameter = options == 3 ? 0.5 : latL_checknumber(L, 2, f->who, "p");
  if (f->kind == QUANTILE && !(parameter >= 0 && parameter <= 1))
    latL_error(L, f->who, "p must be from 0 to 1, got %f", parameter);
  const latL_Matrix *A = latL_checkmatrix(L, 1, f->who, "A");
  const int dim = check_dim(L, f->arguments, f->who, A, 0);
  if (dim == 0 || A->vector) {
    if (latL_hasoption(L, options, "out"))
      latL_error(L, f->who, "the result is a number, which has no out");
    double value;
    const lat_matrix out = lat_vector_of(&value, 1);
    latL_run(L, f->who, compute, f->kind, &A->view, 0, parameter, &out);
    return push_whole(L, f->kind, A, value);
  }
  const size_t n = dim == 1 ? A->view.cols : A->view.rows; /* a number a column, or a row */
  const latL_Result out =
      latL_result(L, options, f->who, n, 1, true, place ? LAT_FLOAT64 : A->view.dtype, LATL_APART);
  latL_run(L, f->who, compute, f->kind, &A->view, dim, parameter, &out.view);
  if (place) count_from_one(L, f->who, &out.view);
  latL_finish(L, f->who, &out);
  return 1;
}

static int cumsum(lua_State *L, const latL_Function *f)
{
  const latL_Matrix *A = latL_checkmatrix(L, 1, f->who, "A");
  const int dim = check_dim(L, 2, f->who, A, 1);
  const lat_matrix from = A->view;
  const latL_Result to =
      latL_result(L, 3, f->who, from.rows, from.cols, A->vector, from.dtype, LATL_SAME_PLACES);
  latL_run(L, f->who, lat_cumulative_sum, &from, dim, &to.view);
  latL_finish(L, f->who, &to);
  return 1;
}

/* ---- order ------------------------------------------------------------------------- */

/* A:sort([dim [, {descending=}]]) -> sorted, order */
static int sort(lua_State *L, const latL_Function *f)
{
  const latL_Matrix *A = latL_checkmatrix(L, 1, f->who, "A");
  const int dim = check_dim(L, 2, f->who, A, 1);
  const bool descending = latL_optboolean(L, 3, f->who, "descending", false);
  const lat_matrix sorted = latL_newlike(L, A, A->view.dtype)->view;
  const lat_matrix order = latL_newlike(L, A, LAT_FLOAT64)->view;
  latL_run(L, f->who, lat_sort, &A->view, dim, descending, &sorted, &order);
  count_from_one(L, f->who, &order);
  return 2;
}

/* A:shuffle([rng]) -> the rows in random order, the order */
static int shuffle(lua_State *L, const latL_Function *f)
{
  const latL_Matrix *A = latL_checkmatrix(L, 1, f->who, "A");
  lat_random *random = latL_checkrandom(L, 2, f->who);
  const lat_matrix shuffled = latL_newlike(L, A, A->view.dtype)->view;
  double *order = latL_newvector(L, A->view.rows, LAT_FLOAT64)->view.data;
  latL_run(L, f->who, lat_random_rows, random, &A->view, &shuffled, order);
  return 2;
}

/* A:unique() -> the distinct numbers, how often each comes, which of them each element is */
static int unique(lua_State *L, const latL_Function *f)
{
  const latL_Matrix *A = latL_checkmatrix(L, 1, f->who, "A");
  const size_t n = A->view.rows * A->view.cols;
  size_t count;
  double *values = latL_newvector(L, n, LAT_FLOAT64)->view.data;
  double *counts = latL_newvector(L, n, LAT_FLOAT64)->view.data;
  const lat_matrix codes = latL_newlike(L, A, LAT_FLOAT64)->view;
  latL_run(L, f->who, lat_unique, &A->view, values, counts, &codes, &count);
  for (int k = 0; k < 2; k++) { /* in memory of their own size */
    const lat_matrix all = lat_vector_of(k ? counts : values, count);
    latL_copy(L, f->who, &all, &latL_newvector(L, count, LAT_FLOAT64)->view);
  }
  lua_rotate(L, -3, -1); /* the codes last */
  return 3;
}

/* The list of columns at 2, or one of them, with numbers in place of names. */
static void number_columns(lua_State *L, const char *who)
{
  lua_settop(L, 2);
  if (lua_type(L, 2) == LUA_TSTRING) {
    lua_createtable(L, 1, 0);
    lua_insert(L, 2);
    lua_rawseti(L, 2, 1);
  }
  bool named = false;
  const lua_Integer n = lua_istable(L, 2) ? (lua_Integer)lua_rawlen(L, 2) : 0;
  for (lua_Integer k = 1; !named && k <= n; k++, lua_pop(L, 1))
    named = lua_rawgeti(L, 2, k) == LUA_TSTRING;
  if (!named) return;
  lua_newtable(L);
  for (lua_Integer k = 1; k <= n; k++) {
    if (lua_rawgeti(L, 2, k) == LUA_TSTRING) {
      const size_t j = latL_columnnamed(L, 1, 4, who);
      lua_pop(L, 1);
      lua_pushinteger(L, (lua_Integer)j + 1);
    }
    lua_rawseti(L, 3, k);
  }
  lua_replace(L, 2);
}

enum { ROWS, COLUMNS };

/* What is known of the matrix at 1 is of the one on the top, too, which has those of its rows, or of its columns. */
static void describe_chosen(lua_State *L, const char *who, const size_t *places, size_t count,
                            bool rows)
{
  static const char *const same[] = {"classes", "source"};
  const int to = lua_gettop(L);
  lua_newtable(L);
  for (int k = 0; k < 2; k++) {
    latL_pushdescribed(L, 1, same[k]);
    lua_setfield(L, to + 1, same[k]);
  }
  latL_pushdescribed(L, 1, "labels");
  const latL_Matrix *labels = latL_tomatrix(L, -1);
  if (rows && labels && labels->view.rows == latL_tomatrix(L, 1)->view.rows) {
    const latL_Matrix *chosen = latL_newvector(L, count, labels->view.dtype);
    latL_run(L, who, lat_gather_rows, &labels->view, places, &chosen->view);
  } else if (rows) {
    lua_pushnil(L);
  }
  lua_setfield(L, to + 1, "codes");
  lua_settop(L, to + 1);
  if (latL_pushdescribed(L, 1, "names") && lua_istable(L, -1) && !rows) {
    lua_createtable(L, (int)(count < INT32_MAX ? count : 0), 0);
    for (size_t k = 0; k < count; k++) {
      lua_rawgeti(L, -2, (lua_Integer)places[k] + 1);
      lua_rawseti(L, -2, (lua_Integer)k + 1);
    }
  }
  lua_setfield(L, to + 1, "columns");
  lua_settop(L, to + 1);
  latL_setabout(L, to, to + 1);
  lua_settop(L, to);
}

/* A:rows_at(list): rows (elements of a vector) by number, negative from the end, in any order and
 * more than once; A:cols_at(list): columns, also by name */
static int choose(lua_State *L, const latL_Function *f)
{
  const latL_Matrix *A = latL_checkmatrix(L, 1, f->who, "A");
  const bool rows = f->kind == ROWS;
  if (!rows) number_columns(L, f->who);
  size_t count, n = rows ? A->view.rows : A->view.cols;
  const size_t *places = latL_checkplaces(L, 2, f->who, rows ? "row" : "column", n, true, &count);
  latL_Matrix *B =
      latL_newmatrix(L, rows ? count : A->view.rows, rows ? A->view.cols : count, A->view.dtype);
  B->vector = rows && A->vector;
  const lat_matrix from = rows ? A->view : lat_transpose(A->view);
  const lat_matrix to = rows ? B->view : lat_transpose(B->view);
  latL_run(L, f->who, lat_gather_rows, &from, places, &to);
  if (latL_isdescribed(L, 1)) describe_chosen(L, f->who, places, count, rows);
  return 1;
}

/* ---- stacking ------------------------------------------------------------------------ */

/* The list's matrix number k (from 1), pushed, as it lies in the stack: below each other vectors
 * are rows, beside each other they are columns. */
static lat_matrix piece(lua_State *L, const char *who, lua_Integer k, bool down)
{
  lua_rawgeti(L, 1, k);
  const latL_Matrix *A = latL_checkmatrix(L, -1, who, "an element of the list");
  return down && A->vector ? lat_transpose(A->view) : A->view;
}

enum { BESIDE, BELOW };

/* matrix.vstack(list), matrix.hstack(list); the `kind` says where the next matrix goes. */
static int stack(lua_State *L, const latL_Function *f)
{
  const char *who = f->who;
  const bool down = f->kind == BELOW;
  lua_settop(L, 1);
  if (lua_type(L, 1) != LUA_TTABLE)
    latL_error(L, who, "list must be a table of matrices, got %s", latL_typename(L, 1));
  const lua_Integer count = luaL_len(L, 1); /* of lists made when asked for, too */
  if (count == 0) latL_error(L, who, "the list has no matrices");
  size_t across = 0, along = 0;
  lat_dtype dtype = LAT_FLOAT32;
  for (lua_Integer k = 1; k <= count; k++) {
    const lat_matrix A = piece(L, who, k, down);
    const size_t side = down ? A.cols : A.rows;
    if (k > 1 && side != across)
      latL_error(L, who, "matrix %I of the list has %I %s, the first %I", k, (lua_Integer)side,
                 down ? "columns" : "rows", (lua_Integer)across);
    across = side;
    along += down ? A.rows : A.cols;
    if (A.dtype == LAT_FLOAT64) dtype = LAT_FLOAT64;
    lua_pop(L, 1);
  }
  const lat_matrix B = latL_newmatrix(L, down ? along : across, down ? across : along, dtype)->view;
  size_t place = 0;
  for (lua_Integer k = 1; k <= count; k++) {
    const lat_matrix A = piece(L, who, k, down);
    if ((down ? A.cols : A.rows) != across || (down ? A.rows : A.cols) > along - place)
      latL_error(L, who, "a finalizer changed the list"); /* the collector ran just now */
    const lat_matrix to = lat_block_of(B, down ? place : 0, down ? 0 : place, A.rows, A.cols);
    latL_copy(L, who, &A, &to);
    place += down ? A.rows : A.cols;
    lua_pop(L, 1);
  }
  return 1;
}

/* ---- the module ------------------------------------------------------------------------ */

/* clang-format off */
#define REDUCTION(who, kind_) {who, reduce, 2, 1, LATL_OPTIONS("out"), .kind = kind_}
const latL_Function latL_matrix_reduce_methods[] = {
  REDUCTION("A:sum", LAT_SUM), REDUCTION("A:product", LAT_PRODUCT), REDUCTION("A:mean", LAT_MEAN),
  REDUCTION("A:min", LAT_MIN), REDUCTION("A:max", LAT_MAX), REDUCTION("A:argmin", LAT_ARGMIN),
  REDUCTION("A:argmax", LAT_ARGMAX), REDUCTION("A:any", LAT_ANY), REDUCTION("A:all", LAT_ALL),
  {"A:var", reduce, 2, 1, LATL_OPTIONS("correction", "out"), .kind = LAT_VARIANCE},
  {"A:std", reduce, 2, 1, LATL_OPTIONS("correction", "out"), .kind = LAT_DEVIATION},
  {"A:quantile", reduce, 3, 1, LATL_OPTIONS("out"), .kind = QUANTILE},
  REDUCTION("A:median", QUANTILE),
  {"A:cumsum", cumsum, 2, 1, LATL_OPTIONS("out")},
  {"A:sort", sort, 2, 1, LATL_OPTIONS("descending")},
  {"A:shuffle", shuffle, .arguments = 2},
  {"A:unique", unique, .arguments = 1},
  {"A:rows_at", choose, .arguments = 2, .kind = ROWS},
  {"A:cols_at", choose, .arguments = 2, .kind = COLUMNS},
  LATL_END
};
/* clang-format on */

const latL_Function latL_matrix_reduce_functions[] = {
    {"matrix.vstack", stack, .arguments = 1, .kind = BELOW},
    {"matrix.hstack", stack, .arguments = 1, .kind = BESIDE},
    LATL_END};
