/* rows.c: a task for chunks of rows on the thread pool, with a tape for each worker (rows.h).
 *
 * Workers must not allocate, so their tapes get memory first. Chunks for which it wasn't enough are
 * done again: one by the caller, which may allocate and shows how much a chunk needs, then the
 * others. */
#include "deep/common/rows.h"

#include <stdint.h>
#include <string.h>

#include "base/parallel.h"
#include "deep/common/limits.h"

typedef char message[sizeof((lat_workspace *)0)->message];

typedef struct worker_pool {
  lat_tape *tapes; /* one a worker */
  size_t *failed;  /* each one's first failure: chunk + 1, or 0 */
  lat_status *status;
  message *messages;
  size_t rows, chunk;
  lat_rows_task *task;
  void *context;
  size_t *open; /* the chunks that aren't done */
  bool *repeat; /* of these, those for which a worker had no memory */
} worker_pool;

static void run_chunk(const worker_pool *c, size_t n, size_t worker)
{
  lat_tape *tape = &c->tapes[worker];
  size_t chunk = c->open[n], first = chunk * c->chunk;
  size_t failed = c->failed[worker];
  c->repeat[n] = false;
  if (failed && failed <= chunk) return;
  lat_tape_reset(tape);
  tape->step = chunk;
  lat_status status =
      c->task(c->context, tape, first, c->rows - first < c->chunk ? c->rows - first : c->chunk);
  if (status == LAT_OK) status = tape->status;
  if (status == LAT_OK) return;
  c->repeat[n] = status == LAT_MEMORY && worker > 0;
  if (c->repeat[n]) return;
  c->failed[worker] = chunk + 1;
  c->status[worker] = status;
  memcpy(c->messages[worker], tape->memory.message, sizeof c->messages[worker]);
}

static void run(void *context, size_t n, size_t worker)
{
  run_chunk(context, n, worker);
}

/* The failure of the first chunk that has one. */
static lat_status first_failure(lat_workspace *work, const worker_pool *c, size_t workers)
{
  size_t first = workers;
  for (size_t w = 0; w < workers; w++)
    if (c->failed[w] && (first == workers || c->failed[w] < c->failed[first])) first = w;
  return first == workers ? LAT_OK : lat_fail(work, c->status[first], "%s", c->messages[first]);
}

/* Memory for the tapes, as much as a chunk needs. Workers can't allocate more (memory.h), only the
 * caller. */
static lat_status reserve_tapes(lat_workspace *work, worker_pool *c, size_t workers, size_t nodes,
                                size_t bytes)
{
  for (size_t w = 0; w < workers; w++) {
    lat_tape *tape = &c->tapes[w];
    tape->memory.allocator = work->allocator;
    bool enough =
        (tape->slab >= bytes && tape->capacity >= nodes) || lat_tape_reserve(tape, nodes, bytes);
    if (!enough) return lat_fail(work, LAT_MEMORY, "not enough memory for %zu values", nodes);
    if (w > 0) tape->memory.allocator.function = lat_memory_none;
  }
  return LAT_OK;
}

static lat_status run_all(lat_workspace *work, worker_pool *c, size_t workers, size_t count,
                          size_t bytes)
{
  size_t nodes = LAT_ROWS_NODES;
  for (size_t n = 0; n < count; n++) c->open[n] = n;
  while (count > 0) {
    if (count > 1) LAT_TRY(reserve_tapes(work, c, workers, nodes, bytes));
    LAT_TRY(lat_parallel(work, count, run, c));
    size_t left = 0;
    for (size_t n = 0; n < count; n++)
      if (c->repeat[n]) c->open[left++] = c->open[n];
    count = left;
    if (count == 0) break;
    run_chunk(c, --count, 0); /* by the caller, which may allocate: shows what a chunk needs */
    const lat_tape *tape = &c->tapes[0];
    size_t most = tape->used > tape->most ? tape->used : tape->most;
    if (bytes < most) bytes = most;
    if (nodes < tape->capacity) nodes = tape->capacity;
  }
  return first_failure(work, c, workers);
}

lat_status lat_rows_begin(lat_workspace *work, lat_rows *r, lat_dtype dtype, uint64_t seed)
{
  *r = (lat_rows){.work = work, .dtype = dtype, .workers = lat_workers(work)};
  r->tapes = lat_allocate(work, r->workers, sizeof *r->tapes);
  if (!r->tapes) r->workers = 0;
  for (size_t w = 0; w < r->workers; w++) lat_tape_init(&r->tapes[w], dtype, seed);
  return r->tapes ? LAT_OK : LAT_MEMORY;
}

void lat_rows_end(lat_rows *r)
{
  for (size_t w = 0; w < r->workers; w++) {
    r->tapes[w].memory.allocator = r->work->allocator;
    lat_tape_done(&r->tapes[w]);
  }
}

lat_status lat_rows_run(lat_rows *r, size_t rows, size_t chunk, size_t numbers, lat_rows_task *task,
                        void *context)
{
  lat_workspace *work = r->work;
  LAT_SCOPE(work);
  size_t count = rows / chunk + (rows % chunk > 0), size = lat_dtype_size(r->dtype);
  size_t most = SIZE_MAX / 4 / size / chunk;
  worker_pool c = {
      .tapes = r->tapes, .rows = rows, .chunk = chunk, .task = task, .context = context};
  c.failed = lat_allocate(work, r->workers, sizeof *c.failed);
  c.status = lat_allocate(work, r->workers, sizeof *c.status);
  c.messages = lat_allocate(work, r->workers, sizeof *c.messages);
  c.open = lat_allocate(work, count, sizeof *c.open);
  c.repeat = lat_allocate(work, count, sizeof *c.repeat);
  if (!c.failed || !c.status || !c.messages || !c.open || !c.repeat) return LAT_MEMORY;
  for (size_t w = 0; w < r->workers; w++) c.failed[w] = 0;
  r->tapes[0].memory.allocator = work->allocator;
  return run_all(work, &c, r->workers, count, chunk * size * (numbers < most ? numbers : most));
}

lat_status lat_each_rows(lat_workspace *work, lat_dtype dtype, uint64_t seed, size_t rows,
                         size_t chunk, size_t numbers, lat_rows_task *task, void *context)
{
  LAT_SCOPE(work);
  lat_rows r;
  lat_status status = lat_rows_begin(work, &r, dtype, seed);
  if (status == LAT_OK) status = lat_rows_run(&r, rows, chunk, numbers, task, context);
  lat_rows_end(&r);
  return status;
}

size_t lat_rows_chunk(size_t width)
{
  size_t rows = LAT_ROWS_NUMBERS / (width ? width : 1);
  return rows < LAT_ROWS_LEAST ? LAT_ROWS_LEAST : rows > LAT_ROWS_MOST ? LAT_ROWS_MOST : rows;
}
