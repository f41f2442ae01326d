/* decoder.c: decoding of latent variables, and log p(x) by draws from the prior (decoder.h).
 *
 * log p(x_n) is estimated by log 1/K sum_k p(x_n | z_k). A block of draws is decoded once, its
 * pairs with all rows are computed by products of matrices, and each row keeps three sums
 * (weights.h). */
#include "deep/common/decoder.h"

#include <math.h>

#include "base/progress.h"
#include "deep/common/rows.h"
#include "deep/common/units.h"
#include "deep/common/weights.h"

size_t lat_net_width(const lat_net *net)
{
  size_t width = 1;
  for (size_t k = 0; k < net->count; k++) {
    if (net->layers[k].inputs > width) width = net->layers[k].inputs;
    if (net->layers[k].outputs > width) width = net->layers[k].outputs;
  }
  return width;
}

size_t lat_net_tape_numbers(const lat_net *net)
{
  size_t numbers = net->count ? 2 * net->layers[0].inputs : 0;
  for (size_t k = 0; k < net->count; k++) numbers += 2 * net->layers[k].outputs;
  return numbers;
}

lat_value lat_with_labels(lat_tape *tape, lat_value x, const size_t *labels, size_t classes)
{
  if (classes == 0) return x;
  size_t rows = lat_tape_value(tape, x).rows;
  lat_value indicators = lat_nn_fill(tape, rows, classes, 0);
  lat_matrix to = lat_tape_value(tape, indicators);
  for (size_t i = 0; to.data && i < rows; i++)
    if (labels[i] < classes) lat_set(&to, i, labels[i], 1);
  return lat_nn_concat(tape, x, indicators);
}

/* ---- the log-likelihood ---------------------------------------------------------------------- */

typedef struct block {
  const lat_likelihood *l;
  const lat_matrix *X;
  lat_matrix outputs; /* of the draws of this block */
  lat_weights *rows;
} block;

static lat_status pairs_chunk(void *context, lat_tape *tape, size_t first, size_t count)
{
  const block *b = context;
  lat_matrix X = lat_block_of(*b->X, first, 0, count, b->X->cols);
  lat_value outputs = lat_nn_borrow(tape, &b->outputs);
  lat_value x = lat_nn_input(tape, &X, false);
  lat_matrix pairs = lat_tape_value(tape, lat_likelihood_pairs(tape, b->l, outputs, x, true));
  for (size_t i = 0; pairs.data && i < count; i++) lat_weights_add(&b->rows[first + i], &pairs, i);
  return tape->status;
}

/* Fills the block's outputs for draws of step `step`. */
static lat_status decode_draws(lat_workspace *work, lat_tape *tape, const lat_net *decoder,
                               uint64_t step, const lat_matrix *outputs)
{
  lat_tape_reset(tape);
  tape->step = step;
  lat_value z = lat_nn_normal(tape, outputs->rows, lat_net_inputs(decoder));
  lat_matrix decoded = lat_tape_value(tape, lat_net_constant(tape, decoder, z));
  if (tape->status != LAT_OK) return lat_fail(work, tape->status, "%s", tape->memory.message);
  lat_copy(&decoded, outputs);
  return LAT_OK;
}

static lat_status all_blocks(lat_workspace *work, lat_tape *tape, const lat_net *decoder, block *b,
                             size_t K, lat_rows *r)
{
  size_t most = lat_rows_chunk(lat_net_width(decoder)), N = b->X->rows;
  if (most > K) most = K;
  size_t columns = lat_net_outputs(decoder);
  lat_dtype dtype = decoder->store->dtype;
  void *memory = lat_allocate(work, most * columns, lat_dtype_size(dtype));
  if (!memory) return LAT_MEMORY;
  LAT_STEPS(work, steps, K, "draws");
  for (size_t done = 0, step = 0; done < K; step++) {
    size_t draws = K - done < most ? K - done : most;
    b->outputs = (lat_matrix){memory, draws, columns, (ptrdiff_t)columns, 1, dtype};
    LAT_TRY(lat_at_step(&steps, (double)done, (double)draws));
    LAT_TRY(decode_draws(work, tape, decoder, step, &b->outputs));
    /* numbers of a row: x, its pairs with the draws, and a share of what the outputs need */
    size_t numbers = 4 * b->X->cols + 8 * draws + 8 * columns;
    LAT_TRY(lat_rows_run(r, N, most < 256 ? 256 : most, numbers, pairs_chunk, b));
    done += draws;
  }
  return LAT_OK;
}

