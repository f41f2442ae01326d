/* bpca_closed.c: the greatest bound of Bayesian PCA by the eigenvalues of the covariance (bpca.h).
 *
 * With x = lambda / s2 each column that is on adds gain(y) to 2 bound/N, y being a root of a
 * quadratic equation; what is left to find is s2, in intervals with one maximum each.
 *
 * Storage: principal components and what they need lie in the workspace and are released. */
#include <math.h>

#include "base/special.h"
#include "em/factor/context.h"
#include "projection/pca.h"

lat_bpca_view lat_bpca_view_of(const double *flat, size_t D, size_t M)
{
  double *mean = (double *)flat, *s2 = mean + D + D * M;
  return (lat_bpca_view){D, M, mean, mean + D, s2, s2 + 1, s2 + 1 + M};
}

size_t lat_bpca_count_on(const double *W, size_t D, size_t M)
{
  for (size_t i = 0; i < M; i++) {
    bool off = true;
    for (size_t j = 0; off && j < D; j++) off = W[j * M + i] == 0;
    if (off) return i;
  }
  return M;
}

void lat_bpca_switch_off(const lat_bpca_view *b, size_t i, double weight)
{
  double alpha = 1e12 * weight / *b->noise_variance;
  for (size_t j = 0; j < b->D; j++) b->W[j * b->M + i] = 0;
  for (size_t k = 0; k < b->M; k++)
    b->W_covariance[i * b->M + k] = b->W_covariance[k * b->M + i] = 0;
  b->alpha[i] = alpha;
  b->W_covariance[i * b->M + i] = 1 / alpha;
}

lat_status lat_bpca_no_noise(lat_workspace *work, size_t M)
{
  return lat_fail(
      work, LAT_SINGULAR,
      "the data has no variance outside of %zu dimensions (rows too few, or constant or "
      "collinear columns), so noise_variance is 0 and the evidence unbounded; take a "
      "smaller latent_dim, or a PCA",
      M);
}

lat_status lat_bpca_check_dimensions(lat_workspace *work, size_t D, size_t M)
{
  if (M < D) return LAT_OK;
  return lat_fail(work, LAT_INVALID,
                  "latent_dim is %zu and X has %zu columns; Bayesian PCA needs fewer latent "
                  "dimensions than columns",
                  M, D);
}

/* ---- one column ------------------------------------------------------------------------------ */

/* y of x = lambda/s2, and what a column of that y adds to 2 bound/N. Below x = (1 + sqrt(a))^2
 * there is no root: y is 0. */
static double root_of(double x, double a)
{
  double t = x - 1 - a, square = t * t - 4 * a;
  return t > 0 && square >= 0 ? 0.5 * (t + sqrt(square)) : 0;
}

static double gain_of(double y, double a)
{
  return y - log1p(y) - a * log1p(y / a);
}

/* The x from which on the gain is above 0. It grows with y >= sqrt(a), is below 0 there, and above
 * at 4 (1 + a). */
static double threshold(double a)
{
  double low = sqrt(a), high = 4 * (1 + a);
  for (int i = 0; i < 200 && low < high; i++) {
    double middle = 0.5 * (low + high);
    if (middle <= low || middle >= high) break;
    *(gain_of(middle, a) > 0 ? &high : &low) = middle;
  }
  return (1 + high) * (high + a) / high;
}

/* ---- the noise variance ---------------------------------------------------------------------- */

typedef struct spectrum {
  const double *lambda; /* descending */
  double total, D, a;
} spectrum;

/* 2 bound/N without its constant, with the first `on` columns on. */
static double bound(const spectrum *s, size_t on, double s2)
{
  double sum = -s->D * log(s2) - s->total / s2;
  for (size_t i = 0; i < on; i++) sum += gain_of(root_of(s->lambda[i] / s2, s->a), s->a);
  return sum;
}

/* Its first derivative by log s2, total/s2 - D - sum of y, and the second, which grows with s2. */
static double slope(const spectrum *s, size_t on, double s2)
{
  double sum = s->total / s2 - s->D;
  for (size_t i = 0; i < on; i++) sum -= root_of(s->lambda[i] / s2, s->a);
  return sum;
}

