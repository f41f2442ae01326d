/* shards.h: the gradient of a batch's loss by several threads.
 *
 * Where the loss of a batch is a sum over its rows, the batch can be cut into shards of rows. Each
 * is computed on a tape of its own, with parameters that are the store's and gradients of its own;
 * the shards' gradients are then added in the fixed tree of base/ordered_sum.h. How many shards
 * there are depends on the sizes of the batch and of the store alone, so that the sum is the same
 * bits for every number of threads.
 *
 *   static lat_value loss(void *context, lat_tape *tape, lat_store *store, size_t first,
 *                         size_t count)
 *   {
 *     const my_batch *b = context;
 *     lat_matrix rows = lat_block_of(*b->X, first, 0, count, b->X->cols);
 *     lat_net net = {store, b->net->layers, b->net->count};
 *     lat_value out = lat_net_forward(tape, &net, lat_nn_input(tape, &rows, false));
 *     lat_value terms = lat_nn_sum(tape, lat_nn_square(tape, out), LAT_NN_ALL);
 *     return lat_nn_affine(tape, terms, 1 / (double)b->X->rows, 0); // its part of the mean
 *   }
 *
 *   lat_shard_batch batch = {X.rows, 64, 8 * 128, loss, &mine};
 *   LAT_TRY(lat_deep_gradient(work, &deep, &batch, &sum));                            (deep.h) */
#ifndef LAT_DEEP_COMMON_SHARDS_H
#define LAT_DEEP_COMMON_SHARDS_H

#include "nn/tape.h"

/* The part of the loss, 1 x 1, that rows first..first+count-1 of the batch have, on a tape that has
 * just been reset. Parameters are those of `store`. Noise on the tape is that of the step and the
 * shard. It is called by several threads at once, and may be called again for the same rows. */
typedef lat_value lat_shard_loss(void *context, lat_tape *tape, lat_store *store, size_t first,
                                 size_t count);

typedef struct lat_shard_batch {
  size_t rows;
  size_t least;   /* rows of a shard: fewer aren't worth a thread's wake-up */
  size_t numbers; /* of a row on a tape, about: values and gradients */
  lat_shard_loss *loss;
  void *context;
} lat_shard_batch;

/* Tapes and gradients that are kept from step to step; NULL before the first one. */
typedef struct lat_shards lat_shards;

/* The gradients of the store := those of the loss, and *loss := *loss + its value. `noise` has seed
 * and step of what tapes draw. Parameters don't change. LAT_INVALID, naming the operation, when
 * something isn't finite; LAT_SHAPE for a batch of no rows. */
lat_status lat_shards_gradient(lat_workspace *work, lat_shards **shards, const lat_store *store,
                               const lat_tape *noise, const lat_shard_batch *batch, double *loss);
void lat_shards_done(lat_shards **shards, const lat_allocator *allocator);

#endif
