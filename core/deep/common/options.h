/* options.h: rows of the tables of options that all models with nets have, and their checks. */
#ifndef LAT_DEEP_COMMON_OPTIONS_H
#define LAT_DEEP_COMMON_OPTIONS_H

#ifndef __cplusplus
#include <math.h>
#endif

#include "deep/common/deep.h"
#include "deep/common/likelihood.h"
#include "modeling/model.h"

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

/* LAT_SHAPE unless the matrix has as many columns as the model takes; and LAT_INVALID for NaN and
 * infinities in it. */
lat_status lat_deep_check_columns(lat_workspace *work, const char *name, const lat_matrix *X,
                                  size_t columns);
lat_status lat_deep_check_rows(lat_workspace *work, const char *name, const lat_matrix *X,
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

#endif
