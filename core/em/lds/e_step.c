/* lds/e_step.c: the E-step of linear dynamical systems, a sequence at a time.
 *
 * With the smoother's means m_t, covariances V_t and lag covariances V_{t,t-1} the expectations of
 * the residuals d_t = z_t - A z_{t-1} - B u_t and their regressors x_t = (z_{t-1}, u_t) under the
 * present parameters are added up,
 *
 *   E[x x'] = x^ x^' + (V_{t-1}, 0; 0, 0),   E[d x'] = d^ x^' + (V_{t,t-1} - A V_{t-1}, 0),
 *   E[d d'] = d^ d^' + V_t - V_{t,t-1} A' - A V_{t,t-1}' + A V_{t-1} A',
 *
 * and likewise of y_t - C z_t - D u_t on (z_t, u_t), whose missing entries are expected given the
 * others (missing.c). (Shumway, Stoffer, Journal of Time Series Analysis 3, 1982; Bishop, Pattern
 * Recognition and Machine Learning, 13.3.2.) With residuals instead of z z' nothing cancels in the
 * M-step. Sums of covariances are kept apart: where A and C are constant, one product serves all
 * steps. */
#include "em/lds/em.h"

/* ---- statistics ------------------------------------------------------------------------------ */

size_t lat_lds_statistics_count(const lat_em *em)
{
  size_t M = em->sizes[LAT_M], D = em->sizes[LAT_D], X = M + em->sizes[LAT_U];
  return LDS_TOTALS + M + M * M + X * X + M * X + M * M + X * X + D * X + D * D;
}

lat_lds_sums lat_lds_sums_of(const size_t sizes[LAT_SIZES], const double *statistics)
{
  size_t M = sizes[LAT_M], D = sizes[LAT_D], U = sizes[LAT_U], X = M + U;
  lat_lds_sums s = {.totals = (double *)statistics};
  s.first = s.totals + LDS_TOTALS;
  s.first_square = s.first + M;
  s.transitions = (lat_lds_regression){.n = M, .X = X};
  s.transitions.xx = s.first_square + M * M;
  s.transitions.dx = s.transitions.xx + X * X;
  s.transitions.dd = s.transitions.dx + M * X;
  s.outputs = (lat_lds_regression){.n = D, .X = X};
  s.outputs.xx = s.transitions.dd + M * M;
  s.outputs.dx = s.outputs.xx + X * X;
  s.outputs.dd = s.outputs.dx + D * X;
  return s;
}

/* ---- the E-step ------------------------------------------------------------------------------ */

/* The sums over one sequence. */
typedef struct adder {
  lat_lds_pass *pass;
  lat_lds_sums to;
  lat_lds_missing missing;
  size_t X;
  double *now, *before, *lag; /* sums of covariances: of z_t, of z_{t-1}, of both */
  double *complete;           /* sum of covariances of z_t where y_t has no missing entry */
  double *x, *d, *r;          /* X, M, D */
  double *full;               /* D x X */
  double *work;               /* 2 widest^2 */
} adder;

static size_t count_adder(size_t M, size_t D, size_t U)
{
  size_t X = M + U, widest = lat_lds_max(M, D);
  return lat_lds_missing_count(D) + 4 * M * M + X + M + D + D * X + D * D + 3 * widest * widest;
}

static adder adder_of(lat_lds_pass *pass, const lat_em *em, double *statistics, double *memory)
{
  size_t M = pass->M, D = pass->D, X = M + pass->U;
  adder a = {.pass = pass, .to = lat_lds_sums_of(em->sizes, statistics), .X = X};
  lat_lds_missing_init(&a.missing, D, memory);
  a.now = memory + lat_lds_missing_count(D);
  a.before = a.now + M * M;
  a.lag = a.before + M * M;
  a.complete = a.lag + M * M;
  a.x = a.complete + M * M;
  a.d = a.x + X;
  a.r = a.d + M;
  a.full = a.r + D;
  a.work = a.full + D * X + D * D;
  memset(a.now, 0, 4 * M * M * sizeof *a.now);
  return a;
}

LAT_INLINE void add_numbers(size_t n, const double *from, double *to)
{
  for (size_t i = 0; i < n; i++) to[i] += from[i];
}

/* The first M columns of S (n x X) += or -= P (n x M). */
static void add_columns(size_t n, size_t M, size_t X, double sign, const double *P, double *S)
{
  for (size_t i = 0; i < n; i++)
    for (size_t j = 0; j < M; j++) S[i * X + j] += sign * P[i * M + j];
}

