/* diffusion/predict.c: what the net says of x_0, X(x_t, t), with the weights, the class and the
 * guidance that a request asks for; and the loops that all steps are made of (internal.h). */
#include <math.h>

#include "base/clones.h"
#include "deep/common/decoder.h"
#include "deep/diffusion/internal.h"

#define TEMPLATE "deep/diffusion/kernels_template.h"
#include "nn/both_types.h"

/* ---- loops ----------------------------------------------------------------------------------- */

void lat_diffusion_combine(const lat_matrix *y, double p, const lat_matrix *a, double q,
                           const lat_matrix *b, double r, const lat_matrix *c)
{
  (y->dtype == LAT_FLOAT64 ? combine64 : combine32)(y->rows * y->cols, p, a->data, q, b->data, r,
                                                    c ? c->data : NULL, y->data);
}

void lat_diffusion_distances(const lat_matrix *a, const lat_matrix *b, double *sums)
{
  (a->dtype == LAT_FLOAT64 ? distances64 : distances32)(a->rows, a->cols, a->data, b->data, sums);
}

void lat_diffusion_normal(lat_random random, size_t first, const lat_matrix *e)
{
  random.position += first * e->cols;
  if (e->dtype == LAT_FLOAT64)
    lat_random_fill_normal(NULL, &random, e->rows * e->cols, e->data);
  else
    lat_random_fill_normal_float(NULL, &random, e->rows * e->cols, e->data);
}

lat_matrix lat_diffusion_rows(lat_tape *tape, size_t rows, size_t cols)
{
  return (lat_matrix){
      lat_tape_numbers(tape, rows * cols), rows, cols, (ptrdiff_t)cols, 1, tape->dtype};
}

void lat_diffusion_mix(const lat_diffusion *model, const lat_matrix *x, const lat_matrix *e,
                       size_t t, const size_t *at, const lat_matrix *y)
{
  for (size_t i = 0; i < x->rows; i += at ? 1 : x->rows) {
    size_t rows = at ? 1 : x->rows;
    lat_noise_level level = lat_diffusion_level(model, at ? at[i] + 1 : t);
    lat_matrix to = lat_block_of(*y, i, 0, rows, x->cols);
    lat_matrix from = lat_block_of(*x, i, 0, rows, x->cols);
    lat_matrix noise = lat_block_of(*e, i, 0, rows, x->cols);
    lat_diffusion_combine(&to, level.signal, &from, level.noise, &noise, 0, NULL);
  }
}

/* ---- the range of the data ------------------------------------------------------------------- */

lat_status lat_diffusion_bounds(lat_workspace *work, const lat_diffusion *model,
                                lat_diffusion_use *use)
{
  const lat_store *store = &model->deep.store;
  size_t D = model->options.input_dim;
  use->least = use->most = NULL;
  if (!model->options.clamp || !lat_units_known(&model->units)) return LAT_OK;
  lat_matrix range = lat_store_view(store, store->values, model->range);
  lat_matrix to = {
      lat_allocate(work, 2 * D, lat_dtype_size(store->dtype)), 2, D, (ptrdiff_t)D, 1, store->dtype};
  if (!to.data) return LAT_MEMORY;
  lat_units_standardize(&model->units, &range, &to);
  use->least = to.data;
  use->most = (char *)to.data + D * lat_dtype_size(store->dtype);
  return LAT_OK;
}

static void keep_within(const lat_diffusion_use *use, const lat_matrix *x)
{
  if (!use->least) return;
  (x->dtype == LAT_FLOAT64 ? clamp64 : clamp32)(x->rows, x->cols, use->least, use->most, x->data);
}

/* ---- a use of the model ---------------------------------------------------------------------- */

