/* sample.c: thinning; see sample.h. Storage: rows are packed, kept x cols, their weights beside
 * them. */
#include "modeling/sample.h"

#include <string.h>

enum { SAMPLE_BYTES = 32 << 20, LEAST_ROWS = 1024 };

static void halve(lat_thinning *t)
{
  for (size_t i = 1; 2 * i < t->kept; i++) {
    memcpy(t->X + i * t->cols, t->X + 2 * i * t->cols, t->cols * sizeof *t->X);
    t->weights[i] = t->weights[2 * i];
  }
  t->kept = (t->kept + 1) / 2;
  t->step *= 2;
}

static lat_status begin(lat_thinning *t, lat_workspace *work, size_t cols)
{
  t->cols = cols;
  t->most = SAMPLE_BYTES / sizeof(double) / (cols + 1);
  if (t->most < LEAST_ROWS) t->most = LEAST_ROWS;
  t->X = lat_allocate(work, t->most, cols * sizeof(double));
  t->weights = lat_doubles(work, t->most);
  return t->X && t->weights ? LAT_OK : LAT_MEMORY;
}

lat_status lat_thinning_add(lat_thinning *t, lat_workspace *work, const lat_matrix *X,
                            const double *weights)
{
  if (!t->X) LAT_TRY(begin(t, work, X->cols));
  if (X->cols != t->cols)
    return lat_fail(work, LAT_SHAPE, "X has %zu columns, the rows before it %zu", X->cols, t->cols);
  t->weighted |= weights != NULL;
  for (size_t i = 0; i < X->rows; i++, t->seen++) {
    if (t->seen % t->step) continue;
    if (t->kept == t->most) {
      halve(t);
      if (t->seen % t->step) continue;
    }
    lat_matrix from = lat_block_of(*X, i, 0, 1, t->cols),
               to = lat_matrix_of(t->X + t->kept * t->cols, 1, t->cols);
    lat_copy(&from, &to);
    t->weights[t->kept++] = weights ? weights[i] : 1;
  }
  return LAT_OK;
}

/* The step at which one process would have arrived is known, as is the first row's number. */
lat_status lat_thinning_share(lat_thinning *t, lat_workspace *work, const lat_share *share)
{
  LAT_TRY(begin(t, work, share->columns));
  while ((share->all + t->step - 1) / t->step > t->most) t->step *= 2;
  t->seen = (size_t)share->before;
  return LAT_OK;
}

lat_status lat_thinning_gather(lat_thinning *t, lat_workspace *work, const lat_share *share)
{
  size_t p = share->comm->size, row = t->cols * sizeof *t->X, kept = 0;
  size_t *sizes = lat_allocate(work, p, sizeof *sizes);
  void *X, *weights;
  bool weighted = t->weighted;
  if (!sizes) return LAT_MEMORY;
  LAT_TRY(lat_comm_any(share->comm, work, &weighted));
  LAT_TRY(lat_comm_gather(share->comm, work, t->X, t->kept * row, sizes, &X));
  for (size_t r = 0; r < p; r++) kept += sizes[r] / row;
  LAT_TRY(lat_comm_gather(share->comm, work, t->weights, t->kept * sizeof *t->weights, sizes,
                          &weights));
  t->X = X;
  t->weights = weights;
  t->kept = kept;
  t->weighted = weighted;
  return LAT_OK;
}

void lat_thinning_end(const lat_thinning *t, lat_matrix *sample, const double **weights)
{
  *sample = lat_matrix_of(t->X, t->kept, t->cols);
  *weights = t->weighted ? t->weights : NULL;
}
