/* factor/infer.c: what a model says of rows, chunk by chunk. */
#include <math.h>

#include "base/parallel.h"
#include "em/factor/rows.h"
#include "matrix/product.h"

typedef struct walk {
  const lat_factor_frame *frame;
  const lat_matrix *X;
  const lat_factor_images *images;
  size_t chunk, scratch_count;
  double *scratch;
} walk;

/* ---- from z0 to z = L z0, and back ----------------------------------------------------------- */

/* x := L x */
static void turn(size_t M, const double *L, double *x)
{
  for (size_t i = M; L && i-- > 0;) {
    const double *row = L + lat_packed_count(i);
    double sum = 0;
    for (size_t k = 0; k <= i; k++) sum += row[k] * x[k];
    x[i] = sum;
  }
}

/* The n columns of B (row-major, `step` apart) := inv(L) B. */
static void turn_back(size_t M, const double *L, size_t n, double *B)
{
  for (size_t c = 0; L && c < n; c++)
    for (size_t i = 0; i < M; i++) {
      const double *row = L + lat_packed_count(i);
      double sum = B[i * n + c];
      for (size_t k = 0; k < i; k++) sum -= row[k] * B[k * n + c];
      B[i * n + c] = sum / row[i];
    }
}

/* V = noise L inv(K) L' of a pattern, dense; `line` is M, `packed` packed(M). */
static void posterior_covariance(const lat_factor_frame *f, const double *factor, double *packed,
                                 double *line, double *V)
{
  size_t M = f->M;
  lat_packed_inverse(M, factor, packed, line);
  for (size_t i = 0, at = 0; i < M; i++)
    for (size_t j = 0; j <= i; j++, at++) V[i * M + j] = V[j * M + i] = f->noise * packed[at];
  for (size_t i = 0; f->root && i < M; i++) turn(M, f->root, V + i * M); /* V L' */
  for (size_t j = 0; f->root && j < M; j++) {
    for (size_t i = 0; i < M; i++) line[i] = V[i * M + j];
    turn(M, f->root, line);
    for (size_t i = 0; i < M; i++) V[i * M + j] = line[i];
  }
}

/* ---- one row --------------------------------------------------------------------------------- */

/* KL(N(m, C) || N(z, V)) in terms of z0, where V = noise inv(A A'), A being K's factor, and C = R R':
 * 1/2 (|A'R|^2/noise + |A'(m - z)|^2/noise - M + log|V| - log|C|). m and R (dense, M x M) are
 * overwritten. NaN when C isn't positive definite. */
static double divergence(const lat_factor_frame *f, const double *A, double log_det,
                         const double *z, double *m, const double *C, double *packed, double *R)
{
  size_t M = f->M;
  double log_C = 0, sum = 0;
  for (size_t i = 0, at = 0; i < M; i++)
    for (size_t j = 0; j <= i; j++) packed[at++] = C[i * M + j];
  if (M > 0 && lat_packed_cholesky(M, packed, &log_C) > 0) return NAN;
  for (size_t i = 0; i < M; i++) {
    for (size_t j = 0; j < M; j++) R[i * M + j] = j <= i ? packed[lat_packed_count(i) + j] : 0;
    if (f->root) log_C -= 2 * log(f->root[lat_packed_count(i) + i]);
  }
  turn_back(M, f->root, M, R);
  turn_back(M, f->root, 1, m);
  for (size_t i = 0; i < M; i++) {
    double product = 0;
    for (size_t k = i; k < M; k++) product += A[lat_packed_count(k) + i] * (m[k] - z[k]);
    sum += product * product;
    for (size_t j = 0; j < M; j++) {
      product = 0;
      for (size_t k = i > j ? i : j; k < M; k++)
        product += A[lat_packed_count(k) + i] * R[k * M + j];
      sum += product * product;
    }
  }
  return 0.5 * (sum / f->noise - (double)M + (double)M * log(f->noise) - log_det - log_C);
}

/* x_j where it is there, else its conditional mean; and the conditional variance psi_j + w_j' V w_j,
 * or 0. */
static void impute(const walk *w, const lat_factor_rows *r, size_t g, size_t i, size_t row,
                   double *line)
{
  const lat_factor_frame *f = w->frame;
  const double *L = r->factor + g * lat_packed_count(f->M);
  for (size_t j = 0; j < f->D; j++) {
    bool there = !r->mask || r->mask[g * f->D + j] != 0;
    if (w->images->imputed)
      lat_set(w->images->imputed, row, j,
              there ? lat_get(w->X, row, j) : f->mean[j] + r->fit[i * f->D + j]);
    if (!w->images->variances) continue;
    double variance = 0;
    if (!there) {
      const double *wj = f->W + j * f->M;
      memcpy(line, wj, f->M * sizeof *line);
      lat_packed_solve(f->M, L, line);
      for (size_t m = 0; m < f->M; m++) variance += wj[m] * line[m];
      variance = (f->variances ? f->variances[j] : f->noise) + f->noise * variance;
    }
    lat_set(w->images->variances, row, j, variance);
  }
}

