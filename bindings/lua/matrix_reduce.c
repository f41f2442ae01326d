/* matrix_reduce.c: reductions, sorting, choosing rows and stacking of latent.Matrix. */
#include <math.h>

#include "lua/matrix_arithmetic.h"
#include "matrix/order.h"
#include "matrix/reduce.h"

static const char *const out_option[] = {"out", NULL};

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

/* Moves an option table at `arg`, given in place of left out arguments, to `arg + 1`. */
static void shift_options(lua_State *L, int arg)
{
  lua_settop(L, arg + 1);
  if (lua_type(L, arg) != LUA_TTABLE || !lua_isnil(L, arg + 1)) return;
  lua_pushnil(L);
  lua_insert(L, arg);
  lua_settop(L, arg + 1);
}

/* Pushes the vector for one number a column (dim 1) or a row (dim 2). */
static latL_Result line_result(lua_State *L, int options, const char *who, const latL_Matrix *A,
                               int dim, lat_dtype dtype)
{
  const size_t n = dim == 1 ? A->view.cols : A->view.rows;
  return latL_result(L, options, who, n, 1, true, dtype, LATL_APART);
}

/* ---- reductions -------------------------------------------------------------------- */

/* "A:sum", skipping "A:", is the method's name. */
static const struct {
  const char *who;
  lat_reduction kind;
} reductions[] = {
    {"A:sum", LAT_SUM},      {"A:product", LAT_PRODUCT}, {"A:mean", LAT_MEAN},
    {"A:var", LAT_VARIANCE}, {"A:std", LAT_DEVIATION},   {"A:min", LAT_MIN},
    {"A:max", LAT_MAX},      {"A:argmin", LAT_ARGMIN},   {"A:argmax", LAT_ARGMAX},
    {"A:any", LAT_ANY},      {"A:all", LAT_ALL},
};

static void reduce(lua_State *L, const char *who, lat_reduction kind, const lat_matrix *A, int dim,
                   double correction, const lat_matrix *out)
{
  lat_workspace *work = latL_workspace(L);
  latL_call(L, who, work, lat_reduce(work, kind, A, dim, correction, out));
}

/* Places count from 0 in the core, and from 1 in Lua. */
static void count_from_one(lua_State *L, const char *who, const lat_matrix *places)
{
  double one = 1;
  const lat_matrix ones = {&one, places->rows, places->cols, 0, 0, LAT_FLOAT64};
  lat_workspace *work = latL_workspace(L);
  latL_call(L, who, work, lat_binary(work, LAT_ADD, places, &ones, places));
}

/* One number, one truth, or the places of a minimum. */
static int push_whole(lua_State *L, lat_reduction kind, const latL_Matrix *A, double value)
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

/* Upvalue: the place in `reductions`. */
static int apply_reduction(lua_State *L)
{
  static const char *const moment_options[] = {"correction", "out", NULL};
  const size_t k = (size_t)lua_tointeger(L, lua_upvalueindex(1));
  const char *who = reductions[k].who;
  const lat_reduction kind = reductions[k].kind;
  const bool spread = kind == LAT_VARIANCE || kind == LAT_DEVIATION;
  const bool place = kind == LAT_ARGMIN || kind == LAT_ARGMAX;
  shift_options(L, 2);
  const latL_Matrix *A = latL_checkmatrix(L, 1, who, "A");
  const int dim = check_dim(L, 2, who, A, 0);
  latL_checkoptions(L, 3, who, spread ? moment_options : out_option);
  const double correction = spread ? latL_optnumber(L, 3, who, "correction", 0, 0, INFINITY) : 0;
  if (dim == 0 || A->vector) {
    if (latL_getoption(L, 3, "out") != LUA_TNIL)
      latL_error(L, who, "the result is a number, which has no out");
    double value;
    const lat_matrix out = lat_vector_of(&value, 1);
    reduce(L, who, kind, &A->view, 0, correction, &out);
    return push_whole(L, kind, A, value);
  }
  const latL_Result out = line_result(L, 3, who, A, dim, place ? LAT_FLOAT64 : A->view.dtype);
  reduce(L, who, kind, &A->view, dim, correction, &out.view);
  if (place) count_from_one(L, who, &out.view);
  latL_finish(L, who, &out);
  return 1;
}

