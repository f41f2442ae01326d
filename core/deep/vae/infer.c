/* vae/infer.c: encoding, the bound and its parts, and the log-likelihood of rows (vae.h).
 *
 * Rows are evaluated in chunks, each on a tape of its own (deep/common/rows.h). The log-likelihood
 * is an average of importance weights, log w = log p(x | z) + log p(z) - log q(z | x), in blocks of
 * draws. */
#include <math.h>

#include "deep/common/decoder.h"
#include "deep/common/limits.h"
#include "deep/common/rows.h"
#include "deep/common/weights.h"
#include "deep/vae/internal.h"

typedef struct use {
  lat_vae *vae;
  const lat_matrix *X;
  const size_t *labels;
  const lat_matrix *mean, *variance; /* results of encoding, or the caller's q */
  double *first, *second;            /* results, one a row */
  size_t samples;
} use;

static const size_t *labels_from(const use *u, size_t first)
{
  return u->labels ? u->labels + first : NULL;
}

static lat_posterior encode(const use *u, lat_tape *tape, size_t first, size_t count, lat_value *x)
{
  const lat_vae *vae = u->vae;
  lat_matrix X = lat_block_of(*u->X, first, 0, count, u->X->cols);
  *x = lat_nn_input(tape, &X, false);
  lat_value with = lat_with_labels(tape, *x, labels_from(u, first), vae->options.classes);
  return lat_vae_posterior(tape, vae, lat_net_constant(tape, &vae->encoder, with));
}

/* For each row the encoder once, and the decoder and the losses for so many draws at a time. */
static lat_status each_rows(lat_workspace *work, use *u, uint64_t seed, size_t chunk, size_t draws,
                            lat_rows_task *task)
{
  lat_vae *vae = u->vae;
  size_t each = lat_net_tape_numbers(&vae->decoder) + 8 * u->X->cols + 8 * vae->options.latent_dim;
  size_t numbers = lat_net_tape_numbers(&vae->encoder) + 4 * u->X->cols +
                   each * (draws < LAT_VAE_DRAWS ? draws : LAT_VAE_DRAWS);
  LAT_TRY(lat_vae_check_data(work, vae, u->X, u->labels));
  return lat_each_rows(work, (lat_dtype)vae->options.deep.dtype, seed, u->X->rows, chunk, numbers,
                       task, u);
}

static size_t chunk_rows(const lat_vae *vae)
{
  size_t encoder = lat_net_width(&vae->encoder), decoder = lat_net_width(&vae->decoder);
  return lat_rows_chunk(encoder > decoder ? encoder : decoder);
}

/* ---- encoding -------------------------------------------------------------------------------- */

static lat_status encode_chunk(void *context, lat_tape *tape, size_t first, size_t count)
{
  const use *u = context;
  size_t M = u->vae->options.latent_dim;
  lat_value x;
  lat_posterior q = encode(u, tape, first, count, &x);
  lat_matrix mean = lat_tape_value(tape, q.mean);
  lat_matrix variance = lat_tape_value(tape, lat_nn_exp(tape, q.log_variance));
  if (!mean.data || !variance.data) return tape->status;
  lat_matrix to = lat_block_of(*u->mean, first, 0, count, M);
  lat_copy(&mean, &to);
  if (!u->variance) return LAT_OK;
  to = lat_block_of(*u->variance, first, 0, count, M);
  lat_copy(&variance, &to);
  return LAT_OK;
}

lat_status lat_vae_encode(lat_workspace *work, lat_vae *vae, const lat_matrix *X,
                          const size_t *labels, const lat_matrix *mean, const lat_matrix *variance)
{
  use u = {.vae = vae, .X = X, .labels = labels, .mean = mean, .variance = variance};
  return each_rows(work, &u, 0, chunk_rows(vae), 0, encode_chunk);
}

/* ---- the bound ------------------------------------------------------------------------------- */

static lat_value decode_nll(const use *u, lat_tape *tape, size_t first, lat_value z, lat_value x)
{
  const lat_vae *vae = u->vae;
  z = lat_with_labels(tape, z, labels_from(u, first), vae->options.classes);
  return lat_likelihood_nll(tape, &vae->likelihood, lat_net_constant(tape, &vae->decoder, z), x,
                            true);
}

/* The caller's q, clamped as the encoder's is. */
static lat_posterior caller_posterior(const use *u, lat_tape *tape, size_t first, size_t count,
                                      lat_value *x)
{
  size_t M = u->vae->options.latent_dim;
  lat_matrix X = lat_block_of(*u->X, first, 0, count, u->X->cols);
  lat_matrix mean = lat_block_of(*u->mean, first, 0, count, M);
  lat_matrix variance = lat_block_of(*u->variance, first, 0, count, M);
  *x = lat_nn_input(tape, &X, false);
  lat_value log_variance = lat_nn_log(tape, lat_nn_input(tape, &variance, false));
  return (lat_posterior){.mean = lat_nn_input(tape, &mean, false),
                         .log_variance = lat_nn_clamp(tape, log_variance, LAT_LOG_VARIANCE_LEAST,
                                                      LAT_LOG_VARIANCE_MOST)};
}

/* Adds the losses of n draws a row; each forgets the one before, to keep memory small. */
static void add_draws(const use *u, lat_tape *tape, size_t first, lat_posterior q, lat_value x,
                      size_t count, size_t n)
{
  const lat_tape_mark begin = lat_tape_here(tape);
  for (size_t k = 0; k < n && tape->status == LAT_OK; k++) {
    lat_tape_forget(tape, begin);
    lat_value z = lat_nn_reparameterize(tape, q.mean, q.log_variance);
    lat_matrix nll = lat_tape_value(tape, decode_nll(u, tape, first, z, x));
    for (size_t i = 0; nll.data && i < count; i++)
      u->first[first + i] += lat_get(&nll, i, 0) / (double)u->samples;
  }
}

