/* step.c: one step of the filter. */
#include <lapacke.h>

#include "base/special.h"
#include "em/lds/internal.h"
#include "em/lds/kernel_template.h"

/* Of an observation's variance: less noise than this, and P - G G' loses more than eight digits. The same
 * for a pivot of S. */
#define EXACT 1e-8
/* The same for a covariance that is only divided by where it is not 0. */
#define NO_DIRECTION 1e-14

/* ---- the covariance's part, for M states ------------------------------------------------------ */

/* The functions of lds/kernel.h, inlined where M is small (a constant). */
#define CALL(name, ...) (small ? inline_##name(__VA_ARGS__) : lat_lds_##name(__VA_ARGS__))

LAT_INLINE void predict(bool small, size_t M, const double *A, const double *Q, double *P,
                        double *work)
{
  double *At = work, *AP = work + M * M;
  CALL(transpose, M, M, A, At);
  CALL(multiply, M, M, M, A, M, 1, P, LDS_SET, AP);
  memcpy(P, Q, M * M * sizeof *P);
  CALL(multiply_symmetric, M, M, AP, M, 1, At, LDS_ADD, P);
}

LAT_INLINE bool update(bool small, size_t M, size_t p, const double *C, double *S, double *inverse,
                       double *W, double *P, bool *exact, double *work)
{
  double *Ct = work;
  CALL(transpose, p, M, C, Ct);
  CALL(multiply, p, M, M, C, M, 1, P, LDS_SET, W);
  for (size_t i = 0; i < p; i++) inverse[i] = S[i * p + i];
  lat_lds_multiply(p, p, M, W, M, 1, Ct, LDS_ADD, S);
  for (size_t i = 0; i < p; i++) *exact |= inverse[i] < EXACT * S[i * p + i];
  if (CALL(cholesky, p, S, inverse, EXACT) > 0) return false;
  CALL(solve_lower, p, M, S, inverse, W);
  if (!*exact) CALL(multiply_symmetric, M, p, W, 1, M, W, LDS_SUBTRACT, P);
  return true;
}

LAT_INLINE void back(bool small, size_t M, size_t p, const double *A, const double *P,
                     const double *predicted, const double *gain, const double *C, double *N,
                     double *AP, double *L, double *to, double *lag, double *work)
{
  double *X = work, *G = X + M * M, *AG = G + M * p;
  CALL(multiply, M, M, M, A, M, 1, P, LDS_SET, AP);
  CALL(multiply, M, M, M, N, M, 1, AP, LDS_SET, X);
  memcpy(to, P, M * M * sizeof *to);
  CALL(multiply_symmetric, M, M, AP, 1, M, X, LDS_SUBTRACT, to);
  memcpy(lag, AP, M * M * sizeof *lag);
  CALL(multiply, M, M, M, predicted, M, 1, X, LDS_SUBTRACT, lag);
  CALL(transpose, p, M, gain, G);
  lat_lds_multiply(M, p, M, A, M, 1, G, LDS_SET, AG);
  memcpy(L, A, M * M * sizeof *L);
  CALL(multiply, M, M, p, AG, p, 1, C, LDS_SUBTRACT, L);
  CALL(multiply, M, M, M, N, M, 1, L, LDS_SET, X);
  CALL(multiply_symmetric, M, p, C, 1, M, C, LDS_SET, N);
  CALL(multiply_symmetric, M, M, L, 1, M, X, LDS_ADD, N);
}

LAT_INLINE void back_mean(size_t M, size_t p, const double *AP, const double *L, const double *C,
                          const double *v, double *mean, double *r, double *work)
{
  memset(work, 0, M * sizeof *work);
  inline_combine(M, M, AP, r, mean);
  inline_combine(M, M, L, r, work);
  inline_combine(M, p, C, v, work);
  memcpy(r, work, M * sizeof *r);
}

