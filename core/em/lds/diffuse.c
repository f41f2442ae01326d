/* lds/diffuse.c: the exact treatment of states whose initial variance is infinite.
 *
 * With q diffuse states, z_1 = x_1 + E_1 delta, where delta ~ N(0, k I), E_1 has a column of the
 * identity for each, and k grows without bound. Given delta this is an ordinary filter: x_t and P_t
 * are those for delta = 0, and the coefficients E_t of delta are updated by the same gains:
 *
 *   z_t = x_t + E_t delta + noise,   inv(L_t)(y_t - C x_t) = e_t = X_t delta + noise of variance 1,
 *   X_t = inv(L_t) C E_t,   E after the update = E - G_t X_t
 *
 * so delta has the information sum X'X and the score sum X'e. Once that information has full rank,
 * delta ~ N(inv(information) score, inv(information)) in the limit, and the filter goes on as usual
 * from the mean and covariance of z_t (the augmented filter of de Jong, Annals of Statistics 19,
 * 1991, and its collapse; Durbin, Koopman, 2nd ed., 5.7.3). The limit of the likelihood has the
 * factor |information|^(-1/2) exp(1/2 score' delta); while the rank is not full, the determinant is
 * that of the known directions.
 *
 * The smoother (smoother_arrays.c) goes back over the pairs (z_t, delta). */
#include "em/lds/internal.h"

size_t lat_lds_count_diffuse(const lat_lds *lds)
{
  size_t q = 0;
  for (size_t i = 0; i < lds->states; i++) q += lat_lds_is_diffuse(lds, i);
  return q;
}

size_t lat_lds_diffuse_count(const lat_lds *lds, size_t T)
{
  size_t M = lds->states, D = lds->outputs, q = lat_lds_count_diffuse(lds),
         widest = lat_lds_max(M, D);
  if (q == 0) return 0;
  size_t work = 2 * widest * q + widest + q * q + 5 * q + M * M + M * q;
  return 2 * T * (M + M * M + M * q) + 4 * q * q + 3 * q + widest * q + work;
}

void lat_lds_diffuse_init(lat_lds_pass *pass, double *memory)
{
  lat_lds_diffuse *d = &pass->diffuse;
  size_t M = pass->M, D = pass->D, T = pass->T, q = lat_lds_count_diffuse(pass->lds);
  *d = (lat_lds_diffuse){.q = q, .on = q > 0};
  if (q == 0) return;
  d->x = lat_lds_take(&memory, T * M);
  d->P = lat_lds_take(&memory, T * M * M);
  d->E = lat_lds_take(&memory, T * M * q);
  d->ahead_x = lat_lds_take(&memory, T * M);
  d->ahead_P = lat_lds_take(&memory, T * M * M);
  d->ahead_E = lat_lds_take(&memory, T * M * q);
  d->information = lat_lds_take(&memory, q * q);
  d->half = lat_lds_take(&memory, q * q);
  d->spread = lat_lds_take(&memory, q * q);
  d->axes = lat_lds_take(&memory, q * q);
  d->score = lat_lds_take(&memory, q);
  d->uncancelled = lat_lds_take(&memory, q);
  d->delta = lat_lds_take(&memory, q);
  d->X = lat_lds_take(&memory, lat_lds_max(M, D) * q);
  d->work = memory;
}

/* ---- what is known of delta ------------------------------------------------------------------ */

/* delta, its covariance (spread) and the limit, from half. `log_det` is that of the information on
 * the known directions. */
static void set_delta(lat_lds_diffuse *d, double log_det)
{
  size_t q = d->q;
  for (size_t i = 0; i < q; i++)
    for (size_t j = 0; j < q; j++) {
      double sum = 0;
      for (size_t k = 0; k < d->rank; k++) sum += d->half[i * q + k] * d->half[j * q + k];
      d->spread[i * q + j] = sum;
    }
  d->limit = -0.5 * log_det;
  for (size_t i = 0; i < q; i++) {
    d->delta[i] = 0;
    for (size_t j = 0; j < q; j++) d->delta[i] += d->spread[i * q + j] * d->score[j];
    d->limit += 0.5 * d->delta[i] * d->score[i];
  }
}

/* half and axes from eigenvectors (one a row, ascending) of the information scaled by 1/scale:
 * column k of half is axis k over the root of its eigenvalue, 0 for unknown directions. Returns log
 * pdet. */
