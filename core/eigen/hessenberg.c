/* hessenberg.c: eigenvectors of a general matrix by balancing, Hessenberg form, QR iteration and
 * back substitution (hessenberg.h; Golub and Van Loan, Matrix Computations, 4th ed., chapter 7).
 *
 * Q' A Q = H panel by panel: the vectors of Q lie below H's subdiagonal until Q is formed. */
#include "eigen/hessenberg.h"

#include <math.h>
#include <string.h>

#include "base/progress.h"
#include "eigen/limits.h"

/* dlahr2: a panel of the Hessenberg form from column k on, with Y = A V T; not in lapacke.h. */
#define lat_dlahr2 LAPACK_GLOBAL(dlahr2, DLAHR2)
void lat_dlahr2(const int *n, const int *k, const int *nb, double *a, const int *lda, double *tau,
                double *t, const int *ldt, double *y, const int *ldy);

static double *place(double *A, int lda, int i, int j)
{
  return A + (ptrdiff_t)j * lda + i;
}

/* Applies a panel at column i, with vectors V (rows i+1.. to `high`) and Y = A V T, to the other
 * columns: A - Y V' from the right, and then (I - V T' V') from the left. */
static lat_status apply_panel(lat_workspace *work, int n, int high, int i, double *a, double *T,
                              double *Y)
{
  int end = i + LAT_HESSENBERG_PANEL, rows = high - i - 1, cols = n - end;
  double *V = place(a, n, i + 1, i), *corner = place(a, n, end, end - 1), kept = *corner;
  *corner = 1;
  LAT_TRY(lat_gemm_tiles(work, CblasNoTrans, CblasTrans, high, high - end, LAT_HESSENBERG_PANEL, -1,
                         Y, n, place(a, n, end, i), n, 1, place(a, n, 0, end), n));
  *corner = kept;
  /* columns of the panel itself, above the rows that it has reduced */
  cblas_dtrmm(CblasColMajor, CblasRight, CblasLower, CblasTrans, CblasUnit, i + 1,
              LAT_HESSENBERG_PANEL - 1, 1, V, n, Y, n);
  for (int j = 0; j + 1 < LAT_HESSENBERG_PANEL; j++)
    cblas_daxpy(i + 1, -1, Y + (ptrdiff_t)j * n, 1, place(a, n, 0, i + 1 + j), 1);
  int piece = (int)(LAT_HESSENBERG_WORK / ((double)rows * LAT_HESSENBERG_PANEL)) + 8;
  for (int j = 0; j < cols; j += piece) {
    int size = cols - j < piece ? cols - j : piece;
    LAT_TRY(lat_check(work));
    LAPACKE_dlarfb_work(LAPACK_COL_MAJOR, 'L', 'T', 'F', 'C', rows, size, LAT_HESSENBERG_PANEL, V,
                        n, T, LAT_HESSENBERG_PANEL, place(a, n, i + 1, end + j), n, Y, size);
  }
  return LAT_OK;
}

/* Q' A Q = H, as dgehrd, for rows and columns low..high-1 (from 0). */
static lat_status reduce(lat_workspace *work, int n, int low, int high, double *a, double *tau)
{
  static const int panel = LAT_HESSENBERG_PANEL;
  double *Y = lat_doubles(work, (size_t)n * LAT_HESSENBERG_LAST),
         *rest = lat_doubles(work, (size_t)n);
  double T[LAT_HESSENBERG_PANEL * LAT_HESSENBERG_PANEL];
  if (!Y || !rest) return LAT_MEMORY;
  int i = low;
  LAT_STEPS(work, steps, high - low, NULL);
  for (; high - i > LAT_HESSENBERG_LAST; i += LAT_HESSENBERG_PANEL) {
    int k = i + 1;
    LAT_TRY(lat_at_step(&steps, i - low, 0));
    lat_dlahr2(&high, &k, &panel, place(a, n, 0, i), &n, tau + i, T, &panel, Y, &n);
    LAT_TRY(apply_panel(work, n, high, i, a, T, Y));
  }
  LAT_TRY(lat_check(work));
  int info =
      LAPACKE_dgehrd_work(LAPACK_COL_MAJOR, n, i + 1, high, a, n, rest, Y, n * LAT_HESSENBERG_LAST);
  for (; i < high - 1; i++) tau[i] = rest[i];
  return lat_lapack_info(work, "dgehrd", info);
}

