/* metrics.c: the table of measures of two samples, and of one in clusters (metrics.h). */
#include "matrix/samples/metrics.h"

#include "matrix/samples/sample_distances.h"
#include "matrix/samples/sample_neighbours.h"
#include "matrix/samples/silhouette.h"

enum { MOST_NEIGHBOURS = 10000 };

static lat_status energy_distance(lat_workspace *work, lat_function_call *c)
{
  return lat_energy_distance(work, c->A, c->B, &c->numbers[0]);
}

static lat_status wasserstein(lat_workspace *work, lat_function_call *c)
{
  return lat_wasserstein(work, c->A, c->B, c->p, &c->numbers[0]);
}

static lat_status precision_recall(lat_workspace *work, lat_function_call *c)
{
  lat_neighbour_shares shares;
  LAT_TRY(lat_sample_neighbours(work, c->A, c->B, c->neighbours, &shares));
  c->numbers[0] = shares.precision;
  c->numbers[1] = shares.recall;
  return LAT_OK;
}

static lat_status density_coverage(lat_workspace *work, lat_function_call *c)
{
  lat_neighbour_shares shares;
  LAT_TRY(lat_sample_neighbours(work, c->A, c->B, c->neighbours, &shares));
  c->numbers[0] = shares.density;
  c->numbers[1] = shares.coverage;
  return LAT_OK;
}

static lat_status modes(lat_workspace *work, lat_function_call *c)
{
  size_t covered = 0;
  if (!(c->radius > 0))
    return lat_fail(work, LAT_INVALID,
                    "the option radius is missing: within what of a centre a row is of its mode");
  LAT_TRY(lat_sample_modes(work, c->A, c->B, c->radius, &covered, &c->numbers[1]));
  c->numbers[0] = (double)covered;
  return LAT_OK;
}

static lat_status silhouette(lat_workspace *work, lat_function_call *c)
{
  return lat_silhouette(work, c->A, c->B, c->results[0].data, &c->numbers[0]);
}

static const lat_option of_wasserstein[] = {
    LAT_OPTION_NUMBER(lat_function_call, p, 2, 1, LAT_MOST_POWER), {.name = NULL}};
static const lat_option of_precision[] = {
    LAT_OPTION_SIZE(lat_function_call, neighbours, 3, 1, MOST_NEIGHBOURS), {.name = NULL}};
static const lat_option of_density[] = {
    LAT_OPTION_SIZE(lat_function_call, neighbours, 5, 1, MOST_NEIGHBOURS), {.name = NULL}};
static const lat_option of_modes[] = {{.name = "radius",
                                       .type = LAT_NUMBER,
                                       .offset = offsetof(lat_function_call, radius),
                                       .otherwise = -1,
                                       .least = LAT_ABOVE_ZERO,
                                       .most = LAT_MOST_NUMBER,
                                       .shown = "required"},
                                      {.name = NULL}};

const lat_function lat_metric_functions[] = {
    {"metrics.energy_distance", "XY", "#", .call = energy_distance},
    {"metrics.wasserstein", "XY", "#", .options = of_wasserstein, .call = wasserstein},
    {"metrics.precision_recall", "XY", "##", .options = of_precision, .call = precision_recall},
    {"metrics.density_coverage", "XY", "##", .options = of_density, .call = density_coverage},
    {"metrics.modes", "XY", "%#", .options = of_modes, .call = modes},
    {"metrics.silhouette", "XY", "n #", .wide = true, .call = silhouette}, /* Y: labels */
    {.name = NULL}};
