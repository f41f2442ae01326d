/* pca_internal.h: the parameters of PCA as what makes them writes them. Private. */
#ifndef LAT_PROJECTION_PCA_INTERNAL_H
#define LAT_PROJECTION_PCA_INTERNAL_H

#include "projection/pca.h"

extern const lat_parameter lat_pca_parameters[];

/* The members of lat_pca. */
typedef struct lat_pca_parts {
  double *mean, *deviation, *components, *eigenvalues, *explained_ratio, *total_variance;
} lat_pca_parts;

lat_pca_parts lat_pca_parts_of(double *flat, size_t D, size_t M);

#endif
