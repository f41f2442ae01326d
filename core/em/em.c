/* em.c: the EM loop; see em.h.
 *
 * An iteration is prepare, E-steps over chunks on the thread pool, whose statistics are added in
 * the fixed tree of base/ordered_sum.h, M-step, and the test: |L - L'| < tolerance |L|. With
 * acceleration (squarem.h) a trial replaces the parameters for one iteration, and is taken back if
 * its objective is worse. Where a kind can tell, convergence is verified by passes that ask whether
 * the point is a maximum. Storage: all in the workspace, from lat_em_init on. */
#include "em/em.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/ordered_sum.h"
#include "base/parallel.h"
#include "base/slice.h"
#include "em/squarem.h"
#include "matrix/spread.h"

typedef struct lat_em_state {
  double *before; /* the parameters that the last M-step or trial replaced */
  double scale;   /* of the objective: drops are measured by it */
  lat_squarem squarem;
  bool pending;        /* the squarem's trial is to be tried in the next iteration */
  bool trying;         /* it is what the parameters are */
  lat_ordered_sum sum; /* of the statistics; empty where the kind adds to them by itself */
  /* the verification's statistics and their sum; unset before the first */
  lat_ordered_sum verified_sum;
  double *verified;
  size_t verified_count;
  double *verified_trial; /* what the next pass is about, if `probing` */
  bool probing;
  size_t verifications;
  double *iteration; /* the iteration's statistics, during a review */
} lat_em_state;

/* Workers' scratch begins on cache lines, so that threads don't share any. */
static size_t whole_lines(size_t count)
{
  const size_t line = LAT_ALIGNMENT / sizeof(double);
  return count > SIZE_MAX - line ? count : (count + line - 1) / line * line;
}

lat_status lat_em_init(lat_em *em, lat_workspace *work, const lat_em_kind *kind, const void *model,
                       const size_t sizes[LAT_SIZES], double *parameters,
                       const lat_em_options *options)
{
  *em = (lat_em){.kind = kind, .model = model, .parameters = parameters, .work = work};
  if (options) em->options = *options;
  if (em->options.max_iterations == 0) em->options.max_iterations = 100;
  memcpy(em->sizes, sizes, sizeof em->sizes);
  em->count = lat_parameters_count(kind->parameters, sizes);
  lat_em_state *s = em->state = lat_allocate(work, 1, sizeof *em->state);
  if (!s) return LAT_MEMORY;
  size_t count = kind->statistics(em);
  *s = (lat_em_state){0};
  LAT_TRY(lat_sum_init(&s->sum, work, sizes[LAT_D], count, 0, NULL));
  s->before = lat_doubles(work, em->count);
  em->statistics = lat_doubles(work, count);
  em->derived = lat_doubles(work, kind->derived ? kind->derived(em) : 0);
  if (!s->before || !em->statistics || !em->derived) return LAT_MEMORY;
  return em->options.accelerate ? lat_squarem_init(&s->squarem, work, em->count) : LAT_OK;
}

lat_status lat_em_place(lat_em *em, const lat_share *share, bool units)
{
  lat_ordered_sum *sum = &em->state->sum;
  em->share = share;
  if (units) sum->group = 1;
  return lat_share_place(share, em->work, sum);
}

/* ---- parameters on trial --------------------------------------------------------------------- */

static void take_back(lat_em *em)
{
  memcpy(em->parameters, em->state->before, em->count * sizeof(double));
  em->state->trying = false;
}

static bool feasible(const lat_em *em, double *parameters)
{
  for (size_t i = 0; i < em->count; i++)
    if (!isfinite(parameters[i])) return false;
  return !em->kind->feasible || em->kind->feasible(em, parameters);
}

static void refuse(lat_em *em)
{
  em->rejected++;
  lat_squarem_refuse(&em->state->squarem);
}

