/* mppca/mppca.c: mixtures of PPCA for the EM loop: views, one step for a component's latent
 * variables, starts, rotations. Formulas: mppca.h. */
#include "em/mppca/mppca.h"

#include <math.h>
#include <string.h>

#include "em/factor/context.h"
#include "em/mppca/internal.h"
#include "matrix/linear/svd.h"
#include "matrix/moments.h"

#define HEAD                                                                                       \
  {"weights", {LAT_K}}, {"means", {LAT_K, LAT_D}},                                                 \
  {                                                                                                \
    "W",                                                                                           \
    {                                                                                              \
      LAT_K, LAT_D, LAT_M                                                                          \
    }                                                                                              \
  }
const lat_parameter lat_mppca_isotropic[] = {HEAD, {"noise_variances", {LAT_K}}, {NULL, {LAT_END}}};
const lat_parameter lat_mppca_diagonal[] = {
    HEAD, {"noise_variances", {LAT_K, LAT_D}}, {NULL, {LAT_END}}};

lat_mppca_view lat_mppca_view_of(const lat_mppca_context *m, double *flat)
{
  size_t D = m->gmm.D, K = m->gmm.K;
  lat_mppca_view p = {.weights = flat, .means = flat + K};
  p.W = p.means + K * D;
  p.noise = p.W + K * D * m->M;
  return p;
}

lat_mppca_context lat_mppca_context_of(const lat_mppca *m)
{
  return (lat_mppca_context){.gmm = {.D = m->D,
                                     .K = m->K,
                                     .covariance = LAT_COVARIANCE_FULL,
                                     .regularization = m->options.regularization},
                             .M = m->M,
                             .diagonal = m->options.noise == LAT_MPPCA_DIAGONAL};
}

const lat_em_kind *lat_mppca_kind(const lat_mppca_context *m)
{
  if (mppca_by_scatter(m))
    return m->diagonal ? &lat_mppca_scatter_diagonal : &lat_mppca_scatter_isotropic;
  return m->diagonal ? &lat_mppca_latent_diagonal : &lat_mppca_latent_isotropic;
}

static size_t noise_count(const lat_mppca_context *m)
{
  return m->diagonal ? m->gmm.D : 1;
}

size_t lat_mppca_statistics_count(const lat_mppca_context *m)
{
  return lat_mppca_kind(m)->statistics(&(lat_em){.model = m});
}

/* ---- checks ---------------------------------------------------------------------------------- */

lat_status lat_mppca_check_density(lat_workspace *work, const lat_mppca_context *m,
                                   const double *parameters)
{
  lat_mppca_view p = lat_mppca_view_of(m, (double *)parameters);
  for (size_t k = 0; k < m->gmm.K; k++) {
    if (!(p.weights[k] >= 0) || isinf(p.weights[k]))
      return lat_fail(work, LAT_SINGULAR, "weight %zu of the mixture is %g; weights are >= 0",
                      k + 1, p.weights[k]);
    for (size_t j = 0; j < noise_count(m); j++) {
      double noise = mppca_noise(m, p.noise, k, j);
      if (!(noise > 0) || isinf(noise))
        return lat_fail(work, LAT_SINGULAR,
                        "a noise variance of component %zu is %g; noise variances are > 0", k + 1,
                        noise);
    }
  }
  return LAT_OK;
}

bool lat_mppca_feasible(const lat_em *em, double *parameters)
{
  const lat_mppca_context *m = em->model;
  const double *noise = lat_mppca_view_of(m, parameters).noise;
  for (size_t i = 0; i < m->gmm.K * noise_count(m); i++)
    if (!(noise[i] > 0)) return false;
  return lat_gmm_weights_feasible(m->gmm.K, parameters);
}

/* ---- what the M-steps share ------------------------------------------------------------------ */

/* About half of the unit matrix is W's, the rest noise: different for every k and `turn`. */
static void spread(const lat_mppca_context *m, size_t k, size_t turn, double *W, double *noise)
{
  enum { STREAM = 0x6d70 }; /* with the component's number: not that of the means */
  size_t count = m->gmm.D * m->M;
  double share = m->M > 0 ? 0.5 : 0;
  lat_random random = {m->gmm.seed, (uint64_t)STREAM << 32 | k, (uint64_t)turn * 4 * count};
  if (m->M > 0) lat_random_fill_normal(NULL, &random, count, W);
  for (size_t i = 0; i < count; i++) W[i] *= sqrt(share / (double)m->M);
  for (size_t i = 0; i < noise_count(m); i++) noise[i] = 1 - share;
}

