/* optimizers.c: SGD, Adam, AdamW, Adamax and RMSprop on the flat vectors of a store (optimizers.h).
 *
 * Gradients are searched for NaN and infinities first, so that a step is done completely or not at
 * all. */
#include "nn/optimizers.h"

#include <math.h>
#include <string.h>

#include "base/clones.h"
#include "base/vector_kernels.h"
#include "nn/kernels.h"

const char *const lat_optimizer_names[LAT_OPTIMIZERS + 1] = {[LAT_SGD] = "sgd",
                                                             [LAT_ADAM] = "adam",
                                                             [LAT_ADAMW] = "adamw",
                                                             [LAT_ADAMAX] = "adamax",
                                                             [LAT_RMSPROP] = "rmsprop"};

#define BELOW_1 (1 - 1e-15)
#define OPTION(name_, field, otherwise, least, most)                                               \
  {                                                                                                \
    .name = name_, LAT_NUMBER, offsetof(lat_optimizer, field), otherwise, least, most, NULL, NULL, \
    NULL                                                                                           \
  }
#define BETA1         OPTION("beta1", beta1, 0.9, 0, BELOW_1)
#define BETA2         OPTION("beta2", beta2, 0.999, 0, BELOW_1)
#define EPSILON       OPTION("epsilon", epsilon, 1e-8, 1e-300, 1e30)
#define DECAY(weight) OPTION("weight_decay", weight_decay, weight, 0, 1e30)
static const lat_option of_sgd[] = {OPTION("momentum", beta1, 0, 0, BELOW_1),
                                    LAT_OPTION_BOOLEAN(lat_optimizer, nesterov, false),
                                    DECAY(0),
                                    {.name = NULL}};
static const lat_option of_adam[] = {BETA1, BETA2, EPSILON, DECAY(0), {.name = NULL}};
static const lat_option of_adamw[] = {BETA1, BETA2, EPSILON, DECAY(0.01), {.name = NULL}};
static const lat_option of_rmsprop[] = {
    OPTION("decay", beta2, 0.99, 0, BELOW_1), EPSILON, DECAY(0), {.name = NULL}};

const lat_option *const lat_optimizer_tables[LAT_OPTIMIZERS] = {[LAT_SGD] = of_sgd,
                                                                [LAT_ADAM] = of_adam,
                                                                [LAT_ADAMW] = of_adamw,
                                                                [LAT_ADAMAX] = of_adam,
                                                                [LAT_RMSPROP] = of_rmsprop};
const double lat_optimizer_rates[LAT_OPTIMIZERS] = {[LAT_SGD] = 0.01,
                                                    [LAT_ADAM] = 1e-3,
                                                    [LAT_ADAMW] = 1e-3,
                                                    [LAT_ADAMAX] = 2e-3,
                                                    [LAT_RMSPROP] = 0.01};

/* The numbers of one step. */
typedef struct numbers {
  double rate, beta1, beta2, epsilon, decay, correction1, correction2;
  bool nesterov, decoupled;
} numbers;

static inline float root32(float x)
{
  return sqrtf(x);
}

static inline double root64(double x)
{
  return sqrt(x);
}

#define TEMPLATE "nn/optimizers_template.h"
#include "nn/both_types.h"
#include "nn/limits.h"

/* ---- which parameters ------------------------------------------------------------------------ */

static bool begins_with(const char *name, const char *prefix)
{
  return strncmp(name, prefix, strlen(prefix)) == 0;
}

