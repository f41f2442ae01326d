#include "em/factor/ppca.h"

#include <math.h>

#include "base/special.h"
#include "em/factor/bilinear.h"
#include "matrix/linear/svd.h"
#include "projection/pca.h"

/* Of the total variance: less noise than this is rounding. */
#define NO_NOISE 1e-14

const lat_parameter lat_ppca_parameters[] = {
    {"mean", {LAT_D}}, {"W", {LAT_D, LAT_M}}, {"noise_variance", {LAT_END}}, {NULL, {LAT_END}}};

lat_factor_model lat_ppca_of(double *flat, size_t D, size_t M)
{
  return (lat_factor_model){.D = D,
                            .M = M,
                            .mean = flat,
                            .W = flat + D,
                            .noise_variances = flat + D + D * M,
                            .shared = true};
}

size_t lat_ppca_free_parameters(size_t D, size_t M)
{
  return D + D * M + 1 - M * (M - (M > 0)) / 2;
}

static lat_status check_latent_dim(lat_workspace *work, size_t D, size_t M)
{
  if (M < D) return LAT_OK;
  return lat_fail(
      work, LAT_INVALID,
      "latent_dim is %zu and X has %zu columns; PPCA needs fewer latent dimensions than "
      "columns",
      M, D);
}

static lat_status no_noise(lat_workspace *work, size_t M)
{
  return lat_fail(
      work, LAT_SINGULAR,
      "the data has no variance outside of %zu dimensions (rows too few, or constant or "
      "collinear columns), so noise_variance is 0 and the likelihood unbounded; take a "
      "smaller latent_dim, or a PCA",
      M);
}

/* ---- the closed form ------------------------------------------------------------------------- */

static lat_status from_pca(lat_workspace *work, lat_pca pca, size_t M, double *parameters,
                           double *objective)
{
  size_t D = pca.D;
  lat_factor_model to = lat_ppca_of(parameters, D, M);
  double total = *pca.total_variance, rest = total, log_det = 0, offset = 0;
  for (size_t i = 0; i < M; i++) rest -= pca.eigenvalues[i];
  double s2 = rest / (double)(D - M);
  for (size_t j = 0; j < D; j++) offset = fmax(offset, fabs(pca.mean[j]));
  if (!(rest > NO_NOISE * total) || s2 <= LAT_CONSTANT * offset * LAT_CONSTANT * offset)
    return no_noise(work, M);
  memcpy(to.mean, pca.mean, D * sizeof *to.mean);
  *to.noise_variances = s2;
  for (size_t i = 0; i < M; i++) {
    double length = sqrt(fmax(pca.eigenvalues[i] - s2, 0));
    for (size_t j = 0; j < D; j++) to.W[j * M + i] = length * pca.components[j * pca.M + i];
    log_det += log(pca.eigenvalues[i]);
  }
  *objective = -0.5 * (((double)D) * (LAT_LOG_2PI + 1) + log_det + (double)(D - M) * log(s2));
  return LAT_OK;
}

static lat_pca_options pca_options(size_t M)
{
  return (lat_pca_options){.latent_dim = M ? M : 1, .tolerance = 1e-10};
}

lat_status lat_ppca_fit(lat_workspace *work, const lat_matrix *X, const double *weights, size_t M,
                        double *parameters, double *objective)
{
  LAT_TRY(check_latent_dim(work, X->cols, M));
  LAT_SCOPE(work);
  lat_pca_options options = pca_options(M);
  lat_pca_report record;
  double *flat;
  size_t found;
  LAT_TRY(lat_pca_fit_rows(work, X, weights, &options, &flat, &found, &record));
  LAT_TRY(from_pca(work, lat_pca_view(flat, X->cols, found), M, parameters, objective));
  return LAT_OK;
}

lat_status lat_ppca_from_moments(lat_workspace *work, const lat_moments *moments, size_t M,
                                 double *parameters, double *objective)
{
  size_t D = moments->dimensions, found;
  LAT_TRY(check_latent_dim(work, D, M));
  LAT_SCOPE(work);
  lat_pca_options options = pca_options(M);
  lat_pca_report record;
  double *flat;
  LAT_TRY(lat_pca_from_moments(work, moments, &options, &flat, &found, &record));
  LAT_TRY(from_pca(work, lat_pca_view(flat, D, found), M, parameters, objective));
  return LAT_OK;
}

