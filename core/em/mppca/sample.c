/* mppca/sample.c: what else a fitted mixture is good for: the other way, covariances, distances. */
#include <math.h>

#include "base/progress.h"
#include "em/mppca/internal.h"

void lat_mppca_covariance(const lat_mppca *mppca, size_t k, double *C)
{
  const lat_mppca_context context = lat_mppca_context_of(mppca), *m = &context;
  const double *parameters = mppca->weights;
  LAT_BLAS_SECTION;
  size_t D = m->gmm.D, M = m->M;
  lat_mppca_view p = lat_mppca_view_of(m, (double *)parameters);
  const double *W = p.W + k * D * M;
  lat_factor_multiply(false, true, D, D, M, W, W, 0, C);
  for (size_t j = 0; j < D; j++) C[j * (D + 1)] += mppca_noise(m, p.noise, k, j);
}

/* x := W_k z + m_k, plus what x is times the noise's deviation when `noisy`. */
static void emit(const lat_mppca_context *m, const lat_mppca_view *p, size_t k, const lat_matrix *Z,
                 size_t row, bool noisy, const lat_matrix *X)
{
  size_t D = m->gmm.D, M = m->M;
  const double *W = p->W + k * D * M;
  for (size_t j = 0; j < D; j++) {
    double x = p->means[k * D + j];
    if (noisy) x += sqrt(mppca_noise(m, p->noise, k, j)) * lat_get(X, row, j);
    for (size_t l = 0; l < M; l++) x += W[j * M + l] * lat_get(Z, row, l);
    lat_set(X, row, j, x);
  }
}

lat_status lat_mppca_inverse(lat_workspace *work, const lat_mppca *mppca, const lat_matrix *Z,
                             const lat_matrix *labels, const lat_matrix *X)
{
  const lat_mppca_context context = lat_mppca_context_of(mppca), *m = &context;
  const double *parameters = mppca->weights;
  lat_mppca_view p = lat_mppca_view_of(m, (double *)parameters);
  if (Z->cols != m->M)
    return lat_fail(work, LAT_SHAPE, "Z has %zu columns, the model has %zu latent dimensions",
                    Z->cols, m->M);
  LAT_TRY(lat_check_finite(work, "Z", Z, false));
  for (size_t i = 0; i < Z->rows; i++) {
    double label = lat_get(labels, i, 0);
    if (!(label >= 1 && label <= (double)m->gmm.K && label == floor(label)))
      return lat_fail(work, LAT_INVALID, "label %zu is %g; labels are integers from 1 to %zu",
                      i + 1, label, m->gmm.K);
    emit(m, &p, (size_t)label - 1, Z, i, false, X);
  }
  return LAT_OK;
}

lat_status lat_mppca_sample(lat_workspace *work, const lat_mppca *mppca, lat_random *random,
                            const lat_matrix *X, double *labels, const lat_matrix *Z)
{
  const lat_mppca_context context = lat_mppca_context_of(mppca), *m = &context;
  const double *parameters = mppca->weights;
  size_t n = X->rows, K = m->gmm.K;
  lat_mppca_view p = lat_mppca_view_of(m, (double *)parameters);
  LAT_TRY(lat_mppca_check_density(work, m, parameters));
  LAT_SCOPE(work);
  double *accept = lat_doubles(work, K);
  size_t *drawn = lat_allocate(work, n + K, sizeof *drawn);
  if (!accept || !drawn) return LAT_MEMORY;
  LAT_STEPS(work, steps, n, "rows");
  lat_step(&steps, 0, 0);
  LAT_TRY(lat_random_categorical(work, random, K, p.weights, n, drawn, drawn + n, accept));
  if (m->M > 0) LAT_TRY(lat_random_fill_normal(work, random, n * m->M, Z->data));
  LAT_TRY(lat_random_fill_normal(work, random, n * m->gmm.D, X->data));
  for (size_t i = 0; i < n; i++) {
    if (i % 1024 == 0) LAT_TRY(lat_at_step(&steps, (double)i, 0));
    labels[i] = (double)drawn[i] + 1;
    emit(m, &p, drawn[i], Z, i, true, X);
  }
  return LAT_OK;
}

/* The mixture as one of Gaussians with full covariances, in the workspace; no weights without
 * memory. */
static lat_gmm expand(lat_workspace *work, const lat_mppca *m)
{
  size_t D = m->D, K = m->K;
  double *to = lat_doubles(work, K * D * D);
  lat_gmm gmm = {.options.covariance = LAT_COVARIANCE_FULL,
                 .D = D,
                 .K = K,
                 .weights = to ? m->weights : NULL,
                 .means = m->means,
                 .covariances = to};
  for (size_t k = 0; to && k < K; k++) lat_mppca_covariance(m, k, to + k * D * D);
  return gmm;
}

lat_status lat_mppca_distances(lat_workspace *work, const lat_mppca *first, const lat_mppca *second,
                               double *distances)
{
  if (second->D != first->D || second->K != first->K)
    return lat_fail(work, LAT_SHAPE,
                    "the other has %zu components in %zu dimensions, this one %zu in %zu", first->K,
                    first->D, second->K, second->D);
  LAT_SCOPE(work);
  lat_gmm a = expand(work, first), b = expand(work, second);
  if (!a.weights || !b.weights) return LAT_MEMORY;
  return lat_gmm_distances(work, &a, &b, distances);
}
