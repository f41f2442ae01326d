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
  *layer = (lat_layer){inputs, outputs, SIZE_MAX, SIZE_MAX, options->last};
  snprintf(full, sizeof full, "%.*s.weight", LAT_STORE_NAME, name);
  LAT_TRY(lat_store_add(work, store, full, inputs, outputs, init, gain, 0, &layer->weight));
  if (options->no_bias) return LAT_OK;
  snprintf(full, sizeof full, "%.*s.bias", LAT_STORE_NAME, name);
  init = init == LAT_INIT_TORCH ? LAT_INIT_TORCH : LAT_INIT_ZERO;
  return lat_store_add(work, store, full, 1, outputs, init, gain, inputs, &layer->bias);
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

static lat_value bias_of(lat_tape *tape, const lat_net *net, const lat_layer *layer)
{
  if (layer->bias == SIZE_MAX) return (lat_value){0};
  return lat_nn_parameter(tape, net->store, layer->bias);
}

/* One layer, up to its activation (which may be LAT_NN_LINEAR). */
static lat_value apply(lat_tape *tape, const lat_net *net, const lat_layer *layer, lat_value x,
                       lat_activation f)
{
  if (layer->inputs == 0) return lat_nn_activate(tape, x, f);
  return lat_nn_linear(tape, x, lat_nn_parameter(tape, net->store, layer->weight),
                       bias_of(tape, net, layer), f);
}

lat_value lat_net_forward(lat_tape *tape, const lat_net *net, lat_value x)
{
  for (size_t i = 0; i < net->count; i++)
    x = apply(tape, net, &net->layers[i], x, net->layers[i].activation);
  return x;
}

/* Backwards through the layers: g := g f'(a), then g := g W', where a are the layer's sums. */
lat_value lat_net_input_gradient(lat_tape *tape, const lat_net *net, lat_value x, lat_value v)
{
  lat_value *sums = lat_tape_bytes(tape, net->count, sizeof *sums), y = x, none = {0};
  if (!sums) return none;
  for (size_t i = 0; i < net->count; i++) {
    sums[i] = apply(tape, net, &net->layers[i], y, LAT_NN_LINEAR);
    y = lat_nn_activate(tape, sums[i], net->layers[i].activation);
  }
  lat_node *out = lat_tape_node(tape, y);
  if (!out) return none;
  lat_value g = lat_nn_fill(tape, out->rows, out->cols, 1);
  if (v.step) g = lat_nn_multiply(tape, g, v);
  for (size_t i = net->count; i-- > 0;) {
    const lat_layer *layer = &net->layers[i];
    if (layer->activation != LAT_NN_LINEAR)
      g = lat_nn_multiply(tape, g, lat_nn_slope(tape, sums[i], layer->activation));
    if (layer->inputs)
      g = lat_nn_product(tape, g, lat_nn_parameter(tape, net->store, layer->weight), false, true);
  }
  return g;
}
