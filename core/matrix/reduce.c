/* reduce.c: sums and other reductions, in blocks of accumulators.
 *
 * Every reduction is one of a matrix whose columns ("lines") are reduced down their rows. A kernel
 * reads it row by row and has one accumulator for each column, which is vector code for any
 * operation. A single packed line is the same thing folded into LAT_REDUCE_WIDTH columns, and so
 * are a few packed lines. */
#include "matrix/reduce.h"

#include <math.h>

#include "base/clones.h"
#include "base/parallel.h"
#include "matrix/limits.h"

/* Accumulators of n lines, or of the columns into which a few lines are folded. */
typedef struct accumulators {
  double *value;
  double *place; /* arg min and max only: the row of `value` */
} accumulators;

/* Adds rows x cols numbers, the first row being row number 0, to cols accumulators. */
typedef void accumulator(accumulators to, const double *restrict center, size_t rows, size_t cols,
                         const void *data, ptrdiff_t stride);

#define ACCUMULATOR(name, TYPE, ...)                                                               \
  LAT_CLONES static void name(accumulators to, const double *restrict center, size_t rows,         \
                              size_t cols, const void *data, ptrdiff_t stride)                     \
  {                                                                                                \
    const TYPE *restrict row = data;                                                               \
    double *restrict value = to.value, *restrict place = to.place;                                 \
    (void)center, (void)place;                                                                     \
    for (size_t i = 0; i < rows; i++, row += stride)                                               \
      for (size_t j = 0; j < cols; j++) {                                                          \
        const double x = (double)row[j], v = value[j];                                             \
        __VA_ARGS__;                                                                               \
      }                                                                                            \
  }