/* A:quantile(p [, dim [, options]]) and A:median([dim [, options]]) */
static int quantile(lua_State *L, const char *who, int dim_arg, double p)
{
  shift_options(L, dim_arg);
  const latL_Matrix *A = latL_checkmatrix(L, 1, who, "A");
  int dim = check_dim(L, dim_arg, who, A, 0);
  latL_checkoptions(L, dim_arg + 1, who, out_option);
  double value;
  latL_Result out = {.view = lat_vector_of(&value, 1)};
  if (A->vector) dim = 0;
  if (dim != 0)
    out = line_result(L, dim_arg + 1, who, A, dim, A->view.dtype);
  else if (latL_getoption(L, dim_arg + 1, "out") != LUA_TNIL)
    latL_error(L, who, "the result is a number, which has no out");
  lat_workspace *work = latL_workspace(L);
  latL_call(L, who, work, lat_quantile(work, &A->view, dim, p, &out.view));
  latL_finish(L, who, &out);
  if (dim == 0) lua_pushnumber(L, value);
  return 1;
}

static int quantile_of(lua_State *L)
{
  const double p = latL_checknumber(L, 2, "A:quantile", "p");
  if (!(p >= 0 && p <= 1)) latL_error(L, "A:quantile", "p must be from 0 to 1, got %f", p);
  return quantile(L, "A:quantile", 3, p);
}

static int median(lua_State *L)
{
  return quantile(L, "A:median", 2, 0.5);
}

static int cumsum(lua_State *L)
{
  const char *who = "A:cumsum";
  shift_options(L, 2);
  const latL_Matrix *A = latL_checkmatrix(L, 1, who, "A");
  const int dim = check_dim(L, 2, who, A, 1);
  latL_checkoptions(L, 3, who, out_option);
  const lat_matrix from = A->view;
  const latL_Result to =
      latL_result(L, 3, who, from.rows, from.cols, A->vector, from.dtype, LATL_SAME_PLACES);
  lat_workspace *work = latL_workspace(L);
  latL_call(L, who, work, lat_cumulative_sum(work, &from, dim, &to.view));
  latL_finish(L, who, &to);
  return 1;
}

/* ---- order ------------------------------------------------------------------------- */

/* A:sort([dim [, {descending=}]]) -> sorted, order */
static int sort(lua_State *L)
{
  static const char *const names[] = {"descending", NULL};
  const char *who = "A:sort";
  shift_options(L, 2);
  const latL_Matrix *A = latL_checkmatrix(L, 1, who, "A");
  const int dim = check_dim(L, 2, who, A, 1);
  latL_checkoptions(L, 3, who, names);
  const bool descending = latL_optboolean(L, 3, who, "descending", false);
  const lat_matrix sorted = latL_newlike(L, A, A->view.dtype)->view;
  const lat_matrix order = latL_newlike(L, A, LAT_FLOAT64)->view;
  lat_workspace *work = latL_workspace(L);
  latL_call(L, who, work, lat_sort(work, &A->view, dim, descending, &sorted, &order));
  count_from_one(L, who, &order);
  return 2;
}

/* B := A's rows in random order, and the places (from 1) they come from. */
static lat_status shuffle_rows(lat_workspace *work, lat_random *random, const lat_matrix *A,
                               const lat_matrix *B, double *order)
{
  LAT_SCOPE(work);
  size_t n = A->rows, *place = lat_allocate(work, n, sizeof *place);
  if (!place) return LAT_MEMORY;
  LAT_TRY(lat_random_permutation(work, random, n, place));
  LAT_TRY(lat_gather_rows(work, A, place, B));
  for (size_t i = 0; i < n; i++) {
    order[i] = (double)place[i] + 1;
    if (i % (1 << 20) == 0) LAT_TRY(lat_check(work));
  }
  return LAT_OK;
}

