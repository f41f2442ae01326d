/* lds/noiseless.c: updates by observations with little noise or none, and the square-root form.
 *
 * An entry of y may have no variance given the entries before it: of two outputs without noise that
 * see the same of the state the second says nothing, and neither does an output without noise of a
 * state that is known. The covariance S of y is then singular, and the update goes entry by entry
 * (Koopman, Durbin, Journal of Time Series Analysis 21, 2000; so do KFAS and statsmodels): with R =
 * L D L', L of unit diagonal, the entries of inv(L) y have independent noises D_i, and each is an
 * update of its own, of variance F_i = c_i' P c_i + D_i, whose square roots are the diagonal of a
 * Cholesky factor of S. An entry with F_i = 0 is skipped and adds nothing to the likelihood. F_i is
 * 0 when D_i is 0 and c_i' P c_i is only rounding (LDS_VARIANCE_ROUNDING) of its largest recent
 * value: that before the update, and that of earlier steps, as far as their rounding may still be
 * in it (lat_lds_belief's scale). Beside a D_i that is larger than rounding, so is much less of
 * c_i' P c_i: of two outputs with little noise that see the same, it is about D_i at the second. */
#include "em/lds/internal.h"

/* ---- the usual form -------------------------------------------------------------------------- */

/* What both forms below need, in the workspace's work. */
typedef struct noiseless {
  double *before; /* M: the largest recent variances, which rounding is relative to */
  double *U;      /* p x p: R = U'U, a row of zeros where D_i is 0 */
  double *part;   /* p: reciprocals of U's diagonal, 0 likewise */
  double *P;      /* M x M: P before the update */
  double *N, *Nt, *NP, *Kt, *RKt;
} noiseless;

size_t lat_lds_noiseless_count(size_t M, size_t D)
{
  return M + 2 * D * D + D + 4 * M * M + 2 * D * M + M;
}

/* The variances before an update, or larger recent ones. */
static void set_before(const lat_lds_belief *b, size_t M, double *before)
{
  for (size_t i = 0; i < M; i++) {
    double variance = b->covariance[i * M + i];
    before[i] = b->scale ? fmax(variance, b->scale[i]) : fmax(variance, 0);
  }
}

static noiseless prepare(const lat_lds_workspace *w, const lat_lds_belief *b)
{
  size_t M = w->M, p = w->count;
  noiseless e = {.before = w->work};
  e.U = e.before + M;
  e.part = e.U + p * p;
  e.P = e.part + p;
  e.N = e.P + M * M;
  e.Nt = e.N + M * M;
  e.NP = e.Nt + M * M;
  e.Kt = e.NP + M * M;
  e.RKt = e.Kt + p * M;
  set_before(b, M, e.before);
  memcpy(e.P, b->covariance, M * M * sizeof *e.P);
  memcpy(e.U, w->R, p * p * sizeof *e.U);
  lat_lds_cholesky(p, e.U, e.part, LDS_PIVOT);
  return e;
}

/* c' P c; Pc := P c. */
static double variance_of(size_t M, const double *c, const double *P, double *Pc)
{
  double sum = 0;
  lat_lds_product(M, M, P, c, LDS_SET, Pc);
  for (size_t i = 0; i < M; i++) sum += c[i] * Pc[i];
  return sum;
}

/* A bound of the variance of c' z before the update. */
static double variance_bound(size_t M, const double *c, const double *before)
{
  double sum = 0;
  for (size_t i = 0; i < M; i++) sum += fabs(c[i]) * sqrt(before[i]);
  return sum * sum;
}

/* Whether every entry has a part of the state that is more than rounding, and noise that isn't a
 * combination of the others' noise. */
static bool all_informative(const lat_lds_workspace *w, const noiseless *e, const double *P)
{
  size_t M = w->M;
  for (size_t i = 0; i < w->count; i++) {
    const double *c = w->C + i * M;
    bool shared = !(e->part[i] > 0) && w->R[i * w->count + i] > 0;
    if (shared ||
        !(variance_of(M, c, P, e->Nt) > LDS_VARIANCE_ROUNDING * variance_bound(M, c, e->before)))
      return false;
  }
  return true;
}

/* Variances that are only rounding become 0: these states are known. */
static void clear_known(size_t M, const noiseless *e, double *P)
{
  for (size_t i = 0; i < M; i++) {
    if (P[i * M + i] > LDS_VARIANCE_ROUNDING * e->before[i]) continue;
    for (size_t j = 0; j < M; j++) P[i * M + j] = P[j * M + i] = 0;
  }
}

/* N := I - K c for p rows c and Kt = K' */
static void set_complement(size_t M, size_t p, const double *Kt, const double *c,
                           const noiseless *e)
{
  memset(e->N, 0, M * M * sizeof *e->N);
  for (size_t i = 0; i < M; i++) e->N[i * M + i] = 1;
  lat_lds_multiply(M, M, p, Kt, 1, M, c, LDS_SUBTRACT, e->N);
  lat_lds_transpose(M, M, e->N, e->Nt);
}

