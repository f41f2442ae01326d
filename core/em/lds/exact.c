/* exact.c: updates by observations that have little noise or none.
 *
 * An entry of y may have no variance at all given those before it: of two outputs without noise that
 * see the same of the state the second says nothing, and neither does an output without noise of a
 * state that is known. The covariance S of y is then singular, and the filter goes on entry by entry
 * (Koopman, Durbin, Journal of Time Series Analysis 21, 2000; KFAS; statsmodels): with R = L D L', L of unit
 * diagonal, the entries of inv(L) y have independent noises D_i, and each is an update of its own,
 * of variance F_i = c_i' P c_i + D_i, whose roots are the diagonal of a Cholesky factor of S.
 * An entry with F_i = 0 is skipped and adds nothing to the likelihood. F_i is 0 when D_i is and c_i' P c_i
 * is no more than rounding (LDS_DEPENDENT) of what it has lately been: before the update, and with its part that
 * rounding of former steps may still have (lat_lds_belief's scale). */
#include "em/lds/internal.h"

/* A pivot of R that is less of its diagonal element is 0. */
#define NO_NOISE 1e-14
/* Of a variance: below this, the negative of one is more than rounding. */
#define INDEFINITE 1e-8

/* ---- reflections -------------------------------------------------------------------------------- */

/* The length of column k of X (n x m) from row `first` on. */
static double length_of(size_t n, size_t m, const double *X, size_t first, size_t k)
{
  double most = 0, sum = 0;
  for (size_t i = first; i < n; i++) most = fmax(most, fabs(X[i * m + k]));
  if (!(most > 0)) return 0;
  for (size_t i = first; i < n; i++) {
    double x = X[i * m + k] / most;
    sum += x * x;
  }
  return most * sqrt(sum);
}

static void clear(size_t n, size_t m, double *X, size_t first, size_t k)
{
  for (size_t i = first; i < n; i++) X[i * m + k] = 0;
}

/* row (m) -= factor * other (m), from column k on */
LAT_INLINE void take_off(size_t m, size_t k, double factor, const double *other, double *row)
{
  for (size_t j = k; j < m; j++) row[j] -= factor * other[j];
}

LAT_CLONES static void reflect(size_t n, size_t m, double *X, size_t k, double length, double *w)
{
  double *pivot = X + k * m, alpha = pivot[k], beta = -copysign(hypot(alpha, length), alpha);
  double scale = 1 / (alpha - beta), tau = (beta - alpha) / beta;
  memcpy(w + k, pivot + k, (m - k) * sizeof *w);
  for (size_t i = k + 1; i < n; i++)
    if (X[i * m + k] != 0) take_off(m, k + 1, -scale * X[i * m + k], X + i * m, w);
  take_off(m, k + 1, tau, w, pivot);
  for (size_t i = k + 1; i < n; i++) {
    if (X[i * m + k] == 0) continue;
    take_off(m, k + 1, tau * scale * X[i * m + k], w, X + i * m);
    X[i * m + k] = 0;
  }
  pivot[k] = beta;
}

void lat_lds_reduce(size_t n, size_t m, double *X, size_t own, const double *least, double *work)
{
  for (size_t k = 0; k < n && k < m; k++) {
    for (size_t j = k; k == own && j < m; j++)
      if (!(length_of(n, m, X, k, j) > least[j])) clear(n, m, X, k, j);
    if (k >= own && !(length_of(n, m, X, k, k) > least[k])) clear(n, m, X, k, k);
    double length = length_of(n, m, X, k + 1, k);
    if (length > least[k])
      reflect(n, m, X, k, length, work);
    else
      clear(n, m, X, k + 1, k);
    if (X[k * m + k] < 0)
      for (size_t j = k; j < m; j++) X[k * m + j] = -X[k * m + j];
  }
}

/* ---- the usual form ----------------------------------------------------------------------------- */

/* What both ways need, in the frame's work. */
typedef struct exact {
  double *before; /* M: the variances of which rounding is a part */
  double *U;      /* p x p: R = U'U, a row of zeros where D_i is 0 */
  double *part;   /* p: reciprocals of U's diagonal, 0 likewise */
  double *P;      /* M x M: P before the update */
  double *N, *Nt, *NP, *Kt, *RKt;
} exact;

