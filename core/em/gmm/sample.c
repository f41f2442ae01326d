/* gmm/sample.c: what a fitted mixture of Gaussians is good for besides densities: samples,
 * conditionals, distances.
 *
 * Dense covariances are factored by Cholesky; of the others there are D variances, and their
 * roots. */
#include <cblas.h>
#include <math.h>
#include <string.h>

#include "base/progress.h"
#include "em/gmm/internal.h"

/* ---- covariances as they are meant ----------------------------------------------------------- */

static lat_gmm_context sizes_of(const lat_gmm *mixture)
{
  return (lat_gmm_context){
      .D = mixture->D, .K = mixture->K, .covariance = (lat_covariance)mixture->options.covariance};
}

static const double *covariance_of(const lat_gmm *mixture, size_t k)
{
  const lat_gmm_context sizes = sizes_of(mixture);
  return gmm_part(&sizes, (double *)mixture->covariances, k);
}

/* S (gmm_square) := the covariance of component k: D x D, or the D variances. */
static void copy_covariance(const lat_gmm *mixture, size_t k, double *S)
{
  const lat_gmm_context sizes = sizes_of(mixture);
  const double *from = covariance_of(mixture, k);
  if (lat_gmm_is_dense(&sizes))
    memcpy(S, from, sizes.D * sizes.D * sizeof *S);
  else
    for (size_t d = 0; d < sizes.D; d++) S[d] = from[gmm_is_spherical(&sizes) ? 0 : d];
}

/* S := L with S = L L', of a dense covariance, or the deviations. False when it isn't positive
 * definite. */
static bool factor_square(const lat_gmm_context *gmm, double *S)
{
  bool positive = true;
  if (lat_gmm_is_dense(gmm)) return lat_gmm_cholesky(gmm->D, S, 0);
  for (size_t d = 0; d < gmm->D; d++) {
    positive = positive && S[d] > 0;
    S[d] = sqrt(S[d]);
  }
  return positive;
}

static lat_status fail_singular(lat_workspace *work, size_t k)
{
  return lat_fail(work, LAT_SINGULAR, "the covariance of component %zu is not positive definite",
                  k + 1);
}

lat_status lat_gmm_sample(lat_workspace *work, const lat_gmm *mixture, lat_random *random,
                          const lat_matrix *X, double *labels)
{
  const lat_gmm_context sizes = sizes_of(mixture), *gmm = &sizes;
  size_t D = gmm->D, K = gmm->K, n = X->rows, square = gmm_square(gmm);
  LAT_SCOPE(work);
  double *factors = lat_doubles(work, K * square), *z = lat_doubles(work, D),
         *accept = lat_doubles(work, K);
  size_t *drawn = lat_allocate(work, n + K, sizeof *drawn);
  if (!factors || !z || !accept || !drawn) return LAT_MEMORY;
  for (size_t k = 0; k < K; k++) {
    copy_covariance(mixture, k, factors + k * square);
    if (!factor_square(gmm, factors + k * square)) return fail_singular(work, k);
  }
  LAT_STEPS(work, steps, n, "rows");
  lat_step(&steps, 0, 0);
  LAT_TRY(lat_random_categorical(work, random, K, mixture->weights, n, drawn, drawn + n, accept));
  for (size_t i = 0; i < n; i++) {
    if (i % 1024 == 0) LAT_TRY(lat_at_step(&steps, (double)i, 0));
    size_t k = drawn[i];
    const double *mean = mixture->means + k * D, *L = factors + k * square;
    for (size_t d = 0; d < D; d++) z[d] = lat_random_normal(random);
    for (size_t d = 0; d < D; d++)
      lat_set(X, i, d,
              mean[d] + (lat_gmm_is_dense(gmm) ? cblas_ddot((blasint)(d + 1), L + d * D, 1, z, 1)
                                               : L[d] * z[d]));
    labels[i] = (double)k + 1;
  }
  return LAT_OK;
}

/* ---- conditionals ---------------------------------------------------------------------------- */

