/* matrix_linear.c: products, systems of equations and factorizations of latent.Matrix. */
#include <math.h>
#include <string.h>

#include "lua/matrix_arithmetic.h"
#include "matrix/linear/linear.h"
#include "matrix/linear/solve.h"
#include "matrix/linear/svd.h"
#include "matrix/product.h"

/* Calls a function of the core with the state's workspace, and raises its failure. */
#define CALL(L, who, function, ...)                                                                \
  do {                                                                                             \
    lat_workspace *work_ = latL_workspace(L);                                                      \
    latL_call(L, who, work_, function(work_, __VA_ARGS__));                                        \
  } while (0)

/* float32 when all is. */
static lat_dtype common_dtype(const latL_Matrix *A, const latL_Matrix *B)
{
  return A->view.dtype == LAT_FLOAT32 && B->view.dtype == LAT_FLOAT32 ? LAT_FLOAT32 : LAT_FLOAT64;
}

static size_t shorter(const latL_Matrix *A)
{
  return A->view.rows < A->view.cols ? A->view.rows : A->view.cols;
}

/* ---- products -------------------------------------------------------------- */

/* "3x4", or "a vector of 5", on the stack */
static const char *side(lua_State *L, const latL_Matrix *A)
{
  if (A->vector) return lua_pushfstring(L, "a vector of %I", (lua_Integer)A->view.rows);
  return lua_pushfstring(L, "%Ix%I", (lua_Integer)A->view.rows, (lua_Integer)A->view.cols);
}

/* Pushes A B for the matrices or vectors at 1 and 2; a vector on the left is a row. */
static int product(lua_State *L, const char *who, int options, double alpha, double beta)
{
  const latL_Matrix *A = latL_checkmatrix(L, 1, who, "A"), *B = latL_checkmatrix(L, 2, who, "B");
  size_t inner = A->vector ? A->view.rows : A->view.cols;
  if (inner != B->view.rows)
    return latL_error(L, who, "%s and %s don't fit: %I %s against %I %s", side(L, A), side(L, B),
                      (lua_Integer)inner, A->vector ? "elements" : "columns",
                      (lua_Integer)B->view.rows, B->vector ? "elements" : "rows");
  if (A->vector && B->vector) {
    if (options && latL_getoption(L, options, "out") != LUA_TNIL)
      return latL_error(L, who, "the product of two vectors is a number, which has no out");
    double value;
    CALL(L, who, lat_inner, &A->view, &B->view, &value);
    lua_pushnumber(L, alpha * value);
    return 1;
  }
  lat_matrix a = A->view, b = B->view;
  if (A->vector) a = lat_transpose(B->view), b = A->view; /* v'B = (B'v)' */
  const latL_Result C = latL_result(L, options, who, a.rows, b.cols, A->vector || B->vector,
                                    common_dtype(A, B), LATL_ANY_PLACES);
  CALL(L, who, lat_product, alpha, &a, &b, beta, &C.view);
  return 1;
}

static int multiply(lua_State *L)
{
  if (lua_type(L, 1) == LUA_TNUMBER || lua_type(L, 2) == LUA_TNUMBER) return latL_scale(L);
  return product(L, "matrix *", 0, 1, 0);
}

static int matmul(lua_State *L)
{
  static const char *const names[] = {"out", "alpha", "beta", NULL};
  lua_settop(L, 3);
  latL_checkoptions(L, 3, "A:matmul", names);
  double alpha = latL_optnumber(L, 3, "A:matmul", "alpha", 1, -HUGE_VAL, HUGE_VAL);
  double beta = latL_optnumber(L, 3, "A:matmul", "beta", 0, -HUGE_VAL, HUGE_VAL);
  if (beta != 0 && latL_getoption(L, 3, "out") == LUA_TNIL)
    return latL_error(L, "A:matmul", "beta multiplies what is in out, but there is no out");
  lua_settop(L, 3);
  return product(L, "A:matmul", 3, alpha, beta);
}

static int dot(lua_State *L)
{
  latL_nooptions(L, 3, "A:dot");
  const latL_Matrix *A = latL_checkmatrix(L, 1, "A:dot", "A");
  const latL_Matrix *B = latL_checkmatrix(L, 2, "A:dot", "B");
  if (A->view.rows != B->view.rows || A->view.cols != B->view.cols)
    return latL_error(L, "A:dot", "the shapes must agree, got a %s and a %s", latL_shape(L, A),
                      latL_shape(L, B));
  double inner;
  CALL(L, "A:dot", lat_inner, &A->view, &B->view, &inner);
  lua_pushnumber(L, inner);
  return 1;
}

