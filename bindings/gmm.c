/* gmm.c: latent.gmm, mixtures of Gaussians: making and fitting them. */
#include "gmm.h"

#include <math.h>
#include <string.h>

#include "em/kmeans.h"

static const char *const covariances[] = {"full", "diag", "tied", "spherical", NULL};
static const char *const starts[] = {"k-means", "random", NULL};
enum { KMEANS, RANDOM, GIVEN };

/* Kept fields that aren't the user's: their names are no identifiers. */
static const char MEMORY[] = "(memory)", INIT[] = "(init)", LABELS[] = "(labels)";

static void plan(lua_State *L, latL_Run *run);
static lat_status start(lua_State *L, latL_Run *run);
static void publish(lua_State *L, latL_Run *run);
static void finish(lua_State *L, latL_Run *run);

/* One kind for each covariance: they differ in the shape of a parameter. */
static latL_EmKind kind_of(lat_covariance covariance)
{
  static const char *const fit_options[] = {"labels", NULL};
  return (latL_EmKind){
      .base = {"gmm", "latent.GMM", lat_gmm_kind(covariance)->parameters, NULL},
      .missing = true,
      .fit_options = fit_options,
      .plan = plan,
      .start = start,
      .publish = publish,
      .finish = finish};
}
