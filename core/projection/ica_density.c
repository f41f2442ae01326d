/* ica_density.c: sources, log-likelihoods and draws of a fitted ICA, and the densities of sources
 * (ica.h).
 *
 * The constants of a density, -log p(s) = c u^2/2 + b G(u) - factor with u = scale s, are integrals
 * in closed form or as series, see ica_internal.h. */
#include <cblas.h>
#include <math.h>
#include <string.h>

#include "base/parallel.h"
#include "base/special.h"
#include "base/vector_math.h"
#include "matrix/linear/factor.h"
#include "matrix/moments.h"
#include "projection/ica_internal.h"

/* ---- the densities of sources ---------------------------------------------------------- */

const lat_ica_density lat_ica_densities[] = {
    [LAT_ICA_SECANT] = {1.5707963267948966, -LAT_LOG_2, LAT_ICA_LOGCOSH, 0, 1},
    [LAT_ICA_BIMODAL] = {1.4142135623730951, -1.0723649429247001, LAT_ICA_LOGCOSH, 1, -1},
    [LAT_ICA_PEAKED] = {0.8377288772009266, -1.838772270221533, LAT_ICA_EXP, 1, 1},
    [LAT_ICA_DIPPED] = {1.1877824429068062, -0.08118054406268495, LAT_ICA_EXP, 1, -1},
    [LAT_ICA_QUARTIC] = {0.8221789586624586, -1.1372461307715234, LAT_ICA_CUBE, 0, 1},
};

lat_ica_shape lat_ica_shape_of(lat_ica_contrast contrast, bool flat)
{
  static const lat_ica_shape shapes[][2] = {
      [LAT_ICA_LOGCOSH] = {LAT_ICA_SECANT, LAT_ICA_BIMODAL},
      [LAT_ICA_EXP] = {LAT_ICA_PEAKED, LAT_ICA_DIPPED},
      [LAT_ICA_CUBE] = {LAT_ICA_SECANT, LAT_ICA_QUARTIC},
  };
  return shapes[contrast][flat];
}

/* e := log cosh u = |u| + log(1 + exp(-2|u|)) - log 2 */
static void log_cosh(size_t n, const double *u, double *e)
{
  for (size_t i = 0; i < n; i++) e[i] = -2 * fabs(u[i]);
  lat_exp(n, e, e);
  for (size_t i = 0; i < n; i++) e[i] += 1;
  lat_log(n, e, e);
  for (size_t i = 0; i < n; i++) e[i] += fabs(u[i]) - LAT_LOG_2;
}

/* sums[i] += log p(s[i]); s becomes u, and e is scratch. */
static void add_log_density(lat_ica_shape which, size_t n, double *s, double *e, double *sums)
{
  const lat_ica_density *p = &lat_ica_densities[which];
  double quadratic = p->c / 2, tilt = -p->b;
  cblas_dscal((blasint)n, p->scale, s, 1);
  if (p->contrast == LAT_ICA_LOGCOSH) {
    log_cosh(n, s, e);
  } else if (p->contrast == LAT_ICA_CUBE) {
    for (size_t i = 0; i < n; i++) e[i] = 0.25 * (s[i] * s[i]) * (s[i] * s[i]);
  } else {
    for (size_t i = 0; i < n; i++) e[i] = -0.5 * s[i] * s[i];
    lat_exp(n, e, e);
    tilt = p->b; /* G is -exp(-u^2/2) */
  }
  for (size_t i = 0; i < n; i++) sums[i] += p->factor - quadratic * s[i] * s[i] + tilt * e[i];
}

static double draw(lat_ica_shape which, lat_random *random)
{
  double scale = lat_ica_densities[which].scale, u, bound;
  switch (which) {
  case LAT_ICA_SECANT: /* the inverse of its distribution function 2/pi atan(exp(u)) */
    do u = lat_random_uniform(random);
    while (u == 0);
    return log(tan(1.5707963267948966 * u)) / scale;
  case LAT_ICA_BIMODAL:
    u = lat_random_uniform(random) < 0.5 ? -1 : 1;
    return (u + lat_random_normal(random)) / scale;
  case LAT_ICA_QUARTIC: /* u^4/4 has a gamma distribution */
    u = pow(4 * lat_random_gamma(random, 0.25), 0.25);
    return (lat_random_uniform(random) < 0.5 ? -u : u) / scale;
  default: /* normals, accepted with a probability that is proportional to what tilts them */
    do {
      u = lat_random_normal(random);
      double e = exp(-0.5 * u * u);
      bound = which == LAT_ICA_PEAKED ? exp(e - 1) : exp(-e);
    } while (lat_random_uniform(random) >= bound);
    return u / scale;
  }
}

/* ---- maps of rows ------------------------------------------------------------------------ */

static lat_status check_columns(lat_workspace *work, const char *name, const lat_matrix *X,
                                size_t columns, const char *has, const char *what)
{
  if (X->cols != columns)
    return lat_fail(work, LAT_SHAPE, "%s has %zu columns, the model %s %zu%s", name, X->cols, has,
                    columns, what);
  return lat_check_finite(work, name, X, false);
}

/* From rows (with `from` columns, `offset` subtracted before) to rows (`to` columns, `shift`
 * added), by a matrix to x from; or to the logarithms of their densities. */
typedef struct walk {
  const lat_matrix *X, *Y;
  size_t from, to, chunk;
  const double *offset, *map, *shift; /* offset or shift may be NULL */
  double *buffers;
  const lat_ica_shape *shapes; /* of the sources, when densities are wanted: log_det + sum log p */
  double log_det;
} walk;

