/* gram.c: G = Y Y' of centred rows by chunks of columns, and the vectors Y'V made orthonormal
 * (gram.h). */
#include "projection/gram.h"

#include <cblas.h>
#include <lapacke.h>
#include <string.h>

#include "base/ordered_sum.h"
#include "base/parallel.h"
#include "matrix/linear/lapack.h"
#include "matrix/linear/svd.h"
#include "matrix/moments.h"
#include "projection/limits.h"

/* The pass over columns, in chunks as over rows in moments.c. */
typedef struct walk {
  const lat_matrix *X;
  const double *weights, *mean, *deviation;
  size_t chunk, chunks;
  double *buffers; /* a worker's N x chunk */
  const lat_matrix *V;
  double *U; /* column-major, D x M */
} walk;

/* Columns in a chunk: about 1 MB of them. */
static lat_status walk_begin(lat_workspace *work, walk *w)
{
  size_t N = w->X->rows, D = w->X->cols;
  w->chunk = LAT_GRAM_NUMBERS / N;
  if (w->chunk < LAT_GRAM_COLUMNS) w->chunk = LAT_GRAM_COLUMNS;
  if (w->chunk > D) w->chunk = D;
  w->chunks = (D + w->chunk - 1) / w->chunk;
  w->buffers = lat_allocate(work, lat_workers(work), N * w->chunk * sizeof(double));
  return w->buffers ? LAT_OK : LAT_MEMORY;
}

/* The worker's buffer, filled with `count` centred columns from `first` on. */
static double *centred(const walk *w, size_t first, size_t count, size_t worker)
{
  size_t N = w->X->rows;
  double *Y = w->buffers + worker * N * w->chunk;
  lat_matrix X = lat_block_of(*w->X, 0, first, N, count);
  lat_centre(&X, w->weights, w->mean + first, w->deviation + first, Y);
  return Y;
}

static void add_products(void *context, size_t first, size_t columns, size_t offset, double *G,
                         size_t worker)
{
  const walk *w = context;
  size_t N = w->X->rows;
  (void)offset; /* groups are chunks */
  const double *Y = centred(w, first, columns, worker);
  cblas_dsyrk(CblasRowMajor, CblasUpper, CblasNoTrans, (blasint)N, (blasint)columns, 1, Y,
              (blasint)columns, 1, G, (blasint)N);
}

lat_status lat_gram(lat_workspace *work, const lat_matrix *X, const double *weights,
                    const double *mean, const double *deviation, const lat_matrix *G)
{
  size_t N = X->rows;
  walk w = {.X = X, .weights = weights, .mean = mean, .deviation = deviation};
  LAT_SCOPE(work);
  LAT_TRY(walk_begin(work, &w));
  lat_ordered_sum sum;
  /* groups are chunks of columns, of which there may be more than of rows of that number */
  LAT_TRY(lat_sum_init(&sum, work, N, N * N, w.chunks * lat_group_rows(N, N * N), NULL));
  sum.group = w.chunk;
  double *total = lat_doubles(work, N * N);
  if (!total) return LAT_MEMORY;
  LAT_TRY(lat_sum_add(&sum, work, X->cols, add_products, &w));
  lat_sum_total(&sum, total);
  double *g = G->data;
  for (size_t i = 0; i < N; i++)
    for (size_t j = i; j < N; j++) g[i * N + j] = g[j * N + i] = total[i * N + j];
  return LAT_OK;
}

static void vectors_chunk(void *context, size_t c, size_t worker)
{
  const walk *w = context;
  size_t N = w->X->rows, D = w->X->cols, M = w->V->cols, first = c * w->chunk;
  size_t count = D - first < w->chunk ? D - first : w->chunk;
  const double *Y = centred(w, first, count, worker);
  /* row-major N x count is column-major count x N */
  cblas_dgemm(CblasColMajor, CblasNoTrans, CblasTrans, (blasint)count, (blasint)M, (blasint)N, 1, Y,
              (blasint)count, w->V->data, (blasint)M, 0, w->U + first, (blasint)D);
}

lat_status lat_gram_vectors(lat_workspace *work, const lat_matrix *X, const double *weights,
                            const double *mean, const double *deviation, const lat_matrix *V,
                            const lat_matrix *U)
{
  size_t D = X->cols, M = V->cols;
  walk w = {.X = X, .weights = weights, .mean = mean, .deviation = deviation, .V = V};
  LAT_SCOPE(work);
  LAT_TRY(walk_begin(work, &w));
  w.U = lat_allocate(work, D, M * sizeof(double));
  double *tau = lat_doubles(work, M), query = 0;
  if (!w.U || !tau) return LAT_MEMORY;
  LAT_TRY(lat_parallel(work, w.chunks, vectors_chunk, &w));

  /* Householder's QR makes any columns orthonormal */
  lapack_int d = (lapack_int)D, m = (lapack_int)M, length;
  double *scratch;
  lapack_int info = LAPACKE_dgeqrf_work(LAPACK_COL_MAJOR, d, m, w.U, d, tau, &query, -1);
  LAT_TRY(lat_lapack_work(work, "dgeqrf", info, query, &scratch, &length));
  info = LAPACKE_dgeqrf_work(LAPACK_COL_MAJOR, d, m, w.U, d, tau, scratch, length);
  LAT_TRY(lat_lapack_info(work, "dgeqrf", info));
  info = LAPACKE_dorgqr_work(LAPACK_COL_MAJOR, d, m, m, w.U, d, tau, &query, -1);
  LAT_TRY(lat_lapack_work(work, "dorgqr", info, query, &scratch, &length));
  info = LAPACKE_dorgqr_work(LAPACK_COL_MAJOR, d, m, m, w.U, d, tau, scratch, length);
  LAT_TRY(lat_lapack_info(work, "dorgqr", info));
  lat_matrix Q = {w.U, D, M, 1, (ptrdiff_t)D, LAT_FLOAT64};
  lat_fix_signs(&Q, NULL);
  lat_copy(&Q, U);
  return LAT_OK;
}
