/* tape.h: reverse-mode differentiation.
 *
 * A tape is an array of nodes. An operation (ops.h) computes its value at once and appends a node
 * that remembers its inputs, so the order of the nodes is already topological, and the backward
 * pass is one loop from the end. All values are matrices, row-major and packed; a batch has its
 * observations as rows.
 *
 * Memory is a bump arena: `reset` begins the next step, and from the second step on nothing is
 * allocated from the system. A handle has the number of its step; one of an earlier step fails.
 *
 * How a C caller builds a step:
 *
 *   lat_tape tape;
 *   lat_tape_init(&tape, LAT_FLOAT32, seed);
 *   for (each batch) {
 *     lat_tape_reset(&tape);
 *     lat_value x = lat_nn_input(&tape, &batch, false);
 *     lat_value h = lat_net_forward(&tape, &encoder, x);                         (layers.h)
 *     lat_value mean = lat_nn_columns(&tape, h, 0, M);
 *     lat_value log_variance = lat_nn_columns(&tape, h, M, M);
 *     lat_value z = lat_nn_reparameterize(&tape, mean, log_variance);
 *     lat_value nll = lat_nn_bernoulli_nll(&tape, lat_net_forward(&tape, &decoder, z), x);
 *     lat_value kl = lat_nn_kl_standard_normal(&tape, mean, log_variance);
 *     lat_value loss = lat_nn_add(&tape, nll, kl);
 *     LAT_TRY(lat_tape_backward(&tape, lat_nn_mean(&tape, loss, LAT_NN_ALL), false));
 *     LAT_TRY(lat_optimizer_step(work, &adam, rate));                             (optimizers.h)
 *   }
 *   lat_tape_done(&tape);
 *
 * Operations return a handle and no status: the first failure stays in tape->status with its
 * sentence in tape->memory.message, and all later operations do nothing, so it is enough to
 * test it once, at the end (lat_tape_backward does), or where a value is read.
 *
 * Gradients: of parameters (store.h) and of inputs made with gradient = true, and of everything
 * that depends on them. */
#ifndef LAT_NN_TAPE_H
#define LAT_NN_TAPE_H

#include <stdint.h>

#include "base/random.h"
#include "matrix/matrix.h"
#include "nn/store.h"

enum { LAT_NODE_INPUTS = 4, LAT_TAPE_STORES = 8 };

typedef struct lat_value {
  uint32_t node, step; /* step 0 is no value: the result of an operation that failed */
} lat_value;

typedef struct lat_node {
  uint16_t op;                      /* lat_op_kind of ops.h */
  bool needs;                       /* it needs a gradient */
  bool set;                         /* its gradient has been written in this backward pass */
  uint32_t tag;                     /* tape->tag when it was made */
  uint32_t inputs[LAT_NODE_INPUTS]; /* nodes; LAT_NONE where there are fewer */
  size_t rows, cols;
  void *value, *gradient;
  void *saved;      /* kept by the forward pass for the backward one, in the arena */
  size_t i, j;      /* sizes and places that belong to the operation */
  double a, b;      /* and numbers */
  lat_store *store; /* of a parameter */
} lat_node;

#define LAT_NONE UINT32_MAX

typedef struct lat_tape {
  lat_dtype dtype;
  uint64_t seed, step; /* the generator's state: step counts resets */
  uint32_t generation; /* of handles */
  lat_status status;   /* the first failure of the step */
  lat_workspace *work; /* on which lat_check is called, before each operation and within products;
                          or NULL, as after a reset */
  bool check;          /* every value and gradient is searched for NaN and infinities */
  uint32_t tag;        /* copied into new nodes: for example a line number of the caller's source */
  lat_node **blocks;   /* nodes don't move */
  size_t count, capacity;
  size_t forgotten;     /* values of this step that lat_tape_forget has taken away */
  lat_workspace memory; /* the arena, and the message */
  lat_mark start;
  size_t used, slab, most; /* bytes of this step, of the arena's one block, of the largest step */
  lat_store *stores[LAT_TAPE_STORES]; /* whose parameters are on the tape */
  size_t store_count;
} lat_tape;

