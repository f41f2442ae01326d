/* matrix_linear.c: products, systems of equations and factorizations of latent.Matrix. */
#include <math.h>
#include <string.h>

#include "lua/binding.h"
#include "lua/matrix_arithmetic.h"
#include "matrix/linear/linear.h"
#include "matrix/linear/solve.h"
#include "matrix/linear/svd.h"
#include "matrix/product.h"

enum { CHOLESKY, QR, SVD, INVERSE, PINV }; /* what factorize computes */
enum { DET, LOGDET, TRACE, NORM, RANK };   /* and number_of */

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
    if (latL_hasoption(L, options, "out"))
      return latL_error(L, who, "the product of two vectors is a number, which has no out");
    double value;
    latL_run(L, who, lat_inner, &A->view, &B->view, &value);
    return latL_returnnumber(L, alpha * value);
  }
  lat_matrix a = A->view, b = B->view;
  if (A->vector) a = lat_transpose(B->view), b = A->view; /* v'B = (B'v)' */
  const latL_Result C = latL_result(L, options, who, a.rows, b.cols, A->vector || B->vector,
                                    common_dtype(A, B), LATL_ANY_PLACES);
  latL_run(L, who, lat_product, alpha, &a, &b, beta, &C.view);
  return 1;
}

static int multiply(lua_State *L, const latL_Function *f)
{
  if (lua_type(L, 1) == LUA_TNUMBER || lua_type(L, 2) == LUA_TNUMBER) return latL_scale(L);
  return product(L, f->who, 0, 1, 0);
}

static int matmul(lua_State *L, const latL_Function *f)
{
  double alpha = latL_optnumber(L, 3, f->who, "alpha", 1, -HUGE_VAL, HUGE_VAL);
  double beta = latL_optnumber(L, 3, f->who, "beta", 0, -HUGE_VAL, HUGE_VAL);
  if (beta != 0 && !latL_hasoption(L, 3, "out"))
    return latL_error(L, f->who, "beta multiplies what is in out, but there is no out");
  return product(L, f->who, 3, alpha, beta);
}

static int dot(lua_State *L, const latL_Function *f)
{
  const latL_Matrix *A = latL_checkmatrix(L, 1, f->who, "A");
  const latL_Matrix *B = latL_checkmatrix(L, 2, f->who, "B");
  if (A->view.rows != B->view.rows || A->view.cols != B->view.cols)
    return latL_error(L, f->who, "the shapes must agree, got a %s and a %s", latL_shape(L, A),
                      latL_shape(L, B));
  double inner;
  latL_run(L, f->who, lat_inner, &A->view, &B->view, &inner);
  return latL_returnnumber(L, inner);
}

static int outer(lua_State *L, const latL_Function *f)
{
  const latL_Matrix *v[2];
  lat_matrix column[2];
  for (int i = 0; i < 2; i++) {
    v[i] = latL_checkmatrix(L, i + 1, f->who, i ? "B" : "A");
    if (shorter(v[i]) != 1)
      return latL_error(L, f->who, "%s must be a vector, got a %s", i ? "B" : "A",
                        latL_shape(L, v[i]));
    column[i] = v[i]->view.cols == 1 ? v[i]->view : lat_transpose(v[i]->view);
  }
  const latL_Result C = latL_result(L, 3, f->who, column[0].rows, column[1].rows, false,
                                    common_dtype(v[0], v[1]), LATL_ANY_PLACES);
  lat_matrix row = lat_transpose(column[1]);
  latL_run(L, f->who, lat_product, 1, &column[0], &row, 0, &C.view);
  return 1;
}

/* ---- systems of equations --------------------------------------------------- */

/* Pushes the place of a solution of A X = B. */
static lat_matrix new_solution(lua_State *L, const latL_Matrix *A, const latL_Matrix *B)
{
  latL_Matrix *X = latL_newmatrix(L, A->view.cols, B->view.cols, common_dtype(A, B));
  X->vector = B->vector;
  return X->view;
}

static int solve(lua_State *L, const latL_Function *f)
{
  static const char *const kinds[] = {"general", "symmetric", "positive", "upper", "lower", NULL};
  const latL_Matrix *A = latL_checkmatrix(L, 1, f->who, "A");
  const latL_Matrix *B = latL_checkmatrix(L, 2, f->who, "B");
  double measure;
  size_t rank;
  bool named = latL_hasoption(L, 3, "kind"), square = A->view.rows == A->view.cols;
  lat_structure structure = (lat_structure)latL_optword(L, 3, f->who, "kind", kinds, LAT_GENERAL);
  const lat_matrix X = new_solution(L, A, B);
  if (!square && !named) {
    latL_run(L, f->who, lat_least_squares, &A->view, &B->view, lat_rank_tolerance(&A->view), &X,
             &rank, &measure);
    return 1;
  }
  latL_run(L, f->who, lat_solve, structure, &A->view, &B->view, &X, &measure);
  lua_pushnumber(L, measure);
  return 2;
}

