/* bpca_em.c: the iteration of Bayesian PCA (bpca.h).
 *
 * Storage: the statistics are those of bilinear.c, of the columns that are not off. */
#include <math.h>
#include <string.h>

#include "eigen/eigen.h"
#include "em/factor/context.h"
#include "matrix/linear/svd.h"

/* Relative changes of the bound: below CONVERGED the noise variance is right, below NEAR a maximum
 * is near. */
#define CONVERGED 1e-4
#define NEAR      1e-5
/* A column whose |w|^2 is less than this part of D Sigma_ii is on its way to 0. */
#define FADED 1e-3

const lat_parameter lat_bpca_parameters[] = {{"mean", {LAT_D}},
                                             {"W", {LAT_D, LAT_M}},
                                             {"noise_variance", {LAT_END}},
                                             {"alpha", {LAT_M}},
                                             {"W_covariance", {LAT_M, LAT_M}},
                                             {NULL, {LAT_END}}};

/* ---- the E-step ------------------------------------------------------------------------------ */

/* What prepare makes: the columns that are on, D x on; their Sigma; KL(q(W) || p(W)); and what
 * batches need. */
typedef struct derived {
  double *count, *kl, *W, *spread, *precomputed;
} derived;

static derived derived_of(const lat_em *em)
{
  size_t D = em->sizes[LAT_D], M = em->sizes[LAT_M];
  double *at = em->derived;
  return (derived){at, at + 1, at + 2, at + 2 + D * M, at + 2 + D * M + M * M};
}

/* The model as the E-step sees it. */
static lat_factor_view model_of(const lat_em *em)
{
  derived d = derived_of(em);
  lat_factor_view model =
      lat_factor_view_of(em->parameters, em->sizes[LAT_D], em->sizes[LAT_M], true);
  model.M = (size_t)*d.count;
  model.W = d.W;
  model.spread = d.spread;
  return model;
}

static size_t count_derived(const lat_em *em)
{
  size_t D = em->sizes[LAT_D], M = em->sizes[LAT_M];
  lat_factor_view model = {.D = D, .M = M, .shared = true};
  return 2 + D * M + M * M + lat_factor_precomputed_count(&model, em->options.missing);
}

/* With fewer columns batches are longer, so the most may be needed by any number of them. */
static size_t count_scratch(const lat_em *em, size_t rows)
{
  size_t most = 0;
  for (size_t m = 0; m <= em->sizes[LAT_M]; m++) {
    size_t count = lat_factor_add_count(em->sizes[LAT_D], m, em->options.missing, rows);
    if (count > most) most = count;
  }
  return most;
}

/* |w_i|^2 of a D x n matrix */
static double square_of(const double *W, size_t D, size_t n, size_t i)
{
  double sum = 0;
  for (size_t j = 0; j < D; j++) sum += W[j * n + i] * W[j * n + i];
  return sum;
}

/* The first `on` rows and columns of Sigma, packed, as L L'; false unless it is positive definite.
 */
static bool factor_covariance(const lat_bpca_view *b, size_t on, double *packed, double *log_det)
{
  for (size_t i = 0, at = 0; i < on; i++)
    for (size_t k = 0; k <= i; k++) packed[at++] = b->W_covariance[i * b->M + k];
  return lat_packed_cholesky(on, packed, log_det) == 0;
}

