/* general.c: eigenvalues and eigenvectors of a general matrix, in a fixed order and phase
 * (eigen.h).
 *
 * The matrix is copied column-major and scaled by a power of two; its Schur form is
 * hessenberg.c's. */
#include <math.h>
#include <stdlib.h>

#include "base/parallel.h"
#include "eigen/dense.h"
#include "eigen/hessenberg.h"
#include "matrix/limits.h"
#include "matrix/linear/svd.h"

/* A real eigenvalue, or a complex one and its conjugate in the next column. */
typedef struct unit {
  double real, imaginary;
  size_t column;
} unit;

static int compare(double x, double y, const unit *a, const unit *b)
{
  if (x != y) return x < y ? 1 : -1;
  return a->column < b->column ? -1 : 1;
}

static int by_real(const void *p, const void *q)
{
  const unit *a = p, *b = q;
  return compare(a->real, b->real, a, b);
}

static int by_modulus(const void *p, const void *q)
{
  const unit *a = p, *b = q;
  return compare(hypot(a->real, a->imaginary), hypot(b->real, b->imaginary), a, b);
}

/* By descending real part; runs of real parts that differ by rounding, by modulus. */
static void sort(unit *list, size_t units)
{
  double largest = 0;
  for (size_t u = 0; u < units; u++)
    largest = fmax(largest, hypot(list[u].real, list[u].imaginary));
  qsort(list, units, sizeof *list, by_real);
  for (size_t first = 0, end; first < units; first = end) {
    for (end = first + 1; end < units; end++)
      if (list[end - 1].real - list[end].real > LAT_EIGEN_TIE * largest) break;
    qsort(list + first, end - first, sizeof *list, by_modulus);
  }
}

static lat_status decompose(lat_workspace *work, double *a, int n, double *real, double *imaginary,
                            double *v)
{
  int info;
  LAT_TRY(lat_schur_vectors(work, n, a, real, imaginary, v, &info));
  if (info > 0)
    return lat_fail(work, LAT_DIVERGED, "the eigenvalues of a %dx%d matrix did not converge", n, n);
  return LAT_OK;
}

/* Multiplies re + i im by the phase that makes its entry of largest modulus real and positive. */
static void fix_phase(lat_matrix re, lat_matrix im)
{
  double largest = 0, c = 1, s = 0;
  for (size_t i = 0; i < re.rows; i++) {
    double x = lat_get(&re, i, 0), y = lat_get(&im, i, 0), modulus = hypot(x, y);
    if (modulus > largest * (1 + LAT_SIGN_TIE)) largest = modulus, c = x / modulus, s = y / modulus;
  }
  for (size_t i = 0; i < re.rows; i++) {
    double x = lat_get(&re, i, 0), y = lat_get(&im, i, 0);
    lat_set(&re, i, 0, c * x + s * y);
    lat_set(&im, i, 0, c * y - s * x);
  }
}

/* Copies the unit's columns of v (n x n, column-major) to columns j, j+1 of the result. */
static void copy_vectors(const unit *u, double *v, size_t n, size_t j, const lat_matrix *vectors)
{
  size_t cols = u->imaginary == 0 ? 1 : 2;
  lat_matrix from = {v + u->column * n, n, cols, 1, (ptrdiff_t)n, LAT_FLOAT64};
  lat_matrix to = lat_block_of(*vectors, 0, j, n, cols);
  if (cols == 1)
    lat_fix_signs(&from, NULL);
  else
    fix_phase(lat_col(from, 0), lat_col(from, 1));
  lat_copy(&from, &to);
}

lat_status lat_general(lat_workspace *work, const lat_matrix *A, lat_matrix real,
                       lat_matrix imaginary, const lat_matrix *vectors)
{
  size_t n = A->rows, units = 0;
  double *rows, *a, *v = NULL;
  int exponent;
  LAT_SCOPE(work);
  LAT_TRY(lat_check_results(work, n, &real, vectors));
  LAT_TRY(lat_check_results(work, n, &imaginary, NULL));
  if (real.rows != n || imaginary.rows != n)
    return lat_fail(work, LAT_SHAPE, "the eigenvalues of a %zux%zu matrix are %zu numbers", n, n,
                    n);
  LAT_TRY(lat_square_scratch(work, "A", A, &rows, &exponent));
  lat_matrix transposed = lat_transpose(lat_matrix_of(rows, n, n)); /* LAPACK has columns */
  LAT_TRY(lat_scratch(work, transposed, &a));
  double *re = lat_doubles(work, n), *im = lat_doubles(work, n);
  unit *list = lat_allocate(work, n, sizeof *list);
  if (!re || !im || !list || (vectors && !(v = lat_doubles(work, n * n)))) return LAT_MEMORY;

  int before = n >= LAT_EIGEN_THREADED ? lat_blas_threads_begin() : 0;
  lat_status status = decompose(work, a, (int)n, re, im, v);
  if (n >= LAT_EIGEN_THREADED) lat_blas_threads_end(before);
  LAT_TRY(status);

  for (size_t j = 0; j < n; j += im[j] == 0 ? 1 : 2) list[units++] = (unit){re[j], im[j], j};
  sort(list, units);
  for (size_t u = 0, j = 0; u < units; j += list[u++].imaginary == 0 ? 1 : 2) {
    if (u % 64 == 0) LAT_TRY(lat_check(work));
    double value = ldexp(list[u].real, exponent), part = ldexp(list[u].imaginary, exponent);
    for (size_t i = 0; i < (list[u].imaginary == 0 ? 1 : 2); i++) {
      lat_set(&real, j + i, 0, value);
      lat_set(&imaginary, j + i, 0, i == 0 ? part : -part);
    }
    if (vectors) copy_vectors(&list[u], v, n, j, vectors);
  }
  return LAT_OK;
}
