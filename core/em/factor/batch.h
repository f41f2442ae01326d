/* factor/batch.h: the posteriors of rows (factor.h), many side by side. Private to the module.
 *
 * Each row may miss other entries and so have a K of its own, too small for LAPACK, of which there
 * are too many to take one by one. So numbers of the same place in all rows of a batch lie side by
 * side, and every step is a loop over them. Rows that miss the same entries, which are put next to
 * each other, are a group and share K and its factor. With a group's mask of zeros and ones,
 * K = sum_j mask_j w_j w_j'/psi_j + I: for all of a batch that is one product of matrices, and so are
 * W_o'inv(Psi_o)(x_o - mean_o), with zeros for what is missing, and W z. */
#ifndef LAT_EM_FACTOR_BATCH_H
#define LAT_EM_FACTOR_BATCH_H

#include <stdint.h>

#include "em/factor/precomputed.h"

/* A walk over a chunk of rows, and the present batch. A table has a line for each column or element, in
 * which the numbers of all rows or groups follow each other; lines are `stride` apart, and beyond the
 * last row or group, up to a multiple of 8, there are those of a row that misses everything. */
typedef struct lat_factor_lanes {
  const lat_factor_frame *frame;
  size_t total, taken, batch;
  const double *x; /* the chunk, row by row */
  ptrdiff_t x_stride;
  uint32_t *order;   /* the rows in the order of the walk; NULL when nothing is missing, as is */
  uint32_t *pattern; /* the number of what each row misses */

  size_t rows, groups, stride;
  uint32_t *first, *group; /* group g is rows first[g] .. first[g+1]-1; the group of each row */
  double *observed;        /* groups: how many entries */
  double *log_det;         /* groups: log|K| */
  double *log_noise;       /* groups: what else log|C| of the observed entries consists of */
  double *mask;            /* D x groups; NULL when nothing is missing */
  double *row_mask;        /* D x rows: the same when every row is a group */
  double *factor;          /* packed(M) x groups: of K */
  double *pivots;          /* M x groups: the inverses of the factor's diagonal */
  double *d;               /* D x rows: x - mean, and 0 for what is missing */
  double *z;               /* (M+1) x rows: posterior means of z0, and 1 */
  double *fit;             /* D x rows: W z */
  double *square;          /* rows: |d - W z|^2 over the observed entries, by their precision */
  double *density;         /* rows: log p(x_o), unless s2 is 0 */

  /* memory: for rows of another type or stride; for one that misses everything (that is the mean, when
   * nothing is missing); for the mask; for the factor of one group */
  double *copy, *nothing, *group_mask, *shared;
} lat_factor_lanes;

/* Doubles of memory for chunks of up to `rows`, and rows in a batch. */
size_t lat_factor_lanes_count(size_t D, size_t M, bool missing, size_t rows);
size_t lat_factor_batch(size_t M, bool missing, size_t rows);
size_t lat_factor_stride(size_t batch); /* of its tables */

void lat_factor_lanes_begin(lat_factor_lanes *l, const lat_factor_frame *frame, const lat_matrix *X,
                            double *memory);
bool lat_factor_lanes_next(lat_factor_lanes *l);

/* The place in the chunk of row i of the batch. */
static inline size_t lat_factor_lane_place(const lat_factor_lanes *l, size_t i)
{
  size_t at = l->taken - l->rows + i;
  return l->order ? l->order[at] : at;
}

/* V (packed(M) x groups, with the lanes' stride) := inv(K) of each group. */
void lat_factor_lanes_inverse(const lat_factor_lanes *l, double *V);

#endif