/* Puts the trial in the place of the parameters. */
static void begin_trial(lat_em *em)
{
  lat_em_state *s = em->state;
  s->pending = false;
  if (!feasible(em, s->squarem.trial)) {
    refuse(em);
    return;
  }
  memcpy(s->before, em->parameters, em->count * sizeof(double));
  memcpy(em->parameters, s->squarem.trial, em->count * sizeof(double));
  s->trying = true;
}

static lat_status prepare(lat_em *em)
{
  return em->kind->prepare ? em->kind->prepare(em, em->parameters, em->derived) : LAT_OK;
}

/* Memory for the verification; the statistics of the last iteration stay, as callers keep them. */
static lat_status allocate_verification(lat_em *em)
{
  lat_em_state *s = em->state;
  LAT_TRY(lat_sum_init(&s->verified_sum, em->work, em->sizes[LAT_D], s->verified_count, 0, NULL));
  s->verified_sum.group = s->sum.group;
  LAT_TRY(lat_share_place(em->share, em->work, &s->verified_sum));
  s->verified_trial = lat_doubles(em->work, em->count);
  em->verifier = lat_doubles(em->work, em->kind->verification->memory(em));
  s->verified = lat_doubles(em->work, s->verified_count);
  return s->verified_trial && em->verifier && s->verified ? LAT_OK : LAT_MEMORY;
}

static lat_status begin_verification(lat_em *em)
{
  lat_em_state *s = em->state;
  if (!s->verified) LAT_TRY(allocate_verification(em));
  if (s->trying) take_back(em);
  if (!s->probing)
    memset(em->verifier, 0, em->kind->verification->memory(em) * sizeof *em->verifier);
  memcpy(s->before, em->parameters, em->count * sizeof(double));
  if (s->probing) memcpy(em->parameters, s->verified_trial, em->count * sizeof(double));
  s->trying = true;
  em->rows = 0;
  lat_sum_clear(&s->verified_sum);
  lat_status status = prepare(em);
  if (status != LAT_OK) take_back(em);
  return status;
}

lat_status lat_em_begin(lat_em *em)
{
  LAT_BLAS_SECTION;
  lat_em_state *s = em->state;
  lat_em_reviewed(em, LAT_CANCELLED); /* one that was left */
  if (em->verifying) return begin_verification(em);
  if (s->trying) take_back(em);
  if (s->pending) begin_trial(em);
  em->rows = 0;
  lat_sum_clear(&s->sum);
  memset(em->statistics, 0, s->sum.count * sizeof(double));
  lat_status status = prepare(em);
  if (!s->trying || status == LAT_OK || status == LAT_CANCELLED) return status;
  take_back(em);
  refuse(em);
  return prepare(em);
}

/* ---- the E-step ------------------------------------------------------------------------------ */

/* A piece of the data: rows, or units of the kind's own. */
typedef struct walk {
  const lat_em *em;
  const lat_matrix *X;
  const void *units; /* or these, */
  size_t unit;       /* from this one on */
  const double *weights;
  size_t chunk; /* rows for one call of the E-step */
  double *scratch;
  size_t scratch_count; /* a worker's */
  lat_halt *halt;
  /* an iteration's E-step, or the verification's */
  void (*step)(const lat_em *em, const lat_em_chunk *chunk, double *statistics, double *scratch);
} walk;

static bool proper(const double *weights, size_t n)
{
  bool all = true;
  for (size_t i = 0; i < n; i++) all &= weights[i] >= 0 && weights[i] <= DBL_MAX;
  return all;
}

static lat_em_chunk chunk_of(const walk *w, size_t first, size_t rows, size_t worker)
{
  if (w->units)
    return (lat_em_chunk){
        .units = w->units, .first = w->unit + first, .halt = w->halt, .worker = worker};
  return (lat_em_chunk){.halt = w->halt,
                        .worker = worker,
                        .X = lat_block_of(*w->X, first, 0, rows, w->X->cols),
                        .weights = w->weights ? w->weights + first : NULL,
                        .first = w->em->rows + first};
}

