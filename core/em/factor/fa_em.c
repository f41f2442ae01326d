/* fa_em.c: EM of factor analysis (fa.h), and where it begins.
 *
 * Storage: statistics are those of bilinear.c, about the context's shift. */
#include <math.h>

#include "em/factor/context.h"

static lat_factor_view model_of(const lat_em *em, const double *parameters)
{
  return lat_factor_view_of(parameters, em->sizes[LAT_D], em->sizes[LAT_M], false);
}

static void e_step(const lat_em *em, const lat_em_chunk *chunk, double *statistics, double *scratch)
{
  const lat_fa_context *own = em->model;
  lat_factor_view model = model_of(em, em->parameters);
  lat_factor_precomputed f =
      lat_factor_precomputed_of(&model, em->options.missing, true, em->derived);
  lat_factor_add(&f, &chunk->X, chunk->weights, own->shift, true, statistics, scratch);
}

static size_t count_derived(const lat_em *em)
{
  static const double some;
  lat_factor_view sizes = {.D = em->sizes[LAT_D], .M = em->sizes[LAT_M], .correlations = &some};
  return lat_factor_precomputed_count(&sizes, em->options.missing);
}

static lat_status prepare(lat_em *em, const double *parameters, double *derived)
{
  lat_factor_view model = model_of(em, parameters);
  lat_factor_precompute(&model, em->options.missing, true, derived);
  return LAT_OK;
}

/* psi_j is the mean of the expected (x_nj - w~_j'z~)^2 over the rows that observe it, or its bound,
 * at which the expected log-likelihood is then greatest. */
static lat_status m_step(lat_em *em, const double *statistics, double *parameters)
{
  const lat_fa_context *own = em->model;
  lat_workspace *work = em->work;
  LAT_SCOPE(work);
  size_t D = em->sizes[LAT_D], M = em->sizes[LAT_M];
  lat_factor_sums s = lat_factor_sums_of(D, M, em->options.missing, statistics);
  double *rest = lat_doubles(work, 2 * D);
  if (!rest) return LAT_MEMORY;
  lat_fa_uncorrelate(parameters, D, M);
  lat_factor_view to = model_of(em, parameters);
  LAT_TRY(lat_factor_solve(work, &s, own->shift, &to, rest, rest + D));
  LAT_TRY(lat_factor_expand(work, &s, &to));
  for (size_t j = 0; j < D; j++) to.noise_variances[j] = fmax(rest[j] / rest[D + j], own->least[j]);
  return LAT_OK;
}

static bool feasible(const lat_em *em, double *parameters)
{
  const lat_fa_context *own = em->model;
  lat_fa_uncorrelate(parameters, em->sizes[LAT_D], em->sizes[LAT_M]);
  lat_factor_view to = model_of(em, parameters);
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
  double *filled = lat_doubles(work, most * D);
  lat_moments_sum sum;
  lat_moments moments;
  if (!filled) return LAT_MEMORY;
  LAT_TRY(lat_moments_begin(work, &sum, D, X->rows));
  for (size_t first = 0; first < X->rows; first += most) {
    size_t n = X->rows - first < most ? X->rows - first : most;
    lat_matrix from = lat_block_of(*X, first, 0, n, D), piece = lat_matrix_of(filled, n, D);
    LAT_TRY(lat_copy_filled(work, &from, mean, &piece));
    LAT_TRY(lat_moments_include(work, &sum, &piece, weights ? weights + first : NULL));
  }
  LAT_TRY(lat_moments_total(work, &sum, &moments));
  lat_moments_covariance(&moments, S);
  return LAT_OK;
}

static lat_status start_by_ml(lat_workspace *work, const lat_matrix *X, const double *weights,
                              const lat_fa_search *search, const double *variances,
                              double *parameters)
{
  size_t D = X->cols;
  lat_matrix S = lat_matrix_new(work, D, D);
  double *mean = lat_doubles(work, D);
  if (!S.data || !mean) return LAT_MEMORY;
  memcpy(mean, parameters, D * sizeof *mean);
  LAT_TRY(fill_covariance(work, X, weights, mean, S.data));
  return lat_fa_ml_start(work, &S, mean, search, variances, parameters);
}

lat_status lat_fa_start(lat_workspace *work, const lat_matrix *X, const double *weights,
                        bool missing, const lat_fa_search *search, bool random,
                        const lat_fa_context *own, double *parameters)
{
  size_t D = X->cols, M = search->M;
  LAT_TRY(lat_fa_check_dimensions(work, D, M));
  lat_fa_uncorrelate(parameters, D, M);
  LAT_SCOPE(work);
  lat_factor_view to = lat_factor_view_of(parameters, D, M, false);
  double *variances = lat_doubles(work, D);
  if (!variances) return LAT_MEMORY;
  LAT_TRY(lat_factor_start(work, X, weights, missing, search->seed, &to, own->shift, variances));
  for (size_t j = 0; j < D; j++) {
    if (!(variances[j] > 0)) return lat_fa_constant(work, j, variances[j]);
    to.noise_variances[j] = variances[j] / 2;
    own->least[j] = variances[j] * search->least;
  }
  if (!random && D <= LAT_FA_MOST_COLUMNS)
    LAT_TRY(start_by_ml(work, X, weights, search, variances, parameters));
  return LAT_OK;
}
