#include "em/ppca.h"

#include <math.h>

#include "em/ppca_rows.h"
#include "matrix/svd.h"
#include "projection/pca.h"

#define LOG_2PI 1.8378770664093454836
/* Of the total variance: less noise than this is rounding. */
#define NO_NOISE 1e-14

const lat_parameter lat_ppca_parameters[] = {
    {"mean", {LAT_D}}, {"W", {LAT_D, LAT_M}}, {"noise_variance", {LAT_END}}, {NULL, {LAT_END}}};

lat_ppca lat_ppca_of(double *flat, size_t D, size_t M)
{
  return (lat_ppca){D, M, flat, flat + D, flat + D + D * M};
}

size_t lat_ppca_free_parameters(size_t D, size_t M)
{
  return D + D * M + 1 - M * (M - (M > 0)) / 2;
}

static lat_status check_latent_dim(lat_workspace *work, size_t D, size_t M)
{
  if (M < D) return LAT_OK;
  return lat_fail(
      work, LAT_INVALID,
      "latent_dim is %zu and X has %zu columns; PPCA needs fewer latent dimensions than "
      "columns",
      M, D);
}

static lat_status no_noise(lat_workspace *work, size_t M)
{
  return lat_fail(
      work, LAT_SINGULAR,
      "the data has no variance outside of %zu dimensions (rows too few, or constant or "
      "collinear columns), so noise_variance is 0 and the likelihood unbounded; take a "
      "smaller latent_dim, or a PCA",
      M);
}

static lat_status wholly_missing(lat_workspace *work, size_t column)
{
  return lat_fail(work, LAT_INVALID, "column %zu of X is wholly missing", column + 1);
}

/* ---- the closed form ---------------------------------------------------------------------------- */

static lat_status from_pca(lat_workspace *work, lat_pca pca, size_t M, double *parameters,
                           double *objective)
{
  size_t D = pca.D;
  lat_ppca to = lat_ppca_of(parameters, D, M);
  double total = *pca.total_variance, rest = total, log_det = 0, offset = 0;
  for (size_t i = 0; i < M; i++) rest -= pca.eigenvalues[i];
  double s2 = rest / (double)(D - M);
  for (size_t j = 0; j < D; j++) offset = fmax(offset, fabs(pca.mean[j]));
  if (!(rest > NO_NOISE * total) || s2 <= LAT_CONSTANT * offset * LAT_CONSTANT * offset)
    return no_noise(work, M);
  memcpy(to.mean, pca.mean, D * sizeof *to.mean);
  *to.noise_variance = s2;
  for (size_t i = 0; i < M; i++) {
    double length = sqrt(fmax(pca.eigenvalues[i] - s2, 0));
    for (size_t j = 0; j < D; j++) to.W[j * M + i] = length * pca.components[j * pca.M + i];
    log_det += log(pca.eigenvalues[i]);
  }
  *objective = -0.5 * (((double)D) * (LOG_2PI + 1) + log_det + (double)(D - M) * log(s2));
  return LAT_OK;
}

static lat_pca_options pca_options(size_t M)
{
  return (lat_pca_options){.latent_dim = M ? M : 1, .tolerance = 1e-10};
}

lat_status lat_ppca_fit(lat_workspace *work, const lat_matrix *X, const double *weights, size_t M,
                        double *parameters, double *objective)
{
  LAT_TRY(check_latent_dim(work, X->cols, M));
  lat_mark mark = lat_workspace_mark(work);
  lat_pca_options options = pca_options(M);
  lat_pca_record record;
  double *flat;
  size_t found;
  LAT_TRY(lat_pca_fit(work, X, weights, &options, &flat, &found, &record));
  LAT_TRY(from_pca(work, lat_pca_of(flat, X->cols, found), M, parameters, objective));
  lat_workspace_release(work, mark);
  return LAT_OK;
}

lat_status lat_ppca_from_moments(lat_workspace *work, const lat_moments *moments, size_t M,
                                 double *parameters, double *objective)
{
  size_t D = moments->dimensions, found;
  LAT_TRY(check_latent_dim(work, D, M));
  lat_mark mark = lat_workspace_mark(work);
  lat_pca_options options = pca_options(M);
  double *flat;
  LAT_TRY(lat_pca_from_moments(work, moments, &options, &flat, &found));
  LAT_TRY(from_pca(work, lat_pca_of(flat, D, found), M, parameters, objective));
  lat_workspace_release(work, mark);
  return LAT_OK;
}

