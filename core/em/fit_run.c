/* fit_run.c: the loop over the passes of a fit: up to an iteration, whole, in slices of time, by
 * several ranks; and the end before it is over. See fit.h. */
#include "em/fit_state.h"

#include <string.h>

#include "base/progress.h"
#include "base/slice.h"
#include "eigen/limits.h"
#include "modeling/agree.h"

const lat_option lat_labelled_fit_options[] = {
    LAT_OPTION_WEIGHTS,  LAT_OPTION_MISSING,     LAT_OPTION_LABELS, LAT_OPTION_ON_ITERATION,
    LAT_OPTION_PROGRESS, LAT_OPTION_MAX_SECONDS, LAT_OPTION_COMM,   {.name = NULL}};
const lat_option lat_labelled_slice_options[] = {LAT_OPTION_WEIGHTS,
                                                 LAT_OPTION_MISSING,
                                                 LAT_OPTION_LABELS,
                                                 LAT_OPTION_ON_ITERATION,
                                                 {.name = NULL}};
const lat_option lat_labelled_steps_options[] = {
    LAT_OPTION_WEIGHTS, LAT_OPTION_MISSING, LAT_OPTION_LABELS, LAT_OPTION_BUDGET, {.name = NULL}};
const lat_option lat_update_options[] = {
    LAT_OPTION_WEIGHTS, LAT_OPTION_MISSING, LAT_OPTION_RATE, {.name = NULL}};

/* ---- several ranks --------------------------------------------------------------------------- */

static lat_status agree(lat_fit *fit)
{
  return lat_model_agree(fit->work, fit->comm, fit->model, fit->options,
                         lat_fit_options_of(fit)->given, fit->missing);
}

static lat_status share_units(lat_fit *fit, size_t count, size_t columns)
{
  lat_share *share = lat_allocate(fit->work, 1, sizeof *share);
  if (!share) return LAT_MEMORY;
  LAT_TRY(agree(fit));
  LAT_TRY(lat_share_begin(share, fit->work, fit->comm, count, columns));
  fit->share = share;
  return LAT_OK;
}

lat_status lat_fit_go_on(lat_fit *fit, bool goes_on)
{
  bool stop = !goes_on;
  if (fit->comm)
    LAT_TRY(lat_comm_settle(fit->comm, fit->work, lat_comm_any(fit->comm, fit->work, &stop)));
  if (stop) lat_fit_stop(fit);
  return LAT_OK;
}

lat_status lat_fit_units(lat_fit *fit, const void *units, size_t count, size_t columns)
{
  if (fit->comm) LAT_TRY(lat_comm_settle(fit->comm, fit->work, share_units(fit, count, columns)));
  if ((fit->share ? fit->share->all : count) == 0)
    return lat_fail(fit->work, LAT_INVALID, "there are no sequences");
  fit->units = units;
  fit->unit_count = count;
  fit->columns = columns;
  fit->state->sampled = true;
  return LAT_OK;
}

/* ---- the end before the end ------------------------------------------------------------------ */

void lat_fit_stop(lat_fit *fit)
{
  lat_fit_state *s = fit->state;
  fit->stopped = fit->over = true;
  if (s->finished) return;
  if (s->started && fit->em.state) return;
  /* no start is under way: there is nothing to compare */
  s->finished = !fit->best.flat;
  s->sampled = s->started = true;
}

static bool is_late(lat_workspace *work)
{
  if (!(work->deadline > 0 && lat_clock() > work->deadline)) return false;
  return lat_check_stop(work) == LAT_OK;
}

/* Ranks have clocks of their own, and have agreed on it. */
bool lat_fit_is_late(lat_fit *fit, lat_status status)
{
  lat_workspace *work = fit->work;
  if (status != LAT_CANCELLED || !(fit->comm ? fit->comm->late : is_late(work))) return false;
  if (!fit->best.flat && fit->em.iterations == 0) {
    lat_fail(work, LAT_CANCELLED, "max_seconds are over before the start is");
    return false;
  }
  work->deadline = 0;
  lat_fit_stop(fit);
  return true;
}

/* ---- all of it ------------------------------------------------------------------------------- */

/* With several ranks time may end a pass, but not what all of them do with its sums: else some
 * would have an iteration more than others. Ranks without rows look at the clock here only. */
static lat_status end_pass(lat_fit *fit)
{
  lat_workspace *work = fit->work;
  const double deadline = work->deadline;
  if (!fit->comm) return lat_fit_end(fit);
  LAT_TRY(lat_check(work));
  work->deadline = 0;
  lat_status status = lat_fit_end(fit);
  if (!(work->deadline > 0)) work->deadline = deadline;
  return status;
}

static lat_status run_pass(lat_fit *fit, lat_source *source)
{
  lat_matrix piece;
  const double *weights;
  if (fit->units) {
    LAT_TRY(lat_fit_add_units(fit));
    return end_pass(fit);
  }
  lat_source_rewind(source);
  LAT_STEPS(fit->work, steps, fit->all_rows, "rows");
  for (;;) {
    LAT_TRY(lat_source_next(source, fit->work, &piece, &weights));
    lat_step(&steps, (double)fit->row, (double)piece.rows);
    if (piece.rows == 0) return end_pass(fit);
    lat_status status = lat_fit_add(fit, &piece, weights);
    if (status != LAT_OK) return lat_source_failure(source, fit->work, status, fit->missing);
  }
}

