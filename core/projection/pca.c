/* pca.c: principal components by the covariance, the Gram matrix or a Krylov space (pca.h).
 *
 * Each solver computes eigenvalues of S in descending order and their vectors, D x found; the
 * parameters are then packed into one flat vector. Columns are divided by their deviations when
 * standardized; those whose deviation is rounding noise count as constant. */
#include "projection/pca.h"

#include <cblas.h>
#include <math.h>
#include <string.h>

#include "base/parallel.h"
#include "base/progress.h"
#include "eigen/eigen.h"
#include "eigen/krylov.h"
#include "eigen/limits.h"
#include "matrix/spread.h"
#include "projection/dimension.h"
#include "projection/gram.h"
#include "projection/limits.h"
#include "projection/pca_internal.h"

const lat_parameter lat_pca_parameters[] = {
    {"mean", {LAT_D}},        {"deviation", {LAT_D}},       {"components", {LAT_D, LAT_M}},
    {"eigenvalues", {LAT_M}}, {"explained_ratio", {LAT_M}}, {"total_variance", {LAT_END}},
    {NULL, {LAT_END}}};

lat_pca lat_pca_view(const double *flat, size_t D, size_t M)
{
  lat_pca_parts p = lat_pca_parts_of((double *)flat, D, M);
  return (lat_pca){.D = D,
                   .M = M,
                   .mean = p.mean,
                   .deviation = p.deviation,
                   .components = p.components,
                   .eigenvalues = p.eigenvalues,
                   .explained_ratio = p.explained_ratio,
                   .total_variance = p.total_variance};
}

/* ---- shared by all solvers ------------------------------------------------------- */

/* The state of a fit: eigenvalues of S in descending order and their vectors (D x found). */
typedef struct fit {
  lat_workspace *work;
  const lat_matrix *X;
  const double *weights;
  const lat_pca_options *options;
  size_t N, D, found; /* found: eigenpairs that are computed */
  double weight;      /* total weight: N where rows weigh 1 */
  double *mean, *deviation;
  double *divisor; /* deviation, or infinity for a constant column whose rounding is large */
  lat_matrix values, vectors;
  double total_variance;
  size_t iterations;
} fit;

static size_t smaller(size_t a, size_t b)
{
  return a < b ? a : b;
}

/* Divisors of the columns: their deviations, or 1; a column whose variance is rounding noise about
 * its mean counts as constant. */
static lat_status choose_divisors(fit *f, const double *deviation)
{
  bool standardize = f->options->standardize;
  LAT_TRY(lat_check_spread(f->work, standardize ? LAT_SPREAD_DIVIDED : LAT_SPREAD_TOGETHER, f->D,
                           f->mean, deviation));
  for (size_t j = 0; j < f->D; j++) {
    double noise = LAT_CONSTANT * fabs(f->mean[j]);
    f->deviation[j] = standardize && deviation[j] > noise ? deviation[j] : 1;
    f->divisor[j] = standardize && deviation[j] <= noise && noise > 1 ? INFINITY : f->deviation[j];
  }
  return LAT_OK;
}

static lat_status results(fit *f, size_t found)
{
  f->found = found;
  f->values = lat_matrix_new(f->work, found, 1);
  f->vectors = lat_matrix_new(f->work, f->D, found);
  return f->values.data && f->vectors.data ? LAT_OK : LAT_MEMORY;
}

/* The number of eigenpairs that a solver computes: M, or all when M depends on them. */
static size_t pairs(const fit *f)
{
  size_t most = smaller(f->N > 1 ? f->N - 1 : 1, f->D);
  if (f->options->share > 0 || f->options->evidence) return most;
  return f->options->latent_dim ? f->options->latent_dim : most;
}

/* The least M whose eigenvalues make up the share. */
static size_t components_for_share(const fit *f)
{
  const double *lambda = f->values.data;
  double sum = 0, wanted = f->options->share * f->total_variance;
  for (size_t i = 0; i < f->found; i++) {
    sum += lambda[i];
    if (sum >= wanted * (1 - LAT_SHARE_ROUNDING)) return i + 1;
  }
  return f->found;
}

