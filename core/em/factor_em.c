#include "em/factor_em.h"

#include <math.h>

#include "matrix/moments.h"

lat_status lat_factor_wholly_missing(lat_workspace *work, size_t column)
{
  return lat_fail(work, LAT_INVALID, "column %zu of X is wholly missing", column + 1);
}

/* ---- statistics ----------------------------------------------------------------------------------- */

enum { HEAD = 2 };

size_t lat_factor_statistics_count(size_t D, size_t M, bool missing)
{
  return HEAD + D + (missing ? D : 1) * lat_packed_count(M + 1) + D * (M + 1);
}

lat_factor_sums lat_factor_sums_of(size_t D, size_t M, bool missing, const double *statistics)
{
  lat_factor_sums s = {.D = D, .M = M, .T = lat_packed_count(M + 1), .blocks = missing ? D : 1};
  s.q = (double *)statistics + HEAD;
  s.A = s.q + D;
  s.B = s.A + s.blocks * s.T;
  return s;
}

/* B := W L, or W; A is only scratch here. */
static void put_loadings(const lat_factor_model *model, const lat_factor_sums *s)
{
  size_t M = model->M;
  double *L = model->correlations ? s->A : NULL;
  for (size_t i = 0, at = 0; L && i < M; i++)
    for (size_t j = 0; j <= i; j++) L[at++] = model->correlations[i * M + j];
  if (L) lat_packed_cholesky(M, L, NULL);
  for (size_t j = 0; j < model->D; j++)
    for (size_t b = 0; b < M; b++) {
      const double *w = model->W + j * M;
      double sum = 0;
      for (size_t a = b; L && a < M; a++) sum += w[a] * L[lat_packed_count(a) + b];
      s->B[j * (M + 1) + b] = L ? sum : w[b];
    }
}

void lat_factor_statistics(const lat_factor_model *model, double objective, double *statistics)
{
  size_t D = model->D, M = model->M;
  lat_factor_sums s = lat_factor_sums_of(D, M, false, statistics);
  memset(statistics, 0, lat_factor_statistics_count(D, M, false) * sizeof *statistics);
  statistics[0] = objective;
  statistics[1] = 1;
  put_loadings(model, &s);
  memset(s.A, 0, s.T * sizeof *s.A);
  for (size_t i = 0; i <= M; i++) s.A[lat_packed_count(i + 1) - 1] = 1;
  for (size_t j = 0; j < D; j++) {
    s.q[j] = model->noise_variances[model->shared ? 0 : j];
    for (size_t i = 0; i < M; i++) s.q[j] += s.B[j * (M + 1) + i] * s.B[j * (M + 1) + i];
  }
}

lat_status lat_factor_turn(lat_workspace *work, const lat_factor_sums *s, const double *Q)
{
  size_t n = s->M + 1;
  lat_mark mark = lat_workspace_mark(work);
  double *turn = lat_doubles(work, n * n), *A = lat_doubles(work, n * n);
  double *half = lat_doubles(work, n * n), *b = lat_doubles(work, s->D * n);
  if (!turn || !A || !half || !b) return LAT_MEMORY;
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < n; j++)
      turn[i * n + j] = i < s->M && j < s->M ? Q[i * s->M + j] : i == j ? 1 : 0;
  for (size_t k = 0; k < s->blocks; k++) {
    double *packed = s->A + k * s->T;
    for (size_t i = 0, at = 0; i < n; i++)
      for (size_t j = 0; j <= i; j++, at++) A[i * n + j] = A[j * n + i] = packed[at];
    lat_factor_multiply(false, false, n, n, n, turn, A, 0, half);
    lat_factor_multiply(false, true, n, n, n, half, turn, 0, A);
    for (size_t i = 0, at = 0; i < n; i++)
      for (size_t j = 0; j <= i; j++, at++) packed[at] = A[i * n + j];
  }
  memcpy(b, s->B, s->D * n * sizeof *b);
  lat_factor_multiply(false, true, s->D, n, n, b, turn, 0, s->B);
  lat_workspace_release(work, mark);
  return LAT_OK;
}

