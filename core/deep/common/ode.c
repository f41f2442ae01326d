/* ode.c: Euler's method, the midpoint rule and Dormand and Prince's pair for rows (ode.h).
 *
 * The pair has seven stages k_s = f(x + h sum_{r < s} A_sr k_r, t + C_s h). The seventh is at the
 * solution of order 5 itself and thereby the first of the next step; the difference to order 4 is
 * h sum_s E_s k_s. After a step whose error is e, in units of what is allowed, the next one is
 * h min(10, max(0.2, 0.9 e^(-1/5))), and a step with e > 1 is done again.
 *
 * Storage: numbers of the rows that haven't arrived lie side by side, in the order of their places;
 * those that arrive are taken out. */
#include "deep/common/ode.h"

#include <math.h>
#include <string.h>

const char *const lat_ode_solver_names[LAT_ODE_SOLVERS + 1] = {[LAT_ODE_DORMAND_PRINCE] =
                                                                   "dormand_prince",
                                                               [LAT_ODE_MIDPOINT] = "midpoint",
                                                               [LAT_ODE_EULER] = "euler"};

enum { STAGES = 7 };

static const double A[STAGES][STAGES - 1] = {
    {0},
    {1. / 5},
    {3. / 40, 9. / 40},
    {44. / 45, -56. / 15, 32. / 9},
    {19372. / 6561, -25360. / 2187, 64448. / 6561, -212. / 729},
    {9017. / 3168, -355. / 33, 46732. / 5247, 49. / 176, -5103. / 18656},
    {35. / 384, 0, 500. / 1113, 125. / 192, -2187. / 6784, 11. / 84}};
static const double C[STAGES] = {0, 1. / 5, 3. / 10, 4. / 5, 8. / 9, 1, 1};
static const double E[STAGES] = {71. / 57600,      0,         -71. / 16695, 71. / 1920,
                                 -17253. / 339200, 22. / 525, -1. / 40};

/* The first step, a part of the whole way; and the least one. */
#define FIRST_STEP 0.05
#define LEAST_STEP 1e-12

typedef struct march {
  size_t n, S;   /* rows that haven't arrived */
  size_t *place; /* their numbers */
  double *x, *y; /* n x S: where they are, and a stage or the end of the step */
  double *k[STAGES];
  double *t, *h, *at; /* their times, steps (> 0, as part of the way), and the times of a stage */
} march;

size_t lat_ode_scratch(size_t S)
{
  return (STAGES + 2) * S + 4;
}

static void begin(march *m, const lat_ode *ode, size_t n, size_t S, const double *x,
                  double *scratch)
{
  *m = (march){.n = n, .S = S, .x = scratch, .y = scratch + n * S};
  scratch += 2 * n * S;
  for (size_t s = 0; s < STAGES; s++, scratch += n * S) m->k[s] = scratch;
  m->t = scratch;
  m->h = m->t + n;
  m->at = m->h + n;
  m->place = (size_t *)(void *)(m->at + n);
  memcpy(m->x, x, n * S * sizeof *x);
  for (size_t i = 0; i < n; i++) {
    m->place[i] = i;
    m->t[i] = ode->from;
    m->h[i] = FIRST_STEP;
  }
}

/* dx := f(x, t) of the rows on the way; `t` has their times. */
static lat_status evaluate(const march *m, const lat_ode *ode, const double *t, bool one_time,
                           const double *x, double *dx)
{
  const lat_ode_rows rows = {m->n, m->place, t, x, one_time, dx};
  return ode->field(ode->context, &rows);
}

/* ---- steps of one size ----------------------------------------------------------------------- */

static void move(size_t count, const double *x, double h, const double *k, double *y)
{
  for (size_t i = 0; i < count; i++) y[i] = x[i] + h * k[i];
}

static lat_status fixed(lat_workspace *work, const lat_ode *ode, march *m)
{
  double h = (ode->to - ode->from) / (double)ode->steps;
  bool midpoint = ode->solver == LAT_ODE_MIDPOINT;
  for (size_t step = 0; step < ode->steps; step++) {
    double t = ode->from + (double)step * h, half = t + h / 2;
    for (size_t i = 0; i < m->n; i++) m->t[i] = t, m->at[i] = half;
    LAT_TRY(evaluate(m, ode, m->t, true, m->x, m->k[0]));
    if (midpoint) {
      move(m->n * m->S, m->x, h / 2, m->k[0], m->y);
      LAT_TRY(evaluate(m, ode, m->at, true, m->y, m->k[0]));
    }
    move(m->n * m->S, m->x, h, m->k[0], m->x);
  }
  for (size_t i = 0; i < m->n * m->S; i++) /* what isn't stays so, whenever it became it */
    if (!isfinite(m->x[i]))
      return lat_fail(work, LAT_INVALID,
                      "the velocity isn't finite, or %zu steps of %s are too few", ode->steps,
                      lat_ode_solver_names[ode->solver]);
  return LAT_OK;
}

