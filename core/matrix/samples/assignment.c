/* assignment.c: the optimal assignment by an auction and shortest augmenting paths (assignment.h).
 *
 * Columns have potentials v. With reduced costs r[i, j] = cost[i, j] - v[j], a perfect assignment
 * in which every row has a column of its least reduced cost is optimal, whatever v is. So:
 *
 *   1  v := the least cost of each column.
 *   2  An auction, which finds a v that is nearly right: a row takes its column of least reduced
 *      cost, whose potential falls by what the row's second one is worse, and by epsilon, and whose
 *      row bids next. For a falling series of epsilon (Bertsekas, Annals of Operations Research 14,
 *      1988), each time anew from the last v. Pairs that are within epsilon of a row's least
 *      reduced cost only are separated at the end.
 *   3  Rows that are free bid twice with epsilon 0 (Jonker and Volgenant: row reduction).
 *   4  From each row that is still free a shortest path (Dijkstra) leads to a free column, along
 *      which the assignment is exchanged. What it gives is exact.
 *
 * Without 2 the paths of points in the plane are long: 2000 of them took 30 times as long.
 *
 * A search keeps numbers of columns side by side, with the least of each BLOCK of them, so that all
 * loops over columns are vector code. A column that is done has the potential -infinity and the
 * number +infinity there. */
#include "matrix/samples/assignment.h"

#include <math.h>

#include "base/clones.h"

enum {
  BLOCK = 32,     /* columns */
  CHECK = 64,     /* rows between two calls of lat_check */
  FEW = 16,       /* rows up to which the paths are short anyway */
  MOST_BIDS = 64, /* of an auction, for each row: some ten are usual */
  LAST_BIDS = 2   /* with epsilon 0: what is left takes too many small ones */
};
/* The first epsilon, a share of the mean reduced cost, what it is divided by, and the last one,
 * that share over n. */
#define FIRST_EPSILON 0.3
#define LAST_EPSILON  0.5
#define DIVISOR       5

typedef struct search {
  lat_workspace *work;
  size_t n;
  const double *costs;
  double *v;        /* potentials of columns */
  double *open;     /* those of columns that aren't done, else -infinity */
  double *distance; /* of the columns that aren't done from the row where the search begins */
  double *reached;  /* of those that are */
  double *least;    /* of each block of distances */
  size_t *row_of;   /* of a column: its row, or n when it is free */
  size_t *column_of, *from, *done, *free;
} search;

/* ---- loops over columns ---------------------------------------------------------------------- */

/* Least of n numbers, of any order: there is no NaN. */
LAT_INLINE double least_of(size_t n, const double *x)
{
  double lanes[8];
  for (size_t l = 0; l < 8; l++) lanes[l] = HUGE_VAL;
  size_t j = 0;
  for (; j + 8 <= n; j += 8)
    for (size_t l = 0; l < 8; l++) lanes[l] = x[j + l] < lanes[l] ? x[j + l] : lanes[l];
  for (; j < n; j++) lanes[0] = x[j] < lanes[0] ? x[j] : lanes[0];
  for (size_t l = 1; l < 8; l++) lanes[0] = lanes[l] < lanes[0] ? lanes[l] : lanes[0];
  return lanes[0];
}

/* d := cost - v, and the least of each block. */
LAT_CLONES static void reduce_costs(size_t n, const double *cost, const double *v, double *d,
                                    double *least)
{
  for (size_t b = 0; b < n; b += BLOCK) {
    size_t count = n - b < BLOCK ? n - b : BLOCK;
    LAT_INDEPENDENT
    for (size_t j = b; j < b + count; j++) d[j] = cost[j] - v[j];
    least[b / BLOCK] = least_of(count, d + b);
  }
}

/* Shortens the distances of open columns by way of row i, whose reduced cost `h` is 0 there. */
LAT_CLONES static void relax(size_t n, const double *cost, const double *v, double h, size_t i,
                             double *d, size_t *from, double *least)
{
  for (size_t b = 0; b < n; b += BLOCK) {
    size_t count = n - b < BLOCK ? n - b : BLOCK;
    LAT_INDEPENDENT
    for (size_t j = b; j < b + count; j++) {
      double by = cost[j] - v[j] - h;
      from[j] = by < d[j] ? i : from[j];
      d[j] = by < d[j] ? by : d[j];
    }
    least[b / BLOCK] = least_of(count, d + b);
  }
}

