/* lds/em.c: the E-step of linear dynamical systems, a sequence at a time. */
#include "em/lds/em.h"

/* ---- missing entries ---------------------------------------------------------------------------- */

size_t lat_lds_gap_count(size_t D)
{
  return D + 4 * D * D + D;
}

void lat_lds_gap_init(lat_lds_gap *gap, size_t D, double *memory)
{
  *gap = (lat_lds_gap){.index = (size_t *)memory};
  gap->gain = memory + D;
  gap->rest = gap->gain + D * D;
  gap->work = gap->rest + D * D;
}

void lat_lds_gap_fill(lat_lds_gap *gap, const lat_lds_frame *f, const double *R)
{
  size_t D = f->D, p = f->count, m = 0;
  for (size_t i = 0, k = 0; i < D; i++) {
    if (k < p && f->index[k] == i)
      k++;
    else
      gap->index[m++] = i;
  }
  gap->missing = m;
  /* W := inv(L) R_om; gain' = inv(L') W, rest = R_mm - W'W */
  double *U = gap->work, *W = U + p * p, *inverse = W + p * m;
  memcpy(U, f->R, p * p * sizeof *U);
  for (size_t k = 0; k < p; k++)
    for (size_t j = 0; j < m; j++) W[k * m + j] = R[f->index[k] * D + gap->index[j]];
  lat_lds_cholesky(p, U, inverse, 1e-14);
  lat_lds_solve_lower(p, m, U, inverse, W);
  for (size_t i = 0; i < m; i++)
    for (size_t j = 0; j < m; j++) gap->rest[i * m + j] = R[gap->index[i] * D + gap->index[j]];
  lat_lds_multiply_symmetric(m, p, W, 1, m, W, LDS_SUBTRACT, gap->rest);
  lat_lds_solve_upper(p, m, U, inverse, W);
  lat_lds_transpose(p, m, W, gap->gain);
}

/* ---- statistics ----------------------------------------------------------------------------------- */

size_t lat_lds_statistics_count(size_t M, size_t D, size_t U)
{
  size_t X = M + U;
  return LDS_HEAD + M + M * M + X * X + M * X + M * M + X * X + D * X + D * D;
}

lat_lds_sums lat_lds_sums_of(const size_t sizes[LAT_SIZES], const double *statistics)
{
  size_t M = sizes[LAT_M], D = sizes[LAT_D], U = sizes[LAT_U], X = M + U;
  lat_lds_sums s = {.head = (double *)statistics};
  s.first = s.head + LDS_HEAD;
  s.first_square = s.first + M;
  s.moves = (lat_lds_regression){.n = M, .X = X};
  s.moves.xx = s.first_square + M * M;
  s.moves.dx = s.moves.xx + X * X;
  s.moves.dd = s.moves.dx + M * X;
  s.outputs = (lat_lds_regression){.n = D, .X = X};
  s.outputs.xx = s.moves.dd + M * M;
  s.outputs.dx = s.outputs.xx + X * X;
  s.outputs.dd = s.outputs.dx + D * X;
  return s;
}

/* ---- the E-step -------------------------------------------------------------------------------------- */

/* What accumulates over a sequence; covariances by themselves, since where A and C are constant one
 * product of their sum does for all steps. */
typedef struct adder {
  lat_lds_pass *pass;
  lat_lds_sums to;
  lat_lds_gap gap;
  size_t X;
  double *now, *before, *lag; /* sums of covariances: of z_t, of z_{t-1}, of both */
  double *seen;               /* sum of covariances of z_t where all of y_t is there */
  double *x, *d, *r;          /* X, M, D */
  double *full;               /* D x X */
  double *work;               /* 2 widest^2 */
} adder;

static size_t widest_of(size_t M, size_t D)
{
  return M > D ? M : D;
}

static size_t adder_count(size_t M, size_t D, size_t U)
{
  size_t X = M + U, widest = widest_of(M, D);
  return lat_lds_gap_count(D) + 4 * M * M + X + M + D + D * X + D * D + 3 * widest * widest;
}

