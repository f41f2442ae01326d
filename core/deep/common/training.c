/* training.c: epochs of mini-batches, validation and patience (training.h).
 *
 * A batch is a copy of its rows, made in memory that all batches share: in the nets' type, or,
 * where the model has units of the data (units.h), in that of the data. */
#include "deep/common/training.h"

#include <math.h>
#include <string.h>

#include "deep/common/net_model.h"
#include "matrix/samples/sample_distances.h"

typedef struct run {
  lat_workspace *work;
  const lat_model *model;
  lat_fitted fitted;
  const lat_training *training;
  const lat_matrix *X;
  size_t *order;                    /* of the rows, in this epoch */
  lat_matrix rows, labels, context; /* a batch's; data is NULL without */
  void *kept[2];                    /* parameters and averages of the lowest validation loss */
  double deadline;
} run;

lat_training lat_training_defaults(void)
{
  return (lat_training){.epochs = 10, .batch = 128, .scale = 1};
}

static lat_deep *deep_of(const run *r)
{
  return r->fitted.aside;
}

static lat_fitted fitted_of(const lat_model *model, void *nets, const void *options)
{
  const lat_net_kind *kind = model->nets;
  lat_fitted f = {.model = model, .options = options, .aside = nets};
  f.sizes[LAT_D] = kind->input_dim(options);
  f.sizes[LAT_M] = kind->latent_dim(options);
  f.sizes[LAT_U] = kind->context_dim ? kind->context_dim(options) : 0;
  return f;
}

/* ---- checks ---------------------------------------------------------------------------------- */

static lat_status check_training(lat_workspace *work, const lat_training *t)
{
  if (t->epochs == 0 || t->batch == 0)
    return lat_fail(work, LAT_INVALID, "epochs and batch must be at least 1");
  if (t->patience && !t->validation)
    return lat_fail(work, LAT_INVALID,
                    "patience waits for a better loss of the rows of validation, which is missing");
  if (!isfinite(t->scale)) return lat_fail(work, LAT_INVALID, "scale must be finite");
  if (!(t->max_seconds >= 0))
    return lat_fail(work, LAT_INVALID, "max_seconds must be a number >= 0, got %g", t->max_seconds);
  return LAT_OK;
}

bool lat_train_takes(const lat_model *model, const char *name)
{
  return lat_option_find(lat_method_find(model->methods, "fit")->options, name) != NULL;
}

/* What isn't an option of the model's fit isn't given. */
static lat_status check_given(lat_workspace *work, const lat_model *model, const lat_request *r)
{
  const char *const names[] = {"labels", "context", "source"};
  const lat_matrix *const given[] = {r->classes, r->context, r->source};
  for (int i = 0; i < 3; i++)
    if (given[i] && !lat_train_takes(model, names[i]))
      return lat_fail(work, LAT_INVALID, "a %s takes no %s", model->name, names[i]);
  return LAT_OK;
}

/* Rows of a fit, of which the model sees `scale` times these, or of its validation. */
static lat_status check_rows(lat_workspace *work, const lat_fitted *f, const lat_request *r,
                             double scale)
{
  const lat_matrix *X = &r->X;
  if (X->rows == 0) return lat_fail(work, LAT_SHAPE, "there are no rows");
  LAT_TRY(lat_deep_check_columns(work, "X", X, f->sizes[LAT_D]));
  LAT_TRY(check_given(work, f->model, r));
  if (r->classes && r->classes->rows * r->classes->cols != X->rows)
    return lat_fail(work, LAT_SHAPE, "there are %zu labels for %zu rows",
                    r->classes->rows * r->classes->cols, X->rows);
  if (r->context && r->context->rows != X->rows)
    return lat_fail(work, LAT_SHAPE, "the context has %zu rows, X has %zu", r->context->rows,
                    X->rows);
  return f->model->nets->check_data(work, f->aside, r, scale);
}

static lat_request validation_of(const lat_training *t)
{
  return (lat_request){.X = *t->validation,
                       .classes = t->validation_labels,
                       .context = t->validation_context,
                       .source = t->source,
                       .beta = -1};
}

/* A failure that is about the rows of validation says so. */
static lat_status of_validation(lat_workspace *work, lat_status status)
{
  char message[sizeof work->message];
  if (status != LAT_INVALID && status != LAT_SHAPE) return status;
  memcpy(message, work->message, sizeof message);
  return lat_fail(work, status, "validation: %s", message);
}

static lat_status check_validation(lat_workspace *work, const lat_fitted *f, const lat_training *t)
{
  if (!t->validation) return LAT_OK;
  const lat_request held = validation_of(t);
  return of_validation(work, check_rows(work, f, &held, 1));
}

