/* lds/kernel.h: products and factors of small matrices. Private to the module.
 *
 * All matrices are packed, by rows; results don't overlap what they are made of. Plain loops, since for
 * so few elements a BLAS takes longer to begin than to end. */
#ifndef LAT_EM_LDS_KERNEL_H
#define LAT_EM_LDS_KERNEL_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/clones.h"

/* What a product does to C. */
typedef enum lds_how { LDS_SET, LDS_ADD, LDS_SUBTRACT } lds_how;

/* C (n x m) := or += or -= A B, A being n x k with element (i, l) at i * a_row + l * a_col. */
void lat_lds_multiply(size_t n, size_t m, size_t k, const double *A, size_t a_row, size_t a_col,
                      const double *B, lds_how how, double *C);

/* The same for a C (m x m) that is symmetric, and becomes so exactly: by half of the sums. */
void lat_lds_multiply_symmetric(size_t m, size_t k, const double *A, size_t a_row, size_t a_col,
                                const double *B, lds_how how, double *C);

/* to := A' of A (n x m). */
void lat_lds_transpose(size_t n, size_t m, const double *A, double *to);

/* y (n) := or += or -= A x, A being n x k. */
void lat_lds_apply(size_t n, size_t k, const double *A, const double *x, lds_how how, double *y);

/* A = U'U in place, by the upper triangle; what lies below it stays. `inverse` (n) are the
 * reciprocals of U's diagonal. A pivot that is not above `least` times its diagonal element is a
 * direction that A doesn't see: its row of U and its reciprocal become 0. Returns how many. */
size_t lat_lds_cholesky(size_t n, double *A, double *inverse, double least);

/* X (n x m) := inv(U') X, and inv(U) X. */
void lat_lds_solve_lower(size_t n, size_t m, const double *U, const double *inverse, double *X);
void lat_lds_solve_upper(size_t n, size_t m, const double *U, const double *inverse, double *X);

#endif