static int outer(lua_State *L)
{
  static const char *const names[] = {"out", NULL};
  const latL_Matrix *v[2];
  lat_matrix column[2];
  lua_settop(L, 3);
  latL_checkoptions(L, 3, "A:outer", names);
  for (int i = 0; i < 2; i++) {
    v[i] = latL_checkmatrix(L, i + 1, "A:outer", i ? "B" : "A");
    if (shorter(v[i]) != 1)
      return latL_error(L, "A:outer", "%s must be a vector, got a %s", i ? "B" : "A",
                        latL_shape(L, v[i]));
    column[i] = v[i]->view.cols == 1 ? v[i]->view : lat_transpose(v[i]->view);
  }
  const latL_Result C = latL_result(L, 3, "A:outer", column[0].rows, column[1].rows, false,
                                    common_dtype(v[0], v[1]), LATL_ANY_PLACES);
  lat_matrix row = lat_transpose(column[1]);
  CALL(L, "A:outer", lat_product, 1, &column[0], &row, 0, &C.view);
  return 1;
}

/* ---- systems of equations --------------------------------------------------- */

/* Pushes the place of a solution of A X = B. */
static latL_Matrix *new_solution(lua_State *L, const latL_Matrix *A, const latL_Matrix *B)
{
  latL_Matrix *X = latL_newmatrix(L, A->view.cols, B->view.cols, common_dtype(A, B));
  X->vector = B->vector;
  return X;
}

static int solve(lua_State *L)
{
  static const char *const names[] = {"kind", NULL};
  static const char *const kinds[] = {"general", "symmetric", "positive", "upper", "lower", NULL};
  const latL_Matrix *A = latL_checkmatrix(L, 1, "A:solve", "A");
  const latL_Matrix *B = latL_checkmatrix(L, 2, "A:solve", "B");
  bool square = A->view.rows == A->view.cols;
  double measure;
  size_t rank;
  lua_settop(L, 3);
  latL_checkoptions(L, 3, "A:solve", names);
  bool unnamed = latL_getoption(L, 3, "kind") == LUA_TNIL;
  lat_structure structure =
      (lat_structure)latL_optword(L, 3, "A:solve", "kind", kinds, LAT_GENERAL);
  const latL_Matrix *X = new_solution(L, A, B);
  if (!square && unnamed) {
    CALL(L, "A:solve", lat_least_squares, &A->view, &B->view, lat_rank_tolerance(&A->view),
         &X->view, &rank, &measure);
    return 1;
  }
  CALL(L, "A:solve", lat_solve, structure, &A->view, &B->view, &X->view, &measure);
  lua_pushnumber(L, measure);
  return 2;
}

static int least_squares(lua_State *L)
{
  static const char *const names[] = {"tolerance", NULL};
  const latL_Matrix *A = latL_checkmatrix(L, 1, "A:least_squares", "A");
  const latL_Matrix *B = latL_checkmatrix(L, 2, "A:least_squares", "B");
  double residual;
  size_t rank;
  lua_settop(L, 3);
  latL_checkoptions(L, 3, "A:least_squares", names);
  double tolerance =
      latL_optnumber(L, 3, "A:least_squares", "tolerance", lat_rank_tolerance(&A->view), 0, 1);
  const latL_Matrix *X = new_solution(L, A, B);
  CALL(L, "A:least_squares", lat_least_squares, &A->view, &B->view, tolerance, &X->view, &rank,
       &residual);
  lua_pushinteger(L, (lua_Integer)rank);
  lua_pushnumber(L, residual);
  return 3;
}

static int inverse(lua_State *L)
{
  latL_nooptions(L, 2, "A:inverse");
  const latL_Matrix *A = latL_checkmatrix(L, 1, "A:inverse", "A");
  const latL_Matrix *inverse_of = latL_newmatrix(L, A->view.cols, A->view.rows, A->view.dtype);
  double rcond;
  CALL(L, "A:inverse", lat_inverse, &A->view, &inverse_of->view, &rcond);
  lua_pushnumber(L, rcond);
  return 2;
}

/* ---- factorizations ---------------------------------------------------------- */

static int cholesky(lua_State *L)
{
  latL_nooptions(L, 2, "A:cholesky");
  const latL_Matrix *A = latL_checkmatrix(L, 1, "A:cholesky", "A");
  const latL_Matrix *factor = latL_newmatrix(L, A->view.rows, A->view.cols, A->view.dtype);
  CALL(L, "A:cholesky", lat_cholesky, &A->view, &factor->view);
  return 1;
}

static int qr(lua_State *L)
{
  latL_nooptions(L, 2, "A:qr");
  const latL_Matrix *A = latL_checkmatrix(L, 1, "A:qr", "A");
  const latL_Matrix *Q = latL_newmatrix(L, A->view.rows, shorter(A), A->view.dtype);
  const latL_Matrix *R = latL_newmatrix(L, shorter(A), A->view.cols, A->view.dtype);
  CALL(L, "A:qr", lat_qr, &A->view, &Q->view, &R->view);
  return 2;
}

static int svd(lua_State *L)
{
  latL_nooptions(L, 2, "A:svd");
  const latL_Matrix *A = latL_checkmatrix(L, 1, "A:svd", "A");
  const latL_Matrix *U = latL_newmatrix(L, A->view.rows, shorter(A), A->view.dtype);
  const latL_Matrix *s = latL_newvector(L, shorter(A), A->view.dtype);
  const latL_Matrix *V = latL_newmatrix(L, A->view.cols, shorter(A), A->view.dtype);
  CALL(L, "A:svd", lat_svd, &A->view, &U->view, s->view, &V->view);
  return 3;
}

