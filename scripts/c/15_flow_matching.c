/* 15_flow_matching.c: flow matching: a velocity field from eight Gaussians to two moons, learned
 * from pairs of a batch, and followed there and back.
 *
 *   cc scripts/c/15_flow_matching.c $(pkg-config --cflags --libs latent) -o match && ./match */
#include <math.h>
#include <stdio.h>

#include "latent.h"

enum { BATCH = 128, STEPS = 800, ROWS = 400 };

static const double pi = 3.14159265358979;

/* On a circle of radius 2, deviation 0.2. */
static void eight_gaussians(lat_random *random, size_t n, double *x)
{
  for (size_t i = 0; i < n; i++) {
    double angle = pi / 4 * (double)lat_random_below(random, 8);
    x[2 * i] = 2 * cos(angle) + 0.2 * lat_random_normal(random);
    x[2 * i + 1] = 2 * sin(angle) + 0.2 * lat_random_normal(random);
  }
}

/* Two half circles of radius 1, one turned over, with noise 0.1. */
static void two_moons(lat_random *random, size_t n, double *x)
{
  for (size_t i = 0; i < n; i++) {
    double angle = pi * lat_random_uniform(random);
    bool upper = lat_random_uniform(random) < 0.5;
    x[2 * i] = (upper ? cos(angle) : 1 - cos(angle)) + 0.1 * lat_random_normal(random);
    x[2 * i + 1] = (upper ? sin(angle) : 0.5 - sin(angle)) + 0.1 * lat_random_normal(random);
  }
}

static lat_status train(lat_workspace *work, lat_flow_matching *model, lat_random *random)
{
  double x[2 * BATCH], starts[2 * BATCH], loss;
  lat_matrix source = lat_matrix_of(starts, BATCH, 2);
  lat_request request = {.X = lat_matrix_of(x, BATCH, 2), .source = &source};
  for (size_t step = 0; step < STEPS; step++) { /* fresh rows each time; the rate falls to 0 */
    two_moons(random, BATCH, x);
    eight_gaussians(random, BATCH, starts);
    request.learning_rate = 5e-3 * lat_schedule_cosine((double)step, STEPS, 0);
    LAT_TRY(lat_flow_matching_step(work, model, &request, &loss));
  }
  return LAT_OK;
}

/* How far the rows that the flow takes the starts to are from new rows of moons. */
static lat_status compare(lat_workspace *work, lat_flow_matching *model, lat_random *random)
{
  double x[2 * ROWS], z[2 * ROWS], carried[2 * ROWS], back[2 * ROWS], before, after, one, far = 0;
  lat_matrix X = lat_matrix_of(x, ROWS, 2), Z = lat_matrix_of(z, ROWS, 2);
  lat_matrix C = lat_matrix_of(carried, ROWS, 2), B = lat_matrix_of(back, ROWS, 2);
  two_moons(random, ROWS, x);
  eight_gaussians(random, ROWS, z);
  lat_request how = lat_flow_matching_request();
  LAT_TRY(lat_wasserstein(work, &Z, &X, 2, &before));
  how.X = Z;
  how.solver = LAT_ODE_EULER;
  how.steps = 1;
  LAT_TRY(lat_flow_matching_inverse(work, model, &how, &C));
  LAT_TRY(lat_wasserstein(work, &C, &X, 2, &one));
  how.solver = LAT_ODE_DORMAND_PRINCE;
  how.tolerance = 1e-8;
  LAT_TRY(lat_flow_matching_inverse(work, model, &how, &C));
  LAT_TRY(lat_wasserstein(work, &C, &X, 2, &after));
  how.X = C;
  LAT_TRY(lat_flow_matching_transform(work, model, &how, &B));
  for (size_t i = 0; i < (size_t)2 * ROWS; i++) far = fmax(far, fabs(back[i] - z[i]));
  printf("W2 of the sources: %.1f; of where they are carried below 0.3: %d\n", before, after < 0.3);
  printf("by one step of Euler's method below 0.4: %d\n", one < 0.4);
  printf("back within 1e-4: %d\n", far < 1e-4);
  return LAT_OK;
}

static lat_status run(lat_workspace *work, lat_flow_matching *model)
{
  lat_random random = {.seed = 1};
  LAT_TRY(train(work, model, &random));
  return compare(work, model, &random);
}

int main(void)
{
  lat_workspace work;
  lat_flow_matching model;
  lat_workspace_init(&work);
  lat_flow_matching_options options = lat_flow_matching_defaults();
  options.input_dim = 2;
  options.coupling = LAT_COUPLING_OT;
  options.ema = 0.99;
  options.net.depth = 3;
  for (size_t k = 0; k < 3; k++) options.net.hidden[k] = 64;
  options.deep.seed = 1;
  lat_status status = lat_flow_matching_init(&work, &model, &options);
  if (status == LAT_OK) {
    printf("%zu parameters\n", model.deep.store.numbers - model.deep.store.fixed);
    status = run(&work, &model);
    lat_flow_matching_done(&model);
  }
  if (status != LAT_OK) fprintf(stderr, "%s\n", work.message);
  lat_workspace_done(&work);
  return status == LAT_OK ? 0 : 1;
}
