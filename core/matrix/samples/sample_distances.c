/* sample_distances.c: energy and Wasserstein distances of two samples (sample_distances.h).
 *
 * Both samples are first multiplied by a power of two that brings their largest number near 1,
 * which is exact: squares neither overflow nor underflow. Distances are those of pairs.h. */
#include "matrix/samples/sample_distances.h"

#include <math.h>
#include <stdint.h>

#include "base/parallel.h"
#include "base/progress.h"
#include "matrix/order.h"
#include "matrix/samples/assignment.h"
#include "matrix/samples/pairs.h"

/* Of optimal assignments: the power that they begin with, at most, and sums that are too small a
 * part of the largest cost to be exact. */
#define FIRST_POWER 4.0
#define SMALL_SUM   1e-6

/* ---- checks ---------------------------------------------------------------------------------- */

/* |x| <= 2^e for all elements, with e far enough from the ends that 2^-e is finite. */
static int exponent_of(const lat_matrix *A, int least)
{
  double most = 0;
  int e;
  for (size_t i = 0; i < A->rows; i++)
    for (size_t j = 0; j < A->cols; j++) most = fmax(most, fabs(lat_get(A, i, j)));
  frexp(most, &e);
  return e > least ? e : least;
}

static lat_status check(lat_workspace *work, const lat_matrix *X, const lat_matrix *Y)
{
  if (X->rows == 0 || Y->rows == 0)
    return lat_fail(work, LAT_SHAPE, "%s has no rows", X->rows == 0 ? "X" : "Y");
  if (X->cols != Y->cols)
    return lat_fail(work, LAT_SHAPE, "X has %zu columns, Y has %zu", X->cols, Y->cols);
  LAT_TRY(lat_check_finite(work, "X", X, false));
  return lat_check_finite(work, "Y", Y, false);
}

/* Far below 1 nothing can overflow, and squares of 2^-400 are no zeros. */
int lat_sample_exponent(const lat_matrix *X, const lat_matrix *Y)
{
  return exponent_of(X, exponent_of(Y, -1000));
}

/* ---- distances ------------------------------------------------------------------------------- */

typedef struct pairs {
  const lat_sample *X, *Y;
  bool within;     /* X is Y: pairs i < j only */
  double *sums;    /* of distances, a chunk of rows of X each; or NULL */
  double *squares; /* of all pairs; or NULL */
} pairs;

static void pair_chunk(void *context, size_t chunk, size_t worker)
{
  const pairs *p = context;
  size_t M = p->Y->n, D = p->X->D, end = (chunk + 1) * LAT_PAIR_ROWS;
  double block[LAT_PAIR_BLOCK], sum = 0;
  (void)worker;
  if (end > p->X->n) end = p->X->n;
  for (size_t i = chunk * LAT_PAIR_ROWS; i < end; i++)
    for (size_t j = p->within ? i + 1 : 0; j < M; j += LAT_PAIR_BLOCK) {
      size_t count = M - j < LAT_PAIR_BLOCK ? M - j : LAT_PAIR_BLOCK;
      double *to = p->squares ? p->squares + i * M + j : block;
      lat_pair_squares(D, p->X->rows + i * D, p->Y->columns + j, M, count, to);
      if (p->sums) sum += lat_sum_roots(count, to);
    }
  if (p->sums) p->sums[chunk] = sum;
}

static size_t chunks_of(size_t rows)
{
  return rows / LAT_PAIR_ROWS + (rows % LAT_PAIR_ROWS > 0);
}

lat_status lat_squared_distances(lat_workspace *work, const lat_matrix *X, const lat_matrix *Y,
                                 int exponent, double *squares)
{
  LAT_SCOPE(work);
  lat_sample x, y;
  LAT_TRY(lat_sample_take(work, X, exponent, &x));
  LAT_TRY(lat_sample_take(work, Y, exponent, &y));
  pairs p = {.X = &x, .Y = &y, .squares = squares};
  return lat_parallel(work, chunks_of(x.n), pair_chunk, &p);
}

