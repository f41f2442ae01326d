/* progress.h: how far a long computation is, for who looks on.
 *
 * A function that takes long says in how many steps, and at which one it is, where it asks
 * lat_check anyway:
 *
 *   LAT_STEPS(work, steps, n, "rows");
 *   for (size_t i = 0; i < n; i += band) LAT_TRY(lat_at_step(&steps, i, band)), ... ;
 *
 * What it calls counts in the same way, and moves within the present step, so that the share of all
 * never goes back. Of several functions in one step the first that counts moves it. Nothing is
 * computed from these numbers, and only the thread that calls reads and writes them. Where nobody
 * can tell how many steps there will be, the share is negative. */
#ifndef LAT_BASE_PROGRESS_H
#define LAT_BASE_PROGRESS_H

#include "base/workspace.h"

/* The steps of one function, from LAT_STEPS to the end of the block. */
typedef struct lat_steps {
  lat_workspace *work; /* or NULL: nobody counts */
  double from,
      span; /* the share of all work that was done before, and what these steps are of it */
  double total;
} lat_steps;

lat_steps lat_steps_begin(lat_workspace *work, double total, const char *unit);
void lat_steps_end(lat_steps *steps);
/* `done` steps are; what comes until the next call is `next` of them. */
void lat_step(const lat_steps *steps, double done, double next);
/* The same, and lat_check. */
lat_status lat_at_step(const lat_steps *steps, double done, double next);

/* How many more there will be is unknown from here on. */
void lat_step_unknown(const lat_steps *steps);

/* Declares the lat_steps `name`: `total` steps, which of the outermost function are so many of the
 * unit ("rows", "bytes") or, with NULL, nothing to be told. A total of 0 is unknown. Without a
 * workspace nobody counts. */
#define LAT_STEPS(work, name, total, unit)                                                         \
  __attribute__((cleanup(lat_steps_end), unused)) lat_steps name =                                 \
      lat_steps_begin(work, (double)(total), unit)

#endif
