#include "em/kmeans/starts.h"

#include "em/kmeans/kmeans.h"

lat_start_way lat_start_way_of(size_t number)
{
  static const lat_start_way ways[] = {LAT_START_KMEANS, LAT_START_ROWS, LAT_START_SAMPLE,
                                       LAT_START_PARTITION};
  return ways[number % 4];
}

/* Centres need not be exact: EM goes on from them. */
static lat_status find_centers(lat_workspace *work, const lat_matrix *X, const double *weights,
                               size_t K, uint64_t seed, double *centers)
{
  lat_kmeans_options options = {.seed = seed, .em = {.max_iterations = 30, .tolerance = 1e-4}};
  return lat_kmeans_fit(work, X, weights, K, &options, centers, NULL);
}

/* The same of rows with a weight, all of which are equally likely to be in the sample. */
static lat_status sample_centers(lat_workspace *work, const lat_matrix *X, const double *weights,
                                 size_t K, uint64_t seed, double *centers)
{
  enum { STREAM = 0x7361 };
  size_t D = X->cols, rows = 0, n = 4 * K > D ? 4 * K : D + 1;
  lat_random random = {.seed = seed, .stream = STREAM};
  for (size_t i = 0; i < X->rows; i++) rows += !weights || weights[i] > 0;
  if (n > rows) n = rows;
  LAT_SCOPE(work);
  lat_matrix sample = lat_matrix_new(work, n, D);
  if (!sample.data) return LAT_MEMORY;
  LAT_TRY(lat_kmeans_random(work, X, weights, n, &random, sample.data));
  return find_centers(work, &sample, NULL, K, seed, centers);
}

lat_status lat_start_clusters(lat_workspace *work, const lat_matrix *X, const double *weights,
                              size_t K, lat_start_way way, uint64_t seed, double *centers,
                              uint32_t *labels)
{
  lat_random random = {.seed = seed};
  switch (way) {
  case LAT_START_KMEANS:
    LAT_TRY(find_centers(work, X, weights, K, seed, centers));
    break;
  case LAT_START_SAMPLE:
    LAT_TRY(sample_centers(work, X, weights, K, seed, centers));
    break;
  case LAT_START_ROWS:
    return lat_kmeans_random(work, X, weights, K, &random, centers);
  default:
    LAT_TRY(lat_kmeans_random(work, X, weights, K, &random, centers));
  }
  LAT_TRY(lat_kmeans_assign(work, X, weights, K, centers, labels, NULL, NULL));
  for (size_t i = 0; i < X->rows; i++) labels[i]++;
  return LAT_OK;
}
