/* tile.c: the products of core/matrix/tile.h against sums by definition, for every kernel that this
 * processor has: LAT_TILE_LEVEL (4, 3, or 0 for BLAS) chooses it. Prints the number of cases and the
 * largest error as a part of its bound, k + 1 roundings of the sum of magnitudes; its spec runs it. */
#include "../../core/matrix/tile.c"

#include <math.h>
#include <stdio.h>

enum { ROOM = 5000 };

static unsigned seed = 1;
static double worst;
static int cases;

static double draw(void)
{
  seed = seed * 1664525u + 1013904223u;
  return (double)(seed >> 8) / (1 << 24) - 0.5;
}

typedef struct problem {
  size_t m, n, k, a_row, a_column, b_row, b_column, c_row,
      written; /* columns of C that may change */
  bool add;
} problem;

#define CHECK(NAME, TYPE, UNIT)                                                                    \
  static TYPE NAME##_a[ROOM], NAME##_b[ROOM], NAME##_c[ROOM], NAME##_old[ROOM];                    \
  static void NAME##_fill(void)                                                                    \
  {                                                                                                \
    for (size_t i = 0; i < ROOM; i++) {                                                            \
      NAME##_a[i] = (TYPE)draw();                                                                  \
      NAME##_b[i] = (TYPE)draw();                                                                  \
      NAME##_c[i] = NAME##_old[i] = (TYPE)draw();                                                  \
    }                                                                                              \
  }                                                                                                \
  static void NAME##_check(const problem *p)                                                       \
  {                                                                                                \
    for (size_t i = 0; i < ROOM; i++) {                                                            \
      size_t row = i / p->c_row, column = i % p->c_row;                                            \
      if (row < p->m && column < p->n) {                                                           \
        long double sum = p->add ? (long double)NAME##_old[i] : 0;                                 \
        double magnitude = fabs((double)sum);                                                      \
        for (size_t q = 0; q < p->k; q++) {                                                        \
          double term = (double)NAME##_a[row * p->a_row + q * p->a_column] *                       \
                        (double)NAME##_b[q * p->b_row + column * p->b_column];                     \
          sum += term;                                                                             \
          magnitude += fabs(term);                                                                 \
        }                                                                                          \
        double error = fabs((double)(NAME##_c[i] - sum));                                          \
        double bound = ((double)p->k + 1) * UNIT * magnitude;                                      \
        if (!(error <= worst * bound)) worst = bound > 0 ? error / bound : INFINITY;               \
      } else if (!(row < p->m && column < p->written) && NAME##_c[i] != NAME##_old[i]) {           \
        worst = INFINITY; /* it wrote where it mustn't */                                          \
      }                                                                                            \
    }                                                                                              \
    cases++;                                                                                       \
  }

CHECK(wide, double, 0x1p-53)
CHECK(narrow, float, 0x1p-24)

/* `apart`: rows lie apart; else those of A side by side, and strides of single rows and columns are
 * 1. */
static void try(size_t m, size_t n, size_t k, bool add, bool turned, bool apart)
{
  problem p = {.m = m, .n = n, .k = k, .add = add, .b_column = 1};
  p.written = (n + LAT_TILE_FLOAT - 1) / LAT_TILE_FLOAT * LAT_TILE_FLOAT;
  p.b_row = p.written + 3;
  p.c_row = p.written + 5;
  p.a_row = turned || (m == 1 && !apart) ? 1 : k + 2 * apart;
  p.a_column = turned && (k > 1 || apart) ? m + 2 * apart : 1;
  wide_fill();
  lat_tile_product(m, n, k, wide_a, p.a_row, p.a_column, wide_b, p.b_row, add, wide_c, p.c_row);
  wide_check(&p);
  narrow_fill();
  lat_tile_product_float(m, n, k, narrow_a, p.a_row, p.a_column, narrow_b, p.b_row, add, narrow_c,
                         p.c_row);
  narrow_check(&p);
  if (turned || k == 0) return;
  p.written = n;
  p.b_column = n == 1 && !apart ? 1 : k + 1; /* B' */
  p.b_row = 1;
  wide_fill();
  lat_tile_inner(m, n, k, wide_a, p.a_row, wide_b, p.b_column, add, wide_c, p.c_row);
  wide_check(&p);
  narrow_fill();
  lat_tile_inner_float(m, n, k, narrow_a, p.a_row, narrow_b, p.b_column, add, narrow_c, p.c_row);
  narrow_check(&p);
}

/* The least two of each column of a product with k terms of which all are halves, so that sums are
 * exact and many are equal. */
static void try_least(size_t m, size_t n, size_t k)
{
  static float A[ROOM], B[ROOM], best[128], second[128];
  static int32_t whose[128];
  size_t pitch = lat_tile_columns_float(n) + 3;
  for (size_t i = 0; i < ROOM; i++) {
    A[i] = (float)(int)(6 * draw()) / 2;
    B[i] = (float)(int)(6 * draw()) / 2;
  }
  if (!lat_tile_least_float(m, n, k, A, k + 2, B, pitch, best, second, whose)) return;
  for (size_t j = 0; j < n; j++) {
    float least = INFINITY, next = INFINITY;
    size_t at = 0;
    for (size_t i = 0; i < m; i++) {
      float sum = 0;
      for (size_t p = 0; p < k; p++) sum += A[i * (k + 2) + p] * B[p * pitch + j];
      if (sum < least) at = i;
      next = fminf(next, fmaxf(sum, least));
      least = fminf(sum, least);
    }
    if (best[j] != least || second[j] != next || (size_t)whose[j] != at) worst = INFINITY;
  }
  cases++;
}

int main(void)
{
  static const size_t rows[] = {1, 3, 4, 7, 12, 14, 19, 31};
  static const size_t columns[] = {1, 7, 8, 17, 33, 48, 70};
  static const size_t depths[] = {0, 1, 2, 7, 8, 15, 16, 17, 40};
#if KERNELS
  if (LAT_TILE_LEVEL > level()) {
    puts("0 0");
    return 0;
  }
#endif
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    for (size_t j = 0; j < sizeof columns / sizeof *columns; j++)
      for (size_t q = 0; q < sizeof depths / sizeof *depths; q++) {
        for (int code = 0; code < 8; code++)
          try(rows[i], columns[j], depths[q], code & 1, code & 2, code & 4);
        try_least(rows[i], columns[j], depths[q]);
      }
  printf("%d %.3f\n", cases, worst);
  return 0;
}