/* Adds the transitions' sums of covariances for this A: of x; of d with z_{t-1}, V = lag - A
 * before; and of d, now - lag A' - A V'. */
static void add_transition_covariances(adder *a, const double *A)
{
  size_t M = a->pass->M;
  double *At = a->work, *Vt = At + M * M, *dd = a->to.transitions.dd;
  lat_lds_transpose(M, M, A, At);
  add_columns(M, M, a->X, 1, a->before, a->to.transitions.xx);
  add_numbers(M * M, a->now, dd);
  lat_lds_multiply(M, M, M, a->lag, M, 1, At, LDS_SUBTRACT, dd);
  lat_lds_multiply(M, M, M, A, M, 1, a->before, LDS_SUBTRACT, a->lag);
  lat_lds_transpose(M, M, a->lag, Vt);
  lat_lds_multiply(M, M, M, A, M, 1, Vt, LDS_SUBTRACT, dd);
  add_columns(M, M, a->X, 1, a->lag, a->to.transitions.dx);
  memset(a->now, 0, 3 * M * M * sizeof *a->now);
}

/* The same of complete rows, r = y - C z - D u: of z; of r with z, -C complete; of r, C complete
 * C'. */
static void add_output_covariances(adder *a, const double *C)
{
  size_t M = a->pass->M, D = a->pass->D;
  double *Ct = a->work, *CP = a->full;
  lat_lds_transpose(D, M, C, Ct);
  lat_lds_multiply(D, M, M, C, M, 1, a->complete, LDS_SET, CP);
  add_columns(M, M, a->X, 1, a->complete, a->to.outputs.xx);
  add_columns(D, M, a->X, -1, CP, a->to.outputs.dx);
  lat_lds_multiply(D, D, M, CP, M, 1, Ct, LDS_ADD, a->to.outputs.dd);
  memset(a->complete, 0, M * M * sizeof *a->complete);
}

static void set_x(adder *a, size_t t, size_t state)
{
  const lat_lds_pass *pass = a->pass;
  memcpy(a->x, pass->smoothed_means + state * pass->M, pass->M * sizeof *a->x);
  if (pass->U) memcpy(a->x + pass->M, pass->sequence->U + t * pass->U, pass->U * sizeof *a->x);
}

/* The transition to t >= 1. */
LAT_CLONES static void add_transition(adder *a, size_t t)
{
  const lat_lds_pass *pass = a->pass;
  size_t M = pass->M, square = M * M;
  const double *mean = pass->smoothed_means + t * M;
  set_x(a, t, t - 1);
  memcpy(a->d, mean, M * sizeof *a->d);
  lat_lds_product(M, M, lat_lds_at(pass->lds->A, t), mean - M, LDS_SUBTRACT, a->d);
  if (pass->U)
    lat_lds_product(M, pass->U, lat_lds_at(pass->lds->B, t), a->x + M, LDS_SUBTRACT, a->d);
  lat_lds_add_outer(a->X, a->X, a->x, a->x, a->to.transitions.xx);
  lat_lds_add_outer(M, a->X, a->d, a->x, a->to.transitions.dx);
  lat_lds_add_outer(M, M, a->d, a->d, a->to.transitions.dd);
  add_numbers(square, pass->smoothed_covariances + t * square, a->now);
  add_numbers(square, pass->smoothed_covariances + (t - 1) * square, a->before);
  add_numbers(square, pass->lag_covariances + t * square, a->lag);
}

