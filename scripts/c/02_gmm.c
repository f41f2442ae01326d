/* 02_gmm.c: a mixture of Gaussians: fitted to the eruptions of Old Faithful, asked about a new row,
 * saved and loaded.
 *
 *   cc -std=c11 -Icore scripts/c/02_gmm.c build/liblatent.a -lopenblas -llapacke -lm
 *
 * Run it from the top of the tree, or give it the data's path. */
#include <stdio.h>

#include "latent.h"

/* The table of numbers in a CSV file, which is kept in the workspace. */
static lat_status read_table(lat_workspace *work, const char *path, lat_matrix *X)
{
  lat_map map;
  lat_csv csv;
  LAT_TRY(lat_file_map(work, path, &map)); /* its bytes appear in memory */
  lat_csv_options options = {.header = LAT_CSV_AUTO};
  lat_status status = lat_csv_scan(work, map.bytes, map.size, &options, &csv);
  const size_t places[] = {0, 1};
  lat_csv_field *const no_text[] = {NULL, NULL};
  if (status == LAT_OK && csv.cols != 2)
    status = lat_fail(work, LAT_FORMAT, "%s has %zu columns, not 2", path, csv.cols);
  if (status == LAT_OK) {
    *X = lat_matrix_new(work, csv.rows, csv.cols);
    status = X->data ? lat_csv_read(work, &csv, X, places, no_text) : LAT_MEMORY;
  }
  lat_file_unmap(&map);
  return status;
}

static lat_status run(lat_workspace *work, const char *path)
{
  LAT_SCOPE(work); /* the data and the mixture live in the workspace until we return */
  lat_matrix X;
  LAT_TRY(read_table(work, path, &X));

  lat_gmm_options options = lat_gmm_defaults();
  options.components = 2;
  options.fit.restarts = 5; /* starts, of which the likeliest is kept */
  options.fit.seed = 1;     /* the same seed gives the same fit, on any number of threads */
  lat_source rows = lat_source_of(&X);
  lat_gmm gmm;
  lat_fit_report report;
  LAT_TRY(lat_gmm_fit(work, &rows, NULL, &options, &gmm, &report));
  printf("%zu rows, log-likelihood %.2f, %zu free parameters, converged %d\n", X.rows,
         report.objective * (double)X.rows, lat_gmm_free_parameters(&gmm), report.converged);
  for (size_t k = 0; k < gmm.K; k++) /* a view of the parameters, by name */
    printf("%.4f of them about (%.3f, %.2f)\n", gmm.weights[k], gmm.means[2 * k],
           gmm.means[2 * k + 1]);

  /* What it says of rows: every output that isn't NULL is filled. */
  double row[] = {3.1, 65}, log_p, label, shares[2];
  lat_matrix R = lat_matrix_of(shares, 1, 2);
  lat_request request = {.X = lat_matrix_of(row, 1, 2)};
  lat_outputs outputs = {.log_likelihood = &log_p, .labels = &label, .responsibilities = &R};
  LAT_TRY(lat_gmm_apply(work, &gmm, &request, &outputs));
  printf("an eruption of 3.1 minutes after 65: log p %.3f, component %g, by %.3f\n", log_p, label,
         shares[(size_t)label - 1]);

  /* A safetensors file: latent.load in Lua reads it, and so does Python. */
  lat_gmm loaded;
  double again;
  LAT_TRY(lat_gmm_save(work, &gmm, "faithful.safetensors"));
  LAT_TRY(lat_gmm_load(work, "faithful.safetensors", &loaded));
  remove("faithful.safetensors");
  LAT_TRY(lat_gmm_apply(work, &loaded, &request, &(lat_outputs){.log_likelihood = &again}));
  printf("the same bits from a file: %d\n", again == log_p);
  return LAT_OK;
}

int main(int count, char **arguments)
{
  lat_workspace work;
  lat_workspace_init(&work);
  lat_status status = run(&work, count > 1 ? arguments[1] : "bindings/latent/data/faithful.csv");
  if (status != LAT_OK) fprintf(stderr, "%s: %s\n", lat_status_name(status), work.message);
  lat_workspace_done(&work);
  return status != LAT_OK;
}
