/* 01_kmeans.c: K-means: a fit of rows in memory, its labels, new rows, a file, explicit centres, and
 * mini-batches.
 *
 *   cc -std=c11 -Icore scripts/c/01_kmeans.c build/liblatent.a -lopenblas -llapacke -lm */
#include <stdio.h>
#include <string.h>

#include "latent.h"

enum { N = 9, D = 2, K = 3 };

/* Three triples about (0, 0), (10, 0) and (0, 10), whose points are at x - 1, x and x + 1: with the
 * right centres J is 3 (1 + 0 + 1) = 6. Row i is of triple i mod 3. */
static double points[N * D] = {-1, 0, 9, 0, -1, 10, 0, 0, 10, 0, 0, 10, 1, 0, 11, 0, 1, 10};

static lat_status run(lat_workspace *work, const char *path)
{
  LAT_SCOPE(work); /* whatever a fit keeps goes with it */
  lat_matrix X = lat_matrix_of(points, N, D);
  lat_source rows = lat_source_of(&X);
  lat_kmeans_options options = lat_kmeans_defaults();
  options.clusters = K;
  options.fit.restarts = 5; /* of which the one with the least J is kept */
  lat_kmeans kmeans;
  lat_fit_report report;
  LAT_TRY(lat_kmeans_fit(work, &rows, NULL, &options, &kmeans, &report));
  printf("inertia %.6f converged %d\n", kmeans.inertia, report.converged);
  size_t same = 0; /* labels are numbers of clusters, from 1, in no order */
  for (size_t i = 0; i < N; i++) same += kmeans.labels[i] == kmeans.labels[6 + i % 3];
  printf("rows of the same cluster %zu of %d\n", same, N);

  /* What a clustering says of other rows: all outputs that aren't NULL. */
  double other[2 * D] = {3, 4, 8, 0}, label[2], distance[2 * K], least = 1e300;
  lat_matrix Y = lat_matrix_of(other, 2, D), Z = lat_matrix_of(distance, 2, K);
  LAT_TRY(lat_kmeans_apply(work, &kmeans, &(lat_request){.X = Y},
                           &(lat_outputs){.labels = label, .distances = &Z}));
  for (size_t k = 0; k < K; k++) least = distance[k] < least ? distance[k] : least;
  printf("(3, 4) is %.6f from its centre, which is that of its label: %d\n", least,
         distance[(size_t)label[0] - 1] == least);

  /* A file has the parameters and the options; labels are the fit's rows' own. */
  lat_kmeans loaded;
  LAT_TRY(lat_kmeans_save(work, &kmeans, path));
  LAT_TRY(lat_kmeans_load(work, path, &loaded));
  remove(path);
  printf("loaded: %zu clusters, the same centres %d\n", loaded.K,
         memcmp(loaded.centers, kmeans.centers, K * D * sizeof(double)) == 0);

  /* A start of one's own: centres, and an origin that lat_kmeans_complete finds. */
  double first[K * D + D] = {1, 1, 9, 1, 1, 9};
  lat_fitted given = {.sizes = {[LAT_D] = D, [LAT_K] = K}, .flat = first};
  lat_kmeans_complete(&given);
  options.fit.given = &given;
  options.fit.restarts = 1;
  LAT_TRY(lat_kmeans_fit(work, &rows, NULL, &options, &kmeans, &report));
  printf("from given centres: %zu iterations, centre 2 is (%.6f, %.6f)\n", report.iterations,
         kmeans.centers[2], kmeans.centers[3]);

  /* By mini-batches of four rows, drawn by the seed. */
  options.algorithm = LAT_KMEANS_MINIBATCH;
  options.batch = 4;
  options.fit.tolerance = 0;
  options.fit.max_iterations = 200;
  LAT_TRY(lat_kmeans_fit(work, &rows, NULL, &options, &kmeans, &report));
  printf("mini-batches: %zu iterations, inertia below 9: %d\n", report.iterations,
         kmeans.inertia < 9);
  return LAT_OK;
}

int main(void)
{
  lat_workspace work;
  lat_workspace_init(&work);
  lat_status status = run(&work, "kmeans.safetensors");
  if (status != LAT_OK) fprintf(stderr, "%s\n", work.message);
  lat_workspace_done(&work);
  return status != LAT_OK;
}
