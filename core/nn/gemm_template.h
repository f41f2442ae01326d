/* gemm_template.h: the kernels of gemm.c, for one type and one width of vector. gemm.c defines
 *   real, V(name)         the type, and the name with the suffix of type and width
 *   BYTES                 of a vector
 *   MOST, MIDDLE, LEAST   rows of tiles; MOST x 2 vectors of sums fill the registers
 *   TARGET                the attribute that lets the compiler use these vectors */

typedef real V(vector) __attribute__((vector_size(BYTES), aligned(sizeof(real)), may_alias));

enum { V(LANES) = BYTES / sizeof(real), V(WIDTH) = 2 * V(LANES) };

/* A tile of C, rows x vectors (constants, once this is inlined), of which t->cols columns count. */
static inline TARGET __attribute__((always_inline)) void V(tile)(size_t rows, size_t vectors,
                                                                 const tile *t)
{
  V(vector) sums[MOST][2];
  const real *a = t->A, *b = t->B;
  real *C = t->C;
  size_t row_step = t->A_row_step, step = t->A_step, b_step = t->B_step, c_step = t->C_step;
  for (size_t i = 0; i < rows; i++)
    for (size_t v = 0; v < vectors; v++) sums[i][v] = (V(vector)){0};
  for (size_t k = t->depth; k > 0; k--, a += step, b += b_step) {
    V(vector) right[2];
    for (size_t v = 0; v < vectors; v++) right[v] = *(const V(vector) *)(b + v * V(LANES));
#pragma GCC unroll 16
    for (size_t i = 0; i < rows; i++)
#pragma GCC unroll 2
      for (size_t v = 0; v < vectors; v++) sums[i][v] += a[i * row_step] * right[v];
  }
  if (t->cols == vectors * V(LANES)) {
    for (size_t i = 0; i < rows; i++) {
      for (size_t v = 0; v < vectors; v++) {
        V(vector) *c = (V(vector) *)(C + i * c_step + v * V(LANES));
        if (t->add) sums[i][v] += *c;
        *c = sums[i][v];
      }
    }
    return;
  }
  for (size_t i = 0; i < rows; i++) {
    real row[V(WIDTH)];
    for (size_t v = 0; v < vectors; v++) *(V(vector) *)(row + v * V(LANES)) = sums[i][v];
    for (size_t j = 0; j < t->cols; j++)
      C[i * c_step + j] = t->add ? C[i * c_step + j] + row[j] : row[j];
  }
}

#define TILE(name, rows)                                                                           \
  static TARGET __attribute__((noinline)) void V(name)(const tile *t)                              \
  {                                                                                                \
    if (t->cols > V(LANES))                                                                        \
      V(tile)(rows, 2, t);                                                                         \
    else                                                                                           \
      V(tile)(rows, 1, t);                                                                         \
  }
TILE(tile_most, MOST)
TILE(tile_middle, MIDDLE)
TILE(tile_least, LEAST)
TILE(tile_one, 1)
#undef TILE

/* A panel of B side by side: `depth` rows of WIDTH, with zeros after `cols`. */
static TARGET void V(pack)(const lat_gemm *g, size_t k, size_t depth, size_t col, size_t cols,
                           real *restrict out)
{
  const real *B = g->B;
  if (cols < V(WIDTH)) memset(out, 0, depth * V(WIDTH) * sizeof *out);
  if (!g->B_transposed) {
    B += k * g->B_stride + col;
    for (size_t i = 0; i < depth; i++)
      memcpy(out + i * V(WIDTH), B + i * g->B_stride, cols * sizeof *out);
    return;
  }
  B += col * g->B_stride + k;
  for (size_t i = 0; i < depth; i += 16) { /* few cache lines at a time on either side */
    size_t n = depth - i < 16 ? depth - i : 16;
    for (size_t j = 0; j < cols; j++)
      for (size_t p = 0; p < n; p++) out[(i + p) * V(WIDTH) + j] = B[j * g->B_stride + i + p];
  }
}

/* Rows first..last-1 of the columns col..col+cols-1 of C, at most one panel. */
static TARGET void V(panel)(const lat_gemm *g, size_t first, size_t last, size_t col, size_t cols)
{
  real buffer[DEPTH * V(WIDTH)] __attribute__((aligned(64)));
  const real *A = g->A, *B = g->B;
  bool direct = !g->B_transposed && cols == V(WIDTH) && last - first <= 2 * MOST;
  tile t = {.cols = cols, .C_step = g->C_stride};
  t.A_row_step = g->A_transposed ? 1 : g->A_stride;
  t.A_step = g->A_transposed ? g->A_stride : 1;
  t.B_step = direct ? g->B_stride : (size_t)V(WIDTH);
  for (size_t k = 0; k < g->depth; k += DEPTH) {
    t.depth = g->depth - k < DEPTH ? g->depth - k : DEPTH;
    t.add = g->add || k > 0;
    t.B = direct ? B + k * g->B_stride + col : buffer;
    if (!direct) V(pack)(g, k, t.depth, col, cols, buffer);
    for (size_t i = first; i < last;) {
      size_t left = last - i;
      t.A = A + i * t.A_row_step + k * t.A_step;
      t.C = (real *)g->C + i * t.C_step + col;
      if (left >= MOST)
        V(tile_most)(&t), i += MOST;
      else if (left >= MIDDLE)
        V(tile_middle)(&t), i += MIDDLE;
      else if (left >= LEAST)
        V(tile_least)(&t), i += LEAST;
      else
        V(tile_one)(&t), i++;
    }
  }
}

static const kernel V(kernel) = {V(panel), V(WIDTH), MOST};
