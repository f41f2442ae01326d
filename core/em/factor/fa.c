#include "em/factor/fa.h"

#include <math.h>

#include "em/factor/bilinear.h"
#include "em/factor/fa_internal.h"
#include "matrix/linear/svd.h"
#include "projection/rotation.h"

const lat_parameter lat_fa_parameters[] = {{"mean", {LAT_D}},
                                           {"W", {LAT_D, LAT_M}},
                                           {"noise_variances", {LAT_D}},
                                           {"factor_correlations", {LAT_M, LAT_M}},
                                           {NULL, {LAT_END}}};

static double *correlations_of(double *flat, size_t D, size_t M)
{
  return flat + 2 * D + D * M;
}

static bool is_identity(size_t M, const double *A)
{
  for (size_t i = 0; i < M * M; i++)
    if (A[i] != (i % (M + 1) == 0)) return false;
  return true;
}

lat_factor_model lat_fa_of(double *flat, size_t D, size_t M)
{
  const double *correlations = correlations_of(flat, D, M);
  return (lat_factor_model){.D = D,
                            .M = M,
                            .mean = flat,
                            .W = flat + D,
                            .noise_variances = flat + D + D * M,
                            .correlations = is_identity(M, correlations) ? NULL : correlations};
}

void lat_fa_uncorrelate(double *flat, size_t D, size_t M)
{
  double *correlations = correlations_of(flat, D, M);
  for (size_t i = 0; i < M * M; i++) correlations[i] = i % (M + 1) == 0;
}

size_t lat_fa_free_parameters(size_t D, size_t M)
{
  return 2 * D + D * M - M * (M - (M > 0)) / 2;
}

long long lat_fa_degrees_of_freedom(size_t D, size_t M)
{
  long long d = (long long)D, m = (long long)M;
  return ((d - m) * (d - m) - d - m) / 2;
}

double lat_fa_statistic(double rows, size_t D, size_t M, double discrepancy)
{
  return (rows - 1 - (2 * (double)D + 5) / 6 - 2 * (double)M / 3) * discrepancy;
}

lat_status lat_fa_check_latent_dim(lat_workspace *work, size_t D, size_t M)
{
  if (M < D) return LAT_OK;
  return lat_fail(work, LAT_INVALID,
                  "latent_dim is %zu and X has %zu columns; factor analysis needs fewer factors "
                  "than columns",
                  M, D);
}

lat_status lat_fa_constant(lat_workspace *work, size_t column, double variance)
{
  return lat_fail(work, LAT_SINGULAR,
                  "column %zu of X is constant (its variance is %g), so there are neither factors "
                  "nor noise in it; leave it out",
                  column + 1, variance);
}

/* ---- EM -------------------------------------------------------------------------------------- */

static lat_factor_model model_of(const lat_em *em, const double *parameters)
{
  return lat_fa_of((double *)parameters, em->sizes[LAT_D], em->sizes[LAT_M]);
}

static void e_step(const lat_em *em, const lat_em_chunk *chunk, double *statistics, double *scratch)
{
  const lat_fa_model *own = em->model;
  lat_factor_model model = model_of(em, em->parameters);
  lat_factor_frame frame = lat_factor_frame_of(&model, em->options.missing, true, em->derived);
  lat_factor_add(&frame, &chunk->X, chunk->weights, own->shift, true, statistics, scratch);
}

static size_t count_derived(const lat_em *em)
{
  static const double some;
  lat_factor_model sizes = {.D = em->sizes[LAT_D], .M = em->sizes[LAT_M], .correlations = &some};
  return lat_factor_frame_count(&sizes, em->options.missing);
}

static lat_status prepare(lat_em *em, const double *parameters, double *derived)
{
  lat_factor_model model = model_of(em, parameters);
  lat_factor_frame_fill(&model, em->options.missing, true, derived);
  return LAT_OK;
}

/* psi_j is the mean of the expected (x_nj - w~_j'z~)^2 over the rows that observe it, or its bound, at
 * which the expected log-likelihood is then greatest. */
