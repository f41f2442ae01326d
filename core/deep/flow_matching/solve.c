/* flow_matching/solve.c: along the flow: transforms and their inverses, velocities, densities and
 * draws (flow_matching.h), in chunks of rows with the parameters as constants, each on a tape of
 * its own (deep/common/rows.h), which forgets an evaluation of the net before the next one.
 *
 * A row's state is its x in units of deviations, and for densities, behind it, the integral of the
 * divergence from t = 1 on. */
#include <math.h>
#include <string.h>

#include "deep/common/decoder.h"
#include "deep/flow_matching/internal.h"
#include "matrix/random_matrix.h"

typedef struct use {
  const lat_flow_matching *model;
  lat_store store;  /* the weights that are used, of the type that is computed in */
  lat_time_net net; /* the model's, on this store */
  lat_ode ode;
  const lat_matrix *X, *Y;   /* rows that come in, and go out (or NULL) */
  const char *name;          /* of those that come in, for messages */
  bool from_data, to_data;   /* whether these are in units of the data, or of deviations */
  const size_t *labels;      /* of all rows, or NULL */
  double guidance, *numbers; /* numbers: log p(x), or NULL */
  size_t directions;         /* for a divergence; 0: it isn't wanted */
  bool exact;                /* they are the axes */
  uint64_t seed;
  double log_scale;
} use;

/* A chunk on its way. */
typedef struct path {
  const use *u;
  lat_tape *tape;
  lat_tape_mark begin;
  size_t first;
} path;

/* ---- velocities ------------------------------------------------------------------------------ */

/* Labels of the rows at these places, or those of no class; NULL where there are none. */
static const size_t *labels_of(const path *p, const lat_ode_rows *rows, bool null)
{
  const use *u = p->u;
  if (!u->labels) return NULL;
  size_t *labels = lat_tape_bytes(p->tape, rows->count, sizeof *labels);
  for (size_t i = 0; labels && i < rows->count; i++)
    labels[i] = null ? LAT_NULL_CLASS : u->labels[p->first + rows->place[i]];
  return labels;
}

static lat_value inputs_of(const path *p, const lat_ode_rows *rows, const lat_matrix *x,
                           const size_t *labels)
{
  const lat_time_rows of = {.X = x, .labels = labels, .t = rows->t};
  return lat_time_net_inputs(p->tape, &p->u->net, &of, false);
}

static lat_value plain_velocity(const path *p, const lat_ode_rows *rows, const lat_matrix *x,
                                bool null)
{
  const use *u = p->u;
  const size_t *labels = labels_of(p, rows, null);
  if (rows->one_time)
    return lat_time_net_at(p->tape, &u->net, &u->store, lat_nn_input(p->tape, x, false), rows->t[0],
                           labels);
  return lat_time_net_constant(p->tape, &u->net, &u->store, inputs_of(p, rows, x, labels));
}

static lat_value velocity(const path *p, const lat_ode_rows *rows, const lat_matrix *x)
{
  double w = p->u->guidance;
  lat_value v = plain_velocity(p, rows, x, w == -1);
  if (!p->u->labels || w == 0 || w == -1) return v;
  lat_value none = plain_velocity(p, rows, x, true);
  return lat_nn_add(p->tape, lat_nn_affine(p->tape, v, 1 + w, 0),
                    lat_nn_affine(p->tape, none, -w, 0));
}

/* Directions of the rows: their axes, or random signs, which are a function of the row. */
static lat_value directions_of(const path *p, const lat_ode_rows *rows)
{
  const use *u = p->u;
  size_t K = u->directions, D = u->X->cols;
  lat_value value = lat_nn_fill(p->tape, rows->count * K, D, 0);
  lat_matrix V = lat_tape_value(p->tape, value);
  for (size_t i = 0; V.data && i < rows->count; i++) {
    lat_random random = {.seed = u->seed, .stream = p->first + rows->place[i]};
    uint64_t bits = 0;
    for (size_t k = 0; k < K; k++)
      for (size_t d = 0; d < D; d++) {
        if (!u->exact && (k * D + d) % 64 == 0) bits = lat_random_word(&random);
        lat_set(&V, i * K + k, d, u->exact ? k == d : bits & 1 ? 1 : -1);
        bits >>= 1;
      }
  }
  return value;
}

