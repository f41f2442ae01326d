/* random.h: the one random number generator of the project.
 *
 * Philox 4x32-10 (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as
 * 1, 2, 3; SC 2011) is a function of a key and a counter, without a
 * hidden state: word p of stream s with seed k is a fixed number. So draws depend
 * neither on threads nor on the order of calls, streams can't overlap, and jumping
 * ahead is an addition.
 *
 *   key      the seed's 64 bits
 *   counter  position/2 in the low 64 bits, the stream in the high 64
 *   word p   64 bits: the first or the second half of block p/2
 *
 * A uniform number or a normal uses one position each (normals p and p^1 are the two
 * of one Box-Muller pair, made of block 2^63 + p/2, so a uniform drawn beside them
 * shares no bits with them), so an array that is filled has the same numbers as single draws. */
#ifndef LAT_BASE_RANDOM_H
#define LAT_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

#include "base/workspace.h"

#define LAT_MOST_POISSON 0x1p52

typedef struct lat_random {
  uint64_t seed, stream, position; /* the whole state; position counts 64-bit words */
} lat_random;

/* The raw function, as in the Random123 reference: four words of counter, two of key. */
void lat_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

uint64_t lat_random_word(lat_random *random);                   /* 64 random bits */
double lat_random_uniform(lat_random *random);                  /* in [0,1), 53 bits */
double lat_random_normal(lat_random *random);                   /* N(0,1) */
double lat_random_exponential(lat_random *random);              /* mean 1 */
double lat_random_gamma(lat_random *random, double shape);      /* scale 1; shape > 0 */
double lat_random_beta(lat_random *random, double a, double b); /* on [0,1]; a, b > 0 */
/* A whole number. 0 <= mean <= LAT_MOST_POISSON, up to which doubles hold what is drawn exactly. */
double lat_random_poisson(lat_random *random, double mean);
uint64_t lat_random_below(lat_random *random, uint64_t bound); /* 0..bound-1, unbiased */

/* The functions that draw many numbers call lat_check as they go; `work` may be NULL, and then they
 * can't fail. The generator advances only when they succeed. */

/* Fill n numbers, as n single draws would. Large fills use the thread pool. */
lat_status lat_random_fill_uniform(lat_workspace *work, lat_random *random, size_t n, double *out);
lat_status lat_random_fill_normal(lat_workspace *work, lat_random *random, size_t n, double *out);
lat_status lat_random_fill_uniform_float(lat_workspace *work, lat_random *random, size_t n,
                                         float *out);
lat_status lat_random_fill_normal_float(lat_workspace *work, lat_random *random, size_t n,
                                        float *out);

/* A permutation of 0..n-1 (Fisher-Yates). */
lat_status lat_random_permutation(lat_workspace *work, lat_random *random, size_t n, size_t *out);

/* n draws (from 0) from K categories with the given weights (>= 0, finite, not all
 * 0): Walker's alias method; `alias` K size_t and `accept` K doubles are scratch. */
lat_status lat_random_categorical(lat_workspace *work, lat_random *random, size_t K,
                                  const double *weights, size_t n, size_t *out, size_t *alias,
                                  double *accept);

/* An independent generator keyed by this one's next words. */
lat_random lat_random_split(lat_random *random);

#endif
