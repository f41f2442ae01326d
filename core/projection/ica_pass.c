/* ica_pass.c: the pass over the data under every algorithm of ICA, fused: a chunk's product, contrast
 * and sums happen in the cache. Chunks of z lie source by source, so a contrast runs along an
 * output's numbers side by side however few sources there are. */
#include <cblas.h>
#include <float.h>
#include <math.h>
#include <string.h>

#include "base/clones.h"
#include "base/parallel.h"
#include "matrix/tile.h"
#include "projection/ica_fit.h"

size_t lat_ica_means_count(size_t k, size_t M)
{
  return k * (M + 2);
}

lat_ica_means lat_ica_means_of(double *memory, size_t k, size_t M)
{
  return (lat_ica_means){memory, memory + k * M, memory + k * M + k};
}

lat_ica_means lat_ica_found(const lat_ica_fit *fit)
{
  return lat_ica_means_of(fit->sums, fit->k, fit->M);
}

void lat_ica_whiten(const lat_ica_fit *fit, const lat_matrix *X, const double *w, double *rows,
                    double *Z, size_t stride)
{
  size_t D = fit->D, n = X->rows;
  lat_centre(X, NULL, fit->mean, NULL, rows);
  for (size_t i = 0; w && i < n; i++)
    if (w[i] == 0) memset(rows + i * D, 0, D * sizeof *rows);
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)fit->M, (blasint)n, (blasint)D, 1,
              fit->into, (blasint)D, rows, (blasint)D, 0, Z, (blasint)stride);
}

/* ---- rows cut into lanes of whole chunks --------------------------------------------------- */

typedef struct pass {
  const lat_ica_fit *fit;
  const lat_matrix *X; /* NULL: the fit's Z */
  const double *weights;
  size_t N, chunk, chunks, lanes, stride;
  double *partial; /* a lane's sums */
  size_t partial_count;
  double *buffers; /* a worker's outputs, scratch for one of them; its own z and rows */
  size_t buffer_count;
} pass;

static void pass_lane(void *context, size_t lane, size_t worker)
{
  const pass *p = context;
  const lat_ica_fit *fit = p->fit;
  size_t M = fit->M, k = fit->k, stride = p->stride;
  lat_ica_means sums = lat_ica_means_of(p->partial + lane * p->partial_count, k, M);
  double *Y = p->buffers + worker * p->buffer_count, *scratch = Y + k * stride;
  double *own = scratch + 2 * stride, *rows = own + M * stride;
  size_t end = (lane + 1) * p->chunks / p->lanes;
  for (size_t c = lane * p->chunks / p->lanes; c < end; c++) {
    size_t first = c * p->chunk, left = p->N - first, n = left < p->chunk ? left : p->chunk;
    const double *w = p->weights ? p->weights + first : NULL;
    const double *Z = p->X ? own : fit->Z + c * M * stride;
    if (p->X) {
      lat_matrix X = lat_block_of(*p->X, first, 0, n, fit->D);
      lat_ica_whiten(fit, &X, w, rows, own, stride);
    }
    lat_tile_product(k, n, M, fit->R, M, 1, Z, stride, false, Y, stride);
    for (size_t i = 0; i < k; i++) {
      /* the next chunk, meanwhile */
      for (size_t j = 0; !p->X && c + 1 < end && i < M && j < stride; j += 8)
        LAT_PREFETCH(Z + (M + i) * stride + j);
      lat_ica_apply_contrast(fit->contrast, n, Y + i * stride, w, scratch, &sums.slope[i],
                             &sums.value[i]);
    }
    lat_tile_inner(k, M, n, Y, stride, Z, stride, true, sums.product, M);
  }
}

static lat_status run(lat_ica_fit *fit, pass *p)
{
  lat_workspace *work = fit->work;
  lat_mark mark = lat_workspace_mark(work);
  size_t M = fit->M, k = fit->k;
  p->partial_count = lat_ica_means_count(k, M);
  p->lanes = lat_lanes(p->chunks, p->partial_count);
  p->buffer_count = (k + 2) * p->stride + (p->X ? M * p->stride + p->chunk * fit->D : 0);
  p->partial = lat_allocate(work, p->lanes, p->partial_count * sizeof(double));
  p->buffers = lat_allocate(work, lat_workers(work), p->buffer_count * sizeof(double));
  if (!p->partial || !p->buffers) return LAT_MEMORY;
  memset(p->partial, 0, p->lanes * p->partial_count * sizeof(double));
  /* z beyond the last rows of a chunk is multiplied, and then left alone */
  if (p->X) memset(p->buffers, 0, lat_workers(work) * p->buffer_count * sizeof(double));
  LAT_TRY(lat_parallel(work, p->lanes, pass_lane, p));
  for (size_t lane = 0; lane < p->lanes; lane++)
    cblas_daxpy((blasint)p->partial_count, 1, p->partial + lane * p->partial_count, 1, fit->sums,
                1);
  lat_workspace_release(work, mark);
  return LAT_OK;
}

/* ---- a pass ---------------------------------------------------------------------------------- */

static lat_status add_weights(lat_ica_fit *fit, size_t N, const double *weights)
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

lat_status lat_ica_add(lat_ica_fit *fit, const lat_matrix *X, const double *weights)
{
  pass p = {.fit = fit, .weights = weights, .N = X->rows};
  if (X->cols != fit->D)
    return lat_fail(fit->work, LAT_SHAPE, "X has %zu columns, the data before had %zu", X->cols,
                    fit->D);
  if (p.N == 0) return LAT_OK;
  LAT_TRY(add_weights(fit, p.N, weights));
  if (fit->Z && X == &fit->X) {
    p.chunk = fit->chunk;
    p.chunks = fit->chunks;
    p.stride = fit->stride;
    return run(fit, &p);
  }
  LAT_TRY(lat_check_finite(fit->work, "X", X, false));
  p.X = X;
  p.chunk = lat_chunk_rows(fit->D);
  if (p.chunk > p.N) p.chunk = p.N;
  p.chunks = (p.N + p.chunk - 1) / p.chunk;
  /* rows a power of two apart would all fall into the same few sets of the cache */
  p.stride = (p.chunk + 7) / 8 * 8 + 8;
  return run(fit, &p);
}

lat_status lat_ica_close(lat_ica_fit *fit)
{
  if (!(fit->total > 0)) return lat_fail(fit->work, LAT_INVALID, "all weights are 0");
  cblas_dscal((blasint)lat_ica_means_count(fit->k, fit->M), 1 / fit->total, fit->sums, 1);
  if (fit->concluding) return LAT_OK;
  switch (fit->algorithm) {
  case LAT_ICA_DEFLATION:
    return lat_ica_deflation_take(fit);
  case LAT_ICA_QUASI_NEWTON:
    return lat_ica_newton_take(fit);
  default:
    return lat_ica_fixed_point_take(fit);
  }
}
