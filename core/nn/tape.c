/* tape.c: nodes, the arena of a step, and the backward pass (tape.h).
 *
 * Nodes are in blocks that don't move; values, gradients and saved data are in the arena. The
 * backward pass goes from the loss to the first node and calls the operation of each node that has
 * a gradient. */
#include "nn/tape.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/parallel.h"
#include "nn/kernels.h"
#include "nn/limits.h"

static void (*const backward[LAT_OP_COUNT])(lat_tape *, lat_node *) = {
#define OP(name) [LAT_OP_##name] = lat_back_##name,
    LAT_OPS(OP)
#undef OP
};

const char *const lat_op_names[LAT_OP_COUNT] = {
#define OP(name) [LAT_OP_##name] = #name,
    LAT_OPS(OP)
#undef OP
};

/* ---- memory ---------------------------------------------------------------------------------- */

void lat_tape_init(lat_tape *tape, lat_dtype dtype, uint64_t seed)
{
  *tape = (lat_tape){.dtype = dtype, .seed = seed, .generation = 1};
  lat_workspace_init(&tape->memory);
}

void lat_tape_done(lat_tape *tape)
{
  lat_allocator allocator = tape->memory.allocator;
  for (size_t i = 0; i * LAT_TAPE_BLOCK < tape->capacity; i++)
    lat_memory_free(&allocator, tape->blocks[i]);
  lat_memory_free(&allocator, tape->blocks);
  lat_workspace_done(&tape->memory);
  *tape = (lat_tape){.dtype = tape->dtype, .seed = tape->seed, .step = tape->step};
  tape->memory.allocator = allocator;
}

/* The arena becomes one block of at least so many bytes, empty. */
static void make_arena(lat_tape *tape, size_t bytes)
{
  lat_workspace_done(&tape->memory);
  tape->slab = bytes > LAT_TAPE_SLAB ? bytes : LAT_TAPE_SLAB;
  if (!lat_allocate(&tape->memory, tape->slab, 1)) tape->slab = 0;
  tape->start = (lat_mark){tape->memory.top, 0};
  lat_workspace_release(&tape->memory, tape->start);
}

/* When a step has needed more than the arena's one block, the next one gets a block of that
 * size. */
void lat_tape_reset(lat_tape *tape)
{
  if (tape->used > tape->most) tape->most = tape->used;
  lat_workspace_release(&tape->memory, tape->start);
  if (tape->used > tape->slab) make_arena(tape, tape->most);
  tape->count = 0;
  tape->forgotten = 0;
  tape->used = 0;
  tape->store_count = 0;
  tape->status = LAT_OK;
  tape->work = NULL;
  tape->memory.message[0] = '\0';
  tape->step++;
  if (++tape->generation == 0) tape->generation = 1;
}

lat_tape_mark lat_tape_here(const lat_tape *tape)
{
  return (lat_tape_mark){tape->count, tape->used, lat_workspace_mark(&tape->memory)};
}

void lat_tape_rewind(lat_tape *tape, lat_tape_mark mark)
{
  if (tape->used > tape->most) tape->most = tape->used;
  lat_workspace_release(&tape->memory, mark.memory);
  tape->count = mark.count;
  tape->used = mark.used;
}

void lat_tape_forget(lat_tape *tape, lat_tape_mark mark)
{
  tape->forgotten += tape->count - mark.count;
  lat_tape_rewind(tape, mark);
}

void *lat_tape_bytes(lat_tape *tape, size_t count, size_t size)
{
  void *memory = tape->status == LAT_OK ? lat_allocate(&tape->memory, count, size) : NULL;
  if (memory)
    tape->used += lat_workspace_bytes(count, size);
  else if (tape->status == LAT_OK)
    tape->status = LAT_MEMORY;
  return memory;
}

void *lat_tape_numbers(lat_tape *tape, size_t count)
{
  return lat_tape_bytes(tape, count, lat_dtype_size(tape->dtype));
}

lat_value lat_tape_fail(lat_tape *tape, lat_status status, const char *format, ...)
{
  if (tape->status == LAT_OK) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(tape->memory.message, sizeof tape->memory.message, format, arguments);
    va_end(arguments);
    tape->status = status;
  }
  return (lat_value){0};
}

