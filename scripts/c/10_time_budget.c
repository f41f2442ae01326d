/* 10_time_budget.c: a fit in slices of time, for a program that has other things to do (a frame to
 * draw, a request to answer): the same bits as a fit that nothing interrupts.
 *
 *   cc -std=c11 -Icore scripts/c/10_time_budget.c build/liblatent.a -lopenblas -llapacke -lm */
#include <stdio.h>

#include "latent.h"

enum { N = 30000, D = 2, K = 3 };

/* Three round clouds about (0, 0), (4, 0) and (0, 4). */
static void make_rows(double *x)
{
  lat_random random = {.seed = 7};
  for (size_t i = 0; i < N; i++) {
    x[2 * i] = lat_random_normal(&random) + (i % 3 == 1 ? 4 : 0);
    x[2 * i + 1] = lat_random_normal(&random) + (i % 3 == 2 ? 4 : 0);
  }
}

/* A fit that nobody has the patience for: a slice of it, and the memory it has goes with the
 * workspace's mark. */
static lat_status give_up(lat_workspace *work, lat_source *rows, const lat_gmm_options *options)
{
  LAT_SCOPE(work);
  lat_fit fit;
  bool done;
  LAT_TRY(lat_fit_init(&fit, work, &lat_gmm_model, options, false));
  LAT_TRY(lat_fit_slice(&fit, rows, 0, &done)); /* 0 seconds: the least there is */
  lat_fit_leave(&fit);
  printf("given up: %d, after %zu iterations\n", !done, fit.em.iterations);
  return LAT_OK;
}

static lat_status run(lat_workspace *work)
{
  LAT_SCOPE(work);
  lat_matrix X = lat_matrix_new(work, N, D);
  if (!X.data) return LAT_MEMORY;
  make_rows(X.data);
  lat_gmm_options options = lat_gmm_defaults();
  options.components = K;
  options.fit.restarts = 2;

  lat_source rows = lat_source_of(&X);
  LAT_TRY(give_up(work, &rows, &options));
  lat_fit fit;
  bool done = false;
  size_t slices = 0, frames = 0, before_the_first = 0;
  LAT_TRY(lat_fit_init(&fit, work, &lat_gmm_model, &options, false));
  do {
    frames++; /* here the program does what else it has to do */
    LAT_TRY(lat_fit_slice(&fit, &rows, 0.002, &done));
    slices++;
    before_the_first += fit.start == 0 && fit.em.iterations == 0; /* the start is cut, too */
  } while (!done);
  printf("slices before the first iteration: %d\n", before_the_first > 0);
  lat_gmm sliced = lat_gmm_of(&fit.best);
  printf("several slices: %d, a frame before each: %d\n", slices > 1, frames == slices);
  printf("converged %d, means of the first column %.1f %.1f %.1f\n", fit.report.converged,
         sliced.means[0], sliced.means[2], sliced.means[4]);

  lat_gmm whole;
  lat_fit_report report;
  LAT_TRY(lat_gmm_fit(work, &rows, NULL, &options, &whole, &report));
  size_t count = K + K * D + K * D * D, same = 0; /* weights, means and covariances in a row */
  for (size_t i = 0; i < count; i++) same += whole.weights[i] == sliced.weights[i];
  printf("the same bits as a whole fit: %zu of %zu numbers, after as many iterations: %d\n", same,
         count, report.iterations == fit.report.iterations);
  return LAT_OK;
}

int main(void)
{
  lat_workspace work;
  lat_workspace_init(&work);
  lat_status status = run(&work);
  if (status != LAT_OK) fprintf(stderr, "%s: %s\n", lat_status_name(status), work.message);
  lat_workspace_done(&work);
  return status != LAT_OK;
}
