/* outputs.c: see outputs.h. */
#include "em/common/outputs.h"

#include <string.h>

#include "em/common/responsibilities.h"

size_t lat_best_component(size_t K, const double *values, size_t stride)
{
  size_t best = 0;
  for (size_t k = 1; k < K; k++)
    if (values[k * stride] > values[best * stride]) best = k;
  return best;
}

void lat_write_components(const lat_output_rows *rows, const double *r, const double *log_sum)
{
  const lat_outputs *to = rows->to;
  size_t K = rows->K, n = rows->n;
  for (size_t i = 0; to->log_likelihood && i < n; i++)
    to->log_likelihood[lat_output_row(rows, i)] = log_sum[i];
  for (size_t i = 0; to->labels && i < n; i++)
    to->labels[lat_output_row(rows, i)] = (double)lat_best_component(K, r + i, n) + 1;
  for (size_t i = 0; to->responsibilities && i < n; i++)
    for (size_t k = 0; k < K; k++)
      lat_set(to->responsibilities, lat_output_row(rows, i), k, r[k * n + i]);
}

size_t lat_bound_scratch(size_t K, size_t n)
{
  return (K + 2) * n;
}

void lat_write_bound(const lat_output_rows *rows, const double *joint, const double *log_sum,
                     const double *r, double *scratch)
{
  size_t K = rows->K, n = rows->n;
  double *q = scratch, *bound = q + K * n, *kl = bound + n;
  for (size_t i = 0; i < n; i++) {
    double total = 0;
    for (size_t k = 0; k < K; k++)
      total += q[k * n + i] = rows->q ? lat_get(rows->q, lat_output_row(rows, i), k) : r[k * n + i];
    for (size_t k = 0; k < K; k++) q[k * n + i] /= total;
  }
  lat_elbo(K, n, joint, log_sum, q, bound, kl);
  for (size_t i = 0; i < n; i++) {
    if (rows->to->bound) rows->to->bound[lat_output_row(rows, i)] = bound[i];
    if (rows->to->kl) rows->to->kl[lat_output_row(rows, i)] = kl[i];
  }
}

void lat_find_far(const lat_output_rows *rows, double *log_sum, size_t *far)
{
  for (size_t i = 0; i < rows->n; i++) {
    size_t row = lat_output_row(rows, i) + 1;
    if (lat_is_far(&log_sum[i]) && (*far == 0 || row < *far)) *far = row;
  }
}

lat_status lat_check_all_far(lat_workspace *work, const lat_outputs *o, const size_t *far,
                             size_t chunks)
{
  size_t row = 0;
  for (size_t c = chunks; c-- > 0;) row = far[c] ? far[c] : row;
  bool asked = o->responsibilities || o->labels || o->imputed || lat_asks_bound(o) || o->latent ||
               o->reconstruction;
  return asked ? lat_check_far(work, row) : LAT_OK;
}
