/* store.c: parameters of nets in flat vectors, and their initial values (store.h).
 *
 * A parameter begins at a multiple of LAT_STORE_LINE elements; the padding after it stays zero, so
 * loops over a flat vector need no exceptions. */
#include "nn/store.h"

#include <math.h>
#include <string.h>

#include "base/random.h"
#include "nn/limits.h"

const char *const lat_init_names[LAT_INITS + 1] = {
    [LAT_INIT_ZERO] = "zero",   [LAT_INIT_HE] = "he",       [LAT_INIT_GLOROT] = "glorot",
    [LAT_INIT_LECUN] = "lecun", [LAT_INIT_TORCH] = "torch", [LAT_INIT_ORTHOGONAL] = "orthogonal",
    [LAT_INIT_AUTO] = "auto"};

void lat_store_init(lat_store *store, lat_dtype dtype, uint64_t seed)
{
  *store = (lat_store){.dtype = dtype, .seed = seed};
}

void lat_store_done(lat_store *store)
{
  void *const all[] = {store->items, store->values, store->gradients, store->average, store->parts};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) lat_memory_free(&store->allocator, all[i]);
  *store = (lat_store){.dtype = store->dtype, .seed = store->seed};
}

/* `count` elements, aligned, zero. */
static void *zeros(const lat_store *store, size_t count)
{
  size_t size = lat_dtype_size(store->dtype);
  void *memory = lat_memory_allocate(&store->allocator, count, size);
  if (memory) memset(memory, 0, count * size);
  return memory;
}

void *lat_store_vector(const lat_store *store)
{
  return zeros(store, store->size);
}

lat_matrix lat_store_view(const lat_store *store, void *flat, size_t index)
{
  const lat_store_item *item = &store->items[index];
  char *data = (char *)flat + item->offset * lat_dtype_size(store->dtype);
  return (lat_matrix){data, item->rows, item->cols, (ptrdiff_t)item->cols, 1, store->dtype};
}

size_t lat_store_find(const lat_store *store, const char *name)
{
  for (size_t i = 0; i < store->count; i++)
    if (strcmp(store->items[i].name, name) == 0) return i;
  return SIZE_MAX;
}

lat_status lat_store_assign(lat_workspace *work, lat_store *store, const lat_store *other)
{
  bool same = store->count == other->count && store->dtype == other->dtype;
  for (size_t i = 0; same && i < store->count; i++)
    same = store->items[i].rows == other->items[i].rows &&
           store->items[i].cols == other->items[i].cols;
  if (!same) return lat_fail(work, LAT_SHAPE, "the other store's parameters have other shapes");
  if (store->size && store != other)
    memcpy(store->values, other->values, store->size * lat_dtype_size(store->dtype));
  return LAT_OK;
}

lat_status lat_store_as(lat_workspace *work, const lat_store *store, void *flat, lat_dtype dtype,
                        lat_store *to)
{
  *to = *store;
  to->values = flat;
  if (store->dtype == dtype) return LAT_OK;
  lat_matrix from = {flat, 1, store->size, (ptrdiff_t)store->size, 1, store->dtype};
  lat_matrix copy = {NULL, 1, store->size, (ptrdiff_t)store->size, 1, dtype};
  copy.data = lat_allocate(work, store->size, lat_dtype_size(dtype));
  if (!copy.data) return LAT_MEMORY;
  lat_copy(&from, &copy);
  to->values = copy.data;
  to->dtype = dtype;
  return LAT_OK;
}

/* ---- initial values -------------------------------------------------------------------------- */

static void scale(const lat_matrix *A, double shift, double factor)
{
  for (size_t i = 0; i < A->rows; i++)
    for (size_t j = 0; j < A->cols; j++) lat_set(A, i, j, factor * (lat_get(A, i, j) + shift));
}

static void fill_normal(lat_random *random, const lat_matrix *A)
{
  size_t n = A->rows * A->cols;
  if (A->dtype == LAT_FLOAT64)
    lat_random_fill_normal(NULL, random, n, A->data);
  else
    lat_random_fill_normal_float(NULL, random, n, A->data);
}

static void fill_uniform(lat_random *random, const lat_matrix *A)
{
  size_t n = A->rows * A->cols;
  if (A->dtype == LAT_FLOAT64)
    lat_random_fill_uniform(NULL, random, n, A->data);
  else
    lat_random_fill_uniform_float(NULL, random, n, A->data);
}

static double product(const double *a, const double *b, size_t n, size_t step)
{
  double sum = 0;
  for (size_t i = 0; i < n; i++) sum += a[i * step] * b[i * step];
  return sum;
}

/* Orthonormal columns by Gram and Schmidt's method, repeated once: then they are so to the last
 * bits. Normal columns are independent with probability 1. */
static void orthonormalize(double *Q, size_t rows, size_t cols)
{
  for (size_t j = 0; j < cols; j++) {
    for (int pass = 0; pass < 2; pass++) {
      for (size_t k = 0; k < j; k++) {
        double along = product(Q + j, Q + k, rows, cols);
        for (size_t i = 0; i < rows; i++) Q[i * cols + j] -= along * Q[i * cols + k];
      }
    }
    double length = sqrt(product(Q + j, Q + j, rows, cols));
    for (size_t i = 0; i < rows; i++) Q[i * cols + j] /= length;
  }
}

