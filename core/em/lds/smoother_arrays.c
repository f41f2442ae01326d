/* lds/smoother_arrays.c: the smoother by orthogonal transformations.
 *
 * With z_t = x_t + P_t^(1/2) e_t, where e_t given y_1..t-1 has the covariance I, one
 * triangularization does a step:
 *
 *   y_t     [ R^(1/2)  C P_t^(1/2)    0     ]      [ S^(1/2)     0          0  ]
 *   z_{t+1} [    0     A P_t^(1/2)  Q^(1/2) ]  ->  [  gain   P_{t+1}^(1/2)  0  ]
 *   e_t     [    0          I         0     ]      [   B        Phi       Delta ]
 *
 * (Kailath, Sayed, Hassibi, Linear Estimation, 2000, 12), so e_t = B v + Phi e_{t+1} + Delta (noise
 * that no observation contains), with the whitened innovation v, and given all of Y
 *
 *   E[e_t] = B v + Phi E[e_{t+1}],   Cov(e_t) = [Phi Gamma, Delta] [Phi Gamma, Delta]',
 *
 * where Gamma is a root of Cov(e_{t+1}). The only divisors are standard deviations of y, and all
 * terms are added: covariances are positive semidefinite and accurate relative to themselves, also
 * where the first state is vague, or an observation has almost no noise.
 *
 * In the diffuse phase (diffuse.c) all this is given delta = delta^ + half xi, where xi ~ N(0,
 * I) once delta is known. Then y_t - C x_t = ... + C E_t delta, whitened X delta, so e_t = B (v
 * - X delta) + Phi e_{t+1} + ..., and Gamma is a root of the covariance of (e_t, xi). At the end
 * of the phase (e_t, xi) is expressed by the state's e, by triangularizing [P^(1/2), E half; I,
 * 0; 0, I]. */
#include "em/lds/internal.h"

typedef struct arrays {
  lat_lds_pass *pass;
  size_t M, D, q, K; /* K = M + q */
  size_t collapse;   /* the first step with e alone; more than T: none */
  double *X, *least, *work, *R_root, *Q_root, *CS, *AS;
  double *x, *S, *v;                 /* of the present step: mean, root, whitened innovation */
  double *E, *CE, *E_half;           /* M x q, D x q (whitened: X above), M x q */
  double *from_state, *rest;         /* K x M, K x q: (e, xi) = from_state e + rest noise */
  double *mean, *G, *TG, *Z, *z, *t; /* K, K x K, K x K, M x K, M x K, K */
  double *coefficients;              /* M x q: of delta in e */
} arrays;

/* ---- memory ---------------------------------------------------------------------------------- */

size_t lat_lds_arrays_count(size_t M, size_t D, size_t q)
{
  size_t K = M + q, widest = lat_lds_max(lat_lds_max(2 * M + D, K), M + K);
  return widest * widest + 2 * widest + D * D + M * M + D * M + M * M + M + M * M + D + 2 * M * q +
         D * q + K * M + K * q + 2 * K + 2 * K * K + 2 * M * K + 2 * M * q;
}

static arrays arrays_of(lat_lds_pass *pass, double *memory)
{
  const lat_lds_diffuse *d = &pass->diffuse;
  size_t M = pass->M, D = pass->D, q = d->q, K = M + q;
  size_t widest = lat_lds_max(lat_lds_max(2 * M + D, K), M + K);
  arrays a = {.pass = pass, .M = M, .D = D, .q = q, .K = K};
  a.collapse = q == 0 ? 0 : d->on ? pass->T + 1 : d->steps;
  a.X = lat_lds_take(&memory, widest * widest);
  a.least = lat_lds_take(&memory, widest);
  a.work = lat_lds_take(&memory, widest);
  a.R_root = lat_lds_take(&memory, D * D);
  a.Q_root = lat_lds_take(&memory, M * M);
  a.CS = lat_lds_take(&memory, D * M);
  a.AS = lat_lds_take(&memory, M * M);
  a.x = lat_lds_take(&memory, M);
  a.S = lat_lds_take(&memory, M * M);
  a.v = lat_lds_take(&memory, D);
  a.E = lat_lds_take(&memory, M * q);
  a.E_half = lat_lds_take(&memory, M * q);
  a.CE = lat_lds_take(&memory, D * q);
  a.from_state = lat_lds_take(&memory, K * M);
  a.rest = lat_lds_take(&memory, K * q);
  a.mean = lat_lds_take(&memory, K);
  a.t = lat_lds_take(&memory, K);
  a.G = lat_lds_take(&memory, K * K);
  a.TG = lat_lds_take(&memory, K * K);
  a.Z = lat_lds_take(&memory, M * K);
  a.z = lat_lds_take(&memory, M * K);
  a.coefficients = lat_lds_take(&memory, 2 * M * q);
  return a;
}

