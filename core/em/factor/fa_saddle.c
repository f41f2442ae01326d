/* fa_saddle.c: whether EM of factor analysis has converged to a maximum.
 *
 * EM's fixed points are all stationary points of the likelihood, saddles among them, and from a
 * symmetric start on symmetric data it goes straight into one.
 *
 * With x_m the missing entries, and S the expected covariance E[(x - m)(x - m)' | x_o], m being the
 * expected mean,
 *
 *   log L(new) - log L(old) >= E[log p(x_o, x_m | new) - log p(x_o, x_m | old)]
 *                            = (the log-likelihood of complete data with S, new) - (old)
 *
 * (Dempster, Laird, Rubin 1977, with the missing entries alone as what isn't observed). So a new
 * model that is better for S, whose likelihood has a profile with known second derivatives
 * (fa_ml.c), is better for the data; without missing entries that is all there is to know.
 *
 * With them the likelihood's curvature is more than that of its bound, and may be the wrong way
 * where the bound's is right. Near a fixed point EM's map is linear, and its eigenvalues are above
 * 1 where the likelihood is convex (1 - curvature / curvature of the bound), so that steps from a
 * point nearby turn into the direction of the largest: a power iteration, for which a few passes
 * are taken. If the likelihood is higher a little along it, EM has stopped in a saddle, and goes on
 * from as far along the direction as the likelihood rises. */
#include <math.h>

#include "em/factor/context.h"

enum { HEAD = 2, POWERS = 8, LONGEST = 4 };

static const double NEAR = 0.01;  /* of the noise's deviation, or variance: how far passes look */
static const double RISE = 1e-10; /* of the objective and 1: what is more is no rounding */

/* The memory of a verification: 0 at first. */
typedef struct verifier {
  double *pass;   /* 0: of S; up to POWERS: of the power iteration; and then along the direction */
  double *length; /* along the direction, of the trial */
  double *higher; /* the best objective yet */
  double *direction, *best; /* the direction, and the best parameters on it */
} verifier;

static size_t count_memory(const lat_em *em)
{
  return 3 + 2 * em->count;
}

static verifier verifier_of(const lat_em *em)
{
  double *at = em->verifier;
  return (verifier){at, at + 1, at + 2, at + 3, at + 3 + em->count};
}

/* For S: the sums of w, of w x^ and (lower triangle) of w E[x^ x^'], x^ being x - mean. */
static size_t count_statistics(const lat_em *em)
{
  size_t D = em->sizes[LAT_D], M = em->sizes[LAT_M];
  size_t count = HEAD + D + D * D, own = lat_factor_em_statistics(em);
  if (M == 0 || D > LAT_FA_MOST_COLUMNS) return 0;
  return em->options.missing && own > count ? own : count;
}

static size_t count_scratch(const lat_em *em, size_t rows)
{
  size_t D = em->sizes[LAT_D], M = em->sizes[LAT_M];
  bool missing = em->options.missing;
  size_t own = lat_factor_em_scratch(em, rows);
  size_t count = lat_factor_rows_count(D, M, missing, rows) +
                 lat_factor_batch_rows(M, missing, rows) * D + D * M + D;
  return own > count ? own : count;
}

/* Adds w (w_i' inv(K) w_j + psi_i if i = j) over the missing entries i >= j of a group of rows. */
static void add_uncertainty(const lat_factor_rows *r, size_t g, double weight, double *u,
                            double *missed, double *S)
{
  const lat_factor_precomputed *f = r->model;
  size_t D = f->D, M = f->M, n = 0;
  for (size_t j = 0; j < D; j++)
    if (r->mask[g * D + j] == 0) missed[n++] = (double)j;
  for (size_t a = 0; a < n; a++) {
    size_t i = (size_t)missed[a];
    memcpy(u + a * M, f->W + i * M, M * sizeof *u);
    lat_packed_solve(M, r->factor + g * lat_packed_count(M), u + a * M);
    for (size_t b = 0; b <= a; b++) {
      size_t j = (size_t)missed[b];
      double sum = a == b ? f->variances[i] : 0;
      for (size_t m = 0; m < M; m++) sum += u[a * M + m] * f->W[j * M + m];
      S[i * D + j] += weight * sum;
    }
  }
}

