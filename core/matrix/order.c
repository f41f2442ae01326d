/* order.c: radix sort of numbers with their places, quantiles, and gathering of rows.
 *
 * Numbers are mapped to 64-bit keys whose integer order is theirs, and sorted by one byte after the
 * other from the lowest; a byte that all keys share is skipped, so float32 data need half of the
 * passes. */
#include "matrix/order.h"

#include <math.h>
#include <string.h>

#include "base/parallel.h"
#include "matrix/limits.h"

typedef struct item {
  uint64_t key;
  size_t place;
} item;

/* An integer that orders as x does: a positive double's bits do already, a negative
 * one's run backwards. NaN is above all. */
static uint64_t key_of(double x, bool descending)
{
  uint64_t bits;
  if (x != x) return UINT64_MAX;
  x += 0.0; /* -0 becomes 0 */
  memcpy(&bits, &x, sizeof bits);
  bits = bits >> 63 ? ~bits : bits | (uint64_t)1 << 63;
  return descending ? ~bits : bits;
}

static void insertion_sort(item *items, size_t n)
{
  for (size_t i = 1; i < n; i++) {
    const item moving = items[i];
    size_t j = i;
    for (; j > 0 && items[j - 1].key > moving.key; j--) items[j] = items[j - 1];
    items[j] = moving;
  }
}

/* Counts the digits of all eight bytes; false when it was stopped. */
static bool count_digits(lat_halt *halt, size_t worker, const item *items, size_t n,
                         size_t counts[8][256])
{
  for (size_t start = 0, end; start < n; start = end) {
    if (lat_halted(halt, worker)) return false;
    end = n - start < LAT_JOB ? n : start + LAT_JOB;
    for (size_t i = start; i < end; i++)
      for (int byte = 0; byte < 8; byte++) counts[byte][items[i].key >> (8 * byte) & 255]++;
  }
  return true;
}

/* Sorts by one byte of the keys after the other, the lowest first. A byte in which all
 * keys agree is skipped. Returns the one of the two arrays that is sorted, or NULL when it was
 * stopped. */
static item *radix_sort(lat_halt *halt, size_t worker, item *items, item *other, size_t n)
{
  size_t counts[8][256] = {{0}};
  if (!count_digits(halt, worker, items, n, counts)) return NULL;
  for (int byte = 0; byte < 8; byte++) {
    size_t *count = counts[byte], begin = 0;
    if (count[items[0].key >> (8 * byte) & 255] == n) continue;
    for (int digit = 0; digit < 256; digit++) {
      const size_t these = count[digit];
      count[digit] = begin;
      begin += these;
    }
    for (size_t start = 0, end; start < n; start = end) {
      if (lat_halted(halt, worker)) return NULL;
      end = n - start < LAT_JOB ? n : start + LAT_JOB;
      for (size_t i = start; i < end; i++)
        other[count[items[i].key >> (8 * byte) & 255]++] = items[i];
    }
    item *const swap = items;
    items = other;
    other = swap;
  }
  return items;
}

static const item *sort_items(lat_halt *halt, size_t worker, item *items, item *other, size_t n)
{
  if (n > LAT_SORT_SHORT) return radix_sort(halt, worker, items, other, n);
  insertion_sort(items, n);
  return items;
}

typedef struct sorting {
  lat_matrix A, sorted, order; /* sorted down their columns; data NULL: not wanted */
  bool descending;
  item *items;     /* two runs of A.rows for each worker */
  double *numbers; /* one */
  size_t job_lines;
  lat_halt halt;
} sorting;

/* One line from A to its place in the results. */
static void sort_line(sorting *s, size_t j, size_t worker)
{
  const size_t n = s->A.rows;
  item *items = s->items + 2 * n * worker;
  double *numbers = s->numbers + n * worker;
  for (size_t start = 0, end; start < n; start = end) {
    if (lat_halted(&s->halt, worker)) return;
    end = n - start < LAT_JOB ? n : start + LAT_JOB;
    const lat_matrix line = lat_vector_of(numbers + start, end - start);
    const lat_matrix from = lat_block_of(s->A, start, j, end - start, 1);
    lat_copy(&from, &line);
    for (size_t i = start; i < end; i++) items[i] = (item){key_of(numbers[i], s->descending), i};
  }
  const item *done = sort_items(&s->halt, worker, items, items + n, n);
  for (size_t start = 0, end; done && start < n; start = end) {
    if (lat_halted(&s->halt, worker)) return;
    end = n - start < LAT_JOB ? n : start + LAT_JOB;
    for (size_t i = start; s->sorted.data && i < end; i++)
      lat_set(&s->sorted, i, j, numbers[done[i].place]);
    for (size_t i = start; s->order.data && i < end; i++)
      lat_set(&s->order, i, j, (double)done[i].place);
  }
}

static void sort_job(void *context, size_t job, size_t worker)
{
  sorting *s = context;
  const size_t first = job * s->job_lines;
  const size_t end = first + s->job_lines < s->A.cols ? first + s->job_lines : s->A.cols;
  for (size_t j = first; j < end; j++) sort_line(s, j, worker);
}