lat_status lat_prior_log_likelihood(lat_workspace *work, const lat_net *decoder,
                                    const lat_likelihood *l, const lat_matrix *X, size_t K,
                                    uint64_t seed, double *log_likelihood, double *effective)
{
  LAT_SCOPE(work);
  block b = {.l = l, .X = X, .rows = lat_allocate(work, X->rows, sizeof *b.rows)};
  if (!b.rows) return LAT_MEMORY;
  for (size_t n = 0; n < X->rows; n++) b.rows[n] = (lat_weights){.largest = -INFINITY};
  lat_tape tape;
  lat_tape_init(&tape, decoder->store->dtype, seed);
  tape.memory.allocator = work->allocator;
  lat_rows r;
  lat_status status = lat_rows_begin(work, &r, decoder->store->dtype, seed);
  if (status == LAT_OK) status = all_blocks(work, &tape, decoder, &b, K, &r);
  lat_rows_end(&r);
  lat_tape_done(&tape);
  for (size_t n = 0; status == LAT_OK && n < X->rows; n++) {
    log_likelihood[n] = lat_weights_log_mean(&b.rows[n], K);
    if (effective) effective[n] = lat_weights_effective(&b.rows[n]);
  }
  return status;
}

/* ---- decoding -------------------------------------------------------------------------------- */

typedef struct decoding {
  const lat_net *decoder;
  const lat_likelihood *l;
  const lat_matrix *Z, *mean, *variance, *draws;
  const size_t *labels;
  size_t classes;
  lat_random random;
} decoding;

static lat_status decode_chunk(void *context, lat_tape *tape, size_t first, size_t count)
{
  const decoding *d = context;
  lat_matrix Z = lat_block_of(*d->Z, first, 0, count, d->Z->cols), X, V;
  lat_value z = lat_with_labels(tape, lat_nn_input(tape, &Z, false),
                                d->labels ? d->labels + first : NULL, d->classes);
  lat_matrix outputs = lat_tape_value(tape, lat_net_constant(tape, d->decoder, z));
  if (!outputs.data) return tape->status;
  if (d->draws) {
    lat_random random = d->random;
    random.stream += first;
    X = lat_block_of(*d->draws, first, 0, count, d->l->D);
    lat_likelihood_sample(d->l, &outputs, &random, &X);
    return LAT_OK;
  }
  if (d->mean) X = lat_block_of(*d->mean, first, 0, count, d->l->D);
  if (d->variance) V = lat_block_of(*d->variance, first, 0, count, d->l->D);
  lat_likelihood_mean(d->l, &outputs, d->mean ? &X : NULL, d->variance ? &V : NULL);
  return LAT_OK;
}

static lat_status decode_all(lat_workspace *work, decoding *d)
{
  return lat_each_rows(work, d->decoder->store->dtype, 0, d->Z->rows,
                       lat_rows_chunk(lat_net_width(d->decoder)), lat_net_tape_numbers(d->decoder),
                       decode_chunk, d);
}

lat_status lat_decode(lat_workspace *work, const lat_net *decoder, const lat_likelihood *l,
                      const lat_matrix *Z, const size_t *labels, size_t classes,
                      const lat_matrix *mean, const lat_matrix *variance)
{
  LAT_TRY(lat_check_finite(work, "Z", Z, false));
  LAT_TRY(lat_units_check(work, NULL, decoder->store->dtype, "Z", Z));
  decoding d = {.decoder = decoder,
                .l = l,
                .Z = Z,
                .mean = mean,
                .variance = variance,
                .labels = labels,
                .classes = classes};
  return decode_all(work, &d);
}

lat_status lat_draw(lat_workspace *work, const lat_net *decoder, const lat_likelihood *l,
                    const size_t *labels, size_t classes, bool mean, lat_random *random,
                    const lat_matrix *Z, const lat_matrix *X)
{
  if (Z->dtype == LAT_FLOAT64)
    LAT_TRY(lat_random_fill_normal(work, random, Z->rows * Z->cols, Z->data));
  else
    LAT_TRY(lat_random_fill_normal_float(work, random, Z->rows * Z->cols, Z->data));
  if (mean) return lat_decode(work, decoder, l, Z, labels, classes, X, NULL);
  decoding d = {.decoder = decoder,
                .l = l,
                .Z = Z,
                .draws = X,
                .labels = labels,
                .classes = classes,
                .random = lat_random_split(random)};
  return decode_all(work, &d);
}
