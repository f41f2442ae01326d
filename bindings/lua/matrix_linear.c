/* matrix_linear.c: products and systems of equations of latent.Matrix. */
#include <math.h>

#include "lua/binding.h"
#include "matrix/linear/solve.h"
#include "matrix/product.h"

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

/* Pushes A B for the matrices or vectors at 1 and 2; a vector on the left is a row. */
static int product(lua_State *L, const char *who, int options, double alpha, double beta)
{
  const latL_Matrix *A = latL_checkmatrix(L, 1, who, "A"), *B = latL_checkmatrix(L, 2, who, "B");
  size_t inner = A->vector ? A->view.rows : A->view.cols;
  if (inner != B->view.rows)
    return latL_error(L, who, "%s%s and %s%s don't fit: %I %s against %I %s", A->vector ? "a " : "",
                      latL_sides(L, A), B->vector ? "a " : "", latL_sides(L, B), (lua_Integer)inner,
                      A->vector ? "elements" : "columns", (lua_Integer)B->view.rows,
                      B->vector ? "elements" : "rows");
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

static int solve(lua_State *L, const latL_Function *f)
{
  static const char *const kinds[] = {"general", "symmetric", "positive", "upper", "lower", NULL};
  const latL_Matrix *A = latL_checkmatrix(L, 1, f->who, "A");
  const latL_Matrix *B = latL_checkmatrix(L, 2, f->who, "B");
  double measure;
  size_t rank;
  bool named = latL_hasoption(L, 3, "kind"), square = A->view.rows == A->view.cols;
  lat_structure structure = (lat_structure)latL_optword(L, 3, f->who, "kind", kinds, LAT_GENERAL);
  latL_Matrix *made = latL_newmatrix(L, A->view.cols, B->view.cols, common_dtype(A, B));
  made->vector = B->vector;
  const lat_matrix X = made->view;
  if (!square && !named) {
    latL_run(L, f->who, lat_least_squares, &A->view, &B->view, lat_rank_tolerance(&A->view), &X,
             &rank, &measure);
    return 1;
  }
  latL_run(L, f->who, lat_solve, structure, &A->view, &B->view, &X, &measure);
  lua_pushnumber(L, measure);
  return 2;
}

const latL_Function latL_matrix_linear_methods[] = {
    {"matrix *", multiply, .name = "__mul"},
    {"A:matmul", matmul, 2, 0, LATL_OPTIONS("out", "alpha", "beta")},
    {"A:dot", dot, .arguments = 2},
    {"A:outer", outer, 2, 0, LATL_OPTIONS("out")},
    {"A:solve", solve, 2, 0, LATL_OPTIONS("kind")},
    LATL_END};
