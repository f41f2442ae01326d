/* start.c: first parameters for EM. */
#include "em/lds/em.h"
#include "matrix/linear/linear.h"
#include "matrix/linear/svd.h"

/* Rows of the sequences with straight lines across their gaps, less their regression on the inputs. */
typedef struct filled {
  size_t D, count, rows, longest;
  const lat_lds_sequence *sequences;
  double *Y;       /* rows x D */
  double *moved;   /* D: half the mean square of y_t - y_{t-1} where both are there */
  double *squares; /* D: the mean square of y */
} filled;

/* ---- data ------------------------------------------------------------------------------------------ */

/* Column j of a sequence, of T entries `stride` apart: what is missing lies on a line between its
 * neighbours, and at the ends is the nearest one; 0 where nothing is there. */
static void fill_column(size_t T, size_t stride, double *y)
{
  size_t last = T; /* the last entry that is there; T: none yet */
  for (size_t t = 0; t < T; t++) {
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
}

static void measure(filled *f)
{
  memset(f->moved, 0, 2 * f->D * sizeof *f->moved);
  for (size_t j = 0; j < f->D; j++) {
    double moves = 0, there = 0;
    for (size_t i = 0; i < f->count; i++)
      for (size_t t = 0; t < f->sequences[i].steps; t++) {
        const double *y = f->sequences[i].Y + t * f->D + j;
        if (isnan(*y)) continue;
        f->squares[j] += *y * *y;
        there++;
        if (t == 0 || isnan(y[-(ptrdiff_t)f->D])) continue;
        double move = *y - y[-(ptrdiff_t)f->D];
        f->moved[j] += 0.5 * move * move;
        moves++;
      }
    if (there > 0) f->squares[j] /= there;
    f->moved[j] = moves > 0 ? f->moved[j] / moves : f->squares[j];
    if (!(f->moved[j] > 1e-12 * f->squares[j]))
      f->moved[j] = f->squares[j] > 0 ? 1e-6 * f->squares[j] : 1;
  }
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
  f->moved = lat_doubles(work, 2 * D);
  if (!f->Y || !f->moved) return LAT_MEMORY;
  f->squares = f->moved + D;
  double *to = f->Y;
  for (size_t i = 0; i < count; i++) {
    size_t T = sequences[i].steps;
    memcpy(to, sequences[i].Y, T * D * sizeof *to);
    for (size_t j = 0; j < D; j++) fill_column(T, D, to + j);
    to += T * D;
  }
  measure(f);
  return LAT_OK;
}

/* W (n x m) := yx inv(xx), least squares from the sums of y x' (n x m) and x x' (m x m), with a little of
 * the diagonal added so that there always is a solution. */
static lat_status least_squares(lat_workspace *work, size_t n, size_t m, const double *yx,
                                const double *xx, double *W)
{
  double *U = lat_doubles(work, m * m), *inverse = lat_doubles(work, m);
  double *X = lat_doubles(work, m * n), trace = 0;
  if (!U || !inverse || !X) return LAT_MEMORY;
  memcpy(U, xx, m * m * sizeof *U);
  for (size_t i = 0; i < m; i++) trace += xx[i * m + i];
  for (size_t i = 0; i < m; i++) U[i * m + i] += 1e-10 * trace / (double)m;
  lat_lds_transpose(n, m, yx, X);
  lat_lds_cholesky(m, U, inverse, 1e-14);
  lat_lds_solve_lower(m, n, U, inverse, X);
  lat_lds_solve_upper(m, n, U, inverse, X);
  lat_lds_transpose(m, n, X, W);
  return LAT_OK;
}

/* S (n x m) += a b' */
static void add_outer(size_t n, size_t m, const double *a, const double *b, double *S)
{
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < m; j++) S[i * m + j] += a[i] * b[j];
}