/* Adds rows of one group (ordered_sum.h) to its statistics, chunk by chunk. */
static void add_rows(void *context, size_t first, size_t rows, size_t offset, double *statistics,
                     size_t worker)
{
  const walk *w = context;
  while (rows > 0 && !lat_halted(w->halt, worker)) {
    size_t n = w->chunk - offset % w->chunk;
    if (n > rows) n = rows;
    lat_em_chunk chunk = chunk_of(w, first, n, worker);
    w->step(w->em, &chunk, statistics, w->scratch + worker * w->scratch_count);
    if (chunk.weights && !proper(chunk.weights, n)) statistics[0] = NAN;
    first += n, offset += n, rows -= n;
  }
}

/* The objective isn't finite, or an error of exactly 0: is it the data's fault, whose squares
 * overflow or underflow, or the weights'? Otherwise it is the parameters', of which lat_em_end
 * thinks what it thinks. */
static lat_status check_data(lat_em *em, const lat_matrix *X, const double *weights)
{
  LAT_TRY(lat_check_finite(em->work, "X", X, em->options.missing));
  if (em->kind->check) LAT_TRY(em->kind->check(em, X));
  for (size_t i = 0; weights && i < X->rows; i++)
    if (!proper(weights + i, 1))
      return lat_fail(em->work, LAT_INVALID, "weight %zu is %g; weights are finite and >= 0", i + 1,
                      weights[i]);
  return lat_check_spread_of(em->work, LAT_SPREAD_TOGETHER, X, weights, em->options.missing);
}

/* What the walk adds up, and in which sum. */
static lat_ordered_sum *choose_step(lat_em *em, walk *w, size_t rows)
{
  const lat_em_verification *v = em->verifying ? em->kind->verification : NULL;
  size_t (*scratch)(const lat_em *, size_t) = v ? v->scratch : em->kind->scratch;
  w->step = v ? v->step : em->kind->e_step;
  w->scratch_count = whole_lines(scratch ? scratch(em, w->chunk < rows ? w->chunk : rows) : 0);
  return v ? &em->state->verified_sum : &em->state->sum;
}

/* `group` is the number of rows (units) of a group. */
static lat_status add(lat_em *em, walk *w, size_t rows, size_t group)
{
  lat_ordered_sum *sum = choose_step(em, w, rows);
  if (lat_sum_empty(sum)) sum->group = group;
  w->scratch = lat_allocate(em->work, lat_workers(em->work), w->scratch_count * sizeof(double));
  if (!w->scratch) return LAT_MEMORY;
  lat_halt halt = {em->work, 0, LAT_OK};
  w->halt = &halt;
  LAT_TRY(lat_sum_add(sum, em->work, rows, add_rows, w));
  LAT_TRY(halt.status);
  bool finite = lat_sum_finite(sum), vanished = em->kind->descends && lat_sum_vanishes(sum);
  if ((!finite || vanished) && w->X) LAT_TRY(check_data(em, w->X, w->weights));
  if (!finite && w->units && em->kind->check) LAT_TRY(em->kind->check(em, NULL));
  return LAT_OK;
}

/* The statistics of what has been walked over are complete, or the walk has failed. */
static lat_status finish_adding(lat_em *em, size_t count, lat_status status)
{
  em->rows += count;
  if (status != LAT_OK && em->state->trying) take_back(em);
  return status;
}

lat_status lat_em_add(lat_em *em, const lat_matrix *X, const double *weights)
{
  size_t D = em->sizes[LAT_D];
  LAT_SCOPE(em->work);
  lat_status status = LAT_OK;
  if (D && X->cols != D) {
    status = lat_fail(em->work, LAT_SHAPE, "X has %zu columns, the model is of %zu", X->cols, D);
  } else if (X->rows > 0) {
    walk w = {.em = em, .X = X, .weights = weights, .chunk = lat_chunk_rows(X->cols)};
    status = add(em, &w, X->rows, lat_group_rows(X->cols, em->state->sum.count));
  }
  return finish_adding(em, X->rows, status);
}

