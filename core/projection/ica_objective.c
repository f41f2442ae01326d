/* ica_objective.c: the objective of a contrast and its relative gradient (ica.h), from the means
 * over all rows that a pass has computed. */
#include <cblas.h>
#include <math.h>

#include "projection/ica_internal.h"

size_t lat_ica_means_count(size_t k, size_t M)
{
  return k * (M + 2);
}

lat_ica_means lat_ica_means_of(double *memory, size_t k, size_t M)
{
  return (lat_ica_means){memory, memory + k * M, memory + k * M + k};
}

lat_ica_means lat_ica_pass_means(const lat_ica_search *fit)
{
  return lat_ica_means_of(fit->sums, fit->k, fit->M);
}

double lat_ica_tolerance(const lat_ica_search *fit)
{
  return fit->starting ? fmax(LAT_ICA_START_TOLERANCE, fit->options->tolerance)
                       : fit->options->tolerance;
}

void lat_ica_evaluate(lat_ica_search *fit, const lat_ica_means *means, double *A, double *signs,
                      double *G)
{
  size_t M = fit->M;
  blasint m = (blasint)M;
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, m, m, 1, means->product, m, fit->W, m, 0,
              A, m);
  fit->objective = 0;
  for (size_t i = 0; i < M; i++) {
    signs[i] = means->slope[i] >= A[i * M + i] ? 1 : -1;
    fit->objective += lat_ica_distance((lat_ica_contrast)fit->options->contrast, means->value[i]);
  }
  fit->gradient = 0;
  for (size_t i = 0; i < M; i++)
    for (size_t j = 0; j < M; j++) {
      double g = signs[i] * A[i * M + j] - signs[j] * A[j * M + i];
      fit->gradient = fmax(fit->gradient, fabs(g));
      if (G) G[i * M + j] = g;
    }
}
