/* mixture/fit.c: fits of mixtures: how columns are coded, starts, rows that are the same, the order
 * of components. */
#include <math.h>
#include <string.h>

#include "em/common/components.h"
#include "em/mixture/internal.h"
#include "matrix/order.h"

static bool is_own(const lat_fit *fit)
{
  return ((const lat_mixture_options *)fit->options)->family == LAT_FUNCTIONS;
}

/* ---- codes ----------------------------------------------------------------------------------- */

static double number_of(const lat_number_list *list, size_t d)
{
  return list->count == 0 ? (double)NAN : list->values[list->count == 1 ? 0 : d];
}

/* One-hot columns: the size of each group at its first column; how many columns that are. */
static size_t take_groups(const lat_number_list *groups, size_t D, double *levels, double *lowest)
{
  size_t d = 0;
  for (size_t i = 0; i < D; i++) levels[i] = 0, lowest[i] = -1;
  for (size_t g = 0; g < groups->count; g++) {
    if (d < D) levels[d] = groups->values[g];
    d += (size_t)groups->values[g];
  }
  return d;
}

size_t lat_mixture_columns(const lat_mixture_options *o, size_t M)
{
  if (o->groups.count) return M;
  if (!o->levels.count || !o->lowest.count) return 0;
  if (o->levels.count > 1) return o->levels.count;
  return o->lowest.count > 1 ? o->lowest.count : M / (size_t)o->levels.values[0];
}

void lat_mixture_complete(const lat_mixture_options *o, lat_fitted *given)
{
  size_t K = given->sizes[LAT_K], D = given->sizes[LAT_D];
  double *levels = given->flat + K, *lowest = levels + D;
  if (D == 0) return;
  for (size_t k = 0; k < K; k++)
    if (isnan(given->flat[k])) given->flat[k] = 1 / (double)K;
  if (o->family != LAT_CATEGORICAL) return;
  if (o->groups.count) {
    take_groups(&o->groups, D, levels, lowest);
    return;
  }
  for (size_t d = 0; d < D; d++) {
    bool within = d < o->levels.count || o->levels.count == 1;
    if (isnan(levels[d])) levels[d] = within ? number_of(&o->levels, d) : 0;
    within = d < o->lowest.count || o->lowest.count == 1;
    if (isnan(lowest[d])) lowest[d] = within ? number_of(&o->lowest, d) : 0;
  }
}

static lat_status check_list(const lat_fit *fit, const char *name, const lat_number_list *list)
{
  if (list->count <= 1 || list->count == fit->sizes[LAT_D]) return LAT_OK;
  return lat_fail(fit->work, LAT_SHAPE, "%s has %zu numbers for %zu columns", name, list->count,
                  fit->sizes[LAT_D]);
}

/* How the columns are coded: what the model was fitted with, or was given, or told, or the data
 * shows. */
static lat_status find_codes(const lat_fit *fit, double *levels, double *lowest)
{
  const lat_mixture_options *o = fit->options;
  const lat_fitted *before = fit->before ? fit->before : o->fit.given;
  size_t D = fit->sizes[LAT_D];
  if (before && before->sizes[LAT_D] == D) {
    memcpy(levels, before->flat + before->sizes[LAT_K], 2 * D * sizeof *levels);
    return LAT_OK;
  }
  if (o->groups.count) {
    size_t columns = take_groups(&o->groups, D, levels, lowest);
    if (columns == D) return LAT_OK;
    return lat_fail(fit->work, LAT_SHAPE, "groups add up to %zu columns, X has %zu", columns, D);
  }
  LAT_TRY(check_list(fit, "levels", &o->levels));
  LAT_TRY(check_list(fit, "lowest", &o->lowest));
  for (size_t d = 0; d < D; d++) {
    levels[d] = number_of(&o->levels, d);
    lowest[d] = number_of(&o->lowest, d);
  }
  if (o->levels.count && o->lowest.count) return LAT_OK;
  return lat_mixture_find_levels(fit->work, &fit->sample, fit->missing, levels, lowest);
}

/* ---- a start --------------------------------------------------------------------------------- */

/* The context of the fit. Keeps the codes. */
static lat_status make_context(lat_fit *fit, lat_mixture_context *m)
{
  const lat_mixture_options *o = fit->options;
  size_t D = fit->sizes[LAT_D];
  *m = (lat_mixture_context){.family = (lat_family)o->family,
                             .D = D,
                             .K = o->components,
                             .M = D,
                             .smoothing = o->smoothing,
                             .labels = fit->labels,
                             .row = fit->row_weights ? fit->average_weight : fit->rows.data != NULL,
                             .seen = fit->online ? &fit->seen : NULL};
  if (m->family != LAT_CATEGORICAL) return LAT_OK;
  double *levels = lat_doubles(fit->work, 2 * D);
  if (!levels) return LAT_MEMORY;
  m->levels = levels;
  m->lowest = levels + D;
  LAT_TRY(find_codes(fit, levels, levels + D));
  m->M = 0;
  for (size_t d = 0; d < D; d++) m->M += (size_t)levels[d];
  return LAT_OK;
}

