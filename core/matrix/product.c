/* product.c: C := alpha A B + beta C through BLAS, cut into chunks by the sizes alone.
 *
 * Large products are cut into tiles of C, symmetric ones (B = A') into panels of the lower
 * triangle, and those of a small C with a long K into slices of K, whose products are added in
 * order. The dot product sums blocks in eight accumulators, and the blocks with Neumaier's
 * compensation. */
#include "matrix/product.h"

#include <cblas.h>
#include <limits.h>
#include <math.h>
#include <stdint.h>

#include "base/clones.h"
#include "base/parallel.h"
#include "base/progress.h"
#include "matrix/limits.h"
#include "matrix/linear/lapack.h"

/* ---- one call of BLAS ----------------------------------------------------- */

/* A view as an operand of row-major BLAS. */
typedef struct operand {
  CBLAS_TRANSPOSE transpose;
  int rows, cols, lead; /* of the matrix in memory, beta_of_step the transpose */
} operand;

/* Rows side by side in memory and in order; the stride of a single row or column doesn't matter. */
static bool is_row_major(const lat_matrix *A)
{
  return (A->cols == 1 || A->col_stride == 1) &&
         (A->rows == 1 || (A->row_stride >= (ptrdiff_t)A->cols && A->row_stride <= INT_MAX));
}

static bool is_direct(const lat_matrix *A)
{
  lat_matrix T = lat_transpose(*A);
  return is_row_major(A) || is_row_major(&T);
}

static operand operand_of(lat_matrix A)
{
  CBLAS_TRANSPOSE transpose = CblasNoTrans;
  if (!is_row_major(&A)) {
    A = lat_transpose(A);
    transpose = CblasTrans;
  }
  ptrdiff_t lead = A.rows == 1 ? (ptrdiff_t)A.cols : A.row_stride;
  return (operand){transpose, (int)A.rows, (int)A.cols, (int)lead};
}

/* c := alpha A b + beta c; vectors are n x 1 and direct, so their stride is positive */
static void times_vector(double alpha, lat_matrix A, lat_matrix b, double beta, lat_matrix c)
{
  operand a = operand_of(A);
  int step_b = b.rows == 1 ? 1 : (int)b.row_stride, step_c = c.rows == 1 ? 1 : (int)c.row_stride;
  if (beta == 0) lat_fill(&c, 0); /* some versions of gemv keep a NaN that was there */
  if (c.dtype == LAT_FLOAT64)
    cblas_dgemv(CblasRowMajor, a.transpose, a.rows, a.cols, alpha, A.data, a.lead, b.data, step_b,
                beta, c.data, step_c);
  else
    cblas_sgemv(CblasRowMajor, a.transpose, a.rows, a.cols, (float)alpha, A.data, a.lead, b.data,
                step_b, (float)beta, c.data, step_c);
}

/* C := alpha A B + beta C for direct views of one dtype, C row-major or a vector */
static void multiply(double alpha, lat_matrix A, lat_matrix B, double beta, lat_matrix C)
{
  if (C.cols == 1 && C.rows == 1) {
    lat_matrix a = lat_transpose(A);
    double old = beta == 0 ? 0 : beta * lat_get(&C, 0, 0);
    lat_set(&C, 0, 0, alpha * lat_dot(&a, &B) + old);
  } else if (C.cols == 1) {
    times_vector(alpha, A, B, beta, C);
  } else if (C.rows == 1) {
    times_vector(alpha, lat_transpose(B), lat_transpose(A), beta, lat_transpose(C));
  } else {
    operand a = operand_of(A), b = operand_of(B), c = operand_of(C);
    int depth = (int)A.cols;
    if (C.dtype == LAT_FLOAT64)
      cblas_dgemm(CblasRowMajor, a.transpose, b.transpose, c.rows, c.cols, depth, alpha, A.data,
                  a.lead, B.data, b.lead, beta, C.data, c.lead);
    else
      cblas_sgemm(CblasRowMajor, a.transpose, b.transpose, c.rows, c.cols, depth, (float)alpha,
                  A.data, a.lead, B.data, b.lead, (float)beta, C.data, c.lead);
  }
}

/* The lower triangle of C := alpha A A' + beta C */
static void multiply_lower(double alpha, lat_matrix A, double beta, lat_matrix C)
{
  operand a = operand_of(A), c = operand_of(C);
  if (C.rows == 1)
    multiply(alpha, A, lat_transpose(A), beta, C);
  else if (C.dtype == LAT_FLOAT64)
    cblas_dsyrk(CblasRowMajor, CblasLower, a.transpose, c.rows, (int)A.cols, alpha, A.data, a.lead,
                beta, C.data, c.lead);
  else
    cblas_ssyrk(CblasRowMajor, CblasLower, a.transpose, c.rows, (int)A.cols, (float)alpha, A.data,
                a.lead, (float)beta, C.data, c.lead);
}

