/* factor/internal.h: what the files of models with linear-Gaussian latent variables share. Not for
 * hosts.
 *
 *   x = W z + mean + noise,   z ~ N(0, Phi) of M dimensions,   noise ~ N(0, Psi), Psi diagonal,
 *
 * so that x ~ N(mean, C) with C = W Phi W' + Psi. All noise variances are the same in PPCA (Psi =
 * s2 I), and Phi is the identity but for oblique factors. With Phi = L L' the model is that of W L
 * and z0 ~ N(0, I), z = L z0, in which everything is computed, and goes through the M x M matrix
 *
 *   K = W'inv(Psi)W + I,   p(z | x) = N(inv(K) W'inv(Psi)(x - mean), inv(K)),   |C| = |Psi| |K|
 *   (x - mean)' inv(C) (x - mean) = |x - mean - W z|^2 (each square over its noise variance) +
 *   |z|^2, at the posterior mean z,
 *
 * whose last form subtracts no large numbers when the noise is small (Bartholomew, Knott, Moustaki,
 * Latent Variable Models and Factor Analysis, chapter 3; Bishop, Pattern Recognition and Machine
 * Learning, 12.2). Where s2 is shared, K stands for s2 times that, W'W + s2 I, which has a limit
 * for s2 = 0. Rows with missing entries have the same with the rows of W and Psi that belong to
 * what they have. */
#ifndef LAT_EM_FACTOR_INTERNAL_H
#define LAT_EM_FACTOR_INTERNAL_H

#include <cblas.h>
#include <stdint.h>
#include <string.h>

#include "em/common/packed.h"
#include "em/fit.h"

/* ---- limits ---------------------------------------------------------------------------------- */

/* Of the total variance: less noise than this is rounding. */
#define LAT_FACTOR_NO_NOISE 1e-14
/* Latent dimensions from which on sums over what rows have are made by lists (gaps.c), and elements
 * at a time. */
enum { LAT_FACTOR_LISTS = 12, LAT_FACTOR_SPAN = 32, LAT_FACTOR_WIDE = 64 };
/* Streams of random numbers: of the W that EM begins with ("ppca"), and of the starts of factor
 * analysis by its likelihood ("fa"), each behind the one before. */
enum { LAT_FACTOR_STREAM = 0x70706361, LAT_FA_STREAM = 0x6661 };
/* Columns up to which EM of factor analysis starts from, and verifies a maximum by, D x D matrices.
 */
enum { LAT_FA_MOST_COLUMNS = 1000 };

/* ---- a model --------------------------------------------------------------------------------- */

/* The view of a flat vector of parameters, which lat_ppca, lat_bpca, lat_fa and the components of
 * mixtures have in common. */
typedef struct lat_factor_view {
  size_t D, M;
  double *mean, *W;        /* D; D x M */
  double *noise_variances; /* D; or one, which all columns share */
  bool shared;
  const double *correlations; /* Phi, M x M; NULL for the identity */
  /* of a model with shared noise that knows each row of W only as N(w_j, spread), M x M: K is then
   * W'W + D spread + s2 I, the posterior of z the best that doesn't depend on W, and the density
   * the bound on it. NULL: W is known */
  const double *spread;
  lat_prepared prepared;
} lat_factor_view;

/* Of parameters that begin with mean, W and the noise: one number that is shared, or D that
 * factor_correlations follow. */
lat_factor_view lat_factor_view_of(const double *flat, size_t D, size_t M, bool shared);

/* ---- what a fitted model computes (infer.c) -------------------------------------------------- */

/* Of the rows of request->X, given their observed entries: log_likelihood (0 for a row without
 * entries), latent, covariances, covariance, reconstruction (W z + mean), imputed, variances; and
 * bound and kl, for request's q_means and q_covariances or the posterior itself. With Bartlett's
 * scores z is fitted by weighted least squares, without its prior (their mean given z is z), in
 * latent and reconstruction only; what a row's entries leave open is 0.
 *
 * Errors: LAT_SHAPE; LAT_INVALID, naming row and column, for infinities and, unless `missing`, NaN;
 * for a density when s2 is 0; for a covariance of q that isn't positive definite. */