void lat_mppca_solve(const lat_mppca_context *m, const double *SB, double *E,
                     const double *diagonal, double *W, double *noise)
{
  size_t D = m->gmm.D, M = m->M;
  double rest = 0;
  lat_packed_cholesky(M, E, NULL);
  for (size_t j = 0; j < D; j++) {
    const double *row = E;
    double *w = W + j * M, variance = diagonal[j];
    for (size_t i = 0; i < M; row += ++i) {
      w[i] = SB[j * M + i];
      for (size_t l = 0; l < i; l++) w[i] -= row[l] * w[l];
      w[i] /= row[i];
      variance -= w[i] * w[i];
    }
    if (m->diagonal) noise[j] = variance;
    rest += variance;
  }
  if (!m->diagonal) *noise = rest / (double)D;
}

void lat_mppca_precision(const lat_mppca_context *m, const double *W, const double *noise,
                         double *G, double *V, double *spare)
{
  size_t D = m->gmm.D, M = m->M, T = lat_packed_count(M);
  memset(V, 0, T * sizeof *V);
  for (size_t j = 0; j < D; j++) {
    const double *w = W + j * M;
    double precision = 1 / noise[m->diagonal ? j : 0], *g = G + j * M;
    for (size_t a = 0, at = 0; a < M; a++) {
      g[a] = precision * w[a];
      for (size_t b = 0; b <= a; b++, at++) V[at] += g[a] * w[b];
    }
  }
  for (size_t a = 0; a < M; a++) V[lat_packed_count(a + 1) - 1] += 1;
  lat_packed_cholesky(M, V, NULL);
  memcpy(spare, V, T * sizeof *V);
  lat_packed_inverse(M, spare, V, spare + T);
}

bool lat_mppca_sound(const lat_mppca_context *m, const double *noise)
{
  for (size_t j = 0; j < noise_count(m); j++)
    if (!(noise[j] > LAT_GMM_COLLAPSED)) return false;
  return true;
}

bool lat_mppca_is_point(const lat_mppca_context *m, double rows, const double *diagonal)
{
  double most = 0;
  for (size_t j = 0; j < m->gmm.D; j++) most = fmax(most, diagonal[j]);
  return (!m->gmm.online && rows < (double)m->M + 2) || !(most > LAT_GMM_COLLAPSED);
}

lat_status lat_mppca_singular(lat_em *em, bool *singular)
{
  const lat_mppca_context *m = em->model;
  size_t K = m->gmm.K, count = noise_count(m);
  lat_mppca_view p = lat_mppca_view_of(m, em->parameters);
  *singular = lat_gmm_has_collapsed(em, &m->gmm, p.weights, m->M + 2);
  for (size_t j = 0; j < count; j++) {
    double within = 0, scale = m->gmm.scale[j], floor = gmm_safeguard(&m->gmm) * scale * scale;
    for (size_t k = 0; k < K; k++) within += p.weights[k] * p.noise[k * count + j];
    for (size_t k = 0; k < K; k++)
      *singular |= !(p.noise[k * count + j] - floor > LAT_GMM_RIDGE * within);
  }
  return LAT_OK;
}

/* The hook for components that begin anew. */
static void begin_anew(gmm_update *base, size_t k)
{
  mppca_update *u = (mppca_update *)base;
  spread(u->m, k, (size_t)u->m->gmm.record->reseeded[k] + 1, u->W, u->noise);
}

lat_status lat_mppca_begin_update(mppca_update *u, lat_em *em, double *parameters, double total)
{
  const lat_mppca_context *m = em->model;
  size_t D = m->gmm.D, M = m->M;
  u->m = m;
  u->old = lat_mppca_view_of(m, parameters);
  u->W = lat_doubles(em->work, 2 * D * M + 3 * D);
  if (!u->W) return LAT_MEMORY;
  u->oldW = u->W + D * M;
  u->noise = u->oldW + D * M;
  u->old_noise = u->noise + D;
  u->diagonal = u->old_noise + D;
  u->base.spread = begin_anew;
  return lat_gmm_begin_update(&u->base, em, &m->gmm, total);
}

