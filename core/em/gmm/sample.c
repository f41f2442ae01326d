/* What else a fitted mixture of Gaussians is good for: order, samples, conditionals, distances. */
#include <cblas.h>
#include <math.h>
#include <string.h>

#include "em/gmm/internal.h"

/* ---- starts and order ------------------------------------------------------------------------- */

void lat_gmm_start(const lat_gmm *gmm, const double *means, double *parameters)
{
  size_t D = gmm->D, K = gmm->K, count = gmm_covariance_count(gmm);
  double *covariances = parameters + K + K * D;
  for (size_t k = 0; k < K; k++) parameters[k] = 1 / (double)K;
  memcpy(parameters + K, means, K * D * sizeof *means);
  for (size_t i = 0; i < count; i++) {
    size_t column = gmm_is_spherical(gmm) ? 0 : i % D;
    bool diagonal = !lat_gmm_is_dense(gmm) || i / D % D == column;
    covariances[i] = diagonal ? gmm->scale[column] * gmm->scale[column] : 0;
  }
}

/* Blocks of `size` numbers, one a component, in a new order; `old` is scratch. */
static void permute(size_t K, size_t size, const size_t *order, double *blocks, double *old)
{
  memcpy(old, blocks, K * size * sizeof *old);
  for (size_t i = 0; i < K; i++)
    memcpy(blocks + i * size, old + order[i] * size, size * sizeof *old);
}

lat_status lat_gmm_reorder(lat_workspace *work, const lat_gmm *gmm, const lat_parameter *table,
                           const size_t sizes[LAT_SIZES], const size_t *order, double *parameters,
                           double *statistics)
{
  size_t K = gmm->K, F = gmm_features(gmm), count = lat_parameters_count(table, sizes);
  LAT_SCOPE(work);
  double *old = lat_doubles(work, count > K * F ? count : K * F);
  if (!old) return LAT_MEMORY;
  lat_parameters_reorder(table, sizes, LAT_K, order, parameters, old);
  if (statistics && gmm_is_wide(gmm)) permute(K, F, order, statistics + 2, old);
  for (size_t f = 0; statistics && !gmm_is_wide(gmm) && f < F; f++)
    permute(K, 1, order, statistics + 2 + f * gmm_step(gmm), old);
  return LAT_OK;
}

static bool before(const double *a, const double *b, size_t D)
{
  for (size_t d = 0; d < D; d++)
    if (a[d] != b[d]) return a[d] < b[d];
  return false;
}

void lat_gmm_rank(const lat_gmm *gmm, const double *parameters, size_t *order)
{
  size_t D = gmm->D;
  const double *means = parameters + gmm->K;
  for (size_t k = 0; k < gmm->K; k++) { /* insertion: components are few */
    size_t i = k;
    for (; i > 0 && before(means + k * D, means + order[i - 1] * D, D); i--)
      order[i] = order[i - 1];
    order[i] = k;
  }
}

/* ---- covariances as they are meant ------------------------------------------------------------------ */

/* Component k's covariance as a D x D matrix. */
static void expand(const lat_gmm *gmm, const double *parameters, size_t k, double *S)
{
  size_t D = gmm->D;
  const double *from = gmm_part(gmm, (double *)parameters + gmm->K + gmm->K * D, k);
  if (lat_gmm_is_dense(gmm)) {
    memcpy(S, from, D * D * sizeof *S);
    return;
  }
  memset(S, 0, D * D * sizeof *S);
  for (size_t d = 0; d < D; d++) S[d * D + d] = from[gmm_is_spherical(gmm) ? 0 : d];
}

static lat_status factored(lat_workspace *work, size_t D, double *S, size_t k)
{
  if (lat_gmm_cholesky(D, S, 0)) return LAT_OK;
  return lat_fail(work, LAT_SINGULAR, "the covariance of component %zu is not positive definite",
                  k + 1);
}

lat_status lat_gmm_sample(lat_workspace *work, const lat_gmm *gmm, const double *parameters,
                          lat_random *random, const lat_matrix *X, double *labels)
{
  size_t D = gmm->D, K = gmm->K, n = X->rows;
  LAT_SCOPE(work);
  double *L = lat_doubles(work, K * D * D), *z = lat_doubles(work, D),
         *accept = lat_doubles(work, K);
  size_t *drawn = lat_allocate(work, n + K, sizeof *drawn);
  if (!L || !z || !accept || !drawn) return LAT_MEMORY;
  for (size_t k = 0; k < K; k++) {
    expand(gmm, parameters, k, L + k * D * D);
    LAT_TRY(factored(work, D, L + k * D * D, k));
  }
  LAT_TRY(lat_random_categorical(work, random, K, parameters, n, drawn, drawn + n, accept));
  for (size_t i = 0; i < n; i++) {
    if (i % 1024 == 0) LAT_TRY(lat_check(work));
    size_t k = drawn[i];
    const double *mean = parameters + K + k * D;
    for (size_t d = 0; d < D; d++) z[d] = lat_random_normal(random);
    for (size_t d = 0; d < D; d++) {
      const double *row = L + (k * D + d) * D;
      lat_set(X, i, d, mean[d] + cblas_ddot((blasint)(d + 1), row, 1, z, 1));
    }
    labels[i] = (double)k + 1;
  }
  return LAT_OK;
}