/* What inputs explain of y at once is D u, to begin with. */
static lat_status explain_inputs(lat_workspace *work, filled *f, size_t U, bool estimate, double *D)
{
  double *yu = lat_doubles(work, f->D * U), *uu = lat_doubles(work, U * U), *y = f->Y;
  if (!yu || !uu) return LAT_MEMORY;
  memset(yu, 0, f->D * U * sizeof *yu);
  memset(uu, 0, U * U * sizeof *uu);
  for (size_t i = 0; i < f->count; i++)
    for (size_t t = 0; t < f->sequences[i].steps; t++, y += f->D) {
      const double *u = f->sequences[i].U + t * U;
      add_outer(f->D, U, y, u, yu);
      add_outer(U, U, u, u, uu);
    }
  if (estimate) LAT_TRY(least_squares(work, f->D, U, yu, uu, D));
  y = f->Y;
  for (size_t i = 0; i < f->count; i++)
    for (size_t t = 0; t < f->sequences[i].steps; t++, y += f->D)
      lat_lds_apply(f->D, U, D, f->sequences[i].U + t * U, LDS_SUBTRACT, y);
  return LAT_OK;
}

/* ---- subspace identification ------------------------------------------------------------------------- */

/* Sums over all t with L rows before and L from t on: futures times pasts, pasts times pasts. */
static double stack(const filled *f, size_t L, double *fp, double *pp)
{
  size_t D = f->D, n = L * D;
  double windows = 0;
  const double *y = f->Y;
  memset(fp, 0, n * n * sizeof *fp);
  memset(pp, 0, n * n * sizeof *pp);
  for (size_t i = 0; i < f->count; i++) {
    size_t T = f->sequences[i].steps;
    for (size_t t = L; t + L <= T; t++, windows++) {
      const double *past = y + (t - L) * D, *future = y + t * D; /* the past ends with y_{t-1} */
      add_outer(n, n, future, past, fp);
      add_outer(n, n, past, past, pp);
    }
    y += T * D;
  }
  return windows;
}

/* The shift of a matrix O of blocks C, C A, ...: A is where the upper blocks go, by least squares. */
static lat_status shift(lat_workspace *work, size_t L, size_t D, size_t M, const double *O,
                        double *A)
{
  size_t n = (L - 1) * D;
  double *xx = lat_doubles(work, M * M), *yx = lat_doubles(work, M * M);
  double *At = lat_doubles(work, M * M);
  if (!xx || !yx || !At) return LAT_MEMORY;
  memset(xx, 0, M * M * sizeof *xx);
  memset(yx, 0, M * M * sizeof *yx);
  for (size_t i = 0; i < n; i++) {
    add_outer(M, M, O + i * M, O + i * M, xx);
    add_outer(M, M, O + (i + D) * M, O + i * M, yx);
  }
  LAT_TRY(least_squares(work, M, M, yx, xx, At)); /* rows: O_{i+1} = O_i A, so this is A' */
  lat_lds_transpose(M, M, At, A);
  return LAT_OK;
}

/* A stable A: what grows faster than a random walk isn't a start. */
static void calm(size_t M, double *A, double *work)
{
  double *power = work, *next = power + M * M, norm = 0;
  memcpy(power, A, M * M * sizeof *power);
  double logarithm = 0; /* of |A^(2^k)| */
  for (int k = 0; k < 12; k++) {
    norm = 0;
    for (size_t i = 0; i < M * M; i++) norm = fmax(norm, fabs(power[i]));
    if (!(norm > 0)) return;
    for (size_t i = 0; i < M * M; i++) power[i] /= norm;
    logarithm = 2 * logarithm + 2 * log(norm);
    lat_lds_multiply(M, M, M, power, M, 1, power, LDS_SET, next);
    memcpy(power, next, M * M * sizeof *power);
  }
  double modulus = exp(logarithm / 4096);
  if (modulus > 0.995)
    for (size_t i = 0; i < M * M; i++) A[i] *= 0.995 / modulus;
}

/* Mean squares of what A, C leave of states G y_past and of y: Q and R; and of the states: P. */
static void leave(const filled *f, size_t L, size_t M, const double *G, const lat_lds *lds,
                  double *Q, double *R, double *P, double *x, double *r)
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
      double *now = x + (t % 2) * M, *before = x + (1 - t % 2) * M;
      lat_lds_apply(M, n, G, y + (t - L) * D, LDS_SET, now);
      add_outer(M, M, now, now, P);
      memcpy(r, y + t * D, D * sizeof *r);
      lat_lds_apply(D, M, lds->C.data, now, LDS_SUBTRACT, r);
      add_outer(D, D, r, r, R);
      if (t == L) continue;
      memcpy(r, now, M * sizeof *r);
      lat_lds_apply(M, M, lds->A.data, before, LDS_SUBTRACT, r);
      add_outer(M, M, r, r, Q);
      moves++;
    }
    y += T * D;
  }
  for (size_t k = 0; k < M * M; k++) {
    P[k] /= windows;
    Q[k] /= moves > 0 ? moves : 1;
  }
  for (size_t k = 0; k < D * D; k++) R[k] /= windows;
}