/* ---- the work cut up ------------------------------------------------------ */

typedef struct job {
  double alpha, beta;
  lat_matrix A, B, C;
  size_t from, depth; /* of K, in this step */
  bool symmetric;     /* B is A': only C's lower triangle is computed */
  size_t tile_rows, tile_cols;
  size_t slice;      /* the length of K's slices */
  lat_matrix *parts; /* their products, one below the other */
} job;

/* A packed row-major matrix in the workspace; data is NULL when it has no memory. */
static lat_matrix fresh(lat_workspace *work, size_t rows, size_t cols, lat_dtype dtype)
{
  lat_matrix A = {NULL, rows, cols, (ptrdiff_t)cols, 1, dtype};
  if (rows > SIZE_MAX / cols)
    lat_fail(work, LAT_MEMORY, "a %zux%zu matrix is too large", rows, cols);
  else
    A.data = lat_allocate(work, rows * cols, lat_dtype_size(dtype));
  return A;
}

static size_t pieces(size_t n, size_t size)
{
  return (n + size - 1) / size;
}

static size_t least(size_t a, size_t b)
{
  return a < b ? a : b;
}

/* The first step of K adds to beta C, later ones to C. */
static double beta_of_step(const job *j)
{
  return j->from > 0 ? 1 : j->beta;
}

static void multiply_tile(void *context, size_t chunk, size_t worker)
{
  const job *j = context;
  size_t across = pieces(j->C.cols, j->tile_cols);
  size_t r = chunk / across * j->tile_rows, rows = least(j->tile_rows, j->C.rows - r);
  size_t c = chunk % across * j->tile_cols, cols = least(j->tile_cols, j->C.cols - c);
  (void)worker;
  multiply(j->alpha, lat_block_of(j->A, r, j->from, rows, j->depth),
           lat_block_of(j->B, j->from, c, j->depth, cols), beta_of_step(j),
           lat_block_of(j->C, r, c, rows, cols));
}

static void multiply_panel(void *context, size_t chunk, size_t worker)
{
  const job *j = context;
  /* the longest panel first, so that the threads finish together */
  size_t r = (pieces(j->C.rows, LAT_PRODUCT_PANEL) - 1 - chunk) * LAT_PRODUCT_PANEL,
         rows = least(LAT_PRODUCT_PANEL, j->C.rows - r);
  lat_matrix A = lat_block_of(j->A, r, j->from, rows, j->depth);
  (void)worker;
  multiply_lower(j->alpha, A, beta_of_step(j), lat_block_of(j->C, r, r, rows, rows));
  if (r > 0)
    multiply(j->alpha, A, lat_block_of(j->B, j->from, 0, j->depth, r), beta_of_step(j),
             lat_block_of(j->C, r, 0, rows, r));
}

/* The step's part of a slice of K. */
static void multiply_slice(void *context, size_t chunk, size_t worker)
{
  const job *j = context;
  size_t begin = chunk * j->slice, length = least(j->slice, j->A.cols - begin);
  (void)worker;
  if (j->from >= length) return;
  size_t k = begin + j->from, depth = least(j->depth, length - j->from);
  double beta = j->from > 0 ? 1 : 0;
  lat_matrix A = lat_block_of(j->A, 0, k, j->A.rows, depth);
  lat_matrix part = lat_block_of(*j->parts, chunk * j->C.rows, 0, j->C.rows, j->C.cols);
  if (j->symmetric)
    multiply_lower(j->alpha, A, beta, part);
  else
    multiply(j->alpha, A, lat_block_of(j->B, k, 0, depth, j->B.cols), beta, part);
}

/* Runs the chunks over K (or a slice of that length) in steps that are short enough to call
 * lat_check between them; `each` is the multiplications of the largest chunk for one of K. */
static lat_status run_steps(lat_workspace *work, job *j, size_t K, double each, size_t chunks,
                            lat_task *task)
{
  double fit = LAT_PRODUCT_STEP / each;
  size_t step = fit >= (double)K               ? K
                : fit < LAT_PRODUCT_LEAST_STEP ? LAT_PRODUCT_LEAST_STEP
                                               : (size_t)fit / 64 * 64;
  if (2 * K <= 3 * step) step = K;
  LAT_STEPS(work, steps, K, NULL);
  for (j->from = 0; j->from < K; j->from += step) {
    j->depth = least(step, K - j->from);
    lat_step(&steps, (double)j->from, (double)j->depth);
    LAT_TRY(lat_parallel(work, chunks, task, j));
  }
  return LAT_OK;
}

