/* sample.h: a sample of rows that pass by, whose number isn't known before.
 *
 * Rows first, first + step, ... in memory for `most` of them: once that is full, every other row is
 * dropped and the step doubles. So the sample is spread evenly over the data, and which rows it has
 * depends on their number only, not on the pieces they come in. */
#ifndef LAT_MODELING_SAMPLE_H
#define LAT_MODELING_SAMPLE_H

#include "comm/share.h"
#include "matrix/matrix.h"

typedef struct lat_thinning {
  double *X, *weights;
  size_t cols, most, kept, step, seen;
  bool weighted;
} lat_thinning;

/* Begins as {.step = 1}. Adds rows with weights, or NULL. Keeps, at the first call, memory for 32
 * MB or 1024 rows, whichever is more. LAT_MEMORY. */
lat_status lat_thinning_add(lat_thinning *thinning, lat_workspace *work, const lat_matrix *X,
                            const double *weights);
/* Begins it for rows that are a share of those of several ranks. Keeps its memory. */
lat_status lat_thinning_share(lat_thinning *thinning, lat_workspace *work, const lat_share *share);
/* Once each rank has added its rows: gathers the sample that one process would have of all. A
 * collective. Keeps the sample's memory. */
lat_status lat_thinning_gather(lat_thinning *thinning, lat_workspace *work, const lat_share *share);
/* The sample, in the thinning's memory, and its weights; NULL when no row had any. */
void lat_thinning_end(const lat_thinning *thinning, lat_matrix *sample, const double **weights);

#endif