/* A, C, and mean squares Q, R, P for them; false when there are too few rows. */
static lat_status identify(lat_workspace *work, const filled *f, size_t M, lat_lds *lds, double *Q,
                           double *R, double *P, bool *found)
{
  size_t D = f->D, L = (M + D - 1) / D + 1, n = L * D;
  *found = f->longest >= 2 * L + 2;
  if (!*found || n > 2048) {
    *found = false;
    return LAT_OK;
  }
  double *fp = lat_doubles(work, 2 * n * n), *pp = fp ? fp + n * n : NULL;
  double *memory = lat_doubles(work, 2 * n * n + n), *O = lat_doubles(work, n * M);
  double *G = lat_doubles(work, M * n), *x = lat_doubles(work, 3 * M + D + 2 * M * M);
  if (!fp || !memory || !O || !G || !x) return LAT_MEMORY;
  double windows = stack(f, L, fp, pp);
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
  /* O = U s^(1/2) / windows^(1/2) and states s^(1/2) V' inv(pp) y_past windows^(1/2) ... */
  double *yx = lat_doubles(work, M * n);
  if (!yx) return LAT_MEMORY;
  for (size_t k = 0; k < M; k++) {
    double root = sqrt(fmax(s[k], 1e-12 * s[0]) / windows);
    for (size_t i = 0; i < n; i++) {
      O[i * M + k] = ((double *)U.data)[i * n + k] * root;
      yx[k * n + i] = ((double *)V.data)[i * n + k] * root * windows;
    }
  }
  LAT_TRY(least_squares(work, M, n, yx, pp, G));
  LAT_TRY(shift(work, L, D, M, O, (double *)lds->A.data));
  calm(M, (double *)lds->A.data, x + 3 * M + D);
  memcpy((double *)lds->C.data, O, D * M * sizeof *O);
  leave(f, L, M, G, lds, Q, R, P, x, x + 2 * M);
  return LAT_OK;
}

/* No less noise than a part of the data's moves, so that EM has something to begin with. */
static void lift(size_t n, double least, double *S)
{
  for (size_t i = 0; i < n; i++)
    if (!(S[i * n + i] > least)) S[i * n + i] += least;
}

/* ---- without it ---------------------------------------------------------------------------------------- */

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

/* Variances by the data's moves, half of which the states and half the noise have. */
static void guess_noise(const filled *f, const lat_lds *lds, double *Q, double *R, double *P)
{
  size_t M = lds->states, D = f->D;
  double gain = squares(D * M, lds->C.data) / (double)D, moved = mean_of(D, f->moved);
  double square = mean_of(D, f->squares);
  memset(Q, 0, M * M * sizeof *Q);
  memset(R, 0, D * D * sizeof *R);
  memset(P, 0, M * M * sizeof *P);
  for (size_t j = 0; j < D; j++) R[j * D + j] = 0.5 * f->moved[j];
  if (!(gain > 0)) gain = 1;
  for (size_t i = 0; i < M; i++) {
    Q[i * M + i] = 0.5 * moved / gain;
    P[i * M + i] = (square > 0 ? square : 1) / gain;
  }
}

/* A and C of which only one is given, or for which there are too few rows: each output sees a state of
 * its own and, less, others. */
static void guess_matrices(const filled *f, lat_lds *lds, bool A, bool C)
{
  size_t M = lds->states, D = f->D;
  double *a = (double *)lds->A.data, *c = (double *)lds->C.data;
  if (A) memset(a, 0, M * M * sizeof *a);
  for (size_t i = 0; A && i < M; i++) a[i * M + i] = 0.9 - 0.2 * (double)i / (double)M;
  for (size_t i = 0; C && i < D; i++)
    for (size_t j = 0; j < M; j++)
      c[i * M + j] = i % M == j % D || i == j ? 1 : 0.3 / (double)(1 + i + j);
}

