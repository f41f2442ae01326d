/* svd.c: the singular value decomposition by bidiagonal form, divide and conquer (svd.h).
 *
 * With m >= n: A = Q B P', B = U S V', so A = (Q U) S (P V)'; of many more rows than columns A = Q
 * R comes first. A wide matrix is decomposed through its transpose. Column-major throughout: a
 * packed row-major A is A' there, so LAPACK's left factor is our V. */
#include "matrix/linear/svd.h"

#include <math.h>
#include <string.h>

#include "base/progress.h"
#include "matrix/limits.h"
#include "matrix/linear/blocked.h"

void lat_fix_signs(const lat_matrix *V, const lat_matrix *U)
{
  for (size_t j = 0; j < V->cols; j++) {
    double largest = 0, sign = 1;
    for (size_t i = 0; i < V->rows; i++) {
      double v = lat_get(V, i, j);
      if (fabs(v) > largest * (1 + LAT_SIGN_TIE)) largest = fabs(v), sign = v;
    }
    if (sign > 0) continue;
    for (size_t i = 0; i < V->rows; i++) lat_set(V, i, j, -lat_get(V, i, j));
    for (size_t i = 0; U && i < U->rows; i++) lat_set(U, i, j, -lat_get(U, i, j));
  }
}

/* The decomposition of a column-major m x n matrix, a = u diag(s) vt, by either
 * routine; a is destroyed. job is 'S' for thin factors, 'N' for s only. */
typedef struct problem {
  lapack_int m, n, r;
  char job;
  double *a, *s, *u, *vt;
} problem;

/* Of m >= n: A = Q B P' with B bidiagonal, B's own decomposition, and Q and P applied to its
 * vectors. `u` is m x n, `vt` n x n, both NULL for the values alone. */
static lat_status bidiagonal(lat_workspace *work, int m, int n, double *a, double *s, double *u,
                             double *vt, int *info)
{
  size_t N = (size_t)n;
  double *e = lat_doubles(work, N), *tau_q = lat_doubles(work, N), *tau_p = lat_doubles(work, N);
  if (!e || !tau_q || !tau_p) return LAT_MEMORY;
  /* costs: half of the form is products with vectors, which are slow; u may be longer than wide */
  const double form = 6. * m / n, tree = u ? 4 : 1, left = u ? 2. * m / n : 0, right = u ? 2 : 0;
  LAT_STEPS(work, steps, form + tree + left + right, NULL);
  lat_step(&steps, 0, form);
  LAT_TRY(lat_gebrd(work, m, n, a, m, s, e, tau_q, tau_p));
  if (!u) {
    double unused, *memory = lat_doubles(work, 4 * N);
    lapack_int *integers = lat_allocate(work, 8 * N, sizeof *integers);
    if (!memory || !integers) return LAT_MEMORY;
    LAT_TRY(lat_check(work));
    *info = LAPACKE_dbdsdc_work(LAPACK_COL_MAJOR, 'U', 'N', n, s, e, &unused, 1, &unused, 1, NULL,
                                NULL, memory, integers);
    return lat_lapack_info(work, "dbdsdc", *info);
  }
  lat_step(&steps, form, tree);
  LAT_TRY(lat_bidiagonal_svd(work, n, s, e, u, m, vt, n, info));
  if (*info > 0) return LAT_OK;
  for (int j = 0; j < n && m > n; j++)
    memset(u + (size_t)j * (size_t)m + n, 0, (size_t)(m - n) * sizeof *u);
  lat_step(&steps, form + tree, left);
  LAT_TRY(lat_reflect_left(work, LAT_COLUMNS, false, m, n, n, a, m, tau_q, u, m));
  lat_step(&steps, form + tree + left, right);
  return lat_reflect_right(work, LAT_ROWS, n, n - 1, n - 1, a + m, m, tau_p, vt + n, n);
}

/* Of many more rows than columns: A = Q R first. */
static lat_status by_qr(lat_workspace *work, int m, int n, double *a, double *s, double *u,
                        double *vt, int *info)
{
  size_t N = (size_t)n;
  double *tau = lat_doubles(work, N), *R = lat_doubles(work, N * N);
  double *small = u ? lat_doubles(work, N * N) : NULL;
  if (!tau || !R || (u && !small)) return LAT_MEMORY;
  const double of_qr = 2. * m / n, of_square = u ? 10 : 6, back = u ? 4. * m / n : 0;
  LAT_STEPS(work, steps, of_qr + of_square + back, NULL);
  lat_step(&steps, 0, of_qr);
  LAT_TRY(lat_geqrf(work, m, n, a, m, tau));
  for (int j = 0; j < n; j++)
    for (int i = 0; i < n; i++) R[(size_t)j * N + (size_t)i] = i <= j ? a[(ptrdiff_t)j * m + i] : 0;
  lat_step(&steps, of_qr, of_square);
  LAT_TRY(bidiagonal(work, n, n, R, s, small, vt, info));
  if (!u || *info > 0) return LAT_OK;
  for (int j = 0; j < n; j++) {
    double *column = u + (ptrdiff_t)j * m;
    memcpy(column, small + (size_t)j * N, N * sizeof *u);
    memset(column + n, 0, (size_t)(m - n) * sizeof *u);
  }
  lat_step(&steps, of_qr + of_square, back);
  return lat_reflect_left(work, LAT_COLUMNS, false, m, n, n, a, m, tau, u, m);
}