size_t lat_lds_exact_count(size_t M, size_t D)
{
  return M + 2 * D * D + D + 4 * M * M + 2 * D * M + M;
}

/* Variances before an update, or what they have lately been. */
static void take_scale(const lat_lds_belief *b, size_t M, double *before)
{
  for (size_t i = 0; i < M; i++) {
    double variance = b->covariance[i * M + i];
    before[i] = b->scale ? fmax(variance, b->scale[i]) : fmax(variance, 0);
  }
}

static exact prepare(const lat_lds_frame *f, const lat_lds_belief *b)
{
  size_t M = f->M, p = f->count;
  exact e = {.before = f->work};
  e.U = e.before + M;
  e.part = e.U + p * p;
  e.P = e.part + p;
  e.N = e.P + M * M;
  e.Nt = e.N + M * M;
  e.NP = e.Nt + M * M;
  e.Kt = e.NP + M * M;
  e.RKt = e.Kt + p * M;
  take_scale(b, M, e.before);
  memcpy(e.P, b->covariance, M * M * sizeof *e.P);
  memcpy(e.U, f->R, p * p * sizeof *e.U);
  lat_lds_cholesky(p, e.U, e.part, NO_NOISE);
  return e;
}

/* c' P c; Pc := P c. */
static double variance_of(size_t M, const double *c, const double *P, double *Pc)
{
  double sum = 0;
  lat_lds_apply(M, M, P, c, LDS_SET, Pc);
  for (size_t i = 0; i < M; i++) sum += c[i] * Pc[i];
  return sum;
}

/* The most that c' z can vary before the update. */
static double most_of(size_t M, const double *c, const double *before)
{
  double sum = 0;
  for (size_t i = 0; i < M; i++) sum += fabs(c[i]) * sqrt(before[i]);
  return sum * sum;
}

/* Whether every entry sees something of the state that is more than rounding, and by itself unless it has
 * noise that isn't the others'. */
static bool all_see(const lat_lds_frame *f, const exact *e, const double *P)
{
  size_t M = f->M;
  for (size_t i = 0; i < f->count; i++) {
    const double *c = f->C + i * M;
    bool shared = !(e->part[i] > 0) && f->R[i * f->count + i] > 0;
    if (shared || !(variance_of(M, c, P, e->Nt) > LDS_DEPENDENT * most_of(M, c, e->before)))
      return false;
  }
  return true;
}

/* States of which next to nothing is left are known. */
static void settle_known(size_t M, const exact *e, double *P)
{
  for (size_t i = 0; i < M; i++) {
    if (P[i * M + i] > LDS_DEPENDENT * e->before[i]) continue;
    for (size_t j = 0; j < M; j++) P[i * M + j] = P[j * M + i] = 0;
  }
}

/* N := I - K c for p rows c and Kt = K' */
static void set_rest(size_t M, size_t p, const double *Kt, const double *c, const exact *e)
{
  memset(e->N, 0, M * M * sizeof *e->N);
  for (size_t i = 0; i < M; i++) e->N[i * M + i] = 1;
  lat_lds_multiply(M, M, p, Kt, 1, M, c, LDS_SUBTRACT, e->N);
  lat_lds_transpose(M, M, e->N, e->Nt);
}

/* P := (I - K C) P (I - K C)' + K R K', K' = inv(L') W */
static void correct_together(const lat_lds_frame *f, const exact *e, double *P)
{
  size_t M = f->M, p = f->count;
  memcpy(e->Kt, f->gain, p * M * sizeof *e->Kt);
  lat_lds_solve_upper(p, M, f->factor, f->inverse, e->Kt);
  set_rest(M, p, e->Kt, f->C, e);
  lat_lds_multiply(M, M, M, e->N, M, 1, P, LDS_SET, e->NP);
  lat_lds_multiply(p, M, p, f->R, p, 1, e->Kt, LDS_SET, e->RKt);
  lat_lds_multiply_symmetric(M, M, e->NP, M, 1, e->Nt, LDS_SET, P);
  lat_lds_multiply_symmetric(M, p, e->Kt, 1, M, e->RKt, LDS_ADD, P);
}

