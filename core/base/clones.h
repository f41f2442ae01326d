/* clones.h: one loop, several widths of vector.
 *
 * LAT_CLONES before a function has the compiler make it for plain x86-64, AVX2
 * (v3) and AVX-512 (v4); the loader picks. Only loops over arrays deserve it. */
#ifndef LAT_BASE_CLONES_H
#define LAT_BASE_CLONES_H

#if defined(__x86_64__) && defined(__GNUC__) && !defined(LAT_NO_CLONES) && defined(__linux__)
#define LAT_CLONES __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define LAT_CLONES
#endif

#endif
