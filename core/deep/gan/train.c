/* gan/train.c: the losses of critic and generator on a tape, and steps (gan.h).
 *
 * A batch is computed in shards (deep/common/shards.h). The spread is measured on pairs of rows of
 * the generator's batch and on pairs of the data's: "spread", 1 x 2, has moving averages of their
 * distances, and is a fixed parameter, so that files have it. */
#include <math.h>
#include <string.h>

#include "deep/common/decoder.h"
#include "deep/gan/internal.h"

/* ---- data ------------------------------------------------------------------------------------ */

lat_status lat_gan_check_data(lat_workspace *work, const lat_gan *gan, const char *name,
                              const lat_matrix *A, size_t columns, const lat_matrix *labels,
                              const size_t **from_zero)
{
  const lat_gan_options *o = &gan->own;
  LAT_TRY(lat_deep_check_rows(work, name, A, columns));
  return lat_class_labels(work, labels, A->rows, o->classes, o->lowest, from_zero);
}

lat_value lat_gan_rows(lat_tape *tape, const lat_gan *gan, const lat_matrix *X, size_t first,
                       size_t count)
{
  lat_value x = lat_nn_fill(tape, count, X->cols, 0);
  lat_matrix to = lat_tape_value(tape, x);
  const lat_matrix rows = lat_block_of(*X, first, 0, count, X->cols);
  if (to.data) lat_units_standardize(&gan->units, &rows, &to);
  return x;
}

lat_status lat_gan_begin(lat_workspace *work, lat_gan *gan, const lat_matrix *X)
{
  if (lat_units_known(&gan->units)) return LAT_OK;
  LAT_TRY(lat_deep_check_rows(work, "X", X, gan->own.input_dim));
  return lat_units_begin(work, &gan->units, X, gan->own.standardize);
}

/* ---- losses ---------------------------------------------------------------------------------- */

typedef struct batch {
  const lat_gan *gan;
  const lat_matrix *X;
  const size_t *labels; /* from 0, or NULL */
  double *distances;    /* of the generator's rows and the data's: a pair for each shard */
} batch;

static const size_t *labels_of(const batch *b, size_t first)
{
  return b->labels ? b->labels + first : NULL;
}

/* `value` beside the indicators of the rows' labels. */
static lat_value label(lat_tape *tape, const batch *b, lat_value value, size_t first)
{
  return lat_with_labels(tape, value, labels_of(b, first), b->gan->own.classes);
}

/* count draws of the generator, with its parameters as constants or not. */
static lat_value generate(lat_tape *tape, const batch *b, lat_store *store, size_t first,
                          size_t count, bool constant)
{
  const lat_net net = lat_gan_net(&b->gan->generator, store);
  lat_value z = lat_nn_normal(tape, count, b->gan->own.latent_dim);
  return (constant ? lat_net_constant : lat_net_forward)(tape, &net, label(tape, b, z, first));
}

static lat_value sum(lat_tape *tape, lat_value x, double factor)
{
  return lat_nn_affine(tape, lat_nn_sum(tape, x, LAT_NN_ALL), factor, 0);
}

/* softplus(sign x), summed */
static lat_value cross_entropy(lat_tape *tape, lat_value x, double sign, double factor)
{
  return sum(tape, lat_nn_softplus(tape, lat_nn_affine(tape, x, sign, 0)), factor);
}

/* The critic's scores of x, and the squares of its slopes there, a number a row: sum_j (dD/dx_j)^2.
 */
static lat_value squared_slopes(lat_tape *tape, const batch *b, const lat_net *critic, lat_value x,
                                lat_value *scores)
{
  const lat_gan_options *o = &b->gan->own;
  lat_value g = lat_net_input_gradient(tape, critic, x, (lat_value){0}, scores);
  if (o->classes) g = lat_nn_columns(tape, g, 0, o->input_dim);
  return lat_nn_sum(tape, lat_nn_square(tape, g), LAT_NN_ACROSS);
}

/* Points between rows of x and of y: e x + (1 - e) y, e uniform. */
static lat_value between(lat_tape *tape, lat_value x, lat_value y)
{
  lat_value e = lat_nn_uniform(tape, lat_tape_value(tape, x).rows, 1);
  return lat_nn_add(tape, y, lat_nn_multiply(tape, e, lat_nn_subtract(tape, x, y)));
}

