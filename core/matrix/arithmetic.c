/* arithmetic.c: the table of element-wise operations, as kernels for lat_walk. */
#include "matrix/arithmetic.h"

#include <tgmath.h>

#include "base/clones.h"
#include "base/vector_math.h"
#include "matrix/limits.h"
#include "matrix/walk.h"

/* clang-format off */
/* An operation by its formula; T is double, then float. */
#define FORMULAS_1(X)                                                                              \
  X(NEGATIVE,   -a)                                                                                \
  X(ABS,        fabs(a))                                                                           \
  X(SIGN,       a != a ? a : (T)((a > 0) - (a < 0)))                                               \
  X(SQUARE,     a * a)                                                                             \
  X(SQRT,       sqrt(a))                                                                           \
  X(RECIPROCAL, 1 / a)                                                                             \
  X(FLOOR,      floor(a))                                                                          \
  X(CEIL,       ceil(a))                                                                           \
  X(ROUND,      rint(a))                                                                           \
  X(EXPM1,      expm1(a))                                                                          \
  X(LOG1P,      log1p(a))                                                                          \
  X(RELU,       a <= 0 ? 0 : a)                                                                    \
  X(SOFTPLUS,   (a > 0 ? a : 0) + log1p(exp(-fabs(a))))                                            \
  X(ISNAN,      a != a)                                                                            \
  X(ISFINITE,   a - a == 0)
#define FORMULAS_2(X)                                                                              \
  X(ADD,           a + b)                                                                          \
  X(SUBTRACT,      a - b)                                                                          \
  X(MULTIPLY,      a * b)                                                                          \
  X(DIVIDE,        a / b)                                                                          \
  X(POWER,         pow(a, b))                                                                      \
  X(MINIMUM,       a < b || a != a ? a : b)                                                        \
  X(MAXIMUM,       a > b || a != a ? a : b)                                                        \
  X(LESS,          a < b)                                                                          \
  X(LESS_EQUAL,    a <= b)                                                                         \
  X(GREATER,       a > b)                                                                          \
  X(GREATER_EQUAL, a >= b)                                                                         \
  X(EQUAL,         a == b)                                                                         \
  X(NOT_EQUAL,     a != b)
#define FORMULAS_3(X)                                                                              \
  X(CLAMP,  a > c ? c : a < b ? b : a)                                                             \
  X(SELECT, a != 0 ? b : c)
/* Those with vector kernels of their own. */
#define VECTORIZED(X)                                                                              \
  X(EXP, exp) X(LOG, log) X(SIN, sin) X(COS, cos) X(TANH, tanh) X(SIGMOID, sigmoid)
/* clang-format on */

/* A kernel: T is the type of its numbers, POINT and LOAD declare its inputs. */
#define KERNEL(name, TYPE, POINT, LOAD, formula)                                                   \
  LAT_CLONES static void name(size_t n, void *const operand[])                                     \
  {                                                                                                \
    typedef TYPE T;                                                                                \
    T *to = operand[0];                                                                            \
    POINT;                                                                                         \
    LAT_INDEPENDENT                                                                                \
    for (size_t k = 0; k < n; k++) {                                                               \
      LOAD;                                                                                        \
      to[k] = (T)(formula);                                                                        \
    }                                                                                              \
  }