lat_status lat_factor_apply(lat_workspace *work, const lat_factor_view *model,
                            const lat_request *request, const lat_outputs *outputs);

/* What that derives from the parameters (modeling/model.h). */
size_t lat_factor_prepared_count(const lat_factor_view *model, const lat_request *request);
void lat_factor_prepare(const lat_factor_view *model, const lat_request *request, double *numbers);

/* X (N x D) := W z + mean of latent variables Z (N x M). */
lat_status lat_factor_inverse(lat_workspace *work, const lat_factor_view *model,
                              const lat_matrix *Z, const lat_matrix *X);

/* C = W Phi W' + Psi, D x D. */
lat_status lat_factor_covariance(lat_workspace *work, const lat_factor_view *model,
                                 const lat_matrix *C);

/* Rows drawn from the model into X (n x D), and the latent variables they came from into Z (n x M;
 * or NULL), both packed. */
lat_status lat_factor_sample(lat_workspace *work, const lat_factor_view *model, lat_random *random,
                             const lat_matrix *X, const lat_matrix *Z);

/* D for the mean, and D M + 1 - M(M-1)/2 for C with shared noise: rotations of W make no other
 * model. */
size_t lat_factor_isotropic_parameters(size_t D, size_t M);

/* The same as entries of a lat_model. */
lat_status lat_factor_fitted_apply(lat_workspace *work, const lat_fitted *f,
                                   const lat_request *request, const lat_outputs *outputs);
size_t lat_factor_fitted_prepared_count(const lat_fitted *f, const lat_request *request);
lat_status lat_factor_fitted_prepare(lat_workspace *work, const lat_fitted *f,
                                     const lat_request *request, double *numbers);
lat_status lat_factor_fitted_inverse(lat_workspace *work, const lat_fitted *f,
                                     const lat_request *request, const lat_matrix *X);
lat_status lat_factor_fitted_sample(lat_workspace *work, const lat_fitted *f, lat_random *random,
                                    const lat_matrix *X, const lat_outputs *of);
lat_status lat_factor_fitted_covariance(lat_workspace *work, const lat_fitted *f, size_t k,
                                        const lat_matrix *C);

/* Defines lat_NAME_apply, _prepare, _inverse, _sample and _covariance, which a model's header
 * declares, by factor_of, its view. */
#define LAT_DEFINE_FACTOR(NAME)                                                                    \
  lat_status lat_##NAME##_apply(lat_workspace *work, const lat_##NAME *model,                      \
                                const lat_request *request, const lat_outputs *outputs)            \
  {                                                                                                \
    lat_factor_view view = factor_of(model);                                                       \
    view.prepared = model->prepared;                                                               \
    return lat_factor_apply(work, &view, request, outputs);                                        \
  }                                                                                                \
  size_t lat_##NAME##_prepared_count(const lat_##NAME *model, const lat_request *request)          \
  {                                                                                                \
    lat_factor_view view = factor_of(model);                                                       \
    return lat_factor_prepared_count(&view, request);                                              \
  }                                                                                                \
  lat_status lat_##NAME##_prepare(lat_workspace *work, lat_##NAME *model,                          \
                                  const lat_request *request, double *numbers)                     \
  {                                                                                                \
    lat_factor_view view = factor_of(model);                                                       \
    (void)work;                                                                                    \
    lat_factor_prepare(&view, request, numbers);                                                   \
    model->prepared = (lat_prepared){numbers, request->missing, request->scores};                  \
    return LAT_OK;                                                                                 \
  }                                                                                                \
  lat_status lat_##NAME##_inverse(lat_workspace *work, const lat_##NAME *model,                    \
                                  const lat_matrix *Z, const lat_matrix *X)                        \
  {                                                                                                \
    lat_factor_view view = factor_of(model);                                                       \
    return lat_factor_inverse(work, &view, Z, X);                                                  \
  }                                                                                                \
  lat_status lat_##NAME##_sample(lat_workspace *work, const lat_##NAME *model, lat_random *random, \
                                 const lat_matrix *X, const lat_matrix *Z)                         \
  {                                                                                                \
    lat_factor_view view = factor_of(model);                                                       \
    return lat_factor_sample(work, &view, random, X, Z);                                           \
  }                                                                                                \
  lat_status lat_##NAME##_covariance(lat_workspace *work, const lat_##NAME *model,                 \
                                     const lat_matrix *C)                                          \
  {                                                                                                \
    lat_factor_view view = factor_of(model);                                                       \
    return lat_factor_covariance(work, &view, C);                                                  \
  }

