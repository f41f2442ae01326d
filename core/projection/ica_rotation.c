/* ica_rotation.c: two operations on M x M matrices of ICA, row-major.
 *
 * The nearest rotation to W is the orthogonal factor of its polar decomposition W = (WW')^1/2 Q.
 * It is found by the iteration of Newton and Schulz (Higham, Functions of Matrices, 2008, section
 * 8.3), and by the singular value decomposition W = U S V', Q = U V', where that doesn't
 * converge. */
#include <cblas.h>
#include <math.h>
#include <string.h>

#include "matrix/linear/svd.h"
#include "projection/ica_internal.h"

/* C := A B' of M x M matrices. */
static void times_transpose(size_t M, const double *A, const double *B, double *C)
{
  blasint m = (blasint)M;
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, m, m, 1, A, m, B, m, 0, C, m);
}

/* X := (3 I - XX') X/2 keeps the singular vectors and moves singular values below sqrt(3) towards
 * 1, quadratically when they are near 1. False when it hasn't converged: W is then unchanged. */
static bool newton_schulz(double *W, size_t M, double *X, double *next, double *S)
{
  double length = cblas_dnrm2((blasint)(M * M), W, 1);
  if (!(length > 0) || isinf(length)) return false;
  /* the norm of the product bounds the largest singular value's square more closely */
  times_transpose(M, W, W, S);
  double most = sqrt(cblas_dnrm2((blasint)(M * M), S, 1));
  for (size_t i = 0; i < M * M; i++) X[i] = W[i] / most;
  for (int step = 0; step < LAT_ICA_NEWTON_SCHULZ; step++) {
    double deviation = 0;
    times_transpose(M, X, X, S);
    for (size_t i = 0; i < M; i++)
      for (size_t j = 0; j < M; j++) {
        double unit = i == j, e = S[i * M + j] - unit;
        deviation = fmax(deviation, fabs(e));
        S[i * M + j] = 1.5 * unit - 0.5 * S[i * M + j];
      }
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (blasint)M, (blasint)M, (blasint)M, 1, S,
                (blasint)M, X, (blasint)M, 0, next, (blasint)M);
    if (deviation < LAT_ICA_ORTHOGONAL) {
      memcpy(W, next, M * M * sizeof *W);
      return true;
    }
    double *old = X;
    X = next;
    next = old;
  }
  return false;
}

lat_status lat_ica_orthogonalize(lat_workspace *work, double *W, size_t M)
{
  LAT_SCOPE(work);
  double *memory = lat_doubles(work, 3 * M * M);
  if (!memory) return LAT_MEMORY;
  if (newton_schulz(W, M, memory, memory + M * M, memory + 2 * M * M)) return LAT_OK;
  lat_matrix matrix = lat_matrix_of(W, M, M), s = lat_matrix_new(work, M, 1);
  lat_matrix U = lat_matrix_new(work, M, M), V = lat_matrix_new(work, M, M);
  if (!s.data || !U.data || !V.data) return LAT_MEMORY;
  LAT_TRY(lat_svd(work, &matrix, &U, s, &V));
  times_transpose(M, U.data, V.data, W);
  return LAT_OK;
}

double lat_ica_change(size_t M, const double *W, const double *V)
{
  double most = 0;
  blasint m = (blasint)M;
  for (size_t i = 0; i < M; i++) {
    const double *w = W + i * M, *v = V + i * M;
    double cosine = fabs(cblas_ddot(m, w, 1, v, 1)) / cblas_dnrm2(m, w, 1) / cblas_dnrm2(m, v, 1);
    most = fmax(most, fabs(1 - cosine));
  }
  return most;
}
