/* rows.h: evaluating nets on many rows: chunks of them, each on a tape of its own. */
#ifndef LAT_DEEP_COMMON_ROWS_H
#define LAT_DEEP_COMMON_ROWS_H

#include "nn/layers.h"

/* Works on rows first..first+count-1 with a tape that has just been reset; its failure, or that in
 * tape->status, is that of the whole. */
typedef lat_status lat_rows_task(void *context, lat_tape *tape, size_t first, size_t count);

/* Runs the task for chunks of `chunk` rows, on the thread pool. Noise on the tapes is that of
 * `seed` and the chunk's number, so results depend neither on threads nor on their order. Tasks
 * must not read or write what another one writes; parameters are constants to them
 * (lat_net_constant). One that fails with LAT_MEMORY may be called once more, and must have the
 * same result then. `numbers` is about the count of numbers of a row on a tape, for which workers
 * get memory. */
lat_status lat_each_rows(lat_workspace *work, lat_dtype dtype, uint64_t seed, size_t rows,
                         size_t chunk, size_t numbers, lat_rows_task *task, void *context);

/* The same for several runs: tapes keep their memory from begin to end. Begin keeps them in
 * the workspace; end is called also after its failure. */
typedef struct lat_rows {
  lat_workspace *work;
  lat_dtype dtype;
  lat_tape *tapes;
  size_t workers;
} lat_rows;
lat_status lat_rows_begin(lat_workspace *work, lat_rows *r, lat_dtype dtype, uint64_t seed);
lat_status lat_rows_run(lat_rows *r, size_t rows, size_t chunk, size_t numbers, lat_rows_task *task,
                        void *context);
void lat_rows_end(lat_rows *r);

/* Rows of a chunk for a net whose widest layer has `width` columns: a few MB. */
size_t lat_rows_chunk(size_t width);

#endif
