/* blocked.c: products by tiles, and factorizations of square matrices by recursive halving (Toledo,
 * SIAM Journal on Matrix Analysis and Applications 18, 1997). Column-major, lower triangles. */
#include "matrix/linear/blocked.h"

#include <math.h>
#include <string.h>

#include "base/progress.h"
#include "matrix/limits.h"

/* dlasyf: columns of the Bunch-Kaufman factorization, and the update of the remaining ones */
#define lat_dlasyf LAPACK_GLOBAL(dlasyf, DLASYF)
void lat_dlasyf(const char *uplo, const int *n, const int *nb, int *kb, double *a, const int *lda,
                int *pivots, double *w, const int *ldw, int *info, size_t length);

static int least(int a, int b)
{
  return a < b ? a : b;
}

/* As many lines as make LAT_TILE_WORK with `each` multiplications in one, within
 * LAT_TILE_NARROW..n. */
static int lines(double each, int n)
{
  double count = LAT_TILE_WORK / (each < 1 ? 1 : each);
  return count >= n                ? n
         : count < LAT_TILE_NARROW ? least(LAT_TILE_NARROW, n)
                                   : (int)count / 16 * 16;
}

static const double *at(const double *A, int lda, int i, int j)
{
  return A + (ptrdiff_t)j * lda + i;
}

static double *place(double *A, int lda, int i, int j)
{
  return A + (ptrdiff_t)j * lda + i;
}

/* ---- products by tiles --------------------------------------------------------------------- */

lat_status lat_gemm_tiles(lat_workspace *work, CBLAS_TRANSPOSE op_a, CBLAS_TRANSPOSE op_b, int m,
                          int n, int k, double alpha, const double *A, int lda, const double *B,
                          int ldb, double beta, double *C, int ldc)
{
  if (m < 1 || n < 1) return LAT_OK;
  double side = sqrt(LAT_TILE_WORK / (k < 1 ? 1 : k)),
         square = side < LAT_TILE_NARROW ? LAT_TILE_NARROW : side;
  int rows = m < square ? m : (int)square / 16 * 16, cols = lines((double)rows * k, n);
  if (cols == n) rows = lines((double)cols * k, m);
  LAT_STEPS(work, steps, (double)m * n, NULL);
  for (int j = 0; j < n; j += cols) {
    for (int i = 0; i < m; i += rows) {
      LAT_TRY(lat_at_step(&steps, (double)j * m + (double)i * least(cols, n - j), 0));
      cblas_dgemm(CblasColMajor, op_a, op_b, least(rows, m - i), least(cols, n - j), k, alpha,
                  op_a == CblasNoTrans ? at(A, lda, i, 0) : at(A, lda, 0, i), lda,
                  op_b == CblasNoTrans ? at(B, ldb, 0, j) : at(B, ldb, j, 0), ldb, beta,
                  place(C, ldc, i, j), ldc);
    }
  }
  return LAT_OK;
}

lat_status lat_trsm_tiles(lat_workspace *work, CBLAS_SIDE side, CBLAS_UPLO uplo, CBLAS_TRANSPOSE op,
                          CBLAS_DIAG diag, int m, int n, const double *A, int lda, double *B,
                          int ldb)
{
  int order = side == CblasLeft ? m : n, count = side == CblasLeft ? n : m;
  int piece = lines(0.5 * order * order, count);
  for (int i = 0; i < count && order > 0; i += piece) {
    int size = least(piece, count - i);
    LAT_TRY(lat_check(work));
    if (side == CblasLeft)
      cblas_dtrsm(CblasColMajor, side, uplo, op, diag, m, size, 1, A, lda, place(B, ldb, 0, i),
                  ldb);
    else
      cblas_dtrsm(CblasColMajor, side, uplo, op, diag, size, n, 1, A, lda, place(B, ldb, i, 0),
                  ldb);
  }
  return LAT_OK;
}

/* B := A B or B A for an upper triangular A, times alpha */
static lat_status trmm_tiles(lat_workspace *work, CBLAS_SIDE side, int m, int n, double alpha,
                             const double *A, int lda, double *B, int ldb)
{
  int order = side == CblasLeft ? m : n, count = side == CblasLeft ? n : m;
  int piece = lines(0.5 * order * order, count);
  for (int i = 0; i < count && order > 0; i += piece) {
    int size = least(piece, count - i);
    LAT_TRY(lat_check(work));
    cblas_dtrmm(CblasColMajor, side, CblasUpper, CblasNoTrans, CblasNonUnit,
                side == CblasLeft ? m : size, side == CblasLeft ? size : n, alpha, A, lda,
                side == CblasLeft ? place(B, ldb, 0, i) : place(B, ldb, i, 0), ldb);
  }
  return LAT_OK;
}

