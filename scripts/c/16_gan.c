/* 16_gan.c: a generative adversarial network: updates of critic and generator, draws, and how many
 * modes of the data they cover.
 *
 *   cc scripts/c/16_gan.c $(pkg-config --cflags --libs latent) -o gan && ./gan */
#include <math.h>
#include <stdio.h>

#include "latent.h"

enum { BATCH = 256, STEPS = 700, DRAWS = 2000, MODES = 8 };

static void center(size_t k, double *c)
{
  c[0] = cos(3.14159265358979 * (double)k / 4);
  c[1] = sin(3.14159265358979 * (double)k / 4);
}

/* Eight Gaussians of deviation 0.1 on the unit circle. */
static void ring(lat_random *random, size_t n, double *x)
{
  for (size_t i = 0; i < n; i++) {
    center(i % MODES, x + 2 * i);
    for (size_t j = 0; j < 2; j++) x[2 * i + j] += 0.1 * lat_random_normal(random);
  }
}

static lat_status train(lat_workspace *work, lat_gan *gan, lat_random *random)
{
  double x[2 * BATCH];
  lat_gan_losses losses, first;
  lat_request batch = {.X = lat_matrix_of(x, BATCH, 2)};
  for (size_t step = 0; step < STEPS; step++) { /* fresh rows each time */
    ring(random, BATCH, x);
    LAT_TRY(lat_gan_step(work, gan, &batch, &losses));
    if (step == 0) first = losses;
  }
  printf("the critic knows less than a tenth of a nat: %d\n",
         fabs(losses.critic - 2 * log(2)) < 0.1);
  printf("the draws were closer to each other than the data: %d, and no longer: %d\n",
         first.spread<0.5, losses.spread> 0.9);
  return LAT_OK;
}

static lat_status run(lat_workspace *work, lat_gan *gan)
{
  LAT_SCOPE(work);
  lat_random random = {.seed = 1};
  double centers[2 * MODES], share, scores[2];
  size_t covered;
  lat_matrix X = lat_matrix_new(work, DRAWS, 2), C = lat_matrix_of(centers, MODES, 2);
  if (!X.data) return LAT_MEMORY;
  for (size_t k = 0; k < MODES; k++) center(k, centers + 2 * k);
  LAT_TRY(train(work, gan, &random));
  LAT_TRY(lat_gan_sample(work, gan, NULL, &random, NULL, &X));
  LAT_TRY(lat_sample_modes(work, &X, &C, 0.3, &covered, &share));
  printf("modes: %zu, more than 0.7 of the draws are in one: %d\n", covered, share > 0.7);
  double near_and_far[] = {1, 0, 9, 9};
  lat_matrix rows = lat_matrix_of(near_and_far, 2, 2);
  LAT_TRY(lat_gan_score(work, gan, &rows, NULL, scores));
  printf("scores of two rows are finite: %d\n", isfinite(scores[0]) && isfinite(scores[1]));
  return LAT_OK;
}

int main(void)
{
  lat_workspace work;
  lat_gan gan;
  lat_workspace_init(&work);
  lat_gan_options options = lat_gan_defaults(); /* the non-saturating loss with R1 */
  options.input_dim = 2;
  options.deep.seed = 1;
  lat_status status = lat_gan_init(&work, &gan, &options);
  if (status == LAT_OK) {
    printf("%zu parameters\n", gan.deep.store.numbers - gan.deep.store.fixed);
    status = run(&work, &gan);
    lat_gan_done(&gan);
  }
  if (status != LAT_OK) fprintf(stderr, "%s\n", work.message);
  lat_workspace_done(&work);
  return status == LAT_OK ? 0 : 1;
}
