/* likelihood.c: the likelihoods of decoder nets: losses on a tape, pairs, checks, means and draws
 * (likelihood.h).
 *
 * All but the Gaussian are linear in x, or in indicators of its levels: log p(x | k) = x'w_k - c_k,
 * so the pairs of all rows with all outputs are one product of matrices; the Gaussian's are two. */
#include "deep/common/likelihood.h"

#include <math.h>
#include <stdio.h>

#include "base/clones.h"
#include "base/special.h"
#include "deep/common/limits.h"

const char *const lat_likelihood_names[] = {"bernoulli", "continuous_bernoulli", "categorical",
                                            "gaussian", NULL};
const char *const lat_variance_names[] = {"fixed", "global", "column", "pixel", NULL};

size_t lat_likelihood_outputs(const lat_likelihood *l)
{
  if (l->kind == LAT_P_CATEGORICAL) return l->D * l->levels;
  return l->kind == LAT_P_GAUSSIAN && l->variance == LAT_VARIANCE_PIXEL ? 2 * l->D : l->D;
}

lat_likelihood lat_likelihood_complete(lat_likelihood l)
{
  if (l.variance < 0) l.variance = l.sigma > 0 ? LAT_VARIANCE_FIXED : LAT_VARIANCE_GLOBAL;
  if (!(l.sigma > 0)) l.sigma = 1;
  if (!(l.variance_range[0] > 0)) l.variance_range[0] = 1e-6, l.variance_range[1] = 1e6;
  return l;
}

lat_status lat_likelihood_check_options(lat_workspace *work, const lat_likelihood *l)
{
  const char *given = l->sigma > 0               ? "sigma"
                      : l->variance >= 0         ? "variance"
                      : l->variance_range[0] > 0 ? "variance_range"
                                                 : NULL;
  if (given && l->kind != LAT_P_GAUSSIAN)
    return lat_fail(work, LAT_INVALID, "%s is for likelihood = \"gaussian\"", given);
  if (l->levels > 0 && l->kind != LAT_P_CATEGORICAL)
    return lat_fail(work, LAT_INVALID, "levels are the categorical likelihood's, not the %s one's",
                    lat_likelihood_names[l->kind]);
  if (l->levels == 0 && l->kind == LAT_P_CATEGORICAL)
    return lat_fail(work, LAT_INVALID,
                    "likelihood = \"categorical\" needs levels, how many values a column has");
  return LAT_OK;
}

/* ---- variances -------------------------------------------------------------------------- */

static bool has_parameter(const lat_likelihood *l)
{
  return l->kind == LAT_P_GAUSSIAN &&
         (l->variance == LAT_VARIANCE_GLOBAL || l->variance == LAT_VARIANCE_COLUMN);
}

static double middle(const lat_likelihood *l)
{
  return (log(l->variance_range[0]) + log(l->variance_range[1])) / 2;
}

static double half(const lat_likelihood *l)
{
  return (log(l->variance_range[1]) - log(l->variance_range[0])) / 2;
}

static double bounded(const lat_likelihood *l, double v)
{
  double c = middle(l), h = half(l);
  return c + h * tanh((v - c) / h);
}

lat_status lat_likelihood_add(lat_workspace *work, lat_likelihood *l, lat_store *store)
{
  l->store = store;
  if (!has_parameter(l)) return LAT_OK;
  size_t columns = l->variance == LAT_VARIANCE_GLOBAL ? 1 : l->D;
  LAT_TRY(
      lat_store_add(work, store, "log_variance", 1, columns, LAT_INIT_ZERO, 1, 0, &l->parameter));
  lat_matrix v = lat_store_view(store, store->values, l->parameter);
  double c = middle(l), h = half(l), share = (2 * log(l->sigma) - c) / h;
  share = fmin(fmax(share, -LAT_VARIANCE_SHARE), LAT_VARIANCE_SHARE);
  lat_fill(&v, c + h * atanh(share));
  return LAT_OK;
}

