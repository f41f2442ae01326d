/* bidiagonal.c: the bidiagonal form of a matrix, and its singular values and vectors by divide and
 * conquer. */
#include "base/progress.h"
#include "matrix/limits.h"
#include "matrix/linear/blocked.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What lapacke.h doesn't declare: the leaves, deflation, and a root of the secular equation. */
#define lat_dlasd0 LAPACK_GLOBAL(dlasd0, DLASD0)
#define lat_dlasd2 LAPACK_GLOBAL(dlasd2, DLASD2)
#define lat_dlasd4 LAPACK_GLOBAL(dlasd4, DLASD4)
void lat_dlasd0(const int *n, const int *sqre, double *d, double *e, double *u, const int *ldu,
                double *vt, const int *ldvt, const int *leaf, int *integers, double *work,
                int *info);
void lat_dlasd2(const int *nl, const int *nr, const int *sqre, int *k, double *d, double *z,
                const double *alpha, const double *beta, double *u, const int *ldu, double *vt,
                const int *ldvt, double *dsigma, double *u2, const int *ldu2, double *vt2,
                const int *ldvt2, int *idxp, int *idx, int *idxc, int *idxq, int *coltyp,
                int *info);
void lat_dlasd4(const int *n, const int *i, const double *d, const double *z, double *delta,
                const double *rho, double *sigma, double *work, int *info);

static double *place(double *A, int lda, int i, int j)
{
  return A + (ptrdiff_t)j * lda + i;
}

/* ---- the form -------------------------------------------------------------------------------- */

/* A being reduced, and the panel's X and Y: V Y' + X U' is still to be subtracted from A, with the
 * panel's vectors V below A's diagonal and U right of it (Dongarra, Sorensen and Hammarling 1989:
 * Block reduction of matrices to condensed forms). */
typedef struct reduction {
  int m, n, lda;
  double *a, *X, *Y; /* m x LAT_GEBRD_PANEL and n x LAT_GEBRD_PANEL */
  double *d, *e, *tau_q, *tau_p;
} reduction;

static void times(CBLAS_TRANSPOSE op, int m, int n, double alpha, const double *A, int lda,
                  const double *x, int step_x, double beta, double *y, int step_y)
{
  if (m > 0 && n > 0)
    cblas_dgemv(CblasColMajor, op, m, n, alpha, A, lda, x, step_x, beta, y, step_y);
  else if (beta == 0)
    for (int i = 0; i < (op == CblasNoTrans ? m : n); i++) y[(ptrdiff_t)i * step_y] = 0;
}

/* Column c (from `first`) of the form, and column c - first of Y. */
static lat_status reduce_column(lat_workspace *work, const reduction *r, int first, int c)
{
  int m = r->m, n = r->n, lda = r->lda, k = c - first, rest = n - c - 1;
  double *a = r->a, *X = r->X, *Y = r->Y, *column = place(a, lda, c, c);
  times(CblasNoTrans, m - c, k, -1, place(a, lda, c, first), lda, place(Y, n, c, 0), n, 1, column,
        1);
  times(CblasNoTrans, m - c, k, -1, place(X, m, c, 0), m, place(a, lda, first, c), 1, 1, column, 1);
  LAPACKE_dlarfg_work(m - c, column, column + (m - c > 1), 1, &r->tau_q[c]);
  r->d[c] = *column;
  if (rest == 0) return LAT_OK;
  *column = 1;
  double *y = place(Y, n, c + 1, k), *aside = place(Y, n, 0, k); /* rows above c aren't used */
  LAT_TRY(lat_check(work));
  times(CblasTrans, m - c, rest, 1, place(a, lda, c, c + 1), lda, column, 1, 0, y, 1);
  LAT_TRY(lat_check(work));
  times(CblasTrans, m - c, k, 1, place(a, lda, c, first), lda, column, 1, 0, aside, 1);
  times(CblasNoTrans, rest, k, -1, place(Y, n, c + 1, 0), n, aside, 1, 1, y, 1);
  times(CblasTrans, m - c, k, 1, place(X, m, c, 0), m, column, 1, 0, aside, 1);
  times(CblasTrans, k, rest, -1, place(a, lda, first, c + 1), lda, aside, 1, 1, y, 1);
  cblas_dscal(rest, r->tau_q[c], y, 1);
  return LAT_OK;
}