/* ---- descriptions ---------------------------------------------------------------------------- */

extern const lat_option lat_factor_fit_options[], lat_factor_slice_options[],
    lat_factor_steps_options[], lat_factor_transform_options[];
/* The methods that all have in common. */
#define LAT_FACTOR_METHODS                                                                         \
  {.name = "fit", .argument = LAT_TAKES_DATA, .options = lat_factor_fit_options},                  \
      LAT_METHOD_FIT_FOR(lat_factor_slice_options),                                                \
      {.name = "steps", .argument = LAT_TAKES_DATA, .options = lat_factor_steps_options},          \
      {.name = "elbo", .options = lat_missing_options},                                            \
      {.name = "transform",                                                                        \
       .argument = LAT_TAKES_ROWS,                                                                 \
       .outputs = {LAT_OUTPUT_ROWS(latent, LAT_M)},                                                \
       .options = lat_factor_transform_options},                                                   \
      {.name = "posterior", .options = lat_missing_options},                                       \
      {.name = "inverse_transform", .argument = LAT_TAKES_LATENT},                                 \
      {.name = "reconstruct",                                                                      \
       .argument = LAT_TAKES_ROWS,                                                                 \
       .outputs = {LAT_OUTPUT_ROWS(reconstruction, LAT_D)},                                        \
       .options = lat_missing_options},                                                            \
      LAT_METHOD_IMPUTE_WITH_VARIANCE,                                                             \
      {.name = "sample",                                                                           \
       .argument = LAT_TAKES_COUNT,                                                                \
       .outputs = {LAT_OUTPUT_ROWS(latent, LAT_M)},                                                \
       .options = lat_seed_options},                                                               \
      LAT_METHOD_COVARIANCE, LAT_DENSITY_METHODS(lat_missing_options)

/* ---- what is derived once for all rows (precomputed.c) --------------------------------------- */

/* A model in terms of z0, and what is derived from it. */
typedef struct lat_factor_precomputed {
  size_t D, M;
  const double *mean, *W;
  double noise;            /* K's diagonal has it: s2 when that is shared, else 1; or 0 */
  const double *variances; /* D noise variances; NULL when they are shared, and so are: */
  const double *precision; /* their inverses */
  const double *logs;      /* their logarithms */
  const double *weighted;  /* D x M: inv(Psi) W; W itself when the noise is shared */
  const double *root;      /* packed(M): the L of z = L z0; NULL for the identity */
  const double *spread;    /* M x M: the covariance of a row of W; NULL for 0 */
  bool missing;
  const double *products; /* D x packed(M): row j is w_j w_j'/psi_j; when missing. From
                           * LAT_FACTOR_LISTS on span by span: LAT_FACTOR_SPAN elements of all */
  const double *all;      /* packed(M): their sum, in whole spans */
  const double *traces;   /* D: theirs */
  const double *factor;   /* of a complete row's K, and log|K| behind it; unless missing */
} lat_factor_precomputed;

size_t lat_factor_precomputed_count(const lat_factor_view *model, bool missing);
static inline size_t lat_factor_spans(size_t M)
{
  size_t T = lat_packed_count(M);
  return M < LAT_FACTOR_LISTS ? T : (T + LAT_FACTOR_SPAN - 1) / LAT_FACTOR_SPAN * LAT_FACTOR_SPAN;
}
/* prior = false: that of least-squares fits, K without the I. */
void lat_factor_precompute(const lat_factor_view *model, bool missing, bool prior, double *memory);
lat_factor_precomputed lat_factor_precomputed_of(const lat_factor_view *model, bool missing,
                                                 bool prior, const double *memory);

/* C := A B + beta C with row-major, packed matrices, of which ' marks transposes; sizes may be 0.
 */