/* The Gaussian's log-variance: 1 x 1, 1 x D or B x D. */
static lat_value log_variance(lat_tape *tape, const lat_likelihood *l, lat_value outputs,
                              bool constant)
{
  lat_value v;
  if (l->variance == LAT_VARIANCE_FIXED) return lat_nn_fill(tape, 1, 1, 2 * log(l->sigma));
  if (l->variance == LAT_VARIANCE_PIXEL) {
    v = lat_nn_columns(tape, outputs, l->D, l->D);
  } else if (constant) {
    lat_matrix parameter = lat_store_view(l->store, l->store->values, l->parameter);
    v = lat_nn_borrow(tape, &parameter);
  } else {
    v = lat_nn_parameter(tape, l->store, l->parameter);
  }
  double c = middle(l), h = half(l);
  return lat_nn_affine(tape, lat_nn_tanh(tape, lat_nn_affine(tape, v, 1 / h, -c / h)), h, c);
}

static lat_value means(lat_tape *tape, const lat_likelihood *l, lat_value outputs)
{
  return l->variance == LAT_VARIANCE_PIXEL ? lat_nn_columns(tape, outputs, 0, l->D) : outputs;
}

/* ---- log-likelihoods ------------------------------------------------------------------------ */

lat_value lat_likelihood_nll(lat_tape *tape, const lat_likelihood *l, lat_value outputs,
                             lat_value x, bool constant)
{
  switch (l->kind) {
  case LAT_P_BERNOULLI:
    return lat_nn_bernoulli_nll(tape, outputs, x);
  case LAT_P_CONTINUOUS_BERNOULLI:
    return lat_nn_continuous_bernoulli_nll(tape, outputs, x);
  case LAT_P_CATEGORICAL:
    return lat_nn_categorical_nll(tape, outputs, x, l->levels);
  default:
    return lat_nn_gaussian_nll(tape, means(tape, l, outputs),
                               log_variance(tape, l, outputs, constant), x);
  }
}

/* x as indicators of its levels: B x (D levels) */
static lat_value one_hot(lat_tape *tape, const lat_likelihood *l, lat_value x)
{
  lat_matrix X = lat_tape_value(tape, x);
  lat_value indicators = lat_nn_fill(tape, X.rows, l->D * l->levels, 0);
  lat_matrix to = lat_tape_value(tape, indicators);
  if (!to.data) return indicators;
  for (size_t i = 0; i < X.rows; i++)
    for (size_t d = 0; d < l->D; d++) lat_set(&to, i, d * l->levels + (size_t)lat_get(&X, i, d), 1);
  return indicators;
}

/* The sum over groups of log sum exp: K x 1. The loss of label 0, plus the first logits. */
static lat_value group_norms(lat_tape *tape, const lat_likelihood *l, lat_value outputs, size_t K)
{
  lat_value zero = lat_nn_fill(tape, K, l->D, 0);
  lat_value first = lat_nn_fill(tape, l->D * l->levels, 1, 0);
  lat_matrix select = lat_tape_value(tape, first);
  for (size_t d = 0; select.data && d < l->D; d++) lat_set(&select, d * l->levels, 0, 1);
  return lat_nn_add(tape, lat_nn_categorical_nll(tape, outputs, zero, l->levels),
                    lat_nn_product(tape, outputs, first, false, false));
}

/* x' w - sum of x-free terms, for the families that are linear in x (or in its indicators). */
static lat_value linear_pairs(lat_tape *tape, const lat_likelihood *l, lat_value outputs,
                              lat_value x, size_t K)
{
  lat_value norms;
  if (l->kind == LAT_P_CATEGORICAL) {
    norms = group_norms(tape, l, outputs, K);
    x = one_hot(tape, l, x);
  } else {
    lat_value zero = lat_nn_fill(tape, K, l->D, 0);
    norms = l->kind == LAT_P_BERNOULLI ? lat_nn_bernoulli_nll(tape, outputs, zero)
                                       : lat_nn_continuous_bernoulli_nll(tape, outputs, zero);
  }
  return lat_nn_subtract(tape, lat_nn_product(tape, x, outputs, false, true),
                         lat_nn_transpose(tape, norms));
}

