/* kernels.h: the loops of the operations, and how they are run. Private to nn.
 *
 * A kernel does a range of items (elements, rows or columns) of one operation, for one type; the
 * templates are included twice (both_types.h), with `real` float and double, and K(name) the name
 * with 32 or 64 after it. Work is cut by its size alone, so results don't depend on the number of
 * threads; a kernel never splits a sum between ranges. */
#ifndef LAT_NN_KERNELS_H
#define LAT_NN_KERNELS_H

#include "nn/limits.h"
#include "nn/ops.h"

/* The arguments of a kernel; the comment of each kernel has their meanings. */
typedef struct lat_args {
  const void *a, *b, *c, *d; /* read */
  void *x, *y, *z;           /* written */
  size_t rows, cols, n, m;
  double s, t;
  bool add, add_y, add_z; /* to x, y, z instead of storing */
  int kind;
} lat_args;

typedef void lat_nn_kernel(const lat_args *args, size_t begin, size_t end);

/* The kernel `name` for the tape's type: an argument of lat_nn_run. */
#define KERNEL(tape, name) ((tape)->dtype == LAT_FLOAT64 ? name##64 : name##32)

/* Runs it over `items`, each of which costs about `cost` simple operations. */
void lat_nn_run(lat_nn_kernel *kernel, const lat_args *args, size_t items, size_t cost);

/* Sets the nodes of all handles; false when one has failed. */
bool lat_nodes(lat_tape *tape, size_t count, const lat_value values[], lat_node *nodes[]);

/* Backward passes, by the kind of operation (tape.c calls them through a table). */
#define OP(name) void lat_back_##name(lat_tape *tape, lat_node *node);
LAT_OPS(OP)
#undef OP

/* In a kernel: at = value, or += . `plus` is a local variable. */
#define PUT(at, plus, value) ((at) = K(kept)(at, plus) + (value))

#endif
