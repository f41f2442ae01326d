/* net_model.h: what a model with nets is to who doesn't know which it is, and what the descriptions
 * of all of them have in common (deep/NAME/model.c).
 *
 *   LAT_DEFINE_NET(vae)       init, done, apply by lat_vae_init ...; lat_vae_fit, _save and _load
 *   LAT_DEFINE_NET_DRAW(vae)  draw, by lat_vae_sample
 *   static const lat_net_kind nets = {LAT_NET_KIND(vae), .latent_dim = latent_dim};
 *   static const lat_method methods[] = {...};
 *   const lat_model lat_vae_model = {LAT_NET_MODEL(vae, options, check), .draw = draw};
 *
 * Its functions `numbers`, `input_dim` and `check_data` stand between. */
#ifndef LAT_DEEP_COMMON_NET_MODEL_H
#define LAT_DEEP_COMMON_NET_MODEL_H

#include "deep/common/net_file.h"

/* A model with nets: its struct, which begins with a lat_deep, lies aside of a lat_fitted, whose
 * sizes are D, M and U, the width of a context. It can be used as soon as it is made, and training
 * changes it in place. */
typedef struct lat_net_kind {
  size_t bytes; /* of the struct */
  lat_status (*init)(lat_workspace *work, void *model, const void *options);
  void (*done)(void *model);
  double (*numbers)(const void *options); /* how many parameters the nets are going to have */
  size_t (*latent_dim)(const void *options);
  size_t (*input_dim)(const void *options);
  size_t (*context_dim)(
      const void *options); /* the width of request->context; NULL: there is none */
  /* LAT_SHAPE, or LAT_INVALID naming the row, unless the model can be fitted to `scale` times the
   * rows request->X of its width, with their classes, context and source. */
  lat_status (*check_data)(lat_workspace *work, void *model, const lat_request *request,
                           double scale);
  /* What a fit begins with that sees all rows first, which are checked: units of the data, unless
   * the model has some. LAT_INVALID for rows that are too far out. NULL: nothing. */
  lat_status (*begin)(lat_workspace *work, void *model, const lat_request *request);
  size_t held_terms; /* request->terms of validation, of bounds that have it */
  /* What should be said of the model after a step, or NULL; the function too. */
  const char *(*note)(const void *model);
  bool held_loss; /* what validation compares is the loss, which has no noise for one seed */
} lat_net_kind;

/* ---- the description's functions ------------------------------------------------------------- */

/* Parameters are the nets', by name: no table has them. */
const lat_parameter *lat_net_parameters(const void *options);
/* All that is fitted: what the store has fixed (units of the data) isn't. */
size_t lat_net_free_parameters(const lat_fitted *fitted);
/* The nets' type, of models whose results have it. */
lat_dtype lat_net_dtype(const lat_fitted *fitted);

/* What is fitted, as a model's description has it: `net` is the model's struct. */
lat_fitted lat_net_fitted(const lat_model *model, const void *options, void *net);

/* Defines init, done and apply, for any model, by the model's own; and lat_NAME_fit, lat_NAME_save,
 * lat_NAME_load and lat_NAME_fitted, which its header declares. */
