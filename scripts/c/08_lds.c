/* 08_lds.c: a linear dynamical system: the annual flow of the Nile as a random walk with noise,
 * fitted, filtered, smoothed, with missing years, forecast, saved and loaded.
 *
 *   cc -std=c11 -Icore scripts/c/08_lds.c build/liblatent.a -lopenblas -llapacke -lm
 *
 * Run it from the top of the tree, or give it the data's path. The model is the local level of
 * Durbin, Koopman, Time Series Analysis by State Space Methods, chapter 2:
 *
 *   level_t = level_{t-1} + w_t,   w ~ N(0, Q);   flow_t = level_t + v_t,   v ~ N(0, R) */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "latent.h"

enum { T = 100, H = 3 };

/* The second column of a CSV file of T rows. */
static lat_status read_flow(lat_workspace *work, const char *path, double flow[T])
{
  lat_map map;
  lat_csv csv;
  LAT_TRY(lat_file_map(work, path, &map)); /* its bytes appear in memory */
  lat_csv_options options = {.header = LAT_CSV_AUTO};
  lat_status status = lat_csv_scan(work, map.bytes, map.size, &options, &csv);
  if (status == LAT_OK && (csv.cols != 2 || csv.rows != T))
    status = lat_fail(work, LAT_FORMAT, "%s is %zux%zu, not %dx2", path, csv.rows, csv.cols, T);
  double table[T * 2];
  lat_matrix X = lat_matrix_of(table, T, 2);
  const size_t places[] = {0, 1};
  lat_csv_field *const no_text[] = {NULL, NULL};
  if (status == LAT_OK) status = lat_csv_read(work, &csv, &X, places, no_text);
  for (int t = 0; status == LAT_OK && t < T; t++) flow[t] = table[2 * t + 1];
  lat_file_unmap(&map);
  return status;
}

/* The variances of maximum likelihood: A and C are given, Q and R are not. */
static lat_status fit(lat_workspace *work, const lat_lds_sequence *nile, lat_lds *lds)
{
  static const double one = 1;
  lat_fit_report report;
  lat_lds_options options = lat_lds_defaults(); /* one state, one output, no inputs */
  options.A.data = options.C.data = &one;
  options.initial = LAT_LDS_DIFFUSE; /* nothing is known of the first level */
  options.fit.accelerate = true;
  LAT_TRY(lat_lds_fit(work, nile, 1, &options, lds, &report));
  printf("noise %.1f, level %.1f, log-likelihood %.4f, converged %d\n", lds->R.data[0],
         lds->Q.data[0], report.objective * T, report.converged);
  return LAT_OK;
}

/* Missing years are NaN; between its neighbours a random walk is expected on a straight line. */
static lat_status fill_gap(lat_workspace *work, const lat_lds *lds, const lat_lds_sequence *nile)
{
  double gap[T], filled[T], bend = 0;
  memcpy(gap, nile->Y, sizeof gap);
  for (int t = 20; t < 40; t++) gap[t] = NAN;
  const lat_lds_request request = {.sequence = {.steps = T, .Y = gap}};
  LAT_TRY(lat_lds_apply(work, lds, &request, &(lat_lds_outputs){.imputed = filled}));
  for (int t = 21; t < 39; t++)
    bend = fmax(bend, fabs(filled[t - 1] - 2 * filled[t] + filled[t + 1]));
  printf("missing years on a line: %d\n", bend < 1e-9);
  return LAT_OK;
}

/* What the model says of a sequence, in one call: every output that isn't NULL is filled. The next
 * years have the last level, ever less certain. */