/* log p(x_o) of finite numbers: NaN stands for squares that overflow. */
static double density(const lat_factor_rows *r, size_t g, size_t i)
{
  double value = lat_factor_density(r, g, i);
  return isnan(value) ? -INFINITY : value;
}

static size_t line_count(size_t M)
{
  return M + lat_packed_count(M) + M * M;
}

static void say(const walk *w, const lat_factor_rows *r, size_t g, size_t i, size_t row,
                double *line)
{
  const lat_factor_frame *f = w->frame;
  const lat_factor_images *to = w->images;
  size_t M = f->M, T = lat_packed_count(M);
  double *packed = line + M, *R = packed + T;
  const double *z = r->z + i * M, *factor = r->factor + g * T;
  if (to->log_likelihood) to->log_likelihood[row] = density(r, g, i);
  if (to->latent) {
    memcpy(line, z, M * sizeof *line);
    turn(M, f->root, line);
    for (size_t k = 0; k < M; k++) lat_set(to->latent, row, k, line[k]);
  }
  if (to->covariances) posterior_covariance(f, factor, packed, line, to->covariances + row * M * M);
  for (size_t j = 0; to->reconstruction && j < f->D; j++)
    lat_set(to->reconstruction, row, j, f->mean[j] + r->fit[i * f->D + j]);
  if (to->imputed || to->variances) impute(w, r, g, i, row, line);
  if (!to->bound) return;
  to->kl[row] = 0;
  if (to->q_means) {
    for (size_t k = 0; k < M; k++) line[k] = lat_get(to->q_means, row, k);
    to->kl[row] = divergence(f, factor, r->log_det[g], z, line,
                             to->q_covariances + (to->q_shared ? 0 : row * M * M), packed, R);
  }
  to->bound[row] = density(r, g, i) - to->kl[row];
}

/* ---- all rows -------------------------------------------------------------------------------- */

static void apply_chunk(void *context, size_t c, size_t worker)
{
  const walk *w = context;
  const lat_factor_frame *f = w->frame;
  size_t first = c * w->chunk, left = w->X->rows - first;
  lat_matrix X = lat_block_of(*w->X, first, 0, left < w->chunk ? left : w->chunk, f->D);
  double *scratch = w->scratch + worker * w->scratch_count;
  double *line = scratch + lat_factor_rows_count(f->D, f->M, f->missing, w->chunk);
  lat_factor_rows r;
  lat_factor_rows_begin(&r, f, &X, scratch);
  while (lat_factor_rows_next(&r))
    for (size_t g = 0; g < r.groups; g++)
      for (size_t i = r.first[g]; i < r.first[g + 1]; i++)
        say(w, &r, g, i, first + lat_factor_place(&r, i), line);
}

static lat_status check(lat_workspace *work, const lat_factor_model *model, const lat_matrix *X,
                        bool missing, const lat_factor_images *images)
{
  if (X->cols != model->D)
    return lat_fail(work, LAT_SHAPE, "X has %zu columns, the model was fitted on %zu", X->cols,
                    model->D);
  if ((images->log_likelihood || images->bound) && !(*model->noise_variances > 0))
    return lat_fail(work, LAT_INVALID, "noise_variance is 0: this limit has no density");
  return lat_check_finite(work, "X", X, missing);
}

lat_status lat_factor_apply(lat_workspace *work, const lat_factor_model *model, const lat_matrix *X,
                            bool missing, const lat_factor_images *images)
{
  LAT_TRY(check(work, model, X, missing, images));
  LAT_SCOPE(work);
  size_t D = model->D, M = model->M;
  bool prior = !images->least_squares;
  double *derived = lat_doubles(work, lat_factor_frame_count(model, missing));
  if (!derived) return LAT_MEMORY;
  lat_factor_frame_fill(model, missing, prior, derived);
  lat_factor_frame frame = lat_factor_frame_of(model, missing, prior, derived);
  walk w = {.frame = &frame, .X = X, .images = images, .chunk = lat_chunk_rows(D)};
  if (w.chunk > X->rows) w.chunk = X->rows;
  w.scratch_count = lat_factor_rows_count(D, M, missing, w.chunk) + line_count(M);
  w.scratch = lat_allocate(work, lat_workers(work), w.scratch_count * sizeof(double));
  if (!w.scratch) return LAT_MEMORY;
  if (X->rows > 0) LAT_TRY(lat_parallel(work, (X->rows + w.chunk - 1) / w.chunk, apply_chunk, &w));
  for (size_t i = 0; images->q_means && i < X->rows; i++)
    if (isnan(images->kl[i]))
      return lat_fail(work, LAT_INVALID, "q's covariance of row %zu isn't positive definite",
                      i + 1);
  return LAT_OK;
}