/* ---- energy ---------------------------------------------------------------------------------- */

/* *mean := that of the distances of all pairs, those of a row with itself too. */
static lat_status mean_distance(lat_workspace *work, const lat_sample *X, const lat_sample *Y,
                                double *mean)
{
  LAT_SCOPE(work);
  size_t chunks = chunks_of(X->n);
  pairs p = {.X = X, .Y = Y, .within = X == Y, .sums = lat_doubles(work, chunks)};
  if (!p.sums) return LAT_MEMORY;
  LAT_TRY(lat_parallel(work, chunks, pair_chunk, &p));
  double sum = 0;
  for (size_t k = 0; k < chunks; k++) sum += p.sums[k];
  *mean = (p.within ? 2 : 1) * sum / ((double)X->n * (double)Y->n);
  return LAT_OK;
}

lat_status lat_energy_distance(lat_workspace *work, const lat_matrix *X, const lat_matrix *Y,
                               double *distance)
{
  LAT_SCOPE(work);
  lat_sample x, y;
  double between, in_x, in_y;
  LAT_TRY(check(work, X, Y));
  int e = lat_sample_exponent(X, Y);
  LAT_TRY(lat_sample_take(work, X, e, &x));
  LAT_TRY(lat_sample_take(work, Y, e, &y));
  const double N = (double)x.n, M = (double)y.n;
  LAT_STEPS(work, steps, N * M + N * N / 2 + M * M / 2, NULL); /* pairs */
  lat_step(&steps, 0, N * M);
  LAT_TRY(mean_distance(work, &x, &y, &between));
  lat_step(&steps, N * M, N * N / 2);
  LAT_TRY(mean_distance(work, &x, &x, &in_x));
  lat_step(&steps, N * M + N * N / 2, M * M / 2);
  LAT_TRY(mean_distance(work, &y, &y, &in_y));
  *distance = ldexp(fmax(2 * between - in_x - in_y, 0), e);
  return LAT_OK;
}

/* ---- Wasserstein ----------------------------------------------------------------------------- */

/* |difference|^p, relative to `most` */
static double power(double difference, double most, double p)
{
  return pow(fabs(difference) / most, p);
}

/* Of one column: what is between two neighbours of all quantiles i/N and j/M goes from one number
 * to one number. */
static lat_status in_line(lat_workspace *work, const lat_sample *X, const lat_sample *Y, double p,
                          double *distance)
{
  lat_matrix x = lat_matrix_of(X->rows, X->n, 1), y = lat_matrix_of(Y->rows, Y->n, 1);
  LAT_TRY(lat_sort(work, &x, 1, false, &x, NULL));
  LAT_TRY(lat_sort(work, &y, 1, false, &y, NULL));
  double most = 0, sum = 0, N = (double)X->n, M = (double)Y->n;
  for (int pass = 0; pass < 2 && (pass == 0 || most > 0); pass++)
    for (size_t i = 0, j = 0; i < X->n && j < Y->n;) {
      double far = fabs(X->rows[i] - Y->rows[j]), begin = fmax((double)i / N, (double)j / M);
      uint64_t a = (uint64_t)(i + 1) * Y->n, b = (uint64_t)(j + 1) * X->n;
      double end = a <= b ? (double)(i + 1) / N : (double)(j + 1) / M;
      if (pass == 0)
        most = fmax(most, far);
      else
        sum += (end - begin) * power(far, most, p);
      i += a <= b;
      j += b <= a;
    }
  *distance = most * pow(sum, 1 / p);
  return LAT_OK;
}

/* An assignment of several columns: memory, and what it comes to. */
typedef struct matching {
  double *costs;   /* n x n */
  size_t *columns; /* n */
  double most;     /* the largest squared distance of its pairs */
  double sum;      /* of (squared distance/most)^(p/2) */
} matching;

/* The assignment with the least sum of (squared distance/cap)^(q/2), where pairs beyond the cap
 * cost 2: more than all pairs of one that is known. A cap of 0 is the largest of all pairs. */