static double curvature(const spectrum *s, size_t on, double s2)
{
  double sum = -s->total / s2;
  for (size_t i = 0; i < on; i++) {
    double x = s->lambda[i] / s2, y = root_of(x, s->a), below = y * y - s->a;
    sum += below > 0 ? x * y * y / below : INFINITY;
  }
  return sum;
}

/* Where f, above 0 at low, is no more. */
static double zero_of(const spectrum *s, size_t on, double low, double high, double sign,
                      double (*f)(const spectrum *, size_t, double))
{
  for (int i = 0; i < 200; i++) {
    double middle = sqrt(low) * sqrt(high);
    if (middle <= low || middle >= high) break;
    *(sign * f(s, on, middle) > 0 ? &low : &high) = middle;
  }
  return high;
}

/* With i columns on s2 is between lambda_{i+1} and lambda_i over the threshold, where the bound has
 * at most one maximum: first it bends down, then up. */
lat_bpca_optimum lat_bpca_best(const double *lambda, size_t M, double total, size_t D,
                               double weight, double floor)
{
  spectrum s = {lambda, total, (double)D, (double)D / weight};
  double edge = threshold(s.a), high = 2 * total / s.D;
  lat_bpca_optimum best = {floor, bound(&s, M, floor), M};
  for (size_t on = 0; on <= M; on++) {
    double low = on < M ? lambda[on] / edge : floor, top = high;
    if (low < floor) low = floor;
    if (low >= high) continue;
    high = low;
    if (!(slope(&s, on, low) > 0)) continue;
    if (curvature(&s, on, top) > 0) top = zero_of(&s, on, low, top, -1, curvature);
    if (slope(&s, on, top) > 0) continue;
    double noise = zero_of(&s, on, low, top, 1, slope), value = bound(&s, on, noise);
    if (value > best.bound) best = (lat_bpca_optimum){noise, value, on};
  }
  best.bound = 0.5 * (best.bound - s.D * LAT_LOG_2PI);
  return best;
}

double lat_bpca_eigenvalue(double y, double noise, size_t D, double weight)
{
  return noise * (1 + y) * (y + (double)D / weight) / y;
}

double lat_bpca_switch_on(const lat_bpca_view *b, size_t i, double lambda, double weight)
{
  double D = (double)b->D, noise = *b->noise_variance, a = D / weight;
  double y = root_of(lambda / noise, a);
  for (size_t k = 0; k < b->M; k++)
    b->W_covariance[i * b->M + k] = b->W_covariance[k * b->M + i] = 0;
  b->alpha[i] = D / (noise * y);
  b->W_covariance[i * b->M + i] = noise * y / (weight * (y + a));
  return sqrt(noise * y / (y + a) * y);
}

/* ---- the closed form ------------------------------------------------------------------------- */

static lat_status from_pca(lat_workspace *work, lat_pca pca, double weight, size_t M,
                           double *parameters, double *objective)
{
  size_t D = pca.D, known = pca.M < M ? pca.M : M;
  lat_bpca_view to = lat_bpca_view_of(parameters, D, M);
  double total = *pca.total_variance, offset = 0;
  for (size_t j = 0; j < D; j++) offset = fmax(offset, fabs(pca.mean[j]));
  double floor =
      fmax(LAT_FACTOR_NO_NOISE * total / (double)D, LAT_CONSTANT * offset * LAT_CONSTANT * offset);
  if (!(total / (double)D > floor)) return lat_bpca_no_noise(work, M);
  lat_bpca_optimum best = lat_bpca_best(pca.eigenvalues, known, total, D, weight, floor);
  if (!(best.noise > floor)) return lat_bpca_no_noise(work, known);
  memcpy(to.mean, pca.mean, D * sizeof *to.mean);
  *to.noise_variance = best.noise;
  *objective = best.bound;
  for (size_t i = 0; i < M; i++) {
    lat_bpca_switch_off(&to, i, weight);
    if (i >= best.on) continue;
    double length = lat_bpca_switch_on(&to, i, pca.eigenvalues[i], weight);
    for (size_t j = 0; j < D; j++) to.W[j * M + i] = length * pca.components[j * pca.M + i];
  }
  return LAT_OK;
}