static lat_status fill_orthogonal(lat_workspace *work, lat_random *random, const lat_matrix *A)
{
  LAT_SCOPE(work);
  lat_matrix target = A->rows < A->cols ? lat_transpose(*A) : *A;
  lat_matrix Q = lat_matrix_new(work, target.rows, target.cols);
  if (!Q.data) return LAT_MEMORY;
  fill_normal(random, &Q);
  orthonormalize(Q.data, Q.rows, Q.cols);
  lat_copy(&Q, &target);
  return LAT_OK;
}

static lat_status set_values(lat_workspace *work, const lat_store *store, size_t index,
                             lat_init init, double gain, size_t fan_in)
{
  lat_matrix A = lat_store_view(store, store->values, index);
  double in = (double)(fan_in ? fan_in : A.rows), out = (double)A.cols;
  /* streams of their own, apart from those of tapes */
  lat_random random = {.seed = store->seed, .stream = LAT_STORE_STREAM | index};
  switch (init) {
  case LAT_INIT_HE:
  case LAT_INIT_LECUN:
    fill_normal(&random, &A);
    scale(&A, 0, gain * sqrt((init == LAT_INIT_HE ? 2 : 1) / in));
    break;
  case LAT_INIT_GLOROT: /* a uniform number in (-a, a) has the variance a^2/3 */
  case LAT_INIT_TORCH:
    fill_uniform(&random, &A);
    scale(&A, -0.5, 2 * gain * sqrt(init == LAT_INIT_GLOROT ? 6 / (in + out) : 1 / in));
    break;
  case LAT_INIT_ORTHOGONAL:
    LAT_TRY(fill_orthogonal(work, &random, &A));
    scale(&A, 0, gain);
    break;
  default:
    break; /* zeros */
  }
  return LAT_OK;
}

/* ---- growing --------------------------------------------------------------------------------- */

static size_t padded(size_t n)
{
  return (n + LAT_STORE_LINE - 1) / LAT_STORE_LINE * LAT_STORE_LINE;
}

static lat_status grow(lat_workspace *work, lat_store *store, size_t size)
{
  if (!store->items) store->allocator = work->allocator;
  if (store->count == store->capacity) {
    size_t capacity = store->capacity ? 2 * store->capacity : 16;
    lat_store_item *items = lat_memory_allocate(&store->allocator, capacity, sizeof *items);
    if (!items) return lat_fail(work, LAT_MEMORY, "not enough memory for %zu names", capacity);
    if (store->count) memcpy(items, store->items, store->count * sizeof *items);
    lat_memory_free(&store->allocator, store->items);
    store->items = items;
    store->capacity = capacity;
  }
  if (size <= store->value_capacity) return LAT_OK;
  size_t value_capacity = size > 2 * store->value_capacity ? size : 2 * store->value_capacity;
  void *values = zeros(store, value_capacity);
  if (!values)
    return lat_fail(work, LAT_MEMORY, "not enough memory for %zu parameters", value_capacity);
  if (store->size) memcpy(values, store->values, store->size * lat_dtype_size(store->dtype));
  lat_memory_free(&store->allocator, store->values);
  store->values = values;
  store->value_capacity = value_capacity;
  return LAT_OK;
}

lat_status lat_store_add(lat_workspace *work, lat_store *store, const char *name, size_t rows,
                         size_t cols, lat_init init, double gain, size_t fan_in, size_t *index)
{
  size_t length = strlen(name), limit = SIZE_MAX / 64;
  if (store->sealed)
    return lat_fail(work, LAT_INVALID,
                    "'%.40s' comes too late: the store is in use, make all parameters before the "
                    "first step and the first optimizer",
                    name);
  if (length == 0 || length >= LAT_STORE_NAME)
    return lat_fail(work, LAT_INVALID, "a parameter's name has 1 to %d letters, got %zu",
                    LAT_STORE_NAME - 1, length);
  if (strchr(name, ':')) /* which parts names in files, see checkpoint.h */
    return lat_fail(work, LAT_INVALID, "a parameter's name has no ':', got '%.60s'", name);
  if (lat_store_find(store, name) != SIZE_MAX)
    return lat_fail(work, LAT_INVALID, "the store has a parameter '%s' already", name);
  if (rows == 0 || cols == 0 || rows > limit / cols || rows * cols > limit - store->size)
    return lat_fail(work, LAT_SHAPE, "a parameter of %zux%zu can't be", rows, cols);
  LAT_TRY(grow(work, store, store->size + padded(rows * cols)));
  lat_store_item *item = &store->items[store->count];
  *item = (lat_store_item){.rows = rows, .cols = cols, .offset = store->size};
  memcpy(item->name, name, length + 1);
  LAT_TRY(set_values(work, store, store->count, init, gain, fan_in));
  store->size += padded(rows * cols);
  store->numbers += rows * cols;
  *index = store->count++;
  return LAT_OK;
}

void lat_store_fix(lat_store *store, size_t index)
{
  lat_store_item *item = &store->items[index];
  if (!item->fixed) store->fixed += item->rows * item->cols;
  item->fixed = true;
}

lat_status lat_store_seal(lat_workspace *work, lat_store *store)
{
  if (store->sealed) return LAT_OK;
  if (!store->gradients) store->gradients = lat_store_vector(store);
  if (!store->parts)
    store->parts = lat_memory_allocate(&store->allocator, store->size / LAT_STORE_PIECE + 1,
                                       sizeof *store->parts);
  if (!store->gradients || !store->parts)
    return lat_fail(work, LAT_MEMORY, "not enough memory for %zu gradients", store->size);
  store->sealed = true;
  return LAT_OK;
}