/* The same of a covariance without correlations: m_o and S_oo, whatever is given. */
static lat_status copy_others(lat_workspace *work, const lat_gmm *gmm, size_t k,
                              const size_t *given, size_t count, const size_t *others, size_t N,
                              double *means, double *C)
{
  size_t D = gmm->D, M = D - count;
  double *S = lat_doubles(work, D);
  if (!S) return LAT_MEMORY;
  copy_covariance(gmm, k, S);
  for (size_t i = 0; i < count; i++)
    if (!(S[given[i]] > 0)) return fail_singular(work, k);
  memset(C, 0, M * M * sizeof *C);
  for (size_t j = 0; j < M; j++) C[j * M + j] = S[others[j]];
  for (size_t n = 0; n < N; n++)
    for (size_t j = 0; j < M; j++) means[n * M + j] = gmm->means[k * D + others[j]];
  return LAT_OK;
}

/* Means and covariance of the other columns under component k: with S_gg = L L', G = L^-1 S_go,
 * they are m_o + G' L^-1 (x - m_g) and S_oo - G'G. */
static lat_status condition(lat_workspace *work, const lat_gmm *gmm, size_t k, const size_t *given,
                            size_t count, const size_t *others, const lat_matrix *X, double *means,
                            double *C)
{
  const lat_gmm_context sizes = sizes_of(gmm);
  size_t D = gmm->D, M = D - count, N = X->rows;
  if (!lat_gmm_is_dense(&sizes))
    return copy_others(work, gmm, k, given, count, others, N, means, C);
  double *S = lat_doubles(work, 2 * D * D), *L = lat_doubles(work, count * count);
  double *Z = lat_doubles(work, N * count), *G = S ? S + D * D : NULL;
  if (!S || !L || !Z) return LAT_MEMORY;
  const double *mean = gmm->means + k * D;
  copy_covariance(gmm, k, S);
  for (size_t i = 0; i < count; i++) {
    for (size_t j = 0; j < count; j++) L[i * count + j] = S[given[i] * D + given[j]];
    for (size_t j = 0; j < M; j++) G[i * M + j] = S[given[i] * D + others[j]];
    for (size_t n = 0; n < N; n++) Z[n * count + i] = lat_get(X, n, i) - mean[given[i]];
  }
  if (!lat_gmm_cholesky(count, L, 0)) return fail_singular(work, k);
  for (size_t i = 0; i < M; i++)
    for (size_t j = 0; j < M; j++) C[i * M + j] = S[others[i] * D + others[j]];
  for (size_t n = 0; n < N; n++)
    for (size_t j = 0; j < M; j++) means[n * M + j] = mean[others[j]];
  cblas_dtrsm(CblasRowMajor, CblasLeft, CblasLower, CblasNoTrans, CblasNonUnit, (blasint)count,
              (blasint)M, 1, L, (blasint)count, G, (blasint)M);
  cblas_dtrsm(CblasRowMajor, CblasRight, CblasLower, CblasTrans, CblasNonUnit, (blasint)N,
              (blasint)count, 1, L, (blasint)count, Z, (blasint)count);
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (blasint)N, (blasint)M, (blasint)count, 1,
              Z, (blasint)count, G, (blasint)M, 1, means, (blasint)M);
  cblas_dgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (blasint)M, (blasint)M, (blasint)count, -1,
              G, (blasint)M, G, (blasint)M, 1, C, (blasint)M);
  return LAT_OK;
}

/* p(k | x_given) is what rows with all other entries missing have. */
static lat_status weigh(lat_workspace *work, const lat_gmm *gmm, const size_t *given, size_t count,
                        const lat_matrix *X, const lat_matrix *responsibilities)
{
  lat_matrix full = lat_matrix_new(work, X->rows, gmm->D);
  if (!full.data) return LAT_MEMORY;
  lat_fill(&full, NAN);
  for (size_t i = 0; i < count; i++) {
    lat_matrix from = lat_col(*X, i), to = lat_col(full, given[i]);
    lat_copy(&from, &to);
  }
  return lat_gmm_apply(work, gmm, &(lat_request){.X = full, .missing = true},
                       &(lat_outputs){.responsibilities = responsibilities});
}

/* mean = sum_k r_k m_k, and the variances of the columns: E[C + m m'] - mean mean', diagonal. */
static void summarize(const lat_gmm_conditionals *c, size_t M)
{
  const lat_matrix *R = c->responsibilities;
  size_t N = R->rows, K = R->cols;
  for (size_t n = 0; n < N; n++)
    for (size_t j = 0; j < M; j++) {
      double sum = 0, variance = 0;
      for (size_t k = 0; k < K; k++) sum += lat_get(R, n, k) * c->means[(k * N + n) * M + j];
      for (size_t k = 0; k < K; k++) {
        double away = c->means[(k * N + n) * M + j] - sum;
        variance += lat_get(R, n, k) * (c->covariances[(k * M + j) * M + j] + away * away);
      }
      c->mean[n * M + j] = sum;
      c->variance[n * M + j] = variance;
    }
}