/* v, and behind it div v: the mean of r' (dv/dx) r, or the sum over the axes. */
static void with_divergence(const path *p, const lat_ode_rows *rows, const lat_matrix *x)
{
  const use *u = p->u;
  size_t K = u->directions, D = u->X->cols;
  lat_value r = directions_of(p, rows);
  lat_divergence both = lat_flow_matching_divergence(
      p->tape, &u->net, inputs_of(p, rows, x, labels_of(p, rows, false)), r, K);
  lat_matrix v = lat_tape_value(p->tape, both.velocity);
  lat_matrix a = lat_tape_value(p->tape, both.along), V = lat_tape_value(p->tape, r);
  for (size_t i = 0; v.data && a.data && V.data && i < rows->count; i++) {
    double *dx = rows->dx + i * (D + 1), sum = 0;
    for (size_t d = 0; d < D; d++) dx[d] = lat_get(&v, i, d);
    for (size_t k = i * K; k < (i + 1) * K; k++)
      for (size_t d = 0; d < D; d++) sum += lat_get(&a, k, d) * lat_get(&V, k, d);
    dx[D] = u->exact ? sum : sum / (double)K;
  }
}

static lat_status field(void *context, const lat_ode_rows *rows)
{
  const path *p = context;
  size_t D = p->u->X->cols, S = D + (p->u->directions > 0);
  lat_matrix x = {(double *)(size_t)rows->x, rows->count, D, (ptrdiff_t)S, 1, LAT_FLOAT64};
  lat_tape_rewind(p->tape, p->begin);
  if (p->u->directions > 0) {
    with_divergence(p, rows, &x);
    return p->tape->status;
  }
  lat_matrix v = lat_tape_value(p->tape, velocity(p, rows, &x));
  lat_matrix to = lat_matrix_of(rows->dx, rows->count, D);
  if (v.data) lat_copy(&v, &to);
  return p->tape->status;
}

/* ---- chunks ---------------------------------------------------------------------------------- */

/* Y := rows of X, in the other units where one of them is those of the data. */
static void change_units(const use *u, const lat_matrix *X, bool from_data, bool to_data,
                         const lat_matrix *Y)
{
  if (from_data == to_data)
    lat_copy(X, Y);
  else
    (to_data ? lat_units_restore : lat_units_standardize)(&u->model->units, X, Y);
}

/* log N(z; 0, I) + the integral of the divergence, of a row's state. */
static double log_density(const use *u, const double *state, size_t D)
{
  double squares = 0;
  for (size_t d = 0; d < D; d++) squares += state[d] * state[d];
  return state[D] - squares / 2 - (double)D / 2 * log(2 * acos(-1)) - u->log_scale;
}

static lat_status follow(void *context, lat_tape *tape, size_t first, size_t count)
{
  const use *u = context;
  size_t D = u->X->cols, S = D + (u->directions > 0);
  double *state = lat_tape_bytes(tape, count, S * sizeof *state);
  double *scratch = lat_tape_bytes(tape, count, lat_ode_scratch(S) * sizeof *scratch);
  if (!state || !scratch) return tape->status;
  lat_matrix in = lat_block_of(*u->X, first, 0, count, D);
  lat_matrix x = {state, count, D, (ptrdiff_t)S, 1, LAT_FLOAT64};
  change_units(u, &in, u->from_data, false, &x);
  for (size_t i = 0; S > D && i < count; i++) state[i * S + D] = 0;
  path p = {u, tape, lat_tape_here(tape), first};
  lat_ode ode = u->ode;
  ode.context = &p;
  LAT_TRY(lat_ode_solve(&tape->memory, &ode, count, S, state, scratch));
  if (u->Y) {
    lat_matrix out = lat_block_of(*u->Y, first, 0, count, D);
    change_units(u, &x, false, u->to_data, &out);
  }
  for (size_t i = 0; u->numbers && i < count; i++)
    u->numbers[first + i] = log_density(u, state + i * S, D);
  return LAT_OK;
}

