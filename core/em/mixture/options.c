/* mixture/options.c: the description of a mixture with independent columns: options, methods, and
 * the functions behind them. */
#include <math.h>

#include "em/common/components.h"
#include "em/mixture/internal.h"
#include "modeling/save.h"

/* ---- options --------------------------------------------------------------------------------- */

static const char *const families[] = {"bernoulli", "poisson", "categorical", "functions", NULL};
static const char *const inits[] = {"mixed", "random", "k-means", NULL};

static const lat_option options[] = {
    LAT_OPTION_SIZE(lat_mixture_options, components, 1, 1, LAT_MOST_PARTS),
    {.name = "family",
     LAT_CHOICE,
     offsetof(lat_mixture_options, family),
     LAT_BERNOULLI,
     0,
     0,
     families,
     "table",
     NULL},
    LAT_OPTION_NUMBER(lat_mixture_options, smoothing, 0, 0, 1e9),
    LAT_OPTION_GIVEN("levels", "integer|integer[]"),
    LAT_OPTION_GIVEN("lowest", "integer|integer[]"),
    LAT_OPTION_GIVEN("groups", "integer[]"),
    {.name = "init",
     LAT_CHOICE,
     offsetof(lat_mixture_options, init),
     LAT_MIXTURE_MIXED,
     0,
     0,
     inits,
     "table",
     NULL},
    LAT_FIT_OPTIONS(lat_mixture_options, 1000, 1e-8, 5),
    {.name = NULL}};

LAT_DEFINE_OPTIONS(mixture)

static lat_status check_list(lat_workspace *work, const char *name, const lat_number_list *list,
                             double least, lat_family family)
{
  const double most = 65536; /* levels: beyond that it is no code */
  if (list->count && family != LAT_CATEGORICAL)
    return lat_fail(work, LAT_INVALID, "%s is for the family \"categorical\"", name);
  for (size_t i = 0; i < list->count; i++) {
    double x = list->values[i];
    if (!(x >= least && x <= most && x == floor(x)))
      return lat_fail(work, LAT_INVALID, "%s must be integers >= %g, got %g", name, least, x);
  }
  return LAT_OK;
}

static lat_status check_options(lat_workspace *work, const void *options_)
{
  const lat_mixture_options *o = options_;
  lat_family family = (lat_family)o->family;
  LAT_TRY(check_list(work, "levels", &o->levels, 1, family));
  LAT_TRY(check_list(work, "lowest", &o->lowest, 0, family));
  LAT_TRY(check_list(work, "groups", &o->groups, 1, family));
  if (o->groups.count && (o->levels.count || o->lowest.count))
    return lat_fail(work, LAT_INVALID,
                    "groups are for one-hot columns, levels and lowest for codes");
  if (family != LAT_FUNCTIONS) return LAT_OK;
  if (!o->own.log_density || !o->own.estimate)
    return lat_fail(work, LAT_INVALID, "a family of functions needs log_density and fit");
  if (o->fit.given)
    return lat_fail(work, LAT_INVALID,
                    "init for a family of functions must be \"k-means\" or \"random\"");
  if (o->smoothing > 0 || o->fit.accelerate)
    return lat_fail(work, LAT_INVALID, "%s is not for a family of functions",
                    o->smoothing > 0 ? "smoothing" : "accelerate");
  return LAT_OK;
}

static const lat_parameter *parameters(const void *o)
{
  static const lat_parameter *const tables[] = {lat_mixture_bernoulli, lat_mixture_poisson,
                                                lat_mixture_categorical, lat_mixture_functions};
  return tables[((const lat_mixture_options *)o)->family];
}

/* ---- views ----------------------------------------------------------------------------------- */

lat_mixture lat_mixture_of(const lat_fitted *f)
{
  lat_mixture m = {.options = *(const lat_mixture_options *)f->options,
                   .D = f->sizes[LAT_D],
                   .K = f->sizes[LAT_K],
                   .M = f->sizes[LAT_D],
                   .weights = f->flat,
                   .prepared = f->prepared};
  const double *theta = m.weights + m.K;
  if (m.options.family == LAT_BERNOULLI) m.means = theta;
  if (m.options.family == LAT_POISSON) m.rates = theta;
  if (m.options.family != LAT_CATEGORICAL) return m;
  m.M = f->sizes[LAT_M];
  m.levels = theta;
  m.lowest = theta + m.D;
  m.probabilities = theta + 2 * m.D;
  return m;
}

lat_status lat_mixture_reorder(lat_workspace *work, lat_fitted *f, const size_t *order)
{
  const lat_mixture mixture = lat_mixture_of(f);
  const lat_mixture_context m = lat_mixture_context_of(&mixture);
  size_t K = m.K, M = m.M;
  LAT_SCOPE(work);
  double *old = lat_doubles(work, K * M);
  if (!old) return LAT_MEMORY;
  lat_components_permute(K, 1, order, f->flat, old);
  lat_components_permute(K, M, order, f->flat + lat_mixture_offset(&m), old);
  if (!f->statistics) return LAT_OK;
  mixture_statistics s = lat_mixture_statistics_of(&m, f->statistics);
  lat_components_permute(K, 1, order, s.components, old);
  lat_components_permute(K, M, order, s.sums, old);
  if (m.family != LAT_CATEGORICAL) lat_components_permute(K, m.D, order, s.observed, old);
  return LAT_OK;
}

/* ---- parameters of a file, or given ---------------------------------------------------------- */