static lat_status prepare(lat_em *em, const double *parameters, double *memory)
{
  size_t D = em->sizes[LAT_D], M = em->sizes[LAT_M];
  lat_bpca_view b = lat_bpca_view_of(parameters, D, M);
  derived d = derived_of(em);
  LAT_SCOPE(em->work);
  size_t on = lat_bpca_count_on(b.W, D, M);
  double *packed = lat_doubles(em->work, lat_packed_count(on)), log_det;
  if (!packed) return LAT_MEMORY;
  memory[0] = (double)on;
  for (size_t j = 0; j < D; j++) memcpy(d.W + j * on, b.W + j * M, on * sizeof *d.W);
  for (size_t i = 0; i < on; i++)
    memcpy(d.spread + i * on, b.W_covariance + i * M, on * sizeof *d.spread);
  lat_factor_view model = model_of(em);
  lat_factor_precompute(&model, em->options.missing, true, d.precomputed);
  if (!factor_covariance(&b, on, packed, &log_det))
    return lat_fail(em->work, LAT_SINGULAR, "W_covariance is not positive definite");
  *d.kl = -0.5 * (double)D * ((double)on + log_det);
  for (size_t i = 0; i < on; i++)
    *d.kl += 0.5 * (b.alpha[i] * (square_of(d.W, D, on, i) + (double)D * d.spread[i * on + i]) -
                    (double)D * log(b.alpha[i]));
  return LAT_OK;
}

/* The first chunk of a pass also has the share of W. */
static void e_step(const lat_em *em, const lat_em_chunk *chunk, double *statistics, double *scratch)
{
  derived d = derived_of(em);
  lat_factor_view model = model_of(em);
  lat_factor_precomputed f =
      lat_factor_precomputed_of(&model, em->options.missing, true, d.precomputed);
  lat_factor_add(&f, &chunk->X, chunk->weights, ((const lat_bpca_context *)em->model)->shift, true,
                 statistics, scratch);
  if (lat_em_opens(em, chunk)) statistics[0] -= *d.kl;
}

/* ---- the M-step ------------------------------------------------------------------------------ */

/* A step under way: new loadings (D x on) and their Sigma (on x on), in whatever directions. */
typedef struct step {
  lat_bpca_view b;
  size_t D, on;
  lat_factor_sums sums;
  double weight, noise; /* of all rows; the new s2 */
  double *W, *spread;
  size_t *places; /* on: memory for the columns that are kept */
} step;

/* W, mean, Sigma and s2. */
static lat_status solve(lat_em *em, step *s)
{
  size_t D = s->D, on = s->on, T = lat_packed_count(on), whole = s->sums.T * s->sums.blocks;
  double noise = *s->b.noise_variance, sum = 0, entries = 0, squares = 0;
  double *A = lat_doubles(em->work, whole), *rest = lat_doubles(em->work, 2 * D);
  double *P = lat_doubles(em->work, T), *inverse = lat_doubles(em->work, T + on);
  if (!A || !rest || !P || !inverse) return LAT_MEMORY;
  memcpy(A, s->sums.A, whole * sizeof *A);
  memset(P, 0, T * sizeof *P);
  for (size_t k = 0; k < s->sums.blocks; k++) {
    double *block = A + k * s->sums.T;
    for (size_t i = 0; i < on; i++) block[lat_packed_count(i + 1) - 1] += noise * s->b.alpha[i];
    for (size_t i = 0; i < T; i++) P[i] += block[i] / (double)s->sums.blocks;
  }
  lat_factor_sums ridged = s->sums;
  ridged.A = A;
  lat_factor_view to = {.D = D, .M = on, .mean = s->b.mean, .W = s->W};
  LAT_TRY(lat_factor_solve(em->work, &ridged, ((const lat_bpca_context *)em->model)->shift, &to,
                           rest, rest + D));
  lat_packed_cholesky(on, P, NULL);
  lat_packed_inverse(on, P, inverse, inverse + T);
  for (size_t i = 0, at = 0; i < on; i++)
    for (size_t k = 0; k <= i; k++, at++)
      s->spread[i * on + k] = s->spread[k * on + i] = noise * inverse[at];
  for (size_t j = 0; j < D; j++) {
    sum += rest[j];
    entries += rest[D + j];
    squares += s->sums.q[j];
  }
  /* the ridge out of the rest, and what W's covariance adds: tr of mean A and Sigma, D times */
  sum += (double)(D * on) * noise;
  for (size_t i = 0; i < on; i++)
    sum -= noise * s->b.alpha[i] * (square_of(s->W, D, on, i) + (double)D * s->spread[i * on + i]);
  if (!(sum > LAT_FACTOR_NO_NOISE * squares)) return lat_bpca_no_noise(em->work, on);
  s->noise = sum / entries;
  return LAT_OK;
}