/* ---- the E-step ------------------------------------------------------------------------------------- */

/* The memory behind that of the walk. */
typedef struct adder {
  const lat_factor_rows *r;
  lat_factor_sums to;
  bool density;
  const double *weights, *shift;
  double *z1;      /* rows x (M+1): weight times z~ */
  double *A;       /* groups x T */
  double *square;  /* (M+1) x M */
  double *inverse; /* packed(M) */
  double *line;    /* M */
} adder;

size_t lat_factor_add_count(size_t D, size_t M, bool missing, size_t rows)
{
  size_t batch = lat_factor_batch(M, missing, rows);
  return lat_factor_rows_count(D, M, missing, rows) + batch * (M + 1) +
         (missing ? batch : 1) * lat_packed_count(M + 1) + (M + 1) * M + lat_packed_count(M) + M;
}

/* A of a group: the sum of weight times (z~ z~' + V), where V = noise inv(K) for z0 and 0 for the 1. */
static void add_group(const adder *a, size_t g, double *statistics)
{
  const lat_factor_rows *r = a->r;
  size_t M = a->to.M, n = r->first[g + 1] - r->first[g], T = lat_packed_count(M);
  double *A = a->A + g * a->to.T, weight = 0, objective = 0;
  for (size_t i = r->first[g]; i < r->first[g + 1]; i++) {
    double w = a->weights ? a->weights[lat_factor_place(r, i)] : 1;
    double *z1 = a->z1 + i * (M + 1);
    for (size_t m = 0; m < M; m++) z1[m] = w * r->z[i * M + m];
    z1[M] = w;
    weight += w;
    objective += w * (a->density ? lat_factor_density(r, g, i) : r->square[i]);
  }
  const double *z1 = a->z1 + r->first[g] * (M + 1), *z = r->z + r->first[g] * M;
  if (n > 1) lat_factor_multiply(true, false, M + 1, M, n, z1, z, 0, a->square);
  for (size_t i = 0, at = 0; i <= M; i++) {
    for (size_t j = 0; j < M && j <= i; j++, at++)
      A[at] = n > 1 ? a->square[i * M + j] : z1[i] * z[j];
    if (i == M) A[at] = weight;
  }
  if (a->density && M > 0) {
    lat_packed_inverse(M, r->factor + g * T, a->inverse, a->line);
    for (size_t i = 0; i < T; i++) A[i] += weight * r->frame->noise * a->inverse[i];
  }
  statistics[0] += objective;
  statistics[1] += weight;
}

/* d := x - shift, 0 where missing; adds its weighted squares. */
static void about_shift(const adder *a, size_t g, size_t i)
{
  const lat_factor_rows *r = a->r;
  const double *mask = r->frame->missing ? r->mask + g * a->to.D : NULL;
  double *d = r->d + i * a->to.D, weight = a->z1[i * (a->to.M + 1) + a->to.M];
  for (size_t j = 0; j < a->to.D; j++) {
    d[j] += (r->frame->mean[j] - a->shift[j]) * (mask ? mask[j] : 1);
    a->to.q[j] += weight * (d[j] * d[j]);
  }
}

static void add_batch(const adder *a, double *statistics)
{
  const lat_factor_rows *r = a->r;
  const lat_factor_sums *s = &a->to;
  for (size_t g = 0; g < r->groups; g++) {
    add_group(a, g, statistics);
    for (size_t i = r->first[g]; i < r->first[g + 1]; i++) about_shift(a, g, i);
  }
  if (r->frame->missing)
    lat_factor_multiply(true, false, s->D, s->T, r->groups, r->mask, a->A, 1, s->A);
  else
    for (size_t i = 0; i < s->T; i++) s->A[i] += a->A[i];
  lat_factor_multiply(true, false, s->D, s->M + 1, r->rows, r->d, a->z1, 1, s->B);
}

