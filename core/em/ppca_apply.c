/* ppca_apply.c: what a fitted model says of rows, chunk by chunk. */
#include <math.h>

#include "base/parallel.h"
#include "em/ppca_rows.h"
#include "matrix/product.h"

typedef struct walk {
  const lat_ppca_frame *frame;
  const lat_matrix *X;
  const lat_ppca_images *images;
  size_t chunk, scratch_count;
  double *scratch;
} walk;

/* ---- one row ---------------------------------------------------------------------------------- */

/* V = s2 inv(K) of a pattern, dense. */
static void posterior_covariance(size_t M, double noise, const double *factor, double *packed,
                                 double *line, double *V)
{
  lat_packed_inverse(M, factor, packed, line);
  for (size_t i = 0, at = 0; i < M; i++)
    for (size_t j = 0; j <= i; j++, at++) V[i * M + j] = V[j * M + i] = noise * packed[at];
}

/* KL(N(m, C) || N(z, V)), V = s2 inv(L L'):  1/2 (tr(L'C L)/s2 + |L'(m - z)|^2/s2 - M + log|V| -
 * log|C|); with C = R R' the trace is the squared norm of L'R. NaN when C isn't positive definite. */
static double divergence(size_t M, double noise, const double *L, double log_det, const double *z,
                         const double *m, const double *C, double *R)
{
  double log_C, sum = 0;
  for (size_t i = 0, at = 0; i < M; i++)
    for (size_t j = 0; j <= i; j++, at++) R[at] = C[i * M + j];
  if (M > 0 && lat_packed_cholesky(M, R, &log_C) > 0) return NAN;
  if (M == 0) log_C = 0;
  for (size_t i = 0; i < M; i++) {
    double product = 0;
    for (size_t k = i; k < M; k++) product += L[lat_packed_count(k) + i] * (m[k] - z[k]);
    sum += product * product;
    for (size_t j = 0; j < M; j++) {
      product = 0;
      for (size_t k = i > j ? i : j; k < M; k++)
        product += L[lat_packed_count(k) + i] * R[lat_packed_count(k) + j];
      sum += product * product;
    }
  }
  return 0.5 * (sum / noise - (double)M + (double)M * log(noise) - log_det - log_C);
}

/* x_j where it is there, else its conditional mean; and the conditional variance s2 (1 + w_j' inv(K)
 * w_j), or 0. */
static void impute(const walk *w, const lat_ppca_rows *r, size_t g, size_t i, size_t row,
                   double *line)
{
  const lat_ppca_frame *f = w->frame;
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
      variance = f->noise * (1 + variance);
    }
    lat_set(w->images->variances, row, j, variance);
  }
}

static void say(const walk *w, const lat_ppca_rows *r, size_t g, size_t i, size_t row, double *line)
{
  const lat_ppca_frame *f = w->frame;
  const lat_ppca_images *to = w->images;
  size_t M = f->M, T = lat_packed_count(M);
  double *packed = line + M, *m = packed + T;
  if (to->log_likelihood) to->log_likelihood[row] = lat_ppca_density(r, g, i);
  for (size_t k = 0; to->latent && k < M; k++) lat_set(to->latent, row, k, r->z[i * M + k]);
  if (to->covariances)
    posterior_covariance(M, f->noise, r->factor + g * T, packed, line,
                         to->covariances + row * M * M);
  for (size_t j = 0; to->reconstruction && j < f->D; j++)
    lat_set(to->reconstruction, row, j, f->mean[j] + r->fit[i * f->D + j]);
  if (to->imputed || to->variances) impute(w, r, g, i, row, line);
  if (!to->bound) return;
  to->kl[row] = 0;
  if (to->q_means) {
    for (size_t k = 0; k < M; k++) m[k] = lat_get(to->q_means, row, k);
    to->kl[row] = divergence(M, f->noise, r->factor + g * T, r->log_det[g], r->z + i * M, m,
                             to->q_covariances + (to->q_shared ? 0 : row * M * M), packed);
  }
  to->bound[row] = lat_ppca_density(r, g, i) - to->kl[row];
}

/* ---- all rows ------------------------------------------------------------------------------------- */

static void apply_chunk(void *context, size_t c, size_t worker)
{
  const walk *w = context;
  const lat_ppca_frame *f = w->frame;
  size_t first = c * w->chunk, left = w->X->rows - first;
  lat_matrix X = lat_block_of(*w->X, first, 0, left < w->chunk ? left : w->chunk, f->D);
  double *scratch = w->scratch + worker * w->scratch_count;
  double *line = scratch + lat_ppca_rows_count(f->D, f->M, f->missing, w->chunk);
  lat_ppca_rows r;
  lat_ppca_rows_begin(&r, f, &X, scratch);
  while (lat_ppca_rows_next(&r))
    for (size_t g = 0; g < r.groups; g++)
      for (size_t i = r.first[g]; i < r.first[g + 1]; i++)
        say(w, &r, g, i, first + lat_ppca_place(&r, i), line);
}

