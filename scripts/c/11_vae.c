/* 11_vae.c: a variational autoencoder: trained step by step, asked, and saved with all that
 * training goes on from.
 *
 * The data are rows of 8 bits, half of them 0 and half of them 1. No model can give a row more than
 * the probability 1/2, so the mean log-likelihood ends below -log 2 = -0.693, and near it.
 *
 *   cc -std=c11 -Icore scripts/c/11_vae.c build/liblatent.a -lopenblas -llapacke -lm */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "latent.h"

enum { N = 64, D = 8, STEPS = 600 };

static void check(const lat_workspace *work, lat_status status)
{
  if (status == LAT_OK) return;
  fprintf(stderr, "%s\n", work->message);
  exit(1);
}

static double mean(const double *x)
{
  double sum = 0;
  for (int i = 0; i < N; i++) sum += x[i] / N;
  return sum;
}

int main(void)
{
  const char *path = "vae.safetensors";
  static double x[N * D], bound[N], log_likelihood[N];
  for (int i = 0; i < N * D; i++) x[i] = i / D % 2;
  lat_matrix X = lat_matrix_of(x, N, D);
  lat_workspace work;
  lat_workspace_init(&work);

  lat_vae_options options = lat_vae_defaults();
  options.likelihood.D = D;
  options.latent_dim = 1;
  options.encoder_hidden[0] = 16; /* and the decoder has the encoder's widths in reverse */
  options.samples = 20; /* the importance-weighted bound of these, which comes nearer than one's */
  options.deep.learning_rate = 1e-2;
  lat_vae vae; /* which must not move, and has memory of its own */
  check(&work, lat_vae_check(&work, &options));
  check(&work, lat_vae_init(&work, &vae, &options));

  /* A request says what a step differs in from the options: -1 is as they are. */
  lat_request batch = {.X = X, .beta = -1};
  lat_vae_parts first, last;
  check(&work, lat_vae_train(&work, &vae, &batch, &first));
  for (int i = 1; i < STEPS; i++) check(&work, lat_vae_train(&work, &vae, &batch, &last));
  printf("the loss is less than at first: %d, and near its least: %d\n", last.loss < first.loss,
         last.loss < 1);

  lat_request rows = {.X = X, .samples = 1000};
  lat_outputs outputs = {.bound = bound, .log_likelihood = log_likelihood};
  check(&work, lat_vae_apply(&work, &vae, &rows, &outputs));
  double L = mean(log_likelihood);
  printf("bound <= log-likelihood: %d, below -log 2: %d, by less than 0.1: %d\n", mean(bound) <= L,
         L<-log(2), L> - log(2) - 0.1);

  /* A file: training from it computes the same bits as without the stop, here or in Lua. */
  lat_vae again;
  check(&work, lat_vae_save(&work, &vae, path));
  check(&work, lat_vae_load(&work, path, &again));
  remove(path);
  lat_vae_parts here, there;
  check(&work, lat_vae_train(&work, &vae, &batch, &here));
  check(&work, lat_vae_train(&work, &again, &batch, &there));
  printf("the same step after a file: %d\n", here.loss == there.loss);
  lat_vae_done(&vae);
  lat_vae_done(&again);
  lat_workspace_done(&work);
  return 0;
}