lat_status lat_ppca_choose(lat_workspace *work, const lat_moments *moments, size_t *M,
                           double **log_evidence, size_t *count)
{
  lat_pca_options options = {.evidence = true};
  lat_pca_report record;
  double *flat;
  LAT_TRY(lat_pca_from_moments(work, moments, &options, &flat, M, &record));
  *log_evidence = record.log_evidence;
  *count = record.dimensions;
  return LAT_OK;
}

/* ---- EM -------------------------------------------------------------------------------------- */

static lat_factor_frame frame_of(const lat_em *em)
{
  lat_factor_model ppca = lat_ppca_of(em->parameters, em->sizes[LAT_D], em->sizes[LAT_M]);
  return lat_factor_frame_of(&ppca, em->options.missing, true, em->derived);
}

static const double *shift_of(const lat_em *em)
{
  return ((const lat_ppca_model *)em->model)->shift;
}

static void e_step(const lat_em *em, const lat_em_chunk *chunk, double *statistics, double *scratch)
{
  lat_factor_frame frame = frame_of(em);
  lat_factor_add(&frame, &chunk->X, chunk->weights, shift_of(em), true, statistics, scratch);
}

static void limit_e_step(const lat_em *em, const lat_em_chunk *chunk, double *statistics,
                         double *scratch)
{
  lat_factor_frame frame = frame_of(em);
  lat_factor_add(&frame, &chunk->X, chunk->weights, shift_of(em), false, statistics, scratch);
}

static size_t count_derived(const lat_em *em)
{
  lat_factor_model sizes = {.D = em->sizes[LAT_D], .M = em->sizes[LAT_M], .shared = true};
  return lat_factor_frame_count(&sizes, em->options.missing);
}

static lat_status prepare(lat_em *em, const double *parameters, double *derived)
{
  lat_factor_model ppca = lat_ppca_of((double *)parameters, em->sizes[LAT_D], em->sizes[LAT_M]);
  lat_factor_frame_fill(&ppca, em->options.missing, true, derived);
  return LAT_OK;
}

/* s2 is the mean over all observed entries of the expected (x_nj - w~_j'z~)^2. */
static lat_status solve(lat_em *em, const double *statistics, double *parameters, bool limit)
{
  lat_workspace *work = em->work;
  LAT_SCOPE(work);
  size_t D = em->sizes[LAT_D], M = em->sizes[LAT_M];
  lat_factor_sums s = lat_factor_sums_of(D, M, em->options.missing, statistics);
  lat_factor_model to = lat_ppca_of(parameters, D, M);
  double *rest = lat_doubles(work, 2 * D), sum = 0, weight = 0, total = 0;
  if (!rest) return LAT_MEMORY;
  LAT_TRY(lat_factor_solve(work, &s, shift_of(em), &to, rest, rest + D));
  for (size_t j = 0; j < D; j++) {
    sum += rest[j];
    weight += rest[D + j];
    total += s.q[j];
  }
  if (!limit && !(sum > NO_NOISE * total)) return no_noise(work, M);
  if (!limit) LAT_TRY(lat_factor_expand(work, &s, &to));
  *to.noise_variances = limit ? 0 : sum / weight;
  return LAT_OK;
}

static lat_status m_step(lat_em *em, const double *statistics, double *parameters)
{
  return solve(em, statistics, parameters, false);
}

static lat_status limit_m_step(lat_em *em, const double *statistics, double *parameters)
{
  return solve(em, statistics, parameters, true);
}

/* Along a line of acceleration the noise variance may have become negative. */
static bool feasible(const lat_em *em, double *parameters)
{
  return *lat_ppca_of(parameters, em->sizes[LAT_D], em->sizes[LAT_M]).noise_variances > 0;
}

const lat_em_kind lat_ppca_kind = {.name = "ppca",
                                   .parameters = lat_ppca_parameters,
                                   .statistics = lat_factor_em_statistics,
                                   .derived = count_derived,
                                   .scratch = lat_factor_em_scratch,
                                   .prepare = prepare,
                                   .e_step = e_step,
                                   .m_step = m_step,
                                   .feasible = feasible};

