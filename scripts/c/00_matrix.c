/* 00_matrix.c: matrices are views of your memory; results go into views, too.
 *
 *   cc -std=c11 -Icore scripts/c/00_matrix.c build/liblatent.a -lopenblas -llapacke -lm
 *
 * or, of an installed library, cc -std=c11 00_matrix.c $(pkg-config --cflags --libs latent). */
#include <stdio.h>

#include "latent.h"

static void print(const char *name, lat_matrix A, bool vector)
{
  char text[400];
  lat_format how = {.digits = 4, .width = 80, .rows = 10, .vector = vector};
  lat_format_matrix(&A, how, text, sizeof text);
  printf("%s\n%s\n", name, text);
}

static lat_status run(lat_workspace *work)
{
  /* Six numbers of the caller's are 3 x 2, row after row; their transpose, a column or a block are
   * other views of the same numbers. */
  double numbers[] = {1, 2, 3, 4, 5, 6}, inner[4], values[2], vectors[4], solution[2], mean[2];
  lat_matrix X = lat_matrix_of(numbers, 3, 2), Xt = lat_transpose(X);
  lat_set(&X, 2, 1, 7);
  print("X'", Xt, false);
  print("its second column without the first element", lat_col(lat_block_of(X, 1, 0, 2, 2), 1),
        true);

  /* S = X'X. Every function that can fail has a status, which LAT_TRY passes on to our caller. */
  lat_matrix S = lat_matrix_of(inner, 2, 2);
  LAT_TRY(lat_product(work, 1, &Xt, &X, 0, &S));
  print("X'X", S, false);
  lat_matrix m = lat_vector_of(mean, 2);
  LAT_TRY(lat_reduce(work, LAT_MEAN, &X, 1, 0, &m));
  print("means of the columns", m, true);

  /* S x = (1, 0)', and how much of the solution can be trusted */
  double right[] = {1, 0}, rcond;
  lat_matrix b = lat_vector_of(right, 2), x = lat_vector_of(solution, 2);
  LAT_TRY(lat_solve(work, LAT_POSITIVE, &S, &b, &x, &rcond));
  print("inv(S) (1, 0)'", x, true);

  /* Eigenvalues descend; the largest entry of each vector is positive. */
  lat_matrix V = lat_matrix_of(vectors, 2, 2);
  LAT_TRY(lat_symmetric(work, &S, LAT_EIGEN_AUTO, lat_vector_of(values, 2), &V));
  print("eigenvalues", lat_vector_of(values, 2), true);

  /* What can't be done says why: the message stays in the workspace until the next one. */
  lat_set(&S, 0, 0, -1);
  lat_status status = lat_cholesky(work, &S, &V);
  printf("%s: %s\n", lat_status_name(status), work->message);
  return LAT_OK;
}

int main(void)
{
  lat_workspace work; /* scratch memory, which grows to what calls need and is kept for the next */
  lat_workspace_init(&work);
  lat_status status = run(&work);
  if (status != LAT_OK) fprintf(stderr, "%s\n", work.message);
  lat_workspace_done(&work);
  return status != LAT_OK;
}
