/* silhouette.c: the silhouettes of rows in clusters (silhouette.h).
 *
 * Rows are put in the order of their clusters, so that distances to a cluster are those to a run of
 * rows. */
#include "matrix/samples/silhouette.h"

#include <math.h>

#include "base/parallel.h"
#include "base/progress.h"
#include "matrix/order.h"
#include "matrix/samples/pairs.h"
#include "matrix/samples/sample_distances.h"

typedef struct clusters {
  size_t K;
  double *sizes;  /* K */
  size_t *begins; /* K + 1: where the rows of each begin */
  size_t *of;     /* N: the cluster of each row, as they are ordered */
  size_t *places; /* N: which row of X that is */
  lat_sample rows;
  double *values; /* N: of the rows of X */
} clusters;

/* The sum of the distances of row i to those of cluster k. */
static double sum_distances(const clusters *c, size_t i, size_t k)
{
  double squares[LAT_PAIR_BLOCK], sum = 0;
  const size_t D = c->rows.D, n = c->rows.n, end = c->begins[k + 1];
  for (size_t j = c->begins[k]; j < end; j += LAT_PAIR_BLOCK) {
    const size_t count = end - j < LAT_PAIR_BLOCK ? end - j : LAT_PAIR_BLOCK;
    lat_pair_squares(D, c->rows.rows + i * D, c->rows.columns + j, n, count, squares);
    sum += lat_sum_roots(count, squares);
  }
  return sum;
}

static double silhouette(const clusters *c, size_t i)
{
  const size_t own = c->of[i];
  double a = 0, b = INFINITY;
  if (c->sizes[own] == 1) return 0;
  for (size_t k = 0; k < c->K; k++) {
    const double sum = sum_distances(c, i, k);
    if (k == own)
      a = sum / (c->sizes[k] - 1);
    else
      b = fmin(b, sum / c->sizes[k]);
  }
  const double most = fmax(a, b);
  return most > 0 ? (b - a) / most : 0; /* all rows in one place are between */
}

static void row_chunk(void *context, size_t chunk, size_t worker)
{
  const clusters *c = context;
  const size_t end = (chunk + 1) * LAT_PAIR_ROWS;
  (void)worker;
  for (size_t i = chunk * LAT_PAIR_ROWS; i < end && i < c->rows.n; i++)
    c->values[c->places[i]] = silhouette(c, i);
}

/* The clusters of labels, and the order of the rows. Keeps them. */
static lat_status order_rows(lat_workspace *work, const lat_matrix *labels, clusters *c)
{
  const size_t N = labels->rows;
  double *numbers = lat_doubles(work, N), *codes = lat_doubles(work, N);
  c->sizes = lat_doubles(work, N);
  c->of = lat_allocate(work, N, sizeof *c->of);
  c->places = lat_allocate(work, N, sizeof *c->places);
  if (!numbers || !codes || !c->sizes || !c->of || !c->places) return LAT_MEMORY;
  const lat_matrix of = lat_vector_of(codes, N);
  LAT_TRY(lat_unique(work, labels, numbers, c->sizes, &of, &c->K));
  if (c->K < 2)
    return lat_fail(work, LAT_INVALID,
                    "all labels are the same: there must be two clusters at least");
  c->begins = lat_allocate(work, c->K + 1, sizeof *c->begins);
  size_t *next = lat_allocate(work, c->K, sizeof *next);
  if (!c->begins || !next) return LAT_MEMORY;
  c->begins[0] = 0;
  for (size_t k = 0; k < c->K; k++) {
    next[k] = c->begins[k];
    c->begins[k + 1] = c->begins[k] + (size_t)c->sizes[k];
  }
  for (size_t i = 0; i < N; i++) {
    const size_t k = (size_t)codes[i] - 1;
    c->of[next[k]] = k;
    c->places[next[k]++] = i;
  }
  return LAT_OK;
}

lat_status lat_silhouette(lat_workspace *work, const lat_matrix *X, const lat_matrix *labels,
                          double *values, double *mean)
{
  LAT_SCOPE(work);
  clusters c = {.values = values};
  LAT_STEPS(work, steps, X->rows, "rows");
  lat_step(&steps, 0, 0);
  const size_t N = X->rows;
  if (labels->rows != N || labels->cols != 1)
    return lat_fail(work, LAT_SHAPE, "there are %zu labels for %zu rows",
                    labels->rows * labels->cols, N);
  LAT_TRY(lat_check_finite(work, "X", X, false));
  LAT_TRY(lat_check_finite(work, "labels", labels, false));
  LAT_TRY(order_rows(work, labels, &c));
  lat_matrix ordered = lat_matrix_new(work, N, X->cols);
  if (!ordered.data) return LAT_MEMORY;
  LAT_TRY(lat_gather_rows(work, X, c.places, &ordered));
  LAT_TRY(lat_sample_take(work, &ordered, lat_sample_exponent(X, X), &c.rows));
  lat_step(&steps, 0, (double)N);
  LAT_TRY(lat_parallel(work, (N + LAT_PAIR_ROWS - 1) / LAT_PAIR_ROWS, row_chunk, &c));
  *mean = 0;
  for (size_t i = 0; i < N; i++) *mean += values[i] / (double)N;
  return LAT_OK;
}
