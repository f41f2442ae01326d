/* kernel_template.h: the bodies of the functions in lds/kernel.h. Private to the module.
 *
 * For inlining with a constant number of states M, so that the loops over states are unrolled. A
 * sum is always taken in the order of its index, whatever the width of the vectors: the same bits
 * on every processor, and whether inlined or not. */
#ifndef LAT_EM_LDS_KERNEL_TEMPLATE_H
#define LAT_EM_LDS_KERNEL_TEMPLATE_H

#include <math.h>
#include <string.h>

#include "em/lds/kernel.h"

typedef double lds_v8 __attribute__((vector_size(64), aligned(8), may_alias));
typedef double lds_v4 __attribute__((vector_size(32), aligned(8), may_alias));
typedef double lds_v2 __attribute__((vector_size(16), aligned(8), may_alias));

/* Columns j.. of rows i..i+R-1 of C, as many as V is wide. */
#define LDS_BLOCK(V, R)                                                                            \
  do {                                                                                             \
    V sum[R];                                                                                      \
    for (size_t r = 0; r < (R); r++) sum[r] = (V){0};                                              \
    for (size_t l = 0; l < k; l++) {                                                               \
      V b = *(const V *)(B + l * m + j);                                                           \
      for (size_t r = 0; r < (R); r++) sum[r] += A[(i + r) * a_row + l * a_col] * b;               \
    }                                                                                              \
    for (size_t r = 0; r < (R); r++) {                                                             \
      V *c = (V *)(C + (i + r) * m + j);                                                           \
      if (how == LDS_ADD) sum[r] = *c + sum[r];                                                    \
      if (how == LDS_SUBTRACT) sum[r] = *c - sum[r];                                               \
      *c = sum[r];                                                                                 \
    }                                                                                              \
    j += sizeof(V) / sizeof(double);                                                               \
  } while (0)

#define LDS_ROWS(R)                                                                                \
  do {                                                                                             \
    size_t j = 0;                                                                                  \
    while (j + 8 <= columns) LDS_BLOCK(lds_v8, R);                                                 \
    if (j + 4 <= columns) LDS_BLOCK(lds_v4, R);                                                    \
    if (j + 2 <= columns) LDS_BLOCK(lds_v2, R);                                                    \
    if (j < columns) LDS_BLOCK(double, R);                                                         \
  } while (0)

/* C (n x m) := or += or -= A B, A being n x k with element (i, l) at i * a_row + l * a_col. */
LAT_INLINE void inline_multiply(size_t n, size_t m, size_t k, const double *A, size_t a_row,
                                size_t a_col, const double *B, lds_operation how, double *C)
{
  const size_t columns = m;
  size_t i = 0;
  for (; i + 4 <= n; i += 4) LDS_ROWS(4);
  for (; i + 2 <= n; i += 2) LDS_ROWS(2);
  if (i < n) LDS_ROWS(1);
}

/* to := A' of A (n x m). */
LAT_INLINE void inline_transpose(size_t n, size_t m, const double *A, double *to)
{
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < m; j++) to[j * n + i] = A[i * m + j];
}

/* Copies the lower triangle to the upper one. */
LAT_INLINE void inline_mirror(size_t n, double *A)
{
  for (size_t i = 1; i < n; i++)
    for (size_t j = 0; j < i; j++) A[j * n + i] = A[i * n + j];
}

/* The same where C (m x m) is symmetric: the lower triangle, rounded up to whole vectors,
 * mirrored. */
LAT_INLINE void inline_multiply_symmetric(size_t m, size_t k, const double *A, size_t a_row,
                                          size_t a_col, const double *B, lds_operation how,
                                          double *C)
{
  size_t i = 0;
  for (; i + 4 <= m; i += 4) {
    const size_t right = (i + 4 + 7) / 8 * 8, columns = right < m ? right : m;
    LDS_ROWS(4);
  }
  const size_t columns = m;
  for (; i + 2 <= m; i += 2) LDS_ROWS(2);
  if (i < m) LDS_ROWS(1);
  inline_mirror(m, C);
}

