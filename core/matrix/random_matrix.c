/* random_matrix.c: matrices of random numbers, categories, permutations.
 *
 * A number of a distribution is base + scale * x, where x is a standard one. A matrix gets the
 * numbers in row-major order whatever its strides are, and blocks of a fixed size are drawn at
 * once, so that neither changes what is drawn. */
#include "matrix/random_matrix.h"

#include <math.h>

#include "base/vector_math.h"
#include "matrix/limits.h"
#include "matrix/order.h"

/* n standard uniform or normal numbers, side by side. */
static lat_status fill_packed(lat_workspace *work, lat_distribution_kind which, lat_dtype dtype,
                              lat_random *random, size_t n, void *out)
{
  if (which == LAT_UNIFORM && dtype == LAT_FLOAT64)
    return lat_random_fill_uniform(work, random, n, out);
  if (which == LAT_UNIFORM) return lat_random_fill_uniform_float(work, random, n, out);
  if (dtype == LAT_FLOAT64) return lat_random_fill_normal(work, random, n, out);
  return lat_random_fill_normal_float(work, random, n, out);
}

/* n standard draws, n <= LAT_RANDOM_BLOCK, as a matrix of that dtype gets them. */
static void standard(const lat_distribution *d, lat_random *random, lat_dtype dtype, size_t n,
                     double *out)
{
  if (d->kind == LAT_GAMMA) {
    for (size_t i = 0; i < n; i++) out[i] = lat_random_gamma(random, d->shape);
  } else if (d->kind == LAT_BETA) {
    for (size_t i = 0; i < n; i++) out[i] = lat_random_beta(random, d->shape, d->second);
  } else if (d->kind == LAT_COUNTS) {
    for (size_t i = 0; i < n; i++) out[i] = lat_random_poisson(random, d->shape);
  } else if (d->kind == LAT_INTEGERS) {
    for (size_t i = 0; i < n; i++) out[i] = (double)lat_random_below(random, d->bound);
  } else if (d->kind == LAT_EXPONENTIAL) { /* the numbers of lat_random_exponential */
    lat_random_fill_uniform(NULL, random, n, out);
    for (size_t i = 0; i < n; i++) out[i] = 1 - out[i];
    lat_log(n, out, out);
    for (size_t i = 0; i < n; i++) out[i] = 0 - out[i];
  } else if (dtype == LAT_FLOAT64) {
    fill_packed(NULL, d->kind, dtype, random, n, out);
  } else { /* not float64 numbers rounded, which could give 1 */
    float narrow[LAT_RANDOM_BLOCK];
    fill_packed(NULL, d->kind, dtype, random, n, narrow);
    for (size_t i = 0; i < n; i++) out[i] = (double)narrow[i];
  }
}

/* From standard numbers, side by side, to those of the distribution. */
static void affine(const lat_distribution *d, lat_dtype dtype, size_t n, void *numbers)
{
  double *wide = numbers, base = d->base, scale = d->scale;
  float *narrow = numbers;
  if (dtype == LAT_FLOAT64)
    for (size_t i = 0; i < n; i++) wide[i] = base + scale * wide[i];
  else
    for (size_t i = 0; i < n; i++) narrow[i] = (float)(base + scale * (double)narrow[i]);
}

lat_status lat_random_matrix(lat_workspace *work, lat_random *random, const lat_distribution *d,
                             const lat_matrix *A)
{
  size_t n = A->rows * A->cols, i = 0, j = 0;
  if ((d->kind == LAT_UNIFORM || d->kind == LAT_NORMAL) && lat_is_packed(A)) {
    LAT_TRY(fill_packed(work, d->kind, A->dtype, random, n, A->data));
    size_t size = lat_dtype_size(A->dtype);
    for (size_t start = 0; (d->base != 0 || d->scale != 1) && start < n; start += LAT_RANDOM_BAND) {
      affine(d, A->dtype, n - start < LAT_RANDOM_BAND ? n - start : LAT_RANDOM_BAND,
             (char *)A->data + start * size);
      LAT_TRY(lat_check(work));
    }
    return LAT_OK;
  }
  for (size_t start = 0; start < n; start += LAT_RANDOM_BLOCK) {
    double draws[LAT_RANDOM_BLOCK];
    size_t m = n - start < LAT_RANDOM_BLOCK ? n - start : LAT_RANDOM_BLOCK;
    LAT_TRY(lat_check(work));
    standard(d, random, A->dtype, m, draws);
    for (size_t k = 0; k < m; k++) {
      lat_set(A, i, j, d->base + d->scale * draws[k]);
      if (++j == A->cols) i++, j = 0;
    }
  }
  return LAT_OK;
}

double lat_random_number(lat_random *random, const lat_distribution *d)
{
  double x;
  standard(d, random, LAT_FLOAT64, 1, &x);
  return d->base + d->scale * x;
}

/* ---- options --------------------------------------------------------------------------------- */

#define ANY(field, otherwise)                                                                      \
  LAT_OPTION_NUMBER(lat_distribution_options, field, otherwise, -HUGE_VAL, HUGE_VAL)
