/* precomputed.h: what is derived from a model (factor.h) once for all rows. Private to the module. */
#ifndef LAT_EM_FACTOR_PRECOMPUTED_H
#define LAT_EM_FACTOR_PRECOMPUTED_H

#include <cblas.h>
#include <string.h>

#include "em/common/packed.h"
#include "em/factor/factor.h"

/* A model in terms of z0, and what is derived from it once for all rows. */
typedef struct lat_factor_frame {
  size_t D, M;
  const double *mean, *W;
  double noise;            /* K's diagonal has it: s2 when that is shared, else 1; or 0 */
  const double *variances; /* D noise variances; NULL when they are shared, and so are: */
  const double *precision; /* their inverses */
  const double *logs;      /* their logarithms */
  const double *weighted;  /* D x M: inv(Psi) W; W itself when the noise is shared */
  const double *root;      /* packed(M): the L of z = L z0; NULL for the identity */
  const double *spread;    /* M x M: the covariance of a row of W; NULL for 0 */
  bool missing;
  const double *products; /* D x packed(M): row j is w_j w_j'/psi_j; when missing */
  const double *factor;   /* of a complete row's K, and log|K| behind it; unless missing */
} lat_factor_frame;

size_t lat_factor_frame_count(const lat_factor_model *model, bool missing);
/* prior = false: the frame of least-squares fits, K without the I. */
void lat_factor_frame_fill(const lat_factor_model *model, bool missing, bool prior, double *memory);
lat_factor_frame lat_factor_frame_of(const lat_factor_model *model, bool missing, bool prior,
                                     const double *memory);

/* C := A B + beta C with row-major, packed matrices, of which ' marks transposes; sizes may be 0. */
static inline void lat_factor_multiply(bool At, bool Bt, size_t rows, size_t cols, size_t inner,
                                       const double *A, const double *B, double beta, double *C)
{
  if (rows == 0 || cols == 0) return;
  if (inner == 0) {
    if (beta == 0) memset(C, 0, rows * cols * sizeof *C);
    return;
  }
  cblas_dgemm(CblasRowMajor, At ? CblasTrans : CblasNoTrans, Bt ? CblasTrans : CblasNoTrans,
              (blasint)rows, (blasint)cols, (blasint)inner, 1, A, (blasint)(At ? rows : inner), B,
              (blasint)(Bt ? inner : cols), beta, C, (blasint)cols);
}

#endif