/* y (n) := or += or -= A x, A being n x k. */
LAT_INLINE void inline_apply(size_t n, size_t k, const double *A, const double *x,
                             lds_operation how, double *y)
{
  for (size_t i = 0; i < n; i++) {
    double sum = 0;
    for (size_t l = 0; l < k; l++) sum += A[i * k + l] * x[l];
    y[i] = how == LDS_SET ? sum : how == LDS_ADD ? y[i] + sum : y[i] - sum;
  }
}

/* y (m) += A' x, A being k x m. */
LAT_INLINE void inline_combine(size_t m, size_t k, const double *A, const double *x, double *y)
{
  for (size_t l = 0; l < k; l++)
    for (size_t j = 0; j < m; j++) y[j] += x[l] * A[l * m + j];
}

/* lat_lds_cholesky. */
LAT_INLINE size_t inline_cholesky(size_t n, double *A, double *inverse, double least)
{
  size_t singular = 0;
  for (size_t k = 0; k < n; k++) inverse[k] = A[k * n + k];
  for (size_t k = 0; k < n; k++) {
    double *row = A + k * n, pivot = row[k];
    if (!(pivot > least * inverse[k])) {
      memset(row + k, 0, (n - k) * sizeof *row);
      inverse[k] = 0;
      singular++;
      continue;
    }
    row[k] = sqrt(pivot);
    inverse[k] = 1 / row[k];
    for (size_t j = k + 1; j < n; j++) row[j] *= inverse[k];
    for (size_t i = k + 1; i < n; i++) {
      double factor = row[i], *other = A + i * n;
      for (size_t j = i; j < n; j++) other[j] -= factor * row[j];
    }
  }
  return singular;
}

/* Columns j.. of row k of X, as many as V is wide, in a register, from which rows first..last-1
 * times their elements u of U are subtracted. */
#define LDS_SOLVE(V, first, last, u)                                                               \
  do {                                                                                             \
    V sum = *(V *)(X + k * m + j);                                                                 \
    for (size_t l = (first); l < (last); l++) sum -= U[u] * *(const V *)(X + l * m + j);           \
    *(V *)(X + k * m + j) = sum * inverse[k];                                                      \
    j += sizeof(V) / sizeof(double);                                                               \
  } while (0)

#define LDS_SOLVE_ROW(first, last, u)                                                              \
  do {                                                                                             \
    size_t j = 0;                                                                                  \
    while (j + 8 <= m) LDS_SOLVE(lds_v8, first, last, u);                                          \
    if (j + 4 <= m) LDS_SOLVE(lds_v4, first, last, u);                                             \
    if (j + 2 <= m) LDS_SOLVE(lds_v2, first, last, u);                                             \
    if (j < m) LDS_SOLVE(double, first, last, u);                                                  \
  } while (0)

/* X (n x m) := inv(U') X. */
LAT_INLINE void inline_solve_lower(size_t n, size_t m, const double *U, const double *inverse,
                                   double *X)
{
  for (size_t k = 0; k < n; k++) LDS_SOLVE_ROW(0, k, l * n + k);
}

/* X (n x m) := inv(U) X. */
LAT_INLINE void inline_solve_upper(size_t n, size_t m, const double *U, const double *inverse,
                                   double *X)
{
  for (size_t k = n; k-- > 0;) LDS_SOLVE_ROW(k + 1, n, k * n + l);
}

/* The sum of the logarithms of n positive numbers, by logarithms of their products. */
LAT_INLINE double inline_log_product(size_t n, const double *x)
{
  double product = 1, sum = 0;
  for (size_t i = 0; i < n; i++) {
    product *= x[i];
    if (!(product > 1e-150 && product < 1e150)) {
      sum += log(product);
      product = 1;
    }
  }
  return sum + log(product);
}

#endif