#define ACCUMULATORS(name, ...)                                                                    \
  ACCUMULATOR(name##_64, double, __VA_ARGS__)                                                      \
  ACCUMULATOR(name##_32, float, __VA_ARGS__)
#define REPLACE_IF(better)                                                                         \
  const bool replace = (x better v) | ((x != x) & (v == v));                                       \
  value[j] = replace ? x : v;                                                                      \
  place[j] = replace ? (double)i : place[j]

ACCUMULATORS(sum, value[j] = v + x)
ACCUMULATORS(squares, value[j] = v + (x - center[j]) * (x - center[j]))
ACCUMULATORS(product, value[j] = v * x)
ACCUMULATORS(min, value[j] = x < v || x != x ? x : v)
ACCUMULATORS(max, value[j] = x > v || x != x ? x : v)
ACCUMULATORS(any, value[j] = (v != 0) | (x != 0))
ACCUMULATORS(all, value[j] = (v != 0) & (x != 0))
ACCUMULATORS(argmin, REPLACE_IF(<))
ACCUMULATORS(argmax, REPLACE_IF(>))

static const struct reducer {
  double identity;
  accumulator *add[2]; /* by dtype */
  accumulator *merge;  /* of accumulators; NULL: merge_places */
} reducers[] = {
    [LAT_SUM] = {0, {sum_64, sum_32}, sum_64},
    [LAT_PRODUCT] = {1, {product_64, product_32}, product_64},
    [LAT_MIN] = {INFINITY, {min_64, min_32}, min_64},
    [LAT_MAX] = {-INFINITY, {max_64, max_32}, max_64},
    [LAT_ARGMIN] = {INFINITY, {argmin_64, argmin_32}, NULL},
    [LAT_ARGMAX] = {-INFINITY, {argmax_64, argmax_32}, NULL},
    [LAT_ANY] = {0, {any_64, any_32}, any_64},
    [LAT_ALL] = {1, {all_64, all_32}, all_64},
    [LAT_VARIANCE] = {0, {squares_64, squares_32}, sum_64},
};

typedef struct reduction {
  const struct reducer *how;
  double sign;          /* -1 for arg max, the arg min of -x */
  lat_matrix A;         /* reduced down its rows */
  const double *center; /* of each line, or (center_step 0) of all; may be NULL */
  size_t center_step;
  accumulators partial; /* chunks x A.cols */
  size_t chunk_rows, chunks, tile_lines, job_lines, jobs_across;
} reduction;

static size_t least(size_t a, size_t b)
{
  return a < b ? a : b;
}

static size_t most(size_t a, size_t b)
{
  return a > b ? a : b;
}

static size_t magnitude(ptrdiff_t stride)
{
  return stride < 0 ? (size_t)-stride : (size_t)stride;
}

static accumulators after(accumulators of, size_t n)
{
  return (accumulators){of.value + n, of.place + n};
}

static bool has_places(const reduction *r)
{
  return r->how->merge == NULL;
}

static void clear(const reduction *r, accumulators to, size_t n)
{
  for (size_t j = 0; j < n; j++) to.value[j] = r->how->identity;
  if (has_places(r))
    for (size_t j = 0; j < n; j++) to.place[j] = 0;
}

/* The better value, then the lower place; NaN is best. */
LAT_CLONES static void merge_places(double sign, accumulators to, accumulators from, size_t n)
{
  for (size_t j = 0; j < n; j++) {
    const double x = sign * from.value[j], v = sign * to.value[j];
    const bool same = (x == v) | ((x != x) & (v != v)), earlier = from.place[j] < to.place[j];
    const bool replace = same ? earlier : (x < v) | (x != x);
    to.value[j] = replace ? from.value[j] : to.value[j];
    to.place[j] = replace ? from.place[j] : to.place[j];
  }
}

static void merge(const reduction *r, accumulators to, accumulators from, size_t n)
{
  if (has_places(r))
    merge_places(r->sign, to, from, n);
  else
    r->how->merge(to, NULL, 1, n, from.value, 0);
}

/* Merges `count` groups of n accumulators into the first, in a tree: the upper half
 * into the lower one, and so on. */
static void merge_tree(const reduction *r, accumulators all, size_t count, size_t n)
{
  while (count > 1) {
    const size_t half = (count + 1) / 2;
    merge(r, all, after(all, half * n), (count - half) * n);
    count = half;
  }
}

/* Adds a block that is packed or has its own row stride, rows from number `first`
 * on, to the accumulators of its lines. */
static void add_block(const reduction *r, accumulators to, const double *center,
                      const lat_matrix *block, size_t first)
{
  double value[LAT_REDUCE_LINES], place[LAT_REDUCE_LINES];
  const accumulators own = {value, place};
  const size_t n = block->cols;
  const bool packed = block->row_stride == (ptrdiff_t)n;
  const size_t fold =
      packed ? least(most(LAT_REDUCE_WIDTH / n, 1), block->rows) : 1; /* rows in one */
  const size_t rows = block->rows / fold, rest = block->rows % fold;
  clear(r, own, n * fold);
  r->how->add[block->dtype](own, center, rows, n * fold, block->data,
                            block->row_stride * (ptrdiff_t)fold);
  if (has_places(r))
    for (size_t f = 0; f < fold; f++)
      for (size_t k = f * n; k < (f + 1) * n; k++)
        place[k] = place[k] * (double)fold + (double)(first + f);
  merge_tree(r, own, fold, n);
  merge(r, to, own, n);
  if (rest == 0) return;
  const lat_matrix tail = lat_block_of(*block, rows * fold, 0, rest, n);
  add_block(r, to, center, &tail, first + rows * fold);
}

/* One tile of lines, rows `begin` to `end`. */
static void add_tile(const reduction *r, accumulators to, size_t line, size_t n, size_t begin,
                     size_t end)
{
  _Alignas(LAT_ALIGNMENT) union {
    double float64[LAT_REDUCE_BUFFER];
    float float32[LAT_REDUCE_BUFFER];
  } buffer;
  double center[LAT_REDUCE_LINES];
  const lat_matrix *A = &r->A;
  const size_t width = most(LAT_REDUCE_WIDTH / n, 1) * n;
  if (r->center)
    for (size_t k = 0; k < width; k += n)
      for (size_t j = 0; j < n; j++) center[k + j] = r->center[(line + j) * r->center_step];
  const bool in_place = n == 1 ? A->row_stride == 1 : A->col_stride == 1;
  const size_t step = in_place ? LAT_REDUCE_BLOCK * width / n : most(LAT_REDUCE_BUFFER / n, 1);
  for (size_t row = begin; row < end; row += step) {
    lat_matrix block = lat_block_of(*A, row, line, least(step, end - row), n);
    if (!in_place) {
      const lat_matrix near = {&buffer, block.rows, n, (ptrdiff_t)n, 1, A->dtype};
      lat_copy(&block, &near);
      block = near;
    }
    add_block(r, to, center, &block, row);
  }
}

static void reduce_job(void *context, size_t job, size_t worker)
{
  (void)worker;
  const reduction *r = context;
  const size_t chunk = job / r->jobs_across, first = job % r->jobs_across * r->job_lines;
  const size_t begin = chunk * r->chunk_rows, end = least(begin + r->chunk_rows, r->A.rows);
  const size_t last = least(first + r->job_lines, r->A.cols);
  for (size_t line = first; line < last; line += r->tile_lines) {
    const size_t n = least(r->tile_lines, last - line);
    const accumulators to = after(r->partial, chunk * r->A.cols + line);
    clear(r, to, n);
    add_tile(r, to, line, n, begin, end);
  }
}

/* Reduces the columns of r->A; the results are the first A.cols of r->partial. */
static lat_status reduce_columns(lat_workspace *work, reduction *r)
{
  const lat_matrix *A = &r->A;
  const bool down = A->cols == 1 || (magnitude(A->row_stride) < magnitude(A->col_stride) &&
                                     A->rows >= LAT_REDUCE_LONG_LINE);
  r->tile_lines = down ? 1 : least(A->cols, LAT_REDUCE_LINES);
  r->chunk_rows = least(A->rows, down ? LAT_JOB : lat_chunk_rows(r->tile_lines));
  r->chunks = (A->rows + r->chunk_rows - 1) / r->chunk_rows;
  r->job_lines = r->tile_lines * most(LAT_JOB / (r->tile_lines * r->chunk_rows), 1);
  r->jobs_across = (A->cols + r->job_lines - 1) / r->job_lines;
  double *memory = lat_allocate(work, r->chunks * A->cols, 2 * sizeof(double));
  if (!memory) return LAT_MEMORY;
  r->partial = (accumulators){memory, memory + r->chunks * A->cols};

  const size_t jobs = r->chunks * r->jobs_across;
  if (A->rows * A->cols >= LAT_JOB)
    LAT_TRY(lat_parallel(work, jobs, reduce_job, r));
  else
    for (size_t job = 0; job < jobs; job++) reduce_job(r, job, 0);
  merge_tree(r, r->partial, r->chunks, A->cols);
  return LAT_OK;
}

/* All of A as columns, in the order of its rows, or of its memory when that is
 * `free`; one column if it is in one piece. */
static lat_matrix as_columns(const lat_matrix *A, bool free)
{
  const bool down = free && magnitude(A->row_stride) < magnitude(A->col_stride);
  lat_matrix B = down ? *A : lat_transpose(*A);
  if (B.rows == 1) B = lat_transpose(B);
  if (B.cols > 1 && B.col_stride == (ptrdiff_t)B.rows * B.row_stride) {
    B.rows *= B.cols;
    B.cols = 1;
  }
  return B;
}

/* The results, A.cols, A.rows or one, in the workspace. */
static lat_status reduce(lat_workspace *work, lat_reduction kind, const lat_matrix *A, int dim,
                         const double *center, double **results)
{
  const bool places = kind == LAT_ARGMIN || kind == LAT_ARGMAX;
  reduction r = {.how = &reducers[kind], .sign = kind == LAT_ARGMAX ? -1 : 1, .center = center};
  r.center_step = dim != 0;
  r.A = dim == 1 ? *A : dim == 2 ? lat_transpose(*A) : as_columns(A, !places);
  LAT_TRY(reduce_columns(work, &r));
  if (dim == 0) {
    for (size_t k = 0; places && k < r.A.cols; k++) r.partial.place[k] += (double)(k * r.A.rows);
    merge_tree(&r, r.partial, r.A.cols, 1);
  }
  *results = places ? r.partial.place : r.partial.value;
  return LAT_OK;
}

lat_status lat_reduce(lat_workspace *work, lat_reduction kind, const lat_matrix *A, int dim,
                      double correction, const lat_matrix *out)
{
  const size_t along = dim == 1 ? A->rows : dim == 2 ? A->cols : A->rows * A->cols;
  const size_t count = dim == 1 ? A->cols : dim == 2 ? A->rows : 1;
  const double n = (double)along;
  LAT_SCOPE(work);
  const bool moment = kind >= LAT_MEAN;
  double *result;
  LAT_TRY(reduce(work, moment ? LAT_SUM : kind, A, dim, NULL, &result));
  if (moment)
    for (size_t k = 0; k < count; k++) result[k] /= n;
  if (kind > LAT_MEAN) {
    LAT_TRY(reduce(work, LAT_VARIANCE, A, dim, result, &result));
    for (size_t k = 0; k < count; k++) {
      result[k] = n > correction ? result[k] / (n - correction) : NAN;
      if (kind == LAT_DEVIATION) result[k] = sqrt(result[k]);
    }
  }
  const lat_matrix results = lat_vector_of(result, count);
  lat_copy(&results, out);
  return LAT_OK;
}

lat_status lat_cumulative_sum(lat_workspace *work, const lat_matrix *A, int dim,
                              const lat_matrix *C)
{
  size_t since = 0;
  const lat_matrix from = dim == 1 ? *A : lat_transpose(*A);
  const lat_matrix to = dim == 1 ? *C : lat_transpose(*C);
  double total[LAT_REDUCE_LINES], row[LAT_REDUCE_LINES];
  for (size_t line = 0; line < from.cols; line += LAT_REDUCE_LINES) {
    const size_t n = least(LAT_REDUCE_LINES, from.cols - line);
    const lat_matrix sums = lat_matrix_of(total, 1, n), addends = lat_matrix_of(row, 1, n);
    for (size_t j = 0; j < n; j++) total[j] = 0;
    for (size_t i = 0; i < from.rows; i++) {
      const lat_matrix source = lat_block_of(from, i, line, 1, n);
      const lat_matrix target = lat_block_of(to, i, line, 1, n);
      if ((since += n) >= 4 * LAT_JOB) {
        LAT_TRY(lat_check(work));
        since = 0;
      }
      lat_copy(&source, &addends);
      for (size_t j = 0; j < n; j++) total[j] += row[j];
      lat_copy(&sums, &target);
    }
  }
  return LAT_OK;
}
