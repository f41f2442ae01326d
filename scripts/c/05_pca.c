/* 05_pca.c: principal components, of all rows at once and of rows that come piece by piece.
 *
 * The data are 360 points of an ellipse with half-axes 3 and 1, turned by 30 degrees. Its principal
 * components are known: with angles spread evenly the variances along the axes are 9/2 and 1/2, and
 * the first axis is (cos 30, sin 30).
 *
 *   cc -std=c11 -Icore scripts/c/05_pca.c build/liblatent.a -lopenblas -llapacke -lm */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "latent.h"

enum { N = 360, D = 2 };

/* Every function that can fail returns a status; the sentence is in the workspace. */
static void check(const lat_workspace *work, lat_status status)
{
  if (status == LAT_OK) return;
  fprintf(stderr, "%s\n", work->message);
  exit(1);
}

static void make_data(double *x)
{
  const double pi = acos(-1), turn = pi / 6;
  for (int i = 0; i < N; i++) {
    double a = 3 * cos(2 * pi * i / N), b = sin(2 * pi * i / N);
    x[2 * i] = 10 + a * cos(turn) - b * sin(turn);
    x[2 * i + 1] = -5 + a * sin(turn) + b * cos(turn);
  }
}

int main(void)
{
  const char *path = "pca.safetensors";
  static double x[N * D];
  make_data(x);
  lat_matrix X = lat_matrix_of(x, N, D);
  lat_workspace work;
  lat_workspace_init(&work);

  /* Options have defaults; what a fit makes lies in the workspace until that is done. */
  lat_pca_options options = lat_pca_defaults();
  options.latent_dim = 1;
  lat_pca pca;
  lat_pca_report report;
  lat_source rows = lat_source_of(&X);
  check(&work, lat_pca_fit(&work, &rows, NULL, &options, &pca, &report));
  printf("mean        %.6f %.6f\n", pca.mean[0], pca.mean[1]);
  printf("component   %.6f %.6f\n", pca.components[0], pca.components[1]);
  printf("eigenvalue  %.6f, %.4f of the variance\n", pca.eigenvalues[0], pca.explained_ratio[0]);

  /* Outputs that are NULL aren't computed. The distortion is what the dropped direction has. */
  static double z[N];
  lat_matrix Z = lat_matrix_of(z, N, 1);
  double distortion;
  lat_outputs outputs = {.latent = &Z, .distortion = &distortion};
  check(&work, lat_pca_apply(&work, &pca, &(lat_request){.X = X}, &outputs));
  printf("z           %.6f (first row), distortion %.6f\n", z[0], distortion);

  /* The same from pieces: the statistics of a fit can be added to as long as rows come. */
  lat_fitted sums = {.model = &lat_pca_model, .options = &options};
  check(&work, lat_statistics_begin(&work, &sums, D));
  for (size_t first = 0; first < N; first += 100) {
    size_t n = N - first < 100 ? N - first : 100;
    lat_matrix piece = lat_block_of(X, first, 0, n, D);
    check(&work, sums.model->statistics->add(&work, &sums, &piece, NULL, false));
  }
  check(&work, sums.model->statistics->solve(&work, &sums));
  printf("pieces      %.6f\n", lat_pca_of(&sums).eigenvalues[0]);

  /* A file, which Lua's latent.load and Python's safetensors read as well. */
  lat_pca loaded;
  check(&work, lat_pca_save(&work, &pca, path));
  check(&work, lat_pca_load(&work, path, &loaded));
  remove(path);
  printf("loaded      %.6f\n", loaded.eigenvalues[0]);
  lat_workspace_done(&work);
  return 0;
}
