/* lds/start.c: starting values for EM by subspace identification.
 *
 * With stacks of L rows past p_t = (y_{t-L}, .., y_{t-1}) and future f_t = (y_t, .., y_{t+L-1}),
 *
 *   E[f p'] = O E[z p'],   O = (C; C A; C A^2; ...),
 *
 * whose truncated SVD U S V' gives O = U S^(1/2) and states z = S^(1/2) V' inv(E[p p']) p; C is O's
 * first block, A the least-squares solution of O(next blocks) = O(blocks) A, and Q, R are the mean
 * squares of what they leave (Van Overschee, De Moor, Automatica 30, 1994; Katayama, Subspace
 * Methods for System Identification, 7). Missing entries are interpolated linearly for this. Where
 * there are too few rows, or one of A and C is given, a rule serves: EM needs a start that isn't
 * symmetric, not a good one. */
#include "em/lds/em.h"
#include "matrix/linear/linear.h"
#include "matrix/linear/svd.h"

/* The sequences' rows with missing entries interpolated, less their regression on the inputs. */
typedef struct filled {
  size_t D, count, rows, longest;
  const lat_lds_sequence *sequences;
  double *Y;       /* rows x D */
  double *changes; /* D: half the mean square of y_t - y_{t-1} where both are observed */
  double *squares; /* D: the mean square of y */
} filled;

/* Steps between two looks at whether to go on, where one takes so many multiplications. */
static size_t look(size_t multiplications)
{
  enum { MOST = 1 << 18 }; /* 0.1 ms */
  return 1 + MOST / multiplications;
}

/* ---- data ------------------------------------------------------------------------------------ */

/* Interpolates the missing ones of T numbers `stride` apart linearly; at the ends they become the
 * nearest observed one, and all 0 without any. */
static lat_status fill_column(lat_workspace *work, size_t T, size_t stride, double *y)
{
  size_t last = T; /* the last observed entry; T: none yet */
  for (size_t t = 0; t < T; t++) {
    if (t % LAT_LOOK == 0) LAT_TRY(lat_check(work));
    if (isnan(y[t * stride])) continue;
    double from = last == T ? y[t * stride] : y[last * stride];
    size_t first = last == T ? 0 : last + 1;
    for (size_t s = first; s < t; s++) {
      double part = last == T ? 0 : (double)(s - last) / (double)(t - last);
      y[s * stride] = from + part * (y[t * stride] - from);
    }
    last = t;
  }
  for (size_t s = last == T ? 0 : last + 1; s < T; s++)
    y[s * stride] = last == T ? 0 : y[last * stride];
  return LAT_OK;
}

static lat_status set_squares(lat_workspace *work, filled *f)
{
  memset(f->changes, 0, 2 * f->D * sizeof *f->changes);
  for (size_t j = 0; j < f->D; j++) {
    double pairs = 0, observed = 0;
    for (size_t i = 0; i < f->count; i++)
      for (size_t t = 0; t < f->sequences[i].steps; t++) {
        if (t % LAT_LOOK == 0) LAT_TRY(lat_check(work));
        const double *y = f->sequences[i].Y + t * f->D + j;
        if (isnan(*y)) continue;
        f->squares[j] += *y * *y;
        observed++;
        if (t == 0 || isnan(y[-(ptrdiff_t)f->D])) continue;
        double change = *y - y[-(ptrdiff_t)f->D];
        f->changes[j] += 0.5 * change * change;
        pairs++;
      }
    if (observed > 0) f->squares[j] /= observed;
    f->changes[j] = pairs > 0 ? f->changes[j] / pairs : f->squares[j];
    if (!(f->changes[j] > LDS_CONSTANT_OUTPUT * f->squares[j]))
      f->changes[j] = f->squares[j] > 0 ? LDS_CONSTANT_CHANGES * f->squares[j] : 1;
  }
  return LAT_OK;
}

