/* components.c: see components.h. */
#include "em/common/components.h"

#include <string.h>

static bool before(const double *a, const double *b, size_t size)
{
  for (size_t i = 0; i < size; i++)
    if (a[i] != b[i]) return a[i] < b[i];
  return false;
}

void lat_components_rank(size_t K, size_t size, const double *values, size_t *order)
{
  for (size_t k = 0; k < K; k++) { /* insertion: components are few */
    size_t i = k;
    for (; i > 0 && before(values + k * size, values + order[i - 1] * size, size); i--)
      order[i] = order[i - 1];
    order[i] = k;
  }
}

void lat_components_permute(size_t K, size_t size, const size_t *order, double *blocks, double *old)
{
  memcpy(old, blocks, K * size * sizeof *old);
  for (size_t i = 0; i < K; i++)
    memcpy(blocks + i * size, old + order[i] * size, size * sizeof *old);
}

lat_status lat_components_check(lat_workspace *work, const lat_fitted *f, size_t components)
{
  if (f->sizes[LAT_K] != components)
    return lat_fail(work, LAT_INVALID, "the parameters are of %zu components, the options say %zu",
                    f->sizes[LAT_K], components);
  return lat_check_distribution(work, "weights", f->sizes[LAT_K], f->flat);
}

lat_status lat_components_check_labels(const lat_fit *fit, size_t K)
{
  for (size_t i = 0; fit->labels && i < fit->all_rows; i++) {
    if (i % LAT_LOOK == 0) LAT_TRY(lat_check(fit->work));
    if (fit->labels[i] > K)
      return lat_fail(fit->work, LAT_INVALID,
                      "label %zu is %u; labels are integers from 0 (not known) to %zu", i + 1,
                      (unsigned)fit->labels[i], K);
  }
  return LAT_OK;
}
