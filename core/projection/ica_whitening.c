/* ica_whitening.c: the whitening of ICA, z = into (x - m) and x = m + back z.
 *
 * With the eigenvalues and eigenvectors of the covariance, S = U diag(l) U' in the units d of the
 * columns, into = diag(l)^-1/2 U' diag(1/d) is M x D and back = diag(d) U diag(l)^1/2 is D x M.
 * White rows of a matrix in memory are stored source by source, a chunk of rows after the other: z
 * of chunk c is M x chunk, its rows `stride` apart. */
#include <cblas.h>
#include <math.h>
#include <string.h>

#include "base/parallel.h"
#include "matrix/moments.h"
#include "projection/ica_internal.h"
#include "projection/limits.h"
#include "projection/pca.h"

static lat_pca_options pca_options(const lat_ica_search *fit)
{
  size_t wanted = fit->options->latent_dim;
  lat_pca_options options = {.latent_dim = wanted, .tolerance = LAT_ICA_PCA_TOLERANCE};
  /* where all directions are kept, columns of very different scales are compared in units of their
   * own */
  options.standardize = wanted == 0 || wanted >= fit->D;
  return options;
}

/* Keeps the principal axes that have variance, and allocates the memory of passes. */
static lat_status use_axes(lat_ica_search *fit, double *flat, size_t found)
{
  lat_workspace *work = fit->work;
  size_t D = fit->D, wanted = fit->options->latent_dim, M = 0;
  lat_pca pca = lat_pca_view(flat, D, found);
  double least = LAT_RANK_NOISE * (double)D * pca.eigenvalues[0];
  while (M < found && pca.eigenvalues[M] > least) M++;
  if (M == 0) return lat_fail(work, LAT_INVALID, "X doesn't vary: all rows are equal");
  if (wanted > M)
    return lat_fail(work, LAT_INVALID,
                    "latent_dim is %zu; the data vary in %zu directions of their %zu only", wanted,
                    M, D);
  fit->M = M;
  fit->mean = pca.mean;
  fit->into = lat_doubles(work, M * D);
  fit->back = lat_doubles(work, D * M);
  fit->sums = lat_doubles(work, lat_ica_means_count(M, M));
  LAT_TRY(lat_sum_init(&fit->sum, work, D, lat_ica_means_count(M, M), 0, NULL));
  fit->ordered = lat_doubles(work, M * M);
  fit->order = lat_allocate(work, M, sizeof *fit->order);
  if (!fit->into || !fit->back || !fit->sums || !fit->ordered || !fit->order) return LAT_MEMORY;
  for (size_t j = 0; M == D && j < D; j++)
    fit->log_det -= 0.5 * log(pca.eigenvalues[j]) + log(pca.deviation[j]);
  for (size_t j = 0; j < D; j++)
    for (size_t i = 0; i < M; i++) {
      double u = pca.components[j * found + i], root = sqrt(pca.eigenvalues[i]);
      fit->into[i * D + j] = u / root / pca.deviation[j];
      fit->back[j * M + i] = u * root * pca.deviation[j];
    }
  return LAT_OK;
}

lat_status lat_ica_find_axes(lat_ica_search *fit, const lat_moments *moments)
{
  lat_pca_options pca = pca_options(fit);
  lat_pca_report record;
  double *flat;
  size_t found;
  if (moments)
    LAT_TRY(lat_pca_from_moments(fit->work, moments, &pca, &flat, &found, &record));
  else
    LAT_TRY(lat_pca_fit_rows(fit->work, &fit->X, fit->weights, &pca, &flat, &found, &record));
  return use_axes(fit, flat, found);
}

/* ---- rows in memory are whitened once -------------------------------------------------------- */

void lat_ica_whiten(const lat_ica_search *fit, const lat_matrix *X, const double *w, double *rows,
                    double *Z, size_t stride)
{
  size_t D = fit->D, n = X->rows;
  lat_centre(X, NULL, fit->mean, NULL, rows);
  for (size_t i = 0; w && i < n; i++)
    if (w[i] == 0) memset(rows + i * D, 0, D * sizeof *rows);
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)fit->M, (blasint)n, (blasint)D, 1,
              fit->into, (blasint)D, rows, (blasint)D, 0, Z, (blasint)stride);
}

typedef struct whitening {
  const lat_ica_search *fit;
  double *buffers; /* a worker's centred rows */
} whitening;

static void whiten_chunk(void *context, size_t c, size_t worker)
{
  const whitening *w = context;
  const lat_ica_search *fit = w->fit;
  size_t first = c * fit->chunk, left = fit->X.rows - first;
  size_t n = left < fit->chunk ? left : fit->chunk;
  double *Z = fit->Z + c * fit->M * fit->stride;
  lat_matrix X = lat_block_of(fit->X, first, 0, n, fit->D);
  for (size_t i = 0; i < fit->M; i++) /* padding is multiplied, and its products are ignored */
    memset(Z + i * fit->stride + n, 0, (fit->stride - n) * sizeof *Z);
  lat_ica_whiten(fit, &X, fit->weights ? fit->weights + first : NULL,
                 w->buffers + worker * fit->chunk * fit->D, Z, fit->stride);
}

lat_status lat_ica_whiten_all(lat_ica_search *fit)
{
  lat_workspace *work = fit->work;
  size_t N = fit->X.rows;
  fit->chunk = lat_chunk_rows(fit->D);
  if (fit->chunk > N) fit->chunk = N;
  fit->chunks = (N + fit->chunk - 1) / fit->chunk;
  fit->stride = lat_ica_stride(fit->chunk);
  if (fit->chunks > LAT_ICA_WHITE_BYTES / sizeof(double) / (fit->M * fit->stride)) return LAT_OK;
  fit->Z = lat_allocate(work, fit->chunks, fit->M * fit->stride * sizeof(double));
  if (!fit->Z) return LAT_MEMORY;
  LAT_SCOPE(work);
  whitening w = {fit, lat_allocate(work, lat_workers(work), fit->chunk * fit->D * sizeof(double))};
  if (!w.buffers) return LAT_MEMORY;
  LAT_TRY(lat_parallel(work, fit->chunks, whiten_chunk, &w));
  return LAT_OK;
}
