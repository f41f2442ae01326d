/* vae/vae.c: the nets of a variational autoencoder, its losses on a tape, and steps (vae.h). */
#include "deep/vae/vae.h"

#include <math.h>
#include <string.h>

#include "deep/common/decoder.h"
#include "deep/common/limits.h"
#include "deep/vae/internal.h"

/* ---- nets ------------------------------------------------------------------------------------ */

static lat_status add_net(lat_workspace *work, lat_vae *vae, const char *name, size_t inputs,
                          const size_t *hidden, size_t count, size_t outputs, lat_layer *layers,
                          lat_net *net)
{
  size_t sizes[LAT_VAE_LAYERS + 1];
  sizes[0] = inputs;
  memcpy(sizes + 1, hidden, count * sizeof *hidden);
  sizes[count + 1] = outputs;
  lat_layer_options options = {.activation = (lat_activation)vae->options.deep.activation,
                               .init = (lat_init)vae->options.deep.init};
  return lat_net_mlp(work, &vae->deep.store, name, sizes, count + 1, &options, layers, net);
}

lat_vae_options lat_vae_complete(const lat_vae_options *options)
{
  lat_vae_options o = *options;
  if (o.decoder_layers != LAT_NO_LIST) return o;
  o.decoder_layers = o.encoder_layers;
  for (size_t k = 0; k < o.encoder_layers; k++)
    o.decoder_hidden[k] = o.encoder_hidden[o.encoder_layers - 1 - k];
  return o;
}

static lat_status make_nets(lat_workspace *work, lat_vae *vae)
{
  const lat_vae_options complete = lat_vae_complete(&vae->options), *o = &complete;
  size_t D = vae->likelihood.D, M = o->latent_dim;
  LAT_TRY(add_net(work, vae, "encoder", D + o->classes, o->encoder_hidden, o->encoder_layers, 2 * M,
                  vae->encoder_layers, &vae->encoder));
  LAT_TRY(add_net(work, vae, "decoder", M + o->classes, o->decoder_hidden, o->decoder_layers,
                  lat_likelihood_outputs(&vae->likelihood), vae->decoder_layers, &vae->decoder));
  LAT_TRY(lat_likelihood_add(work, &vae->likelihood, &vae->deep.store));
  return lat_deep_seal(work, &vae->deep, &o->deep);
}

lat_status lat_vae_init(lat_workspace *work, lat_vae *vae, const lat_vae_options *options)
{
  *vae = (lat_vae){.options = *options, .likelihood = lat_likelihood_complete(options->likelihood)};
  LAT_TRY(lat_model_check(work, &lat_vae_model, options));
  lat_deep_begin(&vae->deep, &options->deep);
  lat_status status = make_nets(work, vae);
  if (status != LAT_OK) lat_vae_done(vae);
  return status;
}

void lat_vae_done(lat_vae *vae)
{
  lat_deep_done(&vae->deep);
}

/* ---- the loss -------------------------------------------------------------------------------- */

/* Log-variances are clamped to a range in which exp doesn't overflow. */
lat_posterior lat_vae_posterior(lat_tape *tape, const lat_vae *vae, lat_value encoded)
{
  size_t M = vae->options.latent_dim;
  return (lat_posterior){.mean = lat_nn_columns(tape, encoded, 0, M),
                         .log_variance =
                             lat_nn_clamp(tape, lat_nn_columns(tape, encoded, M, M),
                                          LAT_LOG_VARIANCE_LEAST, LAT_LOG_VARIANCE_MOST)};
}

lat_value lat_log_ratio(lat_tape *tape, lat_posterior q, lat_value e, lat_value *z)
{
  lat_value deviation = lat_nn_exp(tape, lat_nn_affine(tape, q.log_variance, 0.5, 0));
  *z = lat_nn_add(tape, q.mean, lat_nn_multiply(tape, deviation, e));
  lat_value twice = lat_nn_subtract(tape, lat_nn_add(tape, lat_nn_square(tape, e), q.log_variance),
                                    lat_nn_square(tape, *z));
  return lat_nn_affine(tape, lat_nn_sum(tape, twice, LAT_NN_ACROSS), 0.5, 0);
}