/* In blocks of draws, each with a step of its own: a step has so many streams. */
static lat_status bound_chunk(void *context, lat_tape *tape, size_t first, size_t count)
{
  const use *u = context;
  const uint64_t chunk = tape->step;
  for (size_t done = 0, block = 0; done < u->samples && tape->status == LAT_OK; block++) {
    size_t n = u->samples - done < LAT_VAE_BLOCK ? u->samples - done : LAT_VAE_BLOCK;
    lat_value x;
    if (block > 0) lat_tape_reset(tape);
    tape->step = (uint64_t)block << LAT_VAE_STREAM_BITS ^ chunk;
    lat_posterior q = (u->mean ? caller_posterior : encode)(u, tape, first, count, &x);
    lat_matrix kl = lat_tape_value(tape, lat_nn_kl_standard_normal(tape, q.mean, q.log_variance));
    for (size_t i = 0; block == 0 && kl.data && i < count; i++) {
      u->first[first + i] = 0;
      u->second[first + i] = lat_get(&kl, i, 0);
    }
    add_draws(u, tape, first, q, x, count, n);
    done += n;
  }
  return tape->status;
}

lat_status lat_vae_bound(lat_workspace *work, lat_vae *vae, const lat_matrix *X,
                         const size_t *labels, const lat_matrix *mean, const lat_matrix *variance,
                         size_t samples, uint64_t seed, double *reconstruction, double *kl)
{
  use u = {.vae = vae,
           .X = X,
           .labels = labels,
           .mean = mean,
           .variance = variance,
           .first = reconstruction,
           .second = kl,
           .samples = samples};
  return each_rows(work, &u, seed, chunk_rows(vae), 1, bound_chunk);
}

/* ---- the log-likelihood ---------------------------------------------------------------------- */

/* log w of n draws for each of `count` rows: (count n) x 1, a row's draws after each other */
static lat_value log_weights(const use *u, lat_tape *tape, size_t first, lat_posterior q,
                             lat_value x, size_t count, size_t n)
{
  const lat_vae *vae = u->vae;
  lat_posterior many = {lat_nn_repeat_rows(tape, q.mean, n),
                        lat_nn_repeat_rows(tape, q.log_variance, n)};
  lat_value z, e = lat_nn_normal(tape, count * n, vae->options.latent_dim);
  lat_value ratio = lat_log_ratio(tape, many, e, &z);
  if (vae->options.classes) {
    lat_value none = lat_with_labels(tape, lat_nn_fill(tape, count, 1, 0), labels_from(u, first),
                                     vae->options.classes);
    lat_value labels = lat_nn_columns(tape, none, 1, vae->options.classes);
    z = lat_nn_concat(tape, z, lat_nn_repeat_rows(tape, labels, n));
  }
  lat_value outputs = lat_net_constant(tape, &vae->decoder, z);
  lat_value nll =
      lat_likelihood_nll(tape, &vae->likelihood, outputs, lat_nn_repeat_rows(tape, x, n), true);
  return lat_nn_subtract(tape, ratio, nll);
}

/* The rows of a chunk and the blocks of their draws. Every block resets the tape, to keep memory
 * small, and has a step of its own. */
static lat_status weigh_chunk(void *context, lat_tape *tape, size_t first, size_t count)
{
  const use *u = context;
  size_t most = chunk_rows(u->vae) / count, chunk = tape->step;
  lat_weights d[LAT_VAE_GROUP];
  if (most == 0) most = 1;
  for (size_t i = 0; i < count; i++) d[i] = (lat_weights){.largest = -INFINITY};
  for (size_t done = 0, block = 0; done < u->samples; block++) {
    size_t n = u->samples - done < most ? u->samples - done : most;
    lat_value x;
    lat_tape_reset(tape);
    tape->step = chunk << LAT_VAE_STREAM_BITS ^ block;
    lat_posterior q = encode(u, tape, first, count, &x);
    lat_matrix w = lat_tape_value(tape, log_weights(u, tape, first, q, x, count, n));
    if (!w.data) return tape->status;
    lat_matrix rows = {w.data, count, n, (ptrdiff_t)n, 1, w.dtype};
    for (size_t i = 0; i < count; i++) lat_weights_add(&d[i], &rows, i);
    done += n;
  }
  for (size_t i = 0; i < count; i++) {
    u->first[first + i] = lat_weights_log_mean(&d[i], u->samples);
    if (u->second) u->second[first + i] = lat_weights_effective(&d[i]);
  }
  return LAT_OK;
}

lat_status lat_vae_log_likelihood(lat_workspace *work, lat_vae *vae, const lat_matrix *X,
                                  const size_t *labels, size_t K, uint64_t seed,
                                  double *log_likelihood, double *effective)
{
  use u = {.vae = vae,
           .X = X,
           .labels = labels,
           .first = log_likelihood,
           .second = effective,
           .samples = K};
  size_t rows = chunk_rows(vae) / K;
  rows = rows < 1 ? 1 : rows > LAT_VAE_GROUP ? LAT_VAE_GROUP : rows;
  size_t most = chunk_rows(vae) / rows;
  return each_rows(work, &u, seed, rows, K < most ? K : most, weigh_chunk);
}
