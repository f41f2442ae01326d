/* factor/precomputed.c: what is derived from a model once for all rows (internal.h).
 *
 * Storage: one block, in this order: root, W L; precision, logs, inv(Psi) W; products, their sum
 * and traces, or factor and log|K|. */
#include "em/factor/internal.h"

#include <math.h>

static bool is_identity(size_t M, const double *A)
{
  for (size_t i = 0; i < M * M; i++)
    if (A[i] != (i % (M + 1) == 0)) return false;
  return true;
}

lat_factor_view lat_factor_view_of(const double *flat, size_t D, size_t M, bool shared)
{
  double *mean = (double *)flat, *W = mean + D, *noise = W + D * M;
  const double *correlations = shared ? NULL : noise + D;
  if (correlations && is_identity(M, correlations)) correlations = NULL;
  return (lat_factor_view){.D = D,
                           .M = M,
                           .mean = mean,
                           .W = W,
                           .noise_variances = noise,
                           .shared = shared,
                           .correlations = correlations};
}

size_t lat_factor_precomputed_count(const lat_factor_view *model, bool missing)
{
  size_t D = model->D, M = model->M, T = lat_packed_count(M);
  return (model->correlations ? T + D * M : 0) + (model->shared ? 0 : 2 * D + D * M) +
         (missing ? (D + 1) * lat_factor_spans(M) + D : T + 1);
}

lat_factor_precomputed lat_factor_precomputed_of(const lat_factor_view *model, bool missing,
                                                 bool prior, const double *memory)
{
  size_t D = model->D, M = model->M;
  lat_factor_precomputed f = {
      .D = D, .M = M, .mean = model->mean, .spread = model->spread, .missing = missing};
  f.noise = !prior ? 0 : model->shared ? *model->noise_variances : 1;
  f.W = f.weighted = model->W;
  if (model->correlations) {
    f.root = memory;
    f.W = f.weighted = memory + lat_packed_count(M);
    memory = f.W + D * M;
  }
  if (!model->shared) {
    f.variances = model->noise_variances;
    f.precision = memory;
    f.logs = f.precision + D;
    f.weighted = f.logs + D;
    memory = f.weighted + D * M;
  }
  f.products = missing ? memory : NULL;
  f.all = missing ? memory + D * lat_factor_spans(M) : NULL;
  f.traces = missing ? f.all + lat_factor_spans(M) : NULL;
  f.factor = missing ? NULL : memory;
  return f;
}

/* W := W L */
static void multiply_root(const lat_factor_view *model, double *root, double *W)
{
  size_t M = model->M;
  for (size_t i = 0, at = 0; i < M; i++)
    for (size_t j = 0; j <= i; j++) root[at++] = model->correlations[i * M + j];
  lat_packed_cholesky(M, root, NULL);
  for (size_t j = 0; j < model->D; j++)
    for (size_t b = 0; b < M; b++) {
      double sum = 0;
      for (size_t a = b; a < M; a++) sum += model->W[j * M + a] * root[lat_packed_count(a) + b];
      W[j * M + b] = sum;
    }
}

static void add_diagonal(size_t M, double value, double *K)
{
  for (size_t i = 0, at = 0; i < M; i++, at += i + 1) K[at] += value;
}

/* to := that of column j, or += it. */
static void multiply_loading(const lat_factor_precomputed *f, size_t j, bool add, double *to)
{
  size_t M = f->M;
  const double *w = f->W + j * M, *v = f->weighted + j * M;
  for (size_t a = 0, at = 0; a < M; a++)
    for (size_t b = 0; b <= a; b++, at++)
      to[at] = (add ? to[at] : 0) + v[a] * w[b] + (f->spread ? f->spread[a * M + b] : 0);
}

/* The products of all columns, their sum and traces; `all` holds each in turn. */
static void make_products(const lat_factor_precomputed *f, double *products, double *all,
                          double *traces)
{
  size_t D = f->D, M = f->M, T = lat_factor_spans(M);
  size_t span = M < LAT_FACTOR_LISTS ? T : LAT_FACTOR_SPAN;
  memset(all, 0, T * sizeof *all);
  for (size_t j = 0; j < D; j++) {
    multiply_loading(f, j, false, all);
    for (size_t t = 0; t < T; t += span)
      memcpy(products + t * D + j * span, all + t, span * sizeof *all);
    traces[j] = 0;
    for (size_t m = 0; m < M; m++) traces[j] += all[lat_packed_count(m + 1) - 1];
  }
  memset(all, 0, T * sizeof *all);
  for (size_t j = 0; j < D; j++) multiply_loading(f, j, true, all);
}

void lat_factor_precompute(const lat_factor_view *model, bool missing, bool prior, double *memory)
{
  lat_factor_precomputed f = lat_factor_precomputed_of(model, missing, prior, memory);
  size_t D = f.D, M = f.M, T = lat_packed_count(M);
  if (f.root) multiply_root(model, (double *)f.root, (double *)f.W);
  for (size_t j = 0; f.variances && j < D; j++) {
    double *weighted = (double *)f.weighted + j * M;
    ((double *)f.precision)[j] = 1 / f.variances[j];
    ((double *)f.logs)[j] = log(f.variances[j]);
    for (size_t m = 0; m < M; m++) weighted[m] = f.W[j * M + m] / f.variances[j];
  }
  if (missing) {
    make_products(&f, (double *)f.products, (double *)f.all, (double *)f.traces);
    return;
  }
  double *factor = (double *)f.factor;
  memset(factor, 0, (T + 1) * sizeof *factor);
  for (size_t j = 0; j < D; j++) multiply_loading(&f, j, true, factor);
  add_diagonal(M, f.noise, factor);
  lat_packed_cholesky(M, factor, factor + T);
}
