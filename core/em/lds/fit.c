/* lds/fit.c: fits of linear dynamical systems, whose data are sequences: plan, start and checks. */
#include <string.h>

#include "em/lds/em.h"

const lat_em_kind lat_lds_kind = {.name = "lds",
                                  .parameters = lat_lds_parameters,
                                  .statistics = lat_lds_statistics_count,
                                  .scratch = lat_lds_scratch_count,
                                  .e_step = lat_lds_e_step,
                                  .m_step = lat_lds_m_step,
                                  .feasible = lat_lds_feasible};

/* ---- given parameters ------------------------------------------------------------------------ */

/* parameters := the given values, those of the first step where they vary; 0 for the rest. */
static void set_given(const lat_lds_options *o, const size_t sizes[LAT_SIZES], double *parameters)
{
  for (int i = 0; i < LAT_LDS_PARAMETERS; i++) {
    size_t count = lat_parameter_count(lat_lds_parameters + i, sizes);
    for (size_t k = 0; k < count; k++) parameters[k] = o->given[i].data ? o->given[i].data[k] : 0;
    parameters += count;
  }
}

static lat_status set_stationary(lat_workspace *work, const lat_lds_options *o,
                                 const size_t sizes[LAT_SIZES], double *parameters)
{
  if (!lat_lds_is_stationary(o)) return LAT_OK;
  lat_lds lds = lat_lds_of(o, parameters, sizes);
  lat_lds_values v = lat_lds_values_of(parameters, sizes);
  return lat_lds_stationary(work, &lds, v.mean, v.covariance);
}

lat_status lat_lds_set_given(lat_workspace *work, const lat_lds_options *o,
                             const size_t sizes[LAT_SIZES], double *parameters)
{
  if (lat_lds_is_stationary(o) && (o->A.stride || o->Q.stride))
    return lat_fail(work, LAT_INVALID,
                    "a model whose %s varies with t has no stationary initial state",
                    o->A.stride ? "A" : "Q");
  set_given(o, sizes, parameters);
  lat_lds lds = lat_lds_of(o, parameters, sizes);
  LAT_TRY(lat_lds_check_parameters(work, &lds, 1));
  return set_stationary(work, o, sizes, parameters);
}

/* ---- the plan -------------------------------------------------------------------------------- */

static lat_status check_estimates(lat_workspace *work, const lat_lds_options *o,
                                  const bool estimate[])
{
  static const int needed[] = {LAT_LDS_A, LAT_LDS_C, LAT_LDS_Q, LAT_LDS_R};
  for (size_t k = 0; k < 4; k++)
    if (!o->given[needed[k]].data && !estimate[needed[k]])
      return lat_fail(work, LAT_INVALID, "%s is neither given nor estimated",
                      lat_lds_parameters[needed[k]].name);
  for (int i = 0; i < LAT_LDS_Q; i++) {
    int noise = i == LAT_LDS_A || i == LAT_LDS_B ? LAT_LDS_Q : LAT_LDS_R;
    if (estimate[i] && o->given[noise].stride)
      return lat_fail(work, LAT_INVALID, "%s can't be estimated when %s varies with t",
                      lat_lds_parameters[i].name, lat_lds_parameters[noise].name);
  }
  if (lat_lds_is_stationary(o) && (estimate[LAT_LDS_MEAN] || estimate[LAT_LDS_COVARIANCE]))
    return lat_fail(work, LAT_INVALID,
                    "initial = \"stationary\" leaves no initial state to estimate");
  return LAT_OK;
}

static lat_status plan(lat_fit *fit)
{
  const lat_lds_options *o = fit->options;
  lat_lds_context *c = lat_allocate(fit->work, 1, sizeof *c);
  if (!c) return LAT_MEMORY;
  *c = (lat_lds_context){.options = o, .sequences = fit->units, .count = fit->unit_count};
  for (size_t i = 0; i < c->count; i++) c->longest = lat_lds_max(c->longest, c->sequences[i].steps);
  lat_lds_set_estimates(o, o->inputs, c->estimate);
  LAT_TRY(check_estimates(fit->work, o, c->estimate));
  fit->sizes[LAT_M] = o->latent_dim;
  fit->sizes[LAT_U] = o->inputs;
  fit->core = &lat_lds_kind;
  fit->context = c;
  return LAT_OK;
}

