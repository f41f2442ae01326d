/* ica_pass.c: the pass over the data under every algorithm of ICA, fused: a chunk's product, contrast
 * and sums happen in the cache. Chunks of z lie source by source, so a contrast runs along an
 * output's numbers side by side however few sources there are. */
#include <cblas.h>
#include <float.h>
#include <math.h>
#include <string.h>

#include "base/clones.h"
#include "base/ordered_sum.h"
#include "base/parallel.h"
#include "matrix/tile.h"
#include "projection/ica_internal.h"

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

/* ---- rows in groups of whole chunks ---------------------------------------------------------- */

typedef struct pass {
  const lat_ica_fit *fit;
  const lat_matrix *X; /* NULL: the fit's Z */
  const double *weights;
  size_t N, chunk, stride;
  double *buffers; /* a worker's outputs, scratch for one of them; its own z and rows */
  size_t buffer_count;
} pass;

static void add_rows(void *context, size_t first, size_t rows, size_t offset, double *sum,
                     size_t worker)
{
  const pass *p = context;
  const lat_ica_fit *fit = p->fit;
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

static lat_status run(lat_ica_fit *fit, pass *p)
{
  lat_workspace *work = fit->work;
  LAT_SCOPE(work);
  size_t M = fit->M, k = fit->k;
  p->buffer_count = (k + 2) * p->stride + (p->X ? M * p->stride + p->chunk * fit->D : 0);
  p->buffers = lat_allocate(work, lat_workers(work), p->buffer_count * sizeof(double));
  if (!p->buffers) return LAT_MEMORY;
  /* z beyond the last rows of a chunk is multiplied, and then left alone */
  if (p->X) memset(p->buffers, 0, lat_workers(work) * p->buffer_count * sizeof(double));
  LAT_TRY(lat_sum_add(&fit->sum, work, p->N, add_rows, p));
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
    return run(fit, &p);
  }
  LAT_TRY(lat_check_finite(fit->work, "X", X, false));
  p.X = X;
  p.chunk = lat_chunk_rows(fit->D);
  if (p.chunk > p.N) p.chunk = p.N;
  /* rows a power of two apart would all fall into the same few sets of the cache */
  p.stride = (p.chunk + 7) / 8 * 8 + 8;
  return run(fit, &p);
}

static lat_status take(lat_ica_fit *fit)
{
  switch (fit->algorithm) {
  case LAT_ICA_DEFLATION:
    return lat_ica_deflation_take(fit);
  case LAT_ICA_QUASI_NEWTON:
    return lat_ica_newton_take(fit);
  case LAT_ICA_MAXIMUM_LIKELIHOOD:
    return lat_ica_likelihood_take(fit);
  default:
    return lat_ica_fixed_point_take(fit);
  }
}

lat_status lat_ica_close(lat_ica_fit *fit)
{
  LAT_BLAS_SECTION;
  if (!(fit->total > 0)) return lat_fail(fit->work, LAT_INVALID, "all weights are 0");
  lat_sum_total(&fit->sum, fit->sums);
  cblas_dscal((blasint)lat_ica_means_count(fit->k, fit->M), 1 / fit->total, fit->sums, 1);
  if (fit->concluding) return LAT_OK;
  LAT_TRY(take(fit));
  if (!fit->starting || !fit->done) return LAT_OK;
  fit->starting = fit->done = fit->converged = false; /* the search begins */
  fit->iterations = 0;
  fit->algorithm = LAT_ICA_MAXIMUM_LIKELIHOOD;
  return lat_ica_likelihood_begin(fit);
}