#define POINT_1 const T *x = operand[1]
#define POINT_2 POINT_1, *y = operand[2]
#define POINT_3 POINT_2, *z = operand[3]
#define LOAD_1  const T a = x[k]
#define LOAD_2  LOAD_1, b = y[k]
#define LOAD_3  LOAD_2, c = z[k]
#define KERNELS_1(NAME, formula)                                                                   \
  KERNEL(NAME##_64, double, POINT_1, LOAD_1, formula)                                              \
  KERNEL(NAME##_32, float, POINT_1, LOAD_1, formula)
#define KERNELS_2(NAME, formula)                                                                   \
  KERNEL(NAME##_64, double, POINT_2, LOAD_2, formula)                                              \
  KERNEL(NAME##_32, float, POINT_2, LOAD_2, formula)
#define KERNELS_3(NAME, formula)                                                                   \
  KERNEL(NAME##_64, double, POINT_3, LOAD_3, formula)                                              \
  KERNEL(NAME##_32, float, POINT_3, LOAD_3, formula)
#define KERNELS_V(NAME, function)                                                                  \
  static void NAME##_64(size_t n, void *const operand[])                                           \
  {                                                                                                \
    lat_##function(n, operand[1], operand[0]);                                                     \
  }                                                                                                \
  static void NAME##_32(size_t n, void *const operand[])                                           \
  {                                                                                                \
    lat_##function##_float(n, operand[1], operand[0]);                                             \
  }

FORMULAS_1(KERNELS_1)
FORMULAS_2(KERNELS_2)
FORMULAS_3(KERNELS_3)
VECTORIZED(KERNELS_V)

#define ENTRY(NAME, formula) [LAT_##NAME] = {NAME##_64, NAME##_32},
static lat_element_kernel *const kernels[LAT_OPERATIONS][2] = {
    FORMULAS_1(ENTRY) FORMULAS_2(ENTRY) FORMULAS_3(ENTRY) VECTORIZED(ENTRY)};

static lat_status apply(lat_workspace *work, lat_operation op, size_t count,
                        const lat_matrix operand[])
{
  lat_dtype dtype = LAT_FLOAT32;
  for (size_t k = 0; k < count; k++)
    if (operand[k].dtype == LAT_FLOAT64) dtype = LAT_FLOAT64;
  return lat_walk(work, kernels[op][dtype], dtype, count, operand);
}

lat_status lat_unary(lat_workspace *work, lat_operation op, const lat_matrix *A,
                     const lat_matrix *C)
{
  return apply(work, op, 2, (const lat_matrix[]){*C, *A});
}

lat_status lat_binary(lat_workspace *work, lat_operation op, const lat_matrix *A,
                      const lat_matrix *B, const lat_matrix *C)
{
  const bool number = B->row_stride == 0 && B->col_stride == 0;
  if (op == LAT_POWER && number && lat_get(B, 0, 0) == 2) return lat_unary(work, LAT_SQUARE, A, C);
  return apply(work, op, 3, (const lat_matrix[]){*C, *A, *B});
}

lat_status lat_ternary(lat_workspace *work, lat_operation op, const lat_matrix *A,
                       const lat_matrix *B, const lat_matrix *C, const lat_matrix *D)
{
  return apply(work, op, 4, (const lat_matrix[]){*D, *A, *B, *C});
}

lat_matrix lat_broadcast_to(const lat_matrix *A, size_t rows, size_t cols)
{
  lat_matrix fit = *A;
  if (A->rows == 1) fit.row_stride = 0;
  if (A->cols == 1) fit.col_stride = 0;
  fit.rows = rows;
  fit.cols = cols;
  return fit;
}

lat_status lat_broadcast(lat_workspace *work, const lat_matrix *A, const lat_matrix *B,
                         lat_matrix *A_fit, lat_matrix *B_fit)
{
  const bool fit = (A->rows == B->rows || A->rows == 1 || B->rows == 1) &&
                   (A->cols == B->cols || A->cols == 1 || B->cols == 1);
  if (!fit)
    return lat_fail(work, LAT_SHAPE, "shapes %zux%zu and %zux%zu don't fit", A->rows, A->cols,
                    B->rows, B->cols);
  const size_t rows = A->rows > B->rows ? A->rows : B->rows;
  const size_t cols = A->cols > B->cols ? A->cols : B->cols;
  const lat_matrix both[2] = {lat_broadcast_to(A, rows, cols), lat_broadcast_to(B, rows, cols)};
  *A_fit = both[0]; /* last: A_fit may be B */
  *B_fit = both[1];
  return LAT_OK;
}

lat_status lat_equal(lat_workspace *work, const lat_matrix *A, const lat_matrix *B, bool *equal)
{
  size_t since = 0;
  *equal = A->rows == B->rows && A->cols == B->cols;
  for (size_t i = 0; *equal && i < A->rows; i++)
    for (size_t j = 0; *equal && j < A->cols; j += LAT_WALK_TILE) {
      double x[LAT_WALK_TILE], y[LAT_WALK_TILE];
      const size_t n = A->cols - j < LAT_WALK_TILE ? A->cols - j : LAT_WALK_TILE;
      const lat_matrix a = lat_block_of(*A, i, j, 1, n), b = lat_block_of(*B, i, j, 1, n);
      const lat_matrix to_x = {x, 1, n, 0, 1, LAT_FLOAT64}, to_y = {y, 1, n, 0, 1, LAT_FLOAT64};
      if ((since += n) >= LAT_CHECK_ELEMENTS) {
        LAT_TRY(lat_check(work));
        since = 0;
      }
      lat_copy(&a, &to_x);
      lat_copy(&b, &to_y);
      for (size_t k = 0; k < n; k++)
        if (x[k] != y[k]) *equal = false;
    }
  return LAT_OK;
}
