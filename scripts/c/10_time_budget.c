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

/* Works on the fit until the time is over, but does one piece at least. A fit is a sequence of passes
 * over the data (fit.pass is what each is for), and a pass takes the data in pieces. Pieces that are
 * multiples of lat_chunk_rows(D) give the bits of the whole. */
static lat_status work_until(lat_fit *fit, const lat_matrix *X, size_t *row, double until)
{
  size_t piece = 2 * lat_chunk_rows(D);
  do {
    if (*row == 0) LAT_TRY(lat_fit_begin(fit));
    if (fit->pass == LAT_PASS_NONE) return LAT_OK; /* all is done: fit->best is the result */
    size_t rows = N - *row < piece ? N - *row : piece;
    lat_matrix next = lat_block_of(*X, *row, 0, rows, D);
    LAT_TRY(lat_fit_add(fit, &next, NULL));
    *row += rows;
    if (*row < N) continue;
    LAT_TRY(lat_fit_end(fit));
    *row = 0;
  } while (lat_clock() < until);
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

  lat_fit fit;
  size_t row = 0, slices = 0, frames = 0;
  LAT_TRY(lat_fit_init(&fit, work, &lat_gmm_model, &options, false));
  LAT_TRY(lat_fit_rows(&fit, &X, NULL)); /* all rows are in memory: no pass to sample them */
  do {
    frames++; /* here the program does what else it has to do */
    LAT_TRY(work_until(&fit, &X, &row, lat_clock() + 0.005));
    slices++;
  } while (row > 0 || fit.pass != LAT_PASS_NONE);
  lat_gmm sliced = lat_gmm_of(&fit.best);
  printf("several slices: %d, a frame before each: %d\n", slices > 1, frames == slices);
  printf("converged %d, means of the first column %.1f %.1f %.1f\n", fit.report.converged,
         sliced.means[0], sliced.means[2], sliced.means[4]);

  lat_source rows = lat_source_of(&X);
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
