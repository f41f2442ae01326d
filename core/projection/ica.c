/* ica.c: whitening before and order after the search for a rotation, and the choice of who
 * searches. */
#include "projection/ica.h"

#include <cblas.h>
#include <math.h>
#include <string.h>

#include "base/parallel.h"
#include "matrix/linear/solve.h"
#include "matrix/linear/svd.h"
#include "matrix/moments.h"
#include "projection/ica_internal.h"
#include "projection/pca.h"

const lat_parameter lat_ica_parameters[] = {
    {"mean", {LAT_D}},     {"mixing", {LAT_D, LAT_M}}, {"unmixing", {LAT_M, LAT_D}},
    {"kurtosis", {LAT_M}}, {"flat", {LAT_M}},          {NULL, {LAT_END}}};

lat_ica lat_ica_of(double *flat, size_t D, size_t M)
{
  lat_ica ica = {.D = D, .M = M, .mean = flat};
  ica.mixing = ica.mean + D;
  ica.unmixing = ica.mixing + D * M;
  ica.kurtosis = ica.unmixing + M * D;
  ica.flat = ica.kurtosis + M;
  return ica;
}

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

enum { NEWTON_SCHULZ = 25 }; /* iterations: more, and singular vectors take less time */

/* ---- small matrices -------------------------------------------------------------------- */

/* C := A B' of M x M matrices. */
static void times_transpose(size_t M, const double *A, const double *B, double *C)
{
  blasint m = (blasint)M;
  cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, m, m, 1, A, m, B, m, 0, C, m);
}

/* X := X (3 I - X'X)/2 has the same singular vectors, and brings singular values below sqrt(3) to 1,
 * near it quadratically (Newton and Schulz). False when it hasn't got there: W is then as it was. */
static bool turn_orthogonal(double *W, size_t M, double *X, double *next, double *S)
{
  double length = cblas_dnrm2((blasint)(M * M), W, 1);
  if (!(length > 0) || isinf(length)) return false;
  /* the norm of the product bounds the largest singular value's square more closely */
  times_transpose(M, W, W, S);
  double most = sqrt(cblas_dnrm2((blasint)(M * M), S, 1));
  for (size_t i = 0; i < M * M; i++) X[i] = W[i] / most;
  for (int turn = 0; turn < NEWTON_SCHULZ; turn++) {
    double away = 0;
    times_transpose(M, X, X, S);
    for (size_t i = 0; i < M; i++)
      for (size_t j = 0; j < M; j++) {
        double unit = i == j, e = S[i * M + j] - unit;
        away = fmax(away, fabs(e));
        S[i * M + j] = 1.5 * unit - 0.5 * S[i * M + j];
      }
    cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (blasint)M, (blasint)M, (blasint)M, 1, S,
                (blasint)M, X, (blasint)M, 0, next, (blasint)M);
    if (away < 1e-8) { /* and so next is good to the last digit */
      memcpy(W, next, M * M * sizeof *W);
      return true;
    }
    double *old = X;
    X = next;
    next = old;
  }
  return false;
}

lat_status lat_ica_orthogonalize(lat_workspace *work, double *W, size_t M)
{
  LAT_SCOPE(work);
  double *memory = lat_doubles(work, 3 * M * M);
  if (!memory) return LAT_MEMORY;
  if (turn_orthogonal(W, M, memory, memory + M * M, memory + 2 * M * M)) return LAT_OK;
  lat_matrix matrix = lat_matrix_of(W, M, M), s = lat_matrix_new(work, M, 1);
  lat_matrix U = lat_matrix_new(work, M, M), V = lat_matrix_new(work, M, M);
  if (!s.data || !U.data || !V.data) return LAT_MEMORY;
  LAT_TRY(lat_svd(work, &matrix, &U, s, &V));
  times_transpose(M, U.data, V.data, W);
  return LAT_OK;
}