/* As many directions as are asked for, and as N rows can have. */
static lat_pca_options pca_options(size_t rows, size_t M)
{
  size_t most = rows > 1 && rows - 1 < M ? rows - 1 : M;
  return (lat_pca_options){.latent_dim = most ? most : 1, .tolerance = 1e-10};
}

lat_status lat_bpca_closed_form(lat_workspace *work, const lat_matrix *X, const double *weights,
                                size_t M, double *parameters, double *objective)
{
  LAT_TRY(lat_bpca_check_dimensions(work, X->cols, M));
  LAT_SCOPE(work);
  lat_pca_options options = pca_options(X->rows, M);
  lat_pca_report record;
  double *flat;
  size_t found;
  LAT_TRY(lat_pca_fit_rows(work, X, weights, &options, &flat, &found, &record));
  LAT_TRY(from_pca(work, lat_pca_view(flat, X->cols, found), lat_factor_weight(X, weights), M,
                   parameters, objective));
  return LAT_OK;
}

lat_status lat_bpca_from_moments(lat_workspace *work, const lat_moments *moments, size_t M,
                                 double *parameters, double *objective)
{
  size_t D = moments->dimensions, found;
  LAT_TRY(lat_bpca_check_dimensions(work, D, M));
  LAT_SCOPE(work);
  lat_pca_options options = pca_options(D, M);
  lat_pca_report record;
  double *flat;
  LAT_TRY(lat_pca_from_moments(work, moments, &options, &flat, &found, &record));
  LAT_TRY(from_pca(work, lat_pca_view(flat, D, found), *moments->weight, M, parameters, objective));
  return LAT_OK;
}

/* ---- a start --------------------------------------------------------------------------------- */

/* X without gaps, these filled with the columns' means, which become the shift. */
static lat_status fill_gaps(lat_workspace *work, const lat_matrix *X, const double *weights,
                            double *shift, lat_matrix *filled)
{
  size_t D = X->cols, count = lat_column_moments_count(D);
  double *memory = lat_doubles(work, count);
  *filled = lat_matrix_new(work, X->rows, D);
  if (!memory || !filled->data) return LAT_MEMORY;
  memset(memory, 0, count * sizeof *memory);
  lat_column_moments m = lat_column_moments_of(memory, D);
  LAT_TRY(lat_column_moments_add(work, &m, X, weights, true));
  for (size_t j = 0; j < D; j++)
    if (!(m.weight[j] > 0)) return lat_factor_wholly_missing(work, j);
  memcpy(shift, m.mean, D * sizeof *shift);
  return lat_copy_filled(work, X, shift, filled);
}

lat_status lat_bpca_start(lat_workspace *work, const lat_matrix *X, const double *weights,
                          bool missing, size_t M, const lat_bpca_context *context,
                          double *parameters)
{
  size_t D = X->cols, found;
  LAT_TRY(lat_bpca_check_dimensions(work, D, M));
  LAT_SCOPE(work);
  lat_matrix filled = *X;
  if (missing) LAT_TRY(fill_gaps(work, X, weights, context->shift, &filled));
  lat_pca_options options = pca_options(X->rows, M);
  lat_pca_report record;
  double *flat, objective, weight = lat_factor_weight(X, weights), spread = 0;
  LAT_TRY(lat_pca_fit_rows(work, &filled, weights, &options, &flat, &found, &record));
  lat_pca pca = lat_pca_view(flat, D, found);
  LAT_TRY(from_pca(work, pca, weight, M, parameters, &objective));
  memcpy(context->shift, pca.mean, D * sizeof *context->shift);
  *context->judging = false;
  lat_bpca_view to = lat_bpca_view_of(parameters, D, M);
  double s2 = *to.noise_variance;
  size_t on = 0;
  for (; on < M && on < found && pca.eigenvalues[on] > LAT_FACTOR_NO_NOISE * *pca.total_variance;
       on++) {
    double square = fmax(pca.eigenvalues[on] - s2, 0.5 * s2);
    for (size_t j = 0; j < D; j++) to.W[j * M + on] = sqrt(square) * pca.components[j * found + on];
    to.W_covariance[on * M + on] = s2 / weight;
    spread += square + (double)D * s2 / weight;
  }
  for (size_t i = 0; i < on; i++) to.alpha[i] = (double)D * (double)on / spread;
  return LAT_OK;
}