lat_status lat_train_begin(lat_workspace *work, const lat_model *model, void *nets,
                           const void *options, const lat_matrix *X, const lat_training *t,
                           lat_dtype *dtype)
{
  LAT_SCOPE(work);
  const lat_fitted f = fitted_of(model, nets, options);
  const lat_store *store = &((const lat_deep *)nets)->store;
  double nothing = 0;
  lat_request all = {
      .X = *X, .classes = t->labels, .context = t->context, .source = t->source, .beta = -1};
  LAT_TRY(lat_deep_check_columns(work, "X", X, f.sizes[LAT_D]));
  LAT_TRY(check_training(work, t));
  LAT_TRY(lat_check_finite(work, "X", X, false));
  /* what batches show isn't the data then, but draws of 0 and 1 */
  if (t->binarize != LAT_AS_IT_IS) LAT_TRY(lat_batch_check(work, X, t->scale));
  if (t->binarize != LAT_AS_IT_IS)
    all.X = (lat_matrix){&nothing, X->rows, X->cols, 0, 0, LAT_FLOAT64};
  LAT_TRY(check_rows(work, &f, &all, t->binarize == LAT_AS_IT_IS ? t->scale : 1));
  LAT_TRY(check_validation(work, &f, t));
  const bool begins = model->nets->begin && t->scale == 1 && t->binarize == LAT_AS_IT_IS;
  *dtype = begins ? X->dtype : store->dtype;
  return begins ? model->nets->begin(work, nets, &all) : LAT_OK;
}

/* ---- batches --------------------------------------------------------------------------------- */

/* Keeps a matrix for a batch of what `all` has for each row. */
static lat_status make_rows(lat_workspace *work, const lat_matrix *all, size_t rows, size_t cols,
                            lat_dtype dtype, lat_matrix *made)
{
  *made = (lat_matrix){NULL, rows, cols, (ptrdiff_t)cols, 1, dtype};
  if (!all) return LAT_OK;
  made->data = lat_allocate(work, rows * cols, lat_dtype_size(dtype));
  return made->data ? LAT_OK : LAT_MEMORY;
}

/* Keeps the memory of all batches, of this type. */
static lat_status make_batch(run *r, lat_dtype dtype)
{
  const lat_training *t = r->training;
  lat_workspace *work = r->work;
  const lat_matrix *X = r->X, *C = t->context;
  size_t rows = t->batch < X->rows ? t->batch : X->rows;
  r->order = lat_allocate(work, X->rows, sizeof *r->order);
  if (!r->order) return LAT_MEMORY;
  LAT_TRY(make_rows(work, X, rows, X->cols, dtype, &r->rows));
  LAT_TRY(make_rows(work, t->labels, rows, 1, LAT_FLOAT64, &r->labels));
  LAT_TRY(make_rows(work, C, rows, C ? C->cols : 0, C ? C->dtype : LAT_FLOAT64, &r->context));
  return LAT_OK;
}

/* Labels and contexts of the batch's rows. */
static void gather(const run *r, const size_t *place, size_t count)
{
  const lat_matrix *labels = r->training->labels, *C = r->training->context;
  for (size_t i = 0; labels && i < count; i++) {
    size_t at = place[i];
    bool across = labels->rows == 1;
    lat_set(&r->labels, i, 0, across ? lat_get(labels, 0, at) : lat_get(labels, at, 0));
  }
  for (size_t i = 0; C && i < count; i++)
    for (size_t j = 0; j < C->cols; j++) lat_set(&r->context, i, j, lat_get(C, place[i], j));
}

static lat_status take_step(run *r, const size_t *place, size_t count, lat_random *random,
                            double *loss)
{
  const lat_training *t = r->training;
  lat_matrix rows = r->rows, labels = r->labels, context = r->context;
  rows.rows = labels.rows = context.rows = count;
  LAT_TRY(lat_batch(r->work, r->X, place, t->scale, t->binarize, random, &rows));
  gather(r, place, count);
  lat_request request = {.X = rows,
                         .classes = t->labels ? &labels : NULL,
                         .context = t->context ? &context : NULL,
                         .source = t->source,
                         .beta = -1,
                         .learning_rate = t->learning_rate};
  return r->model->apply(r->work, &r->fitted, &request, &(lat_outputs){.step_loss = loss});
}

/* One epoch, of the mean loss *loss; *whole is false when time has ended it before its last step.
 */
static lat_status run_epoch(run *r, size_t number, double *loss, bool *whole, bool *over)
{
  const lat_training *t = r->training;
  size_t N = r->X->rows;
  lat_random random = {.seed = deep_of(r)->store.seed, .stream = number};
  for (size_t i = 0; i < N; i++) r->order[i] = i;
  if (!t->in_order) LAT_TRY(lat_random_permutation(r->work, &random, N, r->order));
  double sum = 0;
  *over = false;
  size_t first = 0;
  while (first < N && !*over) {
    size_t count = t->batch < N - first ? t->batch : N - first;
    double mean;
    LAT_TRY(lat_check(r->work));
    LAT_TRY(take_step(r, r->order + first, count, &random, &mean));
    sum += mean * (double)count;
    first += count;
    *over = r->deadline > 0 && lat_clock() > r->deadline;
  }
  *whole = first == N;
  *loss = sum / (double)first;
  return LAT_OK;
}

/* The energy distance of the rows of validation from as many draws, which are the same each time
 * but for the parameters. */