void lat_factor_add(const lat_factor_frame *frame, const lat_matrix *X, const double *weights,
                    const double *shift, bool density, double *statistics, double *scratch)
{
  size_t D = frame->D, M = frame->M, batch = lat_factor_batch(M, frame->missing, X->rows);
  lat_factor_rows r;
  adder a = {.r = &r,
             .to = lat_factor_sums_of(D, M, frame->missing, statistics),
             .density = density,
             .weights = weights,
             .shift = shift};
  a.z1 = scratch + lat_factor_rows_count(D, M, frame->missing, X->rows);
  a.A = a.z1 + batch * (M + 1);
  a.square = a.A + (frame->missing ? batch : 1) * a.to.T;
  a.inverse = a.square + (M + 1) * M;
  a.line = a.inverse + lat_packed_count(M);
  lat_factor_rows_begin(&r, frame, X, scratch);
  while (lat_factor_rows_next(&r)) add_batch(&a, statistics);
}

/* ---- the M-step -------------------------------------------------------------------------------------- */

lat_status lat_factor_solve(lat_workspace *work, const lat_factor_sums *s, const double *shift,
                            const lat_factor_model *to, double *rest, double *weight)
{
  size_t M = s->M;
  lat_mark mark = lat_workspace_mark(work);
  double *L = lat_doubles(work, s->T), *w = lat_doubles(work, M + 1);
  if (!L || !w) return LAT_MEMORY;
  for (size_t j = 0; j < s->D; j++) {
    const double *A = s->A + (s->blocks > 1 ? j * s->T : 0), *b = s->B + j * (M + 1);
    if (!(A[s->T - 1] > 0)) return lat_factor_wholly_missing(work, j);
    if (j == 0 || s->blocks > 1) {
      memcpy(L, A, s->T * sizeof *L);
      lat_packed_cholesky(M + 1, L, NULL);
    }
    memcpy(w, b, (M + 1) * sizeof *w);
    lat_packed_solve(M + 1, L, w);
    memcpy(to->W + j * M, w, M * sizeof *w);
    to->mean[j] = shift[j] + w[M];
    weight[j] = A[s->T - 1];
    rest[j] = s->q[j];
    for (size_t i = 0; i <= M; i++) rest[j] -= w[i] * b[i];
  }
  lat_workspace_release(work, mark);
  return LAT_OK;
}

/* ---- a start ------------------------------------------------------------------------------------------ */

lat_status lat_factor_start(lat_workspace *work, const lat_matrix *X, const double *weights,
                            bool missing, uint64_t seed, const lat_factor_model *to, double *shift,
                            double *variances)
{
  enum { STREAM = 0x70706361 };
  size_t D = X->cols, M = to->M, count = lat_column_moments_count(D);
  lat_mark mark = lat_workspace_mark(work);
  double *memory = lat_doubles(work, count), mean = 0;
  if (!memory) return LAT_MEMORY;
  memset(memory, 0, count * sizeof *memory);
  lat_column_moments m = lat_column_moments_of(memory, D);
  LAT_TRY(lat_column_moments_add(work, &m, X, weights, missing));
  for (size_t j = 0; j < D; j++) {
    to->mean[j] = shift[j] = m.mean[j];
    double deviation = m.weight[j] > 0 ? sqrt(m.scatter[j] / m.weight[j]) : 0;
    variances[j] = deviation > LAT_CONSTANT * fabs(m.mean[j]) ? deviation * deviation : 0;
    mean += variances[j] / (double)D;
  }
  for (size_t j = 0; !(to->shared && mean > 0) && j < D; j++)
    if (!(m.weight[j] > 0)) return lat_factor_wholly_missing(work, j);
  lat_random random = {seed, STREAM, 0};
  lat_random_fill_normal(&random, D * M, to->W);
  for (size_t i = 0; i < D * M; i++)
    to->W[i] *= sqrt((to->shared ? mean : variances[i / M]) / 2 / (double)M);
  lat_workspace_release(work, mark);
  return LAT_OK;
}
