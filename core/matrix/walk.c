/* walk.c: tiles of strided operands for the kernel of an element-wise function.
 *
 * Operands are transposed and collapsed to the fewest rows that their strides allow, and cut into
 * tiles. A tile that lies side by side in memory is used in place, others are copied through
 * buffers on the stack. */
#include "matrix/walk.h"

#include "base/parallel.h"
#include "matrix/limits.h"

typedef struct walk {
  lat_element_kernel *kernel;
  lat_dtype dtype;
  size_t count;
  lat_matrix operand[LAT_WALK_OPERANDS]; /* oriented and collapsed */
  size_t rows, cols;                     /* of the operands */
  size_t tile_rows, tile_cols;
  size_t across, tiles, tiles_a_chunk;
} walk;

/* What the buffer of an operand holds: the tile from this column on. */
typedef struct buffered {
  size_t elements, col;
} buffered;

static size_t least(size_t a, size_t b)
{
  return a < b ? a : b;
}

static size_t magnitude(ptrdiff_t stride)
{
  return stride < 0 ? (size_t)-stride : (size_t)stride;
}

/* The operand's elements follow each other along its rows. */
static bool side_by_side(const lat_matrix *A, lat_dtype dtype)
{
  return A->dtype == dtype && (A->col_stride == 1 || A->cols == 1);
}

/* True when the elements of a column are closer together than those of a row. */
static bool prefers_columns(const lat_matrix *A)
{
  return A->row_stride != 0 && magnitude(A->row_stride) < magnitude(A->col_stride);
}

/* Transposes all operands if that lets more of them run along their rows, the written one if in
 * doubt. True when some still disagree. */
static bool orient(walk *w)
{
  size_t down = 0, along = 0;
  for (size_t k = 0; k < w->count; k++) {
    const lat_matrix *A = &w->operand[k];
    if (prefers_columns(A))
      down++;
    else if (A->row_stride != 0 && A->col_stride != 0)
      along++;
  }
  const bool one = w->rows == 1 || w->cols == 1;
  const bool swap =
      one ? w->cols == 1 : down > along || (down == along && prefers_columns(&w->operand[0]));
  if (swap) {
    for (size_t k = 0; k < w->count; k++) w->operand[k] = lat_transpose(w->operand[k]);
    w->rows = w->operand[0].rows;
    w->cols = w->operand[0].cols;
  }
  return !one && (swap ? along : down) > 0;
}

/* One long row, where each row begins at the end of the one before in all operands. */
static void collapse(walk *w)
{
  for (size_t k = 0; k < w->count; k++) {
    const lat_matrix *A = &w->operand[k];
    if (w->rows > 1 && A->row_stride != (ptrdiff_t)w->cols * A->col_stride) return;
  }
  w->cols *= w->rows;
  w->rows = 1;
  for (size_t k = 0; k < w->count; k++) {
    w->operand[k].cols = w->cols;
    w->operand[k].rows = 1;
  }
}

/* The operand's tile as n numbers side by side: in place, or in its buffer. */
static void *tile_numbers(const walk *w, size_t k, const lat_matrix *tile, size_t col, void *buffer,
                          buffered *held)
{
  const size_t n = tile->rows * tile->cols;
  const bool in_place = side_by_side(tile, w->dtype) &&
                        (tile->rows == 1 || tile->row_stride == (ptrdiff_t)tile->cols);
  if (in_place) return tile->data;
  if (k == 0) return buffer; /* only written */
  const bool kept =
      tile->row_stride == 0 && n <= held->elements && (tile->col_stride == 0 || col == held->col);
  if (!kept) {
    const lat_matrix to = {buffer, tile->rows, tile->cols, (ptrdiff_t)tile->cols, 1, w->dtype};
    lat_copy(tile, &to);
    *held = (buffered){n, col};
  }
  return buffer;
}

static void walk_chunk(void *context, size_t chunk, size_t worker)
{
  (void)worker;
  const walk *w = context;
  _Alignas(LAT_ALIGNMENT) union {
    double float64[LAT_WALK_TILE];
    float float32[LAT_WALK_TILE];
  } buffer[LAT_WALK_OPERANDS];
  buffered held[LAT_WALK_OPERANDS] = {{0, 0}};
  const size_t begin = chunk * w->tiles_a_chunk, end = least(begin + w->tiles_a_chunk, w->tiles);
  for (size_t t = begin; t < end; t++) {
    const size_t row = t / w->across * w->tile_rows, col = t % w->across * w->tile_cols;
    const size_t rows = least(w->tile_rows, w->rows - row);
    const size_t cols = least(w->tile_cols, w->cols - col);
    lat_matrix written = w->operand[0];
    void *at[LAT_WALK_OPERANDS];
    for (size_t k = 0; k < w->count; k++) {
      const lat_matrix tile = lat_block_of(w->operand[k], row, col, rows, cols);
      at[k] = tile_numbers(w, k, &tile, col, &buffer[k], &held[k]);
      if (k == 0) written = tile;
    }
    w->kernel(rows * cols, at);
    if (at[0] == &buffer[0]) {
      const lat_matrix from = {&buffer[0], rows, cols, (ptrdiff_t)cols, 1, w->dtype};
      lat_copy(&from, &written);
    }
  }
}

lat_status lat_walk(lat_workspace *work, lat_element_kernel *kernel, lat_dtype dtype, size_t count,
                    const lat_matrix operand[])
{
  walk w = {.kernel = kernel, .dtype = dtype, .count = count};
  w.rows = operand[0].rows;
  w.cols = operand[0].cols;
  for (size_t k = 0; k < count; k++) w.operand[k] = operand[k];
  const bool disagree = orient(&w);
  collapse(&w);

  size_t longest = LAT_WALK_LONG_TILE;
  for (size_t k = 0; k < count; k++)
    if (!side_by_side(&w.operand[k], dtype) || w.rows > 1) longest = LAT_WALK_TILE;
  w.tile_cols = least(w.cols, disagree ? LAT_WALK_SQUARE : longest);
  w.tile_rows = least(w.rows, w.tile_cols < LAT_WALK_TILE ? LAT_WALK_TILE / w.tile_cols : 1);
  w.across = (w.cols + w.tile_cols - 1) / w.tile_cols;
  w.tiles = w.across * ((w.rows + w.tile_rows - 1) / w.tile_rows);
  w.tiles_a_chunk = LAT_JOB / (w.tile_rows * w.tile_cols);
  const size_t chunks = (w.tiles + w.tiles_a_chunk - 1) / w.tiles_a_chunk;
  return lat_parallel(work, chunks, walk_chunk, &w);
}