/* L with L L' = the mean of E[z z'] (on x on), or the identity. */
static lat_status scale_of(lat_em *em, const step *s, bool wanted, double *L)
{
  size_t on = s->on, T = lat_packed_count(on);
  double *packed = lat_doubles(em->work, T);
  if (!packed) return LAT_MEMORY;
  for (size_t i = 0; i < T; i++) packed[i] = s->sums.all[i] / s->weight;
  wanted = wanted && lat_packed_cholesky(on, packed, NULL) == 0;
  for (size_t i = 0, at = 0; i < on; i++)
    for (size_t k = 0; k < on; k++) L[i * on + k] = k > i ? 0 : wanted ? packed[at++] : i == k;
  return LAT_OK;
}

/* W := W R, Sigma := R'Sigma R for the best R = L Q, where Q diagonalizes L'E[W'W] L. */
static lat_status rotate(lat_em *em, step *s, bool scaled)
{
  size_t D = s->D, on = s->on;
  lat_matrix C = lat_matrix_new(em->work, on, on), Q = lat_matrix_new(em->work, on, on);
  lat_matrix values = lat_matrix_new(em->work, on, 1), W = lat_matrix_new(em->work, D, on);
  double *L = lat_doubles(em->work, on * on), *R = lat_doubles(em->work, on * on);
  double *half = lat_doubles(em->work, on * on);
  if (!C.data || !Q.data || !values.data || !W.data || !L || !R || !half) return LAT_MEMORY;
  LAT_TRY(scale_of(em, s, scaled, L));
  lat_factor_multiply(true, false, on, on, D, s->W, s->W, 0, R);
  for (size_t i = 0; i < on * on; i++) R[i] += (double)D * s->spread[i];
  lat_factor_multiply(false, false, on, on, on, R, L, 0, half);
  lat_factor_multiply(true, false, on, on, on, L, half, 0, C.data);
  LAT_TRY(lat_symmetric(em->work, &C, LAT_EIGEN_AUTO, values, &Q));
  lat_factor_multiply(false, false, on, on, on, L, Q.data, 0, R);
  lat_factor_multiply(false, false, D, on, on, s->W, R, 0, W.data);
  lat_matrix rotation = lat_matrix_of(R, on, on);
  lat_fix_signs(&W, &rotation);
  memcpy(s->W, W.data, D * on * sizeof *s->W);
  lat_factor_multiply(false, false, on, on, on, s->spread, R, 0, half);
  lat_factor_multiply(true, false, on, on, on, R, half, 0, s->spread);
  return LAT_OK;
}

/* The step's results become the parameters, but for columns on their way to 0. */
static void store(const step *s, bool judging)
{
  const lat_bpca_view *b = &s->b;
  size_t M = b->M, kept = 0, *places = s->places;
  *b->noise_variance = s->noise;
  for (size_t i = 0; i < s->on; i++) {
    double square = square_of(s->W, s->D, s->on, i);
    double variance = (double)s->D * s->spread[i * s->on + i];
    if (judging && square < FADED * variance) continue;
    if (judging) b->alpha[kept] = (double)s->D / (square + variance);
    for (size_t j = 0; j < s->D; j++) b->W[j * M + kept] = s->W[j * s->on + i];
    places[kept++] = i;
  }
  for (size_t i = 0; i < kept; i++)
    for (size_t k = 0; k < kept; k++)
      b->W_covariance[i * M + k] = s->spread[places[i] * s->on + places[k]];
  for (size_t i = kept; i < s->on; i++) lat_bpca_switch_off(b, i, s->weight);
}

