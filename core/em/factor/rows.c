#include "em/factor/rows.h"

size_t lat_factor_rows_count(size_t D, size_t M, bool missing, size_t rows)
{
  size_t batch = lat_factor_batch(M, missing, rows), groups = missing ? batch : 1;
  return lat_factor_lanes_count(D, M, missing, rows) + batch * (2 * D + M) +
         groups * (lat_packed_count(M) + (missing ? D : 0));
}

void lat_factor_rows_begin(lat_factor_rows *r, const lat_factor_frame *frame, const lat_matrix *X,
                           double *memory)
{
  size_t D = frame->D, M = frame->M, batch = lat_factor_batch(M, frame->missing, X->rows);
  *r = (lat_factor_rows){.frame = frame};
  lat_factor_lanes_begin(&r->lanes, frame, X, memory);
  r->d = memory + lat_factor_lanes_count(D, M, frame->missing, X->rows);
  r->fit = r->d + batch * D;
  r->z = r->fit + batch * D;
  r->factor = r->z + batch * M;
  r->mask = frame->missing ? r->factor + batch * lat_packed_count(M) : NULL;
}

/* Row i of `to` := column i of the table, in blocks that stay in the cache. */
static void turn(size_t lines, size_t n, size_t stride, const double *table, double *to)
{
  enum { BLOCK = 8 };
  for (size_t first = 0; first < n; first += BLOCK)
    for (size_t j = 0; j < lines; j++)
      for (size_t i = first; i < n && i < first + BLOCK; i++)
        to[i * lines + j] = table[j * stride + i];
}

bool lat_factor_rows_next(lat_factor_rows *r)
{
  lat_factor_lanes *l = &r->lanes;
  size_t D = r->frame->D, M = r->frame->M;
  if (!lat_factor_lanes_next(l)) return false;
  r->rows = l->rows;
  r->groups = l->groups;
  r->first = l->first;
  r->observed = l->observed;
  r->log_det = l->log_det;
  r->log_noise = l->log_noise;
  r->square = l->square;
  turn(D, l->rows, l->stride, l->d, r->d);
  turn(D, l->rows, l->stride, l->fit, r->fit);
  turn(M, l->rows, l->stride, l->z, r->z);
  if (l->order) {
    turn(D, l->groups, l->stride, l->mask, r->mask);
    turn(lat_packed_count(M), l->groups, l->stride, l->factor, r->factor);
  } else {
    memcpy(r->factor, r->frame->factor, lat_packed_count(M) * sizeof *r->factor);
  }
  return true;
}