#define LAT_DEFINE_NET(NAME)                                                                       \
  static lat_status init(lat_workspace *work, void *model, const void *options)                    \
  {                                                                                                \
    return lat_##NAME##_init(work, model, options);                                                \
  }                                                                                                \
  static void done(void *model)                                                                    \
  {                                                                                                \
    lat_##NAME##_done(model);                                                                      \
  }                                                                                                \
  static lat_status apply(lat_workspace *work, const lat_fitted *f, const lat_request *request,    \
                          const lat_outputs *outputs)                                              \
  {                                                                                                \
    return lat_##NAME##_apply(work, f->aside, request, outputs);                                   \
  }                                                                                                \
  lat_status lat_##NAME##_fit(lat_workspace *work, lat_##NAME *model, const lat_matrix *X,         \
                              const lat_training *training, lat_training_report *report)           \
  {                                                                                                \
    return lat_train(work, &lat_##NAME##_model, model, &model->options, X, training, report);      \
  }                                                                                                \
  lat_status lat_##NAME##_save(lat_workspace *work, lat_##NAME *model, const char *path)           \
  {                                                                                                \
    return lat_net_save(work, path, &lat_##NAME##_model, &model->options, &model->deep);           \
  }                                                                                                \
  lat_status lat_##NAME##_load(lat_workspace *work, const char *path, lat_##NAME *model)           \
  {                                                                                                \
    lat_##NAME##_options read;                                                                     \
    return lat_net_load(work, path, &lat_##NAME##_model, &read, model);                            \
  }                                                                                                \
  lat_fitted lat_##NAME##_fitted(lat_##NAME *model)                                                \
  {                                                                                                \
    return lat_net_fitted(&lat_##NAME##_model, &model->options, model);                            \
  }
/* Defines draw by a lat_NAME_sample that takes a request. */
#define LAT_DEFINE_NET_DRAW(NAME)                                                                  \
  static lat_status draw(lat_workspace *work, const lat_fitted *f, const lat_request *request,     \
                         lat_random *random, const lat_matrix *X, const lat_outputs *of)           \
  {                                                                                                \
    return lat_##NAME##_sample(work, f->aside, request, random, of->latent, X);                    \
  }

/* Fields of a lat_net_kind, and of a lat_model. */
#define LAT_NET_KIND(NAME)                                                                         \
  .bytes = sizeof(lat_##NAME), .init = init, .done = done, .numbers = numbers,                     \
  .input_dim = input_dim, .check_data = check_data
#define LAT_NET_MODEL(NAME, table, check_)                                                         \
  .name = #NAME, .options = table, .options_size = sizeof(lat_##NAME##_options),                   \
  .methods = methods, .parameters = lat_net_parameters, .check = check_, .apply = apply,           \
  .free_parameters = lat_net_free_parameters, .nets = &nets, .draw = draw

/* ---- methods --------------------------------------------------------------------------------- */

/* Options of methods of conditional models: labels alone, and with a step's rate; and those of fit
 * and steps. */
extern const lat_option lat_class_options[], lat_class_step_options[], lat_class_fit_options[],
    lat_class_steps_options[];

#define LAT_OPTION_DRAW_SEED    LAT_OPTION_GIVEN("seed", "integer|latent.Random")
#define LAT_OPTION_TRAIN_LABELS LAT_OPTION_GIVEN("labels", "latent.Matrix|number[]?")
/* Decoding; and what training is, which a binding says in terms of steps. */
#define LAT_DECODE_OUTPUTS                                                                         \
  LAT_OUTPUT_ROWS(decoded, LAT_D),                                                                 \
  {                                                                                                \
    LAT_GIVES_ROWS, offsetof(lat_outputs, decoded_variances), LAT_D,                               \
        offsetof(lat_request, variance) + 1                                                        \
  }
#define LAT_TRAIN_OPTIONS(epochs_)                                                                 \
  LAT_OPTION_READ("epochs", "integer", epochs_), LAT_OPTION_READ("batch", "integer", "128"),       \
      LAT_OPTION_READ("binarize", "string", "none"), LAT_OPTION_READ("scale", "number", "1"),      \
      LAT_OPTION_READ("shuffle", "boolean", "true"),                                               \
      LAT_OPTION_READ("learning_rate", "number|function", "the model's")
#define LAT_STEPS_OPTIONS LAT_TRAIN_OPTIONS("no end"), LAT_OPTION_READ("budget", "number", "0")
#define LAT_EPOCH_OPTIONS                                                                          \
  LAT_OPTION_GIVEN("validation", "latent.Matrix|table?"),                                          \
      LAT_OPTION_GIVEN("patience", "integer?"), LAT_OPTION_GIVEN("on_epoch", "function?"),         \
      LAT_OPTION_GIVEN("on_iteration", "function?"), LAT_OPTION_GIVEN("max_seconds", "number?"),   \
      LAT_OPTION_GIVEN("checkpoint", "string?"), LAT_OPTION_GIVEN("keep", "string?"),              \
      LAT_OPTION_GIVEN("progress", "boolean|function?")
#define LAT_FIT_METHODS(fit_, steps_)                                                              \
  {.name = "fit", .options = fit_}, {.name = "fit_for", .options = fit_},                          \
  {                                                                                                \
    .name = "steps", .options = steps_                                                             \
  }
#define LAT_METHOD_SAMPLE(latent_, options_)                                                       \
  {                                                                                                \
    .name = "sample", .argument = LAT_TAKES_COUNT, .outputs = {LAT_OUTPUT_ROWS(latent, latent_)},  \
    .options = options_                                                                            \
  }
#define LAT_NET_METHODS                                                                            \
  {.name = "parameters"}, {.name = "gradients"},                                                   \
  {                                                                                                \
    .name = "free_parameters", .argument = LAT_TAKES_NOTHING                                       \
  }

#endif
