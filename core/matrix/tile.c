/* tile.c: products of small matrices in registers, for AVX2 and AVX-512.
 *
 * tile_template.h is compiled for each vector width and number type; a call chooses by the
 * processor's features. A tile of ROWS x VECTORS vectors of C is held in registers while the sum
 * over k runs; inner products sum along k in a vector, whose elements are then added half onto
 * half. Elsewhere BLAS is called. */
#include "matrix/tile.h"

#include <cblas.h>
#include <math.h>
#include <string.h>
#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#endif

#include "base/clones.h"

#if defined(__x86_64__) && defined(__GNUC__)
#define KERNELS 1
#else
#define KERNELS 0
#endif

#if KERNELS

LAT_FUSED

#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 32")
#endif

/* the numbers of a vector, half onto half */
#if defined(__clang__) || __GNUC__ >= 12
#define SHUFFLES             1
#define ADD_SHUFFLED(s, ...) s += __builtin_shufflevector(s, s, __VA_ARGS__);
#define FOLD4(s)             ADD_SHUFFLED(s, 2, 3, 0, 1) ADD_SHUFFLED(s, 1, 0, 3, 2)
#define FOLD8(s)                                                                                   \
  ADD_SHUFFLED(s, 4, 5, 6, 7, 0, 1, 2, 3)                                                          \
  ADD_SHUFFLED(s, 2, 3, 0, 1, 6, 7, 4, 5) ADD_SHUFFLED(s, 1, 0, 3, 2, 5, 4, 7, 6)
#define FOLD16(s)                                                                                  \
  ADD_SHUFFLED(s, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7)                            \
  ADD_SHUFFLED(s, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11)                            \
  ADD_SHUFFLED(s, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13)                            \
  ADD_SHUFFLED(s, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14)
#endif

#define V3 __attribute__((target("avx2,fma")))
#define V4 __attribute__((target("avx512f,avx512dq,avx512vl,avx512bw,fma")))

#define ROWS4 4

#define real    double
#define BYTES   64
#define FOLD    FOLD8
#define K(name) name##_64_v4
#define TARGET  V4
#define ROWS3   8
#define ROWS2   12
#define ROWS1   14
#define COLUMNS 6
#include "matrix/tile_template.h"
#undef real
#undef K
#undef FOLD
#define real              float
#define FOLD              FOLD16
#define K(name)           name##_32_v4
#define LEAST(a, b)       _mm512_min_ps(a, b) /* b, where either isn't a number; so does MOST */
#define MOST(a, b)        _mm512_max_ps(a, b)
#define NUMBERS           __m512i_u
#define NUMBER(n)         _mm512_set1_epi32(n)
#define BELOW(x, y, a, b) _mm512_mask_mov_epi32(a, _mm512_cmp_ps_mask(x, y, _CMP_LT_OQ), b)
#include "matrix/tile_template.h"
#undef LEAST
#undef MOST
#undef NUMBERS
#undef NUMBER
#undef BELOW
#undef real
#undef BYTES
#undef K
#undef TARGET
#undef ROWS3
#undef ROWS2
#undef ROWS1
#undef COLUMNS
#undef FOLD

#define real    double
#define BYTES   32
#define FOLD    FOLD4
#define K(name) name##_64_v3
#define TARGET  V3
#define ROWS3   4
#define ROWS2   6
#define ROWS1   8
#define COLUMNS 2
#include "matrix/tile_template.h"
#undef real
#undef K
#undef FOLD
#define real        float
#define FOLD        FOLD8
#define K(name)     name##_32_v3
#define LEAST(a, b) _mm256_min_ps(a, b)
#define MOST(a, b)  _mm256_max_ps(a, b)
#define NUMBERS     __m256i_u
#define NUMBER(n)   _mm256_set1_epi32(n)
#define BELOW(x, y, a, b)                                                                          \
  _mm256_blendv_epi8(a, b, _mm256_castps_si256(_mm256_cmp_ps(x, y, _CMP_LT_OQ)))
#include "matrix/tile_template.h"

static int level(void)
{
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw"))
    return 4;
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? 3 : 0;
}

#ifndef LAT_TILE_LEVEL /* specs try all of them */
#define LAT_TILE_LEVEL level()
#endif