static lat_status compare_draws(lat_workspace *work, const lat_fitted *f, const lat_training *t,
                                double *distance)
{
  const lat_store *store = &((const lat_deep *)f->aside)->store;
  LAT_SCOPE(work);
  lat_random random = {.seed = store->seed};
  lat_matrix draws = lat_matrix_new(work, t->validation->rows, t->validation->cols);
  if (!draws.data) return LAT_MEMORY;
  lat_request request = {.classes = t->validation_labels, .context = t->validation_context};
  LAT_TRY(f->model->draw(work, f, &request, &random, &draws, &(lat_outputs){0}));
  return lat_energy_distance(work, t->validation, &draws, distance);
}

/* Minus the mean bound, or log-likelihood, of the rows of validation; or their loss. */
static lat_status validate(lat_workspace *work, const lat_fitted *f, const lat_training *t,
                           double *loss)
{
  const lat_model *model = f->model;
  LAT_SCOPE(work);
  size_t N = t->validation->rows;
  double *values = lat_doubles(work, N);
  if (!values) return LAT_MEMORY;
  bool bound = lat_method_find(model->methods, "elbo") != NULL;
  if (!bound && !lat_method_find(model->methods, "log_likelihood"))
    return compare_draws(work, f, t, loss);
  lat_request request = validation_of(t);
  request.terms = model->nets->held_terms;
  lat_outputs outputs = {0};
  if (model->nets->held_loss) {
    outputs.loss = loss;
    return model->apply(work, f, &request, &outputs);
  }
  *(bound ? &outputs.bound : &outputs.log_likelihood) = values;
  LAT_TRY(model->apply(work, f, &request, &outputs));
  lat_matrix all = lat_matrix_of(values, N, 1);
  *loss = -lat_method_summary(f, LAT_GIVES_MEAN, &all);
  return LAT_OK;
}

lat_status lat_train_validate(lat_workspace *work, const lat_model *model, void *nets,
                              const void *options, const lat_training *t, double *loss)
{
  const lat_fitted f = fitted_of(model, nets, options);
  if (!t->validation) return lat_fail(work, LAT_INVALID, "validation is missing");
  LAT_TRY(check_validation(work, &f, t));
  return of_validation(work, validate(work, &f, t, loss));
}

/* Parameters and their averages, as they are, into `kept`, or back from there. */
static void keep(const run *r, bool back)
{
  const lat_store *store = &deep_of(r)->store;
  void *const now[] = {store->values, store->average};
  size_t bytes = store->size * lat_dtype_size(store->dtype);
  for (int i = 0; i < 2; i++)
    if (now[i]) memcpy(back ? now[i] : r->kept[i], back ? r->kept[i] : now[i], bytes);
}

/* After an epoch: false when the fit has no use for another one. */
static lat_status review(run *r, lat_training_report *report, size_t *since, bool *more)
{
  const lat_training *t = r->training;
  if (t->validation) {
    LAT_TRY(lat_train_validate(r->work, r->model, r->fitted.aside, r->fitted.options, t,
                               &report->validation));
    bool lower = report->validation < report->best;
    *since = lower ? 0 : *since + 1;
    if (lower) report->best = report->validation;
    if (lower && t->patience) keep(r, false);
  }
  report->converged = t->patience && *since >= t->patience;
  *more = (!t->observe || t->observe(t->observer, report)) && !report->converged;
  return LAT_OK;
}

static lat_status run_epochs(run *r, lat_training_report *report)
{
  const lat_training *t = r->training;
  const lat_store *store = &deep_of(r)->store;
  size_t since = 0;
  bool more = true;
  for (int i = 0; t->patience && i < 2; i++) {
    r->kept[i] = lat_allocate(r->work, store->size, lat_dtype_size(store->dtype));
    if (!r->kept[i]) return LAT_MEMORY;
  }
  for (size_t e = 0; more && e < t->epochs; e++) {
    bool whole, over;
    double loss;
    LAT_TRY(run_epoch(r, t->earlier + e + 1, &loss, &whole, &over));
    if (!whole) break;
    report->loss = loss;
    report->epochs = e + 1;
    LAT_TRY(review(r, report, &since, &more));
    more = more && !over;
  }
  if (t->patience && since > 0 && isfinite(report->best)) keep(r, true);
  return LAT_OK;
}

lat_status lat_train(lat_workspace *work, const lat_model *model, void *nets, const void *options,
                     const lat_matrix *X, const lat_training *training, lat_training_report *report)
{
  lat_training_report own;
  if (!report) report = &own;
  *report = (lat_training_report){.loss = NAN, .validation = NAN, .best = INFINITY};
  run r = {.work = work,
           .model = model,
           .fitted = fitted_of(model, nets, options),
           .training = training,
           .X = X};
  lat_dtype dtype;
  LAT_SCOPE(work);
  LAT_TRY(lat_train_begin(work, model, nets, options, X, training, &dtype));
  if (training->max_seconds > 0) r.deadline = lat_clock() + training->max_seconds;
  LAT_TRY(make_batch(&r, dtype));
  return run_epochs(&r, report);
}