static double set_axes(lat_lds_diffuse *d, const double *vectors, const double *values,
                       const double *scale)
{
  size_t q = d->q;
  double log_det = 0;
  for (size_t k = 0; k < q; k++) {
    const double *v = vectors + (q - 1 - k) * q;
    double value = values[q - 1 - k];
    if (k < d->rank) log_det += log(value);
    for (size_t i = 0; i < q; i++) {
      d->axes[i * q + k] = v[i];
      d->half[i * q + k] = k < d->rank ? v[i] / sqrt(value) / (scale ? scale[i] : 1) : 0;
    }
  }
  return log_det;
}

/* What the information and the score say of delta. */
static void solve_information(lat_lds_diffuse *d)
{
  size_t q = d->q;
  double *S = d->work, *values = S + q * q, *scale = values + q, *work = scale + q;
  for (size_t i = 0; i < q; i++) {
    double diagonal = d->information[i * q + i];
    scale[i] = diagonal > LDS_INFORMATION_ROUNDING * d->uncancelled[i] ? sqrt(diagonal) : 0;
  }
  for (size_t i = 0; i < q; i++)
    for (size_t j = 0; j < q; j++)
      S[i * q + j] =
          scale[i] > 0 && scale[j] > 0 ? d->information[i * q + j] / (scale[i] * scale[j]) : 0;
  lat_lds_eigenvectors(q, S, values, work);
  d->rank = 0;
  for (size_t i = 0; i < q; i++) d->rank += values[i] > LDS_EIGENVALUE_ROUNDING;
  double log_det;
  if (d->rank == q) {
    log_det = set_axes(d, S, values, scale);
    for (size_t i = 0; i < q; i++) log_det += 2 * log(scale[i]);
  } else {
    memcpy(S, d->information, q * q * sizeof *S);
    lat_lds_eigenvectors(q, S, values, work);
    log_det = set_axes(d, S, values, NULL);
  }
  set_delta(d, log_det);
}

/* unknown[i]: whether row i of X (n x q) has a part in a direction without information. */
static void find_unknown(const lat_lds_diffuse *d, size_t n, const double *X, double *unknown)
{
  size_t q = d->q;
  for (size_t i = 0; i < n; i++) {
    double length = 0, part = 0;
    for (size_t j = 0; j < q; j++) length += X[i * q + j] * X[i * q + j];
    for (size_t k = d->rank; k < q; k++) {
      double sum = 0;
      for (size_t j = 0; j < q; j++) sum += X[i * q + j] * d->axes[j * q + k];
      part += sum * sum;
    }
    unknown[i] = part > LDS_DIFFUSE_ROUNDING * LDS_DIFFUSE_ROUNDING * length;
  }
}

/* In a covariance (n x m) of quantities with these flags: NaN where both are unknown, and infinity
 * on the diagonal if it is one of a quantity with itself. */
static void mark_unknown(size_t n, size_t m, const double *unknown, const double *others,
                         bool itself, double *covariance)
{
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < m; j++)
      if (unknown[i] != 0 && others[j] != 0)
        covariance[i * m + j] = itself && i == j ? INFINITY : NAN;
}

void lat_lds_diffuse_add_covariance(const lat_lds_diffuse *d, size_t n, const double *X,
                                    double *covariance)
{
  size_t q = d->q;
  double *XS = d->work, *Xt = XS + n * q, *unknown = Xt + n * q;
  lat_lds_transpose(n, q, X, Xt);
  lat_lds_multiply(n, q, q, X, q, 1, d->spread, LDS_SET, XS);
  lat_lds_multiply_symmetric(n, q, XS, q, 1, Xt, LDS_ADD, covariance);
  if (d->rank == q) return;
  find_unknown(d, n, X, unknown);
  mark_unknown(n, n, unknown, unknown, true, covariance);
}

/* ---- the filter ------------------------------------------------------------------------------ */

/* A finite variance that is added to the infinite ones, which doesn't change the limit: needed
 * where an observation without noise would have no variance given delta. */