static lat_status m_step(lat_em *em, const double *statistics, double *parameters)
{
  const lat_fa_model *own = em->model;
  lat_workspace *work = em->work;
  LAT_SCOPE(work);
  size_t D = em->sizes[LAT_D], M = em->sizes[LAT_M];
  lat_factor_sums s = lat_factor_sums_of(D, M, em->options.missing, statistics);
  double *rest = lat_doubles(work, 2 * D);
  if (!rest) return LAT_MEMORY;
  lat_fa_uncorrelate(parameters, D, M);
  lat_factor_model to = model_of(em, parameters);
  LAT_TRY(lat_factor_solve(work, &s, own->shift, &to, rest, rest + D));
  LAT_TRY(lat_factor_expand(work, &s, &to));
  for (size_t j = 0; j < D; j++) to.noise_variances[j] = fmax(rest[j] / rest[D + j], own->least[j]);
  return LAT_OK;
}

static bool feasible(const lat_em *em, double *parameters)
{
  const lat_fa_model *own = em->model;
  lat_fa_uncorrelate(parameters, em->sizes[LAT_D], em->sizes[LAT_M]);
  lat_factor_model to = model_of(em, parameters);
  for (size_t j = 0; j < to.D; j++)
    to.noise_variances[j] = fmax(to.noise_variances[j], own->least[j]);
  return true;
}

const lat_em_kind lat_fa_kind = {.name = "fa",
                                 .parameters = lat_fa_parameters,
                                 .statistics = lat_factor_em_statistics,
                                 .derived = count_derived,
                                 .scratch = lat_factor_em_scratch,
                                 .prepare = prepare,
                                 .e_step = e_step,
                                 .m_step = m_step,
                                 .feasible = feasible,
                                 .verification = &lat_fa_verification};

/* The covariance of rows whose missing entries are at their means. */
static lat_status fill_covariance(lat_workspace *work, const lat_matrix *X, const double *weights,
                                  const double *mean, double *S)
{
  enum { PIECE = 8192 };
  size_t D = X->cols, most = X->rows < PIECE ? X->rows : PIECE;
  double *memory = lat_doubles(work, lat_moments_count(D)), *filled = lat_doubles(work, most * D);
  if (!memory || !filled) return LAT_MEMORY;
  memset(memory, 0, lat_moments_count(D) * sizeof *memory);
  lat_moments moments = lat_moments_of(memory, D);
  for (size_t first = 0; first < X->rows; first += most) {
    size_t n = X->rows - first < most ? X->rows - first : most;
    lat_matrix piece = lat_matrix_of(filled, n, D);
    for (size_t i = 0; i < n; i++)
      for (size_t j = 0; j < D; j++) {
        double x = lat_get(X, first + i, j);
        filled[i * D + j] = isnan(x) ? mean[j] : x;
      }
    LAT_TRY(lat_moments_add(work, &moments, &piece, weights ? weights + first : NULL));
  }
  lat_moments_covariance(&moments, S);
  return LAT_OK;
}

static lat_status principal_start(lat_workspace *work, const lat_matrix *X, const double *weights,
                                  const lat_fa_options *options, const double *variances,
                                  double *parameters)
{
  size_t D = X->cols;
  lat_matrix S = lat_matrix_new(work, D, D);
  double *mean = lat_doubles(work, D);
  if (!S.data || !mean) return LAT_MEMORY;
  memcpy(mean, parameters, D * sizeof *mean);
  LAT_TRY(fill_covariance(work, X, weights, mean, S.data));
  return lat_fa_principal(work, &S, mean, options, variances, parameters);
}

lat_status lat_fa_start(lat_workspace *work, const lat_matrix *X, const double *weights,
                        bool missing, const lat_fa_options *options, bool random,
                        const lat_fa_model *own, double *parameters)
{
  enum { MOST_COLUMNS = 1000 };
  size_t D = X->cols, M = options->M;
  LAT_TRY(lat_fa_check_latent_dim(work, D, M));
  lat_fa_uncorrelate(parameters, D, M);
  LAT_SCOPE(work);
  lat_factor_model to = lat_fa_of(parameters, D, M);
  double *variances = lat_doubles(work, D);
  if (!variances) return LAT_MEMORY;
  LAT_TRY(lat_factor_start(work, X, weights, missing, options->seed, &to, own->shift, variances));
  for (size_t j = 0; j < D; j++) {
    if (!(variances[j] > 0)) return lat_fa_constant(work, j, variances[j]);
    to.noise_variances[j] = variances[j] / 2;
    own->least[j] = variances[j] * (options->least > 0 ? options->least : 0.005);
  }
  if (!random && D <= MOST_COLUMNS)
    LAT_TRY(principal_start(work, X, weights, options, variances, parameters));
  return LAT_OK;
}

