/* gmm/fit.c: fits of mixtures of Gaussians of any form: coordinates, starts, order of components.
 *
 * Storage: what lies aside of the parameters is an `aside`: the record, the coordinates' shift and
 * scale (D each), and the record's ridge and reseeded (K each). */
#include <math.h>
#include <string.h>

#include "em/common/components.h"
#include "em/gmm/internal.h"
#include "em/kmeans/starts.h"
#include "matrix/moments.h"
#include "matrix/spread.h"

typedef struct aside {
  lat_gmm_record record;
  double numbers[];
} aside;

static size_t numbers_count(size_t D, size_t K)
{
  return 2 * (D + K);
}

/* ---- plan ------------------------------------------------------------------------------------ */

/* Coordinates and record of a fit that goes on: those that lie aside, or the parameters' own. */
static lat_status go_on(lat_fit *fit, const lat_gmm_form *form, double *numbers,
                        lat_gmm_record *record)
{
  const lat_fitted *before = fit->before;
  const aside *from = before->aside;
  size_t D = before->sizes[LAT_D], K = before->sizes[LAT_K];
  if (!from) return form->own_coordinates(fit->work, before, numbers, numbers + D);
  memcpy(numbers, from->numbers, numbers_count(D, K) * sizeof *numbers);
  *record = from->record;
  record->ridge = numbers + 2 * D;
  record->reseeded = numbers + 2 * D + K;
  return LAT_OK;
}

lat_status lat_gmm_plan(lat_fit *fit, lat_gmm_context *gmm)
{
  const lat_fitted *before = fit->before;
  size_t K = gmm->K, D = gmm->D = fit->sizes[LAT_D];
  double *numbers = lat_doubles(fit->work, numbers_count(D, K));
  lat_gmm_record *record = gmm->record = lat_allocate(fit->work, 1, sizeof *record);
  if (!numbers || !record) return LAT_MEMORY;
  memset(numbers, 0, numbers_count(D, K) * sizeof *numbers);
  *record = (lat_gmm_record){.ridge = numbers + 2 * D, .reseeded = numbers + 2 * D + K};
  if (before && before->sizes[LAT_D] == D && before->sizes[LAT_K] == K)
    LAT_TRY(go_on(fit, gmm->form, numbers, record));
  gmm->seed = fit->seed;
  gmm->online = fit->online;
  gmm->shift = numbers;
  gmm->scale = numbers + D;
  gmm->labels = fit->labels;
  fit->context = gmm;
  fit->sizes[LAT_K] = K;
  return lat_components_check_labels(fit, K);
}

size_t lat_gmm_aside_bytes(const lat_fit *fit)
{
  return sizeof(aside) + numbers_count(fit->sizes[LAT_D], fit->sizes[LAT_K]) * sizeof(double);
}

void lat_gmm_write_aside(const lat_fit *fit, void *to)
{
  const lat_gmm_context *gmm = fit->context;
  aside *a = to;
  a->record = *gmm->record;
  a->record.ridge = a->record.reseeded = NULL; /* they are among the numbers, as in lat_gmm_plan */
  memcpy(a->numbers, gmm->shift, numbers_count(gmm->D, gmm->K) * sizeof *a->numbers);
}

const lat_gmm_event *lat_gmm_events(const lat_fitted *fitted, size_t *count)
{
  const aside *a = fitted->aside;
  *count = a ? a->record.count : 0;
  return a ? a->record.events : NULL;
}

/* ---- starts ---------------------------------------------------------------------------------- */

/* Coordinates in which the data has mean 0 and deviation 1. */
static lat_status find_coordinates(lat_fit *fit, const lat_matrix *X)
{
  const lat_gmm_context *gmm = fit->context;
  size_t D = X->cols, count = lat_column_moments_count(D);
  LAT_SCOPE(fit->work);
  double *memory = lat_doubles(fit->work, count + 2 * D);
  if (!memory) return LAT_MEMORY;
  memset(memory, 0, count * sizeof *memory);
  lat_column_moments m = lat_column_moments_of(memory, D);
  LAT_TRY(lat_column_moments_add(fit->work, &m, X, fit->sample_weights, fit->missing));
  double *variance = memory + count, *deviation = variance + D;
  for (size_t d = 0; d < D; d++) {
    variance[d] = lat_column_variance(&m, d);
    deviation[d] = lat_column_deviation(&m, d);
  }
  LAT_TRY(lat_check_spread(fit->work, LAT_SPREAD_EACH, D, m.mean, deviation));
  lat_gmm_coordinates(gmm->one_scale ? LAT_COVARIANCE_SPHERICAL : gmm->covariance, D, m.mean,
                      variance, (double *)gmm->shift, (double *)gmm->scale);
  return LAT_OK;
}