#define KERNELS(name, clones, small, states)                                                       \
  clones static void predict_##name(size_t M, const double *A, const double *Q, double *P,         \
                                    double *work)                                                  \
  {                                                                                                \
    (void)M;                                                                                       \
    predict(small, states, A, Q, P, work);                                                         \
  }                                                                                                \
  clones static bool update_##name(size_t M, size_t p, const double *C, double *S,                 \
                                   double *inverse, double *W, double *P, bool *exact,             \
                                   double *work)                                                   \
  {                                                                                                \
    (void)M;                                                                                       \
    return update(small, states, p, C, S, inverse, W, P, exact, work);                             \
  }                                                                                                \
  clones static void back_##name(size_t M, size_t p, const double *A, const double *P,             \
                                 const double *predicted, const double *gain, const double *C,     \
                                 double *N, double *AP, double *L, double *to, double *lag,        \
                                 double *work)                                                     \
  {                                                                                                \
    (void)M;                                                                                       \
    back(small, states, p, A, P, predicted, gain, C, N, AP, L, to, lag, work);                     \
  }                                                                                                \
  clones static void back_mean_##name(size_t M, size_t p, const double *AP, const double *L,       \
                                      const double *C, const double *v, double *mean, double *r,   \
                                      double *work)                                                \
  {                                                                                                \
    (void)M;                                                                                       \
    back_mean(states, p, AP, L, C, v, mean, r, work);                                              \
  }

#define NO_CLONES
KERNELS(any, NO_CLONES, false, M)

#ifdef __SANITIZE_ADDRESS__ /* unrolled and checked, they take minutes to compile */
#define KERNELS_OF(n)                                                                              \
  {                                                                                                \
    predict_any, update_any, back_any, back_mean_any                                               \
  }
#else
#define KERNELS_OF(n)                                                                              \
  {                                                                                                \
    predict_##n, update_##n, back_##n, back_mean_##n                                               \
  }
KERNELS(1, LAT_CLONES, true, 1)
KERNELS(2, LAT_CLONES, true, 2)
KERNELS(3, LAT_CLONES, true, 3)
KERNELS(4, LAT_CLONES, true, 4)
KERNELS(6, LAT_CLONES, true, 6)
#endif

const struct lat_lds_kernels *lat_lds_kernels_for(size_t M)
{
  static const struct lat_lds_kernels any = KERNELS_OF(any),
                                      some[] = {KERNELS_OF(1), KERNELS_OF(2),   KERNELS_OF(3),
                                                KERNELS_OF(4), KERNELS_OF(any), KERNELS_OF(6)};
  return M <= 6 ? &some[M - 1] : &any;
}

/* ---- memory ------------------------------------------------------------------------------------- */

static size_t larger(size_t a, size_t b)
{
  return a > b ? a : b;
}

/* What the steps of either form need at most: see predict_root, and exact.c. */
static size_t count_work(size_t M, size_t D)
{
  size_t usual = 5 * M * M + M + M * D, exactly = lat_lds_exact_count(M, D);
  size_t root = lat_lds_root_count(M, D), ahead = 3 * M * M + 2 * M * (M + 2) + 4 * M;
  return larger(larger(usual, exactly), larger(root, ahead));
}

size_t lat_lds_frame_count(size_t M, size_t D)
{
  return D + 4 * D + 2 * D * D + 2 * D * M + count_work(M, D);
}

void lat_lds_frame_init(lat_lds_frame *f, size_t M, size_t D, double *memory)
{
  *f = (lat_lds_frame){.M = M, .D = D, .kernels = lat_lds_kernels_for(M)};
  f->index = (size_t *)memory; /* a size_t is no larger than a double */
  f->residual = memory + D;
  f->whitened = f->residual + D;
  f->inverse = f->whitened + D;
  f->factor = f->inverse + 2 * D;
  f->selected_R = f->factor + D * D;
  f->selected_C = f->selected_R + D * D;
  f->gain = f->selected_C + D * M;
  f->work = f->gain + D * M;
}

/* ---- triangular factors ------------------------------------------------------------------------- */

