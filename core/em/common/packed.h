/* packed.h: small symmetric matrices, their lower triangles packed row by row. Private to the
 * module.
 *
 * Element (i, j), j <= i, is at i(i+1)/2 + j. For the matrices of a row's latent variables, of
 * which there is one for each pattern of missing entries: too small and too many for LAPACK. */
#ifndef LAT_EM_COMMON_PACKED_H
#define LAT_EM_COMMON_PACKED_H

#include <stddef.h>

static inline size_t lat_packed_count(size_t n)
{
  return n * (n + 1) / 2;
}

/* A = L L' in place, and log det A unless `log_det` is NULL. A pivot that is below 1e-13 of its
 * diagonal element stands for a direction that A doesn't see: it is left out, which makes the
 * solutions basic ones, with 0 there. Returns how many were. */
size_t lat_packed_cholesky(size_t n, double *A, double *log_det);

/* x := the solution of L L' x = x. */
void lat_packed_solve(size_t n, const double *L, double *x);

/* inverse := inv(L L'), packed; `scratch` is n doubles. */
void lat_packed_inverse(size_t n, const double *L, double *inverse, double *scratch);

#endif
