/* blas_library.c: which BLAS there is, and its threads (blas_library.h).
 *
 * Names are declared here, as cblas.h of another library than OpenBLAS hasn't got them. Strong ones
 * by default: an archive's members are not linked in for weak ones. */
#include "base/blas_library.h"

#include <stddef.h>
#include <stdint.h>

#define LAT_WEAK __attribute__((weak))
#ifdef LAT_ANY_BLAS
#define LAT_OPENBLAS LAT_WEAK
#else
#define LAT_OPENBLAS
#endif

LAT_OPENBLAS int openblas_get_parallel(void);
LAT_OPENBLAS int openblas_get_num_threads(void);
LAT_OPENBLAS void openblas_set_num_threads(int n);
LAT_WEAK int64_t bli_thread_get_num_threads(void);
LAT_WEAK void bli_thread_set_num_threads(int64_t n);
LAT_WEAK int omp_get_max_threads(void);
LAT_WEAK void omp_set_num_threads(int n);

enum { SERIAL, PTHREAD, OPENMP, BLIS, OTHER }; /* OpenBLAS's numbers of its builds come first */

static int which(void)
{
#ifdef LAT_ANY_BLAS
  if (!openblas_get_parallel || !openblas_get_num_threads || !openblas_set_num_threads)
    return bli_thread_get_num_threads && bli_thread_set_num_threads ? BLIS : OTHER;
#endif
  return openblas_get_parallel();
}

const char *lat_blas_name(void)
{
  static const char *const names[] = {"OpenBLAS (serial)", "OpenBLAS", "OpenBLAS (OpenMP)", "BLIS",
                                      "BLAS"};
  return names[which()];
}

bool lat_blas_reentrant(void)
{
  return which() != SERIAL;
}

/* OpenMP's number is the thread's own. openblas_set_num_threads would also set that of the process,
 * by which the other threads' calls go. */
bool lat_blas_threads_are_own(void)
{
  return which() == OPENMP && omp_get_max_threads && omp_set_num_threads;
}

int lat_blas_threads(void)
{
  if (lat_blas_threads_are_own()) return omp_get_max_threads();
  int library = which();
  if (library == OTHER) return 1;
  return library == BLIS ? (int)bli_thread_get_num_threads() : openblas_get_num_threads();
}

void lat_blas_threads_set(int n)
{
  if (lat_blas_threads_are_own()) {
    omp_set_num_threads(n);
    return;
  }
  int library = which();
  if (library == BLIS) bli_thread_set_num_threads(n);
  if (library < BLIS) openblas_set_num_threads(n);
}
