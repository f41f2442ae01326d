/* mppca/infer.c: what a fitted mixture says of rows, chunk by chunk. */
#include <math.h>

#include "base/parallel.h"
#include "em/common/outputs.h"
#include "em/common/responsibilities.h"
#include "em/mppca/internal.h"

typedef struct apply {
  const lat_mppca_context *m;
  const double *parameters, *derived;
  bool missing;
  const lat_matrix *X;
  const lat_mppca_outputs *outputs;
  const lat_matrix *q;
  size_t component;
  size_t chunk, scratch_count;
  double *scratch;
  size_t *far; /* a chunk's: a row that is far from all components, from 1; or 0 */
} apply;

/* A chunk of it, with a worker's memory. */
typedef struct slice {
  const apply *a;
  lat_matrix X;
  size_t first, n;                   /* rows of the data */
  double *joint;                     /* K x n: log p(x, k), then p(k | x) */
  double *kept, *scratch;            /* K x n: log p(x, k), for the bound; and lat_write_bound's */
  double *log_sum;                   /* n */
  double *best;                      /* n: the most probable component, from 0 */
  double *weight;                    /* n: of the components that imputing has seen */
  double *line, *inverse, *variance; /* M, packed, D */
  double *walk;
} slice;

/* The next n numbers of the scratch; of none, nothing, which is how they are counted. */
static double *take(double *scratch, size_t *count, size_t n)
{
  double *part = scratch ? scratch + *count : NULL;
  *count += n;
  return part;
}

static size_t place(const apply *a, double *scratch, slice *s)
{
  size_t n = a->chunk, K = a->m->gmm.K, M = a->m->M, D = a->m->gmm.D, count = 0;
  s->joint = take(scratch, &count, K * n);
  s->kept = take(scratch, &count, K * n);
  s->scratch = take(scratch, &count, lat_bound_scratch(K, n));
  s->log_sum = take(scratch, &count, n);
  s->best = take(scratch, &count, n);
  s->weight = take(scratch, &count, n);
  s->line = take(scratch, &count, M);
  s->inverse = take(scratch, &count, lat_packed_count(M));
  s->variance = take(scratch, &count, D);
  s->walk = take(scratch, &count, lat_factor_rows_count(D, M, a->missing, n));
  return count;
}

/* ---- components ------------------------------------------------------------------------------ */

static void write_components(const slice *s)
{
  const apply *a = s->a;
  const lat_outputs *outputs = &a->outputs->rows;
  size_t K = a->m->gmm.K, n = s->n;
  lat_output_rows to = {outputs, a->q, K, n, s->first, NULL};
  if (lat_asks_bound(outputs)) memcpy(s->kept, s->joint, K * n * sizeof(double));
  lat_responsibilities(K, n, s->joint, s->log_sum, s->scratch);
  lat_find_far(&to, s->log_sum, &a->far[s->first / a->chunk]);
  lat_write_components(&to, s->joint, s->log_sum);
  for (size_t i = 0; i < n; i++) s->best[i] = (double)lat_best_component(K, s->joint + i, n);
  if (lat_asks_bound(outputs)) lat_write_bound(&to, s->kept, s->log_sum, s->joint, s->scratch);
}

/* ---- latent variables and missing entries ---------------------------------------------------- */

/* The conditional variances of a pattern's missing entries: psi_j + w_j'V w_j. */
static void find_variances(const slice *s, const lat_factor_rows *r, size_t g)
{
  const lat_factor_precomputed *f = r->model;
  const double *L = r->factor + g * lat_packed_count(f->M);
  for (size_t j = 0; j < f->D; j++) {
    if (r->mask[g * f->D + j] != 0) continue;
    const double *wj = f->W + j * f->M;
    double sum = 0;
    memcpy(s->line, wj, f->M * sizeof *wj);
    lat_packed_solve(f->M, L, s->line);
    for (size_t l = 0; l < f->M; l++) sum += wj[l] * s->line[l];
    s->variance[j] = (f->variances ? f->variances[j] : f->noise) + f->noise * sum;
  }
}

/* Takes component k's view of the missing entries into their running mean, and variance: with its
 * responsibility, both of within and of between components. */
static void impute(const slice *s, const lat_factor_rows *r, size_t k, size_t g, size_t i)
{
  const lat_mppca_outputs *to = s->a->outputs;
  size_t D = s->a->m->gmm.D, at = lat_factor_place(r, i), row = s->first + at;
  double weight = s->joint[k * s->n + at];
  if (weight == 0) return;
  s->weight[at] += weight;
  double share = weight / s->weight[at];
  for (size_t j = 0; j < D; j++) {
    if (!r->mask || r->mask[g * D + j] != 0) continue;
    double mean = r->model->mean[j] + r->fit[i * D + j];
    double before = lat_get(to->rows.imputed, row, j), away = mean - before;
    lat_set(to->rows.imputed, row, j, before + share * away);
    if (!to->rows.variances) continue;
    double now = lat_get(to->rows.variances, row, j);
    lat_set(to->rows.variances, row, j,
            now + share * (s->variance[j] - now) + share * (1 - share) * away * away);
  }
}