/* ---- Dormand and Prince ---------------------------------------------------------------------- */

/* y := x + h sum_r A_sr k_r, and its times. */
static void stage(const march *m, const lat_ode *ode, size_t s)
{
  double way = ode->to - ode->from;
  for (size_t i = 0; i < m->n; i++) {
    double h = m->h[i] * way;
    m->at[i] = m->t[i] + C[s] * h;
    for (size_t j = i * m->S; j < (i + 1) * m->S; j++) {
      double sum = 0;
      for (size_t r = 0; r < s; r++) sum += A[s][r] * m->k[r][j];
      m->y[j] = m->x[j] + h * sum;
    }
  }
}

/* The error of row i's step, in units of what is allowed; NaN where something isn't finite. */
static double error_of(const march *m, const lat_ode *ode, size_t i)
{
  double sum = 0, h = m->h[i] * (ode->to - ode->from);
  for (size_t j = i * m->S; j < (i + 1) * m->S; j++) {
    double e = 0, size = fmax(fabs(m->x[j]), fabs(m->y[j]));
    for (size_t s = 0; s < STAGES; s++) e += E[s] * m->k[s][j];
    e *= h / (ode->tolerance * (1 + size));
    sum += isfinite(m->y[j]) ? e * e : NAN;
  }
  return sqrt(sum / (double)m->S);
}

/* Row i takes the place of row `to` among those on the way. */
static void shift(march *m, size_t i, size_t to)
{
  size_t bytes = m->S * sizeof *m->x;
  if (i == to) return;
  m->place[to] = m->place[i];
  m->t[to] = m->t[i];
  m->h[to] = m->h[i];
  memcpy(m->x + to * m->S, m->x + i * m->S, bytes);
  memcpy(m->k[0] + to * m->S, m->k[0] + i * m->S, bytes);
}

/* Steps with small errors are taken; rows that have arrived go to their places in `x`. */
static lat_status take_steps(lat_workspace *work, const lat_ode *ode, march *m, double *x)
{
  size_t left = 0, bytes = m->S * sizeof *x;
  double way = ode->to - ode->from;
  for (size_t i = 0; i < m->n; i++) {
    double e = error_of(m, ode, i), rest = (ode->to - m->t[i]) / way, h = m->h[i];
    bool arrived = false;
    if (e <= 1) {
      arrived = h >= rest;
      m->t[i] += h * way;
      memcpy(m->x + i * m->S, m->y + i * m->S, bytes);
      memcpy(m->k[0] + i * m->S, m->k[STAGES - 1] + i * m->S, bytes);
    }
    m->h[i] *= isfinite(e) ? fmin(e <= 1 ? 10 : 1, fmax(0.2, 0.9 * pow(e, -0.2))) : 0.2;
    if (m->h[i] < LEAST_STEP && !arrived)
      return lat_fail(work, LAT_INVALID, "the velocity isn't finite, or jumps, near t = %g",
                      m->t[i]);
    if (arrived)
      memcpy(x + m->place[i] * m->S, m->x + i * m->S, bytes);
    else
      shift(m, i, left++);
  }
  m->n = left;
  return LAT_OK;
}

static lat_status adaptive(lat_workspace *work, const lat_ode *ode, march *m, double *x)
{
  LAT_TRY(evaluate(m, ode, m->t, true, m->x, m->k[0]));
  for (size_t step = 0; m->n > 0; step++) {
    if (step == LAT_ODE_MOST)
      return lat_fail(work, LAT_INVALID,
                      "more than %d steps are needed at t = %g: choose a larger tolerance than %g",
                      LAT_ODE_MOST, m->t[0], ode->tolerance);
    for (size_t i = 0; i < m->n; i++)
      m->h[i] = fmin(m->h[i], (ode->to - m->t[i]) / (ode->to - ode->from));
    for (size_t s = 1; s < STAGES; s++) {
      stage(m, ode, s);
      LAT_TRY(evaluate(m, ode, m->at, false, m->y, m->k[s]));
    }
    LAT_TRY(take_steps(work, ode, m, x));
  }
  return LAT_OK;
}

lat_status lat_ode_solve(lat_workspace *work, const lat_ode *ode, size_t n, size_t S, double *x,
                         double *scratch)
{
  march m;
  begin(&m, ode, n, S, x, scratch);
  if (ode->solver == LAT_ODE_DORMAND_PRINCE) return adaptive(work, ode, &m, x);
  LAT_TRY(fixed(work, ode, &m));
  memcpy(x, m.x, n * S * sizeof *x);
  return LAT_OK;
}