/* Entry i by its row c of inv(L) C, which is a sum of as much as `most`; its noise D; and a row of the gain,
 * which comes out. What is but rounding of a variance says nothing of the state: there is no gain then, and F is
 * D. Returns the root of F, 0 for an entry that is skipped, NaN when P isn't a covariance. */
static double correct_one(size_t M, const double *c, const double *most, double D, const exact *e,
                          double *gain, double *P)
{
  double *K = e->RKt, variance = variance_of(M, c, P, gain), of = most_of(M, most, e->before);
  if (!(variance >= -INDEFINITE * of) || !isfinite(variance)) return NAN;
  if (!(variance > LDS_DEPENDENT * of)) {
    memset(gain, 0, M * sizeof *gain);
    return sqrt(D);
  }
  double F = variance + D;
  for (size_t i = 0; i < M; i++) {
    K[i] = gain[i] / F;
    gain[i] /= sqrt(F);
  }
  set_rest(M, 1, K, c, e);
  lat_lds_multiply(M, M, M, e->N, M, 1, P, LDS_SET, e->NP);
  lat_lds_multiply_symmetric(M, M, e->NP, M, 1, e->Nt, LDS_SET, P);
  for (size_t i = 0; i < M; i++)
    for (size_t j = 0; j < M; j++) P[i * M + j] += D * (K[i] * K[j]);
  if (!(D > 0)) settle_known(M, e, P);
  return sqrt(F);
}

/* Entry by entry: c_i of inv(L) C take Kt's place. Factor and gain are those of S: its factor is L L*, where
 * L*_ik = c_i' G_k, and L*_ii is the root of F_i. */
static bool correct_singly(lat_lds_frame *f, const exact *e, double *P)
{
  size_t M = f->M, p = f->count;
  double *own = e->RKt + p * M, *most = own + p * p; /* p x p: L* by rows; M */
  memset(f->factor, 0, p * p * sizeof *f->factor);
  for (size_t i = 0; i < p; i++) {
    double *c = e->Kt + i * M, *G = f->gain + i * M, D = 0;
    memcpy(c, f->C + i * M, M * sizeof *c);
    for (size_t j = 0; j < M; j++) most[j] = fabs(c[j]);
    for (size_t k = 0; k < i; k++) {
      double factor = e->U[k * p + i] * e->part[k];
      take_off(M, 0, factor, e->Kt + k * M, c);
      for (size_t j = 0; j < M; j++) most[j] += fabs(factor * e->Kt[k * M + j]);
    }
    for (size_t k = 0; k < i; k++) {
      own[i * p + k] = 0;
      for (size_t j = 0; j < M; j++) own[i * p + k] += c[j] * f->gain[k * M + j];
    }
    if (e->part[i] > 0) D = e->U[i * p + i] * e->U[i * p + i];
    double root = own[i * p + i] = correct_one(M, c, most, D, e, G, P);
    if (isnan(root)) return false;
    f->inverse[i] = root > 0 ? 1 / root : 0;
    if (!(root > 0)) f->used--;
    for (size_t k = 0; k <= i; k++) {
      double sum = own[i * p + k];
      for (size_t j = k; j < i; j++) sum += e->U[j * p + i] * e->part[j] * own[j * p + k];
      f->factor[k * p + i] = own[k * p + k] > 0 ? sum : 0;
    }
  }
  return true;
}

bool lat_lds_update_exactly(lat_lds_frame *f, bool definite, lat_lds_belief *b)
{
  double *P = b->covariance;
  exact e = prepare(f, b);
  if (!definite || !all_see(f, &e, P)) {
    if (correct_singly(f, &e, P)) return true;
    memcpy(P, e.P, f->M * f->M * sizeof *P);
    return false;
  }
  correct_together(f, &e, P);
  bool certain = false;
  for (size_t i = 0; i < f->count; i++) certain |= !(e.part[i] > 0);
  if (certain) settle_known(f->M, &e, P);
  return true;
}

/* ---- moments ------------------------------------------------------------------------------------ */

