/* units.h: the data's own units: each column's mean and deviation, in which nets see it.
 *
 *   z_j = (x_j - mean_j)/deviation_j,      log p(x) = log p(z) - sum_j log deviation_j
 *
 * They are parameters of the store (1 x D), so that files have them, fixed to optimizers:
 * data.deviation, and the mean as a sum, data.mean and data.rest, which of a float32 store has 48
 * bits: of times in seconds, say, a float32 alone can be off by many deviations. All are 0 until
 * data are seen: then z is x.
 *
 * A fit begins with the units of all its rows. Steps alone show a batch at a time, and the units of
 * one batch can be far off where a column is mostly quiet: so the rows of the following steps are
 * added to what the units are of, until these are LAT_UNITS_ROWS rows (limits.h). data.rows counts
 * them. */
#ifndef LAT_DEEP_COMMON_UNITS_H
#define LAT_DEEP_COMMON_UNITS_H

#include "matrix/moments.h"
#include "nn/store.h"

typedef struct lat_units {
  const lat_store *store;
  size_t mean, rest, deviation, rows; /* numbers of the parameters */
  bool constant;                      /* columns may be: then a fit's deviation of them is 1 */
} lat_units;

/* Adds the parameters to the store, for D columns. */
lat_status lat_units_add(lat_workspace *work, lat_store *store, size_t D, lat_units *units);

/* Units of these rows (1/N), or with `standardize` false the mean 0 and the deviation 1.
 * LAT_INVALID, naming it, for a column that is constant (unless these may be) or whose moments the
 * store's type doesn't hold; the units are then not known. X is finite. */
lat_status lat_units_begin(lat_workspace *work, const lat_units *units, const lat_matrix *X,
                           bool standardize);
/* How many numbers the parameters of D columns are. */
size_t lat_units_numbers(size_t D);

/* Says that the rows that the units began with are the first of more to come, and that these are
 * some of them: units are then those of all so far (Chan, Golub and LeVeque, The American
 * Statistician 37, 1983). What would take them beyond the store's type is left out. */
void lat_units_open(const lat_units *units, size_t rows);
lat_status lat_units_follow(lat_workspace *work, const lat_units *units, const lat_matrix *X);

bool lat_units_known(const lat_units *units);

/* Mean and deviation of a column; 0 and 1 before data are seen. */
void lat_units_of(const lat_units *units, size_t column, double *mean, double *deviation);
/* Z := the rows of X in these units; and X := what rows Z in these units are. N x D both, of any
 * type and view; one matrix may be both. */
void lat_units_standardize(const lat_units *units, const lat_matrix *X, const lat_matrix *Z);
void lat_units_restore(const lat_units *units, const lat_matrix *Z, const lat_matrix *X);
/* LAT_INVALID, naming row and column, for a number of X, called `name`, that in these units (NULL:
 * as it is, such as of latent variables) is so large that nets of this type overflow (limits.h). X
 * is finite. */
lat_status lat_units_check(lat_workspace *work, const lat_units *units, lat_dtype dtype,
                           const char *name, const lat_matrix *X);
/* The sum of the logarithms of the deviations. */
double lat_units_log_scale(const lat_units *units);

/* Mean and deviation (1/N) of every column of A. Keeps them. */
lat_status lat_units_moments(lat_workspace *work, const lat_matrix *A, lat_column_moments *moments);

#endif
