/* fit.c: the passes of a fit, its starts, and the best of them; see fit.h.
 *
 * Storage: what the fit keeps (the sample, the best start's parameters, statistics and what lies
 * aside) lies below state->mark in the workspace; a start's plan, parameters and statistics above
 * it, and go with it. */
#include "em/fit_state.h"

#include <string.h>

#include "base/random.h"
#include "matrix/weighted_rows.h"
#include "modeling/statistics.h"

lat_status lat_fit_init(lat_fit *fit, lat_workspace *work, const lat_model *model,
                        const void *options, bool missing)
{
  *fit = (lat_fit){.model = model,
                   .kind = model->fit,
                   .work = work,
                   .options = options,
                   .missing = missing,
                   .starts = ((const lat_fit_options *)options)->restarts,
                   .average_weight = 1};
  LAT_TRY(lat_model_check(work, model, options));
  fit->state = lat_allocate(work, 1, sizeof *fit->state);
  if (!fit->state) return LAT_MEMORY;
  *fit->state = (lat_fit_state){.sampled = false};
  return LAT_OK;
}

/* ---- the sample ------------------------------------------------------------------------------ */

lat_form lat_fit_form(const lat_fit *fit)
{
  return fit->kind->form && !fit->by_em && !fit->online ? fit->kind->form(fit) : LAT_FORM_EM;
}

/* Whether iterations aren't passes over the data. */
static bool draws_rows(const lat_fit *fit)
{
  return fit->kind->iterate && lat_fit_needs_rows(fit);
}

bool lat_fit_takes_rows(const lat_fit *fit, const lat_source *source)
{
  if (!lat_source_in_pieces(source)) return true;
  if (source->next || source->comm) return false;
  bool wide = source->X.cols > LAT_SCATTER_COLUMNS;
  return lat_fit_needs_rows(fit) || (wide && lat_fit_form(fit) == LAT_FORM_ROWS);
}

/* A fit without iterations looks at entries itself. */
lat_status lat_fit_rows(lat_fit *fit, const lat_matrix *X, const double *weights)
{
  if (fit->missing || lat_fit_form(fit) == LAT_FORM_EM)
    LAT_TRY(lat_check_finite(fit->work, "X", X, fit->missing));
  double sum = 0;
  if (weights) {
    const lat_matrix all = lat_vector_of((double *)weights, X->rows);
    LAT_TRY(lat_check_weights(fit->work, &all, &sum));
  }
  fit->rows = fit->sample = *X;
  fit->row_weights = fit->sample_weights = weights;
  fit->columns = X->cols;
  fit->all_rows = X->rows;
  if (weights) fit->average_weight = sum / (double)X->rows;
  fit->state->sampled = true;
  return LAT_OK;
}

uint64_t lat_fit_known_rows(const lat_fit *fit)
{
  return fit->share ? fit->share->all : fit->all_rows;
}

/* Those of the rows that are kept of this rank's, then of all. */
static lat_status gather_labels(lat_fit *fit)
{
  const lat_thinning *t = &fit->state->thinning;
  const lat_share *share = fit->share;
  size_t first = (size_t)((t->step - share->before % t->step) % t->step), count = 0;
  uint32_t *own = lat_allocate(fit->work, t->kept, sizeof *own);
  size_t *sizes = lat_allocate(fit->work, share->comm->size, sizeof *sizes);
  void *gathered;
  if (!own || !sizes) return LAT_MEMORY;
  for (size_t i = first; i < fit->all_rows; i += t->step) own[count++] = fit->labels[i];
  LAT_TRY(lat_comm_gather(share->comm, fit->work, own, count * sizeof *own, sizes, &gathered));
  fit->sample_labels = gathered;
  return LAT_OK;
}

static lat_status end_sample(lat_fit *fit)
{
  lat_fit_state *s = fit->state;
  if (fit->share && fit->labels) LAT_TRY(gather_labels(fit));
  if (fit->share) LAT_TRY(lat_thinning_gather(&s->thinning, fit->work, fit->share));
  if (s->thinning.kept == 0) return lat_fail(fit->work, LAT_INVALID, "the source gave no rows");
  lat_thinning_end(&s->thinning, &fit->sample, &fit->sample_weights);
  fit->columns = fit->sample.cols;
  s->sampled = true;
  return LAT_OK;
}

/* ---- fits without iterations ----------------------------------------------------------------- */