/* v[j] := the least of column j, and the row that has it. */
LAT_CLONES static void reduce_columns(size_t n, const double *costs, double *v, size_t *row)
{
  for (size_t j = 0; j < n; j++) v[j] = costs[j], row[j] = 0;
  for (size_t i = 1; i < n; i++) {
    const double *cost = costs + i * n;
    LAT_INDEPENDENT
    for (size_t j = 0; j < n; j++) {
      row[j] = cost[j] < v[j] ? i : row[j];
      v[j] = cost[j] < v[j] ? cost[j] : v[j];
    }
  }
}

/* The first column of the least distance. */
static size_t nearest(const search *s)
{
  size_t blocks = (s->n + BLOCK - 1) / BLOCK, best = 0;
  for (size_t b = 1; b < blocks; b++)
    if (s->least[b] < s->least[best]) best = b;
  for (size_t j = best * BLOCK; j < s->n; j++)
    if (s->distance[j] == s->least[best]) return j;
  return s->n - 1;
}

/* Column j is done: no longer among the distances. */
static void take_out(const search *s, size_t j)
{
  size_t first = j / BLOCK * BLOCK, count = s->n - first < BLOCK ? s->n - first : BLOCK;
  s->distance[j] = HUGE_VAL;
  s->least[j / BLOCK] = least_of(count, s->distance + first);
}

/* ---- phases ---------------------------------------------------------------------------------- */

static void assign(const search *s, size_t i, size_t j)
{
  s->row_of[j] = i;
  s->column_of[i] = j;
}

/* Each column to the row of its least cost, unless that has one; fills the list of free rows. */
static size_t begin(const search *s)
{
  size_t free = 0;
  reduce_columns(s->n, s->costs, s->v, s->from);
  for (size_t j = 0; j < s->n; j++) s->row_of[j] = s->column_of[j] = s->n;
  for (size_t j = 0; j < s->n; j++)
    if (s->column_of[s->from[j]] == s->n) assign(s, s->from[j], j);
  for (size_t i = 0; i < s->n; i++)
    if (s->column_of[i] == s->n) s->free[free++] = i;
  return free;
}

/* Row i bids; the row that loses its column, or n. *fell: whether the column's potential has. */
static size_t bid(const search *s, size_t i, double epsilon, bool *fell)
{
  reduce_costs(s->n, s->costs + i * s->n, s->v, s->distance, s->least);
  size_t first = nearest(s), second;
  double least = s->distance[first], before = s->v[first];
  take_out(s, first);
  second = nearest(s);
  s->v[first] -= s->distance[second] - least + epsilon;
  *fell = s->v[first] < before;
  /* a tie: the second one will do, if it is free */
  if (!*fell && s->row_of[first] < s->n && s->row_of[second] == s->n) first = second;
  size_t taken = s->row_of[first];
  assign(s, i, first);
  if (taken < s->n) s->column_of[taken] = s->n;
  return taken;
}

/* The first `count` free rows bid; who loses a column bids at once, unless the potential didn't
 * fall: that could go on for ever. *left: the number of rows that are free then. */
static lat_status auction(const search *s, double epsilon, size_t count, size_t *left)
{
  size_t bids = 0, most = (epsilon > 0 ? MOST_BIDS : LAST_BIDS) * s->n;
  *left = 0;
  for (size_t k = 0; k < count; k++) {
    if (k % CHECK == 0) LAT_TRY(lat_check(s->work));
    size_t i = s->free[k];
    for (bool fell = true; i < s->n && fell && bids < most; bids++) i = bid(s, i, epsilon, &fell);
    if (i < s->n) s->free[(*left)++] = i; /* at places that have been read */
  }
  return LAT_OK;
}

static double mean_reduced(const search *s)
{
  double sum = 0, size = (double)s->n * (double)s->n;
  for (size_t i = 0; i < s->n; i++)
    for (size_t j = 0; j < s->n; j++) sum += (s->costs[i * s->n + j] - s->v[j]) / size;
  return sum;
}