static lat_status plan(lat_fit *fit)
{
  const lat_mixture_options *o = fit->options;
  uint64_t N = lat_fit_known_rows(fit);
  if (N && N < o->components && !fit->online)
    return lat_fail(fit->work, LAT_INVALID, "components is %zu, but X has %zu rows", o->components,
                    (size_t)N);
  fit->sizes[LAT_K] = o->components;
  LAT_TRY(lat_components_check_labels(fit, o->components));
  if (is_own(fit)) return lat_own_plan(fit);
  lat_mixture_context *m = lat_allocate(fit->work, 1, sizeof *m);
  if (!m) return LAT_MEMORY;
  LAT_TRY(make_context(fit, m));
  fit->core = lat_mixture_kind(m->family);
  fit->context = m;
  if (m->family == LAT_CATEGORICAL) fit->sizes[LAT_M] = m->M;
  return LAT_OK;
}

/* Whether the start is by K-means: it finds maxima that random starts miss, and they others. */
static bool by_kmeans(const lat_fit *fit)
{
  const lat_mixture_options *o = fit->options;
  if (o->fit.given || fit->labels || fit->sample.rows < o->components) return false;
  bool first = o->init == LAT_MIXTURE_KMEANS;
  return o->init != LAT_MIXTURE_RANDOM && (fit->start % 2 ? !first : first);
}

static lat_status start(lat_fit *fit)
{
  if (is_own(fit)) return lat_own_start(fit);
  const lat_mixture_context *m = fit->context;
  const lat_fitted *given = ((const lat_fit_options *)fit->options)->given;
  lat_random random = {.seed = fit->seed, .stream = MIXTURE_STREAM_STARTS};
  if (given && m->family == LAT_CATEGORICAL && given->sizes[LAT_M] != m->M)
    return lat_fail(fit->work, LAT_SHAPE,
                    "init.probabilities is a %zux%zu matrix, it should be %zux%zu",
                    given->sizes[LAT_K], given->sizes[LAT_M], m->K, m->M);
  lat_mixture_context of_sample = *m;
  if (m->labels) of_sample.labels = fit->sample_labels;
  return (by_kmeans(fit) ? lat_mixture_start_kmeans : lat_mixture_start)(
      fit->work, &of_sample, &fit->sample, fit->sample_weights, fit->missing, &random,
      fit->parameters);
}

/* Given probabilities of a column add up to 1, but for rounding: now they do as others here. */
static lat_status adopt(lat_fit *fit)
{
  const lat_mixture_context *m = fit->context;
  if (m->family != LAT_CATEGORICAL) return LAT_OK;
  double *p = fit->parameters + lat_mixture_offset(m);
  for (size_t k = 0; k < m->K; k++)
    for (size_t d = 0; d < m->D; p += (size_t)m->levels[d++])
      if (m->levels[d] > 0)
        LAT_TRY(lat_take_distribution(fit->work, "init.probabilities", (size_t)m->levels[d], p));
  return LAT_OK;
}

/* ---- rows that are the same ------------------------------------------------------------------ */

/* Rows of which half are repetitions become those without, which weigh as much. */
static lat_status condense(lat_fit *fit)
{
  lat_mixture_context m;
  size_t count, *places;
  double *totals;
  if (is_own(fit)) return LAT_OK;
  LAT_TRY(make_context(fit, &m));
  LAT_TRY(lat_mixture_check_rows(fit->work, &m, &fit->rows, fit->missing));
  LAT_TRY(lat_distinct_rows(fit->work, &fit->rows, fit->row_weights, fit->rows.rows / 2, &count,
                            &places, &totals));
  if (count == 0) return LAT_OK;
  lat_matrix rows = lat_matrix_new(fit->work, count, fit->rows.cols);
  if (!rows.data) return LAT_MEMORY;
  LAT_TRY(lat_gather_rows(fit->work, &fit->rows, places, &rows));
  fit->rows = fit->sample = rows;
  fit->row_weights = fit->sample_weights = totals;
  fit->condensed = true;
  return LAT_OK;
}

/* ---- the E-step, and the end ----------------------------------------------------------------- */

static lat_status e_step(lat_fit *fit, const lat_matrix *X, const double *weights)
{
  if (!is_own(fit)) return lat_em_add(&fit->em, X, weights);
  return fit->row ? LAT_OK : lat_own_add(fit);
}

/* Components are put in order, unless somebody has said which is which. */
static lat_status finish(lat_fit *fit, lat_fitted *f)
{
  const lat_mixture_options *o = fit->options;
  if (fit->online || o->fit.given || fit->labels || is_own(fit)) return LAT_OK;
  const lat_mixture mixture = lat_mixture_of(f);
  const lat_mixture_context m = lat_mixture_context_of(&mixture);
  LAT_SCOPE(fit->work);
  size_t *order = lat_allocate(fit->work, m.K, sizeof *order);
  if (!order) return LAT_MEMORY;
  lat_components_rank(m.K, m.M, f->flat + lat_mixture_offset(&m), order);
  return lat_mixture_reorder(fit->work, f, order);
}

/* Of a family of functions, the number of the start that the parameters are of: the caller has what
 * its functions found. */
static size_t aside_bytes(const lat_fit *fit)
{
  return is_own(fit) ? sizeof(size_t) : 0;
}

static void write_aside(const lat_fit *fit, void *aside)
{
  memcpy(aside, &fit->start, sizeof fit->start);
}

const lat_fit_kind lat_mixture_fit_kind = {.plan = plan,
                                           .start = start,
                                           .adopt = adopt,
                                           .aside_bytes = aside_bytes,
                                           .write_aside = write_aside,
                                           .finish = finish,
                                           .condense = condense,
                                           .needs_rows = is_own,
                                           .e_step = e_step};