double lat_ica_change(size_t M, const double *W, const double *V)
{
  double most = 0;
  blasint m = (blasint)M;
  for (size_t i = 0; i < M; i++) {
    const double *w = W + i * M, *v = V + i * M;
    double cosine = fabs(cblas_ddot(m, w, 1, v, 1)) / cblas_dnrm2(m, w, 1) / cblas_dnrm2(m, v, 1);
    most = fmax(most, fabs(1 - cosine));
  }
  return most;
}

double lat_ica_tolerance(const lat_ica_fit *fit)
{
  const double start = 1e-4; /* near enough to go on to the likelihood */
  return fit->starting ? fmax(start, fit->options->tolerance) : fit->options->tolerance;
}

void lat_ica_judge(lat_ica_fit *fit, const lat_ica_means *means, double *A, double *signs,
                   double *G)
{
  size_t M = fit->M;
  times_transpose(M, means->product, fit->W, A);
  fit->objective = 0;
  for (size_t i = 0; i < M; i++) {
    signs[i] = means->slope[i] >= A[i * M + i] ? 1 : -1;
    fit->objective += lat_ica_distance(fit->options->contrast, means->value[i]);
  }
  fit->gradient = 0;
  for (size_t i = 0; i < M; i++)
    for (size_t j = 0; j < M; j++) {
      double g = signs[i] * A[i * M + j] - signs[j] * A[j * M + i];
      fit->gradient = fmax(fit->gradient, fabs(g));
      if (G) G[i * M + j] = g;
    }
}

/* ---- whitening ---------------------------------------------------------------------------- */

static lat_pca_options pca_options(const lat_ica_fit *fit)
{
  size_t wanted = fit->options->latent_dim;
  lat_pca_options options = {.latent_dim = wanted, .tolerance = 1e-12};
  /* Where no direction is to be lost, columns of very different scales needn't compete. */
  options.standardize = wanted == 0 || wanted >= fit->D;
  return options;
}

/* The principal axes that have variance, and the maps between them and data. */
static lat_status take_axes(lat_ica_fit *fit, double *flat, size_t found)
{
  lat_workspace *work = fit->work;
  size_t D = fit->D, wanted = fit->options->latent_dim, M = 0;
  lat_pca pca = lat_pca_of(flat, D, found);
  double least = 1e-14 * (double)D * pca.eigenvalues[0];
  while (M < found && pca.eigenvalues[M] > least) M++;
  if (M == 0) return lat_fail(work, LAT_INVALID, "X doesn't vary: all rows are equal");
  if (wanted > M)
    return lat_fail(work, LAT_INVALID,
                    "latent_dim is %zu; the data vary in %zu directions of their %zu only", wanted,
                    M, D);
  fit->M = M;
  fit->mean = pca.mean;
  fit->into = lat_doubles(work, M * D);
  fit->back = lat_doubles(work, D * M);
  fit->sums = lat_doubles(work, lat_ica_means_count(M, M));
  LAT_TRY(lat_sum_init(&fit->sum, work, D, lat_ica_means_count(M, M), 0, NULL));
  fit->ordered = lat_doubles(work, M * M);
  fit->order = lat_allocate(work, M, sizeof *fit->order);
  if (!fit->into || !fit->back || !fit->sums || !fit->ordered || !fit->order) return LAT_MEMORY;
  for (size_t j = 0; M == D && j < D; j++)
    fit->log_det -= 0.5 * log(pca.eigenvalues[j]) + log(pca.deviation[j]);
  for (size_t j = 0; j < D; j++)
    for (size_t i = 0; i < M; i++) {
      double u = pca.components[j * found + i], root = sqrt(pca.eigenvalues[i]);
      fit->into[i * D + j] = u / root / pca.deviation[j];
      fit->back[j * M + i] = u * root * pca.deviation[j];
    }
  return LAT_OK;
}

/* ---- rows in memory, made white once ------------------------------------------------------- */

/* White rows of more bytes aren't kept, but made anew in every pass. */
static const size_t HELD = (size_t)256 << 20;

typedef struct whitening {
  const lat_ica_fit *fit;
  double *buffers; /* a worker's centred rows */
} whitening;

