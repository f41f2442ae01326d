/* gmm/gmm.c: mixtures of Gaussians for the EM loop: tables of parameters, and the kind, one a form
 * of covariance. */
#include "em/gmm/gmm.h"

#include <math.h>
#include <string.h>

#include "em/gmm/internal.h"

/* ---- sizes ----------------------------------------------------------------------------------- */

#define HEAD                                                                                       \
  {"weights", {LAT_K}},                                                                            \
  {                                                                                                \
    "means",                                                                                       \
    {                                                                                              \
      LAT_K, LAT_D                                                                                 \
    }                                                                                              \
  }
const lat_parameter lat_gmm_full[] = {
    HEAD, {"covariances", {LAT_K, LAT_D, LAT_D}}, {NULL, {LAT_END}}};
const lat_parameter lat_gmm_diag[] = {HEAD, {"covariances", {LAT_K, LAT_D}}, {NULL, {LAT_END}}};
const lat_parameter lat_gmm_tied[] = {HEAD, {"covariances", {LAT_D, LAT_D}}, {NULL, {LAT_END}}};
const lat_parameter lat_gmm_spherical[] = {HEAD, {"covariances", {LAT_K}}, {NULL, {LAT_END}}};
const lat_parameter lat_gmm_tied_diag[] = {HEAD, {"covariances", {LAT_D}}, {NULL, {LAT_END}}};
const lat_parameter lat_gmm_tied_spherical[] = {
    HEAD, {"covariances", {LAT_END}}, {NULL, {LAT_END}}};

/* ---- the kind -------------------------------------------------------------------------------- */

static size_t statistics_count(const lat_em *em)
{
  const lat_gmm_context *gmm = em->model;
  return 2 + gmm_statistics(gmm) +
         (gmm->covariance == LAT_COVARIANCE_TIED ? gmm_triangle(gmm->D) : 0);
}

static size_t derived_count(const lat_em *em)
{
  return lat_gmm_derived_count(em->model);
}

static lat_status prepare(lat_em *em, const double *parameters, double *memory)
{
  const lat_gmm_context *gmm = em->model;
  if (gmm->labelled_only) {
    gmm_derived derived = lat_gmm_derived_of(gmm, memory);
    memset(memory, 0, lat_gmm_derived_count(gmm) * sizeof *memory);
    for (size_t d = 0; d < gmm->D; d++) derived.inverse[d] = 1 / gmm->scale[d];
    *derived.path = gmm_is_wide(gmm) ? GMM_ROWS : GMM_FEATURES;
    return LAT_OK;
  }
  LAT_TRY(lat_gmm_derive(em->work, gmm, parameters, memory));
  double *path = lat_gmm_derived_of(gmm, memory).path;
  gmm->record->centred |= *path == GMM_CENTRED;
  bool main = gmm->covariance == LAT_COVARIANCE_FULL && gmm->D >= GMM_MAIN_COLUMNS && !gmm->labels;
  if (main && *path == GMM_ROWS) *path = GMM_MAIN_ROWS;
  if (main && *path == GMM_CENTRED) *path = GMM_MAIN_CENTRED;
  return LAT_OK;
}

/* ---- the E-step ------------------------------------------------------------------------------ */

static size_t scratch_count(const lat_em *em, size_t rows)
{
  return lat_gmm_each_scratch(em->model, rows, em->options.missing);
}

typedef struct e_context {
  const lat_gmm_context *gmm;
  const gmm_derived *derived;
  const lat_em_chunk *chunk;
  double *statistics;
} e_context;

static void on_block(void *context, gmm_block *block, const gmm_rows *rows)
{
  const e_context *c = context;
  if (lat_halted(c->chunk->halt, c->chunk->worker)) return; /* a row may take K D^3 steps */
  lat_gmm_find_responsibilities(c->gmm, c->chunk, rows, block, c->statistics);
  if (rows->m > 0)
    lat_gmm_accumulate_missing(c->gmm, c->derived, block, rows, c->statistics + 2);
  else
    lat_gmm_accumulate(c->gmm, c->derived, block, c->statistics + 2);
}

static void e_step(const lat_em *em, const lat_em_chunk *chunk, double *statistics, double *scratch)
{
  gmm_derived derived = lat_gmm_derived_of(em->model, em->derived);
  e_context context = {em->model, &derived, chunk, statistics};
  lat_gmm_each_block(em->model, &derived, &chunk->X, em->options.missing, on_block, &context,
                     scratch);
}

bool lat_gmm_weights_feasible(size_t K, double *weights)
{
  double total = 0;
  for (size_t k = 0; k < K; k++) total += weights[k] = fmax(weights[k], 0);
  if (!(total > 0)) return false;
  for (size_t k = 0; k < K; k++) weights[k] /= total;
  return true;
}

/* Acceleration may leave the set of mixtures: weights are put back onto the simplex, covariances
 * must still be positive definite. */
static bool feasible(const lat_em *em, double *parameters)
{
  const lat_gmm_context *gmm = em->model;
  if (!lat_gmm_weights_feasible(gmm->K, parameters)) return false;
  LAT_SCOPE(em->work);
  double *memory = lat_doubles(em->work, lat_gmm_derived_count(gmm));
  bool proper = memory && lat_gmm_derive(em->work, gmm, parameters, memory) == LAT_OK;
  return proper;
}

#define KIND(table)                                                                                \
  {                                                                                                \
    .name = "gmm", .parameters = table, .statistics = statistics_count, .derived = derived_count,  \
    .scratch = scratch_count, .feasible = feasible, .prepare = prepare, .e_step = e_step,          \
    .m_step = lat_gmm_m_step, .singular = lat_gmm_singular                                         \
  }
static const lat_em_kind kinds[] = {KIND(lat_gmm_full),      KIND(lat_gmm_diag),
                                    KIND(lat_gmm_tied),      KIND(lat_gmm_spherical),
                                    KIND(lat_gmm_tied_diag), KIND(lat_gmm_tied_spherical)};

const lat_em_kind *lat_gmm_kind(lat_covariance covariance)
{
  return &kinds[covariance];
}