static void write_densities(const walk *w, const double *mapped, size_t first, size_t n,
                            double *scratch)
{
  double *s = scratch, *e = s + w->chunk, *sums = e + w->chunk;
  for (size_t i = 0; i < n; i++) sums[i] = w->log_det;
  for (size_t j = 0; j < w->to; j++) {
    cblas_dcopy((blasint)n, mapped + j, (blasint)w->to, s, 1);
    add_log_density(w->shapes[j], n, s, e, sums);
  }
  for (size_t i = 0; i < n; i++)
    if (isnan(sums[i])) sums[i] = -INFINITY; /* squares of finite numbers overflow */
  lat_matrix from = lat_vector_of(sums, n), to = lat_block_of(*w->Y, first, 0, n, 1);
  lat_copy(&from, &to);
}

static void walk_chunk(void *context, size_t c, size_t worker)
{
  const walk *w = context;
  size_t first = c * w->chunk, left = w->X->rows - first, n = left < w->chunk ? left : w->chunk;
  double *rows = w->buffers + worker * w->chunk * (w->from + w->to + 3);
  double *mapped = rows + w->chunk * w->from;
  lat_matrix X = lat_block_of(*w->X, first, 0, n, w->from);
  lat_centre(&X, NULL, w->offset, NULL, rows);
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)n, (blasint)w->to, (blasint)w->from,
              1, rows, (blasint)w->from, w->map, (blasint)w->from, 0, mapped, (blasint)w->to);
  if (w->shapes) {
    write_densities(w, mapped, first, n, mapped + w->chunk * w->to);
    return;
  }
  if (w->shift)
    for (size_t i = 0; i < n; i++)
      cblas_daxpy((blasint)w->to, 1, w->shift, 1, mapped + i * w->to, 1);
  lat_matrix from = lat_matrix_of(mapped, n, w->to), to = lat_block_of(*w->Y, first, 0, n, w->to);
  lat_copy(&from, &to);
}

static lat_status run(lat_workspace *work, walk *w)
{
  LAT_SCOPE(work);
  w->chunk = lat_chunk_rows(w->from > w->to ? w->from : w->to);
  if (w->chunk > w->X->rows) w->chunk = w->X->rows;
  size_t chunks = (w->X->rows + w->chunk - 1) / w->chunk;
  w->buffers =
      lat_allocate(work, lat_workers(work), w->chunk * (w->from + w->to + 3) * sizeof(double));
  if (!w->buffers) return LAT_MEMORY;
  LAT_TRY(lat_parallel(work, chunks, walk_chunk, w));
  return LAT_OK;
}

lat_status lat_ica_transform(lat_workspace *work, const lat_ica *ica, const lat_matrix *X,
                             const lat_matrix *S)
{
  LAT_TRY(check_columns(work, "X", X, ica->D, "was fitted on", ""));
  walk w = {
      .X = X, .Y = S, .from = ica->D, .to = ica->M, .offset = ica->mean, .map = ica->unmixing};
  return run(work, &w);
}

lat_status lat_ica_inverse(lat_workspace *work, const lat_ica *ica, const lat_matrix *S,
                           const lat_matrix *X)
{
  LAT_TRY(check_columns(work, "S", S, ica->M, "has", " sources"));
  walk w = {.X = S, .Y = X, .from = ica->M, .to = ica->D, .map = ica->mixing, .shift = ica->mean};
  return run(work, &w);
}

static lat_ica_shape *shapes_of(lat_workspace *work, const lat_ica *ica)
{
  lat_ica_contrast contrast = (lat_ica_contrast)ica->options.contrast;
  lat_ica_shape *shapes = lat_allocate(work, ica->M, sizeof *shapes);
  for (size_t i = 0; shapes && i < ica->M; i++)
    shapes[i] = lat_ica_shape_of(contrast, ica->flat[i] != 0);
  return shapes;
}

lat_status lat_ica_log_likelihood(lat_workspace *work, const lat_ica *ica, const lat_matrix *X,
                                  double *values)
{
  LAT_TRY(check_columns(work, "X", X, ica->D, "was fitted on", ""));
  if (ica->M < ica->D)
    return lat_fail(work, LAT_INVALID,
                    "the model has %zu sources for %zu columns: without noise they fill a subspace "
                    "only, where no density exists",
                    ica->M, ica->D);
  LAT_SCOPE(work);
  double sign;
  lat_matrix Y = lat_vector_of(values, X->rows);
  walk w = {
      .X = X, .Y = &Y, .from = ica->D, .to = ica->M, .offset = ica->mean, .map = ica->unmixing};
  lat_matrix U = lat_matrix_of((double *)ica->unmixing, ica->M, ica->D);
  LAT_TRY(lat_logdet(work, &U, &w.log_det, &sign));
  w.shapes = shapes_of(work, ica);
  if (!w.shapes) return LAT_MEMORY;
  LAT_TRY(run(work, &w));
  return LAT_OK;
}

size_t lat_ica_free_parameters(const lat_ica *ica)
{
  return ica->D + ica->D * ica->M;
}

lat_status lat_ica_sample(lat_workspace *work, const lat_ica *ica, lat_random *random,
                          const lat_matrix *S, const lat_matrix *X)
{
  LAT_SCOPE(work);
  const lat_ica_shape *shapes = shapes_of(work, ica);
  if (!shapes) return LAT_MEMORY;
  for (size_t i = 0; i < S->rows; i++)
    for (size_t j = 0; j < ica->M; j++) lat_set(S, i, j, draw(shapes[j], random));
  LAT_TRY(lat_ica_inverse(work, ica, S, X));
  return LAT_OK;
}
