/* ica.c: a fit of independent component analysis (ica.h): whitening, the search for the unmixing
 * matrix by the algorithm of the options, a last pass for the kurtosis of the sources, and their
 * order and signs. An iteration is one pass or a few over the rows, opened, added to and closed;
 * closing hands the means to the algorithm, which sets fit->R for the next pass. */
#include "projection/ica.h"

#include <cblas.h>
#include <math.h>
#include <string.h>

#include "matrix/linear/solve.h"
#include "matrix/linear/svd.h"
#include "projection/ica_internal.h"

bool lat_ica_identifiable(const double *kurtosis, size_t M, double N)
{
  size_t gaussian = 0;
  for (size_t i = 0; i < M; i++) {
    double z = 3 * log1p(kurtosis[i] / 3) / sqrt(24 / N);
    double least = sqrt(2 * (double)M) + (z > 0 ? 3 : 1);
    if (!(fabs(z) > least)) gaussian++;
  }
  return gaussian <= 1;
}

/* ---- the search ---------------------------------------------------------------------------- */

static lat_status matrix_from_init(lat_ica_search *fit)
{
  size_t M = fit->M, D = fit->D;
  const lat_matrix *init = fit->options->init;
  if (init->rows != M || init->cols != D)
    return lat_fail(fit->work, LAT_SHAPE,
                    "init is %zu x %zu; the unmixing matrix of %zu sources and %zu columns is "
                    "%zu x %zu",
                    init->rows, init->cols, M, D, M, D);
  LAT_TRY(lat_check_finite(fit->work, "init", init, false));
  lat_matrix U;
  LAT_TRY(lat_packed(fit->work, *init, &U));
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (blasint)M, (blasint)M, (blasint)D, 1,
              U.data, (blasint)D, fit->back, (blasint)M, 0, fit->W, (blasint)M);
  return LAT_OK;
}

/* The first matrix: a rotation, or for maximum likelihood `init` itself. */
static lat_status first_matrix(lat_ica_search *fit)
{
  size_t M = fit->M;
  fit->W = lat_doubles(fit->work, M * M);
  if (!fit->W) return LAT_MEMORY;
  if (fit->options->init) {
    LAT_TRY(matrix_from_init(fit));
    if (fit->algorithm == LAT_ICA_MAXIMUM_LIKELIHOOD) return LAT_OK;
  } else {
    lat_random random = {.seed = fit->options->seed};
    lat_random_fill_normal(NULL, &random, M * M, fit->W);
  }
  return lat_ica_orthogonalize(fit->work, fit->W, M);
}

/* AUTO begins with the fixed point, and maximum likelihood without `init` with AUTO. */
static void choose_algorithm(lat_ica_search *fit)
{
  const lat_ica_options *options = fit->options;
  lat_ica_algorithm asked = (lat_ica_algorithm)options->algorithm;
  fit->starting = asked == LAT_ICA_MAXIMUM_LIKELIHOOD && !options->init;
  fit->algorithm = asked == LAT_ICA_AUTO || fit->starting ? LAT_ICA_FIXED_POINT : asked;
}

static lat_status begin_search(lat_ica_search *fit)
{
  choose_algorithm(fit);
  LAT_TRY(lat_ica_rough_begin(fit));
  LAT_TRY(first_matrix(fit));
  fit->done = fit->options->max_iterations == 0;
  switch (fit->algorithm) {
  case LAT_ICA_DEFLATION:
    return lat_ica_deflation_begin(fit);
  case LAT_ICA_QUASI_NEWTON:
    return lat_ica_newton_begin(fit);
  case LAT_ICA_MAXIMUM_LIKELIHOOD:
    return lat_ica_likelihood_begin(fit);
  default:
    return lat_ica_fixed_point_begin(fit);
  }
}

lat_status lat_ica_begin(lat_ica_search *fit, lat_workspace *work, const lat_matrix *X,
                         const double *weights, const lat_ica_options *options)
{
  LAT_BLAS_SECTION;
  *fit =
      (lat_ica_search){.work = work, .options = options, .D = X->cols, .X = *X, .weights = weights};
  LAT_TRY(lat_ica_find_axes(fit, NULL));
  for (size_t i = 0; i < X->rows; i++) fit->weight += weights ? weights[i] : 1;
  LAT_TRY(lat_ica_whiten_all(fit));
  return begin_search(fit);
}