static void step(const lat_em *em, const lat_em_chunk *chunk, double *statistics, double *scratch)
{
  if (*verifier_of(em).pass > 0) {
    em->kind->e_step(em, chunk, statistics, scratch);
    return;
  }
  size_t D = em->sizes[LAT_D], M = em->sizes[LAT_M];
  bool missing = em->options.missing;
  lat_factor_view model = lat_factor_view_of(em->parameters, D, M, false);
  lat_factor_precomputed f = lat_factor_precomputed_of(&model, missing, true, em->derived);
  double *sums = statistics + HEAD, *S = sums + D;
  double *Y = scratch + lat_factor_rows_count(D, M, missing, chunk->X.rows);
  double *u = Y + lat_factor_batch_rows(M, missing, chunk->X.rows) * D, *missed = u + D * M;
  lat_factor_rows r;
  lat_factor_rows_begin(&r, &f, &chunk->X, scratch);
  while (lat_factor_rows_next(&r)) {
    for (size_t g = 0; g < r.groups; g++) {
      double group = 0;
      for (size_t i = r.first[g]; i < r.first[g + 1]; i++) {
        double w = chunk->weights ? chunk->weights[lat_factor_place(&r, i)] : 1, root = sqrt(w);
        for (size_t j = 0; j < D; j++) {
          bool there = !missing || r.mask[g * D + j] != 0;
          double x = there ? r.d[i * D + j] : r.fit[i * D + j];
          sums[j] += w * x;
          Y[i * D + j] = root * x;
        }
        group += w;
      }
      statistics[1] += group;
      if (missing && r.observed[g] < (double)D) add_uncertainty(&r, g, group, u, missed, S);
    }
    cblas_dsyrk(CblasRowMajor, CblasLower, CblasTrans, (blasint)D, (blasint)r.rows, 1, Y,
                (blasint)D, 1, S, (blasint)D);
  }
}

/* ---- S --------------------------------------------------------------------------------------- */

static lat_status expected_covariance(const lat_em *em, const double *statistics, double *mean,
                                      double *S)
{
  size_t D = em->sizes[LAT_D];
  const double *sums = statistics + HEAD, *products = sums + D, n = statistics[1];
  if (!(n > 0)) return lat_fail(em->work, LAT_INVALID, "all weights are 0");
  for (size_t i = 0; i < D; i++) {
    mean[i] += sums[i] / n;
    for (size_t j = 0; j <= i; j++)
      S[i * D + j] = S[j * D + i] = products[i * D + j] / n - sums[i] / n * (sums[j] / n);
  }
  return LAT_OK;
}

/* `trial` becomes a maximum for S, if the parameters are a saddle for it; else the noise variances
 * in it are changed a little in the direction in which the curvature is least. */
static lat_status take_covariance(lat_em *em, const double *statistics, double *trial, bool *moved)
{
  const lat_fa_context *own = em->model;
  size_t D = em->sizes[LAT_D];
  LAT_SCOPE(em->work);
  lat_matrix S = lat_matrix_new(em->work, D, D);
  double *mean = lat_doubles(em->work, D), *tilt = lat_doubles(em->work, D), largest = 0;
  if (!S.data || !mean || !tilt) return LAT_MEMORY;
  memcpy(trial, em->parameters, em->count * sizeof *trial);
  lat_factor_view model = lat_factor_view_of(trial, D, em->sizes[LAT_M], false);
  memcpy(mean, model.mean, D * sizeof *mean);
  LAT_TRY(expected_covariance(em, statistics, mean, S.data));
  LAT_TRY(lat_fa_leave_saddle(em->work, &S, mean, own->least, &model, tilt, moved));
  for (size_t j = 0; j < D; j++) largest = fmax(largest, fabs(tilt[j]));
  for (size_t j = 0; !*moved && largest > 0 && j < D; j++)
    model.noise_variances[j] =
        fmax(model.noise_variances[j] * exp(NEAR * tilt[j] / largest), own->least[j]);
  return LAT_OK;
}

