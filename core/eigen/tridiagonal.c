/* tridiagonal.c: the tridiagonal form of a symmetric matrix, and its eigenpairs by divide and
 * conquer.
 *
 * T is cut in halves by subtracting a matrix of rank one; a merge deflates (dlaed2), finds the
 * roots of the secular equation (dlaed4), corrects the weights for which these are exact (Gu and
 * Eisenstat, SIAM Journal on Matrix Analysis and Applications 15, 1994), and multiplies the vectors
 * of the halves. The vectors of the Householder reflections lie below A's first subdiagonal. */
#include "eigen/tridiagonal.h"

#include <math.h>
#include <string.h>

#include "base/progress.h"
#include "eigen/limits.h"
#include "matrix/limits.h"

/* What lapacke.h doesn't declare: a panel of the form, deflation, a root of the secular
 * equation. */
#define lat_dlatrd LAPACK_GLOBAL(dlatrd, DLATRD)
#define lat_dlaed2 LAPACK_GLOBAL(dlaed2, DLAED2)
#define lat_dlaed4 LAPACK_GLOBAL(dlaed4, DLAED4)
void lat_dlatrd(const char *uplo, const int *n, const int *nb, double *a, const int *lda, double *e,
                double *tau, double *w, const int *ldw, size_t length);
void lat_dlaed2(int *k, const int *n, const int *n1, double *d, double *q, const int *ldq,
                int *indxq, double *rho, double *z, double *dlamda, double *w, double *q2,
                int *indx, int *indxc, int *indxp, int *coltyp, int *info);
void lat_dlaed4(const int *n, const int *i, const double *d, const double *z, double *delta,
                const double *rho, double *root, int *info);

static double *place(double *A, int lda, int i, int j)
{
  return A + (ptrdiff_t)j * lda + i;
}

static double cube(double n)
{
  return n * n * n;
}

/* ---- the form -------------------------------------------------------------------------------- */

/* A := A - V W' - W V' for a panel's vectors V and W, lower triangle, by panels of columns */
static lat_status update(lat_workspace *work, int n, const double *V, int ldv, const double *W,
                         int ldw, double *a, int lda)
{
  for (int j = 0; j < n; j += LAT_SYR2K_COLUMNS) {
    int size = n - j < LAT_SYR2K_COLUMNS ? n - j : LAT_SYR2K_COLUMNS, below = n - j - size;
    LAT_TRY(lat_check(work));
    cblas_dsyr2k(CblasColMajor, CblasLower, CblasNoTrans, size, LAT_SYTRD_PANEL, -1, V + j, ldv,
                 W + j, ldw, 1, place(a, lda, j, j), lda);
    double *rest = place(a, lda, j + size, j);
    LAT_TRY(lat_gemm_tiles(work, CblasNoTrans, CblasTrans, below, size, LAT_SYTRD_PANEL, -1,
                           V + j + size, ldv, W + j, ldw, 1, rest, lda));
    LAT_TRY(lat_gemm_tiles(work, CblasNoTrans, CblasTrans, below, size, LAT_SYTRD_PANEL, -1,
                           W + j + size, ldw, V + j, ldv, 1, rest, lda));
  }
  return LAT_OK;
}

