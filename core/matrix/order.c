/* order.c: radix sort of numbers with their places, and gathering. */
#include "matrix/order.h"

#include <math.h>
#include <string.h>

#include "base/parallel.h"

#define SHORT 48    /* up to here insertion beats counting */
#define JOB   65536 /* numbers in one piece of parallel work */

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

/* Sorts by one byte of the keys after the other, the lowest first. A byte in which all
 * keys agree is skipped. Returns the one of the two arrays that is sorted. */
static item *radix_sort(item *items, item *other, size_t n)
{
  size_t counts[8][256] = {{0}};
  for (size_t i = 0; i < n; i++)
    for (int byte = 0; byte < 8; byte++) counts[byte][items[i].key >> (8 * byte) & 255]++;
  for (int byte = 0; byte < 8; byte++) {
    size_t *count = counts[byte], begin = 0;
    if (count[items[0].key >> (8 * byte) & 255] == n) continue;
    for (int digit = 0; digit < 256; digit++) {
      const size_t these = count[digit];
      count[digit] = begin;
      begin += these;
    }
    for (size_t i = 0; i < n; i++) other[count[items[i].key >> (8 * byte) & 255]++] = items[i];
    item *const swap = items;
    items = other;
    other = swap;
  }
  return items;
}

static const item *sort_items(item *items, item *other, size_t n)
{
  if (n > SHORT) return radix_sort(items, other, n);
  insertion_sort(items, n);
  return items;
}

typedef struct sorting {
  lat_matrix A, sorted, order; /* sorted down their columns; data NULL: not wanted */
  bool descending;
  item *items;     /* two runs of A.rows for each worker */
  double *numbers; /* one */
  size_t job_lines;
} sorting;

static void sort_job(void *context, size_t job, size_t worker)
{
  const sorting *s = context;
  const size_t n = s->A.rows, first = job * s->job_lines;
  const size_t end = first + s->job_lines < s->A.cols ? first + s->job_lines : s->A.cols;
  item *items = s->items + 2 * n * worker;
  double *numbers = s->numbers + n * worker;
  const lat_matrix line = lat_vector_of(numbers, n);
  for (size_t j = first; j < end; j++) {
    const lat_matrix from = lat_col(s->A, j);
    lat_copy(&from, &line);
    for (size_t i = 0; i < n; i++) items[i] = (item){key_of(numbers[i], s->descending), i};
    const item *done = sort_items(items, items + n, n);
    for (size_t i = 0; s->sorted.data && i < n; i++)
      lat_set(&s->sorted, i, j, numbers[done[i].place]);
    for (size_t i = 0; s->order.data && i < n; i++) lat_set(&s->order, i, j, (double)done[i].place);
  }
}

lat_status lat_sort(lat_workspace *work, const lat_matrix *A, int dim, bool descending,
                    const lat_matrix *sorted, const lat_matrix *order)
{
  sorting s = {.A = *A, .descending = descending};
  if (sorted) s.sorted = *sorted;
  if (order) s.order = *order;
  if (dim == 2) {
    s.A = lat_transpose(s.A);
    s.sorted = lat_transpose(s.sorted);
    s.order = lat_transpose(s.order);
  }
  s.job_lines = s.A.rows < JOB ? JOB / s.A.rows : 1;
  const size_t jobs = (s.A.cols + s.job_lines - 1) / s.job_lines;
  const size_t workers = jobs > 1 ? lat_workers(work) : 1;
  const lat_mark mark = lat_workspace_mark(work);
  s.items = lat_allocate(work, s.A.rows, 2 * workers * sizeof *s.items);
  s.numbers = lat_allocate(work, s.A.rows, workers * sizeof *s.numbers);
  if (!s.items || !s.numbers) return LAT_MEMORY;
  LAT_TRY(lat_parallel(work, jobs, sort_job, &s));
  lat_workspace_release(work, mark);
  return LAT_OK;
}

lat_status lat_quantile(lat_workspace *work, const lat_matrix *A, int dim, double p,
                        const lat_matrix *out)
{
  const lat_mark mark = lat_workspace_mark(work);
  lat_matrix sorted = lat_matrix_new(work, A->rows, A->cols), lines = sorted;
  if (!sorted.data) return LAT_MEMORY;
  lat_copy(A, &sorted);
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
  lat_workspace_release(work, mark);
  return LAT_OK;
}

void lat_gather_rows(const lat_matrix *A, const size_t *place, const lat_matrix *B)
{
  for (size_t k = 0; k < B->rows; k++) {
    const lat_matrix from = lat_block_of(*A, place[k], 0, 1, A->cols);
    const lat_matrix to = lat_block_of(*B, k, 0, 1, A->cols);
    lat_copy(&from, &to);
  }
}

size_t lat_count(const lat_matrix *mask)
{
  size_t count = 0;
  for (size_t i = 0; i < mask->rows; i++)
    for (size_t j = 0; j < mask->cols; j++) count += lat_get(mask, i, j) != 0;
  return count;
}

void lat_masked(const lat_matrix *A, const lat_matrix *mask, const lat_matrix *B)
{
  const bool by_elements = mask->cols == A->cols;
  size_t k = 0;
  for (size_t i = 0; i < mask->rows; i++)
    for (size_t j = 0; j < mask->cols; j++) {
      if (lat_get(mask, i, j) == 0) continue;
      if (by_elements) {
        lat_set(B, k++, 0, lat_get(A, i, j));
      } else {
        const lat_matrix from = lat_block_of(*A, i, 0, 1, A->cols);
        const lat_matrix to = lat_block_of(*B, k++, 0, 1, A->cols);
        lat_copy(&from, &to);
      }
    }
}