/* Q, of the vectors below H. */
static lat_status form_q(lat_workspace *work, int n, int low, int high, const double *a,
                         double *tau, double *z)
{
  int order = high - low - 1;
  for (int j = 0; j < n; j++) {
    double *column = place(z, n, 0, j);
    memset(column, 0, (size_t)n * sizeof *z);
    if (j > low && j < high)
      memcpy(column + j, a + (ptrdiff_t)(j - 1) * n + j, (size_t)(high - j) * sizeof *z);
    else
      column[j] = 1;
  }
  if (order < 1) return LAT_OK;
  return lat_orgqr(work, order, order, place(z, n, low + 1, low + 1), n, tau + low);
}

/* v := Q times the vectors of the triangle T, some at a time; a complex pair is never parted. */
static lat_status substitute(lat_workspace *work, int n, const double *T, const double *imaginary,
                             const double *Q, double *v)
{
  int most = (int)(LAT_TREVC_WORK / ((double)n * n)) + 2, found;
  double *X = lat_doubles(work, (size_t)n * (size_t)(most + 1));
  double *scratch = lat_doubles(work, 3 * (size_t)n);
  lapack_logical *wanted = lat_allocate(work, (size_t)n, sizeof *wanted);
  if (!X || !scratch || !wanted) return LAT_MEMORY;
  LAT_STEPS(work, steps, n, NULL);
  for (int j = 0, end; j < n; j = end) {
    lat_step(&steps, j, 0);
    end = n - j < most ? n : j + most;
    if (end < n && imaginary[end - 1] > 0) end++;
    for (int i = 0; i < n; i++) wanted[i] = i >= j && i < end;
    LAT_TRY(lat_check(work));
    int info = LAPACKE_dtrevc_work(LAPACK_COL_MAJOR, 'R', 'S', wanted, n, T, n, NULL, n, X, n,
                                   end - j, &found, scratch);
    LAT_TRY(lat_lapack_info(work, "dtrevc", info));
    LAT_TRY(lat_gemm_tiles(work, CblasNoTrans, CblasNoTrans, n, end - j, end, 1, Q, n, X, n, 0,
                           place(v, n, 0, j), n));
  }
  return LAT_OK;
}

static void normalize(int n, const double *imaginary, double *v)
{
  for (int j = 0; j < n; j++) {
    double *x = place(v, n, 0, j);
    bool pair = imaginary[j] > 0;
    double norm = hypot(cblas_dnrm2(n, x, 1), pair ? cblas_dnrm2(n, x + n, 1) : 0);
    if (imaginary[j] < 0) continue; /* with the one before */
    cblas_dscal(pair ? 2 * n : n, 1 / norm, x, 1);
  }
}

lat_status lat_schur_vectors(lat_workspace *work, int n, double *a, double *real, double *imaginary,
                             double *v, int *info)
{
  int low, high;
  double *scale = lat_doubles(work, (size_t)n), *tau = lat_doubles(work, (size_t)n), *Q = v;
  if (!scale || !tau || (v && !(Q = lat_doubles(work, (size_t)n * (size_t)n)))) return LAT_MEMORY;
  LAT_TRY(lat_check(work));
  *info = LAPACKE_dgebal_work(LAPACK_COL_MAJOR, 'B', n, a, n, &low, &high, scale);
  LAT_TRY(lat_lapack_info(work, "dgebal", *info));
  /* costs, measured for n = 2000: of the form, Q, the iteration and the vectors */
  const double form = 2, of_q = v ? 1 : 0, iteration = v ? 8 : 5, vectors = v ? 2 : 0;
  LAT_STEPS(work, steps, form + of_q + iteration + vectors, NULL);
  lat_step(&steps, 0, form);
  LAT_TRY(reduce(work, n, low - 1, high, a, tau));
  lat_step(&steps, form, of_q);
  if (v) LAT_TRY(form_q(work, n, low - 1, high, a, tau, Q));

  lat_step(&steps, form + of_q, iteration);
  LAT_TRY(lat_schur(work, n, low, high, a, real, imaginary, Q, info));
  if (*info > 0 || !v) return LAT_OK;
  lat_step(&steps, form + of_q + iteration, vectors);
  LAT_TRY(substitute(work, n, a, imaginary, Q, v));
  LAT_TRY(lat_check(work));
  int failed = LAPACKE_dgebak_work(LAPACK_COL_MAJOR, 'B', 'R', n, low, high, scale, n, v, n);
  normalize(n, imaginary, v);
  return lat_lapack_info(work, "dgebak", failed);
}