/* Rows of a chunk: eight of them, where these are neither few rows nor many, nor long. */
static size_t chunk_of(const lat_diffusion *model, size_t rows, size_t times)
{
  size_t most = lat_rows_chunk(lat_net_width(&model->net.net)), chunk = (rows + 7) / 8;
  size_t least = most < LAT_DIFFUSION_SHARD_ROWS ? most : LAT_DIFFUSION_SHARD_ROWS;
  double each = (double)model->deep.store.numbers * (double)times;
  if (most > LAT_DIFFUSION_CHUNK) most = LAT_DIFFUSION_CHUNK;
  if ((double)most * each > LAT_DIFFUSION_WORK) most = (size_t)(LAT_DIFFUSION_WORK / each);
  if (chunk > most) chunk = most;
  return chunk < least ? least : chunk;
}

lat_status lat_diffusion_begin_use(lat_workspace *work, const lat_diffusion *model,
                                   const lat_request *request, size_t rows, size_t times,
                                   lat_diffusion_use *use)
{
  const lat_diffusion_options *o = &model->options;
  *use = (lat_diffusion_use){
      .model = model, .store = model->deep.store, .guidance = request->guidance};
  if (model->deep.store.average && !request->raw) use->store.values = model->deep.store.average;
  LAT_TRY(lat_time_net_labels(work, &o->net, request, rows, &use->labels));
  use->chunk = chunk_of(model, rows, times);
  use->numbers = 2 * lat_net_tape_numbers(&model->net.net) + lat_net_inputs(&model->net.net) +
                 8 * o->input_dim + 64;
  return lat_diffusion_bounds(work, model, use);
}

/* The net's output for rows with these labels; `at` gives times of their own, else all have t. */
static lat_value output(const lat_diffusion_use *u, lat_tape *tape, const lat_matrix *x, size_t t,
                        const size_t *at, const size_t *labels)
{
  const lat_diffusion *model = u->model;
  size_t T = model->options.timesteps, F = model->net.features;
  if (!at)
    return lat_time_net_at(tape, &model->net, &u->store, lat_nn_borrow(tape, x),
                           (double)t / (double)T, labels);
  const lat_matrix table = {model->features, T, F, (ptrdiff_t)F, 1, tape->dtype};
  const lat_time_rows rows = {.X = x, .labels = labels, .table = &table, .at = at};
  return lat_time_net_constant(tape, &model->net, &u->store,
                               lat_time_net_inputs(tape, &model->net, &rows, false));
}

bool lat_diffusion_x0(const lat_diffusion_use *u, lat_tape *tape, const lat_matrix *x, size_t t,
                      const size_t *at, size_t first, const lat_matrix *X0)
{
  double w = u->guidance;
  const size_t *labels = u->labels && w != -1 ? u->labels + first : NULL;
  lat_matrix out = lat_tape_value(tape, output(u, tape, x, t, at, labels));
  if (labels && w != 0) {
    lat_matrix any = lat_tape_value(tape, output(u, tape, x, t, at, NULL));
    if (!any.data) return false;
    lat_diffusion_combine(&out, 1 + w, &out, -w, &any, 0, NULL);
  }
  if (!out.data || !X0->data) return false;
  lat_diffusion_from_output(u, x, &out, t, at, X0);
  return true;
}

void lat_diffusion_from_output(const lat_diffusion_use *u, const lat_matrix *x,
                               const lat_matrix *out, size_t t, const size_t *at,
                               const lat_matrix *X0)
{
  for (size_t i = 0; at && i < x->rows; i++) {
    lat_noise_level level = lat_diffusion_level(u->model, at[i] + 1);
    lat_matrix to = lat_block_of(*X0, i, 0, 1, X0->cols), o = lat_block_of(*out, i, 0, 1, X0->cols);
    lat_matrix row = lat_block_of(*x, i, 0, 1, X0->cols);
    lat_diffusion_combine(&to, level.px, &row, level.po, &o, 0, NULL);
  }
  if (!at) {
    lat_noise_level level = lat_diffusion_level(u->model, t);
    lat_diffusion_combine(X0, level.px, x, level.po, out, 0, NULL);
  }
  keep_within(u, X0);
}
