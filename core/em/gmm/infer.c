/* gmm/infer.c: a fitted mixture of Gaussians and rows: densities, responsibilities, missing
 * entries. */
#include <math.h>
#include <string.h>

#include "base/parallel.h"
#include "em/common/outputs.h"
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
  double *joint, *scratch; /* K x n, kept for the bound; and lat_write_bound's */
} slice;

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

static void on_block(void *context, gmm_block *block, const gmm_rows *rows)
{
  const slice *s = context;
  const lat_outputs *outputs = s->a->outputs;
  size_t K = s->a->gmm->K, n = block->n;
  lat_output_rows to = {outputs, s->a->q, K, n, s->first + (rows->at ? 0 : rows->first), rows->at};
  if (lat_asks_bound(outputs))
    for (size_t j = 0; j < K * n; j++) s->joint[j] = block->joint[j] + block->common[j % n];
  lat_responsibilities(K, n, block->joint, block->log_sum, block->spare);
  for (size_t i = 0; i < n; i++) block->log_sum[i] += block->common[i];
  lat_find_far(&to, block->log_sum, s->far);
  lat_write_components(&to, block->joint, block->log_sum);
  if (outputs->imputed) impute(s, block, rows);
  if (lat_asks_bound(outputs))
    lat_write_bound(&to, s->joint, block->log_sum, block->joint, s->scratch);
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
  s.scratch = s.joint + K * most;
  lat_gmm_each_block(a->gmm, &a->derived, &X, a->missing, on_block, &s,
                     s.scratch + lat_bound_scratch(K, most));
}

/* ---- prepared: the coordinates, and what an E-step derives ----------------------------------- */

size_t lat_gmm_prepared_count(const lat_gmm *gmm, const lat_request *request)
{
  const lat_gmm_context context = lat_gmm_sizes_of(gmm);
  (void)request;
  return 2 * gmm->D + lat_gmm_derived_count(&context);
}

static lat_gmm_context context_of(const lat_gmm *gmm, const double *numbers)
{
  lat_gmm_context context = lat_gmm_sizes_of(gmm);
  context.shift = numbers;
  context.scale = numbers + gmm->D;
  return context;
}

static lat_status derive(lat_workspace *work, const lat_gmm *gmm, const lat_request *request,
                         double *numbers)
{
  const lat_gmm_context context = context_of(gmm, numbers);
  (void)request;
  LAT_TRY(lat_gmm_own_coordinates(work, context.covariance, gmm->D, gmm->K, gmm->weights, numbers,
                                  numbers + gmm->D));
  return lat_gmm_derive(work, &context, gmm->weights, numbers + 2 * gmm->D);
}

LAT_DEFINE_PREPARE(gmm)

/* ---- rows ------------------------------------------------------------------------------------ */

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
  const double *numbers;
  LAT_TRY(numbers_of(work, mixture, request, &numbers));
  const lat_gmm_context context = context_of(mixture, numbers), *gmm = &context;
  apply a = {.gmm = gmm, .X = X, .outputs = outputs, .q = request->q, .missing = missing};
  a.derived = lat_gmm_derived_of(gmm, numbers + 2 * gmm->D);
  a.chunk = lat_chunk_rows(gmm->D);
  if (a.chunk > X->rows) a.chunk = X->rows;
  size_t most = lat_gmm_block_rows(gmm);
  a.scratch_count =
      gmm->K * most + lat_bound_scratch(gmm->K, most) + lat_gmm_each_scratch(gmm, a.chunk, missing);
  a.scratch_count = (a.scratch_count + 7) / 8 * 8;
  a.scratch = lat_allocate(work, lat_workers(work), a.scratch_count * sizeof(double));
  if (X->rows == 0) return LAT_OK;
  size_t chunks = (X->rows + a.chunk - 1) / a.chunk;
  a.far = lat_allocate(work, chunks, sizeof *a.far);
  if (!a.scratch || !a.far) return LAT_MEMORY;
  memset(a.far, 0, chunks * sizeof *a.far);
  LAT_TRY(lat_parallel(work, chunks, on_chunk, &a));
  return lat_check_all_far(work, outputs, a.far, chunks);
}
