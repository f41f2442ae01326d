/* transpose.c: transposes of blocks by 4 x 4 tiles, each shuffled within vector registers. */
#include "matrix/transpose.h"

#include "base/clones.h"

#if defined(__clang__) || (defined(__GNUC__) && __GNUC__ >= 12)

#define FOURS(four, type)                                                                          \
  typedef type four __attribute__((vector_size(4 * sizeof(type)), aligned(sizeof(type)), may_alias))

/* A 4 x 4 block: pairs of rows are interleaved, then pairs of those. */
#define TRANSPOSE_FOUR(four, A, a_row, T, t_row)                                                   \
  do {                                                                                             \
    four a = *(const four *)(A), b = *(const four *)((A) + (a_row));                               \
    four c = *(const four *)((A) + 2 * (a_row)), d = *(const four *)((A) + 3 * (a_row));           \
    four ab = __builtin_shufflevector(a, b, 0, 4, 1, 5);                                           \
    four cd = __builtin_shufflevector(c, d, 0, 4, 1, 5);                                           \
    four AB = __builtin_shufflevector(a, b, 2, 6, 3, 7);                                           \
    four CD = __builtin_shufflevector(c, d, 2, 6, 3, 7);                                           \
    *(four *)(T) = __builtin_shufflevector(ab, cd, 0, 1, 4, 5);                                    \
    *(four *)((T) + (t_row)) = __builtin_shufflevector(ab, cd, 2, 3, 6, 7);                        \
    *(four *)((T) + 2 * (t_row)) = __builtin_shufflevector(AB, CD, 0, 1, 4, 5);                    \
    *(four *)((T) + 3 * (t_row)) = __builtin_shufflevector(AB, CD, 2, 3, 6, 7);                    \
  } while (0)

#else

#define FOURS(four, type) typedef type four
#define TRANSPOSE_FOUR(four, A, a_row, T, t_row)                                                   \
  for (size_t r = 0; r < 4; r++)                                                                   \
    for (size_t c = 0; c < 4; c++) (T)[c * (t_row) + r] = (A)[r * (a_row) + c]

#endif

FOURS(four_doubles, double);
FOURS(four_floats, float);

#define TRANSPOSE(name, type, four)                                                                \
  LAT_CLONES void name(size_t rows, size_t columns, const type *A, size_t a_row, type *T,          \
                       size_t t_row)                                                               \
  {                                                                                                \
    size_t i = 0;                                                                                  \
    for (; i + 4 <= rows; i += 4, A += 4 * a_row) {                                                \
      size_t j = 0;                                                                                \
      for (; j + 4 <= columns; j += 4)                                                             \
        TRANSPOSE_FOUR(four, A + j, a_row, T + j * t_row + i, t_row);                              \
      for (; j < columns; j++)                                                                     \
        for (size_t q = 0; q < 4; q++) T[j * t_row + i + q] = A[q * a_row + j];                    \
    }                                                                                              \
    for (; i < rows; i++, A += a_row)                                                              \
      for (size_t j = 0; j < columns; j++) T[j * t_row + i] = A[j];                                \
  }

TRANSPOSE(lat_transpose_block, double, four_doubles)
TRANSPOSE(lat_transpose_block_float, float, four_floats)