/* Joseph's form: P := (I - K C) P (I - K C)' + K R K', K' = inv(L') W */
static void update_jointly(const lat_lds_workspace *w, const noiseless *e, double *P)
{
  size_t M = w->M, p = w->count;
  memcpy(e->Kt, w->gain, p * M * sizeof *e->Kt);
  lat_lds_solve_upper(p, M, w->factor, w->inverse, e->Kt);
  set_complement(M, p, e->Kt, w->C, e);
  lat_lds_multiply(M, M, M, e->N, M, 1, P, LDS_SET, e->NP);
  lat_lds_multiply(p, M, p, w->R, p, 1, e->Kt, LDS_SET, e->RKt);
  lat_lds_multiply_symmetric(M, M, e->NP, M, 1, e->Nt, LDS_SET, P);
  lat_lds_multiply_symmetric(M, p, e->Kt, 1, M, e->RKt, LDS_ADD, P);
}

/* The update by entry i, with the row c of inv(L) C, the sum `most` of its terms' moduli, and the
 * noise D. Sets its row of the gain. A variance c' P c that is only rounding says nothing of the
 * state: the gain is 0 and F is D. Returns the square root of F, 0 for an entry that is skipped,
 * NaN when P isn't a covariance. */
static double update_entry(size_t M, const double *c, const double *most, double D,
                           const noiseless *e, double *gain, double *P)
{
  double *K = e->RKt, variance = variance_of(M, c, P, gain),
         bound = variance_bound(M, most, e->before),
         rounding = D > LDS_NOISY_ROUNDING * bound ? LDS_NOISY_ROUNDING : LDS_VARIANCE_ROUNDING;
  if (!(variance >= -LDS_INDEFINITE * bound) || !isfinite(variance)) return NAN;
  if (!(variance > rounding * bound)) {
    memset(gain, 0, M * sizeof *gain);
    return sqrt(D);
  }
  double F = variance + D;
  for (size_t i = 0; i < M; i++) {
    K[i] = gain[i] / F;
    gain[i] /= sqrt(F);
  }
  set_complement(M, 1, K, c, e);
  lat_lds_multiply(M, M, M, e->N, M, 1, P, LDS_SET, e->NP);
  lat_lds_multiply_symmetric(M, M, e->NP, M, 1, e->Nt, LDS_SET, P);
  for (size_t i = 0; i < M; i++)
    for (size_t j = 0; j < M; j++) P[i * M + j] += D * (K[i] * K[j]);
  if (!(D > 0)) clear_known(M, e, P);
  return sqrt(F);
}

/* Entry by entry; the rows c_i of inv(L) C are stored in Kt. Factor and gain are made those of S,
 * whose factor is L L* with L*_ik = c_i' G_k, L*_ii = F_i^(1/2). */
static bool update_entries(lat_lds_workspace *w, const noiseless *e, double *P)
{
  size_t M = w->M, p = w->count;
  double *own = e->RKt + p * M, *most = own + p * p; /* p x p: L* by rows; M */
  memset(w->factor, 0, p * p * sizeof *w->factor);
  for (size_t i = 0; i < p; i++) {
    double *c = e->Kt + i * M, *G = w->gain + i * M, D = 0;
    memcpy(c, w->C + i * M, M * sizeof *c);
    for (size_t j = 0; j < M; j++) most[j] = fabs(c[j]);
    for (size_t k = 0; k < i; k++) {
      double factor = e->U[k * p + i] * e->part[k];
      lat_lds_subtract_row(M, 0, factor, e->Kt + k * M, c);
      for (size_t j = 0; j < M; j++) most[j] += fabs(factor * e->Kt[k * M + j]);
    }
    for (size_t k = 0; k < i; k++) {
      own[i * p + k] = 0;
      for (size_t j = 0; j < M; j++) own[i * p + k] += c[j] * w->gain[k * M + j];
    }
    if (e->part[i] > 0) D = e->U[i * p + i] * e->U[i * p + i];
    double root = own[i * p + i] = update_entry(M, c, most, D, e, G, P);
    if (isnan(root)) return false;
    w->inverse[i] = root > 0 ? 1 / root : 0;
    if (!(root > 0)) w->used--;
    for (size_t k = 0; k <= i; k++) {
      double sum = own[i * p + k];
      for (size_t j = k; j < i; j++) sum += e->U[j * p + i] * e->part[j] * own[j * p + k];
      w->factor[k * p + i] = own[k * p + k] > 0 ? sum : 0;
    }
  }
  return true;
}