/* ---- nodes ----------------------------------------------------------------------------------- */

/* Memory for another block of nodes. False when there is no memory. */
static bool add_nodes(lat_tape *tape)
{
  const lat_allocator *allocator = &tape->memory.allocator;
  size_t blocks = tape->capacity / LAT_TAPE_BLOCK;
  if ((blocks & (blocks - 1)) == 0) { /* the list is full: 0, 1, 2, 4, ... of them */
    lat_node **more = lat_memory_allocate(allocator, blocks ? 2 * blocks : 1, sizeof *more);
    if (!more) return false;
    if (blocks) memcpy(more, tape->blocks, blocks * sizeof(lat_node *));
    lat_memory_free(allocator, tape->blocks);
    tape->blocks = more;
  }
  tape->blocks[blocks] = lat_memory_allocate(allocator, LAT_TAPE_BLOCK, sizeof **tape->blocks);
  if (!tape->blocks[blocks]) return false;
  tape->capacity += LAT_TAPE_BLOCK;
  return true;
}

bool lat_tape_reserve(lat_tape *tape, size_t nodes, size_t bytes)
{
  make_arena(tape, bytes);
  while (tape->capacity < nodes && tape->slab)
    if (!add_nodes(tape)) return false;
  return tape->slab > 0;
}

/* A new node, cleared; NULL when there is no memory. */
static lat_node *append(lat_tape *tape)
{
  if (tape->count == tape->capacity && !add_nodes(tape)) {
    lat_tape_fail(tape, LAT_MEMORY, "not enough memory for value %zu of the step", tape->count);
    return NULL;
  }
  if (tape->count >= LAT_NONE) {
    lat_tape_fail(tape, LAT_MEMORY, "a step has at most %u values", LAT_NONE);
    return NULL;
  }
  lat_node *node = lat_tape_at(tape, (uint32_t)tape->count++);
  *node = (lat_node){.tag = tape->tag};
  for (size_t k = 0; k < LAT_NODE_INPUTS; k++) node->inputs[k] = LAT_NONE;
  return node;
}

lat_node *lat_tape_node(lat_tape *tape, lat_value value)
{
  if (tape->status != LAT_OK) return NULL;
  if (value.step == tape->generation && value.node < tape->count)
    return lat_tape_at(tape, value.node);
  if (value.step == 0)
    lat_tape_fail(tape, LAT_INVALID, "a value is missing");
  else
    lat_tape_fail(tape, LAT_INVALID,
                  "the value belongs to an earlier step: tape:reset() has forgotten it");
  return NULL;
}

bool lat_nodes(lat_tape *tape, size_t count, const lat_value values[], lat_node *nodes[])
{
  for (size_t k = 0; k < count; k++)
    if (!(nodes[k] = lat_tape_node(tape, values[k]))) return false;
  return true;
}

/* The item may refer to a tape that was freed, at the address of this one. */
uint32_t lat_tape_find(const lat_tape *tape, const lat_store *store, size_t index)
{
  const lat_store_item *item = &store->items[index];
  if (item->tape != tape || item->step != tape->generation || item->node >= tape->count)
    return LAT_NONE;
  const lat_node *node = lat_tape_at(tape, item->node);
  bool same = node->op == LAT_OP_parameter && node->store == store && node->i == index;
  return same ? item->node : LAT_NONE;
}

bool lat_tape_continue(lat_tape *tape)
{
  if (tape->status != LAT_OK) return false;
  lat_status status = tape->work ? lat_check(tape->work) : LAT_OK;
  if (status == LAT_OK) return true;
  lat_tape_fail(tape, status, "%s", tape->work->message);
  return false;
}

