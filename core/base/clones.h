/* clones.h: one loop, several widths of vector.
 *
 * LAT_CLONES before a function has gcc compile it for plain x86-64, AVX2 (v3) and
 * AVX-512 (v4, from gcc 12 on); the loader chooses one. It pays for loops over
 * arrays only. clang's clones can't be called from other files, and only glibc's loader can choose:
 * with musl there is the plain version. */
#ifndef LAT_BASE_CLONES_H
#define LAT_BASE_CLONES_H

#include <limits.h> /* defines __GLIBC__ */

#if defined(LAT_NO_CLONES) || !defined(__x86_64__) || !defined(__GNUC__) || defined(__clang__) ||  \
    !defined(__GLIBC__)
#define LAT_CLONES
#elif __GNUC__ >= 12
#define LAT_CLONES __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define LAT_CLONES __attribute__((target_clones("default", "avx2", "avx512f")))
#endif

/* A function that is inlined into every loop that calls it, however large the caller gets: a call
 * would keep the loop from becoming vector code, and inside LAT_CLONES it is compiled for each
 * clone. */
#ifdef __GNUC__
#define LAT_INLINE static inline __attribute__((always_inline))
#else
#define LAT_INLINE static inline
#endif

/* Before a loop over arrays that are the same or don't overlap: its iterations are independent. */
#if defined(__clang__)
#define LAT_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__GNUC__)
#define LAT_INDEPENDENT _Pragma("GCC ivdep")
#else
#define LAT_INDEPENDENT
#endif

/* Brings a cache line into the second cache, while something else is done; any address will do. */
#if defined(__GNUC__)
#define LAT_PREFETCH(address) __builtin_prefetch(address, 0, 2)
#else
#define LAT_PREFETCH(address) ((void)0)
#endif

/* From here to the end of the file a product and the sum it goes into may be one instruction,
 * rounded once. It stands before the functions that are inlined. */
#ifdef __clang__
#define LAT_FUSED _Pragma("STDC FP_CONTRACT ON")
#elif defined(__GNUC__)
#define LAT_FUSED _Pragma("GCC optimize(\"fp-contract=fast\")")
#else
#define LAT_FUSED
#endif

#endif
