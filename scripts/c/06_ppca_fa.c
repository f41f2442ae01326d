/* 06_ppca_fa.c: models with latent variables: probabilistic PCA, Bayesian PCA, factor analysis.
 *
 *   cc -std=c11 -Icore scripts/c/06_ppca_fa.c build/liblatent.a -lopenblas -llapacke -lm */
#include <math.h>
#include <stdio.h>

#include "latent.h"

enum { N = 300, D = 3 };

/* Sines and cosines of different frequencies aren't correlated: the variances of the three columns,
 * 4.5, 0.5 and 0.5, are the eigenvalues of the covariance. */
static lat_status probabilistic_pca(lat_workspace *work)
{
  static double x[N * D];
  const double pi = acos(-1);
  for (int i = 0; i < N; i++) {
    x[D * i] = 3 * cos(2 * pi * i / N);
    x[D * i + 1] = cos(4 * pi * i / N);
    x[D * i + 2] = sin(4 * pi * i / N);
  }
  lat_matrix X = lat_matrix_of(x, N, D);
  lat_source rows = lat_source_of(&X);

  /* The closed form: the noise is the mean of the eigenvalues left out, and the one column of W has
   * the length sqrt(4.5 - 0.5). The objective is the mean log-likelihood of a row. */
  lat_ppca_options options = lat_ppca_defaults();
  lat_ppca ppca, em;
  lat_fit_report report;
  LAT_TRY(lat_ppca_fit(work, &rows, NULL, &options, &ppca, &report));
  double expected = -0.5 * (D * log(2 * pi) + log(4.5) + 2 * log(0.5) + D);
  printf("%s: noise %.4f, w (%.4f, %.4f, %.4f), the likelihood is known: %d\n", report.method,
         *ppca.noise_variance, ppca.W[0], fabs(ppca.W[1]), fabs(ppca.W[2]),
         fabs(report.objective - expected) < 1e-12);

  /* EM comes to the same, and knows missing entries. Options can be set by name. */
  LAT_TRY(lat_option_set(work, lat_ppca_model.options, &options, "method", "em"));
  LAT_TRY(lat_ppca_fit(work, &rows, NULL, &options, &em, &report));
  printf("%s: noise %.4f, W to 1e-5: %d\n", report.method, *em.noise_variance,
         fabs(em.W[0] - ppca.W[0]) < 1e-5);

  /* A row's posterior mean W'x/(w^2 + s2), and a missing entry, of which the others say nothing. */
  double row[D] = {NAN, 1, 0}, z, filled[D], variances[D];
  lat_matrix Z = lat_matrix_of(&z, 1, 1), F = lat_matrix_of(filled, 1, D),
             V = lat_matrix_of(variances, 1, D);
  lat_request request = {.X = lat_block_of(X, 0, 0, 1, D)};
  LAT_TRY(lat_ppca_apply(work, &ppca, &request, &(lat_outputs){.latent = &Z}));
  request = (lat_request){.X = lat_matrix_of(row, 1, D), .missing = true};
  LAT_TRY(lat_ppca_apply(work, &ppca, &request, &(lat_outputs){.imputed = &F, .variances = &V}));
  printf("z %.4f; the missing entry %.4f, with the variance %.4f\n", z, fabs(filled[0]),
         variances[0]);

  /* How many dimensions: by the evidence of each, and by priors that switch columns off. */
  options = lat_ppca_defaults();
  options.latent_dim = LAT_PPCA_BY_EVIDENCE;
  LAT_TRY(lat_ppca_fit(work, &rows, NULL, &options, &ppca, NULL));
  lat_bpca_options bayesian = lat_bpca_defaults();
  lat_bpca bpca;
  LAT_TRY(lat_bpca_fit(work, &rows, NULL, &bayesian, &bpca, NULL));
  printf("dimensions: %zu of %zu by evidence, %zu by priors\n", ppca.M, ppca.evidences,
         bpca.effective_dimension);
  return LAT_OK;
}

/* R's ability.cov: six tests taken by 112 people. Are one or two factors enough? */
static lat_status factor_analysis(lat_workspace *work)
{
  static double s[36] = {24.641,  5.991,  33.520, 6.023,  20.755, 29.701, /* covariances */
                         5.991,   6.700,  18.137, 1.782,  4.936,  7.204,  33.520, 18.137,
                         149.831, 19.424, 31.430, 50.753, 6.023,  1.782,  19.424, 12.711,
                         4.757,   9.075,  20.755, 4.936,  31.430, 4.757,  52.604, 66.762,
                         29.701,  7.204,  50.753, 9.075,  66.762, 135.292};
  const char *path = "fa.safetensors";
  lat_matrix S = lat_matrix_of(s, 6, 6);
  lat_fa_options options = lat_fa_defaults();
  options.rotation = LAT_VARIMAX;
  lat_fa fa, loaded;
  lat_fa_test_result test;
  double u[6];
  for (options.latent_dim = 1; options.latent_dim <= 2; options.latent_dim++) {
    LAT_TRY(lat_fa_fit_covariance(work, &S, 112, NULL, &options, &fa, NULL));
    LAT_TRY(lat_fa_test(work, &fa, &test));
    LAT_TRY(lat_fa_uniquenesses(work, &fa, u));
    printf("%zu: chi-square %.2f with %lld degrees of freedom, p %.3g; first uniqueness %.4f\n",
           fa.M, test.statistic, test.degrees_of_freedom, test.p_value, u[0]);
  }
  LAT_TRY(lat_fa_save(work, &fa, path));
  lat_status status = lat_fa_load(work, path, &loaded);
  remove(path);
  LAT_TRY(status);
  printf("from a file: loadings of the first test %.3f %.3f by its deviation\n",
         loaded.W[0] / sqrt(s[0]), loaded.W[1] / sqrt(s[0]));
  return LAT_OK;
}

int main(void)
{
  lat_workspace work;
  lat_workspace_init(&work);
  lat_status status = probabilistic_pca(&work);
  if (status == LAT_OK) status = factor_analysis(&work);
  if (status != LAT_OK) fprintf(stderr, "%s: %s\n", lat_status_name(status), work.message);
  lat_workspace_done(&work);
  return status != LAT_OK;
}