const lat_em_kind lat_ppca_limit_kind = {.name = "ppca",
                                         .parameters = lat_ppca_parameters,
                                         .descends = true,
                                         .statistics = lat_factor_em_statistics,
                                         .derived = count_derived,
                                         .scratch = lat_factor_em_scratch,
                                         .prepare = prepare,
                                         .e_step = limit_e_step,
                                         .m_step = limit_m_step};

/* ---- before and after ------------------------------------------------------------------------ */

lat_status lat_ppca_start(lat_workspace *work, const lat_matrix *X, const double *weights,
                          bool missing, bool limit, size_t M, uint64_t seed,
                          const lat_ppca_model *model, double *parameters)
{
  size_t D = X->cols;
  LAT_TRY(check_latent_dim(work, D, M));
  LAT_SCOPE(work);
  lat_factor_model to = lat_ppca_of(parameters, D, M);
  double *variances = lat_doubles(work, D), mean = 0;
  if (!variances) return LAT_MEMORY;
  LAT_TRY(lat_factor_start(work, X, weights, missing, seed, &to, model->shift, variances));
  for (size_t j = 0; j < D; j++) mean += variances[j] / (double)D;
  if (!(mean > 0) && !limit) return no_noise(work, M);
  *to.noise_variances = limit ? 0 : mean / 2;
  return LAT_OK;
}

/* L with L L' = the mean of E[z z'], dense; the identity where that isn't known. */
static void spread(const lat_factor_sums *s, bool known, double *packed, double *L)
{
  size_t M = s->M;
  double weight = 0;
  memset(packed, 0, s->T * sizeof *packed);
  for (size_t k = 0; known && k < s->blocks; k++) {
    for (size_t i = 0; i < lat_packed_count(M); i++) packed[i] += s->A[k * s->T + i];
    weight += s->A[k * s->T + s->T - 1];
  }
  for (size_t i = 0; known && i < lat_packed_count(M); i++) packed[i] /= weight;
  known = known && lat_packed_cholesky(M, packed, NULL) == 0;
  for (size_t i = 0; i < M; i++)
    for (size_t j = 0; j < M; j++)
      L[i * M + j] = known ? (j <= i ? packed[lat_packed_count(i) + j] : 0) : (i == j);
}

/* With W L = U s V' (L = I but in the limit) the new W is U s = W (L V), and so z becomes
 * V' inv(L) z. */
lat_status lat_ppca_canonical(lat_workspace *work, size_t D, size_t M, bool missing, bool limit,
                              double *parameters, double *statistics)
{
  if (M == 0) return LAT_OK;
  LAT_SCOPE(work);
  double *W = lat_ppca_of(parameters, D, M).W;
  double *packed = lat_doubles(work, lat_packed_count(M + 1)), *L = lat_doubles(work, M * M);
  lat_matrix WL = lat_matrix_new(work, D, M), U = lat_matrix_new(work, D, M);
  lat_matrix V = lat_matrix_new(work, M, M), s = lat_matrix_new(work, M, 1);
  if (!packed || !L || !WL.data || !U.data || !V.data || !s.data) return LAT_MEMORY;
  lat_factor_sums sum = lat_factor_sums_of(D, M, missing, statistics);
  spread(&sum, limit && statistics, packed, L);
  lat_factor_multiply(false, false, D, M, M, W, L, 0, WL.data);
  lat_matrix turned = lat_transpose(WL); /* so that the signs are fixed by U */
  LAT_TRY(lat_svd(work, &turned, &V, s, &U));
  for (size_t j = 0; j < D; j++)
    for (size_t i = 0; i < M; i++) W[j * M + i] = lat_get(&U, j, i) * lat_get(&s, i, 0);
  if (statistics) {
    double *v = V.data;
    for (size_t i = 0; i < M;
         i++) { /* V := inv(L') V by back substitution, whose transpose it is */
      for (size_t r = M; r-- > 0;) {
        double x = v[r * M + i];
        for (size_t k = r + 1; k < M; k++) x -= L[k * M + r] * v[k * M + i];
        v[r * M + i] = x / L[r * M + r];
      }
    }
    lat_matrix Bt = lat_transpose(V), B = lat_matrix_new(work, M, M);
    if (!B.data) return LAT_MEMORY;
    lat_copy(&Bt, &B);
    LAT_TRY(lat_factor_turn(work, &sum, B.data));
  }
  return LAT_OK;
}