static adder adder_of(lat_lds_pass *pass, const lat_em *em, double *statistics, double *memory)
{
  size_t M = pass->M, D = pass->D, X = M + pass->U;
  adder a = {.pass = pass, .to = lat_lds_sums_of(em->sizes, statistics), .X = X};
  lat_lds_gap_init(&a.gap, D, memory);
  a.now = memory + lat_lds_gap_count(D);
  a.before = a.now + M * M;
  a.lag = a.before + M * M;
  a.seen = a.lag + M * M;
  a.x = a.seen + M * M;
  a.d = a.x + X;
  a.r = a.d + M;
  a.full = a.r + D;
  a.work = a.full + D * X + D * D;
  memset(a.now, 0, 4 * M * M * sizeof *a.now);
  return a;
}

/* S (n x m) += a b' */
LAT_INLINE void add_outer(size_t n, size_t m, const double *a, const double *b, double *S)
{
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < m; j++) S[i * m + j] += a[i] * b[j];
}

LAT_INLINE void add(size_t n, const double *from, double *to)
{
  for (size_t i = 0; i < n; i++) to[i] += from[i];
}

/* The first M columns of S (n x X) += or -= P (n x M). */
static void add_columns(size_t n, size_t M, size_t X, double sign, const double *P, double *S)
{
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < M; j++) S[i * X + j] += sign * P[i * M + j];
}

/* The covariances of transitions by A: of x; of d with z_{t-1}, V = lag - A before; and of d,
 * now - lag A' - A V'. */
static void flush_moves(adder *a, const double *A)
{
  size_t M = a->pass->M;
  double *At = a->work, *Vt = At + M * M, *dd = a->to.moves.dd;
  lat_lds_transpose(M, M, A, At);
  add_columns(M, M, a->X, 1, a->before, a->to.moves.xx);
  add(M * M, a->now, dd);
  lat_lds_multiply(M, M, M, a->lag, M, 1, At, LDS_SUBTRACT, dd);
  lat_lds_multiply(M, M, M, A, M, 1, a->before, LDS_SUBTRACT, a->lag);
  lat_lds_transpose(M, M, a->lag, Vt);
  lat_lds_multiply(M, M, M, A, M, 1, Vt, LDS_SUBTRACT, dd);
  add_columns(M, M, a->X, 1, a->lag, a->to.moves.dx);
  memset(a->now, 0, 3 * M * M * sizeof *a->now);
}

/* The covariances of complete rows: of z; of r with z, -C seen; of r, C seen C'. */
static void flush_outputs(adder *a, const double *C)
{
  size_t M = a->pass->M, D = a->pass->D;
  double *Ct = a->work, *CP = a->full;
  lat_lds_transpose(D, M, C, Ct);
  lat_lds_multiply(D, M, M, C, M, 1, a->seen, LDS_SET, CP);
  add_columns(M, M, a->X, 1, a->seen, a->to.outputs.xx);
  add_columns(D, M, a->X, -1, CP, a->to.outputs.dx);
  lat_lds_multiply(D, D, M, CP, M, 1, Ct, LDS_ADD, a->to.outputs.dd);
  memset(a->seen, 0, M * M * sizeof *a->seen);
}

static void set_x(adder *a, size_t t, size_t state)
{
  const lat_lds_pass *pass = a->pass;
  memcpy(a->x, pass->smoothed_means + state * pass->M, pass->M * sizeof *a->x);
  if (pass->U) memcpy(a->x + pass->M, pass->sequence->U + t * pass->U, pass->U * sizeof *a->x);
}

