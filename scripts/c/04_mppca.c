/* 04_mppca.c: a mixture of probabilistic PCA: latent variables of each component; missing entries.
 *
 *   cc -std=c11 -Icore scripts/c/04_mppca.c build/liblatent.a -lopenblas -llapacke -lm */
#include <math.h>
#include <stdio.h>

#include "latent.h"

enum { N = 600, D = 4 };

/* Two lines through 4 dimensions, along (1, 1, 1, 1) and (1, -1, 1, -1), the second 10 further in
 * the first column, with noise of variance 0.01. */
static void make_rows(double *x)
{
  lat_random random = {.seed = 3};
  for (size_t i = 0; i < N; i++) {
    double z = lat_random_normal(&random);
    for (size_t j = 0; j < D; j++)
      x[i * D + j] = (i % 2 && j % 2 ? -z : z) + 0.1 * lat_random_normal(&random);
    if (i % 2) x[i * D] += 10;
  }
}

static lat_status run(lat_workspace *work)
{
  LAT_SCOPE(work);
  lat_matrix X = lat_matrix_new(work, N, D);
  if (!X.data) return LAT_MEMORY;
  double *x = X.data;
  make_rows(x);
  lat_source rows = lat_source_of(&X);
  lat_mppca_options options = lat_mppca_defaults();
  lat_mppca m;

  /* One component is probabilistic PCA, whose maximum is known: the noise variance is the mean of
   * the eigenvalues that are left out (Tipping, Bishop, JRSS B 61, 1999). */
  LAT_TRY(lat_mppca_fit(work, &rows, NULL, &options, &m, NULL));
  double *memory = lat_doubles(work, lat_moments_count(D)), S[D * D], values[D], rest = 0;
  if (!memory) return LAT_MEMORY;
  for (size_t i = 0; i < lat_moments_count(D); i++) memory[i] = 0;
  lat_moments moments = lat_moments_of(memory, D);
  LAT_TRY(lat_moments_add(work, &moments, &X, NULL));
  lat_moments_covariance(&moments, S);
  lat_matrix covariance = lat_matrix_of(S, D, D);
  LAT_TRY(lat_symmetric(work, &covariance, LAT_EIGEN_AUTO, lat_vector_of(values, D), NULL));
  for (size_t j = 1; j < D; j++) rest += values[j] / (D - 1);
  printf("one component: the noise is the eigenvalues' left out: %d\n",
         fabs(m.noise_variances[0] / rest - 1) < 1e-6);

  /* Two find the lines. */
  options.components = 2;
  options.fit.restarts = 3;
  LAT_TRY(lat_mppca_fit(work, &rows, NULL, &options, &m, NULL));
  for (size_t k = 0; k < m.K; k++) {
    const double *w = m.W + k * D;
    double length = sqrt(w[0] * w[0] + w[1] * w[1] + w[2] * w[2] + w[3] * w[3]);
    printf("component %zu: noise %.3f, along (%.1f, %.1f, %.1f, %.1f)\n", k + 1,
           m.noise_variances[k], 2 * w[0] / length, 2 * w[1] / length, 2 * w[2] / length,
           2 * w[3] / length);
  }

  /* A row with a missing entry: its component, latent variable, and the entry's conditional mean
   * and variance. For z = 2 on the second line the entry is near -2. */
  double row[D] = {12, -2, 2, NAN}, label, z, filled[D], variances[D];
  lat_request request = {.X = lat_matrix_of(row, 1, D), .missing = true, .variance = true};
  lat_matrix Z = lat_matrix_of(&z, 1, 1), F = lat_matrix_of(filled, 1, D),
             V = lat_matrix_of(variances, 1, D);
  LAT_TRY(lat_mppca_apply(
      work, &m, &request,
      &(lat_outputs){.labels = &label, .latent = &Z, .imputed = &F, .variances = &V}));
  printf("component %g, |z| %.1f, the entry is %.1f +- %.2f\n", label, fabs(z), filled[3],
         sqrt(variances[3]));
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