bool lat_lds_root(size_t n, const double *covariance, double *root)
{
  double largest = 0;
  for (size_t i = 0; i < n; i++) largest = fmax(largest, covariance[i * n + i]);
  memset(root, 0, n * n * sizeof *root);
  for (size_t j = 0; j < n; j++) {
    double *row = root + j * n, pivot = covariance[j * n + j];
    for (size_t k = 0; k < j; k++) pivot -= row[k] * row[k];
    if (!(pivot >= -1e-10 * largest)) return false;
    if (pivot <= NO_DIRECTION * covariance[j * n + j]) {
      /* no variance is left, and so there must be no covariance */
      for (size_t i = j + 1; i < n; i++) {
        double rest = covariance[i * n + j];
        for (size_t k = 0; k < j; k++) rest -= root[i * n + k] * row[k];
        if (!(fabs(rest) <= 1e-5 * sqrt(largest) * sqrt(fabs(covariance[i * n + i])))) return false;
      }
      continue;
    }
    row[j] = sqrt(pivot);
    for (size_t i = j + 1; i < n; i++) {
      double rest = covariance[i * n + j];
      for (size_t k = 0; k < j; k++) rest -= root[i * n + k] * row[k];
      root[i * n + j] = rest / row[j];
    }
  }
  return true;
}

/* By rows X is, by columns, X', whose R of Householder's QR is L' again by columns. */
void lat_lds_triangle(size_t n, size_t m, double *X, double *L, double *work)
{
  LAPACKE_dgeqr2_work(LAPACK_COL_MAJOR, (lapack_int)m, (lapack_int)n, X, (lapack_int)m, work,
                      work + m);
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < n; j++)
      L[i * n + j] = j > i ? 0 : X[j * m + j] < 0 ? -X[i * m + j] : X[i * m + j];
}

void lat_lds_square(size_t n, const double *root, double *covariance, double *work)
{
  lat_lds_transpose(n, n, root, work);
  lat_lds_multiply_symmetric(n, n, root, n, 1, work, LDS_SET, covariance);
}

/* ---- prediction --------------------------------------------------------------------------------- */

/* root := the triangle of [A root, Q_root] */
static void predict_root(const lat_lds_frame *f, const double *A, const double *Q_root,
                         lat_lds_belief *b)
{
  size_t M = f->M;
  double *AS = f->work, *X = AS + M * M, *rest = X + 2 * M * M;
  lat_lds_multiply(M, M, M, A, M, 1, b->root, LDS_SET, AS);
  for (size_t i = 0; i < M; i++) {
    memcpy(X + 2 * i * M, AS + i * M, M * sizeof *X);
    memcpy(X + (2 * i + 1) * M, Q_root + i * M, M * sizeof *X);
  }
  lat_lds_triangle(M, 2 * M, X, b->root, rest);
  lat_lds_square(M, b->root, b->covariance, AS);
}

/* What rounding is a part of fades by this much in an update. */
#define FADING 0.1

bool lat_lds_has_exact(const lat_lds *lds, double *work)
{
  size_t D = lds->outputs;
  if (lds->R.stride) return true;
  memcpy(work, lds->R.data, D * D * sizeof *work);
  return lat_lds_cholesky(D, work, work + D * D, NO_DIRECTION) > 0;
}

void lat_lds_begin_scale(size_t M, lat_lds_belief *b)
{
  for (size_t i = 0; b->scale && i < M; i++) b->scale[i] = fmax(b->covariance[i * M + i], 0);
}

static void predict_scale(lat_lds_frame *f, const double *A, const lat_lds_belief *b)
{
  size_t M = f->M;
  for (size_t i = 0; i < M; i++) {
    double sum = 0;
    for (size_t j = 0; j < M; j++) sum += fabs(A[i * M + j]) * sqrt(b->scale[j]);
    f->work[i] = fmax(sum * sum, b->covariance[i * M + i]);
  }
  memcpy(b->scale, f->work, M * sizeof *b->scale);
}

static void update_scale(size_t M, const lat_lds_belief *b)
{
  for (size_t i = 0; i < M; i++) b->scale[i] = fmax(FADING * b->scale[i], b->covariance[i * M + i]);
}

void lat_lds_predict(lat_lds_frame *f, const double *A, const double *Q, const double *Q_root,
                     lat_lds_belief *b)
{
  lat_lds_apply(f->M, f->M, A, b->mean, LDS_SET, f->work);
  memcpy(b->mean, f->work, f->M * sizeof *b->mean);
  if (b->root)
    predict_root(f, A, Q_root, b);
  else
    f->kernels->predict(f->M, A, Q, b->covariance, f->work);
  if (b->scale) predict_scale(f, A, b);
}