lat_status lat_ica_begin_pieces(lat_ica_search *fit, lat_workspace *work,
                                const lat_moments *moments, const lat_ica_options *options)
{
  LAT_BLAS_SECTION;
  *fit = (lat_ica_search){
      .work = work, .options = options, .D = moments->dimensions, .weight = *moments->weight};
  LAT_TRY(lat_ica_find_axes(fit, moments));
  return begin_search(fit);
}

/* ---- a pass over all rows -------------------------------------------------------------------- */

/* The rows of W in the order of the lengths of A's columns, descending. */
static void sort_descending(const double *lengths, size_t M, size_t *order)
{
  for (size_t i = 0; i < M; i++) {
    size_t at = i;
    for (; at > 0 && lengths[order[at - 1]] < lengths[i]; at--) order[at] = order[at - 1];
    order[at] = i;
  }
}

/* inverse := W^-1, which for a rotation is its transpose. */
static lat_status invert(const lat_ica_search *fit, double *W, double *inverse)
{
  size_t M = fit->M;
  lat_matrix from = lat_matrix_of(W, M, M), to = lat_matrix_of(inverse, M, M);
  double rcond;
  if (fit->algorithm == LAT_ICA_MAXIMUM_LIKELIHOOD)
    return lat_inverse(fit->work, &from, &to, &rcond);
  from = lat_transpose(from);
  lat_copy(&from, &to);
  return LAT_OK;
}

/* The rows of W as it stands, in order: by the deviations of what the sources make, the lengths of
 * the columns of A = back inv(W), times the sources' own. */
static lat_status order_rows(lat_ica_search *fit)
{
  size_t D = fit->D, M = fit->M;
  LAT_SCOPE(fit->work);
  double *lengths = lat_doubles(fit->work, M), *A = lat_doubles(fit->work, D * M);
  double *W = lat_doubles(fit->work, M * M), *inverse = lat_doubles(fit->work, M * M);
  if (!lengths || !A || !W || !inverse) return LAT_MEMORY;
  bool likelihood = fit->algorithm == LAT_ICA_MAXIMUM_LIKELIHOOD;
  memcpy(W, fit->W, M * M * sizeof *W);
  if (fit->algorithm == LAT_ICA_DEFLATION) lat_ica_deflation_complete(fit, W);
  if (likelihood) lat_ica_likelihood_scale(fit, W);
  LAT_TRY(invert(fit, W, inverse));
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (blasint)D, (blasint)M, (blasint)M, 1,
              fit->back, (blasint)M, inverse, (blasint)M, 0, A, (blasint)M);
  for (size_t i = 0; i < M; i++) {
    lengths[i] = cblas_dnrm2((blasint)D, A + i, (blasint)M);
    if (likelihood) lengths[i] *= cblas_dnrm2((blasint)M, W + i * M, 1);
  }
  sort_descending(lengths, M, fit->order);
  for (size_t i = 0; i < M; i++) memcpy(fit->ordered + i * M, W + fit->order[i] * M, M * sizeof *W);
  return LAT_OK;
}

lat_status lat_ica_open(lat_ica_search *fit, bool conclude)
{
  LAT_BLAS_SECTION;
  size_t M = fit->M;
  if (fit->concluding) { /* the search goes on where it was */
    fit->R = fit->next_R;
    fit->k = fit->next_k;
    fit->each = fit->next_each;
  }
  fit->concluding = conclude;
  fit->contrast = conclude ? LAT_ICA_CUBE : (lat_ica_contrast)fit->options->contrast;
  if (conclude) {
    LAT_TRY(order_rows(fit));
    fit->next_R = fit->R;
    fit->next_k = fit->k;
    fit->next_each = fit->each;
    fit->each = NULL;
    fit->R = fit->ordered;
    fit->k = M;
  }
  fit->total = 0;
  fit->sum.count = lat_ica_means_count(fit->k, M);
  lat_sum_clear(&fit->sum);
  return LAT_OK;
}

static lat_status update(lat_ica_search *fit)
{
  switch (fit->algorithm) {
  case LAT_ICA_DEFLATION:
    return lat_ica_deflation_update(fit);
  case LAT_ICA_QUASI_NEWTON:
    return lat_ica_newton_update(fit);
  case LAT_ICA_MAXIMUM_LIKELIHOOD:
    return lat_ica_likelihood_update(fit);
  default:
    return lat_ica_fixed_point_update(fit);
  }
}

