#include "em/lds/kernel.h"

#include "em/lds/kernel_template.h"

LAT_CLONES void lat_lds_multiply(size_t n, size_t m, size_t k, const double *A, size_t a_row,
                                 size_t a_col, const double *B, lds_how how, double *C)
{
  inline_multiply(n, m, k, A, a_row, a_col, B, how, C);
}

LAT_CLONES void lat_lds_multiply_symmetric(size_t m, size_t k, const double *A, size_t a_row,
                                           size_t a_col, const double *B, lds_how how, double *C)
{
  inline_multiply_symmetric(m, k, A, a_row, a_col, B, how, C);
}

void lat_lds_transpose(size_t n, size_t m, const double *A, double *to)
{
  inline_transpose(n, m, A, to);
}

LAT_CLONES void lat_lds_apply(size_t n, size_t k, const double *A, const double *x, lds_how how,
                              double *y)
{
  inline_apply(n, k, A, x, how, y);
}

LAT_CLONES size_t lat_lds_cholesky(size_t n, double *A, double *inverse, double least)
{
  return inline_cholesky(n, A, inverse, least);
}

LAT_CLONES void lat_lds_solve_lower(size_t n, size_t m, const double *U, const double *inverse,
                                    double *X)
{
  inline_solve_lower(n, m, U, inverse, X);
}

LAT_CLONES void lat_lds_solve_upper(size_t n, size_t m, const double *U, const double *inverse,
                                    double *X)
{
  inline_solve_upper(n, m, U, inverse, X);
}