void lat_lds_drive(size_t rows, const double *B, size_t U, const double *u, double *to)
{
  lat_lds_apply(rows, U, B, u, LDS_ADD, to);
}

/* ---- the update ----------------------------------------------------------------------------------- */

double lat_lds_settle(lat_lds_frame *f, double *mean)
{
  size_t M = f->M, p = f->count;
  double sum = 0;
  memcpy(f->whitened, f->residual, p * sizeof *f->whitened);
  inline_solve_lower(p, 1, f->factor, f->inverse, f->whitened);
  inline_combine(M, p, f->gain, f->whitened, mean);
  for (size_t i = 0; i < p; i++) sum += f->whitened[i] * f->whitened[i];
  return -0.5 * ((double)f->used * LAT_LOG_2PI + f->log_det + sum);
}

static void take_log_det(lat_lds_frame *f)
{
  size_t p = f->count;
  f->log_det = f->used == p ? -2 * inline_log_product(p, f->inverse) : 0;
  for (size_t i = 0; f->used < p && i < p; i++)
    if (f->inverse[i] > 0) f->log_det -= 2 * log(f->inverse[i]);
}

/* The kernel's, unless there is little noise: where R may be singular, a belief has a scale. */
static bool correct_covariance(lat_lds_frame *f, lat_lds_belief *b)
{
  bool exact = b->scale;
  memcpy(f->factor, f->R, f->count * f->count * sizeof *f->factor);
  bool definite = f->kernels->update(f->M, f->count, f->C, f->factor, f->inverse, f->gain,
                                     b->covariance, &exact, f->work);
  return (definite && !exact) || lat_lds_update_exactly(f, definite, b);
}

/* The update by what is selected. */
static double correct(lat_lds_frame *f, lat_lds_belief *b)
{
  f->used = f->count;
  if (f->count == 0) return 0;
  if (!(b->root ? lat_lds_update_root(f, b) : correct_covariance(f, b))) return NAN;
  if (b->scale) update_scale(f->M, b);
  take_log_det(f);
  return lat_lds_settle(f, b->mean);
}

void lat_lds_select(lat_lds_frame *f, const double *C, const double *R, const double *y,
                    const double *offset, const double *mean)
{
  size_t M = f->M, D = f->D, p = 0;
  for (size_t i = 0; i < D; i++)
    if (!isnan(y[i])) f->index[p++] = i;
  f->count = p;
  f->C = C;
  f->R = R;
  for (size_t k = 0; p < D && k < p; k++) {
    memcpy(f->selected_C + k * M, C + f->index[k] * M, M * sizeof *C);
    for (size_t l = 0; l < p; l++) f->selected_R[k * p + l] = R[f->index[k] * D + f->index[l]];
  }
  if (p < D) {
    f->C = f->selected_C;
    f->R = f->selected_R;
  }
  for (size_t k = 0; k < p; k++)
    f->residual[k] = y[f->index[k]] - (offset ? offset[f->index[k]] : 0);
  lat_lds_apply(p, M, f->C, mean, LDS_SUBTRACT, f->residual);
}

double lat_lds_update(lat_lds_frame *f, const double *C, const double *R, const double *y,
                      const double *offset, lat_lds_belief *b)
{
  lat_lds_select(f, C, R, y, offset, b->mean);
  return correct(f, b);
}

double lat_lds_correct(lat_lds_frame *f, size_t count, const double *C, const double *R,
                       const double *residual, lat_lds_belief *b)
{
  f->count = count;
  f->C = C;
  f->R = R;
  for (size_t i = 0; i < count; i++) f->index[i] = i;
  memmove(f->residual, residual, count * sizeof *residual);
  return correct(f, b);
}

double lat_lds_absorb(lat_lds_frame *f, size_t count, const double *cross, const double *S,
                      const double *residual, lat_lds_belief *b)
{
  f->count = count;
  memmove(f->gain, cross, count * f->M * sizeof *cross);
  memmove(f->factor, S, count * count * sizeof *S);
  memmove(f->residual, residual, count * sizeof *residual);
  if (!lat_lds_update_moments(f, b->covariance)) return NAN;
  take_log_det(f);
  return lat_lds_settle(f, b->mean);
}