typedef struct batch {
  lat_value x;
  const size_t *labels;
  size_t rows;
} batch;

static lat_value repeat(lat_tape *tape, lat_value x, size_t times)
{
  return times == 1 ? x : lat_nn_repeat_rows(tape, x, times);
}

/* -log p(x | z) for `samples` draws of each row; (B K) x 1 */
static lat_value reconstruct(lat_vae *vae, const batch *b, lat_value z, size_t samples)
{
  lat_tape *tape = &vae->deep.tape;
  size_t classes = vae->options.classes;
  if (classes) { /* the labels of repeated rows */
    lat_value none = lat_nn_fill(tape, b->rows, 1, 0);
    lat_value with = lat_with_labels(tape, none, b->labels, classes);
    z = lat_nn_concat(tape, z, repeat(tape, lat_nn_columns(tape, with, 1, classes), samples));
  }
  lat_value outputs = lat_net_forward(tape, &vae->decoder, z);
  return lat_likelihood_nll(tape, &vae->likelihood, outputs, repeat(tape, b->x, samples), false);
}

/* The batch's KL as the loss has it: 1 x 1. */
static lat_value divergence(lat_tape *tape, lat_posterior q, double free_bits, lat_value *kl)
{
  *kl = lat_nn_mean(tape, lat_nn_kl_standard_normal(tape, q.mean, q.log_variance), LAT_NN_ALL);
  if (free_bits <= 0) return *kl;
  lat_value units = lat_nn_mean(tape, lat_nn_kl_units(tape, q.mean, q.log_variance), LAT_NN_DOWN);
  return lat_nn_sum(tape, lat_nn_clamp(tape, units, free_bits, INFINITY), LAT_NN_ALL);
}

static lat_value importance_loss(lat_vae *vae, const batch *b, lat_posterior q, double beta,
                                 size_t samples, lat_value *nll)
{
  lat_tape *tape = &vae->deep.tape;
  lat_posterior many = {repeat(tape, q.mean, samples), repeat(tape, q.log_variance, samples)};
  lat_value z, e = lat_nn_normal(tape, b->rows * samples, vae->options.latent_dim);
  lat_value ratio = lat_log_ratio(tape, many, e, &z);
  *nll = reconstruct(vae, b, z, samples);
  lat_value weights = lat_nn_subtract(tape, lat_nn_affine(tape, ratio, beta, 0), *nll);
  lat_value rows = lat_nn_log_mean_exp_groups(tape, weights, samples);
  return lat_nn_affine(tape, lat_nn_mean(tape, rows, LAT_NN_ALL), -1, 0);
}

/* What the loss of the next step is made of: beta, which rises, and several samples' own bound. */
static double beta_of(const lat_vae *vae, const lat_request *request)
{
  const lat_vae_options *o = &vae->options;
  double beta = request->beta >= 0 ? request->beta : o->beta;
  double step = (double)vae->deep.optimizer.steps;
  return o->kl_warm_up > 0 ? beta * fmin(1, (step + 1) / o->kl_warm_up) : beta;
}

static bool is_importance(const lat_vae_options *o)
{
  return o->samples > 1 && o->bound != LAT_VAE_ELBO;
}

