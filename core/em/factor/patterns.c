/* factor/patterns.c: rows that miss the same entries.
 *
 * Each column has an odd number of its own, of which a row's hash adds up those that it misses;
 * rows with the same hash are compared.
 *
 * Storage: hashes of the rows, the columns' numbers, an open hash table of pattern numbers, the
 * first row of each pattern, and where each begins in the order. */
#include <math.h>

#include "base/clones.h"
#include "em/factor/internal.h"

static size_t table_size(size_t rows)
{
  size_t size = 16;
  while (size < 2 * rows) size *= 2;
  return size;
}

size_t lat_factor_patterns_count(size_t D, size_t rows)
{
  return rows + D + table_size(rows) / 2 + (rows + 1) / 2 + (rows + 2) / 2;
}

static void number_columns(size_t D, uint64_t *numbers)
{
  uint64_t x = 0;
  for (size_t j = 0; j < D; j++) { /* splitmix64 (Steele, Lea, Flood 2014) */
    uint64_t y = x += 0x9e3779b97f4a7c15u;
    y = (y ^ y >> 30) * 0xbf58476d1ce4e5b9u;
    y = (y ^ y >> 27) * 0x94d049bb133111ebu;
    numbers[j] = (y ^ y >> 31) | 1;
  }
}

LAT_CLONES static void hash_rows(size_t rows, size_t D, const double *x, ptrdiff_t stride,
                                 const uint64_t *numbers, uint64_t *hashes)
{
  for (size_t i = 0; i < rows; i++, x += stride) {
    uint64_t hash = 0;
    for (size_t j = 0; j < D; j++) hash += x[j] != x[j] ? numbers[j] : 0;
    hashes[i] = hash;
  }
}

static const double *row_of(const lat_factor_batch *b, size_t i)
{
  return b->x + (ptrdiff_t)i * b->x_stride;
}

static bool misses_the_same(size_t D, const double *x, const double *y)
{
  for (size_t j = 0; j < D; j++)
    if (isnan(x[j]) != isnan(y[j])) return false;
  return true;
}

void lat_factor_find_patterns(lat_factor_batch *b, double *memory)
{
  size_t D = b->model->D, rows = b->total, size = table_size(rows), patterns = 0;
  uint64_t *hashes = (uint64_t *)(void *)memory, *numbers = hashes + rows;
  uint32_t *table = (uint32_t *)(void *)(numbers + D), *first = table + size;
  uint32_t *starts = first + rows, *of = b->pattern, total = 0;
  number_columns(D, numbers);
  hash_rows(rows, D, b->x, b->x_stride, numbers, hashes);
  memset(table, 0, size * sizeof *table);
  memset(starts, 0, (rows + 1) * sizeof *starts);
  for (size_t i = 0; i < rows; i++) {
    size_t at = hashes[i] * 0x9e3779b97f4a7c15u >> 32 & (size - 1);
    for (; table[at]; at = (at + 1) & (size - 1)) {
      size_t other = first[table[at] - 1];
      if (hashes[other] == hashes[i] && misses_the_same(D, row_of(b, other), row_of(b, i))) break;
    }
    if (!table[at]) {
      first[patterns] = (uint32_t)i;
      table[at] = (uint32_t)++patterns;
    }
    of[i] = table[at] - 1;
    starts[of[i]]++;
  }
  for (size_t p = 0; p < patterns; p++) {
    uint32_t count = starts[p];
    starts[p] = total;
    total += count;
  }
  for (size_t i = 0; i < rows; i++) b->order[starts[of[i]]++] = (uint32_t)i;
}