/* The transition to t >= 1. */
LAT_CLONES static void add_move(adder *a, size_t t)
{
  const lat_lds_pass *pass = a->pass;
  size_t M = pass->M, square = M * M;
  const double *mean = pass->smoothed_means + t * M;
  set_x(a, t, t - 1);
  memcpy(a->d, mean, M * sizeof *a->d);
  lat_lds_apply(M, M, lat_lds_at(pass->lds->A, t), mean - M, LDS_SUBTRACT, a->d);
  if (pass->U) lat_lds_apply(M, pass->U, lat_lds_at(pass->lds->B, t), a->x + M, LDS_SUBTRACT, a->d);
  add_outer(a->X, a->X, a->x, a->x, a->to.moves.xx);
  add_outer(M, a->X, a->d, a->x, a->to.moves.dx);
  add_outer(M, M, a->d, a->d, a->to.moves.dd);
  add(square, pass->smoothed_covariances + t * square, a->now);
  add(square, pass->smoothed_covariances + (t - 1) * square, a->before);
  add(square, pass->lag_covariances + t * square, a->lag);
}

/* A row of which something is missing: r = (1; gain) r_o + noise of covariance rest. */
static void add_part(adder *a, size_t t)
{
  lat_lds_pass *pass = a->pass;
  const lat_lds_frame *f = &pass->frame;
  size_t M = pass->M, D = pass->D, X = a->X, p = f->count;
  const double *P = pass->smoothed_covariances + t * M * M;
  lat_lds_gap *gap = &a->gap;
  lat_lds_gap_fill(gap, f, lat_lds_at(pass->lds->R, t));
  /* E[r_o x'] and E[r_o r_o'] */
  double *rx = a->full, *rr = rx + D * X, *CP = a->work, *Ct = CP + p * M;
  lat_lds_multiply(p, M, M, f->C, M, 1, P, LDS_SET, CP);
  lat_lds_transpose(p, M, f->C, Ct);
  for (size_t i = 0; i < p; i++)
    for (size_t j = 0; j < X; j++)
      rx[i * X + j] = f->residual[i] * a->x[j] - (j < M ? CP[i * M + j] : 0);
  for (size_t i = 0; i < p; i++)
    for (size_t j = 0; j < p; j++) rr[i * p + j] = f->residual[i] * f->residual[j];
  lat_lds_multiply(p, p, M, CP, M, 1, Ct, LDS_ADD, rr);
  /* K = (1; gain), a row of it for each entry of y */
  double *K = a->work, *Krr = K + D * p;
  memset(K, 0, D * p * sizeof *K);
  for (size_t k = 0; k < p; k++) K[f->index[k] * p + k] = 1;
  for (size_t i = 0; i < gap->missing; i++)
    memcpy(K + gap->index[i] * p, gap->gain + i * p, p * sizeof *K);
  lat_lds_multiply(D, X, p, K, p, 1, rx, LDS_ADD, a->to.outputs.dx);
  lat_lds_multiply(D, p, p, K, p, 1, rr, LDS_SET, Krr);
  double *Kt = Krr + D * p;
  lat_lds_transpose(D, p, K, Kt);
  lat_lds_multiply(D, D, p, Krr, p, 1, Kt, LDS_ADD, a->to.outputs.dd);
  for (size_t i = 0; i < gap->missing; i++)
    for (size_t j = 0; j < gap->missing; j++)
      a->to.outputs.dd[gap->index[i] * D + gap->index[j]] += gap->rest[i * gap->missing + j];
  add_columns(M, M, X, 1, P, a->to.outputs.xx);
}

static void add_output(adder *a, size_t t)
{
  lat_lds_pass *pass = a->pass;
  lat_lds_frame *f = &pass->frame;
  size_t M = pass->M, D = pass->D;
  lat_lds_select(f, lat_lds_at(pass->lds->C, t), lat_lds_at(pass->lds->R, t),
                 pass->sequence->Y + t * D, lat_lds_offset(pass, t), pass->smoothed_means + t * M);
  if (f->count == 0) return;
  a->to.head[LDS_OUTPUTS]++;
  set_x(a, t, t);
  add_outer(a->X, a->X, a->x, a->x, a->to.outputs.xx);
  if (f->count < D) {
    add_part(a, t);
    return;
  }
  add_outer(D, a->X, f->residual, a->x, a->to.outputs.dx);
  add_outer(D, D, f->residual, f->residual, a->to.outputs.dd);
  add(M * M, pass->smoothed_covariances + t * M * M, a->seen);
}

