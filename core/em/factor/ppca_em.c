/* ppca_em.c: EM of PPCA, and of its limit without noise (ppca.h); the form that its W is given in.
 *
 * Storage: statistics are those of bilinear.c, about the context's shift. */
#include <math.h>

#include "em/factor/context.h"
#include "matrix/linear/svd.h"

const lat_parameter lat_ppca_parameters[] = {
    {"mean", {LAT_D}}, {"W", {LAT_D, LAT_M}}, {"noise_variance", {LAT_END}}, {NULL, {LAT_END}}};

static lat_factor_precomputed precomputed_of(const lat_em *em)
{
  lat_factor_view ppca =
      lat_factor_view_of(em->parameters, em->sizes[LAT_D], em->sizes[LAT_M], true);
  return lat_factor_precomputed_of(&ppca, em->options.missing, true, em->derived);
}

static const double *shift_of(const lat_em *em)
{
  return ((const lat_ppca_context *)em->model)->shift;
}

static void e_step(const lat_em *em, const lat_em_chunk *chunk, double *statistics, double *scratch)
{
  lat_factor_precomputed model = precomputed_of(em);
  lat_factor_add(&model, &chunk->X, chunk->weights, shift_of(em), true, statistics, scratch);
}

static void limit_e_step(const lat_em *em, const lat_em_chunk *chunk, double *statistics,
                         double *scratch)
{
  lat_factor_precomputed model = precomputed_of(em);
  lat_factor_add(&model, &chunk->X, chunk->weights, shift_of(em), false, statistics, scratch);
}

static size_t count_derived(const lat_em *em)
{
  lat_factor_view sizes = {.D = em->sizes[LAT_D], .M = em->sizes[LAT_M], .shared = true};
  return lat_factor_precomputed_count(&sizes, em->options.missing);
}

static lat_status prepare(lat_em *em, const double *parameters, double *derived)
{
  lat_factor_view ppca = lat_factor_view_of(parameters, em->sizes[LAT_D], em->sizes[LAT_M], true);
  lat_factor_precompute(&ppca, em->options.missing, true, derived);
  return LAT_OK;
}

/* s2 is the mean over all observed entries of the expected (x_nj - w~_j'z~)^2. */
static lat_status solve(lat_em *em, const double *statistics, double *parameters, bool limit)
{
  lat_workspace *work = em->work;
  LAT_SCOPE(work);
  size_t D = em->sizes[LAT_D], M = em->sizes[LAT_M];
  lat_factor_sums s = lat_factor_sums_of(D, M, em->options.missing, statistics);
  lat_factor_view to = lat_factor_view_of(parameters, D, M, true);
  double *rest = lat_doubles(work, 2 * D), sum = 0, weight = 0, total = 0;
  if (!rest) return LAT_MEMORY;
  LAT_TRY(lat_factor_solve(work, &s, shift_of(em), &to, rest, rest + D));
  for (size_t j = 0; j < D; j++) {
    sum += rest[j];
    weight += rest[D + j];
    total += s.q[j];
  }
  if (!limit && !(sum > LAT_FACTOR_NO_NOISE * total)) return lat_ppca_no_noise(work, M);
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
  return *lat_factor_view_of(parameters, em->sizes[LAT_D], em->sizes[LAT_M], true).noise_variances >
         0;
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
                          const lat_ppca_context *context, double *parameters)
{
  size_t D = X->cols;
  LAT_TRY(lat_ppca_check_dimensions(work, D, M));
  LAT_SCOPE(work);
  lat_factor_view to = lat_factor_view_of(parameters, D, M, true);
  double *variances = lat_doubles(work, D), mean = 0;
  if (!variances) return LAT_MEMORY;
  LAT_TRY(lat_factor_start(work, X, weights, missing, seed, &to, context->shift, variances));
  for (size_t j = 0; j < D; j++) mean += variances[j] / (double)D;
  if (!(mean > 0) && !limit) return lat_ppca_no_noise(work, M);
  *to.noise_variances = limit ? 0 : mean / 2;
  return LAT_OK;
}

/* L with L L' = the mean of E[z z'], dense; the identity where that isn't known. */
static void scale_of(const lat_factor_sums *s, bool known, double *packed, double *L)
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

/* The statistics in terms of V' inv(L) z; V (M x M) is overwritten. */
static lat_status rotate_statistics(lat_workspace *work, const lat_factor_sums *sums,
                                    const double *L, const lat_matrix *V)
{
  size_t M = sums->M;
  double *v = V->data;
  for (size_t i = 0; i < M; i++) /* V := inv(L') V by back substitution, whose transpose it is */
    for (size_t r = M; r-- > 0;) {
      double x = v[r * M + i];
      for (size_t k = r + 1; k < M; k++) x -= L[k * M + r] * v[k * M + i];
      v[r * M + i] = x / L[r * M + r];
    }
  lat_matrix Bt = lat_transpose(*V), B = lat_matrix_new(work, M, M);
  if (!B.data) return LAT_MEMORY;
  lat_copy(&Bt, &B);
  return lat_factor_rotate(work, sums, B.data);
}

/* With W L = U s V' (L = I but in the limit) the new W is U s = W (L V), and so z becomes
 * V' inv(L) z. */
lat_status lat_ppca_canonical(lat_workspace *work, size_t D, size_t M, bool missing, bool limit,
                              double *parameters, double *statistics)
{
  if (M == 0) return LAT_OK;
  LAT_SCOPE(work);
  double *W = lat_factor_view_of(parameters, D, M, true).W;
  double *packed = lat_doubles(work, lat_packed_count(M + 1)), *L = lat_doubles(work, M * M);
  lat_matrix WL = lat_matrix_new(work, D, M), U = lat_matrix_new(work, D, M);
  lat_matrix V = lat_matrix_new(work, M, M), s = lat_matrix_new(work, M, 1);
  if (!packed || !L || !WL.data || !U.data || !V.data || !s.data) return LAT_MEMORY;
  lat_factor_sums sum = lat_factor_sums_of(D, M, missing, statistics);
  scale_of(&sum, limit && statistics, packed, L);
  lat_factor_multiply(false, false, D, M, M, W, L, 0, WL.data);
  lat_matrix transposed = lat_transpose(WL); /* so that the signs are fixed by U */
  LAT_TRY(lat_svd(work, &transposed, &V, s, &U));
  for (size_t j = 0; j < D; j++)
    for (size_t i = 0; i < M; i++) W[j * M + i] = lat_get(&U, j, i) * lat_get(&s, i, 0);
  return statistics ? rotate_statistics(work, &sum, L, &V) : LAT_OK;
}