static void whiten_chunk(void *context, size_t c, size_t worker)
{
  const whitening *w = context;
  const lat_ica_fit *fit = w->fit;
  size_t first = c * fit->chunk, left = fit->X.rows - first;
  size_t n = left < fit->chunk ? left : fit->chunk;
  double *Z = fit->Z + c * fit->M * fit->stride;
  lat_matrix X = lat_block_of(fit->X, first, 0, n, fit->D);
  for (size_t i = 0; i < fit->M; i++) /* what is beyond is multiplied, and then left alone */
    memset(Z + i * fit->stride + n, 0, (fit->stride - n) * sizeof *Z);
  lat_ica_whiten(fit, &X, fit->weights ? fit->weights + first : NULL,
                 w->buffers + worker * fit->chunk * fit->D, Z, fit->stride);
}

static lat_status hold(lat_ica_fit *fit)
{
  lat_workspace *work = fit->work;
  size_t N = fit->X.rows;
  fit->chunk = lat_chunk_rows(fit->D);
  if (fit->chunk > N) fit->chunk = N;
  fit->chunks = (N + fit->chunk - 1) / fit->chunk;
  /* rows a power of two apart would all fall into the same few sets of the cache */
  fit->stride = (fit->chunk + 7) / 8 * 8 + 8;
  if (fit->chunks > HELD / sizeof(double) / (fit->M * fit->stride)) return LAT_OK;
  fit->Z = lat_allocate(work, fit->chunks, fit->M * fit->stride * sizeof(double));
  if (!fit->Z) return LAT_MEMORY;
  LAT_SCOPE(work);
  whitening w = {fit, lat_allocate(work, lat_workers(work), fit->chunk * fit->D * sizeof(double))};
  if (!w.buffers) return LAT_MEMORY;
  LAT_TRY(lat_parallel(work, fit->chunks, whiten_chunk, &w));
  return LAT_OK;
}

/* ---- the search ---------------------------------------------------------------------------- */

static lat_status given_matrix(lat_ica_fit *fit)
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

/* A rotation, but for a likelihood that begins where `init` says. */
static lat_status first_matrix(lat_ica_fit *fit)
{
  size_t M = fit->M;
  fit->W = lat_doubles(fit->work, M * M);
  if (!fit->W) return LAT_MEMORY;
  if (fit->options->init) {
    LAT_TRY(given_matrix(fit));
    if (fit->algorithm == LAT_ICA_MAXIMUM_LIKELIHOOD) return LAT_OK;
  } else {
    lat_random random = {.seed = fit->options->seed};
    lat_random_fill_normal(NULL, &random, M * M, fit->W);
  }
  return lat_ica_orthogonalize(fit->work, fit->W, M);
}

/* Whose search begins: AUTO's with the fixed point, and a likelihood's by AUTO. */
static void choose_algorithm(lat_ica_fit *fit)
{
  const lat_ica_options *options = fit->options;
  fit->starting = options->algorithm == LAT_ICA_MAXIMUM_LIKELIHOOD && !options->init;
  fit->algorithm = options->algorithm == LAT_ICA_AUTO || fit->starting ? LAT_ICA_FIXED_POINT
                                                                       : options->algorithm;
}