/* ---- statistics ----------------------------------------------------------------------------------- */

/* objective, weight, the sum of squares q; then A = sum E[z~ z~'], packed, of each column over the
 * rows that observe it, or one for all when nothing is missing; then B = sum x E[z~]', D x (M+1). */
typedef struct sums {
  size_t D, M, T; /* T: the length of an A */
  size_t blocks;  /* how many A */
  double *q, *A, *B;
} sums;

enum { HEAD = 3 };

size_t lat_ppca_statistics_count(size_t D, size_t M, bool missing)
{
  return HEAD + (missing ? D : 1) * lat_packed_count(M + 1) + D * (M + 1);
}

static sums sums_of(size_t D, size_t M, bool missing, const double *statistics)
{
  sums s = {.D = D, .M = M, .T = lat_packed_count(M + 1), .blocks = missing ? D : 1};
  s.q = (double *)statistics + HEAD - 1;
  s.A = s.q + 1;
  s.B = s.A + s.blocks * s.T;
  return s;
}

/* At the closed form S W inv(K) = W and sum E[z z']/N = I, so the statistics are W and I again. */
void lat_ppca_statistics(const lat_ppca *ppca, double objective, double *statistics)
{
  size_t D = ppca->D, M = ppca->M;
  sums s = sums_of(D, M, false, statistics);
  memset(statistics, 0, lat_ppca_statistics_count(D, M, false) * sizeof *statistics);
  statistics[0] = objective;
  statistics[1] = 1;
  *s.q = (double)D * *ppca->noise_variance;
  for (size_t i = 0; i <= M; i++) s.A[lat_packed_count(i + 1) - 1] = 1;
  for (size_t j = 0; j < D; j++)
    for (size_t i = 0; i < M; i++) {
      double w = ppca->W[j * M + i];
      s.B[j * (M + 1) + i] = w;
      *s.q += w * w;
    }
}

/* ---- the E-step ------------------------------------------------------------------------------------- */

/* A worker's memory behind that of its walk. */
typedef struct adder {
  const lat_ppca_rows *r;
  sums to;
  bool limit;
  const double *weights, *shift;
  double *z1;      /* rows x (M+1): weight times z~ */
  double *A;       /* groups x T */
  double *square;  /* (M+1) x M */
  double *inverse; /* packed(M) */
  double *line;    /* M */
} adder;

static size_t adder_count(size_t M, size_t batch, bool missing)
{
  return batch * (M + 1) + (missing ? batch : 1) * lat_packed_count(M + 1) + (M + 1) * M +
         lat_packed_count(M) + M;
}

/* A of a group: the sum of weight times (z~ z~' + V), where V = s2 inv(K) for z and 0 for the 1. */
static void add_group(const adder *a, size_t g, double *statistics)
{
  const lat_ppca_rows *r = a->r;
  size_t M = a->to.M, n = r->first[g + 1] - r->first[g], T = lat_packed_count(M);
  double *A = a->A + g * a->to.T, weight = 0, objective = 0;
  for (size_t i = r->first[g]; i < r->first[g + 1]; i++) {
    double w = a->weights ? a->weights[lat_ppca_place(r, i)] : 1;
    double *z1 = a->z1 + i * (M + 1);
    for (size_t m = 0; m < M; m++) z1[m] = w * r->z[i * M + m];
    z1[M] = w;
    weight += w;
    objective += w * (a->limit ? r->square[i] : lat_ppca_density(r, g, i));
  }
  const double *z1 = a->z1 + r->first[g] * (M + 1), *z = r->z + r->first[g] * M;
  if (n > 1) lat_ppca_multiply(true, false, M + 1, M, n, z1, z, 0, a->square);
  for (size_t i = 0, at = 0; i <= M; i++) {
    for (size_t j = 0; j < M && j <= i; j++, at++)
      A[at] = n > 1 ? a->square[i * M + j] : z1[i] * z[j];
    if (i == M) A[at] = weight;
  }
  if (!a->limit && M > 0) {
    lat_packed_inverse(M, r->factor + g * T, a->inverse, a->line);
    for (size_t i = 0; i < T; i++) A[i] += weight * r->frame->noise * a->inverse[i];
  }
  statistics[0] += objective;
  statistics[1] += weight;
}

