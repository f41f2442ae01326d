/* blas.h: BLAS has one thread while the core works.
 *
 * Work is cut into chunks for our own threads, and what is computed shall not depend on BLAS's.
 * BLAS has one number of threads for the whole process, the host's, which the core changes
 * meanwhile: the first section to begin sets it to one, and the last to end restores the host's.
 * Sections nest and overlap, in any number of threads; a scope (workspace.h) and lat_parallel are
 * such. A host that calls BLAS in another thread meanwhile gets its results by one thread; what it
 * sets meanwhile is lost.
 *
 * OpenBLAS's serial build and other libraries without threads have no number, and nothing is done;
 * of its OpenMP build each thread has one, and so workers are in a section of their own. */
#ifndef LAT_BASE_BLAS_H
#define LAT_BASE_BLAS_H

void lat_blas_enter(void);
void lat_blas_leave(void);

/* For who leaves a stack of this thread's, with sections on it, for another one, and comes back,
 * maybe in another thread: leaves all sections but the `outer` first ones, and says how many; and
 * enters so many again. */
unsigned lat_blas_depth(void);
unsigned lat_blas_leave_to(unsigned outer);
void lat_blas_enter_again(unsigned sections);

/* The enclosing block is a section. */
static inline int lat_blas_section_begin(void)
{
  lat_blas_enter();
  return 0;
}

static inline void lat_blas_section_end(const int *section)
{
  (void)section;
  lat_blas_leave();
}

#define LAT_BLAS_SECTION                                                                           \
  __attribute__((cleanup(lat_blas_section_end), unused)) int lat_blas_section =                    \
      lat_blas_section_begin()

#endif