/* The shard's part of the critic's loss. */
static lat_value critic_loss(void *context, lat_tape *tape, lat_store *store, size_t first,
                             size_t count)
{
  const batch *b = context;
  const lat_gan_options *o = &b->gan->own;
  const lat_net critic = lat_gan_net(&b->gan->critic, store);
  const double share = 1 / (double)b->X->rows;
  lat_value x = lat_gan_rows(tape, b->gan, b->X, first, count), y, real, loss;
  y = generate(tape, b, store, first, count, true);
  lat_value of_x = label(tape, b, x, first);
  lat_value fake = lat_net_forward(tape, &critic, label(tape, b, y, first));
  if (o->loss == LAT_GAN_WASSERSTEIN) {
    real = lat_net_forward(tape, &critic, of_x);
    loss = lat_nn_subtract(tape, sum(tape, fake, share), sum(tape, real, share));
    if (o->penalty <= 0) return loss;
    lat_value m = label(tape, b, between(tape, x, y), first);
    lat_value squares = squared_slopes(tape, b, &critic, m, NULL);
    lat_value size = lat_nn_sqrt(tape, lat_nn_affine(tape, squares, 1, LAT_GAN_SLOPE_LEAST));
    lat_value far = lat_nn_square(tape, lat_nn_affine(tape, size, 1, -1));
    return lat_nn_add(tape, loss, sum(tape, far, o->penalty * share));
  }
  lat_value squares = {0};
  if (o->gamma > 0)
    squares = squared_slopes(tape, b, &critic, of_x, &real);
  else
    real = lat_net_forward(tape, &critic, of_x);
  loss =
      lat_nn_add(tape, cross_entropy(tape, real, -1, share), cross_entropy(tape, fake, 1, share));
  if (o->gamma <= 0) return loss;
  return lat_nn_add(tape, loss, sum(tape, squares, o->gamma / 2 * share));
}

/* The sum of the distances of rows i and j(i) of A, where j is no function of their order. */
static double pair_distances(const lat_matrix *A)
{
  const size_t n = A->rows;
  double total = 0;
  for (size_t i = 0; i < n; i++) {
    size_t j = (size_t)(((uint64_t)i * UINT64_C(2654435761) + 12345) % n);
    double squares = 0;
    for (size_t k = 0; k < A->cols; k++) {
      double far = lat_get(A, i, k) - lat_get(A, j, k);
      squares += far * far;
    }
    total += sqrt(squares);
  }
  return total;
}

/* The shard's part of the generator's loss, with the critic's parameters as constants. */
static lat_value generator_loss(void *context, lat_tape *tape, lat_store *store, size_t first,
                                size_t count)
{
  const batch *b = context;
  const lat_net critic = lat_gan_net(&b->gan->critic, store);
  const double share = 1 / (double)b->X->rows;
  lat_value y = generate(tape, b, store, first, count, false);
  lat_value score = lat_net_constant(tape, &critic, label(tape, b, y, first));
  lat_matrix Y = lat_tape_value(tape, y);
  lat_matrix X = lat_tape_value(tape, lat_gan_rows(tape, b->gan, b->X, first, count));
  if (Y.data && X.data) {
    double *distances = b->distances + 2 * (first / LAT_GAN_SHARD_ROWS);
    distances[0] = pair_distances(&Y);
    distances[1] = pair_distances(&X);
  }
  if (b->gan->own.loss == LAT_GAN_WASSERSTEIN) return sum(tape, score, -share);
  return cross_entropy(tape, score, -1, share);
}

/* ---- gradients ------------------------------------------------------------------------------- */

/* Numbers of a row on a tape: values, gradients and those of slopes, of both nets. */
static size_t tape_numbers(const lat_gan *gan)
{
  const lat_gan_options *o = &gan->own;
  return 6 * lat_net_tape_numbers(&gan->critic) + 2 * lat_net_tape_numbers(&gan->generator) +
         8 * (o->input_dim + o->latent_dim + o->classes);
}

/* *value := the loss, its gradient in the store. Noise is that of the tape's step. */
static lat_status differentiate(lat_workspace *work, lat_gan *gan, batch *b, lat_shard_loss *loss,
                                double *value)
{
  const lat_shard_batch shards = {b->X->rows, LAT_GAN_SHARD_ROWS, tape_numbers(gan), loss, b};
  *value = 0;
  return lat_deep_gradient(work, &gan->deep, &shards, value);
}

/* The batch, and scratch for it. Keeps both. */
static lat_status make_batch(lat_workspace *work, const lat_gan *gan, const lat_request *request,
                             batch *b)
{
  *b = (batch){.gan = gan, .X = &request->X};
  LAT_TRY(
      lat_gan_check_data(work, gan, "X", b->X, gan->own.input_dim, request->classes, &b->labels));
  const size_t most = b->X->rows / LAT_GAN_SHARD_ROWS + 1;
  b->distances = lat_doubles(work, 2 * most);
  if (!b->distances) return LAT_MEMORY;
  memset(b->distances, 0, 2 * most * sizeof *b->distances);
  return LAT_OK;
}

/* The generator's mean distance over the data's; 1 before there are any. */
static double spread_of(const lat_gan *gan)
{
  const lat_store *store = &gan->deep.store;
  lat_matrix record = lat_store_view(store, store->values, gan->spread);
  double data = lat_get(&record, 0, 1);
  return data > 0 ? lat_get(&record, 0, 0) / data : 1;
}

