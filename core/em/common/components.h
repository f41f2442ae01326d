/* components.h: the components of a mixture as a list: their order, weights and labels. */
#ifndef LAT_EM_COMMON_COMPONENTS_H
#define LAT_EM_COMMON_COMPONENTS_H

#include "em/fit.h"

/* order (K, from 0) := the components by the first of their `size` values (K x size), then the
 * second, and so on. */
void lat_components_rank(size_t K, size_t size, const double *values, size_t *order);

/* Blocks of `size` numbers, one a component, in a new order: new block i is old order[i]. `old` is
 * scratch for K * size numbers. */
void lat_components_permute(size_t K, size_t size, const size_t *order, double *blocks,
                            double *old);

/* LAT_INVALID unless there are as many components as the options say, and weights, which are the
 * first parameters, are a distribution. */
lat_status lat_components_check(lat_workspace *work, const lat_fitted *fitted, size_t components);

/* LAT_INVALID for a label of the fit's rows that is more than K. */
lat_status lat_components_check_labels(const lat_fit *fit, size_t K);

#endif
