/* rotation.c: varimax and promax rotations of loadings (rotation.h).
 *
 * Varimax rotates pairs of columns by the angle that maximizes the criterion of the pair, in sweeps
 * over all pairs. Matrices are row-major. */
#include "projection/rotation.h"

#include <math.h>
#include <string.h>

#include "matrix/linear/solve.h"
#include "matrix/product.h"
#include "projection/limits.h"

static lat_matrix square_of(const double *T, size_t M)
{
  return lat_matrix_of((double *)T, M, M);
}

/* ---- order and signs ------------------------------------------------------------------------- */

typedef struct column {
  size_t from;
  double squares, sign;
} column;

/* Stable, so that equal columns stay where they are. */
static void sort_columns(size_t M, column *columns)
{
  for (size_t i = 1; i < M; i++) {
    column c = columns[i];
    size_t k = i;
    for (; k > 0 && columns[k - 1].squares < c.squares; k--) columns[k] = columns[k - 1];
    columns[k] = c;
  }
}

lat_status lat_fix_loadings(lat_workspace *work, size_t D, size_t M, const double *loadings,
                            bool sort, double *T, double *correlations)
{
  LAT_SCOPE(work);
  lat_matrix L = lat_matrix_of((double *)loadings, D, M), rotation = square_of(T, M);
  lat_matrix rotated = lat_matrix_new(work, D, M), copy = lat_matrix_new(work, M, M);
  column *columns = lat_allocate(work, M, sizeof *columns);
  if (!rotated.data || !copy.data || !columns) return LAT_MEMORY;
  LAT_TRY(lat_product(work, 1, &L, &rotation, 0, &rotated));
  for (size_t m = 0; m < M; m++) {
    columns[m] = (column){.from = m, .sign = 1};
    double largest = 0;
    for (size_t j = 0; j < D; j++) {
      double x = lat_get(&rotated, j, m);
      columns[m].squares += x * x;
      if (fabs(x) > largest * (1 + LAT_LOADINGS_TIE)) {
        largest = fabs(x);
        columns[m].sign = x < 0 ? -1 : 1;
      }
    }
  }
  if (sort) sort_columns(M, columns);
  lat_copy(&rotation, &copy);
  for (size_t i = 0; i < M; i++)
    for (size_t m = 0; m < M; m++)
      T[i * M + m] = columns[m].sign * lat_get(&copy, i, columns[m].from);
  if (correlations) {
    lat_matrix Phi = square_of(correlations, M);
    lat_copy(&Phi, &copy);
    for (size_t i = 0; i < M; i++)
      for (size_t m = 0; m < M; m++)
        correlations[i * M + m] =
            columns[i].sign * columns[m].sign * lat_get(&copy, columns[i].from, columns[m].from);
  }
  return LAT_OK;
}

/* ---- varimax --------------------------------------------------------------------------------- */

/* Rotates columns a and b of the n x M matrix A by `angle`. */
static void rotate_columns(size_t n, size_t M, double *A, size_t a, size_t b, double angle)
{
  double c = cos(angle), s = sin(angle);
  for (size_t j = 0; j < n; j++) {
    double x = A[j * M + a], y = A[j * M + b];
    A[j * M + a] = c * x + s * y;
    A[j * M + b] = c * y - s * x;
  }
}

/* The angle that makes the criterion of columns a and b greatest: with u = x^2 - y^2 and v = 2xy,
 * tan(4 angle) = (2 sum uv - 2/D sum u sum v) / (sum (u^2 - v^2) - 1/D (sum^2 u - sum^2 v)). */
static double best_angle(size_t D, size_t M, const double *A, size_t a, size_t b)
{
  double su = 0, sv = 0, suv = 0, squares = 0, scale = 0;
  for (size_t j = 0; j < D; j++) {
    double x = A[j * M + a], y = A[j * M + b], u = x * x - y * y, v = 2 * x * y;
    su += u;
    sv += v;
    suv += u * v;
    squares += u * u - v * v;
    scale += u * u + v * v;
  }
  double above = 2 * (suv - su * sv / (double)D);
  double below = squares - (su * su - sv * sv) / (double)D;
  if (hypot(above, below) <= LAT_VARIMAX_NOISE * scale) return 0; /* all angles are as good */
  return 0.25 * atan2(above, below);
}

