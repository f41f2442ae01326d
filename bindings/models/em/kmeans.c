/* kmeans.c: latent.kmeans, K-means clustering: what the core's description doesn't say. */
#include "em/kmeans/kmeans.h"

#include <math.h>

#include "model/given.h"
#include "model/methods.h"

/* clusters, which init may tell; and init, when it is a matrix of centres */
static void read_options(lua_State *L, int model, void *options)
{
  const size_t sizes[LAT_SIZES] = {0};
  lat_kmeans_options *o = options;
  bool said = latL_getoption(L, 1, "clusters") != LUA_TNIL;
  latL_Fitted *given = latL_givenmatrix(L, model, "centers", sizes);
  latL_onlyfor(L, 1, "kmeans", LATL_NAMES("batch"), o->algorithm == LAT_KMEANS_MINIBATCH,
               "algorithm = \"minibatch\"");
  if (!said && !given)
    latL_error(L, "kmeans", "clusters is missing: latent.kmeans{ clusters = 3 }");
  if (!given) return;
  size_t K = given->sizes[LAT_K];
  if (said && K != o->clusters)
    latL_error(L, "kmeans", "init has %I rows for %I clusters", (lua_Integer)K,
               (lua_Integer)o->clusters);
  o->clusters = K;
  o->fit.given = given;
  lat_kmeans_complete(given);
  latL_madewith(L, model, "clusters", K);
  latL_keepgiven(L, model);
}

/* labels and inertia, which lie aside until then */
static void record(lua_State *L, int fitted)
{
  lat_kmeans kmeans = lat_kmeans_of(lua_touserdata(L, fitted));
  if (isnan(kmeans.inertia)) return;
  if (kmeans.labels) {
    double *labels = latL_newvector(L, kmeans.N, LAT_FLOAT64)->view.data;
    for (size_t i = 0; i < kmeans.N; i++) labels[i] = kmeans.labels[i];
    latL_record(L, fitted, "labels");
  }
  lua_pushnumber(L, kmeans.inertia);
  latL_record(L, fitted, "inertia");
  latL_dropaside(L, fitted);
}

const latL_Kind latL_kmeans_kind = {.name = "kmeans",
                                    .metatable = "latent.KMeans",
                                    .gaps = LATL_GAPS_BY("gmm"),
                                    .core = &lat_kmeans_model,
                                    .read = read_options,
                                    .record = record};
