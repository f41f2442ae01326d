/* mppca/sample.c: what else a fitted mixture is good for: the other way, covariances, distances. */
#include <math.h>

#include "em/mppca/internal.h"

void lat_mppca_covariance(const lat_mppca *m, const double *parameters, size_t k, double *C)
{
  LAT_BLAS_SECTION;
  size_t D = m->gmm.D, M = m->M;
  lat_mppca_view p = lat_mppca_of(m, (double *)parameters);
  const double *W = p.W + k * D * M;
  lat_factor_multiply(false, true, D, D, M, W, W, 0, C);
  for (size_t j = 0; j < D; j++) C[j * (D + 1)] += mppca_noise(m, p.noise, k, j);
}

lat_status lat_mppca_posterior_covariance(lat_workspace *work, const lat_mppca *m,
                                          const double *parameters, size_t k, double *V)
{
  size_t D = m->gmm.D, M = m->M, T = lat_packed_count(M);
  LAT_SCOPE(work);
  lat_mppca_view p = lat_mppca_of(m, (double *)parameters);
  double *G = lat_doubles(work, D * M + 2 * T + M);
  if (!G) return LAT_MEMORY;
  double *packed = G + D * M;
  lat_mppca_precision(m, p.W + k * D * M, p.noise + k * (m->diagonal ? D : 1), G, packed,
                      packed + T);
  for (size_t a = 0, at = 0; a < M; a++)
    for (size_t b = 0; b <= a; b++, at++) V[a * M + b] = V[b * M + a] = packed[at];
  return LAT_OK;
}

/* x := W_k z + m_k, plus what x is times the noise's deviation when `noisy`. */
static void emit(const lat_mppca *m, const lat_mppca_view *p, size_t k, const lat_matrix *Z,
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

lat_status lat_mppca_inverse(lat_workspace *work, const lat_mppca *m, const double *parameters,
                             const lat_matrix *Z, const lat_matrix *labels, const lat_matrix *X)
{
  lat_mppca_view p = lat_mppca_of(m, (double *)parameters);
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

lat_status lat_mppca_sample(lat_workspace *work, const lat_mppca *m, const double *parameters,
                            lat_random *random, const lat_matrix *X, double *labels,
                            const lat_matrix *Z)
{
  size_t n = X->rows, K = m->gmm.K;
  lat_mppca_view p = lat_mppca_of(m, (double *)parameters);
  LAT_TRY(lat_mppca_check_density(work, m, parameters));
  LAT_SCOPE(work);
  double *accept = lat_doubles(work, K);
  size_t *drawn = lat_allocate(work, n + K, sizeof *drawn);
  if (!accept || !drawn) return LAT_MEMORY;
  LAT_TRY(lat_random_categorical(work, random, K, p.weights, n, drawn, drawn + n, accept));
  if (m->M > 0) LAT_TRY(lat_random_fill_normal(work, random, n * m->M, Z->data));
  LAT_TRY(lat_random_fill_normal(work, random, n * m->gmm.D, X->data));
  for (size_t i = 0; i < n; i++) {
    if (i % 1024 == 0) LAT_TRY(lat_check(work));
    labels[i] = (double)drawn[i] + 1;
    emit(m, &p, drawn[i], Z, i, true, X);
  }
  return LAT_OK;
}

/* The mixture as one of Gaussians with full covariances. */
static double *expand(lat_workspace *work, const lat_mppca *m, const double *parameters)
{
  size_t D = m->gmm.D, K = m->gmm.K;
  double *to = lat_doubles(work, K + K * D + K * D * D);
  if (!to) return NULL;
  memcpy(to, parameters, (K + K * D) * sizeof *to);
  for (size_t k = 0; k < K; k++) lat_mppca_covariance(m, parameters, k, to + K + K * D + k * D * D);
  return to;
}

lat_status lat_mppca_distances(lat_workspace *work, const lat_mppca *first, const double *a,
                               const lat_mppca *second, const double *b, double *distances)
{
  LAT_SCOPE(work);
  const double *A = expand(work, first, a), *B = expand(work, second, b);
  if (!A || !B) return LAT_MEMORY;
  lat_gmm gmm = {.D = first->gmm.D, .K = first->gmm.K};
  LAT_TRY(lat_gmm_distances(work, &gmm, A, B, distances));
  return LAT_OK;
}
