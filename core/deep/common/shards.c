/* shards.c: a batch in shards, each with a tape and gradients, and the sum of these (shards.h).
 *
 * A shard's store is a view: the items, for which a tape notes its nodes, and the gradients are its
 * own, the values are those of the model. Tapes belong to workers, and keep their memory from step
 * to step. */
#include "deep/common/shards.h"

#include <string.h>

#include "base/ordered_sum.h"
#include "base/parallel.h"
#include "deep/common/limits.h"
#include "deep/common/rows.h"

struct lat_shards {
  lat_rows rows;
  lat_store stores[LAT_SHARDS];
};

void lat_shards_done(lat_shards **shards, const lat_allocator *a)
{
  lat_shards *all = *shards;
  if (!all) return;
  for (size_t s = 0; s < LAT_SHARDS; s++) {
    lat_memory_free(a, all->stores[s].items);
    lat_memory_free(a, all->stores[s].gradients);
  }
  for (size_t w = 0; w < all->rows.workers; w++) {
    all->rows.tapes[w].memory.allocator = *a;
    lat_tape_done(&all->rows.tapes[w]);
  }
  lat_memory_free(a, all->rows.tapes);
  lat_memory_free(a, all);
  *shards = NULL;
}

/* The store's parameters with gradients of their own. */
static lat_status make_shard(lat_workspace *work, const lat_store *store, lat_store *shard)
{
  if (shard->items) return LAT_OK;
  lat_store made = *store;
  made.average = made.parts = NULL;
  made.items = lat_memory_allocate(&store->allocator, store->count, sizeof *made.items);
  made.gradients = lat_store_vector(store);
  if (!made.items || !made.gradients) {
    lat_memory_free(&store->allocator, made.items);
    lat_memory_free(&store->allocator, made.gradients);
    return lat_fail(work, LAT_MEMORY, "not enough memory for %zu gradients", store->size);
  }
  memcpy(made.items, store->items, store->count * sizeof *made.items);
  *shard = made;
  return LAT_OK;
}

/* Tapes for all workers. */
static lat_status make_tapes(lat_workspace *work, const lat_store *store, lat_rows *r)
{
  size_t workers = lat_workers(work);
  r->work = work;
  r->dtype = store->dtype;
  if (r->workers >= workers) return LAT_OK;
  lat_tape *tapes = lat_memory_allocate(&store->allocator, workers, sizeof *tapes);
  if (!tapes) return lat_fail(work, LAT_MEMORY, "not enough memory for %zu tapes", workers);
  if (r->workers) memcpy(tapes, r->tapes, r->workers * sizeof *tapes);
  for (size_t w = r->workers; w < workers; w++) lat_tape_init(&tapes[w], r->dtype, 0);
  lat_memory_free(&store->allocator, r->tapes);
  r->tapes = tapes;
  r->workers = workers;
  return LAT_OK;
}

static lat_status make(lat_workspace *work, lat_shards **shards, const lat_store *store,
                       size_t count)
{
  if (!*shards) {
    *shards = lat_memory_allocate(&store->allocator, 1, sizeof **shards);
    if (!*shards) return lat_fail(work, LAT_MEMORY, "not enough memory for gradients");
    memset(*shards, 0, sizeof **shards);
  }
  for (size_t s = 0; s < count; s++) LAT_TRY(make_shard(work, store, &(*shards)->stores[s]));
  return make_tapes(work, store, &(*shards)->rows);
}

/* ---- the shards' gradients ------------------------------------------------------------------- */

typedef struct job {
  lat_store *stores; /* of the shards */
  const lat_tape *noise;
  const lat_shard_batch *batch;
  size_t shard_rows, shards;
  const lat_store *store;
  double parts[LAT_SHARDS];
  size_t first, count; /* of elements that are added */
} job;

static lat_status differentiate(void *context, lat_tape *tape, size_t first, size_t count)
{
  job *j = context;
  size_t s = first / j->shard_rows;
  tape->seed = j->noise->seed;
  tape->step = j->noise->step * LAT_SHARDS + s;
  lat_value loss = j->batch->loss(j->batch->context, tape, &j->stores[s], first, count);
  j->parts[s] = lat_tape_number(tape, loss);
  return lat_tape_backward(tape, loss, false);
}

/* Elements first..first+count-1 of shard `into`'s gradients += those of shard `from`. */
static void add_pair(void *context, size_t into, size_t from)
{
  const job *j = context;
  const lat_store *stores = j->stores;
  if (stores[into].dtype == LAT_FLOAT64) {
    double *restrict to = (double *)stores[into].gradients + j->first;
    const double *restrict add = (const double *)stores[from].gradients + j->first;
    for (size_t i = 0; i < j->count; i++) to[i] += add[i];
  } else {
    float *restrict to = (float *)stores[into].gradients + j->first;
    const float *restrict add = (const float *)stores[from].gradients + j->first;
    for (size_t i = 0; i < j->count; i++) to[i] += add[i];
  }
}

/* A piece of the sum, into the model's own gradients. */
static void add_piece(void *context, size_t piece, size_t worker)
{
  job own = *(const job *)context;
  const lat_store *store = own.store;
  size_t size = lat_dtype_size(store->dtype);
  (void)worker;
  own.first = piece * LAT_SHARD_PIECE;
  own.count = store->size - own.first < LAT_SHARD_PIECE ? store->size - own.first : LAT_SHARD_PIECE;
  lat_sum_tree(own.shards, add_pair, &own);
  memcpy((char *)store->gradients + own.first * size,
         (char *)own.stores[0].gradients + own.first * size, own.count * size);
}

static lat_status add_shards(lat_workspace *work, job *j)
{
  const lat_store *store = j->store;
  size_t pieces = (store->size + LAT_SHARD_PIECE - 1) / LAT_SHARD_PIECE;
  if (pieces * j->shards >= LAT_SHARD_WORTH) return lat_parallel(work, pieces, add_piece, j);
  for (size_t p = 0; p < pieces; p++) add_piece(j, p, 0);
  return LAT_OK;
}

lat_status lat_shards_gradient(lat_workspace *work, lat_shards **all, const lat_store *store,
                               const lat_tape *noise, const lat_shard_batch *batch, double *loss)
{
  job j = {.noise = noise, .batch = batch, .store = store};
  if (batch->rows == 0) return lat_fail(work, LAT_SHAPE, "the batch is empty");
  size_t shards = batch->rows / batch->least, most = LAT_SHARD_GRADIENTS / store->size;
  most = most > LAT_SHARDS ? LAT_SHARDS : most;
  shards = shards > most ? most : shards;
  if (shards < 1) shards = 1;
  j.shard_rows = (batch->rows + shards - 1) / shards;
  j.shards = (batch->rows + j.shard_rows - 1) / j.shard_rows;
  LAT_TRY(make(work, all, store, j.shards));
  j.stores = (*all)->stores;
  LAT_TRY(
      lat_rows_run(&(*all)->rows, batch->rows, j.shard_rows, batch->numbers, differentiate, &j));
  for (size_t s = 0; s < j.shards; s++) *loss += j.parts[s];
  return add_shards(work, &j);
}