static bool has_gaps(const lat_fit *fit, const lat_matrix *X)
{
  return fit->missing && lat_check_finite(fit->work, "X", X, false) != LAT_OK;
}

/* The deadline is for iterations: a fit without them comes to its end. */
static void decide(lat_fit *fit)
{
  lat_fit_state *s = fit->state;
  s->decided = true;
  s->form = fit->rows.data && has_gaps(fit, &fit->rows) ? LAT_FORM_EM : lat_fit_form(fit);
  if (s->form == LAT_FORM_EM) return;
  s->deadline = fit->work->deadline;
  fit->work->deadline = 0;
}

static lat_status begin_moments(lat_fit *fit, size_t columns)
{
  lat_moments_sum *sum = &fit->state->sum;
  LAT_TRY(lat_moments_begin(fit->work, sum, columns, fit->all_rows));
  return lat_moments_place(fit->work, sum, fit->share);
}

/* Gaps that one rank has found, or columns that are too many, are all ranks'. */
static lat_status end_moments(lat_fit *fit)
{
  lat_fit_state *s = fit->state;
  bool gaps = s->form == LAT_FORM_EM;
  if (fit->comm) LAT_TRY(lat_comm_any(fit->comm, fit->work, &gaps));
  if (gaps && s->form != LAT_FORM_EM) fit->work->deadline = s->deadline;
  if (gaps) s->form = LAT_FORM_EM;
  s->added = !gaps;
  if (s->added && !s->sum.dimensions) LAT_TRY(begin_moments(fit, fit->share->columns));
  return LAT_OK;
}

static lat_status add_moments(lat_fit *fit, const lat_matrix *X, const double *weights)
{
  lat_fit_state *s = fit->state;
  if (s->form == LAT_FORM_EM) return LAT_OK;
  if (fit->missing) LAT_TRY(lat_check_finite(fit->work, "X", X, true));
  if (has_gaps(fit, X) || (fit->missing && X->cols > LAT_SCATTER_COLUMNS)) { /* it is EM's */
    s->form = LAT_FORM_EM;
    fit->work->deadline = s->deadline;
    return LAT_OK;
  }
  if (X->cols > LAT_SCATTER_COLUMNS)
    return lat_fail(fit->work, LAT_SHAPE, "beyond %d columns this fit needs method = \"em\"",
                    LAT_SCATTER_COLUMNS);
  if (!s->sum.dimensions) LAT_TRY(begin_moments(fit, X->cols));
  return lat_moments_include(fit->work, &s->sum, X, weights);
}

static lat_status solve(lat_fit *fit)
{
  lat_fit_state *s = fit->state;
  fit->best = (lat_fitted){.model = fit->model, .options = fit->options};
  fit->report = (lat_fit_report){.converged = true, .iterations = 1};
  lat_moments moments;
  if (s->added) LAT_TRY(lat_moments_total(fit->work, &s->sum, &moments));
  LAT_TRY(fit->kind->solve(fit, s->added ? &moments : NULL));
  s->finished = true;
  return LAT_OK;
}

/* ---- a start --------------------------------------------------------------------------------- */

static uint64_t seed_of(const lat_fit *fit)
{
  enum { STREAM = 0x656d }; /* of its own, so that no model's draws are the seeds */
  lat_random words = {lat_fit_options_of(fit)->seed, STREAM, fit->start};
  return fit->start == 0 ? lat_fit_options_of(fit)->seed : lat_random_word(&words);
}

lat_status lat_fit_plan(lat_fit *fit)
{
  const lat_fit_options *o = lat_fit_options_of(fit);
  memset(fit->sizes, 0, sizeof fit->sizes);
  fit->sizes[LAT_D] = fit->columns;
  fit->seed = seed_of(fit);
  LAT_TRY(fit->kind->plan(fit));
  const lat_fitted *given = o->given;
  if (given && given->sizes[LAT_D] && given->sizes[LAT_D] != fit->sizes[LAT_D])
    return lat_fail(fit->work, LAT_SHAPE, "X has %zu columns, init has %zu", fit->sizes[LAT_D],
                    given->sizes[LAT_D]);
  fit->parameters = lat_doubles(fit->work, lat_parameters_count(fit->core->parameters, fit->sizes));
  lat_fit_state *s = fit->state;
  s->aside_bytes = fit->kind->aside_bytes ? fit->kind->aside_bytes(fit) : 0;
  s->present = lat_allocate(fit->work, 1, s->aside_bytes);
  if (!fit->parameters || !s->present) return LAT_MEMORY;
  lat_em_options em = {.max_iterations = o->max_iterations,
                       .tolerance = o->tolerance,
                       .missing = fit->missing,
                       .accelerate = o->accelerate};
  return lat_em_init(&fit->em, fit->work, fit->core, fit->context, fit->sizes, fit->parameters,
                     &em);
}