/* -1/2 (x^2 w - 2 x (m w) + sum (m^2 w + v + log 2 pi)), w = exp(-v), summed over the columns. */
static lat_value gaussian_pairs(lat_tape *tape, const lat_likelihood *l, lat_value outputs,
                                lat_value x, size_t K, bool constant)
{
  lat_value m = means(tape, l, outputs), v = log_variance(tape, l, outputs, constant);
  if (l->variance != LAT_VARIANCE_PIXEL) /* of K x D, as below */
    v = lat_nn_add(tape, lat_nn_fill(tape, K, l->D, 0), v);
  lat_value w = lat_nn_exp(tape, lat_nn_affine(tape, v, -1, 0));
  lat_value mw = lat_nn_multiply(tape, m, w);
  lat_value own = lat_nn_affine(
      tape, lat_nn_sum(tape, lat_nn_add(tape, lat_nn_multiply(tape, m, mw), v), LAT_NN_ACROSS), 1,
      (double)l->D * LAT_LOG_2PI);
  lat_value squares = lat_nn_product(tape, lat_nn_square(tape, x), w, false, true);
  lat_value cross = lat_nn_affine(tape, lat_nn_product(tape, x, mw, false, true), -2, 0);
  lat_value sum = lat_nn_add(tape, lat_nn_add(tape, squares, cross), lat_nn_transpose(tape, own));
  return lat_nn_affine(tape, sum, -0.5, 0);
}

lat_value lat_likelihood_pairs(lat_tape *tape, const lat_likelihood *l, lat_value outputs,
                               lat_value x, bool constant)
{
  size_t K = lat_tape_value(tape, outputs).rows;
  return l->kind == LAT_P_GAUSSIAN ? gaussian_pairs(tape, l, outputs, x, K, constant)
                                   : linear_pairs(tape, l, outputs, x, K);
}

/* ---- checks of x -------------------------------------------------------------------------- */

typedef struct count {
  size_t infinite, outside, grey, broken; /* NaN counts as the first two and the last */
} count;

/* How many of n numbers aren't finite, are outside of [0, most], inside of it, and not whole. */
#define COUNT(NAME, TYPE)                                                                          \
  LAT_CLONES static count NAME(size_t n, const TYPE *x, TYPE most)                                 \
  {                                                                                                \
    size_t infinite = 0, outside = 0, grey = 0, broken = 0;                                        \
    for (size_t i = 0; i < n; i++) {                                                               \
      infinite += !(x[i] - x[i] == 0);                                                             \
      outside += !(x[i] >= 0 && x[i] <= most);                                                     \
      grey += x[i] > 0 && x[i] < most;                                                             \
      TYPE whole = x[i] >= 0 && x[i] < (TYPE)16777216 ? (TYPE)(int)x[i] : 0;                       \
      broken += whole != x[i];                                                                     \
    }                                                                                              \
    return (count){infinite, outside, grey, broken};                                               \
  }
COUNT(count_wide, double)
COUNT(count_narrow, float)

static bool fits(const lat_likelihood *l, double x)
{
  if (l->kind == LAT_P_GAUSSIAN) return isfinite(x);
  if (l->kind == LAT_P_CATEGORICAL) return x >= 0 && x < (double)l->levels && x == floor(x);
  return x >= 0 && x <= 1;
}