static void add_first(adder *a)
{
  const lat_lds_pass *pass = a->pass;
  size_t M = pass->M;
  for (size_t i = 0; i < M; i++) a->d[i] = pass->smoothed_means[i] - pass->lds->initial_mean[i];
  a->to.head[LDS_FIRSTS]++;
  add(M, a->d, a->to.first);
  add_outer(M, M, a->d, a->d, a->to.first_square);
  add(M * M, pass->smoothed_covariances, a->to.first_square);
}

static void e_step(const lat_em *em, const lat_em_chunk *chunk, double *statistics, double *scratch)
{
  const lat_lds_model *model = em->model;
  const lat_lds_sequence *sequence = (const lat_lds_sequence *)chunk->units + chunk->first;
  lat_lds lds = lat_lds_of_model(model, em->parameters, em->sizes);
  lat_lds_pass pass;
  lat_lds_pass_init(&pass, &lds, sequence, true, scratch);
  pass.halt = chunk->halt;
  pass.worker = chunk->worker;
  lat_lds_pass_filter(&pass);
  if (lat_halted(pass.halt, pass.worker)) return;
  if (!pass.failed && pass.diffuse.rank == pass.diffuse.q) lat_lds_pass_smooth(&pass);
  if (lat_halted(pass.halt, pass.worker)) return;
  statistics[1] += (double)sequence->steps;
  if (pass.failed || pass.overflow || pass.diffuse.rank < pass.diffuse.q) {
    statistics[0] = NAN;
    return;
  }
  adder a =
      adder_of(&pass, em, statistics, scratch + lat_lds_pass_count(&lds, sequence->steps, true));
  statistics[0] += pass.log_likelihood;
  a.to.head[LDS_SKIPPED] += (double)pass.skipped;
  add_first(&a);
  for (size_t t = 0; t < sequence->steps; t++) {
    if (lat_lds_stopped(&pass, t)) return;
    if (t > 0) add_move(&a, t);
    if (t > 0 && lds.A.stride) flush_moves(&a, lat_lds_at(lds.A, t));
    add_output(&a, t);
    if (lds.C.stride) flush_outputs(&a, lat_lds_at(lds.C, t));
  }
  a.to.head[LDS_MOVES] += (double)(sequence->steps - 1);
  flush_moves(&a, lat_lds_at(lds.A, 0));
  flush_outputs(&a, lat_lds_at(lds.C, 0));
}

lat_status lat_lds_unbounded(const lat_em *em)
{
  return lat_fail(
      em->work, LAT_SINGULAR,
      "in iteration %zu the covariance C P C' + R of an observation has become singular: "
      "some outputs are explained without noise, and the likelihood is unbounded; take "
      "fewer states, a diagonal R, or hold R",
      em->iterations + 1);
}

/* ---- the kind ------------------------------------------------------------------------------------------ */

static size_t count_statistics(const lat_em *em)
{
  return lat_lds_statistics_count(em->sizes[LAT_M], em->sizes[LAT_D], em->sizes[LAT_U]);
}

static size_t count_scratch(const lat_em *em, size_t rows)
{
  (void)rows;
  const lat_lds_model *model = em->model;
  lat_lds lds = lat_lds_of_model(model, em->parameters, em->sizes);
  return lat_lds_pass_count(&lds, model->longest, true) +
         adder_count(lds.states, lds.outputs, lds.inputs);
}

const lat_em_kind lat_lds_kind = {.name = "lds",
                                  .parameters = lat_lds_parameters,
                                  .statistics = count_statistics,
                                  .scratch = count_scratch,
                                  .e_step = e_step,
                                  .m_step = lat_lds_m_step,
                                  .feasible = lat_lds_feasible};
