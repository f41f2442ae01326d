/* pca_apply.c: latent variables, reconstructions and the distortion of rows by a fitted PCA
 * (pca.h).
 *
 * A chunk of rows is centred while it is copied to the cache, and multiplied twice: z = into' (x -
 * m) and x~ = m + back z, with deviations and whitening multiplied into the two D x M maps. */
#include <cblas.h>
#include <math.h>

#include "base/parallel.h"
#include "base/progress.h"
#include "projection/limits.h"
#include "projection/pca.h"

typedef struct walk {
  const lat_pca *pca;
  const lat_matrix *X;
  const lat_outputs *outputs;
  const double *into, *back; /* D x M: z = into' (x - m), x~ = m + back z */
  double *buffers, *errors;  /* a worker's rows of X, Z and X~; a chunk's squared error */
  size_t chunk, buffer_count;
} walk;

/* The two maps, with deviations and whitening multiplied in. */
static lat_status maps(lat_workspace *work, const lat_pca *pca, double **into, double **back)
{
  bool whiten = pca->options.whiten;
  size_t D = pca->D, M = pca->M;
  double least = M ? LAT_RANK_NOISE * (double)D * pca->eigenvalues[0] : 0;
  *into = lat_doubles(work, D * M);
  *back = lat_doubles(work, D * M);
  if (!*into || !*back) return LAT_MEMORY;
  for (size_t j = 0; j < D; j++)
    for (size_t i = 0; i < M; i++) {
      double u = pca->components[j * M + i], scale = 1;
      if (whiten) scale = pca->eigenvalues[i] > least ? sqrt(pca->eigenvalues[i]) : 0;
      (*into)[j * M + i] = scale > 0 ? u / pca->deviation[j] / scale : 0;
      (*back)[j * M + i] = u * pca->deviation[j] * scale;
    }
  return LAT_OK;
}

static void product(size_t rows, size_t cols, size_t inner, const double *A, const double *B,
                    bool transposed, double *C)
{
  size_t ld = transposed ? inner : cols;
  cblas_dgemm(CblasRowMajor, CblasNoTrans, transposed ? CblasTrans : CblasNoTrans, (blasint)rows,
              (blasint)cols, (blasint)inner, 1, A, (blasint)inner, B, (blasint)ld, 0, C,
              (blasint)cols);
}

static void apply_chunk(void *context, size_t c, size_t worker)
{
  const walk *w = context;
  size_t D = w->pca->D, M = w->pca->M, first = c * w->chunk, left = w->X->rows - first;
  size_t rows = left < w->chunk ? left : w->chunk;
  double *Y = w->buffers + worker * w->buffer_count, *Z = Y + w->chunk * D, *R = Z + w->chunk * M;
  lat_matrix X = lat_block_of(*w->X, first, 0, rows, D);
  lat_centre(&X, NULL, w->pca->mean, NULL, Y);
  product(rows, M, D, Y, w->into, false, Z);
  if (w->outputs->latent) {
    lat_matrix z = lat_matrix_of(Z, rows, M),
               to = lat_block_of(*w->outputs->latent, first, 0, rows, M);
    lat_copy(&z, &to);
  }
  if (!w->outputs->reconstruction && !w->outputs->distortion) return;
  product(rows, D, M, Z, w->back, true, R);
  double error = 0;
  for (size_t i = 0; i < rows * D; i++) error += (Y[i] - R[i]) * (Y[i] - R[i]);
  w->errors[c] = error;
  if (!w->outputs->reconstruction) return;
  for (size_t i = 0; i < rows; i++)
    for (size_t j = 0; j < D; j++) R[i * D + j] += w->pca->mean[j];
  lat_matrix r = lat_matrix_of(R, rows, D),
             to = lat_block_of(*w->outputs->reconstruction, first, 0, rows, D);
  lat_copy(&r, &to);
}

lat_status lat_pca_apply(lat_workspace *work, const lat_pca *pca, const lat_request *request,
                         const lat_outputs *outputs)
{
  const lat_matrix *X = &request->X;
  if (X->cols != pca->D)
    return lat_fail(work, LAT_SHAPE, "X has %zu columns, the model was fitted on %zu", X->cols,
                    pca->D);
  LAT_TRY(lat_check_finite(work, "X", X, false));
  LAT_SCOPE(work);
  walk w = {.pca = pca, .X = X, .outputs = outputs, .chunk = lat_chunk_rows(pca->D)};
  if (w.chunk > X->rows) w.chunk = X->rows;
  size_t chunks = (X->rows + w.chunk - 1) / w.chunk;
  w.buffer_count = w.chunk * (2 * pca->D + pca->M);
  double *into, *back;
  LAT_TRY(maps(work, pca, &into, &back));
  w.into = into;
  w.back = back;
  w.buffers = lat_allocate(work, lat_workers(work), w.buffer_count * sizeof(double));
  w.errors = lat_doubles(work, chunks);
  if (!w.buffers || !w.errors) return LAT_MEMORY;
  LAT_TRY(lat_parallel(work, chunks, apply_chunk, &w));
  if (outputs->distortion) {
    double total = 0;
    for (size_t c = 0; c < chunks; c++) total += w.errors[c];
    if (!isfinite(total))
      return lat_fail(work, LAT_INVALID,
                      "squared errors of the reconstruction overflow: X is too large");
    *outputs->distortion = total / (double)X->rows;
  }
  return LAT_OK;
}

lat_status lat_pca_inverse(lat_workspace *work, const lat_pca *pca, const lat_matrix *Z,
                           const lat_matrix *X)
{
  size_t D = pca->D, M = pca->M, rows = lat_chunk_rows(D);
  if (Z->cols != M)
    return lat_fail(work, LAT_SHAPE, "Z has %zu columns, the model has %zu components", Z->cols, M);
  LAT_TRY(lat_check_finite(work, "Z", Z, false));
  LAT_SCOPE(work);
  double *into, *back, *z = lat_doubles(work, rows * M), *x = lat_doubles(work, rows * D);
  if (!z || !x) return LAT_MEMORY;
  LAT_TRY(maps(work, pca, &into, &back));
  LAT_STEPS(work, steps, Z->rows, "rows");
  for (size_t first = 0; first < Z->rows; first += rows) {
    lat_step(&steps, (double)first, 0);
    size_t n = Z->rows - first < rows ? Z->rows - first : rows;
    lat_matrix from = lat_block_of(*Z, first, 0, n, M), packed = lat_matrix_of(z, n, M);
    lat_copy(&from, &packed);
    product(n, D, M, z, back, true, x);
    for (size_t i = 0; i < n; i++)
      for (size_t j = 0; j < D; j++) x[i * D + j] += pca->mean[j];
    lat_matrix result = lat_matrix_of(x, n, D), to = lat_block_of(*X, first, 0, n, D);
    lat_copy(&result, &to);
    LAT_TRY(lat_check(work));
  }
  return LAT_OK;
}