/* ---- the power iteration --------------------------------------------------------------------- */

/* The largest of the direction's entries, means and loadings by the noise's deviation, noise
 * variances by themselves. */
static double length_of(const lat_factor_view *at, const lat_factor_view *direction)
{
  double largest = 0;
  for (size_t j = 0; j < at->D; j++) {
    double variance = at->noise_variances[j], deviation = sqrt(variance);
    largest = fmax(largest, fabs(direction->mean[j]) / deviation);
    largest = fmax(largest, fabs(direction->noise_variances[j]) / variance);
    for (size_t m = 0; m < at->M; m++)
      largest = fmax(largest, fabs(direction->W[j * at->M + m]) / deviation);
  }
  return largest;
}

/* trial := the parameters, `length` along the direction. */
static void go_along(const lat_em *em, const verifier *v, double *trial)
{
  for (size_t i = 0; i < em->count; i++)
    trial[i] = em->parameters[i] + *v->length * v->direction[i];
  em->kind->feasible(em, trial);
}

/* The direction is where EM's step from the trial leads; `growth` is by how much it got longer. */
static lat_status update_direction(lat_em *em, const verifier *v, const double *statistics,
                                   double *trial, double *growth)
{
  size_t D = em->sizes[LAT_D], M = em->sizes[LAT_M];
  lat_factor_view at = lat_factor_view_of(em->parameters, D, M, false),
                  to = lat_factor_view_of(v->direction, D, M, false);
  for (size_t i = 0; i < em->count; i++) trial[i] -= em->parameters[i];
  lat_factor_view before = lat_factor_view_of(trial, D, M, false);
  double old = length_of(&at, &before);
  memcpy(v->direction, em->parameters, em->count * sizeof *trial);
  LAT_TRY(em->kind->m_step(em, statistics, v->direction));
  for (size_t i = 0; i < em->count; i++) v->direction[i] -= em->parameters[i];
  double length = length_of(&at, &to);
  *growth = old > 0 ? length / old : 0;
  for (size_t i = 0; length > 0 && i < em->count; i++) v->direction[i] /= length;
  return LAT_OK;
}

static lat_status take(lat_em *em, const double *statistics, double *trial, lat_em_verdict *verdict)
{
  verifier v = verifier_of(em);
  bool moved;
  if (*v.pass == 0) {
    LAT_TRY(take_covariance(em, statistics, trial, &moved));
    *v.pass = 1;
    *v.higher = em->objective + RISE * (1 + fabs(em->objective));
    *verdict = moved ? LAT_EM_MOVED : em->options.missing ? LAT_EM_ANOTHER : LAT_EM_SETTLED;
    return LAT_OK;
  }
  double objective = statistics[0] / statistics[1], growth = 0;
  *verdict = LAT_EM_ANOTHER;
  if (*v.pass <= POWERS) {
    bool higher = *v.pass > 1 && objective > *v.higher;
    LAT_TRY(update_direction(em, &v, statistics, trial, &growth));
    *v.length = NEAR;
    if (!higher && *v.pass == POWERS) *verdict = LAT_EM_SETTLED;
    *v.pass += higher ? POWERS : 1;
    go_along(em, &v, trial);
    return LAT_OK;
  }
  bool higher = objective > *v.higher;
  if (higher) {
    *v.higher = objective;
    memcpy(v.best, trial, em->count * sizeof *trial);
    *v.length *= LONGEST;
    go_along(em, &v, trial);
  }
  if (!higher || *v.length > 1) {
    *verdict = *v.length > NEAR ? LAT_EM_MOVED : LAT_EM_SETTLED;
    memcpy(trial, v.best, em->count * sizeof *trial);
  }
  return LAT_OK;
}

const lat_em_verification lat_fa_verification = {.statistics = count_statistics,
                                                 .scratch = count_scratch,
                                                 .memory = count_memory,
                                                 .step = step,
                                                 .take = take};