lat_status lat_sytrd(lat_workspace *work, int n, double *a, int lda, double *d, double *e,
                     double *tau)
{
  static const int panel = LAT_SYTRD_PANEL;
  LAT_SCOPE(work);
  double *W = lat_doubles(work, (size_t)n * LAT_SYTRD_PANEL);
  if (!W) return LAT_MEMORY;
  int first = 0;
  const double all = cube(n);
  LAT_STEPS(work, steps, all, NULL);
  for (; n - first > 2 * LAT_SYTRD_PANEL; first += LAT_SYTRD_PANEL) {
    int left = n - first;
    LAT_TRY(lat_at_step(&steps, all - cube(left), 0));
    lat_dlatrd("L", &left, &panel, place(a, lda, first, first), &lda, e + first, tau + first, W, &n,
               1);
    LAT_TRY(update(work, left - LAT_SYTRD_PANEL, place(a, lda, first + LAT_SYTRD_PANEL, first), lda,
                   W + LAT_SYTRD_PANEL, n,
                   place(a, lda, first + LAT_SYTRD_PANEL, first + LAT_SYTRD_PANEL), lda));
    for (int j = first; j < first + LAT_SYTRD_PANEL; j++) {
      *place(a, lda, j + 1, j) = e[j];
      d[j] = *place(a, lda, j, j);
    }
  }
  LAT_TRY(lat_check(work));
  int info = LAPACKE_dsytrd_work(LAPACK_COL_MAJOR, 'L', n - first, place(a, lda, first, first), lda,
                                 d + first, e + first, tau + first, W, n * LAT_SYTRD_PANEL);
  return lat_lapack_info(work, "dsytrd", info);
}

/* ---- divide and conquer ---------------------------------------------------------------------- */

/* A part of T: d, e and Z at its corner, and `order`, in which its d ascend (from 1). */
typedef struct part {
  int n;
  double *d, *e, *Z;
  int *order;
} part;

typedef struct solver {
  lat_workspace *work;
  int ldz, info;
  const lat_steps *steps; /* merges count n^3 each, and `joined` are done */
  double joined;
  double *Q2, *S, *z, *poles, *w; /* scratch for the whole order */
  int *integers;
} solver;

/* Merges two runs of places, 0..n1-1 and n1..n-1, in each of which d ascends. */
static void merge_order(int n, int n1, const double *d, int *order, int *scratch)
{
  int i = 0, j = n1, k = 0;
  while (i < n1 && j < n)
    scratch[k++] = d[order[j] - 1] < d[order[i] - 1] ? order[j++] : order[i++];
  while (i < n1) scratch[k++] = order[i++];
  while (j < n) scratch[k++] = order[j++];
  memcpy(order, scratch, (size_t)n * sizeof *order);
}

static lat_status solve_leaf(solver *s, part p)
{
  LAT_SCOPE(s->work);
  lapack_int n = p.n, length = 1 + 4 * n + n * n, count = 3 + 5 * n;
  double *memory = lat_doubles(s->work, (size_t)length);
  lapack_int *integers = lat_allocate(s->work, (size_t)count, sizeof *integers);
  if (!memory || !integers) return LAT_MEMORY;
  LAT_TRY(lat_check(s->work));
  s->info = LAPACKE_dstedc_work(LAPACK_COL_MAJOR, 'I', n, p.d, p.e, p.Z, s->ldz, memory, length,
                                integers, count);
  for (int i = 0; i < n; i++) p.order[i] = i + 1;
  return lat_lapack_info(s->work, "dstedc", s->info);
}

/* The k roots, in d, and in column j of Z the differences pole_i - root_j (of k <= 2 the
 * vectors). */
static lat_status find_roots(solver *s, const part *p, int k, double rho)
{
  for (int j = 0; j < k && s->info == 0; j++) {
    int number = j + 1;
    if (j % LAT_SECULAR_ROOTS == 0) LAT_TRY(lat_check(s->work));
    lat_dlaed4(&k, &number, s->poles, s->w, place(p->Z, s->ldz, 0, j), &rho, &p->d[j], &s->info);
  }
  return LAT_OK;
}

/* The w for which the roots that were found are exact: w_i^2 is the product of root_j - pole_i over
 * that of pole_j - pole_i (Gu and Eisenstat 1994). */
