/* starts.c: where fits of mixtures begin; see starts.h. */
#include "em/kmeans/starts.h"

#include <string.h>

#include "em/kmeans/kmeans.h"

lat_start_way lat_start_way_of(size_t number)
{
  static const lat_start_way ways[] = {LAT_START_KMEANS, LAT_START_ROWS, LAT_START_SAMPLE,
                                       LAT_START_PARTITION};
  return ways[number % 4];
}

/* Centres need not be exact: EM goes on from them. */
enum { ITERATIONS = 30 };
static const double TOLERANCE = 1e-4;

/* Generators of starts are split off, so that starts don't draw what other models draw. */
lat_status lat_start_kmeans(lat_workspace *work, const lat_matrix *X, const double *weights,
                            size_t K, uint64_t seed, double *centers, uint32_t *labels)
{
  size_t D = X->cols;
  lat_random random = {.seed = seed}, own = lat_random_split(&random);
  lat_kmeans_options options = lat_kmeans_defaults();
  LAT_SCOPE(work);
  double *first = lat_allocate(work, K + 1, D * sizeof *first);
  if (!first) return LAT_MEMORY;
  lat_fitted given = {.sizes = {[LAT_D] = D, [LAT_K] = K}, .flat = first};
  LAT_TRY(lat_kmeans_plus(work, X, weights, K, &own, first));
  lat_kmeans_complete(&given);
  options.clusters = K;
  options.fit.max_iterations = ITERATIONS;
  options.fit.tolerance = TOLERANCE;
  options.fit.given = &given;
  lat_kmeans kmeans;
  lat_source source = lat_source_of(X);
  LAT_TRY(lat_kmeans_fit(work, &source, weights, &options, &kmeans, NULL));
  memcpy(centers, kmeans.centers, K * D * sizeof *centers);
  if (labels) memcpy(labels, kmeans.labels, X->rows * sizeof *labels);
  return LAT_OK;
}

/* The same of rows with a weight, all of which are equally likely to be in the sample. */
static lat_status sample_centers(lat_workspace *work, const lat_matrix *X, const double *weights,
                                 size_t K, uint64_t seed, double *centers)
{
  enum { STREAM = 0x7361 };
  size_t D = X->cols, rows = 0, n = 4 * K > D ? 4 * K : D + 1;
  lat_random random = {.seed = seed, .stream = STREAM};
  for (size_t i = 0; i < X->rows; i++) {
    if (i % LAT_LOOK == 0) LAT_TRY(lat_check(work));
    rows += !weights || weights[i] > 0;
  }
  if (n > rows) n = rows;
  LAT_SCOPE(work);
  lat_matrix sample = lat_matrix_new(work, n, D);
  if (!sample.data) return LAT_MEMORY;
  LAT_TRY(lat_kmeans_random(work, X, weights, n, &random, sample.data));
  return lat_start_kmeans(work, &sample, NULL, K, seed, centers, NULL);
}

lat_status lat_start_clusters(lat_workspace *work, const lat_matrix *X, const double *weights,
                              size_t K, lat_start_way way, uint64_t seed, double *centers,
                              uint32_t *labels)
{
  lat_random random = {.seed = seed};
  switch (way) {
  case LAT_START_KMEANS:
    return lat_start_kmeans(work, X, weights, K, seed, centers, labels);
  case LAT_START_SAMPLE:
    LAT_TRY(sample_centers(work, X, weights, K, seed, centers));
    break;
  case LAT_START_ROWS:
    return lat_kmeans_random(work, X, weights, K, &random, centers);
  default:
    LAT_TRY(lat_kmeans_random(work, X, weights, K, &random, centers));
  }
  LAT_TRY(lat_kmeans_assign(work, X, weights, K, centers, labels, NULL, NULL));
  for (size_t i = 0; i < X->rows; i++) {
    if (i % LAT_LOOK == 0) LAT_TRY(lat_check(work));
    labels[i]++;
  }
  return LAT_OK;
}
