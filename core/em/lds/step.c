/* lds/step.c: one step of the filter.
 *
 *   prediction   mean := A mean,   P := A P A' + Q
 *   update       S = C P C' + R = L L',   W = inv(L) C P,
 *                mean += W' inv(L) (y - C mean),   P -= W'W
 *
 * (Kalman, Journal of Basic Engineering 82, 1960; Bishop, Pattern Recognition and Machine Learning,
 * 13.3.1.) W is the transposed gain: K = W' inv(L). Covariances are packed with both triangles, of
 * which one is computed. For 1, 2, 3, 4 and 6 states (a position, velocity and acceleration in up
 * to three dimensions) the products are compiled with constant sizes. The square-root form, and
 * observations with little noise, are updated in noiseless.c. */
#include "base/special.h"
#include "em/lds/internal.h"
#include "em/lds/kernel_template.h"

/* ---- the covariance's part, for M states ----------------------------------------------------- */

/* The functions of lds/kernel.h, inlined where M is a small constant. */
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
  for (size_t i = 0; i < p; i++) *exact |= inverse[i] < LDS_SMALL_NOISE * S[i * p + i];
  if (CALL(cholesky, p, S, inverse, LDS_SMALL_NOISE) > 0) return false;
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

/* ---- memory ---------------------------------------------------------------------------------- */

/* What the steps of either form need at most: see predict_root, and noiseless.c. */
static size_t count_work(size_t M, size_t D)
{
  size_t usual = 5 * M * M + M + M * D, noiseless = lat_lds_noiseless_count(M, D);
  size_t root = lat_lds_update_root_count(M, D), ahead = 3 * M * M + 2 * M * (M + 2) + 4 * M;
  return lat_lds_max(lat_lds_max(usual, noiseless), lat_lds_max(root, ahead));
}

size_t lat_lds_workspace_count(size_t M, size_t D)
{
  return D + 4 * D + 2 * D * D + 2 * D * M + count_work(M, D);
}

void lat_lds_workspace_init(lat_lds_workspace *w, size_t M, size_t D, double *memory)
{
  *w = (lat_lds_workspace){.M = M, .D = D, .kernels = lat_lds_kernels_for(M)};
  w->index = (size_t *)memory; /* a size_t is no larger than a double */
  w->residual = memory + D;
  w->whitened = w->residual + D;
  w->inverse = w->whitened + D;
  w->factor = w->inverse + 2 * D;
  w->selected_R = w->factor + D * D;
  w->selected_C = w->selected_R + D * D;
  w->gain = w->selected_C + D * M;
  w->work = w->gain + D * M;
}

/* ---- prediction ------------------------------------------------------------------------------ */

/* root := the triangular factor of [A root, Q_root] */
static void predict_root(const lat_lds_workspace *w, const double *A, const double *Q_root,
                         lat_lds_belief *b)
{
  size_t M = w->M;
  double *AS = w->work, *X = AS + M * M, *rest = X + 2 * M * M;
  lat_lds_multiply(M, M, M, A, M, 1, b->root, LDS_SET, AS);
  for (size_t i = 0; i < M; i++) {
    memcpy(X + 2 * i * M, AS + i * M, M * sizeof *X);
    memcpy(X + (2 * i + 1) * M, Q_root + i * M, M * sizeof *X);
  }
  lat_lds_triangular_factor(M, 2 * M, X, b->root, rest);
  lat_lds_covariance_of_root(M, b->root, b->covariance, AS);
}

/* ---- the scale: variances that rounding is relative to --------------------------------------- */

bool lat_lds_may_be_noiseless(const lat_lds *lds, double *work)
{
  size_t D = lds->outputs;
  if (lds->R.stride) return true;
  memcpy(work, lds->R.data, D * D * sizeof *work);
  return lat_lds_cholesky(D, work, work + D * D, LDS_PIVOT) > 0;
}

void lat_lds_scale_init(size_t M, lat_lds_belief *b)
{
  for (size_t i = 0; b->scale && i < M; i++) b->scale[i] = fmax(b->covariance[i * M + i], 0);
}

static void predict_scale(lat_lds_workspace *w, const double *A, const lat_lds_belief *b)
{
  size_t M = w->M;
  for (size_t i = 0; i < M; i++) {
    double sum = 0;
    for (size_t j = 0; j < M; j++) sum += fabs(A[i * M + j]) * sqrt(b->scale[j]);
    w->work[i] = fmax(sum * sum, b->covariance[i * M + i]);
  }
  memcpy(b->scale, w->work, M * sizeof *b->scale);
}

static void update_scale(size_t M, const lat_lds_belief *b)
{
  for (size_t i = 0; i < M; i++)
    b->scale[i] = fmax(LDS_SCALE_DECAY * b->scale[i], b->covariance[i * M + i]);
}

/* ---- both ------------------------------------------------------------------------------------ */