static inline void lat_factor_multiply(bool At, bool Bt, size_t rows, size_t cols, size_t inner,
                                       const double *A, const double *B, double beta, double *C)
{
  if (rows == 0 || cols == 0) return;
  if (inner == 0) {
    if (beta == 0) memset(C, 0, rows * cols * sizeof *C);
    return;
  }
  cblas_dgemm(CblasRowMajor, At ? CblasTrans : CblasNoTrans, Bt ? CblasTrans : CblasNoTrans,
              (blasint)rows, (blasint)cols, (blasint)inner, 1, A, (blasint)(At ? rows : inner), B,
              (blasint)(Bt ? inner : cols), beta, C, (blasint)cols);
}

/* ---- the posteriors of rows, many side by side (batch.c) ------------------------------------- */

/* Each row may miss other entries and so have a K of its own, too small for LAPACK, of which there
 * are too many to take one by one. So numbers of the same place in all rows of a batch lie side by
 * side, and every step is a loop over them. Rows that miss the same entries, which are put next to
 * each other, are a group and share K and its factor. With a group's mask of zeros and ones, K =
 * sum_j mask_j w_j w_j'/psi_j + I: for all of a batch that is one product of matrices, and so are
 * W_o'inv(Psi_o)(x_o - mean_o), with zeros for what is missing, and W z.
 *
 * A walk over a chunk of rows, and the present batch. A table has a line for each column or
 * element, in which the numbers of all rows or groups follow each other; lines are `stride` apart,
 * and beyond the last row or group, up to a multiple of 8, there are those of a row that misses
 * everything. */
typedef struct lat_factor_batch {
  const lat_factor_precomputed *model;
  size_t total, taken, most; /* rows: of the chunk, taken so far, of a batch */
  const double *x;           /* the chunk, row by row */
  ptrdiff_t x_stride;
  uint32_t *order;   /* the rows in the order of the walk; NULL when nothing is missing, as is */
  uint32_t *pattern; /* the number of what each row misses */

  size_t rows, groups, stride;
  uint32_t *first, *group; /* group g is rows first[g] .. first[g+1]-1; the group of each row */
  double *observed;        /* groups: how many entries */
  double *log_det;         /* groups: log|K| */
  double *log_noise;       /* groups: what else log|C| of the observed entries consists of */
  double *mask;            /* D x groups; NULL when nothing is missing */
  double *row_mask;        /* D x rows: the same when every row is a group */
  double *factor;          /* packed(M) x groups: of K */
  double *pivots;          /* M x groups: the inverses of the factor's diagonal */
  double *d;               /* D x rows: x - mean, and 0 for what is missing */
  double *z;               /* (M+1) x rows: posterior means of z0, and 1 */
  double *fit;             /* D x rows: W z */
  double *square;          /* rows: |d - W z|^2 over the observed entries, by their precision */
  double *density;         /* rows: log p(x_o), unless s2 is 0 */

  /* memory: for rows of another type or stride; for one that misses everything (that is the mean,
   * when nothing is missing); for the mask; for the factor of one group */
  double *copy, *nothing, *group_mask, *shared;
  double *gaps; /* lat_factor_gaps_count */
} lat_factor_batch;

/* Doubles of memory for chunks of up to `rows`, and rows in a batch. */
size_t lat_factor_batch_count(size_t D, size_t M, bool missing, size_t rows);
size_t lat_factor_batch_rows(size_t M, bool missing, size_t rows);
size_t lat_factor_batch_stride(size_t batch); /* of its tables */

void lat_factor_batch_begin(lat_factor_batch *b, const lat_factor_precomputed *model,
                            const lat_matrix *X, double *memory);
bool lat_factor_batch_next(lat_factor_batch *b);

/* The place in the chunk of row i of the batch. */
static inline size_t lat_factor_batch_place(const lat_factor_batch *b, size_t i)
{
  size_t at = b->taken - b->rows + i;
  return b->order ? b->order[at] : at;
}

/* V (packed(M) x groups, with the batch's stride) := inv(K) of each group. */
void lat_factor_batch_inverse(const lat_factor_batch *b, double *V);

/* Numbers the patterns of missing entries in the order in which they are met, and puts the rows in
 * the order of these: b->pattern and b->order (patterns.c). Doubles of memory for it. */