/* Pairs that aren't of the row's least reduced cost are separated; the number of free rows. */
static size_t separate(const search *s)
{
  size_t free = 0;
  for (size_t i = 0; i < s->n; i++) {
    size_t j = s->column_of[i];
    if (j < s->n) {
      reduce_costs(s->n, s->costs + i * s->n, s->v, s->distance, s->least);
      if (!(s->distance[j] > s->distance[nearest(s)])) continue;
      s->row_of[j] = s->column_of[i] = s->n;
    }
    s->free[free++] = i;
  }
  return free;
}

static lat_status scale(const search *s, size_t *free)
{
  double mean = mean_reduced(s);
  if (!(mean > 0 && mean < HUGE_VAL)) return LAT_OK;
  for (double epsilon = FIRST_EPSILON * mean; epsilon > LAST_EPSILON * mean / (double)s->n;
       epsilon /= DIVISOR) {
    for (size_t i = 0; i < s->n; i++) s->row_of[i] = s->column_of[i] = s->n, s->free[i] = i;
    LAT_TRY(auction(s, epsilon, s->n, free));
  }
  *free = separate(s);
  return LAT_OK;
}

/* A shortest path from row `row` to a free column, which is returned; potentials of the columns
 * that are done move so that all assigned pairs keep the least reduced cost of their row. */
static size_t shortest_path(const search *s, size_t row)
{
  size_t n = s->n, count = 0, j;
  double reached;
  reduce_costs(n, s->costs + row * n, s->v, s->distance, s->least);
  for (j = 0; j < n; j++) s->open[j] = s->v[j], s->from[j] = row;
  for (;;) {
    j = nearest(s);
    reached = s->distance[j];
    if (s->row_of[j] == n) break;
    size_t i = s->row_of[j];
    s->done[count++] = j;
    s->reached[j] = reached;
    s->open[j] = -HUGE_VAL;
    s->distance[j] = HUGE_VAL;
    relax(n, s->costs + i * n, s->open, s->costs[i * n + j] - s->v[j] - reached, i, s->distance,
          s->from, s->least);
  }
  for (size_t k = 0; k < count; k++) s->v[s->done[k]] += s->reached[s->done[k]] - reached;
  return j;
}

static void exchange(const search *s, size_t row, size_t j)
{
  for (size_t i = s->n; i != row;) { /* back along the path */
    i = s->from[j];
    s->row_of[j] = i;
    size_t before = s->column_of[i];
    s->column_of[i] = j;
    j = before;
  }
}

static lat_status check_costs(lat_workspace *work, size_t n, const double *costs)
{
  for (size_t i = 0; i < n * n; i++) {
    if (!isfinite(costs[i]))
      return lat_fail(work, LAT_INVALID, "cost [%zu,%zu] is %g; costs are finite", i / n + 1,
                      i % n + 1, costs[i]);
    if (fabs(costs[i]) > LAT_ASSIGNMENT_MOST)
      return lat_fail(work, LAT_INVALID, "cost [%zu,%zu] is %g; costs are at most %g", i / n + 1,
                      i % n + 1, costs[i], LAT_ASSIGNMENT_MOST);
  }
  return LAT_OK;
}

static lat_status solve(const search *s)
{
  size_t free = begin(s);
  if (s->n > FEW) LAT_TRY(scale(s, &free));
  for (int again = 0; s->n > 1 && again < 2; again++) LAT_TRY(auction(s, 0, free, &free));
  for (size_t k = 0; k < free; k++) {
    if (k % CHECK == 0) LAT_TRY(lat_check(s->work));
    exchange(s, s->free[k], shortest_path(s, s->free[k]));
  }
  return LAT_OK;
}

lat_status lat_assignment(lat_workspace *work, size_t n, const double *costs, size_t *columns)
{
  LAT_TRY(check_costs(work, n, costs));
  if (n == 0) return LAT_OK;
  LAT_SCOPE(work);
  search s = {.work = work, .n = n, .costs = costs, .column_of = columns};
  s.v = lat_doubles(work, 5 * n);
  s.row_of = lat_allocate(work, 4 * n, sizeof *s.row_of);
  if (!s.v || !s.row_of) return LAT_MEMORY;
  s.open = s.v + n;
  s.distance = s.open + n;
  s.reached = s.distance + n;
  s.least = s.reached + n;
  s.from = s.row_of + n;
  s.done = s.from + n;
  s.free = s.done + n;
  return solve(&s);
}