/* All memory comes from tape->memory.allocator, which may be set before the first step. */
void lat_tape_init(lat_tape *tape, lat_dtype dtype, uint64_t seed);
void lat_tape_done(lat_tape *tape);

/* Memory for a step of so many values and bytes, between steps. False when there is none. */
bool lat_tape_reserve(lat_tape *tape, size_t nodes, size_t bytes);

/* Begins a step, without values and without a failure. */
void lat_tape_reset(lat_tape *tape);

/* A place in a step, and back to it: values and memory since then are forgotten, and their handles
 * mustn't be used any more, nor those of parameters that came on the tape since. For loops that
 * evaluate a net of constants, step after step of a solver. A failure stays. */
typedef struct lat_tape_mark {
  size_t count, used;
  lat_mark memory;
} lat_tape_mark;
lat_tape_mark lat_tape_here(const lat_tape *tape);
void lat_tape_rewind(lat_tape *tape, lat_tape_mark mark);
/* The same for loops that draw: what is drawn differs from time to time, as if all values were
 * kept. */
void lat_tape_forget(lat_tape *tape, lat_tape_mark mark);

/* Computes the gradient of `loss`, a 1 x 1 value, with respect to all that it depends on. The
 * parameters' gradients in their stores are replaced (those that the loss doesn't reach are 0), or
 * added to when `accumulate`. LAT_INVALID when the loss isn't 1 x 1, depends on nothing that has a
 * gradient, or isn't finite; then the message names the first operation of the step whose
 * result isn't. */
lat_status lat_tape_backward(lat_tape *tape, lat_value loss, bool accumulate);

/* A value as a matrix, and its gradient after a backward pass; data is NULL when there is none.
 * Good until the next reset. */
lat_matrix lat_tape_value(lat_tape *tape, lat_value value);
lat_matrix lat_tape_gradient(lat_tape *tape, lat_value value);

/* Element (0, 0) of a value; NaN after a failure. */
double lat_tape_number(lat_tape *tape, lat_value value);

/* With tape->check: false, and a failure that names the operation, when the value has a NaN or an
 * infinity. Called after each operation. */
bool lat_tape_checked(lat_tape *tape, lat_value value);

/* ---- for operations -------------------------------------------------------------------------- */

/* The node of a handle, or NULL: the step has failed, or fails now because the handle is stale. */
lat_node *lat_tape_node(lat_tape *tape, lat_value value);

/* Node number n of this step. */
static inline lat_node *lat_tape_at(const lat_tape *tape, uint32_t n)
{
  return &tape->blocks[n >> 8][n & 255];
}

/* Appends a node with a fresh value of this shape, not set, which depends on `inputs`; NULL on
 * failure. *handle becomes its handle. */
lat_node *lat_tape_push(lat_tape *tape, int op, size_t rows, size_t cols, const lat_value inputs[],
                        size_t count, lat_value *handle);

/* The node of a parameter in this step, or LAT_NONE. */
uint32_t lat_tape_find(const lat_tape *tape, const lat_store *store, size_t index);

/* Memory of this step: count elements of the tape's type, or bytes. NULL on failure. */
void *lat_tape_numbers(lat_tape *tape, size_t count);
void *lat_tape_bytes(lat_tape *tape, size_t count, size_t size);

/* False when the step has failed, or fails now because lat_check does. */
bool lat_tape_continue(lat_tape *tape);
/* Fails the step; printf-like. Returns no value. */
lat_value lat_tape_fail(lat_tape *tape, lat_status status, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 3, 4)))
#endif
    ;

/* The gradient of input k of a node: `at` is NULL when it needs none, or when there is no memory.
 * The kernel stores when `add` is false, and adds when it is true. */
typedef struct lat_slot {
  void *at;
  bool add;
} lat_slot;
lat_slot lat_tape_slot(lat_tape *tape, const lat_node *node, size_t k);

/* The generator of node `n` in this step. */
lat_random lat_tape_random(const lat_tape *tape, uint32_t n);

#endif