lat_node *lat_tape_push(lat_tape *tape, int op, size_t rows, size_t cols, const lat_value inputs[],
                        size_t count, lat_value *handle)
{
  *handle = (lat_value){0};
  if (!lat_tape_continue(tape)) return NULL;
  if (cols && rows > SIZE_MAX / cols) {
    lat_tape_fail(tape, LAT_MEMORY, "a value of %zux%zu is more than memory can address", rows,
                  cols);
    return NULL;
  }
  void *value = op == LAT_OP_parameter ? NULL : lat_tape_numbers(tape, rows * cols);
  lat_node *node = tape->status == LAT_OK ? append(tape) : NULL;
  if (!node) return NULL;
  node->op = (uint16_t)op;
  node->rows = rows;
  node->cols = cols;
  node->value = value;
  for (size_t k = 0; k < count; k++) {
    node->inputs[k] = inputs[k].node;
    node->needs = node->needs || lat_tape_at(tape, inputs[k].node)->needs;
  }
  *handle = (lat_value){(uint32_t)tape->count - 1, tape->generation};
  return node;
}

lat_slot lat_tape_slot(lat_tape *tape, const lat_node *node, size_t k)
{
  if (node->inputs[k] == LAT_NONE) return (lat_slot){0};
  lat_node *input = lat_tape_at(tape, node->inputs[k]);
  if (!input->needs || tape->status != LAT_OK) return (lat_slot){0};
  if (!input->gradient) input->gradient = lat_tape_numbers(tape, input->rows * input->cols);
  lat_slot slot = {input->gradient, input->set};
  input->set = slot.at != NULL;
  return slot;
}

lat_random lat_tape_random(const lat_tape *tape, uint32_t n)
{
  uint64_t number = tape->forgotten + n;
  return (lat_random){.seed = tape->seed, .stream = tape->step << LAT_TAPE_STREAM_BITS ^ number};
}

/* ---- reading --------------------------------------------------------------------------------- */

static lat_matrix matrix_of(const lat_tape *tape, const lat_node *node, void *data)
{
  return (lat_matrix){data, node->rows, node->cols, (ptrdiff_t)node->cols, 1, tape->dtype};
}

lat_matrix lat_tape_value(lat_tape *tape, lat_value value)
{
  const lat_node *node = lat_tape_node(tape, value);
  return node ? matrix_of(tape, node, node->value) : (lat_matrix){0};
}

lat_matrix lat_tape_gradient(lat_tape *tape, lat_value value)
{
  const lat_node *node = lat_tape_node(tape, value);
  return node && node->set ? matrix_of(tape, node, node->gradient) : (lat_matrix){0};
}

double lat_tape_number(lat_tape *tape, lat_value value)
{
  lat_matrix A = lat_tape_value(tape, value);
  return A.data ? lat_get(&A, 0, 0) : NAN;
}

/* ---- the backward pass ----------------------------------------------------------------------- */

/* The first element that isn't finite; false when all are. */
static bool find_bad(const lat_tape *tape, const void *data, size_t n, size_t *at)
{
  for (*at = 0; *at < n; ++*at)
    if (!isfinite(tape->dtype == LAT_FLOAT64 ? ((const double *)data)[*at]
                                             : (double)((const float *)data)[*at]))
      return true;
  return false;
}

/* Fails, naming the operation, when the values of the node aren't finite. */
static bool check_node(lat_tape *tape, const lat_node *node, const void *data, const char *what)
{
  size_t at;
  if (!find_bad(tape, data, node->rows * node->cols, &at)) return true;
  double x =
      tape->dtype == LAT_FLOAT64 ? ((const double *)data)[at] : (double)((const float *)data)[at];
  char line[40] = "";
  if (node->tag) snprintf(line, sizeof line, " (line %u)", node->tag);
  lat_tape_fail(tape, LAT_INVALID, "%s of %s%s is %s at row %zu, column %zu", what,
                lat_op_names[node->op], line, isnan(x) ? "NaN" : "infinite", at / node->cols + 1,
                at % node->cols + 1);
  return false;
}

bool lat_tape_checked(lat_tape *tape, lat_value value)
{
  const lat_node *node = tape->check ? lat_tape_node(tape, value) : NULL;
  return !node || check_node(tape, node, node->value, "the result");
}

/* A loss that isn't finite: fails with the first operation whose result isn't. */
static lat_status name_first_bad(lat_tape *tape, uint32_t last)
{
  for (uint32_t n = 0; n <= last; n++) {
    const lat_node *node = lat_tape_at(tape, n);
    if (!check_node(tape, node, node->value, "the loss is not finite: the result")) break;
  }
  return tape->status;
}

