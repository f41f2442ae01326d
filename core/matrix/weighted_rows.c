/* weighted_rows.c: sums and centring of packed or strided rows, with a weight for each row.
 *
 * Kernels run along the columns of one row or of four, so that their loops are vector code for any
 * number of rows, and the sum of a column is added in the order of the rows. */
#include "matrix/weighted_rows.h"

#include <math.h>
#include <string.h>

#include "base/clones.h"

lat_status lat_check_weights(lat_workspace *work, const lat_matrix *weights, double *sum)
{
  double total = 0;
  for (size_t i = 0; i < weights->rows; i++) {
    if (i % LAT_LOOK == 0) LAT_TRY(lat_check(work));
    double w = lat_get(weights, i, 0);
    if (!(w >= 0) || isinf(w))
      return lat_fail(work, LAT_INVALID, "weight %zu is %g; weights are finite and >= 0", i + 1, w);
    total += w;
  }
  if (!(total > 0)) return lat_fail(work, LAT_INVALID, "all weights are 0");
  if (sum) *sum = total;
  return LAT_OK;
}

/* y += w x */
LAT_CLONES static void add_row(size_t n, double w, const double *restrict x, double *restrict y)
{
  for (size_t j = 0; j < n; j++) y[j] += w * x[j];
}

/* sums += the sum of four rows, which are `stride` apart */
LAT_CLONES static void add_rows(size_t n, const double *restrict x, ptrdiff_t stride,
                                double *restrict sums)
{
  const double *a = x, *b = a + stride, *c = b + stride, *d = c + stride;
  for (size_t j = 0; j < n; j++) sums[j] += (a[j] + b[j]) + (c[j] + d[j]);
}

/* y := w (x - mean)/deviation; y may be x */
LAT_CLONES static void centre_row(size_t n, const double *x, double w, const double *mean,
                                  const double *deviation, double *y)
{
  if (!mean) {
    for (size_t j = 0; j < n; j++) y[j] = w * x[j];
  } else if (w == 1) {
    for (size_t j = 0; j < n; j++) y[j] = x[j] - mean[j];
  } else {
    for (size_t j = 0; j < n; j++) y[j] = w * (x[j] - mean[j]);
  }
  if (!deviation) return;
  for (size_t j = 0; j < n; j++) y[j] /= deviation[j];
}

bool lat_rows_are_packed(const lat_matrix *X)
{
  return X->dtype == LAT_FLOAT64 && (X->col_stride == 1 || X->cols == 1);
}

void lat_centre(const lat_matrix *X, const double *weights, const double *mean,
                const double *deviation, double *Y)
{
  lat_matrix from = *X, to = lat_matrix_of(Y, X->rows, X->cols);
  if (!lat_rows_are_packed(X)) {
    lat_copy(X, &to);
    from = to;
  }
  for (size_t i = 0; i < X->rows; i++)
    centre_row(X->cols, (const double *)from.data + (ptrdiff_t)i * from.row_stride,
               weights ? sqrt(weights[i]) : 1, mean, deviation, Y + i * X->cols);
}

void lat_add_up_rows(const lat_matrix *X, const double *weights, double *sums)
{
  const double *x = X->data;
  size_t i = 0;
  memset(sums, 0, X->cols * sizeof *sums);
  if (!weights)
    for (; i + 4 <= X->rows; i += 4)
      add_rows(X->cols, x + (ptrdiff_t)i * X->row_stride, X->row_stride, sums);
  for (; i < X->rows; i++)
    add_row(X->cols, weights ? weights[i] : 1, x + (ptrdiff_t)i * X->row_stride, sums);
}

double lat_total_weight(const double *weights, size_t n)
{
  if (!weights) return (double)n;
  double total = 0;
  for (size_t i = 0; i < n; i++) total += weights[i];
  return total;
}