static lat_status correct_w(solver *s, const part *p, int k)
{
  double *square = s->z;
  for (int i = 0; i < k; i++) square[i] = *place(p->Z, s->ldz, i, i);
  for (int j = 0; j < k; j++) {
    const double *delta = place(p->Z, s->ldz, 0, j), pole = s->poles[j];
    if (j % LAT_SECULAR_ROOTS == 0) LAT_TRY(lat_check(s->work));
    for (int i = 0; i < j; i++) square[i] *= delta[i] / (s->poles[i] - pole);
    for (int i = j + 1; i < k; i++) square[i] *= delta[i] / (s->poles[i] - pole);
  }
  for (int i = 0; i < k; i++) s->w[i] = copysign(sqrt(-square[i]), s->w[i]);
  return LAT_OK;
}

/* The vectors of the small problem from column `first` on, in place of the differences, with rows
 * in the order of Q2's columns. */
static lat_status small_vectors(solver *s, const part *p, int first, int k, const int *types)
{
  double *v = s->z;
  for (int j = first; j < k; j++) {
    double *column = place(p->Z, s->ldz, 0, j);
    if (j % LAT_SECULAR_ROOTS == 0) LAT_TRY(lat_check(s->work));
    for (int i = 0; i < k; i++) v[i] = k <= 2 ? column[i] : s->w[i] / column[i];
    double norm = k <= 2 ? 1 : cblas_dnrm2(k, v, 1);
    for (int i = 0; i < k; i++) column[i] = v[types[i] - 1] / norm;
  }
  return LAT_OK;
}

/* Z's columns first..k-1: Q2 times the small vectors. Columns of type 1 have nothing in the lower
 * rows, those of type 3 nothing in the upper ones, and Q2 leaves that out. */
static lat_status product(solver *s, const part *p, int n1, int first, int k, const int *count)
{
  int n2 = p->n - n1, upper = count[0] + count[1], lower = count[1] + count[2], cols = k - first;
  double *Z = place(p->Z, s->ldz, 0, first), *S = s->S;
  lat_matrix small = {
      place(Z, s->ldz, count[0], 0), (size_t)lower, (size_t)cols, 1, s->ldz, LAT_FLOAT64};
  lat_matrix copy = {S, (size_t)lower, (size_t)cols, 1, lower, LAT_FLOAT64};
  LAT_STEPS(s->work, steps, p->n, NULL);
  lat_step(&steps, 0, n2);
  if (lower > 0) LAT_TRY(lat_copy_bands(s->work, &small, &copy));
  LAT_TRY(lat_gemm_tiles(s->work, CblasNoTrans, CblasNoTrans, n2, cols, lower, 1,
                         s->Q2 + (ptrdiff_t)n1 * upper, n2, S, lower > 0 ? lower : 1, 0, Z + n1,
                         s->ldz));
  small = (lat_matrix){Z, (size_t)upper, (size_t)cols, 1, s->ldz, LAT_FLOAT64};
  copy = (lat_matrix){S, (size_t)upper, (size_t)cols, 1, upper, LAT_FLOAT64};
  lat_step(&steps, n2, n1);
  if (upper > 0) LAT_TRY(lat_copy_bands(s->work, &small, &copy));
  return lat_gemm_tiles(s->work, CblasNoTrans, CblasNoTrans, n1, cols, upper, 1, s->Q2, n1, S,
                        upper > 0 ? upper : 1, 0, Z, s->ldz);
}

/* Puts two solved halves and the element rho between them together; the vectors of the `wanted`
 * largest values are computed. */