void lat_mppca_take_old(const mppca_update *u, size_t k)
{
  size_t D = u->m->gmm.D, M = u->m->M;
  const double *scale = u->m->gmm.scale;
  for (size_t j = 0; j < D; j++) {
    for (size_t i = 0; i < M; i++) u->oldW[j * M + i] = u->old.W[(k * D + j) * M + i] / scale[j];
    if (j < noise_count(u->m))
      u->old_noise[j] = mppca_noise(u->m, u->old.noise, k, j) / (scale[j] * scale[j]);
  }
}

void lat_mppca_put_new(const mppca_update *u, size_t k)
{
  size_t D = u->m->gmm.D, M = u->m->M, count = noise_count(u->m);
  const double *scale = u->m->gmm.scale;
  for (size_t j = 0; j < D; j++) {
    for (size_t i = 0; i < M; i++) u->old.W[(k * D + j) * M + i] = u->W[j * M + i] * scale[j];
    if (j < count) u->old.noise[k * count + j] = u->noise[j] * (scale[j] * scale[j]);
  }
}

/* ---- starts ---------------------------------------------------------------------------------- */

/* Component k's W and noise from scaled coordinates. */
static void place(const lat_mppca_context *m, size_t k, const double *W, const double *noise,
                  double *parameters)
{
  mppca_update u = {
      .m = m, .old = lat_mppca_view_of(m, parameters), .W = (double *)W, .noise = (double *)noise};
  lat_mppca_put_new(&u, k);
}

void lat_mppca_start(const lat_mppca_context *m, const double *means, double *parameters)
{
  size_t D = m->gmm.D, K = m->gmm.K;
  lat_mppca_view p = lat_mppca_view_of(m, parameters);
  memcpy(p.means, means, K * D * sizeof *means);
  for (size_t k = 0; k < K; k++) {
    double *W = p.W + k * D * m->M, *noise = p.noise + k * noise_count(m);
    p.weights[k] = 1 / (double)K;
    spread(m, k, 0, W, noise);
    place(m, k, W, noise, parameters);
  }
}

/* The PPCA of the rows Y, in coordinates; false when they have none. */
static lat_status ppca_of_rows(lat_workspace *work, const lat_mppca_context *m, const lat_matrix *Y,
                               const double *weights, lat_factor_view *to, double *noise,
                               bool *found)
{
  size_t D = m->gmm.D, M = m->M, count = lat_column_moments_count(D);
  double objective, *flat = lat_doubles(work, D + D * M + 1), *memory = lat_doubles(work, count);
  if (!flat || !memory) return LAT_MEMORY;
  lat_status status = lat_ppca_closed_form(work, Y, weights, M, flat, &objective);
  *found = status == LAT_OK;
  if (status == LAT_MEMORY || status == LAT_CANCELLED) return status;
  if (!*found) return LAT_OK;
  *to = lat_factor_view_of(flat, D, M, true);
  *noise = *to->noise_variances;
  if (!m->diagonal) return LAT_OK;
  memset(memory, 0, count * sizeof *memory);
  lat_column_moments moments = lat_column_moments_of(memory, D);
  LAT_TRY(lat_column_moments_add(work, &moments, Y, weights, false));
  for (size_t j = 0; j < D; j++) { /* what W leaves, but enough to go on from */
    double variance = moments.scatter[j] / moments.weight[j];
    noise[j] = variance;
    for (size_t i = 0; i < M; i++) noise[j] -= to->W[j * M + i] * to->W[j * M + i];
    noise[j] = fmax(noise[j], fmax(1e-2 * variance, LAT_GMM_RIDGE));
  }
  return LAT_OK;
}

