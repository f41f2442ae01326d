/* A fitted mixture of Gaussians and rows: densities, responsibilities, missing entries. */
#include <math.h>
#include <string.h>

#include "base/parallel.h"
#include "em/common/responsibilities.h"
#include "em/gmm/internal.h"

typedef struct apply {
  const lat_gmm_context *gmm;
  gmm_derived derived;
  const lat_matrix *X;
  const lat_outputs *outputs;
  const lat_matrix *q;
  bool missing;
  size_t chunk, scratch_count;
  double *scratch;
  size_t *far; /* a chunk's: a row that is far from all components, from 1; or 0 */
} apply;

/* A chunk of it, on its way through lat_gmm_each_block. */
typedef struct slice {
  const apply *a;
  size_t first; /* row of the data */
  size_t *far;
  double *joint; /* K x n, kept for the bound; q likewise; bound and kl n each */
  double *q, *bound, *kl;
} slice;

static void keep_best(const double *r, size_t K, size_t n, const gmm_rows *rows, double *labels)
{
  for (size_t i = 0; i < n; i++) {
    size_t best = 0;
    for (size_t k = 1; k < K; k++)
      if (r[k * n + i] > r[best * n + i]) best = k;
    labels[gmm_row(rows, i)] = (double)best + 1;
  }
}

/* x_n, with sum_k r_nk E[x_m | x_o, k] for what is missing. */
static void impute(const slice *s, const gmm_block *block, const gmm_rows *rows)
{
  const apply *a = s->a;
  const lat_matrix *to = a->outputs->imputed;
  size_t D = a->gmm->D, K = a->gmm->K, n = block->n;
  for (size_t i = 0; i < n; i++) {
    size_t row = s->first + gmm_row(rows, i);
    for (size_t d = 0; d < D; d++) lat_set(to, row, d, lat_get(a->X, row, d));
    for (size_t j = 0; j < rows->m; j++) {
      size_t d = rows->missing[j];
      double sum = 0;
      for (size_t k = 0; k < K; k++)
        sum += block->joint[k * n + i] *
               (rows->expected[(k * D + d) * n + i] + a->derived.means[k * D + d]);
      lat_set(to, row, d, a->gmm->shift[d] + a->gmm->scale[d] * sum);
    }
  }
}

static void measure(const slice *s, const gmm_block *block, const gmm_rows *rows)
{
  const apply *a = s->a;
  const lat_outputs *outputs = a->outputs;
  size_t K = a->gmm->K, n = block->n;
  for (size_t i = 0; i < n; i++) {
    size_t row = s->first + gmm_row(rows, i);
    double total = 0;
    for (size_t k = 0; k < K; k++)
      total += s->q[k * n + i] = a->q ? lat_get(a->q, row, k) : block->joint[k * n + i];
    for (size_t k = 0; k < K; k++) {
      s->q[k * n + i] /= total;
      s->joint[k * n + i] += block->common[i];
    }
  }
  lat_elbo(K, n, s->joint, block->log_sum, s->q, s->bound, s->kl);
  for (size_t i = 0; i < n; i++) {
    size_t row = s->first + gmm_row(rows, i);
    outputs->bound[row] = s->bound[i];
    outputs->kl[row] = s->kl[i];
  }
}

static void on_block(void *context, gmm_block *block, const gmm_rows *rows)
{
  const slice *s = context;
  const lat_outputs *outputs = s->a->outputs;
  size_t K = s->a->gmm->K, n = block->n;
  if (outputs->bound) memcpy(s->joint, block->joint, K * n * sizeof(double));
  lat_responsibilities(K, n, block->joint, block->log_sum, block->spare);
  for (size_t i = 0; i < n; i++) {
    block->log_sum[i] += block->common[i];
    size_t row = s->first + gmm_row(rows, i) + 1;
    if (lat_is_far(&block->log_sum[i]) && (*s->far == 0 || row < *s->far)) *s->far = row;
  }
  if (outputs->log_likelihood)
    for (size_t i = 0; i < n; i++)
      outputs->log_likelihood[s->first + gmm_row(rows, i)] = block->log_sum[i];
  if (outputs->labels) keep_best(block->joint, K, n, rows, outputs->labels + s->first);
  for (size_t i = 0; outputs->responsibilities && i < n; i++)
    for (size_t k = 0; k < K; k++)
      lat_set(outputs->responsibilities, s->first + gmm_row(rows, i), k, block->joint[k * n + i]);
  if (outputs->imputed) impute(s, block, rows);
  if (outputs->bound) measure(s, block, rows);
}

static void on_chunk(void *context, size_t chunk, size_t worker)
{
  const apply *a = context;
  size_t first = chunk * a->chunk, left = a->X->rows - first, K = a->gmm->K;
  size_t n = left < a->chunk ? left : a->chunk, most = lat_gmm_block_rows(a->gmm);
  lat_matrix X = lat_block_of(*a->X, first, 0, n, a->gmm->D);
  slice s = {.a = a,
             .first = first,
             .far = a->far + chunk,
             .joint = a->scratch + worker * a->scratch_count};
  s.q = s.joint + K * most;
  s.bound = s.q + K * most;
  s.kl = s.bound + most;
  lat_gmm_each_block(a->gmm, &a->derived, &X, a->missing, on_block, &s, s.kl + most);
}

lat_status lat_gmm_apply(lat_workspace *work, const lat_gmm *mixture, const lat_request *request,
                         const lat_outputs *outputs)
{
  const lat_matrix *X = &request->X;
  bool missing = request->missing;
  LAT_SCOPE(work);
  if (X->cols != mixture->D)
    return lat_fail(work, LAT_SHAPE, "X has %zu columns, the model is of %zu", X->cols, mixture->D);
  LAT_TRY(lat_check_finite(work, "X", X, missing));
  if (request->q) LAT_TRY(lat_check_responsibilities(work, request->q));
  lat_gmm_context context, *gmm = &context;
  LAT_TRY(lat_gmm_context_of(work, mixture, gmm));
  apply a = {.gmm = gmm, .X = X, .outputs = outputs, .q = request->q, .missing = missing};
  double *memory = lat_doubles(work, lat_gmm_derived_count(gmm));
  if (!memory) return LAT_MEMORY;
  LAT_TRY(lat_gmm_prepare(work, gmm, mixture->weights, memory));
  a.derived = lat_gmm_derived_of(gmm, memory);
  a.chunk = lat_chunk_rows(gmm->D);
  if (a.chunk > X->rows) a.chunk = X->rows;
  a.scratch_count =
      (2 * gmm->K + 2) * lat_gmm_block_rows(gmm) + lat_gmm_each_scratch(gmm, a.chunk, missing);
  a.scratch_count = (a.scratch_count + 7) / 8 * 8;
  a.scratch = lat_allocate(work, lat_workers(work), a.scratch_count * sizeof(double));
  if (X->rows == 0) return LAT_OK;
  size_t chunks = (X->rows + a.chunk - 1) / a.chunk, far = 0;
  a.far = lat_allocate(work, chunks, sizeof *a.far);
  if (!a.scratch || !a.far) return LAT_MEMORY;
  memset(a.far, 0, chunks * sizeof *a.far);
  LAT_TRY(lat_parallel(work, chunks, on_chunk, &a));
  for (size_t c = chunks; c-- > 0;) far = a.far[c] ? a.far[c] : far;
  bool asked = outputs->responsibilities || outputs->labels || outputs->imputed || outputs->bound;
  return asked ? lat_check_far(work, far) : LAT_OK;
}
