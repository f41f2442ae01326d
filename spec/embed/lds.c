/* lds.c: linear dynamical systems in C: a file's log-likelihood of data, files read and written again,
 * a fit step by step, and what can't be done. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "latent.h"

static lat_workspace work;

static void must(lat_status status)
{
  if (status == LAT_OK) return;
  printf("%s\n", work.message);
  exit(1);
}

/* T, D, and T x D numbers of a text file. */
static lat_lds_sequence read_numbers(const char *path, size_t *D)
{
  size_t T;
  FILE *file = fopen(path, "r");
  if (!file || fscanf(file, "%zu %zu", &T, D) != 2) exit(1);
  double *Y = lat_doubles(&work, T * *D);
  if (!Y) exit(1);
  for (size_t i = 0; i < T * *D; i++)
    if (fscanf(file, "%la", &Y[i]) != 1) exit(1);
  fclose(file);
  return (lat_lds_sequence){.steps = T, .Y = Y};
}

static void score(const char *path, const char *data)
{
  size_t D;
  lat_lds lds;
  const lat_lds_sequence Y = read_numbers(data, &D);
  must(lat_lds_load(&work, path, &lds));
  double *densities = lat_doubles(&work, Y.steps);
  if (!densities) exit(1);
  must(lat_lds_filter(&work, &lds, &Y, &(lat_lds_filtered){.log_densities = densities}));
  for (size_t t = 0; t < Y.steps; t++) printf("%a\n", densities[t]);
}

static void again(const char *path, const char *to)
{
  lat_lds lds;
  must(lat_lds_load(&work, path, &lds));
  must(lat_lds_save(&work, &lds, to));
}

/* lat_lds_fit and the loop it stands for give the same bits. */
static void fit(const char *data)
{
  const double one = 1;
  lat_lds lds;
  lat_fit_report report;
  lat_lds_options options = lat_lds_defaults();
  const lat_lds_sequence both[] = {read_numbers(data, &options.outputs),
                                   read_numbers(data, &options.outputs)};
  options.A.data = &one;
  options.C.data = &one;
  options.fit.max_iterations = 20;
  options.fit.restarts = 2;
  must(lat_lds_fit(&work, both, 2, &options, &lds, &report));
  printf("%a %a %zu\n", lds.Q.data[0], lds.R.data[0], report.iterations);

  lat_fit fit;
  lat_lds_initial initial;
  size_t iterations = 0, reviews = 0;
  must(lat_lds_resolve(&work, &options, &initial));
  must(lat_fit_init(&fit, &work, &lat_lds_model, &options, true));
  must(lat_fit_units(&fit, both, 2, options.outputs));
  for (;;) {
    must(lat_fit_begin(&fit));
    if (fit.pass == LAT_PASS_NONE) break;
    reviews += fit.pass == LAT_PASS_REVIEW;
    must(lat_fit_add_units(&fit));
    must(lat_fit_end(&fit));
    iterations += fit.iterated;
  }
  lds = lat_lds_of(&options, fit.best.flat, fit.best.sizes);
  printf("%a %a %zu\n", lds.Q.data[0], lds.R.data[0], fit.report.iterations);
  printf("%zu iterations, %zu reviews\n", iterations, reviews);
}

static void tell(lat_status status)
{
  printf("%s: %s\n", lat_status_name(status), work.message);
}

static void fail(const char *path)
{
  const double values[4] = {1, 0.5, 2, 1}, one = 1;
  const bool flags[LAT_LDS_PARAMETERS] = {[LAT_LDS_A] = true};
  const double Y[] = {1, 2, NAN, 4};
  const lat_lds_sequence sequence = {.steps = 4, .Y = Y};
  lat_lds lds;
  lat_lds_options o = lat_lds_defaults();
  printf("%zu %zu %zu, %zu iterations\n", o.latent_dim, o.outputs, o.inputs, o.fit.max_iterations);
  o.latent_dim = 0;
  tell(lat_lds_check(&work, &o));
  o = lat_lds_defaults();
  o.A = (lat_lds_matrix){values, 1};
  o.estimate = flags;
  tell(lat_lds_check(&work, &o));
  o = lat_lds_defaults();
  o.fixed[LAT_LDS_C] = flags;
  tell(lat_lds_check(&work, &o));
  o = lat_lds_defaults();
  o.latent_dim = 2;
  o.initials = (const lat_lds_initial[]){LAT_LDS_KNOWN, LAT_LDS_STATIONARY};
  tell(lat_lds_check(&work, &o));
  o = lat_lds_defaults();
  tell(lat_lds_fit(&work, &sequence, 0, &o, &lds, NULL));
  o.estimate = flags;
  tell(lat_lds_fit(&work, &sequence, 1, &o, &lds, NULL));
  o = lat_lds_defaults();
  o.inputs = 1;
  tell(lat_lds_fit(&work, &sequence, 1, &o, &lds, NULL));
  lds = (lat_lds){.states = 1,
                  .outputs = 1,
                  .A = {values, 1},
                  .C = {&one, 0},
                  .Q = {&one, 0},
                  .R = {&one, 0},
                  .initial_mean = &one,
                  .initial_covariance = &one};
  tell(lat_lds_save(&work, &lds, path));
  tell(lat_option_set(&work, lat_lds_model.options, &o, "form", "square"));
  tell(lat_option_set(&work, lat_lds_model.options, &o, "initial", "difuse"));
}

int main(int count, char **words)
{
  const char *what = count > 1 ? words[1] : "";
  lat_workspace_init(&work);
  if (strcmp(what, "score") == 0) score(words[2], words[3]);
  if (strcmp(what, "again") == 0) again(words[2], words[3]);
  if (strcmp(what, "fit") == 0) fit(words[2]);
  if (strcmp(what, "fail") == 0) fail(words[2]);
  lat_workspace_done(&work);
  return 0;
}
