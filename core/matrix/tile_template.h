/* tile_template.h: the kernels of tile.c for one kind of number and one set of instructions.
 * Included with:
 *
 *   real, BYTES   the number, and the size of a vector
 *   K(name)       names for this combination
 *   TARGET        the attribute that allows the instructions
 *   ROWS3, ROWS2, ROWS1, ROWS4  rows of a tile with 3, 2 and 1 vectors, and what is left of them
 *                 goes in tiles of ROWS4 and then of one row
 *   COLUMNS       of a tile of 4 rows of inner products
 *   FOLD          adds the numbers of a vector into its first
 *   LEAST, MOST, NUMBERS, NUMBER, BELOW  of two vectors, element by element; as many integers of
 *                 the same size, all of them equal, and those of b where x is below y, else of a:
 *                 for lat_tile_least_float, which there is where these are defined */

typedef real K(vector) __attribute__((vector_size(BYTES)));
typedef real K(anywhere) __attribute__((vector_size(BYTES), aligned(sizeof(real)), may_alias));

#define WIDTH (BYTES / sizeof(real))

/* ---- products -------------------------------------------------------------------- */

/* sum (ROWS x VECTORS) := the products of a tile: sum_p A[i, p] B[p, v]. */
#define TILE_SUMS(ROWS, VECTORS, A_COLUMN)                                                         \
  K(vector) sum[ROWS][VECTORS] = {{{0}}};                                                          \
  for (size_t p = 0; p < k; p++, A += A_COLUMN, B += b_row) {                                      \
    K(vector) b[VECTORS];                                                                          \
    UNROLL for (size_t v = 0; v < VECTORS; v++) b[v] = *(const K(anywhere) *)(B + v * WIDTH);      \
    UNROLL for (size_t i = 0; i < ROWS; i++)                                                       \
    {                                                                                              \
      UNROLL for (size_t v = 0; v < VECTORS; v++) sum[i][v] += A[i * a_row] * b[v];                \
    }                                                                                              \
  }

#define TILE_PRODUCT(NAME, ROWS, VECTORS)                                                          \
  TARGET static inline void K(NAME)(size_t k, const real *A, size_t a_row, size_t a_column,        \
                                    const real *B, size_t b_row, bool add, real *C, size_t c_row)  \
  {                                                                                                \
    TILE_SUMS(ROWS, VECTORS, a_column)                                                             \
    UNROLL for (size_t i = 0; i < ROWS; i++)                                                       \
    {                                                                                              \
      UNROLL for (size_t v = 0; v < VECTORS; v++)                                                  \
      {                                                                                            \
        K(anywhere) *c = (K(anywhere) *)(C + i * c_row + v * WIDTH);                               \
        if (add) sum[i][v] += *c;                                                                  \
        *c = sum[i][v];                                                                            \
      }                                                                                            \
    }                                                                                              \
  }

/* All rows of a panel of columns. */
#define TILE_PANEL(NAME, MANY, ROWS, SOME, ONE)                                                    \
  TARGET static void K(NAME)(size_t m, size_t k, const real *A, size_t a_row, size_t a_column,     \
                             const real *B, size_t b_row, bool add, real *C, size_t c_row)         \
  {                                                                                                \
    size_t i = 0;                                                                                  \
    for (; i + ROWS <= m; i += ROWS)                                                               \
      K(MANY)(k, A + i * a_row, a_row, a_column, B, b_row, add, C + i * c_row, c_row);             \
    for (; i + ROWS4 <= m; i += ROWS4)                                                             \
      K(SOME)(k, A + i * a_row, a_row, a_column, B, b_row, add, C + i * c_row, c_row);             \
    for (; i < m; i++)                                                                             \
      K(ONE)(k, A + i * a_row, a_row, a_column, B, b_row, add, C + i * c_row, c_row);              \
  }

TILE_PRODUCT(many3, ROWS3, 3)
TILE_PRODUCT(some3, ROWS4, 3)
TILE_PRODUCT(one3, 1, 3)
TILE_PANEL(panel3, many3, ROWS3, some3, one3)
TILE_PRODUCT(many2, ROWS2, 2)
TILE_PRODUCT(some2, ROWS4, 2)
TILE_PRODUCT(one2, 1, 2)
TILE_PANEL(panel2, many2, ROWS2, some2, one2)
TILE_PRODUCT(many1, ROWS1, 1)
TILE_PRODUCT(some1, ROWS4, 1)
TILE_PRODUCT(one1, 1, 1)
TILE_PANEL(panel1, many1, ROWS1, some1, one1)