/* What step t keeps is stored where the filter's results were, which are not needed any more. */
static double *root_at(const arrays *a, size_t t)
{
  return a->pass->predicted_covariances + t * a->M * a->M;
}

static double *phi_at(const arrays *a, size_t t)
{
  return a->pass->covariances + t * a->M * a->M;
}

static double *delta_at(const arrays *a, size_t t)
{
  return a->pass->smoothed_covariances + t * a->M * a->M;
}

/* ---- forward --------------------------------------------------------------------------------- */

static bool begin(arrays *a)
{
  const lat_lds_pass *pass = a->pass;
  const lat_lds *lds = pass->lds;
  size_t M = a->M;
  double *P = a->AS;
  memcpy(a->x, lds->initial_mean, M * sizeof *a->x);
  memcpy(P, lds->initial_covariance, M * M * sizeof *P);
  if (a->q) lat_lds_diffuse_initial(pass, P, a->E);
  return lat_lds_root(M, P, a->S) && (lds->Q.stride || lat_lds_root(M, lds->Q.data, a->Q_root));
}

/* The array of step t, transposed: columns are y, z_{t+1} (except in the last step), and e_t. */
static void set_array(arrays *a, size_t t, size_t n, size_t m)
{
  const lat_lds_workspace *w = &a->pass->step;
  size_t M = a->M, p = w->count, e = m - M;
  double *X = a->X;
  memset(X, 0, n * m * sizeof *X);
  memset(a->least, 0, m * sizeof *a->least);
  lat_lds_multiply(p, M, M, w->C, M, 1, a->S, LDS_SET, a->CS);
  for (size_t j = 0; j < M; j++) {
    double length = LDS_DEVIATION_ROUNDING * lat_lds_norm(M, a->S + j * M);
    for (size_t i = 0; i < p; i++) {
      X[(p + j) * m + i] = a->CS[i * M + j];
      a->least[i] += fabs(w->C[i * M + j]) * length;
    }
    X[(p + j) * m + e + j] = 1;
  }
  bool certain = false;
  for (size_t i = 0; i < p; i++) {
    for (size_t k = 0; k <= i; k++) X[k * m + i] = a->R_root[i * p + k];
    certain |= !(a->R_root[i * p + i] > 0);
  }
  if (t + 1 == a->pass->T) return;
  lat_lds_multiply(M, M, M, lat_lds_at(a->pass->lds->A, t + 1), M, 1, a->S, LDS_SET, a->AS);
  for (size_t i = 0; i < M; i++) {
    for (size_t j = 0; j < M; j++) {
      X[(p + j) * m + p + i] = a->AS[i * M + j];
      X[(p + M + j) * m + p + i] = a->Q_root[i * M + j];
    }
    bool moved = lat_lds_at(a->pass->lds->Q, t + 1)[i * M + i] > 0;
    if (certain && !moved)
      a->least[p + i] = LDS_DEVIATION_ROUNDING * lat_lds_norm(M, a->AS + i * M);
  }
}

/* b (p x m) := inv(L) b by the triangular form in X; 0 for entries without a variance. */
static void whiten(const arrays *a, size_t stride, size_t m, double *b)
{
  size_t p = a->pass->step.count;
  for (size_t k = 0; k < p; k++) {
    double root = a->X[k * stride + k];
    for (size_t j = 0; j < m; j++) {
      double sum = b[k * m + j];
      for (size_t l = 0; l < k; l++) sum -= a->X[l * stride + k] * b[l * m + j];
      b[k * m + j] = root > 0 ? sum / root : 0;
    }
  }
}

/* to (M x m) += sign G b, where G' (p x M) begins in column `first` of X: the gain, or B. */
static void add_gain(const arrays *a, size_t stride, size_t first, double sign, size_t m,
                     const double *b, double *to)
{
  for (size_t k = 0; k < a->pass->step.count; k++)
    for (size_t i = 0; i < a->M; i++)
      for (size_t j = 0; j < m; j++)
        to[i * m + j] += sign * a->X[k * stride + first + i] * b[k * m + j];
}

