/* factor/rows.h: the posteriors of rows (factor.h), row by row: what factor/batch.h has side by
 * side. Private to the module. */
#ifndef LAT_EM_FACTOR_ROWS_H
#define LAT_EM_FACTOR_ROWS_H

#include "em/factor/batch.h"

/* A walk over a chunk of rows, and the present batch. */
typedef struct lat_factor_rows {
  const lat_factor_frame *frame;
  lat_factor_lanes lanes;

  size_t rows, groups;
  const uint32_t *first;   /* group g is rows first[g] .. first[g+1]-1 */
  const double *observed;  /* groups: how many entries */
  const double *log_det;   /* groups: log|K| */
  const double *log_noise; /* groups: what else log|C| of the observed entries consists of */
  const double *square;    /* rows: |d - W z|^2 over the observed entries, by their precision */
  double *mask;            /* groups x D; when missing */
  double *factor;          /* groups x packed(M): of K */
  double *d;               /* rows x D: x - mean, and 0 for what is missing */
  double *z;               /* rows x M: posterior means of z0 */
  double *fit;             /* rows x D: W z */
} lat_factor_rows;

/* Doubles of memory for chunks of up to `rows`. */
size_t lat_factor_rows_count(size_t D, size_t M, bool missing, size_t rows);
void lat_factor_rows_begin(lat_factor_rows *r, const lat_factor_frame *frame, const lat_matrix *X,
                           double *memory);
bool lat_factor_rows_next(lat_factor_rows *r);

/* The place in the chunk of row i of the batch. */
static inline size_t lat_factor_place(const lat_factor_rows *r, size_t i)
{
  return lat_factor_lane_place(&r->lanes, i);
}

/* log p(x_o) of row i, which is in group g. */
static inline double lat_factor_density(const lat_factor_rows *r, size_t g, size_t i)
{
  (void)g;
  return r->lanes.density[i];
}

#endif