lat_status lat_gmm_conditional(lat_workspace *work, const lat_gmm *gmm, const size_t *given,
                               size_t count, const lat_matrix *X, const lat_gmm_conditionals *to)
{
  size_t D = gmm->D, M = D - count, others_count = 0, next = 0;
  if (X->cols != count)
    return lat_fail(work, LAT_SHAPE, "X has %zu columns, but %zu are given", X->cols, count);
  LAT_TRY(lat_check_finite(work, "X", X, false));
  LAT_SCOPE(work);
  size_t *others = lat_allocate(work, D, sizeof *others);
  if (!others) return LAT_MEMORY;
  for (size_t d = 0; d < D; d++)
    if (next < count && given[next] == d)
      next++;
    else
      others[others_count++] = d;
  for (size_t k = 0; k < gmm->K; k++) {
    LAT_SCOPE(work);
    LAT_TRY(condition(work, gmm, k, given, count, others, X, to->means + k * X->rows * M,
                      to->covariances + k * M * M));
  }
  LAT_TRY(weigh(work, gmm, given, count, X, to->responsibilities));
  summarize(to, M);
  return LAT_OK;
}

/* ---- distances ------------------------------------------------------------------------------- */

/* Of L, or of deviations. */
static double half_log_det(const lat_gmm_context *gmm, const double *L)
{
  size_t step = lat_gmm_is_dense(gmm) ? gmm->D + 1 : 1;
  double sum = 0;
  for (size_t d = 0; d < gmm->D; d++) sum += log(L[d * step]);
  return sum;
}

/* 1/8 d' S^-1 d + 1/2 log(|S| / sqrt(|A| |B|)) with S = (A + B)/2 and d the difference of means. */
static lat_status distance(lat_workspace *work, const lat_gmm_context *gmm, const double *a,
                           double *A, const double *b, double *B, double *S, double *d,
                           double *result)
{
  size_t D = gmm->D, square = gmm_square(gmm);
  for (size_t i = 0; i < square; i++) S[i] = 0.5 * (A[i] + B[i]);
  for (size_t i = 0; i < D; i++) d[i] = a[i] - b[i];
  if (!factor_square(gmm, S) || !factor_square(gmm, A) || !factor_square(gmm, B))
    return lat_fail(work, LAT_SINGULAR, "a covariance is not positive definite");
  if (lat_gmm_is_dense(gmm))
    cblas_dtrsv(CblasRowMajor, CblasLower, CblasNoTrans, CblasNonUnit, (blasint)D, S, (blasint)D, d,
                1);
  else
    for (size_t i = 0; i < D; i++) d[i] /= S[i];
  *result = cblas_ddot((blasint)D, d, 1, d, 1) / 8 + half_log_det(gmm, S) -
            0.5 * (half_log_det(gmm, A) + half_log_det(gmm, B));
  return LAT_OK;
}

lat_status lat_gmm_distances(lat_workspace *work, const lat_gmm *first, const lat_gmm *second,
                             double *distances)
{
  size_t D = first->D, K = first->K;
  if (second->D != D || second->K != K || second->options.covariance != first->options.covariance)
    return lat_fail(work, LAT_SHAPE,
                    "the other has %zu components in %zu dimensions, this one %zu in %zu, and the "
                    "kind of covariance must be the same",
                    first->K, first->D, second->K, second->D);
  LAT_SCOPE(work);
  const lat_gmm_context sizes = sizes_of(first);
  size_t square = gmm_square(&sizes);
  double *A = lat_doubles(work, 3 * square + D);
  if (!A) return LAT_MEMORY;
  double *B = A + square, *S = B + square, *d = S + square;
  for (size_t i = 0; i < K; i++)
    for (size_t j = 0; j < K; j++) {
      copy_covariance(first, i, A);
      copy_covariance(second, j, B);
      LAT_TRY(distance(work, &sizes, first->means + i * D, A, second->means + j * D, B, S, d,
                       distances + i * K + j));
    }
  return LAT_OK;
}