void lat_lds_predict(lat_lds_workspace *w, const double *A, const double *Q, const double *Q_root,
                     lat_lds_belief *b)
{
  lat_lds_product(w->M, w->M, A, b->mean, LDS_SET, w->work);
  memcpy(b->mean, w->work, w->M * sizeof *b->mean);
  if (b->root)
    predict_root(w, A, Q_root, b);
  else
    w->kernels->predict(w->M, A, Q, b->covariance, w->work);
  if (b->scale) predict_scale(w, A, b);
}

void lat_lds_add_input(size_t rows, const double *B, size_t U, const double *u, double *to)
{
  lat_lds_product(rows, U, B, u, LDS_ADD, to);
}

/* ---- the update ------------------------------------------------------------------------------ */

double lat_lds_update_mean(lat_lds_workspace *w, double *mean)
{
  size_t M = w->M, p = w->count;
  double sum = 0;
  memcpy(w->whitened, w->residual, p * sizeof *w->whitened);
  inline_solve_lower(p, 1, w->factor, w->inverse, w->whitened);
  inline_combine(M, p, w->gain, w->whitened, mean);
  for (size_t i = 0; i < p; i++) sum += w->whitened[i] * w->whitened[i];
  return -0.5 * ((double)w->used * LAT_LOG_2PI + w->log_det + sum);
}

static void set_log_det(lat_lds_workspace *w)
{
  size_t p = w->count;
  w->log_det = w->used == p ? -2 * inline_log_product(p, w->inverse) : 0;
  for (size_t i = 0; w->used < p && i < p; i++)
    if (w->inverse[i] > 0) w->log_det -= 2 * log(w->inverse[i]);
}

/* The kernel's update, unless there is little noise: a belief has a scale where R may be
 * singular. */
static bool update_covariance(lat_lds_workspace *w, lat_lds_belief *b)
{
  bool exact = b->scale;
  memcpy(w->factor, w->R, w->count * w->count * sizeof *w->factor);
  bool definite = w->kernels->update(w->M, w->count, w->C, w->factor, w->inverse, w->gain,
                                     b->covariance, &exact, w->work);
  return (definite && !exact) || lat_lds_update_noiseless(w, definite, b);
}

/* The update by the selected entries. */
static double update_selected(lat_lds_workspace *w, lat_lds_belief *b)
{
  w->used = w->count;
  if (w->count == 0) return 0;
  if (!(b->root ? lat_lds_update_root(w, b) : update_covariance(w, b))) return NAN;
  if (b->scale) update_scale(w->M, b);
  set_log_det(w);
  return lat_lds_update_mean(w, b->mean);
}

void lat_lds_select_observed(lat_lds_workspace *w, const double *C, const double *R,
                             const double *y, const double *offset, const double *mean)
{
  size_t M = w->M, D = w->D, p = 0;
  for (size_t i = 0; i < D; i++)
    if (!isnan(y[i])) w->index[p++] = i;
  w->count = p;
  w->C = C;
  w->R = R;
  for (size_t k = 0; p < D && k < p; k++) {
    memcpy(w->selected_C + k * M, C + w->index[k] * M, M * sizeof *C);
    for (size_t l = 0; l < p; l++) w->selected_R[k * p + l] = R[w->index[k] * D + w->index[l]];
  }
  if (p < D) {
    w->C = w->selected_C;
    w->R = w->selected_R;
  }
  for (size_t k = 0; k < p; k++)
    w->residual[k] = y[w->index[k]] - (offset ? offset[w->index[k]] : 0);
  lat_lds_product(p, M, w->C, mean, LDS_SUBTRACT, w->residual);
}

double lat_lds_update(lat_lds_workspace *w, const double *C, const double *R, const double *y,
                      const double *offset, lat_lds_belief *b)
{
  lat_lds_select_observed(w, C, R, y, offset, b->mean);
  return update_selected(w, b);
}

double lat_lds_update_residual(lat_lds_workspace *w, size_t count, const double *C, const double *R,
                               const double *residual, lat_lds_belief *b)
{
  w->count = count;
  w->C = C;
  w->R = R;
  for (size_t i = 0; i < count; i++) w->index[i] = i;
  memmove(w->residual, residual, count * sizeof *residual);
  return update_selected(w, b);
}

double lat_lds_update_moments(lat_lds_workspace *w, size_t count, const double *cross,
                              const double *S, const double *residual, lat_lds_belief *b)
{
  w->count = count;
  memmove(w->gain, cross, count * w->M * sizeof *cross);
  memmove(w->factor, S, count * count * sizeof *S);
  memmove(w->residual, residual, count * sizeof *residual);
  if (!lat_lds_update_covariance_by_moments(w, b->covariance)) return NAN;
  set_log_det(w);
  return lat_lds_update_mean(w, b->mean);
}
