/* ops_leaf.c: the leaves of a tape: data, noise and parameters (ops.h).
 *
 * A parameter has one node a step, whose value and gradient are the store's own memory. */
#include "nn/kernels.h"

static const lat_value none[1];

lat_value lat_nn_input(lat_tape *tape, const lat_matrix *X, bool gradient)
{
  lat_value value;
  lat_node *node = lat_tape_push(tape, LAT_OP_input, X->rows, X->cols, none, 0, &value);
  if (!node) return value;
  lat_matrix here = lat_tape_value(tape, value);
  lat_copy(X, &here);
  node->needs = gradient;
  return value;
}

lat_value lat_nn_borrow(lat_tape *tape, const lat_matrix *X)
{
  lat_value value;
  if (X->dtype != tape->dtype || !lat_is_packed(X)) return lat_nn_input(tape, X, false);
  lat_node *node = lat_tape_push(tape, LAT_OP_input, 0, 0, none, 0, &value);
  if (!node) return value;
  node->rows = X->rows;
  node->cols = X->cols;
  node->value = X->data;
  return value;
}

lat_value lat_nn_fill(lat_tape *tape, size_t rows, size_t cols, double number)
{
  lat_value value;
  if (!lat_tape_push(tape, LAT_OP_input, rows, cols, none, 0, &value)) return value;
  lat_matrix here = lat_tape_value(tape, value);
  lat_fill(&here, number);
  return value;
}

lat_value lat_nn_normal(lat_tape *tape, size_t rows, size_t cols)
{
  lat_value value;
  lat_node *node = lat_tape_push(tape, LAT_OP_input, rows, cols, none, 0, &value);
  if (!node) return value;
  lat_random random = lat_tape_random(tape, value.node);
  if (tape->dtype == LAT_FLOAT64)
    lat_random_fill_normal(NULL, &random, rows * cols, node->value);
  else
    lat_random_fill_normal_float(NULL, &random, rows * cols, node->value);
  return value;
}

lat_value lat_nn_uniform(lat_tape *tape, size_t rows, size_t cols)
{
  lat_value value;
  lat_node *node = lat_tape_push(tape, LAT_OP_input, rows, cols, none, 0, &value);
  if (!node) return value;
  lat_random random = lat_tape_random(tape, value.node);
  if (tape->dtype == LAT_FLOAT64)
    lat_random_fill_uniform(NULL, &random, rows * cols, node->value);
  else
    lat_random_fill_uniform_float(NULL, &random, rows * cols, node->value);
  return value;
}

/* Adds the store to the tape, whose backward pass clears gradients that it doesn't set. */
static bool register_store(lat_tape *tape, lat_store *store)
{
  for (size_t i = 0; i < tape->store_count; i++)
    if (tape->stores[i] == store) return true;
  if (tape->store_count == LAT_TAPE_STORES) {
    lat_tape_fail(tape, LAT_INVALID, "a step has parameters of at most %d stores", LAT_TAPE_STORES);
    return false;
  }
  if (store->dtype != tape->dtype) {
    lat_tape_fail(tape, LAT_INVALID, "the parameters are float%d, the tape is float%d",
                  store->dtype == LAT_FLOAT64 ? 64 : 32, tape->dtype == LAT_FLOAT64 ? 64 : 32);
    return false;
  }
  lat_status status = lat_store_seal(&tape->memory, store);
  if (status == LAT_OK) {
    tape->stores[tape->store_count++] = store;
    return true;
  }
  tape->status = status;
  return false;
}

lat_value lat_nn_parameter(lat_tape *tape, lat_store *store, size_t index)
{
  lat_value value = {0};
  if (tape->status != LAT_OK || !register_store(tape, store)) return value;
  lat_store_item *item = &store->items[index];
  uint32_t known = lat_tape_find(tape, store, index);
  if (known != LAT_NONE) return (lat_value){known, tape->generation};
  lat_node *node = lat_tape_push(tape, LAT_OP_parameter, item->rows, item->cols, none, 0, &value);
  if (!node) return value;
  node->i = index;
  size_t offset = item->offset * lat_dtype_size(store->dtype);
  node->needs = !item->fixed;
  node->store = store;
  node->value = (char *)store->values + offset;
  node->gradient = (char *)store->gradients + offset;
  item->tape = tape;
  item->step = tape->generation;
  item->node = value.node;
  return value;
}

lat_value lat_nn_detach(lat_tape *tape, lat_value x)
{
  lat_value value = {0};
  lat_node *in = lat_tape_node(tape, x);
  if (!in) return value;
  lat_node *node = lat_tape_push(tape, LAT_OP_detach, 0, 0, none, 0, &value);
  if (!node) return value;
  node->rows = in->rows;
  node->cols = in->cols;
  node->value = in->value;
  return value;
}

/* Leaves have no inputs. */
void lat_back_input(lat_tape *tape, lat_node *node)
{
  (void)tape, (void)node;
}

void lat_back_parameter(lat_tape *tape, lat_node *node)
{
  (void)tape, (void)node;
}

void lat_back_detach(lat_tape *tape, lat_node *node)
{
  (void)tape, (void)node;
}