static lat_status match(lat_workspace *work, const lat_sample *X, const lat_sample *Y, double q,
                        double *cap, matching *m)
{
  size_t n = X->n;
  struct pairs all = {.X = X, .Y = Y, .squares = m->costs};
  LAT_TRY(lat_parallel(work, chunks_of(n), pair_chunk, &all));
  for (size_t k = 0; *cap == 0 && k < n * n; k++) m->most = fmax(m->most, m->costs[k]);
  if (*cap == 0) *cap = m->most;
  for (size_t k = 0; *cap > 0 && k < n * n; k++) {
    double s = m->costs[k];
    m->costs[k] = s > *cap ? 2 : q == 2 ? s / *cap : power(s, *cap, q / 2);
  }
  return lat_assignment(work, n, m->costs, m->columns);
}

static void measure(const lat_sample *X, const lat_sample *Y, double p, matching *m)
{
  size_t n = X->n;
  m->most = m->sum = 0;
  for (int pass = 0; pass < 2 && (pass == 0 || m->most > 0); pass++)
    for (size_t i = 0; i < n; i++) {
      double square;
      lat_pair_squares(X->D, X->rows + i * X->D, Y->columns + m->columns[i], n, 1, &square);
      if (pass == 0)
        m->most = fmax(m->most, square);
      else
        m->sum += power(square, m->most, p / 2);
    }
}

/* Of several columns: the least sum of |x - y|^p over all assignments.
 *
 * Costs of distant pairs may be so large that rounding them hides the least sum: with p = 64 a pair
 * ten times as far costs 10^64 times as much. So where the sum S of a matching is small beside the
 * largest cost it is only a bound: no pair of the best one costs more than S, and the next matching
 * is of pairs up to there. The first one has a smaller power, with which sums come out well, and so
 * a bound that is near. */
static lat_status by_assignment(lat_workspace *work, const lat_sample *X, const lat_sample *Y,
                                double p, double *distance)
{
  size_t n = X->n;
  matching m = {.costs = lat_allocate(work, n, n * sizeof(double)),
                .columns = lat_allocate(work, n, sizeof(size_t))};
  if (!m.costs || !m.columns) return LAT_MEMORY;
  double cap = 0, q = fmin(p, FIRST_POWER);
  LAT_STEPS(work, steps, 0, NULL); /* of matchings that it needs */
  for (bool again = true; again;) {
    LAT_TRY(match(work, X, Y, q, &cap, &m));
    measure(X, Y, p, &m);
    double bound = m.most * pow(m.sum, 2 / p);
    again = bound > 0 && (q < p || bound < cap * pow(SMALL_SUM, 2 / p));
    cap = bound;
    q = p;
  }
  *distance = sqrt(m.most) * pow(m.sum / (double)n, 1 / p);
  return LAT_OK;
}

lat_status lat_wasserstein(lat_workspace *work, const lat_matrix *X, const lat_matrix *Y, double p,
                           double *distance)
{
  LAT_SCOPE(work);
  lat_sample x, y;
  LAT_TRY(check(work, X, Y));
  if (!(p >= 1 && p <= LAT_MOST_POWER))
    return lat_fail(work, LAT_INVALID, "p must be 1 to %d, got %g", LAT_MOST_POWER, p);
  if (X->cols > 1 && X->rows != Y->rows)
    return lat_fail(work, LAT_SHAPE,
                    "X has %zu rows, Y has %zu: in several columns the exact distance is for "
                    "samples of the same size",
                    X->rows, Y->rows);
  int e = lat_sample_exponent(X, Y);
  LAT_TRY(lat_sample_take(work, X, e, &x));
  LAT_TRY(lat_sample_take(work, Y, e, &y));
  LAT_TRY((X->cols == 1 ? in_line : by_assignment)(work, &x, &y, p, distance));
  *distance = ldexp(*distance, e);
  return LAT_OK;
}
