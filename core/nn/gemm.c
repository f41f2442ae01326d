#include "nn/gemm.h"

#include <string.h>

#include "base/parallel.h"

/* This file is compiled with -ffp-contract=fast (see the Makefile), so that processors which can
 * fuse products and sums. */

enum { DEPTH = 1024 }; /* rows of a packed panel: 128 KB on the stack at most */

typedef struct tile {
  const void *A, *B;
  void *C;
  size_t A_row_step, A_step, B_step, C_step; /* to A's next row, along its depth, ... */
  size_t depth, cols;
  bool add;
} tile;

typedef struct kernel {
  void (*panel)(const lat_gemm *g, size_t first, size_t last, size_t col, size_t cols);
  size_t width; /* of a panel */
  size_t rows;  /* of a tile */
} kernel;

/* ---- vectors of 16 bytes, which every processor has ----------------------------------------- */

#define BYTES 16
#define TARGET
#ifdef __aarch64__ /* 32 registers */
#define MOST   12
#define MIDDLE 8
#define LEAST  4
#else
#define MOST   6
#define MIDDLE 4
#define LEAST  2
#endif
#define real    float
#define V(name) name##_16_32
#include "nn/gemm_template.h"
#undef real
#undef V
#define real    double
#define V(name) name##_16_64
#include "nn/gemm_template.h"
#undef real
#undef V
#undef BYTES
#undef TARGET
#undef MOST
#undef MIDDLE
#undef LEAST

/* ---- AVX2 and AVX-512 ------------------------------------------------------------------------ */

#if defined(__x86_64__) && defined(__GNUC__) && __GNUC__ >= 12
#define WIDE_VECTORS

#define BYTES   32
#define TARGET  __attribute__((target("arch=x86-64-v3")))
#define MOST    6
#define MIDDLE  4
#define LEAST   2
#define real    float
#define V(name) name##_32_32
#include "nn/gemm_template.h"
#undef real
#undef V
#define real    double
#define V(name) name##_32_64
#include "nn/gemm_template.h"
#undef real
#undef V
#undef BYTES
#undef TARGET
#undef MOST
#undef MIDDLE
#undef LEAST

#define BYTES   64
#define TARGET  __attribute__((target("arch=x86-64-v4")))
#define MOST    12
#define MIDDLE  8
#define LEAST   4
#define real    float
#define V(name) name##_64_32
#include "nn/gemm_template.h"
#undef real
#undef V
#define real    double
#define V(name) name##_64_64
#include "nn/gemm_template.h"
#undef real
#undef V
#endif

static const kernel *choose(lat_dtype dtype)
{
  bool wide = dtype == LAT_FLOAT64;
#ifdef WIDE_VECTORS
  if (__builtin_cpu_supports("x86-64-v4")) return wide ? &kernel_64_64 : &kernel_64_32;
  if (__builtin_cpu_supports("x86-64-v3")) return wide ? &kernel_32_64 : &kernel_32_32;
#endif
  return wide ? &kernel_16_64 : &kernel_16_32;
}

/* ---- the work cut up --------------------------------------------------------------------------- */

#define WORTH 4e6 /* multiplications of a chunk: some 30 us, several times what a wake-up takes */
enum { MOST_CHUNKS = 16 };

typedef struct job {
  const lat_gemm *g;
  const kernel *kernel;
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
  size_t width = j->kernel->width, r = chunk / j->across, c = chunk % j->across;
  size_t row = border(g->rows, j->kernel->rows, j->down, r);
  size_t end = border(g->rows, j->kernel->rows, j->down, r + 1);
  size_t col = border(g->cols, width, j->across, c),
         right = border(g->cols, width, j->across, c + 1);
  (void)worker;
  for (size_t k = col; k < right; k += width)
    j->kernel->panel(g, row, end, k, right - k < width ? right - k : width);
  if (g->finish && end > row && right > col)
    g->finish(g->context, row, end - row, col, right - col);
}

void lat_gemm_run(const lat_gemm *g)
{
  job j = {.g = g, .kernel = choose(g->dtype)};
  double wanted = (double)g->rows * (double)g->cols * (double)g->depth / WORTH;
  size_t chunks = wanted < 2 ? 1 : wanted > MOST_CHUNKS ? MOST_CHUNKS : (size_t)wanted;
  size_t panels = (g->cols + j.kernel->width - 1) / j.kernel->width;
  size_t tiles = (g->rows + j.kernel->rows - 1) / j.kernel->rows;
  j.across = panels < chunks ? panels : chunks;
  j.down = chunks / j.across < tiles ? chunks / j.across : tiles;
  lat_parallel(NULL, j.across * j.down, do_chunk, &j);
}
