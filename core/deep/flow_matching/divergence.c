/* flow_matching/divergence.c: directional derivatives of the net's velocity (internal.h).
 *
 * Through layers h_l = f(a_l), a_l = h_{l-1} W_l + b_l, the derivative along a direction r of x is
 *
 *   u_0 = r,   u_l = f'(a_l) * (u_{l-1} W_l),
 *
 * with the rows of x of the first layer's weights alone. K directions of a row are K rows of u, so
 * that each layer is one product of all, and nothing is kept for a backward pass. */
#include "deep/flow_matching/internal.h"

lat_divergence lat_flow_matching_divergence(lat_tape *tape, const lat_time_net *net,
                                            lat_value inputs, lat_value directions, size_t K)
{
  const lat_store *store = net->net.store;
  lat_value h = inputs, u = directions;
  for (size_t l = 0; l < net->net.count; l++) {
    const lat_layer *layer = &net->layers[l];
    lat_matrix W = lat_store_view(store, store->values, layer->weight);
    lat_matrix b = lat_store_view(store, store->values, layer->bias);
    lat_matrix of_x = lat_block_of(W, 0, 0, l == 0 ? net->D : W.rows, W.cols);
    lat_value a =
        lat_nn_linear(tape, h, lat_nn_borrow(tape, &W), lat_nn_borrow(tape, &b), LAT_NN_LINEAR);
    u = lat_nn_product(tape, u, lat_nn_borrow(tape, &of_x), false, false);
    if (layer->activation != LAT_NN_LINEAR) {
      lat_value slope = lat_nn_slope(tape, a, layer->activation);
      u = lat_nn_multiply(tape, u, K > 1 ? lat_nn_repeat_rows(tape, slope, K) : slope);
    }
    h = lat_nn_activate(tape, a, layer->activation);
  }
  return (lat_divergence){h, u};
}