/* Memory for the best start, once a first plan has told the sizes, which are the same for each. */
static lat_status allocate_best(lat_fit *fit)
{
  lat_fit_state *s = fit->state;
  lat_workspace *work = fit->work;
  lat_mark mark = lat_workspace_mark(work);
  LAT_TRY(lat_fit_plan(fit));
  lat_fitted *b = &fit->best;
  *b = (lat_fitted){.model = fit->model, .options = fit->options, .aside_bytes = s->aside_bytes};
  size_t count = fit->em.count, statistics = fit->core->statistics(&fit->em);
  lat_workspace_release(work, mark);
  s->parameters = lat_doubles(work, count);
  s->statistics = lat_doubles(work, statistics);
  s->aside = lat_allocate(work, 1, b->aside_bytes);
  if (!s->parameters || !s->statistics || !s->aside) return LAT_MEMORY;
  if (fit->rows.data && !fit->labels && fit->kind->condense) LAT_TRY(fit->kind->condense(fit));
  s->mark = lat_workspace_mark(work);
  return LAT_OK;
}

/* Explicit parameters take the place of those of a start, where there are as many. */
static void take_given(lat_fit *fit, const lat_fitted *given)
{
  const double *from = given->flat;
  double *to = fit->parameters;
  for (const lat_parameter *p = fit->core->parameters; p->name; p++) {
    size_t count = lat_parameter_count(p, fit->sizes), n = lat_parameter_count(p, given->sizes);
    for (size_t i = 0; n == count && i < n; i++)
      if (!isnan(from[i])) to[i] = from[i];
    from += n;
    to += count;
  }
}

lat_status lat_fit_start(lat_fit *fit)
{
  const lat_fitted *given = lat_fit_options_of(fit)->given;
  if (!fit->share) fit->sample_labels = fit->labels; /* the sample is all rows */
  LAT_TRY(fit->kind->start(fit));
  /* those of other sizes are the kind's to look at, but where D isn't known before the data */
  if (!given || (given->sizes[LAT_D] && memcmp(given->sizes, fit->sizes, sizeof fit->sizes) != 0))
    return LAT_OK;
  take_given(fit, given);
  return fit->kind->adopt ? fit->kind->adopt(fit) : LAT_OK;
}

static lat_status begin_start(lat_fit *fit)
{
  lat_fit_state *s = fit->state;
  fit->em = (lat_em){0}; /* of the start before, whose memory goes, */
  fit->context = NULL;   /* as does its plan's */
  fit->complete = s->reviewed = s->failed = false;
  fit->pass = LAT_PASS_NONE; /* for who looks on */
  if (!s->parameters) LAT_TRY(allocate_best(fit));
  lat_workspace_release(fit->work, s->mark);
  LAT_TRY(lat_fit_plan(fit));
  LAT_TRY(lat_fit_start(fit));
  /* from here on, as a start has all rows that it is made of, and may be a pass over these */
  if (fit->share && !fit->kind->collects)
    LAT_TRY(lat_em_place(&fit->em, fit->share, fit->units != NULL));
  s->started = true;
  fit->over = lat_fit_options_of(fit)->max_iterations == 0;
  return LAT_OK;
}

/* ---- the best -------------------------------------------------------------------------------- */

static lat_fit_report report_of(const lat_fit *fit)
{
  const lat_em *em = &fit->em;
  return (lat_fit_report){.converged = em->converged,
                          .singular = em->singular,
                          .iterations = em->iterations,
                          .start = fit->start,
                          .method = fit->kind->form ? "em" : NULL,
                          .objective = em->objective,
                          .decreases = em->decreases,
                          .largest_decrease = em->largest_decrease,
                          .rejected_steps = em->rejected};
}

/* The best start's statistics := the present one's, of weight 1, if they are those of a whole
 * iteration. (Those of an accelerated step that was rejected are of no use.) */