/* Ranks with rows have all labels, or none has. */
static lat_status agree_on_labels(lat_fit *fit)
{
  static const uint32_t none[1];
  bool some = fit->labels != NULL;
  LAT_TRY(lat_comm_any(fit->comm, fit->work, &some));
  if (!some || fit->labels) return LAT_OK;
  if (fit->share->rows[fit->comm->rank] > 0)
    return lat_fail(fit->work, LAT_INVALID, "labels are missing, which other ranks have");
  fit->labels = none;
  return LAT_OK;
}

static lat_status take_source(lat_fit *fit, lat_source *source)
{
  fit->labels = source->labels;
  if (fit->labels && (fit->comm ? source->next != NULL : lat_source_in_pieces(source)))
    return lat_fail(fit->work, LAT_INVALID, "labels are for a matrix in memory");
  if (fit->comm) {
    LAT_TRY(agree(fit));
    LAT_TRY(lat_source_share(source, fit->work, &fit->share));
    LAT_TRY(agree_on_labels(fit));
    if (lat_fit_needs_rows(fit))
      return lat_fail(fit->work, LAT_INVALID, "these options need all rows at once, on one rank");
  }
  fit->all_rows = source->next ? 0 : source->X.rows;
  if (lat_fit_takes_rows(fit, source)) LAT_TRY(lat_fit_rows(fit, &source->X, source->weights));
  return LAT_OK;
}

lat_status lat_fit_source(lat_fit *fit, lat_source *source)
{
  fit->comm = source->comm;
  return lat_comm_settle(fit->comm, fit->work, take_source(fit, source));
}

/* Operations of a fit without iterations: of the pass over all rows, and of what is solved then. */
static double work_of_pass(const lat_fit *fit, const lat_source *source)
{
  double D = (double)source->X.cols;
  return fit->kind->form(fit) == LAT_FORM_ROWS && fit->rows.data ? 0
                                                                 : (double)fit->all_rows * D * D;
}

static double work_of_solution(const lat_source *source)
{
  double D = (double)source->X.cols;
  return LAT_SYMMETRIC_COST(D);
}

/* With several ranks the end is one that all of them have come to. */
lat_status lat_fit_iterate(lat_fit *fit, lat_source *source, bool *more)
{
  bool counts = source && !source->next && lat_fit_form(fit) != LAT_FORM_EM;
  double pass = counts ? work_of_pass(fit, source) : 0;
  double solution = counts ? work_of_solution(source) : 0;
  LAT_STEPS(counts ? fit->work : NULL, steps, pass + solution, NULL);
  *more = false;
  do {
    lat_step(&steps, fit->state->added ? pass : 0, fit->state->added || pass == 0 ? solution : 0);
    lat_status status = lat_fit_begin(fit);
    if (status == LAT_OK && fit->pass == LAT_PASS_NONE)
      return lat_comm_conclude(fit->comm, fit->work, LAT_OK);
    lat_step(&steps, 0, pass);
    if (status == LAT_OK) status = run_pass(fit, source);
    status = lat_comm_settle(fit->comm, fit->work, status);
    if (status != LAT_OK && !lat_fit_is_late(fit, status)) return status;
  } while (!fit->iterated);
  *more = true;
  return LAT_OK;
}

static lat_status run_passes(lat_fit *fit, lat_source *source)
{
  const lat_fit_options *o = lat_fit_options_of(fit);
  if (source) LAT_TRY(lat_fit_source(fit, source));
  for (;;) {
    bool more;
    LAT_TRY(lat_fit_iterate(fit, source, &more));
    if (!more) return LAT_OK;
    if (o->on_iteration || fit->comm)
      LAT_TRY(lat_fit_go_on(fit, !o->on_iteration || o->on_iteration(o->observer, fit)));
  }
}

/* The deadline is the caller's, who may have set it for more than this fit: one that starts by
 * another's clusters, say. */
lat_status lat_fit_run(lat_fit *fit, lat_source *source)
{
  const double deadline = fit->work->deadline;
  lat_status status = run_passes(fit, source);
  fit->work->deadline = deadline;
  return status;
}

static lat_status run_slices(void *context)
{
  lat_fit *fit = context;
  return lat_fit_run(fit, fit->state->source);
}

lat_status lat_fit_slice(lat_fit *fit, lat_source *source, double seconds, bool *done)
{
  fit->state->source = source;
  return lat_slice(fit->work, seconds, run_slices, fit, done);
}

void lat_fit_leave(lat_fit *fit)
{
  lat_slice_leave(fit->work);
}

lat_status lat_fit_model(lat_workspace *work, const lat_model *model, lat_source *source,
                         const double *weights, const void *options, lat_fitted *fitted,
                         lat_fit_report *report)
{
  lat_fit fit;
  if (weights) source->weights = weights;
  LAT_TRY(lat_fit_init(&fit, work, model, options, source->missing));
  LAT_TRY(lat_fit_run(&fit, source));
  *fitted = fit.best;
  if (report) *report = fit.report;
  return LAT_OK;
}

size_t lat_fit_start_bytes(const lat_fit *fit)
{
  return sizeof fit->start;
}

void lat_fit_write_start(const lat_fit *fit, void *aside)
{
  memcpy(aside, &fit->start, sizeof fit->start);
}