static lat_status apply(lat_workspace *work, const lat_lds *lds, const lat_lds_sequence *nile)
{
  double means[T], variances[T], smoothed[T], log_likelihood, alone;
  double flow[H], flow_variance[H], level[H], level_variance[H];
  lat_lds_filtered past = {.means = means, .covariances = variances};
  lat_lds_smoothed all = {.means = smoothed};
  double lower[H], upper[H];
  const lat_lds_forecasts next = {flow, flow_variance, level, level_variance, lower, upper, 0.95};
  const lat_lds_request request = {.sequence = *nile, .ahead = H};
  LAT_TRY(lat_lds_apply(work, lds, &request,
                        &(lat_lds_outputs){.filtered = &past,
                                           .smoothed = &all,
                                           .forecasts = &next,
                                           .log_likelihood = &log_likelihood}));
  printf("1872: level %.4f +- sqrt(%.4f); 1871, after a hundred years: %.4f\n", means[1],
         variances[1], smoothed[0]);
  LAT_TRY(lat_lds_apply(work, lds, &request, &(lat_lds_outputs){.log_likelihood = &alone}));
  printf("log-likelihood %.4f, %.4f\n", log_likelihood, alone);
  for (int h = 0; h < H; h++)
    printf("%d: the last level %d, with a variance of %d Q and R more: %d\n", 1971 + h,
           fabs(flow[h] - means[T - 1]) < 1e-9, h + 1,
           fabs(flow_variance[h] - (variances[T - 1] + (h + 1) * *lds->Q.data + *lds->R.data)) <
               1e-6);
  printf("1971, with a probability of 95 %%: %.2f to %.2f\n", lower[0], upper[0]);
  return LAT_OK;
}

/* A safetensors file: latent.load in Lua reads it, and so does Python. */
static lat_status save_and_load(lat_workspace *work, const lat_lds *lds,
                                const lat_lds_sequence *nile)
{
  lat_lds loaded;
  double before, after;
  LAT_TRY(lat_lds_save(work, lds, "nile.safetensors"));
  LAT_TRY(lat_lds_load(work, "nile.safetensors", &loaded));
  remove("nile.safetensors");
  LAT_TRY(lat_lds_log_likelihood(work, lds, nile, 1, &before));
  LAT_TRY(lat_lds_log_likelihood(work, &loaded, nile, 1, &after));
  printf("the same from a file: %d\n", before == after);
  return LAT_OK;
}

static lat_status run(lat_workspace *work, const char *path)
{
  LAT_SCOPE(work); /* the fitted model lives in the workspace until we return */
  double flow[T];
  LAT_TRY(read_flow(work, path, flow));
  const lat_lds_sequence nile = {.steps = T, .Y = flow};
  lat_lds fitted;
  LAT_TRY(fit(work, &nile, &fitted));
  LAT_TRY(save_and_load(work, &fitted, &nile));

  /* Whoever has all matrices needs no fit: a lat_lds points to them. */
  const double one = 1, Q = 1469.1, R = 15099, zero = 0;
  const lat_lds_initial diffuse = LAT_LDS_DIFFUSE;
  const lat_lds lds = {.states = 1,
                       .outputs = 1,
                       .A = {&one, 0},
                       .C = {&one, 0},
                       .Q = {&Q, 0},
                       .R = {&R, 0},
                       .initial_mean = &zero,
                       .initial_covariance = &zero,
                       .initial = &diffuse};
  LAT_TRY(fill_gap(work, &lds, &nile));
  LAT_TRY(apply(work, &lds, &nile));
  lat_status status = lat_lds_apply(work, &lds, &(lat_lds_request){.sequence = nile},
                                    &(lat_lds_outputs){.forecasts = &(lat_lds_forecasts){NULL}});
  printf("%s: %s\n", lat_status_name(status), work->message);
  return LAT_OK;
}

int main(int argc, char **argv)
{
  lat_workspace work;
  lat_workspace_init(&work);
  lat_status status = run(&work, argc > 1 ? argv[1] : "bindings/latent/data/nile.csv");
  if (status != LAT_OK) fprintf(stderr, "%s\n", work.message);
  lat_workspace_done(&work);
  return status != LAT_OK;
}
