/* ordered_sum.c: sums in one order, as base/ordered_sum.h promises. Each line printed is a fact that
 * spec/ordered_sum_spec.lua expects. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "latent.h"

enum { COUNT = 5, CHUNK = 4 };

typedef struct data {
  size_t first; /* rows of the whole before this piece */
  size_t count;
} data;

/* A number whose sums depend on their order: exponents from -20 to 20. */
static double number(size_t row, size_t i)
{
  lat_random random = {1, row, i};
  double sign = lat_random_uniform(&random) < 0.5 ? -1 : 1;
  return sign * exp2(40 * lat_random_uniform(&random) - 20);
}

/* Chunks of CHUNK rows, from the group's first on, are summed before they are added. */
static void add(void *context, size_t first, size_t rows, size_t offset, double *sum, size_t worker)
{
  const data *d = context;
  (void)worker;
  for (size_t r = 0; r < rows;) {
    size_t n = CHUNK - (offset + r) % CHUNK;
    if (n > rows - r) n = rows - r;
    for (size_t i = 0; i < d->count; i++) {
      double chunk = 0;
      for (size_t k = 0; k < n; k++) chunk += number(d->first + first + r + k, i % COUNT);
      sum[i] += chunk;
    }
    r += n;
  }
}

/* The sum of groups from..to-1 (the last may be short) as the header draws it. */
static void reference(size_t rows, size_t group, size_t from, size_t to, double *sum)
{
  data d = {0, COUNT};
  if (to - from == 1) {
    size_t n = rows - from * group;
    memset(sum, 0, COUNT * sizeof *sum);
    add(&d, from * group, n < group ? n : group, 0, sum, 0);
    return;
  }
  size_t half = 1;
  while (2 * half < to - from) half *= 2;
  double right[COUNT];
  reference(rows, group, from, from + half, sum);
  reference(rows, group, from + half, to, right);
  for (int i = 0; i < COUNT; i++) sum[i] += right[i];
}

/* The sum of `rows` rows that come in pieces of up to `most` times `unit` rows. */
static int sum_of(size_t rows, size_t group, size_t unit, size_t most, uint64_t seed, double *total)
{
  lat_workspace work;
  lat_ordered_sum sum;
  lat_random random = {seed, 7, 0};
  lat_workspace_init(&work);
  int ok = lat_sum_init(&sum, &work, 1, COUNT, 0, NULL) == LAT_OK;
  sum.group = group;
  lat_mark mark = lat_workspace_mark(&work);
  for (data d = {0, COUNT}; ok && d.first < rows;) {
    size_t n = unit * (1 + (size_t)lat_random_below(&random, most));
    if (n > rows - d.first) n = rows - d.first;
    ok = lat_sum_add(&sum, &work, n, add, &d) == LAT_OK;
    d.first += n;
  }
  lat_mark after = lat_workspace_mark(&work);
  ok = ok && after.block == mark.block && after.used == mark.used && lat_sum_finite(&sum);
  lat_sum_total(&sum, total);
  lat_workspace_done(&work);
  return ok;
}

static int same(size_t rows, size_t group, size_t unit, size_t most, uint64_t seed)
{
  double expected[COUNT], total[COUNT];
  reference(rows, group, 0, (rows + group - 1) / group, expected);
  int ok = sum_of(rows, group, unit, most, seed, total);
  return ok && memcmp(expected, total, sizeof total) == 0;
}

static void orders(void)
{
  int whole = 1, pieces = 1, chunks = 1;
  for (size_t rows = 1; rows < 40; rows++) whole = whole && same(rows, 8, rows, 1, rows);
  for (size_t threads = 1; threads < 6; threads++) {
    lat_threads_set(threads);
    for (uint64_t seed = 0; seed < 8; seed++) {
      size_t rows = 1 + 2393 * (size_t)seed;
      whole = whole && same(rows, 8, rows, 1, seed);
      pieces = pieces && same(rows, 8, 8, 300, seed);
      chunks = chunks && same(rows, 8, CHUNK, 11, seed);
    }
  }
  printf("whole %d\npieces %d\nchunks %d\n", whole, pieces, chunks);
}

static void merge_pair(void *context, size_t into, size_t from)
{
  double(*sums)[COUNT] = context;
  for (int i = 0; i < COUNT; i++) sums[into][i] += sums[from][i];
}

/* Sums that are all there, in the same tree. */
static void tree(void)
{
  enum { MOST = 40 };
  int ok = 1;
  for (size_t n = 1; n <= MOST; n++) {
    double expected[COUNT], sums[MOST][COUNT];
    data d = {0, COUNT};
    reference(n, 1, 0, n, expected);
    memset(sums, 0, sizeof sums);
    for (size_t g = 0; g < n; g++) add(&d, g, 1, 0, sums[g], 0);
    lat_sum_tree(n, merge_pair, sums);
    ok = ok && memcmp(expected, sums[0], sizeof expected) == 0;
  }
  printf("tree %d\n", ok);
}