static double finite_variance(const lat_lds_pass *pass)
{
  const lat_lds *lds = pass->lds;
  size_t M = pass->M, D = pass->D;
  double *R = pass->step.factor, *inverse = pass->step.inverse, noise = 0, gain = 0;
  bool needed = false;
  for (size_t t = 0; t < (lds->R.stride ? pass->T : 1); t++) {
    memcpy(R, lat_lds_at(lds->R, t), D * D * sizeof *R);
    for (size_t i = 0; i < D; i++) noise = fmax(noise, R[i * D + i]);
    needed |= lat_lds_cholesky(D, R, inverse, LDS_SMALL_NOISE) > 0;
  }
  for (size_t i = 0; i < M; i++) {
    noise = fmax(noise, lat_lds_at(lds->Q, 0)[i * M + i]);
    if (!lat_lds_is_diffuse(lds, i)) noise = fmax(noise, lds->initial_covariance[i * M + i]);
  }
  for (size_t i = 0; i < D * M; i++) gain = fmax(gain, fabs(lat_lds_at(lds->C, 0)[i]));
  if (!needed) return 0;
  return (noise > 0 ? noise : 1) / (gain > 0 ? gain * gain : 1);
}

void lat_lds_diffuse_initial(const lat_lds_pass *pass, double *P, double *E)
{
  const lat_lds *lds = pass->lds;
  size_t M = pass->M, q = pass->diffuse.q;
  double more = finite_variance(pass);
  memset(E, 0, M * q * sizeof *E);
  for (size_t i = 0, k = 0; i < M; i++) {
    if (lat_lds_is_diffuse(lds, i)) E[i * q + k++] = 1;
    for (size_t j = 0; j < M; j++)
      if (lat_lds_is_diffuse(lds, i) || lat_lds_is_diffuse(lds, j))
        P[i * M + j] = i == j ? more : 0;
  }
}

void lat_lds_diffuse_begin(lat_lds_pass *pass)
{
  lat_lds_diffuse *d = &pass->diffuse;
  size_t q = d->q;
  lat_lds_diffuse_initial(pass, pass->belief.covariance, d->ahead_E);
  memset(d->information, 0, q * q * sizeof *d->information);
  memset(d->score, 0, q * sizeof *d->score);
  memset(d->uncancelled, 0, q * sizeof *d->uncancelled);
  d->on = true;
  d->steps = 0;
  solve_information(d);
}

/* mean := x + E delta, covariance := P + E spread E' */
static void write_moments(const lat_lds_pass *pass, const double *E, double *mean,
                          double *covariance)
{
  const lat_lds_diffuse *d = &pass->diffuse;
  size_t M = pass->M;
  memcpy(mean, pass->belief.mean, M * sizeof *mean);
  memcpy(covariance, pass->belief.covariance, M * M * sizeof *covariance);
  lat_lds_product(M, d->q, E, d->delta, LDS_ADD, mean);
  lat_lds_diffuse_add_covariance(d, M, E, covariance);
}

void lat_lds_diffuse_predict(lat_lds_pass *pass, size_t t)
{
  lat_lds_diffuse *d = &pass->diffuse;
  size_t M = pass->M, q = d->q;
  double *E = d->ahead_E + t * M * q;
  memcpy(d->ahead_x + t * M, pass->belief.mean, M * sizeof *d->x);
  memcpy(d->ahead_P + t * M * M, pass->belief.covariance, M * M * sizeof *d->P);
  if (t > 0)
    lat_lds_multiply(M, q, M, lat_lds_at(pass->lds->A, t), M, 1, d->E + (t - 1) * M * q, LDS_SET,
                     E);
  write_moments(pass, E, pass->predicted_means + t * M, pass->predicted_covariances + t * M * M);
}

/* information += X'X, score += X'e. */
static void add_information(lat_lds_pass *pass, const double *E)
{
  lat_lds_diffuse *d = &pass->diffuse;
  const lat_lds_workspace *w = &pass->step;
  size_t M = pass->M, q = d->q, p = w->count;
  lat_lds_multiply(p, q, M, w->C, M, 1, E, LDS_SET, d->X);
  lat_lds_solve_lower(p, q, w->factor, w->inverse, d->X);
  for (size_t k = 0; k < p; k++)
    for (size_t i = 0; i < q; i++) {
      double most = 0;
      for (size_t m = 0; m < M; m++) most += fabs(w->C[k * M + m] * E[m * q + i]);
      most *= w->inverse[k];
      d->uncancelled[i] += most * most;
      d->score[i] += d->X[k * q + i] * w->whitened[k];
      for (size_t j = 0; j < q; j++) d->information[i * q + j] += d->X[k * q + i] * d->X[k * q + j];
    }
}

/* Where R may be singular: variances that are only rounding of what they were before delta was
 * known become 0. */