/* ---- rotations ------------------------------------------------------------------------------- */

/* T (M x M) for loadings of variables with variance 1; and Phi, the identity if T is orthogonal. */
static lat_status choose(lat_workspace *work, size_t D, size_t M, lat_rotation rotation,
                         const double *loadings, double *T, double *Phi)
{
  for (size_t i = 0; i < M * M; i++) T[i] = Phi[i] = i % (M + 1) == 0;
  if (rotation == LAT_VARIMAX && M > 1) return lat_varimax(work, D, M, loadings, T);
  if (rotation == LAT_PROMAX && M > 1) return lat_promax(work, D, M, loadings, T, Phi);
  return lat_fix_loadings(work, D, M, loadings, false, T, NULL);
}

/* z0 was that of W0 = Psi^(1/2) U s V'; now z = inv(T) V' z0 and, with Phi = L L', the new z0 is
 * Q z0 = inv(L) inv(T) V' z0 = L' T' V' z0, because inv(T) inv(T') = L L' . */
static lat_status turn_statistics(lat_workspace *work, const lat_factor_sums *sums,
                                  const double *Phi, const double *T, const double *V)
{
  size_t M = sums->M;
  double *L = lat_doubles(work, lat_packed_count(M)), *VT = lat_doubles(work, M * M);
  double *Q = lat_doubles(work, M * M);
  if (!L || !VT || !Q) return LAT_MEMORY;
  for (size_t i = 0, at = 0; i < M; i++)
    for (size_t j = 0; j <= i; j++) L[at++] = Phi[i * M + j];
  lat_packed_cholesky(M, L, NULL);
  lat_factor_multiply(false, false, M, M, M, V, T, 0, VT);
  for (size_t i = 0; i < M; i++)
    for (size_t j = 0; j < M; j++) {
      double sum = 0;
      for (size_t k = i; k < M; k++) sum += L[lat_packed_count(k) + i] * VT[j * M + k];
      Q[i * M + j] = sum;
    }
  return lat_factor_turn(work, sums, Q);
}

lat_status lat_fa_rotate(lat_workspace *work, size_t D, size_t M, lat_rotation rotation,
                         bool missing, double *parameters, double *statistics)
{
  LAT_SCOPE(work);
  if (M == 0) return LAT_OK;
  lat_factor_model model = lat_fa_of(parameters, D, M);
  double *derived = lat_doubles(work, lat_factor_frame_count(&model, false));
  lat_matrix scaled = lat_matrix_new(work, D, M), U = lat_matrix_new(work, D, M);
  lat_matrix V = lat_matrix_new(work, M, M), s = lat_matrix_new(work, M, 1);
  double *T = lat_doubles(work, M * M);
  if (!derived || !scaled.data || !U.data || !V.data || !s.data || !T) return LAT_MEMORY;
  lat_factor_frame_fill(&model, false, true, derived);
  lat_factor_frame frame = lat_factor_frame_of(&model, false, true, derived);
  for (size_t j = 0; j < D; j++)
    for (size_t m = 0; m < M; m++)
      lat_set(&scaled, j, m, frame.W[j * M + m] / sqrt(model.noise_variances[j]));
  LAT_TRY(lat_svd(work, &scaled, &U, s, &V));
  double *canonical = U.data, *loadings = scaled.data;
  for (size_t j = 0; j < D; j++) {
    double variance = model.noise_variances[j], deviation = sqrt(variance);
    for (size_t m = 0; m < M; m++) {
      double w = canonical[j * M + m] *= deviation * lat_get(&s, m, 0);
      variance += w * w;
    }
    for (size_t m = 0; m < M; m++) loadings[j * M + m] = canonical[j * M + m] / sqrt(variance);
  }
  double *Phi = correlations_of(parameters, D, M);
  LAT_TRY(choose(work, D, M, rotation, loadings, T, Phi));
  lat_factor_multiply(false, false, D, M, M, canonical, T, 0, model.W);
  if (statistics) {
    lat_factor_sums sums = lat_factor_sums_of(D, M, missing, statistics);
    LAT_TRY(turn_statistics(work, &sums, Phi, T, V.data));
  }
  return LAT_OK;
}