lat_status lat_ica_close(lat_ica_search *fit)
{
  LAT_BLAS_SECTION;
  if (fit->share) fit->total = fit->weight; /* of all ranks */
  if (!(fit->total > 0)) return lat_fail(fit->work, LAT_INVALID, "all weights are 0");
  LAT_TRY(lat_share_total(fit->share, fit->work, &fit->sum, fit->sums));
  cblas_dscal((blasint)lat_ica_means_count(fit->k, fit->M), 1 / fit->total, fit->sums, 1);
  if (fit->concluding) return LAT_OK;
  LAT_TRY(update(fit));
  if (!fit->starting || !fit->done) return LAT_OK;
  fit->starting = fit->done = fit->converged = false; /* the search begins */
  fit->iterations = 0;
  fit->algorithm = LAT_ICA_MAXIMUM_LIKELIHOOD;
  return lat_ica_likelihood_begin(fit);
}

static lat_status pass_in_memory(lat_ica_search *fit, bool conclude)
{
  LAT_TRY(lat_ica_open(fit, conclude));
  LAT_TRY(lat_ica_add(fit, &fit->X, fit->weights));
  return lat_ica_close(fit);
}

lat_status lat_ica_step(lat_ica_search *fit)
{
  LAT_BLAS_SECTION;
  size_t before = fit->iterations;
  while (!fit->done && fit->iterations == before) LAT_TRY(pass_in_memory(fit, false));
  return LAT_OK;
}

/* ---- the result ------------------------------------------------------------------------------ */

/* The excess kurtosis of each source, and which density it has. */
static void write_shapes(const lat_ica_search *fit, const lat_ica_parts *ica)
{
  lat_ica_means means = lat_ica_pass_means(fit);
  bool likelihood = fit->algorithm == LAT_ICA_MAXIMUM_LIKELIHOOD;
  for (size_t i = 0; i < fit->M; i++) {
    double square = likelihood ? means.slope[i] / 3 : 1;
    ica->kurtosis[i] = 4 * means.value[i] / (square * square) - 3;
    ica->flat[i] = likelihood ? lat_ica_likelihood_flat(fit)[fit->order[i]] : ica->kurtosis[i] < 0;
  }
}

lat_status lat_ica_write(lat_ica_search *fit, double *flat)
{
  LAT_BLAS_SECTION;
  size_t D = fit->D, M = fit->M;
  lat_ica_parts ica = lat_ica_parts_of(flat, D, M);
  LAT_SCOPE(fit->work);
  double *inverse = lat_doubles(fit->work, M * M);
  if (!inverse) return LAT_MEMORY;
  write_shapes(fit, &ica);
  memcpy(ica.mean, fit->mean, D * sizeof *flat);
  LAT_TRY(invert(fit, fit->ordered, inverse));
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (blasint)D, (blasint)M, (blasint)M, 1,
              fit->back, (blasint)M, inverse, (blasint)M, 0, ica.mixing, (blasint)M);
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (blasint)M, (blasint)D, (blasint)M, 1,
              fit->ordered, (blasint)M, fit->into, (blasint)D, 0, ica.unmixing, (blasint)D);
  lat_matrix mixing = lat_matrix_of(ica.mixing, D, M);
  lat_matrix unmixing = lat_transpose(lat_matrix_of(ica.unmixing, M, D));
  lat_fix_signs(&mixing, &unmixing);
  return LAT_OK;
}

lat_status lat_ica_end(lat_ica_search *fit, double *flat)
{
  LAT_BLAS_SECTION;
  LAT_SCOPE(fit->work);
  LAT_TRY(pass_in_memory(fit, true));
  return lat_ica_write(fit, flat);
}

lat_ica_report lat_ica_report_of(const lat_ica_search *fit, const lat_ica *ica)
{
  return (lat_ica_report){.algorithm = fit->algorithm,
                          .iterations = fit->starting ? 0 : fit->iterations,
                          .objective = fit->objective,
                          .gradient = fit->gradient,
                          .change = fit->change,
                          .converged = fit->converged,
                          .identifiable = lat_ica_identifiable(ica->kurtosis, fit->M, fit->weight)};
}