/* Sums of more than 2^16 numbers have 12 levels: beyond 2^12 groups the highest one grows in order. */
static void large(void)
{
  enum { LARGE = (1 << 16) + 1 };
  lat_workspace work;
  lat_ordered_sum sum;
  lat_workspace_init(&work);
  data d = {0, LARGE};
  double expected[COUNT], *total = malloc(LARGE * sizeof *total);
  int ok = total && lat_sum_init(&sum, &work, 1, LARGE, 0, NULL) == LAT_OK;
  sum.group = CHUNK;
  /* few rows: the tree is that of small sums */
  ok = ok && lat_sum_add(&sum, &work, 100, add, &d) == LAT_OK;
  reference(100, CHUNK, 0, 25, expected);
  if (ok) lat_sum_total(&sum, total);
  for (int i = 0; ok && i < COUNT; i++)
    ok = total[i] == expected[i] && total[i + 50 * COUNT] == expected[i];
  printf("large %d\n", ok);
  free(total);
  lat_workspace_done(&work);
}

/* ---- moments of rows in pieces ---- */

enum { DIMENSIONS = 3, ROWS = 150000 };

/* Column 2 has numbers whose squares overflow in its second third, column 3 one constant. */
static void fill(double *X)
{
  for (size_t i = 0; i < ROWS; i++) {
    X[i * DIMENSIONS] = number(i, 0);
    X[i * DIMENSIONS + 1] = number(i, 1) * (i / (ROWS / 3) == 1 ? 0x1p600 : 1);
    X[i * DIMENSIONS + 2] = 1.25;
  }
}

/* The moments of X's rows in pieces of so many rows; into at most COUNT^2 numbers. */
static int moments_of(const double *X, size_t piece, int columns, double *to)
{
  lat_workspace work;
  lat_moments_sum sum;
  lat_workspace_init(&work);
  size_t D = DIMENSIONS;
  int ok = (columns ? lat_column_moments_begin : lat_moments_begin)(&work, &sum, D, 0) == LAT_OK;
  if (piece == 0) piece = sum.sum.group;
  if (piece == 1) piece = lat_chunk_rows(D);
  for (size_t first = 0; ok && first < ROWS; first += piece) {
    size_t rows = ROWS - first < piece ? ROWS - first : piece;
    lat_matrix part = lat_matrix_of((double *)X + first * D, rows, D);
    ok = (columns ? lat_column_moments_include(&work, &sum, &part, NULL, false)
                  : lat_moments_include(&work, &sum, &part, NULL)) == LAT_OK;
  }
  memset(to, 0, COUNT * COUNT * sizeof *to);
  lat_moments all = lat_moments_of(to, D);
  lat_column_moments each = lat_column_moments_of(to, D);
  ok = ok && (columns ? lat_column_moments_join(&work, &sum, &each)
                      : lat_moments_join(&work, &sum, &all)) == LAT_OK;
  lat_workspace_done(&work);
  return ok;
}

/* The parts that an in-range column has: its mean and scatter, to a few units in the last place. */
static int is_close(const double *a, const double *b, int columns)
{
  size_t mean = columns ? DIMENSIONS : 1, scatter = columns ? 2 * DIMENSIONS : 1 + DIMENSIONS;
  double scale = sqrt(b[scatter] / ROWS);
  return fabs(a[mean] - b[mean]) < 1e-12 * scale &&
         fabs(a[scatter] - b[scatter]) < 1e-12 * b[scatter];
}

static void moments(void)
{
  double *X = malloc((size_t)ROWS * DIMENSIONS * sizeof *X), whole[COUNT * COUNT],
         to[COUNT * COUNT];
  int groups = X != NULL, chunks = 1, cut = 1;
  if (X) fill(X);
  for (int columns = 0; groups && columns < 2; columns++) {
    lat_threads_set(1);
    groups = moments_of(X, ROWS, columns, whole);
    for (size_t threads = 1; threads < 4; threads++) {
      lat_threads_set(threads);
      groups = groups && moments_of(X, 0, columns, to) && memcmp(to, whole, sizeof to) == 0;
      chunks = chunks && moments_of(X, 1, columns, to) && is_close(to, whole, columns);
      cut = cut && moments_of(X, 777, columns, to) && is_close(to, whole, columns);
    }
    /* the unit of column 2 is that of its largest numbers, and its deviation is right */
    double e = whole[columns ? 3 * DIMENSIONS + 1 : 1 + DIMENSIONS + DIMENSIONS * DIMENSIONS + 1];
    groups = groups && e > 600 && e < 625;
  }
  printf("groups %d\ncut at chunks %d\ncut anywhere %d\n", groups, chunks, cut);
  free(X);
}

static void stops(void)
{
  lat_workspace work;
  lat_ordered_sum sum;
  atomic_int cancel = 1;
  data d = {0, COUNT};
  lat_workspace_init(&work);
  lat_sum_init(&sum, &work, 1, COUNT, 0, NULL);
  sum.group = 8;
  work.cancel = &cancel;
  lat_mark mark = lat_workspace_mark(&work);
  printf("cancelled %d\n", lat_sum_add(&sum, &work, 1000, add, &d) == LAT_CANCELLED);
  printf("released %d\n", lat_workspace_mark(&work).used == mark.used);
  work.cancel = NULL;
  lat_sum_clear(&sum);
  double expected[COUNT], total[COUNT];
  reference(1000, 8, 0, 125, expected);
  int ok = lat_sum_add(&sum, &work, 1000, add, &d) == LAT_OK;
  lat_sum_total(&sum, total);
  printf("again %d\n", ok && memcmp(expected, total, sizeof total) == 0);
  lat_workspace_done(&work);
}

int main(void)
{
  orders();
  tree();
  large();
  moments();
  stops();
  return 0;
}