/* Row c, and column c - first of X. */
static lat_status reduce_row(lat_workspace *work, const reduction *r, int first, int c)
{
  int m = r->m, n = r->n, lda = r->lda, k = c - first, rest = n - c - 1, below = m - c - 1;
  double *a = r->a, *X = r->X, *Y = r->Y, *row = place(a, lda, c, c + 1);
  times(CblasNoTrans, rest, k + 1, -1, place(Y, n, c + 1, 0), n, place(a, lda, c, first), lda, 1,
        row, lda);
  times(CblasTrans, k, rest, -1, place(a, lda, first, c + 1), lda, place(X, m, c, 0), m, 1, row,
        lda);
  LAPACKE_dlarfg_work(rest, row, row + (rest > 1 ? lda : 0), lda, &r->tau_p[c]);
  r->e[c] = *row;
  *row = 1;
  double *x = place(X, m, c + 1, k), *aside = place(X, m, 0, k);
  LAT_TRY(lat_check(work));
  times(CblasNoTrans, below, rest, 1, place(a, lda, c + 1, c + 1), lda, row, lda, 0, x, 1);
  LAT_TRY(lat_check(work));
  times(CblasTrans, rest, k + 1, 1, place(Y, n, c + 1, 0), n, row, lda, 0, aside, 1);
  times(CblasNoTrans, below, k + 1, -1, place(a, lda, c + 1, first), lda, aside, 1, 1, x, 1);
  times(CblasNoTrans, k, rest, 1, place(a, lda, first, c + 1), lda, row, lda, 0, aside, 1);
  times(CblasNoTrans, below, k, -1, place(X, m, c + 1, 0), m, aside, 1, 1, x, 1);
  cblas_dscal(below, r->tau_p[c], x, 1);
  return LAT_OK;
}

/* Of the form: the sum of (m - i) (n - i) over i < n. */
static double work_of(double m, double n)
{
  return n * n * (m / 2 - n / 6);
}

lat_status lat_gebrd(lat_workspace *work, int m, int n, double *a, int lda, double *d, double *e,
                     double *tau_q, double *tau_p)
{
  LAT_SCOPE(work);
  reduction r = {m, n, lda, a, NULL, NULL, d, e, tau_q, tau_p};
  r.X = lat_doubles(work, (size_t)m * LAT_GEBRD_PANEL);
  r.Y = lat_doubles(work, (size_t)n * LAT_GEBRD_PANEL);
  if (!r.X || !r.Y) return LAT_MEMORY;
  int first = 0;
  const double all = work_of(m, n);
  LAT_STEPS(work, steps, all, NULL);
  for (; n - first > 2 * LAT_GEBRD_PANEL; first += LAT_GEBRD_PANEL) {
    int end = first + LAT_GEBRD_PANEL;
    lat_step(&steps, all - work_of(m - first, n - first), 0);
    for (int c = first; c < end; c++) {
      LAT_TRY(reduce_column(work, &r, first, c));
      LAT_TRY(reduce_row(work, &r, first, c));
    }
    LAT_TRY(lat_gemm_tiles(work, CblasNoTrans, CblasTrans, m - end, n - end, LAT_GEBRD_PANEL, -1,
                           place(a, lda, end, first), lda, place(r.Y, n, end, 0), n, 1,
                           place(a, lda, end, end), lda));
    LAT_TRY(lat_gemm_tiles(work, CblasNoTrans, CblasNoTrans, m - end, n - end, LAT_GEBRD_PANEL, -1,
                           place(r.X, m, end, 0), m, place(a, lda, first, end), lda, 1,
                           place(a, lda, end, end), lda));
    for (int c = first; c < end; c++) {
      *place(a, lda, c, c) = d[c];
      *place(a, lda, c, c + 1) = e[c];
    }
  }
  LAT_TRY(lat_check(work));
  int info =
      LAPACKE_dgebrd_work(LAPACK_COL_MAJOR, m - first, n - first, place(a, lda, first, first), lda,
                          d + first, e + first, tau_q + first, tau_p + first, r.X, m > n ? m : n);
  return lat_lapack_info(work, "dgebrd", info);
}