static lat_status multiply_tiled(lat_workspace *work, job *j)
{
  size_t M = j->C.rows, N = j->C.cols, high = pieces(M, LAT_PRODUCT_TILE_ROWS),
         few = least(LAT_PRODUCT_LEAST_TILES, pieces(M, LAT_PRODUCT_LEAST_ROWS));
  j->tile_rows = pieces(M, high > few ? high : few);
  j->tile_cols = pieces(N, pieces(N, LAT_PRODUCT_TILE_COLS));
  size_t tiles = pieces(M, j->tile_rows) * pieces(N, j->tile_cols);
  return run_steps(work, j, j->A.cols, (double)j->tile_rows * (double)j->tile_cols, tiles,
                   multiply_tile);
}

/* Adds part s to part 0; `size` elements each. */
static void add_part(const lat_matrix *parts, size_t s, size_t size)
{
  if (parts->dtype == LAT_FLOAT64) {
    double *sum = parts->data;
    cblas_daxpy((int)size, 1, sum + s * size, 1, sum, 1);
  } else {
    float *sum = parts->data;
    cblas_saxpy((int)size, 1, sum + s * size, 1, sum, 1);
  }
}

/* C := the sum of the slices' products + beta C */
static lat_status multiply_sliced(lat_workspace *work, job *j)
{
  size_t M = j->C.rows, N = j->C.cols;
  j->slice = pieces(j->A.cols, LAT_PRODUCT_SLICES);
  size_t slices = pieces(j->A.cols, j->slice);
  lat_matrix parts = fresh(work, slices * M, N, j->C.dtype);
  if (!parts.data) return LAT_MEMORY;
  j->parts = &parts;
  LAT_TRY(run_steps(work, j, j->slice, (double)M * (double)N, slices, multiply_slice));
  for (size_t s = 1; s < slices; s++) add_part(&parts, s, M * N);
  for (size_t r = 0; r < M; r++) {
    for (size_t c = 0; c < N; c++) {
      double old = j->beta == 0 ? 0 : j->beta * lat_get(&j->C, r, c);
      lat_set(&j->C, r, c, old + lat_get(&parts, r, c));
    }
  }
  return LAT_OK;
}

/* Copies the lower triangle over the upper one. */
static lat_status mirror(lat_workspace *work, lat_matrix C)
{
  for (size_t r = 0; r < C.rows; r += LAT_PRODUCT_PANEL) {
    if (C.rows > LAT_PRODUCT_PANEL) LAT_TRY(lat_check(work));
    size_t rows = least(LAT_PRODUCT_PANEL, C.rows - r);
    lat_matrix left = lat_block_of(C, r, 0, rows, r);
    lat_matrix above = lat_transpose(lat_block_of(C, 0, r, r, rows));
    lat_matrix corner = lat_block_of(C, r, r, rows, rows);
    if (r > 0) lat_copy(&left, &above);
    for (size_t i = 0; i < rows; i++)
      for (size_t k = 0; k < i; k++) lat_set(&corner, k, i, lat_get(&corner, i, k));
  }
  return LAT_OK;
}

static lat_status multiply_all(lat_workspace *work, job *j)
{
  size_t M = j->C.rows, N = j->C.cols, K = j->A.cols;
  double size = (double)M * (double)N * (double)K;
  if (size >= LAT_PRODUCT_PARALLEL && K >= LAT_PRODUCT_SLICED_DEPTH &&
      M * N <= LAT_PRODUCT_SLICED_SIZE)
    LAT_TRY(multiply_sliced(work, j));
  else if (j->symmetric)
    LAT_TRY(run_steps(work, j, K, (double)least(LAT_PRODUCT_PANEL, M) * (double)M,
                      pieces(M, LAT_PRODUCT_PANEL), multiply_panel));
  else if (size >= LAT_PRODUCT_PARALLEL)
    LAT_TRY(multiply_tiled(work, j));
  else
    multiply(j->alpha, j->A, j->B, j->beta, j->C);
  return j->symmetric ? mirror(work, j->C) : LAT_OK;
}

/* ---- any views ------------------------------------------------------------ */

/* A row-major copy in the workspace when BLAS can't read A in place. */
static lat_status make_direct(lat_workspace *work, lat_matrix *A, lat_dtype dtype)
{
  if (A->dtype == dtype && is_direct(A)) return LAT_OK;
  lat_matrix copy = fresh(work, A->rows, A->cols, dtype);
  if (!copy.data) return LAT_MEMORY;
  LAT_TRY(lat_copy_bands(work, A, &copy));
  *A = copy;
  return LAT_OK;
}

static bool is_transpose(const lat_matrix *A, const lat_matrix *B)
{
  return A->data == B->data && A->dtype == B->dtype && A->rows == B->cols && A->cols == B->rows &&
         A->row_stride == B->col_stride && A->col_stride == B->row_stride;
}