static lat_status add_units(lat_em *em, const void *units, size_t first, size_t count)
{
  LAT_SCOPE(em->work);
  walk w = {.em = em, .units = units, .unit = first, .chunk = 1};
  return add(em, &w, count, 1);
}

/* In slices one after the other, which add up to the same: a unit may be long, and can be left only
 * where no other thread works on one. */
lat_status lat_em_add_units(lat_em *em, const void *units, size_t count)
{
  lat_status status = LAT_OK;
  size_t step = lat_in_slice(em->work) ? 1 : count;
  for (size_t i = 0; i < count && status == LAT_OK; i += step)
    status = add_units(em, units, i, step);
  return finish_adding(em, count, status);
}

lat_status lat_em_collect(lat_em *em)
{
  const lat_ordered_sum *sum = &em->state->sum;
  if (em->share) em->rows = (size_t)em->share->all;
  if (!em->share && lat_sum_empty(sum)) return LAT_OK;
  return lat_share_total(em->share, em->work, sum, em->statistics);
}

/* ---- the M-step and the record --------------------------------------------------------------- */

static lat_status m_step(lat_em *em, const double *statistics)
{
  memcpy(em->state->before, em->parameters, em->count * sizeof(double));
  em->reseeded = false;
  lat_status status = em->kind->m_step(em, statistics, em->parameters);
  if (status != LAT_OK) take_back(em);
  return status;
}

/* How much worse the objective has become; negative when it is better. */
static double worsening(const lat_em *em, double objective)
{
  return em->kind->descends ? objective - em->objective : em->objective - objective;
}

/* Rounding is measured by the objective's size; for a log-likelihood, whose zero means nothing, by
 * at least 1 nat, and for an error by at least a part of the first one. */
static void watch(lat_em *em, double objective)
{
  lat_em_state *s = em->state;
  if (em->iterations == 0) s->scale = em->kind->descends ? 1e-6 * fabs(objective) : 1;
  if (em->iterations == 0) return;
  double drop = worsening(em, objective) / fmax(s->scale, fabs(em->objective));
  if (drop > em->largest_decrease) em->largest_decrease = drop;
  if (drop > 1e-9) em->decreases++;
}

static lat_status total_weight(lat_em *em)
{
  if (em->statistics[1] > 0) return LAT_OK;
  return em->rows ? lat_fail(em->work, LAT_INVALID, "all weights are 0")
                  : lat_fail(em->work, LAT_INVALID, "there is no data");
}

static lat_status check_objective(lat_em *em, double objective)
{
  if (isfinite(objective)) return LAT_OK;
  return lat_fail(em->work, LAT_DIVERGED,
                  "the objective is %s in iteration %zu: a row has no probability, or numbers "
                  "overflow",
                  isnan(objective) ? "NaN"
                  : objective < 0  ? "-infinity"
                                   : "infinity",
                  em->iterations + 1);
}

/* The objective has converged: is there a question left? */
static bool has_verification(lat_em *em)
{
  enum {
    MOST = 20
  }; /* moves, each of which has raised the objective: not expected to be reached */
  lat_em_state *s = em->state;
  if (!em->kind->verification || s->verifications >= MOST) return false;
  if (!s->verified_count) s->verified_count = em->kind->verification->statistics(em);
  return s->verified_count > 0;
}

static lat_status end_verification(lat_em *em)
{
  lat_em_state *s = em->state;
  lat_em_verdict verdict = LAT_EM_SETTLED;
  take_back(em);
  LAT_TRY(lat_share_total(em->share, em->work, &s->verified_sum, s->verified));
  LAT_TRY(em->kind->verification->take(em, s->verified, s->verified_trial, &verdict));
  s->probing = verdict == LAT_EM_ANOTHER;
  if (s->probing) return LAT_OK;
  em->verifying = false;
  em->converged = verdict == LAT_EM_SETTLED;
  em->done = em->converged || em->iterations >= em->options.max_iterations;
  if (em->converged) return LAT_OK;
  memcpy(em->parameters, s->verified_trial, em->count * sizeof(double));
  s->verifications++;
  s->pending = false;
  s->squarem.images = 0;
  return LAT_OK;
}