/* Keeps B v, Phi and Delta of step t, and in the diffuse phase B X. */
static void keep_step(arrays *a, size_t t, size_t m)
{
  size_t M = a->M, p = a->pass->step.count, e = m - M;
  double *phi = phi_at(a, t), *delta = delta_at(a, t), *Bv = a->pass->means + t * M;
  bool last = t + 1 == a->pass->T;
  for (size_t i = 0; i < M; i++)
    for (size_t j = 0; j < M; j++) {
      phi[i * M + j] = last ? 0 : a->X[(p + j) * m + e + i];
      delta[i * M + j] = a->X[(e + j) * m + e + i];
    }
  memset(Bv, 0, M * sizeof *Bv);
  add_gain(a, m, e, 1, 1, a->v, Bv);
  if (t >= a->collapse) return;
  double *BX = a->pass->diffuse.E + t * M * a->q;
  memset(BX, 0, M * a->q * sizeof *BX);
  add_gain(a, m, e, 1, a->q, a->CE, BX);
}

/* x, S and E of the next step. */
static void predict_next(arrays *a, size_t t, size_t m)
{
  const lat_lds_pass *pass = a->pass;
  size_t M = a->M, p = pass->step.count;
  const double *A = lat_lds_at(pass->lds->A, t + 1);
  lat_lds_product(M, M, A, pass->predicted_means + t * M, LDS_SET, a->x);
  add_gain(a, m, p, 1, 1, a->v, a->x);
  if (pass->U)
    lat_lds_add_input(M, lat_lds_at(pass->lds->B, t + 1), pass->U,
                      pass->sequence->U + (t + 1) * pass->U, a->x);
  for (size_t i = 0; i < M; i++)
    for (size_t j = 0; j < M; j++) a->S[i * M + j] = a->X[(p + j) * m + p + i];
  if (t >= a->collapse) return;
  lat_lds_multiply(M, a->q, M, A, M, 1, pass->diffuse.ahead_E + t * M * a->q, LDS_SET, a->E);
  add_gain(a, m, p, -1, a->q, a->CE, a->E);
}

static bool step(arrays *a, size_t t)
{
  lat_lds_pass *pass = a->pass;
  const lat_lds *lds = pass->lds;
  lat_lds_workspace *w = &pass->step;
  size_t M = a->M, q = a->q;
  bool last = t + 1 == pass->T;
  lat_lds_select_observed(w, lat_lds_at(lds->C, t), lat_lds_at(lds->R, t),
                          pass->sequence->Y + t * a->D, lat_lds_offset(pass, t), a->x);
  size_t p = w->count, m = p + (last ? M : 2 * M);
  if (!lat_lds_root(p, w->R, a->R_root)) return false;
  if (!last && lds->Q.stride && !lat_lds_root(M, lat_lds_at(lds->Q, t + 1), a->Q_root))
    return false;
  memcpy(pass->predicted_means + t * M, a->x, M * sizeof *a->x);
  memcpy(root_at(a, t), a->S, M * M * sizeof *a->S);
  set_array(a, t, m, m);
  lat_lds_triangularize(m, m, a->X, w->count, a->least, a->work);
  memcpy(a->v, w->residual, p * sizeof *a->v);
  whiten(a, m, 1, a->v);
  if (t < a->collapse) {
    double *E = pass->diffuse.ahead_E + t * M * q;
    memcpy(E, a->E, M * q * sizeof *E);
    lat_lds_multiply(p, q, M, w->C, M, 1, E, LDS_SET, a->CE);
    whiten(a, m, q, a->CE);
  }
  keep_step(a, t, m);
  if (!last) predict_next(a, t, m);
  return true;
}

/* E half */
static void set_half(arrays *a, const double *E)
{
  lat_lds_multiply(a->M, a->q, a->q, E, a->q, 1, a->pass->diffuse.half, LDS_SET, a->E_half);
}

/* The end of the diffuse phase: x and S become what is known of z. */
static void collapse(arrays *a)
{
  size_t M = a->M, q = a->q, K = a->K, m = M + K;
  double *X = a->X;
  set_half(a, a->E);
  lat_lds_product(M, q, a->E, a->pass->diffuse.delta, LDS_ADD, a->x);
  memset(X, 0, K * m * sizeof *X);
  memset(a->least, 0, m * sizeof *a->least);
  for (size_t k = 0; k < K; k++) {
    for (size_t i = 0; i < M; i++)
      X[k * m + i] = k < M ? a->S[i * M + k] : a->E_half[i * q + k - M];
    X[k * m + M + k] = 1;
  }
  lat_lds_triangularize(K, m, X, 0, a->least, a->work);
  for (size_t i = 0; i < M; i++)
    for (size_t j = 0; j < M; j++) a->S[i * M + j] = X[j * m + i];
  for (size_t i = 0; i < K; i++) {
    for (size_t j = 0; j < M; j++) a->from_state[i * M + j] = X[j * m + M + i];
    for (size_t j = 0; j < q; j++) a->rest[i * q + j] = X[(M + j) * m + M + i];
  }
}

