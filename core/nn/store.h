/* store.h: all parameters of some nets in one flat, named store.
 *
 * Every parameter is a matrix rows x cols (a bias is 1 x n) with a name like
 * "encoder.1.weight". Their elements, their gradients and (when asked for) their moving
 * averages lie in flat vectors of one layout, each parameter padded with zeros to whole cache
 * lines. So an optimizer, clipping, averaging, copying and saving are one loop each.
 *
 *   lat_store store;
 *   lat_store_init(&store, LAT_FLOAT32, seed);
 *   lat_net_mlp(work, &store, "encoder", ...);       (layers.h) adds parameters
 *   lat_store_seal(work, &store);                    allocates the gradients
 *   ...
 *   lat_store_done(&store);
 *
 * One thread at a time uses a store: it also has the nodes of its parameters on a tape.
 *
 * The first tape or optimizer that uses a store seals it: from then on its memory doesn't move
 * and nothing can be added. Values are drawn when a parameter is added, from the store's seed and
 * the parameter's number; so nets made in the same order begin with the same numbers. */
#ifndef LAT_NN_STORE_H
#define LAT_NN_STORE_H

#include <stdint.h>

#include "matrix/matrix.h"

#define LAT_STORE_NAME 96 /* bytes of a name, with its final 0 */

typedef enum lat_init {
  LAT_INIT_ZERO,
  LAT_INIT_HE,         /* N(0, 2/rows): He, Zhang, Ren and Sun 2015, for relu */
  LAT_INIT_GLOROT,     /* uniform, variance 2/(rows + cols): Glorot and Bengio 2010, for tanh */
  LAT_INIT_LECUN,      /* N(0, 1/rows): LeCun, Bottou, Orr and Mueller 1998 */
  LAT_INIT_TORCH,      /* uniform, variance 1/(3 rows): torch.nn.Linear, weight and bias */
  LAT_INIT_ORTHOGONAL, /* orthonormal columns, or rows if they are fewer: Saxe et al. 2014 */
  LAT_INIT_AUTO,       /* layers: lat_init_for of each layer's own activation; else as zero */
  LAT_INITS
} lat_init;
extern const char *const lat_init_names[LAT_INITS + 1]; /* ended by NULL */

typedef struct lat_store_item {
  char name[LAT_STORE_NAME];
  size_t rows, cols;
  size_t offset;    /* of its first element in the flat vectors */
  bool fixed;       /* it is kept and saved, but has no gradient, and no optimizer moves it */
  const void *tape; /* its node in this step, see lat_nn_parameter */
  uint32_t step, node;
} lat_store_item;

typedef struct lat_store {
  lat_dtype dtype;
  uint64_t seed;
  lat_allocator allocator; /* of all its memory: that of the workspace of the first lat_store_add */
  lat_store_item *items;
  size_t count, capacity;
  size_t size;    /* elements of a flat vector, padding included */
  size_t numbers; /* the same without padding */
  size_t fixed;   /* how many of them are fixed */
  bool sealed;
  void *values, *gradients; /* flat vectors, aligned to LAT_ALIGNMENT */
  void *average;            /* of the values, or NULL; see optimizers.h */
  uint64_t averaged;        /* how often */
  double *parts;            /* scratch for sums of pieces, see optimizers.c */
  size_t value_capacity;    /* elements that `values` has memory for, before sealing */
} lat_store;

void lat_store_init(lat_store *store, lat_dtype dtype, uint64_t seed);
void lat_store_done(lat_store *store);

/* Adds a parameter, set by `init` times `gain`; `fan_in` replaces rows in the formulas above (a
 * bias has its weight's), 0 is rows itself. *index is its number. LAT_INVALID when the store is
 * sealed, or the name exists already, is empty or too long. */
lat_status lat_store_add(lat_workspace *work, lat_store *store, const char *name, size_t rows,
                         size_t cols, lat_init init, double gain, size_t fan_in, size_t *index);

/* Fixes a parameter, once: what a net keeps beside its weights, such as the scales of its data. */
void lat_store_fix(lat_store *store, size_t index);

/* Makes the flat vectors of gradients; may be called again. */
lat_status lat_store_seal(lat_workspace *work, lat_store *store);

/* A parameter as a matrix: its values, gradients or averages (`flat` is one of these vectors). */
lat_matrix lat_store_view(const lat_store *store, void *flat, size_t index);

/* The number of the parameter `name`, or SIZE_MAX. */
size_t lat_store_find(const lat_store *store, const char *name);

/* The values of `other`, a store of the same layout. LAT_SHAPE when it isn't. */
lat_status lat_store_assign(lat_workspace *work, lat_store *store, const lat_store *other);

/* *to := a view of the store with the values of `flat` (its own, or its averages) as `dtype`: for
 * nets as constants. Keeps a copy of them where they are of the other type. */
lat_status lat_store_as(lat_workspace *work, const lat_store *store, void *flat, lat_dtype dtype,
                        lat_store *to);

/* A fresh flat vector of zeros in the store's layout, for moments, to be freed by lat_memory_free
 * with the store's allocator. NULL when there is no memory. */
void *lat_store_vector(const lat_store *store);

#endif