static lat_status velocity_chunk(void *context, lat_tape *tape, size_t first, size_t count)
{
  const use *u = context;
  size_t D = u->X->cols;
  double *t = lat_tape_bytes(tape, count, sizeof *t);
  double *x = lat_tape_bytes(tape, 2 * count, D * sizeof *x);
  size_t *place = lat_tape_bytes(tape, count, sizeof *place);
  if (!t || !x || !place) return tape->status;
  lat_matrix in = lat_block_of(*u->X, first, 0, count, D), at = lat_matrix_of(x, count, D);
  change_units(u, &in, u->from_data, false, &at);
  for (size_t i = 0; i < count; i++) t[i] = u->ode.from, place[i] = i;
  path p = {u, tape, lat_tape_here(tape), first};
  const lat_ode_rows rows = {count, place, t, x, true, x + count * D};
  LAT_TRY(field(&p, &rows));
  for (size_t j = 0; j < D; j++) {
    double mean, deviation;
    lat_units_of(&u->model->units, j, &mean, &deviation);
    for (size_t i = 0; i < count; i++) lat_set(u->Y, first + i, j, deviation * rows.dx[i * D + j]);
  }
  return LAT_OK;
}

/* ---- calls ----------------------------------------------------------------------------------- */

/* The model's weights, its solver as the request has it, and labels. Keeps them. */
static lat_status begin_use(lat_workspace *work, const lat_flow_matching *model,
                            const lat_request *r, size_t rows, use *u)
{
  const lat_flow_matching_options *o = &model->options;
  const lat_store *store = &model->deep.store;
  void *weights = store->average && !r->raw ? store->average : store->values;
  *u = (use){.model = model, .net = model->net, .guidance = r->guidance, .name = "X"};
  u->ode = (lat_ode){.solver = r->solver < 0 ? o->solver : r->solver,
                     .steps = r->steps ? r->steps : o->steps,
                     .tolerance = r->tolerance > 0 ? r->tolerance : o->tolerance,
                     .field = field};
  u->log_scale = lat_units_log_scale(&model->units);
  u->net.net.store = &u->store;
  u->net.net.layers = u->net.layers;
  LAT_TRY(lat_time_net_labels(work, &o->net, r, rows, &u->labels));
  bool fine = u->ode.solver == LAT_ODE_DORMAND_PRINCE && u->ode.tolerance < LAT_FLOW_MATCHING_FINE;
  return lat_store_as(work, store, weights, fine ? LAT_FLOAT64 : store->dtype, &u->store);
}

static lat_status each_rows(lat_workspace *work, use *u, lat_rows_task *task)
{
  const lat_net *net = &u->net.net;
  const lat_units *units = u->from_data ? &u->model->units : NULL;
  LAT_TRY(lat_units_check(work, units, u->store.dtype, u->name, u->X));
  size_t D = u->X->cols, K = u->directions, S = D + (K > 0);
  size_t numbers = 2 * lat_time_net_tape_numbers(&u->net) * (1 + K) + 2 * D * (1 + K);
  size_t chunk = lat_rows_chunk(lat_net_width(net) * (1 + K));
  numbers += (S + lat_ode_scratch(S)) * sizeof(double) / lat_dtype_size(u->store.dtype);
  if (chunk > LAT_FLOW_MATCHING_CHUNK) chunk = LAT_FLOW_MATCHING_CHUNK;
  return lat_each_rows(work, u->store.dtype, 0, u->X->rows, chunk, numbers, task, u);
}

static void from_to(use *u, double from, double to)
{
  u->ode.from = from;
  u->ode.to = to;
}

static bool has_rows(const lat_flow_matching *model)
{
  return lat_flow_matching_source(model) == LAT_SOURCE_ROWS;
}

lat_status lat_flow_matching_transform(lat_workspace *work, const lat_flow_matching *model,
                                       const lat_request *r, const lat_matrix *Z)
{
  LAT_SCOPE(work);
  use u;
  LAT_TRY(lat_flow_matching_check_rows(work, model, "X", &r->X, r));
  LAT_TRY(begin_use(work, model, r, r->X.rows, &u));
  from_to(&u, 1, 0);
  u.X = &r->X;
  u.Y = Z;
  u.from_data = true;
  u.to_data = has_rows(model);
  return each_rows(work, &u, follow);
}