static lat_status begin_search(lat_ica_fit *fit)
{
  choose_algorithm(fit);
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

lat_status lat_ica_begin(lat_ica_fit *fit, lat_workspace *work, const lat_matrix *X,
                         const double *weights, const lat_ica_options *options)
{
  LAT_BLAS_SECTION;
  *fit = (lat_ica_fit){.work = work, .options = options, .D = X->cols, .X = *X, .weights = weights};
  lat_pca_options pca = pca_options(fit);
  lat_pca_record record;
  double *flat;
  size_t found;
  LAT_TRY(lat_pca_fit(work, X, weights, &pca, &flat, &found, &record));
  LAT_TRY(take_axes(fit, flat, found));
  for (size_t i = 0; i < X->rows; i++) fit->weight += weights ? weights[i] : 1;
  LAT_TRY(hold(fit));
  return begin_search(fit);
}

lat_status lat_ica_begin_pieces(lat_ica_fit *fit, lat_workspace *work, const lat_moments *moments,
                                const lat_ica_options *options)
{
  LAT_BLAS_SECTION;
  *fit = (lat_ica_fit){
      .work = work, .options = options, .D = moments->dimensions, .weight = *moments->weight};
  lat_pca_options pca = pca_options(fit);
  lat_pca_record record;
  double *flat;
  size_t found;
  LAT_TRY(lat_pca_from_moments(work, moments, &pca, &flat, &found, &record));
  LAT_TRY(take_axes(fit, flat, found));
  return begin_search(fit);
}

static lat_status pass_in_memory(lat_ica_fit *fit, bool conclude)
{
  LAT_TRY(lat_ica_open(fit, conclude));
  LAT_TRY(lat_ica_add(fit, &fit->X, fit->weights));
  return lat_ica_close(fit);
}

lat_status lat_ica_step(lat_ica_fit *fit)
{
  LAT_BLAS_SECTION;
  size_t before = fit->iterations;
  while (!fit->done && fit->iterations == before) LAT_TRY(pass_in_memory(fit, false));
  return LAT_OK;
}

/* ---- the result ------------------------------------------------------------------------------ */

/* The rows of W in the order of the lengths of A's columns, descending. */
static void put_in_order(const double *lengths, size_t M, size_t *order)
{
  for (size_t i = 0; i < M; i++) {
    size_t at = i;
    for (; at > 0 && lengths[order[at - 1]] < lengths[i]; at--) order[at] = order[at - 1];
    order[at] = i;
  }
}

/* inverse := W^-1, which for a rotation is its transpose. */
static lat_status invert(const lat_ica_fit *fit, double *W, double *inverse)
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

/* The rows of W as it stands, in order: by the deviations of what the sources make, the lengths of the
 * columns of A = back inv(W), times the sources' own. */
static lat_status put_rows_in_order(lat_ica_fit *fit)
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
  put_in_order(lengths, M, fit->order);
  for (size_t i = 0; i < M; i++) memcpy(fit->ordered + i * M, W + fit->order[i] * M, M * sizeof *W);
  return LAT_OK;
}

lat_status lat_ica_open(lat_ica_fit *fit, bool conclude)
{
  LAT_BLAS_SECTION;
  size_t M = fit->M;
  if (fit->concluding) { /* the search goes on where it was */
    fit->R = fit->next_R;
    fit->k = fit->next_k;
    fit->each = fit->next_each;
  }
  fit->concluding = conclude;
  fit->contrast = conclude ? LAT_ICA_CUBE : fit->options->contrast;
  if (conclude) {
    LAT_TRY(put_rows_in_order(fit));
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

/* The excess kurtosis of each source, and which density it has. */
static void write_shapes(const lat_ica_fit *fit, const lat_ica *ica)
{
  lat_ica_means means = lat_ica_found(fit);
  bool likelihood = fit->algorithm == LAT_ICA_MAXIMUM_LIKELIHOOD;
  for (size_t i = 0; i < fit->M; i++) {
    double square = likelihood ? means.slope[i] / 3 : 1;
    ica->kurtosis[i] = 4 * means.value[i] / (square * square) - 3;
    ica->flat[i] = likelihood ? lat_ica_likelihood_flat(fit)[fit->order[i]] : ica->kurtosis[i] < 0;
  }
}

lat_status lat_ica_write(lat_ica_fit *fit, double *flat)
{
  LAT_BLAS_SECTION;
  size_t D = fit->D, M = fit->M;
  lat_ica ica = lat_ica_of(flat, D, M);
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

lat_status lat_ica_end(lat_ica_fit *fit, double *flat)
{
  LAT_BLAS_SECTION;
  LAT_SCOPE(fit->work);
  LAT_TRY(pass_in_memory(fit, true));
  return lat_ica_write(fit, flat);
}
