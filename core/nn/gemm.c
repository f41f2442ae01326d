#include "nn/gemm.h"

#include <string.h>

#include "base/parallel.h"
#include "matrix/tile.h"

enum {
  DEPTH = 1024,         /* rows of a packed panel of B: 128 KB on the stack */
  WIDTH = 2 * LAT_TILE, /* its columns; twice as many of float */
  BORDER = 64,          /* rows of C that go through a buffer where a panel isn't whole */
  FEW = 24              /* rows of C up to which packing B doesn't pay */
};

typedef struct kernels {
  void (*pack)(const lat_gemm *g, size_t k, size_t depth, size_t col, size_t cols, void *to);
  void (*multiply)(const lat_gemm *g, size_t first, size_t rows, size_t k, size_t depth,
                   const void *B, size_t B_step, size_t col, size_t cols, bool add);
  size_t width; /* columns of a panel */
} kernels;

#define real         float
#define K(name)      name##32
#define PANEL        (2 * WIDTH)
#define TILE_PRODUCT lat_tile_product_float
#include "nn/gemm_template.h"
#undef real
#undef K
#undef PANEL
#undef TILE_PRODUCT
#define real         double
#define K(name)      name##64
#define PANEL        WIDTH
#define TILE_PRODUCT lat_tile_product
#include "nn/gemm_template.h"
#undef real
#undef K
#undef PANEL
#undef TILE_PRODUCT

/* Rows first..last-1 of the columns col..col+cols-1 of C, at most one panel. */
static void do_panel(const lat_gemm *g, const kernels *k, size_t first, size_t last, size_t col,
                     size_t cols)
{
  double packed[DEPTH * WIDTH] __attribute__((aligned(64)));
  size_t size = lat_dtype_size(g->dtype);
  bool direct = !g->B_transposed && cols == k->width && last - first <= FEW;
  for (size_t at = 0; at < g->depth; at += DEPTH) {
    size_t depth = g->depth - at < DEPTH ? g->depth - at : DEPTH;
    const void *B = (const char *)g->B + (at * g->B_stride + col) * size;
    if (!direct) k->pack(g, at, depth, col, cols, packed);
    k->multiply(g, first, last - first, at, depth, direct ? B : packed,
                direct ? g->B_stride : k->width, col, cols, g->add || at > 0);
  }
}

/* ---- the work cut up --------------------------------------------------------------------------- */

#define WORTH 4e6   /* multiplications of a chunk: some 30 us, several times what a wake-up takes */
enum { LONG = 64 }; /* such chunks in one, at most, when there are more */
enum { MOST_CHUNKS = 16, UNIT = 24 /* rows: whole tiles of every width of vector */ };

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

static void do_chunk(void *context, size_t chunk, size_t worker)
{
  const job *j = context;
  const lat_gemm *g = j->g;
  size_t width = j->kernels->width, r = chunk / j->across, c = chunk % j->across;
  size_t row = border(g->rows, UNIT, j->down, r), end = border(g->rows, UNIT, j->down, r + 1);
  size_t col = border(g->cols, width, j->across, c);
  size_t right = border(g->cols, width, j->across, c + 1);
  (void)worker;
  for (size_t k = col; k < right; k += width)
    do_panel(g, j->kernels, row, end, k, right - k < width ? right - k : width);
  if (g->finish) g->finish(g->context, row, end - row, col, right - col);
}

lat_status lat_gemm_run(const lat_gemm *g)
{
  job j = {.g = g, .kernels = g->dtype == LAT_FLOAT64 ? &kernels64 : &kernels32};
  double wanted = (double)g->rows * (double)g->cols * (double)g->depth / WORTH;
  size_t chunks = wanted < 2 ? 1 : wanted > MOST_CHUNKS ? MOST_CHUNKS : (size_t)wanted;
  if (wanted / LONG > MOST_CHUNKS) chunks = (size_t)(wanted / LONG); /* heard within some 10 ms */
  size_t panels = (g->cols + j.kernels->width - 1) / j.kernels->width;
  size_t units = (g->rows + UNIT - 1) / UNIT;
  j.across = panels < chunks ? panels : chunks;
  j.down = chunks / j.across < units ? chunks / j.across : units;
  return lat_parallel(g->work, j.across * j.down, do_chunk, &j);
}