lat_status lat_flow_matching_inverse(lat_workspace *work, const lat_flow_matching *model,
                                     const lat_request *r, const lat_matrix *X)
{
  LAT_SCOPE(work);
  use u;
  LAT_TRY(lat_flow_matching_check_rows(work, model, "Z", &r->X, r));
  LAT_TRY(begin_use(work, model, r, r->X.rows, &u));
  from_to(&u, 0, 1);
  u.X = &r->X;
  u.Y = X;
  u.name = "Z";
  u.from_data = has_rows(model);
  u.to_data = true;
  return each_rows(work, &u, follow);
}

lat_status lat_flow_matching_velocity(lat_workspace *work, const lat_flow_matching *model,
                                      const lat_request *r, const lat_matrix *V)
{
  LAT_SCOPE(work);
  use u;
  LAT_TRY(lat_flow_matching_check_rows(work, model, "X", &r->X, r));
  LAT_TRY(begin_use(work, model, r, r->X.rows, &u));
  from_to(&u, r->time, r->time);
  u.X = &r->X;
  u.from_data = true;
  u.Y = V;
  return each_rows(work, &u, velocity_chunk);
}

lat_status lat_flow_matching_log_likelihood(lat_workspace *work, const lat_flow_matching *model,
                                            const lat_request *r, double *log_likelihood)
{
  LAT_SCOPE(work);
  use u;
  size_t D = model->options.input_dim;
  LAT_TRY(lat_flow_matching_check_rows(work, model, "X", &r->X, r));
  if (has_rows(model))
    return lat_fail(work, LAT_INVALID,
                    "the model has been trained with rows of a source, whose density isn't known");
  LAT_TRY(begin_use(work, model, r, r->X.rows, &u));
  from_to(&u, 1, 0);
  u.X = &r->X;
  u.from_data = true;
  u.numbers = log_likelihood;
  u.exact =
      r->trace == LAT_TRACE_EXACT || (r->trace == LAT_TRACE_AUTO && D <= LAT_FLOW_MATCHING_EXACT);
  u.directions = u.exact ? D : r->probes ? r->probes : LAT_FLOW_MATCHING_PROBES;
  u.seed = r->seed;
  return each_rows(work, &u, follow);
}

/* Starts: N(0, I), or rows of the source. */
static lat_status draw_starts(lat_workspace *work, const lat_request *r, lat_random *random,
                              const lat_matrix *Z)
{
  const lat_distribution normal = {.kind = LAT_NORMAL, .scale = 1};
  if (!r->source) return lat_random_matrix(work, random, &normal, Z);
  for (size_t i = 0; i < Z->rows; i++) {
    lat_matrix from =
        lat_block_of(*r->source, (size_t)lat_random_below(random, r->source->rows), 0, 1, Z->cols);
    lat_matrix to = lat_block_of(*Z, i, 0, 1, Z->cols);
    lat_copy(&from, &to);
  }
  return LAT_OK;
}

lat_status lat_flow_matching_sample(lat_workspace *work, const lat_flow_matching *model,
                                    const lat_request *r, lat_random *random, const lat_matrix *Z,
                                    const lat_matrix *X)
{
  LAT_SCOPE(work);
  use u;
  const lat_matrix *starts = Z ? Z : X;
  LAT_TRY(lat_deep_check_columns(work, "the result", X, model->options.input_dim));
  if (has_rows(model) && !r->source)
    return lat_fail(work, LAT_INVALID,
                    "the model has been trained with rows of a source: draws begin from rows of "
                    "one, which is missing");
  if (r->source) LAT_TRY(lat_flow_matching_check_rows(work, model, "the source", r->source, r));
  LAT_TRY(begin_use(work, model, r, X->rows, &u));
  LAT_TRY(draw_starts(work, r, random, starts));
  from_to(&u, 0, 1);
  u.X = starts;
  u.Y = X;
  u.name = "the source";
  u.from_data = r->source != NULL;
  u.to_data = true;
  return each_rows(work, &u, follow);
}
