/* gemm_template.h: the kernels of gemm.c for one type. It has defined real, K(name), PANEL (columns
 * of a panel) and TILE_PRODUCT. */

/* A panel of B side by side: `depth` rows of PANEL, with zeros after `cols`. */
static void K(pack)(const lat_gemm *g, size_t k, size_t depth, size_t col, size_t cols, void *to)
{
  const real *B = g->B;
  real *out = to;
  if (cols < PANEL) memset(out, 0, depth * PANEL * sizeof *out);
  if (!g->B_transposed) {
    B += k * g->B_stride + col;
    for (size_t i = 0; i < depth; i++)
      memcpy(out + i * PANEL, B + i * g->B_stride, cols * sizeof *out);
    return;
  }
  B += col * g->B_stride + k;
  for (size_t i = 0; i < depth; i += 16) { /* few cache lines at a time on either side */
    size_t n = depth - i < 16 ? depth - i : 16;
    for (size_t j = 0; j < cols; j++)
      for (size_t p = 0; p < n; p++) out[(i + p) * PANEL + j] = B[j * g->B_stride + i + p];
  }
}

/* `rows` rows of C from `first` on += A's columns k.. times a panel. The kernel writes whole
 * vectors, so that a panel which isn't whole goes through a buffer. */
static void K(multiply)(const lat_gemm *g, size_t first, size_t rows, size_t k, size_t depth,
                        const void *panel, size_t B_step, size_t col, size_t cols, bool add)
{
  size_t row_step = g->A_transposed ? 1 : g->A_stride, step = g->A_transposed ? g->A_stride : 1;
  const real *A = (const real *)g->A + first * row_step + k * step;
  real *C = (real *)g->C + first * g->C_stride + col;
  if (cols == PANEL) {
    TILE_PRODUCT(rows, cols, depth, A, row_step, step, panel, B_step, add, C, g->C_stride);
    return;
  }
  real buffer[LAT_GEMM_BORDER * PANEL];
  for (size_t i = 0; i < rows;
       i += LAT_GEMM_BORDER, A += LAT_GEMM_BORDER * row_step, C += LAT_GEMM_BORDER * g->C_stride) {
    size_t n = rows - i < LAT_GEMM_BORDER ? rows - i : LAT_GEMM_BORDER;
    TILE_PRODUCT(n, cols, depth, A, row_step, step, panel, B_step, false, buffer, PANEL);
    for (size_t r = 0; r < n; r++)
      for (size_t j = 0; j < cols; j++) {
        real *c = &C[r * g->C_stride + j], value = buffer[r * PANEL + j];
        *c = add ? *c + value : value;
      }
  }
}

static const kernels K(kernels) = {K(pack), K(multiply), PANEL};