size_t lat_factor_patterns_count(size_t D, size_t rows);
void lat_factor_find_patterns(lat_factor_batch *b, double *memory);

/* The same as products with a mask of zeros and ones (D x groups, lines `stride` apart), but by
 * lists of what is there or what isn't (gaps.c); for M >= LAT_FACTOR_LISTS. K (packed(M) x groups)
 * := the sum of the products of the columns that each group has. A (LAT_FACTOR_WIDE elements of all
 * D + 1 matrices at a time) += the sum of E (packed(M + 1) x groups) over the groups that have each
 * column, and over all; to ((D + 1) x packed(M + 1)) += A. */
size_t lat_factor_gaps_count(size_t D, size_t M, size_t stride);
void lat_factor_gaps_products(const lat_factor_precomputed *model, size_t groups,
                              const double *mask, size_t stride, double *K, double *memory);
void lat_factor_gaps_add(size_t D, size_t M, size_t groups, const double *mask, const double *E,
                         size_t stride, double *A, double *memory);
void lat_factor_gaps_total(size_t D, size_t M, const double *A, double *to);
/* Element t of matrix j of A. */
static inline const double *lat_factor_gaps_at(size_t D, const double *A, size_t j, size_t t)
{
  return A + (t / LAT_FACTOR_WIDE * (D + 1) + j) * LAT_FACTOR_WIDE + t % LAT_FACTOR_WIDE;
}

/* Small Cholesky factors side by side (cholesky.c): n of them, lines `stride` apart, n a multiple
 * of 8. K + noise I = L L' in place, as in lat_packed_cholesky; also the inverses of L's diagonal,
 * and the squares of it (1 for directions that are left out). */
void lat_factor_cholesky(size_t M, size_t n, size_t stride, double noise, double *K, double *pivots,
                         double *squares);
/* z (M x n) := inv(L L') z, where the next 8 factors are `step` further (0: they are the same). */
void lat_factor_cholesky_solve(size_t M, size_t n, const double *L, const double *pivots,
                               size_t L_stride, size_t step, double *z, size_t stride);
/* V (packed(M) x n) := inv(L L'). */
void lat_factor_cholesky_inverse(size_t M, size_t n, size_t stride, const double *L,
                                 const double *pivots, double *V);

/* ---- the same row by row (rows.c) ------------------------------------------------------------ */

/* A walk over a chunk of rows, and the present batch. */
typedef struct lat_factor_rows {
  const lat_factor_precomputed *model;
  lat_factor_batch batch;

  size_t rows, groups;
  const uint32_t *first;   /* group g is rows first[g] .. first[g+1]-1 */
  const double *observed;  /* groups: how many entries */
  const double *log_det;   /* groups: log|K| */
  const double *log_noise; /* groups: what else log|C| of the observed entries consists of */
  const double *square;    /* rows: |d - W z|^2 over the observed entries, by their precision */
  double *mask;            /* groups x D; when missing */
  double *factor;          /* groups x packed(M): of K */
  double *d;               /* rows x D: x - mean, and 0 for what is missing */
  double *z;               /* rows x M: posterior means of z0 */
  double *fit;             /* rows x D: W z */
} lat_factor_rows;

/* Doubles of memory for chunks of up to `rows`. */
size_t lat_factor_rows_count(size_t D, size_t M, bool missing, size_t rows);
void lat_factor_rows_begin(lat_factor_rows *r, const lat_factor_precomputed *model,
                           const lat_matrix *X, double *memory);
bool lat_factor_rows_next(lat_factor_rows *r);

/* The place in the chunk of row i of the batch. */
static inline size_t lat_factor_place(const lat_factor_rows *r, size_t i)
{
  return lat_factor_batch_place(&r->batch, i);
}

/* log p(x_o) of row i, which is in group g. */
static inline double lat_factor_density(const lat_factor_rows *r, size_t g, size_t i)
{
  (void)g;
  return r->batch.density[i];
}

/* ---- EM (bilinear.c) ------------------------------------------------------------------------- */