/* Packs the parameters of the first M eigenpairs. */
static lat_status pack(fit *f, double **flat, size_t *count, lat_pca_report *report)
{
  size_t M = f->options->share > 0 ? components_for_share(f) : f->found;
  report->iterations = f->iterations;
  report->log_evidence = NULL;
  report->dimensions = 0;
  if (f->options->evidence)
    LAT_TRY(lat_choose_dimension(f->work, f->values.data, f->D, f->weight, &M,
                                 &report->log_evidence, &report->dimensions));
  size_t sizes[LAT_SIZES] = {[LAT_D] = f->D, [LAT_M] = M};
  *flat = lat_doubles(f->work, lat_parameters_count(lat_pca_parameters, sizes));
  if (!*flat) return LAT_MEMORY;
  lat_pca_parts pca = lat_pca_parts_of(*flat, f->D, M);
  memcpy(pca.mean, f->mean, f->D * sizeof(double));
  memcpy(pca.deviation, f->deviation, f->D * sizeof(double));
  lat_matrix vectors = lat_block_of(f->vectors, 0, 0, f->D, M);
  lat_matrix components = lat_matrix_of(pca.components, f->D, M);
  lat_copy(&vectors, &components);
  for (size_t i = 0; i < M; i++) {
    double lambda = lat_get(&f->values, i, 0);
    pca.eigenvalues[i] = lambda > 0 ? lambda : 0; /* rounding can leave a tiny negative one */
    pca.explained_ratio[i] = f->total_variance > 0 ? pca.eigenvalues[i] / f->total_variance : 0;
    bool varies = pca.eigenvalues[i] > LAT_RANK_NOISE * (double)f->D * pca.eigenvalues[0];
    for (size_t j = 0; varies && j < f->D; j++)
      if (isinf(f->divisor[j])) pca.components[j * M + i] = 0; /* and no rounding */
  }
  *pca.total_variance = f->total_variance;
  *count = M;
  return LAT_OK;
}

static lat_status begin(fit *f)
{
  f->mean = lat_doubles(f->work, f->D);
  f->deviation = lat_doubles(f->work, f->D);
  f->divisor = lat_doubles(f->work, f->D);
  return f->mean && f->deviation && f->divisor ? LAT_OK : LAT_MEMORY;
}

static lat_status check_latent_dim(lat_workspace *work, const lat_pca_options *options, size_t N,
                                   size_t D)
{
  if (N < 2) return lat_fail(work, LAT_INVALID, "X has 1 row; a variance needs at least 2");
  if (options->evidence) LAT_TRY(lat_check_evidence(work, D, (double)N));
  if (options->latent_dim > smaller(N, D))
    return lat_fail(work, LAT_INVALID,
                    "latent_dim is %zu; %zu x %zu data have at most %zu components",
                    options->latent_dim, N, D, smaller(N, D));
  return LAT_OK;
}

/* ---- covariance ------------------------------------------------------------------ */

static lat_status eigen_of_covariance(fit *f, const lat_moments *moments)
{
  size_t D = f->D;
  lat_matrix S = lat_matrix_new(f->work, D, D);
  double *deviation = lat_doubles(f->work, D);
  if (!S.data || !deviation) return LAT_MEMORY;
  double *s = S.data;
  memcpy(f->mean, moments->mean, D * sizeof(double));
  f->weight = *moments->weight;
  for (size_t j = 0; j < D; j++) deviation[j] = lat_moments_deviation(moments, j);
  LAT_TRY(choose_divisors(f, deviation));
  if (f->options->standardize)
    lat_moments_divided(moments, f->divisor, s);
  else
    lat_moments_covariance(moments, s);
  f->total_variance = 0;
  for (size_t i = 0; i < D; i++) f->total_variance += s[i * D + i];
  LAT_TRY(results(f, pairs(f)));
  return lat_symmetric(f->work, &S, LAT_EIGEN_AUTO, f->values, &f->vectors);
}