/* Levels make up the M columns of the probabilities, as codes or as one-hot columns. */
static lat_status check_codes(lat_workspace *work, const lat_mixture *m)
{
  size_t count = 0;
  bool codes = m->lowest[0] >= 0;
  for (size_t d = 0; d < m->D; d++) {
    double levels = m->levels[d], lowest = m->lowest[d];
    bool whole = levels == floor(levels) && lowest == floor(lowest) && lowest <= 65536;
    if (!(whole && levels >= codes && levels <= (double)m->M &&
          (codes ? lowest >= 0 : lowest == -1)))
      return lat_fail(work, LAT_INVALID, "levels or lowest are no codes");
    if (!codes && (d < count) != (levels == 0))
      return lat_fail(work, LAT_INVALID, "levels are no groups of columns");
    count += (size_t)levels;
  }
  if (count != m->M || (!codes && m->M != m->D))
    return lat_fail(work, LAT_INVALID, "levels don't add up to M");
  return LAT_OK;
}

/* The probabilities of a column add up to 1. */
static lat_status check_columns(lat_workspace *work, const lat_mixture *m)
{
  const double *p = m->probabilities;
  for (size_t k = 0; k < m->K; k++)
    for (size_t d = 0; d < m->D; d++) {
      double total = 0;
      size_t levels = (size_t)m->levels[d];
      for (size_t i = 0; i < levels; i++) total += *p++;
      if (levels && !(fabs(total - 1) < 1e-6))
        return lat_fail(work, LAT_INVALID, "the probabilities of a column don't add up to 1");
    }
  return LAT_OK;
}

static lat_status check_fitted(lat_workspace *work, const lat_fitted *f)
{
  static const char *const names[] = {"means", "rates", "probabilities"};
  const lat_mixture m = lat_mixture_of(f);
  const lat_mixture_context context = lat_mixture_context_of(&m);
  bool poisson = m.options.family == LAT_POISSON;
  LAT_TRY(lat_components_check(work, f, m.options.components));
  if (m.options.family == LAT_FUNCTIONS)
    return lat_fail(work, LAT_INVALID, "a family of functions is in no file");
  const double *theta = f->flat + lat_mixture_offset(&context);
  for (size_t i = 0; i < m.K * m.M; i++)
    if (!(theta[i] >= 0 && (theta[i] <= 1 || poisson)))
      return lat_fail(work, LAT_INVALID, "%s[%zu,%zu] is %.14g; %s", names[m.options.family],
                      i / m.M + 1, i % m.M + 1, theta[i],
                      poisson ? "rates are not below 0" : "probabilities are between 0 and 1");
  if (m.options.family != LAT_CATEGORICAL) return LAT_OK;
  LAT_TRY(check_codes(work, &m));
  return check_columns(work, &m);
}

/* ---- fits and files -------------------------------------------------------------------------- */

LAT_DEFINE_FIT(mixture)

LAT_DEFINE_FITTED(mixture, weights, [LAT_D] = model->D, [LAT_K] = model->K, [LAT_M] = model->M)

lat_status lat_mixture_save(lat_workspace *work, const lat_mixture *m, const char *path)
{
  const lat_fitted f = lat_mixture_fitted(m);
  if (m->options.family == LAT_FUNCTIONS)
    return lat_fail(work, LAT_INVALID, "a family of functions can't be saved");
  return lat_model_save(work, path, &f);
}

LAT_DEFINE_LOAD(mixture)

/* ---- methods --------------------------------------------------------------------------------- */

LAT_DEFINE_APPLY(mixture)
LAT_DEFINE_PREPARED(mixture)

static lat_status sample(lat_workspace *work, const lat_fitted *f, lat_random *random,
                         const lat_matrix *X, const lat_outputs *of)
{
  lat_mixture m = lat_mixture_of(f);
  return lat_mixture_sample(work, &m, random, X, of->labels);
}

LAT_DEFINE_FREE_PARAMETERS(mixture)

static lat_status distances(lat_workspace *work, const lat_fitted *first, const lat_fitted *second,
                            double *to)
{
  lat_mixture a = lat_mixture_of(first), b = lat_mixture_of(second);
  return lat_mixture_distances(work, &a, &b, to);
}

static const lat_method methods[] = {LAT_LABELLED_FIT_METHODS,
                                     LAT_MIXTURE_METHODS,
                                     {.name = "impute",
                                      .argument = LAT_TAKES_ROWS,
                                      .outputs = {LAT_OUTPUT_ROWS(imputed, LAT_D)},
                                      .missing = true},
                                     {.name = "sample",
                                      .argument = LAT_TAKES_COUNT,
                                      .outputs = {LAT_OUTPUT(LAT_GIVES_LABELS, labels)},
                                      .options = lat_seed_options},
                                     {.name = "column"},
                                     {.name = "align", .argument = LAT_TAKES_MODEL},
                                     {.name = NULL}};

const lat_model lat_mixture_model = {.name = "mixture",
                                     .options = options,
                                     .options_size = sizeof(lat_mixture_options),
                                     .methods = methods,
                                     .missing = true,
                                     .parameters = parameters,
                                     .check = check_options,
                                     .check_fitted = check_fitted,
                                     .apply = apply,
                                     .prepared_count = prepared_count,
                                     .prepare = prepare,
                                     .sample = sample,
                                     .free_parameters = free_parameters,
                                     .distances = distances,
                                     .reorder = lat_mixture_reorder,
                                     .fit = &lat_mixture_fit_kind};
