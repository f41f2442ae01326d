/* scatter.c: S += Y'Y of centred rows (scatter.h).
 *
 * A BLAS copies Y for each side of the product, after it has been centred into a buffer. Here rows
 * are centred while they are copied, once, into panels of PANEL columns of which a row is three
 * vectors of 64 bytes: panel b, ROWS x PANEL, serves as the right factor of its own columns of S
 * and as the left one of all behind it. ROWS are so few that two panels stay in the first cache. */
#include "matrix/linear/scatter.h"

#include <string.h>

#include "base/clones.h"
#include "matrix/tile.h"

enum { ROWS = 96, PANEL = 3 * LAT_TILE };

size_t lat_scatter_pitch(size_t D)
{
  return lat_tile_columns(D);
}

static size_t panels(size_t D)
{
  return (D + PANEL - 1) / PANEL;
}

size_t lat_scatter_scratch(size_t D)
{
  return panels(D) * ROWS * PANEL;
}

/* P := x - centre, and sums += that, of a whole panel. */
LAT_CLONES static void pack_whole(size_t rows, const double *x, ptrdiff_t stride,
                                  const double *restrict centre, double *restrict sums,
                                  double *restrict P)
{
  double sum[PANEL] = {0};
  for (size_t i = 0; i < rows; i++, x += stride, P += PANEL)
    for (size_t j = 0; j < PANEL; j++) {
      P[j] = x[j] - centre[j];
      sum[j] += P[j];
    }
  for (size_t j = 0; j < PANEL; j++) sums[j] += sum[j];
}

/* The same of n columns, and zeros up to whole vectors. */
LAT_CLONES static void pack_some(size_t rows, size_t n, const double *x, ptrdiff_t stride,
                                 const double *restrict centre, double *restrict sums,
                                 double *restrict P)
{
  for (size_t i = 0; i < rows; i++, x += stride, P += PANEL) {
    for (size_t j = 0; j < n; j++) {
      P[j] = x[j] - centre[j];
      sums[j] += P[j];
    }
    for (size_t j = n; j < lat_tile_columns(n); j++) P[j] = 0;
  }
}

static void pack(size_t rows, size_t n, const double *x, ptrdiff_t stride, const double *centre,
                 double *sums, double *P)
{
  static const double zeros[PANEL];
  double unused[PANEL];
  if (!centre) centre = zeros;
  if (!sums) sums = memset(unused, 0, sizeof unused);
  if (n == PANEL)
    pack_whole(rows, x, stride, centre, sums, P);
  else
    pack_some(rows, n, x, stride, centre, sums, P);
}

/* S += A'B of the rows of two panels, at their columns of S. */
static void add_block(size_t rows, const double *A, size_t m, const double *B, size_t n, double *S,
                      size_t pitch)
{
  lat_tile_product(m, n, rows, A, 1, PANEL, B, PANEL, true, S, pitch);
}

/* The same of a panel with itself: strips of the upper triangle. */
static void add_triangle(size_t rows, const double *A, size_t n, double *S, size_t pitch)
{
  for (size_t i = 0; i < n; i += LAT_TILE) {
    size_t m = n - i < LAT_TILE ? n - i : LAT_TILE;
    add_block(rows, A + i, m, A + i, n - i, S + i * (pitch + 1), pitch);
  }
}

void lat_scatter_add(size_t rows, size_t D, const double *X, ptrdiff_t stride, const double *centre,
                     double *sums, double *scratch, double *S)
{
  const size_t pitch = lat_scatter_pitch(D), count = panels(D);
  for (size_t first = 0; first < rows; first += ROWS, X += ROWS * stride) {
    size_t k = rows - first < ROWS ? rows - first : ROWS;
    for (size_t b = 0; b < count; b++) {
      size_t from = b * PANEL, n = D - from < PANEL ? D - from : PANEL;
      double *B = scratch + b * ROWS * PANEL;
      pack(k, n, X + from, stride, centre ? centre + from : NULL, sums ? sums + from : NULL, B);
      for (size_t a = 0; a < b; a++)
        add_block(k, scratch + a * ROWS * PANEL, PANEL, B, n, S + a * PANEL * pitch + from, pitch);
      add_triangle(k, B, n, S + from * (pitch + 1), pitch);
    }
  }
}