/* Near a maximum the columns lie along eigenvectors, and their eigenvalues are known: the closed
 * form says whether the bound is greater elsewhere with fewer of them, and where. Missing entries
 * have no such form. */
static lat_status try_fewer(lat_em *em, const step *s, double objective)
{
  const lat_bpca_view *b = &s->b;
  size_t D = s->D, M = b->M, on = lat_bpca_count_on(b->W, D, M);
  double *lambda = lat_doubles(em->work, on), total = 0;
  if (!lambda) return LAT_MEMORY;
  for (size_t j = 0; j < D; j++) {
    double sum = s->sums.B[j * (s->on + 1) + s->on];
    total += (s->sums.q[j] - sum * (sum / s->weight)) / s->weight;
  }
  for (size_t i = 0; i < on; i++)
    lambda[i] = lat_bpca_eigenvalue((double)D / (b->alpha[i] * s->noise), s->noise, D, s->weight);
  lat_bpca_optimum best =
      lat_bpca_best(lambda, on, total, D, s->weight, LAT_FACTOR_NO_NOISE * total / (double)D);
  if (best.on >= on || !(best.bound > objective)) return LAT_OK;
  *b->noise_variance = best.noise;
  for (size_t i = 0; i < best.on; i++) {
    double length = sqrt(square_of(b->W, D, M, i));
    double ratio = lat_bpca_switch_on(b, i, lambda[i], s->weight) / length;
    for (size_t j = 0; j < D; j++) b->W[j * M + i] *= ratio;
  }
  for (size_t i = best.on; i < on; i++) lat_bpca_switch_off(b, i, s->weight);
  return LAT_OK;
}

static lat_status m_step(lat_em *em, const double *statistics, double *parameters)
{
  size_t D = em->sizes[LAT_D], M = em->sizes[LAT_M];
  LAT_SCOPE(em->work);
  const lat_bpca_context *context = em->model;
  step s = {.b = lat_bpca_view_of(parameters, D, M), .D = D, .weight = statistics[1]};
  s.on = (size_t)*derived_of(em).count;
  s.sums = lat_factor_sums_of(D, s.on, em->options.missing, statistics);
  s.W = lat_doubles(em->work, D * s.on);
  s.spread = lat_doubles(em->work, s.on * s.on);
  s.places = lat_allocate(em->work, s.on, sizeof *s.places);
  if (!s.W || !s.spread || !s.places) return LAT_MEMORY;
  double objective = statistics[0] / statistics[1];
  double change = fabs(objective - em->objective) / (1 + fabs(objective));
  LAT_TRY(solve(em, &s));
  *context->judging = *context->judging || (em->iterations > 0 && change < CONVERGED);
  if (s.on > 0) LAT_TRY(rotate(em, &s, *context->judging));
  store(&s, *context->judging);
  if (*context->judging && em->iterations > 0 && change < NEAR && s.sums.blocks == 1)
    LAT_TRY(try_fewer(em, &s, objective));
  em->reseeded = !*context->judging || lat_bpca_count_on(s.b.W, D, M) < s.on;
  return LAT_OK;
}

/* On a line of acceleration variances may have become negative. */
static bool feasible(const lat_em *em, double *parameters)
{
  lat_bpca_view b = lat_bpca_view_of(parameters, em->sizes[LAT_D], em->sizes[LAT_M]);
  bool yes = *b.noise_variance > 0;
  for (size_t i = 0; i < b.M; i++) yes = yes && b.alpha[i] > 0 && b.W_covariance[i * b.M + i] > 0;
  return yes; /* prepare says whether all of Sigma is positive definite */
}

const lat_em_kind lat_bpca_kind = {.name = "bpca",
                                   .parameters = lat_bpca_parameters,
                                   .statistics = lat_factor_em_statistics,
                                   .derived = count_derived,
                                   .scratch = count_scratch,
                                   .prepare = prepare,
                                   .e_step = e_step,
                                   .m_step = m_step,
                                   .feasible = feasible};