/* The models differ only in what the M-step makes of the noise. Row n has its own observed entries
 * o, hence its own K_n and posterior of z0; with z~ = (z0, 1) the M-step solves for each column j,
 * over the rows that observe it,
 *
 *   [w_j mean_j] = inv(sum E[z~ z~']) sum x_nj E[z~],   rest_j = sum of the expected (x_nj -
 *   w~_j'z~)^2
 *
 * The expected z0 of all rows needn't have mean 0 and covariance I, as the model says. In the wider
 * model z0 ~ N(a, R) they are what a and R become, and W z0 + mean of that is W L z0 + W a + mean
 * of this one, R = L L' (parameter expansion: Liu, Rubin, Wu, Biometrika 85, 1998). That step is
 * EM's in the wider model, so the likelihood never decreases; with little noise it saves hundreds.
 *
 * Statistics are, in order: the objective's sum, the weight, the sum of squares q of each column, A
 * = sum E[z~ z~'] (packed) of each column over the rows that observe it and then of all rows, or
 * only the latter when nothing is missing, and B = sum x E[z~]', D x (M+1). Data is taken about a
 * shift, near the mean. */
typedef struct lat_factor_sums {
  size_t D, M, T; /* T: the length of an A */
  size_t blocks;  /* how many A, but for the one of all rows */
  double *q, *A, *all, *B;
} lat_factor_sums;

size_t lat_factor_statistics_count(size_t D, size_t M, bool missing);
lat_factor_sums lat_factor_sums_of(size_t D, size_t M, bool missing, const double *statistics);

/* The statistics (of weight 1, nothing missing, about the mean) from which an M-step makes these
 * parameters again, if they are at a stationary point where W'inv(Psi)W is diagonal: there S
 * inv(Psi) W inv(K) = W and the mean of E[z0 z0'] is I. So online EM can go on from a fit by
 * moments. */
void lat_factor_statistics(const lat_factor_view *model, double objective, double *statistics);

/* The E-step. Adds the share of the rows of X, with weights or NULL; the objective is the
 * log-likelihood of what is observed or, without `density`, the squared error. Scratch is of that
 * many doubles for up to `rows` rows. */
size_t lat_factor_add_count(size_t D, size_t M, bool missing, size_t rows);
void lat_factor_add(const lat_factor_precomputed *model, const lat_matrix *X, const double *weights,
                    const double *shift, bool density, double *statistics, double *scratch);

/* A kind's own counts, of the model with sizes[LAT_D] and sizes[LAT_M]. */
size_t lat_factor_em_statistics(const lat_em *em);
size_t lat_factor_em_scratch(const lat_em *em, size_t rows);

/* The M-step but for the noise: the mean and W (in terms of z0) of `to`; and of each column the
 * rest and the weight of its entries, D each. LAT_INVALID for a column that is wholly missing. */
lat_status lat_factor_solve(lat_workspace *work, const lat_factor_sums *sums, const double *shift,
                            const lat_factor_view *to, double *rest, double *weight);

lat_status lat_factor_wholly_missing(lat_workspace *work, size_t column);

/* Behind it, the parameter expansion: mean + W a and W L become the mean and W of `to`. */
lat_status lat_factor_expand(lat_workspace *work, const lat_factor_sums *sums,
                             const lat_factor_view *to);

/* z0 becomes Q z0 (M x M, row-major): the statistics do, too. */
lat_status lat_factor_rotate(lat_workspace *work, const lat_factor_sums *sums, const double *Q);

/* ---- starts and ends of fits (start.c) ------------------------------------------------------- */

/* A start: the columns' means, also into the shift; W random, about half of the variance (of each
 * column, or of all where they share their noise); the columns' variances, 0 for constant ones.
 * LAT_INVALID for a column that is wholly missing, unless the M-step can find that out. */
lat_status lat_factor_start(lat_workspace *work, const lat_matrix *X, const double *weights,
                            bool missing, uint64_t seed, const lat_factor_view *to, double *shift,
                            double *variances);

/* What the rows weigh together. */
double lat_factor_weight(const lat_matrix *X, const double *weights);

/* The end of a fit by moments, of a model in the workspace: `f` has its parameters and sizes, and
 * the statistics that online EM goes on from; `rows` is the weight of all rows. Keeps these. */
lat_status lat_factor_solved(lat_workspace *work, const lat_factor_view *model, double objective,
                             double rows, lat_fitted *f);

#endif