/* ---- divide and conquer ---------------------------------------------------------------------- */

/* A part of the problem: n rows and n + sqre columns, with d, e, U and VT at its own corner, and
 * `order`, in which its d ascend (from 1, as LAPACK counts). */
typedef struct part {
  int n, sqre;
  double *d, *e, *U, *VT;
  int *order;
} part;

typedef struct solver {
  lat_workspace *work;
  int ldu, ldvt, info;
  const lat_steps *steps; /* merges count n^3 each, and `joined` are done */
  double joined;
  double *U2, *VT2, *Q, *dsigma, *z, *column; /* scratch for the whole order */
  int *integers;
} solver;

/* The places of n numbers in ascending order, by insertion into runs that are merged: from 1. */
static void ascend(int n, const double *d, int *order, int *aside)
{
  if (n < 2) {
    if (n == 1) order[0] = 1;
    return;
  }
  int half = n / 2, i = 0, j = half, k = 0;
  ascend(half, d, order, aside);
  ascend(n - half, d + half, order + half, aside);
  for (int r = half; r < n; r++) order[r] += half;
  while (i < half && j < n)
    aside[k++] = d[order[j] - 1] < d[order[i] - 1] ? order[j++] : order[i++];
  while (i < half) aside[k++] = order[i++];
  while (j < n) aside[k++] = order[j++];
  memcpy(order, aside, (size_t)n * sizeof *order);
}

/* The small problem by LAPACK. */
static lat_status solve_leaf(solver *s, part p)
{
  static const int smallest = 25;
  LAT_SCOPE(s->work);
  size_t m = (size_t)(p.n + p.sqre);
  double *memory = lat_doubles(s->work, 3 * m * m + 2 * m);
  int *integers = lat_allocate(s->work, 8 * m, sizeof *integers);
  if (!memory || !integers) return LAT_MEMORY;
  LAT_TRY(lat_check(s->work));
  lat_dlasd0(&p.n, &p.sqre, p.d, p.e, p.U, &s->ldu, p.VT, &s->ldvt, &smallest, integers, memory,
             &s->info);
  ascend(p.n, p.d, p.order, integers);
  return LAT_OK;
}

/* The roots: d[j] and, in column j of `delta` and `sum`, d_i - sigma_j and d_i + sigma_j. */
static lat_status find_roots(solver *s, const part *p, int k)
{
  double norm = cblas_dnrm2(k, s->z, 1), rho = norm * norm;
  memcpy(s->column, s->z, (size_t)k * sizeof(double));
  for (int i = 0; i < k; i++) s->column[i] /= norm;
  for (int j = 0; j < k && s->info == 0; j++) {
    int number = j + 1;
    if (j % LAT_SECULAR_ROOTS == 0) LAT_TRY(lat_check(s->work));
    lat_dlasd4(&k, &number, s->dsigma, s->column, place(p->U, s->ldu, 0, j), &rho, &p->d[j],
               place(p->VT, s->ldvt, 0, j), &s->info);
  }
  return LAT_OK;
}

/* The z for which the roots that were found are exact: z_i^2 is the product of the differences of
 * squares sigma_j^2 - d_i^2 over those of d_j^2 - d_i^2 (Gu and Eisenstat 1995, 3.2). */
