/* layers.c: linear layers and multilayer perceptrons on a store (layers.h). */
#include "nn/layers.h"

#include <stdio.h>

lat_init lat_init_for(lat_activation activation)
{
  switch (activation) {
  case LAT_NN_RELU:
  case LAT_NN_LEAKY_RELU:
  case LAT_NN_ELU:
  case LAT_NN_SILU:
  case LAT_NN_GELU:
  case LAT_NN_SOFTPLUS:
    return LAT_INIT_HE;
  default:
    return LAT_INIT_GLOROT;
  }
}

lat_status lat_layer_add(lat_workspace *work, lat_store *store, const char *name, size_t inputs,
                         size_t outputs, const lat_layer_options *options, lat_layer *layer)
{
  char full[LAT_STORE_NAME + 16];
  lat_init init = options->init == LAT_INIT_AUTO ? lat_init_for(options->last) : options->init;
  double gain = options->gain != 0 ? options->gain : 1;
  *layer = (lat_layer){inputs, outputs, SIZE_MAX, SIZE_MAX, SIZE_MAX, options->last};
  snprintf(full, sizeof full, "%.*s.weight", LAT_STORE_NAME, name);
  LAT_TRY(lat_store_add(work, store, full, inputs, outputs, init, gain, 0, &layer->weight));
  if (!options->no_bias) {
    snprintf(full, sizeof full, "%.*s.bias", LAT_STORE_NAME, name);
    init = init == LAT_INIT_TORCH ? LAT_INIT_TORCH : LAT_INIT_ZERO;
    LAT_TRY(lat_store_add(work, store, full, 1, outputs, init, gain, inputs, &layer->bias));
  }
  if (!options->spectral) return LAT_OK;
  snprintf(full, sizeof full, "%.*s.u", LAT_STORE_NAME, name); /* a random unit vector */
  LAT_TRY(lat_store_add(work, store, full, 1, outputs, LAT_INIT_ORTHOGONAL, 1, 0, &layer->u));
  lat_store_fix(store, layer->u);
  return LAT_OK;
}

lat_status lat_net_mlp(lat_workspace *work, lat_store *store, const char *name, const size_t *sizes,
                       size_t count, const lat_layer_options *options, lat_layer *layers,
                       lat_net *net)
{
  char full[LAT_STORE_NAME + 32];
  for (size_t i = 0; i < count; i++) {
    lat_layer_options own = *options;
    bool last = i + 1 == count;
    own.last = last ? options->last : options->activation;
    if (last && options->zero_last) own.init = LAT_INIT_ZERO;
    snprintf(full, sizeof full, "%.*s.%zu", LAT_STORE_NAME, name, i + 1);
    LAT_TRY(lat_layer_add(work, store, full, sizes[i], sizes[i + 1], &own, &layers[i]));
  }
  *net = (lat_net){store, layers, count};
  return LAT_OK;
}

lat_status lat_net_append(lat_workspace *work, lat_net *net, const lat_net *part, size_t number)
{
  const size_t inputs = lat_net_inputs(part), columns = lat_net_outputs(net);
  if (columns && inputs && inputs != columns)
    return lat_fail(work, LAT_SHAPE, "part %zu takes %zu columns, the part before gives %zu",
                    number, inputs, columns);
  if (inputs && part->store != net->store)
    return lat_fail(work, LAT_INVALID, "part %zu has its parameters in another store", number);
  for (size_t k = 0; k < part->count; k++) net->layers[net->count++] = part->layers[k];
  return LAT_OK;
}

size_t lat_net_inputs(const lat_net *net)
{
  for (size_t i = 0; i < net->count; i++)
    if (net->layers[i].inputs) return net->layers[i].inputs;
  return 0;
}

size_t lat_net_outputs(const lat_net *net)
{
  for (size_t i = net->count; i-- > 0;)
    if (net->layers[i].outputs) return net->layers[i].outputs;
  return 0;
}

lat_status lat_net_describe(lat_workspace *work, const lat_net *net, const char **text)
{
  enum { LAYER = 64 }; /* characters: half for the digits of a size, half for a name */
  char *out = lat_allocate(work, net->count + 1, LAYER), *at = out;
  if (!out) return LAT_MEMORY;
  at += snprintf(at, LAYER, "%zu", lat_net_inputs(net));
  for (size_t i = 0; i < net->count; i++) {
    const lat_layer *layer = &net->layers[i];
    if (layer->inputs) at += snprintf(at, LAYER / 2, " -> %zu", layer->outputs);
    if (layer->activation != LAT_NN_LINEAR)
      at += snprintf(at, LAYER / 2, " %s", lat_activation_names[layer->activation]);
  }
  *text = out;
  return LAT_OK;
}