/* Of A with m >= n rows, or of its transpose. */
static lat_status divide_and_conquer(lat_workspace *work, const problem *p, lapack_int *info)
{
  bool transposed = p->m < p->n, vectors = p->job != 'N';
  size_t m = (size_t)(transposed ? p->n : p->m), n = (size_t)(transposed ? p->m : p->n);
  double *a = p->a, *u = p->u, *vt = p->vt;
  if (transposed) {
    lat_matrix A = lat_transpose(lat_matrix_of(p->a, m, n)), T;
    a = lat_doubles(work, m * n);
    u = vectors ? lat_doubles(work, m * n) : NULL;
    vt = vectors ? lat_doubles(work, n * n) : NULL;
    if (!a || (vectors && (!u || !vt))) return LAT_MEMORY;
    T = lat_matrix_of(a, n, m);
    LAT_TRY(lat_copy_bands(work, &A, &T));
  }
  LAT_TRY(((double)m >= LAT_SVD_TALL * (double)n ? by_qr : bidiagonal)(
      work, (int)m, (int)n, a, p->s, vectors ? u : NULL, vt, info));
  if (!transposed || !vectors) return LAT_OK;
  /* A' = u diag(s) vt, so A = vt' diag(s) u': n x m, both as LAPACK has them */
  lat_matrix from = lat_matrix_of(vt, n, n), to = lat_transpose(lat_matrix_of(p->u, n, n));
  LAT_TRY(lat_copy_bands(work, &from, &to));
  from = lat_matrix_of(u, n, m), to = lat_transpose(lat_matrix_of(p->vt, m, n));
  return lat_copy_bands(work, &from, &to);
}

static lat_status qr_iteration(lat_workspace *work, const problem *p, lapack_int *info)
{
  double query, *memory;
  lapack_int length;
  *info = LAPACKE_dgesvd_work(LAPACK_COL_MAJOR, p->job, p->job, p->m, p->n, p->a, p->m, p->s, p->u,
                              p->m, p->vt, p->r, &query, -1);
  LAT_TRY(lat_lapack_work(work, "dgesvd", *info, query, &memory, &length));
  *info = LAPACKE_dgesvd_work(LAPACK_COL_MAJOR, p->job, p->job, p->m, p->n, p->a, p->m, p->s, p->u,
                              p->m, p->vt, p->r, memory, length);
  return lat_lapack_info(work, "dgesvd", *info);
}

static lat_status decompose(lat_workspace *work, const lat_matrix *A, problem *p)
{
  lapack_int info;
  int before = lat_lapack_begin((double)p->m * (double)p->n * (double)p->r);
  lat_status status = divide_and_conquer(work, p, &info);
  if (status == LAT_OK && info > 0) {
    lat_matrix a = lat_matrix_of(p->a, A->rows, A->cols);
    lat_copy(A, &a);
    status = qr_iteration(work, p, &info);
  }
  lat_lapack_end(before);
  if (status == LAT_OK && info > 0)
    return lat_fail(work, LAT_DIVERGED, "the SVD of a %zux%zu matrix did not converge", A->rows,
                    A->cols);
  return status;
}

lat_status lat_svd(lat_workspace *work, const lat_matrix *A, const lat_matrix *U, lat_matrix s,
                   const lat_matrix *V)
{
  size_t N = A->rows, D = A->cols, r = N < D ? N : D;
  LAT_TRY(lat_lapack_fits(work, "A", A));
  if (s.rows != r || s.cols != 1 || (U && (U->rows != N || U->cols != r)) ||
      (V && (V->rows != D || V->cols != r)))
    return lat_fail(work, LAT_SHAPE,
                    "the SVD of a %zux%zu matrix has U %zux%zu, s %zux1, V %zux%zu", N, D, N, r, r,
                    D, r);
  LAT_TRY(lat_check_finite(work, "A", A, false));
  LAT_SCOPE(work);
  /* A row-major is A' column-major, and A' = V diag(s) U': LAPACK's left factor is V */
  problem p = {.m = (lapack_int)D, .n = (lapack_int)N, .r = (lapack_int)r, .job = 'N'};
  LAT_TRY(lat_scratch(work, *A, &p.a));
  if (!(p.s = lat_doubles(work, r))) return LAT_MEMORY;
  if (U || V) {
    p.job = 'S';
    if (!(p.u = lat_doubles(work, D * r)) || !(p.vt = lat_doubles(work, r * N))) return LAT_MEMORY;
  }
  LAT_TRY(decompose(work, A, &p));
  lat_matrix values = lat_vector_of(p.s, r);
  lat_copy(&values, &s);
  if (U || V) {
    lat_matrix left = lat_matrix_of(p.vt, N, r), right = lat_transpose(lat_matrix_of(p.u, r, D));
    lat_fix_signs(&right, &left);
    if (U) LAT_TRY(lat_copy_bands(work, &left, U));
    if (V) LAT_TRY(lat_copy_bands(work, &right, V));
  }
  return LAT_OK;
}
