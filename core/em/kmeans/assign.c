/* kmeans/assign.c: labels and distances of rows under given centres, block by block of
 * LAT_NEAREST_ROWS, on the threads. */
#include <math.h>
#include <string.h>

#include "base/clones.h"
#include "base/parallel.h"
#include "em/common/distance.h"
#include "em/kmeans/internal.h"

bool lat_kmeans_copies(const lat_matrix *X)
{
  return X->dtype != LAT_FLOAT64 || (X->col_stride != 1 && X->cols > 1);
}

void lat_kmeans_rows(const lat_matrix *X, double *copy, const double **rows)
{
  const double *from = X->data;
  ptrdiff_t stride = X->row_stride;
  if (lat_kmeans_copies(X)) {
    lat_matrix to = lat_matrix_of(copy, X->rows, X->cols);
    lat_copy(X, &to);
    from = copy;
    stride = (ptrdiff_t)X->cols;
  }
  for (size_t i = 0; i < X->rows; i++) rows[i] = from + (ptrdiff_t)i * stride;
}

/* A walk over blocks of rows, for the threads. */
typedef struct walk {
  const lat_matrix *X;
  const double *weights;
  lat_nearest nearest;
  uint32_t *labels;
  double *squares, *shares; /* a block's share of J */
  const lat_matrix *Z;
  size_t step;
  double *scratch;
  size_t scratch_count;
} walk;

static lat_status walk_begin(lat_workspace *work, walk *w, size_t K, const double *centers)
{
  size_t D = w->X->cols;
  double *tables = lat_doubles(work, lat_nearest_count(K, D)), *origin = lat_doubles(work, D);
  if (!tables || !origin) return LAT_MEMORY;
  w->step = lat_nearest_rows(K, D);
  w->scratch_count = w->step * D + lat_nearest_scratch(K, D);
  w->scratch = lat_allocate(work, lat_workers(work), w->scratch_count * sizeof(double));
  w->nearest = lat_nearest_of(tables, K, D, centers, origin);
  lat_nearest_origin(K, D, centers, origin);
  lat_nearest_prepare(&w->nearest, 0);
  return w->scratch ? LAT_OK : LAT_MEMORY;
}

static size_t block_count(const walk *w)
{
  return (w->X->rows + w->step - 1) / w->step;
}

/* The rows of block c. */
static size_t block_rows(const walk *w, size_t c, double *copy, const double **rows)
{
  size_t first = c * w->step, left = w->X->rows - first, n = left < w->step ? left : w->step;
  lat_matrix X = lat_block_of(*w->X, first, 0, n, w->X->cols);
  lat_kmeans_rows(&X, copy, rows);
  return n;
}

LAT_CLONES static void measure_rows(const lat_nearest *nearest, size_t n, const double *const *rows,
                                    const uint32_t *labels, double *squares)
{
  for (size_t i = 0; i < n; i++)
    squares[i] =
        lat_squared_distance(nearest->D, rows[i], nearest->centers + labels[i] * nearest->D);
}

static void assign_block(void *context, size_t c, size_t worker)
{
  const walk *w = context;
  const lat_nearest *nearest = &w->nearest;
  double *scratch = w->scratch + worker * w->scratch_count, J = 0;
  const double *rows[LAT_NEAREST_ROWS];
  uint32_t labels[LAT_NEAREST_ROWS];
  double squares[LAT_NEAREST_ROWS];
  size_t n = block_rows(w, c, scratch, rows), first = c * w->step, D = nearest->D;
  lat_nearest_search(nearest, n, rows, NULL, labels, NULL, NULL, scratch + w->step * D);
  measure_rows(nearest, n, rows, labels, squares);
  for (size_t i = 0; i < n; i++) {
    J += (w->weights ? w->weights[first + i] : 1) * squares[i];
    if (w->labels) w->labels[first + i] = labels[i];
    if (w->squares) w->squares[first + i] = squares[i];
  }
  w->shares[c] = J;
}

lat_status lat_kmeans_assign(lat_workspace *work, const lat_matrix *X, const double *weights,
                             size_t K, const double *centers, uint32_t *labels, double *squares,
                             double *J)
{
  LAT_SCOPE(work);
  walk w = {.X = X, .weights = weights, .labels = labels, .squares = squares};
  LAT_TRY(walk_begin(work, &w, K, centers));
  w.shares = lat_doubles(work, block_count(&w));
  if (!w.shares) return LAT_MEMORY;
  LAT_TRY(lat_parallel(work, block_count(&w), assign_block, &w));
  double total = 0;
  for (size_t c = 0; c < block_count(&w); c++) total += w.shares[c];
  if (!isfinite(total)) LAT_TRY(lat_check_finite(work, "X", X, false));
  if (!isfinite(total))
    return lat_fail(
        work, LAT_INVALID,
        "squares of distances overflow: numbers of X are too large, or too far from the "
        "centres");
  if (J) *J = total;
  return LAT_OK;
}

LAT_CLONES static void measure_all(const lat_nearest *nearest, const double *x, double *distances)
{
  for (size_t k = 0; k < nearest->K; k++)
    distances[k] = sqrt(lat_squared_distance(nearest->D, x, nearest->centers + k * nearest->D));
}

static void measure_block(void *context, size_t c, size_t worker)
{
  const walk *w = context;
  const double *rows[LAT_NEAREST_ROWS];
  double *scratch = w->scratch + worker * w->scratch_count,
         *distances = scratch + w->step * w->X->cols;
  size_t n = block_rows(w, c, scratch, rows);
  for (size_t i = 0; i < n; i++) {
    measure_all(&w->nearest, rows[i], distances);
    lat_matrix from = lat_vector_of(distances, w->nearest.K), to = lat_row(*w->Z, c * w->step + i);
    lat_copy(&from, &to);
  }
}

lat_status lat_kmeans_distances(lat_workspace *work, const lat_matrix *X, size_t K,
                                const double *centers, const lat_matrix *Z)
{
  LAT_SCOPE(work);
  walk w = {.X = X, .Z = Z};
  LAT_TRY(lat_check_finite(work, "X", X, false));
  LAT_TRY(walk_begin(work, &w, K, centers));
  LAT_TRY(lat_parallel(work, block_count(&w), measure_block, &w));
  return LAT_OK;
}