static lat_status join(solver *s, part p, int n1, double rho, int wanted)
{
  int n = p.n, k;
  int *indx = s->integers, *types = indx + n, *indxp = types + n, *count = indxp + n;
  for (int i = 0; i < n1; i++) s->z[i] = *place(p.Z, s->ldz, n1 - 1, i);
  for (int i = n1; i < n; i++) s->z[i] = *place(p.Z, s->ldz, n1, i);
  lat_step(s->steps, s->joined, cube(n));
  s->joined += cube(n);
  LAT_TRY(lat_check(s->work));
  lat_dlaed2(&k, &n, &n1, p.d, p.Z, &s->ldz, p.order, &rho, s->z, s->poles, s->w, s->Q2, indx,
             types, indxp, count, &s->info);
  LAT_TRY(lat_check(s->work));
  if (s->info == 0 && k > 0) {
    LAT_TRY(find_roots(s, &p, k, rho));
    if (s->info) return LAT_OK;
    int above = k < wanted ? k : wanted; /* so many of the wanted ones, at most, are roots */
    if (k > 2) LAT_TRY(correct_w(s, &p, k));
    LAT_TRY(small_vectors(s, &p, k - above, k, types));
    LAT_TRY(product(s, &p, n1, k - above, k, count));
  }
  /* those that were deflated descend, unless all were */
  for (int i = 0; i < n; i++) p.order[i] = i < k || k == 0 ? i + 1 : n + k - i;
  merge_order(n, k, p.d, p.order, indx);
  return LAT_OK;
}

static lat_status solve_part(solver *s, part p, int wanted)
{
  if (p.n <= LAT_STEDC_LEAF) return solve_leaf(s, p);
  int n1 = p.n / 2, n2 = p.n - n1;
  double rho = p.e[n1 - 1];
  p.d[n1 - 1] -= fabs(rho); /* T less the matrix of rank one that joins the halves */
  p.d[n1] -= fabs(rho);
  part upper = {n1, p.d, p.e, p.Z, p.order};
  part lower = {n2, p.d + n1, p.e + n1, place(p.Z, s->ldz, n1, n1), p.order + n1};
  LAT_TRY(solve_part(s, upper, n1));
  if (s->info == 0) LAT_TRY(solve_part(s, lower, n2));
  return s->info == 0 ? join(s, p, n1, rho, wanted) : LAT_OK;
}

/* d and the last k columns of Z in ascending order. */
static lat_status ascend(solver *s, int n, int k, double *d, double *Z, const int *order)
{
  for (int j = 0; j < n; j++) {
    s->z[j] = d[order[j] - 1];
    if (j < n - k) continue;
    if (j % LAT_SECULAR_ROOTS == 0) LAT_TRY(lat_check(s->work));
    memcpy(place(s->Q2, n, 0, j), place(Z, s->ldz, 0, order[j] - 1), (size_t)n * sizeof(double));
  }
  memcpy(d, s->z, (size_t)n * sizeof(double));
  for (int j = n - k; j < n; j++) {
    if (j % LAT_SECULAR_ROOTS == 0) LAT_TRY(lat_check(s->work));
    memcpy(place(Z, s->ldz, 0, j), place(s->Q2, n, 0, j), (size_t)n * sizeof(double));
  }
  return LAT_OK;
}

lat_status lat_tridiagonal(lat_workspace *work, int n, int k, double *d, double *e, double *Z,
                           int ldz, int *info)
{
  LAT_SCOPE(work);
  size_t N = (size_t)n;
  LAT_STEPS(work, steps, 4. / 3 * cube(n), NULL); /* n^3 (1 + 1/4 + 1/16 + ...) */
  solver s = {.work = work, .ldz = ldz, .steps = &steps};
  s.Q2 = lat_doubles(work, N * N);
  s.S = lat_doubles(work, N * N);
  s.z = lat_doubles(work, 3 * N);
  s.integers = lat_allocate(work, 5 * N, sizeof *s.integers);
  if (!s.Q2 || !s.S || !s.z || !s.integers) return LAT_MEMORY;
  s.poles = s.z + N;
  s.w = s.poles + N;
  int *order = s.integers + 4 * N;
  for (int j = 0; j < n; j++) memset(place(Z, ldz, 0, j), 0, N * sizeof *Z);
  LAT_TRY(solve_part(&s, (part){n, d, e, Z, order}, k));
  if (s.info == 0) LAT_TRY(ascend(&s, n, k, d, Z, order));
  *info = s.info;
  return LAT_OK;
}
