/* mixture/own.c: families of the caller's functions: responsibilities and weights are made here,
 * and densities and the components' parameters there.
 *
 * Storage: the joint matrix of a fit is K x N, for all rows, since `estimate` wants these at once;
 * it becomes the responsibilities. The caller's functions are called where this file holds nothing
 * that they could leave behind. */
#include <math.h>
#include <string.h>

#include "em/common/outputs.h"
#include "em/common/responsibilities.h"
#include "em/kmeans/starts.h"
#include "em/mixture/internal.h"

const lat_parameter lat_mixture_functions[] = {{"weights", {LAT_K}}, {NULL, {LAT_END}}};

typedef struct own_context {
  lat_fit *fit;
  const lat_own_family *family;
  double *joint;   /* K x N */
  double *log_sum; /* N */
  double *scratch; /* 2N: a component's weighted responsibilities, too */
  double *shares;  /* K */
} own_context;

/* The share of a row's own cluster among the responsibilities to begin with; the rest is all's. */
static const double HOME = 0.9;

/* ---- densities ------------------------------------------------------------------------------- */

/* row (n) := log w_k + log p(x | k), in place. */
static lat_status add_weight(lat_workspace *work, size_t k, double weight, size_t n, size_t first,
                             double *row)
{
  double log_weight = weight > 0 ? log(weight) : MIXTURE_NEVER;
  for (size_t i = 0; i < n; i++) {
    if (isnan(row[i]) || row[i] == (double)INFINITY)
      return lat_fail(work, LAT_INVALID,
                      "log_density's result for component %zu is %g in row %zu; it must be a "
                      "number below infinity",
                      k + 1, row[i], first + i + 1);
    row[i] = row[i] > MIXTURE_NEVER ? log_weight + row[i] : MIXTURE_NEVER;
  }
  return LAT_OK;
}

/* ---- the M-step ------------------------------------------------------------------------------ */

/* New parameters of the responsibilities in joint. */
static lat_status estimate(own_context *o, double *parameters)
{
  lat_fit *fit = o->fit;
  size_t K = fit->sizes[LAT_K], N = fit->rows.rows;
  double total = 0;
  for (size_t k = 0; k < K; k++) {
    const double *r = o->joint + k * N;
    double sum = 0;
    for (size_t i = 0; i < N; i++)
      sum += o->scratch[i] = (fit->row_weights ? fit->row_weights[i] : 1) * r[i];
    o->shares[k] = sum;
    total += sum;
    LAT_TRY(o->family->estimate(fit, k, &fit->rows, sum > 0 ? o->scratch : NULL));
  }
  for (size_t k = 0; k < K; k++) parameters[k] = o->shares[k] / total;
  return LAT_OK;
}

static lat_status m_step(lat_em *em, const double *statistics, double *parameters)
{
  (void)statistics;
  return estimate((own_context *)(size_t)em->model, parameters);
}

static size_t statistics_count(const lat_em *em)
{
  (void)em;
  return 2; /* the objective and the weight */
}

static const lat_em_kind kind = {.name = "mixture",
                                 .parameters = lat_mixture_functions,
                                 .statistics = statistics_count,
                                 .m_step = m_step};

/* ---- a fit ----------------------------------------------------------------------------------- */

lat_status lat_own_plan(lat_fit *fit)
{
  size_t K = fit->sizes[LAT_K], N = fit->rows.rows;
  if (fit->online)
    return lat_fail(fit->work, LAT_INVALID,
                    "a family of functions needs all rows at once: use fit");
  own_context *o = lat_allocate(fit->work, 1, sizeof *o);
  if (!o) return LAT_MEMORY;
  *o = (own_context){.fit = fit,
                     .family = &((const lat_mixture_options *)fit->options)->own,
                     .joint = lat_allocate(fit->work, K, N * sizeof(double)),
                     .log_sum = lat_doubles(fit->work, N),
                     .scratch = lat_doubles(fit->work, 2 * N),
                     .shares = lat_doubles(fit->work, K)};
  if (!o->joint || !o->log_sum || !o->scratch || !o->shares) return LAT_MEMORY;
  fit->core = &kind;
  fit->context = o;
  return LAT_OK;
}

/* The clusters of K-means, as the start's number has it. */
static lat_status find_clusters(const lat_fit *fit, uint32_t *clusters)
{
  size_t K = fit->sizes[LAT_K];
  LAT_SCOPE(fit->work);
  double *centers = lat_doubles(fit->work, K * fit->rows.cols);
  if (!centers) return LAT_MEMORY;
  return lat_start_clusters(fit->work, &fit->rows, fit->row_weights, K,
                            lat_start_way_of(fit->start), fit->seed, centers, clusters);
}