/* The flat vectors' ranges of the parameters with one of the prefixes; neighbours are one range. */
static lat_status choose(lat_workspace *work, lat_optimizer *o, const char *const *prefixes,
                         size_t count)
{
  const lat_store *store = o->store;
  for (size_t k = 0; k < count; k++) {
    size_t i = 0;
    while (i < store->count && !begins_with(store->items[i].name, prefixes[k])) i++;
    if (i == store->count)
      return lat_fail(work, LAT_INVALID, "no parameter's name begins with '%.60s'", prefixes[k]);
  }
  o->ranges = lat_memory_allocate(&o->allocator, store->count + 1, sizeof *o->ranges);
  if (!o->ranges) return lat_fail(work, LAT_MEMORY, "not enough memory for an optimizer");
  for (size_t i = 0; i < store->count; i++) {
    bool mine = count == 0, fixed = store->items[i].fixed;
    for (size_t k = 0; k < count; k++)
      mine = mine || begins_with(store->items[i].name, prefixes[k]);
    if (!mine || fixed) continue;
    size_t begin = store->items[i].offset;
    size_t end = i + 1 < store->count ? store->items[i + 1].offset : store->size;
    if (o->range_count && o->ranges[o->range_count - 1][1] == begin) {
      o->ranges[o->range_count - 1][1] = end;
    } else {
      o->ranges[o->range_count][0] = begin;
      o->ranges[o->range_count++][1] = end;
    }
  }
  return LAT_OK;
}

lat_status lat_optimizer_init(lat_workspace *work, lat_optimizer *o, lat_optimizer_kind kind,
                              lat_store *store, const char *const *prefixes, size_t count)
{
  lat_options_default(lat_optimizer_tables[kind], o, sizeof *o);
  o->kind = kind;
  o->store = store;
  o->allocator = store->allocator;
  if (store->count == 0) return lat_fail(work, LAT_INVALID, "the store has no parameters yet");
  LAT_TRY(lat_store_seal(work, store));
  LAT_TRY(choose(work, o, prefixes, count));
  bool first = kind != LAT_RMSPROP, second = kind != LAT_SGD;
  if (first) o->first = lat_store_vector(store);
  if (second) o->second = lat_store_vector(store);
  if ((!first || o->first) && (!second || o->second)) return LAT_OK;
  lat_optimizer_done(o);
  return lat_fail(work, LAT_MEMORY, "not enough memory for an optimizer");
}

void lat_optimizer_done(lat_optimizer *o)
{
  lat_memory_free(&o->allocator, o->first);
  lat_memory_free(&o->allocator, o->second);
  lat_memory_free(&o->allocator, o->ranges);
  o->first = o->second = NULL;
  o->ranges = NULL;
  o->range_count = 0;
}

/* ---- the step -------------------------------------------------------------------------------- */

static void *at(const lat_store *store, void *flat, size_t offset)
{
  return flat ? (char *)flat + offset * lat_dtype_size(store->dtype) : NULL;
}

/* Runs a kernel that computes a number for each piece of n elements of a sealed store; their
 * sum. */
static double sum_pieces(const lat_store *store, lat_nn_kernel *kernel, const void *flat, size_t n)
{
  size_t pieces = (n + LAT_STORE_PIECE - 1) / LAT_STORE_PIECE;
  double sum = 0;
  lat_args args = {.a = flat, .n = n, .y = store->parts};
  lat_nn_run(kernel, &args, pieces, LAT_STORE_PIECE);
  for (size_t p = 0; p < pieces; p++) sum += store->parts[p];
  return sum;
}

/* LAT_INVALID, naming the first parameter whose gradient isn't finite. */
static lat_status name_bad(lat_workspace *work, const lat_store *store)
{
  for (size_t i = 0; i < store->count; i++) {
    lat_matrix G = lat_store_view(store, store->gradients, i);
    for (size_t k = 0; k < G.rows * G.cols; k++) {
      double g = lat_get(&G, k / G.cols, k % G.cols);
      if (!isfinite(g))
        return lat_fail(
            work, LAT_INVALID,
            "the gradient of '%s' is %s; the parameters are those of the last good step",
            store->items[i].name, isnan(g) ? "NaN" : "infinite");
    }
  }
  return LAT_OK;
}