static lat_status fill(lat_workspace *work, filled *f, size_t D, const lat_lds_sequence *sequences,
                       size_t count)
{
  *f = (filled){.D = D, .count = count, .sequences = sequences};
  for (size_t i = 0; i < count; i++) {
    f->rows += sequences[i].steps;
    if (sequences[i].steps > f->longest) f->longest = sequences[i].steps;
  }
  f->Y = lat_doubles(work, f->rows * D);
  f->changes = lat_doubles(work, 2 * D);
  if (!f->Y || !f->changes) return LAT_MEMORY;
  f->squares = f->changes + D;
  double *to = f->Y;
  for (size_t i = 0; i < count; i++) {
    size_t T = sequences[i].steps;
    lat_matrix from = lat_matrix_of((double *)sequences[i].Y, T, D), copy = lat_matrix_of(to, T, D);
    LAT_TRY(lat_copy_bands(work, &from, &copy));
    for (size_t j = 0; j < D; j++) LAT_TRY(fill_column(work, T, D, to + j));
    to += T * D;
  }
  return set_squares(work, f);
}

/* W (n x m) := yx inv(xx), least squares from the sums of y x' (n x m) and x x' (m x m), with a
 * small multiple of I added to xx, so that there always is a solution. */
static lat_status least_squares(lat_workspace *work, size_t n, size_t m, const double *yx,
                                const double *xx, double *W)
{
  double *U = lat_doubles(work, m * m), *inverse = lat_doubles(work, m);
  double *X = lat_doubles(work, m * n), trace = 0;
  if (!U || !inverse || !X) return LAT_MEMORY;
  memcpy(U, xx, m * m * sizeof *U);
  for (size_t i = 0; i < m; i++) trace += xx[i * m + i];
  for (size_t i = 0; i < m; i++) U[i * m + i] += LDS_RIDGE * trace / (double)m;
  lat_lds_transpose(n, m, yx, X);
  lat_lds_cholesky(m, U, inverse, LDS_PIVOT);
  lat_lds_solve_lower(m, n, U, inverse, X);
  lat_lds_solve_upper(m, n, U, inverse, X);
  lat_lds_transpose(m, n, X, W);
  return LAT_OK;
}

/* D := the regression of y on u at the same step, if it is to be estimated; y -= D u. */
static lat_status subtract_inputs(lat_workspace *work, filled *f, size_t U, bool estimate,
                                  double *D)
{
  double *yu = lat_doubles(work, f->D * U), *uu = lat_doubles(work, U * U), *y = f->Y;
  if (!yu || !uu) return LAT_MEMORY;
  memset(yu, 0, f->D * U * sizeof *yu);
  memset(uu, 0, U * U * sizeof *uu);
  for (size_t i = 0; i < f->count; i++)
    for (size_t t = 0; t < f->sequences[i].steps; t++, y += f->D) {
      if (t % look((f->D + U) * U) == 0) LAT_TRY(lat_check(work));
      const double *u = f->sequences[i].U + t * U;
      lat_lds_add_outer(f->D, U, y, u, yu);
      lat_lds_add_outer(U, U, u, u, uu);
    }
  if (estimate) LAT_TRY(least_squares(work, f->D, U, yu, uu, D));
  y = f->Y;
  for (size_t i = 0; i < f->count; i++)
    for (size_t t = 0; t < f->sequences[i].steps; t++, y += f->D) {
      if (t % look(f->D * U) == 0) LAT_TRY(lat_check(work));
      lat_lds_product(f->D, U, D, f->sequences[i].U + t * U, LDS_SUBTRACT, y);
    }
  return LAT_OK;
}

/* ---- subspace identification ----------------------------------------------------------------- */

/* Sums over all t with L rows before and L from t on: futures times pasts, pasts times pasts. */
static lat_status stack(lat_workspace *work, const filled *f, size_t L, double *fp, double *pp,
                        double *windows)
{
  size_t D = f->D, n = L * D;
  *windows = 0;
  const double *y = f->Y;
  memset(fp, 0, n * n * sizeof *fp);
  memset(pp, 0, n * n * sizeof *pp);
  for (size_t i = 0; i < f->count; i++) {
    size_t T = f->sequences[i].steps;
    for (size_t t = L; t + L <= T; t++, ++*windows) {
      if (t % look(2 * n * n) == 0) LAT_TRY(lat_check(work));
      const double *past = y + (t - L) * D, *future = y + t * D; /* the past ends with y_{t-1} */
      lat_lds_add_outer(n, n, future, past, fp);
      lat_lds_add_outer(n, n, past, past, pp);
    }
    y += T * D;
  }
  return LAT_OK;
}