/* LAT_INVALID with row, column, value and remedy of the first value that isn't allowed. */
static lat_status fail_at_first(lat_workspace *work, const lat_likelihood *l, const lat_matrix *X,
                                size_t first)
{
  size_t i = 0, j = 0;
  while (i < X->rows && fits(l, lat_get(X, i, j)))
    if (++j == X->cols) i++, j = 0;
  if (i == X->rows) return LAT_OK;
  double x = lat_get(X, i, j);
  char number[32];
  snprintf(number, sizeof number, x == x ? "%g" : "nan", x);
  if (!isfinite(x))
    return lat_fail(work, LAT_INVALID,
                    isinf(x) && X->dtype == LAT_FLOAT32
                        ? "X(%zu,%zu) is %s; data are finite numbers, in float32 below 3.4e38"
                        : "X(%zu,%zu) is %s; data are finite numbers",
                    first + i + 1, j + 1, number);
  if (l->kind == LAT_P_CATEGORICAL)
    return lat_fail(work, LAT_INVALID,
                    "X(%zu,%zu) is %s: likelihood = \"categorical\" with levels = %zu takes whole "
                    "numbers from 0 to %zu (\"gaussian\" takes any)",
                    first + i + 1, j + 1, number, l->levels, l->levels - 1);
  return lat_fail(work, LAT_INVALID,
                  "X(%zu,%zu) is %s: likelihood = \"%s\" takes 0 to 1; scale the data, or take "
                  "\"gaussian\" (any numbers) or \"categorical\" (whole numbers from 0)",
                  first + i + 1, j + 1, number, lat_likelihood_names[l->kind]);
}

lat_status lat_likelihood_check(lat_workspace *work, const lat_likelihood *l, const lat_matrix *X,
                                size_t first, bool *grey)
{
  size_t n = X->rows * X->cols;
  double most = l->kind == LAT_P_CATEGORICAL ? (double)l->levels - 1 : 1;
  count c = X->dtype == LAT_FLOAT64 ? count_wide(n, X->data, most)
                                    : count_narrow(n, X->data, (float)most);
  if (l->kind == LAT_P_BERNOULLI && c.grey) *grey = true;
  bool wrong = c.infinite || (l->kind != LAT_P_GAUSSIAN && c.outside) ||
               (l->kind == LAT_P_CATEGORICAL && c.broken);
  return wrong ? fail_at_first(work, l, X, first) : LAT_OK;
}

lat_status lat_likelihood_check_all(lat_workspace *work, const lat_likelihood *l,
                                    const lat_matrix *X, double scale, lat_dtype dtype, bool *grey)
{
  size_t band = 1 + LAT_CHECK_BAND / X->cols;
  if (band > X->rows) band = X->rows;
  LAT_SCOPE(work);
  lat_matrix packed = {NULL, 0, X->cols, (ptrdiff_t)X->cols, 1, dtype};
  packed.data = lat_allocate(work, band * X->cols, lat_dtype_size(dtype));
  if (!packed.data) return LAT_MEMORY;
  for (size_t i = 0; i < X->rows; i += band) {
    packed.rows = X->rows - i < band ? X->rows - i : band;
    lat_matrix rows = lat_block_of(*X, i, 0, packed.rows, X->cols);
    lat_copy(&rows, &packed);
    for (size_t k = 0; scale != 1 && k < packed.rows * X->cols; k++) /* as batches have it */
      lat_set(&packed, k / X->cols, k % X->cols, scale * lat_get(&rows, k / X->cols, k % X->cols));
    LAT_TRY(lat_likelihood_check(work, l, &packed, i, grey));
  }
  return LAT_OK;
}

/* ---- means and draws ------------------------------------------------------------------------ */

static double logistic(double x)
{
  return 1 / (1 + exp(-x));
}

/* The mean of the density proportional to exp(l x) on [0, 1], and its variance. */
static double continuous_mean(double l)
{
  if (fabs(l) < 1e-2) return 0.5 + l / 12 - l * l * l / 720;
  return l > 0 ? 1 / (1 - exp(-l)) - 1 / l : exp(l) / (exp(l) - 1) - 1 / l;
}

static double continuous_variance(double l)
{
  if (fabs(l) < 1e-1) return 1.0 / 12 - l * l / 240 + l * l * l * l / 6048;
  double e = exp(-fabs(l));
  return 1 / (l * l) - e / ((1 - e) * (1 - e));
}

typedef struct softmax {
  double largest, sum, first,
      second; /* sums of exp(logit - largest), times the level, its square */
} softmax;

