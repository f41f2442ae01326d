/* tracker.c: the C side of lds_tracker.lua: N updates of a tracker of 4 states and 2 outputs, whose
 * matrices and 1000 observations come as text. Prints the log-likelihood and the first state. */
#include <stdio.h>
#include <stdlib.h>

#include "latent.h"

enum { M = 4, D = 2, ROWS = 1000 };

static void read_numbers(double *to, size_t n)
{
  for (size_t i = 0; i < n; i++)
    if (scanf("%lf", to + i) != 1) exit(1);
}

int main(int count, char **words)
{
  static double A[M * M], C[D * M], Q[M * M], R[D * D], Y[ROWS * D];
  double mean[M] = {0}, covariance[M * M] = {0};
  size_t N = count > 1 ? strtoul(words[1], NULL, 10) : 0;
  read_numbers(A, M * M);
  read_numbers(C, D * M);
  read_numbers(Q, M * M);
  read_numbers(R, D * D);
  read_numbers(Y, ROWS * D);
  for (int i = 0; i < M; i++) covariance[i * M + i] = 1;
  lat_lds lds = {.states = M,
                 .outputs = D,
                 .A = {A, 0},
                 .C = {C, 0},
                 .Q = {Q, 0},
                 .R = {R, 0},
                 .initial_mean = mean,
                 .initial_covariance = covariance};
  lat_workspace work;
  lat_workspace_init(&work);
  lat_lds_tracker tracker;
  double *memory = malloc(lat_lds_tracker_count(&lds, false) * sizeof *memory);
  if (!memory || lat_lds_tracker_init(&work, &tracker, &lds, 0, false, memory) != LAT_OK) return 1;
  for (size_t i = 0; i < N; i++)
    if (lat_lds_tracker_update(&tracker, Y + i % ROWS * D, NULL, NULL) != LAT_OK) return 1;
  printf("%.17g %.17g\n", tracker.log_likelihood, tracker.belief.mean[0]);
  free(memory);
  lat_workspace_done(&work);
  return 0;
}
