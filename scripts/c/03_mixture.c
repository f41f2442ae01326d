/* 03_mixture.c: mixtures with independent columns: Poisson counts, a fit by labels and one without,
 * rows with missing entries, a file, and a family of one's own functions.
 *
 *   cc -std=c11 -Icore scripts/c/03_mixture.c build/liblatent.a -lopenblas -llapacke -lm */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "latent.h"

enum { N = 6, D = 2, K = 2 };

/* Rare counts and many, in turn. */
static double counts[N * D] = {1, 0, 10, 20, 0, 1, 12, 18, 2, 2, 11, 22};
static const uint32_t classes[N] = {1, 2, 1, 2, 1, 2};

static lat_status fit_counts(lat_workspace *work, const char *path)
{
  LAT_SCOPE(work);
  lat_matrix X = lat_matrix_of(counts, N, D);
  lat_mixture_options options = lat_mixture_defaults();
  lat_mixture mixture, loaded;
  options.components = K;
  options.family = LAT_POISSON;

  /* With the component of every row known the fit is the closed form: the classes' means. */
  lat_source labelled = lat_source_of(&X);
  labelled.labels = classes;
  LAT_TRY(lat_mixture_fit(work, &labelled, NULL, &options, &mixture, NULL));
  for (size_t k = 0; k < K; k++)
    printf("class %zu: weight %.4f rates %.4f %.4f\n", k + 1, mixture.weights[k],
           mixture.rates[k * D], mixture.rates[k * D + 1]);

  /* Without labels EM finds nearly the same; components are in order of their first rate. */
  lat_source rows = lat_source_of(&X);
  lat_fit_report report;
  LAT_TRY(lat_mixture_fit(work, &rows, NULL, &options, &mixture, &report));
  printf("by EM: rates %.3f %.3f and %.3f %.3f, converged %d\n", mixture.rates[0], mixture.rates[1],
         mixture.rates[2], mixture.rates[3], report.converged);

  /* A missing entry is left out of a row's probability, and is expected where it is asked for. */
  double gap[D] = {9, NAN}, label, imputed[D];
  lat_matrix Y = lat_matrix_of(gap, 1, D), to = lat_matrix_of(imputed, 1, D);
  LAT_TRY(lat_mixture_apply(work, &mixture, &(lat_request){.X = Y, .missing = true},
                            &(lat_outputs){.labels = &label, .imputed = &to}));
  printf("(9, ?) is of component %.0f, and ? about %.2f\n", label, imputed[1]);

  LAT_TRY(lat_mixture_save(work, &mixture, path));
  LAT_TRY(lat_mixture_load(work, path, &loaded));
  remove(path);
  printf("loaded: family %d, the same rates %d\n", loaded.options.family,
         memcmp(loaded.rates, mixture.rates, K * D * sizeof(double)) == 0);
  return LAT_OK;
}

/* ---- a family of one's own: exponential waiting times, whose parameter is a rate --------------- */

typedef struct waiting {
  double rates[K], next[K]; /* those found, and those of the M-step under way */
} waiting;

static waiting *waiting_of(const lat_fit *fit)
{
  return ((const lat_mixture_options *)fit->options)->own.context;
}

static lat_status log_density(lat_fit *fit, size_t k, const lat_matrix *X, double *row)
{
  double rate = waiting_of(fit)->rates[k];
  for (size_t i = 0; i < X->rows; i++) row[i] = log(rate) - rate * lat_get(X, i, 0);
  return LAT_OK;
}

static lat_status estimate(lat_fit *fit, size_t k, const lat_matrix *X, const double *r)
{
  waiting *w = waiting_of(fit);
  double weight = 0, sum = 0;
  for (size_t i = 0; r && i < X->rows; i++) {
    weight += r[i];
    sum += r[i] * lat_get(X, i, 0);
  }
  w->next[k] = r ? weight / sum : w->rates[k];
  if (k + 1 == fit->sizes[LAT_K]) memcpy(w->rates, w->next, sizeof w->rates); /* all are found */
  return LAT_OK;
}

static lat_status fit_times(lat_workspace *work)
{
  LAT_SCOPE(work);
  static double times[N] = {0.1, 8, 0.3, 12, 0.2, 10};
  lat_matrix X = lat_matrix_of(times, N, 1);
  waiting found = {.rates = {0}};
  lat_mixture_options options = lat_mixture_defaults();
  options.components = K;
  options.family = LAT_FUNCTIONS;
  options.own = (lat_own_family){log_density, estimate, .free_parameters = 1, .context = &found};
  lat_source labelled = lat_source_of(&X);
  labelled.labels = classes;
  lat_mixture mixture;
  LAT_TRY(lat_mixture_fit(work, &labelled, NULL, &options, &mixture, NULL));
  printf("waiting times: mean %.4f and %.4f, %zu free parameters\n", 1 / found.rates[0],
         1 / found.rates[1], lat_mixture_free_parameters(&mixture));
  return LAT_OK;
}

int main(void)
{
  lat_workspace work;
  lat_workspace_init(&work);
  lat_status status = fit_counts(&work, "mixture.safetensors");
  if (status == LAT_OK) status = fit_times(&work);
  if (status != LAT_OK) fprintf(stderr, "%s\n", work.message);
  lat_workspace_done(&work);
  return status != LAT_OK;
}
