/* factor/infer.c: what a model computes of rows, chunk by chunk; and rows of latent variables.
 *
 * Storage: what is derived from the model lies in the workspace, for all; each worker has scratch
 * for a chunk's batches and behind it for one row's small matrices. */
#include <math.h>

#include "base/parallel.h"
#include "base/progress.h"
#include "em/factor/internal.h"
#include "matrix/product.h"

typedef struct walk {
  const lat_factor_precomputed *model;
  const lat_request *request;
  const lat_outputs *outputs;
  size_t chunk, scratch_count;
  double *scratch;
} walk;

/* ---- from z0 to z = L z0, and back ----------------------------------------------------------- */

/* x := L x */
static void multiply_root(size_t M, const double *L, double *x)
{
  for (size_t i = M; L && i-- > 0;) {
    const double *row = L + lat_packed_count(i);
    double sum = 0;
    for (size_t k = 0; k <= i; k++) sum += row[k] * x[k];
    x[i] = sum;
  }
}

/* The n columns of B (row-major, `step` apart) := inv(L) B. */
static void solve_root(size_t M, const double *L, size_t n, double *B)
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
static void posterior_covariance(const lat_factor_precomputed *f, const double *factor,
                                 double *packed, double *line, double *V)
{
  size_t M = f->M;
  lat_packed_inverse(M, factor, packed, line);
  for (size_t i = 0, at = 0; i < M; i++)
    for (size_t j = 0; j <= i; j++, at++) V[i * M + j] = V[j * M + i] = f->noise * packed[at];
  for (size_t i = 0; f->root && i < M; i++) multiply_root(M, f->root, V + i * M); /* V L' */
  for (size_t j = 0; f->root && j < M; j++) {
    for (size_t i = 0; i < M; i++) line[i] = V[i * M + j];
    multiply_root(M, f->root, line);
    for (size_t i = 0; i < M; i++) V[i * M + j] = line[i];
  }
}

/* ---- one row --------------------------------------------------------------------------------- */

/* KL(N(m, C) || N(z, V)) in terms of z0, where V = noise inv(A A'), A being K's factor, and C = R
 * R': 1/2 (|A'R|^2/noise + |A'(m - z)|^2/noise - M + log|V| - log|C|). m and R (dense, M x M) are
 * overwritten. NaN when C isn't positive definite. */