TARGET static void K(product)(size_t m, size_t n, size_t k, const real *A, size_t a_row,
                              size_t a_column, const real *B, size_t b_row, bool add, real *C,
                              size_t c_row)
{
  size_t vectors = (n + WIDTH - 1) / WIDTH;
  for (; vectors > 4 || vectors == 3; vectors -= 3, B += 3 * WIDTH, C += 3 * WIDTH)
    K(panel3)(m, k, A, a_row, a_column, B, b_row, add, C, c_row);
  for (; vectors >= 2; vectors -= 2, B += 2 * WIDTH, C += 2 * WIDTH)
    K(panel2)(m, k, A, a_row, a_column, B, b_row, add, C, c_row);
  if (vectors) K(panel1)(m, k, A, a_row, a_column, B, b_row, add, C, c_row);
}

/* ---- the least of a column --------------------------------------------------------- */

#ifdef LEAST

/* Products that don't leave the registers but for the least two of their column and whose the
 * former is. What isn't a number makes the second as small as the first. */
#define TILE_LEAST(NAME, ROWS, VECTORS)                                                            \
  TARGET static inline void K(NAME)(size_t first, size_t k, const real *A, size_t a_row,           \
                                    const real *B, size_t b_row, real *best, real *second,         \
                                    int32_t *whose)                                                \
  {                                                                                                \
    TILE_SUMS(ROWS, VECTORS, 1)                                                                    \
    UNROLL for (size_t v = 0; v < VECTORS; v++)                                                    \
    {                                                                                              \
      K(anywhere) *at = (K(anywhere) *)(best + v * WIDTH),                                         \
                  *next = (K(anywhere) *)(second + v * WIDTH);                                     \
      NUMBERS *number = (NUMBERS *)(whose + v * WIDTH), n = *number;                               \
      K(vector) least = *at, other = *next;                                                        \
      UNROLL for (size_t i = 0; i < ROWS; i++)                                                     \
      {                                                                                            \
        n = BELOW(sum[i][v], least, n, NUMBER((int32_t)(first + i)));                              \
        other = LEAST(other, MOST(sum[i][v], least));                                              \
        least = LEAST(sum[i][v], least);                                                           \
      }                                                                                            \
      *at = least;                                                                                 \
      *next = other;                                                                               \
      *number = n;                                                                                 \
    }                                                                                              \
  }

TILE_LEAST(least3, ROWS3, 3)
TILE_LEAST(least3_1, 1, 3)
TILE_LEAST(least2, ROWS2, 2)
TILE_LEAST(least2_1, 1, 2)
TILE_LEAST(least1, ROWS1, 1)
TILE_LEAST(least1_1, 1, 1)

#define TILE_LEAST_PANEL(MANY, ROWS, ONE)                                                          \
  {                                                                                                \
    size_t i = 0;                                                                                  \
    for (; i + ROWS <= m; i += ROWS)                                                               \
      K(MANY)(i, k, A + i * a_row, a_row, B, b_row, best, second, whose);                          \
    for (; i < m; i++) K(ONE)(i, k, A + i * a_row, a_row, B, b_row, best, second, whose);          \
  }

TARGET static void K(least)(size_t m, size_t n, size_t k, const real *A, size_t a_row,
                            const real *B, size_t b_row, real *best, real *second, int32_t *whose)
{
  size_t vectors = (n + WIDTH - 1) / WIDTH, step;
  for (; vectors; vectors -= step) {
    step = vectors > 4 || vectors == 3 ? 3 : vectors >= 2 ? 2 : 1;
    if (step == 3)
      TILE_LEAST_PANEL(least3, ROWS3, least3_1)
    else if (step == 2)
      TILE_LEAST_PANEL(least2, ROWS2, least2_1)
    else
      TILE_LEAST_PANEL(least1, ROWS1, least1_1)
    B += step * WIDTH, best += step * WIDTH, second += step * WIDTH, whose += step * WIDTH;
  }
}

