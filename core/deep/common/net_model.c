/* net_model.c: what descriptions of models with nets share (net_model.h). */
#include "deep/common/net_model.h"

static const lat_store *store_of(const lat_fitted *f)
{
  return &((const lat_deep *)f->aside)->store;
}

const lat_parameter *lat_net_parameters(const void *options)
{
  static const lat_parameter none[] = {{NULL, {LAT_END}}};
  (void)options;
  return none;
}

size_t lat_net_free_parameters(const lat_fitted *f)
{
  return store_of(f)->numbers - store_of(f)->fixed;
}

lat_fitted lat_net_fitted(const lat_model *model, const void *options, void *net)
{
  const lat_net_kind *nets = model->nets;
  return (lat_fitted){.model = model,
                      .options = options,
                      .sizes = {[LAT_D] = nets->input_dim(options),
                                [LAT_U] = nets->context_dim ? nets->context_dim(options) : 0,
                                [LAT_M] = nets->latent_dim(options)},
                      .aside = net};
}

lat_dtype lat_net_dtype(const lat_fitted *f)
{
  return store_of(f)->dtype;
}

const lat_option lat_class_options[] = {LAT_OPTION_CLASSES, {.name = NULL}};
const lat_option lat_class_step_options[] = {
    LAT_OPTION_CLASSES, LAT_OPTION_STEP_RATE, {.name = NULL}};
const lat_option lat_class_fit_options[] = {
    LAT_TRAIN_OPTIONS("10"), LAT_OPTION_TRAIN_LABELS, LAT_EPOCH_OPTIONS, {.name = NULL}};
const lat_option lat_class_steps_options[] = {
    LAT_STEPS_OPTIONS, LAT_OPTION_TRAIN_LABELS, {.name = NULL}};
