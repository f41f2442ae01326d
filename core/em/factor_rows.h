/* factor_rows.h: the posteriors of rows (factor_model.h), batch by batch. Private to the module.
 *
 * Rows with the same missing entries share K and its Cholesky factor, so they are sorted by
 * pattern. With a pattern's mask of zeros and ones, K = sum_j mask_j w_j w_j'/psi_j + I: for all
 * patterns of a batch that is one product of matrices, and so are W_o'inv(Psi_o)(x_o - mean_o),
 * with zeros for what is missing, and W z. */
#ifndef LAT_EM_FACTOR_ROWS_H
#define LAT_EM_FACTOR_ROWS_H

#include <cblas.h>
#include <stdint.h>
#include <string.h>

#include "em/factor_model.h"
#include "em/packed.h"

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

typedef struct lat_factor_key {
  uint64_t pattern; /* a hash of which entries are missing */
  size_t row;
} lat_factor_key;

/* A walk over a chunk of rows, and the present batch. */
typedef struct lat_factor_rows {
  const lat_factor_frame *frame;
  size_t total, taken, batch;
  lat_factor_key *keys; /* the chunk's rows in the order of the walk; when missing */
  double *centred;      /* x - mean, the whole chunk */

  size_t rows, groups;
  const lat_factor_key *key; /* when missing */
  size_t *first;             /* group g is rows first[g] .. first[g+1]-1 */
  double *observed;          /* groups: how many entries */
  double *mask;              /* groups x D; when missing */
  double *factor;            /* groups x packed(M): of K */
  double *log_det;           /* groups: log|K| */
  double *log_noise;         /* groups: what else log|C| of the observed entries consists of */
  double *d;                 /* rows x D: x - mean, and 0 for what is missing */
  double *z;                 /* rows x M: posterior means of z0 */
  double *fit;               /* rows x D: W z */
  double *square;            /* rows: |d - W z|^2 over the observed entries, by their precision */
} lat_factor_rows;

/* Doubles of memory for chunks of up to `rows`. */
size_t lat_factor_rows_count(size_t D, size_t M, bool missing, size_t rows);
size_t lat_factor_batch(size_t M, bool missing, size_t rows); /* rows in a batch */
void lat_factor_rows_begin(lat_factor_rows *r, const lat_factor_frame *frame, const lat_matrix *X,
                           double *memory);
bool lat_factor_rows_next(lat_factor_rows *r);

/* The place in the chunk of row i of the batch. */
static inline size_t lat_factor_place(const lat_factor_rows *r, size_t i)
{
  return r->key ? r->key[i].row : r->taken - r->rows + i;
}

/* log p(x_o) of row i, which is in group g. */
double lat_factor_density(const lat_factor_rows *r, size_t g, size_t i);

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
