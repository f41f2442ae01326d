/* reflections.c: Householder's reflections by blocks: Q = I - V T V' for a few vectors at a time
 * (Schreiber and Van Loan, SIAM Journal on Scientific and Statistical Computing 10, 1989).
 * Column-major; V is stored below the diagonal of columns, or right of it in rows. */
#include "base/progress.h"
#include "matrix/limits.h"
#include "matrix/linear/blocked.h"

#include <string.h>

static int least(int a, int b)
{
  return a < b ? a : b;
}

static double *place(double *A, int lda, int i, int j)
{
  return A + (ptrdiff_t)j * lda + i;
}

/* Columns, or rows, of C for one step with k vectors of length n. */
static int lines(int n, int k, int count)
{
  double each = 2.0 * n * k, fit = LAT_REFLECT_WORK / each;
  return fit >= count ? count : fit < 8 ? least(8, count) : (int)fit;
}

/* A block of k vectors, ready to be applied. */
typedef struct block {
  lat_storage stored;
  int n, k, ldv;
  const double *V;
  double T[LAT_REFLECT_PANEL * LAT_REFLECT_PANEL];
} block;

static void make_block(block *b, const double *tau)
{
  LAPACKE_dlarft_work(LAPACK_COL_MAJOR, 'F', b->stored == LAT_COLUMNS ? 'C' : 'R', b->n, b->k, b->V,
                      b->ldv, tau, b->T, LAT_REFLECT_PANEL);
}

/* C := H C or H' C, n x m, or, from the right, C H', m x n; `scratch` has m x k numbers, of which
 * each step uses a part. */
static lat_status apply_block(lat_workspace *work, const block *b, bool left, bool transpose, int m,
                              double *C, int ldc, double *scratch)
{
  int piece = lines(b->n, b->k, m);
  for (int i = 0; i < m; i += piece) {
    int size = least(piece, m - i);
    LAT_TRY(lat_check(work));
    LAPACKE_dlarfb_work(LAPACK_COL_MAJOR, left ? 'L' : 'R', transpose ? 'T' : 'N', 'F',
                        b->stored == LAT_COLUMNS ? 'C' : 'R', left ? b->n : size,
                        left ? size : b->n, b->k, b->V, b->ldv, b->T, LAT_REFLECT_PANEL,
                        left ? place(C, ldc, 0, i) : C + i, ldc, scratch, size);
  }
  return LAT_OK;
}

/* ---- QR -------------------------------------------------------------------------------------- */

/* Operations for the first j columns of m x n: the sum of 4 (m - i) (n - i). */
static double work_of(double m, double n, double j)
{
  return 4 * j * (m * n - (m + n) * j / 2 + j * j / 3);
}

/* The QR factorization of n <= LAT_QR_PANEL columns: the left half, its reflections of the right
 * half, and the right half, recursively until the work is small. `scratch` has n^2 numbers, and n
 * of them again. */
static lat_status factor_panel(lat_workspace *work, int m, int n, double *a, int lda, double *tau,
                               double *scratch)
{
  LAT_TRY(lat_check(work));
  if (n == 1 || (double)m * n * n <= LAT_QR_PLAIN)
    return lat_lapack_info(work, "dgeqr2",
                           LAPACKE_dgeqr2_work(LAPACK_COL_MAJOR, m, n, a, lda, tau, scratch));
  int half = n / 2;
  block b = {.stored = LAT_COLUMNS, .n = m, .k = half, .V = a, .ldv = lda};
  LAT_TRY(factor_panel(work, m, half, a, lda, tau, scratch));
  make_block(&b, tau);
  LAT_TRY(apply_block(work, &b, true, true, n - half, place(a, lda, 0, half), lda, scratch));
  return factor_panel(work, m - half, n - half, place(a, lda, half, half), lda, tau + half,
                      scratch);
}

lat_status lat_geqrf(lat_workspace *work, int m, int n, double *a, int lda, double *tau)
{
  int count = least(m, n);
  LAT_SCOPE(work);
  double *scratch = lat_doubles(work, (size_t)(n > LAT_QR_PANEL ? n : LAT_QR_PANEL) * LAT_QR_PANEL);
  if (!scratch) return LAT_MEMORY;
  LAT_STEPS(work, steps, work_of(m, n, count), NULL);
  for (int j = 0; j < count; j += LAT_QR_PANEL) {
    int size = least(LAT_QR_PANEL, count - j), right = n - j - size;
    lat_step(&steps, work_of(m, n, j), 0);
    block b = {.stored = LAT_COLUMNS, .n = m - j, .k = size, .V = place(a, lda, j, j), .ldv = lda};
    LAT_TRY(factor_panel(work, m - j, size, place(a, lda, j, j), lda, tau + j, scratch));
    if (right < 1) continue;
    make_block(&b, tau + j);
    LAT_TRY(apply_block(work, &b, true, true, right, place(a, lda, j, j + size), lda, scratch));
  }
  return LAT_OK;
}