static void clear_rounding(const lat_lds_pass *pass, size_t t)
{
  const lat_lds_diffuse *d = &pass->diffuse;
  const lat_lds_belief *b = &pass->belief;
  size_t M = pass->M, q = d->q;
  for (size_t i = 0; b->scale && i < M; i++) {
    double deviation = 0, least = b->root ? LDS_DEVIATION_ROUNDING * LDS_DEVIATION_ROUNDING
                                          : LDS_VARIANCE_ROUNDING;
    for (size_t j = 0; j < q; j++)
      deviation += fabs(d->ahead_E[(t * M + i) * q + j]) * sqrt(d->spread[j * q + j]);
    b->scale[i] = fmax(b->scale[i], deviation * deviation);
    if (b->covariance[i * M + i] > least * b->scale[i]) continue;
    for (size_t j = 0; j < M; j++) b->covariance[i * M + j] = b->covariance[j * M + i] = 0;
    if (b->root) memset(b->root + i * M, 0, M * sizeof *b->root);
  }
}

/* The end of the phase: the belief becomes what is known of z. */
static void collapse(lat_lds_pass *pass, size_t t, const double *E)
{
  lat_lds_diffuse *d = &pass->diffuse;
  lat_lds_belief *b = &pass->belief;
  size_t M = pass->M, q = d->q;
  d->on = false;
  if (b->root) { /* the triangular factor of [root, E half] */
    double *EH = d->work, *X = pass->step.work;
    lat_lds_multiply(M, q, q, E, q, 1, d->half, LDS_SET, EH);
    for (size_t i = 0; i < M; i++) {
      memcpy(X + i * (M + q), b->root + i * M, M * sizeof *X);
      memcpy(X + i * (M + q) + M, EH + i * q, q * sizeof *X);
    }
    lat_lds_triangular_factor(M, M + q, X, b->root, X + M * (M + q));
  }
  memcpy(b->mean, pass->means + t * M, M * sizeof *b->mean);
  memcpy(b->covariance, pass->covariances + t * M * M, M * M * sizeof *b->covariance);
  clear_rounding(pass, t);
}

void lat_lds_diffuse_clear_rounding(size_t M, size_t q, const double *before, size_t p,
                                    const double *gain, size_t row, size_t col, const double *X,
                                    double least, double *E)
{
  for (size_t i = 0; i < M; i++) {
    double was = lat_lds_norm(q, before + i * q);
    for (size_t k = 0; k < p; k++)
      was += fabs(gain[i * row + k * col]) * lat_lds_norm(q, X + k * q);
    if (!(lat_lds_norm(q, E + i * q) > least * was)) memset(E + i * q, 0, q * sizeof *E);
  }
}

void lat_lds_diffuse_update(lat_lds_pass *pass, size_t t, double *log_density)
{
  lat_lds_diffuse *d = &pass->diffuse;
  size_t M = pass->M, q = d->q;
  double *E = d->E + t * M * q, before = d->limit;
  memcpy(E, d->ahead_E + t * M * q, M * q * sizeof *E);
  if (pass->step.count > 0 && !isnan(*log_density)) {
    add_information(pass, E);
    lat_lds_multiply(M, q, pass->step.count, pass->step.gain, 1, M, d->X, LDS_SUBTRACT, E);
    lat_lds_diffuse_clear_rounding(M, q, d->ahead_E + t * M * q, pass->step.count, pass->step.gain,
                                   1, M, d->X, LDS_VARIANCE_ROUNDING, E);
    solve_information(d);
    *log_density += d->limit - before;
  }
  memcpy(d->x + t * M, pass->belief.mean, M * sizeof *d->x);
  memcpy(d->P + t * M * M, pass->belief.covariance, M * M * sizeof *d->P);
  write_moments(pass, E, pass->means + t * M, pass->covariances + t * M * M);
  d->steps = t + 1;
  if (d->rank == q) collapse(pass, t, E);
}

/* ---- the smoother ---------------------------------------------------------------------------- */

void lat_lds_diffuse_mark_unknown(lat_lds_pass *pass)
{
  lat_lds_diffuse *d = &pass->diffuse;
  size_t M = pass->M, q = d->q;
  double *now = d->work, *before = d->work + M;
  for (size_t t = 0; t < pass->T; t++) {
    find_unknown(d, M, d->E + t * M * q, now);
    mark_unknown(M, M, now, now, true, pass->smoothed_covariances + t * M * M);
    if (t > 0) mark_unknown(M, M, now, before, false, pass->lag_covariances + t * M * M);
    memcpy(before, now, M * sizeof *now);
  }
}
