/* ica_pass.c: the sums over rows that every algorithm of ICA needs: of G(y), g'(y) and g(y) z' for
 * outputs y = R z. A chunk's product, contrast and sums are computed while it is in the cache.
 * Chunks of z lie source by source, so a contrast runs along an output's numbers side by side
 * however few sources there are. */
#include <cblas.h>
#include <float.h>
#include <math.h>
#include <string.h>

#include "base/clones.h"
#include "base/ordered_sum.h"
#include "base/parallel.h"
#include "matrix/tile.h"
#include "projection/ica_internal.h"

/* ---- rows in groups of whole chunks ---------------------------------------------------------- */

typedef struct pass {
  const lat_ica_search *fit;
  const lat_matrix *X; /* NULL: the fit's Z */
  const double *weights;
  size_t N, chunk, stride;
  double *buffers; /* a worker's outputs, scratch for one of them; its own z and rows */
  size_t buffer_count;
  bool rough; /* in single precision */
} pass;

static void add_rows(void *context, size_t first, size_t rows, size_t offset, double *sum,
                     size_t worker)
{
  const pass *p = context;
  const lat_ica_search *fit = p->fit;
  size_t M = fit->M, k = fit->k, stride = p->stride;
  lat_ica_means sums = lat_ica_means_of(sum, k, M);
  double *Y = p->buffers + worker * p->buffer_count, *scratch = Y + k * stride;
  double *own = scratch + 2 * stride, *centred = own + M * stride;
  while (rows > 0) {
    size_t n = p->chunk - offset % p->chunk;
    if (n > rows) n = rows;
    const double *w = p->weights ? p->weights + first : NULL;
    const double *Z = p->X ? own : fit->Z + first / p->chunk * M * stride;
    if (p->X) {
      lat_matrix X = lat_block_of(*p->X, first, 0, n, fit->D);
      lat_ica_whiten(fit, &X, w, centred, own, stride);
    }
    if (p->rough) {
      lat_ica_rough_add(fit, first / p->chunk, n, Y, &sums);
      first += n, offset += n, rows -= n;
      continue;
    }
    lat_tile_product(k, n, M, fit->R, M, 1, Z, stride, false, Y, stride);
    for (size_t i = 0; i < k; i++) {
      /* the next chunk, meanwhile */
      for (size_t j = 0; !p->X && n < rows && i < M && j < stride; j += 8)
        LAT_PREFETCH(Z + (M + i) * stride + j);
      lat_ica_apply_contrast(fit->each ? fit->each[i] : fit->contrast, n, Y + i * stride, w,
                             scratch, &sums.slope[i], &sums.value[i]);
    }
    lat_tile_inner(k, M, n, Y, stride, Z, stride, true, sums.product, M);
    first += n, offset += n, rows -= n;
  }
}

static lat_status run(lat_ica_search *fit, pass *p)
{
  lat_workspace *work = fit->work;
  LAT_SCOPE(work);
  size_t M = fit->M, k = fit->k;
  p->buffer_count = (k + 2) * p->stride + (p->X ? M * p->stride + p->chunk * fit->D : 0);
  if (p->rough) p->buffer_count = lat_ica_rough_count(fit);
  p->buffers = lat_allocate(work, lat_workers(work), p->buffer_count * sizeof(double));
  if (!p->buffers) return LAT_MEMORY;
  /* padding of a chunk's last rows is multiplied, and its products are ignored */
  if (p->X) memset(p->buffers, 0, lat_workers(work) * p->buffer_count * sizeof(double));
  LAT_TRY(lat_sum_add(&fit->sum, work, p->N, add_rows, p));
  return LAT_OK;
}

/* ---- a pass ---------------------------------------------------------------------------------- */

static lat_status add_weights(lat_ica_search *fit, size_t N, const double *weights)
{
  for (size_t i = 0; weights && i < N; i++) {
    if (!(weights[i] >= 0 && weights[i] <= DBL_MAX))
      return lat_fail(fit->work, LAT_INVALID, "weight %zu is %g; weights are finite and >= 0",
                      i + 1, weights[i]);
    fit->total += weights[i];
  }
  if (!weights) fit->total += (double)N;
  return LAT_OK;
}

lat_status lat_ica_add(lat_ica_search *fit, const lat_matrix *X, const double *weights)
{
  LAT_BLAS_SECTION;
  pass p = {.fit = fit, .weights = weights, .N = X->rows};
  if (X->cols != fit->D)
    return lat_fail(fit->work, LAT_SHAPE, "X has %zu columns, the data before had %zu", X->cols,
                    fit->D);
  if (p.N == 0) return LAT_OK;
  LAT_TRY(add_weights(fit, p.N, weights));
  if (fit->Z && X == &fit->X) {
    p.chunk = fit->chunk;
    p.stride = fit->stride;
    p.rough = lat_ica_is_rough(fit);
    return run(fit, &p);
  }
  LAT_TRY(lat_check_finite(fit->work, "X", X, false));
  p.X = X;
  p.chunk = lat_chunk_rows(fit->D);
  if (p.chunk > p.N) p.chunk = p.N;
  p.stride = lat_ica_stride(p.chunk);
  return run(fit, &p);
}