bool lat_lds_update_noiseless(lat_lds_workspace *w, bool definite, lat_lds_belief *b)
{
  double *P = b->covariance;
  noiseless e = prepare(w, b);
  if (!definite || !all_informative(w, &e, P)) {
    if (update_entries(w, &e, P)) return true;
    memcpy(P, e.P, w->M * w->M * sizeof *P);
    return false;
  }
  update_jointly(w, &e, P);
  bool certain = false;
  for (size_t i = 0; i < w->count; i++) certain |= !(e.part[i] > 0);
  if (certain) clear_known(w->M, &e, P);
  return true;
}

/* ---- moments --------------------------------------------------------------------------------- */

/* Cholesky's factor of S; a pivot that is only rounding gives a row of zeros. */
static bool factor_moments(lat_lds_workspace *w)
{
  size_t p = w->count;
  double *S = w->factor, *diagonal = w->work;
  for (size_t k = 0; k < p; k++) diagonal[k] = S[k * p + k];
  for (size_t k = 0; k < p; k++) {
    double *row = S + k * p, pivot = row[k];
    if (!(pivot >= -LDS_INDEFINITE * diagonal[k]) || !isfinite(pivot)) return false;
    bool skipped = !(pivot > LDS_PIVOT * diagonal[k]);
    w->inverse[k] = skipped ? 0 : 1 / sqrt(pivot);
    if (skipped) w->used--;
    for (size_t j = k; j < p; j++) row[j] *= w->inverse[k];
    for (size_t i = k + 1; i < p; i++) lat_lds_subtract_row(p, i, row[i], row, S + i * p);
  }
  return true;
}

bool lat_lds_update_covariance_by_moments(lat_lds_workspace *w, double *P)
{
  size_t M = w->M, p = w->count;
  double *before = w->work;
  w->used = p;
  if (!factor_moments(w)) return false;
  for (size_t i = 0; i < M; i++) before[i] = P[i * M + i];
  lat_lds_solve_lower(p, M, w->factor, w->inverse, w->gain);
  lat_lds_multiply_symmetric(M, p, w->gain, 1, M, w->gain, LDS_SUBTRACT, P);
  for (size_t i = 0; i < M; i++) {
    if (P[i * M + i] > LDS_PIVOT * before[i]) continue;
    for (size_t j = 0; j < M; j++) P[i * M + j] = P[j * M + i] = 0;
  }
  return true;
}

/* ---- the square-root form -------------------------------------------------------------------- */

size_t lat_lds_update_root_count(size_t M, size_t D)
{
  size_t n = M + D;
  return n * n + 2 * n + D * D + D * M + M;
}

/* The transpose of [R_root, C root; 0, root], whose triangular form is [L, 0; G, root of the
 * posterior]. Below the diagonal a column has parts of the state only, so an entry's own noise
 * stays in its row. */
static double *set_array(const lat_lds_workspace *w, const lat_lds_belief *b, double *R_root,
                         double *least)
{
  size_t M = w->M, p = w->count, n = p + M;
  double *X = w->work, *CS = R_root + p * p, *before = CS + p * M;
  set_before(b, M, before);
  lat_lds_multiply(p, M, M, w->C, M, 1, b->root, LDS_SET, CS);
  memset(X, 0, n * n * sizeof *X);
  memset(least, 0, n * sizeof *least);
  for (size_t i = 0; i < p; i++) {
    for (size_t k = 0; k <= i; k++) X[k * n + i] = R_root[i * p + k];
    for (size_t j = 0; j < M; j++) {
      X[(p + j) * n + i] = CS[i * M + j];
      least[i] += LDS_DEVIATION_ROUNDING * fabs(w->C[i * M + j]) * sqrt(before[j]);
    }
  }
  bool certain = false;
  for (size_t i = 0; i < p; i++) certain |= !(R_root[i * p + i] > 0);
  for (size_t i = 0; i < M; i++) {
    for (size_t j = 0; j < M; j++) X[(p + j) * n + p + i] = b->root[i * M + j];
    if (certain) least[p + i] = LDS_DEVIATION_ROUNDING * sqrt(before[i]);
  }
  return X;
}

bool lat_lds_update_root(lat_lds_workspace *w, lat_lds_belief *b)
{
  size_t M = w->M, p = w->count, n = p + M;
  double *least = w->work + n * n, *work = least + n, *R_root = work + n;
  if (!lat_lds_root(p, w->R, R_root)) return false;
  double *X = set_array(w, b, R_root, least);
  lat_lds_triangularize(n, n, X, p, least, work);
  for (size_t i = 0; i < p; i++) {
    double root = X[i * n + i];
    if (!isfinite(root)) return false;
    w->inverse[i] = root > 0 ? 1 / root : 0;
    if (!(root > 0)) w->used--;
    memcpy(w->factor + i * p, X + i * n, p * sizeof *X);
    memcpy(w->gain + i * M, X + i * n + p, M * sizeof *X);
  }
  for (size_t i = 0; i < M; i++)
    for (size_t j = 0; j < M; j++) b->root[i * M + j] = X[(p + j) * n + p + i];
  lat_lds_covariance_of_root(M, b->root, b->covariance, w->work);
  return true;
}