/* The loss on the tape, which has been reset. */
static lat_value make_loss(lat_vae *vae, const batch *b, double beta, lat_vae_parts *parts)
{
  lat_tape *tape = &vae->deep.tape;
  const lat_vae_options *o = &vae->options;
  lat_value with = lat_with_labels(tape, b->x, b->labels, o->classes);
  lat_posterior q = lat_vae_posterior(tape, vae, lat_net_forward(tape, &vae->encoder, with));
  lat_value nll, kl, term = divergence(tape, q, o->free_bits, &kl), loss, mean;
  if (is_importance(o)) {
    loss = importance_loss(vae, b, q, beta, o->samples, &nll);
    mean = lat_nn_mean(tape, nll, LAT_NN_ALL);
  } else {
    lat_value z = lat_nn_reparameterize(tape, repeat(tape, q.mean, o->samples),
                                        repeat(tape, q.log_variance, o->samples));
    nll = reconstruct(vae, b, z, o->samples);
    mean = lat_nn_mean(tape, nll, LAT_NN_ALL);
    loss = lat_nn_add(tape, mean, lat_nn_affine(tape, term, beta, 0));
  }
  *parts = (lat_vae_parts){lat_tape_number(tape, loss), lat_tape_number(tape, mean),
                           lat_tape_number(tape, kl)};
  return loss;
}

/* ---- steps ----------------------------------------------------------------------------------- */

static lat_status check_shape(lat_workspace *work, const lat_vae *vae, const lat_matrix *X)
{
  LAT_TRY(lat_deep_check_columns(work, "X", X, vae->likelihood.D));
  return X->rows ? LAT_OK : lat_fail(work, LAT_SHAPE, "the batch is empty");
}

/* Resets the tape, and puts the batch on it after checking its values. */
static lat_status load_batch(lat_workspace *work, lat_vae *vae, const lat_matrix *X, batch *b)
{
  lat_tape_reset(&vae->deep.tape);
  vae->deep.tape.work = work;
  b->x = lat_nn_input(&vae->deep.tape, X, false);
  lat_matrix here = lat_tape_value(&vae->deep.tape, b->x);
  LAT_TRY(lat_deep_failure(work, &vae->deep.tape));
  return lat_likelihood_check(work, &vae->likelihood, &here, 0, &vae->deep.grey);
}

static lat_status differentiate(lat_workspace *work, lat_vae *vae, const lat_request *request,
                                lat_vae_parts *parts)
{
  const lat_matrix *X = &request->X;
  const lat_vae_options *o = &vae->options;
  batch b = {.rows = X->rows};
  LAT_TRY(check_shape(work, vae, X));
  LAT_SCOPE(work);
  LAT_TRY(lat_class_labels(work, request->classes, X->rows, o->classes, o->lowest, &b.labels));
  LAT_TRY(load_batch(work, vae, X, &b));
  lat_value loss = make_loss(vae, &b, beta_of(vae, request), parts);
  LAT_TRY(lat_deep_differentiate(work, &vae->deep, loss));
  return LAT_OK;
}

lat_status lat_vae_gradient(lat_workspace *work, lat_vae *vae, const lat_request *request,
                            lat_vae_parts *parts)
{
  uint64_t step = vae->deep.tape.step;
  lat_status status = differentiate(work, vae, request, parts);
  vae->deep.tape.step = step;
  return status;
}

lat_status lat_vae_train(lat_workspace *work, lat_vae *vae, const lat_request *request,
                         lat_vae_parts *parts)
{
  const lat_deep_options *o = &vae->options.deep;
  double rate = lat_deep_rate(o, request->learning_rate, vae->deep.optimizer.steps);
  LAT_TRY(differentiate(work, vae, request, parts));
  return lat_deep_descend(work, &vae->deep, rate, o->clip);
}

lat_status lat_vae_check_data(lat_workspace *work, lat_vae *vae, const lat_matrix *X,
                              const size_t *labels)
{
  LAT_TRY(check_shape(work, vae, X));
  if (vae->options.classes && !labels)
    return lat_fail(work, LAT_INVALID, "the model is conditional: labels are missing");
  return lat_likelihood_check_all(work, &vae->likelihood, X, 1, (lat_dtype)vae->options.deep.dtype,
                                  &vae->deep.grey);
}
