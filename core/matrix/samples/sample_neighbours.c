/* sample_neighbours.c: precision, recall, density and coverage by nearest neighbours, and modes
 * that are covered (sample_neighbours.h). */
#include "matrix/samples/sample_neighbours.h"

#include <math.h>

#include "base/progress.h"
#include "matrix/samples/sample_distances.h"

enum { NUMBERS = 1 << 20, LEAST_ROWS = 32 }; /* of a block of distances: 8 MB */

/* Calls `each` for every row i of X with its squared distances from the rows of Y, both times
 * 2^-exponent, so that squares neither overflow nor underflow. */
typedef void row_task(void *context, size_t i, const double *squares);

static lat_status each_row(lat_workspace *work, const lat_matrix *X, const lat_matrix *Y,
                           int exponent, row_task *each, void *context)
{
  LAT_SCOPE(work);
  size_t rows = NUMBERS / Y->rows;
  rows = rows < LEAST_ROWS ? LEAST_ROWS : rows;
  rows = rows < X->rows ? rows : X->rows;
  double *squares = lat_allocate(work, rows, Y->rows * sizeof *squares);
  if (!squares) return LAT_MEMORY;
  LAT_STEPS(work, steps, X->rows, "rows");
  for (size_t first = 0; first < X->rows; first += rows) {
    const size_t count = X->rows - first < rows ? X->rows - first : rows;
    const lat_matrix block = lat_block_of(*X, first, 0, count, X->cols);
    LAT_TRY(lat_at_step(&steps, (double)first, (double)count));
    LAT_TRY(lat_squared_distances(work, &block, Y, exponent, squares));
    for (size_t i = 0; i < count; i++) each(context, first + i, squares + i * Y->rows);
  }
  return LAT_OK;
}

static lat_status check(lat_workspace *work, const char *name, const lat_matrix *A, size_t cols,
                        size_t more_than)
{
  if (A->cols != cols)
    return lat_fail(work, LAT_SHAPE, "X has %zu columns, %s has %zu", cols, name, A->cols);
  if (A->rows <= more_than)
    return lat_fail(work, more_than ? LAT_INVALID : LAT_SHAPE,
                    "%s has %zu rows: there must be more than %zu", name, A->rows, more_than);
  return lat_check_finite(work, name, A, false);
}

/* ---- radii ----------------------------------------------------------------------------------- */

typedef struct nearest {
  size_t n, k;
  double *radii;   /* n: squared distances of each row's k-th neighbour */
  double *closest; /* k: of a row, ascending */
} nearest;

static void find_radius(void *context, size_t i, const double *squares)
{
  nearest *near = context;
  size_t found = 0;
  for (size_t j = 0; j < near->n; j++) {
    if (j == i || (found == near->k && !(squares[j] < near->closest[found - 1]))) continue;
    size_t at = found < near->k ? found++ : found - 1;
    for (; at > 0 && near->closest[at - 1] > squares[j]; at--)
      near->closest[at] = near->closest[at - 1];
    near->closest[at] = squares[j];
  }
  near->radii[i] = near->closest[near->k - 1];
}

/* Keeps the radii. */
static lat_status find_radii(lat_workspace *work, const lat_matrix *A, int exponent, size_t k,
                             double **radii)
{
  nearest near = {A->rows, k, lat_doubles(work, A->rows), lat_doubles(work, k)};
  if (!near.radii || !near.closest) return LAT_MEMORY;
  *radii = near.radii;
  return each_row(work, A, A, exponent, find_radius, &near);
}

/* ---- shares ---------------------------------------------------------------------------------- */

typedef struct counts {
  size_t M;
  const double *of_x, *of_y; /* radii */
  bool *precise;             /* M: a row of Y is within a ball of X */
  size_t within, covered, recalled;
} counts;

static void count_row(void *context, size_t i, const double *squares)
{
  counts *c = context;
  bool covered = false, recalled = false;
  for (size_t j = 0; j < c->M; j++) {
    const bool in = squares[j] < c->of_x[i];
    c->within += in;
    c->precise[j] = c->precise[j] || in;
    covered = covered || in;
    recalled = recalled || squares[j] < c->of_y[j];
  }
  c->covered += covered;
  c->recalled += recalled;
}

lat_status lat_sample_neighbours(lat_workspace *work, const lat_matrix *X, const lat_matrix *Y,
                                 size_t k, lat_neighbour_shares *shares)
{
  LAT_SCOPE(work);
  double *of_x, *of_y;
  if (k < 1) return lat_fail(work, LAT_INVALID, "neighbours must be at least 1");
  LAT_TRY(check(work, "X", X, X->cols, k));
  LAT_TRY(check(work, "Y", Y, X->cols, k));
  const int exponent = lat_sample_exponent(X, Y);
  const double n = (double)X->rows, m = (double)Y->rows;
  LAT_STEPS(work, steps, n * n + m * m + n * m, NULL); /* pairs */
  lat_step(&steps, 0, n * n);
  LAT_TRY(find_radii(work, X, exponent, k, &of_x));
  lat_step(&steps, n * n, m * m);
  LAT_TRY(find_radii(work, Y, exponent, k, &of_y));
  lat_step(&steps, n * n + m * m, n * m);
  counts c = {.M = Y->rows, .of_x = of_x, .of_y = of_y};
  c.precise = lat_allocate(work, Y->rows, sizeof *c.precise);
  if (!c.precise) return LAT_MEMORY;
  for (size_t j = 0; j < c.M; j++) c.precise[j] = false;
  LAT_TRY(each_row(work, X, Y, exponent, count_row, &c));
  const double N = (double)X->rows, M = (double)Y->rows;
  size_t precise = 0;
  for (size_t j = 0; j < c.M; j++) precise += c.precise[j];
  *shares = (lat_neighbour_shares){.precision = (double)precise / M,
                                   .recall = (double)c.recalled / N,
                                   .density = (double)c.within / ((double)k * M),
                                   .coverage = (double)c.covered / N};
  return LAT_OK;
}

/* ---- modes ----------------------------------------------------------------------------------- */

typedef struct modes {
  size_t K, within;
  double square; /* of the radius */
  bool *covered; /* K */
} modes;

static void count_mode(void *context, size_t i, const double *squares)
{
  modes *m = context;
  size_t best = 0;
  (void)i;
  for (size_t k = 1; k < m->K; k++)
    if (squares[k] < squares[best]) best = k;
  if (!(squares[best] <= m->square)) return;
  m->within++;
  m->covered[best] = true;
}

lat_status lat_sample_modes(lat_workspace *work, const lat_matrix *Y, const lat_matrix *centers,
                            double radius, size_t *covered, double *share)
{
  LAT_SCOPE(work);
  if (!(radius > 0 && radius < (double)INFINITY))
    return lat_fail(work, LAT_INVALID, "radius must be positive and finite, got %g", radius);
  LAT_TRY(check(work, "X", Y, Y->cols, 0));
  LAT_TRY(check(work, "Y", centers, Y->cols, 0));
  const int exponent = lat_sample_exponent(Y, centers);
  const double scaled = ldexp(radius, -exponent);
  modes m = {.K = centers->rows, .square = scaled * scaled};
  m.covered = lat_allocate(work, m.K, sizeof *m.covered);
  if (!m.covered) return LAT_MEMORY;
  for (size_t k = 0; k < m.K; k++) m.covered[k] = false;
  LAT_TRY(each_row(work, Y, centers, exponent, count_mode, &m));
  *covered = 0;
  for (size_t k = 0; k < m.K; k++) *covered += m.covered[k];
  *share = (double)m.within / (double)Y->rows;
  return LAT_OK;
}