/* ---- a start --------------------------------------------------------------------------------- */

/* Q and R whose held entries leave a closed M-step. */
static lat_status check_fixed(lat_workspace *work, const lat_lds_context *c,
                              const size_t sizes[LAT_SIZES], double *parameters)
{
  lat_lds_values v = lat_lds_values_of(parameters, sizes);
  const bool *Q = c->estimate[LAT_LDS_Q] ? c->options->fixed[LAT_LDS_Q] : NULL;
  const bool *R = c->estimate[LAT_LDS_R] ? c->options->fixed[LAT_LDS_R] : NULL;
  if (Q) LAT_TRY(lat_lds_check_fixed(work, "Q", sizes[LAT_M], Q, v.Q));
  if (R) LAT_TRY(lat_lds_check_fixed(work, "R", sizes[LAT_D], R, v.R));
  return LAT_OK;
}

static lat_status check_data(lat_workspace *work, const lat_lds_sequence *s, const lat_lds *lds)
{
  LAT_TRY(lat_lds_check_sequence(work, lds, s));
  for (size_t k = 0; k < s->steps * lds->outputs; k++)
    if (!isnan(s->Y[k])) return LAT_OK;
  return lat_fail(work, LAT_INVALID, "there is no observation");
}

static lat_status check_density(lat_workspace *work, const lat_lds_sequence *s, const lat_lds *lds,
                                size_t *skipped)
{
  lat_lds_filtered filtered = {0};
  LAT_TRY(lat_lds_filter(work, lds, s, &filtered));
  *skipped += filtered.skipped;
  if (filtered.diffuse <= s->steps) return LAT_OK;
  return lat_fail(work, LAT_INVALID, "the %zu rows don't determine the diffuse initial state",
                  s->steps);
}

/* Adds the number of the sequence to a failure's message. */
static lat_status of_sequence(lat_workspace *work, size_t i, size_t count, lat_status status)
{
  char message[sizeof work->message];
  if (status == LAT_OK || count == 1) return status;
  memcpy(message, work->message, sizeof message);
  return lat_fail(work, status, "sequence %zu: %.200s", i + 1, message);
}

/* ---- several ranks -------------------------------------------------------------------------- */

/* The first sequences of all ranks that make up so many numbers, at least one, are what starts are
 * made of: 32 MB. */
enum { START_NUMBERS = 4 << 20 };

static size_t numbers_of(const lat_fit *fit, const lat_lds_sequence *s)
{
  return s->steps * (fit->sizes[LAT_D] + fit->sizes[LAT_U]);
}

/* How many of this rank's sequences are among those; *longest := the steps of the longest of all.
 */
static lat_status count_for_start(lat_fit *fit, const lat_lds_context *c, size_t *count,
                                  size_t *longest)
{
  const lat_share *share = fit->share;
  size_t width = fit->sizes[LAT_D] + fit->sizes[LAT_U];
  uint64_t before = 0, i = 0;
  void *gathered;
  uint64_t *own = lat_allocate(fit->work, c->count, sizeof *own);
  size_t *sizes = lat_allocate(fit->work, share->comm->size, sizeof *sizes);
  if (!own || !sizes) return LAT_MEMORY;
  for (size_t k = 0; k < c->count; k++) own[k] = c->sequences[k].steps;
  LAT_TRY(lat_comm_gather(share->comm, fit->work, own, c->count * sizeof *own, sizes, &gathered));
  const uint64_t *steps = gathered;
  *count = *longest = 0;
  for (; i < share->all; i++) {
    before += steps[i] * width;
    *longest = lat_lds_max(*longest, (size_t)steps[i]);
    bool mine = i >= share->before && i < share->before + c->count;
    if (mine && (before <= START_NUMBERS || i == 0)) ++*count;
  }
  return LAT_OK;
}

/* A sequence travels as its number of steps, Y and U. */
static double *pack(const lat_fit *fit, const lat_lds_sequence *s, double *to)
{
  size_t D = s->steps * fit->sizes[LAT_D], U = s->steps * fit->sizes[LAT_U];
  *to++ = (double)s->steps;
  memcpy(to, s->Y, D * sizeof *to);
  if (U) memcpy(to + D, s->U, U * sizeof *to);
  return to + D + U;
}