const lat_option lat_distribution_table[] = {
    ANY(low, 0),
    ANY(high, 1),
    ANY(mean, 0),
    LAT_OPTION_NUMBER(lat_distribution_options, deviation, 1, 0, HUGE_VAL),
    LAT_OPTION_NUMBER(lat_distribution_options, scale, 1, 0, HUGE_VAL),
    {.name = NULL}};

/* d := base + scale times standard numbers. */
static lat_status place(lat_workspace *work, const lat_distribution_options *o, lat_distribution *d)
{
  if (d->kind == LAT_UNIFORM) {
    d->base = o->low;
    d->scale = o->high - o->low;
    if (!(o->low < o->high) || !isfinite(d->scale))
      return lat_fail(work, LAT_INVALID,
                      "low must be less than high, and both finite, got %.14g and %.14g", o->low,
                      o->high);
  } else if (d->kind == LAT_NORMAL) {
    d->base = o->mean;
    d->scale = o->deviation;
    if (!isfinite(o->mean) || !isfinite(o->deviation))
      return lat_fail(work, LAT_INVALID, "mean and deviation must be finite, got %.14g and %.14g",
                      o->mean, o->deviation);
  } else {
    d->scale = o->scale;
    if (!(o->scale > 0) || !isfinite(o->scale))
      return lat_fail(work, LAT_INVALID, "scale must be positive and finite, got %.14g", o->scale);
  }
  return LAT_OK;
}

static lat_status take_shape(lat_workspace *work, const char *name, double value, double *shape)
{
  *shape = value;
  if (value > 0 && isfinite(value)) return LAT_OK;
  return lat_fail(work, LAT_INVALID, "%s must be positive and finite, got %.14g", name, value);
}

lat_status lat_distribution_make(lat_workspace *work, lat_distribution_kind kind,
                                 const lat_distribution_options *o, lat_distribution *d)
{
  *d = (lat_distribution){.kind = kind, .scale = 1};
  if (kind == LAT_COUNTS) {
    d->shape = o->mean;
    if (!(o->mean >= 0 && o->mean <= LAT_MOST_POISSON))
      return lat_fail(work, LAT_INVALID, "mean must be 0 to 2^52, got %.14g", o->mean);
    return LAT_OK;
  }
  if (kind == LAT_BETA) {
    LAT_TRY(take_shape(work, "a", o->a, &d->shape));
    return take_shape(work, "b", o->b, &d->second);
  }
  if (kind == LAT_GAMMA) LAT_TRY(take_shape(work, "shape", o->shape, &d->shape));
  return place(work, o, d);
}

/* ---- categories and permutations ----------------------------------------------------- */

/* Indices from 0 of the core to numbers from 1. */
static lat_status to_numbers(lat_workspace *work, size_t n, const size_t *from, double *to)
{
  for (size_t i = 0; i < n; i++) {
    to[i] = (double)(from[i] + 1);
    if (i % LAT_RANDOM_BAND == 0) LAT_TRY(lat_check(work));
  }
  return LAT_OK;
}

lat_status lat_random_categories(lat_workspace *work, lat_random *random, const lat_matrix *weights,
                                 size_t n, double *out)
{
  size_t K = weights->rows;
  LAT_SCOPE(work);
  double *w = lat_doubles(work, K), *accept = lat_doubles(work, K);
  size_t *alias = lat_allocate(work, K, sizeof *alias);
  size_t *drawn = lat_allocate(work, n, sizeof *drawn);
  if (!w || !accept || !alias || !drawn) return LAT_MEMORY;
  bool any = false;
  for (size_t i = 0; i < K; i++) {
    w[i] = lat_get(weights, i, 0);
    if (!(w[i] >= 0) || !isfinite(w[i]))
      return lat_fail(work, LAT_INVALID, "weight %zu must be finite and >= 0, got %g", i + 1, w[i]);
    any = any || w[i] > 0;
  }
  if (!any) return lat_fail(work, LAT_INVALID, "at least one of the weights must be positive");
  LAT_TRY(lat_random_categorical(work, random, K, w, n, drawn, alias, accept));
  return to_numbers(work, n, drawn, out);
}

lat_status lat_random_order(lat_workspace *work, lat_random *random, size_t n, double *out)
{
  LAT_SCOPE(work);
  size_t *order = lat_allocate(work, n, sizeof *order);
  if (!order) return LAT_MEMORY;
  LAT_TRY(lat_random_permutation(work, random, n, order));
  return to_numbers(work, n, order, out);
}

lat_status lat_random_rows(lat_workspace *work, lat_random *random, const lat_matrix *A,
                           const lat_matrix *B, double *order)
{
  LAT_SCOPE(work);
  size_t n = A->rows, *place = lat_allocate(work, n, sizeof *place);
  if (!place) return LAT_MEMORY;
  LAT_TRY(lat_random_permutation(work, random, n, place));
  LAT_TRY(lat_gather_rows(work, A, place, B));
  return to_numbers(work, n, place, order);
}
