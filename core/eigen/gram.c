/* gram.c: W := Xc'(Xc V) without forming Xc'Xc (krylov.h).
 *
 * Pieces of rows are centred and multiplied twice while they are in the cache. Parts of consecutive
 * pieces have a sum each, and these are added in order. */
#include <cblas.h>
#include <limits.h>
#include <string.h>

#include "base/parallel.h"
#include "eigen/krylov.h"
#include "eigen/limits.h"
#include "matrix/linear/lapack.h"

typedef struct job {
  const lat_matrix *X, *V;
  const double *mean;
  size_t rows, per_part; /* of a piece, and of X in a part */
  double *pieces;        /* a centred piece for each worker, when it is needed */
  double *products;      /* X V for each worker */
  double *sums;          /* D x b for each part */
} job;

static bool in_place(const job *j)
{
  const lat_matrix *X = j->X;
  return !j->mean && X->dtype == LAT_FLOAT64 && X->col_stride == 1 &&
         X->row_stride >= (ptrdiff_t)X->cols && X->row_stride <= INT_MAX;
}

/* Rows r.. of X, centred: in place, or in the worker's memory. */
static const double *piece(const job *j, size_t r, size_t rows, double *memory, int *lead)
{
  size_t D = j->X->cols;
  if (in_place(j)) {
    *lead = (int)j->X->row_stride;
    return (const double *)j->X->data + (ptrdiff_t)r * j->X->row_stride;
  }
  lat_matrix from = lat_block_of(*j->X, r, 0, rows, D), to = lat_matrix_of(memory, rows, D);
  lat_copy(&from, &to);
  for (size_t i = 0; j->mean && i < rows; i++)
    for (size_t d = 0; d < D; d++) memory[i * D + d] -= j->mean[d];
  *lead = (int)D;
  return memory;
}

/* One part's sum of Xp' (Xp V) over its pieces Xp. */
static void sum_part(void *context, size_t part, size_t worker)
{
  const job *j = context;
  size_t D = j->X->cols, b = j->V->cols, end = (part + 1) * j->per_part;
  double *sum = j->sums + part * D * b, *product = j->products + worker * j->rows * b;
  int d = (int)D, cols = (int)b, lead;
  if (end > j->X->rows) end = j->X->rows;
  memset(sum, 0, D * b * sizeof *sum);
  for (size_t r = part * j->per_part; r < end; r += j->rows) {
    size_t rows = end - r < j->rows ? end - r : j->rows;
    const double *x = piece(j, r, rows, j->pieces + worker * j->rows * D, &lead);
    /* x read by columns is the transpose, so that V and W, which are by columns, fit */
    cblas_dgemm(CblasColMajor, CblasTrans, CblasNoTrans, (int)rows, cols, d, 1, x, lead, j->V->data,
                (int)j->V->col_stride, 0, product, (int)j->rows);
    cblas_dgemm(CblasColMajor, CblasNoTrans, CblasNoTrans, d, cols, (int)rows, 1, x, lead, product,
                (int)j->rows, 1, sum, d);
  }
}

lat_status lat_gram_multiply(lat_workspace *work, const lat_matrix *X, const lat_matrix *mean,
                             const lat_matrix *V, const lat_matrix *W)
{
  size_t N = X->rows, D = X->cols, b = V->cols;
  LAT_TRY(lat_lapack_fits(work, "X", X));
  if (V->rows != D || W->rows != D || W->cols != b || (mean && mean->rows != D))
    return lat_fail(work, LAT_SHAPE, "X is %zux%zu, V %zux%zu, and W %zux%zu", N, D, V->rows, b,
                    W->rows, W->cols);
  LAT_SCOPE(work);
  lat_matrix centre = {0};
  if (mean) LAT_TRY(lat_packed(work, *mean, &centre));
  job j = {.X = X, .V = V, .mean = centre.data};
  j.rows = LAT_GRAM_PIECE / D < LAT_GRAM_LEAST_ROWS ? LAT_GRAM_LEAST_ROWS : LAT_GRAM_PIECE / D;
  j.per_part = (N + LAT_GRAM_PARTS - 1) / LAT_GRAM_PARTS;
  if (j.per_part < j.rows) j.per_part = j.rows;
  size_t parts = (N + j.per_part - 1) / j.per_part, workers = lat_workers(work);
  j.products = lat_doubles(work, workers * j.rows * b);
  j.sums = lat_doubles(work, parts * D * b);
  j.pieces = lat_doubles(work, in_place(&j) ? 0 : workers * j.rows * D);
  if (!j.products || !j.sums || !j.pieces) return LAT_MEMORY;
  LAT_TRY(lat_parallel(work, parts, sum_part, &j));
  for (size_t p = 1; p < parts; p++)
    for (size_t i = 0; i < D * b; i++) j.sums[i] += j.sums[p * D * b + i];
  lat_matrix sum = lat_transpose(lat_matrix_of(j.sums, b, D));
  lat_copy(&sum, W);
  return LAT_OK;
}
