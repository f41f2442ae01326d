/* krylov.h: the k largest eigenvalues of a symmetric operator known by its products.
 *
 * Block Lanczos with full reorthogonalization and thick restart (Wu, Simon 2000; in
 * blocks, Zhou, Saad 2008). The solver never calls the operator, but requests products.
 *
 *   lat_krylov solver;
 *   lat_krylov_options options = {.tolerance = 1e-8};
 *   lat_krylov_init(&solver, work, n, k, &options);
 *   while (solver.wanted) {
 *     ... solver.W := A * solver.V ...        both n x block, columns contiguous
 *     lat_krylov_next(&solver);
 *   }
 *   solver.values, solver.vectors, solver.residuals, solver.converged
 *
 * Its memory, about n*(basis + block) doubles, is allocated by init in `work`
 * and lives until the caller releases; next allocates only what it releases. So the
 * caller may use `work` between two steps, as a stack.
 *
 * With A Q = Q T + F R E' (Q the orthonormal basis, T = Q'AQ, F the next block) the
 * Ritz pairs of T have residuals ||A v - theta v|| = ||R E'y||, known without a
 * product. The k best must come below tolerance*||A||, where ||A|| is the largest
 * |theta|; converged vectors stay in the basis, and all later blocks are orthogonal
 * to them.
 *
 * A block of b random vectors finds up to b vectors of a repeated eigenvalue. With block >= k
 * nothing can be missed. With a smaller one the solver, once converged, replaces the block by
 * random directions orthogonal to the vectors found, and goes on until it shows that no larger
 * eigenvalue is left there; residuals are then bounds. Where the products span an invariant
 * subspace random directions go in as well, so any rank is allowed, and with basis >= n the answer
 * is exact.
 *
 * Results are the same bits for every number of threads if the caller's products are. */
#ifndef LAT_EIGEN_KRYLOV_H
#define LAT_EIGEN_KRYLOV_H

#include <stdint.h>

#include "base/options.h"
#include "matrix/matrix.h"

typedef struct lat_krylov_options { /* 0 and NULL mean the default */
  size_t block;                     /* columns of a product; default k, within 4..32 */
  size_t basis;                     /* columns of the basis; default k + 10 blocks */
  size_t max_iterations;            /* products of a block; default 1000 */
  double tolerance;                 /* relative residual; default 1e-10 */
  uint64_t seed;                    /* of the random directions */
  const lat_matrix *start;          /* n x anything: first directions, completed at random */
} lat_krylov_options;
extern const lat_option lat_krylov_table[]; /* all but the start */

typedef struct lat_krylov {
  bool wanted;     /* a product is wanted: W := A * V */
  lat_matrix V, W; /* n x (at most block) views, row_stride 1, col_stride n */

  /* when no product is wanted any more */
  lat_matrix values;    /* k, descending */
  lat_matrix vectors;   /* n x k, orthonormal, signs as in eigen.h */
  lat_matrix residuals; /* k: ||A v - lambda v|| */
  bool converged;
  size_t iterations, products; /* blocks, and columns, multiplied */

  struct lat_krylov_state *state;
} lat_krylov;

/* 1 <= k <= n. LAT_INVALID for options outside their domain, LAT_SHAPE for a start
 * that has not n rows. Keeps the solver's memory, results included. */
lat_status lat_krylov_init(lat_krylov *solver, lat_workspace *work, size_t n, size_t k,
                           const lat_krylov_options *options);

/* Uses the product in W. LAT_INVALID when it has a NaN or an infinity, or when the
 * operator isn't symmetric; LAT_CANCELLED as by lat_check. */
lat_status lat_krylov_next(lat_krylov *solver);

/* ---- matrices as operators ------------------------------------------ */

/* The whole loop for a symmetric matrix A (checked as by lat_symmetric). The results in
 * `solver` live in `work` until the caller releases. Keeps the solver's memory. */
lat_status lat_symmetric_largest(lat_workspace *work, const lat_matrix *A, size_t k,
                                 const lat_krylov_options *options, lat_krylov *solver);

/* W := Xc' (Xc V) for X (N x D, any strides and dtype), Xc = X - 1 mean' (mean: a vector of D,
 * or NULL for none), V and W as the solver's (n = D). Xc is centred in pieces that
 * stay in the cache, so X is read once for both products and an offset costs no
 * digits. On the thread pool; partial sums are added in order. */
lat_status lat_gram_multiply(lat_workspace *work, const lat_matrix *X, const lat_matrix *mean,
                             const lat_matrix *V, const lat_matrix *W);

#endif
