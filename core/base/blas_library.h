/* blas_library.h: what no standard says of BLAS: how many threads the library has that is linked.
 *
 * OpenBLAS by default. Compiled with LAT_ANY_BLAS (make BLAS=...), the functions of OpenBLAS and of
 * BLIS are looked for when the program is loaded, and of a library that has neither's it is taken
 * that it has one thread and may be called by several, as the reference BLAS. */
#ifndef LAT_BASE_BLAS_LIBRARY_H
#define LAT_BASE_BLAS_LIBRARY_H

#include <stdbool.h>

/* "OpenBLAS", "OpenBLAS (serial)", "OpenBLAS (OpenMP)", "BLIS", or "BLAS" of any other. */
const char *lat_blas_name(void);

/* Whether several threads may call it at once: OpenBLAS's serial build gives wrong numbers then. */
bool lat_blas_reentrant(void);

/* Whether each thread has a number of its own (OpenBLAS's OpenMP build) rather than the process one
 * number. */
bool lat_blas_threads_are_own(void);

/* The number of its threads, of the process or of the calling thread. */
int lat_blas_threads(void);
void lat_blas_threads_set(int n);

#endif
