/* options.h: rows of the tables of options and methods that all models with nets have, and what
 * such a model is to who doesn't know which it is. */
#ifndef LAT_DEEP_COMMON_OPTIONS_H
#define LAT_DEEP_COMMON_OPTIONS_H

#ifndef __cplusplus
#include <math.h>
#endif

#include "deep/common/deep.h"
#include "deep/common/likelihood.h"
#include "modeling/model.h"

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
  /* What a fit begins with that sees all rows first, unless the model has seen some; or NULL. */
  lat_status (*begin)(lat_workspace *work, void *model, const lat_request *request);
  size_t held_terms; /* request->terms of validation, of bounds that have it */
  /* What should be said of the model after a step, or NULL; the function too. */
  const char *(*note)(const void *model);
  bool held_loss; /* what validation compares is the loss, which has no noise for one seed */
} lat_net_kind;

/* The count of parameters of a net with hidden layers of these widths. */
double lat_net_numbers(const size_t *hidden, size_t count, size_t inputs, size_t outputs);

/* LAT_INVALID, with a sentence, for options of training that don't go with each other. */
lat_status lat_deep_check_training(lat_workspace *work, const lat_deep_options *options);
/* The same of a model with a likelihood, also for ones that are missing. */
lat_status lat_deep_check_options(lat_workspace *work, const lat_deep_options *options,
                                  const lat_likelihood *likelihood, size_t latent_dim);

/* *from_zero := the rows' classes, from 0, by labels that go from `lowest` to lowest + classes - 1;
 * NULL without. They stand in a column or a row. LAT_SHAPE unless there is one a row; LAT_INVALID,
 * naming the row, for others, and for labels that are missing or not asked for. Keeps them. */
lat_status lat_class_labels(lat_workspace *work, const lat_matrix *labels, size_t rows,
                            size_t classes, int64_t lowest, const size_t **from_zero);

/* LAT_SHAPE unless the matrix has as many columns as the model takes. */
lat_status lat_deep_check_columns(lat_workspace *work, const char *name, const lat_matrix *X,
                                  size_t columns);

/* Whether request->X of these outputs are latent variables. */
static inline bool lat_deep_decodes(const lat_outputs *outputs)
{
  return outputs->decoded || outputs->decoded_variances;
}

/* ---- tables ---------------------------------------------------------------------------------- */

extern const char *const lat_schedule_names[], *const lat_dtype_names[]; /* ended by NULL */

#define LAT_DEEP_ROW(name_, kind, type, field, otherwise, least, most, choices, shown)             \
  {                                                                                                \
    .name = name_, kind, offsetof(type, field), otherwise, least, most, choices, NULL, shown       \
  }
/* input_dim and latent_dim, which have to be given. */
#define LAT_NET_SIZE_OPTIONS(type)                                                                 \
  LAT_DEEP_ROW("input_dim", LAT_SIZE, type, likelihood.D, 0, 1, 1 << 24, NULL, "required"),        \
      LAT_DEEP_ROW("latent_dim", LAT_SIZE, type, latent_dim, 0, 1, 1 << 20, NULL, "required")
/* One that code reads, with its type and default for readers. */
#define LAT_OPTION_READ(name_, also_, shown_)                                                      \
  {                                                                                                \
    .name = name_, .type = LAT_GIVEN, .also = also_, .shown = shown_                               \
  }
/* Widths of hidden layers, a number or a list: the array `field` of the options, of which `length`
 * says how many there are; by default one, `otherwise`, or NAN: none are given. */
#define LAT_OPTION_WIDTHS(name_, type, field, length, otherwise, shortest, shown_)                 \
  LAT_OPTION_SIZE_LIST(name_, type, field, length, otherwise, 1, 1 << 24, shortest, "width", shown_)
#define LAT_LIKELIHOOD_OPTIONS(owner_, kind_)                                                      \
  LAT_DEEP_ROW("likelihood", LAT_CHOICE, owner_, likelihood.kind, kind_, 0, 0,                     \
               lat_likelihood_names, NULL),                                                        \
      LAT_DEEP_ROW("levels", LAT_SIZE, owner_, likelihood.levels, 0, 2, 1 << 16, NULL, "nil"),     \
      LAT_DEEP_ROW("variance", LAT_CHOICE, owner_, likelihood.variance, -1, 0, 0,                  \
                   lat_variance_names, "\"global\", or \"fixed\" with sigma"),                     \
      LAT_DEEP_ROW("sigma", LAT_NUMBER, owner_, likelihood.sigma, -1, LAT_ABOVE_ZERO,              \
                   LAT_MOST_NUMBER, NULL, "1"),                                                    \
      LAT_OPTION_RANGE("variance_range", owner_, likelihood.variance_range, LAT_ABOVE_ZERO,        \
                       LAT_MOST_NUMBER, "{1e-6, 1e6}")