static double divergence(const lat_factor_precomputed *f, const double *A, double log_det,
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
  solve_root(M, f->root, M, R);
  solve_root(M, f->root, 1, m);
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

/* x_j where it is there, else its conditional mean; and the conditional variance psi_j + w_j' V
 * w_j, or 0. */
static void impute(const walk *w, const lat_factor_rows *r, size_t g, size_t i, size_t row,
                   double *line)
{
  const lat_factor_precomputed *f = w->model;
  const double *L = r->factor + g * lat_packed_count(f->M);
  for (size_t j = 0; j < f->D; j++) {
    bool there = !r->mask || r->mask[g * f->D + j] != 0;
    if (w->outputs->imputed)
      lat_set(w->outputs->imputed, row, j,
              there ? lat_get(&w->request->X, row, j) : f->mean[j] + r->fit[i * f->D + j]);
    if (!w->outputs->variances) continue;
    double variance = 0;
    if (!there) {
      const double *wj = f->W + j * f->M;
      memcpy(line, wj, f->M * sizeof *line);
      lat_packed_solve(f->M, L, line);
      for (size_t m = 0; m < f->M; m++) variance += wj[m] * line[m];
      variance = (f->variances ? f->variances[j] : f->noise) + f->noise * variance;
    }
    lat_set(w->outputs->variances, row, j, variance);
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

/* All that is asked of row i of the batch, in group g, which is number `row` of all. */
static void write_row(const walk *w, const lat_factor_rows *r, size_t g, size_t i, size_t row,
                      double *line)
{
  const lat_factor_precomputed *f = w->model;
  const lat_outputs *to = w->outputs;
  const lat_request *q = w->request;
  size_t M = f->M, T = lat_packed_count(M);
  double *packed = line + M, *R = packed + T;
  const double *z = r->z + i * M, *factor = r->factor + g * T;
  if (to->log_likelihood) to->log_likelihood[row] = density(r, g, i);
  if (to->latent) {
    memcpy(line, z, M * sizeof *line);
    multiply_root(M, f->root, line);
    for (size_t k = 0; k < M; k++) lat_set(to->latent, row, k, line[k]);
  }
  if (to->covariances) posterior_covariance(f, factor, packed, line, to->covariances + row * M * M);
  for (size_t j = 0; to->reconstruction && j < f->D; j++)
    lat_set(to->reconstruction, row, j, f->mean[j] + r->fit[i * f->D + j]);
  if (to->imputed || to->variances) impute(w, r, g, i, row, line);
  if (!to->bound && !to->kl) return;
  double kl = 0;
  if (q->q_means) {
    for (size_t k = 0; k < M; k++) line[k] = lat_get(q->q_means, row, k);
    kl = divergence(f, factor, r->log_det[g], z, line,
                    q->q_covariances + (q->q_shared ? 0 : row * M * M), packed, R);
  }
  if (to->kl) to->kl[row] = kl;
  if (to->bound) to->bound[row] = density(r, g, i) - kl;
}

/* ---- all rows -------------------------------------------------------------------------------- */

static void apply_chunk(void *context, size_t c, size_t worker)
{
  const walk *w = context;
  const lat_factor_precomputed *f = w->model;
  size_t first = c * w->chunk, left = w->request->X.rows - first;
  lat_matrix X = lat_block_of(w->request->X, first, 0, left < w->chunk ? left : w->chunk, f->D);
  double *scratch = w->scratch + worker * w->scratch_count;
  double *line = scratch + lat_factor_rows_count(f->D, f->M, f->missing, w->chunk);
  lat_factor_rows r;
  lat_factor_rows_begin(&r, f, &X, scratch);
  while (lat_factor_rows_next(&r))
    for (size_t g = 0; g < r.groups; g++)
      for (size_t i = r.first[g]; i < r.first[g + 1]; i++)
        write_row(w, &r, g, i, first + lat_factor_place(&r, i), line);
}

static lat_status check(lat_workspace *work, const lat_factor_view *model,
                        const lat_request *request, const lat_outputs *outputs)
{
  if (request->X.cols != model->D)
    return lat_fail(work, LAT_SHAPE, "X has %zu columns, the model was fitted on %zu",
                    request->X.cols, model->D);
  if ((outputs->log_likelihood || outputs->bound || outputs->kl) && !(*model->noise_variances > 0))
    return lat_fail(work, LAT_INVALID, "noise_variance is 0: this limit has no density");
  return lat_check_finite(work, "X", &request->X, request->missing);
}

/* M x M: the posterior covariance of every row without missing entries. */
static lat_status find_covariance(lat_workspace *work, const lat_factor_view *model,
                                  double *covariance)
{
  size_t M = model->M, T = lat_packed_count(M);
  LAT_SCOPE(work);
  double *derived = lat_doubles(work, lat_factor_precomputed_count(model, false));
  double *packed = lat_doubles(work, T + M);
  if (!derived || !packed) return LAT_MEMORY;
  lat_factor_precompute(model, false, true, derived);
  lat_factor_precomputed f = lat_factor_precomputed_of(model, false, true, derived);
  posterior_covariance(&f, f.factor, packed, packed + T, covariance);
  return LAT_OK;
}

size_t lat_factor_prepared_count(const lat_factor_view *model, const lat_request *request)
{
  return lat_factor_precomputed_count(model, request->missing);
}

static bool has_prior(const lat_request *request)
{
  return request->scores != LAT_SCORES_BARTLETT;
}

void lat_factor_prepare(const lat_factor_view *model, const lat_request *request, double *numbers)
{
  lat_factor_precompute(model, request->missing, has_prior(request), numbers);
}

lat_status lat_factor_apply(lat_workspace *work, const lat_factor_view *model,
                            const lat_request *request, const lat_outputs *outputs)
{
  LAT_TRY(check(work, model, request, outputs));
  LAT_SCOPE(work);
  size_t D = model->D, M = model->M, N = request->X.rows;
  bool missing = request->missing;
  if (outputs->covariance) LAT_TRY(find_covariance(work, model, outputs->covariance));
  double *derived = (double *)lat_prepared_for(&model->prepared, request);
  if (!derived) {
    derived = lat_doubles(work, lat_factor_prepared_count(model, request));
    if (!derived) return LAT_MEMORY;
    lat_factor_prepare(model, request, derived);
  }
  lat_factor_precomputed f = lat_factor_precomputed_of(model, missing, has_prior(request), derived);
  walk w = {.model = &f, .request = request, .outputs = outputs, .chunk = lat_chunk_rows(D)};
  if (w.chunk > N) w.chunk = N;
  w.scratch_count = lat_factor_rows_count(D, M, missing, w.chunk) + line_count(M);
  w.scratch = lat_allocate(work, lat_workers(work), w.scratch_count * sizeof(double));
  if (!w.scratch) return LAT_MEMORY;
  if (N > 0) LAT_TRY(lat_parallel(work, (N + w.chunk - 1) / w.chunk, apply_chunk, &w));
  const double *of_q = outputs->kl ? outputs->kl : outputs->bound;
  for (size_t i = 0; of_q && request->q_means && i < N; i++)
    if (isnan(of_q[i]))
      return lat_fail(work, LAT_INVALID, "q's covariance of row %zu isn't positive definite",
                      i + 1);
  return LAT_OK;
}

/* ---- the other way --------------------------------------------------------------------------- */

static double noise_variance(const lat_factor_view *model, size_t j)
{
  return model->noise_variances[model->shared ? 0 : j];
}

/* X := W z + mean, plus, with `noise`, what X is times the noise's deviation. */
static lat_status generate(lat_workspace *work, const lat_factor_view *model, bool noise,
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

lat_status lat_factor_inverse(lat_workspace *work, const lat_factor_view *model,
                              const lat_matrix *Z, const lat_matrix *X)
{
  if (Z->cols != model->M)
    return lat_fail(work, LAT_SHAPE, "Z has %zu columns, the model has %zu latent dimensions",
                    Z->cols, model->M);
  LAT_TRY(lat_check_finite(work, "Z", Z, false));
  return generate(work, model, false, Z, X);
}

lat_status lat_factor_covariance(lat_workspace *work, const lat_factor_view *model,
                                 const lat_matrix *C)
{
  LAT_SCOPE(work);
  double *derived = lat_doubles(work, lat_factor_precomputed_count(model, false));
  if (!derived) return LAT_MEMORY;
  lat_factor_precompute(model, false, true, derived);
  lat_factor_precomputed f = lat_factor_precomputed_of(model, false, true, derived);
  lat_matrix W = lat_matrix_of((double *)f.W, model->D, model->M), Wt = lat_transpose(W);
  lat_fill(C, 0);
  if (model->M > 0) LAT_TRY(lat_product(work, 1, &W, &Wt, 0, C));
  for (size_t j = 0; j < model->D; j++)
    lat_set(C, j, j, lat_get(C, j, j) + noise_variance(model, j));
  return LAT_OK;
}

lat_status lat_factor_sample(lat_workspace *work, const lat_factor_view *model, lat_random *random,
                             const lat_matrix *X, const lat_matrix *Z)
{
  LAT_SCOPE(work);
  double *derived = lat_doubles(work, lat_factor_precomputed_count(model, false));
  if (!derived) return LAT_MEMORY;
  lat_factor_precompute(model, false, true, derived);
  lat_factor_precomputed f = lat_factor_precomputed_of(model, false, true, derived);
  lat_matrix own = {.rows = X->rows};
  if (!Z) {
    if (model->M > 0) own = lat_matrix_new(work, X->rows, model->M);
    if (model->M > 0 && !own.data) return LAT_MEMORY;
    Z = &own;
  }
  const double M = (double)model->M, D = (double)model->D, draw = 8; /* beside a multiplication */
  LAT_STEPS(work, steps, draw * (M + D) + M * D, NULL);
  lat_step(&steps, 0, draw * M);
  LAT_TRY(lat_random_fill_normal(work, random, Z->rows * Z->cols, Z->data));
  lat_step(&steps, draw * M, draw * D);
  LAT_TRY(lat_random_fill_normal(work, random, X->rows * X->cols, X->data));
  lat_step(&steps, draw * (M + D), M * D);
  for (size_t i = 0; f.root && i < Z->rows; i++) {
    if (i % 1024 == 0) LAT_TRY(lat_check(work));
    multiply_root(model->M, f.root, (double *)Z->data + i * model->M);
  }
  return generate(work, model, true, Z, X);
}

size_t lat_factor_isotropic_parameters(size_t D, size_t M)
{
  return D + D * M + 1 - M * (M - (M > 0)) / 2;
}

/* ---- of whatever model ----------------------------------------------------------------------- */

/* Parameters begin with mean, W and the noise. */
static lat_factor_view model_of(const lat_fitted *f)
{
  const lat_parameter *noise = f->model->parameters(f->options) + 2;
  return lat_factor_view_of(f->flat, f->sizes[LAT_D], f->sizes[LAT_M], noise->shape[0] == LAT_END);
}

lat_status lat_factor_fitted_apply(lat_workspace *work, const lat_fitted *f,
                                   const lat_request *request, const lat_outputs *outputs)
{
  lat_factor_view model = model_of(f);
  model.prepared = f->prepared;
  return lat_factor_apply(work, &model, request, outputs);
}

size_t lat_factor_fitted_prepared_count(const lat_fitted *f, const lat_request *request)
{
  lat_factor_view model = model_of(f);
  return lat_factor_prepared_count(&model, request);
}

lat_status lat_factor_fitted_prepare(lat_workspace *work, const lat_fitted *f,
                                     const lat_request *request, double *numbers)
{
  lat_factor_view model = model_of(f);
  (void)work;
  lat_factor_prepare(&model, request, numbers);
  return LAT_OK;
}

lat_status lat_factor_fitted_inverse(lat_workspace *work, const lat_fitted *f,
                                     const lat_request *request, const lat_matrix *X)
{
  lat_factor_view model = model_of(f);
  return lat_factor_inverse(work, &model, &request->X, X);
}

lat_status lat_factor_fitted_sample(lat_workspace *work, const lat_fitted *f, lat_random *random,
                                    const lat_matrix *X, const lat_outputs *of)
{
  lat_factor_view model = model_of(f);
  return lat_factor_sample(work, &model, random, X, of->latent);
}

lat_status lat_factor_fitted_covariance(lat_workspace *work, const lat_fitted *f, size_t k,
                                        const lat_matrix *C)
{
  lat_factor_view model = model_of(f);
  (void)k; /* there is one */
  return lat_factor_covariance(work, &model, C);
}

/* ---- tables ---------------------------------------------------------------------------------- */

static const char *const scores[] = {"regression", "bartlett", NULL};

const lat_option lat_factor_fit_options[] = {
    LAT_OPTION_WEIGHTS,     LAT_OPTION_MISSING, LAT_OPTION_ON_ITERATION, LAT_OPTION_PROGRESS,
    LAT_OPTION_MAX_SECONDS, LAT_OPTION_COMM,    {.name = NULL}};
const lat_option lat_factor_slice_options[] = {
    LAT_OPTION_WEIGHTS, LAT_OPTION_MISSING, LAT_OPTION_ON_ITERATION, {.name = NULL}};
const lat_option lat_factor_steps_options[] = {
    LAT_OPTION_WEIGHTS, LAT_OPTION_MISSING, LAT_OPTION_BUDGET, {.name = NULL}};
const lat_option lat_factor_transform_options[] = {
    LAT_OPTION_MISSING,
    LAT_OPTION_CHOICE(lat_request, scores, LAT_SCORES_REGRESSION, scores),
    {.name = NULL}};