/* Parameter `index` of the net, or its value as a constant. */
static lat_value parameter(lat_tape *tape, const lat_net *net, size_t index, bool constant)
{
  if (!constant) return lat_nn_parameter(tape, net->store, index);
  lat_matrix A = lat_store_view(net->store, net->store->values, index);
  return lat_nn_borrow(tape, &A);
}

static lat_value weight_of(lat_tape *tape, const lat_net *net, const lat_layer *layer,
                           bool constant)
{
  lat_value W = parameter(tape, net, layer->weight, constant);
  if (layer->u == SIZE_MAX) return W;
  return lat_nn_spectral(tape, W, parameter(tape, net, layer->u, constant));
}

/* One layer with these weights, up to the activation f. */
static lat_value apply(lat_tape *tape, const lat_net *net, const lat_layer *layer, lat_value x,
                       lat_value W, lat_activation f, bool constant)
{
  lat_value b = {0};
  if (layer->inputs == 0) return lat_nn_activate(tape, x, f);
  if (layer->bias != SIZE_MAX) b = parameter(tape, net, layer->bias, constant);
  return lat_nn_linear(tape, x, W, b, f);
}

static lat_value forward(lat_tape *tape, const lat_net *net, lat_value x, bool constant)
{
  for (size_t i = 0; i < net->count; i++) {
    const lat_layer *layer = &net->layers[i];
    lat_value W = {0};
    if (layer->inputs) W = weight_of(tape, net, layer, constant);
    x = apply(tape, net, layer, x, W, layer->activation, constant);
  }
  return x;
}

lat_value lat_net_forward(lat_tape *tape, const lat_net *net, lat_value x)
{
  return forward(tape, net, x, false);
}

lat_value lat_net_constant(lat_tape *tape, const lat_net *net, lat_value x)
{
  return forward(tape, net, x, true);
}

/* ---- gradients of the input ------------------------------------------------------------------ */

/* A layer of a net as it was computed: its weights, and f'(a) at its sums a, or no value where that
 * is 1. */
typedef struct passed {
  lat_value W, slope;
} passed;

/* Where f' is a function of f's result, that is all that has to be computed. */
static lat_value pass(lat_tape *tape, const lat_net *net, const lat_layer *layer, lat_value x,
                      passed *p)
{
  const lat_activation f = layer->activation;
  const bool sums = f == LAT_NN_SILU || f == LAT_NN_GELU;
  *p = (passed){{0}, {0}};
  if (layer->inputs) p->W = weight_of(tape, net, layer, false);
  lat_value y = apply(tape, net, layer, x, p->W, sums ? LAT_NN_LINEAR : f, false);
  if (f == LAT_NN_LINEAR) return y;
  p->slope = sums ? lat_nn_slope(tape, layer->inputs ? y : x, f) : lat_nn_slope_of(tape, y, f);
  return sums ? lat_nn_activate(tape, layer->inputs ? y : x, f) : y;
}

/* Backwards through the layers: g := g f'(a), then g := g W'. */
lat_value lat_net_input_gradient(lat_tape *tape, const lat_net *net, lat_value x, lat_value v,
                                 lat_value *output)
{
  passed *all = lat_tape_bytes(tape, net->count, sizeof *all);
  lat_value y = x, none = {0};
  if (!all) return none;
  for (size_t i = 0; i < net->count; i++) y = pass(tape, net, &net->layers[i], y, &all[i]);
  lat_node *out = lat_tape_node(tape, y);
  if (!out) return none;
  if (output) *output = y;
  lat_value g = lat_nn_fill(tape, out->rows, out->cols, 1);
  if (v.step) g = lat_nn_multiply(tape, g, v);
  for (size_t i = net->count; i-- > 0;) {
    if (all[i].slope.step) g = lat_nn_multiply(tape, g, all[i].slope);
    if (net->layers[i].inputs) g = lat_nn_product(tape, g, all[i].W, false, true);
  }
  return g;
}

/* ---- spectral normalization ------------------------------------------------------------------ */

lat_status lat_net_power_iteration(lat_workspace *work, const lat_net *net, double *norms)
{
  lat_store *store = net->store;
  for (size_t i = 0; i < net->count; i++) {
    const lat_layer *layer = &net->layers[i];
    if (norms) norms[i] = 0;
    if (layer->inputs == 0 || layer->u == SIZE_MAX) continue;
    lat_matrix W = lat_store_view(store, store->values, layer->weight);
    lat_matrix u = lat_store_view(store, store->values, layer->u);
    LAT_TRY(lat_spectral_iteration(work, &W, &u, norms ? &norms[i] : NULL));
  }
  return LAT_OK;
}