/* The factor of S by a Cholesky of which pivots that are rounding make rows of zeros. */
static bool factor_moments(lat_lds_frame *f)
{
  size_t p = f->count;
  double *S = f->factor, *diagonal = f->work;
  for (size_t k = 0; k < p; k++) diagonal[k] = S[k * p + k];
  for (size_t k = 0; k < p; k++) {
    double *row = S + k * p, pivot = row[k];
    if (!(pivot >= -INDEFINITE * diagonal[k]) || !isfinite(pivot)) return false;
    bool skipped = !(pivot > NO_NOISE * diagonal[k]);
    f->inverse[k] = skipped ? 0 : 1 / sqrt(pivot);
    if (skipped) f->used--;
    for (size_t j = k; j < p; j++) row[j] *= f->inverse[k];
    for (size_t i = k + 1; i < p; i++) take_off(p, i, row[i], row, S + i * p);
  }
  return true;
}

bool lat_lds_update_moments(lat_lds_frame *f, double *P)
{
  size_t M = f->M, p = f->count;
  double *before = f->work;
  f->used = p;
  if (!factor_moments(f)) return false;
  for (size_t i = 0; i < M; i++) before[i] = P[i * M + i];
  lat_lds_solve_lower(p, M, f->factor, f->inverse, f->gain);
  lat_lds_multiply_symmetric(M, p, f->gain, 1, M, f->gain, LDS_SUBTRACT, P);
  for (size_t i = 0; i < M; i++) {
    if (P[i * M + i] > NO_NOISE * before[i]) continue;
    for (size_t j = 0; j < M; j++) P[i * M + j] = P[j * M + i] = 0;
  }
  return true;
}

/* ---- the square-root form ----------------------------------------------------------------------- */

size_t lat_lds_root_count(size_t M, size_t D)
{
  size_t n = M + D;
  return n * n + 2 * n + D * D + D * M + M;
}

/* [R_root, C root; 0, root], transposed: its triangle is [L, 0; G, root of the posterior]. Below the diagonal
 * a column has parts of the state only, so an entry's own noise stays in its row until then. */
static double *set_out(const lat_lds_frame *f, const lat_lds_belief *b, double *R_root,
                       double *least)
{
  size_t M = f->M, p = f->count, n = p + M;
  double *X = f->work, *CS = R_root + p * p, *before = CS + p * M;
  take_scale(b, M, before);
  lat_lds_multiply(p, M, M, f->C, M, 1, b->root, LDS_SET, CS);
  memset(X, 0, n * n * sizeof *X);
  memset(least, 0, n * sizeof *least);
  for (size_t i = 0; i < p; i++) {
    for (size_t k = 0; k <= i; k++) X[k * n + i] = R_root[i * p + k];
    for (size_t j = 0; j < M; j++) {
      X[(p + j) * n + i] = CS[i * M + j];
      least[i] += LDS_DEPENDENT_ROOT * fabs(f->C[i * M + j]) * sqrt(before[j]);
    }
  }
  bool certain = false;
  for (size_t i = 0; i < p; i++) certain |= !(R_root[i * p + i] > 0);
  for (size_t i = 0; i < M; i++) {
    for (size_t j = 0; j < M; j++) X[(p + j) * n + p + i] = b->root[i * M + j];
    if (certain) least[p + i] = LDS_DEPENDENT_ROOT * sqrt(before[i]);
  }
  return X;
}

bool lat_lds_update_root(lat_lds_frame *f, lat_lds_belief *b)
{
  size_t M = f->M, p = f->count, n = p + M;
  double *least = f->work + n * n, *work = least + n, *R_root = work + n;
  if (!lat_lds_root(p, f->R, R_root)) return false;
  double *X = set_out(f, b, R_root, least);
  lat_lds_reduce(n, n, X, p, least, work);
  for (size_t i = 0; i < p; i++) {
    double root = X[i * n + i];
    if (!isfinite(root)) return false;
    f->inverse[i] = root > 0 ? 1 / root : 0;
    if (!(root > 0)) f->used--;
    memcpy(f->factor + i * p, X + i * n, p * sizeof *X);
    memcpy(f->gain + i * M, X + i * n + p, M * sizeof *X);
  }
  for (size_t i = 0; i < M; i++)
    for (size_t j = 0; j < M; j++) b->root[i * M + j] = X[(p + j) * n + p + i];
  lat_lds_square(M, b->root, b->covariance, f->work);
  return true;
}
