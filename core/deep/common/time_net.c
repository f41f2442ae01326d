/* time_net.c: inputs of a net of x, time and class, and the net at one time (time_net.h).
 *
 * An initialization by the number of inputs would make the weights of x small, few among many as
 * its columns are beside f(t), and nets learn slowly what changes fast with x. So these begin as
 * those of a layer of D inputs would, times LAT_TIME_GAIN.
 *
 * The first layer's weights have the rows of x, then those of classes, then those of f(t); so the
 * first D + C of them are a packed matrix, and f(t) times the others a constant. */
#include "deep/common/time_net.h"

#include <string.h>

#include "base/vector_math.h"
#include "deep/common/decoder.h"
#include "deep/common/limits.h"

static const size_t own_hidden[] = {128, 128, 128};
enum { OWN_DEPTH = sizeof own_hidden / sizeof *own_hidden };

static const size_t *hidden_of(const lat_time_net_options *o, size_t *depth)
{
  *depth = o->depth ? o->depth : (size_t)OWN_DEPTH;
  return o->depth ? o->hidden : own_hidden;
}

static size_t features_of(const lat_time_net_options *o)
{
  return o->time_features / 2 * 2;
}

double lat_time_net_numbers(const lat_time_net_options *o, size_t D, size_t outputs)
{
  size_t depth;
  const size_t *hidden = hidden_of(o, &depth);
  return lat_net_numbers(hidden, depth, D + o->classes + features_of(o), outputs);
}

lat_status lat_time_net_check(lat_workspace *work, const lat_time_net_options *o)
{
  if (o->depth > LAT_TIME_HIDDEN)
    return lat_fail(work, LAT_INVALID, "hidden has %zu widths, at most %d are possible", o->depth,
                    LAT_TIME_HIDDEN);
  for (size_t l = 0; l < o->depth; l++)
    if (o->hidden[l] < 1 || o->hidden[l] > LAT_TIME_WIDTH)
      return lat_fail(work, LAT_INVALID, "hidden widths are 1 to %d, got %zu", LAT_TIME_WIDTH,
                      o->hidden[l]);
  return LAT_OK;
}

lat_status lat_time_net_labels(lat_workspace *work, const lat_time_net_options *o,
                               const lat_request *request, size_t rows, const size_t **labels)
{
  *labels = NULL;
  if (o->classes && !request->classes && o->drop_labels <= 0)
    return lat_fail(
        work, LAT_INVALID,
        "labels are missing: with drop_labels = 0 the model hasn't learned what rows of "
        "any class are");
  if (!request->classes && request->guidance != 0)
    return lat_fail(work, LAT_INVALID, "guidance is towards a class: labels are missing");
  if (request->guidance != 0 && o->drop_labels <= 0)
    return lat_fail(work, LAT_INVALID,
                    "guidance is for models that are made with drop_labels > 0, got 0");
  if (!request->classes) return LAT_OK;
  return lat_class_labels(work, request->classes, rows, o->classes, o->lowest, labels);
}

lat_status lat_time_net_drop(lat_workspace *work, const lat_time_net_options *o, lat_random *random,
                             size_t n, const size_t *labels, size_t **kept)
{
  *kept = NULL;
  if (!labels) return LAT_OK;
  size_t *to = lat_allocate(work, n, sizeof *to);
  if (!to) return LAT_MEMORY;
  for (size_t i = 0; i < n; i++)
    to[i] = lat_random_uniform(random) < o->drop_labels ? LAT_NULL_CLASS : labels[i];
  *kept = to;
  return LAT_OK;
}

lat_status lat_time_net_add(lat_workspace *work, lat_store *store, const char *name, size_t D,
                            size_t outputs, const lat_time_net_options *o,
                            const lat_deep_options *training, lat_time_net *net)
{
  size_t sizes[LAT_TIME_HIDDEN + 2], depth;
  const size_t *hidden = hidden_of(o, &depth);
  *net = (lat_time_net){.D = D, .classes = o->classes, .features = features_of(o)};
  sizes[0] = D + net->classes + net->features;
  memcpy(sizes + 1, hidden, depth * sizeof *sizes);
  sizes[depth + 1] = outputs;
  lat_layer_options options = {.activation = (lat_activation)training->activation,
                               .init = (lat_init)training->init};
  LAT_TRY(lat_net_mlp(work, store, name, sizes, depth + 1, &options, net->layers, &net->net));
  lat_matrix W = lat_store_view(store, store->values, net->layers[0].weight);
  double gain = LAT_TIME_GAIN * sqrt((double)sizes[0] / (double)D);
  for (size_t i = 0; i < D; i++)
    for (size_t j = 0; j < W.cols; j++) lat_set(&W, i, j, gain * lat_get(&W, i, j));
  return LAT_OK;
}

size_t lat_time_net_tape_numbers(const lat_time_net *net)
{
  return 3 * lat_net_tape_numbers(&net->net) + 2 * lat_net_inputs(&net->net);
}