static int least_squares(lua_State *L, const latL_Function *f)
{
  const latL_Matrix *A = latL_checkmatrix(L, 1, f->who, "A");
  const latL_Matrix *B = latL_checkmatrix(L, 2, f->who, "B");
  double residual;
  size_t rank;
  double tolerance = latL_optnumber(L, 3, f->who, "tolerance", lat_rank_tolerance(&A->view), 0, 1);
  const lat_matrix X = new_solution(L, A, B);
  latL_run(L, f->who, lat_least_squares, &A->view, &B->view, tolerance, &X, &rank, &residual);
  lua_pushinteger(L, (lua_Integer)rank);
  lua_pushnumber(L, residual);
  return 3;
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

/* ---- factorizations and numbers of a matrix --------------------------------------- */

/* Pushes a fresh matrix of A's dtype. */
static lat_matrix fresh(lua_State *L, const latL_Matrix *A, size_t rows, size_t cols)
{
  return latL_newmatrix(L, rows, cols, A->view.dtype)->view;
}

static int factorize(lua_State *L, const latL_Function *f)
{
  const latL_Matrix *A = latL_checkmatrix(L, 1, f->who, "A");
  const lat_matrix *a = &A->view;
  const double tolerance = f->kind == PINV ? check_tolerance(L, 2, f->who, A) : 0;
  const size_t n = a->rows, d = a->cols, k = shorter(A);
  lat_matrix B, s, C;
  double rcond;
  switch (f->kind) {
  case CHOLESKY:
    B = fresh(L, A, n, d);
    latL_run(L, f->who, lat_cholesky, a, &B);
    return 1;
  case QR:
    B = fresh(L, A, n, k);
    C = fresh(L, A, k, d);
    latL_run(L, f->who, lat_qr, a, &B, &C);
    return 2;
  case SVD:
    B = fresh(L, A, n, k);
    s = latL_newvector(L, k, a->dtype)->view;
    C = fresh(L, A, d, k);
    latL_run(L, f->who, lat_svd, a, &B, s, &C);
    return 3;
  case INVERSE:
    B = fresh(L, A, d, n);
    latL_run(L, f->who, lat_inverse, a, &B, &rcond);
    lua_pushnumber(L, rcond);
    return 2;
  default:
    B = fresh(L, A, d, n);
    latL_run(L, f->who, lat_pinv, a, tolerance, &B);
    return 1;
  }
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

/* The number of a matrix that the `kind` says. */
static int number_of(lua_State *L, const latL_Function *f)
{
  const latL_Matrix *A = latL_checkmatrix(L, 1, f->who, "A");
  const lat_matrix *a = &A->view;
  double value = 0, sign;
  size_t rank;
  switch (f->kind) {
  case DET:
    latL_run(L, f->who, lat_det, a, &value);
    break;
  case LOGDET:
    latL_run(L, f->who, lat_logdet, a, &value, &sign);
    lua_pushnumber(L, value);
    lua_pushinteger(L, (lua_Integer)sign);
    return 2;
  case TRACE:
    latL_run(L, f->who, lat_trace, a, &value);
    break;
  case NORM: {
    lat_norm_kind kind = check_norm(L, 2);
    latL_run(L, f->who, lat_norm, a, kind, &value);
    break;
  }
  default: {
    double tolerance = check_tolerance(L, 2, f->who, A);
    latL_run(L, f->who, lat_rank, a, tolerance, &rank);
    return latL_returninteger(L, (lua_Integer)rank);
  }
  }
  return latL_returnnumber(L, value);
}

static const latL_Function functions[] = {
    {"matrix *", multiply, .name = "__mul"},
    {"A:matmul", matmul, 2, 0, LATL_OPTIONS("out", "alpha", "beta")},
    {"A:dot", dot, .arguments = 2},
    {"A:outer", outer, 2, 0, LATL_OPTIONS("out")},
    {"A:solve", solve, 2, 0, LATL_OPTIONS("kind")},
    {"A:least_squares", least_squares, 2, 0, LATL_OPTIONS("tolerance")},
    {"A:cholesky", factorize, .arguments = 1, .kind = CHOLESKY},
    {"A:qr", factorize, .arguments = 1, .kind = QR},
    {"A:svd", factorize, .arguments = 1, .kind = SVD},
    {"A:inverse", factorize, .arguments = 1, .kind = INVERSE},
    {"A:pinv", factorize, .arguments = 2, .kind = PINV},
    {"A:det", number_of, .arguments = 1, .kind = DET},
    {"A:logdet", number_of, .arguments = 1, .kind = LOGDET},
    {"A:trace", number_of, .arguments = 1, .kind = TRACE},
    {"A:norm", number_of, .arguments = 2, .kind = NORM},
    {"A:rank", number_of, .arguments = 2, .kind = RANK},
    LATL_END};

void latL_open_matrix_linear(lua_State *L)
{
  latL_addtoclass(L, LATL_MATRIX, functions);
}
