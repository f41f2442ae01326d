/* 07_ica.c: independent component analysis, whole, and step by step within a time budget.
 *
 * Two sources are mixed: one takes 40 evenly spaced values (flat: its excess kurtosis is -1.2
 * 1601/1599), the other one of -1, 0 (eight times as often) and 1 (peaked: 2). All pairs of their
 * values occur once, so they are exactly independent, and the mixing is found to the last digits:
 *
 *   x = A s,   A = (2 1; 1 3) with the columns scaled by the deviations of the sources
 *
 *   cc -std=c11 -Icore scripts/c/07_ica.c build/liblatent.a -lopenblas -llapacke -lm */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "latent.h"

enum { FLAT = 40, PEAKED = 10, N = FLAT * PEAKED, D = 2 };

static void check(const lat_workspace *work, lat_status status)
{
  if (status == LAT_OK) return;
  fprintf(stderr, "%s\n", work->message);
  exit(1);
}

static void make_data(double *x)
{
  for (int i = 0; i < FLAT; i++)
    for (int k = 0; k < PEAKED; k++, x += 2) {
      double flat = (2 * i + 1) / (double)FLAT - 1, peaked = k == 0 ? -1 : k == 1 ? 1 : 0;
      x[0] = 2 * flat + peaked;
      x[1] = flat + 3 * peaked;
    }
}

int main(void)
{
  const char *path = "ica.safetensors";
  static double x[N * D], log_likelihood[N];
  make_data(x);
  lat_matrix X = lat_matrix_of(x, N, D);
  lat_workspace work;
  lat_workspace_init(&work);

  lat_ica_options options = lat_ica_defaults();
  lat_ica ica;
  lat_ica_report report;
  lat_source rows = lat_source_of(&X);
  check(&work, lat_ica_fit(&work, &rows, NULL, &options, &ica, &report));
  /* Sources have variance 1, so columns of the mixing are as long as what they explain. */
  printf("mixing      %.4f %.4f\n            %.4f %.4f\n", ica.mixing[0], ica.mixing[1],
         ica.mixing[2], ica.mixing[3]);
  printf("kurtosis    %.4f %.4f\n", ica.kurtosis[0], ica.kurtosis[1]);
  printf("converged   %d, identifiable %d\n", report.converged, report.identifiable);

  /* Rows of the model: their sources, and their log-likelihoods by the densities of the contrast.
   */
  static double s[N * D];
  lat_matrix S = lat_matrix_of(s, N, D);
  lat_outputs outputs = {.latent = &S, .log_likelihood = log_likelihood};
  check(&work, lat_ica_apply(&work, &ica, &(lat_request){.X = X}, &outputs));
  printf("s           %.4f %.4f (first row)\n", s[0], s[1]);

  /* The same step by step: whoever has other things to do stops when time is up. */
  lat_ica_search search;
  double end = lat_clock() + 10, flat[16];
  check(&work, lat_ica_begin(&search, &work, &X, NULL, &options));
  while (!search.done && lat_clock() < end) check(&work, lat_ica_step(&search));
  check(&work, lat_ica_end(&search, flat)); /* mean, mixing, ...: as ica.h lists them */
  printf("step by step %.4f\n", flat[D]);

  lat_ica loaded;
  check(&work, lat_ica_save(&work, &ica, path));
  check(&work, lat_ica_load(&work, path, &loaded));
  remove(path);
  printf("loaded      %.4f\n", loaded.mixing[0]);
  lat_workspace_done(&work);
  return 0;
}