/* ---- backward -------------------------------------------------------------------------------- */

/* From smoother.c's r and N at step `steps`: E[e] = S' r, and a root of Cov(e) = I - S' N S. */
static void begin_from_recursion(arrays *a)
{
  const lat_lds_back *back = &a->pass->back;
  size_t M = a->M;
  double *values = a->least, *V = a->X, *NS = a->AS;
  memset(a->mean, 0, M * sizeof *a->mean);
  for (size_t l = 0; l < M; l++)
    for (size_t i = 0; i < M; i++) a->mean[i] += a->S[l * M + i] * back->safe_r[l];
  memset(V, 0, M * M * sizeof *V);
  for (size_t i = 0; i < M; i++) V[i * M + i] = 1;
  lat_lds_multiply(M, M, M, back->safe_N, M, 1, a->S, LDS_SET, NS);
  lat_lds_multiply_symmetric(M, M, a->S, 1, M, NS, LDS_SUBTRACT, V);
  lat_lds_eigenvectors(M, V, values, V + M * M);
  for (size_t i = 0; i < M; i++)
    for (size_t k = 0; k < M; k++)
      a->G[i * M + k] = values[k] > 0 ? V[k * M + i] * sqrt(values[k]) : 0;
  lat_lds_multiply(M, M, M, a->S, M, 1, a->G, LDS_SET, a->Z);
}

/* From the state's e to (e, xi): the mean, and the root [from_state G, rest]. */
static void expand(arrays *a)
{
  size_t M = a->M, q = a->q, K = a->K;
  memcpy(a->t, a->mean, M * sizeof *a->t);
  lat_lds_product(K, M, a->from_state, a->t, LDS_SET, a->mean);
  lat_lds_multiply(K, M, M, a->from_state, M, 1, a->G, LDS_SET, a->TG);
  memcpy(a->z, a->Z, M * M * sizeof *a->z);
  memset(a->Z, 0, M * K * sizeof *a->Z);
  for (size_t i = 0; i < M; i++) memcpy(a->Z + i * K, a->z + i * M, M * sizeof *a->Z);
  for (size_t i = 0; i < K; i++) {
    memcpy(a->G + i * K, a->TG + i * M, M * sizeof *a->G);
    memcpy(a->G + i * K + M, a->rest + i * q, q * sizeof *a->G);
  }
}

/* Behind the last step: e isn't needed, xi ~ N(0, I). */
static void begin_from_end(arrays *a)
{
  size_t width = a->q && a->collapse >= a->pass->T ? a->K : a->M;
  memset(a->mean, 0, a->K * sizeof *a->mean);
  memset(a->G, 0, width * width * sizeof *a->G);
  for (size_t i = a->M; i < width; i++) a->G[i * width + i] = 1;
}

/* delta by the mean of xi */
static void set_delta(const arrays *a, double *delta)
{
  const lat_lds_diffuse *d = &a->pass->diffuse;
  memcpy(delta, d->delta, a->q * sizeof *delta);
  lat_lds_product(a->q, a->q, d->half, a->mean + a->M, LDS_ADD, delta);
}

/* Z (M x width) := [S, E half] G, a root of the covariance of z. */
static void set_state_root(const arrays *a, size_t t, size_t width, const double *G, double *Z)
{
  lat_lds_multiply(a->M, width, a->M, root_at(a, t), a->M, 1, G, LDS_SET, Z);
  if (width > a->M)
    lat_lds_multiply(a->M, width, a->q, a->E_half, a->q, 1, G + a->M * width, LDS_ADD, Z);
}

/* TG := the part of (e_t, xi) that is G's, and the mean of e_t. */
static void go_back(arrays *a, size_t t, size_t width)
{
  const lat_lds_pass *pass = a->pass;
  size_t M = a->M, q = a->q;
  const double *phi = phi_at(a, t);
  memcpy(a->t, pass->means + t * M, M * sizeof *a->t);
  lat_lds_product(M, M, phi, a->mean, LDS_ADD, a->t);
  lat_lds_multiply(M, width, M, phi, M, 1, a->G, LDS_SET, a->TG);
  if (width > M) {
    const double *BX = pass->diffuse.E + t * M * q;
    double *delta = a->t + M, *BX_half = a->z;
    set_delta(a, delta);
    lat_lds_product(M, q, BX, delta, LDS_SUBTRACT, a->t);
    lat_lds_multiply(M, q, q, BX, q, 1, pass->diffuse.half, LDS_SET, BX_half);
    lat_lds_multiply(M, width, q, BX_half, q, 1, a->G + M * width, LDS_SUBTRACT, a->TG);
    memcpy(a->TG + M * width, a->G + M * width, q * width * sizeof *a->TG);
    set_half(a, pass->diffuse.ahead_E + t * M * q);
  }
  memcpy(a->mean, a->t, M * sizeof *a->mean);
}

