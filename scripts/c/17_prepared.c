/* 17_prepared.c: a host that asks a mixture about one row at a time, as a proxy or a device does: what
 * calls derive from the parameters (Cholesky factors, logarithms) is derived once, and a call
 * allocates nothing.
 *
 *   cc -std=c11 -Icore scripts/c/17_prepared.c build/liblatent.a -lopenblas -llapacke -lm */
#include <stdio.h>

#include "latent.h"

enum { N = 2000, D = 8, K = 4 };

/* K groups around (0, ..., 0), (4, ..., 4), ... */
static lat_matrix groups(lat_workspace *work)
{
  lat_random random = {.seed = 1};
  lat_matrix X = lat_matrix_new(work, N, D);
  for (size_t i = 0; X.data && i < N; i++)
    for (size_t j = 0; j < D; j++)
      lat_set(&X, i, j, 4 * (double)(i % K) + lat_random_normal(&random));
  return X;
}

static lat_status run(lat_workspace *work)
{
  LAT_SCOPE(work);
  lat_matrix X = groups(work);
  if (!X.data) return LAT_MEMORY;
  lat_gmm_options options = lat_gmm_defaults();
  options.components = K;
  lat_source rows = lat_source_of(&X);
  lat_gmm gmm;
  LAT_TRY(lat_gmm_fit(work, &rows, NULL, &options, &gmm, NULL));
  double *all = lat_doubles(work, N);
  if (!all) return LAT_MEMORY;
  lat_outputs outputs = {.log_likelihood = all};
  LAT_TRY(lat_gmm_apply(work, &gmm, &(lat_request){.X = X}, &outputs));

  /* The numbers are the caller's: they live as long as the mixture is used with them. */
  lat_request one = {.X = lat_matrix_of((double *)X.data, 1, D)};
  double *numbers = lat_doubles(work, lat_gmm_prepared_count(&gmm, &one));
  if (!numbers) return LAT_MEMORY;
  LAT_TRY(lat_gmm_prepare(work, &gmm, &one, numbers));

  size_t same = 0;
  double label = 0, log_p;
  outputs = (lat_outputs){.log_likelihood = &log_p, .labels = &label};
  for (size_t i = 0; i < N; i++) {
    one.X = lat_block_of(X, i, 0, 1, D);
    LAT_TRY(lat_gmm_apply(work, &gmm, &one, &outputs));
    same += log_p == all[i];
  }
  printf("rows one at a time with the bits of all at once: %zu of %d\n", same, N);

  /* Prepared for complete rows; another request derives its own, and says the same. */
  one.missing = true;
  LAT_TRY(lat_gmm_apply(work, &gmm, &one, &outputs));
  printf("the last row, had it missing entries: the same %d\n", log_p == all[N - 1]);
  return LAT_OK;
}

int main(void)
{
  lat_workspace work;
  lat_workspace_init(&work);
  lat_status status = run(&work);
  if (status != LAT_OK) fprintf(stderr, "%s\n", work.message);
  lat_workspace_done(&work);
  return status != LAT_OK;
}
