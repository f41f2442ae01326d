/* nn.c: trains a net as a C host would. Each line printed is a fact that spec/nn_host_spec.lua
 * expects. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "latent.h"

enum { ROWS = 64, STEPS = 2000 };

typedef struct training {
  lat_workspace work;
  lat_store store;
  lat_layer layers[2];
  lat_net net;
  lat_optimizer adam;
  lat_tape tape;
} training;

static lat_status begin(training *t)
{
  static const size_t sizes[] = {1, 32, 1};
  lat_layer_options options = {.activation = LAT_NN_TANH, .init = LAT_INIT_AUTO};
  lat_workspace_init(&t->work);
  lat_store_init(&t->store, LAT_FLOAT32, 1);
  lat_tape_init(&t->tape, LAT_FLOAT32, 1);
  LAT_TRY(lat_net_mlp(&t->work, &t->store, "net", sizes, 2, &options, t->layers, &t->net));
  return lat_optimizer_init(&t->work, &t->adam, LAT_ADAM, &t->store, NULL, 0);
}

static void end(training *t)
{
  lat_tape_done(&t->tape);
  lat_optimizer_done(&t->adam);
  lat_store_done(&t->store);
  lat_workspace_done(&t->work);
}

/* The mean squared error of net(x) against sin(x), after one step; NaN when it fails. */
static double step(training *t, const lat_matrix *x, const lat_matrix *y)
{
  lat_tape_reset(&t->tape);
  lat_value out = lat_net_forward(&t->tape, &t->net, lat_nn_input(&t->tape, x, false));
  lat_value far = lat_nn_subtract(&t->tape, out, lat_nn_borrow(&t->tape, y));
  lat_value loss = lat_nn_mean(&t->tape, lat_nn_square(&t->tape, far), LAT_NN_ALL);
  double rate = 1e-2 * lat_schedule_cosine((double)t->adam.steps, STEPS, 0.01);
  if (lat_tape_backward(&t->tape, loss, false) != LAT_OK) return NAN;
  lat_store_clip(&t->store, 10);
  if (lat_optimizer_step(&t->work, &t->adam, rate) != LAT_OK) return NAN;
  return lat_tape_number(&t->tape, loss);
}

static void learns_sine(training *t)
{
  float xs[ROWS], ys[ROWS];
  for (int i = 0; i < ROWS; i++) {
    xs[i] = (float)(6.0 * i / ROWS - 3);
    ys[i] = sinf(xs[i]);
  }
  lat_matrix x = {xs, ROWS, 1, 1, 1, LAT_FLOAT32}, y = {ys, ROWS, 1, 1, 1, LAT_FLOAT32};
  double first = step(t, &x, &y), last = 0;
  size_t slab = 0, nodes = t->tape.capacity;
  for (int i = 1; i < STEPS; i++) {
    last = step(t, &x, &y);
    if (i == 1) slab = t->tape.slab;
  }
  printf("learns %d\n", first > 0.1 && last < 1e-3);
  printf("constant memory %d\n", slab == t->tape.slab && nodes == t->tape.capacity);
}

/* The first failure stays, the rest passes it on, and a reset forgets it. */
static void keeps_failure(training *t)
{
  float numbers[6] = {1, 2, 3, 4, 5, 6};
  lat_matrix A = {numbers, 2, 3, 3, 1, LAT_FLOAT32}, B = {numbers, 3, 2, 2, 1, LAT_FLOAT32};
  lat_tape_reset(&t->tape);
  lat_value a = lat_nn_input(&t->tape, &A, true), b = lat_nn_input(&t->tape, &B, false);
  lat_value bad = lat_nn_add(&t->tape, a, b), next = lat_nn_exp(&t->tape, bad);
  lat_status status = lat_tape_backward(&t->tape, lat_nn_mean(&t->tape, next, LAT_NN_ALL), false);
  printf("%s: %s\n", lat_status_name(status), t->tape.memory.message);
  printf("passed on %d\n", bad.step == 0 && next.step == 0 && isnan(lat_tape_number(&t->tape, a)));
  lat_tape_reset(&t->tape);
  printf("forgotten %d\n", t->tape.status == LAT_OK);
  lat_nn_exp(&t->tape, a);
  printf("%s: %s\n", lat_status_name(t->tape.status), t->tape.memory.message);
}

int main(void)
{
  training t;
  if (begin(&t) != LAT_OK) {
    printf("%s\n", t.work.message);
    return 1;
  }
  learns_sine(&t);
  keeps_failure(&t);
  end(&t);
  return 0;
}