/* G := the triangular factor of [TG, (Delta; 0)] */
static void add_delta(arrays *a, size_t t, size_t width)
{
  size_t M = a->M;
  const double *delta = delta_at(a, t);
  memset(a->least, 0, width * sizeof *a->least);
  lat_lds_transpose(width, width, a->TG, a->X);
  for (size_t k = 0; k < M; k++)
    for (size_t i = 0; i < width; i++) a->X[(width + k) * width + i] = i < M ? delta[i * M + k] : 0;
  lat_lds_triangularize(width + M, width, a->X, 0, a->least, a->work);
  lat_lds_transpose(width, width, a->X, a->G);
}

/* E := the coefficients of delta in z_t given all of Y, where delta isn't known. */
static void smooth_coefficients(arrays *a, size_t t)
{
  size_t M = a->M, q = a->q;
  double *E = a->pass->diffuse.E + t * M * q, *coefficients = a->coefficients,
         *next = coefficients + M * q;
  memcpy(next, coefficients, M * q * sizeof *next);
  lat_lds_multiply(M, q, M, phi_at(a, t), M, 1, next, LDS_SET, coefficients);
  for (size_t i = 0; i < M * q; i++) coefficients[i] -= E[i];
  memcpy(E, a->pass->diffuse.ahead_E + t * M * q, M * q * sizeof *E);
  lat_lds_multiply(M, q, M, root_at(a, t), M, 1, coefficients, LDS_ADD, E);
  lat_lds_diffuse_clear_rounding(M, q, a->pass->diffuse.ahead_E + t * M * q, M, root_at(a, t), M, 1,
                                 coefficients, LDS_DIFFUSE_ROUNDING, E);
}

static void smooth_step(arrays *a, size_t t)
{
  lat_lds_pass *pass = a->pass;
  size_t M = a->M, width = t < a->collapse ? a->K : M;
  double *mean = pass->smoothed_means + t * M, *lag = pass->lag_covariances + (t + 1) * M * M;
  double *covariance = pass->smoothed_covariances + t * M * M, *transposed = a->X;
  go_back(a, t, width);
  if (t + 1 < pass->T) {
    set_state_root(a, t, width, a->TG, a->z);
    lat_lds_transpose(M, width, a->z, transposed);
    lat_lds_multiply(M, M, width, a->Z, width, 1, transposed, LDS_SET, lag);
  }
  add_delta(a, t, width);
  set_state_root(a, t, width, a->G, a->Z);
  lat_lds_transpose(M, width, a->Z, transposed);
  lat_lds_multiply_symmetric(M, width, a->Z, width, 1, transposed, LDS_SET, covariance);
  memcpy(mean, pass->predicted_means + t * M, M * sizeof *mean);
  lat_lds_product(M, M, root_at(a, t), a->mean, LDS_ADD, mean);
  if (width == M) return;
  set_delta(a, a->t + M);
  lat_lds_product(M, a->q, pass->diffuse.ahead_E + t * M * a->q, a->t + M, LDS_ADD, mean);
  if (pass->diffuse.rank < a->q) smooth_coefficients(a, t);
}

void lat_lds_smooth_by_arrays(lat_lds_pass *pass, size_t steps)
{
  arrays a = arrays_of(pass, pass->arrays);
  size_t failed = begin(&a) ? 0 : 1;
  for (size_t t = 0; t < steps && !failed; t++) {
    if (lat_lds_stopped(pass, t)) return;
    if (a.q && t == a.collapse) collapse(&a);
    if (!step(&a, t)) failed = t + 1;
  }
  if (failed) {
    pass->failed = failed;
    return;
  }
  if (a.q && steps < pass->T && steps == a.collapse) collapse(&a);
  if (steps < pass->T)
    begin_from_recursion(&a);
  else
    begin_from_end(&a);
  memset(a.coefficients, 0, a.M * a.q * sizeof *a.coefficients);
  for (size_t t = steps; t-- > 0;) {
    if (lat_lds_stopped(pass, t)) return;
    if (a.q && t + 1 == a.collapse && a.collapse < pass->T) expand(&a);
    smooth_step(&a, t);
  }
  if (pass->diffuse.rank < a.q) lat_lds_diffuse_mark_unknown(pass);
}
