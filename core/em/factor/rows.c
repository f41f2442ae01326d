/* factor/rows.c: the posteriors of rows, row by row: the tables of batch.c, transposed.
 *
 * Storage: behind the batch's scratch, tables of its rows and groups. */
#include "em/factor/internal.h"

size_t lat_factor_rows_count(size_t D, size_t M, bool missing, size_t rows)
{
  size_t batch = lat_factor_batch_rows(M, missing, rows), groups = missing ? batch : 1;
  return lat_factor_batch_count(D, M, missing, rows) + batch * (2 * D + M) +
         groups * (lat_packed_count(M) + (missing ? D : 0));
}

void lat_factor_rows_begin(lat_factor_rows *r, const lat_factor_precomputed *model,
                           const lat_matrix *X, double *memory)
{
  size_t D = model->D, M = model->M, batch = lat_factor_batch_rows(M, model->missing, X->rows);
  *r = (lat_factor_rows){.model = model};
  lat_factor_batch_begin(&r->batch, model, X, memory);
  r->d = memory + lat_factor_batch_count(D, M, model->missing, X->rows);
  r->fit = r->d + batch * D;
  r->z = r->fit + batch * D;
  r->factor = r->z + batch * M;
  r->mask = model->missing ? r->factor + batch * lat_packed_count(M) : NULL;
}

/* Row i of `to` := column i of the table, in blocks that stay in the cache. */
static void transpose(size_t lines, size_t n, size_t stride, const double *table, double *to)
{
  enum { BLOCK = 8 };
  for (size_t first = 0; first < n; first += BLOCK)
    for (size_t j = 0; j < lines; j++)
      for (size_t i = first; i < n && i < first + BLOCK; i++)
        to[i * lines + j] = table[j * stride + i];
}

bool lat_factor_rows_next(lat_factor_rows *r)
{
  lat_factor_batch *b = &r->batch;
  size_t D = r->model->D, M = r->model->M;
  if (!lat_factor_batch_next(b)) return false;
  r->rows = b->rows;
  r->groups = b->groups;
  r->first = b->first;
  r->observed = b->observed;
  r->log_det = b->log_det;
  r->log_noise = b->log_noise;
  r->square = b->square;
  transpose(D, b->rows, b->stride, b->d, r->d);
  transpose(D, b->rows, b->stride, b->fit, r->fit);
  transpose(M, b->rows, b->stride, b->z, r->z);
  if (b->order) {
    transpose(D, b->groups, b->stride, b->mask, r->mask);
    transpose(lat_packed_count(M), b->groups, b->stride, b->factor, r->factor);
  } else {
    memcpy(r->factor, r->model->factor, lat_packed_count(M) * sizeof *r->factor);
  }
  return true;
}
