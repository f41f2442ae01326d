/* nonlinear.c: maximum likelihood with draws from the prior (nonlinear.h).
 *
 * The loss of a batch is -1/B sum_n log 1/K sum_k p(x_n | z_k), with the same K draws for all
 * rows. */
#include "deep/nonlinear/nonlinear.h"

#include <math.h>

static lat_status make_nets(lat_workspace *work, lat_nonlinear *model)
{
  const lat_nonlinear_options *o = &model->options;
  size_t sizes[LAT_NONLINEAR_LAYERS + 1];
  sizes[0] = o->latent_dim;
  for (size_t k = 0; k < o->layers; k++) sizes[k + 1] = o->hidden[k];
  sizes[o->layers + 1] = lat_likelihood_outputs(&model->likelihood);
  lat_layer_options options = {.activation = (lat_activation)o->deep.activation,
                               .init = (lat_init)o->deep.init};
  LAT_TRY(lat_net_mlp(work, &model->deep.store, "decoder", sizes, o->layers + 1, &options,
                      model->layers, &model->decoder));
  LAT_TRY(lat_likelihood_add(work, &model->likelihood, &model->deep.store));
  return lat_deep_seal(work, &model->deep, &o->deep);
}

lat_status lat_nonlinear_init(lat_workspace *work, lat_nonlinear *model,
                              const lat_nonlinear_options *options)
{
  *model = (lat_nonlinear){.options = *options,
                           .likelihood = lat_likelihood_complete(options->likelihood)};
  LAT_TRY(lat_model_check(work, &lat_nonlinear_model, options));
  lat_deep_begin(&model->deep, &options->deep);
  lat_status status = make_nets(work, model);
  if (status != LAT_OK) lat_nonlinear_done(model);
  return status;
}

void lat_nonlinear_done(lat_nonlinear *model)
{
  lat_deep_done(&model->deep);
}

static lat_status differentiate(lat_workspace *work, lat_nonlinear *model,
                                const lat_request *request, double *loss)
{
  lat_tape *tape = &model->deep.tape;
  const lat_matrix *X = &request->X;
  size_t K = request->samples ? request->samples : model->options.samples;
  LAT_TRY(lat_deep_check_columns(work, "X", X, model->likelihood.D));
  if (X->rows == 0) return lat_fail(work, LAT_SHAPE, "the batch is empty");
  lat_tape_reset(tape);
  tape->work = work;
  lat_value x = lat_nn_input(tape, X, false);
  lat_matrix here = lat_tape_value(tape, x);
  LAT_TRY(lat_deep_failure(work, tape));
  LAT_TRY(lat_likelihood_check(work, &model->likelihood, &here, 0, &model->deep.grey));
  lat_value z = lat_nn_normal(tape, K, model->options.latent_dim);
  lat_value pairs = lat_likelihood_pairs(tape, &model->likelihood,
                                         lat_net_forward(tape, &model->decoder, z), x, false);
  lat_value mean = lat_nn_mean(tape, lat_nn_log_sum_exp(tape, pairs), LAT_NN_ALL);
  lat_value value = lat_nn_affine(tape, mean, -1, log((double)K));
  *loss = lat_tape_number(tape, value);
  return lat_deep_differentiate(work, &model->deep, value);
}

lat_status lat_nonlinear_gradient(lat_workspace *work, lat_nonlinear *model,
                                  const lat_request *request, double *loss)
{
  uint64_t step = model->deep.tape.step;
  lat_status status = differentiate(work, model, request, loss);
  model->deep.tape.step = step;
  return status;
}

lat_status lat_nonlinear_train(lat_workspace *work, lat_nonlinear *model,
                               const lat_request *request, double *loss)
{
  const lat_deep_options *o = &model->options.deep;
  double rate = lat_deep_rate(o, request->learning_rate, model->deep.optimizer.steps);
  LAT_TRY(differentiate(work, model, request, loss));
  return lat_deep_descend(work, &model->deep, rate, o->clip);
}