/* Does the work of a call where there is a kernel for it. */
#define TRY(name, bits, ...)                                                                       \
  switch (LAT_TILE_LEVEL) {                                                                        \
  case 4:                                                                                          \
    name##_##bits##_v4(__VA_ARGS__);                                                               \
    return;                                                                                        \
  case 3:                                                                                          \
    name##_##bits##_v3(__VA_ARGS__);                                                               \
    return;                                                                                        \
  default:                                                                                         \
    break;                                                                                         \
  }
#else
#define TRY(...)
#endif

/* What BLAS is told of the stride of `count` rows of `numbers`: it wants no less than these, and 1,
 * even of a single row, whose stride says nothing. */
static blasint lead_of(size_t count, size_t stride, size_t numbers)
{
  if (count == 1 && stride < numbers) stride = numbers;
  return (blasint)(stride ? stride : 1);
}

/* BLAS wants one stride of A to be 1; that of a single column is as good as 1. */
static CBLAS_TRANSPOSE order_of(size_t m, size_t k, size_t a_row, size_t a_column, blasint *lead)
{
  bool by_rows = a_column == 1 || k == 1;
  *lead = by_rows ? lead_of(m, a_row, k) : lead_of(k, a_column, m);
  return by_rows ? CblasNoTrans : CblasTrans;
}

void lat_tile_product(size_t m, size_t n, size_t k, const double *A, size_t a_row, size_t a_column,
                      const double *B, size_t b_row, bool add, double *C, size_t c_row)
{
  TRY(product, 64, m, n, k, A, a_row, a_column, B, b_row, add, C, c_row)
  blasint lead;
  CBLAS_TRANSPOSE order = order_of(m, k, a_row, a_column, &lead);
  cblas_dgemm(CblasRowMajor, order, CblasNoTrans, (blasint)m, (blasint)n, (blasint)k, 1, A, lead, B,
              lead_of(k, b_row, n), add, C, lead_of(m, c_row, n));
}

void lat_tile_product_float(size_t m, size_t n, size_t k, const float *A, size_t a_row,
                            size_t a_column, const float *B, size_t b_row, bool add, float *C,
                            size_t c_row)
{
  TRY(product, 32, m, n, k, A, a_row, a_column, B, b_row, add, C, c_row)
  blasint lead;
  CBLAS_TRANSPOSE order = order_of(m, k, a_row, a_column, &lead);
  cblas_sgemm(CblasRowMajor, order, CblasNoTrans, (blasint)m, (blasint)n, (blasint)k, 1, A, lead, B,
              lead_of(k, b_row, n), add, C, lead_of(m, c_row, n));
}

void lat_tile_inner(size_t m, size_t n, size_t k, const double *A, size_t a_row, const double *B,
                    size_t b_row, bool add, double *C, size_t c_row)
{
  TRY(inner, 64, m, n, k, A, a_row, B, b_row, add, C, c_row)
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)m, (blasint)n, (blasint)k, 1, A,
              lead_of(m, a_row, k), B, lead_of(n, b_row, k), add, C, lead_of(m, c_row, n));
}

void lat_tile_inner_float(size_t m, size_t n, size_t k, const float *A, size_t a_row,
                          const float *B, size_t b_row, bool add, float *C, size_t c_row)
{
  TRY(inner, 32, m, n, k, A, a_row, B, b_row, add, C, c_row)
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)m, (blasint)n, (blasint)k, 1, A,
              lead_of(m, a_row, k), B, lead_of(n, b_row, k), add, C, lead_of(m, c_row, n));
}

bool lat_tile_least_float(size_t m, size_t n, size_t k, const float *A, size_t a_row,
                          const float *B, size_t b_row, float *best, float *second, int32_t *whose)
{
#if KERNELS
  int kernels = LAT_TILE_LEVEL;
  for (size_t j = 0; kernels >= 3 && j < lat_tile_columns_float(n); j++) {
    best[j] = second[j] = INFINITY;
    whose[j] = 0;
  }
  if (kernels == 4) least_32_v4(m, n, k, A, a_row, B, b_row, best, second, whose);
  if (kernels == 3) least_32_v3(m, n, k, A, a_row, B, b_row, best, second, whose);
  return kernels >= 3;
#else
  (void)m, (void)n, (void)k, (void)A, (void)a_row, (void)B, (void)b_row;
  (void)best, (void)second, (void)whose;
  return false;
#endif
}