static void write_latent(const slice *s, const lat_factor_rows *r, size_t k, size_t i)
{
  const lat_mppca_outputs *to = s->a->outputs;
  size_t D = s->a->m->gmm.D, M = s->a->m->M;
  size_t at = lat_factor_place(r, i), row = s->first + at;
  const double *z = r->z + i * M;
  if (to->all_latent) memcpy(to->all_latent + (k * s->a->X->rows + row) * M, z, M * sizeof *z);
  if (s->a->component ? s->a->component != k + 1 : s->best[at] != (double)k) return;
  for (size_t l = 0; to->rows.latent && l < M; l++) lat_set(to->rows.latent, row, l, z[l]);
  for (size_t j = 0; to->rows.reconstruction && j < D; j++)
    lat_set(to->rows.reconstruction, row, j, r->model->mean[j] + r->fit[i * D + j]);
}

/* V of a pattern, dense, for one of its rows. */
static void write_covariance(const slice *s, const lat_factor_rows *r, size_t k, size_t i)
{
  size_t M = s->a->m->M, row = s->first + lat_factor_place(r, i);
  double *V = s->a->outputs->covariances + (k * s->a->X->rows + row) * M * M;
  for (size_t a = 0, at = 0; a < M; a++)
    for (size_t b = 0; b <= a; b++, at++)
      V[a * M + b] = V[b * M + a] = r->model->noise * s->inverse[at];
}

static void walk_component(const slice *s, size_t k)
{
  const apply *a = s->a;
  const lat_mppca_outputs *to = a->outputs;
  size_t T = lat_packed_count(a->m->M);
  mppca_component c = lat_mppca_component_of(a->m, a->parameters, a->missing, a->derived, k);
  lat_factor_rows r;
  lat_factor_rows_begin(&r, &c.frame, &s->X, s->walk);
  while (lat_factor_rows_next(&r))
    for (size_t g = 0; g < r.groups; g++) {
      if (to->rows.variances && r.mask) find_variances(s, &r, g);
      if (to->covariances) lat_packed_inverse(a->m->M, r.factor + g * T, s->inverse, s->line);
      for (size_t i = r.first[g]; i < r.first[g + 1]; i++) {
        write_latent(s, &r, k, i);
        if (to->covariances) write_covariance(s, &r, k, i);
        if (to->rows.imputed) impute(s, &r, k, g, i);
      }
    }
}

/* What is there; the running means of the rest begin at 0. */
static void begin_imputing(const slice *s)
{
  const lat_mppca_outputs *to = s->a->outputs;
  memset(s->weight, 0, s->n * sizeof *s->weight);
  for (size_t i = 0; i < s->n; i++)
    for (size_t j = 0; j < s->X.cols; j++) {
      double x = lat_get(&s->X, i, j);
      lat_set(to->rows.imputed, s->first + i, j, isnan(x) ? 0 : x);
      if (to->rows.variances) lat_set(to->rows.variances, s->first + i, j, 0);
    }
}

/* ---- all rows -------------------------------------------------------------------------------- */

static void apply_chunk(void *context, size_t chunk, size_t worker)
{
  const apply *a = context;
  const lat_mppca_outputs *to = a->outputs;
  slice s = {.a = a, .first = chunk * a->chunk};
  size_t left = a->X->rows - s.first;
  s.n = left < a->chunk ? left : a->chunk;
  s.X = lat_block_of(*a->X, s.first, 0, s.n, a->X->cols);
  place(a, a->scratch + worker * a->scratch_count, &s);
  lat_mppca_densities(a->m, a->parameters, a->missing, a->derived, &s.X, s.joint, s.walk);
  write_components(&s);
  if (to->rows.imputed) begin_imputing(&s);
  if (!to->rows.latent && !to->all_latent && !to->covariances && !to->rows.reconstruction &&
      !to->rows.imputed)
    return;
  for (size_t k = 0; k < a->m->gmm.K; k++) walk_component(&s, k);
}

/* ---- prepared: what an E-step derives -------------------------------------------------------- */

size_t lat_mppca_prepared_count(const lat_mppca *mppca, const lat_request *request)
{
  const lat_mppca_context m = lat_mppca_context_of(mppca);
  return lat_mppca_derived_count(&m, request->missing);
}

static lat_status derive(lat_workspace *work, const lat_mppca *mppca, const lat_request *request,
                         double *numbers)
{
  const lat_mppca_context m = lat_mppca_context_of(mppca);
  LAT_TRY(lat_mppca_check_density(work, &m, mppca->weights));
  lat_mppca_derive(&m, mppca->weights, request->missing, numbers);
  return LAT_OK;
}

