/* functions.c: the table of linear algebra's functions: factorizations, inverses, numbers of a
 * matrix, covariances of its rows (matrix/functions.h). */
#include "matrix/functions.h"

#include <math.h>

#include "matrix/linear/solve.h"
#include "matrix/linear/svd.h"
#include "matrix/moments.h"

static double tolerance_of(const lat_function_call *c)
{
  return isnan(c->tolerance) ? lat_rank_tolerance(c->A) : c->tolerance;
}

static lat_status least_squares(lat_workspace *work, lat_function_call *c)
{
  size_t rank;
  LAT_TRY(
      lat_least_squares(work, c->A, c->B, tolerance_of(c), &c->results[0], &rank, &c->numbers[1]));
  c->numbers[0] = (double)rank;
  return LAT_OK;
}

static lat_status cholesky(lat_workspace *work, lat_function_call *c)
{
  return lat_cholesky(work, c->A, &c->results[0]);
}

static lat_status qr(lat_workspace *work, lat_function_call *c)
{
  return lat_qr(work, c->A, &c->results[0], &c->results[1]);
}

static lat_status svd(lat_workspace *work, lat_function_call *c)
{
  return lat_svd(work, c->A, &c->results[0], c->results[1], &c->results[2]);
}

static lat_status inverse(lat_workspace *work, lat_function_call *c)
{
  return lat_inverse(work, c->A, &c->results[0], &c->numbers[0]);
}

static lat_status pinv(lat_workspace *work, lat_function_call *c)
{
  return lat_pinv(work, c->A, tolerance_of(c), &c->results[0]);
}

static lat_status det(lat_workspace *work, lat_function_call *c)
{
  return lat_det(work, c->A, &c->numbers[0]);
}

static lat_status logdet(lat_workspace *work, lat_function_call *c)
{
  return lat_logdet(work, c->A, &c->numbers[0], &c->numbers[1]);
}

static lat_status trace(lat_workspace *work, lat_function_call *c)
{
  return lat_trace(work, c->A, &c->numbers[0]);
}

static lat_status norm(lat_workspace *work, lat_function_call *c)
{
  return lat_norm(work, c->A, c->norm, &c->numbers[0]);
}

static lat_status rank(lat_workspace *work, lat_function_call *c)
{
  size_t found;
  LAT_TRY(lat_rank(work, c->A, tolerance_of(c), &found));
  c->numbers[0] = (double)found;
  return LAT_OK;
}

static lat_status covariance(lat_workspace *work, lat_function_call *c)
{
  return lat_row_covariance(work, c->A, c->correction, &c->results[0]);
}

static lat_status correlation(lat_workspace *work, lat_function_call *c)
{
  return lat_row_correlation(work, c->A, &c->results[0]);
}

static const lat_option of_covariance[] = {
    LAT_OPTION_NUMBER(lat_function_call, correction, 0, 0, LAT_MOST_NUMBER), {.name = NULL}};
static const lat_option of_least_squares[] = {
    LAT_OPTION_NUMBER_OR_NONE(lat_function_call, tolerance, 0, 1), {.name = NULL}};

const lat_function lat_linear_functions[] = {
    {"A:least_squares", "AB", "dm % #", .options = of_least_squares, .call = least_squares},
    {"A:cholesky", "A", "nd", .call = cholesky},
    {"A:qr", "A", "nk kd", .call = qr},
    {"A:svd", "A", "nk k dk", .call = svd},
    {"A:inverse", "A", "dn #", .call = inverse},
    {"A:pinv", "At", "dn", .call = pinv},
    {"A:det", "A", "#", .call = det},
    {"A:logdet", "A", "# %", .call = logdet},
    {"A:trace", "A", "#", .call = trace},
    {"A:norm", "An", "#", .call = norm},
    {"A:rank", "At", "%", .call = rank},
    {"A:covariance", "A", "dd", .wide = true, .options = of_covariance, .call = covariance},
    {"A:correlation", "A", "dd", .wide = true, .call = correlation},
    {.name = NULL}};