lat_status lat_pca_from_moments(lat_workspace *work, const lat_moments *moments,
                                const lat_pca_options *options, double **flat, size_t *M,
                                lat_pca_report *report)
{
  double count = moments->rows ? *moments->rows : *moments->weight;
  size_t rows = count > 2 ? (size_t)fmin(count, 1e15) : 2;
  fit f = {.work = work, .options = options, .N = rows, .D = moments->dimensions};
  LAT_TRY(check_latent_dim(work, options, rows, f.D));
  LAT_TRY(begin(&f));
  LAT_TRY(eigen_of_covariance(&f, moments));
  report->solver = LAT_PCA_COVARIANCE;
  f.iterations = 1;
  return pack(&f, flat, M, report);
}

static lat_status by_covariance(fit *f)
{
  size_t count = lat_moments_count(f->D);
  double *memory = lat_doubles(f->work, count);
  if (!memory) return LAT_MEMORY;
  memset(memory, 0, count * sizeof(double));
  lat_moments moments = lat_moments_of(memory, f->D);
  const double N = (double)f->N, D = (double)f->D;
  const double of_moments = N * D * D, of_eigen = LAT_SYMMETRIC_COST(D);
  LAT_STEPS(f->work, steps, of_moments + of_eigen, NULL);
  lat_step(&steps, 0, of_moments);
  LAT_TRY(lat_moments_add(f->work, &moments, f->X, f->weights));
  lat_step(&steps, of_moments, of_eigen);
  f->iterations = 1;
  return eigen_of_covariance(f, &moments);
}

/* ---- Gram matrix and Krylov space: the columns' moments come first ----------------- */

static lat_status columns(fit *f)
{
  double *memory = lat_doubles(f->work, lat_column_moments_count(f->D));
  if (!memory) return LAT_MEMORY;
  memset(memory, 0, lat_column_moments_count(f->D) * sizeof(double));
  lat_column_moments moments = lat_column_moments_of(memory, f->D);
  LAT_TRY(lat_column_moments_add(f->work, &moments, f->X, f->weights, false));
  memcpy(f->mean, moments.mean, f->D * sizeof(double));
  f->weight = moments.weight[0];
  f->total_variance = 0;
  double *deviation = lat_doubles(f->work, f->D);
  if (!deviation) return LAT_MEMORY;
  for (size_t j = 0; j < f->D; j++) deviation[j] = lat_column_deviation(&moments, j);
  LAT_TRY(choose_divisors(f, deviation));
  for (size_t j = 0; j < f->D; j++) {
    double share = deviation[j] / f->divisor[j], e = moments.exponent[j];
    f->total_variance += e != 0
                             ? share * share
                             : moments.scatter[j] / f->weight / (f->deviation[j] * f->deviation[j]);
  }
  return LAT_OK;
}

static lat_status by_gram(fit *f)
{
  lat_matrix G = lat_matrix_new(f->work, f->N, f->N);
  if (!G.data) return LAT_MEMORY;
  const double N = (double)f->N, D = (double)f->D;
  const double of_gram = D * N * N, of_eigen = LAT_SYMMETRIC_COST(N);
  const double of_vectors = D * N * (double)pairs(f);
  LAT_STEPS(f->work, steps, of_gram + of_eigen + of_vectors, NULL);
  lat_step(&steps, 0, 0);
  LAT_TRY(columns(f));
  lat_step(&steps, 0, of_gram);
  LAT_TRY(lat_gram(f->work, f->X, f->weights, f->mean, f->divisor, &G));
  LAT_TRY(results(f, pairs(f)));
  lat_matrix V = lat_matrix_new(f->work, f->N, f->found);
  if (!V.data) return LAT_MEMORY;
  lat_step(&steps, of_gram, of_eigen);
  LAT_TRY(lat_symmetric(f->work, &G, LAT_EIGEN_AUTO, f->values, &V));
  lat_step(&steps, of_gram + of_eigen, of_vectors);
  for (size_t i = 0; i < f->found; i++)
    lat_set(&f->values, i, 0, lat_get(&f->values, i, 0) / f->weight);
  f->iterations = 1;
  return lat_gram_vectors(f->work, f->X, f->weights, f->mean, f->divisor, &V, &f->vectors);
}