static softmax levels_of(const lat_likelihood *l, const lat_matrix *outputs, size_t i, size_t d)
{
  softmax s = {.largest = -INFINITY};
  size_t at = d * l->levels;
  for (size_t c = 0; c < l->levels; c++) s.largest = fmax(s.largest, lat_get(outputs, i, at + c));
  for (size_t c = 0; c < l->levels; c++) {
    double e = exp(lat_get(outputs, i, at + c) - s.largest), level = (double)c;
    s.sum += e;
    s.first += level * e;
    s.second += level * level * e;
  }
  return s;
}

static double variance_of(const lat_likelihood *l, const lat_matrix *outputs, size_t i, size_t d)
{
  if (l->variance == LAT_VARIANCE_FIXED) return l->sigma * l->sigma;
  if (l->variance == LAT_VARIANCE_PIXEL) return exp(bounded(l, lat_get(outputs, i, l->D + d)));
  lat_matrix v = lat_store_view(l->store, l->store->values, l->parameter);
  return exp(bounded(l, lat_get(&v, 0, l->variance == LAT_VARIANCE_GLOBAL ? 0 : d)));
}

static void moments(const lat_likelihood *l, const lat_matrix *outputs, size_t i, size_t d,
                    double *mean, double *variance)
{
  double a = l->kind == LAT_P_CATEGORICAL ? 0 : lat_get(outputs, i, d);
  softmax s;
  switch (l->kind) {
  case LAT_P_BERNOULLI:
    *mean = logistic(a);
    *variance = *mean * (1 - *mean);
    break;
  case LAT_P_CONTINUOUS_BERNOULLI:
    *mean = continuous_mean(a);
    *variance = continuous_variance(a);
    break;
  case LAT_P_CATEGORICAL:
    s = levels_of(l, outputs, i, d);
    *mean = s.first / s.sum;
    *variance = fmax(0, s.second / s.sum - *mean * *mean);
    break;
  default:
    *mean = a;
    *variance = variance_of(l, outputs, i, d);
  }
}

void lat_likelihood_mean(const lat_likelihood *l, const lat_matrix *outputs, const lat_matrix *mean,
                         const lat_matrix *variance)
{
  for (size_t i = 0; i < outputs->rows; i++)
    for (size_t d = 0; d < l->D; d++) {
      double m, v;
      moments(l, outputs, i, d, &m, &v);
      if (mean) lat_set(mean, i, d, m);
      if (variance) lat_set(variance, i, d, v);
    }
}

static double draw_level(const lat_likelihood *l, const lat_matrix *outputs, size_t i, size_t d,
                         double u)
{
  softmax s = levels_of(l, outputs, i, d);
  for (size_t c = 0; c < l->levels; c++) {
    u -= exp(lat_get(outputs, i, d * l->levels + c) - s.largest) / s.sum;
    if (u < 0) return (double)c;
  }
  return (double)l->levels - 1;
}

static double draw(const lat_likelihood *l, const lat_matrix *outputs, size_t i, size_t d,
                   lat_random *random)
{
  if (l->kind == LAT_P_GAUSSIAN)
    return lat_get(outputs, i, d) + sqrt(variance_of(l, outputs, i, d)) * lat_random_normal(random);
  double u = lat_random_uniform(random), a;
  if (l->kind == LAT_P_CATEGORICAL) return draw_level(l, outputs, i, d, u);
  a = lat_get(outputs, i, d);
  if (l->kind == LAT_P_BERNOULLI) return u < logistic(a);
  if (fabs(a) < 1e-6) return u;
  /* the distribution function's inverse, from the side where exp doesn't overflow */
  return a > 0 ? 1 + log(u + (1 - u) * exp(-a)) / a : log1p(u * (exp(a) - 1)) / a;
}

void lat_likelihood_sample(const lat_likelihood *l, const lat_matrix *outputs, lat_random *random,
                           const lat_matrix *X)
{
  for (size_t i = 0; i < outputs->rows; i++)
    for (size_t d = 0; d < l->D; d++) lat_set(X, i, d, draw(l, outputs, i, d, random));
}
