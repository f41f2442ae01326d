/* lds/steady.c: the steady state of a Kalman filter by structure-preserving doubling. */
#include "em/lds/steady.h"

#include <math.h>

#include "em/lds/internal.h"
#include "matrix/linear/solve.h"
#include "matrix/product.h"

/* The Riccati equation for X = P - Q. With z = a + b, where a has the covariance Q and b has X, y =
 * C z + v is an observation of b with the noise C a + v, whose covariance S = C Q C' + R isn't
 * singular, and K = Q C' inv(S) is the gain for a given b. So
 *
 *   X = F X inv(I + G X) F' + H,   F = A (I - K C),   G = C' inv(S) C,   H = A (Q - K C Q) A'. */
typedef struct doubling {
  size_t n;
  lat_matrix F, G, H;         /* F transposed, as the literature has it */
  lat_matrix wide, solution;  /* n x 2n */
  lat_matrix square, product; /* n x n */
} doubling;

static lat_status transform(lat_workspace *work, const lat_matrix *A, const lat_matrix *C,
                            const lat_matrix *Q, const lat_matrix *R, doubling *d)
{
  size_t n = d->n, p = C->rows;
  lat_matrix S = lat_matrix_new(work, p, p), CQ = lat_matrix_new(work, p, n);
  lat_matrix gain = lat_matrix_new(work, p, n), scaled = lat_matrix_new(work, p, n);
  if (!S.data || !CQ.data || !gain.data || !scaled.data) return LAT_MEMORY;
  lat_matrix Ct = lat_transpose(*C), At = lat_transpose(*A), CQt = lat_transpose(CQ);
  LAT_TRY(lat_product(work, 1, C, Q, 0, &CQ));
  lat_copy(R, &S);
  LAT_TRY(lat_product(work, 1, &CQ, &Ct, 1, &S));
  double rcond;
  lat_status status = lat_solve(work, LAT_POSITIVE, &S, &CQ, &gain, &rcond);
  if (status == LAT_SINGULAR) return lat_fail(work, status, "C Q C' + R is not positive definite");
  LAT_TRY(status);
  LAT_TRY(lat_solve(work, LAT_POSITIVE, &S, C, &scaled, &rcond));
  LAT_TRY(lat_product(work, 1, &Ct, &scaled, 0, &d->G));
  /* F' = A' - C' (K' A') */
  LAT_TRY(lat_product(work, 1, &gain, &At, 0, &scaled));
  lat_copy(&At, &d->F);
  LAT_TRY(lat_product(work, -1, &Ct, &scaled, 1, &d->F));
  lat_copy(Q, &d->square);
  LAT_TRY(lat_product(work, -1, &CQt, &gain, 1, &d->square));
  LAT_TRY(lat_product(work, 1, A, &d->square, 0, &d->product));
  return lat_product(work, 1, &d->product, &At, 0, &d->H);
}

static double largest(const lat_matrix *A)
{
  double most = 0;
  for (size_t i = 0; i < A->rows; i++)
    for (size_t j = 0; j < A->cols; j++) {
      double x = fabs(lat_get(A, i, j));
      if (!(x <= most)) most = x; /* NaN stays */
    }
  return most;
}

static void symmetrize(const lat_matrix *A)
{
  for (size_t i = 0; i < A->rows; i++)
    for (size_t j = 0; j < i; j++) {
      double mean = 0.5 * (lat_get(A, i, j) + lat_get(A, j, i));
      lat_set(A, i, j, mean);
      lat_set(A, j, i, mean);
    }
}

/* Doubles the number of steps; `change` is H's, relative to it.
 *
 *   F := F W F,   G := G + F W G F',   H := H + F' H W F,   W = inv(I + G H) */