#define LAT_DEEP_OPTIONS(type) LAT_DEEP_OPTIONS_FROM(type, LAT_NN_RELU, 1e-3, "0.9", "0.999")
/* The same with defaults of the model's own; betas are left to it (-1), and only shown. */
#define LAT_DEEP_OPTIONS_FROM(type, activation_, rate_, beta1_, beta2_)                            \
  LAT_DEEP_ROW("activation", LAT_CHOICE, type, deep.activation, activation_, 0, 0,                 \
               lat_activation_names, NULL),                                                        \
      LAT_DEEP_ROW("optimizer", LAT_CHOICE, type, deep.optimizer, LAT_ADAM, 0, 0,                  \
                   lat_optimizer_names, NULL),                                                     \
      LAT_DEEP_ROW("learning_rate", LAT_NUMBER, type, deep.learning_rate, rate_, LAT_ABOVE_ZERO,   \
                   LAT_MOST_NUMBER, NULL, NULL),                                                   \
      LAT_DEEP_ROW("beta1", LAT_NUMBER, type, deep.beta1, -1, 0, 1, NULL, beta1_),                 \
      LAT_DEEP_ROW("beta2", LAT_NUMBER, type, deep.beta2, -1, 0, 1, NULL, beta2_),                 \
      LAT_DEEP_ROW("epsilon", LAT_NUMBER, type, deep.epsilon, -1, LAT_ABOVE_ZERO, LAT_MOST_NUMBER, \
                   NULL, "1e-8"),                                                                  \
      LAT_DEEP_ROW("weight_decay", LAT_NUMBER, type, deep.weight_decay, -1, 0, 1e9, NULL, "0"),    \
      LAT_DEEP_ROW("clip", LAT_NUMBER, type, deep.clip, 0, 0, (double)INFINITY, NULL, NULL),       \
      LAT_DEEP_ROW("schedule", LAT_CHOICE, type, deep.schedule, LAT_SCHEDULE_CONSTANT, 0, 0,       \
                   lat_schedule_names, NULL),                                                      \
      LAT_DEEP_ROW("schedule_steps", LAT_NUMBER, type, deep.schedule_steps, 0, 0, 1e15, NULL,      \
                   NULL),                                                                          \
      LAT_DEEP_ROW("warm_up", LAT_NUMBER, type, deep.warm_up, 0, 0, 1e15, NULL, NULL),             \
      LAT_DEEP_ROW("init", LAT_CHOICE, type, deep.init, LAT_INIT_TORCH, 0, 0, lat_init_names,      \
                   NULL),                                                                          \
      LAT_DEEP_ROW("dtype", LAT_CHOICE, type, deep.dtype, LAT_FLOAT32, 0, 0, lat_dtype_names,      \
                   NULL),                                                                          \
      LAT_DEEP_ROW("seed", LAT_SEED, type, deep.seed, 0, 0, 0, NULL, NULL)

/* Options of methods. */
#define LAT_OPTION_CLASSES                                                                         \
  LAT_OPTION_ROWS("labels", classes, LAT_END, "latent.Matrix|number[]|number?")
#define LAT_OPTION_STEP_RATE                                                                       \
  LAT_DEEP_ROW("learning_rate", LAT_NUMBER, lat_request, learning_rate, -1, LAT_ABOVE_ZERO,        \
               LAT_MOST_NUMBER, NULL, "the model's")
#define LAT_OPTION_MEAN LAT_OPTION_BOOLEAN(lat_request, mean, false)
#define LAT_OPTION_SAMPLES(otherwise, most, shown)                                                 \
  LAT_DEEP_ROW("samples", LAT_SIZE, lat_request, samples, otherwise, 1, most, NULL, shown)

/* Methods, with rows of options that the model has: decoding, and what training is, which a binding
 * says in terms of steps. */
#define LAT_DECODE_OUTPUTS                                                                         \
  {                                                                                                \
    LAT_OUTPUT_ROWS(decoded, LAT_D),                                                               \
    {                                                                                              \
      LAT_GIVES_ROWS, offsetof(lat_outputs, decoded_variances), LAT_D,                             \
          offsetof(lat_request, variance) + 1                                                      \
    }                                                                                              \
  }
#define LAT_TRAIN_OPTIONS(epochs_)                                                                 \
  LAT_OPTION_READ("epochs", "integer", epochs_), LAT_OPTION_READ("batch", "integer", "128"),       \
      LAT_OPTION_READ("binarize", "string", "none"), LAT_OPTION_READ("scale", "number", "1"),      \
      LAT_OPTION_READ("shuffle", "boolean", "true"),                                               \
      LAT_OPTION_READ("learning_rate", "number|function", "the model's")
#define LAT_EPOCH_OPTIONS                                                                          \
  LAT_OPTION_GIVEN("validation", "latent.Matrix|table?"),                                          \
      LAT_OPTION_GIVEN("patience", "integer?"), LAT_OPTION_GIVEN("on_epoch", "function?"),         \
      LAT_OPTION_GIVEN("on_iteration", "function?"), LAT_OPTION_GIVEN("max_seconds", "number?"),   \
      LAT_OPTION_GIVEN("checkpoint", "string?"), LAT_OPTION_GIVEN("progress", "boolean?")
#define LAT_NET_METHODS                                                                            \
  {.name = "parameters"}, {.name = "gradients"},                                                   \
  {                                                                                                \
    .name = "free_parameters", .argument = LAT_TAKES_NOTHING                                       \
  }

#endif