/* The rows with the label, in coordinates; how many, and their weight. */
static lat_status gather(lat_workspace *work, const lat_mppca_context *m, const lat_matrix *X,
                         const double *weights, const uint32_t *labels, size_t label, double *Y,
                         double *w, size_t *count, double *total)
{
  size_t n = 0, D = m->gmm.D, every = 1 + LAT_LOOK / D;
  *total = 0;
  for (size_t i = 0; i < X->rows; i++) {
    if (i % every == 0) LAT_TRY(lat_check(work));
    if (labels[i] != label) continue;
    for (size_t j = 0; j < D; j++)
      Y[n * D + j] = (lat_get(X, i, j) - m->gmm.shift[j]) / m->gmm.scale[j];
    *total += w[n] = weights ? weights[i] : 1;
    n++;
  }
  *count = n;
  return LAT_OK;
}

lat_status lat_mppca_from_labels(lat_workspace *work, const lat_mppca_context *m,
                                 const lat_matrix *X, const double *weights, const uint32_t *labels,
                                 double *parameters)
{
  size_t D = m->gmm.D, K = m->gmm.K;
  lat_mppca_view p = lat_mppca_view_of(m, parameters);
  LAT_SCOPE(work);
  double *Y = lat_doubles(work, X->rows * D), *w = lat_doubles(work, X->rows), sum = 0;
  double *means = lat_doubles(work, K * D), *noise = lat_doubles(work, D);
  if (!Y || !w || !means || !noise) return LAT_MEMORY;
  memset(means, 0, K * D * sizeof *means);
  lat_mppca_start(m, means, parameters);
  for (size_t k = 0; k < K; k++) {
    bool found = false;
    double total, *mean = p.means + k * D;
    size_t n;
    LAT_TRY(gather(work, m, X, weights, labels, k + 1, Y, w, &n, &total));
    lat_matrix rows = lat_matrix_of(Y, n, D);
    lat_factor_view ppca;
    LAT_SCOPE(work);
    lat_random random = {m->gmm.seed, k + 1, 0};
    if (total > 0 && n > m->M + 1) LAT_TRY(ppca_of_rows(work, m, &rows, w, &ppca, noise, &found));
    for (size_t j = 0; j < D; j++) {
      LAT_TRY(lat_check(work));
      mean[j] = total > 0 ? 0 : lat_random_normal(&random);
      for (size_t i = 0; i < n && total > 0; i++) mean[j] += w[i] * Y[i * D + j] / total;
      mean[j] = m->gmm.shift[j] + m->gmm.scale[j] * mean[j];
    }
    if (found) place(m, k, ppca.W, noise, parameters);
    sum += p.weights[k] = total > 0 ? total : 0;
  }
  for (size_t k = 0; k < K; k++) p.weights[k] = sum > 0 ? p.weights[k] / sum : 1 / (double)K;
  return LAT_OK;
}

lat_status lat_mppca_own_coordinates(lat_workspace *work, const lat_mppca_context *m,
                                     const double *parameters, double *shift, double *scale)
{
  size_t D = m->gmm.D, K = m->gmm.K;
  lat_mppca_view p = lat_mppca_view_of(m, (double *)parameters);
  LAT_SCOPE(work);
  double *gaussians = lat_doubles(work, K + 2 * K * D), *variances, total = 0;
  if (!gaussians) return LAT_MEMORY;
  memcpy(gaussians, parameters, (K + K * D) * sizeof *gaussians);
  variances = gaussians + K + K * D;
  for (size_t i = 0; i < K * D; i++) {
    variances[i] = mppca_noise(m, p.noise, i / D, i % D);
    for (size_t l = 0; l < m->M; l++) variances[i] += p.W[i * m->M + l] * p.W[i * m->M + l];
  }
  LAT_TRY(lat_gmm_own_coordinates(work, LAT_COVARIANCE_DIAG, D, K, gaussians, shift, scale));
  for (size_t j = 0; j < D; j++) total += scale[j] * scale[j];
  for (size_t j = 0; !m->diagonal && j < D; j++) scale[j] = sqrt(total / (double)D);
  return LAT_OK;
}

/* ---- rotations and order --------------------------------------------------------------------- */