/* d := x - shift, 0 where missing, and its weighted sum of squares. */
static double about_shift(const adder *a, size_t g, size_t i)
{
  const lat_ppca_rows *r = a->r;
  const double *mask = r->frame->missing ? r->mask + g * a->to.D : NULL;
  double *d = r->d + i * a->to.D, sum = 0;
  for (size_t j = 0; j < a->to.D; j++) {
    d[j] += (r->frame->mean[j] - a->shift[j]) * (mask ? mask[j] : 1);
    sum += d[j] * d[j];
  }
  return a->z1[i * (a->to.M + 1) + a->to.M] * sum;
}

static void add_batch(const adder *a, double *statistics)
{
  const lat_ppca_rows *r = a->r;
  const sums *s = &a->to;
  for (size_t g = 0; g < r->groups; g++) {
    add_group(a, g, statistics);
    for (size_t i = r->first[g]; i < r->first[g + 1]; i++) *s->q += about_shift(a, g, i);
  }
  if (s->blocks > 1 || r->frame->missing)
    lat_ppca_multiply(true, false, s->D, s->T, r->groups, r->mask, a->A, 1, s->A);
  else
    for (size_t i = 0; i < s->T; i++) s->A[i] += a->A[i];
  lat_ppca_multiply(true, false, s->D, s->M + 1, r->rows, r->d, a->z1, 1, s->B);
}

static void add_chunk(const lat_em *em, const lat_em_chunk *chunk, double *statistics,
                      double *scratch, bool limit)
{
  size_t D = em->sizes[LAT_D], M = em->sizes[LAT_M], rows = chunk->X.rows;
  bool missing = em->options.missing;
  lat_ppca ppca = lat_ppca_of(em->parameters, D, M);
  lat_ppca_frame frame = lat_ppca_frame_of(&ppca, missing, em->derived);
  lat_ppca_rows r;
  size_t batch = lat_ppca_batch(M, missing, rows);
  adder a = {.r = &r,
             .to = sums_of(D, M, missing, statistics),
             .limit = limit,
             .weights = chunk->weights,
             .shift = ((const lat_ppca_model *)em->model)->shift};
  a.z1 = scratch + lat_ppca_rows_count(D, M, missing, rows);
  a.A = a.z1 + batch * (M + 1);
  a.square = a.A + (missing ? batch : 1) * a.to.T;
  a.inverse = a.square + (M + 1) * M;
  a.line = a.inverse + lat_packed_count(M);
  lat_ppca_rows_begin(&r, &frame, &chunk->X, scratch);
  while (lat_ppca_rows_next(&r)) add_batch(&a, statistics);
}

static void e_step(const lat_em *em, const lat_em_chunk *chunk, double *statistics, double *scratch)
{
  add_chunk(em, chunk, statistics, scratch, false);
}

static void limit_e_step(const lat_em *em, const lat_em_chunk *chunk, double *statistics,
                         double *scratch)
{
  add_chunk(em, chunk, statistics, scratch, true);
}

static size_t count_statistics(const lat_em *em)
{
  return lat_ppca_statistics_count(em->sizes[LAT_D], em->sizes[LAT_M], em->options.missing);
}

static size_t count_derived(const lat_em *em)
{
  return lat_ppca_frame_count(em->sizes[LAT_D], em->sizes[LAT_M], em->options.missing);
}

static size_t count_scratch(const lat_em *em, size_t rows)
{
  size_t D = em->sizes[LAT_D], M = em->sizes[LAT_M];
  bool missing = em->options.missing;
  return lat_ppca_rows_count(D, M, missing, rows) +
         adder_count(M, lat_ppca_batch(M, missing, rows), missing);
}

static lat_status prepare(lat_em *em, const double *parameters, double *derived)
{
  lat_ppca ppca = lat_ppca_of((double *)parameters, em->sizes[LAT_D], em->sizes[LAT_M]);
  lat_ppca_frame_fill(&ppca, em->options.missing, derived);
  return LAT_OK;
}

/* ---- the M-step -------------------------------------------------------------------------------------- */

/* w~_j = inv(A_j) b_j for every column; the weight of all observed entries and what of q it
 * explains. */
static lat_status solve_columns(lat_workspace *work, const sums *s, const double *shift,
                                lat_ppca *to, double *weight, double *explained)
{
  size_t M = s->M;
  double *L = lat_doubles(work, s->T), *w = lat_doubles(work, M + 1);
  if (!L || !w) return LAT_MEMORY;
  *weight = *explained = 0;
  for (size_t j = 0; j < s->D; j++) {
    const double *A = s->A + (s->blocks > 1 ? j * s->T : 0), *b = s->B + j * (M + 1);
    if (!(A[s->T - 1] > 0)) return wholly_missing(work, j);
    if (j == 0 || s->blocks > 1) {
      memcpy(L, A, s->T * sizeof *L);
      lat_packed_cholesky(M + 1, L, NULL);
    }
    memcpy(w, b, (M + 1) * sizeof *w);
    lat_packed_solve(M + 1, L, w);
    memcpy(to->W + j * M, w, M * sizeof *w);
    to->mean[j] = shift[j] + w[M];
    *weight += A[s->T - 1];
    for (size_t i = 0; i <= M; i++) *explained += w[i] * b[i];
  }
  return LAT_OK;
}