static lat_status double_steps(lat_workspace *work, doubling *d, double *change)
{
  size_t n = d->n;
  lat_matrix Ft = lat_transpose(d->F);
  lat_matrix WF = lat_block_of(d->solution, 0, 0, n, n), WG = lat_block_of(d->solution, 0, n, n, n);
  lat_matrix left = lat_block_of(d->wide, 0, 0, n, n), right = lat_block_of(d->wide, 0, n, n, n);
  lat_copy(&d->F, &left);
  lat_copy(&d->G, &right);
  LAT_TRY(lat_product(work, 1, &d->G, &d->H, 0, &d->square));
  for (size_t i = 0; i < n; i++) lat_set(&d->square, i, i, lat_get(&d->square, i, i) + 1);
  double rcond;
  LAT_TRY(lat_solve(work, LAT_GENERAL, &d->square, &d->wide, &d->solution, &rcond));
  LAT_TRY(lat_product(work, 1, &d->H, &WF, 0, &d->product));
  LAT_TRY(lat_product(work, 1, &Ft, &d->product, 0, &d->square)); /* H's change */
  LAT_TRY(lat_product(work, 1, &d->F, &WG, 0, &d->product));
  LAT_TRY(lat_product(work, 1, &d->product, &Ft, 1, &d->G));
  LAT_TRY(lat_product(work, 1, &d->F, &WF, 0, &d->product));
  lat_copy(&d->product, &d->F);
  symmetrize(&d->G);
  double step = largest(&d->square);
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < n; j++)
      lat_set(&d->H, i, j, lat_get(&d->H, i, j) + lat_get(&d->square, i, j));
  symmetrize(&d->H);
  double size = largest(&d->H);
  *change = step > 0 ? step / size : step;
  return LAT_OK;
}

static lat_status check(lat_workspace *work, const lat_matrix *A, const lat_matrix *C,
                        const lat_matrix *Q, const lat_matrix *R, const lat_matrix *P)
{
  size_t n = A->rows, p = C->rows;
  if (n == 0 || p == 0 || A->cols != n || C->cols != n || Q->rows != n || Q->cols != n ||
      R->rows != p || R->cols != p || P->rows != n || P->cols != n)
    return lat_fail(work, LAT_SHAPE,
                    "A is %zux%zu, C %zux%zu, Q %zux%zu, R %zux%zu; n x n, p x n, n x n and p x p "
                    "are expected",
                    A->rows, A->cols, C->rows, C->cols, Q->rows, Q->cols, R->rows, R->cols);
  LAT_TRY(lat_check_finite(work, "A", A, false));
  LAT_TRY(lat_check_finite(work, "C", C, false));
  LAT_TRY(lat_check_finite(work, "Q", Q, false));
  return lat_check_finite(work, "R", R, false);
}

static lat_status solve(lat_workspace *work, const lat_matrix *A, const lat_matrix *C,
                        const lat_matrix *Q, const lat_matrix *R, const lat_matrix *P)
{
  size_t n = A->rows;
  doubling d = {.n = n,
                .F = lat_matrix_new(work, n, n),
                .G = lat_matrix_new(work, n, n),
                .H = lat_matrix_new(work, n, n),
                .wide = lat_matrix_new(work, n, 2 * n),
                .solution = lat_matrix_new(work, n, 2 * n),
                .square = lat_matrix_new(work, n, n),
                .product = lat_matrix_new(work, n, n)};
  if (!d.F.data || !d.G.data || !d.H.data || !d.wide.data || !d.solution.data || !d.square.data ||
      !d.product.data)
    return LAT_MEMORY;
  LAT_TRY(transform(work, A, C, Q, R, &d));
  double change = 1;
  lat_status status = LAT_OK;
  for (int i = 0; status == LAT_OK && i < LDS_DOUBLINGS && change > LDS_STEADY_CONVERGED; i++)
    status = double_steps(work, &d, &change);
  if (status == LAT_MEMORY || status == LAT_CANCELLED) return status;
  if (status != LAT_OK || !(change <= LDS_STEADY_ACCEPTED))
    return lat_fail(work, LAT_DIVERGED,
                    "the filter has no steady state: a direction of the state that doesn't die "
                    "out isn't observed, or has no noise");
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < n; j++)
      lat_set(P, i, j, lat_get(&d.H, i, j) + 0.5 * (lat_get(Q, i, j) + lat_get(Q, j, i)));
  return LAT_OK;
}

lat_status lat_lds_steady(lat_workspace *work, const lat_matrix *A, const lat_matrix *C,
                          const lat_matrix *Q, const lat_matrix *R, const lat_matrix *P)
{
  LAT_TRY(check(work, A, C, Q, R, P));
  LAT_SCOPE(work);
  LAT_TRY(solve(work, A, C, Q, R, P));
  return LAT_OK;
}