/* Responsibilities to begin with: for the label or the cluster, or at random. */
static lat_status begin(lat_fit *fit, const own_context *o)
{
  const lat_mixture_options *options = fit->options;
  size_t K = fit->sizes[LAT_K], N = fit->rows.rows;
  const uint32_t *labels = fit->labels;
  lat_random random = {.seed = fit->seed, .stream = MIXTURE_STREAM_STARTS};
  bool clustered = options->init != LAT_MIXTURE_RANDOM && !fit->missing && !labels &&
                   lat_start_way_of(fit->start) != LAT_START_ROWS;
  LAT_SCOPE(fit->work);
  uint32_t *clusters = lat_allocate(fit->work, N, sizeof *clusters);
  if (!clusters) return LAT_MEMORY;
  if (clustered) LAT_TRY(find_clusters(fit, clusters));
  for (size_t i = 0; i < N; i++) {
    uint32_t home = clustered ? clusters[i] : labels ? labels[i] : 0;
    if (home == 0) home = 1 + (uint32_t)lat_random_below(&random, K);
    bool known = labels && labels[i] > 0;
    for (size_t k = 0; k < K; k++)
      o->joint[k * N + i] = (known ? 0 : 0.1 / (double)K) + (k + 1 == home ? known ? 1 : HOME : 0);
  }
  return LAT_OK;
}

lat_status lat_own_start(lat_fit *fit)
{
  own_context *o = (own_context *)(size_t)fit->context;
  LAT_TRY(begin(fit, o));
  return estimate(o, fit->parameters);
}

lat_status lat_own_add(lat_fit *fit)
{
  const own_context *o = fit->context;
  size_t K = fit->sizes[LAT_K], N = fit->rows.rows;
  const uint32_t *labels = fit->labels;
  double *statistics = fit->em.statistics;
  LAT_TRY(lat_check(fit->work));
  for (size_t k = 0; k < K; k++) {
    LAT_TRY(o->family->log_density(fit, k, &fit->rows, o->joint + k * N));
    LAT_TRY(add_weight(fit->work, k, fit->em.parameters[k], N, 0, o->joint + k * N));
  }
  for (size_t j = 0; labels && j < K * N; j++)
    if (labels[j % N] > 0 && labels[j % N] != j / N + 1) o->joint[j] = MIXTURE_NEVER;
  lat_responsibilities(K, N, o->joint, o->log_sum, o->scratch);
  for (size_t i = 0; i < N; i++) {
    double weight = fit->row_weights ? fit->row_weights[i] : 1;
    if (weight > 0) statistics[0] += weight * lat_mixture_log_sum(o->log_sum[i]);
    statistics[1] += weight;
  }
  return LAT_OK;
}

/* ---- a fitted mixture ------------------------------------------------------------------------ */

lat_status lat_own_apply(lat_workspace *work, const lat_mixture *mixture,
                         const lat_request *request, const lat_outputs *outputs)
{
  size_t K = mixture->K, N = request->X.rows;
  if (request->X.cols != mixture->D)
    return lat_fail(work, LAT_SHAPE, "X has %zu columns, the model was fitted on %zu",
                    request->X.cols, mixture->D);
  if (!request->densities)
    return lat_fail(work, LAT_INVALID, "the densities of a family of functions must be given");
  if (outputs->imputed) return lat_fail(work, LAT_INVALID, "a family of functions doesn't say how");
  if (request->q) LAT_TRY(lat_check_responsibilities(work, request->q));
  LAT_SCOPE(work);
  double *joint = lat_doubles(work, 2 * K * MIXTURE_ROWS), *kept = joint + K * MIXTURE_ROWS;
  double *log_sum = lat_doubles(work, MIXTURE_ROWS);
  double *scratch = lat_doubles(work, lat_bound_scratch(K, MIXTURE_ROWS));
  if (!joint || !log_sum || !scratch) return LAT_MEMORY;
  for (size_t first = 0; first < N; first += MIXTURE_ROWS) {
    size_t n = N - first < MIXTURE_ROWS ? N - first : MIXTURE_ROWS;
    lat_output_rows rows = {outputs, request->q, K, n, first, NULL};
    for (size_t k = 0; k < K; k++) {
      memcpy(joint + k * n, request->densities + k * N + first, n * sizeof *joint);
      LAT_TRY(add_weight(work, k, mixture->weights[k], n, first, joint + k * n));
    }
    memcpy(kept, joint, K * n * sizeof *kept);
    lat_responsibilities(K, n, joint, log_sum, scratch);
    if (lat_asks_bound(outputs)) lat_write_bound(&rows, kept, log_sum, joint, scratch);
    for (size_t i = 0; i < n; i++) log_sum[i] = lat_mixture_log_sum(log_sum[i]);
    lat_write_components(&rows, joint, log_sum);
  }
  return LAT_OK;
}