/* A by least squares from the blocks C, C A, ... of O: each is the one above it times A. */
static lat_status solve_shift(lat_workspace *work, size_t L, size_t D, size_t M, const double *O,
                              double *A)
{
  size_t n = (L - 1) * D;
  double *xx = lat_doubles(work, M * M), *yx = lat_doubles(work, M * M);
  double *At = lat_doubles(work, M * M);
  if (!xx || !yx || !At) return LAT_MEMORY;
  memset(xx, 0, M * M * sizeof *xx);
  memset(yx, 0, M * M * sizeof *yx);
  for (size_t i = 0; i < n; i++) {
    lat_lds_add_outer(M, M, O + i * M, O + i * M, xx);
    lat_lds_add_outer(M, M, O + (i + D) * M, O + i * M, yx);
  }
  LAT_TRY(least_squares(work, M, M, yx, xx, At)); /* rows: O_{i+1} = O_i A, so this is A' */
  lat_lds_transpose(M, M, At, A);
  return LAT_OK;
}

/* Scales A to a spectral radius of at most LDS_START_RADIUS. It is the limit of |A^n|^(1/n), here
 * for a power of 2. */
static void stabilize(size_t M, double *A, double *work)
{
  double *power = work, *next = power + M * M, norm = 0;
  memcpy(power, A, M * M * sizeof *power);
  double logarithm = 0; /* of |A^(2^k)| */
  for (int k = 0; k < LDS_START_SQUARINGS; k++) {
    norm = 0;
    for (size_t i = 0; i < M * M; i++) norm = fmax(norm, fabs(power[i]));
    if (!(norm > 0)) return;
    for (size_t i = 0; i < M * M; i++) power[i] /= norm;
    logarithm = 2 * logarithm + 2 * log(norm);
    lat_lds_multiply(M, M, M, power, M, 1, power, LDS_SET, next);
    memcpy(power, next, M * M * sizeof *power);
  }
  double modulus = exp(logarithm / (1 << LDS_START_SQUARINGS));
  if (modulus > LDS_START_RADIUS)
    for (size_t i = 0; i < M * M; i++) A[i] *= LDS_START_RADIUS / modulus;
}

/* Q and R := the mean squares of what A and C leave of the states G y_past, and of y; P := those of
 * the states. */
static lat_status set_noise(lat_workspace *work, const filled *f, size_t L, size_t M,
                            const double *G, const lat_lds_values *v, double *Q, double *R,
                            double *P, double *x, double *r)
{
  size_t D = f->D, n = L * D;
  double windows = 0, moves = 0;
  const double *y = f->Y;
  memset(Q, 0, M * M * sizeof *Q);
  memset(R, 0, D * D * sizeof *R);
  memset(P, 0, M * M * sizeof *P);
  for (size_t i = 0; i < f->count; i++) {
    size_t T = f->sequences[i].steps;
    for (size_t t = L; t < T; t++, windows++) {
      if (t % look(M * (n + D + 3 * M) + D * D) == 0) LAT_TRY(lat_check(work));
      double *now = x + (t % 2) * M, *before = x + (1 - t % 2) * M;
      lat_lds_product(M, n, G, y + (t - L) * D, LDS_SET, now);
      lat_lds_add_outer(M, M, now, now, P);
      memcpy(r, y + t * D, D * sizeof *r);
      lat_lds_product(D, M, v->C, now, LDS_SUBTRACT, r);
      lat_lds_add_outer(D, D, r, r, R);
      if (t == L) continue;
      memcpy(r, now, M * sizeof *r);
      lat_lds_product(M, M, v->A, before, LDS_SUBTRACT, r);
      lat_lds_add_outer(M, M, r, r, Q);
      moves++;
    }
    y += T * D;
  }
  for (size_t k = 0; k < M * M; k++) {
    P[k] /= windows;
    Q[k] /= moves > 0 ? moves : 1;
  }
  for (size_t k = 0; k < D * D; k++) R[k] /= windows;
  return LAT_OK;
}

