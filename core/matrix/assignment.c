/* assignment.c: the optimal assignment by shortest augmenting paths (assignment.h). */
#include "matrix/assignment.h"

#include <math.h>
#include <string.h>

/* Rows are added one after the other. From a new row a shortest path over reduced costs
 * cost[i, j] - u[i] - v[j] >= 0 (Dijkstra) leads to a free column; along it the assignment is
 * exchanged, and the potentials u, v are changed so that assigned pairs keep a reduced cost of
 * 0. */
typedef struct search {
  size_t n;
  const double *costs;
  double *u, *v;    /* potentials of rows and columns */
  double *distance; /* of the columns from the new row */
  size_t *row_of;   /* of a column: its row, or n when it is free */
  size_t *from;     /* the row from which a column was reached */
  bool *done;       /* the column's distance is final */
} search;

/* Shortens the distances of open columns by way of row i at distance `so_far`; the nearest one. */
static size_t relax(search *s, size_t i, double so_far)
{
  size_t nearest = s->n;
  for (size_t j = 0; j < s->n; j++) {
    if (s->done[j]) continue;
    double d = so_far + s->costs[i * s->n + j] - s->u[i] - s->v[j];
    if (d < s->distance[j]) s->distance[j] = d, s->from[j] = i;
    if (nearest == s->n || s->distance[j] < s->distance[nearest]) nearest = j;
  }
  return nearest;
}

static void add_row(search *s, size_t row, size_t *columns)
{
  size_t n = s->n, i = row, j;
  double reached = 0;
  for (j = 0; j < n; j++) s->distance[j] = HUGE_VAL, s->done[j] = false;
  for (;;) {
    j = relax(s, i, reached);
    reached = s->distance[j];
    s->done[j] = true;
    if (s->row_of[j] == n) break;
    i = s->row_of[j];
  }
  s->u[row] += reached;
  for (size_t c = 0; c < n; c++) {
    if (!s->done[c] || c == j) continue;
    s->u[s->row_of[c]] += reached - s->distance[c];
    s->v[c] -= reached - s->distance[c];
  }
  for (i = n; i != row;) { /* back along the path */
    i = s->from[j];
    s->row_of[j] = i;
    size_t before = columns[i];
    columns[i] = j;
    j = before;
  }
}

lat_status lat_assignment(lat_workspace *work, size_t n, const double *costs, size_t *columns)
{
  for (size_t i = 0; i < n * n; i++)
    if (!isfinite(costs[i]))
      return lat_fail(work, LAT_INVALID, "cost [%zu,%zu] is %g; costs are finite", i / n + 1,
                      i % n + 1, costs[i]);
  LAT_SCOPE(work);
  search s = {.n = n, .costs = costs, .u = lat_doubles(work, 3 * n)};
  s.row_of = lat_allocate(work, 2 * n, sizeof *s.row_of);
  s.done = lat_allocate(work, n, sizeof *s.done);
  if (!s.u || !s.row_of || !s.done) return LAT_MEMORY;
  s.v = s.u + n;
  s.distance = s.v + n;
  s.from = s.row_of + n;
  memset(s.u, 0, 2 * n * sizeof *s.u);
  for (size_t j = 0; j < n; j++) s.row_of[j] = columns[j] = n;
  for (size_t i = 0; i < n; i++) add_row(&s, i, columns);
  return LAT_OK;
}
