/* metrics.h: measures of two samples by name (functions.h): distances (sample_distances.h), and
 * shares by nearest neighbours or known modes (sample_neighbours.h); of one, silhouettes
 * (silhouette.h). */
#ifndef LAT_MATRIX_METRICS_H
#define LAT_MATRIX_METRICS_H

#include "matrix/functions.h"

extern const lat_function lat_metric_functions[];

#endif
