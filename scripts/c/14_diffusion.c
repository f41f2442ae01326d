/* 14_diffusion.c: a denoising diffusion model: noise into data, step by step, and a bound on log p.
 *
 *   cc scripts/c/14_diffusion.c $(pkg-config --cflags --libs latent) -o diffusion && ./diffusion */
#include <math.h>
#include <stdio.h>

#include "latent.h"

enum { BATCH = 256, STEPS = 600, DRAWS = 1000, MODES = 4 };
static const double PI = 3.14159265358979323846;

/* Four Gaussians with deviation 0.2 on the unit circle: their entropy is log 4 + log(2 pi e 0.04),
 * 1.0 nats. */
static void draw_data(lat_random *random, size_t n, double *x)
{
  for (size_t i = 0; i < n; i++) {
    double angle = 2 * PI / MODES * (double)lat_random_below(random, MODES);
    x[2 * i] = cos(angle) + 0.2 * lat_random_normal(random);
    x[2 * i + 1] = sin(angle) + 0.2 * lat_random_normal(random);
  }
}

/* How many rows are near each centre, and near any within three deviations. */
static size_t count_near(const double *x, size_t n, size_t counts[MODES])
{
  size_t near = 0;
  for (size_t i = 0; i < n; i++)
    for (size_t k = 0; k < MODES; k++) {
      double angle = 2 * PI / MODES * (double)k;
      bool is_near = hypot(x[2 * i] - cos(angle), x[2 * i + 1] - sin(angle)) < 0.6;
      counts[k] += is_near;
      near += is_near;
    }
  return near;
}

static lat_status train(lat_workspace *work, lat_diffusion *model, lat_random *random)
{
  double x[2 * BATCH], loss;
  for (size_t step = 0; step < STEPS; step++) { /* fresh rows each time; the rate falls to 0 */
    draw_data(random, BATCH, x);
    lat_request batch = {.X = lat_matrix_of(x, BATCH, 2),
                         .learning_rate = 3e-3 * lat_schedule_cosine((double)step, STEPS, 0)};
    LAT_TRY(lat_diffusion_step(work, model, &batch, &loss));
  }
  return LAT_OK;
}

/* Draws, in all steps and in twenty: every mode is there. */
static lat_status sample(lat_workspace *work, lat_diffusion *model, lat_random *random)
{
  LAT_SCOPE(work);
  lat_matrix X = lat_matrix_new(work, DRAWS, 2);
  if (!X.data) return LAT_MEMORY;
  const lat_request how[] = {{.method = LAT_DIFFUSION_ANCESTRAL},
                             {.method = LAT_DIFFUSION_DDIM, .steps = 20}};
  for (size_t k = 0; k < 2; k++) {
    LAT_TRY(lat_diffusion_sample(work, model, &how[k], random, NULL, &X));
    size_t counts[MODES] = {0}, near = count_near(X.data, DRAWS, counts);
    bool all = true;
    for (size_t m = 0; m < MODES; m++) all = all && counts[m] > DRAWS / MODES / 2;
    printf("%s: nine of ten draws near a centre: %d, all centres: %d\n",
           k ? "DDIM in 20 steps" : "ancestral", near > DRAWS * 9 / 10, all);
  }
  return LAT_OK;
}

/* Rows of data into noise, and back. */
static lat_status there_and_back(lat_workspace *work, lat_diffusion *model, lat_random *random)
{
  double x[2 * BATCH], noisy[2 * BATCH], back[2 * BATCH];
  lat_matrix Y = lat_matrix_of(noisy, BATCH, 2), B = lat_matrix_of(back, BATCH, 2);
  draw_data(random, BATCH, x);
  lat_request r = {.X = lat_matrix_of(x, BATCH, 2), .from = 40, .seed = 1};
  LAT_TRY(lat_diffusion_diffuse(work, model, &r, &Y));
  r.X = Y;
  LAT_TRY(lat_diffusion_reverse(work, model, &r, &B));
  size_t before[MODES] = {0}, after[MODES] = {0};
  size_t n = count_near(noisy, BATCH, before), m = count_near(back, BATCH, after);
  printf("noise of 40 steps taken away: more rows near a centre than before: %d\n", m > n);
  return LAT_OK;
}

static lat_status run(lat_workspace *work, lat_diffusion *model)
{
  lat_random random = {.seed = 1};
  double x[2 * BATCH], first[BATCH], rest[BATCH], mean = 0;
  LAT_TRY(train(work, model, &random));
  draw_data(&random, BATCH, x);
  lat_request rows = {.X = lat_matrix_of(x, BATCH, 2), .samples = 4};
  LAT_TRY(lat_diffusion_bound(work, model, &rows, first, rest));
  for (size_t i = 0; i < BATCH; i++) mean += (first[i] + rest[i]) / BATCH;
  double entropy = log(MODES) + log(2 * PI * exp(1) * 0.04);
  printf("the bound on -log p is within 0.4 nats of the entropy: %d\n", fabs(mean - entropy) < 0.4);
  LAT_TRY(sample(work, model, &random));
  return there_and_back(work, model, &random);
}

int main(void)
{
  lat_workspace work;
  lat_diffusion model;
  lat_workspace_init(&work);
  lat_diffusion_options options = lat_diffusion_defaults(); /* cosine schedule, v, 100 steps */
  options.input_dim = 2;
  options.deep.seed = 1;
  lat_status status = lat_diffusion_init(&work, &model, &options);
  if (status == LAT_OK) {
    printf("%zu parameters\n", model.deep.store.numbers - model.deep.store.fixed);
    status = run(&work, &model);
    lat_diffusion_done(&model);
  }
  if (status != LAT_OK) fprintf(stderr, "%s\n", work.message);
  lat_workspace_done(&work);
  return status == LAT_OK ? 0 : 1;
}