/* A row with missing entries: r = (1; gain) r_o + noise of covariance rest. */
static void add_incomplete_output(adder *a, size_t t)
{
  lat_lds_pass *pass = a->pass;
  const lat_lds_workspace *w = &pass->step;
  size_t M = pass->M, D = pass->D, X = a->X, p = w->count;
  const double *P = pass->smoothed_covariances + t * M * M;
  lat_lds_missing *missing = &a->missing;
  lat_lds_missing_given_observed(missing, w, lat_lds_at(pass->lds->R, t));
  /* E[r_o x'] and E[r_o r_o'] */
  double *rx = a->full, *rr = rx + D * X, *CP = a->work, *Ct = CP + p * M;
  lat_lds_multiply(p, M, M, w->C, M, 1, P, LDS_SET, CP);
  lat_lds_transpose(p, M, w->C, Ct);
  for (size_t i = 0; i < p; i++)
    for (size_t j = 0; j < X; j++)
      rx[i * X + j] = w->residual[i] * a->x[j] - (j < M ? CP[i * M + j] : 0);
  for (size_t i = 0; i < p; i++)
    for (size_t j = 0; j < p; j++) rr[i * p + j] = w->residual[i] * w->residual[j];
  lat_lds_multiply(p, p, M, CP, M, 1, Ct, LDS_ADD, rr);
  /* K = (1; gain), a row of it for each entry of y */
  double *K = a->work, *Krr = K + D * p;
  memset(K, 0, D * p * sizeof *K);
  for (size_t k = 0; k < p; k++) K[w->index[k] * p + k] = 1;
  for (size_t i = 0; i < missing->missing; i++)
    memcpy(K + missing->index[i] * p, missing->gain + i * p, p * sizeof *K);
  lat_lds_multiply(D, X, p, K, p, 1, rx, LDS_ADD, a->to.outputs.dx);
  lat_lds_multiply(D, p, p, K, p, 1, rr, LDS_SET, Krr);
  double *Kt = Krr + D * p;
  lat_lds_transpose(D, p, K, Kt);
  lat_lds_multiply(D, D, p, Krr, p, 1, Kt, LDS_ADD, a->to.outputs.dd);
  for (size_t i = 0; i < missing->missing; i++)
    for (size_t j = 0; j < missing->missing; j++)
      a->to.outputs.dd[missing->index[i] * D + missing->index[j]] +=
          missing->rest[i * missing->missing + j];
  add_columns(M, M, X, 1, P, a->to.outputs.xx);
}

static void add_output(adder *a, size_t t)
{
  lat_lds_pass *pass = a->pass;
  lat_lds_workspace *w = &pass->step;
  size_t M = pass->M, D = pass->D;
  lat_lds_select_observed(w, lat_lds_at(pass->lds->C, t), lat_lds_at(pass->lds->R, t),
                          pass->sequence->Y + t * D, lat_lds_offset(pass, t),
                          pass->smoothed_means + t * M);
  if (w->count == 0) return;
  a->to.totals[LDS_OUTPUTS]++;
  set_x(a, t, t);
  lat_lds_add_outer(a->X, a->X, a->x, a->x, a->to.outputs.xx);
  if (w->count < D) {
    add_incomplete_output(a, t);
    return;
  }
  lat_lds_add_outer(D, a->X, w->residual, a->x, a->to.outputs.dx);
  lat_lds_add_outer(D, D, w->residual, w->residual, a->to.outputs.dd);
  add_numbers(M * M, pass->smoothed_covariances + t * M * M, a->complete);
}

static void add_first(adder *a)
{
  const lat_lds_pass *pass = a->pass;
  size_t M = pass->M;
  for (size_t i = 0; i < M; i++) a->d[i] = pass->smoothed_means[i] - pass->lds->initial_mean[i];
  a->to.totals[LDS_SEQUENCES]++;
  add_numbers(M, a->d, a->to.first);
  lat_lds_add_outer(M, M, a->d, a->d, a->to.first_square);
  add_numbers(M * M, pass->smoothed_covariances, a->to.first_square);
}

void lat_lds_e_step(const lat_em *em, const lat_em_chunk *chunk, double *statistics,
                    double *scratch)
{
  const lat_lds_context *context = em->model;
  const lat_lds_sequence *sequence = (const lat_lds_sequence *)chunk->units + chunk->first;
  lat_lds lds = lat_lds_of(context->options, em->parameters, em->sizes);
  lat_lds_pass pass;
  lat_lds_smoother_init(&pass, &lds, sequence, scratch);
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
      adder_of(&pass, em, statistics, scratch + lat_lds_smoother_count(&lds, sequence->steps));
  statistics[0] += pass.log_likelihood;
  a.to.totals[LDS_SKIPPED] += (double)pass.skipped;
  add_first(&a);
  for (size_t t = 0; t < sequence->steps; t++) {
    if (lat_lds_stopped(&pass, t)) return;
    if (t > 0) add_transition(&a, t);
    if (t > 0 && lds.A.stride) add_transition_covariances(&a, lat_lds_at(lds.A, t));
    add_output(&a, t);
    if (lds.C.stride) add_output_covariances(&a, lat_lds_at(lds.C, t));
  }
  a.to.totals[LDS_TRANSITIONS] += (double)(sequence->steps - 1);
  add_transition_covariances(&a, lat_lds_at(lds.A, 0));
  add_output_covariances(&a, lat_lds_at(lds.C, 0));
}

size_t lat_lds_scratch_count(const lat_em *em, size_t rows)
{
  (void)rows;
  const lat_lds_context *context = em->model;
  lat_lds lds = lat_lds_of(context->options, em->parameters, em->sizes);
  return lat_lds_smoother_count(&lds, context->longest) +
         count_adder(lds.states, lds.outputs, lds.inputs);
}