/* ---- the start ----------------------------------------------------------------------------------------------- */

static void shape(size_t n, lat_lds_shape s, double *S)
{
  double mean = 0;
  for (size_t i = 0; i < n; i++) mean += S[i * n + i] / (double)n;
  for (size_t i = 0; s != LAT_LDS_FULL && i < n * n; i++)
    if (i / n != i % n)
      S[i] = 0;
    else if (s == LAT_LDS_SCALAR)
      S[i] = mean;
}

static void stir(size_t n, double part, lat_random *random, double *A)
{
  double size = squares(n, A) / (double)n;
  for (size_t i = 0; i < n; i++) A[i] += part * sqrt(size) * lat_random_normal(random);
}

static lat_status start(lat_workspace *work, const lat_lds_model *model,
                        const size_t sizes[LAT_SIZES], const lat_lds_sequence *sequences,
                        size_t count, lat_random *random, double *parameters)
{
  size_t M = sizes[LAT_M], D = sizes[LAT_D], U = sizes[LAT_U];
  const bool *given = model->given;
  lat_lds lds = lat_lds_of(parameters, M, D, U);
  filled f;
  LAT_TRY(fill(work, &f, D, sequences, count));
  if (U > 0 && !model->varying[LAT_LDS_D].stride)
    LAT_TRY(explain_inputs(work, &f, U, !given[LAT_LDS_D] && model->estimate[LAT_LDS_D],
                           (double *)lds.D.data));
  double *Q = lat_doubles(work, 2 * M * M + D * D), *P = Q ? Q + M * M : NULL;
  if (!Q) return LAT_MEMORY;
  double *R = P + M * M;
  bool found = false;
  if (!given[LAT_LDS_A] && !given[LAT_LDS_C]) LAT_TRY(identify(work, &f, M, &lds, Q, R, P, &found));
  if (!found) {
    guess_matrices(&f, &lds, !given[LAT_LDS_A], !given[LAT_LDS_C]);
    guess_noise(&f, &lds, Q, R, P);
  }
  if (random && !given[LAT_LDS_A]) {
    stir(M * M, 0.3, random, (double *)lds.A.data);
    double *scratch = lat_doubles(work, 2 * M * M);
    if (!scratch) return LAT_MEMORY;
    calm(M, (double *)lds.A.data, scratch);
  }
  if (random && !given[LAT_LDS_C]) stir(D * M, 0.3, random, (double *)lds.C.data);
  double gain = squares(D * M, lds.C.data) / (double)D, moved = mean_of(D, f.moved);
  lift(M, 1e-4 * moved / (gain > 0 ? gain : 1), Q);
  lift(D, 1e-4 * moved, R);
  lift(M, 1e-4 * moved / (gain > 0 ? gain : 1), P);
  shape(M, model->Q_shape, Q);
  shape(D, model->R_shape, R);
  if (!given[LAT_LDS_Q]) memcpy((double *)lds.Q.data, Q, M * M * sizeof *Q);
  if (!given[LAT_LDS_R]) memcpy((double *)lds.R.data, R, D * D * sizeof *R);
  if (!given[LAT_LDS_COVARIANCE]) memcpy((double *)lds.initial_covariance, P, M * M * sizeof *P);
  double *covariance = (double *)lds.initial_covariance;
  for (size_t i = 0; model->diffuse && i < M * M; i++)
    if (model->diffuse[i / M] || model->diffuse[i % M]) covariance[i] = 0;
  return LAT_OK;
}

lat_status lat_lds_start(lat_workspace *work, const lat_lds_model *model,
                         const size_t sizes[LAT_SIZES], const lat_lds_sequence *sequences,
                         size_t count, uint64_t seed, bool perturb, double *parameters)
{
  enum { STREAM = 0x6c6473 };
  lat_random random = {.seed = seed, .stream = STREAM};
  LAT_SCOPE(work);
  LAT_TRY(start(work, model, sizes, sequences, count, perturb ? &random : NULL, parameters));
  return LAT_OK;
}
