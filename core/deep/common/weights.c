/* weights.c: running sums of importance weights relative to the largest so far (weights.h). */
#include "deep/common/weights.h"

#include <math.h>

#include "base/vector_math.h"
#include "deep/common/limits.h"

void lat_weights_add(lat_weights *weights, const lat_matrix *A, size_t i)
{
  double w[LAT_WEIGHTS_BUFFER], largest = weights->largest;
  for (size_t k = 0; k < A->cols; k++) largest = fmax(largest, lat_get(A, i, k));
  if (!(largest > -INFINITY)) return;
  double scale = exp(weights->largest - largest);
  *weights = (lat_weights){largest, weights->sum * scale, weights->squares * scale * scale};
  for (size_t k = 0; k < A->cols; k += LAT_WEIGHTS_BUFFER) {
    size_t n = A->cols - k < LAT_WEIGHTS_BUFFER ? A->cols - k : LAT_WEIGHTS_BUFFER;
    for (size_t j = 0; j < n; j++) w[j] = lat_get(A, i, k + j) - largest;
    lat_exp(n, w, w);
    for (size_t j = 0; j < n; j++) {
      weights->sum += w[j];
      weights->squares += w[j] * w[j];
    }
  }
}

double lat_weights_log_mean(const lat_weights *weights, size_t K)
{
  return weights->largest + log(weights->sum) - log((double)K);
}

double lat_weights_effective(const lat_weights *weights)
{
  return weights->squares > 0 ? weights->sum * weights->sum / weights->squares : 0;
}
