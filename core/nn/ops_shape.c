/* ops_shape.c: columns, rows and other parts of values, and their transposes (ops.h).
 *
 * Values are copied as bytes, of either type; only gradients that are added need it. */
#include <string.h>

#include "base/clones.h"
#include "nn/kernels.h"

/* ---- rows of bytes -------------------------------------------------------- */

static LAT_CLONES void add32(size_t n, const float *restrict from, float *restrict to)
{
  LAT_INDEPENDENT for (size_t i = 0; i < n; i++) to[i] += from[i];
}

static LAT_CLONES void add64(size_t n, const double *restrict from, double *restrict to)
{
  LAT_INDEPENDENT for (size_t i = 0; i < n; i++) to[i] += from[i];
}

/* Row `to` of n numbers := or += row `from`. */
static void put_row(const lat_tape *tape, void *to, const void *from, size_t n, bool add)
{
  if (!add)
    memcpy(to, from, n * lat_dtype_size(tape->dtype));
  else if (tape->dtype == LAT_FLOAT64)
    add64(n, from, to);
  else
    add32(n, from, to);
}

static void *row_at(const lat_tape *tape, void *data, size_t i, size_t cols, size_t col)
{
  return (char *)data + (i * cols + col) * lat_dtype_size(tape->dtype);
}

/* A slot that will be added to: cleared when nothing is there yet. */
static void *cleared(lat_tape *tape, const lat_node *node, size_t k)
{
  const lat_node *in = lat_tape_at(tape, node->inputs[k]);
  lat_slot slot = lat_tape_slot(tape, node, k);
  if (slot.at && !slot.add) memset(slot.at, 0, in->rows * in->cols * lat_dtype_size(tape->dtype));
  return slot.at;
}

/* ---- columns --------------------------------------------------------------------------------- */

lat_value lat_nn_columns(lat_tape *tape, lat_value x, size_t first, size_t count)
{
  lat_value value = {0};
  lat_node *in = lat_tape_node(tape, x);
  if (!in) return value;
  if (count == 0 || first >= in->cols || count > in->cols - first)
    return lat_tape_fail(tape, LAT_SHAPE, "columns %zu..%zu are outside of the %zux%zu value",
                         first + 1, first + count, in->rows, in->cols);
  lat_node *node = lat_tape_push(tape, LAT_OP_columns, in->rows, count, &x, 1, &value);
  if (!node) return value;
  node->i = first;
  for (size_t i = 0; i < in->rows; i++)
    put_row(tape, row_at(tape, node->value, i, count, 0),
            row_at(tape, in->value, i, in->cols, first), count, false);
  return value;
}

void lat_back_columns(lat_tape *tape, lat_node *node)
{
  const lat_node *in = lat_tape_at(tape, node->inputs[0]);
  void *at = cleared(tape, node, 0);
  if (!at) return;
  for (size_t i = 0; i < node->rows; i++)
    put_row(tape, row_at(tape, at, i, in->cols, node->i),
            row_at(tape, node->gradient, i, node->cols, 0), node->cols, true);
}

/* Row `to` takes its numbers from, or (back) adds them to, the places `columns` of row `from`. */
static void choose(const lat_tape *tape, const lat_node *node, void *wide, size_t wide_cols,
                   void *narrow, bool back)
{
  const size_t *columns = node->saved, size = lat_dtype_size(tape->dtype);
  for (size_t i = 0; i < node->rows; i++) {
    char *row = row_at(tape, wide, i, wide_cols, 0), *own = row_at(tape, narrow, i, node->cols, 0);
    for (size_t k = 0; k < node->cols; k++)
      if (back)
        put_row(tape, row + columns[k] * size, own + k * size, 1, true);
      else
        memcpy(own + k * size, row + columns[k] * size, size);
  }
}

lat_value lat_nn_gather_columns(lat_tape *tape, lat_value x, const size_t *columns, size_t count)
{
  lat_value value = {0};
  lat_node *in = lat_tape_node(tape, x);
  if (!in) return value;
  if (count == 0) return lat_tape_fail(tape, LAT_SHAPE, "there must be at least one column");
  for (size_t k = 0; k < count; k++)
    if (columns[k] >= in->cols)
      return lat_tape_fail(tape, LAT_INVALID, "column %zu is outside of the %zux%zu value",
                           columns[k] + 1, in->rows, in->cols);
  size_t *copy = lat_tape_bytes(tape, count, sizeof *copy);
  lat_node *node = lat_tape_push(tape, LAT_OP_gather_columns, in->rows, count, &x, 1, &value);
  if (!node) return value;
  node->saved = memcpy(copy, columns, count * sizeof *copy);
  choose(tape, node, in->value, in->cols, node->value, false);
  return value;
}

void lat_back_gather_columns(lat_tape *tape, lat_node *node)
{
  const lat_node *in = lat_tape_at(tape, node->inputs[0]);
  void *at = cleared(tape, node, 0);
  if (at) choose(tape, node, at, in->cols, node->gradient, true);
}

