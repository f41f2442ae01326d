/* responsibilities.c: see responsibilities.h; loops over the n observations of a block, a component
 * at a time. */
#include "em/common/responsibilities.h"

#include <math.h>
#include <string.h>

#include "base/clones.h"
#include "base/vector_math.h"

LAT_CLONES static void raise_to(size_t n, const double *restrict x, double *restrict largest)
{
  for (size_t i = 0; i < n; i++) largest[i] = x[i] > largest[i] ? x[i] : largest[i];
}

/* Products with numbers near the least ones take processors a hundred times as long. */
static const double lowest = -460;

LAT_CLONES static void subtract(size_t n, const double *restrict y, double *restrict x)
{
  for (size_t i = 0; i < n; i++) {
    double d = x[i] - y[i];
    x[i] = d < lowest ? -INFINITY : d;
  }
}

LAT_CLONES static void add(size_t n, const double *restrict y, double *restrict x)
{
  for (size_t i = 0; i < n; i++) x[i] += y[i];
}

LAT_CLONES static void invert(size_t n, const double *restrict x, double *restrict y)
{
  for (size_t i = 0; i < n; i++) y[i] = 1 / x[i];
}

LAT_CLONES static void multiply(size_t n, const double *restrict y, double *restrict x)
{
  for (size_t i = 0; i < n; i++) x[i] *= y[i];
}

void lat_responsibilities(size_t K, size_t n, double *joint, double *log_sum, double *scratch)
{
  double *largest = scratch, *inverse = scratch + n;
  memcpy(largest, joint, n * sizeof *largest);
  for (size_t k = 1; k < K; k++) raise_to(n, joint + k * n, largest);
  for (size_t k = 0; k < K; k++) subtract(n, largest, joint + k * n);
  lat_exp(K * n, joint, joint);
  memcpy(log_sum, joint, n * sizeof *log_sum);
  for (size_t k = 1; k < K; k++) add(n, joint + k * n, log_sum);
  invert(n, log_sum, inverse);
  for (size_t k = 0; k < K; k++) multiply(n, inverse, joint + k * n);
  lat_log(n, log_sum, log_sum);
  add(n, largest, log_sum);
}

bool lat_is_far(double *log_sum)
{
  if (*log_sum > -INFINITY) return false;
  *log_sum = -INFINITY;
  return true;
}

lat_status lat_check_far(lat_workspace *work, size_t row)
{
  if (row == 0) return LAT_OK;
  return lat_fail(
      work, LAT_INVALID,
      "row %zu of X is so far from all components that squares of its distances overflow, "
      "and nothing says to which it belongs",
      row);
}

void lat_elbo(size_t K, size_t n, const double *joint, const double *log_sum, const double *q,
              double *bound, double *kl)
{
  for (size_t i = 0; i < n; i++) {
    bound[i] = kl[i] = 0;
    for (size_t k = 0; k < K; k++) {
      double share = q[k * n + i];
      if (!(share > 0)) continue;
      double surprise = log(share), log_joint = joint[k * n + i];
      bound[i] += share * (log_joint - surprise);
      kl[i] += share * (surprise - (log_joint - log_sum[i]));
    }
  }
}

lat_status lat_check_responsibilities(lat_workspace *work, const lat_matrix *q)
{
  for (size_t i = 0; i < q->rows; i++) {
    double total = 0;
    for (size_t k = 0; k < q->cols; k++) {
      double share = lat_get(q, i, k);
      if (!(share >= 0))
        return lat_fail(work, LAT_INVALID, "q[%zu,%zu] is %g; responsibilities are >= 0", i + 1,
                        k + 1, share);
      total += share;
    }
    if (!(fabs(total - 1) <= 1e-6))
      return lat_fail(work, LAT_INVALID, "row %zu of q adds up to %.9g; it must to 1", i + 1,
                      total);
  }
  return LAT_OK;
}
