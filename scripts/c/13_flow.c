/* 13_flow.c: a normalizing flow: steps of maximum likelihood, its density, and the way back.
 *
 *   cc scripts/c/13_flow.c $(pkg-config --cflags --libs latent) -o flow && ./flow */
#include <math.h>
#include <stdio.h>

#include "latent.h"

enum { BATCH = 256, STEPS = 400, GRID = 120 };

/* Two half circles of radius 1, one turned over, with noise 0.1: their entropy is 1.00 nats. */
static void two_moons(lat_random *random, size_t n, double *x)
{
  for (size_t i = 0; i < n; i++) {
    double angle = 3.14159265358979 * lat_random_uniform(random);
    bool upper = lat_random_uniform(random) < 0.5;
    x[2 * i] = upper ? cos(angle) : 1 - cos(angle);
    x[2 * i + 1] = upper ? sin(angle) : 0.5 - sin(angle);
    for (size_t j = 0; j < 2; j++) x[2 * i + j] += 0.1 * lat_random_normal(random);
  }
}

/* The sum of p over a grid that covers [-2.5, 3.5]^2, times the area of a cell. */
static lat_status integral(lat_workspace *work, lat_flow *flow, double *sum)
{
  LAT_SCOPE(work);
  const double cell = 6.0 / GRID;
  lat_matrix X = lat_matrix_new(work, (size_t)GRID * GRID, 2);
  double *log_p = lat_doubles(work, X.rows);
  if (!X.data || !log_p) return LAT_MEMORY;
  for (size_t i = 0; i < X.rows; i++) {
    lat_set(&X, i, 0, -2.5 + cell * ((double)(i % GRID) + 0.5));
    lat_set(&X, i, 1, -2.5 + cell * ((double)(i / GRID) + 0.5));
  }
  LAT_TRY(lat_flow_log_likelihood(work, flow, &X, NULL, log_p));
  *sum = 0;
  for (size_t i = 0; i < X.rows; i++) *sum += exp(log_p[i]) * cell * cell;
  return LAT_OK;
}

/* Rows forwards and backwards, and the change of variables: log p(x) = log N(z; 0, I) + log |det
 * J|. */
static lat_status there_and_back(lat_workspace *work, lat_flow *flow, lat_random *random)
{
  double x[2 * BATCH], z[2 * BATCH], back[2 * BATCH], log_p[BATCH], log_det[BATCH], far = 0,
                                                                                    off = 0;
  lat_matrix X = lat_matrix_of(x, BATCH, 2), Z = lat_matrix_of(z, BATCH, 2);
  lat_matrix B = lat_matrix_of(back, BATCH, 2);
  for (size_t i = 0; i < (size_t)2 * BATCH; i++) x[i] = 10 * lat_random_normal(random);
  LAT_TRY(lat_flow_transform(work, flow, &X, NULL, &Z, log_det));
  LAT_TRY(lat_flow_inverse(work, flow, &Z, NULL, &B));
  LAT_TRY(lat_flow_log_likelihood(work, flow, &X, NULL, log_p));
  for (size_t i = 0; i < (size_t)2 * BATCH; i++) far = fmax(far, fabs(back[i] - x[i]));
  for (size_t i = 0; i < BATCH; i++) {
    double base =
        -log(2 * 3.14159265358979) - 0.5 * (z[2 * i] * z[2 * i] + z[2 * i + 1] * z[2 * i + 1]);
    off = fmax(off, fabs(base + log_det[i] - log_p[i]) / (1 + fabs(log_p[i])));
  }
  printf("back within 1e-10: %d, the change of variables within 1e-5: %d\n", far < 1e-10,
         off < 1e-5);
  return LAT_OK;
}

static lat_status run(lat_workspace *work, lat_flow *flow)
{
  lat_random random = {.seed = 1};
  double x[2 * BATCH], nll, mean = 0, sum, log_p[BATCH];
  lat_matrix X = lat_matrix_of(x, BATCH, 2);
  for (size_t step = 0; step < STEPS; step++) { /* fresh rows each time; the rate falls to 0 */
    two_moons(&random, BATCH, x);
    double rate = 2e-3 * lat_schedule_cosine((double)step, STEPS, 0);
    LAT_TRY(lat_flow_step(work, flow, &X, NULL, rate, 5, &nll));
  }
  two_moons(&random, BATCH, x);
  LAT_TRY(lat_flow_log_likelihood(work, flow, &X, NULL, log_p));
  for (size_t i = 0; i < BATCH; i++) mean -= log_p[i] / BATCH;
  printf("-log p of new rows is within 0.15 of the entropy: %d\n", fabs(mean - 1.0) < 0.15);
  LAT_TRY(integral(work, flow, &sum));
  printf("the density integrates to %.2f\n", sum);
  LAT_TRY(there_and_back(work, flow, &random));
  LAT_TRY(lat_flow_sample(work, flow, NULL, &random, NULL, &X));
  LAT_TRY(lat_flow_log_likelihood(work, flow, &X, NULL, log_p));
  mean = 0;
  for (size_t i = 0; i < BATCH; i++) mean -= log_p[i] / BATCH;
  printf("-log p of its draws, too: %d\n", fabs(mean - 1.0) < 0.25);
  return LAT_OK;
}

int main(void)
{
  lat_workspace work;
  lat_flow flow;
  lat_workspace_init(&work);
  lat_flow_options options = lat_flow_defaults(); /* autoregressive splines */
  options.input_dim = 2;
  options.deep.seed = 1;
  lat_status status = lat_flow_init(&work, &flow, &options);
  if (status == LAT_OK) {
    printf("%zu parameters\n", flow.deep.store.numbers);
    status = run(&work, &flow);
    lat_flow_done(&flow);
  }
  if (status != LAT_OK) fprintf(stderr, "%s\n", work.message);
  lat_workspace_done(&work);
  return status == LAT_OK ? 0 : 1;
}