static lat_status solve(lat_em *em, const double *statistics, double *parameters, bool limit)
{
  lat_workspace *work = em->work;
  lat_mark mark = lat_workspace_mark(work);
  size_t M = em->sizes[LAT_M];
  sums s = sums_of(em->sizes[LAT_D], M, em->options.missing, statistics);
  lat_ppca to = lat_ppca_of(parameters, s.D, M);
  double weight, explained;
  const lat_ppca_model *model = em->model;
  LAT_TRY(solve_columns(work, &s, model->shift, &to, &weight, &explained));
  double rest = *s.q - explained;
  if (!limit && !(rest > NO_NOISE * *s.q)) return no_noise(work, M);
  *to.noise_variance = limit ? 0 : rest / weight;
  lat_workspace_release(work, mark);
  return LAT_OK;
}

static lat_status m_step(lat_em *em, const double *statistics, double *parameters)
{
  return solve(em, statistics, parameters, false);
}

static lat_status limit_m_step(lat_em *em, const double *statistics, double *parameters)
{
  return solve(em, statistics, parameters, true);
}

/* Along a line of acceleration the noise variance may have become negative. */
static bool feasible(const lat_em *em, double *parameters)
{
  return *lat_ppca_of(parameters, em->sizes[LAT_D], em->sizes[LAT_M]).noise_variance > 0;
}

const lat_em_kind lat_ppca_kind = {.name = "ppca",
                                   .parameters = lat_ppca_parameters,
                                   .statistics = count_statistics,
                                   .derived = count_derived,
                                   .scratch = count_scratch,
                                   .prepare = prepare,
                                   .e_step = e_step,
                                   .m_step = m_step,
                                   .feasible = feasible};

const lat_em_kind lat_ppca_limit_kind = {.name = "ppca",
                                         .parameters = lat_ppca_parameters,
                                         .descends = true,
                                         .statistics = count_statistics,
                                         .derived = count_derived,
                                         .scratch = count_scratch,
                                         .prepare = prepare,
                                         .e_step = limit_e_step,
                                         .m_step = limit_m_step};

/* ---- before and after ------------------------------------------------------------------------------- */

lat_status lat_ppca_start(lat_workspace *work, const lat_matrix *X, const double *weights,
                          bool missing, bool limit, size_t M, uint64_t seed,
                          const lat_ppca_model *model, double *parameters)
{
  enum { STREAM = 0x70706361 };
  size_t D = X->cols, count = lat_column_moments_count(D);
  LAT_TRY(check_latent_dim(work, D, M));
  lat_mark mark = lat_workspace_mark(work);
  double *memory = lat_doubles(work, count), variance = 0;
  if (!memory) return LAT_MEMORY;
  memset(memory, 0, count * sizeof *memory);
  lat_column_moments m = lat_column_moments_of(memory, D);
  LAT_TRY(lat_column_moments_add(work, &m, X, weights, missing));
  lat_ppca to = lat_ppca_of(parameters, D, M);
  for (size_t j = 0; j < D; j++) {
    to.mean[j] = model->shift[j] = m.mean[j];
    double deviation = m.weight[j] > 0 ? sqrt(m.scatter[j] / m.weight[j]) : 0;
    if (deviation > LAT_CONSTANT * fabs(m.mean[j])) variance += deviation * deviation / (double)D;
  }
  for (size_t j = 0; !(variance > 0) && j < D; j++)
    if (!(m.weight[j] > 0)) return wholly_missing(work, j);
  if (!(variance > 0) && !limit) return no_noise(work, M);
  lat_random random = {seed, STREAM, 0};
  double scale = sqrt(variance / 2 / (double)(M ? M : 1));
  lat_random_fill_normal(&random, D * M, to.W);
  for (size_t i = 0; i < D * M; i++) to.W[i] *= scale;
  *to.noise_variance = limit ? 0 : variance / 2;
  lat_workspace_release(work, mark);
  return LAT_OK;
}