static const double *unpack(const lat_fit *fit, const double *from, lat_lds_sequence *s)
{
  s->steps = (size_t)*from++;
  s->Y = from;
  from += s->steps * fit->sizes[LAT_D];
  s->U = fit->sizes[LAT_U] ? from : NULL;
  return from + s->steps * fit->sizes[LAT_U];
}

/* all := c with the sequences of all ranks that starts are made of. Keeps them. */
static lat_status gather_sequences(lat_fit *fit, lat_lds_context *c, lat_lds_context *all)
{
  lat_workspace *work = fit->work;
  size_t count = 0, numbers = 0, longest, total = 0, n = 0;
  void *gathered;
  *all = *c;
  if (!fit->share) return LAT_OK;
  LAT_TRY(count_for_start(fit, c, &count, &longest));
  for (size_t i = 0; i < count; i++) numbers += 1 + numbers_of(fit, c->sequences + i);
  double *own = lat_doubles(work, numbers), *to = own;
  size_t *sizes = lat_allocate(work, fit->comm->size, sizeof *sizes);
  lat_lds_sequence *sequences = lat_allocate(work, fit->share->all, sizeof *sequences);
  if (!own || !sizes || !sequences) return LAT_MEMORY;
  for (size_t i = 0; i < count; i++) to = pack(fit, c->sequences + i, to);
  LAT_TRY(lat_comm_gather(fit->comm, work, own, numbers * sizeof *own, sizes, &gathered));
  for (size_t r = 0; r < fit->comm->size; r++) total += sizes[r] / sizeof *own;
  const double *from = gathered, *end = from + total;
  while (from < end) from = unpack(fit, from, sequences + n++);
  all->sequences = sequences;
  all->count = n;
  all->longest = longest;
  return LAT_OK;
}

/* What one process would have counted. */
static lat_status add_skipped(lat_fit *fit, lat_lds_context *c)
{
  double skipped = (double)c->skipped;
  if (fit->comm) LAT_TRY(lat_comm_sum(fit->comm, fit->work, &skipped, 1));
  c->skipped = (size_t)skipped;
  return LAT_OK;
}

static lat_status start(lat_fit *fit)
{
  lat_workspace *work = fit->work;
  lat_lds_context *c = (lat_lds_context *)fit->context;
  const lat_lds_options *o = c->options;
  set_given(o, fit->sizes, fit->parameters);
  lat_lds lds = lat_lds_of(o, fit->parameters, fit->sizes);
  LAT_TRY(check_fixed(work, c, fit->sizes, fit->parameters));
  for (size_t i = 0; i < c->count; i++)
    LAT_TRY(of_sequence(work, i, c->count, check_data(work, c->sequences + i, &lds)));
  LAT_SCOPE(work);
  lat_lds_context all;
  LAT_TRY(gather_sequences(fit, c, &all));
  LAT_TRY(lat_lds_start(work, &all, fit->sizes, fit->seed, fit->start > 0, fit->parameters));
  LAT_TRY(set_stationary(work, o, fit->sizes, fit->parameters));
  LAT_TRY(lat_lds_check_parameters(work, &lds, all.longest));
  c->skipped = 0;
  for (size_t i = 0; i < c->count; i++)
    LAT_TRY(
        of_sequence(work, i, c->count, check_density(work, c->sequences + i, &lds, &c->skipped)));
  return add_skipped(fit, c);
}

const lat_fit_kind lat_lds_fit_kind = {.plan = plan, .start = start};

lat_status lat_lds_fit(lat_workspace *work, const lat_lds_sequence *sequences, size_t count,
                       const lat_lds_options *options, lat_lds *lds, lat_fit_report *report)
{
  lat_fit fit;
  LAT_TRY(lat_lds_check(work, options));
  lat_lds_options *own = lat_allocate(work, 1, sizeof *own);
  lat_lds_initial *initials = lat_allocate(work, options->latent_dim, sizeof *initials);
  if (!own || !initials) return LAT_MEMORY;
  *own = *options;
  LAT_TRY(lat_lds_resolve(work, own, initials));
  LAT_TRY(lat_fit_init(&fit, work, &lat_lds_model, own, true));
  LAT_TRY(lat_fit_units(&fit, sequences, count, own->outputs));
  LAT_TRY(lat_fit_run(&fit, NULL));
  *lds = lat_lds_of(own, fit.best.flat, fit.best.sizes);
  if (report) *report = fit.report;
  return LAT_OK;
}
