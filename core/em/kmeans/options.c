/* kmeans/options.c: the description of K-means: options, methods, and the functions behind them. */
#include <math.h>

#include "em/kmeans/internal.h"
#include "modeling/save.h"

const lat_parameter lat_kmeans_parameters[] = {
    {"centers", {LAT_K, LAT_D}}, {"origin", {LAT_D}}, {NULL, {LAT_END}}};

/* ---- options --------------------------------------------------------------------------------- */

static const char *const inits[] = {"k-means++", "random", NULL};
static const char *const algorithms[] = {"auto", "lloyd", "hamerly", "minibatch", NULL};

/* labels are 32 bits wide */
#define MOST_CLUSTERS 4294967295.0

static const lat_option options[] = {
    {.name = "clusters",
     LAT_SIZE,
     offsetof(lat_kmeans_options, clusters),
     1,
     1,
     MOST_CLUSTERS,
     NULL,
     NULL,
     "the rows of init"},
    {.name = "init",
     LAT_CHOICE,
     offsetof(lat_kmeans_options, init),
     LAT_KMEANS_PLUS,
     0,
     0,
     inits,
     "latent.Matrix",
     NULL},
    LAT_OPTION_CHOICE(lat_kmeans_options, algorithm, LAT_KMEANS_AUTO, algorithms),
    LAT_OPTION_SIZE(lat_kmeans_options, batch, 1024, 1, MOST_CLUSTERS),
    LAT_FIT_OPTIONS(lat_kmeans_options, 300, 1e-9, 1),
    {.name = NULL}};

LAT_DEFINE_OPTIONS(kmeans)

static const lat_parameter *parameters(const void *o)
{
  (void)o;
  return lat_kmeans_parameters;
}

lat_kmeans lat_kmeans_of(const lat_fitted *f)
{
  const lat_kmeans_found *found = f->aside;
  return (lat_kmeans){.options = *(const lat_kmeans_options *)f->options,
                      .D = f->sizes[LAT_D],
                      .K = f->sizes[LAT_K],
                      .centers = f->flat,
                      .origin = f->flat + f->sizes[LAT_K] * f->sizes[LAT_D],
                      .N = found ? found->rows : 0,
                      .labels = found && found->rows ? found->labels : NULL,
                      .inertia = found ? found->inertia : (double)NAN};
}

void lat_kmeans_complete(lat_fitted *given)
{
  size_t K = given->sizes[LAT_K], D = given->sizes[LAT_D];
  lat_nearest_origin(K, D, given->flat, given->flat + K * D);
}

static lat_status check_fitted(lat_workspace *work, const lat_fitted *f)
{
  size_t K = ((const lat_kmeans_options *)f->options)->clusters;
  if (f->sizes[LAT_K] == K) return LAT_OK;
  return lat_fail(work, LAT_INVALID, "the parameters are of %zu clusters, the options say %zu",
                  f->sizes[LAT_K], K);
}

LAT_DEFINE_FIT(kmeans)

/* ---- files ----------------------------------------------------------------------------------- */

LAT_DEFINE_FILES(kmeans, centers, [LAT_D] = model->D, [LAT_K] = model->K)

/* ---- methods --------------------------------------------------------------------------------- */

lat_status lat_kmeans_apply(lat_workspace *work, const lat_kmeans *kmeans,
                            const lat_request *request, const lat_outputs *outputs)
{
  enum { SLICE = 1 << 16 }; /* rows whose labels are integers at a time */
  const lat_matrix *X = &request->X;
  size_t K = kmeans->K;
  if (X->cols != kmeans->D)
    return lat_fail(work, LAT_SHAPE, "X has %zu columns, the model was fitted on %zu", X->cols,
                    kmeans->D);
  if (outputs->distances)
    LAT_TRY(lat_kmeans_distances(work, X, K, kmeans->centers, outputs->distances));
  if (!outputs->labels && !outputs->scores) return LAT_OK;
  LAT_TRY(lat_check_finite(work, "X", X, false));
  LAT_SCOPE(work);
  uint32_t *numbers = lat_allocate(work, SLICE, sizeof *numbers);
  if (!numbers) return LAT_MEMORY;
  for (size_t i = 0; i < X->rows; i += SLICE) {
    size_t n = X->rows - i < SLICE ? X->rows - i : SLICE;
    lat_matrix slice = lat_block_of(*X, i, 0, n, X->cols);
    double *squares = outputs->scores ? outputs->scores + i : NULL;
    LAT_TRY(lat_kmeans_assign(work, &slice, NULL, K, kmeans->centers, numbers, squares, NULL));
    for (size_t r = 0; outputs->labels && r < n; r++)
      outputs->labels[i + r] = (double)numbers[r] + 1;
    for (size_t r = 0; squares && r < n; r++) squares[r] = -squares[r];
  }
  return LAT_OK;
}

LAT_DEFINE_APPLY(kmeans)

static const lat_option fit_options[] = {LAT_OPTION_WEIGHTS,  LAT_OPTION_ON_ITERATION,
                                         LAT_OPTION_PROGRESS, LAT_OPTION_MAX_SECONDS,
                                         LAT_OPTION_COMM,     {.name = NULL}};
static const lat_option slice_options[] = {
    LAT_OPTION_WEIGHTS, LAT_OPTION_ON_ITERATION, {.name = NULL}};
static const lat_option steps_options[] = {LAT_OPTION_WEIGHTS, LAT_OPTION_BUDGET, {.name = NULL}};
static const lat_option update_options[] = {LAT_OPTION_WEIGHTS, LAT_OPTION_RATE, {.name = NULL}};

static const lat_method methods[] = {
    {.name = "fit", .argument = LAT_TAKES_DATA, .options = fit_options},
    LAT_METHOD_FIT_FOR(slice_options),
    {.name = "steps", .argument = LAT_TAKES_DATA, .options = steps_options},
    {.name = "partial_fit", .argument = LAT_TAKES_DATA, .options = update_options},
    {.name = "predict",
     .argument = LAT_TAKES_ROWS,
     .outputs = {LAT_OUTPUT(LAT_GIVES_LABELS, labels)}},
    {.name = "transform",
     .argument = LAT_TAKES_ROWS,
     .outputs = {LAT_OUTPUT_ROWS(distances, LAT_K)}},
    {.name = "score", .argument = LAT_TAKES_ROWS, .outputs = {LAT_OUTPUT(LAT_GIVES_MEAN, scores)}},
    {.name = NULL}};

const lat_model lat_kmeans_model = {.name = "kmeans",
                                    .options = options,
                                    .options_size = sizeof(lat_kmeans_options),
                                    .methods = methods,
                                    .parameters = parameters,
                                    .check_fitted = check_fitted,
                                    .apply = apply,
                                    .fit = &lat_kmeans_fit_kind};