static lat_nn_kernel *kernel_of(const lat_optimizer *o)
{
  bool wide = o->store->dtype == LAT_FLOAT64;
  switch (o->kind) {
  case LAT_SGD:
    return wide ? sgd64 : sgd32;
  case LAT_ADAMAX:
    return wide ? adamax64 : adamax32;
  case LAT_RMSPROP:
    return wide ? rmsprop64 : rmsprop32;
  default:
    return wide ? adam64 : adam32;
  }
}

lat_status lat_optimizer_step(lat_workspace *work, lat_optimizer *o, double rate)
{
  lat_store *store = o->store;
  lat_nn_kernel *count_bad = store->dtype == LAT_FLOAT64 ? count_bad64 : count_bad32;
  double bad = 0;
  if (!isfinite(rate))
    return lat_fail(work, LAT_INVALID, "the learning rate must be finite, got %g", rate);
  for (size_t r = 0; r < o->range_count && bad == 0; r++)
    bad = sum_pieces(store, count_bad, at(store, store->gradients, o->ranges[r][0]),
                     o->ranges[r][1] - o->ranges[r][0]);
  if (bad > 0) return name_bad(work, store);
  o->steps++;
  numbers s = {.rate = rate,
               .beta1 = o->beta1,
               .beta2 = o->beta2,
               .epsilon = o->epsilon,
               .decay = o->weight_decay,
               .correction1 = 1 - pow(o->beta1, (double)o->steps),
               .correction2 = 1 - pow(o->beta2, (double)o->steps),
               .nesterov = o->nesterov,
               .decoupled = o->kind == LAT_ADAMW};
  for (size_t r = 0; r < o->range_count; r++) {
    size_t begin = o->ranges[r][0], n = o->ranges[r][1] - begin;
    bool plain = o->kind == LAT_SGD && o->beta1 == 0;
    lat_args args = {.a = at(store, store->gradients, begin),
                     .c = &s,
                     .x = at(store, store->values, begin),
                     .y = plain ? NULL : at(store, o->first, begin),
                     .z = at(store, o->second, begin)};
    lat_nn_run(kernel_of(o), &args, n, 4);
  }
  return LAT_OK;
}

/* ---- whole stores ---------------------------------------------------------------------------- */

double lat_store_clip(lat_store *store, double most)
{
  bool wide = store->dtype == LAT_FLOAT64;
  double norm =
      sqrt(sum_pieces(store, wide ? squares64 : squares32, store->gradients, store->size));
  if (!(norm > most) || !isfinite(norm)) return norm;
  lat_args args = {.x = store->gradients, .s = most / norm};
  lat_nn_run(wide ? scale_by64 : scale_by32, &args, store->size, 1);
  return norm;
}

lat_status lat_store_average(lat_workspace *work, lat_store *store, double decay)
{
  LAT_TRY(lat_store_seal(work, store));
  if (!store->average) store->average = lat_store_vector(store);
  if (!store->average)
    return lat_fail(work, LAT_MEMORY, "not enough memory for %zu averages", store->size);
  double n = (double)store->averaged++, warm = (1 + n) / (10 + n);
  double d = n == 0 ? 0 : decay < warm ? decay : warm;
  lat_args args = {.a = store->values, .x = store->average, .s = d, .t = 1 - d};
  lat_nn_run(store->dtype == LAT_FLOAT64 ? blend64 : blend32, &args, store->size, 2);
  return LAT_OK;
}

void lat_store_swap(lat_store *store)
{
  lat_args args = {.x = store->values, .y = store->average};
  if (store->average)
    lat_nn_run(store->dtype == LAT_FLOAT64 ? exchange64 : exchange32, &args, store->size, 2);
}

/* ---- schedules ------------------------------------------------------------------------------- */

double lat_schedule_cosine(double step, double steps, double final)
{
  double t = step < steps ? step / steps : 1;
  return final + (1 - final) * 0.5 * (1 + cos(3.14159265358979323846 * t));
}

double lat_schedule_warm_up(double step, double steps)
{
  return step + 1 < steps ? (step + 1) / steps : 1;
}