/* The columns E - V T V_1' in place of V, m x k, where E and V_1 are the first k rows of the unit
 * matrix and of V: the first columns of Q = I - V T V'. By pieces of rows. */
static lat_status form_columns(lat_workspace *work, const block *b, double *a, int lda,
                               double *scratch, int rows)
{
  int k = b->k;
  double W[LAT_QR_PANEL * LAT_QR_PANEL];
  for (int j = 0; j < k; j++)
    for (int i = 0; i < k; i++) W[j * k + i] = i <= j ? b->T[j * LAT_REFLECT_PANEL + i] : 0;
  cblas_dtrmm(CblasColMajor, CblasRight, CblasLower, CblasTrans, CblasUnit, k, k, 1, b->V, b->ldv,
              W, k);
  for (int r = 0; r < b->n; r += rows) {
    int size = least(rows, b->n - r);
    LAT_TRY(lat_check(work));
    for (int j = 0; j < k; j++) {
      double *to = scratch + (ptrdiff_t)j * size, *column = place(a, lda, r, j);
      for (int i = 0; i < size; i++) to[i] = r + i < j ? 0 : r + i == j ? 1 : column[i];
      for (int i = 0; i < size; i++) column[i] = r + i == j ? 1 : 0;
    }
    cblas_dgemm(CblasColMajor, CblasNoTrans, CblasNoTrans, size, k, k, -1, scratch, size, W, k, 1,
                a + r, lda);
  }
  return LAT_OK;
}

lat_status lat_orgqr(lat_workspace *work, int m, int n, double *a, int lda, double *tau)
{
  LAT_SCOPE(work);
  double *scratch =
      lat_doubles(work, (size_t)(n > LAT_ORGQR_ROWS ? n : LAT_ORGQR_ROWS) * LAT_QR_PANEL);
  if (!scratch) return LAT_MEMORY;
  const double all = work_of(m, n, n);
  LAT_STEPS(work, steps, all, NULL);
  for (int j = (n - 1) / LAT_QR_PANEL * LAT_QR_PANEL; j >= 0; j -= LAT_QR_PANEL) {
    int size = least(LAT_QR_PANEL, n - j), right = n - j - size;
    lat_step(&steps, all - work_of(m, n, j + size), 0);
    double *panel = place(a, lda, j, j), *beside = place(a, lda, j, j + size);
    block b = {.stored = LAT_COLUMNS, .n = m - j, .k = size, .V = panel, .ldv = lda};
    make_block(&b, tau + j);
    /* the columns to the right have 0 above row j + size */
    for (int c = 0; c < right; c++)
      memset(beside + (ptrdiff_t)c * lda, 0, (size_t)size * sizeof *a);
    if (right > 0) LAT_TRY(apply_block(work, &b, true, false, right, beside, lda, scratch));
    LAT_TRY(form_columns(work, &b, panel, lda, scratch, LAT_ORGQR_ROWS));
  }
  return LAT_OK;
}

/* ---- Q applied ------------------------------------------------------------------------------- */

/* The blocks in the order in which they act: for Q from the last one, for Q' from the first. */
static lat_status apply_all(lat_workspace *work, lat_storage stored, bool left, bool forward,
                            bool transpose, int n, int m, int k, const double *V, int ldv,
                            const double *tau, double *C, int ldc)
{
  LAT_SCOPE(work);
  double *scratch = lat_doubles(work, (size_t)m * LAT_REFLECT_PANEL);
  block *b = lat_allocate(work, 1, sizeof *b);
  if (!scratch || !b) return LAT_MEMORY;
  int blocks = (k + LAT_REFLECT_PANEL - 1) / LAT_REFLECT_PANEL;
  LAT_STEPS(work, steps, blocks, NULL);
  for (int i = 0; i < blocks; i++) {
    lat_step(&steps, i, 0);
    int first = (forward ? i : blocks - 1 - i) * LAT_REFLECT_PANEL,
        size = least(LAT_REFLECT_PANEL, k - first);
    *b = (block){.stored = stored, .n = n - first, .k = size, .ldv = ldv};
    b->V = V + (ptrdiff_t)first * ldv + first;
    make_block(b, tau + first);
    LAT_TRY(apply_block(work, b, left, transpose, m, left ? C + first : C + (ptrdiff_t)first * ldc,
                        ldc, scratch));
  }
  return LAT_OK;
}

lat_status lat_reflect_left(lat_workspace *work, lat_storage stored, bool transpose, int n, int m,
                            int k, const double *V, int ldv, const double *tau, double *C, int ldc)
{
  return apply_all(work, stored, true, transpose, transpose, n, m, k, V, ldv, tau, C, ldc);
}

lat_status lat_reflect_right(lat_workspace *work, lat_storage stored, int m, int n, int k,
                             const double *V, int ldv, const double *tau, double *C, int ldc)
{
  return apply_all(work, stored, false, false, true, n, m, k, V, ldv, tau, C, ldc);
}
