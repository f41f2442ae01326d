/* gemm.c: C := op(A) op(B) by panels of B that are packed on the stack (gemm.h).
 *
 * C is cut into chunks of rows and columns by the sizes alone. In a chunk each panel of B, DEPTH x
 * PANEL, is packed once and multiplied with all rows of A by the register kernels of
 * matrix/tile.h. */
#include "nn/gemm.h"

#include <string.h>

#include "base/parallel.h"
#include "matrix/tile.h"
#include "nn/limits.h"

typedef struct kernels {
  void (*pack)(const lat_gemm *g, size_t k, size_t depth, size_t col, size_t cols, void *to);
  void (*multiply)(const lat_gemm *g, size_t first, size_t rows, size_t k, size_t depth,
                   const void *B, size_t B_step, size_t col, size_t cols, bool add);
  size_t width; /* columns of a panel */
} kernels;

#define real         float
#define K(name)      name##32
#define PANEL        (2 * LAT_GEMM_WIDTH)
#define TILE_PRODUCT lat_tile_product_float
#include "nn/gemm_template.h"
#undef real
#undef K
#undef PANEL
#undef TILE_PRODUCT
#define real         double
#define K(name)      name##64
#define PANEL        LAT_GEMM_WIDTH
#define TILE_PRODUCT lat_tile_product
#include "nn/gemm_template.h"
#undef real
#undef K
#undef PANEL
#undef TILE_PRODUCT

/* Rows first..last-1 of the columns col..col+cols-1 of C, at most one panel. */
static void multiply_panel(const lat_gemm *g, const kernels *k, size_t first, size_t last,
                           size_t col, size_t cols)
{
  double packed[LAT_GEMM_DEPTH * LAT_GEMM_WIDTH] __attribute__((aligned(64)));
  size_t size = lat_dtype_size(g->dtype);
  bool direct = !g->B_transposed && cols == k->width && last - first <= LAT_GEMM_FEW;
  for (size_t at = 0; at < g->depth; at += LAT_GEMM_DEPTH) {
    size_t depth = g->depth - at < LAT_GEMM_DEPTH ? g->depth - at : LAT_GEMM_DEPTH;
    const void *B = (const char *)g->B + (at * g->B_stride + col) * size;
    if (!direct) k->pack(g, at, depth, col, cols, packed);
    k->multiply(g, first, last - first, at, depth, direct ? B : packed,
                direct ? g->B_stride : k->width, col, cols, g->add || at > 0);
  }
}

/* ---- the work cut up ------------------------------------------------------------------------- */

typedef struct job {
  const lat_gemm *g;
  const kernels *kernels;
  size_t down, across; /* chunks */
} job;

/* Where piece i of `pieces` begins, of n things in units of `unit`. */
static size_t border(size_t n, size_t unit, size_t pieces, size_t i)
{
  size_t units = (n + unit - 1) / unit, at = units * i / pieces * unit;
  return at < n ? at : n;
}

static void multiply_chunk(void *context, size_t chunk, size_t worker)
{
  const job *j = context;
  const lat_gemm *g = j->g;
  size_t width = j->kernels->width, r = chunk / j->across, c = chunk % j->across;
  size_t row = border(g->rows, LAT_GEMM_UNIT, j->down, r),
         end = border(g->rows, LAT_GEMM_UNIT, j->down, r + 1);
  size_t col = border(g->cols, width, j->across, c);
  size_t right = border(g->cols, width, j->across, c + 1);
  (void)worker;
  for (size_t k = col; k < right; k += width)
    multiply_panel(g, j->kernels, row, end, k, right - k < width ? right - k : width);
  if (g->finish) g->finish(g->context, row, end - row, col, right - col);
}

lat_status lat_gemm_run(const lat_gemm *g)
{
  job j = {.g = g, .kernels = g->dtype == LAT_FLOAT64 ? &kernels64 : &kernels32};
  double wanted = (double)g->rows * (double)g->cols * (double)g->depth / LAT_GEMM_WORTH;
  size_t chunks = wanted < 2                    ? 1
                  : wanted > LAT_NN_MOST_CHUNKS ? LAT_NN_MOST_CHUNKS
                                                : (size_t)wanted;
  if (wanted / LAT_GEMM_LONG > LAT_NN_MOST_CHUNKS)
    chunks = (size_t)(wanted / LAT_GEMM_LONG); /* lat_check is called every 10 ms or so */
  size_t panels = (g->cols + j.kernels->width - 1) / j.kernels->width;
  size_t units = (g->rows + LAT_GEMM_UNIT - 1) / LAT_GEMM_UNIT;
  j.across = panels < chunks ? panels : chunks;
  j.down = chunks / j.across < units ? chunks / j.across : units;
  return lat_parallel(g->work, j.across * j.down, multiply_chunk, &j);
}