static void take_statistics(lat_fit *fit)
{
  const lat_em *em = &fit->em;
  lat_fitted *b = &fit->best;
  b->statistics = NULL;
  b->seen = 0;
  b->count = b->updates = 0;
  if (!fit->complete || em->iterations == 0 || !isfinite(em->statistics[0])) return;
  b->statistics = fit->state->statistics;
  b->count = fit->core->statistics(em);
  if (fit->running) {
    b->seen = fit->seen;
    b->updates = em->iterations;
    memcpy(b->statistics, fit->running, b->count * sizeof *b->statistics);
  } else {
    b->seen = em->statistics[1];
    for (size_t i = 0; i < b->count; i++) b->statistics[i] = em->statistics[i] / b->seen;
  }
}

/* The present start's parameters, and what belongs to them. */
static void take(lat_fit *fit)
{
  const lat_em *em = &fit->em;
  const lat_fit_state *s = fit->state;
  lat_fitted *b = &fit->best;
  memcpy(b->sizes, em->sizes, sizeof b->sizes);
  b->flat = s->parameters;
  memcpy(b->flat, fit->parameters, em->count * sizeof *b->flat);
  take_statistics(fit);
  b->aside = b->aside_bytes ? s->aside : NULL;
  if (b->aside) fit->kind->write_aside(fit, b->aside);
  fit->best_em = *em;
  fit->report = report_of(fit);
}

/* The start is over: is it the best? Also when no iteration was complete: a start is better than
 * nothing. */
static lat_status compare(lat_fit *fit)
{
  bool first = fit->best.flat == NULL;
  if (fit->em.iterations == 0 && !first) return LAT_OK;
  lat_em_settle(&fit->em);
  LAT_TRY(lat_em_finish(&fit->em));
  if (first || lat_em_better(&fit->em, &fit->best_em)) take(fit);
  return LAT_OK;
}

/* An iteration's objective is that of the parameters it began with, so starts that are compared
 * have one more pass for those they leave. Those of a fit that time or the user has ended are worth
 * what their last iteration says at least. */
static bool needs_review(const lat_fit *fit)
{
  return !fit->state->reviewed && !fit->stopped && fit->em.iterations > 0 && fit->starts > 1;
}

/* Parameters without a likelihood are the worst there are, and no failure. */
static lat_status end_review(lat_fit *fit, lat_status status)
{
  bool worthless = status == LAT_SINGULAR || status == LAT_DIVERGED;
  lat_status collected = lat_em_reviewed(&fit->em, status);
  if (status == LAT_OK) status = collected;
  fit->state->reviewed = status == LAT_OK || worthless;
  fit->state->failed = worthless;
  return worthless ? LAT_OK : status;
}

lat_status lat_fit_present(lat_fit *fit, lat_fitted *fitted, lat_fit_report *report)
{
  LAT_TRY(lat_em_finish(&fit->em));
  *fitted = (lat_fitted){.model = fit->model,
                         .options = fit->options,
                         .flat = fit->parameters,
                         .aside_bytes = fit->state->aside_bytes};
  memcpy(fitted->sizes, fit->em.sizes, sizeof fitted->sizes);
  if (fitted->aside_bytes) {
    fitted->aside = fit->state->present;
    fit->kind->write_aside(fit, fitted->aside);
  }
  *report = report_of(fit);
  return LAT_OK;
}

/* ---- passes ---------------------------------------------------------------------------------- */

static lat_status begin_pass(lat_fit *fit, lat_pass pass)
{
  fit->pass = pass;
  fit->row = 0;
  switch (pass) {
  case LAT_PASS_MOMENTS:
    fit->state->sum = (lat_moments_sum){0};
    return LAT_OK;
  case LAT_PASS_SAMPLE:
    fit->state->thinning = (lat_thinning){.step = 1};
    if (!fit->share) return LAT_OK;
    return lat_thinning_share(&fit->state->thinning, fit->work, fit->share);
  case LAT_PASS_ITERATE:
    fit->complete = false;
    return draws_rows(fit) ? LAT_OK : lat_em_begin(&fit->em);
  case LAT_PASS_REVIEW: {
    lat_status status = lat_em_review(&fit->em);
    return status == LAT_OK ? LAT_OK : end_review(fit, status);
  }
  case LAT_PASS_LAST:
    return fit->kind->begin_last(fit);
  default:
    return LAT_OK;
  }
}

/* What is left to do when no start needs an iteration any more. */
static lat_status finish(lat_fit *fit)
{
  fit->state->finished = true;
  fit->work->deadline = 0; /* it is for the iterations */
  if (!fit->best.flat || !fit->context || !fit->kind->finish) return LAT_OK;
  return fit->kind->finish(fit, &fit->best);
}