lat_status lat_sort(lat_workspace *work, const lat_matrix *A, int dim, bool descending,
                    const lat_matrix *sorted, const lat_matrix *order)
{
  sorting s = {.A = *A, .descending = descending, .halt = {work, 0, LAT_OK}};
  if (sorted) s.sorted = *sorted;
  if (order) s.order = *order;
  if (dim == 2) {
    s.A = lat_transpose(s.A);
    s.sorted = lat_transpose(s.sorted);
    s.order = lat_transpose(s.order);
  }
  s.job_lines = s.A.rows < LAT_JOB ? LAT_JOB / s.A.rows : 1;
  const size_t jobs = (s.A.cols + s.job_lines - 1) / s.job_lines;
  const size_t workers = jobs > 1 ? lat_workers(work) : 1;
  LAT_SCOPE(work);
  s.items = lat_allocate(work, s.A.rows, 2 * workers * sizeof *s.items);
  s.numbers = lat_allocate(work, s.A.rows, workers * sizeof *s.numbers);
  if (!s.items || !s.numbers) return LAT_MEMORY;
  LAT_TRY(lat_parallel(work, jobs, sort_job, &s));
  LAT_TRY(s.halt.status);
  return LAT_OK;
}

lat_status lat_quantile(lat_workspace *work, const lat_matrix *A, int dim, double p,
                        const lat_matrix *out)
{
  LAT_SCOPE(work);
  lat_matrix sorted = lat_matrix_new(work, A->rows, A->cols), lines = sorted;
  if (!sorted.data) return LAT_MEMORY;
  LAT_TRY(lat_copy_bands(work, A, &sorted));
  if (dim == 0) lines = lat_vector_of(sorted.data, A->rows * A->cols);
  if (dim == 2) lines = lat_transpose(sorted);
  LAT_TRY(lat_sort(work, &lines, 1, false, &lines, NULL));
  const size_t n = lines.rows;
  const double h = (double)(n - 1) * p;
  const size_t k = (size_t)h, next = k + 1 < n ? k + 1 : k;
  for (size_t j = 0; j < lines.cols; j++) {
    const double low = lat_get(&lines, k, j), high = lat_get(&lines, next, j);
    const double last = lat_get(&lines, n - 1, j); /* a NaN, if there is one */
    const double between = low == high ? low : low + (h - (double)k) * (high - low);
    lat_set(out, j, 0, last != last ? last : h > (double)k ? between : low);
  }
  return LAT_OK;
}

static bool same(double a, double b)
{
  return a == b || (a != a && b != b);
}

lat_status lat_unique(lat_workspace *work, const lat_matrix *A, double *values, double *counts,
                      const lat_matrix *codes, size_t *count)
{
  LAT_SCOPE(work);
  const size_t n = A->rows * A->cols;
  double *numbers = lat_doubles(work, n), *order = lat_doubles(work, n);
  if (!numbers || !order) return LAT_MEMORY;
  const lat_matrix packed = lat_matrix_of(numbers, A->rows, A->cols);
  const lat_matrix line = lat_vector_of(numbers, n), places = lat_vector_of(order, n);
  LAT_TRY(lat_copy_bands(work, A, &packed));
  LAT_TRY(lat_sort(work, &line, 1, false, &line, &places));
  *count = 0;
  for (size_t i = 0; i < n; i++) {
    if (i == 0 || !same(numbers[i], numbers[i - 1])) {
      values[*count] = numbers[i];
      counts[(*count)++] = 0;
    }
    counts[*count - 1]++;
    const size_t place = (size_t)order[i];
    if (codes) lat_set(codes, place / A->cols, place % A->cols, (double)*count);
    if (i % (4 * LAT_JOB) == 0) LAT_TRY(lat_check(work));
  }
  return LAT_OK;
}

/* Rows of so many columns between two calls of lat_check. */
static size_t rows_between_checks(size_t cols)
{
  return 1 + LAT_JOB / (cols + 8);
}

lat_status lat_gather_rows(lat_workspace *work, const lat_matrix *A, const size_t *place,
                           const lat_matrix *B)
{
  const size_t step = rows_between_checks(A->cols);
  for (size_t k = 0; k < B->rows; k++) {
    const lat_matrix from = lat_block_of(*A, place[k], 0, 1, A->cols);
    const lat_matrix to = lat_block_of(*B, k, 0, 1, A->cols);
    lat_copy(&from, &to);
    if (k % step == 0) LAT_TRY(lat_check(work));
  }
  return LAT_OK;
}

lat_status lat_count(lat_workspace *work, const lat_matrix *mask, size_t *count)
{
  size_t since = 0;
  *count = 0;
  for (size_t i = 0; i < mask->rows; i++)
    for (size_t j = 0; j < mask->cols; j++) {
      *count += lat_get(mask, i, j) != 0;
      if (++since % (4 * LAT_JOB) == 0) LAT_TRY(lat_check(work));
    }
  return LAT_OK;
}

lat_status lat_masked(lat_workspace *work, const lat_matrix *A, const lat_matrix *mask,
                      const lat_matrix *B)
{
  const bool by_elements = mask->cols == A->cols;
  const size_t step = by_elements ? 4 * LAT_JOB : rows_between_checks(A->cols);
  size_t k = 0, since = 0;
  for (size_t i = 0; i < mask->rows; i++)
    for (size_t j = 0; j < mask->cols; j++) {
      if (++since % step == 0) LAT_TRY(lat_check(work));
      if (lat_get(mask, i, j) == 0) continue;
      if (by_elements) {
        lat_set(B, k++, 0, lat_get(A, i, j));
      } else {
        const lat_matrix from = lat_block_of(*A, i, 0, 1, A->cols);
        const lat_matrix to = lat_block_of(*B, k++, 0, 1, A->cols);
        lat_copy(&from, &to);
      }
    }
  return LAT_OK;
}