lat_status lat_gmm_complete(lat_fit *fit, lat_matrix *X)
{
  const lat_gmm_context *gmm = fit->context;
  if (!fit->missing) return LAT_OK;
  lat_matrix full = lat_matrix_new(fit->work, X->rows, X->cols);
  if (!full.data) return LAT_MEMORY;
  LAT_TRY(lat_copy_filled(fit->work, X, gmm->shift, &full));
  *X = full;
  return LAT_OK;
}

static lat_status start_by_clusters(lat_fit *fit, lat_matrix X)
{
  const lat_gmm_context *gmm = fit->context;
  lat_start_way way = gmm->init == LAT_GMM_RANDOM ? LAT_START_ROWS : lat_start_way_of(fit->start);
  LAT_SCOPE(fit->work);
  double *centers = lat_doubles(fit->work, gmm->K * X.cols);
  uint32_t *labels = lat_allocate(fit->work, X.rows, sizeof *labels);
  if (!centers || !labels) return LAT_MEMORY;
  LAT_TRY(lat_gmm_complete(fit, &X));
  LAT_TRY(lat_start_clusters(fit->work, &X, fit->sample_weights, gmm->K, way, fit->seed, centers,
                             labels));
  if (way != LAT_START_ROWS) return gmm->form->from_labels(fit, &X, labels);
  gmm->form->from_means(fit, centers);
  return LAT_OK;
}

/* Equal weights, the means that were given, and what the form makes of them; whatever else was
 * given takes its place afterwards (lat_fit_start). */
static lat_status start_by_given(lat_fit *fit, const lat_fitted *given)
{
  const lat_gmm_context *gmm = fit->context;
  if (given->sizes[LAT_K] != gmm->K)
    return lat_fail(fit->work, LAT_SHAPE, "components is %zu, but init has %zu means", gmm->K,
                    given->sizes[LAT_K]);
  gmm->form->from_means(fit, given->flat + gmm->K);
  return LAT_OK;
}

lat_status lat_gmm_begin(lat_fit *fit)
{
  const lat_gmm_context *gmm = fit->context;
  const lat_fitted *given = ((const lat_fit_options *)fit->options)->given;
  const lat_matrix *X = &fit->sample;
  if (X->rows < gmm->K)
    return lat_fail(fit->work, LAT_INVALID, "components is %zu, but X has %zu rows", gmm->K,
                    X->rows);
  LAT_TRY(find_coordinates(fit, X));
  LAT_TRY(given         ? start_by_given(fit, given)
          : gmm->labels ? gmm->form->from_labels(fit, X, fit->sample_labels)
                        : start_by_clusters(fit, *X));
  gmm->record->count = 0; /* a start's events are nobody's */
  memset(gmm->record->ridge, 0, 2 * gmm->K * sizeof(double));
  return LAT_OK;
}

/* ---- the end --------------------------------------------------------------------------------- */

static void reorder_record(lat_fitted *f, const size_t *order, double *old, size_t *place)
{
  size_t D = f->sizes[LAT_D], K = f->sizes[LAT_K];
  aside *a = f->aside;
  double *numbers = a->numbers + 2 * D;
  memcpy(old, numbers, 2 * K * sizeof *old);
  for (size_t i = 0; i < K; i++) {
    numbers[i] = old[order[i]];
    numbers[K + i] = old[K + order[i]];
    place[order[i]] = i + 1;
  }
  for (size_t i = 0; i < a->record.count; i++)
    a->record.events[i].component = place[a->record.events[i].component - 1];
}

lat_status lat_gmm_reorder_all(lat_workspace *work, const lat_gmm_form *form, lat_fitted *f,
                               const size_t *order)
{
  LAT_SCOPE(work);
  double *old = lat_doubles(work, 2 * f->sizes[LAT_K]);
  size_t *place = lat_allocate(work, f->sizes[LAT_K], sizeof *place);
  if (!old || !place) return LAT_MEMORY;
  LAT_TRY(form->reorder(work, f, order));
  if (f->aside) reorder_record(f, order, old, place);
  return LAT_OK;
}

/* Statistics about the means at some time aren't those that an online fit goes on from. */
lat_status lat_gmm_finish(lat_fit *fit, lat_fitted *f)
{
  if (fit->online) return LAT_OK;
  const lat_gmm_form *form = ((const lat_gmm_context *)fit->context)->form;
  if (f->aside && ((const aside *)f->aside)->record.centred) {
    f->statistics = NULL;
    f->seen = 0;
    f->count = 0;
  }
  if (((const lat_fit_options *)fit->options)->given || fit->labels) return LAT_OK;
  size_t K = f->sizes[LAT_K];
  LAT_SCOPE(fit->work);
  size_t *order = lat_allocate(fit->work, K, sizeof *order);
  if (!order) return LAT_MEMORY;
  lat_components_rank(K, f->sizes[LAT_D], f->flat + K, order);
  return lat_gmm_reorder_all(fit->work, form, f, order);
}