/* The lower triangle of C := C - A A', A n x k */
static lat_status syrk_tiles(lat_workspace *work, int n, int k, const double *A, int lda, double *C,
                             int ldc)
{
  int cols = lines((double)n * k, n);
  for (int j = 0; j < n; j += cols) {
    int size = least(cols, n - j), below = n - j - size;
    LAT_TRY(lat_check(work));
    cblas_dsyrk(CblasColMajor, CblasLower, CblasNoTrans, size, k, -1, at(A, lda, j, 0), lda, 1,
                place(C, ldc, j, j), ldc);
    LAT_TRY(lat_gemm_tiles(work, CblasNoTrans, CblasTrans, below, size, k, -1,
                           at(A, lda, j + size, 0), lda, at(A, lda, j, 0), lda, 1,
                           place(C, ldc, j + size, j), ldc));
  }
  return LAT_OK;
}

/* ---- Cholesky -------------------------------------------------------------------------------- */

/* Of [A11, .; A21, A22]: L11, then L21 = A21 inv(L11'), then L22 of A22 - L21 L21'. */
lat_status lat_potrf(lat_workspace *work, int n, double *a, int lda, int *info)
{
  *info = 0;
  LAT_TRY(lat_check(work));
  if (n <= LAT_FACTOR_LEAF) {
    *info = LAPACKE_dpotrf_work(LAPACK_COL_MAJOR, 'L', n, a, lda);
    return lat_lapack_info(work, "dpotrf", *info);
  }
  int first = n / 2, rest = n - first;
  double *below = place(a, lda, first, 0), *corner = place(a, lda, first, first);
  LAT_STEPS(work, steps, 8, NULL); /* of (n/2)^3/3 operations each */
  LAT_TRY(lat_potrf(work, first, a, lda, info));
  if (*info) return LAT_OK;
  lat_step(&steps, 1, 3);
  LAT_TRY(lat_trsm_tiles(work, CblasRight, CblasLower, CblasTrans, CblasNonUnit, rest, first, a,
                         lda, below, lda));
  lat_step(&steps, 4, 3);
  LAT_TRY(syrk_tiles(work, rest, first, below, lda, corner, lda));
  lat_step(&steps, 7, 1);
  LAT_TRY(lat_potrf(work, rest, corner, lda, info));
  if (*info) *info += first;
  return LAT_OK;
}

/* ---- LU -------------------------------------------------------------------------------------- */

static double work_of(double m, double n)
{
  return m * n * n - n * n * n / 3;
}

/* Of the m x n columns [A1 A2], m >= n: A1 first, then its row exchanges and eliminations in A2,
 * then the remaining rows of A2. */
static lat_status factor_columns(lat_workspace *work, int m, int n, double *a, int lda, int *pivots,
                                 int *info)
{
  *info = 0;
  LAT_TRY(lat_check(work));
  if (n <= LAT_LU_LEAF || (n <= LAT_FACTOR_LEAF && m <= 2 * LAT_FACTOR_LEAF)) {
    *info = LAPACKE_dgetrf_work(LAPACK_COL_MAJOR, m, n, a, lda, pivots);
    return lat_lapack_info(work, "dgetrf", *info);
  }
  int first = n / 2, rest = n - first, failed;
  double *right = place(a, lda, 0, first), *corner = place(a, lda, first, first);
  /* operations of m x n columns, and of the product for the corner */
  double all = work_of(m, n), left = work_of(m, first), product = 2. * (m - first) * rest * first;
  LAT_STEPS(work, steps, all, NULL);
  lat_step(&steps, 0, left);
  LAT_TRY(factor_columns(work, m, first, a, lda, pivots, info));
  LAPACKE_dlaswp_work(LAPACK_COL_MAJOR, rest, right, lda, 1, first, pivots, 1);
  LAT_TRY(lat_trsm_tiles(work, CblasLeft, CblasLower, CblasNoTrans, CblasUnit, first, rest, a, lda,
                         right, lda));
  lat_step(&steps, all - product - work_of(m - first, rest), product);
  LAT_TRY(lat_gemm_tiles(work, CblasNoTrans, CblasNoTrans, m - first, rest, first, -1,
                         at(a, lda, first, 0), lda, right, lda, 1, corner, lda));
  lat_step(&steps, all - work_of(m - first, rest), work_of(m - first, rest));
  LAT_TRY(factor_columns(work, m - first, rest, corner, lda, pivots + first, &failed));
  if (*info == 0 && failed) *info = failed + first;
  for (int i = first; i < n; i++) pivots[i] += first;
  LAPACKE_dlaswp_work(LAPACK_COL_MAJOR, first, a, lda, first + 1, n, pivots, 1);
  return LAT_OK;
}