/* A, C, and Q, R, P for them; *found is false when there are too few rows. */
static lat_status identify(lat_workspace *work, const filled *f, size_t M, const lat_lds_values *v,
                           double *Q, double *R, double *P, bool *found)
{
  size_t D = f->D, L = (M + D - 1) / D + 1, n = L * D;
  *found = f->longest >= 2 * L + 2;
  if (!*found || n > LDS_HANKEL_ROWS) {
    *found = false;
    return LAT_OK;
  }
  double *fp = lat_doubles(work, 2 * n * n), *pp = fp ? fp + n * n : NULL;
  double *memory = lat_doubles(work, 2 * n * n + n), *O = lat_doubles(work, n * M);
  double *G = lat_doubles(work, M * n), *x = lat_doubles(work, 3 * M + D + 2 * M * M);
  if (!fp || !memory || !O || !G || !x) return LAT_MEMORY;
  double windows;
  LAT_TRY(stack(work, f, L, fp, pp, &windows));
  if (!(windows > (double)n)) {
    *found = false;
    return LAT_OK;
  }
  lat_matrix H = lat_matrix_of(fp, n, n), U = lat_matrix_of(memory, n, n),
             V = lat_matrix_of(memory + n * n, n, n);
  double *s = memory + 2 * n * n;
  LAT_TRY(lat_svd(work, &H, &U, lat_vector_of(s, n), &V));
  if (!(s[0] > 0)) {
    *found = false;
    return LAT_OK;
  }
  /* s has sums over the windows, so O and the states have windows^(-1/2) and windows^(1/2) as
   * well */
  double *yx = lat_doubles(work, M * n);
  if (!yx) return LAT_MEMORY;
  for (size_t k = 0; k < M; k++) {
    double root = sqrt(fmax(s[k], LDS_HANKEL_RANK * s[0]) / windows);
    for (size_t i = 0; i < n; i++) {
      O[i * M + k] = ((double *)U.data)[i * n + k] * root;
      yx[k * n + i] = ((double *)V.data)[i * n + k] * root * windows;
    }
  }
  LAT_TRY(least_squares(work, M, n, yx, pp, G));
  LAT_TRY(solve_shift(work, L, D, M, O, v->A));
  stabilize(M, v->A, x + 3 * M + D);
  memcpy(v->C, O, D * M * sizeof *O);
  return set_noise(work, f, L, M, G, v, Q, R, P, x, x + 2 * M);
}

/* Raises variances that aren't above `least` by it. */
static void raise_variances(size_t n, double least, double *S)
{
  for (size_t i = 0; i < n; i++)
    if (!(S[i * n + i] > least)) S[i * n + i] += least;
}

/* ---- without identification ------------------------------------------------------------------ */

static double squares(size_t n, const double *x)
{
  double sum = 0;
  for (size_t i = 0; i < n; i++) sum += x[i] * x[i];
  return sum;
}

static double mean_of(size_t n, const double *x)
{
  double sum = 0;
  for (size_t i = 0; i < n; i++) sum += x[i] / (double)n;
  return sum;
}

/* Variances from the changes of y, of which the states and the noise get half each. */
static void guess_noise(const filled *f, size_t M, const double *C, double *Q, double *R, double *P)
{
  size_t D = f->D;
  double gain = squares(D * M, C) / (double)D, changes = mean_of(D, f->changes);
  double square = mean_of(D, f->squares);
  memset(Q, 0, M * M * sizeof *Q);
  memset(R, 0, D * D * sizeof *R);
  memset(P, 0, M * M * sizeof *P);
  for (size_t j = 0; j < D; j++) R[j * D + j] = 0.5 * f->changes[j];
  if (!(gain > 0)) gain = 1;
  for (size_t i = 0; i < M; i++) {
    Q[i * M + i] = 0.5 * changes / gain;
    P[i * M + i] = (square > 0 ? square : 1) / gain;
  }
}

/* A and C, those that aren't NULL: each output has a state of its own and, with smaller
 * coefficients, others. */