static lat_status check(lat_workspace *work, const lat_ppca *ppca, const lat_matrix *X,
                        bool missing, const lat_ppca_images *images)
{
  if (X->cols != ppca->D)
    return lat_fail(work, LAT_SHAPE, "X has %zu columns, the model was fitted on %zu", X->cols,
                    ppca->D);
  if ((images->log_likelihood || images->bound) && !(*ppca->noise_variance > 0))
    return lat_fail(work, LAT_INVALID, "noise_variance is 0: this limit has no density");
  return lat_check_finite(work, "X", X, missing);
}

lat_status lat_ppca_apply(lat_workspace *work, const lat_ppca *ppca, const lat_matrix *X,
                          bool missing, const lat_ppca_images *images)
{
  LAT_TRY(check(work, ppca, X, missing, images));
  lat_mark mark = lat_workspace_mark(work);
  size_t D = ppca->D, M = ppca->M;
  double *derived = lat_doubles(work, lat_ppca_frame_count(D, M, missing));
  if (!derived) return LAT_MEMORY;
  lat_ppca_frame_fill(ppca, missing, derived);
  lat_ppca_frame frame = lat_ppca_frame_of(ppca, missing, derived);
  walk w = {.frame = &frame, .X = X, .images = images, .chunk = lat_chunk_rows(D)};
  if (w.chunk > X->rows) w.chunk = X->rows;
  w.scratch_count = lat_ppca_rows_count(D, M, missing, w.chunk) + 2 * M + lat_packed_count(M);
  w.scratch = lat_allocate(work, lat_workers(work), w.scratch_count * sizeof(double));
  if (!w.scratch) return LAT_MEMORY;
  if (X->rows > 0) LAT_TRY(lat_parallel(work, (X->rows + w.chunk - 1) / w.chunk, apply_chunk, &w));
  lat_workspace_release(work, mark);
  for (size_t i = 0; images->q_means && i < X->rows; i++)
    if (isnan(images->kl[i]))
      return lat_fail(work, LAT_INVALID, "q's covariance of row %zu isn't positive definite",
                      i + 1);
  return LAT_OK;
}

lat_status lat_ppca_posterior_covariance(lat_workspace *work, const lat_ppca *ppca,
                                         double *covariance)
{
  size_t M = ppca->M, T = lat_packed_count(M);
  lat_mark mark = lat_workspace_mark(work);
  double *factor = lat_doubles(work, lat_ppca_frame_count(ppca->D, M, false));
  double *packed = lat_doubles(work, T + M);
  if (!factor || !packed) return LAT_MEMORY;
  lat_ppca_frame_fill(ppca, false, factor);
  posterior_covariance(M, *ppca->noise_variance, factor, packed, packed + T, covariance);
  lat_workspace_release(work, mark);
  return LAT_OK;
}

/* ---- the other way ---------------------------------------------------------------------------------- */

/* X := W z + mean, plus what X is times `noise`. */
static lat_status emit(lat_workspace *work, const lat_ppca *ppca, double noise, const lat_matrix *Z,
                       const lat_matrix *X)
{
  if (ppca->M == 0 && noise == 0) lat_fill(X, 0);
  lat_matrix Wt = lat_transpose(lat_matrix_of(ppca->W, ppca->D, ppca->M));
  if (ppca->M > 0) LAT_TRY(lat_product(work, 1, Z, &Wt, noise, X));
  double scale = ppca->M > 0 ? 1 : noise;
  for (size_t i = 0; i < X->rows; i++)
    for (size_t j = 0; j < ppca->D; j++) lat_set(X, i, j, scale * lat_get(X, i, j) + ppca->mean[j]);
  return LAT_OK;
}

lat_status lat_ppca_inverse(lat_workspace *work, const lat_ppca *ppca, const lat_matrix *Z,
                            const lat_matrix *X)
{
  if (Z->cols != ppca->M)
    return lat_fail(work, LAT_SHAPE, "Z has %zu columns, the model has %zu latent dimensions",
                    Z->cols, ppca->M);
  LAT_TRY(lat_check_finite(work, "Z", Z, false));
  return emit(work, ppca, 0, Z, X);
}

lat_status lat_ppca_covariance(lat_workspace *work, const lat_ppca *ppca, const lat_matrix *C)
{
  lat_matrix W = lat_matrix_of(ppca->W, ppca->D, ppca->M), Wt = lat_transpose(W);
  lat_fill(C, 0);
  if (ppca->M > 0) LAT_TRY(lat_product(work, 1, &W, &Wt, 0, C));
  for (size_t j = 0; j < ppca->D; j++) lat_set(C, j, j, lat_get(C, j, j) + *ppca->noise_variance);
  return LAT_OK;
}

lat_status lat_ppca_sample(lat_workspace *work, const lat_ppca *ppca, lat_random *random,
                           const lat_matrix *X, const lat_matrix *Z)
{
  lat_random_fill_normal(random, Z->rows * Z->cols, Z->data);
  lat_random_fill_normal(random, X->rows * X->cols, X->data);
  return emit(work, ppca, sqrt(*ppca->noise_variance), Z, X);
}
