/* ode.h: solving dx/dt = f(x, t) for many rows x in R^S from one time to another, forwards or
 * backwards.
 *
 *   euler            x += h f(x, t)                                             order 1
 *   midpoint         x += h f(x + h/2 f(x, t), t + h/2)                         order 2
 *   dormand_prince   steps of order 5 whose size follows the difference to order 4 (Dormand and
 *                    Prince, Journal of Computational and Applied Mathematics 6, 1980), which for
 *                    each step is at most `tolerance` (1 + |x|), as the root of the mean square
 *                    over a row's numbers
 *
 * The first two take `steps` steps of the same size. In the third one every row has steps of its
 * own, so that its result doesn't depend on the other rows; all rows that haven't arrived are
 * evaluated together. */
#ifndef LAT_DEEP_COMMON_ODE_H
#define LAT_DEEP_COMMON_ODE_H

#include <stddef.h>

#include "base/workspace.h"

typedef enum lat_ode_solver {
  LAT_ODE_DORMAND_PRINCE,
  LAT_ODE_MIDPOINT,
  LAT_ODE_EULER,
  LAT_ODE_SOLVERS
} lat_ode_solver;
extern const char *const lat_ode_solver_names[LAT_ODE_SOLVERS + 1]; /* ended by NULL */

/* Rows for which f is wanted: dx (count x S) := f(x, t). */
typedef struct lat_ode_rows {
  size_t count;
  const size_t *place; /* of each, its number among all that are solved for, ascending */
  const double *t, *x; /* times, and count x S numbers */
  bool one_time;       /* all times are t[0] */
  double *dx;
} lat_ode_rows;
typedef lat_status lat_ode_field(void *context, const lat_ode_rows *rows);

typedef struct lat_ode {
  int solver;       /* lat_ode_solver */
  size_t steps;     /* at least 1 */
  double tolerance; /* > 0 */
  double from, to;
  lat_ode_field *field;
  void *context;
} lat_ode;

/* Numbers of scratch for a row. */
size_t lat_ode_scratch(size_t S);
/* x (n x S, packed) := the solutions at `to` of the rows that x has at `from`; `scratch` has n
 * lat_ode_scratch(S) doubles. The field's failures; LAT_INVALID, with a message in the workspace,
 * when f isn't finite, or more than LAT_ODE_MOST steps are needed. Allocates nothing. */
lat_status lat_ode_solve(lat_workspace *work, const lat_ode *ode, size_t n, size_t S, double *x,
                         double *scratch);
#define LAT_ODE_MOST 10000

#endif