/* ---- conditionals --------------------------------------------------------------------------------------- */

/* Means and covariance of the other columns under component k: with S_gg = L L', G = L^-1 S_go,
 * they are m_o + G' L^-1 (x - m_g) and S_oo - G'G. */
static lat_status condition(lat_workspace *work, const lat_gmm *gmm, const double *parameters,
                            size_t k, const size_t *given, size_t count, const size_t *others,
                            const lat_matrix *X, double *means, double *C)
{
  size_t D = gmm->D, M = D - count, N = X->rows;
  double *S = lat_doubles(work, 2 * D * D), *L = lat_doubles(work, count * count);
  double *Z = lat_doubles(work, N * count), *G = S ? S + D * D : NULL;
  if (!S || !L || !Z) return LAT_MEMORY;
  const double *mean = parameters + gmm->K + k * D;
  expand(gmm, parameters, k, S);
  for (size_t i = 0; i < count; i++) {
    for (size_t j = 0; j < count; j++) L[i * count + j] = S[given[i] * D + given[j]];
    for (size_t j = 0; j < M; j++) G[i * M + j] = S[given[i] * D + others[j]];
    for (size_t n = 0; n < N; n++) Z[n * count + i] = lat_get(X, n, i) - mean[given[i]];
  }
  LAT_TRY(factored(work, count, L, k));
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
static lat_status weigh(lat_workspace *work, const lat_gmm *gmm, const double *parameters,
                        const size_t *given, size_t count, const lat_matrix *X,
                        const lat_matrix *responsibilities)
{
  lat_matrix full = lat_matrix_new(work, X->rows, gmm->D);
  if (!full.data) return LAT_MEMORY;
  lat_fill(&full, NAN);
  for (size_t i = 0; i < count; i++) {
    lat_matrix from = lat_col(*X, i), to = lat_col(full, given[i]);
    lat_copy(&from, &to);
  }
  return lat_gmm_apply(work, gmm, parameters, &full, true,
                       &(lat_gmm_images){.responsibilities = responsibilities});
}

lat_status lat_gmm_conditional(lat_workspace *work, const lat_gmm *gmm, const double *parameters,
                               const size_t *given, size_t count, const lat_matrix *X,
                               const lat_matrix *responsibilities, double *means,
                               double *covariances)
{
  size_t D = gmm->D, M = D - count, others_count = 0, next = 0;
  if (X->cols != count)
    return lat_fail(work, LAT_SHAPE, "X has %zu columns, but %zu are given", X->cols, count);
  LAT_TRY(lat_check_finite(work, "X", X, false));
  size_t *others = lat_allocate(work, D, sizeof *others);
  if (!others) return LAT_MEMORY;
  for (size_t d = 0; d < D; d++)
    if (next < count && given[next] == d)
      next++;
    else
      others[others_count++] = d;
  for (size_t k = 0; k < gmm->K; k++) {
    LAT_SCOPE(work);
    LAT_TRY(condition(work, gmm, parameters, k, given, count, others, X, means + k * X->rows * M,
                      covariances + k * M * M));
  }
  return weigh(work, gmm, parameters, given, count, X, responsibilities);
}

/* ---- distances ---------------------------------------------------------------------------------------------- */

static double half_log_det(const double *L, size_t D)
{
  double sum = 0;
  for (size_t d = 0; d < D; d++) sum += log(L[d * D + d]);
  return sum;
}

/* 1/8 d' S^-1 d + 1/2 log(|S| / sqrt(|A| |B|)) with S = (A + B)/2 and d the difference of means. */
static lat_status distance(lat_workspace *work, size_t D, const double *a, double *A,
                           const double *b, double *B, double *S, double *d, double *result)
{
  for (size_t i = 0; i < D * D; i++) S[i] = 0.5 * (A[i] + B[i]);
  for (size_t i = 0; i < D; i++) d[i] = a[i] - b[i];
  if (!lat_gmm_cholesky(D, S, 0) || !lat_gmm_cholesky(D, A, 0) || !lat_gmm_cholesky(D, B, 0))
    return lat_fail(work, LAT_SINGULAR, "a covariance is not positive definite");
  cblas_dtrsv(CblasRowMajor, CblasLower, CblasNoTrans, CblasNonUnit, (blasint)D, S, (blasint)D, d,
              1);
  *result = cblas_ddot((blasint)D, d, 1, d, 1) / 8 + half_log_det(S, D) -
            0.5 * (half_log_det(A, D) + half_log_det(B, D));
  return LAT_OK;
}

lat_status lat_gmm_distances(lat_workspace *work, const lat_gmm *gmm, const double *first,
                             const double *second, double *distances)
{
  size_t D = gmm->D, K = gmm->K;
  LAT_SCOPE(work);
  double *A = lat_doubles(work, 3 * D * D + D);
  if (!A) return LAT_MEMORY;
  double *B = A + D * D, *S = B + D * D, *d = S + D * D;
  for (size_t i = 0; i < K; i++)
    for (size_t j = 0; j < K; j++) {
      expand(gmm, first, i, A);
      expand(gmm, second, j, B);
      LAT_TRY(distance(work, D, first + K + i * D, A, second + K + j * D, B, S, d,
                       distances + i * K + j));
    }
  return LAT_OK;
}
