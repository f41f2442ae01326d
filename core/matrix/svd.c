#include "matrix/svd.h"

#include <math.h>

#include "matrix/lapack.h"

#define TIE 1e-10 /* magnitudes this near, relatively, are taken as equal */

void lat_fix_signs(const lat_matrix *V, const lat_matrix *U)
{
  for (size_t j = 0; j < V->cols; j++) {
    double largest = 0, sign = 1;
    for (size_t i = 0; i < V->rows; i++) {
      double v = lat_get(V, i, j);
      if (fabs(v) > largest * (1 + TIE)) largest = fabs(v), sign = v;
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

static lat_status divide_and_conquer(lat_workspace *work, const problem *p, lapack_int *info)
{
  double query, *memory;
  lapack_int length;
  lapack_int *integers = lat_allocate(work, 8 * (size_t)p->r, sizeof(lapack_int));
  if (!integers) return LAT_MEMORY;
  *info = LAPACKE_dgesdd_work(LAPACK_COL_MAJOR, p->job, p->m, p->n, p->a, p->m, p->s, p->u, p->m,
                              p->vt, p->r, &query, -1, integers);
  LAT_TRY(lat_lapack_work(work, "dgesdd", *info, query, &memory, &length));
  *info = LAPACKE_dgesdd_work(LAPACK_COL_MAJOR, p->job, p->m, p->n, p->a, p->m, p->s, p->u, p->m,
                              p->vt, p->r, memory, length, integers);
  return lat_lapack_info(work, "dgesdd", *info);
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
    if (U) lat_copy(&left, U);
    if (V) lat_copy(&right, V);
  }
  return LAT_OK;
}