lat_status lat_fit_begin(lat_fit *fit)
{
  lat_fit_state *s = fit->state;
  fit->iterated = false;
  if (lat_fit_needs_rows(fit) && !fit->rows.data)
    return lat_fail(fit->work, LAT_INVALID,
                    "X must be a matrix or a mapped file: these options need all rows at once");
  if (!s->decided) decide(fit);
  if (s->form != LAT_FORM_EM && !s->finished) {
    if (!s->added && (s->form == LAT_FORM_MOMENTS || !fit->rows.data))
      return begin_pass(fit, LAT_PASS_MOMENTS);
    LAT_TRY(solve(fit));
  }
  if (!s->sampled && !s->finished) return begin_pass(fit, LAT_PASS_SAMPLE);
  while (!s->finished) {
    if (!s->started) LAT_TRY(begin_start(fit));
    if (!fit->over) return begin_pass(fit, LAT_PASS_ITERATE);
    if (needs_review(fit)) {
      LAT_TRY(begin_pass(fit, LAT_PASS_REVIEW));
      if (!s->failed) return LAT_OK;
    }
    LAT_TRY(compare(fit));
    s->started = false;
    if (fit->stopped || fit->start + 1 >= fit->starts)
      LAT_TRY(finish(fit));
    else
      fit->start++;
    if (s->finished && fit->kind->begin_last && fit->best.flat && fit->context)
      return begin_pass(fit, LAT_PASS_LAST);
  }
  return begin_pass(fit, LAT_PASS_NONE);
}

static lat_status add_rows(lat_fit *fit, const lat_matrix *X, const double *weights)
{
  return fit->kind->e_step ? fit->kind->e_step(fit, X, weights) : lat_em_add(&fit->em, X, weights);
}

static lat_status add(lat_fit *fit, const lat_matrix *X, const double *weights)
{
  switch (fit->pass) {
  case LAT_PASS_MOMENTS:
    return add_moments(fit, X, weights);
  case LAT_PASS_SAMPLE:
    LAT_TRY(lat_check(fit->work));
    LAT_TRY(lat_check_finite(fit->work, "X", X, fit->missing));
    return lat_thinning_add(&fit->state->thinning, fit->work, X, weights);
  case LAT_PASS_ITERATE:
    if (draws_rows(fit)) return LAT_OK;
    break;
  case LAT_PASS_LAST:
    return fit->kind->add_last(fit, X, weights, fit->row);
  default:
    break;
  }
  if (!fit->condensed) return add_rows(fit, X, weights);
  return fit->row ? LAT_OK : add_rows(fit, &fit->rows, fit->row_weights);
}

lat_status lat_fit_add(lat_fit *fit, const lat_matrix *X, const double *weights)
{
  lat_status status = fit->state->failed ? LAT_OK : add(fit, X, weights);
  fit->row += X->rows;
  return fit->pass == LAT_PASS_REVIEW && status != LAT_OK ? end_review(fit, status) : status;
}

lat_status lat_fit_add_units(lat_fit *fit)
{
  if (fit->state->failed) return LAT_OK;
  lat_status status = fit->kind->e_step ? fit->kind->e_step(fit, NULL, NULL)
                                        : lat_em_add_units(&fit->em, fit->units, fit->unit_count);
  return fit->pass == LAT_PASS_REVIEW && status != LAT_OK ? end_review(fit, status) : status;
}

/* The objective's verification is passes of the same kind, of one iteration. */
static lat_status end_iteration(lat_fit *fit)
{
  LAT_TRY(draws_rows(fit) ? fit->kind->iterate(fit) : lat_em_end(&fit->em));
  if (fit->em.verifying) return LAT_OK;
  fit->over = fit->em.done;
  fit->complete = fit->iterated = true;
  return LAT_OK;
}

lat_status lat_fit_end(lat_fit *fit)
{
  switch (fit->pass) {
  case LAT_PASS_MOMENTS:
    return end_moments(fit);
  case LAT_PASS_SAMPLE:
    return end_sample(fit);
  case LAT_PASS_ITERATE:
    return end_iteration(fit);
  case LAT_PASS_REVIEW:
    return fit->state->failed ? LAT_OK : end_review(fit, LAT_OK);
  case LAT_PASS_LAST:
    return fit->kind->end_last ? fit->kind->end_last(fit) : LAT_OK;
  default:
    return LAT_OK;
  }
}