#endif

/* ---- inner products -------------------------------------------------------------- */

TARGET static inline real K(total)(const K(vector) * sum)
{
#ifdef SHUFFLES
  K(vector) s = *sum;
  FOLD(s)
  return s[0];
#else
  real part[WIDTH];
  memcpy(part, sum, sizeof part);
  for (size_t width = WIDTH / 2; width > 0; width /= 2)
    for (size_t l = 0; l < width; l++) part[l] += part[l + width];
  return part[0];
#endif
}

#define TILE_INNER(NAME, ROWS, COLS)                                                               \
  TARGET static inline void K(NAME)(size_t k, const real *A, size_t a_row, const real *B,          \
                                    size_t b_row, bool add, real *C, size_t c_row)                 \
  {                                                                                                \
    K(vector) sum[ROWS][COLS] = {{{0}}};                                                           \
    size_t p = 0;                                                                                  \
    for (; p + WIDTH <= k; p += WIDTH) {                                                           \
      K(vector) b[COLS];                                                                           \
      UNROLL for (size_t j = 0; j < COLS; j++) b[j] = *(const K(anywhere) *)(B + j * b_row + p);   \
      UNROLL for (size_t i = 0; i < ROWS; i++)                                                     \
      {                                                                                            \
        K(vector) a = *(const K(anywhere) *)(A + i * a_row + p);                                   \
        UNROLL for (size_t j = 0; j < COLS; j++) sum[i][j] += a * b[j];                            \
      }                                                                                            \
    }                                                                                              \
    UNROLL for (size_t i = 0; i < ROWS; i++)                                                       \
    {                                                                                              \
      UNROLL for (size_t j = 0; j < COLS; j++)                                                     \
      {                                                                                            \
        real all = K(total)(&sum[i][j]), *c = C + i * c_row + j;                                   \
        for (size_t q = p; q < k; q++) all += A[i * a_row + q] * B[j * b_row + q];                 \
        *c = add ? *c + all : all;                                                                 \
      }                                                                                            \
    }                                                                                              \
  }

TILE_INNER(inner4, 4, COLUMNS)
TILE_INNER(inner4_2, 4, 2)
TILE_INNER(inner4_1, 4, 1)
TILE_INNER(inner2, 2, COLUMNS)
TILE_INNER(inner2_1, 2, 1)
TILE_INNER(inner1, 1, COLUMNS)
TILE_INNER(inner1_1, 1, 1)

TARGET static void K(inner)(size_t m, size_t n, size_t k, const real *A, size_t a_row,
                            const real *B, size_t b_row, bool add, real *C, size_t c_row)
{
  size_t i = 0;
  for (; i + 4 <= m; i += 4, A += 4 * a_row, C += 4 * c_row) {
    size_t j = 0;
    for (; j + COLUMNS <= n; j += COLUMNS)
      K(inner4)(k, A, a_row, B + j * b_row, b_row, add, C + j, c_row);
    for (; j + 2 <= n; j += 2) K(inner4_2)(k, A, a_row, B + j * b_row, b_row, add, C + j, c_row);
    if (j < n) K(inner4_1)(k, A, a_row, B + j * b_row, b_row, add, C + j, c_row);
  }
  for (; i + 2 <= m; i += 2, A += 2 * a_row, C += 2 * c_row) {
    size_t j = 0;
    for (; j + COLUMNS <= n; j += COLUMNS)
      K(inner2)(k, A, a_row, B + j * b_row, b_row, add, C + j, c_row);
    for (; j < n; j++) K(inner2_1)(k, A, a_row, B + j * b_row, b_row, add, C + j, c_row);
  }
  if (i < m) {
    size_t j = 0;
    for (; j + COLUMNS <= n; j += COLUMNS)
      K(inner1)(k, A, a_row, B + j * b_row, b_row, add, C + j, c_row);
    for (; j < n; j++) K(inner1_1)(k, A, a_row, B + j * b_row, b_row, add, C + j, c_row);
  }
}

#undef TILE_SUMS
#undef TILE_PRODUCT
#undef TILE_PANEL
#undef TILE_INNER
#undef TILE_LEAST
#undef TILE_LEAST_PANEL
#undef WIDTH