lat_status lat_gan_gradient(lat_workspace *work, lat_gan *gan, const lat_request *request,
                            lat_gan_losses *losses)
{
  LAT_SCOPE(work);
  lat_deep *deep = &gan->deep;
  const lat_store *store = &deep->store;
  const size_t size = lat_dtype_size(store->dtype);
  const size_t begin = store->items[gan->critic_layers[0].weight].offset;
  const uint64_t step = deep->tape.step;
  batch b;
  LAT_TRY(make_batch(work, gan, request, &b));
  void *of_critic = lat_allocate(work, store->size - begin, size);
  if (!of_critic) return LAT_MEMORY;
  char *gradients = (char *)store->gradients + begin * size;
  deep->tape.step = step + 1;
  lat_status status = differentiate(work, gan, &b, critic_loss, &losses->critic);
  memcpy(of_critic, gradients, (store->size - begin) * size);
  deep->tape.step = step + 1 + gan->own.critic_steps;
  if (status == LAT_OK) status = differentiate(work, gan, &b, generator_loss, &losses->generator);
  memcpy(gradients, of_critic, (store->size - begin) * size);
  deep->tape.step = step;
  losses->spread = spread_of(gan);
  return status;
}

/* ---- steps ----------------------------------------------------------------------------------- */

static lat_status update_critic(lat_workspace *work, lat_gan *gan, batch *b, double rate,
                                double *loss)
{
  const lat_gan_options *o = &gan->own;
  gan->deep.tape.step++;
  LAT_TRY(differentiate(work, gan, b, critic_loss, loss));
  if (o->deep.clip > 0) lat_store_clip(&gan->deep.store, o->deep.clip);
  LAT_TRY(lat_optimizer_step(work, &gan->critic_optimizer, rate));
  return o->spectral ? lat_net_power_iteration(work, &gan->critic, NULL) : LAT_OK;
}

/* Both sums lose the same share of what was, so that their ratio needs no correction. */
static void follow_spread(lat_gan *gan, const batch *b)
{
  const lat_store *store = &gan->deep.store;
  lat_matrix record = lat_store_view(store, store->values, gan->spread);
  double sums[2] = {0, 0};
  for (size_t s = 0; s <= b->X->rows / LAT_GAN_SHARD_ROWS; s++)
    for (size_t k = 0; k < 2; k++) sums[k] += b->distances[2 * s + k];
  for (size_t k = 0; k < 2; k++) {
    double share = sums[k] / (double)b->X->rows, old = lat_get(&record, 0, k);
    lat_set(&record, 0, k, LAT_GAN_SPREAD_DECAY * old + (1 - LAT_GAN_SPREAD_DECAY) * share);
  }
}

lat_status lat_gan_step(lat_workspace *work, lat_gan *gan, const lat_request *request,
                        lat_gan_losses *losses)
{
  LAT_SCOPE(work);
  const lat_gan_options *o = &gan->own;
  batch b;
  const bool begun = lat_units_known(&gan->units);
  LAT_TRY(make_batch(work, gan, request, &b));
  LAT_TRY(lat_gan_begin(work, gan, &request->X));
  if (!begun && o->standardize) lat_units_open(&gan->units, request->X.rows);
  double rate = lat_deep_rate(&o->deep, request->learning_rate, gan->deep.optimizer.steps), loss;
  double critic_rate = rate * (o->critic_learning_rate / o->deep.learning_rate);
  losses->critic = 0;
  for (size_t k = 0; k < o->critic_steps; k++) {
    LAT_TRY(update_critic(work, gan, &b, critic_rate, &loss));
    losses->critic += loss / (double)o->critic_steps;
  }
  gan->deep.tape.step++;
  LAT_TRY(differentiate(work, gan, &b, generator_loss, &losses->generator));
  LAT_TRY(lat_deep_descend(work, &gan->deep, rate, o->deep.clip));
  follow_spread(gan, &b);
  losses->spread = spread_of(gan);
  if (begun) LAT_TRY(lat_units_follow(work, &gan->units, b.X));
  return o->ema > 0 ? lat_store_average(work, &gan->deep.store, o->ema) : LAT_OK;
}

bool lat_gan_has_collapsed(const lat_gan *gan)
{
  const lat_store *store = &gan->deep.store;
  lat_matrix record = lat_store_view(store, store->values, gan->spread);
  return gan->deep.optimizer.steps >= LAT_GAN_SPREAD_STEPS &&
         lat_get(&record, 0, 0) < LAT_GAN_SPREAD_LEAST * lat_get(&record, 0, 1);
}

const char *lat_gan_note(const lat_gan *gan)
{
  if (!lat_gan_has_collapsed(gan)) return NULL;
  return "the generator's rows are less than half as far from each other as the data: it may have "
         "collapsed to a part of them; a larger gamma or penalty, more critic_steps or a smaller "
         "learning_rate help";
}