/* The gradient of the loss with respect to itself; a loss may be a parameter that accumulates. */
static void add_one(const lat_tape *tape, lat_node *node)
{
  if (tape->dtype == LAT_FLOAT64)
    *(double *)node->gradient = node->set ? *(double *)node->gradient + 1 : 1;
  else
    *(float *)node->gradient = node->set ? *(float *)node->gradient + 1 : 1;
  node->set = true;
}

/* Parameters that are not on the tape, or that the loss doesn't reach, have the gradient 0. */
static void clear_rest(lat_tape *tape, lat_store *store)
{
  size_t size = lat_dtype_size(store->dtype);
  for (size_t i = 0; i < store->count; i++) {
    const lat_store_item *item = &store->items[i];
    uint32_t n = lat_tape_find(tape, store, i);
    if (n != LAT_NONE && lat_tape_at(tape, n)->set) continue;
    memset((char *)store->gradients + item->offset * size, 0, item->rows * item->cols * size);
  }
}

static void begin_pass(lat_tape *tape, bool accumulate)
{
  for (uint32_t n = 0; n < tape->count; n++) {
    lat_node *node = lat_tape_at(tape, n);
    bool parameter = node->op == LAT_OP_parameter;
    node->set = parameter && accumulate;
    if (!parameter) node->gradient = NULL;
  }
}

lat_status lat_tape_backward(lat_tape *tape, lat_value loss, bool accumulate)
{
  lat_node *last = lat_tape_node(tape, loss);
  if (!last) return tape->status;
  if (last->rows != 1 || last->cols != 1)
    lat_tape_fail(tape, LAT_SHAPE,
                  "a loss is one number, got a %zux%zu value: take its mean() or sum()", last->rows,
                  last->cols);
  else if (!last->needs)
    lat_tape_fail(tape, LAT_INVALID, "the loss depends on no parameter");
  else if (!isfinite(lat_tape_number(tape, loss)))
    name_first_bad(tape, loss.node);
  if (tape->status != LAT_OK) return tape->status;
  begin_pass(tape, accumulate);
  if (!last->gradient) last->gradient = lat_tape_numbers(tape, 1);
  if (!last->gradient) return tape->status;
  add_one(tape, last);
  for (uint32_t n = loss.node + 1; n-- > 0 && lat_tape_continue(tape);) {
    lat_node *node = lat_tape_at(tape, n);
    if (!node->set || !node->needs) continue;
    if (tape->check && !check_node(tape, node, node->gradient, "the gradient")) break;
    backward[node->op](tape, node);
  }
  if (tape->status == LAT_OK && !accumulate)
    for (size_t i = 0; i < tape->store_count; i++) clear_rest(tape, tape->stores[i]);
  return tape->status;
}

/* ---- kernels --------------------------------------------------------------------------------- */

typedef struct job {
  lat_nn_kernel *kernel;
  const lat_args *args;
  size_t items, chunks, unit;
} job;

static size_t border(const job *j, size_t chunk)
{
  size_t units = (j->items + j->unit - 1) / j->unit, at = units * chunk / j->chunks * j->unit;
  return at < j->items ? at : j->items;
}

static void run_chunk(void *context, size_t chunk, size_t worker)
{
  const job *j = context;
  (void)worker;
  j->kernel(j->args, border(j, chunk), border(j, chunk + 1));
}

void lat_nn_run(lat_nn_kernel *kernel, const lat_args *args, size_t items, size_t cost)
{
  size_t worth = items * cost / LAT_NN_WORTH;
  if (worth < 2) {
    kernel(args, 0, items);
    return;
  }
  /* single elements are cut at cache lines; rows and columns anywhere */
  job j = {.kernel = kernel,
           .args = args,
           .items = items,
           .unit = items > LAT_NN_LARGE ? LAT_NN_LINE : 1};
  j.chunks = worth < LAT_NN_MOST_CHUNKS ? worth : LAT_NN_MOST_CHUNKS;
  if (j.chunks > items) j.chunks = items;
  lat_parallel(NULL, j.chunks, run_chunk, &j);
}