static void guess_matrices(size_t M, size_t D, double *A, double *C)
{
  if (A) memset(A, 0, M * M * sizeof *A);
  for (size_t i = 0; A && i < M; i++)
    A[i * M + i] = LDS_START_A - LDS_START_A_FALL * (double)i / (double)M;
  for (size_t i = 0; C && i < D; i++)
    for (size_t j = 0; j < M; j++)
      C[i * M + j] = i % M == j % D || i == j ? 1 : LDS_START_C / (double)(1 + i + j);
}

/* ---- the start ------------------------------------------------------------------------------- */

/* Makes S diagonal, or a multiple of I. */
static void set_structure(size_t n, int s, double *S)
{
  double mean = 0;
  for (size_t i = 0; i < n; i++) mean += S[i * n + i] / (double)n;
  for (size_t i = 0; s != LAT_LDS_FULL && i < n * n; i++)
    if (i / n != i % n)
      S[i] = 0;
    else if (s == LAT_LDS_SCALAR)
      S[i] = mean;
}

static void perturb_entries(size_t n, double part, lat_random *random, double *A)
{
  double size = squares(n, A) / (double)n;
  for (size_t i = 0; i < n; i++) A[i] += part * sqrt(size) * lat_random_normal(random);
}

/* Perturbs A and C, those that aren't NULL. */
static lat_status perturb_matrices(lat_workspace *work, size_t M, size_t D, lat_random *random,
                                   double *A, double *C)
{
  double *scratch = lat_doubles(work, 2 * M * M);
  if (!scratch) return LAT_MEMORY;
  if (A) perturb_entries(M * M, LDS_PERTURBATION, random, A);
  if (A) stabilize(M, A, scratch);
  if (C) perturb_entries(D * M, LDS_PERTURBATION, random, C);
  return LAT_OK;
}

static lat_status start(lat_workspace *work, const lat_lds_context *context,
                        const size_t sizes[LAT_SIZES], lat_random *random, double *parameters)
{
  size_t M = sizes[LAT_M], D = sizes[LAT_D], U = sizes[LAT_U];
  const lat_lds_options *o = context->options;
  lat_lds_values v = lat_lds_values_of(parameters, sizes);
  double *A = o->A.data ? NULL : v.A, *C = o->C.data ? NULL : v.C;
  filled f;
  LAT_TRY(fill(work, &f, D, context->sequences, context->count));
  if (U > 0 && !o->D.stride)
    LAT_TRY(subtract_inputs(work, &f, U, !o->D.data && context->estimate[LAT_LDS_D], v.D));
  double *Q = lat_doubles(work, 2 * M * M + D * D), *P = Q ? Q + M * M : NULL;
  if (!Q) return LAT_MEMORY;
  double *R = P + M * M;
  bool found = false;
  if (A && C) LAT_TRY(identify(work, &f, M, &v, Q, R, P, &found));
  if (!found) {
    guess_matrices(M, D, A, C);
    guess_noise(&f, M, v.C, Q, R, P);
  }
  if (random) LAT_TRY(perturb_matrices(work, M, D, random, A, C));
  double gain = squares(D * M, v.C) / (double)D;
  double least = LDS_START_VARIANCE * mean_of(D, f.changes);
  raise_variances(M, least / (gain > 0 ? gain : 1), Q);
  raise_variances(D, least, R);
  raise_variances(M, least / (gain > 0 ? gain : 1), P);
  set_structure(M, o->Q_structure, Q);
  set_structure(D, o->R_structure, R);
  if (!o->Q.data) memcpy(v.Q, Q, M * M * sizeof *Q);
  if (!o->R.data) memcpy(v.R, R, D * D * sizeof *R);
  if (!o->initial_covariance.data) memcpy(v.covariance, P, M * M * sizeof *P);
  for (size_t i = 0; i < M * M; i++)
    if (lat_lds_option_diffuse(o, i / M) || lat_lds_option_diffuse(o, i % M)) v.covariance[i] = 0;
  return LAT_OK;
}

lat_status lat_lds_start(lat_workspace *work, const lat_lds_context *context,
                         const size_t sizes[LAT_SIZES], uint64_t seed, bool perturb,
                         double *parameters)
{
  lat_random random = {.seed = seed, .stream = LDS_STREAM};
  LAT_SCOPE(work);
  LAT_TRY(start(work, context, sizes, perturb ? &random : NULL, parameters));
  return LAT_OK;
}