/* ---- numbers of a matrix ------------------------------------------------------ */

static int det(lua_State *L)
{
  latL_nooptions(L, 2, "A:det");
  const latL_Matrix *A = latL_checkmatrix(L, 1, "A:det", "A");
  double value;
  CALL(L, "A:det", lat_det, &A->view, &value);
  lua_pushnumber(L, value);
  return 1;
}

static int logdet(lua_State *L)
{
  latL_nooptions(L, 2, "A:logdet");
  const latL_Matrix *A = latL_checkmatrix(L, 1, "A:logdet", "A");
  double value, sign;
  CALL(L, "A:logdet", lat_logdet, &A->view, &value, &sign);
  lua_pushnumber(L, value);
  lua_pushinteger(L, (lua_Integer)sign);
  return 2;
}

static int trace(lua_State *L)
{
  latL_nooptions(L, 2, "A:trace");
  const latL_Matrix *A = latL_checkmatrix(L, 1, "A:trace", "A");
  double value;
  CALL(L, "A:trace", lat_trace, &A->view, &value);
  lua_pushnumber(L, value);
  return 1;
}

/* The kind of norm at `arg`: a word, or 1, 2, math.huge as mathematics writes them. */
static lat_norm_kind check_norm(lua_State *L, int arg)
{
  static const char *const words[] = {"fro", "inf", "max", "nuclear", NULL};
  static const lat_norm_kind kinds[] = {LAT_NORM_FROBENIUS, LAT_NORM_INFINITY, LAT_NORM_MAX,
                                        LAT_NORM_NUCLEAR};
  if (lua_isnoneornil(L, arg)) return LAT_NORM_FROBENIUS;
  if (lua_type(L, arg) == LUA_TNUMBER) {
    double p = lua_tonumber(L, arg);
    if (p == 1) return LAT_NORM_ONE;
    if (p == 2) return LAT_NORM_TWO;
    if (p == HUGE_VAL) return LAT_NORM_INFINITY;
  } else if (lua_type(L, arg) == LUA_TSTRING) {
    for (int i = 0; words[i]; i++)
      if (strcmp(words[i], lua_tostring(L, arg)) == 0) return kinds[i];
  }
  latL_error(L, "A:norm", "kind must be \"fro\", 1, 2, \"inf\", \"max\" or \"nuclear\", got %s",
             latL_got(L, arg));
  return LAT_NORM_FROBENIUS;
}

static int norm(lua_State *L)
{
  latL_nooptions(L, 3, "A:norm");
  const latL_Matrix *A = latL_checkmatrix(L, 1, "A:norm", "A");
  lat_norm_kind kind = check_norm(L, 2);
  double value;
  CALL(L, "A:norm", lat_norm, &A->view, kind, &value);
  lua_pushnumber(L, value);
  return 1;
}

/* The argument `tolerance`, a share of the largest singular value. */
static double check_tolerance(lua_State *L, int arg, const char *who, const latL_Matrix *A)
{
  if (lua_isnoneornil(L, arg)) return lat_rank_tolerance(&A->view);
  double tolerance = latL_checknumber(L, arg, who, "tolerance");
  if (!(tolerance >= 0 && tolerance <= 1))
    latL_error(L, who, "tolerance must be a number from 0 to 1, got %f", tolerance);
  return tolerance;
}

static int rank(lua_State *L)
{
  latL_nooptions(L, 3, "A:rank");
  const latL_Matrix *A = latL_checkmatrix(L, 1, "A:rank", "A");
  double tolerance = check_tolerance(L, 2, "A:rank", A);
  size_t value;
  CALL(L, "A:rank", lat_rank, &A->view, tolerance, &value);
  lua_pushinteger(L, (lua_Integer)value);
  return 1;
}

static int pinv(lua_State *L)
{
  latL_nooptions(L, 3, "A:pinv");
  const latL_Matrix *A = latL_checkmatrix(L, 1, "A:pinv", "A");
  double tolerance = check_tolerance(L, 2, "A:pinv", A);
  const latL_Matrix *P = latL_newmatrix(L, A->view.cols, A->view.rows, A->view.dtype);
  CALL(L, "A:pinv", lat_pinv, &A->view, tolerance, &P->view);
  return 1;
}

void latL_open_matrix_linear(lua_State *L)
{
  static const luaL_Reg methods[] = {
      {"matmul", matmul}, {"dot", dot},           {"outer", outer},
      {"solve", solve},   {"inverse", inverse},   {"least_squares", least_squares},
      {"qr", qr},         {"cholesky", cholesky}, {"svd", svd},
      {"det", det},       {"logdet", logdet},     {"trace", trace},
      {"norm", norm},     {"rank", rank},         {"pinv", pinv},
      {NULL, NULL}};
  latL_addmethods(L, LATL_MATRIX, methods);
  luaL_getmetatable(L, LATL_MATRIX);
  lua_pushcfunction(L, multiply);
  lua_setfield(L, -2, "__mul");
  lua_pop(L, 1);
}
