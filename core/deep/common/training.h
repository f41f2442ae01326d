/* training.h: fitting a model with nets: epochs of mini-batches.
 *
 * An epoch visits every row once, in batches, each of which is one step of the model's optimizer
 * down the batch's mean loss. Order and draws of epoch number e are stream e of the model's seed,
 * as they are in Lua: the same data, options and seed make the same parameters there.
 *
 *   lat_vae_options options = lat_vae_defaults();
 *   options.likelihood.D = 784, options.latent_dim = 20;
 *   lat_vae vae;
 *   LAT_TRY(lat_vae_init(work, &vae, &options));
 *   lat_training training = lat_training_defaults();
 *   training.epochs = 20, training.validation = &held_out, training.patience = 3;
 *   LAT_TRY(lat_vae_fit(work, &vae, &X, &training, &report));
 *
 * Hosts that have a loop of their own, or a budget of time for a frame, call the model's step
 * (lat_vae_train, lat_flow_step) instead. */
#ifndef LAT_DEEP_COMMON_TRAINING_H
#define LAT_DEEP_COMMON_TRAINING_H

#include "deep/common/batch.h"
#include "deep/common/options.h"

typedef struct lat_training_report {
  size_t epochs;     /* complete ones of this fit */
  double loss;       /* the mean over the last epoch's steps, weighted by their rows; nats a row */
  double validation; /* the last epoch's; NaN without */
  double best;       /* the lowest; infinite without */
  bool converged;    /* patience has ended the fit */
} lat_training_report;

/* Called after each epoch; the fit ends when it returns false. */
typedef bool lat_training_observer(void *observer, const lat_training_report *report);

typedef struct lat_training {
  size_t epochs, batch; /* 10, 128 */
  bool in_order;        /* rows are taken as they come, and not shuffled */
  double learning_rate; /* 0: the options' */
  double scale;         /* of X: 1 */
  lat_binarize binarize;
  const lat_matrix *labels, *context; /* of the rows, for conditional models; or NULL */
  const lat_matrix *source;           /* of flow matching: rows that paths begin from; or NULL */
  /* Rows that the model isn't fitted to: after each epoch minus the mean of their bounds, or
   * log-likelihoods, where the model has these (of flow matching the loss), and else their energy
   * distance from as many draws (matrix/samples/sample_distances.h). With patience, so many epochs
   * without a lower value end the fit, and the parameters are then those of the lowest. */
  const lat_matrix *validation, *validation_labels, *validation_context;
  size_t patience;    /* 0: the fit doesn't end for it */
  double max_seconds; /* the step in which they are over is the last; 0: no limit */
  size_t earlier; /* epochs of fits before this one, after which this one's streams are numbered */
  lat_training_observer *observe;
  void *observer;
} lat_training;

lat_training lat_training_defaults(void);

/* Fits the model whose nets (a struct that begins with a lat_deep, such as a lat_vae) are `nets`,
 * made with `options`, to X (N x D, either type). The models' own lat_NAME_fit call it. LAT_SHAPE,
 * LAT_INVALID: as the model's step has it, or for a training without rows, epochs or a batch, and
 * for rows of X or of validation that the model can't take, before the first step; LAT_CANCELLED:
 * between steps, of which those before have been taken. `report` may be NULL. */
lat_status lat_train(lat_workspace *work, const lat_model *model, void *nets, const void *options,
                     const lat_matrix *X, const lat_training *training,
                     lat_training_report *report);

/* ---- in parts, for loops of one's own -------------------------------------------------------- */

/* Whether fits of the model take "labels", "context" or "source". */
bool lat_train_takes(const lat_model *model, const char *name);
/* What a fit begins with: all that is given is checked, so that messages name rows of X and of
 * validation, and the model begins with X. *dtype := the type that batches are to have. */
lat_status lat_train_begin(lat_workspace *work, const lat_model *model, void *nets,
                           const void *options, const lat_matrix *X, const lat_training *training,
                           lat_dtype *dtype);
/* *loss := that of the rows of validation. */
lat_status lat_train_validate(lat_workspace *work, const lat_model *model, void *nets,
                              const void *options, const lat_training *training, double *loss);

#endif