lat_status lat_factor_posterior(lat_workspace *work, const lat_factor_model *model,
                                double *covariance)
{
  size_t M = model->M, T = lat_packed_count(M);
  LAT_SCOPE(work);
  double *derived = lat_doubles(work, lat_factor_frame_count(model, false));
  double *packed = lat_doubles(work, T + M);
  if (!derived || !packed) return LAT_MEMORY;
  lat_factor_frame_fill(model, false, true, derived);
  lat_factor_frame frame = lat_factor_frame_of(model, false, true, derived);
  posterior_covariance(&frame, frame.factor, packed, packed + T, covariance);
  return LAT_OK;
}

/* ---- the other way --------------------------------------------------------------------------- */

static double noise_variance(const lat_factor_model *model, size_t j)
{
  return model->noise_variances[model->shared ? 0 : j];
}

/* X := W z + mean, plus, with `noise`, what X is times the noise's deviation. */
static lat_status emit(lat_workspace *work, const lat_factor_model *model, bool noise,
                       const lat_matrix *Z, const lat_matrix *X)
{
  size_t rows = 1 + 65536 / model->D; /* between two looks at whether to go on */
  if (!noise) LAT_TRY(lat_fill_bands(work, X, 0));
  for (size_t i = 0; noise && i < X->rows; i++) {
    if (i % rows == 0) LAT_TRY(lat_check(work));
    for (size_t j = 0; j < model->D; j++)
      lat_set(X, i, j, sqrt(noise_variance(model, j)) * lat_get(X, i, j));
  }
  lat_matrix Wt = lat_transpose(lat_matrix_of(model->W, model->D, model->M));
  if (model->M > 0) LAT_TRY(lat_product(work, 1, Z, &Wt, 1, X));
  for (size_t i = 0; i < X->rows; i++) {
    if (i % rows == 0) LAT_TRY(lat_check(work));
    for (size_t j = 0; j < model->D; j++) lat_set(X, i, j, lat_get(X, i, j) + model->mean[j]);
  }
  return LAT_OK;
}

lat_status lat_factor_inverse(lat_workspace *work, const lat_factor_model *model,
                              const lat_matrix *Z, const lat_matrix *X)
{
  if (Z->cols != model->M)
    return lat_fail(work, LAT_SHAPE, "Z has %zu columns, the model has %zu latent dimensions",
                    Z->cols, model->M);
  LAT_TRY(lat_check_finite(work, "Z", Z, false));
  return emit(work, model, false, Z, X);
}

lat_status lat_factor_covariance(lat_workspace *work, const lat_factor_model *model,
                                 const lat_matrix *C)
{
  LAT_SCOPE(work);
  double *derived = lat_doubles(work, lat_factor_frame_count(model, false));
  if (!derived) return LAT_MEMORY;
  lat_factor_frame_fill(model, false, true, derived);
  lat_factor_frame frame = lat_factor_frame_of(model, false, true, derived);
  lat_matrix W = lat_matrix_of((double *)frame.W, model->D, model->M), Wt = lat_transpose(W);
  lat_fill(C, 0);
  if (model->M > 0) LAT_TRY(lat_product(work, 1, &W, &Wt, 0, C));
  for (size_t j = 0; j < model->D; j++)
    lat_set(C, j, j, lat_get(C, j, j) + noise_variance(model, j));
  return LAT_OK;
}

lat_status lat_factor_sample(lat_workspace *work, const lat_factor_model *model, lat_random *random,
                             const lat_matrix *X, const lat_matrix *Z)
{
  LAT_SCOPE(work);
  double *derived = lat_doubles(work, lat_factor_frame_count(model, false));
  if (!derived) return LAT_MEMORY;
  lat_factor_frame_fill(model, false, true, derived);
  lat_factor_frame frame = lat_factor_frame_of(model, false, true, derived);
  LAT_TRY(lat_random_fill_normal(work, random, Z->rows * Z->cols, Z->data));
  LAT_TRY(lat_random_fill_normal(work, random, X->rows * X->cols, X->data));
  for (size_t i = 0; frame.root && i < Z->rows; i++) {
    if (i % 1024 == 0) LAT_TRY(lat_check(work));
    turn(model->M, frame.root, (double *)Z->data + i * model->M);
  }
  return emit(work, model, true, Z, X);
}