static lat_status correct_z(solver *s, const part *p, int k)
{
  const double *d = s->dsigma;
  double *square = s->column;
  for (int i = 0; i < k; i++)
    square[i] = *place(p->U, s->ldu, i, k - 1) * *place(p->VT, s->ldvt, i, k - 1);
  for (int j = 0; j + 1 < k; j++) {
    const double *delta = place(p->U, s->ldu, 0, j), *sum = place(p->VT, s->ldvt, 0, j);
    if (j % LAT_SECULAR_ROOTS == 0) LAT_TRY(lat_check(s->work));
    for (int i = 0; i <= j; i++)
      square[i] *= delta[i] * sum[i] / (d[i] - d[j + 1]) / (d[i] + d[j + 1]);
    for (int i = j + 1; i < k; i++) square[i] *= delta[i] * sum[i] / (d[i] - d[j]) / (d[i] + d[j]);
  }
  for (int i = 0; i < k; i++) s->z[i] = copysign(sqrt(fabs(square[i])), s->z[i]);
  return LAT_OK;
}

/* The left vectors of the small problem, in Q, with rows in the order of U2's columns; the right
 * ones, not yet of length 1, stay in VT's columns. */
static lat_status small_vectors(solver *s, const part *p, int k, const int *types)
{
  double *u = s->column;
  for (int i = 0; i < k; i++) {
    double *delta = place(p->U, s->ldu, 0, i), *v = place(p->VT, s->ldvt, 0, i);
    double *q = place(s->Q, k, 0, i);
    if (i % LAT_SECULAR_ROOTS == 0) LAT_TRY(lat_check(s->work));
    for (int j = 0; j < k; j++) v[j] = s->z[j] / delta[j] / v[j];
    for (int j = 0; j < k; j++) u[j] = s->dsigma[j] * v[j];
    u[0] = -1;
    double norm = cblas_dnrm2(k, u, 1);
    q[0] = u[0] / norm;
    for (int j = 1; j < k; j++) q[j] = u[types[j] - 1] / norm;
  }
  return LAT_OK;
}

/* U's first k columns: U2 times Q, of whose columns those of type 1 have nothing in the lower rows,
 * those of type 2 nothing in the upper ones; the first has its 1 between them. */
static lat_status left_product(solver *s, const part *p, int nl, int k, const int *count)
{
  int n = p->n, nr = n - nl - 1, one = count[0], two = count[1], three = count[2];
  double *U = p->U, *U2 = s->U2, *Q = s->Q;
  if (k == 2)
    return lat_gemm_tiles(s->work, CblasNoTrans, CblasNoTrans, n, k, k, 1, U2, n, Q, k, 0, U,
                          s->ldu);
  LAT_TRY(lat_gemm_tiles(s->work, CblasNoTrans, CblasNoTrans, nl, k, one, 1, place(U2, n, 0, 1), n,
                         Q + 1, k, 0, U, s->ldu));
  LAT_TRY(lat_gemm_tiles(s->work, CblasNoTrans, CblasNoTrans, nl, k, three, 1,
                         place(U2, n, 0, 1 + one + two), n, Q + 1 + one + two, k, 1, U, s->ldu));
  cblas_dcopy(k, Q, k, U + nl, s->ldu);
  return lat_gemm_tiles(s->work, CblasNoTrans, CblasNoTrans, nr, k, two + three, 1,
                        place(U2, n, nl + 1, 1 + one), n, Q + 1 + one, k, 0, U + nl + 1, s->ldu);
}