lat_value lat_nn_concat(lat_tape *tape, lat_value a, lat_value b)
{
  lat_value value = {0}, inputs[2] = {a, b};
  lat_node *in[2];
  if (!lat_nodes(tape, 2, inputs, in)) return value;
  if (in[0]->rows != in[1]->rows)
    return lat_tape_fail(tape, LAT_SHAPE, "%zux%zu and %zux%zu don't fit side by side", in[0]->rows,
                         in[0]->cols, in[1]->rows, in[1]->cols);
  size_t cols = in[0]->cols + in[1]->cols;
  lat_node *node = lat_tape_push(tape, LAT_OP_concat, in[0]->rows, cols, inputs, 2, &value);
  if (!node) return value;
  for (size_t k = 0, at = 0; k < 2; at += in[k++]->cols)
    for (size_t i = 0; i < node->rows; i++)
      put_row(tape, row_at(tape, node->value, i, cols, at),
              row_at(tape, in[k]->value, i, in[k]->cols, 0), in[k]->cols, false);
  return value;
}

void lat_back_concat(lat_tape *tape, lat_node *node)
{
  for (size_t k = 0, first = 0; k < 2; k++) {
    size_t cols = lat_tape_at(tape, node->inputs[k])->cols;
    lat_slot slot = lat_tape_slot(tape, node, k);
    for (size_t i = 0; slot.at && i < node->rows; i++)
      put_row(tape, row_at(tape, slot.at, i, cols, 0),
              row_at(tape, node->gradient, i, node->cols, first), cols, slot.add);
    first += cols;
  }
}

/* ---- rows ------------------------------------------------------------------------------------ */

lat_value lat_nn_gather(lat_tape *tape, lat_value x, const size_t *rows, size_t count)
{
  lat_value value = {0};
  lat_node *in = lat_tape_node(tape, x);
  if (!in) return value;
  if (count == 0) return lat_tape_fail(tape, LAT_SHAPE, "there must be at least one row");
  for (size_t k = 0; k < count; k++)
    if (rows[k] >= in->rows)
      return lat_tape_fail(tape, LAT_INVALID, "row %zu is outside of the %zux%zu value",
                           rows[k] + 1, in->rows, in->cols);
  size_t *copy = lat_tape_bytes(tape, count, sizeof *copy);
  lat_node *node = lat_tape_push(tape, LAT_OP_gather, count, in->cols, &x, 1, &value);
  if (!node) return value;
  node->saved = memcpy(copy, rows, count * sizeof *copy);
  for (size_t k = 0; k < count; k++)
    put_row(tape, row_at(tape, node->value, k, in->cols, 0),
            row_at(tape, in->value, rows[k], in->cols, 0), in->cols, false);
  return value;
}

void lat_back_gather(lat_tape *tape, lat_node *node)
{
  const size_t *rows = node->saved;
  void *at = cleared(tape, node, 0);
  if (!at) return;
  for (size_t k = 0; k < node->rows; k++)
    put_row(tape, row_at(tape, at, rows[k], node->cols, 0),
            row_at(tape, node->gradient, k, node->cols, 0), node->cols, true);
}

lat_value lat_nn_repeat_rows(lat_tape *tape, lat_value x, size_t times)
{
  lat_value value = {0};
  lat_node *in = lat_tape_node(tape, x);
  if (!in) return value;
  if (times == 0 || in->rows > SIZE_MAX / times)
    return lat_tape_fail(tape, LAT_SHAPE, "rows can't be repeated %zu times", times);
  lat_node *node =
      lat_tape_push(tape, LAT_OP_repeat_rows, in->rows * times, in->cols, &x, 1, &value);
  if (!node) return value;
  node->i = times;
  for (size_t k = 0; k < node->rows; k++)
    put_row(tape, row_at(tape, node->value, k, in->cols, 0),
            row_at(tape, in->value, k / times, in->cols, 0), in->cols, false);
  return value;
}

void lat_back_repeat_rows(lat_tape *tape, lat_node *node)
{
  lat_slot slot = lat_tape_slot(tape, node, 0);
  for (size_t k = 0; slot.at && k < node->rows; k++)
    put_row(tape, row_at(tape, slot.at, k / node->i, node->cols, 0),
            row_at(tape, node->gradient, k, node->cols, 0), node->cols,
            slot.add || k % node->i > 0);
}

/* ---- the transpose --------------------------------------------------------------------------- */

lat_value lat_nn_transpose(lat_tape *tape, lat_value x)
{
  lat_value value = {0};
  lat_node *in = lat_tape_node(tape, x);
  if (!in || !lat_tape_push(tape, LAT_OP_transpose, in->cols, in->rows, &x, 1, &value))
    return value;
  lat_matrix from = lat_transpose(lat_tape_value(tape, x)), to = lat_tape_value(tape, value);
  lat_copy(&from, &to);
  return value;
}

void lat_back_transpose(lat_tape *tape, lat_node *node)
{
  lat_slot slot = lat_tape_slot(tape, node, 0);
  if (!slot.at) return;
  void *transposed = slot.add ? lat_tape_numbers(tape, node->rows * node->cols) : slot.at;
  if (!transposed) return;
  lat_matrix g = {node->gradient, node->rows, node->cols, (ptrdiff_t)node->cols, 1, tape->dtype};
  lat_matrix to = {transposed, node->cols, node->rows, (ptrdiff_t)node->rows, 1, tape->dtype};
  lat_matrix from = lat_transpose(g);
  lat_copy(&from, &to);
  if (slot.add) put_row(tape, slot.at, transposed, node->rows * node->cols, true);
}