/* ---- features -------------------------------------------------------------------------------- */

/* The frequencies w_k of `half` pairs, a few at a time. */
static double frequency(size_t k, size_t half)
{
  double part = half > 1 ? (double)k / (double)(half - 1) : 0;
  return LAT_TIME_SLOWEST * pow(LAT_TIME_FASTEST / LAT_TIME_SLOWEST, part);
}

void lat_time_features(size_t n, const double *t, const lat_matrix *F)
{
  double angles[LAT_WEIGHTS_BUFFER], values[LAT_WEIGHTS_BUFFER];
  size_t half = F->cols / 2;
  for (size_t k = 0; k < half; k++) {
    double w = frequency(k, half);
    for (size_t i = 0; i < n; i += LAT_WEIGHTS_BUFFER) {
      size_t m = n - i < LAT_WEIGHTS_BUFFER ? n - i : LAT_WEIGHTS_BUFFER;
      for (size_t j = 0; j < m; j++) angles[j] = w * t[i + j];
      lat_sin(m, angles, values);
      for (size_t j = 0; j < m; j++) lat_set(F, i + j, 2 * k, values[j]);
      lat_cos(m, angles, values);
      for (size_t j = 0; j < m; j++) lat_set(F, i + j, 2 * k + 1, values[j]);
    }
  }
}

lat_value lat_time_net_inputs(lat_tape *tape, const lat_time_net *net, const lat_time_rows *rows,
                              bool gradient)
{
  size_t B = rows->X->rows, D = net->D, C = net->classes, size = lat_dtype_size(tape->dtype);
  lat_matrix all = {NULL, B,          D + C + net->features, (ptrdiff_t)(D + C + net->features),
                    1,    tape->dtype};
  all.data = lat_tape_numbers(tape, B * all.cols);
  if (!all.data) return (lat_value){0};
  lat_matrix x = lat_block_of(all, 0, 0, B, D), e = lat_block_of(all, 0, D, B, C);
  lat_matrix f = lat_block_of(all, 0, D + C, B, net->features);
  lat_copy(rows->X, &x);
  for (size_t i = 0; i < B; i++)
    for (size_t c = 0; c < C; c++) lat_set(&e, i, c, rows->labels && rows->labels[i] == c);
  if (!rows->table) lat_time_features(B, rows->t, &f);
  for (size_t i = 0; rows->table && i < B; i++)
    memcpy((char *)f.data + i * all.cols * size,
           (const char *)rows->table->data + rows->at[i] * net->features * size,
           net->features * size);
  return gradient ? lat_nn_input(tape, &all, true) : lat_nn_borrow(tape, &all);
}

lat_value lat_time_net_forward(lat_tape *tape, const lat_time_net *net, lat_store *store,
                               lat_value inputs)
{
  const lat_net own = {store, net->net.layers, net->net.count};
  return lat_net_forward(tape, &own, inputs);
}

lat_value lat_time_net_constant(lat_tape *tape, const lat_time_net *net, const lat_store *store,
                                lat_value inputs)
{
  lat_store view = *store;
  const lat_net own = {&view, net->net.layers, net->net.count};
  return lat_net_constant(tape, &own, inputs);
}

/* ---- one time -------------------------------------------------------------------------------- */

/* b + f(t) W, W the rows of the first layer's weights from `first` on: 1 x cols */
static lat_value time_bias(lat_tape *tape, const lat_matrix *W, const lat_matrix *b, size_t first,
                           double t)
{
  size_t F = W->rows - first;
  lat_value bias = lat_nn_input(tape, b, false);
  lat_matrix f = {lat_tape_numbers(tape, F), 1, F, (ptrdiff_t)F, 1, tape->dtype};
  if (!f.data) return (lat_value){0};
  lat_time_features(1, &t, &f);
  lat_matrix rows = lat_block_of(*W, first, 0, F, W->cols);
  lat_value product =
      lat_nn_product(tape, lat_nn_borrow(tape, &f), lat_nn_borrow(tape, &rows), false, false);
  return lat_nn_add(tape, bias, product);
}

lat_value lat_time_net_at(lat_tape *tape, const lat_time_net *net, const lat_store *store,
                          lat_value x, double t, const size_t *labels)
{
  size_t D = net->D, C = net->classes;
  bool classes = labels && C > 0;
  if (classes) x = lat_with_labels(tape, x, labels, C);
  for (size_t l = 0; l < net->net.count; l++) {
    const lat_layer *layer = &net->layers[l];
    lat_matrix W = lat_store_view(store, store->values, layer->weight);
    lat_matrix b = lat_store_view(store, store->values, layer->bias);
    lat_value bias = l == 0 ? time_bias(tape, &W, &b, D + C, t) : lat_nn_borrow(tape, &b);
    lat_matrix used = l == 0 ? lat_block_of(W, 0, 0, classes ? D + C : D, W.cols) : W;
    x = lat_nn_linear(tape, x, lat_nn_borrow(tape, &used), bias, layer->activation);
  }
  return x;
}