/* Q := the right vectors, of length 1, with rows in the order of VT2's; then VT's first k rows. */
static lat_status right_product(solver *s, const part *p, int nl, int k, const int *types,
                                const int *count)
{
  int m = p->n + p->sqre, left = nl + 1, right = m - left;
  int one = count[0], two = count[1], three = count[2];
  double *VT = p->VT, *VT2 = s->VT2, *Q = s->Q;
  for (int i = 0; i < k; i++) {
    double *v = place(VT, s->ldvt, 0, i), *q = place(Q, k, 0, i), norm = cblas_dnrm2(k, v, 1);
    if (i % LAT_SECULAR_ROOTS == 0) LAT_TRY(lat_check(s->work));
    q[0] = v[0] / norm;
    for (int j = 1; j < k; j++) q[j] = v[types[j] - 1] / norm;
  }
  if (k == 2)
    return lat_gemm_tiles(s->work, CblasTrans, CblasNoTrans, k, m, k, 1, Q, k, VT2, m, 0, VT,
                          s->ldvt);
  LAT_TRY(lat_gemm_tiles(s->work, CblasTrans, CblasNoTrans, k, left, 1 + one, 1, Q, k, VT2, m, 0,
                         VT, s->ldvt));
  LAT_TRY(lat_gemm_tiles(s->work, CblasTrans, CblasNoTrans, k, left, three, 1, Q + 1 + one + two, k,
                         VT2 + 1 + one + two, m, 1, VT, s->ldvt));
  double *beside = place(VT, s->ldvt, 0, left);
  LAT_TRY(lat_gemm_tiles(s->work, CblasTrans, CblasNoTrans, k, right, two + three, 1, Q + 1 + one,
                         k, place(VT2, m, 1 + one, left), m, 0, beside, s->ldvt));
  cblas_dger(CblasColMajor, k, right, 1, Q, k, place(VT2, m, 0, left), m, beside, s->ldvt);
  return LAT_OK;
}

/* Puts two solved halves and the row between them, alpha and beta at its end, together. */
static lat_status join(solver *s, part p, int nl, double alpha, double beta)
{
  const double size = (double)p.n * p.n * p.n;
  lat_step(s->steps, s->joined, size);
  s->joined += size;
  LAT_STEPS(s->work, steps, 2, NULL); /* the two products */
  int n = p.n, m = n + p.sqre, nr = n - nl - 1, k;
  int *idxp = s->integers, *idx = idxp + n, *types = idx + n, *count = types + n;
  double largest = fmax(fabs(alpha), fabs(beta));
  p.d[nl] = 0;
  for (int i = 0; i < n; i++) largest = fmax(largest, fabs(p.d[i]));
  if (largest == 0) largest = 1;
  for (int i = 0; i < n; i++) p.d[i] /= largest;
  alpha /= largest, beta /= largest;
  LAT_TRY(lat_check(s->work));
  lat_dlasd2(&nl, &nr, &p.sqre, &k, p.d, s->z, &alpha, &beta, p.U, &s->ldu, p.VT, &s->ldvt,
             s->dsigma, s->U2, &n, s->VT2, &m, idxp, idx, types, p.order, count, &s->info);
  LAT_TRY(lat_check(s->work));
  if (k == 1) {
    p.d[0] = fabs(s->z[0]);
    cblas_dcopy(m, s->VT2, m, p.VT, s->ldvt);
    for (int i = 0; i < n; i++) p.U[i] = s->z[0] > 0 ? s->U2[i] : -s->U2[i];
  } else if (s->info == 0) {
    LAT_TRY(find_roots(s, &p, k));
    if (s->info) return LAT_OK;
    LAT_TRY(correct_z(s, &p, k));
    LAT_TRY(small_vectors(s, &p, k, types));
    lat_step(&steps, 0, 1);
    LAT_TRY(left_product(s, &p, nl, k, count));
    lat_step(&steps, 1, 1);
    LAT_TRY(right_product(s, &p, nl, k, types, count));
  }
  for (int i = 0; i < n; i++) p.d[i] *= largest;
  ascend(n, p.d, p.order, s->integers);
  return LAT_OK;
}

