#include "deep/rows.h"

#include <string.h>

#include "base/parallel.h"

typedef struct crew {
  lat_tape *tapes; /* one a worker */
  size_t *failed;  /* each one's first failure: chunk + 1, or 0 */
  lat_status *status;
  char (*message)[sizeof((lat_workspace *)0)->message];
  size_t rows, chunk;
  lat_rows_task *task;
  void *context;
} crew;

static void run(void *context, size_t chunk, size_t worker)
{
  crew *c = context;
  lat_tape *tape = &c->tapes[worker];
  size_t first = chunk * c->chunk;
  if (c->failed[worker]) return;
  lat_tape_reset(tape);
  tape->step = chunk;
  lat_status status =
      c->task(c->context, tape, first, c->rows - first < c->chunk ? c->rows - first : c->chunk);
  if (status == LAT_OK) status = tape->status;
  if (status == LAT_OK) return;
  c->failed[worker] = chunk + 1;
  c->status[worker] = status;
  memcpy(c->message[worker], tape->memory.message, sizeof c->message[worker]);
}

/* The failure of the first chunk that has one. */
static lat_status first_failure(lat_workspace *work, const crew *c, size_t workers)
{
  size_t first = workers;
  for (size_t w = 0; w < workers; w++)
    if (c->failed[w] && (first == workers || c->failed[w] < c->failed[first])) first = w;
  return first == workers ? LAT_OK : lat_fail(work, c->status[first], "%s", c->message[first]);
}

lat_status lat_each_rows(lat_workspace *work, lat_dtype dtype, uint64_t seed, size_t rows,
                         size_t chunk, lat_rows_task *task, void *context)
{
  LAT_SCOPE(work);
  size_t workers = lat_workers(work);
  crew c = {.rows = rows, .chunk = chunk, .task = task, .context = context};
  c.tapes = lat_allocate(work, workers, sizeof *c.tapes);
  c.failed = lat_allocate(work, workers, sizeof *c.failed);
  c.status = lat_allocate(work, workers, sizeof *c.status);
  c.message = lat_allocate(work, workers, sizeof *c.message);
  if (!c.tapes || !c.failed || !c.status || !c.message) return LAT_MEMORY;
  for (size_t w = 0; w < workers; w++) {
    lat_tape_init(&c.tapes[w], dtype, seed);
    c.failed[w] = 0;
  }
  lat_status status = lat_parallel(work, rows / chunk + (rows % chunk > 0), run, &c);
  if (status == LAT_OK) status = first_failure(work, &c, workers);
  for (size_t w = 0; w < workers; w++) lat_tape_done(&c.tapes[w]);
  return status;
}

lat_value lat_net_constant(lat_tape *tape, const lat_net *net, lat_value x)
{
  const lat_store *store = net->store;
  for (size_t k = 0; k < net->count; k++) {
    const lat_layer *layer = &net->layers[k];
    if (layer->inputs == 0) {
      x = lat_nn_activate(tape, x, layer->activation);
      continue;
    }
    lat_matrix W = lat_store_view(store, store->values, layer->weight), b;
    lat_value bias = {0};
    if (layer->bias != SIZE_MAX) {
      b = lat_store_view(store, store->values, layer->bias);
      bias = lat_nn_borrow(tape, &b);
    }
    x = lat_nn_linear(tape, x, lat_nn_borrow(tape, &W), bias, layer->activation);
  }
  return x;
}

size_t lat_rows_chunk(size_t width)
{
  size_t rows = ((size_t)1 << 19) / (width ? width : 1);
  return rows < 16 ? 16 : rows > 1024 ? 1024 : rows;
}