static lat_status by_exact(fit *f)
{
  return f->N < f->D ? by_gram(f) : by_covariance(f);
}

/* With weights or deviations X is copied and scaled; without them it is read in place. */
static lat_status krylov(fit *f, bool *converged)
{
  lat_matrix X = *f->X, mean = lat_vector_of(f->mean, f->D);
  bool copied = f->weights || f->options->standardize;
  LAT_SCOPE(f->work);
  if (copied) {
    X = lat_matrix_new(f->work, f->N, f->D);
    if (!X.data) return LAT_MEMORY;
    lat_centre(f->X, f->weights, f->mean, f->options->standardize ? f->divisor : NULL, X.data);
  }
  lat_krylov solver;
  lat_krylov_options options = {.tolerance = f->options->tolerance,
                                .seed = f->options->seed,
                                .max_iterations = LAT_PCA_PRODUCTS};
  LAT_TRY(lat_krylov_init(&solver, f->work, f->D, f->found, &options));
  while (solver.wanted) {
    LAT_TRY(lat_gram_multiply(f->work, &X, copied ? NULL : &mean, &solver.V, &solver.W));
    LAT_TRY(lat_krylov_next(&solver));
  }
  *converged = solver.converged;
  f->iterations = solver.iterations;
  if (*converged) {
    for (size_t i = 0; i < f->found; i++)
      lat_set(&f->values, i, 0, lat_get(&solver.values, i, 0) / f->weight);
    lat_copy(&solver.vectors, &f->vectors);
  }
  return LAT_OK;
}

static lat_status by_krylov(fit *f, lat_pca_solver *used)
{
  bool converged;
  LAT_STEPS(f->work, steps, 0, NULL); /* of the products that it will need */
  lat_step_unknown(&steps);
  LAT_TRY(columns(f));
  LAT_TRY(results(f, pairs(f)));
  LAT_TRY(krylov(f, &converged));
  if (converged) return LAT_OK;
  *used = f->N < f->D ? LAT_PCA_GRAM : LAT_PCA_COVARIANCE;
  return by_exact(f);
}

/* ---- the choice ---------------------------------------------------------------------- */

/* Floating-point operations, weighted by the inverse speed of each kind: products of matrices 1,
 * skinny products 2.5. A block Krylov space needs about ten products of a block of M columns, and
 * 4 N D per column. */
static lat_pca_solver choose(const fit *f)
{
  double N = (double)f->N, D = (double)f->D, M = (double)pairs(f), small = fmin(N, D);
  double block = fmax(M, 4);
  double exact = N * D * small + LAT_SYMMETRIC_COST(small);
  double krylov = 2.5 * 10 * 4 * N * D * block;
  bool few = f->options->share == 0 && !f->options->evidence;
  if (few && krylov < exact && LAT_PCA_SHARE * M < small && small > LAT_PCA_ORDER)
    return LAT_PCA_RANDOMIZED;
  return N < D ? LAT_PCA_GRAM : LAT_PCA_COVARIANCE;
}

lat_status lat_pca_fit_rows(lat_workspace *work, const lat_matrix *X, const double *weights,
                            const lat_pca_options *options, double **flat, size_t *M,
                            lat_pca_report *report)
{
  fit f = {
      .work = work, .X = X, .weights = weights, .options = options, .N = X->rows, .D = X->cols};
  LAT_TRY(check_latent_dim(work, options, f.N, f.D));
  LAT_TRY(begin(&f));
  report->solver = options->solver == LAT_PCA_AUTO ? choose(&f) : (lat_pca_solver)options->solver;
  switch (report->solver) {
  case LAT_PCA_GRAM:
    LAT_TRY(by_gram(&f));
    break;
  case LAT_PCA_RANDOMIZED:
    LAT_TRY(by_krylov(&f, &report->solver));
    break;
  default:
    LAT_TRY(by_covariance(&f));
    break;
  }
  return pack(&f, flat, M, report);
}