/* A:shuffle([rng]) -> the rows in random order, the order */
static int shuffle(lua_State *L)
{
  latL_nooptions(L, 3, "A:shuffle");
  lua_settop(L, 2);
  const latL_Matrix *A = latL_checkmatrix(L, 1, "A:shuffle", "A");
  lat_random *random = latL_checkrandom(L, 2, "A:shuffle");
  const size_t n = A->view.rows;
  const lat_matrix shuffled = latL_newlike(L, A, A->view.dtype)->view;
  double *order = latL_newvector(L, n, LAT_FLOAT64)->view.data;
  lat_workspace *work = latL_workspace(L);
  latL_call(L, "A:shuffle", work, shuffle_rows(work, random, &A->view, &shuffled, order));
  return 2;
}

/* A:rows_at(list): rows (elements of a vector) by number, negative from the end, in any order and
 * more than once */
static int rows_at(lua_State *L)
{
  latL_nooptions(L, 3, "A:rows_at");
  const char *who = "A:rows_at";
  lua_settop(L, 2);
  const latL_Matrix *A = latL_checkmatrix(L, 1, who, "A");
  const lat_matrix list = latL_checkvector(L, 2, who, "list");
  const lat_matrix B = latL_newmatrix(L, list.rows, A->view.cols, A->view.dtype)->view;
  latL_tomatrix(L, -1)->vector = A->vector;
  const double rows = (double)A->view.rows;
  lat_workspace *work = latL_workspace(L);
  const size_t ask = 1 + LATL_ASK / (B.cols + 8);
  for (size_t k = 0; k < list.rows; k++) {
    const double i = lat_get(&list, k, 0);
    if (!(i == floor(i) && fabs(i) >= 1 && fabs(i) <= rows))
      latL_error(L, who, "row %f (element %I of the list) is outside 1..%I", i, (lua_Integer)k + 1,
                 (lua_Integer)A->view.rows);
    const size_t place = (size_t)(i < 0 ? i + rows : i - 1);
    const lat_matrix from = lat_block_of(A->view, place, 0, 1, B.cols);
    const lat_matrix to = lat_block_of(B, k, 0, 1, B.cols);
    lat_copy(&from, &to);
    if (k % ask == 0) latL_ask(L, who, work);
  }
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

static int stack(lua_State *L, const char *who, bool down)
{
  lua_settop(L, 1);
  if (lua_type(L, 1) != LUA_TTABLE)
    latL_error(L, who, "list must be a table of matrices, got %s", luaL_typename(L, 1));
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

static int vstack(lua_State *L)
{
  latL_nooptions(L, 2, "matrix.vstack");
  return stack(L, "matrix.vstack", true);
}

static int hstack(lua_State *L)
{
  latL_nooptions(L, 2, "matrix.hstack");
  return stack(L, "matrix.hstack", false);
}

/* ---- the module ------------------------------------------------------------------------ */

static const luaL_Reg methods[] = {
    {"quantile", quantile_of}, {"median", median},   {"cumsum", cumsum}, {"sort", sort},
    {"shuffle", shuffle},      {"rows_at", rows_at}, {NULL, NULL},
};

static const luaL_Reg functions[] = {{"vstack", vstack}, {"hstack", hstack}, {NULL, NULL}};

void latL_open_matrix_reduce(lua_State *L)
{
  latL_addmethods(L, LATL_MATRIX, methods);
  luaL_getmetatable(L, LATL_MATRIX);
  lua_getfield(L, -1, "methods");
  for (size_t k = 0; k < sizeof reductions / sizeof *reductions; k++) {
    lua_pushinteger(L, (lua_Integer)k);
    lua_pushcclosure(L, apply_reduction, 1);
    lua_setfield(L, -2, reductions[k].who + 2);
  }
  lua_pop(L, 2);
  lua_getfield(L, -1, "matrix");
  luaL_setfuncs(L, functions, 0);
  lua_pop(L, 1);
}