LAT_DEFINE_PREPARE(mppca)

/* ---- rows ------------------------------------------------------------------------------------ */

lat_status lat_mppca_apply_all(lat_workspace *work, const lat_mppca *mppca,
                               const lat_request *request, const lat_mppca_outputs *outputs)
{
  const lat_matrix *X = &request->X;
  const lat_mppca_context context = lat_mppca_context_of(mppca), *m = &context;
  const double *parameters = mppca->weights;
  bool missing = request->missing;
  if (X->cols != m->gmm.D)
    return lat_fail(work, LAT_SHAPE, "X has %zu columns, the model was fitted on %zu", X->cols,
                    m->gmm.D);
  LAT_TRY(lat_check_finite(work, "X", X, missing));
  if (request->q) LAT_TRY(lat_check_responsibilities(work, request->q));
  if (request->component > mppca->K)
    return lat_fail(work, LAT_INVALID, "component must be an integer from 1 to %zu, got %zu",
                    mppca->K, request->component);
  LAT_SCOPE(work);
  const double *numbers;
  LAT_TRY(numbers_of(work, mppca, request, &numbers));
  lat_mppca_outputs to = *outputs;
  lat_matrix means; /* variances are about running means of the entries */
  if (to.rows.variances && !to.rows.imputed) {
    means = lat_matrix_new(work, X->rows, X->cols);
    if (!means.data) return LAT_MEMORY;
    to.rows.imputed = &means;
  }
  apply a = {.m = m,
             .parameters = parameters,
             .derived = (double *)numbers,
             .missing = missing,
             .X = X,
             .outputs = &to,
             .q = request->q,
             .component = request->component,
             .chunk = lat_chunk_rows(m->gmm.D)};
  if (a.chunk > X->rows) a.chunk = X->rows;
  slice s;
  a.scratch_count = (place(&a, NULL, &s) + 7) / 8 * 8;
  a.scratch = lat_allocate(work, lat_workers(work), a.scratch_count * sizeof(double));
  size_t chunks = X->rows ? (X->rows + a.chunk - 1) / a.chunk : 0;
  a.far = lat_allocate(work, chunks + 1, sizeof *a.far);
  if (!a.scratch || !a.far) return LAT_MEMORY;
  memset(a.far, 0, chunks * sizeof *a.far);
  if (chunks > 0) LAT_TRY(lat_parallel(work, chunks, apply_chunk, &a));
  lat_outputs asked = outputs->rows; /* the posterior is one of latent variables, too */
  if (outputs->all_latent || outputs->covariances) asked.latent = X;
  return lat_check_all_far(work, &asked, a.far, chunks);
}

lat_status lat_mppca_apply(lat_workspace *work, const lat_mppca *mppca, const lat_request *request,
                           const lat_outputs *outputs)
{
  LAT_TRY(lat_mppca_apply_all(work, mppca, request, &(lat_mppca_outputs){.rows = *outputs}));
  for (size_t i = 0;
       request->component && outputs->labels && outputs->latent && i < request->X.rows; i++)
    outputs->labels[i] = (double)request->component;
  return LAT_OK;
}

static lat_status posterior_covariance(lat_workspace *work, const lat_mppca_context *m,
                                       const double *parameters, size_t k, double *V)
{
  size_t D = m->gmm.D, M = m->M, T = lat_packed_count(M);
  LAT_SCOPE(work);
  lat_mppca_view p = lat_mppca_view_of(m, (double *)parameters);
  double *G = lat_doubles(work, D * M + 2 * T + M);
  if (!G) return LAT_MEMORY;
  double *packed = G + D * M;
  lat_mppca_precision(m, p.W + k * D * M, p.noise + k * (m->diagonal ? D : 1), G, packed,
                      packed + T);
  for (size_t a = 0, at = 0; a < M; a++)
    for (size_t b = 0; b <= a; b++, at++) V[a * M + b] = V[b * M + a] = packed[at];
  return LAT_OK;
}

lat_status lat_mppca_posterior(lat_workspace *work, const lat_mppca *mppca,
                               const lat_request *request, const lat_matrix *responsibilities,
                               double *means, double *covariances)
{
  const lat_mppca_context m = lat_mppca_context_of(mppca);
  size_t M = mppca->M;
  LAT_TRY(lat_mppca_apply_all(
      work, mppca, request,
      &(lat_mppca_outputs){.rows.responsibilities = responsibilities,
                           .all_latent = means,
                           .covariances = request->missing ? covariances : NULL}));
  for (size_t k = 0; !request->missing && k < mppca->K; k++)
    LAT_TRY(posterior_covariance(work, &m, mppca->weights, k, covariances + k * M * M));
  return LAT_OK;
}
