/* batch.c: rows gathered into a batch, scaled, and binarized by uniform numbers u: 1 where u < x
 * (batch.h). */
#include "deep/common/batch.h"

#include <stdio.h>

#include "base/clones.h"

/* y := scale x for n elements that are side by side. */
#define CONVERT(NAME, FROM, TO)                                                                    \
  LAT_CLONES static void NAME(size_t n, const FROM *x, double scale, TO *y)                        \
  {                                                                                                \
    for (size_t j = 0; j < n; j++) y[j] = (TO)((double)x[j] * scale);                              \
  }
CONVERT(wide_to_wide, double, double)
CONVERT(wide_to_narrow, double, float)
CONVERT(narrow_to_wide, float, double)
CONVERT(narrow_to_narrow, float, float)

/* x := 1 with probability x, for u uniform in [0,1); how many were outside of 0..1. */
#define DRAW(NAME, TYPE)                                                                           \
  LAT_CLONES static size_t NAME(size_t n, const float *u, TYPE *x)                                 \
  {                                                                                                \
    size_t wrong = 0;                                                                              \
    for (size_t j = 0; j < n; j++) {                                                               \
      wrong += !(x[j] >= 0 && x[j] <= 1);                                                          \
      x[j] = (TYPE)u[j] < x[j] ? 1 : 0;                                                            \
    }                                                                                              \
    return wrong;                                                                                  \
  }
DRAW(draw_wide, double)
DRAW(draw_narrow, float)

static void gather(const lat_matrix *X, size_t i, double scale, const lat_matrix *out, size_t k)
{
  size_t n = X->cols;
  ptrdiff_t from = (ptrdiff_t)i * X->row_stride, to = (ptrdiff_t)k * out->row_stride;
  bool packed = (X->col_stride == 1 && out->col_stride == 1) || n == 1;
  bool wide = out->dtype == LAT_FLOAT64;
  if (!packed)
    for (size_t j = 0; j < n; j++) lat_set(out, k, j, lat_get(X, i, j) * scale);
  else if (X->dtype == LAT_FLOAT64 && wide)
    wide_to_wide(n, (const double *)X->data + from, scale, (double *)out->data + to);
  else if (X->dtype == LAT_FLOAT64)
    wide_to_narrow(n, (const double *)X->data + from, scale, (float *)out->data + to);
  else if (wide)
    narrow_to_wide(n, (const float *)X->data + from, scale, (double *)out->data + to);
  else
    narrow_to_narrow(n, (const float *)X->data + from, scale, (float *)out->data + to);
}

static lat_status outside(lat_workspace *work, const lat_matrix *X, size_t i, double scale)
{
  size_t j = 0;
  double x = 0;
  for (; j < X->cols; j++) {
    x = lat_get(X, i, j) * scale;
    if (!(x >= 0 && x <= 1)) break;
  }
  char number[32];
  snprintf(number, sizeof number, x == x ? "%g" : "nan", x); /* some C libraries print -nan */
  return lat_fail(work, LAT_INVALID,
                  "X(%zu,%zu) is %s%s: to be binarized it must be a probability, 0 to 1", i + 1,
                  j + 1, number, scale == 1 ? "" : " after scaling");
}

static size_t binarize(const lat_matrix *out, size_t k, const float *u)
{
  size_t n = out->cols, wrong = 0;
  ptrdiff_t at = (ptrdiff_t)k * out->row_stride;
  if (out->col_stride == 1 && out->dtype == LAT_FLOAT64)
    return draw_wide(n, u, (double *)out->data + at);
  if (out->col_stride == 1) return draw_narrow(n, u, (float *)out->data + at);
  for (size_t j = 0; j < n; j++) {
    double x = lat_get(out, k, j);
    wrong += !(x >= 0 && x <= 1);
    lat_set(out, k, j, (double)u[j] < x);
  }
  return wrong;
}

lat_status lat_batch(lat_workspace *work, const lat_matrix *X, const size_t *place, double scale,
                     lat_binarize how, lat_random *random, const lat_matrix *out)
{
  LAT_SCOPE(work);
  float *u = how == LAT_AS_IT_IS ? NULL : lat_allocate(work, X->cols, sizeof *u);
  if (how != LAT_AS_IT_IS && !u) return LAT_MEMORY;
  /* u < x is x >= 1/2 for the float32 just below 1/2 */
  for (size_t j = 0; how == LAT_THRESHOLD && j < X->cols; j++) u[j] = 0.5f - 0x1p-25f;
  for (size_t k = 0; k < out->rows; k++) {
    gather(X, place[k], scale, out, k);
    if (how == LAT_AS_IT_IS) continue;
    if (how == LAT_DYNAMIC) {
      lat_random_fill_uniform_float(NULL, random, X->cols, u);
    } else if (how == LAT_STATIC) {
      lat_random row = {.seed = random->seed, .stream = ~(uint64_t)place[k], .position = 0};
      lat_random_fill_uniform_float(NULL, &row, X->cols, u);
    }
    if (binarize(out, k, u)) return outside(work, X, place[k], scale);
  }
  return LAT_OK;
}

lat_status lat_batch_check(lat_workspace *work, const lat_matrix *X, double scale)
{
  for (size_t i = 0; i < X->rows; i++) {
    size_t wrong = 0;
    for (size_t j = 0; j < X->cols; j++) {
      double x = lat_get(X, i, j) * scale;
      wrong += !(x >= 0 && x <= 1);
    }
    if (wrong) return outside(work, X, i, scale);
  }
  return LAT_OK;
}