lat_status lat_varimax(lat_workspace *work, size_t D, size_t M, const double *loadings, double *T)
{
  LAT_SCOPE(work);
  double *A = lat_doubles(work, D * M);
  if (!A) return LAT_MEMORY;
  for (size_t j = 0; j < D; j++) {
    double sum = 0;
    for (size_t m = 0; m < M; m++) sum += loadings[j * M + m] * loadings[j * M + m];
    for (size_t m = 0; m < M; m++) A[j * M + m] = sum > 0 ? loadings[j * M + m] / sqrt(sum) : 0;
  }
  for (size_t i = 0; i < M * M; i++) T[i] = i % (M + 1) == 0;
  for (size_t sweep = 0; sweep < LAT_VARIMAX_SWEEPS; sweep++) {
    double largest = 0;
    LAT_TRY(lat_check(work));
    for (size_t a = 0; a < M; a++)
      for (size_t b = a + 1; b < M; b++) {
        double angle = best_angle(D, M, A, a, b);
        if (fabs(angle) > largest) largest = fabs(angle);
        if (fabs(angle) <= LAT_VARIMAX_ANGLE) continue;
        rotate_columns(D, M, A, a, b, angle);
        rotate_columns(M, M, T, a, b, angle);
      }
    if (largest <= LAT_VARIMAX_CONVERGED) break;
  }
  LAT_TRY(lat_fix_loadings(work, D, M, loadings, true, T, NULL));
  return LAT_OK;
}

/* ---- promax ---------------------------------------------------------------------------------- */

lat_status lat_promax(lat_workspace *work, size_t D, size_t M, const double *loadings, double *T,
                      double *correlations)
{
  LAT_SCOPE(work);
  LAT_TRY(lat_varimax(work, D, M, loadings, T));
  lat_matrix L = lat_matrix_of((double *)loadings, D, M), rotation = square_of(T, M);
  lat_matrix X = lat_matrix_new(work, D, M), target = lat_matrix_new(work, D, M);
  lat_matrix UU = lat_matrix_new(work, M, M), U = lat_matrix_new(work, M, M);
  double residual, rcond;
  size_t rank;
  if (!X.data || !target.data || !UU.data || !U.data) return LAT_MEMORY;
  LAT_TRY(lat_product(work, 1, &L, &rotation, 0, &X));
  for (size_t j = 0; j < D; j++)
    for (size_t m = 0; m < M; m++) {
      double x = lat_get(&X, j, m);
      lat_set(&target, j, m, x * fabs(x * x * x));
    }
  LAT_TRY(lat_least_squares(work, &X, &target, lat_rank_tolerance(&X), &U, &rank, &residual));
  if (rank < M)
    return lat_fail(work, LAT_SINGULAR,
                    "the loadings have rank %zu, and promax needs one of %zu factors", rank, M);
  lat_matrix Ut = lat_transpose(U), Phi = square_of(correlations, M);
  LAT_TRY(lat_product(work, 1, &Ut, &U, 0, &UU));
  LAT_TRY(lat_inverse(work, &UU, &Phi, &rcond));
  for (size_t m = 0; m < M; m++) { /* z's variances are inv(U'U)'s diagonal */
    double deviation = sqrt(lat_get(&Phi, m, m));
    for (size_t i = 0; i < M; i++) {
      lat_set(&U, i, m, lat_get(&U, i, m) * deviation);
      lat_set(&Phi, i, m, lat_get(&Phi, i, m) / deviation);
      lat_set(&Phi, m, i, i == m ? 1 : lat_get(&Phi, m, i) / deviation);
    }
  }
  LAT_TRY(lat_product(work, 1, &rotation, &U, 0, &UU));
  lat_copy(&UU, &rotation);
  LAT_TRY(lat_fix_loadings(work, D, M, loadings, true, T, correlations));
  return LAT_OK;
}