static lat_status solve_part(solver *s, part p)
{
  if (p.n <= LAT_BDSVD_LEAF) return solve_leaf(s, p);
  int nl = p.n / 2, below = nl + 1;
  double alpha = p.d[nl], beta = p.e[nl];
  part left = {nl, 1, p.d, p.e, p.U, p.VT, p.order};
  part right = {p.n - below,
                p.sqre,
                p.d + below,
                p.e + below,
                place(p.U, s->ldu, below, below),
                place(p.VT, s->ldvt, below, below),
                p.order + below};
  LAT_TRY(solve_part(s, left));
  if (s->info == 0) LAT_TRY(solve_part(s, right));
  return s->info == 0 ? join(s, p, nl, alpha, beta) : LAT_OK;
}

/* d, U's columns and VT's rows in descending order. */
static lat_status descend(solver *s, int n, double *d, double *U, double *VT, const int *order)
{
  for (int j = 0; j < n; j++) {
    if (j % LAT_SECULAR_ROOTS == 0) LAT_TRY(lat_check(s->work));
    memcpy(place(s->U2, n, 0, j), place(U, s->ldu, 0, order[n - 1 - j] - 1),
           (size_t)n * sizeof(double));
    s->column[j] = d[order[n - 1 - j] - 1];
  }
  memcpy(d, s->column, (size_t)n * sizeof(double));
  for (int j = 0; j < n; j++) {
    double *column = place(VT, s->ldvt, 0, j);
    if (j % LAT_SECULAR_ROOTS == 0) LAT_TRY(lat_check(s->work));
    memcpy(place(U, s->ldu, 0, j), place(s->U2, n, 0, j), (size_t)n * sizeof(double));
    for (int i = 0; i < n; i++) s->column[i] = column[order[n - 1 - i] - 1];
    memcpy(column, s->column, (size_t)n * sizeof(double));
  }
  return LAT_OK;
}

static void unit(int n, double *A, int lda)
{
  for (int j = 0; j < n; j++) {
    memset(place(A, lda, 0, j), 0, (size_t)n * sizeof *A);
    *place(A, lda, j, j) = 1;
  }
}

lat_status lat_bidiagonal_svd(lat_workspace *work, int n, double *d, double *e, double *U, int ldu,
                              double *VT, int ldvt, int *info)
{
  LAT_SCOPE(work);
  size_t N = (size_t)n;
  double largest = 0;
  LAT_STEPS(work, steps, 4. / 3 * n * n * n, NULL); /* n^3 (1 + 1/4 + 1/16 + ...) */
  solver s = {.work = work, .ldu = ldu, .ldvt = ldvt, .steps = &steps};
  s.U2 = lat_doubles(work, N * N);
  s.VT2 = lat_doubles(work, N * N);
  s.Q = lat_doubles(work, N * N);
  s.dsigma = lat_doubles(work, 3 * N);
  s.integers = lat_allocate(work, 5 * N + 4, sizeof *s.integers);
  if (!s.U2 || !s.VT2 || !s.Q || !s.dsigma || !s.integers) return LAT_MEMORY;
  s.z = s.dsigma + N;
  s.column = s.z + N;
  int *order = s.integers + 4 * N + 4;
  unit(n, U, ldu);
  unit(n, VT, ldvt);
  for (int i = 0; i < n; i++) largest = fmax(largest, fmax(fabs(d[i]), i + 1 < n ? fabs(e[i]) : 0));
  if (largest > 0) {
    for (int i = 0; i < n; i++) d[i] /= largest;
    for (int i = 0; i + 1 < n; i++) e[i] /= largest;
    /* smaller ones than the rounding error of the largest are set to it: no diagonal element is
     * 0 */
    for (int i = 0; i < n; i++)
      if (fabs(d[i]) < 0.5 * DBL_EPSILON) d[i] = copysign(0.5 * DBL_EPSILON, d[i]);
    LAT_TRY(solve_part(&s, (part){n, 0, d, e, U, VT, order}));
    if (s.info == 0) LAT_TRY(descend(&s, n, d, U, VT, order));
    for (int i = 0; i < n; i++) d[i] *= largest;
  }
  *info = s.info;
  return LAT_OK;
}