/* V turns W (D x M) into canonical form; R and s are scratch. */
static lat_status rotation(lat_workspace *work, const lat_mppca_context *m, size_t k,
                           const lat_mppca_view *p, lat_matrix R, lat_matrix s, lat_matrix V)
{
  size_t D = m->gmm.D, M = m->M;
  const double *W = p->W + k * D * M;
  for (size_t j = 0; j < D; j++)
    for (size_t i = 0; i < M; i++)
      lat_set(&R, j, i, W[j * M + i] / sqrt(mppca_noise(m, p->noise, k, j)));
  LAT_TRY(lat_svd(work, &R, NULL, s, &V));
  for (size_t i = 0; i < M; i++) {
    double most = 0;
    for (size_t j = 0; j < D; j++) {
      double w = 0;
      for (size_t l = 0; l < M; l++) w += W[j * M + l] * lat_get(&V, l, i);
      if (fabs(w) > fabs(most)) most = w;
    }
    for (size_t l = 0; most < 0 && l < M; l++) lat_set(&V, l, i, -lat_get(&V, l, i));
  }
  return LAT_OK;
}

/* Statistics of z become those of V'z. */
static void turn_statistics(const lat_mppca_context *m, const double *V, double *statistics,
                            double *spare)
{
  size_t D = m->gmm.D, M = m->M, T = lat_packed_count(M + 1);
  double *A = spare, *half = A + M * M, *z = statistics + lat_packed_count(M);
  double *B = statistics + T;
  for (size_t a = 0, at = 0; a < M; a++)
    for (size_t b = 0; b <= a; b++, at++) A[a * M + b] = A[b * M + a] = statistics[at];
  lat_factor_multiply(false, false, M, M, M, A, V, 0, half);
  lat_factor_multiply(true, false, M, M, M, V, half, 0, A);
  for (size_t a = 0, at = 0; a < M; a++)
    for (size_t b = 0; b <= a; b++, at++) statistics[at] = A[a * M + b];
  for (size_t j = 0; j <= D; j++) { /* the sum of z, and then the rows of B */
    double *row = j < D ? B + j * (M + 1) : z;
    lat_factor_multiply(false, false, 1, M, M, row, V, 0, half);
    memcpy(row, half, M * sizeof *row);
  }
}

lat_status lat_mppca_canonical(lat_workspace *work, const lat_mppca_context *m, double *parameters,
                               double *statistics)
{
  size_t D = m->gmm.D, M = m->M;
  if (M == 0) return LAT_OK;
  LAT_SCOPE(work);
  lat_mppca_view p = lat_mppca_view_of(m, parameters);
  lat_matrix R = lat_matrix_new(work, D, M), s = lat_matrix_new(work, M, 1);
  lat_matrix V = lat_matrix_new(work, M, M);
  double *spare = lat_doubles(work, 2 * M * M);
  if (!R.data || !s.data || !V.data || !spare) return LAT_MEMORY;
  for (size_t k = 0; k < m->gmm.K; k++) {
    double *W = p.W + k * D * M;
    LAT_TRY(rotation(work, m, k, &p, R, s, V));
    lat_factor_multiply(false, false, D, M, M, W, V.data, 0, R.data);
    memcpy(W, R.data, D * M * sizeof *W);
    if (statistics && !mppca_by_scatter(m))
      turn_statistics(m, V.data, statistics + 2 + k * mppca_latent_count(m), spare);
  }
  return LAT_OK;
}

lat_status lat_mppca_reorder_parameters(lat_workspace *work, const lat_mppca_context *m,
                                        const size_t *order, double *parameters, double *statistics)
{
  size_t sizes[LAT_SIZES] = {[LAT_D] = m->gmm.D, [LAT_K] = m->gmm.K, [LAT_M] = m->M};
  const lat_parameter *table = lat_mppca_kind(m)->parameters;
  if (mppca_by_scatter(m))
    return lat_gmm_reorder_parameters(work, &m->gmm, table, sizes, order, parameters, statistics);
  size_t count = mppca_latent_count(m);
  LAT_SCOPE(work);
  double *old = lat_doubles(work, m->gmm.K * count); /* more than any parameter's */
  if (!old) return LAT_MEMORY;
  lat_parameters_reorder(table, sizes, LAT_K, order, parameters, old);
  /* a component's statistics lie as a parameter of K x M numbers does */
  static const lat_parameter parts[] = {{"statistics", {LAT_K, LAT_M}}, {NULL, {LAT_END}}};
  sizes[LAT_M] = count;
  if (statistics) lat_parameters_reorder(parts, sizes, LAT_K, order, statistics + 2, old);
  return LAT_OK;
}