lat_status lat_getrf(lat_workspace *work, int n, double *a, int lda, int *pivots, int *info)
{
  return factor_columns(work, n, n, a, lda, pivots, info);
}

/* The inverse of an upper triangle: [U11 U12; 0 U22] has -inv(U11) U12 inv(U22) in its corner. */
static lat_status invert_upper(lat_workspace *work, int n, double *a, int lda)
{
  LAT_TRY(lat_check(work));
  if (n <= LAT_FACTOR_LEAF)
    return lat_lapack_info(work, "dtrtri",
                           LAPACKE_dtrtri_work(LAPACK_COL_MAJOR, 'U', 'N', n, a, lda));
  int first = n / 2, rest = n - first;
  double *corner = place(a, lda, first, first), *right = place(a, lda, 0, first);
  LAT_TRY(invert_upper(work, first, a, lda));
  LAT_TRY(invert_upper(work, rest, corner, lda));
  LAT_TRY(trmm_tiles(work, CblasLeft, first, rest, -1, a, lda, right, lda));
  return trmm_tiles(work, CblasRight, first, rest, 1, corner, lda, right, lda);
}

/* X = inv(U) inv(L) P: X L = inv(U) is solved from its last columns to the first, with L's columns
 * copied before, as X replaces them. */
lat_status lat_getri(lat_workspace *work, int n, double *a, int lda, const int *pivots)
{
  LAT_SCOPE(work);
  double *L = lat_doubles(work, (size_t)n * LAT_GETRI_COLUMNS);
  if (!L) return LAT_MEMORY;
  LAT_STEPS(work, steps, 4. / 3 * n, NULL); /* the inverse of U is n^3/3 operations, the rest n^3 */
  lat_step(&steps, 0, n / 3.);
  LAT_TRY(invert_upper(work, n, a, lda));
  for (int j = (n - 1) / LAT_GETRI_COLUMNS * LAT_GETRI_COLUMNS; j >= 0; j -= LAT_GETRI_COLUMNS) {
    int size = least(LAT_GETRI_COLUMNS, n - j), end = j + size;
    lat_step(&steps, n / 3. + n - end, size);
    for (int c = 0; c < size; c++) {
      double *column = place(a, lda, 0, j + c);
      memcpy(L + (size_t)c * (size_t)n + j + c, column + j + c, (size_t)(n - j - c) * sizeof *L);
      memset(column + j + c + 1, 0, (size_t)(n - j - c - 1) * sizeof *L);
    }
    LAT_TRY(lat_gemm_tiles(work, CblasNoTrans, CblasNoTrans, n, size, n - end, -1,
                           at(a, lda, 0, end), lda, L + end, n, 1, place(a, lda, 0, j), lda));
    LAT_TRY(lat_trsm_tiles(work, CblasRight, CblasLower, CblasNoTrans, CblasUnit, n, size, L + j, n,
                           place(a, lda, 0, j), lda));
  }
  for (int j = n - 1; j >= 0; j--)
    if (pivots[j] != j + 1)
      cblas_dswap(n, place(a, lda, 0, j), 1, place(a, lda, 0, pivots[j] - 1), 1);
  return LAT_OK;
}

/* ---- L D L' ---------------------------------------------------------------------------------- */

lat_status lat_sytrf(lat_workspace *work, int n, double *a, int lda, int *pivots, int *info)
{
  LAT_SCOPE(work);
  double *w = lat_doubles(work, (size_t)n * LAT_SYTRF_PANEL);
  if (!w) return LAT_MEMORY;
  *info = 0;
  for (int k = 0, done, failed; k < n; k += done) {
    int left = n - k, panel = LAT_SYTRF_PANEL;
    double *corner = place(a, lda, k, k);
    LAT_TRY(lat_check(work));
    if (left > panel) {
      lat_dlasyf("L", &left, &panel, &done, corner, &lda, pivots + k, w, &n, &failed, 1);
    } else {
      done = left;
      failed = LAPACKE_dsytrf_work(LAPACK_COL_MAJOR, 'L', left, corner, lda, pivots + k, w,
                                   n * LAT_SYTRF_PANEL);
      LAT_TRY(lat_lapack_info(work, "dsytrf", failed));
    }
    if (*info == 0 && failed > 0) *info = failed + k;
    for (int i = k; i < k + done; i++) pivots[i] += pivots[i] > 0 ? k : -k;
  }
  return LAT_OK;
}