lat_status lat_product(lat_workspace *work, double alpha, const lat_matrix *A, const lat_matrix *B,
                       double beta, const lat_matrix *C)
{
  LAT_TRY(lat_lapack_fits(work, "A", A));
  LAT_TRY(lat_lapack_fits(work, "B", B));
  if (A->cols != B->rows)
    return lat_fail(work, LAT_SHAPE, "%zux%zu and %zux%zu don't fit: %zu columns against %zu rows",
                    A->rows, A->cols, B->rows, B->cols, A->cols, B->rows);
  if (C->rows != A->rows || C->cols != B->cols)
    return lat_fail(work, LAT_SHAPE, "the product is %zux%zu, its place is %zux%zu", A->rows,
                    B->cols, C->rows, C->cols);
  LAT_SCOPE(work);
  job j = {.alpha = alpha, .beta = beta, .A = *A, .B = *B, .C = *C};
  j.symmetric = beta == 0 && is_transpose(A, B);
  lat_matrix place = *C;
  if (!is_direct(C) || lat_overlaps(C, A) || lat_overlaps(C, B)) {
    place = fresh(work, C->rows, C->cols, C->dtype);
    if (!place.data) return LAT_MEMORY;
    if (beta != 0) LAT_TRY(lat_copy_bands(work, C, &place));
    j.C = place;
  } else if (!is_row_major(C)) { /* C' = B' A' */
    j.A = lat_transpose(*B), j.B = lat_transpose(*A), j.C = lat_transpose(*C);
  }
  LAT_TRY(make_direct(work, &j.A, C->dtype));
  if (j.symmetric)
    j.B = lat_transpose(j.A);
  else
    LAT_TRY(make_direct(work, &j.B, C->dtype));
  LAT_TRY(multiply_all(work, &j));
  if (place.data != C->data) LAT_TRY(lat_copy_bands(work, &place, C));
  return LAT_OK;
}

/* ---- the dot product ------------------------------------------------------ */

LAT_CLONES
static double dot_block(size_t n, const double *a, const double *b)
{
  double part[8] = {0};
  size_t i = 0;
  for (; i + 8 <= n; i += 8)
    for (size_t k = 0; k < 8; k++) part[k] += a[i + k] * b[i + k];
  for (; i < n; i++) part[i % 8] += a[i] * b[i];
  return ((part[0] + part[4]) + (part[1] + part[5])) + ((part[2] + part[6]) + (part[3] + part[7]));
}

/* n elements of row i from column j on: in place, or gathered into `buffer` */
static const double *gather(const lat_matrix *A, size_t i, size_t j, size_t n, double *buffer)
{
  ptrdiff_t at = (ptrdiff_t)i * A->row_stride + (ptrdiff_t)j * A->col_stride, step = A->col_stride;
  if (A->dtype == LAT_FLOAT64) {
    const double *a = (const double *)A->data + at;
    if (step == 1) return a;
    for (size_t k = 0; k < n; k++) buffer[k] = a[(ptrdiff_t)k * step];
  } else {
    const float *a = (const float *)A->data + at;
    for (size_t k = 0; k < n; k++) buffer[k] = (double)a[(ptrdiff_t)k * step];
  }
  return buffer;
}

lat_status lat_inner(lat_workspace *work, const lat_matrix *A, const lat_matrix *B, double *inner)
{
  lat_matrix a = *A, b = *B;
  double buffer_a[LAT_DOT_BLOCK], buffer_b[LAT_DOT_BLOCK], sum = 0, lost = 0;
  size_t since = 0;
  if (a.cols == 1 || (a.rows > 1 && a.row_stride == 1)) {
    a = lat_transpose(a), b = lat_transpose(b);
  }
  if (lat_is_packed(&a) && lat_is_packed(&b)) {
    a.cols *= a.rows, b.cols *= b.rows;
    a.rows = 1;
  }
  for (size_t i = 0; i < a.rows; i++) {
    for (size_t j = 0; j < a.cols; j += LAT_DOT_BLOCK) {
      size_t n = least(LAT_DOT_BLOCK, a.cols - j);
      double part = dot_block(n, gather(&a, i, j, n, buffer_a), gather(&b, i, j, n, buffer_b));
      double next = sum + part;
      lost += fabs(sum) >= fabs(part) ? (sum - next) + part : (part - next) + sum;
      sum = next;
      if ((since += n) < LAT_CHECK_ELEMENTS) continue;
      if (work) LAT_TRY(lat_check(work));
      since = 0;
    }
  }
  *inner = isfinite(lost) ? sum + lost : sum; /* an infinite sum has lost NaN */
  return LAT_OK;
}

double lat_dot(const lat_matrix *A, const lat_matrix *B)
{
  double inner;
  lat_inner(NULL, A, B, &inner);
  return inner;
}