lat_status lat_em_end(lat_em *em)
{
  LAT_BLAS_SECTION;
  lat_em_state *s = em->state;
  if (em->verifying) return end_verification(em);
  LAT_TRY(lat_em_collect(em));
  LAT_TRY(total_weight(em));
  double objective = em->statistics[0] / em->statistics[1];
  bool tried = s->trying;
  if (tried && !(worsening(em, objective) <= 0)) {
    take_back(em);
    refuse(em);
  } else {
    s->trying = false;
    LAT_TRY(check_objective(em, objective));
    LAT_TRY(m_step(em, em->statistics));
    watch(em, objective);
    em->converged =
        em->iterations > 0 && !em->reseeded &&
        fabs(objective - em->objective) < em->options.tolerance * (fabs(objective) + 1e-300);
    em->objective = em->reached = objective;
    /* the step from a trial only brings it back to where EM's steps are slow */
    if (em->options.accelerate && !tried)
      s->pending = lat_squarem_step(&s->squarem, s->before, em->parameters);
  }
  em->iterations++;
  em->done = em->converged || em->iterations >= em->options.max_iterations;
  if (em->converged && has_verification(em)) {
    em->verifying = true;
    em->done = em->converged = false;
  }
  return LAT_OK;
}

/* ---- several starts -------------------------------------------------------------------------- */

lat_status lat_em_review(lat_em *em)
{
  LAT_BLAS_SECTION;
  lat_em_state *s = em->state;
  double *statistics = lat_doubles(em->work, s->sum.count);
  if (!statistics) return LAT_MEMORY;
  if (s->trying) take_back(em);
  s->pending = em->verifying = false;
  s->iteration = em->statistics;
  em->statistics = statistics;
  memset(statistics, 0, s->sum.count * sizeof *statistics);
  lat_sum_clear(&s->sum);
  em->rows = 0;
  return prepare(em);
}

lat_status lat_em_reviewed(lat_em *em, lat_status status)
{
  lat_em_state *s = em->state;
  if (!s->iteration) return LAT_OK;
  lat_status collected = status == LAT_OK ? lat_em_collect(em) : LAT_OK;
  double objective = em->statistics[0] / em->statistics[1];
  em->statistics = s->iteration;
  s->iteration = NULL;
  if (collected != LAT_OK) return collected;
  if (status == LAT_OK && isfinite(objective))
    em->reached = objective;
  else if (status == LAT_OK || status == LAT_SINGULAR || status == LAT_DIVERGED)
    em->reached = em->kind->descends ? INFINITY : -INFINITY;
  return LAT_OK;
}

lat_status lat_em_finish(lat_em *em)
{
  LAT_BLAS_SECTION;
  em->singular = false;
  return em->kind->singular ? em->kind->singular(em, &em->singular) : LAT_OK;
}

bool lat_em_better(const lat_em *a, const lat_em *b)
{
  if (a->singular != b->singular) return b->singular;
  return a->kind->descends ? a->reached < b->reached : a->reached > b->reached;
}

/* ---- leaving --------------------------------------------------------------------------------- */

void lat_em_settle(lat_em *em)
{
  lat_em_state *s = em->state;
  if (s->trying) take_back(em);
  if (s->iteration) em->statistics = s->iteration;
  s->iteration = NULL;
}

lat_status lat_em_step(lat_em *em, const lat_matrix *X, const double *weights, double rate,
                       double *running)
{
  LAT_SCOPE(em->work);
  LAT_TRY(lat_em_begin(em));
  LAT_TRY(lat_em_add(em, X, weights));
  LAT_TRY(lat_em_collect(em));
  LAT_TRY(total_weight(em));
  double n = em->statistics[1];
  em->objective = em->reached = em->statistics[0] / n;
  for (size_t i = 0; i < em->state->sum.count; i++)
    running[i] += rate * (em->statistics[i] / n - running[i]);
  em->iterations++;
  return m_step(em, running);
}
