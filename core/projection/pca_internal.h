/* pca_internal.h: the parameters of PCA as what makes them writes them. Private. */
#ifndef LAT_PROJECTION_PCA_INTERNAL_H
#define LAT_PROJECTION_PCA_INTERNAL_H

#include "base/parameters.h"

extern const lat_parameter lat_pca_parameters[];

/* The members of lat_pca (pca.h). */
typedef struct lat_pca_parts {
  double *mean, *deviation, *components, *eigenvalues, *explained_ratio, *total_variance;
} lat_pca_parts;

static inline lat_pca_parts lat_pca_parts_of(double *flat, size_t D, size_t M)
{
  lat_pca_parts p = {.mean = flat};
  p.deviation = p.mean + D;
  p.components = p.deviation + D;
  p.eigenvalues = p.components + D * M;
  p.explained_ratio = p.eigenvalues + M;
  p.total_variance = p.explained_ratio + M;
  return p;
}

#endif
