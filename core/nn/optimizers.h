/* optimizers.h: steps of gradient descent with the gradients of a store.
 *
 * An optimizer processes a range of the flat vectors in one fused loop, with moments of its own in
 * the same layout. The learning rate is an argument of the step, so a schedule is a product:
 *
 *   lat_optimizer_step(work, &adam, 1e-3 * lat_schedule_cosine(adam.steps, 4690, 0))
 * */
#ifndef LAT_NN_OPTIMIZERS_H
#define LAT_NN_OPTIMIZERS_H

#include "base/options.h"
#include "nn/store.h"

typedef enum lat_optimizer_kind {
  LAT_SGD,     /* v = momentum v + g, w -= rate v; Nesterov: w -= rate (g + momentum v) */
  LAT_ADAM,    /* Kingma and Ba 2015, Algorithm 1; weight decay is added to g */
  LAT_ADAMW,   /* Loshchilov and Hutter 2019: w -= rate decay w, apart from Adam's step */
  LAT_ADAMAX,  /* Kingma and Ba 2015, Algorithm 2 */
  LAT_RMSPROP, /* Tieleman and Hinton 2012; w -= rate g / (sqrt(s) + epsilon) */
  LAT_OPTIMIZERS
} lat_optimizer_kind;
extern const char *const lat_optimizer_names[LAT_OPTIMIZERS + 1]; /* ended by NULL */

typedef struct lat_optimizer {
  lat_optimizer_kind kind;
  lat_store *store;
  double beta1, beta2; /* Adam and its kin; RMSprop's decay is beta2, the momentum of SGD beta1 */
  double epsilon, weight_decay;
  bool nesterov;
  uint64_t steps;
  lat_allocator allocator; /* the store's */
  void *first, *second;    /* moments, flat; NULL where the method has none */
  size_t (*ranges)[2];     /* begin and end in the flat vectors, of the parameters it moves */
  size_t range_count;
} lat_optimizer;

/* The options of each kind, fields of lat_optimizer by the names that they have for it ("momentum",
 * "decay"), and its usual learning rate. */
extern const lat_option *const lat_optimizer_tables[LAT_OPTIMIZERS];
extern const double lat_optimizer_rates[LAT_OPTIMIZERS];

/* Defaults: beta1 0.9, beta2 0.999, epsilon 1e-8, weight_decay 0 (AdamW 0.01), SGD without
 * momentum, RMSprop's beta2 0.99. Moves the parameters that aren't fixed and whose names begin with
 * one of `prefixes` (count of them; 0 is all). Seals the store. LAT_INVALID when no name has a
 * prefix. */
lat_status lat_optimizer_init(lat_workspace *work, lat_optimizer *optimizer,
                              lat_optimizer_kind kind, lat_store *store,
                              const char *const *prefixes, size_t count);
void lat_optimizer_done(lat_optimizer *optimizer);

/* One step. LAT_INVALID, naming the parameter, when a gradient is NaN or infinite: then nothing has
 * changed. */
lat_status lat_optimizer_step(lat_workspace *work, lat_optimizer *optimizer, double rate);

/* The Euclidean norm of all gradients of a sealed store; they are scaled down so that it is at most
 * `most`. Infinite or NaN norms leave them as they are (and the optimizer's step fails). */
double lat_store_clip(lat_store *store, double most);

/* average := d average + (1 - d) values, d = min(decay, (1 + n)/(10 + n)) at call n, so that the
 * first steps soon lose their weight. The first call (n = 0) copies. */
lat_status lat_store_average(lat_workspace *work, lat_store *store, double decay);
/* Exchanges values and averages. */
void lat_store_swap(lat_store *store);

/* Factors of the learning rate at a step, from 0. */
double lat_schedule_cosine(double step, double steps, double final); /* 1 to `final`, then that */
double lat_schedule_warm_up(double step, double steps);              /* (step + 1)/steps, up to 1 */

#endif
