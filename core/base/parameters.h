/* parameters.h: what a model's parameters are, described once.
 *
 * All parameters of a model are one flat vector of doubles. A table names them in order, with
 * shapes in terms of the model's sizes, so that reading, saving, printing, sending and checking
 * them are the same code for all models:
 *
 *   static const lat_parameter lat_pca_parameters[] = {
 *     {"mean", {LAT_D}}, {"components", {LAT_D, LAT_M}}, ..., {NULL}};
 *
 * No sizes is a number, one a vector, two a matrix (row-major), three a list of matrices. */
#ifndef LAT_BASE_PARAMETERS_H
#define LAT_BASE_PARAMETERS_H

#include <stddef.h>

typedef enum lat_size {
  LAT_END = 0,
  LAT_D, /* dimensions of an observation */
  LAT_K, /* components */
  LAT_M, /* latent dimensions */
  LAT_U, /* inputs */
  LAT_SIZES
} lat_size;

typedef struct lat_parameter {
  const char *name; /* NULL ends a table */
  lat_size shape[3];
} lat_parameter;

/* The count of doubles of one parameter, and of the whole table; sizes[LAT_D] and so on are the
 * model's. */
size_t lat_parameter_count(const lat_parameter *parameter, const size_t sizes[LAT_SIZES]);
size_t lat_parameters_count(const lat_parameter *table, const size_t sizes[LAT_SIZES]);

/* Where the parameter `name` begins in the flat vector; NULL when the table has none. */
double *lat_parameter_at(const lat_parameter *table, const size_t sizes[LAT_SIZES], double *flat,
                         const char *name);

/* New part i := old part order[i] of every parameter whose first size is `size` (order is from 0);
 * `old` is scratch for the longest of these parameters. */
void lat_parameters_reorder(const lat_parameter *table, const size_t sizes[LAT_SIZES],
                            lat_size size, const size_t *order, double *flat, double *old);

#endif