/* Dense from packed, and with one more dimension that `turn` leaves alone: statistics of z~ when z
 * becomes B z. */
static lat_status turn_statistics(lat_workspace *work, const sums *s, const double *B)
{
  size_t n = s->M + 1;
  double *turn = lat_doubles(work, n * n), *A = lat_doubles(work, n * n);
  double *half = lat_doubles(work, n * n), *b = lat_doubles(work, s->D * n);
  if (!turn || !A || !half || !b) return LAT_MEMORY;
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < n; j++)
      turn[i * n + j] = i < s->M && j < s->M ? B[i * s->M + j] : i == j ? 1 : 0;
  for (size_t k = 0; k < s->blocks; k++) {
    double *packed = s->A + k * s->T;
    for (size_t i = 0, at = 0; i < n; i++)
      for (size_t j = 0; j <= i; j++, at++) A[i * n + j] = A[j * n + i] = packed[at];
    lat_ppca_multiply(false, false, n, n, n, turn, A, 0, half);
    lat_ppca_multiply(false, true, n, n, n, half, turn, 0, A);
    for (size_t i = 0, at = 0; i < n; i++)
      for (size_t j = 0; j <= i; j++, at++) packed[at] = A[i * n + j];
  }
  memcpy(b, s->B, s->D * n * sizeof *b);
  lat_ppca_multiply(false, true, s->D, n, n, b, turn, 0, s->B);
  return LAT_OK;
}

/* L with L L' = the mean of E[z z'], dense; the identity where that isn't known. */
static void spread(const sums *s, bool known, double *packed, double *L)
{
  size_t M = s->M;
  double weight = 0;
  memset(packed, 0, s->T * sizeof *packed);
  for (size_t k = 0; known && k < s->blocks; k++) {
    for (size_t i = 0; i < lat_packed_count(M); i++) packed[i] += s->A[k * s->T + i];
    weight += s->A[k * s->T + s->T - 1];
  }
  for (size_t i = 0; known && i < lat_packed_count(M); i++) packed[i] /= weight;
  known = known && lat_packed_cholesky(M, packed, NULL) == 0;
  for (size_t i = 0; i < M; i++)
    for (size_t j = 0; j < M; j++)
      L[i * M + j] = known ? (j <= i ? packed[lat_packed_count(i) + j] : 0) : (i == j);
}

/* With W L = U s V' (L = I but in the limit) the new W is U s = W (L V), and so z becomes
 * V' inv(L) z. */
lat_status lat_ppca_canonical(lat_workspace *work, size_t D, size_t M, bool missing, bool limit,
                              double *parameters, double *statistics)
{
  if (M == 0) return LAT_OK;
  lat_mark mark = lat_workspace_mark(work);
  double *W = lat_ppca_of(parameters, D, M).W;
  double *packed = lat_doubles(work, lat_packed_count(M + 1)), *L = lat_doubles(work, M * M);
  lat_matrix WL = lat_matrix_new(work, D, M), U = lat_matrix_new(work, D, M);
  lat_matrix V = lat_matrix_new(work, M, M), s = lat_matrix_new(work, M, 1);
  if (!packed || !L || !WL.data || !U.data || !V.data || !s.data) return LAT_MEMORY;
  sums sum = sums_of(D, M, missing, statistics);
  spread(&sum, limit && statistics, packed, L);
  lat_ppca_multiply(false, false, D, M, M, W, L, 0, WL.data);
  lat_matrix turned = lat_transpose(WL); /* so that the signs are fixed by U */
  LAT_TRY(lat_svd(work, &turned, &V, s, &U));
  for (size_t j = 0; j < D; j++)
    for (size_t i = 0; i < M; i++) W[j * M + i] = lat_get(&U, j, i) * lat_get(&s, i, 0);
  if (statistics) {
    double *v = V.data;
    for (size_t i = 0; i < M;
         i++) { /* V := inv(L') V by back substitution, whose transpose it is */
      for (size_t r = M; r-- > 0;) {
        double x = v[r * M + i];
        for (size_t k = r + 1; k < M; k++) x -= L[k * M + r] * v[k * M + i];
        v[r * M + i] = x / L[r * M + r];
      }
    }
    lat_matrix Bt = lat_transpose(V), B = lat_matrix_new(work, M, M);
    if (!B.data) return LAT_MEMORY;
    lat_copy(&Bt, &B);
    LAT_TRY(turn_statistics(work, &sum, B.data));
  }
  lat_workspace_release(work, mark);
  return LAT_OK;
}
