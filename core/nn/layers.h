/* layers.h: nets of linear layers and activations, whose parameters are in a store.
 *
 * A net is a list of layers, each f(x W + b); W is inputs x outputs. Values, gradients and names
 * are the store's: NAME.1.weight, NAME.1.bias, NAME.2.weight, ...
 *
 * With spectral normalization a layer is f(x W/|W|_2 + b), so that no layer stretches a difference
 * of two rows (Miyato, Kataoka, Koyama and Yoshida, Spectral normalization for generative
 * adversarial networks, ICLR 2018). The largest singular value |W|_2 is estimated from a vector u
 * (1 x outputs, fixed, NAME.1.u), which lat_net_power_iteration brings closer to the singular
 * vector, once a step. */
#ifndef LAT_NN_LAYERS_H
#define LAT_NN_LAYERS_H

#include "nn/ops.h"

typedef struct lat_layer {
  size_t inputs, outputs; /* both 0 in a layer that is an activation only */
  size_t weight, bias;    /* numbers in the store; bias is SIZE_MAX when there is none */
  size_t u;               /* of a normalized layer; else SIZE_MAX */
  lat_activation activation;
} lat_layer;

typedef struct lat_net {
  lat_store *store;
  lat_layer *layers; /* the caller's, for `count` of them */
  size_t count;
} lat_net;

typedef struct lat_layer_options {
  lat_activation activation; /* between the layers of an mlp */
  lat_activation last;       /* after the last one */
  lat_init init;
  double gain; /* a factor of the initial values; 0 is 1 */
  bool no_bias;
  bool zero_last; /* the last layer begins at 0 */
  bool spectral;
} lat_layer_options;

/* The initialization that goes with an activation: He for the relu family, Glorot for the
 * others. */
lat_init lat_init_for(lat_activation activation);

/* Adds a layer's parameters to the store, named NAME.weight, NAME.bias and NAME.u. */
lat_status lat_layer_add(lat_workspace *work, lat_store *store, const char *name, size_t inputs,
                         size_t outputs, const lat_layer_options *options, lat_layer *layer);

/* net := sizes[0] -> sizes[1] -> ... -> sizes[count], in `layers`, which has space for `count`. */
lat_status lat_net_mlp(lat_workspace *work, lat_store *store, const char *name, const size_t *sizes,
                       size_t count, const lat_layer_options *options, lat_layer *layers,
                       lat_net *net);

/* Appends the layers of `part` (whose number messages give) to those of the net; its `layers` have
 * space for them. LAT_SHAPE when the part takes other columns than the net gives; LAT_INVALID when
 * its parameters are in another store. */
lat_status lat_net_append(lat_workspace *work, lat_net *net, const lat_net *part, size_t number);

/* Columns of the net's input and output; 0 when it has activations only. */
size_t lat_net_inputs(const lat_net *net);
size_t lat_net_outputs(const lat_net *net);
/* "784 -> 400 relu -> 40". Keeps the text. */
lat_status lat_net_describe(lat_workspace *work, const lat_net *net, const char **text);

lat_value lat_net_forward(lat_tape *tape, const lat_net *net, lat_value x);

/* The same with the net's parameters as constants, so that a loss has gradients of x through the
 * net, but none of the net's own. The store isn't written to: several tapes may work at once. */
lat_value lat_net_constant(lat_tape *tape, const lat_net *net, lat_value x);

/* The gradient of sum_j v_j y_j, y = net(x), with respect to x, row by row: B x inputs, as an
 * ordinary expression that depends on the parameters and on x. v is 1 x outputs, B x outputs, or no
 * value: all ones. For relu and leaky_relu f' is a constant almost everywhere; of the others f'' is
 * used when this is differentiated. *output becomes y, unless NULL. */
lat_value lat_net_input_gradient(lat_tape *tape, const lat_net *net, lat_value x, lat_value v,
                                 lat_value *output);

/* One step of the power iteration for the u of each layer that has one: v := W u/|W u|,
 * u := W'v/|W'v|. Of layer k norms[k] := |W u|, by which it divides W, unless NULL; 0 of the
 * others. */
lat_status lat_net_power_iteration(lat_workspace *work, const lat_net *net, double *norms);

#endif
